/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: the interface between the library and the driver of an IOMMU.
 *
 * The library writes page tables; the driver binds devices to them and invalidates. For authors of IOMMU drivers, and
 * for the code that sets up domains; device drivers do not need this header. Drivers of Intel VT-d (dmah/vtd.h), AMD-Vi
 * (dmah/amdvi.h), Arm's SMMUv1 and SMMUv2 (dmah/smmuv2.h) and SMMUv3 (dmah/smmuv3.h), RISC-V (dmah/riscv.h) and virtio-iommu
 * (dmah/viommu.h) come with the library.
 */
#ifndef DMAH_IOMMU_H
#define DMAH_IOMMU_H

#include <dmah/host.h>
#include <dmah/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct dmah_unit_state - a unit's state, in its driver's structure. Private.
 * @lock: held while commands are posted and the state changes.
 * @failed: the unit does not answer.
 * @resetting: a reset is at work.
 */
struct dmah_unit_state {
	struct dmah_lock lock;
	bool failed;
	bool resetting;
};

/**
 * struct dmah_unit_marks - marks that a driver posts into a unit's queue, by their numbers. Private.
 * @last: the last mark posted.
 * @redo_until, @redo_ticket: waits for marks up to the first end when the second is passed.
 * @lost_after, @lost_until: marks between the two have a command in front that was lost.
 */
struct dmah_unit_marks {
	uint64_t last;
	uint64_t redo_until;
	uint64_t redo_ticket;
	uint64_t lost_after;
	uint64_t lost_until;
};

/** struct dmah_unit_area - memory that a unit reads: @cpu of @phys, inside the allocation @whole of @size bytes. Private. */
struct dmah_unit_area {
	uint64_t *cpu;
	dmah_phys_t phys;
	dmah_phys_t whole;
	size_t size;
};

struct dmah_device;
struct dmah_domain;
struct dmah_iommu;
struct dmah_irq_ops;
struct dmah_link;

/**
 * struct dmah_pt_format - a page-table format, one of those below. Opaque.
 */
struct dmah_pt_format;

/**
 * dmah_pt_vtd_ss - Intel VT-d second-stage tables: 3, 4 or 5 levels (39, 48, 57 bits), 4 KiB granule,
 * 2 MiB and 1 GiB pages. Intel Virtualization Technology for Directed I/O, section 9.8.
 */
extern const struct dmah_pt_format dmah_pt_vtd_ss;

/**
 * dmah_pt_vtd_fs - Intel VT-d first-stage tables: 4 or 5 levels (47 or 56 bits, since the upper half of a table begins with
 * addresses whose bits up to 63 are set), 4 KiB granule, 2 MiB and 1 GiB pages. The same specification, section 9.7.
 */
extern const struct dmah_pt_format dmah_pt_vtd_fs;

/**
 * dmah_pt_lpae_s1 - ARM VMSAv8-64 / LPAE stage 1 tables: 39 or 48 bits, 4 KiB granule, 2 MiB and 1 GiB
 * blocks. Arm Architecture Reference Manual, section D8.3.
 */
extern const struct dmah_pt_format dmah_pt_lpae_s1;

/**
 * dmah_pt_amd_v1 - AMD's host page tables (v1): 1 to 6 levels (21, 30, 39, 48, 57, 63 bits), 4 KiB granule, 2 MiB and
 * 1 GiB pages. AMD I/O Virtualization Technology (IOMMU) Specification, section 2.2.3.
 */
extern const struct dmah_pt_format dmah_pt_amd_v1;

/**
 * dmah_pt_lpae_s2 - ARM VMSAv8-64 / LPAE stage 2 tables: 39 or 48 bits, 4 KiB granule, 2 MiB and 1 GiB
 * blocks. Arm Architecture Reference Manual, section D8.3.
 */
extern const struct dmah_pt_format dmah_pt_lpae_s2;

/**
 * dmah_pt_arm_short - ARMv7 (VMSAv7, AArch32) short descriptors: 2 levels, 32 bits, 4 KiB granule, 64 KiB pages and pairs of
 * 1 MiB sections; memory and tables lie below 4 GiB. Descriptors of 32 bits have no room for a generation: the library keeps
 * a table of its own beside the hardware's. Arm Architecture Reference Manual ARMv7-A, section B3.5.
 */
