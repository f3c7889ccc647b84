/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A domain inside: what lies in the memory that its owner gave, and the table of functions that its backend is.
 */
#ifndef DMAH_BASE_DOMAIN_H
#define DMAH_BASE_DOMAIN_H

#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include "base/handle.h"
#include "base/history.h"
#include "iova/cache.h"
#include "iova/iova.h"
#include "pt/pt.h"

#define DOMAIN_IOMMUS	4u
#define DOMAIN_RESERVED 32u

/**
 * struct map_req - one mapping that is asked for, checked already.
 * @has_bus: the caller gave @bus.
 * @coherent: the host's own memory, chosen so that the device reaches it: it never bounces.
 */
struct map_req {
	dmah_phys_t phys;
	dmah_addr_t bus;
	uint32_t len;
	enum dmah_dir dir;
	uint32_t attrs;
	bool has_bus;
	bool coherent;
};

/**
 * struct addr_req - a mapping that is named by its DMA address: what an address- or page-keyed call knows.
 * @phys: with @has_phys, the physical address that belongs to @dma.
 * @inside: the bytes follow others of the same mapping.
 * @part: for an unmap: a piece of a scatter list, which is not the whole mapping.
 */
struct addr_req {
	dmah_addr_t dma;
	dmah_phys_t phys;
	uint32_t len;
	enum dmah_dir dir;
	uint32_t attrs;
	bool has_phys;
	bool inside;
	bool part;
};

/**
 * struct backend_ops - a backend. Handles are checked by the caller: not idle, of this device and backend kind.
 */
struct backend_ops {
	/** @map: fill an idle handle. The buffer is the device's on return. Nothing is changed on error. */
	int (*map)(struct dmah_device *dev, struct dmah *h, const struct map_req *req);
	/** @check: whether what the handle names is live. Return: 0, DMAH_ESTALE. */
	int (*check)(struct dmah_device *dev, const struct dmah *h);
	/** @unmap: end it, having checked it; @strict even in lazy mode. The handle is left to the caller. */
	int (*unmap)(struct dmah_device *dev, struct dmah *h, bool strict);
	/** @map_vec: a vector; NULL: piece by piece through @map. */
	int (*map_vec)(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
		       uint32_t n, enum dmah_dir dir, uint32_t attrs);
	/** @unmap_vec: goes with @map_vec. */
	int (*unmap_vec)(struct dmah_device *dev, struct dmah_vec *v);
	/** @map_sg: a scatter list; fills the DMA address of every entry. NULL: piece by piece. */
	int (*map_sg)(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
		      uint32_t attrs);
	/** @unmap_sg: goes with @map_sg; every entry has its own DMA address again, and loses it. */
	int (*unmap_sg)(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
			uint32_t attrs);
	/**
	 * @rebuild: the handle of the mapping that begins at @req->dma, for unmap. Counts its lookups.
	 * Return: 0, DMAH_ESTALE, DMAH_EINVAL.
	 */
	int (*rebuild)(struct dmah_device *dev, struct dmah *h, const struct addr_req *req);
	/**
	 * @rebuild_part: a handle good for one sync of the bytes at @req->dma, anywhere inside a mapping. @done: how many
	 * of them it covers; for the rest the caller asks again.
	 */
	int (*rebuild_part)(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
			    uint32_t *done);
};

extern const struct backend_ops dmah_backend_direct;
extern const struct backend_ops dmah_backend_bounce;
extern const struct backend_ops dmah_backend_iommu;
extern const struct backend_ops dmah_backend_xen;

/**
 * struct lazy_entry - an unmapped range that may still translate.
 * @first, @n: its IOVA granules, as they were allocated.
 * @head, @tail: bounce slots that it led to.
 * @device: counts for whom.
 */
struct lazy_entry {
	uint32_t first;
	uint32_t n;
	uint32_t head;
	uint32_t tail;
};

/**
 * struct lazy_queue - what one CPU has unmapped lazily and its cache has no ring for: a ring of the domain's lazy_capacity
 *	entries. Under the CPU's lock.
 * @in, @out: entries ever put and released; both wrap.
 */
