/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "cache.h"
#include "rnd.h"

#include <string.h>

bool sim_cache_init(struct sim_cache *cache, struct sim_ram *ram, unsigned int line)
{
	memset(cache, 0, sizeof(*cache));
	if (line < 16 || line > 2048 || line & (line - 1) || ram->base % line || ram->size % line)
		return false;
	cache->ram = ram;
	cache->line = line;
	cache->shift = (unsigned int)__builtin_ctz(line);
	cache->lines = ram->size >> cache->shift;
	cache->low = cache->lines;
	cache->view = sim_pages_map(ram->size);
	cache->state = sim_pages_map(cache->lines);
	if (cache->view && cache->state)
		return true;
	sim_cache_fini(cache);
	return false;
}

void sim_cache_fini(struct sim_cache *cache)
{
	sim_pages_unmap(cache->view, cache->lines << cache->shift);
	sim_pages_unmap(cache->state, cache->lines);
	cache->view = NULL;
	cache->state = NULL;
}

static uint64_t line_of(const struct sim_cache *cache, uint64_t addr)
{
	return (addr - cache->ram->base) >> cache->shift;
}

/* Use atomics: the library may write an entry of a page table while another entry in the line is cleaned. */
static void copy_line(const struct sim_cache *cache, uint64_t i, uint8_t *to, const uint8_t *from)
{
	uint64_t *d = (uint64_t *)(void *)(to + (size_t)(i << cache->shift));
	const uint64_t *s = (const uint64_t *)(const void *)(from + (size_t)(i << cache->shift));

	for (unsigned int n = 0; n < cache->line / 8; n++)
		__atomic_store_n(&d[n], __atomic_load_n(&s[n], __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

static void write_back(struct sim_cache *cache, uint64_t i)
{
	copy_line(cache, i, cache->ram->mem, cache->view);
}

static void fill(struct sim_cache *cache, uint64_t i)
{
	if (cache->state[i] != SIM_LINE_INVALID)
		return;
	copy_line(cache, i, cache->view, cache->ram->mem);
	cache->state[i] = SIM_LINE_CLEAN;
	if (i >= cache->high)
		cache->high = i + 1;
	if (i < cache->low)
		cache->low = i;
}

static void drop(struct sim_cache *cache, uint64_t i)
{
	if (cache->state[i] == SIM_LINE_DIRTY) {
		write_back(cache, i);
		cache->stats.evicted++;
	}
	if (cache->state[i] == SIM_LINE_CLEAN || cache->state[i] == SIM_LINE_DIRTY)
		cache->state[i] = SIM_LINE_INVALID;
}

static bool chance(struct sim_cache *cache, unsigned int of_1024)
{
	return of_1024 && sim_rnd(&cache->rnd) % 1024 < of_1024;
}

static void maybe_evict(struct sim_cache *cache)
{
	uint64_t n = cache->nrecent < SIM_RECENT ? cache->nrecent : SIM_RECENT;

	if (n && chance(cache, cache->evict))
		drop(cache, cache->recent[sim_rnd(&cache->rnd) % n]);
}

/* Returns the bytes of [@addr, @addr + @len) that lie in the line of @addr. */
static size_t in_line(const struct sim_cache *cache, uint64_t addr, size_t len)
{
	size_t n = cache->line - (size_t)(addr & (cache->line - 1));

	return n < len ? n : len;
}

static uint8_t *view_at(const struct sim_cache *cache, uint64_t addr)
{
	return cache->view + (size_t)(addr - cache->ram->base);
}

void sim_cache_cpu_read(struct sim_cache *cache, uint64_t addr, void *buf, size_t len)
{
	uint8_t *to = buf;

	sim_lock(&cache->lock);
	while (len) {
		uint64_t i = line_of(cache, addr);
		size_t n = in_line(cache, addr, len);

		fill(cache, i);
		memcpy(to,
		       cache->state[i] == SIM_LINE_UNCACHED ? sim_ram_at(cache->ram, addr)
							    : view_at(cache, addr),
		       n);
		addr += n;
		to += n;
		len -= n;
	}
	sim_unlock(&cache->lock);
}

void sim_cache_cpu_write(struct sim_cache *cache, uint64_t addr, const void *buf, size_t len)
{
	const uint8_t *from = buf;

	sim_lock(&cache->lock);
	while (len) {
		uint64_t i = line_of(cache, addr);
		size_t n = in_line(cache, addr, len);

		fill(cache, i);
		memcpy(cache->state[i] == SIM_LINE_UNCACHED ? sim_ram_at(cache->ram, addr)
							    : view_at(cache, addr),
		       from, n);
		if (cache->state[i] == SIM_LINE_CLEAN || cache->state[i] == SIM_LINE_DIRTY) {
			cache->state[i] = SIM_LINE_DIRTY;
			cache->recent[cache->nrecent++ % SIM_RECENT] = i;
		}
		addr += n;
		from += n;
		len -= n;
		maybe_evict(cache);
	}
	sim_unlock(&cache->lock);
}

static void maintain_line(struct sim_cache *cache, enum dmah_cache_op op, uint64_t i)
{
	uint8_t was = cache->state[i];

	if (was == SIM_LINE_UNCACHED)
		return;
	if (op != DMAH_CACHE_INVALIDATE) {
		cache->stats.cleaned++;
		if (was == SIM_LINE_DIRTY || was == SIM_LINE_POINTER)
			write_back(cache, i);
		if (was == SIM_LINE_DIRTY)
			cache->state[i] = SIM_LINE_CLEAN;
	}
	if (op != DMAH_CACHE_CLEAN) {
		cache->stats.invalidated++;
		if (op == DMAH_CACHE_INVALIDATE && was == SIM_LINE_DIRTY)
			cache->stats.lost++;
		if (was == SIM_LINE_POINTER)
			copy_line(cache, i, cache->view, cache->ram->mem);
		else
			cache->state[i] = SIM_LINE_INVALID;
	}
}

void sim_cache_maintain(struct sim_cache *cache, enum dmah_cache_op op, uint64_t addr, uint64_t len)
{
	if (!len)
		return;
	sim_lock(&cache->lock);
	for (uint64_t i = line_of(cache, addr), last = line_of(cache, addr + len - 1); i <= last;
	     i++)
		maintain_line(cache, op, i);
	sim_unlock(&cache->lock);
}

/* Skip memory that was never touched, eight lines at a time. */
static void drop_all(struct sim_cache *cache)
{
	uint64_t eight;

	for (uint64_t i = cache->low & ~7ull; i < cache->high; i++) {
		if (i % 8 == 0 && i + 8 <= cache->lines) {
			memcpy(&eight, &cache->state[i], 8);
			if (!eight) {
				i += 7;
				continue;
			}
		}
		drop(cache, i);
	}
	cache->low = cache->lines;
	cache->high = 0;
}

void sim_cache_drop(struct sim_cache *cache, uint64_t addr, uint64_t len)
{
	sim_lock(&cache->lock);
	if (!len)
		drop_all(cache);
	else
		for (uint64_t i = line_of(cache, addr), last = line_of(cache, addr + len - 1);
		     i <= last; i++)
			drop(cache, i);
	sim_unlock(&cache->lock);
}

void sim_cache_fetch(struct sim_cache *cache, uint64_t addr, uint64_t len)
{
	if (!len)
		return;
	sim_lock(&cache->lock);
	for (uint64_t i = line_of(cache, addr), last = line_of(cache, addr + len - 1); i <= last;
	     i++)
		fill(cache, i);
	sim_unlock(&cache->lock);
}

void *sim_cache_use(struct sim_cache *cache, uint64_t addr, uint64_t len, enum sim_line use)
{
	sim_lock(&cache->lock);
	for (uint64_t i = line_of(cache, addr), last = line_of(cache, addr + len - 1); i <= last;
	     i++) {
		if (cache->state[i] == SIM_LINE_DIRTY || cache->state[i] == SIM_LINE_POINTER)
			write_back(cache, i);
		if (use == SIM_LINE_POINTER)
			copy_line(cache, i, cache->view, cache->ram->mem);
		cache->state[i] = (uint8_t)use;
	}
	sim_unlock(&cache->lock);
	return use == SIM_LINE_UNCACHED ? sim_ram_at(cache->ram, addr) : view_at(cache, addr);
}

void sim_cache_dev_read(struct sim_cache *cache, uint64_t addr, void *buf, size_t len,
			bool coherent)
{
	uint8_t *to = buf;

	sim_lock(&cache->lock);
	while (len) {
		uint64_t i = line_of(cache, addr);
		size_t n = in_line(cache, addr, len);
		bool snoop = coherent && cache->state[i] != SIM_LINE_INVALID &&
			     cache->state[i] != SIM_LINE_UNCACHED;

		sim_bus_copy(to, snoop ? view_at(cache, addr) : sim_ram_at(cache->ram, addr), n);
		addr += n;
		to += n;
		len -= n;
		maybe_evict(cache);
	}
	sim_unlock(&cache->lock);
}

void sim_cache_dev_write(struct sim_cache *cache, uint64_t addr, const void *buf, size_t len,
			 bool coherent)
{
	const uint8_t *from = buf;

	sim_lock(&cache->lock);
	while (len) {
		uint64_t i = line_of(cache, addr);
		size_t n = in_line(cache, addr, len);

		if (!coherent && chance(cache, cache->prefetch))
			fill(cache, i);
		sim_bus_copy(sim_ram_at(cache->ram, addr), from, n);
		/* Update the snooped line. Hardware may drop the line instead; software sees no difference. */
		if (coherent && cache->state[i] != SIM_LINE_INVALID &&
		    cache->state[i] != SIM_LINE_UNCACHED)
			sim_bus_copy(view_at(cache, addr), from, n);
		addr += n;
		from += n;
		len -= n;
		maybe_evict(cache);
	}
	sim_unlock(&cache->lock);
}

uint64_t sim_cache_load64(struct sim_cache *cache, uint64_t addr)
{
	uint8_t state;
	const uint8_t *at;

	sim_lock(&cache->lock);
	state = cache->state[line_of(cache, addr)];
	at = state == SIM_LINE_INVALID || state == SIM_LINE_UNCACHED ? sim_ram_at(cache->ram, addr)
								     : view_at(cache, addr);
	sim_unlock(&cache->lock);
	return __atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_ACQUIRE);
}
