// SPDX-License-Identifier: GPL-2.0-only
/*
 * The least that a module can reach: calls of the IOMMU's driver, which alone may write page
 * tables. No API: IOVAs are fixed, nothing is checked, and in the lazy cases nothing is flushed. And the
 * kernel's allocator of IOVAs by itself.
 */
#include <linux/iova.h>
#include <linux/version.h>

#include "cost.h"

#define BASE 0x10000000ul
#define PROT (IOMMU_WRITE | IOMMU_CACHE)

static struct iommu_domain *domain;
static struct iova_domain iovas;
static bool have_iovas;

static int pieces_begin(struct cost *c, const char **why)
{
	int err;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	domain = iommu_paging_domain_alloc(c->dev);
	err = PTR_ERR_OR_ZERO(domain);
#else
	domain = device_iommu_mapped(c->dev) ? iommu_domain_alloc(c->dev->bus) : NULL;
	err = domain ? 0 : -ENODEV;
#endif
	*why = "there is no IOMMU that can be used";
	if (err)
		return err;
	err = iommu_attach_device(domain, c->dev);
	if (!err && !domain->ops->map_pages) {
		iommu_detach_device(domain, c->dev);
		err = -EOPNOTSUPP;
	}
	if (err) {
		*why = "no domain of its own can be attached";
		iommu_domain_free(domain);
	}
	return err;
}

static void pieces_end(struct cost *c)
{
	iommu_detach_device(domain, c->dev);
	iommu_domain_free(domain);
}

static unsigned long iova_of(const u16 *which, u32 i)
{
	return BASE + (unsigned long)which[i] * PAGE_SIZE;
}

/* ---- the driver's own functions ---- */

static void ops_unmap(struct cost *c, const u16 *which, u32 n)
{
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	gather.queued = true;
	for (u32 i = 0; i < n; i++)
		domain->ops->unmap_pages(domain, iova_of(which, i), PAGE_SIZE, 1, &gather);
}

static void ops_unmap_strict(struct cost *c, const u16 *which, u32 n)
{
	struct iommu_iotlb_gather gather;

	for (u32 i = 0; i < n; i++) {
		iommu_iotlb_gather_init(&gather);
		domain->ops->unmap_pages(domain, iova_of(which, i), PAGE_SIZE, 1, &gather);
		iommu_iotlb_sync(domain, &gather);
	}
}

static int ops_map(struct cost *c, const u16 *which, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		size_t mapped = 0;
		int err = domain->ops->map_pages(domain, iova_of(which, i),
						 page_to_phys(c->slots[which[i]].page), PAGE_SIZE,
						 1, PROT, GFP_ATOMIC, &mapped);

		if (err) {
			ops_unmap(c, which, i);
			return err;
		}
	}
	return 0;
}

/* 16 neighbours in one call, as a ring ends them. */
static void ops_unmap_run(struct cost *c, const u16 *which, u32 n)
{
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	gather.queued = true;
	domain->ops->unmap_pages(domain, iova_of(which, 0), PAGE_SIZE, n, &gather);
}

/* ---- the exported functions above them ---- */

static void iommu_case_unmap(struct cost *c, const u16 *which, u32 n)
{
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	gather.queued = true;
	for (u32 i = 0; i < n; i++)
		iommu_unmap_fast(domain, iova_of(which, i), PAGE_SIZE, &gather);
}

static int iommu_case_map(struct cost *c, const u16 *which, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		phys_addr_t phys = page_to_phys(c->slots[which[i]].page);
		int err;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
		err = iommu_map(domain, iova_of(which, i), phys, PAGE_SIZE, PROT, GFP_ATOMIC);
#else
		err = iommu_map_atomic(domain, iova_of(which, i), phys, PAGE_SIZE, PROT);
#endif
		if (err) {
			iommu_case_unmap(c, which, i);
			return err;
		}
	}
	return 0;
}

/* The walk that address-keyed calls need: of a mapping that is there. */
static void lookup(struct cost *c, const u16 *which, u32 n)
{
	for (u32 i = 0; i < n; i++)
		WARN_ON_ONCE(!iommu_iova_to_phys(domain, iova_of(which, i)));
}

/* ---- the kernel's allocator of IOVAs ---- */

static int iova_begin(struct cost *c, const char **why)
{
	int err = 0;

	if (have_iovas)
		return 0;
	init_iova_domain(&iovas, PAGE_SIZE, 1);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 0, 0)
	err = iova_domain_init_rcaches(&iovas);
#endif
	*why = "the caches of the IOVA allocator cannot be made";
	if (err)
		put_iova_domain(&iovas);
	have_iovas = !err;
	return err;
}

static void iova_end(struct cost *c)
{
	put_iova_domain(&iovas);
	have_iovas = false;
}

static void iova_unmap(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n) free_iova_fast(&iovas, s->dma, 1);
}

static int iova_map(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n)
	{
		s->dma = alloc_iova_fast(&iovas, 1, DMA_BIT_MASK(32) >> PAGE_SHIFT, true);
		if (!s->dma) {
			iova_unmap(c, which, i_);
			return -ENOSPC;
		}
	}
	return 0;
}

const struct cost_case cases_pieces[] = {
	{ .name = "piece-driver",
	  .group = 16,
	  .begin = pieces_begin,
	  .end = pieces_end,
	  .map = ops_map,
	  .unmap = ops_unmap,
	  .sync_cpu = lookup },
	{ .name = "piece-driver-run-16",
	  .group = 16,
	  .in_order = true,
	  .begin = pieces_begin,
	  .end = pieces_end,
	  .map = ops_map,
	  .unmap = ops_unmap_run },
	{ .name = "piece-driver-strict",
	  .group = 16,
	  .begin = pieces_begin,
	  .end = pieces_end,
	  .map = ops_map,
	  .unmap = ops_unmap_strict },
	{ .name = "piece-iommu",
	  .group = 16,
	  .begin = pieces_begin,
	  .end = pieces_end,
	  .map = iommu_case_map,
	  .unmap = iommu_case_unmap },
	{ .name = "piece-iova",
	  .group = 16,
	  .begin = iova_begin,
	  .end = iova_end,
	  .map = iova_map,
	  .unmap = iova_unmap },
	{},
};
