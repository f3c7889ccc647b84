/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The NVMe driver, on every machine of the rig. The tests read the disk and memory directly, and do
 * not rely on the driver.
 */
#include "nvme_rig.h"

#include "nvme_int.h"
#include "posix.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define KIB	   1024u
#define BUFFER	   (6144u * KIB) /* bytes of memory for a test */
#define MARGIN	   4096u
#define TIMEOUT	   5000000000u /* longer than any wait */
#define SHORT_TIME 2000000u

/* ---- what every test has ---- */

/**
 * struct t - the test. @buffer: memory, BUFFER bytes, all @canary at first. @disk: what the disk should hold.
 */
struct t {
	struct rig *rig;
	struct nvme nvme;
	dmah_phys_t buffer;
	uint8_t *disk;
	uint8_t *bytes;
	uint64_t random;
};

static uint32_t any(struct t *t, uint32_t below)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (uint32_t)(t->random >> 20) % below;
}

static void fill(struct t *t, uint8_t *to, uint32_t len)
{
	uint32_t word;

	for (uint32_t i = 0; i < len; i += 4) {
		word = any(t, ~0u);
		memcpy(to + i, &word, 4);
	}
}

static void up(struct t *t)
{
	t->nvme = (struct nvme){ .timeout_ns = TIMEOUT };
	assert_int_equal(nvme_init(&t->nvme, t->rig->regs, t->rig->dev), 0);
}

static struct t *begin(const struct rig_config *config)
{
	struct t *t = calloc(1, sizeof(*t));

	t->rig = rig_open(config);
	t->random = 88172645463325252u;
	t->buffer = rig_take(t->rig, BUFFER, 4096);
	t->bytes = malloc(BUFFER);
	t->disk = malloc(RIG_BLOCKS * RIG_BLOCK);
	memcpy(t->disk, t->rig->disk, RIG_BLOCKS * RIG_BLOCK);
	up(t);
	return t;
}

/* Check the disk against the test's copy, and that the driver left nothing behind. */
static void end(struct t *t)
{
	assert_int_equal(nvme_fini(&t->nvme), 0);
	assert_false(nvme_live(&t->nvme));
	assert_int_equal(memcmp(t->rig->disk, t->disk, RIG_BLOCKS * RIG_BLOCK), 0);
	rig_close(t->rig);
	free(t->disk);
	free(t->bytes);
	free(t);
}

static void each(void (*fn)(struct t *t))
{
	for (unsigned int i = 0; i < nrigs; i++) {
		struct t *t = begin(&rigs[i]);

		fn(t);
		end(t);
	}
}

/* Fill memory with the bytes that the disk must hold at these blocks. */
static void prepare_write(struct t *t, uint64_t lba, uint32_t blocks, dmah_phys_t phys)
{
	fill(t, t->disk + lba * RIG_BLOCK, blocks * RIG_BLOCK);
	rig_write(t->rig, phys, t->disk + lba * RIG_BLOCK, blocks * RIG_BLOCK);
}

static void set(struct t *t, dmah_phys_t phys, uint8_t byte, uint32_t len)
{
	memset(t->bytes, byte, len);
	rig_write(t->rig, phys, t->bytes, len);
}

static void is(struct t *t, dmah_phys_t phys, uint8_t byte, uint32_t len)
{
	uint32_t i = 0;

	rig_read(t->rig, phys, t->bytes, len);
	while (i < len && t->bytes[i] == byte)
		i++;
	assert_int_equal(i, len);
}

static void holds(struct t *t, uint64_t lba, uint32_t blocks, dmah_phys_t phys)
{
	rig_read(t->rig, phys, t->bytes, blocks * RIG_BLOCK);
	assert_memory_equal(t->bytes, t->disk + lba * RIG_BLOCK, blocks * RIG_BLOCK);
}

static int run(struct t *t, struct nvme_request *r)
{
	int err = nvme_submit(&t->nvme, r);

	if (err)
		return err;
	nvme_ring(&t->nvme);
	return nvme_wait(&t->nvme, r);
}

static int transfer(struct t *t, enum dmah_dir dir, uint64_t lba, uint32_t blocks, dmah_phys_t phys)
{
	struct nvme_request r = { .lba = lba, .blocks = blocks, .dir = dir, .phys = phys };

	return run(t, &r);
}

/* Count the mappings besides requests: queues, the page for identify data, and PRP lists. */
static uint64_t own_mappings(void)
{
	return 6;
}

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
	assert_int_equal(dmah_device_live(t->rig->dev), own_mappings());
	/* Bring the controller up again from each state. */
	assert_int_equal(nvme_fini(&t->nvme), 0);
	assert_int_equal(dmah_device_live(t->rig->dev), 0);
	assert_int_equal(nvme_fini(&t->nvme), 0);
	up(t);
	assert_int_equal(nvme_reset(&t->nvme), 0);
	assert_int_equal(transfer(t, DMAH_FROM_DEVICE, 77, 1, t->buffer), 0);
	holds(t, 77, 1, t->buffer);
}

