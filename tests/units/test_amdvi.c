/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The AMD-Vi driver on units that QEMU does not have: several, without INVALIDATE_IOMMU_ALL, with TLBs in devices. */
#include <dmah/amdvi.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>

#include "posix.h"
#include "../setup.h"
#include "sim.h"
#include "sim_amdvi.h"
#include "sim_inject.h"
#include "sim_reach.h"

#define UNITS	2u
#define DEVICES 4u
#define IDS	0x800u
#define TIMEOUT 20000000u

/* Two units, a domain that both serve, and devices that have TLBs: two behind each. */
struct rig {
	struct sim *sim;
	struct sim_amdvi *model[UNITS];
	struct dmah_amdvi amdvi[UNITS];
	void *memory[UNITS];
	struct sim_device *dev[DEVICES];
	struct dmah_domain *dom;
	void *dom_memory;
	unsigned int reports;
};

static struct dmah_device *device(struct rig *r, unsigned int n)
{
	return sim_device_dmah(r->dev[n]);
}

static void attach(struct rig *r, unsigned int n)
{
	struct dmah_limits limits;

	sim_device_limits(r->dev[n], &limits);
	assert_int_equal(dmah_attach(r->dom, device(r, n), &limits), DMAH_OK);
}

static void open_unit(struct rig *r, unsigned int n, const struct sim_amdvi_config *model,
		      const struct dmah_amdvi_config *config)
{
	struct dmah_amdvi_config c = *config;
	size_t need;

	r->model[n] = sim_amdvi_create(r->sim, n, model);
	assert_non_null(r->model[n]);
	c.regs = sim_amdvi_regs(r->model[n]);
	c.capability = sim_amdvi_capability(r->model[n]);
	c.ids = c.ids ? c.ids : IDS;
	c.timeout_ns = TIMEOUT;
	need = dmah_amdvi_memory(&c);
	r->memory[n] = memory_of(need);
	assert_int_equal(dmah_amdvi_init(&r->amdvi[n], &c, r->memory[n], need), DMAH_OK);
}

static void open_domain(struct rig *r)
{
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU,
					.format = &dmah_pt_amd_v1,
					.iommu = &r->amdvi[0].iommu,
					.devices = DEVICES };
	size_t need = dmah_domain_memory(&c);

	r->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&r->dom, &c, r->dom_memory, need), DMAH_OK);
	assert_int_equal(dmah_domain_add_iommu(r->dom, &r->amdvi[1].iommu), DMAH_OK);
}

static void rig_machine(struct rig *r, const struct sim_amdvi_config *model,
			const struct dmah_amdvi_config *config)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU };

	memset(r, 0, sizeof(*r));
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	count_reports(&r->reports);
	for (unsigned int i = 0; i < UNITS; i++)
		machine.iommu[i].flavour = SIM_AMD;
	r->sim = sim_create(&machine);
	assert_non_null(r->sim);
	for (unsigned int i = 0; i < UNITS; i++)
		open_unit(r, i, model, config);
	for (unsigned int i = 0; i < DEVICES; i++) {
		r->dev[i] =
			sim_device_add(r->sim, &(struct sim_device_config){ .id = 0x100 * (1 + i),
									    .iommu = i % UNITS + 1,
									    .ats = true });
		device(r, i)->iommu = &r->amdvi[i % UNITS].iommu;
	}
	open_domain(r);
}

static void rig_open(struct rig *r, const struct sim_amdvi_config *model)
{
	rig_machine(r, model, &(struct dmah_amdvi_config){ 0 });
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(dmah_amdvi_enable(&r->amdvi[i]), DMAH_OK);
	for (unsigned int i = 0; i < DEVICES; i++)
		attach(r, i);
}

static void rig_close(struct rig *r)
{
	struct posix_alloc_stats stats;

	assert_int_equal(r->reports, 0);
	for (unsigned int i = 0; i < DEVICES; i++)
		if (device(r, i)->dom)
			assert_int_equal(dmah_detach(device(r, i)), DMAH_OK);
	assert_int_equal(dmah_domain_fini(r->dom), DMAH_OK);
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(dmah_amdvi_fini(&r->amdvi[i]), DMAH_OK);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages + stats.mem, 0);
	sim_destroy(r->sim);
	posix_set_report(NULL, NULL);
	posix_clock_real();
	for (unsigned int i = 0; i < UNITS; i++)
		free(r->memory[i]);
	free(r->dom_memory);
}

