/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Address-keyed scatter lists. The list itself holds all state. */
#include "addr/request.h"
#include "base/count.h"
#include "core/map.h"
#include "base/vec.h"

static int check_list(const struct dmah_device *dev, const struct dmah_sg *sg, uint32_t n,
		      enum dmah_dir dir, uint32_t attrs)
{
	if (!dev->dom || is_killed(dev))
		return DMAH_ENODEV;
	if (!n || n > INT32_MAX)
		return DMAH_EINVAL;
	for (uint32_t i = 0; i < n; i++) {
		struct map_req req = {
			.phys = sg[i].phys, .len = sg[i].len, .dir = dir, .attrs = attrs
		};
		int err = dmah_map_check(dev, &req, sg[i].len);

		if (err)
			return err;
	}
	return DMAH_OK;
}

/* Returns true if a list is mapped as one IOVA range: behind an IOMMU, but not in passthrough. */
static bool one_range(const struct dmah_device *dev)
{
	return dev->dom->ops->map_sg && !domain_passes_through(dev->dom);
}

static struct addr_req piece_req(const struct dmah_sg *piece, enum dmah_dir dir, uint32_t attrs)
{
	return (struct addr_req){ .dma = piece->dma,
				  .phys = piece->phys,
				  .len = piece->len,
				  .dir = dir,
				  .attrs = attrs,
				  .has_phys = true };
}

/* Fill the fields of a handle that the history needs. */
static struct dmah piece_handle(const struct dmah_sg *piece, enum dmah_dir dir, bool later)
{
	return (struct dmah){ .dma = piece->dma,
			      .phys = piece->phys,
			      .len = piece->len,
			      .meta = (uint32_t)dir | (later ? META_LATER : 0) };
}

/*
 * End the mappings of the first @n entries, each with its own DMA address. Checks all of them
 * first.
 */
static int unmap_pieces(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
			uint32_t attrs)
{
	const struct backend_ops *ops = dev->dom->ops;
	int err = DMAH_OK;
	struct dmah h;

	for (uint32_t i = 0; i < n; i++) {
		struct addr_req req = piece_req(&sg[i], dir, attrs);

		err = ops->rebuild(dev, &h, &req);
		if (err)
			return err;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct addr_req req = piece_req(&sg[i], dir, attrs);
		int one = ops->rebuild(dev, &h, &req);

		if (!one) {
			dmah_history_unmap(dev, &h);
			one = ops->unmap(dev, &h, false);
		}
		err = err ? err : one;
	}
	return err;
}

static int map_pieces(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
		      uint32_t attrs)
{
	for (uint32_t i = 0; i < n; i++) {
		struct map_req req = {
			.phys = sg[i].phys, .len = sg[i].len, .dir = dir, .attrs = attrs
		};
		struct dmah h = { 0 };
		int err = dev->dom->ops->map(dev, &h, &req);

		if (err) {
			(void)unmap_pieces(dev, sg, i, dir, attrs);
			return err;
		}
		sg[i].dma = h.dma;
	}
	/* Decided in passthrough, but mapped behind the IOMMU: the mode has changed. */
	if (dev->dom->ops->map_sg && !domain_passes_through(dev->dom)) {
		int err = unmap_pieces(dev, sg, n, dir, attrs);

		return err == DMAH_ETIMEDOUT ? err : DMAH_EBUSY;
	}
	return DMAH_OK;
}

/* Merge the pieces' DMA addresses into segments, in place, in the first entries of the list. */
static int merge(const struct dmah_device *dev, struct dmah_sg *sg, uint32_t n)
{
	uint32_t nseg = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct dmah_sg *last = nseg ? &sg[nseg - 1] : NULL;
		dmah_addr_t dma = sg[i].dma;

		if (last && dmah_vec_merge(dev, last->dma, last->dma_len, dma, sg[i].len)) {
			last->dma_len += sg[i].len;
		} else {
			sg[nseg].dma = dma;
			sg[nseg++].dma_len = sg[i].len;
		}
	}
	for (uint32_t i = nseg; i < n; i++) {
		sg[i].dma = DMAH_BAD_ADDR;
		sg[i].dma_len = 0;
	}
	return (int)nseg;
}

/*
 * Undo merge(): give every entry its own DMA address. Returns false if segments and pieces do not
 * cover the same bytes.
 */
static bool split(struct dmah_sg *sg, uint32_t n)
{
	uint64_t pieces = 0, segments = 0;
	uint32_t nseg = 0, at = 0;

	for (uint32_t i = 0; i < n; i++)
		pieces += sg[i].len;
	for (; nseg < n && sg[nseg].dma_len; nseg++)
		segments += sg[nseg].dma_len;
	if (pieces != segments)
		return false;
	/* Every segment must end at the end of a piece, or this is not the list that was mapped. */
	for (uint32_t i = 0, seg = 0; i < n; i++) {
		if (seg == nseg || !sg[i].len || sg[i].len > sg[seg].dma_len - at)
			return false;
		at += sg[i].len;
		if (at == sg[seg].dma_len) {
			at = 0;
			seg++;
		}
	}
	/* Go backwards, so that no segment is overwritten before its last piece has its address. */
	for (uint32_t i = n, seg = nseg - 1, left = sg[seg].dma_len; i-- > 0;) {
		left -= sg[i].len;
		sg[i].dma = sg[seg].dma + left;
		if (!left && seg)
			left = sg[--seg].dma_len;
	}
	return true;
}

int dmah_addr_map_sg_caller(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n,
			    enum dmah_dir dir, uint32_t attrs, const void *caller)
{
	int err = check_list(dev, sg, n, dir, attrs);

