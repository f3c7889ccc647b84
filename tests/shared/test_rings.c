/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Rings and batches: random calls on every machine, checked against an array of buffers, and the
 * guarantees that only rings and batches give.
 */
#include "configs.h"
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define CELL	16384u
#define CELLS	64u
#define ENTRIES 16u
#define SLOT	8192u

/* A buffer of the ring. @bytes: expected contents of its cell after the pop. */
struct buffer {
	dmah_phys_t home;
	uint32_t at;
	uint32_t len;
	dmah_addr_t dma;
	unsigned char bytes[CELL];
};

struct life {
	struct bench *b;
	struct rnd r;
	struct dmah_ring *ring;
	void *memory;
	enum dmah_dir dir;
	struct buffer *buffer;
	uint64_t head;
	uint64_t tail;
};

static struct buffer *buffer_of(struct life *l, uint64_t number)
{
	return &l->buffer[number % CELLS];
}

static bool translated(const struct bench *b)
{
	const struct bench_config *c = bench_config(b);

	return c->backend == DMAH_BACKEND_IOMMU && c->mode != DMAH_PASSTHROUGH;
}

static bool strict(const struct bench *b)
{
	return translated(b) &&
	       (bench_config(b)->mode == DMAH_STRICT || bench_config(b)->untrusted);
}

static struct dmah_ring *make_ring(struct bench *b, void **memory, uint32_t entries, uint32_t slot,
				   enum dmah_dir dir)
{
	struct dmah_ring_config config = { .entries = entries, .entry_size = slot, .dir = dir };
	size_t need = dmah_ring_memory(&config);
	struct dmah_ring *ring = NULL;

	assert_true(need > 0);
	*memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	assert_int_equal(dmah_ring_init(&ring, bench_device(b), &config, *memory, need), 0);
	return ring;
}

static void push(struct life *l)
{
	struct buffer *p = buffer_of(l, l->tail);
	uint32_t live = (uint32_t)(l->tail - l->head);
	dmah_addr_t dma;
	int err;

	p->at = rnd(&l->r, 4) ? rnd(&l->r, 4) * 1024 : rnd(&l->r, 4096);
	p->len = 1 + rnd(&l->r, rnd(&l->r, 2) ? SLOT - 4096 : 1500);
	for (uint32_t i = 0; i < CELL; i += 1 + rnd(&l->r, 300))
		p->bytes[i] = (unsigned char)rnd(&l->r, 256);
	bench_cpu_write(l->b, p->home, p->bytes, CELL);
	err = dmah_ring_push(l->ring, p->home + p->at, p->len, &dma);
	assert_int_equal(err, live == ENTRIES ? DMAH_ENOSPC : DMAH_OK);
	assert_int_equal(dmah_ring_live(l->ring), err ? live : live + 1);
	if (err)
		return;
	p->dma = dma;
	l->tail++;
}

static void device(struct life *l)
{
	uint32_t live = (uint32_t)(l->tail - l->head), off, len;
	struct buffer *p = buffer_of(l, l->head + rnd(&l->r, live ? live : 1));
	unsigned char bytes[CELL];

	if (!live)
		return;
	off = rnd(&l->r, p->len);
	len = 1 + rnd(&l->r, p->len - off);
	if (l->dir & DMAH_TO_DEVICE) {
		assert_true(bench_dev_read(l->b, p->dma + off, bytes, len));
		assert_memory_equal(bytes, p->bytes + p->at + off, len);
	}
	if (l->dir & DMAH_FROM_DEVICE) {
		for (uint32_t i = 0; i < len; i++)
			bytes[i] = (unsigned char)rnd(&l->r, 256);
		assert_true(bench_dev_write(l->b, p->dma + off, bytes, len));
		memcpy(p->bytes + p->at + off, bytes, len);
	}
}

static void sync(struct life *l)
{
	uint32_t live = (uint32_t)(l->tail - l->head), which, off, len;
	unsigned char bytes[CELL];
	struct buffer *p;

	if (!live)
		return;
	which = rnd(&l->r, live);
	p = buffer_of(l, l->head + which);
	off = rnd(&l->r, p->len);
	len = 1 + rnd(&l->r, p->len - off);
	assert_int_equal(dmah_ring_sync_for_cpu(l->ring, which, off, len), 0);
	bench_cpu_read(l->b, p->home + p->at + off, bytes, len);
	assert_memory_equal(bytes, p->bytes + p->at + off, len);
	if (l->dir != DMAH_FROM_DEVICE) {
		bytes[0] = (unsigned char)rnd(&l->r, 256);
		p->bytes[p->at + off] = bytes[0];
		bench_cpu_write(l->b, p->home + p->at + off, bytes, 1);
	}
	assert_int_equal(dmah_ring_sync_for_device(l->ring, which, off, len), 0);
}

