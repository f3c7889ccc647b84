/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Accesses of the CPU to memory, and the port's functions for machines where an offset is not enough. */
#include "sim_int.h"

#include "posix.h"

#include <string.h>

#define PAGE DMAH_PAGE_SIZE

uint64_t sim_cpu_machine(struct sim *sim, dmah_phys_t phys)
{
	uint64_t addr = sim->xen ? sim_xen_machine(sim->xen, phys) : phys;

	if (sim_ram_has(&sim->ram, addr, 1))
		return addr;
	posix_misuse("the CPU touches physical memory that is not there");
	return sim->ram.base;
}

/* Returns the bytes of [@phys, @phys + @len) that lie in the page of @phys. */
static size_t in_page(dmah_phys_t phys, uint64_t len)
{
	uint64_t n = PAGE - phys % PAGE;

	return (size_t)(n < len ? n : len);
}

void sim_cpu_read(struct sim *sim, dmah_phys_t phys, void *buf, size_t len)
{
	uint8_t *to = buf;

	while (len) {
		size_t n = in_page(phys, len);
		uint64_t addr = sim_cpu_machine(sim, phys);

		if (sim->config.cache)
			sim_cache_cpu_read(&sim->cache, addr, to, n);
		else
			memcpy(to, sim_ram_at(&sim->ram, addr), n);
		phys += n;
		to += n;
		len -= n;
	}
}

void sim_cpu_write(struct sim *sim, dmah_phys_t phys, const void *buf, size_t len)
{
	const uint8_t *from = buf;

	while (len) {
		size_t n = in_page(phys, len);
		uint64_t addr = sim_cpu_machine(sim, phys);

		if (sim->config.cache)
			sim_cache_cpu_write(&sim->cache, addr, from, n);
		else
			memcpy(sim_ram_at(&sim->ram, addr), from, n);
		phys += n;
		from += n;
		len -= n;
	}
}

void sim_cpu_set(struct sim *sim, dmah_phys_t phys, uint8_t byte, uint64_t len)
{
	uint8_t page[PAGE];

	memset(page, byte, sizeof(page));
	while (len) {
		size_t n = in_page(phys, len);

		sim_cpu_write(sim, phys, page, n);
		phys += n;
		len -= n;
	}
}

void sim_cpu_maintain(struct sim *sim, enum dmah_cache_op op, dmah_phys_t phys, uint64_t len)
{
	while (sim->config.cache && len) {
		size_t n = in_page(phys, len);

		sim_cache_maintain(&sim->cache, op, sim_cpu_machine(sim, phys), n);
		phys += n;
		len -= n;
	}
}

void sim_cache_evict(struct sim *sim, dmah_phys_t phys, uint64_t len)
{
	if (!sim->config.cache)
		return;
	if (!len)
		sim_cache_drop(&sim->cache, 0, 0);
	while (len) {
		size_t n = in_page(phys, len);

		sim_cache_drop(&sim->cache, sim_cpu_machine(sim, phys), n);
		phys += n;
		len -= n;
	}
}

void sim_cache_prefetch(struct sim *sim, dmah_phys_t phys, uint64_t len)
{
	while (sim->config.cache && len) {
		size_t n = in_page(phys, len);

		sim_cache_fetch(&sim->cache, sim_cpu_machine(sim, phys), n);
		phys += n;
		len -= n;
	}
}

void sim_cache_random(struct sim *sim, unsigned int evict, unsigned int prefetch, uint64_t seed)
{
	if (!sim->config.cache)
		return;
	sim_lock(&sim->cache.lock);
	sim->cache.evict = evict;
	sim->cache.prefetch = prefetch;
	sim->cache.rnd = seed;
	sim_unlock(&sim->cache.lock);
}

void sim_cache_stats(struct sim *sim, struct sim_cache_stats *stats)
{
	sim_lock(&sim->cache.lock);
	*stats = sim->cache.stats;
	sim_unlock(&sim->cache.lock);
}

/* ---- the port's ---- */

/*
 * The library copies by pointer, and the cache model cannot follow pointers. So the library gets a copy of the memory as
 * the CPU sees it, and the CPU writes the changed bytes afterwards. Bytes that did not change are not written: another
 * CPU may write them meanwhile.
 */
static __thread struct window {
	bool used;
	uint8_t now[PAGE];
	uint8_t was[PAGE];
} windows[4];

void *sim_cpu_phys_map(void *ctx, dmah_phys_t phys, size_t len)
{
	struct sim *sim = ctx;

	if (!sim->config.cache)
		return sim_ram_at(&sim->ram, sim_cpu_machine(sim, phys));
	for (unsigned int i = 0; i < 4; i++) {
		struct window *w = &windows[i];

		if (w->used)
			continue;
		w->used = true;
		sim_cpu_read(sim, phys, w->was, len);
		memcpy(w->now, w->was, len);
		return w->now;
	}
	posix_misuse("more than four mappings of dmah_host_phys_map() at one time");
	return windows[0].now;
}

void sim_cpu_phys_unmap(void *ctx, void *cpu, dmah_phys_t phys, size_t len)
{
	struct sim *sim = ctx;
	struct window *w = NULL;
	size_t from, to;

	if (!sim->config.cache)
		return;
	for (unsigned int i = 0; i < 4; i++)
		if (windows[i].used && windows[i].now == cpu)
			w = &windows[i];
	if (!w) {
		posix_misuse("dmah_host_phys_unmap() of what dmah_host_phys_map() did not give");
		return;
	}
	for (from = 0; from < len; from = to) {
		for (to = from;
		     to < len && (w->now[to] != w->was[to]) == (w->now[from] != w->was[from]);)
			to++;
		if (w->now[from] != w->was[from])
			sim_cpu_write(sim, phys + from, w->now + from, to - from);
	}
	w->used = false;
}

dmah_phys_t sim_cpu_virt_to_phys(void *ctx, const void *cpu)
{
	struct sim *sim = ctx;
	uintptr_t at = (uintptr_t)cpu, view = (uintptr_t)sim->cache.view,
		  ram = (uintptr_t)sim->ram.mem;

	if (sim->config.cache && at >= view && at - view < sim->ram.size)
		return sim->ram.base + (at - view);
	if (at >= ram && at - ram < sim->ram.size)
		return sim->ram.base + (at - ram);
	posix_misuse("dmah_host_virt_to_phys() of a pointer that is not into the machine's memory");
	return ~(dmah_phys_t)0;
}

void sim_cpu_host_cache(void *ctx, enum dmah_cache_op op, dmah_phys_t phys, uint64_t len)
{
	struct sim *sim = ctx;

	if (phys % sim->config.line || len % sim->config.line || !len)
		posix_misuse("dmah_host_cache() of a part of a line");
	if (sim->xen)
		for (uint64_t off = 0; off < len; off += PAGE)
			if (!sim_xen_ops.has_mapping(sim->xen, phys + off))
				posix_misuse("dmah_host_cache() of a page that the kernel has no "
					     "mapping of");
	sim_cpu_maintain(sim, op, phys, len);
}
