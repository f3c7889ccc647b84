/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The iommu backend inside. IOVAs are counted in granules, by index from the aperture's base.
 *
 *	aperture.h	the aperture and its page table: made, cut, given up
 *	link.h		the IOMMUs of a domain
 *	reserved.h	ranges that are not handed out, identity ranges
 *	device.h	attach, detach, kill
 *	mode.h, poll.h	modes; deadlines and dead CPUs
 *	cpu.h		the memory of one CPU's part
 *	cells.h		the reserve of dmah_reserve()
 *	map.h		one mapping, and its steps
 *	entries.h	extents of page-table entries
 *	invalidate.h	invalidations: post and wait
 *	flush.h		lazy queues, flushes, quarantine; drain.c: the granules that CPUs keep
 *	fast.h		the fast path
 *	ring.h, batch.h	rings, batches
 *	vec.c, list.h	vectors and scatter lists; layout.h: how they lie
 *	addr.c		a handle from a DMA address
 *	fault_lookup.c	a DMA address that a device was refused at
 */
#ifndef DMAH_BACKEND_IOMMU_H
#define DMAH_BACKEND_IOMMU_H

#include "base/domain.h"

#define GRANULE_MASK (PT_GRANULE - 1)

_Static_assert(META_GEN_MASK == (1u << PT_GEN_BITS) - 1, "a handle holds every generation");

/** iommu_granules() - granules that a range of bytes touches. */
static inline uint32_t iommu_granules(uint64_t start, uint64_t len)
{
	return (uint32_t)(((start & GRANULE_MASK) + len + GRANULE_MASK) >> PT_GRANULE_SHIFT);
}

/** iommu_iova() - the IOVA of a granule by index. */
static inline dmah_addr_t iommu_iova(const struct dmah_domain *dom, uint32_t index)
{
	return dom->cfg.aperture_base + ((uint64_t)index << PT_GRANULE_SHIFT);
}

/** iommu_index() - Returns true if [@dma, @dma + @len) lies in the aperture; @index: its first granule. */
static inline bool iommu_index(const struct dmah_domain *dom, dmah_addr_t dma, uint64_t len,
			       uint32_t *index)
{
	uint64_t off = dma - dom->cfg.aperture_base,
		 size = (uint64_t)dom->granules << PT_GRANULE_SHIFT;

	if (off >= size || len > size - off)
		return false;
	*index = (uint32_t)(off >> PT_GRANULE_SHIFT);
	return true;
}

/** iommu_units() - granules that a mapping of @n takes from the allocator. */
static inline uint32_t iommu_units(uint32_t n)
{
	return n <= IOVA_CLASS_MAX ? 1u << iova_class(n) : n;
}

/**
 * iommu_defers() - Returns true if an unmap may leave its invalidation to a later flush.
 *
 * A device that is known to be blocked reaches nothing, so no unmap of it waits where it is alone in its domain: another
 * device's accesses go through the same translations. As long as the domain is in doubt, every unmap waits.
 */
static inline bool iommu_defers(const struct dmah_device *dev)
{
	const struct dmah_domain *dom = dev->dom;

	if (domain_mode(dom) == DMAH_LAZY && !(dev->limits.flags & DMAH_DEV_UNTRUSTED))
		return true;
	return __atomic_load_n(&dev->blocked, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&dom->ndevices, __ATOMIC_ACQUIRE) == 1 &&
	       !__atomic_load_n(&dom->doubt, __ATOMIC_ACQUIRE);
}

/** iommu_takes_requests() - Returns true if an IOMMU of the domain takes mappings as requests, and reads no page table. */
static inline bool iommu_takes_requests(const struct dmah_domain *dom)
{
	for (unsigned int i = 0; i < dom->nlinks; i++)
		if (dom->links[i].iommu->ops->map_request)
			return true;
	return false;
}

/** iommu_in_mode() - Returns true if a mapping that was made with or without passthrough is of the domain's mode. */
static inline bool iommu_in_mode(const struct dmah_domain *dom, bool passthrough)
{
	enum dmah_mode mode = domain_mode(dom);

	return mode != DOMAIN_CHANGING && (mode == DMAH_PASSTHROUGH) == passthrough;
}

/**
 * iommu_map_stands() - Returns true if a mapping that was just counted may be handed out.
 *
 * dmah_set_mode() makes the domain's mode DOMAIN_CHANGING, waits until every CPU has left its section, and counts live
 * mappings. So a section that begins after a mapping was counted either sees the change, and the mapping is undone, or
 * dmah_set_mode() sees the mapping, and changes nothing. Context: outside dmah_host_enter().
 */
static inline bool iommu_map_stands(const struct dmah_domain *dom, bool passthrough)
{
	unsigned long flags;
	bool stands;

	dmah_host_enter(&flags);
	stands = iommu_in_mode(dom, passthrough);
	dmah_host_leave(flags);
	return stands;
}

/** dmah_iommu_generation() - as backend_ops.generation. */
uint64_t dmah_iommu_generation(const struct dmah_domain *dom, dmah_addr_t dma);

/** dmah_iommu_fault_lookup() - as backend_ops.fault_lookup. */
void dmah_iommu_fault_lookup(struct dmah_domain *dom, dmah_addr_t addr, struct fault_place *what);

/* As the entries of the same name in backend_ops. */
int dmah_iommu_map_vec(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
		       uint32_t n, enum dmah_dir dir, uint32_t attrs);
int dmah_iommu_unmap_vec(struct dmah_device *dev, struct dmah_vec *v);
int dmah_iommu_map_sg(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
		      uint32_t attrs);
int dmah_iommu_unmap_sg(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
			uint32_t attrs);
bool dmah_iommu_sg_whole(const struct dmah_device *dev, dmah_addr_t first, dmah_addr_t last);
int dmah_iommu_rebuild(struct dmah_device *dev, struct dmah *h, const struct addr_req *req);
int dmah_iommu_rebuild_part(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
			    uint32_t *done);

#endif /* DMAH_BACKEND_IOMMU_H */
