/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Bring a controller up and down. NVM Express Base Specification 2.0, sections 3.5.1, 3.6.1 and
 * 3.7.2.
 */
#include "nvme_int.h"

#define ADMIN_ENTRIES	4u
#define DEFAULT_TIMEOUT 5000000000u

/* ---- status ---- */

int nvme_dead(struct nvme *n)
{
	uint32_t csts = dmah_host_read32(n->regs + REG_CSTS);

	if (csts == CSTS_NOT_THERE)
		return DMAH_ENODEV;
	return csts & CSTS_CFS ? DMAH_ETIMEDOUT : DMAH_OK;
}

/* Wait for CSTS, at most as long as CAP.TO says. A CAP.TO of 0 counts as one unit, 500 ms. */
static int wait_status(struct nvme *n, uint32_t mask, uint32_t value, bool despite_failure)
{
	uint64_t begun = dmah_host_now();
	uint64_t most = (CAP_TO(n->cap) ? CAP_TO(n->cap) : 1u) * (uint64_t)CAP_TO_NS;
	bool late = false;

	for (;;) {
		uint32_t csts = dmah_host_read32(n->regs + REG_CSTS);

		if (csts == CSTS_NOT_THERE)
			return DMAH_ENODEV;
		if (csts & CSTS_CFS && !despite_failure)
			return DMAH_ETIMEDOUT;
		if ((csts & mask) == value)
			return DMAH_OK;
		if (late)
			return DMAH_ETIMEDOUT;
		/* Read once more after the limit: this CPU may have been suspended all the time. */
		late = dmah_host_now() - begun > most;
		dmah_host_relax();
	}
}

/*
 * Disable the controller: one that is not ready does no DMA, and its I/O queues are deleted. A
 * failed controller can be disabled, too.
 */
static int disable(struct nvme *n)
{
	dmah_host_write32(n->regs + REG_CC, 0);
	return wait_status(n, CSTS_RDY, 0, true);
}

static int enable(struct nvme *n)
{
	uint32_t last = n->admin.entries - 1u;

	nvme_queue_empty(&n->admin);
	dmah_host_write32(n->regs + REG_AQA, last << 16 | last);
	dmah_host_write64(n->regs + REG_ASQ, dmah_addr(&n->admin.sq_h));
	dmah_host_write64(n->regs + REG_ACQ, dmah_addr(&n->admin.cq_h));
	dmah_host_write32(n->regs + REG_CC, CC_EN | CC_IOSQES | CC_IOCQES);
	return wait_status(n, CSTS_RDY, CSTS_RDY, false);
}

/* ---- admin commands ---- */

int nvme_admin(struct nvme *n, struct nvme_command *c, uint32_t *result)
{
	struct nvme_completion done;
	uint64_t begun;
	int err;

	nvme_queue_put(&n->admin, c);
	nvme_queue_ring(n, &n->admin);
	begun = dmah_host_now();
	while (!nvme_queue_take(&n->admin, &done)) {
		if (dmah_host_now() - begun > n->timeout_ns) {
			err = nvme_dead(n);
			return err ? err : DMAH_ETIMEDOUT;
		}
		dmah_host_relax();
	}
	nvme_queue_taken(n, &n->admin);
	if (result)
		*result = done.dw0;
	return END_STATUS(done.end);
}

/* Run a command that every sound controller accepts: a refusal becomes DMAH_ENODEV. */
static int admin(struct nvme *n, struct nvme_command *c)
{
	int err = nvme_admin(n, c, NULL);

	return err > 0 ? DMAH_ENODEV : err;
}

static int identify(struct nvme *n, uint32_t cns, uint32_t nsid)
{
	struct nvme_command c = {
		.cdw0 = ADMIN_IDENTIFY, .nsid = nsid, .prp1 = dmah_addr(&n->page_h), .cdw10 = cns
	};

	return admin(n, &c);
}

/* ---- identify ---- */

static uint64_t field(const struct nvme *n, unsigned int at, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | n->page[at + bytes];
	return value;
}

/* Copy a text without the spaces that pad it. */
static void text(const struct nvme *n, unsigned int at, unsigned int len, char *to)
{
	while (len && n->page[at + len - 1] == ' ')
		len--;
	for (unsigned int i = 0; i < len; i++)
		to[i] = (char)n->page[at + i];
	to[len] = 0;
}

static int identify_controller(struct nvme *n)
{
	uint64_t page = (uint64_t)NVME_PAGE << CAP_MPSMIN(n->cap), most = NVME_LIST * NVME_PAGE;
	uint64_t mdts;
	int err = identify(n, CNS_CONTROLLER, 0);

	if (err)
		return err;
	n->vendor = (uint16_t)field(n, CONTROLLER_VID, 2);
	text(n, CONTROLLER_SN, 20, n->serial);
	text(n, CONTROLLER_MN, 40, n->model);
	/* MDTS 0 means no limit. The driver's own limit is one page of PRP entries. */
	mdts = field(n, CONTROLLER_MDTS, 1);
	if (mdts && mdts < 32 && page << mdts < most)
		most = page << mdts;
	n->max_bytes = (uint32_t)most;
	return DMAH_OK;
}

static int identify_namespace(struct nvme *n)
{
	uint64_t format, shift;
	int err = identify(n, CNS_NAMESPACE, 1);

	if (err)
		return err;
	n->nblocks = field(n, NAMESPACE_NSZE, 8);
	format = field(n, NAMESPACE_LBAF(field(n, NAMESPACE_FLBAS, 1) & 0xf), 4);
	shift = format >> 16 & 0xff;
	if (!n->nblocks)
		return DMAH_ENODEV;
	/* Accept blocks without metadata, of 512 bytes to 4 KiB. */
	if (format & 0xffff || shift < 9 || shift > 12)
		return DMAH_ENOTSUP;
	n->block_size = 1u << shift;
	return DMAH_OK;
}