struct lazy_queue {
	uint32_t in;
	uint32_t out;
	struct lazy_entry *entry;
};

/** struct dev_count - what one CPU counted for one device. Written by that CPU alone, inside dmah_host_enter(). */
struct dev_count {
	struct dmah_stats stats;
};

/**
 * struct dmah_cpu - one CPU's part of a domain.
 * @cache: granules that it keeps.
 * @lock: over @lazy, and over @cache where that says so.
 * @lazy: other things that wait for a flush.
 * @count: by device index.
 */
struct dmah_cpu {
	struct iova_cache cache;
	struct dmah_lock lock;
	struct lazy_queue lazy;
	struct dev_count count[] __attribute__((aligned(64)));
};

/**
 * struct dmah_link - an IOMMU before the domain's devices.
 * @iommu: the IOMMU.
 * @tag: the number that it knows the domain by.
 * @dom: the domain.
 * @next: the IOMMU's next domain, under the IOMMU's lock.
 */
struct dmah_link {
	struct dmah_iommu *iommu;
	uint32_t tag;
	struct dmah_domain *dom;
	struct dmah_link *next;
};

/**
 * struct iova_reserve - dmah_reserve(): IOVAs with page tables, in cells of equal size.
 * @lock: over @cells.
 * @cells: which are taken.
 * @page: the bookkeeping of @cells; NULL: nothing is reserved.
 * @first: first granule of the first cell.
 * @cell: granules in a cell, a power of two.
 */
struct iova_reserve {
	struct dmah_lock lock;
	struct range cells;
	void *page;
	uint32_t first;
	uint32_t cell;
};

/**
 * struct dmah_domain - the domain.
 * @cfg: as given, with defaults filled in.
 * @ops: its backend.
 * @setup_lock: over attach, detach and @device.
 * @device: by index; NULL is free.
 * @ndevices: attached.
 * @history: who mapped what, and when it ended.
 *
 * Of the iommu backend alone:
 * @links, @nlinks: IOMMUs.
 * @caps: what all of them can do.
 * @pt: the page table.
 * @table_lock: over making tables and block entries.
 * @iova: the allocator.
 * @leaf: by IOVA index >> 9, the leaf table; dmah_entries_none where there is none.
 * @granules: in the aperture.
 * @aperture_fixed: a device was attached.
 * @ats: devices with a TLB of their own.
 * @reserved, @nreserved: ranges that are not handed out.
 * @nidentity: those of them that translate to themselves, and are nobody's to unmap.
 * @reserve: dmah_reserve().
 * @flush_seq: flushes begun; an entry put in quarantine after a flush began is not released by it.
 * @block_gen: generation of the last mapping that began with a block.
 * @quarantine: an invalidation was not confirmed once; flushes look for what waits for one that is.
 * @lookup: how the address-keyed calls find a translation.
 * @phys_last: highest physical address that all of them can produce.
 *
 * @cpu: by number.
 */
struct dmah_domain {
	struct dmah_domain_config cfg;
	const struct backend_ops *ops;
	struct dmah_lock setup_lock;
	struct dmah_device **device;
	unsigned int ndevices;
	struct history history;

	struct dmah_link links[DOMAIN_IOMMUS];
	unsigned int nlinks;
	uint32_t caps;
	struct pt pt;
	struct dmah_lock table_lock;
	struct iova iova;
	uint64_t **leaf;
	uint32_t granules;
	bool aperture_fixed;
	unsigned int ats;
	uint32_t lazy_capacity;
	struct dmah_reserved reserved[DOMAIN_RESERVED];
	unsigned int nreserved;
	unsigned int nidentity;
	struct iova_reserve reserve;
	uint32_t flush_seq;
	uint32_t block_gen;
	bool quarantine;
	struct dmah_lookup lookup;
	dmah_phys_t phys_last;
#ifdef DMAH_CHECK
	struct check_table *check;
#endif
	struct dmah_cpu *cpu[];
};

/** dmah_domain_live() - mappings live on any device of a domain. */
uint64_t dmah_domain_live(const struct dmah_domain *dom);

#endif /* DMAH_BASE_DOMAIN_H */
