/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Parts of the text reader. */
#ifndef DMAH_TOOLS_TRACE_TEXT_H
#define DMAH_TOOLS_TRACE_TEXT_H

#include "internal.h"

/** enum layout - how a line was printed */
enum layout {
	LAYOUT_TRACE, /* tracefs, and trace-cmd report */
	LAYOUT_LATENCY, /* tracefs with latency-format, and ftrace_dump_on_oops */
	LAYOUT_PERF, /* perf script */
	LAYOUT_GRAPH, /* a comment of the function_graph tracer */
	LAYOUT_PRINTK, /* a kernel message of tp_printk */
};

/** HEAD_NO_CPU - the line does not tell the CPU */
#define HEAD_NO_CPU TRACE_NO_CPU

/** struct head - the beginning of a line, up to the event's own text */
struct head {
	enum layout layout;
	const char *task;
	size_t task_len;
	long pid;
	unsigned long cpu;
	uint64_t time;
	bool counts; /* a count, not a time */
	const char *name; /* of the event, NULL if none (a function trace) */
	size_t name_len;
	const char *rest; /* after the name and ':' */
};

/** head_read() - read the head of a line of tracefs, trace-cmd report or perf script */
bool head_read(const char *line, struct head *h);

/** head_event() - read "EVENT:", or perf's "[PERIOD] SYSTEM:EVENT:", into name, rest and layout */
void head_event(const char *s, struct head *h);

/** enum graph_line - content of a line of the function_graph tracer */
enum graph_line { GRAPH_NONE, GRAPH_OTHER, GRAPH_EVENT };

/**
 * head_graph() - read a line of the function_graph tracer
 * @line: line; a comment's end is cut off
 * @begun: the text is known to be of this tracer, so that a line may be without its CPU
 * @h: filled in for GRAPH_EVENT; h->counts is set if there is no time
 */
enum graph_line head_graph(char *line, bool begun, struct head *h);

/**
 * head_printk() - read a kernel message
 * @line: line
 * @h: filled in; h->name is NULL if the message is no event
 *
 * Return: the message, after its time and so on, or NULL: not a kernel message.
 */
const char *head_printk(const char *line, struct head *h);

/**
 * fields_read() - read the fields of a DMA event
 * @t: trace; its lists are filled in
 * @d: event
 * @s: text after the event's name and ':'
 * @ev: filled in
 * @err: filled in on failure
 *
 * Return: 1 or -1.
 */
int fields_read(struct trace *t, const struct event_desc *d, const char *s, struct trace_event *ev,
		struct trace_error *err);

/**
 * foreign_format() - recognise a format that cannot be read
 * @line: a line that is none of a trace
 *
 * Return: its name, and how to record one that can be read; or NULL.
 */
const char *foreign_format(const char *line);

/** foreign_comment() - like foreign_format(), for a line that begins with '#' */
const char *foreign_comment(const char *line);

/**
 * stack_frame() - read a line of a stack trace
 * @line: line
 * @name: filled in: the function, NULL if the address has none
 * @len: its length, without an offset
 *
 * Return: false if the line is none of a stack trace.
 */
bool stack_frame(const char *line, const char **name, size_t *len);

/** stack_is_dma_api() - Returns true if a function is a part of the DMA API or of tracing. */
bool stack_is_dma_api(const char *name, size_t len);

#endif
