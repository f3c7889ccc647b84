// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Devices behind the fake IOMMU: bindings, cached translations, the order of invalidations, non-coherent walks, caching
 * mode, time-outs. Tables are written by hand.
 */
#include "t.h"

#include "rnd.h"

#define IOVA 0x200000ull

static struct sim *sim;
static struct sim_iommu *iommu;
static struct dmah_iommu *d;
static struct sim_device *dev;
static struct dmah_pt_info pt;
static uint64_t leaf_table, buffer; /* physical; the table is over the 2 MiB at IOVA */
static uint32_t tag;

static uint64_t present(uint64_t phys)
{
	return iommu->config.flavour == SIM_VTD ? phys | 3 : phys | 0xc43;
}

/* Write an entry through the CPU's pointer, so that it is dirty in the cache if there is one. */
static void set_entry(uint64_t iova, uint64_t value)
{
	uint64_t *table = dmah_host_table_virt(leaf_table);

	__atomic_store_n(&table[iova >> 12 & 511], value, __ATOMIC_RELEASE);
}

static void build_tables(unsigned int levels)
{
	uint64_t page[4];

	for (unsigned int i = 0; i < levels; i++)
		page[i] = dmah_host_virt_to_phys(dmah_host_page_alloc(0));
	for (unsigned int i = 0; i + 1 < levels; i++) {
		uint64_t *table = dmah_host_table_virt(page[i]);

		table[IOVA >> (12 + 9 * (levels - 1 - i)) & 511] = page[i + 1] | 3;
		if (sim_config_of(sim)->cache)
			dmah_host_cache(DMAH_CACHE_CLEAN, page[i], 4096);
	}
	leaf_table = page[levels - 1];
	if (sim_config_of(sim)->cache)
		dmah_host_cache(DMAH_CACHE_CLEAN, leaf_table, 4096);
	pt = (struct dmah_pt_info){ .format = d->formats[0],
				    .root = page[0],
				    .va_bits = 12 + 9 * levels,
				    .levels = levels };
}

static void begin_with(const struct sim_config *c, bool ats)
{
	sim = t_machine(c);
	iommu = sim_iommu(sim, 0);
	d = sim_fake_iommu(iommu);
	dev = sim_device_add(
		sim, &(struct sim_device_config){ .name = "disk", .id = 0x310, .ats = ats });
	assert_non_null(dev);
	sim_device_limits(dev, &sim_device_dmah(dev)->limits);
	build_tables(c->iommu[0].va_bits == 39 ? 3 : 4);
	buffer = sim_ram_take(sim, 1 << 20, 1 << 20);
	assert_int_equal(d->ops->tag_alloc(d, &tag), 0);
}

static void begin(const char *name, bool ats)
{
	struct sim_config c = t_config(name);

	posix_clock_manual(0);
	begin_with(&c, ats);
}

static int bind_to(enum dmah_bind how)
{
	return d->ops->bind(d, sim_device_dmah(dev), how, how == DMAH_BIND_TRANSLATE ? &pt : NULL,
			    how == DMAH_BIND_TRANSLATE ? tag : 0);
}

static int end(void **state)
{
	(void)state;
	sim_destroy(sim);
	sim = NULL;
	posix_clock_real();
	t_count_misuse(false);
	return 0;
}

static enum sim_reason reaches(uint64_t iova, bool write)
{
	return sim_dma_reaches(dev, iova, write, NULL);
}

static const char *const both[] = { "vtd", "smmu", "armmap" };

