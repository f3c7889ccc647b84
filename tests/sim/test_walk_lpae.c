// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* VMSAv8-64 walks of both stages over tables written by hand, and the registers that look an address up. */
#include "t.h"

#define ROOT 0x40100000ull
#define L1T  0x40101000ull
#define L2T  0x40102000ull
#define L3T  0x40103000ull
#define PAGE 0x40200000ull
#define IOVA 0x7f12345678ull
/* Stage 1: nG, AF, AP[1], page. */
#define LEAF_S1 0xc43ull
/* Stage 2: XN, AF, inner-shareable, S2AP 11, write-back, page. */
#define LEAF_S2 (1ull << 54 | 0x7ffull)

static struct sim *sim;
static struct sim_mem mem;
static uint64_t at3, at2, at1;
static enum sim_format format;
static uint64_t leaf;

static int setup(enum sim_format stage)
{
	struct sim_config c = t_config(stage == SIM_FORMAT_LPAE_S1 ? "smmu" : "smmu-s2");

	format = stage;
	leaf = stage == SIM_FORMAT_LPAE_S1 ? LEAF_S1 : LEAF_S2;
	c.ram_size = 16 << 20;
	sim = t_machine(&c);
	mem = (struct sim_mem){ .ram = &sim->ram, .coherent = true };
	at3 = L3T + (IOVA >> 12 & 511) * 8;
	at2 = L2T + (IOVA >> 21 & 511) * 8;
	return 0;
}

static int setup_s1(void **state)
{
	(void)state;
	return setup(SIM_FORMAT_LPAE_S1);
}

static int setup_s2(void **state)
{
	(void)state;
	return setup(SIM_FORMAT_LPAE_S2);
}

static int teardown(void **state)
{
	(void)state;
	sim_destroy(sim);
	return 0;
}

static void tables(unsigned int levels)
{
	memset(sim_ram_at(&sim->ram, ROOT), 0, 4 * 4096);
	at1 = (levels == 4 ? L1T : ROOT) + (IOVA >> 30 & 511) * 8;
	if (levels == 4)
		t_put64(sim, ROOT, L1T | 3);
	t_put64(sim, at1, L2T | 3);
	t_put64(sim, at2, L3T | 3);
	t_put64(sim, at3, PAGE | leaf);
}

static enum sim_reason walk_with(unsigned int levels, uint64_t iova, struct sim_walk *w,
				 bool privileged)
{
	struct sim_table t = { .format = format,
			       .root = ROOT,
			       .levels = levels,
			       .va_bits = levels == 3 ? 39 : 48,
			       .out_bits = 44,
			       .privileged = privileged };

	memset(w, 0, sizeof(*w));
	return sim_walk(&mem, &t, iova, w);
}

static enum sim_reason walk(unsigned int levels, uint64_t iova, struct sim_walk *w)
{
	return walk_with(levels, iova, w, false);
}

static void pages(void **state)
{
	struct sim_walk w;

	(void)state;
	for (unsigned int levels = 3; levels <= 4; levels++) {
		tables(levels);
		assert_int_equal(walk(levels, IOVA, &w), SIM_OK);
		assert_int_equal(w.out, PAGE);
		assert_int_equal(w.shift, 12);
		assert_int_equal(w.perm, SIM_PERM_READ | SIM_PERM_WRITE);
		assert_int_equal(w.steps, levels);
		assert_false(w.global);
		assert_int_equal(walk(levels, IOVA + 0x1000, &w), SIM_FAULT_TRANSLATION);
		assert_int_equal(w.code, 0x10);
		assert_int_equal(walk(levels, IOVA | 1ull << (levels == 3 ? 39 : 48), &w),
				 SIM_FAULT_WIDTH);
	}
}

static void global_pages(void **state)
{
	struct sim_walk w;

	(void)state;
	tables(4);
	t_put64(sim, at3, PAGE | 0x443); /* nG clear */
	assert_int_equal(walk(4, IOVA, &w), SIM_OK);
	assert_true(w.global);
}

