/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: a driver of AMD's IOMMU (AMD I/O Virtualization Technology (IOMMU) Specification, 48882).
 *
 * Host page tables (v1) of up to 6 levels, with the command buffer and the event log. There may be several units, each with
 * its own struct dmah_amdvi.
 *
 *	err = dmah_fw_setup(&fw, &unit, &setup);	// from IVRS, or fill a struct dmah_amdvi_config
 *	err = dmah_amdvi_init(&amdvi, &setup.amdvi, memory, size);
 *	err = dmah_domain_init(&dom, &(struct dmah_domain_config){ .iommu = &amdvi.iommu,
 *								   .format = &dmah_pt_amd_v1, ... }, ...);
 *	err = dmah_attach(dom, &dev, &limits);		// with the ranges that firmware reserved for the device
 *	err = dmah_irq_enable(&amdvi.iommu, NULL);	// interrupt remapping (dmah/irq.h), where it is wanted
 *	err = dmah_amdvi_enable(&amdvi);		// from here on, a device that is not attached is blocked
 *	dmah_amdvi_fault_irq(&amdvi, true);		// the handler calls dmah_faults(&amdvi.iommu, ...)
 *
 * Attach devices that firmware left running (IVMD) before dmah_amdvi_enable(): their identity ranges are mapped and bound
 * by then, so the devices see no gap, also where firmware had translation on. All others may be attached later.
 *
 * The device table, the command buffer and the event log come from dmah_host_mem_alloc(): 32 bytes for each device id, and
 * 8 KiB.
 *
 * Hardware that fails. One device that does not answer an invalidation of its TLB is blocked and reported; its own domain
 * gets DMAH_ETIMEDOUT once, no other domain notices. A unit that does not answer in time, or whose registers read as all
 * ones, is reported once and has failed: every call that needs it returns DMAH_ETIMEDOUT at once, and unmaps quarantine
 * their memory. A unit that was merely slow is back in service when it has caught up. See dmah_amdvi_reset() for all others.
 */
#ifndef DMAH_AMDVI_H
#define DMAH_AMDVI_H

#include <dmah/host.h>
#include <dmah/irq.h>

