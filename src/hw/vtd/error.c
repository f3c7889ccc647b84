/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Errors of the invalidation queue (section 6.5.2.10, Invalidation Queue Considerations; 11.4.9.9, Invalidation Queue
 * Error Record Register), units that do not answer, and how a unit comes back into service.
 *
 * A command that was refused (IQE) is replaced by one that does more. A device that did not answer (ITE) is blocked;
 * everything is invalidated once, and all waits go on until that is confirmed. Neither costs anybody else anything. A unit
 * that stays silent is remembered as failed. Every call answers DMAH_ETIMEDOUT at once then, after one look at its
 * registers: a unit that was merely slow, and has caught up, is back in service.
 */
#include "hw/vtd/vtd.h"

/* Commands that recover() posts. */
#define RECOVERY 7u
/* A unit that refuses the same command more often has failed. */
#define REFUSALS 4u

static void fail_locked(struct dmah_vtd *vtd, struct hw_report *report, const char *text)
{
	dmah_hw_fail_locked(&vtd->state, report, text, vtd_read(vtd, REG_FSTS));
}

void dmah_vtd_fail(struct dmah_vtd *vtd, const char *text)
{
	dmah_hw_fail(&vtd->state, text, vtd_read(vtd, REG_FSTS));
}

/* ---- a device that does not answer ---- */

static bool is_passed_mark(const struct dmah_vtd *vtd, const uint64_t *at)
{
	return QI_TYPE(at[0]) == QI_WAIT && at[1] == vtd->status_phys &&
	       (int32_t)((uint32_t)(at[0] >> 32) - vtd_status(vtd)) <= 0;
}

/*
 * Finds the last device that was asked before position @head and has not been confirmed. Units without IQERCD_REG do not
 * say which device it is; the fence before each such command leaves only one.
 */
static bool find_silent(const struct dmah_vtd *vtd, uint32_t head, uint32_t *id)
{
	uint32_t n = vtd->entries - 1 - (vtd->tail - head);

	*id = IQERCD_ITESID(dmah_host_read64(vtd->regs + REG_IQERCD));
	if (*id)
		return true;
	while (n--) {
		const uint64_t *at = vtd_slot(vtd, --head);

		if (is_passed_mark(vtd, at))
			return false;
		*id = QI_SID_OF(at[0]);
		if (QI_TYPE(at[0]) == QI_DEVTLB)
			return true;
	}
	return false;
}

/* Blocks a device and takes its commands out of the queue. */
static void isolate(struct dmah_vtd *vtd, uint32_t head, uint32_t id, struct hw_report *report)
{
	const struct vtd_command noop = dmah_vtd_noop(vtd);

	if (dmah_vtd_block_silent(vtd, id))
		*report = (struct hw_report){
			"a device did not invalidate its TLB: it is blocked; its requester id", id
		};
	for (; head != vtd->tail; head++) {
		uint64_t *at = vtd_slot(vtd, head);

		if (QI_TYPE(at[0]) != QI_DEVTLB || QI_SID_OF(at[0]) != id)
			continue;
		at[0] = noop.lo;
		at[1] = noop.hi;
	}
}

/* ---- recovery ---- */

/*
 * Invalidates everything, which stands for every command of before, and lets all waits that are under way wait for that.
 * A context entry that was cleared is forgotten before the cache of PASID entries and the IOTLB are emptied, or they would
 * be filled through it.
 */
static bool recover(struct dmah_vtd *vtd)
{
	uint64_t until = vtd->marks.last;

	if (!dmah_vtd_has_room(vtd, RECOVERY))
		return false;
	dmah_vtd_put(vtd, (struct vtd_command){ QI_CONTEXT | QI_CONTEXT_ALL, 0 });
	dmah_vtd_put(vtd, dmah_vtd_fence(vtd));
	if (vtd->scalable) {
		dmah_vtd_put(vtd, (struct vtd_command){ QI_PASID | QI_PASID_ALL, 0 });
		dmah_vtd_put(vtd, dmah_vtd_fence(vtd));
	}
	dmah_vtd_put(vtd, (struct vtd_command){ QI_IOTLB | QI_IOTLB_ALL, 0 });
	if (vtd->irq_table.n)
		dmah_vtd_put(vtd, (struct vtd_command){ QI_IEC, 0 });
	hw_marks_redo(&vtd->marks, until, dmah_vtd_put_mark(vtd));
	return true;
}

/*
 * Puts a command that does more in place of a refused one, at the same position: a device's TLB behind it would be filled
 * again from what the refused command should have removed.
 */
static void widen(struct dmah_vtd *vtd, uint64_t *at)
{
	struct vtd_command c = { QI_IOTLB | QI_IOTLB_ALL, 0 };

	switch (QI_TYPE(at[0])) {
	case QI_WAIT:
		return;
	case QI_CONTEXT:
		c.lo = QI_CONTEXT | QI_CONTEXT_ALL;
		break;
	case QI_DEVTLB:
		c = dmah_vtd_devtlb(QI_SID_OF(at[0]), 0, 0);
		break;
	case QI_PASID:
		c.lo = QI_PASID | QI_PASID_ALL;
		break;
	case QI_IEC:
		c.lo = QI_IEC;
		break;
	case QI_IOTLB:
	case QI_PIOTLB:
		break;
	default:
		hw_marks_lose_open(&vtd->marks, vtd_status(vtd));
	}
	at[0] = c.lo;
	at[1] = c.hi;
}

