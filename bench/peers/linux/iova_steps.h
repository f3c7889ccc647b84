/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Linux's IOVA allocator by itself, with its steps counted: the tree nodes that it looks at.
 *
 * iova.sh makes a shared library of Linux's iova.c and rbtree.c, unmodified; the macro that turns a tree's node into an IOVA
 * counts. The library is under the GPL, version 2. It has one symbol: linux_iova_steps.
 */
#ifndef BENCH_PEERS_LINUX_IOVA_STEPS_H
#define BENCH_PEERS_LINUX_IOVA_STEPS_H

#include <stdint.h>

/**
 * struct linux_iova_steps - the calls of that library.
 * @version: of Linux, for example "7.3.4".
 * @steps: nodes looked at so far.
 * @create: makes a domain with caches, as a device's DMA domain has it. Returns NULL without memory.
 * @destroy: ends it.
 * @alloc: allocates pages below 2^@mask, as iommu_dma_alloc_iova() does for a PCI device: where @mask is above 32, the space
 *	below 4 GiB comes first, until it has failed once. Returns the first page, 0 if there is no room.
 * @free: frees them.
 */
struct linux_iova_steps {
	const char *version;
	const uint64_t *steps;
	void *(*create)(void);
	void (*destroy)(void *domain);
	uint64_t (*alloc)(void *domain, unsigned long pages, unsigned int mask);
	void (*free)(void *domain, uint64_t first, unsigned long pages);
};

#endif
