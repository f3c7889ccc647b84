/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "rx_by_address.h"

void rx_init_by_address(struct rx_by_address *rx)
{
	for (unsigned int i = rx->first; i < RX_SLOTS; i += rx->step)
		rx->slot[i].dma = DMAH_BAD_ADDR;
	rx->next = rx->first;
}

static int map(struct rx_by_address *rx, struct slot_by_address *slot)
{
	if (slot->dma != DMAH_BAD_ADDR)
		return DMAH_OK;
	return dmah_addr_map(rx->nic->config.dev, slot->buffer, E1000E_BUFFER, DMAH_FROM_DEVICE, 0,
			     &slot->dma);
}

static int unmap(struct rx_by_address *rx, struct slot_by_address *slot)
{
	int err;

	if (slot->dma == DMAH_BAD_ADDR)
		return DMAH_OK;
	err = dmah_addr_unmap(rx->nic->config.dev, slot->dma, E1000E_BUFFER, DMAH_FROM_DEVICE, 0);
	slot->dma = DMAH_BAD_ADDR;
	return err;
}

int rx_fill_by_address(struct rx_by_address *rx)
{
	int err = DMAH_OK;

	while (!err && rx->given < RX_SLOTS / rx->step) {
		unsigned int i = (rx->next + rx->given * rx->step) % RX_SLOTS;
		struct slot_by_address *slot = &rx->slot[i];

		err = map(rx, slot);
		if (!err)
			err = e1000e_rx_give(rx->nic, i, slot->dma);
		rx->given += !err;
	}
	e1000e_rx_kick(rx->nic);
	return err;
}

static int receive(struct rx_by_address *rx, struct slot_by_address *slot, uint32_t len,
		   const struct rx_sink *sink)
{
	struct dmah_device *dev = rx->nic->config.dev;
	int err;

	if (len > RX_COPY) {
		err = unmap(rx, slot);
		if (!err)
			slot->buffer = sink->take(sink->ctx, slot->buffer, len);
		return err;
	}
	err = dmah_addr_sync_for_cpu(dev, slot->dma, len, DMAH_FROM_DEVICE);
	if (err)
		return err;
	sink->copy(sink->ctx, slot->buffer, len);
	return dmah_addr_sync_for_device(dev, slot->dma, len, DMAH_FROM_DEVICE);
}

int rx_poll_by_address(struct rx_by_address *rx, const struct rx_sink *sink)
{
	uint32_t len;
	int err = DMAH_OK;

	while (!err && rx->given && e1000e_rx_done(rx->nic, rx->next, &len)) {
		if (len)
			err = receive(rx, &rx->slot[rx->next], len, sink);
		rx->next = (rx->next + rx->step) % RX_SLOTS;
		rx->given--;
	}
	return err ? err : rx_fill_by_address(rx);
}

int rx_empty_by_address(struct rx_by_address *rx)
{
	int first = DMAH_OK;

	for (unsigned int i = rx->first; i < RX_SLOTS; i += rx->step) {
		int err = unmap(rx, &rx->slot[i]);

		first = first ? first : err;
	}
	rx->next = rx->first;
	rx->given = 0;
	return first;
}
