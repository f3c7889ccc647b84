/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A model of Intel's 82574L network controller, plugged into the simulated machine: registers behind the port's window,
 * descriptors and frames by the DMA of a struct sim_device. Written from the Intel 82574 GbE Controller Family Datasheet,
 * revision 3.4, and not from the driver. Use of a feature that the model does not have is misuse (posix_misuse()).
 *
 * Each call carries out the work that it causes: a register write of the driver, or a frame of the test. One thread only.
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
 * sim_e1000e_add() - add a controller.
 * @sim: the machine.
 * @config: its device.
 * @mac: its Ethernet address, 6 bytes.
 *
 * Returns NULL without memory, or if the id is in use.
 */
struct sim_e1000e *sim_e1000e_add(struct sim *sim, const struct sim_device_config *config,
				  const uint8_t *mac);

/** sim_e1000e_remove() - remove a controller whose registers are no longer used. May be NULL. */
void sim_e1000e_remove(struct sim_e1000e *nic);

/** sim_e1000e_device() - Returns the device that does its DMA. */
struct sim_device *sim_e1000e_device(struct sim_e1000e *nic);

/** sim_e1000e_regs() - Returns its registers, for dmah_host_read32() and dmah_host_write32() alone. */
volatile void *sim_e1000e_regs(struct sim_e1000e *nic);

/**
 * sim_e1000e_arrive() - deliver a frame from the wire.
 * @nic: the controller.
 * @frame: the bytes, without the CRC.
 * @len: number of bytes, 14 to 9014.
 *
 * Returns true if the controller accepted the frame, into memory or into its FIFO of 20 KiB. It drops the frame if the
 * receiver is off, the link is down, the filters refuse it, the length is wrong, or the FIFO is full.
 */
bool sim_e1000e_arrive(struct sim_e1000e *nic, const void *frame, size_t len);

/**
 * sim_e1000e_sent() - take the next frame that was sent, without its CRC.
 * @nic: the controller.
 * @frame: receives the bytes.
 * @len: bytes that @frame can hold.
 *
 * Returns the number of bytes; 0: no frame.
 */
size_t sim_e1000e_sent(struct sim_e1000e *nic, void *frame, size_t len);

/** sim_e1000e_cable() - plug the cable in or pull it. At first the cable is in. */
void sim_e1000e_cable(struct sim_e1000e *nic, bool in);

/** sim_e1000e_hold() - stop transmission (true), or go on (false). */
void sim_e1000e_hold(struct sim_e1000e *nic, bool held);

/** enum sim_e1000e_stuck - operations that never end; a bit mask. */
enum sim_e1000e_stuck {
	SIM_E1000E_STUCK_RESET = 1, /* CTRL.RST does not clear */
	SIM_E1000E_STUCK_MASTER = 2, /* STATUS reports pending requests for ever */
	SIM_E1000E_STUCK_LINK = 4, /* the link partner does not negotiate */
	SIM_E1000E_STUCK_NVM = 8, /* the Ethernet address is not loaded, from the next reset on */
};

/** sim_e1000e_stick() - set the operations that never end: enum sim_e1000e_stuck. */
void sim_e1000e_stick(struct sim_e1000e *nic, unsigned int what);

/**
 * struct sim_e1000e_lie - false results that a hostile device writes back for the next frame.
 * @set, @clear: bits of status and errors, as an extended descriptor has them.
 * @length: length of the frame; 0: the true one.
 */
struct sim_e1000e_lie {
	uint32_t set;
	uint32_t clear;
	uint16_t length;
};

/** sim_e1000e_lie() - falsify the results of the next frame that is received. */
void sim_e1000e_lie(struct sim_e1000e *nic, const struct sim_e1000e_lie *lie);

/**
 * struct sim_e1000e_stats - counters since the controller was added.
 * @received: frames put into memory.
 * @missed: frames dropped for want of descriptors.
 * @sent: frames put on the wire.
 * @refused: DMA that was refused.
 * @stopped: queues that stopped, because a descriptor or a frame to send could not be read; until a reset.
 * @resets: resets by CTRL.RST.
 * @unquiet: resets without disabling bus mastership before, which 3.1.3.10 requires.
 * @fifo: bytes in the FIFO.
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

/** sim_e1000e_stats() - get the counters. */
void sim_e1000e_stats(const struct sim_e1000e *nic, struct sim_e1000e_stats *stats);

#endif /* DMAH_SIM_E1000E_H */
