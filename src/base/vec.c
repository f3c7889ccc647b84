/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/vec.h"

int dmah_vec_map_pieces(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
			uint32_t n, enum dmah_dir dir, uint32_t attrs)
{
	for (uint32_t i = 0; i < n; i++) {
		struct map_req req = {
			.phys = segs[i].phys, .len = segs[i].len, .dir = dir, .attrs = attrs
		};
		int err = dev->dom->ops->map(dev, &v->part[i], &req);

		if (err) {
			handle_clear(&v->part[i]);
			while (i-- > 0) {
				(void)dev->dom->ops->unmap(dev, &v->part[i], true);
				handle_clear(&v->part[i]);
			}
			return err;
		}
		v->part[i].meta |= META_PART | (i ? META_LATER : 0);
	}
	return DMAH_OK;
}

int dmah_vec_unmap_pieces(struct dmah_device *dev, struct dmah_vec *v)
{
	int err = DMAH_OK;

	for (uint32_t i = 0; i < v->nparts; i++) {
		int one = dev->dom->ops->unmap(dev, &v->part[i], false);

		err = err ? err : one;
	}
	return err;
}

bool dmah_vec_merge(const struct dmah_device *dev, dmah_addr_t dma, uint32_t len, dmah_addr_t next,
		    uint32_t next_len)
{
	uint32_t most = dev->limits.max_segment ? dev->limits.max_segment : UINT32_MAX;
	uint64_t boundary = dev->limits.boundary;

	return dma + len == next && len <= most - (next_len < most ? next_len : most) &&
	       !(boundary && (dma ^ (next + next_len - 1)) & ~(boundary - 1));
}

/* Merge at granules only: behind an IOMMU neighbours cannot meet elsewhere. */
void dmah_vec_merge_parts(const struct dmah_device *dev, struct dmah_vec *v)
{
	v->nseg = 0;
	for (uint32_t i = 0; i < v->nparts; i++) {
		const struct dmah *h = &v->part[i];
		struct dmah_dma_seg *last = v->nseg ? &v->seg[v->nseg - 1] : NULL;

		if (last && dmah_vec_merge(dev, last->dma, last->len, h->dma, h->len)) {
			last->len += h->len;
		} else {
			v->seg[v->nseg].dma = h->dma;
			v->seg[v->nseg++].len = h->len;
		}
	}
}
