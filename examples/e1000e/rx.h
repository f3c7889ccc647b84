/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The receive path of the 82574's driver (drivers/e1000e, E1000E_RX_OWN), twice: rx_by_address.c and rx_by_handle.c are
 * the same, before and after. Lay them side by side; README.md counts the difference.
 *
 * Each serves every step-th descriptor from first on, so that both can run at one time on one device. Its owner zeroes it,
 * sets nic, first, step and the slots' buffers, and calls rx_init; then, once the device runs, rx_fill; rx_poll as often
 * as it likes; and rx_empty when the device has stopped, after which rx_fill begins anew.
 */
#ifndef EXAMPLE_RX_H
#define EXAMPLE_RX_H

#include "e1000e.h"

/** RX_SLOTS - descriptors of the device. */
#define RX_SLOTS 16u

/** RX_COPY - bytes of the longest frame that is copied, so that its buffer can stay mapped. */
#define RX_COPY 256u

/**
 * struct rx_sink - takes the frames.
 * @copy: a short one, to be copied now.
 * @take: a long one, whose buffer is kept. Return: the buffer that the device gets in its place.
 * @ctx: passed to both.
 */
struct rx_sink {
	void (*copy)(void *ctx, dmah_phys_t buffer, uint32_t len);
	dmah_phys_t (*take)(void *ctx, dmah_phys_t buffer, uint32_t len);
	void *ctx;
};

#endif /* EXAMPLE_RX_H */
