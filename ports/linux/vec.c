// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scattered buffers: a handle for each piece, and what the device is given for them.
 */
#include <linux/export.h>
#include <linux/slab.h>

#include "client.h"
#include "domain.h"
#include "pool.h"
#include "trace.h"

int dmah_vec_alloc(struct dmah_vec *v, u32 max, gfp_t gfp)
{
	*v = (struct dmah_vec){ .max = max };
	v->part = kvcalloc(max, sizeof(*v->part), gfp);
	v->seg = kvcalloc(max, sizeof(*v->seg), gfp);
	if (v->part && v->seg)
		return 0;
	dmah_vec_free(v);
	return -ENOMEM;
}
EXPORT_SYMBOL_GPL(dmah_vec_alloc);

void dmah_vec_free(struct dmah_vec *v)
{
	WARN_ON_ONCE(v->nparts);
	kvfree(v->part);
	kvfree(v->seg);
	*v = (struct dmah_vec){};
}
EXPORT_SYMBOL_GPL(dmah_vec_free);

static void vec_clear(struct dmah_vec *v, u32 n)
{
	for (u32 i = 0; i < n; i++)
		handle_clear(&v->part[i]);
	v->nseg = 0;
	v->nparts = 0;
	v->granules = 0;
	v->iova = 0;
	v->total = 0;
}

/* Neighbours become one segment where the device may be given them as one. */
static void merge(struct client *c, struct dmah_vec *v)
{
	u64 boundary = dma_get_seg_boundary(c->dev), max = dma_get_max_seg_size(c->dev);
	struct dmah_dma_seg *last = NULL;

	v->nseg = 0;
	for (u32 i = 0; i < v->nparts; i++) {
		const struct dmah *part = &v->part[i];

		v->total += part->len;
		if (last && last->dma + last->len == part->dma &&
		    (u64)last->len + part->len <= max &&
		    !((last->dma ^ (part->dma + part->len - 1)) & ~boundary)) {
			last->len += part->len;
			continue;
		}
		last = &v->seg[v->nseg++];
		last->dma = part->dma;
		last->len = part->len;
	}
}

/* Of a vector whose map fails. */
static void undo(struct client *c, struct dmah_vec *v, u32 n, unsigned long caller)
{
	if (client_pool(c)) {
		(void)pool_unmap_set(c, v->part, n, META_PART, caller);
		return;
	}
	while (n--)
		(void)unmap_handle(c, &v->part[n], META_PART, DMA_ATTR_SKIP_CPU_SYNC, caller);
}

static int one_by_one(struct client *c, struct dmah_vec *v, u32 n, const struct request *req)
{
	for (u32 i = 0; i < n; i++) {
		struct request one = *req;
		u32 taken = 0;
		int err;

		if (n - i > 1 && client_pool(c) && !req->attrs)
			taken = pool_map_pieces(c, &v->part[i], n - i, req->meta, req->caller);
		if (taken) {
			i += taken - 1;
			continue;
		}
		one.phys = v->part[i].phys;
		one.len = v->part[i].len;
		if (client_pool(c) && !req->attrs &&
		    pool_map_fast(c, &v->part[i], one.phys, one.len, req->meta, req->caller))
			continue;
		err = map_request(c, &v->part[i], &one);
		if (!err)
			continue;
		undo(c, v, i, req->caller);
		return err;
	}
	return 0;
}

/* The pieces' addresses and lengths are in v->part. */
static int map_parts(struct client *c, struct dmah_vec *v, u32 n, enum dma_data_direction dir,
		     unsigned long attrs, unsigned long caller)
{
	struct request req = { .meta = meta_from_dir(dir) | META_PART,
			       .attrs = attrs,
			       .caller = caller };
	int err = client_domain(c) ? domain_map_parts(c, v, n, &req) : -EOPNOTSUPP;

	if (err == -EOPNOTSUPP) {
		err = one_by_one(c, v, n, &req);
	} else if (err) {
		client_count(c, failed_maps, 1);
	} else {
		client_count(c, maps, n);
		for (u32 i = 0; i < n; i++)
			trace_dma_map_phys(c->dev, &v->part[i], caller);
	}
	if (err) {
		vec_clear(v, n);
		return err;
	}
	v->nparts = n;
	merge(c, v);
	return 0;
}

static int vec_check(struct client *c, const struct dmah_vec *v, u32 n, enum dma_data_direction dir,
		     unsigned long caller)
{
	const char *what = NULL;

	if (v->nparts)
		what = "map into a vector that is not idle";
	else if (!n || n > v->max)
		what = "map of more pieces than the vector has room for, or none";
	else if (!valid_dma_direction(dir))
		what = "map without a direction";
	if (!what)
		return 0;
	client_count(c, failed_maps, 1);
	return misuse_handle(c, -EINVAL, v->nparts ? v->part : &(struct dmah){}, what, caller);
}

