/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Page-table walks as the hardware makes them, with every check that the specification asks for.
 *
 * A walk can begin below the root, at a table that the paging-structure cache knows, and records the tables that it passes
 * for that cache.
 */
#ifndef SIM_WALK_H
#define SIM_WALK_H

#include "cache.h"

/**
 * struct sim_mem - memory, as a table walker sees it.
 * @ram: RAM.
 * @cache: the CPU's caches; NULL where they are not modelled.
 * @coherent: the walker snoops them.
 */
struct sim_mem {
	struct sim_ram *ram;
	struct sim_cache *cache;
	bool coherent;
};

/** sim_mem_load() - read a table entry. Returns false outside memory. */
bool sim_mem_load(const struct sim_mem *mem, uint64_t addr, uint64_t *value);

/**
 * enum sim_format - formats of page tables.
 * @SIM_FORMAT_VTD_SS: VT-d second stage.
 * @SIM_FORMAT_VTD_FS: VT-d first stage.
 * @SIM_FORMAT_LPAE_S1: VMSAv8-64 stage 1.
 * @SIM_FORMAT_LPAE_S2: VMSAv8-64 stage 2.
 * @SIM_FORMAT_AMD: AMD host page tables.
 * @SIM_FORMAT_RISCV: RISC-V first stage.
 * @SIM_FORMAT_ARM_SHORT: ARMv7 short descriptors.
 */
enum sim_format {
	SIM_FORMAT_VTD_SS,
	SIM_FORMAT_VTD_FS,
	SIM_FORMAT_LPAE_S1,
	SIM_FORMAT_LPAE_S2,
	SIM_FORMAT_AMD,
	SIM_FORMAT_RISCV,
	SIM_FORMAT_ARM_SHORT,
};

/**
 * struct sim_table - a page table.
 * @format: enum sim_format.
 * @root: machine address of the root table.
 * @levels: levels of the walk, the root included.
 * @va_bits: bits of an input address.
 * @out_bits: bits of an output address.
 * @no_2m: 2 MiB leaves are not supported.
 * @no_1g: 1 GiB leaves are not supported.
 * @privileged: LPAE: transactions are privileged.
 * @denied: enum sim_perm that no entry gives; AMD: those that the device table entry has not.
 * @software_bits: RISC-V: bits 60 and 59 of an entry are ignored.
 * @second: RISC-V: root of the second stage, of @second_levels; 0: none.
 * @msi: RISC-V: MSI page table, for pages whose number is @msi_pattern but for the bits of @msi_mask; 0: none.
 */
struct sim_table {
	enum sim_format format;
	uint64_t root;
	unsigned int levels;
	unsigned int va_bits;
	unsigned int out_bits;
	bool no_2m;
	bool no_1g;
	bool privileged;
	unsigned int denied;
	bool software_bits;
	uint64_t second;
	unsigned int second_levels;
	uint64_t msi;
	uint64_t msi_mask;
	uint64_t msi_pattern;
};

/**
 * struct sim_step - a table on the way of a walk.
 * @table: machine address of the table.
 * @perm: enum sim_perm: permissions that all entries above give.
 * @level: levels from this table down; a leaf table has 1.
 */
struct sim_step {
	uint64_t table;
	unsigned int perm;
	unsigned int level;
};

/**
 * struct sim_walk - a walk.
 * @from: the first table; @from.level 0: the root.
 * @trail: the tables that were passed, from the top; for the paging-structure cache.
 * @ntrail: number of tables in @trail.
 * @out: machine address of the page or block.
 * @shift: log2 of its size in bytes.
 * @perm: enum sim_perm.
 * @global: LPAE: the entry belongs to every ASID.
 * @steps: entries read.
 * @code: the specification's number of the fault.
 */
struct sim_walk {
	struct sim_step from;
	struct sim_step trail[6];
	unsigned int ntrail;
	uint64_t out;
	unsigned int shift;
	unsigned int perm;
	bool global;
	unsigned int steps;
	uint32_t code;
};

/**
 * sim_walk_vtd() - walk a VT-d second-stage table.
 *
 * Finds the leaf. The caller checks @walk->perm. A leaf without any permission is not present: SIM_FAULT_TRANSLATION.
 */
enum sim_reason sim_walk_vtd(const struct sim_mem *mem, const struct sim_table *table,
			     uint64_t iova, struct sim_walk *walk);

/** sim_walk_lpae() - walk a VMSAv8-64 table of the stage that its format says, 4 KiB granule. See sim_walk_vtd(). */
enum sim_reason sim_walk_lpae(const struct sim_mem *mem, const struct sim_table *table,
			      uint64_t iova, struct sim_walk *walk);

