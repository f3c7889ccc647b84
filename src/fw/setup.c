/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * From a table's terms to those of the library: configurations of drivers, ids and ranges of a device.
 */
#include "fw/table.h"

/* VT-d: registers, fault records and the IOTLB registers are in the first pages of a unit; old tables do not say how many. */
#define VTD_REGS 0x1000u
/* The smallest SMMUv2 has 16 pages; tables that say less are old ones. */
#define SMMUV2_REGS 0x10000u

static bool map_registers(const struct dmah_fw_setup *setup, const struct dmah_fw_unit *unit,
			  uint64_t least, volatile void **regs)
{
	uint64_t size = unit->size > least ? unit->size : least;

	if (setup->map)
		*regs = setup->map(setup->ctx, unit->base, size);
	else
		*regs = unit->base > UINTPTR_MAX ? NULL : (volatile void *)(uintptr_t)unit->base;
	return *regs;
}

static enum dmah_walks walks_of(const struct dmah_fw_unit *unit)
{
	if (unit->flags & DMAH_FW_COHERENT)
		return DMAH_WALKS_COHERENT;
	return unit->flags & DMAH_FW_NONCOHERENT ? DMAH_WALKS_NONCOHERENT : DMAH_WALKS_AS_REPORTED;
}

/* The first word of the capability block; 0 where configuration space cannot be read. */
static uint32_t capability_of(const struct dmah_fw *fw, const struct dmah_fw_unit *unit)
{
	uint32_t value;

	if (!fw->config.pci_read || !unit->cap_offset || unit->cap_offset & 3 ||
	    !fw->config.pci_read(fw->config.ctx, unit->segment, unit->bdf, unit->cap_offset,
				 &value))
		return 0;
	return value == ~0u ? 0 : value;
}

static uint8_t setting_of(void *ctx, uint16_t id)
{
	const struct dmah_fw_setup *setup = ctx;

	return dmah_fw_ivrs_setting(setup->fw, &setup->unit, id);
}

static void set_amdvi(const struct dmah_fw *fw, const struct dmah_fw_unit *unit,
		      volatile void *regs, struct dmah_fw_setup *setup)
{
	setup->fw = fw;
	setup->unit = *unit;
	setup->amdvi = (struct dmah_amdvi_config){
		.regs = regs,
		.name = dmah_fw_kind_name(unit->kind),
		.capability = capability_of(fw, unit),
		.ivhd_flags = unit->hw_flags,
		.phys_bits = unit->phys_bits > 52 ? 52 : unit->phys_bits,
		.virt_bits = unit->virt_bits,
		.setting = setting_of,
		.setting_ctx = setup,
	};
}

/* An implementation without page 1 of registers has nothing of its own behind page 0. */
static uint64_t smmuv3_registers(const struct dmah_fw_unit *unit)
{
	bool page0 = unit->table == DMAH_FW_IORT && unit->hw_info == DMAH_SMMUV3_CN99XX;

	return page0 ? unit->size : DMAH_SMMUV3_REGS;
}

static int set_smmuv3(const struct dmah_fw *fw, const struct dmah_fw_unit *unit,
		      struct dmah_fw_setup *setup)
{
	unsigned int streams = 0;
	volatile void *regs;

	if (!map_registers(setup, unit, smmuv3_registers(unit), &regs))
		return DMAH_ENOMEM;
	if (unit->table == DMAH_FW_IORT) {
		setup->smmuv3.model = (enum dmah_smmuv3_model)unit->hw_info;
		streams = dmah_fw_iort_running(&fw->tables[DMAH_FW_IORT], unit->offset,
					       setup->bypass, DMAH_FW_BYPASS);
	}
	setup->smmuv3.regs = regs;
	setup->smmuv3.name = dmah_fw_kind_name(unit->kind);
	setup->smmuv3.walks = walks_of(unit);
	setup->smmuv3.bypass = setup->bypass;
	setup->smmuv3.nbypass = streams < DMAH_FW_BYPASS ? streams : DMAH_FW_BYPASS;
	return streams > DMAH_FW_BYPASS ? DMAH_ENOSPC : DMAH_OK;
}

/* IORT, table of the SMMUv1 and SMMUv2 node. A device tree's unit has the driver's own numbers. */
static enum dmah_smmuv2_model smmuv2_model(const struct dmah_fw_unit *unit)
{
	static const enum dmah_smmuv2_model models[] = { DMAH_SMMUV2_V1,     DMAH_SMMUV2_V2,
							 DMAH_SMMUV2_MMU400, DMAH_SMMUV2_MMU500,
							 DMAH_SMMUV2_MMU401, DMAH_SMMUV2_THUNDERX };

	if (unit->table == DMAH_FW_DT)
		return (enum dmah_smmuv2_model)unit->hw_info;
	return unit->hw_info < sizeof(models) / sizeof(models[0]) ? models[unit->hw_info]
								  : DMAH_SMMUV2_GENERIC;
}

static int set_smmuv2(const struct dmah_fw *fw, const struct dmah_fw_unit *unit,
		      struct dmah_fw_setup *setup)
{
	unsigned int streams = 0, n;
	volatile void *regs;

