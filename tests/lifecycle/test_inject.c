/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Injected failures at every point of every call. Afterwards a model of who may reach which page is held against the
 * hardware's tables and TLBs: a page whose call said that it is done, or that failed without a time-out, is reached by no
 * device but those that the model names.
 */
#include "rig.h"

#define PAGES	  4u
#define NTH_MOST  24u
#define IDENTITY  0x48000000ull
#define REACHABLE 255u

/*
 * struct world - two devices, the first with a TLB of its own, and pages of memory.
 * @reach: by page: the devices that may reach it, as a bit mask; REACHABLE: a time-out left that open.
 * @identity: the same for the page at IDENTITY.
 */
struct world {
	struct rig r;
	struct dmah_device *dev[2];
	dmah_phys_t page;
	struct dmah h[PAGES];
	unsigned int reach[PAGES];
	unsigned int identity;
	struct dmah_ring *ring;
	void *ring_memory;
};

static bool may(void *ctx, struct sim_device *sim_dev, const struct sim_reach *reach)
{
	struct world *w = ctx;
	unsigned int bit = sim_device_dmah(sim_dev) == w->dev[0] ? 1 : 2;

	if (reach->by == SIM_BY_PASSTHROUGH)
		return w->r.dom && w->identity == REACHABLE;
	if (reach->phys - IDENTITY < 4096)
		return w->identity & bit;
	for (unsigned int i = 0; i < PAGES; i++)
		if (reach->phys - (w->page + i * 4096ull) < 4096)
			return w->reach[i] & bit;
	return false;
}

/* A call that maps page @i returned @err. */
static void mapped(struct world *w, unsigned int i, int err)
{
	/* All devices of a domain share its table. */
	w->reach[i] = err == DMAH_ETIMEDOUT ? REACHABLE : err < 0 ? 0 : 3;
}

/* A call that unmaps page @i returned @err. */
static void unmapped(struct world *w, unsigned int i, int err)
{
	w->reach[i] = err ? REACHABLE : 0;
}

static void world_open(struct world *w, enum rig_kind kind, enum dmah_mode mode)
{
	struct rig_config config = { .domain = { .mode = mode } };
	struct dmah_ring_config ring = { .entries = 4,
					 .entry_size = 4096,
					 .dir = DMAH_BIDIRECTIONAL };

	memset(w, 0, sizeof(*w));
	rig_open(&w->r, kind, &config);
	w->page = rig_page(&w->r, PAGES);
	w->dev[0] = rig_attach(&w->r, true);
	w->dev[1] = rig_device(&w->r, true);
	w->ring_memory = aligned_alloc(64, (dmah_ring_memory(&ring) + 63) & ~(size_t)63);
	assert_int_equal(dmah_ring_init(&w->ring, w->dev[0], &ring, w->ring_memory,
					dmah_ring_memory(&ring)),
			 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(dmah_map(w->dev[0], &w->h[i], w->page + i * 4096, 4096,
					  DMAH_BIDIRECTIONAL, 0),
				 0);
		assert_true(rig_writes(&w->r, w->dev[0], dmah_addr(&w->h[i])));
		w->reach[i] = 3;
	}
}

/* ---- the calls ---- */

/* The device that is there uses an identity range as soon as it translates. */
static int use_identity(struct rig *r, struct dmah_device *dev, enum dmah_bind how)
{
	(void)dev;
	(void)how;
	(void)rig_writes(r, sim_device_dmah(r->dev[0]), IDENTITY);
	return DMAH_OK;
}

static int attach_second(struct world *w)
{
	static const struct dmah_reserved range = { .base = IDENTITY,
						    .size = 4096,
						    .identity = true };
	struct dmah_limits limits = rig_limits(&w->r, w->dev[1]);
	int err;

	limits.reserved = &range;
	limits.nreserved = 1;
	w->r.on_bind = use_identity;
	err = dmah_attach(w->r.dom, w->dev[1], &limits);
	w->r.on_bind = NULL;
	if (!err)
		(void)rig_writes(&w->r, w->dev[1], IDENTITY);
	w->identity = !err ? 3 : err == DMAH_ETIMEDOUT ? REACHABLE : 0;
	return err;
}

static void act_map(struct world *w)
{
	mapped(w, 2, dmah_map(w->dev[0], &w->h[2], w->page + 2 * 4096, 4096, DMAH_FROM_DEVICE, 0));
	mapped(w, 3,
	       dmah_map(w->dev[0], &w->h[3], w->page + 3 * 4096, 4096, DMAH_TO_DEVICE,
			DMAH_ATTR_NO_CPU_SYNC));
}

static void act_list(struct world *w)
{
	struct dmah_sg sg[2] = { { .phys = w->page + 2 * 4096, .len = 4096 },
				 { .phys = w->page + 3 * 4096, .len = 4096 } };
	int err = dmah_addr_map_sg(w->dev[0], sg, 2, DMAH_BIDIRECTIONAL, 0);

	mapped(w, 2, err);
	mapped(w, 3, err);
	if (err < 0)
		return;
	err = dmah_addr_unmap_sg(w->dev[0], sg, 2, DMAH_BIDIRECTIONAL, 0);
	unmapped(w, 2, err);
	unmapped(w, 3, err);
}

static void act_unmap(struct world *w)
{
	unmapped(w, 0, dmah_unmap(w->dev[0], &w->h[0]));
	unmapped(w, 1, dmah_unmap(w->dev[0], &w->h[1]));
}

