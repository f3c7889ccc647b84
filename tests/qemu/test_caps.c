/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The VT-d driver and what a unit can or can not do: the model's capabilities are changed on their way to the driver,
 * and the commands are looked at in memory, by the Architecture Specification's own numbers.
 */
#include "rig.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define NOT_WRITABLE 0x05
#define NOT_ATTACHED 0x02
#define NO_TABLE     0x01

#define REG_GCMD 0x18
#define REG_IQT	 0x88
#define REG_IQA	 0x90
#define WBF	 (1u << 27)

#define CAP_RWBF     (1ull << 4)
#define CAP_SLLPS    (0xfull << 34)
#define CAP_PSI	     (1ull << 39)
#define CAP_MAMV     (0x3full << 48)
#define CAP_DRAIN    (3ull << 54)
#define CAP_ND	     7ull
#define CAP_SAGAW    (0x1full << 8)
#define ECAP_QI	     (1ull << 1)
#define ECAP_DT	     (1ull << 2)
#define ECAP_PT	     (1ull << 6)
#define PAGE_COMMAND 0x32ull
#define ALL_COMMAND  0x22ull

struct command {
	uint64_t lo;
	uint64_t hi;
};

/* The command @back places before the tail: 1 is the last one. */
static struct command posted(struct rig *rig, unsigned int back)
{
	dmah_phys_t queue = qemu_read(rig->q, QEMU_VTD_REGS + REG_IQA, 8) & ~0xfffull;
	uint32_t at = (rig_vtd32(rig, REG_IQT) - 16 * back) & 0xfff;

	return *(struct command *)qemu_ram(rig->q, queue + at, 16);
}

/* Without the domain id and the drain hints. */
static uint64_t kind(struct command c)
{
	return c.lo & 0xff3f;
}

static void invalidate(struct rig *rig, dmah_addr_t iova, uint64_t size, bool tables)
{
	struct dmah_iommu *iommu = &rig->vtd.iommu;
	uint64_t ticket;

	assert_int_equal(iommu->ops->invalidate(iommu, 1, iova, size, tables, &ticket), 1);
	assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_OK);
}

/* Map, write, unmap, write: what has to work whatever the unit is like. */
static void works(struct rig *rig)
{
	dmah_phys_t phys = qemu_take(rig->q, 8192, 4096);

	rig_load(rig, 0, 64, 1);
	for (unsigned int i = 0; i < 20; i++) {
		struct dmah h = { 0 };
		dmah_addr_t dma;

		rig_fill(rig, phys, 8192, 2);
		assert_int_equal(dmah_map(&rig->dev[0], &h, phys, 4096u << i % 2, DMAH_FROM_DEVICE,
					  0),
				 DMAH_OK);
		dma = dmah_addr(&h);
		rig_dma(rig, 0, dma, 64, DMAH_FROM_DEVICE);
		assert_int_equal(rig_faults(rig), 0);
		assert_true(rig_holds(rig, phys, 64, 1));
		assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
		rig_fill(rig, phys, 8192, 2);
		rig_dma(rig, 0, dma, 64, DMAH_FROM_DEVICE);
		rig_expect_fault(rig, 0, dma, true, NOT_WRITABLE);
		assert_true(rig_holds(rig, phys, 8192, 2));
	}
}

/* ---- commands ---- */

