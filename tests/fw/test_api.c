// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* <dmah/fw.h> as a kernel calls it: tables found from the root pointer, configurations of drivers, ids and ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <dmah/fw.h>

/* Physical memory: a root pointer at 0x100, a list at 0x200, a DMAR at an odd address. */
static uint8_t memory[0x3000];
static unsigned int problems;

static void put32(uint32_t at, uint32_t value)
{
	for (unsigned int i = 0; i < 4; i++)
		memory[at + i] = (uint8_t)(value >> 8 * i);
}

static void finish(uint32_t at, uint32_t size, uint32_t checksum)
{
	uint8_t sum = 0;

	for (uint32_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + memory[at + i]);
	memory[at + checksum] = (uint8_t)(memory[at + checksum] - sum);
}

#define DMAR 0x401u

/* A DMAR of 46 bits: one unit for all devices, and an RMRR of function 00:02.0. */
static void make_dmar(void)
{
	memcpy(memory + DMAR, "DMAR", 4);
	put32(DMAR + 4, 48 + 16 + 32);
	memory[DMAR + 36] = 45;
	put32(DMAR + 48, 16 << 16);
	memory[DMAR + 52] = 1;
	put32(DMAR + 56, 0xfed90000);
	put32(DMAR + 64, 32 << 16 | 1);
	put32(DMAR + 72, 0x7d900000);
	put32(DMAR + 80, 0x7d9fffff);
	memcpy(memory + DMAR + 88, "\1\10\0\0\0\0\2\0", 8);
	finish(DMAR, 96, 9);
}

static int set_up(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	memcpy(memory + 0x100, "RSD PTR ", 8);
	put32(0x110, 0x200);
	finish(0x100, 20, 8);
	memcpy(memory + 0x200, "RSDT", 4);
	put32(0x204, 44);
	put32(0x224, 0x800);
	put32(0x228, DMAR);
	finish(0x200, 44, 9);
	memcpy(memory + 0x800, "FACP", 4);
	put32(0x804, 40);
	make_dmar();
	problems = 0;
	return 0;
}

static const void *map(void *ctx, uint64_t phys, size_t len)
{
	(void)ctx;
	return phys < sizeof(memory) && len <= sizeof(memory) - phys ? memory + phys : NULL;
}

static void on_problem(void *ctx, const struct dmah_fw_problem *problem)
{
	(void)ctx;
	assert_non_null(problem->reason);
	problems++;
}

static int start(struct dmah_fw *fw)
{
	dmah_fw_init(fw, &(struct dmah_fw_config){ .problem = on_problem });
	return dmah_fw_add_acpi(fw, 0x100, map);
}

static void from_root_pointer(void **state)
{
	struct dmah_fw_unit unit;
	struct dmah_fw fw;

	(void)state;
	assert_int_equal(start(&fw), DMAH_OK);
	assert_int_equal(dmah_fw_unit(&fw, 0, &unit), DMAH_OK);
	assert_true(unit.kind == DMAH_FW_VTD && unit.base == 0xfed90000 && unit.phys_bits == 46);
	assert_int_equal(dmah_fw_unit(&fw, 1, &unit), DMAH_ENODEV);
	assert_int_equal(problems, 0);
	/* The same table a second time, and bytes that are no table. */
	assert_int_equal(dmah_fw_add(&fw, memory + DMAR, 96), DMAH_EBUSY);
	assert_int_equal(dmah_fw_add(&fw, memory, 36), DMAH_ENOTSUP);
}

static void broken_root(void **state)
{
	struct dmah_fw_unit unit;
	struct dmah_fw fw;

	(void)state;
	memory[0x105]++;
	assert_int_equal(start(&fw), DMAH_EINVAL);
	memory[0x105]--;
	put32(0x204, 0xffffffff);
	assert_int_equal(start(&fw), DMAH_EINVAL);
	set_up(NULL);
	memory[DMAR + 60]++;
	assert_int_equal(start(&fw), DMAH_EINVAL);
	assert_int_equal(problems, 1);
	/* A table with an error is not used. */
	assert_int_equal(dmah_fw_unit(&fw, 0, &unit), DMAH_ENODEV);
}

static volatile void *map_registers(void *ctx, uint64_t base, uint64_t size)
{
	assert_true((base == 0xfed90000 || base == 0x3010000 || !base) && size == 4096);
	return ctx;
}

