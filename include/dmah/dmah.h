/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: the handle API. All that a device driver includes.
 *
 *	struct dmah h = { 0 };				// beside the request, not in it
 *
 *	err = dmah_map(dev, &h, phys, len, DMAH_FROM_DEVICE, 0);
 *	descriptor->address = dmah_addr(&h);
 *	...						// the device writes
 *	err = dmah_unmap(dev, &h);
 *
 * The words are explained at the head of <dmah/types.h>.
 */
#ifndef DMAH_H
#define DMAH_H

#include <dmah/types.h>
#include <dmah/host.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dmah_device;

/* ---- one mapping ---- */

/**
 * dmah_map() - map a physically contiguous buffer for a device.
 * @dev: an attached device.
 * @h: an idle handle.
 * @phys: the buffer's first byte.
 * @len: bytes, 1 to 4 GiB - 1. What is longer takes a vector.
 * @dir: which way the bytes go.
 * @attrs: enum dmah_attr.
 *
 * On return the device may use dmah_addr(@h), and the memory is the device's until dmah_sync_for_cpu() or
 * dmah_unmap(). After an error @h is idle and nothing has changed.
 *
 * Context: any but inside dmah_host_enter(), interrupts too. Page tables may be allocated
 * (DMAH_ALLOC_ATOMIC), unless within dmah_reserve().
 * Return: 0, DMAH_EINVAL, DMAH_ERANGE, DMAH_ENOPOOL, DMAH_ENOMEM, DMAH_ENOSPC, DMAH_ENODEV, DMAH_ETIMEDOUT.
 */
int dmah_map(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
	     enum dmah_dir dir, uint32_t attrs);

/**
 * dmah_map_memory() - dmah_map() without attributes, in fewer instructions: what the wrappers below call.
 * @dev: an attached device.
 * @h: an idle handle.
 * @phys: physical address of the buffer's first byte.
 * @len: bytes.
 * @dir: which way the bytes go.
 *
 * Context and errors: dmah_map().
 */
int dmah_map_memory(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir);

/**
 * dmah_map_bus() - map what the caller knows the bus address of.
 * @dev: an attached device.
 * @h: an idle handle.
 * @phys: where the CPU finds it: the physical address that a Xen grant was mapped at, or a peer's registers.
 * @bus: where the device finds it, or where the IOMMU is to send it: the grant's machine address, or a
 *	peer-to-peer address.
 * @len: bytes.
 * @dir: which way the bytes go.
 * @attrs: enum dmah_attr.
 *
 * On Xen, where one granted page may be mapped at several physical addresses, only this call says which of
 * them is meant; no lookup from the bus address could. Otherwise like dmah_map().
 */
int dmah_map_bus(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, dmah_addr_t bus,
		 uint64_t len, enum dmah_dir dir, uint32_t attrs);

/**
 * dmah_map_caller() - dmah_map() for a wrapper: a fault then names @caller, not the wrapper.
 * @dev: an attached device.
 * @h: an idle handle.
 * @phys: the buffer's first byte.
 * @len: bytes, 1 to 4 GiB - 1.
 * @dir: which way the bytes go.
 * @attrs: enum dmah_attr.
 * @caller: an address in the code that a fault should name, within 2 GiB of the library's own code.
 *
 * dmah_map() takes its own return address. An operating system whose drivers call a wrapper of its own passes the wrapper's
 * return address: __builtin_return_address(0). A function that ends in a call of dmah_map() may have been left already
 * (a tail call), so that the return address is in its caller; where that matters, pass the function's own address:
 *
 *	return dmah_map_caller(dev, &slot->h, phys, len, DMAH_FROM_DEVICE, 0, (const void *)nic_fill_rx);
 *
 * Vectors, coherent memory and the address-keyed calls have the same variant, rings the field @caller.
 *
 * Context and errors: dmah_map().
 */
int dmah_map_caller(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir, uint32_t attrs, const void *caller);

