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
	if (sim_config_of(sim)->iommu[n].flavour == SIM_VTD)
		u->vtd_model = sim_vtd_create(sim, n,
					      &(struct sim_vtd_config){ .records = FAULT_RECORDS });
	else
		u->smmu_model = sim_smmuv3_create(sim, n, NULL);
	assert_true(u->vtd_model || u->smmu_model);
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

struct dmah_iommu *unit_start(struct unit *u, uint64_t timeout_ns)
{
	if (u->vtd_model)
		start_vtd(u, timeout_ns);
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
	else
		sim_smmuv3_hold(u->smmu_model, hold);
}

void unit_stop(struct unit *u)
{
	if (u->iommu)
		assert_int_equal(u->vtd_model ? dmah_vtd_fini(&u->vtd) : dmah_smmuv3_fini(&u->smmu),
				 DMAH_OK);
	u->iommu = NULL;
}

void unit_free(struct unit *u)
{
	free(u->memory);
	u->memory = NULL;
}