static void pop(struct life *l)
{
	uint32_t live = (uint32_t)(l->tail - l->head), n = rnd(&l->r, live + 1);
	unsigned char bytes[CELL];

	assert_int_equal(dmah_ring_pop(l->ring, n), 0);
	for (uint32_t i = 0; i < n; i++, l->head++) {
		struct buffer *p = buffer_of(l, l->head);

		bench_cpu_read(l->b, p->home, bytes, CELL);
		assert_memory_equal(bytes, p->bytes, CELL);
		if (!strict(l->b))
			continue;
		assert_false(bench_dev_write(l->b, p->dma, "?", 1));
		assert_false(bench_dev_read(l->b, p->dma + p->len - 1, bytes, 1));
	}
	assert_int_equal(dmah_ring_live(l->ring), l->tail - l->head);
}

static void live_once(struct bench *b, enum dmah_dir dir, unsigned int steps)
{
	struct life l = { .b = b, .r = { 7 + (uint64_t)dir }, .dir = dir };
	dmah_phys_t memory;
	uint64_t size, next;

	memory = bench_memory(b, &size);
	assert_true(size >= (uint64_t)CELLS * CELL);
	l.buffer = calloc(CELLS, sizeof(*l.buffer));
	for (unsigned int i = 0; i < CELLS; i++)
		l.buffer[i].home = memory + (uint64_t)i * CELL;
	l.ring = make_ring(b, &l.memory, ENTRIES, SLOT, dir);
	for (unsigned int i = 0; i < steps; i++) {
		switch (rnd(&l.r, 8)) {
		case 0:
		case 1:
		case 2:
			push(&l);
			break;
		case 3:
		case 4:
			device(&l);
			break;
		case 5:
			sync(&l);
			break;
		case 6:
			pop(&l);
			break;
		default:
			if (!rnd(&l.r, 8))
				assert_int_equal(dmah_flush(bench_domain(b)), 0);
			if (!rnd(&l.r, 8))
				assert_int_equal(dmah_poll(bench_domain(b), bench_time(b, 3000000),
							   &next),
						 0);
			bench_evict(b);
			break;
		}
	}
	assert_int_equal(dmah_ring_fini(l.ring), l.tail == l.head ? 0 : DMAH_EBUSY);
	while (l.head != l.tail)
		pop(&l);
	if (dmah_device_live(bench_device(b)) || bench_device(b)->rings)
		assert_int_equal(dmah_ring_fini(l.ring), 0);
	free(l.buffer);
	free(l.memory);
}

static void random_ring(void **state)
{
	const struct bench_config *config = *state;
	struct bench *b = bench_open(config);
	struct dmah_stats stats;

	for (unsigned int dir = DMAH_TO_DEVICE; dir <= DMAH_BIDIRECTIONAL; dir++)
		live_once(b, (enum dmah_dir)dir, bench_times(1500));
	dmah_device_stats(bench_device(b), &stats);
	assert_true(stats.maps > bench_times(300));
	assert_int_equal(stats.maps, stats.unmaps);
	assert_int_equal(stats.reverse_lookups, 0);
	bench_close(b);
}

/* ---- what only rings promise ---- */

static const struct bench_config iommu_strict = { .backend = DMAH_BACKEND_IOMMU,
						  .hw = BENCH_IOMMU };
static const struct bench_config iommu_lazy = { .backend = DMAH_BACKEND_IOMMU,
						.hw = BENCH_IOMMU,
						.mode = DMAH_LAZY };

static dmah_phys_t page(struct bench *b, unsigned int n)
{
	uint64_t size;

	return bench_memory(b, &size) + n * 4096ull;
}

/*
 * 2: in lazy mode no ring slot is reused before a flush, so a stale entry never reaches a new
 * buffer.
 */