static void bindings(void **state)
{
	struct sim_fault f;
	uint8_t byte = 1;
	dmah_phys_t phys;

	for (size_t i = 0; i < 3; i++) {
		bool vtd = i == 0;

		begin(both[i], false);
		set_entry(IOVA, present(buffer));
		/* from power on a device reaches nothing */
		assert_int_equal(sim_dma_write(dev, IOVA, &byte, 1), SIM_FAULT_BLOCKED);
		assert_int_equal(sim_faults(sim, &f, 1), 1);
		assert_string_equal(f.device, "disk");
		assert_int_equal(f.id, 0x310);
		assert_int_equal(f.dma, IOVA);
		assert_true(f.write);
		assert_int_equal(f.code, vtd ? 0x1 : 0x06);
		assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
		assert_int_equal(sim_dma_reaches(dev, IOVA + 0x123, true, &phys), SIM_OK);
		assert_int_equal(phys, buffer + 0x123);
		assert_int_equal(sim_dma_write(dev, IOVA, &byte, 1), SIM_OK);
		sim_faults_clear(sim);
		assert_int_equal(sim_dma_read(dev, IOVA + 0x1000, &byte, 1), SIM_FAULT_TRANSLATION);
		assert_int_equal(sim_faults(sim, &f, 1), 1);
		assert_false(f.write);
		assert_int_equal(f.code, vtd ? 0x6 : 0x10);
		assert_int_equal(bind_to(DMAH_BIND_PASSTHROUGH), 0);
		assert_int_equal(sim_dma_reaches(dev, buffer, true, &phys), SIM_OK);
		assert_int_equal(phys, buffer);
		assert_int_equal(reaches(1ull << 50, true), SIM_FAULT_WIDTH);
		assert_int_equal(bind_to(DMAH_BIND_BLOCK), 0);
		assert_int_equal(reaches(IOVA, false), SIM_FAULT_BLOCKED);
		d->ops->tag_free(d, tag);
		end(state);
	}
}

static void refusals(void **state)
{
	struct sim_config c = t_config("vtd");
	struct dmah_device stranger = { .id = 0x999 };
	struct dmah_pt_info bad;
	uint32_t t;

	(void)state;
	c.iommu[0].no_passthrough = true;
	c.iommu[0].tags = 2;
	begin_with(&c, false);
	t_count_misuse(true);
	assert_int_equal(bind_to(DMAH_BIND_PASSTHROUGH), DMAH_ENOTSUP);
	assert_int_equal(d->ops->bind(d, &stranger, DMAH_BIND_BLOCK, NULL, 0), DMAH_ENOTSUP);
	bad = pt;
	bad.levels = 5;
	bad.va_bits = 57;
	assert_int_equal(d->ops->bind(d, sim_device_dmah(dev), DMAH_BIND_TRANSLATE, &bad, tag),
			 DMAH_ENOTSUP);
	bad = pt;
	bad.format = &dmah_pt_lpae_s1;
	assert_int_equal(d->ops->bind(d, sim_device_dmah(dev), DMAH_BIND_TRANSLATE, &bad, tag),
			 DMAH_ENOTSUP);
	assert_int_equal(d->ops->bind(d, sim_device_dmah(dev), DMAH_BIND_TRANSLATE, &pt, tag + 1),
			 DMAH_ENOTSUP);
	assert_int_equal(d->ops->tag_alloc(d, &t), 0);
	assert_int_not_equal(t, tag);
	assert_int_equal(d->ops->tag_alloc(d, &t), DMAH_ENOSPC);
	assert_int_equal(t_misuses, 0);
	assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
	d->ops->tag_free(d, tag);
	assert_int_equal(t_misuses, 1); /* in use */
	d->ops->tag_free(d, 77);
	assert_int_equal(t_misuses, 2);
	assert_int_equal(d->caps & DMAH_IOMMU_PASSTHROUGH, 0);
	assert_int_equal(d->nreserved, 1);
	assert_int_equal(d->reserved[0].base, 0xfee00000);
	assert_int_equal(reaches(0xfee00000, true), SIM_FAULT_INTERRUPT);
	assert_int_equal(reaches(0xfeefffff, true), SIM_FAULT_INTERRUPT);
	assert_int_equal(reaches(0xfef00000, true), SIM_FAULT_TRANSLATION);
}

