// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Text traces, line by line: `cat /sys/kernel/tracing/trace` in its variants, trace-cmd report, perf
 * script, the kernel's log, and mails and issues that quote one of them.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include "clean.h"
#include "iommu_maps.h"
#include "probes.h"
#include "scan.h"
#include "text.h"
#include "xalloc.h"

/* Lines that a mail program may have made of one */
#define MOST_JOINED 16

/**
 * struct text - state between two lines
 * @last_time: of the last event
 * @multiline: the last event may go on in further lines
 * @quoting: the text quotes a trace, so that prose around it is passed over
 * @prose: other text stood before the first event
 * @clean: takes away what mail programs add
 * @graph: the function_graph tracer wrote this
 * @printk: this is the kernel's log
 * @stack: frames of a stack trace may follow
 * @stack_cpu, @stack_pid: CPU and task of that stack trace
 * @refusal: message for the first line that is no part of a trace, if no event follows
 * @joined: an event that a mail program broke into lines, so far
 * @joined_len, @joined_cap, @joined_lines: its bytes and lines
 * @joined_line: number of its first line
 */
struct text {
	uint64_t last_time;
	bool multiline;
	bool quoting;
	bool prose;
	struct clean clean;
	bool graph;
	bool printk;
	bool stack;
	uint32_t stack_cpu;
	int32_t stack_pid;
	char *refusal;
	char *joined;
	size_t joined_len, joined_cap;
	unsigned int joined_lines;
	uint64_t joined_line;
};

void text_open(struct trace *t)
{
	t->text = xcalloc(1, sizeof(*t->text));
}

void text_close(struct trace *t)
{
	if (!t->text)
		return;
	free(t->text->refusal);
	free(t->text->joined);
	free(t->text->clean.part);
	free(t->text);
}

/* ---- losses ---- */

static int lost(struct trace *t, struct trace_event *ev, enum trace_lost how, uint32_t cpu,
		uint64_t events)
{
	ev->kind = TRACE_LOST;
	ev->name = "lost";
	ev->time = t->text->last_time;
	ev->cpu = cpu;
	ev->lost = how;
	ev->lost_cpu = cpu;
	ev->lost_events = events;
	return 1;
}

/* Read a line that says that events are missing. Return: 1 if this is one, else 0. */
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

/* ---- lines that are no events ---- */

/* Returns true for a line that trace-cmd report prints before the events. */
static bool preamble(const char *s)
{
	return strncmp(s, "cpus=", 5) == 0 || strncmp(s, "version = ", 10) == 0 ||
	       (strncmp(s, "CPU ", 4) == 0 && strstr(s, " is empty"));
}

/* Returns true for an event whose text goes on in further lines: text that user space wrote. */
static bool is_multiline(const struct head *h)
{
	static const char *const names[] = { "user_stack",	   "print", "bprint",
					     "tracing_mark_write", "bputs", "raw_data" };

	for (size_t i = 0; h->name && i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == h->name_len && memcmp(names[i], h->name, h->name_len) == 0)
			return true;
	return false;
}

/* Skip the marks of quoted mail, "> " and "> > ". */
static char *skip_quote(struct trace *t, char *s)
{
	char *p = (char *)(uintptr_t)scan_skip(s);

	if (*p != '>')
		return s;
	t->text->quoting = true;
	/* leave the blanks before the trace's own text: a stack frame begins with one */
	while (*p == '>' || (p[0] == ' ' && p[1] == '>'))
		p++;
	return p;
}

/* Returns true for a line that begins or ends a block of literal text in Markdown, Jira or HTML. */
static bool is_fence(const char *s)
{
	static const char *const fences[] = { "```",	   "~~~",      "{noformat", "{code",
					      "<pre>",	   "</pre>",   "<code>",    "</code>",
					      "<details>", "</details" };

	s = scan_skip(s);
	for (size_t i = 0; i < sizeof(fences) / sizeof(fences[0]); i++)
		if (strncmp(s, fences[i], strlen(fences[i])) == 0)
			return true;
	return false;
}

static bool is_mail_header(const char *s)
{
	static const char *const headers[] = { "From ",	      "From:",	     "Subject:",  "Date:",
					       "To:",	      "Message-ID:", "Received:", "Cc:",
					       "Message-Id:", "Return-Path:" };

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (strncmp(s, headers[i], strlen(headers[i])) == 0)
			return true;
	return false;
}

/*
 * Returns true if a line that cannot be read has parts of a DMA event: passing it over would lose
 * one. Prose around a quoted trace may name functions, but has no fields.
 */
