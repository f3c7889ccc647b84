/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The command buffer (section 2.4): a ring in memory, under one lock. A mark behind commands is a COMPLETION_WAIT, with
 * which the hardware stores the mark's number to memory when all commands before it are done. A wait reads that number,
 * with no lock held, and reads registers only where the number is late.
 *
 * A command that was refused, or that a device did not answer, does not keep the hardware from passing marks behind it: it
 * is in the event log by then. So a wait looks into the log, which is memory too, before it takes a mark for done.
 *
 * Nothing here waits with the lock held, nor inside dmah_host_enter().
 */
#include "hw/amdvi/amdvi.h"

/* A wait reads the status register this often, in nanoseconds. */
#define ERROR_CHECK_NS 1000000u

/* ---- the ring ---- */

void dmah_amdvi_put(struct dmah_amdvi *amdvi, struct amdvi_command c)
{
	uint64_t *at = amdvi_slot(amdvi, amdvi->tail++);

	at[0] = c.lo;
	at[1] = c.hi;
}

uint64_t dmah_amdvi_put_mark(struct dmah_amdvi *amdvi)
{
	uint64_t mark = ++amdvi->marks.last;

	dmah_amdvi_put(amdvi, (struct amdvi_command){
				      CMD(OP_WAIT) | WAIT_STORE | amdvi->status_phys, mark });
	return mark;
}

void dmah_amdvi_ring(struct dmah_amdvi *amdvi)
{
	amdvi_write(amdvi, REG_CMD_TAIL, (amdvi->tail & (amdvi->entries - 1)) << 4);
}

bool dmah_amdvi_has_room(struct dmah_amdvi *amdvi, unsigned int n)
{
	uint32_t mask = amdvi->entries - 1, head;

	if (mask - (amdvi->tail - amdvi->head) >= n)
		return true;
	/* The hardware's own index costs a register access, so it is read only when it may matter. */
	head = amdvi_read(amdvi, REG_CMD_HEAD);
	if (head != ~0u)
		amdvi->head = amdvi->tail - ((amdvi->tail - RING_INDEX(head)) & mask);
	return mask - (amdvi->tail - amdvi->head) >= n;
}

/* Call with the lock held. Return: 0, DMAH_EBUSY (no room now), DMAH_ETIMEDOUT (the unit has failed). */
static int post_locked(struct dmah_amdvi *amdvi, const struct amdvi_command *c, unsigned int n,
		       uint64_t *ticket)
{
	if (!amdvi->live) {
		if (ticket)
			*ticket = amdvi->marks.last;
		return DMAH_OK;
	}
	if (amdvi->state.failed)
		return DMAH_ETIMEDOUT;
	if (!dmah_amdvi_has_room(amdvi, n + (ticket ? 1u : 0u) + AMDVI_SPARE))
		return DMAH_EBUSY;
	while (n--) {
		if (CMD_OP(c->lo) == OP_IOTLB)
			__atomic_store_n(&amdvi->asked, amdvi->marks.last + 1, __ATOMIC_RELAXED);
		dmah_amdvi_put(amdvi, *c++);
	}
	if (ticket)
		*ticket = dmah_amdvi_put_mark(amdvi);
	dmah_amdvi_ring(amdvi);
	return DMAH_OK;
}

static int try_post(struct dmah_amdvi *amdvi, const struct amdvi_command *c, unsigned int n,
		    uint64_t *ticket)
{
	unsigned long flags;
	int err;

	dmah_host_enter(&flags);
	dmah_host_lock(&amdvi->state.lock);
	err = post_locked(amdvi, c, n, ticket);
	dmah_host_unlock(&amdvi->state.lock);
	dmah_host_leave(flags);
	return err;
}

/* One turn of a wait for room. Return: 0: try again; DMAH_ETIMEDOUT. */
static int await_room(struct dmah_amdvi *amdvi, uint64_t *begun, bool *late)
{
	if (*late) {
		dmah_amdvi_fail(amdvi, "the IOMMU takes no commands from its queue");
		return DMAH_ETIMEDOUT;
	}
	if (!dmah_amdvi_check(amdvi))
		return DMAH_ETIMEDOUT;
	*late = dmah_hw_late(amdvi->timeout, begun);
	dmah_host_relax();
	return DMAH_OK;
}

int dmah_amdvi_post(struct dmah_amdvi *amdvi, const struct amdvi_command *c, unsigned int n,
		    uint64_t *ticket)
{
	uint64_t begun = 0;
	bool late = false;
	int err;

	if (hw_failed(&amdvi->state) && !dmah_amdvi_check(amdvi))
		return DMAH_ETIMEDOUT;
	while ((err = try_post(amdvi, c, n, ticket)) == DMAH_EBUSY)
		if (await_room(amdvi, &begun, &late))
			return DMAH_ETIMEDOUT;
	return err;
}

