// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Units programmed by hand: a device with id ID behind a VT-d unit or an SMMUv3, and tables in which IOVA leads to PAGE.
 * The tables and the queue lie where the names below say. The numbers are those of the specifications.
 */
#ifndef TESTS_SIM_BY_HAND_H
#define TESTS_SIM_BY_HAND_H

#include "t.h"

#include "sim_smmuv3.h"
#include "sim_vtd.h"

#define RAM   0x40000000ull
#define ROOT  (RAM + 0x100000)
#define CTX   (RAM + 0x101000)
#define L3    (RAM + 0x102000)
#define L2    (RAM + 0x103000)
#define L1    (RAM + 0x104000)
#define QUEUE (RAM + 0x105000)
#define MARK  (RAM + 0x106000)
#define EVQ   (RAM + 0x107000)
#define PAGE  (RAM + 0x200000)
#define IOVA  0x5000ull
#define LEAF  (L1 + 5 * 8)
#define ID    0x0018u

#define STE(id) (ROOT + (id)*64ull)

/** struct hand - the machine that was opened last. @tail: the queue's, as the register has it. */
struct hand {
	struct sim *sim;
	struct sim_device *dev;
	volatile uint8_t *regs;
	uint32_t tail;
};

extern struct hand hand;

/** vtd_open() - domain 7 leads from IOVA to PAGE, in three levels. @ats: the device has a TLB. Translation is on. */
struct sim_vtd *vtd_open(bool ats);

/** vtd_open_with() - see vtd_open(). @config: of the unit. */
struct sim_vtd *vtd_open_with(const struct sim_vtd_config *config, bool ats);

/** vtd_command() - put a command into the queue, and tell the unit. */
void vtd_command(uint64_t lo, uint64_t hi);

/** vtd_mark() - an invalidation wait that writes 0x1234 to MARK. @fence: later commands wait for it. */
void vtd_mark(bool fence);

/** smmu_open() - ASID 9 leads from IOVA to PAGE, in three levels. A queue of 8 commands, one of 2 events. */
struct sim_smmuv3 *smmu_open(bool ats);

/** smmu_command() - put a command into the queue, and tell the unit. */
void smmu_command(uint64_t first, uint64_t second);

/** reaches() - the device writes a byte at IOVA. Returns true if the byte arrived at PAGE. */
bool reaches(void);

/** close_machine() - take the machine down. */
void close_machine(void);

#endif /* TESTS_SIM_BY_HAND_H */
