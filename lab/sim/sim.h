/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A machine to test on, inside the process: RAM, CPU caches, IOMMUs that walk the library's page tables by the
 * specification, devices that read and write memory, and a Xen hypervisor. The simulator does not use the library's source.
 *
 *	sim_config_named("vtd", &config);
 *	sim = sim_create(&config);			// also gives the port its memory
 *	nic = sim_device_add(sim, &(struct sim_device_config){ .name = "nic", .id = 0x0300 });
 *	... sim_vtd_create() and dmah_vtd_init(); dmah_domain_init() with .iommu = &vtd.iommu ...
 *	sim_device_limits(nic, &limits);
 *	dmah_attach(domain, sim_device_dmah(nic), &limits);
 *	sim_dma_write(nic, dmah_addr(&handle), bytes, sizeof(bytes));
 *
 * machine address	the address of RAM on the bus; equal to the physical address, except on Xen.
 * tag			VT-d and AMD domain id, SMMU ASID, RISC-V PSCID.
 *
 * Functions marked "Threads." may be called by several threads at a time. Call the others before threads run.
 */
#ifndef DMAH_SIM_H
#define DMAH_SIM_H

#include <dmah/device.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sim;
struct sim_iommu;
struct sim_device;
struct sim_bank;
struct sim_xen;

/* ---- faults (fault.c) ---- */

/**
 * enum sim_reason - the reason for which a transaction was refused; 0: it was not.
 */
enum sim_reason {
	SIM_OK,
	SIM_FAULT_MASK, /* the device cannot put this address on the bus */
	SIM_FAULT_BUS, /* no memory there */
	SIM_FAULT_BLOCKED, /* the device is bound to nothing: VT-d 0x1, 0x2; SMMU F_STREAM_DISABLED */
	SIM_FAULT_CONTEXT, /* its root, context or stream table entry is malformed: VT-d 0x3, 0xa, 0xb */
	SIM_FAULT_WIDTH, /* the address is wider than the table: VT-d 0x4; LPAE translation fault, level 0 or 1 */
	SIM_FAULT_TRANSLATION, /* nothing is mapped there: VT-d 0x5, 0x6; LPAE translation fault */
	SIM_FAULT_PERMISSION, /* mapped, but not for this direction: VT-d 0x5, 0x6; LPAE permission fault */
	SIM_FAULT_TABLE, /* a table pointer leads out of memory: VT-d 0x7; LPAE external abort on a walk */
	SIM_FAULT_RESERVED, /* reserved bits are set: VT-d 0xc */
	SIM_FAULT_ACCESS_FLAG, /* LPAE: the access flag is clear */
	SIM_FAULT_ADDRESS_SIZE, /* LPAE: the output address is too wide */
	SIM_FAULT_INTERRUPT, /* VT-d: the interrupt window, 0xfee00000 to 0xfeefffff, which is never memory */
	SIM_FAULT_ATS, /* a translated request of a device that is not allowed any */
	SIM_FAULT_REMAPPING, /* an interrupt that no remapping entry accepts */
};

/** sim_reason_text() - Returns a reason in words. */
const char *sim_reason_text(enum sim_reason reason);

/**
 * struct sim_fault - a transaction that was refused.
 * @device: the device's name.
 * @id: its requester or stream id.
 * @dma: the DMA address.
 * @write: the device wanted to write.
 * @reason: enum sim_reason.
 * @code: the VT-d fault reason, the SMMU event number, the code of an AMD event or the RISC-V cause; 0 without an IOMMU.
 */
struct sim_fault {
	const char *device;
	uint32_t id;
	dmah_addr_t dma;
	bool write;
	enum sim_reason reason;
	uint32_t code;
};

/** SIM_FAULTS - faults that are kept; later ones are only counted. */
#define SIM_FAULTS 64u

/** sim_faults() - copy the oldest faults that are kept, @max at most. Threads. Returns their number. */
size_t sim_faults(struct sim *sim, struct sim_fault *faults, size_t max);

