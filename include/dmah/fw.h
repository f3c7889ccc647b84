/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: IOMMUs and requester ids from the tables of the firmware.
 *
 * The bytes of ACPI's DMAR, IVRS, IORT, VIOT and RIMT, or of a device tree, go in. Out come the machine's IOMMUs and, for
 * each device, the unit that translates it, the ids by which that unit knows it, and the ranges of addresses that are
 * special to it. Nothing is allocated: the tables stay where they are, and answers go to functions of the caller.
 *
 *	static struct dmah_fw fw;
 *	static struct dmah_fw_setup setup = { .map = map_registers };
 *	struct dmah_fw_device d;
 *
 *	dmah_fw_init(&fw, &(struct dmah_fw_config){ .problem = print_problem, .pci_read = read_config });
 *	err = dmah_fw_add(&fw, dmar, dmar_size);		// for each table; others are refused with DMAH_ENOTSUP
 *	for (n = 0; !dmah_fw_unit(&fw, n, &unit); n++)
 *		err = dmah_fw_setup(&fw, &unit, &setup);	// setup.vtd is for dmah_vtd_init()
 *	err = dmah_fw_device(&fw, &(struct dmah_fw_requester){ .bdf = 0x40 }, &d);
 *	device.id = d.ids[0], device.ids = d.ids + 1, device.nids = d.nids - 1;
 *	limits.reserved = d.reserved, limits.nreserved = d.nreserved;
 *
 * Tables are judged when they are added: every length, reference and checksum. What is wrong is reported with the table,
 * the offset in it and the reason. A device that no table names has no IOMMU: dmah_fw_lookup() returns DMAH_ENODEV.
 *
 * No function here takes a lock, waits, or changes anything but what it is given. Context: any.
 */
#ifndef DMAH_FW_H
#define DMAH_FW_H

#include <dmah/amdvi.h>
#include <dmah/iommu.h>
#include <dmah/riscv.h>
#include <dmah/smmuv2.h>
#include <dmah/smmuv3.h>
#include <dmah/viommu.h>
#include <dmah/vtd.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum dmah_fw_table - the tables that are read.
 * @DMAH_FW_DMAR: Intel Virtualization Technology for Directed I/O, chapter 8.
 * @DMAH_FW_IVRS: AMD I/O Virtualization Technology (IOMMU) Specification, chapter 5.
 * @DMAH_FW_IORT: Arm IO Remapping Table, Arm DEN 0049.
 * @DMAH_FW_VIOT: Virtual I/O Translation Table, ACPI specification, section 5.2.33.
 * @DMAH_FW_RIMT: RISC-V IO Mapping Table specification.
 * @DMAH_FW_DT: a flattened device tree, Devicetree Specification, chapter 5.
 * @DMAH_FW_MADT: ACPI specification, section 5.2.12: only the doorbells of message-signalled interrupts on Arm.
 * @DMAH_FW_TABLES: how many there are.
 */
enum dmah_fw_table {
	DMAH_FW_DMAR,
	DMAH_FW_IVRS,
	DMAH_FW_IORT,
	DMAH_FW_VIOT,
	DMAH_FW_RIMT,
	DMAH_FW_DT,
	DMAH_FW_MADT,
	DMAH_FW_TABLES,
};

/** DMAH_FW_TABLE_MAX - the longest ACPI table that is accepted, in bytes. */
#define DMAH_FW_TABLE_MAX 0x40000u

/** DMAH_FW_TREE_MAX - the longest device tree that is accepted, in bytes. */
#define DMAH_FW_TREE_MAX 0x200000u

/** DMAH_FW_NO_OFFSET - @offset of a problem that is about no place in a table. */
#define DMAH_FW_NO_OFFSET UINT32_MAX

/**
 * struct dmah_fw_problem - an error or a warning about a table.
 * @table: its name, for example "DMAR".
 * @offset: the place in the table, in bytes; DMAH_FW_NO_OFFSET: none.
 * @reason: a constant string.
 * @error: the table is refused. False: a warning; what is named there is left out or corrected, and all else is used.
 */
struct dmah_fw_problem {
	const char *table;
	uint32_t offset;
	const char *reason;
	bool error;
};

