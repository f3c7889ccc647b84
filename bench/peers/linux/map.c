/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The calls that a driver makes (kernel/dma/mapping.c), the direct map (direct.h) and bounce buffers (swiotlb.c), and the
 * calls of peer.h right above them. Cache maintenance, which a coherent device never needs, ends the program.
 */
#include <linux/iova.h>
#include <linux/iommu-dma.h>
#include <linux/swiotlb.h>

#include "glue.h"

/* Buffers that bounce are the benchmark's; their memory is at an offset that linux_peer_set_memory() tells. */
static unsigned long buffer_offset;
#undef phys_to_virt
#define phys_to_virt(phys) ((void *)(unsigned long)((phys) + buffer_offset))

/* No bus offset and no memory encryption. */
#define phys_to_dma(dev, phys) \
	((dev)->dma_range_map ? (shim_broken(__FILE__, __LINE__), (phys)) : (phys))
#define phys_to_dma_unencrypted(dev, phys)	  phys_to_dma(dev, phys)
#define phys_to_dma_encrypted(dev, phys)	  phys_to_dma(dev, phys)
#define dma_to_phys(dev, dma)			  phys_to_dma(dev, dma)
#define force_dma_unencrypted(dev)		  ((void)(dev), false)
#define cc_platform_has(attribute)		  false
#define arch_sync_dma_for_device(phys, size, dir) shim_broken(__FILE__, __LINE__)
#define arch_sync_dma_for_cpu(phys, size, dir)	  shim_broken(__FILE__, __LINE__)
#define arch_sync_dma_flush()			  shim_broken(__FILE__, __LINE__)
#define arch_sync_dma_for_cpu_all()		  ((void)0)
#define arch_dma_mark_clean(phys, n)		  ((void)(phys))
#define arch_dma_map_page_direct(...)		  false
#define arch_dma_unmap_page_direct(...)		  false
#define arch_dma_map_phys_direct(...)		  false
#define arch_dma_unmap_phys_direct(...)		  false
#define arch_dma_map_sg_direct(...)		  false
#define arch_dma_unmap_sg_direct(...)		  false
#define dma_direct_map_sg(dev, sg, n, dir, attrs) (shim_broken(__FILE__, __LINE__), -EIO)
#define dma_direct_unmap_sg(...)		  shim_broken(__FILE__, __LINE__)
/* Never true on x86-64: devices snoop, so buffers of kmalloc() need not own their cache lines. */
#define dma_kmalloc_needs_bounce(dev, size, dir) false
#define CONFIG_ARCH_DMA_ADDR_T_64BIT		 1
#define PFN_PHYS(pfn)				 ((phys_addr_t)(pfn) << PAGE_SHIFT)
#define PhysHighMem(phys)			 false
#define PageHighMem(page)			 ((void)(page), false)
#define is_zone_device_page(page)		 ((void)(page), false)
#define dma_direct_get_required_mask(dev)	 0ull
#if LINUX_RELEASE >= 7003
#define INVALID_PHYS_ADDR (~(phys_addr_t)0)
#endif
#define raw_smp_processor_id() shim_cpu
#define dma_reset_need_sync(dev) \
	((dev)->dma_skip_sync ? (void)((dev)->dma_skip_sync = false) : (void)0)
#define memcpy_from_page(to, page, offset, n) shim_broken(__FILE__, __LINE__)
#define memcpy_to_page(page, offset, from, n) shim_broken(__FILE__, __LINE__)
#define local_irq_save(flags)		      ((flags) = 0)
#define local_irq_restore(flags)	      ((void)(flags))
static const unsigned long min_low_pfn;

static inline int iommu_is_span_boundary(unsigned int index, unsigned int nr, unsigned long shift,
					 unsigned long boundary)
{
	shift = (shift + index) & (boundary - 1);
	return shift + nr > boundary;
}

const struct dma_map_ops *shim_dma_ops;

#include "map.gen.h"

void linux_peer_set_memory(unsigned long offset)
{
	buffer_offset = offset;
}

uint64_t linux_peer_map(struct linux_peer *peer, uint64_t phys, uint32_t len)
{
	return dma_map_page_attrs(&peer->pci.dev, pfn_to_page(phys >> PAGE_SHIFT),
				  phys & ~PAGE_MASK, len, DMA_FROM_DEVICE, 0);
}

