// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "log.h"
#include "event.h"
#include "xalloc.h"

#define BLOCK_SIZE ((size_t)1 << 20)
/* Fields of one event, without lists: 20 numbers of at most 10 bytes, and the caller */
#define MOST_BYTES 256
#define CALLER	   4

#define BIT_FAILED    1u
#define BIT_HAS_VIRT  2u
#define BIT_TRUNCATED 4u

struct log_block {
	struct log_block *next;
	size_t used, size;
	uint8_t data[];
};

/* ---- numbers ---- */

static uint8_t *put(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return p;
}

/* Differences of either sign: small ones give small numbers. */
static uint8_t *put_step(uint8_t *p, uint64_t from, uint64_t to)
{
	uint64_t d = to - from;

	return put(p, d >> 63 ? ~(d << 1) : d << 1);
}

static uint64_t get(const uint8_t **p)
{
	uint64_t v = 0;
	int shift = 0;

	for (;; shift += 7) {
		uint8_t b = *(*p)++;

		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
}

static uint64_t get_step(const uint8_t **p, uint64_t from)
{
	uint64_t v = get(p);

	return from + (v & 1 ? ~(v >> 1) : v >> 1);
}

/* ---- writing ---- */

static uint32_t name_index(const char *name)
{
	const struct event_desc *d = event_table();
	uint32_t i = 0;

	while (d[i].name && d[i].name != name)
		i++;
	return i;
}

static void room(struct log *l, size_t n)
{
	if (l->cap >= n)
		return;
	l->buf = xreallocarray(l->buf, n, 1);
	l->cap = n;
}

static uint8_t *put_lists(uint8_t *p, const struct trace_event *ev)
{
	uint64_t last = ev->phys;

	p = put(p, ev->nr_phys);
	p = put(p, ev->nr_dma);
	for (uint32_t i = 0; i < ev->nr_phys; i++) {
		p = put_step(p, last, ev->physs[i]);
		last = ev->physs[i];
	}
	last = ev->dma;
	for (uint32_t i = 0; i < ev->nr_dma; i++) {
		p = put_step(p, last, ev->dmas[i]);
		last = ev->dmas[i];
	}
	for (uint32_t i = 0; i < ev->nr_dma; i++)
		p = put(p, ev->lens[i]);
	return p;
}

static uint8_t *append(struct log *l, size_t n)
{
	struct log_block *b = l->last;

	if (!b || b->size - b->used < n) {
		size_t size = n > BLOCK_SIZE ? n : BLOCK_SIZE;

		b = xmalloc(sizeof(*b) + size);
		*b = (struct log_block){ .size = size };
		if (l->last)
			l->last->next = b;
		else
			l->first = b;
		l->last = b;
	}
	memcpy(b->data + b->used, l->buf, n);
	b->used += n;
	return b->data + b->used - n;
}

uint8_t *log_add(struct log *l, const struct trace_event *ev, uint32_t task)
{
	const struct trace_event *o = &l->prev;
	uint8_t *p;

	room(l, MOST_BYTES + 10 * ((size_t)ev->nr_phys + 2 * (size_t)ev->nr_dma));
	memset(l->buf, 0, CALLER);
	p = l->buf + CALLER;
	*p++ = (uint8_t)ev->kind;
	*p++ = (uint8_t)(ev->kind == TRACE_LOST ? 0 : name_index(ev->name));
	*p++ = (uint8_t)((ev->failed ? BIT_FAILED : 0) | (ev->has_virt ? BIT_HAS_VIRT : 0) |
			 (ev->truncated ? BIT_TRUNCATED : 0) | (unsigned int)ev->dir << 3);
	p = put_step(p, o->line, ev->line);
	p = put_step(p, o->time, ev->time);
	p = put(p, ev->cpu);
	p = put_step(p, (uint64_t)o->pid, (uint64_t)ev->pid);
	p = put_step(p, l->prev_task, task);
	p = put(p, ev->device == TRACE_NO_DEVICE ? 0 : (uint64_t)ev->device + 1);
	if (ev->kind == TRACE_LOST) {
		*p++ = (uint8_t)ev->lost;
		p = put(p, ev->lost_cpu);
		p = put(p, ev->lost_events);
	} else {
		p = put_step(p, o->dma, ev->dma);
		p = put_step(p, o->phys, ev->phys);
		p = put_step(p, o->size, ev->size);
		p = put(p, ev->attrs);
		p = put_step(p, o->virt, ev->virt);
		p = put(p, ev->gfp);
		p = put_step(p, 0, (uint64_t)(int64_t)ev->error);
		p = put(p, ev->nents);
		p = put(p, ev->ents);
		p = put_lists(p, ev);
	}
	/* a loss has no addresses: keep those of the event before */
	if (ev->kind == TRACE_LOST) {
		l->prev.line = ev->line;
		l->prev.time = ev->time;
		l->prev.pid = ev->pid;
	} else {
		l->prev = *ev;
	}
	l->prev_task = task;
	l->nr++;
	return append(l, (size_t)(p - l->buf));
}

void log_set_caller(uint8_t *place, uint32_t caller)
{
	memcpy(place, &caller, CALLER);
}

void log_free(struct log *l)
{
	while (l->first) {
		struct log_block *b = l->first;

		l->first = b->next;
		free(b);
	}
	free(l->buf);
	*l = (struct log){ 0 };
}

/* ---- reading ---- */

static void grow64(uint64_t **list, uint32_t *cap, uint32_t nr)
{
	if (nr <= *cap)
		return;
	*list = xreallocarray(*list, nr, sizeof(**list));
	*cap = nr;
}

static void get_lists(struct log_reader *r, const uint8_t **p)
{
	struct trace_event *ev = &r->ev;
	uint64_t last = ev->phys;

	ev->nr_phys = (uint32_t)get(p);
	ev->nr_dma = (uint32_t)get(p);
	grow64(&r->physs, &r->cap_physs, ev->nr_phys);
	grow64(&r->dmas, &r->cap_dmas, ev->nr_dma);
	if (ev->nr_dma > r->cap_lens) {
		r->lens = xreallocarray(r->lens, ev->nr_dma, sizeof(*r->lens));
		r->cap_lens = ev->nr_dma;
	}
	for (uint32_t i = 0; i < ev->nr_phys; i++)
		r->physs[i] = last = get_step(p, last);
	last = ev->dma;
	for (uint32_t i = 0; i < ev->nr_dma; i++)
		r->dmas[i] = last = get_step(p, last);
	for (uint32_t i = 0; i < ev->nr_dma; i++)
		r->lens[i] = (uint32_t)get(p);
	ev->physs = ev->nr_phys ? r->physs : NULL;
	ev->dmas = ev->nr_dma ? r->dmas : NULL;
	ev->lens = ev->nr_dma ? r->lens : NULL;
}

static void get_loss(struct log_reader *r, const uint8_t **p, const struct trace_event *head)
{
	/* r->ev keeps the addresses for the next event's differences */
	struct trace_event *ev = &r->loss;

	*ev = *head;
	ev->name = "lost";
	ev->dma = ev->phys = TRACE_NO_ADDR;
	ev->lost = (enum trace_lost) * (*p)++;
	ev->lost_cpu = (uint32_t)get(p);
	ev->lost_events = get(p);
}

const struct trace_event *log_read(struct log_reader *r)
{
	struct trace_event *ev = &r->ev, head = { 0 };
	const uint8_t *p;
	uint64_t device;
	uint8_t name, bits;

	if (!r->block && !r->at)
		r->block = r->log->first;
	while (r->block && r->at == r->block->used) {
		r->block = r->block->next;
		r->at = 0;
	}
	if (!r->block) {
		r->at = 1;
		return NULL;
	}
	p = r->block->data + r->at;
	memcpy(&r->caller, p, CALLER);
	p += CALLER;
	head.kind = (enum trace_kind) * p++;
	name = *p++;
	bits = *p++;
	head.failed = bits & BIT_FAILED;
	head.has_virt = bits & BIT_HAS_VIRT;
	head.truncated = bits & BIT_TRUNCATED;
	head.dir = (enum trace_dir)(bits >> 3);
	head.line = get_step(&p, ev->line);
	head.time = get_step(&p, ev->time);
	head.cpu = (uint32_t)get(&p);
	head.pid = (int32_t)get_step(&p, (uint64_t)ev->pid);
	r->task = (uint32_t)get_step(&p, r->task);
	device = get(&p);
	head.device = device ? (uint32_t)(device - 1) : TRACE_NO_DEVICE;
	if (head.kind == TRACE_LOST) {
		ev->line = head.line;
		ev->time = head.time;
		ev->pid = head.pid;
		get_loss(r, &p, &head);
		ev = &r->loss;
	} else {
		head.name = event_table()[name].name;
		head.dma = get_step(&p, ev->dma);
		head.phys = get_step(&p, ev->phys);
		head.size = get_step(&p, ev->size);
		head.attrs = get(&p);
		head.virt = get_step(&p, ev->virt);
		head.gfp = get(&p);
		head.error = (int)(int64_t)get_step(&p, 0);
		head.nents = (uint32_t)get(&p);
		head.ents = (uint32_t)get(&p);
		*ev = head;
		get_lists(r, &p);
	}
	r->at = (size_t)(p - r->block->data);
	return ev;
}

void log_reader_free(struct log_reader *r)
{
	free(r->physs);
	free(r->dmas);
	free(r->lens);
}
