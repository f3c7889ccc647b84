/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: a driver of Arm's SMMUv1 and SMMUv2 (Arm System Memory Management Unit Architecture Specification, versions 1 and 2,
 * Arm IHI 0062), which Arm sells as MMU-400, MMU-401 and MMU-500.
 *
 *	static struct dmah_smmuv2 smmu;
 *
 *	err = dmah_smmuv2_init(&smmu, &(struct dmah_smmuv2_config){ .regs = registers });
 *	domain_config.iommu = &smmu.iommu;		// and .format = smmu.iommu.formats[0]
 *	device.id = dmah_smmuv2_id(stream_id, mask);
 *	dmah_smmuv2_irq(&smmu, true);			// the handler calls dmah_faults(&smmu.iommu, ...)
 *
 * Non-secure registers alone, one stage for all streams of a unit. Each domain has a context bank of its own, with an ASID
 * (stage 1) or a VMID (stage 2); a unit has as many domains as it has banks. Stream ids are matched (SMR) or are indexes
 * (S2CR), as the unit does. A stream that was never bound, or is blocked, reaches nothing. There may be several units, each
 * with its own structure; nothing is global.
 *
 * Tables: VMSAv8-64 where the unit walks them, else the long descriptors of ARMv7 (LPAE), which have the same entries:
 * dmah_pt_lpae_s1 with stage 1, dmah_pt_lpae_s2 with stage 2. An SMMUv1 takes 32 bits of an IOVA in stage 1. With
 * @short_descriptors the tables are ARMv7's short descriptors: dmah_pt_arm_short.
 *
 * Invalidations are registers, not a queue. A sync makes those complete that were written before: of one context bank where
 * only that bank has any, else of the unit. Hardware that fails: a unit that does not answer in time, or whose registers read
 * as all ones, is reported once and has failed: every call that needs it returns DMAH_ETIMEDOUT at once, and unmaps
 * quarantine their memory. A unit that was merely slow is back in service when it answers. See dmah_smmuv2_reset() for
 * others.
 */
#ifndef DMAH_SMMUV2_H
#define DMAH_SMMUV2_H

#include <dmah/device.h>
#include <dmah/host.h>
#include <dmah/iommu.h>

