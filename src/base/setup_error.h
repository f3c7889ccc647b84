/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Errors of setup calls: each is reported to the host with the argument that it is about and the reason.
 */
#ifndef DMAH_BASE_SETUP_ERROR_H
#define DMAH_BASE_SETUP_ERROR_H

#include <dmah/host.h>

/**
 * dmah_setup_error() - report why a setup call fails.
 * @dev: the device, or NULL.
 * @err: the error.
 * @text: the call, the argument and the reason; constant.
 * @value: the argument's value.
 *
 * Return: @err.
 */
static inline int dmah_setup_error(const struct dmah_device *dev, int err, const char *text,
				   uint64_t value)
{
	dmah_host_report(dev, err, text, value, NULL);
	return err;
}

#endif /* DMAH_BASE_SETUP_ERROR_H */
