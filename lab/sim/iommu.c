/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* An IOMMU's hardware below its registers: the effect of commands, page-table walks, counters. */
#include "sim_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim_device *sim_iommu_device(struct sim_iommu *iommu, uint32_t id)
{
	for (struct sim_device *dev = iommu->sim->devices; dev; dev = dev->next)
		if (dev->iommu == iommu && dev->config.id == id)
			return dev;
	return NULL;
}

/* ---- commands ---- */

void sim_iommu_execute(struct sim_iommu *iommu, const struct sim_command *c)
{
	struct sim_device *dev;

	iommu->stats.executed++;
	if (c->kind == SIM_COMMAND_TLB) {
		if (c->tables || !c->size)
			sim_psc_invalidate(&iommu->psc, c->target, c->iova, c->size);
		sim_tlb_invalidate(&iommu->tlb, c->target, c->iova, c->size, NULL, NULL);
		return;
	}
	dev = sim_iommu_device(iommu, c->target);
	if (!dev)
		return;
	if (c->kind == SIM_COMMAND_CONTEXT)
		dev->known = false;
	else
		sim_tlb_invalidate(&dev->tlb, 0, c->iova, c->size, sim_dev_retranslate, dev);
}

/* ---- reading tables ---- */

enum sim_reason sim_walk(const struct sim_mem *mem, const struct sim_table *table, uint64_t iova,
			 struct sim_walk *walk)
{
	switch (table->format) {
	case SIM_FORMAT_VTD_FS:
		return sim_walk_vtd_fs(mem, table, iova, walk);
	case SIM_FORMAT_AMD:
		return sim_walk_amd(mem, table, iova, walk);
	case SIM_FORMAT_LPAE_S1:
	case SIM_FORMAT_LPAE_S2:
		return sim_walk_lpae(mem, table, iova, walk);
	case SIM_FORMAT_RISCV:
		return sim_walk_riscv(mem, table, iova, walk);
	case SIM_FORMAT_ARM_SHORT:
		return sim_walk_arm_short(mem, table, iova, walk);
	default:
		return sim_walk_vtd(mem, table, iova, walk);
	}
}

bool sim_present(const struct sim_table *table, uint64_t entry)
{
	return entry & (table->format == SIM_FORMAT_VTD_SS ? 3 : 1);
}

struct sim_table sim_iommu_table(const struct sim_iommu *iommu, const struct dmah_pt_info *pt)
{
	struct sim_table t = iommu->hw;

	t.root = pt->root;
	t.levels = pt->levels;
	t.va_bits = pt->va_bits;
	return t;
}

enum sim_reason sim_iommu_lookup(struct sim_iommu *iommu, const struct sim_table *table,
				 uint64_t iova, struct sim_walk *walk)
{
	enum sim_reason reason;

	walk->code = 0;
	walk->out = 0;
	walk->shift = 12;
	walk->perm = 0;
	reason = sim_walk(&iommu->mem, table, iova, walk);
	__atomic_fetch_add(&iommu->stats.walks, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&iommu->stats.walk_steps, walk->steps, __ATOMIC_RELAXED);
	return reason;
}

enum sim_reason sim_iommu_walk(struct sim_iommu *iommu, const struct dmah_pt_info *pt,
			       dmah_addr_t iova, struct sim_leaf *leaf, uint64_t *steps)
{
	struct sim_table table = sim_iommu_table(iommu, pt);
	struct sim_walk walk = { .from = { 0, 0, 0 } };
	enum sim_reason reason = sim_iommu_lookup(iommu, &table, iova, &walk);

	if (steps)
		*steps += walk.steps;
	if (leaf && !reason)
		*leaf = (struct sim_leaf){ .iova = iova >> walk.shift << walk.shift,
					   .phys = walk.out,
					   .shift = walk.shift,
					   .perm = walk.perm };
	return reason;
}

static int each(struct sim_iommu *iommu, const struct sim_table *table, const struct sim_step *at,
		uint64_t base, int (*fn)(void *ctx, const struct sim_leaf *leaf), void *ctx)
{
	unsigned int shift = 12 + 9 * (at->level - 1), n = 512;
	uint64_t entry;
	int ret = 0;

	if (at->level == table->levels && table->va_bits - shift < 9)
		n = 1u << (table->va_bits - shift);
	for (unsigned int i = 0; i < n && !ret; i++) {
		uint64_t iova = base + ((uint64_t)i << shift);
		struct sim_walk walk = { .from = *at };
		struct sim_leaf leaf = { .iova = iova };
		enum sim_reason reason;

		if (sim_mem_load(&iommu->mem, at->table + i * 8, &entry) &&
		    !sim_present(table, entry))
			continue;
		reason = sim_iommu_lookup(iommu, table, iova, &walk);
		if (walk.ntrail > 1) {
			ret = each(iommu, table, &walk.trail[1], iova, fn, ctx);
			continue;
		}
		if (!reason) {
			leaf.phys = walk.out;
			leaf.shift = walk.shift;
			leaf.perm = walk.perm;
		}
		ret = fn(ctx, &leaf);
	}
	return ret;
}

