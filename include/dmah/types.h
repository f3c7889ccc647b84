/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: glossary, and the types shared by all calls.
 *
 * handle		struct dmah: one mapping, in storage that the caller owns.
 * idle			said of a handle that maps nothing. One whose bytes are all zero is idle.
 * DMA address		the address that a device puts on the bus. Behind an IOMMU: an IOVA.
 *			On Xen: a machine (bus) address. Otherwise: a bus address.
 * physical address,	three names that the host has for the same memory.
 * page, CPU pointer
 * granule		the smallest page of the IOMMU: 4 KiB.
 * domain			an address space for DMA, shared by the devices of the domain.
 *			Behind an IOMMU: an aperture (a range of IOVAs) and a page table.
 * device			a bus master, with its limits.
 * backend		one method of making DMA addresses: direct, bounce, iommu or xen.
 * pool, slot		memory that every device can reach, and a part of that memory that holds
 *			a copy of a buffer.
 * reverse lookup	any step that finds the record of a mapping from its DMA address. Counted.
 * strict		a mode: when unmap returns, the IOVA range no longer translates. (The page
 *			may still be reachable through another live mapping of the same page.)
 * lazy			a mode: an unmapped range may translate until the next flush. The host
 *			forces the flush by calling dmah_poll() when the last poll asked for it.
 * ring			a queue of mappings that end in the order in which they began. Each ring has
 *			its own IOVAs.
 * batch		unmaps that begin together and share one wait for the hardware.
 * quarantine		the state of an IOVA or bounce slot after an invalidation that the
 *			hardware did not confirm.
 * fault		a transaction of a device that was refused. See <dmah/fault.h>.
 * history		the records that a domain keeps of live and ended mappings: the caller that
 *			made the mapping, its memory, and the time of its end.
 */
#ifndef DMAH_TYPES_H
#define DMAH_TYPES_H

#include <dmah/config.h>
#include <dmah/version.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** dmah_addr_t - a DMA address, in bytes. */
typedef uint64_t dmah_addr_t;

/** dmah_phys_t - a physical address of the host, in bytes. */
typedef uint64_t dmah_phys_t;

/**
 * enum dmah_error - the return values of the library's calls.
 * @DMAH_OK: success.
 * @DMAH_EINVAL: an argument makes no sense: a length of 0, no direction, a live handle to map into,
 *	a partial unmap, a handle of another device.
 * @DMAH_ENOMEM: the host had no page for a page table.
 * @DMAH_ENOSPC: the aperture or every bounce pool is exhausted, even after the per-CPU caches were
 *	drained.
 * @DMAH_ERANGE: this buffer cannot meet a limit of the device (mask, boundary, maximum segment), or
 *	the buffer wraps round the end of the address space.
 * @DMAH_ENOPOOL: the buffer must bounce, but there is no pool, or the caller forbade bouncing.
 * @DMAH_ESTALE: no such mapping is live: a stale copy of a handle, a second unmap, a wrong address.
 * @DMAH_EBUSY: mappings are live, the mode is being changed, or the aperture is fixed and too wide for this device.
 * @DMAH_ETIMEDOUT: the hardware did not confirm an invalidation in time. The library has ended the
 *	mapping and keeps its IOVA in quarantine. The device may still reach the memory, so the
 *	caller must not reuse the memory.
 * @DMAH_ENODEV: the device is killed or not attached.
 * @DMAH_EPERM: forbidden for this device, for example passthrough of an untrusted one; or the
 *	device's IOMMU does not translate yet (see dmah_vtd_enable()).
 * @DMAH_ENOTSUP: the backend or the hardware cannot do this.
 */
enum dmah_error {
	DMAH_OK = 0,
	DMAH_EINVAL = -1,
	DMAH_ENOMEM = -2,
	DMAH_ENOSPC = -3,
	DMAH_ERANGE = -4,
	DMAH_ENOPOOL = -5,
	DMAH_ESTALE = -6,
	DMAH_EBUSY = -7,
	DMAH_ETIMEDOUT = -8,
	DMAH_ENODEV = -9,
	DMAH_EPERM = -10,
	DMAH_ENOTSUP = -11,
};

/**
 * dmah_strerror() - return a text for an error.
 * @err: a value of enum dmah_error.
 *
 * Context: any.
 * Return: a constant string, never NULL.
 */
