// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* A profile for people, as text. */
#include <inttypes.h>
#include "profile.h"

/* Callers of a device are shown up to this many. */
#define CALLERS_SHOWN 20

static double percent(uint64_t part, uint64_t of)
{
	return of ? 100.0 * (double)part / (double)of : 0;
}

static void print_lives(FILE *to, const struct tally *t)
{
	double median = profile_lives_median(t);

	if (median >= 1e9)
		fputs("half of the mappings lived for more than 1000 s\n", to);
	else if (median >= 1e6)
		fprintf(to, "half of the mappings lived for less than %.0f s\n", median / 1e6);
	else if (median >= 1e3)
		fprintf(to, "half of the mappings lived for less than %.0f ms\n", median / 1e3);
	else if (median > 0)
		fprintf(to, "half of the mappings lived for less than %.0f us\n", median);
}

static void print_sizes(FILE *to, const struct tally *t)
{
	const char *sep = "";

	for (int i = 0; i < SIZE_BINS; i++) {
		if (!t->sizes[i])
			continue;
		fprintf(to, "%s%" PRIu64 " from %" PRIu64, sep, t->sizes[i],
			i ? UINT64_C(1) << i : 0);
		sep = ", ";
	}
	fputs(" bytes on\n", to);
}

static void print_device(FILE *to, const struct profile *p, const struct device_profile *d)
{
	const struct tally *t = &d->all;
	double seconds = p->counts ? 0 : (double)(p->end - p->begin) / 1e9;

	fprintf(to, "\ndevice %s\n", d->name);
	fprintf(to,
		"  calls        %" PRIu64 " maps (%" PRIu64 " of lists), %" PRIu64
		" allocations, %" PRIu64 " unmaps and frees, %" PRIu64 " syncs, %" PRIu64 " failed",
		t->maps, t->lists, t->allocs, t->unmaps, t->syncs, t->failed);
	if (seconds > 0)
		fprintf(to, "; %.0f maps a second", (double)t->maps / seconds);
	fprintf(to, "\n  bytes        %" PRIu64 " mapped, %" PRIu64 " allocated\n", t->bytes,
		t->alloc_bytes);
	if (t->maps) {
		fputs("  sizes        ", to);
		print_sizes(to, t);
		fprintf(to,
			"  directions   %" PRIu64 " to the device, %" PRIu64 " from it, %" PRIu64
			" both\n",
			t->dirs[TRACE_TO_DEVICE], t->dirs[TRACE_FROM_DEVICE],
			t->dirs[TRACE_BIDIRECTIONAL]);
	}
	fprintf(to,
		"  live         at most %" PRIu64 " at a time, %" PRIu64
		" bytes; at the end %" PRIu64 "\n",
		t->peak, t->peak_bytes, t->live);
	if (profile_lives_median(t) > 0) {
		fputs("  lifetimes    ", to);
		print_lives(to, t);
	}
	if (t->maps)
		fprintf(to,
			"  mapped again %" PRIu64
			" maps (%.0f %%) of memory that the device had mapped "
			"before; %" PRIu64 " different pages, one of them %" PRIu64
			" times; kept mappings "
			"would save about %" PRIu64 " instructions\n",
			t->again, percent(t->again, t->maps), t->pages, d->hottest_maps,
			t->again * (PAIR_INSTRUCTIONS - KEPT_INSTRUCTIONS));
	if (t->bounced)
		fprintf(to,
			"  bounces      %" PRIu64 " maps (%.0f %%), %" PRIu64 " bytes copied once "
			"or twice\n",
			t->bounced, percent(t->bounced, t->maps), t->bounced_bytes);
	if (t->lists)
		fprintf(to,
			"  lists        %" PRIu64 " entries became %" PRIu64
			" segments, %.1f entries a "
			"list\n",
			t->entries, t->segments, (double)t->entries / (double)t->lists);
	if (t->maps)
		fprintf(to,
			"  exposure     %" PRIu64 " maps exposed %" PRIu64
			" bytes beside them; %" PRIu64 " of %" PRIu64
			" unmaps left a page in reach, %" PRIu64 " for writing\n",
			d->maps_beside, d->beside, d->reachable, d->ends, d->writable);
	if (t->lookups)
		fprintf(to,
			"  lookups      %" PRIu64 " unmaps needed one: about %" PRIu64
			" instructions, at %d each\n",
			t->lookups, t->lookups * LOOKUP_INSTRUCTIONS, LOOKUP_INSTRUCTIONS);
}

static void print_callers(FILE *to, const struct profile *p, const struct device_profile *d)
{
	if (!p->has_stacks || !d->nr_callers)
		return;
	fprintf(to, "  %10s %14s %8s %8s %8s %8s  %s\n", "maps", "bytes", "allocs", "live",
		"again %", "bounce %", "caller");
	for (uint32_t i = 0; i < d->nr_callers && i < CALLERS_SHOWN; i++) {
		const struct tally *t = &d->callers[i];

		fprintf(to,
			"  %10" PRIu64 " %14" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8.0f %8.0f  %s\n",
			t->maps, t->bytes, t->allocs, t->peak, percent(t->again, t->maps),
			percent(t->bounced, t->maps), *t->name ? t->name : "(no stack)");
	}
	if (d->nr_callers > CALLERS_SHOWN)
		fprintf(to, "  and %u more callers: --json has them\n",
			d->nr_callers - CALLERS_SHOWN);
}

void profile_text(FILE *to, const struct profile *p)
{
	fprintf(to, "%s: %" PRIu64 " DMA events of %u device%s", p->path, p->events, p->nr,
		p->nr == 1 ? "" : "s");
	if (!p->counts)
		fprintf(to, " in %.3f s", (double)(p->end - p->begin) / 1e9);
	putc('\n', to);
	if (p->lost)
		fprintf(to, "note: %" PRIu64 " events are missing: all counts are too low\n",
			p->lost);
	if (!p->has_stacks)
		fputs("note: the trace names no callers: record it with dmah record --stacks\n",
		      to);
	for (uint32_t i = 0; i < p->nr; i++) {
		print_device(to, p, &p->devices[i]);
		print_callers(to, p, &p->devices[i]);
	}
	putc('\n', to);
}
