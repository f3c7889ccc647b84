// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Syncs. An operation is one dmah_sync_for_cpu() of a whole mapping. For a bounced DMAH_TO_DEVICE mapping it does everything
 * but the copy, and so shows the cost of finding the slot.
 */
#include "cases.h"
#include "memory.h"

#include <string.h>

static inline void sync_op(struct work *w, struct buffer *s, dmah_phys_t page)
{
	uint32_t len = w->size;

	__asm__ volatile("" : "+r"(len) : "r"(page), "r"(s) : "memory");
	if (LIKELY_NOT(dmah_sync_for_cpu(w->dev, &s->h, 0, len)))
		w->failed++;
}

WORK_RUN(run_sync, sync_op)

/* Checks that a sync copies the device's bytes from the slot, and only for a direction that wants it. */
static const char *check_copy(struct work *w)
{
	struct buffer *s = &w->buffers[w->k & w->mask];
	uint8_t *buf = memory_at(s->page), *slot = memory_at(dmah_addr(&s->h));
	bool copies = dmah_direction(&s->h) == DMAH_FROM_DEVICE;
	uint8_t was = buf[w->size - 1], now = (uint8_t)(was + 1);

	if (dmah_addr(&s->h) - w->m->pool.phys >= w->m->pool.size)
		return "a mapping did not bounce";
	slot[w->size - 1] = now;
	if (dmah_sync_for_cpu(w->dev, &s->h, 0, w->size))
		return "a sync failed";
	if (buf[w->size - 1] != (copies ? now : was))
		return "a sync copied against the direction, or did not copy";
	slot[w->size - 1] = was;
	buf[w->size - 1] = was;
	return handles_check(w);
}

static const char *check_maintained(struct work *w)
{
	uint64_t before = memory_maintained();

	if (dmah_sync_for_cpu(w->dev, &w->buffers[0].h, 0, w->size))
		return "a sync failed";
	if (memory_maintained() - before != w->size)
		return "a sync did not maintain the lines that it should";
	return handles_check(w);
}

#define SYNC_CASE(id, its_name, its_what, its_check, ...)      \
	const struct bench_case id = { .name = its_name,       \
				       .what = its_what,       \
				       .needs = NEEDS_MACHINE, \
				       .fill = handles_fill,   \
				       .run = run_sync,        \
				       .drain = handles_drain, \
				       .check = its_check,     \
				       .no_maps = true,        \
				       __VA_ARGS__ }

SYNC_CASE(case_sync_nothing, "sync-nothing", "sync, coherent device: nothing to do", handles_check,
	  .dir = DMAH_FROM_DEVICE);
SYNC_CASE(case_sync_noncoherent, "sync-noncoherent",
	  "sync, device that is not coherent; cache maintenance is counted, not done",
	  check_maintained, .noncoherent = true);
SYNC_CASE(case_sync_bounced, "sync-bounced", "sync of a bounced mapping, without the copy",
	  check_copy, .dir = DMAH_TO_DEVICE, .pool = true);
SYNC_CASE(case_sync_bounced_copy, "sync-bounced-copy", "sync of a bounced mapping, with the copy",
	  check_copy, .dir = DMAH_FROM_DEVICE, .pool = true);
SYNC_CASE(case_sync_untrusted, "sync-untrusted",
	  "sync, untrusted device, whole granules, not bounced", handles_check, .untrusted = true,
	  .pool = true);
SYNC_CASE(case_sync_untrusted_bounced, "sync-untrusted-bounced",
	  "sync, untrusted device, bounced part of a granule, without the copy", handles_check,
	  .dir = DMAH_TO_DEVICE, .untrusted = true, .pool = true);
