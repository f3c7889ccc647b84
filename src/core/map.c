/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Map and unmap for every backend: checks arguments, limits and handles. */
#include "core/map.h"
#include "backend/direct.h"
#include "backend/iommu/block.h"
#include "backend/iommu/fast.h"
#include "base/buffer.h"
#include "base/check.h"
#include "base/count.h"

static int map_one(struct dmah_device *dev, struct dmah *h, const struct map_req *req, uint64_t len,
		   const void *caller)
{
	int err = dmah_map_check(dev, req, len);

	if (!err)
		err = dev->dom->ops->map(dev, h, req);
	if (err) {
		handle_clear(h);
		if (dev->dom)
			count(dev, failed_maps, 1);
		return err;
	}
	dmah_check_map(dev, h);
	dmah_history_map(dev, h, caller);
	return DMAH_OK;
}

static int map(struct dmah_device *dev, struct dmah *h, const struct map_req *req, uint64_t len,
	       const void *caller)
{
	/* Do not overwrite a live handle, because its mapping could never be unmapped. */
	if (h->meta)
		return dev->dom ? dmah_report_misuse(dev, DMAH_EINVAL,
						     "map into a handle that is not idle", h->dma,
						     caller)
				: DMAH_EINVAL;
	return map_one(dev, h, req, len, caller);
}

#ifndef DMAH_CHECK
/*
 * The functions out of line below are reached by jumps: they have as many arguments as fit into registers, and each tests what it
 * can do before it saves a register.
 */

/* Map without attributes what no fast path has mapped. */
__attribute__((noinline)) static int map_rest(struct dmah_device *dev, struct dmah *h,
					      dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
					      const void *caller)
{
	struct map_req req = { .phys = phys, .len = (uint32_t)len, .dir = dir };

	return map(dev, h, &req, len, caller);
}

/* Map without attributes what this CPU's cache had no granules for. */
__attribute__((noinline)) static int map_refill(struct dmah_device *dev, struct dmah *h,
						dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
						const void *caller)
{
	if (dmah_fast_map_refill(dev, h, phys, len, dir, caller))
		return DMAH_OK;
	return map_rest(dev, h, phys, len, dir, caller);
}

/* Map without attributes several granules behind an IOMMU. */
__attribute__((noinline)) static int map_many(struct dmah_device *dev, struct dmah *h,
					      dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
					      const void *caller)
{
	if (fast_map_many(dev, h, phys, len, dir, caller))
		return DMAH_OK;
	return map_refill(dev, h, phys, len, dir, caller);
}

/* Map without attributes, where the fast path of one granule behind an IOMMU has not done so. */
__attribute__((noinline)) static int map_more(struct dmah_device *dev, struct dmah *h,
					      dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
					      const void *caller)
{
	if (len == BLOCK_BYTES && dmah_block_map(dev, h, phys, dir, caller))
		return DMAH_OK;
	if (direct_fast_map(dev, h, phys, len, dir, caller))
		return DMAH_OK;
	return dev->fast ? map_many(dev, h, phys, len, dir, caller)
			 : map_rest(dev, h, phys, len, dir, caller);
}
#endif

/* Map with attributes: on the full path. */
static int map_full(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir, uint32_t attrs, const void *caller)
{
	struct map_req req = { .phys = phys, .len = (uint32_t)len, .dir = dir, .attrs = attrs };

	return map(dev, h, &req, len, caller);
}

/*
 * Map without attributes. Out of line as well: a function that reads its own return address saves registers before it tests
 * anything.
 */
__attribute__((noinline)) static int map_plain(struct dmah_device *dev, struct dmah *h,
					       dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
					       const void *caller)
{
#ifndef DMAH_CHECK
	if (fast_map(dev, h, phys, len, dir, caller))
		return DMAH_OK;
	return map_more(dev, h, phys, len, dir, caller);
#else
	return map_full(dev, h, phys, len, dir, 0, caller);
#endif
}

int dmah_map_caller(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir, uint32_t attrs, const void *caller)
{
	return attrs ? map_full(dev, h, phys, len, dir, attrs, caller)
		     : map_plain(dev, h, phys, len, dir, caller);
}

int dmah_map(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
	     enum dmah_dir dir, uint32_t attrs)
{
	return dmah_map_caller(dev, h, phys, len, dir, attrs, __builtin_return_address(0));
}

int dmah_map_memory(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir)
{
	return map_plain(dev, h, phys, len, dir, __builtin_return_address(0));
}

int dmah_map_bus_caller(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, dmah_addr_t bus,
			uint64_t len, enum dmah_dir dir, uint32_t attrs, const void *caller)
{
	struct map_req req = { .phys = phys,
			       .bus = bus,
			       .len = (uint32_t)len,
			       .dir = dir,
			       .attrs = attrs,
			       .has_bus = true };

	return map(dev, h, &req, len, caller);
}

int dmah_map_bus(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, dmah_addr_t bus,
		 uint64_t len, enum dmah_dir dir, uint32_t attrs)
{
	return dmah_map_bus_caller(dev, h, phys, bus, len, dir, attrs, __builtin_return_address(0));
}

int dmah_unmap_general(struct dmah_device *dev, struct dmah *h, uint32_t allow, const void *caller)
{
	int err = dmah_handle_check(dev, h, allow);

	if (!err)
		err = dmah_check_unmap(dev, h);
	if (err == DMAH_ENODEV)
		return err;
	if (!err) {
		dmah_history_unmap(dev, h);
		/*
		 * DMAH_ESTALE: another CPU has unmapped a copy of the handle since the check above.
		 */
		err = dev->dom->ops->unmap(dev, h, allow == META_COHERENT);
	}
	if (!err || err == DMAH_ETIMEDOUT) {
		handle_clear(h);
		return err;
	}
	return dmah_report_misuse(dev, err,
				  err == DMAH_ESTALE ? "unmap of a mapping that is not live"
						     : "unmap with a handle that does not fit",
				  h->dma, caller);
}