static void identify_and_reset(void **state)
{
	(void)state;
	each(check_identify);
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
			assert_int_equal(dmah_device_live(t->rig->dev), err ? 0 : own_mappings());
			/* There are at least six allocations, and page tables. */
			assert_true(err || nth > own_mappings());
			assert_in_range(nth, 1, 40);
		}
	}
	assert_int_equal(transfer(t, DMAH_FROM_DEVICE, 5, 3, t->buffer), 0);
	holds(t, 5, 3, t->buffer);
}

static void init_without_memory(void **state)
{
	(void)state;
	each(check_init_fails);
}

/* ---- pages ---- */

static void check_one(struct t *t, uint32_t offset, uint32_t blocks)
{
	uint64_t lba = 1 + any(t, RIG_BLOCKS - blocks - 1);
	dmah_phys_t phys = t->buffer + MARGIN + offset;
	uint32_t len = blocks * RIG_BLOCK;

	set(t, t->buffer, 0xc5, len + offset + 2 * MARGIN);
	prepare_write(t, lba, blocks, phys);
	assert_int_equal(transfer(t, DMAH_TO_DEVICE, lba, blocks, phys), 0);
	/* The neighbouring blocks are unchanged. */
	assert_memory_equal(t->rig->disk + (lba - 1) * RIG_BLOCK, t->disk + (lba - 1) * RIG_BLOCK,
			    len + RIG_BLOCK);
	set(t, phys, 0x3a, len);
	assert_int_equal(transfer(t, DMAH_FROM_DEVICE, lba, blocks, phys), 0);
	holds(t, lba, blocks, phys);
	is(t, t->buffer, 0xc5, MARGIN + offset);
	is(t, phys + len, 0xc5, MARGIN);
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
	assert_int_equal(dmah_device_live(t->rig->dev), own_mappings());
}

static void pages(void **state)
{
	(void)state;
	each(check_pages);
}

/* Read the whole initial disk, in random order. */
static void check_image(struct t *t)
{
	const struct rig_config *c = t->rig->config;
	uint32_t step = c->small_pool ? 256 : 1000;

	for (uint32_t lba = 0; lba < RIG_BLOCKS; lba += step) {
		uint32_t blocks = RIG_BLOCKS - lba < step ? RIG_BLOCKS - lba : step;

		assert_int_equal(transfer(t, DMAH_FROM_DEVICE, lba, blocks, t->buffer), 0);
		rig_read(t->rig, t->buffer, t->bytes, blocks * RIG_BLOCK);
		assert_int_equal(memcmp(t->bytes, t->disk + lba * RIG_BLOCK, blocks * RIG_BLOCK),
				 0);
	}
}

static void image(void **state)
{
	(void)state;
	each(check_image);
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
	fill(t, t->disk + 100 * RIG_BLOCK, 32 * RIG_BLOCK);
	for (unsigned int i = 0; i < 4; done += segs[i++].len)
		rig_write(t->rig, segs[i].phys, t->disk + 100 * RIG_BLOCK + done, segs[i].len);
	assert_int_equal(done, 32 * RIG_BLOCK);
	assert_int_equal(run(t, &w), 0);
	assert_memory_equal(t->rig->disk + 100 * RIG_BLOCK, t->disk + 100 * RIG_BLOCK,
			    32 * RIG_BLOCK);
	set(t, b, 0, 64 * 4096);
	assert_int_equal(run(t, &r), 0);
	for (unsigned int i = done = 0; i < 4; done += segs[i++].len) {
		rig_read(t->rig, segs[i].phys, t->bytes, segs[i].len);
		assert_memory_equal(t->bytes, t->disk + 100 * RIG_BLOCK + done, segs[i].len);
	}
	is(t, b + 3 * 4096, 0, 1024);
	is(t, b + 40 * 4096 + 1024, 0, 3072);
	/* PRP entries cannot describe a gap between pieces. */
	segs[1].phys += 512;
	assert_int_equal(run(t, &r), DMAH_EINVAL);
	segs[1].phys -= 512;
	segs[2].len -= 512;
	segs[3].len += 512;
	assert_int_equal(run(t, &r), DMAH_EINVAL);
	segs[3].len += 512;
	assert_int_equal(run(t, &r), DMAH_EINVAL);
	assert_int_equal(dmah_device_live(t->rig->dev), own_mappings());
}

