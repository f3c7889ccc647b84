/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* CPUs, which are threads; spinlocks; the response to a broken contract. */
#include "dmah_inline.h"
#include "posix.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct posix_cpu_line posix_cpus[POSIX_CPUS] __attribute__((aligned(64)));
__thread struct posix_thread posix_this = { .line = posix_cpus };

static void (*misuse_fn)(void *ctx, const char *what);
static void *misuse_ctx;

void posix_set_misuse(void (*fn)(void *ctx, const char *what), void *ctx)
{
	misuse_fn = fn;
	misuse_ctx = ctx;
}

void posix_misuse(const char *what)
{
	if (misuse_fn) {
		misuse_fn(misuse_ctx, what);
		return;
	}
	fprintf(stderr, "dmah host contract broken on CPU %u: %s\n", posix_this.line->cpu, what);
	abort();
}

void posix_set_cpu(unsigned int cpu)
{
	if (cpu >= POSIX_CPUS || posix_this.entered) {
		posix_misuse(cpu >= POSIX_CPUS ? "posix_set_cpu(): no such CPU"
					       : "posix_set_cpu() inside dmah_host_enter()");
		return;
	}
	posix_cpus[cpu].cpu = cpu;
	posix_this.line = &posix_cpus[cpu];
}

/* Make every running thread of the process order its memory accesses here. */
static bool membarrier(void)
{
	static int registered;

	if (!__atomic_load_n(&registered, __ATOMIC_ACQUIRE)) {
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
			return false;
		__atomic_store_n(&registered, 1, __ATOMIC_RELEASE);
	}
	return !syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

static bool quiesce_refused;

void posix_refuse_quiesce(bool refuse)
{
	__atomic_store_n(&quiesce_refused, refuse, __ATOMIC_RELAXED);
}

bool dmah_host_quiesce(unsigned int cpu)
{
	posix_assert_may_wait("dmah_host_quiesce() inside dmah_host_enter()");
	if (cpu >= POSIX_CPUS)
		posix_misuse("dmah_host_quiesce(): no such CPU");
	if (cpu == posix_this.line->cpu)
		return true;
	if (__atomic_load_n(&quiesce_refused, __ATOMIC_RELAXED) || !membarrier())
		return false;
	/* Yield: the section takes a few dozen instructions, but its thread may not be running. */
	while (__atomic_load_n(&posix_cpus[cpu].busy, __ATOMIC_ACQUIRE))
		sched_yield();
	return true;
}

unsigned int posix_cpu(void)
{
	return posix_this.line->cpu;
}

bool posix_entered(void)
{
	return posix_this.entered;
}

unsigned int posix_locks_held(void)
{
	return posix_this.locks;
}

void posix_assert_may_wait(const char *what)
{
	if (posix_this.entered || posix_this.locks)
		posix_misuse(what);
}

void posix_lock_slow(uint64_t *word, uint64_t me)
{
	unsigned int spins = 0;

	do {
		while (__atomic_load_n(word, __ATOMIC_RELAXED)) {
#if defined(__x86_64__) || defined(__i386__)
			__asm__ volatile("pause");
#endif
			/* Yield: the thread that holds the lock may not be running. */
			if (++spins >= 64)
				sched_yield();
		}
	} while (!__atomic_compare_exchange_n(word, &(uint64_t){ 0 }, me, false, __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
}
