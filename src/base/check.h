/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Check builds (DMAH_CHECK): a shadow table of every mapping, as large as the domain was configured for.
 *
 * Finds what a handle alone cannot show: a stale copy where the backend keeps no state (direct, Xen), a sync with a
 * copy, and a CPU that writes to a FROM_DEVICE buffer between sync_for_cpu and unmap, whose bytes the unmap would lose.
 * In other builds all of it is nothing.
 */
#ifndef DMAH_BASE_CHECK_H
#define DMAH_BASE_CHECK_H

#include "base/domain.h"

#ifdef DMAH_CHECK

/** dmah_check_memory() - bytes of a domain's shadow table; 0 where the configuration makes no sense. */
size_t dmah_check_memory(const struct dmah_domain_config *cfg);
void dmah_check_init(struct dmah_domain *dom, void *memory);

/** dmah_check_map() - a mapping was made. A table that is full stops to follow, and says so once. */
void dmah_check_map(struct dmah_device *dev, const struct dmah *h);

/** dmah_check_unmap() - it is about to end. Return: 0; DMAH_ESTALE where it is not live. */
int dmah_check_unmap(struct dmah_device *dev, const struct dmah *h);

/** dmah_check_by_addr() - a mapping just made will be ended by its address. */
void dmah_check_by_addr(struct dmah_device *dev, const struct dmah *h);

/** dmah_check_forget() - the mapping at a DMA address is about to end, by address. Return: 0; DMAH_ESTALE. */
int dmah_check_forget(struct dmah_device *dev, dmah_addr_t dma, uint32_t len, enum dmah_dir dir);

/** dmah_check_sync() - it is about to be synced. Return: 0; DMAH_ESTALE. */
int dmah_check_sync(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len,
		    bool for_cpu);

/** dmah_check_synced() - it was. */
void dmah_check_synced(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len,
		       bool for_cpu);

#else

static inline size_t dmah_check_memory(const struct dmah_domain_config *cfg)
{
	(void)cfg;
	return 0;
}

static inline void dmah_check_init(struct dmah_domain *dom, void *memory)
{
	(void)dom;
	(void)memory;
}

static inline void dmah_check_map(struct dmah_device *dev, const struct dmah *h)
{
	(void)dev;
	(void)h;
}

static inline int dmah_check_unmap(struct dmah_device *dev, const struct dmah *h)
{
	(void)dev;
	(void)h;
	return DMAH_OK;
}

static inline void dmah_check_by_addr(struct dmah_device *dev, const struct dmah *h)
{
	(void)dev;
	(void)h;
}

static inline int dmah_check_forget(struct dmah_device *dev, dmah_addr_t dma, uint32_t len,
				    enum dmah_dir dir)
{
	(void)dir;
	(void)dev;
	(void)dma;
	(void)len;
	return DMAH_OK;
}

static inline int dmah_check_sync(struct dmah_device *dev, const struct dmah *h, uint32_t off,
				  uint32_t len, bool for_cpu)
{
	(void)dev;
	(void)h;
	(void)off;
	(void)len;
	(void)for_cpu;
	return DMAH_OK;
}

static inline void dmah_check_synced(struct dmah_device *dev, const struct dmah *h, uint32_t off,
				     uint32_t len, bool for_cpu)
{
	(void)dev;
	(void)h;
	(void)off;
	(void)len;
	(void)for_cpu;
}

#endif /* DMAH_CHECK */

#endif /* DMAH_BASE_CHECK_H */
