/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Device registers: plain memory here; a device model that wants to act on them is asked otherwise. */
#include "posix.h"

uint32_t dmah_host_read32(const volatile void *reg)
{
	return __atomic_load_n((const volatile uint32_t *)reg, __ATOMIC_ACQUIRE);
}

void dmah_host_write32(volatile void *reg, uint32_t value)
{
	__atomic_store_n((volatile uint32_t *)reg, value, __ATOMIC_RELEASE);
}

uint64_t dmah_host_read64(const volatile void *reg)
{
	return __atomic_load_n((const volatile uint64_t *)reg, __ATOMIC_ACQUIRE);
}

void dmah_host_write64(volatile void *reg, uint64_t value)
{
	__atomic_store_n((volatile uint64_t *)reg, value, __ATOMIC_RELEASE);
}