/* Unmap what no fast path has unmapped. */
__attribute__((noinline)) static int unmap_rest(struct dmah_device *dev, struct dmah *h)
{
	/* Report the caller of dmah_unmap(), which reaches this function by tail calls. */
	return h->meta ? dmah_unmap_general(dev, h, 0, __builtin_return_address(0)) : DMAH_OK;
}

#ifndef DMAH_CHECK
/* End a fast mapping of one granule that fast_unmap() left. */
__attribute__((noinline)) static int unmap_left(struct dmah_device *dev, struct dmah *h)
{
	int err = dmah_fast_unmap_one(dev, h);

	return err != DMAH_ESTALE ? err
				  : dmah_unmap_general(dev, h, 0, __builtin_return_address(0));
}

/* End a block. */
__attribute__((noinline)) static int unmap_block(struct dmah_device *dev, struct dmah *h)
{
	int err = dmah_block_unmap(dev, h);

	return err != DMAH_ESTALE ? err
				  : dmah_unmap_general(dev, h, 0, __builtin_return_address(0));
}

/* End a fast mapping where this CPU must take its lock. */
__attribute__((noinline)) static int unmap_any(struct dmah_device *dev, struct dmah *h)
{
	int err = h->meta ? dmah_fast_unmap_any(dev, h) : DMAH_OK;

	/* Not by unmap_rest(): a function that gave the address of a variable away makes no tail call. */
	return err != DMAH_ESTALE ? err
				  : dmah_unmap_general(dev, h, 0, __builtin_return_address(0));
}

/* End a mapping of several granules. */
__attribute__((noinline)) static int unmap_many(struct dmah_device *dev, struct dmah *h)
{
	return fast_unmap_many(dev, h) ? DMAH_OK : unmap_any(dev, h);
}

/* Unmap what fast_unmap() has not unmapped. */
__attribute__((noinline)) static int unmap_more(struct dmah_device *dev, struct dmah *h)
{
	uint32_t kind = h->meta & ~META_DIR;

	if (kind && kind == dev->fast)
		return unmap_left(dev, h);
	if (block_is_handle(h))
		return unmap_block(dev, h);
	if (direct_fast_unmap(dev, h))
		return DMAH_OK;
	return dev->fast ? unmap_many(dev, h) : unmap_rest(dev, h);
}
#endif

int dmah_unmap(struct dmah_device *dev, struct dmah *h)
{
#ifndef DMAH_CHECK
	return fast_unmap(dev, h) ? DMAH_OK : unmap_more(dev, h);
#else
	return unmap_rest(dev, h);
#endif
}

/* End the old mapping of a handle whose new mapping, @next, is made. Return: as dmah_replace(). */
__attribute__((noinline, cold)) static int replace_old(struct dmah_device *dev, struct dmah *h,
						       struct dmah *next, const void *caller)
{
	int err = dmah_unmap_general(dev, h, 0, caller);

	/* Refused. Where the hardware does not confirm that the new mapping has ended, the device may reach the new buffer. */
	if (err && err != DMAH_ETIMEDOUT)
		return dmah_unmap(dev, next) == DMAH_ETIMEDOUT ? DMAH_ETIMEDOUT : err;
	*h = *next;
	return err;
}

__attribute__((noinline)) static int replace_any(struct dmah_device *dev, struct dmah *h,
						 dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
						 const void *caller)
{
	struct dmah next = { 0 };
	int err = map_plain(dev, &next, phys, len, dir, caller);

	if (err)
		return err;
	if (!h->meta) {
		*h = next;
		return DMAH_OK;
	}
	return replace_old(dev, h, &next, caller);
}

#ifndef DMAH_CHECK
/* Replace where fast_replace() cannot: in strict mode, or where this CPU must take its lock. */
__attribute__((noinline)) static int replace_more(struct dmah_device *dev, struct dmah *h,
						  dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
						  const void *caller)
{
	dmah_addr_t dma;
	uint64_t entry;
	int err;

	if (!h->meta || (h->meta & ~META_DIR) != dev->fast ||
	    !fast_map_entry(dev, phys, len, dir, caller, &dma, &entry))
		return replace_any(dev, h, phys, len, dir, caller);
	err = dmah_fast_unmap_one(dev, h);
	if (err == DMAH_ESTALE) {
		struct dmah next;

		fast_fill(dev, &next, dma, phys, entry, len, dir);
		return replace_old(dev, h, &next, caller);
	}
	fast_fill(dev, h, dma, phys, entry, len, dir);
	return err;
}

/* Replace in lazy mode. */
__attribute__((noinline)) static int replace_lazy(struct dmah_device *dev, struct dmah *h,
						  dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
						  const void *caller)
{
	if (fast_replace(dev, h, phys, len, dir, caller))
		return DMAH_OK;
	return replace_more(dev, h, phys, len, dir, caller);
}
#endif

int dmah_replace(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		 enum dmah_dir dir)
{
	const void *caller = __builtin_return_address(0);

#ifndef DMAH_CHECK
	if ((h->meta & ~META_DIR) == hint_load(&dev->fast_lazy))
		return replace_lazy(dev, h, phys, len, dir, caller);
	return replace_more(dev, h, phys, len, dir, caller);
#else
	return replace_any(dev, h, phys, len, dir, caller);
#endif
}
