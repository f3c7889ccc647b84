// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "work.h"

#include <string.h>

#include "cases.h"
#include "memory.h"
#include "walk.h"

const struct bench_case *const cases[] = {
	&case_harness,
	&case_harness_sync,
	&case_floor,
	&case_linux_arm,
	&case_linux_vtd,
	&case_linux_sync,
	&case_linux_sg1,
	&case_linux_sg8,
	&case_linux_sg128,
	&case_linux_direct,
	&case_linux_bounce,
	&case_linux_bounced_sync,
	&case_linux73_arm,
	&case_linux73_vtd,
	&case_linux73_sync,
	&case_linux73_sg1,
	&case_linux73_sg8,
	&case_linux73_sg128,
	&case_linux73_link1,
	&case_linux73_link8,
	&case_linux73_link128,
	&case_linux73_direct,
	&case_linux73_bounce,
	&case_linux73_bounced_sync,
	&case_address_rbtree,
	&case_address_walk,
	&case_address_directory,
	&case_page,
	&case_handle,
	&case_replace,
	&case_batch,
	&case_ring,
	&case_ring32,
	&case_sync_nothing,
	&case_sync_noncoherent,
	&case_sync_bounced,
	&case_sync_bounced_copy,
	&case_sync_untrusted,
	&case_sync_untrusted_bounced,
	&case_vec1,
	&case_vec8,
	&case_vec128,
	NULL,
};

const struct bench_case *case_named(const char *name)
{
	for (unsigned int i = 0; cases[i]; i++)
		if (!strcmp(cases[i]->name, name))
			return cases[i];
	return NULL;
}

/* Checks that a mapping leads to a bounce slot, and that the slot has the buffer's bytes. */
static const char *check_bounced(const struct work *w, dmah_phys_t page, dmah_phys_t at,
				 uint64_t len)
{
	if (at - w->m->pool.phys >= w->m->pool.size)
		return "a mapping did not bounce";
	return memcmp(memory_at(page), memory_at(at), len) ? "a bounce slot has other bytes" : NULL;
}

const char *work_check_buffer(struct work *w, const struct buffer *s, dmah_addr_t dma, uint64_t len)
{
	bool bounces = w->c->untrusted && (s->page | len) & 4095;
	uint64_t steps = 0;

	switch (w->m->config.kind) {
	case MACHINE_DIRECT:
		return dma == s->page ? NULL : "a DMA address is not the physical one";
	case MACHINE_BOUNCE:
		return check_bounced(w, s->page, dma, len);
	case MACHINE_XEN:
		return dma == machine_xen_bus(s->page) ? NULL
						       : "a DMA address is not the machine's";
	case MACHINE_VTD:
	case MACHINE_LPAE:
		break;
	default:
		return "no such machine";
	}
	if ((dma ^ s->page) & 4095)
		return "a DMA address has lost its offset";
	/* Check the first byte of the buffer in each granule. */
	for (uint64_t at = 0; at < len; at += 4096 - ((dma + at) & 4095)) {
		dmah_phys_t phys = walk(&w->m->pt, dma + at, &steps);

		if (bounces)
			return check_bounced(w, s->page, phys, len);
		if (phys != s->page + at)
			return "a DMA address leads to another page";
	}
	return NULL;
}
