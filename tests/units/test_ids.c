/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Ids: a device with several, several devices with one, and maps before an IOMMU translates. The drivers, on lab/sim's
 * models of their registers.
 */
#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>
#include <dmah/ring.h>

#include "posix.h"
#include "../setup.h"
#include "sim.h"
#include "sim_inject.h"
#include "sim_reach.h"
#include "driven_unit.h"

#include <string.h>

#define TIMEOUT 1000000u
#define DOMAINS 2u
/* Ids of the simulated devices: a device's own, and two more of it. */
#define IDS 3u

static const uint32_t id_of[IDS] = { 0x100, 0x108, 0x210 };
static const char *const machines[] = {
	"vtd", "vtd-fs", "smmu", "smmu-s2", "amd", "riscv", "virtio"
};
#define MACHINES (sizeof(machines) / sizeof(machines[0]))

struct rig {
	struct sim *sim;
	struct unit unit;
	struct dmah_domain *dom[DOMAINS];
	void *dom_memory[DOMAINS];
	struct sim_device *as[IDS];
	struct dmah_device dev[IDS];
	unsigned int reports;
	unsigned int refusals;
	const struct dmah_device *found;
	dmah_phys_t page;
	void (*on_refusal)(struct rig *r);
	int result[2];
};

/* Errors of setup calls begin with the call's name. */
static void keep_report(void *ctx, const struct dmah_device *dev, int err, const char *text,
			uint64_t addr, const void *caller)
{
	struct rig *r = ctx;

	(void)dev;
	(void)err;
	(void)addr;
	(void)caller;
	if (strncmp(text, "dmah_", 5))
		r->reports++;
	else if (!r->refusals++ && r->on_refusal)
		r->on_refusal(r);
}

static void open_rig(struct rig *r, const char *machine)
{
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU };
	struct sim_config config;
	size_t need;

	memset(r, 0, sizeof(*r));
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	posix_set_report(keep_report, r);
	assert_true(sim_config_named(machine, &config));
	r->sim = sim_create(&config);
	unit_create(&r->unit, r->sim, 0);
	c.iommu = unit_start(&r->unit, TIMEOUT);
	c.format = unit_format(&r->unit);
	need = dmah_domain_memory(&c);
	for (unsigned int i = 0; i < DOMAINS; i++) {
		r->dom_memory[i] = memory_of(need);
		assert_int_equal(dmah_domain_init(&r->dom[i], &c, r->dom_memory[i], need), DMAH_OK);
	}
	for (unsigned int i = 0; i < IDS; i++) {
		r->as[i] = sim_device_add(r->sim, &(struct sim_device_config){ .id = id_of[i],
									       .ats = true });
		r->dev[i] = (struct dmah_device){ .id = id_of[0], .iommu = r->unit.iommu };
	}
}

static void close_rig(struct rig *r)
{
	struct posix_alloc_stats stats;

	assert_int_equal(r->reports, 0);
	for (unsigned int i = 0; i < IDS; i++)
		if (r->dev[i].dom)
			assert_int_equal(dmah_detach(&r->dev[i]), DMAH_OK);
	for (unsigned int i = 0; i < DOMAINS; i++)
		assert_int_equal(dmah_domain_fini(r->dom[i]), DMAH_OK);
	unit_stop(&r->unit);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages + stats.mem, 0);
	sim_destroy(r->sim);
	unit_free(&r->unit);
	posix_set_report(NULL, NULL);
	posix_clock_real();
	for (unsigned int i = 0; i < DOMAINS; i++)
		free(r->dom_memory[i]);
}

static int attach_with(struct rig *r, unsigned int n, unsigned int dom, uint32_t flags)
{
	struct dmah_limits limits = { .mask = ~0ull, .flags = flags };

	return dmah_attach(r->dom[dom], &r->dev[n], &limits);
}

static int attach(struct rig *r, unsigned int n, unsigned int dom)
{
	return attach_with(r, n, dom, DMAH_DEV_COHERENT | DMAH_DEV_ATS);
}

