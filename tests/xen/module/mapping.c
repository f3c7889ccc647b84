// SPDX-License-Identifier: GPL-2.0-only
#include "mapping.h"

const char *const api_name[APIS] = { "dma_map_page", "dmah_map_page", "dmah_map_bus" };

int mapping_begin(struct mapping *m)
{
	const struct view *v = m->view;
	int err;

	switch (m->api) {
	case API_STOCK:
		m->dma = dma_map_page(m->dev, v->page, m->off, m->len, m->dir);
		return dma_mapping_error(m->dev, m->dma);
	case API_PAGE:
		err = dmah_map_page(m->dev, &m->h, v->page, m->off, m->len, m->dir);
		break;
	default:
		err = dmah_map_bus(m->dev, &m->h, v->phys + m->off, v->bus + m->off, m->len, m->dir,
				   0);
		break;
	}
	m->dma = dmah_addr(&m->h);
	return err;
}

int mapping_end(struct mapping *m)
{
	if (m->api != API_STOCK)
		return dmah_unmap(m->dev, &m->h);
	dma_unmap_page(m->dev, m->dma, m->len, m->dir);
	return 0;
}

int mapping_sync(struct mapping *m, u32 off, u32 len, bool for_cpu)
{
	if (m->api != API_STOCK)
		return for_cpu ? dmah_sync_for_cpu(m->dev, &m->h, off, len)
			       : dmah_sync_for_device(m->dev, &m->h, off, len);
	if (for_cpu)
		dma_sync_single_range_for_cpu(m->dev, m->dma, off, len, m->dir);
	else
		dma_sync_single_range_for_device(m->dev, m->dma, off, len, m->dir);
	return 0;
}
