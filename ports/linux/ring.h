/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DMAH_LINUX_RING_H
#define DMAH_LINUX_RING_H

#include "client.h"

struct pool_run;

/**
 * struct dmah_ring - mappings that end in the order in which they began.
 * @c: the client.
 * @config: as given.
 * @in, @out: mappings ever pushed and popped; both wrap.
 * @first: first granule of its own IOVAs; @own says that it has some.
 * @shift: log2 of the granules of a slot.
 * @clean: pops before this are flushed, so their slots may be used again.
 * @mark, @mark_flush: pops before @mark were made before flush @mark_flush + 1 began.
 * @prot: the permissions for the IOMMU.
 * @run: pool mode: its slots.
 * @meta: pool mode: meta of its handles.
 * @req: the part of a request that is the same for all mappings.
 * @h: by index & (entries - 1).
 */
struct dmah_ring {
	struct client *c;
	struct dmah_ring_config config;
	u32 in;
	u32 out;
	u32 first;
	bool own;
	unsigned int shift;
	u32 clean;
	u32 mark;
	int mark_flush;
	int prot;
	struct pool_run *run;
	u32 meta;
	struct request req;
	struct dmah h[];
};

/* A ring with IOVAs of its own: domain_ring.c, or pool_ring.c in a kernel with pool mode. */
/** own_ring_init() - Return: 0, -ENOSPC, -ENOMEM; -EOPNOTSUPP: ordinary mappings, then. */
int own_ring_init(struct dmah_ring *r);
void own_ring_fini(struct dmah_ring *r);
#if !IS_ENABLED(DMAH_LINUX_POOL)
int own_ring_push(struct dmah_ring *r, struct dmah *h, phys_addr_t phys, u32 len,
		  unsigned long caller);
#endif
void own_ring_pop(struct dmah_ring *r, u32 n);

#endif /* DMAH_LINUX_RING_H */
