/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/pool.h"
#include "base/setup_error.h"

#define NO_SLOT UINT32_MAX

size_t dmah_pool_memory(uint64_t size)
{
	size_t units;

	if (size < DMAH_PAGE_SIZE || size > 1ull << 32 || size % DMAH_PAGE_SIZE)
		return 0;
	units = (size_t)(size >> POOL_UNIT_SHIFT);
	return sizeof(struct dmah_pool) + units * sizeof(struct pool_slot) +
	       dmah_range_memory((uint32_t)units);
}

int dmah_pool_init(struct dmah_pool **pool, dmah_phys_t phys, uint64_t size, void *memory,
		   size_t memory_size)
{
	size_t need = dmah_pool_memory(size);
	struct dmah_pool *p = memory;
	uint32_t units;

	if (!need)
		return dmah_setup_error(NULL, DMAH_EINVAL,
					"dmah_pool_init: size is no multiple of a page up to 4 GiB",
					size);
	if (phys % DMAH_PAGE_SIZE || phys + size < phys)
		return dmah_setup_error(NULL, DMAH_EINVAL,
					"dmah_pool_init: phys is no page, or the pool wraps round",
					phys);
	if (!memory || (uintptr_t)memory % 16)
		return dmah_setup_error(NULL, DMAH_EINVAL,
					"dmah_pool_init: memory is NULL or not aligned to 16 bytes",
					(uintptr_t)memory);
	if (memory_size < need)
		return dmah_setup_error(
			NULL, DMAH_EINVAL,
			"dmah_pool_init: memory_size is less than dmah_pool_memory()", memory_size);
	units = (uint32_t)(size >> POOL_UNIT_SHIFT);
	*p = (struct dmah_pool){ .phys = phys, .size = size };
	p->slot = (struct pool_slot *)(void *)(p + 1);
	for (uint32_t i = 0; i < units; i++)
		p->slot[i] = (struct pool_slot){ 0 };
	dmah_range_init(&p->units, p->slot + units, units);
	*pool = p;
	return DMAH_OK;
}

int dmah_pool_chain(struct dmah_pool *pool, struct dmah_pool *next)
{
	unsigned int length = 1;

	for (struct dmah_pool *p = next; p; p = p->next, length++)
		if (p == pool || length >= POOL_CHAIN)
			return DMAH_EINVAL;
	for (; pool->next; pool = pool->next, length++)
		if (pool->next == next || length >= POOL_CHAIN)
			return DMAH_EINVAL;
	if (length >= POOL_CHAIN)
		return DMAH_EINVAL;
	pool->next = next;
	return DMAH_OK;
}

uint64_t dmah_pool_used(struct dmah_pool *pool)
{
	uint64_t units = 0;
	unsigned long flags;

	for (; pool; pool = pool->next) {
		dmah_host_enter(&flags);
		dmah_host_lock(&pool->lock);
		units += pool->units.used;
		dmah_host_unlock(&pool->lock);
		dmah_host_leave(flags);
	}
	return units << POOL_UNIT_SHIFT;
}

static struct dmah_pool *token_pool(struct dmah_pool *pool, uint32_t token)
{
	for (uint32_t n = token >> TOKEN_POOL_SHIFT & TOKEN_POOL; pool && n; n--)
		pool = pool->next;
	return pool;
}

static uint32_t token_unit(uint32_t token)
{
	return (token & TOKEN_UNIT) - 1;
}

/*
 * Describe the possible places of a slot in a pool. @limit: units below the highest address.
 * @boundary, @base: as dmah_range_alloc(), in units of DMA address: a slot's units must not cross
 * the boundary.
 */
struct place {
	uint32_t units;
	uint32_t align;
	uint32_t limit;
	uint64_t boundary;
	uint64_t base;
};

/* Returns false if this pool can never serve the request, even when empty. */
static bool find_place(const struct dmah_pool *pool, const struct pool_request *request,
		       struct place *place)
{
	uint64_t bytes = ((uint64_t)request->offset + request->len + request->round - 1) &
			 ~((uint64_t)request->round - 1),
		 units = (bytes + POOL_UNIT - 1) >> POOL_UNIT_SHIFT,
		 bus = pool->phys + request->bus_offset;

