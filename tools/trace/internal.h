/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Shared by the parts of the trace reader. */
#ifndef DMAH_TOOLS_TRACE_INTERNAL_H
#define DMAH_TOOLS_TRACE_INTERNAL_H

#include "event.h"
#include "intern.h"
#include "log.h"
#include "pair.h"
#include "source.h"
#include "trace.h"

struct dat;
struct iommu_maps;
struct text;

/** struct recent - the last event of a CPU, for the stack trace that may follow */
struct recent {
	bool any;
	int32_t pid;
	uint8_t *place; /* in the log, NULL if the events are unpacked */
	size_t index; /* then: of the event */
};

struct trace {
	char *path;
	struct source *src;
	struct dat *dat;
	struct text *text;
	struct trace_info info;
	struct intern devices, tasks, callers;
	uint64_t line;
	struct pairs pairs;
	struct iommu_maps *iommu;

	/* the lists of the present event */
	uint64_t *physs, *dmas;
	uint32_t *lens;
	uint32_t cap_physs, cap_dmas, cap_lens;

	/* trace_load() only: events are packed in the log, or unpacked */
	struct log log;
	bool unpacked;
	struct trace_event *events;
	size_t nr_events, cap_events;
	struct chunk *chunks;
	struct recent *recent; /* for each CPU */
	uint32_t nr_recent;
};

/** trace_caller() - set the caller of a CPU's last event, if that is of the task and has none */
void trace_caller(struct trace *t, uint32_t cpu, int32_t pid, const char *name, size_t len);

/** trace_fail() - write a message that begins with the trace's name; returns -1 */
__attribute__((format(printf, 3, 4))) int trace_fail(const struct trace *t, struct trace_error *err,
						     const char *fmt, ...);

/** trace_task() - a task's name, kept for as long as the trace */
const char *trace_task(struct trace *t, const char *name, size_t len);

/** text_open() - begin to read a text trace */
void text_open(struct trace *t);

void text_close(struct trace *t);

/** text_next() - the next event of a text trace: 1, 0 at the end, -1 */
int text_next(struct trace *t, struct trace_event *ev, struct trace_error *err);

/** dat_open() - start reading a trace.dat: 0 or -1 */
int dat_open(struct trace *t, struct trace_error *err);

/** dat_next() - the next event of a trace.dat: 1, 0 at the end, -1 */
int dat_next(struct trace *t, struct trace_event *ev, struct trace_error *err);

void dat_close(struct trace *t);

#endif
