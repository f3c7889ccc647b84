/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The NVMe controller: properties, doorbells and queues. NVM Express Base Specification 2.0. */
#include "nvme_int.h"
#include "rnd.h"

#include <stdlib.h>
#include <string.h>

/* Controller properties, section 3.1.3. */
#define CAP   0x00u
#define VS    0x08u
#define INTMS 0x0cu
#define INTMC 0x10u
#define CC    0x14u
#define CSTS  0x1cu
#define AQA   0x24u
#define ASQ   0x28u
#define ACQ   0x30u

/* Doorbells: PCIe Transport Specification, section 3.1.2. */
#define DOORBELLS 0x1000u

#define CAP_CQR	     (1ull << 16) /* queues must be contiguous */
#define CAP_TO_500MS (1ull << 24)
#define CAP_CSS_NVM  (1ull << 37)
#define VERSION_1_4  0x00010400u

#define CC_EN	     1u
#define CC_IMMUTABLE 0x3ff0u /* CSS, MPS, AMS: not while enabled */
#define CC_SHN	     0xc000u

#define CSTS_RDY  1u
#define CSTS_CFS  2u
#define CSTS_SHST 0xcu
#define CSTS_SHUT 0x8u /* shutdown processing complete */

#define SQE_BYTES 64u
#define CQE_BYTES 16u

void sim_nvme_violation(struct sim_nvme *nv, const char *what)
{
	nv->violations++;
	nv->violation = what;
}

static bool works(const struct sim_nvme *nv)
{
	return nv->csts == CSTS_RDY && !nv->stalled;
}

/* ---- completions: section 3.3.3.2 ---- */

/* Returns false if the queue is full; the command waits. */
static bool complete(struct sim_nvme *nv, struct sim_nvme_job *job)
{
	struct sim_nvme_sq *sq = &nv->sq[job->sq];
	struct sim_nvme_cq *cq = &nv->cq[sq->cq];
	uint32_t next = (cq->tail + 1) % cq->size, cid = job->sqe.dw[0] >> 16;
	uint32_t cqe[4] = { job->result, 0, job->head | job->sq << 16,
			    cid | (uint32_t)cq->phase << 16 | job->status << 17 };

	if (next == cq->head)
		return false;
	/* Keep the identifier busy: the other command with it has not completed. */
	if (job->status != ST_CID)
		sq->busy[cid / 8] &= (uint8_t) ~(1u << cid % 8);
	if (sim_dma_write(nv->dev, cq->base + cq->tail * (uint64_t)CQE_BYTES, cqe, CQE_BYTES)) {
		nv->csts |= CSTS_CFS;
		return false;
	}
	cq->tail = next;
	if (!next)
		cq->phase = !cq->phase;
	return true;
}

/* ---- submissions ---- */

static bool fetch_one(struct sim_nvme *nv, uint32_t id)
{
	struct sim_nvme_sq *sq = &nv->sq[id];
	struct sim_nvme_job *job = &nv->job[nv->njobs];
	uint32_t cid;

	memset(job, 0, sizeof(*job));
	if (sim_dma_read(nv->dev, sq->base + sq->head * (uint64_t)SQE_BYTES, &job->sqe,
			 SQE_BYTES)) {
		nv->csts |= CSTS_CFS;
		return false;
	}
	sq->head = (sq->head + 1) % sq->size;
	job->sq = id;
	job->head = sq->head;
	cid = job->sqe.dw[0] >> 16;
	if (sq->busy[cid / 8] & 1u << cid % 8) {
		job->done = true;
		job->status = ST_CID;
	}
	sq->busy[cid / 8] |= (uint8_t)(1u << cid % 8);
	nv->njobs++;
	return true;
}

static void fetch(struct sim_nvme *nv)
{
	for (uint32_t id = 0; id < SIM_NVME_QUEUES; id++)
		while (nv->sq[id].used && nv->sq[id].head != nv->sq[id].tail &&
		       nv->njobs < SIM_NVME_JOBS && fetch_one(nv, id))
			;
	if (nv->njobs > nv->stats.deepest)
		nv->stats.deepest = nv->njobs;
}

static void execute(struct sim_nvme *nv, struct sim_nvme_job *job)
{
	job->done = true;
	if (!job->sq)
		job->status = sim_nvme_admin(nv, &job->sqe, &job->result);
	else
		job->status = sim_nvme_io(nv, &job->sqe);
}