/** sim_walk_amd() - walk an AMD host page table. See sim_walk_vtd(). A leaf may have no permission. */
enum sim_reason sim_walk_amd(const struct sim_mem *mem, const struct sim_table *table,
			     uint64_t iova, struct sim_walk *walk);

/** sim_walk_vtd_fs() - walk a VT-d first-stage table. See sim_walk_vtd(). */
enum sim_reason sim_walk_vtd_fs(const struct sim_mem *mem, const struct sim_table *table,
				uint64_t iova, struct sim_walk *walk);

/** sim_walk_riscv() - walk a RISC-V first-stage table, and the second stage behind it. See sim_walk_vtd(). */
enum sim_reason sim_walk_riscv(const struct sim_mem *mem, const struct sim_table *table,
			       uint64_t iova, struct sim_walk *walk);

/** sim_walk_arm_short() - walk a table of ARMv7's short descriptors. Records no tables. See sim_walk_vtd(). */
enum sim_reason sim_walk_arm_short(const struct sim_mem *mem, const struct sim_table *table,
				   uint64_t iova, struct sim_walk *walk);

/** sim_walk() - walk a table of any format. See sim_walk_vtd(). */
enum sim_reason sim_walk(const struct sim_mem *mem, const struct sim_table *table, uint64_t iova,
			 struct sim_walk *walk);

/** sim_present() - Returns true where an entry of a table is present. */
bool sim_present(const struct sim_table *table, uint64_t entry);

/**
 * struct sim_context - a context entry (VT-d), or a stream table entry with its context descriptor (SMMU).
 * @table: the page table, if @translate.
 * @domain: domain id, ASID or VMID.
 * @translate: translate by @table; else passthrough.
 * @ats: translation requests and translated requests are accepted.
 * @directory: VT-d scalable mode: machine address of the PASID directory, which the context entry names.
 */
struct sim_context {
	struct sim_table table;
	uint32_t domain;
	bool translate;
	bool ats;
	uint64_t directory;
};

/**
 * sim_walk_context() - read a device's context entry by VT-d's root and context tables.
 * @mem: memory.
 * @root: machine address of the root table.
 * @id: requester id.
 * @hw: the hardware's limits: va_bits, out_bits, no_2m, no_1g.
 * @passthrough: the hardware supports pass-through entries.
 * @context: receives the entry.
 * @code: receives the number of the fault reason.
 */
enum sim_reason sim_walk_context(const struct sim_mem *mem, uint64_t root, uint32_t id,
				 const struct sim_table *hw, bool passthrough,
				 struct sim_context *context, uint32_t *code);

/** struct sim_pasid_caps - stages of a unit in scalable mode, 5 levels of the first, passthrough, and walks that snoop where PWSNP asks for it. */
struct sim_pasid_caps {
	bool first_stage;
	bool five_levels;
	bool second_stage;
	bool passthrough;
	bool snoops;
};

/**
 * sim_walk_pasid() - read the PASID entry of a device's requests without PASID by VT-d's tables of scalable mode.
 * @directory: machine address of the PASID directory that the unit has cached; 0: none, read the root and context tables.
 *
 * The other arguments are those of sim_walk_context().
 */
enum sim_reason sim_walk_pasid(const struct sim_mem *mem, uint64_t root, uint64_t directory,
			       uint32_t id, const struct sim_table *hw,
			       const struct sim_pasid_caps *caps, struct sim_context *context,
			       uint32_t *code);

/* VT-d fault reasons of scalable mode, same table. */
enum {
	VTD_FR_SM_ROOT_ACCESS = 0x38,
	VTD_FR_SM_ROOT_NOT_PRESENT = 0x39,
	VTD_FR_SM_ROOT_RESERVED = 0x3a,
	VTD_FR_SM_CONTEXT_ACCESS = 0x40,
	VTD_FR_SM_CONTEXT_NOT_PRESENT = 0x41,
	VTD_FR_SM_CONTEXT_RESERVED = 0x42,
	VTD_FR_SM_DIRECTORY_ACCESS = 0x50,
	VTD_FR_SM_DIRECTORY_NOT_PRESENT = 0x51,
	VTD_FR_SM_DIRECTORY_RESERVED = 0x52,
	VTD_FR_SM_PASID_ACCESS = 0x58,
	VTD_FR_SM_PASID_NOT_PRESENT = 0x59,
	VTD_FR_SM_PASID_RESERVED = 0x5a,
	VTD_FR_SM_PASID_INVALID = 0x5b,
	VTD_FR_SM_FS_ACCESS = 0x70,
	VTD_FR_SM_FS_NOT_PRESENT = 0x71,
	VTD_FR_SM_FS_RESERVED = 0x72,
	VTD_FR_SM_NOT_CANONICAL = 0x80,
	VTD_FR_SM_USER = 0x81,
	VTD_FR_SM_WRITE = 0x85,
	VTD_FR_SM_READ = 0x86,
};