static void page_ranges(void **state)
{
	static const struct {
		dmah_addr_t iova;
		uint64_t size;
		uint64_t hi;
	} cases[] = {
		{ 0x5000, 0x1000, 0x5000 },	 { 0x6000, 0x2000, 0x6001 },
		{ 0x7000, 0x2000, 0x0004 },	 { 0x8000, 0x4000, 0x8002 },
		{ 0x8000, 0x3000, 0x8002 },	 { 0x200000, 0x200000, 0x200009 },
		{ 0x7ff000, 0x2000, 0x000c },	 { 0xfffff000, 0x1000, 0xfffff000 },
		{ 0x5123, 0x10, 0x5000 },	 { 0x5fff, 0x2, 0x4002 },
		{ 0x100000, 0xff000, 0x100008 },
	};
	struct rig *rig = rig_open(&(struct rig_config){ 0 });

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t hi = cases[i].hi;

		/* 0x5fff..0x6000 is in the four pages from 0x4000; 0x7000..0x8fff in the sixteen from 0. */
		invalidate(rig, cases[i].iova, cases[i].size, true);
		assert_int_equal(kind(posted(rig, 2)), PAGE_COMMAND);
		assert_int_equal(posted(rig, 2).hi, hi);
		assert_int_equal(posted(rig, 2).lo >> 16, 1);
		/* The hint that only leaf entries changed. */
		invalidate(rig, cases[i].iova, cases[i].size, false);
		assert_int_equal(posted(rig, 2).hi, hi | 0x40);
		assert_int_equal(posted(rig, 1).lo & 0xff, 0x25);
		/* Both drains, as the model has them. */
		assert_int_equal(posted(rig, 2).lo & 0xc0, 0xc0);
	}
	invalidate(rig, 0, 0, false);
	assert_int_equal(kind(posted(rig, 2)), ALL_COMMAND);
	/* More than the largest mask, and round the end: all of the domain. */
	invalidate(rig, 0, 1ull << 40, false);
	assert_int_equal(kind(posted(rig, 2)), ALL_COMMAND);
	invalidate(rig, ~0xfffull, 0x2000, false);
	assert_int_equal(kind(posted(rig, 2)), ALL_COMMAND);
	rig_close(rig);
}

static void no_page_ranges(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ .clear = { CAP_PSI | CAP_DRAIN } });

	(void)state;
	works(rig);
	invalidate(rig, 0x5000, 0x1000, false);
	assert_int_equal(posted(rig, 2).lo, 1u << 16 | ALL_COMMAND);
	assert_int_equal(posted(rig, 2).hi, 0);
	rig_close(rig);
}

static void small_masks(void **state)
{
	struct rig *rig =
		rig_open(&(struct rig_config){ .clear = { CAP_MAMV }, .set = { 2ull << 48 } });

	(void)state;
	works(rig);
	invalidate(rig, 0x4000, 0x4000, true);
	assert_int_equal(kind(posted(rig, 2)), PAGE_COMMAND);
	assert_int_equal(posted(rig, 2).hi, 0x4002);
	invalidate(rig, 0x8000, 0x8000, true);
	assert_int_equal(kind(posted(rig, 2)), ALL_COMMAND);
	rig_close(rig);
}

/* A new root table: the context cache forgets, a mark, the IOTLB forgets, a mark. (The model forgets by itself.) */
static void enabling(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ .bare = true });

	(void)state;
	assert_int_equal(dmah_vtd_enable(&rig->vtd), DMAH_OK);
	assert_int_equal(posted(rig, 4).lo, 0x11);
	assert_int_equal(posted(rig, 3).lo & 0xff, 0x25);
	assert_int_equal(posted(rig, 2).lo, 0x12);
	assert_int_equal(posted(rig, 1).lo & 0xff, 0x25);
	rig_close(rig);
}

/* ---- TLBs in devices ---- */

