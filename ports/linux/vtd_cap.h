/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DMAH_LINUX_VTD_CAP_H
#define DMAH_LINUX_VTD_CAP_H

#include <linux/types.h>

struct device;

/**
 * vtd_ignores_maps() - Returns true if a device's Intel IOMMU needs no call after a map.
 *
 * Its driver's iotlb_sync_map() looks up every IOMMU of the domain, to do nothing at each but where
 * a unit caches entries that do not translate, or buffers writes (Intel Virtualization Technology
 * for Directed I/O, section 11.4.2, Capability Register: CM, RWBF). The register is in sysfs (ABI:
 * /sys/class/iommu/NAME/intel-iommu/cap), where this reads it.
 *
 * Return: false where it is not known.
 */
bool vtd_ignores_maps(struct device *dev);

#endif /* DMAH_LINUX_VTD_CAP_H */
