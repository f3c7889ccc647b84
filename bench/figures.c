// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include "figures.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "memory.h"
#include "message.h"
#include "posix.h"
#include "samples.h"
#include "series.h"

#define OPS	    4000000u
#define AGED_LIVE   65536u
#define PHASES	    16u
#define WINDOWS	    (1u << 20)
#define POLLUTE_KIB 256u
#define REPEATS	    9u

const char *figure_name(enum figure f)
{
	static const char *const names[FIGURES] = {
		"windows",     "windows-linux",	    "windows-linux73",
		"p99.9",       "p99.9-linux",	    "p99.9-linux73",
		"most",	       "most-linux",	    "most-linux73",
		"polluted",    "polluted-linux",    "polluted-linux73",
		"handed-over", "handed-over-linux", "handed-over-linux73",
		"misses",      "misses-linux",	    "misses-linux73",
		"attach",
	};

	return names[f];
}

/* The code that is measured, as the figures of enum figure follow each other. */
static const struct linux_series *const series_of[] = { NULL, &linux612, &linux73 };

/**
 * struct subject - this library or Linux's code, lazy behind VT-d.
 * @m: the library's machine; NULL for Linux.
 * @series: Linux's version.
 * @peer: Linux's domain.
 */
struct subject {
	struct machine *m;
	const struct linux_series *series;
	struct linux_peer *peer;
};

/** struct mapping - a mapping of either. @dma is its first byte; @live: it is one. */
struct mapping {
	struct dmah h;
	dmah_addr_t dma;
	bool live;
};

static void be_cpu(unsigned int cpu)
{
	posix_set_cpu(cpu);
	linux_thread(cpu);
}

static const char *open_subject(struct subject *s, unsigned int who)
{
	struct machine_config config = { .kind = MACHINE_VTD, .mode = DMAH_LAZY };
	const char *why = NULL;

	*s = (struct subject){ .series = series_of[who] };
	if (!s->series) {
		s->m = machine_create(&config, &why);
		return why;
	}
	s->peer = s->series->create(LINUX_VTD, true);
	return s->peer ? NULL : "Linux's domain cannot be made";
}

static const char *close_subject(struct subject *s)
{
	if (s->peer)
		s->series->destroy(s->peer);
	return s->m ? machine_destroy(s->m) : NULL;
}

static inline bool map(struct subject *s, struct mapping *m, dmah_phys_t page)
{
	if (s->m) {
		m->live = !dmah_map_page(&s->m->dev, &m->h, page, 0, 4096, DMAH_FROM_DEVICE);
		m->dma = dmah_addr(&m->h);
	} else {
		m->dma = s->series->map(s->peer, page, 4096);
		m->live = m->dma != LINUX_PEER_FAILED;
	}
	return m->live;
}

static inline bool unmap(struct subject *s, struct mapping *m)
{
	m->live = false;
	if (s->m)
		return !dmah_unmap(&s->m->dev, &m->h);
	s->series->unmap(s->peer, m->dma, 4096);
	return true;
}

static uint64_t next(uint64_t *rng)
{
	*rng = *rng * 6364136223846793005u + 1442695040888963407u;
	return *rng >> 33;
}

static dmah_phys_t page_of(uint64_t number)
{
	return MEMORY_FAR + ((number & 0xfffff) << 12);
}

/* ---- a load that breathes ---- */

