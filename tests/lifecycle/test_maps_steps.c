/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A change of modes on CPU 1 between any two steps of a call on CPU 0 that maps, in every way to map. The call gives addresses
 * of the new mode, or says that it cannot and leaves nothing behind.
 */
#include "rig.h"
#include "steps.h"

#define STEPS_MOST 300u
#define PIECES	   3u

struct way_state {
	struct rig r;
	struct dmah_device *dev;
	dmah_phys_t page;
	dmah_addr_t dma[PIECES];
	struct dmah h[PIECES];
	struct dmah_dma_seg out[PIECES];
	struct dmah_vec vec;
	struct dmah_sg sg[PIECES];
	struct dmah_ring *ring;
	void *ring_memory;
};

/* ---- ways to map three pages that do not lie side by side ---- */

static dmah_phys_t piece(const struct way_state *s, unsigned int i)
{
	return s->page + i * 2 * 4096ull;
}

static int map_handle(struct way_state *s)
{
	int err = dmah_map(s->dev, &s->h[0], piece(s, 0), 4096, DMAH_BIDIRECTIONAL, 0);

	for (unsigned int i = 0; !err && i < PIECES; i++)
		s->dma[i] = dmah_addr(&s->h[0]);
	return err;
}

static int map_general(struct way_state *s)
{
	int err = dmah_map(s->dev, &s->h[0], piece(s, 0), 4096, DMAH_BIDIRECTIONAL,
			   DMAH_ATTR_NO_CPU_SYNC);

	for (unsigned int i = 0; !err && i < PIECES; i++)
		s->dma[i] = dmah_addr(&s->h[0]);
	return err;
}

static int unmap_handle(struct way_state *s)
{
	return dmah_unmap(s->dev, &s->h[0]);
}

static int map_vec(struct way_state *s)
{
	struct dmah_seg segs[PIECES];
	int err;

	for (unsigned int i = 0; i < PIECES; i++)
		segs[i] = (struct dmah_seg){ .phys = piece(s, i), .len = 4096 };
	s->vec = (struct dmah_vec){ .part = s->h, .seg = s->out, .max = PIECES };
	err = dmah_map_vec(s->dev, &s->vec, segs, PIECES, DMAH_BIDIRECTIONAL, 0);
	if (err < 0)
		return err;
	for (unsigned int i = 0; i < PIECES; i++)
		s->dma[i] = dmah_addr(&s->h[i]);
	return DMAH_OK;
}

static int unmap_vec(struct way_state *s)
{
	return dmah_unmap_vec(s->dev, &s->vec);
}

static int map_list(struct way_state *s)
{
	unsigned int seg = 0;
	uint64_t at = 0;
	int n;

	for (unsigned int i = 0; i < PIECES; i++)
		s->sg[i] = (struct dmah_sg){ .phys = piece(s, i), .len = 4096 };
	n = dmah_addr_map_sg(s->dev, s->sg, PIECES, DMAH_BIDIRECTIONAL, 0);
	if (n < 0)
		return n;
	/* A segment may hold several pieces. */
	for (unsigned int i = 0; i < PIECES; i++) {
		s->dma[i] = s->sg[seg].dma + at;
		at += 4096;
		if (at == s->sg[seg].dma_len) {
			at = 0;
			seg++;
		}
	}
	return DMAH_OK;
}

static int unmap_list(struct way_state *s)
{
	return dmah_addr_unmap_sg(s->dev, s->sg, PIECES, DMAH_BIDIRECTIONAL, 0);
}

static void open_ring(struct way_state *s)
{
	struct dmah_ring_config config = { .entries = 4,
					   .entry_size = 4096,
					   .dir = DMAH_BIDIRECTIONAL };
	size_t need = dmah_ring_memory(&config);

	s->ring_memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	assert_int_equal(dmah_ring_init(&s->ring, s->dev, &config, s->ring_memory, need), DMAH_OK);
}

static int push(struct way_state *s)
{
	int err = dmah_ring_push(s->ring, piece(s, 0), 4096, &s->dma[0]);

	for (unsigned int i = 1; !err && i < PIECES; i++)
		s->dma[i] = s->dma[0];
	return err;
}

static int pop(struct way_state *s)
{
	return dmah_ring_pop(s->ring, 1);
}

static const struct {
	const char *name;
	int (*map)(struct way_state *s);
	int (*unmap)(struct way_state *s);
	bool ring;
} ways[] = {
	{ "handle", map_handle, unmap_handle, false },
	{ "handle on the general path", map_general, unmap_handle, false },
	{ "vector", map_vec, unmap_vec, false },
	{ "list", map_list, unmap_list, false },
	{ "ring", push, pop, true },
};

