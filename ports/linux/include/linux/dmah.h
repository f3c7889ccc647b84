/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dmah: DMA mapping by handle, for drivers of the Linux kernel. All that a driver includes.
 *
 *	struct dmah h = { };	// beside the request, never in memory that a device reaches
 *
 *	err = devm_dmah_attach(dev, DMAH_MODE_DOMAIN);			// in probe()
 *	err = dmah_map_page(dev, &h, page, 0, len, DMA_FROM_DEVICE);
 *	descriptor->address = cpu_to_le64(dmah_addr(&h));
 *	...					// the device writes
 *	dmah_unmap(dev, &h);
 *
 * A handle carries what map knew: nothing is searched for at unmap or sync, and neither length nor
 * direction is stated again. The kernel's own DMA API asks for the DMA address alone and has to
 * find the rest.
 *
 * Every call takes the struct device that the driver would give to dma_map_page(). It must have
 * been attached. Errors are negative errnos; a failed map leaves the handle idle. The words
 * (handle, idle, granule, strict, lazy ...) are those at the head of <dmah/types.h>; docs/linux.md
 * says how the module works and what it cannot do.
 */
#ifndef _LINUX_DMAH_H
#define _LINUX_DMAH_H

#include <linux/bvec.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/skbuff.h>
#include <linux/types.h>

/**
 * struct dmah - a handle: one mapping.
 * @dma: DMA address of the buffer's first byte.
 * @phys: physical address of the buffer's first byte: always the original, never a bounce slot's.
 * @backend: the mode's own: the name of a record, or the handle's own address. Never followed.
 * @len: bytes.
 * @meta: direction, kind, flags, device, generation; 0 is idle.
 *
 * The driver owns the storage, which is zeroed before first use. Read it through dmah_addr(),
 * dmah_mapped() and friends. A copy is a second handle of the same mapping, and only one of the
 * two may be unmapped: use dmah_move().
 */
struct dmah {
	dma_addr_t dma;
	phys_addr_t phys;
	u64 backend;
	u32 len;
	u32 meta;
};

/* ---- devices ---- */

/**
 * enum dmah_mode - how a device's mappings are made.
 * @DMAH_MODE_WRAP: by the kernel's own DMA API, on any device; both APIs may be used at once. With
 *	the module's parameter check=1 (the default) every call is checked against a record of the
 *	mapping.
 * @DMAH_MODE_DOMAIN: in an IOMMU domain of the device's own, strict or lazy as the kernel has it
 *	for this device. All DMA of the device must then go through this API, its coherent memory
 *	too. Where no such domain can be attached (no IOMMU, passthrough, a group of several
 *	devices) the device gets DMAH_MODE_WRAP and the log says why.
 * @DMAH_MODE_DOMAIN_STRICT: the same, strict.
 * @DMAH_MODE_DOMAIN_LAZY: the same, lazy; but an untrusted device is always strict.
 * @DMAH_MODE_POOL: in slots of the device's default domain, each of which keeps its IOVA and its
 *	leaf entries; strict or lazy as that domain is. Both APIs may be used at once. Needs Linux
 *	6.16 or later; a driver that asks an older kernel gets DMAH_MODE_DOMAIN, and one that asks
 *	a later kernel for DMAH_MODE_DOMAIN gets slots. Where no IOMMU translates it is
 *	DMAH_MODE_WRAP.
 * @DMAH_MODE_POOL_STRICT: the same, strict.
 * @DMAH_MODE_POOL_LAZY: the same as DMAH_MODE_POOL: a strict domain's slots are strict.
 */
enum dmah_mode {
	DMAH_MODE_WRAP,
	DMAH_MODE_DOMAIN,
	DMAH_MODE_DOMAIN_STRICT,
	DMAH_MODE_DOMAIN_LAZY,
	DMAH_MODE_POOL,
	DMAH_MODE_POOL_STRICT,
	DMAH_MODE_POOL_LAZY,
};

/**
 * dmah_attach() - make a device usable by handle.
 * @dev: the device, with its DMA masks set, before it does any DMA.
 * @mode: how. What it got is said by dmah_mode().
 *
 * Pins the module. Context: may sleep.
 * Return: 0, -EBUSY (it is attached), -ENOMEM, -ENOSPC (the module's table of devices is full),
 * -EINVAL, or -EIO (no DMA mask).
 */
int __must_check dmah_attach(struct device *dev, enum dmah_mode mode);

