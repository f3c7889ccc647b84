/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dmah: many mappings at once. Vectors of pieces, rings, and batches of unmaps: each waits for one
 * flush where single unmaps would wait for one each. Drivers include <linux/dmah.h>.
 */
#ifndef _LINUX_DMAH_SETS_H
#define _LINUX_DMAH_SETS_H

#include <linux/dmah.h>

/* ---- vectors ---- */

/**
 * struct dmah_dma_seg - an address and length for the device, of one or more neighbouring pieces.
 * @dma: DMA address.
 * @len: bytes.
 */
struct dmah_dma_seg {
	dma_addr_t dma;
	u32 len;
};

/**
 * struct dmah_vec - the handle of a scattered buffer. Set up by dmah_vec_alloc(), or the driver
 * sets @part, @seg and
 *	@max and zeroes the rest.
 * @part: room for @max handles, one for each piece; private while mapped.
 * @seg: room for @max DMA segments; the first @nseg are for the device.
 * @max: pieces that there is room for.
 * @nseg: DMA segments; 0 when idle.
 * @nparts: pieces; 0 when idle.
 * @granules: IOVA granules of the whole; private.
 * @iova: first IOVA of the whole; private.
 * @total: bytes in all pieces.
 */
struct dmah_vec {
	struct dmah *part;
	struct dmah_dma_seg *seg;
	u32 max;
	u32 nseg;
	u32 nparts;
	u32 granules;
	dma_addr_t iova;
	u64 total;
};

/** dmah_vec_alloc() - room for @max pieces. Return: 0, -ENOMEM. */
int __must_check dmah_vec_alloc(struct dmah_vec *v, u32 max, gfp_t gfp);

/** dmah_vec_free() - give it back; the vector is idle. */
void dmah_vec_free(struct dmah_vec *v);

/**
 * dmah_map_sg() - map a scatterlist, all of it or nothing.
 * @dev: an attached device.
 * @v: an idle vector with room for @nents pieces.
 * @sgl: the list; only read, and not needed after the call.
 * @nents: how many of its entries.
 * @dir: which way the bytes go.
 * @attrs: DMA_ATTR_*.
 *
 * Neighbours are merged into one DMA segment where their DMA addresses meet and the device's
 * maximum segment size and segment boundary (<linux/dma-mapping.h>) allow it.
 *
 * Context and errors: dmah_map_page_attrs(); -EINVAL too where @v has no room.
 */
int __must_check dmah_map_sg(struct device *dev, struct dmah_vec *v, struct scatterlist *sgl,
			     unsigned int nents, enum dma_data_direction dir, unsigned long attrs);

/** dmah_map_bvecs() - dmah_map_sg() from an array of bio_vecs. */
int __must_check dmah_map_bvecs(struct device *dev, struct dmah_vec *v, const struct bio_vec *bv,
				unsigned int n, enum dma_data_direction dir, unsigned long attrs);

/**
 * dmah_unmap_vec() - end a vector's mapping; as dmah_unmap(), with one invalidation for the whole.
 */
int dmah_unmap_vec(struct device *dev, struct dmah_vec *v);

/** dmah_vec_sync_for_cpu() - dmah_sync_for_cpu() for any byte range of a vector. */
int dmah_vec_sync_for_cpu(struct device *dev, const struct dmah_vec *v, u64 off, u64 len);

/** dmah_vec_sync_for_device() - dmah_sync_for_device() for any byte range of a vector. */
int dmah_vec_sync_for_device(struct device *dev, const struct dmah_vec *v, u64 off, u64 len);

/* ---- rings ---- */

struct dmah_ring;

/**
 * struct dmah_ring_config - the size and direction of a ring.
 * @entries: most mappings live at one time, a power of two, 2 to 32,768.
 * @entry_size: bytes of IOVA in a slot: into it must fit the part of the page before a buffer and
 *	the buffer. Rounded up to a power of two pages; 4096 for whole pages.
 * @dir: which way the bytes of its mappings go.
 * @attrs: DMA_ATTR_*, for all of them.
 */