static void inv02_slots_rotate(void **state)
{
	struct bench *b = bench_open(&iommu_lazy);
	unsigned char byte = 0;
	struct dmah_ring *ring;
	dmah_addr_t dma;
	void *memory;

	(void)state;
	ring = make_ring(b, &memory, 8, 4096, DMAH_BIDIRECTIONAL);
	for (unsigned int i = 0; i < 100; i++) {
		/* The IOMMU caches every one of these translations. */
		assert_int_equal(dmah_ring_push(ring, page(b, i % 50), 4096, &dma), 0);
		byte = (unsigned char)i;
		assert_true(bench_dev_write(b, dma, &byte, 1));
		bench_cpu_read(b, page(b, i % 50), &byte, 1);
		assert_int_equal(byte, (unsigned char)i);
		assert_int_equal(dmah_ring_pop(ring, 1), 0);
	}
	assert_int_equal(dmah_ring_fini(ring), 0);
	free(memory);
	bench_close(b);
}

/* A pop needs one wait and at most two commands; granules invalidated in excess are counted. */
static void one_wait_for_a_pop(void **state)
{
	struct bench *b = bench_open(&iommu_strict);
	struct dmah_stats before, after;
	struct dmah_ring *ring;
	dmah_addr_t dma[64];
	void *memory;
	uint32_t n, all = 0;

	(void)state;
	ring = make_ring(b, &memory, 64, 4096, DMAH_BIDIRECTIONAL);
	for (unsigned int round = 0; round < bench_times(200); round++) {
		n = 1 + round * 7 % 64;
		for (unsigned int i = 0; i < n; i++) {
			assert_int_equal(dmah_ring_push(ring, page(b, i), 4096, &dma[i]), 0);
			assert_true(bench_dev_write(b, dma[i], "x", 1));
		}
		dmah_device_stats(bench_device(b), &before);
		assert_int_equal(dmah_ring_pop(ring, n), 0);
		dmah_device_stats(bench_device(b), &after);
		assert_int_equal(after.waits - before.waits, 1);
		/* Two more commands where the slots wrap. */
		assert_in_range(after.invalidations - before.invalidations, 1,
				all % 128 + n > 128 ? 4 : 2);
		assert_true(after.over_invalidated - before.over_invalidated <= 2 * n);
		if (n == 1)
			assert_int_equal(after.over_invalidated, before.over_invalidated);
		for (unsigned int i = 0; i < n; i++)
			assert_false(bench_dev_write(b, dma[i], "x", 1));
		all += n;
	}
	assert_true(after.over_invalidated > 0);
	assert_int_equal(dmah_ring_fini(ring), 0);
	free(memory);
	bench_close(b);
}

/*
 * Address-keyed calls can sync a ring slot but not unmap it; neighbours outside the ring are
 * unaffected.
 */
static void slots_and_addresses(void **state)
{
	static const struct bench_config small = { .backend = DMAH_BACKEND_IOMMU,
						   .hw = BENCH_IOMMU,
						   .aperture_size = 2u << 20 };
	struct bench *b = bench_open(&small);
	struct dmah_device *dev = bench_device(b);
	dmah_addr_t dma, other[511];
	struct dmah_ring *ring;
	unsigned int n = 0;
	void *memory;

	(void)state;
	ring = make_ring(b, &memory, 2, 4096, DMAH_BIDIRECTIONAL);
	assert_int_equal(dmah_ring_push(ring, page(b, 0), 4096, &dma), 0);
	/* Map the rest of the aperture, so that the ring has a neighbour on either side. */
	while (n < 511 && !dmah_addr_map(dev, page(b, 1), 4096, DMAH_BIDIRECTIONAL, 0, &other[n]))
		n++;
	assert_int_equal(n, 511 - 5);
	assert_int_equal(dmah_addr_unmap(dev, dma, 4096, DMAH_BIDIRECTIONAL, 0), DMAH_EINVAL);
	assert_int_equal(dmah_page_unmap(dev, dma, page(b, 0), 4096, DMAH_BIDIRECTIONAL, 0),
			 DMAH_EINVAL);
	assert_int_equal(dmah_addr_sync_for_cpu(dev, dma + 5, 10, DMAH_BIDIRECTIONAL), 0);
	assert_true(bench_dev_write(b, dma, "x", 1));
	while (n--)
		assert_int_equal(dmah_addr_unmap(dev, other[n], 4096, DMAH_BIDIRECTIONAL, 0), 0);
	assert_int_equal(dmah_ring_pop(ring, 1), 0);
	assert_int_equal(dmah_ring_fini(ring), 0);
	assert_int_equal(bench_reports(b), 2);
	free(memory);
	bench_close(b);
}

