/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Registers, commands, events and device table entries of AMD's IOMMU: AMD I/O Virtualization Technology (IOMMU)
 * Specification, 48882, rev. 3. Sections 2.2.2 (device table), 2.4 (commands), 2.5 (event log), 3.2 (capability block) and
 * 3.4 (MMIO registers).
 */
#ifndef DMAH_AMDVI_REGS_H
#define DMAH_AMDVI_REGS_H

/* Register offsets. */
#define REG_DEVTAB     0x00u
#define REG_CMDBUF     0x08u
#define REG_EVTLOG     0x10u
#define REG_CONTROL    0x18u
#define REG_EXCL_BASE  0x20u
#define REG_EXCL_LIMIT 0x28u
#define REG_EFR	       0x30u
#define REG_CMD_HEAD   0x2000u
#define REG_CMD_TAIL   0x2008u
#define REG_EVT_HEAD   0x2010u
#define REG_EVT_TAIL   0x2018u
#define REG_STATUS     0x2020u

/* Capability header, in the configuration space of the unit's PCI function. */
#define CAPABILITY_IOTLB   (1u << 24) /* devices may have TLBs */
#define CAPABILITY_NPCACHE (1u << 26) /* entries that are not present may be cached */

/* Extended Feature Register. */
#define EFR_XT	      (1ull << 2) /* interrupts' destinations may have 32 bits; with EFR_GA */
#define EFR_IA	      (1ull << 6) /* INVALIDATE_IOMMU_ALL */
#define EFR_GA	      (1ull << 7) /* interrupt remapping entries may have 16 bytes */
#define EFR_HATS(efr) ((unsigned int)((efr) >> 10 & 3u)) /* 0 to 2: at most 4 to 6 levels */
#define HATS_NONE     3u

/* Device Table, Command Buffer and Event Log Base Address Registers. */
#define DEVTAB_PAGES(n) ((uint64_t)((n)-1u)) /* of 4 KiB */
#define RING_LOG2(n)	((uint64_t)(n) << 56) /* log2 of the entries */
#define RING_INDEX(v)	((uint32_t)(v) >> 4 & 0x7fffu)

/* Control Register. */
#define CONTROL_IOMMU	  (1ull << 0)
#define CONTROL_HTTUN	  (1ull << 1)
#define CONTROL_EVTLOG	  (1ull << 2)
#define CONTROL_EVTINT	  (1ull << 3)
#define CONTROL_INVTO(n)  ((uint64_t)(n) << 5) /* 0: never; n: 10^(n - 1) ms, at most 6 */
#define CONTROL_PASSPW	  (1ull << 8)
#define CONTROL_RESPASSPW (1ull << 9)
#define CONTROL_COHERENT  (1ull << 10)
#define CONTROL_ISOC	  (1ull << 11)
#define CONTROL_CMDBUF	  (1ull << 12)
#define CONTROL_GA	  (1ull << 17) /* interrupt remapping entries have 16 bytes */
#define CONTROL_XT	  (1ull << 50) /* and destinations of 32 bits */
/*
 * Bits that stay while the rings of a previous owner are stopped: translation, the format of its interrupt remapping tables,
 * and how the unit behaves on its link.
 */
#define CONTROL_KEPT                                                                             \
	(CONTROL_IOMMU | CONTROL_HTTUN | CONTROL_PASSPW | CONTROL_RESPASSPW | CONTROL_COHERENT | \
	 CONTROL_ISOC | CONTROL_GA | CONTROL_XT)

/* Status Register. */
#define STATUS_OVERFLOW (1u << 0) /* of the event log */
#define STATUS_EVTINT	(1u << 1)
#define STATUS_EVTRUN	(1u << 3)
#define STATUS_CMDRUN	(1u << 4)

