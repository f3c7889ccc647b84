/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Starting a unit and stopping one (section 3.4.2, Control Register). The rings that are on may be a previous owner's:
 * firmware's, or those of a kernel before kexec. They are stopped, and nothing is written to their memory.
 *
 * A unit takes no commands before it translates. So nothing is posted before dmah_amdvi_start(), which lets it forget
 * everything that it may have cached.
 */
#include "hw/amdvi/amdvi.h"

/* Commands that are posted in one piece. */
#define PIECE 8u

void dmah_amdvi_control(struct dmah_amdvi *amdvi, uint64_t clear, uint64_t set)
{
	amdvi->control = (amdvi->control & ~clear) | set;
	amdvi_write(amdvi, REG_CONTROL, amdvi->control);
}

/* Return: 0; DMAH_ETIMEDOUT, also where the register reads as all ones. */
static int await_stopped(const struct dmah_amdvi *amdvi)
{
	uint64_t begun = 0;
	bool late = false;
	uint32_t status;

	while ((status = amdvi_read(amdvi, REG_STATUS)) & (STATUS_CMDRUN | STATUS_EVTRUN)) {
		if (late || status == ~0u)
			return DMAH_ETIMEDOUT;
		late = dmah_hw_late(amdvi->timeout, &begun);
		dmah_host_relax();
	}
	return DMAH_OK;
}

/* Translation stays as it is. Interrupts end, and logs of guests, of which the library has none. */
int dmah_amdvi_stop(struct dmah_amdvi *amdvi)
{
	uint64_t control = dmah_host_read64(amdvi->regs + REG_CONTROL);

	if (control == ~0ull)
		return DMAH_ETIMEDOUT;
	amdvi_write(amdvi, REG_CONTROL, control & CONTROL_KEPT);
	return await_stopped(amdvi);
}

/* ---- starting ---- */

/* The exponent of the longest time-out for devices that is at most half of the driver's own. */
static unsigned int device_timeout(uint64_t timeout_ns)
{
	unsigned int n = 1;

	for (uint64_t ns = 10000000; n < 6 && ns <= timeout_ns / 2; ns *= 10)
		n++;
	return n;
}

/* One write puts our table in place of the old one, where the unit translates already. */
static void switch_over(struct dmah_amdvi *amdvi)
{
	uint64_t irq = amdvi->control & CONTROL_EVTINT;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&amdvi->state.lock);
	amdvi->head = amdvi->tail = 0;
	amdvi_write(amdvi, REG_CMDBUF,
		    amdvi->queue_phys | RING_LOG2(__builtin_ctz(amdvi->entries)));
	amdvi_write(amdvi, REG_CMD_HEAD, 0);
	amdvi_write(amdvi, REG_CMD_TAIL, 0);
	/* Marks of the rings of before are not confirmed. */
	__atomic_store_n(&amdvi->marks.lost_after, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&amdvi->marks.lost_until, amdvi->live ? amdvi->marks.last : 0,
			 __ATOMIC_RELEASE);
	dmah_host_lock(&amdvi->faults);
	dmah_amdvi_log_program(amdvi);
	dmah_host_unlock(&amdvi->faults);
	amdvi_write(amdvi, REG_DEVTAB,
		    amdvi->devtab_phys | DEVTAB_PAGES(amdvi->ids / DTE_PER_PAGE));
	amdvi->control = 0;
	dmah_amdvi_control(amdvi, 0,
			   CONTROL_IOMMU | CONTROL_CMDBUF | CONTROL_EVTLOG | irq | amdvi->link |
				   amdvi->irq_control |
				   CONTROL_INVTO(device_timeout(amdvi->timeout)));
	__atomic_store_n(&amdvi->live, true, __ATOMIC_RELEASE);
	__atomic_store_n(&amdvi->state.failed, false, __ATOMIC_RELEASE);
	dmah_host_unlock(&amdvi->state.lock);
	dmah_host_leave(flags);
}

static struct amdvi_command about(unsigned int op, uint32_t number)
{
	if (op == OP_PAGES)
		return dmah_amdvi_pages(number, 0, 0, true);
	return op == OP_DEVTAB ? amdvi_devtab(number) : amdvi_interrupts(number);
}

/* Posts a command of @op for each device or domain from 0 to @n - 1. Return: 0, DMAH_ETIMEDOUT. */
static int post_each(struct dmah_amdvi *amdvi, unsigned int op, uint32_t n)
{
	struct amdvi_command c[PIECE];
	unsigned int have = 0;
	int err = DMAH_OK;

	for (uint32_t i = 0; !err && i < n; i++) {
		c[have++] = about(op, i);
		if (have == PIECE || i == n - 1) {
			err = dmah_amdvi_post(amdvi, c, have, NULL);
			have = 0;
		}
	}
	return err;
}

/*
 * Forget everything. Each device is named, though INVALIDATE_IOMMU_ALL includes them all: QEMU's model goes on letting a
 * device through until its entry is invalidated.
 */
int dmah_amdvi_forget_all(struct dmah_amdvi *amdvi)
{
	const struct amdvi_command all = { CMD(OP_ALL), 0 }, fence = amdvi_fence();
	int err = post_each(amdvi, OP_DEVTAB, amdvi->ids);

	if (!err)
		err = dmah_amdvi_post(amdvi, &fence, 1, NULL);
	if (!err && !(amdvi->efr & EFR_IA))
		err = post_each(amdvi, OP_PAGES, DMAH_AMDVI_DOMAINS);
	if (!err && !(amdvi->efr & EFR_IA))
		err = post_each(amdvi, OP_INTERRUPTS, amdvi->ids);
	return err ? err : dmah_amdvi_done(amdvi, &all, amdvi->efr & EFR_IA ? 1 : 0);
}

int dmah_amdvi_start(struct dmah_amdvi *amdvi)
{
	int err;

	switch_over(amdvi);
	err = dmah_amdvi_forget_all(amdvi);
	if (err)
		return err;
	/* A range that an owner of before kept from translation: our tables say what is to be reached. */
	amdvi_write(amdvi, REG_EXCL_BASE, 0);
	amdvi_write(amdvi, REG_EXCL_LIMIT, 0);
	return DMAH_OK;
}
