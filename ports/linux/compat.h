/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The differences between kernels, and nothing else.
 */
#ifndef DMAH_LINUX_COMPAT_H
#define DMAH_LINUX_COMPAT_H

#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/version.h>

/* 6.11: a domain is allocated for a device, no longer for a bus; and the error has a number. */
static inline struct iommu_domain *compat_domain_alloc(struct device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	return iommu_paging_domain_alloc(dev);
#else
	struct iommu_domain *domain = iommu_domain_alloc(dev->bus);

	return domain ? domain : ERR_PTR(-ENODEV);
#endif
}

/* 6.3: iommu_map() takes allocation flags; before, a second function must not sleep. */
static inline int compat_iommu_map(struct iommu_domain *domain, unsigned long iova,
				   phys_addr_t phys, size_t size, int prot)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	return iommu_map(domain, iova, phys, size, prot, GFP_ATOMIC);
#else
	return iommu_map_atomic(domain, iova, phys, size, prot);
#endif
}

/* 6.8: iotlb_sync_map() may fail. */
static inline int compat_sync_map(struct iommu_domain *domain, unsigned long iova, size_t size)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	return domain->ops->iotlb_sync_map(domain, iova, size);
#else
	domain->ops->iotlb_sync_map(domain, iova, size);
	return 0;
#endif
}

/* 6.10: the source of a string field is kept by the event itself. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define compat_assign_str(field, source) __assign_str(field)
#else
#define compat_assign_str(field, source) __assign_str(field, source)
#endif

static inline bool compat_untrusted(struct device *dev)
{
	return dev_is_pci(dev) && to_pci_dev(dev)->untrusted;
}

#endif /* DMAH_LINUX_COMPAT_H */