static bool writes(struct rig *r, unsigned int n, dmah_addr_t dma)
{
	return sim_dma_write(r->dev[n], dma, "x", 1) == SIM_OK;
}

static struct sim_amdvi_stats stats_of(struct rig *r, unsigned int n)
{
	struct sim_amdvi_stats stats;

	sim_amdvi_stats(r->model[n], &stats);
	return stats;
}

static unsigned int drop_faults(struct rig *r, unsigned int n)
{
	struct dmah_fault_count count;

	assert_int_equal(dmah_faults(&r->amdvi[n].iommu, NULL, NULL, &count), DMAH_OK);
	return count.taken;
}

/* ---- several units ---- */

/* Devices behind both units reach a mapping, and none does after any device's unmap; each unit is asked for what is its. */
static void two_units(void **state)
{
	dmah_phys_t page;
	struct rig r;

	(void)state;
	rig_open(&r, NULL);
	page = sim_ram_take(r.sim, 65536, 65536);
	for (unsigned int round = 0; round < 20; round++) {
		struct sim_amdvi_stats before[UNITS] = { stats_of(&r, 0), stats_of(&r, 1) };
		struct dmah h = { 0 };

		assert_int_equal(dmah_map(device(&r, round % DEVICES), &h, page,
					  1 + 4096 * round / 2, DMAH_BIDIRECTIONAL, 0),
				 DMAH_OK);
		for (unsigned int i = 0; i < DEVICES; i++)
			assert_true(writes(&r, i, dmah_addr(&h)));
		assert_int_equal(dmah_unmap(device(&r, round % DEVICES), &h), DMAH_OK);
		for (unsigned int i = 0; i < DEVICES; i++)
			assert_false(sim_reaches_memory(r.dev[i], page, 65536));
		for (unsigned int n = 0; n < UNITS; n++) {
			struct sim_amdvi_stats after = stats_of(&r, n);

			/* Pages for the unit, all devices behind it, a fence before each. */
			assert_int_equal(after.pages - before[n].pages, 1);
			assert_int_equal(after.domains, before[n].domains);
			assert_int_equal(after.device_tlbs - before[n].device_tlbs, 2);
			assert_int_equal(after.flushes - before[n].flushes, 2);
		}
	}
	rig_close(&r);
}

/* ---- units without INVALIDATE_IOMMU_ALL ---- */

/* Enabling names each device and each domain; a unit that was given up comes back by a reset, and not before. */
static void no_all(void **state)
{
	const struct sim_amdvi_config model = { .no_all = true };
	struct dmah h = { 0 };
	dmah_phys_t page;
	struct rig r;

	(void)state;
	rig_open(&r, &model);
	assert_true(stats_of(&r, 0).entries >= IDS);
	assert_true(stats_of(&r, 0).domains >= DMAH_AMDVI_DOMAINS);
	page = sim_ram_take(r.sim, 4096, 4096);
	assert_int_equal(dmah_map(device(&r, 0), &h, page, 4096, DMAH_BIDIRECTIONAL, 0), DMAH_OK);
	assert_true(writes(&r, 0, dmah_addr(&h)));
	for (unsigned int i = 0; i < UNITS; i++)
		sim_amdvi_hold(r.model[i], true);
	assert_int_equal(dmah_unmap(device(&r, 0), &h), DMAH_ETIMEDOUT);
	for (unsigned int i = 0; i < UNITS; i++)
		sim_amdvi_hold(r.model[i], false);
	assert_int_equal(dmah_flush(r.dom), DMAH_ETIMEDOUT);
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(dmah_amdvi_reset(&r.amdvi[i]), DMAH_OK);
	assert_int_equal(dmah_flush(r.dom), DMAH_OK);
	assert_false(sim_reaches_memory(r.dev[0], page, 4096));
	assert_true(stats_of(&r, 0).all == 0);
	r.reports = 0;
	rig_close(&r);
}

/* ---- a unit that goes on behind a command that it refused ---- */