static void map(struct rig *r, unsigned int n, struct dmah *h)
{
	r->page = sim_ram_take(r->sim, 4096, 4096);
	*h = (struct dmah){ 0 };
	assert_int_equal(dmah_map(&r->dev[n], h, r->page, 4096, DMAH_BIDIRECTIONAL, 0), DMAH_OK);
}

/* Returns true where the device of that id reaches the page that was mapped last. */
static bool reached(struct rig *r, unsigned int as)
{
	return sim_reaches_memory(r->as[as], r->page, 4096) != 0;
}

static bool writes(struct rig *r, unsigned int as, dmah_addr_t dma)
{
	return sim_dma_write(r->as[as], dma, "x", 1) == SIM_OK;
}

static void keep(void *ctx, const struct dmah_fault *fault)
{
	struct rig *r = ctx;

	r->found = fault->dev;
}

/* The device that the last fault was found to be of. */
static const struct dmah_device *fault_of(struct rig *r)
{
	struct dmah_fault_count count;

	r->found = NULL;
	assert_int_equal(dmah_faults(r->unit.iommu, keep, r, &count), DMAH_OK);
	assert_int_equal(count.taken, 1);
	return r->found;
}

static void drop_faults(struct rig *r)
{
	(void)dmah_faults(r->unit.iommu, NULL, NULL, NULL);
}

/* ---- a device with several ids ---- */

/* All are bound, invalidated (their TLBs too), found by faults, and blocked. */
static void several(const char *machine)
{
	static const uint32_t more[] = { 0x108, 0x210, 0x100 };
	struct dmah h;
	struct rig r;

	open_rig(&r, machine);
	r.dev[0].ids = more;
	r.dev[0].nids = 3;
	assert_int_equal(attach(&r, 0, 0), DMAH_OK);
	map(&r, 0, &h);
	for (unsigned int i = 0; i < IDS; i++)
		assert_true(writes(&r, i, dmah_addr(&h)));
	assert_int_equal(dmah_unmap(&r.dev[0], &h), DMAH_OK);
	for (unsigned int i = 0; i < IDS; i++) {
		assert_false(reached(&r, i));
		assert_false(writes(&r, i, 0x5000));
		assert_ptr_equal(fault_of(&r), &r.dev[0]);
	}
	map(&r, 0, &h);
	assert_true(writes(&r, 1, dmah_addr(&h)));
	assert_int_equal(dmah_kill(&r.dev[0]), DMAH_OK);
	for (unsigned int i = 0; i < IDS; i++)
		assert_false(reached(&r, i));
	assert_int_equal(dmah_unmap(&r.dev[0], &h), DMAH_OK);
	assert_int_equal(dmah_detach(&r.dev[0]), DMAH_OK);
	/* Each is free for another device. */
	r.dev[1].id = 0x210;
	assert_int_equal(attach(&r, 1, 1), DMAH_OK);
	map(&r, 1, &h);
	assert_true(writes(&r, 2, dmah_addr(&h)));
	assert_false(writes(&r, 0, dmah_addr(&h)) || writes(&r, 1, dmah_addr(&h)));
	assert_int_equal(dmah_unmap(&r.dev[1], &h), DMAH_OK);
	drop_faults(&r);
	close_rig(&r);
}

static void several_ids(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++)
		several(machines[m]);
}

/* One that cannot be bound: the others are not bound either. */
static void impossible_id(void **state)
{
	static const uint32_t more[] = { 0x108, 1u << 24 };
	struct rig r;

	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++) {
		open_rig(&r, machines[m]);
		r.dev[0].ids = more;
		r.dev[0].nids = 2;
		assert_int_equal(attach(&r, 0, 0), DMAH_ENOTSUP);
		for (unsigned int i = 0; i < IDS; i++)
			assert_false(writes(&r, i, 0x5000));
		drop_faults(&r);
		r.dev[1].id = 0x108;
		assert_int_equal(attach(&r, 1, 1), DMAH_OK);
		r.dev[0].nids = 1;
		r.dev[0].ids = NULL;
		r.refusals = 0;
		assert_int_equal(attach(&r, 0, 0), DMAH_EINVAL);
		assert_int_equal(r.refusals, 1);
		close_rig(&r);
	}
}

