// SPDX-License-Identifier: GPL-2.0-only
/*
 * Map and unmap without attributes, where no shorter way than that of map.c is built.
 */
#include <linux/export.h>

#include "client.h"
#include "map.h"

int __dmah_map_page(struct device *dev, struct dmah *h, struct page *page, size_t offset,
		    size_t len, enum dma_data_direction dir)
{
	return map_buffer(dev, h, page_to_phys(page) + offset, len, dir, 0, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__dmah_map_page);

int __dmah_unmap(struct device *dev, struct dmah *h)
{
	return unmap_buffer(dev, h, 0, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__dmah_unmap);
