/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* An SMMUv3 of either stage on a model of its registers, with a domain and devices. */
#ifndef SMMUV3_RIG_H
#define SMMUV3_RIG_H

#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>
#include <dmah/smmuv3.h>

#include "posix.h"
#include "../setup.h"
#include "sim.h"
#include "sim_reach.h"
#include "sim_smmuv3.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT 1000000u
#define SID	0x300u

#define F_TRANSLATION 0x10u
#define F_PERMISSION  0x13u

#define CFGI_STE  0x03u
#define NH_ASID	  0x11u
#define NH_VA	  0x12u
#define S12_VMALL 0x28u
#define S2_IPA	  0x2au
#define NSNH_ALL  0x30u
#define SYNC	  0x46u
#define COHERENT  DMAH_DEV_COHERENT
#define UNITS	  2u
#define CN99XX                \
	{                     \
		.page0 = true \
	}
#define IIDR_700   0x4870043bu
#define MOST_CALLS 64u

/** struct rig - a machine with one or two units, and a domain with one device behind each. */
struct rig {
	struct sim *sim;
	unsigned int units;
	struct sim_smmuv3 *regs[UNITS];
	struct dmah_smmuv3 smmu[UNITS];
	void *memory[UNITS];
	struct sim_device *dev[UNITS];
	struct dmah_domain *dom;
	void *dom_memory;
	unsigned int reports;
	unsigned int refusals;
};

static inline struct dmah_device *device(struct rig *r, unsigned int n)
{
	return sim_device_dmah(r->dev[n]);
}

/* Errors of setup calls begin with the call's name. */
static inline void count(void *ctx, const struct dmah_device *dev, int err, const char *text,
			 uint64_t addr, const void *caller)
{
	struct rig *r = ctx;

	(void)dev;
	(void)err;
	(void)addr;
	(void)caller;
	if (strncmp(text, "dmah_", 5))
		r->reports++;
	else
		r->refusals++;
}

static inline void open_machine(struct rig *r, const struct sim_config *machine)
{
	memset(r, 0, sizeof(*r));
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	posix_set_report(count, r);
	r->sim = sim_create(machine);
	assert_non_null(r->sim);
}

static inline int open_unit(struct rig *r, const struct sim_smmuv3_config *model,
			    const struct dmah_smmuv3_config *config)
{
	struct dmah_smmuv3_config c = *config;
	unsigned int n = r->units;
	size_t need;

	r->regs[n] = sim_smmuv3_create(r->sim, n, model);
	assert_non_null(r->regs[n]);
	c.timeout_ns = TIMEOUT;
	c.regs = c.regs ? c.regs : sim_smmuv3_regs(r->regs[n]);
	need = dmah_smmuv3_memory(&c);
	r->memory[n] = memory_of(need);
	r->units++;
	r->dev[n] = sim_device_add(
		r->sim, &(struct sim_device_config){ .id = SID + n, .iommu = n + 1, .ats = true });
	device(r, n)->iommu = &r->smmu[n].iommu;
	return dmah_smmuv3_init(&r->smmu[n], &c, r->memory[n], need);
}

static inline int open_domain(struct rig *r, struct dmah_domain_config c)
{
	size_t need;

	c.backend = DMAH_BACKEND_IOMMU;
	c.iommu = &r->smmu[0].iommu;
	c.format = c.format ? c.format : c.iommu->formats[0];
	need = dmah_domain_memory(&c);
	if (!need)
		return DMAH_ENOTSUP;
	r->dom_memory = memory_of(need);
	return dmah_domain_init(&r->dom, &c, r->dom_memory, need);
}

static inline int attach(struct rig *r, unsigned int n, uint32_t flags)
{
	struct dmah_limits limits = { .mask = ~0ull, .flags = COHERENT | flags };

	return dmah_attach(r->dom, device(r, n), &limits);
}

static inline void close_rig(struct rig *r)
{
	struct posix_alloc_stats stats;
	struct dmah_smmuv3_event event;
	bool lost;

	assert_int_equal(r->reports + r->refusals, 0);
	for (unsigned int i = 0; i < r->units; i++) {
		if (!r->smmu[i].iommu.ops)
			continue;
		assert_int_equal(dmah_smmuv3_events(&r->smmu[i], &event, 1, &lost), 0);
		if (device(r, i)->dom)
			assert_int_equal(dmah_detach(device(r, i)), DMAH_OK);
	}
	if (r->dom)
		assert_int_equal(dmah_domain_fini(r->dom), DMAH_OK);
	for (unsigned int i = 0; i < r->units; i++)
		if (r->smmu[i].iommu.ops)
			assert_int_equal(dmah_smmuv3_fini(&r->smmu[i]), DMAH_OK);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages + stats.mem, 0);
	sim_destroy(r->sim);
	posix_set_report(NULL, NULL);
	posix_clock_real();
	for (unsigned int i = 0; i < r->units; i++)
		free(r->memory[i]);
	free(r->dom_memory);
}

/* One unit, its domain and its device. */
static inline void open_one(struct rig *r, unsigned int stage,
			    const struct sim_smmuv3_config *model)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
				      .iommu = { { .flavour = SIM_SMMU, .stage2 = stage == 2 } } };

	open_machine(r, &machine);
	assert_int_equal(open_unit(r, model, &(struct dmah_smmuv3_config){ 0 }), DMAH_OK);
	assert_int_equal(open_domain(r, (struct dmah_domain_config){ 0 }), DMAH_OK);
	assert_int_equal(attach(r, 0, DMAH_DEV_ATS), DMAH_OK);
}

static inline bool writes(struct rig *r, unsigned int n, dmah_addr_t dma)
{
	return sim_dma_write(r->dev[n], dma, "x", 1) == SIM_OK;
}

static inline bool reads(struct rig *r, unsigned int n, dmah_addr_t dma)
{
	char byte;

	return sim_dma_read(r->dev[n], dma, &byte, 1) == SIM_OK;
}

static inline const uint64_t *command(const struct dmah_smmuv3 *smmu, uint64_t pos)
{
	return smmu->cmdq.cpu + 2 * (pos & ((1u << smmu->cmdq_log2) - 1));
}

static inline const uint64_t *entry_of(const struct dmah_smmuv3 *smmu, uint32_t sid)
{
	return smmu->l2[sid >> 6] + (sid & 63) * 8;
}

/* Keep the last fault and its text. */
struct seen_faults {
	struct dmah_fault fault;
	char text[DMAH_FAULT_TEXT];
	unsigned int n;
};

static inline void tell(void *ctx, const struct dmah_fault *fault)
{
	struct seen_faults *t = ctx;

	t->fault = *fault;
	t->n++;
	dmah_fault_text(fault, "the_test", t->text, sizeof(t->text));
}

static inline struct seen_faults faults_of(struct rig *r, unsigned int n)
{
	struct seen_faults t = { .n = 0 };

	/* Past the limit of reports in a second. */
	posix_clock_advance(2000000000);
	assert_int_equal(dmah_faults(&r->smmu[n].iommu, tell, &t, NULL), DMAH_OK);
	return t;
}

#endif /* SMMUV3_RIG_H */
