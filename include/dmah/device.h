/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: domains, bounce pools and devices: what an operating system sets up, once, so that drivers can map.
 */
#ifndef DMAH_DEVICE_H
#define DMAH_DEVICE_H

#include <dmah/types.h>
#include <dmah/iommu.h>
#include <dmah/host.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dmah_domain;
struct dmah_pool;
struct dmah_ring;

/* ---- bounce pools ---- */

/**
 * dmah_pool_memory() - how much memory a pool's bookkeeping takes.
 * @size: bytes in the pool itself.
 *
 * Return: bytes, for dmah_pool_init(); 0 where @size is none (see there).
 */
size_t dmah_pool_memory(uint64_t size);

/**
 * dmah_pool_init() - set up a bounce pool.
 * @pool: set to the pool.
 * @phys: its first byte: memory that every device which will use it can reach, aligned to a page.
 * @size: bytes, a multiple of DMAH_PAGE_SIZE, DMAH_PAGE_SIZE to 4 GiB. 64 MiB is usual.
 * @memory: bookkeeping, dmah_pool_memory(@size) bytes, aligned to 16, never reachable by a device.
 * @memory_size: its size in bytes.
 *
 * A pool may serve many domains. One that is used by untrusted devices behind an IOMMU is handed out by
 * whole granules, so that no device sees another's slot.
 *
 * Context: initialisation. Return: 0, DMAH_EINVAL.
 */
int dmah_pool_init(struct dmah_pool **pool, dmah_phys_t phys, uint64_t size, void *memory,
		   size_t memory_size);

/**
 * dmah_pool_chain() - let a domain that runs out of @pool go on with @next.
 * @pool: a pool.
 * @next: another, in use by nobody yet; may itself be chained further.
 *
 * Context: initialisation. Return: 0, DMAH_EINVAL (the chain would be a circle).
 */
int dmah_pool_chain(struct dmah_pool *pool, struct dmah_pool *next);

/** dmah_pool_used() - bytes of a pool (and those chained to it) that are handed out or wait for a flush. */
uint64_t dmah_pool_used(struct dmah_pool *pool);

/* ---- domains ---- */

/**
 * enum dmah_backend - how a mapping comes by its DMA address.
 * @DMAH_BACKEND_DIRECT: DMA address = physical address + offset; a buffer that a device cannot reach bounces
 *	where the domain has a pool.
 * @DMAH_BACKEND_BOUNCE: every buffer goes through the pool (confidential guests; tests).
 * @DMAH_BACKEND_IOMMU: an IOVA from the domain's aperture, and a page-table entry.
 * @DMAH_BACKEND_XEN: the machine address behind a guest's physical page.
 */
enum dmah_backend {
	DMAH_BACKEND_DIRECT = 1,
	DMAH_BACKEND_BOUNCE = 2,
	DMAH_BACKEND_IOMMU = 3,
	DMAH_BACKEND_XEN = 4,
};

/**
 * enum dmah_mode - when an unmapped range stops translating (iommu backend).
 * @DMAH_STRICT: when unmap returns.
 * @DMAH_LAZY: by the next flush.
 * @DMAH_PASSTHROUGH: devices see physical addresses; nothing is protected.
 */
enum dmah_mode {
	DMAH_STRICT = 0,
	DMAH_LAZY = 1,
	DMAH_PASSTHROUGH = 2,
};

/**
 * struct dmah_xen_ops - a Xen guest's knowledge of its memory. All of it may be called from any context.
 */
struct dmah_xen_ops {
	/**
	 * @phys_to_bus: the machine address behind a page that this domain owns, or that was announced to the
	 * host as foreign. Return: the bus address of @phys, or ~0 where there is none.
	 */
	dmah_addr_t (*phys_to_bus)(void *ctx, dmah_phys_t phys);
	/**
	 * @bus_to_phys: a physical page of a machine address: a search, and a guess where one grant is mapped
	 * twice. For the address-keyed calls alone; adds what it visited to @steps. ~0 where there is none.
	 */
	dmah_phys_t (*bus_to_phys)(void *ctx, dmah_addr_t bus, uint64_t *steps);
	/**
	 * @has_mapping: the kernel has a mapping of the page at @phys, through which dmah_host_cache() can
	 * maintain its lines.
	 */
	bool (*has_mapping)(void *ctx, dmah_phys_t phys);
	/**
	 * @cache: maintain lines by machine address: the hypercall (GNTTABOP_cache_flush on ARM), at most
	 * one page at a time. Return: 0 or DMAH_EINVAL.
	 */
	int (*cache)(void *ctx, enum dmah_cache_op op, dmah_addr_t bus, uint64_t len);
};

