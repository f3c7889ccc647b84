/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The hot functions of the user-space port, inline: build the library with -DDMAH_HOST_INLINE='"dmah_inline.h"'.
 *
 * Unless NDEBUG is defined, the functions check the contract: nested enter, two threads on one CPU, leave with a lock
 * held, a lock outside enter, a lock taken twice, and unlock by another CPU.
 *
 * <dmah/host.h> includes this file before it defines struct dmah_lock; only the first word of that structure is used. The
 * functions have posix_ names, and macros map the contract's names to them, so that outline.c can define real functions.
 */
#ifndef DMAH_POSIX_INLINE_H
#define DMAH_POSIX_INLINE_H

#include <dmah/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dmah_lock;

/**
 * struct posix_cpu_line - a CPU's state, in a cache line of its own.
 * @busy: a thread is between dmah_host_enter() and dmah_host_leave() on the CPU.
 * @cpu: the CPU's number.
 */
struct posix_cpu_line {
	uint64_t busy;
	unsigned int cpu;
	uint32_t pad[13];
};

extern struct posix_cpu_line posix_cpus[];

/** struct posix_thread - the calling thread: its CPU's line and, unless NDEBUG, its state of entry and its locks. */
struct posix_thread {
	struct posix_cpu_line *line;
	unsigned int entered;
	unsigned int locks;
};

extern __thread struct posix_thread posix_this;

/**
 * struct posix_fast - the translation of physical addresses.
 * @delta: CPU address minus physical address.
 * @hook_map: the machine has phys_map and phys_unmap.
 * @hook_virt: the machine has virt_to_phys.
 * @manual: the clock is manual, and a pause in a spin loop moves it.
 */
struct posix_fast {
	uintptr_t delta;
	bool hook_map;
	bool hook_virt;
	bool manual;
};

extern struct posix_fast posix_fast;

void posix_misuse(const char *what);
void *posix_phys_map_slow(dmah_phys_t phys, size_t len);
void posix_phys_unmap_slow(void *cpu, dmah_phys_t phys, size_t len);
dmah_phys_t posix_virt_to_phys_slow(const void *cpu);
void posix_lock_slow(uint64_t *word, uint64_t me);
void posix_relax_slow(void);

static inline unsigned int posix_host_enter(unsigned long *flags)
{
	struct posix_cpu_line *line = posix_this.line;

#ifndef NDEBUG
	if (posix_this.entered)
		posix_misuse("dmah_host_enter() inside dmah_host_enter()");
	/* Pair with leave: a thread that becomes a CPU sees the writes of the CPU's last thread, as after a context switch. */
	if (__atomic_load_n(&line->busy, __ATOMIC_ACQUIRE))
		posix_misuse("two threads are one CPU");
	posix_this.entered = 1;
#endif
	/* Keep the compiler from moving later accesses up. The CPU may move them: dmah_host_quiesce() orders those. */
	__atomic_store_n(&line->busy, 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	*flags = (unsigned long)(uintptr_t)line;
	return line->cpu;
}

static inline void posix_host_leave(unsigned long flags)
{
#ifndef NDEBUG
	if (!posix_this.entered)
		posix_misuse("dmah_host_leave() without dmah_host_enter()");
	if (flags != (unsigned long)(uintptr_t)posix_this.line)
		posix_misuse("dmah_host_leave() with flags that are not dmah_host_enter()'s");
	flags = (unsigned long)(uintptr_t)posix_this.line;
	if (posix_this.locks)
		posix_misuse("dmah_host_leave() with a lock held");
	posix_this.entered = 0;
#endif
	__atomic_store_n(&((struct posix_cpu_line *)(uintptr_t)flags)->busy, 0, __ATOMIC_RELEASE);
}

static inline void posix_host_lock(struct dmah_lock *lock)
{
	uint64_t *word = (uint64_t *)(void *)lock;
	uint64_t id = (uint64_t)(uintptr_t)&posix_this;

#ifndef NDEBUG
	if (!posix_this.entered)
		posix_misuse("dmah_host_lock() outside of dmah_host_enter()");
	if (__atomic_load_n(word, __ATOMIC_RELAXED) == id)
		posix_misuse("dmah_host_lock() of a lock that this CPU holds");
#endif
	if (!__atomic_compare_exchange_n(word, &(uint64_t){ 0 }, id, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		posix_lock_slow(word, id);
#ifndef NDEBUG
	posix_this.locks++;
#endif
}

static inline void posix_host_unlock(struct dmah_lock *lock)
{
	uint64_t *word = (uint64_t *)(void *)lock;

#ifndef NDEBUG
	if (__atomic_load_n(word, __ATOMIC_RELAXED) != (uint64_t)(uintptr_t)&posix_this) {
		posix_misuse("dmah_host_unlock() of a lock that this CPU does not hold");
		return;
	}
	posix_this.locks--;
#endif
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

static inline void posix_host_wmb(void)
{
#if defined(__aarch64__)
	__asm__ volatile("dmb ishst" ::: "memory");
#elif defined(__arm__) && __ARM_ARCH >= 7
	__asm__ volatile("dmb ishst" ::: "memory");
#elif defined(__riscv)
	__asm__ volatile("fence w,w" ::: "memory");
#elif defined(__x86_64__) || defined(__i386__)
	__asm__ volatile("" ::: "memory");
#else
	__sync_synchronize();
#endif
}

static inline void posix_host_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__asm__ volatile("pause");
#elif defined(__aarch64__) || (defined(__arm__) && __ARM_ARCH >= 7)
	__asm__ volatile("yield");
#endif
	if (__builtin_expect(posix_fast.manual, 0))
		posix_relax_slow();
}

static inline void *posix_host_table_virt(dmah_phys_t phys)
{
	return (void *)((uintptr_t)phys + posix_fast.delta);
}

static inline dmah_phys_t posix_host_virt_to_phys(const void *cpu)
{
	if (__builtin_expect(posix_fast.hook_virt, 0))
		return posix_virt_to_phys_slow(cpu);
#if UINTPTR_MAX > 0xffffffffu
	return (dmah_phys_t)((uintptr_t)cpu - posix_fast.delta);
#else
	return posix_virt_to_phys_slow(
		cpu); /* an offset of 32 bits would lose the address's upper half */
#endif
}

static inline void *posix_host_phys_map(dmah_phys_t phys, size_t len)
{
	if (__builtin_expect(posix_fast.hook_map, 0))
		return posix_phys_map_slow(phys, len);
	return (void *)((uintptr_t)phys + posix_fast.delta);
}

static inline void posix_host_phys_unmap(void *cpu, dmah_phys_t phys, size_t len)
{
	if (__builtin_expect(posix_fast.hook_map, 0))
		posix_phys_unmap_slow(cpu, phys, len);
}

/* outline.c defines functions with the contract's names. */
#ifndef POSIX_OUTLINE
#define dmah_host_enter	       posix_host_enter
#define dmah_host_leave	       posix_host_leave
#define dmah_host_lock	       posix_host_lock
#define dmah_host_unlock       posix_host_unlock
#define dmah_host_wmb	       posix_host_wmb
#define dmah_host_relax	       posix_host_relax
#define dmah_host_table_virt   posix_host_table_virt
#define dmah_host_virt_to_phys posix_host_virt_to_phys
#define dmah_host_phys_map     posix_host_phys_map
#define dmah_host_phys_unmap   posix_host_phys_unmap
#endif

#ifdef __cplusplus
}
#endif

#endif /* DMAH_POSIX_INLINE_H */
