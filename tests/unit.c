/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* More than a test lets pass before it takes them. */
#define FAULT_RECORDS 64u

void unit_create(struct unit *u, struct sim *sim, unsigned int n)
{
	u->hw = sim_iommu(sim, n);
	assert_non_null(u->hw);
	switch (sim_config_of(sim)->iommu[n].flavour) {
	case SIM_VTD:
		u->vtd_model = sim_vtd_create(sim, n,
					      &(struct sim_vtd_config){ .records = FAULT_RECORDS });
		break;
	case SIM_RISCV:
		u->riscv_model = sim_riscv_create(sim, n, NULL);
		break;
	default:
		u->smmu_model = sim_smmuv3_create(sim, n, NULL);
	}
	assert_true(u->vtd_model || u->smmu_model || u->riscv_model);
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

static void start_riscv(struct unit *u, uint64_t timeout_ns)
{
	struct dmah_riscv_config config = {
		.regs = sim_riscv_regs(u->riscv_model),
		.timeout_ns = timeout_ns,
		.walks = sim_config_of_iommu(u->hw)->noncoherent_walk ? DMAH_WALKS_NONCOHERENT
								      : DMAH_WALKS_COHERENT,
	};
	size_t need = dmah_riscv_memory(&config);

	assert_true(need > 0);
	u->memory = malloc(need);
	assert_int_equal(dmah_riscv_init(&u->riscv, &config, u->memory, need), DMAH_OK);
	assert_int_equal(dmah_riscv_enable(&u->riscv), DMAH_OK);
	u->iommu = &u->riscv.iommu;
}

struct dmah_iommu *unit_start(struct unit *u, uint64_t timeout_ns)
{
	if (u->vtd_model)
		start_vtd(u, timeout_ns);
	else if (u->riscv_model)
		start_riscv(u, timeout_ns);
	else
		start_smmu(u, timeout_ns);
	return u->iommu;
}

const struct dmah_pt_format *unit_format(const struct unit *u)
{
	if (u->riscv_model)
		return &dmah_pt_sv_rsw;
	return u->vtd_model ? &dmah_pt_vtd_ss : &dmah_pt_lpae_s1;
}

void unit_hold(struct unit *u, bool hold)
{
	if (u->vtd_model)
		sim_vtd_hold(u->vtd_model, hold);
	else if (u->riscv_model)
		sim_riscv_hold(u->riscv_model, hold);
	else
		sim_smmuv3_hold(u->smmu_model, hold);
}

int unit_reset(struct unit *u)
{
	if (u->riscv_model)
		return dmah_riscv_reset(&u->riscv);
	return u->vtd_model ? dmah_vtd_reset(&u->vtd) : dmah_smmuv3_reset(&u->smmu);
}

uint64_t unit_device_tlbs(struct unit *u)
{
	struct sim_riscv_stats riscv = { 0 };
	struct sim_vtd_stats vtd = { 0 };

	if (u->riscv_model)
		sim_riscv_stats(u->riscv_model, &riscv);
	else
		sim_vtd_stats(u->vtd_model, &vtd);
	return riscv.device_tlbs + vtd.device_tlbs;
}

volatile void *unit_regs(const struct unit *u)
{
	if (u->riscv_model)
		return sim_riscv_regs(u->riscv_model);
	return u->vtd_model ? sim_vtd_regs(u->vtd_model) : sim_smmuv3_regs(u->smmu_model);
}

void unit_interpose(struct unit *u, volatile void *regs)
{
	u->vtd.regs = u->smmu.regs = u->riscv.regs = regs;
}

void unit_set_timeout(struct unit *u, uint64_t timeout_ns)
{
	u->vtd.timeout = u->smmu.timeout = u->riscv.timeout = timeout_ns;
}

void unit_stop(struct unit *u)
{
	if (u->iommu)
		assert_int_equal(u->vtd_model	  ? dmah_vtd_fini(&u->vtd)
				 : u->riscv_model ? dmah_riscv_fini(&u->riscv)
						  : dmah_smmuv3_fini(&u->smmu),
				 DMAH_OK);
	u->iommu = NULL;
}

void unit_free(struct unit *u)
{
	free(u->memory);
	u->memory = NULL;
}
