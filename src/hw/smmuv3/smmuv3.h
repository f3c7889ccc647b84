/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Registers, table words and commands of the SMMUv3, and declarations that the files of its driver share.
 * Section numbers are those of Arm IHI 0070.
 */
#ifndef DMAH_IOMMU_SMMUV3_H
#define DMAH_IOMMU_SMMUV3_H

#include <dmah/smmuv3.h>

#include "hw/unit.h"

/* ---- registers (section 6.2) ---- */

#define REG_IDR0	0x00u
#define REG_IDR1	0x04u
#define REG_IDR3	0x0cu
#define REG_IDR5	0x14u
#define REG_IIDR	0x18u
#define REG_CR0		0x20u
#define REG_CR0ACK	0x24u
#define REG_CR1		0x28u
#define REG_CR2		0x2cu
#define REG_GBPA	0x44u
#define REG_IRQ_CTRL	0x50u
#define REG_IRQ_CTRLACK 0x54u
#define REG_GERROR	0x60u
#define REG_GERRORN	0x64u
#define REG_GERROR_IRQ	0x68u /* address; data and attributes behind it */
#define REG_STRTAB_BASE 0x80u
#define REG_STRTAB_CFG	0x88u
#define REG_CMDQ_BASE	0x90u
#define REG_CMDQ_PROD	0x98u
#define REG_CMDQ_CONS	0x9cu
#define REG_EVTQ_BASE	0xa0u
#define REG_EVTQ_IRQ	0xb0u /* address; data and attributes behind it */
#define REG_EVTQ_PROD	0x100a8u /* smmuv3_page1() */
#define REG_EVTQ_CONS	0x100acu

/* IDR0, section 6.3.1 */
#define IDR0_S2P	    (1u << 0)
#define IDR0_S1P	    (1u << 1)
#define IDR0_TTF_AARCH64    (2u << 2)
#define IDR0_COHACC	    (1u << 4)
#define IDR0_HYP	    (1u << 9)
#define IDR0_ATS	    (1u << 10)
#define IDR0_ASID16	    (1u << 12)
#define IDR0_MSI	    (1u << 13)
#define IDR0_VMID16	    (1u << 18)
#define IDR0_TTENDIAN(idr)  ((idr) >> 21 & 3)
#define TTENDIAN_BIG	    3u
#define IDR0_STALL(idr)	    ((idr) >> 24 & 3)
#define STALL_OPTIONAL	    0u
#define STALL_FORCED	    2u
#define IDR0_ST_LEVEL2(idr) (((idr) >> 27 & 3) == 1)

/* IDR1, section 6.3.2 */
#define IDR1_SIDSIZE(idr) ((idr)&0x3f)
#define IDR1_EVENTQS(idr) ((idr) >> 16 & 0x1f)
#define IDR1_CMDQS(idr)	  ((idr) >> 21 & 0x1f)
#define IDR1_PRESET	  (3u << 29) /* queues or tables at fixed places */

/* IDR3, section 6.3.4; IDR5, section 6.3.6 */
#define IDR3_RIL      (1u << 10)
#define IDR5_OAS(idr) ((idr)&7)
#define IDR5_GRAN4K   (1u << 4)

/* CR0, section 6.3.9 */
#define CR0_SMMUEN (1u << 0)
#define CR0_EVTQEN (1u << 2)
#define CR0_CMDQEN (1u << 3)
#define CR0_ATSCHK (1u << 4)

/* IRQ_CTRL, section 6.3.17; an MSI is a write to Device-nGnRE memory (section 6.3.21). */
#define IRQ_GERROR     (1u << 0)
#define IRQ_EVTQ       (1u << 2)
#define IRQ_DATA       8u
#define IRQ_ATTR       12u
#define IRQ_ATTR_NGNRE 1u

/* CR1, section 6.3.11: tables and queues are read and written as inner-shareable write-back memory, or uncached. */
#define CR1_CACHED 0xd75u
#define CR1_QUEUES 0x3fu

/* CR2, section 6.3.12: a stream id without an entry is recorded; TLBs do not listen to the CPUs' broadcasts. */
#define CR2_RECINVSID (1u << 1)
#define CR2_PTM	      (1u << 2)

