/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Bounce pools: slots that hold copies of buffers, and a record for each slot.
 *
 * The record, not the handle, gives the address of the original buffer. A device may be able to
 * overwrite a handle, and such a handle must not choose the target of a copy by the CPU.
 */
#ifndef DMAH_BASE_POOL_H
#define DMAH_BASE_POOL_H

#include <dmah/device.h>
#include "base/handle.h"
#include "iova/range.h"

/**
 * POOL_UNIT_SHIFT - log2 of the smallest slot: 2 KiB, so that a network packet wastes little
 * memory.
 */
#define POOL_UNIT_SHIFT 11
#define POOL_UNIT	(1u << POOL_UNIT_SHIFT)
#define POOL_UNIT_PAGE	(DMAH_PAGE_SIZE / POOL_UNIT)
/** POOL_CHAIN - largest number of pools in a chain: a token has 3 bits for the pool. */
#define POOL_CHAIN 8u

enum pool_state {
	POOL_FREE,
	POOL_LIVE,
	POOL_RETIRED, /* unmapped, until the invalidation is confirmed */
	POOL_QUARANTINE, /* the invalidation was not confirmed */
};

/**
 * struct pool_slot - the record of a slot, at the index of its first unit.
 * @orig: physical address of the first byte that the slot holds a copy of.
 * @dom: the domain of the device that uses the slot.
 * @len: bytes that the slot holds a copy of.
 * @whole: bytes of the whole buffer; the slot may hold only a part.
 * @units: units that the slot takes.
 * @offset: bytes from the slot's first byte to the copy of @orig, less than a page.
 * @dir: direction of the mapping.
 * @no_sync: the mapping has DMAH_ATTR_NO_CPU_SYNC.
 * @key: pool_key(): device, generation and state, so that one comparison checks all three. Read
 *	without the pool's lock.
 */
struct pool_slot {
	dmah_phys_t orig;
	struct dmah_domain *dom;
	uint32_t len;
	uint32_t whole;
	uint32_t units;
	uint16_t offset;
	uint8_t dir;
	bool no_sync;
	uint32_t key;
};

/** pool_key() - pack a slot's key. @device: the device's number; @gen: the slot's generation. */
static inline uint32_t pool_key(enum pool_state state, uint32_t gen, uint16_t device)
{
	return (uint32_t)state << 24 | gen << 16 | device;
}

static inline enum pool_state key_state(uint32_t key)
{
	return (enum pool_state)(key >> 24);
}

static inline uint32_t key_gen(uint32_t key)
{
	return key >> 16 & TOKEN_GEN;
}

struct dmah_pool {
	struct dmah_pool *next;
	dmah_phys_t phys;
	uint64_t size;
	struct dmah_lock lock;
	struct range units;
	struct pool_slot *slot;
};

/**
 * struct pool_request - a request for a slot.
 * @len: bytes of the buffer.
 * @offset: bytes in the slot before the buffer.
 * @align: alignment of the slot in bytes, a power of two, at least POOL_UNIT.
 * @round: granularity of the slot's size in bytes, a power of two.
 * @limit: highest physical address that the slot may have.
 * @boundary: DMA addresses that are multiples of this must not lie inside the buffer; 0: no such
 *	limit.
 * @bus_offset: DMA address minus physical address, for @boundary.
 * @dir: direction, for the record.
 * @whole: bytes of the whole buffer, for the record.
 * @no_sync: DMAH_ATTR_NO_CPU_SYNC, for the record.
 */
struct pool_request {
	uint32_t len;
	uint32_t offset;
	uint32_t align;
	uint32_t round;
	dmah_phys_t limit;
	uint64_t boundary;
	uint64_t bus_offset;
	enum dmah_dir dir;
	uint32_t whole;
	bool no_sync;
};

/**
 * dmah_pool_get() - allocate a slot and fill its record.
 * @token: receives the slot's name.
 *
 * Return: 0; DMAH_ENOSPC: every pool that could hold such a slot is exhausted; DMAH_ERANGE: no pool
 * could ever hold such a slot, because it is too long or violates @limit or @boundary;
 * DMAH_ENOPOOL: there is no pool.
 * Context: outside dmah_host_enter().
 */
int dmah_pool_get(struct dmah_pool *pool, const struct pool_request *request, dmah_phys_t orig,
		  struct dmah_domain *dom, uint16_t device, uint32_t *token);

