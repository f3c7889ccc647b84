// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaf entries of the kernel's page table. No format is known here: the kernel writes an entry
 * for each direction by iommu_map(), and what it wrote, without the address, is the entry for all
 * mappings. It must be the same beside a second address, and 0 once unmapped; else slots use
 * iommu_map().
 */
#include <linux/highmem.h>

#include "pool_int.h"
#include "vtd_cap.h"

/* Since 6.19. Before, and on arm64, tables are of their driver's own kind. */
#if defined(CONFIG_X86) && IS_ENABLED(CONFIG_IOMMU_PT)
#include <asm/cacheflush.h>
#include <linux/cc_platform.h>
#include <linux/generic_pt/iommu.h>

/* Bits of an entry that hold an address, in each of the formats that an x86 machine has. */
#define ADDRESS	    GENMASK_ULL(51, PAGE_SHIFT)
#define LEVEL_SHIFT 9

/*
 * The tables of every format begin with the same two structures, and have 512 entries a level,
 * whose addresses are in the same bits.
 */
static const struct pt_common *common_of(struct iommu_domain *domain)
{
	struct pt_iommu *pt = iommupt_from_domain(domain);

	BUILD_BUG_ON(offsetof(struct pt_iommu_vtdss, vtdss_pt.common) !=
		     offsetof(struct pt_iommu_x86_64, x86_64_pt.common));
	BUILD_BUG_ON(offsetof(struct pt_iommu_vtdss, vtdss_pt.common) !=
		     offsetof(struct pt_iommu_amdv1, amdpt.common));
	return pt ? &container_of(pt, struct pt_iommu_vtdss, iommu)->vtdss_pt.common : NULL;
}

static bool usable(const struct pt_common *common)
{
	/* Encrypted memory: an entry's address has a bit more. */
	return common && !cc_platform_has(CC_ATTR_MEM_ENCRYPT) &&
	       !(common->features & BIT(PT_FEAT_DETAILED_GATHER));
}

static u64 *walk(const struct pt_common *common, dma_addr_t iova)
{
	uintptr_t top = READ_ONCE(common->top_of_table);
	unsigned int level = top & PT_TOP_LEVEL_MASK;
	u64 *table = (u64 *)(top & ~(uintptr_t)PT_TOP_LEVEL_MASK);

	while (level) {
		unsigned int at = (iova >> (PAGE_SHIFT + LEVEL_SHIFT * level)) & (PTRS_PER_PTE - 1);
		u64 e = READ_ONCE(table[at]);

		if (!(e & ADDRESS) || !pfn_valid(PHYS_PFN(e & ADDRESS)))
			return NULL;
		table = phys_to_virt(e & ADDRESS);
		level--;
	}
	return table;
}

/* The entry that the kernel writes for a page; the range is unmapped again. Return: 0: none. */
static u64 written(struct pool *p, const u64 *leaf, dma_addr_t iova, phys_addr_t phys, int prot)
{
	u64 e;

	if (iommu_map(p->domain, iova, phys, PAGE_SIZE, prot, GFP_ATOMIC))
		return 0;
	e = READ_ONCE(*leaf);
	iommu_unmap(p->domain, iova, PAGE_SIZE);
	return (e & ADDRESS) == phys && !READ_ONCE(*leaf) ? e : 0;
}

static bool learn_entries(struct pool *p, const u64 *leaf, dma_addr_t iova, struct page *other)
{
	static const int prot[] = { 0, IOMMU_READ, IOMMU_WRITE, IOMMU_READ | IOMMU_WRITE };
	phys_addr_t one = page_to_phys(ZERO_PAGE(0)), two = page_to_phys(other);
	u64 entry[ARRAY_SIZE(prot)];

	for (u32 dir = 1; dir < ARRAY_SIZE(prot); dir++) {
		u64 e = written(p, leaf, iova, one, prot[dir] | IOMMU_CACHE);

		if (!e ||
		    written(p, leaf, iova, two, prot[dir] | IOMMU_CACHE) != ((e & ~ADDRESS) | two))
			return false;
		entry[dir] = e & ~ADDRESS;
	}
	p->format.entry[2] = entry[2];
	p->format.entry[3] = entry[3];
	/* All or none: another CPU that sees the first takes the format for known. */
	smp_store_release(&p->format.entry[1], entry[1]);
	return true;
}

