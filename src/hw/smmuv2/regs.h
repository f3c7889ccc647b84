/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Registers of Arm's SMMUv1 and SMMUv2 (Arm IHI 0062): offsets and fields, non-secure ones alone. */
#ifndef DMAH_SMMUV2_REGS_H
#define DMAH_SMMUV2_REGS_H

/* ---- global register space 0, chapter 9 ---- */

#define GR_CR0	      0x000u
#define GR_ACR	      0x010u
#define GR_IDR0	      0x020u
#define GR_IDR1	      0x024u
#define GR_IDR2	      0x028u
#define GR_IDR7	      0x03cu
#define GR_GFAR	      0x040u
#define GR_GFSR	      0x048u
#define GR_GFSYNR0    0x050u
#define GR_GFSYNR1    0x054u
#define GR_TLBIVMID   0x064u
#define GR_TLBIALL    0x068u /* TLBIALLNSNH */
#define GR_TLBGSYNC   0x070u
#define GR_TLBGSTATUS 0x074u
#define GR_SMR(n)     (0x800u + 4 * (n))
#define GR_S2CR(n)    (0xc00u + 4 * (n))

/** NS_ALIAS - Calxeda: the non-secure registers among the first ones are at their secure aliases, this much higher. */
#define NS_ALIAS 0x400u

#define CR0_CLIENTPD (1u << 0)
#define CR0_GFRE     (1u << 1)
#define CR0_GFIE     (1u << 2)
#define CR0_GCFGFRE  (1u << 4)
#define CR0_GCFGFIE  (1u << 5)
#define CR0_USFCFG   (1u << 10)
#define CR0_VMIDPNE  (1u << 11)
#define CR0_PTM	     (1u << 12)

#define ACR_CACHE_LOCK (1u << 26) /* MMU-500: ACTLR of context banks cannot be written */

#define IDR0_S1TS	(1u << 30)
#define IDR0_S2TS	(1u << 29)
#define IDR0_SMS	(1u << 27)
#define IDR0_ATOSNS	(1u << 26)
#define IDR0_NO_AARCH32 (1u << 25)
#define IDR0_NO_SHORT	(1u << 24)
#define IDR0_CTTW	(1u << 14)
#define IDR0_NUMSIDB(r) ((r) >> 9 & 15)
#define IDR0_NUMSMRG(r) ((r)&255)

#define IDR1_PAGE_64K	    (1u << 31)
#define IDR1_NUMPAGENDXB(r) ((r) >> 28 & 7)
#define IDR1_NUMS2CB(r)	    ((r) >> 16 & 255)
#define IDR1_NUMCB(r)	    ((r)&255)

#define IDR2_PTFS    (7u << 12)
#define IDR2_PTFS_4K (1u << 12)
#define IDR2_UBS(r)  ((r) >> 8 & 15)
#define IDR2_OAS(r)  ((r) >> 4 & 15)
#define IDR2_IAS(r)  ((r)&15)

#define IDR7_MAJOR(r) ((r) >> 4 & 15)

#define GFSR_MULTI     (1u << 31)
#define GFSYNR0_WNR    (1u << 1)
#define GFSYNR1_SID(r) ((r)&0xffff)

#define STATUS_ACTIVE (1u << 0)

#define SMR_VALID   (1u << 31)
#define SMR_ID(r)   ((r)&0x7fff)
#define SMR_MASK(r) ((r) >> 16 & 0x7fff)
#define SMR_OF(id)  (SMR_VALID | ((id)&0x7fff7fffu))

#define S2CR_TRANSLATE	   0u
#define S2CR_BYPASS	   1u
#define S2CR_FAULT	   2u
#define S2CR_OF(how, bank) ((uint32_t)(how) << 16 | (bank))
#define S2CR_TYPE(r)	   ((r) >> 16 & 3)

/* ---- global register space 1, chapter 10 ---- */

#define GR_CBAR(n)	(0x000u + 4 * (n))
#define GR_CBFRSYNRA(n) (0x400u + 4 * (n))
#define GR_CBA2R(n)	(0x800u + 4 * (n))

