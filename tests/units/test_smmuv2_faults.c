/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The driver of the SMMUv1 and the SMMUv2: faults, take-over, units that fail, translation by register. */
#include "smmuv2_rig.h"

/* ---- faults ---- */

static void faults(void **state)
{
	struct rig *rig = rig_open(&plain, 1);
	struct dmah_iommu_fault f;
	struct dmah h = { 0 };
	bool lost = false;
	char byte;

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_false(writes(rig, 2, 0x7000));
	f = one_fault(rig, 0);
	assert_true(f.code == F_NO_STREAM && f.id == device(rig, 2)->id && f.addr == 0x7000 &&
		    f.write);
	assert_false(writes(rig, 0, 0x9000));
	f = one_fault(rig, 0);
	assert_true(f.code == F_NOTHING && f.id == device(rig, 0)->id && f.addr == 0x9000 &&
		    f.write);
	assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_TO_DEVICE, 0), DMAH_OK);
	assert_int_equal(sim_dma_read(rig->dev[0], dmah_addr(&h), &byte, 1), SIM_OK);
	assert_false(writes(rig, 0, dmah_addr(&h)));
	f = one_fault(rig, 0);
	assert_true(f.code == F_PERMISSION && f.addr == dmah_addr(&h) && f.write);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	assert_int_equal(sim_dma_read(rig->dev[0], dmah_addr(&h), &byte, 1), SIM_FAULT_TRANSLATION);
	f = one_fault(rig, 0);
	assert_true(!f.write && f.code == F_NOTHING);
	/* There is one record: the first fault is kept, and a mark that others were lost. */
	for (unsigned int i = 0; i < 5; i++)
		assert_false(writes(rig, 0, 0x10000 + 0x1000 * i));
	assert_int_equal(rig->smmu[0].iommu.ops->faults(&rig->smmu[0].iommu, &f, 1, &lost), 1);
	assert_true(lost && f.addr == 0x10000);
	lost = false;
	assert_int_equal(rig->smmu[0].iommu.ops->faults(&rig->smmu[0].iommu, &f, 1, &lost), 0);
	assert_false(lost);
	assert_int_equal(rig->reports, 0);
	rig_close(rig);
}

/* The wire of a fault is raised while interrupts are on, by the unit and by a context bank. */
static void interrupts(void **state)
{
	struct rig *rig = rig_open(&plain, 1);
	struct sim_smmuv2_stats stats;

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	for (unsigned int on = 0; on < 2; on++) {
		dmah_smmuv2_irq(&rig->smmu[0], on);
		assert_false(writes(rig, 0, 0x9000));
		(void)one_fault(rig, 0);
		assert_false(writes(rig, 2, 0x9000));
		(void)one_fault(rig, 0);
		sim_smmuv2_stats(rig->regs[0], &stats);
		assert_int_equal(stats.wires, on ? 2 : 0);
	}
	/* A bank that is bound later has its interrupt on too. */
	assert_int_equal(dmah_detach(device(rig, 0)), DMAH_OK);
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_false(writes(rig, 0, 0x9000));
	sim_smmuv2_stats(rig->regs[0], &stats);
	assert_int_equal(stats.wires, 3);
	(void)one_fault(rig, 0);
	rig_close(rig);
}

/* A transaction that stalls is terminated; it is retried where its address has been mapped meanwhile. */
static void stalls(void **state)
{
	static const struct kind kind = { .driver = { .stall = true } };
	struct rig *rig = rig_open(&kind, 1);
	struct sim_smmuv2_stats stats;
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	dma = dmah_addr(&h);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	assert_false(writes(rig, 0, dma));
	assert_int_equal(one_fault(rig, 0).addr, dma);
	sim_smmuv2_stats(rig->regs[0], &stats);
	assert_true(stats.terminated == 1 && stats.retried == 0);
	assert_false(writes(rig, 0, dma));
	do {
		h = (struct dmah){ 0 };
		assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
	} while (dmah_addr(&h) != dma && !dmah_unmap(device(rig, 0), &h));
	(void)one_fault(rig, 0);
	sim_smmuv2_stats(rig->regs[0], &stats);
	assert_true(stats.terminated == 1 && stats.retried == 1);
	assert_true(rig->smmu[0].terminated == 1 && rig->smmu[0].retried == 1);
	assert_true(writes(rig, 0, dma));
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	rig_close(rig);
}

