/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * ARMv7 short descriptors. Source: Arm Architecture Reference Manual ARMv7-A and ARMv7-R edition, section B3.5: a first table
 * of 4,096 descriptors, one for each MiB, whose entries are sections or lead to second tables of 256 descriptors of pages.
 * Supersections are not used, and neither are TEX remap and the access flag (SCTLR.TRE and AFE are 0).
 *
 * Descriptors have 32 bits, of which software has none, while the library keeps a generation and marks in each entry. So there
 * are two tables: the library's own, of 64-bit entries in a layout of this file, and the hardware's. Each change of leaf entries
 * is copied from the first to the second (@publish of struct dmah_pt_format) before its invalidation is posted. The library
 * does so where DMAH_IOMMU_COHERENT_WALK is not set, which holds for every IOMMU with this format.
 *
 * Domains (the field) are 0: an SMMU has no access control by domains. The format cannot express a write permission without a
 * read permission. 16 neighbouring pages of one mapping that lie on a 64 KiB boundary are one large page, until one of them
 * changes.
 */
#include "pt/pt.h"

/* The library's own entries. */
#define E_VALID	   (1ull << 0)
#define E_TABLE	   (1ull << 1) /* above the leaf: a table */
#define E_READ	   (1ull << 2)
#define E_WRITE	   (1ull << 3)
#define E_DEVICE   (1ull << 4)
#define E_UNCACHED (1ull << 5)
#define E_TYPE	   (E_READ | E_WRITE | E_DEVICE | E_UNCACHED)
#define E_PAGE	   (E_VALID | E_TABLE | E_READ)

static const struct pt_leaf fmt_leaf = {
	.addr_mask = 0x0000fffffffff000ull,
	.prot = {
		[DMAH_TO_DEVICE] = E_PAGE,
		[DMAH_FROM_DEVICE] = E_PAGE | E_WRITE,
		[DMAH_BIDIRECTIONAL] = E_PAGE | E_WRITE,
	},
	.mmio = E_DEVICE,
	.uncached = E_UNCACHED,
	.present = E_VALID,
	.gen_shift = 49,
	.gen_mask = 0x1ff,
	.gen_one = 1ull << 49,
	.gen_bits = 0x1ffull << 49,
	.cont = 1ull << 59,
	.more = 1ull << 60,
	.block = E_TABLE,
};

static unsigned int fmt_levels(unsigned int va_bits)
{
	return va_bits == 32 ? 3 : 0;
}

static uint64_t fmt_table(dmah_phys_t phys)
{
	return phys | E_VALID | E_TABLE;
}

static bool fmt_is_table(uint64_t entry)
{
	return (entry & E_TABLE) != 0;
}

static enum dmah_dir fmt_dir(uint64_t entry)
{
	return entry & E_WRITE ? DMAH_BIDIRECTIONAL : DMAH_TO_DEVICE;
}

#include "pt/pt_walk.h"

/* ---- the hardware's tables ---- */

#define SECTION_SHIFT 20
#define FIRST_BYTES   0x4000u /* of the first table, and its alignment */
#define FIRST_ENTRIES (FIRST_BYTES / 4)
#define AREA_BYTES    (2 * FIRST_BYTES)
#define SECOND_BYTES  0x400u
#define SECOND_MASK   255u
#define LARGE_PAGES   16u
#define PHYS_LAST     0xffffffffull

/* The library's root has 512 entries, of which 4 are used. These two are the place of the hardware's first table. */
#define ROOT_AREA 511u /* physical address of its memory */
#define ROOT_CPU  510u /* CPU pointer to the table itself */

/* Types of descriptors, section B3.5.1. */
#define D_TABLE	  1u
#define D_SECTION 2u
#define D_LARGE	  1u
#define D_SMALL	  2u

/* Attributes by level: the same ones have other places. Normal memory, write-back, is TEX 1, C and B. */
#define D_B	    (1u << 2)
#define D_C	    (1u << 3)
#define SEC_XN	    (1u << 4)
#define SEC_AP_FULL (3u << 10)
#define SEC_TEX1    (1u << 12)
#define SEC_AP_RO   (1u << 15)
#define SEC_S	    (1u << 16)
#define SEC_NG	    (1u << 17)
#define SMALL_XN    (1u << 0)
#define SMALL_AP    (3u << 4)
#define SMALL_TEX1  (1u << 6)
#define PAGE_AP_RO  (1u << 9)
#define PAGE_S	    (1u << 10)
#define PAGE_NG	    (1u << 11)
#define LARGE_TEX1  (1u << 12)
#define LARGE_XN    (1u << 15)