	*place = (struct place){ .align = request->align >> POOL_UNIT_SHIFT,
				 .limit = pool->units.size };
	if (request->limit < pool->phys)
		return false;
	if (request->limit - pool->phys < pool->size - 1)
		place->limit = (uint32_t)((request->limit - pool->phys + 1) >> POOL_UNIT_SHIFT);
	if (request->boundary) {
		if ((uint64_t)request->offset + request->len > request->boundary)
			return false;
		place->boundary = request->boundary >> POOL_UNIT_SHIFT;
		place->base = bus >> POOL_UNIT_SHIFT;
		/* Allow one more unit if units and boundaries do not line up. */
		units += bus & (POOL_UNIT - 1) ? 1 : 0;
	}
	place->units = (uint32_t)units;
	return units <= place->limit && (!place->boundary || units <= place->boundary);
}

/*
 * Allocate units. Call with the pool's lock held. Aligns the slot's physical address, not its DMA
 * address.
 */
static uint32_t pool_alloc(struct dmah_pool *pool, const struct place *place)
{
	uint32_t phys = (uint32_t)(pool->phys >> POOL_UNIT_SHIFT);
	uint32_t skew = (uint32_t)(place->base - phys) & (place->align - 1);

	if (!place->boundary)
		return dmah_range_alloc(&pool->units, place->units, place->align, 0, 0, phys,
					place->limit);
	return dmah_range_alloc(&pool->units, place->units, place->align, skew, place->boundary,
				place->base, place->limit);
}

int dmah_pool_get_from(struct dmah_pool *pool, uint32_t number, const struct pool_request *request,
		       dmah_phys_t orig, struct dmah_domain *dom, uint16_t device, uint32_t *token)
{
	struct pool_slot *slot;
	struct place place;
	unsigned long flags;
	uint32_t unit, gen;

	if (!find_place(pool, request, &place))
		return DMAH_ERANGE;
	dmah_host_enter(&flags);
	dmah_host_lock(&pool->lock);
	unit = pool_alloc(pool, &place);
	if (unit != RANGE_NONE) {
		slot = &pool->slot[unit];
		slot->orig = orig;
		slot->dom = dom;
		slot->len = request->len;
		slot->whole = request->whole;
		slot->units = place.units;
		slot->offset = (uint16_t)request->offset;
		slot->dir = (uint8_t)request->dir;
		slot->no_sync = request->no_sync;
		gen = (key_gen(slot->key) + 1) & TOKEN_GEN;
		__atomic_store_n(&slot->key, pool_key(POOL_LIVE, gen, device), __ATOMIC_RELEASE);
		*token = gen << TOKEN_GEN_SHIFT | number << TOKEN_POOL_SHIFT | (unit + 1);
	}
	dmah_host_unlock(&pool->lock);
	dmah_host_leave(flags);
	return unit != RANGE_NONE ? DMAH_OK : DMAH_ENOSPC;
}

int dmah_pool_get(struct dmah_pool *pool, const struct pool_request *request, dmah_phys_t orig,
		  struct dmah_domain *dom, uint16_t device, uint32_t *token)
{
	int err = pool ? DMAH_ERANGE : DMAH_ENOPOOL;

	for (uint32_t number = 0; pool; pool = pool->next, number++) {
		int one = dmah_pool_get_from(pool, number, request, orig, dom, device, token);

		if (!one)
			return DMAH_OK;
		err = dmah_pool_error(err, one);
	}
	return err;
}

struct pool_slot *dmah_pool_slot_of(struct dmah_pool *pool, uint32_t token,
				    const struct dmah_domain *dom, uint16_t device)
{
	pool = token_pool(pool, token);
	return pool ? pool_in(pool, token, dom, device) : NULL;
}

struct pool_slot *dmah_pool_slot_retired(struct dmah_pool *pool, uint32_t token)
{
	return &token_pool(pool, token)->slot[token_unit(token)];
}

dmah_phys_t dmah_pool_phys(struct dmah_pool *pool, uint32_t token)
{
	pool = token_pool(pool, token);
	return pool_slot_phys(pool, &pool->slot[token_unit(token)]);
}

/* Change a slot's state. Call with the pool's lock held. */
static void store_state(struct pool_slot *slot, enum pool_state state)
{
	__atomic_store_n(&slot->key, pool_key(state, key_gen(slot->key), (uint16_t)slot->key),
			 __ATOMIC_RELEASE);
}

