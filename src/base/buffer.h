/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Passes ownership of a mapped buffer between CPU and device: copies bounce slots and maintains CPU
 * caches.
 *
 * A handle's bytes consist of at most three pieces: a first piece with its copy in the head slot
 * (all bytes, if the whole buffer bounced), a piece that the device reaches in place, and a last
 * piece with its copy in the tail slot.
 */
#ifndef DMAH_BASE_BUFFER_H
#define DMAH_BASE_BUFFER_H

#include "base/pool.h"
#include "base/count.h"
#include "base/domain.h"

/**
 * dmah_buffer_check() - Returns true if a handle's seal is right and its slots are live, belong to
 * the device and fit the handle.
 */
bool dmah_buffer_check(const struct dmah_device *dev, const struct dmah *h);

/**
 * dmah_buffer_check_sync() - Returns true if the bits of a handle that decide on copies and cache maintenance are those that
 * its map wrote. Call after dmah_buffer_check(). Not for a handle that is rebuilt from an address: there the unmap's own
 * attributes decide.
 */
bool dmah_buffer_check_sync(const struct dmah_device *dev, const struct dmah *h);

/**
 * dmah_buffer_give() - give the whole buffer to the device, at map.
 *
 * Slots are filled for every direction: if a device writes fewer bytes than expected, the rest must
 * not be the bytes of a previous user. For an untrusted device the slot is zeroed around the
 * buffer.
 */
void dmah_buffer_give(struct dmah_device *dev, const struct dmah *h);

/** dmah_buffer_take() - give the whole buffer back to the CPU, at unmap. Its slots are retired. */
void dmah_buffer_take(struct dmah_device *dev, const struct dmah *h);

/**
 * dmah_buffer_sync() - give part of the buffer to the CPU or to the device while the mapping stays.
 */
void dmah_buffer_sync(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len,
		      bool for_cpu);

/** dmah_buffer_copy() - copy from or to a bounce slot, and count the bytes. */
void dmah_buffer_copy(struct dmah_device *dev, dmah_phys_t dst, dmah_phys_t src, uint32_t len);

/** buffer_copies() - return the bits of META_SYNC for which a bounced buffer of a direction is copied. */
static inline uint32_t buffer_copies(enum dmah_dir dir)
{
	_Static_assert(DMAH_META_SYNC_DEVICE == DMAH_TO_DEVICE << 2 &&
			       DMAH_META_SYNC_CPU == DMAH_FROM_DEVICE << 21,
		       "shifts instead of tests");

	return ((uint32_t)dir & DMAH_TO_DEVICE) << 2 | ((uint32_t)dir & DMAH_FROM_DEVICE) << 21;
}

/**
 * buffer_sync_whole() - sync on the fast path: a coherent device, and one bounce slot for the whole
 * buffer.
 *
 * The handle is compared with the slot's record, so no other check is needed.
 *
 * Return: true if the sync is done; false if the caller must take the full path, and nothing has
 * changed.
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

	/*
	 * Fast path: one slot, in the first pool. The device's number is in the handle, and is
	 * unique while attached.
	 */
	if ((h->meta & META_WHOLE) != (dev->sync_whole | buffer_copies(meta_dir(h->meta))) ||
	    h->backend >> 32 & TOKEN_UNIT || (token >> TOKEN_POOL_SHIFT & TOKEN_POOL))
		return false;
	pool = dev->dom->cfg.pool;
	slot = pool ? pool_in(pool, token, dev->dom, dev->number) : NULL;
	if (!slot || slot->len != h->len || slot->dir != (h->meta & META_DIR) || !len ||
	    (uint64_t)off + len > slot->len)
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

/**
 * dmah_buffer_needs_sync() - return the bits of META_SYNC for the syncs of such a mapping that can have something to do.
 * @meta: the handle's, with its direction.
 */
uint32_t dmah_buffer_needs_sync(const struct dmah_device *dev, uint64_t backend, uint32_t meta);

/**
 * dmah_buffer_shares_line() - Returns true if the cache line of the buffer's first byte (@tail
 * false) or last byte (@tail true) also holds other bytes, and the device's writes or the
 * invalidation would damage them.
 */
bool dmah_buffer_shares_line(const struct dmah_device *dev, const struct map_req *req, bool tail);

#endif /* DMAH_BASE_BUFFER_H */
