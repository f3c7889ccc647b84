/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A mapped buffer changes hands: bounce slots are copied, CPU caches maintained.
 *
 * A handle's bytes fall into at most three pieces: one that a head slot stands in for (all of them, where the whole
 * buffer bounced), one that the device reaches in place, and one that a tail slot stands in for.
 */
#ifndef DMAH_BASE_BUFFER_H
#define DMAH_BASE_BUFFER_H

#include "base/pool.h"
#include "base/count.h"
#include "base/domain.h"

/** dmah_buffer_check() - Returns true if a handle's seal holds and its slots are live, its device's, and fit it. */
bool dmah_buffer_check(const struct dmah_device *dev, const struct dmah *h);

/**
 * dmah_buffer_give() - the whole buffer becomes the device's, at map.
 *
 * Slots are filled whatever the direction: a device that writes less than it was asked to must not leave behind what
 * the slot held before. Around the buffer they are zeroed for an untrusted device.
 */
void dmah_buffer_give(struct dmah_device *dev, const struct dmah *h);

/** dmah_buffer_take() - the whole buffer becomes the CPU's again, at unmap. Its slots are retired. */
void dmah_buffer_take(struct dmah_device *dev, const struct dmah *h);

/** dmah_buffer_sync() - part of the buffer changes hands while the mapping stays. */
void dmah_buffer_sync(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len,
		      bool for_cpu);

/** dmah_buffer_copy() - from or to a bounce slot, counted. */
void dmah_buffer_copy(struct dmah_device *dev, dmah_phys_t dst, dmah_phys_t src, uint32_t len);

/**
 * buffer_sync_whole() - the shortest way through a sync: one bounce slot stands in for the whole buffer of a coherent
 *	device. The slot's record is what the handle is checked against.
 *
 * Return: whether it was done; else nothing has changed.
 */
static inline bool buffer_sync_whole(struct dmah_device *dev, const struct dmah *h, uint32_t off,
				     uint32_t len, bool for_cpu)
{
	uint32_t token = (uint32_t)h->backend;
	const struct pool_slot *slot;
	struct dmah_pool *pool;
	dmah_phys_t stand_in;
	unsigned long flags;
	unsigned int cpu;

	/* One slot, of the first pool; no other device is attached under this number. */
	if ((h->meta & META_WHOLE) != dev->sync_whole || h->backend >> 32 & TOKEN_UNIT ||
	    (token >> TOKEN_POOL_SHIFT & TOKEN_POOL))
		return false;
	pool = dev->dom->cfg.pool;
	slot = pool ? pool_in(pool, token, dev->dom, dev->number) : NULL;
	if (!slot || slot->len != h->len || !len || (uint64_t)off + len > slot->len)
		return false;
	cpu = dmah_host_enter(&flags);
	count_add(&count_here(dev, dev->dom->cpu[cpu])->syncs, 1);
	dmah_host_leave(flags);
	if (!(h->meta & (for_cpu ? DMAH_FROM_DEVICE : DMAH_TO_DEVICE)))
		return true;
	stand_in = pool_slot_phys(pool, slot);
	if (for_cpu)
		dmah_buffer_copy(dev, slot->orig + off, stand_in + off, len);
	else
		dmah_buffer_copy(dev, stand_in + off, slot->orig + off, len);
	return true;
}

/** dmah_buffer_needs_sync() - DMAH_META_SYNC where a mapping with these properties ever has something to sync, else 0. */
uint32_t dmah_buffer_needs_sync(const struct dmah_device *dev, uint64_t backend, uint32_t meta);

/**
 * dmah_buffer_shares_line() - whether the device's writes, or the invalidation after them, would hit bytes beside the
 * buffer in the cache line of its first (@tail false) or last byte.
 */
bool dmah_buffer_shares_line(const struct dmah_device *dev, const struct map_req *req, bool tail);

#endif /* DMAH_BASE_BUFFER_H */
