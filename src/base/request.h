/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Checks that every call makes of its arguments and of a handle, and the report of misuse.
 */
#ifndef DMAH_BASE_REQUEST_H
#define DMAH_BASE_REQUEST_H

#include "base/domain.h"

/** dmah_map_check() - whether a request of @len bytes makes sense and keeps within the device's limits on length. */
int dmah_map_check(const struct dmah_device *dev, const struct map_req *req, uint64_t len);

/** dmah_handle_fill() - a handle's words, for backends. */
void dmah_handle_fill(const struct dmah_device *dev, struct dmah *h, enum dmah_backend kind,
		      const struct map_req *req, dmah_addr_t dma, uint64_t backend, uint32_t gen);

/** dmah_handle_check() - whether a handle is one of this device's, of a kind in @allow, and live. Return: 0 or an error. */
int dmah_handle_check(struct dmah_device *dev, const struct dmah *h, uint32_t allow);

/** dmah_report_misuse() - count it and tell the host; returns @err. */
int dmah_report_misuse(struct dmah_device *dev, int err, const char *text, uint64_t addr,
		       const void *caller);

#endif /* DMAH_BASE_REQUEST_H */
