/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The driver of the SMMUv1 and the SMMUv2: every kind of unit, short descriptors, limits, invalidations, configurations. */
#include "smmuv2_rig.h"

/* Maps, writes, unmaps, and writes once more, on every kind of unit. */
static void every_unit(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct rig *rig = rig_open(&kinds[k], 1);
		struct dmah h = { 0 };
		dmah_addr_t dma;

		assert_ptr_equal(rig->smmu[0].iommu.formats[0],
				 kinds[k].driver.short_descriptors ? &dmah_pt_arm_short
				 : kinds[k].stage2		   ? &dmah_pt_lpae_s2
								   : &dmah_pt_lpae_s1);
		assert_false(writes(rig, 0, 0x1000));
		assert_int_equal(try_attach(rig, 0), DMAH_OK);
		assert_int_equal(try_attach(rig, 1), DMAH_OK);
		for (unsigned int i = 0; i < 300; i++) {
			dmah_phys_t phys = rig->memory + (i % 64 << 12);

			assert_int_equal(dmah_map(device(rig, 0), &h, phys, 8192, DMAH_FROM_DEVICE,
						  0),
					 DMAH_OK);
			dma = dmah_addr(&h);
			assert_true(writes(rig, 0, dma) && writes(rig, 1, dma + 4096));
			assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
			assert_false(writes(rig, 0, dma));
			assert_false(writes(rig, 0, dma + 4096));
		}
		assert_int_equal(rig->reports, 0);
		rig_close(rig);
	}
}

/* ---- short descriptors ---- */

#define TTBR0 0x20u

static uint32_t word_at(struct rig *rig, dmah_phys_t phys)
{
	uint32_t word;

	sim_cpu_read(rig->sim, phys, &word, sizeof(word));
	return word;
}

/* The descriptors of an address: of the first table, and of the second where there is one. */
static void descriptors(struct rig *rig, dmah_addr_t dma, uint32_t d[2])
{
	uint32_t root = sim_smmuv2_peek(rig->regs[0], BANK(0) + TTBR0) & 0xffffc000;

	d[0] = word_at(rig, root + (dma >> 20) * 4);
	d[1] = (d[0] & 3) == 1 ? word_at(rig, (d[0] & 0xfffffc00) + (dma >> 12 & 255) * 4) : 0;
}

/* Maps @len bytes, compares the descriptor of the first byte, and unmaps: nothing is left. */
static void one_descriptor(struct rig *rig, dmah_phys_t phys, uint32_t len, enum dmah_dir dir,
			   uint32_t attrs, bool section, uint32_t want)
{
	struct dmah h = { 0 };
	dmah_addr_t dma;
	uint32_t d[2];

	assert_int_equal(dmah_map(device(rig, 0), &h, phys, len, dir, attrs), DMAH_OK);
	dma = dmah_addr(&h);
	descriptors(rig, dma, d);
	assert_int_equal(d[section ? 0 : 1], want | (uint32_t)phys);
	if (section) {
		descriptors(rig, dma + (1 << 20), d);
		assert_int_equal(d[0], want | ((uint32_t)phys + (1 << 20)));
	}
	if (dir != DMAH_TO_DEVICE && !attrs) {
		assert_true(writes(rig, 0, dma));
		assert_true(writes(rig, 0, dma + len - 1));
	}
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	descriptors(rig, dma, d);
	assert_int_equal(section ? d[0] : d[1], 0);
	assert_false(writes(rig, 0, dma + len - 1));
}

