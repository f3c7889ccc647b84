// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Real drivers and the fake IOMMU under injected failures. After a strict unmap that returned 0 no device reaches the
 * memory, whichever failure struck at whichever point.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dmah/device.h>
#include <dmah/dmah.h>

#include "posix.h"
#include "sim.h"
#include "sim_inject.h"
#include "sim_reach.h"
#include "driven_unit.h"

enum kind {
	VTD,
	VTD_FS,
	SMMU,
	SMMU_S2,
	AMD,
	RISCV,
	VIRTIO,
	VIRTIO_HANDLES,
	FAKE_VTD,
	FAKE_SMMU,
	KINDS
};

static const char *const kind_text[KINDS] = { "VT-d",	      "VT-d first stage",
					      "SMMUv3",	      "SMMUv3 stage 2",
					      "AMD-Vi",	      "RISC-V",
					      "virtio-iommu", "virtio-iommu by handle only",
					      "fake VT-d",    "fake SMMU" };
static const char *const machine_of[KINDS] = { "vtd",	"vtd-fs", "smmu",   "smmu-s2", "amd",
					       "riscv", "virtio", "virtio", "vtd",     "smmu" };

/** struct rig - a machine with one device that has a TLB, and one page mapped and used. */
struct rig {
	struct sim *sim;
	struct sim_device *sim_dev;
	struct dmah_device *dev;
	struct dmah_domain *dom;
	struct unit unit;
	void *domain_memory;
	dmah_phys_t page;
	struct dmah h;
};

static void quiet(void *ctx, const struct dmah_device *dev, int err, const char *text,
		  uint64_t addr, const void *caller)
{
	(void)ctx;
	(void)dev;
	(void)err;
	(void)text;
	(void)addr;
	(void)caller;
}

static struct dmah_iommu *open_driver(struct rig *r, enum kind kind)
{
	if (kind < FAKE_VTD) {
		unit_create(&r->unit, r->sim, 0);
		return unit_start(&r->unit, 5000000);
	}
	return sim_fake_iommu(sim_iommu(r->sim, 0));
}

/* @dc: mode, CPUs and deadlines of the domain. */
static void rig_open(struct rig *r, enum kind kind, struct dmah_domain_config dc)
{
	struct sim_config config;
	struct dmah_limits limits;
	size_t need;
	char byte = 1;

	memset(r, 0, sizeof(*r));
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	posix_set_report(quiet, NULL);
	assert_true(sim_config_named(machine_of[kind], &config));
	config.iommu[0].timeout = 5000000;
	r->sim = sim_create(&config);
	assert_non_null(r->sim);
	dc.backend = DMAH_BACKEND_IOMMU;
	dc.iommu = open_driver(r, kind);
	dc.format = dc.iommu->formats[0];
	dc.handles_only = kind == VIRTIO_HANDLES;
	sim_inject_watch(r->sim, 0, dc.iommu);
	need = dmah_domain_memory(&dc);
	r->domain_memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	assert_int_equal(dmah_domain_init(&r->dom, &dc, r->domain_memory, need), DMAH_OK);
	r->sim_dev =
		sim_device_add(r->sim, &(struct sim_device_config){ .id = 0x300, .ats = true });
	r->dev = sim_device_dmah(r->sim_dev);
	r->dev->iommu = dc.iommu;
	sim_device_limits(r->sim_dev, &limits);
	assert_int_equal(dmah_attach(r->dom, r->dev, &limits), DMAH_OK);
	r->page = sim_ram_take(r->sim, 4096, 4096);
	assert_int_equal(dmah_map(r->dev, &r->h, r->page, 4096, DMAH_BIDIRECTIONAL, 0), DMAH_OK);
	assert_int_equal(sim_dma_write(r->sim_dev, dmah_addr(&r->h), &byte, 1), SIM_OK);
	assert_int_equal(sim_reaches_memory(r->sim_dev, r->page, 4096), 3);
}

static void rig_close(struct rig *r)
{
	sim_destroy(r->sim);
	posix_clock_real();
	posix_set_report(NULL, NULL);
	unit_free(&r->unit);
	free(r->domain_memory);
}