/* A transaction that a device had stalled before its kill ends: the device reaches nothing, though the address is mapped later. */
static void killed_stall(void **state)
{
	static const struct kind kind = { .driver = { .stall = true } };
	struct rig *rig = rig_open(&kind, 1);
	struct sim_smmuv2_stats stats;
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(try_attach(rig, i), DMAH_OK);
	assert_int_equal(dmah_map(device(rig, 1), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	dma = dmah_addr(&h);
	assert_int_equal(dmah_unmap(device(rig, 1), &h), DMAH_OK);
	assert_false(writes(rig, 0, dma));
	assert_int_equal(dmah_kill(device(rig, 0)), DMAH_OK);
	do {
		h = (struct dmah){ 0 };
		assert_int_equal(dmah_map(device(rig, 1), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
	} while (dmah_addr(&h) != dma && !dmah_unmap(device(rig, 1), &h));
	(void)faults_of(rig, 0);
	sim_smmuv2_stats(rig->regs[0], &stats);
	assert_true(stats.terminated == 1 && stats.retried == 0);
	/* The other device's go on. */
	assert_false(writes(rig, 1, 0x9000));
	assert_int_equal(one_fault(rig, 0).addr, 0x9000);
	assert_int_equal(dmah_unmap(device(rig, 1), &h), DMAH_OK);
	/* The last device of a domain leaves: nothing stays stalled in a bank that is off, nor is left to its next owner. */
	assert_false(writes(rig, 1, 0x9000));
	assert_int_equal(dmah_detach(device(rig, 1)), DMAH_OK);
	sim_smmuv2_stats(rig->regs[0], &stats);
	assert_int_equal(stats.terminated, 3);
	rig_close(rig);
}

/* ---- taking over ---- */

/* Streams that no unit has are not let through, nor others in their place. */
static void bypass_beyond(void **state)
{
	static const struct dmah_smmuv2_bypass odd[] = {
		{ 0x7fff0000, 1 }, { 0x00070008, 1 }, { 0xfffffff0, 0x40 }, { 0x8000, 0xffffffff }
	};
	static const struct kind kind = { .driver = { .bypass = odd, .nbypass = 4 } };
	struct rig *rig = rig_open(&kind, 1);

	(void)state;
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_false(writes(rig, i, rig->memory));
	rig_close(rig);
}

/* Firmware lets streams through by a mask, translates another, and has a stalled transaction. */
static void take_over(void **state)
{
	static const struct dmah_smmuv2_bypass running[] = { { 8, 1 }, { 128, 1 } };
	static const struct kind kind = { .driver = { .bypass = running, .nbypass = 2 } };
	struct rig *rig = rig_begin(&kind, 1);
	struct sim_smmuv2 *regs = rig->regs[0];

	(void)state;
	/* Devices have the streams 8, 48, 88 and 128. */
	sim_smmuv2_poke(regs, SMR(3), VALID | 0x7fu << 16 | 8);
	sim_smmuv2_poke(regs, S2CR(3), LEADS_BYPASS);
	sim_smmuv2_poke(regs, CBAR(5), 1u << 16);
	sim_smmuv2_poke(regs, BANK(5) + SCTLR, 1u << 7 | 1u << 5);
	sim_smmuv2_poke(regs, 0, 0);
	assert_true(writes(rig, 0, rig->memory) && writes(rig, 1, rig->memory));
	assert_int_equal(rig_init(rig, &kind, 0), DMAH_OK);
	assert_true(writes(rig, 0, rig->memory));
	for (unsigned int i = 1; i < 3; i++) {
		assert_false(writes(rig, i, rig->memory));
		assert_int_equal(one_fault(rig, 0).id, device(rig, i)->id);
	}
	assert_true(writes(rig, 3, rig->memory));
	rig_domain(rig);
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_false(writes(rig, 0, rig->memory));
	assert_true(writes(rig, 3, rig->memory));
	rig_close(rig);
}

/* ---- units that fail ---- */

/* A unit that is slow: what it does not confirm is quarantined, and it is back when it answers. */
static void slow_unit(void **state)
{
	struct rig *rig = rig_open(&plain, 1);
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	sim_smmuv2_hold(rig->regs[0], true);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_ETIMEDOUT);
	assert_int_equal(rig->reports, 1);
	assert_int_equal(try_attach(rig, 1), DMAH_ETIMEDOUT);
	assert_false(writes(rig, 1, 0x1000));
	sim_smmuv2_hold(rig->regs[0], false);
	assert_int_equal(try_attach(rig, 1), DMAH_OK);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	h = (struct dmah){ 0 };
	assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	assert_true(writes(rig, 0, dmah_addr(&h)) && writes(rig, 1, dmah_addr(&h)));
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	assert_false(writes(rig, 0, dmah_addr(&h)));
	rig_close(rig);
}

/* A unit that is gone, dead for good, or has lost its registers: failed until it is reset. */
static void failed_unit(void **state)
{
	(void)state;
	for (unsigned int how = 0; how < 3; how++) {
		struct rig *rig = rig_open(&plain, 1);
		struct dmah_iommu_fault f;
		struct dmah h = { 0 };
		bool lost = false;
		uint64_t begun;

		assert_int_equal(try_attach(rig, 0), DMAH_OK);
		assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		if (how == 2)
			sim_repair(rig->sim, true);
		else
			sim_fail(sim_iommu(rig->sim, 0), how ? SIM_FAIL_DEAD : SIM_FAIL_ONES, 1, 0);
		/* A unit that has lost its registers answers all the same: a look at its faults tells. */
		if (how == 2)
			assert_int_equal(rig->smmu[0].iommu.ops->faults(&rig->smmu[0].iommu, &f, 1,
									&lost),
					 0);
		assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_ETIMEDOUT);
		assert_int_equal(rig->reports, 1);
		/* Nobody waits for it again. */
		begun = dmah_host_now();
		assert_int_equal(dmah_flush(rig->dom), DMAH_ETIMEDOUT);
		assert_true(dmah_host_now() - begun < TIMEOUT);
		assert_int_equal(dmah_smmuv2_reset(&rig->smmu[0]),
				 how == 2 ? DMAH_OK : DMAH_ETIMEDOUT);
		sim_repair(rig->sim, how != 2);
		assert_int_equal(dmah_smmuv2_reset(&rig->smmu[0]), DMAH_OK);
		assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
		h = (struct dmah){ 0 };
		assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		assert_true(writes(rig, 0, dmah_addr(&h)));
		assert_false(writes(rig, 1, dmah_addr(&h)));
		assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
		assert_false(writes(rig, 0, dmah_addr(&h)));
		rig_close(rig);
	}
}

/* MMU-500: prefetch is off again after a loss of all registers. */
static void reset_without_prefetch(void **state)
{
	const struct kind *mmu500 = &kinds[8];
	struct rig *rig = rig_open(mmu500, 1);

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	sim_repair(rig->sim, true);
	assert_int_equal(sim_smmuv2_peek(rig->regs[0], BANK(0) + ACTLR) & 2, 2);
	assert_int_equal(dmah_smmuv2_reset(&rig->smmu[0]), DMAH_OK);
	assert_int_equal(sim_smmuv2_peek(rig->regs[0], BANK(0) + ACTLR) & 2, 0);
	rig_close(rig);
}

/* Interrupts are switched while the unit has lost its registers: it counts as lost until its reset, which has them on. */
static void interrupts_of_lost_unit(void **state)
{
	struct rig *rig = rig_open(&plain, 1);
	struct sim_smmuv2_stats stats;

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	sim_repair(rig->sim, true);
	dmah_smmuv2_irq(&rig->smmu[0], true);
	assert_int_equal(try_attach(rig, 1), DMAH_ETIMEDOUT);
	assert_int_equal(rig->reports, 1);
	assert_int_equal(dmah_smmuv2_reset(&rig->smmu[0]), DMAH_OK);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	assert_false(writes(rig, 0, 0x9000));
	assert_false(writes(rig, 2, 0x9000));
	sim_smmuv2_stats(rig->regs[0], &stats);
	assert_int_equal(stats.wires, 2);
	rig->reports = 0;
	assert_int_equal(faults_of(rig, 0), 2);
	rig_close(rig);
}

/* Hints of CR0 and reserved bits of status registers have no meaning. */
static void other_bits(void **state)
{
	static const struct kind kind = { .model = { .other_bits = true, .polls = 2 } };
	struct rig *rig = rig_open(&kind, 1);
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	assert_true(writes(rig, 0, dmah_addr(&h)));
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	assert_int_equal(faults_of(rig, 0), 0);
	assert_int_equal(try_attach(rig, 1), DMAH_OK);
	assert_int_equal(rig->reports, 0);
	rig_close(rig);
}

/* ---- translation by register ---- */

static struct dmah_smmuv2_table table_of(struct rig *rig)
{
	struct dmah_smmuv2_table table = { .smmu = &rig->smmu[0] };

	assert_int_equal(dmah_domain_pt(rig->dom, &table.pt), DMAH_OK);
	return table;
}

/* Pairs of a map and an unmap: by handle no lookup, by address one of at least 3 accesses to registers. */
static void lookup_by_register(void **state)
{
	static const struct kind kind = { .model = { .polls = 2 } };
	struct rig *rig = rig_open(&kind, 1);
	struct dmah_smmuv2_table table = table_of(rig);
	const struct dmah_lookup lookup = { dmah_smmuv2_lookup, &table };
	struct dmah_stats before, after;
	struct sim_smmuv2_stats stats;
	struct dmah h = { 0 };
	dmah_addr_t dma;
	uint64_t steps = 0;

	(void)state;
	assert_int_equal(dmah_addr_set_lookup(rig->dom, &lookup), DMAH_OK);
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	dmah_device_stats(device(rig, 0), &before);
	for (unsigned int i = 0; i < 100; i++) {
		h = (struct dmah){ 0 };
		assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory + 64, 64,
					  DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	}
	dmah_device_stats(device(rig, 0), &after);
	assert_int_equal(after.reverse_lookups, before.reverse_lookups);
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(dmah_addr_map(device(rig, 0), rig->memory + 64, 64,
					       DMAH_FROM_DEVICE, 0, &dma),
				 DMAH_OK);
		assert_true(writes(rig, 0, dma));
		assert_int_equal(dmah_addr_unmap(device(rig, 0), dma, 64, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
	}
	before = after;
	dmah_device_stats(device(rig, 0), &after);
	assert_int_equal(after.reverse_lookups - before.reverse_lookups, 100);
	/* The write, three reads of ATSR, PAR. */
	assert_int_equal(after.lookup_steps - before.lookup_steps, 500);
	sim_smmuv2_stats(rig->regs[0], &stats);
	assert_int_equal(stats.lookups, 100);
	assert_int_equal(rig->smmu[0].lookups, 100);
	assert_int_equal(dmah_smmuv2_lookup(&table, rig->dom, 0x5000, &steps), ~0ull);
	assert_int_equal(dmah_addr_unmap(device(rig, 0), dma, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_ESTALE);
	rig_close(rig);
}

/* The table in memory answers where the registers are busy, late or absent. */
static void lookup_by_walk(void **state)
{
	static const struct kind walked[] = { { .model = { .no_ats1 = true } },
					      { .stage2 = true },
					      { .model = { .polls = 1 } },
					      { .model = { .polls = 1 } } };

	(void)state;
	for (unsigned int k = 0; k < 4; k++) {
		struct rig *rig = rig_open(&walked[k], 1);
		struct dmah_smmuv2_table table = table_of(rig);
		struct dmah h = { 0 };
		uint64_t steps = 0;

		assert_int_equal(try_attach(rig, 0), DMAH_OK);
		assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory + 8, 64, DMAH_FROM_DEVICE,
					  0),
				 DMAH_OK);
		if (k == 2)
			rig->smmu[0].bank[0].lookup_busy = 1;
		if (k == 3)
			sim_fail(sim_iommu(rig->sim, 0), SIM_FAIL_DEAD, 1, 0);
		assert_int_equal(dmah_smmuv2_lookup(&table, rig->dom, dmah_addr(&h), &steps),
				 rig->memory + 8);
		assert_true(steps >= 3 && rig->smmu[0].lookups_walked == 1);
		sim_repair(rig->sim, false);
		rig->smmu[0].bank[0].lookup_busy = 0;
		assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
		rig_close(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults),
		cmocka_unit_test(interrupts),
		cmocka_unit_test(stalls),
		cmocka_unit_test(killed_stall),
		cmocka_unit_test(bypass_beyond),
		cmocka_unit_test(take_over),
		cmocka_unit_test(slow_unit),
		cmocka_unit_test(failed_unit),
		cmocka_unit_test(reset_without_prefetch),
		cmocka_unit_test(interrupts_of_lost_unit),
		cmocka_unit_test(other_bits),
		cmocka_unit_test(lookup_by_register),
		cmocka_unit_test(lookup_by_walk),
	};

	return cmocka_run_group_tests_name("smmuv2_faults", tests, NULL, NULL);
}
