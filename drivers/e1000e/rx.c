/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Receive frames. Intel 82574 GbE Controller Family Datasheet, 7.1. */
#include "regs.h"

/* Owner of a descriptor. */
enum {
	OURS,
	GIVEN, /* has a buffer, but the tail register does not cover it yet */
	DEVICE,
};

static uint32_t behind(const struct e1000e *nic, uint32_t i, uint32_t n)
{
	return (i + n) & (nic->config.rx_entries - 1);
}

void e1000e_rx_setup(struct e1000e *nic)
{
	struct e1000e_rx *rx = &nic->rx;
	dmah_addr_t ring = dmah_addr(&rx->mapped);

	for (unsigned int i = 0; i < nic->config.rx_entries; i++)
		rx->state[i] = OURS;
	rx->head = 0;
	rx->tail = 0;
	rx->next = 0;
	rx->given = 0;
	rx->partial = false;
	reg_write(nic, REG_RFCTL, RFCTL_EXTENDED);
	reg_write(nic, REG_RXCSUM, 0);
	reg_write(nic, REG_RDBAL, (uint32_t)ring);
	reg_write(nic, REG_RDBAH, (uint32_t)(ring >> 32));
	reg_write(nic, REG_RDLEN,
		  nic->config.rx_entries * (uint32_t)sizeof(struct e1000e_descriptor));
	reg_write(nic, REG_RDH, 0);
	reg_write(nic, REG_RDT, 0);
}

/* ---- descriptors ---- */

int e1000e_rx_give(struct e1000e *nic, unsigned int i, dmah_addr_t dma)
{
	struct e1000e_descriptor *desc = &nic->rx.desc[i];

	if (!nic->running || i >= nic->config.rx_entries || nic->rx.state[i] != OURS)
		return DMAH_EINVAL;
	desc->address = dma;
	desc->word[0] = 0;
	desc->word[1] = 0;
	nic->rx.state[i] = GIVEN;
	return DMAH_OK;
}

/*
 * Advance the tail. A tail that meets the head would mean an empty queue (7.1.8), so stop before.
 */
void e1000e_rx_kick(struct e1000e *nic)
{
	struct e1000e_rx *rx = &nic->rx;
	uint32_t tail = rx->tail;

	while (rx->head != tail && rx->state[rx->head] != DEVICE)
		rx->head = behind(nic, rx->head, 1);
	while (rx->state[tail] == GIVEN && behind(nic, tail, 1) != rx->head) {
		rx->state[tail] = DEVICE;
		tail = behind(nic, tail, 1);
	}
	if (tail == rx->tail)
		return;
	rx->tail = tail;
	/* The register write is ordered after the writes of the descriptors. */
	reg_write(nic, REG_RDT, tail);
}

static bool finished(const struct e1000e *nic, uint32_t i)
{
	return nic->rx.state[i] == DEVICE &&
	       (desc_status(&nic->rx.desc[i], 0) & RX_STATUS_DONE) != 0;
}

/*
 * Take back a finished descriptor, and return the bytes of its frame, or 0. A hostile device may
 * change the descriptor at any time: read each word once, and do not check the done bit again.
 */
static uint32_t complete(struct e1000e *nic, uint32_t i)
{
	struct e1000e_rx *rx = &nic->rx;
	uint32_t status = desc_status(&rx->desc[i], 0);
	uint32_t bytes = RX_LENGTH(desc_status(&rx->desc[i], 1));
	/* A part of a frame does not count as a frame. */
	bool part = rx->partial || !(status & RX_STATUS_END);

	rx->state[i] = OURS;
	rx->partial = !(status & RX_STATUS_END);
	if (!part && !(status & RX_ERRORS) && bytes <= E1000E_BUFFER)
		return bytes;
	nic->stats.bad += (status & RX_STATUS_END) != 0;
	return 0;
}

bool e1000e_rx_done(struct e1000e *nic, unsigned int i, uint32_t *len)
{
	if (i >= nic->config.rx_entries || !finished(nic, i))
		return false;
	*len = complete(nic, i);
	return true;
}

