// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The child that reads a trace.dat with libtracecmd and libtraceevent: see dat.c. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <trace-cmd/trace-cmd.h>
#include "dat.h"
#include "dat_probes.h"
#include "internal.h"
#include "text.h"
#include "xalloc.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#define NR_FIELDS 12
#define BEAT	  65536

enum {
	F_DEVICE,
	F_DIR,
	F_DMA,
	F_SIZE,
	F_PHYS,
	F_ATTRS,
	F_VIRT,
	F_GFP,
	F_PHYSS,
	F_DMAS,
	F_LENS,
	F_ERR
};

struct resolved {
	const struct event_desc *desc;
	struct tep_event *event;
	struct tep_format_field *f[NR_FIELDS];
	struct tep_format_field *nents, *ents;
	const char *missing;
};

struct child {
	FILE *out;
	struct tep_handle *tep;
	struct resolved r[NR_DESCS];
	struct dat_probes probes;
	struct tep_event *stack; /* ftrace:kernel_stack */
	struct tep_format_field *frames;
	uint64_t line, unknown;
	uint64_t list64[2][MAX_LIST];
	uint32_t list32[MAX_LIST];
};

static void child_send(struct child *c, const void *p, size_t n)
{
	if (n && fwrite(p, n, 1, c->out) != 1)
		_exit(3); /* nobody listens */
}

