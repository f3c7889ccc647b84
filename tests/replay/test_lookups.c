// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The emulated lookups. The library compares their answers with its own entry and refuses a different one, so a wrong answer
 * is a call that fails. The number of entries that each lookup visits is known.
 */
#define _GNU_SOURCE
#include "exec.h"
#include "machines.h"

/* A page, two pages, an offset, and 4 MiB on a 2 MiB boundary, which the tables map by blocks. */
static const char text[] = MAP("1.0", "TO_DEVICE", "1000", "9000", "64")
	MAP("1.1", "FROM_DEVICE", "2040", "a040", "8000") MAP("1.2", "BIDIRECTIONAL", "5800",
							      "20800", "4096")
		MAP("1.3", "TO_DEVICE", "80000000", "40000000", "4194304")
			UNMAP("1.4", "FROM_DEVICE", "2040", "8000")
				UNMAP("1.5", "TO_DEVICE", "1000", "64")
					UNMAP("1.6", "TO_DEVICE", "80000000", "4194304")
						UNMAP("1.7", "BIDIRECTIONAL", "5800", "4096");

struct fixture {
	struct trace *trace;
	struct plan *plan;
	struct machine *m;
	struct exec x;
};

static void begin(struct fixture *f, const char *machine, enum lookup lookup)
{
	f->trace = load_text(text);
	f->plan = plan_make(f->trace);
	assert_non_null(f->plan);
	f->m = machine_create(kind_named(machine), f->plan, false, 25);
	assert_non_null(f->m);
	exec_init(&f->x, f->m);
	assert_int_equal(exec_set_way(&f->x, (struct way){ API_ADDRESS, lookup }), DMAH_OK);
}

static bool finish(struct fixture *f)
{
	bool clean;

	exec_free(&f->x);
	clean = machine_destroy(f->m);
	plan_free(f->plan);
	trace_close(f->trace);
	return clean;
}

static void finds_all(const char *machine, enum lookup lookup, uint64_t least, uint64_t most)
{
	struct dmah_stats stats;
	struct fixture f;

	begin(&f, machine, lookup);
	assert_int_equal(exec_run(&f.x, 0, f.plan->nops), 0);
	machine_stats(f.m, &stats);
	assert_int_equal(stats.reverse_lookups, 4);
	assert_in_range(stats.lookup_steps, least, most);
	/* A second run would find leftovers of the first. */
	assert_int_equal(exec_run(&f.x, 0, f.plan->nops), 0);
	assert_true(finish(&f));
}

static void walk_vtd(void **state)
{
	(void)state;
	/* 4 levels, but 3 where a block ends the walk. The data area is not always on a 2 MiB boundary. */
	finds_all("vtd", LOOKUP_WALK, 15, 16);
}

static void walk_smmu(void **state)
{
	(void)state;
	finds_all("smmu", LOOKUP_WALK, 15, 16);
}

static void rbtree(void **state)
{
	(void)state;
	finds_all("vtd", LOOKUP_RBTREE, 4, 4 * 3);
}

static void ats_register(void **state)
{
	(void)state;
	/* ATS1PR, the polls that read active, the one that does not, PAR */
	finds_all("armmap", LOOKUP_REGISTER, 4 * (POLLS + 3), 4 * (POLLS + 3));
}

static void directory(void **state)
{
	(void)state;
	finds_all("vtd", LOOKUP_DIRECTORY, 4, 4 * 5);
	finds_all("smmu", LOOKUP_DIRECTORY, 4, 4 * 5);
	finds_all("armmap", LOOKUP_DIRECTORY, 4, 4 * 5);
}

static dmah_phys_t lie(void *ctx, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	(void)ctx;
	(void)dom;
	++*steps;
	return 0x40000000 | (dma & 4095);
}

static void wrong_answers_are_refused(void **state)
{
	struct dmah_lookup lookup = { .find = lie };
	struct fixture f;

	(void)state;
	begin(&f, "vtd", LOOKUP_DIRECTORY);
	rig_silence(true);
	assert_int_equal(dmah_addr_set_lookup(f.m->rig[0].dom, &lookup), DMAH_OK);
	assert_int_equal(exec_run(&f.x, 0, f.plan->nops), 4);
	rig_silence(false);
	assert_false(finish(&f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walk_vtd),  cmocka_unit_test(walk_smmu),
		cmocka_unit_test(rbtree),    cmocka_unit_test(ats_register),
		cmocka_unit_test(directory), cmocka_unit_test(wrong_answers_are_refused),
	};

	return cmocka_run_group_tests_name("replay-lookups", tests, NULL, NULL);
}