static void permissions_s1(void **state)
{
	struct sim_walk w;

	(void)state;
	tables(4);
	t_put64(sim, at3, PAGE | leaf | 0x80); /* AP[2]: read only */
	assert_int_equal(walk(4, IOVA, &w), SIM_OK);
	assert_int_equal(w.perm, SIM_PERM_READ);
	t_put64(sim, at3, PAGE | (leaf & ~0x40ull)); /* not for the unprivileged */
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_PERMISSION);
	assert_int_equal(w.code, 0x13);
	assert_int_equal(walk_with(4, IOVA, &w, true), SIM_OK);
	t_put64(sim, at3, PAGE | (leaf & ~0x400ull));
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_ACCESS_FLAG);
	assert_int_equal(w.code, 0x12);
	/* the tables' own */
	t_put64(sim, at3, PAGE | leaf);
	t_put64(sim, at1, L2T | 3 | 1ull << 62);
	assert_int_equal(walk(4, IOVA, &w), SIM_OK);
	assert_int_equal(w.perm, SIM_PERM_READ);
	t_put64(sim, at1, L2T | 3 | 1ull << 61);
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_PERMISSION);
}

static void permissions_s2(void **state)
{
	struct sim_walk w;

	(void)state;
	tables(4);
	for (unsigned int ap = 0; ap < 4; ap++) {
		t_put64(sim, at3, PAGE | (leaf & ~0xc0ull) | ap << 6);
		assert_int_equal(walk(4, IOVA, &w), ap ? SIM_OK : SIM_FAULT_PERMISSION);
		assert_int_equal(w.perm, ap);
	}
	assert_int_equal(w.code, 0);
	t_put64(sim, at3, PAGE | (leaf & ~0x400ull));
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_ACCESS_FLAG);
	assert_int_equal(w.code, 0x12);
}

static void blocks(void **state)
{
	struct sim_walk w;

	(void)state;
	tables(4);
	t_put64(sim, at2, 0x40200000ull | (leaf & ~2ull));
	assert_int_equal(walk(4, IOVA, &w), SIM_OK);
	assert_int_equal(w.out, 0x40200000);
	assert_int_equal(w.shift, 21);
	for (unsigned int bit = 12; bit < 21; bit++) {
		t_put64(sim, at2, 0x40200000ull | (leaf & ~2ull) | 1ull << bit);
		assert_int_equal(walk(4, IOVA, &w), bit == 16 ? SIM_OK : SIM_FAULT_RESERVED);
	}
	t_put64(sim, at1, 0x40000000ull | (leaf & ~2ull));
	assert_int_equal(walk(4, IOVA, &w), SIM_OK);
	assert_int_equal(w.out, 0x40000000);
	assert_int_equal(w.shift, 30);
	t_put64(sim, ROOT, leaf & ~2ull); /* no blocks at level 0 */
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_TRANSLATION);
}

static void malformed(void **state)
{
	struct sim_walk w;

	(void)state;
	tables(4);
	t_put64(sim, at3, PAGE | (leaf & ~2ull)); /* a block in the last level */
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_TRANSLATION);
	t_put64(sim, at3, PAGE | leaf | 1ull << 48);
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_RESERVED);
	t_put64(sim, at3, PAGE | leaf | 1ull << 44); /* wider than the output */
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_ADDRESS_SIZE);
	assert_int_equal(w.code, 0x11);
	t_put64(sim, at2, 0x3fffff000ull | 3);
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_TABLE);
	assert_int_equal(w.code, 0x0b);
}

static void ignored_s1(void **state)
{
	struct sim_walk w;

	(void)state;
	tables(4);
	/* Software's bits, and attributes that a device does not feel. */
	for (unsigned int bit = 51; bit < 64; bit++) {
		t_put64(sim, at3, PAGE | leaf | 1ull << bit);
		assert_int_equal(walk(4, IOVA, &w), SIM_OK);
		assert_int_equal(w.out, PAGE);
	}
}

static void reserved_s2(void **state)
{
	struct sim_walk w;

	(void)state;
	tables(4);
	t_put64(sim, at3, PAGE | leaf | 1ull << 11);
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_RESERVED);
	/* MemAttr: an outer attribute without an inner one. */
	for (unsigned int attr = 0; attr < 16; attr++) {
		t_put64(sim, at3, PAGE | (leaf & ~0x3cull) | attr << 2);
		assert_int_equal(walk(4, IOVA, &w), attr == 4 || attr == 8 || attr == 12
							    ? SIM_FAULT_RESERVED
							    : SIM_OK);
	}
	/* Attributes of a table, which only stage 1 has. */
	t_put64(sim, at3, PAGE | leaf);
	for (unsigned int bit = 59; bit < 64; bit++) {
		t_put64(sim, at2, L3T | 3 | 1ull << bit);
		assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_RESERVED);
	}
}

