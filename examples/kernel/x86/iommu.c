/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The machine's IOMMU is Intel's or AMD's: find it in the firmware's tables, and call the file that is for it.
 */
#include "kernel.h"
#include "machine.h"

/* The physical address of the ACPI root pointer in PVH's start information (struct hvm_start_info of Xen's public headers). */
#define RSDP 32u

static bool is_amd;

int firmware_tables(struct dmah_fw *fw)
{
	return dmah_fw_add_acpi(fw, *(const uint64_t *)(start_info + RSDP), NULL);
}

int iommu_take_over(const struct dmah_fw_setup *setup, struct dmah_iommu **iommu)
{
	is_amd = setup->kind == DMAH_FW_AMDVI;
	return is_amd ? amdvi_take_over(setup, iommu) : vtd_take_over(setup, iommu);
}

int iommu_enable(const struct dmah_fw_unit *unit)
{
	return is_amd ? amdvi_enable(unit) : vtd_enable();
}

int iommu_release(void)
{
	return is_amd ? amdvi_release() : vtd_release();
}