/**
 * struct dmah_domain_config - a domain's configuration. Zero means the default everywhere; use designated
 *	initialisers.
 * @backend: how its mappings come by DMA addresses. No default.
 * @cpus: CPUs that will call, 1 to 4096; 0: 1.
 * @devices: most devices attached at one time, 1 to 1023; 0: 4.
 * @pool: the bounce pool, or NULL: a buffer that must bounce is then an error.
 * @cache_line: bytes in the largest cache line of the system, a power of two, 16 to 2048; 0: 64.
 * @offset: direct, bounce, passthrough: DMA address minus physical address, in bytes.
 * @mode: iommu: strict, lazy or passthrough.
 * @format: iommu: the page-table format.
 * @iommu: iommu: the first IOMMU; more by dmah_domain_add_iommu().
 * @va_bits: iommu: bits of an IOVA: 39, 48 or 57 (VT-d), 39 or 48 (LPAE), 32 (ARMv7 short
 *	descriptors), 38, 47 or 56 (RISC-V); 0: the smallest that covers the
 *	aperture.
 * @aperture_base: iommu: the first IOVA that may be handed out, a multiple of 2 MiB.
 * @aperture_size: iommu: bytes from there, a multiple of 2 MiB, 2 MiB to 1 TiB; 0: 4 GiB. Cut to what the
 *	first device attached can reach. Not a limit on memory, but on what is mapped at one time.
 * @lazy_entries: lazy: unmaps of one granule that one CPU gathers before it flushes, a power of two, 8 to 4096;
 *	0: 256. Of larger ones it gathers fewer: half as many of two granules, a quarter from four granules on. Above 256 the
 *	domain's memory has room for the queues of all CPUs, whether they map or not.
 * @lazy_ns: lazy: how long one may wait for dmah_poll(), in nanoseconds; 0: 10 ms.
 * @want_poll: lazy: called when something waits for a flush where nothing did before: dmah_poll() is to be called by
 *	@deadline, on the clock of dmah_host_now(). NULL: the owner calls dmah_poll() without being asked. In any context
 *	that unmaps, outside of dmah_host_enter(); must not call the library. Where a poll runs on another CPU meanwhile,
 *	the earlier of @deadline and that poll's answer counts.
 * @want_poll_ctx: passed to that.
 * @xen: xen: what the guest knows of its memory.
 * @xen_ctx: passed to those.
 * @history: mappings that the domain remembers after others were made, for dmah_faults(), a power of two, 16 to 2^20;
 *	0: 1024. 32 bytes each. Where more are live or more recent, some are forgotten: who made them, and of what.
 * @handles_only: iommu: no page table is kept, where the IOMMU takes mappings as requests (virtio-iommu). A byte for each granule
 *	that was ever used stands in its place. The address-keyed calls and identity ranges are refused with DMAH_ENOTSUP, rings
 *	make ordinary mappings, and a copy of a handle is found out until its granules were mapped 64 times more. After
 *	dmah_viommu_reset() what is mapped does not translate until it is unmapped and mapped again.
 * @check_entries: check builds: most mappings live at one time that the shadow table follows, a power of two;
 *	0: 65,536. Ignored otherwise.
 */
struct dmah_domain_config {
	enum dmah_backend backend;
	unsigned int cpus;
	unsigned int devices;
	struct dmah_pool *pool;
	uint32_t cache_line;
	int64_t offset;
	enum dmah_mode mode;
	const struct dmah_pt_format *format;
	struct dmah_iommu *iommu;
	unsigned int va_bits;
	dmah_addr_t aperture_base;
	uint64_t aperture_size;
	uint32_t lazy_entries;
	uint64_t lazy_ns;
	void (*want_poll)(void *ctx, struct dmah_domain *dom, uint64_t deadline);
	void *want_poll_ctx;
	const struct dmah_xen_ops *xen;
	void *xen_ctx;
	uint32_t history;
	uint32_t check_entries;
	bool handles_only;
};

/**
 * dmah_domain_memory() - how much memory a domain takes.
 * @config: its configuration.
 *
 * Return: bytes, for dmah_domain_init(); 0 where @config makes no sense. The iommu backend takes about 70 bytes for each MiB
 * of the aperture and 1 KB for each CPU: with the default configuration and 4 CPUs about 320 KiB on a 64-bit CPU, with 256 CPUs
 * 545 KiB. On top come, from dmah_host_page_alloc(), page tables, and for each CPU that maps 5 pages, of which a domain that was
 * never lazy needs 3. Where @lazy_entries is above 256, those lie in the domain's memory instead. A configuration that makes no sense is reported to the host
 * with the field that is wrong.
 */
