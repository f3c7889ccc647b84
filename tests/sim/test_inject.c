// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Injected failures: each strikes at its point, as often as asked for, has the specified effect on software, and ends. */
#include "by_hand.h"

#include "sim_inject.h"

#include <dmah/host.h>

#define GSTS 0x1c
#define FSTS 0x34
#define IQH  0x80
#define IQER 0xb0

static void inject(enum sim_point point, uint64_t nth, enum sim_failure failure, uint64_t times)
{
	sim_inject(hand.sim,
		   &(struct sim_injection){
			   .point = point, .nth = nth, .times = times, .failure = failure });
}

/* The third command is refused twice; acknowledged the second time, the queue goes on with that command. */
static void vtd_command_error(void **state)
{
	(void)state;
	(void)vtd_open(false);
	assert_true(reaches());
	inject(SIM_POINT_COMMAND, 3, SIM_FAIL_COMMAND, 2);
	t_put64(hand.sim, LEAF, 0);
	vtd_mark(false);
	assert_int_equal(t_get64(hand.sim, MARK), 0x1234);
	t_put64(hand.sim, MARK, 0);
	vtd_command(2 | 3 << 4 | 7 << 16, IOVA);
	assert_int_equal(dmah_host_read32(hand.regs + FSTS), 0);
	assert_int_equal(sim_inject_struck(hand.sim), 0);
	for (unsigned int i = 0; i < 2; i++) {
		if (!i)
			vtd_mark(false);
		else
			dmah_host_write32(hand.regs + FSTS, 1 << 4);
		assert_int_equal(sim_inject_struck(hand.sim), 1);
		assert_int_equal(dmah_host_read32(hand.regs + FSTS), 1 << 4);
		assert_int_equal(dmah_host_read32(hand.regs + IQH), hand.tail - 16);
		assert_int_equal(t_get64(hand.sim, MARK), 0);
		assert_true(reaches());
	}
	dmah_host_write32(hand.regs + FSTS, 1 << 4);
	assert_int_equal(dmah_host_read32(hand.regs + FSTS), 0);
	assert_int_equal(t_get64(hand.sim, MARK), 0x1234);
	assert_false(reaches());
	close_machine();
}

/* A silent device: its TLB stays, waits are aborted, the device is named, and no command is taken until ITE is cleared. */
static void vtd_silent_device(void **state)
{
	(void)state;
	for (unsigned int other = 0; other < 2; other++) {
		struct sim_vtd *unit = vtd_open(true);

		assert_true(reaches());
		sim_fail(sim_iommu(hand.sim, 0), SIM_FAIL_ITE, 1, other ? ID + 1 : ID);
		t_put64(hand.sim, LEAF, 0);
		sim_vtd_hold(unit, true);
		vtd_command(2 | 3 << 4 | 7 << 16, IOVA);
		vtd_mark(true);
		vtd_command(3 | (uint64_t)ID << 32, IOVA);
		t_put64(hand.sim, MARK, 0);
		vtd_mark(false);
		vtd_mark(false);
		sim_vtd_hold(unit, false);
		if (other) {
			assert_int_equal(dmah_host_read32(hand.regs + FSTS), 0);
			assert_false(reaches());
			close_machine();
			continue;
		}
		assert_int_equal(dmah_host_read32(hand.regs + FSTS), 1 << 6);
		assert_int_equal(dmah_host_read64(hand.regs + IQER), (uint64_t)ID << 32);
		assert_int_equal(dmah_host_read32(hand.regs + IQH), hand.tail - 16);
		assert_true(reaches());
		t_put64(hand.sim, MARK, 0);
		dmah_host_write32(hand.regs + FSTS, 1 << 6);
		assert_int_equal(dmah_host_read32(hand.regs + FSTS), 0);
		assert_int_equal(t_get64(hand.sim, MARK), 0x1234);
		assert_true(reaches());
		vtd_command(3 | (uint64_t)ID << 32, IOVA);
		vtd_mark(false);
		assert_false(reaches());
		close_machine();
	}
}