int sim_iommu_each(struct sim_iommu *iommu, const struct dmah_pt_info *pt,
		   int (*fn)(void *ctx, const struct sim_leaf *leaf), void *ctx)
{
	struct sim_table table = sim_iommu_table(iommu, pt);
	struct sim_step root = { .table = table.root,
				 .perm = SIM_PERM_READ | SIM_PERM_WRITE,
				 .level = table.levels };

	return each(iommu, &table, &root, 0, fn, ctx);
}

/* ---- settings, counters ---- */

const struct sim_iommu_config *sim_iommu_config(const struct sim_iommu *iommu)
{
	return &iommu->config;
}

void sim_iommu_set_tlb(struct sim_iommu *iommu, unsigned int entries, uint64_t seed)
{
	sim_lock(&iommu->lock);
	sim_tlb_set_limit(&iommu->tlb, entries, seed);
	for (struct sim_device *dev = iommu->sim->devices; dev; dev = dev->next)
		if (dev->iommu == iommu)
			sim_tlb_set_limit(&dev->tlb, entries, seed + dev->config.id + 1);
	sim_unlock(&iommu->lock);
}

void sim_iommu_stats(struct sim_iommu *iommu, struct sim_iommu_stats *stats)
{
	sim_lock(&iommu->lock);
	*stats = iommu->stats;
	stats->walks = __atomic_load_n(&iommu->stats.walks, __ATOMIC_RELAXED);
	stats->walk_steps = __atomic_load_n(&iommu->stats.walk_steps, __ATOMIC_RELAXED);
	stats->iotlb_entries = iommu->tlb.count;
	for (struct sim_device *dev = iommu->sim->devices; dev; dev = dev->next)
		if (dev->iommu == iommu)
			stats->dev_tlb_hits += dev->tlb_hits;
	sim_unlock(&iommu->lock);
}

/* ---- set-up ---- */

static void set_defaults(struct sim_iommu *iommu)
{
	struct sim_iommu_config *c = &iommu->config;

	if (!c->va_bits)
		c->va_bits = 48;
	if (!c->out_bits)
		c->out_bits = c->flavour == SIM_VTD				  ? 46
			      : c->flavour == SIM_AMD || c->flavour == SIM_VIRTIO ? 52
										  : 48;
	if (!c->tags)
		c->tags = 255;
	if (!c->queue)
		c->queue = 256;
	if (!c->timeout)
		c->timeout = 1000000000;
}

static enum sim_format format_of(const struct sim_iommu_config *config)
{
	/* A hypervisor's own tables have a format that the driver does not see. */
	if (config->flavour == SIM_VIRTIO)
		return SIM_FORMAT_VTD_SS;
	if (config->flavour == SIM_VTD)
		return config->first_stage ? SIM_FORMAT_VTD_FS : SIM_FORMAT_VTD_SS;
	if (config->flavour == SIM_AMD)
		return SIM_FORMAT_AMD;
	if (config->flavour == SIM_RISCV)
		return SIM_FORMAT_RISCV;
	if (config->short_descriptors)
		return SIM_FORMAT_ARM_SHORT;
	return config->stage2 ? SIM_FORMAT_LPAE_S2 : SIM_FORMAT_LPAE_S1;
}

struct sim_iommu *sim_iommu_create(struct sim *sim, const struct sim_iommu_config *config,
				   unsigned int index)
{
	struct sim_iommu *iommu = calloc(1, sizeof(*iommu));

	if (!iommu)
		return NULL;
	iommu->sim = sim;
	iommu->config = *config;
	set_defaults(iommu);
	snprintf(iommu->name, sizeof(iommu->name), "iommu%u", index);
	iommu->hw = (struct sim_table){ .format = format_of(&iommu->config),
					.va_bits = iommu->config.va_bits,
					.out_bits = iommu->config.out_bits,
					.no_2m = iommu->config.no_2m,
					.no_1g = iommu->config.no_1g,
					.software_bits = true };
	iommu->mem = (struct sim_mem){ .ram = &sim->ram,
				       .cache = sim->config.cache ? &sim->cache : NULL,
				       .coherent = !iommu->config.noncoherent_walk };
	return iommu;
}

bool sim_iommu_set_interface(struct sim_iommu *iommu, const struct sim_interface *interface,
			     void *unit)
{
	if (iommu->has_registers)
		return false;
	iommu->interface = interface;
	iommu->unit = unit;
	iommu->has_registers = true;
	iommu->off = true;
	return true;
}

void sim_iommu_destroy(struct sim_iommu *iommu)
{
	if (!iommu)
		return;
	if (iommu->has_registers && iommu->interface->destroy)
		iommu->interface->destroy(iommu->unit);
	sim_tlb_fini(&iommu->tlb);
	if (iommu->has_registers)
		free(iommu->unit);
	free(iommu);
}