/**
 * dmah_detach() - undo dmah_attach().
 * @dev: the device; no other call with it runs.
 *
 * Mappings that are live are listed in the log, each with who made it. Context: may sleep.
 * Return: 0; -EBUSY while mappings are live or rings not freed: nothing has changed; -ENODEV.
 */
int dmah_detach(struct device *dev);

/**
 * devm_dmah_attach() - dmah_attach(), undone when the driver unbinds.
 * @dev: the device.
 * @mode: how.
 *
 * What is mapped still at unbind is listed in the log as leaked, and then the device is detached
 * all the same: in domain mode it reaches that memory no more; in wrap mode the kernel's own
 * mapping stays.
 *
 * Context and errors: dmah_attach().
 */
int __must_check devm_dmah_attach(struct device *dev, enum dmah_mode mode);

/**
 * dmah_mode() - the mode of a device.
 * @dev: the device.
 *
 * Context: any. Return: DMAH_MODE_WRAP, DMAH_MODE_DOMAIN_STRICT, DMAH_MODE_DOMAIN_LAZY,
 * DMAH_MODE_POOL_STRICT or DMAH_MODE_POOL_LAZY, -ENODEV.
 */
int dmah_mode(struct device *dev);

/**
 * struct dmah_stats - counters of a device since it was attached.
 * @maps: mappings made; a vector counts one for each of its parts.
 * @unmaps: mappings undone.
 * @failed_maps: map calls that returned an error.
 * @syncs: sync calls that had something to do or to check.
 * @misuse: calls that were refused or reported.
 * @bounced_bytes: bytes copied to or from the module's own bounce slots (domain and pool mode).
 * @maintained_lines: CPU cache lines that the module cleaned or invalidated itself.
 * @hypercalls: calls to the hypervisor for cache maintenance.
 * @invalidations: range invalidations asked of the IOMMU's driver (domain and pool mode).
 * @flushes: invalidations of the whole domain (domain and pool mode).
 * @live: mappings that are live now.
 * @pool_bytes: IOVAs that slots hold now (pool mode); those of rings are not in it.
 */
struct dmah_stats {
	u64 maps;
	u64 unmaps;
	u64 failed_maps;
	u64 syncs;
	u64 misuse;
	u64 bounced_bytes;
	u64 maintained_lines;
	u64 hypercalls;
	u64 invalidations;
	u64 flushes;
	u64 live;
	u64 pool_bytes;
};

/**
 * dmah_get_stats() - read a device's counters; also in debugfs, dmah/DEVICE/stats.
 * @dev: the device.
 * @stats: set to the sums over all CPUs; exact when no call runs.
 *
 * Context: any. Return: 0, -ENODEV.
 */
int dmah_get_stats(struct device *dev, struct dmah_stats *stats);

/**
 * dmah_flush() - everything unmapped so far no longer translates when this returns.
 * @dev: the device. Nothing to do but in lazy domain mode.
 *
 * Context: any. Return: 0, -ENODEV.
 */
int dmah_flush(struct device *dev);

/* ---- one mapping ---- */

/* Called by the inline wrappers below; not for drivers. */
int __must_check __dmah_map_page(struct device *dev, struct dmah *h, struct page *page,
				 size_t offset, size_t len, enum dma_data_direction dir);
int __must_check __dmah_map_page_attrs(struct device *dev, struct dmah *h, struct page *page,
				       size_t offset, size_t len, enum dma_data_direction dir,
				       unsigned long attrs);
int __dmah_unmap(struct device *dev, struct dmah *h);
void __dmah_moved(struct dmah *h);
int __dmah_unmap_attrs(struct device *dev, struct dmah *h, unsigned long attrs);
int __dmah_sync(struct device *dev, const struct dmah *h, size_t off, size_t len, bool for_cpu);

/**
 * DMAH_META_SYNC - in a handle's meta: a sync has something to do or to check. For the inline
 * tests below alone.
 */
#define DMAH_META_SYNC BIT(2)

/** dmah_addr() - the DMA address of the buffer's first byte, for the device. */
static inline dma_addr_t dmah_addr(const struct dmah *h)
{
	return h->dma;
}

/** dmah_mapped() - Returns true if a handle maps anything. */
static inline bool dmah_mapped(const struct dmah *h)
{
	return h->meta != 0;
}

/** dmah_len() - bytes mapped; 0 when idle. */
static inline u32 dmah_len(const struct dmah *h)
{
	return h->len;
}