void linux_peer_unmap(struct linux_peer *peer, uint64_t dma, uint32_t len)
{
	dma_unmap_page_attrs(&peer->pci.dev, dma, len, DMA_FROM_DEVICE, 0);
}

unsigned int linux_peer_map_sg(struct linux_peer *peer, struct scatterlist *sg,
			       const uint64_t *pages, size_t stride, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint64_t phys = *(const uint64_t *)(const void *)((const char *)pages + i * stride);

		/* As sg_set_page() does it: the end of the list stays. */
		sg[i].page_link = (sg[i].page_link & 3) |
				  (unsigned long)pfn_to_page(phys >> PAGE_SHIFT);
		sg[i].offset = phys & ~PAGE_MASK;
		sg[i].length = PAGE_SIZE;
	}
	return dma_map_sg_attrs(&peer->pci.dev, sg, (int)n, DMA_FROM_DEVICE, 0);
}

void linux_peer_unmap_sg(struct linux_peer *peer, struct scatterlist *sg, unsigned int n)
{
	dma_unmap_sg_attrs(&peer->pci.dev, sg, (int)n, DMA_FROM_DEVICE, 0);
}

/* ---- without an IOMMU ---- */

struct linux_bounce {
	struct io_tlb_mem mem;
	void *pool;
};

void direct_init(struct linux_peer *peer)
{
	peer->direct = peer->pci;
	peer->direct.dev.iommu = NULL;
	peer->direct.dev.iommu_group = NULL;
	peer->direct.dev.dma_iommu = false;
}

/* Does the work of swiotlb_init_late(), with one area for each CPU as for Linux's own CPUs. */
bool linux_peer_bounce(struct linux_peer *peer, size_t bytes)
{
	struct linux_bounce *b = calloc(1, sizeof(*b));
	struct io_tlb_pool *pool;
	unsigned long slabs;

	bytes = ALIGN(bytes, (size_t)IO_TLB_SEGSIZE * IO_TLB_SIZE * SHIM_CPUS);
	slabs = bytes >> IO_TLB_SHIFT;
	if (!b)
		return false;
	pool = &b->mem.defpool;
	pool->areas = calloc(SHIM_CPUS, sizeof(*pool->areas));
	pool->slots = calloc(slabs, sizeof(*pool->slots));
	if (!pool->areas || !pool->slots || posix_memalign(&b->pool, PAGE_SIZE, bytes)) {
		free(pool->areas);
		free(pool->slots);
		free(b);
		return false;
	}
	swiotlb_init_io_tlb_pool(pool, (phys_addr_t)(unsigned long)b->pool - buffer_offset, b->pool,
				 slabs, true, SHIM_CPUS);
	add_mem_pool(&b->mem, pool);
	b->mem.force_bounce = true;
	peer->bounce = b;
	peer->direct.dev.dma_io_tlb_mem = &b->mem;
	return true;
}

void direct_exit(struct linux_peer *peer)
{
	struct linux_bounce *b = peer->bounce;

	if (!b)
		return;
	free(b->mem.defpool.areas);
	free(b->mem.defpool.slots);
	free(b->pool);
	free(b);
}

uint64_t linux_peer_direct_map(struct linux_peer *peer, uint64_t phys, uint32_t len)
{
	return dma_map_page_attrs(&peer->direct.dev, pfn_to_page(phys >> PAGE_SHIFT),
				  phys & ~PAGE_MASK, len, DMA_FROM_DEVICE, 0);
}

void linux_peer_direct_unmap(struct linux_peer *peer, uint64_t dma, uint32_t len)
{
	dma_unmap_page_attrs(&peer->direct.dev, dma, len, DMA_FROM_DEVICE, 0);
}

void linux_peer_direct_sync_for_cpu(struct linux_peer *peer, uint64_t dma, uint32_t len)
{
	__dma_sync_single_for_cpu(&peer->direct.dev, dma, len, DMA_FROM_DEVICE);
}

const bool *linux_peer_skip_sync(struct linux_peer *peer)
{
	return &peer->pci.dev.dma_skip_sync;
}
