// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * VT-d walks over tables written by hand: results, and each fault by its number in the specification. Bits are written as
 * numbers, from the specification's figures.
 */
#include "t.h"

#define ROOT 0x40100000ull /* root, then a table each below it */
#define L4   0x40101000ull
#define L3   0x40102000ull
#define L2   0x40103000ull
#define L1   0x40104000ull
#define PAGE 0x40200000ull

static struct sim *sim;
static struct sim_mem mem;

static int setup(void **state)
{
	struct sim_config c = t_config("direct");

	(void)state;
	c.ram_size = 16 << 20;
	sim = t_machine(&c);
	mem = (struct sim_mem){ .ram = &sim->ram, .coherent = true };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sim_destroy(sim);
	return 0;
}

static struct sim_table table(unsigned int levels)
{
	return (struct sim_table){
		.root = ROOT, .levels = levels, .va_bits = 12 + 9 * levels, .out_bits = 46
	};
}

/* Tables for IOVA 0x7f_1234_5678 plus what 4 and 5 levels add: indices 508, 145, 325 under 0 and 0. */
#define IOVA 0x7f12345678ull
#define LEAF (L1 + (0x7f12345678ull >> 12 & 511) * 8)
#define DIR2 (L2 + (0x7f12345678ull >> 21 & 511) * 8)
#define DIR3 (L3 + (0x7f12345678ull >> 30 & 511) * 8)

static void tables(unsigned int levels)
{
	memset(sim_ram_at(&sim->ram, ROOT), 0, 5 * 4096);
	t_put64(sim, LEAF, PAGE | 3);
	t_put64(sim, DIR2, L1 | 3);
	if (levels == 3) {
		t_put64(sim, ROOT + (IOVA >> 30 & 511) * 8, L2 | 3);
		return;
	}
	t_put64(sim, DIR3, L2 | 3);
	if (levels == 4) {
		t_put64(sim, ROOT, L3 | 3);
		return;
	}
	t_put64(sim, L4, L3 | 3);
	t_put64(sim, ROOT, L4 | 3);
}

static enum sim_reason walk_at(unsigned int levels, uint64_t iova, struct sim_walk *w)
{
	struct sim_table t = table(levels);

	memset(w, 0, sizeof(*w));
	return sim_walk_vtd(&mem, &t, iova, w);
}

static void pages(void **state)
{
	struct sim_walk w;

	(void)state;
	for (unsigned int levels = 3; levels <= 5; levels++) {
		tables(levels);
		assert_int_equal(walk_at(levels, IOVA, &w), SIM_OK);
		assert_int_equal(w.out, PAGE);
		assert_int_equal(w.shift, 12);
		assert_int_equal(w.perm, SIM_PERM_READ | SIM_PERM_WRITE);
		assert_int_equal(w.steps, levels);
		assert_int_equal(walk_at(levels, IOVA + 0x1000, &w), SIM_FAULT_TRANSLATION);
		assert_int_equal(walk_at(levels, 0, &w), SIM_FAULT_TRANSLATION);
		/* one bit beyond the width */
		assert_int_equal(walk_at(levels, IOVA | 1ull << (12 + 9 * levels), &w),
				 SIM_FAULT_WIDTH);
		assert_int_equal(w.code, 0x4);
	}
}

static void permissions(void **state)
{
	struct sim_walk w;

	(void)state;
	/* every level's R and W, ANDed: each of the 4 x 4 x 4 x 4 of a four-level table */
	for (unsigned int bits = 0; bits < 256; bits++) {
		unsigned int a = bits & 3, b = bits >> 2 & 3, c = bits >> 4 & 3, d = bits >> 6;

		tables(4);
		t_put64(sim, ROOT, L3 | a);
		t_put64(sim, DIR3, L2 | b);
		t_put64(sim, DIR2, L1 | c);
		t_put64(sim, LEAF, PAGE | d);
		if (a & b & c & d) {
			assert_int_equal(walk_at(4, IOVA, &w), SIM_OK);
			assert_int_equal(w.perm, a & b & c & d);
		} else {
			assert_int_equal(walk_at(4, IOVA, &w), SIM_FAULT_TRANSLATION);
		}
	}
}

static void superpages(void **state)
{
	struct sim_table t = table(4);
	struct sim_walk w;

	(void)state;
	tables(4);
	t_put64(sim, DIR2, 0x40200000ull | 0x83);
	assert_int_equal(walk_at(4, IOVA, &w), SIM_OK);
	assert_int_equal(w.out, 0x40200000);
	assert_int_equal(w.shift, 21);
	assert_int_equal(w.steps, 3);
	t.no_2m = true;
	memset(&w, 0, sizeof(w));
	assert_int_equal(sim_walk_vtd(&mem, &t, IOVA, &w), SIM_FAULT_RESERVED);
	for (unsigned int bit = 12; bit < 21; bit++) {
		t_put64(sim, DIR2, 0x40200000ull | 0x83 | 1ull << bit);
		assert_int_equal(walk_at(4, IOVA, &w), SIM_FAULT_RESERVED);
		assert_int_equal(w.code, 0xc);
	}
	t_put64(sim, DIR3, 0x40000000ull | 0x81);
	assert_int_equal(walk_at(4, IOVA, &w), SIM_OK);
	assert_int_equal(w.out, 0x40000000);
	assert_int_equal(w.shift, 30);
	assert_int_equal(w.perm, SIM_PERM_READ);
	for (unsigned int bit = 12; bit < 30; bit++) {
		t_put64(sim, DIR3, 0x40000000ull | 0x81 | 1ull << bit);
		assert_int_equal(walk_at(4, IOVA, &w), SIM_FAULT_RESERVED);
	}
	/* no leaf above that */
	t_put64(sim, ROOT, 0x81);
	assert_int_equal(walk_at(4, IOVA, &w), SIM_FAULT_RESERVED);
}

