/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The command queue: commands go into a ring in memory, under one lock. A mark behind them, an IOFENCE.C, makes the hardware
 * write the mark's number to memory when all commands before it are done. A wait reads that number, with no lock held, and
 * reads registers only where the number is late.
 *
 * Nothing here waits with the lock held, nor inside dmah_host_enter().
 */
#include "hw/riscv/riscv.h"

/* A wait reads the error register this often, in nanoseconds. */
#define ERROR_CHECK_NS 1000000u

/* ---- the ring ---- */

void dmah_riscv_put(struct dmah_riscv *unit, struct riscv_command c)
{
	uint64_t *at = riscv_slot(unit, unit->tail++);

	at[0] = c.word[0];
	at[1] = c.word[1];
}

/*
 * Memory may have a new owner after the mark, so the mark also orders the accesses of devices that the unit has let through
 * already (PR, PW).
 */
uint64_t dmah_riscv_put_mark(struct dmah_riscv *unit)
{
	uint64_t mark = ++unit->marks.last;

	dmah_riscv_put(unit, (struct riscv_command){
				     { CMD_IOFENCE | CMD_AV | CMD_PR | CMD_PW | CMD_DATA(mark),
				       unit->status_phys >> 2 } });
	return mark;
}

void dmah_riscv_ring(struct dmah_riscv *unit)
{
	riscv_write(unit, REG_CQT, unit->tail & (unit->entries - 1));
}

bool dmah_riscv_has_room(struct dmah_riscv *unit, unsigned int n)
{
	uint32_t mask = unit->entries - 1, cqh;

	if (mask - (unit->tail - unit->head) >= n)
		return true;
	/* The hardware's own index costs a register access, so it is read only when it may matter. */
	cqh = riscv_read(unit, REG_CQH);
	if (cqh != ~0u)
		unit->head = unit->tail - ((unit->tail - cqh) & mask);
	return mask - (unit->tail - unit->head) >= n;
}

/* Call with the lock held. Return: 0, DMAH_EBUSY (no room now), DMAH_ETIMEDOUT (the unit has failed). */
static int post_locked(struct dmah_riscv *unit, const struct riscv_command *c, unsigned int n,
		       uint64_t *ticket)
{
	if (unit->state.failed)
		return DMAH_ETIMEDOUT;
	if (!dmah_riscv_has_room(unit, n + (ticket ? 1u : 0u) + RISCV_SPARE))
		return DMAH_EBUSY;
	while (n--)
		dmah_riscv_put(unit, *c++);
	if (ticket)
		*ticket = dmah_riscv_put_mark(unit);
	dmah_riscv_ring(unit);
	return DMAH_OK;
}

static int try_post(struct dmah_riscv *unit, const struct riscv_command *c, unsigned int n,
		    uint64_t *ticket)
{
	unsigned long flags;
	int err;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->state.lock);
	err = post_locked(unit, c, n, ticket);
	dmah_host_unlock(&unit->state.lock);
	dmah_host_leave(flags);
	return err;
}

/* One turn of a wait for room. Return: 0: try again; DMAH_ETIMEDOUT. */
static int await_room(struct dmah_riscv *unit, uint64_t *begun, bool *late)
{
	if (*late) {
		dmah_riscv_fail(unit, "the IOMMU takes no commands from its queue");
		return DMAH_ETIMEDOUT;
	}
	if (!dmah_riscv_check(unit))
		return DMAH_ETIMEDOUT;
	*late = dmah_hw_late(unit->timeout, begun);
	dmah_host_relax();
	return DMAH_OK;
}

int dmah_riscv_post(struct dmah_riscv *unit, const struct riscv_command *c, unsigned int n,
		    uint64_t *ticket)
{
	uint64_t begun = 0;
	bool late = false;
	int err;

	if (hw_failed(&unit->state) && !dmah_riscv_check(unit))
		return DMAH_ETIMEDOUT;
	while ((err = try_post(unit, c, n, ticket)) == DMAH_EBUSY)
		if (await_room(unit, &begun, &late))
			return DMAH_ETIMEDOUT;
	return err;
}

