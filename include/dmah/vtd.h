/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: a driver for Intel's IOMMU, for whoever sets up domains.
 *
 * Intel Virtualization Technology for Directed I/O, Architecture Specification: legacy mode (requests without PASID,
 * second-stage tables) with queued invalidation. One struct dmah_vtd a unit; there may be several.
 *
 *	err = dmah_vtd_init(&vtd, &(struct dmah_vtd_config){ .regs = regs, .phys_bits = 46 }, memory, size);
 *	err = dmah_domain_init(&dom, &(struct dmah_domain_config){ .iommu = &vtd.iommu, ... }, ...);
 *	err = dmah_attach(dom, &dev, &limits);		// with the ranges that firmware reserved for it
 *	err = dmah_vtd_enable(&vtd);			// from here on, who is not attached is blocked
 *
 * Devices that firmware left running (RMRR) are attached before dmah_vtd_enable(): their identity ranges are mapped
 * and bound by then, and they see no gap, also where firmware had translation on. All others may come later.
 *
 * The memory that a unit works from comes from the host contract: a page for the root table, one for each bus with a
 * device that was bound, and dmah_host_mem_alloc() for the queue.
 */
#ifndef DMAH_VTD_H
#define DMAH_VTD_H

#include <dmah/host.h>
#include <dmah/iommu.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct dmah_vtd_config - a unit. Zero means the default but for @regs.
 * @regs: its registers, as dmah_host_read32() takes them.
 * @name: for messages.
 * @phys_bits: bits of a physical address (the DMAR table's Host Address Width); 0: 52.
 * @queue: commands in the invalidation queue, a power of two, 256 to 32,768; 0: 256.
 * @timeout_ns: how long the hardware may take, in nanoseconds; 0: 1 s.
 */
struct dmah_vtd_config {
	volatile void *regs;
	const char *name;
	unsigned int phys_bits;
	uint32_t queue;
	uint64_t timeout_ns;
};

/**
 * struct dmah_vtd - a unit, in the caller's memory, not to be moved. Private but for @iommu.
 * @iommu: what domains are given.
 * @regs: its registers.
 * @cap, @ecap: what it can do (CAP_REG, ECAP_REG).
 * @timeout: of every wait, in nanoseconds.
 * @root: the root table; @root_phys: where the hardware finds it.
 * @tables: held while root and context tables change.
 * @tags: domain ids in use, a bit each; @ntags: how many there are.
 * @lock: held while commands are posted and GCMD_REG is written.
 * @queue: the commands; @queue_phys: where the hardware finds them; @entries: how many there is room for.
 * @head, @tail: commands that the hardware is known to have fetched, and that were posted.
 * @status: where the hardware writes the number of the last mark that it passed; @status_phys: its address.
 * @marks: the last mark posted.
 * @lost_after, @lost_until: marks that the hardware may have passed without having done all before them.
 * @faults: held while a fault record is taken.
 * @fault_at: the record to look at next.
 * @enabled: dmah_vtd_enable() was called.
 */
struct dmah_vtd {
	struct dmah_iommu iommu;
	volatile uint8_t *regs;
	uint64_t cap;
	uint64_t ecap;
	uint64_t timeout;
	uint64_t *root;
	dmah_phys_t root_phys;
	struct dmah_lock tables;
	uint64_t *tags;
	uint32_t ntags;
	struct dmah_lock lock;
	uint64_t *queue;
	dmah_phys_t queue_phys;
	uint32_t entries;
	uint32_t head;
	uint32_t tail;
	uint32_t *status;
	dmah_phys_t status_phys;
	uint64_t marks;
	uint64_t lost_after;
	uint64_t lost_until;
	struct dmah_lock faults;
	unsigned int fault_at;
	bool enabled;
};

/** dmah_vtd_memory() - bytes that dmah_vtd_init() wants for its bookkeeping; 0 where @config makes no sense. */
size_t dmah_vtd_memory(const struct dmah_vtd_config *config);

/**
 * dmah_vtd_init() - take a unit over, from firmware or from nobody.
 * @vtd: where to put it.
 * @config: which; copied.
 * @memory: dmah_vtd_memory(@config) bytes, aligned to 8, never reachable by a device.
 * @size: its size in bytes.
 *
 * What firmware set up goes on translating; only the invalidation queue becomes ours. (Where firmware's tables are of
 * the scalable mode, which can not be left while translating, translation ends here.) Fault records of before are
 * dropped, and the fault interrupt masked.
 *
 * Context: may sleep. Return: 0; DMAH_EINVAL; DMAH_ENOTSUP (no queued invalidation, or no page table that this library
 * writes); DMAH_ENOMEM; DMAH_ETIMEDOUT: the hardware did not confirm, and what it may still read was not given back.
 */
int dmah_vtd_init(struct dmah_vtd *vtd, const struct dmah_vtd_config *config, void *memory,
		  size_t size);

/**
 * dmah_vtd_enable() - translate: devices that are not attached are blocked when this returns.
 * @vtd: the unit.
 *
 * Where firmware had translation on, the change from its tables to ours is one step. Protected memory regions end
 * here. A second call is a no-op. Context: may sleep. Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_vtd_enable(struct dmah_vtd *vtd);

/**
 * dmah_vtd_fini() - give a unit up: no translation, no queue, memory back to the host.
 * @vtd: the unit, that no domain has any more.
 *
 * Devices reach all memory from then on. Return: 0; DMAH_ETIMEDOUT: the hardware did not confirm, and nothing was freed.
 */
int dmah_vtd_fini(struct dmah_vtd *vtd);

/**
 * struct dmah_vtd_fault - a transaction that was refused: a fault record (chapter 7, Fault Logging).
 * @addr: the IOVA, its low 12 bits zero.
 * @id: the requester id.
 * @reason: the fault reason code, as dmah_vtd_reason() takes it.
 * @write: it wanted to write.
 * @pasid: the request's PASID; ~0: it had none.
 */
struct dmah_vtd_fault {
	dmah_addr_t addr;
	uint16_t id;
	uint8_t reason;
	bool write;
	uint32_t pasid;
};

/** dmah_vtd_reason() - a fault reason code in words; a constant string. */
const char *dmah_vtd_reason(uint8_t reason);

/**
 * dmah_vtd_faults() - take what fault records there are.
 * @vtd: the unit.
 * @fn: called for each, the oldest first, with no lock held; NULL: they are dropped.
 * @ctx: passed to it.
 * @lost: where to put whether there were more than the hardware had records for, or NULL.
 *
 * The hardware records one fault of a device and no more until that one is taken. Bounded: what comes in meanwhile
 * may be left for the next call. Context: any but inside dmah_host_enter(). Return: how many were taken.
 */
unsigned int dmah_vtd_faults(struct dmah_vtd *vtd,
			     void (*fn)(void *ctx, const struct dmah_vtd_fault *fault), void *ctx,
			     bool *lost);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_VTD_H */
