/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Registers that answer later (section 11.4.4, Global Command Register).
 *
 * Global commands are under way one at a time. The unit's lock is held only to write one; the command that is under way
 * is kept in the unit, so that whoever wants to write the next can see from the status register alone that it may, even
 * where the CPU that wrote the last one was interrupted.
 */
#include "hw/vtd/vtd.h"

int dmah_vtd_wait_reg(const struct dmah_vtd *vtd, uint32_t reg, uint32_t mask, uint32_t value)
{
	uint64_t begun = 0;
	bool late = false;
	uint32_t now;

	/* No register of these can be all ones: the unit is gone. */
	while ((now = vtd_read(vtd, reg)) == ~0u || (now & mask) != value) {
		if (late || now == ~0u)
			return DMAH_ETIMEDOUT;
		late = dmah_hw_late(vtd->timeout, &begun);
		dmah_host_relax();
	}
	return DMAH_OK;
}

/* Writes the command unless another is under way. Returns false then. */
static bool try_gcmd(struct dmah_vtd *vtd, uint32_t bit, bool on, uint32_t expect)
{
	unsigned long flags;
	uint32_t now;
	bool idle;

	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->state.lock);
	now = vtd_read(vtd, REG_GSTS);
	idle = (now & vtd->gcmd_mask) == vtd->gcmd_value && now != ~0u;
	if (idle) {
		now &= GSTS_STICKY;
		vtd_write(vtd, REG_GCMD, on ? now | bit : now & ~bit);
		vtd->gcmd_mask = bit;
		vtd->gcmd_value = expect;
	}
	dmah_host_unlock(&vtd->state.lock);
	dmah_host_leave(flags);
	return idle;
}

static int command(struct dmah_vtd *vtd, uint32_t bit, bool on, uint32_t expect)
{
	uint64_t begun = 0;
	bool late = false;

	while (!try_gcmd(vtd, bit, on, expect)) {
		if (late)
			return DMAH_ETIMEDOUT;
		late = dmah_hw_late(vtd->timeout, &begun);
		dmah_host_relax();
	}
	return dmah_vtd_wait_reg(vtd, REG_GSTS, bit, expect);
}

int dmah_vtd_gcmd(struct dmah_vtd *vtd, uint32_t bit, bool on)
{
	return command(vtd, bit, on, on ? bit : 0);
}

int dmah_vtd_flush_writes(struct dmah_vtd *vtd)
{
	int err;

	if (!(vtd->cap & CAP_RWBF))
		return DMAH_OK;
	err = command(vtd, GCMD_WBF, true, 0);
	if (err)
		dmah_vtd_fail(vtd, "the IOMMU does not flush its write buffer");
	return err;
}