/** dmah_map_bus_caller() - dmah_map_bus() for a wrapper: see dmah_map_caller(). */
int dmah_map_bus_caller(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, dmah_addr_t bus,
			uint64_t len, enum dmah_dir dir, uint32_t attrs, const void *caller);

/**
 * dmah_unmap() - end a mapping.
 * @dev: the device it was made for.
 * @h: its handle; idle afterwards. An idle one is a no-op.
 *
 * In strict mode the device can no longer reach memory through dmah_addr(@h) when this returns; in lazy mode by
 * the next flush. The memory is the CPU's, with what the device wrote. Allocates nothing.
 *
 * Context: as dmah_map(). Return: 0; DMAH_ETIMEDOUT: the hardware did not confirm, the handle is idle but the memory
 * must not be used for anything else; DMAH_ESTALE, DMAH_EINVAL: refused, nothing has changed.
 */
int dmah_unmap(struct dmah_device *dev, struct dmah *h);

/**
 * dmah_move() - the mapping moves to another handle.
 * @dst: an idle handle; it carries the mapping afterwards.
 * @src: a handle; idle afterwards.
 *
 * Context: any. Return: 0, DMAH_EBUSY (@dst maps something: nothing has changed).
 */
static inline int dmah_move(struct dmah *dst, struct dmah *src)
{
	if (dst == src)
		return DMAH_OK;
	if (dst->meta)
		return DMAH_EBUSY;
	*dst = *src;
	src->dma = 0;
	src->phys = 0;
	src->backend = 0;
	src->len = 0;
	src->meta = 0;
	return DMAH_OK;
}

/** dmah_addr() - what the device is given: the DMA address of the buffer's first byte. */
static inline dmah_addr_t dmah_addr(const struct dmah *h)
{
	return h->dma;
}

/** dmah_mapped() - whether a handle maps anything. */
static inline bool dmah_mapped(const struct dmah *h)
{
	return h->meta != 0;
}

/** dmah_length() - bytes mapped; 0 when idle. */
static inline uint32_t dmah_length(const struct dmah *h)
{
	return h->len;
}

/** dmah_direction() - which way its bytes go; 0 when idle. */
static inline enum dmah_dir dmah_direction(const struct dmah *h)
{
	return (enum dmah_dir)(h->meta & 3u);
}

/**
 * dmah_map_page() - map part of a page.
 * @dev: an attached device.
 * @h: an idle handle.
 * @page: the page's physical address.
 * @offset: bytes from there; may reach beyond the page where the memory goes on.
 * @len: bytes.
 * @dir: which way the bytes go.
 *
 * Context and errors: dmah_map().
 */
static inline int dmah_map_page(struct dmah_device *dev, struct dmah *h, dmah_phys_t page,
				uint32_t offset, uint64_t len, enum dmah_dir dir)
{
	return dmah_map_memory(dev, h, page + offset, len, dir);
}

/**
 * dmah_map_single() - map memory that the CPU has a pointer to.
 * @dev: an attached device.
 * @h: an idle handle.
 * @cpu: a pointer for which dmah_host_virt_to_phys() holds, over physically contiguous memory.
 * @len: bytes.
 * @dir: which way the bytes go.
 *
 * Context and errors: dmah_map().
 */
static inline int dmah_map_single(struct dmah_device *dev, struct dmah *h, const void *cpu,
				  uint64_t len, enum dmah_dir dir)
{
	return dmah_map_memory(dev, h, dmah_host_virt_to_phys(cpu), len, dir);
}

/* ---- syncs ---- */

/** DMAH_META_SYNC - in a handle's meta: a sync has something to do. For the inline tests below alone. */
#define DMAH_META_SYNC (1u << 2)

/** dmah_sync_cpu_slow() - dmah_sync_for_cpu() where there is something to do. */
int dmah_sync_cpu_slow(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len);

/** dmah_sync_device_slow() - dmah_sync_for_device() where there is something to do. */
int dmah_sync_device_slow(struct dmah_device *dev, const struct dmah *h, uint32_t off,
			  uint32_t len);

