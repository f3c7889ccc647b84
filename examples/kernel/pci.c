/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * PCI: find a device on bus 0 and make its registers and its DMA work.
 */
#include "kernel.h"

#define ID	0x00u
#define COMMAND 0x04u
#define BAR0	0x10u

#define COMMAND_MEMORY 0x2u
#define COMMAND_MASTER 0x4u

uint32_t pci_find(uint32_t device_vendor)
{
	for (uint32_t id = 0; id < 256; id++)
		if (pci_read(id, ID) == device_vendor)
			return id;
	return ~0u;
}

volatile void *pci_enable(uint32_t id)
{
	if (pci_window())
		pci_write(id, BAR0, pci_window());
	pci_write(id, COMMAND, pci_read(id, COMMAND) | COMMAND_MEMORY | COMMAND_MASTER);
	return (volatile void *)(uintptr_t)(pci_read(id, BAR0) & ~15u);
}
