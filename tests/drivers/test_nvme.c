/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The NVMe driver at work, on every machine of the rig. The tests read the disk and memory directly, and do
 * not rely on the driver.
 */
#include "nvme_test.h"

#include <stdlib.h>
#include <string.h>

#define MARGIN 4096u

/* ---- up and down ---- */

static void check_identify(struct t *t)
{
	const struct nvme *n = &t->nvme;

	assert_int_equal(n->vendor, 0x1b36);
	assert_string_equal(n->serial, "sim");
	assert_true(strstr(n->model, "NVMe Ctrl") != NULL);
	assert_int_equal(n->nblocks, RIG_BLOCKS);
	assert_int_equal(n->block_size, RIG_BLOCK);
	assert_int_equal(n->max_bytes, 512 * KIB);
	assert_int_equal(n->depth, NVME_DEPTH);
	assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS);
	/* Bring the controller up again from each state. */
	assert_int_equal(nvme_fini(&t->nvme), 0);
	assert_int_equal(dmah_device_live(t->rig->dev), 0);
	assert_int_equal(nvme_fini(&t->nvme), 0);
	t_up(t);
	assert_int_equal(nvme_reset(&t->nvme), 0);
	assert_int_equal(t_transfer(t, DMAH_FROM_DEVICE, 77, 1, t->buffer), 0);
	t_holds(t, 77, 1, t->buffer);
}

static void identify_and_reset(void **state)
{
	(void)state;
	t_each(check_identify);
}

/* Fail each allocation in turn, and those after it: nothing may be left behind. */
static void check_init_fails(struct t *t)
{
	enum posix_fail how[] = { POSIX_FAIL_NTH, POSIX_FAIL_FROM };

	for (unsigned int i = 0; i < 2; i++) {
		int err = DMAH_ENOMEM;

		for (uint64_t nth = 1; err; nth++) {
			assert_int_equal(nvme_fini(&t->nvme), 0);
			t->nvme = (struct nvme){ .timeout_ns = TIMEOUT };
			posix_fail_alloc(how[i], nth);
			err = nvme_init(&t->nvme, t->rig->regs, t->rig->dev);
			posix_fail_alloc(POSIX_FAIL_NEVER, 0);
			assert_true(!err || err == DMAH_ENOMEM);
			assert_int_equal(dmah_device_live(t->rig->dev), err ? 0 : T_OWN_MAPPINGS);
			/* There are at least six allocations, and page tables. */
			assert_true(err || nth > T_OWN_MAPPINGS);
			assert_in_range(nth, 1, 40);
		}
	}
	assert_int_equal(t_transfer(t, DMAH_FROM_DEVICE, 5, 3, t->buffer), 0);
	t_holds(t, 5, 3, t->buffer);
}

static void init_without_memory(void **state)
{
	(void)state;
	t_each(check_init_fails);
}

/* ---- pages ---- */

static void check_one(struct t *t, uint32_t offset, uint32_t blocks)
{
	uint64_t lba = 1 + t_any(t, RIG_BLOCKS - blocks - 1);
	dmah_phys_t phys = t->buffer + MARGIN + offset;
	uint32_t len = blocks * RIG_BLOCK;

	t_set(t, t->buffer, 0xc5, len + offset + 2 * MARGIN);
	t_prepare_write(t, lba, blocks, phys);
	assert_int_equal(t_transfer(t, DMAH_TO_DEVICE, lba, blocks, phys), 0);
	/* The neighbouring blocks are unchanged. */
	assert_memory_equal(t->rig->disk + (lba - 1) * RIG_BLOCK, t->disk + (lba - 1) * RIG_BLOCK,
			    len + RIG_BLOCK);
	t_set(t, phys, 0x3a, len);
	assert_int_equal(t_transfer(t, DMAH_FROM_DEVICE, lba, blocks, phys), 0);
	t_holds(t, lba, blocks, phys);
	t_is(t, t->buffer, 0xc5, MARGIN + offset);
	t_is(t, phys + len, 0xc5, MARGIN);
}

static void check_pages(struct t *t)
{
	/*
	 * One page, two pages, lists, offsets in the first page (with one page more), and the
	 * longest.
	 */
	static const uint32_t cases[][2] = {
		{ 0, 1 },     { 0, 8 },	    { 4, 1 },	  { 512, 7 },	  { 3584, 2 }, { 4092, 1 },
		{ 0, 16 },    { 2048, 12 }, { 2048, 13 }, { 0, 17 },	  { 0, 24 },   { 4, 24 },
		{ 1024, 64 }, { 0, 1024 },  { 4, 1024 },  { 4092, 1024 },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!t->rig->config->small_pool || cases[i][1] < 100)
			check_one(t, cases[i][0], cases[i][1]);
	assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS);
}

