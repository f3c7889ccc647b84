/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Errors of the command queue (chapter Memory-mapped register interface, cqcsr), units that do not answer, and how a unit
 * comes back into service.
 *
 * A command that was refused (cmd_ill) is replaced by one that does more. A device that did not answer (cmd_to) is blocked;
 * everything is invalidated once, and all waits go on until that is confirmed. Neither costs anybody else anything. A unit
 * that stays silent, or cannot read its queue (cqmf), is remembered as failed. Every call answers DMAH_ETIMEDOUT at once then,
 * after one look at its registers: a unit that was merely slow, and has caught up, is back in service.
 */
#include "hw/riscv/riscv.h"

/* Commands that recover() posts. */
#define RECOVERY 5u
/* A unit that refuses the same command more often has failed. */
#define REFUSALS 4u

#define ALL_ONES "the IOMMU's registers read as all ones"

static void fail_locked(struct dmah_riscv *unit, struct hw_report *report, const char *text)
{
	dmah_hw_fail_locked(&unit->state, report, text, riscv_read(unit, REG_CQCSR));
}

void dmah_riscv_fail(struct dmah_riscv *unit, const char *text)
{
	dmah_hw_fail(&unit->state, text, riscv_read(unit, REG_CQCSR));
}

/* ---- a device that does not answer ---- */

static bool is_mark(const struct dmah_riscv *unit, const uint64_t *at)
{
	return CMD_OPCODE(at[0]) == CMD_IOFENCE && at[0] & CMD_AV &&
	       at[1] == unit->status_phys >> 2;
}

static bool is_passed_mark(const struct dmah_riscv *unit, const uint64_t *at)
{
	return is_mark(unit, at) && (int32_t)((uint32_t)(at[0] >> 32) - riscv_status(unit)) <= 0;
}

/*
 * Finds the last device that was asked before position @head and has not been confirmed. The hardware does not say which
 * device it is; the fence before each such command leaves only one.
 */
static bool find_silent(const struct dmah_riscv *unit, uint32_t head, uint32_t *id)
{
	uint32_t n = unit->entries - 1 - (unit->tail - head);

	while (n--) {
		const uint64_t *at = riscv_slot(unit, --head);

		if (is_passed_mark(unit, at))
			return false;
		*id = CMD_RID_OF(at[0]);
		if (CMD_OPCODE(at[0]) == CMD_ATS)
			return true;
	}
	return false;
}

/* Blocks a device and takes its commands out of the queue. */
static void isolate(struct dmah_riscv *unit, uint32_t head, uint32_t id, struct hw_report *report)
{
	const struct riscv_command noop = dmah_riscv_fence();

	if (dmah_riscv_block_silent(unit, id))
		*report = (struct hw_report){
			"a device did not invalidate its TLB: it is blocked; its requester id", id
		};
	for (; head != unit->tail; head++) {
		uint64_t *at = riscv_slot(unit, head);

		if (CMD_OPCODE(at[0]) != CMD_ATS || CMD_RID_OF(at[0]) != id)
			continue;
		at[0] = noop.word[0];
		at[1] = noop.word[1];
	}
}

/* ---- recovery ---- */

/*
 * Invalidates everything, which stands for every command of before, and lets all waits that are under way wait for that.
 * A context that was cleared is forgotten before page tables are, or they would be cached through it.
 */
static bool recover(struct dmah_riscv *unit)
{
	uint64_t until = unit->marks.last;

	if (!dmah_riscv_has_room(unit, RECOVERY))
		return false;
	dmah_riscv_put(unit, dmah_riscv_context(unit, ~0u));
	dmah_riscv_put(unit, dmah_riscv_fence());
	dmah_riscv_put(unit, dmah_riscv_all(unit));
	if (riscv_has_files(unit))
		dmah_riscv_put(unit, dmah_riscv_all_second());
	hw_marks_redo(&unit->marks, until, dmah_riscv_put_mark(unit));
	return true;
}

/*
 * Puts a command that does more in place of a refused one, at the same position: a device's TLB behind it would be filled
 * again from what the refused command should have removed.
 */
static void widen(struct dmah_riscv *unit, uint64_t *at)
{
	struct riscv_command c = dmah_riscv_all(unit);

	switch (CMD_OPCODE(at[0])) {
	case CMD_IOFENCE:
		return;
	case CMD_IODIR:
		c = dmah_riscv_context(unit, ~0u);
		break;
	case CMD_ATS:
		c = dmah_riscv_ats(CMD_RID_OF(at[0]), 0, 0);
		break;
	case CMD_IOTINVAL:
		if (at[0] & CMD_GVMA)
			c = dmah_riscv_all_second();
		break;
	default:
		hw_marks_lose_open(&unit->marks, riscv_status(unit));
	}
	at[0] = c.word[0];
	at[1] = c.word[1];
}

