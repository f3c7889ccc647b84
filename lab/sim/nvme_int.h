/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Shared by the parts of the NVMe controller. Sections are of the NVM Express Base Specification 2.0. */
#ifndef SIM_NVME_INT_H
#define SIM_NVME_INT_H

#include "sim_nvme.h"

/** SIM_NVME_QUEUES - pairs of queues, the admin queue included. */
#define SIM_NVME_QUEUES 9u

#define SIM_NVME_PAGE  4096u
#define SIM_NVME_SHIFT 9u

/* Status: code, its type from bit 8 on, and "do not retry". Section 3.3.3.2.1. */
#define ST_DNR		0x4000u
#define ST_OK		0u
#define ST_OPCODE	(ST_DNR | 0x001)
#define ST_FIELD	(ST_DNR | 0x002)
#define ST_CID		(ST_DNR | 0x003)
#define ST_TRANSFER	0x004u
#define ST_NAMESPACE	(ST_DNR | 0x00b)
#define ST_SEQUENCE	(ST_DNR | 0x00c)
#define ST_PRP		(ST_DNR | 0x013)
#define ST_LBA		(ST_DNR | 0x080)
#define ST_CQ_INVALID	(ST_DNR | 0x100)
#define ST_QUEUE_ID	(ST_DNR | 0x101)
#define ST_QUEUE_SIZE	(ST_DNR | 0x102)
#define ST_QUEUE_DELETE (ST_DNR | 0x10c)

/** struct sim_nvme_sq - a submission queue. @busy: a bit for each command identifier that has not completed. */
struct sim_nvme_sq {
	bool used;
	uint64_t base;
	uint32_t size;
	uint32_t head;
	uint32_t tail;
	uint32_t cq;
	uint8_t busy[65536 / 8];
};

/** struct sim_nvme_cq - a completion queue. */
struct sim_nvme_cq {
	bool used;
	uint64_t base;
	uint32_t size;
	uint32_t head;
	uint32_t tail;
	bool phase;
};

/** struct sim_nvme_sqe - a submission queue entry, section 3.3.3.1, as sixteen words. */
struct sim_nvme_sqe {
	uint32_t dw[16];
};

/**
 * struct sim_nvme_job - a command that was fetched.
 * @done: the command waits for room in the completion queue.
 * @dropped: the command's queue was deleted.
 */
struct sim_nvme_job {
	struct sim_nvme_sqe sqe;
	uint32_t sq;
	uint32_t head;
	bool done;
	bool dropped;
	uint32_t result;
	uint32_t status;
};

/** SIM_NVME_JOBS - commands fetched at one time. */
#define SIM_NVME_JOBS 256u

struct sim_nvme {
	struct sim_device *dev;
	struct sim_nvme_config config;
	volatile void *regs;
	uint64_t cap;
	uint32_t cc;
	uint32_t csts;
	uint32_t aqa;
	uint64_t asq;
	uint64_t acq;
	struct sim_nvme_sq sq[SIM_NVME_QUEUES];
	struct sim_nvme_cq cq[SIM_NVME_QUEUES];
	struct sim_nvme_job job[SIM_NVME_JOBS];
	uint32_t njobs;
	bool limited;
	bool stalled;
	unsigned int limit;
	uint32_t csts_clear;
	uint32_t csts_set;
	unsigned int violations;
	const char *violation;
	uint64_t random;
	struct sim_nvme_stats stats;
};

/** sim_nvme_violation() - record that the driver broke a rule. */
void sim_nvme_violation(struct sim_nvme *nv, const char *what);

/** sim_nvme_admin(), sim_nvme_io() - carry a command out. Returns its status. */
uint32_t sim_nvme_admin(struct sim_nvme *nv, const struct sim_nvme_sqe *c, uint32_t *result);
uint32_t sim_nvme_io(struct sim_nvme *nv, const struct sim_nvme_sqe *c);

/**
 * sim_nvme_transfer() - move @len bytes between @buf and the pages that a command names, section 4.1.1.
 * @write: to memory.
 */
uint32_t sim_nvme_transfer(struct sim_nvme *nv, const struct sim_nvme_sqe *c, uint8_t *buf,
			   uint64_t len, bool write);

#endif /* SIM_NVME_INT_H */