static void scattered(void **state)
{
	(void)state;
	each(check_scattered);
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
				prepare_write(t, r[i].lba, blocks, r[i].phys);
			else
				set(t, r[i].phys, 0, blocks * RIG_BLOCK);
			assert_int_equal(nvme_submit(&t->nvme, &r[i]), 0);
		}
		r[NVME_DEPTH] = (struct nvme_request){ .blocks = 1,
						       .dir = DMAH_FROM_DEVICE,
						       .phys = t->buffer + (512u << 10) };
		assert_int_equal(nvme_submit(&t->nvme, &r[NVME_DEPTH]), DMAH_ENOSPC);
		assert_int_equal(nvme_submit(&t->nvme, &r[3]), DMAH_EBUSY);
		assert_int_equal(dmah_device_live(t->rig->dev), own_mappings() + NVME_DEPTH);
		assert_int_equal(nvme_poll(&t->nvme), 0);
		nvme_ring(&t->nvme);
		for (uint32_t i = 0; i < NVME_DEPTH; i++) {
			assert_int_equal(nvme_wait(&t->nvme, &r[i]), 0);
			assert_true(r[i].done);
			holds(t, r[i].lba, blocks, r[i].phys);
		}
		assert_int_equal(dmah_device_live(t->rig->dev), own_mappings());
	}
}

static void depth(void **state)
{
	(void)state;
	each(check_depth);
}

/* Begin requests of all lengths while others are under way; no two use the same blocks. */
static void check_mixed(struct t *t)
{
	struct nvme_request r[NVME_DEPTH];
	const uint32_t most = 48, slot = 28 * KIB;
	unsigned int under_way = 0, left = 250;

	memset(r, 0, sizeof(r));
	while (left || under_way) {
		struct nvme_request *q = &r[any(t, NVME_DEPTH)];
		uint32_t at = (uint32_t)(q - r);

		if (q->blocks && left && any(t, 4)) {
			/* Any other idle request. */
			for (at = 0; at < NVME_DEPTH && r[at].blocks; at++)
				;
			q = at < NVME_DEPTH ? &r[at] : q;
		}
		if (!q->blocks && left) {
			*q = (struct nvme_request){ .lba = at * 100 + any(t, 100 - most),
						    .blocks = 1 + any(t, most),
						    .dir = DMAH_TO_DEVICE + any(t, 2),
						    .phys = t->buffer + at * slot +
							    any(t, 1000) * 4 };
			if (q->dir == DMAH_TO_DEVICE)
				prepare_write(t, q->lba, q->blocks, q->phys);
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
				if (any(t, 3))
					continue;
			}
		}
		if (!q->blocks)
			continue;
		nvme_ring(&t->nvme);
		assert_int_equal(nvme_wait(&t->nvme, q), 0);
		holds(t, q->lba, q->blocks, q->phys);
		q->blocks = 0;
		under_way--;
	}
	assert_int_equal(dmah_device_live(t->rig->dev), own_mappings());
}

static void mixed(void **state)
{
	(void)state;
	each(check_mixed);
}

/* ---- rings ---- */

struct pair {
	struct nvme_stream in;
	struct nvme_stream out;
	void *memory[2];
};

static void *stream_open(struct t *t, struct nvme_stream *s, uint32_t bytes, enum dmah_dir dir)
{
	size_t need = nvme_stream_memory(bytes, dir);
	void *memory = aligned_alloc(64, (need + 63) & ~(size_t)63);

	assert_true(need > 0);
	assert_int_equal(nvme_stream_init(s, &t->nvme, bytes, dir, memory, need), 0);
	return memory;
}

static void pair_open(struct t *t, struct pair *p, uint32_t bytes)
{
	memset(p, 0, sizeof(*p));
	p->memory[0] = stream_open(t, &p->in, bytes, DMAH_FROM_DEVICE);
	p->memory[1] = stream_open(t, &p->out, bytes, DMAH_TO_DEVICE);
}

static void pair_close(struct pair *p)
{
	assert_int_equal(nvme_stream_fini(&p->in), 0);
	assert_int_equal(nvme_stream_fini(&p->out), 0);
	free(p->memory[0]);
	free(p->memory[1]);
}

/* Take all requests, a few at a time. */
static void drain(struct t *t, struct nvme_stream *s)
{
	uint16_t status[NVME_DEPTH];

	while (nvme_stream_live(s)) {
		uint32_t before = nvme_stream_live(s);
		int n;

		assert_int_equal(nvme_stream_wait(s), 0);
		n = nvme_stream_take(s, status, 1 + any(t, NVME_DEPTH));
		assert_true(n > 0);
		assert_int_equal(nvme_stream_live(s), before - (uint32_t)n);
		while (n--)
			assert_int_equal(status[n], 0);
	}
}

