/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Queued invalidation: commands go into a ring in memory, under one lock; a mark behind them has the hardware write its
 * number to memory when all before it is done. Whoever waits for a mark reads that number, with no lock held.
 */
#include "hw/vtd/vtd.h"

/* How often a wait looks for an error of the queue, in nanoseconds. */
#define ERROR_CHECK_NS 1000000u

static unsigned int log2_up(uint64_t n)
{
	unsigned int bits = 0;

	while (bits < 63 && 1ull << bits < n)
		bits++;
	return bits;
}

/* ---- commands ---- */

/* The smallest power of two of pages, aligned to itself, that covers the range. Return: its order in pages. */
static unsigned int cover(dmah_addr_t iova, uint64_t size)
{
	uint64_t first = iova >> 12, last = (iova + size - 1) >> 12;
	unsigned int order = 0;

	while (first >> order != last >> order)
		order++;
	return order;
}

struct vtd_command dmah_vtd_iotlb(const struct dmah_vtd *vtd, uint32_t did, dmah_addr_t iova,
				  uint64_t size, bool tables)
{
	struct vtd_command c = { .lo = QI_IOTLB | QI_DID(did) };
	bool all = !size || iova + size - 1 < iova || !(vtd->cap & CAP_PSI);
	unsigned int order = all ? 0 : cover(iova, size);

	/* What is under way at the memory must have arrived before the memory has another owner. */
	if (vtd->cap & CAP_DWD)
		c.lo |= QI_IOTLB_DW;
	if (vtd->cap & CAP_DRD)
		c.lo |= QI_IOTLB_DR;
	if (all || order > CAP_MAMV(vtd->cap)) {
		c.lo |= QI_IOTLB_DOMAIN;
		return c;
	}
	c.lo |= QI_IOTLB_PAGE;
	c.hi = iova >> (12 + order) << (12 + order) | order;
	if (!tables)
		c.hi |= QI_IOTLB_IH;
	return c;
}

struct vtd_command dmah_vtd_devtlb(uint32_t id, dmah_addr_t iova, uint64_t size)
{
	struct vtd_command c = { .lo = QI_DEVTLB | QI_SID(id) | QI_DEVTLB_MIP(1) };
	unsigned int order = 52;

	if (size && iova + size - 1 >= iova)
		order = cover(iova, size);
	if (order > 51) {
		c.hi = 0x7ffffffffffff000ull | QI_DEVTLB_S;
	} else if (order) {
		/* The lowest zero of the address, from bit 12 up, says how large the range is. */
		c.hi = iova >> (12 + order) << (12 + order);
		c.hi |= (1ull << (11 + order)) - 1;
		c.hi = (c.hi & ~0xfffull) | QI_DEVTLB_S;
	} else {
		c.hi = iova & ~0xfffull;
	}
	return c;
}

/* ---- the ring ---- */

static void put(struct dmah_vtd *vtd, struct vtd_command c)
{
	uint64_t *at = vtd->queue + (vtd->tail++ & (vtd->entries - 1)) * 2;

	at[0] = c.lo;
	at[1] = c.hi;
}

static bool has_room(struct dmah_vtd *vtd, unsigned int n)
{
	uint32_t mask = vtd->entries - 1;

	if (mask - (vtd->tail - vtd->head) >= n)
		return true;
	/* The hardware's own index costs a register access; it is asked for when it may matter. */
	vtd->head = vtd->tail - ((vtd->tail - (vtd_read(vtd, REG_IQH) >> IQ_SHIFT)) & mask);
	return mask - (vtd->tail - vtd->head) >= n;
}

static uint32_t status(const struct dmah_vtd *vtd)
{
	return __atomic_load_n(vtd->status, __ATOMIC_ACQUIRE);
}

/*
 * The queue reports an error: a command that the hardware does not take (it stops there), or a device that did not
 * confirm (it then drops marks). Every mark that is under way is lost: what it stands behind may not be done. The
 * command is replaced by one that does no harm, and the hardware goes on.
 */
