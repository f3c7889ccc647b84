/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Two CPUs unmap copies of one handle, or replace them, at the same time: one of them ends the mapping, the other is refused, and no IOVA
 * and no bounce slot goes to two live mappings afterwards.
 */
#include "bench.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ROUNDS 3000u
#define LIVE   64u
#define PAGES  3u

/** enum way - how the mapping is made and ended. */
enum way {
	BY_HANDLE,
	BY_REPLACE,
	REPLACE_AND_UNMAP,
	BY_BATCH,
	BY_VECTOR,
	BY_ADDRESS,
	BY_PAGE,
	BY_LIST,
	COHERENT
};

/**
 * struct race - the state that both CPUs share.
 * @go: the round that they may begin.
 * @done: threads that have ended the round.
 * @err: the result of each.
 */
struct race {
	struct bench *b;
	enum way way;
	dmah_phys_t phys;
	uint32_t len;
	unsigned int go;
	unsigned int done;
	int err[2];
	struct dmah h[2];
	struct dmah_vec v[2];
	struct dmah part[2][PAGES];
	struct dmah_dma_seg seg[2][PAGES];
	struct dmah_sg sg[2][PAGES];
	dmah_addr_t dma;
};

static int batch(struct dmah_device *dev, struct dmah *h)
{
	struct dmah room[1] = { 0 }, *one[] = { h };
	struct dmah_batch b = { .h = room, .max = 1 };
	int err = dmah_unmap_start(dev, &b, one, 1), end = dmah_unmap_finish(dev, &b);

	return err ? err : end;
}

static int end(struct race *r, unsigned int who)
{
	struct dmah_device *dev = bench_device(r->b);

	switch (r->way) {
	case BY_HANDLE:
		return dmah_unmap(dev, &r->h[who]);
	case BY_REPLACE:
	case REPLACE_AND_UNMAP:
		if (who && r->way == REPLACE_AND_UNMAP)
			return dmah_unmap(dev, &r->h[who]);
		return dmah_replace(dev, &r->h[who], r->phys + (who + 1) * 65536ull, r->len,
				    DMAH_FROM_DEVICE);
	case BY_BATCH:
		return batch(dev, &r->h[who]);
	case BY_VECTOR:
		return dmah_unmap_vec(dev, &r->v[who]);
	case BY_ADDRESS:
		return dmah_addr_unmap(dev, r->dma, r->len, DMAH_FROM_DEVICE, 0);
	case BY_PAGE:
		return dmah_page_unmap(dev, r->dma, r->phys, r->len, DMAH_FROM_DEVICE, 0);
	case BY_LIST:
		return dmah_addr_unmap_sg(dev, r->sg[who], PAGES, DMAH_FROM_DEVICE, 0);
	case COHERENT:
		return dmah_free_coherent(dev, &r->h[who]);
	}
	return 1;
}

static void begin(struct race *r)
{
	struct dmah_device *dev = bench_device(r->b);
	struct dmah_seg segs[PAGES];
	void *cpu;

	memset(r->h, 0, sizeof(r->h));
	for (uint32_t i = 0; i < PAGES; i++) {
		segs[i] = (struct dmah_seg){ .phys = r->phys + 2ull * i * 4096, .len = 4096 };
		r->sg[0][i] = (struct dmah_sg){ .phys = segs[i].phys, .len = 4096 };
	}
	switch (r->way) {
	case BY_HANDLE:
	case BY_REPLACE:
	case REPLACE_AND_UNMAP:
	case BY_BATCH:
		assert_int_equal(dmah_map(dev, &r->h[0], r->phys, r->len, DMAH_FROM_DEVICE, 0), 0);
		r->h[1] = r->h[0];
		break;
	case BY_VECTOR:
		for (unsigned int i = 0; i < 2; i++)
			r->v[i] = (struct dmah_vec){ .part = r->part[i],
						     .seg = r->seg[i],
						     .max = PAGES };
		assert_int_equal(dmah_map_vec(dev, &r->v[0], segs, PAGES, DMAH_FROM_DEVICE, 0), 0);
		memcpy(r->part[1], r->part[0], sizeof(r->part[0]));
		memcpy(r->seg[1], r->seg[0], sizeof(r->seg[0]));
		r->v[1] = r->v[0];
		r->v[1].part = r->part[1];
		r->v[1].seg = r->seg[1];
		break;
	case BY_ADDRESS:
	case BY_PAGE:
		assert_int_equal(dmah_addr_map(dev, r->phys, r->len, DMAH_FROM_DEVICE, 0, &r->dma),
				 0);
		break;
	case BY_LIST:
		assert_true(dmah_addr_map_sg(dev, r->sg[0], PAGES, DMAH_FROM_DEVICE, 0) > 0);
		memcpy(r->sg[1], r->sg[0], sizeof(r->sg[0]));
		break;
	case COHERENT:
		assert_int_equal(dmah_alloc_coherent(dev, &r->h[0], r->len, &cpu), 0);
		r->h[1] = r->h[0];
		break;
	}
}

