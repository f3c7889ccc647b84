/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef EXAMPLE_RX_BY_ADDRESS_H
#define EXAMPLE_RX_BY_ADDRESS_H

#include <dmah/addr.h>

#include "rx.h"

struct slot_by_address {
	dmah_phys_t buffer;
	dmah_addr_t dma;
};

struct rx_by_address {
	struct e1000e *nic;
	struct slot_by_address slot[RX_SLOTS];
	unsigned int first;
	unsigned int step;
	unsigned int next;
	unsigned int given;
};

void rx_init_by_address(struct rx_by_address *rx);
int rx_fill_by_address(struct rx_by_address *rx);
int rx_poll_by_address(struct rx_by_address *rx, const struct rx_sink *sink);
int rx_empty_by_address(struct rx_by_address *rx);

#endif /* EXAMPLE_RX_BY_ADDRESS_H */