static void driver_configuration(void **state)
{
	struct dmah_fw_setup setup = { .map = map_registers, .ctx = memory };
	struct dmah_fw_unit unit;
	struct dmah_fw fw;

	(void)state;
	assert_int_equal(start(&fw), DMAH_OK);
	assert_int_equal(dmah_fw_unit(&fw, 0, &unit), DMAH_OK);
	assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_OK);
	assert_true(setup.kind == DMAH_FW_VTD && setup.vtd.phys_bits == 46);
	assert_ptr_equal((const void *)(uintptr_t)setup.vtd.regs, memory);
	/* RISC-V: a platform device with a wire, and a function whose BAR the caller fills in. */
	unit = (struct dmah_fw_unit){ .kind = DMAH_FW_RISCV,
				      .flags = DMAH_FW_MMIO | DMAH_FW_NONCOHERENT,
				      .base = 0x3010000,
				      .irq = { 36 } };
	assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_OK);
	assert_true(setup.kind == DMAH_FW_RISCV && setup.riscv.wired);
	assert_int_equal(setup.riscv.walks, DMAH_WALKS_NONCOHERENT);
	assert_ptr_equal((const void *)(uintptr_t)setup.riscv.regs, memory);
	unit.flags = DMAH_FW_PCI;
	assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_ENODEV);
	unit.flags |= DMAH_FW_MMIO;
	assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_OK);
	assert_false(setup.riscv.wired);
	setup.ctx = NULL;
	assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_ENOMEM);
	/* virtio-iommu: the transport is the caller's. */
	unit = (struct dmah_fw_unit){ .kind = DMAH_FW_VIRTIO, .flags = DMAH_FW_PCI, .bdf = 8 };
	assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_OK);
	assert_true(setup.kind == DMAH_FW_VIRTIO && setup.viommu.name && !setup.riscv.regs);
	unit.kind = (enum dmah_fw_kind)99;
	assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_ENOTSUP);
}

/* ---- AMD ---- */

#define IVRS	   0x601u
#define IVHD	   (IVRS + 48)
#define CAPABILITY 0x0503000fu

/* A unit with all kinds of entries that have a setting. */
static uint32_t make_ivrs(void)
{
	static const uint8_t entries[] = {
		0x03, 0x08, 0x00, 0x01, /* a range: 00:01.0 */
		0x04, 0xfe, 0x00, 0x00, /* to 00:1f.6 */
		0x00, 0x00, 0x00, 0xff, /* padding */
		0x02, 0x20, 0x00, 0x82, /* 00:04.0, again: the last entry counts */
		0x42, 0x00, 0x02, 0x04,
		0x00, 0xf0, 0x01, 0x00, /* 02:00.0 as 01:1e.0 */
		0x48, 0x00, 0x00, 0xd7,
		0x05, 0xa0, 0x00, 0x01, /* the IOAPIC with id 5, as 00:14.0 */
	};
	uint32_t size = 24 + sizeof(entries);

	memcpy(memory + IVRS, "IVRS", 4);
	put32(IVRS + 4, 48 + size);
	put32(IVRS + 36, 0x00203040);
	put32(IVHD, size << 16 | 0x3910);
	put32(IVHD + 4, 0x40u << 16 | 2);
	put32(IVHD + 8, 0xfeb80000);
	memcpy(memory + IVHD + 24, entries, sizeof(entries));
	finish(IVRS, 48 + size, 9);
	return 48 + size;
}

static volatile void *map_amd(void *ctx, uint64_t base, uint64_t size)
{
	assert_true(base == 0xfeb80000 && size == 0x4000);
	return ctx;
}

static bool read_pci(void *ctx, uint16_t segment, uint16_t bdf, uint16_t reg, uint32_t *value)
{
	(void)ctx;
	*value = segment == 0 && bdf == 2 && reg == 0x40 ? CAPABILITY : ~0u;
	return *value != ~0u;
}

