/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Declarations that the files of the SMMUv1's and SMMUv2's driver share. */
#ifndef DMAH_IOMMU_SMMUV2_H
#define DMAH_IOMMU_SMMUV2_H

#include <dmah/smmuv2.h>

#include "hw/smmuv2/regs.h"
#include "hw/unit.h"

/** enum smmuv2_feature - properties of a unit that its driver acts on. */
enum smmuv2_feature {
	SMMUV2_VERSION_2 = 1u << 0, /* TLBIVAL, TLBIIPAS2, CBA2R */
	SMMUV2_STAGE2 = 1u << 1, /* stage 2 is used, else stage 1 */
	SMMUV2_VA64 = 1u << 2, /* VMSAv8-64 tables, else AArch32's */
	SMMUV2_SHORT = 1u << 3, /* AArch32: short descriptors, else long ones */
	SMMUV2_MATCHING = 1u << 4, /* stream ids are matched, else they are indexes */
	SMMUV2_COHERENT = 1u << 5,
	SMMUV2_STALL = 1u << 6,
	SMMUV2_ATS1 = 1u << 7, /* address translation registers */
	SMMUV2_NO_PREFETCH = 1u << 8, /* erratum: ACTLR.CPRE must be 0 */
	SMMUV2_ALIAS = 1u << 9, /* erratum: NS_ALIAS */
};

/** SMMUV2_NOTHING, SMMUV2_GLOBAL - values of @dirty and @syncing beside the numbers of context banks. */
#define SMMUV2_NOTHING (-1)
#define SMMUV2_GLOBAL  (-2)

static inline struct dmah_smmuv2 *smmuv2_of(struct dmah_iommu *iommu)
{
	return (struct dmah_smmuv2 *)(void *)iommu; /* its first member */
}

static inline bool smmuv2_has(const struct dmah_smmuv2 *smmu, uint32_t feature)
{
	return (smmu->features & feature) != 0;
}

/** smmuv2_bank_of() - the context bank of a tag; the number of its ASID or VMID is smmuv2_number(). */
static inline unsigned int smmuv2_bank_of(uint32_t tag)
{
	return tag - 1;
}

static inline uint32_t smmuv2_number(const struct dmah_smmuv2 *smmu, unsigned int bank)
{
	return smmu->id_base + bank + 1;
}

/* ---- registers.c ---- */

/** dmah_smmuv2_global() - the address of a register of global space 0. */
volatile uint8_t *dmah_smmuv2_global(const struct dmah_smmuv2 *smmu, uint32_t reg);

/** dmah_smmuv2_attribute() - the address of a register of global space 1. */
volatile uint8_t *dmah_smmuv2_attribute(const struct dmah_smmuv2 *smmu, uint32_t reg);

/** dmah_smmuv2_context() - the address of a register of a context bank. */
volatile uint8_t *dmah_smmuv2_context(const struct dmah_smmuv2 *smmu, unsigned int bank,
				      uint32_t reg);

/** dmah_smmuv2_cr0() - the value of CR0 while the driver has the unit. */
uint32_t dmah_smmuv2_cr0(const struct dmah_smmuv2 *smmu);

/** dmah_smmuv2_is_ours() - Returns true where a value of CR0 is that of a unit which the driver has, and not of one at power-on. */
bool dmah_smmuv2_is_ours(uint32_t cr0);

/** dmah_smmuv2_irq_write() - switch interrupts as @irq_on says, and translation on. Context: the lock is held. */
void dmah_smmuv2_irq_write(const struct dmah_smmuv2 *smmu);

/* ---- errata.c ---- */

/** dmah_smmuv2_errata() - enum smmuv2_feature of the errata of a model. */
uint32_t dmah_smmuv2_errata(enum dmah_smmuv2_model model);

/** dmah_smmuv2_unlock() - make the registers writable by which an erratum is avoided. */
void dmah_smmuv2_unlock(const struct dmah_smmuv2 *smmu);

/* ---- bank.c ---- */

/** dmah_smmuv2_walks() - Returns true where the unit can walk a table. */
bool dmah_smmuv2_walks(const struct dmah_smmuv2 *smmu, const struct dmah_pt_info *pt);

/** dmah_smmuv2_bank_write() - program a context bank, which no stream leads to, by its @pt. Context: the lock is held. */
void dmah_smmuv2_bank_write(const struct dmah_smmuv2 *smmu, unsigned int bank);

/** dmah_smmuv2_bank_off() - switch a context bank off, which no stream leads to: it would let streams through. */
void dmah_smmuv2_bank_off(const struct dmah_smmuv2 *smmu, unsigned int bank);