/**
 * struct dmah_fw_config - functions of the caller. All may be NULL.
 * @problem: called for each error and warning.
 * @pci_read: reads the 32-bit register at @reg, a multiple of 4, of the configuration space of PCI function @bdf. Returns
 *	false where there is no such function. It says which devices are behind which bridge, and under which id a bridge
 *	passes their requests on. Call it after buses have their numbers. NULL: a device keeps its own id; and where a DMAR
 *	names bridges, the buses behind them are estimated: those that follow a bridge's own bus and that no table names, two
 *	for each bridge that is named there. A warning says where the estimate decides.
 * @ctx: passed to both.
 * @keep_broken: keep what a table with an error has in front of the error. For programs that show tables; a system that
 *	relies on half a table may let devices through.
 */
struct dmah_fw_config {
	void (*problem)(void *ctx, const struct dmah_fw_problem *problem);
	bool (*pci_read)(void *ctx, uint16_t segment, uint16_t bdf, uint16_t reg, uint32_t *value);
	void *ctx;
	bool keep_broken;
};

/** struct dmah_fw_bytes - a table. @data: NULL: there is none. @size: its bytes, those in front of the first error. */
struct dmah_fw_bytes {
	const uint8_t *data;
	uint32_t size;
};

/**
 * struct dmah_fw - the tables of a machine, in the caller's memory. Private.
 * @config: as given.
 * @tables: the tables that were added.
 */
struct dmah_fw {
	struct dmah_fw_config config;
	struct dmah_fw_bytes tables[DMAH_FW_TABLES];
};

/**
 * dmah_fw_init() - begin with no tables.
 * @fw: need not be zeroed.
 * @config: copied; NULL: nothing is provided.
 */
void dmah_fw_init(struct dmah_fw *fw, const struct dmah_fw_config *config);

/**
 * dmah_fw_add() - judge a table and keep it.
 * @fw: the machine.
 * @data: the table, at any alignment. Not copied: it stays as it is for as long as @fw is in use.
 * @size: how many bytes may be read there; those behind the table's own length are not looked at.
 *
 * A table whose checksum byte is 0 and wrong has not been completed by its firmware: a warning. Any other wrong checksum is
 * an error. Return: 0; DMAH_EINVAL: an error was reported; DMAH_EBUSY: there is one of that name already; DMAH_ENOTSUP: an
 * ACPI table that says nothing of IOMMUs, or no table at all (dmah_fw_signature() says which).
 */
int dmah_fw_add(struct dmah_fw *fw, const void *data, size_t size);

/**
 * dmah_fw_signature() - Returns true where @data begins as an ACPI table or a device tree does, and copies its name, at
 *	most 4 letters, to @name.
 */
bool dmah_fw_signature(const void *data, size_t size, char name[5]);

/**
 * dmah_fw_add_acpi() - add every table that the root pointer leads to.
 * @fw: the machine.
 * @rsdp: the physical address of the Root System Description Pointer (ACPI specification, section 5.2.5).
 * @map: makes @len bytes of physical memory readable and returns a CPU pointer; they stay so while @fw is in use. NULL: all
 *	physical memory is readable at its own address.
 *
 * Tables that say nothing of IOMMUs are passed over. Return: 0; DMAH_EINVAL: the pointer, the list or one of its tables is
 * broken; those that are not were added.
 */
int dmah_fw_add_acpi(struct dmah_fw *fw, uint64_t rsdp,
		     const void *(*map)(void *ctx, uint64_t phys, size_t len));

/* ---- IOMMUs ---- */

/**
 * enum dmah_fw_kind - kinds of IOMMUs.
 * @DMAH_FW_VTD: Intel VT-d.
 * @DMAH_FW_AMDVI: AMD's IOMMU.
 * @DMAH_FW_SMMUV3: Arm's SMMUv3.
 * @DMAH_FW_SMMUV2: Arm's SMMUv2 and SMMUv1.
 * @DMAH_FW_VIRTIO: virtio-iommu.
 * @DMAH_FW_RISCV: RISC-V IOMMU.
 */
enum dmah_fw_kind {
	DMAH_FW_VTD,
	DMAH_FW_AMDVI,
	DMAH_FW_SMMUV3,
	DMAH_FW_SMMUV2,
	DMAH_FW_VIRTIO,
	DMAH_FW_RISCV,
};

/** dmah_fw_kind_name() - Returns "vtd", "amdvi", "smmuv3", "smmuv2", "virtio" or "riscv". */
const char *dmah_fw_kind_name(enum dmah_fw_kind kind);

/** dmah_fw_table_name() - Returns the name of a table: "DMAR" and so on; "DT" for a device tree. */
const char *dmah_fw_table_name(enum dmah_fw_table table);

