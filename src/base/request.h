/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Checks the arguments and handles of all calls, and reports misuse. */
#ifndef DMAH_BASE_REQUEST_H
#define DMAH_BASE_REQUEST_H

#include "base/domain.h"

/**
 * dmah_map_check() - check a request of @len bytes: arguments, and the device's limits on length.
 *
 * Return: 0, DMAH_ENODEV, DMAH_EINVAL, DMAH_ERANGE.
 */
int dmah_map_check(const struct dmah_device *dev, const struct map_req *req, uint64_t len);

/** dmah_handle_fill() - write all words of a handle, for backends. */
void dmah_handle_fill(const struct dmah_device *dev, struct dmah *h, enum dmah_backend kind,
		      const struct map_req *req, dmah_addr_t dma, uint64_t backend, uint32_t gen);

/**
 * dmah_handle_check() - check that a handle is live, of this device, and of a kind in @allow.
 *
 * Return: 0 or an error.
 */
int dmah_handle_check(struct dmah_device *dev, const struct dmah *h, uint32_t allow);

/** dmah_report_misuse() - count a misuse and report it to the host. Return: @err. */
int dmah_report_misuse(struct dmah_device *dev, int err, const char *text, uint64_t addr,
		       const void *caller);

#endif /* DMAH_BASE_REQUEST_H */
