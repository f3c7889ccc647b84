// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * tracefs text: what `cat /sys/kernel/tracing/trace` prints, and `trace-cmd report` for all but
 * scatter lists.
 *
 *	kworker/u4:1-30      [000] d.h1.     3.373447: dma_unmap_page: 0000:00:02.0 dir=...
 *	TASK-PID  (TGID)     [CPU] flags TIME: EVENT: ...
 *
 * The TGID and the flags are there or not, as the tracer was set up. A task's name may hold
 * anything, '-', ' ', '/' and brackets as well, so the line is read from the first place where all
 * that follows fits.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include "internal.h"
#include "probes.h"
#include "scan.h"
#include "xalloc.h"

struct head {
	const char *task;
	size_t task_len;
	long pid;
	unsigned long cpu;
	uint64_t time;
	bool counts; /* no decimal point: a count, not a time */
	const char *name; /* of the event, NULL if none (a function trace) */
	size_t name_len;
	const char *rest; /* after the name and ':' */
};

/* "3.461021:" or "123456:" */
static bool timestamp(const char **p, struct head *h)
{
	const char *s = *p, *frac;
	uint64_t v, f = 0;

	if (!scan_decimal(&s, &v))
		return false;
	h->counts = *s != '.';
	if (!h->counts) {
		frac = ++s;
		for (; isdigit((unsigned char)*s); s++)
			if (s - frac < 9)
				f = f * 10 + (uint64_t)(*s - '0');
		if (s == frac)
			return false;
		for (ptrdiff_t i = s - frac; i < 9; i++)
			f *= 10;
		if (v > UINT64_MAX / 1000000000 - 1)
			return false;
		v = v * 1000000000 + f;
	}
	if (*s != ':' || (s[1] != ' ' && s[1] != '\0'))
		return false;
	h->time = v;
	*p = s + 1;
	return true;
}

/* What follows "[" if that is where the CPU stands */
static bool after_bracket(const char *s, struct head *h)
{
	const char *from;
	uint64_t cpu;

	if (!scan_decimal(&s, &cpu) || cpu > 1u << 20 || s[0] != ']' || s[1] != ' ')
		return false;
	h->cpu = cpu;
	s = scan_skip(s + 1);
	from = s;
	if (!timestamp(&s, h)) {
		s = from;
		while (isalnum((unsigned char)*s) || *s == '.' || *s == '#')
			s++;
		if (s == from || s - from > 10 || *s != ' ')
			return false;
		s = scan_skip(s);
		if (!timestamp(&s, h))
			return false;
	}
	s = scan_skip(s);
	from = s;
	while (isalnum((unsigned char)*s) || *s == '_')
		s++;
	h->name = NULL;
	h->name_len = 0;
	if (s > from && *s == ':') {
		h->name = from;
		h->name_len = (size_t)(s - from);
		s++;
	}
	h->rest = scan_skip(s);
	return true;
}

/* "TASK-PID (TGID)" before the bracket */
static bool before_bracket(const char *from, const char *to, struct head *h)
{
	const char *s;
	uint64_t pid;

	while (to > from && to[-1] == ' ')
		to--;
	/* A parenthesis that begins the line closes nothing. */
	if (to - from > 1 && to[-1] == ')') {
		for (s = to - 2;
		     s > from && (isdigit((unsigned char)*s) || *s == ' ' || *s == '-');)
			s--;
		if (*s == '(')
			for (to = s; to > from && to[-1] == ' ';)
				to--;
	}
	for (s = to; s > from && isdigit((unsigned char)s[-1]);)
		s--;
	if (s == to || s == from || s[-1] != '-' || !scan_decimal(&(const char *){ s }, &pid) ||
	    pid > INT32_MAX)
		return false;
	h->pid = (long)pid;
	to = s - 1;
	while (from < to && *from == ' ')
		from++;
	h->task = from;
	h->task_len = (size_t)(to - from);
	return true;
}

static bool head(const char *line, struct head *h)
{
	for (const char *p = strchr(line, '['); p; p = strchr(p + 1, '['))
		if (p > line && p[-1] == ' ' && after_bracket(p + 1, h) &&
		    before_bracket(line, p, h))
			return true;
	return false;
}

static int bad(const struct trace *t, struct trace_error *err, const char *name, const char *what)
{
	return trace_fail(t, err, "line %" PRIu64 ": %s: %s", t->line, name, what);
}