static int by_time(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double nanoseconds(uint32_t ticks)
{
	return (double)ticks * 1000000 / (double)clock_ticks_of(1000000);
}

/**
 * struct ageing - the state of a load.
 * @s: the subject.
 * @m: its mappings.
 * @live: live ones.
 * @most: the most that were.
 * @windows: 2 MiB windows of IOVAs that a mapping ever lay in.
 * @touched: by window.
 * @ticks: of each map.
 * @rng: the order.
 */
struct ageing {
	struct subject s;
	struct mapping *m;
	uint32_t live, most, windows;
	uint8_t *touched;
	uint32_t *ticks;
	uint64_t rng;
};

static bool replace_one(struct ageing *a, struct mapping *m, uint32_t op)
{
	uint64_t begun, took;

	if (m->live) {
		a->live--;
		if (!unmap(&a->s, m))
			return false;
	}
	begun = clock_ticks();
	if (!map(&a->s, m, page_of(next(&a->rng))))
		return false;
	took = clock_ticks() - begun;
	a->ticks[op] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
	a->live++;
	a->most = a->live > a->most ? a->live : a->most;
	if (m->dma >> 21 < WINDOWS && !a->touched[m->dma >> 21]) {
		a->touched[m->dma >> 21] = 1;
		a->windows++;
	}
	return true;
}

/* Unmaps the mappings from @from on. */
static bool shed(struct ageing *a, uint32_t from)
{
	bool ok = true;

	for (uint32_t i = from; i < AGED_LIVE; i++) {
		if (!a->m[i].live)
			continue;
		ok &= unmap(&a->s, &a->m[i]);
		a->live--;
	}
	return ok;
}

/* Lets the number of live mappings go from a quarter to all and back, again and again. */
static bool breathe(struct ageing *a, uint32_t ops)
{
	uint32_t phase = ops / PHASES + 1;

	for (uint32_t k = 0; k < ops; k++) {
		uint32_t span = AGED_LIVE / 4 * (1 + k / phase % 4);

		if (k % phase == 0 && !shed(a, span))
			return false;
		if (!replace_one(a, &a->m[next(&a->rng) % span], k))
			return false;
	}
	return true;
}

static const char *age(double value[FIGURES], bool timed, uint32_t ops, unsigned int who)
{
	struct ageing a = { .rng = 1 };
	const char *why = open_subject(&a.s, who);
	bool ok;

	if (why)
		return why;
	a.m = must(calloc(AGED_LIVE, sizeof(*a.m)));
	a.touched = must(calloc(1, WINDOWS));
	a.ticks = must(calloc(ops, sizeof(*a.ticks)));
	ok = breathe(&a, ops);
	value[FIGURE_WINDOWS + who] = a.windows * 512.0 / a.most;
	if (timed) {
		qsort(a.ticks, ops, sizeof(*a.ticks), by_time);
		value[FIGURE_P999 + who] = nanoseconds(a.ticks[ops - ops / 1000 - 1]);
		value[FIGURE_MOST + who] = nanoseconds(a.ticks[ops - 1]);
	}
	ok &= shed(&a, 0);
	why = close_subject(&a.s);
	free(a.ticks);
	free(a.touched);
	free(a.m);
	return ok ? why : "a call of the load that lasts failed";
}

/* ---- polluted caches ---- */

/* Reads and writes memory as a driver does between two calls. */
static void pollute(uint8_t *memory, uint64_t *rng)
{
	for (unsigned int i = 0; i < POLLUTE_KIB * 1024 / 64 / 8; i++)
		memory[next(rng) % (POLLUTE_KIB * 1024)]++;
}

static double run_polluted(struct subject *s, struct mapping *m, uint8_t *memory, bool calls,
			   bool *ok)
{
	enum { OPERATIONS = 4096, LIVE = 1024 };
	uint64_t rng = 7, order = 9, begun = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	for (unsigned int k = 0; k < OPERATIONS; k++) {
		struct mapping *at = &m[next(&order) % LIVE];

		pollute(memory, &rng);
		if (calls && !(unmap(s, at) && map(s, at, page_of(k))))
			*ok = false;
	}
	return (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun) / OPERATIONS;
}

static const char *polluted(double value[FIGURES], unsigned int who)
{
	struct mapping *m = must(calloc(1024, sizeof(*m)));
	uint8_t *memory = must(calloc(POLLUTE_KIB, 1024));
	double with[REPEATS], alone[REPEATS];
	struct subject s;
	const char *why = open_subject(&s, who);
	bool ok = !why;

	for (unsigned int i = 0; ok && i < 1024; i++)
		ok = map(&s, &m[i], page_of(i));
	for (unsigned int i = 0; ok && i < REPEATS; i++) {
		with[i] = run_polluted(&s, m, memory, true, &ok);
		alone[i] = run_polluted(&s, m, memory, false, &ok);
	}
	for (unsigned int i = 0; ok && i < 1024; i++)
		ok = unmap(&s, &m[i]);
	if (ok)
		value[FIGURE_POLLUTED + who] = samples_summarise(with, REPEATS).median -
					       samples_summarise(alone, REPEATS).median;
	free(memory);
	free(m);
	if (!why)
		why = close_subject(&s);
	return why ? why : ok ? NULL : "a call with polluted caches failed";
}

/* ---- one CPU maps, another unmaps ---- */

#define HANDED 400000u
#define ON_WAY 256u

/**
 * struct handover - mappings on their way from one CPU to another.
 * @s: the subject.
 * @m: by number, modulo ON_WAY.
 * @made: mappings made so far.
 * @ended: mappings ended so far.
 * @failed: a call failed.
 */
struct handover {
	struct subject s;
	struct mapping m[ON_WAY];
	uint32_t made __attribute__((aligned(64)));
	uint32_t ended __attribute__((aligned(64)));
	bool failed;
};

static void pin(unsigned int n)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || n--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		(void)sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

static void relax(unsigned int *spins)
{
	dmah_host_relax();
	if (++*spins % 4096 == 0)
		sched_yield();
}

static void *consume(void *arg)
{
	struct handover *h = arg;
	unsigned int spins = 0;

	pin(1);
	be_cpu(1);
	for (uint32_t i = 0; i < HANDED; i++) {
		while (__atomic_load_n(&h->made, __ATOMIC_ACQUIRE) == i)
			relax(&spins);
		if (!unmap(&h->s, &h->m[i % ON_WAY]))
			h->failed = true;
		__atomic_store_n(&h->ended, i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static const char *hand_over(double value[FIGURES], unsigned int who)
{
	struct handover *h = must(aligned_alloc(64, sizeof(*h)));
	const char *why;
	uint64_t begun;
	unsigned int spins = 0;
	pthread_t other;
	cpu_set_t all;

	memset(h, 0, sizeof(*h));
	why = open_subject(&h->s, who);
	if (why || sched_getaffinity(0, sizeof(all), &all) || CPU_COUNT(&all) < 2) {
		free(h);
		return why;
	}
	if (pthread_create(&other, NULL, consume, h)) {
		free(h);
		return "a thread cannot be made";
	}
	pin(0);
	begun = clock_ns(CLOCK_MONOTONIC);
	for (uint32_t i = 0; i < HANDED; i++) {
		while (i - __atomic_load_n(&h->ended, __ATOMIC_ACQUIRE) == ON_WAY)
			relax(&spins);
		if (!map(&h->s, &h->m[i % ON_WAY], page_of(i)))
			h->failed = true;
		__atomic_store_n(&h->made, i + 1, __ATOMIC_RELEASE);
	}
	pthread_join(other, NULL);
	value[FIGURE_HANDED_OVER + who] = (double)(clock_ns(CLOCK_MONOTONIC) - begun) / HANDED;
	(void)sched_setaffinity(0, sizeof(all), &all);
	why = h->failed ? "a call of two CPUs failed" : close_subject(&h->s);
	free(h);
	return why;
}

/* ---- attach ---- */

static const char *attach(double value[FIGURES])
{
	double ns[REPEATS];

	for (unsigned int i = 0; i < REPEATS; i++) {
		uint64_t begun = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		struct subject s;
		const char *why = open_subject(&s, 0);

		if (!why)
			why = close_subject(&s);
		if (why)
			return why;
		ns[i] = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun);
	}
	value[FIGURE_ATTACH] = samples_summarise(ns, REPEATS).median;
	return NULL;
}

const char *figures_measure(double value[FIGURES], bool timed, unsigned int ops)
{
	const char *why = NULL;

	for (unsigned int f = 0; f < FIGURES; f++)
		value[f] = -1;
	be_cpu(0);
	for (unsigned int i = 0; !why && i < sizeof(series_of) / sizeof(series_of[0]); i++) {
		if (series_of[i] && !linux_built(series_of[i]))
			continue;
		why = age(value, timed, ops ? ops : OPS, i);
		if (timed && !why)
			why = polluted(value, i);
		if (timed && !why)
			why = hand_over(value, i);
		be_cpu(0);
	}
	if (timed && !why)
		why = attach(value);
	return why;
}
