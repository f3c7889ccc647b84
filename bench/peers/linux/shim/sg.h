/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Scatter lists: an array of entries, each with room for the DMA address that a map writes. */
#ifndef SHIM_SG_H
#define SHIM_SG_H

#include "page.h"

/* Bits 0 and 1 of @page_link: the entry leads to another array; the entry is the last. */
struct scatterlist {
	unsigned long page_link;
	unsigned int offset;
	unsigned int length;
	dma_addr_t dma_address;
	unsigned int dma_length;
	unsigned int dma_flags;
};

#define sg_dma_address(sg)	      ((sg)->dma_address)
#define sg_dma_len(sg)		      ((sg)->dma_length)
#define sg_page(sg)		      ((struct page *)((sg)->page_link & ~3ul))
#define sg_phys(sg)		      (page_to_phys(sg_page(sg)) + (sg)->offset)
#define sg_dma_is_bus_address(sg)     ((sg)->dma_flags & 1u)
#define sg_dma_mark_bus_address(sg)   ((sg)->dma_flags |= 1u)
#define sg_dma_unmark_bus_address(sg) ((sg)->dma_flags &= ~1u)
#define sg_dma_is_swiotlb(sg)	      ((sg)->dma_flags & 2u)
#define sg_dma_mark_swiotlb(sg)	      ((sg)->dma_flags |= 2u)
#define for_each_sg(list, sg, n, i) \
	for ((i) = 0, (sg) = (list); (i) < (int)(n); (i)++, (sg) = sg_next(sg))

/* A function, and not inline, as in a kernel. */
struct scatterlist *sg_next(struct scatterlist *sg);

/* Memory of another device is never mapped here. */
struct pci_p2pdma_map_state {
	void *mem;
};
enum pci_p2pdma_map_type {
	PCI_P2PDMA_MAP_BUS_ADDR = 1,
	PCI_P2PDMA_MAP_THRU_HOST_BRIDGE,
	PCI_P2PDMA_MAP_NONE
};
/* A kernel tests whether the page is a device's. */
#define pci_p2pdma_state(state, dev, page) ((void)(state), (void)(page), PCI_P2PDMA_MAP_NONE)
#define pci_p2pdma_bus_addr_map(mem, phys) ((void)(mem), shim_broken(__FILE__, __LINE__), (phys))
#define is_pci_p2pdma_page(page)	   ((void)(page), false)
#define pci_p2pdma_map_segment(state, dev, sg) \
	((void)(state), shim_broken(__FILE__, __LINE__), PCI_P2PDMA_MAP_BUS_ADDR)
#define overflows_type(value, type) ((value) > UINT_MAX)
/* The defaults of a PCI device. */
#define dma_get_seg_boundary(dev)	 ((void)(dev), 0xfffffffful)
#define dma_get_max_seg_size(dev)	 ((void)(dev), 65536u)
#define dma_kmalloc_safe(dev, dir)	 ((void)(dev), true)
#define dma_kmalloc_size_aligned(length) true

#endif
