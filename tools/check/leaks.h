/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Groups of what is live at the end of a trace: a leak in a loop is one finding. */
#ifndef DMAH_TOOLS_CHECK_LEAKS_H
#define DMAH_TOOLS_CHECK_LEAKS_H

#include "rules.h"

/* Fewer alike ones are reported one by one. */
#define LEAK_ALIKE 4u
/* More groups than this of one device are reported as one. */
#define LEAK_GROUPS 20u

struct leaks;

struct leaks *leaks_new(void);

/**
 * leaks_add() - add a mapping or allocation
 * @l: groups
 * @ev: event that made it, valid until leaks_report()
 *
 * A group has one device, function, size, direction, task and caller. Kernel threads whose names
 * differ in the part after '/' or ':' only, as kworker/0:1 and kworker/1:2, count as one task.
 */
void leaks_add(struct leaks *l, const struct trace_event *ev);

/** leaks_report() - report the groups, in the order of their first members */
void leaks_report(struct leaks *l, struct check *c);

void leaks_free(struct leaks *l);

#endif
