// SPDX-License-Identifier: GPL-2.0-only
#include "slots.h"

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/printk.h>

/*
 * No header of the module's own follows, so the library's names stay as they are: see library.h.
 */
#include "library.h"
#include "base/pool.h"

/* One device has the pool to itself: any number that is not 0 names it, in no library domain. */
#define OWNER  1u
#define DOMAIN NULL

/*
 * The pool is the only part of the library here that reports: a setup error, which names the
 * argument.
 */
void dmah_host_report(const struct dmah_device *dev, int err, const char *text, uint64_t addr,
		      const void *caller)
{
	pr_err("dmah: %s (error %d, value %llx)\n", text, err, (unsigned long long)addr);
}

size_t slots_memory(size_t size)
{
	return dmah_pool_memory(size);
}

struct dmah_pool *slots_init(void *pages, size_t size, void *memory)
{
	struct dmah_pool *pool;

	if (dmah_pool_init(&pool, virt_to_phys(pages), size, memory, dmah_pool_memory(size)))
		return NULL;
	host_lock_init(&pool->lock);
	return pool;
}

u32 slots_get(struct dmah_pool *pool, phys_addr_t orig, u32 len, u32 dir, phys_addr_t *slot)
{
	struct pool_request want = {
		.len = len,
		.offset = orig & (SLOTS_GRANULE - 1),
		.align = SLOTS_GRANULE,
		.round = SLOTS_GRANULE,
		.limit = U64_MAX,
		.dir = (enum dmah_dir)dir,
		.whole = len,
	};
	u32 token;

	BUILD_BUG_ON(DMAH_TO_DEVICE != 1 || DMAH_FROM_DEVICE != 2 || DMAH_BIDIRECTIONAL != 3);
	if (dmah_pool_get(pool, &want, orig, DOMAIN, OWNER, &token))
		return 0;
	*slot = dmah_pool_phys(pool, token);
	return token;
}

void *slots_find(struct dmah_pool *pool, u32 token, phys_addr_t *orig, u32 *len)
{
	const struct pool_slot *slot = dmah_pool_slot_of(pool, token, DOMAIN, OWNER);

	if (!slot)
		return NULL;
	*orig = slot->orig;
	*len = slot->len;
	return phys_to_virt(pool_slot_phys(pool, slot));
}

void slots_put(struct dmah_pool *pool, u32 token)
{
	dmah_pool_put(pool, token);
}