/* ---- I/O queues ---- */

static int create_queues(struct nvme *n)
{
	struct nvme_queue *q = &n->queue;
	struct nvme_command features = { .cdw0 = ADMIN_FEATURES, .cdw10 = FEATURE_QUEUES };
	struct nvme_command cq = {
		.cdw0 = ADMIN_CREATE_CQ,
		.prp1 = dmah_addr(&q->cq_h),
		.cdw10 = (q->entries - 1u) << 16 | q->id,
		.cdw11 = QUEUE_CONTIGUOUS,
	};
	struct nvme_command sq = {
		.cdw0 = ADMIN_CREATE_SQ,
		.prp1 = dmah_addr(&q->sq_h),
		.cdw10 = (q->entries - 1u) << 16 | q->id,
		.cdw11 = (uint32_t)q->id << 16 | QUEUE_CONTIGUOUS,
	};
	int err = admin(n, &features);

	nvme_queue_empty(q);
	if (!err)
		err = admin(n, &cq);
	return err ? err : admin(n, &sq);
}

/*
 * Delete the queues, the submission queue before the completion queue, then request a shutdown.
 * Errors are ignored: the caller disables the controller next.
 */
static void shut_down(struct nvme *n)
{
	struct nvme_command sq = { .cdw0 = ADMIN_DELETE_SQ, .cdw10 = n->queue.id };
	struct nvme_command cq = { .cdw0 = ADMIN_DELETE_CQ, .cdw10 = n->queue.id };
	uint32_t csts = dmah_host_read32(n->regs + REG_CSTS);

	if (csts & CSTS_CFS || !(csts & CSTS_RDY))
		return;
	if (nvme_admin(n, &sq, NULL) >= 0)
		(void)nvme_admin(n, &cq, NULL);
	dmah_host_write32(n->regs + REG_CC, CC_EN | CC_IOSQES | CC_IOCQES | CC_SHN_NORMAL);
	(void)wait_status(n, CSTS_SHST, CSTS_SHST_DONE, false);
}

/* ---- up and down ---- */

static int bring_up(struct nvme *n)
{
	int err = enable(n);

	if (!err)
		err = identify_controller(n);
	if (!err)
		err = identify_namespace(n);
	return err ? err : create_queues(n);
}

static int alloc(struct nvme *n)
{
	uint32_t most = CAP_MQES(n->cap) + 1u;
	void *lists, *page;
	int err;

	n->admin.entries = ADMIN_ENTRIES;
	n->queue.id = 1;
	n->queue.entries = (uint16_t)(most < NVME_ENTRIES ? most : NVME_ENTRIES);
	n->depth = n->queue.entries > NVME_DEPTH ? NVME_DEPTH : n->queue.entries - 1u;
	n->free = (uint32_t)((1ull << n->depth) - 1);
	err = nvme_queue_alloc(n, &n->admin);
	if (!err)
		err = nvme_queue_alloc(n, &n->queue);
	if (!err)
		err = dmah_alloc_coherent(n->dev, &n->page_h, NVME_PAGE, &page);
	if (!err)
		err = dmah_alloc_coherent(n->dev, &n->lists_h, n->depth * NVME_PAGE, &lists);
	if (err)
		return err;
	n->page = page;
	n->lists = lists;
	return DMAH_OK;
}

int nvme_release(struct nvme *n)
{
	int err[4];

	nvme_io_abort(n);
	err[0] = nvme_queue_free(n, &n->queue);
	err[1] = nvme_queue_free(n, &n->admin);
	err[2] = dmah_free_coherent(n->dev, &n->lists_h);
	err[3] = dmah_free_coherent(n->dev, &n->page_h);
	n->lists = NULL;
	n->page = NULL;
	for (unsigned int i = 0; i < 4; i++)
		if (err[i])
			return err[i];
	return DMAH_OK;
}

int nvme_init(struct nvme *n, volatile void *regs, struct dmah_device *dev)
{
	int err;

	n->regs = regs;
	n->dev = dev;
	if (!n->timeout_ns)
		n->timeout_ns = DEFAULT_TIMEOUT;
	n->cap = dmah_host_read64(n->regs + REG_CAP);
	if (n->cap == ~0ull)
		return DMAH_ENODEV;
	if (!CAP_NVM(n->cap) || CAP_MPSMIN(n->cap) || !CAP_MQES(n->cap))
		return DMAH_ENOTSUP;
	/* The controller may still be doing DMA for its previous owner. */
	err = disable(n);
	if (err)
		return err;
	err = alloc(n);
	if (!err)
		err = bring_up(n);
	if (err && !disable(n))
		(void)nvme_release(n);
	return err;
}

int nvme_fini(struct nvme *n)
{
	int err;

	if (!nvme_live(n))
		return DMAH_OK;
	shut_down(n);
	err = disable(n);
	return err ? err : nvme_release(n);
}

int nvme_reset(struct nvme *n)
{
	int err;

	if (!nvme_live(n))
		return DMAH_ENODEV;
	err = disable(n);
	if (err)
		return err;
	nvme_io_abort(n);
	err = bring_up(n);
	if (err && !disable(n))
		(void)nvme_release(n);
	return err;
}
