/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Errors that GERROR and CMDQ_CONS report (Arm IHI 0070, sections 6.3.19 and 7.1), units that do not answer, and how a unit
 * comes back into service.
 *
 * A command that was refused is replaced by one that does more. A device that did not answer an invalidation of its TLB is
 * blocked; everything is invalidated once, and all waits go on until that is confirmed. Neither costs anybody else
 * anything. A unit that stays silent is remembered as failed. Every call answers DMAH_ETIMEDOUT at once then, after one
 * look at its registers: a unit that was merely slow, and has caught up, is back in service.
 */
#include "hw/smmuv3/smmuv3.h"

/* Commands that recover() posts. */
#define RECOVERY 4u
/* A unit that refuses the same command more often has failed. */
#define REFUSALS 4u

#define ALL_ONES "the SMMU's registers read as all ones"

void dmah_smmuv3_fail(struct dmah_smmuv3 *smmu, const char *text)
{
	dmah_hw_fail(&smmu->state, text, smmuv3_read(smmu, REG_CMDQ_CONS));
}

/* ---- a device that does not answer ---- */

static bool is_op(const uint64_t *entry, uint32_t op)
{
	return (entry[0] & 0xff) == op;
}

static void to_sync(uint64_t *entry)
{
	entry[0] = OP_SYNC;
	entry[1] = 0;
}

/*
 * Finds the last device that was asked before the CMD_SYNC at @pos. A CMD_SYNC goes in front of every CMD_ATC_INV, so
 * there is only one between two of them.
 */
static bool find_silent(const struct dmah_smmuv3 *smmu, uint64_t pos, uint32_t *sid)
{
	uint64_t n = (1ull << smmu->cmdq_log2) - (smmu->prod - pos);

	for (; n && pos; n--) {
		uint64_t *entry = smmuv3_slot(smmu, --pos);

		if (is_op(entry, OP_SYNC))
			return false;
		*sid = (uint32_t)(entry[0] >> 32);
		if (is_op(entry, OP_ATC_INV))
			return true;
	}
	return false;
}

/* Blocks a device and takes its commands from position @pos on out of the queue. */
static void isolate(struct dmah_smmuv3 *smmu, uint64_t pos, uint32_t sid, struct hw_report *report)
{
	if (dmah_smmuv3_block_silent(smmu, sid))
		*report = (struct hw_report){
			"a device did not invalidate its TLB: it is blocked; its stream id", sid
		};
	for (; pos != smmu->prod; pos++) {
		uint64_t *entry = smmuv3_slot(smmu, pos);

		if (is_op(entry, OP_ATC_INV) && entry[0] >> 32 == sid)
			to_sync(entry);
	}
}

/* Invalidates everything, and lets all waits that are under way wait for that. Return: false: there is no room. */
static bool recover(struct dmah_smmuv3 *smmu)
{
	uint64_t until = smmu->prod;

	if (!dmah_smmuv3_has_room(smmu, RECOVERY))
		return false;
	dmah_smmuv3_put(smmu, OP_CFGI_ALL, CFGI_RANGE_ALL);
	dmah_smmuv3_put(smmu, OP_TLBI_NSNH_ALL, 0);
	/* A hypervisor that owned the unit before may have left entries. */
	if (smmu->features & SMMUV3_HYP)
		dmah_smmuv3_put(smmu, OP_TLBI_EL2_ALL, 0);
	dmah_smmuv3_put(smmu, OP_SYNC, 0);
	smmu->synced = smmu->prod;
	__atomic_store_n(&smmu->redo_ticket, smmu->prod, __ATOMIC_RELAXED);
	__atomic_store_n(&smmu->redo_until, until, __ATOMIC_RELEASE);
	return true;
}

/* ---- a command that is refused ---- */