static void goes_on(void **state)
{
	const struct sim_amdvi_config model = { .goes_on = true };
	dmah_phys_t page;
	struct rig r;

	(void)state;
	rig_open(&r, &model);
	page = sim_ram_take(r.sim, 4096, 4096);
	/* Each command of an unmap in turn. */
	for (uint64_t nth = 1; nth < 8; nth++) {
		struct dmah h = { 0 };

		assert_int_equal(dmah_map(device(&r, 0), &h, page, 4096, DMAH_BIDIRECTIONAL, 0),
				 DMAH_OK);
		assert_true(writes(&r, 0, dmah_addr(&h)));
		sim_inject(r.sim, &(struct sim_injection){ .point = SIM_POINT_COMMAND,
							   .nth = nth,
							   .iommu = 1,
							   .failure = SIM_FAIL_COMMAND });
		(void)dmah_unmap(device(&r, 0), &h);
		sim_inject_stop(r.sim);
		assert_int_equal(dmah_flush(r.dom), DMAH_OK);
		assert_false(sim_reaches_memory(r.dev[0], page, 4096));
	}
	assert_true(r.reports > 0);
	r.reports = 0;
	rig_close(&r);
}

/* ---- the event log ---- */

/*
 * Faults fill the log while a device is asked. It does not answer, and there is no room to say so: the unmap is not confirmed.
 * The next time there is room.
 */
static void overflow_hides_silence(void **state)
{
	struct dmah_fault_count count;
	struct dmah h[2] = { { 0 }, { 0 } };
	dmah_phys_t page;
	struct rig r;

	(void)state;
	rig_open(&r, NULL);
	page = sim_ram_take(r.sim, 8192, 4096);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(dmah_map(device(&r, 0), &h[i], page + 4096 * i, 4096,
					  DMAH_BIDIRECTIONAL, 0),
				 DMAH_OK);
	assert_true(writes(&r, 0, dmah_addr(&h[0])) && writes(&r, 0, dmah_addr(&h[1])));
	for (unsigned int i = 0; i < 300; i++)
		assert_false(writes(&r, 2, 0x5000));
	sim_fail(sim_iommu(r.sim, 0), SIM_FAIL_ITE, UINT64_MAX, 0x100);
	assert_int_equal(dmah_unmap(device(&r, 0), &h[0]), DMAH_ETIMEDOUT);
	/* Its entry stays in the device's TLB: the memory must not be given to another. */
	assert_int_equal(dmah_unmap(device(&r, 0), &h[1]), DMAH_ETIMEDOUT);
	assert_true(r.amdvi[0].iommu.ops->isolated(&r.amdvi[0].iommu, device(&r, 0)));
	assert_false(sim_reaches_memory(r.dev[0], page, 8192));
	assert_int_equal(dmah_faults(&r.amdvi[0].iommu, NULL, NULL, &count), DMAH_OK);
	assert_true(count.lost);
	sim_repair(r.sim, false);
	assert_int_equal(dmah_flush(r.dom), DMAH_OK);
	assert_int_equal(dmah_detach(device(&r, 0)), DMAH_OK);
	attach(&r, 0);
	r.reports = 0;
	rig_close(&r);
}

/* Without a device that is asked nothing is confirmed later than else; and the log goes on when it was emptied. */
static void overflow(void **state)
{
	struct dmah_fault_count count;
	dmah_phys_t page;
	struct rig r;

	(void)state;
	rig_open(&r, &(struct sim_amdvi_config){ .no_device_tlb = true });
	page = sim_ram_take(r.sim, 4096, 4096);
	for (unsigned int round = 0; round < 3; round++) {
		struct dmah h = { 0 };
		unsigned int taken = 0;
		bool lost = false;

		assert_int_equal(dmah_map(device(&r, 0), &h, page, 4096, DMAH_BIDIRECTIONAL, 0),
				 DMAH_OK);
		for (unsigned int i = 0; i < 300; i++)
			assert_false(writes(&r, 2, 0x5000));
		assert_int_equal(dmah_unmap(device(&r, 0), &h), DMAH_OK);
		do {
			assert_int_equal(dmah_faults(&r.amdvi[0].iommu, NULL, NULL, &count),
					 DMAH_OK);
			taken += count.taken;
			lost |= count.lost;
		} while (count.taken);
		assert_int_equal(taken, 255);
		assert_true(lost);
		assert_false(writes(&r, 2, 0x5000));
		assert_int_equal(drop_faults(&r, 0), 1);
	}
	rig_close(&r);
}

