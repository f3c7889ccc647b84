/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What map and unmap share with vectors, coherent memory and the address-keyed calls.
 */
#ifndef DMAH_CORE_MAP_H
#define DMAH_CORE_MAP_H

#include "base/domain.h"

/** dmah_map_check() - whether a request of @len bytes makes sense and keeps within the device's limits on length. */
int dmah_map_check(const struct dmah_device *dev, const struct map_req *req, uint64_t len);

/** dmah_map_caller() - dmah_map() for a call that has a caller of its own. */
int dmah_map_caller(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir, uint32_t attrs, const void *caller);

/** dmah_map_bus_caller() - the same for dmah_map_bus(). */
int dmah_map_bus_caller(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, dmah_addr_t bus,
			uint64_t len, enum dmah_dir dir, uint32_t attrs, const void *caller);

/** dmah_unmap_general() - end the mapping of a handle that is not idle. @allow: the META_ bits of special kinds expected. */
int dmah_unmap_general(struct dmah_device *dev, struct dmah *h, uint32_t allow, const void *caller);

/** dmah_handle_check() - whether a handle is one of this device's, of a kind in @allow, and live. Return: 0 or an error. */
int dmah_handle_check(struct dmah_device *dev, const struct dmah *h, uint32_t allow);

/** dmah_report_misuse() - count it and tell the host; returns @err. */
int dmah_report_misuse(struct dmah_device *dev, int err, const char *text, uint64_t addr,
		       const void *caller);

/** dmah_handle_fill() - a handle's words, for backends. */
void dmah_handle_fill(const struct dmah_device *dev, struct dmah *h, enum dmah_backend kind,
		      const struct map_req *req, dmah_addr_t dma, uint64_t backend, uint32_t gen);

#endif /* DMAH_CORE_MAP_H */
