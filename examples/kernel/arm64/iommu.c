/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Arm SMMUv3: take the unit over, enable its interrupts, give it up.
 */
#include <dmah/smmuv3.h>

#include "kernel.h"

/*
 * The unit's registers on virt. A real kernel finds them in the device tree, or in the ACPI table
 * IORT.
 */
#define REGISTERS 0x09050000u

const struct dmah_pt_format *const iommu_format = &dmah_pt_lpae_s1;

static struct dmah_smmuv3 smmu;

int iommu_take_over(struct dmah_iommu **iommu)
{
	struct dmah_smmuv3_config config = { .regs = (volatile void *)REGISTERS };
	size_t size = dmah_smmuv3_memory(&config);
	void *memory = pages_alloc(size);

	*iommu = &smmu.iommu;
	if (!memory)
		return DMAH_ENOMEM;
	return dmah_smmuv3_init(&smmu, &config, memory, size);
}

int iommu_enable(void)
{
	/* No messages: the unit's interrupts are wires. dmah_smmuv3_init() has enabled translation. */
	struct dmah_smmuv3_irq wires = { 0 };

	return dmah_smmuv3_irq(&smmu, &wires);
}

int iommu_release(void)
{
	return dmah_smmuv3_fini(&smmu);
}