static int piece(struct dmah_vec *v, u32 i, struct page *page, size_t offset, size_t len)
{
	if (!len || len > U32_MAX)
		return -EINVAL;
	v->part[i] = (struct dmah){ .phys = page_to_phys(page) + offset, .len = (u32)len };
	return 0;
}

int dmah_map_sg(struct device *dev, struct dmah_vec *v, struct scatterlist *sgl, unsigned int nents,
		enum dma_data_direction dir, unsigned long attrs)
{
	struct client *c = client_of(dev);
	struct scatterlist *sg;
	unsigned int i;
	int err;

	if (!c)
		return -ENODEV;
	err = vec_check(c, v, nents, dir, _RET_IP_);
	if (err)
		return err;
	for_each_sg(sgl, sg, nents, i) {
		err = piece(v, i, sg_page(sg), sg->offset, sg->length);
		if (err) {
			vec_clear(v, i);
			return err;
		}
	}
	return map_parts(c, v, nents, dir, attrs, _RET_IP_);
}
EXPORT_SYMBOL_GPL(dmah_map_sg);

int dmah_map_bvecs(struct device *dev, struct dmah_vec *v, const struct bio_vec *bv, unsigned int n,
		   enum dma_data_direction dir, unsigned long attrs)
{
	struct client *c = client_of(dev);
	int err;

	if (!c)
		return -ENODEV;
	err = vec_check(c, v, n, dir, _RET_IP_);
	if (err)
		return err;
	for (unsigned int i = 0; i < n; i++) {
		err = piece(v, i, bv[i].bv_page, bv[i].bv_offset, bv[i].bv_len);
		if (err) {
			vec_clear(v, i);
			return err;
		}
	}
	return map_parts(c, v, n, dir, attrs, _RET_IP_);
}
EXPORT_SYMBOL_GPL(dmah_map_bvecs);

int dmah_unmap_vec(struct device *dev, struct dmah_vec *v)
{
	struct client *c = client_of(dev);
	u32 n = v->nparts;
	int err = 0, one;

	if (!n)
		return 0;
	if (!c)
		return -ENODEV;
	if (v->granules) {
		if (!client_domain(c))
			return misuse_handle(c, -EINVAL, v->part, "a handle of another device",
					     _RET_IP_);
		err = domain_unmap_parts(c, v, _RET_IP_);
		if (err)
			return err;
		client_count(c, unmaps, n);
		for (u32 i = 0; i < n; i++)
			trace_dma_unmap_phys(c->dev, &v->part[i], _RET_IP_);
		vec_clear(v, n);
		return 0;
	}
	if (client_pool(c)) {
		err = pool_unmap_set(c, v->part, n, META_PART, _RET_IP_);
		vec_clear(v, n);
		return err;
	}
	for (u32 i = 0; i < n; i++) {
		one = unmap_handle(c, &v->part[i], META_PART, 0, _RET_IP_);
		err = err ? err : one;
	}
	/* A piece that was refused belongs to another mapping, or is not live. */
	vec_clear(v, n);
	return err;
}
EXPORT_SYMBOL_GPL(dmah_unmap_vec);

static int vec_sync(struct device *dev, const struct dmah_vec *v, u64 off, u64 len, bool for_cpu,
		    unsigned long caller)
{
	struct client *c = client_of(dev);
	const struct dmah *head = v->part;
	u64 at = 0;
	int err;

	if (!c)
		return -ENODEV;
	if (off > v->total || len > v->total - off)
		return misuse_handle(c, -EINVAL, v->nparts ? v->part : &(struct dmah){},
				     "sync beyond the end of the mapping", caller);
	for (u32 i = 0; i < v->nparts && len; i++) {
		const struct dmah *part = &v->part[i];
		u64 from = max(off, at), to = min(off + len, at + part->len);

		if (meta_kind(part->meta) != KIND_COVERED)
			head = part;
		if (from < to && head->meta & META_SYNC) {
			/* Only a slot's first piece can say whether all of them are live. */
			err = head == part ? 0 : sync_handle(c, head, 0, 0, for_cpu, caller);
			if (!err)
				err = sync_handle(c, part, from - at, to - from, for_cpu, caller);
			if (err)
				return err;
		}
		at += part->len;
	}
	return 0;
}

int dmah_vec_sync_for_cpu(struct device *dev, const struct dmah_vec *v, u64 off, u64 len)
{
	return vec_sync(dev, v, off, len, true, _RET_IP_);
}
EXPORT_SYMBOL_GPL(dmah_vec_sync_for_cpu);

int dmah_vec_sync_for_device(struct device *dev, const struct dmah_vec *v, u64 off, u64 len)
{
	return vec_sync(dev, v, off, len, false, _RET_IP_);
}
EXPORT_SYMBOL_GPL(dmah_vec_sync_for_device);