static uint32_t *first_table(const struct pt *pt)
{
	return (uint32_t *)(uintptr_t)pt->root[ROOT_CPU];
}

/* Stores descriptors of tables that the hardware may read at any time, and pushes them to memory. */
static void clean(const struct pt *pt, dmah_phys_t phys, uint32_t bytes)
{
	uint64_t line = pt->cache_line;
	dmah_phys_t start = phys & ~(line - 1), end = (phys + bytes + line - 1) & ~(line - 1);

	dmah_host_cache(DMAH_CACHE_CLEAN, start, end - start);
}

static void store(uint32_t *at, uint32_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELAXED);
}

/* Returns C and B of a descriptor; *@normal: TEX is 1. Device memory is TEX 0 with B. */
static uint32_t cache_bits(uint64_t entry, bool *normal)
{
	*normal = !(entry & E_DEVICE);
	if (!*normal)
		return D_B;
	return entry & E_UNCACHED ? 0 : D_C | D_B;
}

static uint32_t section_of(uint64_t entry)
{
	bool normal;
	uint32_t d = D_SECTION | SEC_XN | SEC_AP_FULL | SEC_S | SEC_NG | cache_bits(entry, &normal);

	return d | (normal ? SEC_TEX1 : 0) | (entry & E_WRITE ? 0 : SEC_AP_RO);
}

static uint32_t page_of(uint64_t entry, bool large)
{
	bool normal;
	uint32_t d = SMALL_AP | PAGE_S | PAGE_NG | cache_bits(entry, &normal) |
		     (entry & E_WRITE ? 0 : PAGE_AP_RO);
	uint32_t phys = (uint32_t)pt_phys(&fmt_leaf, entry);

	if (large)
		return d | D_LARGE | LARGE_XN | (normal ? LARGE_TEX1 : 0) | (phys & 0xffff0000u);
	return d | D_SMALL | SMALL_XN | (normal ? SMALL_TEX1 : 0) | phys;
}

/* Returns true where 16 entries from @entry are one large page. */
static bool is_large(dmah_addr_t iova, const uint64_t *entry, unsigned int n)
{
	uint64_t value = pt_load(entry);

	if (n < LARGE_PAGES || iova & 0xffff || !(value & E_VALID) ||
	    pt_phys(&fmt_leaf, value) & 0xffff)
		return false;
	for (unsigned int i = 1; i < LARGE_PAGES; i++) {
		uint64_t next = pt_load(&entry[i]);

		if (!(next & E_VALID) || (next ^ value) & E_TYPE ||
		    pt_phys(&fmt_leaf, next) != pt_phys(&fmt_leaf, value) + i * PT_GRANULE)
			return false;
	}
	return true;
}

/* Returns the second table of the MiB around @iova, and *@phys, the address of its descriptor for @iova. */
static uint32_t *second_at(const struct pt *pt, dmah_addr_t iova, dmah_phys_t *phys)
{
	uint32_t d = first_table(pt)[iova >> SECTION_SHIFT], index = iova >> 12 & SECOND_MASK;
	dmah_phys_t table = d & ~(SECOND_BYTES - 1);
	char *page = dmah_host_table_virt(table & ~(dmah_phys_t)(DMAH_PAGE_SIZE - 1));

	*phys = table + index * 4;
	return (uint32_t *)(void *)(page + (table & (DMAH_PAGE_SIZE - 1))) + index;
}

static bool in_large(const struct pt *pt, dmah_addr_t iova)
{
	dmah_phys_t phys;

	return iova & 0xffff && (*second_at(pt, iova, &phys) & 3) == D_LARGE;
}

/* All 16 descriptors of a large page are the same: where some change, the others are written too, as small pages. */
static void publish(const struct pt *pt, dmah_addr_t iova, const uint64_t *first, unsigned int n)
{
	unsigned int before = in_large(pt, iova) ? (unsigned int)(iova >> 12) % LARGE_PAGES : 0;
	dmah_addr_t end = iova + (uint64_t)n * PT_GRANULE;

	if (in_large(pt, end))
		n += LARGE_PAGES - (unsigned int)(end >> 12) % LARGE_PAGES;
	n += before;
	first -= before;
	iova -= (uint64_t)before * PT_GRANULE;
	for (unsigned int done = 0, step; done < n; done += step, iova += step * PT_GRANULE) {
		bool large = is_large(iova, &first[done], n - done);
		dmah_phys_t phys;
		uint32_t *at = second_at(pt, iova, &phys);
		uint64_t value = pt_load(&first[done]);
		uint32_t d = value & E_VALID ? page_of(value, large) : 0;

		step = large ? LARGE_PAGES : 1;
		for (unsigned int i = 0; i < step; i++)
			store(&at[i], d);
		clean(pt, phys, step * 4);
	}
	dmah_host_wmb();
}

