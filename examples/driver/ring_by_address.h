/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef EXAMPLE_RING_BY_ADDRESS_H
#define EXAMPLE_RING_BY_ADDRESS_H

#include "ring.h"

struct slot_by_address {
	void *buffer;
	dmah_addr_t dma;
	uint32_t len;
};

struct ring_by_address {
	struct ring_descriptor *descriptor;
	struct slot_by_address slot[RING_SLOTS];
};

int ring_fill_by_address(struct dmah_device *dev, struct ring_by_address *ring);
void ring_poll_by_address(struct dmah_device *dev, struct ring_by_address *ring);
void ring_empty_by_address(struct dmah_device *dev, struct ring_by_address *ring);

#endif /* EXAMPLE_RING_BY_ADDRESS_H */
