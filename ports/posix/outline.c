/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The hot functions as real symbols, for code that was built without dmah_inline.h. */
#define POSIX_OUTLINE
#include "dmah_inline.h"

#include <dmah/host.h>

unsigned int dmah_host_enter(unsigned long *flags)
{
	return posix_host_enter(flags);
}

void dmah_host_leave(unsigned long flags)
{
	posix_host_leave(flags);
}

void dmah_host_lock(struct dmah_lock *lock)
{
	posix_host_lock(lock);
}

void dmah_host_unlock(struct dmah_lock *lock)
{
	posix_host_unlock(lock);
}

void dmah_host_wmb(void)
{
	posix_host_wmb();
}

void dmah_host_relax(void)
{
	posix_host_relax();
}

void *dmah_host_table_virt(dmah_phys_t phys)
{
	return posix_host_table_virt(phys);
}

dmah_phys_t dmah_host_virt_to_phys(const void *cpu)
{
	return posix_host_virt_to_phys(cpu);
}

void *dmah_host_phys_map(dmah_phys_t phys, size_t len)
{
	return posix_host_phys_map(phys, len);
}

void dmah_host_phys_unmap(void *cpu, dmah_phys_t phys, size_t len)
{
	posix_host_phys_unmap(cpu, phys, len);
}
