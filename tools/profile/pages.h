/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* How often each page was mapped by each device: a hash table that grows. */
#ifndef DMAH_TOOLS_PROFILE_PAGES_H
#define DMAH_TOOLS_PROFILE_PAGES_H

#include <stdint.h>

struct page_count {
	uint64_t page; /* number + 1, 0 is free */
	uint32_t device, maps;
};

/** struct pages - zero is empty */
struct pages {
	struct page_count *slots;
	uint64_t nr, cap;
};

/** pages_add() - count a map of a page; Returns how often the device has mapped it now. */
uint32_t pages_add(struct pages *p, uint32_t device, uint64_t page);

void pages_free(struct pages *p);

#endif