/** sim_fault_count() - Returns the number of faults since the last sim_faults_clear(). Threads. */
uint64_t sim_fault_count(struct sim *sim);

/** sim_fault_overflow() - Returns true if the log was full and faults were lost. Threads. */
bool sim_fault_overflow(struct sim *sim);

/** sim_faults_clear() - empty the log. Threads. */
void sim_faults_clear(struct sim *sim);

/* ---- the machine (machine.c) ---- */

/** enum sim_flavour - kinds of IOMMU. */
enum sim_flavour {
	SIM_NO_IOMMU,
	SIM_VTD, /* Intel VT-d */
	SIM_SMMU, /* Arm SMMU, VMSAv8-64 tables */
	SIM_AMD, /* AMD-Vi, host page tables; always with registers (sim_amdvi.h) */
	SIM_RISCV, /* RISC-V IOMMU, first-stage tables; always with registers (sim_riscv.h) */
	SIM_SMMUV2, /* Arm SMMUv1 or SMMUv2; always with registers (sim_smmuv2.h) */
	SIM_VIRTIO, /* virtio-iommu; always with its fields (sim_viommu.h) */
};

/** SIM_LATENCY_WAIT - a latency: the command is executed when a wait asks for it, and not before. */
#define SIM_LATENCY_WAIT UINT64_MAX

/**
 * struct sim_iommu_config - an IOMMU. Zero means the default.
 * @name: name in messages; NULL: "iommuN".
 * @flavour: kind; SIM_NO_IOMMU: no IOMMU.
 * @va_bits: widest IOVA: 39, 48, 57, for AMD 63 too; 0: 48. Narrower tables are walked too. For RISC-V the width of the
 *	whole table.
 * @out_bits: widest physical address, in bits; 0: 46 (VT-d), 48 (SMMU, RISC-V).
 * @caching_mode: entries that do not translate are cached too (VT-d CAP.CM, AMD NpCache).
 * @noncoherent_walk: table walks do not snoop the CPU's caches.
 * @no_2m: no 2 MiB leaves.
 * @no_1g: no 1 GiB leaves.
 * @no_passthrough: no passthrough.
 * @stage2: SMMU: it has stage 2 and no stage 1.
 * @short_descriptors: SMMUv1, SMMUv2: sim_iommu_walk() reads tables of short descriptors.
 * @first_stage: VT-d: it has scalable mode, and there its first stage alone.
 *
 * For the fake IOMMU only:
 *
 * @tags: number of domain ids or ASIDs; 0: 255.
 * @queue: capacity of the queue, in commands; 0: 256.
 * @latency: latency of a command, in ns of dmah_host_now(); 0: commands are executed when posted.
 * @timeout: time-out of a wait, in ns; 0: 1 s. On the manual clock a wait moves the clock.
 */
struct sim_iommu_config {
	const char *name;
	enum sim_flavour flavour;
	unsigned int va_bits;
	unsigned int out_bits;
	bool caching_mode;
	bool noncoherent_walk;
	bool no_2m;
	bool no_1g;
	bool no_passthrough;
	bool stage2;
	bool first_stage;
	bool short_descriptors;
	unsigned int tags;
	unsigned int queue;
	uint64_t latency;
	uint64_t timeout;
};

/** SIM_IOMMUS - most IOMMUs of a machine. */
#define SIM_IOMMUS 4u

/**
 * struct sim_config - a machine. Zero means the default.
 * @name: name in messages.
 * @backend: the library's backend that the machine is for.
 * @ram_base: physical address of the first byte, page-aligned; 0: 1 GiB (0x40000000).
 * @ram_size: bytes, page-aligned; 0: 256 MiB. Only touched pages take memory.
 * @host_base: first byte of the area from which the port allocates; 0: @ram_base.
 * @host_size: bytes in that area; 0: 64 MiB, or a quarter of RAM if less.
 * @cache: model CPU caches: non-coherent devices read stale bytes unless lines are maintained.
 * @line: bytes in a cache line, a power of two, 16 to 2048; 0: 64.
 * @noncoherent: devices are not coherent, unless their configuration says otherwise.
 * @iommu: the IOMMUs.
 * @register_lookup: translations of the SMMU can only be looked up by register (armmap of dmah replay).
 * @foreign_size: Xen: bytes of other domains' memory that can be granted; 0: 64 MiB.
 */
