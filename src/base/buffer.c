/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/buffer.h"
#include "base/pool.h"
#include "base/count.h"

static void count_lines(struct dmah_device *dev, uint64_t lines)
{
	count(dev, maintained_lines, lines);
}

/*
 * Maintain page by page through the hypervisor, by machine address, because the kernel does not map
 * the page.
 */
static void maintain_by_bus(struct dmah_device *dev, enum dmah_cache_op op, dmah_addr_t bus,
			    uint64_t len)
{
	const struct dmah_domain_config *cfg = &dev->dom->cfg;

	while (len) {
		uint64_t chunk = DMAH_PAGE_SIZE - (bus & (DMAH_PAGE_SIZE - 1));

		if (chunk > len)
			chunk = len;
		count(dev, hypercalls, 1);
		if (cfg->xen->cache(cfg->xen_ctx, op, bus, chunk))
			dmah_host_report(dev, DMAH_EINVAL,
					 "the hypervisor refused cache maintenance", bus,
					 __builtin_return_address(0));
		bus += chunk;
		len -= chunk;
	}
}

static void maintain_lines(struct dmah_device *dev, enum dmah_cache_op op, dmah_phys_t phys,
			   dmah_addr_t bus, uint64_t len)
{
	const struct dmah_domain_config *cfg = &dev->dom->cfg;

	if (!len)
		return;
	count_lines(dev, len / cfg->cache_line);
	if (cfg->backend == DMAH_BACKEND_XEN && !cfg->xen->has_mapping(cfg->xen_ctx, phys))
		maintain_by_bus(dev, op, bus, len);
	else
		dmah_host_cache(op, phys, len);
}

/*
 * Maintain every line that the range touches. Invalidating a line at the edge would discard the
 * CPU's writes to other bytes in the line, so edge lines are flushed instead. A caller that cannot
 * allow a flush bounces them.
 */
static void maintain(struct dmah_device *dev, enum dmah_cache_op op, dmah_phys_t phys,
		     dmah_addr_t bus, uint64_t len)
{
	uint64_t line = dev->dom->cfg.cache_line, first = phys & ~(line - 1), inner,
		 end = phys + len, last;

	bus -= phys - first;
	last = (end + line - 1) & ~(line - 1);
	if (op != DMAH_CACHE_INVALIDATE) {
		maintain_lines(dev, op, first, bus, last - first);
		return;
	}
	inner = (phys + line - 1) & ~(line - 1);
	end &= ~(line - 1);
	if (inner >= end) {
		maintain_lines(dev, DMAH_CACHE_FLUSH, first, bus, last - first);
		return;
	}
	maintain_lines(dev, DMAH_CACHE_FLUSH, first, bus, inner - first);
	maintain_lines(dev, DMAH_CACHE_INVALIDATE, inner, bus + (inner - first), end - inner);
	maintain_lines(dev, DMAH_CACHE_FLUSH, end, bus + (end - first), last - end);
}

