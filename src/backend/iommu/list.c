/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "backend/iommu/map.h"
#include "backend/iommu/list.h"
#include "backend/iommu/marks.h"
#include "base/pool.h"
#include "base/buffer.h"
#include "base/count.h"
#include "base/request.h"

void dmah_list_handle(struct dmah_device *dev, const struct piece_list *list, uint32_t i,
		      struct layout *layout, const struct list_range *range, struct dmah *h)
{
	struct map_req req = list_req(list, i);
	uint64_t backend = *list_be(list, i);
	uint32_t offset = (uint32_t)(token_head(backend) ? dmah_pool_phys(dev->dom->cfg.pool,
									  token_head(backend))
							 : req.phys) &
			  (uint32_t)GRANULE_MASK;

	(void)layout_place(layout, iommu_granules(offset, req.len), dev->limits.boundary);
	dmah_handle_fill(dev, h, DMAH_BACKEND_IOMMU, &req,
			 iommu_iova(dev->dom, range->first + layout->at) | offset, backend,
			 range->gen);
	h->meta |= META_PART | (i ? META_LATER : 0);
}

static void put_slots(struct dmah_device *dev, const struct piece_list *list, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		dmah_iommu_put_slots(dev, *list_be(list, i));
}

/* Slots for every piece that needs some, filled before any device can see them; and the length of the whole. */
static int get_slots(struct dmah_device *dev, const struct piece_list *list,
		     struct list_range *range)
{
	struct layout all = { 0 }, given = { 0 };
	unsigned int out_bits = dev->dom->pt.out_bits;

	*range = (struct list_range){ 0 };
	for (uint32_t i = 0; i < list->n; i++) {
		struct map_req req = list_req(list, i);
		struct partial edges;
		struct dmah h;
		int err;

		err = out_bits < 64 && (req.phys + req.len - 1) >> out_bits ? DMAH_ERANGE : DMAH_OK;
		if (!err)
			err = dmah_iommu_find_partial(dev, &req, &edges);
		if (!err)
			err = layout_place(&all, edges.n, dev->limits.boundary);
		if (!err)
			err = dmah_iommu_get_slots(dev, &req, &edges, list_be(list, i));
		if (err) {
			put_slots(dev, list, i);
			return err;
		}
		dmah_list_handle(dev, list, i, &given, range, &h);
		dmah_buffer_give(dev, &h);
	}
	range->n = all.end;
	return DMAH_OK;
}

static int write_pieces(struct dmah_device *dev, const struct piece_list *list,
			const struct list_range *range, bool *wrote)
{
	struct dmah_domain *dom = dev->dom;
	struct layout layout = { 0 };

	*wrote = false;
	for (uint32_t i = 0; i < list->n; i++) {
		struct extent runs[3];
		unsigned int n;
		struct dmah h;

		dmah_list_handle(dev, list, i, &layout, range, &h);
		n = dmah_iommu_extents(dom, &h, range->first + layout.at, range->gen, i > 0, runs);
		for (unsigned int r = 0; r < n; r++) {
			uint32_t set;
			int err = dmah_entries_set(dev, &runs[r], DMAH_ALLOC_ATOMIC, &set);

			*wrote |= set > 0;
			if (err)
				return err;
		}
	}
	if (dom->mark)
		return dmah_marks_confirm(dev);
	return dom->caps & DMAH_IOMMU_MAP_FLUSH
		       ? dmah_iommu_invalidate(dom, dev, iommu_iova(dom, range->first),
					       (uint64_t)range->n << PT_GRANULE_SHIFT, true)
		       : DMAH_OK;
}

int dmah_list_map(struct dmah_device *dev, const struct piece_list *list, struct list_range *range)
{
	bool wrote, confirmed = true;
	uint64_t boundary;
	uint32_t align;
	int err = get_slots(dev, list, range);

	if (err)
		return err;
	align = layout_align(range->n, dev->limits.boundary);
	boundary = layout_whole(range->n, dev->limits.boundary);
	err = DMAH_ENOSPC;
	for (unsigned int attempt = 0; attempt < IOMMU_ATTEMPTS; attempt++) {
		range->first = dmah_iommu_take_iova(dev, range->n, align, 0, boundary, attempt);
		if (range->first == RANGE_NONE)
			continue;
		range->gen = dmah_entries_next_gen(dev->dom, range->first, range->n);
		err = write_pieces(dev, list, range, &wrote);
		if (!err)
			break;
		confirmed = dmah_iommu_undo_map(dev, range->first, range->n, wrote ? range->n : 0);
		if (err != DMAH_ENOMEM || !confirmed || attempt == IOMMU_ATTEMPTS - 1)
			break;
		/* No memory for a table: only the reserve has tables of its own. */
		attempt = IOMMU_ATTEMPTS - 2;
	}
	if (err) {
		for (uint32_t i = 0; i < list->n; i++)
			dmah_iommu_drop_slots(dev, *list_be(list, i), confirmed);
		return confirmed ? err : DMAH_ETIMEDOUT;
	}
	count(dev, maps, list->n);
	if (iommu_map_stands(dev->dom, false))
		return DMAH_OK;
	/* The domain's mode changed meanwhile. */
	return dmah_list_unmap(dev, list, range) == DMAH_ETIMEDOUT ? DMAH_ETIMEDOUT : DMAH_EBUSY;
}

bool dmah_list_check(struct dmah_device *dev, const struct piece_list *list,
		     const struct list_range *range)
{
	struct layout layout = { 0 };

	for (uint32_t i = 0; i < list->n; i++) {
		struct dmah h;

		dmah_list_handle(dev, list, i, &layout, range, &h);
		if (layout.end > range->n || !dmah_buffer_check(dev, &h) ||
		    dmah_backend_iommu.check(dev, &h))
			return false;
	}
	return layout.end == range->n && !dmah_iommu_goes_on(dev, range->first + range->n);
}

/* End the first entry of the first piece: of two CPUs with the same list one goes on. */
static uint32_t claim(struct dmah_device *dev, const struct piece_list *list,
		      const struct list_range *range, uint64_t timestamp)
{
	struct layout layout = { 0 };
	struct extent extents[3];
	struct dmah h;

	dmah_list_handle(dev, list, 0, &layout, range, &h);
	if (!dmah_iommu_extents(dev->dom, &h, range->first, range->gen, false, extents))
		return 0;
	return dmah_entries_claim(dev->dom, &extents[0], timestamp);
}

int dmah_list_unmap(struct dmah_device *dev, const struct piece_list *list,
		    const struct list_range *range)
{
	uint64_t timestamp = history_timestamp_at(dmah_host_now());
	struct layout layout = { 0 };
	struct unmap_release release;
	uint32_t done = claim(dev, list, range, timestamp);

	if (!done)
		return DMAH_ESTALE;
	dmah_entries_clear(dev->dom, range->first + done, range->n - done, timestamp);
	dmah_iommu_release_wait(dev, range->first, range->n, false, &release);
	for (uint32_t i = 0; i < list->n; i++) {
		struct dmah h;

		dmah_list_handle(dev, list, i, &layout, range, &h);
		dmah_iommu_release_buffer(dev, &h, &release);
	}
	dmah_iommu_release_granules(dev, range->first, range->n, &release);
	count(dev, unmaps, list->n);
	return release.err;
}
