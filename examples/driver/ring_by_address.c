/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <dmah/addr.h>
#include <dmah/host.h>

#include "ring_by_address.h"

int ring_fill_by_address(struct dmah_device *dev, struct ring_by_address *ring)
{
	for (unsigned int i = 0; i < RING_SLOTS; i++) {
		struct slot_by_address *slot = &ring->slot[i];
		int err = dmah_addr_map(dev, dmah_host_virt_to_phys(slot->buffer), RING_BUFFER,
					DMAH_FROM_DEVICE, 0, &slot->dma);

		if (err)
			return err;
		slot->len = RING_BUFFER;
		ring->descriptor[i].address = slot->dma;
	}
	return DMAH_OK;
}

void ring_poll_by_address(struct dmah_device *dev, struct ring_by_address *ring)
{
	for (unsigned int i = 0; i < RING_SLOTS; i++) {
		struct slot_by_address *slot = &ring->slot[i];
		uint32_t length = ring->descriptor[i].length;

		if (!length)
			continue;
		dmah_addr_sync_for_cpu(dev, slot->dma, length, DMAH_FROM_DEVICE);
		ring_packet(slot->buffer, length);
		ring->descriptor[i].length = 0;
		dmah_addr_sync_for_device(dev, slot->dma, length, DMAH_FROM_DEVICE);
	}
}

void ring_empty_by_address(struct dmah_device *dev, struct ring_by_address *ring)
{
	for (unsigned int i = 0; i < RING_SLOTS; i++) {
		struct slot_by_address *slot = &ring->slot[i];

		if (!slot->len)
			continue;
		dmah_addr_unmap(dev, slot->dma, slot->len, DMAH_FROM_DEVICE, 0);
		slot->dma = DMAH_BAD_ADDR;
		slot->len = 0;
	}
}
