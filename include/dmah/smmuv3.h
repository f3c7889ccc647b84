/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: the driver of Arm's SMMUv3. Arm System Memory Management Unit Architecture Specification, version 3 (Arm IHI
 * 0070); its sections are named where they matter.
 *
 *	static struct dmah_smmuv3 smmu;
 *	struct dmah_smmuv3_config config = { .name = "smmu0" };
 *
 *	err = dmah_smmuv3_init(&smmu, registers, &config, memory, dmah_smmuv3_memory(&config));
 *	domain_config.iommu = &smmu.iommu;		// and .format = &dmah_pt_lpae_s1
 *	device.id = stream_id;
 *
 * Non-secure stage 1 alone: each domain has a context descriptor and an ASID of its own. Any number of units, each with
 * its own structure; nothing is global. A device whose stream was never bound, or is blocked, reaches nothing.
 *
 * No interrupt is enabled: events and errors are polled, and whoever handles the event queue's or the global error's
 * interrupt calls dmah_smmuv3_events() or dmah_smmuv3_errors() from there.
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
 * struct dmah_smmuv3_config - a unit. Zero means the default everywhere.
 * @name: for messages; NULL: "smmuv3".
 * @sid_bits: stream ids are below 1 << this, 6 to 24; 0: 16. Cut to what the hardware has.
 * @tags: most domains at one time, 1 to 65,535; 0: 255. Cut to what the hardware has.
 * @cmdq_log2: log2 of the command queue's entries, 6 to 15; 0: 8 (one page).
 * @evtq_log2: log2 of the event queue's entries, 4 to 15; 0: 7 (one page). Both are cut to what the hardware has.
 * @timeout_ns: how long a command may take before the hardware counts as hung; 0: 1 s.
 * @linear: a linear stream table, of 64 bytes for each stream id, also where the hardware can do with two levels.
 * @reserved: IOVAs that no domain behind the unit may hand out: the doorbell of an interrupt controller that takes
 *	MSIs (dmah_smmuv3_doorbell()), RMRs. Read for as long as the unit is in use. NULL: none.
 * @nreserved: how many @reserved.
 */
struct dmah_smmuv3_config {
	const char *name;
	unsigned int sid_bits;
	uint32_t tags;
	unsigned int cmdq_log2;
	unsigned int evtq_log2;
	uint64_t timeout_ns;
	bool linear;
	const struct dmah_reserved *reserved;
	unsigned int nreserved;
};

/** struct dmah_smmuv3_area - memory that the hardware reads or writes. @whole, @size: as the host gave it. */
struct dmah_smmuv3_area {
	uint64_t *cpu;
	dmah_phys_t phys;
	dmah_phys_t whole;
	size_t size;
};

/**
 * struct dmah_smmuv3 - a unit. The caller's storage; private but for @iommu and the counters.
 * @iommu: for struct dmah_domain_config and struct dmah_device.
 * @commands: posted since init.
 * @refused: commands that the hardware reported as errors.
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
	struct dmah_smmuv3_area strtab;
	struct dmah_smmuv3_area contexts;
	struct dmah_smmuv3_area cmdq;
	struct dmah_smmuv3_area evtq;
	uint32_t events_cons;
	uint32_t events_told;
	uint32_t gerrorn;
	bool stopped;
	struct dmah_lock lock;
	struct dmah_lock events_lock;
	uint64_t prod;
	uint64_t cons;
	uint64_t synced;
	uint64_t lost_from;
	uint64_t lost_until;
};

/**
 * dmah_smmuv3_memory() - how much bookkeeping a unit takes.
 * @config: what it is to be; NULL: the default.
 *
 * Return: bytes, for dmah_smmuv3_init(); 0 where @config makes no sense. What the hardware reads and writes comes on
 * top, from dmah_host_mem_alloc(): queues, stream table and context descriptors at init, 4 KiB for each 64 stream ids
 * of which one is bound for the first time.
 */
size_t dmah_smmuv3_memory(const struct dmah_smmuv3_config *config);

/**
 * dmah_smmuv3_init() - take over a unit, whatever state it is in.
 * @smmu: where; need not be zeroed.
 * @regs: its DMAH_SMMUV3_REGS bytes of registers, for dmah_host_read32() and friends.
 * @config: what it is to be; copied. NULL: the default.
 * @memory: dmah_smmuv3_memory(@config) bytes, aligned to 8, never reachable by a device.
 * @memory_size: its size in bytes.
 *
 * On return every stream is blocked; one that the firmware left running is blocked from the beginning.
 *
 * Context: initialisation; may sleep. Return: 0; DMAH_EINVAL; DMAH_ENOMEM; DMAH_ETIMEDOUT: the unit does not answer;
 * DMAH_ENOTSUP: it has no stage 1 with AArch64 tables of 4 KiB granules, is big-endian, must stall on faults, or has
 * its tables or queues at fixed places.
 */
int dmah_smmuv3_init(struct dmah_smmuv3 *smmu, volatile void *regs,
		     const struct dmah_smmuv3_config *config, void *memory, size_t memory_size);

/**
 * dmah_smmuv3_fini() - switch a unit off: its streams are aborted, where it has GBPA.ABORT (section 6.3.14).
 * @smmu: the unit; no domain uses it any more.
 *
 * Return: 0; DMAH_ETIMEDOUT: the unit does not answer, and nothing was freed.
 */
int dmah_smmuv3_fini(struct dmah_smmuv3 *smmu);

/**
 * struct dmah_smmuv3_event - what the unit recorded of a transaction that it did not let through.
 * @type: the event's number (section 7.3): 0x10 is F_TRANSLATION, 0x13 F_PERMISSION.
 * @sid: stream id.
 * @has_address: @iova and @write mean something; they do not where the stream itself was at fault.
 * @write: the device wanted to write.
 * @iova: where.
 * @reason: @type in words; constant.
 * @raw: the record.
 */
struct dmah_smmuv3_event {
	uint32_t type;
	uint32_t sid;
	bool has_address;
	bool write;
	dmah_addr_t iova;
	const char *reason;
	uint64_t raw[4];
};

/**
 * dmah_smmuv3_events() - take what the unit has recorded, oldest first.
 * @smmu: the unit.
 * @events: room for @max.
 * @max: how many at most; what is left is there the next time.
 * @lost: whether events were dropped, for want of room in the queue, since this was last asked; NULL: no matter.
 *
 * Context: any but inside dmah_host_enter(). Return: how many there were.
 */
unsigned int dmah_smmuv3_events(struct dmah_smmuv3 *smmu, struct dmah_smmuv3_event *events,
				unsigned int max, bool *lost);

/**
 * dmah_smmuv3_errors() - see to what GERROR reports (section 7.5).
 * @smmu: the unit.
 *
 * A command that the hardware refuses is reported by dmah_host_report() and replaced, so that the queue goes on; see
 * struct dmah_iommu_ops for who is told. Waits do this by themselves.
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