/**
 * sim_walk_dte() - read a device's entry of AMD's device table.
 * @mem: memory.
 * @devtab: the value of the Device Table Base Address Register.
 * @id: requester id.
 * @levels: most levels of a page table.
 * @hw: the hardware's limits.
 * @context: receives the entry.
 * @code: receives the code of the event.
 */
enum sim_reason sim_walk_dte(const struct sim_mem *mem, uint64_t devtab, uint32_t id,
			     unsigned int levels, const struct sim_table *hw,
			     struct sim_context *context, uint32_t *code);

/* AMD event codes, section 2.5, and two bits of the model for flags of a page fault. */
enum {
	AMD_ILLEGAL_DTE = 1,
	AMD_PAGE_FAULT = 2,
	AMD_DEVTAB_ERROR = 3,
	AMD_PAGETAB_ERROR = 4,
	AMD_INVALID_REQUEST = 8,
	AMD_PRESENT = 0x100,
	AMD_RESERVED = 0x200,
};

/**
 * struct sim_directory - RISC-V: the device directory, and what the unit can do.
 * @root, @levels: the directory.
 * @extended: contexts have 64 bytes.
 * @ats, @software_bits, @sv48, @sv57, @sv48x4: capabilities.
 * @hw: the hardware's limits.
 */
struct sim_directory {
	uint64_t root;
	unsigned int levels;
	bool extended;
	bool ats;
	bool software_bits;
	bool sv48;
	bool sv57;
	bool sv48x4;
	const struct sim_table *hw;
};

/** SIM_RISCV_GUEST - in @domain of a context: the address space has a second stage; its GSCID is in bits 30:20. */
#define SIM_RISCV_GUEST (1u << 31)

/** sim_walk_directory() - read a device's context by RISC-V's device directory. @code: the cause of a fault. */
enum sim_reason sim_walk_directory(const struct sim_mem *mem, const struct sim_directory *directory,
				   uint32_t id, struct sim_context *context, uint32_t *code);

/* VT-d fault reasons. Intel VT-d specification, rev. 4.1, section 7.1.3, table "non-recoverable fault conditions". */
enum {
	VTD_FR_ROOT_NOT_PRESENT = 0x1,
	VTD_FR_CONTEXT_NOT_PRESENT = 0x2,
	VTD_FR_CONTEXT_INVALID = 0x3,
	VTD_FR_BEYOND_WIDTH = 0x4,
	VTD_FR_WRITE = 0x5,
	VTD_FR_READ = 0x6,
	VTD_FR_TABLE_ACCESS = 0x7,
	VTD_FR_ROOT_ACCESS = 0x8,
	VTD_FR_CONTEXT_ACCESS = 0x9,
	VTD_FR_ROOT_RESERVED = 0xa,
	VTD_FR_CONTEXT_RESERVED = 0xb,
	VTD_FR_RESERVED = 0xc,
	VTD_FR_TRANSLATION_BLOCKED = 0xd,
};

/* SMMU events. Arm SMMUv3 specification, IHI 0070, section 7.3. */
enum {
	SMMU_F_STREAM_DISABLED = 0x06,
	SMMU_F_WALK_EABT = 0x0b,
	SMMU_F_TRANSLATION = 0x10,
	SMMU_F_ADDR_SIZE = 0x11,
	SMMU_F_ACCESS = 0x12,
	SMMU_F_PERMISSION = 0x13,
};

/* RISC-V fault causes. RISC-V IOMMU Architecture Specification, Fault/Event-Queue. Those of a write are 2 more. */
enum {
	RISCV_ACCESS_READ = 5,
	RISCV_PAGE_READ = 13,
	RISCV_GUEST_READ = 21,
	RISCV_ALL_DISALLOWED = 256,
	RISCV_DDT_ACCESS = 257,
	RISCV_DDT_NOT_VALID = 258,
	RISCV_DDT_INVALID = 259,
	RISCV_TYPE_DISALLOWED = 260,
	RISCV_MSI_ACCESS = 261,
	RISCV_MSI_NOT_VALID = 262,
	RISCV_MSI_INVALID = 263,
};

/* virtio-iommu: reasons of a fault. Virtual I/O Device, version 1.2, section 5.13.6.8. */
enum {
	VIRTIO_DOMAIN = 1,
	VIRTIO_MAPPING = 2,
};

#endif /* SIM_WALK_H */
