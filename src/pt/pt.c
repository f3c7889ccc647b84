/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "pt/pt.h"

void dmah_pt_clean(const struct pt *pt, const uint64_t *first, unsigned int n)
{
	uint64_t line = pt->cache_line;
	dmah_phys_t start = dmah_host_virt_to_phys(first), end = start + n * sizeof(*first);

	start &= ~(line - 1);
	end = (end + line - 1) & ~(line - 1);
	dmah_host_cache(DMAH_CACHE_CLEAN, start, end - start);
}