/* The value of a field ends at a space or at the end of the line. */
static bool at_end(const char *s)
{
	return *s == ' ' || *s == '\0';
}

static bool list64(const char **p, uint64_t **v, uint32_t *nr, uint32_t *cap)
{
	const char *s = *p;

	*nr = 0;
	if (*s++ != '{')
		return false;
	while (*s != '}') {
		uint64_t x;

		if (*nr && *s++ != ',')
			return false;
		if (!scan_hex(&s, &x))
			return false;
		xgrow(*v, *nr, *cap);
		(*v)[(*nr)++] = x;
	}
	*p = s + 1;
	return true;
}

static bool list32(const char **p, uint32_t **v, uint32_t *nr, uint32_t *cap)
{
	const char *s = *p;

	*nr = 0;
	if (*s++ != '{')
		return false;
	while (*s != '}') {
		uint64_t x;

		if (*nr && *s++ != ',')
			return false;
		if (!scan_hex(&s, &x) || x > UINT32_MAX)
			return false;
		xgrow(*v, *nr, *cap);
		(*v)[(*nr)++] = (uint32_t)x;
	}
	*p = s + 1;
	return true;
}

static bool direction(const char *s, size_t len, struct trace_event *ev, bool lenient)
{
	for (enum trace_dir d = 0; d < TRACE_DIR_UNKNOWN; d++) {
		const char *name = trace_dir_name(d);

		if (strlen(name) == len && memcmp(name, s, len) == 0) {
			ev->dir = d;
			return true;
		}
	}
	ev->dir = TRACE_DIR_UNKNOWN;
	return lenient;
}

/* "WEAK_ORDERING|SKIP_CPU_SYNC", bits without a name as "0x10000" */
static bool attributes(const char *s, size_t len, struct trace_event *ev)
{
	const char *end = s + len;

	while (s < end) {
		const char *bar = memchr(s, '|', (size_t)(end - s));
		const char *to = bar ? bar : end;
		uint64_t v;

		if (to == s)
			return false;
		if (isdigit((unsigned char)*s)) {
			if (!scan_hex(&s, &v) || s != to)
				return false;
			ev->attrs |= v;
		} else {
			for (const char *c = s; c < to; c++)
				if (!isalnum((unsigned char)*c) && *c != '_')
					return false;
			ev->attrs |= event_attr(s, (size_t)(to - s));
		}
		s = bar ? bar + 1 : end;
		if (bar && s == end)
			return false;
	}
	return true;
}

/* "128/187" */
static bool count(const char **p, uint32_t *shown, uint32_t *full)
{
	uint64_t a, b;

	if (!scan_decimal(p, &a) || *(*p)++ != '/' || !scan_decimal(p, &b) || a > b ||
	    b > UINT32_MAX)
		return false;
	*shown = (uint32_t)a;
	*full = (uint32_t)b;
	return true;
}

struct shown {
	uint32_t nents, ents, nr_lens;
};