/* ---- tables ---- */

static int init_short(struct pt *pt)
{
	dmah_phys_t area;
	char *cpu;
	int err = walk_init(pt);

	if (err)
		return err;
	cpu = dmah_host_mem_alloc(AREA_BYTES, PHYS_LAST, 0, &area);
	if (!cpu) {
		walk_fini(pt);
		return DMAH_ENOMEM;
	}
	/* The host aligns to pages: the table is found inside of twice as much. */
	pt->root_phys = (area + FIRST_BYTES - 1) & ~(dmah_phys_t)(FIRST_BYTES - 1);
	pt->root[ROOT_AREA] = area;
	pt->root[ROOT_CPU] = (uintptr_t)(cpu + (pt->root_phys - area));
	clean(pt, pt->root_phys, FIRST_BYTES);
	return DMAH_OK;
}

static void fini_short(struct pt *pt)
{
	uint32_t *first = first_table(pt);

	for (uint32_t i = 0; i < FIRST_ENTRIES; i += 2)
		if ((first[i] & 3) == D_TABLE)
			dmah_host_page_free(dmah_host_table_virt(
				first[i] & ~(dmah_phys_t)(DMAH_PAGE_SIZE - 1)));
	dmah_host_mem_free(pt->root[ROOT_AREA], AREA_BYTES);
	pt->root[ROOT_AREA] = pt->root[ROOT_CPU] = 0;
	walk_fini(pt);
}

/* Adds the second tables of 2 MiB: two of them, in one page. */
static int add_second(struct pt *pt, dmah_addr_t iova, unsigned int flags)
{
	uint32_t index = (uint32_t)(iova >> SECTION_SHIFT) & ~1u, *first = first_table(pt);
	dmah_phys_t phys;
	void *page;

	if (first[index])
		return DMAH_OK;
	page = dmah_host_page_alloc(flags | DMAH_ALLOC_ATOMIC);
	if (!page)
		return DMAH_ENOMEM;
	phys = dmah_host_virt_to_phys(page);
	if (phys > PHYS_LAST) {
		dmah_host_page_free(page);
		return DMAH_ENOMEM;
	}
	clean(pt, phys, DMAH_PAGE_SIZE);
	dmah_host_wmb();
	store(&first[index], (uint32_t)phys | D_TABLE);
	store(&first[index + 1], (uint32_t)(phys + SECOND_BYTES) | D_TABLE);
	clean(pt, pt->root_phys + index * 4, 8);
	return DMAH_OK;
}

static int leaf_table_short(struct pt *pt, dmah_addr_t iova, unsigned int flags, uint64_t **table)
{
	int err = walk_leaf_table(pt, iova, flags, table);

	return err ? err : add_second(pt, iova, flags);
}

/* ---- sections ---- */

static void set_sections(const struct pt *pt, dmah_addr_t iova, uint32_t d, uint32_t step)
{
	uint32_t index = (uint32_t)(iova >> SECTION_SHIFT) & ~1u, *first = first_table(pt);

	store(&first[index], d);
	store(&first[index + 1], d ? d + step : 0);
	clean(pt, pt->root_phys + index * 4, 8);
}

static int block_set_short(struct pt *pt, dmah_addr_t iova, dmah_phys_t phys, unsigned int shift,
			   enum dmah_dir dir, uint32_t gen, uint32_t attrs, unsigned int flags)
{
	int err = shift == PT_LEAF_SHIFT
			  ? walk_block_set(pt, iova, phys, shift, dir, gen, attrs, flags)
			  : DMAH_EBUSY;

	if (!err)
		set_sections(pt, iova,
			     (uint32_t)phys | section_of(pt_make(&fmt_leaf, phys, dir, gen, attrs)),
			     1u << SECTION_SHIFT);
	return err;
}

static int block_clear_short(struct pt *pt, dmah_addr_t iova, unsigned int shift)
{
	int err = walk_block_clear(pt, iova, shift);

	if (!err)
		set_sections(pt, iova, 0, 0);
	return err;
}

const struct dmah_pt_format dmah_pt_arm_short = {
	.name = "ARMv7 short descriptors",
	.fits = fmt_levels,
	.init = init_short,
	.fini = fini_short,
	.leaf_table = leaf_table_short,
	.block_set = block_set_short,
	.block_clear = block_clear_short,
	.block_entry = walk_block_entry,
	.adopt = walk_adopt, /* never called: there is one width */
	.clean =
		walk_clean, /* of the library's table: the hardware's is pushed when it is written */
	.publish = publish,
	.walk = walk_find,
};