/* ---- several devices with one id ---- */

/* The id is bound until the last of them leaves, whichever that is. */
static void shared(const char *machine, unsigned int first)
{
	struct dmah h;
	struct rig r;

	open_rig(&r, machine);
	assert_int_equal(attach(&r, 0, 0), DMAH_OK);
	map(&r, 0, &h);
	assert_true(writes(&r, 0, dmah_addr(&h)));
	assert_int_equal(attach(&r, 1, 0), DMAH_OK);
	assert_true(writes(&r, 0, dmah_addr(&h)));
	assert_int_equal(dmah_unmap(&r.dev[0], &h), DMAH_OK);
	assert_false(reached(&r, 0));
	assert_int_equal(dmah_detach(&r.dev[first]), DMAH_OK);
	map(&r, !first, &h);
	assert_true(writes(&r, 0, dmah_addr(&h)));
	assert_int_equal(dmah_unmap(&r.dev[!first], &h), DMAH_OK);
	assert_int_equal(dmah_detach(&r.dev[!first]), DMAH_OK);
	assert_false(writes(&r, 0, 0x5000));
	drop_faults(&r);
	assert_int_equal(attach(&r, 2, 1), DMAH_OK);
	close_rig(&r);
}

static void shared_id(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++) {
		shared(machines[m], 0);
		shared(machines[m], 1);
	}
}

/* Not in two domains; not with a device that was killed; and no ATS for a device that is not trusted. */
static void barred_id(void **state)
{
	struct dmah h;
	struct rig r;

	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++) {
		open_rig(&r, machines[m]);
		assert_int_equal(attach(&r, 0, 0), DMAH_OK);
		map(&r, 0, &h);
		assert_int_equal(attach(&r, 1, 1), DMAH_EBUSY);
		assert_int_equal(r.refusals, 1);
		assert_true(writes(&r, 0, dmah_addr(&h)));
		if (r.unit.iommu->ops->invalidate_dev)
			assert_int_equal(attach_with(&r, 1, 0,
						     DMAH_DEV_UNTRUSTED | DMAH_DEV_COHERENT),
					 DMAH_EPERM);
		assert_true(writes(&r, 0, dmah_addr(&h)));
		assert_int_equal(attach(&r, 1, 0), DMAH_OK);
		assert_int_equal(dmah_kill(&r.dev[1]), DMAH_OK);
		/* The hardware cannot tell which of the two it is. */
		assert_false(reached(&r, 0));
		r.refusals = 0;
		assert_int_equal(attach(&r, 2, 0), DMAH_EBUSY);
		assert_int_equal(r.refusals, 1);
		assert_false(reached(&r, 0));
		assert_int_equal(dmah_set_mode(r.dom[0], DMAH_LAZY), DMAH_OK);
		assert_int_equal(dmah_unmap(&r.dev[0], &h), DMAH_OK);
		assert_int_equal(dmah_set_mode(r.dom[0], DMAH_PASSTHROUGH), DMAH_OK);
		assert_false(reached(&r, 0));
		assert_int_equal(dmah_set_mode(r.dom[0], DMAH_STRICT), DMAH_OK);
		assert_int_equal(dmah_detach(&r.dev[0]), DMAH_OK);
		assert_int_equal(dmah_detach(&r.dev[1]), DMAH_OK);
		assert_int_equal(attach(&r, 2, 0), DMAH_OK);
		map(&r, 2, &h);
		assert_true(writes(&r, 0, dmah_addr(&h)));
		assert_int_equal(dmah_unmap(&r.dev[2], &h), DMAH_OK);
		drop_faults(&r);
		close_rig(&r);
	}
}

