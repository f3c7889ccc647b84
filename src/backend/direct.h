/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The direct backend. Passthrough behind an IOMMU uses it too.
 */
#ifndef DMAH_BACKEND_DIRECT_H
#define DMAH_BACKEND_DIRECT_H

#include "base/count.h"
#include "base/domain.h"

/** dmah_direct_reaches() - Returns true if a device can be given these bus addresses: mask and boundary. */
bool dmah_direct_reaches(const struct dmah_device *dev, dmah_addr_t bus, uint64_t len);

/* The entries of dmah_backend_direct. */
int dmah_direct_map(struct dmah_device *dev, struct dmah *h, const struct map_req *req);
int dmah_direct_check(struct dmah_device *dev, const struct dmah *h);
int dmah_direct_unmap(struct dmah_device *dev, struct dmah *h, bool strict);
int dmah_direct_rebuild(struct dmah_device *dev, struct dmah *h, const struct addr_req *req);
int dmah_direct_rebuild_part(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
			     uint32_t *done);
dmah_phys_t dmah_direct_highest(const struct dmah_device *dev);

dmah_phys_t dmah_direct_crossing(const struct dmah_device *dev, dmah_phys_t phys, uint64_t len);

/** direct_fast_map() - the fast path of map. Return: false where the mapping was not made: nothing has changed. */
static inline bool direct_fast_map(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys,
				   uint64_t len, enum dmah_dir dir, const void *caller)
{
	struct dmah_domain *dom = dev->dom;
	struct dmah_cpu *cpu;
	unsigned long flags;
	dmah_addr_t dma;

	uint64_t end = hint_load(&dev->direct_end);

	/* No memory lies before direct_end where the fast path is closed. A length of 0 is too much. */
	if (phys >= end || len - 1 >= end - phys || len > UINT32_MAX || h->meta ||
	    (unsigned int)dir - 1 >= DMAH_BIDIRECTIONAL)
		return false;
	dma = phys + (uint64_t)dom->cfg.offset;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	count_add(&count_here(dev, cpu)->maps, 1);
	/* As history_word() where the offset is one of whole pages. */
	history_begin(&dom->history, dev, dma, phys & ~HISTORY_IN_PAGE, (uint32_t)len, dir, caller);
	dmah_host_leave(flags);
	h->dma = dma;
	h->phys = phys;
	h->backend = 0;
	h->len = (uint32_t)len;
	h->meta = dev->direct | (uint32_t)dir;
	return true;
}

/** direct_fast_unmap() - the fast path of unmap. Return: false where the general path must look: nothing has changed. */
static inline bool direct_fast_unmap(struct dmah_device *dev, struct dmah *h)
{
	struct dmah_domain *dom = dev->dom;
	struct history_record *record;
	struct dmah_cpu *cpu;
	unsigned long flags;

	/* As dmah_direct_check(): a handle without state behind it can be held to no more. */
	if (!dev->direct || (h->meta & ~META_DIR) != dev->direct || !meta_dir(h->meta) ||
	    h->backend || !h->len || h->dma != h->phys + (uint64_t)dom->cfg.offset)
		return false;
	cpu = dom->cpu[dmah_host_enter(&flags)];
	count_add(&count_here(dev, cpu)->unmaps, 1);
	dmah_host_leave(flags);
	record = history_at(&dom->history, h->dma);
	if (history_load(&record->dma) == h->dma)
		history_store(&record->ended, history_load(&record->ended) | 1);
	handle_end(h);
	return true;
}

/**
 * direct_crossing() - return the physical address inside [@phys, @phys + @len) at which the device's first boundary lies;
 * @phys: there is none. @offset: DMA address minus physical address.
 */
static inline dmah_phys_t direct_crossing(const struct dmah_device *dev, dmah_phys_t phys,
					  uint64_t len, uint64_t offset)
{
	uint64_t boundary = dev->limits.boundary, room;

	if (!boundary)
		return phys;
	room = boundary - ((phys + offset) & (boundary - 1));
	return room < len ? phys + room : phys;
}

/** direct_limit() - the highest physical address whose DMA address, @offset higher, is at most @mask. */
static inline dmah_phys_t direct_limit(uint64_t mask, int64_t offset)
{
	uint64_t down = 0 - (uint64_t)offset;

	if (offset >= 0)
		return (uint64_t)offset > mask ? 0 : mask - (uint64_t)offset;
	return down > ~mask ? ~0ull : mask + down;
}

#endif /* DMAH_BACKEND_DIRECT_H */
