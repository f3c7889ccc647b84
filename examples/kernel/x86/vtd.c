/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Intel VT-d: take the unit over, enable it and its fault interrupt, give it up.
 */
#include <dmah/vtd.h>

#include "kernel.h"
#include "machine.h"

static struct dmah_vtd vtd;

int vtd_take_over(const struct dmah_fw_setup *setup, struct dmah_iommu **iommu)
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

int vtd_enable(void)
{
	/* Fixed delivery to the local APIC with number 0. */
	struct dmah_msi msi = { .addr = 0xfee00000, .data = FAULT_VECTOR };
	int err = dmah_vtd_enable(&vtd);

	return err ? err : dmah_vtd_fault_irq(&vtd, &msi);
}

int vtd_release(void)
{
	return dmah_vtd_fini(&vtd);
}