static void act_batch(struct world *w)
{
	struct dmah room[2] = { 0 }, *h[2] = { &w->h[0], &w->h[1] };
	struct dmah_batch b = { .h = room, .max = 2 };
	int err = dmah_unmap_start(w->dev[0], &b, h, 2);

	err = err ? err : dmah_unmap_finish(w->dev[0], &b);
	unmapped(w, 0, err);
	unmapped(w, 1, err);
}

static void act_ring(struct world *w)
{
	dmah_addr_t dma;
	int err;

	for (unsigned int i = 0; i < 6; i++) {
		err = dmah_ring_push(w->ring, w->page + 2 * 4096, 4096, &dma);
		mapped(w, 2, w->reach[2] == REACHABLE ? DMAH_ETIMEDOUT : err);
		if (err)
			return;
		(void)rig_writes(&w->r, w->dev[0], dma);
		err = dmah_ring_pop(w->ring, 1);
		unmapped(w, 2, w->reach[2] == REACHABLE ? DMAH_ETIMEDOUT : err);
	}
}

static void act_attach(struct world *w)
{
	(void)attach_second(w);
}

static void act_attach_and_detach(struct world *w)
{
	int err = attach_second(w);

	if (!err) {
		err = dmah_detach(w->dev[1]);
		w->identity = err ? REACHABLE : 0;
		/* A device that has left reaches nothing of the domain. */
		if (!err)
			w->reach[0] = w->reach[1] = 1;
	}
}

static void act_kill(struct world *w)
{
	int err = dmah_kill(w->dev[0]);

	if (!err)
		w->reach[0] = w->reach[1] = 2;
	act_unmap(w);
}

static void act_flush(struct world *w)
{
	int err;

	(void)dmah_set_mode(w->r.dom, DMAH_LAZY);
	for (unsigned int i = 0; i < 2; i++)
		(void)dmah_unmap(w->dev[0], &w->h[i]);
	err = dmah_flush(w->r.dom);
	unmapped(w, 0, err);
	unmapped(w, 1, err);
}

static void act_strict(struct world *w)
{
	int err;

	(void)dmah_set_mode(w->r.dom, DMAH_LAZY);
	for (unsigned int i = 0; i < 2; i++)
		(void)dmah_unmap(w->dev[0], &w->h[i]);
	err = dmah_set_mode(w->r.dom, DMAH_STRICT);
	unmapped(w, 0, err);
	unmapped(w, 1, err);
}

static const struct {
	const char *name;
	void (*fn)(struct world *w);
} acts[] = {
	{ "map", act_map },
	{ "list", act_list },
	{ "unmap", act_unmap },
	{ "batch", act_batch },
	{ "ring", act_ring },
	{ "attach", act_attach },
	{ "attach and detach", act_attach_and_detach },
	{ "kill", act_kill },
	{ "lazy and flush", act_flush },
	{ "lazy and strict", act_strict },
};

/* One act under one injection. Returns true if the point was reached. */
static bool one(enum rig_kind kind, unsigned int act, const struct sim_injection *what)
{
	struct world w;
	bool struck;

	world_open(&w, kind, DMAH_STRICT);
	sim_inject(w.r.sim, what);
	acts[act].fn(&w);
	struck = sim_inject_struck(w.r.sim) != 0;
	sim_inject_stop(w.r.sim);
	if (sim_reach_check(w.r.sim, may, &w))
		fail_msg("%s: %s at %s %u of %s: memory is reached that the call said is not",
			 rig_text(kind), sim_failure_text(what->failure),
			 sim_point_text(what->point), (unsigned int)what->nth, acts[act].name);
	rig_abandon(&w.r);
	free(w.ring_memory);
	return struck;
}

static bool makes_sense(enum sim_point point, enum sim_failure failure)
{
	bool call = point != SIM_POINT_COMMAND && point != SIM_POINT_REGISTER;

	if (failure == SIM_FAIL_CALL)
		return call;
	/* Hardware fails between two commands, or where its driver looks at it. */
	return failure == SIM_FAIL_ONES ? point == SIM_POINT_REGISTER : point == SIM_POINT_COMMAND;
}

static void all_points(enum rig_kind kind)
{
	unsigned int struck = 0;

	for (unsigned int act = 0; act < sizeof(acts) / sizeof(acts[0]); act++)
		for (enum sim_point p = 0; p < SIM_POINTS; p++)
			for (enum sim_failure f = 0; f < SIM_FAILURES; f++) {
				struct sim_injection what = { .point = p, .nth = 1, .failure = f };

				if (!makes_sense(p, f))
					continue;
				for (; what.nth <= NTH_MOST && one(kind, act, &what); what.nth++)
					struck++;
			}
	assert_true(struck > 100);
}

static void vtd(void **state)
{
	(void)state;
	all_points(RIG_VTD);
}

static void smmu(void **state)
{
	(void)state;
	all_points(RIG_SMMU);
}

static void fake_vtd(void **state)
{
	(void)state;
	all_points(RIG_FAKE_VTD);
}

static void fake_smmu(void **state)
{
	(void)state;
	all_points(RIG_FAKE_SMMU);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vtd),
		cmocka_unit_test(smmu),
		cmocka_unit_test(fake_vtd),
		cmocka_unit_test(fake_smmu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
