/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The CPUs' caches, as one: write-back, physically tagged (by machine address), of unlimited size.
 *
 * The CPU has a copy of memory, and each line of the copy is valid or not. The model cannot follow the pointers by which
 * the CPU reaches page tables and coherent memory. Lines of such memory are always cached and dirty until they are
 * cleaned; lines of uncached memory are never cached.
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
 * @ram: the memory below.
 * @view: the CPU's copy, as large as @ram.
 * @state: enum sim_line of each line.
 * @lines: number of lines.
 * @line: bytes in a line.
 * @shift: log2 of @line.
 * @recent: lines written lately, a ring.
 * @nrecent: lines put into @recent since the beginning.
 * @low, @high: only lines from @low to @high - 1 are cached, and those that the CPU reaches by pointer.
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

/** sim_cache_init() - set up caches with lines of @line bytes. Returns false without memory, or for a bad line size. */
bool sim_cache_init(struct sim_cache *cache, struct sim_ram *ram, unsigned int line);
void sim_cache_fini(struct sim_cache *cache);

/* The CPU's side. Addresses are machine addresses inside of RAM. */
void sim_cache_cpu_read(struct sim_cache *cache, uint64_t addr, void *buf, size_t len);
void sim_cache_cpu_write(struct sim_cache *cache, uint64_t addr, const void *buf, size_t len);
void sim_cache_maintain(struct sim_cache *cache, enum dmah_cache_op op, uint64_t addr,
			uint64_t len);
void sim_cache_drop(struct sim_cache *cache, uint64_t addr, uint64_t len);
void sim_cache_fetch(struct sim_cache *cache, uint64_t addr, uint64_t len);
/** sim_cache_use() - change the use of memory. Dirty lines are written back first. */
void *sim_cache_use(struct sim_cache *cache, uint64_t addr, uint64_t len, enum sim_line use);

/* A device's side: @coherent ones snoop. */
void sim_cache_dev_read(struct sim_cache *cache, uint64_t addr, void *buf, size_t len,
			bool coherent);
void sim_cache_dev_write(struct sim_cache *cache, uint64_t addr, const void *buf, size_t len,
			 bool coherent);
/** sim_cache_load64() - read a table entry as a coherent walker does. */
uint64_t sim_cache_load64(struct sim_cache *cache, uint64_t addr);

#endif /* SIM_CACHE_H */
