/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Interrupt remapping of VT-d and AMD-Vi on hardware that fails. */
#include "irq_rig.h"

/* ---- hardware that fails ---- */

/* A unit that does not answer: a freed block stays taken until its invalidation is confirmed. */
static void silent_unit_on(struct rig *r)
{
	const struct dmah_irq_target target = { .dest = 2, .vector = 0x33 };
	struct dmah_irq irq, more;
	struct dmah_msi msi;

	alloc(r, OWN, 1, &irq);
	set(&irq, 0, 1, 0x22);
	msi = message(&irq, 0);
	arrives(r, OWN, msi, 1, 0x22);
	hold(r, true);
	assert_int_equal(dmah_irq_set(&irq, 0, &target), DMAH_ETIMEDOUT);
	/* The cached entry is used still: the model can tell. */
	arrives(r, OWN, msi, 1, 0x22);
	assert_int_equal(dmah_irq_free(&irq), DMAH_ETIMEDOUT);
	assert_non_null(irq.iommu);
	arrives(r, OWN, msi, 1, 0x22);
	/* No lock is held, and no other call waits for long. */
	if (!r->kind.amd) {
		assert_int_equal(dmah_irq_alloc(r->iommu, &irq.source, 1, &more), DMAH_OK);
		assert_true(more.index != irq.index);
	}
	assert_int_equal(r->reports, 1);
	/* A change that comes late would leave an entry that nobody owns. */
	assert_int_equal(dmah_irq_set(&irq, 0, &target), DMAH_ESTALE);
	r->reports = 0;
	hold(r, false);
	if (r->kind.no_all)
		assert_int_equal(reset(r), DMAH_OK);
	assert_int_equal(dmah_irq_free(&irq), DMAH_OK);
	blocked(r, OWN, msi);
}

static void silent_unit(void **state)
{
	(void)state;
	on_each(silent_unit_on);
}

/* A unit that was slow: entries that changed while nothing could be posted are forgotten when it is back. */
static void slow_unit_forgets_on(struct rig *r)
{
	struct dmah_irq irq[2];
	struct dmah_msi msi[2];

	if (r->kind.no_all)
		return;
	for (unsigned int n = 0; n < 2; n++) {
		alloc(r, n, 1, &irq[n]);
		set(&irq[n], 0, 1, (uint8_t)(0x60 + n));
		msi[n] = message(&irq[n], 0);
		arrives(r, n, msi[n], 1, (uint8_t)(0x60 + n));
	}
	hold(r, true);
	for (unsigned int n = 0; n < 2; n++)
		assert_int_equal(dmah_irq_free(&irq[n]), DMAH_ETIMEDOUT);
	hold(r, false);
	arrives(r, OTHER, msi[1], 1, 0x61);
	if (r->kind.amd)
		dmah_amdvi_errors(&r->amdvi);
	else
		dmah_vtd_errors(&r->vtd);
	blocked(r, OTHER, msi[1]);
	for (unsigned int n = 0; n < 2; n++)
		assert_int_equal(dmah_irq_free(&irq[n]), DMAH_OK);
	assert_int_equal(r->reports, 1);
	r->reports = 0;
}

static void slow_unit_forgets(void **state)
{
	(void)state;
	on_each(slow_unit_forgets_on);
}

/* Disabling is not confirmed: a later call succeeds when the unit, which was merely slow, is back. */
static void silent_at_disabling_on(struct rig *r)
{
	struct dmah_irq irq;

	if (r->kind.no_all)
		return;
	alloc(r, OWN, 1, &irq);
	hold(r, true);
	assert_int_equal(dmah_irq_disable(r->iommu), DMAH_ETIMEDOUT);
	hold(r, false);
	assert_int_equal(dmah_irq_disable(r->iommu), DMAH_OK);
	assert_int_equal(r->reports, 1);
	r->reports = 0;
}

static void silent_at_disabling(void **state)
{
	(void)state;
	on_each(silent_at_disabling_on);
}

/* Enabling is not confirmed: a later call succeeds. */
static void silent_at_enabling(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KINDS; i++) {
		struct dmah_irq irq;
		struct rig r;

		if (kinds[i].x2apic && kinds[i].amd)
			continue;
		open_machine(&r, &kinds[i]);
		assert_int_equal(translate(&r), DMAH_OK);
		hold(&r, true);
		assert_int_equal(remap(&r), DMAH_ETIMEDOUT);
		assert_int_equal(dmah_irq_alloc(r.iommu, &(struct dmah_irq_source){ .id = 1 }, 1,
						&irq),
				 DMAH_EPERM);
		hold(&r, false);
		if (r.kind.no_all)
			assert_int_equal(reset(&r), DMAH_OK);
		assert_int_equal(remap(&r), DMAH_OK);
		blocked(&r, OWN, (struct dmah_msi){ WINDOW, 0x40 });
		r.reports = 0;
		close_rig(&r);
	}
}

