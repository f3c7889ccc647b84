/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The iommu backend inside: IOVAs by index from the aperture's base, runs of page-table entries, and the way home of
 * what was unmapped.
 *
 *	map.c		one mapping
 *	ring.h, .c	rings
 *	batch.h, .c	batches
 *	vec.c		vectors and scatter lists, by list.c
 *	list.c		many pieces in one range; layout.h says where
 *	addr.c		a handle from a DMA address
 *	entries.c	runs of entries: write, check, clear
 *	flush.c		invalidation, lazy queues, quarantine
 *	past.c		what is or was at an IOVA: faults
 *	plain.h, .c	the shortest way: small mappings that need nothing but their entries
 *	setup.c		domains, devices, reserve, modes
 */
#ifndef DMAH_BACKEND_IOMMU_H
#define DMAH_BACKEND_IOMMU_H

#include "base/domain.h"

#define GRANULE_MASK (PT_GRANULE - 1)

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

/** iommu_index() - whether [@dma, @dma + @len) lies in the aperture, and the index of its first granule. */
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

/* ---- entries.c ---- */

/**
 * struct extent - neighbouring granules that map neighbouring memory.
 * @first: index of the first granule.
 * @n: granules.
 * @phys: where the first one goes, granule-aligned.
 * @dir: what the device may do.
 * @gen: the mapping's generation.
 * @attrs: enum dmah_attr.
 * @cont: the run continues a mapping that began before it.
 */
struct extent {
	uint32_t first;
	uint32_t n;
	dmah_phys_t phys;
	enum dmah_dir dir;
	uint32_t gen;
	uint32_t attrs;
	bool cont;
};

/** dmah_entries_next_gen() - the generation of the next mapping of @n granules, none of which is mapped. */
uint32_t dmah_entries_next_gen(struct dmah_domain *dom, uint32_t first, uint32_t n);

/**
 * dmah_entries_set() - write a run, none of whose entries is present.
 * @flags: enum dmah_alloc_flags for table pages.
 * @set: granules written, from the first, also where the call fails half-way: the caller takes them back.
 *
 * Return: 0, DMAH_ENOMEM.
 */
int dmah_entries_set(struct dmah_domain *dom, const struct extent *run, unsigned int flags,
		     uint32_t *set);

/** dmah_entries_make_leaf() - a leaf table over a granule. Return: 0, DMAH_ENOMEM, DMAH_EBUSY (a block is there). */
int dmah_entries_make_leaf(struct dmah_domain *dom, uint32_t index, unsigned int flags);

/** dmah_entries_match() - whether exactly this run is mapped now: every entry, its place in the mapping and generation. */
bool dmah_entries_match(const struct dmah_domain *dom, const struct extent *run);

/** dmah_entries_end() - whether the mapping that a run belongs to does not go on at @index. */
bool dmah_entries_end(const struct dmah_domain *dom, uint32_t index);

/** dmah_entries_clear() - clear every entry of a range, keeping generations. @timestamp: history_timestamp_at(), or 0. */
void dmah_entries_clear(struct dmah_domain *dom, uint32_t first, uint32_t n, uint64_t timestamp);

/** dmah_entries_none - stands in the directory where there is no leaf table: entries that are never present, nor written. */
extern const uint64_t dmah_entries_none[PT_TABLE_ENTRIES];

/** entries_has_leaf() - whether the 2 MiB around a granule have a leaf table: no block is or can be there. */
static inline bool entries_has_leaf(const struct dmah_domain *dom, uint32_t index)
{
	return __atomic_load_n(&dom->leaf[index >> 9], __ATOMIC_ACQUIRE) != dmah_entries_none;
}

/** entries_any() - the entry of a granule, to be written only where it is present. */
static inline uint64_t *entries_any(const struct dmah_domain *dom, uint32_t index)
{
	uint64_t *table = __atomic_load_n(&dom->leaf[index >> 9], __ATOMIC_ACQUIRE);

	return &table[index & (PT_TABLE_ENTRIES - 1)];
}

/** entries_leaf() - the entry of a granule; NULL where it has no leaf table (a block, or nothing). */
static inline uint64_t *entries_leaf(const struct dmah_domain *dom, uint32_t index)
{
	return entries_has_leaf(dom, index) ? entries_any(dom, index) : NULL;
}

/** dmah_entries_find() - what a granule translates to, block or not. Return: tables visited; 0 where it does not. */
unsigned int dmah_entries_find(const struct dmah_domain *dom, uint32_t index,
			       struct pt_entry *entry);

/** dmah_iommu_generation() - the generation of what is mapped at an IOVA, where an entry has it: for the history. */
uint64_t dmah_iommu_generation(const struct dmah_domain *dom, dmah_addr_t dma);

