// SPDX-License-Identifier: GPL-2.0-only
/*
 * Map, unmap and sync of one buffer, in either mode: checks of the arguments, counters and trace
 * events.
 */
#include <linux/export.h>

#include "client.h"
#include "domain.h"
#include "map.h"
#include "pool.h"
#include "trace.h"

static int not_attached(struct device *dev, const char *what)
{
	dev_err_ratelimited(dev, "dmah: %s, but the device is not attached\n", what);
	return -ENODEV;
}

static __always_inline int mapped(struct client *c, const struct dmah *h, unsigned long caller,
				  int err)
{
	if (unlikely(err)) {
		client_count(c, failed_maps, 1);
		return err;
	}
	client_count(c, maps, 1);
	trace_dma_map_phys(c->dev, h, caller);
	return 0;
}

int map_request(struct client *c, struct dmah *h, const struct request *req)
{
	if (client_domain(c))
		return mapped(c, h, req->caller, domain_map(c, h, req));
	/* The kernel's DMA API maps a buffer that no slot holds, in the same domain. */
	if (client_pool(c) && !pool_map(c, h, req))
		return mapped(c, h, req->caller, 0);
	return mapped(c, h, req->caller, wrap_map(c, h, req));
}

static noinline int bad_map(struct client *c, const struct dmah *h, size_t len,
			    enum dma_data_direction dir, unsigned long caller)
{
	client_count(c, failed_maps, 1);
	if (h->meta)
		return misuse_handle(c, -EINVAL, h, "map into a handle that is not idle", caller);
	return misuse_handle(c, -EINVAL, &(struct dmah){ .len = (u32)min_t(size_t, len, U32_MAX) },
			     valid_dma_direction(dir) ? "map of a length that cannot be mapped"
						      : "map without a direction",
			     caller);
}

int map_buffer(struct device *dev, struct dmah *h, phys_addr_t phys, size_t len,
	       enum dma_data_direction dir, unsigned long attrs, unsigned long caller)
{
	struct client *c = client_of(dev);
	struct request req;

	if (unlikely(!c))
		return not_attached(dev, "map");
	if (unlikely(h->meta || len - 1 >= U32_MAX || !valid_dma_direction(dir)))
		return bad_map(c, h, len, dir, caller);
	req = (struct request){ .phys = phys,
				.len = (u32)len,
				.meta = meta_from_dir(dir),
				.attrs = attrs,
				.caller = caller };
	return map_request(c, h, &req);
}

