/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "ring_by_handle.h"

int ring_fill_by_handle(struct dmah_device *dev, struct ring_by_handle *ring)
{
	for (unsigned int i = 0; i < RING_SLOTS; i++) {
		struct slot_by_handle *slot = &ring->slot[i];
		int err =
			dmah_map_single(dev, &slot->h, slot->buffer, RING_BUFFER, DMAH_FROM_DEVICE);

		if (err)
			return err;
		ring->descriptor[i].address = dmah_addr(&slot->h);
	}
	return DMAH_OK;
}

void ring_poll_by_handle(struct dmah_device *dev, struct ring_by_handle *ring)
{
	for (unsigned int i = 0; i < RING_SLOTS; i++) {
		struct slot_by_handle *slot = &ring->slot[i];
		uint32_t length = ring->descriptor[i].length;

		if (!length)
			continue;
		dmah_sync_for_cpu(dev, &slot->h, 0, length);
		ring_packet(slot->buffer, length);
		ring->descriptor[i].length = 0;
		dmah_sync_for_device(dev, &slot->h, 0, length);
	}
}

void ring_empty_by_handle(struct dmah_device *dev, struct ring_by_handle *ring)
{
	for (unsigned int i = 0; i < RING_SLOTS; i++)
		dmah_unmap(dev, &ring->slot[i].h);
}
