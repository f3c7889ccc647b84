/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Inject every failure at every point of every call that touches hardware or allocates, on every
 * kind of IOMMU.
 *
 * Without an argument the program runs every act on the first machine of struct variant; with
 * "share", a share of the acts on each of the others; with "all", every act on each of the others.
 */
#include "inject_world.h"

#include <stdio.h>

#define NTH_MOST 400u
#define SHOWN	 40u

static unsigned int struck, failed;

/**
 * struct variant - a machine, and the failures that it meets.
 * @name: the machine in words.
 * @flags: enum world_flags, beside the act's.
 * @times: a call that fails does so as often in a row.
 * @share: one in so many acts runs there, unless all do.
 */
struct variant {
	const char *name;
	unsigned int flags;
	uint64_t times;
	unsigned int share;
};

static const struct variant variants[] = {
	{ "one failure", 0, 1, 1 },
	{ "two failures in a row", WORLD_GUESS, 2, 9 },
	{ "failures from there on", 0, UINT64_MAX, 13 },
	{ "non-coherent walks", WORLD_NONCOHERENT, 1, 13 },
	{ "a device with two ids, and guesses", WORLD_ALIAS | WORLD_GUESS, 1, 13 },
	{ "a power cycle", WORLD_POWER | WORLD_ALIAS, 1, 13 },
};

static const struct variant *variant;
static bool others, all_acts;

static bool makes_sense(enum sim_point point, enum sim_failure failure)
{
	bool call = point != SIM_POINT_COMMAND && point != SIM_POINT_REGISTER;

	if (failure == SIM_FAIL_CALL)
		return call;
	/* Hardware fails between two commands, or where its driver reads a register. */
	return failure == SIM_FAIL_ONES ? point == SIM_POINT_REGISTER : point == SIM_POINT_COMMAND;
}

static void complain(const struct world *w, const struct act *act, const struct sim_injection *what,
		     const char *text)
{
	if (failed++ < SHOWN)
		fprintf(stderr, "%s, %s, \"%s\": %s at %s %u: %s\n", rig_text(w->r.kind),
			variant->name, act->name, sim_failure_text(what->failure),
			sim_point_text(what->point), (unsigned int)what->nth, text);
}

/* Run one act with one injection. Returns true if its point was reached. */
static bool one(enum rig_kind kind, const struct act *act, const struct sim_injection *what)
{
	struct world w;
	const char *text;
	bool reached;

	world_open(&w, kind, act->flags | variant->flags);
	sim_inject(w.r.sim, what);
	if (variant->flags & WORLD_GUESS)
		sim_inject_visit(w.r.sim, world_guess, &w);
	act->fn(&w);
	reached = sim_inject_struck(w.r.sim) != 0;
	sim_inject_stop(w.r.sim);
	text = world_end(&w);
	if (text)
		complain(&w, act, what, text);
	world_free(&w);
	return reached;
}

/* Returns the second error that a call of the driver may return there, beside DMAH_ETIMEDOUT; 0: none. */
static int other_error(enum sim_point point, enum sim_failure failure)
{
	if (failure != SIM_FAIL_CALL)
		return 0;
	return point == SIM_POINT_BIND	      ? DMAH_ENOMEM
	       : point == SIM_POINT_TAG_ALLOC ? DMAH_ENOSPC
					      : 0;
}

/* Of several lost commands the fake IOMMU reports one. */
static uint64_t times_of(enum rig_kind kind, enum sim_failure failure)
{
	return failure == SIM_FAIL_CALL || kind == RIG_VTD || kind == RIG_SMMU ? variant->times : 1;
}

static void all_points(enum rig_kind kind, const struct act *act)
{
	for (enum sim_point p = 0; p < SIM_POINTS; p++)
		for (enum sim_failure f = 0; f < SIM_FAILURES; f++) {
			struct sim_injection what = {
				.point = p, .nth = 1, .failure = f, .times = times_of(kind, f)
			};

			if (!makes_sense(p, f))
				continue;
			for (; one(kind, act, &what); what.nth++, struck++)
				assert_true(what.nth < NTH_MOST);
			what.nth = 1;
			what.err = other_error(p, f);
			for (; what.err && one(kind, act, &what); what.nth++, struck++)
				;
		}
}

/* Every act meets a failure at some point. */
static void one_variant(const struct act *acts, unsigned int number)
{
	variant = &variants[number];
	for (unsigned int i = 0; acts[i].name; i++) {
		if (!all_acts && (i + number) % variant->share)
			continue;
		for (enum rig_kind kind = 0; kind < RIG_KINDS; kind++) {
			struck = 0;
			all_points(kind, &acts[i]);
			assert_true(struck > 0);
		}
	}
}

static void all_kinds(const struct act *acts)
{
	failed = 0;
	if (!others)
		one_variant(acts, 0);
	for (unsigned int i = 1; others && i < sizeof(variants) / sizeof(variants[0]); i++)
		one_variant(acts, i);
	if (failed)
		fail_msg("%u injections ended badly", failed);
}

static void maps(void **state)
{
	(void)state;
	all_kinds(inject_maps);
}

static void memory(void **state)
{
	(void)state;
	all_kinds(inject_memory);
}

static void setup(void **state)
{
	(void)state;
	all_kinds(inject_setup);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps),
		cmocka_unit_test(memory),
		cmocka_unit_test(setup),
	};

	others = argc > 1;
	all_acts = others && !strcmp(argv[1], "all");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
