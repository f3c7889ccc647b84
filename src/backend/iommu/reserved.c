/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Reserved ranges: IOVAs that the allocator must not hand out, some of which translate to themselves.
 */
#include "backend/iommu/reserved.h"

static bool is_reserved(const struct dmah_domain *dom, unsigned int known, dmah_addr_t iova)
{
	for (unsigned int i = 0; i < known; i++)
		if (iova - dom->reserved[i].base < dom->reserved[i].size)
			return true;
	return false;
}

/* Whether @iova is a granule that the allocator knows: the whole configured aperture, whatever it was cut to. */
static bool in_depot(const struct dmah_domain *dom, dmah_addr_t iova, uint32_t *index)
{
	uint64_t at = (iova - dom->cfg.aperture_base) >> PT_GRANULE_SHIFT;

	if (iova < dom->cfg.aperture_base || at >= dom->iova.depot.size)
		return false;
	*index = (uint32_t)at;
	return true;
}

/* Granules up to @end that only the last reserved range holds are free again. */
static void unreserve_until(struct dmah_domain *dom, dmah_addr_t end)
{
	const struct dmah_reserved *range = &dom->reserved[dom->nreserved];
	unsigned long flags;
	uint32_t index;

	dmah_host_enter(&flags);
	for (dmah_addr_t iova = range->base; iova != end; iova += PT_GRANULE)
		if (in_depot(dom, iova, &index) && !is_reserved(dom, dom->nreserved, iova) &&
		    (index || dom->cfg.aperture_base))
			dmah_iova_put_large(&dom->iova, index, 1);
	dmah_host_leave(flags);
}

/* Take the granules of one range out of the allocator; those reserved before, and IOVA 0, already are. */
static int reserve_granules(struct dmah_domain *dom, const struct dmah_reserved *range)
{
	dmah_addr_t iova = range->base, end = range->base + range->size;
	unsigned long flags;
	uint32_t index;

	if (!range->size || (range->base | range->size) & GRANULE_MASK || end < iova)
		return DMAH_EINVAL;
	if (dom->nreserved == DOMAIN_RESERVED)
		return DMAH_ENOSPC;
	dom->reserved[dom->nreserved] = *range;
	dmah_host_enter(&flags);
	for (; iova != end; iova += PT_GRANULE) {
		if (!in_depot(dom, iova, &index) || is_reserved(dom, dom->nreserved, iova) ||
		    (!index && !dom->cfg.aperture_base))
			continue;
		if (!dmah_iova_take(&dom->iova, index, 1))
			break;
	}
	dmah_host_leave(flags);
	if (iova != end) {
		unreserve_until(dom, iova);
		return DMAH_EBUSY;
	}
	dom->nreserved++;
	return DMAH_OK;
}

static void unmap_identity(struct dmah_domain *dom, const struct dmah_reserved *range,
			   uint64_t size)
{
	uint64_t *table;

	for (uint64_t done = 0; done < size; done += PT_GRANULE) {
		dmah_addr_t iova = range->base + done;

		if (is_reserved(dom, dom->nreserved, iova) ||
		    dom->pt.fmt->leaf_table(&dom->pt, iova, DMAH_ALLOC_ATOMIC, &table))
			continue;
		table += iova >> PT_GRANULE_SHIFT & (PT_TABLE_ENTRIES - 1);
		leaf_clear(table, pt_cleared(&dom->pt.leaf, pt_load(table)));
		dmah_pt_clean(&dom->pt, table, 1);
	}
	dmah_host_wmb();
}

static int map_identity(struct dmah_domain *dom, const struct dmah_reserved *range)
{
	enum dmah_dir dir = range->dir ? range->dir : DMAH_BIDIRECTIONAL;
	uint32_t index;

	if (dom->pt.va_bits < 64 && (range->base + range->size - 1) >> dom->pt.va_bits)
		return DMAH_ERANGE;
	for (uint64_t done = 0; done < range->size; done += PT_GRANULE) {
		dmah_addr_t iova = range->base + done;
		unsigned long flags;
		uint64_t *table;
		int err;

		dmah_host_enter(&flags);
		dmah_host_lock(&dom->table_lock);
		err = dom->pt.fmt->leaf_table(&dom->pt, iova, DMAH_ALLOC_ATOMIC, &table);
		if (!err && in_depot(dom, iova, &index))
			__atomic_store_n(&dom->leaf[index >> 9], table, __ATOMIC_RELEASE);
		dmah_host_unlock(&dom->table_lock);
		dmah_host_leave(flags);
		if (err) {
			unmap_identity(dom, range, done);
			return err;
		}
		table += iova >> PT_GRANULE_SHIFT & (PT_TABLE_ENTRIES - 1);
		if (pt_present(&dom->pt.leaf, pt_load(table)))
			continue;
		leaf_set(table, pt_make(&dom->pt.leaf, iova, dir, 0, range->mmio));
		if (!(dom->pt.caps & DMAH_IOMMU_COHERENT_WALK))
			dmah_pt_clean(&dom->pt, table, 1);
	}
	dmah_host_wmb();
	return DMAH_OK;
}

void dmah_iommu_drop_reserved(struct dmah_domain *dom, unsigned int keep)
{
	while (dom->nreserved > keep) {
		const struct dmah_reserved *range = &dom->reserved[--dom->nreserved];

		if (range->identity) {
			unmap_identity(dom, range, range->size);
			dom->nidentity--;
		}
		unreserve_until(dom, range->base + range->size);
	}
}

int dmah_iommu_add_reserved(struct dmah_domain *dom, const struct dmah_reserved *range,
			    unsigned int n)
{
	for (; n; n--, range++) {
		int err = reserve_granules(dom, range);

		if (!err && range->identity) {
			err = map_identity(dom, range);
			dom->nidentity += !err;
			if (err) {
				dom->nreserved--;
				unreserve_until(dom, range->base + range->size);
			}
		}
		if (err)
			return err;
	}
	return DMAH_OK;
}
