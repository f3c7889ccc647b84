/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Maps vectors piece by piece, for backends without @map_vec. */
#ifndef DMAH_BASE_VEC_H
#define DMAH_BASE_VEC_H

#include "base/domain.h"

/** dmah_vec_map_pieces() - map every piece through the backend's @map; all or none. */
int dmah_vec_map_pieces(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
			uint32_t n, enum dmah_dir dir, uint32_t attrs);

/** dmah_vec_unmap_pieces() - unmap every piece through the backend's @unmap. */
int dmah_vec_unmap_pieces(struct dmah_device *dev, struct dmah_vec *v);

/**
 * dmah_vec_merge() - Returns true if a piece continues a DMA segment, within the device's limits.
 * @dma, @len: the segment.
 * @next, @next_len: the piece.
 */
bool dmah_vec_merge(const struct dmah_device *dev, dmah_addr_t dma, uint32_t len, dmah_addr_t next,
		    uint32_t next_len);

/**
 * dmah_vec_merge_parts() - compute the DMA segments of a mapped vector: merge pieces with adjacent
 * DMA addresses.
 */
void dmah_vec_merge_parts(const struct dmah_device *dev, struct dmah_vec *v);

#endif /* DMAH_BASE_VEC_H */