struct sim_config {
	const char *name;
	enum dmah_backend backend;
	dmah_phys_t ram_base;
	uint64_t ram_size;
	dmah_phys_t host_base;
	uint64_t host_size;
	bool cache;
	unsigned int line;
	bool noncoherent;
	struct sim_iommu_config iommu[SIM_IOMMUS];
	bool register_lookup;
	uint64_t foreign_size;
};

/**
 * sim_config_named() - get a predefined configuration.
 * @name: direct, direct-noncoherent, bounce, vtd, vtd-noncoherent (walks and devices), vtd-cm (caching mode), smmu,
 *	smmu-noncoherent, smmu-s2 (stage 2), vtd-fs (first stage), amd, armmap, riscv, virtio, xen,
 *	xen-noncoherent.
 * @config: receives the configuration, which may be changed before sim_create().
 *
 * Returns true if @name is known.
 */
bool sim_config_named(const char *name, struct sim_config *config);

/** sim_config_name() - Returns the name of the @i-th predefined configuration; NULL behind the last. */
const char *sim_config_name(unsigned int i);

/**
 * sim_create() - build a machine, and give the port its memory: posix_set_machine().
 *
 * A process can have one machine at a time. Returns NULL if @config makes no sense, or without memory.
 */
struct sim *sim_create(const struct sim_config *config);

/** sim_destroy() - take a machine and its devices down. Finish all domains before. May be NULL. */
void sim_destroy(struct sim *sim);

/** sim_config_of() - Returns the configuration, with the defaults filled in. */
const struct sim_config *sim_config_of(const struct sim *sim);

/** sim_iommu() - Returns the @i-th IOMMU, or NULL. */
struct sim_iommu *sim_iommu(struct sim *sim, unsigned int i);

/** sim_xen() - Returns the hypervisor, or NULL. */
struct sim_xen *sim_xen(struct sim *sim);

/**
 * sim_ram_take() - reserve physical memory outside the port's area, for buffers and pools. It cannot be released.
 * @sim: the machine.
 * @size: bytes.
 * @align: a power of two.
 *
 * A test may also use RAM that it has not reserved. Returns the address, or ~0.
 */
dmah_phys_t sim_ram_take(struct sim *sim, uint64_t size, uint64_t align);

/* ---- the CPU's accesses (cpu.c, cache.c) ---- */

/** sim_cpu_read() - the CPU reads physical memory, through its caches. Threads. */
void sim_cpu_read(struct sim *sim, dmah_phys_t phys, void *buf, size_t len);

/** sim_cpu_write() - the CPU writes physical memory, through its caches. Threads. */
void sim_cpu_write(struct sim *sim, dmah_phys_t phys, const void *buf, size_t len);

/** sim_cpu_set() - the CPU fills physical memory with a byte. Threads. */
void sim_cpu_set(struct sim *sim, dmah_phys_t phys, uint8_t byte, uint64_t len);

/**
 * sim_cpu_maintain() - maintain cache lines as dmah_host_cache() does, to put memory into a known state. Threads.
 */
void sim_cpu_maintain(struct sim *sim, enum dmah_cache_op op, dmah_phys_t phys, uint64_t len);

/**
 * sim_cache_evict() - write dirty lines back, and drop all lines. A CPU may do so at any time.
 * @sim: the machine.
 * @phys: first byte.
 * @len: bytes; 0: everything that was ever written through sim_cpu_write().
 */
void sim_cache_evict(struct sim *sim, dmah_phys_t phys, uint64_t len);

/** sim_cache_prefetch() - fetch lines into the cache. A CPU may do so at any time. */
void sim_cache_prefetch(struct sim *sim, dmah_phys_t phys, uint64_t len);

