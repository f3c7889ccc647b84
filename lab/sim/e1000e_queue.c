/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The 82574's queues. Intel 82574 GbE Controller Family Datasheet, 7.1 (receive) and 7.2 (transmit). */
#include "e1000e_int.h"

#include <string.h>

#define SHORTEST 64u /* with the CRC */
#define LONGEST	 1522u /* with the CRC and a VLAN tag, without LPE */
#define CRC_SIZE 4u

/* Write-back of a receive descriptor. */
#define RX_DD  (1u << 0)
#define RX_EOP (1u << 1)

/* A transmit descriptor's command and status, in its second quadword. */
#define TX_EOP	((uint64_t)1 << 24)
#define TX_IFCS ((uint64_t)1 << 25)
#define TX_RS	((uint64_t)1 << 27)
#define TX_DEXT ((uint64_t)1 << 29)
#define TX_DD	((uint64_t)1 << 32)

/* ---- rings ---- */

struct ring {
	uint64_t base;
	uint32_t entries;
	uint32_t *head;
	uint32_t tail;
};

static struct ring ring_at(struct sim_e1000e *nic, uint32_t bal)
{
	return (struct ring){ .base = *e1000e_reg(nic, bal) | (uint64_t)*e1000e_reg(nic, bal + 4)
								      << 32,
			      .entries = *e1000e_reg(nic, bal + 8) / 16,
			      .head = e1000e_reg(nic, bal + 0x10),
			      .tail = *e1000e_reg(nic, bal + 0x18) & 0xffff };
}

static uint32_t ready(const struct ring *r)
{
	if (!r->entries || *r->head >= r->entries || r->tail >= r->entries)
		return 0;
	return (r->tail + r->entries - *r->head) % r->entries;
}

static void advance(const struct ring *r)
{
	*r->head = (*r->head + 1) % r->entries;
}

/* ---- receive ---- */

/* RCTL.BSIZE and BSEX. With both BSIZE 0 and BSEX 1 the size is reserved. */
static uint32_t buffer_size(struct sim_e1000e *nic)
{
	uint32_t rctl = *e1000e_reg(nic, E1000E_RCTL);
	uint32_t size = 2048u >> (rctl >> 16 & 3);

	return rctl & E1000E_BSEX ? size * 16 : size;
}

static bool exact(struct sim_e1000e *nic, const uint8_t *to)
{
	for (uint32_t i = 0; i < 16; i++) {
		const uint32_t *ra = e1000e_reg(nic, E1000E_RAL + 8 * i);

		if ((ra[1] >> 31) && !memcmp(to, ra, 6))
			return true;
	}
	return false;
}

/* RCTL.MO 0: bits 47:36 of the address choose one of 4096 bits (10.2.5). */
static bool hashed(struct sim_e1000e *nic, const uint8_t *to)
{
	uint32_t bit = (uint32_t)(to[4] >> 4) | (uint32_t)to[5] << 4;

	return *e1000e_reg(nic, E1000E_MTA + 4 * (bit >> 5)) >> (bit & 31) & 1;
}

static bool accepts(struct sim_e1000e *nic, const uint8_t *to)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint32_t rctl = *e1000e_reg(nic, E1000E_RCTL);

	if (!memcmp(to, all, 6))
		return (rctl & E1000E_BAM) || (rctl & E1000E_UPE);
	if (to[0] & 1)
		return (rctl & E1000E_MPE) || exact(nic, to) || hashed(nic, to);
	return (rctl & E1000E_UPE) || exact(nic, to);
}

/* Legacy: length, checksum, status, errors, VLAN tag. Extended: status and errors, then length and VLAN tag. */
static void write_back(struct sim_e1000e *nic, uint64_t at, const uint64_t old[2], uint32_t length,
		       bool last)
{
	struct sim_e1000e_lie lie = { 0 };
	uint32_t status = RX_DD | (last ? RX_EOP : 0u);
	uint64_t desc[2] = { old[0], 0 };

	if (nic->lies) {
		lie = nic->lie;
		nic->lies = false;
		length = lie.length ? lie.length : length;
	}
	status = (status | lie.set) & ~lie.clear;
	if (*e1000e_reg(nic, E1000E_RFCTL) & E1000E_EXSTEN) {
		desc[0] = 0;
		desc[1] = status | (uint64_t)length << 32;
	} else {
		desc[1] = length | (uint64_t)(status & 0xff) << 32 | (uint64_t)(status >> 24) << 40;
	}
	(void)e1000e_dma(nic, true, at, desc, sizeof(desc));
}

/*
 * Find the next descriptor with a buffer. A descriptor without one is written back with DD set and otherwise unchanged
 * (7.1.7.2). A descriptor that cannot be read stops the queue.
 */
static bool next_buffer(struct sim_e1000e *nic, const struct ring *r, uint64_t *at,
			uint64_t desc[2])
{
	unsigned int dd = *e1000e_reg(nic, E1000E_RFCTL) & E1000E_EXSTEN ? 0 : 32;

	while (ready(r)) {
		*at = r->base + 16ull * *r->head;
		if (!e1000e_dma(nic, false, *at, desc, 16)) {
			nic->rx_stopped = true;
			nic->stats.stopped++;
			return false;
		}
		advance(r);
		if (desc[0])
			return true;
		desc[1] |= 1ull << dd;
		(void)e1000e_dma(nic, true, *at, desc, 16);
	}
	return false;
}