__attribute__((format(printf, 2, 3), noreturn)) static void child_fail(struct child *c,
								       const char *fmt, ...)
{
	struct frame f = { .type = FRAME_ERROR };
	char text[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f.value = n < (int)sizeof(text) ? (uint64_t)n : sizeof(text) - 1;
	child_send(c, &f, sizeof(f));
	child_send(c, text, f.value);
	fflush(c->out);
	_exit(0);
}

static struct tep_format_field *find(struct resolved *r, const char *name, const char *other)
{
	struct tep_format_field *f = tep_find_field(r->event, name);

	if (!f && other)
		f = tep_find_field(r->event, other);
	if (!f && !r->missing)
		r->missing = name;
	return f;
}

/* The fields are looked up once per kind of event, not once per record. */
static void resolve(struct child *c)
{
	size_t i = 0;

	for (const struct event_desc *d = event_table(); d->name && i < NR_DESCS; d++, i++) {
		struct resolved *r = &c->r[i];

		r->desc = d;
		r->event = tep_find_event_by_name(c->tep, "dma", d->name);
		if (!r->event)
			continue;
		r->f[F_DEVICE] = find(r, "device", NULL);
		if (d->fields & EV_DIR)
			r->f[F_DIR] = find(r, "dir", NULL);
		if (d->fields & EV_DMA)
			r->f[F_DMA] = find(r, "dma_addr", "addr");
		if (d->fields & EV_SIZE)
			r->f[F_SIZE] = find(r, "size", NULL);
		if (d->fields & EV_PHYS)
			r->f[F_PHYS] = find(r, "phys_addr", NULL);
		if (d->fields & EV_ATTRS)
			r->f[F_ATTRS] = find(r, "attrs", NULL);
		if (d->fields & EV_VIRT)
			r->f[F_VIRT] = find(r, "virt_addr", NULL);
		if (d->fields & EV_GFP)
			r->f[F_GFP] = find(r, "flags", NULL);
		if (d->fields & EV_PHYSS)
			r->f[F_PHYSS] = find(r, "phys_addrs", "addrs");
		if (d->fields & EV_DMAS) {
			r->f[F_DMAS] = find(r, "dma_addrs", NULL);
			r->f[F_LENS] = find(r, "lengths", NULL);
		}
		if (d->fields & EV_ERR)
			r->f[F_ERR] = find(r, "err", NULL);
		if (d->fields & EV_NENTS) {
			r->nents = tep_find_field(r->event, "full_nents");
			r->ents = tep_find_field(r->event, "full_ents");
		}
	}
}

static uint64_t number(struct child *c, const struct resolved *r, const struct tep_record *rec,
		       struct tep_format_field *f)
{
	unsigned long long v;

	if (!f)
		return 0;
	if (f->offset < 0 || f->size < 0 || f->offset > rec->size - f->size ||
	    tep_read_number_field(f, rec->data, &v) < 0)
		child_fail(c, "record %" PRIu64 ": %s: the field %s lies outside the record",
			   c->line, r->desc->name, f->name);
	return v;
}

/* Find a dynamic array or string: its place is stored as offset | length << 16. */
static const void *dynamic(struct child *c, const struct resolved *r, const struct tep_record *rec,
			   struct tep_format_field *f, uint32_t *len)
{
	uint64_t loc = number(c, r, rec, f);
	uint32_t at = loc & 0xffff;

	*len = loc >> 16 & 0xffff;
	if (f->flags & TEP_FIELD_IS_RELATIVE)
		at += (uint32_t)(f->offset + f->size);
	if (at + *len > (uint32_t)rec->size)
		child_fail(c, "record %" PRIu64 ": %s: the array %s lies outside the record",
			   c->line, r->desc->name, f->name);
	return (const char *)rec->data + at;
}

static uint32_t list64(struct child *c, const struct resolved *r, const struct tep_record *rec,
		       struct tep_format_field *f, uint64_t *to)
{
	const char *p;
	uint32_t len, nr;

	if (!f)
		return 0;
	p = dynamic(c, r, rec, f, &len);
	nr = len / 8;
	for (uint32_t i = 0; i < nr; i++)
		to[i] = tep_read_number(c->tep, p + 8 * i, 8);
	return nr;
}

static uint32_t list32(struct child *c, const struct resolved *r, const struct tep_record *rec,
		       struct tep_format_field *f, uint32_t *to)
{
	const char *p;
	uint32_t len, nr;

	if (!f)
		return 0;
	p = dynamic(c, r, rec, f, &len);
	nr = len / 4;
	for (uint32_t i = 0; i < nr; i++)
		to[i] = (uint32_t)tep_read_number(c->tep, p + 4 * i, 4);
	return nr;
}

static void event(struct child *c, uint32_t index, const struct tep_record *rec, struct frame *f)
{
	const struct resolved *r = &c->r[index];
	unsigned int fields = r->desc->fields;
	const char *device, *task;
	uint32_t len, nr_lens;
	uint64_t dir;

	if (r->missing)
		child_fail(c, "record %" PRIu64 ": %s has no field %s in this kernel's format",
			   c->line, r->desc->name, r->missing);
	f->type = FRAME_EVENT;
	f->desc = index;
	f->pid = tep_data_pid(c->tep, (struct tep_record *)(uintptr_t)rec);
	task = tep_data_comm_from_pid(c->tep, f->pid);
	if (!task)
		task = "";
	f->task_len = (uint32_t)strnlen(task, MAX_NAME);
	device = dynamic(c, r, rec, r->f[F_DEVICE], &len);
	f->device_len = (uint32_t)strnlen(device, len);

	dir = number(c, r, rec, r->f[F_DIR]);
	if (dir > TRACE_NONE && !(fields & EV_NODIR))
		child_fail(c, "record %" PRIu64 ": %s: %" PRIu64 " is no direction", c->line,
			   r->desc->name, dir);
	f->dir = dir > TRACE_NONE ? TRACE_DIR_UNKNOWN : (uint32_t)dir;
	f->dma = r->f[F_DMA] ? number(c, r, rec, r->f[F_DMA]) : TRACE_NO_ADDR;
	f->phys = r->f[F_PHYS] ? number(c, r, rec, r->f[F_PHYS]) : TRACE_NO_ADDR;
	f->size = number(c, r, rec, r->f[F_SIZE]);
	f->attrs = number(c, r, rec, r->f[F_ATTRS]);
	f->virt = number(c, r, rec, r->f[F_VIRT]);
	f->has_virt = r->f[F_VIRT] != NULL;
	f->gfp = number(c, r, rec, r->f[F_GFP]);
	f->error = (int32_t)number(c, r, rec, r->f[F_ERR]);
	f->nr_phys = list64(c, r, rec, r->f[F_PHYSS], c->list64[0]);
	f->nr_dma = list64(c, r, rec, r->f[F_DMAS], c->list64[1]);
	nr_lens = list32(c, r, rec, r->f[F_LENS], c->list32);
	f->nents = (uint32_t)number(c, r, rec, r->nents);
	f->ents = (uint32_t)number(c, r, rec, r->ents);
	if (f->nr_dma != nr_lens)
		child_fail(c, "record %" PRIu64 ": %s: dma_addrs and lengths differ in length",
			   c->line, r->desc->name);
	if (r->desc->kind == TRACE_MAP_SG && (f->nr_phys == 0 || f->nr_dma == 0))
		child_fail(c, "record %" PRIu64 ": %s: an empty scatter list", c->line,
			   r->desc->name);
	child_send(c, f, sizeof(*f));
	child_send(c, device, f->device_len);
	child_send(c, task, f->task_len);
	child_send(c, c->list64[0], f->nr_phys * sizeof(uint64_t));
	child_send(c, c->list64[1], f->nr_dma * sizeof(uint64_t));
	child_send(c, c->list32, f->nr_dma * sizeof(uint32_t));
}

/* Send the record of a probe as it is, followed by its names; the parent interprets it. */
static bool probe(struct child *c, struct tep_record *rec, struct frame *f)
{
	struct probe p;
	const char *task;
	int r = dat_probes_read(&c->probes, rec, &p);

	if (r == 0)
		return false;
	if (r < 0)
		child_fail(c, "record %" PRIu64 ": a field lies outside the record", c->line);
	f->type = FRAME_PROBE;
	f->pid = tep_data_pid(c->tep, rec);
	task = tep_data_comm_from_pid(c->tep, f->pid);
	f->task_len = task ? (uint32_t)strnlen(task, MAX_NAME) : 0;
	f->device_len = (uint32_t)p.dev_len;
	child_send(c, f, sizeof(*f));
	child_send(c, &p, sizeof(p));
	child_send(c, p.dev, f->device_len);
	child_send(c, task, f->task_len);
	return true;
}

/* A stack follows its event: send the first function outside the DMA API. */
static bool stack(struct child *c, struct tep_record *rec, struct frame *f)
{
	int size = tep_get_long_size(c->tep), at;
	uint64_t address;

	if (!c->frames || tep_data_type(c->tep, rec) != c->stack->id)
		return false;
	for (at = c->frames->offset; at >= 0 && at <= rec->size - size; at += size) {
		const char *name;
		size_t len;

		address = tep_read_number(c->tep, (const char *)rec->data + at, size);
		if (address == UINT64_MAX || (size == 4 && address == UINT32_MAX))
			break;
		name = tep_find_function(c->tep, address);
		len = name ? strnlen(name, MAX_NAME) : 0;
		if (!len || stack_is_dma_api(name, len))
			continue;
		f->type = FRAME_CALLER;
		f->pid = tep_data_pid(c->tep, rec);
		f->task_len = (uint32_t)len;
		child_send(c, f, sizeof(*f));
		child_send(c, name, len);
		break;
	}
	return true;
}

static int record(struct tracecmd_input *h, struct tep_record *rec, int cpu, void *data)
{
	struct child *c = data;
	/* With several buffers the argument counts the CPUs of all buffers. */
	struct frame f = { .line = ++c->line, .time = rec->ts, .cpu = (uint32_t)rec->cpu };
	int type = tep_data_type(c->tep, rec);

	(void)h;
	(void)cpu;
	if (rec->missed_events) {
		struct frame l = f;

		l.type = FRAME_EVENT;
		l.is_lost = 1;
		l.value = rec->missed_events > 0 ? (uint64_t)rec->missed_events : 0;
		child_send(c, &l, sizeof(l));
	}
	for (uint32_t i = 0; i < NR_DESCS && c->r[i].desc; i++) {
		if (c->r[i].event && c->r[i].event->id == type) {
			event(c, i, rec, &f);
			return 0;
		}
	}
	if (probe(c, rec, &f))
		return 0;
	if (stack(c, rec, &f)) {
		c->unknown++;
		return 0;
	}
	if (dat_probes_iova(&c->probes, rec, &f.value, &f.size)) {
		f.type = FRAME_IOVA;
		f.pid = tep_data_pid(c->tep, rec);
		child_send(c, &f, sizeof(f));
	}
	c->unknown++;
	if (c->unknown % BEAT == 0) {
		f.type = FRAME_UNKNOWN;
		f.value = BEAT;
		child_send(c, &f, sizeof(f));
		fflush(c->out);
	}
	return 0;
}

/*
 * Does the clock count something other than nanoseconds? The library has no function for it; the
 * file has the text of trace_clock, in which the chosen one stands in brackets.
 */
static bool counts(int fd)
{
	static const char *const clocks[] = { "[x86-tsc]", "[counter]", "[uptime]", "[ppc-tb]" };
	enum { STEP = 1 << 20, LAP = 16 };
	char *buf = xmalloc(STEP + LAP);
	off_t at = 0;
	bool found = false;
	ssize_t n;

	while (!found && (n = pread(fd, buf, STEP + LAP, at)) > 0) {
		for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++)
			found = found || memmem(buf, (size_t)n, clocks[i], strlen(clocks[i]));
		at += STEP;
	}
	free(buf);
	return found;
}