static void pages(void **state)
{
	(void)state;
	t_each(check_pages);
}

/* Read the whole initial disk, in random order. */
static void check_image(struct t *t)
{
	const struct rig_config *c = t->rig->config;
	uint32_t step = c->small_pool ? 256 : 1000;

	for (uint32_t lba = 0; lba < RIG_BLOCKS; lba += step) {
		uint32_t blocks = RIG_BLOCKS - lba < step ? RIG_BLOCKS - lba : step;

		assert_int_equal(t_transfer(t, DMAH_FROM_DEVICE, lba, blocks, t->buffer), 0);
		rig_read(t->rig, t->buffer, t->bytes, blocks * RIG_BLOCK);
		assert_int_equal(memcmp(t->bytes, t->disk + lba * RIG_BLOCK, blocks * RIG_BLOCK),
				 0);
	}
}

static void image(void **state)
{
	(void)state;
	t_each(check_image);
}

/*
 * Pieces that PRP entries can describe: only the first may begin, the last may end, within a page.
 */
static void check_scattered(struct t *t)
{
	dmah_phys_t b = t->buffer;
	struct dmah_seg segs[] = { { b + 3 * 4096 + 1024, 3072 },
				   { b + 9 * 4096, 8192 },
				   { b + 1 * 4096, 4096 },
				   { b + 40 * 4096, 1024 } };
	struct nvme_request w = { .lba = 100, .blocks = 32, .dir = DMAH_TO_DEVICE };
	struct nvme_request r = { .lba = 100, .blocks = 32, .dir = DMAH_FROM_DEVICE };
	uint32_t done = 0;

	w.segs = r.segs = segs;
	w.nsegs = r.nsegs = 4;
	t_fill(t, t->disk + 100 * RIG_BLOCK, 32 * RIG_BLOCK);
	for (unsigned int i = 0; i < 4; done += segs[i++].len)
		rig_write(t->rig, segs[i].phys, t->disk + 100 * RIG_BLOCK + done, segs[i].len);
	assert_int_equal(done, 32 * RIG_BLOCK);
	assert_int_equal(t_run(t, &w), 0);
	assert_memory_equal(t->rig->disk + 100 * RIG_BLOCK, t->disk + 100 * RIG_BLOCK,
			    32 * RIG_BLOCK);
	t_set(t, b, 0, 64 * 4096);
	assert_int_equal(t_run(t, &r), 0);
	for (unsigned int i = done = 0; i < 4; done += segs[i++].len) {
		rig_read(t->rig, segs[i].phys, t->bytes, segs[i].len);
		assert_memory_equal(t->bytes, t->disk + 100 * RIG_BLOCK + done, segs[i].len);
	}
	t_is(t, b + 3 * 4096, 0, 1024);
	t_is(t, b + 40 * 4096 + 1024, 0, 3072);
	/* PRP entries cannot describe a gap between pieces. */
	segs[1].phys += 512;
	assert_int_equal(t_run(t, &r), DMAH_EINVAL);
	segs[1].phys -= 512;
	segs[2].len -= 512;
	segs[3].len += 512;
	assert_int_equal(t_run(t, &r), DMAH_EINVAL);
	segs[3].len += 512;
	assert_int_equal(t_run(t, &r), DMAH_EINVAL);
	assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS);
}

static void scattered(void **state)
{
	(void)state;
	t_each(check_scattered);
}

/* ---- depth ---- */

static void check_depth(struct t *t)
{
	struct nvme_request r[NVME_DEPTH + 1];
	const uint32_t blocks = 8;

	memset(r, 0, sizeof(r));
	for (unsigned int round = 0; round < 6; round++) {
		enum dmah_dir dir = round % 2 ? DMAH_FROM_DEVICE : DMAH_TO_DEVICE;

		for (uint32_t i = 0; i < NVME_DEPTH; i++) {
			r[i].lba = 1000 + (uint64_t)(i * 7 + round / 2) % 64 * blocks;
			r[i].blocks = blocks;
			r[i].dir = dir;
			r[i].phys = t->buffer + i * 8192 + (round & 2 ? 512u : 0u);
			if (dir == DMAH_TO_DEVICE)
				t_prepare_write(t, r[i].lba, blocks, r[i].phys);
			else
				t_set(t, r[i].phys, 0, blocks * RIG_BLOCK);
			assert_int_equal(nvme_submit(&t->nvme, &r[i]), 0);
		}
		r[NVME_DEPTH] = (struct nvme_request){ .blocks = 1,
						       .dir = DMAH_FROM_DEVICE,
						       .phys = t->buffer + (512u << 10) };
		assert_int_equal(nvme_submit(&t->nvme, &r[NVME_DEPTH]), DMAH_ENOSPC);
		assert_int_equal(nvme_submit(&t->nvme, &r[3]), DMAH_EBUSY);
		assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS + NVME_DEPTH);
		assert_int_equal(nvme_poll(&t->nvme), 0);
		nvme_ring(&t->nvme);
		for (uint32_t i = 0; i < NVME_DEPTH; i++) {
			assert_int_equal(nvme_wait(&t->nvme, &r[i]), 0);
			assert_true(r[i].done);
			t_holds(t, r[i].lba, blocks, r[i].phys);
		}
		assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS);
	}
}

