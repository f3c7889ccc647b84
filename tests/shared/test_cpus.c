/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * CPUs that map in one domain at the same time, mostly without a lock. No granule may have two
 * owners or be lost, and a CPU can use granules that another one caches. Also run under
 * ThreadSanitizer.
 */
#include "model.h"

#include <dmah/fault.h>

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define WORKERS	 2u
#define HOUSE	 2u /* the CPU that polls and flushes */
#define IDLE	 3u /* a CPU that has mapped and is offline now */
#define CPUS	 4u
#define GRANULES 4096u /* the largest aperture here */

/*
 * A failed thread cannot return to a test on another thread, and other threads would wait for it
 * forever, so the first failure ends the program.
 */
static void end_here(int line, const char *text, long long a, long long b)
{
	fprintf(stderr, "%s:%d: %s: %lld, %lld\n", __FILE__, line, text, a, b);
	_Exit(1);
}

#define must_equal(a, b)                                                      \
	do {                                                                  \
		long long must_a = (long long)(a), must_b = (long long)(b);   \
                                                                              \
		if (must_a != must_b)                                         \
			end_here(__LINE__, #a " is not " #b, must_a, must_b); \
	} while (0)
#define must(a) must_equal(!!(a), 1)

/* Owner of each granule: the numbers of a thread and of its mapping, or 0. */
static uint32_t owner[GRANULES];

static uint32_t granules(const struct dmah *h)
{
	return (uint32_t)((dmah_addr(h) % 4096 + dmah_length(h) + 4095) / 4096);
}

static void own(const struct dmah *h, uint32_t who)
{
	uint64_t first = dmah_addr(h) / 4096;

	for (uint64_t i = first; i < first + granules(h); i++)
		must_equal(__atomic_exchange_n(&owner[i], who, __ATOMIC_ACQ_REL), 0);
}

/* Clear the owner before the unmap: another thread may map the granules right after it. */
static void disown(const struct dmah *h, uint32_t who)
{
	uint64_t first = dmah_addr(h) / 4096;

	for (uint64_t i = first; i < first + granules(h); i++)
		must_equal(__atomic_exchange_n(&owner[i], 0, __ATOMIC_ACQ_REL), who);
}

/* With nothing live, any CPU can map all granules but the first, one by one. */
static void all_can_be_had(struct bench *b, unsigned int cpus)
{
	static struct dmah h[GRANULES];
	dmah_addr_t base;
	uint64_t size, memory = bench_memory(b, &size);
	uint32_t all;

	dmah_domain_aperture(bench_domain(b), &base, &size);
	all = (uint32_t)(size / 4096) - 1;
	must(all && all < GRANULES);
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		bench_cpu(cpu);
		for (uint32_t i = 0; i < all; i++) {
			must_equal(dmah_map(bench_device(b), &h[i], memory, 1, DMAH_TO_DEVICE, 0),
				   0);
			own(&h[i], i + 1);
		}
		must_equal(dmah_map(bench_device(b), &h[all], memory, 1, DMAH_TO_DEVICE, 0),
			   DMAH_ENOSPC);
		for (uint32_t i = 0; i < all; i++) {
			disown(&h[i], i + 1);
			must_equal(dmah_unmap(bench_device(b), &h[i]), 0);
		}
	}
	bench_cpu(0);
}

static void close_balanced(struct bench *b)
{
	struct dmah_stats stats;

	dmah_device_stats(bench_device(b), &stats);
	must_equal(stats.maps, stats.unmaps);
	must_equal(stats.misuse, 0);
	must_equal(dmah_device_live(bench_device(b)), 0);
	bench_close(b);
}

/* ---- everything at once ---- */

#define MAPPINGS 24u
#define CELL	 (9u * 4096)
#define ENTRIES	 16u
#define BATCH	 6u

struct buffer {
	struct dmah h;
	dmah_phys_t phys;
	dmah_addr_t dma;
	uint32_t len;
	unsigned char first;
	unsigned char last;
};

struct worker {
	struct bench *b;
	unsigned int cpu;
	unsigned long ops;
	dmah_phys_t memory;
	struct rnd r;
	struct buffer one[MAPPINGS];
	struct buffer pushed[ENTRIES];
	uint32_t head;
	uint32_t tail;
	struct dmah_ring *ring;
	pthread_t thread;
};