static void smmu_command_error(void **state)
{
	(void)state;
	(void)smmu_open(false);
	assert_true(reaches());
	t_put64(hand.sim, LEAF, 0);
	inject(SIM_POINT_COMMAND, 1, SIM_FAIL_COMMAND, 0);
	smmu_command(0x12 | 9ull << 48, IOVA);
	smmu_command(0x46, 0);
	assert_int_equal(dmah_host_read32(hand.regs + 0x60), 1);
	assert_int_equal(dmah_host_read32(hand.regs + 0x9c), 1 << 24);
	assert_true(reaches());
	dmah_host_write32(hand.regs + 0x64, 1);
	assert_int_equal(dmah_host_read32(hand.regs + 0x9c), hand.tail);
	assert_false(reaches());
	close_machine();
}

/* CERROR_ATC_INV_SYNC is reported at the CMD_SYNC, which completes once the error is acknowledged. */
static void smmu_silent_device(void **state)
{
	(void)state;
	(void)smmu_open(true);
	assert_true(reaches());
	sim_fail(sim_iommu(hand.sim, 0), SIM_FAIL_ITE, 1, ID);
	t_put64(hand.sim, LEAF, 0);
	smmu_command(0x12 | 9ull << 48, IOVA);
	smmu_command(0x46, 0);
	smmu_command(0x40 | (uint64_t)ID << 32, IOVA);
	smmu_command(0x46, 0);
	assert_int_equal(dmah_host_read32(hand.regs + 0x60), 1);
	assert_int_equal(dmah_host_read32(hand.regs + 0x9c), 3 << 24 | 3);
	dmah_host_write32(hand.regs + 0x64, 1);
	assert_int_equal(dmah_host_read32(hand.regs + 0x9c), hand.tail);
	assert_true(reaches());
	smmu_command(0x40 | (uint64_t)ID << 32, IOVA);
	smmu_command(0x46, 0);
	assert_int_equal(dmah_host_read32(hand.regs + 0x9c), hand.tail);
	assert_false(reaches());
	close_machine();
}

/* From the third access on, registers read as ones; after a power cycle the unit has its reset values. */
static void registers_of_ones(void **state)
{
	(void)state;
	for (unsigned int smmu = 0; smmu < 2; smmu++) {
		uint64_t status = smmu ? 0x24 : GSTS;

		if (smmu)
			(void)smmu_open(false);
		else
			(void)vtd_open(false);
		inject(SIM_POINT_REGISTER, 3, SIM_FAIL_ONES, 0);
		for (unsigned int i = 0; i < 2; i++)
			assert_int_not_equal(dmah_host_read32(hand.regs + status), UINT32_MAX);
		assert_int_equal(dmah_host_read32(hand.regs + status), UINT32_MAX);
		assert_int_equal(dmah_host_read64(hand.regs + (smmu ? 0x80 : 0x90)), UINT64_MAX);
		assert_int_equal(sim_inject_struck(hand.sim), 1);
		assert_true(reaches());
		t_put64(hand.sim, LEAF, 0);
		if (smmu) {
			smmu_command(0x12 | 9ull << 48, IOVA);
			smmu_command(0x46, 0);
		} else {
			vtd_command(2 | 3 << 4 | 7 << 16, IOVA);
			vtd_mark(false);
		}
		assert_true(reaches());
		/* The writes above were lost: nothing is queued. */
		sim_repair(hand.sim, false);
		assert_int_not_equal(dmah_host_read32(hand.regs + status), UINT32_MAX);
		assert_true(reaches());
		sim_repair(hand.sim, true);
		assert_int_equal(dmah_host_read32(hand.regs + status), 0);
		assert_false(reaches());
		assert_int_equal(sim_dma_write(hand.dev, PAGE, "x", 1), SIM_OK);
		close_machine();
	}
}

static void dead_unit(void **state)
{
	(void)state;
	(void)vtd_open(false);
	assert_true(reaches());
	inject(SIM_POINT_COMMAND, 2, SIM_FAIL_DEAD, 0);
	t_put64(hand.sim, LEAF, 0);
	vtd_command(2 | 3 << 4 | 7 << 16, IOVA);
	vtd_mark(false);
	assert_int_equal(dmah_host_read32(hand.regs + IQH), hand.tail - 16);
	assert_int_not_equal(dmah_host_read32(hand.regs + GSTS), 0);
	assert_true(reaches());
	vtd_mark(false);
	assert_true(reaches());
	sim_repair(hand.sim, false);
	assert_int_equal(dmah_host_read32(hand.regs + IQH), hand.tail);
	assert_false(reaches());
	close_machine();
}

