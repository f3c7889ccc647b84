/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Checks that Linux's code behind peer.h works as it does in a kernel: random mappings on both kinds
 * of IOMMU, strict and lazy, against an array of each IOVA's owner; then two threads.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "peer.h"

#define GRANULE 4096ull
/* Linux uses addresses below 4 GiB first, and no test fills them. */
#define GRANULES (1u << 20)
#define SLOTS	 4096

struct mode {
	enum linux_peer_kind kind;
	bool lazy;
};

struct mapping {
	uint64_t phys, dma;
	uint32_t len;
};

static uint32_t rnd(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((*seed >> 33) % below);
}

/* Mostly one page, sometimes a few across page boundaries, rarely enough for a large page. */
static void random_buffer(uint64_t *seed, struct mapping *m)
{
	m->phys = 0x100000000ull + rnd(seed, 1u << 20) * GRANULE;
	m->len = GRANULE;
	switch (rnd(seed, 32)) {
	case 0:
		m->phys &= ~0x1fffffull;
		m->len = 0x200000u * (1 + rnd(seed, 2));
		break;
	case 1:
	case 2:
	case 3:
	case 4:
		m->phys += rnd(seed, GRANULE);
		m->len = 1 + rnd(seed, 200000);
		break;
	default:
		break;
	}
}

static uint32_t first_of(const struct mapping *m)
{
	return (uint32_t)(m->dma / GRANULE);
}

static uint32_t last_of(const struct mapping *m)
{
	return (uint32_t)((m->dma + m->len - 1) / GRANULE);
}

static void check_translation(struct linux_peer *peer, const struct mapping *m)
{
	assert_int_equal(linux_peer_iova_to_phys(peer, m->dma), m->phys);
	assert_int_equal(linux_peer_iova_to_phys(peer, m->dma + m->len - 1), m->phys + m->len - 1);
	assert_int_equal(linux_peer_iova_to_phys(peer, m->dma + m->len / 2), m->phys + m->len / 2);
}

static void check_unmapped(struct linux_peer *peer, const struct mapping *m)
{
	assert_int_equal(linux_peer_iova_to_phys(peer, m->dma), 0);
	assert_int_equal(linux_peer_iova_to_phys(peer, m->dma + m->len - 1), 0);
}

static void test_version(void **state)
{
	const char *v = linux_peer_version();

	(void)state;
	assert_non_null(strchr(v, '.'));
	print_message("# Linux %s\n", v);
}

/*
 * An IOVA belongs to one mapping at a time. Mapped addresses translate, others do not. A lazily
 * unmapped IOVA is allocated again only after a flush has begun.
 */
static void test_random(void **state)
{
	const struct mode *mode = *state;
	struct linux_peer *peer = linux_peer_create(mode->kind, mode->lazy);
	struct mapping *live = calloc(SLOTS, sizeof(*live));
	unsigned char *taken = calloc(GRANULES, 1);
	uint64_t *unmapped_at = calloc(GRANULES, sizeof(*unmapped_at));
	uint64_t seed = 1, flushes, unmaps = 0;

	assert_non_null(peer);
	linux_peer_thread(0);
	for (unsigned int round = 0; round < 300000; round++) {
		/* Use few mappings at first, so that unmap and map alternate, then all. */
		struct mapping *m = &live[rnd(&seed, round < 50000 ? 64 : SLOTS)];

		if (m->len) {
			check_translation(peer, m);
			linux_peer_sync_for_cpu(peer, m->dma, m->len);
			linux_peer_sync_for_device(peer, m->dma, m->len);
			flushes = linux_peer_flushes(peer);
			linux_peer_unmap(peer, m->dma, m->len);
			if (!mode->lazy)
				assert_true(linux_peer_flushes(peer) > flushes);
			unmaps++;
			check_unmapped(peer, m);
			for (uint32_t g = first_of(m); g <= last_of(m); g++) {
				taken[g] = 0;
				unmapped_at[g] = flushes + 1;
			}
			m->len = 0;
			continue;
		}
		random_buffer(&seed, m);
		m->dma = linux_peer_map(peer, m->phys, m->len);
		assert_true(m->dma != LINUX_PEER_FAILED);
		assert_int_equal(m->dma % GRANULE, m->phys % GRANULE);
		assert_true(first_of(m) > 0 && last_of(m) < GRANULES);
		flushes = linux_peer_flushes(peer);
		for (uint32_t g = first_of(m); g <= last_of(m); g++) {
			assert_false(taken[g]);
			taken[g] = 1;
			assert_true(flushes >= unmapped_at[g]);
		}
		check_translation(peer, m);
	}
	/* 255 unmaps share a flush. */
	if (mode->lazy)
		assert_in_range(linux_peer_flushes(peer), unmaps / 1000, unmaps / 20);
	linux_peer_destroy(peer);
	free(unmapped_at);
	free(taken);
	free(live);
}