/* Returns true where a device was blocked for it, which must be confirmed. */
static bool handle_refusal(struct dmah_vtd *vtd, uint32_t head, struct hw_report *report)
{
	uint64_t *at = vtd_slot(vtd, head);

	if (!vtd->refusals || vtd->refused_at != head) {
		vtd->refused_at = head;
		vtd->refusals = 1;
		*report =
			(struct hw_report){ "the IOMMU refused a command; its first half", at[0] };
		widen(vtd, at);
		return false;
	}
	if (++vtd->refusals > REFUSALS)
		fail_locked(vtd, report, "the IOMMU refuses all commands of its queue");
	if (QI_TYPE(at[0]) != QI_DEVTLB)
		return false;
	isolate(vtd, head, QI_SID_OF(at[0]), report);
	return true;
}

static void handle_error(struct dmah_vtd *vtd, uint32_t error, struct hw_report *report)
{
	uint32_t iqh = vtd_read(vtd, REG_IQH), id, head;
	bool again = error & FSTS_ITE;

	if (iqh == ~0u) {
		fail_locked(vtd, report, "the IOMMU's registers read as all ones");
		return;
	}
	head = vtd->tail - ((vtd->tail - (iqh >> vtd->iq_shift)) & (vtd->entries - 1));
	vtd->head = head;
	if (error & FSTS_ITE && find_silent(vtd, head, &id))
		isolate(vtd, head, id, report);
	if (error & FSTS_IQE)
		again |= handle_refusal(vtd, head, report);
	if (again && !recover(vtd))
		fail_locked(vtd, report, "the IOMMU's queue reports error after error");
	vtd_write(vtd, REG_FSTS, error);
	vtd_write(vtd, REG_IQT, vtd_index(vtd, vtd->tail));
}

/* Returns true where the unit works from our tables and our queue, and has done all that was posted. */
static bool has_caught_up(const struct dmah_vtd *vtd)
{
	uint32_t on = GCMD_QIE | (vtd->enabled ? GCMD_TE : 0) | (vtd->irq_on ? GCMD_IRE : 0);

	return vtd_status(vtd) == (uint32_t)vtd->marks.last &&
	       (vtd_read(vtd, REG_GSTS) & on) == on &&
	       vtd_read(vtd, REG_IQH) == vtd_index(vtd, vtd->tail);
}

/*
 * Puts a unit that was slow back into service. Context entries may have been cleared while nothing could be posted: the
 * hardware would go on with those that it has cached, also for requests that a device has translated itself.
 */
static void return_to_service(struct dmah_vtd *vtd)
{
	if (!recover(vtd))
		return;
	vtd_write(vtd, REG_IQT, vtd_index(vtd, vtd->tail));
	__atomic_store_n(&vtd->state.failed, false, __ATOMIC_RELEASE);
}

bool dmah_vtd_check(struct dmah_vtd *vtd)
{
	struct hw_report report = { 0 };
	unsigned long flags;
	uint32_t fsts;
	bool works;

	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->state.lock);
	fsts = vtd_read(vtd, REG_FSTS);
	if (vtd->state.resetting)
		;
	else if (fsts == ~0u)
		fail_locked(vtd, &report, "the IOMMU's registers read as all ones");
	else if (fsts & FSTS_QUEUE)
		handle_error(vtd, fsts & FSTS_QUEUE, &report);
	else if (vtd->state.failed && has_caught_up(vtd))
		return_to_service(vtd);
	works = !vtd->state.failed;
	dmah_host_unlock(&vtd->state.lock);
	dmah_host_leave(flags);
	dmah_hw_make_report(&report);
	return works;
}

void dmah_vtd_errors(struct dmah_vtd *vtd)
{
	(void)dmah_vtd_check(vtd);
}

/* ---- reset ---- */

/* Posts into the new queue, though the unit counts as failed for everybody else, and waits. */
static int invalidate_all(struct dmah_vtd *vtd)
{
	uint64_t begun = 0;
	unsigned long flags;
	bool late = false;

	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->state.lock);
	(void)recover(vtd);
	vtd_write(vtd, REG_IQT, vtd_index(vtd, vtd->tail));
	dmah_host_unlock(&vtd->state.lock);
	dmah_host_leave(flags);
	while (vtd_status(vtd) != (uint32_t)vtd->marks.last) {
		if (late)
			return DMAH_ETIMEDOUT;
		late = dmah_hw_late(vtd->timeout, &begun);
		dmah_host_relax();
	}
	return DMAH_OK;
}

static int bring_up(struct dmah_vtd *vtd)
{
	int err = dmah_vtd_queue_start(vtd, true);

	if (!err && vtd->enabled) {
		dmah_host_write64(vtd->regs + REG_RTADDR, dmah_vtd_root(vtd));
		err = dmah_vtd_gcmd(vtd, GCMD_SRTP, true);
	}
	if (!err && vtd->irq_on)
		err = dmah_vtd_irq_program(vtd);
	if (!err)
		err = invalidate_all(vtd);
	if (!err && vtd->enabled)
		err = dmah_vtd_gcmd(vtd, GCMD_TE, true);
	if (!err && vtd->irq_on)
		err = dmah_vtd_gcmd(vtd, GCMD_IRE, true);
	if (!err)
		dmah_vtd_irq_restore(vtd);
	return err;
}

/* The unit has lost the global command that was under way, if one was. */
static void forget_gcmd(struct dmah_vtd *vtd)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->state.lock);
	vtd->gcmd_mask = vtd->gcmd_value = 0;
	dmah_host_unlock(&vtd->state.lock);
	dmah_host_leave(flags);
}

int dmah_vtd_reset(struct dmah_vtd *vtd)
{
	int err;

	if (!dmah_hw_begin_reset(&vtd->state))
		return DMAH_EBUSY;
	forget_gcmd(vtd);
	err = bring_up(vtd);
	vtd->refusals = 0;
	dmah_hw_end_reset(&vtd->state, err);
	return err;
}
