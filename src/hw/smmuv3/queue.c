/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The command queue (Arm IHI 0070, sections 3.5 and 4), and what GERROR says of it (section 7.1).
 *
 * Positions in the queue are counted in 64 bits and never wrap; the hardware sees their low bits. A ticket is the
 * position behind a CMD_SYNC, and it is done when CMDQ_CONS has passed that: a command that was consumed need not be
 * complete, but a CMD_SYNC is consumed only when all before it are (section 4.7.3). CMDQ_CONS is polled, rather than a
 * word of memory to which CMD_SYNC can write as an MSI: that is optional (IDR0.MSI), QEMU's model has it not, and with
 * CONS one read tells of every ticket.
 *
 * Posting is under the unit's lock. Waiting takes none: @cons is a lower bound that whoever looks moves up.
 */
#include "hw/smmuv3/smmuv3.h"

static uint64_t queue_size(const struct dmah_smmuv3 *smmu)
{
	return 1ull << smmu->cmdq_log2;
}

/* An index register holds a wrap bit above the index. */
static uint32_t index_mask(const struct dmah_smmuv3 *smmu)
{
	return (2u << smmu->cmdq_log2) - 1;
}

static uint64_t *slot(const struct dmah_smmuv3 *smmu, uint64_t pos)
{
	return smmu->cmdq.cpu + 2 * (pos & (queue_size(smmu) - 1));
}

/*
 * How far the hardware is. The register is read as a distance from a position that was behind it already: should many
 * commands pass between the two reads, too little is seen and never too much.
 */
