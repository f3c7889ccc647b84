/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The table of dma:* events that the text and the trace.dat reader share. */
#ifndef DMAH_TOOLS_TRACE_EVENT_H
#define DMAH_TOOLS_TRACE_EVENT_H

#include "trace.h"

/* Fields that an event has. All but EV_NENTS are printed by every kernel that has the event. */
#define EV_DIR	 (1u << 0)
#define EV_DMA	 (1u << 1) /* dma_addr=; "addr" in the record of an unmap */
#define EV_SIZE	 (1u << 2)
#define EV_PHYS	 (1u << 3) /* phys_addr= */
#define EV_ATTRS (1u << 4)
#define EV_VIRT	 (1u << 5) /* virt_addr= */
#define EV_GFP	 (1u << 6) /* flags= */
#define EV_PHYSS (1u << 7) /* phys_addrs={}; "addrs" in the record of dma_unmap_sg */
#define EV_DMAS	 (1u << 8) /* dma_addrs={} and sizes={}; "lengths" in the record */
#define EV_ERR	 (1u << 9) /* err= */
#define EV_NENTS (1u << 10) /* nents=a/b ents=c/d and [TRUNCATED]: not in the first 6.12 kernels */
#define EV_NODIR (1u << 11) /* the direction may be missing or garbage: see event.c */
#define EV_PDMAS (1u << 12) /* the text calls the physical addresses dma_addrs={} */

/** struct event_desc - one kind of event, under one name */
struct event_desc {
	const char *name;
	enum trace_kind kind;
	unsigned int fields;
};

/** event_find() - description of an event by its name, or NULL: not a DMA event */
const struct event_desc *event_find(const char *name, size_t len);

/** event_table() - all of them; the last has no name */
const struct event_desc *event_table(void);

/** event_attr() - bit of an attribute by the name that the kernel prints, TRACE_ATTR_OTHER if unknown */
uint64_t event_attr(const char *name, size_t len);

/** event_finish() - derive from the fields: failed, first entries, sums, defaults */
void event_finish(struct trace_event *ev, unsigned int fields);

#endif