/* Choose the next job: admin commands first and in order, I/O commands in any order. Returns njobs if none is left. */
static uint32_t choose(struct sim_nvme *nv)
{
	uint32_t left = 0, first = nv->njobs, pick;

	for (uint32_t i = nv->njobs; i--;) {
		if (nv->job[i].done)
			continue;
		first = i;
		left++;
	}
	for (uint32_t i = 0; i < nv->njobs; i++)
		if (!nv->job[i].done && !nv->job[i].sq)
			return i;
	if (!left || !nv->config.seed)
		return first;
	pick = (uint32_t)(sim_rnd(&nv->random) % left);
	nv->stats.swapped += pick != 0;
	for (uint32_t i = 0; i < nv->njobs; i++)
		if (!nv->job[i].done && !pick--)
			return i;
	return nv->njobs;
}

/* Post completions while the queue has room. */
static void post(struct sim_nvme *nv)
{
	uint32_t i = 0;

	while (works(nv) && i < nv->njobs) {
		struct sim_nvme_job *job = &nv->job[i];

		if (!job->dropped && (!job->done || !complete(nv, job))) {
			i++;
			continue;
		}
		nv->njobs--;
		memmove(job, job + 1, (nv->njobs - i) * sizeof(*job));
	}
}

static void run(struct sim_nvme *nv)
{
	uint32_t at;

	while (works(nv)) {
		fetch(nv);
		post(nv);
		at = works(nv) ? choose(nv) : nv->njobs;
		if (at == nv->njobs)
			return;
		nv->stalled = nv->job[at].sq && nv->limited && !nv->limit;
		if (nv->stalled)
			return;
		nv->limit -= nv->job[at].sq && nv->limited;
		execute(nv, &nv->job[at]);
	}
}

/* ---- doorbells ---- */

static void doorbell(struct sim_nvme *nv, uint64_t offset, uint32_t value)
{
	uint32_t stride = 4u << nv->config.stride, index = (uint32_t)(offset / stride);
	struct sim_nvme_sq *sq = &nv->sq[index / 2 % SIM_NVME_QUEUES];
	struct sim_nvme_cq *cq = &nv->cq[index / 2 % SIM_NVME_QUEUES];

	if (offset % stride || index / 2 >= SIM_NVME_QUEUES || !(index % 2 ? cq->used : sq->used)) {
		sim_nvme_violation(nv, "a doorbell of no queue");
	} else if (index % 2) {
		/* A driver must not take completions that were never posted. */
		if (value >= cq->size || (value + cq->size - cq->head) % cq->size >
						 (cq->tail + cq->size - cq->head) % cq->size)
			sim_nvme_violation(nv, "a completion queue's head beyond its tail");
		else
			cq->head = value;
	} else {
		if (value >= sq->size)
			sim_nvme_violation(nv, "a submission queue's tail beyond its end");
		else
			sq->tail = value;
	}
	run(nv);
}

/* ---- properties ---- */

static void start(struct sim_nvme *nv)
{
	uint32_t sq = (nv->aqa & 0xfff) + 1, cq = (nv->aqa >> 16 & 0xfff) + 1;

	/* Only 0 is supported for CSS, MPS and AMS. */
	if (nv->cc & CC_IMMUTABLE || sq < 2 || cq < 2 || nv->asq % SIM_NVME_PAGE ||
	    nv->acq % SIM_NVME_PAGE) {
		nv->csts |= CSTS_CFS;
		return;
	}
	memset(nv->sq, 0, sizeof(nv->sq));
	memset(nv->cq, 0, sizeof(nv->cq));
	nv->sq[0] = (struct sim_nvme_sq){ .used = true, .base = nv->asq, .size = sq };
	nv->cq[0] =
		(struct sim_nvme_cq){ .used = true, .base = nv->acq, .size = cq, .phase = true };
	nv->njobs = 0;
	nv->csts = CSTS_RDY;
}

static void stop(struct sim_nvme *nv)
{
	memset(nv->sq, 0, sizeof(nv->sq));
	memset(nv->cq, 0, sizeof(nv->cq));
	nv->njobs = 0;
	nv->csts = 0;
}

static void set_cc(struct sim_nvme *nv, uint32_t value)
{
	uint32_t old = nv->cc;

	if (old & value & CC_EN && (old ^ value) & CC_IMMUTABLE)
		sim_nvme_violation(nv, "CC changed while enabled");
	nv->cc = value;
	if (!(old & CC_EN) && value & CC_EN)
		start(nv);
	else if (old & CC_EN && !(value & CC_EN))
		stop(nv);
	if (value & CC_SHN && nv->csts & CSTS_RDY)
		nv->csts = (nv->csts & ~CSTS_SHST) | CSTS_SHUT;
}

