/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the parts of the machine know of each other. */
#ifndef SIM_INT_H
#define SIM_INT_H

#include "invq.h"
#include "iotlb.h"
#include "sim.h"

/** struct sim_faults - the log. */
struct sim_faults {
	struct sim_lock lock;
	struct sim_fault fault[SIM_FAULTS];
	size_t kept;
	uint64_t count;
};

/** sim_fault_at() - the entry at *@at of the log, and *@at is behind it then. Return: false: there is none yet. */
bool sim_fault_at(struct sim *sim, size_t *at, struct sim_fault *fault);

/** sim_fault_add() - record a refusal. */
void sim_fault_add(struct sim *sim, const struct sim_fault *fault);

/** SIM_REGS - most devices with registers. */
#define SIM_REGS 8u

/** struct sim_regs - a device's registers: @size bytes, @offset into the window, and who answers for them. */
struct sim_regs {
	uint64_t offset;
	uint64_t size;
	void *ctx;
	sim_reg_read *read;
	sim_reg_write *write;
};

/** struct sim_mmio - all of them. @base: of the window; NULL: there are none. @used: bytes of it that are. */
struct sim_mmio {
	uint8_t *base;
	uint64_t used;
	unsigned int count;
	struct sim_regs regs[SIM_REGS];
};

void sim_mmio_fini(struct sim_mmio *mmio);

/**
 * struct sim - the machine.
 * @config: with the defaults filled in.
 * @ram: all memory: the host's, then other domains' (Xen), then the firmware's, where IOMMUs have their root tables.
 * @cache: the CPU's caches; used with @config.cache.
 * @faults: the log.
 * @iommu: its IOMMUs.
 * @devices: its devices, a list.
 * @ndevices: how many.
 * @xen: the hypervisor.
 * @mmio: registers of its devices.
 * @fw_next: the firmware's next free page.
 * @fw_end: behind its last.
 * @taken: what sim_ram_take() gives next.
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

/** sim_fw_page() - a zeroed page of the firmware's; 0 where there is none left. */
uint64_t sim_fw_page(struct sim *sim);

/** sim_cpu_machine() - the machine address of what the CPU calls @phys. */
uint64_t sim_cpu_machine(struct sim *sim, dmah_phys_t phys);

/* The port's functions for machines where an offset is not enough (cpu.c). */
void *sim_cpu_phys_map(void *ctx, dmah_phys_t phys, size_t len);
void sim_cpu_phys_unmap(void *ctx, void *cpu, dmah_phys_t phys, size_t len);
dmah_phys_t sim_cpu_virt_to_phys(void *ctx, const void *cpu);
void sim_cpu_host_cache(void *ctx, enum dmah_cache_op op, dmah_phys_t phys, uint64_t len);

/** sim_bus() - a device's access to memory. Return: false where there is none. */
bool sim_bus(struct sim *sim, uint64_t addr, void *buf, size_t len, bool write, bool coherent);

/**
 * struct sim_device - a device.
 * @dmah: the library's.
 * @sim: its machine.
 * @next: the next of the machine.
 * @config: with the defaults filled in; @mask too.
 * @iommu: what is before it; NULL: nothing.
 * @coherent: it snoops.
 * @name: its name, where the configuration has none.
 * @how: SMMU: its stream table entry.
 * @bank: and the context bank that it names.
 * @ats: the driver enabled its TLB.
 * @context: what the IOMMU knows of it, while @known.
 * @known: until it is invalidated.
 * @tlb: its TLB.
 * @tlb_hits: translations that answered.
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
	struct sim_tlb tlb;
	uint64_t tlb_hits;
};

/**
 * struct sim_bank - SMMU: a context bank; VT-d: what the driver knows of a domain id.
 * @iommu: whose.
 * @table: what it translates by.
 * @tag: its number.
 * @taken: the number is handed out.
 * @users: devices bound to it.
 * @lock: of the registers.
 * @par: PAR.
 * @active: how often ATSR will still read active.
 */
struct sim_bank {
	struct sim_iommu *iommu;
	struct sim_table table;
	uint32_t tag;
	bool taken;
	unsigned int users;
	struct sim_lock lock;
	uint64_t par;
	unsigned int active;
};

/**
 * struct sim_iommu - an IOMMU and its driver.
 * @dmah: what the library is given; first.
 * @sim: its machine.
 * @config: with the defaults filled in.
 * @name: its name, where the configuration has none.
 * @lock: of what follows.
 * @hw: its limits, as a table that fills them.
 * @mem: memory as its walker sees it.
 * @root: VT-d: its root table.
 * @tlb: its IOTLB.
 * @psc: its paging-structure cache.
 * @q: its queue.
 * @bank: by tag, from 1.
 * @polls: how often ATSR reads active.
 * @unit: VT-d: its registers, where it has any; then @root and commands come from there.
 * @smmu: SMMU: the same.
 * @off: it does not translate; @abort: and lets nothing through.
 * @faults_taken: entries of the machine's log that its driver has gone through.
 * @stats: counters, but for those that the parts have.
 */
struct sim_iommu {
	struct dmah_iommu dmah;
	struct sim *sim;
	struct sim_iommu_config config;
	char name[16];
	struct sim_lock lock;
	struct sim_table hw;
	struct sim_mem mem;
	uint64_t root;
	struct sim_tlb tlb;
	struct sim_psc psc;
	struct sim_invq q;
	struct sim_bank *bank;
	unsigned int polls;
	struct sim_vtd *unit;
	struct sim_smmuv3 *smmu;
	bool off;
	bool abort;
	size_t faults_taken;
	struct sim_iommu_stats stats;
};

struct sim_iommu *sim_iommu_create(struct sim *sim, const struct sim_iommu_config *config,
				   unsigned int index);
void sim_iommu_destroy(struct sim_iommu *iommu);

/** sim_iommu_execute() - a command takes effect; the lock is held. */
void sim_iommu_execute(struct sim_iommu *iommu, const struct sim_command *command);

/** sim_iommu_lookup() - walk @table, counted. */
enum sim_reason sim_iommu_lookup(struct sim_iommu *iommu, const struct sim_table *table,
				 uint64_t iova, struct sim_walk *walk);

/**
 * sim_translate() - a device's transaction meets its IOMMU, whose lock is held.
 * @dev: the device.
 * @dma: the DMA address.
 * @write: it writes.
 * @out: where to put the machine address.
 * @code: where to put the specification's number of a fault.
 */
enum sim_reason sim_translate(struct sim_device *dev, dmah_addr_t dma, bool write, uint64_t *out,
			      uint32_t *code);

/** sim_dev_retranslate() - an entry of the device's TLB went; a busy device asks again at once. */
void sim_dev_retranslate(void *dev, const struct sim_tlb_entry *gone);

struct sim_xen *sim_xen_create(struct sim *sim, uint64_t guest_size, uint64_t foreign_size);
void sim_xen_destroy(struct sim_xen *xen);

#endif /* SIM_INT_H */
