/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A long NVMe test: write, read back and compare the whole disk with requests of 4 KiB, 32 of them
 * under way, by handle and by ring. DMAH_NVME_MIB sets the size of the disk. The printed time
 * includes making and comparing the bytes.
 */
#include "nvme_rig.h"

#include <inttypes.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHUNK  4096u
#define BLOCKS (CHUNK / RIG_BLOCK)
#define WORDS  (CHUNK / 8)

/** struct work - a pass over the disk, @chunks of it in an order that @stride makes. @next, @done: of that order. */
struct work {
	struct rig *rig;
	struct nvme *nvme;
	dmah_phys_t buffer;
	uint64_t chunks;
	uint64_t stride;
	uint64_t seed;
	enum dmah_dir dir;
	uint64_t next;
	uint64_t done;
};

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- bytes ---- */

static void make(uint64_t *words, uint64_t chunk, uint64_t seed)
{
	for (uint64_t i = 0; i < WORDS; i++)
		words[i] = (chunk * WORDS + i + 1) * 0x9e3779b97f4a7c15ull ^ seed;
}

static uint64_t chunk_at(const struct work *w, uint64_t n)
{
	return n * w->stride % w->chunks;
}

static void before(struct work *w, uint64_t n, dmah_phys_t phys)
{
	uint64_t words[WORDS];

	if (w->dir == DMAH_TO_DEVICE)
		make(words, chunk_at(w, n), w->seed);
	else
		memset(words, 0xee, sizeof(words));
	rig_write(w->rig, phys, words, sizeof(words));
}

static void after(struct work *w, uint64_t n, dmah_phys_t phys)
{
	uint64_t expected[WORDS], words[WORDS];

	w->done++;
	if (w->dir == DMAH_TO_DEVICE)
		return;
	make(expected, chunk_at(w, n), w->seed);
	rig_read(w->rig, phys, words, sizeof(words));
	if (memcmp(words, expected, sizeof(words)))
		fail_msg("%s: chunk %" PRIu64 " is not what was written", w->rig->config->name,
			 chunk_at(w, n));
}

static void check_disk(const struct work *w)
{
	uint64_t words[WORDS];

	for (uint64_t i = 0; i < w->chunks; i++) {
		make(words, i, w->seed);
		assert_memory_equal(w->rig->disk + i * CHUNK, words, CHUNK);
	}
}

/* ---- paths ---- */

static void by_handle(struct work *w)
{
	struct nvme_request r[NVME_DEPTH];
	uint64_t number[NVME_DEPTH];
	uint32_t oldest;

	memset(r, 0, sizeof(r));
	while (w->done < w->chunks) {
		oldest = NVME_DEPTH;
		for (uint32_t i = 0; i < NVME_DEPTH; i++) {
			dmah_phys_t phys = w->buffer + i * CHUNK;

			if (!r[i].blocks && w->next < w->chunks) {
				number[i] = w->next++;
				before(w, number[i], phys);
				r[i].lba = chunk_at(w, number[i]) * BLOCKS;
				r[i].blocks = BLOCKS;
				r[i].dir = w->dir;
				r[i].phys = phys;
				assert_int_equal(nvme_submit(w->nvme, &r[i]), 0);
			}
			if (r[i].blocks && (oldest == NVME_DEPTH || number[i] < number[oldest]))
				oldest = i;
		}
		nvme_ring(w->nvme);
		assert_int_equal(nvme_wait(w->nvme, &r[oldest]), 0);
		for (uint32_t i = 0; i < NVME_DEPTH; i++) {
			if (!r[i].blocks || !r[i].done)
				continue;
			assert_int_equal(r[i].err, 0);
			after(w, number[i], r[i].phys);
			r[i].blocks = 0;
		}
	}
}

static void by_ring(struct work *w)
{
	size_t need = nvme_stream_memory(CHUNK, w->dir);
	void *memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	uint16_t status[NVME_DEPTH];
	struct nvme_stream s;

	assert_int_equal(nvme_stream_init(&s, w->nvme, CHUNK, w->dir, memory, need), 0);
	while (w->done < w->chunks) {
		int n;

		while (w->next < w->chunks && nvme_stream_live(&s) < NVME_DEPTH) {
			dmah_phys_t phys = w->buffer + w->next % NVME_DEPTH * CHUNK;

			before(w, w->next, phys);
			assert_int_equal(nvme_stream_submit(&s, chunk_at(w, w->next) * BLOCKS,
							    BLOCKS, phys),
					 0);
			w->next++;
		}
		nvme_ring(w->nvme);
		assert_int_equal(nvme_stream_wait(&s), 0);
		n = nvme_stream_take(&s, status, NVME_DEPTH);
		assert_true(n > 0);
		for (int i = 0; i < n; i++) {
			assert_int_equal(status[i], 0);
			after(w, w->done, w->buffer + w->done % NVME_DEPTH * CHUNK);
		}
	}
	assert_int_equal(nvme_stream_fini(&s), 0);
	free(memory);
}

/* ---- rows ---- */

static double pass(struct work *w, void (*path)(struct work *w), enum dmah_dir dir, uint64_t stride)
{
	double begun = seconds();

	w->dir = dir;
	w->stride = stride;
	w->next = w->done = 0;
	path(w);
	return (double)w->chunks / (seconds() - begun);
}

static unsigned long mib(void)
{
	const char *text = getenv("DMAH_NVME_MIB");
	unsigned long n = text ? strtoul(text, NULL, 0) : 1;

	/* A power of two, so that an odd stride visits every chunk once. */
	assert_in_range(n, 1, 1024);
	assert_int_equal(n & (n - 1), 0);
	return n;
}

static void row(const struct rig_config *config, const char *name, void (*path)(struct work *w))
{
	struct rig_config sized = *config;
	struct nvme nvme = { 0 };
	struct dmah_stats stats;
	double written, read, requests;
	struct work w = { .nvme = &nvme, .seed = (uint64_t)name[0] << 40 };

	sized.blocks = (uint32_t)(mib() << 20) / RIG_BLOCK;
	w.rig = rig_open(&sized);
	w.chunks = sized.blocks / BLOCKS;
	w.buffer = rig_take(w.rig, NVME_DEPTH * CHUNK, CHUNK);
	assert_int_equal(nvme_init(&nvme, w.rig->regs, w.rig->dev), 0);
	assert_int_equal(nvme.nblocks, sized.blocks);
	written = pass(&w, path, DMAH_TO_DEVICE, 1);
	check_disk(&w);
	read = pass(&w, path, DMAH_FROM_DEVICE, 77);
	dmah_device_stats(w.rig->dev, &stats);
	requests = 2.0 * (double)w.chunks;
	printf("# %-38s %-7s %5lu %11.0f %11.0f %12.2f %8.2f\n", config->name, name, mib(), written,
	       read, (double)stats.invalidations / requests, (double)stats.waits / requests);
	fflush(stdout);
	assert_int_equal(nvme_fini(&nvme), 0);
	rig_close(w.rig);
}

static void rows(const char *name, void (*path)(struct work *w))
{
	static bool headed;

	if (!headed)
		printf("# %-38s %-7s %5s %11s %11s %12s %8s\n", "machine", "path", "MiB",
		       "writes/s", "reads/s", "invalid./req", "waits/req");
	headed = true;
	for (unsigned int i = 0; i < nrigs; i++)
		row(&rigs[i], name, path);
}

static void handles(void **state)
{
	(void)state;
	rows("handle", by_handle);
}

static void rings(void **state)
{
	(void)state;
	rows("ring", by_ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handles),
		cmocka_unit_test(rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