/**
 * sim_cache_random() - evict and prefetch lines at random.
 * @sim: the machine.
 * @evict: of 1024 accesses, the number that evict a line written lately.
 * @prefetch: of 1024 writes of a device to a line, the number before which the line is fetched.
 * @seed: seed of the random numbers.
 */
void sim_cache_random(struct sim *sim, unsigned int evict, unsigned int prefetch, uint64_t seed);

/**
 * struct sim_cache_stats - counters of the cache model.
 * @cleaned: lines cleaned by maintenance, or flushed; dirty or not.
 * @invalidated: lines invalidated by maintenance, or flushed.
 * @lost: dirty lines whose bytes were dropped by an invalidation.
 * @evicted: dirty lines written back by eviction.
 */
struct sim_cache_stats {
	uint64_t cleaned;
	uint64_t invalidated;
	uint64_t lost;
	uint64_t evicted;
};

/** sim_cache_stats() - get the counters; zeroes if caches are not modelled. Threads. */
void sim_cache_stats(struct sim *sim, struct sim_cache_stats *stats);

/* ---- devices (device.c) ---- */

/**
 * struct sim_device_config - a device. Zero means the default.
 * @name: name in messages; NULL: "devN".
 * @id: requester id (bus << 8 | device << 3 | function) or stream id, below 65536.
 * @iommu: the IOMMU in front of the device, from 1; 0: the first, if the machine has one.
 * @bare: no IOMMU is in front of the device.
 * @mask: the highest address that the device can use; 0: all 64 bits.
 * @offset: without IOMMU: DMA address minus machine address.
 * @coherent: the device snoops the CPU's caches, whatever struct sim_config says.
 * @noncoherent: the device does not snoop.
 * @ats: the device has a TLB.
 */
struct sim_device_config {
	const char *name;
	uint32_t id;
	unsigned int iommu;
	bool bare;
	uint64_t mask;
	int64_t offset;
	bool coherent;
	bool noncoherent;
	bool ats;
};

/** sim_device_add() - add a device; sim_destroy() removes it. Returns NULL if the id is in use. */
struct sim_device *sim_device_add(struct sim *sim, const struct sim_device_config *config);

/** sim_device_dmah() - Returns the library's structure for the device, with name, id and (fake) IOMMU set. */
struct dmah_device *sim_device_dmah(struct sim_device *dev);

/** sim_device_limits() - get the device's limits: its mask, and the flags for coherency and ATS. */
void sim_device_limits(const struct sim_device *dev, struct dmah_limits *limits);

/**
 * sim_dma_read() - the device reads memory.
 * @dev: the device.
 * @dma: a DMA address.
 * @buf: receives the bytes.
 * @len: bytes. The access is split at 4 KiB; parts before a fault are carried out.
 *
 * Records one fault for each refused call. Threads. Returns SIM_OK or the reason.
 */
enum sim_reason sim_dma_read(struct sim_device *dev, dmah_addr_t dma, void *buf, size_t len);

/** sim_dma_write() - the device writes memory. See sim_dma_read(). */
enum sim_reason sim_dma_write(struct sim_device *dev, dmah_addr_t dma, const void *buf, size_t len);

/**
 * struct sim_interrupt - an interrupt, as it reaches the CPUs.
 * @dest: APIC id or logical destination (@logical).
 * @vector: its vector.
 * @lowest: lowest priority; else fixed.
 * @level: level-triggered.
 */
struct sim_interrupt {
	uint32_t dest;
	uint8_t vector;
	bool logical;
	bool lowest;
	bool level;
};

/**
 * sim_interrupt() - write a message to the interrupt window (0xfee00000 to 0xfeefffff), as a device or an IOAPIC. Threads.
 * @dev: the device.
 * @addr, @data: the message.
 * @irq: receives the interrupt, where the message is let through.
 */
enum sim_reason sim_interrupt(struct sim_device *dev, uint64_t addr, uint32_t data,
			      struct sim_interrupt *irq);

/**
 * sim_dma_reaches() - translate a DMA address without an access. Records no fault, but uses and fills the TLBs.
 * @dev: the device.
 * @dma: a DMA address.
 * @write: for writing.
 * @phys: receives the machine address; may be NULL.
 *
 * Returns SIM_OK or the reason.
 */