static void depth(void **state)
{
	(void)state;
	t_each(check_depth);
}

/* Begin requests of all lengths while others are under way; no two use the same blocks. */
static void check_mixed(struct t *t)
{
	struct nvme_request r[NVME_DEPTH];
	const uint32_t most = 48, slot = 28 * KIB;
	unsigned int under_way = 0, left = 250;

	memset(r, 0, sizeof(r));
	while (left || under_way) {
		struct nvme_request *q = &r[t_any(t, NVME_DEPTH)];
		uint32_t at = (uint32_t)(q - r);

		if (q->blocks && left && t_any(t, 4)) {
			/* Any other idle request. */
			for (at = 0; at < NVME_DEPTH && r[at].blocks; at++)
				;
			q = at < NVME_DEPTH ? &r[at] : q;
		}
		if (!q->blocks && left) {
			*q = (struct nvme_request){ .lba = at * 100 + t_any(t, 100 - most),
						    .blocks = 1 + t_any(t, most),
						    .dir = DMAH_TO_DEVICE + t_any(t, 2),
						    .phys = t->buffer + at * slot +
							    t_any(t, 1000) * 4 };
			if (q->dir == DMAH_TO_DEVICE)
				t_prepare_write(t, q->lba, q->blocks, q->phys);
			int err = nvme_submit(&t->nvme, q);

			if (err) {
				/* The only allowed error: the pool or the aperture is full. */
				assert_int_equal(err, DMAH_ENOSPC);
				assert_true(t->rig->config->small_pool);
				if (q->dir == DMAH_TO_DEVICE)
					memcpy(t->disk + q->lba * RIG_BLOCK,
					       t->rig->disk + q->lba * RIG_BLOCK,
					       (size_t)q->blocks * RIG_BLOCK);
				q->blocks = 0;
				err = 0;
				for (at = 0; at < NVME_DEPTH && !r[at].blocks; at++)
					;
				q = &r[at];
				assert_int_not_equal(at, NVME_DEPTH);
			} else {
				under_way++;
				left--;
				if (t_any(t, 3))
					continue;
			}
		}
		if (!q->blocks)
			continue;
		nvme_ring(&t->nvme);
		assert_int_equal(nvme_wait(&t->nvme, q), 0);
		t_holds(t, q->lba, q->blocks, q->phys);
		q->blocks = 0;
		under_way--;
	}
	assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS);
}

static void mixed(void **state)
{
	(void)state;
	t_each(check_mixed);
}

/* ---- rings ---- */

static void check_rings(struct t *t)
{
	const uint32_t blocks[] = { 8, 3, 16, 25, 1 };
	const struct rig_config *c = t->rig->config;
	const uint32_t depth = c->small_pool ? 8 : NVME_DEPTH, most = c->small_aperture ? 8 : 25;
	struct pair p;

	t_pair_open(t, &p, most * RIG_BLOCK);
	for (unsigned int round = 0; round < 5; round++) {
		uint32_t n = blocks[round] < most ? blocks[round] : most;

		for (uint32_t i = 0; i < depth; i++) {
			dmah_phys_t phys = t->buffer + i * 20480 + round * 252;

			t_prepare_write(t, 2000 + i * 32, n, phys);
			assert_int_equal(nvme_stream_submit(&p.out, 2000 + i * 32, n, phys), 0);
		}
		if (depth == NVME_DEPTH)
			assert_int_equal(nvme_stream_submit(&p.out, 0, 1, t->buffer), DMAH_ENOSPC);
		assert_int_equal(nvme_stream_take(&p.out, NULL, NVME_DEPTH), 0);
		nvme_ring(&t->nvme);
		t_drain(t, &p.out);
		for (uint32_t i = 0; i < depth; i++) {
			dmah_phys_t phys = t->buffer + i * 20480 + round * 252;

			assert_memory_equal(t->rig->disk + (2000 + i * 32) * RIG_BLOCK,
					    t->disk + (2000 + i * 32) * RIG_BLOCK, n * RIG_BLOCK);
			t_set(t, phys, 0, n * RIG_BLOCK);
			assert_int_equal(nvme_stream_submit(&p.in, 2000 + i * 32, n, phys), 0);
		}
		nvme_ring(&t->nvme);
		t_drain(t, &p.in);
		for (uint32_t i = 0; i < depth; i++)
			t_holds(t, 2000 + i * 32, n, t->buffer + i * 20480 + round * 252);
	}
	assert_int_equal(nvme_stream_submit(&p.in, 0, 1, t->buffer + 2), DMAH_EINVAL);
	assert_int_equal(nvme_stream_submit(&p.in, 0, 0, t->buffer), DMAH_EINVAL);
	assert_int_equal(nvme_stream_submit(&p.in, 0, 2000, t->buffer), DMAH_ERANGE);
	t_pair_close(&p);
	assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS);
}