extern const struct dmah_pt_format dmah_pt_arm_short;

/**
 * dmah_pt_sv - RISC-V first-stage tables: Sv39, Sv48, Sv57 (3, 4 or 5 levels; 38, 47 or 56 bits, since the upper half of
 * a table begins with addresses whose bits up to 63 are set), 4 KiB granule, 2 MiB and 1 GiB pages. The
 * RISC-V Instruction Set Manual, Volume II, chapter Supervisor-Level ISA. An entry has no room for a generation: a stale
 * copy of a handle is found while nothing, or other memory, is mapped at its address.
 */
extern const struct dmah_pt_format dmah_pt_sv;

/**
 * dmah_pt_sv_rsw - the same for hardware with Svrsw60t59b, which leaves bits 60 and 59 of an entry to software: they hold a
 * generation of 2 bits.
 */
extern const struct dmah_pt_format dmah_pt_sv_rsw;

/**
 * struct dmah_pt_info - a domain's page table, for the driver to program.
 * @format: which format.
 * @root: physical address of the root table.
 * @va_bits: bits of an IOVA.
 * @levels: levels of the walk, the root included.
 */
struct dmah_pt_info {
	const struct dmah_pt_format *format;
	dmah_phys_t root;
	unsigned int va_bits;
	unsigned int levels;
};

/**
 * enum dmah_iommu_caps - capabilities of an IOMMU; a bit mask.
 * @DMAH_IOMMU_COHERENT_WALK: its table walks see the CPU's caches.
 * @DMAH_IOMMU_MAP_FLUSH: it may hold entries that do not translate, or buffer writes (VT-d caching mode,
 *	RWBF): a new mapping is usable only after an invalidation.
 * @DMAH_IOMMU_BLOCK_2M: 2 MiB leaf entries.
 * @DMAH_IOMMU_BLOCK_1G: 1 GiB leaf entries.
 * @DMAH_IOMMU_PASSTHROUGH: devices can be let through untranslated.
 */
enum dmah_iommu_caps {
	DMAH_IOMMU_COHERENT_WALK = 1u << 0,
	DMAH_IOMMU_MAP_FLUSH = 1u << 1,
	DMAH_IOMMU_BLOCK_2M = 1u << 2,
	DMAH_IOMMU_BLOCK_1G = 1u << 3,
	DMAH_IOMMU_PASSTHROUGH = 1u << 4,
};

/**
 * enum dmah_walks - how an IOMMU reads page tables, for hardware whose capability register is wrong.
 * @DMAH_WALKS_AS_REPORTED: as the capability register says.
 * @DMAH_WALKS_COHERENT: through the CPU's caches.
 * @DMAH_WALKS_NONCOHERENT: past the CPU's caches: the library cleans every table entry that it writes.
 */
enum dmah_walks {
	DMAH_WALKS_AS_REPORTED,
	DMAH_WALKS_COHERENT,
	DMAH_WALKS_NONCOHERENT,
};

/**
 * struct dmah_msi - the message that raises an interrupt.
 * @addr: the address that is written, a multiple of 4.
 * @data: the value that is written there.
 */
struct dmah_msi {
	uint64_t addr;
	uint32_t data;
};

/**
 * struct dmah_reserved - IOVAs that must not be handed out.
 * @base: first byte, a multiple of the granule.
 * @size: bytes, a multiple of the granule.
 * @identity: they must also translate to themselves from before the device is bound (RMRR, RMR).
 * @dir: accesses that the device may make there, with @identity; 0: both.
 * @mmio: registers are there, not memory (an MSI doorbell): never cached, with @identity.
 */
struct dmah_reserved {
	dmah_addr_t base;
	uint64_t size;
	bool identity;
	enum dmah_dir dir;
	bool mmio;
};

/**
 * enum dmah_bind - the fate of a device's transactions.
 * @DMAH_BIND_BLOCK: every transaction faults.
 * @DMAH_BIND_TRANSLATE: the domain's page table.
 * @DMAH_BIND_PASSTHROUGH: no translation.
 */
enum dmah_bind {
	DMAH_BIND_BLOCK,
	DMAH_BIND_TRANSLATE,
	DMAH_BIND_PASSTHROUGH,
};

