/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef EXAMPLE_RING_BY_HANDLE_H
#define EXAMPLE_RING_BY_HANDLE_H

#include <dmah/dmah.h>

#include "ring.h"

struct slot_by_handle {
	void *buffer;
	struct dmah h;
};

struct ring_by_handle {
	struct ring_descriptor *descriptor;
	struct slot_by_handle slot[RING_SLOTS];
};

int ring_fill_by_handle(struct dmah_device *dev, struct ring_by_handle *ring);
void ring_poll_by_handle(struct dmah_device *dev, struct ring_by_handle *ring);
void ring_empty_by_handle(struct dmah_device *dev, struct ring_by_handle *ring);

#endif /* EXAMPLE_RING_BY_HANDLE_H */