static void reserved(void **state)
{
	/* in a leaf entry: 11 (SNP, not reported here), what lies beyond the host's width, and 62 */
	static const unsigned int bad[] = { 11, 46, 47, 50, 51, 62 },
				  fine[] = { 2, 3, 7, 8, 9, 52, 55, 60, 61, 63 };
	struct sim_walk w;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tables(4);
		t_put64(sim, LEAF, PAGE | 1 | 1ull << bad[i]);
		assert_int_equal(walk_at(4, IOVA, &w), SIM_FAULT_RESERVED);
		assert_int_equal(w.code, 0xc);
		/* not present: nothing is reserved */
		t_put64(sim, LEAF, PAGE | 1ull << bad[i]);
		assert_int_equal(walk_at(4, IOVA, &w), SIM_FAULT_TRANSLATION);
	}
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		tables(4);
		t_put64(sim, LEAF, PAGE | 1 | 1ull << fine[i]);
		assert_int_equal(walk_at(4, IOVA, &w), SIM_OK);
		assert_int_equal(w.out, PAGE);
	}
}

static void no_memory(void **state)
{
	struct sim_walk w;

	(void)state;
	tables(4);
	t_put64(sim, DIR2, 0x3fffff000ull | 3);
	assert_int_equal(walk_at(4, IOVA, &w), SIM_FAULT_TABLE);
	assert_int_equal(w.code, 0x7);
}

#define RT 0x40110000ull
#define CT 0x40111000ull
#define ID 0x1234u

static enum sim_reason context(struct sim_context *c, uint32_t *code, bool passthrough)
{
	struct sim_table hw = { .va_bits = 48, .out_bits = 46 };

	return sim_walk_context(&mem, RT, ID, &hw, passthrough, c, code);
}

static void check_context(uint64_t root_lo, uint64_t root_hi, uint64_t lo, uint64_t hi,
			  enum sim_reason reason, uint32_t code)
{
	struct sim_context c;
	uint32_t got;

	t_put64(sim, RT + 0x12 * 16, root_lo);
	t_put64(sim, RT + 0x12 * 16 + 8, root_hi);
	t_put64(sim, CT + 0x34 * 16, lo);
	t_put64(sim, CT + 0x34 * 16 + 8, hi);
	assert_int_equal(context(&c, &got, true), reason);
	assert_int_equal(got, code);
}

static void contexts(void **state)
{
	struct sim_context c;
	uint32_t code;

	(void)state;
	check_context(CT | 1, 0, ROOT | 1, 0x4202, SIM_OK, 0);
	assert_int_equal(context(&c, &code, true), SIM_OK);
	assert_true(c.translate);
	assert_false(c.ats);
	assert_int_equal(c.domain, 0x42);
	assert_int_equal(c.table.root, ROOT);
	assert_int_equal(c.table.levels, 4);
	assert_int_equal(c.table.va_bits, 48);
	check_context(CT | 1, 0, ROOT | 5, 0x4201, SIM_OK, 0);
	assert_int_equal(context(&c, &code, true), SIM_OK);
	assert_true(c.ats);
	assert_int_equal(c.table.levels, 3);
	check_context(CT | 1, 0, 9, 0x4202, SIM_OK, 0);
	assert_int_equal(context(&c, &code, true), SIM_OK);
	assert_false(c.translate);
	assert_int_equal(context(&c, &code, false),
			 SIM_FAULT_CONTEXT); /* no pass-through in this hardware */

	check_context(0, 0, ROOT | 1, 0x4202, SIM_FAULT_BLOCKED, 0x1);
	check_context(CT | 1, 0, ROOT, 0x4202, SIM_FAULT_BLOCKED, 0x2);
	check_context(CT | 1, 0, ROOT | 1, 0x4203, SIM_FAULT_CONTEXT,
		      0x3); /* 57 bits in a 48-bit unit */
	check_context(CT | 1, 0, ROOT | 1, 0x4200, SIM_FAULT_CONTEXT, 0x3);
	check_context(CT | 1, 0, ROOT | 0xd, 0x4202, SIM_FAULT_CONTEXT, 0x3); /* type 3 */
	check_context(0x3fffff000ull | 1, 0, 0, 0, SIM_FAULT_CONTEXT, 0x9);
	check_context(CT | 3, 0, ROOT | 1, 0x4202, SIM_FAULT_CONTEXT, 0xa);
	check_context(CT | 1, 1, ROOT | 1, 0x4202, SIM_FAULT_CONTEXT, 0xa);
	check_context(CT | 1, 0, ROOT | 0x11, 0x4202, SIM_FAULT_CONTEXT, 0xb);
	check_context(CT | 1, 0, ROOT | 1, 0x4282, SIM_FAULT_CONTEXT, 0xb);
	check_context(CT | 1, 0, ROOT | 1, 1ull << 24 | 0x4202, SIM_FAULT_CONTEXT, 0xb);
	check_context(CT | 1, 0, 1ull << 46 | 1, 0x4202, SIM_FAULT_CONTEXT, 0xb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pages, setup, teardown),
		cmocka_unit_test_setup_teardown(permissions, setup, teardown),
		cmocka_unit_test_setup_teardown(superpages, setup, teardown),
		cmocka_unit_test_setup_teardown(reserved, setup, teardown),
		cmocka_unit_test_setup_teardown(no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(contexts, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