/**
 * enum dmah_fw_unit_flags - properties of an IOMMU that a table states; a bit mask.
 * @DMAH_FW_PCI: it is the PCI function @bdf.
 * @DMAH_FW_MMIO: it has registers at @base.
 * @DMAH_FW_ALL: it has every device of its segment that no other unit names (INCLUDE_PCI_ALL of a DRHD).
 * @DMAH_FW_INTREMAP: the platform supports interrupt remapping (DMAR).
 * @DMAH_FW_X2APIC_OPT_OUT: the firmware asks the OS not to enable x2APIC (DMAR).
 * @DMAH_FW_DMA_OPT_IN: the firmware blocks DMA until the OS takes over (DMAR's DMA_CTRL_PLATFORM_OPT_IN_FLAG).
 * @DMAH_FW_COHERENT: it reads tables through the CPU's caches, whatever its registers say (IORT's COHACC Override, a device
 *	tree's dma-coherent).
 * @DMAH_FW_NONCOHERENT: it does not. Neither: the registers know.
 * @DMAH_FW_IOTLB: devices behind it may have TLBs of their own (IVHD's IotlbSup).
 * @DMAH_FW_MIRRORED: it has several sets of registers, which must be written alike (NVIDIA's SMMUv2 in a device tree). No
 *	driver here does so.
 */
enum dmah_fw_unit_flags {
	DMAH_FW_PCI = 1u << 0,
	DMAH_FW_MMIO = 1u << 1,
	DMAH_FW_ALL = 1u << 2,
	DMAH_FW_INTREMAP = 1u << 3,
	DMAH_FW_X2APIC_OPT_OUT = 1u << 4,
	DMAH_FW_DMA_OPT_IN = 1u << 5,
	DMAH_FW_COHERENT = 1u << 6,
	DMAH_FW_NONCOHERENT = 1u << 7,
	DMAH_FW_IOTLB = 1u << 8,
	DMAH_FW_MIRRORED = 1u << 9,
};

/**
 * struct dmah_fw_unit - an IOMMU.
 * @kind: its kind.
 * @table: the table that names it; @offset: where. Both together are the unit's identity.
 * @flags: enum dmah_fw_unit_flags.
 * @base: its registers, with DMAH_FW_MMIO.
 * @size: bytes of registers; 0: the table does not say.
 * @segment: PCI segment of the devices that it translates, and of @bdf.
 * @bdf: with DMAH_FW_PCI, its own PCI function. A function of an IOMMU is not translated.
 * @phys_bits: bits of a physical address; 0: the table does not say. @virt_bits: of an IOVA, likewise.
 * @cap_offset: AMD: offset of the capability in the configuration space of @bdf.
 * @hw_flags: AMD: flags of the IVHD. SMMU: flags of the node. RISC-V: flags of the node.
 * @hw_info: AMD: the IOMMU Info field. SMMU: the model.
 * @hw_features: AMD: the EFR image of IVHD 0x11 or 0x40, else the Feature Reporting field of IVHD 0x10.
 * @hw_features2: AMD: the second EFR image.
 * @irq: interrupts, by their global numbers (GSIV; in a device tree 32 plus the number of the shared peripheral
 *	interrupt): event queue, errors, page requests, command queue; 0: none, or not stated.
 */
struct dmah_fw_unit {
	enum dmah_fw_kind kind;
	enum dmah_fw_table table;
	uint32_t offset;
	uint32_t flags;
	uint64_t base;
	uint64_t size;
	uint16_t segment;
	uint16_t bdf;
	uint8_t phys_bits;
	uint8_t virt_bits;
	uint16_t cap_offset;
	uint32_t hw_flags;
	uint32_t hw_info;
	uint64_t hw_features;
	uint64_t hw_features2;
	uint32_t irq[4];
};

/**
 * dmah_fw_unit() - describe IOMMU number @n of the machine.
 * @fw: the machine.
 * @n: from 0.
 * @unit: set.
 *
 * Return: 0; DMAH_ENODEV: there are no more.
 */
int dmah_fw_unit(const struct dmah_fw *fw, unsigned int n, struct dmah_fw_unit *unit);

/** dmah_fw_same_unit() - Returns true where both describe one IOMMU. */
bool dmah_fw_same_unit(const struct dmah_fw_unit *a, const struct dmah_fw_unit *b);

/* ---- devices ---- */