/* The device writes both ends: a stale translation of another mapping would write elsewhere. */
static void device_writes(struct worker *w, struct buffer *p)
{
	p->first = (unsigned char)rnd(&w->r, 256);
	p->last = p->len > 1 ? (unsigned char)rnd(&w->r, 256) : p->first;
	must(bench_dev_write(w->b, p->dma, &p->first, 1));
	must(bench_dev_write(w->b, p->dma + p->len - 1, &p->last, 1));
}

static void cpu_compares(struct worker *w, struct buffer *p)
{
	unsigned char byte;

	bench_cpu_read(w->b, p->phys, &byte, 1);
	must_equal(byte, p->first);
	bench_cpu_read(w->b, p->phys + p->len - 1, &byte, 1);
	must_equal(byte, p->last);
}

static uint32_t who(const struct worker *w, const struct buffer *p)
{
	return (w->cpu + 1) << 16 | (uint32_t)(p - w->one);
}

static void map_one(struct worker *w, unsigned int n)
{
	struct buffer *p = &w->one[n];

	p->phys = w->memory + n * CELL + rnd(&w->r, 2) * rnd(&w->r, 4096);
	p->len = 1 + rnd(&w->r, rnd(&w->r, 2) ? 4096 : 8 * 4096 - (uint32_t)(p->phys % 4096));
	must_equal(dmah_map(bench_device(w->b), &p->h, p->phys, p->len, DMAH_BIDIRECTIONAL, 0), 0);
	p->dma = dmah_addr(&p->h);
	own(&p->h, who(w, p));
	device_writes(w, p);
}

static void unmap_one(struct worker *w, unsigned int n)
{
	struct buffer *p = &w->one[n];

	cpu_compares(w, p);
	disown(&p->h, who(w, p));
	must_equal(dmah_unmap(bench_device(w->b), &p->h), 0);
}

static void unmap_batch(struct worker *w)
{
	struct dmah room[BATCH], *list[BATCH];
	struct dmah_batch batch = { .h = room, .max = BATCH };
	unsigned int n = 0, from = rnd(&w->r, MAPPINGS);

	memset(room, 0, sizeof(room));
	for (unsigned int i = 0; n < BATCH && i < MAPPINGS; i++) {
		struct buffer *p = &w->one[(from + i) % MAPPINGS];

		if (!dmah_mapped(&p->h))
			continue;
		cpu_compares(w, p);
		disown(&p->h, who(w, p));
		list[n++] = &p->h;
	}
	must_equal(dmah_unmap_start(bench_device(w->b), &batch, list, n), 0);
	must_equal(dmah_unmap_finish(bench_device(w->b), &batch), 0);
}

static void push(struct worker *w)
{
	uint32_t at = w->tail % ENTRIES;
	struct buffer *p = &w->pushed[at];

	if (w->tail - w->head == ENTRIES)
		return;
	p->phys = w->memory + (MAPPINGS + at) * CELL + rnd(&w->r, 4096);
	p->len = 1 + rnd(&w->r, rnd(&w->r, 8) ? 1 + (4095 - (uint32_t)(p->phys % 4096))
					      : 8192 - (uint32_t)(p->phys % 4096));
	must_equal(dmah_ring_push(w->ring, p->phys, p->len, &p->dma), 0);
	device_writes(w, p);
	w->tail++;
}

static void pop(struct worker *w, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		cpu_compares(w, &w->pushed[(w->head + i) % ENTRIES]);
	must_equal(dmah_ring_pop(w->ring, n), 0);
	w->head += n;
}

