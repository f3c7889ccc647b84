/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Physical region pages (PRP): a first address that may lie within a page, then whole pages. NVM
 * Express Base Specification 2.0, section 4.1.1.
 */
#include "nvme_int.h"

static uint32_t to_page_end(dmah_addr_t dma)
{
	return NVME_PAGE - (uint32_t)(dma % NVME_PAGE);
}

/* Only the first piece may begin within a page, and only the last piece may end within a page. */
static bool nameable(const struct dmah_dma_seg *seg, uint32_t nseg)
{
	if (!nseg || seg[0].dma % 4)
		return false;
	for (uint32_t i = 0; i + 1 < nseg; i++)
		if ((seg[i].dma + seg[i].len) % NVME_PAGE || seg[i + 1].dma % NVME_PAGE)
			return false;
	return true;
}

int nvme_prp(struct nvme_command *c, uint64_t *list, dmah_addr_t list_dma,
	     const struct dmah_dma_seg *seg, uint32_t nseg)
{
	dmah_addr_t at;
	uint32_t pages = 0, left, n;

	if (!nameable(seg, nseg))
		return DMAH_EINVAL;
	for (uint32_t i = 0; i < nseg; i++) {
		at = seg[i].dma;
		for (left = seg[i].len; left; left -= n, at += n, pages++) {
			n = to_page_end(at) < left ? to_page_end(at) : left;
			if (!pages)
				c->prp1 = at;
			else if (pages <= NVME_LIST)
				list[pages - 1] = at;
			else
				return DMAH_ERANGE;
		}
	}
	/* With two pages the second entry is the second page; with more it is the list. */
	c->prp2 = pages < 2 ? 0 : pages == 2 ? list[0] : list_dma;
	return DMAH_OK;
}