/* Every bit of a section, a large page and a small page, by the manual: nG, S, AP[2], TEX, AP[1:0], C, B, type, XN. */
static void short_descriptors(void **state)
{
	const struct kind *kind = &kinds[11];
	struct rig *rig = rig_open(kind, 1);
	dmah_phys_t big = sim_ram_take(rig->sim, 4u << 20, 2u << 20);

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	one_descriptor(rig, big, 4096, DMAH_FROM_DEVICE, 0, false,
		       1 << 11 | 1 << 10 | 1 << 6 | 3 << 4 | 3 << 2 | 1 << 1 | 1);
	one_descriptor(rig, big, 4096, DMAH_TO_DEVICE, 0, false,
		       1 << 11 | 1 << 10 | 1 << 9 | 1 << 6 | 3 << 4 | 3 << 2 | 1 << 1 | 1);
	one_descriptor(rig, big, 4096, DMAH_BIDIRECTIONAL, DMAH_ATTR_MMIO, false,
		       1 << 11 | 1 << 10 | 3 << 4 | 1 << 2 | 1 << 1 | 1);
	one_descriptor(rig, big, 65536, DMAH_FROM_DEVICE, 0, false,
		       1 << 15 | 1 << 12 | 1 << 11 | 1 << 10 | 3 << 4 | 3 << 2 | 1);
	one_descriptor(rig, big, 2u << 20, DMAH_FROM_DEVICE, 0, true,
		       1 << 17 | 1 << 16 | 1 << 12 | 3 << 10 | 1 << 4 | 3 << 2 | 2);
	one_descriptor(rig, big, 2u << 20, DMAH_TO_DEVICE, 0, true,
		       1 << 17 | 1 << 16 | 1 << 15 | 1 << 12 | 3 << 10 | 1 << 4 | 3 << 2 | 2);
	rig_close(rig);
}

/* Maps memory that lies on no 64 KiB boundary, and compares each page. */
static void pages_of(struct rig *rig, dmah_phys_t at, uint32_t len)
{
	struct dmah h = { 0 };
	dmah_phys_t phys;
	dmah_addr_t dma;

	assert_int_equal(dmah_map(device(rig, 0), &h, at, len, DMAH_FROM_DEVICE, 0), DMAH_OK);
	dma = dmah_addr(&h);
	for (uint32_t off = 0; off < len; off += 4096) {
		assert_int_equal(sim_dma_reaches(rig->dev[0], dma + off, true, &phys), SIM_OK);
		assert_int_equal(phys, at + off);
	}
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	for (uint32_t off = 0; off < len; off += 4096)
		assert_false(writes(rig, 0, dma + off));
}

static void short_pages(void **state)
{
	struct rig *rig = rig_open(&kinds[11], 1);
	dmah_phys_t at = sim_ram_take(rig->sim, 8u << 20, 2u << 20) + 4096;

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	for (unsigned int shift = 16; shift <= 22; shift++)
		pages_of(rig, at, 1u << shift);
	rig_close(rig);
}

/* The second descriptors of 16 pages: all are one large page, or none is. Returns true where they are. */
static bool one_size(struct rig *rig, dmah_addr_t dma)
{
	uint32_t d[2], first;

	descriptors(rig, dma, d);
	first = d[1];
	for (unsigned int i = 1; i < 16; i++) {
		descriptors(rig, dma + i * 4096, d);
		if ((first & 3) == 1 ? d[1] != first : (d[1] & 3) == 1)
			return false;
	}
	return true;
}

/* Identity ranges of which one is in another: a large page is made small where a page of it changes. */
static void short_identity(void **state)
{
	static const struct dmah_reserved range[] = {
		{ .base = 0x40000000, .size = 0x10000, .identity = true, .dir = DMAH_TO_DEVICE },
		{ .base = 0x40004000, .size = 0x1000, .identity = true },
		{ .base = 0x4000e000, .size = 0x4000, .identity = true },
	};
	struct rig *rig = rig_open(&kinds[11], 1);
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT, .nreserved = 1 };
	uint32_t d[2];

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		limits.reserved = &range[i];
		assert_int_equal(dmah_attach(rig->dom, device(rig, i), &limits), DMAH_OK);
		assert_true(one_size(rig, range[0].base));
		descriptors(rig, range[0].base, d);
		assert_int_equal(d[1] & 3, i ? 3 : 1);
	}
	descriptors(rig, range[1].base, d);
	assert_int_equal(d[1] & (1 << 9 | 0xfffff000), range[1].base);
	for (unsigned int i = 3; i--;) {
		assert_int_equal(dmah_detach(device(rig, i)), DMAH_OK);
		assert_true(one_size(rig, range[0].base));
	}
	descriptors(rig, range[0].base, d);
	assert_int_equal(d[1], 0);
	rig_close(rig);
}

