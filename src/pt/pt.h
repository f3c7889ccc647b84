/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Page tables: the interface of all formats.
 *
 * A format is one compilation unit. It defines inline functions for pt_walk.h, and describes its
 * leaf entry as data (struct pt_leaf). Map and unmap already know the leaf table, so with this
 * description they write entries without a call into the format.
 *
 * Tables are built under the domain's table lock, and are not freed while the domain lives.
 */
#ifndef DMAH_PT_H
#define DMAH_PT_H

#include <dmah/iommu.h>
#include <dmah/host.h>

#include "pt/hint.h"
#include "pt/store.h"

/**
 * PT_GRANULE_SHIFT - log2 of the granule. Every format has a 4 KiB granule and 512 entries in a
 * table.
 */
#define PT_GRANULE_SHIFT 12
#define PT_GRANULE	 (1ull << PT_GRANULE_SHIFT)
#define PT_TABLE_ENTRIES 512u
/** PT_LEAF_SHIFT - log2 of the bytes that one leaf table maps: 2 MiB. */
#define PT_LEAF_SHIFT 21
#define PT_1G_SHIFT   30
/** PT_GEN_BITS - most bits of a generation: a handle has room for so many. */
#define PT_GEN_BITS 9

/**
 * struct pt_leaf - the layout of an entry of a leaf table.
 * @addr_mask: bits that hold the page's address.
 * @addr_shift: an address is shifted right by this much in an entry (RISC-V: 2, since bits 9:0 are flags).
 * @prot: other bits of a present entry for cached memory, by enum dmah_dir; [0] is unused.
 * @mmio: bits to XOR into @prot for DMAH_ATTR_MMIO.
 * @uncached: bits to XOR into @prot for the memory of a device that is not coherent.
 * @present: a present entry has at least one of these bits.
 * @gen_shift: lowest bit of the generation. The hardware ignores these bits in every entry, present
 *	or not.
 * @gen_mask: largest generation, of at most PT_GEN_BITS bits; the next one is 0.
 * @gen_one, @gen_bits: the generation 1 and the largest generation, at their place in an entry.
 * @cont: another ignored bit, set in an entry that continues the mapping of the entry before it.
 *	Shows the first and last entry of a mapping.
 * @more: another ignored bit, set in the first entry of a fast-path mapping of several granules, so
 *	that the entry does not match the handle of a one-granule mapping. Beside @cont: an entry of a
 *	ring.
 * @block: bits to XOR into a leaf entry to make it a block entry.
 */
struct pt_leaf {
	uint64_t addr_mask;
	unsigned int addr_shift;
	uint64_t prot[4];
	uint64_t mmio;
	uint64_t uncached;
	uint64_t present;
	unsigned int gen_shift;
	uint32_t gen_mask;
	uint64_t gen_one;
	uint64_t gen_bits;
	uint64_t cont;
	uint64_t more;
	uint64_t block;
};

/**
 * struct pt - one page table.
 * @fmt: its format.
 * @leaf: layout of a leaf entry.
 * @root: its root table.
 * @root_phys: physical address of the root table, for the hardware.
 * @va_bits: bits of an IOVA.
 * @out_bits: bits of an output address.
 * @levels: levels of the walk.
 * @caps: DMAH_IOMMU_COHERENT_WALK, DMAH_IOMMU_BLOCK_2M and _1G.
 * @cache_line: bytes of a cache line, to clean entries if walks are not coherent.
 */
struct pt {
	const struct dmah_pt_format *fmt;
	struct pt_leaf leaf;
	uint64_t *root;
	dmah_phys_t root_phys;
	unsigned int va_bits;
	unsigned int out_bits;
	unsigned int levels;
	uint32_t caps;
	uint32_t cache_line;
};

/**
 * struct pt_entry - the result of a walk.
 * @phys: physical address that @iova translates to.
 * @dir: permitted directions.
 * @shift: log2 of the bytes that the entry maps (12, 21 or 30).
 * @gen: its generation.
 */
struct pt_entry {
	dmah_phys_t phys;
	enum dmah_dir dir;
	unsigned int shift;
	uint32_t gen;
};

