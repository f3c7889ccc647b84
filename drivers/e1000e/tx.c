/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Transmit frames. Intel 82574 GbE Controller Family Datasheet, 7.2; legacy descriptors, 7.2.10. */
#include "regs.h"

/* Bytes of the shortest frame that the device pads (TCTL.PSP, 10.2.6.1). */
#define SHORTEST 17u

static uint32_t at(const struct e1000e *nic, uint32_t i)
{
	return i & (nic->config.tx_entries - 1);
}

void e1000e_tx_setup(struct e1000e *nic)
{
	dmah_addr_t ring = dmah_addr(&nic->tx.mapped);

	nic->tx.next = 0;
	nic->tx.clean = 0;
	reg_write(nic, REG_TDBAL, (uint32_t)ring);
	reg_write(nic, REG_TDBAH, (uint32_t)(ring >> 32));
	reg_write(nic, REG_TDLEN,
		  nic->config.tx_entries * (uint32_t)sizeof(struct e1000e_descriptor));
	reg_write(nic, REG_TDH, 0);
	reg_write(nic, REG_TDT, 0);
	reg_write(nic, REG_TXDCTL, TXDCTL_VALUE);
	reg_write(nic, REG_TIPG, TIPG_VALUE);
	reg_write(nic, REG_TCTL, TCTL_VALUE);
}

static uint32_t bytes_of(const struct dmah_seg *piece, unsigned int n)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (!piece[i].len || piece[i].len > E1000E_FRAME)
			return 0;
		sum += piece[i].len;
	}
	return sum;
}

static int map_pieces(struct e1000e *nic, const struct dmah_seg *piece, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		int err = dmah_map_memory(nic->config.dev,
					  &nic->tx.slot[at(nic, nic->tx.next + i)].h, piece[i].phys,
					  piece[i].len, DMAH_TO_DEVICE);

		if (!err)
			continue;
		while (i--)
			(void)dmah_unmap(nic->config.dev,
					 &nic->tx.slot[at(nic, nic->tx.next + i)].h);
		return err;
	}
	return DMAH_OK;
}

int e1000e_transmit(struct e1000e *nic, const struct dmah_seg *piece, unsigned int n, void *cookie)
{
	struct e1000e_tx *tx = &nic->tx;
	uint32_t bytes, free = nic->config.tx_entries - 1 - (tx->next - tx->clean);
	int err;

	if (!nic->running || !n || n > E1000E_BATCH)
		return DMAH_EINVAL;
	if (nic->hung)
		return DMAH_ETIMEDOUT;
	if (n > free)
		return DMAH_ENOSPC;
	bytes = bytes_of(piece, n);
	if (bytes < SHORTEST || bytes > E1000E_FRAME)
		return DMAH_EINVAL;
	err = map_pieces(nic, piece, n);
	if (err)
		return err;
	for (unsigned int i = 0; i < n; i++) {
		struct e1000e_tx_slot *slot = &tx->slot[at(nic, tx->next)];
		struct e1000e_descriptor *desc = &tx->desc[at(nic, tx->next)];

		slot->end = i + 1 == n;
		slot->cookie = slot->end ? cookie : NULL;
		desc->address = dmah_addr(&slot->h);
		desc->word[0] = piece[i].len | TX_INSERT_CRC |
				(slot->end ? TX_END | TX_REPORT : 0u);
		desc->word[1] = 0;
		tx->next++;
	}
	return DMAH_OK;
}

void e1000e_kick(struct e1000e *nic)
{
	/* The register write is ordered after the writes of the descriptors. */
	if (nic->running)
		reg_write(nic, REG_TDT, at(nic, nic->tx.next));
}

/* Count the finished descriptors of whole frames, from tx->clean on, up to a batch. */
static uint32_t finished(const struct e1000e *nic)
{
	const struct e1000e_tx *tx = &nic->tx;
	uint32_t whole = 0;

	for (uint32_t n = 0; n < E1000E_BATCH && tx->clean + n != tx->next; n++) {
		uint32_t i = at(nic, tx->clean + n);

		if (!tx->slot[i].end)
			continue;
		if (!(desc_status(&tx->desc[i], 1) & TX_STATUS_DONE))
			break;
		whole = n + 1;
	}
	return whole;
}

/* Unmap @n pieces with one invalidation and one wait. */
static int unmap_some(struct e1000e *nic, uint32_t n)
{
	struct dmah_batch batch = { .h = nic->tx.room, .max = E1000E_BATCH };
	struct dmah *h[E1000E_BATCH];
	int begun, ended;

	for (uint32_t i = 0; i < n; i++)
		h[i] = &nic->tx.slot[at(nic, nic->tx.clean + i)].h;
	begun = dmah_unmap_start(nic->config.dev, &batch, h, n);
	ended = dmah_unmap_finish(nic->config.dev, &batch);
	return begun ? begun : ended;
}

int e1000e_reap(struct e1000e *nic, void (*sent)(void *ctx, void *cookie), void *ctx)
{
	struct e1000e_tx *tx = &nic->tx;
	int frames = 0;
	uint32_t n;

	if (!nic->running)
		return DMAH_EINVAL;
	while (!nic->hung && (n = finished(nic)) != 0) {
		int err = unmap_some(nic, n);

		nic->hung = err != DMAH_OK;
		for (; n; n--, tx->clean++) {
			struct e1000e_tx_slot *slot = &tx->slot[at(nic, tx->clean)];

			if (err || !slot->end)
				continue;
			frames++;
			nic->stats.sent++;
			if (sent)
				sent(ctx, slot->cookie);
		}
		if (err)
			return err;
	}
	return nic->hung ? DMAH_ETIMEDOUT : frames;
}

int e1000e_tx_drop(struct e1000e *nic)
{
	struct e1000e_tx *tx = &nic->tx;
	int first = DMAH_OK;

	while (tx->clean != tx->next) {
		uint32_t n = tx->next - tx->clean;
		int err = unmap_some(nic, n < E1000E_BATCH ? n : E1000E_BATCH);

		first = first ? first : err;
		tx->clean += n < E1000E_BATCH ? n : E1000E_BATCH;
	}
	return first;
}