#ifdef __cplusplus
extern "C" {
#endif

/** DMAH_AMDVI_DOMAINS - domain ids of a unit. */
#define DMAH_AMDVI_DOMAINS 65536u

/** DMAH_AMDVI_REGS - bytes of registers that the driver uses. */
#define DMAH_AMDVI_REGS 0x4000u

/**
 * enum dmah_amdvi_flags - bits of the Flags field of an IVHD (IVRS) for the unit's control register; a bit mask.
 * @DMAH_AMDVI_HTTUN: HtTunEn.
 * @DMAH_AMDVI_PASSPW: PassPW.
 * @DMAH_AMDVI_RESPASSPW: ResPassPW.
 * @DMAH_AMDVI_ISOC: Isoc.
 */
enum dmah_amdvi_flags {
	DMAH_AMDVI_HTTUN = 1u << 0,
	DMAH_AMDVI_PASSPW = 1u << 1,
	DMAH_AMDVI_RESPASSPW = 1u << 2,
	DMAH_AMDVI_ISOC = 1u << 3,
};

/**
 * struct dmah_amdvi_config - a unit. Zero means the default but for @regs.
 * @regs: its registers, for dmah_host_read32() and friends.
 * @name: for messages.
 * @capability: the first word of the unit's capability block, in the configuration space of its PCI function (IVHD:
 *	Capability Offset): NpCache and IotlbSup. 0: not known: each new mapping is invalidated, and no device TLB is used.
 * @features: the Extended Feature Register, where IVRS knows better (its EFR image); 0: the register's value.
 * @ivhd_flags: the Flags field of the IVHD: enum dmah_amdvi_flags; other bits are ignored.
 * @phys_bits: bits of a physical address (IVRS: PASize), at most 52; 0: 52.
 * @virt_bits: bits of an IOVA that the unit takes from devices (IVRS: VASize); 0: as many as its page tables have.
 * @ids: device ids in the device table: the highest id behind the unit and 1; 0: 65,536, a table of 2 MiB.
 * @queue: commands in the command buffer, a power of two, 256 to 32,768; 0: 256.
 * @events: events in the event log, likewise.
 * @timeout_ns: time that the hardware may take for a command, in nanoseconds; 0: 2 s. A device gets up to half of it to
 *	answer an invalidation of its TLB: 1 ms, 10 ms, and so on up to 100 s.
 * @walks: how the unit reads tables; DMAH_WALKS_AS_REPORTED: through the CPU's caches.
 * @setting: returns the DTE Setting of an IVHD's entry for a device: the special messages (INIT, NMI, external interrupts,
 *	system management) that are let through. NULL: none are. Called by dmah_amdvi_init() alone, with @setting_ctx.
 * @setting_ctx: passed to @setting.
 */
struct dmah_amdvi_config {
	volatile void *regs;
	const char *name;
	uint32_t capability;
	uint64_t features;
	uint32_t ivhd_flags;
	unsigned int phys_bits;
	unsigned int virt_bits;
	uint32_t ids;
	uint32_t queue;
	uint32_t events;
	uint64_t timeout_ns;
	enum dmah_walks walks;
	uint8_t (*setting)(void *ctx, uint16_t id);
	void *setting_ctx;
};

/**
 * struct dmah_amdvi - a unit, in the caller's memory, not to be moved. Private but for @iommu.
 * @iommu: for struct dmah_domain_config and struct dmah_device.
 * @regs: its registers.
 * @efr: its features.
 * @timeout: of every wait, in nanoseconds.
 * @link: bits of the control register that @ivhd_flags asked for.
 * @coherent: tables are read through the CPU's caches.
 * @device_tlbs: devices may have TLBs.
 * @devtab: the device table; @devtab_phys: its physical address; @ids: entries in it.
 * @nothing: an empty page table, for devices that are blocked.
 * @tables: held while the device table changes.
 * @tags: domain ids in use, a bit each.
 * @silent: ids of devices that were blocked because they did not answer, a bit each.
 * @state: its lock is held while commands are posted and registers are written. @tables or @faults may be taken inside.
 * @control: the value of the control register.
 * @queue: the commands; @queue_phys: their physical address; @entries: how many there is room for.
 * @head, @tail: commands that the hardware is known to have fetched, and that were posted.
 * @status: the hardware writes the number of the last mark that it passed here; @status_phys: its address.
 * @marks: as struct dmah_unit_marks says.
 * @refused_at, @refusals: the command that was refused last, and how often.
 * @asked: the mark behind the last command that asked a device to invalidate its TLB; 0: none since the log overflowed.
 * @live: the unit works from our tables.
 * @faults: held while events are taken.
 * @log: the event log; @log_phys: its physical address; @events: how many there is room for.
 * @seen: events that were looked at for errors of commands; @taken: events that were taken.
 * @log_lost: 1: events were lost. A word, as not every CPU exchanges a byte.
 * @enabled: dmah_amdvi_enable() was called.
 * @irq_tables: interrupt remapping tables: a page of pointers to pages of pointers, by device id; NULL: remapping is off.
 * @irq_entries: entries of each; @irq_control: bits of the control register for their format.
 */
struct dmah_amdvi {
	struct dmah_iommu iommu;
	volatile uint8_t *regs;
	uint64_t efr;
	uint64_t timeout;
	uint64_t link;
	bool coherent;
	bool device_tlbs;
	uint64_t *devtab;
	dmah_phys_t devtab_phys;
	uint32_t ids;
	uint64_t *nothing;
	struct dmah_lock tables;
	uint64_t *tags;
	uint64_t *silent;
	struct dmah_unit_state state;
	uint64_t control;
	uint64_t *queue;
	dmah_phys_t queue_phys;
	uint32_t entries;
	uint32_t head;
	uint32_t tail;
	uint32_t *status;
	dmah_phys_t status_phys;
	struct dmah_unit_marks marks;
	uint32_t refused_at;
	uint32_t refusals;
	uint64_t asked;
	bool live;
	struct dmah_lock faults;
	uint64_t *log;
	dmah_phys_t log_phys;
	uint32_t events;
	uint32_t seen;
	uint32_t taken;
	uint32_t log_lost;
	bool enabled;
	void *irq_tables;
	uint32_t irq_entries;
	uint64_t irq_control;
};

/**
 * dmah_amdvi_memory() - Returns the bytes that dmah_amdvi_init() wants for its bookkeeping; 0 where @config makes no sense,
 *	and then dmah_host_report() says which field is wrong.
 */
size_t dmah_amdvi_memory(const struct dmah_amdvi_config *config);

/**
 * dmah_amdvi_init() - take a unit over, from firmware, from a kernel before kexec, or after power-on.
 * @amdvi: the unit's storage; need not be zeroed.
 * @config: copied.
 * @memory: dmah_amdvi_memory(@config) bytes, aligned to 8, never reachable by a device.
 * @size: its size in bytes.
 *
 * Tables that firmware set up go on translating; its command buffer and event log are stopped. Every error is explained by
 * dmah_host_report().
 *
 * Context: may sleep. Return: 0; DMAH_EINVAL; DMAH_ENODEV: the registers read as all ones; DMAH_ENOTSUP: no page table that
 * this library writes; DMAH_ENOMEM; DMAH_ETIMEDOUT: the hardware did not stop what its previous owner left on.
 */
int dmah_amdvi_init(struct dmah_amdvi *amdvi, const struct dmah_amdvi_config *config, void *memory,
		    size_t size);

/**
 * dmah_amdvi_enable() - translate: devices that are not attached are blocked when this returns.
 * @amdvi: the unit.
 *
 * Until then maps for devices behind the unit are refused with DMAH_EPERM and reported: their addresses would reach raw
 * memory. Where firmware had translation on, the change from its table to ours is one write. An exclusion range ends here.
 * A second call is a no-op. Context: may sleep. Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_amdvi_enable(struct dmah_amdvi *amdvi);

/**
 * dmah_amdvi_fini() - give a unit up: no translation, no queue, memory back to the host.
 * @amdvi: the unit; no domain uses it any more.
 *
 * Devices reach all memory from then on. Return: 0; DMAH_ETIMEDOUT: the hardware did not confirm, and nothing was freed.
 */
int dmah_amdvi_fini(struct dmah_amdvi *amdvi);

/**
 * dmah_amdvi_errors() - handle what the event log and the status register report of commands. Does not wait.
 * @amdvi: the unit.
 *
 * Waits do this by themselves, and dmah_faults() does it too, so that a handler of the event interrupt need not.
 * Context: any but inside dmah_host_enter().
 */
void dmah_amdvi_errors(struct dmah_amdvi *amdvi);

/**
 * dmah_amdvi_reset() - bring a unit that has failed back into service.
 * @amdvi: the unit.
 *
 * Call when the cause is gone: the chip has power again, its firmware has reset it. The unit gets its tables, its rings, its
 * event interrupt and translation (where dmah_amdvi_enable() was called) anew, and forgets all that it had cached. The
 * interrupt's message, in the configuration space of the unit's function, is the caller's to restore. Devices stay attached. When this has returned 0, call
 * dmah_flush() for each domain behind the unit: it ends the quarantine of memory whose unmap was not confirmed. A device that
 * was blocked because it did not answer stays blocked: detach it, reset it, attach it again. Between power-on and this call
 * nothing is translated and devices reach all memory, so the platform must keep them quiet, for example by their bus master
 * enable bits.
 *
 * Context: may sleep. Return: 0; DMAH_ETIMEDOUT: the unit does not answer still; DMAH_EBUSY: another CPU does this now.
 */
int dmah_amdvi_reset(struct dmah_amdvi *amdvi);

/**
 * dmah_amdvi_fault_irq() - let the unit send its event interrupt, or not.
 * @amdvi: the unit, after dmah_amdvi_enable().
 * @on: send it.
 *
 * The message is that of the MSI capability of the unit's PCI function, which the caller programs before. It is sent when
 * an event is logged. The handler calls dmah_faults(&amdvi->iommu, ...), which takes all events and handles errors of
 * commands.
 *
 * Context: any but inside dmah_host_enter().
 */
void dmah_amdvi_fault_irq(struct dmah_amdvi *amdvi, bool on);

/**
 * dmah_amdvi_reason() - Returns the code of an event in words: a constant string.
 * @code: the event's code (@code of struct dmah_iommu_fault).
 * @present: the event's PR bit: an entry is present.
 * @reserved: the event's RZ bit: reserved bits are set.
 */
const char *dmah_amdvi_reason(unsigned int code, bool present, bool reserved);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_AMDVI_H */
