/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Registers, directory entries and commands of the RISC-V IOMMU. Source: RISC-V IOMMU Architecture Specification, version
 * 1.0: chapters Data Structures, In-memory queue interface, Memory-mapped register interface.
 */
#ifndef DMAH_RISCV_REGS_H
#define DMAH_RISCV_REGS_H

/* Register offsets. */
#define REG_CAPABILITIES 0x00u
#define REG_FCTL	 0x08u
#define REG_DDTP	 0x10u
#define REG_CQB		 0x18u
#define REG_CQH		 0x20u
#define REG_CQT		 0x24u
#define REG_FQB		 0x28u
#define REG_FQH		 0x30u
#define REG_FQT		 0x34u
#define REG_CQCSR	 0x48u
#define REG_FQCSR	 0x4cu
#define REG_PQCSR	 0x50u
#define REG_IPSR	 0x54u
#define REG_ICVEC	 0x2f8u
#define REG_MSI_ADDR	 0x300u /* vector 0; data and control behind it */
#define REG_MSI_DATA	 0x308u
#define REG_MSI_CTL	 0x30cu

/* capabilities */
#define CAP_VERSION(cap) ((unsigned int)((cap)&0xffu))
#define CAP_SV39	 (1ull << 9)
#define CAP_SV48	 (1ull << 10)
#define CAP_SV57	 (1ull << 11)
#define CAP_SVRSW60T59B	 (1ull << 14) /* bits 60 and 59 of a page-table entry are for software */
#define CAP_SV39X4	 (1ull << 17)
#define CAP_SV48X4	 (1ull << 18)
#define CAP_MSI_FLAT	 (1ull << 22)
#define CAP_ATS		 (1ull << 25)
#define CAP_END		 (1ull << 27) /* both byte orders */
#define CAP_IGS(cap)	 ((unsigned int)((cap) >> 28 & 3u))
#define IGS_MSI		 0u
#define IGS_WIRED	 1u
#define CAP_PAS(cap)	 ((unsigned int)((cap) >> 32 & 0x3fu))

/* fctl */
#define FCTL_BE	   (1u << 0)
#define FCTL_WIRED (1u << 1)

/* ddtp, and bases of queues and tables: PPN in bits 53:10 */
#define DDTP_MODE(ddtp) ((unsigned int)((ddtp)&0xfu))
#define DDTP_OFF	0u
#define DDTP_BARE	1u
#define DDTP_LEVELS(n)	(1u + (n)) /* 1LVL is 2 */
#define DDTP_BUSY	(1u << 4)
#define PPN_SHIFT	10
#define PPN_OF(phys)	((uint64_t)(phys) >> 12 << PPN_SHIFT)
#define PHYS_OF(entry)	((uint64_t)((entry) >> PPN_SHIFT & 0xfffffffffffull) << 12)

/* cqcsr, fqcsr, pqcsr */
#define CSR_ENABLE  (1u << 0)
#define CSR_IRQ	    (1u << 1)
#define CSR_MF	    (1u << 8) /* the queue's memory can not be accessed */
#define CSR_ON	    (1u << 16)
#define CSR_BUSY    (1u << 17)
#define CQCSR_TO    (1u << 9) /* a device did not answer */
#define CQCSR_ILL   (1u << 10)
#define CQCSR_ERROR (CSR_MF | CQCSR_TO | CQCSR_ILL)
#define FQCSR_OF    (1u << 9)

/* ipsr */
#define IPSR_CQ (1u << 0)
#define IPSR_FQ (1u << 1)

#define MSI_CTL_MASK (1u << 0)

/* Device context: 4 words, or 8 where the unit has MSI page tables. */
#define DC_TC		 0
#define DC_IOHGATP	 1
#define DC_TA		 2
#define DC_FSC		 3
#define DC_MSIPTP	 4
#define DC_MSI_MASK	 5
#define DC_MSI_PATTERN	 6
#define DC_WORDS	 8
#define TC_V		 (1ull << 0)
#define TC_EN_ATS	 (1ull << 1)
#define TA_PSCID(tag)	 ((uint64_t)(tag) << 12)
#define TA_PSCID_OF(ta)	 ((uint32_t)((ta) >> 12 & 0xfffffu))
#define ATP(mode, phys)	 ((uint64_t)(mode) << 60 | (uint64_t)(phys) >> 12)
#define ATP_MODE(atp)	 ((unsigned int)((atp) >> 60))
#define ATP_GSCID(gscid) ((uint64_t)(gscid) << 44)
#define ATP_SV39	 8u
#define ATP_SV48	 9u
#define ATP_SV57	 10u
#define MSIPTP_FLAT	 1u
/* Context that is not valid: the driver blocked the device because it did not answer. Hardware ignores the word. */
#define TA_SILENT 1ull

/* Entry of a directory above the leaf level. */
#define DDTE_V (1ull << 0)

/* Entry of an MSI page table: 2 words. Basic mode: the message goes to that page. */
#define MSI_PTE_V     (1ull << 0)
#define MSI_PTE_BASIC (3ull << 1)

/* Entry of the second-stage table that translates every address to itself. */
#define PTE_LEAF 0xd7ull /* V, R, W, U, A, D */

/* Commands: 2 words. */
#define CMD_WORDS      2u
#define CMD_SHIFT      4
#define CMD_OPCODE(w0) ((unsigned int)((w0)&0x7fu))
#define CMD_IOTINVAL   1ull
#define CMD_GVMA       (1ull << 7)
#define CMD_IOFENCE    2ull
#define CMD_IODIR      3ull
#define CMD_ATS	       4ull
#define CMD_AV	       (1ull << 10)
#define CMD_PR	       (1ull << 12)
#define CMD_PW	       (1ull << 13)
#define CMD_PSCV       (1ull << 32)
#define CMD_GV	       (1ull << 33)
#define CMD_PSCID(tag) ((uint64_t)(tag) << 12)
#define CMD_GSCID(n)   ((uint64_t)(n) << 44)
#define CMD_ADDR(iova) ((iova) >> 12 << 10)
#define CMD_DATA(n)    ((uint64_t)(uint32_t)(n) << 32)
#define CMD_DV	       (1ull << 33)
#define CMD_DID(id)    ((uint64_t)(id) << 40)
#define CMD_RID(id)    ((uint64_t)(id) << 40)
#define CMD_RID_OF(w0) ((uint32_t)((w0) >> 40 & 0xffffu))
#define ATS_SIZE       (1ull << 11) /* payload: more than a page */

/* Fault record: 4 words. */
#define FAULT_WORDS	4u
#define FAULT_CAUSE(w0) ((uint32_t)((w0)&0xfffu))
#define FAULT_TYPE(w0)	((unsigned int)((w0) >> 34 & 0x3fu))
#define FAULT_ID(w0)	((uint32_t)((w0) >> 40))

#endif /* DMAH_RISCV_REGS_H */
