/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The host contract in user space: what tests and tools set up and look at.
 *
 * The port has no memory of its own. It is given a machine (struct posix_machine), which says where the CPU finds
 * physical memory; lab/sim is one. There is one machine a process at a time.
 */
#ifndef DMAH_POSIX_H
#define DMAH_POSIX_H

#include <dmah/host.h>

#ifdef __cplusplus
extern "C" {
#endif

/** enum posix_mem - what the port allocates. */
enum posix_mem {
	POSIX_MEM_FREE, /* given back */
	POSIX_MEM_TABLE, /* a page of dmah_host_page_alloc(): the CPU's accesses are cached */
	POSIX_MEM_CACHED, /* memory of dmah_host_mem_alloc(), cached */
	POSIX_MEM_UNCACHED, /* memory of dmah_host_mem_alloc(), past the caches */
};

/**
 * struct posix_machine - physical memory, for the port. The functions may be NULL but for a machine that says so.
 * @base: where the CPU finds physical address @phys.
 * @phys: first byte of memory.
 * @size: bytes of memory.
 * @host_phys: first byte of what the port may allocate from, page-aligned, inside of that.
 * @host_size: bytes of it.
 * @ctx: passed to the functions.
 * @phys_map: dmah_host_phys_map(); NULL: an offset from @base.
 * @phys_unmap: dmah_host_phys_unmap().
 * @virt_to_phys: dmah_host_virt_to_phys(); NULL: an offset from @base.
 * @cache: dmah_host_cache(); NULL: every device is coherent and there is nothing to do.
 * @note: memory changes its use; NULL: nobody wants to know. Return: where the CPU finds it.
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
 * @machine: copied; NULL: none any more.
 *
 * Context: no library call may run, and nothing be allocated. Counters and injected failures start afresh.
 * Return: 0, DMAH_EINVAL, DMAH_ENOMEM.
 */
int posix_set_machine(const struct posix_machine *machine);

/* ---- registers ---- */

/**
 * struct posix_mmio - device registers that are not memory of this process.
 * @base: pointers from here on are none, but name registers.
 * @size: bytes of them.
 * @ctx: passed to the functions, which may be called by several threads at one time.
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
 * posix_set_mmio() - who answers for registers; all others are memory.
 * @mmio: copied; NULL: nobody any more.
 *
 * Context: no register may be in use.
 */
void posix_set_mmio(const struct posix_mmio *mmio);

/* ---- CPUs ---- */

/** POSIX_CPUS - CPU numbers there are. */
#define POSIX_CPUS 256u

/** posix_set_cpu() - which CPU the calling thread is; 0 before. Two threads must not be one CPU at one time. */
void posix_set_cpu(unsigned int cpu);

/** posix_cpu() - which CPU the calling thread is. */
unsigned int posix_cpu(void);

/** posix_entered() - whether the calling thread is between dmah_host_enter() and dmah_host_leave(). */
bool posix_entered(void);

/** posix_locks_held() - locks that the calling thread holds. */
unsigned int posix_locks_held(void);

/** posix_assert_may_wait() - misuse where the caller must not wait for hardware: entered, or holding a lock. */
void posix_assert_may_wait(const char *what);

/**
 * posix_set_misuse() - what happens when the contract is broken.
 * @fn: called with what was done; it may return, and the call goes on. NULL: print it and abort.
 */
void posix_set_misuse(void (*fn)(void *ctx, const char *what), void *ctx);

/** posix_misuse() - the contract was broken: says so, as posix_set_misuse() wants it. */
void posix_misuse(const char *what);

/* ---- time ---- */

/** posix_clock_manual() - from now on dmah_host_now() tells what posix_clock_advance() says, from @now. */
void posix_clock_manual(uint64_t now);

/** posix_clock_real() - dmah_host_now() is the system's monotonic clock (the default). */
void posix_clock_real(void);

/** posix_clock_is_manual() - which of the two it is. */
bool posix_clock_is_manual(void);

/** posix_clock_advance() - time passes, on the manual clock: @ns nanoseconds. */
void posix_clock_advance(uint64_t ns);

/** posix_clock_reach() - time passes until @when, on the manual clock; never backwards. */
void posix_clock_reach(uint64_t when);

/* ---- allocation ---- */

/** enum posix_fail - which allocations fail. */
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
 * struct posix_alloc_stats - what the port handed out since it was given its machine.
 * @calls: allocations asked for.
 * @failed: those that failed, injected or not.
 * @pages: table pages live.
 * @mem: bytes of dmah_host_mem_alloc() live.
 */
struct posix_alloc_stats {
	uint64_t calls;
	uint64_t failed;
	uint64_t pages;
	uint64_t mem;
};

/** posix_alloc_stats() - the counters now. */
void posix_alloc_stats(struct posix_alloc_stats *stats);

/** POSIX_POISON - what freed memory is filled with. */
#define POSIX_POISON 0x5au

/* ---- reports ---- */

/**
 * posix_set_report() - where dmah_host_report() goes.
 * @fn: called for each; NULL: a line on stderr.
 */
void posix_set_report(void (*fn)(void *ctx, const struct dmah_device *dev, int err,
				 const char *text, uint64_t addr, const void *caller),
		      void *ctx);

/** posix_reports() - how many there were since posix_set_machine(). */
uint64_t posix_reports(void);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_POSIX_H */
