// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <inttypes.h>
#include "leaks.h"
#include "xalloc.h"

#define BUCKETS 4096u

struct group {
	const struct trace_event *first, *last;
	uint64_t nr, bytes;
	const struct trace_event *few[LEAK_ALIKE - 1];
};

struct leaks {
	struct group *groups;
	uint32_t nr, cap;
	uint32_t buckets[BUCKETS]; /* index + 1 of the first */
	uint32_t *next; /* index + 1 of the next with the same hash, for each group */
	uint32_t next_cap;
};

struct leaks *leaks_new(void)
{
	return xcalloc(1, sizeof(struct leaks));
}

void leaks_free(struct leaks *l)
{
	free(l->groups);
	free(l->next);
	free(l);
}

static size_t task_len(const char *task)
{
	return strcspn(task, "/:");
}

static bool same_task(const char *a, const char *b)
{
	size_t n = task_len(a);

	return n == task_len(b) && memcmp(a, b, n) == 0;
}

static bool same_group(const struct trace_event *a, const struct trace_event *b)
{
	return a->device == b->device && a->kind == b->kind && a->size == b->size &&
	       a->dir == b->dir && strcmp(a->caller, b->caller) == 0 && same_task(a->task, b->task);
}

static uint32_t hash(const struct trace_event *ev)
{
	uint64_t h = ev->device * UINT64_C(0x9e3779b97f4a7c15) + (unsigned int)ev->kind;

	h = (h ^ ev->size) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ (unsigned int)ev->dir) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(h >> 40) % BUCKETS;
}

void leaks_add(struct leaks *l, const struct trace_event *ev)
{
	uint32_t *at = &l->buckets[hash(ev)], i;
	struct group *g;

	for (i = *at; i; i = l->next[i - 1]) {
		g = &l->groups[i - 1];
		if (!same_group(g->first, ev))
			continue;
		if (g->nr < LEAK_ALIKE - 1)
			g->few[g->nr] = ev;
		g->nr++;
		g->bytes += ev->size;
		g->last = ev;
		return;
	}
	xgrow(l->groups, l->nr, l->cap);
	if (l->next_cap < l->cap) {
		l->next = xreallocarray(l->next, l->cap, sizeof(*l->next));
		l->next_cap = l->cap;
	}
	l->groups[l->nr] = (struct group){
		.first = ev, .last = ev, .nr = 1, .bytes = ev->size, .few = { ev }
	};
	l->next[l->nr] = *at;
	*at = ++l->nr;
}

static struct finding begin(struct check *c, const struct trace_event *ev, const char **why)
{
	struct finding f = { .kind = LIVE_AT_END,
			     .ev = ev,
			     .device = trace_device(c->t, ev->device),
			     .dma = ev->dma,
			     .phys = ev->phys,
			     .size = ev->size,
			     .has_size = true,
			     .map_line = ev->line,
			     .map_caller = ev->caller };

	c->ev = ev;
	*why = downgrade(c, SURE);
	f.error = c->opt->final && !*why;
	if (!c->opt->final || !*why)
		*why = "";
	return f;
}

static void rate(const struct check *c, const struct group *g, char *to, size_t n)
{
	uint64_t time = g->last->time - g->first->time;
	double per_second;

	to[0] = '\0';
	if (trace_info(c->t)->counts || !time)
		return;
	per_second = (double)(g->nr - 1) * 1e9 / (double)time;
	snprintf(to, n, per_second < 10 ? ", %.2f a second" : ", %.0f a second", per_second);
}

static const char *noun_of(const struct trace_event *ev)
{
	return trace_class(ev->kind) >= TRACE_CLASS_COHERENT ? "allocation" : "mapping";
}

static void report_one(struct check *c, const struct trace_event *ev)
{
	const char *what = noun_of(ev), *why;
	struct finding f = begin(c, ev, &why);

	findings_add(c->fs, &f, "%s %s (%s) is still live at the end of the trace%s",
		     *what == 'a' ? "an" : "a", what, ev->name, why);
}

