/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A change of modes on CPU 1 between any two steps of a call on CPU 0. Every act runs once for each of its steps.
 */
#include "rig.h"
#include "steps.h"

#define STEPS_MOST 200u
#define PIECES	   3u
/* More granules than a ring of free ones has in an entry. */
#define MANY 33u

static struct {
	enum dmah_mode mode;
	struct rig *r;
	struct dmah_device *dev;
	const dmah_addr_t *dma;
	int err;
} change;

static void use(void)
{
	for (unsigned int i = 0; i < PIECES; i++)
		(void)rig_writes(change.r, change.dev, change.dma[i]);
}

/* The device uses its addresses before and after the change, so that its TLB holds all there is. */
static void change_mode(void)
{
	use();
	change.err = dmah_set_mode(change.r->dom, change.mode);
	use();
}

/* ---- acts: each ends mappings of three pages ---- */

struct act {
	struct rig r;
	struct dmah_device *dev;
	dmah_phys_t page;
	dmah_phys_t other;
	struct dmah h[PIECES];
	dmah_addr_t dma[PIECES];
	struct dmah_ring *ring;
	void *ring_memory;
};

static void map_handles(struct act *a, uint32_t attrs)
{
	for (unsigned int i = 0; i < PIECES; i++) {
		assert_int_equal(dmah_map(a->dev, &a->h[i], a->page + i * 4096, 4096,
					  DMAH_BIDIRECTIONAL, attrs),
				 DMAH_OK);
		a->dma[i] = dmah_addr(&a->h[i]);
	}
}

static void open_handles(struct act *a)
{
	map_handles(a, 0);
}

static void open_general(struct act *a)
{
	map_handles(a, DMAH_ATTR_NO_CPU_SYNC);
}

static void open_addresses(struct act *a)
{
	for (unsigned int i = 0; i < PIECES; i++)
		assert_int_equal(dmah_addr_map(a->dev, a->page + i * 4096, 4096, DMAH_BIDIRECTIONAL,
					       0, &a->dma[i]),
				 DMAH_OK);
}

static void open_large(struct act *a)
{
	assert_int_equal(dmah_map(a->dev, &a->h[0], a->page, PIECES * 4096, DMAH_BIDIRECTIONAL, 0),
			 DMAH_OK);
	for (unsigned int i = 0; i < PIECES; i++)
		a->dma[i] = dmah_addr(&a->h[0]) + i * 4096ull;
}

static void open_many(struct act *a)
{
	assert_int_equal(dmah_map(a->dev, &a->h[0], a->page, MANY * 4096, DMAH_BIDIRECTIONAL, 0),
			 DMAH_OK);
	for (unsigned int i = 0; i < PIECES; i++)
		a->dma[i] = dmah_addr(&a->h[0]) + i * 4096ull;
}

static void open_ring(struct act *a)
{
	struct dmah_ring_config config = { .entries = 4,
					   .entry_size = 4096,
					   .dir = DMAH_BIDIRECTIONAL };
	size_t need = dmah_ring_memory(&config);

	a->ring_memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	assert_int_equal(dmah_ring_init(&a->ring, a->dev, &config, a->ring_memory, need), DMAH_OK);
	for (unsigned int i = 0; i < PIECES; i++)
		assert_int_equal(dmah_ring_push(a->ring, a->page + i * 4096, 4096, &a->dma[i]),
				 DMAH_OK);
}

static int end_handles(struct act *a)
{
	int err = DMAH_OK;

	for (unsigned int i = 0; i < PIECES; i++)
		err |= dmah_unmap(a->dev, &a->h[i]);
	return err;
}

/* Other buffers take the place of those that are looked at. act_close() unmaps them. */
static int end_by_replacing(struct act *a)
{
	int err = DMAH_OK;

	for (unsigned int i = 0; i < PIECES; i++)
		err |= dmah_replace(a->dev, &a->h[i], a->other + i * 4096, 4096,
				    DMAH_BIDIRECTIONAL);
	return err;
}

static int end_by_address(struct act *a)
{
	int err = DMAH_OK;

	for (unsigned int i = 0; i < PIECES; i++)
		err |= dmah_addr_unmap(a->dev, a->dma[i], 4096, DMAH_BIDIRECTIONAL, 0);
	return err;
}

static int end_batch(struct act *a)
{
	struct dmah room[PIECES] = { 0 }, *h[PIECES];
	struct dmah_batch b = { .h = room, .max = PIECES };
	int err;

	for (unsigned int i = 0; i < PIECES; i++)
		h[i] = &a->h[i];
	err = dmah_unmap_start(a->dev, &b, h, PIECES);
	return err | dmah_unmap_finish(a->dev, &b);
}

static int end_ring_by_one(struct act *a)
{
	int err = DMAH_OK;

	for (unsigned int i = 0; i < PIECES; i++)
		err |= dmah_ring_pop(a->ring, 1);
	return err;
}

static int end_ring(struct act *a)
{
	return dmah_ring_pop(a->ring, PIECES);
}

