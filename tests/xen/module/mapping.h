/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One mapping by any of the APIs that are compared, so that every test has one text for all of
 * them.
 */
#ifndef TESTS_XEN_MAPPING_H
#define TESTS_XEN_MAPPING_H

#include <linux/dmah.h>

#include "frame.h"

/**
 * enum api - the API that maps.
 * @API_STOCK: the kernel's own dma_map_page(): unmap and sync get the DMA address.
 * @API_PAGE: dmah_map_page(): a handle.
 * @API_BUS: dmah_map_bus(), with the address that the grant's mapping returned: a handle.
 */
enum api { API_STOCK, API_PAGE, API_BUS };

#define APIS 3

extern const char *const api_name[APIS];

/**
 * struct mapping - of part of a view.
 * @dev: the device.
 * @view: the memory.
 * @off: bytes from the view's start.
 * @len: bytes.
 * @dir: which way.
 * @api: by whom.
 * @dma: the address for the device.
 * @h: the handle, of two of the APIs.
 */
struct mapping {
	struct device *dev;
	const struct view *view;
	u32 off;
	u32 len;
	enum dma_data_direction dir;
	enum api api;
	dma_addr_t dma;
	struct dmah h;
};

/** mapping_can() - Returns true if an API has a call for that view. */
static inline bool mapping_can(enum api api, const struct view *v)
{
	return v->page || api == API_BUS;
}

/** mapping_begin() - map what @m describes. Return: 0 or an error. */
int mapping_begin(struct mapping *m);
/** mapping_end() - unmap. */
int mapping_end(struct mapping *m);
/** mapping_sync() - of a part, by offset in the mapping. */
int mapping_sync(struct mapping *m, u32 off, u32 len, bool for_cpu);

#endif /* TESTS_XEN_MAPPING_H */
