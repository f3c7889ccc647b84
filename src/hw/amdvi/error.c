/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Errors of the command buffer, units that do not answer, and how a unit comes back into service.
 *
 * A command that was refused (ILLEGAL_COMMAND_ERROR, COMMAND_HARDWARE_ERROR) stops the command buffer: it is replaced, at its
 * place, by one that does more. Where the unit goes on past it (QEMU's model does) everything is invalidated instead, and
 * all waits go on until that is confirmed. A device that did not answer (IOTLB_INV_TIMEOUT) is blocked, likewise. A unit that stays silent is
 * remembered as failed. Every call answers DMAH_ETIMEDOUT at once then, after one look at its registers: a unit that was
 * merely slow, and has caught up, is back in service.
 */
#include "hw/amdvi/amdvi.h"

/* Commands that recover() posts, at most. */
#define RECOVERY 8u
/* A unit that refuses the same command more often has failed. */
#define REFUSALS 4u

static void fail_locked(struct dmah_amdvi *amdvi, struct hw_report *report, const char *text)
{
	dmah_hw_fail_locked(&amdvi->state, report, text, amdvi_read(amdvi, REG_STATUS));
}

void dmah_amdvi_fail(struct dmah_amdvi *amdvi, const char *text)
{
	dmah_hw_fail(&amdvi->state, text, amdvi_read(amdvi, REG_STATUS));
}

/* ---- recovery ---- */

/* Lets all waits that are under way wait for what was put since @until. */
static void redo(struct dmah_amdvi *amdvi, uint64_t until)
{
	hw_marks_redo(&amdvi->marks, until, dmah_amdvi_put_mark(amdvi));
}

/* Invalidates everything, which stands for every command of before. */
static bool recover(struct dmah_amdvi *amdvi)
{
	uint64_t until = amdvi->marks.last;

	if (!dmah_amdvi_has_room(amdvi, RECOVERY))
		return false;
	if (!(amdvi->efr & EFR_IA)) {
		/* Nothing of before the next mark is confirmed, though the hardware may have passed it already. */
		hw_marks_lose(&amdvi->marks, 0);
		return true;
	}
	dmah_amdvi_put(amdvi, (struct amdvi_command){ CMD(OP_ALL), 0 });
	redo(amdvi, until);
	return true;
}

/* ---- a device that did not answer ---- */

/* Takes the commands for a device out of the queue. The operation alone changes: the hardware may be reading them. */
static void drop_commands(struct dmah_amdvi *amdvi, uint32_t id)
{
	uint32_t head = amdvi_read(amdvi, REG_CMD_HEAD);

	if (head == ~0u)
		return;
	head = amdvi->tail - ((amdvi->tail - RING_INDEX(head)) & (amdvi->entries - 1));
	for (; head != amdvi->tail; head++) {
		uint64_t *at = amdvi_slot(amdvi, head);

		if (CMD_OP(at[0]) == OP_IOTLB && CMD_ID_OF(at[0]) == id)
			__atomic_store_n(&at[0], amdvi_noop().lo, __ATOMIC_RELEASE);
	}
}

/* Blocks the device. All waits go on when the hardware has forgotten its entry and what was reached through it. */
static bool isolate(struct dmah_amdvi *amdvi, uint32_t id, struct hw_report *report)
{
	uint64_t until = amdvi->marks.last;
	uint32_t domain;

	if (dmah_amdvi_block_silent(amdvi, id, &domain))
		*report = (struct hw_report){
			"a device did not invalidate its TLB: it is blocked; its requester id", id
		};
	drop_commands(amdvi, id);
	if (!dmah_amdvi_has_room(amdvi, RECOVERY))
		return false;
	dmah_amdvi_put(amdvi, amdvi_devtab(id));
	dmah_amdvi_put(amdvi, amdvi_fence());
	dmah_amdvi_put(amdvi, dmah_amdvi_pages(domain, 0, 0, true));
	redo(amdvi, until);
	return true;
}

/* ---- a command that was refused ---- */

/*
 * Puts a command that does more in place of a refused one, at the same position: a device's TLB behind it would be filled
 * again from what the refused command should have removed.
 */
static void widen(struct dmah_amdvi *amdvi, uint64_t *at)
{
	struct amdvi_command c = { CMD(OP_ALL), 0 };

	switch (CMD_OP(at[0])) {
	case OP_WAIT:
		return;
	case OP_IOTLB:
		c = dmah_amdvi_iotlb(CMD_ID_OF(at[0]), 0, 0);
		break;
	case OP_PAGES:
		if (!(at[1] & PAGES_PDE))
			c = dmah_amdvi_pages((uint32_t)(at[0] >> 32 & 0xffff), 0, 0, true);
		break;
	case OP_DEVTAB:
	case OP_INTERRUPTS:
	case OP_ALL:
		break;
	default:
		hw_marks_lose_open(&amdvi->marks, amdvi_passed(amdvi));
	}
	if (CMD_OP(c.lo) == OP_ALL && !(amdvi->efr & EFR_IA)) {
		hw_marks_lose_open(&amdvi->marks, amdvi_passed(amdvi));
		c = amdvi_noop();
	}
	at[0] = c.lo;
	at[1] = c.hi;
}

/* Switches the command buffer, which the error has stopped, on again at position @head. */
static void restart_queue(struct dmah_amdvi *amdvi, uint32_t head)
{
	amdvi->head = head;
	dmah_amdvi_control(amdvi, CONTROL_CMDBUF, 0);
	amdvi_write(amdvi, REG_CMD_HEAD, (head & (amdvi->entries - 1)) << 4);
	dmah_amdvi_control(amdvi, 0, CONTROL_CMDBUF);
	dmah_amdvi_ring(amdvi);
}

/* @addr: the address of the refused command. */
static void handle_refusal(struct dmah_amdvi *amdvi, uint64_t addr, struct hw_report *report)
{
	uint32_t slot = (uint32_t)(addr - amdvi->queue_phys) >> 4;
	uint32_t head = amdvi->tail - ((amdvi->tail - slot) & (amdvi->entries - 1));
	uint64_t *at = amdvi_slot(amdvi, head);

	if (amdvi_read(amdvi, REG_STATUS) & STATUS_CMDRUN) {
		*report = (struct hw_report){ "the IOMMU refused a command; its address", addr };
		if (!recover(amdvi))
			fail_locked(amdvi, report, "the IOMMU's queue reports error after error");
		dmah_amdvi_ring(amdvi);
		return;
	}
	if (!amdvi->refusals || amdvi->refused_at != head) {
		amdvi->refused_at = head;
		amdvi->refusals = 1;
		*report =
			(struct hw_report){ "the IOMMU refused a command; its first half", at[0] };
		widen(amdvi, at);
	} else if (++amdvi->refusals > REFUSALS) {
		fail_locked(amdvi, report, "the IOMMU refuses all commands of its queue");
	} else if (CMD_OP(at[0]) == OP_IOTLB && !isolate(amdvi, CMD_ID_OF(at[0]), report)) {
		fail_locked(amdvi, report, "the IOMMU's queue reports error after error");
	}
	if (amdvi->refusals <= REFUSALS)
		restart_queue(amdvi, head);
}

/* ---- looking ---- */

static void handle_event(struct dmah_amdvi *amdvi, const uint64_t *at, struct hw_report *report)
{
	switch (EVENT_CODE(at[0])) {
	case EVT_IOTLB_TIMEOUT:
		if (!isolate(amdvi, EVENT_ID(at[0]), report))
			fail_locked(amdvi, report, "the IOMMU's queue reports error after error");
		dmah_amdvi_ring(amdvi);
		break;
	case EVT_ILLEGAL_CMD:
	case EVT_CMD_ERROR:
		handle_refusal(amdvi, at[1], report);
		break;
	}
}

/* Changes that an event causes are stored before @seen: a wait that does not see the event any more sees what it changed. */
static void handle_events(struct dmah_amdvi *amdvi, struct hw_report *report)
{
	uint32_t left = amdvi->events;

	while (left--) {
		const uint64_t *at = dmah_amdvi_event(amdvi, amdvi->seen);

		if (amdvi->seen - __atomic_load_n(&amdvi->taken, __ATOMIC_RELAXED) >=
			    amdvi->events - 1 ||
		    !__atomic_load_n(&at[0], __ATOMIC_ACQUIRE))
			return;
		handle_event(amdvi, at, report);
		__atomic_store_n(&amdvi->seen, amdvi->seen + 1, __ATOMIC_RELEASE);
	}
}

/*
 * A log that has overflowed may have lost that a device did not answer: no wait for a command to a device is confirmed, nor
 * one for another command before it. The log goes on when all that is in it was taken, or at once where a device was asked:
 * the next one that does not answer must not be missed.
 */
static void handle_overflow(struct dmah_amdvi *amdvi)
{
	bool all = amdvi->seen == __atomic_load_n(&amdvi->taken, __ATOMIC_RELAXED);
	uint64_t asked = amdvi->asked;

	if (asked) {
		__atomic_store_n(&amdvi->marks.lost_after, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&amdvi->marks.lost_until, asked, __ATOMIC_RELEASE);
	}
	if ((asked || all) && dmah_amdvi_log_restart(amdvi))
		__atomic_store_n(&amdvi->asked, 0, __ATOMIC_RELAXED);
}

/* Returns true where the unit works from our tables and our queue, and has done all that was posted. */
static bool has_caught_up(const struct dmah_amdvi *amdvi, uint32_t status)
{
	return amdvi_passed(amdvi) == (uint32_t)amdvi->marks.last && status & STATUS_CMDRUN &&
	       RING_INDEX(amdvi_read(amdvi, REG_CMD_HEAD)) % amdvi->entries ==
		       (amdvi->tail & (amdvi->entries - 1)) &&
	       dmah_host_read64(amdvi->regs + REG_CONTROL) == amdvi->control;
}

/*
 * Puts a unit that was slow back into service. Device table entries may have changed while nothing could be posted: the
 * hardware would go on with those that it has cached. A unit without INVALIDATE_IOMMU_ALL needs dmah_amdvi_reset().
 */
static void return_to_service(struct dmah_amdvi *amdvi)
{
	if (!(amdvi->efr & EFR_IA) || !recover(amdvi))
		return;
	dmah_amdvi_ring(amdvi);
	__atomic_store_n(&amdvi->state.failed, false, __ATOMIC_RELEASE);
}

bool dmah_amdvi_check(struct dmah_amdvi *amdvi)
{
	struct hw_report report = { 0 };
	unsigned long flags;
	uint32_t status;
	bool works;

	dmah_host_enter(&flags);
	dmah_host_lock(&amdvi->state.lock);
	status = amdvi_read(amdvi, REG_STATUS);
	if (amdvi->state.resetting || !amdvi->live) {
		;
	} else if (status == ~0u) {
		fail_locked(amdvi, &report, "the IOMMU's registers read as all ones");
	} else {
		handle_events(amdvi, &report);
		if (amdvi->asked)
			dmah_amdvi_log_spare(amdvi);
		if (status & STATUS_OVERFLOW || !(amdvi->control & CONTROL_EVTLOG))
			handle_overflow(amdvi);
		if (amdvi->state.failed && has_caught_up(amdvi, status))
			return_to_service(amdvi);
	}
	works = !amdvi->state.failed;
	dmah_host_unlock(&amdvi->state.lock);
	dmah_host_leave(flags);
	dmah_hw_make_report(&report);
	return works;
}

void dmah_amdvi_errors(struct dmah_amdvi *amdvi)
{
	(void)dmah_amdvi_check(amdvi);
}

/* ---- reset ---- */

int dmah_amdvi_reset(struct dmah_amdvi *amdvi)
{
	int err = DMAH_OK;

	if (!dmah_hw_begin_reset(&amdvi->state))
		return DMAH_EBUSY;
	if (amdvi->enabled) {
		err = dmah_amdvi_stop(amdvi);
		if (!err)
			err = dmah_amdvi_start(amdvi);
	}
	amdvi->refusals = 0;
	dmah_hw_end_reset(&amdvi->state, err);
	return err;
}