/* GBPA, section 6.3.14: what becomes of transactions while SMMUEN is 0. */
#define GBPA_ABORT  (1u << 20)
#define GBPA_UPDATE (1u << 31)

/* GERROR, section 6.3.19 */
#define GERROR_CMDQ (1u << 0)
#define GERROR_EVTQ (1u << 2)
#define GERROR_SFM  (1u << 8)

/* Queue and table bases, sections 6.3.24 to 6.3.29 */
#define BASE_ALLOCATE (1ull << 62) /* read- or write-allocate hint */
#define STRTAB_2LEVEL (1u << 16)
#define STRTAB_SPLIT  6u /* 64 entries in a second-level table: 4 KiB */

/* CMDQ_CONS.ERR, section 7.1 */
#define CONS_ERR(cons)	((cons) >> 24 & 0x7f)
#define CERROR_ILL	1u
#define CERROR_ABT	2u
#define CERROR_ATC_SYNC 3u
#define EVTQ_OVERFLOW	(1u << 31)

/* ---- tables ---- */

/* Level 1 stream table descriptor, section 5.1: Span, 2^(Span - 1) entries. */
#define L1STD_SPAN (STRTAB_SPLIT + 1)

/* Stream table entry, section 5.2 */
#define STE_WORDS	8u
#define STE_VALID	(1ull << 0)
#define STE_ABORT	(0ull << 1)
#define STE_BYPASS	(4ull << 1)
#define STE_STAGE1	(5ull << 1)
#define STE_STAGE2	(6ull << 1)
#define STE1_S1_CACHED	(0x35ull << 2) /* S1CIR, S1COR write-back; S1CSH inner-shareable */
#define STE1_S1STALLD	(1ull << 27)
#define STE1_EATS	(1ull << 28)
#define STE1_SHCFG_SAME (1ull << 44)
/* Entry that aborts: the driver blocked the stream because its device did not answer. Hardware ignores the bit there. */
#define STE1_SILENT (1ull << 63)

/* Stage 2 in words 2 and 3 of an entry. S2ENDI, S2HA, S2HD and S2S stay 0: little-endian, no updates, no stalls. */
#define STE2_VMID(tag)	(uint64_t)(tag)
#define STE2_T0SZ(bits) ((64ull - (bits)) << 32)
#define STE2_SL0(levels) \
	((uint64_t)((levels)-2) << 38) /* 3 levels begin at level 1, 4 at level 0 */
#define STE2_CACHED   (0x35ull << 40) /* S2IR0, S2OR0 write-back; S2SH0 inner-shareable */
#define STE2_OUTER    (2ull << 44) /* uncached; S2SH0 outer-shareable */
#define STE2_PS(oas)  ((uint64_t)(oas) << 48)
#define STE2_AA64     (1ull << 51)
#define STE2_RECORD   (1ull << 58)
#define STE3_TTB_MASK 0x000ffffffffffff0ull

/* Context descriptor, section 5.4 */
#define CD_WORDS       8u
#define CD_T0SZ(bits)  (64ull - (bits))
#define CD_WALK_CACHED (0x35ull << 8) /* IR0, OR0 write-back; SH0 inner-shareable */
#define CD_WALK_OUTER  (2ull << 12) /* uncached; SH0 outer-shareable, as uncached memory is */
#define CD_EPD1	       (1ull << 30) /* no table for the upper half */
#define CD_VALID       (1ull << 31)
#define CD_IPS(oas)    ((uint64_t)(oas) << 32)
#define CD_AA64	       (1ull << 41)
#define CD_RECORD      (1ull << 45)
#define CD_ABORT       (1ull << 46)
#define CD_ASET	       (1ull << 47)
#define CD_ASID(tag)   ((uint64_t)(tag) << 48)
#define CD_TTB_MASK    0x000ffffffffff000ull
#define CD_MAIR_TYPES \
	0x4404ffull /* 0: normal write-back; 1: Device-nGnRE; 2: normal, not cached: src/pt/lpae_s1.c */

/* ---- commands (section 4.1.1) ---- */

