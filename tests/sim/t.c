// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "t.h"

/* The simulator uses the addresses of these alone. */
struct dmah_pt_format {
	int nothing;
};
const struct dmah_pt_format dmah_pt_vtd_ss;
const struct dmah_pt_format dmah_pt_vtd_fs;
const struct dmah_pt_format dmah_pt_lpae_s1;
const struct dmah_pt_format dmah_pt_lpae_s2;

unsigned int t_misuses;
const char *t_misuse;

static void count(void *ctx, const char *what)
{
	(void)ctx;
	__atomic_fetch_add(&t_misuses, 1, __ATOMIC_RELAXED);
	t_misuse = what;
}

void t_count_misuse(bool on)
{
	t_misuses = 0;
	t_misuse = NULL;
	posix_set_misuse(on ? count : NULL, NULL);
}