static void check_rings(struct t *t)
{
	const uint32_t blocks[] = { 8, 3, 16, 25, 1 };
	const struct rig_config *c = t->rig->config;
	const uint32_t depth = c->small_pool ? 8 : NVME_DEPTH, most = c->small_aperture ? 8 : 25;
	struct pair p;

	pair_open(t, &p, most * RIG_BLOCK);
	for (unsigned int round = 0; round < 5; round++) {
		uint32_t n = blocks[round] < most ? blocks[round] : most;

		for (uint32_t i = 0; i < depth; i++) {
			dmah_phys_t phys = t->buffer + i * 20480 + round * 252;

			prepare_write(t, 2000 + i * 32, n, phys);
			assert_int_equal(nvme_stream_submit(&p.out, 2000 + i * 32, n, phys), 0);
		}
		if (depth == NVME_DEPTH)
			assert_int_equal(nvme_stream_submit(&p.out, 0, 1, t->buffer), DMAH_ENOSPC);
		assert_int_equal(nvme_stream_take(&p.out, NULL, NVME_DEPTH), 0);
		nvme_ring(&t->nvme);
		drain(t, &p.out);
		for (uint32_t i = 0; i < depth; i++) {
			dmah_phys_t phys = t->buffer + i * 20480 + round * 252;

			assert_memory_equal(t->rig->disk + (2000 + i * 32) * RIG_BLOCK,
					    t->disk + (2000 + i * 32) * RIG_BLOCK, n * RIG_BLOCK);
			set(t, phys, 0, n * RIG_BLOCK);
			assert_int_equal(nvme_stream_submit(&p.in, 2000 + i * 32, n, phys), 0);
		}
		nvme_ring(&t->nvme);
		drain(t, &p.in);
		for (uint32_t i = 0; i < depth; i++)
			holds(t, 2000 + i * 32, n, t->buffer + i * 20480 + round * 252);
	}
	assert_int_equal(nvme_stream_submit(&p.in, 0, 1, t->buffer + 2), DMAH_EINVAL);
	assert_int_equal(nvme_stream_submit(&p.in, 0, 0, t->buffer), DMAH_EINVAL);
	assert_int_equal(nvme_stream_submit(&p.in, 0, 2000, t->buffer), DMAH_ERANGE);
	pair_close(&p);
	assert_int_equal(dmah_device_live(t->rig->dev), own_mappings());
}

static void rings(void **state)
{
	(void)state;
	each(check_rings);
}

/* Newer requests of a ring ended, older ones did not: the older ones keep their memory. */
static void check_late(struct t *t)
{
	const uint32_t depth = t->rig->config->small_pool ? 8 : NVME_DEPTH;
	uint16_t status[NVME_DEPTH];
	struct pair p;

	pair_open(t, &p, 4096);
	for (uint32_t limit = 1; limit < depth; limit += 3) {
		uint32_t taken = 0;

		rig_hang(t->rig, false);
		rig_limit(t->rig, limit);
		for (uint32_t i = 0; i < depth; i++) {
			set(t, t->buffer + i * 8192, 0x55, 4096);
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
			holds(t, 600 + i * 8 + limit, 8, t->buffer + i * 8192);
		}
		/* The device continues at the next doorbell. */
		rig_hang(t->rig, false);
		assert_int_equal(transfer(t, DMAH_FROM_DEVICE, 7, 1, t->buffer + depth * 8192), 0);
		drain(t, &p.in);
		for (uint32_t i = 0; i < depth; i++)
			holds(t, 600 + i * 8 + limit, 8, t->buffer + i * 8192);
	}
	pair_close(&p);
}

static void late(void **state)
{
	(void)state;
	each(check_late);
}

