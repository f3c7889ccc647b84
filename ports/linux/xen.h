/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The owner of memory, as a Xen guest can know it. Physical address to machine address is asked
 * when a mapping is made; the other way, which has no right answer where one grant is mapped
 * twice, never.
 */
#ifndef DMAH_LINUX_XEN_H
#define DMAH_LINUX_XEN_H

#include <linux/device.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/types.h>

/**
 * enum xen_memory - the owner of memory.
 * @XEN_OWN: this domain's, or this is no Xen: the kernel's DMA API does what is right.
 * @XEN_FOREIGN: another domain's, and the device can be given its machine address.
 * @XEN_BOUNCE: another domain's, at least in part, and the device can be given bounce slots only.
 */
enum xen_memory { XEN_OWN, XEN_FOREIGN, XEN_BOUNCE };

#if defined(CONFIG_ARM64) && defined(CONFIG_XEN)
#include <xen/xen.h>

/**
 * xen_translates() - Returns true if DMA addresses are machine addresses, not physical ones.
 */
static inline bool xen_translates(void)
{
	return xen_initial_domain();
}

/**
 * xen_memory() - find the owner of memory, and the address at which a device reaches it. One
 * lookup for each page.
 * @dev: the device.
 * @phys: first byte.
 * @len: bytes.
 * @dma: with XEN_FOREIGN set to the device's address.
 */
enum xen_memory xen_memory(struct device *dev, phys_addr_t phys, u32 len, dma_addr_t *dma);

/**
 * xen_astray() - Returns true if @dma is just the address of @phys, which is XEN_BOUNCE: the
 * device would reach another page.
 */
bool xen_astray(struct device *dev, phys_addr_t phys, dma_addr_t dma);

/**
 * xen_cache() - the hypervisor cleans or invalidates cache lines of what a device is given.
 * Return: hypercalls made.
 */
unsigned int xen_cache(struct device *dev, dma_addr_t dma, u32 len, bool invalidate);
#else
static inline bool xen_translates(void)
{
	return false;
}

static inline enum xen_memory xen_memory(struct device *dev, phys_addr_t phys, u32 len,
					 dma_addr_t *dma)
{
	return XEN_OWN;
}

static inline bool xen_astray(struct device *dev, phys_addr_t phys, dma_addr_t dma)
{
	return false;
}

static inline unsigned int xen_cache(struct device *dev, dma_addr_t dma, u32 len, bool invalidate)
{
	return 0;
}
#endif

/** xen_kernel_maps() - Returns true if the kernel's linear mapping has all of this memory. */
static inline bool xen_kernel_maps(phys_addr_t phys, u32 len)
{
	for (unsigned long pfn = PHYS_PFN(phys); pfn <= PHYS_PFN(phys + len - 1); pfn++) {
#ifdef CONFIG_ARM64
		/* pfn_valid() is true of memory that is in no mapping, too. */
		if (!pfn_is_map_memory(pfn))
			return false;
#else
		if (!pfn_valid(pfn))
			return false;
#endif
	}
	return true;
}

#endif /* DMAH_LINUX_XEN_H */
