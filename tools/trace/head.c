// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Beginnings of lines, as tracefs, trace-cmd and perf print them (head_log.c: the kernel's log):
 *
 *	kworker/u4:1-30      [000] d.h1.     3.373447: dma_unmap_page: 0000:00:02.0 dir=...
 *	TASK-PID  (TGID)     [CPU] flags TIME: EVENT: ...
 *
 * The TGID and the flags are there or not, as the tracer was set up. A task's name may hold any
 * character, '-', ' ', '/' and brackets as well, so a line is read from the first place where all
 * that follows fits.
 *
 * Facts: kernel/trace/trace_output.c and trace_functions_graph.c of Linux 6.12 and 7.3.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "scan.h"
#include "text.h"

/* Read "3.461021:" or "123456:". */
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

/* Skip "(+1234)", which trace-cmd report --ts-diff prints after the time. */
static const char *skip_difference(const char *s)
{
	size_t n;

	if (s[0] != '(' || s[1] != '+')
		return s;
	n = strspn(s + 2, "0123456789.");
	return n && s[n + 2] == ')' ? scan_skip(s + n + 3) : s;
}

static size_t ident(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

void head_event(const char *s, struct head *h)
{
	const char *at = s;
	uint64_t period;
	size_t n;

	h->name = NULL;
	h->name_len = 0;
	h->rest = s;
	if (scan_decimal(&at, &period) && *at == ' ')
		at = scan_skip(at);
	else
		at = s;
	n = ident(at);
	if (!n || at[n] != ':')
		return;
	if (ident(at + n + 1) && at[n + 1 + ident(at + n + 1)] == ':') {
		h->layout = LAYOUT_PERF;
		at += n + 1;
		n = ident(at);
	} else if (at != s) {
		return;
	}
	h->name = at;
	h->name_len = n;
	h->rest = scan_skip(at + n + 1);
}

/* Read from the CPU's number on. */
static bool after_bracket(const char *s, struct head *h)
{
	const char *from;
	uint64_t cpu;

	h->layout = LAYOUT_TRACE;
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
	head_event(skip_difference(scan_skip(s)), h);
	return true;
}

static void set_task(const char *from, const char *to, struct head *h)
{
	while (from < to && (*from == ' ' || *from == '\t'))
		from++;
	while (to > from && to[-1] == ' ')
		to--;
	h->task = from;
	h->task_len = (size_t)(to - from);
}

/* Read perf's "TASK PID" or "TASK PID/TID" before the bracket. */
static bool before_bracket_perf(const char *from, const char *to, struct head *h)
{
	const char *s;
	uint64_t pid;

	while (to > from && to[-1] == ' ')
		to--;
	for (s = to; s > from && isdigit((unsigned char)s[-1]);)
		s--;
	if (s == to || !scan_decimal(&(const char *){ s }, &pid) || pid > INT32_MAX)
		return false;
	if (s > from && s[-1] == '/')
		for (s--; s > from && isdigit((unsigned char)s[-1]);)
			s--;
	if (s == from || s[-1] != ' ')
		return false;
	h->pid = (long)pid;
	set_task(from, s, h);
	return true;
}

/* Read "TASK-PID (TGID)" before the bracket. */
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
	set_task(from, s - 1, h);
	return true;
}

/* ---- latency-format ---- */

/*
 * Read "  28us+: EVENT:", "96858322us : EVENT:" or "10.000000: EVENT:". The character after "us"
 * marks a long wait.
 */
static bool latency_time(const char *s, struct head *h)
{
	const char *at = s;
	uint64_t us;

	if (scan_decimal(&at, &us) && at[0] == 'u' && at[1] == 's' && at[2] &&
	    us < UINT64_MAX / 1000) {
		at += at[2] == ':' ? 2 : 3;
		if (*at++ != ':')
			return false;
		h->time = us * 1000;
		h->counts = false;
	} else {
		at = s;
		if (!timestamp(&at, h))
			return false;
	}
	head_event(skip_difference(scan_skip(at)), h);
	return h->name || strncmp(h->rest, "<", 1) == 0 || strstr(h->rest, "<-");
}