/* ATS 10.2.3.2: the lowest zero from bit 12 up says how large the range is. */
static void device_tlb(void **state)
{
	static const struct {
		dmah_addr_t iova;
		uint64_t size;
		uint64_t hi;
	} cases[] = {
		{ 0x10000, 0x1000, 0x10000 },	  { 0x10000, 0x2000, 0x10001 },
		{ 0x10000, 0x4000, 0x11001 },	  { 0x13000, 0x2000, 0x13001 },
		{ 0, 0, 0x7ffffffffffff001 },	  { ~0xfffull, 0x2000, 0x7ffffffffffff001 },
		{ 0x200000, 0x200000, 0x2ff001 },
	};
	struct rig *rig = rig_open(
		&(struct rig_config){ .iommu = "aw-bits=48,device-iotlb=on", .ats = true });
	struct dmah_iommu *iommu = &rig->vtd.iommu;
	dmah_phys_t phys = qemu_take(rig->q, 4096, 4096);
	struct dmah h = { 0 };
	unsigned int back = 1;

	(void)state;
	works(rig);
	assert_int_equal(dmah_map(&rig->dev[0], &h, phys, 4096, DMAH_FROM_DEVICE, 0), DMAH_OK);
	assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
	/* The IOMMU's, a fence, the device's, the mark. */
	assert_int_equal(kind(posted(rig, 4)), PAGE_COMMAND);
	assert_int_equal(posted(rig, 3).lo & 0xff, 0x65);
	assert_int_equal(posted(rig, 2).lo & 0xf, 3);
	assert_int_equal(posted(rig, 2).lo >> 32, rig->pci[0].id);
	assert_int_equal(posted(rig, 1).lo & 0xff, 0x25);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned long flags;
		uint64_t ticket;

		dmah_host_enter(&flags);
		assert_int_equal(iommu->ops->invalidate_dev(iommu, &rig->dev[0], cases[i].iova,
							    cases[i].size),
				 2);
		dmah_host_leave(flags);
		assert_true(posted(rig, 1).hi == cases[i].hi);
		assert_int_equal(iommu->ops->fence(iommu, &ticket), DMAH_OK);
		assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_OK);
	}
	/* A device that goes is asked to forget all, after the IOMMU did. */
	assert_int_equal(dmah_detach(&rig->dev[0]), DMAH_OK);
	while (back < 10 && (posted(rig, back).lo & 0xf) != 3)
		back++;
	assert_true(posted(rig, back).hi == 0x7ffffffffffff001);
	assert_int_equal(posted(rig, back + 1).lo & 0xff, 0x65);
	assert_int_equal(kind(posted(rig, back + 2)), ALL_COMMAND);
	/* And its context entry before that, with a fence: the IOTLB could be filled through it again. */
	assert_int_equal(posted(rig, back + 3).lo & 0xff, 0x65);
	assert_int_equal(posted(rig, back + 4).lo & 0xff, 0x31);
	rig_close(rig);
}

static uint64_t context_entry(struct rig *rig)
{
	dmah_phys_t root = qemu_read(rig->q, QEMU_VTD_REGS + 0x20, 8) & ~0xfffull;
	uint64_t table = *(uint64_t *)qemu_ram(rig->q, root, 8) & ~0xfffull;

	return *(uint64_t *)qemu_ram(rig->q, table + rig->pci[0].id * 16, 8);
}

/* Translated requests are let through for whom it was asked, never for the untrusted, nor where the unit can not. */
static void who_has_ats(void **state)
{
	const char *on = "aw-bits=48,device-iotlb=on";
	struct rig *rig = rig_open(&(struct rig_config){ .iommu = on, .ats = true });

	(void)state;
	assert_int_equal(context_entry(rig) & 0xd, 0x5);
	rig_close(rig);
	rig = rig_open(&(struct rig_config){ .iommu = on });
	assert_int_equal(context_entry(rig) & 0xd, 0x1);
	rig_close(rig);
	rig = rig_open(
		&(struct rig_config){ .iommu = on, .ats = true, .untrusted = true, .pool = true });
	assert_int_equal(context_entry(rig) & 0xd, 0x1);
	works(rig);
	assert_int_equal(posted(rig, 2).lo & 0xf, 2);
	rig_close(rig);
	rig = rig_open(&(struct rig_config){ .ats = true });
	assert_int_equal(context_entry(rig) & 0xd, 0x1);
	works(rig);
	assert_int_equal(posted(rig, 2).lo & 0xf, 2);
	rig_close(rig);
}

/* ---- writes that the unit may not see ---- */

/* Register writes of a unit that buffers writes, in order: 'f': flush the buffer; 'q': commands are posted. */
struct seen {
	char what[64];
	unsigned int n;
};

static void watch(void *ctx, dmah_phys_t phys, unsigned int size, uint64_t value)
{
	struct seen *seen = ctx;

	(void)size;
	if (seen->n + 1 >= sizeof(seen->what))
		return;
	if (phys == QEMU_VTD_REGS + REG_GCMD && value & WBF)
		seen->what[seen->n++] = 'f';
	if (phys == QEMU_VTD_REGS + REG_IQT)
		seen->what[seen->n++] = 'q';
}