size_t dmah_domain_memory(const struct dmah_domain_config *config);

/**
 * dmah_domain_init() - set up a domain.
 * @dom: set to the domain.
 * @config: its configuration; copied.
 * @memory: dmah_domain_memory(@config) bytes, aligned to 64, never reachable by a device. All the domain's
 *	state lies in it, but for page tables, more than 16 reserved ranges, and the numbers of attached devices (4 KiB,
 *	in the library's own data, beside two counters).
 * @memory_size: its size in bytes.
 *
 * Context: initialisation. Return: 0, DMAH_EINVAL, DMAH_ENOMEM (no root table), DMAH_ENOTSUP (the IOMMU cannot
 * walk @format that far), DMAH_ENOSPC (the IOMMU has no tag left).
 */
int dmah_domain_init(struct dmah_domain **dom, const struct dmah_domain_config *config,
		     void *memory, size_t memory_size);

/**
 * dmah_domain_fini() - end a domain: page tables go back to the host, the memory to its owner.
 * @dom: a domain.
 *
 * Context: no other call on the domain may run. Return: 0; DMAH_EBUSY while a device is attached; DMAH_ETIMEDOUT
 * where a last flush was not confirmed: nothing was freed then.
 */
int dmah_domain_fini(struct dmah_domain *dom);

/*
 * docs/invariants.md has a table of which calls may run beside which. "Setup call" below is a word of that table.
 */

/**
 * dmah_domain_add_iommu() - let devices behind a further IOMMU share the domain's page table.
 * @dom: a domain with no device attached.
 * @iommu: the IOMMU. What both can do is what the domain can; all are invalidated.
 *
 * Context: a setup call. Return: 0, DMAH_EBUSY, DMAH_ENOTSUP (it cannot walk these tables), DMAH_ENOSPC (4 at most).
 */
int dmah_domain_add_iommu(struct dmah_domain *dom, struct dmah_iommu *iommu);

/**
 * dmah_domain_aperture() - the IOVAs that the domain hands out.
 * @dom: a domain.
 * @base: set to the first byte's address.
 * @size: set to the number of bytes; 0 for a backend without an aperture.
 */
void dmah_domain_aperture(const struct dmah_domain *dom, dmah_addr_t *base, uint64_t *size);

/**
 * dmah_domain_pt() - the domain's page table, to be read by a walker.
 * @dom: a domain.
 * @info: filled in.
 *
 * Return: 0, DMAH_ENOTSUP (no iommu backend).
 */
int dmah_domain_pt(const struct dmah_domain *dom, struct dmah_pt_info *info);

/**
 * dmah_reserve() - set room aside so that maps cannot fail for memory.
 * @dom: a domain.
 * @count: mappings that are to be safe at one time, 1 to 16384.
 * @len: bytes of the longest of them.
 *
 * IOVAs and page tables for @count mappings of up to @len bytes are set aside; a map that finds no memory or
 * no IOVA elsewhere, in whatever context, takes one of them. Each takes @len and a page, rounded up to a power of two, of
 * the aperture. Bounce slots are not part of it: a pool is as large as its owner made it. Once for a domain. A no-op for
 * backends that need no memory to map. The room is set aside anew for each first device, below that device's mask; where
 * there is too little, dmah_attach() fails.
 *
 * Context: a setup call; may sleep. Return: 0, DMAH_ENOMEM, DMAH_ENOSPC, DMAH_EBUSY (done before), DMAH_EINVAL.
 */
int dmah_reserve(struct dmah_domain *dom, unsigned int count, uint32_t len);

/**
 * dmah_set_mode() - switch between strict, lazy and passthrough.
 * @dom: a domain with the iommu backend.
 * @mode: the new mode.
 *
 * Strict and lazy can change at any time. Lazy to strict flushes: whatever was unmapped before, or is unmapped beside the
 * call, translates no more when both have returned. To and from passthrough no mapping may be live, and maps beside the
 * call fail with DMAH_EBUSY.
 *
 * Context: a setup call; may sleep. Return: 0; DMAH_EBUSY (mappings are live, or the host cannot wait for other CPUs):
 * nothing has changed; DMAH_ETIMEDOUT (to strict: the mode has changed, and what was unmapped before may still translate;
 * else nothing has changed, as far as the hardware listens; a device that can be bound neither anew nor as before is
 * reported, and counts as killed); DMAH_ENOTSUP (other backend, or the IOMMU has no
 * passthrough); DMAH_EPERM (an untrusted device is attached).
 */
int dmah_set_mode(struct dmah_domain *dom, enum dmah_mode mode);