static void stale_hits(void **state)
{
	struct sim_iommu_stats stats;
	dmah_phys_t phys;

	for (size_t i = 0; i < 3; i++) {
		begin(both[i], false);
		assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
		set_entry(IOVA, present(buffer));
		set_entry(IOVA + 0x1000, present(buffer + 0x1000));
		assert_int_equal(reaches(IOVA, true), SIM_OK);
		assert_int_equal(reaches(IOVA + 0x1000, true), SIM_OK);
		sim_iommu_stats(iommu, &stats);
		assert_int_equal(stats.walks, 2);
		assert_int_equal(stats.iotlb_entries, 2);
		set_entry(IOVA, 0);
		set_entry(IOVA + 0x1000, 0);
		posix_clock_advance(1000000000);
		assert_int_equal(reaches(IOVA, true), SIM_OK); /* stale */
		set_entry(IOVA, present(buffer + 0x7000));
		assert_int_equal(sim_dma_reaches(dev, IOVA, true, &phys), SIM_OK);
		assert_int_equal(phys, buffer); /* stale still */
		assert_int_equal(d->ops->invalidate(d, tag, IOVA + 0x2000, 0x1000, false, NULL), 1);
		assert_int_equal(d->ops->invalidate(d, tag + 1, IOVA, 0x1000, false, NULL), 1);
		assert_int_equal(reaches(IOVA + 0x1000, true), SIM_OK);
		assert_int_equal(d->ops->invalidate(d, tag, IOVA, 0x1000, false, NULL), 1);
		assert_int_equal(settle(d), 0);
		assert_int_equal(sim_dma_reaches(dev, IOVA, true, &phys), SIM_OK);
		assert_int_equal(phys, buffer + 0x7000);
		assert_int_equal(reaches(IOVA + 0x1000, true),
				 SIM_OK); /* its neighbour's entry lives on */
		assert_int_equal(d->ops->invalidate(d, tag, 0, 0, false, NULL), 1);
		assert_int_equal(reaches(IOVA + 0x1000, true), SIM_FAULT_TRANSLATION);
		end(state);
	}
}

static void posted_is_not_done(void **state)
{
	(void)state;
	begin("vtd", false);
	assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
	sim_fake_set_latency(iommu, 1000);
	set_entry(IOVA, present(buffer));
	assert_int_equal(reaches(IOVA, true), SIM_OK);
	set_entry(IOVA, 0);
	assert_int_equal(d->ops->invalidate(d, tag, IOVA, 0x1000, false, NULL), 1);
	assert_int_equal(reaches(IOVA, true), SIM_OK);
	posix_clock_advance(999);
	assert_int_equal(reaches(IOVA, true), SIM_OK);
	posix_clock_advance(1);
	assert_int_equal(reaches(IOVA, true), SIM_FAULT_TRANSLATION);
	sim_fake_set_latency(iommu, SIM_LATENCY_WAIT);
	set_entry(IOVA, present(buffer));
	assert_int_equal(reaches(IOVA, true), SIM_OK);
	set_entry(IOVA, 0);
	d->ops->invalidate(d, tag, IOVA, 0x1000, false, NULL);
	posix_clock_advance(1000000000);
	assert_int_equal(reaches(IOVA, true), SIM_OK);
	assert_int_equal(settle(d), 0);
	assert_int_equal(reaches(IOVA, true), SIM_FAULT_TRANSLATION);
}

static void hung(void **state)
{
	struct sim_iommu_stats stats;

	(void)state;
	begin("vtd", false);
	assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
	set_entry(IOVA, present(buffer));
	assert_int_equal(reaches(IOVA, true), SIM_OK);
	sim_fake_stick(iommu, 0);
	set_entry(IOVA, 0);
	assert_int_equal(d->ops->invalidate(d, tag, IOVA, 0x1000, false, NULL), 1);
	assert_int_equal(settle(d), DMAH_ETIMEDOUT);
	assert_int_equal(reaches(IOVA, true), SIM_OK);
	/* nor is a device blocked by a queue that does not move */
	assert_int_equal(bind_to(DMAH_BIND_BLOCK), DMAH_ETIMEDOUT);
	assert_int_equal(reaches(IOVA, true), SIM_OK);
	sim_iommu_stats(iommu, &stats);
	assert_int_equal(stats.timeouts, 2);
	sim_fake_unstick(iommu);
	assert_int_equal(reaches(IOVA, true), SIM_FAULT_BLOCKED);
	assert_int_equal(settle(d), 0);
}

static void not_present_caching(void **state)
{
	(void)state;
	begin("vtd-cm", false);
	assert_true(d->caps & DMAH_IOMMU_MAP_FLUSH);
	assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
	assert_int_equal(reaches(IOVA, true), SIM_FAULT_TRANSLATION);
	set_entry(IOVA, present(buffer));
	assert_int_equal(reaches(IOVA, true),
			 SIM_FAULT_TRANSLATION); /* that it is not there was cached */
	d->ops->invalidate(d, tag, IOVA, 0x1000, false, NULL);
	assert_int_equal(reaches(IOVA, true), SIM_OK);
	end(state);
	begin("vtd", false);
	assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
	assert_int_equal(reaches(IOVA, true), SIM_FAULT_TRANSLATION);
	set_entry(IOVA, present(buffer));
	assert_int_equal(reaches(IOVA, true), SIM_OK);
}