static void recover(struct dmah_vtd *vtd)
{
	uint32_t error = vtd_read(vtd, REG_FSTS) & (FSTS_IQE | FSTS_ICE | FSTS_ITE);
	uint64_t *at;

	/* All ones: there is no hardware any more that could be helped. */
	if (!error || vtd_read(vtd, REG_FSTS) == ~0u)
		return;
	if (!vtd->lost_until)
		vtd->lost_after = vtd->marks - (uint32_t)((uint32_t)vtd->marks - status(vtd));
	__atomic_store_n(&vtd->lost_until, vtd->marks, __ATOMIC_RELEASE);
	if (error & FSTS_IQE) {
		at = vtd->queue + (vtd_read(vtd, REG_IQH) >> IQ_SHIFT & (vtd->entries - 1)) * 2;
		at[0] = QI_IOTLB | QI_IOTLB_ALL;
		at[1] = 0;
	}
	vtd_write(vtd, REG_FSTS, error);
	vtd_write(vtd, REG_IQT, (vtd->tail & (vtd->entries - 1)) << IQ_SHIFT);
	dmah_host_report(NULL, DMAH_ETIMEDOUT, "the IOMMU's invalidation queue reports an error",
			 error, NULL);
}

static void recover_unlocked(struct dmah_vtd *vtd)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->lock);
	recover(vtd);
	dmah_host_unlock(&vtd->lock);
	dmah_host_leave(flags);
}

/* A unit that buffers writes must be told to let go of them before it is sent to look (Write Buffer Flushing). */
static int flush_writes(struct dmah_vtd *vtd)
{
	if (!(vtd->cap & CAP_RWBF))
		return DMAH_OK;
	vtd_write(vtd, REG_GCMD, (vtd_read(vtd, REG_GSTS) & GSTS_STICKY) | GCMD_WBF);
	return dmah_vtd_wait_reg(vtd, REG_GSTS, GCMD_WBF, 0);
}

/* With the lock held. Return: 0, DMAH_EBUSY (no room now), DMAH_ETIMEDOUT. */
static int post_locked(struct dmah_vtd *vtd, const struct vtd_command *c, unsigned int n,
		       uint64_t *ticket)
{
	if (!has_room(vtd, n + (ticket ? 1u : 0u)))
		return DMAH_EBUSY;
	if (n && flush_writes(vtd))
		return DMAH_ETIMEDOUT;
	while (n--)
		put(vtd, *c++);
	if (ticket) {
		*ticket = ++vtd->marks;
		put(vtd, (struct vtd_command){ QI_WAIT | QI_WAIT_SW | QI_WAIT_DATA(*ticket),
					       vtd->status_phys });
	}
	vtd_write(vtd, REG_IQT, (vtd->tail & (vtd->entries - 1)) << IQ_SHIFT);
	return DMAH_OK;
}

/* @entered: the caller is inside dmah_host_enter() already. Between two tries others may have the lock. */
static int post(struct dmah_vtd *vtd, const struct vtd_command *c, unsigned int n, uint64_t *ticket,
		bool entered)
{
	uint64_t begun = 0;
	unsigned long flags = 0;
	int err;

	for (;;) {
		if (!entered)
			dmah_host_enter(&flags);
		dmah_host_lock(&vtd->lock);
		err = post_locked(vtd, c, n, ticket);
		if (err == DMAH_EBUSY)
			recover(vtd);
		dmah_host_unlock(&vtd->lock);
		if (!entered)
			dmah_host_leave(flags);
		if (err != DMAH_EBUSY)
			return err;
		if (!begun)
			begun = dmah_host_now();
		if (dmah_host_now() - begun > vtd->timeout)
			return DMAH_ETIMEDOUT;
		dmah_host_relax();
	}
}

int dmah_vtd_post(struct dmah_vtd *vtd, const struct vtd_command *c, unsigned int n,
		  uint64_t *ticket)
{
	return post(vtd, c, n, ticket, false);
}

int dmah_vtd_done(struct dmah_vtd *vtd, const struct vtd_command *c, unsigned int n)
{
	uint64_t ticket;
	int err = dmah_vtd_post(vtd, c, n, &ticket);

	return err ? err : dmah_vtd_op_wait(&vtd->iommu, ticket);
}

/* ---- the library's calls ---- */

int dmah_vtd_op_invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova, uint64_t size,
			   bool tables, uint64_t *ticket)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	struct vtd_command c = dmah_vtd_iotlb(vtd, tag, iova, size, tables);
	int err = dmah_vtd_post(vtd, &c, 1, ticket);

	return err ? err : 1;
}

/* The IOMMU's own TLB must be done, or the device would fill itself from there again: hence the fence. */
int dmah_vtd_op_invalidate_dev(struct dmah_iommu *iommu, struct dmah_device *dev, dmah_addr_t iova,
			       uint64_t size)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	struct vtd_command c[] = {
		{ QI_WAIT | QI_WAIT_SW | QI_WAIT_FN, vtd->status_phys + VTD_STATUS_FENCE },
		dmah_vtd_devtlb(dev->id, iova, size),
	};
	int err;

	/* Devices have no TLB then, whatever they could have. */
	if (!(vtd->ecap & ECAP_DT))
		return 0;
	err = post(vtd, c, 2, NULL, true);
	return err ? err : 2;
}

