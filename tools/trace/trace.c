// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Opening, reading and loading of traces of either format. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include "internal.h"
#include "iommu_maps.h"
#include "xalloc.h"

#define CHUNK_SIZE (256 * 1024)

/* Memory for the lists of loaded events: freed all at once. */
struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(8) unsigned char data[];
};

int trace_fail(const struct trace *t, struct trace_error *err, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(err->text, sizeof(err->text), "%.200s: %s", t->path, text);
	return -1;
}

const char *trace_task(struct trace *t, const char *name, size_t len)
{
	uint32_t at = intern(&t->tasks, name, len);

	return t->tasks.names[at];
}

struct trace *trace_open_fd(int fd, const char *name, struct trace_error *err)
{
	struct trace *t = xcalloc(1, sizeof(*t));

	t->path = xstrdup(name);
	t->src = source_open(fd, name, err);
	if (!t->src)
		goto fail;
	if (source_foreign(t->src)) {
		trace_fail(t, err, "is %s", source_foreign(t->src));
		goto fail;
	}
	t->info.dat = source_is_dat(t->src);
	if (!t->info.dat)
		text_open(t);
	else if (dat_open(t, err) < 0)
		goto fail;
	return t;
fail:
	trace_close(t);
	return NULL;
}

struct trace *trace_open(const char *path, struct trace_error *err)
{
	bool in = strcmp(path, "-") == 0;
	int fd = in ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		snprintf(err->text, sizeof(err->text), "%.200s: %s", path, strerror(errno));
		return NULL;
	}
	return trace_open_fd(fd, in ? "standard input" : path, err);
}

int trace_next(struct trace *t, struct trace_event *ev, struct trace_error *err)
{
	int r;

	if (pair_held(t, ev))
		r = 1;
	else
		r = t->info.dat ? dat_next(t, ev, err) : text_next(t, ev, err);
	if (r == 0)
		iommu_maps_end(t);
	/* the probes of dmah record do not record dma_alloc_noncontiguous() */
	if (r == 0 && t->info.probes)
		t->info.iommu_maps_alone = 0;
	if (r == 0 && t->info.events == 0)
		return trace_fail(
			t, err,
			"has no dma:* events (%llu others%s): record it with dmah record, or "
			"enable events/dma on Linux 6.12 or newer",
			(unsigned long long)t->info.unknown,
			t->info.iommu_maps
				? ", with iommu:map events among them: dma_iova_link() and "
				  "users like VFIO map without dma:* events"
				: "");
	if (r <= 0)
		return r;
	iommu_maps_event(t, ev);
	t->pairs.given++;
	if (ev->kind == TRACE_LOST) {
		t->info.lost++;
		t->info.lost_events += ev->lost_events;
	} else {
		t->info.events++;
	}
	return 1;
}

static void *keep(struct trace *t, const void *p, size_t n)
{
	struct chunk *c = t->chunks;
	void *to;

	/* An event that failed does not have every list. */
	if (!n || !p)
		return NULL;
	if (!c || c->size - c->used < n) {
		size_t size = n > CHUNK_SIZE ? n : CHUNK_SIZE;

		c = xmalloc(sizeof(*c) + size);
		c->size = size;
		c->used = 0;
		c->next = t->chunks;
		t->chunks = c;
	}
	to = c->data + c->used;
	c->used += (n + 7) & ~(size_t)7;
	if (c->used > c->size)
		c->used = c->size;
	return memcpy(to, p, n);
}

/* The order of the file decides between equal times: lines are unique, so the order is total. */
static int by_time(const void *pa, const void *pb)
{
	const struct trace_event *a = pa, *b = pb;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	/* a loss comes before the record that reports it */
	return (b->kind == TRACE_LOST) - (a->kind == TRACE_LOST);
}

/* Give the map of a list its DMA addresses, which the unmap has. */
static void complete(struct trace *t, struct trace_event *unmap)
{
	struct trace_event *map;

	if (t->pairs.completes < t->nr_events) {
		map = &t->events[t->pairs.completes];
		map->dmas = unmap->dmas;
		map->lens = unmap->lens;
		map->nr_dma = unmap->nr_dma;
		map->truncated = false;
		event_finish(map, EV_DMAS | EV_PHYSS | EV_NENTS);
	}
	unmap->dmas = NULL;
	unmap->lens = NULL;
	unmap->nr_dma = 0;
	unmap->ents = 0;
}

