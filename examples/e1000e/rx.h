/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The receive path of the 82574's driver (drivers/e1000e, E1000E_RX_OWN), written twice:
 * rx_by_address.c keeps DMA addresses, rx_by_handle.c keeps handles. Compare them side by side;
 * README.md counts the differences.
 *
 * Each serves every step-th descriptor, beginning with descriptor "first", so both can run at the
 * same time on one device. The caller zeroes the structure, sets nic, first, step and the buffers
 * of the slots, and calls rx_init. Once the device runs, call rx_fill, then rx_poll as often as
 * needed. Call rx_empty after the device has stopped; rx_fill then starts again.
 */
#ifndef EXAMPLE_RX_H
#define EXAMPLE_RX_H

#include "e1000e.h"

/** RX_SLOTS - descriptors of the device. */
#define RX_SLOTS 16u

/** RX_COPY - bytes of the longest frame that is copied, so that its buffer can stay mapped. */
#define RX_COPY 256u

/**
 * struct rx_sink - callbacks that take received frames.
 * @copy: copies a short frame during the call.
 * @take: takes a long frame together with its buffer. Return: another buffer for the device.
 * @ctx: passed to both callbacks.
 */
struct rx_sink {
	void (*copy)(void *ctx, dmah_phys_t buffer, uint32_t len);
	dmah_phys_t (*take)(void *ctx, dmah_phys_t buffer, uint32_t len);
	void *ctx;
};

#endif /* EXAMPLE_RX_H */
