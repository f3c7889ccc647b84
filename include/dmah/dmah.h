/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: the handle API. A device driver includes only this header.
 *
 *	struct dmah h = { 0 };				// beside the request, not in it
 *
 *	err = dmah_map(dev, &h, phys, len, DMAH_FROM_DEVICE, 0);
 *	descriptor->address = dmah_addr(&h);
 *	...						// the device writes
 *	err = dmah_unmap(dev, &h);
 *
 * The head of <dmah/types.h> is the glossary.
 *
 * All CPUs may map, sync and unmap on one device at the same time. One handle, vector or batch must
 * not be mapped or unmapped by two CPUs at the same time; several CPUs may sync one mapping.
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
 * @phys: physical address of the buffer's first byte.
 * @len: bytes, 1 to 4 GiB - 1. Use a vector for a longer buffer.
 * @dir: direction of the transfer.
 * @attrs: enum dmah_attr.
 *
 * On success the device may use dmah_addr(@h), and owns the memory until dmah_sync_for_cpu() or
 * dmah_unmap(). After an error @h is idle and nothing has changed.
 *
 * Context: any except inside dmah_host_enter(); interrupts are allowed. May allocate page tables
 * (DMAH_ALLOC_ATOMIC), but not for mappings that dmah_reserve() has prepared.
 * Return: 0, DMAH_EINVAL, DMAH_ERANGE, DMAH_ENOPOOL, DMAH_ENOMEM, DMAH_ENOSPC, DMAH_ENODEV,
 * DMAH_ETIMEDOUT.
 */
int dmah_map(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
	     enum dmah_dir dir, uint32_t attrs);

/**
 * dmah_map_memory() - call dmah_map() without attributes, in fewer instructions.
 * @dev: an attached device.
 * @h: an idle handle.
 * @phys: physical address of the buffer's first byte.
 * @len: bytes, 1 to 4 GiB - 1.
 * @dir: direction of the transfer.
 *
 * The wrappers dmah_map_page() and dmah_map_single() below call this function.
 *
 * Context and errors: dmah_map().
 */
int dmah_map_memory(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir);

/**
 * dmah_map_bus() - map memory with a bus address that the caller knows.
 * @dev: an attached device.
 * @h: an idle handle.
 * @phys: physical address for the CPU: the address that a Xen grant was mapped at, or a peer's
 *	registers.
 * @bus: bus address for the device or the IOMMU: the grant's machine address, or a peer-to-peer
 *	address.
 * @len: bytes, 1 to 4 GiB - 1.
 * @dir: direction of the transfer.
 * @attrs: enum dmah_attr.
 *
 * On Xen one granted page may be mapped at several physical addresses, so no lookup from the bus
 * address can find the right one. Only this call can name both. Otherwise like dmah_map().
 *
 * Context and errors: dmah_map().
 */
int dmah_map_bus(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, dmah_addr_t bus,
		 uint64_t len, enum dmah_dir dir, uint32_t attrs);

/**
 * dmah_map_caller() - call dmah_map() for a wrapper, so that a fault report names @caller.
 * @dev: an attached device.
 * @h: an idle handle.
 * @phys: physical address of the buffer's first byte.
 * @len: bytes, 1 to 4 GiB - 1.
 * @dir: direction of the transfer.
 * @attrs: enum dmah_attr.
 * @caller: the code address for fault reports, within 2 GiB of the library's own code.
 *
 * dmah_map() records its own return address. An operating system with its own wrapper round
 * dmah_map() passes the wrapper's return address instead: __builtin_return_address(0). A function
 * that ends in a call of dmah_map() may have been left already (a tail call), and the return
 * address then lies in the function's caller. To name such a function, pass its own address:
 *
 *	return dmah_map_caller(dev, &buf->h, phys, len, DMAH_FROM_DEVICE, 0,
 *			       (const void *)nic_fill_rx);
 *
 * Vectors, coherent memory and the address-keyed calls have the same variant. Rings have the field
 * @caller.
 *
 * Context and errors: dmah_map().
 */
int dmah_map_caller(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir, uint32_t attrs, const void *caller);

/** dmah_map_bus_caller() - call dmah_map_bus() for a wrapper: see dmah_map_caller(). */
int dmah_map_bus_caller(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, dmah_addr_t bus,
			uint64_t len, enum dmah_dir dir, uint32_t attrs, const void *caller);

/**
 * dmah_unmap() - end a mapping.
 * @dev: the device that the mapping was made for.
 * @h: the handle; idle afterwards. For an idle handle the call does nothing.
 *
 * In strict mode the device can no longer reach memory through dmah_addr(@h) when this call
 * returns; in lazy mode after the next flush at the latest. The CPU owns the memory again and sees
 * the device's writes. Allocates nothing.
 *
 * Context: as dmah_map().
 * Return: 0; DMAH_ETIMEDOUT: the hardware did not confirm: @h is idle, but the memory must not be
 * reused; DMAH_ESTALE, DMAH_EINVAL: refused, nothing has changed.
 */