int dmah_riscv_done(struct dmah_riscv *unit, const struct riscv_command *c, unsigned int n)
{
	uint64_t ticket;
	int err = dmah_riscv_post(unit, c, n, &ticket);

	return err ? err : dmah_riscv_op_wait(&unit->iommu, ticket);
}

/* ---- waiting ---- */

static bool passed(const struct dmah_riscv *unit, uint64_t ticket)
{
	return hw_marks_passed(&unit->marks, unit->status, ticket);
}

static bool is_lost(const struct dmah_riscv *unit, uint64_t ticket)
{
	return hw_marks_lost(&unit->marks, ticket);
}

static int result(const struct dmah_riscv *unit, uint64_t ticket)
{
	return passed(unit, ticket) && !is_lost(unit, ticket) ? DMAH_OK : DMAH_ETIMEDOUT;
}

int dmah_riscv_op_wait(struct dmah_iommu *iommu, uint64_t ticket)
{
	struct dmah_riscv *unit = riscv_of(iommu);
	uint64_t begun = 0, check = ERROR_CHECK_NS;
	bool late = false;

	while (!passed(unit, ticket) && !is_lost(unit, ticket)) {
		if (late) {
			dmah_riscv_fail(unit, "the IOMMU does not confirm invalidations in time");
			break;
		}
		late = dmah_hw_late(unit->timeout, &begun);
		if (late || hw_failed(&unit->state) || dmah_host_now() - begun > check) {
			check += ERROR_CHECK_NS;
			if (!dmah_riscv_check(unit))
				break;
		}
		dmah_host_relax();
	}
	return result(unit, ticket);
}

/* ---- the library's calls ---- */

int dmah_riscv_op_invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova,
			     uint64_t size, bool tables, uint64_t *ticket)
{
	struct dmah_riscv *unit = riscv_of(iommu);
	struct riscv_command c[RISCV_INVALIDATIONS];
	unsigned int n = dmah_riscv_invalidations(unit, tag, iova, size, tables, c);
	int err = dmah_riscv_post(unit, c, n, ticket);

	return err ? err : (int)n;
}

/*
 * The fence makes the unit's own invalidations complete first: a device that asked again before would be answered from what
 * the unit has cached. It also leaves at most one device at a time that can be late, so that the error handler knows which.
 */
int dmah_riscv_op_invalidate_dev(struct dmah_iommu *iommu, struct dmah_device *dev,
				 dmah_addr_t iova, uint64_t size)
{
	struct dmah_riscv *unit = riscv_of(iommu);
	struct riscv_command c[] = { dmah_riscv_fence(), dmah_riscv_ats(dev->id, iova, size) };
	int err;

	/* The device's translated requests are refused then, and its TLB no longer matters. */
	if (!dmah_riscv_has_ats(unit, dev->id))
		return 0;
	dmah_host_lock(&unit->state.lock);
	err = post_locked(unit, c, 2, NULL);
	dmah_host_unlock(&unit->state.lock);
	return err ? err : 2;
}

static bool room_now(struct dmah_riscv *unit)
{
	unsigned long flags;
	bool room;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->state.lock);
	room = dmah_riscv_has_room(unit, RISCV_ROOM + RISCV_SPARE);
	dmah_host_unlock(&unit->state.lock);
	dmah_host_leave(flags);
	return room;
}

int dmah_riscv_op_make_room(struct dmah_iommu *iommu)
{
	struct dmah_riscv *unit = riscv_of(iommu);
	uint64_t begun = 0;
	bool late = false;

	if (hw_failed(&unit->state) && !dmah_riscv_check(unit))
		return DMAH_ETIMEDOUT;
	while (!room_now(unit))
		if (await_room(unit, &begun, &late))
			return DMAH_ETIMEDOUT;
	return DMAH_OK;
}

int dmah_riscv_op_fence(struct dmah_iommu *iommu, uint64_t *ticket)
{
	return dmah_riscv_post(riscv_of(iommu), NULL, 0, ticket);
}
