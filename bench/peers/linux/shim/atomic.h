/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Memory accesses and barriers: the same instructions as a kernel's on x86-64, where each weaker
 * barrier is only the compiler's. Elsewhere C11's, which are at least as strong as needed.
 */
#ifndef SHIM_ATOMIC_H
#define SHIM_ATOMIC_H

#include "base.h"

#define READ_ONCE(x)	     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))
#define barrier()	     __asm__ __volatile__("" : : : "memory")

#ifdef __x86_64__
#define wmb()	    __asm__ __volatile__("sfence" : : : "memory")
#define smp_mb()    __asm__ __volatile__("lock; addl $0,-4(%%rsp)" : : : "memory", "cc")
#define smp_wmb()   barrier()
#define dma_wmb()   barrier()
#define cpu_relax() __asm__ __volatile__("pause")
#else
#define wmb()	    __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_mb()    __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_wmb()   __atomic_thread_fence(__ATOMIC_RELEASE)
#define dma_wmb()   __atomic_thread_fence(__ATOMIC_RELEASE)
#define cpu_relax() barrier()
#endif

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

#define atomic_read(a)	       READ_ONCE((a)->counter)
#define atomic_set(a, value)   WRITE_ONCE((a)->counter, (value))
#define atomic_xchg(a, value)  __atomic_exchange_n(&(a)->counter, (value), __ATOMIC_SEQ_CST)
#define atomic64_read(a)       READ_ONCE((a)->counter)
#define atomic64_set(a, value) WRITE_ONCE((a)->counter, (value))
#define atomic64_inc(a)	       ((void)__atomic_fetch_add(&(a)->counter, 1, __ATOMIC_SEQ_CST))

#define try_cmpxchg64(p, old, new) \
	__atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define cmpxchg64(p, old, new)                                                           \
	({                                                                               \
		__typeof__(*(p)) found = (old);                                          \
		__atomic_compare_exchange_n((p), &found, (new), false, __ATOMIC_SEQ_CST, \
					    __ATOMIC_SEQ_CST);                           \
		found;                                                                   \
	})
#define try_cmpxchg_release(p, old, new)   try_cmpxchg64(p, old, new)
#define try_cmpxchg64_release(p, old, new) try_cmpxchg64(p, old, new)
#define cmpxchg64_relaxed(p, old, new)	   cmpxchg64(p, old, new)

/* Against interrupts on this CPU only: on x86-64 without the lock prefix, which is what costs. */
static inline bool shim_cmpxchg_local(volatile u64 *p, u64 *old, u64 new)
{
#ifdef __x86_64__
	bool same;

	__asm__ __volatile__("cmpxchgq %3, %1"
			     : "=@ccz"(same), "+m"(*p), "+a"(*old)
			     : "r"(new)
			     : "memory");
	return same;
#else
	return __atomic_compare_exchange_n(p, old, new, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
#endif
}

#define try_cmpxchg64_local(p, old, new) shim_cmpxchg_local((volatile u64 *)(p), (u64 *)(old), new)
#define cmpxchg64_local(p, old, new)                                  \
	({                                                            \
		u64 found = (old);                                    \
		shim_cmpxchg_local((volatile u64 *)(p), &found, new); \
		found;                                                \
	})

static inline bool test_bit(unsigned long bit, const volatile unsigned long *map)
{
	return map[bit / 64] >> (bit % 64) & 1;
}

static inline void set_bit(unsigned long bit, volatile unsigned long *map)
{
	__atomic_fetch_or(&map[bit / 64], 1ul << (bit % 64), __ATOMIC_SEQ_CST);
}

static inline void clear_bit(unsigned long bit, volatile unsigned long *map)
{
	__atomic_fetch_and(&map[bit / 64], ~(1ul << (bit % 64)), __ATOMIC_SEQ_CST);
}

static inline bool test_and_clear_bit(unsigned long bit, volatile unsigned long *map)
{
	unsigned long mask = 1ul << (bit % 64);

	return __atomic_fetch_and(&map[bit / 64], ~mask, __ATOMIC_SEQ_CST) & mask;
}

#define rcu_dereference_raw(p)	     READ_ONCE(p)
#define rcu_assign_pointer(p, value) __atomic_store_n(&(p), (value), __ATOMIC_RELEASE)

#endif