int dmah_unmap(struct dmah_device *dev, struct dmah *h);

/**
 * dmah_replace() - map another buffer in the place of a mapped one: a receive ring that hands a full buffer up and puts an
 * empty one in its slot.
 * @dev: an attached device.
 * @h: the handle of the mapping that ends, and of the new one. An idle handle makes the call dmah_map().
 * @phys: physical address of the new buffer's first byte.
 * @len: its bytes, 1 to 4 GiB - 1.
 * @dir: direction of the transfer.
 *
 * The result is that of dmah_unmap() and dmah_map() without attributes, in fewer instructions. The new buffer is mapped
 * first: where that fails, the old mapping stays and @h is unchanged. For a moment both are mapped, so that an IOVA and, where
 * buffers bounce, a slot must be free. The DMA address changes.
 *
 * Context: as dmah_map().
 * Return: 0. The errors of dmah_map(), and DMAH_ESTALE and DMAH_EINVAL of dmah_unmap(): nothing has changed. DMAH_ETIMEDOUT:
 * the hardware did not confirm that a mapping ended. If @h carries the new mapping, that was the old one, whose memory must
 * not be reused. If @h is as it was, the new buffer could not be mapped for that reason, or @h was refused and the new mapping
 * ended again: the new buffer must not be reused.
 */
int dmah_replace(struct dmah_device *dev, struct dmah *h, dmah_phys_t phys, uint64_t len,
		 enum dmah_dir dir);

/**
 * dmah_move() - move a mapping to another handle.
 * @dst: an idle handle; carries the mapping afterwards.
 * @src: a handle; idle afterwards.
 *
 * Context: any.
 * Return: 0; DMAH_EBUSY: @dst maps something, nothing has changed.
 */
DMAH_INLINE int dmah_move(struct dmah *dst, struct dmah *src)
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

/** dmah_addr() - return the DMA address of the buffer's first byte, for the device. */
DMAH_INLINE dmah_addr_t dmah_addr(const struct dmah *h)
{
	return h->dma;
}

/** dmah_mapped() - Returns true if a handle maps something. */
DMAH_INLINE bool dmah_mapped(const struct dmah *h)
{
	return h->meta != 0;
}

/** dmah_length() - return the number of bytes mapped; 0 for an idle handle. */
DMAH_INLINE uint32_t dmah_length(const struct dmah *h)
{
	return h->len;
}

/** dmah_direction() - return the direction of a mapping; 0 for an idle handle. */
DMAH_INLINE enum dmah_dir dmah_direction(const struct dmah *h)
{
	return (enum dmah_dir)(h->meta & 3u);
}

/**
 * dmah_map_page() - map part of a page.
 * @dev: an attached device.
 * @h: an idle handle.
 * @page: the page's physical address.
 * @offset: bytes from @page to the buffer; may exceed the page if the memory continues.
 * @len: bytes, 1 to 4 GiB - 1.
 * @dir: direction of the transfer.
 *
 * Context and errors: dmah_map().
 */
DMAH_INLINE int dmah_map_page(struct dmah_device *dev, struct dmah *h, dmah_phys_t page,
			      uint32_t offset, uint64_t len, enum dmah_dir dir)
{
	return dmah_map_memory(dev, h, page + offset, len, dir);
}

/**
 * dmah_map_single() - map memory that the CPU has a pointer to.
 * @dev: an attached device.
 * @h: an idle handle.
 * @cpu: a pointer for which dmah_host_virt_to_phys() holds, to physically contiguous memory.
 * @len: bytes, 1 to 4 GiB - 1.
 * @dir: direction of the transfer.
 *
 * Context and errors: dmah_map().
 */
DMAH_INLINE int dmah_map_single(struct dmah_device *dev, struct dmah *h, const void *cpu,
				uint64_t len, enum dmah_dir dir)
{
	return dmah_map_memory(dev, h, dmah_host_virt_to_phys(cpu), len, dir);
}

/* ---- syncs ---- */

/**
 * DMAH_META_SYNC_DEVICE, DMAH_META_SYNC_CPU - bits of a handle's meta: a sync for the device, or for the CPU, has something to
 * do. Only for the inline tests below.
 */
#define DMAH_META_SYNC_DEVICE (1u << 2)
#define DMAH_META_SYNC_CPU    (1u << 22)

/** dmah_sync_cpu_slow() - run dmah_sync_for_cpu() for a mapping that has something to sync. */
int dmah_sync_cpu_slow(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len);

