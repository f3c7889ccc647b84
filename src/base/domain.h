/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The domain's private structures, in the memory that the domain's owner gave. */
#ifndef DMAH_BASE_DOMAIN_H
#define DMAH_BASE_DOMAIN_H

#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include "base/backend.h"
#include "base/handle.h"
#include "base/history.h"
#include "iova/cache.h"
#include "iova/iova.h"
#include "pt/pt.h"

#define DOMAIN_IOMMUS	4u
#define DOMAIN_RESERVED 32u
/** DOMAIN_WITHHELD - pieces of coherent memory that may wait for a flush. */
#define DOMAIN_WITHHELD 16u

/**
 * struct lazy_entry - an unmapped range that may still translate.
 * @first, @n: its IOVA granules, as they were allocated.
 * @head, @tail: tokens of its bounce slots.
 * @device: number of the device that counts the unmap.
 */
struct lazy_entry {
	uint32_t first;
	uint32_t n;
	uint32_t head;
	uint32_t tail;
};

/**
 * struct lazy_queue - lazily unmapped ranges of one CPU that do not fit the ring of a size class.
 * Holds the domain's lazy_capacity entries. Under the CPU's lock.
 * @in, @out: entries ever put and released; both wrap.
 */
struct lazy_queue {
	uint32_t in;
	uint32_t out;
	struct lazy_entry *entry;
};

/**
 * struct dev_count - counters of one device on one CPU. Written only by that CPU, inside
 * dmah_host_enter().
 */
struct dev_count {
	struct dmah_stats stats;
};

/**
 * struct dmah_cpu - one CPU's part of a domain.
 * @cache: granules that the CPU keeps.
 * @lock: protects @lazy, and the parts of @cache that iova/cache.h names.
 * @lazy: unmapped ranges that wait for a flush outside @cache.
 * @count: counters by device index.
 */
struct dmah_cpu {
	struct iova_cache cache;
	struct dmah_lock lock;
	struct lazy_queue lazy;
	struct dev_count count[] __attribute__((aligned(64)));
};

/**
 * struct dmah_link - an IOMMU of a domain.
 * @iommu: the IOMMU.
 * @tag: the number of the domain in the IOMMU.
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
 * struct withheld - coherent memory that a device may still reach.
 * @seq: the number of the last flush begun.
 */
struct withheld {
	dmah_phys_t phys;
	uint32_t len;
	uint32_t seq;
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
 * @flushed_seq: the number of the last flush that was confirmed.
 * @withheld, @nwithheld: coherent memory that waits for a confirmed flush; under @setup_lock.
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
	uint32_t flushed_seq;
	struct withheld withheld[DOMAIN_WITHHELD];
	unsigned int nwithheld;
	uint32_t block_gen;
	bool quarantine;
	struct dmah_lookup lookup;
	dmah_phys_t phys_last;
#ifdef DMAH_CHECK
	struct check_table *check;
#endif
	struct dmah_cpu *cpu[];
};

#endif /* DMAH_BASE_DOMAIN_H */