enum sim_reason sim_dma_reaches(struct sim_device *dev, dmah_addr_t dma, bool write,
				dmah_phys_t *phys);

/* ---- registers of devices (mmio.c) ---- */

typedef uint64_t sim_reg_read(void *ctx, uint64_t offset, unsigned int size);
typedef void sim_reg_write(void *ctx, uint64_t offset, unsigned int size, uint64_t value);

/**
 * sim_regs_add() - add registers of a device model.
 * @sim: the machine.
 * @size: bytes.
 * @ctx: passed to @read and @write, with the offset and size of an access in bytes.
 * @read: reads a register.
 * @write: writes a register.
 *
 * On the manual clock a read takes time (sim_regs_set_read_time()). Returns a pointer for dmah_host_read32() and the like
 * alone, valid as long as the machine; NULL if no room is left.
 */
volatile void *sim_regs_add(struct sim *sim, uint64_t size, void *ctx, sim_reg_read *read,
			    sim_reg_write *write);

/** sim_regs_set_read_time() - set the nanoseconds that a read of a register takes on the manual clock; 1,000 at first. */
void sim_regs_set_read_time(struct sim *sim, uint64_t ns);

/* ---- the fake IOMMU: driver and hardware in one, no registers (fake_iommu.c) ---- */

/** sim_fake_iommu() - an IOMMU with the fake driver, for the library. Not for one that has a register model. */
struct dmah_iommu *sim_fake_iommu(struct sim_iommu *iommu);

/** sim_fake_set_latency() - set the latency of later commands, in ns, or SIM_LATENCY_WAIT. Threads. */
void sim_fake_set_latency(struct sim_iommu *iommu, uint64_t ns);

/** sim_fake_set_timeout() - set the time after which a wait gives up, in ns. Threads. */
void sim_fake_set_timeout(struct sim_iommu *iommu, uint64_t ns);

/**
 * sim_fake_stick() - the queue executes @after commands more, and then no other.
 *
 * Waits then end with DMAH_ETIMEDOUT after the time-out, and so do posts when the queue is full. Threads.
 */
void sim_fake_stick(struct sim_iommu *iommu, uint64_t after);

/** sim_fake_unstick() - the queue goes on with the commands in it. Threads. */
void sim_fake_unstick(struct sim_iommu *iommu);

/* Former names of these functions, for programs that were written with them. */

/** sim_iommu_dmah() - see sim_fake_iommu(). */
static inline struct dmah_iommu *sim_iommu_dmah(struct sim_iommu *iommu)
{
	return sim_fake_iommu(iommu);
}

/** sim_iommu_stick() - see sim_fake_stick(). */
static inline void sim_iommu_stick(struct sim_iommu *iommu, uint64_t after)
{
	sim_fake_stick(iommu, after);
}

/** sim_iommu_unstick() - see sim_fake_unstick(). */
static inline void sim_iommu_unstick(struct sim_iommu *iommu)
{
	sim_fake_unstick(iommu);
}

/* ---- IOMMUs (iommu.c) ---- */

/** sim_iommu_config() - Returns the configuration, with the defaults filled in. */
const struct sim_iommu_config *sim_iommu_config(const struct sim_iommu *iommu);

/**
 * sim_iommu_set_tlb() - set the capacity of the IOTLB and of each device's TLB.
 * @iommu: the IOMMU.
 * @entries: capacity. A full TLB drops a random entry for each new one. 0: no limit (the default).
 * @seed: seed of the random numbers.
 */
void sim_iommu_set_tlb(struct sim_iommu *iommu, unsigned int entries, uint64_t seed);