/* ---- flush.c ---- */

/**
 * dmah_iommu_invalidate() - a range no longer translates anywhere when this returns: every IOMMU of the domain, then every
 *	device's own TLB, then the wait.
 * @dev: counts for this device, or for none where NULL.
 * @size: bytes; 0: the whole domain.
 * @tables: cached entries above the leaf too.
 *
 * Context: outside dmah_host_enter(). Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_iommu_invalidate(struct dmah_domain *dom, const struct dmah_device *dev, dmah_addr_t iova,
			  uint64_t size, bool tables);

/**
 * struct iommu_post - invalidations that were posted.
 * @ticket: what to wait for, at each IOMMU of the domain.
 * @posted: commands.
 */
struct iommu_post {
	uint64_t ticket[DOMAIN_IOMMUS];
	uint64_t posted;
};

/** dmah_iommu_post_all() - iommu_post() for several IOMMUs, or devices with TLBs of their own (@ats). */
int dmah_iommu_post_all(struct dmah_domain *dom, dmah_addr_t iova, uint64_t size, bool tables,
			bool ats, struct iommu_post *post);

/** dmah_iommu_wait_all() - iommu_wait() for several IOMMUs. */
int dmah_iommu_wait_all(struct dmah_domain *dom, const uint64_t *ticket);

/** iommu_post() - the first half of dmah_iommu_invalidate(). Return: 0, DMAH_ETIMEDOUT. */
static inline int iommu_post(struct dmah_domain *dom, dmah_addr_t iova, uint64_t size, bool tables,
			     struct iommu_post *post)
{
	bool ats = __atomic_load_n(&dom->ats, __ATOMIC_ACQUIRE);
	const struct dmah_link *link = &dom->links[0];
	int n;

	if (ats || dom->nlinks > 1)
		return dmah_iommu_post_all(dom, iova, size, tables, ats, post);
	n = link->iommu->ops->invalidate(link->iommu, link->tag, iova, size, tables,
					 &post->ticket[0]);
	post->posted = n > 0 ? (uint64_t)n : 0;
	return n < 0 ? n : DMAH_OK;
}

/** iommu_wait() - the second half. */
static inline int iommu_wait(struct dmah_domain *dom, const uint64_t *ticket)
{
	struct dmah_iommu *iommu = dom->links[0].iommu;

	if (dom->nlinks > 1)
		return dmah_iommu_wait_all(dom, ticket);
	return iommu->ops->wait(iommu, ticket[0]) ? DMAH_ETIMEDOUT : DMAH_OK;
}

/**
 * struct iova_range - granules that are on their way home, with the bounce slots that they led to.
 */
#define iova_range lazy_entry

/** dmah_iommu_release() - granules and slots are free again. */
void dmah_iommu_release(struct dmah_domain *dom, const struct iova_range *range);

/** dmah_iommu_quarantine() - the hardware did not confirm: they must wait for a flush that it does confirm. */
void dmah_iommu_quarantine(struct dmah_device *dev, const struct iova_range *range);

/**
 * dmah_iommu_defer() - to this CPU's lazy queue; flushes it where it is long.
 *
 * Context: outside dmah_host_enter(). Return: 0; DMAH_ETIMEDOUT where that flush was not confirmed.
 */
int dmah_iommu_defer(struct dmah_device *dev, const struct iova_range *range);

/** dmah_iommu_flush_cpu() - empty one CPU's lazy queue of what is in it now. */
int dmah_iommu_flush_cpu(struct dmah_domain *dom, const struct dmah_device *dev, unsigned int cpu);

/** dmah_iommu_flush() - dmah_flush(). */
int dmah_iommu_flush(struct dmah_domain *dom, const struct dmah_device *dev);

/** dmah_iommu_drain() - what a CPU keeps and needs no flush goes to the depot. Context: outside dmah_host_enter(). */
void dmah_iommu_drain(struct dmah_domain *dom, unsigned int cpu);

/** iommu_in_reserve() - whether a granule is one of dmah_reserve()'s. */
static inline bool iommu_in_reserve(const struct dmah_domain *dom, uint32_t index)
{
	const struct iova_reserve *reserve = &dom->reserve;

	return reserve->page && index - reserve->first < reserve->cells.size * reserve->cell;
}

/* ---- map.c ---- */

/**
 * dmah_iommu_take_iova() - granules for a mapping, written by nobody else until they are released.
 * @align, @skew, @boundary: as dmah_iova_get_large(), for more than IOVA_CLASS_MAX granules.
 * @attempt: 0; then 1, 2, 3 after failures: drain what CPUs keep, flush, take from the reserve.
 *
 * Return: index, or RANGE_NONE.
 */