/* Write a frame to one buffer or more. Writes are posted, so the device does not notice a refusal. */
static void into_memory(struct sim_e1000e *nic, const struct ring *r, const struct e1000e_frame *f,
			uint32_t len)
{
	uint32_t size = buffer_size(nic), done = 0;
	uint8_t bytes[E1000E_MOST];
	uint64_t desc[2], at;

	memcpy(bytes, f->bytes, len);
	while (done < len && next_buffer(nic, r, &at, desc)) {
		uint32_t n = len - done < size ? len - done : size;

		(void)e1000e_dma(nic, true, desc[0], bytes + done, n);
		done += n;
		write_back(nic, at, desc, n, done == len);
	}
	nic->stats.received += done == len;
	*e1000e_reg(nic, E1000E_GPRC) += done == len;
}

void e1000e_drain(struct sim_e1000e *nic)
{
	uint32_t rctl = *e1000e_reg(nic, E1000E_RCTL);
	struct e1000e_frame *f;

	while ((f = e1000e_front(&nic->fifo)) && (rctl & E1000E_REN) && e1000e_may_work(nic)) {
		struct ring r = ring_at(nic, E1000E_RDBAL);
		uint32_t len = f->len - (rctl & E1000E_SECRC ? CRC_SIZE : 0u);
		uint32_t need = (len + buffer_size(nic) - 1) / buffer_size(nic);

		if (nic->rx_stopped || ready(&r) < need)
			return;
		into_memory(nic, &r, f, len);
		e1000e_pop(&nic->fifo);
	}
}

bool sim_e1000e_arrive(struct sim_e1000e *nic, const void *frame, size_t len)
{
	uint32_t rctl = *e1000e_reg(nic, E1000E_RCTL), crc;
	uint8_t bytes[E1000E_MOST];
	uint32_t total = (uint32_t)len + CRC_SIZE;

	if (len < 14 || total > E1000E_MOST || !(rctl & E1000E_REN) || !e1000e_may_work(nic))
		return false;
	memcpy(bytes, frame, len);
	crc = e1000e_crc(bytes, len);
	for (unsigned int i = 0; i < CRC_SIZE; i++)
		bytes[len + i] = (uint8_t)(crc >> 8 * i);
	if (total < SHORTEST || (total > LONGEST && !(rctl & E1000E_LPE))) {
		(*e1000e_reg(nic, total < SHORTEST ? E1000E_RUC : E1000E_ROC))++;
		return false;
	}
	if (!accepts(nic, bytes))
		return false;
	if (nic->fifo.bytes + total > E1000E_FIFO || !e1000e_push(&nic->fifo, bytes, total)) {
		nic->stats.missed++;
		(*e1000e_reg(nic, E1000E_MPC))++;
		return false;
	}
	e1000e_drain(nic);
	return true;
}

/* ---- transmit ---- */

static void stop_tx(struct sim_e1000e *nic)
{
	nic->tx_stopped = true;
	nic->stats.stopped++;
}

/* Send the complete frame. Without IFCS the last four bytes are the CRC that the driver has computed. */
static void put_on_wire(struct sim_e1000e *nic, bool insert_crc)
{
	struct e1000e_frame *f = &nic->building;
	uint32_t crc;

	if (insert_crc && f->len < SHORTEST - CRC_SIZE &&
	    (*e1000e_reg(nic, E1000E_TCTL) & E1000E_PSP)) {
		memset(f->bytes + f->len, 0, SHORTEST - CRC_SIZE - f->len);
		f->len = SHORTEST - CRC_SIZE;
	}
	if (!insert_crc) {
		f->len = f->len < CRC_SIZE ? 0 : (uint16_t)(f->len - CRC_SIZE);
		crc = e1000e_crc(f->bytes, f->len);
		for (unsigned int i = 0; i < CRC_SIZE; i++)
			if (f->bytes[f->len + i] != (uint8_t)(crc >> 8 * i))
				f->len = 0;
	}
	if (f->len >= SHORTEST - CRC_SIZE && e1000e_push(&nic->wire, f->bytes, f->len)) {
		nic->stats.sent++;
		(*e1000e_reg(nic, E1000E_GPTC))++;
	}
	f->len = 0;
}

/* 7.2.10: legacy descriptors. Extended descriptors (DEXT) are not modelled: the queue stops. */
static bool one_descriptor(struct sim_e1000e *nic, const struct ring *r)
{
	uint64_t at = r->base + 16ull * *r->head, desc[2];
	struct e1000e_frame *f = &nic->building;
	uint32_t len;

	if (!e1000e_dma(nic, false, at, desc, sizeof(desc)) || (desc[1] & TX_DEXT))
		return false;
	len = desc[1] & 0xffff;
	if (len && (len > E1000E_MOST - f->len ||
		    !e1000e_dma(nic, false, desc[0], f->bytes + f->len, len)))
		return false;
	f->len = (uint16_t)(f->len + len);
	if (desc[1] & TX_EOP)
		put_on_wire(nic, (desc[1] & TX_IFCS) != 0);
	advance(r);
	if (desc[1] & TX_RS) {
		desc[1] |= TX_DD;
		(void)e1000e_dma(nic, true, at + 8, &desc[1], sizeof(desc[1]));
	}
	return true;
}

void e1000e_send(struct sim_e1000e *nic)
{
	for (;;) {
		struct ring r = ring_at(nic, E1000E_TDBAL);

		if (!ready(&r) || nic->held || nic->tx_stopped || !e1000e_may_work(nic) ||
		    !(*e1000e_reg(nic, E1000E_TCTL) & E1000E_TEN))
			return;
		if (!one_descriptor(nic, &r)) {
			stop_tx(nic);
			return;
		}
	}
}

size_t sim_e1000e_sent(struct sim_e1000e *nic, void *frame, size_t len)
{
	struct e1000e_frame *f = e1000e_front(&nic->wire);
	size_t n;

	if (!f)
		return 0;
	n = f->len < len ? f->len : len;
	memcpy(frame, f->bytes, n);
	e1000e_pop(&nic->wire);
	return n;
}
