/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: a driver of Arm's SMMUv3 (Arm System Memory Management Unit Architecture Specification, version 3, Arm IHI 0070;
 * its sections are named where they matter).
 *
 *	static struct dmah_smmuv3 smmu;
 *	struct dmah_smmuv3_config config = { .regs = registers, .name = "smmu0" };
 *
 *	err = dmah_smmuv3_init(&smmu, &config, memory, dmah_smmuv3_memory(&config));
 *	domain_config.iommu = &smmu.iommu;		// and .format = smmu.iommu.formats[0]
 *	device.id = stream_id;
 *	err = dmah_smmuv3_irq(&smmu, &irq);		// the handler calls dmah_faults(&smmu.iommu, ...)
 *
 * Non-secure, one stage for all streams of a unit. Stage 1 (dmah_pt_lpae_s1) where the unit has it: each domain has a
 * context descriptor and an ASID of its own. Stage 2 (dmah_pt_lpae_s2) where the unit has no stage 1, or the configuration
 * says @stage2: each domain has a VMID. There may be several units, each with its own structure; nothing is global. A
 * domain may have devices behind several units that use the same stage. A device whose stream was never bound, or is
 * blocked, reaches nothing.
 *
 * Devices that firmware left running (RMR) see no gap in either of two ways. With @bypass their streams reach all memory
 * until they are attached, and nothing else does. With @defer they are attached, with their identity ranges, before
 * dmah_smmuv3_enable(). A stream that bypasses is bound to a domain without a gap.
 *
 * Hardware that fails. One device that does not answer an invalidation of its TLB is blocked and reported; its own domain
 * gets DMAH_ETIMEDOUT once, no other domain notices. A unit that does not answer in time, or whose registers read as all
 * ones, is reported once and has failed: every call that needs it returns DMAH_ETIMEDOUT at once, and unmaps quarantine
 * their memory. A unit that was merely slow is back in service when it has caught up. See dmah_smmuv3_reset() for all
 * others.
 */
#ifndef DMAH_SMMUV3_H
#define DMAH_SMMUV3_H

#include <dmah/device.h>
#include <dmah/host.h>
#include <dmah/iommu.h>

