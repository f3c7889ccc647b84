/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Arm SMMUv3: take the unit over, enable its event interrupt, give it up.
 */
#include <dmah/smmuv3.h>

#include "kernel.h"

/*
 * The unit's registers on virt. A real kernel finds them in the device tree, or in the ACPI table
 * IORT.
 */
#define REGISTERS 0x09050000u

/* IRQ_CTRL and its event queue bit (Arm IHI 0070, section 6.3.15). */
#define IRQ_CTRL	0x50u
#define IRQ_CTRL_EVENTQ 4u

const struct dmah_pt_format *const iommu_format = &dmah_pt_lpae_s1;

static struct dmah_smmuv3 smmu;

int iommu_take_over(struct dmah_iommu **iommu)
{
	size_t size = dmah_smmuv3_memory(NULL);
	void *memory = pages_alloc(size);

	*iommu = &smmu.iommu;
	if (!memory)
		return DMAH_ENOMEM;
	return dmah_smmuv3_init(&smmu, (volatile void *)REGISTERS, NULL, memory, size);
}

/* dmah_smmuv3_init() has enabled the unit already. */
int iommu_enable(void)
{
	dmah_host_write32((volatile uint8_t *)REGISTERS + IRQ_CTRL, IRQ_CTRL_EVENTQ);
	return DMAH_OK;
}

int iommu_release(void)
{
	return dmah_smmuv3_fini(&smmu);
}