/**
 * struct dmah_iommu_fault - a transaction that an IOMMU refused, as its hardware recorded it.
 * @addr: the IOVA, or its page where the hardware records no more; with @has_addr.
 * @id: requester or stream id.
 * @code: the specification's number of the reason.
 * @reason: that in words; constant.
 * @has_addr: @addr and @write mean something. They do not where the device itself was not known.
 * @write: it wanted to write.
 * @pci: @id is a PCI requester id: bus << 8 | device << 3 | function.
 */
struct dmah_iommu_fault {
	dmah_addr_t addr;
	uint32_t id;
	uint32_t code;
	const char *reason;
	bool has_addr;
	bool write;
	bool pci;
};

/**
 * struct dmah_iommu_ops - one kind of IOMMU.
 */
struct dmah_iommu_ops {
	/**
	 * @bind: make a device's transactions meet @how, and forget what was cached for it. Complete, also
	 * in the hardware, on return. @pt is the domain's table with DMAH_BIND_TRANSLATE, else NULL; @tag
	 * is the number (VT-d domain id, SMMU ASID) that the domain got from @tag_alloc.
	 * A device with several ids is bound once for each: @dev is a copy then whose @id is that one, so it must not be
	 * kept. A binding that is there already, by another device that shares the id, is left as it is.
	 * Where DMAH_BIND_TRANSLATE fails the device is blocked, as far as the hardware listens: the table may be freed.
	 * Return: 0, DMAH_ENOTSUP, DMAH_ETIMEDOUT; DMAH_ENOMEM where a table is needed that was not there before.
	 */
	int (*bind)(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		    const struct dmah_pt_info *pt, uint32_t tag);
	/** @tag_alloc: a number by which the hardware tells this domain's entries. Return: 0, DMAH_ENOSPC. */
	int (*tag_alloc)(struct dmah_iommu *iommu, uint32_t *tag);
	/** @tag_free: the number is no longer in use by any device. */
	void (*tag_free)(struct dmah_iommu *iommu, uint32_t tag);
	/**
	 * @invalidate: post the invalidation of [@iova, @iova + @size) of @tag; @size 0 means all of it.
	 * @tables: table entries above the leaf changed too, so cached table walks must go. With @ticket, does also what
	 * @fence does, in the same hold of the queue's lock. Does not wait for the invalidation. The hardware executes
	 * posted commands in order, or @wait makes it look so.
	 * Context: any CPU, also concurrently, outside dmah_host_enter(); may wait for room in the queue.
	 * Returns how many commands were posted, or DMAH_ETIMEDOUT: the queue has no room in time, or the unit has failed.
	 */
	int (*invalidate)(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova, uint64_t size,
			  bool tables, uint64_t *ticket);
	/**
	 * @map_request: post the request that maps [@iova, @iova + @size) of @tag to @phys, for an IOMMU that reads no page tables; what
	 * ends the mapping is @invalidate of the same range. Called in domains of handles only (struct dmah_domain_config);
	 * their @pt at @bind has no levels. NULL: the IOMMU reads page tables.
	 * Context: as @invalidate. Return: 0, DMAH_ETIMEDOUT.
	 */
	int (*map_request)(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova, uint64_t size,
			   dmah_phys_t phys, enum dmah_dir dir);
	/**
	 * @invalidate_dev: as @invalidate, for the TLB in device @dev. NULL where no device has one. Takes effect after
	 * every IOTLB invalidation posted before. Never waits.
	 * Context: inside dmah_host_enter(), with a lock of the library held, unlike the others.
	 * Returns how many commands were posted, 0 where the device is blocked and needs none, DMAH_EBUSY (no room now:
	 * leave, call @make_room, try again), or DMAH_ETIMEDOUT (the unit has failed).
	 */
	int (*invalidate_dev)(struct dmah_iommu *iommu, struct dmah_device *dev, dmah_addr_t iova,
			      uint64_t size);
	/**
	 * @make_room: wait until the queue has room for @invalidate_dev. May be NULL where that never returns DMAH_EBUSY.
	 * Context: outside dmah_host_enter(). Return: 0, DMAH_ETIMEDOUT.
	 */
	int (*make_room)(struct dmah_iommu *iommu);
	/**
	 * @isolated: the driver has blocked @dev because it did not confirm an invalidation of its TLB. A @wait that
	 * returned 0 has confirmed that. The device stays blocked until it is bound to DMAH_BIND_BLOCK and anew. May be NULL.
	 * Context: any.
	 */
	bool (*isolated)(struct dmah_iommu *iommu, struct dmah_device *dev);
	/**
	 * @fence: post a mark behind everything that this CPU has posted, and store its number in *@ticket. Does not wait
	 * for the mark.
	 * Context: as @invalidate. Return: 0, DMAH_ETIMEDOUT.
	 */
	int (*fence)(struct dmah_iommu *iommu, uint64_t *ticket);
	/**
	 * @wait: everything before the mark @ticket is done when this returns 0. Bounded in time; a unit that is known to
	 * have failed is not waited for. Marks may be waited for in any order, and after others that were posted later.
	 * Context: any but inside dmah_host_enter(); no lock of the library is held. Return: 0, DMAH_ETIMEDOUT.
	 */
	int (*wait)(struct dmah_iommu *iommu, uint64_t ticket);
	/**
	 * @done: Returns true if @wait would return 0 at once. Never waits and reads no register: an unmap asks right after
	 * @invalidate, and reads the clock only where the hardware is still at work. May be NULL: never.
	 * Context: any.
	 */
	bool (*done)(struct dmah_iommu *iommu, uint64_t ticket);
	/**
	 * @faults: take what the hardware has recorded, the oldest first, @max at most; what is left is there the next
	 * time. *@lost: set where it had no room for others. NULL where the hardware records nothing.
	 * Context: any but inside dmah_host_enter(). Return: how many there were.
	 */
	unsigned int (*faults)(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
			       unsigned int max, bool *lost);
	/** @irq: its interrupt remapping (dmah/irq.h); NULL: none. */
	const struct dmah_irq_ops *irq;
};