/* 17: entries that a ring has popped lazily are flushed by their deadline, too. */
static void inv17_rings_at_their_deadline(void **state)
{
	struct bench *b = bench_open(&iommu_lazy);
	struct dmah_ring *ring;
	unsigned char byte = 0;
	uint64_t next, now;
	dmah_addr_t dma;
	void *memory;

	(void)state;
	ring = make_ring(b, &memory, 8, 4096, DMAH_BIDIRECTIONAL);
	assert_int_equal(dmah_poll(bench_domain(b), bench_time(b, 0), &next), 0);
	assert_true(next == UINT64_MAX);
	assert_int_equal(dmah_ring_push(ring, page(b, 0), 4096, &dma), 0);
	assert_true(bench_dev_read(b, dma, &byte, 1));
	assert_int_equal(dmah_ring_pop(ring, 1), 0);
	now = bench_time(b, 0);
	assert_int_equal(dmah_poll(bench_domain(b), now, &next), 0);
	assert_true(next > now && next <= now + 10000000);
	assert_true(bench_dev_read(b, dma, &byte, 1));
	now = bench_time(b, next - now);
	assert_int_equal(dmah_poll(bench_domain(b), now, &next), 0);
	assert_false(bench_dev_read(b, dma, &byte, 1));
	assert_true(next == UINT64_MAX);
	assert_int_equal(dmah_ring_fini(ring), 0);
	free(memory);
	bench_close(b);
}

/* 19: a queue that hangs is reported, and no slot without its confirmation is used again. */
static void inv19_hung_ring(void **state)
{
	static const struct bench_config *const machines[] = { &iommu_strict, &iommu_lazy };

	(void)state;
	for (unsigned int m = 0; m < 2; m++) {
		struct bench *b = bench_open(machines[m]);
		bool asked = bench_device(b)->iommu->caps & DMAH_IOMMU_MAP_FLUSH;
		unsigned int pushed = 0, hung = 0;
		struct dmah_ring *ring;
		unsigned char byte = 1;
		dmah_addr_t dma;
		void *memory;
		int err = 0;

		ring = make_ring(b, &memory, 8, 4096, DMAH_BIDIRECTIONAL);
		bench_stick(b, true);
		for (; pushed < 100 && !err; pushed++) {
			err = dmah_ring_push(ring, page(b, pushed), 4096, &dma);
			if (err)
				break;
			assert_true(bench_dev_write(b, dma, &byte, 1));
			bench_cpu_read(b, page(b, pushed), &byte, 1);
			assert_int_equal(byte, 1);
			hung += dmah_ring_pop(ring, 1) == DMAH_ETIMEDOUT;
		}
		assert_int_equal(err, DMAH_ETIMEDOUT);
		/* An IOMMU that is asked at each map maps nothing now. */
		assert_int_equal(pushed, asked ? 0 : 16);
		assert_true(asked || hung > 0);
		assert_int_equal(dmah_ring_live(ring), 0);
		assert_int_equal(dmah_ring_fini(ring), DMAH_ETIMEDOUT);
		bench_stick(b, false);
		for (; pushed < 100; pushed++) {
			assert_int_equal(dmah_ring_push(ring, page(b, pushed), 4096, &dma), 0);
			assert_true(bench_dev_write(b, dma, &byte, 1));
			bench_cpu_read(b, page(b, pushed), &byte, 1);
			assert_int_equal(byte, 1);
			assert_int_equal(dmah_ring_pop(ring, 1), 0);
		}
		assert_int_equal(dmah_ring_fini(ring), 0);
		free(memory);
		bench_close(b);
	}
}

