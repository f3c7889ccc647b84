/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Device registers: plain memory, except a window of addresses that device models answer. */
#include "posix.h"

static struct posix_mmio window;

void posix_set_mmio(const struct posix_mmio *mmio)
{
	window = mmio ? *mmio : (struct posix_mmio){ 0 };
}

static bool in_window(const volatile void *reg, uint64_t *offset)
{
	*offset = (uintptr_t)reg - (uintptr_t)window.base;
	return *offset < window.size;
}

uint32_t dmah_host_read32(const volatile void *reg)
{
	uint64_t offset;

	if (in_window(reg, &offset))
		return (uint32_t)window.read(window.ctx, offset, 4);
	return __atomic_load_n((const volatile uint32_t *)reg, __ATOMIC_ACQUIRE);
}

void dmah_host_write32(volatile void *reg, uint32_t value)
{
	uint64_t offset;

	if (in_window(reg, &offset))
		window.write(window.ctx, offset, 4, value);
	else
		__atomic_store_n((volatile uint32_t *)reg, value, __ATOMIC_RELEASE);
}

uint64_t dmah_host_read64(const volatile void *reg)
{
	uint64_t offset;

	if (in_window(reg, &offset))
		return window.read(window.ctx, offset, 8);
	return __atomic_load_n((const volatile uint64_t *)reg, __ATOMIC_ACQUIRE);
}

void dmah_host_write64(volatile void *reg, uint64_t value)
{
	uint64_t offset;

	if (in_window(reg, &offset))
		window.write(window.ctx, offset, 8, value);
	else
		__atomic_store_n((volatile uint64_t *)reg, value, __ATOMIC_RELEASE);
}
