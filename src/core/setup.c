/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "core/setup.h"

static bool try_begin(struct dmah_domain *dom)
{
	unsigned long flags;
	bool mine;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	mine = !dom->setup_busy;
	dom->setup_busy = true;
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	return mine;
}

void dmah_setup_begin(struct dmah_domain *dom)
{
	while (!try_begin(dom))
		dmah_host_relax();
}

void dmah_setup_end(struct dmah_domain *dom)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	dom->setup_busy = false;
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
}