static void refused(void **state)
{
	struct dmah_ring_config config = { .entries = 8,
					   .entry_size = 8192,
					   .dir = DMAH_TO_DEVICE },
				bad;
	struct bench *b = bench_open(&iommu_strict);
	struct dmah_device *dev = bench_device(b);
	size_t need = dmah_ring_memory(&config);
	void *memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	struct dmah_ring *ring, *huge;
	dmah_addr_t dma;

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		bad = config;
		bad.entries = i == 0 ? 0 : i == 1 ? 12 : i == 2 ? 65536 : 8;
		bad.entry_size = i == 3 ? 0 : 4096;
		bad.dir = i == 4 ? (enum dmah_dir)4 : DMAH_TO_DEVICE;
		bad.attrs = i == 5 ? 8 : 0;
		assert_int_equal(dmah_ring_memory(&bad), 0);
		assert_int_equal(dmah_ring_init(&ring, dev, &bad, memory, need), DMAH_EINVAL);
	}
	assert_int_equal(dmah_ring_init(&ring, dev, &config, memory, need - 1), DMAH_EINVAL);
	/* Three tables below the root lead to its entries. */
	for (long nth = 0; nth < 3; nth++) {
		bench_fail_from(b, nth);
		assert_int_equal(dmah_ring_init(&ring, dev, &config, memory, need), DMAH_ENOMEM);
		bench_fail_alloc(b, -1);
		/* Page tables stay allocated, so use a fresh machine each time. */
		bench_close(b);
		b = bench_open(&iommu_strict);
		dev = bench_device(b);
	}
	assert_int_equal(dmah_ring_init(&ring, dev, &config, memory, need), 0);
	assert_int_equal(dmah_ring_pop(ring, 1), DMAH_EINVAL);
	assert_int_equal(dmah_ring_sync_for_cpu(ring, 0, 0, 1), DMAH_EINVAL);
	assert_int_equal(dmah_ring_push(ring, page(b, 0), 0, &dma), DMAH_EINVAL);
	assert_int_equal(dmah_ring_push(ring, page(b, 0), 8193, &dma), DMAH_ERANGE);
	assert_int_equal(dmah_ring_push(ring, page(b, 0) + 1, 8192, &dma), DMAH_ERANGE);
	assert_int_equal(dmah_ring_push(ring, 1ull << 60, 4096, &dma), DMAH_ERANGE);
	assert_int_equal(dmah_ring_push(ring, page(b, 0), 8192, &dma), 0);
	assert_int_equal(dmah_ring_pop(ring, 2), DMAH_EINVAL);
	assert_int_equal(dmah_detach(dev), DMAH_EBUSY);
	assert_int_equal(dmah_device_live(dev), 1);
	assert_int_equal(dmah_ring_fini(ring), DMAH_EBUSY);
	assert_int_equal(dmah_kill(dev), 0);
	assert_int_equal(dmah_ring_push(ring, page(b, 0), 4096, &dma), DMAH_ENODEV);
	assert_int_equal(dmah_ring_pop(ring, 1), 0);
	assert_int_equal(dmah_ring_fini(ring), 0);
	assert_int_equal(bench_reports(b), 3);
	/* More slots than the aperture holds. */
	bad = (struct dmah_ring_config){ .entries = 32768,
					 .entry_size = 32u << 20,
					 .dir = DMAH_TO_DEVICE };
	need = dmah_ring_memory(&bad);
	free(memory);
	memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	bench_close(b);
	b = bench_open(&iommu_strict);
	assert_int_equal(dmah_ring_init(&huge, bench_device(b), &bad, memory, need), DMAH_ENOSPC);
	free(memory);
	bench_close(b);
}

/* Return the leaf entry of an IOVA, found as the hardware finds it: every format has 9 bits a level, and the address in bits 51:12. */
static uint64_t *leaf_entry(struct bench *b, dmah_addr_t dma)
{
	struct dmah_pt_info pt;
	uint64_t *entry = NULL;
	dmah_phys_t table;

	assert_int_equal(dmah_domain_pt(bench_domain(b), &pt), 0);
	table = pt.root;
	for (unsigned int level = pt.levels; level; level--) {
		entry = (uint64_t *)dmah_host_table_virt(table) +
			(dma >> (12 + 9 * (level - 1)) & 511);
		table = *entry & 0x000ffffffffff000ull;
	}
	return entry;
}

