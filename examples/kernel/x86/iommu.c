/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Intel VT-d: take the unit over, enable it and its fault interrupt, give it up.
 */
#include <dmah/vtd.h>

#include "kernel.h"
#include "machine.h"

/* The unit's registers on q35. A real kernel finds them in the ACPI table DMAR. */
#define REGISTERS 0xfed90000u

const struct dmah_pt_format *const iommu_format = &dmah_pt_vtd_ss;

static struct dmah_vtd vtd;

int iommu_take_over(struct dmah_iommu **iommu)
{
	struct dmah_vtd_config config = { .regs = (volatile void *)REGISTERS };
	size_t size;
	void *memory;

	/* All ones: no unit answers. */
	if (dmah_host_read32(config.regs) == ~0u)
		return DMAH_ENODEV;
	size = dmah_vtd_memory(&config);
	memory = pages_alloc(size);
	*iommu = &vtd.iommu;
	return memory ? dmah_vtd_init(&vtd, &config, memory, size) : DMAH_ENOMEM;
}

int iommu_enable(void)
{
	/* Fixed delivery to the local APIC with number 0. */
	struct dmah_msi msi = { .addr = 0xfee00000, .data = FAULT_VECTOR };
	int err = dmah_vtd_enable(&vtd);

	return err ? err : dmah_vtd_fault_irq(&vtd, &msi);
}

int iommu_release(void)
{
	return dmah_vtd_fini(&vtd);
}
