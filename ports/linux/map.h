/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DMAH_LINUX_MAP_H
#define DMAH_LINUX_MAP_H

#include <linux/dmah.h>

/** map_buffer() - map in any mode, with all arguments checked: for requests that fast.c leaves. */
int map_buffer(struct device *dev, struct dmah *h, phys_addr_t phys, size_t len,
	       enum dma_data_direction dir, unsigned long attrs, unsigned long caller);

/** unmap_buffer() - the same of unmap. */
int unmap_buffer(struct device *dev, struct dmah *h, unsigned long attrs, unsigned long caller);

#endif /* DMAH_LINUX_MAP_H */
