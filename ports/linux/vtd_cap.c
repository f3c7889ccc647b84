// SPDX-License-Identifier: GPL-2.0-only
#include "vtd_cap.h"

#include <linux/device.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/kstrtox.h>
#include <linux/pci.h>
#include <linux/string.h>

#define CAP_RWBF BIT_ULL(4)
#define CAP_CM	 BIT_ULL(7)

/* An attribute of a device, as a read of its file in sysfs would show it. */
static bool read_attribute(struct device *dev, const char *group, const char *name, u64 *value)
{
	const struct attribute_group *const *g = (const struct attribute_group *const *)dev->groups;
	char *page;
	bool ok = false;

	for (; g && *g; g++) {
		if (!(*g)->name || strcmp((*g)->name, group) || !(*g)->attrs)
			continue;
		for (struct attribute **a = (*g)->attrs; *a; a++) {
			struct device_attribute *attr =
				container_of(*a, struct device_attribute, attr);

			if (strcmp((*a)->name, name) || !attr->show)
				continue;
			page = (char *)get_zeroed_page(GFP_KERNEL);
			if (!page)
				return false;
			ok = attr->show(dev, attr, page) > 0 && !kstrtou64(strim(page), 16, value);
			free_page((unsigned long)page);
			return ok;
		}
	}
	return false;
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

bool vtd_ignores_maps(struct device *dev)
{
	u64 cap;

	if (!dev->iommu || !dev->iommu->iommu_dev || !dev->iommu->iommu_dev->dev)
		return false;
	if (!read_attribute(dev->iommu->iommu_dev->dev, "intel-iommu", "cap", &cap))
		return false;
	return !(cap & (CAP_CM | CAP_RWBF)) && !buffers_writes_unsaid();
}