/* One "key=value". Return: the EV_* bits it fills, 0 for a key that is not known, -1. */
static int field(struct trace *t, const char *key, size_t klen, const char **p,
		 struct trace_event *ev, unsigned int fields, struct shown *sh)
{
	const char *s = *p;
	bool ok = true;
	uint64_t v;
	int bits;

#define IS(name) (klen == sizeof(name) - 1 && memcmp(key, name, klen) == 0)
	if (IS("dir")) {
		s += strcspn(s, " ");
		ok = direction(*p, (size_t)(s - *p), ev, fields & EV_NODIR);
		bits = EV_DIR;
	} else if (IS("dma_addr")) {
		ok = scan_hex(&s, &ev->dma);
		bits = EV_DMA;
	} else if (IS("size")) {
		ok = scan_decimal(&s, &ev->size);
		bits = EV_SIZE;
	} else if (IS("phys_addr")) {
		ok = scan_hex(&s, &ev->phys);
		bits = EV_PHYS;
	} else if (IS("attrs")) {
		s += strcspn(s, " ");
		ok = attributes(*p, (size_t)(s - *p), ev);
		bits = EV_ATTRS;
	} else if (IS("virt_addr")) {
		/* "(____ptrval____)" is a hash not yet ready; "(null)" is no memory */
		if (*s == '(') {
			ev->has_virt = strncmp(s, "(null)", 6) == 0;
			s += strcspn(s, " ");
			ok = s[-1] == ')';
		} else {
			ok = scan_hex(&s, &ev->virt);
			ev->has_virt = true;
		}
		bits = EV_VIRT;
	} else if (IS("flags")) {
		/* names in all bundled kernels: their bits differ by kernel, so they are not kept */
		if (s[0] == '0' && s[1] == 'x')
			ok = scan_hex(&s, &ev->gfp);
		s += strcspn(s, " ");
		bits = EV_GFP;
	} else if (IS("phys_addrs") || (IS("dma_addrs") && (fields & EV_PDMAS))) {
		ok = list64(&s, &t->physs, &ev->nr_phys, &t->cap_physs);
		bits = EV_PHYSS | EV_PDMAS;
	} else if (IS("dma_addrs")) {
		ok = list64(&s, &t->dmas, &ev->nr_dma, &t->cap_dmas);
		bits = EV_DMAS;
	} else if (IS("sizes")) {
		ok = list32(&s, &t->lens, &sh->nr_lens, &t->cap_lens);
		bits = 1 << 30;
	} else if (IS("err")) {
		ok = *s == '-' ? (s++, true) : true;
		ok = scan_decimal(&s, &v) && v < 4096;
		ev->error = ok && **p == '-' ? -(int)v : (int)(ok ? v : 0);
		bits = EV_ERR;
	} else if (IS("nents")) {
		ok = count(&s, &sh->nents, &ev->nents);
		bits = EV_NENTS;
	} else if (IS("ents")) {
		ok = count(&s, &sh->ents, &ev->ents);
		bits = EV_NENTS;
	} else {
		s += strcspn(s, " ");
		bits = 0;
	}
#undef IS
	if (!ok || !at_end(s))
		return -1;
	*p = s;
	return bits;
}

/* "[TRUNCATED]" says what nents and ents say as well. */
static bool truncated(const char **p)
{
	static const char word[] = "[TRUNCATED]";

	if (strncmp(*p, word, sizeof(word) - 1) != 0)
		return false;
	*p += sizeof(word) - 1;
	return at_end(*p);
}

static int parse(struct trace *t, const struct event_desc *d, const char *s, struct trace_event *ev,
		 struct trace_error *err)
{
	/* the lists have two fields in the text: 1 << 30 stands for sizes= */
	unsigned int want = d->fields & ~(EV_NENTS | EV_NODIR), have = 0;
	struct shown sh = { 0, 0, 0 };
	const char *p, *dma;

	if (d->fields & EV_DMAS)
		want |= 1u << 30;
	if (d->fields & EV_NODIR)
		want &= ~EV_DIR;
	if (strstr(s, "[FAILED TO PARSE]"))
		return bad(t, err, d->name,
			   "trace-cmd report cannot print this event: give the trace.dat itself");
	/* dev_name() may hold spaces; the first field after it is one of these two */
	p = strstr(s, " dir=");
	dma = strstr(s, " dma_addr=");
	if (!p || (dma && dma < p))
		p = dma;
	if (!p || p == s)
		return bad(t, err, d->name, "no device, or cut off");
	while (p > s && p[-1] == ' ')
		p--;
	ev->device = intern(&t->devices, s, (size_t)(p - s));