/* The domain that has the id leaves passthrough, and takes another device with the id. */
static void use_own_id(struct rig *r)
{
	r->result[0] = dmah_set_mode(r->dom[0], DMAH_STRICT);
	r->result[1] = attach(r, 2, 0);
}

/* An attach that will be refused keeps nobody from the ids that are another domain's. */
static void beside_a_refusal(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++) {
		open_rig(&r, machines[m]);
		assert_int_equal(attach(&r, 0, 0), DMAH_OK);
		assert_int_equal(dmah_set_mode(r.dom[0], DMAH_PASSTHROUGH), DMAH_OK);
		r.page = sim_ram_take(r.sim, 4096, 4096);
		assert_true(writes(&r, 0, r.page));
		r.result[0] = r.result[1] = 1;
		r.on_refusal = use_own_id;
		assert_int_equal(attach(&r, 1, 1), DMAH_EBUSY);
		r.on_refusal = NULL;
		assert_int_equal(r.result[0], DMAH_OK);
		assert_int_equal(r.result[1], DMAH_OK);
		assert_false(reached(&r, 0));
		close_rig(&r);
	}
}

/*
 * Devices that share an id with a killed one are killed with it: their maps fail, and no change of modes binds them again,
 * also when the first one has left. Attached anew, they work.
 */
static void killed_sharer(const char *machine, bool own_kill, bool passthrough)
{
	static const uint32_t more[] = { 0x108 };
	struct dmah h;
	struct rig r;

	open_rig(&r, machine);
	r.dev[1].ids = more;
	r.dev[1].nids = 1;
	r.dev[2].id = 0x210;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(attach(&r, i, 0), DMAH_OK);
	if (passthrough)
		assert_int_equal(dmah_set_mode(r.dom[0], DMAH_PASSTHROUGH), DMAH_OK);
	map(&r, 1, &h);
	assert_true(writes(&r, 0, dmah_addr(&h)) && writes(&r, 1, dmah_addr(&h)));
	assert_int_equal(dmah_kill(&r.dev[0]), DMAH_OK);
	assert_false(reached(&r, 0));
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(dmah_map(&r.dev[1], &(struct dmah){ 0 }, r.page, 1, DMAH_TO_DEVICE,
					  0),
				 DMAH_ENODEV);
		if (!i)
			assert_int_equal(dmah_detach(&r.dev[0]), DMAH_OK);
	}
	/* Its own kill, or a change of modes, blocks its other id. */
	if (own_kill)
		assert_int_equal(dmah_kill(&r.dev[1]), DMAH_OK);
	assert_int_equal(dmah_unmap(&r.dev[1], &h), DMAH_OK);
	assert_int_equal(dmah_set_mode(r.dom[0], passthrough ? DMAH_STRICT : DMAH_PASSTHROUGH),
			 DMAH_OK);
	assert_false(reached(&r, 0) || reached(&r, 1));
	assert_int_equal(reached(&r, 2), !passthrough);
	assert_int_equal(dmah_set_mode(r.dom[0], DMAH_STRICT), DMAH_OK);
	assert_false(reached(&r, 0) || reached(&r, 1) || reached(&r, 2));
	assert_int_equal(attach(&r, 0, 0), DMAH_EBUSY);
	assert_int_equal(dmah_detach(&r.dev[1]), DMAH_OK);
	assert_int_equal(attach(&r, 0, 0), DMAH_OK);
	assert_int_equal(attach(&r, 1, 0), DMAH_OK);
	map(&r, 1, &h);
	assert_true(writes(&r, 0, dmah_addr(&h)) && writes(&r, 1, dmah_addr(&h)));
	assert_int_equal(dmah_unmap(&r.dev[1], &h), DMAH_OK);
	close_rig(&r);
}

static void killed_with_another(void **state)
{
	(void)state;
	for (unsigned int way = 0; way < 4 * MACHINES; way++)
		killed_sharer(machines[way >> 2], way & 1, way & 2);
}

/* ---- before translation is on ---- */

