// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* VMSAv8-64 stage 2 walks over tables written by hand. */
#include "t.h"

#define ROOT 0x40100000ull
#define L1T  0x40101000ull
#define L2T  0x40102000ull
#define L3T  0x40103000ull
#define PAGE 0x40200000ull
#define IOVA 0x7f12345678ull
/* XN, AF, inner-shareable, S2AP 11, write-back, page */
#define LEAF (1ull << 54 | 0x7ffull)

static struct sim *sim;
static struct sim_mem mem;
static uint64_t at3, at2, at1;

static int setup(void **state)
{
	struct sim_config c = t_config("smmu-s2");

	(void)state;
	c.ram_size = 16 << 20;
	sim = t_machine(&c);
	mem = (struct sim_mem){ .ram = &sim->ram, .coherent = true };
	at3 = L3T + (IOVA >> 12 & 511) * 8;
	at2 = L2T + (IOVA >> 21 & 511) * 8;
	return 0;
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
	t_put64(sim, at3, PAGE | LEAF);
}

static enum sim_reason walk(unsigned int levels, uint64_t iova, struct sim_walk *w)
{
	struct sim_table t = { .format = SIM_FORMAT_LPAE_S2,
			       .root = ROOT,
			       .levels = levels,
			       .va_bits = levels == 3 ? 39 : 48,
			       .out_bits = 44 };

	memset(w, 0, sizeof(*w));
	return sim_walk(&mem, &t, iova, w);
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
		assert_int_equal(walk(levels, IOVA + 0x1000, &w), SIM_FAULT_TRANSLATION);
		assert_int_equal(w.code, 0x10);
		assert_int_equal(walk(levels, IOVA | 1ull << (levels == 3 ? 39 : 48), &w),
				 SIM_FAULT_WIDTH);
	}
}

static void permissions(void **state)
{
	struct sim_walk w;

	(void)state;
	tables(4);
	for (unsigned int ap = 0; ap < 4; ap++) {
		t_put64(sim, at3, PAGE | (LEAF & ~0xc0ull) | ap << 6);
		assert_int_equal(walk(4, IOVA, &w), ap ? SIM_OK : SIM_FAULT_PERMISSION);
		assert_int_equal(w.perm, ap);
	}
	assert_int_equal(w.code, 0);
	t_put64(sim, at3, PAGE | (LEAF & ~0x400ull));
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_ACCESS_FLAG);
	assert_int_equal(w.code, 0x12);
}

static void blocks(void **state)
{
	struct sim_walk w;

	(void)state;
	tables(4);
	t_put64(sim, at2, 0x40200000ull | (LEAF & ~2ull));
	assert_int_equal(walk(4, IOVA, &w), SIM_OK);
	assert_int_equal(w.shift, 21);
	for (unsigned int bit = 11; bit < 21; bit++) {
		t_put64(sim, at2, 0x40200000ull | (LEAF & ~2ull) | 1ull << bit);
		assert_int_equal(walk(4, IOVA, &w), bit == 16 ? SIM_OK : SIM_FAULT_RESERVED);
	}
	t_put64(sim, ROOT, LEAF & ~2ull); /* no blocks at level 0 */
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_TRANSLATION);
}

static void malformed(void **state)
{
	struct sim_walk w;

	(void)state;
	tables(4);
	t_put64(sim, at3, PAGE | (LEAF & ~2ull)); /* a block in the last level */
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_TRANSLATION);
	t_put64(sim, at3, PAGE | LEAF | 1ull << 44); /* wider than the output */
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_ADDRESS_SIZE);
	for (unsigned int attr = 0; attr < 16;
	     attr++) { /* MemAttr: an outer attribute without an inner one */
		t_put64(sim, at3, PAGE | (LEAF & ~0x3cull) | attr << 2);
		assert_int_equal(walk(4, IOVA, &w), attr == 4 || attr == 8 || attr == 12
							    ? SIM_FAULT_RESERVED
							    : SIM_OK);
	}
	t_put64(sim, at3, PAGE | LEAF);
	for (unsigned int bit = 59; bit < 64;
	     bit++) { /* attributes of a table, which only stage 1 has */
		t_put64(sim, at2, L3T | 3 | 1ull << bit);
		assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_RESERVED);
	}
	t_put64(sim, at2, 0x3fffff000ull | 3);
	assert_int_equal(walk(4, IOVA, &w), SIM_FAULT_TABLE);
	assert_int_equal(w.code, 0x0b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pages, setup, teardown),
		cmocka_unit_test_setup_teardown(permissions, setup, teardown),
		cmocka_unit_test_setup_teardown(blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(malformed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