/* Every mapping of a pop must be as the ring made it, also those that are popped together; else nothing is popped. */
static void inv09_pop_of_what_is_not_mapped(void **state)
{
	static const struct bench_config *const machines[] = { &iommu_strict, &iommu_lazy };
	static const unsigned int pops[] = { 1, 2, 7, 8, 9, 15, 16 };
	struct dmah_ring_config config = { .entries = 32,
					   .entry_size = 4096,
					   .dir = DMAH_FROM_DEVICE };
	size_t need = dmah_ring_memory(&config);
	void *memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	unsigned char byte = 1;

	(void)state;
	for (unsigned int i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct bench *b = bench_open(machines[i]);
		struct dmah_ring *ring;
		unsigned int refused = 0;

		assert_int_equal(dmah_ring_init(&ring, bench_device(b), &config, memory, need), 0);
		for (unsigned int p = 0; p < sizeof(pops) / sizeof(pops[0]); p++) {
			dmah_addr_t dma[16], first;

			/* A lazy pop of the fast path needs one before it that waits for a flush. */
			assert_int_equal(dmah_ring_push(ring, page(b, 0), 4096, &first), 0);
			assert_int_equal(dmah_ring_pop(ring, 1), 0);
			for (unsigned int k = 0; k < pops[p]; k++)
				assert_int_equal(dmah_ring_push(ring, page(b, k), 4096, &dma[k]),
						 0);
			for (unsigned int k = 0; k < pops[p]; k++) {
				uint64_t *entry = leaf_entry(b, dma[k]), was = *entry;

				*entry = 0;
				assert_int_equal(dmah_ring_pop(ring, pops[p]), DMAH_ESTALE);
				*entry = was;
				refused++;
				assert_int_equal(dmah_ring_live(ring), pops[p]);
				for (unsigned int at = 0; at < pops[p]; at++)
					assert_true(bench_dev_write(b, dma[at], &byte, 1));
			}
			assert_int_equal(dmah_ring_pop(ring, pops[p]), 0);
		}
		assert_int_equal(dmah_ring_fini(ring), 0);
		assert_int_equal(bench_reports(b), refused);
		bench_close(b);
	}
	free(memory);
}

/* An unmap of a mapping whose entry is gone is refused, alone or in a batch; the mapping is live as before. */
static void inv09_end_of_what_is_not_mapped(void **state)
{
	static const struct bench_config *const machines[] = { &iommu_strict, &iommu_lazy };

	(void)state;
	for (unsigned int i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct bench *b = bench_open(machines[i]);
		struct dmah_device *dev = bench_device(b);
		struct dmah h = { 0 }, room[1], *list[] = { &h };
		struct dmah_batch batch = { .h = room, .max = 1 };
		uint64_t *entry, was;

		assert_int_equal(dmah_map(dev, &h, page(b, 0), 4096, DMAH_FROM_DEVICE, 0), 0);
		entry = leaf_entry(b, dmah_addr(&h));
		was = *entry;
		*entry = 0;
		assert_int_equal(dmah_unmap(dev, &h), DMAH_ESTALE);
		assert_int_equal(dmah_unmap_start(dev, &batch, list, 1), DMAH_ESTALE);
		assert_int_equal(dmah_unmap_finish(dev, &batch), 0);
		*entry = was;
		assert_true(dmah_mapped(&h));
		assert_int_equal(dmah_device_live(dev), 1);
		if (i)
			assert_int_equal(dmah_unmap(dev, &h), 0);
		else
			assert_int_equal(dmah_unmap_start(dev, &batch, list, 1), 0);
		assert_int_equal(dmah_unmap_finish(dev, &batch), 0);
		assert_int_equal(bench_reports(b), 2);
		bench_close(b);
	}
}

/* ---- batches ---- */

#define BATCH 20u

