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

#define DOMAIN_IOMMUS 4u
/** DOMAIN_RESERVED - reserved ranges that fit into the domain itself; further ones need a page. */
#define DOMAIN_RESERVED 16u
/** DOMAIN_WITHHELD - pieces of withheld memory that fit into the domain itself; further ones need a page. */
#define DOMAIN_WITHHELD 16u

/**
 * DOMAIN_CHANGING - the domain's mode while dmah_set_mode() changes to or from passthrough. Every
 * map then fails with DMAH_EBUSY.
 */
#define DOMAIN_CHANGING ((enum dmah_mode)3)

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
 * @half: the memory of the first lazy_entries entries, and of as many behind them; NULL: there is none yet.
 */
struct lazy_queue {
	uint32_t in;
	uint32_t out;
	struct lazy_entry *half[2];
};

/**
 * struct dev_count - counters of one device on one CPU. Written only by that CPU, inside
 * dmah_host_enter().
 */
struct dev_count {
	struct dmah_stats stats;
};

/** CPU_PAGES - most pages of one CPU's cache and lazy queue. */
#define CPU_PAGES (CACHE_PAGES + 2u)

/**
 * struct dmah_cpu - one CPU's part of a domain.
 * @cache: granules that the CPU keeps.
 * @lock: protects @lazy, and the parts of @cache that iova/cache.h names.
 * @lazy: unmapped ranges that wait for a flush outside @cache.
 * @made: @cache has its memory. Stored under @lock.
 * @wanted: an unmap on this CPU found no memory for its granules: the next map that looks makes it, on any CPU.
 * @page: pages of @cache and @lazy that were allocated: backend/iommu/cpu.c.
 * @count: counters by device index.
 */
struct dmah_cpu {
	struct iova_cache cache;
	struct dmah_lock lock;
	struct lazy_queue lazy;
	bool made;
	uint32_t wanted; /* exchanged: riscv64 has no such instruction for a byte */
	void *page[CPU_PAGES];
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
 * struct iova_reserve - the IOVAs of dmah_reserve(): cells of equal size, with page tables.
 * @lock: protects @cells.
 * @cells: the cells that are taken.
 * @page: memory for the bookkeeping of @cells; NULL: dmah_reserve() was not called.
 * @placed: @first is set, and maps may take cells. Stored after the other fields.
 * @count: number of cells.
 * @first: index of the first granule of the first cell.
 * @cell: granules in a cell, a power of two.
 */
struct iova_reserve {
	struct dmah_lock lock;
	struct range cells;
	void *page;
	bool placed;
	uint32_t count;
	uint32_t first;
	uint32_t cell;
};

/**
 * struct reserved_record - a reserved range of an attached device.
 * @range: the range.
 * @owner: the device that needs the range.
 * @written: with @range.identity, bytes from the range's begin whose page-table entries are
 *	written.
 * @leaving: the device is being detached, and @range no longer counts for identity entries.
 */
struct reserved_record {
	struct dmah_reserved range;
	struct dmah_device *owner;
	uint64_t written;
	bool leaving;
};

/**
 * struct reserved_block - an array of reserved ranges. The first block lies in the domain, others
 * are pages.
 * @next: the next block, or NULL.
 * @n: records in use, from the first.
 * @room: largest number of records.
 * @record: the records.
 */
struct reserved_block {
	struct reserved_block *next;
	unsigned int n;
	unsigned int room;
	struct reserved_record *record;
};

/**
 * struct withheld - coherent memory that a device may still reach.
 * @seq: number of the last flush begun before the memory was withheld.
 */
struct withheld {
	dmah_phys_t phys;
	uint32_t len;
	uint32_t seq;
};

/**
 * struct withheld_page - pieces of withheld memory beyond those in the domain.
 * @n: number of pieces.
 */
struct withheld_page {
	struct withheld_page *next;
	unsigned int n;
	struct withheld piece[];
};

/**
 * struct dmah_domain - a domain.
 * @cfg: the configuration, with defaults filled in. @cfg.mode is the mode that maps and unmaps use
 *	now; see @mode_wanted.
 * @ops: its backend.
 * @setup_lock: protects @device, @setup_busy, the devices' lists of rings, the reserved ranges, and
 *	changes of modes.
 * @setup_busy: a setup call is under way: see dmah_setup_begin().
 * @mode_wanted: the mode that the owner asked for. @cfg.mode differs in two cases: while
 *	dmah_set_mode() changes to or from passthrough (DOMAIN_CHANGING), and while @doubt is set
 *	(strict instead of lazy).
 * @changing: dmah_set_mode() changes to or from passthrough.
 * @doubt: a kill was not confirmed, and since then no flush that began later was confirmed.
 * @doubt_seq: @flush_seq when @doubt was last set.
 * @device: attached devices, by index; NULL is free.
 * @ndevices: number of attached devices.
 * @history: live and ended mappings, with their callers.
 *
 * Only for the iommu backend:
 * @links, @nlinks: IOMMUs.
 * @caps: capabilities that all IOMMUs have.
 * @pt: the page table, as wide as the aperture needs.
 * @wide: if an identity range lies above @pt: the wider page table that the hardware walks. Its
 *	first entry leads to @pt. @wide.levels is 0 if there is none.
 * @table_lock: held while tables and block entries are made.
 * @va_bits_given: the owner chose @cfg.va_bits, so the page table cannot become wider.
 * @iova: the allocator.
 * @leaf: leaf tables, by IOVA index >> 9; dmah_entries_none if there is no table.
 * @mark: a domain of handles only, which has no leaf tables: marks of its granules (backend/iommu/marks.h); else NULL.
 * @mending: 1: a flush is ending the quarantine of such a domain. A word: some CPUs exchange no bytes.
 * @granules: granules of the aperture.
 * @aperture_fixed: a device was attached, so the aperture can no longer change.
 * @ats: number of devices with a TLB of their own.
 * @reserved: ranges that are not handed out; changed under @setup_lock.
 * @reserved_first: the records of the first block.
 * @nidentity: number of reserved ranges that translate to themselves. No call may unmap such a
 *	range.
 * @reserve: the IOVAs of dmah_reserve().
 * @flush_seq: number of flushes begun. A flush releases from quarantine only entries put there
 *	before the flush began.
 * @flushed_seq: number of the last confirmed flush.
 * @withheld, @nwithheld, @withheld_pages: coherent memory that waits for a confirmed flush; under @setup_lock.
 * @block_gen: generation of the last mapping that began with a block.
 * @quarantine: an invalidation was not confirmed, so confirmed flushes search for entries to
 *	release.
 * @awaits_iommu: the fast path of a device is off because its IOMMU does not translate yet.
 * @cpus_wanted: some CPU's @wanted may be set.
 * @lookup: translation method of the address-keyed calls.
 * @phys_last: highest physical address that all IOMMUs can produce.
 *
 * @block: by GiB from that of the aperture's base, the table whose entries map 2 MiB each; dmah_entries_none until a block was
 *	mapped there.
 *
 * @cpu: per-CPU parts, by number; behind the last one, a part with a lazy queue for the unmaps of CPUs that have none.
 */
struct dmah_domain {
	struct dmah_domain_config cfg;
	const struct backend_ops *ops;
	struct dmah_lock setup_lock;
	bool setup_busy;
	bool changing;
	bool doubt;
	uint32_t doubt_seq;
	enum dmah_mode mode_wanted;
	struct dmah_device **device;
	unsigned int ndevices;
	struct history history;