static void rings(void **state)
{
	(void)state;
	t_each(check_rings);
}

/* Newer requests of a ring ended, older ones did not: the older ones keep their memory. */
static void check_late(struct t *t)
{
	const uint32_t depth = t->rig->config->small_pool ? 8 : NVME_DEPTH;
	uint16_t status[NVME_DEPTH];
	struct pair p;

	t_pair_open(t, &p, 4096);
	for (uint32_t limit = 1; limit < depth; limit += 3) {
		uint32_t taken = 0;

		rig_hang(t->rig, false);
		rig_limit(t->rig, limit);
		for (uint32_t i = 0; i < depth; i++) {
			t_set(t, t->buffer + i * 8192, 0x55, 4096);
			assert_int_equal(nvme_stream_submit(&p.in, 600 + i * 8 + limit, 8,
							    t->buffer + i * 8192),
					 0);
		}
		nvme_ring(&t->nvme);
		assert_int_equal(nvme_poll(&t->nvme), limit);
		taken = (uint32_t)nvme_stream_take(&p.in, status, depth);
		assert_in_range(taken, 0, limit);
		for (uint32_t i = 0; i < taken; i++) {
			assert_int_equal(status[i], 0);
			t_holds(t, 600 + i * 8 + limit, 8, t->buffer + i * 8192);
		}
		/* The device continues at the next doorbell. */
		rig_hang(t->rig, false);
		assert_int_equal(t_transfer(t, DMAH_FROM_DEVICE, 7, 1, t->buffer + depth * 8192),
				 0);
		t_drain(t, &p.in);
		for (uint32_t i = 0; i < depth; i++)
			t_holds(t, 600 + i * 8 + limit, 8, t->buffer + i * 8192);
	}
	t_pair_close(&p);
}

static void late(void **state)
{
	(void)state;
	t_each(check_late);
}

/* Map by handle and by ring on one device at the same time. */
static void check_together(struct t *t)
{
	struct nvme_request r[8];
	struct pair p;

	t_pair_open(t, &p, 4096);
	memset(r, 0, sizeof(r));
	for (unsigned int round = 0; round < 10; round++) {
		for (uint32_t i = 0; i < 8; i++) {
			dmah_phys_t phys = t->buffer + i * 32768;

			t_prepare_write(t, 3000 + i * 8, 8, phys);
			assert_int_equal(nvme_stream_submit(&p.out, 3000 + i * 8, 8, phys), 0);
			assert_int_equal(nvme_stream_submit(&p.in, 4000 + i * 8, 8, phys + 8192),
					 0);
			r[i] = (struct nvme_request){ .lba = 5000 + i * 8,
						      .blocks = 8,
						      .dir = DMAH_FROM_DEVICE,
						      .phys = phys + 16384 };
			assert_int_equal(nvme_submit(&t->nvme, &r[i]), 0);
		}
		nvme_ring(&t->nvme);
		t_drain(t, &p.in);
		for (uint32_t i = 8; i--;)
			assert_int_equal(nvme_wait(&t->nvme, &r[i]), 0);
		t_drain(t, &p.out);
		for (uint32_t i = 0; i < 8; i++) {
			t_holds(t, 4000 + i * 8, 8, t->buffer + i * 32768 + 8192);
			t_holds(t, 5000 + i * 8, 8, t->buffer + i * 32768 + 16384);
		}
	}
	t_pair_close(&p);
}

static void together(void **state)
{
	(void)state;
	t_each(check_together);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identify_and_reset),
		cmocka_unit_test(init_without_memory),
		cmocka_unit_test(pages),
		cmocka_unit_test(image),
		cmocka_unit_test(scattered),
		cmocka_unit_test(depth),
		cmocka_unit_test(mixed),
		cmocka_unit_test(rings),
		cmocka_unit_test(together),
		cmocka_unit_test(late),
	};

	/* Not every rig can run the last test. */
	return _cmocka_run_group_tests("tests", tests,
				       sizeof(tests) / sizeof(tests[0]) - !rig_limits, NULL, NULL);
}
