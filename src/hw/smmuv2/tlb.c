/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * TLB maintenance (Arm IHI 0062, sections 9.6, 16.6): an invalidation is a write to a register, and takes effect some time
 * later. A sync, of a context bank or of the unit, is active until all invalidations are done that were written before it.
 *
 * A ticket is the number of invalidations that were written. One sync is active at a time, and covers those that had been
 * written when it began; a wait for a later ticket begins another one. Nothing here waits with the lock held.
 */
#include "hw/smmuv2/smmuv2.h"

#define GRANULE_SHIFT 12
#define GRANULE_MASK  ((1ull << GRANULE_SHIFT) - 1)
/* Granules that are named one by one; more are forgotten with all of the domain. */
#define SINGLES 16u

/* ---- invalidations; the lock is held ---- */

/* Counts what was written, to @bank or SMMUV2_GLOBAL: a sync of one bank is enough where no other has been written to. */
static void written(struct dmah_smmuv2 *smmu, int bank)
{
	smmu->posted++;
	smmu->commands++;
	smmu->dirty = smmu->dirty == SMMUV2_NOTHING || smmu->dirty == bank ? bank : SMMUV2_GLOBAL;
}

void dmah_smmuv2_forget(struct dmah_smmuv2 *smmu, unsigned int bank)
{
	if (smmuv2_has(smmu, SMMUV2_STAGE2)) {
		dmah_host_write32(dmah_smmuv2_global(smmu, GR_TLBIVMID), smmuv2_number(smmu, bank));
		written(smmu, SMMUV2_GLOBAL);
		return;
	}
	dmah_host_write32(dmah_smmuv2_context(smmu, bank, CB_TLBIASID), smmuv2_number(smmu, bank));
	written(smmu, (int)bank);
}

void dmah_smmuv2_forget_all(struct dmah_smmuv2 *smmu)
{
	dmah_host_write32(dmah_smmuv2_global(smmu, GR_TLBIALL), 0);
	written(smmu, SMMUV2_GLOBAL);
}

/* Invalidates a granule of stage 1. The last level alone can be named from version 2 on. */
static void forget_va(const struct dmah_smmuv2 *smmu, unsigned int bank, dmah_addr_t iova,
		      bool tables)
{
	bool last = !tables && smmuv2_has(smmu, SMMUV2_VERSION_2);
	volatile uint8_t *reg = dmah_smmuv2_context(smmu, bank, last ? CB_TLBIVAL : CB_TLBIVA);
	uint32_t asid = smmuv2_number(smmu, bank);

	if (smmuv2_has(smmu, SMMUV2_VA64))
		dmah_host_write64(reg, iova >> GRANULE_SHIFT | TTBR_ASID(asid));
	else
		dmah_host_write32(reg, (uint32_t)iova | asid);
}

static void forget_ipa(const struct dmah_smmuv2 *smmu, unsigned int bank, dmah_addr_t iova,
		       bool tables)
{
	volatile uint8_t *reg =
		dmah_smmuv2_context(smmu, bank, tables ? CB_TLBIIPAS2 : CB_TLBIIPAS2L);

	if (smmuv2_has(smmu, SMMUV2_VA64))
		dmah_host_write64(reg, iova >> GRANULE_SHIFT);
	else
		dmah_host_write32(reg, (uint32_t)(iova >> GRANULE_SHIFT));
}

/* Version 1 cannot name an address of stage 2. */
static bool can_name(const struct dmah_smmuv2 *smmu, uint64_t granules)
{
	return granules && granules <= SINGLES &&
	       (!smmuv2_has(smmu, SMMUV2_STAGE2) || smmuv2_has(smmu, SMMUV2_VERSION_2));
}

static int invalidate(struct dmah_smmuv2 *smmu, unsigned int bank, dmah_addr_t iova,
		      uint64_t granules, bool tables)
{
	if (!can_name(smmu, granules)) {
		dmah_smmuv2_forget(smmu, bank);
		return 1;
	}
	for (uint64_t i = 0; i < granules; i++, iova += GRANULE_MASK + 1) {
		if (smmuv2_has(smmu, SMMUV2_STAGE2))
			forget_ipa(smmu, bank, iova, tables);
		else
			forget_va(smmu, bank, iova, tables);
		written(smmu, (int)bank);
	}
	return (int)granules;
}

int dmah_smmuv2_op_invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova,
			      uint64_t size, bool tables, uint64_t *ticket)
{
	struct dmah_smmuv2 *smmu = smmuv2_of(iommu);
	uint64_t edge = iova & GRANULE_MASK,
		 granules = size ? (edge + size + GRANULE_MASK) >> GRANULE_SHIFT : 0;
	int n = DMAH_ETIMEDOUT;
	unsigned long flags;

	if (hw_failed(&smmu->state) && !dmah_smmuv2_check(smmu))
		return DMAH_ETIMEDOUT;
	/* The entries that were changed are seen by walks that begin after the invalidation. */
	dmah_host_wmb();
	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	if (!smmu->state.failed) {
		n = invalidate(smmu, smmuv2_bank_of(tag), iova - edge, granules, tables);
		if (ticket)
			*ticket = smmu->posted;
	}
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	return n;
}

