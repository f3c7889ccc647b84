/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Registers, commands and table entries of Intel VT-d (Architecture Specification, rev. 4.1). Chapters: Translation
 * Structure Formats (root and context entries), Queued Invalidation Interface, Fault Logging, Register Descriptions.
 */
#ifndef DMAH_VTD_REGS_H
#define DMAH_VTD_REGS_H

/* Register offsets. */
#define REG_CAP	    0x08u
#define REG_ECAP    0x10u
#define REG_GCMD    0x18u
#define REG_GSTS    0x1cu
#define REG_RTADDR  0x20u
#define REG_FSTS    0x34u
#define REG_FECTL   0x38u
#define REG_FEDATA  0x3cu
#define REG_FEADDR  0x40u
#define REG_FEUADDR 0x44u
#define REG_PMEN    0x64u
#define REG_IQH	    0x80u
#define REG_IQT	    0x88u
#define REG_IQA	    0x90u
#define REG_IQERCD  0xb0u
#define REG_IRTA    0xb8u

/* Capability Register. */
#define CAP_ND(cap)    ((unsigned int)((cap)&7u)) /* domain ids: 2^(4 + 2 ND) */
#define CAP_RWBF       (1ull << 4)
#define CAP_PLMR       (1ull << 5)
#define CAP_PHMR       (1ull << 6)
#define CAP_CM	       (1ull << 7)
#define CAP_SAGAW(cap) ((unsigned int)((cap) >> 8 & 0x1fu)) /* bit n: n + 2 levels */
#define CAP_MGAW(cap)  ((unsigned int)((cap) >> 16 & 0x3fu)) /* bits of an IOVA, minus 1 */
#define CAP_FRO(cap)   ((uint32_t)((cap) >> 24 & 0x3ffu) * 16u) /* offset of the fault records */
#define CAP_SLLPS_2M   (1ull << 34)
#define CAP_SLLPS_1G   (1ull << 35)
#define CAP_PSI	       (1ull << 39)
#define CAP_NFR(cap)   ((unsigned int)((cap) >> 40 & 0xffu) + 1u) /* fault records */
#define CAP_MAMV(cap)  ((unsigned int)((cap) >> 48 & 0x3fu)) /* largest address mask */
#define CAP_DWD	       (1ull << 54)
#define CAP_DRD	       (1ull << 55)
#define CAP_FS1GP      (1ull << 56) /* first-stage pages of 1 GiB */
#define CAP_FS5LP      (1ull << 60) /* first-stage tables of 5 levels */

/* Extended Capability Register. */
#define ECAP_C	 (1ull << 0) /* table walks are coherent */
#define ECAP_QI	 (1ull << 1)
#define ECAP_DT	 (1ull << 2) /* devices may have TLBs */
#define ECAP_IR	 (1ull << 3) /* interrupt remapping */
#define ECAP_EIM (1ull << 4) /* its destinations may have 32 bits */
#define ECAP_PT	 (1ull << 6) /* passthrough */
#define ECAP_MHMV(ecap) \
	((unsigned int)((ecap) >> 20 & 0xfu)) /* log2 of the entries of one invalidation */
#define ECAP_SMTS   (1ull << 43) /* scalable mode */
#define ECAP_SSTS   (1ull << 46) /* its second stage */
#define ECAP_FSTS   (1ull << 47) /* its first stage */
#define ECAP_SMPWCS (1ull << 48) /* walks from a PASID entry are coherent where the entry says so */

/*
 * Global Command and Status Registers: the same bits in both. A command changes one bit, is waited for, and carries the
 * status of all others but those that act once.
 */
#define GCMD_TE	    (1u << 31)
#define GCMD_SRTP   (1u << 30)
#define GCMD_WBF    (1u << 27)
#define GCMD_QIE    (1u << 26)
#define GCMD_IRE    (1u << 25)
#define GCMD_SIRTP  (1u << 24)
#define GCMD_CFI    (1u << 23) /* interrupts in compatibility format pass */
#define GSTS_STICKY 0x96ffffffu