int __dmah_map_page_attrs(struct device *dev, struct dmah *h, struct page *page, size_t offset,
			  size_t len, enum dma_data_direction dir, unsigned long attrs)
{
	return map_buffer(dev, h, page_to_phys(page) + offset, len, dir, attrs, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__dmah_map_page_attrs);

int dmah_map_resource(struct device *dev, struct dmah *h, phys_addr_t phys, size_t len,
		      enum dma_data_direction dir, unsigned long attrs)
{
	struct client *c = client_of(dev);
	struct request req;

	if (!c)
		return not_attached(dev, "map");
	if (h->meta || len - 1 >= U32_MAX || !valid_dma_direction(dir))
		return bad_map(c, h, len, dir, _RET_IP_);
	req = (struct request){ .phys = phys,
				.len = (u32)len,
				.meta = meta_from_dir(dir) | META_MMIO,
				.attrs = attrs,
				.caller = _RET_IP_ };
	return map_request(c, h, &req);
}
EXPORT_SYMBOL_GPL(dmah_map_resource);

int dmah_map_bus(struct device *dev, struct dmah *h, phys_addr_t phys, dma_addr_t bus, size_t len,
		 enum dma_data_direction dir, unsigned long attrs)
{
	struct client *c = client_of(dev);
	struct request req;

	if (!c)
		return not_attached(dev, "map");
	if (h->meta || len - 1 >= U32_MAX || !valid_dma_direction(dir) ||
	    offset_in_page(phys) != offset_in_page(bus))
		return bad_map(c, h, len, dir, _RET_IP_);
	req = (struct request){ .phys = phys,
				.len = (u32)len,
				.meta = meta_from_dir(dir),
				.attrs = attrs,
				.caller = _RET_IP_ };
	/*
	 * An address without a struct page is a peer's registers, or memory that the kernel does
	 * not know.
	 */
	if (!pfn_valid(PHYS_PFN(phys)) && c->coherent)
		req.meta |= META_MMIO;
	return mapped(c, h, _RET_IP_,
		      client_domain(c) ? domain_map_bus(c, h, &req, bus)
				       : wrap_map_bus(c, h, &req, bus));
}
EXPORT_SYMBOL_GPL(dmah_map_bus);

void __dmah_moved(struct dmah *h)
{
	struct client *c = client_numbered(h->meta);

	if (!c || !c->check)
		return;
	if (meta_kind(h->meta) == KIND_POOL) {
		if (client_pool(c))
			pool_moved(c, h);
		return;
	}
	if (!h->backend)
		return;
	if (client_domain(c))
		h->backend = (uintptr_t)h;
	else
		record_moved(&c->records, h->backend, h);
}
EXPORT_SYMBOL_GPL(__dmah_moved);

int client_check(struct client *c, const struct dmah *h, u32 allow, const char *what,
		 unsigned long caller)
{
	u32 kind = meta_kind(h->meta);
	const struct dmah *home = h;
	bool live = true;

	if ((h->meta & META_DEVICE) != c->meta)
		return misuse_handle(c, -EINVAL, h, "a handle of another device", caller);
	if ((h->meta & (META_PART | META_COHERENT)) != allow ||
	    (kind == KIND_DOMAIN) != !!client_domain(c) || (kind == KIND_POOL && !client_pool(c)))
		return misuse_handle(c, -EINVAL, h, "a handle that does not fit the call", caller);
	if (client_domain(c))
		live = domain_check(c, h, &home);
	else if (kind == KIND_POOL)
		live = pool_check(c, h, &home);
	else if ((c->check && h->backend) || kind == KIND_COHERENT)
		live = record_check(&c->records, h->backend, h, &home);
	if (!live)
		return misuse_handle(c, -ESTALE, h, what, caller);
	/*
	 * A driver that copies a structure has two live handles of one mapping, and mostly forgets
	 * one of them. With check=1 a mapping knows the address of its handle; dmah_move() changes
	 * it.
	 */
	if (unlikely(home != h) && c->check && !(h->meta & META_PART))
		report_copy(c, h, caller);
	return 0;
}

static int unmap_wrapped(struct client *c, struct dmah *h, u32 allow, unsigned long attrs,
			 unsigned long caller)
{
	int err = client_check(c, h, allow, "unmap of a mapping that is not live", caller);

	if (err)
		return err;
	/* Again, as it goes: of two unmaps at one time one is too late. */
	if (c->check && h->backend && !record_remove(&c->records, h->backend, h, NULL))
		return misuse_handle(c, -ESTALE, h, "unmap of a mapping that is not live", caller);
	wrap_unmap(c, h, attrs);
	return 0;
}

int unmap_handle(struct client *c, struct dmah *h, u32 allow, unsigned long attrs,
		 unsigned long caller)
{
	int err;

	if (client_domain(c))
		err = domain_unmap(c, h, allow, attrs, caller);
	else if (client_pool(c) && meta_kind(h->meta) == KIND_POOL)
		err = pool_unmap(c, h, allow, attrs, caller);
	else
		err = unmap_wrapped(c, h, allow, attrs, caller);
	if (unlikely(err))
		return err;
	client_count(c, unmaps, 1);
	trace_dma_unmap_phys(c->dev, h, caller);
	handle_clear(h);
	return 0;
}

int unmap_buffer(struct device *dev, struct dmah *h, unsigned long attrs, unsigned long caller)
{
	struct client *c = client_of(dev);

	if (unlikely(!c))
		return not_attached(dev, "unmap");
	return unmap_handle(c, h, 0, attrs, caller);
}

int __dmah_unmap_attrs(struct device *dev, struct dmah *h, unsigned long attrs)
{
	return unmap_buffer(dev, h, attrs, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__dmah_unmap_attrs);

int sync_handle(struct client *c, const struct dmah *h, size_t off, size_t len, bool for_cpu,
		unsigned long caller)
{
	int err = client_check(c, h, h->meta & META_PART, "sync of a mapping that is not live",
			       caller);

	if (err)
		return err;
	if (off > h->len || len > h->len - off)
		return misuse_handle(c, -EINVAL, h, "sync beyond the end of the mapping", caller);
	if (!len)
		return 0;
	client_count(c, syncs, 1);
	if (for_cpu)
		trace_dma_sync_single_for_cpu(c->dev, h, (u32)off, (u32)len, caller);
	else
		trace_dma_sync_single_for_device(c->dev, h, (u32)off, (u32)len, caller);
	if (client_domain(c))
		domain_sync(c, h, (u32)off, (u32)len, for_cpu);
	else if (client_pool(c) && meta_kind(h->meta) == KIND_POOL)
		pool_sync(c, h, (u32)off, (u32)len, for_cpu);
	else
		wrap_sync(c, h, (u32)off, (u32)len, for_cpu);
	return 0;
}

int __dmah_sync(struct device *dev, const struct dmah *h, size_t off, size_t len, bool for_cpu)
{
	struct client *c = client_of(dev);

	if (!c)
		return not_attached(dev, "sync");
	return sync_handle(c, h, off, len, for_cpu, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__dmah_sync);

bool dmah_expect(struct device *dev, const struct dmah *h, dma_addr_t dma, size_t len,
		 enum dma_data_direction dir)
{
	struct client *c = client_of(dev);
	const char *what = NULL;

	if (!c) {
		not_attached(dev, "expect");
		return false;
	}
	if (!h->meta)
		what = "the driver believes in a mapping that is idle";
	else if (dma != h->dma)
		what = "the driver has another DMA address";
	else if (len != h->len)
		what = "the driver has another length";
	else if (dir != dmah_dir(h))
		what = "the driver has another direction";
	if (!what)
		return true;
	misuse_handle(c, -EINVAL, h, what, _RET_IP_);
	return false;
}
EXPORT_SYMBOL_GPL(dmah_expect);