/**
 * struct sim_iommu_stats - counters of an IOMMU. @commands, @waits, @timeouts and @binds are the fake IOMMU's alone.
 * @commands: invalidation commands posted.
 * @executed: commands that took effect.
 * @waits: waits for the queue.
 * @timeouts: waits and posts that timed out.
 * @binds: devices bound.
 * @iotlb_hits: translations answered by the IOTLB.
 * @iotlb_entries: entries in the IOTLB.
 * @dev_tlb_hits: translations answered by devices' TLBs.
 * @walks: page-table walks.
 * @walk_steps: table entries read by walks.
 */
struct sim_iommu_stats {
	uint64_t commands;
	uint64_t executed;
	uint64_t waits;
	uint64_t timeouts;
	uint64_t binds;
	uint64_t iotlb_hits;
	uint64_t iotlb_entries;
	uint64_t dev_tlb_hits;
	uint64_t walks;
	uint64_t walk_steps;
};

/** sim_iommu_stats() - get the counters. Threads. */
void sim_iommu_stats(struct sim_iommu *iommu, struct sim_iommu_stats *stats);

/** enum sim_perm - permissions of an entry. */
enum sim_perm {
	SIM_PERM_READ = 1,
	SIM_PERM_WRITE = 2,
};

/**
 * struct sim_leaf - a present leaf entry, as the hardware reads it.
 * @iova: first byte.
 * @phys: machine address of the first byte.
 * @shift: log2 of the size in bytes.
 * @perm: enum sim_perm.
 */
struct sim_leaf {
	dmah_addr_t iova;
	dmah_phys_t phys;
	unsigned int shift;
	unsigned int perm;
};

/**
 * sim_iommu_walk() - walk a page table, past every TLB.
 * @iommu: the IOMMU whose walker is used.
 * @pt: the table: dmah_domain_pt().
 * @iova: the IOVA.
 * @leaf: receives the entry; may be NULL.
 * @steps: the number of entries read is added to *@steps; may be NULL.
 *
 * Threads. Returns SIM_OK or the reason.
 */
enum sim_reason sim_iommu_walk(struct sim_iommu *iommu, const struct dmah_pt_info *pt,
			       dmah_addr_t iova, struct sim_leaf *leaf, uint64_t *steps);

/**
 * sim_iommu_each() - call a function for every present leaf entry of a page table, in order of IOVA.
 * @iommu: the IOMMU whose walker is used.
 * @pt: the table: dmah_domain_pt().
 * @fn: called for each entry; a result other than 0 ends the search. Malformed entries have @shift 0.
 * @ctx: passed to @fn.
 *
 * Returns the last result of @fn, or 0.
 */
int sim_iommu_each(struct sim_iommu *iommu, const struct dmah_pt_info *pt,
		   int (*fn)(void *ctx, const struct sim_leaf *leaf), void *ctx);

/* ---- the SMMU's address translation registers (ats1pr.c) ---- */

/* Registers of a context bank, by their offsets. Arm SMMU architecture, IHI 0062, section 16. */
#define SIM_CB_PAR	   0x050u /* 64 bits */
#define SIM_CB_ATS1PR	   0x800u /* 64 bits */
#define SIM_CB_ATSR	   0x8f0u /* 32 bits */
#define SIM_CB_ATSR_ACTIVE (1u << 0)
#define SIM_CB_PAR_F	   (1ull << 0) /* no translation: further bits name the reason */
#define SIM_CB_PAR_TF	   (1ull << 1) /* translation fault */
#define SIM_CB_PAR_AFF	   (1ull << 2) /* access flag fault */
#define SIM_CB_PAR_PF	   (1ull << 3) /* permission fault */
#define SIM_CB_PAR_EF	   (1ull << 4) /* external abort */

/** sim_iommu_bank() - Returns the context bank that translates by the table @pt; NULL if no device is bound to it. */
struct sim_bank *sim_iommu_bank(struct sim_iommu *iommu, const struct dmah_pt_info *pt);

/** sim_iommu_set_polls() - set the number of reads of ATSR that return "active" after a lookup has begun. */
void sim_iommu_set_polls(struct sim_iommu *iommu, unsigned int polls);