static void *work(void *arg)
{
	struct dmah_ring_config config = { .entries = ENTRIES,
					   .entry_size = 8192,
					   .dir = DMAH_BIDIRECTIONAL };
	struct worker *w = arg;
	size_t need = (dmah_ring_memory(&config) + 63) & ~(size_t)63;
	void *memory = aligned_alloc(64, need);

	bench_cpu(w->cpu);
	must_equal(dmah_ring_init(&w->ring, bench_device(w->b), &config, memory, need), 0);
	for (unsigned long op = 0; op < w->ops; op++) {
		unsigned int n = rnd(&w->r, MAPPINGS);

		switch (rnd(&w->r, 8)) {
		case 0:
			unmap_batch(w);
			break;
		case 1:
		case 2:
			push(w);
			break;
		case 3:
			pop(w, rnd(&w->r, w->tail - w->head + 1));
			break;
		default:
			if (dmah_mapped(&w->one[n].h))
				unmap_one(w, n);
			else
				map_one(w, n);
			break;
		}
	}
	pop(w, w->tail - w->head);
	for (unsigned int n = 0; n < MAPPINGS; n++)
		if (dmah_mapped(&w->one[n].h))
			unmap_one(w, n);
	must_equal(dmah_ring_fini(w->ring), 0);
	free(memory);
	return NULL;
}

static bool stop;

/*
 * Look up addresses that other threads are mapping: every answer must name memory of this machine.
 */
static void ask_history(struct bench *b)
{
	dmah_phys_t memory;
	dmah_addr_t base;
	uint64_t size, aperture;

	memory = bench_memory(b, &size);
	dmah_domain_aperture(bench_domain(b), &base, &aperture);
	for (unsigned int i = 1; i <= 64; i++) {
		struct dmah_iommu_fault hw = { .addr = base + aperture - i * 4096ull,
					       .has_addr = true };
		struct dmah_fault fault;

		dmah_fault_explain(bench_device(b), &hw, &fault);
		must_equal(fault.place == DMAH_FAULT_NO_DEVICE ||
				   fault.place == DMAH_FAULT_NO_ADDRESS ||
				   fault.place == DMAH_FAULT_OUTSIDE,
			   false);
		if (fault.len)
			must_equal(fault.phys >= memory && fault.phys - memory < size, true);
		must_equal(fault.owner && fault.owner != bench_device(b), false);
	}
}

static void *keep_house(void *arg)
{
	struct bench *b = arg;
	enum dmah_mode mode = bench_config(b)->mode;
	uint64_t next;

	bench_cpu(HOUSE);
	for (unsigned int i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
		must_equal(dmah_poll(bench_domain(b), bench_time(b, 3000000), &next), 0);
		must_equal(dmah_flush(bench_domain(b)), 0);
		ask_history(b);
		must_equal(dmah_cpu_dead(bench_domain(b), IDLE), 0);
		if (i % 4 == 3) {
			mode = mode == DMAH_LAZY ? DMAH_STRICT : DMAH_LAZY;
			must_equal(dmah_set_mode(bench_domain(b), mode), 0);
		}
	}
	return NULL;
}

/* Leave granules of every size in the cache of an idle CPU, and some in its queue. */
static void leave_behind(struct bench *b)
{
	struct dmah h[16] = { 0 };
	uint64_t size;

	bench_cpu(IDLE);
	for (unsigned int i = 0; i < 16; i++)
		must_equal(dmah_map(bench_device(b), &h[i], bench_memory(b, &size),
				    (1 + i % 8) * 4096, DMAH_TO_DEVICE, 0),
			   0);
	for (unsigned int i = 0; i < 16; i++)
		must_equal(dmah_unmap(bench_device(b), &h[i]), 0);
	bench_cpu(0);
}

