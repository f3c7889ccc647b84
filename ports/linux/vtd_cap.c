// SPDX-License-Identifier: GPL-2.0-only
#include "vtd_cap.h"

#include <linux/acpi.h>
#include <linux/device.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/pci.h>

const char *iommu_unit_name(const struct device *dev)
{
	if (!dev->iommu || !dev->iommu->iommu_dev || !dev->iommu->iommu_dev->dev)
		return NULL;
	return dev_name(dev->iommu->iommu_dev->dev);
}

#if defined(CONFIG_X86) && defined(CONFIG_ACPI)
/* Registers of a unit: the architecture's specification, section 11.4.2. */
#define CAP	 0x08
#define CAP_RWBF BIT_ULL(4)
#define CAP_CM	 BIT_ULL(7)

static bool unit_ignores_maps(const struct acpi_dmar_hardware_unit *unit)
{
	void __iomem *registers;
	u64 cap;

	if (unit->header.length < sizeof(*unit) || !unit->address)
		return false;
	registers = ioremap(unit->address, CAP + sizeof(cap));
	if (!registers)
		return false;
	cap = readq(registers + CAP);
	iounmap(registers);
	/* All ones: nothing answers at this address. */
	return cap != U64_MAX && !(cap & (CAP_CM | CAP_RWBF));
}

/*
 * The number of units that the table describes; 0 where one of them wants calls, or is not
 * readable.
 */
static unsigned int units_that_ignore_maps(const struct acpi_table_header *table)
{
	const void *at = (const struct acpi_table_dmar *)table + 1;
	const void *end = (const void *)table + table->length;
	unsigned int units = 0;

	while (at + sizeof(struct acpi_dmar_header) <= end) {
		const struct acpi_dmar_header *entry = at;

		if (entry->length < sizeof(*entry) || entry->length > end - at)
			return 0;
		if (entry->type == ACPI_DMAR_TYPE_HARDWARE_UNIT) {
			if (!unit_ignores_maps(at))
				return 0;
			units++;
		}
		at += entry->length;
	}
	return units;
}

/*
 * Chipsets of 2008 whose units buffer writes and do not say so: Mobile 4 Series and its kin, by
 * their host bridge.
 */
static bool buffers_writes_unsaid(void)
{
	static const u16 bridges[] = { 0x2a40, 0x2e00, 0x2e10, 0x2e20, 0x2e30, 0x2e40, 0x2e90 };
	struct pci_dev *bridge = pci_get_domain_bus_and_slot(0, 0, PCI_DEVFN(0, 0));
	bool found = false;

	for (size_t i = 0; bridge && i < ARRAY_SIZE(bridges); i++)
		found |= bridge->vendor == PCI_VENDOR_ID_INTEL && bridge->device == bridges[i];
	pci_dev_put(bridge);
	return found;
}

bool vtd_ignores_maps(const struct device *dev)
{
	const char *name = iommu_unit_name(dev);
	struct acpi_table_header *table;
	unsigned int number, units;

	/*
	 * Units have numbers in the table's order; those that are plugged in later have greater
	 * ones.
	 */
	if (!name || sscanf(name, "dmar%u", &number) != 1 || buffers_writes_unsaid())
		return false;
	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_DMAR, 0, &table)))
		return false;
	units = units_that_ignore_maps(table);
	acpi_put_table(table);
	return number < units;
}
#else
bool vtd_ignores_maps(const struct device *dev)
{
	return false;
}
#endif
