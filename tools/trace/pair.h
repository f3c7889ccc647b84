/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Makes DMA events of the events of probes: what goes in and what comes out of a function are two,
 * and a long scatter list takes several.
 */
#ifndef DMAH_TOOLS_TRACE_PAIR_H
#define DMAH_TOOLS_TRACE_PAIR_H

#include "probes.h"
#include "trace.h"

/* No event has this number. */
#define PAIR_NONE UINT64_MAX

struct pair_call;
struct pair_list;

/**
 * struct pairs - zero is empty
 * @calls: tasks in calls, by a hash of the task
 * @lists: mapped scatter lists, by a hash of device and address of the list
 * @held: an event that comes after a loss
 * @has_held: there is one
 * @held_completes: value of @completes for @held
 * @given: events of the trace given so far, of every kind
 * @completes: the last event was the unmap of a list, and this is the number of its map, whose DMA
 *	addresses this event has; else PAIR_NONE
 */
struct pairs {
	struct pair_call *calls[256];
	struct pair_list *lists[256];
	struct trace_event held;
	bool has_held;
	uint64_t held_completes;
	uint64_t given;
	uint64_t completes;
};

struct trace;

/**
 * pair_probe() - take one event of a probe
 * @t: the trace; its lists are filled in
 * @head: line, time, cpu, pid and task of the event
 * @p: the rest
 * @ev: filled in if there is one now
 *
 * Return: true if @ev was filled in.
 */
bool pair_probe(struct trace *t, const struct trace_event *head, const struct probe *p,
		struct trace_event *ev);

/** pair_iova() - within a call, this task was given an I/O virtual address (iommu:map) */
void pair_iova(struct trace *t, int32_t pid, uint32_t cpu, uint64_t iova);

/** pair_held() - begin the next event: is there one that waits? */
bool pair_held(struct trace *t, struct trace_event *ev);

/** pair_forget() - events were lost: nothing is known of calls any more */
void pair_forget(struct trace *t);

void pair_free(struct trace *t);

#endif