static void *second(void *arg)
{
	struct race *r = arg;

	bench_cpu(1);
	for (unsigned int round = 1;; round++) {
		unsigned int go;

		while ((go = __atomic_load_n(&r->go, __ATOMIC_ACQUIRE)) < round)
			;
		if (go == UINT32_MAX)
			return NULL;
		r->err[1] = end(r, 1);
		__atomic_store_n(&r->done, round, __ATOMIC_RELEASE);
	}
}

/* Keep many mappings live: no two of them may share an IOVA or a slot. */
static void all_different(struct bench *b, dmah_phys_t phys, uint32_t len)
{
	static struct dmah h[LIVE];
	struct dmah_device *dev = bench_device(b);

	memset(h, 0, sizeof(h));
	for (unsigned int i = 0; i < LIVE; i++) {
		bench_cpu(i & 1);
		assert_int_equal(dmah_map(dev, &h[i], phys, len, DMAH_FROM_DEVICE, 0), 0);
		for (unsigned int k = 0; k < i; k++)
			assert_true(dmah_addr(&h[k]) + len <= dmah_addr(&h[i]) ||
				    dmah_addr(&h[i]) + len <= dmah_addr(&h[k]));
	}
	for (unsigned int i = 0; i < LIVE; i++) {
		bench_cpu(i & 1);
		assert_int_equal(dmah_unmap(dev, &h[i]), 0);
	}
	bench_cpu(0);
}

