/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Units that remap interrupts, of VT-d and AMD-Vi, on models of their registers. */
#ifndef IRQ_RIG_H
#define IRQ_RIG_H

#include <dmah/amdvi.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>
#include <dmah/irq.h>
#include <dmah/vtd.h>

#include "posix.h"
#include "../setup.h"
#include "sim.h"
#include "sim_amdvi.h"
#include "sim_inject.h"
#include "sim_vtd.h"

#define DEVICES 3u
#define IDS	0x400u
#define TIMEOUT 20000000u
#define WINDOW	0xfee00000ull

/* The device under test, another one, and one on the first one's bus. */
enum { OWN, OTHER, NEIGHBOUR };

static const uint16_t ids[DEVICES] = { 0x100, 0x208, 0x130 };

/* struct kind - a unit. @x2apic: asked for; @lacks: and not there. @no_all: of an AMD unit. */
struct kind {
	bool amd;
	bool x2apic;
	bool lacks;
	bool no_all;
	uint32_t entries;
	unsigned int handle_mask;
};

static const struct kind kinds[] = {
	{ .amd = false },
	{ .amd = false, .x2apic = true },
	{ .amd = false, .lacks = true, .handle_mask = 1 },
	{ .amd = true },
	{ .amd = true, .x2apic = true },
	{ .amd = true, .lacks = true, .no_all = true },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct rig {
	struct kind kind;
	struct sim *sim;
	struct sim_vtd *vtd_model;
	struct sim_amdvi *amdvi_model;
	struct dmah_vtd vtd;
	struct dmah_amdvi amdvi;
	struct dmah_iommu *iommu;
	void *memory;
	struct sim_device *dev[DEVICES];
	struct dmah_iommu_fault fault;
	unsigned int reports;
};

static inline void open_vtd(struct rig *r)
{
	const struct sim_vtd_config model = { .records = 16,
					      .no_x2apic = r->kind.lacks,
					      .handle_mask = r->kind.handle_mask };
	struct dmah_vtd_config c = { .timeout_ns = TIMEOUT };
	size_t need;

	r->vtd_model = sim_vtd_create(r->sim, 0, &model);
	c.regs = sim_vtd_regs(r->vtd_model);
	need = dmah_vtd_memory(&c);
	r->memory = memory_of(need);
	assert_int_equal(dmah_vtd_init(&r->vtd, &c, r->memory, need), DMAH_OK);
	r->iommu = &r->vtd.iommu;
}

static inline void open_amdvi(struct rig *r)
{
	const struct sim_amdvi_config model = { .no_x2apic = r->kind.lacks,
						.no_all = r->kind.no_all };
	struct dmah_amdvi_config c = { .ids = IDS, .timeout_ns = TIMEOUT };
	size_t need;

	r->amdvi_model = sim_amdvi_create(r->sim, 0, &model);
	c.regs = sim_amdvi_regs(r->amdvi_model);
	c.capability = sim_amdvi_capability(r->amdvi_model);
	need = dmah_amdvi_memory(&c);
	r->memory = memory_of(need);
	assert_int_equal(dmah_amdvi_init(&r->amdvi, &c, r->memory, need), DMAH_OK);
	r->iommu = &r->amdvi.iommu;
}

/* The unit does not translate yet, and remaps nothing. */
static inline void open_machine(struct rig *r, const struct kind *kind)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU };

	memset(r, 0, sizeof(*r));
	r->kind = *kind;
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	count_reports(&r->reports);
	machine.iommu[0].flavour = kind->amd ? SIM_AMD : SIM_VTD;
	r->sim = sim_create(&machine);
	if (kind->amd)
		open_amdvi(r);
	else
		open_vtd(r);
	for (unsigned int i = 0; i < DEVICES; i++)
		r->dev[i] = sim_device_add(r->sim,
					   &(struct sim_device_config){ .id = ids[i], .iommu = 1 });
}

static inline int translate(struct rig *r)
{
	return r->kind.amd ? dmah_amdvi_enable(&r->amdvi) : dmah_vtd_enable(&r->vtd);
}