/**
 * struct dmah_irq_state - interrupt remapping of an IOMMU. The library's.
 * @lock: held while entries and their owners change.
 * @on: dmah_irq_enable() was called. @ending: dmah_irq_disable() was called, and not confirmed. @x2apic: with destinations of 32 bits.
 * @number: of the last allocation.
 */
struct dmah_irq_state {
	struct dmah_lock lock;
	bool on;
	bool ending;
	bool x2apic;
	uint32_t number;
};

/**
 * struct dmah_rate_limit - faults that were reported of late. The library's.
 * @since: when the first of them was, dmah_host_now().
 * @reported: how many since then.
 * @suppressed: how many were not, since the last that was.
 */
struct dmah_rate_limit {
	uint64_t since;
	uint32_t reported;
	uint32_t suppressed;
};

/**
 * struct dmah_iommu - one IOMMU, embedded in its driver's own structure.
 * @ops: its driver.
 * @name: for messages.
 * @caps: enum dmah_iommu_caps.
 * @va_bits: bits of an IOVA in the widest page table that it walks.
 * @va_bits_min: the same of the narrowest (a VT-d unit may have no 3-level walks); 0: any.
 * @iova_bits: bits of an IOVA that it takes from devices, whatever the page table (VT-d's MGAW); 0: @va_bits.
 * @out_bits: widest physical address that it can produce, in bits.
 * @formats: the page-table formats that it can walk.
 * @nformats: how many @formats.
 * @reserved: IOVAs that no domain behind it may hand out (the interrupt window of VT-d, 0xfee00000 to
 *	0xfeefffff), or NULL.
 * @nreserved: how many @reserved.
 * @off: it does not translate yet, and devices reach all memory: maps for devices behind it are refused with DMAH_EPERM and
 *	reported. Its driver's.
 * @lock, @links, @fault_limit: the domains behind it, and faults of devices that none of them has; the library's, zero at
 *	first.
 * @irq: interrupt remapping; the library's, zero at first.
 */
struct dmah_iommu {
	const struct dmah_iommu_ops *ops;
	const char *name;
	uint32_t caps;
	unsigned int va_bits;
	unsigned int va_bits_min;
	unsigned int iova_bits;
	unsigned int out_bits;
	const struct dmah_pt_format *const *formats;
	unsigned int nformats;
	const struct dmah_reserved *reserved;
	unsigned int nreserved;
	bool off;
	struct dmah_lock lock;
	struct dmah_link *links;
	struct dmah_rate_limit fault_limit;
	struct dmah_irq_state irq;
};

#ifdef __cplusplus
}
#endif

#endif /* DMAH_IOMMU_H */
