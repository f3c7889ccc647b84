/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "driven_unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* More than a test lets pass before it takes them. */
#define FAULT_RECORDS 64u
/* Device ids of an AMD unit's table: more than any test has, and far less than there may be. */
#define IDS 0x1000u

void unit_create(struct unit *u, struct sim *sim, unsigned int n)
{
	u->hw = sim_iommu(sim, n);
	assert_non_null(u->hw);
	switch (sim_config_of(sim)->iommu[n].flavour) {
	case SIM_VTD:
		u->vtd_model = sim_vtd_create(sim, n,
					      &(struct sim_vtd_config){ .records = FAULT_RECORDS });
		break;
	case SIM_AMD:
		u->amdvi_model = sim_amdvi_create(sim, n, NULL);
		break;
	case SIM_RISCV:
		u->riscv_model = sim_riscv_create(sim, n, NULL);
		break;
	case SIM_SMMUV2:
		u->smmuv2_model = sim_smmuv2_create(sim, n, &u->smmuv2_config);
		break;
	case SIM_VIRTIO:
		u->viommu_model = sim_viommu_create(sim, n, NULL);
		break;
	default:
		u->smmu_model = sim_smmuv3_create(sim, n, NULL);
	}
	assert_true(u->vtd_model || u->smmu_model || u->amdvi_model || u->riscv_model ||
		    u->smmuv2_model || u->viommu_model);
}

static void start_vtd(struct unit *u, uint64_t timeout_ns)
{
	struct dmah_vtd_config config = { .regs = sim_vtd_regs(u->vtd_model),
					  .phys_bits = 46,
					  .timeout_ns = timeout_ns };
	size_t need = dmah_vtd_memory(&config);

	assert_true(need > 0);
	u->memory = malloc(need);
	assert_int_equal(dmah_vtd_init(&u->vtd, &config, u->memory, need), DMAH_OK);
	assert_int_equal(dmah_vtd_enable(&u->vtd), DMAH_OK);
	u->iommu = &u->vtd.iommu;
}

static void start_smmu(struct unit *u, uint64_t timeout_ns)
{
	struct dmah_smmuv3_config config = { .regs = sim_smmuv3_regs(u->smmu_model),
					     .timeout_ns = timeout_ns };
	size_t need = dmah_smmuv3_memory(&config);

	assert_true(need > 0);
	u->memory = malloc(need);
	assert_int_equal(dmah_smmuv3_init(&u->smmu, &config, u->memory, need), DMAH_OK);
	u->iommu = &u->smmu.iommu;
}

static void start_amdvi(struct unit *u, uint64_t timeout_ns)
{
	struct dmah_amdvi_config config = { .regs = sim_amdvi_regs(u->amdvi_model),
					    .capability = sim_amdvi_capability(u->amdvi_model),
					    .phys_bits = 46,
					    .ids = IDS,
					    .timeout_ns = timeout_ns };
	size_t need = dmah_amdvi_memory(&config);

	if (sim_iommu_config(u->hw)->noncoherent_walk)
		config.walks = DMAH_WALKS_NONCOHERENT;
	assert_true(need > 0);
	u->memory = malloc(need);
	assert_int_equal(dmah_amdvi_init(&u->amdvi, &config, u->memory, need), DMAH_OK);
	assert_int_equal(dmah_amdvi_enable(&u->amdvi), DMAH_OK);
	u->iommu = &u->amdvi.iommu;
}

static void start_riscv(struct unit *u, uint64_t timeout_ns)
{
	struct dmah_riscv_config config = { .regs = sim_riscv_regs(u->riscv_model),
					    .timeout_ns = timeout_ns };
	size_t need = dmah_riscv_memory(&config);

	if (sim_iommu_config(u->hw)->noncoherent_walk)
		config.walks = DMAH_WALKS_NONCOHERENT;
	assert_true(need > 0);
	u->memory = malloc(need);
	assert_int_equal(dmah_riscv_init(&u->riscv, &config, u->memory, need), DMAH_OK);
	assert_int_equal(dmah_riscv_enable(&u->riscv), DMAH_OK);
	u->iommu = &u->riscv.iommu;
}

static void start_smmuv2(struct unit *u, uint64_t timeout_ns)
{
	struct dmah_smmuv2_config config = { .regs = sim_smmuv2_regs(u->smmuv2_model, NULL),
					     .timeout_ns = timeout_ns,
					     .short_descriptors = u->smmuv2_short };

	assert_int_equal(dmah_smmuv2_init(&u->smmuv2, &config), DMAH_OK);
	u->iommu = &u->smmuv2.iommu;
}