uint32_t dmah_iommu_take_iova(struct dmah_device *dev, uint32_t n, uint32_t align, uint32_t skew,
			      uint32_t boundary, unsigned int attempt);
#define IOMMU_ATTEMPTS 4u

/** iommu_units() - granules that a mapping of @n takes from the allocator. */
static inline uint32_t iommu_units(uint32_t n)
{
	return n <= IOVA_CLASS_MAX ? 1u << iova_class(n) : n;
}

/**
 * struct partial - how a buffer lies in granules, and which of them bounce.
 * @n: granules.
 * @head_len: bytes that the head slot stands in for; 0: no head slot.
 * @tail_len: bytes that the tail slot stands in for.
 */
struct partial {
	uint32_t n;
	uint32_t head_len;
	uint32_t tail_len;
};

/** dmah_iommu_find_partial() - what of a buffer must bounce. Return: 0, DMAH_ERANGE, DMAH_ENOPOOL. */
int dmah_iommu_find_partial(const struct dmah_device *dev, const struct map_req *req,
			    struct partial *edges);

/** dmah_iommu_get_slots() - the bounce slots of a buffer. Return: 0, or an error with none taken. */
int dmah_iommu_get_slots(struct dmah_device *dev, const struct map_req *req,
			 const struct partial *edges, uint64_t *backend);

/** dmah_iommu_put_slots() - give them back; nothing ever led a device to them. */
void dmah_iommu_put_slots(struct dmah_device *dev, uint64_t backend);

/**
 * dmah_iommu_extents() - the up to three runs of a handle's granules: head slot, memory, tail slot.
 * @index: of the first granule.
 * @gen: its generation.
 * @cont: it continues a vector.
 *
 * Return: how many.
 */
unsigned int dmah_iommu_extents(const struct dmah_domain *dom, const struct dmah *h, uint32_t index,
				uint32_t gen, bool cont, struct extent runs[3]);

/** iommu_strict() - whether an unmap must wait for its invalidation. */
static inline bool iommu_strict(const struct dmah_device *dev)
{
	return dev->limits.flags & DMAH_DEV_UNTRUSTED ||
	       __atomic_load_n(&dev->dom->cfg.mode, __ATOMIC_RELAXED) == DMAH_STRICT;
}

/**
 * struct unmap_release - the way home of what an unmap has cleared.
 * @defer: by the lazy queue; else at once, or into quarantine where the hardware did not confirm.
 * @err: 0, DMAH_ETIMEDOUT.
 */
struct unmap_release {
	bool defer;
	int err;
};

/** dmah_iommu_release_wait() - choose the way and, if it is not the queue's, wait for the invalidation. */
void dmah_iommu_release_wait(struct dmah_device *dev, uint32_t first, uint32_t n, bool strict,
			     struct unmap_release *release);

/** dmah_iommu_release_buffer() - a buffer is the CPU's again, and its slots go their way. */
void dmah_iommu_release_buffer(struct dmah_device *dev, const struct dmah *h,
			       struct unmap_release *release);

/** dmah_iommu_release_granules() - and the granules. */
void dmah_iommu_release_granules(struct dmah_device *dev, uint32_t first, uint32_t n,
				 struct unmap_release *release);

/** dmah_iommu_undo_map() - entries were written and no one was told: they go before anything else may use their IOVA. */
void dmah_iommu_undo_map(struct dmah_device *dev, uint32_t first, uint32_t n, uint32_t set);

/* ---- vec.c, addr.c ---- */

int dmah_iommu_map_vec(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
		       uint32_t n, enum dmah_dir dir, uint32_t attrs);
int dmah_iommu_unmap_vec(struct dmah_device *dev, struct dmah_vec *v);
int dmah_iommu_map_sg(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
		      uint32_t attrs);
int dmah_iommu_unmap_sg(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
			uint32_t attrs);
int dmah_iommu_rebuild(struct dmah_device *dev, struct dmah *h, const struct addr_req *req);
int dmah_iommu_rebuild_part(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
			    uint32_t *done);

/* ---- setup.c ---- */

/** dmah_iommu_memory() - bytes of a domain's memory for the aperture alone; 0 where the configuration makes no sense. */
size_t dmah_iommu_memory(const struct dmah_domain_config *cfg);
int dmah_iommu_init(struct dmah_domain *dom, void *memory);
void dmah_iommu_fini(struct dmah_domain *dom);
int dmah_iommu_attach(struct dmah_device *dev, const struct dmah_limits *limits);
int dmah_iommu_detach(struct dmah_device *dev);
int dmah_iommu_kill(struct dmah_device *dev);

#endif /* DMAH_BACKEND_IOMMU_H */