/* ---- steps ---- */

static struct {
	struct way_state *s;
	enum dmah_mode mode;
	bool silent;
	bool waited;
	unsigned int waits;
	int err;
} change;

static void note_wait(struct rig *r)
{
	(void)r;
	change.waited = true;
	change.waits++;
}

static void change_mode(void)
{
	change.err = dmah_set_mode(change.s->r.dom, change.mode);
	if (!change.err && change.silent) {
		rig_hold(&change.s->r, true);
		change.s->r.on_wait = note_wait;
	}
}

struct run {
	enum rig_kind kind;
	unsigned int way;
	enum dmah_mode from;
	enum dmah_mode to;
	bool silent;
};

static void mapped(struct way_state *s, const struct run *run, unsigned int n)
{
	char byte;

	for (unsigned int i = 0; i < PIECES; i++) {
		if (!rig_writes(&s->r, s->dev, s->dma[i]))
			fail_msg("%s, %s, step %u: mapped, and the device does not get there",
				 rig_text(run->kind), ways[run->way].name, n);
		sim_cpu_read(s->r.sim, piece(s, s->dma[i] == s->dma[0] ? 0 : i), &byte, 1);
		assert_int_equal(byte, 'x');
	}
	assert_int_equal(ways[run->way].unmap(s), DMAH_OK);
}

/* Change modes at step @n of a map. Returns true if the map has that step. */
static bool step(const struct run *run, unsigned int n)
{
	struct rig_config config = { .domain = { .mode = run->from, .cpus = 2 } };
	struct way_state s = { 0 };
	bool reached;
	int err;

	rig_open(&s.r, run->kind, &config);
	s.dev = rig_attach(&s.r, true);
	s.page = rig_page(&s.r, 2 * PIECES);
	if (ways[run->way].ring)
		open_ring(&s);
	change.s = &s;
	change.mode = run->to;
	change.silent = run->silent;
	change.waited = false;
	change.err = DMAH_OK;
	steps_arm(n, change_mode);
	err = ways[run->way].map(&s);
	reached = steps_disarm();
	if (reached)
		assert_true(!change.err || change.err == DMAH_EBUSY);
	if (run->silent) {
		/* Nothing confirmed that it was taken back. */
		if (change.waited)
			assert_int_equal(err, DMAH_ETIMEDOUT);
		else
			assert_true(!err || err == DMAH_EBUSY);
		rig_hold(&s.r, false);
		rig_abandon(&s.r);
		free(s.ring_memory);
		return reached;
	}
	assert_true(!err || err == DMAH_EBUSY);
	if (!err) {
		mapped(&s, run, n);
	} else {
		assert_int_equal(dmah_device_live(s.dev), 0);
		if (run->to != DMAH_PASSTHROUGH && !change.err &&
		    sim_reaches_memory(rig_sim(&s.r, s.dev), s.page, 2 * PIECES * 4096ull))
			fail_msg("%s, %s, step %u: refused, and memory is reached",
				 rig_text(run->kind), ways[run->way].name, n);
	}
	if (s.ring)
		assert_int_equal(dmah_ring_fini(s.ring), DMAH_OK);
	assert_int_equal(dmah_detach(s.dev), DMAH_OK);
	rig_close(&s.r);
	free(s.ring_memory);
	return reached;
}

static void every_way(enum dmah_mode from, enum dmah_mode to, bool silent)
{
	for (enum rig_kind kind = 0; kind < RIG_KINDS; kind++)
		for (unsigned int way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
			struct run run = { kind, way, from, to, silent };
			unsigned int n = 1;

			while (step(&run, n))
				assert_true(++n < STEPS_MOST);
			assert_true(n > 1);
		}
}

static void to_passthrough(void **state)
{
	(void)state;
	every_way(DMAH_STRICT, DMAH_PASSTHROUGH, false);
	every_way(DMAH_LAZY, DMAH_PASSTHROUGH, false);
}

static void out_of_passthrough(void **state)
{
	(void)state;
	every_way(DMAH_PASSTHROUGH, DMAH_STRICT, false);
	every_way(DMAH_PASSTHROUGH, DMAH_LAZY, false);
}

/* The unit takes no command any more once the mode has changed: what is taken back is not confirmed. */
static void out_of_passthrough_unconfirmed(void **state)
{
	(void)state;
	change.waits = 0;
	every_way(DMAH_PASSTHROUGH, DMAH_STRICT, true);
	/* Vectors, lists and rings take pieces back. */
	assert_true(change.waits >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_passthrough),
		cmocka_unit_test(out_of_passthrough),
		cmocka_unit_test(out_of_passthrough_unconfirmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
