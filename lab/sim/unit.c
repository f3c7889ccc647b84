/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* ---- registers ---- */

static uint64_t window_read(void *ctx, uint64_t reg, unsigned int size)
{
	struct sim_unit *u = ctx;
	uint64_t value;

	sim_lock(&u->iommu->lock);
	if (sim_inject_register(u->iommu)) {
		value = size == 8 ? UINT64_MAX : UINT32_MAX;
	} else {
		value = u->model->read(u, reg);
		if (size == 8)
			value |= (uint64_t)u->model->read(u, reg + 4) << 32;
	}
	sim_unlock(&u->iommu->lock);
	return value;
}

static void window_write(void *ctx, uint64_t reg, unsigned int size, uint64_t value)
{
	struct sim_unit *u = ctx;

	sim_lock(&u->iommu->lock);
	if (!sim_inject_register(u->iommu))
		u->model->write(u, reg, size, value);
	sim_unlock(&u->iommu->lock);
}

/* ---- a unit's life ---- */

void *sim_unit_alloc(struct sim *sim, unsigned int n, const struct sim_unit_model *model)
{
	struct sim_iommu *iommu = sim_iommu(sim, n);
	struct sim_unit *u;

	if (!iommu || iommu->has_registers || iommu->config.flavour != model->flavour)
		return NULL;
	u = calloc(1, model->size);
	if (!u)
		return NULL;
	u->iommu = iommu;
	u->model = model;
	return u;
}

void *sim_unit_start(void *unit, uint64_t size)
{
	struct sim_unit *u = unit;

	if (size)
		u->regs = sim_regs_add(u->iommu->sim, size, u, window_read, window_write);
	if ((size && !u->regs) || !sim_iommu_set_interface(u->iommu, &u->model->interface, u)) {
		free(u);
		return NULL;
	}
	if (u->model->reset)
		u->model->reset(u);
	return u;
}

void sim_unit_power_on(void *unit)
{
	struct sim_unit *u = unit;

	memset((char *)unit + u->model->kept, 0, u->model->size - u->model->kept);
	if (u->model->reset)
		u->model->reset(u);
}

void sim_unit_hold(struct sim_unit *u, bool hold)
{
	sim_lock(&u->iommu->lock);
	u->held = hold;
	u->model->interface.run(u);
	sim_unlock(&u->iommu->lock);
}

void sim_unit_copy(struct sim_unit *u, void *to, const void *from, size_t size)
{
	sim_lock(&u->iommu->lock);
	memcpy(to, from, size);
	sim_unlock(&u->iommu->lock);
}

/* ---- effects of commands ---- */

void sim_unit_forget_contexts(const struct sim_unit *u, bool all, uint32_t id)
{
	for (struct sim_device *dev = u->iommu->sim->devices; dev; dev = dev->next)
		if (dev->iommu == u->iommu && (all || dev->config.id == id))
			dev->known = false;
}

void sim_unit_forget_tables(const struct sim_unit *u)
{
	u->iommu->psc = (struct sim_psc){ .count = 0 };
	sim_tlb_fini(&u->iommu->tlb);
}

unsigned int sim_unit_order(uint64_t addr, bool s)
{
	unsigned int order = 0;

	if (!s)
		return 0;
	while (order < 51 && addr >> (12 + order) & 1)
		order++;
	return order + 1;
}

void sim_unit_range(struct sim_command *c, uint64_t addr, unsigned int order)
{
	c->size = order < 52 ? 4096ull << order : 0;
	c->iova = order < 52 ? addr & ~0xfffull & ~(c->size - 1) : 0;
}

bool sim_unit_device_tlb(const struct sim_unit *u, uint32_t id, uint64_t addr, unsigned int order)
{
	struct sim_command c = { .kind = SIM_COMMAND_DEV_TLB, .target = id };

	if (sim_inject_no_answer(u->iommu, id))
		return false;
	sim_unit_range(&c, addr, order);
	sim_iommu_execute(u->iommu, &c);
	return true;
}