/* ---- calls ---- */

static struct sim *sim;
static struct dmah_iommu *d;

static void begin(void)
{
	struct sim_config c = t_config("vtd");

	c.iommu[1] = c.iommu[0];
	posix_clock_manual(1000);
	sim = t_machine(&c);
	hand.sim = sim;
	d = sim_fake_iommu(sim_iommu(sim, 0));
}

static void finish(void)
{
	sim_destroy(sim);
	posix_clock_real();
}

/* Pages and memory are counted apart, and exactly the chosen ones fail. */
static void allocations(void **state)
{
	dmah_phys_t phys;

	(void)state;
	begin();
	inject(SIM_POINT_PAGE_ALLOC, 2, SIM_FAIL_CALL, 2);
	for (unsigned int i = 1; i <= 4; i++) {
		assert_non_null(dmah_host_mem_alloc(4096, UINT64_MAX, 0, &phys));
		assert_int_equal(dmah_host_page_alloc(0) == NULL, i == 2 || i == 3);
	}
	assert_int_equal(sim_inject_struck(sim), 2);
	assert_int_equal(sim_inject_count(sim, SIM_POINT_PAGE_ALLOC), 4);
	assert_int_equal(sim_inject_count(sim, SIM_POINT_MEM_ALLOC), 4);
	inject(SIM_POINT_MEM_ALLOC, 1, SIM_FAIL_CALL, UINT64_MAX);
	assert_int_equal(sim_inject_struck(sim), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_null(dmah_host_mem_alloc(4096, UINT64_MAX, 0, &phys));
	assert_non_null(dmah_host_page_alloc(0));
	sim_inject_stop(sim);
	assert_int_equal(sim_inject_struck(sim), 3);
	assert_non_null(dmah_host_mem_alloc(4096, UINT64_MAX, 0, &phys));
	assert_int_equal(sim_inject_count(sim, SIM_POINT_MEM_ALLOC), 3);
	/* A unit can die at an allocation, too. */
	inject(SIM_POINT_PAGE_ALLOC, 1, SIM_FAIL_DEAD, 0);
	assert_non_null(dmah_host_page_alloc(0));
	assert_int_equal(settle(d), DMAH_OK);
	assert_int_equal(d->ops->invalidate(d, 1, 0, 0, true, NULL), 1);
	assert_int_equal(settle(d), DMAH_ETIMEDOUT);
	finish();
}

static int call(struct dmah_iommu *iommu, enum sim_point point, struct dmah_device *dev)
{
	uint64_t ticket = 0;
	uint32_t tag;

	switch (point) {
	case SIM_POINT_BIND:
		return iommu->ops->bind(iommu, dev, DMAH_BIND_PASSTHROUGH, NULL, 0);
	case SIM_POINT_UNBIND:
		return iommu->ops->bind(iommu, dev, DMAH_BIND_BLOCK, NULL, 0);
	case SIM_POINT_TAG_ALLOC:
		return iommu->ops->tag_alloc(iommu, &tag);
	case SIM_POINT_INVALIDATE:
		return iommu->ops->invalidate(iommu, 1, 0, 0, true, NULL);
	case SIM_POINT_INVALIDATE_DEV:
		return iommu->ops->invalidate_dev(iommu, dev, 0, 0);
	case SIM_POINT_FENCE:
		return iommu->ops->fence(iommu, &ticket);
	case SIM_POINT_WAIT:
		return iommu->ops->wait(iommu, 0);
	default:
		fail_msg("not a driver's call: %s", sim_point_text(point));
	}
	return 0;
}

/* Every call of a driver fails at its second occurrence, with the error asked for, on the unit asked for. */
static void driver_calls(void **state)
{
	(void)state;
	for (enum sim_point point = SIM_POINT_BIND; point <= SIM_POINT_WAIT; point++) {
		struct sim_device *dev[2];
		struct dmah_iommu *other;

		begin();
		other = sim_fake_iommu(sim_iommu(sim, 1));
		for (unsigned int i = 0; i < 2; i++)
			dev[i] = sim_device_add(sim, &(struct sim_device_config){ .id = 0x100 + i,
										  .iommu = i + 1 });
		sim_inject(sim, &(struct sim_injection){ .point = point,
							 .nth = 2,
							 .failure = SIM_FAIL_CALL,
							 .iommu = 2,
							 .err = DMAH_ENOTSUP });
		for (unsigned int i = 1; i <= 3; i++) {
			assert_true(call(d, point, sim_device_dmah(dev[0])) >= 0);
			if (i == 2)
				assert_int_equal(call(other, point, sim_device_dmah(dev[1])),
						 DMAH_ENOTSUP);
			else
				assert_true(call(other, point, sim_device_dmah(dev[1])) >= 0);
		}
		assert_int_equal(sim_inject_struck(sim), 1);
		assert_true(sim_inject_count(sim, point) >= 6);
		finish();
	}
}

/* A time-out ends with the error that it causes, and the late command takes effect then. */
static void time_out(void **state)
{
	struct sim_iommu_stats stats;

	(void)state;
	begin();
	inject(SIM_POINT_INVALIDATE, 2, SIM_FAIL_TIMEOUT, 0);
	for (unsigned int i = 1; i <= 3; i++) {
		assert_int_equal(d->ops->invalidate(d, 1, 0, 0, true, NULL), 1);
		sim_iommu_stats(sim_iommu(sim, 0), &stats);
		assert_int_equal(stats.executed, i == 2 ? 1 : i);
		assert_int_equal(settle(d), i == 2 ? DMAH_ETIMEDOUT : DMAH_OK);
		sim_iommu_stats(sim_iommu(sim, 0), &stats);
		assert_int_equal(stats.executed, i);
	}
	finish();
}

/* The fake IOMMU loses a refused command, and says so once. */
static void fake_loses_commands(void **state)
{
	struct sim_device *dev;
	struct sim_iommu_stats stats;

	(void)state;
	for (unsigned int ite = 0; ite < 2; ite++) {
		begin();
		dev = sim_device_add(sim, &(struct sim_device_config){ .id = 0x100, .ats = true });
		inject(ite ? SIM_POINT_INVALIDATE_DEV : SIM_POINT_COMMAND, 1,
		       ite ? SIM_FAIL_ITE : SIM_FAIL_COMMAND, 0);
		assert_int_equal(d->ops->invalidate_dev(d, sim_device_dmah(dev), 0, 0), 1);
		sim_iommu_stats(sim_iommu(sim, 0), &stats);
		assert_int_equal(stats.executed, 0);
		assert_int_equal(settle(d), DMAH_ETIMEDOUT);
		assert_int_equal(settle(d), DMAH_OK);
		assert_int_equal(d->ops->invalidate_dev(d, sim_device_dmah(dev), 0, 0), 1);
		assert_int_equal(settle(d), DMAH_OK);
		finish();
	}
}

/* Injections that make no sense are the test's mistake, and named. */
static void nonsense(void **state)
{
	(void)state;
	begin();
	t_count_misuse(true);
	inject(SIM_POINT_COMMAND, 1, SIM_FAIL_CALL, 0);
	assert_int_equal(t_misuses, 1);
	sim_fail(sim_iommu(sim, 0), SIM_FAIL_CALL, 1, 0);
	assert_int_equal(t_misuses, 2);
	sim_inject_watch(sim, 3, d);
	assert_int_equal(t_misuses, 3);
	t_count_misuse(false);
	for (enum sim_point point = 0; point < SIM_POINTS; point++)
		assert_string_not_equal(sim_point_text(point), "unknown point");
	for (enum sim_failure failure = 0; failure < SIM_FAILURES; failure++)
		assert_string_not_equal(sim_failure_text(failure), "unknown failure");
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vtd_command_error),  cmocka_unit_test(vtd_silent_device),
		cmocka_unit_test(smmu_command_error), cmocka_unit_test(smmu_silent_device),
		cmocka_unit_test(registers_of_ones),  cmocka_unit_test(dead_unit),
		cmocka_unit_test(allocations),	      cmocka_unit_test(driver_calls),
		cmocka_unit_test(time_out),	      cmocka_unit_test(fake_loses_commands),
		cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