/* Root Table Address Register. */
#define RTADDR_TTM	(3ull << 10) /* table mode; 0 is legacy */
#define RTADDR_SCALABLE (1ull << 10)

/* Fault Status Register, Fault Event Control Register. */
#define FSTS_PFO      (1u << 0)
#define FSTS_PPF      (1u << 1)
#define FSTS_IQE      (1u << 4)
#define FSTS_ICE      (1u << 5)
#define FSTS_ITE      (1u << 6)
#define FSTS_QUEUE    (FSTS_IQE | FSTS_ICE | FSTS_ITE)
#define FSTS_FRI(sts) ((sts) >> 8 & 0xffu)
#define FECTL_IM      (1u << 31)

/* Invalidation Queue Error Record Register: the device that did not answer (zero in units without the field). */
#define IQERCD_ITESID(r) ((uint32_t)((r) >> 32 & 0xffffu))

/* Protected Memory Enable Register. */
#define PMEN_EPM (1u << 31)
#define PMEN_PRS (1u << 0)

/* Fault Recording Registers: 128 bits each, taken here as four words. */
#define FRCD_SIZE   16u
#define FRCD_F	    (1u << 31) /* word 3 */
#define FRCD_T1	    (1u << 30) /* word 3: a read */
#define FRCD_PP	    (1u << 31) /* word 2: there is a PASID */
#define FRCD_FR(w3) ((uint8_t)((w3)&0xffu))
#define FRCD_PV(w3) ((w3) >> 8 & 0xfffffu)

/* Root Entry, Context Entry: two quadwords each. */
#define ENTRY_P		(1ull << 0)
#define ENTRY_ADDR	0x000ffffffffff000ull
#define CONTEXT_TT_ATS	(1ull << 2) /* second stage, and the device may have a TLB */
#define CONTEXT_TT_PASS (2ull << 2)
/* Entry not present: the driver blocked the device because it did not answer. Hardware ignores the bit. */
#define CONTEXT_SILENT		(1ull << 3)
#define CONTEXT_DID(hi)		((uint32_t)((hi) >> 8 & 0xffffu))
#define CONTEXT_HI(did, levels) ((uint64_t)(did) << 8 | ((levels)-2u))

/*
 * Scalable mode: a root entry leads to two context tables, of 128 entries of four quadwords. A context entry holds the
 * address of a PASID directory, and CONTEXT_TT_ATS means that the device may have a TLB. The directory has the smallest
 * size, and the context entry's other words are 0: RID_PASID is 0. PASID entries are 64 bytes.
 */
#define PASID_BYTES	 64u
#define PASID_AW(levels) ((uint64_t)((levels)-2u) << 2)
#define PASID_FIRST	 (1ull << 6)
#define PASID_SECOND	 (2ull << 6)
#define PASID_PASS	 (4ull << 6)
#define PASID_DID(did)	 ((uint64_t)(did))
#define PASID_DID_OF(w1) ((uint32_t)((w1)&0xffffu))
#define PASID_FIVE	 (1ull << 2) /* word 2: a first-stage table of 5 levels */
#define PASID_PWSNP	 (1ull << 23) /* word 1: walks snoop */

/* Interrupt Remapping Table Address Register. */
#define IRTA_EIME (1ull << 11)

/* Interrupt remapping entry: two quadwords. */
#define IRTE_P		    (1ull << 0)
#define IRTE_LOGICAL	    (1ull << 2)
#define IRTE_LEVEL	    (1ull << 4)
#define IRTE_LOWEST	    (1ull << 3 | 1ull << 5) /* redirection hint, delivery mode */
#define IRTE_VECTOR(v)	    ((uint64_t)(v) << 16)
#define IRTE_DEST(d)	    ((uint64_t)(d) << 40)
#define IRTE_DEST_X2APIC(d) ((uint64_t)(d) << 32)
/* Second quadword: the requester is verified, all bits of its id, or its bus alone (SVT, SQ, SID). */
#define IRTE_REQUESTER(id)	(1ull << 18 | (id))
#define IRTE_BUSES(first, last) (2ull << 18 | (uint64_t)(first) << 8 | (last))