/**
 * dmah_flush() - everything unmapped so far no longer translates when this returns.
 * @dom: a domain.
 *
 * Also ends the quarantine of what an earlier time-out left. Context: any but inside dmah_host_enter().
 * Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_flush(struct dmah_domain *dom);

/**
 * dmah_poll() - flush what has waited long enough.
 * @dom: a domain.
 * @now: dmah_host_now().
 * @next: set to the time of the next call, on the same clock; UINT64_MAX: not before the next unmap. Where the hardware did
 *	not confirm a flush, config.lazy_ns after @now.
 *
 * Context: any but inside dmah_host_enter(), on any CPU, for all CPUs. Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_poll(struct dmah_domain *dom, uint64_t now, uint64_t *next);

/**
 * dmah_cpu_dead() - a CPU is gone: what it had cached and queued goes back to the domain.
 * @dom: a domain.
 * @cpu: its number. It runs no more calls until it comes back.
 *
 * Return: 0, DMAH_ETIMEDOUT, DMAH_EINVAL.
 */
int dmah_cpu_dead(struct dmah_domain *dom, unsigned int cpu);

/* ---- devices ---- */

/**
 * enum dmah_device_flags - properties of a device; a bit mask.
 * @DMAH_DEV_COHERENT: its accesses see the CPU's caches.
 * @DMAH_DEV_UNTRUSTED: it may be hostile: always strict, no ATS, and it reaches not one byte beside its
 *	buffers: partial granules bounce, padded with zeroes.
 * @DMAH_DEV_ATS: it has a TLB of its own, which is invalidated after the IOMMU's.
 */
enum dmah_device_flags {
	DMAH_DEV_COHERENT = 1u << 0,
	DMAH_DEV_UNTRUSTED = 1u << 1,
	DMAH_DEV_ATS = 1u << 2,
};

/**
 * struct dmah_limits - limits of a device. Zero means no limit, but for @mask.
 * @mask: the highest address that it can put on the bus, 2^n - 1, n from 24 to 64.
 * @boundary: no segment may cross a multiple of this, a power of two of at least 4096; 0: none.
 * @max_segment: bytes in the longest segment, at least 4096; 0: 4 GiB - 1. Longer maps are refused, and a
 *	vector's segments are not merged beyond it.
 * @min_align_mask: low bits of the physical address that the DMA address must keep, 2^n - 1, at most 4095 (NVMe
 *	wants 4095).
 * @flags: enum dmah_device_flags.
 * @reserved: IOVAs that must not be handed out, for any device of the domain; NULL: none.
 * @nreserved: how many.
 */
struct dmah_limits {
	uint64_t mask;
	uint64_t boundary;
	uint32_t max_segment;
	uint32_t min_align_mask;
	uint32_t flags;
	const struct dmah_reserved *reserved;
	unsigned int nreserved;
};

/**
 * struct dmah_device - a device that does DMA. The caller's storage, zeroed; private but for @name, @id, @ids, @nids,
 *	@iommu and @priv, which the caller may set before dmah_attach().
 * @name: for messages.
 * @id: the id by which its IOMMU knows it. Behind VT-d the requester id, bus << 8 | device << 3 | function, as it arrives at
 *	the unit: a device behind a PCIe-to-PCI bridge has the bridge's (secondary bus << 8), whatever its own is. Behind an
 *	SMMU the stream id, to which firmware's tables map the requester id (IORT, iommu-map). 0 is an id.
 * @ids: further ids of the device, @nids of them: requester aliases (a bridge that passes some transactions under its own id,
 *	phantom functions, a quirk of the device), other streams. All are bound, and faults of all are found. Not copied: kept
 *	until the device is detached. NULL: none. Devices of one domain may share an id: it is bound until the last of them is
 *	detached. Killing one kills all that share an id with it, since the hardware cannot tell them apart.
 * @nids: how many @ids.
 * @iommu: the IOMMU before it, one of its domain's; NULL: the domain's first.
 * @priv: the IOMMU driver's.
 * @dom: its domain; NULL while it is not attached.
 * @limits: as attached.
 * @index: which of its domain's devices.
 * @number: the number that its handles carry.
 * @fast, @fast_lazy, @fast_max, @fast_end, @direct, @direct_end, @sync_whole, @count_at, @owner: for the fast paths of map,
 *	unmap and sync; the library's.
 * @fault_limit: its faults; the library's.
 * @rings: its rings; the library's.
 * @killed: dmah_kill() was called, for this device or for one that shares an id with it.
 * @binding: a setup call binds it at this moment; the library's.
 * @blocked: it was killed, and is known to reach nothing; the library's.
 * @holds_ids: no other domain's device can have its ids; the library's.
 */
