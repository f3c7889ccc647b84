// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Random drivers that make mistakes on purpose. A model beside the generator, an array of mappings
 * that is searched from end to end, says what must be found; the check must find that and nothing
 * else. DMAH_TEST_OPS sets the number of operations (a seed each 400).
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include "check.h"
#include "load.h"

enum { NR_SLOTS = 48, NR_DEVICES = 2, OPS = 400, MAX_LIST = 4, MAX_EXPECTED = 20000 };

struct model_mapping {
	bool live, used; /* used: this slot has been mapped before, as described */
	bool list, whole;
	int device, dir;
	uint64_t dma, size;
	int nr;
	uint64_t phys[MAX_LIST], len[MAX_LIST];
	int line;
};

struct expected {
	int line, map_line, kind;
	bool error;
};

struct model {
	uint64_t seed;
	FILE *out;
	int line;
	struct model_mapping slot[NR_DEVICES][NR_SLOTS];
	int failed_line[NR_DEVICES];
	uint64_t failed[NR_DEVICES];
	struct expected *want;
	int nr_want;
	long unmaps[NR_DEVICES], reachable[NR_DEVICES], writable[NR_DEVICES], maps[NR_DEVICES],
		maps_beside[NR_DEVICES], beside[NR_DEVICES];
};

static const char *const dirs[] = { "BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE" };
static const char *const devices[] = { "0000:00:01.0", "fe100000.usb" };

static uint32_t rnd(struct model *m, uint32_t below)
{
	/* xorshift64* */
	m->seed ^= m->seed >> 12;
	m->seed ^= m->seed << 25;
	m->seed ^= m->seed >> 27;
	return (uint32_t)((m->seed * UINT64_C(2685821657736338717)) >> 33) % below;
}

static bool writes(int dir)
{
	return dir != 1;
}

static void want(struct model *m, enum finding_kind kind, bool error, int map_line)
{
	assert_true(m->nr_want < MAX_EXPECTED);
	m->want[m->nr_want++] = (struct expected){ m->line, map_line, kind, error };
}

static void say(struct model *m, int device, const char *event)
{
	m->line++;
	fprintf(m->out, "  drv/%d-1-%d [%03d] ..... %d.%06d: %s: %s ", m->line % 7,
		100 + m->line % 3, m->line % 4, m->line / 1000000, m->line % 1000000, event,
		devices[device]);
}

static bool meet(uint64_t a, uint64_t alen, uint64_t b, uint64_t blen, uint64_t grain)
{
	uint64_t a0 = a / grain, a1 = (a + alen - 1) / grain;
	uint64_t b0 = b / grain, b1 = (b + blen - 1) / grain;

	return a0 <= b1 && b0 <= a1;
}

/* Do two mappings share a unit of @grain bytes of memory? */
static bool share(const struct model_mapping *a, const struct model_mapping *b, uint64_t grain)
{
	for (int i = 0; i < a->nr; i++)
		for (int j = 0; j < b->nr; j++)
			if (meet(a->phys[i], a->len[i], b->phys[j], b->len[j], grain))
				return true;
	return false;
}

static bool meets_itself(const struct model_mapping *n)
{
	for (int i = 0; i < n->nr; i++)
		for (int j = 0; j < i; j++)
			if (meet(n->phys[i], n->len[i], n->phys[j], n->len[j], 1))
				return true;
	return false;
}

static void new_mapping(struct model *m, struct model_mapping *n)
{
	bool beside;

	n->live = n->used = true;
	n->line = m->line;
	for (int d = 0; d < NR_DEVICES; d++) {
		for (int s = 0; s < NR_SLOTS; s++) {
			const struct model_mapping *o = &m->slot[d][s];

			if (!o->live || o == n || !(writes(o->dir) || writes(n->dir)))
				continue;
			if (share(n, o, 1))
				want(m, OVERLAP, true, o->line);
			else if (share(n, o, 64))
				want(m, SHARED_LINE, false, o->line);
		}
	}
	if (writes(n->dir) && meets_itself(n))
		want(m, OVERLAP, true, n->line);
	m->maps[n->device]++;
	beside = n->dma % 4096 || (n->dma + n->size) % 4096;
	m->maps_beside[n->device] += beside;
	m->beside[n->device] +=
		(long)((n->dma + n->size + 4095) / 4096 * 4096 - n->dma / 4096 * 4096 - n->size);
}