/* Each command of a change is refused in turn: it is made good, or not confirmed; and the old entry is not used when it is. */
static void refused_commands_on(struct rig *r)
{
	for (uint64_t nth = 1; nth < 4; nth++) {
		struct dmah_irq irq;
		struct dmah_msi msi;
		int err;

		alloc(r, OWN, 4, &irq);
		set(&irq, 1, 1, 0x23);
		msi = message(&irq, 1);
		arrives(r, OWN, msi, 1, 0x23);
		sim_inject(r->sim, &(struct sim_injection){ .point = SIM_POINT_COMMAND,
							    .nth = nth,
							    .failure = SIM_FAIL_COMMAND });
		err = dmah_irq_free(&irq);
		sim_inject_stop(r->sim);
		assert_true(!err || (r->kind.no_all && err == DMAH_ETIMEDOUT));
		if (err)
			assert_int_equal(dmah_irq_free(&irq), DMAH_OK);
		blocked(r, OWN, msi);
	}
	assert_true(r->reports > 0);
	r->reports = 0;
}

static void refused_commands(void **state)
{
	(void)state;
	on_each(refused_commands_on);
}

/* Power is lost and comes back: entries are what they were, and others are blocked. */
static void power_cycle_on(struct rig *r)
{
	struct dmah_irq irq;
	struct dmah_msi msi;

	alloc(r, OWN, 1, &irq);
	set(&irq, 0, 7, 0x24);
	msi = message(&irq, 0);
	sim_repair(r->sim, true);
	assert_int_equal(reset(r), DMAH_OK);
	arrives(r, OWN, msi, 7, 0x24);
	blocked(r, OTHER, msi);
	set(&irq, 0, 8, 0x24);
	arrives(r, OWN, msi, 8, 0x24);
	r->reports = 0;
}

static void power_cycle(void **state)
{
	(void)state;
	on_each(power_cycle_on);
}

/* Registers are gone from each access of enabling on in turn: after a reset a later call succeeds. */
static void lost_registers(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KINDS; i++) {
		for (uint64_t nth = 1; nth < 24; nth++) {
			struct dmah_irq irq;
			struct rig r;
			int err;

			if (kinds[i].amd && kinds[i].x2apic)
				continue;
			open_machine(&r, &kinds[i]);
			assert_int_equal(translate(&r), DMAH_OK);
			sim_inject(r.sim, &(struct sim_injection){ .point = SIM_POINT_REGISTER,
								   .nth = nth,
								   .failure = SIM_FAIL_ONES });
			err = remap(&r);
			assert_true(!err || err == DMAH_ETIMEDOUT);
			sim_repair(r.sim, true);
			assert_int_equal(reset(&r), DMAH_OK);
			if (err)
				assert_int_equal(remap(&r), DMAH_OK);
			alloc(&r, OWN, 1, &irq);
			set(&irq, 0, 1, 0x2a);
			arrives(&r, OWN, message(&irq, 0), 1, 0x2a);
			blocked(&r, OTHER, message(&irq, 0));
			r.reports = 0;
			close_rig(&r);
		}
	}
}

/* Every allocation fails in turn. */
static void no_memory(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KINDS; i++) {
		const struct dmah_irq_source source = { .id = ids[OWN] };
		struct dmah_irq irq;
		struct rig r;

		open_machine(&r, &kinds[i]);
		posix_fail_alloc(POSIX_FAIL_NTH, 1);
		assert_int_equal(remap(&r), DMAH_ENOMEM);
		posix_fail_alloc(POSIX_FAIL_NEVER, 0);
		assert_int_equal(remap(&r), DMAH_OK);
		assert_int_equal(translate(&r), DMAH_OK);
		for (uint64_t nth = 1; r.kind.amd && nth < 3; nth++) {
			posix_fail_alloc(POSIX_FAIL_NTH, nth);
			assert_int_equal(dmah_irq_alloc(r.iommu, &source, 1, &irq), DMAH_ENOMEM);
			posix_fail_alloc(POSIX_FAIL_NEVER, 0);
			/* The first page stays: try the next. */
		}
		alloc(&r, OWN, 1, &irq);
		set(&irq, 0, 1, 0x28);
		arrives(&r, OWN, message(&irq, 0), 1, 0x28);
		close_rig(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silent_unit),	      cmocka_unit_test(slow_unit_forgets),
		cmocka_unit_test(silent_at_enabling), cmocka_unit_test(silent_at_disabling),
		cmocka_unit_test(refused_commands),   cmocka_unit_test(power_cycle),
		cmocka_unit_test(lost_registers),     cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
