/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of a client's own IOMMU domain.
 *
 * The IOMMU's driver is called through iommu_domain.ops, with what iommu_map() and
 * iommu_unmap_fast() would pass: a page size of the domain's own and ranges aligned to it. Those
 * two cost as much again as the driver (they look for a page size that is known here, and trace),
 * and are used for what is larger than a few pages.
 */
#ifndef DMAH_LINUX_DOMAIN_INT_H
#define DMAH_LINUX_DOMAIN_INT_H

#include <linux/iommu.h>
#include <linux/timer.h>

#include "domain.h"
#include "space.h"

struct library_dmah_pool;

/**
 * DOMAIN_RUN - most granules that are unmapped by one call: so no page table is ever emptied by
 * it, and freed.
 */
#define DOMAIN_RUN 256u

/**
 * struct domain - the domain.
 * @c: the client.
 * @home_mask: all ones if handles carry their own address in @backend, so that copies are found.
 * @iommu: the kernel's.
 * @map_pages, @unmap_pages: its driver's.
 * @fast_prot, @fast_meta: values of fast.c for the IOMMU, and for a handle, by enum
 *	dma_data_direction.
 * @lazy: unmapped ranges wait for a flush.
 * @late: and their entries are cleared by that flush, in runs, not by unmap.
 * @joined: the device is attached to it.
 * @sync_map: the IOMMU's driver wants a call after entries have been made.
 * @noncoherent: CPU caches are maintained by cache.c.
 * @prot: IOMMU_READ and so on, by META_DIR.
 * @space: IOVAs.
 * @timer: bounds how long an unmapped range waits.
 * @flush_begun: flushes begun.
 * @flush_done: the last of them that has ended, and all before it.
 * @bus_dma_limit: the device's own, while the domain's is in its place; @limited says that it is.
 * @pool: bounce slots of an untrusted device, or NULL; @pool_memory, @pool_pages: its parts.
 */
struct domain {
	struct client *c;
	u64 home_mask;
	struct iommu_domain *iommu;
	int (*map_pages)(struct iommu_domain *domain, unsigned long iova, phys_addr_t phys,
			 size_t size, size_t n, int prot, gfp_t gfp, size_t *mapped);
	size_t (*unmap_pages)(struct iommu_domain *domain, unsigned long iova, size_t size,
			      size_t n, struct iommu_iotlb_gather *gather);
	int fast_prot[3];
	u32 fast_meta[3];
	bool lazy;
	bool late;
	bool joined;
	bool sync_map;
	bool noncoherent;
	int prot[4];
	struct space space;
	struct timer_list timer;
	atomic_t flush_begun;
	atomic_t flush_done;
	u64 bus_dma_limit;
	bool limited;
	struct library_dmah_pool *pool;
	void *pool_memory;
	void *pool_pages;
};

/** DOMAIN_LAZY_MS - how long an unmapped range may wait. */
#define DOMAIN_LAZY_MS 10

static inline dma_addr_t domain_iova(const struct domain *d, u32 granule)
{
	return d->space.base + ((dma_addr_t)granule << 12);
}

static inline u32 domain_granules(phys_addr_t phys, u32 len)
{
	return (u32)(((phys & (GRANULE - 1)) + (u64)len + GRANULE - 1) / GRANULE);
}

/** domain_home() - a new handle's @backend. */
static inline u64 domain_home(const struct domain *d, const struct dmah *h)
{
	return (uintptr_t)h & d->home_mask;
}

/** domain_check_home() - report the unmap of a copy. */
static __always_inline void domain_check_home(const struct domain *d, const struct dmah *h,
					      unsigned long caller)
{
	if (unlikely(h->backend != (uintptr_t)h && h->backend & d->home_mask))
		report_copy(d->c, h, caller);
}

/** domain_prot() - the permissions for the IOMMU. */
static inline int domain_prot(const struct domain *d, u32 meta, unsigned long attrs)
{
	int prot = d->prot[meta & META_DIR];

	if (unlikely(meta & META_MMIO))
		prot = (prot & ~IOMMU_CACHE) | IOMMU_MMIO;
	if (unlikely(attrs & DMA_ATTR_PRIVILEGED))
		prot |= IOMMU_PRIV;
	return prot;
}

/** table_map() - make entries. On an error there are none. */
int table_map(struct domain *d, dma_addr_t iova, phys_addr_t phys, u32 n, int prot);

/**
 * table_unmap() - clear entries without an invalidation: they may translate until domain_flush(),
 * or
 *	table_invalidate().
 */
void table_unmap(struct domain *d, dma_addr_t iova, u32 n);

/**
 * table_unmap_rest() - the driver has cleared only @done bytes of a range, or has tables to be
 * freed.
 */