#ifdef __cplusplus
extern "C" {
#endif

/** DMAH_SMMUV2_BANKS - most context banks, and most stream mapping registers, of a unit (section 2.6). */
#define DMAH_SMMUV2_BANKS 128u

/**
 * enum dmah_smmuv2_model - implementations, which firmware's tables name: the Model field of IORT's node, or the compatible
 *	string of a device tree.
 * @DMAH_SMMUV2_GENERIC: the registers say all: a unit that walks VMSAv8-64 tables is of version 2.
 * @DMAH_SMMUV2_V1, @DMAH_SMMUV2_V2: a version of the specification.
 * @DMAH_SMMUV2_MMU400, @DMAH_SMMUV2_MMU401, @DMAH_SMMUV2_MMU500: Arm's products.
 * @DMAH_SMMUV2_THUNDERX: Cavium ThunderX.
 * @DMAH_SMMUV2_CALXEDA: Calxeda's, whose non-secure registers are reached at the secure ones' aliases.
 */
enum dmah_smmuv2_model {
	DMAH_SMMUV2_GENERIC,
	DMAH_SMMUV2_V1,
	DMAH_SMMUV2_V2,
	DMAH_SMMUV2_MMU400,
	DMAH_SMMUV2_MMU401,
	DMAH_SMMUV2_MMU500,
	DMAH_SMMUV2_THUNDERX,
	DMAH_SMMUV2_CALXEDA,
};

/** struct dmah_smmuv2_bypass - streams that nothing is attached to yet and that are let through. @sid: the first of @count. */
struct dmah_smmuv2_bypass {
	uint32_t sid;
	uint32_t count;
};

/**
 * struct dmah_smmuv2_config - a unit. Zero means the default but for @regs.
 * @regs: its registers, for dmah_host_read32() and friends. Their size is firmware's to say: from 64 KiB to 32 MiB.
 * @name: for messages; NULL: "smmuv2".
 * @model: enum dmah_smmuv2_model, for the version and for errata.
 * @timeout_ns: time that an invalidation may take before the unit has failed, in nanoseconds; 0: 1 s.
 * @walks: how the unit reads page tables, where IDR0.CTTW is wrong.
 * @stage2: translate by stage 2 also where the unit has stage 1.
 * @short_descriptors: page tables of ARMv7's short descriptors: 32-bit IOVAs, and memory below 4 GiB.
 * @stall: a transaction that faults is stalled until dmah_faults() has taken its fault: it is retried where its address is
 *	mapped by then, else terminated; with @short_descriptors always terminated. It ends with its device's detach or kill,
 *	and its fault is lost then. False: it is terminated at once.
 * @id_base: ASIDs and VMIDs are above this, at most 127. For ThunderX, whose units share TLBs: give the second unit 64,
 *	so that both have 63 domains.
 * @reserved: IOVAs that no domain behind the unit may hand out, read for as long as the unit is in use. NULL: none.
 * @nreserved: how many @reserved.
 * @bypass: streams that firmware left running (RMR), which reach all memory until they are attached. Not read after
 *	dmah_smmuv2_init(). NULL: none.
 * @nbypass: how many @bypass.
 */
struct dmah_smmuv2_config {
	volatile void *regs;
	const char *name;
	enum dmah_smmuv2_model model;
	uint64_t timeout_ns;
	enum dmah_walks walks;
	bool stage2;
	bool short_descriptors;
	bool stall;
	unsigned int id_base;
	const struct dmah_reserved *reserved;
	unsigned int nreserved;
	const struct dmah_smmuv2_bypass *bypass;
	unsigned int nbypass;
};

/**
 * struct dmah_smmuv2_bank - a context bank.
 * @pt: the table that its registers name.
 * @streams: how many streams lead to it.
 * @taken: a domain has it.
 * @stale: its registers name another table still, and its streams are blocked.
 * @lookup_busy: a CPU uses its address translation registers.
 */
struct dmah_smmuv2_bank {
	struct dmah_pt_info pt;
	uint32_t streams;
	bool taken;
	bool stale;
	uint32_t lookup_busy;
};

/** struct dmah_smmuv2_stream - a stream mapping register. @id: dmah_smmuv2_id(); @how, @bank: where it leads; @used. */
struct dmah_smmuv2_stream {
	uint32_t id;
	uint8_t how;
	uint8_t bank;
	bool used;
};

/**
 * struct dmah_smmuv2 - a unit. The caller's storage; private but for @iommu and the counters.
 * @iommu: for struct dmah_domain_config and struct dmah_device.
 * @commands: invalidations written since init.
 * @syncs: syncs begun, of the whole unit or of one context bank; @bank_syncs: the latter.
 * @lookups: translations by ATS1PR; @lookups_walked: by a walk in its place, as the register was busy or late.
 * @retried, @terminated: transactions that were stalled.
 */
struct dmah_smmuv2 {
	struct dmah_iommu iommu;
	uint64_t commands;
	uint64_t syncs;
	uint64_t bank_syncs;
	uint32_t lookups;
	uint32_t lookups_walked;
	uint32_t retried;
	uint32_t terminated;

	volatile uint8_t *regs;
	uint64_t timeout;
	uint32_t features;
	unsigned int page_shift;
	uint32_t first_page;
	unsigned int first_bank;
	unsigned int nbanks;
	unsigned int nstreams;
	unsigned int id_bits;
	unsigned int id_base;
	unsigned int out_size;
	struct dmah_smmuv2_bank bank[DMAH_SMMUV2_BANKS];
	struct dmah_smmuv2_stream stream[DMAH_SMMUV2_BANKS];
	struct dmah_unit_state state;
	uint64_t posted;
	uint64_t synced;
	uint64_t covers;
	int dirty;
	int syncing;
	bool fault_lost;
	bool irq_on;
};

/** dmah_smmuv2_id() - the library's id of a stream: @mask has the bits of @sid that the unit does not compare. */
DMAH_INLINE uint32_t dmah_smmuv2_id(uint32_t sid, uint32_t mask)
{
	return (sid & 0xffff) | mask << 16;
}

/**
 * dmah_smmuv2_init() - take over a unit, whatever state it is in.
 * @smmu: the unit's storage; need not be zeroed.
 * @config: copied.
 *
 * On return the unit translates, and every stream that @config does not name in @bypass is blocked. Interrupts are off. Every
 * error is explained by dmah_host_report().
 *
 * Context: initialisation; may sleep. Return: 0; DMAH_EINVAL; DMAH_ENODEV: the registers read as all ones; DMAH_ETIMEDOUT:
 * the unit does not answer; DMAH_ENOTSUP: it has not the stage or the tables that @config asks for, or no context bank;
 * DMAH_ENOSPC: it has not as many stream mapping registers as @bypass has streams.
 */
int dmah_smmuv2_init(struct dmah_smmuv2 *smmu, const struct dmah_smmuv2_config *config);

/**
 * dmah_smmuv2_fini() - give a unit up: all its streams are blocked.
 * @smmu: the unit; no domain uses it any more.
 *
 * Return: 0; DMAH_ETIMEDOUT: the unit does not answer.
 */
int dmah_smmuv2_fini(struct dmah_smmuv2 *smmu);

/**
 * dmah_smmuv2_reset() - bring a unit that has failed back into service.
 * @smmu: the unit.
 *
 * Call when the cause is gone: the unit has power and clocks again. All its registers are written anew. Devices stay attached.
 * When this has returned 0, call dmah_flush() for each domain behind the unit. Faults that were not taken yet are lost.
 *
 * Context: may sleep. Return: 0; DMAH_ETIMEDOUT: the unit does not answer still; DMAH_EBUSY: another CPU does this now.
 */
int dmah_smmuv2_reset(struct dmah_smmuv2 *smmu);

/**
 * dmah_smmuv2_irq() - switch the unit's interrupts on or off. Faults are recorded all the same.
 * @smmu: the unit.
 * @on: true: a fault raises the unit's wire, global or of its context bank, until dmah_faults() has taken the fault.
 *
 * A context bank of an SMMUv2 has an interrupt of its own, of its number. Those of an SMMUv1 all raise context interrupt 0
 * (CBAR.IRPTNDX).
 *
 * Context: any but inside dmah_host_enter().
 */
void dmah_smmuv2_irq(struct dmah_smmuv2 *smmu, bool on);

/**
 * struct dmah_smmuv2_table - a domain's page table behind a unit, for dmah_smmuv2_lookup().
 * @smmu: the unit.
 * @pt: from dmah_domain_pt().
 */
struct dmah_smmuv2_table {
	struct dmah_smmuv2 *smmu;
	struct dmah_pt_info pt;
};

/**
 * dmah_smmuv2_lookup() - translate by the unit's address translation registers (ATS1PR, ATSR, PAR), as Linux' ARM IOMMU
 *	mapper does at every unmap. For dmah_addr_set_lookup().
 * @ctx: struct dmah_smmuv2_table of @dom, which stays valid as long as this is the domain's lookup.
 * @dom: a domain behind the unit.
 * @dma: a DMA address.
 * @steps: the number of register accesses, or of tables visited, is added.
 *
 * Where the unit has no such registers (IDR0.ATOSNS, stage 2), or another CPU uses those of the context bank, or they do not
 * answer, the page table is walked in memory.
 *
 * Context: any. Returns the physical address, or ~0.
 */
dmah_phys_t dmah_smmuv2_lookup(void *ctx, struct dmah_domain *dom, dmah_addr_t dma,
			       uint64_t *steps);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SMMUV2_H */
