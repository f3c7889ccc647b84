/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: a driver of Intel's IOMMU (Intel Virtualization Technology for Directed I/O, Architecture Specification).
 *
 * Requests without PASID, one page table each, with queued invalidation. Legacy mode with second-stage tables
 * (dmah_pt_vtd_ss) wherever the unit has a second stage; scalable mode with first-stage tables (dmah_pt_vtd_fs) where it
 * has only a first stage; another choice by the configuration's @mode. There may be several units, each with its own struct
 * dmah_vtd. A domain may have devices behind several units that walk the same format.
 *
 *	err = dmah_vtd_init(&vtd, &(struct dmah_vtd_config){ .regs = regs, .phys_bits = 46 }, memory, size);
 *	err = dmah_domain_init(&dom, &(struct dmah_domain_config){ .iommu = &vtd.iommu,
 *					.format = vtd.iommu.formats[0], ... }, ...);
 *	err = dmah_attach(dom, &dev, &limits);		// with the ranges that firmware reserved for the device
 *	err = dmah_vtd_enable(&vtd);			// from here on, a device that is not attached is blocked
 *	err = dmah_vtd_fault_irq(&vtd, &msi);		// the handler calls dmah_faults(&vtd.iommu, ...)
 *	err = dmah_irq_enable(&vtd.iommu, NULL);	// interrupt remapping (dmah/irq.h), where it is wanted
 *
 * Attach devices that firmware left running (RMRR) before dmah_vtd_enable(): their identity ranges are mapped and bound
 * by then, so the devices see no gap, also where firmware had translation on. All others may be attached later.
 *
 * The tables and the queue of a unit come from the host contract: a page for the root table, a page for each bus with a
 * device that was bound (in scalable mode for each half of a bus, and two pages for each device), and
 * dmah_host_mem_alloc() for the queue.
 *
 * Hardware that fails. One device that does not answer an invalidation of its TLB is blocked and reported; its own domain
 * gets DMAH_ETIMEDOUT once, no other domain notices. A unit that does not answer in time, or whose registers read as all
 * ones, is reported once and has failed: every call that needs it returns DMAH_ETIMEDOUT at once, and unmaps quarantine
 * their memory. A unit that was merely slow is back in service when it has caught up. See dmah_vtd_reset() for all others.
 */
#ifndef DMAH_VTD_H
#define DMAH_VTD_H

#include <dmah/host.h>
#include <dmah/irq.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum dmah_vtd_mode - tables of a unit.
 * @DMAH_VTD_BY_CAPABILITY: legacy mode; first stage in scalable mode where ECAP_REG has scalable mode (SMTS), its first
 *	stage (FSTS) and not its second one (SSTS).
 * @DMAH_VTD_LEGACY: legacy mode, second stage.
 * @DMAH_VTD_SECOND_STAGE: scalable mode, second stage.
 * @DMAH_VTD_FIRST_STAGE: scalable mode, first stage: 4 levels, addresses below 1 << 47; 5 levels, below 1 << 56, for domains
 *	that are wider, where CAP_REG has them (FS5LP) and the unit takes such addresses (MGAW).
 */
enum dmah_vtd_mode {
	DMAH_VTD_BY_CAPABILITY,
	DMAH_VTD_LEGACY,
	DMAH_VTD_SECOND_STAGE,
	DMAH_VTD_FIRST_STAGE,
};

/**
 * struct dmah_vtd_config - a unit. Zero means the default but for @regs.
 * @regs: its registers, for dmah_host_read32() and friends.
 * @name: for messages.
 * @phys_bits: bits of a physical address (the DMAR table's Host Address Width), at most 52; 0: 52.
 * @queue: commands in the invalidation queue, a power of two, 256 to 32,768; 0: 256. In scalable mode 16,384 at most.
 * @timeout_ns: time that the hardware may take for a command, in nanoseconds; 0: 1 s.
 * @write_flush: flush the unit's write buffer after changes to tables, though CAP_REG does not ask for it (RWBF), for
 *	units that need it and do not say so.
 * @walks: how the unit reads tables, where ECAP_REG is wrong.
 * @old_queue_kept: the memory of the invalidation queue that the previous owner left on has no new owner, so a command
 *	may be written there. Some units switch a queue off only after a certain command. False (kexec): nothing is written
 *	to the old queue's memory, and such a unit cannot be taken over.
 * @mode: enum dmah_vtd_mode.
 */
