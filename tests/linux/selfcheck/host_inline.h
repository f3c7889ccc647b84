/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host contract of the self-check, its inline part: that of dmah.ko, and the functions that
 * only the library's own backends call. <dmah/host.h> includes this file.
 */
#ifndef DMAH_SELFCHECK_HOST_INLINE_H
#define DMAH_SELFCHECK_HOST_INLINE_H

#include "../../../ports/linux/host_inline.h"

#include <asm/barrier.h>

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

#endif /* DMAH_SELFCHECK_HOST_INLINE_H */
