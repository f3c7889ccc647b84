/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The host contract in user space: set-up and inspection for tests and tools.
 *
 * The port has no memory of its own. posix_set_machine() gives it a machine (struct posix_machine), for example lab/sim's.
 * A process can have one machine at a time.
 */
#ifndef DMAH_POSIX_H
#define DMAH_POSIX_H

#include <dmah/host.h>

#ifdef __cplusplus
extern "C" {
#endif

/** enum posix_mem - uses of the port's memory. */
enum posix_mem {
	POSIX_MEM_FREE, /* not allocated */
	POSIX_MEM_TABLE, /* a page of dmah_host_page_alloc(): the CPU's accesses are cached */
	POSIX_MEM_CACHED, /* memory of dmah_host_mem_alloc(), cached */
	POSIX_MEM_UNCACHED, /* memory of dmah_host_mem_alloc(), past the caches */
};

/**
 * struct posix_machine - physical memory for the port. Each function may be NULL.
 * @base: the CPU's pointer to physical address @phys.
 * @phys: first byte of memory.
 * @size: bytes of memory.
 * @host_phys: first byte of the area from which the port allocates, page-aligned, inside memory.
 * @host_size: bytes in that area.
 * @ctx: passed to the functions.
 * @phys_map: dmah_host_phys_map(); NULL: an offset from @base.
 * @phys_unmap: dmah_host_phys_unmap().
 * @virt_to_phys: dmah_host_virt_to_phys(); NULL: an offset from @base.
 * @cache: dmah_host_cache(); NULL: every device is coherent.
 * @note: called when memory changes its use. Returns the CPU's pointer to the memory.
 */
struct posix_machine {
	uint8_t *base;
	dmah_phys_t phys;
	uint64_t size;
	dmah_phys_t host_phys;
	uint64_t host_size;
	void *ctx;
	void *(*phys_map)(void *ctx, dmah_phys_t phys, size_t len);
	void (*phys_unmap)(void *ctx, void *cpu, dmah_phys_t phys, size_t len);
	dmah_phys_t (*virt_to_phys)(void *ctx, const void *cpu);
	void (*cache)(void *ctx, enum dmah_cache_op op, dmah_phys_t phys, uint64_t len);
	void *(*note)(void *ctx, dmah_phys_t phys, uint64_t size, enum posix_mem use);
};

/**
 * posix_set_machine() - give the port its memory.
 * @machine: copied; NULL: no machine.
 *
 * Resets counters and injected failures.
 * Context: no library call may run, and no memory may be allocated.
 * Return: 0, DMAH_EINVAL, DMAH_ENOMEM.
 */
int posix_set_machine(const struct posix_machine *machine);

/* ---- registers ---- */

/**
 * struct posix_mmio - device registers that are not memory of this process.
 * @base: first pointer of the window. Pointers into the window name registers and must not be dereferenced.
 * @size: bytes in the window.
 * @ctx: passed to the functions, which several threads may call at one time.
 * @read: dmah_host_read32() and dmah_host_read64(): @size bytes at @offset from @base.
 * @write: dmah_host_write32() and dmah_host_write64().
 */
struct posix_mmio {
	volatile uint8_t *base;
	uint64_t size;
	void *ctx;
	uint64_t (*read)(void *ctx, uint64_t offset, unsigned int size);
	void (*write)(void *ctx, uint64_t offset, unsigned int size, uint64_t value);
};

/**
 * posix_set_mmio() - set the window of registers. Registers outside the window are memory.
 * @mmio: copied; NULL: no window.
 *
 * Context: no register may be in use.
 */
void posix_set_mmio(const struct posix_mmio *mmio);

/* ---- CPUs ---- */

/** POSIX_CPUS - number of CPUs. */
#define POSIX_CPUS 256u

/** posix_set_cpu() - set the calling thread's CPU; 0 at first. Two threads must not have one CPU at the same time. */
void posix_set_cpu(unsigned int cpu);

/** posix_refuse_quiesce() - make dmah_host_quiesce() fail (true), as in an interrupt, or work again. Threads. */
void posix_refuse_quiesce(bool refuse);

/** posix_cpu() - Returns the calling thread's CPU. */
unsigned int posix_cpu(void);

/** posix_entered() - Returns true if the calling thread is between dmah_host_enter() and dmah_host_leave(). */
bool posix_entered(void);

/** posix_locks_held() - Returns the number of locks that the calling thread holds. */
unsigned int posix_locks_held(void);

/** posix_assert_may_wait() - report misuse if the caller must not wait for hardware: it has entered, or holds a lock. */
void posix_assert_may_wait(const char *what);

/**
 * posix_set_misuse() - set the response to a broken contract.
 * @fn: called with a description. If @fn returns, the faulty call goes on. NULL: print the description and abort.
 * @ctx: passed to @fn.
 */
void posix_set_misuse(void (*fn)(void *ctx, const char *what), void *ctx);

/** posix_misuse() - report a broken contract: see posix_set_misuse(). */
void posix_misuse(const char *what);

/* ---- time ---- */

/** posix_clock_manual() - make dmah_host_now() a manual clock, which starts at @now: see posix_clock_advance(). */
void posix_clock_manual(uint64_t now);

/** posix_clock_real() - make dmah_host_now() the system's monotonic clock (the default). */
void posix_clock_real(void);

/** posix_clock_is_manual() - Returns true if the clock is manual. */
bool posix_clock_is_manual(void);

/** posix_clock_advance() - move the manual clock by @ns nanoseconds. */
void posix_clock_advance(uint64_t ns);

/** posix_clock_reach() - move the manual clock to @when, unless it is later already. */
void posix_clock_reach(uint64_t when);

/* ---- allocation ---- */

/** enum posix_fail - the allocations that fail. */
enum posix_fail {
	POSIX_FAIL_NEVER,
	POSIX_FAIL_NTH, /* the n-th from now, once */
	POSIX_FAIL_FROM, /* the n-th from now and all after it */
	POSIX_FAIL_EVERY, /* each n-th */
	POSIX_FAIL_ATOMIC, /* every one with DMAH_ALLOC_ATOMIC */
};

/** posix_fail_alloc() - make allocations of both kinds fail; @n counts from 1. */
void posix_fail_alloc(enum posix_fail how, uint64_t n);

/**
 * posix_set_alloc_filter() - have a function decide, beside posix_fail_alloc(), which allocations fail.
 * @fn: called for each allocation: a table page (@page) or memory. Returns true where the allocation must fail. May not
 *	allocate from the port. NULL: none.
 * @ctx: passed to @fn.
 *
 * posix_set_machine() removes the function.
 */
void posix_set_alloc_filter(bool (*fn)(void *ctx, bool page), void *ctx);

/**
 * struct posix_alloc_stats - allocations since posix_set_machine().
 * @calls: allocations asked for.
 * @failed: failed allocations, injected or not.
 * @pages: table pages that are allocated.
 * @mem: bytes of dmah_host_mem_alloc() that are allocated.
 */
struct posix_alloc_stats {
	uint64_t calls;
	uint64_t failed;
	uint64_t pages;
	uint64_t mem;
};

/** posix_alloc_stats() - get the counters. */
void posix_alloc_stats(struct posix_alloc_stats *stats);

/** POSIX_POISON - the byte that fills freed memory. */
#define POSIX_POISON 0x5au

/* ---- reports ---- */

/**
 * posix_set_report() - set the receiver of dmah_host_report().
 * @fn: called for each report; NULL: print a line to stderr.
 * @ctx: passed to @fn.
 */
void posix_set_report(void (*fn)(void *ctx, const struct dmah_device *dev, int err,
				 const char *text, uint64_t addr, const void *caller),
		      void *ctx);

/** posix_reports() - Returns the number of reports since posix_set_machine(). */
uint64_t posix_reports(void);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_POSIX_H */