void table_unmap_rest(struct domain *d, dma_addr_t iova, u32 n, size_t done,
		      struct iommu_iotlb_gather *gather);

/** table_end() - clear entries; they translate no more on return. */
void table_end(struct domain *d, dma_addr_t iova, u32 n);

/** table_invalidate() - forget what was cached of a range whose entries are cleared. */
void table_invalidate(struct domain *d, dma_addr_t iova, u32 n);

/** domain_arm() - something waits for a flush now. */
static inline void domain_arm(struct domain *d)
{
	if (!timer_pending(&d->timer))
		mod_timer(&d->timer, jiffies + msecs_to_jiffies(DOMAIN_LAZY_MS));
}

/**
 * domain_get() - granules, after a flush if need be. @align, @skew: of more than IOVA_CLASS_MAX.
 */
struct cell *domain_get(struct domain *d, u32 n, u32 align, u32 skew, u32 *first, int *err);

/**
 * domain_release() - granules whose entries are cleared: now if they translate no more, or by the
 * next flush.
 */
void domain_release(struct domain *d, struct cell *cell, u32 first, u32 n);

/** cell_begin() - a mapping begins: the cell says so. Return: the handle's meta. */
static inline u32 cell_begin(struct cell *cell, const struct request *req, u32 meta)
{
	meta |= (cell->meta + META_GEN_STEP) & META_GEN;
	cell->phys = req->phys;
	cell->len = req->len;
	cell->caller = req->caller;
	WRITE_ONCE(cell->meta, meta);
	return meta;
}

/** cell_end() - the mapping ends. The caller alone can end it. */
static inline void cell_end(struct cell *cell)
{
	WRITE_ONCE(cell->meta, cell->meta & META_GEN);
}

/**
 * cell_claim() - end the mapping of a handle that others may have copies of.
 * @meta: the handle's, not 0.
 *
 * Two CPUs may unmap copies of one handle at the same time: the exchange succeeds for one of them,
 * and the cell is that CPU's from then on. Return: false where the mapping is not live, or is
 * another one.
 */
static __always_inline bool cell_claim(struct cell *cell, u32 meta)
{
	return try_cmpxchg(&cell->meta, &meta, meta & META_GEN);
}

/** cell_of() - the cell of a handle, where the handle is live. */
static __always_inline struct cell *cell_of(const struct domain *d, const struct dmah *h,
					    u32 *first)
{
	u64 granule = (h->dma - d->space.base) >> 12;
	struct cell *cell;

	if (unlikely(granule >= d->space.granules))
		return NULL;
	*first = (u32)granule;
	cell = space_cell(&d->space, *first);
	if (unlikely(!cell || cell->meta != h->meta || cell->len != h->len ||
		     cell->phys != h->phys))
		return NULL;
	return cell;
}

/**
 * domain_in_place() - all mappings are where the buffer is, with nothing to copy or maintain:
 * pieces can be made at once.
 */
static inline bool domain_in_place(const struct domain *d)
{
	return !d->pool && !d->noncoherent;
}

/**
 * domain_take_back() - after the invalidation: what the device wrote becomes the CPU's. @backend:
 * the cell's.
 */
void domain_take_back(struct domain *d, const struct dmah *h, u64 backend, unsigned long attrs);

/** domain_meta() - a handle's meta, but for the generation. */
static inline u32 domain_meta(const struct domain *d, const struct request *req)
{
	u32 meta = (req->meta & (META_DIR | META_ASKED)) | meta_from_attrs(req->attrs) |
		   FIELD_PREP(META_KIND, KIND_DOMAIN) | d->c->meta;

	/* With META_SYNC a sync that has nothing to do comes to be checked all the same. */
	if (d->c->check && !(meta & META_COHERENT))
		meta |= META_SYNC;
	return meta;
}

/* domain_bounce.c: an untrusted device reaches no byte beside its buffers */
int bounce_begin(struct domain *d);
void bounce_end(struct domain *d);
/** bounce_wants() - Returns true if a buffer shares a granule with something else. */
static inline bool bounce_wants(const struct domain *d, const struct request *req)
{
	return d->pool && ((req->phys | req->len) & (GRANULE - 1)) &&
	       !(req->meta & (META_MMIO | META_COHERENT));
}

/** bounce_get() - a slot, filled. @token names it. Return: 0, -ENOSPC. */
int bounce_get(struct domain *d, const struct request *req, u32 *token, phys_addr_t *slot);
/** bounce_copy() - from (@for_cpu) or to the slot. @token: of a live cell. */
void bounce_copy(struct domain *d, u32 token, u32 off, u32 len, bool for_cpu);
void bounce_put(struct domain *d, u32 token);

#endif /* DMAH_LINUX_DOMAIN_INT_H */
