/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A whole buffer in a slot of the pool: the bounce backend, and what the others do with a buffer that a device cannot
 * reach in place.
 */
#ifndef DMAH_BACKEND_BOUNCE_H
#define DMAH_BACKEND_BOUNCE_H

#include "backend/direct.h"

/**
 * dmah_bounce_slot() - a slot for the whole of a buffer.
 * @bus_offset: the slot's DMA address minus its physical one.
 *
 * Return: 0, DMAH_ENOPOOL, DMAH_ENOSPC, DMAH_ERANGE.
 */
int dmah_bounce_slot(struct dmah_device *dev, const struct map_req *req, uint64_t bus_offset,
		     uint32_t *token);

/**
 * dmah_bounce_slot_from() - dmah_bounce_slot() from one pool of the domain's chain.
 * @number: the pool's place in the chain, from 0.
 *
 * Return: 0, DMAH_ENOSPC, DMAH_ERANGE.
 */
int dmah_bounce_slot_from(struct dmah_device *dev, const struct map_req *req,
			  struct dmah_pool *pool, uint32_t number, uint64_t bus_offset,
			  uint32_t *token);

/** dmah_bounces() - Returns true if a buffer may bounce: the domain has a pool, and the attributes allow it. */
bool dmah_bounces(const struct dmah_device *dev, const struct map_req *req);

/**
 * dmah_bounce_rebuild() - rebuild the handle of a buffer whose DMA address lies in a pool; the lookup is counted.
 * @phys: the slot's byte behind @req->dma.
 *
 * Return: 0, DMAH_ESTALE, DMAH_EINVAL (only a part is named).
 */
int dmah_bounce_rebuild(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
			dmah_phys_t phys, enum dmah_backend kind);

/** dmah_bounce_rebuild_part() - the same for a sync of bytes anywhere inside. */
int dmah_bounce_rebuild_part(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
			     dmah_phys_t phys, enum dmah_backend kind);

/** dmah_addr_request() - the map request that an address-keyed call implies. */
struct map_req dmah_addr_request(const struct addr_req *req, dmah_phys_t phys);

#endif /* DMAH_BACKEND_BOUNCE_H */