static bool is_damaged_event(const struct text *x, const char *s)
{
	if (x->quoting || x->printk)
		return strstr(s, "dir=") && (strstr(s, "dma_addr") || strstr(s, "phys_addr"));
	return strstr(s, "dma_addr=") || strstr(s, "phys_addr=") || strstr(s, "dma_map_") ||
	       strstr(s, "dma_unmap_") || strstr(s, "dma_alloc") || strstr(s, "dma_free") ||
	       strstr(s, "dma_sync_");
}

static void pass_over(struct trace *t)
{
	if (!t->info.other_text++)
		t->info.first_other = t->line;
}

/*
 * Handle a line that is no part of a trace. Prose may stand before a trace, and around one that is
 * quoted. In the middle of a trace such a line is damage.
 *
 * Return: 0 to go on, -1.
 */
static int other_line(struct trace *t, const char *s, bool ended, struct trace_error *err)
{
	struct text *x = t->text;
	bool begun = t->info.events + t->info.unknown != 0;
	const char *foreign = begun ? NULL : foreign_format(s);

	if (x->multiline || (!begun && preamble(s)))
		return 0;
	if (foreign)
		return trace_fail(t, err, "line %" PRIu64 ": this is %s", t->line, foreign);
	if (is_mail_header(s) && !begun)
		x->quoting = true;
	if ((x->quoting || (x->prose && begun)) && !is_damaged_event(x, s)) {
		pass_over(t);
		return 0;
	}
	if (begun && !ended) {
		t->info.cut = t->line;
		return 0;
	}
	trace_fail(t, err, "line %" PRIu64 ": not a line of a trace%s", t->line,
		   t->line == 1 ? ", and this is the first: record one with dmah record, or copy "
				  "/sys/kernel/tracing/trace"
				: ": cut off?");
	if (begun || is_damaged_event(x, s))
		return -1;
	/* prose before a trace: there may be more behind it */
	if (!x->refusal)
		x->refusal = xstrdup(err->text);
	x->prose = true;
	pass_over(t);
	return 0;
}

/* ---- stack traces ---- */

/* Begin the stack of a task's last event. */
static void expect_stack(struct trace *t, const struct head *h)
{
	t->text->stack = true;
	t->text->stack_cpu = (uint32_t)h->cpu;
	t->text->stack_pid = (int32_t)h->pid;
}

/* Return: false if the line is no frame. */
static bool stack_line(struct trace *t, const char *s)
{
	const char *name;
	size_t len;

	if (!stack_frame(s, &name, &len))
		return false;
	if (t->text->stack && name && !stack_is_dma_api(name, len)) {
		trace_caller(t, t->text->stack_cpu, t->text->stack_pid, name, len);
		t->text->stack = false;
	}
	return true;
}

/* ---- events ---- */

