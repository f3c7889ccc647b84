/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* RAM: bytes by machine address. */
#ifndef SIM_RAM_H
#define SIM_RAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct sim_ram - RAM.
 * @mem: the bytes. Only touched pages take memory.
 * @base: machine address of the first byte.
 * @size: number of bytes.
 */
struct sim_ram {
	uint8_t *mem;
	uint64_t base;
	uint64_t size;
};

/** sim_pages_map() - map @size zeroed bytes, which take memory only when touched. Returns NULL without address space. */
void *sim_pages_map(uint64_t size);
void sim_pages_unmap(void *mem, uint64_t size);

/** sim_ram_init() - Returns false without address space for @size bytes. */
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
 * sim_bus_copy() - copy bytes as a device does, hidden from ThreadSanitizer: a device takes no locks. Words that are
 * aligned on both sides are copied as a whole.
 */
void sim_bus_copy(void *dst, const void *src, size_t len);

#endif /* SIM_RAM_H */
