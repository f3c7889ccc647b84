// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Register models with tables and commands written by hand: the time at which each command takes effect. Numbers are the
 * specifications'.
 */
#include "by_hand.h"

#include <dmah/host.h>

/* ---- VT-d ---- */

/* An invalidation takes effect no later than the wait behind it, and not before. */
static void vtd_invalidates_with_the_mark(void **state)
{
	(void)state;
	(void)vtd_open(false);
	assert_true(reaches());
	t_put64(hand.sim, LEAF, 0);
	assert_true(reaches());
	vtd_command(2 | 3 << 4 | 7 << 16, IOVA);
	assert_int_equal(dmah_host_read32(hand.regs + 0x80), hand.tail);
	assert_true(reaches());
	vtd_mark(false);
	assert_int_equal(t_get64(hand.sim, MARK), 0x1234);
	assert_false(reaches());
	/* Invalidations of another domain or page have no effect. */
	t_put64(hand.sim, LEAF, PAGE | 3);
	assert_true(reaches());
	t_put64(hand.sim, LEAF, 0);
	vtd_command(2 | 3 << 4 | 8 << 16, IOVA);
	vtd_command(2 | 3 << 4 | 7 << 16, IOVA + 4096);
	vtd_mark(false);
	assert_true(reaches());
	vtd_command(2 | 2 << 4 | 7 << 16, 0);
	vtd_mark(false);
	assert_false(reaches());
	close_machine();
}

/* Without a fence the device's TLB is invalidated first, and is filled from the stale IOTLB again. */
static void vtd_device_tlb(void **state)
{
	(void)state;
	for (unsigned int fence = 0; fence < 2; fence++) {
		(void)vtd_open(true);
		assert_true(reaches());
		t_put64(hand.sim, LEAF, 0);
		vtd_command(2 | 3 << 4 | 7 << 16, IOVA);
		vtd_mark(fence);
		vtd_command(3 | (uint64_t)ID << 32, IOVA);
		vtd_mark(false);
		/* The earlier wait has carried the IOTLB's invalidation out. */
		assert_int_equal(reaches(), false);
		close_machine();
	}
	/* Queue all commands before the unit takes them. */
	for (unsigned int fence = 0; fence < 2; fence++) {
		struct sim_vtd *unit = vtd_open(true);

		assert_true(reaches());
		t_put64(hand.sim, LEAF, 0);
		sim_vtd_hold(unit, true);
		vtd_command(2 | 3 << 4 | 7 << 16, IOVA);
		vtd_mark(fence);
		vtd_command(3 | (uint64_t)ID << 32, IOVA);
		vtd_mark(false);
		sim_vtd_hold(unit, false);
		assert_int_equal(reaches(), !fence);
		close_machine();
	}
}

/* A cached context entry is dropped under the domain id that was in it, or with all. */
static void vtd_contexts(void **state)
{
	(void)state;
	(void)vtd_open(false);
	assert_true(reaches());
	t_put64(hand.sim, CTX + ID * 16, 0);
	vtd_command(1 | 3 << 4 | 8 << 16 | (uint64_t)ID << 32, 0);
	vtd_mark(false);
	assert_true(reaches());
	vtd_command(1 | 3 << 4 | 7 << 16 | (uint64_t)(ID + 1) << 32, 0);
	vtd_mark(false);
	assert_true(reaches());
	vtd_command(1 | 3 << 4 | 7 << 16 | (uint64_t)ID << 32, 0);
	vtd_mark(false);
	assert_false(reaches());
	close_machine();
}

/* Two records: the third fault is lost. An invalid command stops the queue until the error is cleared. */
static void vtd_errors(void **state)
{
	(void)state;
	(void)vtd_open(false);
	for (unsigned int i = 1; i <= 3; i++)
		assert_int_not_equal(sim_dma_write(hand.dev, i << 20, "x", 1), SIM_OK);
	assert_int_equal(dmah_host_read32(hand.regs + 0x34), 3);
	assert_int_equal(dmah_host_read32(hand.regs + 0x200), 1 << 20);
	assert_int_equal(dmah_host_read32(hand.regs + 0x208), ID);
	assert_int_equal(dmah_host_read32(hand.regs + 0x20c), 1u << 31 | 5);
	dmah_host_write32(hand.regs + 0x20c, 1u << 31);
	assert_int_equal(dmah_host_read32(hand.regs + 0x34), 1 << 8 | 3);
	dmah_host_write32(hand.regs + 0x21c, 1u << 31);
	dmah_host_write32(hand.regs + 0x34, 1);
	assert_int_equal(dmah_host_read32(hand.regs + 0x34), 0);
	vtd_command(0xf, 0);
	vtd_mark(false);
	assert_int_equal(dmah_host_read32(hand.regs + 0x34), 1 << 4);
	assert_int_equal(dmah_host_read32(hand.regs + 0x80), hand.tail - 32);
	t_put64(hand.sim, QUEUE + hand.tail - 32, 2 | 1 << 4);
	dmah_host_write32(hand.regs + 0x34, 1 << 4);
	assert_int_equal(dmah_host_read32(hand.regs + 0x80), hand.tail);
	assert_int_equal(t_get64(hand.sim, MARK), 0x1234);
	close_machine();
}

