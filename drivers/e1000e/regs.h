/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Registers and descriptors of the 82574. Intel 82574 GbE Controller Family Datasheet, chapters 7
 * and 10.
 */
#ifndef DMAH_DRIVERS_E1000E_REGS_H
#define DMAH_DRIVERS_E1000E_REGS_H

#include "e1000e.h"

/* General, 10.2.2. */
#define REG_CTRL   0x0000u
#define REG_STATUS 0x0008u

#define CTRL_MASTER_DISABLE (1u << 2)
#define CTRL_LINK_UP	    (1u << 6)
#define CTRL_FORCE_SPEED    (1u << 11)
#define CTRL_FORCE_DUPLEX   (1u << 12)
#define CTRL_RESET	    (1u << 26)

#define STATUS_LINK_UP	     (1u << 1)
#define STATUS_MASTER_ENABLE (1u << 19)

/* Interrupts, 10.2.4: the driver masks all. */
#define REG_IMC 0x00d8u

/* Receive, 10.2.5. */
#define REG_RCTL   0x0100u
#define REG_RDBAL  0x2800u
#define REG_RDBAH  0x2804u
#define REG_RDLEN  0x2808u
#define REG_RDH	   0x2810u
#define REG_RDT	   0x2818u
#define REG_RXCSUM 0x5000u
#define REG_RFCTL  0x5008u
#define REG_MTA	   0x5200u
#define REG_RAL	   0x5400u
#define REG_RAH	   0x5404u

/* BSIZE and BSEX are 0: buffers of 2048 bytes. LPE is 0: frames fill at most 1522 bytes. */
#define RCTL_ENABLE	 (1u << 1)
#define RCTL_PROMISCUOUS (1u << 3)
#define RCTL_MULTICAST	 (1u << 4)
#define RCTL_BROADCAST	 (1u << 15)
#define RCTL_STRIP_CRC	 (1u << 26)

#define RFCTL_EXTENDED (1u << 15)
#define RAH_VALID      (1u << 31)
#define MTA_WORDS      128u

/* Transmit, 10.2.6. */
#define REG_TCTL   0x0400u
#define REG_TIPG   0x0410u
#define REG_TDBAL  0x3800u
#define REG_TDBAH  0x3804u
#define REG_TDLEN  0x3808u
#define REG_TDH	   0x3810u
#define REG_TDT	   0x3818u
#define REG_TXDCTL 0x3828u

/* Pad short frames; collision threshold 15, distance 63 as for full duplex. */
#define TCTL_ENABLE (1u << 1)
#define TCTL_PAD    (1u << 3)
#define TCTL_VALUE  (TCTL_ENABLE | TCTL_PAD | 15u << 4 | 63u << 12)
/* IPGT 8, IPGR1 8, IPGR2 6: the datasheet's values for copper. */
#define TIPG_VALUE (8u | 8u << 10 | 6u << 20)
/*
 * Bit 22 must be set (10.2.6.11). Thresholds count descriptors (GRAN), and the device writes every
 * descriptor back (WTHRESH 1).
 */
#define TXDCTL_VALUE (1u << 16 | 1u << 22 | 1u << 24)

/* Statistics, 10.2.7: cleared when read. */
#define REG_MPC 0x4010u

/**
 * struct e1000e_descriptor - a receive or transmit descriptor, 16 bytes. Little-endian, so the
 * driver
 *	needs a little-endian host.
 * @address: DMA address of the buffer.
 * @word: of a receive descriptor in extended format (7.1): status and errors, then length and VLAN
 *	tag; of a legacy transmit descriptor (7.2.10): length and command, then status and VLAN tag.
 */
struct e1000e_descriptor {
	uint64_t address;
	uint32_t word[2];
};

#define RX_STATUS_DONE 1u
#define RX_STATUS_END  2u
/* Errors CE, SE, SEQ, CXE and RXE; the other error bits belong to offloads. */
#define RX_ERRORS	(0x97u << 24)
#define RX_LENGTH(word) ((word)&0xffffu)

#define TX_END	       (1u << 24)
#define TX_INSERT_CRC  (1u << 25)
#define TX_REPORT      (1u << 27)
#define TX_STATUS_DONE 1u

static inline uint32_t reg_read(const struct e1000e *nic, uint32_t reg)
{
	return dmah_host_read32(nic->regs + reg);
}

static inline void reg_write(struct e1000e *nic, uint32_t reg, uint32_t value)
{
	dmah_host_write32(nic->regs + reg, value);
}

/**
 * desc_status() - read a word that the device writes last, ordered before reads of earlier writes.
 */
static inline uint32_t desc_status(const struct e1000e_descriptor *desc, unsigned int word)
{
	return __atomic_load_n(&desc->word[word], __ATOMIC_ACQUIRE);
}

/** e1000e_rx_setup() - set the receive queue's registers and state as after a reset. */
void e1000e_rx_setup(struct e1000e *nic);
/**
 * e1000e_rx_fill() - map a buffer for each free receive descriptor. Return: 0, or an error of a
 *	map.
 */
int e1000e_rx_fill(struct e1000e *nic);
/** e1000e_rx_drop() - unmap all receive buffers. Return: 0, or the first error of an unmap. */
int e1000e_rx_drop(struct e1000e *nic);

/** e1000e_tx_setup() - set the transmit queue's registers and state as after a reset. */
void e1000e_tx_setup(struct e1000e *nic);
/** e1000e_tx_drop() - unmap all frames that were not reaped. Return: 0, or the first error. */
int e1000e_tx_drop(struct e1000e *nic);

#endif /* DMAH_DRIVERS_E1000E_REGS_H */
