/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef EXAMPLE_RX_BY_HANDLE_H
#define EXAMPLE_RX_BY_HANDLE_H

#include <dmah/dmah.h>

#include "rx.h"

struct slot_by_handle {
	dmah_phys_t buffer;
	struct dmah h;
};

struct rx_by_handle {
	struct e1000e *nic;
	struct slot_by_handle slot[RX_SLOTS];
	unsigned int first;
	unsigned int step;
	unsigned int next;
	unsigned int given;
};

void rx_init_by_handle(struct rx_by_handle *rx);
int rx_fill_by_handle(struct rx_by_handle *rx);
int rx_poll_by_handle(struct rx_by_handle *rx, const struct rx_sink *sink);
int rx_empty_by_handle(struct rx_by_handle *rx);

#endif /* EXAMPLE_RX_BY_HANDLE_H */