	if (err == DMAH_ENODEV)
		return err;
	if (dmah_addr_barred(dev, 0, caller))
		return DMAH_ENOTSUP;
	if (!err)
		err = one_range(dev) ? dev->dom->ops->map_sg(dev, sg, n, dir, attrs)
				     : map_pieces(dev, sg, n, dir, attrs);
	if (!err) {
		for (uint32_t i = 0; i < n; i++) {
			struct dmah h = piece_handle(&sg[i], dir, i > 0 && one_range(dev));

			dmah_history_map(dev, &h, caller);
		}
		return merge(dev, sg, n);
	}
	count(dev, failed_maps, 1);
	for (uint32_t i = 0; i < n; i++) {
		sg[i].dma = DMAH_BAD_ADDR;
		sg[i].dma_len = 0;
	}
	return err;
}

int dmah_addr_map_sg(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
		     uint32_t attrs)
{
	return dmah_addr_map_sg_caller(dev, sg, n, dir, attrs, __builtin_return_address(0));
}

int dmah_addr_unmap_sg(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
		       uint32_t attrs)
{
	const void *caller = __builtin_return_address(0);
	int err;

	if (!dev->dom)
		return DMAH_ENODEV;
	if (dmah_addr_barred(dev, 0, caller))
		return DMAH_ENOTSUP;
	if (!n || !(dir & DMAH_BIDIRECTIONAL) || (unsigned int)dir > DMAH_BIDIRECTIONAL)
		return dmah_report_misuse(dev, DMAH_EINVAL,
					  "unmap of a scatter list without entries or direction", 0,
					  caller);
	if (!split(sg, n))
		return dmah_report_misuse(dev, DMAH_EINVAL,
					  "unmap of a scatter list that is not as it was mapped",
					  sg[0].dma, caller);
	err = one_range(dev) ? dev->dom->ops->unmap_sg(dev, sg, n, dir, attrs)
			     : unmap_pieces(dev, sg, n, dir, attrs);
	if (err && err != DMAH_ETIMEDOUT) {
		(void)merge(dev, sg, n);
		return dmah_report_misuse(dev, err, "unmap of a scatter list that is not mapped",
					  sg[0].dma, caller);
	}
	for (uint32_t i = 0; i < n; i++) {
		sg[i].dma = DMAH_BAD_ADDR;
		sg[i].dma_len = 0;
	}
	return err;
}

/* struct cursor - a position in a mapped list: piece @i begins @at bytes into segment @seg. */
struct cursor {
	uint32_t i;
	uint32_t seg;
	uint32_t at;
};

static dmah_addr_t place(const struct dmah_sg *sg, const struct cursor *c)
{
	return sg[c->seg].dma + c->at;
}

/* Advance to the next piece. Returns false if the list is not as it was mapped. */
static bool advance(const struct dmah_sg *sg, uint32_t n, struct cursor *c)
{
	c->at += sg[c->i].len;
	if (c->at == sg[c->seg].dma_len) {
		c->at = 0;
		c->seg++;
	}
	c->i++;
	return c->i == n || (c->seg < n && sg[c->i].len <= sg[c->seg].dma_len - c->at);
}

/*
 * Returns true if @n pieces are a whole mapped list. They must fill its segments; behind an IOMMU
 * they must also be one whole mapping. If each piece is a mapping of its own, filling the segments
 * is enough.
 */
static bool is_whole(const struct dmah_device *dev, const struct dmah_sg *sg, uint32_t n)
{
	struct cursor c = { 0 };
	dmah_addr_t last = 0;

	if (!n || sg[0].len > sg[0].dma_len)
		return false;
	while (c.i < n) {
		last = place(sg, &c) + sg[c.i].len - 1;
		if (!advance(sg, n, &c))
			return false;
	}
	if (c.at || (c.seg < n && sg[c.seg].dma_len))
		return false;
	return !one_range(dev) || dev->dom->ops->sg_whole(dev, sg[0].dma, last);
}

/*
 * Sync each piece by itself: the pieces of a segment have adjacent DMA addresses but not adjacent
 * memory.
 */
static int sync_list(struct dmah_device *dev, const struct dmah_sg *sg, uint32_t n,
		     enum dmah_dir dir, bool for_cpu, const void *caller)
{
	struct cursor c = { 0 };

	if (dmah_addr_barred(dev, 0, caller))
		return DMAH_ENOTSUP;
	if (!is_whole(dev, sg, n))
		return dmah_report_misuse(dev, DMAH_EINVAL,
					  "sync of a scatter list that is not as it was mapped",
					  n ? sg[0].dma : 0, caller);
	while (c.i < n) {
		struct addr_req req = {
			.dma = place(sg, &c), .phys = sg[c.i].phys, .dir = dir, .has_phys = true
		};
		int err = dmah_addr_sync(dev, &req, sg[c.i].len, for_cpu, caller);

		if (err)
			return err;
		(void)advance(sg, n, &c);
	}
	return DMAH_OK;
}

int dmah_addr_sync_sg_for_cpu(struct dmah_device *dev, const struct dmah_sg *sg, uint32_t n,
			      enum dmah_dir dir)
{
	return dev->dom ? sync_list(dev, sg, n, dir, true, __builtin_return_address(0))
			: DMAH_ENODEV;
}

int dmah_addr_sync_sg_for_device(struct dmah_device *dev, const struct dmah_sg *sg, uint32_t n,
				 enum dmah_dir dir)
{
	return dev->dom ? sync_list(dev, sg, n, dir, false, __builtin_return_address(0))
			: DMAH_ENODEV;
}