/**
 * dmah_sync_for_cpu() - the CPU may read what the device wrote, while the mapping stays.
 * @dev: the device.
 * @h: the handle. Not written: several CPUs may sync parts of one mapping.
 * @off: bytes from the buffer's start.
 * @len: bytes.
 *
 * Between this and dmah_sync_for_device() the device must not write the range. A range of a DMAH_FROM_DEVICE
 * mapping that was synced for the CPU must not be written by the CPU before the unmap. Looks nothing up.
 *
 * Context: any but inside dmah_host_enter(). Return: 0, or where there is something to do DMAH_EINVAL (the range
 * leaves the mapping), DMAH_ESTALE (no such mapping is live).
 */
static inline int dmah_sync_for_cpu(struct dmah_device *dev, const struct dmah *h, uint32_t off,
				    uint32_t len)
{
#ifndef DMAH_CHECK
	if (!(h->meta & DMAH_META_SYNC))
		return DMAH_OK;
#endif
	return dmah_sync_cpu_slow(dev, h, off, len);
}

/**
 * dmah_sync_for_device() - the device may read what the CPU wrote, or write again, while the mapping stays.
 * @dev: the device.
 * @h: the handle.
 * @off: bytes from the buffer's start.
 * @len: bytes.
 *
 * What the device wrote there and the CPU has not taken by dmah_sync_for_cpu() is lost where the buffer bounced.
 *
 * Context and errors: dmah_sync_for_cpu().
 */
static inline int dmah_sync_for_device(struct dmah_device *dev, const struct dmah *h, uint32_t off,
				       uint32_t len)
{
#ifndef DMAH_CHECK
	if (!(h->meta & DMAH_META_SYNC))
		return DMAH_OK;
#endif
	return dmah_sync_device_slow(dev, h, off, len);
}

/* ---- vectors ---- */

/**
 * struct dmah_seg - a piece of a scattered buffer.
 * @phys: its first byte.
 * @len: bytes, not 0.
 */
struct dmah_seg {
	dmah_phys_t phys;
	uint32_t len;
};

/**
 * struct dmah_dma_seg - what the device is given for one or more neighbouring pieces.
 * @dma: DMA address.
 * @len: bytes.
 */
struct dmah_dma_seg {
	dmah_addr_t dma;
	uint32_t len;
};

/**
 * struct dmah_vec - the handle of a scattered buffer. The caller sets @part, @seg and @max and zeroes the rest.
 * @part: room for @max handles, one for each piece; private while mapped.
 * @seg: room for @max DMA segments; the first @nseg are for the device.
 * @max: pieces that there is room for.
 * @nseg: DMA segments; 0 when idle.
 * @nparts: pieces; 0 when idle.
 * @iova: first IOVA of the whole; private.
 * @granules: IOVA granules of the whole; private.
 * @total: bytes in all pieces.
 */
struct dmah_vec {
	struct dmah *part;
	struct dmah_dma_seg *seg;
	uint32_t max;
	uint32_t nseg;
	uint32_t nparts;
	uint32_t granules;
	dmah_addr_t iova;
	uint64_t total;
};

/**
 * dmah_map_vec() - map a scattered buffer, all of it or nothing.
 * @dev: an attached device.
 * @v: an idle vector with room for @n pieces.
 * @segs: the pieces; not needed after the call.
 * @n: how many.
 * @dir: which way the bytes go.
 * @attrs: enum dmah_attr.
 *
 * Neighbours are merged into one DMA segment where their DMA addresses meet (behind an IOMMU: where the edges
 * between them lie on granules) and the device's maximum segment and boundary allow it.
 *
 * Context and errors: dmah_map(); DMAH_EINVAL too where @v has no room.
 */
int dmah_map_vec(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
		 uint32_t n, enum dmah_dir dir, uint32_t attrs);

/** dmah_map_vec_caller() - dmah_map_vec() for a wrapper: see dmah_map_caller(). */
int dmah_map_vec_caller(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
			uint32_t n, enum dmah_dir dir, uint32_t attrs, const void *caller);