/** dmah_phys() - physical address of the buffer's first byte; 0 when idle. */
static inline phys_addr_t dmah_phys(const struct dmah *h)
{
	return h->phys;
}

/** dmah_dir() - which way the bytes go; DMA_NONE when idle. */
static inline enum dma_data_direction dmah_dir(const struct dmah *h)
{
	switch (h->meta & 3) {
	case 1:
		return DMA_TO_DEVICE;
	case 2:
		return DMA_FROM_DEVICE;
	case 3:
		return DMA_BIDIRECTIONAL;
	default:
		return DMA_NONE;
	}
}

/**
 * dmah_move() - the mapping moves to another handle.
 * @dst: an idle handle; it carries the mapping afterwards.
 * @src: a handle; idle afterwards.
 *
 * Context: any. Return: 0, -EBUSY (@dst maps something: nothing has changed).
 */
static inline int __must_check dmah_move(struct dmah *dst, struct dmah *src)
{
	if (dst == src)
		return 0;
	if (dst->meta)
		return -EBUSY;
	*dst = *src;
	*src = (struct dmah){};
	if (dst->meta & DMAH_META_SYNC)
		__dmah_moved(dst);
	return 0;
}

/**
 * dmah_assign() - dmah_move() for converted drivers, which assigned one address to another.
 * @dst: carries the mapping afterwards. What it held before is forgotten, as by an assignment.
 * @src: a handle; maps nothing afterwards, but dmah_addr(@src) still returns the address.
 *
 * A driver maps into a local variable, stores its address beside the buffer, and goes on to give
 * the local to the device: this call takes the place of the store. `dmah convert` writes it.
 *
 * Context: any.
 */
static inline void dmah_assign(struct dmah *dst, struct dmah *src)
{
	if (dst == src)
		return;
	*dst = *src;
	*src = (struct dmah){ .dma = dst->dma };
	if (dst->meta & DMAH_META_SYNC)
		__dmah_moved(dst);
}

/**
 * dmah_unchecked() - drop the result of a map call whose handle is asked later.
 * @err: the result.
 *
 * For a driver that looks at the mapping some lines below the map call: a failed map leaves the
 * handle idle, so dmah_mapped() tells.
 */
static inline void dmah_unchecked(int err)
{
	(void)err;
}

/**
 * dmah_map_page_attrs() - map part of a page.
 * @dev: an attached device.
 * @h: an idle handle.
 * @page: the page.
 * @offset: bytes from its start; may reach beyond it where the memory goes on.
 * @len: bytes, 1 to 4 GiB - 1.
 * @dir: which way the bytes go.
 * @attrs: DMA_ATTR_*, as for dma_map_page_attrs().
 *
 * Context: any. Return: 0; -EINVAL: the arguments make no sense or @h is not idle; -ENOMEM,
 * -ENOSPC, -EIO: it could not be mapped; -ENODEV: not attached.
 */
static inline int __must_check dmah_map_page_attrs(struct device *dev, struct dmah *h,
						   struct page *page, size_t offset, size_t len,
						   enum dma_data_direction dir, unsigned long attrs)
{
	if (__builtin_constant_p(attrs) && !attrs)
		return __dmah_map_page(dev, h, page, offset, len, dir);
	return __dmah_map_page_attrs(dev, h, page, offset, len, dir, attrs);
}

/** dmah_map_page() - dmah_map_page_attrs() without attributes. */
static inline int __must_check dmah_map_page(struct device *dev, struct dmah *h, struct page *page,
					     size_t offset, size_t len, enum dma_data_direction dir)
{
	return __dmah_map_page(dev, h, page, offset, len, dir);
}

/**
 * dmah_map_single_attrs() - map memory of the kernel's linear mapping.
 * @dev: an attached device.
 * @h: an idle handle.
 * @cpu: its first byte; neither of vmalloc() nor on a stack.
 * @len: bytes.
 * @dir: which way the bytes go.
 * @attrs: DMA_ATTR_*.
 *
 * Context and errors: dmah_map_page_attrs().
 */
static inline int __must_check dmah_map_single_attrs(struct device *dev, struct dmah *h, void *cpu,
						     size_t len, enum dma_data_direction dir,
						     unsigned long attrs)
{
	if (unlikely(is_vmalloc_addr(cpu))) {
		WARN_ONCE(1, "dmah: %s: map of vmalloc memory\n", dev_name(dev));
		return -EINVAL;
	}
	return dmah_map_page_attrs(dev, h, virt_to_page(cpu), offset_in_page(cpu), len, dir, attrs);
}