struct dmah_vtd_config {
	volatile void *regs;
	const char *name;
	unsigned int phys_bits;
	uint32_t queue;
	uint64_t timeout_ns;
	bool write_flush;
	enum dmah_walks walks;
	bool old_queue_kept;
	enum dmah_vtd_mode mode;
};

/**
 * struct dmah_vtd - a unit, in the caller's memory, not to be moved. Private but for @iommu.
 * @iommu: for struct dmah_domain_config and struct dmah_device.
 * @regs: its registers.
 * @cap, @ecap: its capabilities (CAP_REG, ECAP_REG), corrected by the configuration.
 * @timeout: of every wait, in nanoseconds.
 * @root: the root table; @root_phys: its physical address.
 * @tables: held while root and context tables change.
 * @tags: domain ids in use, a bit each; @ntags: how many there are.
 * @state: its lock is held while commands are posted and GCMD_REG is written. @tables may be taken inside.
 * @gcmd_mask, @gcmd_value: the global command that is under way is over when these bits of GSTS_REG have this value.
 * @queue: the commands; @queue_phys: their physical address; @entries: how many there is room for.
 * @head, @tail: commands that the hardware is known to have fetched, and that were posted.
 * @status: the hardware writes the number of the last mark that it passed here; @status_phys: its address.
 * @marks: as struct dmah_unit_marks says.
 * @refused_at, @refusals: the command that was refused last, and how often.
 * @faults: held while a fault record is taken or the interrupt is programmed.
 * @fault_at: the record to look at next.
 * @irq, @irq_masked: the fault interrupt.
 * @old_queue_kept: as configured.
 * @enabled: dmah_vtd_enable() was called.
 * @scalable: tables are those of scalable mode. @first_stage: of its first stage.
 * @iq_shift: log2 of the bytes of a command: 4, or 5 in scalable mode.
 * @irq_table: the interrupt remapping table. @irq_on: remapping is on; @irq_x2apic: with destinations of 32 bits.
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
	struct dmah_unit_state state;
	uint32_t gcmd_mask;
	uint32_t gcmd_value;
	uint64_t *queue;
	dmah_phys_t queue_phys;
	uint32_t entries;
	uint32_t head;
	uint32_t tail;
	uint32_t *status;
	dmah_phys_t status_phys;
	struct dmah_unit_marks marks;
	uint32_t refused_at;
	uint32_t refusals;
	struct dmah_lock faults;
	unsigned int fault_at;
	struct dmah_msi irq;
	bool irq_masked;
	bool old_queue_kept;
	bool enabled;
	bool scalable;
	bool first_stage;
	unsigned int iq_shift;
	struct dmah_irq_table irq_table;
	bool irq_on;
	bool irq_x2apic;
};

/**
 * dmah_vtd_memory() - Returns the bytes that dmah_vtd_init() wants for its bookkeeping; 0 where @config makes no sense,
 *	and then dmah_host_report() says which field is wrong.
 */
size_t dmah_vtd_memory(const struct dmah_vtd_config *config);

/**
 * dmah_vtd_init() - take a unit over, from firmware, from a kernel before kexec, or after power-on.
 * @vtd: the unit's storage; need not be zeroed.
 * @config: copied.
 * @memory: dmah_vtd_memory(@config) bytes, aligned to 8, never reachable by a device.
 * @size: its size in bytes.
 *
 * Tables that firmware set up go on translating; only the invalidation queue becomes ours. (The table mode cannot change
 * while the unit translates: where firmware's mode is not ours, translation ends here.) Old fault records are dropped, and
 * the fault interrupt is masked. Every error is explained by dmah_host_report().
 *
 * Context: may sleep. Return: 0; DMAH_EINVAL; DMAH_ENOTSUP (no queued invalidation, no page table that this library
 * writes, or not the mode that @config asks for); DMAH_ENOMEM; DMAH_ETIMEDOUT: the hardware did not confirm, and memory that it may still read was not freed.
 */
int dmah_vtd_init(struct dmah_vtd *vtd, const struct dmah_vtd_config *config, void *memory,
		  size_t size);

