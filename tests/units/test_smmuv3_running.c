/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* An SMMUv3 that firmware left running, configurations that it refuses, and errata, on a model of its registers. */
#include "smmuv3_rig.h"

/* ---- streams that firmware left running ---- */

/** struct eye - registers in between, which look at a device at every access. */
struct eye {
	struct rig *r;
	volatile void *regs;
	dmah_phys_t page;
	unsigned int accesses;
	unsigned int refused;
	unsigned int stray;
	struct sim_device *other;
	bool on;
};

static void look(struct eye *e)
{
	if (!e->on)
		return;
	e->accesses++;
	e->refused += !writes(e->r, 0, e->page);
	e->stray += e->other && sim_dma_write(e->other, e->page, "y", 1) == SIM_OK;
}

static uint64_t eye_read(void *ctx, uint64_t reg, unsigned int size)
{
	struct eye *e = ctx;
	volatile uint8_t *at = (volatile uint8_t *)e->regs + reg;

	look(e);
	return size == 8 ? dmah_host_read64(at) : dmah_host_read32(at);
}

static void eye_write(void *ctx, uint64_t reg, unsigned int size, uint64_t value)
{
	struct eye *e = ctx;
	volatile uint8_t *at = (volatile uint8_t *)e->regs + reg;

	if (size == 8)
		dmah_host_write64(at, value);
	else
		dmah_host_write32(at, (uint32_t)value);
	look(e);
}

/*
 * A device that firmware left running writes to its page at every access to a register: while the unit is taken over, until
 * it is attached with its identity range, and during that. Another stream is blocked from dmah_smmuv3_init() on.
 */
static void left_running(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int stage = 1; stage <= 2; stage++) {
		const struct dmah_smmuv3_bypass streams[] = { { SID, 1 }, { SID + 0x100, 3 } };
		struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
					      .iommu = { { .flavour = SIM_SMMU,
							   .stage2 = stage == 2 } } };
		struct dmah_smmuv3_config c = { .bypass = streams, .nbypass = 2 };
		struct dmah_reserved identity = { .size = 4096, .identity = true };
		struct dmah_limits limits = {
			.mask = ~0ull, .flags = COHERENT, .reserved = &identity, .nreserved = 1
		};
		struct eye e = { .r = &r };

		open_machine(&r, &machine);
		e.page = identity.base = sim_ram_take(r.sim, 4096, 4096);
		c.regs = sim_regs_add(r.sim, 0x20000, &e, eye_read, eye_write);
		r.regs[0] = sim_smmuv3_create(r.sim, 0, NULL);
		e.regs = sim_smmuv3_regs(r.regs[0]);
		r.dev[0] = sim_device_add(r.sim, &(struct sim_device_config){ .id = SID });
		c.timeout_ns = TIMEOUT;
		r.memory[0] = memory_of(dmah_smmuv3_memory(&c));
		e.on = true;
		assert_int_equal(dmah_smmuv3_init(&r.smmu[0], &c, r.memory[0],
						  dmah_smmuv3_memory(&c)),
				 DMAH_OK);
		r.units = 1;
		device(&r, 0)->iommu = &r.smmu[0].iommu;
		e.other = sim_device_add(r.sim, &(struct sim_device_config){ .id = SID + 1 });
		assert_true(writes(&r, 0, e.page));
		/* Nobody translates for it yet, so that it reaches all memory; and others nothing. */
		assert_int_equal(sim_reaches_memory(e.other, e.page, 4096), 0);
		assert_int_equal(entry_of(&r.smmu[0], SID + 0x102)[0] & 0xf, 1 | 4 << 1);
		assert_int_equal(open_domain(&r, (struct dmah_domain_config){ 0 }), DMAH_OK);
		assert_int_equal(dmah_attach(r.dom, device(&r, 0), &limits), DMAH_OK);
		e.on = false;
		assert_true(e.accesses > 30);
		assert_int_equal(e.refused, 0);
		assert_int_equal(e.stray, 0);
		/* Only its identity range is left. */
		assert_true(writes(&r, 0, e.page));
		assert_int_equal(sim_reaches_memory(r.dev[0], e.page, 4096), 3);
		assert_int_equal(sim_reaches_memory(r.dev[0], e.page - 4096, 4096), 0);
		assert_false(writes(&r, 0, e.page + 4096));
		assert_true(faults_of(&r, 0).n >= 1);
		close_rig(&r);
	}
}