	struct dmah_link links[DOMAIN_IOMMUS];
	unsigned int nlinks;
	uint32_t caps;
	struct pt pt;
	struct pt wide;
	bool va_bits_given;
	struct dmah_lock table_lock;
	struct iova iova;
	uint64_t **leaf;
	uint8_t **mark;
	uint32_t mending;
	uint32_t granules;
	bool aperture_fixed;
	unsigned int ats;
	uint32_t lazy_capacity;
	struct reserved_block reserved;
	struct reserved_record reserved_first[DOMAIN_RESERVED];
	unsigned int nidentity;
	struct iova_reserve reserve;
	uint32_t flush_seq;
	uint32_t flushed_seq;
	struct withheld withheld[DOMAIN_WITHHELD];
	unsigned int nwithheld;
	struct withheld_page *withheld_pages;
	uint32_t block_gen;
	bool quarantine;
	bool awaits_iommu;
	uint32_t cpus_wanted; /* exchanged */
	uint64_t **block;
	struct dmah_lookup lookup;
	dmah_phys_t phys_last;
#ifdef DMAH_CHECK
	struct check_table *check;
#endif
	struct dmah_cpu *cpu[];
};

/**
 * domain_next_device() - return the attached device of index *@at or the first one behind it, and set
 * *@at to the index after the device's; NULL: there is none. Call with the setup lock held, or from a
 * setup call.
 */
static inline struct dmah_device *domain_next_device(const struct dmah_domain *dom,
						     unsigned int *at)
{
	while (*at < dom->cfg.devices) {
		struct dmah_device *dev = dom->device[(*at)++];

		if (dev)
			return dev;
	}
	return NULL;
}

/** setup_lock() - take the domain's setup lock, and enter. Context: outside dmah_host_enter(). */
static inline void setup_lock(struct dmah_domain *dom, unsigned long *flags)
{
	dmah_host_enter(flags);
	dmah_host_lock(&dom->setup_lock);
}

/** setup_unlock() - end what setup_lock() began. */
static inline void setup_unlock(struct dmah_domain *dom, unsigned long flags)
{
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
}

/** domain_mode() - return the mode for a new mapping. */
static inline enum dmah_mode domain_mode(const struct dmah_domain *dom)
{
	return __atomic_load_n(&dom->cfg.mode, __ATOMIC_RELAXED);
}

/**
 * domain_passes_through() - Returns true if live mappings use physical addresses: the mode is
 * passthrough.
 */
static inline bool domain_passes_through(const struct dmah_domain *dom)
{
	return __atomic_load_n(&dom->mode_wanted, __ATOMIC_RELAXED) == DMAH_PASSTHROUGH;
}

#endif /* DMAH_BASE_DOMAIN_H */