/**
 * dmah_sync_device_slow() - run dmah_sync_for_device() for a mapping that has something to sync.
 */
int dmah_sync_device_slow(struct dmah_device *dev, const struct dmah *h, uint32_t off,
			  uint32_t len);

/**
 * dmah_sync_for_cpu() - let the CPU read the device's writes while the mapping stays.
 * @dev: the device.
 * @h: the handle. Not written: several CPUs may sync parts of one mapping.
 * @off: bytes from the buffer's start.
 * @len: bytes.
 *
 * The device must not write the range between this call and dmah_sync_for_device(). In a
 * DMAH_FROM_DEVICE mapping the CPU must not write the range between this call and the unmap. Needs
 * no lookup.
 *
 * Context: any except inside dmah_host_enter().
 * Return: 0. If the mapping has something to sync (a DMAH_TO_DEVICE mapping never has here), also
 * DMAH_EINVAL (the range leaves the mapping) or DMAH_ESTALE (no such mapping is live).
 */
DMAH_INLINE int dmah_sync_for_cpu(struct dmah_device *dev, const struct dmah *h, uint32_t off,
				  uint32_t len)
{
#ifndef DMAH_CHECK
	if (!(h->meta & DMAH_META_SYNC_CPU))
		return DMAH_OK;
#endif
	return dmah_sync_cpu_slow(dev, h, off, len);
}

/**
 * dmah_sync_for_device() - let the device read the CPU's writes, or write again, while the mapping
 * stays.
 * @dev: the device.
 * @h: the handle.
 * @off: bytes from the buffer's start.
 * @len: bytes.
 *
 * In a bounced buffer, this call overwrites the device's writes that dmah_sync_for_cpu() has not
 * copied.
 *
 * Context and errors: dmah_sync_for_cpu(). A DMAH_FROM_DEVICE mapping of a coherent device never has something to sync here.
 */
DMAH_INLINE int dmah_sync_for_device(struct dmah_device *dev, const struct dmah *h, uint32_t off,
				     uint32_t len)
{
#ifndef DMAH_CHECK
	if (!(h->meta & DMAH_META_SYNC_DEVICE))
		return DMAH_OK;
#endif
	return dmah_sync_device_slow(dev, h, off, len);
}

/* ---- vectors ---- */

/**
 * struct dmah_seg - a piece of a scattered buffer.
 * @phys: physical address of its first byte.
 * @len: bytes, not 0.
 */
struct dmah_seg {
	dmah_phys_t phys;
	uint32_t len;
};

/**
 * struct dmah_dma_seg - one DMA segment for the device: one or more neighbouring pieces.
 * @dma: DMA address.
 * @len: bytes.
 */
struct dmah_dma_seg {
	dmah_addr_t dma;
	uint32_t len;
};

/**
 * struct dmah_vec - the handle of a scattered buffer. The caller sets @part, @seg and @max and
 * zeroes the rest.
 * @part: array of @max handles, one for each piece; private while mapped.
 * @seg: array of @max DMA segments; the first @nseg are for the device.
 * @max: length of both arrays.
 * @nseg: number of DMA segments; 0 when idle.
 * @nparts: number of pieces; 0 when idle.
 * @iova: first IOVA of the whole vector; private.
 * @granules: IOVA granules of the whole vector; private.
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
 * @segs: array of @n pieces; not needed after the call.
 * @n: number of pieces.
 * @dir: direction of the transfer.
 * @attrs: enum dmah_attr.
 *
 * Two neighbouring pieces become one DMA segment if the first ends at the DMA address where the
 * second begins, within the device's maximum segment and boundary. Behind an IOMMU two pieces meet
 * in this way if the first ends, and the second begins, on a granule.
 *
 * Context and errors: dmah_map(); also DMAH_EINVAL if @v has no room.
 */
int dmah_map_vec(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
		 uint32_t n, enum dmah_dir dir, uint32_t attrs);

/** dmah_map_vec_caller() - call dmah_map_vec() for a wrapper: see dmah_map_caller(). */
int dmah_map_vec_caller(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
			uint32_t n, enum dmah_dir dir, uint32_t attrs, const void *caller);

/**
 * dmah_unmap_vec() - end a vector's mapping, with one invalidation for the whole vector. See
 * dmah_unmap().
 */
int dmah_unmap_vec(struct dmah_device *dev, struct dmah_vec *v);

/** dmah_vec_sync_for_cpu() - call dmah_sync_for_cpu() for any byte range of a vector. */
int dmah_vec_sync_for_cpu(struct dmah_device *dev, const struct dmah_vec *v, uint64_t off,
			  uint64_t len);

