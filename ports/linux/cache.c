// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU caches, for a device that is not coherent. The kernel's own functions for this are not
 * exported to modules; on arm64 the instructions work on any mapping of the memory, so this goes
 * by the linear mapping of what the handle names. Arm Architecture Reference Manual, section D7.5
 * (cache maintenance by address to the point of coherency).
 */
#include "client.h"
#include "host_cache.h"
#include "xen.h"

#ifdef CONFIG_ARM64
#include <asm/barrier.h>
#include <asm/sysreg.h>

/* The smallest line of any CPU, as a power of two: CTR_EL0.DminLine counts words of 4 bytes. */
static unsigned int line_shift(void)
{
	return 2 + (read_sysreg(ctr_el0) >> 16 & 0xf);
}

/* These loops are most of a sync's instructions: nothing but the line's own are in them. */
static void clean(unsigned long at, unsigned long end, unsigned long step)
{
	for (; at < end; at += step)
		asm volatile("dc cvac, %0" : : "r"(at) : "memory");
}

/* Clean too: a line at the buffer's edge may hold bytes beside it that the CPU has written. */
static void clean_invalidate(unsigned long at, unsigned long end, unsigned long step)
{
	for (; at < end; at += step)
		asm volatile("dc civac, %0" : : "r"(at) : "memory");
}

bool cache_can(void)
{
	return true;
}

u64 host_cache(void *cpu, size_t len, bool invalidate)
{
	unsigned int shift = line_shift();
	unsigned long step = 1ul << shift;
	unsigned long at = (unsigned long)cpu & ~(step - 1), end = (unsigned long)cpu + len;

	if (invalidate)
		clean_invalidate(at, end, step);
	else
		clean(at, end, step);
	dsb(sy);
	return (end - at + step - 1) >> shift;
}
#else
bool cache_can(void)
{
	return false;
}

u64 host_cache(void *cpu, size_t len, bool invalidate)
{
	return 0;
}
#endif

static void maintain(struct client *c, const struct dmah *h, u32 off, u32 len, bool invalidate)
{
	if (h->meta & META_HYPERCALL) {
		unsigned int calls = xen_cache(c->dev, h->dma + off, len, invalidate);

		client_count(c, hypercalls, calls);
		return;
	}
	client_count(c, maintained_lines, host_cache(phys_to_virt(h->phys + off), len, invalidate));
}

void cache_give(struct client *c, const struct dmah *h, u32 off, u32 len)
{
	/*
	 * Cleaned for a device that writes, too: what is invalidated without would show the CPU,
	 * or the device's short write would leave, older contents of the memory.
	 */
	maintain(c, h, off, len, false);
}

void cache_take_back(struct client *c, const struct dmah *h, u32 off, u32 len)
{
	if (meta_device_writes(h->meta))
		maintain(c, h, off, len, true);
}

void cache_flush_kernel(void *cpu, size_t len)
{
	(void)host_cache(cpu, len, true);
}
