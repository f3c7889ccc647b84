/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The part of Linux's dma-iommu.c that maps single buffers, and the calls of peer.h right above it.
 * Code that a coherent, trusted device never reaches (bouncing, cache maintenance) ends the program.
 */
#include <linux/iova.h>

#include "glue.h"

#define iommu_deferred_attach(dev, domain) 0

/* Never true on x86-64: devices snoop, so buffers of kmalloc() need not own their cache lines. */
#define dma_kmalloc_needs_bounce(dev, size, dir) false

#define is_swiotlb_active(dev)				     false
#define swiotlb_tbl_map_single(...)			     DMA_MAPPING_ERROR
#define arch_sync_dma_for_device(phys, size, dir)	     shim_broken(__FILE__, __LINE__)
#define arch_sync_dma_for_cpu(phys, size, dir)		     shim_broken(__FILE__, __LINE__)
#define swiotlb_sync_single_for_cpu(dev, phys, size, dir)    shim_broken(__FILE__, __LINE__)
#define swiotlb_sync_single_for_device(dev, phys, size, dir) shim_broken(__FILE__, __LINE__)

/* One load and a branch, as without an allocated pool; with one there are two more compares. */
static inline bool is_swiotlb_buffer(struct device *dev, phys_addr_t phys)
{
	return unlikely(READ_ONCE(dev->dma_io_tlb_mem));
}

static inline void swiotlb_tbl_unmap_single(struct device *dev, phys_addr_t phys, size_t size,
					    enum dma_data_direction dir, unsigned long attrs)
{
	if (is_swiotlb_buffer(dev, phys))
		shim_broken(__FILE__, __LINE__);
}

/* No bus limits the device's reach, and no region is reserved. */
#define dma_range_map_min(map)			0ull
#define dma_range_map_max(map)			(~0ull)
#define iova_reserve_iommu_regions(dev, domain) 0

#if LINUX_RELEASE >= 6012
bool device_iommu_capable(struct device *dev, enum iommu_cap cap)
{
	return cap == IOMMU_CAP_DEFERRED_FLUSH;
}
#else
static const bool iommu_dma_forcedac;
#endif

int iommu_get_dma_cookie(struct iommu_domain *domain);
void iommu_put_dma_cookie(struct iommu_domain *domain);
#if LINUX_RELEASE >= 6012
#include "drivers/iommu/iommu-pages.h"
#endif
#include "dma-iommu.gen.h"

int dma_domain_init(struct iommu_domain *domain, struct device *dev)
{
	int err = iommu_get_dma_cookie(domain);

	if (err)
		return err;
#if LINUX_RELEASE >= 6012
	return iommu_dma_init_domain(domain, dev);
#else
	return iommu_dma_init_domain(domain, 0, ~0ull, dev);
#endif
}

void dma_domain_exit(struct iommu_domain *domain)
{
	iommu_put_dma_cookie(domain);
}

uint64_t linux_peer_map(struct linux_peer *peer, uint64_t phys, uint32_t len)
{
	return iommu_dma_map_page(&peer->pci.dev, pfn_to_page(phys >> PAGE_SHIFT),
				  phys & ~PAGE_MASK, len, DMA_FROM_DEVICE, 0);
}

void linux_peer_unmap(struct linux_peer *peer, uint64_t dma, uint32_t len)
{
	iommu_dma_unmap_page(&peer->pci.dev, dma, len, DMA_FROM_DEVICE, 0);
}

void linux_peer_sync_for_cpu(struct linux_peer *peer, uint64_t dma, uint32_t len)
{
	iommu_dma_sync_single_for_cpu(&peer->pci.dev, dma, len, DMA_FROM_DEVICE);
}

void linux_peer_sync_for_device(struct linux_peer *peer, uint64_t dma, uint32_t len)
{
	iommu_dma_sync_single_for_device(&peer->pci.dev, dma, len, DMA_FROM_DEVICE);
}

/* ---- scatter lists ---- */