#define OP_CFGI_STE	  0x03u
#define OP_CFGI_ALL	  0x04u
#define CFGI_RANGE_ALL	  31u
#define OP_TLBI_FIRST	  0x10u
#define OP_TLBI_NH_ASID	  0x11u
#define OP_TLBI_NH_VA	  0x12u
#define OP_TLBI_EL2_ALL	  0x20u
#define OP_TLBI_S12_VMALL 0x28u
#define OP_TLBI_S2_IPA	  0x2au
#define OP_TLBI_NSNH_ALL  0x30u
#define OP_TLBI_LAST	  0x3fu
#define OP_ATC_INV	  0x40u
#define OP_SYNC		  0x46u

/** struct smmuv3_cmd - a command. */
struct smmuv3_cmd {
	uint64_t word[2];
};

/* ---- features ---- */

#define SMMUV3_COHERENT	 (1u << 0)
#define SMMUV3_RANGE	 (1u << 1) /* invalidations of ranges (IDR3.RIL) */
#define SMMUV3_ATS	 (1u << 2)
#define SMMUV3_2LEVEL	 (1u << 3)
#define SMMUV3_STALLS	 (1u << 4) /* stalling is possible, and is not wanted */
#define SMMUV3_HYP	 (1u << 5)
#define SMMUV3_MSI	 (1u << 6)
#define SMMUV3_STAGE2	 (1u << 7) /* translates by stage 2 alone */
#define SMMUV3_OAS_SHIFT 8 /* IDR5.OAS */
#define SMMUV3_PAGE0	 (1u << 11) /* erratum: registers of page 1 are in page 0 */
#define SMMUV3_SYNC_63	 (1u << 12) /* erratum: a CMD_SYNC after 63 commands at most */

static inline struct dmah_smmuv3 *smmuv3_of(struct dmah_iommu *iommu)
{
	return (struct dmah_smmuv3 *)(void *)iommu; /* its first member */
}

static inline uint32_t smmuv3_read(const struct dmah_smmuv3 *smmu, uint32_t reg)
{
	return dmah_host_read32(smmu->regs + reg);
}

static inline void smmuv3_write(const struct dmah_smmuv3 *smmu, uint32_t reg, uint32_t value)
{
	dmah_host_write32(smmu->regs + reg, value);
}

/* Registers of page 1, which one implementation has in page 0 (errata.c). */
static inline uint32_t smmuv3_page1(const struct dmah_smmuv3 *smmu, uint32_t reg)
{
	return smmu->features & SMMUV3_PAGE0 ? reg & 0xffff : reg;
}

static inline unsigned int smmuv3_oas(const struct dmah_smmuv3 *smmu)
{
	return smmu->features >> SMMUV3_OAS_SHIFT & 7;
}

/* An index register holds a wrap bit above the index. */
static inline uint32_t smmuv3_index_mask(const struct dmah_smmuv3 *smmu)
{
	return (2u << smmu->cmdq_log2) - 1;
}

static inline uint64_t *smmuv3_slot(const struct dmah_smmuv3 *smmu, uint64_t pos)
{
	return smmu->cmdq.cpu + 2 * (pos & ((1ull << smmu->cmdq_log2) - 1));
}

/* As dmah_hw_area_alloc(): memory that the unit can reach. */
static inline int smmuv3_area_alloc(const struct dmah_smmuv3 *smmu, size_t size,
				    struct dmah_unit_area *area)
{
	return dmah_hw_area_alloc(area, size, smmu->iommu.out_bits,
				  smmu->features & SMMUV3_COHERENT);
}

/* ---- errata.c ---- */

/** dmah_smmuv3_errata() - Returns the features that known errata of an implementation ask for. */
uint32_t dmah_smmuv3_errata(uint32_t iidr, enum dmah_smmuv3_model model);

/* ---- init.c ---- */

/**
 * dmah_smmuv3_await() - wait until the bits @mask of a register are @value. Context: outside dmah_host_enter().
 *
 * Returns false after the time-out, and where the register reads as all ones.
 */
bool dmah_smmuv3_await(const struct dmah_smmuv3 *smmu, uint32_t reg, uint32_t mask, uint32_t value);

