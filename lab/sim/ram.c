/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#define _GNU_SOURCE
#include "ram.h"

#include <sys/mman.h>

void *sim_pages_map(uint64_t size)
{
	void *mem;

	if (!size || size > SIZE_MAX)
		return NULL;
	mem = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED)
		return NULL;
#ifdef MADV_NOHUGEPAGE
	/* Do not use huge pages: memory must stay sparse. */
	madvise(mem, (size_t)size, MADV_NOHUGEPAGE);
#endif
	return mem;
}

void sim_pages_unmap(void *mem, uint64_t size)
{
	if (mem)
		munmap(mem, (size_t)size);
}

bool sim_ram_init(struct sim_ram *ram, uint64_t base, uint64_t size)
{
	ram->mem = sim_pages_map(size);
	ram->base = base;
	ram->size = size;
	return ram->mem != NULL;
}

void sim_ram_fini(struct sim_ram *ram)
{
	sim_pages_unmap(ram->mem, ram->size);
	ram->mem = NULL;
}

__attribute__((no_sanitize("thread"))) void sim_bus_copy(void *dst, const void *src, size_t len)
{
	volatile uint8_t *d = dst;
	const volatile uint8_t *s = src;

	if (((uintptr_t)d ^ (uintptr_t)s) % 8 == 0) {
		for (; len && (uintptr_t)d % 8; len--)
			*d++ = *s++;
		for (; len >= 8; len -= 8, d += 8, s += 8)
			*(volatile uint64_t *)(volatile void *)d =
				*(const volatile uint64_t *)(const volatile void *)s;
	}
	while (len--)
		*d++ = *s++;
}