/** sim_bank_write64() - write a register of the bank: ATS1PR begins a lookup. */
void sim_bank_write64(struct sim_bank *bank, unsigned int reg, uint64_t value);
/** sim_bank_read32() - read a 32-bit register of the bank. */
uint32_t sim_bank_read32(struct sim_bank *bank, unsigned int reg);
/** sim_bank_read64() - read a 64-bit register of the bank. */
uint64_t sim_bank_read64(struct sim_bank *bank, unsigned int reg);

/**
 * sim_bank_lookup() - look an address up as a driver does: lock, write ATS1PR, poll ATSR, read PAR, unlock.
 * @bank: the context bank.
 * @iova: the IOVA.
 * @steps: the number of register accesses is added to *@steps; may be NULL.
 *
 * Threads. Returns the physical address, or ~0.
 */
dmah_phys_t sim_bank_lookup(struct sim_bank *bank, dmah_addr_t iova, uint64_t *steps);

/* ---- Xen (xen.c) ---- */

/** SIM_XEN_BAD - returned in place of a grant reference or an address that does not exist. */
#define SIM_XEN_BAD (~(uint64_t)0)

/** sim_xen_ops - for struct dmah_domain_config, with the hypervisor as context. */
extern const struct dmah_xen_ops sim_xen_ops;

/** sim_xen_grant() - another domain grants @pages pages with consecutive machine addresses. Threads. Returns the first
 * grant reference; the others follow. */
uint64_t sim_xen_grant(struct sim_xen *xen, unsigned int pages);

/**
 * sim_xen_map_grant() - map a granted page.
 * @xen: the hypervisor.
 * @gref: the grant reference. A page may be mapped several times.
 * @kernel_mapping: the kernel gets a mapping too; without one, cache maintenance takes the hypercall.
 *
 * Threads. Returns an unused physical address, or SIM_XEN_BAD.
 */
dmah_phys_t sim_xen_map_grant(struct sim_xen *xen, uint64_t gref, bool kernel_mapping);

/**
 * sim_xen_map_grant_at() - map a granted page in place of one of the guest's own pages, which is ballooned out.
 * @xen: the hypervisor.
 * @gref: the grant reference.
 * @phys: physical address of the guest's page.
 * @kernel_mapping: the kernel gets a mapping too.
 *
 * Threads. Returns @phys or SIM_XEN_BAD.
 */
dmah_phys_t sim_xen_map_grant_at(struct sim_xen *xen, uint64_t gref, dmah_phys_t phys,
				 bool kernel_mapping);

/** sim_xen_unmap_grant() - unmap a granted page. Threads. Returns true if a grant was mapped at @phys. */
bool sim_xen_unmap_grant(struct sim_xen *xen, dmah_phys_t phys);

/**
 * sim_xen_scramble() - exchange the machine pages behind a range of the guest's memory at random.
 * @xen: the hypervisor.
 * @phys: first byte, page-aligned, outside the port's area.
 * @pages: number of pages. Their contents are undefined afterwards.
 * @seed: seed of the random numbers.
 */
bool sim_xen_scramble(struct sim_xen *xen, dmah_phys_t phys, uint64_t pages, uint64_t seed);

/** sim_xen_machine() - Returns the machine address of a physical address, or ~0. Not counted. Threads. */
uint64_t sim_xen_machine(struct sim_xen *xen, dmah_phys_t phys);

/**
 * struct sim_xen_stats - counters of the hypervisor.
 * @p2m: lookups from physical to machine address.
 * @m2p: lookups from machine to physical address.
 * @m2p_steps: entries read by @m2p lookups.
 * @m2p_guesses: @m2p lookups that found more than one page.
 * @cache_calls: cache-flush hypercalls.
 * @cache_errors: refused hypercalls: across a page, of length 0, or outside memory.
 */
struct sim_xen_stats {
	uint64_t p2m;
	uint64_t m2p;
	uint64_t m2p_steps;
	uint64_t m2p_guesses;
	uint64_t cache_calls;
	uint64_t cache_errors;
};

/** sim_xen_stats() - get the counters. Threads. */
void sim_xen_stats(struct sim_xen *xen, struct sim_xen_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SIM_H */