/* The interrupt is sent once for faults that come together, and again for one behind those that were taken. */
static void event_interrupt(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, NULL);
	assert_false(writes(&r, 0, 0x5000));
	assert_int_equal(stats_of(&r, 0).messages, 0);
	assert_int_equal(drop_faults(&r, 0), 1);
	dmah_amdvi_fault_irq(&r.amdvi[0], true);
	for (unsigned int i = 0; i < 5; i++)
		assert_false(writes(&r, 0, 0x5000));
	assert_int_equal(stats_of(&r, 0).messages, 1);
	assert_int_equal(drop_faults(&r, 0), 5);
	assert_false(writes(&r, 0, 0x5000));
	assert_int_equal(stats_of(&r, 0).messages, 2);
	assert_int_equal(drop_faults(&r, 0), 1);
	/* It is on after a reset too. */
	sim_repair(r.sim, true);
	assert_int_equal(dmah_amdvi_reset(&r.amdvi[0]), DMAH_OK);
	assert_int_equal(dmah_amdvi_reset(&r.amdvi[1]), DMAH_OK);
	assert_false(writes(&r, 0, 0x5000));
	assert_int_equal(stats_of(&r, 0).messages, 3);
	assert_int_equal(drop_faults(&r, 0), 1);
	rig_close(&r);
}

/* ---- the device table ---- */

static uint8_t setting(void *ctx, uint16_t id)
{
	(void)ctx;
	return id == 0x100 ? 0xf7 : id == 0x101 ? 0x20 : 0;
}

/* The settings that firmware gave stay in an entry through all that happens to it. */
static void settings(void **state)
{
	const struct dmah_amdvi_config config = { .setting = setting };
	uint64_t *entry;
	struct rig r;

	(void)state;
	rig_machine(&r, NULL, &config);
	entry = r.amdvi[0].devtab + 0x100 * 4;
	for (unsigned int round = 0; round < 2; round++) {
		assert_true(entry[1] >> 40 == 3);
		assert_true(entry[2] == 0xc7ull << 56);
		assert_true(entry[5] == 2ull << 40 && !entry[6]);
		assert_int_equal(dmah_amdvi_enable(&r.amdvi[0]), DMAH_OK);
		assert_int_equal(dmah_amdvi_enable(&r.amdvi[1]), DMAH_OK);
		attach(&r, 0);
		assert_true(entry[1] >> 40 == 3 && entry[1] & 0xffff);
		/* A second device with the id finds it bound. */
		assert_int_equal(dmah_detach(device(&r, 0)), DMAH_OK);
	}
	rig_close(&r);
}

/* Before it is enabled the unit takes no commands: none is posted, and an attach is complete. */
static void attach_before_enable(void **state)
{
	struct rig r;

	(void)state;
	rig_machine(&r, NULL, &(struct dmah_amdvi_config){ 0 });
	for (unsigned int i = 0; i < DEVICES; i++)
		attach(&r, i);
	assert_int_equal(stats_of(&r, 0).commands, 0);
	/* Nothing is translated: a map is refused. */
	assert_int_equal(dmah_map(device(&r, 0), &(struct dmah){ 0 }, 0x40000000, 1, DMAH_TO_DEVICE,
				  0),
			 DMAH_EPERM);
	/* An exclusion range that firmware left on ends with it. */
	dmah_host_write64(r.amdvi[0].regs + 0x20, 0x7d900003);
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(dmah_amdvi_enable(&r.amdvi[i]), DMAH_OK);
	assert_int_equal(dmah_host_read64(r.amdvi[0].regs + 0x20), 0);
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_false(writes(&r, i, 0x5000));
	(void)drop_faults(&r, 0);
	(void)drop_faults(&r, 1);
	r.reports = 0;
	rig_close(&r);
}

/* ---- commands, in their order ---- */

/** struct ring - a reader of the command ring: what the driver put there since it was made. */
struct ring {
	struct dmah_amdvi *amdvi;
	uint32_t at;
};

static struct ring ring_of(struct rig *r, unsigned int n)
{
	return (struct ring){ &r->amdvi[n], r->amdvi[n].tail };
}

enum { OP_WAIT = 1, OP_DEVTAB = 2, OP_PAGES = 3, OP_IOTLB = 4 };

