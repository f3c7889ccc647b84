/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Page tables: what every format shares.
 *
 * A format is one compilation unit that gives pt_walk.h its inline functions. Its leaf entry is moreover
 * described as data (struct pt_leaf), so that map and unmap, which know the leaf table already, write entries
 * without a call into the format.
 *
 * Tables are built under the domain's table lock and never freed while the domain lives.
 */
#ifndef DMAH_PT_H
#define DMAH_PT_H

#include <dmah/iommu.h>
#include <dmah/host.h>

/** PT_GRANULE_SHIFT - log2 of the granule. Every format here has a 4 KiB granule and 512 entries a table. */
#define PT_GRANULE_SHIFT 12
#define PT_GRANULE	 (1ull << PT_GRANULE_SHIFT)
#define PT_TABLE_ENTRIES 512u
/** PT_LEAF_SHIFT - log2 of what one leaf table maps: 2 MiB. */
#define PT_LEAF_SHIFT 21
#define PT_1G_SHIFT   30

/**
 * struct pt_leaf - how a format writes an entry of a leaf table.
 * @addr_mask: the bits that hold the page's address.
 * @prot: the other bits of a present entry for cached memory, by enum dmah_dir; [0] is unused.
 * @mmio: bits to XOR into that for DMAH_ATTR_MMIO.
 * @present: bits of which a present entry has at least one.
 * @gen_shift: where the generation begins, in bits that the hardware ignores, present or not.
 * @gen_mask: largest generation; it wraps.
 * @gen_one, @gen_bits: the generation 1, and all its bits, where they are in an entry.
 * @cont: a further ignored bit, set in an entry that continues the mapping of the entry before it, so that a mapping's
 *	first and last entry can be told.
 * @more: another one, set in the first entry of a plain mapping of several granules, so that no handle of one granule
 *	fits it.
 */
struct pt_leaf {
	uint64_t addr_mask;
	uint64_t prot[4];
	uint64_t mmio;
	uint64_t present;
	unsigned int gen_shift;
	uint32_t gen_mask;
	uint64_t gen_one;
	uint64_t gen_bits;
	uint64_t cont;
	uint64_t more;
};

/**
 * struct pt - one page table.
 * @fmt: its format.
 * @leaf: how leaf entries are written.
 * @root: its root table.
 * @root_phys: where the hardware finds it.
 * @va_bits: bits of an IOVA.
 * @out_bits: bits of an output address.
 * @levels: levels of the walk.
 * @caps: DMAH_IOMMU_COHERENT_WALK, DMAH_IOMMU_BLOCK_2M and _1G.
 * @cache_line: bytes, to clean entries with where walks are not coherent.
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
 * struct pt_entry - what a walk finds.
 * @phys: where @iova goes.
 * @dir: what is allowed there.
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
	/** @fits: whether tables of @va_bits can exist. Return: levels, or 0. */
	unsigned int (*fits)(unsigned int va_bits);
	/** @init: fill @pt->leaf and allocate the root; the other fields are set. Return: 0, DMAH_ENOMEM. */
	int (*init)(struct pt *pt);
	/** @fini: free every table. */
	void (*fini)(struct pt *pt);
	/**
	 * @leaf_table: the leaf table over the 2 MiB around @iova, made where there is none yet.
	 * @flags: enum dmah_alloc_flags for dmah_host_page_alloc().
	 * A failure for memory may leave tables above it behind, empty, which is harmless: they are part of the
	 * page table and @fini frees them.
	 * Return: 0; DMAH_ENOMEM; DMAH_EBUSY where a block maps @iova.
	 */
	int (*leaf_table)(struct pt *pt, dmah_addr_t iova, unsigned int flags, uint64_t **table);
	/**
	 * @block_set: write a block entry of 1 << @shift bytes, where the entry is not present.
	 * Return: 0; DMAH_ENOMEM; DMAH_EBUSY where the entry is present (a block, or a table below it).
	 */
	int (*block_set)(struct pt *pt, dmah_addr_t iova, dmah_phys_t phys, unsigned int shift,
			 enum dmah_dir dir, uint32_t gen, uint32_t attrs, unsigned int flags);
	/**
	 * @block_clear: clear a block entry, keeping @gen in it as in a leaf entry.
	 * Return: 0; DMAH_ESTALE where no block of 1 << @shift bytes is present at @iova.
	 */
	int (*block_clear)(struct pt *pt, dmah_addr_t iova, unsigned int shift);
	/**
	 * @adopt: make the whole of @low, a narrower table of the same format, the beginning of @pt, which is new.
	 * From then on @fini of @pt frees the tables of both. Return: 0, DMAH_ENOMEM (the caller calls @fini of @pt).
	 */
	int (*adopt)(struct pt *pt, const struct pt *low);
	/** @clean: push every table to memory, for hardware whose walks do not see the CPU's caches. */
	void (*clean)(const struct pt *pt);
	/** @walk: what @iova translates to. Return: tables visited, positive when found, negative when not. */
	int (*walk)(const struct pt *pt, dmah_addr_t iova, struct pt_entry *entry);
};