void dat_child(int fd, int out)
{
	struct child *c = xcalloc(1, sizeof(*c));
	struct frame f = { .type = FRAME_CLOCK };
	struct tracecmd_input *h, **all;
	const struct rlimit none = { 0, 0 };
	int null = open("/dev/null", O_RDWR), nr;

	/* Silence the libraries: this program reports a damaged file itself. */
	for (int i = 0; null >= 0 && i < 3; i++)
		dup2(null, i);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
#ifndef SANITIZED
	{
		/* bound the memory that a damaged length can take */
		const struct rlimit mem = { (rlim_t)8 << 30, (rlim_t)8 << 30 };

		setrlimit(RLIMIT_AS, &mem);
	}
#endif
	for (int s = 1; s < 32; s++)
		signal(s, SIG_DFL);
	c->out = fdopen(out, "w");
	if (!c->out)
		_exit(3);
	f.value = counts(fd);
	child_send(c, &f, sizeof(f));

	tracecmd_set_loglevel(TEP_LOG_NONE);
	tep_set_loglevel(TEP_LOG_NONE);
	h = tracecmd_open_fd(fd, TRACECMD_FL_LOAD_NO_PLUGINS);
	if (!h)
		child_fail(c, "a trace.dat that is damaged or cut off");
	c->tep = tracecmd_get_tep(h);
	if (!c->tep)
		child_fail(c, "a trace.dat without descriptions of its events");
	resolve(c);
	dat_probes_resolve(&c->probes, c->tep);
	c->stack = tep_find_event_by_name(c->tep, "ftrace", "kernel_stack");
	c->frames = c->stack ? tep_find_field(c->stack, "caller") : NULL;
	/* trace-cmd record -B: the top buffer and its instances, merged by time */
	nr = tracecmd_buffer_instances(h);
	if (nr < 0 || nr > 4096)
		nr = 0;
	all = xcalloc((size_t)nr + 1, sizeof(struct tracecmd_input *));
	all[0] = h;
	for (int i = 0, n = nr; i < n; i++) {
		struct tracecmd_input *b = tracecmd_buffer_instance_handle(h, i);

		if (b)
			all[i + 1] = b;
		else
			child_fail(c, "a trace.dat whose buffer instance %d is damaged", i);
	}
	if (nr ? tracecmd_iterate_events_multi(all, nr + 1, record, c) < 0
	       : tracecmd_iterate_events(h, NULL, 0, record, c) < 0)
		child_fail(c, "the trace.dat is damaged after record %" PRIu64, c->line);
	f.type = FRAME_UNKNOWN;
	f.value = c->unknown % BEAT;
	child_send(c, &f, sizeof(f));
	f.type = FRAME_DONE;
	child_send(c, &f, sizeof(f));
	fflush(c->out);
	_exit(0);
}