#define CBAR_S2		(0u << 16)
#define CBAR_S1		(1u << 16) /* stage 1, and no stage 2 behind it */
#define CBAR_S1_MEMATTR (15u << 12) /* write-back, as stage 1 says */
#define CBAR_S1_BPSHCFG (3u << 8) /* not shareable, as stage 1 says */
#define CBA2R_VA64	(1u << 0)

/* ---- context banks, chapter 16 ---- */

#define CB_SCTLR      0x000u
#define CB_ACTLR      0x004u
#define CB_RESUME     0x008u
#define CB_TCR2	      0x010u
#define CB_TTBR0      0x020u
#define CB_TTBR1      0x028u
#define CB_TCR	      0x030u
#define CB_CONTEXTIDR 0x034u
#define CB_MAIR0      0x038u /* PRRR */
#define CB_MAIR1      0x03cu /* NMRR */
#define CB_PAR	      0x050u
#define CB_FSR	      0x058u
#define CB_FAR	      0x060u
#define CB_FSYNR0     0x068u
#define CB_TLBIVA     0x600u
#define CB_TLBIASID   0x610u
#define CB_TLBIVAL    0x620u
#define CB_TLBIIPAS2  0x630u
#define CB_TLBIIPAS2L 0x638u
#define CB_TLBSYNC    0x7f0u
#define CB_TLBSTATUS  0x7f4u
#define CB_ATS1PR     0x800u
#define CB_ATSR	      0x8f0u

#define SCTLR_M	      (1u << 0)
#define SCTLR_TRE     (1u << 1)
#define SCTLR_AFE     (1u << 2)
#define SCTLR_CFRE    (1u << 5)
#define SCTLR_CFIE    (1u << 6)
#define SCTLR_CFCFG   (1u << 7) /* stall */
#define SCTLR_ASIDPNE (1u << 12)

#define ACTLR_CPRE (1u << 1) /* MMU-500: next-page prefetch */

#define RESUME_RETRY	 0u
#define RESUME_TERMINATE 1u

#define TCR2_SEP_UPSTREAM (7u << 15)
#define TCR2_PASIZE_40	  2u

#define TCR_EAE	       (1u << 31) /* AArch32: long descriptors */
#define TCR_S2_RES1    (1u << 31)
#define TCR_EPD1       (1u << 23) /* nothing is translated by TTBR1 */
#define TCR_SHORT_PD1  (1u << 5)
#define TCR_INNER      (3u << 12)
#define TCR_OUTER      (2u << 12)
#define TCR_CACHED     (1u << 10 | 1u << 8) /* write-back, write-allocate */
#define TCR_PS(size)   ((uint32_t)(size) << 16)
#define TCR_SL0(level) ((uint32_t)(level) << 6)

/* AArch32, short descriptors: table walks inner and outer write-back, shareable; or not cached. */
#define TTBR_SHORT_CACHED (1u << 6 | 1u << 3 | 1u << 1)
#define TTBR_ASID(asid)	  ((uint64_t)(asid) << 48)

/* Attribute 0 is write-back memory, 1 Device-nGnRE, 2 memory that is not cached: as the formats want it. */
#define MAIR0_TYPES 0x004404ffu

#define PAR_F	 (1ull << 0)
#define PAR_ADDR 0x0000fffffffff000ull

#define FSR_TF	   (1u << 1)
#define FSR_AFF	   (1u << 2)
#define FSR_PF	   (1u << 3)
#define FSR_EF	   (1u << 4)
#define FSR_TLBMCF (1u << 5)
#define FSR_TLBLKF (1u << 6)
#define FSR_ASF	   (1u << 7)
#define FSR_UUT	   (1u << 8)
#define FSR_SS	   (1u << 30)
#define FSR_MULTI  (1u << 31)
#define FSR_ANY	   0xc00001feu

#define FSYNR0_WNR (1u << 4)

#endif /* DMAH_SMMUV2_REGS_H */
