/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Arm SMMUv3: find the unit in the device tree, take it over, enable its interrupts, give it up.
 */
#include <dmah/smmuv3.h>

#include "kernel.h"
#include "machine.h"

/* QEMU puts the device tree at the start of memory. */
#define TREE 0x40000000u

static struct dmah_smmuv3 smmu;

int firmware_tables(struct dmah_fw *fw)
{
	return dmah_fw_add(fw, (const void *)TREE, DMAH_FW_TREE_MAX);
}

int iommu_take_over(const struct dmah_fw_setup *setup, struct dmah_iommu **iommu)
{
	size_t size;
	void *memory;

	if (setup->kind != DMAH_FW_SMMUV3)
		return DMAH_ENOTSUP;
	size = dmah_smmuv3_memory(&setup->smmuv3);
	memory = pages_alloc(size);
	*iommu = &smmu.iommu;
	return memory ? dmah_smmuv3_init(&smmu, &setup->smmuv3, memory, size) : DMAH_ENOMEM;
}

int iommu_enable(const struct dmah_fw_unit *unit)
{
	/* No messages: the unit's interrupts are wires. dmah_smmuv3_init() has enabled translation. */
	struct dmah_smmuv3_irq wires = { 0 };

	interrupt_enable(unit->irq[0]);
	return dmah_smmuv3_irq(&smmu, &wires);
}

int iommu_release(void)
{
	return dmah_smmuv3_fini(&smmu);
}
