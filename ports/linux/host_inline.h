/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host of src/iova and of the bounce pool: the functions that they call, by the kernel.
 * <dmah/host.h> includes this file.
 */
#ifndef DMAH_LINUX_HOST_INLINE_H
#define DMAH_LINUX_HOST_INLINE_H

#include <linux/irqflags.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

static __always_inline unsigned int dmah_host_enter(unsigned long *flags)
{
	local_irq_save(*flags);
	return smp_processor_id();
}

#define dmah_host_enter dmah_host_enter

static __always_inline void dmah_host_leave(unsigned long flags)
{
	local_irq_restore(flags);
}

#define dmah_host_leave dmah_host_leave

/*
 * struct dmah_lock holds a raw_spinlock_t, so lockdep sees these locks: DMAH_HOST_LOCK_WORDS is
 * larger in kernels that debug their locks. An all-zero raw_spinlock_t is free in all other
 * kernels.
 */
#define host_lock_init(lock) raw_spin_lock_init((raw_spinlock_t *)(lock))

static __always_inline void dmah_host_lock(struct dmah_lock *lock)
{
	BUILD_BUG_ON(sizeof(raw_spinlock_t) > sizeof(*lock));
	raw_spin_lock((raw_spinlock_t *)lock);
}

#define dmah_host_lock dmah_host_lock

static __always_inline void dmah_host_unlock(struct dmah_lock *lock)
{
	raw_spin_unlock((raw_spinlock_t *)lock);
}

#define dmah_host_unlock dmah_host_unlock

static __always_inline uint64_t dmah_host_now(void)
{
	/* Safe in any context, an NMI too; a step of the clock by a tick does no harm here. */
	return ktime_get_mono_fast_ns();
}

#define dmah_host_now dmah_host_now

#endif /* DMAH_LINUX_HOST_INLINE_H */