static void set_part(uint64_t *reg, uint64_t offset, unsigned int size, uint64_t value)
{
	if (size == 8)
		*reg = value;
	else if (offset)
		*reg = (*reg & 0xffffffff) | value << 32;
	else
		*reg = (*reg & ~0xffffffffull) | (value & 0xffffffff);
}

static void write_property(struct sim_nvme *nv, uint64_t offset, unsigned int size, uint64_t value)
{
	uint64_t wide = offset & ~7ull;
	bool disabled_only = wide == ASQ || wide == ACQ || offset == AQA;

	if (size != 4 && !(size == 8 && (offset == ASQ || offset == ACQ)))
		sim_nvme_violation(nv, "a property written in another size than its own");
	else if (disabled_only && nv->cc & CC_EN)
		sim_nvme_violation(nv, "the admin queue changed while enabled");
	else if (wide == ASQ)
		set_part(&nv->asq, offset - ASQ, size, value);
	else if (wide == ACQ)
		set_part(&nv->acq, offset - ACQ, size, value);
	else if (offset == AQA)
		nv->aqa = (uint32_t)value;
	else if (offset == CC)
		set_cc(nv, (uint32_t)value);
	else if (offset != INTMS && offset != INTMC)
		sim_nvme_violation(nv, "a write to a property that cannot be written");
}

static void reg_write(void *ctx, uint64_t offset, unsigned int size, uint64_t value)
{
	struct sim_nvme *nv = ctx;

	if (offset < DOORBELLS)
		write_property(nv, offset, size, value);
	else if (size == 4)
		doorbell(nv, offset - DOORBELLS, (uint32_t)value);
	else
		sim_nvme_violation(nv, "a doorbell written in another size than its own");
}

static uint64_t reg_read(void *ctx, uint64_t offset, unsigned int size)
{
	struct sim_nvme *nv = ctx;
	uint64_t value;

	switch (offset & ~7ull) {
	case CAP:
		value = nv->cap;
		break;
	case VS:
		value = VERSION_1_4;
		break;
	case CC & ~7u:
		value = (uint64_t)nv->cc << 32;
		break;
	case CSTS & ~7u:
		value = (uint64_t)((nv->csts & ~nv->csts_clear) | nv->csts_set) << 32;
		break;
	case AQA & ~7u:
		value = (uint64_t)nv->aqa << 32;
		break;
	case ASQ:
		value = nv->asq;
		break;
	case ACQ:
		value = nv->acq;
		break;
	default:
		value = 0;
	}
	if (size == 8)
		return value;
	return offset & 4 ? value >> 32 : value & 0xffffffff;
}

/* ---- plugging in ---- */

struct sim_nvme *sim_nvme_create(struct sim *sim, struct sim_device *dev,
				 const struct sim_nvme_config *config)
{
	struct sim_nvme *nv = calloc(1, sizeof(*nv));

	if (!nv)
		return NULL;
	nv->dev = dev;
	nv->config = *config;
	if (!nv->config.mdts)
		nv->config.mdts = 7;
	if (!nv->config.entries)
		nv->config.entries = 2048;
	nv->random = config->seed;
	nv->cap = (nv->config.entries - 1) | CAP_CQR | CAP_TO_500MS |
		  (uint64_t)nv->config.stride << 32 | CAP_CSS_NVM;
	nv->regs = sim_regs_add(sim, DOORBELLS + SIM_NVME_QUEUES * (8ull << config->stride), nv,
				reg_read, reg_write);
	if (nv->regs)
		return nv;
	free(nv);
	return NULL;
}

void sim_nvme_destroy(struct sim_nvme *nv)
{
	free(nv);
}

volatile void *sim_nvme_regs(struct sim_nvme *nv)
{
	return nv->regs;
}

void sim_nvme_stall(struct sim_nvme *nv, unsigned int commands)
{
	nv->limited = true;
	nv->limit = commands;
}

void sim_nvme_go_on(struct sim_nvme *nv)
{
	nv->limited = false;
	nv->stalled = false;
}

void sim_nvme_pretend(struct sim_nvme *nv, uint32_t clear, uint32_t set)
{
	nv->csts_clear = clear;
	nv->csts_set = set;
}

unsigned int sim_nvme_violations(struct sim_nvme *nv, const char **text)
{
	if (text)
		*text = nv->violation;
	return nv->violations;
}

void sim_nvme_stats(const struct sim_nvme *nv, struct sim_nvme_stats *stats)
{
	*stats = nv->stats;
}