/* Change the state of a slot by its token. @pool must be the token's pool. */
static void set_state(struct dmah_pool *pool, uint32_t token, enum pool_state state)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&pool->lock);
	store_state(&pool->slot[token_unit(token)], state);
	if (state == POOL_FREE)
		(void)dmah_range_free(&pool->units, token_unit(token),
				      pool->slot[token_unit(token)].units);
	dmah_host_unlock(&pool->lock);
	dmah_host_leave(flags);
}

bool dmah_pool_retire(struct dmah_pool *pool, uint32_t token, const struct dmah_domain *dom,
		      uint16_t device)
{
	struct pool_slot *slot;
	unsigned long flags;
	bool live;

	if (!token)
		return true;
	pool = token_pool(pool, token);
	if (!pool)
		return false;
	dmah_host_enter(&flags);
	dmah_host_lock(&pool->lock);
	slot = pool_in(pool, token, dom, device);
	live = slot != NULL;
	if (live)
		store_state(slot, POOL_RETIRED);
	dmah_host_unlock(&pool->lock);
	dmah_host_leave(flags);
	return live;
}

void dmah_pool_put(struct dmah_pool *pool, uint32_t token)
{
	if (token)
		set_state(token_pool(pool, token), token, POOL_FREE);
}

void dmah_pool_quarantine(struct dmah_pool *pool, uint32_t token, uint32_t seq)
{
	if (!token)
		return;
	pool = token_pool(pool, token);
	pool->slot[token_unit(token)].len = seq;
	set_state(pool, token, POOL_QUARANTINE);
}

void dmah_pool_release_quarantine(struct dmah_pool *pool, const struct dmah_domain *dom,
				  uint32_t seq)
{
	for (; pool; pool = pool->next) {
		for (uint32_t unit = 0; unit < pool->units.size; unit++) {
			struct pool_slot *slot = &pool->slot[unit];
			unsigned long flags;

			if (key_state(__atomic_load_n(&slot->key, __ATOMIC_ACQUIRE)) !=
			    POOL_QUARANTINE)
				continue;
			dmah_host_enter(&flags);
			dmah_host_lock(&pool->lock);
			if (key_state(slot->key) == POOL_QUARANTINE && slot->dom == dom &&
			    (int32_t)(slot->len - seq) < 0) {
				store_state(slot, POOL_FREE);
				(void)dmah_range_free(&pool->units, unit, slot->units);
			}
			dmah_host_unlock(&pool->lock);
			dmah_host_leave(flags);
		}
	}
}

bool dmah_pool_holds(const struct dmah_pool *pool, dmah_phys_t phys)
{
	for (; pool; pool = pool->next)
		if (phys - pool->phys < pool->size)
			return true;
	return false;
}

uint32_t dmah_pool_find(struct dmah_pool *pool, dmah_phys_t phys, const struct dmah_device *dev,
			uint64_t *steps)
{
	for (uint32_t number = 0; pool; pool = pool->next, number++) {
		uint32_t unit, token = 0;
		unsigned long flags;

		++*steps;
		if (phys - pool->phys >= pool->size)
			continue;
		/*
		 * The slot's first unit has the record, but the address may lie in a later unit:
		 * search backwards.
		 */
		unit = (uint32_t)((phys - pool->phys) >> POOL_UNIT_SHIFT);
		dmah_host_enter(&flags);
		dmah_host_lock(&pool->lock);
		for (uint32_t at = unit;; at--) {
			const struct pool_slot *slot = &pool->slot[at];

			++*steps;
			if (key_state(slot->key) != POOL_FREE && unit - at < slot->units) {
				if (slot->key ==
					    pool_key(POOL_LIVE, key_gen(slot->key), dev->number) &&
				    slot->dom == dev->dom)
					token = key_gen(slot->key) << TOKEN_GEN_SHIFT |
						number << TOKEN_POOL_SHIFT | (at + 1);
				break;
			}
			if (!at || dmah_range_is_free(&pool->units, at, 1))
				break;
		}
		dmah_host_unlock(&pool->lock);
		dmah_host_leave(flags);
		return token;
	}
	return 0;
}