struct scatterlist *sg_next(struct scatterlist *sg)
{
	if (sg->page_link & 2)
		return NULL;
	sg++;
	if (unlikely(sg->page_link & 1))
		sg = (struct scatterlist *)(sg->page_link & ~3ul);
	return sg;
}

bool linux_peer_have_sg(void)
{
	return LINUX_RELEASE >= 6012;
}

struct scatterlist *linux_peer_sg_create(unsigned int n)
{
	struct scatterlist *sg = calloc(n, sizeof(*sg));

	if (sg)
		sg[n - 1].page_link = 2;
	return sg;
}

#if LINUX_RELEASE >= 6012
unsigned int linux_peer_map_sg(struct linux_peer *peer, struct scatterlist *sg,
			       const uint64_t *pages, size_t stride, unsigned int n)
{
	int got;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t phys = *(const uint64_t *)(const void *)((const char *)pages + i * stride);

		/* As sg_set_page() does it: the end of the list stays. */
		sg[i].page_link = (sg[i].page_link & 3) |
				  (unsigned long)pfn_to_page(phys >> PAGE_SHIFT);
		sg[i].offset = phys & ~PAGE_MASK;
		sg[i].length = PAGE_SIZE;
	}
	got = iommu_dma_map_sg(&peer->pci.dev, sg, (int)n, DMA_FROM_DEVICE, 0);
	return got > 0 ? (unsigned int)got : 0;
}

void linux_peer_unmap_sg(struct linux_peer *peer, struct scatterlist *sg, unsigned int n)
{
	iommu_dma_unmap_sg(&peer->pci.dev, sg, (int)n, DMA_FROM_DEVICE, 0);
}
#else
unsigned int linux_peer_map_sg(struct linux_peer *peer, struct scatterlist *sg,
			       const uint64_t *pages, size_t stride, unsigned int n)
{
	return 0;
}

void linux_peer_unmap_sg(struct linux_peer *peer, struct scatterlist *sg, unsigned int n)
{
}
#endif

uint64_t linux_peer_sg_dma(const struct scatterlist *sg, uint64_t at)
{
	while (at >= sg_dma_len(sg)) {
		at -= sg_dma_len(sg);
		sg++;
	}
	return sg_dma_address(sg) + at;
}

/* ---- direct ---- */

/* No bus offset and no memory encryption. */
#define phys_to_dma(dev, phys) \
	((dev)->dma_range_map ? (shim_broken(__FILE__, __LINE__), phys) : (phys))
#define dma_to_phys(dev, dma)	     phys_to_dma(dev, dma)
#define is_swiotlb_force_bounce(dev) unlikely(READ_ONCE((dev)->dma_io_tlb_mem))
#define swiotlb_map(dev, ...)	     (shim_broken(__FILE__, __LINE__), DMA_MAPPING_ERROR)
#define arch_sync_dma_for_cpu_all()  ((void)0)
#define arch_dma_mark_clean(phys, n) ((void)(phys))
#define CONFIG_ARCH_DMA_ADDR_T_64BIT 1
#define PFN_PHYS(pfn)		     ((phys_addr_t)(pfn) << PAGE_SHIFT)
static const unsigned long min_low_pfn;
#undef swiotlb_sync_single_for_cpu
/* One load and a branch, as without an allocated pool. */
#define swiotlb_sync_single_for_cpu(dev, phys, size, dir) \
	do {                                              \
		if (is_swiotlb_buffer(dev, phys))         \
			shim_broken(__FILE__, __LINE__);  \
	} while (0)

#include "direct.gen.h"

/* Functions, since dma_map_page_attrs() is one, which has the direct map inline. */
uint64_t linux_peer_direct_map(struct linux_peer *peer, uint64_t phys, uint32_t len)
{
	return dma_direct_map_page(&peer->pci.dev, pfn_to_page(phys >> PAGE_SHIFT),
				   phys & ~PAGE_MASK, len, DMA_FROM_DEVICE, 0);
}

void linux_peer_direct_unmap(struct linux_peer *peer, uint64_t dma, uint32_t len)
{
	dma_direct_unmap_page(&peer->pci.dev, dma, len, DMA_FROM_DEVICE, 0);
}