static void all_at_once(const struct bench_config *config, unsigned long ops)
{
	static struct worker worker[WORKERS];
	struct bench *b = bench_open(config);
	pthread_t house;
	uint64_t size;

	leave_behind(b);
	__atomic_store_n(&stop, false, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < WORKERS; i++) {
		worker[i] = (struct worker){ .b = b,
					     .cpu = i,
					     .ops = ops,
					     .memory = bench_memory(b, &size) +
						       i * (MAPPINGS + ENTRIES) * CELL,
					     .r = { i + 11 } };
		must_equal(pthread_create(&worker[i].thread, NULL, work, &worker[i]), 0);
	}
	must_equal(pthread_create(&house, NULL, keep_house, b), 0);
	for (unsigned int i = 0; i < WORKERS; i++)
		pthread_join(worker[i].thread, NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(house, NULL);
	all_can_be_had(b, CPUS);
	close_balanced(b);
}

static const struct bench_config wide[] = {
	{ .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD4, .mask_bits = 24, .cpus = CPUS },
	{ .backend = DMAH_BACKEND_IOMMU,
	  .hw = BENCH_VTD4,
	  .mode = DMAH_LAZY,
	  .mask_bits = 24,
	  .cpus = CPUS,
	  .lazy_entries = 16 },
	{ .backend = DMAH_BACKEND_IOMMU,
	  .hw = BENCH_LPAE48,
	  .mode = DMAH_LAZY,
	  .mask_bits = 24,
	  .cpus = CPUS },
};

static void inv15_all_at_once(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		all_at_once(&wide[i], 6000);
}

/* ---- an aperture that is nearly exhausted ---- */

#define SMALL 511u

static const struct bench_config narrow[] = {
	{ .backend = DMAH_BACKEND_IOMMU,
	  .hw = BENCH_VTD4,
	  .aperture_size = 2u << 20,
	  .cpus = CPUS,
	  .lazy_entries = 16 },
	{ .backend = DMAH_BACKEND_IOMMU,
	  .hw = BENCH_VTD4,
	  .mode = DMAH_LAZY,
	  .aperture_size = 2u << 20,
	  .cpus = CPUS,
	  .lazy_entries = 16 },
	{ .backend = DMAH_BACKEND_IOMMU,
	  .hw = BENCH_LPAE39,
	  .mode = DMAH_LAZY,
	  .aperture_size = 2u << 20,
	  .cpus = CPUS },
};

/* 16: a CPU that maps can use every granule in the caches of idle CPUs, ready or waiting. */
static void inv16_idle_cpus(void **state)
{
	static struct dmah h[SMALL];
	struct rnd r = { 5 };

	(void)state;
	for (unsigned int m = 0; m < 3; m++) {
		struct bench *b = bench_open(&narrow[m]);
		uint64_t size, memory = bench_memory(b, &size);

		for (unsigned int round = 0; round < 6; round++) {
			for (unsigned int cpu = 1; cpu < CPUS; cpu++) {
				unsigned int n = 10 + rnd(&r, 50);

				bench_cpu(cpu);
				for (unsigned int i = 0; i < n; i++)
					must_equal(dmah_map(bench_device(b), &h[i], memory,
							    (1 + rnd(&r, 8)) * 4096, DMAH_TO_DEVICE,
							    0),
						   0);
				for (unsigned int i = 0; i < n; i++)
					must_equal(dmah_unmap(bench_device(b), &h[i]), 0);
			}
			bench_cpu(0);
			for (unsigned int i = 0; i < SMALL; i++)
				must_equal(dmah_map(bench_device(b), &h[i], memory, 4096,
						    DMAH_TO_DEVICE, 0),
					   0);
			for (unsigned int i = 0; i < SMALL; i++) {
				bench_cpu(i % CPUS);
				must_equal(dmah_unmap(bench_device(b), &h[i]), 0);
			}
		}
		all_can_be_had(b, CPUS);
		close_balanced(b);
	}
}

struct pair {
	struct bench *b;
	struct dmah *h;
	unsigned int n;
	uint32_t freed;
	uint32_t seed;
	pthread_barrier_t begin;
};

/* Unmap all mappings of this CPU, one by one, and count them. */
static void *give(void *arg)
{
	struct pair *p = arg;
	struct rnd r = { p->seed };

	bench_cpu(1);
	pthread_barrier_wait(&p->begin);
	for (unsigned int left = p->n; left; left--) {
		unsigned int i = rnd(&r, left);

		disown(&p->h[i], 1);
		must_equal(dmah_unmap(bench_device(p->b), &p->h[i]), 0);
		p->h[i] = p->h[left - 1];
		__atomic_add_fetch(&p->freed, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/*
 * 16: a CPU that maps while another one unmaps never fails while more granules are unmapped than
 * mapped, even if the free ones are in the cache of a busy CPU, in a queue, or between the two.
 */
static void inv16_running_cpus(void **state)
{
	static struct dmah had[SMALL + 1], h[SMALL + 1];

	(void)state;
	for (unsigned int round = 0; round < 18; round++) {
		struct bench *b = bench_open(&narrow[round % 3]);
		struct pair p = { .b = b, .h = had, .n = SMALL, .seed = round };
		uint64_t size, memory = bench_memory(b, &size);
		pthread_t thread;

		memset(had, 0, sizeof(had));
		bench_cpu(round & 1);
		for (unsigned int i = 0; i < SMALL; i++) {
			must_equal(dmah_map(bench_device(b), &had[i], memory, 4096, DMAH_TO_DEVICE,
					    0),
				   0);
			own(&had[i], 1);
		}
		bench_cpu(0);
		pthread_barrier_init(&p.begin, NULL, 2);
		must_equal(pthread_create(&thread, NULL, give, &p), 0);
		pthread_barrier_wait(&p.begin);
		for (unsigned int i = 0; i < SMALL; i++) {
			while (__atomic_load_n(&p.freed, __ATOMIC_ACQUIRE) <= i)
				sched_yield();
			must_equal(dmah_map(bench_device(b), &h[i], memory, 4096, DMAH_TO_DEVICE,
					    0),
				   0);
			own(&h[i], 2);
		}
		pthread_join(thread, NULL);
		pthread_barrier_destroy(&p.begin);
		for (unsigned int i = 0; i < SMALL; i++) {
			disown(&h[i], 2);
			must_equal(dmah_unmap(bench_device(b), &h[i]), 0);
		}
		all_can_be_had(b, CPUS);
		close_balanced(b);
	}
}

#define HELD 300u

struct taker {
	struct bench *b;
	unsigned int cpu;
	unsigned long ops;
	unsigned long had;
	struct rnd r;
	pthread_t thread;
};

/* Map and unmap. When the aperture is exhausted, a map drains the other CPU's cache. */
static void *take(void *arg)
{
	struct taker *t = arg;
	struct dmah *h = calloc(HELD, sizeof(*h));
	uint64_t size, memory = bench_memory(t->b, &size);

	bench_cpu(t->cpu);
	for (unsigned long op = 0; op < t->ops; op++) {
		struct dmah *this = &h[rnd(&t->r, HELD)];
		int err;

		if (dmah_mapped(this)) {
			disown(this, t->cpu + 1);
			must_equal(dmah_unmap(bench_device(t->b), this), 0);
			continue;
		}
		err = dmah_map(bench_device(t->b), this, memory, rnd(&t->r, 8) ? 4096 : 8192,
			       DMAH_TO_DEVICE, 0);
		if (err) {
			must_equal(err, DMAH_ENOSPC);
			continue;
		}
		own(this, t->cpu + 1);
		t->had++;
	}
	for (unsigned int i = 0; i < HELD; i++)
		if (dmah_mapped(&h[i])) {
			disown(&h[i], t->cpu + 1);
			must_equal(dmah_unmap(bench_device(t->b), &h[i]), 0);
		}
	free(h);
	return NULL;
}

/*
 * 4, 16: two CPUs that exhaust the aperture drain each other's caches; no granule has two owners.
 */
static void inv04_robbers(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < 3; m++) {
		struct bench *b = bench_open(&narrow[m]);
		struct taker taker[WORKERS];

		for (unsigned int i = 0; i < WORKERS; i++) {
			taker[i] = (struct taker){
				.b = b, .cpu = i, .ops = 8000, .r = { m * 2 + i + 1 }
			};
			must_equal(pthread_create(&taker[i].thread, NULL, take, &taker[i]), 0);
		}
		for (unsigned int i = 0; i < WORKERS; i++) {
			pthread_join(taker[i].thread, NULL);
			must(taker[i].had > 1000);
		}
		all_can_be_had(b, CPUS);
		close_balanced(b);
	}
}

/* ---- mapped here, unmapped there ---- */

#define PASSED 100000u
#define QUEUE  64u

struct queue {
	struct bench *b;
	struct dmah h[QUEUE];
	uint32_t in;
	uint32_t out;
	unsigned int from;
	unsigned int to;
	bool mixed;
};

static void *send_all(void *arg)
{
	struct queue *q = arg;
	uint64_t size, memory = bench_memory(q->b, &size);
	unsigned char byte;

	bench_cpu(q->from);
	for (uint32_t i = 0; i < PASSED; i++) {
		struct dmah *h = &q->h[i % QUEUE];

		while (i - __atomic_load_n(&q->out, __ATOMIC_ACQUIRE) == QUEUE)
			sched_yield();
		must_equal(dmah_map(bench_device(q->b), h, memory,
				    q->mixed ? (1 + i % 8) * 4096 : 4096, DMAH_BIDIRECTIONAL, 0),
			   0);
		own(h, 1);
		if (!(i % 256))
			must(bench_dev_read(q->b, dmah_addr(h), &byte, 1));
		__atomic_store_n(&q->in, i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void *receive_all(void *arg)
{
	struct queue *q = arg;

	bench_cpu(q->to);
	for (uint32_t i = 0; i < PASSED; i++) {
		struct dmah *h = &q->h[i % QUEUE];

		while (__atomic_load_n(&q->in, __ATOMIC_ACQUIRE) == i)
			sched_yield();
		disown(h, 1);
		must_equal(dmah_unmap(bench_device(q->b), h), 0);
		__atomic_store_n(&q->out, i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* One CPU maps, another unmaps: 100,000 maps in an aperture of 4096 granules may lose none. */
static void inv15_mapped_here_unmapped_there(void **state)
{
	static struct queue q;

	(void)state;
	for (unsigned int m = 0; m < 2; m++) {
		struct bench *b = bench_open(&wide[m]);

		for (unsigned int way = 0; way < 2; way++) {
			pthread_t thread[2];

			q = (struct queue){ .b = b, .from = way, .to = 1 - way, .mixed = m != way };
			must_equal(pthread_create(&thread[0], NULL, send_all, &q), 0);
			must_equal(pthread_create(&thread[1], NULL, receive_all, &q), 0);
			pthread_join(thread[0], NULL);
			pthread_join(thread[1], NULL);
			must_equal(dmah_device_live(bench_device(b)), 0);
		}
		/* At most the page tables of 16 MiB, and five pages for each CPU's part. */
		must(bench_pages(b) <= 4 + 8 + 5 * CPUS);
		all_can_be_had(b, CPUS);
		close_balanced(b);
	}
}

/* ---- a device that is killed at work ---- */

struct victim {
	struct bench *b;
	pthread_barrier_t begin;
	unsigned int maps;
	struct dmah h[256];
};

static void *map_until_killed(void *arg)
{
	struct victim *v = arg;
	uint64_t size, memory = bench_memory(v->b, &size);
	int err = 0;

	bench_cpu(1);
	pthread_barrier_wait(&v->begin);
	for (unsigned int i = 0; !err; i++) {
		struct dmah *h = &v->h[i % 256];

		if (dmah_mapped(h))
			must_equal(dmah_unmap(bench_device(v->b), h), 0);
		err = dmah_map(bench_device(v->b), h, memory, (1 + i % 2) * 4096,
			       DMAH_BIDIRECTIONAL, 0);
		__atomic_store_n(&v->maps, i + 1, __ATOMIC_RELAXED);
	}
	must_equal(err, DMAH_ENODEV);
	return NULL;
}

/* 18: a map that returned before or during a kill can be unmapped like any other. */
static void inv18_killed_at_work(void **state)
{
	static struct victim v;

	(void)state;
	for (unsigned int round = 0; round < 40; round++) {
		pthread_t thread;

		memset(&v, 0, sizeof(v));
		v.b = bench_open(&wide[round % 3]);
		pthread_barrier_init(&v.begin, NULL, 2);
		must_equal(pthread_create(&thread, NULL, map_until_killed, &v), 0);
		pthread_barrier_wait(&v.begin);
		/*
		 * Kill after a number of maps, not after a time: on a busy machine a yield may take
		 * long.
		 */
		while (__atomic_load_n(&v.maps, __ATOMIC_RELAXED) < round * 50)
			sched_yield();
		must_equal(dmah_kill(bench_device(v.b)), 0);
		pthread_join(thread, NULL);
		pthread_barrier_destroy(&v.begin);
		for (unsigned int i = 0; i < 256; i++)
			must_equal(dmah_unmap(bench_device(v.b), &v.h[i]), 0);
		close_balanced(v.b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inv15_all_at_once),
		cmocka_unit_test(inv16_idle_cpus),
		cmocka_unit_test(inv16_running_cpus),
		cmocka_unit_test(inv04_robbers),
		cmocka_unit_test(inv15_mapped_here_unmapped_there),
		cmocka_unit_test(inv18_killed_at_work),
	};

	return cmocka_run_group_tests_name("cpus", tests, NULL, NULL);
}