struct dmah_ring_config {
	u32 entries;
	u32 entry_size;
	enum dma_data_direction dir;
	unsigned long attrs;
};

/**
 * dmah_ring_alloc() - a ring, for devices that give buffers back in the order in which they were
 * given them.
 * @dev: an attached device.
 * @config: its size and direction.
 *
 * In domain mode a ring has IOVAs of its own, twice as many slots as @config->entries, and uses
 * them in turn: no IOVA is allocated to map, and what is unmapped together takes one call of the
 * IOMMU's driver and one invalidation. In wrap mode it is a queue of ordinary mappings. A ring has
 * one owner: its calls must not run at the same time.
 *
 * Context: may sleep. Return: the ring, or ERR_PTR(-EINVAL, -ENOMEM, -ENOSPC, -ENODEV).
 */
struct dmah_ring *__must_check dmah_ring_alloc(struct device *dev,
					       const struct dmah_ring_config *config);

/**
 * dmah_ring_free() - end a ring. Return: 0; -EBUSY while mappings are live, and nothing has
 * changed.
 */
int dmah_ring_free(struct dmah_ring *ring);

/**
 * dmah_ring_push() - map a buffer, behind those that are mapped already.
 * @ring: the ring.
 * @page: the page.
 * @offset: bytes from its start.
 * @len: bytes.
 * @dma: set to the address for the device.
 *
 * Context: any. Return: as dmah_map_page_attrs(); -ENOSPC too where @entries are live; -EINVAL too
 * where the buffer does not fit a slot.
 */
int __must_check dmah_ring_push(struct dmah_ring *ring, struct page *page, size_t offset,
				size_t len, dma_addr_t *dma);

/**
 * dmah_ring_pop() - end the @n oldest mappings; 0 is a no-op.
 *
 * As dmah_unmap() for each. Context: any. Return: 0; -EINVAL: fewer are live, and nothing has
 * changed.
 */
int dmah_ring_pop(struct dmah_ring *ring, u32 n);

/** dmah_ring_live() - mappings that are live. */
u32 dmah_ring_live(const struct dmah_ring *ring);

/** dmah_ring_sync_for_cpu() - dmah_sync_for_cpu() for mapping @at of a ring; 0 is the oldest. */
int dmah_ring_sync_for_cpu(struct dmah_ring *ring, u32 at, size_t off, size_t len);

/** dmah_ring_sync_for_device() - dmah_sync_for_device() for mapping @at of a ring. */
int dmah_ring_sync_for_device(struct dmah_ring *ring, u32 at, size_t off, size_t len);

/* ---- batches ---- */

/**
 * struct dmah_batch - unmaps that were begun together. The driver sets @h and @max and zeroes the
 * rest.
 * @h: room for @max handles; private while the batch is under way.
 * @max: handles that there is room for.
 * @n: handles in it; 0 when idle.
 */
struct dmah_batch {
	struct dmah *h;
	u32 max;
	u32 n;
};

/**
 * dmah_unmap_start() - begin to end @n mappings: nothing is waited for.
 * @dev: the device that they were made for.
 * @b: an idle batch with room for @n handles.
 * @h: @n pointers to handles. Each is moved into the batch, so that it may be mapped into again.
 *	Idle ones are passed over.
 * @n: how many.
 *
 * The device may still reach the memory, and bounced buffers do not hold yet what it wrote, until
 * dmah_unmap_finish().
 *
 * Context: any. Return: 0; -EINVAL: the batch is not idle or has no room; or the error of the
 * first handle that was refused, which stays as it was while the others are begun.
 */
int dmah_unmap_start(struct device *dev, struct dmah_batch *b, struct dmah *const *h, u32 n);

/**
 * dmah_unmap_finish() - wait until the mappings of a batch have ended: one invalidation for all of
 * them.
 * @dev: the device.
 * @b: the batch; idle afterwards. An idle one is a no-op.
 *
 * Context: any. Return: 0, -ENODEV.
 */
int dmah_unmap_finish(struct device *dev, struct dmah_batch *b);

#endif /* _LINUX_DMAH_SETS_H */
