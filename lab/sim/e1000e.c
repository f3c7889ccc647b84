/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The 82574: its registers, resets and link. Intel 82574 GbE Controller Family Datasheet, chapters 3, 4 and 10. */
#include "e1000e_int.h"

#include "posix.h"

#include <stdlib.h>
#include <string.h>

/* Reads of a status register until the operation that it reports has ended. */
#define RESET_READS  3u
#define MASTER_READS 3u
#define LINK_READS   2u

/* ---- queues of frames ---- */

bool e1000e_push(struct e1000e_frames *q, const void *bytes, size_t len)
{
	struct e1000e_frame *f = &q->frame[(q->first + q->n) % E1000E_FRAMES];

	if (q->n == E1000E_FRAMES || len > E1000E_MOST)
		return false;
	f->len = (uint16_t)len;
	memcpy(f->bytes, bytes, len);
	q->bytes += f->len;
	q->n++;
	return true;
}

struct e1000e_frame *e1000e_front(struct e1000e_frames *q)
{
	return q->n ? &q->frame[q->first] : NULL;
}

void e1000e_pop(struct e1000e_frames *q)
{
	q->bytes -= q->frame[q->first].len;
	q->first = (q->first + 1) % E1000E_FRAMES;
	q->n--;
}

/* IEEE 802.3, 3.2.9: the polynomial 0x04c11db7, least significant bit first; four bits at a time. */
uint32_t e1000e_crc(const uint8_t *bytes, size_t len)
{
	static uint32_t table[16];
	uint32_t crc = ~0u;

	for (uint32_t i = 0; !table[15] && i < 16; i++) {
		uint32_t entry = i;

		for (unsigned int bit = 0; bit < 4; bit++)
			entry = entry >> 1 ^ (entry & 1 ? 0xedb88320u : 0u);
		table[i] = entry;
	}
	for (; len; len--, bytes++) {
		crc = crc >> 4 ^ table[(crc ^ *bytes) & 15];
		crc = crc >> 4 ^ table[(crc ^ *bytes >> 4) & 15];
	}
	return ~crc;
}

bool e1000e_dma(struct sim_e1000e *nic, bool write, uint64_t addr, void *bytes, size_t len)
{
	enum sim_reason reason = write ? sim_dma_write(nic->dev, addr, bytes, len)
				       : sim_dma_read(nic->dev, addr, bytes, len);

	nic->stats.refused += reason != SIM_OK;
	return reason == SIM_OK;
}

/* ---- reset and link ---- */

/* Values of registers after a reset (10.2), where not 0. The first receive address comes from the NVM. */
static void reset(struct sim_e1000e *nic)
{
	memset(nic->reg, 0, sizeof(nic->reg));
	/* Full duplex; bits 3 and 20 are to stay set. */
	*e1000e_reg(nic, E1000E_CTRL) = 1u << 0 | 1u << 3 | 1u << 20;
	/* 1000 Mb/s, full duplex. */
	*e1000e_reg(nic, E1000E_STATUS) = 1u << 0 | 2u << 6;
	*e1000e_reg(nic, E1000E_TXDCTL) = 1u << 22;
	*e1000e_reg(nic, E1000E_TIPG) = 0x00602006u;
	*e1000e_reg(nic, E1000E_RXDCTL) = 1u << 16;
	/* The multicast table is not cleared (10.2.5): it may hold anything. */
	memset(e1000e_reg(nic, E1000E_MTA), 0xa5, 512);
	if (!(nic->stuck & SIM_E1000E_STUCK_NVM)) {
		memcpy(e1000e_reg(nic, E1000E_RAL), nic->mac, 6);
		nic->reg[E1000E_RAL / 4 + 1] |= 1u << 31;
	}
	nic->fifo.n = 0;
	nic->fifo.bytes = 0;
	nic->building.len = 0;
	nic->rx_stopped = false;
	nic->tx_stopped = false;
	nic->master_reads = MASTER_READS;
	nic->link_reads = LINK_READS;
}

static void update_link(struct sim_e1000e *nic)
{
	uint32_t *status = e1000e_reg(nic, E1000E_STATUS);
	bool wanted = (*e1000e_reg(nic, E1000E_CTRL) & E1000E_SLU) && nic->cable &&
		      !(nic->stuck & SIM_E1000E_STUCK_LINK);

	if (!wanted) {
		*status &= ~E1000E_LU;
		nic->link_reads = LINK_READS;
	} else if (nic->link_reads) {
		nic->link_reads--;
	} else if (!(*status & E1000E_LU)) {
		*status |= E1000E_LU;
		e1000e_send(nic);
	}
}