/** dmah_smmuv2_sctlr() - the value of SCTLR of a bank that translates. */
uint32_t dmah_smmuv2_sctlr(const struct dmah_smmuv2 *smmu);

int dmah_smmuv2_op_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag);
void dmah_smmuv2_op_tag_free(struct dmah_iommu *iommu, uint32_t tag);

/* ---- stream.c ---- */

/** dmah_smmuv2_streams_block() - block all streams but those of @config->bypass. Return: 0, DMAH_ENOSPC. */
int dmah_smmuv2_streams_block(struct dmah_smmuv2 *smmu, const struct dmah_smmuv2_config *config);

/** dmah_smmuv2_streams_write() - write all stream mapping registers as they are remembered. */
void dmah_smmuv2_streams_write(const struct dmah_smmuv2 *smmu);

/** dmah_smmuv2_bound_id() - the id that a device has for the library whose stream is @sid. */
uint32_t dmah_smmuv2_bound_id(const struct dmah_smmuv2 *smmu, uint32_t sid);

/** dmah_smmuv2_leads() - Returns true where the stream @sid leads to a context bank. */
bool dmah_smmuv2_leads(const struct dmah_smmuv2 *smmu, uint32_t sid, unsigned int bank);

/** dmah_smmuv2_write_stale() - rewrite a bank whose streams were blocked for that. Context: the lock is held. */
void dmah_smmuv2_write_stale(struct dmah_smmuv2 *smmu, unsigned int bank);

int dmah_smmuv2_op_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
			const struct dmah_pt_info *pt, uint32_t tag);

/* ---- tlb.c ---- */

/** dmah_smmuv2_forget() - invalidate all that was cached for a context bank. Context: the lock is held. */
void dmah_smmuv2_forget(struct dmah_smmuv2 *smmu, unsigned int bank);

/** dmah_smmuv2_forget_all() - the same for all context banks. Context: the lock is held. */
void dmah_smmuv2_forget_all(struct dmah_smmuv2 *smmu);

/** dmah_smmuv2_sync() - wait until all is done that was written before. Return: 0, DMAH_ETIMEDOUT. */
int dmah_smmuv2_sync(struct dmah_smmuv2 *smmu);

/** dmah_smmuv2_settle() - as dmah_smmuv2_sync(), of a unit that counts as failed. Return: 0, DMAH_ETIMEDOUT. */
int dmah_smmuv2_settle(struct dmah_smmuv2 *smmu);

int dmah_smmuv2_op_invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova,
			      uint64_t size, bool tables, uint64_t *ticket);
int dmah_smmuv2_op_fence(struct dmah_iommu *iommu, uint64_t *ticket);
int dmah_smmuv2_op_wait(struct dmah_iommu *iommu, uint64_t ticket);
bool dmah_smmuv2_op_done(struct dmah_iommu *iommu, uint64_t ticket);

/* ---- error.c ---- */

/** dmah_smmuv2_fail() - remember that the unit has failed, and report @text, once. */
void dmah_smmuv2_fail(struct dmah_smmuv2 *smmu, const char *text);

/**
 * dmah_smmuv2_check() - look at the unit once: it may have lost its state, or may be back. Does not wait.
 *
 * Context: outside dmah_host_enter(). Returns true where the unit is in service.
 */
bool dmah_smmuv2_check(struct dmah_smmuv2 *smmu);

/* ---- fault.c ---- */

/** dmah_smmuv2_faults_clear() - forget all faults, and terminate transactions that a previous owner left stalled. */
void dmah_smmuv2_faults_clear(const struct dmah_smmuv2 *smmu);

/**
 * dmah_smmuv2_stall_end() - terminate a transaction that is stalled in a bank to which its stream leads no more. Its fault is
 *	lost. Context: the lock is held.
 */
void dmah_smmuv2_stall_end(struct dmah_smmuv2 *smmu, unsigned int bank);

/** dmah_smmuv2_fault_drop() - end the record of a bank that has no owner any more. Context: the lock is held. */
void dmah_smmuv2_fault_drop(struct dmah_smmuv2 *smmu, unsigned int bank);

unsigned int dmah_smmuv2_op_faults(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
				   unsigned int max, bool *lost);

/* ---- lookup.c ---- */

/** dmah_smmuv2_walk() - translate by the page table in memory. Returns tables visited; negative: nothing is there. */
int dmah_smmuv2_walk(const struct dmah_pt_info *info, dmah_addr_t dma, dmah_phys_t *phys,
		     enum dmah_dir *dir);

#endif /* DMAH_IOMMU_SMMUV2_H */
