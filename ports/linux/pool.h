/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pool mode: mappings in slots of the device's default domain. A slot keeps its IOVA and the
 * place of its leaf entries from one mapping to the next, so map and unmap write the entries and
 * search for nothing. The kernel's DMA API uses the same domain and the same allocator of IOVAs
 * beside it.
 *
 *	pool.c		set-up, the slots that each CPU keeps
 *	pool_flush.c	flushes: their deadline in lazy mode, shared by CPUs in strict mode
 *	pool_entry.c	leaf entries: found and learned from what iommu_map() writes
 *	pool_chunk.c	2 MiB of IOVAs that are cut into slots; growth, shrinking
 *	pool_map.c	map, unmap, sync, checks
 *	pool_fast.c	the same for trusted devices, without attributes
 *	pool_bounce.c	untrusted devices
 *	pool_vec.c	vectors; handles that are unmapped together
 *	pool_ring.c	rings
 */
#ifndef DMAH_LINUX_POOL_H
#define DMAH_LINUX_POOL_H

#include "client.h"

struct pool;

/**
 * pool_attach() - use slots for a client's mappings.
 * @strict: flush at every unmap, whatever the domain's type.
 *
 * Return: 0; -ENOMEM; another error where no slots can be had: the log gives the reason, and @c
 * stays in wrap mode.
 */
int pool_attach(struct client *c, bool strict);

/** pool_detach() - clear every slot, and give the IOVAs back. */
void pool_detach(struct client *c);

bool pool_is_lazy(const struct pool *p);

/** pool_bytes() - IOVAs that slots hold now; those of rings are not in it. */
u64 pool_bytes(const struct pool *p);

/**
 * pool_map() - map into a slot.
 *
 * Return: 0; -EOPNOTSUPP: no slot fits, or none is left. The caller maps by the kernel's DMA API.
 */
int pool_map(struct client *c, struct dmah *h, const struct request *req);

/** pool_unmap() - check a handle of a slot and end its mapping. Return: 0, -ESTALE, -EINVAL. */
int pool_unmap(struct client *c, struct dmah *h, u32 allow, unsigned long attrs,
	       unsigned long caller);

/**
 * pool_map_fast() - map into a slot, for a trusted device and without attributes.
 * @meta: direction, META_PART.
 *
 * Return: false: by map_request(), which says why not.
 */
bool pool_map_fast(struct client *c, struct dmah *h, phys_addr_t phys, u32 len, u32 meta,
		   unsigned long caller);

/** pool_unmap_fast() - dmah_unmap() of any handle, on behalf of @caller. */
int pool_unmap_fast(struct device *dev, struct dmah *h, unsigned long caller);

/**
 * pool_check() - Returns true if a handle of a slot is live.
 * @home: set to the address of the handle that map filled, if it is known. Never followed.
 */
bool pool_check(struct client *c, const struct dmah *h, const struct dmah **home);

/** pool_moved() - record the new address of a live handle. */
void pool_moved(struct client *c, struct dmah *h);

void pool_sync(struct client *c, const struct dmah *h, u32 off, u32 len, bool for_cpu);

/**
 * pool_map_pieces() - map the first pieces of a vector side by side into one slot.
 * @part: @n idle handles with address and length.
 *
 * The first handle names the slot, and is unmapped for all; the others are KIND_COVERED.
 *
 * Return: how many pieces it took; 0: the first has to be mapped by itself.
 */
u32 pool_map_pieces(struct client *c, struct dmah *part, u32 n, u32 meta, unsigned long caller);

/**
 * pool_unmap_set() - unmap all of a vector's pieces, or of a ring's handles, with one flush.
 *
 * Handles that were refused become idle.
 *
 * Return: the first error.
 */
int pool_unmap_set(struct client *c, struct dmah *h, u32 n, u32 allow, unsigned long caller);

/** pool_flush() - wait until nothing that was unmapped lazily translates. Context: any. */
void pool_flush(struct pool *p);

/**
 * pool_batch_start() - clear the entries of a live handle without a flush. Return: as
 * pool_unmap().
 */
int pool_batch_start(struct client *c, const struct dmah *h, u32 allow, unsigned long caller);

/**
 * pool_batch_finish() - flush once for those of @n handles that have slots, and free the slots.
 * Idle handles are passed over.
 */
void pool_batch_finish(struct client *c, const struct dmah *h, u32 n);

/** pool_walk_live() - call @fn for each live mapping in a slot. */
void pool_walk_live(struct pool *p, void (*fn)(void *ctx, const struct live *live), void *ctx);

#endif /* DMAH_LINUX_POOL_H */