static void gone(struct model *m, struct model_mapping *n)
{
	bool reachable = false, writable = false;

	n->live = false;
	for (int s = 0; s < NR_SLOTS; s++) {
		const struct model_mapping *o = &m->slot[n->device][s];

		if (o->live && share(n, o, 4096)) {
			reachable = true;
			writable = writable || writes(o->dir);
		}
	}
	m->unmaps[n->device]++;
	m->reachable[n->device] += reachable;
	m->writable[n->device] += writable;
}

/* An IOVA for the slot; each slot has room of its own */
static uint64_t iova(const struct model *m, const struct model_mapping *n)
{
	return 0xf0000000 + 0x10000 * (uint64_t)(n - m->slot[n->device]);
}

static void map_buffer(struct model *m, struct model_mapping *n)
{
	n->list = false;
	n->nr = 1;
	n->phys[0] = 0x100000 + rnd(m, 40 * 4096);
	n->size = n->len[0] = 1 + rnd(m, rnd(m, 2) ? 200 : 6000);
	n->dma = iova(m, n) + n->phys[0] % 4096;
	n->whole = true;
	say(m, n->device, rnd(m, 2) ? "dma_map_page" : "dma_map_phys");
	fprintf(m->out,
		"dir=%s dma_addr=%" PRIx64 " size=%" PRIu64 " phys_addr=%" PRIx64 " attrs=\n",
		dirs[n->dir], n->dma, n->size, n->phys[0]);
	new_mapping(m, n);
}

/*
 * A list of whole pages but for the last. Its first page belongs to the slot, so that no two lists
 * begin alike: which of two like lists an unmap means is not what is tested here.
 */
static void map_list(struct model *m, struct model_mapping *n)
{
	bool coalesce = rnd(m, 2);

	n->list = true;
	n->nr = 1 + (int)rnd(m, MAX_LIST);
	n->size = 0;
	for (int i = 0; i < n->nr; i++) {
		n->phys[i] = i ? 0x100000 + 0x1000 * (uint64_t)rnd(m, 40)
			       : 0x200000 + 0x100000 * (uint64_t)n->device +
					     0x1000 * (uint64_t)(n - m->slot[n->device]);
		n->len[i] = i < n->nr - 1 ? 4096 : 1 + rnd(m, 4096);
		n->size += n->len[i];
	}
	n->dma = iova(m, n);
	say(m, n->device, "dma_map_sg");
	fprintf(m->out, "dir=%s nents=%d/%d ents=%d/%d dma_addrs={", dirs[n->dir], n->nr, n->nr,
		coalesce ? 1 : n->nr, coalesce ? 1 : n->nr);
	for (int i = 0; i < (coalesce ? 1 : n->nr); i++)
		fprintf(m->out, "%s0x%" PRIx64, i ? "," : "", n->dma + 4096 * (uint64_t)i);
	fprintf(m->out, "} sizes={");
	for (int i = 0; i < (coalesce ? 1 : n->nr); i++)
		fprintf(m->out, "%s0x%" PRIx64, i ? "," : "", coalesce ? n->size : n->len[i]);
	fprintf(m->out, "} phys_addrs={");
	for (int i = 0; i < n->nr; i++)
		fprintf(m->out, "%s0x%" PRIx64, i ? "," : "", n->phys[i]);
	fprintf(m->out, "} attrs=\n");
	new_mapping(m, n);
}

static void say_unmap(struct model *m, const struct model_mapping *n, int dir, uint64_t size,
		      int nr)
{
	if (n->list) {
		say(m, n->device, "dma_unmap_sg");
		fprintf(m->out, "dir=%s phys_addrs={", dirs[dir]);
		for (int i = 0; i < nr; i++)
			fprintf(m->out, "%s0x%" PRIx64, i ? "," : "", n->phys[i]);
		fprintf(m->out, "} attrs=NO_WARN\n");
		return;
	}
	say(m, n->device, "dma_unmap_page");
	fprintf(m->out, "dir=%s dma_addr=%" PRIx64 " size=%" PRIu64 " attrs=\n", dirs[dir], n->dma,
		size);
}