static void amd_configuration(void **state)
{
	static const struct {
		uint16_t id;
		uint8_t setting;
	} of[] = { { 0x00, 0 },	   { 0x08, 1 },	    { 0xfe, 1 },     { 0xff, 0 },
		   { 0x20, 0x82 }, { 0x200, 0x04 }, { 0x1f0, 0x04 }, { 0xa0, 0xd7 } };
	struct dmah_fw_setup setup = { .map = map_amd, .ctx = memory };
	struct dmah_fw_unit unit;
	struct dmah_fw fw;

	(void)state;
	for (unsigned int reads = 0; reads < 2; reads++) {
		dmah_fw_init(&fw, &(struct dmah_fw_config){ .problem = on_problem,
							    .pci_read = reads ? read_pci : NULL });
		assert_int_equal(dmah_fw_add(&fw, memory + IVRS, make_ivrs()), DMAH_OK);
		memory[IVRS + 9] = 0;
		assert_int_equal(dmah_fw_unit(&fw, 0, &unit), DMAH_OK);
		assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_OK);
		assert_int_equal(setup.kind, DMAH_FW_AMDVI);
		assert_ptr_equal((const void *)(uintptr_t)setup.amdvi.regs, memory);
		assert_int_equal(setup.amdvi.phys_bits, 48);
		assert_int_equal(setup.amdvi.virt_bits, 64);
		assert_int_equal(setup.amdvi.ivhd_flags, 0x39);
		assert_int_equal(setup.amdvi.capability, reads ? CAPABILITY : 0);
		for (unsigned int i = 0; i < sizeof(of) / sizeof(of[0]); i++)
			assert_int_equal(setup.amdvi.setting(setup.amdvi.setting_ctx, of[i].id),
					 of[i].setting);
	}
	setup.ctx = NULL;
	assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_ENOMEM);
#define IORT 0x900u
}

static void put64(uint32_t at, uint64_t value)
{
	put32(at, (uint32_t)value);
	put32(at + 4, (uint32_t)(value >> 32));
}

/* An IORT of an SMMUv3 of a model, and an RMR node with two mappings: streams 0x20 to 0x23, and stream 0x31 alone. */
static void make_iort(uint32_t model)
{
	uint32_t at = IORT + 48;

	memcpy(memory + IORT, "IORT", 4);
	put32(IORT + 4, 48 + 68 + 28 + 40 + 20);
	put32(IORT + 36, 2);
	put32(IORT + 40, 48);
	memory[at] = 4;
	memory[at + 1] = 68;
	put64(at + 16, 0x9050000);
	put32(at + 24, 1); /* COHACC override */
	put32(at + 40, model);
	at += 68;
	memory[at] = 6;
	memory[at + 1] = 28 + 40 + 20;
	put32(at + 8, 2);
	put32(at + 12, 28);
	put32(at + 20, 1);
	put32(at + 24, 68);
	put32(at + 28 + 4, 3);
	put32(at + 28 + 8, 0x20);
	put32(at + 28 + 12, 48);
	put32(at + 48 + 8, 0x31);
	put32(at + 48 + 12, 48);
	put32(at + 48 + 16, 1);
	put64(at + 68, 0x80000000);
	put64(at + 76, 0x100000);
	finish(IORT, 48 + 68 + 28 + 40 + 20, 9);
}

static uint64_t mapped;

static volatile void *map_smmu(void *ctx, uint64_t base, uint64_t size)
{
	assert_true(base == 0x9050000);
	mapped = size;
	return ctx;
}

/* The model, COHACC's override and the streams that firmware left running reach the driver's configuration. */
static void smmu_configuration(void **state)
{
	(void)state;
	for (uint32_t model = 0; model < 3; model++) {
		struct dmah_fw_setup setup = { .map = map_smmu, .ctx = memory };
		struct dmah_fw_unit unit;
		struct dmah_fw fw;

		memset(memory + IORT, 0, 0x200);
		make_iort(model);
		dmah_fw_init(&fw, &(struct dmah_fw_config){ .problem = on_problem });
		assert_int_equal(dmah_fw_add(&fw, memory + IORT, 0x200), DMAH_OK);
		assert_int_equal(problems, 0);
		assert_int_equal(dmah_fw_unit(&fw, 0, &unit), DMAH_OK);
		assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_OK);
		assert_int_equal(setup.kind, DMAH_FW_SMMUV3);
		assert_int_equal(setup.smmuv3.model, model);
		assert_int_equal(setup.smmuv3.walks, DMAH_WALKS_COHERENT);
		/* Cavium's has no page 1. */
		assert_int_equal(mapped, model == 2 ? 0x10000 : 0x20000);
		assert_int_equal(setup.smmuv3.nbypass, 2);
		assert_true(setup.smmuv3.bypass[0].sid == 0x20 &&
			    setup.smmuv3.bypass[0].count == 4);
		assert_true(setup.smmuv3.bypass[1].sid == 0x31 &&
			    setup.smmuv3.bypass[1].count == 1);
	}
}

