/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Queued invalidation (section 6.5.2): commands go into a ring in memory, under one lock. A mark behind them makes the
 * hardware write the mark's number to memory when all commands before it are done. A wait reads that number, with no
 * lock held, and reads registers only where the number is late.
 *
 * Nothing here waits with the lock held, nor inside dmah_host_enter().
 */
#include "hw/vtd/vtd.h"

/* A wait reads the error register this often, in nanoseconds. */
#define ERROR_CHECK_NS 1000000u

/* ---- the ring ---- */

void dmah_vtd_put(struct dmah_vtd *vtd, struct vtd_command c)
{
	uint64_t *at = vtd_slot(vtd, vtd->tail++);

	at[0] = c.lo;
	at[1] = c.hi;
	if (vtd->iq_shift == IQ_SHIFT_WIDE)
		at[2] = at[3] = 0;
}

uint64_t dmah_vtd_put_mark(struct dmah_vtd *vtd)
{
	uint64_t mark = ++vtd->marks.last;

	dmah_vtd_put(vtd, (struct vtd_command){ QI_WAIT | QI_WAIT_SW | QI_WAIT_DATA(mark),
						vtd->status_phys });
	return mark;
}

bool dmah_vtd_has_room(struct dmah_vtd *vtd, unsigned int n)
{
	uint32_t mask = vtd->entries - 1, iqh;

	if (mask - (vtd->tail - vtd->head) >= n)
		return true;
	/* The hardware's own index costs a register access, so it is read only when it may matter. */
	iqh = vtd_read(vtd, REG_IQH);
	if (iqh != ~0u)
		vtd->head = vtd->tail - ((vtd->tail - (iqh >> vtd->iq_shift)) & mask);
	return mask - (vtd->tail - vtd->head) >= n;
}

/* Call with the lock held. Return: 0, DMAH_EBUSY (no room now), DMAH_ETIMEDOUT (the unit has failed). */
static int post_locked(struct dmah_vtd *vtd, const struct vtd_command *c, unsigned int n,
		       uint64_t *ticket)
{
	if (vtd->state.failed)
		return DMAH_ETIMEDOUT;
	if (!dmah_vtd_has_room(vtd, n + (ticket ? 1u : 0u) + VTD_SPARE))
		return DMAH_EBUSY;
	while (n--)
		dmah_vtd_put(vtd, *c++);
	if (ticket)
		*ticket = dmah_vtd_put_mark(vtd);
	vtd_write(vtd, REG_IQT, vtd_index(vtd, vtd->tail));
	return DMAH_OK;
}

static int try_post(struct dmah_vtd *vtd, const struct vtd_command *c, unsigned int n,
		    uint64_t *ticket)
{
	unsigned long flags;
	int err;

	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->state.lock);
	err = post_locked(vtd, c, n, ticket);
	dmah_host_unlock(&vtd->state.lock);
	dmah_host_leave(flags);
	return err;
}

/* One turn of a wait for room. Return: 0: try again; DMAH_ETIMEDOUT. */
static int await_room(struct dmah_vtd *vtd, uint64_t *begun, bool *late)
{
	if (*late) {
		dmah_vtd_fail(vtd, "the IOMMU takes no commands from its queue");
		return DMAH_ETIMEDOUT;
	}
	if (!dmah_vtd_check(vtd))
		return DMAH_ETIMEDOUT;
	*late = dmah_hw_late(vtd->timeout, begun);
	dmah_host_relax();
	return DMAH_OK;
}

int dmah_vtd_post(struct dmah_vtd *vtd, const struct vtd_command *c, unsigned int n,
		  uint64_t *ticket)
{
	uint64_t begun = 0;
	bool late = false;
	int err;

	if (hw_failed(&vtd->state) && !dmah_vtd_check(vtd))
		return DMAH_ETIMEDOUT;
	err = n ? dmah_vtd_flush_writes(vtd) : DMAH_OK;
	if (err)
		return err;
	while ((err = try_post(vtd, c, n, ticket)) == DMAH_EBUSY)
		if (await_room(vtd, &begun, &late))
			return DMAH_ETIMEDOUT;
	return err;
}

int dmah_vtd_done(struct dmah_vtd *vtd, const struct vtd_command *c, unsigned int n)
{
	uint64_t ticket;
	int err = dmah_vtd_post(vtd, c, n, &ticket);

	return err ? err : dmah_vtd_op_wait(&vtd->iommu, ticket);
}

/* ---- waiting ---- */

static bool passed(const struct dmah_vtd *vtd, uint64_t ticket)
{
	return hw_marks_passed(&vtd->marks, vtd->status, ticket);
}

static bool is_lost(const struct dmah_vtd *vtd, uint64_t ticket)
{
	return hw_marks_lost(&vtd->marks, ticket);
}

static int result(const struct dmah_vtd *vtd, uint64_t ticket)
{
	return passed(vtd, ticket) && !is_lost(vtd, ticket) ? DMAH_OK : DMAH_ETIMEDOUT;
}

int dmah_vtd_op_wait(struct dmah_iommu *iommu, uint64_t ticket)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	uint64_t begun = 0, check = ERROR_CHECK_NS;
	bool late = false;

	while (!passed(vtd, ticket) && !is_lost(vtd, ticket)) {
		if (late) {
			dmah_vtd_fail(vtd, "the IOMMU does not confirm invalidations in time");
			break;
		}
		late = dmah_hw_late(vtd->timeout, &begun);
		if (late || hw_failed(&vtd->state) || dmah_host_now() - begun > check) {
			check += ERROR_CHECK_NS;
			if (!dmah_vtd_check(vtd))
				break;
		}
		dmah_host_relax();
	}
	return result(vtd, ticket);
}

bool dmah_vtd_op_done(struct dmah_iommu *iommu, uint64_t ticket)
{
	return result(vtd_of(iommu), ticket) == DMAH_OK;
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

/*
 * The fence makes the IOTLB's invalidations complete first: a device that asked again before would be answered from the
 * IOTLB. It also leaves at most one device at a time that can be late, so that the error handler knows which.
 */
int dmah_vtd_op_invalidate_dev(struct dmah_iommu *iommu, struct dmah_device *dev, dmah_addr_t iova,
			       uint64_t size)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	struct vtd_command c[] = { dmah_vtd_fence(vtd), dmah_vtd_devtlb(dev->id, iova, size) };
	int err;

	/* The device's translated requests are refused then, and its TLB no longer matters. */
	if (!dmah_vtd_has_ats(vtd, dev->id))
		return 0;
	dmah_host_lock(&vtd->state.lock);
	err = post_locked(vtd, c, 2, NULL);
	dmah_host_unlock(&vtd->state.lock);
	return err ? err : 2;
}

static bool room_now(struct dmah_vtd *vtd)
{
	unsigned long flags;
	bool room;

	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->state.lock);
	room = dmah_vtd_has_room(vtd, VTD_ROOM + VTD_SPARE);
	dmah_host_unlock(&vtd->state.lock);
	dmah_host_leave(flags);
	return room;
}

int dmah_vtd_op_make_room(struct dmah_iommu *iommu)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	uint64_t begun = 0;
	bool late = false;

	if (hw_failed(&vtd->state) && !dmah_vtd_check(vtd))
		return DMAH_ETIMEDOUT;
	while (!room_now(vtd))
		if (await_room(vtd, &begun, &late))
			return DMAH_ETIMEDOUT;
	return DMAH_OK;
}

int dmah_vtd_op_fence(struct dmah_iommu *iommu, uint64_t *ticket)
{
	return dmah_vtd_post(vtd_of(iommu), NULL, 0, ticket);
}
