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
#define DMA_MAPPING_ERROR	  (~(dma_addr_t)0)
#define DMA_ATTR_SKIP_CPU_SYNC	  (1ul << 5)
#define DMA_ATTR_NO_WARN	  (1ul << 8)
#define DMA_ATTR_PRIVILEGED	  (1ul << 9)
#define DMA_ATTR_MMIO		  (1ul << 10)
#define DMA_ATTR_REQUIRE_COHERENT (1ul << 12)
#define DMA_ATTR_CC_SHARED	  (1ul << 13)
#define valid_dma_direction(dir)  ((unsigned int)(dir) <= DMA_FROM_DEVICE)

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
struct ida {
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

/* Operations of a bus: no device here has any. Debian's kernels for x86-64 look for them. */
struct scatterlist;
struct device;
struct vm_area_struct;
struct dma_map_ops {
	dma_addr_t (*map_page)(struct device *dev, struct page *page, unsigned long offset,
			       size_t size, enum dma_data_direction dir, unsigned long attrs);
	void (*unmap_page)(struct device *dev, dma_addr_t dma, size_t size,
			   enum dma_data_direction dir, unsigned long attrs);
	dma_addr_t (*map_phys)(struct device *dev, phys_addr_t phys, size_t size,
			       enum dma_data_direction dir, unsigned long attrs);
	void (*unmap_phys)(struct device *dev, dma_addr_t dma, size_t size,
			   enum dma_data_direction dir, unsigned long attrs);
	int (*map_sg)(struct device *dev, struct scatterlist *sg, int n,
		      enum dma_data_direction dir, unsigned long attrs);
	void (*unmap_sg)(struct device *dev, struct scatterlist *sg, int n,
			 enum dma_data_direction dir, unsigned long attrs);
	void (*sync_single_for_cpu)(struct device *dev, dma_addr_t dma, size_t size,
				    enum dma_data_direction dir);
};
extern const struct dma_map_ops *shim_dma_ops;
struct io_tlb_mem;

struct device {
	const struct bus_type *bus;
	u64 *dma_mask;
	u64 bus_dma_limit;
	const struct bus_dma_region *dma_range_map;
	struct io_tlb_mem *dma_io_tlb_mem;
	const struct dma_map_ops *dma_ops;
	struct iommu_group *iommu_group;
	struct dev_iommu *iommu;
	bool dma_coherent;
	bool dma_iommu;
	bool dma_skip_sync;
};

struct pci_dev {
	struct device dev;
	u8 untrusted;
};

#define dev_is_pci(d)		  ((d)->bus == &pci_bus_type)
#define to_pci_dev(d)		  container_of(d, struct pci_dev, dev)
#define pci_real_dma_dev(pdev)	  (pdev)
#define get_dma_ops(d)		  ((d)->dma_ops ? (d)->dma_ops : shim_dma_ops)
#define dev_dma_iommu(d)	  ((d)->dma_iommu)
#define dev_dma_ops_bypass(d)	  ((void)(d), false)
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
