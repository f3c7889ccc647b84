/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A PCI device with the fields that dma-iommu.c reads: coherent, trusted, 64-bit, in a group of its
 * own. Other fields are left out, so the structure fills fewer cache lines than Linux's.
 */
#ifndef SHIM_DEVICE_H
#define SHIM_DEVICE_H

#include "atomic.h"
#include "list.h"
#include "lock.h"
#include "page.h"

enum dma_data_direction { DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_FROM_DEVICE, DMA_NONE };
#define DMA_MAPPING_ERROR      (~(dma_addr_t)0)
#define DMA_ATTR_SKIP_CPU_SYNC (1ul << 5)
#define DMA_ATTR_PRIVILEGED    (1ul << 9)

struct bus_type {
	const char *name;
};
extern const struct bus_type pci_bus_type;

struct iommu_domain;
struct iommu_group {
	struct iommu_domain *default_domain;
};

struct dev_iommu;
struct bus_dma_region;
struct fwnode_handle;
struct of_phandle_args;
struct scatterlist;
struct attribute_group;
struct pci_dev;
struct iova_bitmap;
struct intel_iommu;
struct kobject;
struct module;

/* Types of fields in <linux/iommu.h> and the VT-d driver that this code never reads. */
typedef struct {
	int count;
} refcount_t;
struct rcu_head {
	void *unused[2];
};
struct sg_table {
	struct scatterlist *sgl;
	unsigned int nents, orig_nents;
};
struct mmu_notifier {
	void *unused[7];
};
typedef struct {
	unsigned long pgd;
} pgd_t;
struct pmu {
	int unused;
};
struct xarray {
	spinlock_t lock;
	gfp_t flags;
	void *only; /* one entry: the one IOMMU of a domain */
};
#define xa_load(xa, index) ((void)(index), (xa)->only)
#define xa_for_each(xa, index, entry) \
	for ((index) = 0, (entry) = (xa)->only; (entry); (index)++, (entry) = NULL)

typedef unsigned int ioasid_t; /* 6.1: in a header of its own */

struct device {
	const struct bus_type *bus;
	u64 *dma_mask;
	u64 bus_dma_limit;
	const struct bus_dma_region *dma_range_map;
	void *dma_io_tlb_mem;
	struct iommu_group *iommu_group;
	struct dev_iommu *iommu;
	bool dma_coherent;
};

struct pci_dev {
	struct device dev;
	u8 untrusted;
};

#define dev_is_pci(d)		  ((d)->bus == &pci_bus_type)
#define to_pci_dev(d)		  container_of(d, struct pci_dev, dev)
#define dev_name(d)		  "device"
#define dev_to_node(d)		  ((void)(d), 0)
#define dev_is_dma_coherent(d)	  ((d)->dma_coherent)
#define dma_get_mask(d)		  (*(d)->dma_mask)
#define dma_get_min_align_mask(d) 0u

/* For page tables that the IOMMU does not snoop, and for dirty tracking: neither is in use. */
#define dma_map_single(d, p, size, dir)		      ((void)(d), shim_broken(__FILE__, __LINE__), (dma_addr_t)0)
#define dma_mapping_error(d, dma)		      ((void)(dma), 0)
#define dma_unmap_single(d, dma, size, dir)	      ((void)(d), shim_broken(__FILE__, __LINE__))
#define dma_sync_single_for_device(d, dma, size, dir) ((void)(d), shim_broken(__FILE__, __LINE__))
#define iova_bitmap_set(bitmap, iova, size)	      shim_broken(__FILE__, __LINE__)

#define PCI_DEVID(bus, devfn) ((u16)(((u16)(bus) << 8) | (devfn)))

#endif
