/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Messages that devices write to the interrupt window of an x86 machine. */
#include "sim_int.h"

#include "posix.h"

#define WINDOW 0xfeeull /* bits 31:20 of the address; those above are zero */

void sim_interrupt_plain(uint64_t addr, uint32_t data, struct sim_interrupt *irq)
{
	*irq = (struct sim_interrupt){ .dest = (uint32_t)(addr >> 12 & 0xff),
				       .vector = (uint8_t)data,
				       .logical = addr >> 2 & 1,
				       .lowest = (data >> 8 & 7) == 1,
				       .level = data >> 15 & 1 };
}

enum sim_reason sim_interrupt(struct sim_device *dev, uint64_t addr, uint32_t data,
			      struct sim_interrupt *irq)
{
	struct sim_iommu *iommu = dev->iommu;
	enum sim_reason reason = SIM_OK;

	*irq = (struct sim_interrupt){ 0 };
	if (addr >> 20 != WINDOW || addr & 3) {
		/* Bit 2 of a message in remappable format is a part of the entry's number. */
		posix_misuse("a message outside of the interrupt window");
		return SIM_FAULT_BUS;
	}
	if (!iommu || !iommu->interface->interrupt) {
		sim_interrupt_plain(addr, data, irq);
		return SIM_OK;
	}
	sim_lock(&iommu->lock);
	iommu->interface->run(iommu->unit);
	reason = iommu->interface->interrupt(iommu->unit, dev, addr, data, irq);
	sim_unlock(&iommu->lock);
	return reason;
}
