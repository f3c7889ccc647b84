/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: the host contract. What a port gives the library; nothing else is asked of it.
 *
 * Every function here is resolved at link time. A port that wants the hot ones inline names a header of
 * its own in DMAH_HOST_INLINE (for example -DDMAH_HOST_INLINE='"my_dmah_inline.h"'); for each function
 * that it defines there as a static inline it also defines a macro of the same name (#define
 * dmah_host_enter dmah_host_enter), and the declaration here stands back.
 */
#ifndef DMAH_HOST_H
#define DMAH_HOST_H

#include <dmah/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dmah_device;

/**
 * struct dmah_lock - a spinlock of the host's, all-zero when free.
 * @word: the host's.
 *
 * A host whose lock is larger defines DMAH_HOST_LOCK_WORDS (64-bit words) on the command line of
 * everything that includes this header.
 */
#ifndef DMAH_HOST_LOCK_WORDS
#define DMAH_HOST_LOCK_WORDS 1
#endif
struct dmah_lock {
	uint64_t word[DMAH_HOST_LOCK_WORDS];
};

/** DMAH_PAGE_SIZE - bytes in a page of dmah_host_page_alloc(), and in an IOMMU's table. */
#define DMAH_PAGE_SIZE 4096u

/**
 * enum dmah_alloc_flags - how an allocation may behave; a bit mask.
 * @DMAH_ALLOC_ATOMIC: must not sleep. Set whenever the caller's context is not known to allow it.
 * @DMAH_ALLOC_UNCACHED: the CPU's view must be uncached (dmah_host_mem_alloc() for a device that is
 *	not coherent).
 */
enum dmah_alloc_flags {
	DMAH_ALLOC_ATOMIC = 1u << 0,
	DMAH_ALLOC_UNCACHED = 1u << 1,
};

/**
 * enum dmah_cache_op - maintenance of CPU caches to the point of coherency.
 * @DMAH_CACHE_CLEAN: dirty lines are written to memory and stay valid.
 * @DMAH_CACHE_INVALIDATE: lines are dropped, dirty or not.
 * @DMAH_CACHE_FLUSH: clean, then invalidate.
 */
enum dmah_cache_op {
	DMAH_CACHE_CLEAN,
	DMAH_CACHE_INVALIDATE,
	DMAH_CACHE_FLUSH,
};

#ifdef DMAH_HOST_INLINE
#include DMAH_HOST_INLINE
#endif

/**
 * dmah_host_page_alloc() - one page for a translation table.
 * @flags: enum dmah_alloc_flags.
 *
 * The page is DMAH_PAGE_SIZE bytes, aligned to that, and zeroed. Only map, attach and reserve call this.
 *
 * Context: that of the caller; with DMAH_ALLOC_ATOMIC any.
 * Return: the page, or NULL.
 *
 * Example: a kernel with a direct map returns 0xffff888000123000; dmah_host_virt_to_phys() of that is
 * 0x123000, which is what lands in the parent's table entry.
 */
#ifndef dmah_host_page_alloc
void *dmah_host_page_alloc(unsigned int flags);
#endif

/**
 * dmah_host_page_free() - give back a page of dmah_host_page_alloc().
 * @page: the page. No IOMMU refers to it any more.
 *
 * Context: dmah_domain_fini() and failed attaches only; never unmap or sync.
 */
#ifndef dmah_host_page_free
void dmah_host_page_free(void *page);
#endif

/**
 * dmah_host_mem_alloc() - physically contiguous memory for dmah_alloc_coherent().
 * @size: bytes, a multiple of DMAH_PAGE_SIZE.
 * @limit: highest physical address that may be used, inclusive.
 * @flags: enum dmah_alloc_flags.
 * @phys: where to put the physical address, aligned to DMAH_PAGE_SIZE.
 *
 * Return: the CPU's pointer to zeroed memory, or NULL.
 */
#ifndef dmah_host_mem_alloc
void *dmah_host_mem_alloc(size_t size, dmah_phys_t limit, unsigned int flags, dmah_phys_t *phys);
#endif

/** dmah_host_mem_free() - give back memory of dmah_host_mem_alloc(), named by address and size. */
#ifndef dmah_host_mem_free
void dmah_host_mem_free(dmah_phys_t phys, size_t size);
#endif

/**
 * dmah_host_virt_to_phys() - the physical address behind a CPU pointer.
 * @cpu: into a page of dmah_host_page_alloc(), or the argument of dmah_map_single().
 */
#ifndef dmah_host_virt_to_phys
dmah_phys_t dmah_host_virt_to_phys(const void *cpu);
#endif

/** dmah_host_table_virt() - the CPU pointer of a page of dmah_host_page_alloc(), by its address. */
#ifndef dmah_host_table_virt
void *dmah_host_table_virt(dmah_phys_t phys);
#endif

/**
 * dmah_host_phys_map() - make physical memory readable and writable by the CPU, to copy a bounced buffer.
 * @phys: first byte.
 * @len: bytes; a range never crosses a boundary of DMAH_PAGE_SIZE.
 *
 * Context: any, also interrupts. Return: a pointer, valid until dmah_host_phys_unmap(). A host with a
 * direct map only adds an offset; one with highmem maps a page.
 */
