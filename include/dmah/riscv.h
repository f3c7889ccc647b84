/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: a driver of the RISC-V IOMMU (RISC-V IOMMU Architecture Specification, version 1.0).
 *
 * Requests without a process id, first-stage tables (Sv39, Sv48, Sv57), and MSI page tables where the unit has them and the
 * caller wants them. The unit may be a platform device or a PCI function: its registers are the same. There may be several
 * units, each with its own struct dmah_riscv.
 *
 *	err = dmah_riscv_init(&unit, &(struct dmah_riscv_config){ .regs = regs }, memory, size);
 *	err = dmah_domain_init(&dom, &(struct dmah_domain_config){ .iommu = &unit.iommu,
 *				.format = unit.iommu.formats[0], .va_bits = 39, ... }, ...);
 *	err = dmah_attach(dom, &dev, &limits);		// with the ranges that firmware reserved for the device
 *	err = dmah_riscv_enable(&unit);			// from here on, a device that is not attached is blocked
 *	err = dmah_riscv_irq(&unit, &msi);		// the handler calls dmah_faults(&unit.iommu, ...)
 *
 * Attach devices that firmware left running before dmah_riscv_enable(): their identity ranges are mapped and bound by then.
 *
 * Interrupts of devices. Without MSI page tables (@msi NULL), a message of a device is a write like any other: give
 * dmah_attach() the pages of the interrupt controller (IMSIC) as identity ranges with @mmio. With them, the driver maps these
 * pages in every domain, and the unit lets writes through to those interrupt files alone that dmah_riscv_msi_file() permits.
 *
 * Formats. @formats[0] of a unit, dmah_pt_sv, is right everywhere, but its entries have no room for a generation. Choose
 * dmah_pt_sv_rsw, which has, where the unit lists it (capability Svrsw60t59b) and means it: QEMU 11.1's model sets the
 * capability's bit, and takes bits 60 and 59 for bits of an address.
 *
 * The tables and queues of a unit come from the host contract: pages for the device directory, and dmah_host_mem_alloc() for
 * the rest. Failing hardware is handled as in dmah/vtd.h.
 */
#ifndef DMAH_RISCV_H
#define DMAH_RISCV_H

#include <dmah/host.h>
#include <dmah/iommu.h>