/* Read "PID  CPUflags  TIME: EVENT:" after the '-' of "TASK-PID". */
static bool after_dash(const char *s, struct head *h)
{
	uint64_t pid, cpu;

	if (!scan_decimal(&s, &pid) || pid > INT32_MAX || *s != ' ')
		return false;
	s = scan_skip(s);
	if (!scan_decimal(&s, &cpu) || cpu > 1u << 20 || *s == ' ' || !*s)
		return false;
	while (isalnum((unsigned char)*s) || *s == '.' || *s == '#')
		s++;
	if (*s != ' ')
		return false;
	h->layout = LAYOUT_LATENCY;
	h->pid = (long)pid;
	h->cpu = cpu;
	return latency_time(scan_skip(s), h);
}

static bool latency(const char *line, struct head *h)
{
	for (const char *p = strchr(line, '-'); p; p = strchr(p + 1, '-')) {
		if (!after_dash(p + 1, h))
			continue;
		set_task(line, p, h);
		return h->task_len > 0;
	}
	return false;
}

/* perf script -F without cpu: "TASK PID TIME: SYSTEM:EVENT:" */
static bool perf_without_cpu(const char *line, struct head *h)
{
	for (const char *p = strchr(line, ':'); p && p[1] == ' '; p = strchr(p + 1, ':')) {
		const char *time = p, *at;

		while (time > line && (isdigit((unsigned char)time[-1]) || time[-1] == '.'))
			time--;
		if (time == p || time == line || time[-1] != ' ')
			continue;
		at = time;
		h->layout = LAYOUT_TRACE;
		h->cpu = HEAD_NO_CPU;
		if (!timestamp(&at, h) || h->counts)
			continue;
		head_event(scan_skip(at), h);
		if (h->layout == LAYOUT_PERF && before_bracket_perf(line, time, h))
			return true;
	}
	return false;
}

bool head_read(const char *line, struct head *h)
{
	for (const char *p = strchr(line, '['); p; p = strchr(p + 1, '['))
		if (p > line && p[-1] == ' ' && after_bracket(p + 1, h) &&
		    (before_bracket(line, p, h) || (h->name && before_bracket_perf(line, p, h))))
			return true;
	return latency(line, h) || perf_without_cpu(line, h);
}

/* ---- function_graph ---- */

/* Read "TASK-PID" of the option funcgraph-proc, between the CPU and the next '|'. */
static void graph_task(const char *s, struct head *h)
{
	const char *bar = strchr(s, '|'), *p;

	h->task = "";
	h->task_len = 0;
	h->pid = 0;
	for (p = bar ? bar : s; p > s && p[-1] == ' ';)
		p--;
	for (bar = p; p > s && isdigit((unsigned char)p[-1]);)
		p--;
	if (p == bar || p == s || p[-1] != '-')
		return;
	h->pid = strtol(p, NULL, 10);
	set_task(s, p - 1, h);
}

enum graph_line head_graph(char *line, bool begun, struct head *h)
{
	const char *s = scan_skip(line), *from;
	char *comment, *end;
	uint64_t cpu;

	if (strncmp(s, "----------", 10) == 0)
		return GRAPH_OTHER;
	*h = (struct head){ .layout = LAYOUT_GRAPH, .counts = true };
	/* the option funcgraph-abstime: "  95.619417 |   0)  ..." */
	from = s;
	if (scan_decimal(&s, &cpu) && *s == '.') {
		uint64_t us;

		s++;
		if (!scan_decimal(&s, &us) || us >= 1000000)
			return GRAPH_NONE;
		h->time = cpu * 1000000000 + us * 1000;
		h->counts = false;
		s = scan_skip(s);
		if (*s++ != '|')
			return GRAPH_NONE;
		s = scan_skip(s);
	} else {
		s = from;
	}
	from = s;
	if (scan_decimal(&s, &cpu) && cpu <= 1u << 20 && *s == ')') {
		s++;
		h->cpu = cpu;
	} else {
		/* without the option funcgraph-cpu there is a duration, or the bar */
		h->cpu = HEAD_NO_CPU;
		s = from;
		if (!begun || !strchr(s, '|'))
			return GRAPH_NONE;
	}
	comment = strstr(s, "/* ");
	if (!comment)
		return strchr(s, '|') || strstr(s, "=>") ? GRAPH_OTHER : GRAPH_NONE;
	graph_task(s, h);
	head_event(comment + 3, h);
	end = strstr(comment, " */");
	if (!h->name || !end)
		return GRAPH_OTHER;
	*end = '\0';
	return GRAPH_EVENT;
}