#ifndef dmah_host_phys_map
void *dmah_host_phys_map(dmah_phys_t phys, size_t len);
#endif

/** dmah_host_phys_unmap() - end what dmah_host_phys_map() began. */
#ifndef dmah_host_phys_unmap
void dmah_host_phys_unmap(void *cpu, dmah_phys_t phys, size_t len);
#endif

/**
 * dmah_host_cache() - maintain the CPU's cache lines over physical memory, to the point of coherency.
 * @op: what to do.
 * @phys: first byte; the library has rounded it down to a line of the domain's cache_line.
 * @len: bytes, a multiple of that line.
 *
 * Complete (DSB on ARM) on return. Called for devices that are not coherent, and for tables that an
 * IOMMU reads past the caches. Context: any.
 */
#ifndef dmah_host_cache
void dmah_host_cache(enum dmah_cache_op op, dmah_phys_t phys, uint64_t len);
#endif

/**
 * dmah_host_enter() - stay on this CPU, with interrupts off.
 * @flags: where to keep what dmah_host_leave() needs.
 *
 * Held for a few dozen instructions, and never across a wait for hardware. Not nested.
 * Return: the CPU's number, below the domain's cpus.
 */
#ifndef dmah_host_enter
unsigned int dmah_host_enter(unsigned long *flags);
#endif

/** dmah_host_leave() - end what dmah_host_enter() began. */
#ifndef dmah_host_leave
void dmah_host_leave(unsigned long flags);
#endif

/**
 * dmah_host_quiesce() - wait until another CPU is out of dmah_host_enter().
 * @cpu: its number. Where it is the caller's own, there is nothing to do.
 *
 * On return @cpu has left every section that it was in when this was called, and all that it wrote there is seen by
 * the caller; and in any section that it enters later it sees what the caller wrote before. The library asks for this
 * only where an aperture is exhausted, a CPU is dead or a device is attached; it is what lets map and unmap do without a
 * lock. A CPU that is not running has left.
 *
 * Examples: a kernel sends the CPU an interrupt and waits for its answer; user space calls membarrier(2) and then looks
 * at a flag that dmah_host_enter() sets and dmah_host_leave() clears; with one CPU there is nothing to do.
 *
 * Context: outside dmah_host_enter(), no lock of the library is held. Return: false where the host cannot wait now (a
 * kernel with interrupts off): what @cpu has cached then stays where it is.
 */
#ifndef dmah_host_quiesce
bool dmah_host_quiesce(unsigned int cpu);
#endif

/** dmah_host_lock() - take a spinlock; between enter and leave only. */
#ifndef dmah_host_lock
void dmah_host_lock(struct dmah_lock *lock);
#endif

/** dmah_host_unlock() - release a spinlock. */
#ifndef dmah_host_unlock
void dmah_host_unlock(struct dmah_lock *lock);
#endif

/**
 * dmah_host_wmb() - stores before this are seen by a device before stores after it.
 *
 * On x86 a compiler barrier is enough; ARMv8 wants DMB OSHST.
 */
#ifndef dmah_host_wmb
void dmah_host_wmb(void);
#endif

/**
 * dmah_host_now() - a monotonic clock, in nanoseconds. Any epoch; may be coarse to 1 ms.
 *
 * Bounds every wait for hardware and dates the lazy queue.
 */
#ifndef dmah_host_now
uint64_t dmah_host_now(void);
#endif

/** dmah_host_relax() - a pause in a spin loop. */
#ifndef dmah_host_relax
void dmah_host_relax(void);
#endif

/** dmah_host_read32() - read a 32-bit device register. */
#ifndef dmah_host_read32
uint32_t dmah_host_read32(const volatile void *reg);
#endif

/** dmah_host_write32() - write a 32-bit device register; ordered after earlier stores to memory. */
#ifndef dmah_host_write32
void dmah_host_write32(volatile void *reg, uint32_t value);
#endif

/** dmah_host_read64() - read a 64-bit device register. */
#ifndef dmah_host_read64
uint64_t dmah_host_read64(const volatile void *reg);
#endif

/** dmah_host_write64() - write a 64-bit device register; ordered after earlier stores to memory. */
#ifndef dmah_host_write64
void dmah_host_write64(volatile void *reg, uint64_t value);
#endif

/**
 * dmah_host_report() - something is wrong that an error code alone would not explain.
 * @dev: the device, or NULL where none is concerned.
 * @err: enum dmah_error.
 * @text: what, in words; constant.
 * @addr: the DMA or physical address that it is about.
 * @caller: return address of the library call, to be printed by symbol, or NULL.
 *
 * Context: any. Must not call the library.
 */
#ifndef dmah_host_report
void dmah_host_report(const struct dmah_device *dev, int err, const char *text, uint64_t addr,
		      const void *caller);
#endif

#ifdef __cplusplus
}
#endif

#endif /* DMAH_HOST_H */