/* With mappings of one page, each strict unmap waits once, and each flush of a full queue once. */
static void test_flushes(void **state)
{
	const struct mode *mode = *state;
	struct linux_peer *peer = linux_peer_create(mode->kind, mode->lazy);

	assert_non_null(peer);
	linux_peer_thread(0);
	assert_int_equal(linux_peer_flushes(peer), 0);
	for (unsigned int i = 1; i <= 2560; i++)
		linux_peer_unmap(peer, linux_peer_map(peer, i * GRANULE, GRANULE), GRANULE);
	if (mode->lazy)
		assert_in_range(linux_peer_flushes(peer), 9, 11);
	else
		assert_int_equal(linux_peer_flushes(peer), 2560);
	linux_peer_destroy(peer);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void test_latency(void **state)
{
	const struct mode *mode = *state;
	struct linux_peer *peer = linux_peer_create(mode->kind, mode->lazy);
	uint64_t start, flushes;

	assert_non_null(peer);
	linux_peer_thread(0);
	linux_peer_set_latency(peer, 1000000);
	start = now();
	for (unsigned int i = 1; i <= 600; i++) {
		linux_peer_unmap(peer, linux_peer_map(peer, i * GRANULE, GRANULE), GRANULE);
		if (!mode->lazy && i == 5)
			break;
	}
	flushes = linux_peer_flushes(peer);
	assert_in_range(flushes, mode->lazy ? 2 : 5, 5);
	assert_true(now() - start >= flushes * 1000000);

	linux_peer_set_latency(peer, 0);
	linux_peer_unmap(peer, linux_peer_map(peer, 0x5000, 100), 100);
	linux_peer_destroy(peer);
}

/* Domains that are made and ended use up no memory. */
static void test_lives(void **state)
{
	const struct mode *mode = *state;

	linux_peer_thread(0);
	for (unsigned int i = 0; i < 1000; i++) {
		struct linux_peer *peer = linux_peer_create(mode->kind, mode->lazy);
		struct mapping m[8];

		assert_non_null(peer);
		for (unsigned int k = 0; k < 8; k++) {
			m[k] = (struct mapping){ .phys = (k + 5ull) << 22, .len = 0x201000 };
			m[k].dma = linux_peer_map(peer, m[k].phys, m[k].len);
			check_translation(peer, &m[k]);
		}
		/* Leave half of the mappings live. */
		for (unsigned int k = 0; k < 4; k++)
			linux_peer_unmap(peer, m[k].dma, m[k].len);
		linux_peer_destroy(peer);
	}
}

/* No two allocations share a page, and freed pages are allocated again. */
static void test_iova(void **state)
{
	struct linux_iova *iova = linux_iova_create();
	unsigned char *taken = calloc(GRANULES, 1);
	struct {
		uint64_t first;
		uint32_t n;
	} live[SLOTS] = { 0 };
	uint64_t seed = 1;

	(void)state;
	assert_non_null(iova);
	linux_peer_thread(0);
	for (unsigned int round = 0; round < 200000; round++) {
		unsigned int i = rnd(&seed, SLOTS);

		if (live[i].n) {
			memset(taken + live[i].first, 0, live[i].n);
			linux_iova_free(iova, live[i].first, live[i].n);
			live[i].n = 0;
			continue;
		}
		live[i].n = 1 + rnd(&seed, rnd(&seed, 8) ? 1 : 40);
		live[i].first = linux_iova_alloc(iova, live[i].n);
		assert_in_range(live[i].first, 1, GRANULES - live[i].n);
		for (uint32_t g = 0; g < live[i].n; g++)
			assert_int_equal(taken[live[i].first + g]++, 0);
	}
	linux_iova_destroy(iova);
	free(taken);
}

/* Threads share a domain and unmap each other's mappings. */
struct shared {
	struct linux_peer *peer;
	pthread_barrier_t start;
	struct mapping *slots[1024];
	unsigned char taken[GRANULES];
};

struct worker {
	struct shared *shared;
	pthread_t thread;
	unsigned int cpu;
	/* The error of this thread: cmocka's assertions work in the main thread only. */
	unsigned int failed, twice, wrong, stale;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->shared;
	uint64_t seed = w->cpu + 1;

	linux_peer_thread(w->cpu);
	pthread_barrier_wait(&s->start);
	for (unsigned int round = 0; round < 200000; round++) {
		struct mapping *m = malloc(sizeof(*m));

		random_buffer(&seed, m);
		m->dma = linux_peer_map(s->peer, m->phys, m->len);
		if (m->dma == LINUX_PEER_FAILED) {
			w->failed++;
			free(m);
			continue;
		}
		for (uint32_t g = first_of(m); g <= last_of(m); g++)
			w->twice += __atomic_exchange_n(&s->taken[g], 1, __ATOMIC_ACQ_REL);
		w->wrong += linux_peer_iova_to_phys(s->peer, m->dma) != m->phys;

		m = __atomic_exchange_n(&s->slots[rnd(&seed, 1024)], m, __ATOMIC_ACQ_REL);
		if (!m)
			continue;
		w->wrong += linux_peer_iova_to_phys(s->peer, m->dma + m->len - 1) !=
			    m->phys + m->len - 1;
		/* Clear the owner before the unmap: the other thread may get the address right after. */
		for (uint32_t g = first_of(m); g <= last_of(m); g++)
			w->stale += !__atomic_exchange_n(&s->taken[g], 0, __ATOMIC_ACQ_REL);
		linux_peer_unmap(s->peer, m->dma, m->len);
		free(m);
	}
	return NULL;
}

static void test_threads(void **state)
{
	const struct mode *mode = *state;
	struct shared *s = calloc(1, sizeof(*s));
	struct worker w[2];

	s->peer = linux_peer_create(mode->kind, mode->lazy);
	assert_non_null(s->peer);
	pthread_barrier_init(&s->start, NULL, 2);
	for (unsigned int i = 0; i < 2; i++) {
		w[i] = (struct worker){ .shared = s, .cpu = i };
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(w[i].thread, NULL);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(w[i].failed, 0);
		assert_int_equal(w[i].twice, 0);
		assert_int_equal(w[i].wrong, 0);
		assert_int_equal(w[i].stale, 0);
	}
	linux_peer_thread(0);
	for (unsigned int i = 0; i < 1024; i++) {
		struct mapping *m = s->slots[i];

		if (!m)
			continue;
		check_translation(s->peer, m);
		linux_peer_unmap(s->peer, m->dma, m->len);
		check_unmapped(s->peer, m);
		free(m);
	}
	linux_peer_destroy(s->peer);
	pthread_barrier_destroy(&s->start);
	free(s);
}

int main(void)
{
	static struct mode arm_strict = { LINUX_ARM, false }, arm_lazy = { LINUX_ARM, true };
	static struct mode vtd_strict = { LINUX_VTD, false }, vtd_lazy = { LINUX_VTD, true };

#define EACH(test)                                                      \
	{ #test "-arm-strict", test, NULL, NULL, &arm_strict },         \
		{ #test "-arm-lazy", test, NULL, NULL, &arm_lazy },     \
		{ #test "-vtd-strict", test, NULL, NULL, &vtd_strict }, \
	{                                                               \
#test "-vtd-lazy", test, NULL, NULL, &vtd_lazy          \
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_iova),
		EACH(test_random),
		EACH(test_flushes),
		EACH(test_latency),
		EACH(test_lives),
		EACH(test_threads),
	};

	return cmocka_run_group_tests_name("linux-peer", tests, NULL, NULL);
}