static void write_ctrl(struct sim_e1000e *nic, uint32_t value)
{
	uint32_t *ctrl = e1000e_reg(nic, E1000E_CTRL);

	if (value & E1000E_RST) {
		nic->stats.resets++;
		nic->stats.unquiet += nic->master_reads != 0 || !(*ctrl & E1000E_MASTER_DISABLE);
		reset(nic);
		nic->reset_reads = RESET_READS;
		return;
	}
	if (!(value & E1000E_MASTER_DISABLE))
		nic->master_reads = MASTER_READS;
	*ctrl = value;
}

static uint32_t read_ctrl(struct sim_e1000e *nic)
{
	uint32_t value = *e1000e_reg(nic, E1000E_CTRL);

	if (nic->stuck & SIM_E1000E_STUCK_RESET && nic->reset_reads)
		return value | E1000E_RST;
	if (!nic->reset_reads)
		return value;
	nic->reset_reads--;
	return value | E1000E_RST;
}

/* 3.1.3.10: pending requests are still issued; the bit reads 0 when they have ended. */
static uint32_t read_status(struct sim_e1000e *nic)
{
	uint32_t value;

	update_link(nic);
	value = *e1000e_reg(nic, E1000E_STATUS);
	if (!(*e1000e_reg(nic, E1000E_CTRL) & E1000E_MASTER_DISABLE))
		return value | E1000E_MASTER_ENABLE;
	if (nic->stuck & SIM_E1000E_STUCK_MASTER)
		return value | E1000E_MASTER_ENABLE;
	if (!nic->master_reads)
		return value;
	nic->master_reads--;
	return value | E1000E_MASTER_ENABLE;
}

/* ---- registers ---- */

/* Registers that only keep the value that is written, and the bits that they have. */
static const struct {
	uint32_t first;
	uint32_t last;
	uint32_t mask;
} plain[] = {
	{ E1000E_CTRL_X, E1000E_CTRL_X, ~0u },	 { E1000E_ITR, E1000E_ITR, 0xffff },
	{ E1000E_RDBAL, E1000E_RDBAL, ~0xfu },	 { E1000E_RDBAH, E1000E_RDBAH, ~0u },
	{ E1000E_RDLEN, E1000E_RDLEN, 0xfff80 }, { E1000E_RDH, E1000E_RDH, 0xffff },
	{ E1000E_RDTR, E1000E_RDTR, 0xffff },	 { E1000E_RXDCTL, E1000E_RXDCTL, ~0u },
	{ E1000E_RADV, E1000E_RADV, 0xffff },	 { E1000E_RXCSUM, E1000E_RXCSUM, ~0u },
	{ E1000E_RFCTL, E1000E_RFCTL, ~0u },	 { E1000E_MTA, E1000E_MTA + 508, ~0u },
	{ E1000E_RAL, E1000E_RAL + 124, ~0u },	 { E1000E_TIPG, E1000E_TIPG, ~0u },
	{ E1000E_TDBAL, E1000E_TDBAL, ~0xfu },	 { E1000E_TDBAH, E1000E_TDBAH, ~0u },
	{ E1000E_TDLEN, E1000E_TDLEN, 0xfff80 }, { E1000E_TDH, E1000E_TDH, 0xffff },
	{ E1000E_TIDV, E1000E_TIDV, 0xffff },	 { E1000E_TXDCTL, E1000E_TXDCTL, ~0u },
	{ E1000E_TADV, E1000E_TADV, 0xffff },
};

static bool is_plain(uint32_t reg, uint32_t *mask)
{
	for (unsigned int i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (reg < plain[i].first || reg > plain[i].last)
			continue;
		*mask = plain[i].mask;
		return true;
	}
	return false;
}

static bool is_counter(uint32_t reg)
{
	return reg == E1000E_MPC || reg == E1000E_GPRC || reg == E1000E_GPTC || reg == E1000E_RUC ||
	       reg == E1000E_ROC;
}

static uint64_t window_read(void *ctx, uint64_t offset, unsigned int size)
{
	struct sim_e1000e *nic = ctx;
	uint32_t reg = (uint32_t)offset, value, mask;

	if (size != 4 || reg % 4) {
		posix_misuse("82574: a register is read that is not 32 bits wide");
		return 0;
	}
	value = *e1000e_reg(nic, reg);
	if (reg == E1000E_CTRL)
		return read_ctrl(nic);
	if (reg == E1000E_STATUS)
		return read_status(nic);
	if (is_counter(reg) || reg == E1000E_ICR)
		*e1000e_reg(nic, reg) = 0;
	else if (reg == E1000E_EECD)
		return nic->stuck & SIM_E1000E_STUCK_NVM ? 1u << 9 : 1u << 8 | 1u << 9;
	else if (!is_plain(reg, &mask) && reg != E1000E_RCTL && reg != E1000E_TCTL &&
		 reg != E1000E_RDT && reg != E1000E_TDT && reg != E1000E_IMS)
		posix_misuse("82574: a register is read that the model does not have");
	return value;
}

