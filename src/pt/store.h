/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Stores to 64-bit entries that hardware reads at any time: page tables and an SMMU's stream table.
 */
#ifndef DMAH_PT_STORE_H
#define DMAH_PT_STORE_H

#include <dmah/host.h>

/**
 * pt_store_set() - write a present entry over one that is not present.
 *
 * On a 32-bit CPU the hardware may read between two stores. So the half with the present bits, the
 * low one in every format, is stored last. (Little-endian.)
 */
static inline void pt_store_set(uint64_t *entry, uint64_t value)
{
#if UINTPTR_MAX > 0xffffffffu
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
#else
	uint32_t *half = (uint32_t *)(void *)entry;

	__atomic_store_n(&half[1], (uint32_t)(value >> 32), __ATOMIC_RELAXED);
	dmah_host_wmb();
	__atomic_store_n(&half[0], (uint32_t)value, __ATOMIC_RELEASE);
#endif
}

/**
 * pt_store_clear() - write an entry that is not present. The half with the present bits is stored
 * first.
 */
static inline void pt_store_clear(uint64_t *entry, uint64_t value)
{
#if UINTPTR_MAX > 0xffffffffu
	__atomic_store_n(entry, value, __ATOMIC_RELAXED);
#else
	uint32_t *half = (uint32_t *)(void *)entry;

	__atomic_store_n(&half[0], (uint32_t)value, __ATOMIC_RELAXED);
	dmah_host_wmb();
	__atomic_store_n(&half[1], (uint32_t)(value >> 32), __ATOMIC_RELAXED);
#endif
}

#endif /* DMAH_PT_STORE_H */
