/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Calls beside each other, at random, on one domain: two threads attach, kill and detach devices of their own, a third one
 * maps in every way for a device that stays and looks at memory through it, a fourth one changes modes, reserves, flushes,
 * polls, takes faults and gives up a CPU. ThreadSanitizer watches in its build.
 */
#include "rig.h"
#include "beside_ways.h"

#include <dmah/fault.h>

#include <pthread.h>

#define ROUNDS 150u
#define CPUS   6u

static struct rig rig;
static bool stop;

struct worker {
	struct dmah_device *dev;
	struct dmah_limits limits;
	dmah_phys_t page;
	unsigned int cpu;
};

/* Attach, map, perhaps kill, unmap, detach: every error but DMAH_EBUSY from a change of modes is a failure. */
static void *come_and_go(void *arg)
{
	struct worker *w = arg;

	posix_set_cpu(w->cpu);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct dmah h = { 0 };
		int err = dmah_attach(rig.dom, w->dev, &w->limits);

		assert_int_equal(err, DMAH_OK);
		err = dmah_map(w->dev, &h, w->page, 4096, DMAH_FROM_DEVICE, 0);
		assert_true(!err || err == DMAH_EBUSY);
		if (i % 3 == 0) {
			do
				err = dmah_kill(w->dev);
			while (err == DMAH_EBUSY);
			assert_int_equal(err, DMAH_OK);
			assert_false(rig_writes(&rig, w->dev, w->page));
		}
		if (dmah_mapped(&h))
			assert_int_equal(dmah_unmap(w->dev, &h), DMAH_OK);
		assert_int_equal(dmah_detach(w->dev), DMAH_OK);
	}
	return NULL;
}

/* In lazy, strict and passthrough alike the device's writes arrive in the buffer, however it was mapped. */
static void *use(void *arg)
{
	struct worker *w = arg;

	posix_set_cpu(w->cpu);
	for (unsigned int i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++)
		beside_way(&rig, w->dev, w->page, i);
	return NULL;
}

static void *keep_house(void *arg)
{
	struct worker *w = arg;
	uint64_t next;

	posix_set_cpu(w->cpu);
	for (unsigned int i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
		int err = dmah_set_mode(rig.dom, (enum dmah_mode)(i % 3));

		assert_true(!err || err == DMAH_EBUSY);
		assert_int_equal(dmah_flush(rig.dom), DMAH_OK);
		assert_int_equal(dmah_poll(rig.dom, dmah_host_now(), &next), DMAH_OK);
		err = dmah_faults(rig.iommu, NULL, NULL, NULL);
		assert_true(!err || err == DMAH_ENOTSUP);
		/* No thread runs on the last CPU. */
		assert_int_equal(dmah_cpu_dead(rig.dom, CPUS - 1), DMAH_OK);
		assert_int_equal(dmah_domain_add_iommu(rig.dom, rig.iommu), DMAH_EBUSY);
		if (i == 5)
			assert_int_equal(dmah_reserve(rig.dom, 4, 4096), DMAH_OK);
	}
	return NULL;
}

static void beside(enum rig_kind kind)
{
	static const struct rig_config config = {
		.domain = { .mode = DMAH_LAZY, .cpus = CPUS, .devices = 4, .lazy_entries = 8 },
		.timeout = 1000000000000,
	};
	struct worker w[4] = { 0 };
	pthread_t thread[4];

	rig_open(&rig, kind, &config);
	__atomic_store_n(&stop, false, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < 4; i++) {
		w[i].cpu = i + 1;
		w[i].page = rig_page(&rig, 3);
		w[i].dev = i < 3 ? rig_device(&rig, i == 1) : NULL;
		if (i < 3)
			w[i].limits = rig_limits(&rig, w[i].dev);
	}
	assert_int_equal(dmah_attach(rig.dom, w[2].dev, &w[2].limits), DMAH_OK);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL,
						i < 2	 ? come_and_go
						: i == 2 ? use
							 : keep_house,
						&w[i]),
				 0);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (unsigned int i = 2; i < 4; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(dmah_detach(w[2].dev), DMAH_OK);
	rig_close(&rig);
}

static void fake_vtd(void **state)
{
	(void)state;
	beside(RIG_FAKE_VTD);
}

static void fake_smmu(void **state)
{
	(void)state;
	beside(RIG_FAKE_SMMU);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fake_vtd),
		cmocka_unit_test(fake_smmu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