static uint32_t min3(uint32_t a, uint32_t b, uint32_t c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

static uint32_t to_page_end(dmah_phys_t phys)
{
	return DMAH_PAGE_SIZE - (uint32_t)(phys & (DMAH_PAGE_SIZE - 1));
}

static void copy(struct dmah_device *dev, dmah_phys_t dst, dmah_phys_t src, uint32_t len)
{
	count(dev, bounced_bytes, len);
	while (len) {
		uint32_t chunk = min3(len, to_page_end(dst), to_page_end(src));
		void *to = dmah_host_phys_map(dst, chunk), *from = dmah_host_phys_map(src, chunk);

		__builtin_memcpy(to, from, chunk);
		dmah_host_phys_unmap(from, src, chunk);
		dmah_host_phys_unmap(to, dst, chunk);
		dst += chunk;
		src += chunk;
		len -= chunk;
	}
}

static void zero(dmah_phys_t phys, uint32_t len)
{
	while (len) {
		uint32_t chunk = to_page_end(phys);
		void *at;

		chunk = chunk < len ? chunk : len;
		at = dmah_host_phys_map(phys, chunk);
		__builtin_memset(at, 0, chunk);
		dmah_host_phys_unmap(at, phys, chunk);
		phys += chunk;
		len -= chunk;
	}
}

/*
 * Describe a handle's bytes: the first @head_len lie in a head slot, the last @tail_len in a tail
 * slot.
 */
struct pieces {
	struct pool_slot *head;
	struct pool_slot *tail;
	uint32_t head_len;
	uint32_t tail_len;
};

/* Return the record of a live slot or, with @retired, of a slot that unmap has just retired. */
static struct pool_slot *record(const struct dmah_device *dev, uint32_t token, bool retired)
{
	struct dmah_pool *pool = dev->dom->cfg.pool;

	return retired ? dmah_pool_slot_retired(pool, token)
		       : dmah_pool_slot_of(pool, token, dev->dom, dev->number);
}

static bool split(const struct dmah_device *dev, const struct dmah *h, bool retired,
		  struct pieces *p)
{
	*p = (struct pieces){ 0 };
	if (!has_slots(h))
		return true;
	if (token_head(h->backend)) {
		p->head = record(dev, token_head(h->backend), retired);
		if (!p->head || p->head->len > h->len)
			return false;
		p->head_len = p->head->len;
	}
	if (token_tail(h->backend)) {
		p->tail = record(dev, token_tail(h->backend), retired);
		if (!p->tail || p->tail->len > h->len - p->head_len)
			return false;
		p->tail_len = p->tail->len;
	}
	return true;
}

/* Returns true if a slot's record fits the length, direction and attributes of the handle. */
static bool fits(const struct dmah *h, const struct pool_slot *slot)
{
	return slot->whole == h->len && slot->dir == meta_dir(h->meta) && !(h->meta & META_MMIO);
}

bool dmah_buffer_check(const struct dmah_device *dev, const struct dmah *h)
{
	bool iommu = meta_kind(h->meta) == DMAH_BACKEND_IOMMU;
	dmah_phys_t first = h->phys;
	struct pieces p;

	if (!has_slots(h)) {
		if (meta_is_fast(h->meta))
			return true;
		if (!is_coherent(dev->limits.flags) || h->meta & META_COHERENT)
			return h->backend == handle_seal(h, h->backend);
		return !h->backend || (h->meta & META_HAS_BUS && iommu);
	}
	/* Without an IOMMU one slot stands in for all of the buffer. */
	if (!iommu && (!token_head(h->backend) || token_tail(h->backend)))
		return false;
	if (!split(dev, h, false, &p) ||
	    h->backend != token_pair(token_head(h->backend), token_tail(h->backend)))
		return false;
	if (p.head) {
		if (!fits(h, p.head) || p.head->orig != h->phys)
			return false;
		first = dmah_pool_phys(dev->dom->cfg.pool, token_head(h->backend));
	}
	if (p.tail && (!fits(h, p.tail) || p.tail->orig + p.tail_len != h->phys + h->len))
		return false;
	/* Compare only the offset: the backend compares the rest of the DMA address. */
	return meta_kind(h->meta) == DMAH_BACKEND_DIRECT ||
	       !((first ^ h->dma) & (DMAH_PAGE_SIZE - 1));
}

bool dmah_buffer_check_sync(const struct dmah_device *dev, const struct dmah *h)
{
	bool no_sync = h->meta & META_NO_SYNC;
	struct pieces p;

	if (meta_is_fast(h->meta))
		return !(h->meta & ~(META_DIR | META_KIND | META_DEVICE));
	if (!has_slots(h))
		return (h->meta & META_SYNC) == dmah_buffer_needs_sync(dev, 0, h->meta);
	return (h->meta & META_SYNC) == dmah_buffer_needs_sync(dev, h->backend, h->meta) &&
	       !(h->meta & META_COHERENT) && split(dev, h, false, &p) &&
	       (!p.head || p.head->no_sync == no_sync) && (!p.tail || p.tail->no_sync == no_sync);
}

static bool needs_cache(const struct dmah_device *dev, const struct dmah *h)
{
	return !is_coherent(dev->limits.flags) && !(h->meta & (META_MMIO | META_COHERENT));
}

/*
 * Intersect [@off, @off + @len) with [@from, @from + @n). Sets *@at to the begin, relative to
 * @from.
 * Return: bytes in the intersection.
 */
static uint32_t overlap(uint32_t off, uint32_t len, uint32_t from, uint32_t n, uint32_t *at)
{
	uint64_t end = (uint64_t)off + len, stop = (uint64_t)from + n;

	if (off >= stop || end <= from)
		return 0;
	*at = off > from ? off - from : 0;
	return (uint32_t)((end < stop ? end : stop) - from) - *at;
}

static void sync_slot(struct dmah_device *dev, const struct dmah *h, uint32_t token,
		      const struct pool_slot *slot, uint32_t at, uint32_t len, bool for_cpu,
		      bool filling)
{
	dmah_phys_t phys = dmah_pool_phys(dev->dom->cfg.pool, token) + at;
	/*
	 * Only hypercalls use a slot's machine address, and the kernel maps its own pool, so none
	 * is needed.
	 */
	dmah_addr_t bus = phys;

	if (for_cpu) {
		if (!(meta_dir(h->meta) & DMAH_FROM_DEVICE))
			return;
		if (needs_cache(dev, h))
			maintain(dev, DMAH_CACHE_INVALIDATE, phys, bus, len);
		copy(dev, slot->orig + at, phys, len);
		return;
	}
	if (filling || meta_dir(h->meta) & DMAH_TO_DEVICE)
		copy(dev, phys, slot->orig + at, len);
	if (needs_cache(dev, h))
		maintain(dev, DMAH_CACHE_CLEAN, phys, bus, len);
}

static void transfer(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len,
		     bool for_cpu, bool filling, bool retired)
{
	uint32_t at, n;
	struct pieces p;

	if (!split(dev, h, retired, &p))
		return;
	n = overlap(off, len, 0, p.head_len, &at);
	if (n)
		sync_slot(dev, h, token_head(h->backend), p.head, at, n, for_cpu, filling);
	n = overlap(off, len, p.head_len, h->len - p.head_len - p.tail_len, &at);
	/*
	 * Clean before every transfer to the device, in every direction. A dirty line could be
	 * evicted over the device's writes; invalidating the line instead would show the device the
	 * old content of the memory.
	 */
	if (n && needs_cache(dev, h) && (!for_cpu || meta_dir(h->meta) & DMAH_FROM_DEVICE))
		maintain(dev, for_cpu ? DMAH_CACHE_INVALIDATE : DMAH_CACHE_CLEAN,
			 h->phys + p.head_len + at, h->dma + p.head_len + at, n);
	n = overlap(off, len, h->len - p.tail_len, p.tail_len, &at);
	if (n)
		sync_slot(dev, h, token_tail(h->backend), p.tail, at, n, for_cpu, filling);
}

/* Zero a slot around the buffer, because an untrusted device sees whole granules. */
static void pad(struct dmah_device *dev, uint32_t token, const struct pool_slot *slot)
{
	dmah_phys_t data = dmah_pool_phys(dev->dom->cfg.pool, token), start = data - slot->offset;
	dmah_phys_t end = start + ((uint64_t)slot->units << POOL_UNIT_SHIFT);

	/*
	 * The device may have written around the buffer of a previous mapping. A CPU that drops
	 * stores of an unchanged value would not make a cached zero line dirty, so invalidate
	 * before zeroing.
	 */
	if (!is_coherent(dev->limits.flags))
		maintain(dev, DMAH_CACHE_INVALIDATE, start, start, end - start);
	zero(start, slot->offset);
	zero(data + slot->len, (uint32_t)(end - data - slot->len));
	if (!is_coherent(dev->limits.flags))
		maintain(dev, DMAH_CACHE_CLEAN, start, start, end - start);
}

void dmah_buffer_give(struct dmah_device *dev, const struct dmah *h)
{
	struct pieces p;

	if (!(h->meta & META_SYNC))
		return;
	if (dev->limits.flags & DMAH_DEV_UNTRUSTED && split(dev, h, false, &p)) {
		if (p.head)
			pad(dev, token_head(h->backend), p.head);
		if (p.tail)
			pad(dev, token_tail(h->backend), p.tail);
	}
	if (has_slots(h) || !(h->meta & META_NO_SYNC))
		transfer(dev, h, 0, h->len, false, true, false);
}

void dmah_buffer_take(struct dmah_device *dev, const struct dmah *h)
{
	if (!(h->meta & META_SYNC) || h->meta & META_NO_SYNC || is_killed(dev))
		return;
	transfer(dev, h, 0, h->len, true, false, true);
}

void dmah_buffer_sync(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len,
		      bool for_cpu)
{
	transfer(dev, h, off, len, for_cpu, false, false);
}

void dmah_buffer_copy(struct dmah_device *dev, dmah_phys_t dst, dmah_phys_t src, uint32_t len)
{
	copy(dev, dst, src, len);
}

uint32_t dmah_buffer_needs_sync(const struct dmah_device *dev, uint64_t backend, uint32_t meta)
{
	if (meta & (META_MMIO | META_COHERENT))
		return 0;
	/* Caches are cleaned before every transfer: see transfer(). */
	if (!is_coherent(dev->limits.flags))
		return DMAH_META_SYNC_DEVICE | buffer_copies(meta_dir(meta));
	return backend && !(meta & META_HAS_BUS) ? buffer_copies(meta_dir(meta)) : 0;
}

bool dmah_buffer_shares_line(const struct dmah_device *dev, const struct map_req *req, bool tail)
{
	uint64_t edge = tail ? req->phys + req->len : req->phys;

	return !is_coherent(dev->limits.flags) && req->dir & DMAH_FROM_DEVICE &&
	       !(req->attrs & (DMAH_ATTR_MMIO | DMAH_ATTR_NO_BOUNCE)) &&
	       edge & (dev->dom->cfg.cache_line - 1);
}
