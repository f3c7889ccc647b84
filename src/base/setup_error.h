/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Reports errors of setup calls to the host, each with the argument and the reason. */
#ifndef DMAH_BASE_SETUP_ERROR_H
#define DMAH_BASE_SETUP_ERROR_H

#include <dmah/host.h>

/**
 * dmah_setup_error() - report the failure of a setup call.
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
