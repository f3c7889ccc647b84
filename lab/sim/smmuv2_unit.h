/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Registers and state of an SMMUv1 or SMMUv2 (Arm IHI 0062), which the files of its model share. */
#ifndef SIM_SMMUV2_UNIT_H
#define SIM_SMMUV2_UNIT_H

#include "sim_smmuv2.h"
#include "unit.h"

#include "posix.h"

enum {
	CR0 = 0x000,
	ACR = 0x010,
	IDR0 = 0x020,
	IDR1 = 0x024,
	IDR2 = 0x028,
	IDR7 = 0x03c,
	GFAR = 0x040,
	GFSR = 0x048,
	GFSYNR0 = 0x050,
	GFSYNR1 = 0x054,
	TLBIVMID = 0x064,
	TLBIALLNSNH = 0x068,
	TLBGSYNC = 0x070,
	TLBGSTATUS = 0x074,
	SMR = 0x800,
	S2CR = 0xc00,
	CBAR = 0x000,
	CBFRSYNRA = 0x400,
	CBA2R = 0x800,
	SCTLR = 0x000,
	ACTLR = 0x004,
	RESUME = 0x008,
	TCR2 = 0x010,
	TTBR0 = 0x020,
	TCR = 0x030,
	CONTEXTIDR = 0x034,
	MAIR0 = 0x038,
	MAIR1 = 0x03c,
	PAR = 0x050,
	FSR = 0x058,
	FAR = 0x060,
	FSYNR0 = 0x068,
	TLBIVA = 0x600,
	TLBIASID = 0x610,
	TLBIVAL = 0x620,
	TLBIIPAS2 = 0x630,
	TLBIIPAS2L = 0x638,
	TLBSYNC = 0x7f0,
	TLBSTATUS = 0x7f4,
	ATS1PR = 0x800,
	ATSR = 0x8f0,
};

#define CLIENTPD   (1u << 0)
#define GFRE	   (1u << 1)
#define GFIE	   (1u << 2)
#define USFCFG	   (1u << 10)
#define HINTS	   (3u << 11) /* VMIDPNE, PTM */
#define CACHE_LOCK (1u << 26)
#define CPRE	   (1u << 1)
#define VALID	   (1u << 31)
#define MULTI	   (1u << 31)
#define SS	   (1u << 30)
#define M	   (1u << 0)
#define TRE	   (1u << 1)
#define AFE	   (1u << 2)
#define CFRE	   (1u << 5)
#define CFIE	   (1u << 6)
#define CFCFG	   (1u << 7)
#define EAE	   (1u << 31)
#define EPD1	   (1u << 23)
#define PD1	   (1u << 5)

/* Codes of faults that the unit records, and no context bank: bits of GFSR. */
#define GLOBAL 0x10000u
#define ICF    (GLOBAL | 1u << 0)
#define USF    (GLOBAL | 1u << 1)
#define SMCF   (GLOBAL | 1u << 2)
#define UCBF   (GLOBAL | 1u << 3)

#define STREAMS 128u
#define PENDING 512u
#define NOBODY	(-1)

/* Tags in the TLB: a VMID alone, or an ASID of a VMID. */
#define TAG_S2(vmid)	   (1u << 29 | (vmid))
#define TAG_S1(vmid, asid) (1u << 30 | (vmid) << 16 | (asid))
#define TAG_VMID(tag)	   ((tag) >> 30 ? (tag) >> 16 & 255 : (tag)&255)

/** struct smmuv2_bank - a context bank. @syncing: TLBSTATUS. @polls: reads of ATSR that find a lookup active. */
struct smmuv2_bank {
	uint32_t cbar;
	uint32_t cba2r;
	uint32_t synra;
	uint32_t sctlr;
	uint32_t actlr;
	uint32_t tcr;
	uint32_t tcr2;
	uint64_t ttbr0;
	uint32_t contextidr;
	uint32_t mair[2];
	uint64_t par;
	uint32_t fsr;
	uint64_t far;
	uint32_t fsynr0;
	bool syncing;
	unsigned int polls;
};

enum smmuv2_op_kind { OP_ADDRESS, OP_SPACE, OP_VMID, OP_ALL };

/** struct smmuv2_op - an invalidation that did not take effect yet. @bank: where it was written; NOBODY: in global space 0. */
struct smmuv2_op {
	enum smmuv2_op_kind kind;
	int bank;
	uint32_t tag;
	uint64_t iova;
	bool tables;
};

/** struct sim_smmuv2 - a unit. The IOMMU's lock protects all members. */
struct sim_smmuv2 {
	struct sim_unit unit;
	struct sim_smmuv2_config config;
	struct sim_smmuv2_stats stats;
	unsigned int nbanks;
	unsigned int nstreams;
	uint32_t cr0;
	uint32_t acr;
	uint64_t gfar;
	uint32_t gfsr;
	uint32_t gfsynr[2];
	uint32_t smr[STREAMS];
	uint32_t s2cr[STREAMS];
	struct smmuv2_bank bank[SIM_SMMUV2_BANKS];
	bool syncing;
	bool poking;
	struct smmuv2_op pending[PENDING];
	unsigned int npending;
};

static inline void sim_smmuv2_misuse(const struct sim_smmuv2 *u, const char *what)
{
	if (!u->poking)
		posix_misuse(what);
}

static inline bool sim_smmuv2_has_stage1(const struct sim_smmuv2 *u)
{
	return !u->unit.iommu->config.stage2 || u->config.both;
}

static inline bool sim_smmuv2_has_stage2(const struct sim_smmuv2 *u)
{
	return u->unit.iommu->config.stage2 || u->config.both;
}

/* ---- smmuv2_tlb.c ---- */

/** sim_smmuv2_postpone() - keep an invalidation until a sync behind it. */
void sim_smmuv2_postpone(struct sim_smmuv2 *u, struct smmuv2_op op);

/** sim_smmuv2_run() - end the syncs that are active, unless the unit stands still. */
void sim_smmuv2_run(struct sim_smmuv2 *u);

/* ---- smmuv2_context.c ---- */

/** sim_smmuv2_is_live() - Returns true where a stream leads to a context bank that translates. */
bool sim_smmuv2_is_live(const struct sim_smmuv2 *u, unsigned int bank);

/** sim_smmuv2_look_up() - translate an address for ATS1PR of a context bank. */
void sim_smmuv2_look_up(struct sim_smmuv2 *u, unsigned int n, uint64_t iova);

/* For struct sim_interface. */
enum sim_reason sim_smmuv2_read_context(void *ctx, const struct sim_device *dev,
					struct sim_context *context, uint32_t *code);
void sim_smmuv2_record_fault(void *ctx, uint32_t id, dmah_addr_t dma, bool write, uint32_t code);

#endif /* SIM_SMMUV2_UNIT_H */
