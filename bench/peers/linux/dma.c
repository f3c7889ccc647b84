/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Linux's dma-iommu.c: single buffers, scatter lists, and ranges of IOVAs that a driver links pieces into.
 * Code that a coherent, trusted device never reaches (bouncing, cache maintenance) ends the program.
 */
#include <linux/iova.h>
#include <linux/iommu-dma.h>
#include <linux/swiotlb.h>

#include "glue.h"

#define iommu_deferred_attach(dev, domain) 0

/* Never true on x86-64: devices snoop, so buffers of kmalloc() need not own their cache lines. */
#define dma_kmalloc_needs_bounce(dev, size, dir) false

#define arch_sync_dma_for_device(phys, size, dir) shim_broken(__FILE__, __LINE__)
#define arch_sync_dma_for_cpu(phys, size, dir)	  shim_broken(__FILE__, __LINE__)
#define arch_sync_dma_flush()			  shim_broken(__FILE__, __LINE__)
#define iommu_get_domain_for_dev(dev)		  iommu_get_dma_domain(dev)

/* No bus limits the device's reach, and no region is reserved. */
#define dma_range_map_min(map)			0ull
#define dma_range_map_max(map)			(~0ull)
#define iova_reserve_iommu_regions(dev, domain) 0

bool device_iommu_capable(struct device *dev, enum iommu_cap cap)
{
	return cap == IOMMU_CAP_DEFERRED_FLUSH;
}

int iommu_get_dma_cookie(struct iommu_domain *domain);
void iommu_put_dma_cookie(struct iommu_domain *domain);
#include "drivers/iommu/iommu-pages.h"
#include "dma-iommu.gen.h"

int dma_domain_init(struct iommu_domain *domain, struct device *dev)
{
	int err = iommu_get_dma_cookie(domain);

	if (err)
		return err;
	return iommu_dma_init_domain(domain, dev);
}

void dma_domain_exit(struct iommu_domain *domain)
{
	iommu_put_dma_cookie(domain);
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

struct scatterlist *linux_peer_sg_create(unsigned int n)
{
	struct scatterlist *sg = calloc(n, sizeof(*sg));

	if (sg)
		sg[n - 1].page_link = 2;
	return sg;
}

uint64_t linux_peer_sg_dma(const struct scatterlist *sg, uint64_t at)
{
	while (at >= sg_dma_len(sg)) {
		at -= sg_dma_len(sg);
		sg++;
	}
	return sg_dma_address(sg) + at;
}

#if LINUX_RELEASE >= 7003
_Static_assert(sizeof(struct linux_link) == sizeof(struct dma_iova_state), "peer.h has a copy");

bool linux_peer_link(struct linux_peer *peer, struct linux_link *link, const uint64_t *pages,
		     unsigned int n)
{
	struct dma_iova_state *state = (struct dma_iova_state *)link;
	struct device *dev = &peer->pci.dev;

	if (!dma_iova_try_alloc(dev, state, pages[0], n * PAGE_SIZE))
		return false;
	for (unsigned int i = 0; i < n; i++)
		if (dma_iova_link(dev, state, pages[i], i * PAGE_SIZE, PAGE_SIZE, DMA_FROM_DEVICE,
				  0))
			return false;
	return !dma_iova_sync(dev, state, 0, n * PAGE_SIZE);
}

void linux_peer_unlink(struct linux_peer *peer, struct linux_link *link, unsigned int n)
{
	dma_iova_destroy(&peer->pci.dev, (struct dma_iova_state *)link, n * PAGE_SIZE,
			 DMA_FROM_DEVICE, 0);
}
#endif
