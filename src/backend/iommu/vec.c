/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Vectors and scatter lists behind an IOMMU: one range of IOVAs, one generation, one invalidation.
 */
#include "backend/iommu/list.h"
#include "backend/iommu/map.h"
#include "backend/iommu/link.h"
#include "base/request.h"
#include "base/vec.h"

static struct piece_list vec_list(struct dmah_vec *v, const void *segs, size_t stride, uint32_t n,
				  enum dmah_dir dir, uint32_t attrs)
{
	return (struct piece_list){ .seg = segs,
				    .seg_stride = stride,
				    .backend = &v->part[0].backend,
				    .be_stride = sizeof(v->part[0]),
				    .n = n,
				    .dir = dir,
				    .attrs = attrs };
}

/* Passthrough: every piece is a mapping of its own. The mode may have changed before the first of them counted. */
static int map_through(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
		       uint32_t n, enum dmah_dir dir, uint32_t attrs)
{
	int err = dmah_vec_map_pieces(dev, v, segs, n, dir, attrs);

	if (err || domain_passes_through(dev->dom))
		return err;
	err = DMAH_EBUSY;
	for (uint32_t i = 0; i < n; i++) {
		v->part[i].meta &= ~(META_PART | META_LATER);
		if (dev->dom->ops->unmap(dev, &v->part[i], true) == DMAH_ETIMEDOUT)
			err = DMAH_ETIMEDOUT;
		handle_clear(&v->part[i]);
	}
	return err;
}

int dmah_iommu_map_vec(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
		       uint32_t n, enum dmah_dir dir, uint32_t attrs)
{
	struct piece_list list = vec_list(v, segs, sizeof(*segs), n, dir, attrs);
	struct layout layout = { 0 };
	struct list_range range;
	int err = dmah_iommu_check_on(dev);

	if (err)
		return err;
	if (domain_mode(dev->dom) == DMAH_PASSTHROUGH)
		return map_through(dev, v, segs, n, dir, attrs);
	err = dmah_list_map(dev, &list, &range);
	if (err) {
		for (uint32_t i = 0; i < n; i++)
			handle_clear(&v->part[i]);
		return err;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct dmah h;

		dmah_list_handle(dev, &list, i, &layout, &range, &h);
		v->part[i] = h;
	}
	v->iova = iommu_iova(dev->dom, range.first);
	v->granules = range.n;
	return DMAH_OK;
}

int dmah_iommu_unmap_vec(struct dmah_device *dev, struct dmah_vec *v)
{
	const struct dmah *first = &v->part[0];
	struct piece_list list;
	struct list_range range = { .n = v->granules, .gen = meta_gen(first->meta) };
	int err;

	if (meta_kind(first->meta) == DMAH_BACKEND_DIRECT)
		return dmah_vec_unmap_pieces(dev, v);
	if (!v->granules || !iommu_index(dev->dom, v->iova,
					 (uint64_t)v->granules << PT_GRANULE_SHIFT, &range.first))
		return DMAH_ESTALE;
	/* The parts' addresses and lengths, as if they were the caller's segments. */
	for (uint32_t i = 0; i < v->nparts; i++) {
		v->seg[i].dma = v->part[i].phys;
		v->seg[i].len = v->part[i].len;
	}
	list = vec_list(v, v->seg, sizeof(v->seg[0]), v->nparts, meta_dir(first->meta),
			meta_attrs(first->meta));
	if (!dmah_list_check(dev, &list, &range)) {
		dmah_vec_merge_parts(dev, v);
		return DMAH_ESTALE;
	}
	err = dmah_list_unmap(dev, &list, &range);
	if (err == DMAH_ESTALE)
		dmah_vec_merge_parts(dev, v);
	return err;
}

static struct piece_list sg_list(struct dmah_sg *sg, uint32_t n, enum dmah_dir dir, uint32_t attrs)
{
	/* While it is being mapped or unmapped, an entry's DMA address is the place for its word. */
	return (struct piece_list){ .seg = sg,
				    .seg_stride = sizeof(*sg),
				    .backend = &sg[0].dma,
				    .be_stride = sizeof(*sg),
				    .n = n,
				    .dir = dir,
				    .attrs = attrs };
}

int dmah_iommu_map_sg(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
		      uint32_t attrs)
{
	struct piece_list list = sg_list(sg, n, dir, attrs);
	struct layout layout = { 0 };
	struct list_range range;
	int err = dmah_iommu_check_on(dev);

	if (!err)
		err = dmah_list_map(dev, &list, &range);

	for (uint32_t i = 0; !err && i < n; i++) {
		struct dmah h;

		dmah_list_handle(dev, &list, i, &layout, &range, &h);
		sg[i].dma = h.dma;
	}
	return err;
}

/* The first @n entries hold their words already: they get their DMA addresses back. */
static void restore(struct dmah_device *dev, struct dmah_sg *sg, const struct piece_list *list,
		    uint32_t n, const struct list_range *range)
{
	struct layout layout = { 0 };

	for (uint32_t i = 0; i < n; i++) {
		struct dmah h;

		dmah_list_handle(dev, list, i, &layout, range, &h);
		sg[i].dma = h.dma;
	}
}

int dmah_iommu_unmap_sg(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
			uint32_t attrs)
{
	struct piece_list list = sg_list(sg, n, dir, attrs);
	struct list_range range = { 0 };
	int err = DMAH_OK;

	for (uint32_t i = 0; i < n; i++) {
		struct addr_req req = { .dma = sg[i].dma,
					.phys = sg[i].phys,
					.len = sg[i].len,
					.dir = dir,
					.attrs = attrs,
					.has_phys = true,
					.inside = i > 0,
					.part = true };
		uint32_t index = 0;
		struct dmah h;

		err = dmah_iommu_rebuild(dev, &h, &req);
		if (!err && !iommu_index(dev->dom, h.dma, h.len, &index))
			err = DMAH_ESTALE;
		if (err) {
			restore(dev, sg, &list, i, &range);
			return err;
		}
		if (!i)
			range.first = index;
		range.n = index - range.first + iommu_granules(h.dma, h.len);
		range.gen = meta_gen(h.meta);
		sg[i].dma = h.backend;
	}
	/* All the pieces are there, one after the other; and nothing else of the mapping is. */
	err = dmah_list_check(dev, &list, &range) ? dmah_list_unmap(dev, &list, &range)
						  : DMAH_EINVAL;
	if (err && err != DMAH_ETIMEDOUT)
		restore(dev, sg, &list, n, &range);
	return err;
}

bool dmah_iommu_sg_whole(const struct dmah_device *dev, dmah_addr_t first, dmah_addr_t last)
{
	uint32_t from, to;

	/* An address outside is for the sync itself to refuse. */
	if (!iommu_index(dev->dom, first, 1, &from) || !iommu_index(dev->dom, last, 1, &to))
		return true;
	return dmah_entries_end_at(dev->dom, from) && !dmah_iommu_goes_on(dev, to + 1);
}