#ifdef __cplusplus
extern "C" {
#endif

/** DMAH_RISCV_REGS - bytes of a unit's registers. */
#define DMAH_RISCV_REGS 0x1000u

/**
 * struct dmah_riscv_files - the interrupt files that devices may write messages to, as MSI page tables describe them.
 * @pattern: address of interrupt file 0, a multiple of 4096.
 * @mask: bits of an address in which the files' addresses differ, a multiple of 4096. File number n has the bits of n, from
 *	the lowest, in these bits; 12 bits at most.
 */
struct dmah_riscv_files {
	dmah_phys_t pattern;
	uint64_t mask;
};

/**
 * struct dmah_riscv_config - a unit. Zero means the default but for @regs.
 * @regs: its registers, for dmah_host_read32() and friends.
 * @name: for messages.
 * @id_bits: bits of the devices' ids, 1 to 24; 0: 16.
 * @queue: commands in the command queue, a power of two, 256 to 32,768; 0: 256.
 * @records: fault records in the fault queue, a power of two, 2 to 32,768; 0: 128.
 * @domains: domains behind the unit at most, 1 to 1,048,575; 0: 4,095.
 * @timeout_ns: time that the hardware may take for a command, in nanoseconds; 0: 1 s.
 * @walks: how the unit reads tables and queues. The unit does not say; firmware does (dma-coherent, RIMT). As reported:
 *	through the CPU's caches.
 * @wired: interrupts are signalled by a wire, not by messages.
 * @msi: use MSI page tables, for these interrupt files; NULL: do not. Copied.
 */
struct dmah_riscv_config {
	volatile void *regs;
	const char *name;
	unsigned int id_bits;
	uint32_t queue;
	uint32_t records;
	uint32_t domains;
	uint64_t timeout_ns;
	enum dmah_walks walks;
	bool wired;
	const struct dmah_riscv_files *msi;
};

/**
 * struct dmah_riscv - a unit, in the caller's memory, not to be moved. Private but for @iommu.
 * @iommu: for struct dmah_domain_config and struct dmah_device.
 * @regs: its registers.
 * @cap: its capabilities.
 * @timeout: of every wait, in nanoseconds.
 * @coherent: it reads through the CPU's caches. @wired: as configured.
 * @id_bits: as configured; @levels: of the device directory.
 * @root: the device directory's root table; @root_phys: its physical address.
 * @tables: held while the directory changes.
 * @tags: process soft-context ids in use, a bit each; @ntags: how many there are.
 * @msi: the interrupt files, @msi.mask 0: no MSI page tables; @files: the MSI page table; @identity: the second-stage table
 *	that stands behind it; @window: the interrupt files as a reserved range.
 * @state: its lock is held while commands are posted. @tables may be taken inside.
 * @queue: the commands; @entries: how many there is room for.
 * @head, @tail: commands that the hardware is known to have fetched, and that were posted.
 * @marks_area: the memory of @status.
 * @status: the hardware writes the number of the last mark that it passed here; @status_phys: its address.
 * @marks: as struct dmah_unit_marks says.
 * @refused_at, @refusals: the command that was refused last, and how often.
 * @faults: held while a fault record is taken or the interrupt is programmed.
 * @records: the fault queue; @nrecords: how many records it has.
 * @irq, @irq_set, @irq_masked: the interrupt.
 * @enabled: dmah_riscv_enable() was called.
 */
struct dmah_riscv {
	struct dmah_iommu iommu;
	volatile uint8_t *regs;
	uint64_t cap;
	uint64_t timeout;
	bool coherent;
	bool wired;
	unsigned int id_bits;
	unsigned int levels;
	uint64_t *root;
	dmah_phys_t root_phys;
	struct dmah_lock tables;
	uint64_t *tags;
	uint32_t ntags;
	struct dmah_riscv_files msi;
	struct dmah_unit_area files;
	struct dmah_unit_area identity;
	struct dmah_reserved window;
	struct dmah_unit_state state;
	struct dmah_unit_area queue;
	uint32_t entries;
	uint32_t head;
	uint32_t tail;
	struct dmah_unit_area marks_area;
	uint32_t *status;
	dmah_phys_t status_phys;
	struct dmah_unit_marks marks;
	uint32_t refused_at;
	uint32_t refusals;
	struct dmah_lock faults;
	struct dmah_unit_area records;
	uint32_t nrecords;
	struct dmah_msi irq;
	bool irq_set;
	bool irq_masked;
	bool enabled;
};

/**
 * dmah_riscv_memory() - Returns the bytes that dmah_riscv_init() wants for its bookkeeping; 0 where @config makes no sense,
 *	and then dmah_host_report() says which field is wrong.
 */
size_t dmah_riscv_memory(const struct dmah_riscv_config *config);

/**
 * dmah_riscv_init() - take a unit over, from firmware, from a kernel before kexec, or after power-on.
 * @unit: its storage; need not be zeroed.
 * @config: copied.
 * @memory: dmah_riscv_memory(@config) bytes, aligned to 8, never reachable by a device.
 * @size: its size in bytes.
 *
 * The queues become ours; what becomes of devices' requests does not change before dmah_riscv_enable(). (Where the unit's
 * byte order or kind of interrupts must be changed, all requests are blocked from here to there.) Old fault records are
 * dropped, and interrupts are off. Every error is explained by dmah_host_report().
 *
 * Context: may sleep. Return: 0; DMAH_EINVAL; DMAH_ENODEV (registers that read as all ones); DMAH_ENOTSUP (a version, a byte
 * order, a kind of interrupts or of page tables that is not there); DMAH_ENOMEM; DMAH_ETIMEDOUT: the hardware did not
 * confirm, and memory that it may still read was not freed.
 */
int dmah_riscv_init(struct dmah_riscv *unit, const struct dmah_riscv_config *config, void *memory,
		    size_t size);

/**
 * dmah_riscv_enable() - translate: devices that are not attached are blocked when this returns.
 * @unit: the unit.
 *
 * Until then maps for devices behind the unit are refused with DMAH_EPERM and reported. Where firmware's device directory
 * was in use, all requests are blocked for the moment between the two directories: the hardware has no other way. A second
 * call is a no-op. Context: may sleep. Return: 0; DMAH_ENOTSUP: no device directory as deep as @id_bits needs; DMAH_ENOMEM;
 * DMAH_ETIMEDOUT.
 */
int dmah_riscv_enable(struct dmah_riscv *unit);

/**
 * dmah_riscv_fini() - give a unit up: all requests blocked, no queues, memory back to the host.
 * @unit: the unit; no domain uses it any more.
 *
 * Return: 0; DMAH_ETIMEDOUT: the hardware did not confirm, and nothing was freed.
 */
int dmah_riscv_fini(struct dmah_riscv *unit);

/**
 * dmah_riscv_errors() - handle what the error registers report. Does not wait.
 * @unit: the unit.
 *
 * Waits do this by themselves, and dmah_faults() does it too, so that an interrupt's handler need not.
 * Context: any but inside dmah_host_enter().
 */
void dmah_riscv_errors(struct dmah_riscv *unit);

/**
 * dmah_riscv_reset() - bring a unit that has failed back into service.
 * @unit: the unit.
 *
 * As dmah_vtd_reset(): when this has returned 0, call dmah_flush() for each domain behind the unit.
 *
 * Context: may sleep. Return: 0; DMAH_ETIMEDOUT: the unit does not answer still; DMAH_EBUSY: another CPU does this now.
 */
int dmah_riscv_reset(struct dmah_riscv *unit);

/**
 * dmah_riscv_irq() - set the interrupt for faults and errors of the command queue, and unmask it.
 * @unit: the unit.
 * @msi: the message, copied; NULL where the unit was configured with @wired: vector 0, the unit's first wire.
 *
 * The handler calls dmah_faults(&unit->iommu, ...), which takes all records and handles errors.
 * Context: any but inside dmah_host_enter(). Return: 0; DMAH_EINVAL, explained by dmah_host_report().
 */
int dmah_riscv_irq(struct dmah_riscv *unit, const struct dmah_msi *msi);

/**
 * dmah_riscv_irq_mask() - mask or unmask the interrupt.
 * @unit: the unit, after dmah_riscv_irq().
 * @masked: true: none is signalled.
 *
 * Context: any but inside dmah_host_enter().
 */
void dmah_riscv_irq_mask(struct dmah_riscv *unit, bool masked);

/**
 * dmah_riscv_msi_file() - let devices write messages to an interrupt file, or refuse them. All are let through at first.
 * @unit: the unit, configured with @msi.
 * @file: the file's number.
 * @allowed: let them through.
 *
 * Complete on return. Context: outside dmah_host_enter(). Return: 0; DMAH_EINVAL: no such file; DMAH_ETIMEDOUT.
 */
int dmah_riscv_msi_file(struct dmah_riscv *unit, uint32_t file, bool allowed);

/** dmah_riscv_reason() - Returns the cause of a fault in words: a constant string. */
const char *dmah_riscv_reason(uint32_t cause);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_RISCV_H */
