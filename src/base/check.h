/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Check builds (DMAH_CHECK): a shadow table of every mapping. The domain's configuration gives its
 * size.
 *
 * The table finds three errors that a handle alone cannot show: a stale copy of a handle, for
 * backends without state (direct, Xen); a sync with a stale copy; and a CPU write to a FROM_DEVICE
 * buffer between sync_for_cpu and unmap, which the unmap would discard. In other builds these
 * functions do nothing.
 */
#ifndef DMAH_BASE_CHECK_H
#define DMAH_BASE_CHECK_H

#include "base/domain.h"

#ifdef DMAH_CHECK

/**
 * dmah_check_memory() - return the bytes of a domain's shadow table; 0 if the configuration makes
 * no sense.
 */
size_t dmah_check_memory(const struct dmah_domain_config *cfg);
void dmah_check_init(struct dmah_domain *dom, void *memory);

/** dmah_check_map() - record a new mapping. A full table records no more and reports this once. */
void dmah_check_map(struct dmah_device *dev, const struct dmah *h);

/**
 * dmah_check_unmap() - record the end of a mapping. Return: 0; DMAH_ESTALE if the mapping is not
 * live.
 */
int dmah_check_unmap(struct dmah_device *dev, const struct dmah *h);

/** dmah_check_by_addr() - mark a new mapping as one that will be ended by its address. */
void dmah_check_by_addr(struct dmah_device *dev, const struct dmah *h);

/**
 * dmah_check_forget() - record the end of a mapping by its DMA address.
 *
 * Return: 0; DMAH_ESTALE: not live; DMAH_EINVAL: live with another direction.
 */
int dmah_check_forget(struct dmah_device *dev, dmah_addr_t dma, uint32_t len, enum dmah_dir dir);

/**
 * dmah_check_sync() - check a mapping before a sync. Return: 0; DMAH_ESTALE if the mapping is not
 * live.
 */
int dmah_check_sync(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len,
		    bool for_cpu);

/** dmah_check_synced() - record a completed sync. */
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
