/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Pages: an arena of huge pages, and a struct page of 64 bytes for each page. Both are at offsets
 * that are variables, as the direct map of a kernel with KASLR. Pages that are mapped for a device
 * have no memory, and nothing reads their struct page.
 *
 * Allocation takes from a free list of the CPU, keeps no statistics, and is cheaper than a kernel's.
 */
#ifndef SHIM_PAGE_H
#define SHIM_PAGE_H

#include "bits.h"
#include "list.h"

#define PAGE_SHIFT  12
#define PAGE_SIZE   4096ul
#define PAGE_MASK   (~(PAGE_SIZE - 1))
#define PFN_DOWN(x) ((unsigned long)((x) >> PAGE_SHIFT))

#define __GFP_DMA		     0x01u
#define __GFP_HIGHMEM		     0x02u
#define __GFP_DMA32		     0x04u
#define __GFP_ZERO		     0x100u
#define __GFP_NOWARN		     0x2000u
#define __GFP_COMP		     0x40000u
#define GFP_ATOMIC		     0x820u
#define GFP_KERNEL		     0xcc0u
#define gfpflags_allow_blocking(gfp) ((gfp)&0x400u)

struct page {
	unsigned long flags;
	struct list_head lru;
	void *mapping;
	unsigned long index;
	unsigned long private;
	unsigned int page_type;
	atomic_t _refcount;
	unsigned long order; /* a kernel has this in the next page */
};
_Static_assert(sizeof(struct page) == 64, "a kernel's struct page has 64 bytes");

extern unsigned long shim_page_offset; /* virtual address of physical 0 */
extern unsigned long shim_page_map; /* address of the struct page of physical 0 */

static inline phys_addr_t virt_to_phys(const volatile void *p)
{
	return (unsigned long)p - shim_page_offset;
}

static inline void *phys_to_virt(phys_addr_t phys)
{
	return (void *)(unsigned long)(phys + shim_page_offset);
}

static inline struct page *pfn_to_page(unsigned long pfn)
{
	return (struct page *)(shim_page_map + pfn * sizeof(struct page));
}

static inline unsigned long page_to_pfn(const struct page *page)
{
	return ((unsigned long)page - shim_page_map) / sizeof(struct page);
}

#define __pa(p)		   virt_to_phys(p)
#define __va(phys)	   phys_to_virt(phys)
#define page_to_phys(page) ((phys_addr_t)page_to_pfn(page) << PAGE_SHIFT)
#define virt_to_page(p)	   pfn_to_page(virt_to_phys(p) >> PAGE_SHIFT)
#define page_address(page) phys_to_virt(page_to_phys(page))
#define page_pgdat(page)   ((void)(page))
#define get_order(size)	   ((size) <= PAGE_SIZE ? 0u : fls_long(((size)-1) >> PAGE_SHIFT))

/* Returns memory from the arena for good, NULL when the arena is used up. */
void *shim_arena(size_t size, size_t align);
struct page *shim_pages_alloc(gfp_t gfp, unsigned int order);
void shim_pages_free(struct page *page, unsigned int order);

#define alloc_pages(gfp, order) shim_pages_alloc(gfp, (unsigned int)(order))
#define alloc_pages_node(node, gfp, order) \
	((void)(node), shim_pages_alloc(gfp, (unsigned int)(order)))
#define __free_pages(page, order) shim_pages_free(page, (unsigned int)(order))
#define free_pages(address, order) \
	shim_pages_free(virt_to_page((void *)(address)), (unsigned int)(order))
#define free_page(address) free_pages(address, 0)
#define put_page(page)	   shim_pages_free(page, 0)
typedef unsigned long pgoff_t;

/* A folio is its first page. */
struct folio {
	struct page page;
};

#define NUMA_NO_NODE		   (-1)
#define numa_mem_id()		   0
#define virt_to_folio(p)	   ((struct folio *)virt_to_page(p))
#define folio_address(folio)	   page_address(&(folio)->page)
#define folio_order(folio)	   ((folio)->page.order)
#define folio_nr_pages(folio)	   (1ul << folio_order(folio))
#define folio_pgdat(folio)	   ((void)(folio))
#define folio_put(folio)	   shim_pages_free(&(folio)->page, folio_order(folio))
#define lruvec_stat_mod_folio(...) ((void)0)

static inline struct folio *__folio_alloc_node(gfp_t gfp, unsigned int order, int node)
{
	struct page *page = shim_pages_alloc(gfp, order);

	(void)node;
	if (page)
		page->order = order;
	return (struct folio *)page;
}

/* Accounting of page tables is left out. */
#define mod_node_page_state(node, item, pages)	 ((void)(pages))
#define mod_lruvec_page_state(page, item, pages) ((void)(pages))

static inline void put_pages_list(struct list_head *pages)
{
	struct page *page, *following;

	list_for_each_entry_safe(page, following, pages, lru) put_page(page);
	INIT_LIST_HEAD(pages);
}

/* Every walker is coherent, so no flush of a cache is ever reached. */
static inline void clflush_cache_range(void *p, unsigned int size)
{
	(void)p;
	(void)size;
	shim_broken(__FILE__, __LINE__);
}

#endif
