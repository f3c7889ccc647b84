/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The CPUs' caches, as one: write-back, physically tagged (by machine address), of unlimited size.
 *
 * The CPU has its own copy of memory, which is valid line by line. Some memory the CPU reaches by pointers that the
 * model cannot see through: page tables and coherent memory. That is always in the cache and always dirty (the CPU's
 * copy counts until maintenance says otherwise), or, uncached, never.
 */
#ifndef SIM_CACHE_H
#define SIM_CACHE_H

#include "lock.h"
#include "ram.h"
#include "sim.h"

enum sim_line {
	SIM_LINE_INVALID,
	SIM_LINE_CLEAN,
	SIM_LINE_DIRTY,
	SIM_LINE_POINTER, /* the CPU reads and writes it by pointer, cached */
	SIM_LINE_UNCACHED, /* the CPU reads and writes RAM itself */
};

/** SIM_RECENT - lines written lately that a random eviction may hit. */
#define SIM_RECENT 64u

/**
 * struct sim_cache - the caches.
 * @lock: of everything below.
 * @ram: what is cached.
 * @view: the CPU's copy, as large as @ram.
 * @state: enum sim_line of each line.
 * @lines: how many.
 * @line: bytes in a line.
 * @shift: log2 of that.
 * @recent: lines written lately, a ring.
 * @nrecent: how many there were.
 * @low: lines below this are not cached, but for those that the CPU reaches by pointer.
 * @high: nor are those at and above this.
 * @evict: chance of an eviction, of 1024.
 * @prefetch: chance of a fetch before a device's write, of 1024.
 * @rnd: state of the random numbers.
 * @stats: counters.
 */
struct sim_cache {
	struct sim_lock lock;
	struct sim_ram *ram;
	uint8_t *view;
	uint8_t *state;
	uint64_t lines;
	unsigned int line;
	unsigned int shift;
	uint64_t recent[SIM_RECENT];
	uint64_t nrecent;
	uint64_t low;
	uint64_t high;
	unsigned int evict;
	unsigned int prefetch;
	uint64_t rnd;
	struct sim_cache_stats stats;
};

/** sim_cache_init() - @line bytes a line. Return: false where there is no memory, or no such line. */
bool sim_cache_init(struct sim_cache *cache, struct sim_ram *ram, unsigned int line);
void sim_cache_fini(struct sim_cache *cache);

/* The CPU's side. Addresses are machine addresses inside of RAM. */
void sim_cache_cpu_read(struct sim_cache *cache, uint64_t addr, void *buf, size_t len);
void sim_cache_cpu_write(struct sim_cache *cache, uint64_t addr, const void *buf, size_t len);
void sim_cache_maintain(struct sim_cache *cache, enum dmah_cache_op op, uint64_t addr,
			uint64_t len);
void sim_cache_drop(struct sim_cache *cache, uint64_t addr, uint64_t len);
void sim_cache_fetch(struct sim_cache *cache, uint64_t addr, uint64_t len);
/** sim_cache_use() - memory changes its use; whatever was cached of it is written back first. */
void *sim_cache_use(struct sim_cache *cache, uint64_t addr, uint64_t len, enum sim_line use);

/* A device's side: @coherent ones snoop. */
void sim_cache_dev_read(struct sim_cache *cache, uint64_t addr, void *buf, size_t len,
			bool coherent);
void sim_cache_dev_write(struct sim_cache *cache, uint64_t addr, const void *buf, size_t len,
			 bool coherent);
/** sim_cache_load64() - what a coherent table walker reads. */
uint64_t sim_cache_load64(struct sim_cache *cache, uint64_t addr);

#endif /* SIM_CACHE_H */