static void noncoherent_walks(void **state)
{
	static const char *const names[] = { "vtd-noncoherent", "smmu-noncoherent" };

	for (size_t i = 0; i < 2; i++) {
		uint64_t at = leaf_table;

		begin(names[i], false);
		at = leaf_table + (IOVA >> 12 & 511) * 8;
		assert_int_equal(d->caps & DMAH_IOMMU_COHERENT_WALK, 0);
		assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
		set_entry(IOVA, present(buffer));
		assert_int_equal(reaches(IOVA, true), SIM_FAULT_TRANSLATION);
		dmah_host_cache(DMAH_CACHE_CLEAN, at & ~63ull, 64);
		assert_int_equal(reaches(IOVA, true), SIM_OK);
		/* cleared, invalidated, but not cleaned: the walker finds the old entry again */
		set_entry(IOVA, 0);
		d->ops->invalidate(d, tag, IOVA, 0x1000, false, NULL);
		assert_int_equal(reaches(IOVA, true), SIM_OK);
		dmah_host_cache(DMAH_CACHE_CLEAN, at & ~63ull, 64);
		d->ops->invalidate(d, tag, IOVA, 0x1000, false, NULL);
		assert_int_equal(reaches(IOVA, true), SIM_FAULT_TRANSLATION);
		end(state);
	}
}

static void coherent_walks(void **state)
{
	struct sim_config c = t_config("vtd-noncoherent");

	(void)state;
	c.iommu[0].noncoherent_walk = false;
	begin_with(&c, false);
	assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
	set_entry(IOVA, present(buffer));
	assert_int_equal(reaches(IOVA, true), SIM_OK);
}

static void cached_structures(void **state)
{
	uint64_t *old, *dir = NULL, other, entry;

	(void)state;
	begin("vtd", false);
	assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
	old = dmah_host_table_virt(leaf_table);
	set_entry(IOVA, present(buffer));
	set_entry(IOVA + 0x1000, present(buffer + 0x1000));
	assert_int_equal(reaches(IOVA, true), SIM_OK);
	/* the leaf table is exchanged for another */
	other = dmah_host_virt_to_phys(dmah_host_page_alloc(0));
	for (uint64_t level = pt.root;; level = entry & ~0xfffull) {
		dir = dmah_host_table_virt(level);
		entry = dir[0] ? dir[0] : dir[1];
		if ((entry & ~0xfffull) == leaf_table)
			break;
	}
	dir[IOVA >> 21 & 511] = other | 3;
	d->ops->invalidate(d, tag, IOVA, 0x1000, false, NULL);
	assert_int_equal(reaches(IOVA + 0x1000, true), SIM_OK); /* through the old one */
	d->ops->invalidate(d, tag, IOVA, 0x2000, false, NULL);
	assert_int_equal(reaches(IOVA + 0x1000, true),
			 SIM_OK); /* entries went, but not the tables */
	d->ops->invalidate(d, tag, IOVA, 0x2000, true, NULL);
	assert_int_equal(reaches(IOVA + 0x1000, true), SIM_FAULT_TRANSLATION);
	(void)old;
}