/** dmah_unmap_vec() - end a vector's mapping; as dmah_unmap(), with one invalidation for the whole. */
int dmah_unmap_vec(struct dmah_device *dev, struct dmah_vec *v);

/** dmah_vec_sync_for_cpu() - dmah_sync_for_cpu() for any byte range of a vector. */
int dmah_vec_sync_for_cpu(struct dmah_device *dev, const struct dmah_vec *v, uint64_t off,
			  uint64_t len);

/** dmah_vec_sync_for_device() - dmah_sync_for_device() for any byte range of a vector. */
int dmah_vec_sync_for_device(struct dmah_device *dev, const struct dmah_vec *v, uint64_t off,
			     uint64_t len);

/* ---- coherent memory ---- */

/**
 * dmah_alloc_coherent() - memory that CPU and device share, with no syncs.
 * @dev: an attached device.
 * @h: an idle handle.
 * @len: bytes, 1 to 4 GiB - 4096; rounded up to pages.
 * @cpu: where to put the CPU's pointer to zeroed memory.
 *
 * Context: may sleep. Return: as dmah_map(); DMAH_ENOMEM where the host has no such memory.
 */
int dmah_alloc_coherent(struct dmah_device *dev, struct dmah *h, uint64_t len, void **cpu);

/** dmah_alloc_coherent_caller() - dmah_alloc_coherent() for a wrapper: see dmah_map_caller(). */
int dmah_alloc_coherent_caller(struct dmah_device *dev, struct dmah *h, uint64_t len, void **cpu,
			       const void *caller);

/**
 * dmah_free_coherent() - give it back.
 * @dev: the device.
 * @h: its handle; idle afterwards. An idle one is a no-op.
 *
 * Always strict: the memory goes back to the host only when the device cannot reach it any more.
 * Return: 0; DMAH_ETIMEDOUT: the memory is not given back; DMAH_ESTALE, DMAH_EINVAL.
 */
int dmah_free_coherent(struct dmah_device *dev, struct dmah *h);

/* ---- batches ---- */

/**
 * struct dmah_batch - unmaps that were begun together. The caller sets @h and @max and zeroes the rest.
 * @h: room for @max handles; private while the batch is under way.
 * @max: handles that there is room for.
 * @n: handles in it; 0 when idle.
 * @hung: an invalidation could not be posted; private.
 * @ticket: what to wait for, at each IOMMU of the domain; private.
 */
struct dmah_batch {
	struct dmah *h;
	uint32_t max;
	uint32_t n;
	bool hung;
	uint64_t ticket[4];
};

/**
 * dmah_unmap_start() - begin to end @n mappings: nothing is waited for.
 * @dev: the device that they were made for.
 * @b: an idle batch with room for @n handles.
 * @h: @n pointers to handles. Each is moved into the batch, so that it is idle when this returns, and may be mapped
 *	into again. Idle ones are passed over.
 * @n: how many.
 *
 * The device may still reach the memory, and bounced buffers do not hold yet what it wrote, until
 * dmah_unmap_finish(). Several batches may be under way at one time. Behind an IOMMU the translations are gone from the
 * tables, and one invalidation is on its way for each (strict; one for all of the domain where there are many), so that
 * work done before dmah_unmap_finish() hides the hardware's latency.
 *
 * Context: as dmah_map(). Return: 0; DMAH_EINVAL: the batch is not idle or has no room; DMAH_ESTALE, DMAH_EINVAL for
 * the first handle that was refused, which stays as it was while the others are begun.
 */
int dmah_unmap_start(struct dmah_device *dev, struct dmah_batch *b, struct dmah *const *h,
		     uint32_t n);

/**
 * dmah_unmap_finish() - wait until the mappings of a batch have ended.
 * @dev: the device.
 * @b: the batch; idle afterwards. An idle one is a no-op.
 *
 * What dmah_unmap() says of a mapping holds for all of them when this returns.
 *
 * Context: as dmah_map(). Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_unmap_finish(struct dmah_device *dev, struct dmah_batch *b);

#ifdef __cplusplus
}
#endif

#include <dmah/ring.h>

#endif /* DMAH_H */
