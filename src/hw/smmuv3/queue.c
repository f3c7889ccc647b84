/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The command queue (Arm IHI 0070, sections 3.5 and 4).
 *
 * Positions in the queue are counted in 64 bits and never wrap; the hardware sees their low bits. A ticket is the position
 * behind a CMD_SYNC. The ticket is done when CMDQ_CONS has passed it: other commands may be consumed before they are
 * complete, but a CMD_SYNC is consumed only when all before it are complete (section 4.7.3). CMDQ_CONS is polled, rather
 * than a word of memory to which CMD_SYNC can write as an MSI: that is optional (IDR0.MSI), QEMU's model does not have it,
 * and one read of CMDQ_CONS tells about every ticket.
 *
 * Commands are posted under the unit's lock. A wait takes no lock: @cons is a lower bound that every reader moves up.
 * Nothing here waits with the lock held, nor inside dmah_host_enter().
 */
#include "hw/smmuv3/smmuv3.h"

/*
 * The register is read as a distance from a position that was behind it already: should many commands pass between the
 * two reads, too little is seen and never too much. The fence orders the read before all that relies on it: entries that
 * are written again, and memory that the device no longer reaches.
 */
uint64_t dmah_smmuv3_progress(struct dmah_smmuv3 *smmu)
{
	uint64_t before = __atomic_load_n(&smmu->cons, __ATOMIC_ACQUIRE), seen = before, now;
	uint32_t cons = smmuv3_read(smmu, REG_CMDQ_CONS);

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	/* No index is all ones: the unit is gone, and has done nothing. */
	if (cons == ~0u)
		return before;
	now = before + ((cons - (uint32_t)before) & smmuv3_index_mask(smmu));
	/* Beyond what was posted: the unit has lost its registers, and has done nothing. */
	if (now > __atomic_load_n(&smmu->prod, __ATOMIC_ACQUIRE))
		return before;
	while (seen < now && !__atomic_compare_exchange_n(&smmu->cons, &seen, now, false,
							  __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		;
	return now;
}

/* ---- waiting ---- */

/* Returns true when all before @ticket is done. @redo_ticket stands for tickets up to @redo_until: see error.c. */
static bool passed(struct dmah_smmuv3 *smmu, uint64_t ticket)
{
	while (__atomic_load_n(&smmu->cons, __ATOMIC_ACQUIRE) >= ticket ||
	       dmah_smmuv3_progress(smmu) >= ticket) {
		if (ticket > __atomic_load_n(&smmu->redo_until, __ATOMIC_ACQUIRE))
			return true;
		ticket = __atomic_load_n(&smmu->redo_ticket, __ATOMIC_RELAXED);
	}
	return false;
}

/* Returns true where a command in front of @ticket was lost. */
static bool is_lost(const struct dmah_smmuv3 *smmu, uint64_t ticket)
{
	uint64_t until = __atomic_load_n(&smmu->lost_until, __ATOMIC_ACQUIRE);

	return ticket <= until && ticket > __atomic_load_n(&smmu->lost_from, __ATOMIC_RELAXED);
}

int dmah_smmuv3_wait(struct dmah_smmuv3 *smmu, uint64_t ticket)
{
	uint64_t begun = 0;
	bool late = false;

	while (!passed(smmu, ticket) && !is_lost(smmu, ticket)) {
		if (late) {
			dmah_smmuv3_fail(smmu, "the SMMU does not confirm commands in time");
			break;
		}
		/* The register that was just read cannot tell an error from a command that takes its time. */
		late = dmah_hw_late(smmu->timeout, &begun);
		if (!dmah_smmuv3_check(smmu))
			break;
		dmah_host_relax();
	}
	return passed(smmu, ticket) && !is_lost(smmu, ticket) ? DMAH_OK : DMAH_ETIMEDOUT;
}

/* ---- posting ---- */

void dmah_smmuv3_put(struct dmah_smmuv3 *smmu, uint64_t first, uint64_t second)
{
	uint64_t *entry = smmuv3_slot(smmu, smmu->prod);

	entry[0] = first;
	entry[1] = second;
	/* Waits read it without the lock. */
	__atomic_store_n(&smmu->prod, smmu->prod + 1, __ATOMIC_RELEASE);
}

bool dmah_smmuv3_has_room(struct dmah_smmuv3 *smmu, unsigned int n)
{
	uint64_t size = 1ull << smmu->cmdq_log2, end = smmu->prod + n;

	return end <= __atomic_load_n(&smmu->cons, __ATOMIC_ACQUIRE) + size ||
	       end <= dmah_smmuv3_progress(smmu) + size;
}

/* Commands without a CMD_SYNC behind them, where an erratum limits them. */
#define UNSYNCED 63u

/* Returns true where a CMD_SYNC must come before @n more commands (errata.c). The CMD_SYNC of their own ticket counts too. */
static bool needs_sync(const struct dmah_smmuv3 *smmu, unsigned int n)
{
	return smmu->features & SMMUV3_SYNC_63 && smmu->prod - smmu->synced + n > UNSYNCED;
}

static void put_sync(struct dmah_smmuv3 *smmu)
{
	dmah_smmuv3_put(smmu, OP_SYNC, 0);
	smmu->synced = smmu->prod;
}

/* Call with the lock held. Return: 0, DMAH_EBUSY (no room now), DMAH_ETIMEDOUT (the unit has failed). */
static int put_all(struct dmah_smmuv3 *smmu, const struct smmuv3_cmd *cmd, unsigned int n,
		   uint64_t *ticket)
{
	bool early;

	if (smmu->state.failed)
		return DMAH_ETIMEDOUT;
	if (!n && ticket && smmu->synced == smmu->prod) {
		*ticket = smmu->synced;
		return DMAH_OK;
	}
	early = needs_sync(smmu, n);
	if (!dmah_smmuv3_has_room(smmu, n + (ticket ? 1 : 0) + early + SMMUV3_SPARE))
		return DMAH_EBUSY;
	if (early)
		put_sync(smmu);
	for (unsigned int i = 0; i < n; i++)
		dmah_smmuv3_put(smmu, cmd[i].word[0], cmd[i].word[1]);
	if (ticket) {
		put_sync(smmu);
		*ticket = smmu->synced;
	}
	smmu->commands += n;
	/* The register's write is ordered after the entries'. */
	smmuv3_write(smmu, REG_CMDQ_PROD, (uint32_t)smmu->prod & smmuv3_index_mask(smmu));
	return DMAH_OK;
}

int dmah_smmuv3_try_post(struct dmah_smmuv3 *smmu, const struct smmuv3_cmd *cmd, unsigned int n,
			 uint64_t *ticket)
{
	int err;

	dmah_host_lock(&smmu->state.lock);
	err = put_all(smmu, cmd, n, ticket);
	dmah_host_unlock(&smmu->state.lock);
	return err;
}

/* One turn of a wait for room. Return: 0: try again; DMAH_ETIMEDOUT. */
static int await_room(struct dmah_smmuv3 *smmu, uint64_t *begun, bool *late)
{
	if (*late) {
		dmah_smmuv3_fail(smmu, "the SMMU takes no commands from its queue");
		return DMAH_ETIMEDOUT;
	}
	if (!dmah_smmuv3_check(smmu))
		return DMAH_ETIMEDOUT;
	*late = dmah_hw_late(smmu->timeout, begun);
	dmah_host_relax();
	return DMAH_OK;
}

int dmah_smmuv3_post(struct dmah_smmuv3 *smmu, const struct smmuv3_cmd *cmd, unsigned int n,
		     uint64_t *ticket)
{
	uint64_t begun = 0;
	unsigned long flags;
	bool late = false;
	int err;

	if (hw_failed(&smmu->state) && !dmah_smmuv3_check(smmu))
		return DMAH_ETIMEDOUT;
	for (;;) {
		dmah_host_enter(&flags);
		err = dmah_smmuv3_try_post(smmu, cmd, n, ticket);
		dmah_host_leave(flags);
		if (err != DMAH_EBUSY)
			return err;
		if (await_room(smmu, &begun, &late))
			return DMAH_ETIMEDOUT;
	}
}

static bool room_now(struct dmah_smmuv3 *smmu)
{
	unsigned long flags;
	bool room;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	room = dmah_smmuv3_has_room(smmu, SMMUV3_ROOM + SMMUV3_SPARE);
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	return room;
}

int dmah_smmuv3_make_room(struct dmah_smmuv3 *smmu)
{
	uint64_t begun = 0;
	bool late = false;

	if (hw_failed(&smmu->state) && !dmah_smmuv3_check(smmu))
		return DMAH_ETIMEDOUT;
	while (!room_now(smmu))
		if (await_room(smmu, &begun, &late))
			return DMAH_ETIMEDOUT;
	return DMAH_OK;
}

int dmah_smmuv3_run(struct dmah_smmuv3 *smmu, const struct smmuv3_cmd *cmd, unsigned int n)
{
	uint64_t ticket;
	int err = dmah_smmuv3_post(smmu, cmd, n, &ticket);

	return err ? err : dmah_smmuv3_wait(smmu, ticket);
}