	for (p = scan_skip(p); *p; p = scan_skip(p)) {
		const char *key = p;
		size_t klen;
		int bits;
		char what[80];

		if (truncated(&p))
			continue;
		p += strcspn(p, "= ");
		klen = (size_t)(p - key);
		if (*p != '=' || klen == 0) {
			snprintf(what, sizeof(what), "\"%.*s\" is not a field",
				 (int)(klen < 40 ? klen : 40), key);
			return bad(t, err, d->name, what);
		}
		p++;
		bits = field(t, key, klen, &p, ev, d->fields, &sh);
		if (bits < 0) {
			snprintf(what, sizeof(what),
				 "bad value of %.*s=", (int)(klen < 40 ? klen : 40), key);
			return bad(t, err, d->name, what);
		}
		have |= (unsigned int)bits;
	}
	if (want & ~have) {
		static const struct {
			unsigned int bit;
			const char *name;
		} names[] = {
			{ EV_DIR, "dir" },	    { EV_DMA, "dma_addr" },
			{ EV_SIZE, "size" },	    { EV_PHYS, "phys_addr" },
			{ EV_PHYSS, "phys_addrs" }, { EV_DMAS, "dma_addrs" },
			{ 1u << 30, "sizes" },	    { EV_ERR, "err" },
			{ EV_VIRT, "virt_addr" },   { EV_GFP, "flags" },
			{ EV_ATTRS, "attrs" },	    { EV_PDMAS, "dma_addrs" },
		};
		char what[80];

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (!(names[i].bit & want & ~have))
				continue;
			snprintf(what, sizeof(what), "no %s=: the line is cut off or damaged",
				 names[i].name);
			return bad(t, err, d->name, what);
		}
	}
	if ((d->fields & EV_DMAS) && ev->nr_dma != sh.nr_lens)
		return bad(t, err, d->name, "dma_addrs and sizes differ in length");
	if ((have & EV_NENTS) && (sh.nents != ev->nr_phys || sh.ents != ev->nr_dma))
		return bad(t, err, d->name, "the lists are not as long as nents and ents say");
	if (d->kind == TRACE_MAP_SG && (ev->nr_phys == 0 || ev->nr_dma == 0))
		return bad(t, err, d->name, "an empty scatter list");
	ev->physs = ev->nr_phys ? t->physs : NULL;
	ev->dmas = ev->nr_dma ? t->dmas : NULL;
	ev->lens = ev->nr_dma ? t->lens : NULL;
	event_finish(ev, d->fields);
	return 1;
}

static int lost(struct trace *t, struct trace_event *ev, enum trace_lost how, uint32_t cpu,
		uint64_t events)
{
	ev->kind = TRACE_LOST;
	ev->name = "lost";
	ev->time = t->last_time;
	ev->cpu = cpu;
	ev->lost = how;
	ev->lost_cpu = cpu;
	ev->lost_events = events;
	return 1;
}

/* Lines that are no events but say that some are missing. Return: 1 if this is one, else 0. */
static int hole(struct trace *t, const char *s, struct trace_event *ev)
{
	static const char entries[] = "entries-in-buffer/entries-written:";
	uint64_t a, b;
	const char *p;

	if (*s == '#') {
		p = strstr(s, entries);
		if (p) {
			p = scan_skip(p + sizeof(entries) - 1);
			if (scan_decimal(&p, &a) && *p++ == '/' && scan_decimal(&p, &b) && a < b)
				return lost(t, ev, TRACE_LOST_OVERWRITTEN, TRACE_NO_CPU, b - a);
			return 0;
		}
		p = strstr(s, "## CPU ");
		if (p) {
			p += 7;
			if (scan_decimal(&p, &a) && a < TRACE_NO_CPU &&
			    strncmp(p, " buffer started", 15) == 0)
				return lost(t, ev, TRACE_LOST_BEFORE, (uint32_t)a, 0);
		}
		return 0;
	}
	/* the kernel's "CPU:2 [LOST 10 EVENTS]", trace-cmd's "CPU:2 [10 EVENTS DROPPED]" */
	if (strncmp(s, "CPU:", 4) == 0) {
		p = s + 4;
		if (!scan_decimal(&p, &a) || a >= TRACE_NO_CPU)
			return 0;
		p = scan_skip(p);
		if (*p++ != '[' || !(strstr(p, "LOST") || strstr(p, "DROPPED")))
			return 0;
		while (*p && !isdigit((unsigned char)*p))
			p++;
		if (!scan_decimal(&p, &b))
			b = 0;
		return lost(t, ev, TRACE_LOST_HERE, (uint32_t)a, b);
	}
	/* the event's text did not fit into the kernel's page: one event, of which CPU is not said */
	if (strncmp(s, "[LINE TOO BIG]", 14) == 0)
		return lost(t, ev, TRACE_LOST_HERE, TRACE_NO_CPU, 1);
	return 0;
}

/* What trace-cmd report prints ahead of the events */
static bool preamble(const char *s)
{
	return strncmp(s, "cpus=", 5) == 0 || strncmp(s, "version = ", 10) == 0 ||
	       (strncmp(s, "CPU ", 4) == 0 && strstr(s, " is empty"));
}