static void start_viommu(struct unit *u, uint64_t timeout_ns)
{
	struct dmah_viommu_config config = { .transport = &sim_viommu_transport,
					     .ctx = u->viommu_model,
					     .timeout_ns = timeout_ns };
	size_t need = dmah_viommu_memory(&config);

	assert_true(need > 0);
	u->memory = malloc(need);
	assert_int_equal(dmah_viommu_init(&u->viommu, &config, u->memory, need), DMAH_OK);
	assert_int_equal(dmah_viommu_enable(&u->viommu), DMAH_OK);
	u->iommu = &u->viommu.iommu;
}

struct dmah_iommu *unit_start(struct unit *u, uint64_t timeout_ns)
{
	if (u->vtd_model)
		start_vtd(u, timeout_ns);
	else if (u->amdvi_model)
		start_amdvi(u, timeout_ns);
	else if (u->riscv_model)
		start_riscv(u, timeout_ns);
	else if (u->smmuv2_model)
		start_smmuv2(u, timeout_ns);
	else if (u->viommu_model)
		start_viommu(u, timeout_ns);
	else
		start_smmu(u, timeout_ns);
	return u->iommu;
}

const struct dmah_pt_format *unit_format(const struct unit *u)
{
	return u->iommu->formats[0];
}

void unit_hold(struct unit *u, bool hold)
{
	if (u->vtd_model)
		sim_vtd_hold(u->vtd_model, hold);
	else if (u->amdvi_model)
		sim_amdvi_hold(u->amdvi_model, hold);
	else if (u->riscv_model)
		sim_riscv_hold(u->riscv_model, hold);
	else if (u->smmuv2_model)
		sim_smmuv2_hold(u->smmuv2_model, hold);
	else if (u->viommu_model)
		sim_viommu_hold(u->viommu_model, hold);
	else
		sim_smmuv3_hold(u->smmu_model, hold);
}

int unit_reset(struct unit *u)
{
	return u->vtd_model	 ? dmah_vtd_reset(&u->vtd)
	       : u->amdvi_model	 ? dmah_amdvi_reset(&u->amdvi)
	       : u->riscv_model	 ? dmah_riscv_reset(&u->riscv)
	       : u->smmuv2_model ? dmah_smmuv2_reset(&u->smmuv2)
	       : u->viommu_model ? dmah_viommu_reset(&u->viommu)
				 : dmah_smmuv3_reset(&u->smmu);
}

volatile void *unit_regs(struct unit *u, uint64_t *size)
{
	if (u->smmuv2_model)
		return sim_smmuv2_regs(u->smmuv2_model, size);
	*size = u->vtd_model	 ? 0x2000
		: u->amdvi_model ? DMAH_AMDVI_REGS
		: u->riscv_model ? DMAH_RISCV_REGS
				 : 0x20000;
	return u->vtd_model	? sim_vtd_regs(u->vtd_model)
	       : u->amdvi_model ? sim_amdvi_regs(u->amdvi_model)
	       : u->riscv_model ? sim_riscv_regs(u->riscv_model)
				: sim_smmuv3_regs(u->smmu_model);
}

void unit_use_regs(struct unit *u, volatile void *regs)
{
	if (u->vtd_model)
		u->vtd.regs = regs;
	else if (u->amdvi_model)
		u->amdvi.regs = regs;
	else if (u->riscv_model)
		u->riscv.regs = regs;
	else if (u->smmuv2_model)
		u->smmuv2.regs = regs;
	else
		u->smmu.regs = regs;
}

void unit_stop(struct unit *u)
{
	if (u->iommu)
		assert_int_equal(u->vtd_model	   ? dmah_vtd_fini(&u->vtd)
				 : u->amdvi_model  ? dmah_amdvi_fini(&u->amdvi)
				 : u->riscv_model  ? dmah_riscv_fini(&u->riscv)
				 : u->smmuv2_model ? dmah_smmuv2_fini(&u->smmuv2)
				 : u->viommu_model ? dmah_viommu_fini(&u->viommu)
						   : dmah_smmuv3_fini(&u->smmu),
				 DMAH_OK);
	u->iommu = NULL;
}

void unit_free(struct unit *u)
{
	free(u->memory);
	u->memory = NULL;
}