static void write_buffers(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ .set = { CAP_RWBF } });
	dmah_phys_t phys = qemu_take(rig->q, 4096, 4096);
	struct seen seen = { .n = 0 };
	struct dmah h = { 0 };

	(void)state;
	assert_true(rig->vtd.iommu.caps & DMAH_IOMMU_MAP_FLUSH);
	works(rig);
	qemu_watch(rig->q, watch, &seen);
	assert_int_equal(dmah_map(&rig->dev[0], &h, phys, 4096, DMAH_FROM_DEVICE, 0), DMAH_OK);
	assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
	qemu_watch(rig->q, NULL, NULL);
	assert_string_equal(seen.what, "fqfq");
	/* Translation stays on through all of it. */
	assert_true(rig_vtd32(rig, 0x1c) & 1u << 31);
	rig_close(rig);
}

/* Tables behind a cache: not one store to them is left there, neither the library's nor the driver's. */
static void incoherent(void **state)
{
	static const enum dmah_mode all[] = { DMAH_STRICT, DMAH_LAZY };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct rig *rig = rig_open(
			&(struct rig_config){ .incoherent = true, .bare = true, .mode = all[i] });
		struct dmah_domain *other;
		void *memory;

		assert_false(rig->vtd.iommu.caps & DMAH_IOMMU_COHERENT_WALK);
		/* An empty root table, before anything else is written to it. */
		assert_int_equal(dmah_vtd_enable(&rig->vtd), DMAH_OK);
		rig_dma(rig, 1, 0x5000, 64, DMAH_FROM_DEVICE);
		rig_expect_fault(rig, 1, 0x5000, true, NO_TABLE);
		rig_attach(rig, 0, rig->dom, 0);
		assert_int_equal(dmah_set_mode(rig->dom, DMAH_STRICT), DMAH_OK);
		works(rig);
		rig_dma(rig, 1, 0x5000, 64, DMAH_FROM_DEVICE);
		rig_expect_fault(rig, 1, 0x5000, true, NOT_ATTACHED);
		other = rig_domain(rig, &(struct dmah_domain_config){ .va_bits = 48 }, &memory);
		rig_attach(rig, 1, other, 0);
		rig_load(rig, 1, 64, 3);
		assert_int_equal(dmah_detach(&rig->dev[1]), DMAH_OK);
		rig_dma(rig, 1, 0x5000, 64, DMAH_FROM_DEVICE);
		rig_expect_fault(rig, 1, 0x5000, true, NOT_ATTACHED);
		assert_int_equal(dmah_domain_fini(other), DMAH_OK);
		free(memory);
		rig_close(rig);
	}
}

/* ---- what it can not do ---- */

static int init_with(uint64_t cap_clear, uint64_t cap_set, uint64_t ecap_clear,
		     struct dmah_vtd *vtd, void **memory)
{
	struct rig *rig = rig_machine(
		&(struct rig_config){ .clear = { cap_clear, ecap_clear }, .set = { cap_set } });
	struct dmah_vtd_config config = { .regs = qemu_regs(rig->q, QEMU_VTD_REGS) };
	size_t need = dmah_vtd_memory(&config);
	int err;

	*memory = malloc(need);
	err = dmah_vtd_init(vtd, &config, *memory, need);
	free(rig);
	return err;
}

