/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * RISC-V IOMMU: find the unit in the device tree, take it over, enable its interrupt, give it up.
 */
#include <dmah/riscv.h>

#include "kernel.h"
#include "machine.h"

const struct dmah_pt_format *const iommu_format = &dmah_pt_sv;

static struct dmah_riscv unit;

int firmware_tables(struct dmah_fw *fw)
{
	return dmah_fw_add(fw, device_tree, DMAH_FW_TREE_MAX);
}

int iommu_take_over(const struct dmah_fw_setup *setup, struct dmah_iommu **iommu)
{
	struct dmah_riscv_config config = setup->riscv;
	size_t size;
	void *memory;

	if (setup->kind != DMAH_FW_RISCV)
		return DMAH_ENOTSUP;
	/* This machine has no controller for messages. */
	config.wired = true;
	size = dmah_riscv_memory(&config);
	memory = pages_alloc(size);
	*iommu = &unit.iommu;
	return memory ? dmah_riscv_init(&unit, &config, memory, size) : DMAH_ENOMEM;
}

int iommu_enable(const struct dmah_fw_unit *described)
{
	int err = dmah_riscv_enable(&unit);

	(void)described;
	if (err)
		return err;
	/* The first of the unit's wires. A real kernel reads its number from the device tree. */
	interrupt_enable(IOMMU_WIRE);
	return dmah_riscv_irq(&unit, NULL);
}

int iommu_release(void)
{
	return dmah_riscv_fini(&unit);
}
