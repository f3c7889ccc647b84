/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Shared by the parts of the simulator. */
#ifndef SIM_INT_H
#define SIM_INT_H

#include "invq.h"
#include "iotlb.h"
#include "sim.h"

/** struct sim_faults - the log of refused transactions. */
struct sim_faults {
	struct sim_lock lock;
	struct sim_fault fault[SIM_FAULTS];
	size_t kept;
	uint64_t count;
};

/** sim_fault_at() - copy the entry at *@at of the log, and advance *@at. Returns false at the end. */
bool sim_fault_at(struct sim *sim, size_t *at, struct sim_fault *fault);

/** sim_fault_add() - record a refused transaction. */
void sim_fault_add(struct sim *sim, const struct sim_fault *fault);

/** SIM_REGS - most devices with registers. */
#define SIM_REGS 8u

/** struct sim_regs - a model's registers: @size bytes, @offset bytes into the window, and the model's functions. */
struct sim_regs {
	uint64_t offset;
	uint64_t size;
	void *ctx;
	sim_reg_read *read;
	sim_reg_write *write;
};

/**
 * struct sim_mmio - all registers of a machine.
 * @base: first byte of the window; NULL: no device has registers.
 * @used: bytes of the window that are taken.
 * @read_ns: nanoseconds that a read takes on the manual clock; @read_ns_set: not the default.
 * @count: entries of @regs.
 */
struct sim_mmio {
	uint64_t read_ns;
	bool read_ns_set;
	uint8_t *base;
	uint64_t used;
	unsigned int count;
	struct sim_regs regs[SIM_REGS];
};

void sim_mmio_fini(struct sim_mmio *mmio);

/**
 * struct sim - the machine.
 * @config: with the defaults filled in.
 * @ram: all memory: the host's, then other domains' (Xen), then the firmware's, for root tables of fake IOMMUs.
 * @cache: the CPU's caches; used with @config.cache.
 * @faults: the log.
 * @iommu: its IOMMUs.
 * @devices: its devices, a list.
 * @ndevices: devices added since the beginning.
 * @xen: the hypervisor.
 * @mmio: registers of its devices.
 * @fw_next: the firmware's next free page.
 * @fw_end: the address behind the firmware's memory.
 * @taken: the next address that sim_ram_take() tries.
 */
struct sim {
	struct sim_config config;
	struct sim_ram ram;
	struct sim_cache cache;
	struct sim_faults faults;
	struct sim_iommu *iommu[SIM_IOMMUS];
	struct sim_device *devices;
	unsigned int ndevices;
	struct sim_xen *xen;
	struct sim_mmio mmio;
	uint64_t fw_next;
	uint64_t fw_end;
	uint64_t taken;
};

/** sim_fw_page() - Returns the address of a zeroed page of the firmware's memory; 0 if none is left. */
uint64_t sim_fw_page(struct sim *sim);

/** sim_cpu_machine() - Returns the machine address of the physical address @phys. */
uint64_t sim_cpu_machine(struct sim *sim, dmah_phys_t phys);

/* The port's functions for machines where an offset is not enough (cpu.c). */
void *sim_cpu_phys_map(void *ctx, dmah_phys_t phys, size_t len);
void sim_cpu_phys_unmap(void *ctx, void *cpu, dmah_phys_t phys, size_t len);
dmah_phys_t sim_cpu_virt_to_phys(void *ctx, const void *cpu);
void sim_cpu_host_cache(void *ctx, enum dmah_cache_op op, dmah_phys_t phys, uint64_t len);

/** sim_bus() - access memory as a device. Returns false outside memory. */
bool sim_bus(struct sim *sim, uint64_t addr, void *buf, size_t len, bool write, bool coherent);

/**
 * struct sim_device - a device.
 * @dmah: the library's structure.
 * @sim: its machine.
 * @next: the next device of the machine.
 * @config: the configuration, with the defaults filled in.
 * @iommu: the IOMMU in front of the device, or NULL.
 * @coherent: accesses snoop the CPU's caches.
 * @name: the name, if the configuration has none.
 * @how: fake IOMMU: the binding; @bank: the context bank of a translating one.
 * @ats: the TLB is enabled.
 * @context: the context entry that the IOMMU has cached, if @known.
 * @directory_known: VT-d scalable mode: the address of the PASID directory in @context is cached.
 * @tlb: the TLB.
 * @tlb_hits: translations answered by @tlb.
 */
struct sim_device {
	struct dmah_device dmah;
	struct sim *sim;
	struct sim_device *next;
	struct sim_device_config config;
	struct sim_iommu *iommu;
	bool coherent;
	char name[16];
	enum dmah_bind how;
	uint32_t bank;
	bool ats;
	struct sim_context context;
	bool known;
	bool directory_known;
	struct sim_tlb tlb;
	uint64_t tlb_hits;
};

/**
 * struct sim_interface - the side of an IOMMU that software sees: registers, or the fake driver. The IOMMU's lock is
 *	held in all calls.
 * @context: read how @dev's transactions are treated from the tables in memory. Must change nothing. *@code: the
 *	specification's number of a fault; 0: the hardware records none.
 * @fault: record a refused transaction; may be NULL.
 * @run: take the commands that are due.
 * @power_on: registers return to their values after power-on; may be NULL.
 * @interrupt: remap a message that @dev writes to the interrupt window; NULL: the unit remaps none.
 * @destroy: release what the unit holds beside itself; may be NULL. No device is left.
 */
