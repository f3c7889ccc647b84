// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Wrong drivers, each with a twin that differs in as little as possible and is right. The expected
 * findings are written by hand from the rules of Linux's DMA API (Documentation/core-api/dma-api.rst)
 * and follow the trace as a list of "line:kind" ("!" an error, "?" a note, "<map line").
 */
#ifndef TEST_CHECK_RULES_H
#define TEST_CHECK_RULES_H

#include <stdlib.h>
#include "check.h"
#include "load.h"

#define D "0000:00:01.0"
#define E "0000:00:02.0"

/* One line of a trace: the time is the line's number */
#define T(dev, event, rest) " drv-7 [001] ..... 1.0: " event ": " dev " " rest "\n"
#define MAP(dev, dir, dma, size, phys) \
	T(dev, "dma_map_page",         \
	  "dir=" dir " dma_addr=" dma " size=" size " phys_addr=" phys " attrs=")
#define MAPA(dev, dir, dma, size, phys, attrs) \
	T(dev, "dma_map_page",                 \
	  "dir=" dir " dma_addr=" dma " size=" size " phys_addr=" phys " attrs=" attrs)
#define UNMAP(dev, dir, dma, size) \
	T(dev, "dma_unmap_page", "dir=" dir " dma_addr=" dma " size=" size " attrs=")
#define CPU(dev, dir, dma, size) \
	T(dev, "dma_sync_single_for_cpu", "dir=" dir " dma_addr=" dma " size=" size)
#define DEVICE(dev, dir, dma, size) \
	T(dev, "dma_sync_single_for_device", "dir=" dir " dma_addr=" dma " size=" size)
#define MAPSG(dev, dir, dmas, sizes, physs) \
	T(dev, "dma_map_sg",                \
	  "dir=" dir " dma_addrs={" dmas "} sizes={" sizes "} phys_addrs={" physs "} attrs=")
#define UNMAPSG(dev, dir, physs) T(dev, "dma_unmap_sg", "dir=" dir " phys_addrs={" physs "} attrs=")
#define CPUSG(dev, dir, dmas, sizes) \
	T(dev, "dma_sync_sg_for_cpu", "dir=" dir " dma_addrs={" dmas "} sizes={" sizes "}")
#define ALLOC(dev, dma, size)                             \
	T(dev, "dma_alloc",                               \
	  "dir=BIDIRECTIONAL dma_addr=" dma " size=" size \
	  " virt_addr=(____ptrval____) flags=GFP_KERNEL attrs=")
#define FREE(dev, dma, size) \
	T(dev, "dma_free",   \
	  "dir=BIDIRECTIONAL dma_addr=" dma " size=" size " virt_addr=(____ptrval____) attrs=")
#define FAILED "ffffffffffffffff"
#define TO     "TO_DEVICE"
#define FROM   "FROM_DEVICE"
#define BIDI   "BIDIRECTIONAL"

struct rule {
	const char *name, *trace, *expect;
	struct check_options opt;
};

static inline bool check(const struct rule *r)
{
	bool ok;

	struct trace *t = load_text(r->trace);
	struct findings fs = { 0 };
	char got[2000] = "";

	check_trace(t, &r->opt, &fs);
	for (size_t i = 0; i < fs.nr; i++) {
		const struct finding *f = &fs.list[i];

		sprintf(got + strlen(got), "%s%c%d:%s", *got ? " " : "", f->error ? '!' : '?',
			(int)f->ev->line, finding_name(f->kind));
		if (f->map_line)
			sprintf(got + strlen(got), "<%d", (int)f->map_line);
	}
	ok = strcmp(got, r->expect) == 0;
	if (!ok)
		print_message("%s:\n%.2000s# expected: %s\n# found:    %s\n", r->name, r->trace,
			      r->expect, got);
	findings_free(&fs);
	trace_close(t);
	return ok;
}

/* Judges all rules of a table. Returns true where every one was found as it should be. */
static inline bool check_all(const struct rule *rules, size_t n)
{
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		ok = check(&rules[i]) && ok;
	return ok;
}

#endif /* TEST_CHECK_RULES_H */
