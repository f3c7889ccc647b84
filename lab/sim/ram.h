/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* RAM: bytes by machine address, as what is on the bus finds them. */
#ifndef SIM_RAM_H
#define SIM_RAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct sim_ram - RAM.
 * @mem: its bytes. Only pages that are touched exist.
 * @base: machine address of the first.
 * @size: how many.
 */
struct sim_ram {
	uint8_t *mem;
	uint64_t base;
	uint64_t size;
};

/** sim_pages_map() - @size zeroed bytes that cost nothing before they are touched; NULL. */
void *sim_pages_map(uint64_t size);
void sim_pages_unmap(void *mem, uint64_t size);

/** sim_ram_init() - Return: false where there is no address space for @size bytes. */
bool sim_ram_init(struct sim_ram *ram, uint64_t base, uint64_t size);
void sim_ram_fini(struct sim_ram *ram);

static inline bool sim_ram_has(const struct sim_ram *ram, uint64_t addr, uint64_t len)
{
	return addr >= ram->base && len <= ram->size && addr - ram->base <= ram->size - len;
}

static inline uint8_t *sim_ram_at(const struct sim_ram *ram, uint64_t addr)
{
	return ram->mem + (size_t)(addr - ram->base);
}

/**
 * sim_bus_copy() - copy as a device does it: outside of the C memory model, so that ThreadSanitizer does not take a
 * device for a thread that forgot its lock. Words that are aligned on both sides move as a whole.
 */
void sim_bus_copy(void *dst, const void *src, size_t len);

#endif /* SIM_RAM_H */