/**
 * enum dmah_fw_what - kinds of requesters.
 * @DMAH_FW_PCI_FUNCTION: @segment and @bdf.
 * @DMAH_FW_NAMED: a device that is on no PCI bus, @name. In ACPI: the path of its object, as ANDD, IORT and RIMT have it
 *	("\\_SB.GPU0"), or its hardware id, ":" and its unique id for IVHD 0x40 ("AMDI0020:ID00"). In a device tree: the
 *	path of its node ("/soc/dma@1000").
 * @DMAH_FW_IOAPIC: an interrupt controller with @number, its id in the MADT: the id is for interrupt remapping.
 * @DMAH_FW_HPET: a timer block with @number, likewise.
 */
enum dmah_fw_what {
	DMAH_FW_PCI_FUNCTION,
	DMAH_FW_NAMED,
	DMAH_FW_IOAPIC,
	DMAH_FW_HPET,
};

/**
 * struct dmah_fw_requester - a device that is asked for.
 * @what: its kind; 0 is a PCI function.
 * @segment: its PCI segment (in a device tree linux,pci-domain).
 * @bdf: bus << 8 | device << 3 | function.
 * @name: with DMAH_FW_NAMED.
 * @number: with DMAH_FW_IOAPIC and DMAH_FW_HPET.
 */
struct dmah_fw_requester {
	enum dmah_fw_what what;
	uint16_t segment;
	uint16_t bdf;
	const char *name;
	uint32_t number;
};

/**
 * enum dmah_fw_range_kind - ranges of a device's address space.
 * @DMAH_FW_RESERVED: never to be handed out.
 * @DMAH_FW_IDENTITY: the device uses it already: translate it to itself before translation is enabled (RMRR, IVMD, RMR).
 * @DMAH_FW_MSI: writes there are interrupts. On x86 they are not translated; elsewhere it is the doorbell of an interrupt
 *	controller, which is to be mapped.
 */
enum dmah_fw_range_kind {
	DMAH_FW_RESERVED,
	DMAH_FW_IDENTITY,
	DMAH_FW_MSI,
};

/**
 * struct dmah_fw_range - a range of a device's address space.
 * @start: its first byte, a multiple of 4096.
 * @end: its last byte, so that @end + 1 is a multiple of 4096 (or 0).
 * @kind: its kind.
 * @dir: accesses that the device makes there, with DMAH_FW_IDENTITY.
 * @mmio: registers are there, not memory.
 * @map: with DMAH_FW_MSI: translate it to itself.
 */
struct dmah_fw_range {
	uint64_t start;
	uint64_t end;
	enum dmah_fw_range_kind kind;
	enum dmah_dir dir;
	bool mmio;
	bool map;
};

/**
 * struct dmah_fw_visitor - the answer of dmah_fw_lookup(). Any may be NULL.
 * @unit: called first, once: the IOMMU that translates the device.
 * @id: called for each id by which the unit may see the device, the usual one first.
 * @mask: called after @id with the bits of that id that the unit does not compare, where there are any: an SMMUv2 may know
 *	several streams by one id (#iommu-cells of 2, stream-match-mask).
 * @range: called for each range.
 * @flags: called with enum dmah_device_flags that tables state for the device: DMAH_DEV_ATS where it may use a TLB of its
 *	own, DMAH_DEV_COHERENT where its accesses see the CPU's caches.
 */
struct dmah_fw_visitor {
	void (*unit)(void *ctx, const struct dmah_fw_unit *unit);
	void (*id)(void *ctx, uint32_t id);
	void (*mask)(void *ctx, uint32_t mask);
	void (*range)(void *ctx, const struct dmah_fw_range *range);
	void (*flags)(void *ctx, uint32_t flags);
};

/**
 * dmah_fw_lookup() - answer for one device.
 * @fw: the machine.
 * @who: the device.
 * @visitor: called with the answer. @ctx: passed to its functions.
 *
 * Return: 0; DMAH_ENODEV: no IOMMU translates the device, and nothing was called.
 */
int dmah_fw_lookup(const struct dmah_fw *fw, const struct dmah_fw_requester *who,
		   const struct dmah_fw_visitor *visitor, void *ctx);

/**
 * dmah_fw_named() - list the devices that are on no PCI bus and that a table names.
 * @fw: the machine.
 * @fn: called for each with a text for @name of struct dmah_fw_requester, valid during the call.
 * @ctx: passed to @fn.
 */
void dmah_fw_named(const struct dmah_fw *fw, void (*fn)(void *ctx, const char *name), void *ctx);