/** dmah_smmuv3_restart() - program the unit anew and switch it on as it was. Return: 0, DMAH_ETIMEDOUT. */
int dmah_smmuv3_restart(struct dmah_smmuv3 *smmu);

/* ---- queue.c ---- */

/** SMMUV3_SPARE - commands that posts leave free, for the error handler to post when the queue is full. */
#define SMMUV3_SPARE 8u

/** SMMUV3_ROOM - commands that there is room for after dmah_smmuv3_make_room(). */
#define SMMUV3_ROOM 8u

/** dmah_smmuv3_progress() - Returns the position up to which the hardware has consumed commands. */
uint64_t dmah_smmuv3_progress(struct dmah_smmuv3 *smmu);

/** dmah_smmuv3_has_room() - Returns true where @n more commands fit. Context: the unit's lock is held, as for puts. */
bool dmah_smmuv3_has_room(struct dmah_smmuv3 *smmu, unsigned int n);

/** dmah_smmuv3_put() - write a command into the queue. The hardware sees it when CMDQ_PROD is written. */
void dmah_smmuv3_put(struct dmah_smmuv3 *smmu, uint64_t first, uint64_t second);

/**
 * dmah_smmuv3_post() - put commands into the queue; all together, or none.
 * @ticket: set to the position to wait for until the commands are complete: a CMD_SYNC goes behind them. May be NULL.
 *
 * Context: outside dmah_host_enter(). Return: 0; DMAH_ETIMEDOUT: the queue has no room in time, or the unit has failed.
 */
int dmah_smmuv3_post(struct dmah_smmuv3 *smmu, const struct smmuv3_cmd *cmd, unsigned int n,
		     uint64_t *ticket);

/** dmah_smmuv3_try_post() - as dmah_smmuv3_post(), inside dmah_host_enter(), never waits: DMAH_EBUSY: no room now. */
int dmah_smmuv3_try_post(struct dmah_smmuv3 *smmu, const struct smmuv3_cmd *cmd, unsigned int n,
			 uint64_t *ticket);

/** dmah_smmuv3_make_room() - wait until SMMUV3_ROOM commands fit. Return: 0, DMAH_ETIMEDOUT. */
int dmah_smmuv3_make_room(struct dmah_smmuv3 *smmu);

/** dmah_smmuv3_wait() - wait for a ticket. Return: 0, DMAH_ETIMEDOUT. */
int dmah_smmuv3_wait(struct dmah_smmuv3 *smmu, uint64_t ticket);

/** dmah_smmuv3_run() - dmah_smmuv3_post() and dmah_smmuv3_wait(). */
int dmah_smmuv3_run(struct dmah_smmuv3 *smmu, const struct smmuv3_cmd *cmd, unsigned int n);

/* ---- error.c ---- */

/**
 * dmah_smmuv3_check() - look at the error registers once, and handle what they report. Does not wait.
 *
 * Context: outside dmah_host_enter(). Returns true where the unit is in service.
 */
bool dmah_smmuv3_check(struct dmah_smmuv3 *smmu);

/** dmah_smmuv3_fail() - remember that the unit has failed, and report @text, once. */
void dmah_smmuv3_fail(struct dmah_smmuv3 *smmu, const char *text);

/**
 * dmah_smmuv3_confirm_all() - invalidate everything and wait, also where the unit counts as failed. Tickets of before end
 *	with it. Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_smmuv3_confirm_all(struct dmah_smmuv3 *smmu);

/* ---- event.c ---- */

/** dmah_smmuv3_faults() - the library's @faults: the events that are refusals. */
unsigned int dmah_smmuv3_faults(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
				unsigned int max, bool *lost);

/** dmah_smmuv3_irq_restore() - program the interrupts as dmah_smmuv3_irq() and dmah_smmuv3_irq_mask() left them. */
int dmah_smmuv3_irq_restore(struct dmah_smmuv3 *smmu);

/* ---- stream.c ---- */

/** dmah_smmuv3_streams_init() - the stream table, all of it invalid, and room for context descriptors. */
int dmah_smmuv3_streams_init(struct dmah_smmuv3 *smmu);
void dmah_smmuv3_streams_fini(struct dmah_smmuv3 *smmu);

