/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Units that do not answer, have lost their registers, or are gone, and how they come back into service. Every call answers
 * DMAH_ETIMEDOUT at once for a unit that has failed, after one look at its registers.
 */
#include "hw/smmuv2/smmuv2.h"

#define ALL_ONES "the SMMU's registers read as all ones"

static const char *fail_locked(struct dmah_smmuv2 *smmu, const char *text)
{
	const char *news = smmu->failed ? NULL : text;

	__atomic_store_n(&smmu->failed, true, __ATOMIC_RELEASE);
	return news;
}

static void make_report(const struct dmah_smmuv2 *smmu, const char *text)
{
	if (text)
		dmah_host_report(NULL, DMAH_ETIMEDOUT, text,
				 dmah_host_read32(dmah_smmuv2_global(smmu, GR_CR0)), NULL);
}

void dmah_smmuv2_fail(struct dmah_smmuv2 *smmu, const char *text)
{
	const char *news;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->lock);
	news = fail_locked(smmu, text);
	dmah_host_unlock(&smmu->lock);
	dmah_host_leave(flags);
	make_report(smmu, news);
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
	__atomic_store_n(&smmu->failed, false, __ATOMIC_RELEASE);
}

static const char *look(struct dmah_smmuv2 *smmu)
{
	uint32_t cr0 = dmah_host_read32(dmah_smmuv2_global(smmu, GR_CR0));

	if (cr0 == ~0u)
		return fail_locked(smmu, ALL_ONES);
	/* Power-on sets CLIENTPD: all streams are let through. */
	if (!dmah_smmuv2_is_ours(cr0))
		return fail_locked(smmu, "the SMMU has lost its registers");
	if (smmu->failed && answers(smmu))
		return_to_service(smmu);
	return NULL;
}

bool dmah_smmuv2_check(struct dmah_smmuv2 *smmu)
{
	const char *news = NULL;
	unsigned long flags;
	bool works;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->lock);
	if (!smmu->resetting)
		news = look(smmu);
	works = !smmu->failed;
	dmah_host_unlock(&smmu->lock);
	dmah_host_leave(flags);
	make_report(smmu, news);
	return works;
}

/* ---- reset ---- */

static bool begin_reset(struct dmah_smmuv2 *smmu)
{
	unsigned long flags;
	bool first;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->lock);
	first = !smmu->resetting;
	smmu->resetting = true;
	__atomic_store_n(&smmu->failed, true, __ATOMIC_RELEASE);
	dmah_host_unlock(&smmu->lock);
	dmah_host_leave(flags);
	return first;
}

static void end_reset(struct dmah_smmuv2 *smmu, int err)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->lock);
	smmu->resetting = false;
	__atomic_store_n(&smmu->failed, err != DMAH_OK, __ATOMIC_RELEASE);
	dmah_host_unlock(&smmu->lock);
	dmah_host_leave(flags);
}

/* Banks before the streams that lead to them, and the streams before the unit translates. */
static void write_all(struct dmah_smmuv2 *smmu)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->lock);
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
	dmah_host_unlock(&smmu->lock);
	dmah_host_leave(flags);
}

int dmah_smmuv2_reset(struct dmah_smmuv2 *smmu)
{
	int err = DMAH_ETIMEDOUT;
	unsigned long flags;

	if (!begin_reset(smmu))
		return DMAH_EBUSY;
	if (dmah_host_read32(dmah_smmuv2_global(smmu, GR_CR0)) != ~0u) {
		dmah_smmuv2_unlock(smmu);
		dmah_smmuv2_faults_clear(smmu);
		write_all(smmu);
		err = dmah_smmuv2_settle(smmu);
	}
	/* From here on streams are translated. */
	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->lock);
	if (!err)
		dmah_smmuv2_irq_write(smmu);
	dmah_host_unlock(&smmu->lock);
	dmah_host_leave(flags);
	end_reset(smmu, err);
	return err;
}
