/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Check builds (DMAH_CHECK): a shadow table of every mapping, as large as the domain was configured for.
 *
 * Finds what a handle alone cannot show: a stale copy where the backend keeps no state (direct, Xen), a sync with a
 * copy, and a CPU that writes to a FROM_DEVICE buffer between sync_for_cpu and unmap, whose bytes the unmap would lose.
 * In other builds all of it is nothing.
 */
#ifndef DMAH_CORE_CHECK_H
#define DMAH_CORE_CHECK_H

#include "core/domain.h"

#ifdef DMAH_CHECK

/** check_memory() - bytes of a domain's shadow table; 0 where the configuration makes no sense. */
size_t check_memory(const struct dmah_domain_config *cfg);
void check_init(struct dmah_domain *dom, void *memory);

/** check_map() - a mapping was made. A table that is full stops to follow, and says so once. */
void check_map(struct dmah_device *dev, const struct dmah *h);

/** check_unmap() - it is about to end. Return: 0; DMAH_ESTALE where it is not live. */
int check_unmap(struct dmah_device *dev, const struct dmah *h);

/** check_by_addr() - a mapping just made will be ended by its address. */
void check_by_addr(struct dmah_device *dev, const struct dmah *h);

/** check_forget() - the mapping at a DMA address is about to end, by address. Return: 0; DMAH_ESTALE. */
int check_forget(struct dmah_device *dev, dmah_addr_t dma, uint32_t len);

/** check_sync() - it is about to be synced. Return: 0; DMAH_ESTALE. */
int check_sync(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len,
	       bool for_cpu);

/** check_synced() - it was. */
void check_synced(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len,
		  bool for_cpu);

#else

static inline size_t check_memory(const struct dmah_domain_config *cfg)
{
	(void)cfg;
	return 0;
}

static inline void check_init(struct dmah_domain *dom, void *memory)
{
	(void)dom;
	(void)memory;
}

static inline void check_map(struct dmah_device *dev, const struct dmah *h)
{
	(void)dev;
	(void)h;
}

static inline int check_unmap(struct dmah_device *dev, const struct dmah *h)
{
	(void)dev;
	(void)h;
	return DMAH_OK;
}

static inline void check_by_addr(struct dmah_device *dev, const struct dmah *h)
{
	(void)dev;
	(void)h;
}

static inline int check_forget(struct dmah_device *dev, dmah_addr_t dma, uint32_t len)
{
	(void)dev;
	(void)dma;
	(void)len;
	return DMAH_OK;
}

static inline int check_sync(struct dmah_device *dev, const struct dmah *h, uint32_t off,
			     uint32_t len, bool for_cpu)
{
	(void)dev;
	(void)h;
	(void)off;
	(void)len;
	(void)for_cpu;
	return DMAH_OK;
}

static inline void check_synced(struct dmah_device *dev, const struct dmah *h, uint32_t off,
				uint32_t len, bool for_cpu)
{
	(void)dev;
	(void)h;
	(void)off;
	(void)len;
	(void)for_cpu;
}

#endif /* DMAH_CHECK */

#endif /* DMAH_CORE_CHECK_H */
