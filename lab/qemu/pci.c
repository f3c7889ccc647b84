/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Set up PCI as firmware does: PCI Local Bus Specification 3.0, section 6. */
#include "qemu_int.h"

#define ECAM_ARM       0x4010000000ull /* of the virt machines */
#define ECAM_RISCV     0x30000000ull
#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc

#define PCI_COMMAND	   0x04
#define PCI_COMMAND_MEMORY 0x2u
#define PCI_COMMAND_MASTER 0x4u
#define PCI_BAR		   0x10
#define PCI_BAR_IO	   0x1u
#define PCI_BAR_64	   0x4u
#define PCI_STATUS_CAPS	   0x10u
#define PCI_CAPS	   0x34
#define PCI_HEADER	   0x0e

/* Returns the base of memory-mapped configuration space; 0: it is reached by ports. */
static dmah_phys_t ecam(const struct qemu *q)
{
	return q->kind == QEMU_SMMU ? ECAM_ARM : q->kind == QEMU_RISCV ? ECAM_RISCV : 0;
}

uint32_t qemu_pci_read(struct qemu *q, uint16_t id, unsigned int reg, unsigned int size)
{
	if (ecam(q))
		return (uint32_t)qemu_read(q, ecam(q) + ((uint64_t)id << 12) + reg, size);
	qemu_out(q, CONFIG_ADDRESS, 4, 0x80000000u | (uint32_t)id << 8 | (reg & 0xfc));
	return qemu_in(q, (uint16_t)(CONFIG_DATA + (reg & 3)), size);
}

void qemu_pci_write(struct qemu *q, uint16_t id, unsigned int reg, unsigned int size,
		    uint32_t value)
{
	if (ecam(q)) {
		qemu_write(q, ecam(q) + ((uint64_t)id << 12) + reg, size, value);
		return;
	}
	qemu_out(q, CONFIG_ADDRESS, 4, 0x80000000u | (uint32_t)id << 8 | (reg & 0xfc));
	qemu_out(q, (uint16_t)(CONFIG_DATA + (reg & 3)), size, value);
}

/* Assign an address to the BAR at @reg, if it has none. Returns the number of 32-bit BARs that it takes. */
static unsigned int set_bar(struct qemu *q, uint16_t id, unsigned int reg, dmah_phys_t *at,
			    uint64_t *size)
{
	uint32_t old = qemu_pci_read(q, id, reg, 4), mask;

	*at = 0;
	*size = 0;
	qemu_pci_write(q, id, reg, 4, ~0u);
	mask = qemu_pci_read(q, id, reg, 4);
	qemu_pci_write(q, id, reg, 4, old);
	if (!mask || mask & PCI_BAR_IO)
		return 1;
	*size = ~(mask & ~0xfu) + 1u;
	*at = old & ~0xfu;
	if (!*at) {
		*at = (q->bar_next + *size - 1) & ~(*size - 1);
		q->bar_next = *at + *size;
		qemu_pci_write(q, id, reg, 4, (uint32_t)*at);
	}
	if (!(mask & PCI_BAR_64))
		return 1;
	qemu_pci_write(q, id, reg + 4, 4, 0);
	return 2;
}

static void enable(struct qemu *q, struct qemu_pci *pci)
{
	uint32_t command = qemu_pci_read(q, pci->id, PCI_COMMAND, 2);

	for (unsigned int i = 0; i < 6;)
		i += set_bar(q, pci->id, PCI_BAR + 4 * i, &pci->bar[i], &pci->bar_size[i]);
	qemu_pci_write(q, pci->id, PCI_COMMAND, 2,
		       command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

bool qemu_pci_find(struct qemu *q, uint16_t vendor, uint16_t device, unsigned int nth,
		   struct qemu_pci *pci)
{
	uint32_t ids = (uint32_t)device << 16 | vendor;

	for (unsigned int id = 0; id < 256; id++) {
		uint32_t here = qemu_pci_read(q, (uint16_t)id, 0, 4);

		if (here == ids && !nth--) {
			*pci = (struct qemu_pci){ .id = (uint16_t)id };
			enable(q, pci);
			return true;
		}
		/* Skip the other functions if function 0 is missing or says that there are none. */
		if (!(id & 7) &&
		    (here == ~0u || !(qemu_pci_read(q, (uint16_t)id, PCI_HEADER, 1) & 0x80)))
			id |= 7;
	}
	return false;
}

void qemu_pci_master(struct qemu *q, uint16_t id, bool on)
{
	uint32_t command = qemu_pci_read(q, id, PCI_COMMAND, 2);

	command = on ? command | PCI_COMMAND_MASTER : command & ~PCI_COMMAND_MASTER;
	qemu_pci_write(q, id, PCI_COMMAND, 2, command);
}

unsigned int qemu_pci_cap(struct qemu *q, uint16_t id, uint8_t cap)
{
	unsigned int at;

	if (!(qemu_pci_read(q, id, PCI_COMMAND + 2, 2) & PCI_STATUS_CAPS))
		return 0;
	at = qemu_pci_read(q, id, PCI_CAPS, 1) & 0xfc;
	/* End the search after 48 entries, in case the list is circular. */
	for (unsigned int i = 0; at && i < 48; i++) {
		uint32_t head = qemu_pci_read(q, id, at, 2);

		if ((head & 0xff) == cap)
			return at;
		at = head >> 8 & 0xfc;
	}
	return 0;
}
