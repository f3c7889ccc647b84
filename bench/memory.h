/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Memory as a kernel's direct map has it: in huge pages, so that what is measured is not the page tables of a process. */
#ifndef DMAH_BENCH_MEMORY_H
#define DMAH_BENCH_MEMORY_H

#include <dmah/types.h>

/** MEMORY_FAR - physical addresses from here on are nobody's: for buffers that are mapped, but never read or written. */
#define MEMORY_FAR (1ull << 36)

/**
 * memory_init() - give the port its machine.
 * @tables: bytes for page tables, taken as they are needed.
 * @buffers: bytes for memory_take().
 *
 * Return: false where there is no such memory.
 */
bool memory_init(uint64_t tables, uint64_t buffers);

/** memory_alloc() - @size bytes, zeroed, aligned to 64, never given back; ends the program where there are none. */
void *memory_alloc(size_t size);

/** memory_take() - @size bytes of physical memory that exists, a multiple of 4096, never given back; ~0: none left. */
dmah_phys_t memory_take(uint64_t size);

/** memory_at() - where the CPU finds physical memory that exists. */
void *memory_at(dmah_phys_t phys);

/** memory_maintained() - bytes of caches maintained so far: the port's hook adds them up, and does nothing else. */
uint64_t memory_maintained(void);

/** memory_huge() - bytes of this process that lie in huge pages. */
uint64_t memory_huge(void);

#endif
