/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: the words, and the types that carry them.
 *
 * handle		struct dmah: one mapping, in storage that the caller owns.
 * idle			a handle that maps nothing. All bytes zero.
 * DMA address		what the device is given. Behind an IOMMU it is an IOVA; on Xen a machine (bus)
 *			address; without either a bus address.
 * physical address,	the host's names for the same memory.
 * page, CPU pointer
 * granule		the IOMMU's smallest page.
 * domain		what the DMA addresses of its devices are resolved in. Behind an IOMMU: an
 *			aperture (a range of IOVAs) and a page table.
 * device		who does the DMA, with its limits.
 * backend		how a mapping comes by its DMA address: direct, bounce, iommu, xen.
 * pool, slot		memory that any device can reach, and a part of it that stands in for a buffer.
 * reverse lookup	any step that finds a mapping's record from its DMA address. Counted.
 * strict		when unmap returns, this IOVA range no longer translates. (The page may still be
 *			reachable through another live mapping of it.)
 * lazy			the range may translate until the next flush, which comes at the latest when the
 *			host calls dmah_poll() past the deadline that it returned.
 * ring			mappings that end in the order in which they began, in IOVAs of their own.
 * batch		unmaps that are begun together and share one wait for the hardware.
 * quarantine		where an IOVA or slot waits whose invalidation the hardware did not confirm.
 * fault		a device's transaction that was refused. <dmah/fault.h>
 * history		what a domain remembers of mappings that are or were: who made them, of what, and when they
 *			ended.
 */
#ifndef DMAH_TYPES_H
#define DMAH_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** dmah_addr_t - a DMA address: what the device is given, in bytes. */
typedef uint64_t dmah_addr_t;

/** dmah_phys_t - a physical address of the host, in bytes. */
typedef uint64_t dmah_phys_t;

/**
 * enum dmah_error - what the library's calls return.
 * @DMAH_OK: done.
 * @DMAH_EINVAL: an argument makes no sense: a length of 0, no direction, a live handle to map into, a
 *	partial unmap, a handle of another device.
 * @DMAH_ENOMEM: the host had no page for a page table.
 * @DMAH_ENOSPC: the aperture or every bounce pool is exhausted, after the caches were drained.
 * @DMAH_ERANGE: a limit of the device (mask, boundary, maximum segment) cannot be met for this buffer,
 *	or the buffer wraps round the end of the address space.
 * @DMAH_ENOPOOL: the buffer must bounce, and there is no pool, or the caller forbade it.
 * @DMAH_ESTALE: no such mapping is live: a stale copy of a handle, a second unmap, a wrong address.
 * @DMAH_EBUSY: mappings are live, or the aperture is fixed and too wide for this device.
 * @DMAH_ETIMEDOUT: the hardware did not confirm an invalidation in time. The mapping is gone for the
 *	library, its IOVA is in quarantine, and the memory must not be used again for anything else.
 * @DMAH_ENODEV: the device is killed or not attached.
 * @DMAH_EPERM: forbidden for this device, for example passthrough of an untrusted one; or the IOMMU before it does not
 *	translate yet (dmah_vtd_enable()).
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
 * dmah_strerror() - an error in words.
 * @err: a value of enum dmah_error.
 *
 * Context: any. Return: a constant string, never NULL.
 */
const char *dmah_strerror(int err);

/**
 * enum dmah_dir - which way the bytes go; also what the device may do to the memory.
 * @DMAH_TO_DEVICE: the device reads.
 * @DMAH_FROM_DEVICE: the device writes.
 * @DMAH_BIDIRECTIONAL: both.
 */
enum dmah_dir {
	DMAH_TO_DEVICE = 1,
	DMAH_FROM_DEVICE = 2,
	DMAH_BIDIRECTIONAL = 3,
};

/**
 * enum dmah_attr - how one mapping differs from the usual one; a bit mask.
 * @DMAH_ATTR_NO_CPU_SYNC: map and unmap leave the CPU's caches alone, and unmap does not copy a bounce
 *	slot back; the caller syncs the parts that it used. (Map fills a slot all the same: what it held
 *	before is another's.)
 * @DMAH_ATTR_MMIO: the target is a device's registers, not memory: never cached, never bounced.
 * @DMAH_ATTR_NO_BOUNCE: an error rather than a copy; and the caller answers for the rest of the cache lines
 *	at the buffer's edges, where the device is not coherent.
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
 * @backend: the backend's own: bounce slots, a foreign bus frame, or the page-table entry. Never a pointer.
 * @len: bytes, 1 to 4 GiB - 1.
 * @meta: direction, backend, flags, device slot, generation; 0 is idle. See dmah_mapped().
 *
 * The caller owns the storage, which is zeroed before first use and must not lie in memory that a
 * device can write. Read it through dmah_addr(), dmah_mapped() and friends; a copy is a second
 * handle of the same mapping, and only one of the two may be unmapped: use dmah_move().
 */
struct dmah {
	dmah_addr_t dma;
	dmah_phys_t phys;
	uint64_t backend;
	uint32_t len;
	uint32_t meta;
};

/**
 * struct dmah_stats - what was done, since the device was attached.
 * @maps: mappings made; a vector counts one for each of its parts.
 * @unmaps: mappings undone.
 * @failed_maps: map calls that returned an error.
 * @syncs: sync calls that had something to do.
 * @misuse: calls refused because no such mapping was live, or it was another device's.
 * @reverse_lookups: times a mapping's record was searched from its DMA address.
 * @lookup_steps: entries, tables, registers or nodes visited by those searches.
 * @invalidations: invalidation commands posted to an IOMMU.
 * @waits: times an IOMMU was waited for.
 * @hypercalls: calls to the hypervisor.
 * @bounced_bytes: bytes copied to or from a bounce slot.
 * @maintained_lines: cache lines cleaned or invalidated.
 * @quarantined: granules whose invalidation was not confirmed and that are lost until a flush is.
 * @over_invalidated: granules that a ring's invalidations covered beyond those that were unmapped, because a range is
 *	rounded to a power of two.
 * @faults: transactions of the device that an IOMMU refused and that dmah_faults() took.
 * @faults_suppressed: those of them that it did not tell, for there were too many at a time.
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