static void batch_once(struct bench *b, struct rnd *r)
{
	struct dmah h[BATCH] = { 0 }, room[2][BATCH], *list[BATCH];
	struct dmah_batch batch[2] = { { .h = room[0], .max = BATCH },
				       { .h = room[1], .max = BATCH } };
	static struct buffer buffer[2][BATCH];
	unsigned char bytes[CELL];
	unsigned int n = 1 + rnd(r, BATCH);
	uint64_t size;

	memset(room, 0, sizeof(room));
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < n; i++) {
			struct buffer *p = &buffer[round][i];

			p->home = bench_memory(b, &size) + (uint64_t)(round * BATCH + i) * CELL;
			p->at = rnd(r, 3000);
			p->len = 1 + rnd(r, 12000);
			memset(p->bytes, (int)rnd(r, 256), CELL);
			bench_cpu_write(b, p->home, p->bytes, CELL);
			/*
			 * While the first batch is under way, its handles are idle and can be used
			 * again.
			 */
			assert_false(dmah_mapped(&h[i]));
			assert_int_equal(dmah_map(bench_device(b), &h[i], p->home + p->at, p->len,
						  DMAH_BIDIRECTIONAL, 0),
					 0);
			p->dma = dmah_addr(&h[i]);
			memset(p->bytes + p->at, (int)rnd(r, 256), p->len);
			assert_true(bench_dev_write(b, p->dma, p->bytes + p->at, p->len));
			list[i] = &h[i];
		}
		assert_int_equal(dmah_unmap_start(bench_device(b), &batch[round], list, n), 0);
		/* An idle handle is skipped; a batch under way cannot be started again. */
		assert_int_equal(dmah_unmap_start(bench_device(b), &batch[round], list, n),
				 batch[round].n ? DMAH_EINVAL : 0);
	}
	(void)bench_reports(b);
	for (unsigned int round = 2; round--;) {
		assert_int_equal(dmah_unmap_finish(bench_device(b), &batch[round]), 0);
		assert_int_equal(dmah_unmap_finish(bench_device(b), &batch[round]), 0);
		for (unsigned int i = 0; i < n; i++) {
			struct buffer *p = &buffer[round][i];

			bench_cpu_read(b, p->home, bytes, CELL);
			assert_memory_equal(bytes, p->bytes, CELL);
			if (strict(b))
				assert_false(bench_dev_write(b, p->dma + p->len - 1, "?", 1));
			assert_false(dmah_mapped(&room[round][i]));
		}
	}
}

static void random_batches(void **state)
{
	struct bench *b = bench_open(*state);
	struct dmah_stats stats;
	struct rnd r = { 3 };

	/* Another test covers buffers with segment boundaries. */
	for (unsigned int i = 0; i < bench_times(60) && !bench_config(b)->boundary; i++)
		batch_once(b, &r);
	dmah_device_stats(bench_device(b), &stats);
	assert_int_equal(stats.maps, stats.unmaps);
	bench_close(b);
}

/* 3: buffers and granules are released only after the wait, and the start does not wait. */
static void inv03_batch_waits_once(void **state)
{
	struct bench *b = bench_open(&iommu_strict);
	struct dmah h[4] = { 0 }, room[4] = { 0 }, more[40] = { 0 };
	struct dmah_batch batch = { .h = room, .max = 4 };
	struct dmah *list[4] = { &h[0], &h[1], &h[2], &h[3] };
	dmah_addr_t dma[4];

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(dmah_map(bench_device(b), &h[i], page(b, i), 4096,
					  DMAH_BIDIRECTIONAL, 0),
				 0);
		dma[i] = dmah_addr(&h[i]);
		assert_true(bench_dev_write(b, dma[i], "x", 1));
	}
	/* The hardware executes nothing before a wait. */
	bench_on_wait(b, NULL, NULL);
	bench_latency(b, UINT64_MAX);
	assert_int_equal(dmah_unmap_start(bench_device(b), &batch, list, 4), 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_true(bench_dev_write(b, dma[i], "y", 1));
	for (unsigned int i = 0; i < 40; i++) {
		assert_int_equal(dmah_map(bench_device(b), &more[i], page(b, 10 + i), 4096,
					  DMAH_BIDIRECTIONAL, 0),
				 0);
		for (unsigned int k = 0; k < 4; k++)
			assert_true(dmah_addr(&more[i]) != dma[k]);
	}
	assert_int_equal(dmah_unmap_finish(bench_device(b), &batch), 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_false(bench_dev_write(b, dma[i], "z", 1));
	bench_latency(b, 0);
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(dmah_unmap(bench_device(b), &more[i]), 0);
	bench_close(b);
}

/* 19: granules of a batch that is not confirmed are not reused before a confirmed flush. */
static void inv19_hung_batch(void **state)
{
	struct bench *b = bench_open(&iommu_strict);
	struct dmah h[4] = { 0 }, room[4] = { 0 }, stale;
	struct dmah_batch batch = { .h = room, .max = 4 };
	struct dmah *list[4] = { &h[0], &h[1], &h[2], &h[3] };
	struct dmah_stats stats;

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(dmah_map(bench_device(b), &h[i], page(b, i), 4096,
					  DMAH_BIDIRECTIONAL, 0),
				 0);
	stale = h[3];
	assert_int_equal(dmah_unmap(bench_device(b), &h[3]), 0);
	h[3] = stale;
	bench_stick(b, true);
	assert_int_equal(dmah_unmap_start(bench_device(b), &batch, list, 4), DMAH_ESTALE);
	assert_int_equal(bench_reports(b), 1);
	assert_int_equal(batch.n, 3);
	assert_true(dmah_mapped(&h[3]));
	assert_int_equal(dmah_unmap_finish(bench_device(b), &batch), DMAH_ETIMEDOUT);
	dmah_device_stats(bench_device(b), &stats);
	assert_int_equal(stats.quarantined, 3);
	bench_stick(b, false);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	bench_close(b);
}

/*
 * A live slot that begins on one of the device's boundaries, with nothing mapped between it and an ordinary mapping before it:
 * the slot is no part of that mapping, which can be unmapped.
 */
static void slot_on_a_boundary(void **state)
{
	static const struct bench_config machines[] = {
		{ .name = "vtd",
		  .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_IOMMU,
		  .boundary = 1 << 18,
		  .aperture_size = 16 << 20 },
		{ .name = "vtd, untrusted",
		  .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_IOMMU,
		  .boundary = 1 << 18,
		  .aperture_size = 16 << 20,
		  .untrusted = true },
	};
	const uint32_t len = 40 * 4096;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct bench *b = bench_open(&machines[i]);
		struct dmah_device *dev = bench_device(b);
		struct dmah_ring *ring;
		struct dmah h = { 0 };
		dmah_addr_t dma, keyed;
		dmah_phys_t phys;
		uint64_t size;
		void *memory;

		phys = bench_memory(b, &size);
		assert_int_equal(dmah_addr_map(dev, phys, len, DMAH_FROM_DEVICE, 0, &keyed), 0);
		ring = make_ring(b, &memory, ENTRIES, 4096, DMAH_FROM_DEVICE);
		for (unsigned int n = 0;; n++) {
			assert_true(n < 2 * ENTRIES);
			assert_int_equal(dmah_ring_push(ring, phys, 4096, &dma), 0);
			if (!(dma & (machines[i].boundary - 1)))
				break;
			assert_int_equal(dmah_ring_pop(ring, 1), 0);
		}
		assert_true(dma - keyed > len && dma - keyed < machines[i].boundary);
		assert_int_equal(dmah_addr_unmap(dev, keyed, len, DMAH_FROM_DEVICE, 0), 0);
		assert_int_equal(dmah_map(dev, &h, phys, len, DMAH_FROM_DEVICE, 0), 0);
		assert_true(dma > dmah_addr(&h) && dma - dmah_addr(&h) < machines[i].boundary);
		assert_int_equal(dmah_unmap(dev, &h), 0);
		assert_int_equal(dmah_ring_pop(ring, 1), 0);
		assert_int_equal(dmah_ring_fini(ring), 0);
		free(memory);
		bench_close(b);
	}
}

