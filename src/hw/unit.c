/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "hw/unit.h"

#include <dmah/host.h>

/* ---- tags ---- */

int dmah_hw_tag_alloc(uint64_t *tags, uint32_t n, struct dmah_lock *lock, uint32_t *tag)
{
	uint32_t words = (n + 63) / 64, i = 0;
	int err = DMAH_ENOSPC;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(lock);
	while (i < words && !~tags[i])
		i++;
	if (i < words) {
		*tag = i * 64 + (uint32_t)__builtin_ctzll(~tags[i]);
		err = *tag < n ? DMAH_OK : DMAH_ENOSPC;
	}
	if (!err)
		tags[i] |= 1ull << *tag % 64;
	dmah_host_unlock(lock);
	dmah_host_leave(flags);
	return err;
}

void dmah_hw_tag_free(uint64_t *tags, struct dmah_lock *lock, uint32_t tag)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(lock);
	tags[tag / 64] &= ~(1ull << tag % 64);
	dmah_host_unlock(lock);
	dmah_host_leave(flags);
}

/* ---- memory ---- */

int dmah_hw_area_alloc(struct dmah_unit_area *area, size_t size, unsigned int bits, bool coherent)
{
	dmah_phys_t limit = (1ull << bits) - 1;
	size_t skip;
	char *cpu;

	/* The host aligns to pages. A larger area is cut out of twice as much. */
	size = size < DMAH_PAGE_SIZE ? DMAH_PAGE_SIZE : size;
	area->size = size > DMAH_PAGE_SIZE ? 2 * size : size;
	cpu = dmah_host_mem_alloc(area->size, limit, coherent ? 0 : DMAH_ALLOC_UNCACHED,
				  &area->whole);
	if (!cpu) {
		area->cpu = NULL;
		return DMAH_ENOMEM;
	}
	skip = (size_t)(-area->whole & (size - 1));
	area->cpu = (uint64_t *)(void *)(cpu + skip);
	area->phys = area->whole + skip;
	return DMAH_OK;
}

void dmah_hw_area_free(struct dmah_unit_area *area)
{
	if (area->cpu)
		dmah_host_mem_free(area->whole, area->size);
	area->cpu = NULL;
}

/* ---- time ---- */

bool dmah_hw_late(uint64_t timeout, uint64_t *begun)
{
	uint64_t now = dmah_host_now();

	if (!*begun)
		*begun = now;
	/* A wait that has moved to another CPU may read a clock that is behind the first one's. */
	return now > *begun && now - *begun > timeout;
}

/* ---- units that do not answer ---- */

void dmah_hw_fail_locked(struct dmah_unit_state *state, struct hw_report *report, const char *text,
			 uint64_t value)
{
	/* A reset says itself how it ended. */
	if (!state->failed && !state->resetting)
		*report = (struct hw_report){ text, value };
	__atomic_store_n(&state->failed, true, __ATOMIC_RELEASE);
}

void dmah_hw_make_report(const struct hw_report *report)
{
	if (report->text)
		dmah_host_report(NULL, DMAH_ETIMEDOUT, report->text, report->value, NULL);
}

void dmah_hw_fail(struct dmah_unit_state *state, const char *text, uint64_t value)
{
	struct hw_report report = { 0 };
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&state->lock);
	dmah_hw_fail_locked(state, &report, text, value);
	dmah_host_unlock(&state->lock);
	dmah_host_leave(flags);
	dmah_hw_make_report(&report);
}

/* ---- reset ---- */

bool dmah_hw_begin_reset(struct dmah_unit_state *state)
{
	unsigned long flags;
	bool first;

	dmah_host_enter(&flags);
	dmah_host_lock(&state->lock);
	first = !state->resetting;
	state->resetting = true;
	__atomic_store_n(&state->failed, true, __ATOMIC_RELEASE);
	dmah_host_unlock(&state->lock);
	dmah_host_leave(flags);
	return first;
}

void dmah_hw_end_reset(struct dmah_unit_state *state, int err)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&state->lock);
	state->resetting = false;
	__atomic_store_n(&state->failed, err != DMAH_OK, __ATOMIC_RELEASE);
	dmah_host_unlock(&state->lock);
	dmah_host_leave(flags);
}
