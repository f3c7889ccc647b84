// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Every event of Linux 6.12 and 7.3, recorded in booted kernels (every/README.md): each event, each
 * field and each attribute is compared with the text of its line, which is read here in another way.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include "load.h"

enum { LINES = 400, LINE = 2000 };

static char lines[LINES][LINE];

static void read_lines(const char *path)
{
	char cmd[1100];
	FILE *f;
	int n = 1;

	snprintf(cmd, sizeof(cmd), "xz -dc '%s'", path);
	f = popen(cmd, "r");
	assert_non_null(f);
	while (n < LINES && fgets(lines[n], LINE, f))
		lines[n][strcspn(lines[n], "\n")] = '\0', n++;
	assert_int_equal(pclose(f), 0);
	assert_true(n < LINES);
}

/* The text after " KEY=", or NULL */
static const char *value(const char *line, const char *key)
{
	char with[40];
	const char *p;

	snprintf(with, sizeof(with), " %s=", key);
	p = strstr(line, with);
	return p ? p + strlen(with) : NULL;
}

static void number(const char *line, const char *key, int base, uint64_t is)
{
	const char *p = value(line, key);

	if (p)
		assert_int_equal(strtoull(p, NULL, base), is);
}

static void list(const char *line, const char *key, const uint64_t *is, uint32_t nr)
{
	const char *p = value(line, key);
	char *end;

	if (!p)
		return;
	assert_int_equal(*p++, '{');
	for (uint32_t i = 0; i < nr; i++) {
		assert_int_equal(strtoull(p, &end, 16), is[i]);
		p = end;
		assert_int_equal(*p++, i + 1 < nr ? ',' : '}');
	}
}

static uint64_t attributes(const char *line)
{
	/* names and numbers by the kernels' include/linux/dma-mapping.h */
	static const struct {
		const char *name;
		int bit;
	} all[] = { { "WEAK_ORDERING", 1 },
		    { "WRITE_COMBINE", 2 },
		    { "NO_KERNEL_MAPPING", 4 },
		    { "SKIP_CPU_SYNC", 5 },
		    { "FORCE_CONTIGUOUS", 6 },
		    { "ALLOC_SINGLE_PAGES", 7 },
		    { "NO_WARN", 8 },
		    { "PRIVILEGED", 9 },
		    { "MMIO", 10 },
		    { "CACHELINES_OVERLAP", 11 },
		    { "REQUIRE_COHERENT", 12 },
		    { "CC_SHARED", 13 },
		    { "ALLOC_CC_SHARED", 14 } };
	const char *p = value(line, "attrs");
	char text[200], *save = NULL;
	uint64_t bits = 0;

	if (!p)
		return 0;
	snprintf(text, sizeof(text), "%s", p);
	for (char *w = strtok_r(text, "|", &save); w; w = strtok_r(NULL, "|", &save)) {
		bool found = false;

		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
			if (strcmp(all[i].name, w) != 0)
				continue;
			bits |= UINT64_C(1) << all[i].bit;
			found = true;
		}
		assert_true(found);
	}
	return bits;
}

static void check_event(const struct trace *t, const struct trace_event *ev)
{
	const char *line = lines[ev->line], *dir = value(line, "dir");
	char name[60];
	uint64_t lens[16];

	snprintf(name, sizeof(name), ": %s: %s dir=", ev->name, trace_device(t, ev->device));
	assert_non_null(strstr(line, name));
	assert_int_equal(strncmp(dir, trace_dir_name(ev->dir), strlen(trace_dir_name(ev->dir))), 0);
	assert_int_equal(ev->attrs, attributes(line));
	assert_int_equal((double)ev->time / 1e9 * 1e6 + 0.5,
			 strtod(strstr(line, "] ") + strcspn(strstr(line, "] "), "0123456789"),
				NULL) * 1e6 +
				 0.5);
	number(line, "size", 10, ev->size);
	number(line, "phys_addr", 16, ev->phys);
	number(line, "virt_addr", 16, ev->virt);
	if (value(line, "err"))
		assert_int_equal(atoi(value(line, "err")), ev->error);
	list(line, "phys_addrs", ev->physs, ev->nr_phys);
	if (ev->kind == TRACE_MAP_SG_ERR) {
		list(line, "dma_addrs", ev->physs, ev->nr_phys);
		return;
	}
	number(line, "dma_addr", 16, ev->dma);
	list(line, "dma_addrs", ev->dmas, ev->nr_dma);
	assert_true(ev->nr_dma <= 16);
	for (uint32_t i = 0; i < ev->nr_dma; i++)
		lens[i] = ev->lens[i];
	list(line, "sizes", lens, ev->nr_dma);
	if (ev->kind == TRACE_MAP_SG) {
		assert_int_equal(ev->nents, 3);
		assert_non_null(strstr(line, ev->ents == 1 ? " ents=1/1 " : " ents=3/3 "));
	}
}

static void kernel(const char *name, uint64_t attrs, enum trace_kind missing1,
		   enum trace_kind missing2)
{
	unsigned int kinds[TRACE_NR_KINDS] = { 0 }, dirs[TRACE_NR_KINDS] = { 0 }, failed = 0;
	const struct trace_event *ev;
	struct trace_error err;
	struct trace *t;
	char path[1024];
	uint64_t seen = 0;
	size_t nr;

	snprintf(path, sizeof(path), "%s/%s", getenv("DMAH_TEST_DATA"), name);
	read_lines(path);
	t = trace_load(path, &err);
	if (!t)
		fail_msg("%s", err.text);
	ev = trace_events(t, &nr);
	assert_int_equal(trace_info(t)->unknown, 0);
	assert_true(trace_info(t)->has_counts);
	for (size_t i = 0; i < nr; i++) {
		check_event(t, &ev[i]);
		kinds[ev[i].kind]++;
		dirs[ev[i].kind] |= 1u << ev[i].dir;
		seen |= ev[i].attrs;
		failed += ev[i].failed;
	}
	for (int k = 0; k < TRACE_LOST; k++)
		assert_int_equal(kinds[k] != 0,
				 (enum trace_kind)k != missing1 && (enum trace_kind)k != missing2);
	/* all three directions of every event that can have them */
	assert_int_equal(dirs[TRACE_MAP], 7);
	assert_int_equal(dirs[TRACE_UNMAP_SG], 7);
	assert_int_equal(dirs[TRACE_ALLOC_PAGES], 7);
	assert_int_equal(dirs[TRACE_FREE_SGT], 7);
	assert_int_equal(dirs[TRACE_SYNC_SG_DEVICE], 7);
	assert_int_equal(dirs[TRACE_SYNC_CPU], 7);
	assert_int_equal(dirs[TRACE_ALLOC], 1);
	assert_int_equal(seen, attrs);
	/* three allocations on each device, a map and a list; 7.3: one more allocation each */
	assert_int_equal(failed, missing1 == TRACE_LOST ? 8 : 10);
	trace_close(t);
}

static void linux_6_12(void **state)
{
	(void)state;
	kernel("every_6.12.txt.xz", 0x3f6, TRACE_LOST, TRACE_LOST);
}

/* 6.18 renamed the events of resources to those of buffers. */
static void linux_7_3(void **state)
{
	(void)state;
	kernel("every_7.3.txt.xz", 0x7ff6, TRACE_MAP_RESOURCE, TRACE_UNMAP_RESOURCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(linux_6_12),
					    cmocka_unit_test(linux_7_3) };

	return cmocka_run_group_tests_name("trace every event", tests, NULL, NULL);
}
