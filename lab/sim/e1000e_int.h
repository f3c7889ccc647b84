/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Shared by the parts of the 82574's model. Numbers name sections of the datasheet. */
#ifndef SIM_E1000E_INT_H
#define SIM_E1000E_INT_H

#include "sim_e1000e.h"

/* 10.1: 128 KiB of registers. */
#define E1000E_REGS 0x20000u

/* 10.2.2 */
#define E1000E_CTRL   0x0000u
#define E1000E_STATUS 0x0008u
#define E1000E_EECD   0x0010u
#define E1000E_CTRL_X 0x0018u
/* 10.2.4 */
#define E1000E_ICR 0x00c0u
#define E1000E_ITR 0x00c4u
#define E1000E_IMS 0x00d0u
#define E1000E_IMC 0x00d8u
/* 10.2.5 */
#define E1000E_RCTL   0x0100u
#define E1000E_RDBAL  0x2800u
#define E1000E_RDBAH  0x2804u
#define E1000E_RDLEN  0x2808u
#define E1000E_RDH    0x2810u
#define E1000E_RDT    0x2818u
#define E1000E_RDTR   0x2820u
#define E1000E_RXDCTL 0x2828u
#define E1000E_RADV   0x282cu
#define E1000E_RXCSUM 0x5000u
#define E1000E_RFCTL  0x5008u
#define E1000E_MTA    0x5200u
#define E1000E_RAL    0x5400u
/* 10.2.6 */
#define E1000E_TCTL   0x0400u
#define E1000E_TIPG   0x0410u
#define E1000E_TDBAL  0x3800u
#define E1000E_TDBAH  0x3804u
#define E1000E_TDLEN  0x3808u
#define E1000E_TDH    0x3810u
#define E1000E_TDT    0x3818u
#define E1000E_TIDV   0x3820u
#define E1000E_TXDCTL 0x3828u
#define E1000E_TADV   0x382cu
/* 10.2.7 */
#define E1000E_MPC  0x4010u
#define E1000E_GPRC 0x4074u
#define E1000E_GPTC 0x4080u
#define E1000E_RUC  0x40a4u
#define E1000E_ROC  0x40acu

/* CTRL, STATUS */
#define E1000E_MASTER_DISABLE (1u << 2)
#define E1000E_SLU	      (1u << 6)
#define E1000E_RST	      (1u << 26)
#define E1000E_LU	      (1u << 1)
#define E1000E_MASTER_ENABLE  (1u << 19)
/* RCTL, RFCTL */
#define E1000E_REN    (1u << 1)
#define E1000E_SBP    (1u << 2)
#define E1000E_UPE    (1u << 3)
#define E1000E_MPE    (1u << 4)
#define E1000E_LPE    (1u << 5)
#define E1000E_BAM    (1u << 15)
#define E1000E_BSEX   (1u << 25)
#define E1000E_SECRC  (1u << 26)
#define E1000E_EXSTEN (1u << 15)
/* TCTL */
#define E1000E_TEN (1u << 1)
#define E1000E_PSP (1u << 3)

/* Of the packet buffer 20 KiB are the receiver's after a reset (PBA, 10.2.2). */
#define E1000E_FIFO   20480u
#define E1000E_FRAMES 400u
#define E1000E_MOST   9018u

/**
 * struct e1000e_frame - a frame, with its CRC on the way in.
 * @len: length in bytes.
 */
struct e1000e_frame {
	uint16_t len;
	uint8_t bytes[E1000E_MOST];
};

/**
 * struct e1000e_frames - a queue of frames.
 * @frame: the frames.
 * @first: index of the oldest frame.
 * @n: number of frames.
 * @bytes: bytes in all frames.
 */
struct e1000e_frames {
	struct e1000e_frame *frame;
	unsigned int first;
	unsigned int n;
	uint32_t bytes;
};

/**
 * struct sim_e1000e - the device.
 * @dev: the device that does its DMA.
 * @window: the CPU's pointer to its registers.
 * @mac: the Ethernet address in its NVM.
 * @reg: registers that keep the value that is written.
 * @reset_reads: reads of CTRL until a reset has ended.
 * @master_reads: reads of STATUS until pending requests have ended.
 * @link_reads: reads of STATUS until the link is up.
 * @cable: the cable is plugged in.
 * @held: the test has stopped transmission.
 * @stuck: enum sim_e1000e_stuck.
 * @rx_stopped, @tx_stopped: a descriptor could not be read.
 * @fifo: frames that wait for descriptors.
 * @wire: frames that went out.
 * @building: the frame whose descriptors are being read.
 * @lie: false results for the next frame, if @lies.
 * @stats: counters.
 */
struct sim_e1000e {
	struct sim_device *dev;
	volatile void *window;
	uint8_t mac[6];
	uint32_t reg[E1000E_REGS / 4];
	unsigned int reset_reads;
	unsigned int master_reads;
	unsigned int link_reads;
	bool cable;
	bool held;
	unsigned int stuck;
	bool rx_stopped;
	bool tx_stopped;
	struct e1000e_frames fifo;
	struct e1000e_frames wire;
	struct e1000e_frame building;
	struct sim_e1000e_lie lie;
	bool lies;
	struct sim_e1000e_stats stats;
};

static inline uint32_t *e1000e_reg(struct sim_e1000e *nic, uint32_t reg)
{
	return &nic->reg[reg / 4];
}

/** e1000e_may_work() - Returns true if the device may do DMA: the link is up and it is a bus master. */
static inline bool e1000e_may_work(struct sim_e1000e *nic)
{
	return (*e1000e_reg(nic, E1000E_STATUS) & E1000E_LU) &&
	       !(*e1000e_reg(nic, E1000E_CTRL) & E1000E_MASTER_DISABLE);
}

/** e1000e_dma() - do a DMA access, and count a refusal. Returns true if the access succeeded. */
bool e1000e_dma(struct sim_e1000e *nic, bool write, uint64_t addr, void *bytes, size_t len);

/** e1000e_push() - append a frame; Returns false if the queue is full. e1000e_front() - Returns the oldest frame. */
bool e1000e_push(struct e1000e_frames *q, const void *bytes, size_t len);
struct e1000e_frame *e1000e_front(struct e1000e_frames *q);
void e1000e_pop(struct e1000e_frames *q);

/** e1000e_crc() - Returns the check sequence of IEEE 802.3 as a little-endian number. */
uint32_t e1000e_crc(const uint8_t *bytes, size_t len);

/** e1000e_drain() - move frames from the FIFO to memory while descriptors are left. */
void e1000e_drain(struct sim_e1000e *nic);

/** e1000e_send() - send the frames of all descriptors. */
void e1000e_send(struct sim_e1000e *nic);

#endif /* SIM_E1000E_INT_H */