/* Returns true where a device was blocked for it, which must be confirmed. */
static bool handle_refusal(struct dmah_riscv *unit, uint32_t head, struct hw_report *report)
{
	uint64_t *at = riscv_slot(unit, head);

	if (!unit->refusals || unit->refused_at != head) {
		unit->refused_at = head;
		unit->refusals = 1;
		*report =
			(struct hw_report){ "the IOMMU refused a command; its first half", at[0] };
		widen(unit, at);
		return false;
	}
	if (++unit->refusals > REFUSALS)
		fail_locked(unit, report, "the IOMMU refuses all commands of its queue");
	if (CMD_OPCODE(at[0]) != CMD_ATS)
		return false;
	isolate(unit, head, CMD_RID_OF(at[0]), report);
	return true;
}

static void handle_error(struct dmah_riscv *unit, uint32_t csr, struct hw_report *report)
{
	uint32_t cqh = riscv_read(unit, REG_CQH), id, head;
	bool again = csr & CQCSR_TO;

	if (cqh == ~0u) {
		fail_locked(unit, report, ALL_ONES);
		return;
	}
	/* The queue cannot go on by itself; dmah_riscv_reset() begins it anew. */
	if (csr & CSR_MF) {
		fail_locked(unit, report, "the IOMMU can not read its queue of commands");
		return;
	}
	head = unit->tail - ((unit->tail - cqh) & (unit->entries - 1));
	unit->head = head;
	if (csr & CQCSR_TO && find_silent(unit, head, &id))
		isolate(unit, head, id, report);
	if (csr & CQCSR_ILL)
		again |= handle_refusal(unit, head, report);
	if (again && !recover(unit))
		fail_locked(unit, report, "the IOMMU's queue reports error after error");
	riscv_write(unit, REG_CQCSR, csr & (CSR_ENABLE | CSR_IRQ | CQCSR_ERROR));
	dmah_riscv_ring(unit);
}

/* Returns true where the unit works from our directory and our queue, and has done all that was posted. */
static bool has_caught_up(const struct dmah_riscv *unit, uint32_t csr)
{
	return riscv_status(unit) == (uint32_t)unit->marks.last && csr & CSR_ON &&
	       riscv_read(unit, REG_CQH) == (unit->tail & (unit->entries - 1)) &&
	       (!riscv_enabled(unit) ||
		DDTP_MODE(riscv_read(unit, REG_DDTP)) == DDTP_LEVELS(unit->levels));
}

/*
 * Puts a unit that was slow back into service. Contexts may have been cleared while nothing could be posted: the hardware
 * would go on with those that it has cached, also for requests that a device has translated itself.
 */
static void return_to_service(struct dmah_riscv *unit)
{
	if (!recover(unit))
		return;
	dmah_riscv_ring(unit);
	__atomic_store_n(&unit->state.failed, false, __ATOMIC_RELEASE);
}

bool dmah_riscv_check(struct dmah_riscv *unit)
{
	struct hw_report report = { 0 };
	unsigned long flags;
	uint32_t csr;
	bool works;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->state.lock);
	csr = riscv_read(unit, REG_CQCSR);
	if (unit->state.resetting)
		;
	else if (csr == ~0u)
		fail_locked(unit, &report, ALL_ONES);
	else if (csr & CQCSR_ERROR)
		handle_error(unit, csr, &report);
	else if (unit->state.failed && has_caught_up(unit, csr))
		return_to_service(unit);
	works = !unit->state.failed;
	dmah_host_unlock(&unit->state.lock);
	dmah_host_leave(flags);
	dmah_hw_make_report(&report);
	return works;
}

void dmah_riscv_errors(struct dmah_riscv *unit)
{
	(void)dmah_riscv_check(unit);
}

/* ---- reset ---- */

/* Posts into the new queue, though the unit counts as failed for everybody else, and waits. */
static int invalidate_all(struct dmah_riscv *unit)
{
	uint64_t begun = 0;
	unsigned long flags;
	bool late = false;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->state.lock);
	(void)recover(unit);
	dmah_riscv_ring(unit);
	dmah_host_unlock(&unit->state.lock);
	dmah_host_leave(flags);
	while (riscv_status(unit) != (uint32_t)unit->marks.last) {
		if (late)
			return DMAH_ETIMEDOUT;
		late = dmah_hw_late(unit->timeout, &begun);
		dmah_host_relax();
	}
	return DMAH_OK;
}

/* The mode changes through Off alone. A unit that has kept its mode blocks all requests for the moment. */
static int bring_up(struct dmah_riscv *unit)
{
	int err = dmah_riscv_set_mode(unit, DDTP_OFF);

	if (!err)
		err = dmah_riscv_queues_on(unit);
	if (!err && unit->enabled)
		err = dmah_riscv_set_mode(unit, DDTP_LEVELS(unit->levels));
	if (!err)
		err = invalidate_all(unit);
	if (!err)
		dmah_riscv_irq_restore(unit);
	return err ? DMAH_ETIMEDOUT : DMAH_OK;
}

int dmah_riscv_reset(struct dmah_riscv *unit)
{
	int err;

	if (!dmah_hw_begin_reset(&unit->state))
		return DMAH_EBUSY;
	err = bring_up(unit);
	unit->refusals = 0;
	dmah_hw_end_reset(&unit->state, err);
	return err;
}
