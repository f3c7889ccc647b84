/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "rx_by_handle.h"

void rx_init_by_handle(struct rx_by_handle *rx)
{
	rx->next = rx->first;
}

static int map(struct rx_by_handle *rx, struct slot_by_handle *slot)
{
	if (dmah_mapped(&slot->h))
		return DMAH_OK;
	return dmah_map(rx->nic->config.dev, &slot->h, slot->buffer, E1000E_BUFFER,
			DMAH_FROM_DEVICE, 0);
}

int rx_fill_by_handle(struct rx_by_handle *rx)
{
	int err = DMAH_OK;

	while (!err && rx->given < RX_SLOTS / rx->step) {
		unsigned int i = (rx->next + rx->given * rx->step) % RX_SLOTS;
		struct slot_by_handle *slot = &rx->slot[i];

		err = map(rx, slot);
		if (!err)
			err = e1000e_rx_give(rx->nic, i, dmah_addr(&slot->h));
		rx->given += !err;
	}
	e1000e_rx_kick(rx->nic);
	return err;
}

static int receive(struct rx_by_handle *rx, struct slot_by_handle *slot, uint32_t len,
		   const struct rx_sink *sink)
{
	struct dmah_device *dev = rx->nic->config.dev;
	int err;

	if (len > RX_COPY) {
		err = dmah_unmap(dev, &slot->h);
		if (!err)
			slot->buffer = sink->take(sink->ctx, slot->buffer, len);
		return err;
	}
	err = dmah_sync_for_cpu(dev, &slot->h, 0, len);
	if (err)
		return err;
	sink->copy(sink->ctx, slot->buffer, len);
	return dmah_sync_for_device(dev, &slot->h, 0, len);
}

int rx_poll_by_handle(struct rx_by_handle *rx, const struct rx_sink *sink)
{
	uint32_t len;
	int err = DMAH_OK;

	while (!err && rx->given && e1000e_rx_done(rx->nic, rx->next, &len)) {
		if (len)
			err = receive(rx, &rx->slot[rx->next], len, sink);
		rx->next = (rx->next + rx->step) % RX_SLOTS;
		rx->given--;
	}
	return err ? err : rx_fill_by_handle(rx);
}

int rx_empty_by_handle(struct rx_by_handle *rx)
{
	int first = DMAH_OK;

	for (unsigned int i = rx->first; i < RX_SLOTS; i += rx->step) {
		int err = dmah_unmap(rx->nic->config.dev, &rx->slot[i].h);

		first = first ? first : err;
	}
	rx->next = rx->first;
	rx->given = 0;
	return first;
}
