/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the address-keyed calls share.
 */
#ifndef DMAH_ADDR_REQUEST_H
#define DMAH_ADDR_REQUEST_H

#include "base/domain.h"

/** dmah_addr_check() - whether an address-keyed request makes sense at all. */
int dmah_addr_check(const struct dmah_device *dev, const struct addr_req *req, uint64_t len);

/** dmah_addr_sync() - sync the bytes at @req->dma; @req is used up. */
int dmah_addr_sync(struct dmah_device *dev, struct addr_req *req, uint64_t len, bool for_cpu,
		   const void *caller);

#endif /* DMAH_ADDR_REQUEST_H */
