// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vectors in slots. Pieces of which each but the first begins with a page, and each but the last
 * ends with one, lie side by side in one slot: one slot, one generation, and one range to flush for
 * up to 32 pages. The slot knows the first piece alone; its entries are cleared as a whole.
 */
#include "pool_int.h"
#include "trace.h"

/* Returns how many pieces one slot can take; sets their pages. */
static u32 pieces_together(const struct dmah *part, u32 n, u32 *pages)
{
	u32 sum = pool_pages(part->phys, part->len), i, more;

	for (i = 1; i < n && sum < POOL_SLOT_MAX; i++) {
		if (offset_in_page(part[i].phys) ||
		    offset_in_page(part[i - 1].phys + part[i - 1].len))
			break;
		more = pool_pages(part[i].phys, part[i].len);
		if (more > POOL_SLOT_MAX - sum)
			break;
		sum += more;
	}
	*pages = sum;
	return sum <= POOL_SLOT_MAX ? i : 0;
}

static void entries_write(struct pool *p, u64 *entry, const struct dmah *part, u32 n, u32 dir)
{
	for (u32 i = 0; i < n; i++) {
		u64 e = p->format.entry[dir] | (part[i].phys & PAGE_MASK);

		for (u32 k = pool_pages(part[i].phys, part[i].len); k > 0; k--, e += PAGE_SIZE)
			WRITE_ONCE(*entry++, e);
	}
}

u32 pool_map_pieces(struct client *c, struct dmah *part, u32 n, u32 meta, unsigned long caller)
{
	struct pool *p = c->pool_fast;
	struct pool_slot *s;
	unsigned int class;
	dma_addr_t dma;
	u32 pages;

	/* No slot is taken in vain: the IOMMU's driver makes the entries. */
	if (!p || !READ_ONCE(p->format.entry[1]))
		return 0;
	n = n > 1 ? pieces_together(part, n, &pages) : 0;
	if (n < 2)
		return 0;
	class = pool_class(pages);
	s = pool_take(p, class);
	if (unlikely(!s))
		s = pool_take_slow(p, class);
	if (unlikely(!s))
		return 0;
	if (unlikely(!s->entry))
		goto put;
	entries_write(p, s->entry, part, n, meta & META_DIR);
	if (p->format.incoherent)
		pool_entries_flush(s->entry, pages);
	if (unlikely(p->sync_map) && pool_announce(p, s, pages))
		goto put;
	dma = s->iova + offset_in_page(part->phys);
	for (u32 i = 0; i < n; i++) {
		part[i].dma = dma;
		part[i].meta = FIELD_PREP(META_KIND, KIND_COVERED) | c->meta | meta;
		dma += part[i].len;
	}
	part->backend = s->name;
	part->meta = pool_begin(s, part, part->phys, part->len, c->pool_meta | meta, caller);
	for (u32 i = 0; i < n; i++)
		trace_dma_map_phys(c->dev, &part[i], caller);
	client_count(c, maps, n);
	return n;
put:
	pool_release(p, class, s);
	return 0;
}

int pool_unmap_set(struct client *c, struct dmah *h, u32 n, u32 allow, unsigned long caller)
{
	int err = 0, one = -EINVAL;

	for (u32 i = 0; i < n; i++) {
		u32 kind = meta_kind(h[i].meta);

		/* Those that a slot covers end as its first piece does. */
		if (kind == KIND_POOL)
			one = pool_batch_start(c, &h[i], allow, caller);
		else if (kind != KIND_COVERED)
			one = unmap_handle(c, &h[i], allow, 0, caller);
		if (!one && (kind == KIND_POOL || kind == KIND_COVERED)) {
			client_count(c, unmaps, 1);
			trace_dma_unmap_phys(c->dev, &h[i], caller);
		}
		/* A piece that was refused belongs to another mapping, or is not live. */
		if (one)
			handle_clear(&h[i]);
		err = err ? err : one;
	}
	pool_batch_finish(c, h, n);
	return err;
}