/* Leave out lists whose unmap is not in the trace: their DMA addresses are unknown. */
static void leave_out(struct trace *t)
{
	size_t to = 0;

	for (size_t i = 0; t->info.probes && i < t->nr_events; i++) {
		if (t->events[i].kind == TRACE_MAP_SG && !t->events[i].nr_dma) {
			t->info.left_out++;
			continue;
		}
		t->events[to++] = t->events[i];
	}
	if (t->info.probes)
		t->nr_events = to;
	t->info.events -= t->info.left_out;
}

/* ---- loading ---- */

static void add_unpacked(struct trace *t, struct trace_event ev)
{
	ev.physs = keep(t, ev.physs, ev.nr_phys * sizeof(*ev.physs));
	ev.dmas = keep(t, ev.dmas, ev.nr_dma * sizeof(*ev.dmas));
	ev.lens = keep(t, ev.lens, ev.nr_dma * sizeof(*ev.lens));
	if (ev.kind == TRACE_UNMAP_SG && ev.nr_dma)
		complete(t, &ev);
	xgrow(t->events, t->nr_events, t->cap_events);
	t->events[t->nr_events++] = ev;
}

static const char *caller_name(const struct trace *t, uint32_t caller)
{
	return caller ? t->callers.names[caller - 1] : "";
}

/* Unpack the log: for events of probes, which are completed later, and for sorting. */
static void unpack(struct trace *t)
{
	struct log_reader r = { .log = &t->log };
	const struct trace_event *ev;

	if (t->unpacked)
		return;
	while ((ev = log_read(&r))) {
		struct trace_event copy = *ev;

		copy.task = t->tasks.nr ? t->tasks.names[r.task] : "";
		copy.caller = caller_name(t, r.caller);
		add_unpacked(t, copy);
	}
	log_reader_free(&r);
	log_free(&t->log);
	for (uint32_t i = 0; i < t->nr_recent; i++)
		t->recent[i].any = false;
	t->unpacked = true;
}

#define MOST_CPUS 65536u

static struct recent *recent_of(struct trace *t, uint32_t cpu)
{
	/* a text without CPUs is in order */
	if (cpu == TRACE_NO_CPU)
		cpu = 0;
	if (cpu >= MOST_CPUS)
		return NULL;
	if (cpu >= t->nr_recent) {
		uint32_t nr = cpu + 1;

		t->recent = xreallocarray(t->recent, nr, sizeof(*t->recent));
		memset(t->recent + t->nr_recent, 0, (nr - t->nr_recent) * sizeof(*t->recent));
		t->nr_recent = nr;
	}
	return &t->recent[cpu];
}

void trace_caller(struct trace *t, uint32_t cpu, int32_t pid, const char *name, size_t len)
{
	struct recent *r = recent_of(t, cpu);
	uint32_t at;

	if (!r || !r->any || r->pid != pid)
		return;
	r->any = false;
	t->info.stacks++;
	at = intern(&t->callers, name, len);
	if (r->place)
		log_set_caller(r->place, at + 1);
	else
		t->events[r->index].caller = t->callers.names[at];
}

static void add(struct trace *t, const struct trace_event *ev)
{
	struct recent *r = ev->kind == TRACE_LOST ? NULL : recent_of(t, ev->cpu);
	uint8_t *place = NULL;

	if (t->info.probes)
		unpack(t);
	if (t->unpacked)
		add_unpacked(t, *ev);
	else
		place = log_add(&t->log, ev, intern(&t->tasks, ev->task, strlen(ev->task)));
	if (r)
		*r = (struct recent){ true, ev->pid, place, t->nr_events - 1 };
}

struct facts {
	bool page_names, phys_names, bad_dirs;
	bool sorted;
	uint64_t time;
};