#ifdef __cplusplus
extern "C" {
#endif

/** DMAH_SMMUV3_REGS - bytes of registers: page 0, and page 1 behind it (section 6.1). */
#define DMAH_SMMUV3_REGS 0x20000u

/**
 * enum dmah_smmuv3_model - implementations that only firmware's tables name: the Model field of IORT's SMMUv3 node.
 * @DMAH_SMMUV3_GENERIC: the registers say all.
 * @DMAH_SMMUV3_HI161X: HiSilicon Hi161x.
 * @DMAH_SMMUV3_CN99XX: Cavium CN99xx, whose page 1 of registers is in page 0.
 */
enum dmah_smmuv3_model {
	DMAH_SMMUV3_GENERIC = 0,
	DMAH_SMMUV3_HI161X = 1,
	DMAH_SMMUV3_CN99XX = 2,
};

/** struct dmah_smmuv3_bypass - streams that nothing is attached to yet and that are let through. @sid: the first of @count. */
struct dmah_smmuv3_bypass {
	uint32_t sid;
	uint32_t count;
};

/**
 * struct dmah_smmuv3_config - a unit. Zero means the default but for @regs.
 * @regs: its DMAH_SMMUV3_REGS bytes of registers, for dmah_host_read32() and friends.
 * @name: for messages; NULL: "smmuv3".
 * @sid_bits: stream ids are below 1 << this, 6 to 24; 0: 16. Cut to what the hardware has.
 * @tags: most domains at one time, 1 to 65,535; 0: 255. Cut to what the hardware has.
 * @cmdq_log2: log2 of the command queue's entries, 6 to 15; 0: 8 (one page).
 * @evtq_log2: log2 of the event queue's entries, 4 to 15; 0: 7 (one page). Both are cut to what the hardware has.
 * @timeout_ns: time that a command may take before the unit has failed, in nanoseconds; 0: 1 s.
 * @linear: a linear stream table, of 64 bytes for each stream id, also where the hardware can do with two levels.
 * @walks: how the unit reads tables and queues, where IDR0.COHACC is wrong.
 * @defer: streams stay as the previous owner left them until dmah_smmuv3_enable(). False: every stream is blocked from
 *	the beginning of dmah_smmuv3_init().
 * @reserved: IOVAs that no domain behind the unit may hand out: the doorbell of an interrupt controller that takes
 *	MSIs (dmah_smmuv3_doorbell()), RMRs. Read for as long as the unit is in use. NULL: none.
 * @nreserved: how many @reserved.
 * @stage2: translate by stage 2 also where the unit has stage 1, so that its domains may have devices behind a unit that
 *	has no stage 1.
 * @model: enum dmah_smmuv3_model, for errata. Other errata are recognised by the registers.
 * @bypass: streams that firmware left running (RMR), which reach all memory until they are attached. Not read after
 *	dmah_smmuv3_init(). With it, other streams are blocked when dmah_smmuv3_init() returns, rather than from its beginning.
 *	Stream ids beyond the table are left out. NULL: none.
 * @nbypass: how many @bypass.
 */
struct dmah_smmuv3_config {
	volatile void *regs;
	const char *name;
	unsigned int sid_bits;
	uint32_t tags;
	unsigned int cmdq_log2;
	unsigned int evtq_log2;
	uint64_t timeout_ns;
	bool linear;
	enum dmah_walks walks;
	bool defer;
	const struct dmah_reserved *reserved;
	unsigned int nreserved;
	bool stage2;
	enum dmah_smmuv3_model model;
	const struct dmah_smmuv3_bypass *bypass;
	unsigned int nbypass;
};

/**
 * struct dmah_smmuv3_irq - the messages of a unit's interrupts. An address of 0 makes an interrupt a wire of its own.
 * @events: an event was recorded.
 * @errors: GERROR reports an error.
 */
struct dmah_smmuv3_irq {
	struct dmah_msi events;
	struct dmah_msi errors;
};

/**
 * struct dmah_smmuv3 - a unit. The caller's storage; private but for @iommu and the counters.
 * @iommu: for struct dmah_domain_config and struct dmah_device.
 * @commands: posted since init.
 * @refused: errors of the command queue that the hardware reported.
 * @events_lost: times that events were dropped because their queue was full.
 */
struct dmah_smmuv3 {
	struct dmah_iommu iommu;
	uint64_t commands;
	uint32_t refused;
	uint32_t events_lost;

	volatile uint8_t *regs;
	uint64_t timeout;
	uint32_t features;
	unsigned int sid_bits;
	unsigned int cmdq_log2;
	unsigned int evtq_log2;
	uint32_t ntags;
	uint64_t *tags;
	uint64_t **l2;
	struct dmah_unit_area strtab;
	struct dmah_unit_area contexts;
	struct dmah_unit_area cmdq;
	struct dmah_unit_area evtq;
	uint32_t events_cons;
	uint32_t events_told;
	uint32_t gerrorn;
	uint32_t cr0;
	struct dmah_smmuv3_irq irq;
	bool irq_set;
	bool irq_masked;
	bool enabled;
	struct dmah_unit_state state;
	struct dmah_lock events_lock;
	uint64_t prod;
	uint64_t cons;
	uint64_t synced;
	uint64_t redo_until;
	uint64_t redo_ticket;
	uint64_t lost_from;
	uint64_t lost_until;
	uint64_t refused_at;
	uint32_t refusals;
};

/**
 * dmah_smmuv3_memory() - compute the size of a unit's bookkeeping.
 * @config: the unit's configuration; NULL: the default. @regs is not looked at.
 *
 * Returns bytes, for dmah_smmuv3_init(); 0 where @config makes no sense, and then dmah_host_report() says which field is
 * wrong. Memory that the hardware reads and writes comes on top, from dmah_host_mem_alloc(): queues, stream table and
 * context descriptors at init, 4 KiB for each 64 stream ids of which one is bound for the first time.
 */
size_t dmah_smmuv3_memory(const struct dmah_smmuv3_config *config);

/**
 * dmah_smmuv3_init() - take over a unit, whatever state it is in.
 * @smmu: the unit's storage; need not be zeroed.
 * @config: copied.
 * @memory: dmah_smmuv3_memory(@config) bytes, aligned to 8, never reachable by a device.
 * @memory_size: its size in bytes.
 *
 * On return every stream is blocked, unless the configuration says @defer or names it in @bypass; a stream that firmware
 * left running is blocked from the beginning. Interrupts are off. Every error is explained by dmah_host_report().
 *
 * Context: initialisation; may sleep. Return: 0; DMAH_EINVAL; DMAH_ENOMEM; DMAH_ENODEV: the registers read as all ones;
 * DMAH_ETIMEDOUT: the unit does not answer; DMAH_ENOTSUP: it has no AArch64 tables of 4 KiB granules, not the stage that
 * @config asks for, is big-endian, must stall on faults, or has its tables or queues at fixed places.
 */
int dmah_smmuv3_init(struct dmah_smmuv3 *smmu, const struct dmah_smmuv3_config *config,
		     void *memory, size_t memory_size);

/**
 * dmah_smmuv3_enable() - translate by our tables: streams that are not bound are blocked when this returns.
 * @smmu: the unit.
 *
 * For a unit that was configured with @defer; a no-op for others and the second time. Where the previous owner had
 * translation on, all streams bypass for the few register accesses between its tables and ours, since the hardware cannot
 * change tables in one step (section 6.3.24): identity ranges go on working, and nothing else is protected in that moment.
 *
 * Context: initialisation; may sleep. Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_smmuv3_enable(struct dmah_smmuv3 *smmu);

/**
 * dmah_smmuv3_fini() - switch a unit off: its streams are aborted, where it has GBPA.ABORT (section 6.3.14).
 * @smmu: the unit; no domain uses it any more.
 *
 * Return: 0; DMAH_ETIMEDOUT: the unit does not answer, and nothing was freed.
 */
int dmah_smmuv3_fini(struct dmah_smmuv3 *smmu);

/**
 * dmah_smmuv3_reset() - bring a unit that has failed back into service.
 * @smmu: the unit.
 *
 * Call when the cause is gone: the unit has power and clocks again, service failure mode has ended. The unit gets its
 * tables, queues and interrupts anew, and forgets all that it had cached; streams are aborted meanwhile. Devices stay
 * attached. When this has returned 0, call dmah_flush() for each domain behind the unit: it ends the quarantine of memory
 * whose unmap was not confirmed. A device that was blocked because it did not answer stays blocked: detach it, reset it,
 * attach it again. Events that were not taken yet are lost.
 *
 * Context: may sleep. Return: 0; DMAH_ETIMEDOUT: the unit does not answer still; DMAH_EBUSY: another CPU does this now.
 */
int dmah_smmuv3_reset(struct dmah_smmuv3 *smmu);

/**
 * dmah_smmuv3_irq() - set the unit's interrupts, and switch them on.
 * @smmu: the unit.
 * @irq: the messages; copied. Addresses of 0 for a unit whose interrupts are wires.
 *
 * The handler of either interrupt calls dmah_faults(&smmu->iommu, ...), which takes the events and handles errors. One
 * that only wants to handle errors calls dmah_smmuv3_errors().
 *
 * Context: any but inside dmah_host_enter(); not beside itself, dmah_smmuv3_irq_mask() or dmah_smmuv3_reset().
 * Return: 0; DMAH_EINVAL; DMAH_ENOTSUP: the unit sends no MSIs; DMAH_ETIMEDOUT.
 */
int dmah_smmuv3_irq(struct dmah_smmuv3 *smmu, const struct dmah_smmuv3_irq *irq);

/**
 * dmah_smmuv3_irq_mask() - switch both interrupts off or on. Events are recorded all the same.
 * @smmu: the unit, after dmah_smmuv3_irq().
 * @masked: true: no interrupt is sent. An event that is recorded meanwhile sends none later either: call dmah_faults()
 *	after unmasking.
 *
 * Context: as dmah_smmuv3_irq(). Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_smmuv3_irq_mask(struct dmah_smmuv3 *smmu, bool masked);

/**
 * struct dmah_smmuv3_event - the unit's record of a transaction that it refused.
 * @type: the event's number (section 7.3): 0x10 is F_TRANSLATION, 0x13 F_PERMISSION.
 * @sid: stream id.
 * @has_address: @iova and @write mean something; they do not where the stream itself was at fault.
 * @write: the device wanted to write.
 * @stage2: stage 2 refused it.
 * @iova: the address of the transaction.
 * @reason: @type in words; constant.
 * @raw: the record.
 */
struct dmah_smmuv3_event {
	uint32_t type;
	uint32_t sid;
	bool has_address;
	bool write;
	bool stage2;
	dmah_addr_t iova;
	const char *reason;
	uint64_t raw[4];
};

/**
 * dmah_smmuv3_events() - take the events that the unit has recorded, oldest first.
 * @smmu: the unit.
 * @events: room for @max.
 * @max: how many at most; the others are there the next time.
 * @lost: set to true where events were dropped since the last call, because the queue was full. May be NULL.
 *
 * Context: any but inside dmah_host_enter(). Returns how many there were.
 */
unsigned int dmah_smmuv3_events(struct dmah_smmuv3 *smmu, struct dmah_smmuv3_event *events,
				unsigned int max, bool *lost);

/**
 * dmah_smmuv3_errors() - handle the errors that GERROR reports (section 7.5). Does not wait.
 * @smmu: the unit.
 *
 * Waits do this by themselves, and dmah_faults() does it too.
 *
 * Context: any but inside dmah_host_enter().
 */
void dmah_smmuv3_errors(struct dmah_smmuv3 *smmu);

/**
 * dmah_smmuv3_doorbell() - the page of an interrupt controller's MSI register, for @reserved of the configuration.
 * @phys: the register (GITS_TRANSLATER of a GIC's ITS).
 *
 * To an SMMU an MSI is a write like any other, so the doorbell must be mapped in every domain: at its own address, for
 * writes, as a device's registers.
 */
DMAH_INLINE struct dmah_reserved dmah_smmuv3_doorbell(dmah_phys_t phys)
{
	struct dmah_reserved range;

	range.base = phys & ~(dmah_phys_t)(DMAH_PAGE_SIZE - 1);
	range.size = DMAH_PAGE_SIZE;
	range.identity = true;
	range.dir = DMAH_FROM_DEVICE;
	range.mmio = true;
	return range;
}

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SMMUV3_H */