static const uint64_t *next(struct ring *ring, unsigned int op)
{
	const uint64_t *c;

	assert_true(ring->at != ring->amdvi->tail);
	c = ring->amdvi->queue + (ring->at++ & (ring->amdvi->entries - 1)) * 2;
	assert_int_equal(c[0] >> 60, op);
	return c;
}

/* A wait that lets nothing pass, and stores nothing. */
static void next_fence(struct ring *ring)
{
	assert_int_equal(next(ring, OP_WAIT)[0] & 0xf, 4);
}

static void next_mark(struct ring *ring)
{
	const uint64_t *c = next(ring, OP_WAIT);

	assert_int_equal(c[0] & 0xf, 1);
	assert_true((c[0] & 0x000ffffffffffff8ull) == ring->amdvi->status_phys);
	assert_int_equal(c[1], ring->amdvi->marks.last);
	assert_int_equal(ring->at, ring->amdvi->tail);
}

static void next_pages(struct ring *ring, uint32_t domain, uint64_t address)
{
	const uint64_t *c = next(ring, OP_PAGES);

	assert_int_equal(c[0] & 0x0fffffffffffffffull, (uint64_t)domain << 32);
	assert_true(c[1] == address);
}

static void next_tlb(struct ring *ring, uint32_t id, uint64_t address)
{
	const uint64_t *c = next(ring, OP_IOTLB);

	assert_int_equal(c[0] & 0xffff, id);
	assert_int_equal(c[0] >> 32 & 0xffff, id);
	assert_true(c[1] == address);
}

#define ALL   0x7ffffffffffff001ull
#define ALL_T 0x7ffffffffffff003ull

/* The entry, and behind a fence what was reached through it, and behind another the device's TLB. */
static void command_order(void **state)
{
	struct dmah_limits limits;
	struct dmah h = { 0 };
	dmah_phys_t page;
	struct ring ring;
	dmah_addr_t dma;
	uint32_t tag;
	struct rig r;

	(void)state;
	rig_open(&r, NULL);
	tag = (uint32_t)(r.amdvi[0].devtab[0x100 * 4 + 1] & 0xffff);
	page = sim_ram_take(r.sim, 16384, 16384);
	/* Four pages: the two devices of the unit that have TLBs, each behind a fence of its own. */
	assert_int_equal(dmah_map(device(&r, 0), &h, page, 16384, DMAH_BIDIRECTIONAL, 0), DMAH_OK);
	dma = dmah_addr(&h);
	ring = ring_of(&r, 0);
	assert_int_equal(dmah_unmap(device(&r, 0), &h), DMAH_OK);
	next_pages(&ring, tag,
		   dma % 16384 ? ring.amdvi->queue[(ring.at & 255) * 2 + 1] : dma | 0x1001);
	for (unsigned int i = 0; i < 2; i++) {
		next_fence(&ring);
		assert_int_equal(next(&ring, OP_IOTLB)[0] & 0xff, 0);
	}
	next_mark(&ring);
	/* One page. */
	assert_int_equal(dmah_map(device(&r, 0), &h, page, 4096, DMAH_BIDIRECTIONAL, 0), DMAH_OK);
	dma = dmah_addr(&h);
	ring = ring_of(&r, 0);
	assert_int_equal(dmah_unmap(device(&r, 0), &h), DMAH_OK);
	next_pages(&ring, tag, dma);
	for (unsigned int i = 0; i < 2; i++) {
		next_fence(&ring);
		assert_true(next(&ring, OP_IOTLB)[1] == dma);
	}
	next_mark(&ring);
	/* Blocked. */
	ring = ring_of(&r, 0);
	assert_int_equal(r.amdvi[0].iommu.ops->bind(&r.amdvi[0].iommu, device(&r, 0),
						    DMAH_BIND_BLOCK, NULL, 0),
			 DMAH_OK);
	assert_int_equal(next(&ring, OP_DEVTAB)[0] & 0xffff, 0x100);
	next_fence(&ring);
	next_pages(&ring, tag, ALL_T);
	next_pages(&ring, 0, ALL_T);
	next_fence(&ring);
	next_tlb(&ring, 0x100, ALL);
	next_mark(&ring);
	/* Bound anew, without a TLB: a device that is not trusted gets none, whatever it has. */
	assert_int_equal(dmah_detach(device(&r, 0)), DMAH_OK);
	sim_device_limits(r.dev[0], &limits);
	limits.flags |= DMAH_DEV_UNTRUSTED;
	ring = ring_of(&r, 0);
	assert_int_equal(dmah_attach(r.dom, device(&r, 0), &limits), DMAH_OK);
	/* The library has its unmaps of before invalidated first. */
	while (ring.at != ring.amdvi->tail &&
	       ring.amdvi->queue[(ring.at & 255) * 2] >> 60 != OP_DEVTAB)
		ring.at++;
	assert_int_equal(next(&ring, OP_DEVTAB)[0] & 0xffff, 0x100);
	next_fence(&ring);
	next_pages(&ring, 0, ALL_T);
	next_pages(&ring, tag, ALL_T);
	next_mark(&ring);
	assert_int_equal(r.amdvi[0].devtab[0x100 * 4 + 1] >> 32 & 1, 0);
	rig_close(&r);
}