/* Device table entry: four quadwords. */
#define DTE_BYTES     32u
#define DTE_PER_PAGE  (4096u / DTE_BYTES)
#define DTE_V	      (1ull << 0)
#define DTE_TV	      (1ull << 1)
#define DTE_MODE(n)   ((uint64_t)(n) << 9) /* levels; 0: no translation */
#define DTE_MODE_MASK DTE_MODE(7)
#define DTE_ADDR      0x000ffffffffff000ull
#define DTE_IR	      (1ull << 61)
#define DTE_IW	      (1ull << 62)
/* Second quadword. */
#define DTE1_DOMAIN(q) ((uint32_t)((q)&0xffffu))
#define DTE1_IOTLB     (1ull << 32) /* the device may have a TLB */
#define DTE1_SD	       (1ull << 39) /* walks do not snoop the CPU's caches */
/* The setting of an IVHD's entry (section 5.2.2.3), at its places in the second and the third quadword. */
#define DTE1_SETTING(s)	  ((uint64_t)((s) >> 4 & 3u) << 40) /* SysMgt */
#define DTE1_SETTING_BITS DTE1_SETTING(0x30u)
#define DTE2_SETTING(s)	  ((uint64_t)((s)&0xc7u) << 56) /* INIT, EInt, NMI, LINT0, LINT1 */
#define DTE2_SETTING_BITS DTE2_SETTING(0xffu)
/* Third quadword: interrupt remapping. Without DTE2_REMAP fixed and arbitrated interrupts are blocked. */
#define DTE2_IV	     (1ull << 0)
#define DTE2_LOG2(n) ((uint64_t)(n) << 1) /* log2 of the entries */
#define DTE2_TABLE   0x000fffffffffffc0ull
#define DTE2_REMAP   (2ull << 60)

/* Interrupt remapping entries (section 2.2.5): of 4 bytes, and of two quadwords. */
#define REMAP_ENABLED	     (1u << 0)
#define REMAP_ARBITRATED     (1u << 2)
#define REMAP_LOGICAL	     (1u << 6)
#define REMAP_DEST(d)	     ((uint32_t)((d)&0xffu) << 8)
#define REMAP_VECTOR(v)	     ((uint32_t)(v) << 16)
#define REMAP_DEST_LOW(d)    ((uint64_t)((d)&0xffffffu) << 8)
#define REMAP_DEST_HIGH(d)   ((uint64_t)((d) >> 24) << 56) /* second quadword */
#define REMAP_VECTOR_WIDE(v) ((uint64_t)(v)) /* second quadword */

/* A message, and the trigger mode of an IOAPIC's redirection entry. */
#define MSI_WINDOW 0xfee00000ull
#define RTE_LEVEL  (1ull << 15)

/* Commands of 128 bits. The operation is in bits 63:60 of the first half. */
#define CMD_OP(lo)	  ((unsigned int)((lo) >> 60))
#define OP_WAIT		  1u
#define OP_DEVTAB	  2u
#define OP_PAGES	  3u
#define OP_IOTLB	  4u
#define OP_INTERRUPTS	  5u
#define OP_ALL		  8u
#define CMD(op)		  ((uint64_t)(op) << 60)
#define WAIT_STORE	  (1ull << 0)
#define WAIT_FLUSH	  (1ull << 2) /* commands behind it wait for those before it */
#define CMD_ID(id)	  ((uint64_t)(id))
#define CMD_ID_OF(lo)	  ((uint32_t)((lo)&0xffffu))
#define PAGES_DOMAIN(did) ((uint64_t)(did) << 32)
#define IOTLB_QUEUE(id)	  ((uint64_t)(id) << 32)
#define IOTLB_MAXPEND(n)  ((uint64_t)(n) << 24) /* invalidations that the device takes at one time */
/* Second half of OP_PAGES and OP_IOTLB: the address from bit 12 up. */
#define PAGES_S	  (1ull << 0) /* more than a page */
#define PAGES_PDE (1ull << 1) /* entries above the leaf changed too */
#define PAGES_ALL 0x7ffffffffffff000ull

/* Events of 128 bits. */
#define EVENT_CODE(lo)	  ((unsigned int)((lo) >> 60))
#define EVENT_ID(lo)	  ((uint32_t)((lo)&0xffffu))
#define EVENT_INTERRUPT	  (1ull << 51)
#define EVENT_PRESENT	  (1ull << 52)
#define EVENT_WRITE	  (1ull << 53)
#define EVENT_RESERVED	  (1ull << 55)
#define EVT_ILLEGAL_DTE	  1u
#define EVT_PAGE_FAULT	  2u
#define EVT_DEVTAB_ERROR  3u
#define EVT_PAGETAB_ERROR 4u
#define EVT_ILLEGAL_CMD	  5u
#define EVT_CMD_ERROR	  6u
#define EVT_IOTLB_TIMEOUT 7u
#define EVT_INVALID_REQ	  8u

#endif /* DMAH_AMDVI_REGS_H */