struct dmah_device {
	const char *name;
	uint32_t id;
	const uint32_t *ids;
	unsigned int nids;
	struct dmah_iommu *iommu;
	void *priv;
	struct dmah_domain *dom;
	struct dmah_limits limits;
	uint16_t index;
	uint16_t number;
	uint32_t fast;
	uint32_t fast_lazy;
	uint32_t fast_max;
	uint32_t count_at;
	uint32_t sync_whole;
	dmah_phys_t fast_end;
	dmah_phys_t direct_end;
	uint32_t direct;
	uint64_t owner[4];
	struct dmah_rate_limit fault_limit;
	struct dmah_ring *rings;
	bool killed;
	bool binding;
	bool blocked;
	bool holds_ids;
};

/** dmah_device_id() - Returns number @n of a device's ids, 0 to @dev->nids. */
DMAH_INLINE uint32_t dmah_device_id(const struct dmah_device *dev, unsigned int n)
{
	return n ? dev->ids[n - 1] : dev->id;
}

/** dmah_device_has_id() - Returns true where @id is one of a device's ids. */
DMAH_INLINE bool dmah_device_has_id(const struct dmah_device *dev, uint32_t id)
{
	for (unsigned int n = 0; n <= dev->nids; n++)
		if (dmah_device_id(dev, n) == id)
			return true;
	return false;
}

/**
 * dmah_attach() - make a device one of a domain.
 * @dom: the domain.
 * @dev: the device, not attached.
 * @limits: its limits; copied, but for @limits->reserved, which is only read during the call.
 *
 * The first device fixes the domain's aperture. Identity ranges are mapped before the device is bound; where one lies
 * above the page table and config.va_bits was 0, the table becomes wider. Ranges of several devices may overlap. A failed
 * attach leaves everything as it was; errors are reported to the host with the limit that is wrong.
 *
 * Context: a setup call; may sleep. Return: 0; DMAH_EINVAL (limits that make no sense); DMAH_ERANGE (a mask that nothing
 * fits, an identity range above the widest IOVA); DMAH_EBUSY (it is attached; the aperture is wider than its mask; a
 * reserved range is in use; the host cannot wait for other CPUs); DMAH_ENOSPC (the domain has no room for a further device,
 * or the aperture none for the reserve); DMAH_ENOMEM; DMAH_ETIMEDOUT; DMAH_EPERM (untrusted in passthrough).
 */
int dmah_attach(struct dmah_domain *dom, struct dmah_device *dev, const struct dmah_limits *limits);

/**
 * dmah_detach() - undo dmah_attach().
 * @dev: the device.
 *
 * The device's reserved ranges end with it. Context: a setup call; no other call with the device may run. Return: 0;
 * DMAH_EBUSY while a mapping of it is live or a ring not ended; DMAH_ETIMEDOUT: the hardware did not confirm that it is
 * blocked, or that its identity ranges have ended, and it stays attached: detach it again; DMAH_ENODEV.
 */
int dmah_detach(struct dmah_device *dev);

/**
 * dmah_kill() - the device reaches nothing any more.
 * @dev: the device: pulled, hung, or hostile.
 *
 * Its transactions are blocked and its translations flushed; further maps fail; unmaps release and copy nothing
 * back. May be called again.
 *
 * Devices that share an id with @dev are killed with it: maps fail, and nothing is reached through that id. The id stays
 * blocked when @dev is detached: as long as a killed device with it is attached, each attach of the id is refused. So
 * detach all that share the id, reset them, and attach them again. A further id of such a device is blocked by its own
 * dmah_kill(), the next change of modes, or its dmah_detach().
 *
 * Context: any but inside dmah_host_enter(). Return: 0: it reaches nothing; DMAH_ETIMEDOUT: that
 * was not confirmed, so until a dmah_flush() is, every unmap of the domain waits for the hardware and says DMAH_ETIMEDOUT
 * where it does not answer; DMAH_EBUSY: a setup call binds it at this moment, and will block it: as DMAH_ETIMEDOUT until
 * then; DMAH_ENODEV; DMAH_ENOTSUP (no IOMMU before it that could block it: maps fail all the same).
 */
int dmah_kill(struct dmah_device *dev);

/** dmah_device_live() - mappings of a device that are live now; exact when no call runs. */
uint64_t dmah_device_live(const struct dmah_device *dev);

/**
 * dmah_device_stats() - counters of a device since it was attached.
 * @dev: the device.
 * @stats: set to the sums over all CPUs; exact when no call runs.
 */
void dmah_device_stats(const struct dmah_device *dev, struct dmah_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_DEVICE_H */