int dmah_amdvi_done(struct dmah_amdvi *amdvi, const struct amdvi_command *c, unsigned int n)
{
	uint64_t ticket;
	int err = dmah_amdvi_post(amdvi, c, n, &ticket);

	return err ? err : dmah_amdvi_op_wait(&amdvi->iommu, ticket);
}

/* ---- waiting ---- */

static bool is_lost(const struct dmah_amdvi *amdvi, uint64_t ticket)
{
	return hw_marks_lost(&amdvi->marks, ticket);
}

/*
 * Returns true when the hardware has passed @ticket, and has logged no error of a command before it. After such an error
 * the numbers of marks up to @redo_until prove nothing: @redo_ticket stands for them. Where another CPU has seen the event,
 * it has stored @redo_until before it stored that.
 */
static bool passed(struct dmah_amdvi *amdvi, uint64_t ticket)
{
	/* 32 bits of a mark's number are compared, so no wait may come 2^31 marks late. */
	while ((int32_t)(amdvi_passed(amdvi) - (uint32_t)ticket) >= 0) {
		if (dmah_amdvi_event_pending(amdvi, ticket))
			(void)dmah_amdvi_check(amdvi);
		if (ticket > __atomic_load_n(&amdvi->marks.redo_until, __ATOMIC_ACQUIRE))
			return true;
		ticket = __atomic_load_n(&amdvi->marks.redo_ticket, __ATOMIC_RELAXED);
	}
	return false;
}

static int result(struct dmah_amdvi *amdvi, uint64_t ticket)
{
	return passed(amdvi, ticket) && !is_lost(amdvi, ticket) ? DMAH_OK : DMAH_ETIMEDOUT;
}

int dmah_amdvi_op_wait(struct dmah_iommu *iommu, uint64_t ticket)
{
	struct dmah_amdvi *amdvi = amdvi_of(iommu);
	uint64_t begun = 0, check = ERROR_CHECK_NS;
	bool late = false;

	while (!passed(amdvi, ticket) && !is_lost(amdvi, ticket)) {
		if (late) {
			dmah_amdvi_fail(amdvi, "the IOMMU does not confirm invalidations in time");
			break;
		}
		late = dmah_hw_late(amdvi->timeout, &begun);
		if (late || hw_failed(&amdvi->state) || dmah_host_now() - begun > check) {
			check += ERROR_CHECK_NS;
			if (!dmah_amdvi_check(amdvi))
				break;
		}
		dmah_host_relax();
	}
	return result(amdvi, ticket);
}

/* ---- the library's calls ---- */

int dmah_amdvi_op_invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova,
			     uint64_t size, bool tables, uint64_t *ticket)
{
	struct amdvi_command c = dmah_amdvi_pages(tag, iova, size, tables);
	int err = dmah_amdvi_post(amdvi_of(iommu), &c, 1, ticket);

	return err ? err : 1;
}

/*
 * The fence makes the IOMMU's own invalidations complete first: a device that asked again before would be answered from
 * its TLB.
 */
int dmah_amdvi_op_invalidate_dev(struct dmah_iommu *iommu, struct dmah_device *dev,
				 dmah_addr_t iova, uint64_t size)
{
	struct dmah_amdvi *amdvi = amdvi_of(iommu);
	struct amdvi_command c[] = { amdvi_fence(), dmah_amdvi_iotlb(dev->id, iova, size) };
	int err;

	/* The device's translated requests are refused then, and its TLB no longer matters. */
	if (!dmah_amdvi_has_ats(amdvi, dev->id))
		return 0;
	dmah_host_lock(&amdvi->state.lock);
	err = post_locked(amdvi, c, 2, NULL);
	dmah_host_unlock(&amdvi->state.lock);
	return err ? err : 2;
}

static bool room_now(struct dmah_amdvi *amdvi)
{
	unsigned long flags;
	bool room;

	dmah_host_enter(&flags);
	dmah_host_lock(&amdvi->state.lock);
	room = dmah_amdvi_has_room(amdvi, AMDVI_ROOM + AMDVI_SPARE);
	dmah_host_unlock(&amdvi->state.lock);
	dmah_host_leave(flags);
	return room;
}

int dmah_amdvi_op_make_room(struct dmah_iommu *iommu)
{
	struct dmah_amdvi *amdvi = amdvi_of(iommu);
	uint64_t begun = 0;
	bool late = false;

	if (hw_failed(&amdvi->state) && !dmah_amdvi_check(amdvi))
		return DMAH_ETIMEDOUT;
	while (!room_now(amdvi))
		if (await_room(amdvi, &begun, &late))
			return DMAH_ETIMEDOUT;
	return DMAH_OK;
}

int dmah_amdvi_op_fence(struct dmah_iommu *iommu, uint64_t *ticket)
{
	return dmah_amdvi_post(amdvi_of(iommu), NULL, 0, ticket);
}
