// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Random traces that no driver would leave: overlapping buffers, missing unmaps, syncs of half a line, lists whose lengths
 * fit nothing. The library must be right for all of them, and verification must not report a failure.
 */
#define _GNU_SOURCE
#include "run.h"

#define EVENTS 500u
#define LIVE   64u

static uint64_t seed;

static uint32_t pick(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

struct buffer {
	unsigned int device;
	uint32_t dma;
	uint32_t size;
	const char *dir;
};

static const char *any_dir(void)
{
	static const char *const dirs[] = { "TO_DEVICE", "FROM_DEVICE", "BIDIRECTIONAL" };

	return dirs[pick(3)];
}

static void head(FILE *f, unsigned int time, const char *event, unsigned int device)
{
	fprintf(f, " a-1 [00%u] ..... 5.%06u: %s: dev%u ", pick(4), time, event, device);
}

static void map(FILE *f, unsigned int time, struct buffer *b)
{
	static const uint32_t sizes[] = { 1, 17, 60, 64, 100, 1514, 4096, 5000, 8192, 65536 };
	bool registers = pick(6) == 0;
	uint32_t phys = (registers ? 0xfea00000 : 4096) + pick(40) * 4096 + pick(4096);

	*b = (struct buffer){ .device = pick(3),
			      .dma = (1 + pick(300)) * 4096 + phys % 4096,
			      .size = sizes[pick(10)],
			      .dir = any_dir() };
	head(f, time, registers ? "dma_map_resource" : "dma_map_page", b->device);
	fprintf(f, "dir=%s dma_addr=%x size=%u phys_addr=%x attrs=%s\n", b->dir, b->dma, b->size,
		phys, pick(3) ? "" : "SKIP_CPU_SYNC");
}

static void unmap(FILE *f, unsigned int time, const struct buffer *b)
{
	head(f, time, "dma_unmap_page", b->device);
	fprintf(f, "dir=%s dma_addr=%x size=%u attrs=\n", b->dir, b->dma, b->size);
}

static void sync_part(FILE *f, unsigned int time, const struct buffer *b)
{
	uint32_t off = pick(b->size);

	head(f, time, pick(2) ? "dma_sync_single_for_cpu" : "dma_sync_single_for_device",
	     b->device);
	fprintf(f, "dir=%s dma_addr=%x size=%u\n", b->dir, b->dma + off, 1 + pick(b->size - off));
}

static void numbers(FILE *f, const char *name, const uint32_t *list, uint32_t n)
{
	fprintf(f, "%s={", name);
	for (uint32_t i = 0; i < n; i++)
		fprintf(f, "%s0x%x", i ? "," : "", list[i]);
	fputs("} ", f);
}

static void list(FILE *f, unsigned int time)
{
	uint32_t phys[12], dma[12], len[12], n = 1 + pick(12), m = pick(2) ? n : 1 + pick(n);
	unsigned int device = pick(3);
	const char *dir = any_dir();

	for (uint32_t i = 0; i < n; i++)
		phys[i] = (1 + pick(60)) * 4096 + (pick(3) ? 0 : pick(4096));
	for (uint32_t i = 0; i < m; i++) {
		dma[i] = (1000 + pick(500)) * 4096;
		len[i] = pick(2) ? 4096 : 1 + pick(20000);
	}
	head(f, time, "dma_map_sg", device);
	fprintf(f, "dir=%s nents=%u/%u ents=%u/%u ", dir, n, n, m, m);
	numbers(f, "dma_addrs", dma, m);
	numbers(f, "sizes", len, m);
	numbers(f, "phys_addrs", phys, n);
	fputs("attrs=\n", f);
	if (pick(4)) {
		head(f, time, pick(2) ? "dma_sync_sg_for_cpu" : "dma_sync_sg_for_device", device);
		fprintf(f, "dir=%s ", dir);
		numbers(f, "dma_addrs", dma, m);
		numbers(f, "sizes", len, m);
		fputc('\n', f);
	}
	if (pick(4)) {
		head(f, time, "dma_unmap_sg", device);
		fprintf(f, "dir=%s ", dir);
		numbers(f, "phys_addrs", phys, n);
		fputs("attrs=\n", f);
	}
}

static void write_trace(const char *path)
{
	struct buffer live[LIVE];
	unsigned int n = 0;
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (unsigned int i = 0; i < EVENTS; i++) {
		unsigned int what = pick(10), k;

		if (!n || (what < 4 && n < LIVE)) {
			map(f, i, &live[n++]);
		} else if (what < 5) {
			list(f, i);
		} else if (what < 7) {
			sync_part(f, i, &live[pick(n)]);
		} else {
			k = pick(n);
			if (pick(5))
				unmap(f, i, &live[k]);
			live[k] = live[--n];
		}
	}
	fclose(f);
}

static void random_traces(void **state)
{
	char path[100];

	(void)state;
	snprintf(path, sizeof(path), "%s/random", dir);
	for (unsigned int i = 1; i <= 6; i++) {
		int status;

		seed = i;
		write_trace(path);
		status = run("--json --repeat 1 --foreign 60 ~/random");
		if (status || *err)
			fail_msg("seed %u: status %d, %s", i, status, err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_traces) };

	return cmocka_run_group_tests_name("replay-random", tests, make_dir, remove_dir);
}