/* dma_alloc() and dma_free() are BIDIRECTIONAL; where another is printed, it was not stored. */
static void learn(struct trace *t, struct facts *f, const struct trace_event *ev)
{
	if (f->time > ev->time)
		f->sorted = false;
	f->time = ev->time;
	switch (ev->kind) {
	case TRACE_MAP:
	case TRACE_UNMAP:
		if (strstr(ev->name, "phys"))
			f->phys_names = true;
		else
			f->page_names = true;
		break;
	case TRACE_ALLOC:
	case TRACE_FREE:
		if (ev->dir != TRACE_BIDIRECTIONAL)
			f->bad_dirs = true;
		break;
	case TRACE_LOST:
		if (ev->lost != TRACE_LOST_HERE)
			t->info.lost_before = true;
		break;
	default:
		break;
	}
}

#define PROGRESS_EVENTS 65536u

static void (*progress)(double part, uint64_t events);

void trace_on_progress(void (*fn)(double part, uint64_t events))
{
	progress = fn;
}

static struct trace *load(struct trace *t, struct trace_error *err)
{
	struct facts f = { .sorted = true };
	struct trace_event ev;
	int r;

	if (!t)
		return NULL;
	while ((r = trace_next(t, &ev, err)) > 0) {
		learn(t, &f, &ev);
		add(t, &ev);
		if (progress && t->info.events % PROGRESS_EVENTS == 0)
			progress(source_part(t->src), t->info.events);
	}
	if (r < 0) {
		trace_close(t);
		return NULL;
	}
	t->info.pages_have_dir = t->info.probes || (!f.bad_dirs && (f.phys_names || !f.page_names));
	leave_out(t);
	if (!f.sorted) {
		unpack(t);
		qsort(t->events, t->nr_events, sizeof(*t->events), by_time);
	}
	return t;
}

struct trace *trace_load(const char *path, struct trace_error *err)
{
	return load(trace_open(path, err), err);
}

struct trace *trace_load_fd(int fd, const char *name, struct trace_error *err)
{
	return load(trace_open_fd(fd, name, err), err);
}

const struct trace_event *trace_events(const struct trace *t, size_t *nr)
{
	/* the same events, in another form */
	unpack((struct trace *)(uintptr_t)t);
	*nr = t->nr_events;
	return t->events;
}

struct trace_cursor {
	struct trace *t;
	struct log_reader r;
	struct trace_event ev;
	size_t at;
};

struct trace_cursor *trace_begin(struct trace *t)
{
	struct trace_cursor *c = xcalloc(1, sizeof(*c));

	c->t = t;
	c->r.log = &t->log;
	return c;
}

const struct trace_event *trace_step(struct trace_cursor *c)
{
	const struct trace_event *ev;

	if (c->t->unpacked)
		return c->at < c->t->nr_events ? &c->t->events[c->at++] : NULL;
	ev = log_read(&c->r);
	if (!ev)
		return NULL;
	c->ev = *ev;
	c->ev.task = c->t->tasks.names[c->r.task];
	c->ev.caller = caller_name(c->t, c->r.caller);
	return &c->ev;
}

void trace_end(struct trace_cursor *c)
{
	log_reader_free(&c->r);
	free(c);
}

const struct trace_info *trace_info(const struct trace *t)
{
	return &t->info;
}

const char *trace_path(const struct trace *t)
{
	return t->path;
}

uint32_t trace_nr_devices(const struct trace *t)
{
	return t->devices.nr;
}

const char *trace_device(const struct trace *t, uint32_t device)
{
	return device < t->devices.nr ? t->devices.names[device] : NULL;
}

void trace_close(struct trace *t)
{
	if (!t)
		return;
	dat_close(t);
	pair_free(t);
	source_close(t->src);
	intern_free(&t->devices);
	intern_free(&t->tasks);
	intern_free(&t->callers);
	text_close(t);
	iommu_maps_free(t);
	log_free(&t->log);
	free(t->recent);
	while (t->chunks) {
		struct chunk *c = t->chunks;

		t->chunks = c->next;
		free(c);
	}
	free(t->events);
	free(t->physs);
	free(t->dmas);
	free(t->lens);
	free(t->path);
	free(t);
}