struct dmah_pt_format {
	const char *name;
	/** @fits: return the levels of tables for @va_bits; 0 if such tables cannot exist. */
	unsigned int (*fits)(unsigned int va_bits);
	/**
	 * @init: fill @pt->leaf and allocate the root; the other fields are set. Return: 0,
	 *	DMAH_ENOMEM.
	 */
	int (*init)(struct pt *pt);
	/** @fini: free every table. */
	void (*fini)(struct pt *pt);
	/**
	 * @leaf_table: return the leaf table of the 2 MiB around @iova, after making a missing one.
	 * @flags: enum dmah_alloc_flags for dmah_host_page_alloc(). When memory runs out, new empty
	 *	tables may remain above the missing one. They are part of the page table, and @fini
	 *	frees them.
	 * Return: 0; DMAH_ENOMEM; DMAH_EBUSY if a block maps @iova.
	 */
	int (*leaf_table)(struct pt *pt, dmah_addr_t iova, unsigned int flags, uint64_t **table);
	/**
	 * @block_set: write a block entry of 1 << @shift bytes, if the entry is not present.
	 * Return: 0; DMAH_ENOMEM; DMAH_EBUSY if the entry is present (a block, or a table below
	 * it).
	 */
	int (*block_set)(struct pt *pt, dmah_addr_t iova, dmah_phys_t phys, unsigned int shift,
			 enum dmah_dir dir, uint32_t gen, uint32_t attrs, unsigned int flags);
	/**
	 * @block_clear: clear a block entry, but keep @gen in it as in a leaf entry.
	 * Return: 0; DMAH_ESTALE if no block of 1 << @shift bytes is present at @iova.
	 */
	int (*block_clear)(struct pt *pt, dmah_addr_t iova, unsigned int shift);
	/**
	 * @block_entry: find the entry of a 2 MiB block at @iova. Return: the entry, present or not; NULL if there is a
	 *	table below it, or none around it.
	 */
	uint64_t *(*block_entry)(const struct pt *pt, dmah_addr_t iova);
	/**
	 * @adopt: make @low, a narrower table of the same format, the first part of @pt, which is
	 *	new. Afterwards @fini of @pt frees the tables of both.
	 * Return: 0; DMAH_ENOMEM (the caller calls @fini of @pt).
	 */
	int (*adopt)(struct pt *pt, const struct pt *low);
	/**
	 * @clean: push every table to memory, if the hardware's walks do not see the CPU's caches.
	 */
	void (*clean)(const struct pt *pt);
	/**
	 * @publish: copy @n leaf entries from @first, that of @iova, into tables that the hardware reads in place of the
	 *	library's. NULL where the hardware reads these. Called for each change by pt_push().
	 */
	void (*publish)(const struct pt *pt, dmah_addr_t iova, const uint64_t *first,
			unsigned int n);
	/**
	 * @walk: translate @iova. Return: number of tables visited; negative if @iova does not
	 *	translate.
	 */
	int (*walk)(const struct pt *pt, dmah_addr_t iova, struct pt_entry *entry);
};

/* ---- entries of a leaf table: inline, for every format ---- */

/**
 * pt_load() - read an entry. Only CPUs write entries, but another CPU may write at the same time.
 */
static inline uint64_t pt_load(const uint64_t *entry)
{
#if UINTPTR_MAX > 0xffffffffu
	return __atomic_load_n(entry, __ATOMIC_RELAXED);
#else
	const uint32_t *half = (const uint32_t *)(const void *)entry;

	return (uint64_t)__atomic_load_n(&half[0], __ATOMIC_RELAXED) |
	       (uint64_t)__atomic_load_n(&half[1], __ATOMIC_RELAXED) << 32;
#endif
}

/*
 * The rule for leaf entries. leaf_set() makes an entry present; its caller owns the granule.
 * leaf_end() ends a present entry if several CPUs may hold a copy of its handle: exactly one of
 * them succeeds. leaf_clear() is for entries that only one CPU can name: a ring's entries, and the
 * entries behind a first one that leaf_end() has ended.
 */