static void unmap(struct model *m, struct model_mapping *n)
{
	int dir = n->dir, nr = n->nr;
	uint64_t size = n->size;

	if (rnd(m, 12) == 0)
		dir = (dir + 1 + (int)rnd(m, 2)) % 3;
	if (rnd(m, 12) == 0) {
		if (n->list && nr > 1)
			nr = 1 + (int)rnd(m, (uint32_t)nr - 1);
		else if (!n->list)
			size += 1 + rnd(m, 100);
	}
	say_unmap(m, n, dir, size, nr);
	if (nr != n->nr || size != n->size)
		want(m, SIZE_MISMATCH, true, n->line);
	if (dir != n->dir)
		want(m, DIRECTION_MISMATCH, true, n->line);
	gone(m, n);
}

static void sync_buffer(struct model *m, const struct model_mapping *n)
{
	uint64_t from = n->dma + rnd(m, (uint32_t)n->size), end = n->dma + n->size, size;
	int dir = n->dir, what = (int)rnd(m, 10);

	size = 1 + rnd(m, (uint32_t)(end - from));
	if (what == 0)
		size = end - from + 1 + rnd(m, 100);
	if (what == 1 && n->dma % 0x10000 > 16) {
		/* room of the slot that no mapping has */
		from = n->dma - 1 - rnd(m, 15);
		size = n->dma - from + 1;
	}
	if (what == 2)
		dir = (dir + 1 + (int)rnd(m, 2)) % 3;
	say(m, n->device, rnd(m, 2) ? "dma_sync_single_for_cpu" : "dma_sync_single_for_device");
	fprintf(m->out, "dir=%s dma_addr=%" PRIx64 " size=%" PRIu64 "\n", dirs[dir], from, size);
	if (from < n->dma || from + size > end)
		want(m, SYNC_OUT_OF_RANGE, true, n->line);
	else if (n->dir != 0 && dir != n->dir)
		want(m, SYNC_DIRECTION, true, n->line);
}

static void after_the_end(struct model *m, const struct model_mapping *n)
{
	if (!n->list && rnd(m, 2)) {
		say(m, n->device, "dma_sync_single_for_cpu");
		fprintf(m->out, "dir=%s dma_addr=%" PRIx64 " size=1\n", dirs[n->dir], n->dma);
		want(m, SYNC_UNMAPPED, true, n->line);
		return;
	}
	say_unmap(m, n, n->dir, n->size, n->nr);
	want(m, DOUBLE_UNMAP, true, n->line);
}

static void failed_map(struct model *m, int device)
{
	if (rnd(m, 2) || !m->failed_line[device]) {
		say(m, device, "dma_map_page");
		fprintf(m->out, "dir=TO_DEVICE dma_addr=ffffffffffffffff size=4096 phys_addr=1000 "
				"attrs=\n");
		m->failed_line[device] = m->line;
		m->failed[device]++;
		return;
	}
	say(m, device, rnd(m, 2) ? "dma_unmap_page" : "dma_unmap_phys");
	fprintf(m->out, "dir=TO_DEVICE dma_addr=ffffffffffffffff size=4096 attrs=\n");
	want(m, USE_OF_FAILED_MAP, true, m->failed_line[device]);
}

static void step(struct model *m)
{
	int device = (int)rnd(m, NR_DEVICES);
	struct model_mapping *n = &m->slot[device][rnd(m, NR_SLOTS)];
	uint32_t what = rnd(m, 100);

	n->device = device;
	if (what < 3) {
		failed_map(m, device);
	} else if (what < 5) {
		say(m, device, "dma_unmap_page");
		fprintf(m->out, "dir=TO_DEVICE dma_addr=%x size=64 attrs=\n",
			0x40000000 + rnd(m, 99999));
		want(m, UNMAP_UNKNOWN, true, 0);
	} else if (n->live) {
		if (what < 50 && !n->list)
			sync_buffer(m, n);
		else
			unmap(m, n);
	} else if (n->used && what < 15) {
		after_the_end(m, n);
	} else {
		n->dir = (int)rnd(m, 3);
		(rnd(m, 4) ? map_buffer : map_list)(m, n);
	}
}

static int compare(const void *pa, const void *pb)
{
	const struct expected *a = pa, *b = pb;

	if (a->line != b->line)
		return a->line - b->line;
	if (a->kind != b->kind)
		return a->kind - b->kind;
	return a->map_line - b->map_line;
}

