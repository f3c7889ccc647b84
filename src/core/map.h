/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Map and unmap for calls that name the caller of their own.
 */
#ifndef DMAH_CORE_MAP_H
#define DMAH_CORE_MAP_H

#include "base/domain.h"
#include "base/request.h"

/** dmah_map_caller() - dmah_map() for a call that has a caller of its own. */
int dmah_map_caller(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir, uint32_t attrs, const void *caller);

/** dmah_map_bus_caller() - the same for dmah_map_bus(). */
int dmah_map_bus_caller(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, dmah_addr_t bus,
			uint64_t len, enum dmah_dir dir, uint32_t attrs, const void *caller);

/** dmah_unmap_general() - end the mapping of a handle that is not idle. @allow: the META_ bits of special kinds expected. */
int dmah_unmap_general(struct dmah_device *dev, struct dmah *h, uint32_t allow, const void *caller);

#endif /* DMAH_CORE_MAP_H */