/* ---- configurations ---- */

static void bad_configurations(void **state)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
				      .iommu = { { .flavour = SIM_AMD }, { .flavour = SIM_AMD } } };
	struct sim *sim = sim_create(&machine);
	volatile void *regs = sim_amdvi_regs(sim_amdvi_create(sim, 0, NULL));
	volatile void *none =
		sim_amdvi_regs(sim_amdvi_create(sim, 1, &(struct sim_amdvi_config){ .levels = 3 }));
	const struct dmah_amdvi_config bad[] = {
		{ .regs = NULL },
		{ .regs = regs, .ids = 65537 },
		{ .regs = regs, .queue = 128 },
		{ .regs = regs, .queue = 300 },
		{ .regs = regs, .events = 65536 },
		{ .regs = regs, .phys_bits = 53 },
		{ .regs = regs, .walks = (enum dmah_walks)3 },
	};
	struct dmah_amdvi_config good = { .regs = regs, .ids = 1 };
	size_t need = dmah_amdvi_memory(&good);
	void *memory = memory_of(need);
	struct dmah_amdvi amdvi;
	unsigned int reports = 0;

	(void)state;
	count_reports(&reports);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(dmah_amdvi_memory(&bad[i]), 0);
		assert_int_equal(dmah_amdvi_init(&amdvi, &bad[i], memory, need), DMAH_EINVAL);
	}
	assert_int_equal(dmah_amdvi_init(&amdvi, &good, memory, need - 1), DMAH_EINVAL);
	assert_int_equal(dmah_amdvi_init(&amdvi, &good, (char *)memory + 4, need), DMAH_EINVAL);
	good.regs = none;
	assert_int_equal(dmah_amdvi_init(&amdvi, &good, memory, need), DMAH_ENOTSUP);
	good.regs = regs;
	for (uint64_t nth = 1; nth <= 4; nth++) {
		posix_fail_alloc(POSIX_FAIL_NTH, nth);
		assert_int_equal(dmah_amdvi_init(&amdvi, &good, memory, need), DMAH_ENOMEM);
	}
	posix_fail_alloc(POSIX_FAIL_NEVER, 0);
	sim_fail(sim_iommu(sim, 0), SIM_FAIL_ONES, 0, 0);
	assert_int_equal(dmah_amdvi_init(&amdvi, &good, memory, need), DMAH_ENODEV);
	sim_repair(sim, false);
	assert_int_equal(dmah_amdvi_init(&amdvi, &good, memory, need), DMAH_OK);
	/* 128 entries are the least that a table has. */
	assert_int_equal(amdvi.ids, 128);
	assert_int_equal(dmah_amdvi_enable(&amdvi), DMAH_OK);
	assert_int_equal(dmah_amdvi_enable(&amdvi), DMAH_OK);
	assert_int_equal(dmah_amdvi_fini(&amdvi), DMAH_OK);
	assert_int_equal(reports, 0);
	posix_set_report(NULL, NULL);
	sim_destroy(sim);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_units),	 cmocka_unit_test(no_all),
		cmocka_unit_test(goes_on),	 cmocka_unit_test(overflow_hides_silence),
		cmocka_unit_test(overflow),	 cmocka_unit_test(event_interrupt),
		cmocka_unit_test(settings),	 cmocka_unit_test(attach_before_enable),
		cmocka_unit_test(command_order), cmocka_unit_test(bad_configurations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