/* ---- for the drivers of the library ---- */

/** DMAH_FW_IDS - most ids of a device in struct dmah_fw_device. */
#define DMAH_FW_IDS 16u

/** DMAH_FW_RANGES - most ranges of a device in struct dmah_fw_device. */
#define DMAH_FW_RANGES 16u

/**
 * struct dmah_fw_device - a device, in the terms of struct dmah_device and struct dmah_limits.
 * @unit: the IOMMU before it.
 * @ids: its ids; the first is for @id of struct dmah_device, the others for @ids. Those of an SMMUv2 with a mask are
 *	dmah_smmuv2_id().
 * @nids: how many.
 * @reserved: its ranges.
 * @nreserved: how many.
 * @flags: enum dmah_device_flags that tables state.
 */
struct dmah_fw_device {
	struct dmah_fw_unit unit;
	uint32_t ids[DMAH_FW_IDS];
	unsigned int nids;
	struct dmah_reserved reserved[DMAH_FW_RANGES];
	unsigned int nreserved;
	uint32_t flags;
};

/**
 * dmah_fw_device() - answer for one device in the terms of dmah_attach().
 * @fw: the machine.
 * @who: the device.
 * @device: set.
 *
 * Return: 0; DMAH_ENODEV: no IOMMU translates it; DMAH_ENOSPC: it has more ids or ranges than there is room for.
 */
int dmah_fw_device(const struct dmah_fw *fw, const struct dmah_fw_requester *who,
		   struct dmah_fw_device *device);

/** DMAH_FW_BYPASS - most ranges of streams of an SMMU in struct dmah_fw_setup. */
#define DMAH_FW_BYPASS 16u

/**
 * struct dmah_fw_setup - the configuration of an IOMMU's driver.
 * @map: the caller's: makes @size bytes of registers at the physical address @base readable and writable. Returns a CPU
 *	pointer; NULL: it cannot. NULL in place of the function: registers are at their physical address.
 * @ctx: the caller's: passed to @map.
 * @kind: which of the others is set.
 * @vtd: for dmah_vtd_init().
 * @amdvi: for dmah_amdvi_init(), which asks the table for settings of devices: until it returns, the structure stays in place,
 *	and the tables do.
 * @smmuv3: for dmah_smmuv3_init(). @bypass: streams that firmware left running (RMR of an IORT), to which its @bypass
 *	points: the structure stays where it is until dmah_smmuv3_init() has returned.
 * @smmuv2: for dmah_smmuv2_init(), as @smmuv3, with @bypass_v2.
 * @riscv: for dmah_riscv_init().
 * @viommu: for dmah_viommu_init(); its transport is the caller's, which knows how to reach virtio devices.
 * @fw, @unit: the table and the unit that @amdvi asks; private.
 */
struct dmah_fw_setup {
	volatile void *(*map)(void *ctx, uint64_t base, uint64_t size);
	void *ctx;
	enum dmah_fw_kind kind;
	struct dmah_vtd_config vtd;
	struct dmah_amdvi_config amdvi;
	struct dmah_smmuv3_config smmuv3;
	struct dmah_smmuv2_config smmuv2;
	struct dmah_riscv_config riscv;
	struct dmah_viommu_config viommu;
	struct dmah_smmuv3_bypass bypass[DMAH_FW_BYPASS];
	struct dmah_smmuv2_bypass bypass_v2[DMAH_FW_BYPASS];
	const struct dmah_fw *fw;
	struct dmah_fw_unit unit;
};

/**
 * dmah_fw_setup() - build the configuration of an IOMMU's driver.
 * @fw: the machine.
 * @unit: the IOMMU, of dmah_fw_unit(). For a RISC-V IOMMU that is a PCI function, set @base to the address in its BAR 0, and
 *	DMAH_FW_MMIO in @flags, before.
 * @setup: @map and @ctx are the caller's; the others are set.
 *
 * Return: 0; DMAH_ENOMEM: @map returned NULL; DMAH_ENODEV: @base is not known; DMAH_ENOTSUP: the library has no driver for
 * this kind, or for a unit that is DMAH_FW_MIRRORED; DMAH_ENOSPC: an SMMU has more than DMAH_FW_BYPASS ranges of streams that firmware left running.
 */
int dmah_fw_setup(const struct dmah_fw *fw, const struct dmah_fw_unit *unit,
		  struct dmah_fw_setup *setup);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_FW_H */