static const struct {
	const char *name;
	void (*open)(struct act *a);
	int (*end)(struct act *a);
} acts[] = {
	{ "unmap", open_handles, end_handles },
	{ "unmap on the general path", open_general, end_handles },
	{ "unmap of several granules", open_large, end_handles },
	{ "unmap of many granules", open_many, end_handles },
	{ "unmap by address", open_addresses, end_by_address },
	{ "replace", open_handles, end_by_replacing },
	{ "batch", open_handles, end_batch },
	{ "pop by one", open_ring, end_ring_by_one },
	{ "pop of all", open_ring, end_ring },
};

/* ---- steps ---- */

static void arm(struct act *a, unsigned int n, enum dmah_mode mode)
{
	change.mode = mode;
	change.r = &a->r;
	change.dev = a->dev;
	change.dma = a->dma;
	steps_arm(n, change_mode);
}

static void act_open(struct act *a, enum rig_kind kind, const struct rig_config *config)
{
	memset(a, 0, sizeof(*a));
	rig_open(&a->r, kind, config);
	a->dev = rig_attach(&a->r, true);
	a->page = rig_page(&a->r, MANY);
	a->other = rig_page(&a->r, PIECES);
}

static void act_close(struct act *a)
{
	for (unsigned int i = 0; i < PIECES; i++)
		assert_int_equal(dmah_unmap(a->dev, &a->h[i]), DMAH_OK);
	if (a->ring)
		assert_int_equal(dmah_ring_fini(a->ring), DMAH_OK);
	assert_int_equal(dmah_detach(a->dev), DMAH_OK);
	rig_close(&a->r);
	free(a->ring_memory);
}

/*
 * Change to strict at step @n. @begun: the mode of the map: of a strict one the CPU has no lazy queue. @cleans: the library cleans
 * the table entries that it writes. Returns true if the act has that step.
 */
static bool strict_at(enum rig_kind kind, unsigned int which, enum dmah_mode begun, bool cleans,
		      unsigned int n)
{
	struct rig_config config = { .domain = { .mode = begun, .cpus = 2 },
				     .noncoherent_walk = cleans };
	struct act a;
	bool reached;

	act_open(&a, kind, &config);
	acts[which].open(&a);
	assert_int_equal(dmah_set_mode(a.r.dom, DMAH_LAZY), DMAH_OK);
	for (unsigned int i = 0; i < PIECES; i++)
		assert_true(rig_writes(&a.r, a.dev, a.dma[i]));
	arm(&a, n, DMAH_STRICT);
	assert_int_equal(acts[which].end(&a), DMAH_OK);
	reached = steps_disarm();
	if (reached) {
		assert_int_equal(change.err, DMAH_OK);
		if (sim_reaches_memory(rig_sim(&a.r, a.dev), a.page, PIECES * 4096))
			fail_msg("%s, %s, step %u: strict, and memory is reached", rig_text(kind),
				 acts[which].name, n);
	}
	act_close(&a);
	return reached;
}

/* Both have returned: no address that was unmapped translates any more. */
static void strict_beside_unmaps(void **state)
{
	(void)state;
	for (enum rig_kind kind = 0; kind < RIG_KINDS; kind++)
		for (unsigned int i = 0; i < 4 * sizeof(acts) / sizeof(acts[0]); i++) {
			unsigned int n = 1;

			while (strict_at(kind, i / 4, i & 2 ? DMAH_STRICT : DMAH_LAZY, i & 1, n))
				assert_true(++n < STEPS_MOST);
			assert_true(n > 2);
		}
}

/* Change to passthrough at step @n of a map. Returns true if the map has that step. */
static bool passthrough_at(enum rig_kind kind, enum dmah_mode mode, bool general, unsigned int n)
{
	struct rig_config config = { .domain = { .mode = mode, .cpus = 2 } };
	struct act a;
	char byte = 0;
	bool reached;
	int err;

	act_open(&a, kind, &config);
	arm(&a, n, DMAH_PASSTHROUGH);
	err = dmah_map(a.dev, &a.h[0], a.page, 4096, DMAH_BIDIRECTIONAL,
		       general ? DMAH_ATTR_NO_CPU_SYNC : 0);
	reached = steps_disarm();
	assert_true(!err || err == DMAH_EBUSY);
	if (!err) {
		assert_true(rig_writes(&a.r, a.dev, dmah_addr(&a.h[0])));
		sim_cpu_read(a.r.sim, a.page, &byte, 1);
		assert_int_equal(byte, 'x');
		assert_int_equal(dmah_unmap(a.dev, &a.h[0]), DMAH_OK);
	}
	if (reached)
		assert_true(!change.err || change.err == DMAH_EBUSY);
	act_close(&a);
	return reached;
}

/* The address that a map returned is one of the domain's mode. */
static void passthrough_beside_maps(void **state)
{
	(void)state;
	for (enum rig_kind kind = 0; kind < RIG_KINDS; kind++)
		for (unsigned int i = 0; i < 4; i++) {
			unsigned int n = 1;

			while (passthrough_at(kind, i & 1 ? DMAH_LAZY : DMAH_STRICT, i & 2, n))
				assert_true(++n < STEPS_MOST);
			assert_true(n > 2);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_beside_unmaps),
		cmocka_unit_test(passthrough_beside_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