/* MMU-500: a context bank that translates has its prefetch off. */
static void prefetch_is_off(void **state)
{
	const struct kind *mmu500 = &kinds[8];
	struct rig *rig = rig_open(mmu500, 1);

	(void)state;
	assert_true(sim_smmuv2_peek(rig->regs[0], BANK(0) + ACTLR) & 2);
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_int_equal(sim_smmuv2_peek(rig->regs[0], BANK(0) + ACTLR) & 2, 0);
	rig_close(rig);
}

/* Stage 2 takes no more bits than come out of the unit, however many it could take: no table is wider. */
static void narrow_output(void **state)
{
	static const struct kind kind = { .stage2 = true, .out_bits = 36 };
	struct rig *rig = rig_open(&kind, 1);
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU,
					.format = &dmah_pt_lpae_s2,
					.iommu = &rig->smmu[0].iommu,
					.va_bits = 48 };
	size_t need = dmah_domain_memory(&c);
	void *memory = memory_of(need);
	struct dmah_domain *dom;

	(void)state;
	assert_int_equal(dmah_domain_init(&dom, &c, memory, need), DMAH_ENOTSUP);
	free(memory);
	rig->reports = 0;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	rig_close(rig);
}

/* ---- limits ---- */

static void registers_run_out(void **state)
{
	const struct kind *few = &kinds[10];
	struct rig *rig = rig_open(few, 1);
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU,
					.format = &dmah_pt_lpae_s1,
					.iommu = &rig->smmu[0].iommu,
					.aperture_size = 1 << 21 };
	struct dmah_device extra = { .name = "extra", .iommu = &rig->smmu[0].iommu };
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };
	size_t need = dmah_domain_memory(&c);
	struct dmah_domain *dom[SIM_SMMUV2_BANKS];
	void *memory[SIM_SMMUV2_BANKS];
	unsigned int n = 0;
	int err = DMAH_OK;

	(void)state;
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_int_equal(try_attach(rig, i), DMAH_OK);
	/* The fifth stream finds no register, and one that another's mask covers is refused. */
	extra.id = 0x55;
	assert_int_equal(dmah_attach(rig->dom, &extra, &limits), DMAH_ENOTSUP);
	assert_int_equal(dmah_detach(device(rig, 3)), DMAH_OK);
	extra.id = dmah_smmuv2_id(0x20, 0x1f);
	assert_int_equal(dmah_attach(rig->dom, &extra, &limits), DMAH_ENOTSUP);
	extra.id = dmah_smmuv2_id(0x4000, 0xff);
	assert_int_equal(dmah_attach(rig->dom, &extra, &limits), DMAH_OK);
	assert_int_equal(dmah_detach(&extra), DMAH_OK);
	extra.id = 0x8000;
	assert_int_equal(dmah_attach(rig->dom, &extra, &limits), DMAH_ENOTSUP);
	/* One bank is taken: 31 are left. */
	for (; n < SIM_SMMUV2_BANKS && !err; n++) {
		memory[n] = memory_of(need);
		err = dmah_domain_init(&dom[n], &c, memory[n], need);
	}
	assert_int_equal(err, DMAH_ENOSPC);
	assert_int_equal(n, SIM_SMMUV2_BANKS);
	free(memory[--n]);
	while (n--) {
		assert_int_equal(dmah_domain_fini(dom[n]), DMAH_OK);
		free(memory[n]);
	}
	rig_close(rig);
}

/* Devices of one domain behind two units: each unit is invalidated. */
static void two_units(void **state)
{
	struct rig *rig = rig_open(&plain, 2);
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_int_equal(try_attach(rig, i), DMAH_OK);
	assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	dma = dmah_addr(&h);
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_true(writes(rig, i, dma));
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_false(writes(rig, i, dma));
	rig_close(rig);
}