/** leaf_set() - write a present entry over one that is not present. */
static inline void leaf_set(uint64_t *entry, uint64_t value)
{
	pt_store_set(entry, value);
}

/** leaf_clear() - write @cleared over an entry that no other CPU writes. */
static inline void leaf_clear(uint64_t *entry, uint64_t cleared)
{
	pt_store_clear(entry, cleared);
}

/**
 * leaf_end() - replace the present entry @value by @cleared.
 *
 * Returns false if the entry is no longer @value: another CPU has ended the mapping, and nothing
 * has changed.
 */
static inline bool leaf_end(uint64_t *entry, uint64_t value, uint64_t cleared)
{
	return __atomic_compare_exchange_n(entry, &value, cleared, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

/**
 * dmah_pt_clean() - push entries to memory, if the hardware's walks do not see the CPU's caches.
 */
void dmah_pt_clean(const struct pt *pt, const uint64_t *first, unsigned int n);

/**
 * pt_push() - let the hardware see leaf entries that were changed. Call where DMAH_IOMMU_COHERENT_WALK is not set: an IOMMU
 *	with a format that has @publish never sets it.
 */
static inline void pt_push(const struct pt *pt, dmah_addr_t iova, const uint64_t *first,
			   unsigned int n)
{
	if (pt->fmt->publish)
		pt->fmt->publish(pt, iova, first, n);
	else
		dmah_pt_clean(pt, first, n);
}

static inline bool pt_present(const struct pt_leaf *leaf, uint64_t entry)
{
	return (entry & leaf->present) != 0;
}

static inline uint32_t pt_gen(const struct pt_leaf *leaf, uint64_t entry)
{
	return (uint32_t)(entry >> leaf->gen_shift) & leaf->gen_mask;
}

/** pt_addr() - return the bits that hold the address of the page @phys in an entry. */
static inline uint64_t pt_addr(const struct pt_leaf *leaf, dmah_phys_t phys)
{
	return phys >> leaf->addr_shift & leaf->addr_mask;
}

/** pt_phys() - return the address that an entry holds. */
static inline dmah_phys_t pt_phys(const struct pt_leaf *leaf, uint64_t entry)
{
	return (entry & leaf->addr_mask) << leaf->addr_shift;
}

/** pt_later() - return the later of two generations, which wrap. */
static inline uint32_t pt_later(const struct pt_leaf *leaf, uint32_t a, uint32_t b)
{
	return ((b - a) & leaf->gen_mask) <= leaf->gen_mask / 2 ? b : a;
}

/** PT_UNCACHED - beside enum dmah_attr: the device's accesses do not go through the CPU's caches. */
#define PT_UNCACHED (1u << 31)

/** pt_make() - a present entry. @attrs: DMAH_ATTR_MMIO, PT_UNCACHED; others are ignored. */
static inline uint64_t pt_make(const struct pt_leaf *leaf, dmah_phys_t phys, enum dmah_dir dir,
			       uint32_t gen, uint32_t attrs)
{
	uint64_t type = attrs & DMAH_ATTR_MMIO ? leaf->mmio
			: attrs & PT_UNCACHED  ? leaf->uncached
					       : 0;

	return pt_addr(leaf, phys) | (leaf->prot[dir & 3] ^ type) |
	       (uint64_t)(gen & leaf->gen_mask) << leaf->gen_shift;
}

/**
 * pt_cleared() - return the cleared form of an entry: the next mapping's generation and the mark
 * @cont. The history (base/history.h) uses the bits of @addr_mask.
 */
static inline uint64_t pt_cleared(const struct pt_leaf *leaf, uint64_t entry)
{
	return ((entry + leaf->gen_one) & leaf->gen_bits) | (entry & leaf->cont);
}

/** pt_cleared_one() - return pt_cleared() for an entry without the mark @cont. */
static inline uint64_t pt_cleared_one(const struct pt_leaf *leaf, uint64_t entry)
{
	return (entry + leaf->gen_one) & leaf->gen_bits;
}

#endif /* DMAH_PT_H */
