/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Registers, commands and data structures of NVMe that the driver uses. Sections without a document
 * are of the NVM Express Base Specification 2.0.
 */
#ifndef DMAH_DRIVERS_NVME_REGS_H
#define DMAH_DRIVERS_NVME_REGS_H

#include <stdint.h>

/* Controller properties, section 3.1.3. */
#define REG_CAP	 0x00u /* 64 bits */
#define REG_CC	 0x14u
#define REG_CSTS 0x1cu
#define REG_AQA	 0x24u
#define REG_ASQ	 0x28u /* 64 bits */
#define REG_ACQ	 0x30u /* 64 bits */

/* Doorbells: NVM Express over PCIe Transport Specification 1.0, section 3.1.2. */
#define REG_DOORBELLS 0x1000u

/* CAP, section 3.1.3.1. */
#define CAP_MQES(cap)	((uint32_t)((cap)&0xffff)) /* most entries of a queue, less 1 */
#define CAP_TO(cap)	((uint32_t)((cap) >> 24 & 0xff)) /* 500 ms each */
#define CAP_DSTRD(cap)	((uint32_t)((cap) >> 32 & 0xf))
#define CAP_NVM(cap)	((cap) >> 37 & 1) /* the NVM command set */
#define CAP_MPSMIN(cap) ((uint32_t)((cap) >> 48 & 0xf)) /* 4096 << this */
#define CAP_TO_NS	500000000u

/* CC, section 3.1.3.5: the NVM command set, pages of 4 KiB, round robin. */
#define CC_EN	      (1u << 0)
#define CC_SHN_NORMAL (1u << 14)
#define CC_IOSQES     (6u << 16) /* 64 bytes */
#define CC_IOCQES     (4u << 20) /* 16 bytes */

/* CSTS, section 3.1.3.6. */
#define CSTS_RDY       (1u << 0)
#define CSTS_CFS       (1u << 1)
#define CSTS_SHST      (3u << 2)
#define CSTS_SHST_DONE (2u << 2)
#define CSTS_NOT_THERE (~0u)

/** struct nvme_command - a submission queue entry, section 3.3.3.1. */
struct nvme_command {
	uint32_t cdw0; /* opcode, and the command identifier from bit 16 on */
	uint32_t nsid;
	uint32_t cdw2[2];
	uint64_t mptr;
	uint64_t prp1;
	uint64_t prp2;
	uint32_t cdw10;
	uint32_t cdw11;
	uint32_t cdw12;
	uint32_t cdw13[3];
};

/** struct nvme_completion - a completion queue entry, section 3.3.3.2. */
struct nvme_completion {
	uint32_t dw0;
	uint32_t dw1;
	uint32_t sq; /* head pointer, and the queue's number from bit 16 on */
	uint32_t end; /* command identifier, phase, status */
};

#define END_CID(end)	((uint16_t)(end))
#define END_PHASE(end)	((end) >> 16 & 1)
#define END_STATUS(end) ((uint16_t)((end) >> 17 & 0x7ff)) /* code, and its type from bit 8 on */

/* Admin commands, section 5. */
#define ADMIN_DELETE_SQ 0x00u
#define ADMIN_CREATE_SQ 0x01u
#define ADMIN_DELETE_CQ 0x04u
#define ADMIN_CREATE_CQ 0x05u
#define ADMIN_IDENTIFY	0x06u
#define ADMIN_FEATURES	0x09u

#define QUEUE_CONTIGUOUS 1u
#define FEATURE_QUEUES	 0x07u /* section 5.27.1.5 */

/* Identify, section 5.17; NVM Command Set Specification 1.0, section 4.1.5. */
#define CNS_NAMESPACE	  0x00u
#define CNS_CONTROLLER	  0x01u
#define CONTROLLER_VID	  0
#define CONTROLLER_SN	  4
#define CONTROLLER_MN	  24
#define CONTROLLER_MDTS	  77
#define NAMESPACE_NSZE	  0
#define NAMESPACE_FLBAS	  26
#define NAMESPACE_LBAF(i) (128 + 4 * (unsigned int)(i))

/* I/O commands: NVM Command Set Specification 1.0, section 3.2. */
#define IO_WRITE 0x01u
#define IO_READ	 0x02u

#endif /* DMAH_DRIVERS_NVME_REGS_H */
