/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A setup call that begins while another thread's attach binds its device: the call waits until the attach is over. The
 * library calls the host out of line, and the linker wraps dmah_host_relax(), which a call that waits must call.
 */
#include "rig.h"

#include <dmah/host.h>
#include <pthread.h>
#include <sched.h>

void __real_dmah_host_relax(void);
void __wrap_dmah_host_relax(void);

static unsigned int relaxed;

void __wrap_dmah_host_relax(void)
{
	__atomic_add_fetch(&relaxed, 1, __ATOMIC_RELEASE);
	__real_dmah_host_relax();
}

/* The second call. @there: a device that is attached already; @more: one that is not. */
struct second {
	struct rig *r;
	struct dmah_device *there;
	struct dmah_device *more;
	struct dmah_limits limits;
	int (*call)(struct second *s);
	int err;
	bool over;
	bool waited;
	pthread_t thread;
};

static int second_attach(struct second *s)
{
	return dmah_attach(s->r->dom, s->more, &s->limits);
}

static int second_detach(struct second *s)
{
	return dmah_detach(s->there);
}

static int second_set_mode(struct second *s)
{
	return dmah_set_mode(s->r->dom, DMAH_LAZY);
}

static int second_reserve(struct second *s)
{
	return dmah_reserve(s->r->dom, 1, 4096);
}

static int second_add_iommu(struct second *s)
{
	return dmah_domain_add_iommu(s->r->dom, s->r->iommu);
}

static void *run(void *arg)
{
	struct second *s = arg;

	posix_set_cpu(1);
	s->err = s->call(s);
	__atomic_store_n(&s->over, true, __ATOMIC_RELEASE);
	return NULL;
}

static struct second second;

/* In the middle of the first attach: returns when the second call is over or waits. */
static int begin_second(struct rig *r, struct dmah_device *dev, enum dmah_bind how)
{
	(void)dev;
	(void)how;
	r->on_bind = NULL;
	assert_int_equal(pthread_create(&second.thread, NULL, run, &second), 0);
	while (!__atomic_load_n(&relaxed, __ATOMIC_ACQUIRE) &&
	       !__atomic_load_n(&second.over, __ATOMIC_ACQUIRE))
		sched_yield();
	second.waited = !__atomic_load_n(&second.over, __ATOMIC_ACQUIRE);
	return DMAH_OK;
}

static void waits(int (*call)(struct second *s), int want)
{
	static const struct rig_config config = { .domain = { .cpus = 2, .devices = 4 },
						  .timeout = 1000000000000 };

	for (enum rig_kind kind = RIG_FAKE_VTD; kind < RIG_KINDS; kind++) {
		struct dmah_device *a;
		struct rig r;

		rig_open(&r, kind, &config);
		second = (struct second){ .r = &r, .call = call };
		second.there = rig_attach(&r, false);
		second.more = rig_device(&r, false);
		second.limits = rig_limits(&r, second.more);
		__atomic_store_n(&relaxed, 0, __ATOMIC_RELEASE);
		r.on_bind = begin_second;
		a = rig_attach(&r, false);
		assert_int_equal(pthread_join(second.thread, NULL), 0);
		assert_true(second.waited);
		assert_int_equal(second.err, want);
		for (unsigned int i = 0; i < r.ndevices; i++)
			if (sim_device_dmah(r.dev[i])->dom)
				assert_int_equal(dmah_detach(sim_device_dmah(r.dev[i])), DMAH_OK);
		assert_null(a->dom);
		rig_close(&r);
	}
}

static void attach_waits(void **state)
{
	(void)state;
	waits(second_attach, DMAH_OK);
}

static void detach_waits(void **state)
{
	(void)state;
	waits(second_detach, DMAH_OK);
}

static void set_mode_waits(void **state)
{
	(void)state;
	waits(second_set_mode, DMAH_OK);
}

static void reserve_waits(void **state)
{
	(void)state;
	waits(second_reserve, DMAH_OK);
}

static void add_iommu_waits(void **state)
{
	(void)state;
	waits(second_add_iommu, DMAH_EBUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attach_waits),	   cmocka_unit_test(detach_waits),
		cmocka_unit_test(set_mode_waits),  cmocka_unit_test(reserve_waits),
		cmocka_unit_test(add_iommu_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
