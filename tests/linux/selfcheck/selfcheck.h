/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DMAH_SELFCHECK_H
#define DMAH_SELFCHECK_H

/** host_silent - reports of the library are expected, and not printed (host.c). */
extern bool host_silent;

/** host_cache_calls - calls of dmah_host_cache(). */
extern unsigned int host_cache_calls;

#endif /* DMAH_SELFCHECK_H */
