/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Units that do not answer, have lost their registers, or are gone, and how they come back into service. Every call answers
 * DMAH_ETIMEDOUT at once for a unit that has failed, after one look at its registers.
 */
#include "hw/smmuv2/smmuv2.h"

#define ALL_ONES "the SMMU's registers read as all ones"

void dmah_smmuv2_fail(struct dmah_smmuv2 *smmu, const char *text)
{
	dmah_hw_fail(&smmu->state, text, dmah_host_read32(dmah_smmuv2_global(smmu, GR_CR0)));
}

/* Returns true where the sync that was late, if any, is over. */
static bool answers(const struct dmah_smmuv2 *smmu)
{
	if (smmu->syncing >= 0 &&
	    dmah_host_read32(dmah_smmuv2_context(smmu, (unsigned int)smmu->syncing, CB_TLBSTATUS)) &
		    STATUS_ACTIVE)
		return false;
	return !(dmah_host_read32(dmah_smmuv2_global(smmu, GR_TLBGSTATUS)) & STATUS_ACTIVE);
}

/*
 * Puts a unit that was slow back into service. Streams may have been blocked while nothing could be waited for, and banks
 * were not written then: everything is invalidated, and every wait that comes waits for that.
 */
static void return_to_service(struct dmah_smmuv2 *smmu)
{
	smmu->syncing = SMMUV2_NOTHING;
	dmah_smmuv2_forget_all(smmu);
	for (unsigned int bank = 0; bank < smmu->nbanks; bank++)
		dmah_smmuv2_write_stale(smmu, bank);
	__atomic_store_n(&smmu->state.failed, false, __ATOMIC_RELEASE);
}

static void look(struct dmah_smmuv2 *smmu, struct hw_report *report)
{
	uint32_t cr0 = dmah_host_read32(dmah_smmuv2_global(smmu, GR_CR0));

	if (cr0 == ~0u)
		dmah_hw_fail_locked(&smmu->state, report, ALL_ONES, cr0);
	else if (!dmah_smmuv2_is_ours(cr0))
		/* Power-on sets CLIENTPD: all streams are let through. */
		dmah_hw_fail_locked(&smmu->state, report, "the SMMU has lost its registers", cr0);
	else if (smmu->state.failed && answers(smmu))
		return_to_service(smmu);
}

bool dmah_smmuv2_check(struct dmah_smmuv2 *smmu)
{
	struct hw_report report = { 0 };
	unsigned long flags;
	bool works;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	if (!smmu->state.resetting)
		look(smmu, &report);
	works = !smmu->state.failed;
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	dmah_hw_make_report(&report);
	return works;
}

/* ---- reset ---- */

/* Banks before the streams that lead to them, and the streams before the unit translates. */
static void write_all(struct dmah_smmuv2 *smmu)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	smmu->syncing = SMMUV2_NOTHING;
	for (unsigned int n = 0; n < smmu->nstreams; n++)
		dmah_host_write32(dmah_smmuv2_global(smmu, GR_S2CR(n)), S2CR_OF(S2CR_FAULT, 0));
	for (unsigned int bank = 0; bank < smmu->nbanks; bank++) {
		smmu->bank[bank].stale = false;
		if (smmu->bank[bank].streams)
			dmah_smmuv2_bank_write(smmu, bank);
	}
	dmah_smmuv2_streams_write(smmu);
	dmah_smmuv2_forget_all(smmu);
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
}

int dmah_smmuv2_reset(struct dmah_smmuv2 *smmu)
{
	int err = DMAH_ETIMEDOUT;
	unsigned long flags;

	if (!dmah_hw_begin_reset(&smmu->state))
		return DMAH_EBUSY;
	if (dmah_host_read32(dmah_smmuv2_global(smmu, GR_CR0)) != ~0u) {
		dmah_smmuv2_unlock(smmu);
		dmah_smmuv2_faults_clear(smmu);
		write_all(smmu);
		err = dmah_smmuv2_settle(smmu);
	}
	/* From here on streams are translated. */
	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	if (!err)
		dmah_smmuv2_irq_write(smmu);
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	dmah_hw_end_reset(&smmu->state, err);
	return err;
}
