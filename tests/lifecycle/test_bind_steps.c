/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A unit that had not answered returns to service between any two steps of a call that binds devices, and a device uses
 * its translations at that moment. A call that fails leaves no device bound as it wanted, whatever the unit had cached.
 */
#include "rig.h"
#include "steps.h"

#define PAGE	   4096u
#define STEPS_MOST 2000u
/* A wait that times out has few steps. */
#define TIMEOUT 1000u

static struct {
	struct rig *r;
	struct dmah_device *dev[2];
	dmah_addr_t dma;
	int err;
} service;

static void use(void)
{
	for (unsigned int i = 0; i < 2; i++)
		(void)rig_writes(service.r, service.dev[i], service.dma);
}

/* The devices fill what caches there are, before and after the unit goes on. */
static void return_to_service(void)
{
	use();
	rig_hold(service.r, false);
	use();
	service.err = dmah_flush(service.r->dom);
	use();
}

/**
 * struct step_case - a case.
 * @kind: the unit's driver.
 * @ats: the device has a TLB.
 * @has_failed: the unit counts as failed from the beginning.
 * @hold: the step from which the unit does not answer, counted from the first bind; 0: the bind itself.
 */
struct step_case {
	enum rig_kind kind;
	bool ats;
	bool has_failed;
	unsigned int hold;
};

static const struct step_case *now;
static unsigned int step;

/* From here on the unit does not answer, until that step. */
static void hold(void)
{
	rig_hold(service.r, true);
	if (now->has_failed)
		assert_int_equal(dmah_flush(service.r->dom), DMAH_ETIMEDOUT);
	steps_arm(step, return_to_service);
}

static int begin(struct rig *r, struct dmah_device *dev, enum dmah_bind how)
{
	(void)dev;
	(void)how;
	r->on_bind = NULL;
	if (now->hold)
		steps_arm(now->hold, hold);
	else
		hold();
	return DMAH_OK;
}

static void hold_at_bind(struct rig *r, const struct step_case *c, unsigned int n)
{
	now = c;
	step = n;
	r->on_bind = begin;
}

static bool reaches(struct rig *r, unsigned int dev, dmah_phys_t page)
{
	return sim_reaches_memory(rig_sim(r, service.dev[dev]), page, PAGE) != 0;
}

/* Attach a device beside another one that has a live mapping. Returns true if the attach has step @n. */
static bool attach_at(const struct step_case *c, unsigned int n)
{
	static const struct rig_config config = { .domain = { .cpus = 2 }, .timeout = TIMEOUT };
	struct dmah_limits limits;
	struct dmah h = { 0 };
	dmah_phys_t page;
	struct rig r;
	bool reached;
	int err;

	rig_open(&r, c->kind, &config);
	service.r = &r;
	service.dev[0] = rig_attach(&r, false);
	service.dev[1] = rig_device(&r, c->ats);
	page = rig_page(&r, 1);
	assert_int_equal(dmah_map(service.dev[0], &h, page, PAGE, DMAH_BIDIRECTIONAL, 0), 0);
	service.dma = dmah_addr(&h);
	use();
	limits = rig_limits(&r, service.dev[1]);
	hold_at_bind(&r, c, n);
	err = dmah_attach(r.dom, service.dev[1], &limits);
	reached = steps_disarm();
	rig_hold(&r, false);
	if (err && reached && reaches(&r, 1, page))
		fail_msg("%s, hold at %u, step %u: the attach failed, and memory is reached",
			 rig_text(c->kind), c->hold, n);
	for (unsigned int i = 0; i < 3 && dmah_flush(r.dom); i++)
		;
	assert_false(err && reaches(&r, 1, page));
	/* The device's TLB keeps nothing until the device is attached after all. */
	assert_int_equal(dmah_unmap(service.dev[0], &h), 0);
	if (err)
		assert_int_equal(dmah_attach(r.dom, service.dev[1], &limits), 0);
	if (reaches(&r, 1, page) || reaches(&r, 0, page))
		fail_msg("%s, step %u: memory is reached after its unmap", rig_text(c->kind), n);
	assert_int_equal(dmah_detach(service.dev[1]), 0);
	assert_int_equal(dmah_detach(service.dev[0]), 0);
	rig_close(&r);
	return reached;
}

/* Change to passthrough. Returns true if the change has step @n. */
static bool change_at(const struct step_case *c, unsigned int n)
{
	static const struct rig_config config = { .domain = { .cpus = 2 }, .timeout = TIMEOUT };
	dmah_phys_t page;
	struct rig r;
	bool reached;
	int err;

	rig_open(&r, c->kind, &config);
	service.r = &r;
	service.dev[0] = rig_attach(&r, false);
	service.dev[1] = rig_attach(&r, c->ats);
	page = rig_page(&r, 1);
	service.dma = page;
	hold_at_bind(&r, c, n);
	err = dmah_set_mode(r.dom, DMAH_PASSTHROUGH);
	reached = steps_disarm();
	rig_hold(&r, false);
	for (unsigned int i = 0; i < 3 && dmah_flush(r.dom); i++)
		;
	if (err && (reaches(&r, 0, page) || reaches(&r, 1, page)))
		fail_msg("%s, step %u: the change failed, and memory is reached", rig_text(c->kind),
			 n);
	if (!err)
		assert_int_equal(dmah_set_mode(r.dom, DMAH_STRICT), 0);
	assert_false(reaches(&r, 0, page) || reaches(&r, 1, page));
	assert_int_equal(dmah_detach(service.dev[1]), 0);
	assert_int_equal(dmah_detach(service.dev[0]), 0);
	rig_close(&r);
	return reached;
}

/* Returns true if the call has more than one step behind the one from which the unit does not answer. */
static bool all_steps(bool (*at)(const struct step_case *c, unsigned int n),
		      const struct step_case *c)
{
	unsigned int n = 1;

	while (at(c, n))
		assert_true(++n < STEPS_MOST);
	return n > 2;
}

/* The fake IOMMU asks for the time while it holds its lock. */
static struct step_case case_of(unsigned int way)
{
	return (struct step_case){ way & 4 ? RIG_SMMU : RIG_VTD, way & 1, way & 2, 0 };
}

static void service_beside_an_attach(void **state)
{
	(void)state;
	for (unsigned int way = 0; way < 8; way++) {
		struct step_case c = case_of(way);

		while (all_steps(attach_at, &c))
			c.hold++;
		assert_true(c.hold > 2);
	}
}

static void service_beside_a_change_of_modes(void **state)
{
	(void)state;
	for (unsigned int way = 0; way < 8; way++) {
		struct step_case c = case_of(way);

		assert_true(all_steps(change_at, &c));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(service_beside_an_attach),
		cmocka_unit_test(service_beside_a_change_of_modes),
	};

	return cmocka_run_group_tests_name("bind-steps", tests, NULL, NULL);
}
