/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * List all memory that each device can reach at this moment, by the hardware's own tables and TLBs.
 *
 * The walker, the IOTLB, the paging-structure cache and the devices' TLBs are read, past the library and its drivers,
 * and left as they are: no entry is added, no fault recorded, no counter moved. A test holds the answer against its own
 * model of the memory that each device may reach:
 *
 *	static bool may(void *ctx, struct sim_device *dev, const struct sim_reach *r)
 *	{
 *		return model_allows(ctx, dev, r->phys, r->size, r->perm);
 *	}
 *
 *	assert_int_equal(sim_reach_check(sim, may, model), 0);
 *
 * A device reaches memory by every entry that hardware may still use: a context entry that the unit has cached and the
 * one in memory, tables that only the paging-structure cache still names, stale entries of a TLB.
 */
#ifndef DMAH_SIM_REACH_H
#define DMAH_SIM_REACH_H

#include "sim.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum sim_reach_by - the entry by which memory is reached.
 * @SIM_BY_TABLE: a present leaf of the page table.
 * @SIM_BY_CACHED_TABLE: a leaf of a table that the paging-structure cache names.
 * @SIM_BY_IOTLB: an entry of the IOTLB.
 * @SIM_BY_DEVICE_TLB: an entry of the device's TLB.
 * @SIM_BY_PASSTHROUGH: the device is bound to passthrough.
 * @SIM_BY_NO_IOMMU: no IOMMU is in front of the device, or translation is off.
 */
enum sim_reach_by {
	SIM_BY_TABLE,
	SIM_BY_CACHED_TABLE,
	SIM_BY_IOTLB,
	SIM_BY_DEVICE_TLB,
	SIM_BY_PASSTHROUGH,
	SIM_BY_NO_IOMMU,
};

/** sim_reach_by_text() - Returns the kind of entry in words. */
const char *sim_reach_by_text(enum sim_reach_by by);

/**
 * struct sim_reach - memory that a device reaches.
 * @dma: the DMA address of the first byte.
 * @phys: the machine address of the first byte. The physical address, but on Xen.
 * @size: bytes: of a page or a block; with the last two of enum sim_reach_by: of all memory within the device's mask.
 * @perm: enum sim_perm.
 * @by: the entry.
 */
struct sim_reach {
	dmah_addr_t dma;
	dmah_phys_t phys;
	uint64_t size;
	unsigned int perm;
	enum sim_reach_by by;
};

/**
 * sim_reach_each() - list all memory that one device reaches.
 * @dev: the device.
 * @fn: called for each page or block. The same memory may be named several times, once by each kind of entry. Ends the
 *	list by returning other than 0. May not use the machine.
 * @ctx: passed to @fn.
 *
 * Addresses outside RAM and beyond the device's mask are left out. Returns the last result of @fn, or 0.
 */
int sim_reach_each(struct sim_device *dev, int (*fn)(void *ctx, const struct sim_reach *reach),
		   void *ctx);

/** sim_reach_text() - write one line about @reach to @text. Returns the length, as snprintf() does. */
int sim_reach_text(const struct sim_device *dev, const struct sim_reach *reach, char *text,
		   size_t size);

/**
 * sim_reach_check() - hold all devices of a machine against a model.
 * @sim: the machine.
 * @may: Returns true where @dev may reach all of @reach.
 * @ctx: passed to @may.
 *
 * Prints the first 8 entries that @may refuses to stderr. Returns the number of all such entries.
 */
uint64_t sim_reach_check(struct sim *sim,
			 bool (*may)(void *ctx, struct sim_device *dev,
				     const struct sim_reach *reach),
			 void *ctx);

/**
 * sim_reaches_memory() - Returns enum sim_perm: all ways in which @dev reaches any byte of [@phys, @phys + @size).
 *	@phys is a machine address.
 */
unsigned int sim_reaches_memory(struct sim_device *dev, dmah_phys_t phys, uint64_t size);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SIM_REACH_H */