static void report_group(struct check *c, const struct group *g)
{
	const struct trace_event *ev = g->first;
	const char *why;
	struct finding f = begin(c, ev, &why);
	char often[40];

	f.count = g->nr;
	rate(c, g, often, sizeof(often));
	findings_add(c->fs, &f,
		     "%" PRIu64 " %ss (%s) of %" PRIu64
		     " bytes, %s, by %.*s are still live at the end "
		     "of the trace, the last from %s %" PRIu64 "%s; %" PRIu64 " bytes in all%s",
		     g->nr, noun_of(ev), ev->name, ev->size, trace_dir_name(ev->dir),
		     (int)task_len(ev->task), ev->task, c->unit, g->last->line, often, g->bytes,
		     why);
}

static void report_rest(struct check *c, const struct group *g, uint32_t groups)
{
	const char *why;
	struct finding f = begin(c, g->first, &why);

	f.count = g->nr;
	findings_add(
		c->fs, &f,
		"%" PRIu64 " more mappings and allocations of this device, in %u more groups of "
		"one size, direction, task and caller, are still live at the end of the trace; "
		"%" PRIu64 " bytes in all%s",
		g->nr, groups, g->bytes, why);
}

/* One thing to report: a member of a small group, or a group */
struct report {
	const struct trace_event *ev;
	const struct group *group;
	size_t order;
};

static int by_order(const void *pa, const void *pb)
{
	const struct report *a = pa, *b = pb;

	if (a->ev->time != b->ev->time)
		return a->ev->time < b->ev->time ? -1 : 1;
	if (a->ev->line != b->ev->line)
		return a->ev->line < b->ev->line ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static size_t list_reports(const struct leaks *l, uint32_t *shown, struct report *to)
{
	size_t n = 0;

	for (uint32_t i = 0; i < l->nr; i++) {
		const struct group *g = &l->groups[i];

		if (shown[g->first->device]++ >= LEAK_GROUPS)
			continue;
		if (g->nr >= LEAK_ALIKE) {
			to[n] = (struct report){ g->first, g, n };
			n++;
			continue;
		}
		for (uint64_t k = 0; k < g->nr; k++) {
			to[n] = (struct report){ g->few[k], NULL, n };
			n++;
		}
	}
	return n;
}

/* Sum up the groups beyond the first of each device. */
static void report_rests(struct leaks *l, struct check *c, uint32_t devices)
{
	uint32_t *seen = xcalloc(devices, sizeof(*seen)), *rest = xcalloc(devices, sizeof(*rest));
	struct group *sum = xcalloc(devices, sizeof(*sum));

	for (uint32_t i = 0; i < l->nr; i++) {
		const struct group *g = &l->groups[i];
		uint32_t d = g->first->device;

		if (seen[d]++ < LEAK_GROUPS)
			continue;
		if (!rest[d]++) {
			sum[d] = *g;
		} else {
			sum[d].nr += g->nr;
			sum[d].bytes += g->bytes;
		}
	}
	for (uint32_t d = 0; d < devices; d++)
		if (rest[d])
			report_rest(c, &sum[d], rest[d]);
	free(seen);
	free(rest);
	free(sum);
}

void leaks_report(struct leaks *l, struct check *c)
{
	uint32_t devices = trace_nr_devices(c->t);
	uint32_t *shown = xcalloc(devices, sizeof(*shown));
	struct report *r = xcalloc((size_t)l->nr * (LEAK_ALIKE - 1), sizeof(*r));
	size_t n = list_reports(l, shown, r);

	qsort(r, n, sizeof(*r), by_order);
	for (size_t i = 0; i < n; i++) {
		if (r[i].group)
			report_group(c, r[i].group);
		else
			report_one(c, r[i].ev);
	}
	report_rests(l, c, devices);
	free(r);
	free(shown);
}