/* ---- SMMUv1 and SMMUv2 ---- */

static void smmuv2_configuration(void **state)
{
	static const enum dmah_smmuv2_model models[] = { DMAH_SMMUV2_V1,     DMAH_SMMUV2_V2,
							 DMAH_SMMUV2_MMU400, DMAH_SMMUV2_MMU500,
							 DMAH_SMMUV2_MMU401, DMAH_SMMUV2_THUNDERX,
							 DMAH_SMMUV2_GENERIC };

	(void)state;
	for (uint32_t model = 0; model < 7; model++) {
		struct dmah_fw_setup setup = { .map = map_smmu, .ctx = memory };
		struct dmah_fw_unit unit;
		struct dmah_fw fw;

		memset(memory + IORT, 0, 0x200);
		make_iort(0);
		/* The node of the SMMUv3 becomes one of an SMMUv2: span, model, flags. */
		memory[IORT + 48] = 3;
		put64(IORT + 48 + 24, 0x40000);
		put32(IORT + 48 + 32, model);
		put32(IORT + 48 + 36, model & 1 ? 2 : 0);
		put32(IORT + 48 + 40, 0);
		memory[IORT + 9] = 0;
		finish(IORT, 48 + 68 + 28 + 40 + 20, 9);
		dmah_fw_init(&fw, &(struct dmah_fw_config){ .problem = on_problem });
		assert_int_equal(dmah_fw_add(&fw, memory + IORT, 0x200), DMAH_OK);
		assert_int_equal(dmah_fw_unit(&fw, 0, &unit), DMAH_OK);
		assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_OK);
		assert_int_equal(setup.kind, DMAH_FW_SMMUV2);
		assert_int_equal(setup.smmuv2.model, models[model]);
		assert_int_equal(setup.smmuv2.walks,
				 model & 1 ? DMAH_WALKS_COHERENT : DMAH_WALKS_NONCOHERENT);
		assert_int_equal(mapped, 0x40000);
		assert_int_equal(setup.smmuv2.nbypass, 2);
		assert_true(setup.smmuv2.bypass[1].sid == 0x31 &&
			    setup.smmuv2.bypass[1].count == 1);
		assert_null(setup.smmuv3.regs);
		setup.ctx = NULL;
		assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_ENOMEM);
	}
}

/* ---- a device tree ---- */

#define TREE 0x2000u

/** struct tree - a flattened tree while it is written: @at, @names: the ends of its blocks. */
struct tree {
	uint32_t at;
	uint32_t names;
};

static void put_be(uint32_t at, uint32_t value)
{
	for (unsigned int i = 0; i < 4; i++)
		memory[at + i] = (uint8_t)(value >> (24 - 8 * i));
}

static void cell(struct tree *t, uint32_t value)
{
	put_be(t->at, value);
	t->at += 4;
}

static void begin(struct tree *t, const char *name)
{
	cell(t, 1);
	strcpy((char *)memory + t->at, name);
	t->at += (uint32_t)(strlen(name) / 4 + 1) * 4;
}

static void property(struct tree *t, const char *name, const void *value, uint32_t size)
{
	cell(t, 3);
	cell(t, size);
	cell(t, t->names - (TREE + 0x800));
	strcpy((char *)memory + t->names, name);
	t->names += (uint32_t)strlen(name) + 1;
	memcpy(memory + t->at, value, size);
	t->at += (size + 3) & ~3u;
}

static void cells_of(struct tree *t, const char *name, const uint32_t *value, uint32_t n)
{
	uint8_t bytes[64];

	for (uint32_t i = 0; i < 4 * n; i++)
		bytes[i] = (uint8_t)(value[i / 4] >> (24 - 8 * (i % 4)));
	property(t, name, bytes, 4 * n);
}

