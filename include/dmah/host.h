/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: the host contract. A port provides these 22 functions; the library calls no others.
 *
 * The functions are resolved at link time. A port that wants some of them inline names a header of
 * its own in DMAH_HOST_INLINE, for example -DDMAH_HOST_INLINE='"my_dmah_inline.h"'. For each
 * function that this header defines as a static inline, it also defines a macro of the same name
 * (#define dmah_host_enter dmah_host_enter); the declaration below is then left out.
 *
 * The examples below are of one machine: a kernel that maps all physical memory at
 * 0xffff888000000000, with an IOMMU whose registers are mapped at regs. docs/porting.md has the
 * functions of a kernel that boots.
 *
 * Most functions may be called with interrupts off and with a lock of the library held ("Context:
 * any, with locks"). They must not sleep, must not call the library, and must not wait for another
 * CPU that may be waiting for the lock.
 */
#ifndef DMAH_HOST_H
#define DMAH_HOST_H

#include <dmah/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dmah_device;

/**
 * struct dmah_lock - a spinlock of the host. All-zero when free: the library initialises locks by
 * zeroing them.
 * @word: the host's own.
 *
 * A host with a larger lock defines DMAH_HOST_LOCK_WORDS, in 64-bit words, on the command line of
 * everything that includes this header.
 */
struct dmah_lock {
	uint64_t word[DMAH_HOST_LOCK_WORDS];
};

/** DMAH_PAGE_SIZE - bytes in a page of dmah_host_page_alloc(), and in a table of an IOMMU. */
#define DMAH_PAGE_SIZE 4096u

/**
 * enum dmah_alloc_flags - how an allocation may behave; a bit mask.
 * @DMAH_ALLOC_ATOMIC: must not sleep. Set whenever the caller may be in a context that does not
 *	allow it.
 * @DMAH_ALLOC_UNCACHED: the CPU must access the memory uncached. Only for dmah_host_mem_alloc():
 *	set for a device, or for an SMMU, that does not read through the CPU's caches.
 */
enum dmah_alloc_flags {
	DMAH_ALLOC_ATOMIC = 1u << 0,
	DMAH_ALLOC_UNCACHED = 1u << 1,
};

/**
 * enum dmah_cache_op - maintenance of CPU caches to the point of coherency.
 * @DMAH_CACHE_CLEAN: write dirty lines back to memory. Lines may stay.
 * @DMAH_CACHE_INVALIDATE: drop lines. The library has cleaned them before, so that an
 *	implementation may write dirty lines back, as x86's CLFLUSH does.
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

/* ---- memory ---- */

/**
 * dmah_host_page_alloc() - allocate a page, for a translation table, a CPU's free IOVAs, or the library's records.
 * @flags: 0 or DMAH_ALLOC_ATOMIC.
 *
 * The page has DMAH_PAGE_SIZE bytes, is aligned to them, and is zeroed. Set-up, attach, reserve and
 * map call this, and NULL makes that call fail with DMAH_ENOMEM and changes nothing; but where a map
 * asks for a CPU's free IOVAs, it goes on without them, and a later map asks again. Coherent memory
 * whose end the hardware does not confirm may need one for its record. Unmap and sync never call this.
 *
 * Context: of the caller; with DMAH_ALLOC_ATOMIC any, with locks. Return: a CPU pointer, or NULL.
 *
 * Example: returns 0xffff888000182000, a page whose physical address is 0x182000.
 */
#ifndef dmah_host_page_alloc
void *dmah_host_page_alloc(unsigned int flags);
#endif

/**
 * dmah_host_page_free() - free a page of dmah_host_page_alloc().
 * @page: the page. No hardware reads it any more.
 *
 * Context: of set-up and tear-down (dmah_domain_fini(), dmah_vtd_fini(), calls that fail); never
 * unmap or sync. Of a map, with locks, for one kind of page alone: one above 4 GiB, which ARMv7's
 * short descriptors cannot name.
 *
 * Example: @page is 0xffff888000182000.
 */
#ifndef dmah_host_page_free
void dmah_host_page_free(void *page);
#endif

/**
 * dmah_host_mem_alloc() - allocate zeroed, physically contiguous memory that the CPU and hardware
 * share.
 * @size: bytes, a multiple of DMAH_PAGE_SIZE.
 * @limit: the highest physical address that the memory may have, inclusive.
 * @flags: 0 or DMAH_ALLOC_UNCACHED.
 * @phys: set to the physical address of the first byte, a multiple of DMAH_PAGE_SIZE.
 *
 * The drivers of VT-d, AMD-Vi, the SMMUv3, the RISC-V IOMMU and virtio-iommu need this for their
 * queues and tables, as do the root tables of ARMv7's short descriptors. Without these, only
 * dmah_alloc_coherent() calls this, and a host that has no use for that call may return NULL. @size
 * is the size that is passed to dmah_host_mem_free(). With DMAH_ALLOC_UNCACHED no cached mapping of
 * the memory may be in use: write back and drop its lines first.
 *
 * Context: may sleep. Return: a CPU pointer, or NULL: the call fails with DMAH_ENOMEM.
 *
 * Example: dmah_vtd_init() asks for 0x2000 bytes up to 0xffffffffffffffff with flags 0: *@phys is
 * 0x126000, and 0xffff888000126000 is returned. dmah_smmuv3_init() of a unit with 44-bit addresses
 * asks four times, the last time for 0x8000 bytes up to 0xfffffffffff.
 */
#ifndef dmah_host_mem_alloc
void *dmah_host_mem_alloc(size_t size, dmah_phys_t limit, unsigned int flags, dmah_phys_t *phys);
#endif

/**
 * dmah_host_mem_free() - free memory of dmah_host_mem_alloc().
 * @phys: the physical address of its first byte.
 * @size: the size that was asked for.
 *
 * Context: may sleep.
 *
 * Example: @phys is 0x126000, @size is 0x2000.
 */
#ifndef dmah_host_mem_free
void dmah_host_mem_free(dmah_phys_t phys, size_t size);
#endif

/**
 * dmah_host_virt_to_phys() - translate a CPU pointer to a physical address.
 * @cpu: a pointer into a page of dmah_host_page_alloc(), or the argument of dmah_map_single().
 *
 * Context: any, with locks.
 *
 * Example: 0xffff888000180018, an entry of a root table, gives 0x180018.
 */
#ifndef dmah_host_virt_to_phys
dmah_phys_t dmah_host_virt_to_phys(const void *cpu);
#endif

/**
 * dmah_host_table_virt() - translate the physical address of a page of dmah_host_page_alloc() to
 * its CPU pointer.
 * @phys: the page, as dmah_host_virt_to_phys() gave it and as a table entry holds it.
 *
 * Context: any, with locks.
 *
 * Example: 0x182000 gives 0xffff888000182000.
 */
#ifndef dmah_host_table_virt
void *dmah_host_table_virt(dmah_phys_t phys);
#endif

/**
 * dmah_host_phys_map() - map physical memory so that the CPU can read and write it.
 * @phys: the first byte.
 * @len: bytes. The range never crosses a multiple of DMAH_PAGE_SIZE.
 *
 * Called to copy a bounced buffer, by check builds to look at a buffer, and to write a last command
 * into VT-d's queue: by dmah_vtd_fini() into its own, and, with @old_queue_kept of struct
 * dmah_vtd_config, by dmah_vtd_init() into the firmware's, whose memory need not be in the kernel's
 * own memory map. Two mappings may be in use at once on one CPU. A host with a direct map adds an
 * offset.
 *
 * Context: any, interrupts included. Return: a CPU pointer, valid until dmah_host_phys_unmap(). It
 * may not fail.
 *
 * Example: a buffer of 512 bytes at 0x3fdcef80 bounces. The library maps 128 bytes at 0x3fdcef80,
 * copies, unmaps, and then does so with 384 bytes at 0x3fdcf000. The first call returns
 * 0xffff88803fdcef80.
 */
#ifndef dmah_host_phys_map
void *dmah_host_phys_map(dmah_phys_t phys, size_t len);
#endif

/**
 * dmah_host_phys_unmap() - end a mapping of dmah_host_phys_map().
 * @cpu: the pointer that dmah_host_phys_map() returned.
 * @phys: the first byte.
 * @len: bytes.
 *
 * Context: as dmah_host_phys_map().
 *
 * Example: @cpu is 0xffff88803fdcef80, @phys is 0x3fdcef80, @len is 128. Nothing to do with a
 * direct map.
 */
#ifndef dmah_host_phys_unmap
void dmah_host_phys_unmap(void *cpu, dmah_phys_t phys, size_t len);
#endif

/**
 * dmah_host_cache() - maintain the CPU's data cache lines over physical memory, to the point of
 * coherency.
 * @op: the operation.
 * @phys: the first byte, a multiple of the domain's @cache_line; for VT-d's own tables, of 64.
 * @len: bytes, a multiple of the same number.
 *
 * Called for two reasons, and both must be absent before the function may be empty: a device
 * without DMAH_DEV_COHERENT, and an IOMMU that reads tables past the caches (a VT-d unit with
 * ECAP_REG.C = 0, as QEMU's has). The maintenance is complete when this returns: DSB on Arm, MFENCE
 * after CLFLUSH on x86. All CPUs' caches are meant; the instructions of both architectures reach
 * them.
 *
 * Context: any, with locks.
 *
 * Example: an entry at 0x180018 was written for such a unit: CLEAN, 0x180000, 64. A device that is
 * not coherent has written 2,048 bytes at 0x3fdce000, which are unmapped: INVALIDATE, 0x3fdce000,
 * 2048: 32 lines of 64 bytes.
 */
#ifndef dmah_host_cache
void dmah_host_cache(enum dmah_cache_op op, dmah_phys_t phys, uint64_t len);
#endif

/* ---- CPUs ---- */

/**
 * dmah_host_enter() - switch interrupts off and stay on this CPU.
 * @flags: set to the state that dmah_host_leave() restores.
 *
 * The library runs a few dozen instructions before dmah_host_leave(), does not wait for hardware in
 * between, and does not nest the two. It is a barrier to the compiler.
 *
 * Context: any. Return: the number of the CPU, below the domain's @cpus.
 *
 * Example: x86 CPU 3 with interrupts on: *@flags is 0x202 (RFLAGS), and 3 is returned.
 */
#ifndef dmah_host_enter
unsigned int dmah_host_enter(unsigned long *flags);
#endif

/**
 * dmah_host_leave() - restore interrupts to their state before dmah_host_enter().
 * @flags: the value that dmah_host_enter() has set.
 *
 * Stores before this are seen by other CPUs before the CPU counts as outside (see
 * dmah_host_quiesce()): a release on machines that reorder stores. A barrier to the compiler.
 *
 * Example: @flags is 0x202: interrupts are on again. 0x002: they were off before, and stay off.
 */
#ifndef dmah_host_leave
void dmah_host_leave(unsigned long flags);
#endif

/**
 * dmah_host_quiesce() - wait until another CPU is outside of dmah_host_enter().
 * @cpu: its number. If it is the caller's own, there is nothing to do.
 *
 * When this returns true, @cpu has left every section between dmah_host_enter() and
 * dmah_host_leave() that it was in at the call, and the caller sees all stores from there. Sections
 * that @cpu enters later see all stores that the caller made before the call. A full memory barrier
 * took effect on @cpu, also if it was in no section. A CPU that is not running is outside. Map and
 * unmap take no lock in their common case, and this call is the price: it is made where an aperture
 * is exhausted, a device is attached beside others, or the mode changes. It is not made where @cpu can
 * run no map and no unmap: for a dead CPU, and when the last device is detached.
 *
 * Context: outside of dmah_host_enter(), with no lock of the library held, in the context of the
 * caller of map, unmap, attach or dmah_set_mode(). Return: true; false if the host cannot wait now, for
 * example with interrupts off: the ranges that @cpu has cached then stay there.
 *
 * Example: CPU 0 calls with 2. A kernel sends CPU 2 an interrupt and waits for its answer. A
 * program calls membarrier(2) and then waits for a flag that dmah_host_enter() sets and
 * dmah_host_leave() clears. With one CPU, return true.
 */
#ifndef dmah_host_quiesce
bool dmah_host_quiesce(unsigned int cpu);
#endif

/**
 * dmah_host_lock() - take a spinlock.
 * @lock: the lock, zeroed when it was made.
 *
 * Context: between dmah_host_enter() and dmah_host_leave(). Several locks may be held at once,
 * never one lock twice.
 *
 * Example: @lock->word[0] goes from 0 to 1, with acquire semantics.
 */
#ifndef dmah_host_lock
void dmah_host_lock(struct dmah_lock *lock);
#endif

/**
 * dmah_host_unlock() - release a spinlock.
 * @lock: a lock that this CPU holds.
 *
 * Context: as dmah_host_lock().
 *
 * Example: @lock->word[0] goes from 1 to 0, with release semantics.
 */
#ifndef dmah_host_unlock
void dmah_host_unlock(struct dmah_lock *lock);
#endif

/**
 * dmah_host_wmb() - order stores for devices: those before this are seen before those after it.
 *
 * Called after a page-table entry is written and before a command that tells hardware of it. On x86
 * a compiler barrier, on Armv8 DMB OSHST, on RISC-V FENCE W,W.
 *
 * Context: any, with locks.
 *
 * Example: the entry at 0x183ff8 becomes 0x121003; dmah_host_wmb(); the driver writes its
 * descriptor with 0xfffff000. A device that sees the descriptor finds the entry.
 */
#ifndef dmah_host_wmb
void dmah_host_wmb(void);
#endif

/* ---- time ---- */

/**
 * dmah_host_now() - read a monotonic clock, in nanoseconds from any epoch.
 *
 * Limits every wait for hardware, sets the deadlines of lazy unmaps, and gives faults their
 * "unmapped 12 us ago". A resolution of 1 ms is enough for the first two. The CPUs' clocks may
 * differ by less than that. Read at every strict unmap.
 *
 * Context: any, with locks.
 *
 * Example: 1.5 s after power-on, a counter of 24 MHz stands at 36,000,000: return 1,500,000,000.
 * Split whole seconds off before the product: 36,000,000 * 1,000,000,000 fits into 64 bits, but 213
 * hours later it does not.
 */
#ifndef dmah_host_now
uint64_t dmah_host_now(void);
#endif

/**
 * dmah_host_relax() - pause in a loop that waits for hardware.
 *
 * Context: any, with locks. Must not sleep.
 *
 * Example: PAUSE on x86, YIELD on Arm; an emulator may let time pass.
 */
#ifndef dmah_host_relax
void dmah_host_relax(void);
#endif

/* ---- registers ----
 *
 * Little-endian, uncached, not combined. A write is ordered after all earlier stores to memory, and
 * after earlier register writes. A read is complete before any later load: data that the hardware
 * wrote to memory before the register changed is seen. These are the rules of Linux's writel() and
 * readl().
 */

/**
 * dmah_host_read32() - read a 32-bit register.
 * @reg: the register, a multiple of 4; an address in the unit's regs.
 *
 * Context: any, with locks.
 *
 * Example: regs + 0x34, the Fault Status Register of VT-d, gives 0x2: a fault is recorded. Where no
 * device answers, most buses give 0xffffffff.
 */
#ifndef dmah_host_read32
uint32_t dmah_host_read32(const volatile void *reg);
#endif

/**
 * dmah_host_write32() - write a 32-bit register.
 * @reg: the register, a multiple of 4.
 * @value: the value.
 *
 * Context: any, with locks.
 *
 * Example: regs + 0x88, 0x20: two commands of 16 bytes, stored before, are in VT-d's queue.
 */
#ifndef dmah_host_write32
void dmah_host_write32(volatile void *reg, uint32_t value);
#endif

/**
 * dmah_host_read64() - read a 64-bit register.
 * @reg: the register, a multiple of 8.
 *
 * A CPU or bus without 64-bit accesses reads the low half at @reg, then the high half at @reg + 4.
 * The drivers read only registers that do not change meanwhile.
 *
 * Context: any, with locks.
 *
 * Example: regs + 0x8, the capabilities of VT-d: 0x00d2008c222f0606 on QEMU 7.2. In halves
 * 0x222f0606, then 0x00d2008c.
 */
#ifndef dmah_host_read64
uint64_t dmah_host_read64(const volatile void *reg);
#endif

/**
 * dmah_host_write64() - write a 64-bit register.
 * @reg: the register, a multiple of 8.
 * @value: the value.
 *
 * A CPU or bus without 64-bit accesses writes the low half at @reg, then the high half at @reg + 4.
 * The drivers write only registers that the hardware does not use before a later 32-bit write.
 *
 * Context: any, with locks.
 *
 * Example: regs + 0x20, 0x125000: the root table of VT-d. In halves 0x00125000, then 0.
 */
#ifndef dmah_host_write64
void dmah_host_write64(volatile void *reg, uint64_t value);
#endif

/* ---- reports ---- */

/**
 * dmah_host_report() - tell a person about misuse by a driver, or about failing hardware.
 * @dev: the device, or NULL if none is concerned.
 * @err: enum dmah_error; dmah_strerror() has it in words.
 * @text: a sentence about the event; constant.
 * @addr: the DMA address, physical address or number that @text is about.
 * @caller: the return address of the library call, to be printed as a symbol; NULL if it is not
 *	known.
 *
 * Context: any, with locks.
 *
 * Example: a driver unmaps a copy of a handle for the second time: @dev->name is "nic", @err is
 * DMAH_ESTALE, @text is "unmap of a mapping that is not live", @addr is 0xfffff000, @caller lies in
 * nic_clean_rx.
 */
#ifndef dmah_host_report
void dmah_host_report(const struct dmah_device *dev, int err, const char *text, uint64_t addr,
		      const void *caller);
#endif

#ifdef __cplusplus
}
#endif

#endif /* DMAH_HOST_H */
