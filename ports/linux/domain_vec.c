// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings that are made or ended together in a client's own domain: vectors in one range of
 * IOVAs, batches with one invalidation.
 */
#include "domain_int.h"

u64 *domain_coherent(struct client *c, const struct dmah *h)
{
	struct cell *cell;
	u32 first;

	cell = cell_of(c->domain, h, &first);
	return cell ? &cell->backend : NULL;
}

/* ---- vectors: the pieces' addresses and lengths are in v->part ---- */

static int map_part(struct domain *d, struct dmah *part, u32 granule, const struct request *req)
{
	struct cell *cell = space_add_cell(&d->space, granule);
	struct request one = *req;

	if (!cell)
		return -ENOMEM;
	one.phys = part->phys;
	one.len = part->len;
	/* The entries are there already: a cell alone may be begun and ended. */
	part->meta = cell_begin(cell, &one, domain_meta(d, &one));
	part->dma = domain_iova(d, granule) + (part->phys & (GRANULE - 1));
	cell->backend = 0;
	return 0;
}

static void forget_parts(struct domain *d, struct dmah_vec *v, u32 n)
{
	u32 first;

	for (u32 i = 0; i < n; i++) {
		struct cell *cell = cell_of(d, &v->part[i], &first);

		if (cell)
			cell_end(cell);
	}
}

int domain_map_parts(struct client *c, struct dmah_vec *v, u32 n, const struct request *req)
{
	struct domain *d = c->domain;
	u32 granules = 0, at, first, i;
	u64 total = 0;
	int err = 0, prot = domain_prot(d, req->meta, req->attrs);

	for (i = 0; i < n; i++)
		total += domain_granules(v->part[i].phys, v->part[i].len);
	if (!domain_in_place(d) || total > d->space.granules)
		return domain_in_place(d) ? -ENOSPC : -EOPNOTSUPP;
	granules = (u32)total;
	if (!domain_get(d, granules, 1, 0, &first, &err))
		return err;
	for (i = 0, at = first; i < n && !err; i++) {
		u32 part = domain_granules(v->part[i].phys, v->part[i].len);

		err = table_map(d, domain_iova(d, at),
				v->part[i].phys & ~(phys_addr_t)(GRANULE - 1), part, prot);
		if (!err)
			at += part;
	}
	for (i = 0; i < n && !err; i++) {
		u32 granule =
			i ? (u32)((v->part[i - 1].dma - d->space.base) >> 12) +
					domain_granules(v->part[i - 1].phys, v->part[i - 1].len)
			  : first;

		err = map_part(d, &v->part[i], granule, req);
		if (err)
			forget_parts(d, v, i);
	}
	if (err) {
		if (at != first)
			table_end(d, domain_iova(d, first), at - first);
		space_put(&d->space, first, granules);
		return err;
	}
	v->iova = domain_iova(d, first);
	v->granules = granules;
	return 0;
}

int domain_unmap_parts(struct client *c, struct dmah_vec *v, unsigned long caller)
{
	struct domain *d = c->domain;
	u32 first, granules = 0;
	struct cell *cell;

	/* All of them before any: a vector is live or not. */
	for (u32 i = 0; i < v->nparts; i++) {
		if (!cell_of(d, &v->part[i], &first) ||
		    domain_iova(d, first) != v->iova + (u64)granules * GRANULE)
			return misuse_handle(c, -ESTALE, &v->part[i],
					     "unmap of a vector that is not live", caller);
		granules += domain_granules(v->part[i].phys, v->part[i].len);
	}
	if (granules != v->granules)
		return misuse_handle(c, -ESTALE, &v->part[0], "unmap of a vector that is not live",
				     caller);
	first = (u32)((v->iova - d->space.base) >> 12);
	cell = space_cell(&d->space, first);
	/* Two CPUs may unmap copies of one vector at the same time: the first piece decides. */
	if (!cell_claim(cell, v->part[0].meta))
		return misuse_handle(c, -ESTALE, &v->part[0], "unmap of a vector that is not live",
				     caller);
	forget_parts(d, v, v->nparts);
	/*
	 * The first cell knows of the first piece alone: not for what is cleared later by its
	 * cell.
	 */
	if (d->lazy && !d->late && granules <= IOVA_CLASS_MAX) {
		table_unmap(d, v->iova, granules);
		domain_release(d, cell, first, granules);
		return 0;
	}
	table_end(d, v->iova, granules);
	space_put(&d->space, first, granules);
	return 0;
}

/* ---- batches ---- */

int domain_batch_start(struct client *c, const struct dmah *h, unsigned long caller)
{
	struct domain *d = c->domain;
	struct cell *cell;
	u32 first;
	int err;

	err = client_check(c, h, 0, "unmap of a mapping that is not live", caller);
	if (err)
		return err;
	cell = cell_of(d, h, &first);
	if (!cell || !cell_claim(cell, h->meta))
		return misuse_handle(c, -ESTALE, h, "unmap of a mapping that is not live", caller);
	table_unmap(d, domain_iova(d, first), domain_granules(h->dma, h->len));
	return 0;
}

void domain_batch_finish(struct client *c, const struct dmah *h, u32 n)
{
	struct domain *d = c->domain;

	/* One invalidation of the domain is cheaper than two of ranges. */
	if (n == 1) {
		table_invalidate(d, h->dma & ~(dma_addr_t)(GRANULE - 1),
				 domain_granules(h->dma, h->len));
	} else {
		iommu_flush_iotlb_all(d->iommu);
		client_count(c, flushes, 1);
	}
	for (u32 i = 0; i < n; i++) {
		u32 first = (u32)((h[i].dma - d->space.base) >> 12);

		domain_take_back(d, &h[i], space_cell(&d->space, first)->backend, 0);
		space_put(&d->space, first, domain_granules(h[i].dma, h[i].len));
	}
}