/* Returns the refusals of every kind of map: handle, vector, list, coherent memory, ring. */
static unsigned int refused_maps(struct dmah_device *dev, dmah_phys_t phys)
{
	static uint64_t memory[4096] __attribute__((aligned(64)));
	struct dmah_seg in = { .phys = phys, .len = 64 };
	struct dmah_dma_seg seg;
	struct dmah part = { 0 }, h = { 0 }, coherent = { 0 };
	struct dmah_vec vec = { .part = &part, .seg = &seg, .max = 1 };
	struct dmah_sg sg = { .phys = phys, .len = 64 };
	struct dmah_ring_config config = { .entries = 4,
					   .entry_size = 4096,
					   .dir = DMAH_TO_DEVICE };
	struct dmah_ring *ring;
	unsigned int n = 0;
	void *cpu;

	n += dmah_map(dev, &h, phys, 64, DMAH_TO_DEVICE, 0) == DMAH_EPERM;
	n += dmah_map_vec(dev, &vec, &in, 1, DMAH_TO_DEVICE, 0) == DMAH_EPERM;
	n += dmah_addr_map_sg(dev, &sg, 1, DMAH_TO_DEVICE, 0) == DMAH_EPERM;
	n += dmah_alloc_coherent(dev, &coherent, 4096, &cpu) == DMAH_EPERM;
	n += dmah_ring_init(&ring, dev, &config, memory, sizeof(memory)) == DMAH_EPERM;
	return n;
}

/* Every map is refused and reported; afterwards the device maps as any other, by the fast path too. */
static void not_enabled(void **state)
{
	struct sim_config config;
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU, .format = &dmah_pt_vtd_ss };
	struct dmah_vtd_config vc = { .phys_bits = 46 };
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };
	static struct rig reports;
	struct dmah_device dev = { .id = 0x100 };
	struct dmah_domain *dom;
	struct dmah h = { 0 };
	struct dmah_vtd vtd;
	struct sim *sim;
	void *memory[2];
	dmah_phys_t phys;
	size_t need;

	(void)state;
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	reports.reports = 0;
	posix_set_report(keep_report, &reports);
	assert_true(sim_config_named("vtd", &config));
	sim = sim_create(&config);
	vc.regs = sim_vtd_regs(sim_vtd_create(sim, 0, NULL));
	need = dmah_vtd_memory(&vc);
	memory[0] = memory_of(need);
	assert_int_equal(dmah_vtd_init(&vtd, &vc, memory[0], need), DMAH_OK);
	c.iommu = dev.iommu = &vtd.iommu;
	need = dmah_domain_memory(&c);
	memory[1] = memory_of(need);
	assert_int_equal(dmah_domain_init(&dom, &c, memory[1], need), DMAH_OK);
	assert_int_equal(dmah_attach(dom, &dev, &limits), DMAH_OK);
	phys = sim_ram_take(sim, 4096, 4096);
	assert_int_equal(refused_maps(&dev, phys), 5);
	assert_int_equal(reports.reports, 5);
	assert_int_equal(dmah_device_live(&dev), 0);
	assert_int_equal(dev.fast_end, 0);
	assert_int_equal(dmah_vtd_enable(&vtd), DMAH_OK);
	assert_int_equal(dmah_map(&dev, &h, phys, 64, DMAH_TO_DEVICE, 0), DMAH_OK);
	assert_int_not_equal(dev.fast_end, 0);
	assert_int_equal(dmah_unmap(&dev, &h), DMAH_OK);
	assert_int_equal(refused_maps(&dev, phys), 0);
	assert_int_equal(reports.reports, 5);
	/* The mappings of the last calls stay. */
	sim_destroy(sim);
	posix_set_report(NULL, NULL);
	posix_clock_real();
	free(memory[0]);
	free(memory[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_ids),	    cmocka_unit_test(impossible_id),
		cmocka_unit_test(shared_id),	    cmocka_unit_test(barred_id),
		cmocka_unit_test(beside_a_refusal), cmocka_unit_test(killed_with_another),
		cmocka_unit_test(not_enabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