u64 *pool_learn(struct pool *p, dma_addr_t iova)
{
	const struct pt_common *common = common_of(p->domain);
	struct page *page;
	bool known;
	u64 *leaf;

	if (!usable(common))
		return NULL;
	/* The first mapping of a chunk makes its leaf table, which stays. */
	if (iommu_map(p->domain, iova, page_to_phys(ZERO_PAGE(0)), PAGE_SIZE,
		      IOMMU_READ | IOMMU_CACHE, GFP_ATOMIC))
		return NULL;
	leaf = walk(common, iova);
	if (leaf && (READ_ONCE(*leaf) & ADDRESS) != page_to_phys(ZERO_PAGE(0)))
		leaf = NULL;
	iommu_unmap(p->domain, iova, PAGE_SIZE);
	if (!leaf || memchr_inv(leaf, 0, PAGE_SIZE))
		return NULL;
	/* Another CPU may have learned the format: learn_entries() stores this word last. */
	if (smp_load_acquire(&p->format.entry[1]))
		return leaf;
	page = alloc_page(GFP_ATOMIC);
	if (!page)
		return NULL;
	p->format.incoherent = common->features & BIT(PT_FEAT_DMA_INCOHERENT);
	known = learn_entries(p, leaf, iova, page);
	__free_page(page);
	return known ? leaf : NULL;
}

bool pool_wants_sync_map(struct pool *p)
{
	const struct pt_common *common = common_of(p->domain);
	const char *name = iommu_unit_name(p->c->dev);

	/* AMD's driver asks for this feature where a unit caches absent entries (NpCache). */
	if (common && name && !strncmp(name, "ivhd", 4))
		return common->features & BIT(PT_FEAT_FLUSH_RANGE_NO_GAPS);
	return !vtd_ignores_maps(p->c->dev);
}

void pool_entries_flush(u64 *entry, u32 n)
{
	clflush_cache_range(entry, n * sizeof(*entry));
}
#else
u64 *pool_learn(struct pool *p, dma_addr_t iova)
{
	return NULL;
}

/* iommu_map() tells the IOMMU. */
bool pool_wants_sync_map(struct pool *p)
{
	return false;
}

/* Without leaf entries there is nothing to write back. */
void pool_entries_flush(u64 *entry, u32 n)
{
}
#endif

static int prot_of(u32 meta)
{
	return (meta & 1 ? IOMMU_READ : 0) | (meta & 2 ? IOMMU_WRITE : 0) | IOMMU_CACHE;
}

static struct pool_chunk *chunk_of(struct pool *p, const struct pool_slot *s)
{
	return &p->chunk[s->name / POOL_CHUNK_PAGES];
}

int pool_announce(struct pool *p, struct pool_slot *s, u32 pages)
{
	struct pool_chunk *chunk = chunk_of(p, s);
	int err = dma_iova_sync(p->c->dev, &chunk->iova, s->iova - chunk->iova.addr,
				(size_t)pages << PAGE_SHIFT);

	if (err) {
		pool_entries_clear(p, s, pages);
		pool_invalidate(p, s->iova, pages);
	}
	return err;
}

int pool_entries_set_slow(struct pool *p, struct pool_slot *s, phys_addr_t phys, u32 pages,
			  u32 meta)
{
	if (!s->entry)
		return iommu_map(p->domain, s->iova, phys & PAGE_MASK, (size_t)pages << PAGE_SHIFT,
				 prot_of(meta), GFP_ATOMIC);
	for (u32 i = 0; i < pages; i++)
		WRITE_ONCE(s->entry[i],
			   p->format.entry[meta & META_DIR] | ((phys & PAGE_MASK) + i * PAGE_SIZE));
	if (p->format.incoherent)
		pool_entries_flush(s->entry, pages);
	return pool_announce(p, s, pages);
}

void pool_entries_clear_slow(struct pool *p, struct pool_slot *s, u32 pages)
{
	struct iommu_iotlb_gather gather;

	/*
	 * No slot covers a table, so none is freed here. The flush follows, once for several
	 * slots.
	 */
	iommu_iotlb_gather_init(&gather);
	gather.queued = true;
	iommu_unmap_fast(p->domain, s->iova, (size_t)pages << PAGE_SHIFT, &gather);
}