static void device_tlbs(void **state)
{
	struct dmah_device *dd;
	struct sim_iommu_stats stats;

	for (size_t i = 0; i < 2; i++) {
		begin(both[i], true);
		dd = sim_device_dmah(dev);
		assert_true(dd->limits.flags & DMAH_DEV_ATS);
		assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
		set_entry(IOVA, present(buffer));
		assert_int_equal(reaches(IOVA, true), SIM_OK);
		assert_int_equal(reaches(IOVA, true), SIM_OK);
		sim_iommu_stats(iommu, &stats);
		assert_int_equal(stats.dev_tlb_hits, 1);
		set_entry(IOVA, 0);
		/* the IOTLB's alone is not enough */
		d->ops->invalidate(d, tag, IOVA, 0x1000, false, NULL);
		assert_int_equal(reaches(IOVA, true), SIM_OK);
		d->ops->invalidate_dev(d, dd, IOVA, 0x1000);
		assert_int_equal(reaches(IOVA, true), SIM_FAULT_TRANSLATION);
		/* the wrong order: the device asks again in between, and gets the stale answer */
		set_entry(IOVA, present(buffer));
		assert_int_equal(reaches(IOVA, true), SIM_OK);
		set_entry(IOVA, 0);
		d->ops->invalidate_dev(d, dd, IOVA, 0x1000);
		d->ops->invalidate(d, tag, IOVA, 0x1000, false, NULL);
		assert_int_equal(reaches(IOVA, true), SIM_OK);
		d->ops->invalidate_dev(d, dd, IOVA, 0x1000);
		assert_int_equal(reaches(IOVA, true), SIM_FAULT_TRANSLATION);
		/* blocked: translated requests too, and nothing is left for a later binding */
		set_entry(IOVA, present(buffer));
		assert_int_equal(reaches(IOVA, true), SIM_OK);
		assert_int_equal(bind_to(DMAH_BIND_BLOCK), 0);
		assert_int_equal(reaches(IOVA, true), SIM_FAULT_BLOCKED);
		set_entry(IOVA, 0);
		assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
		assert_int_equal(reaches(IOVA, true), SIM_FAULT_TRANSLATION);
		/* an untrusted device gets no TLB */
		assert_int_equal(bind_to(DMAH_BIND_BLOCK), 0);
		dd->limits.flags |= DMAH_DEV_UNTRUSTED;
		assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
		set_entry(IOVA, present(buffer));
		assert_int_equal(reaches(IOVA, true), SIM_OK);
		set_entry(IOVA, 0);
		d->ops->invalidate(d, tag, IOVA, 0x1000, false, NULL);
		assert_int_equal(reaches(IOVA, true), SIM_FAULT_TRANSLATION);
		end(state);
	}
}

static void translated_requests(void **state)
{
	struct sim_fault f;
	uint8_t byte;

	(void)state;
	begin("vtd", true);
	set_entry(IOVA, present(buffer));
	assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
	assert_int_equal(reaches(IOVA, true), SIM_OK);
	/* the IOMMU drops the device's context, but the device's TLB is not invalidated */
	sim_fake_stick(iommu, 2);
	assert_int_equal(bind_to(DMAH_BIND_PASSTHROUGH), DMAH_ETIMEDOUT);
	assert_int_equal(sim_dma_read(dev, IOVA, &byte, 1), SIM_FAULT_ATS);
	assert_int_equal(sim_faults(sim, &f, 1), 1);
	assert_int_equal(f.code, 0xd);
	sim_fake_unstick(iommu);
	assert_int_equal(bind_to(DMAH_BIND_PASSTHROUGH), 0);
	assert_int_equal(reaches(buffer, true), SIM_OK);
}

static void directions(void **state)
{
	uint8_t byte = 0;
	struct sim_fault f;

	(void)state;
	begin("vtd", false);
	assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
	set_entry(IOVA, buffer | 1);
	set_entry(IOVA + 0x1000, (buffer + 0x1000) | 2);
	assert_int_equal(sim_dma_read(dev, IOVA, &byte, 1), SIM_OK);
	assert_int_equal(sim_dma_write(dev, IOVA, &byte, 1), SIM_FAULT_PERMISSION);
	assert_int_equal(sim_dma_write(dev, IOVA + 0x1000, &byte, 1), SIM_OK);
	assert_int_equal(sim_dma_read(dev, IOVA + 0x1000, &byte, 1), SIM_FAULT_PERMISSION);
	assert_int_equal(sim_faults(sim, &f, 1), 1);
	assert_int_equal(f.code, 0x5);
	end(state);
	begin("smmu", false);
	assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
	set_entry(IOVA, buffer | 0xcc3);
	assert_int_equal(sim_dma_read(dev, IOVA, &byte, 1), SIM_OK);
	assert_int_equal(sim_dma_write(dev, IOVA, &byte, 1), SIM_FAULT_PERMISSION);
	assert_int_equal(sim_faults(sim, &f, 1), 1);
	assert_int_equal(f.code, 0x13);
}

static void several(void **state)
{
	struct sim_config c = t_config("vtd");
	struct sim_device *other;

	(void)state;
	c.iommu[1] = (struct sim_iommu_config){ .flavour = SIM_VTD, .va_bits = 39 };
	begin_with(&c, false);
	other = sim_device_add(sim, &(struct sim_device_config){ .id = 0x311, .iommu = 2 });
	assert_non_null(other);
	assert_ptr_equal(sim_device_dmah(other)->iommu, sim_fake_iommu(sim_iommu(sim, 1)));
	assert_null(sim_iommu(sim, 2));
	assert_null(sim_device_add(sim, &(struct sim_device_config){ .id = 0x312, .iommu = 3 }));
	assert_int_equal(sim_fake_iommu(sim_iommu(sim, 1))->va_bits, 39);
	assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
	set_entry(IOVA, present(buffer));
	assert_int_equal(reaches(IOVA, true), SIM_OK);
	assert_int_equal(sim_dma_reaches(other, IOVA, true, NULL), SIM_FAULT_BLOCKED);
}

