// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring's own IOVAs: twice as many slots as it may have mappings live, used in turn. What is
 * popped together lies together, so one call of the IOMMU's driver clears it; and in lazy mode a
 * slot is used again only after a flush that began after its pop, because to map over what may
 * still translate is corruption.
 */
#include <linux/log2.h>

#include "domain_int.h"
#include "ring.h"

static u32 slot_granule(const struct dmah_ring *r, u32 index)
{
	return r->first + ((index & (2 * r->config.entries - 1)) << r->shift);
}

static u32 ring_granules(const struct dmah_ring *r)
{
	return 2 * r->config.entries << r->shift;
}

int own_ring_init(struct dmah_ring *r)
{
	struct domain *d = r->c->domain;
	u32 granules, i;
	int err = 0;

	if (!domain_in_place(d))
		return -EOPNOTSUPP;
	r->shift = ilog2(roundup_pow_of_two(DIV_ROUND_UP(r->config.entry_size, GRANULE)));
	if ((u64)r->config.entries << (r->shift + 1) > d->space.granules)
		return -ENOSPC;
	granules = ring_granules(r);
	/* Even of a few: what CPUs keep is not for what stays. */
	if (!domain_get(d, max(granules, IOVA_CLASS_MAX + 1), 1, 0, &r->first, &err))
		return err;
	for (i = 0; i < granules; i += CELLS / 2) {
		if (!space_add_cell(&d->space, r->first + i))
			err = -ENOMEM;
	}
	if (!space_add_cell(&d->space, r->first + granules - 1))
		err = -ENOMEM;
	if (err) {
		space_put(&d->space, r->first, max(granules, IOVA_CLASS_MAX + 1));
		return err;
	}
	r->own = true;
	r->req.meta |= META_PART;
	r->prot = domain_prot(d, r->req.meta, r->config.attrs);
	return 0;
}

void own_ring_fini(struct dmah_ring *r)
{
	struct domain *d = r->c->domain;

	domain_flush(d);
	space_put(&d->space, r->first, max(ring_granules(r), IOVA_CLASS_MAX + 1));
}

/* The slot at @in was used before by the pop at @in - 2 * entries. */
static noinline void make_clean(struct dmah_ring *r)
{
	struct domain *d = r->c->domain;

	if (atomic_read(&d->flush_done) - r->mark_flush <= 0) {
		r->mark = r->out;
		domain_flush(d);
	}
	r->clean = r->mark;
	r->mark = r->out;
	/* A flush that is not begun yet, by this, sees the entries that were cleared before. */
	smp_mb();
	r->mark_flush = atomic_read(&d->flush_begun);
}

int own_ring_push(struct dmah_ring *r, struct dmah *h, phys_addr_t phys, u32 len,
		  unsigned long caller)
{
	struct domain *d = r->c->domain;
	u32 n = domain_granules(phys, len), granule;
	struct request req = r->req;
	struct cell *cell;
	int err;

	if (unlikely(n > 1u << r->shift))
		return -EINVAL;
	if (unlikely(d->lazy && r->in - r->clean >= 2 * r->config.entries)) {
		make_clean(r);
		if (r->in - r->clean >= 2 * r->config.entries)
			make_clean(r);
	}
	granule = slot_granule(r, r->in);
	err = table_map(d, domain_iova(d, granule), phys & ~(phys_addr_t)(GRANULE - 1), n, r->prot);
	if (unlikely(err))
		return err;
	req.phys = phys;
	req.len = len;
	req.caller = caller;
	cell = space_cell(&d->space, granule);
	h->meta = cell_begin(cell, &req, domain_meta(d, &req));
	h->dma = domain_iova(d, granule) + (phys & (GRANULE - 1));
	h->phys = phys;
	h->len = len;
	return 0;
}

/* Clear [@start, @start + @n), which is mapped without a hole. */
static void clear_run(struct domain *d, u32 start, u32 n, bool strict)
{
	while (n) {
		u32 part = min(n, DOMAIN_RUN);

		if (strict)
			table_end(d, domain_iova(d, start), part);
		else
			table_unmap(d, domain_iova(d, start), part);
		start += part;
		n -= part;
	}
}

void own_ring_pop(struct dmah_ring *r, u32 n)
{
	struct domain *d = r->c->domain;
	u32 mask = r->config.entries - 1, start = 0, run = 0, runs = 0;
	/* A domain-wide invalidation is the cheaper one from here on. */
	bool strict = !d->lazy && r->shift == 0 && n <= DOMAIN_RUN;

	for (u32 i = 0; i < n; i++) {
		u32 granule = slot_granule(r, r->out + i);

		cell_end(space_cell(&d->space, granule));
		if (run && granule != start + run) {
			clear_run(d, start, run, strict);
			run = 0;
			runs++;
		}
		if (!run)
			start = granule;
		run += domain_granules(r->h[(r->out + i) & mask].phys,
				       r->h[(r->out + i) & mask].len);
	}
	clear_run(d, start, run, strict);
	if (d->lazy) {
		domain_arm(d);
	} else if (!strict) {
		iommu_flush_iotlb_all(d->iommu);
		client_count(d->c, flushes, 1);
	}
}