/* ---- entries of a leaf table: inline, for every format ---- */

/** pt_load() - read an entry; only the CPU writes them, but on another CPU. */
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

/**
 * pt_store_set() - write a present entry where none was.
 *
 * On a 32-bit CPU the hardware may read between two stores: the half with the present bits, the low one in every
 * format here, comes last. (Little-endian.)
 */
static inline void pt_store_set(uint64_t *entry, uint64_t value)
{
#if UINTPTR_MAX > 0xffffffffu
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
#else
	uint32_t *half = (uint32_t *)(void *)entry;

	__atomic_store_n(&half[1], (uint32_t)(value >> 32), __ATOMIC_RELAXED);
	dmah_host_wmb();
	__atomic_store_n(&half[0], (uint32_t)value, __ATOMIC_RELEASE);
#endif
}

/** pt_store_clear() - write an entry that is not present; the half with the present bits goes first. */
static inline void pt_store_clear(uint64_t *entry, uint64_t value)
{
#if UINTPTR_MAX > 0xffffffffu
	__atomic_store_n(entry, value, __ATOMIC_RELAXED);
#else
	uint32_t *half = (uint32_t *)(void *)entry;

	__atomic_store_n(&half[0], (uint32_t)value, __ATOMIC_RELAXED);
	dmah_host_wmb();
	__atomic_store_n(&half[1], (uint32_t)(value >> 32), __ATOMIC_RELAXED);
#endif
}

/*
 * The one rule for leaf entries. An entry goes from not present to present by leaf_set(), whose caller owns the granule.
 * It goes back by leaf_end(), where several CPUs may hold a copy of its handle: exactly one of them ends it. leaf_clear()
 * is for entries that only one CPU can name: a ring's, and those behind a first entry that leaf_end() has ended.
 */

/** leaf_set() - write a present entry where none is present. */
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
 * Return: false where the entry is not @value any more: another CPU has ended the mapping, and nothing has changed.
 */
static inline bool leaf_end(uint64_t *entry, uint64_t value, uint64_t cleared)
{
	return __atomic_compare_exchange_n(entry, &value, cleared, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

/** dmah_pt_clean() - push entries to memory where the hardware's walks do not see the CPU's caches. */
void dmah_pt_clean(const struct pt *pt, const uint64_t *first, unsigned int n);

static inline bool pt_present(const struct pt_leaf *leaf, uint64_t entry)
{
	return (entry & leaf->present) != 0;
}

static inline uint32_t pt_gen(const struct pt_leaf *leaf, uint64_t entry)
{
	return (uint32_t)(entry >> leaf->gen_shift) & leaf->gen_mask;
}

/** pt_later() - the later of two generations, which wrap. */
static inline uint32_t pt_later(const struct pt_leaf *leaf, uint32_t a, uint32_t b)
{
	return ((b - a) & leaf->gen_mask) <= leaf->gen_mask / 2 ? b : a;
}

static inline uint64_t pt_make(const struct pt_leaf *leaf, dmah_phys_t phys, enum dmah_dir dir,
			       uint32_t gen, bool mmio)
{
	return (phys & leaf->addr_mask) | (leaf->prot[dir & 3] ^ (mmio ? leaf->mmio : 0)) |
	       (uint64_t)(gen & leaf->gen_mask) << leaf->gen_shift;
}

/**
 * pt_cleared() - what stays of an entry when its mapping ends: the generation of the next one, and whether it continued
 *	a mapping. The bits of @addr_mask are free for the history (core/history.h).
 */
static inline uint64_t pt_cleared(const struct pt_leaf *leaf, uint64_t entry)
{
	return ((entry + leaf->gen_one) & leaf->gen_bits) | (entry & leaf->cont);
}

/** pt_cleared_one() - the same of an entry that continues nothing. */
static inline uint64_t pt_cleared_one(const struct pt_leaf *leaf, uint64_t entry)
{
	return (entry + leaf->gen_one) & leaf->gen_bits;
}

#endif /* DMAH_PT_H */