/* No ticket from the command at @pos to @prod is confirmed: nobody knows what the command was. */
static void lose_tickets(struct dmah_smmuv3 *smmu, uint64_t pos)
{
	if (!smmu->lost_until)
		__atomic_store_n(&smmu->lost_from, pos, __ATOMIC_RELAXED);
	__atomic_store_n(&smmu->lost_until, smmu->prod, __ATOMIC_RELEASE);
}

/*
 * Puts a command that does more in place of a refused one, at the same position: a device's TLB behind it would be filled
 * again from what the refused command should have removed.
 */
static void widen(struct dmah_smmuv3 *smmu, uint64_t pos, uint64_t *entry)
{
	uint32_t op = (uint32_t)entry[0] & 0xff, sid = (uint32_t)(entry[0] >> 32);
	struct smmuv3_cmd all = dmah_smmuv3_atc_inv(sid, 0, 0);

	if (op == OP_SYNC)
		return;
	if (op == OP_CFGI_STE || op == OP_CFGI_ALL)
		all = (struct smmuv3_cmd){ { OP_CFGI_ALL, CFGI_RANGE_ALL } };
	else if (op >= OP_TLBI_FIRST && op <= OP_TLBI_LAST)
		all = (struct smmuv3_cmd){ { OP_TLBI_NSNH_ALL, 0 } };
	else if (op != OP_ATC_INV) {
		all = (struct smmuv3_cmd){ { OP_SYNC, 0 } };
		lose_tickets(smmu, pos);
	}
	entry[0] = all.word[0];
	entry[1] = all.word[1];
}

/* Returns true where a device was blocked for it, which must be confirmed. */
static bool handle_refusal(struct dmah_smmuv3 *smmu, uint64_t pos, struct hw_report *report)
{
	uint64_t *entry = smmuv3_slot(smmu, pos);

	if (!smmu->refusals || smmu->refused_at != pos) {
		smmu->refused_at = pos;
		smmu->refusals = 1;
		*report = (struct hw_report){ "the SMMU refused a command; its first word",
					      entry[0] };
		widen(smmu, pos, entry);
		return false;
	}
	if (++smmu->refusals > REFUSALS)
		dmah_hw_fail_locked(&smmu->state, report,
				    "the SMMU refuses all commands of its queue", entry[0]);
	if (!is_op(entry, OP_ATC_INV))
		return false;
	isolate(smmu, pos, (uint32_t)(entry[0] >> 32), report);
	return true;
}

/* Returns true where the queue goes on once the error is acknowledged. */
static bool command_error(struct dmah_smmuv3 *smmu, struct hw_report *report)
{
	uint64_t pos = dmah_smmuv3_progress(smmu);
	bool confirm = false;
	uint32_t sid;

	__atomic_add_fetch(&smmu->refused, 1, __ATOMIC_RELAXED);
	switch (CONS_ERR(smmuv3_read(smmu, REG_CMDQ_CONS))) {
	case CERROR_ILL:
		confirm = handle_refusal(smmu, pos, report);
		break;
	case CERROR_ATC_SYNC:
		/* The hardware executes the CMD_SYNC again, without the device that did not answer. */
		confirm = find_silent(smmu, pos, &sid);
		if (confirm)
			isolate(smmu, pos, sid, report);
		break;
	default:
		/* Memory that cannot be read now will not be read better later. */
		dmah_hw_fail_locked(&smmu->state, report, "the SMMU cannot read its command queue",
				    smmu->cmdq.phys);
		return false;
	}
	if (confirm && !recover(smmu))
		dmah_hw_fail_locked(&smmu->state, report,
				    "the SMMU's queue reports error after error", pos);
	dmah_host_wmb();
	return true;
}

/* ---- errors ---- */