/* The table becomes wider while a device is attached: its bank is not changed under its stream, and its mappings stay. */
static void wider_table(void **state)
{
	const struct dmah_reserved high = { .base = 1ull << 40, .size = 4096, .identity = true };
	struct dmah_limits limits = {
		.mask = ~0ull, .flags = DMAH_DEV_COHERENT, .reserved = &high, .nreserved = 1
	};
	struct rig *rig = rig_open(&plain, 1);
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_int_equal(try_attach(rig, 2), DMAH_OK);
	assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	assert_true(writes(rig, 0, dmah_addr(&h)));
	assert_int_equal(dmah_attach(rig->dom, device(rig, 1), &limits), DMAH_OK);
	for (unsigned int i = 0; i < 3; i++)
		assert_true(writes(rig, i, dmah_addr(&h)));
	/* The range is translated, to where there is no memory. */
	assert_int_equal(sim_dma_reaches(rig->dev[1], high.base, true, NULL), SIM_FAULT_BUS);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	assert_false(writes(rig, 1, dmah_addr(&h)));
	rig_close(rig);
}

/* ---- invalidations ---- */

/* One context bank is waited for where only that one was written to; addresses are named by their last level. */
static void least_that_is_needed(void **state)
{
	struct rig *rig = rig_open(&plain, 1);
	struct sim_smmuv2_stats before, after;
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	for (unsigned int i = 0; i < 2; i++) {
		sim_smmuv2_stats(rig->regs[0], &before);
		assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 3 * 4096,
					  DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
		sim_smmuv2_stats(rig->regs[0], &after);
		h = (struct dmah){ 0 };
	}
	assert_int_equal(after.last - before.last, 3);
	assert_int_equal(after.addresses + after.spaces + after.all,
			 before.addresses + before.spaces + before.all);
	assert_int_equal(after.bank_syncs - before.bank_syncs, 1);
	assert_int_equal(after.global_syncs, before.global_syncs);
	rig_close(rig);
}

/* ---- configurations ---- */

static void refused(void **state)
{
	static const struct {
		struct kind kind;
		int err;
	} of[] = {
		{ { .driver = { .model = (enum dmah_smmuv2_model)99 } }, DMAH_EINVAL },
		{ { .driver = { .walks = (enum dmah_walks)9 } }, DMAH_EINVAL },
		{ { .driver = { .id_base = 128 } }, DMAH_EINVAL },
		{ { .driver = { .nbypass = 1 } }, DMAH_EINVAL },
		{ { .driver = { .stage2 = true } }, DMAH_ENOTSUP },
		{ { .model = { .v1 = true, .no_aarch32 = true } }, DMAH_ENOTSUP },
		{ { .model = { .stage2_banks = 32 } }, DMAH_ENOTSUP },
		{ { .model = { .no_short = true }, .driver = { .short_descriptors = true } },
		  DMAH_ENOTSUP },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		struct rig *rig = rig_begin(&of[i].kind, 1);

		assert_int_equal(rig_init(rig, &of[i].kind, 0), of[i].err);
		rig_end(rig);
	}
}

/* A unit that is not there, and one that does not answer, at the beginning. */
static void absent(void **state)
{
	(void)state;
	for (unsigned int dead = 0; dead < 2; dead++) {
		struct rig *rig = rig_begin(&plain, 1);

		sim_fail(sim_iommu(rig->sim, 0), dead ? SIM_FAIL_DEAD : SIM_FAIL_ONES, 1, 0);
		assert_int_equal(rig_init(rig, &plain, 0), dead ? DMAH_ETIMEDOUT : DMAH_ENODEV);
		rig_end(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_unit),	     cmocka_unit_test(short_descriptors),
		cmocka_unit_test(short_pages),	     cmocka_unit_test(short_identity),
		cmocka_unit_test(narrow_output),     cmocka_unit_test(prefetch_is_off),
		cmocka_unit_test(registers_run_out), cmocka_unit_test(two_units),
		cmocka_unit_test(wider_table),	     cmocka_unit_test(least_that_is_needed),
		cmocka_unit_test(refused),	     cmocka_unit_test(absent),
	};

	return cmocka_run_group_tests_name("smmuv2", tests, NULL, NULL);
}