static void lacking(void **state)
{
	struct dmah_vtd vtd;
	uint32_t tag, n = 0;
	void *memory;

	(void)state;
	assert_int_equal(init_with(0, 0, ECAP_QI, &vtd, &memory), DMAH_ENOTSUP);
	free(memory);
	assert_int_equal(init_with(CAP_SAGAW, 1 << 8, 0, &vtd, &memory), DMAH_ENOTSUP);
	free(memory);
	assert_int_equal(init_with(CAP_ND | CAP_SLLPS, 0, ECAP_PT, &vtd, &memory), DMAH_OK);
	assert_int_equal(vtd.iommu.caps & (DMAH_IOMMU_PASSTHROUGH | DMAH_IOMMU_BLOCK_2M |
					   DMAH_IOMMU_BLOCK_1G),
			 0);
	/* 16 domain ids, and 0 is nobody's. */
	while (!vtd.iommu.ops->tag_alloc(&vtd.iommu, &tag)) {
		assert_in_range(tag, 1, 15);
		n++;
	}
	assert_int_equal(n, 15);
	assert_int_equal(dmah_vtd_fini(&vtd), DMAH_OK);
	free(memory);
	/* 5 levels, which the model does not have: it is only what the driver says of itself. */
	assert_int_equal(init_with(CAP_SAGAW | 0x3full << 16, 0xe << 8 | 56ull << 16, 0, &vtd,
				   &memory),
			 DMAH_OK);
	assert_int_equal(vtd.iommu.va_bits, 57);
	assert_int_equal(dmah_vtd_fini(&vtd), DMAH_OK);
	free(memory);
	assert_int_equal(init_with(0, 0, 0, &vtd, &memory), DMAH_OK);
	assert_int_equal(vtd.iommu.caps,
			 DMAH_IOMMU_PASSTHROUGH | DMAH_IOMMU_BLOCK_2M | DMAH_IOMMU_BLOCK_1G);
	assert_int_equal(vtd.iommu.va_bits, 48);
	assert_int_equal(dmah_vtd_fini(&vtd), DMAH_OK);
	free(memory);
}

/* Bindings that are refused. */
static void bad_bindings(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ .clear = { 0, ECAP_PT } });
	struct dmah_iommu *iommu = &rig->vtd.iommu;
	struct dmah_device *dev = &rig->dev[1];
	struct dmah_pt_info pt, bad;

	(void)state;
	assert_int_equal(dmah_domain_pt(rig->dom, &pt), DMAH_OK);
	assert_int_equal(iommu->ops->bind(iommu, dev, DMAH_BIND_PASSTHROUGH, NULL, 1),
			 DMAH_ENOTSUP);
	assert_int_equal(iommu->ops->bind(iommu, dev, DMAH_BIND_TRANSLATE, NULL, 1), DMAH_ENOTSUP);
	assert_int_equal(iommu->ops->bind(iommu, dev, DMAH_BIND_TRANSLATE, &pt, 0), DMAH_ENOTSUP);
	assert_int_equal(iommu->ops->bind(iommu, dev, DMAH_BIND_TRANSLATE, &pt, 2), DMAH_ENOTSUP);
	assert_int_equal(iommu->ops->bind(iommu, dev, DMAH_BIND_TRANSLATE, &pt, 1u << 20),
			 DMAH_ENOTSUP);
	bad = pt;
	bad.levels++;
	assert_int_equal(iommu->ops->bind(iommu, dev, DMAH_BIND_TRANSLATE, &bad, 1), DMAH_ENOTSUP);
	bad = pt;
	bad.va_bits = 57;
	bad.levels = 5;
	assert_int_equal(iommu->ops->bind(iommu, dev, DMAH_BIND_TRANSLATE, &bad, 1), DMAH_ENOTSUP);
	bad = pt;
	bad.format = &dmah_pt_lpae_s1;
	assert_int_equal(iommu->ops->bind(iommu, dev, DMAH_BIND_TRANSLATE, &bad, 1), DMAH_ENOTSUP);
	dev->id = 0x10000;
	assert_int_equal(iommu->ops->bind(iommu, dev, DMAH_BIND_TRANSLATE, &pt, 1), DMAH_ENOTSUP);
	dev->id = rig->pci[1].id;
	rig_dma(rig, 1, 0x5000, 4, DMAH_FROM_DEVICE);
	rig_expect_fault(rig, 1, 0x5000, true, NOT_ATTACHED);
	rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_ranges),	 cmocka_unit_test(no_page_ranges),
		cmocka_unit_test(small_masks),	 cmocka_unit_test(enabling),
		cmocka_unit_test(device_tlb),	 cmocka_unit_test(who_has_ats),
		cmocka_unit_test(write_buffers), cmocka_unit_test(incoherent),
		cmocka_unit_test(lacking),	 cmocka_unit_test(bad_bindings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