static int see_leaf(void *ctx, const struct sim_leaf *leaf)
{
	uint64_t **next = ctx;

	*(*next)++ = leaf->iova;
	*(*next)++ = leaf->shift ? leaf->phys | leaf->perm : 0;
	return 0;
}

static void every_entry(void **state)
{
	uint64_t got[16], *next = got, steps = 0;
	struct sim_leaf leaf;

	(void)state;
	begin("vtd", false);
	set_entry(IOVA + 0x3000, buffer | 1);
	set_entry(IOVA + 0x5000, (buffer + 0x1000) | 2);
	set_entry(IOVA + 0x6000, (buffer + 0x1000) | 1ull << 62 | 3);
	set_entry(IOVA + 0x7000, 0xff0); /* not present */
	assert_int_equal(sim_iommu_each(iommu, &pt, see_leaf, &next), 0);
	assert_int_equal(next - got, 6);
	assert_int_equal(got[0], IOVA + 0x3000);
	assert_int_equal(got[1], buffer | 1);
	assert_int_equal(got[2], IOVA + 0x5000);
	assert_int_equal(got[3], (buffer + 0x1000) | 2);
	assert_int_equal(got[4], IOVA + 0x6000);
	assert_int_equal(got[5], 0); /* malformed */
	assert_int_equal(sim_iommu_walk(iommu, &pt, IOVA + 0x3456, &leaf, &steps), SIM_OK);
	assert_int_equal(leaf.phys, buffer);
	assert_int_equal(leaf.iova, IOVA + 0x3000);
	assert_int_equal(steps, 4);
}

/* Random operations against a model: the table's entry of each page, and the translation that was cached last. */
static void random_life(void **state)
{
	static uint64_t table[512], cached[512];
	uint64_t rnd = 99;
	dmah_phys_t phys;

	(void)state;
	for (unsigned int limit = 0; limit <= 16; limit += 16) {
		memset(table, 0, sizeof(table));
		memset(cached, 0, sizeof(cached));
		begin("vtd", false);
		sim_iommu_set_tlb(iommu, limit, 5);
		assert_int_equal(bind_to(DMAH_BIND_TRANSLATE), 0);
		for (unsigned int op = 0; op < 20000; op++) {
			unsigned int i = (unsigned int)(sim_rnd(&rnd) % 512),
				     n = 1 + sim_rnd(&rnd) % 4;
			uint64_t out = buffer + (sim_rnd(&rnd) % 256 << 12);

			switch (sim_rnd(&rnd) % 4) {
			case 0:
				table[i] = table[i] ? 0 : out;
				set_entry(IOVA + (uint64_t)i * 4096, table[i] ? table[i] | 3 : 0);
				break;
			case 1:
				if (i + n > 512)
					n = 512 - i;
				d->ops->invalidate(d, tag, IOVA + (uint64_t)i * 4096,
						   (uint64_t)n * 4096, false, NULL);
				memset(&cached[i], 0, n * sizeof(cached[0]));
				break;
			default:
				if (sim_dma_reaches(dev, IOVA + (uint64_t)i * 4096, true, &phys))
					phys = 0;
				if (!limit)
					assert_int_equal(phys, cached[i] ? cached[i] : table[i]);
				else if (phys != table[i])
					assert_int_equal(phys, cached[i]);
				cached[i] = phys;
			}
		}
		end(state);
	}
}

#define IOMMU_TEST(fn) cmocka_unit_test_teardown(fn, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IOMMU_TEST(bindings),
		IOMMU_TEST(refusals),
		IOMMU_TEST(stale_hits),
		IOMMU_TEST(posted_is_not_done),
		IOMMU_TEST(hung),
		IOMMU_TEST(not_present_caching),
		IOMMU_TEST(noncoherent_walks),
		IOMMU_TEST(coherent_walks),
		IOMMU_TEST(cached_structures),
		IOMMU_TEST(device_tlbs),
		IOMMU_TEST(translated_requests),
		IOMMU_TEST(directions),
		IOMMU_TEST(several),
		IOMMU_TEST(every_entry),
		IOMMU_TEST(random_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