/** dmah_map_single() - dmah_map_single_attrs() without attributes. */
static inline int __must_check dmah_map_single(struct device *dev, struct dmah *h, void *cpu,
					       size_t len, enum dma_data_direction dir)
{
	return dmah_map_single_attrs(dev, h, cpu, len, dir, 0);
}

/**
 * dmah_map_skb_frag() - map part of a fragment of a socket buffer; as skb_frag_dma_map().
 * @dev: an attached device.
 * @h: an idle handle.
 * @frag: the fragment.
 * @offset: bytes from its start.
 * @len: bytes.
 * @dir: which way the bytes go.
 *
 * Context and errors: dmah_map_page_attrs().
 */
static inline int __must_check dmah_map_skb_frag(struct device *dev, struct dmah *h,
						 const skb_frag_t *frag, size_t offset, size_t len,
						 enum dma_data_direction dir)
{
	return dmah_map_page(dev, h, skb_frag_page(frag), skb_frag_off(frag) + offset, len, dir);
}

/** dmah_map_bvec_attrs() - map a bio_vec; as dma_map_bvec(). */
static inline int __must_check dmah_map_bvec_attrs(struct device *dev, struct dmah *h,
						   const struct bio_vec *bv,
						   enum dma_data_direction dir, unsigned long attrs)
{
	return dmah_map_page_attrs(dev, h, bv->bv_page, bv->bv_offset, bv->bv_len, dir, attrs);
}

/** dmah_map_bvec() - dmah_map_bvec_attrs() without attributes. */
static inline int __must_check dmah_map_bvec(struct device *dev, struct dmah *h,
					     const struct bio_vec *bv, enum dma_data_direction dir)
{
	return dmah_map_bvec_attrs(dev, h, bv, dir, 0);
}

/**
 * dmah_map_resource() - map another device's registers; as dma_map_resource().
 * @dev: an attached device.
 * @h: an idle handle.
 * @phys: their physical address: not memory.
 * @len: bytes.
 * @dir: which way the bytes go.
 * @attrs: DMA_ATTR_*.
 *
 * Context and errors: dmah_map_page_attrs().
 */
int __must_check dmah_map_resource(struct device *dev, struct dmah *h, phys_addr_t phys, size_t len,
				   enum dma_data_direction dir, unsigned long attrs);

/**
 * dmah_map_bus() - map what the caller knows the bus address of.
 * @dev: an attached device.
 * @h: an idle handle.
 * @phys: the CPU's address: the physical address that a Xen grant was mapped at, or a peer's
 *	registers.
 * @bus: the device's address, or the one that the IOMMU translates to: the grant's machine
 *	address, or a peer-to-peer address.
 * @len: bytes; one contiguous range of both addresses.
 * @dir: which way the bytes go.
 * @attrs: DMA_ATTR_*.
 *
 * One granted page may be mapped at several physical addresses that share one bus address, so only
 * the caller can say which of them is meant. CPU caches are maintained through the kernel's
 * mapping of @phys, and by a hypercall that names
 * @bus only where it has none; nothing is guessed from @bus.
 *
 * Context: any. Return: as dmah_map_page_attrs(); -EIO where the device cannot reach @bus.
 */
int __must_check dmah_map_bus(struct device *dev, struct dmah *h, phys_addr_t phys, dma_addr_t bus,
			      size_t len, enum dma_data_direction dir, unsigned long attrs);

/**
 * dmah_unmap_attrs() - end a mapping.
 * @dev: the device it was made for.
 * @h: its handle; idle afterwards. An idle one is a no-op.
 * @attrs: DMA_ATTR_SKIP_CPU_SYNC, or 0. The attributes of map hold, too.
 *
 * In strict mode the device can no longer reach memory through dmah_addr(@h) when this returns; in
 * lazy mode by the next flush. The memory is the CPU's, with what the device wrote. Allocates
 * nothing.
 *
 * Context: any. Return: 0; -ESTALE (no such mapping is live: a copy was unmapped before), -EINVAL
 * (another device's): reported, and nothing has changed; -ENODEV.
 */
static inline int dmah_unmap_attrs(struct device *dev, struct dmah *h, unsigned long attrs)
{
	if (!h->meta)
		return 0;
	return __dmah_unmap_attrs(dev, h, attrs);
}