int dmah_smmuv2_op_fence(struct dmah_iommu *iommu, uint64_t *ticket)
{
	struct dmah_smmuv2 *smmu = smmuv2_of(iommu);
	unsigned long flags;
	int err;

	if (hw_failed(&smmu->state) && !dmah_smmuv2_check(smmu))
		return DMAH_ETIMEDOUT;
	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	*ticket = smmu->posted;
	err = smmu->state.failed ? DMAH_ETIMEDOUT : DMAH_OK;
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	return err;
}

/* ---- syncs ---- */

static volatile uint8_t *status_of(const struct dmah_smmuv2 *smmu)
{
	return smmu->syncing == SMMUV2_GLOBAL
		       ? dmah_smmuv2_global(smmu, GR_TLBGSTATUS)
		       : dmah_smmuv2_context(smmu, (unsigned int)smmu->syncing, CB_TLBSTATUS);
}

static void begin_sync(struct dmah_smmuv2 *smmu)
{
	smmu->syncing = smmu->dirty == SMMUV2_NOTHING ? SMMUV2_GLOBAL : smmu->dirty;
	smmu->dirty = SMMUV2_NOTHING;
	smmu->covers = smmu->posted;
	smmu->syncs++;
	smmu->bank_syncs += smmu->syncing >= 0;
	if (smmu->syncing == SMMUV2_GLOBAL)
		dmah_host_write32(dmah_smmuv2_global(smmu, GR_TLBGSYNC), 0);
	else
		dmah_host_write32(
			dmah_smmuv2_context(smmu, (unsigned int)smmu->syncing, CB_TLBSYNC), 0);
}

/* Returns true where no sync is active, after a look at the register. All ones are no answer. */
static bool is_idle(struct dmah_smmuv2 *smmu)
{
	if (smmu->syncing == SMMUV2_NOTHING)
		return true;
	if (dmah_host_read32(status_of(smmu)) & STATUS_ACTIVE)
		return false;
	smmu->syncing = SMMUV2_NOTHING;
	__atomic_store_n(&smmu->synced, smmu->covers, __ATOMIC_RELEASE);
	return true;
}

static bool reached(const struct dmah_smmuv2 *smmu, uint64_t ticket)
{
	return __atomic_load_n(&smmu->synced, __ATOMIC_ACQUIRE) >= ticket;
}

/* Moves towards @ticket by what takes no time. Call with the lock held. */
static bool advance(struct dmah_smmuv2 *smmu, uint64_t ticket)
{
	if (reached(smmu, ticket))
		return true;
	if (is_idle(smmu) && !reached(smmu, ticket)) {
		begin_sync(smmu);
		(void)is_idle(smmu);
	}
	return reached(smmu, ticket);
}

static bool turn(struct dmah_smmuv2 *smmu, uint64_t ticket, bool even_failed)
{
	unsigned long flags;
	bool done;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	done = smmu->state.failed && !even_failed ? reached(smmu, ticket) : advance(smmu, ticket);
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	return done;
}

int dmah_smmuv2_op_wait(struct dmah_iommu *iommu, uint64_t ticket)
{
	struct dmah_smmuv2 *smmu = smmuv2_of(iommu);
	uint64_t begun = 0;
	bool late = false;

	while (!turn(smmu, ticket, false)) {
		if (hw_failed(&smmu->state) && !dmah_smmuv2_check(smmu))
			return DMAH_ETIMEDOUT;
		if (late) {
			dmah_smmuv2_fail(smmu, "the SMMU does not complete invalidations in time");
			return DMAH_ETIMEDOUT;
		}
		late = dmah_hw_late(smmu->timeout, &begun);
		/* A unit that is gone is not waited for. */
		if (dmah_host_read32(dmah_smmuv2_global(smmu, GR_TLBGSTATUS)) == ~0u)
			(void)dmah_smmuv2_check(smmu);
		dmah_host_relax();
	}
	return DMAH_OK;
}

bool dmah_smmuv2_op_done(struct dmah_iommu *iommu, uint64_t ticket)
{
	return reached(smmuv2_of(iommu), ticket);
}

int dmah_smmuv2_sync(struct dmah_smmuv2 *smmu)
{
	uint64_t ticket;
	int err = dmah_smmuv2_op_fence(&smmu->iommu, &ticket);

	return err ? err : dmah_smmuv2_op_wait(&smmu->iommu, ticket);
}

int dmah_smmuv2_settle(struct dmah_smmuv2 *smmu)
{
	uint64_t begun = 0;
	bool late = false;

	while (!turn(smmu, smmu->posted, true)) {
		if (late)
			return DMAH_ETIMEDOUT;
		late = dmah_hw_late(smmu->timeout, &begun);
		dmah_host_relax();
	}
	return DMAH_OK;
}