/* A tree with one SMMU and one device that has @list for iommus. */
static void make_tree(const char *compatible, uint32_t cells, uint32_t mask, const uint32_t *list,
		      uint32_t n)
{
	struct tree t = { TREE + 56, TREE + 0x800 };
	const uint32_t head[] = { 0xd00dfeed, 0xc00, 56, 0x800, 40, 17, 16, 0, 0, 0x700 };
	const uint32_t two = 2, one = 1, reg[] = { 0, 0x9050000, 0, 0x80000 };

	memset(memory + TREE, 0, 0xc00);
	begin(&t, "");
	cells_of(&t, "#address-cells", &two, 1);
	cells_of(&t, "#size-cells", &two, 1);
	begin(&t, "iommu@9050000");
	property(&t, "compatible", compatible, (uint32_t)strlen(compatible) + 1);
	cells_of(&t, "reg", reg, 4);
	cells_of(&t, "#iommu-cells", &cells, 1);
	cells_of(&t, "phandle", &one, 1);
	if (mask)
		cells_of(&t, "stream-match-mask", &mask, 1);
	cell(&t, 2);
	begin(&t, "dma");
	cells_of(&t, "iommus", list, n);
	cell(&t, 2);
	cell(&t, 2);
	cell(&t, 9);
	for (unsigned int i = 0; i < 10; i++)
		put_be(TREE + 4 * i, head[i]);
	put_be(TREE + 32, t.names - (TREE + 0x800));
	put_be(TREE + 36, t.at - (TREE + 56));
}

/* Masks of stream ids, of a device and of all, and the model by its compatible string. */
static void stream_masks(void **state)
{
	static const uint32_t two[] = { 1, 0x10, 0x7f, 1, 0x200, 0 }, one[] = { 1, 0x10 };
	static const struct {
		const char *compatible;
		enum dmah_smmuv2_model model;
		uint32_t cells;
		uint32_t mask;
		uint32_t ids[2];
	} of[] = {
		{ "arm,mmu-500", DMAH_SMMUV2_MMU500, 2, 0, { 0x7f0010, 0x200 } },
		{ "arm,smmu-v1", DMAH_SMMUV2_V1, 1, 0, { 0x10 } },
		{ "arm,mmu-401", DMAH_SMMUV2_MMU401, 1, 0x7f80, { 0x7f800010 } },
	};

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct dmah_fw_setup setup = { .map = map_smmu, .ctx = memory };
		struct dmah_fw_device device;
		struct dmah_fw fw;

		make_tree(of[i].compatible, of[i].cells, of[i].mask, of[i].cells == 2 ? two : one,
			  of[i].cells == 2 ? 6 : 2);
		dmah_fw_init(&fw, &(struct dmah_fw_config){ .problem = on_problem });
		assert_int_equal(dmah_fw_add(&fw, memory + TREE, 0xc00), DMAH_OK);
		assert_int_equal(dmah_fw_device(&fw,
						&(struct dmah_fw_requester){ .what = DMAH_FW_NAMED,
									     .name = "/dma" },
						&device),
				 DMAH_OK);
		assert_int_equal(device.nids, of[i].cells);
		for (unsigned int k = 0; k < device.nids; k++)
			assert_int_equal(device.ids[k], of[i].ids[k]);
		assert_int_equal(dmah_fw_setup(&fw, &device.unit, &setup), DMAH_OK);
		assert_int_equal(setup.smmuv2.model, of[i].model);
		assert_int_equal(setup.smmuv2.walks, DMAH_WALKS_NONCOHERENT);
		assert_int_equal(setup.smmuv2.nbypass, 0);
		assert_int_equal(mapped, 0x80000);
	}
}

/* An SMMU behind the RMR node, to which its mappings lead. */
static void make_two_smmus(void)
{
	uint32_t rmr = IORT + 48 + 68, at = rmr + 88;

	memset(memory + IORT, 0, 0x200);
	make_iort(0);
	memcpy(memory + at, memory + IORT + 48, 68);
	put64(at + 16, 0x9060000);
	put32(rmr + 28 + 12, at - IORT);
	put32(rmr + 48 + 12, at - IORT);
	put32(IORT + 4, 48 + 68 + 88 + 68);
	put32(IORT + 36, 3);
	memory[IORT + 9] = 0;
	finish(IORT, 48 + 68 + 88 + 68, 9);
}