static void write_control(struct sim_e1000e *nic, uint32_t reg, uint32_t value)
{
	uint32_t before = *e1000e_reg(nic, reg);

	*e1000e_reg(nic, reg) = value;
	if (reg == E1000E_TCTL || reg == E1000E_TDT) {
		e1000e_send(nic);
		return;
	}
	/* Turning the receiver off drops the frames that wait in the FIFO. */
	if (reg == E1000E_RCTL && (before & E1000E_REN) && !(value & E1000E_REN)) {
		nic->fifo.n = 0;
		nic->fifo.bytes = 0;
	}
	e1000e_drain(nic);
}

static void window_write(void *ctx, uint64_t offset, unsigned int size, uint64_t value)
{
	struct sim_e1000e *nic = ctx;
	uint32_t reg = (uint32_t)offset, mask;

	if (size != 4 || reg % 4) {
		posix_misuse("82574: a register is written that is not 32 bits wide");
		return;
	}
	/* A device in reset ignores writes. */
	if (nic->reset_reads)
		return;
	if (reg == E1000E_CTRL)
		write_ctrl(nic, (uint32_t)value);
	else if (reg == E1000E_RCTL || reg == E1000E_TCTL || reg == E1000E_RDT || reg == E1000E_TDT)
		write_control(nic, reg, (uint32_t)value);
	else if (reg == E1000E_IMS)
		*e1000e_reg(nic, E1000E_IMS) |= (uint32_t)value;
	else if (reg == E1000E_IMC)
		*e1000e_reg(nic, E1000E_IMS) &= ~(uint32_t)value;
	else if (reg == E1000E_ICR)
		*e1000e_reg(nic, E1000E_ICR) &= ~(uint32_t)value;
	else if (is_plain(reg, &mask))
		*e1000e_reg(nic, reg) = (uint32_t)value & mask;
	else if (!is_counter(reg) && reg != E1000E_STATUS)
		posix_misuse("82574: a register is written that the model does not have");
}

/* ---- plugging it in ---- */

struct sim_e1000e *sim_e1000e_add(struct sim *sim, const struct sim_device_config *config,
				  const uint8_t *mac)
{
	struct sim_e1000e *nic = calloc(1, sizeof(*nic));

	if (!nic)
		return NULL;
	nic->fifo.frame = calloc(E1000E_FRAMES, sizeof(*nic->fifo.frame));
	nic->wire.frame = calloc(E1000E_FRAMES, sizeof(*nic->wire.frame));
	if (nic->fifo.frame && nic->wire.frame)
		nic->dev = sim_device_add(sim, config);
	if (nic->dev)
		nic->window = sim_regs_add(sim, E1000E_REGS, nic, window_read, window_write);
	if (!nic->window) {
		sim_e1000e_remove(nic);
		return NULL;
	}
	nic->cable = true;
	memcpy(nic->mac, mac, sizeof(nic->mac));
	reset(nic);
	return nic;
}

void sim_e1000e_remove(struct sim_e1000e *nic)
{
	if (!nic)
		return;
	free(nic->fifo.frame);
	free(nic->wire.frame);
	free(nic);
}

struct sim_device *sim_e1000e_device(struct sim_e1000e *nic)
{
	return nic->dev;
}

volatile void *sim_e1000e_regs(struct sim_e1000e *nic)
{
	return nic->window;
}

void sim_e1000e_cable(struct sim_e1000e *nic, bool in)
{
	nic->cable = in;
	update_link(nic);
}

void sim_e1000e_hold(struct sim_e1000e *nic, bool held)
{
	nic->held = held;
	e1000e_send(nic);
}

void sim_e1000e_stick(struct sim_e1000e *nic, unsigned int what)
{
	nic->stuck = what;
	update_link(nic);
}

void sim_e1000e_lie(struct sim_e1000e *nic, const struct sim_e1000e_lie *lie)
{
	nic->lie = *lie;
	nic->lies = true;
}

void sim_e1000e_stats(const struct sim_e1000e *nic, struct sim_e1000e_stats *stats)
{
	*stats = nic->stats;
	stats->fifo = nic->fifo.bytes;
}
