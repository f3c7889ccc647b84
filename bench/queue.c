// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "queue.h"

#include <sched.h>
#include <string.h>

#include "clock.h"
#include "memory.h"

#include <dmah/host.h>

#define ENTRIES 4096u /* descriptors */
#define MARKS \
	4096u /* most marks under way; a mark is done once so many others were posted after it */

struct descriptor {
	uint64_t lo;
	uint64_t hi;
};

/* A mark: the time when it is done, and the position in the queue behind it. */
struct mark {
	uint64_t due;
	uint32_t tail;
};

struct queue {
	struct dmah_iommu iommu;
	uint64_t latency; /* ticks */
	uint32_t tags;
	/* written by callers: a cache line of its own */
	uint32_t lock __attribute__((aligned(64)));
	uint32_t tail;
	uint32_t head; /* descriptors before this position are done */
	uint64_t marks;
	uint64_t oldest; /* first mark that is not known to be done */
	struct descriptor *ring;
	struct mark *mark;
};

static struct queue *of(struct dmah_iommu *iommu)
{
	return (struct queue *)(void *)((char *)iommu - offsetof(struct queue, iommu));
}

static void lock(struct queue *q)
{
	unsigned int spins = 0;

	while (__atomic_exchange_n(&q->lock, 1, __ATOMIC_ACQUIRE)) {
		while (__atomic_load_n(&q->lock, __ATOMIC_RELAXED)) {
			dmah_host_relax();
			/* In user space the holder may have lost its CPU: yield to it. */
			if (++spins >= 64)
				sched_yield();
		}
	}
}

static void unlock(struct queue *q)
{
	__atomic_store_n(&q->lock, 0, __ATOMIC_RELEASE);
}

static void put(struct queue *q, uint64_t lo, uint64_t hi)
{
	struct descriptor *d = &q->ring[q->tail++ & (ENTRIES - 1)];

	__atomic_store_n(&d->lo, lo, __ATOMIC_RELAXED);
	__atomic_store_n(&d->hi, hi, __ATOMIC_RELAXED);
}

static bool done(const struct queue *q, uint64_t ticket)
{
	if (!q->latency || __atomic_load_n(&q->marks, __ATOMIC_RELAXED) - ticket >= MARKS)
		return true;
	return (int64_t)(clock_ticks() -
			 __atomic_load_n(&q->mark[ticket % MARKS].due, __ATOMIC_RELAXED)) >= 0;
}

/* Waits until there is room for @n descriptors. Marks tell how far the queue is done; without latency all of it is. */
static void make_room(struct queue *q, uint32_t n)
{
	if (__builtin_expect(q->tail + n - q->head <= ENTRIES, 1))
		return;
	if (q->oldest + MARKS < q->marks)
		q->oldest = q->marks - MARKS;
	while (q->latency && q->tail + n - q->head > ENTRIES && q->oldest < q->marks) {
		while (!done(q, q->oldest))
			dmah_host_relax();
		q->head = q->mark[q->oldest++ % MARKS].tail;
	}
	/* Nobody waits for descriptors without a mark behind them: they are done. */
	if (!q->latency || q->tail + n - q->head > ENTRIES)
		q->head = q->tail;
}

/* Posts a mark. Call with the lock held. */
static uint64_t post_mark(struct queue *q)
{
	uint64_t ticket = q->marks;

	put(q, 5, ticket);
	if (q->latency) {
		struct mark *m = &q->mark[ticket % MARKS];

		m->tail = q->tail;
		__atomic_store_n(&m->due, clock_ticks() + q->latency, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&q->marks, ticket + 1, __ATOMIC_RELEASE);
	return ticket;
}

static int post(struct queue *q, uint64_t lo, uint64_t hi, uint64_t *ticket)
{
	lock(q);
	make_room(q, 2);
	put(q, lo, hi);
	if (ticket)
		*ticket = post_mark(q);
	unlock(q);
	return ticket ? 2 : 1;
}

/* Widens a range to an aligned power of two of granules, as VT-d's descriptors need it. */
static uint64_t range_of(dmah_addr_t iova, uint64_t size)
{
	uint64_t span = (iova ^ (iova + size - 1)) >> 12;
	unsigned int order = span ? 64 - (unsigned int)__builtin_clzll(span) : 0;

	return (iova >> 12 >> order << order << 12) | order;
}

static int fence(struct dmah_iommu *iommu, uint64_t *ticket)
{
	struct queue *q = of(iommu);

	lock(q);
	make_room(q, 1);
	*ticket = post_mark(q);
	unlock(q);
	return DMAH_OK;
}

static int wait_for(struct dmah_iommu *iommu, uint64_t ticket)
{
	const struct queue *q = of(iommu);

	/* The loop ends because every mark becomes due. */
	while (!done(q, ticket))
		dmah_host_relax();
	return DMAH_OK;
}

static bool is_done(struct dmah_iommu *iommu, uint64_t ticket)
{
	return done(of(iommu), ticket);
}

static int invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova, uint64_t size,
		      bool tables, uint64_t *ticket)
{
	return post(of(iommu), 2u | (uint64_t)tables << 6 | (uint64_t)tag << 16,
		    size ? range_of(iova, size) : 0, ticket);
}

static int bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		const struct dmah_pt_info *pt, uint32_t tag)
{
	(void)iommu;
	(void)dev;
	(void)how;
	(void)pt;
	(void)tag;
	return DMAH_OK;
}

static int tag_alloc(struct dmah_iommu *iommu, uint32_t *tag)
{
	*tag = ++of(iommu)->tags;
	return DMAH_OK;
}

static void tag_free(struct dmah_iommu *iommu, uint32_t tag)
{
	(void)iommu;
	(void)tag;
}

static const struct dmah_iommu_ops ops = {
	.bind = bind,
	.tag_alloc = tag_alloc,
	.tag_free = tag_free,
	.invalidate = invalidate,
	.fence = fence,
	.wait = wait_for,
	.done = is_done,
};

struct queue *queue_create(const struct dmah_pt_format *format)
{
	static const struct dmah_pt_format *const vtd[] = { &dmah_pt_vtd_ss };
	static const struct dmah_pt_format *const lpae[] = { &dmah_pt_lpae_s1 };
	struct queue *q = memory_alloc(sizeof(*q));

	q->iommu = (struct dmah_iommu){
		.ops = &ops,
		.name = "bench",
		.caps = DMAH_IOMMU_COHERENT_WALK | DMAH_IOMMU_BLOCK_2M | DMAH_IOMMU_BLOCK_1G,
		.va_bits = 48,
		.out_bits = 46,
		.formats = format == &dmah_pt_vtd_ss ? vtd : lpae,
		.nformats = 1,
	};
	q->ring = memory_alloc(ENTRIES * sizeof(*q->ring));
	q->mark = memory_alloc(MARKS * sizeof(*q->mark));
	return q;
}

struct dmah_iommu *queue_iommu(struct queue *q)
{
	return &q->iommu;
}

void queue_set_latency(struct queue *q, uint64_t ns)
{
	q->latency = clock_ticks_of(ns);
}

uint32_t queue_posted(const struct queue *q)
{
	return q->tail;
}
