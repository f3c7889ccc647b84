/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Locks for real contention: one atomic compare-and-exchange takes a lock and one plain store
 * releases it, the cost of a free qspinlock. A free lock costs less than in a kernel, since it masks
 * no interrupts and is inline. A contended lock costs no more: there is no queue of waiters, so the
 * last owner, whose cache has the line, often wins again, which is unfair and raises throughput.
 */
#ifndef SHIM_LOCK_H
#define SHIM_LOCK_H

#include <pthread.h>

#include "atomic.h"

typedef struct {
	int taken;
} spinlock_t;
typedef spinlock_t raw_spinlock_t;

static inline void spin_lock(spinlock_t *lock)
{
	for (;;) {
		int no = 0;

		if (likely(__atomic_compare_exchange_n(&lock->taken, &no, 1, false,
						       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
			return;
		while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED))
			cpu_relax();
	}
}

static inline void spin_unlock(spinlock_t *lock)
{
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

#define spin_lock_init(lock) ((lock)->taken = 0)
#define spin_lock_irqsave(lock, flags) \
	do {                           \
		(flags) = 0;           \
		spin_lock(lock);       \
	} while (0)
#define spin_unlock_irqrestore(lock, flags) \
	do {                                \
		(void)(flags);              \
		spin_unlock(lock);          \
	} while (0)
#define raw_spin_lock		   spin_lock
#define raw_spin_unlock		   spin_unlock
#define raw_spin_lock_init	   spin_lock_init
#define raw_spin_lock_irqsave	   spin_lock_irqsave
#define raw_spin_unlock_irqrestore spin_unlock_irqrestore
/* Lockdep is off in Debian's kernels. */
#define assert_spin_locked(lock) ((void)(lock))

/* These locks are taken during set-up only. */
struct mutex {
	pthread_mutex_t lock;
};
#define DEFINE_MUTEX(name) struct mutex name = { PTHREAD_MUTEX_INITIALIZER }
#define mutex_init(m)	   pthread_mutex_init(&(m)->lock, NULL)
#define mutex_lock(m)	   pthread_mutex_lock(&(m)->lock)
#define mutex_unlock(m)	   pthread_mutex_unlock(&(m)->lock)

#define might_sleep()		  ((void)0)
#define might_sleep_if(condition) ((void)0)

#endif
