/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* An SMMUv1 or SMMUv2 on a model of its registers, with a domain and devices; QEMU has no such unit. */
#ifndef SMMUV2_RIG_H
#define SMMUV2_RIG_H

#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>
#include <dmah/smmuv2.h>

#include "posix.h"
#include "../setup.h"
#include "sim.h"
#include "sim_inject.h"
#include "sim_smmuv2.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT	     1000000u
#define DEVICES	     4u
#define BANK(n)	     ((32u + (n)) << 12)
#define SMR(n)	     (0x800u + 4 * (n))
#define S2CR(n)	     (0xc00u + 4 * (n))
#define CBAR(n)	     (0x1000u + 4 * (n))
#define SCTLR	     0x00u
#define ACTLR	     0x04u
#define FSR	     0x58u
#define VALID	     (1u << 31)
#define LEADS_BYPASS (1u << 16)
#define F_BLOCKED    (1u << 0)
#define F_NO_STREAM  (1u << 1)
#define F_NOTHING    (1u << 1)
#define F_PERMISSION (1u << 3)

/* Units with a domain for each of them, or one for all, and devices: even ones behind the first unit. */
struct rig {
	struct sim *sim;
	unsigned int units;
	struct sim_smmuv2 *regs[2];
	struct dmah_smmuv2 smmu[2];
	struct sim_device *dev[DEVICES];
	struct dmah_domain *dom;
	void *dom_memory;
	dmah_phys_t memory;
	unsigned int reports;
};

struct kind {
	struct sim_smmuv2_config model;
	struct dmah_smmuv2_config driver;
	bool stage2;
	unsigned int va_bits;
	unsigned int out_bits;
};

static inline struct dmah_device *device(struct rig *rig, unsigned int n)
{
	return sim_device_dmah(rig->dev[n]);
}

static inline int try_attach(struct rig *rig, unsigned int n)
{
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };

	return dmah_attach(rig->dom, device(rig, n), &limits);
}

/* A machine with registers, and no driver yet. */
static inline struct rig *rig_begin(const struct kind *kind, unsigned int units)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU };
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->units = units;
	for (unsigned int i = 0; i < units; i++)
		machine.iommu[i] = (struct sim_iommu_config){ .flavour = SIM_SMMUV2,
							      .stage2 = kind->stage2,
							      .va_bits = kind->va_bits,
							      .out_bits = kind->out_bits };
	rig->sim = sim_create(&machine);
	assert_non_null(rig->sim);
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	count_reports(&rig->reports);
	for (unsigned int i = 0; i < units; i++) {
		rig->regs[i] = sim_smmuv2_create(rig->sim, i, &kind->model);
		assert_non_null(rig->regs[i]);
	}
	for (unsigned int i = 0; i < DEVICES; i++) {
		struct sim_device_config c = { .id = kind->model.indexed ? 2 + 3 * i : 8 + 40 * i,
					       .iommu = i % units + 1 };

		rig->dev[i] = sim_device_add(rig->sim, &c);
		assert_non_null(rig->dev[i]);
	}
	rig->memory = sim_ram_take(rig->sim, 1 << 20, 4096);
	return rig;
}

static inline int rig_init(struct rig *rig, const struct kind *kind, unsigned int n)
{
	struct dmah_smmuv2_config c = kind->driver;

	c.timeout_ns = TIMEOUT;
	c.regs = sim_smmuv2_regs(rig->regs[n], NULL);
	return dmah_smmuv2_init(&rig->smmu[n], &c);
}

static inline void rig_domain(struct rig *rig)
{
	struct dmah_domain_config domain = { .backend = DMAH_BACKEND_IOMMU,
					     .format = rig->smmu[0].iommu.formats[0],
					     .iommu = &rig->smmu[0].iommu,
					     .devices = DEVICES + 1 };
	size_t need = dmah_domain_memory(&domain);

	rig->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&rig->dom, &domain, rig->dom_memory, need), DMAH_OK);
	for (unsigned int i = 1; i < rig->units; i++)
		assert_int_equal(dmah_domain_add_iommu(rig->dom, &rig->smmu[i].iommu), DMAH_OK);
	for (unsigned int i = 0; i < DEVICES; i++)
		device(rig, i)->iommu = &rig->smmu[i % rig->units].iommu;
}

static inline struct rig *rig_open(const struct kind *kind, unsigned int units)
{
	struct rig *rig = rig_begin(kind, units);

	for (unsigned int i = 0; i < units; i++)
		assert_int_equal(rig_init(rig, kind, i), DMAH_OK);
	rig_domain(rig);
	return rig;
}

static inline void rig_end(struct rig *rig)
{
	posix_set_report(NULL, NULL);
	posix_clock_real();
	sim_destroy(rig->sim);
	free(rig->dom_memory);
	free(rig);
}

static inline void rig_close(struct rig *rig)
{
	struct posix_alloc_stats stats;

	for (unsigned int i = 0; i < DEVICES; i++)
		if (device(rig, i)->dom)
			assert_int_equal(dmah_detach(device(rig, i)), DMAH_OK);
	assert_int_equal(dmah_domain_fini(rig->dom), DMAH_OK);
	for (unsigned int i = 0; i < rig->units; i++)
		assert_int_equal(dmah_smmuv2_fini(&rig->smmu[i]), DMAH_OK);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 0);
	rig_end(rig);
}

static inline bool writes(struct rig *rig, unsigned int n, dmah_addr_t dma)
{
	return sim_dma_write(rig->dev[n], dma, "x", 1) == SIM_OK;
}

/* The one fault since the last call. */
static inline struct dmah_iommu_fault one_fault(struct rig *rig, unsigned int unit)
{
	struct dmah_iommu *iommu = &rig->smmu[unit].iommu;
	struct dmah_iommu_fault fault[2];
	bool lost = false;

	assert_int_equal(iommu->ops->faults(iommu, fault, 2, &lost), 1);
	assert_false(lost);
	return fault[0];
}

/* Takes all faults. Returns how many. */
static inline unsigned int faults_of(struct rig *rig, unsigned int unit)
{
	struct dmah_iommu *iommu = &rig->smmu[unit].iommu;
	struct dmah_iommu_fault f[4];
	bool lost = false;

	return iommu->ops->faults(iommu, f, 4, &lost);
}

static const struct kind plain = { .stage2 = false };

static const struct kind kinds[] = {
	{ .stage2 = false },
	{ .stage2 = true },
	{ .model = { .both = true }, .driver = { .stage2 = true }, .stage2 = true },
	{ .va_bits = 39 },
	{ .model = { .v1 = true } },
	{ .model = { .v1 = true }, .stage2 = true, .driver = { .model = DMAH_SMMUV2_MMU401 } },
	{ .model = { .indexed = 4 } },
	{ .model = { .pages_64k = true, .stage2_banks = 3 } },
	{ .model = { .prefetch = true, .major = 2 }, .driver = { .model = DMAH_SMMUV2_MMU500 } },
	{ .model = { .v1 = true, .alias = true }, .driver = { .model = DMAH_SMMUV2_CALXEDA } },
	{ .model = { .no_aarch32 = true, .streams = 4 }, .driver = { .id_base = 64 } },
	{ .model = { .v1 = true }, .driver = { .short_descriptors = true } },
	{ .driver = { .short_descriptors = true, .stall = true } },
};

#endif /* SMMUV2_RIG_H */
