/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DMAH_LINUX_HOST_CACHE_H
#define DMAH_LINUX_HOST_CACHE_H

#include <linux/types.h>

/**
 * host_cache() - clean CPU cache lines to the point of coherency.
 * @cpu: first byte, in any mapping of the kernel's.
 * @len: bytes.
 * @invalidate: and drop them.
 *
 * Complete on return. Return: lines.
 */
u64 host_cache(void *cpu, size_t len, bool invalidate);

#endif /* DMAH_LINUX_HOST_CACHE_H */
