/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DMAH_LINUX_VTD_CAP_H
#define DMAH_LINUX_VTD_CAP_H

#include <linux/types.h>

struct device;

/**
 * iommu_unit_name() - the name of a device's IOMMU, "dmar0" or "ivhd0"; NULL where it has none.
 */
const char *iommu_unit_name(const struct device *dev);

/**
 * vtd_ignores_maps() - Returns true if a device's Intel IOMMU needs no call after a map.
 *
 * Its driver's iotlb_sync_map() does something only where a unit caches entries that do not
 * translate, or buffers writes (Intel Virtualization Technology for Directed I/O, section 11.4.2,
 * Capability Register: CM, RWBF). The units are those of the firmware's DMAR table, and each of
 * them is asked: the register is mapped and read.
 *
 * Context: may sleep.
 * Return: false where it is not known.
 */
bool vtd_ignores_maps(const struct device *dev);

#endif /* DMAH_LINUX_VTD_CAP_H */