/* RMR nodes of another SMMU, and ranges without memory, leave no stream running; too many are an error. */
static void few_streams(void **state)
{
	struct dmah_fw_setup setup = { .map = map_smmu, .ctx = memory };
	struct dmah_fw_unit unit;
	struct dmah_fw fw;
	uint32_t rmr = IORT + 48 + 68;

	(void)state;
	make_iort(0);
	put64(rmr + 76, 0);
	memory[IORT + 9] = 0;
	finish(IORT, 204, 9);
	dmah_fw_init(&fw, &(struct dmah_fw_config){ .problem = on_problem });
	assert_int_equal(dmah_fw_add(&fw, memory + IORT, 0x200), DMAH_OK);
	assert_int_equal(dmah_fw_unit(&fw, 0, &unit), DMAH_OK);
	assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_OK);
	assert_int_equal(setup.smmuv3.nbypass, 0);
	/* The mappings lead to the second of two SMMUs. */
	make_two_smmus();
	dmah_fw_init(&fw, &(struct dmah_fw_config){ .problem = on_problem });
	assert_int_equal(dmah_fw_add(&fw, memory + IORT, 0x200), DMAH_OK);
	for (unsigned int n = 0; n < 2; n++) {
		assert_int_equal(dmah_fw_unit(&fw, n, &unit), DMAH_OK);
		unit.base = 0x9050000;
		assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_OK);
		assert_int_equal(setup.smmuv3.nbypass, n ? 2 : 0);
	}
	/* 17 mappings of one stream each. */
	memset(memory + IORT, 0, 0x300);
	make_iort(0);
	memory[rmr + 1] = (28 + 17 * 20 + 20) & 0xff;
	memory[rmr + 2] = (28 + 17 * 20 + 20) >> 8;
	put32(IORT + 4, 48 + 68 + 28 + 17 * 20 + 20);
	put32(rmr + 8, 17);
	put32(rmr + 24, 28 + 17 * 20);
	for (uint32_t i = 0; i < 17; i++) {
		put32(rmr + 28 + 20 * i, 0);
		put32(rmr + 28 + 20 * i + 4, 0);
		put32(rmr + 28 + 20 * i + 8, 0x40 + i);
		put32(rmr + 28 + 20 * i + 12, 48);
		put32(rmr + 28 + 20 * i + 16, 1);
	}
	put64(rmr + 28 + 17 * 20, 0x80000000);
	put64(rmr + 28 + 17 * 20 + 8, 0x100000);
	memory[IORT + 9] = 0;
	finish(IORT, 48 + 68 + 28 + 17 * 20 + 20, 9);
	problems = 0;
	dmah_fw_init(&fw, &(struct dmah_fw_config){ .problem = on_problem });
	assert_int_equal(dmah_fw_add(&fw, memory + IORT, 0x300), DMAH_OK);
	assert_int_equal(dmah_fw_unit(&fw, 0, &unit), DMAH_OK);
	assert_int_equal(dmah_fw_setup(&fw, &unit, &setup), DMAH_ENOSPC);
	assert_int_equal(setup.smmuv3.nbypass, 16);
	assert_int_equal(problems, 0);
}

static void device_for_attach(void **state)
{
	struct dmah_fw_requester who = { .bdf = 0x10 };
	struct dmah_fw_device d;
	struct dmah_fw fw;

	(void)state;
	assert_int_equal(start(&fw), DMAH_OK);
	assert_int_equal(dmah_fw_device(&fw, &who, &d), DMAH_OK);
	assert_true(d.nids == 1 && d.ids[0] == 0x10 && d.nreserved == 2);
	assert_true(d.reserved[0].base == 0x7d900000 && d.reserved[0].size == 0x100000);
	assert_true(d.reserved[0].identity && d.reserved[0].dir == DMAH_BIDIRECTIONAL);
	/* The window of interrupts is not mapped. */
	assert_true(d.reserved[1].base == 0xfee00000 && !d.reserved[1].identity);
	who.segment = 1;
	assert_int_equal(dmah_fw_device(&fw, &who, &d), DMAH_ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(from_root_pointer, set_up),
		cmocka_unit_test_setup(broken_root, set_up),
		cmocka_unit_test_setup(driver_configuration, set_up),
		cmocka_unit_test_setup(amd_configuration, set_up),
		cmocka_unit_test_setup(device_for_attach, set_up),
		cmocka_unit_test_setup(smmu_configuration, set_up),
		cmocka_unit_test_setup(smmuv2_configuration, set_up),
		cmocka_unit_test_setup(stream_masks, set_up),
		cmocka_unit_test_setup(few_streams, set_up),
	};

	return cmocka_run_group_tests_name("fw-api", tests, NULL, NULL);
}