/* A message in remappable format (section 5.1.2.2), and an IOAPIC's redirection entry (5.1.5.1). */
#define MSI_WINDOW    0xfee00000ull
#define MSI_HANDLE(n) (((uint64_t)(n)&0x7fffu) << 5 | ((uint64_t)(n) >> 15 & 1u) << 2)
#define MSI_REMAPPED  (1ull << 4)
#define MSI_SHV	      (1ull << 3) /* the data is added to the handle */
#define RTE_INDEX(n)  (((uint64_t)(n)&0x7fffu) << 49 | ((uint64_t)(n) >> 15 & 1u) << 11)
#define RTE_REMAPPED  (1ull << 48)
#define RTE_LEVEL     (1ull << 15)

/* Invalidation queue: commands of 128 bits. */
#define IQA_QS		 7u /* pages of commands: 2^QS */
#define IQA_DW		 (1ull << 11) /* commands of 256 bits */
#define IQA_QS_ENTRIES	 256u /* for QS 0 */
#define IQ_SHIFT	 4 /* log2 of the bytes of a command; 5 with IQA_DW */
#define IQ_SHIFT_WIDE	 5
#define QI_CONTEXT	 0x1ull
#define QI_CONTEXT_ALL	 (1ull << 4)
#define QI_CONTEXT_DEV	 (3ull << 4)
#define QI_IOTLB	 0x2ull
#define QI_IOTLB_ALL	 (1ull << 4)
#define QI_IOTLB_DOMAIN	 (2ull << 4)
#define QI_IOTLB_PAGE	 (3ull << 4)
#define QI_IOTLB_DW	 (1ull << 6) /* drain writes */
#define QI_IOTLB_DR	 (1ull << 7) /* drain reads */
#define QI_IOTLB_IH	 (1ull << 6) /* upper half: only leaf entries changed */
#define QI_DID(did)	 ((uint64_t)(did) << 16)
#define QI_SID(id)	 ((uint64_t)(id) << 32)
#define QI_TYPE(lo)	 ((lo)&0xfu)
#define QI_SID_OF(lo)	 ((uint32_t)((lo) >> 32 & 0xffffu))
#define QI_DEVTLB	 0x3ull
#define QI_DEVTLB_MIP(n) ((uint64_t)(n) << 16) /* invalidations that the device takes at one time */
#define QI_DEVTLB_S	 (1ull << 0) /* upper half: more than a page */
#define QI_IEC		 0x4ull /* the interrupt entry cache, all of it */
#define QI_IEC_INDEX	 (1ull << 4) /* some entries */
#define QI_IEC_MASK(m)	 ((uint64_t)(m) << 27) /* log2 of how many */
#define QI_IEC_AT(n)	 ((uint64_t)(n) << 32)
#define QI_WAIT		 0x5ull
#define QI_PIOTLB	 0x6ull /* the first stage's IOTLB, of a domain id and a PASID */
#define QI_PIOTLB_ALL	 (2ull << 4)
#define QI_PIOTLB_PAGE	 (3ull << 4)
#define QI_PASID	 0x7ull /* the cache of PASID entries */
#define QI_PASID_ONE	 (1ull << 4) /* of a domain id and a PASID */
#define QI_PASID_ALL	 (3ull << 4)
#define QI_WAIT_SW	 (1ull << 5) /* write the status */
#define QI_WAIT_FN	 (1ull << 6) /* fence: commands behind it wait too */
#define QI_WAIT_DATA(n)	 ((uint64_t)(uint32_t)(n) << 32)

#endif /* DMAH_VTD_REGS_H */