static void compare_exposure(const struct model *m, const struct finding *f)
{
	int d = strcmp(f->device, devices[1]) == 0;
	long v[6];

	assert_int_equal(
		sscanf(f->text,
		       "%ld of %ld unmaps (%*d %%) left the page in reach of the device "
		       "through another live mapping, %ld of them for writing; %ld of %ld maps "
		       "exposed %ld bytes",
		       &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]),
		6);
	assert_int_equal(v[0], m->reachable[d]);
	assert_int_equal(v[1], m->unmaps[d]);
	assert_int_equal(v[2], m->writable[d]);
	assert_int_equal(v[3], m->maps_beside[d]);
	assert_int_equal(v[4], m->maps[d]);
	assert_int_equal(v[5], m->beside[d]);
}

static int device_of(const struct finding *f)
{
	return strcmp(f->device, devices[1]) == 0;
}

/* Leaks may be grouped: each finding is about a live mapping, and their numbers add up. */
static uint64_t compare_live(const struct model *m, const struct finding *f, bool final)
{
	bool found = false;

	for (int i = 0; i < NR_SLOTS; i++) {
		const struct model_mapping *n = &m->slot[device_of(f)][i];

		found = found || (n->live && (uint64_t)n->line == f->map_line);
	}
	assert_true(found);
	assert_int_equal(f->error, final);
	return f->count ? f->count : 1;
}

static void run(uint64_t seed)
{
	const struct check_options opt = { .final = seed % 2 };
	struct model m = { .seed = seed * 2654435769u + 1 };
	struct findings fs = { 0 };
	struct expected *got;
	struct trace *t;
	char *text;
	size_t len;
	int nr_got = 0;
	uint64_t live[NR_DEVICES] = { 0 };

	m.want = calloc(MAX_EXPECTED, sizeof(*m.want));
	got = calloc(MAX_EXPECTED, sizeof(*got));
	m.out = open_memstream(&text, &len);
	/* both devices begin with a map: their records are whole */
	for (int d = 0; d < NR_DEVICES; d++) {
		m.slot[d][0].device = d;
		map_buffer(&m, &m.slot[d][0]);
	}
	for (int i = 0; i < OPS; i++)
		step(&m);
	fclose(m.out);
	t = load_text(text);
	check_trace(t, &opt, &fs);
	for (size_t i = 0; i < fs.nr; i++) {
		const struct finding *f = &fs.list[i];

		if (f->kind == EXPOSURE)
			compare_exposure(&m, f);
		else if (f->kind == FAILED_MAP)
			assert_int_equal(f->count, m.failed[device_of(f)]);
		else if (f->kind == LIVE_AT_END)
			live[device_of(f)] += compare_live(&m, f, opt.final);
		else
			got[nr_got++] = (struct expected){ (int)f->ev->line, (int)f->map_line,
							   (int)f->kind, f->error };
	}
	qsort(m.want, (size_t)m.nr_want, sizeof(*m.want), compare);
	qsort(got, (size_t)nr_got, sizeof(*got), compare);
	for (int i = 0; i < m.nr_want || i < nr_got; i++) {
		const struct expected *w = &m.want[i], *g = &got[i];

		if (i < m.nr_want && i < nr_got && compare(w, g) == 0 && w->error == g->error)
			continue;
		fail_msg("seed %d, at finding %d: expected line %d %s %s map %d, found line %d %s "
			 "%s "
			 "map %d",
			 (int)seed, i, w->line, w->error ? "error" : "note",
			 finding_name((enum finding_kind)w->kind), w->map_line, g->line,
			 g->error ? "error" : "note", finding_name((enum finding_kind)g->kind),
			 g->map_line);
	}
	for (int d = 0; d < NR_DEVICES; d++)
		for (int i = 0; i < NR_SLOTS; i++)
			live[d] -= m.slot[d][i].live;
	assert_int_equal(live[0], 0);
	assert_int_equal(live[1], 0);
	findings_free(&fs);
	trace_close(t);
	free(text);
	free(got);
	free(m.want);
}

static void random_drivers(void **state)
{
	const char *ops = getenv("DMAH_TEST_OPS");
	uint64_t n = ops ? strtoull(ops, NULL, 0) / OPS : 250;

	(void)state;
	for (uint64_t seed = 1; seed <= (n ? n : 1); seed++)
		run(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_drivers) };

	return cmocka_run_group_tests_name("check random", tests, NULL, NULL);
}