static uint64_t progress(struct dmah_smmuv3 *smmu)
{
	uint64_t before = __atomic_load_n(&smmu->cons, __ATOMIC_ACQUIRE), seen, now;

	now = before + ((smmuv3_read(smmu, REG_CMDQ_CONS) - (uint32_t)before) & index_mask(smmu));
	seen = before;
	while (seen < now && !__atomic_compare_exchange_n(&smmu->cons, &seen, now, false,
							  __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		;
	return now;
}

/* ---- errors ---- */

/* Whoever waits for something between a command that is lost and here is told; under the lock. */
static void fail_tickets(struct dmah_smmuv3 *smmu, uint64_t pos)
{
	if (!smmu->lost_until)
		__atomic_store_n(&smmu->lost_from, pos, __ATOMIC_RELAXED);
	__atomic_store_n(&smmu->lost_until, smmu->prod, __ATOMIC_RELEASE);
}

/*
 * A command that the hardware does not know is replaced, since the queue begins again with it. A TLB invalidation by one
 * that does more, so that those who wait for it are not deceived. In place of all else comes a CMD_SYNC, and they are
 * told.
 */
static void patch_command(struct dmah_smmuv3 *smmu, uint64_t pos)
{
	uint64_t *entry = slot(smmu, pos);
	uint32_t op = (uint32_t)entry[0] & 0xff;

	dmah_host_report(NULL, DMAH_ETIMEDOUT, "the SMMU refused a command; its first word",
			 entry[0], NULL);
	if (op >= OP_TLBI_FIRST && op <= OP_TLBI_LAST && op != OP_TLBI_NSNH_ALL) {
		entry[0] = OP_TLBI_NSNH_ALL;
	} else {
		entry[0] = OP_SYNC;
		fail_tickets(smmu, pos);
	}
	entry[1] = 0;
	dmah_host_wmb();
}

/* Return: whether the queue can go on. */
static bool command_error(struct dmah_smmuv3 *smmu)
{
	uint64_t pos = progress(smmu);

	__atomic_add_fetch(&smmu->refused, 1, __ATOMIC_RELAXED);
	switch (CONS_ERR(smmuv3_read(smmu, REG_CMDQ_CONS))) {
	case CERROR_ILL:
		patch_command(smmu, pos);
		return true;
	case CERROR_ATC_SYNC:
		/* The CMD_SYNC is done again, without the device that did not answer. */
		dmah_host_report(NULL, DMAH_ETIMEDOUT,
				 "a device did not invalidate its TLB in time", 0, NULL);
		fail_tickets(smmu, pos);
		return true;
	}
	/* Memory that cannot be read now will not be read better later: every wait runs into its time-out. */
	dmah_host_report(NULL, DMAH_ETIMEDOUT, "the SMMU cannot read its command queue",
			 smmu->cmdq.phys, NULL);
	smmu->stopped = true;
	return false;
}

/* Under the lock. An error is active while its bits in GERROR and GERRORN differ (section 6.3.19). */
static void handle_gerror(struct dmah_smmuv3 *smmu, uint32_t active)
{
	if (active & GERROR_CMDQ && !command_error(smmu))
		active &= ~GERROR_CMDQ;
	if (active & GERROR_EVTQ)
		__atomic_add_fetch(&smmu->events_lost, 1, __ATOMIC_RELEASE);
	if (active & GERROR_SFM) {
		dmah_host_report(NULL, DMAH_ETIMEDOUT, "the SMMU is in service failure mode",
				 active, NULL);
		smmu->lost_from = 0;
		__atomic_store_n(&smmu->lost_until, UINT64_MAX, __ATOMIC_RELEASE);
	}
	smmu->gerrorn ^= active;
	smmuv3_write(smmu, REG_GERRORN, smmu->gerrorn);
}

/* Inside dmah_host_enter(). */
static void check_gerror(struct dmah_smmuv3 *smmu)
{
	uint32_t active;

	dmah_host_lock(&smmu->lock);
	/* Another CPU may have been here first. */
	active = smmuv3_read(smmu, REG_GERROR) ^ smmu->gerrorn;
	if (smmu->stopped)
		active &= ~GERROR_CMDQ;
	if (active)
		handle_gerror(smmu, active);
	dmah_host_unlock(&smmu->lock);
}

static void check_errors(struct dmah_smmuv3 *smmu, bool entered)
{
	unsigned long flags;

	if (smmuv3_read(smmu, REG_GERROR) == __atomic_load_n(&smmu->gerrorn, __ATOMIC_RELAXED))
		return;
	if (entered) {
		check_gerror(smmu);
		return;
	}
	dmah_host_enter(&flags);
	check_gerror(smmu);
	dmah_host_leave(flags);
}

void dmah_smmuv3_errors(struct dmah_smmuv3 *smmu)
{
	check_errors(smmu, false);
}

/* ---- waiting ---- */

/* @begun: when the wait began, 0 for now; it may be for several positions, one after the other. */
static bool reach(struct dmah_smmuv3 *smmu, uint64_t pos, uint64_t *begun, bool entered)
{
	while (progress(smmu) < pos) {
		uint64_t now = dmah_host_now();

		check_errors(smmu, entered);
		*begun = *begun ? *begun : now;
		if (now - *begun >= smmu->timeout)
			return progress(smmu) >= pos;
		dmah_host_relax();
	}
	return true;
}

static bool is_lost(const struct dmah_smmuv3 *smmu, uint64_t ticket)
{
	uint64_t until = __atomic_load_n(&smmu->lost_until, __ATOMIC_ACQUIRE);

	return ticket <= until && ticket > __atomic_load_n(&smmu->lost_from, __ATOMIC_RELAXED);
}

int dmah_smmuv3_wait(struct dmah_smmuv3 *smmu, uint64_t ticket)
{
	uint64_t begun = 0;

	if (__atomic_load_n(&smmu->cons, __ATOMIC_ACQUIRE) < ticket &&
	    !reach(smmu, ticket, &begun, false))
		return DMAH_ETIMEDOUT;
	return is_lost(smmu, ticket) ? DMAH_ETIMEDOUT : DMAH_OK;
}

/* ---- posting ---- */

static void put(struct dmah_smmuv3 *smmu, uint64_t first, uint64_t second)
{
	uint64_t *entry = slot(smmu, smmu->prod++);

	entry[0] = first;
	entry[1] = second;
}

/* Under the lock. Return: 0, or the position that the hardware must reach before there is room. */
static uint64_t put_all(struct dmah_smmuv3 *smmu, const struct smmuv3_cmd *cmd, unsigned int n,
			uint64_t *ticket)
{
	uint64_t end = smmu->prod + n + (ticket ? 1 : 0);

	if (!n && ticket && smmu->synced == smmu->prod) {
		*ticket = smmu->synced;
		return 0;
	}
	if (end > __atomic_load_n(&smmu->cons, __ATOMIC_ACQUIRE) + queue_size(smmu))
		return end - queue_size(smmu);
	for (unsigned int i = 0; i < n; i++)
		put(smmu, cmd[i].word[0], cmd[i].word[1]);
	if (ticket) {
		put(smmu, OP_SYNC, 0);
		*ticket = smmu->synced = smmu->prod;
	}
	smmu->commands += n;
	/* The register's write is ordered after the entries'. */
	smmuv3_write(smmu, REG_CMDQ_PROD, (uint32_t)smmu->prod & index_mask(smmu));
	return 0;
}

/* Inside dmah_host_enter(). Return: as put_all(). */
static uint64_t try_put(struct dmah_smmuv3 *smmu, const struct smmuv3_cmd *cmd, unsigned int n,
			uint64_t *ticket)
{
	uint64_t room;

	dmah_host_lock(&smmu->lock);
	room = put_all(smmu, cmd, n, ticket);
	dmah_host_unlock(&smmu->lock);
	return room;
}

int dmah_smmuv3_post(struct dmah_smmuv3 *smmu, const struct smmuv3_cmd *cmd, unsigned int n,
		     uint64_t *ticket)
{
	uint64_t begun = 0, room;
	unsigned long flags;

	for (;;) {
		dmah_host_enter(&flags);
		room = try_put(smmu, cmd, n, ticket);
		dmah_host_leave(flags);
		if (!room)
			return DMAH_OK;
		/* Another may take the room; but the wait has one end for all turns. */
		if (!reach(smmu, room, &begun, false))
			return DMAH_ETIMEDOUT;
	}
}

int dmah_smmuv3_post_entered(struct dmah_smmuv3 *smmu, const struct smmuv3_cmd *cmd, unsigned int n)
{
	uint64_t begun = 0, room;

	while ((room = try_put(smmu, cmd, n, NULL)) != 0)
		if (!reach(smmu, room, &begun, true))
			return DMAH_ETIMEDOUT;
	return DMAH_OK;
}

int dmah_smmuv3_run(struct dmah_smmuv3 *smmu, const struct smmuv3_cmd *cmd, unsigned int n)
{
	uint64_t ticket;
	int err = dmah_smmuv3_post(smmu, cmd, n, &ticket);

	return err ? err : dmah_smmuv3_wait(smmu, ticket);
}