/* Events whose text goes on in further lines: stacks, and what user space wrote */
static bool goes_on(const struct head *h)
{
	static const char *const names[] = { "kernel_stack", "user_stack",	   "print",
					     "bprint",	     "tracing_mark_write", "bputs",
					     "raw_data" };

	for (size_t i = 0; h->name && i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == h->name_len && memcmp(names[i], h->name, h->name_len) == 0)
			return true;
	return false;
}

/* What the IOMMU's own event tells within a call of which the probes do not tell the address */
static void iova(struct trace *t, const struct head *h)
{
	static const char is[] = "IOMMU: iova=";
	const char *s = h->rest + sizeof(is) - 1;
	uint64_t v;

	if (h->name && h->name_len == 3 && memcmp(h->name, "map", 3) == 0 &&
	    strncmp(h->rest, is, sizeof(is) - 1) == 0 && scan_hex(&s, &v))
		pair_iova(t, (int32_t)h->pid, (uint32_t)h->cpu, v);
}

/* Return: 1, 0: no event yet, -1 */
static int probe(struct trace *t, const struct head *h, struct probe *p, bool ended,
		 struct trace_event *ev, struct trace_error *err)
{
	const char *wrong = probe_text(h->rest, p);
	struct trace_event from;

	if (wrong && !ended) {
		t->info.cut = t->line;
		return 0;
	}
	if (wrong)
		return trace_fail(t, err, "line %" PRIu64 ": %s: %s", t->line, p->desc->name,
				  wrong);
	t->info.probes++;
	ev->task = trace_task(t, h->task, h->task_len);
	from = *ev;
	return pair_probe(t, &from, p, ev);
}

int text_next(struct trace *t, struct trace_event *ev, struct trace_error *err)
{
	const struct event_desc *d;
	struct probe p;
	struct head h;
	size_t len;
	bool ended, is_probe;
	char *s;
	int r;

	while ((r = source_line(t->src, &s, &len, &ended, err)) > 0) {
		t->line++;
		if (t->line == 1 && len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0) {
			s += 3;
			len -= 3;
		}
		if (len && s[len - 1] == '\r')
			s[--len] = '\0';
		if (strlen(s) != len)
			return trace_fail(t, err,
					  "line %" PRIu64 ": not text (it holds a byte of 0)",
					  t->line);
		*ev = (struct trace_event){ .line = t->line,
					    .dma = TRACE_NO_ADDR,
					    .phys = TRACE_NO_ADDR,
					    .device = TRACE_NO_DEVICE,
					    .dir = TRACE_DIR_UNKNOWN,
					    .task = "" };
		if (hole(t, s, ev)) {
			pair_forget(t);
			return 1;
		}
		if (*scan_skip(s) == '\0' || *s == '#')
			continue;
		/* without the name of an event it is a function ("f <-caller") or cut off */
		if (!head(s, &h) || (!h.name && !strstr(h.rest, "<-"))) {
			if (t->multiline || strncmp(scan_skip(s), "=>", 2) == 0 ||
			    (t->info.events + t->info.unknown == 0 && preamble(s)))
				continue;
			if (!ended) {
				t->info.cut = t->line;
				continue;
			}
			return trace_fail(t, err, "line %" PRIu64 ": not a line of a trace%s",
					  t->line,
					  t->line == 1 ? ", and this is the first" : ": cut off?");
		}
		t->multiline = goes_on(&h);
		t->last_time = h.time;
		d = h.name ? event_find(h.name, h.name_len) : NULL;
		is_probe = !d && h.name && probe_find(h.name, h.name_len, &p);
		if (!d && !is_probe) {
			iova(t, &h);
			t->info.unknown++;
			continue;
		}
		if (h.counts)
			t->info.counts = true;
		ev->time = h.time;
		ev->cpu = (uint32_t)h.cpu;
		ev->pid = (int32_t)h.pid;
		if (is_probe) {
			r = probe(t, &h, &p, ended, ev, err);
			if (r == 0)
				continue;
			return r;
		}
		ev->name = d->name;
		ev->kind = d->kind;
		r = parse(t, d, h.rest, ev, err);
		if (r < 0 && !ended) {
			t->info.cut = t->line;
			continue;
		}
		if (r > 0)
			ev->task = trace_task(t, h.task, h.task_len);
		return r;
	}
	return r;
}