/**
 * dmah_pool_get_from() - dmah_pool_get() from one pool of a chain.
 * @number: the pool's place in the chain, from 0.
 *
 * Return: 0, DMAH_ENOSPC, DMAH_ERANGE.
 */
int dmah_pool_get_from(struct dmah_pool *pool, uint32_t number, const struct pool_request *request,
		       dmah_phys_t orig, struct dmah_domain *dom, uint16_t device, uint32_t *token);

/**
 * dmah_pool_error() - return the error of two pools that have no slot: DMAH_ENOSPC if one of them may
 * have a slot later.
 */
static inline int dmah_pool_error(int one, int other)
{
	return other == DMAH_ENOSPC ? other : one;
}

/**
 * pool_in() - return the record of a live slot in @pool, without a look at the token's pool number;
 * NULL if the slot is not live or not this device's.
 *
 * Domains may share a pool and have devices with equal numbers, so the record's domain is compared
 * too.
 */
static inline struct pool_slot *pool_in(struct dmah_pool *pool, uint32_t token,
					const struct dmah_domain *dom, uint16_t device)
{
	uint32_t unit = (token & TOKEN_UNIT) - 1;
	struct pool_slot *slot = &pool->slot[unit];

	if (unit >= pool->units.size ||
	    __atomic_load_n(&slot->key, __ATOMIC_ACQUIRE) !=
		    pool_key(POOL_LIVE, token >> TOKEN_GEN_SHIFT, device) ||
	    slot->dom != dom)
		return NULL;
	return slot;
}

/**
 * dmah_pool_slot_of() - return the record of a live slot; NULL if @token names no live slot of this
 * device.
 */
struct pool_slot *dmah_pool_slot_of(struct dmah_pool *pool, uint32_t token,
				    const struct dmah_domain *dom, uint16_t device);

/** dmah_pool_slot_retired() - return the record of a slot after dmah_pool_retire(). */
struct pool_slot *dmah_pool_slot_retired(struct dmah_pool *pool, uint32_t token);

/** pool_slot_phys() - return the physical address of the copy of the buffer's first byte. */
static inline dmah_phys_t pool_slot_phys(const struct dmah_pool *pool, const struct pool_slot *slot)
{
	return pool->phys + ((uint64_t)(slot - pool->slot) << POOL_UNIT_SHIFT) + slot->offset;
}

/** dmah_pool_phys() - return pool_slot_phys() for a valid token. */
dmah_phys_t dmah_pool_phys(struct dmah_pool *pool, uint32_t token);

/**
 * dmah_pool_retire() - retire a live slot: its mapping ends. Only dmah_pool_put() makes the slot
 * free.
 *
 * Return: true, also for no token (0); false if @token names no live slot of this device, for
 * example because another CPU has retired the slot.
 */
bool dmah_pool_retire(struct dmah_pool *pool, uint32_t token, const struct dmah_domain *dom,
		      uint16_t device);

/** dmah_pool_put() - free a live or retired slot. Does nothing for no token (0). */
void dmah_pool_put(struct dmah_pool *pool, uint32_t token);

/**
 * dmah_pool_quarantine() - retire a slot until dmah_pool_release_quarantine(). Does nothing for no
 * token (0).
 * @seq: number of the last flush begun; kept in the record's @len.
 */
void dmah_pool_quarantine(struct dmah_pool *pool, uint32_t token, uint32_t seq);

/**
 * dmah_pool_release_quarantine() - free the slots that a domain put in quarantine before flush @seq
 * began.
 */
void dmah_pool_release_quarantine(struct dmah_pool *pool, const struct dmah_domain *dom,
				  uint32_t seq);

/**
 * dmah_pool_holds() - Returns true if a physical address lies in a pool. Needs one comparison for
 * each pool.
 */
bool dmah_pool_holds(const struct dmah_pool *pool, dmah_phys_t phys);

/**
 * dmah_pool_find() - find the live slot around a physical address, for the address-keyed calls.
 * @steps: increased by the number of pools and records visited.
 *
 * Return: the slot's token, or 0.
 */
uint32_t dmah_pool_find(struct dmah_pool *pool, dmah_phys_t phys, const struct dmah_device *dev,
			uint64_t *steps);

#endif /* DMAH_BASE_POOL_H */