/**
 * dmah_vtd_enable() - translate: devices that are not attached are blocked when this returns.
 * @vtd: the unit.
 *
 * Until then maps for devices behind the unit are refused with DMAH_EPERM and reported: their addresses would reach raw
 * memory. Where firmware had translation on, the change from its tables to ours is one step. Protected memory regions end
 * here. A second call is a no-op. Context: may sleep. Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_vtd_enable(struct dmah_vtd *vtd);

/**
 * dmah_vtd_fini() - give a unit up: no translation, no queue, memory back to the host.
 * @vtd: the unit; no domain uses it any more.
 *
 * Devices reach all memory from then on. Return: 0; DMAH_ETIMEDOUT: the hardware did not confirm, and nothing was freed.
 */
int dmah_vtd_fini(struct dmah_vtd *vtd);

/**
 * dmah_vtd_errors() - handle what the error registers report. Does not wait.
 * @vtd: the unit.
 *
 * Waits do this by themselves, and dmah_faults() does it too, so that a handler of the fault interrupt need not.
 * Context: any but inside dmah_host_enter().
 */
void dmah_vtd_errors(struct dmah_vtd *vtd);

/**
 * dmah_vtd_reset() - bring a unit that has failed back into service.
 * @vtd: the unit.
 *
 * Call when the cause is gone: the chip has power again, its firmware has reset it. The unit gets its tables, its queue,
 * its fault interrupt and translation (where dmah_vtd_enable() was called) anew, and forgets all that it had cached.
 * Devices stay attached. When this has returned 0, call dmah_flush() for each domain behind the unit: it ends the
 * quarantine of memory whose unmap was not confirmed. A device that was blocked because it did not answer stays blocked:
 * detach it, reset it, attach it again. Between power-on and this call nothing is translated and devices reach all memory
 * (VT-d has no other reset state), so the platform must keep them quiet, for example by their bus master enable bits.
 *
 * Context: may sleep. Return: 0; DMAH_ETIMEDOUT: the unit does not answer still; DMAH_EBUSY: another CPU does this now.
 */
int dmah_vtd_reset(struct dmah_vtd *vtd);

/**
 * dmah_vtd_fault_irq() - set the message of the fault interrupt, and unmask it.
 * @vtd: the unit.
 * @msi: the message, for example address 0xfee00000 | APIC id << 12, data = vector; copied.
 *
 * The unit sends the message when it records a fault, and when its invalidation queue reports an error. The handler calls
 * dmah_faults(&vtd->iommu, ...), which takes all records and handles the error; until it has, no further message is sent.
 *
 * Context: any but inside dmah_host_enter(). Return: 0, DMAH_EINVAL.
 */
int dmah_vtd_fault_irq(struct dmah_vtd *vtd, const struct dmah_msi *msi);

/**
 * dmah_vtd_fault_mask() - mask or unmask the fault interrupt; one that comes up meanwhile is sent when it is unmasked.
 * @vtd: the unit, after dmah_vtd_fault_irq().
 * @masked: true: no message is sent.
 *
 * Context: any but inside dmah_host_enter().
 */
void dmah_vtd_fault_mask(struct dmah_vtd *vtd, bool masked);

/**
 * struct dmah_vtd_fault - a transaction that was refused: a fault record (chapter 7, Fault Logging).
 * @addr: the IOVA, its low 12 bits zero.
 * @id: the requester id.
 * @reason: the fault reason code, for dmah_vtd_reason().
 * @write: the device wanted to write.
 * @pasid: the request's PASID; ~0: it had none.
 */
struct dmah_vtd_fault {
	dmah_addr_t addr;
	uint16_t id;
	uint8_t reason;
	bool write;
	uint32_t pasid;
};

/** dmah_vtd_reason() - Returns a fault reason code in words: a constant string. */
const char *dmah_vtd_reason(uint8_t reason);

/**
 * dmah_vtd_faults() - take all fault records.
 * @vtd: the unit.
 * @fn: called for each, the oldest first, with no lock held; NULL: they are dropped.
 * @ctx: passed to @fn.
 * @lost: set to true where the hardware had no record left for others. May be NULL.
 *
 * The hardware records one fault of a device and no more until that one is taken. Bounded: records that come in meanwhile
 * may be left for the next call. Context: any but inside dmah_host_enter(). Returns how many were taken.
 */
unsigned int dmah_vtd_faults(struct dmah_vtd *vtd,
			     void (*fn)(void *ctx, const struct dmah_vtd_fault *fault), void *ctx,
			     bool *lost);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_VTD_H */