int dmah_vtd_op_fence(struct dmah_iommu *iommu, uint64_t *ticket)
{
	return dmah_vtd_post(vtd_of(iommu), NULL, 0, ticket);
}

/*
 * The hardware passed @ticket; was all before it done? That is asked second: recover() says what is lost before it lets
 * the hardware go on.
 */
static bool lost(const struct dmah_vtd *vtd, uint64_t ticket)
{
	uint64_t until = __atomic_load_n(&vtd->lost_until, __ATOMIC_ACQUIRE);

	return ticket <= until && ticket > vtd->lost_after;
}

int dmah_vtd_op_wait(struct dmah_iommu *iommu, uint64_t ticket)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	uint64_t begun = 0, check = ERROR_CHECK_NS, passed;

	/* A mark's number is written with 32 bits, so that no wait may come 2^31 marks late. */
	while ((int32_t)(status(vtd) - (uint32_t)ticket) < 0) {
		if (!begun)
			begun = dmah_host_now();
		passed = dmah_host_now() - begun;
		if (passed > check || passed > vtd->timeout) {
			recover_unlocked(vtd);
			check = passed + ERROR_CHECK_NS;
		}
		if (lost(vtd, ticket) || passed > vtd->timeout)
			return DMAH_ETIMEDOUT;
		dmah_host_relax();
	}
	return lost(vtd, ticket) ? DMAH_ETIMEDOUT : DMAH_OK;
}

/* ---- on and off ---- */

/* Commands that are in the queue already, whoever's it is. One that stands still for an error is as good as empty. */
static int drain(const struct dmah_vtd *vtd)
{
	uint64_t begun = dmah_host_now();

	while (vtd_read(vtd, REG_IQH) != vtd_read(vtd, REG_IQT)) {
		if (vtd_read(vtd, REG_FSTS) & FSTS_IQE)
			break;
		if (dmah_host_now() - begun > vtd->timeout)
			return DMAH_ETIMEDOUT;
		dmah_host_relax();
	}
	return DMAH_OK;
}

/*
 * A queue may be switched off only after a mark (Queued Invalidation Interface). What is on may be firmware's queue, of
 * commands twice as long, and its last command may be any: a mark is put behind it, or in place of one that was refused.
 */
static int put_last_mark(struct dmah_vtd *vtd)
{
	uint64_t iqa = dmah_host_read64(vtd->regs + REG_IQA);
	const uint64_t mark[4] = { QI_WAIT | QI_WAIT_SW, vtd->status_phys + VTD_STATUS_FENCE };
	void *at;
	uint32_t width = iqa & IQA_DW ? 32 : 16, next = vtd_read(vtd, REG_IQH);
	dmah_phys_t phys = (iqa & ENTRY_ADDR) + next;

	/* Where the host maps it there are bytes, aligned or not. */
	at = dmah_host_phys_map(phys, width);
	__builtin_memcpy(at, mark, width);
	dmah_host_phys_unmap(at, phys, width);
	vtd_write(vtd, REG_FSTS, FSTS_IQE | FSTS_ICE | FSTS_ITE);
	next = (next + width) & ((DMAH_PAGE_SIZE << (iqa & IQA_QS)) - 1);
	vtd_write(vtd, REG_IQT, next);
	return dmah_vtd_wait_reg(vtd, REG_IQH, ~0u, next);
}

int dmah_vtd_queue_stop(struct dmah_vtd *vtd)
{
	int err;

	if (!(vtd_read(vtd, REG_GSTS) & GCMD_QIE))
		return DMAH_OK;
	err = drain(vtd);
	if (!err)
		err = put_last_mark(vtd);
	return err ? err : dmah_vtd_gcmd(vtd, GCMD_QIE, false);
}

int dmah_vtd_queue_start(struct dmah_vtd *vtd)
{
	int err = dmah_vtd_queue_stop(vtd);

	if (err)
		return err;
	vtd_write(vtd, REG_FSTS, FSTS_IQE | FSTS_ICE | FSTS_ITE);
	dmah_host_write64(vtd->regs + REG_IQT, 0);
	dmah_host_write64(vtd->regs + REG_IQA,
			  vtd->queue_phys | log2_up(vtd->entries / IQA_QS_ENTRIES));
	return dmah_vtd_gcmd(vtd, GCMD_QIE, true);
}