int dmah_smmuv3_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		     const struct dmah_pt_info *pt, uint32_t tag);
/** dmah_smmuv3_let_through() - let streams bypass that nothing is bound to. Before translation is on. Return: 0, DMAH_ENOMEM. */
int dmah_smmuv3_let_through(struct dmah_smmuv3 *smmu, const struct dmah_smmuv3_bypass *streams,
			    unsigned int n);

/** dmah_smmuv3_has_ats() - Returns true where translated transactions of a stream are let through. */
bool dmah_smmuv3_has_ats(const struct dmah_smmuv3 *smmu, uint32_t sid);

/**
 * dmah_smmuv3_block_silent() - block a device that does not answer, until it is bound to DMAH_BIND_BLOCK.
 *
 * Context: the unit's lock is held. Returns false where the stream was not bound.
 */
bool dmah_smmuv3_block_silent(struct dmah_smmuv3 *smmu, uint32_t sid);

/** dmah_smmuv3_isolated() - the library's @isolated: Returns true after dmah_smmuv3_block_silent(). */
bool dmah_smmuv3_isolated(struct dmah_iommu *iommu, struct dmah_device *dev);

/* ---- context.c ---- */

/** SMMUV3_STE_USED - words of an entry that are ever other than 0. */
#define SMMUV3_STE_USED 4u

/** dmah_smmuv3_contexts_init() - room for context descriptors, where the unit translates by stage 1. Return: 0, DMAH_ENOMEM. */
int dmah_smmuv3_contexts_init(struct dmah_smmuv3 *smmu);

int dmah_smmuv3_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag);
void dmah_smmuv3_tag_free(struct dmah_iommu *iommu, uint32_t tag);

/** dmah_smmuv3_walks_table() - Returns true where the unit can walk a table that has this tag. */
bool dmah_smmuv3_walks_table(const struct dmah_smmuv3 *smmu, const struct dmah_pt_info *pt,
			     uint32_t tag);

/** dmah_smmuv3_describe() - the first words of a stream's entry that is not to block; the others are 0. */
void dmah_smmuv3_describe(const struct dmah_smmuv3 *smmu, const struct dmah_device *dev,
			  enum dmah_bind how, const struct dmah_pt_info *pt, uint32_t tag,
			  uint64_t word[SMMUV3_STE_USED]);

/** dmah_smmuv3_write_context() - make a tag's context descriptor lead to a table. Nothing to do for stage 2. */
void dmah_smmuv3_write_context(struct dmah_smmuv3 *smmu, const struct dmah_pt_info *pt,
			       uint32_t tag);

/** dmah_smmuv3_is_context() - Returns true where the tag's context descriptor leads to this table; always with stage 2. */
bool dmah_smmuv3_is_context(const struct dmah_smmuv3 *smmu, const struct dmah_pt_info *pt,
			    uint32_t tag);

/* ---- tlb.c ---- */

/** dmah_smmuv3_ops, dmah_smmuv3_ops_ats - for a unit without and with ATS. */
extern const struct dmah_iommu_ops dmah_smmuv3_ops;
extern const struct dmah_iommu_ops dmah_smmuv3_ops_ats;

/* All entries of a tag: an ASID, or a VMID (sections 4.4.2 and 4.4.3). */
static inline struct smmuv3_cmd smmuv3_tlbi_tag(const struct dmah_smmuv3 *smmu, uint32_t tag)
{
	if (smmu->features & SMMUV3_STAGE2)
		return (struct smmuv3_cmd){ { OP_TLBI_S12_VMALL | (uint64_t)tag << 32, 0 } };
	return (struct smmuv3_cmd){ { OP_TLBI_NH_ASID | (uint64_t)tag << 48, 0 } };
}

/** dmah_smmuv3_atc_inv() - the smallest aligned power of two of pages over a range; @size 0: all (section 4.5.1). */
struct smmuv3_cmd dmah_smmuv3_atc_inv(uint32_t sid, dmah_addr_t iova, uint64_t size);

#endif /* DMAH_IOMMU_SMMUV3_H */
