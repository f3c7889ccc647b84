/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Many pieces in one range of IOVAs, whoever keeps the pieces: a vector's handles, or a scatter list.
 *
 * What must be remembered of a piece besides its address and length is one word, the names of its bounce slots. Where
 * it lies in the range follows from the pieces before it (layout.h).
 */
#ifndef DMAH_BACKEND_IOMMU_LIST_H
#define DMAH_BACKEND_IOMMU_LIST_H

#include "backend/iommu/layout.h"

/**
 * struct piece_list - the pieces.
 * @seg: the first one's struct dmah_seg, or anything that begins like it.
 * @seg_stride: bytes from one to the next.
 * @backend: the first one's word.
 * @be_stride: bytes from one to the next.
 * @n: how many.
 * @dir: which way their bytes go.
 * @attrs: enum dmah_attr.
 */
struct piece_list {
	const void *seg;
	size_t seg_stride;
	void *backend;
	size_t be_stride;
	uint32_t n;
	enum dmah_dir dir;
	uint32_t attrs;
};

/**
 * struct list_range - the IOVA range of a list.
 * @first: index of the first granule.
 * @n: granules.
 * @gen: generation.
 */
struct list_range {
	uint32_t first;
	uint32_t n;
	uint32_t gen;
};

/** list_req() - a piece as a request. */
static inline struct map_req list_req(const struct piece_list *list, uint32_t i)
{
	const char *seg = (const char *)list->seg + i * list->seg_stride;

	/* As bare words: the structures that lists are made of begin alike, but are not one type. */
	return (struct map_req){ .phys = *(const uint64_t *)(const void *)seg,
				 .len = *(const uint32_t *)(const void *)(seg + sizeof(uint64_t)),
				 .dir = list->dir,
				 .attrs = list->attrs };
}

/** list_be() - a piece's word. */
static inline uint64_t *list_be(const struct piece_list *list, uint32_t i)
{
	return (uint64_t *)(void *)((char *)list->backend + i * list->be_stride);
}

/**
 * dmah_list_handle() - the handle of the next piece.
 * @layout: zeroed before piece 0, then handed on from piece to piece.
 */
void dmah_list_handle(struct dmah_device *dev, const struct piece_list *list, uint32_t i,
		      struct layout *layout, const struct list_range *range, struct dmah *h);

/** dmah_list_map() - map all pieces or none; fills the words. Return: as dmah_map(). */
int dmah_list_map(struct dmah_device *dev, const struct piece_list *list, struct list_range *range);

/** dmah_list_check() - Returns true if exactly these pieces are mapped in exactly this range. */
bool dmah_list_check(struct dmah_device *dev, const struct piece_list *list,
		     const struct list_range *range);

/** dmah_list_unmap() - end the mapping of pieces that dmah_list_check() found. Return: 0, DMAH_ETIMEDOUT. */
int dmah_list_unmap(struct dmah_device *dev, const struct piece_list *list,
		    const struct list_range *range);

#endif /* DMAH_BACKEND_IOMMU_LIST_H */