/* A failure on the way from bypassing to translating leaves the stream blocked. */
static void no_way_back(void **state)
{
	const struct dmah_smmuv3_bypass stream = { SID, 1 };
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
				      .iommu = { { .flavour = SIM_SMMU } } };
	dmah_phys_t page;
	struct rig r;

	(void)state;
	open_machine(&r, &machine);
	page = sim_ram_take(r.sim, 4096, 4096);
	assert_int_equal(open_unit(&r, NULL,
				   &(struct dmah_smmuv3_config){ .bypass = &stream, .nbypass = 1 }),
			 DMAH_OK);
	assert_int_equal(open_domain(&r, (struct dmah_domain_config){ 0 }), DMAH_OK);
	assert_true(writes(&r, 0, page));
	sim_smmuv3_hold(r.regs[0], true);
	assert_int_equal(attach(&r, 0, 0), DMAH_ETIMEDOUT);
	sim_smmuv3_hold(r.regs[0], false);
	/* Back in service, it forgets what it had of the stream. */
	dmah_smmuv3_errors(&r.smmu[0]);
	assert_int_equal(sim_reaches_memory(r.dev[0], page, 4096), 0);
	r.reports = r.refusals = 0;
	assert_int_equal(attach(&r, 0, 0), DMAH_OK);
	assert_int_equal(sim_reaches_memory(r.dev[0], page, 4096), 0);
	close_rig(&r);
}

/* Configurations that make no sense, and streams beyond the table. */
static void refusals(void **state)
{
	const struct dmah_smmuv3_bypass far = { (1u << 16) - 1, 3 };
	struct dmah_smmuv3_config bad = { .nbypass = 1 };
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
				      .iommu = { { .flavour = SIM_SMMU } } };
	struct rig r;

	(void)state;
	open_machine(&r, &machine);
	assert_int_equal(dmah_smmuv3_memory(&bad), 0);
	assert_int_equal(r.refusals, 1);
	r.refusals = 0;
	assert_int_equal(open_unit(&r, NULL,
				   &(struct dmah_smmuv3_config){ .bypass = &far, .nbypass = 1 }),
			 DMAH_OK);
	assert_int_equal(entry_of(&r.smmu[0], far.sid)[0] & 0xf, 1 | 4 << 1);
	close_rig(&r);
}

/* ---- errata ---- */

/* Cavium 74: no page 1 of registers. The model refuses every access there. */
static void no_page1(void **state)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
				      .iommu = { { .flavour = SIM_SMMU } } };
	struct rig r;

	(void)state;
	open_machine(&r, &machine);
	assert_int_equal(open_unit(&r, &(struct sim_smmuv3_config)CN99XX,
				   &(struct dmah_smmuv3_config){ .model = DMAH_SMMUV3_CN99XX }),
			 DMAH_OK);
	assert_int_equal(open_domain(&r, (struct dmah_domain_config){ 0 }), DMAH_OK);
	assert_int_equal(attach(&r, 0, 0), DMAH_OK);
	for (unsigned int i = 0; i < 300; i++) {
		assert_false(writes(&r, 0, 0x5000));
		assert_int_equal(faults_of(&r, 0).n, 1);
	}
	close_rig(&r);
}

/* MMU-700 2812531: post as many commands as are allowed without a CMD_SYNC, and more. Without the identity it is a control. */
static int many_commands(uint32_t iidr)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
				      .iommu = { { .flavour = SIM_SMMU } } };
	struct dmah_iommu *iommu;
	uint64_t ticket;
	struct rig r;
	int err = 0;

	open_machine(&r, &machine);
	assert_int_equal(open_unit(&r, &(struct sim_smmuv3_config){ .iidr = iidr, .unsynced = 63 },
				   &(struct dmah_smmuv3_config){ 0 }),
			 DMAH_OK);
	iommu = &r.smmu[0].iommu;
	for (unsigned int i = 0; i < 150 && err >= 0; i++)
		err = iommu->ops->invalidate(iommu, 1, 0x7000 * i, 0x7000, i & 1, NULL);
	if (err >= 0)
		err = iommu->ops->fence(iommu, &ticket);
	if (err >= 0)
		err = iommu->ops->wait(iommu, ticket);
	/* A queue that has stopped is reported once. */
	assert_int_equal(r.reports, err ? 1 : 0);
	r.reports = 0;
	sim_destroy(r.sim);
	posix_set_report(NULL, NULL);
	free(r.memory[0]);
	return err;
}

static void sync_after_63(void **state)
{
	(void)state;
	assert_int_equal(many_commands(IIDR_700), DMAH_OK);
	assert_int_equal(many_commands(IIDR_700 | 0x1f000), DMAH_OK); /* any revision */
	assert_int_equal(many_commands(0x4870043a), DMAH_ETIMEDOUT); /* of another maker */
	assert_int_equal(many_commands(0), DMAH_ETIMEDOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(left_running),	 cmocka_unit_test(no_way_back),
		cmocka_unit_test(refusals),	 cmocka_unit_test(no_page1),
		cmocka_unit_test(sync_after_63),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
