/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * AMD-Vi: take the unit over, enable it and its event interrupt, give it up.
 */
#include <dmah/amdvi.h>

#include "kernel.h"
#include "machine.h"

#define PCI_COMMAND	   0x04u
#define PCI_COMMAND_MASTER 0x4u
#define PCI_CAPABILITIES   0x34u
#define PCI_CAP_MSI	   0x05u
#define MSI_ENABLE	   (1u << 16)
#define MSI_64		   (1u << 23)

static struct dmah_amdvi amdvi;

int amdvi_take_over(const struct dmah_fw_setup *setup, struct dmah_iommu **iommu)
{
	size_t size = dmah_amdvi_memory(&setup->amdvi);
	void *memory = pages_alloc(size);

	*iommu = &amdvi.iommu;
	return memory ? dmah_amdvi_init(&amdvi, &setup->amdvi, memory, size) : DMAH_ENOMEM;
}

/* The unit's message is that of its PCI function. Returns false if the function has none. */
static bool set_message(uint32_t id, uint32_t addr, uint32_t data)
{
	uint32_t at = pci_read(id, PCI_CAPABILITIES) & 0xfc, head;

	while (at && (pci_read(id, at) & 0xff) != PCI_CAP_MSI)
		at = pci_read(id, at) >> 8 & 0xfc;
	if (!at)
		return false;
	head = pci_read(id, at);
	pci_write(id, at + 4, addr);
	if (head & MSI_64)
		pci_write(id, at + 8, 0);
	pci_write(id, at + (head & MSI_64 ? 12 : 8), data);
	pci_write(id, at, head | MSI_ENABLE);
	pci_write(id, PCI_COMMAND, pci_read(id, PCI_COMMAND) | PCI_COMMAND_MASTER);
	return true;
}

int amdvi_enable(const struct dmah_fw_unit *unit)
{
	int err = dmah_amdvi_enable(&amdvi);

	/* Fixed delivery to the local APIC with number 0. */
	if (!err && !set_message(unit->bdf, 0xfee00000, FAULT_VECTOR))
		err = DMAH_ENOTSUP;
	if (!err)
		dmah_amdvi_fault_irq(&amdvi, true);
	return err;
}

int amdvi_release(void)
{
	return dmah_amdvi_fini(&amdvi);
}
