/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Shared by the drivers of all IOMMUs: tags, memory for tables and queues, marks in a queue, and units that have failed.
 */
#ifndef DMAH_SRC_HW_UNIT_H
#define DMAH_SRC_HW_UNIT_H

#include <dmah/iommu.h>

/* ---- tags: by them the hardware tells what it has cached of which domain ---- */

/**
 * dmah_hw_tag_alloc() - take the lowest free tag.
 * @tags: tags in use, a bit each; @n: how many there are.
 * @lock: held while the bits change.
 * @tag: set.
 *
 * Context: outside dmah_host_enter(). Return: 0, DMAH_ENOSPC.
 */
int dmah_hw_tag_alloc(uint64_t *tags, uint32_t n, struct dmah_lock *lock, uint32_t *tag);

/** dmah_hw_tag_free() - release a tag of dmah_hw_tag_alloc(). */
void dmah_hw_tag_free(uint64_t *tags, struct dmah_lock *lock, uint32_t tag);

/** hw_tag_taken() - Returns true for a tag that is in use. Tag 0 never is. */
static inline bool hw_tag_taken(const uint64_t *tags, uint32_t n, uint32_t tag)
{
	return tag && tag < n && tags[tag / 64] >> tag % 64 & 1;
}

/* ---- memory ---- */

/**
 * dmah_hw_area_alloc() - allocate zeroed memory for tables or a queue, aligned to its size.
 * @area: set; @cpu is NULL after an error.
 * @size: a power of 2.
 * @bits: of the addresses that the unit can reach.
 * @coherent: the unit reads through the CPU's caches.
 *
 * Return: 0, DMAH_ENOMEM.
 */
int dmah_hw_area_alloc(struct dmah_unit_area *area, size_t size, unsigned int bits, bool coherent);

/** dmah_hw_area_free() - release an area, if there is one. */
void dmah_hw_area_free(struct dmah_unit_area *area);

/* ---- time ---- */

/** dmah_hw_late() - Returns true when @timeout nanoseconds have passed since *@begun, which the first call sets. */
bool dmah_hw_late(uint64_t timeout, uint64_t *begun);

/* ---- units that do not answer ---- */

/** struct hw_report - a report to be made when the lock is free; @text NULL: none. */
struct hw_report {
	const char *text;
	uint64_t value;
};

/** dmah_hw_fail_locked() - remember that the unit has failed, and set @report if that is news. Context: @state->lock is held. */
void dmah_hw_fail_locked(struct dmah_unit_state *state, struct hw_report *report, const char *text,
			 uint64_t value);

/** dmah_hw_make_report() - make a report, if there is one. Context: no lock is held. */
void dmah_hw_make_report(const struct hw_report *report);

/** dmah_hw_fail() - remember that the unit has failed, and report so once. @value: a register. */
void dmah_hw_fail(struct dmah_unit_state *state, const char *text, uint64_t value);

/** dmah_hw_begin_reset() - take the unit out of service. Returns false where another CPU resets it. */
bool dmah_hw_begin_reset(struct dmah_unit_state *state);

/** dmah_hw_end_reset() - put the unit back into service; with an error @err it stays failed. */
void dmah_hw_end_reset(struct dmah_unit_state *state, int err);

static inline bool hw_failed(const struct dmah_unit_state *state)
{
	return __atomic_load_n(&state->failed, __ATOMIC_ACQUIRE);
}

/* ---- marks ---- */

/* Lets waits for marks up to @until wait for @ticket instead. */
static inline void hw_marks_redo(struct dmah_unit_marks *m, uint64_t until, uint64_t ticket)
{
	__atomic_store_n(&m->redo_ticket, ticket, __ATOMIC_RELAXED);
	__atomic_store_n(&m->redo_until, until, __ATOMIC_RELEASE);
}

/* Confirms nothing that waits for a mark behind @after and up to the last one posted. */
static inline void hw_marks_lose(struct dmah_unit_marks *m, uint64_t after)
{
	__atomic_store_n(&m->lost_after, after, __ATOMIC_RELAXED);
	__atomic_store_n(&m->lost_until, m->last, __ATOMIC_RELEASE);
}

/*
 * Confirms nothing that waits for a mark between the last one passed and here: nobody knows what the command was. @status: 32
 * bits of the number of the last mark that the hardware has passed.
 */
static inline void hw_marks_lose_open(struct dmah_unit_marks *m, uint32_t status)
{
	hw_marks_lose(m, m->lost_until ? m->lost_after
				       : m->last - (uint32_t)((uint32_t)m->last - status));
}

/* Returns true where a command in front of @ticket was lost. Call after a look at the hardware's number. */
static inline bool hw_marks_lost(const struct dmah_unit_marks *m, uint64_t ticket)
{
	uint64_t until = __atomic_load_n(&m->lost_until, __ATOMIC_ACQUIRE);

	return ticket <= until && ticket > __atomic_load_n(&m->lost_after, __ATOMIC_RELAXED);
}

/*
 * Returns true when the hardware, whose number is *@status, has passed @ticket. After an error of the queue the numbers of
 * marks up to @redo_until prove nothing: @redo_ticket stands for them. The error handler stores both before it lets the
 * hardware go on, so that a number which the hardware wrote afterwards is never seen without @redo_until. A mark's number is
 * written with 32 bits, so no wait may come 2^31 marks late.
 */
static inline bool hw_marks_passed(const struct dmah_unit_marks *m, const uint32_t *status,
				   uint64_t ticket)
{
	while ((int32_t)(__atomic_load_n(status, __ATOMIC_ACQUIRE) - (uint32_t)ticket) >= 0) {
		if (ticket > __atomic_load_n(&m->redo_until, __ATOMIC_ACQUIRE))
			return true;
		ticket = __atomic_load_n(&m->redo_ticket, __ATOMIC_RELAXED);
	}
	return false;
}

#endif /* DMAH_SRC_HW_UNIT_H */