	if (!map_registers(setup, unit, SMMUV2_REGS, &regs))
		return DMAH_ENOMEM;
	if (unit->table == DMAH_FW_IORT)
		streams = dmah_fw_iort_running(&fw->tables[DMAH_FW_IORT], unit->offset,
					       setup->bypass, DMAH_FW_BYPASS);
	n = streams < DMAH_FW_BYPASS ? streams : DMAH_FW_BYPASS;
	for (unsigned int i = 0; i < n; i++)
		setup->bypass_v2[i] =
			(struct dmah_smmuv2_bypass){ setup->bypass[i].sid, setup->bypass[i].count };
	setup->smmuv2.regs = regs;
	setup->smmuv2.name = dmah_fw_kind_name(unit->kind);
	setup->smmuv2.model = smmuv2_model(unit);
	setup->smmuv2.walks = walks_of(unit);
	setup->smmuv2.bypass = setup->bypass_v2;
	setup->smmuv2.nbypass = n;
	return streams > DMAH_FW_BYPASS ? DMAH_ENOSPC : DMAH_OK;
}

int dmah_fw_setup(const struct dmah_fw *fw, const struct dmah_fw_unit *unit,
		  struct dmah_fw_setup *setup)
{
	volatile void *regs;

	if (unit->flags & DMAH_FW_MIRRORED) {
		dmah_fw_warn(fw, dmah_fw_table_name(unit->table), unit->offset,
			     "the unit has several sets of registers that must be written alike, "
			     "and there is no driver for that");
		return DMAH_ENOTSUP;
	}
	setup->kind = unit->kind;
	setup->amdvi = (struct dmah_amdvi_config){ 0 };
	setup->vtd = (struct dmah_vtd_config){ 0 };
	setup->smmuv3 = (struct dmah_smmuv3_config){ 0 };
	setup->smmuv2 = (struct dmah_smmuv2_config){ 0 };
	setup->riscv = (struct dmah_riscv_config){ 0 };
	setup->viommu = (struct dmah_viommu_config){ 0 };
	switch (unit->kind) {
	case DMAH_FW_VTD:
		if (!map_registers(setup, unit, VTD_REGS, &regs))
			return DMAH_ENOMEM;
		setup->vtd.regs = regs;
		setup->vtd.name = dmah_fw_kind_name(unit->kind);
		setup->vtd.phys_bits = unit->phys_bits > 52 ? 52 : unit->phys_bits;
		return DMAH_OK;
	case DMAH_FW_AMDVI:
		if (!map_registers(setup, unit, DMAH_AMDVI_REGS, &regs))
			return DMAH_ENOMEM;
		set_amdvi(fw, unit, regs, setup);
		return DMAH_OK;
	case DMAH_FW_SMMUV3:
		return set_smmuv3(fw, unit, setup);
	case DMAH_FW_SMMUV2:
		return set_smmuv2(fw, unit, setup);
	case DMAH_FW_RISCV:
		/* A function's registers are in its BAR 0, which no table knows. */
		if (!(unit->flags & DMAH_FW_MMIO))
			return DMAH_ENODEV;
		if (!map_registers(setup, unit, DMAH_RISCV_REGS, &regs))
			return DMAH_ENOMEM;
		setup->riscv.regs = regs;
		setup->riscv.name = dmah_fw_kind_name(unit->kind);
		setup->riscv.walks = walks_of(unit);
		/* A platform device with interrupts of its own; a function has messages. */
		setup->riscv.wired = !(unit->flags & DMAH_FW_PCI) && unit->irq[0];
		return DMAH_OK;
	case DMAH_FW_VIRTIO:
		setup->viommu.name = dmah_fw_kind_name(unit->kind);
		return DMAH_OK;
	default:
		return DMAH_ENOTSUP;
	}
}

/* ---- a device ---- */

/* struct dmah_fw_device while it is filled. */
struct filling {
	struct dmah_fw_device *device;
	bool full;
	bool added; /* the last id */
};

static void set_unit(void *ctx, const struct dmah_fw_unit *unit)
{
	((struct filling *)ctx)->device->unit = *unit;
}

static void add_id(void *ctx, uint32_t id)
{
	struct filling *f = ctx;
	struct dmah_fw_device *d = f->device;

	f->added = false;
	for (unsigned int n = 0; n < d->nids; n++)
		if (d->ids[n] == id)
			return;
	f->added = d->nids < DMAH_FW_IDS;
	if (!f->added)
		f->full = true;
	else
		d->ids[d->nids++] = id;
}

static void add_mask(void *ctx, uint32_t mask)
{
	struct filling *f = ctx;
	uint32_t *id = &f->device->ids[f->device->nids - 1];

	if (f->added)
		*id = dmah_smmuv2_id(*id, mask);
}

/* x86's window of interrupts is known to the drivers of its units, and is not mapped: a reserved range. */
static void add_range(void *ctx, const struct dmah_fw_range *range)
{
	struct filling *f = ctx;
	struct dmah_fw_device *d = f->device;

	if (d->nreserved == DMAH_FW_RANGES) {
		f->full = true;
		return;
	}
	d->reserved[d->nreserved++] = (struct dmah_reserved){
		.base = range->start,
		.size = range->end - range->start + 1,
		.identity = range->kind == DMAH_FW_IDENTITY || range->map,
		.dir = range->dir,
		.mmio = range->mmio,
	};
}

static void add_flags(void *ctx, uint32_t flags)
{
	((struct filling *)ctx)->device->flags |= flags;
}

int dmah_fw_device(const struct dmah_fw *fw, const struct dmah_fw_requester *who,
		   struct dmah_fw_device *device)
{
	static const struct dmah_fw_visitor visitor = { .unit = set_unit,
							.id = add_id,
							.mask = add_mask,
							.range = add_range,
							.flags = add_flags };
	struct filling f = { .device = device };
	int err;

	*device = (struct dmah_fw_device){ 0 };
	err = dmah_fw_lookup(fw, who, &visitor, &f);
	return f.full ? DMAH_ENOSPC : err;
}