struct sim_interface {
	enum sim_reason (*context)(void *unit, const struct sim_device *dev,
				   struct sim_context *context, uint32_t *code);
	void (*fault)(void *unit, uint32_t id, dmah_addr_t dma, bool write, uint32_t code);
	void (*run)(void *unit);
	void (*power_on)(void *unit);
	enum sim_reason (*interrupt)(void *unit, const struct sim_device *dev, uint64_t addr,
				     uint32_t data, struct sim_interrupt *irq);
	void (*destroy)(void *unit);
};

/** sim_interrupt_plain() - decode a message in compatibility format, as it reaches the CPUs without remapping. */
void sim_interrupt_plain(uint64_t addr, uint32_t data, struct sim_interrupt *irq);

/**
 * struct sim_failing - injected failures that are in effect (inject.c). The IOMMU's lock protects all members.
 * @halted: no command is taken.
 * @ones: registers read as all ones, and writes are lost.
 * @until_error: @halted ends when a call of the driver has returned an error.
 * @commands: so many commands that are still to be refused.
 * @no_answers: so many TLB invalidations that device @device will not answer; @device 0: any device.
 */
struct sim_failing {
	bool halted;
	bool ones;
	bool until_error;
	uint64_t commands;
	uint64_t no_answers;
	uint32_t device;
};

/**
 * struct sim_watch - an IOMMU driver of the library with injection in front (inject.c).
 * @driver: the driver's IOMMU; NULL: none is watched.
 * @real: the driver's own functions.
 * @ops: the functions that the library calls instead.
 */
struct sim_watch {
	struct dmah_iommu *driver;
	const struct dmah_iommu_ops *real;
	struct dmah_iommu_ops ops;
};

/**
 * struct sim_iommu - an IOMMU's hardware.
 * @sim: its machine.
 * @config: with the defaults filled in.
 * @name: its name, where the configuration has none.
 * @lock: of all members below.
 * @hw: its limits, as a table that fills them.
 * @mem: memory as its walker sees it.
 * @tlb: its IOTLB.
 * @psc: its paging-structure cache.
 * @interface: the side that software sees; @unit: passed to its functions.
 * @has_registers: @unit is a register model, allocated; else @unit is @fake.
 * @fake: the fake driver.
 * @dmah: the IOMMU as the library sees it with the fake driver.
 * @off: transactions are not translated; @abort: they are refused then.
 * @failing: injected failures.
 * @watch: the driver that failures are injected into.
 * @stats: counters, but for those that the parts have.
 */
struct sim_iommu {
	struct sim *sim;
	struct sim_iommu_config config;
	char name[16];
	struct sim_lock lock;
	struct sim_table hw;
	struct sim_mem mem;
	struct sim_tlb tlb;
	struct sim_psc psc;
	const struct sim_interface *interface;
	void *unit;
	bool has_registers;
	struct sim_fake *fake;
	struct dmah_iommu *dmah;
	bool off;
	bool abort;
	struct sim_failing failing;
	struct sim_watch watch;
	struct sim_iommu_stats stats;
};

/** sim_iommu_set_interface() - replace the fake driver by a register model. Returns false if a model is there already. */
bool sim_iommu_set_interface(struct sim_iommu *iommu, const struct sim_interface *interface,
			     void *unit);

/** sim_iommu_device() - Returns the device with @id behind @iommu, or NULL. */
struct sim_device *sim_iommu_device(struct sim_iommu *iommu, uint32_t id);

/** sim_iommu_table() - Returns the table that @pt describes, with the limits of @iommu. */
struct sim_table sim_iommu_table(const struct sim_iommu *iommu, const struct dmah_pt_info *pt);

/* ---- injected failures (inject.c); the IOMMU's lock is held ---- */

/** sim_inject_command() - count a command that the unit takes. Returns true if the unit must refuse the command. */
bool sim_inject_command(struct sim_iommu *iommu);

/** sim_inject_no_answer() - Returns true if device @id does not answer the invalidation of its TLB. */
bool sim_inject_no_answer(struct sim_iommu *iommu, uint32_t id);

/** sim_inject_register() - count an access to a register. Returns true if the unit does not respond. */
bool sim_inject_register(struct sim_iommu *iommu);

/** sim_inject_end() - end injection, before the machine is taken down. */
void sim_inject_end(void);

struct sim_iommu *sim_iommu_create(struct sim *sim, const struct sim_iommu_config *config,
				   unsigned int index);
void sim_iommu_destroy(struct sim_iommu *iommu);

/** sim_iommu_execute() - carry out an invalidation. Call with the lock held. */
void sim_iommu_execute(struct sim_iommu *iommu, const struct sim_command *command);

/** sim_iommu_lookup() - walk @table, and count the walk. */
enum sim_reason sim_iommu_lookup(struct sim_iommu *iommu, const struct sim_table *table,
				 uint64_t iova, struct sim_walk *walk);

/**
 * sim_translate() - translate a device's transaction. Call with the IOMMU's lock held.
 * @dev: the device.
 * @dma: the DMA address.
 * @write: the device writes.
 * @out: receives the machine address.
 * @code: receives the specification's number of a fault.
 */
enum sim_reason sim_translate(struct sim_device *dev, dmah_addr_t dma, bool write, uint64_t *out,
			      uint32_t *code);

/** sim_dev_retranslate() - fetch an invalidated entry again, as a busy device does at once. */
void sim_dev_retranslate(void *dev, const struct sim_tlb_entry *gone);

struct sim_xen *sim_xen_create(struct sim *sim, uint64_t guest_size, uint64_t foreign_size);
void sim_xen_destroy(struct sim_xen *xen);

#endif /* SIM_INT_H */
