/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Events in memory, packed: each field as its difference to the last event's, in as few bytes as it
 * needs. A trace of ten million events fits into a few hundred megabytes.
 */
#ifndef DMAH_TOOLS_TRACE_LOG_H
#define DMAH_TOOLS_TRACE_LOG_H

#include "intern.h"
#include "trace.h"

struct log_block;

/** struct log - zero is empty */
struct log {
	struct log_block *first, *last;
	struct trace_event prev; /* without its lists */
	uint32_t prev_task;
	uint64_t nr;
	uint8_t *buf; /* one event */
	size_t cap;
};

/**
 * log_add() - append an event
 * @l: log
 * @ev: event; its lists are copied
 * @task: index of the task's name
 *
 * Return: the place of the event's caller, for log_set_caller(). It stays valid.
 */
uint8_t *log_add(struct log *l, const struct trace_event *ev, uint32_t task);

/** log_set_caller() - set the caller of an event, as an index of a name + 1 */
void log_set_caller(uint8_t *place, uint32_t caller);

void log_free(struct log *l);

/** struct log_reader - a place in a log */
struct log_reader {
	const struct log *log;
	const struct log_block *block;
	size_t at;
	struct trace_event ev, loss;
	uint32_t task, caller;
	uint64_t *physs, *dmas;
	uint32_t *lens;
	uint32_t cap_physs, cap_dmas, cap_lens;
};

/**
 * log_read() - unpack the next event
 * @r: place; r->task and r->caller are set, too
 *
 * Return: the event, valid until the next call, or NULL at the end.
 */
const struct trace_event *log_read(struct log_reader *r);

/** log_reader_free() - free the lists of a reader */
void log_reader_free(struct log_reader *r);

#endif