static inline int reset(struct rig *r)
{
	return r->kind.amd ? dmah_amdvi_reset(&r->amdvi) : dmah_vtd_reset(&r->vtd);
}

static inline int remap(struct rig *r)
{
	return dmah_irq_enable(r->iommu, &(struct dmah_irq_config){ .entries = r->kind.entries,
								    .x2apic = r->kind.x2apic });
}

static inline void open_rig(struct rig *r, const struct kind *kind)
{
	open_machine(r, kind);
	assert_int_equal(remap(r), DMAH_OK);
	assert_int_equal(translate(r), DMAH_OK);
}

static inline void hold(struct rig *r, bool hold)
{
	if (r->kind.amd)
		sim_amdvi_hold(r->amdvi_model, hold);
	else
		sim_vtd_hold(r->vtd_model, hold);
}

static inline void note(void *ctx, const struct dmah_fault *fault)
{
	struct rig *r = ctx;

	r->fault = fault->hw;
}

static inline unsigned int faults(struct rig *r)
{
	struct dmah_fault_count count;

	/* Reports are limited to some a second. */
	posix_clock_advance(DMAH_FAULT_WINDOW + 1);
	assert_int_equal(dmah_faults(r->iommu, note, r, &count), DMAH_OK);
	return count.taken;
}

static inline void close_rig(struct rig *r)
{
	struct posix_alloc_stats stats;

	assert_int_equal(r->reports, 0);
	assert_int_equal(faults(r), 0);
	assert_int_equal(r->kind.amd ? dmah_amdvi_fini(&r->amdvi) : dmah_vtd_fini(&r->vtd),
			 DMAH_OK);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages + stats.mem, 0);
	sim_destroy(r->sim);
	posix_set_report(NULL, NULL);
	posix_clock_real();
	free(r->memory);
}

/* Runs a part of a case on a unit of each kind. */
static inline void on_each(void (*run)(struct rig *r))
{
	for (unsigned int i = 0; i < KINDS; i++) {
		struct rig r;

		open_rig(&r, &kinds[i]);
		run(&r);
		close_rig(&r);
	}
}

static inline void alloc(struct rig *r, unsigned int n, unsigned int count, struct dmah_irq *irq)
{
	assert_int_equal(dmah_irq_alloc(r->iommu, &(struct dmah_irq_source){ .id = ids[n] }, count,
					irq),
			 DMAH_OK);
	assert_int_equal(irq->count, count);
	assert_int_equal(irq->index % count, 0);
}

static inline struct dmah_msi message(const struct dmah_irq *irq, unsigned int n)
{
	struct dmah_msi msi;

	assert_int_equal(dmah_irq_msi(irq, irq->source.id, n, &msi), DMAH_OK);
	assert_true(msi.addr >> 20 == 0xfee);
	return msi;
}

static inline void set(const struct dmah_irq *irq, unsigned int n, uint32_t dest, uint8_t vector)
{
	assert_int_equal(dmah_irq_set(irq, n,
				      &(struct dmah_irq_target){ .dest = dest, .vector = vector }),
			 DMAH_OK);
}

/* The device's message becomes that interrupt. */
static inline void arrives(struct rig *r, unsigned int n, struct dmah_msi msi, uint32_t dest,
			   uint8_t vector)
{
	struct sim_interrupt irq;

	assert_int_equal(sim_interrupt(r->dev[n], msi.addr, msi.data, &irq), SIM_OK);
	assert_int_equal(irq.dest, dest);
	assert_int_equal(irq.vector, vector);
}

static inline bool passes(struct rig *r, unsigned int n, struct dmah_msi msi)
{
	struct sim_interrupt irq;

	return sim_interrupt(r->dev[n], msi.addr, msi.data, &irq) == SIM_OK;
}

/* The device's message is blocked, and recorded as its fault. */
static inline void blocked(struct rig *r, unsigned int n, struct dmah_msi msi)
{
	assert_false(passes(r, n, msi));
	assert_int_equal(faults(r), 1);
	assert_int_equal(r->fault.id, ids[n]);
	assert_false(r->fault.has_addr);
	assert_non_null(strstr(r->fault.reason, "interrupt"));
}

#endif /* IRQ_RIG_H */