/* Call with the lock held. An error is active while its bits in GERROR and GERRORN differ (section 6.3.19). */
static void handle_gerror(struct dmah_smmuv3 *smmu, uint32_t active, struct hw_report *report)
{
	if (active & GERROR_CMDQ && !command_error(smmu, report))
		active &= ~GERROR_CMDQ;
	if (active & GERROR_EVTQ)
		__atomic_add_fetch(&smmu->events_lost, 1, __ATOMIC_RELEASE);
	/* Not acknowledged: only a reset ends it. */
	if (active & GERROR_SFM) {
		dmah_hw_fail_locked(&smmu->state, report, "the SMMU is in service failure mode",
				    active);
		active &= ~GERROR_SFM;
	}
	if (!active)
		return;
	smmu->gerrorn ^= active;
	smmuv3_write(smmu, REG_GERRORN, smmu->gerrorn);
	smmuv3_write(smmu, REG_CMDQ_PROD, (uint32_t)smmu->prod & smmuv3_index_mask(smmu));
}

/* Returns true where the unit works from our tables and our queue, and has done all that was posted. */
static bool has_caught_up(struct dmah_smmuv3 *smmu)
{
	return smmuv3_read(smmu, REG_CR0ACK) == smmu->cr0 &&
	       dmah_smmuv3_progress(smmu) == smmu->prod;
}

/*
 * Puts a unit that was slow back into service. Stream table entries may have been cleared while nothing could be posted:
 * the hardware would go on with those that it has cached, also for requests that a device has translated itself.
 */
static void return_to_service(struct dmah_smmuv3 *smmu)
{
	if (!recover(smmu))
		return;
	smmuv3_write(smmu, REG_CMDQ_PROD, (uint32_t)smmu->prod & smmuv3_index_mask(smmu));
	__atomic_store_n(&smmu->state.failed, false, __ATOMIC_RELEASE);
}

static void check_locked(struct dmah_smmuv3 *smmu, struct hw_report *report)
{
	uint32_t gerror = smmuv3_read(smmu, REG_GERROR), active = gerror ^ smmu->gerrorn;

	if (smmu->state.resetting)
		return;
	if (gerror == ~0u)
		dmah_hw_fail_locked(&smmu->state, report, ALL_ONES, gerror);
	else if (active)
		handle_gerror(smmu, active, report);
	else if (smmu->state.failed && has_caught_up(smmu))
		return_to_service(smmu);
}

bool dmah_smmuv3_check(struct dmah_smmuv3 *smmu)
{
	struct hw_report report = { 0 };
	unsigned long flags;
	bool works;

	/* The usual case takes no lock. */
	if (!hw_failed(&smmu->state) &&
	    smmuv3_read(smmu, REG_GERROR) == __atomic_load_n(&smmu->gerrorn, __ATOMIC_RELAXED))
		return true;
	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	check_locked(smmu, &report);
	works = !smmu->state.failed;
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	dmah_hw_make_report(&report);
	return works;
}

void dmah_smmuv3_errors(struct dmah_smmuv3 *smmu)
{
	(void)dmah_smmuv3_check(smmu);
}

/* ---- reset ---- */

int dmah_smmuv3_confirm_all(struct dmah_smmuv3 *smmu)
{
	uint64_t begun = 0, ticket;
	unsigned long flags;
	bool late = false;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	(void)recover(smmu);
	ticket = smmu->prod;
	smmuv3_write(smmu, REG_CMDQ_PROD, (uint32_t)smmu->prod & smmuv3_index_mask(smmu));
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	while (dmah_smmuv3_progress(smmu) < ticket) {
		if (late)
			return DMAH_ETIMEDOUT;
		late = dmah_hw_late(smmu->timeout, &begun);
		dmah_host_relax();
	}
	return DMAH_OK;
}

int dmah_smmuv3_reset(struct dmah_smmuv3 *smmu)
{
	int err;

	if (!dmah_hw_begin_reset(&smmu->state))
		return DMAH_EBUSY;
	err = dmah_smmuv3_restart(smmu);
	smmu->refusals = 0;
	dmah_hw_end_reset(&smmu->state, err);
	return err;
}