/* Map by handle and by ring on one device at the same time. */
static void check_together(struct t *t)
{
	struct nvme_request r[8];
	struct pair p;

	pair_open(t, &p, 4096);
	memset(r, 0, sizeof(r));
	for (unsigned int round = 0; round < 10; round++) {
		for (uint32_t i = 0; i < 8; i++) {
			dmah_phys_t phys = t->buffer + i * 32768;

			prepare_write(t, 3000 + i * 8, 8, phys);
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
		drain(t, &p.in);
		for (uint32_t i = 8; i--;)
			assert_int_equal(nvme_wait(&t->nvme, &r[i]), 0);
		drain(t, &p.out);
		for (uint32_t i = 0; i < 8; i++) {
			holds(t, 4000 + i * 8, 8, t->buffer + i * 32768 + 8192);
			holds(t, 5000 + i * 8, 8, t->buffer + i * 32768 + 16384);
		}
	}
	pair_close(&p);
}

static void together(void **state)
{
	(void)state;
	each(check_together);
}

/* ---- errors ---- */

static void check_refused_requests(struct t *t)
{
	struct nvme_request twice = { .lba = RIG_BLOCKS - 1, .blocks = 2, .phys = t->buffer };
	struct pair p;
	uint16_t status[2];

	/* Errors that the device returns. */
	assert_int_equal(transfer(t, DMAH_FROM_DEVICE, RIG_BLOCKS, 1, t->buffer), NVME_LBA_RANGE);
	assert_int_equal(transfer(t, DMAH_TO_DEVICE, ~0ull - 1, 4, t->buffer), NVME_LBA_RANGE);
	twice.dir = DMAH_FROM_DEVICE;
	assert_int_equal(run(t, &twice), NVME_LBA_RANGE);
	twice.lba--;
	assert_int_equal(run(t, &twice), 0);
	holds(t, RIG_BLOCKS - 2, 2, t->buffer);
	/* Errors that the driver returns. */
	assert_int_equal(transfer(t, DMAH_FROM_DEVICE, 0, 0, t->buffer), DMAH_EINVAL);
	assert_int_equal(transfer(t, DMAH_BIDIRECTIONAL, 0, 1, t->buffer), DMAH_EINVAL);
	assert_int_equal(transfer(t, DMAH_FROM_DEVICE, 0, 1, t->buffer + 2), DMAH_EINVAL);
	assert_int_equal(transfer(t, DMAH_FROM_DEVICE, 0, 1025, t->buffer), DMAH_ERANGE);
	/* In a ring, a refused request does not block the others. */
	pair_open(t, &p, 4096);
	assert_int_equal(nvme_stream_submit(&p.in, RIG_BLOCKS, 1, t->buffer), 0);
	assert_int_equal(nvme_stream_submit(&p.in, 9, 1, t->buffer + 8192), 0);
	nvme_ring(&t->nvme);
	for (int n = 0, got; n < 2; n += got) {
		assert_int_equal(nvme_stream_wait(&p.in), 0);
		got = nvme_stream_take(&p.in, status + n, 2);
		assert_true(got > 0);
	}
	assert_int_equal(status[0], NVME_LBA_RANGE);
	assert_int_equal(status[1], 0);
	holds(t, 9, 1, t->buffer + 8192);
	pair_close(&p);
	assert_int_equal(dmah_device_live(t->rig->dev), own_mappings());
}

static void refused_requests(void **state)
{
	(void)state;
	each(check_refused_requests);
}

/* Maps that fail under load leave nothing behind, and requests work when there is room again. */
static void check_failed_maps(struct t *t)
{
	const struct rig_config *c = t->rig->config;
	struct nvme_request r[NVME_DEPTH];
	unsigned int n = 0;
	uint64_t live;
	int err = 0;

	memset(r, 0, sizeof(r));
	posix_fail_alloc(POSIX_FAIL_FROM, 1);
	while (!err && n < NVME_DEPTH) {
		r[n] = (struct nvme_request){ .lba = 100 * n,
					      .blocks = 300,
					      .dir = DMAH_FROM_DEVICE,
					      .phys = t->buffer + n * 163840 };
		live = dmah_device_live(t->rig->dev);
		err = nvme_submit(&t->nvme, &r[n]);
		if (err)
			assert_int_equal(dmah_device_live(t->rig->dev), live);
		else
			n++;
	}
	posix_fail_alloc(POSIX_FAIL_NEVER, 0);
	assert_int_equal(dmah_device_live(t->rig->dev), own_mappings() + n);
	if (c->small_aperture || c->small_pool)
		assert_int_equal(err, DMAH_ENOSPC);
	else if (c->iommu)
		assert_int_equal(err, DMAH_ENOMEM);
	nvme_ring(&t->nvme);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(nvme_wait(&t->nvme, &r[i]), 0);
	if (n)
		holds(t, r[n - 1].lba, 300, r[n - 1].phys);
	assert_int_equal(dmah_device_live(t->rig->dev), own_mappings());
	/* Submit the last request, which failed, once more: it succeeds now. */
	if (err && !c->small_pool) {
		assert_int_equal(run(t, &r[n]), 0);
		holds(t, r[n].lba, 300, r[n].phys);
	}
}

static void failed_maps(void **state)
{
	(void)state;
	each(check_failed_maps);
}

/* ---- stale DMA ---- */

/* Submit a command with DMA addresses that are not mapped. Return: its status. */
static int raw(struct t *t, enum dmah_dir dir, uint64_t lba, uint32_t blocks, dmah_addr_t dma)
{
	struct dmah_dma_seg seg = { .dma = dma, .len = blocks * RIG_BLOCK };
	struct nvme_io io = { 0 };

	assert_int_equal(nvme_io_start(&t->nvme, &io, dir, lba, blocks, &seg, 1), 0);
	nvme_ring(&t->nvme);
	assert_int_equal(nvme_io_wait(&t->nvme, &io), 0);
	return io.status;
}

static void check_stale(struct t *t)
{
	struct pair p;

	if (!t->rig->config->iommu)
		return;
	pair_open(t, &p, 4096);
	for (unsigned int i = 0; i < 24; i++) {
		struct nvme_request r = { .lba = 60 + i, .blocks = 1, .dir = DMAH_FROM_DEVICE };
		dmah_addr_t dma;

		r.phys = t->buffer + 4096 + 8192 * i;
		if (i % 2) {
			assert_int_equal(nvme_stream_submit(&p.in, r.lba, 1, r.phys), 0);
			/* Read the DMA address from the command. */
			dma = t->nvme.queue.sq[(t->nvme.queue.tail + 63u) % 64].prp1;
			nvme_ring(&t->nvme);
			drain(t, &p.in);
		} else {
			assert_int_equal(nvme_submit(&t->nvme, &r), 0);
			dma = dmah_addr(&r.h);
			nvme_ring(&t->nvme);
			assert_int_equal(nvme_wait(&t->nvme, &r), 0);
		}
		holds(t, r.lba, 1, r.phys);
		if (t->rig->config->mode == DMAH_LAZY)
			assert_int_equal(dmah_flush(t->rig->dom), 0);
		set(t, r.phys - 512, 0x77, 8192);
		rig_no_faults(t->rig);
		assert_int_equal(raw(t, DMAH_FROM_DEVICE, 3, 1, dma), t->rig->refused);
		rig_faults(t->rig, dma & ~0xfffull, 4096, true);
		is(t, r.phys - 512, 0x77, 8192);
		/* A stale read of memory is refused as well: the disk gets other bytes, or none. */
		if (i % 8 == 7) {
			unsigned int same = 0;

			set(t, r.phys, 0x99, 512);
			(void)raw(t, DMAH_TO_DEVICE, RIG_BLOCKS - 8, 1, dma);
			rig_faults(t->rig, dma & ~0xfffull, 4096, false);
			for (unsigned int b = 0; b < RIG_BLOCK; b++)
				same += t->rig->disk[(RIG_BLOCKS - 8) * RIG_BLOCK + b] == 0x99;
			assert_true(same < 32);
			memcpy(t->disk + (RIG_BLOCKS - 8) * RIG_BLOCK,
			       t->rig->disk + (RIG_BLOCKS - 8) * RIG_BLOCK, RIG_BLOCK);
		}
	}
	pair_close(&p);
}

static void stale_dma(void **state)
{
	(void)state;
	each(check_stale);
}

/* ---- controllers that misbehave ---- */

static void check_timeout(struct t *t)
{
	struct nvme_request r[3];
	uint16_t status[2];
	struct pair p;

	pair_open(t, &p, 4096);
	memset(r, 0, sizeof(r));
	t->nvme.timeout_ns = SHORT_TIME;
	rig_hang(t->rig, true);
	for (unsigned int i = 0; i < 3; i++) {
		r[i] = (struct nvme_request){ .lba = 40 + i,
					      .blocks = 1,
					      .dir = DMAH_FROM_DEVICE,
					      .phys = t->buffer + i * 8192 };
		assert_int_equal(nvme_submit(&t->nvme, &r[i]), 0);
	}
	assert_int_equal(nvme_stream_submit(&p.in, 50, 1, t->buffer + 65536), 0);
	nvme_ring(&t->nvme);
	assert_int_equal(nvme_wait(&t->nvme, &r[1]), DMAH_ETIMEDOUT);
	assert_int_equal(nvme_stream_wait(&p.in), DMAH_ETIMEDOUT);
	/* The device may still access the buffers, so they stay mapped. */
	assert_false(r[1].done);
	assert_int_equal(nvme_stream_take(&p.in, status, 2), 0);
	assert_int_equal(dmah_device_live(t->rig->dev), own_mappings() + 4);
	rig_hang(t->rig, false);
	t->nvme.timeout_ns = TIMEOUT;
	assert_int_equal(nvme_reset(&t->nvme), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(r[i].done);
		assert_int_equal(nvme_wait(&t->nvme, &r[i]), NVME_ABORTED);
	}
	assert_int_equal(nvme_stream_take(&p.in, status, 2), 1);
	assert_int_equal(status[0], NVME_ABORTED);
	assert_int_equal(dmah_device_live(t->rig->dev), own_mappings());
	/* After the reset the controller takes as many requests as before. */
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(transfer(t, DMAH_FROM_DEVICE, 60 + i, 1, t->buffer), 0);
	holds(t, 99, 1, t->buffer);
	pair_close(&p);
}

static void time_out(void **state)
{
	(void)state;
	each(check_timeout);
}

/* Shut the controller down with requests under way. */
static void check_fini_busy(struct t *t)
{
	struct nvme_request r = {
		.lba = 40, .blocks = 1, .dir = DMAH_FROM_DEVICE, .phys = t->buffer
	};

	rig_hang(t->rig, true);
	assert_int_equal(nvme_submit(&t->nvme, &r), 0);
	nvme_ring(&t->nvme);
	/* The simulator's controller stops taking admin commands, too. */
	t->nvme.timeout_ns = SHORT_TIME;
	assert_int_equal(nvme_fini(&t->nvme), 0);
	rig_hang(t->rig, false);
	assert_true(r.done);
	assert_int_equal(r.err, NVME_ABORTED);
	assert_int_equal(dmah_device_live(t->rig->dev), 0);
	assert_int_equal(nvme_submit(&t->nvme, &r), DMAH_ENODEV);
	assert_int_equal(nvme_poll(&t->nvme), 0);
	assert_int_equal(nvme_reset(&t->nvme), DMAH_ENODEV);
	up(t);
}

static void fini_busy(void **state)
{
	(void)state;
	each(check_fini_busy);
}

static void check_fatal(struct t *t)
{
	struct nvme_request r = {
		.lba = 40, .blocks = 1, .dir = DMAH_FROM_DEVICE, .phys = t->buffer
	};

	/* The failure is noticed long before the time-out. */
	t->nvme.timeout_ns = ~0ull;
	rig_hang(t->rig, true);
	assert_int_equal(nvme_submit(&t->nvme, &r), 0);
	nvme_ring(&t->nvme);
	rig_status(t->rig, 0, CSTS_CFS);
	assert_int_equal(nvme_wait(&t->nvme, &r), DMAH_ETIMEDOUT);
	rig_hang(t->rig, false);
	/* A failed controller does not become ready: init frees all memory. */
	assert_int_equal(nvme_reset(&t->nvme), DMAH_ETIMEDOUT);
	assert_false(nvme_live(&t->nvme));
	assert_int_equal(r.err, NVME_ABORTED);
	assert_int_equal(dmah_device_live(t->rig->dev), 0);
	t->nvme = (struct nvme){ 0 };
	assert_int_equal(nvme_init(&t->nvme, t->rig->regs, t->rig->dev), DMAH_ETIMEDOUT);
	assert_false(nvme_live(&t->nvme));
	rig_status(t->rig, 0, 0);
	up(t);
	/* Fini sends no command to a failed controller, and only disables it. */
	rig_status(t->rig, 0, CSTS_CFS);
	assert_int_equal(nvme_fini(&t->nvme), 0);
	rig_status(t->rig, 0, 0);
	up(t);
}

static void fatal(void **state)
{
	(void)state;
	each(check_fatal);
}

/* The controller never becomes ready, never stops being ready, or is gone. */
static void check_stuck(struct t *t)
{
	struct nvme_request r = {
		.lba = 40, .blocks = 1, .dir = DMAH_FROM_DEVICE, .phys = t->buffer
	};

	assert_int_equal(nvme_fini(&t->nvme), 0);
	rig_status(t->rig, CSTS_RDY, 0);
	assert_int_equal(nvme_init(&t->nvme, t->rig->regs, t->rig->dev), DMAH_ETIMEDOUT);
	assert_false(nvme_live(&t->nvme));
	rig_status(t->rig, 0, 0);
	up(t);
	rig_status(t->rig, 0, CSTS_RDY);
	assert_int_equal(nvme_fini(&t->nvme), DMAH_ETIMEDOUT);
	assert_true(nvme_live(&t->nvme));
	assert_int_equal(dmah_device_live(t->rig->dev), own_mappings());
	rig_status(t->rig, 0, 0);
	assert_int_equal(nvme_fini(&t->nvme), 0);
	up(t);
	assert_int_equal(nvme_submit(&t->nvme, &r), 0);
	rig_hang(t->rig, true);
	nvme_ring(&t->nvme);
	rig_status(t->rig, 0, ~0u);
	assert_int_equal(nvme_wait(&t->nvme, &r), DMAH_ENODEV);
	assert_int_equal(nvme_fini(&t->nvme), DMAH_ENODEV);
	assert_true(nvme_live(&t->nvme));
	rig_status(t->rig, 0, 0);
	/* The caller knows that the controller does no DMA. */
	dmah_host_write32((volatile uint8_t *)t->rig->regs + REG_CC, 0);
	assert_int_equal(nvme_release(&t->nvme), 0);
	rig_hang(t->rig, false);
	assert_int_equal(r.err, NVME_ABORTED);
	assert_int_equal(dmah_device_live(t->rig->dev), 0);
	up(t);
}

static void stuck(void **state)
{
	(void)state;
	each(check_stuck);
}

static void lie(struct t *t, unsigned int n, uint32_t cid)
{
	struct nvme_queue *q = &t->nvme.queue;

	q->cq[q->head + n].end = cid | (uint32_t)q->phase << 16;
}

/* Completions of commands that were never submitted, and of one command twice. */
static void check_liar(struct t *t)
{
	struct nvme_request r[2] = {
		{ .lba = 40, .blocks = 1, .dir = DMAH_FROM_DEVICE, .phys = t->buffer },
		{ .lba = 41, .blocks = 1, .dir = DMAH_FROM_DEVICE, .phys = t->buffer + 8192 },
	};

	rig_hang(t->rig, true);
	assert_int_equal(nvme_submit(&t->nvme, &r[0]), 0);
	assert_int_equal(nvme_submit(&t->nvme, &r[1]), 0);
	nvme_ring(&t->nvme);
	lie(t, 0, NVME_DEPTH - 1);
	lie(t, 1, 0xffff);
	lie(t, 2, NVME_DEPTH);
	assert_int_equal(nvme_poll(&t->nvme), 3);
	assert_int_equal(t->rig->reports, 3);
	assert_false(r[0].done);
	assert_int_equal(dmah_device_live(t->rig->dev), own_mappings() + 2);
	lie(t, 0, r[1].io.cid);
	lie(t, 1, r[1].io.cid);
	assert_int_equal(nvme_poll(&t->nvme), 2);
	assert_int_equal(t->rig->reports, 4);
	assert_true(r[1].done);
	assert_false(r[0].done);
	assert_int_equal(dmah_device_live(t->rig->dev), own_mappings() + 1);
	/* Driver and device no longer agree on the queue. */
	rig_hang(t->rig, false);
	assert_int_equal(nvme_reset(&t->nvme), 0);
	assert_int_equal(r[0].err, NVME_ABORTED);
	rig_forgive(t->rig);
	t->rig->reports = 0;
	assert_int_equal(run(t, &r[0]), 0);
	holds(t, 40, 1, t->buffer);
}

static void liar(void **state)
{
	(void)state;
	each(check_liar);
}

/*
 * The IOMMU does not confirm an unmap. The device has finished, but the memory must not be reused,
 * so the request ends with DMAH_ETIMEDOUT. Once the IOMMU answers, requests work again.
 */
static void check_hung_iommu(struct t *t)
{
	struct nvme_request r = {
		.lba = 40, .blocks = 8, .dir = DMAH_FROM_DEVICE, .phys = t->buffer
	};
	uint16_t status[2];
	struct pair p;

	if (!t->rig->config->iommu || t->rig->config->mode != DMAH_STRICT)
		return;
	pair_open(t, &p, 4096);
	assert_int_equal(nvme_submit(&t->nvme, &r), 0);
	assert_int_equal(nvme_stream_submit(&p.in, 50, 8, t->buffer + 65536), 0);
	rig_stick(t->rig, true);
	nvme_ring(&t->nvme);
	assert_int_equal(nvme_wait(&t->nvme, &r), DMAH_ETIMEDOUT);
	assert_true(r.done);
	assert_int_equal(nvme_stream_wait(&p.in), 0);
	assert_int_equal(nvme_stream_take(&p.in, status, 2), DMAH_ETIMEDOUT);
	assert_int_equal(nvme_stream_live(&p.in), 0);
	assert_int_equal(dmah_device_live(t->rig->dev), own_mappings());
	rig_stick(t->rig, false);
	assert_int_equal(dmah_flush(t->rig->dom), 0);
	t->rig->reports = 0;
	holds(t, 40, 8, t->buffer);
	assert_int_equal(run(t, &r), 0);
	holds(t, 40, 8, t->buffer);
	pair_close(&p);
}

static void hung_iommu(void **state)
{
	(void)state;
	each(check_hung_iommu);
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
		cmocka_unit_test(refused_requests),
		cmocka_unit_test(failed_maps),
		cmocka_unit_test(stale_dma),
		cmocka_unit_test(time_out),
		cmocka_unit_test(fini_busy),
		cmocka_unit_test(fatal),
		cmocka_unit_test(stuck),
		cmocka_unit_test(liar),
		cmocka_unit_test(hung_iommu),
		cmocka_unit_test(late),
	};

	/* Not every rig can run the last test. */
	return _cmocka_run_group_tests("tests", tests,
				       sizeof(tests) / sizeof(tests[0]) - !rig_limits, NULL, NULL);
}
