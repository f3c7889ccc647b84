/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Bounce pools: slots that stand in for a buffer, and the record of whose they are.
 *
 * The record, not the handle, says where a slot's bytes belong: a handle that a device could have scribbled on must
 * not choose where the CPU copies to.
 */
#ifndef DMAH_BASE_POOL_H
#define DMAH_BASE_POOL_H

#include <dmah/device.h>
#include "base/handle.h"
#include "iova/range.h"

/** POOL_UNIT_SHIFT - log2 of the smallest slot: 2 KiB, so that a network packet wastes little. */
#define POOL_UNIT_SHIFT 11
#define POOL_UNIT	(1u << POOL_UNIT_SHIFT)
#define POOL_UNIT_PAGE	(DMAH_PAGE_SIZE / POOL_UNIT)
/** POOL_CHAIN - most pools in a chain: a token has 3 bits for them. */
#define POOL_CHAIN 8u

enum pool_state {
	POOL_FREE,
	POOL_LIVE,
	POOL_RETIRED, /* unmapped, until the invalidation is confirmed */
	POOL_QUARANTINE, /* the invalidation was not confirmed */
};

/**
 * struct pool_slot - the record of a slot, in the entry of its first unit.
 * @orig: the buffer's first byte that it stands in for.
 * @dom: whose device has it.
 * @len: bytes of the buffer that it stands in for.
 * @whole: bytes of the whole buffer, of which the slot may stand in for a part.
 * @units: units that it takes.
 * @offset: bytes from the slot's first to the byte that stands in for @orig, less than a page.
 * @dir: which way the buffer's bytes go.
 * @key: pool_key(): whose it is, its generation and state, to be compared at once. Read without the pool's lock.
 */
struct pool_slot {
	dmah_phys_t orig;
	struct dmah_domain *dom;
	uint32_t len;
	uint32_t whole;
	uint32_t units;
	uint16_t offset;
	uint8_t dir;
	uint32_t key;
};

/** pool_key() - @device: the device's slot number; @gen: the slot's generation. */
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
 * struct pool_request - a slot that is wanted.
 * @len: bytes of the buffer.
 * @offset: bytes before it in the slot.
 * @align: the slot is a multiple of this, in bytes, a power of two, at least POOL_UNIT.
 * @round: the slot takes a multiple of this, in bytes, a power of two.
 * @limit: highest physical address that the slot may have.
 * @boundary: multiples of this, in DMA addresses, that the buffer may not cross; 0: none.
 * @bus_offset: DMA address minus physical address, for @boundary.
 * @dir: for the record.
 * @whole: for the record.
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
};

/**
 * dmah_pool_get() - a slot, with its record filled.
 * @token: where to put its name.
 *
 * Return: 0; DMAH_ENOSPC where every pool with room for such a slot is exhausted; DMAH_ERANGE where no pool could ever
 * have such a slot: too long, beyond @limit or @boundary; DMAH_ENOPOOL.
 * Context: outside dmah_host_enter().
 */
int dmah_pool_get(struct dmah_pool *pool, const struct pool_request *request, dmah_phys_t orig,
		  struct dmah_domain *dom, uint16_t device, uint32_t *token);

/**
 * pool_in() - the record of a live slot of this very pool, whatever the token says of pools.
 *
 * Domains that share a pool may have devices of one number, so the record's domain counts too.
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

/** dmah_pool_slot_of() - the record of a live slot; NULL where @token names none of this device. */
struct pool_slot *dmah_pool_slot_of(struct dmah_pool *pool, uint32_t token,
				    const struct dmah_domain *dom, uint16_t device);

/** dmah_pool_slot_retired() - the record of a slot that dmah_pool_retire() has retired. */
struct pool_slot *dmah_pool_slot_retired(struct dmah_pool *pool, uint32_t token);

/** pool_slot_phys() - the byte that stands in for the buffer's first one. */
static inline dmah_phys_t pool_slot_phys(const struct dmah_pool *pool, const struct pool_slot *slot)
{
	return pool->phys + ((uint64_t)(slot - pool->slot) << POOL_UNIT_SHIFT) + slot->offset;
}

/** dmah_pool_phys() - the same by its token, which is valid. */
dmah_phys_t dmah_pool_phys(struct dmah_pool *pool, uint32_t token);

/**
 * dmah_pool_retire() - end the mapping that a live slot belongs to. The slot is not handed out before dmah_pool_put().
 *
 * Return: false where @token names no live slot of this device, which another CPU may have retired. True for no token (0).
 */
bool dmah_pool_retire(struct dmah_pool *pool, uint32_t token, const struct dmah_domain *dom,
		      uint16_t device);

/** dmah_pool_put() - a slot is free. @token names a live or retired one, or is 0. */
void dmah_pool_put(struct dmah_pool *pool, uint32_t token);

/**
 * dmah_pool_quarantine() - as dmah_pool_retire(), until dmah_pool_release_quarantine(). @token may be 0.
 * @seq: the number of the last flush begun; kept in the record's length.
 */
void dmah_pool_quarantine(struct dmah_pool *pool, uint32_t token, uint32_t seq);

/** dmah_pool_release_quarantine() - all that a domain put there before its flush @seq began is free. */
void dmah_pool_release_quarantine(struct dmah_pool *pool, const struct dmah_domain *dom,
				  uint32_t seq);

/** dmah_pool_holds() - whether a physical address lies in a pool: no search, a comparison a pool. */
bool dmah_pool_holds(const struct dmah_pool *pool, dmah_phys_t phys);

/**
 * dmah_pool_find() - the live slot around a physical address: the reverse lookup of the address-keyed calls.
 * @steps: the pools and records visited are added.
 *
 * Return: its token, or 0.
 */
uint32_t dmah_pool_find(struct dmah_pool *pool, dmah_phys_t phys, const struct dmah_device *dev,
			uint64_t *steps);

#endif /* DMAH_BASE_POOL_H */
