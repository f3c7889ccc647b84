/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DMAH_LINUX_SELFCHECK_H
#define DMAH_LINUX_SELFCHECK_H

#include <linux/types.h>

/** host_silent - the library's reports are expected, and not printed (host.c). */
extern bool host_silent;

/** selfcheck_run() - the library's own domains, run in the kernel. Says in the log what it did. Return: 0, -EIO, -ENOMEM. */
int selfcheck_run(void);

#endif /* DMAH_LINUX_SELFCHECK_H */
