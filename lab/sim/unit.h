/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The base of the register models: their creation, their window of registers, commands held back, a loss of power. */
#ifndef SIM_UNIT_H
#define SIM_UNIT_H

#include "sim_int.h"

/**
 * struct sim_unit_model - a kind of unit. The IOMMU's lock is held in all functions.
 * @flavour: the IOMMU's flavour.
 * @size: bytes of the model's structure, whose first member is struct sim_unit.
 * @kept: bytes of the structure, from its beginning, that outlive a loss of power: configuration and counters.
 * @interface: the side that software sees; @power_on is sim_unit_power_on().
 * @read: Returns the 32 bits of a register at offset @reg.
 * @write: write a register.
 * @reset: set the registers that are not zero after power-on; may be NULL.
 */
struct sim_unit_model {
	enum sim_flavour flavour;
	size_t size;
	size_t kept;
	struct sim_interface interface;
	uint32_t (*read)(void *unit, uint64_t reg);
	void (*write)(void *unit, uint64_t reg, unsigned int size, uint64_t value);
	void (*reset)(void *unit);
};

/**
 * struct sim_unit - the first member of each model. The IOMMU's lock protects all members.
 * @iommu: the hardware below the registers.
 * @model: the kind of unit.
 * @regs: the CPU's pointer to the registers; NULL: none.
 * @held: no command is taken.
 */
struct sim_unit {
	struct sim_iommu *iommu;
	const struct sim_unit_model *model;
	volatile void *regs;
	bool held;
};

/** sim_unit_alloc() - allocate a zeroed unit for IOMMU @n. Returns NULL if that IOMMU cannot have one of @model. */
void *sim_unit_alloc(struct sim *sim, unsigned int n, const struct sim_unit_model *model);

/**
 * sim_unit_start() - give a unit that is configured @size bytes of registers, 0: none, and connect it to its IOMMU.
 *
 * Returns @unit; NULL where that is impossible: @unit is released then.
 */
void *sim_unit_start(void *unit, uint64_t size);

/** sim_unit_power_on() - @power_on of struct sim_interface. */
void sim_unit_power_on(void *unit);

/** sim_unit_hold() - take no commands (true), or go on with those in the queue (false). Takes the lock. */
void sim_unit_hold(struct sim_unit *u, bool hold);

/** sim_unit_copy() - copy counters of a unit. Takes the lock. */
void sim_unit_copy(struct sim_unit *u, void *to, const void *from, size_t size);

/* ---- for models; the IOMMU's lock is held ---- */

/** sim_unit_stands_still() - Returns true if the unit must not take a command. */
static inline bool sim_unit_stands_still(const struct sim_unit *u)
{
	return u->held || u->iommu->failing.halted;
}

/** sim_unit_forget_contexts() - drop the cached context of the device with @id, or of @all devices. */
void sim_unit_forget_contexts(const struct sim_unit *u, bool all, uint32_t id);

/** sim_unit_forget_tables() - drop all of the IOTLB and of the paging-structure cache. */
void sim_unit_forget_tables(const struct sim_unit *u);

/**
 * sim_unit_order() - Returns log2 of the pages that an address of PCIe ATS names: where @s is set, the lowest zero of the
 *	address from bit 12 up gives their number. 52: all.
 */
unsigned int sim_unit_order(uint64_t addr, bool s);

/** sim_unit_range() - set @c's range to 2^@order pages around @addr; 52 and more: to all. */
void sim_unit_range(struct sim_command *c, uint64_t addr, unsigned int order);

/** sim_unit_device_tlb() - invalidate 2^@order pages in device @id's TLB. Returns false if the device does not answer. */
bool sim_unit_device_tlb(const struct sim_unit *u, uint32_t id, uint64_t addr, unsigned int order);

#endif /* SIM_UNIT_H */