/* Read iommu:map, which may tell the address of a call of which the probes do not. */
static void iommu_map(struct trace *t, const struct head *h)
{
	static const char is[] = "IOMMU: iova=";
	const char *s = h->rest + sizeof(is) - 1;
	uint64_t first, end;

	if (h->name_len != 3 || memcmp(h->name, "map", 3) != 0 ||
	    strncmp(h->rest, is, sizeof(is) - 1) != 0 || !scan_hex(&s, &first))
		return;
	pair_iova(t, (int32_t)h->pid, (uint32_t)h->cpu, first);
	if (strncmp(s, " - ", 3) == 0) {
		s += 3;
		if (scan_hex(&s, &end) && end > first)
			iommu_maps_add(t, (int32_t)h->pid, (uint32_t)h->cpu, first, end - 1);
	}
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

/* Keep the beginning of an event that a mail program may have broken into lines. */
static void begin_join(struct text *x, const char *s, uint64_t line)
{
	size_t n = strlen(s);

	if (x->joined_cap <= n) {
		x->joined = xreallocarray(x->joined, n + 1, 1);
		x->joined_cap = n + 1;
	}
	memcpy(x->joined, s, n + 1);
	x->joined_len = n;
	x->joined_lines = 1;
	x->joined_line = line;
}

static void add_join(struct text *x, const char *s)
{
	size_t n;

	s = scan_skip(s);
	n = strlen(s);
	if (x->joined_cap < x->joined_len + n + 2) {
		x->joined_cap = 2 * x->joined_cap + n + 2;
		x->joined = xreallocarray(x->joined, x->joined_cap, 1);
	}
	x->joined[x->joined_len++] = ' ';
	memcpy(x->joined + x->joined_len, s, n + 1);
	x->joined_len += n;
	x->joined_lines++;
}

/* Returns true if the line is the beginning of an event that may go on in the next line. */
static bool may_join(struct trace *t, const struct head *h, const char *s)
{
	if (strstr(h->rest, "[FAILED TO PARSE]") || t->text->joined_lines >= MOST_JOINED)
		return false;
	if (!t->text->joined_lines)
		begin_join(t->text, s, t->line);
	return true;
}

static void fresh(struct trace *t, struct trace_event *ev)
{
	*ev = (struct trace_event){ .line = t->line,
				    .dma = TRACE_NO_ADDR,
				    .phys = TRACE_NO_ADDR,
				    .device = TRACE_NO_DEVICE,
				    .dir = TRACE_DIR_UNKNOWN,
				    .task = "",
				    .caller = "" };
}

/* A DMA event. @s is the whole line. Return: 1, 0: no event, -1 */
static int dma_event(struct trace *t, const struct head *h, const struct event_desc *d,
		     const char *s, bool ended, struct trace_event *ev, struct trace_error *err)
{
	int r;

	ev->name = d->name;
	ev->kind = d->kind;
	r = fields_read(t, d, h->rest, ev, err);
	if (r > 0) {
		ev->task = trace_task(t, h->task, h->task_len);
		/* perf prints a call chain at once */
		if (h->layout == LAYOUT_PERF)
			expect_stack(t, h);
		return 1;
	}
	if (!ended) {
		t->info.cut = t->line;
		return 0;
	}
	if (h->layout == LAYOUT_PRINTK) {
		/* the kernel cuts a message at 1 KiB: a long list */
		fresh(t, ev);
		return lost(t, ev, TRACE_LOST_HERE, TRACE_NO_CPU, 1);
	}
	return may_join(t, h, s) ? 0 : -1;
}

/* A line with a head. Return: 1, 0: no event, -1 */
static int head_line(struct trace *t, const struct head *h, const char *s, bool ended,
		     struct trace_event *ev, struct trace_error *err)
{
	const struct event_desc *d;
	struct probe p;

	t->text->multiline = is_multiline(h);
	t->text->stack = false;
	if ((!h->name && strncmp(h->rest, "<stack trace", 12) == 0) ||
	    (h->name_len == 12 && memcmp(h->name, "kernel_stack", 12) == 0)) {
		expect_stack(t, h);
		t->info.unknown++;
		return 0;
	}
	t->text->last_time = h->time;
	d = h->name ? event_find(h->name, h->name_len) : NULL;
	if (!d && !(h->name && probe_find(h->name, h->name_len, &p))) {
		if (h->name)
			iommu_map(t, h);
		t->info.unknown++;
		return 0;
	}
	if (h->counts)
		t->info.counts = true;
	ev->time = h->time;
	ev->cpu = (uint32_t)h->cpu;
	ev->pid = (int32_t)h->pid;
	return d ? dma_event(t, h, d, s, ended, ev, err) : probe(t, h, &p, ended, ev, err);
}

/* A line of the kernel's log. Return: 1, 0: no event, -1, 2: not one */
static int printk_line(struct trace *t, char *s, bool ended, struct trace_event *ev,
		       struct trace_error *err)
{
	struct head h, inner;
	const char *message = head_printk(s, &h);

	if (!message)
		return t->text->printk && !is_damaged_event(t->text, s) ? 0 : 2;
	t->text->printk = true;
	/* ftrace_dump_on_oops writes the trace into the log */
	if (head_read(message, &inner))
		return head_line(t, &inner, message, ended, ev, err);
	if (stack_line(t, message))
		return 0;
	if (!h.name ||
	    !(event_find(h.name, h.name_len) || (h.name_len == 3 && memcmp(h.name, "map", 3) == 0)))
		return is_damaged_event(t->text, message) ? 2 : 0;
	/* without a time, lines count */
	if (h.counts)
		h.time = t->line;
	return head_line(t, &h, message, ended, ev, err);
}

/* A line of the function_graph tracer. Return: 1, 0: no event, -1, 2: not one */
static int graph_line(struct trace *t, char *s, bool ended, struct trace_event *ev,
		      struct trace_error *err)
{
	struct head h;

	switch (head_graph(s, t->text->graph, &h)) {
	case GRAPH_NONE:
		return 2;
	case GRAPH_OTHER:
		t->text->graph = true;
		return 0;
	default:
		t->text->graph = true;
		/* without the option funcgraph-abstime, lines count */
		if (h.counts)
			h.time = t->line;
		return head_line(t, &h, s, ended, ev, err);
	}
}

/* A line of any layout. Return: 1, 0: no event, -1 */
static int any_line(struct trace *t, char *s, bool ended, struct trace_event *ev,
		    struct trace_error *err)
{
	struct head h;
	int r;

	/* the kernel's log may hold lines of every other layout */
	if (*scan_skip(s) == '[' || *s == '<') {
		r = printk_line(t, s, ended, ev, err);
		if (r != 2)
			return r;
	}
	/* without the name of an event it is a function ("f <-caller"), a stack, or cut off */
	if (!t->text->graph && head_read(s, &h)) {
		if (h.name || *h.rest == '<' || strstr(h.rest, "<-"))
			return head_line(t, &h, s, ended, ev, err);
		/* the event's name may stand in the next line of a mail */
		if (!*h.rest && ended && may_join(t, &h, s))
			return 0;
	}
	if (stack_line(t, s))
		return 0;
	if (is_fence(s)) {
		t->text->quoting = true;
		return 0;
	}
	r = graph_line(t, s, ended, ev, err);
	if (r != 2)
		return r;
	r = printk_line(t, s, ended, ev, err);
	if (r != 2)
		return r;
	return other_line(t, s, ended, err);
}

/* Try an event that was broken into lines with one more. Return: 1, 0: not whole yet, -1 */
static int join_line(struct trace *t, char *s, struct trace_event *ev, struct trace_error *err)
{
	struct text *x = t->text;
	uint64_t line = t->line;
	struct head h;
	int r = 0;

	if (!head_read(s, &h) && *scan_skip(s) && x->joined_lines < MOST_JOINED) {
		add_join(x, s);
		ev->line = x->joined_line;
		t->line = x->joined_line;
		r = any_line(t, x->joined, true, ev, err);
		t->line = line;
		if (r > 0)
			x->joined_lines = 0;
		return r;
	}
	/* the next event begins, and this one never was whole: say why */
	x->joined_lines = MOST_JOINED;
	ev->line = x->joined_line;
	t->line = x->joined_line;
	return any_line(t, x->joined, true, ev, err);
}

/* No event followed the first line that is no part of a trace. */
static int refuse(const struct trace *t, struct trace_error *err)
{
	snprintf(err->text, sizeof(err->text), "%s", t->text->refusal);
	return -1;
}

/* The text has ended. Return: 0, or -1 */
static int at_text_end(struct trace *t, struct trace_event *ev, struct trace_error *err)
{
	struct text *x = t->text;

	if (x->joined_lines) {
		x->joined_lines = MOST_JOINED;
		ev->line = t->line = x->joined_line;
		return any_line(t, x->joined, true, ev, err);
	}
	if (t->info.events + t->info.unknown == 0 && x->refusal)
		return refuse(t, err);
	return 0;
}

int text_next(struct trace *t, struct trace_event *ev, struct trace_error *err)
{
	size_t len;
	bool ended;
	char *s;
	int r;

	while ((r = source_line(t->src, &s, &len, &ended, err)) > 0) {
		t->line++;
		if (!clean_line(&t->text->clean, &s, &len))
			continue;
		if (strlen(s) != len && t->text->refusal)
			return refuse(t, err);
		if (strlen(s) != len)
			return trace_fail(t, err,
					  "line %" PRIu64
					  ": not text (it holds a byte of 0): a copy of "
					  "trace_pipe_raw, or options/bin? "
					  "Record with dmah record, or copy "
					  "/sys/kernel/tracing/trace",
					  t->line);
		s = skip_quote(t, s);
		fresh(t, ev);
		if (t->text->joined_lines) {
			r = join_line(t, s, ev, err);
			if (r)
				return r;
			continue;
		}
		if (hole(t, s, ev)) {
			pair_forget(t);
			return 1;
		}
		if (*scan_skip(s) == '\0')
			continue;
		if (*scan_skip(s) == '#') {
			if (strstr(s, "tracer: function_graph"))
				t->text->graph = true;
			if (t->info.events + t->info.unknown == 0 && foreign_comment(s))
				return trace_fail(t, err, "line %" PRIu64 ": this is %s", t->line,
						  foreign_comment(s));
			continue;
		}
		r = any_line(t, s, ended, ev, err);
		if (r)
			return r;
	}
	return r < 0 ? r : at_text_end(t, ev, err);
}
