/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A spinlock. Every simulated command and access takes it, and a mutex would cost more than the work itself. */
#ifndef SIM_LOCK_H
#define SIM_LOCK_H

#include <sched.h>

struct sim_lock {
	unsigned int word;
};

static inline void sim_lock(struct sim_lock *lock)
{
	unsigned int spins = 0;

	while (__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&lock->word, __ATOMIC_RELAXED))
			if (++spins >= 64)
				sched_yield();
}

static inline void sim_unlock(struct sim_lock *lock)
{
	__atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}

#endif /* SIM_LOCK_H */
