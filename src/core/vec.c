/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/vec.h"
#include "backend/iommu/fast.h"
#include "base/buffer.h"
#include "base/check.h"
#include "base/count.h"
#include "core/map.h"

static int check_segs(const struct dmah_device *dev, const struct dmah_seg *segs, uint32_t n,
		      enum dmah_dir dir, uint32_t attrs, uint64_t *total)
{
	*total = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct map_req req = {
			.phys = segs[i].phys, .len = segs[i].len, .dir = dir, .attrs = attrs
		};
		int err = dmah_map_check(dev, &req, segs[i].len);

		if (err)
			return err;
		*total += segs[i].len;
	}
	return DMAH_OK;
}

#ifndef DMAH_CHECK
/* Returns false where the general path has to map. @err: the result. */
static bool map_fast(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
		     uint32_t n, enum dmah_dir dir, const void *caller, int *err)
{
	bool stands;

	if (!dmah_fast_map_vec(dev, v, segs, n, dir, caller, &stands))
		return false;
	if (stands)
		return true;
	/* The domain's mode changed meanwhile. */
	*err = dmah_unmap_vec(dev, v) == DMAH_ETIMEDOUT ? DMAH_ETIMEDOUT : DMAH_EBUSY;
	count(dev, failed_maps, 1);
	return true;
}
#endif

int dmah_map_vec_caller(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
			uint32_t n, enum dmah_dir dir, uint32_t attrs, const void *caller)
{
	const struct backend_ops *ops;
	uint64_t total;
	int err;

	if (v->nparts)
		return dev->dom ? dmah_report_misuse(dev, DMAH_EINVAL,
						     "map into a vector that is not idle", v->iova,
						     caller)
				: DMAH_EINVAL;
	if (!dev->dom || is_killed(dev))
		return DMAH_ENODEV;
	err = !n || n > v->max || !v->part || !v->seg ? DMAH_EINVAL : DMAH_OK;
#ifndef DMAH_CHECK
	if (!err && !attrs && map_fast(dev, v, segs, n, dir, caller, &err))
		return err;
#endif
	if (!err)
		err = check_segs(dev, segs, n, dir, attrs, &total);
	if (!err) {
		ops = dev->dom->ops;
		err = (ops->map_vec ? ops->map_vec : dmah_vec_map_pieces)(dev, v, segs, n, dir,
									  attrs);
	}
	if (err) {
		count(dev, failed_maps, 1);
		return err;
	}
	v->nparts = n;
	v->total = total;
	dmah_vec_merge_parts(dev, v);
	for (uint32_t i = 0; i < n; i++) {
		dmah_check_map(dev, &v->part[i]);
		dmah_history_map(dev, &v->part[i], caller);
	}
	return DMAH_OK;
}

int dmah_map_vec(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
		 uint32_t n, enum dmah_dir dir, uint32_t attrs)
{
	return dmah_map_vec_caller(dev, v, segs, n, dir, attrs, __builtin_return_address(0));
}

/* Returns true if bytes from @off on, @len of them, lie in a vector's parts. A damaged vector holds more or less than @total. */
static bool holds(const struct dmah_vec *v, uint64_t off, uint64_t len)
{
	uint64_t total = 0;

	for (uint32_t i = 0; v->nparts <= v->max && i < v->nparts; i++)
		total += v->part[i].len;
	return total == v->total && off <= total && len <= total - off;
}

static int check_parts(struct dmah_device *dev, const struct dmah_vec *v)
{
	if (!holds(v, 0, v->total))
		return DMAH_EINVAL;
	for (uint32_t i = 0; i < v->nparts; i++) {
		int err = dmah_handle_check(dev, &v->part[i], META_PART);

		if (err)
			return err;
		if (!(v->part[i].meta & META_LATER) != !i)
			return DMAH_EINVAL;
	}
	return DMAH_OK;
}

static void clear_vec(struct dmah_vec *v)
{
	for (uint32_t i = 0; i < v->nparts; i++)
		handle_end(&v->part[i]);
	v->nparts = v->nseg = v->granules = 0;
	v->iova = 0;
	v->total = 0;
}

int dmah_unmap_vec(struct dmah_device *dev, struct dmah_vec *v)
{
	const struct backend_ops *ops;
	uint32_t recorded = 0;
	int err;

	if (!v->nparts)
		return DMAH_OK;
	if (!dev->dom)
		return DMAH_ENODEV;
#ifndef DMAH_CHECK
	if (dmah_fast_unmap_vec(dev, v, &err)) {
		clear_vec(v);
		return err;
	}
#endif
	err = check_parts(dev, v);
	for (uint32_t i = 0; !err && i < v->nparts; i++) {
		err = dmah_check_unmap(dev, &v->part[i]);
		recorded += !err;
	}
	if (!err) {
		for (uint32_t i = 0; i < v->nparts; i++)
			dmah_history_unmap(dev, &v->part[i]);
		ops = dev->dom->ops;
		err = (ops->unmap_vec ? ops->unmap_vec : dmah_vec_unmap_pieces)(dev, v);
	}
	if (err && err != DMAH_ETIMEDOUT) {
		/* Only the backend sees that a vector is shorter than its mapping: its parts are live as before. */
		while (recorded)
			dmah_check_map(dev, &v->part[--recorded]);
		return dmah_report_misuse(dev, err, "unmap of a vector that is not live", v->iova,
					  __builtin_return_address(0));
	}
	clear_vec(v);
	return err;
}

static int sync_range(struct dmah_device *dev, const struct dmah_vec *v, uint64_t off, uint64_t len,
		      bool for_cpu)
{
	if (!v->nparts || !holds(v, off, len))
		return dev->dom ? dmah_report_misuse(dev, v->nparts ? DMAH_EINVAL : DMAH_ESTALE,
						     "sync beyond a vector", v->iova + off,
						     __builtin_return_address(0))
				: DMAH_ENODEV;
	for (uint32_t i = 0; len; i++) {
		const struct dmah *h = &v->part[i];
		uint64_t part;
		int err;

		if (off >= h->len) {
			off -= h->len;
			continue;
		}
		part = h->len - off < len ? h->len - off : len;
		err = (for_cpu ? dmah_sync_for_cpu : dmah_sync_for_device)(dev, h, (uint32_t)off,
									   (uint32_t)part);
		if (err)
			return err;
		len -= part;
		off = 0;
	}
	return DMAH_OK;
}

int dmah_vec_sync_for_cpu(struct dmah_device *dev, const struct dmah_vec *v, uint64_t off,
			  uint64_t len)
{
	return sync_range(dev, v, off, len, true);
}

int dmah_vec_sync_for_device(struct dmah_device *dev, const struct dmah_vec *v, uint64_t off,
			     uint64_t len)
{
	return sync_range(dev, v, off, len, false);
}