static void lookups(void **state)
{
	struct sim_iommu *iommu = sim_iommu(sim, 0);
	struct dmah_iommu *d = sim_fake_iommu(iommu);
	struct dmah_pt_info pt = {
		.format = &dmah_pt_lpae_s1, .root = ROOT, .va_bits = 48, .levels = 4
	};
	struct sim_device *dev = sim_device_add(sim, &(struct sim_device_config){ .id = 5 });
	struct sim_bank *bank;
	uint64_t steps = 0;
	uint32_t tag;

	(void)state;
	tables(4);
	assert_null(sim_iommu_bank(iommu, &pt));
	assert_int_equal(d->ops->tag_alloc(d, &tag), 0);
	assert_int_equal(d->ops->bind(d, sim_device_dmah(dev), DMAH_BIND_TRANSLATE, &pt, tag), 0);
	bank = sim_iommu_bank(iommu, &pt);
	assert_non_null(bank);

	sim_iommu_set_polls(iommu, 3);
	sim_bank_write64(bank, SIM_CB_ATS1PR, IOVA & ~0xfffull);
	assert_true(sim_bank_read64(bank, SIM_CB_PAR) & SIM_CB_PAR_F); /* too early */
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(sim_bank_read32(bank, SIM_CB_ATSR), SIM_CB_ATSR_ACTIVE);
	assert_int_equal(sim_bank_read32(bank, SIM_CB_ATSR), 0);
	assert_int_equal(sim_bank_read64(bank, SIM_CB_PAR), PAGE);

	assert_int_equal(sim_bank_lookup(bank, IOVA, &steps), PAGE | 0x678);
	assert_int_equal(steps, 1 + 4 + 1);
	assert_true(sim_bank_lookup(bank, IOVA + 0x1000, NULL) == ~0ull);
	assert_int_equal(sim_bank_read64(bank, SIM_CB_PAR), SIM_CB_PAR_F | SIM_CB_PAR_TF);
	t_put64(sim, at3, PAGE | (leaf & ~0x400ull));
	assert_true(sim_bank_lookup(bank, IOVA, NULL) == ~0ull);
	assert_int_equal(sim_bank_read64(bank, SIM_CB_PAR), SIM_CB_PAR_F | SIM_CB_PAR_AFF);
	t_put64(sim, at3, PAGE | (leaf & ~0x40ull));
	assert_true(sim_bank_lookup(bank, IOVA, NULL) == ~0ull);
	assert_int_equal(sim_bank_read64(bank, SIM_CB_PAR), SIM_CB_PAR_F | SIM_CB_PAR_PF);
	t_put64(sim, at2, 0x40200000ull | (leaf & ~2ull));
	assert_int_equal(sim_bank_lookup(bank, IOVA, NULL), 0x40200000 | (IOVA & 0x1fffff));
	t_put64(sim, at2, 0x3fffff000ull | 3);
	assert_true(sim_bank_lookup(bank, IOVA, NULL) == ~0ull);
	assert_int_equal(sim_bank_read64(bank, SIM_CB_PAR), SIM_CB_PAR_F | SIM_CB_PAR_EF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "pages, stage 1", pages, setup_s1, teardown, NULL },
		{ "pages, stage 2", pages, setup_s2, teardown, NULL },
		{ "global pages", global_pages, setup_s1, teardown, NULL },
		{ "permissions, stage 1", permissions_s1, setup_s1, teardown, NULL },
		{ "permissions, stage 2", permissions_s2, setup_s2, teardown, NULL },
		{ "blocks, stage 1", blocks, setup_s1, teardown, NULL },
		{ "blocks, stage 2", blocks, setup_s2, teardown, NULL },
		{ "malformed, stage 1", malformed, setup_s1, teardown, NULL },
		{ "malformed, stage 2", malformed, setup_s2, teardown, NULL },
		{ "ignored bits, stage 1", ignored_s1, setup_s1, teardown, NULL },
		{ "reserved bits, stage 2", reserved_s2, setup_s2, teardown, NULL },
		{ "lookups", lookups, setup_s1, teardown, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
