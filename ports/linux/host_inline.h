/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The library's host contract by the kernel, the part that is inline: <dmah/host.h> includes this.
 */
#ifndef DMAH_LINUX_HOST_INLINE_H
#define DMAH_LINUX_HOST_INLINE_H

#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <asm/barrier.h>

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
 * The architecture's lock, and not spinlock_t, which is larger and not all-zero when free where locks are debugged.
 * Interrupts are off here, so nothing of the rest of spin_lock() is missed.
 */
static __always_inline void dmah_host_lock(struct dmah_lock *lock)
{
	BUILD_BUG_ON(sizeof(arch_spinlock_t) > sizeof(u64));
	arch_spin_lock((arch_spinlock_t *)lock);
}
#define dmah_host_lock dmah_host_lock

static __always_inline void dmah_host_unlock(struct dmah_lock *lock)
{
	arch_spin_unlock((arch_spinlock_t *)lock);
}
#define dmah_host_unlock dmah_host_unlock

static __always_inline void dmah_host_wmb(void)
{
	dma_wmb();
}
#define dmah_host_wmb dmah_host_wmb

static __always_inline void *dmah_host_phys_map(dmah_phys_t phys, size_t len)
{
	return phys_to_virt(phys);
}
#define dmah_host_phys_map dmah_host_phys_map

static __always_inline void dmah_host_phys_unmap(void *cpu, dmah_phys_t phys, size_t len)
{
}
#define dmah_host_phys_unmap dmah_host_phys_unmap

static __always_inline dmah_phys_t dmah_host_virt_to_phys(const void *cpu)
{
	return virt_to_phys((void *)cpu);
}
#define dmah_host_virt_to_phys dmah_host_virt_to_phys

static __always_inline uint64_t dmah_host_now(void)
{
	/* Safe in any context, an NMI too; a step of the clock by a tick does no harm here. */
	return ktime_get_mono_fast_ns();
}
#define dmah_host_now dmah_host_now

#endif /* DMAH_LINUX_HOST_INLINE_H */