/** dmah_vec_sync_for_device() - call dmah_sync_for_device() for any byte range of a vector. */
int dmah_vec_sync_for_device(struct dmah_device *dev, const struct dmah_vec *v, uint64_t off,
			     uint64_t len);

/* ---- coherent memory ---- */

/**
 * dmah_alloc_coherent() - allocate memory that CPU and device share without syncs.
 * @dev: an attached device.
 * @h: an idle handle.
 * @len: bytes, 1 to 4 GiB - 4096; rounded up to pages.
 * @cpu: receives the CPU's pointer to zeroed memory; NULL on error.
 *
 * The memory's DMA addresses keep to the device's mask, boundary and longest segment (for @len as
 * given). Where they follow physical addresses, several places in the host's memory are tried.
 *
 * Context: may sleep.
 * Return: as dmah_map(); DMAH_ENOMEM if the host has no memory; DMAH_ERANGE if @len exceeds the
 * boundary or the longest segment, or if the device cannot be given any memory that the host has.
 */
int dmah_alloc_coherent(struct dmah_device *dev, struct dmah *h, uint64_t len, void **cpu);

/**
 * dmah_alloc_coherent_caller() - call dmah_alloc_coherent() for a wrapper: see dmah_map_caller().
 */
int dmah_alloc_coherent_caller(struct dmah_device *dev, struct dmah *h, uint64_t len, void **cpu,
			       const void *caller);

/**
 * dmah_free_coherent() - free memory from dmah_alloc_coherent().
 * @dev: the device.
 * @h: the memory's handle; idle afterwards. For an idle handle the call does nothing.
 *
 * Always strict: the host gets the memory back only when the device can no longer reach it.
 *
 * Context: may sleep.
 * Return: 0; DMAH_ETIMEDOUT: the hardware did not confirm, the library keeps the memory until a
 * later flush is confirmed (it records many such pieces in pages of dmah_host_page_alloc(); where
 * the host has no page, the loss of the memory is reported); DMAH_ESTALE, DMAH_EINVAL: refused, nothing has changed.
 */
int dmah_free_coherent(struct dmah_device *dev, struct dmah *h);

/* ---- batches ---- */

/**
 * struct dmah_batch - unmaps that begin together. The caller sets @h and @max and zeroes the rest.
 * @h: array of @max handles; private between start and finish.
 * @max: length of @h.
 * @n: number of handles in the batch; 0 when idle.
 * @hung: an invalidation could not be posted; private.
 * @ticket: the invalidation to wait for, for each IOMMU of the domain; private.
 * @seal: a hash of the handles, to find damaged ones; private.
 */
struct dmah_batch {
	struct dmah *h;
	uint32_t max;
	uint32_t n;
	bool hung;
	uint64_t ticket[4];
	uint64_t seal;
};

/**
 * dmah_unmap_start() - begin to unmap @n mappings, without a wait.
 * @dev: the device that the mappings were made for.
 * @b: an idle batch with room for @n handles.
 * @h: array of @n pointers to handles. Each handle moves into the batch: it is idle when this call
 *	returns, and can be used for a new mapping. Idle handles are skipped.
 * @n: number of handles.
 *
 * Until dmah_unmap_finish() the device may still reach the memory, and a bounced buffer does not
 * hold the device's writes. Several batches may be under way at the same time.
 *
 * Behind an IOMMU this call clears the page-table entries. In strict mode it also posts one
 * invalidation for each mapping, or a single one for the whole domain if there are many. Work done
 * before dmah_unmap_finish() hides the latency of the hardware.
 *
 * Context: as dmah_map().
 * Return: 0; DMAH_EINVAL: the batch is not idle or has no room; DMAH_ESTALE or DMAH_EINVAL: a
 * handle was refused and stays as it was (the error is the first one's), and the other unmaps have
 * begun.
 */
int dmah_unmap_start(struct dmah_device *dev, struct dmah_batch *b, struct dmah *const *h,
		     uint32_t n);

/**
 * dmah_unmap_finish() - wait until the mappings of a batch have ended.
 * @dev: the device.
 * @b: the batch; idle afterwards. For an idle batch the call does nothing.
 *
 * When this call returns, every mapping of the batch has ended as after dmah_unmap().
 *
 * Context: as dmah_map().
 * Return: 0, DMAH_ETIMEDOUT; DMAH_EINVAL: a handle of the batch was changed since dmah_unmap_start(), so that nobody
 * knows which IOVAs and bounce slots were the batch's: the mappings have ended, but those are lost.
 */
int dmah_unmap_finish(struct dmah_device *dev, struct dmah_batch *b);

#ifdef __cplusplus
}
#endif

#include <dmah/ring.h>

#endif /* DMAH_H */