const char *dmah_strerror(int err);

/**
 * enum dmah_dir - the direction of a transfer, and the device's permission on the memory.
 * @DMAH_TO_DEVICE: the device reads.
 * @DMAH_FROM_DEVICE: the device writes.
 * @DMAH_BIDIRECTIONAL: the device reads and writes.
 */
enum dmah_dir {
	DMAH_TO_DEVICE = 1,
	DMAH_FROM_DEVICE = 2,
	DMAH_BIDIRECTIONAL = 3,
};

/**
 * enum dmah_attr - attributes of one mapping; a bit mask.
 * @DMAH_ATTR_NO_CPU_SYNC: map and unmap leave the CPU's caches alone, and unmap does not copy a
 *	bounce slot back. The caller syncs the parts that it used. (Map still fills a bounce slot,
 *	because the slot may hold the bytes of a previous user.)
 * @DMAH_ATTR_MMIO: the target is a device's registers, not memory: never cached, never bounced.
 * @DMAH_ATTR_NO_BOUNCE: return an error instead of bouncing. Where the device is not coherent, the
 *	caller must see to it that nothing else uses the cache lines at the buffer's two ends.
 */
enum dmah_attr {
	DMAH_ATTR_NO_CPU_SYNC = 1u << 0,
	DMAH_ATTR_MMIO = 1u << 1,
	DMAH_ATTR_NO_BOUNCE = 1u << 2,
};

/**
 * struct dmah - a handle: one mapping.
 * @dma: DMA address of the buffer's first byte, with its offset inside the granule.
 * @phys: physical address of the buffer's first byte: always the original, never a bounce slot's.
 * @backend: private to the backend: bounce slots, bus address, or page-table entry. Never a
 *	pointer.
 * @len: bytes, 1 to 4 GiB - 1.
 * @meta: direction, backend, flags, device number, generation; 0 is idle. See dmah_mapped().
 *
 * The caller owns the storage. Zero the storage before its first use, and keep it out of memory
 * that a device can write. Read a handle through dmah_addr(), dmah_mapped() and the other
 * accessors. A copy is a second handle of the same mapping, and only one of the two may be
 * unmapped: use dmah_move() instead of an assignment.
 */
struct dmah {
	dmah_addr_t dma;
	dmah_phys_t phys;
	uint64_t backend;
	uint32_t len;
	uint32_t meta;
};

/**
 * struct dmah_stats - counters of one device, since its attach.
 * @maps: mappings made; a vector counts one for each of its parts.
 * @unmaps: mappings ended.
 * @failed_maps: map calls that returned an error.
 * @syncs: sync calls that had something to do.
 * @misuse: calls refused because no such mapping was live, or because another device owned the
 *	mapping.
 * @reverse_lookups: searches for the record of a mapping from its DMA address.
 * @lookup_steps: entries, tables, registers or nodes visited by those searches.
 * @invalidations: invalidation commands posted to an IOMMU.
 * @waits: waits for an IOMMU.
 * @hypercalls: calls to the hypervisor.
 * @bounced_bytes: bytes copied to or from a bounce slot.
 * @maintained_lines: cache lines cleaned or invalidated.
 * @quarantined: granules put in quarantine because their invalidation was not confirmed. A later
 *	confirmed flush releases them.
 * @over_invalidated: granules that a ring's invalidations covered beyond the unmapped ones, because
 *	a range is rounded to a power of two.
 * @faults: refused transactions of the device that dmah_faults() took from an IOMMU.
 * @faults_suppressed: the part of @faults that the rate limit did not report.
 */
struct dmah_stats {
	uint64_t maps;
	uint64_t unmaps;
	uint64_t failed_maps;
	uint64_t syncs;
	uint64_t misuse;
	uint64_t reverse_lookups;
	uint64_t lookup_steps;
	uint64_t invalidations;
	uint64_t waits;
	uint64_t hypercalls;
	uint64_t bounced_bytes;
	uint64_t maintained_lines;
	uint64_t quarantined;
	uint64_t over_invalidated;
	uint64_t faults;
	uint64_t faults_suppressed;
};

#ifdef __cplusplus
}
#endif

#endif /* DMAH_TYPES_H */
