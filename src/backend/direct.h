/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The direct backend. Passthrough behind an IOMMU uses it too.
 */
#ifndef DMAH_BACKEND_DIRECT_H
#define DMAH_BACKEND_DIRECT_H

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
