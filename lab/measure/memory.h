/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Memory in huge pages, as a kernel's direct map has it.
 *
 * Small pages would make a process miss its TLB where a kernel does not, and the figures would be those of the process's own
 * page tables.
 */
#ifndef DMAH_MEASURE_MEMORY_H
#define DMAH_MEASURE_MEMORY_H

#include <dmah/types.h>

/** MEMORY_FAR - first physical address without memory: for buffers that are mapped, but never read or written. */
#define MEMORY_FAR (1ull << 36)

/**
 * memory_init() - Sets up the machine of ports/posix.
 * @tables: bytes for page tables, touched as they are used.
 * @buffers: bytes for memory_take().
 *
 * Return: false if there is not enough memory.
 */
bool memory_init(uint64_t tables, uint64_t buffers);

/** memory_alloc() - Returns @size bytes, zeroed and aligned to 64, until the program ends. Without memory the program ends. */
void *memory_alloc(size_t size);

/**
 * memory_take() - Takes physical memory until the program ends.
 * @size: bytes, a multiple of 4096.
 *
 * Return: its physical address, ~0 if nothing is left.
 */
dmah_phys_t memory_take(uint64_t size);

/** memory_at() - Returns the CPU's pointer to memory that memory_take() gave. */
void *memory_at(dmah_phys_t phys);

/** memory_maintained() - Returns the bytes of cache maintenance so far. The maintenance is counted, not done. */
uint64_t memory_maintained(void);

/** memory_huge() - Returns the bytes of this process that lie in huge pages. */
uint64_t memory_huge(void);

#endif