static void races(const struct bench_config *machine, enum way way, uint32_t offset, uint32_t len)
{
	struct bench_config config = *machine;
	unsigned int rounds = bench_times(ROUNDS);
	static struct race r;
	struct dmah_stats stats;
	pthread_t thread;
	uint64_t size;

	config.cpus = 2;
	r = (struct race){ .b = bench_open(&config), .way = way, .len = len };
	r.phys = bench_memory(r.b, &size) + offset;
	assert_int_equal(pthread_create(&thread, NULL, second, &r), 0);
	for (unsigned int round = 1; round <= rounds; round++) {
		begin(&r);
		__atomic_store_n(&r.go, round, __ATOMIC_RELEASE);
		r.err[0] = end(&r, 0);
		while (__atomic_load_n(&r.done, __ATOMIC_ACQUIRE) < round)
			;
		if (!(!r.err[0] ^ !r.err[1]))
			fail_msg("way %d, round %u: results %d and %d", (int)way, round, r.err[0],
				 r.err[1]);
		/* The new mapping of a replace, which is the only live one. */
		if (way == BY_REPLACE || way == REPLACE_AND_UNMAP) {
			unsigned int who = r.err[0] ? 1 : 0;

			assert_int_equal(dmah_device_live(bench_device(r.b)),
					 dmah_mapped(&r.h[who]) ? 1 : 0);
			assert_int_equal(dmah_unmap(bench_device(r.b), &r.h[who]), 0);
		}
		if (!(round % (rounds / 4 ? rounds / 4 : 1)) &&
		    config.backend == DMAH_BACKEND_IOMMU)
			all_different(r.b, r.phys, len);
	}
	__atomic_store_n(&r.go, UINT32_MAX, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(bench_reports(r.b), rounds);
	dmah_device_stats(bench_device(r.b), &stats);
	assert_int_equal(stats.maps, stats.unmaps);
	bench_close(r.b);
}

#define IOMMU(...) (&(const struct bench_config){ .backend = DMAH_BACKEND_IOMMU, __VA_ARGS__ })

static void fast_strict(void **state)
{
	(void)state;
	races(IOMMU(.hw = BENCH_VTD4), BY_HANDLE, 0, 4096);
	races(IOMMU(.hw = BENCH_VTD4), BY_HANDLE, 256, 16384);
}

static void fast_lazy(void **state)
{
	(void)state;
	races(IOMMU(.hw = BENCH_VTD4, .mode = DMAH_LAZY), BY_HANDLE, 0, 4096);
	races(IOMMU(.hw = BENCH_VTD4, .mode = DMAH_LAZY, .lazy_entries = 8), BY_HANDLE, 256, 16384);
	races(IOMMU(.hw = BENCH_LPAE48, .mode = DMAH_LAZY), BY_HANDLE, 0, 4096);
}

static void replaces(void **state)
{
	(void)state;
	for (enum way way = BY_REPLACE; way <= REPLACE_AND_UNMAP; way++) {
		races(IOMMU(.hw = BENCH_VTD4), way, 0, 4096);
		races(IOMMU(.hw = BENCH_VTD4, .mode = DMAH_LAZY), way, 0, 4096);
		races(IOMMU(.hw = BENCH_VTD4, .mode = DMAH_LAZY, .lazy_entries = 8), way, 256,
		      16384);
	}
}

static void general(void **state)
{
	(void)state;
	races(IOMMU(.hw = BENCH_LPAE48, .noncoherent = true, .pool = true), BY_HANDLE, 0, 8192);
	races(IOMMU(.hw = BENCH_VTD4, .mode = DMAH_LAZY, .noncoherent = true, .pool = true),
	      BY_HANDLE, 100, 9000);
	races(IOMMU(.hw = BENCH_VTD4, .untrusted = true, .pool = true), BY_HANDLE, 100, 1000);
	races(IOMMU(.hw = BENCH_VTD4), COHERENT, 0, 8192);
}

static void blocks(void **state)
{
	(void)state;
	races(IOMMU(.hw = BENCH_VTD4, .aperture_size = 1ull << 30), BY_HANDLE, 0, 2u << 20);
	/* The general path. */
	races(IOMMU(.hw = BENCH_VTD4, .aperture_size = 1ull << 30, .noncoherent = true), BY_HANDLE,
	      0, 2u << 20);
}

static void batches(void **state)
{
	(void)state;
	races(IOMMU(.hw = BENCH_VTD4), BY_BATCH, 0, 4096);
	races(IOMMU(.hw = BENCH_VTD4), BY_BATCH, 0, 12288);
	races(IOMMU(.hw = BENCH_VTD4, .untrusted = true, .pool = true), BY_BATCH, 100, 9000);
}

static void vectors_and_lists(void **state)
{
	(void)state;
	races(IOMMU(.hw = BENCH_VTD4), BY_VECTOR, 0, 4096);
	races(IOMMU(.hw = BENCH_VTD4, .mode = DMAH_LAZY), BY_VECTOR, 0, 4096);
	races(IOMMU(.hw = BENCH_VTD4), BY_LIST, 0, 4096);
}

static void by_address(void **state)
{
	(void)state;
	races(IOMMU(.hw = BENCH_VTD4), BY_ADDRESS, 0, 4096);
	races(IOMMU(.hw = BENCH_VTD4, .mode = DMAH_LAZY), BY_ADDRESS, 0, 4096);
	races(IOMMU(.hw = BENCH_VTD4, .mode = DMAH_LAZY), BY_PAGE, 0, 12288);
}

/*
 * Without an IOMMU only the bounce slot's record detects this: a buffer used in place has no
 * record.
 */
static void bounced(void **state)
{
	static const struct bench_config bounce = { .backend = DMAH_BACKEND_BOUNCE, .pool = true };

	(void)state;
	races(&bounce, BY_HANDLE, 100, 5000);
	races(&bounce, BY_ADDRESS, 100, 5000);
}

int main(void)
{
	static const struct bench_case cases[] = {
		BENCH_CASE(fast_strict, BENCH_VTD),
		BENCH_CASE(fast_lazy, BENCH_VTD | BENCH_LPAE),
		BENCH_CASE(replaces, BENCH_VTD),
		BENCH_CASE(general, BENCH_VTD | BENCH_LPAE | BENCH_CACHES),
		BENCH_CASE(blocks, BENCH_VTD),
		BENCH_CASE(batches, BENCH_VTD),
		BENCH_CASE(vectors_and_lists, BENCH_VTD),
		BENCH_CASE(by_address, BENCH_VTD),
		BENCH_CASE(bounced, BENCH_OTHERS),
	};

	return bench_run("copies", cases, sizeof(cases) / sizeof(cases[0]));
}
