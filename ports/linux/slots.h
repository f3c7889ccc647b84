/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bounce slots of one device, in the kernel's types: the library's pool (src/base/pool.c). Its
 * headers and the module's define some of the same names, so slots.c alone includes them.
 */
#ifndef DMAH_LINUX_SLOTS_H
#define DMAH_LINUX_SLOTS_H

#include <linux/types.h>

struct library_dmah_pool;

/**
 * SLOTS_GRANULE - a slot is made of whole granules, so that a device reaches nothing else by it.
 */
#define SLOTS_GRANULE 4096u

/** slots_memory() - bytes of bookkeeping for @size bytes of slots. */
size_t slots_memory(size_t size);

/**
 * slots_init() - a pool of slots, all free.
 * @pages: @size bytes of the kernel's linear mapping, aligned to a granule.
 * @memory: slots_memory(@size) bytes, zeroed.
 *
 * Return: the pool, or NULL if the arguments make no sense.
 */
struct library_dmah_pool *slots_init(void *pages, size_t size, void *memory);

/**
 * slots_get() - a slot for a buffer, at the same offset in its granule.
 * @orig: the buffer's first byte.
 * @len: bytes.
 * @dir: direction, as in a handle's META_DIR.
 * @slot: set to the physical address that stands in for @orig.
 *
 * Context: any. Return: the slot's token; 0 if none is free.
 */
u32 slots_get(struct library_dmah_pool *pool, phys_addr_t orig, u32 len, u32 dir,
	      phys_addr_t *slot);

/**
 * slots_find() - the record of a live slot.
 * @orig: set to the first byte of the buffer.
 * @len: set to the buffer's bytes.
 *
 * Return: the CPU's pointer to the byte that stands in for @orig; NULL if @token names no live
 * slot.
 */
void *slots_find(struct library_dmah_pool *pool, u32 token, phys_addr_t *orig, u32 *len);

/** slots_put() - free a slot. @token names a live one. */
void slots_put(struct library_dmah_pool *pool, u32 token);

#endif /* DMAH_LINUX_SLOTS_H */