/* ---- buffers ---- */

static int map(struct e1000e *nic, uint32_t i, dmah_addr_t *dma)
{
	struct e1000e_rx *rx = &nic->rx;
	int err;

	if (nic->config.rx == E1000E_RX_RING)
		return dmah_ring_push(rx->ring, rx->buffer[i], E1000E_BUFFER, dma);
	err = dmah_mapped(&rx->h[i]) ? DMAH_OK
				     : dmah_map_memory(nic->config.dev, &rx->h[i], rx->buffer[i],
						       E1000E_BUFFER, DMAH_FROM_DEVICE);
	*dma = dmah_addr(&rx->h[i]);
	return err;
}

int e1000e_rx_fill(struct e1000e *nic)
{
	struct e1000e_rx *rx = &nic->rx;
	dmah_addr_t dma;
	int err;

	if (nic->config.rx == E1000E_RX_OWN)
		return DMAH_OK;
	while (rx->given < nic->config.rx_entries - 1) {
		uint32_t i = behind(nic, rx->next, rx->given);

		err = map(nic, i, &dma);
		if (err) {
			nic->stats.starved++;
			return err;
		}
		(void)e1000e_rx_give(nic, i, dma);
		rx->given++;
	}
	return DMAH_OK;
}

int e1000e_rx_drop(struct e1000e *nic)
{
	struct e1000e_rx *rx = &nic->rx;
	int first = DMAH_OK;

	if (nic->config.rx == E1000E_RX_RING)
		first = dmah_ring_pop(rx->ring, dmah_ring_live(rx->ring));
	for (unsigned int i = 0; nic->config.rx == E1000E_RX_PAGES && i < nic->config.rx_entries;
	     i++) {
		int err = dmah_unmap(nic->config.dev, &rx->h[i]);

		first = first ? first : err;
	}
	rx->given = 0;
	return first;
}

/* ---- frames ---- */

/*
 * Unmap the next @n buffers together, with a ring. With pages, hand_on() syncs each buffer instead.
 */
static int take(struct e1000e *nic, uint32_t n)
{
	return nic->config.rx == E1000E_RX_RING ? dmah_ring_pop(nic->rx.ring, n) : DMAH_OK;
}

static int hand_on(struct e1000e *nic, uint32_t i, uint32_t len, e1000e_packet_fn packet, void *ctx)
{
	struct e1000e_rx *rx = &nic->rx;
	bool pages = nic->config.rx == E1000E_RX_PAGES;
	dmah_phys_t next;
	int err = pages ? dmah_sync_for_cpu(nic->config.dev, &rx->h[i], 0, len) : DMAH_OK;

	if (err)
		return err;
	nic->stats.received++;
	next = packet(ctx, rx->buffer[i], len);
	if (pages)
		err = next == rx->buffer[i]
			      ? dmah_sync_for_device(nic->config.dev, &rx->h[i], 0, len)
			      : dmah_unmap(nic->config.dev, &rx->h[i]);
	rx->buffer[i] = next;
	return err;
}

int e1000e_receive(struct e1000e *nic, unsigned int budget, e1000e_packet_fn packet, void *ctx)
{
	struct e1000e_rx *rx = &nic->rx;
	uint32_t n = 0;
	int err;

	if (!nic->running || nic->config.rx == E1000E_RX_OWN)
		return DMAH_EINVAL;
	if (nic->hung)
		return DMAH_ETIMEDOUT;
	while (n < budget && n < rx->given && finished(nic, behind(nic, rx->next, n)))
		n++;
	err = take(nic, n);
	for (uint32_t k = 0; !err && k < n; k++) {
		uint32_t i = rx->next, len = complete(nic, i);

		rx->next = behind(nic, i, 1);
		rx->given--;
		err = len ? hand_on(nic, i, len, packet, ctx) : DMAH_OK;
	}
	if (err) {
		nic->hung = true;
		return err;
	}
	/* If a map fails, the next call tries again. */
	(void)e1000e_rx_fill(nic);
	e1000e_rx_kick(nic);
	return (int)n;
}
