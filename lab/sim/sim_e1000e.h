/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A model of Intel's 82574L network controller, plugged into the simulated machine: registers behind the port's window,
 * descriptors and frames by the DMA of a struct sim_device. Written from the Intel 82574 GbE Controller Family Datasheet,
 * revision 3.4, and not from the driver; what it does not know of, a driver must not use (posix_misuse()).
 *
 * All work is done in the call that causes it: the driver's register write, or the test's frame. One thread.
 *
 *	nic = sim_e1000e_add(sim, &(struct sim_device_config){ .name = "nic", .id = 0x0300 }, mac);
 *	... the driver gets sim_e1000e_regs(nic) ...
 *	sim_e1000e_arrive(nic, frame, len);
 *	len = sim_e1000e_sent(nic, frame, sizeof(frame));
 */
#ifndef DMAH_SIM_E1000E_H
#define DMAH_SIM_E1000E_H

#include "sim.h"

struct sim_e1000e;

/**
 * sim_e1000e_add() - plug one in.
 * @mac: its address, of 6 bytes.
 *
 * Return: NULL where there is no memory or the id is taken.
 */
struct sim_e1000e *sim_e1000e_add(struct sim *sim, const struct sim_device_config *config,
				  const uint8_t *mac);

/** sim_e1000e_remove() - take it away, with its machine; its registers are not used any more. NULL is allowed. */
void sim_e1000e_remove(struct sim_e1000e *nic);

/** sim_e1000e_device() - the device that does its DMA. */
struct sim_device *sim_e1000e_device(struct sim_e1000e *nic);

/** sim_e1000e_regs() - its registers, for dmah_host_read32() and dmah_host_write32() alone. */
volatile void *sim_e1000e_regs(struct sim_e1000e *nic);

/**
 * sim_e1000e_arrive() - a frame comes from the wire.
 * @frame: its bytes, without the CRC.
 * @len: how many, 14 to 9014.
 *
 * Return: whether the device took it, into memory or into its FIFO of 20 KiB. It does not while the receiver is off or the
 * link is down, and not what its filters refuse, what is too short or too long, or what finds the FIFO full.
 */
bool sim_e1000e_arrive(struct sim_e1000e *nic, const void *frame, size_t len);

/**
 * sim_e1000e_sent() - the next frame that went out, without its CRC.
 * @len: room in @frame.
 *
 * Return: its bytes; 0: there is none.
 */
size_t sim_e1000e_sent(struct sim_e1000e *nic, void *frame, size_t len);

/** sim_e1000e_cable() - plug the cable in, or pull it; it is in at first. */
void sim_e1000e_cable(struct sim_e1000e *nic, bool in);

/** sim_e1000e_hold() - the device puts off what it has to send, until it is not held any more. */
void sim_e1000e_hold(struct sim_e1000e *nic, bool held);

/** enum sim_e1000e_stuck - what does not end as it should; a bit mask. */
enum sim_e1000e_stuck {
	SIM_E1000E_STUCK_RESET = 1, /* CTRL.RST does not clear */
	SIM_E1000E_STUCK_MASTER = 2, /* requests are pending for good: STATUS tells so */
	SIM_E1000E_STUCK_LINK = 4, /* the other side does not negotiate */
	SIM_E1000E_STUCK_NVM = 8, /* its address is not loaded, from the next reset on */
};

/** sim_e1000e_stick() - from now on: enum sim_e1000e_stuck. */
void sim_e1000e_stick(struct sim_e1000e *nic, unsigned int what);

/**
 * struct sim_e1000e_lie - what the device writes back in place of the truth, for the next frame: a hostile one.
 * @set, @clear: bits of status and errors, as an extended descriptor has them.
 * @length: of the frame, where it is not 0.
 */
struct sim_e1000e_lie {
	uint32_t set;
	uint32_t clear;
	uint16_t length;
};

/** sim_e1000e_lie() - about the next frame that is received. */
void sim_e1000e_lie(struct sim_e1000e *nic, const struct sim_e1000e_lie *lie);

/**
 * struct sim_e1000e_stats - what the device did since it was plugged in.
 * @received: frames put into memory.
 * @missed: frames dropped for want of descriptors.
 * @sent: frames put on the wire.
 * @refused: DMA that was refused.
 * @stopped: queues that stopped, because a descriptor or a frame to send could not be read; until a reset.
 * @resets: resets by CTRL.RST.
 * @unquiet: of those, the ones before bus mastership was given up (3.1.3.10 wants that).
 * @fifo: bytes in the FIFO now.
 */
struct sim_e1000e_stats {
	uint64_t received;
	uint64_t missed;
	uint64_t sent;
	uint64_t refused;
	uint64_t stopped;
	uint64_t resets;
	uint64_t unquiet;
	uint64_t fifo;
};

/** sim_e1000e_stats() - the counters now. */
void sim_e1000e_stats(const struct sim_e1000e *nic, struct sim_e1000e_stats *stats);

#endif /* DMAH_SIM_E1000E_H */