/** dmah_unmap() - dmah_unmap_attrs() without attributes. */
static inline int dmah_unmap(struct device *dev, struct dmah *h)
{
	if (!h->meta)
		return 0;
	return __dmah_unmap(dev, h);
}

/**
 * dmah_expect() - hold what a driver believes against what is mapped.
 * @dev: the device.
 * @h: a live handle.
 * @dma: the DMA address that the driver has for it.
 * @len: the length that it would have stated.
 * @dir: and the direction.
 *
 * For a driver that is being converted and still has the arguments of the kernel's DMA API, which
 * could not check them. A difference is reported with the caller, and counted as misuse.
 *
 * Context: any. Return: whether all agree.
 */
bool dmah_expect(struct device *dev, const struct dmah *h, dma_addr_t dma, size_t len,
		 enum dma_data_direction dir);

/**
 * dmah_unmap_expect() - dmah_expect(), then dmah_unmap() whatever it said.
 */
static inline int dmah_unmap_expect(struct device *dev, struct dmah *h, dma_addr_t dma, size_t len,
				    enum dma_data_direction dir)
{
	(void)dmah_expect(dev, h, dma, len, dir);
	return dmah_unmap(dev, h);
}

/**
 * dmah_sync_for_cpu() - the CPU may read what the device wrote, while the mapping stays.
 * @dev: the device.
 * @h: the handle. Not written: several CPUs may sync parts of one mapping.
 * @off: bytes from the buffer's start.
 * @len: bytes.
 *
 * Context: any. Return: 0, or where there is something to do or to check -EINVAL (the range leaves
 * the mapping, or it is another device's), -ESTALE (no such mapping is live), -ENODEV.
 */
static inline int dmah_sync_for_cpu(struct device *dev, const struct dmah *h, size_t off,
				    size_t len)
{
	if (!(h->meta & DMAH_META_SYNC))
		return 0;
	return __dmah_sync(dev, h, off, len, true);
}

/**
 * dmah_sync_for_device() - the device may read what the CPU wrote, or write again; as
 * dmah_sync_for_cpu().
 */
static inline int dmah_sync_for_device(struct device *dev, const struct dmah *h, size_t off,
				       size_t len)
{
	if (!(h->meta & DMAH_META_SYNC))
		return 0;
	return __dmah_sync(dev, h, off, len, false);
}

/* ---- coherent memory ---- */

/**
 * dmah_alloc_coherent() - memory that CPU and device share, with no syncs; zeroed.
 * @dev: an attached device.
 * @h: an idle handle.
 * @size: bytes, rounded up to pages.
 * @gfp: GFP_KERNEL or GFP_ATOMIC, as for dma_alloc_coherent().
 *
 * Return: the CPU's pointer; or NULL, and the handle is idle.
 */
void *__must_check dmah_alloc_coherent(struct device *dev, struct dmah *h, size_t size, gfp_t gfp);

/**
 * dmah_free_coherent() - give it back.
 * @dev: the device.
 * @h: its handle; idle afterwards. An idle one is a no-op.
 *
 * Always strict. Context: not in interrupts, as dma_free_coherent(). Return: as dmah_unmap().
 */
int dmah_free_coherent(struct device *dev, struct dmah *h);

/**
 * dmah_alloc_coherent_at() - coherent memory for a driver that keeps its address, and no handle.
 * @dev: a device, attached or not.
 * @size: bytes.
 * @dma: set to the DMA address.
 * @gfp: as for dma_alloc_coherent().
 *
 * In domain mode this is dmah_alloc_coherent(), and the module keeps the handle; else it is
 * dma_alloc_coherent(). A file that defines DMAH_COHERENT before it includes this header calls
 * this function and dmah_free_coherent_at() by the kernel's names, unchanged. That does not change
 * calls of the kernel itself: memory of dmam_alloc_coherent() or of a dma_pool is not reached by
 * a device in domain mode.
 *
 * Return: the CPU's pointer, or NULL.
 */
void *dmah_alloc_coherent_at(struct device *dev, size_t size, dma_addr_t *dma, gfp_t gfp);

/** dmah_free_coherent_at() - give it back. Context: not in interrupts. */
void dmah_free_coherent_at(struct device *dev, size_t size, void *cpu, dma_addr_t dma);

#ifdef DMAH_COHERENT
#define dma_alloc_coherent dmah_alloc_coherent_at
#define dma_free_coherent  dmah_free_coherent_at
#endif

#include <linux/dmah-sets.h>

#endif /* _LINUX_DMAH_H */