/* The unmap under one injection. Returns true if the point was reached. */
static bool one_unmap(enum kind kind, const struct sim_injection *what)
{
	struct rig r;
	bool struck;
	int err;

	rig_open(&r, kind, (struct dmah_domain_config){ .mode = DMAH_STRICT });
	sim_inject(r.sim, what);
	err = dmah_unmap(r.dev, &r.h);
	struck = sim_inject_struck(r.sim) != 0;
	if (!err && sim_reaches_memory(r.sim_dev, r.page, 4096))
		fail_msg("%s: %s at %s %u: unmap returned 0 and the device reaches the memory",
			 kind_text[kind], sim_failure_text(what->failure),
			 sim_point_text(what->point), (unsigned int)what->nth);
	if (!struck)
		assert_int_equal(err, DMAH_OK);
	rig_close(&r);
	return struck;
}

/* Try every failure at every point of the unmap. */
static void unmap(void **state)
{
	static const enum sim_point points[] = { SIM_POINT_INVALIDATE, SIM_POINT_INVALIDATE_DEV,
						 SIM_POINT_FENCE,      SIM_POINT_WAIT,
						 SIM_POINT_COMMAND,    SIM_POINT_REGISTER };
	unsigned int struck = 0;

	(void)state;
	for (enum kind kind = 0; kind < KINDS; kind++)
		for (unsigned int i = 0; i < sizeof(points) / sizeof(points[0]); i++)
			for (enum sim_failure f = 0; f < SIM_FAILURES; f++) {
				struct sim_injection what = { .point = points[i], .failure = f };

				if (f == SIM_FAIL_CALL && points[i] >= SIM_POINT_COMMAND)
					continue;
				for (what.nth = 1; one_unmap(kind, &what); what.nth++)
					struck++;
			}
	assert_true(struck > 50);
}

/* ---- polls ---- */

static void unmap_on(struct rig *r, unsigned int cpu)
{
	posix_set_cpu(cpu);
	if (cpu)
		assert_int_equal(dmah_map(r->dev, &r->h, r->page, 4096, DMAH_BIDIRECTIONAL, 0),
				 DMAH_OK);
	assert_int_equal(dmah_unmap(r->dev, &r->h), DMAH_OK);
}

/*
 * A poll says that a CPU's flush was not confirmed, though another CPU's was; and asks for the next try after a while, or a host
 * whose timer expires at that time would do nothing else.
 */
static void polls(void **state)
{
	const uint64_t lazy_ns = 10000000;
	uint64_t next;
	struct rig r;

	(void)state;
	for (enum kind kind = 0; kind < KINDS; kind++) {
		rig_open(&r, kind, (struct dmah_domain_config){ .mode = DMAH_LAZY, .cpus = 2 });
		unmap_on(&r, 0);
		unmap_on(&r, 1);
		posix_clock_advance(2 * lazy_ns);
		sim_inject(r.sim, &(struct sim_injection){ .point = SIM_POINT_WAIT,
							   .failure = SIM_FAIL_CALL });
		assert_int_equal(dmah_poll(r.dom, dmah_host_now(), &next), DMAH_ETIMEDOUT);
		assert_true(next > dmah_host_now());
		posix_clock_reach(next);
		assert_int_equal(dmah_poll(r.dom, next, &next), DMAH_OK);
		assert_true(next == UINT64_MAX);
		assert_false(sim_reaches_memory(r.sim_dev, r.page, 4096));
		rig_close(&r);
	}
}

/* An owner that wants no deadlines gives the longest one. */
static void polls_that_never_come(void **state)
{
	uint64_t next;
	struct rig r;

	(void)state;
	rig_open(&r, FAKE_VTD,
		 (struct dmah_domain_config){ .mode = DMAH_LAZY, .lazy_ns = UINT64_MAX });
	unmap_on(&r, 0);
	assert_int_equal(dmah_poll(r.dom, dmah_host_now(), &next), DMAH_OK);
	assert_true(next > dmah_host_now() && next != UINT64_MAX);
	assert_int_equal(dmah_poll(r.dom, UINT64_MAX, &next), DMAH_OK);
	assert_true(next == UINT64_MAX);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unmap),
		cmocka_unit_test(polls),
		cmocka_unit_test(polls_that_never_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
