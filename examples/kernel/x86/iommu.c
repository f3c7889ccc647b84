/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Intel VT-d: find the unit in the firmware's tables, take it over, enable it and its fault interrupt, give it up.
 */
#include <dmah/vtd.h>

#include "kernel.h"
#include "machine.h"

/* The physical address of the ACPI root pointer in PVH's start information (struct hvm_start_info of Xen's public headers). */
#define RSDP 32u

const struct dmah_pt_format *const iommu_format = &dmah_pt_vtd_ss;

static struct dmah_vtd vtd;

int firmware_tables(struct dmah_fw *fw)
{
	return dmah_fw_add_acpi(fw, *(const uint64_t *)(start_info + RSDP), NULL);
}

int iommu_take_over(const struct dmah_fw_setup *setup, struct dmah_iommu **iommu)
{
	size_t size;
	void *memory;

	if (setup->kind != DMAH_FW_VTD)
		return DMAH_ENOTSUP;
	size = dmah_vtd_memory(&setup->vtd);
	memory = pages_alloc(size);
	*iommu = &vtd.iommu;
	return memory ? dmah_vtd_init(&vtd, &setup->vtd, memory, size) : DMAH_ENOMEM;
}

int iommu_enable(const struct dmah_fw_unit *unit)
{
	/* Fixed delivery to the local APIC with number 0. */
	struct dmah_msi msi = { .addr = 0xfee00000, .data = FAULT_VECTOR };
	int err = dmah_vtd_enable(&vtd);

	(void)unit;
	return err ? err : dmah_vtd_fault_irq(&vtd, &msi);
}

int iommu_release(void)
{
	return dmah_vtd_fini(&vtd);
}