/* A client machine: tables of 4 levels alone, and addresses of 39 bits. */
static void vtd_narrow_addresses(void **state)
{
	struct sim_vtd_config config = { .no_3_levels = true, .mgaw = 39, .rwbf = true };
	struct sim_vtd_stats stats;
	struct sim_vtd *unit;
	uint64_t l4 = EVQ, cap;

	(void)state;
	unit = vtd_open_with(&config, false);
	cap = dmah_host_read64(hand.regs + 0x08);
	assert_int_equal(cap >> 8 & 0x1f, 4);
	assert_int_equal((cap >> 16 & 0x3f) + 1, 39);
	assert_int_equal(cap >> 4 & 1, 1);
	/* The context entry names 3 levels. */
	assert_false(reaches());
	assert_int_equal(dmah_host_read32(hand.regs + 0x20c), 1u << 31 | 3);
	t_put64(hand.sim, l4, L3 | 3);
	t_put64(hand.sim, CTX + ID * 16, l4 | 1);
	t_put64(hand.sim, CTX + ID * 16 + 8, 7 << 8 | 2);
	assert_true(reaches());
	t_put64(hand.sim, l4 + 8, L3 | 3);
	assert_int_equal(sim_dma_write(hand.dev, (1ull << 39) + IOVA, "x", 1), SIM_FAULT_WIDTH);
	dmah_host_write32(hand.regs + 0x18, 1u << 31 | 1u << 26 | 1u << 27);
	sim_vtd_stats(unit, &stats);
	assert_int_equal(stats.write_flushes, 1);
	close_machine();
}

/* Register writes that the specification forbids. */
static void vtd_misuse(void **state)
{
	(void)state;
	(void)vtd_open(false);
	t_count_misuse(true);
	dmah_host_write64(hand.regs + 0x90, QUEUE);
	dmah_host_write32(hand.regs + 0x18, 0);
	dmah_host_write32(hand.regs + 0x70, 1);
	assert_int_equal(t_misuses, 3);
	t_count_misuse(false);
	close_machine();
}

/* ---- SMMUv3 ---- */

static void smmu_invalidates_with_the_sync(void **state)
{
	(void)state;
	(void)smmu_open(false);
	assert_true(reaches());
	t_put64(hand.sim, LEAF, 0);
	smmu_command(0x12 | 9ull << 48, IOVA);
	assert_int_equal(dmah_host_read32(hand.regs + 0x9c), hand.tail);
	assert_true(reaches());
	smmu_command(0x46, 0);
	assert_false(reaches());
	/* And entries of the stream table. */
	t_put64(hand.sim, LEAF, PAGE | 0xc43);
	assert_true(reaches());
	t_put64(hand.sim, STE(ID), 1);
	assert_true(reaches());
	smmu_command(0x03 | (uint64_t)ID << 32, 1);
	assert_true(reaches());
	smmu_command(0x46, 0);
	assert_false(reaches());
	close_machine();
}

static void smmu_device_tlb(void **state)
{
	(void)state;
	for (unsigned int sync = 0; sync < 2; sync++) {
		(void)smmu_open(true);
		assert_true(reaches());
		t_put64(hand.sim, LEAF, 0);
		smmu_command(0x12 | 9ull << 48, IOVA);
		if (sync)
			smmu_command(0x46, 0);
		smmu_command(0x40 | (uint64_t)ID << 32, IOVA);
		smmu_command(0x46, 0);
		assert_int_equal(reaches(), !sync);
		close_machine();
	}
}

/* A queue of two events overflows at the third. An invalid command stops the queue until acknowledged. */
static void smmu_errors(void **state)
{
	(void)state;
	(void)smmu_open(false);
	for (unsigned int i = 1; i <= 4; i++)
		assert_int_not_equal(sim_dma_write(hand.dev, i << 20, "x", 1), SIM_OK);
	assert_int_equal(dmah_host_read32(hand.regs + 0x100a8), 1u << 31 | 2);
	assert_int_equal(t_get64(hand.sim, EVQ) & 0xff, 0x10);
	assert_int_equal(t_get64(hand.sim, EVQ) >> 32, ID);
	assert_int_equal(t_get64(hand.sim, EVQ + 16), 1 << 20);
	dmah_host_write32(hand.regs + 0x100ac, 1u << 31 | 2);
	assert_int_not_equal(sim_dma_write(hand.dev, 5 << 20, "x", 1), SIM_OK);
	assert_int_equal(dmah_host_read32(hand.regs + 0x100a8), 1u << 31 | 3);
	smmu_command(0xff, 0);
	smmu_command(0x46, 0);
	assert_int_equal(dmah_host_read32(hand.regs + 0x60), 1);
	assert_int_equal(dmah_host_read32(hand.regs + 0x9c), 1 << 24);
	t_put64(hand.sim, QUEUE, 0x46);
	dmah_host_write32(hand.regs + 0x64, 1);
	assert_int_equal(dmah_host_read32(hand.regs + 0x9c), hand.tail);
	close_machine();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vtd_invalidates_with_the_mark),
		cmocka_unit_test(vtd_device_tlb),
		cmocka_unit_test(vtd_contexts),
		cmocka_unit_test(vtd_errors),
		cmocka_unit_test(vtd_narrow_addresses),
		cmocka_unit_test(vtd_misuse),
		cmocka_unit_test(smmu_invalidates_with_the_sync),
		cmocka_unit_test(smmu_device_tlb),
		cmocka_unit_test(smmu_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
