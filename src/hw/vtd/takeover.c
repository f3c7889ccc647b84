/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The invalidation queue, switched off and on. The queue that is on may be a previous owner's: firmware's, or that of a
 * kernel before kexec. Its memory may have a new owner by now, so nothing is written there unless the caller says that
 * its memory is free to write.
 */
#include "hw/vtd/vtd.h"

static unsigned int log2_up(uint64_t n)
{
	unsigned int bits = 0;

	while (bits < 63 && 1ull << bits < n)
		bits++;
	return bits;
}

/* Waits until the hardware has fetched all commands. A queue that stands still for an error is as good as empty. */
static int drain(const struct dmah_vtd *vtd)
{
	uint64_t begun = 0;
	bool late = false;

	while (vtd_read(vtd, REG_IQH) != vtd_read(vtd, REG_IQT)) {
		if (vtd_read(vtd, REG_FSTS) & FSTS_IQE)
			break;
		if (late)
			return DMAH_ETIMEDOUT;
		late = dmah_hw_late(vtd->timeout, &begun);
		dmah_host_relax();
	}
	return vtd_read(vtd, REG_IQH) == ~0u ? DMAH_ETIMEDOUT : DMAH_OK;
}

/* Takes back what the hardware did not fetch, so that the queue is empty. */
static void drop_rest(struct dmah_vtd *vtd)
{
	vtd_write(vtd, REG_IQT, vtd_read(vtd, REG_IQH));
	vtd_write(vtd, REG_FSTS, FSTS_QUEUE);
}

/*
 * Puts a mark behind the last command, or in place of one that was refused: some units switch a queue off only after a
 * mark (QEMU's model does). Commands of the previous owner may be twice as long.
 */
static int put_last_mark(struct dmah_vtd *vtd)
{
	uint64_t iqa = dmah_host_read64(vtd->regs + REG_IQA);
	const uint64_t mark[4] = { QI_WAIT | QI_WAIT_SW, vtd->status_phys + VTD_STATUS_FENCE };
	void *at;
	uint32_t width = iqa & IQA_DW ? 32 : 16, next = vtd_read(vtd, REG_IQH);
	dmah_phys_t phys = (iqa & ENTRY_ADDR) + next;

	/* The host maps bytes, aligned or not. */
	at = dmah_host_phys_map(phys, width);
	__builtin_memcpy(at, mark, width);
	dmah_host_phys_unmap(at, phys, width);
	vtd_write(vtd, REG_FSTS, FSTS_QUEUE);
	next = (next + width) & ((DMAH_PAGE_SIZE << (iqa & IQA_QS)) - 1);
	vtd_write(vtd, REG_IQT, next);
	return dmah_vtd_wait_reg(vtd, REG_IQH, ~0u, next);
}

int dmah_vtd_queue_stop(struct dmah_vtd *vtd, bool writable)
{
	int err;

	if (!(vtd_read(vtd, REG_GSTS) & GCMD_QIE))
		return DMAH_OK;
	err = drain(vtd);
	/* A queue of ours that stands still has no commands that anybody still needs. */
	if (err && writable && vtd_read(vtd, REG_IQH) != ~0u)
		err = DMAH_OK;
	if (err)
		return err;
	drop_rest(vtd);
	if (writable)
		err = put_last_mark(vtd);
	return err ? err : dmah_vtd_gcmd(vtd, GCMD_QIE, false);
}

int dmah_vtd_queue_start(struct dmah_vtd *vtd, bool writable)
{
	int err = dmah_vtd_queue_stop(vtd, writable);

	if (err)
		return err;
	vtd_write(vtd, REG_FSTS, FSTS_QUEUE);
	vtd->head = vtd->tail = 0;
	dmah_host_write64(vtd->regs + REG_IQT, 0);
	dmah_host_write64(
		vtd->regs + REG_IQA,
		vtd->queue_phys |
			log2_up(((uint64_t)vtd->entries << vtd->iq_shift) / DMAH_PAGE_SIZE) |
			(vtd->iq_shift == IQ_SHIFT_WIDE ? IQA_DW : 0));
	return dmah_vtd_gcmd(vtd, GCMD_QIE, true);
}