int main(void)
{
	static const struct bench_case promises[] = {
		BENCH_CASE(slot_on_a_boundary, 0),
		BENCH_CASE(inv02_slots_rotate, 0),
		BENCH_CASE(one_wait_for_a_pop, BENCH_VTD),
		BENCH_CASE(slots_and_addresses, 0),
		BENCH_CASE(inv17_rings_at_their_deadline, 0),
		BENCH_CASE(inv19_hung_ring, 0),
		BENCH_CASE(refused, 0),
		BENCH_CASE(inv09_pop_of_what_is_not_mapped, BENCH_VTD),
		BENCH_CASE(inv09_end_of_what_is_not_mapped, BENCH_VTD),
		BENCH_CASE(inv03_batch_waits_once, 0),
		BENCH_CASE(inv19_hung_batch, 0),
	};
	unsigned int npromises = sizeof(promises) / sizeof(promises[0]);
	struct bench_case *cases = calloc(2 * nconfigs + npromises, sizeof(*cases));
	char(*names)[2][80] = calloc(nconfigs, sizeof(*names));
	int failed;

	for (unsigned int i = 0; i < nconfigs; i++)
		for (unsigned int batch = 0; batch < 2; batch++) {
			snprintf(names[i][batch], sizeof(names[i][batch]), "%s, %s",
				 batch ? "batches" : "ring", configs[i].name);
			cases[2 * i + batch] =
				(struct bench_case){ .name = names[i][batch],
						     .fn = batch ? random_batches : random_ring,
						     .state = &configs[i] };
		}
	memcpy(&cases[2 * nconfigs], promises, sizeof(promises));
	failed = bench_run("rings and batches", cases, 2 * nconfigs + npromises);
	free(names);
	free(cases);
	return failed;
}
