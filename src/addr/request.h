/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Functions shared by the address-keyed calls. */
#ifndef DMAH_ADDR_REQUEST_H
#define DMAH_ADDR_REQUEST_H

#include "base/domain.h"

/**
 * dmah_addr_check() - check the arguments of an address-keyed call. Return: 0, DMAH_ENODEV,
 * DMAH_EINVAL.
 */
int dmah_addr_check(const struct dmah_device *dev, const struct addr_req *req, uint64_t len);

/** dmah_addr_barred() - refuse an address-keyed call in a domain of handles only. Return: 0, or DMAH_ENOTSUP with a report. */
int dmah_addr_barred(struct dmah_device *dev, dmah_addr_t addr, const void *caller);

/** dmah_addr_sync() - sync @len bytes at @req->dma. Modifies @req. */
int dmah_addr_sync(struct dmah_device *dev, struct addr_req *req, uint64_t len, bool for_cpu,
		   const void *caller);

#endif /* DMAH_ADDR_REQUEST_H */
