/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Domains of handles only, behind a virtio-iommu: no page table, so no call by address; everything by handle works as
 * elsewhere, and a handle that is not that of a live mapping is refused.
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

#define PAGE	4096u
#define TIMEOUT 1000000u
#define POOL	(64u * PAGE)

struct rig {
	struct sim *sim;
	struct unit unit;
	struct dmah_domain *dom;
	void *dom_memory;
	struct dmah_pool *pool;
	void *pool_memory;
	struct sim_device *sim_dev[2];
	struct dmah_device *dev[2];
	struct dmah_fault fault;
	unsigned int reports;
	const char *text;
};

static void keep_report(void *ctx, const struct dmah_device *dev, int err, const char *text,
			uint64_t addr, const void *caller)
{
	struct rig *r = ctx;

	(void)dev;
	(void)err;
	(void)addr;
	(void)caller;
	r->reports++;
	r->text = text;
}

static void attach(struct rig *r, unsigned int n, uint32_t flags)
{
	struct dmah_limits limits;

	sim_device_limits(r->sim_dev[n], &limits);
	limits.flags |= flags;
	assert_int_equal(dmah_attach(r->dom, r->dev[n], &limits), DMAH_OK);
}

static void open_pool(struct rig *r)
{
	dmah_phys_t phys = sim_ram_take(r->sim, POOL, PAGE);
	size_t need = dmah_pool_memory(POOL);

	r->pool_memory = memory_of(need);
	assert_int_equal(dmah_pool_init(&r->pool, phys, POOL, r->pool_memory, need), DMAH_OK);
}

/* @config: mode, history and the like. Device 1 is not attached yet. */
static void rig_open(struct rig *r, struct dmah_domain_config config, uint32_t flags)
{
	struct sim_config machine;
	size_t need;

	memset(r, 0, sizeof(*r));
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	posix_set_report(keep_report, r);
	assert_true(sim_config_named("virtio", &machine));
	r->sim = sim_create(&machine);
	unit_create(&r->unit, r->sim, 0);
	config.backend = DMAH_BACKEND_IOMMU;
	config.iommu = unit_start(&r->unit, TIMEOUT);
	config.format = unit_format(&r->unit);
	config.handles_only = true;
	open_pool(r);
	config.pool = r->pool;
	sim_inject_watch(r->sim, 0, config.iommu);
	need = dmah_domain_memory(&config);
	r->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&r->dom, &config, r->dom_memory, need), DMAH_OK);
	for (unsigned int i = 0; i < 2; i++) {
		r->sim_dev[i] =
			sim_device_add(r->sim, &(struct sim_device_config){ .id = 0x100 + 8 * i });
		r->dev[i] = sim_device_dmah(r->sim_dev[i]);
		r->dev[i]->iommu = config.iommu;
	}
	attach(r, 0, flags);
}

static void rig_close(struct rig *r)
{
	struct posix_alloc_stats stats;

	for (unsigned int i = 0; i < 2; i++)
		if (r->dev[i]->dom)
			assert_int_equal(dmah_detach(r->dev[i]), DMAH_OK);
	assert_int_equal(dmah_domain_fini(r->dom), DMAH_OK);
	unit_stop(&r->unit);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages + stats.mem, 0);
	sim_destroy(r->sim);
	posix_set_report(NULL, NULL);
	posix_clock_real();
	unit_free(&r->unit);
	free(r->dom_memory);
	free(r->pool_memory);
}

static bool writes(struct rig *r, unsigned int n, dmah_addr_t dma)
{
	return sim_dma_write(r->sim_dev[n], dma, "x", 1) == SIM_OK;
}

static bool reached(struct rig *r, dmah_phys_t phys)
{
	return sim_reaches_memory(r->sim_dev[0], phys, PAGE) != 0;
}

static uint64_t live(struct rig *r)
{
	return dmah_device_live(r->dev[0]);
}

static uint64_t pages_now(void)
{
	struct posix_alloc_stats stats;

	posix_alloc_stats(&stats);
	return stats.pages;
}

/* ---- mappings ---- */

/* Of every size and direction, in both modes: reached while they are live, and not afterwards. */
static void sizes(void **state)
{
	static const uint32_t lengths[] = {
		1, 64, PAGE, PAGE + 1, 17 * PAGE, 512 * PAGE, 513 * PAGE
	};

	(void)state;
	for (enum dmah_mode mode = DMAH_STRICT; mode <= DMAH_LAZY; mode++) {
		struct rig r;
		dmah_phys_t phys;

		rig_open(&r, (struct dmah_domain_config){ .mode = mode }, 0);
		phys = sim_ram_take(r.sim, 514 * PAGE, 2u << 20);
		for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
			for (enum dmah_dir dir = DMAH_TO_DEVICE; dir <= DMAH_BIDIRECTIONAL; dir++) {
				struct dmah h = { 0 };
				dmah_addr_t dma;
				char byte;

				assert_int_equal(dmah_map(r.dev[0], &h, phys + 8, lengths[i], dir,
							  0),
						 DMAH_OK);
				dma = dmah_addr(&h) + lengths[i] - 1;
				assert_int_equal(writes(&r, 0, dma), dir != DMAH_TO_DEVICE);
				assert_int_equal(sim_dma_read(r.sim_dev[0], dma, &byte, 1) ==
							 SIM_OK,
						 dir != DMAH_FROM_DEVICE);
				assert_int_equal(dmah_unmap(r.dev[0], &h), DMAH_OK);
				/* A lazy unmap posts its request too: the device may be quick. */
				if (mode == DMAH_STRICT)
					assert_false(reached(&r, phys));
				assert_int_equal(dmah_flush(r.dom), DMAH_OK);
				assert_false(reached(&r, phys));
				assert_false(writes(&r, 0, dma));
			}
		(void)dmah_faults(r.unit.iommu, NULL, NULL, NULL);
		assert_int_equal(r.reports, 0);
		rig_close(&r);
	}
}

/* 1,024 mappings of 64 KiB, 64 MiB in all, take 5 pages of marks at most; a page table takes one for each 2 MiB, and more. */
static void memory(void **state)
{
	static struct dmah h[1024];
	struct rig r;
	uint64_t before;

	(void)state;
	rig_open(&r, (struct dmah_domain_config){ 0 }, 0);
	before = pages_now();
	for (unsigned int i = 0; i < 1024; i++)
		assert_int_equal(dmah_map(r.dev[0], &h[i], 0x48000000 + i * 0x10000, 0x10000,
					  DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
	assert_true(pages_now() - before <= 5);
	assert_int_equal(live(&r), 1024);
	for (unsigned int i = 0; i < 1024; i++)
		assert_int_equal(dmah_unmap(r.dev[0], &h[i]), DMAH_OK);
	rig_close(&r);
}

/* A stale copy is refused, also where its granules are mapped anew, until generations wrap. */
static void copies(void **state)
{
	dmah_phys_t phys;
	struct dmah h = { 0 }, copy;
	struct rig r;

	(void)state;
	rig_open(&r, (struct dmah_domain_config){ 0 }, 0);
	phys = sim_ram_take(r.sim, 4 * PAGE, PAGE);
	assert_int_equal(dmah_map(r.dev[0], &h, phys, 3 * PAGE, DMAH_FROM_DEVICE, 0), DMAH_OK);
	copy = h;
	assert_int_equal(dmah_unmap(r.dev[0], &h), DMAH_OK);
	for (unsigned int i = 0; i < 63; i++) {
		struct dmah stale = copy, again = { 0 };

		assert_int_equal(dmah_unmap(r.dev[0], &stale), DMAH_ESTALE);
		assert_int_equal(dmah_map(r.dev[0], &again, phys, 3 * PAGE, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		assert_int_equal(dmah_addr(&again), dmah_addr(&copy));
		stale = copy;
		assert_int_equal(dmah_unmap(r.dev[0], &stale), DMAH_ESTALE);
		assert_true(writes(&r, 0, dmah_addr(&again)));
		assert_int_equal(dmah_unmap(r.dev[0], &again), DMAH_OK);
	}
	/* A handle that was changed: shorter, longer, elsewhere. */
	assert_int_equal(dmah_map(r.dev[0], &h, phys, 3 * PAGE, DMAH_FROM_DEVICE, 0), DMAH_OK);
	for (unsigned int i = 0; i < 4; i++) {
		struct dmah bad = h;

		bad.len += i == 0 ? PAGE : i == 1 ? -(uint32_t)PAGE : 0;
		bad.dma += i == 2 ? PAGE : i == 3 ? (uint64_t)1 << 40 : 0;
		assert_int_equal(dmah_unmap(r.dev[0], &bad), DMAH_ESTALE);
	}
	assert_true(writes(&r, 0, dmah_addr(&h)));
	assert_int_equal(dmah_unmap(r.dev[0], &h), DMAH_OK);
	rig_close(&r);
}

/* Vectors, batches, rings, coherent memory, the reserve, and an untrusted device's partial granules. */
static void everything(void **state)
{
	struct rig r;
	struct dmah_seg seg[3];
	struct dmah_dma_seg out[3];
	struct dmah part[3] = { { 0 } }, h[12] = { { 0 } }, batch[12] = { { 0 } }, *each[12];
	struct dmah_ring_config rc = { .entries = 8, .entry_size = 2048, .dir = DMAH_FROM_DEVICE };
	struct dmah_ring *ring;
	struct dmah_batch b = { .h = batch, .max = 12 };
	struct dmah_vec v = { .part = part, .seg = out, .max = 3 };
	void *ring_memory, *cpu;
	dmah_phys_t phys;
	dmah_addr_t dma;

	(void)state;
	for (unsigned int untrusted = 0; untrusted < 2; untrusted++) {
		rig_open(&r, (struct dmah_domain_config){ .mode = DMAH_LAZY },
			 untrusted ? DMAH_DEV_UNTRUSTED : 0);
		phys = sim_ram_take(r.sim, 64 * PAGE, PAGE);
		assert_int_equal(dmah_reserve(r.dom, 4, 8 * PAGE), DMAH_OK);
		for (unsigned int i = 0; i < 3; i++)
			seg[i] = (struct dmah_seg){ .phys = phys + 2 * i * PAGE + (i ? 0 : 512),
						    .len = i == 2 ? 700 : PAGE - (i ? 0 : 512) };
		assert_int_equal(dmah_map_vec(r.dev[0], &v, seg, 3, DMAH_FROM_DEVICE, 0), DMAH_OK);
		for (unsigned int i = 0; i < v.nseg; i++)
			assert_true(writes(&r, 0, out[i].dma));
		assert_int_equal(dmah_unmap_vec(r.dev[0], &v), DMAH_OK);
		for (unsigned int i = 0; i < 12; i++) {
			each[i] = &h[i];
			assert_int_equal(dmah_map(r.dev[0], &h[i], phys + i * PAGE, 100,
						  DMAH_FROM_DEVICE, 0),
					 DMAH_OK);
		}
		assert_int_equal(dmah_unmap_start(r.dev[0], &b, each, 12), DMAH_OK);
		assert_int_equal(dmah_unmap_finish(r.dev[0], &b), DMAH_OK);
		assert_false(reached(&r, phys));
		ring_memory = memory_of(dmah_ring_memory(&rc));
		assert_int_equal(dmah_ring_init(&ring, r.dev[0], &rc, ring_memory,
						dmah_ring_memory(&rc)),
				 DMAH_OK);
		for (unsigned int i = 0; i < 40; i++) {
			assert_int_equal(dmah_ring_push(ring, phys + i * PAGE, 2048, &dma),
					 DMAH_OK);
			assert_true(writes(&r, 0, dma));
			assert_int_equal(dmah_ring_pop(ring, 1), DMAH_OK);
		}
		assert_int_equal(dmah_ring_fini(ring), DMAH_OK);
		free(ring_memory);
		assert_int_equal(dmah_alloc_coherent(r.dev[0], &h[0], 3 * PAGE, &cpu), DMAH_OK);
		dma = dmah_addr(&h[0]) + 3 * PAGE - 1;
		assert_true(writes(&r, 0, dma));
		assert_int_equal(*((char *)cpu + 3 * PAGE - 1), 'x');
		assert_int_equal(dmah_free_coherent(r.dev[0], &h[0]), DMAH_OK);
		assert_false(writes(&r, 0, dma));
		assert_int_equal(dmah_flush(r.dom), DMAH_OK);
		assert_false(reached(&r, phys));
		assert_int_equal(r.reports, 0);
		rig_close(&r);
	}
}

/* ---- what is refused ---- */

static void by_address(void **state)
{
	struct dmah_sg sg = { .len = 64 };
	struct dmah h = { 0 };
	dmah_addr_t dma = 0;
	struct rig r;

	(void)state;
	rig_open(&r, (struct dmah_domain_config){ 0 }, 0);
	sg.phys = sim_ram_take(r.sim, PAGE, PAGE);
	assert_int_equal(dmah_map(r.dev[0], &h, sg.phys, 64, DMAH_TO_DEVICE, 0), DMAH_OK);
	assert_int_equal(dmah_addr_map(r.dev[0], sg.phys, 64, DMAH_TO_DEVICE, 0, &dma),
			 DMAH_ENOTSUP);
	assert_true(dma == DMAH_BAD_ADDR);
	assert_string_equal(r.text, "an address-keyed call in a domain of handles only "
				    "(config.handles_only)");
	dma = dmah_addr(&h);
	assert_int_equal(dmah_addr_unmap(r.dev[0], dma, 64, DMAH_TO_DEVICE, 0), DMAH_ENOTSUP);
	assert_int_equal(dmah_page_unmap(r.dev[0], dma, sg.phys, 64, DMAH_TO_DEVICE, 0),
			 DMAH_ENOTSUP);
	assert_int_equal(dmah_addr_sync_for_cpu(r.dev[0], dma, 64, DMAH_TO_DEVICE), DMAH_ENOTSUP);
	assert_int_equal(dmah_addr_map_sg(r.dev[0], &sg, 1, DMAH_TO_DEVICE, 0), DMAH_ENOTSUP);
	assert_int_equal(dmah_addr_unmap_sg(r.dev[0], &sg, 1, DMAH_TO_DEVICE, 0), DMAH_ENOTSUP);
	assert_int_equal(dmah_addr_sync_sg_for_cpu(r.dev[0], &sg, 1, DMAH_TO_DEVICE), DMAH_ENOTSUP);
	assert_int_equal(r.reports, 7);
	assert_int_equal(dmah_unmap(r.dev[0], &h), DMAH_OK);
	rig_close(&r);
}

/* An identity range would be lost with the device's reset; an IOMMU that reads tables needs one. */
static void unsuited(void **state)
{
	struct dmah_reserved range = { .base = 0x48000000, .size = PAGE, .identity = true };
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU, .handles_only = true };
	struct dmah_limits limits;
	struct sim_config machine;
	struct dmah_domain *dom;
	struct rig r;
	void *memory;
	size_t need;

	(void)state;
	rig_open(&r, (struct dmah_domain_config){ 0 }, 0);
	sim_device_limits(r.sim_dev[1], &limits);
	limits.reserved = &range;
	limits.nreserved = 1;
	assert_int_equal(dmah_attach(r.dom, r.dev[1], &limits), DMAH_ENOTSUP);
	assert_string_equal(r.text, "dmah_attach: an identity range in a domain of handles only");
	attach(&r, 1, 0);
	rig_close(&r);
	memset(&r, 0, sizeof(r));
	posix_set_report(keep_report, &r);
	assert_true(sim_config_named("vtd", &machine));
	r.sim = sim_create(&machine);
	unit_create(&r.unit, r.sim, 0);
	c.iommu = unit_start(&r.unit, TIMEOUT);
	c.format = unit_format(&r.unit);
	need = dmah_domain_memory(&c);
	memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&dom, &c, memory, need), DMAH_ENOTSUP);
	unit_stop(&r.unit);
	sim_destroy(r.sim);
	unit_free(&r.unit);
	free(memory);
	posix_set_report(NULL, NULL);
}

/* ---- hardware that fails, faults, modes ---- */

/* Mappings that could not be ended are ended by the flush after the device has come back, and can be used again then. */
static void quarantine(void **state)
{
	(void)state;
	for (enum dmah_mode mode = DMAH_STRICT; mode <= DMAH_LAZY; mode++) {
		struct dmah h[200] = { { 0 } };
		dmah_phys_t phys;
		struct rig r;

		rig_open(&r, (struct dmah_domain_config){ .mode = mode, .aperture_size = 4u << 20 },
			 0);
		phys = sim_ram_take(r.sim, 400 * PAGE, PAGE);
		for (unsigned int i = 0; i < 200; i++)
			assert_int_equal(dmah_map(r.dev[0], &h[i], phys + 2 * i * PAGE,
						  1 + (i / 2) % 2 * PAGE, DMAH_FROM_DEVICE, 0),
					 DMAH_OK);
		unit_hold(&r.unit, true);
		/* More than the queue of requests has room for. */
		for (unsigned int i = 0; i < 200; i += 2) {
			int err = dmah_unmap(r.dev[0], &h[i]);

			assert_true(err == DMAH_ETIMEDOUT || (mode == DMAH_LAZY && !err));
		}
		assert_int_equal(dmah_flush(r.dom), DMAH_ETIMEDOUT);
		unit_hold(&r.unit, false);
		assert_int_equal(dmah_flush(r.dom), DMAH_OK);
		assert_int_equal(dmah_flush(r.dom), DMAH_OK);
		for (unsigned int i = 0; i < 200; i++)
			assert_int_equal(reached(&r, phys + 2 * i * PAGE), i % 2);
		for (unsigned int i = 0; i < 200; i += 2)
			assert_int_equal(dmah_map(r.dev[0], &h[i], phys, 100, DMAH_FROM_DEVICE, 0),
					 DMAH_OK);
		for (unsigned int i = 0; i < 200; i++)
			assert_int_equal(dmah_unmap(r.dev[0], &h[i]), DMAH_OK);
		assert_int_equal(dmah_flush(r.dom), DMAH_OK);
		/* The whole aperture but address 0 is there. */
		for (unsigned int n = 0; n < 2; n++) {
			static struct dmah all[1023];

			for (unsigned int i = 0; i < 1023; i++)
				assert_int_equal(dmah_map(r.dev[0], &all[i], phys, 64,
							  DMAH_FROM_DEVICE, 0),
						 DMAH_OK);
			for (unsigned int i = 0; i < 1023; i++)
				assert_int_equal(dmah_unmap(r.dev[0], &all[i]), DMAH_OK);
		}
		rig_close(&r);
	}
}

static void keep(void *ctx, const struct dmah_fault *fault)
{
	((struct rig *)ctx)->fault = *fault;
}

static const struct dmah_fault *fault(struct rig *r)
{
	struct dmah_fault_count count;

	posix_clock_advance(DMAH_FAULT_WINDOW + 1);
	assert_int_equal(dmah_faults(r->unit.iommu, keep, r, &count), DMAH_OK);
	assert_int_equal(count.taken, 1);
	return &r->fault;
}

/* A fault names the mapping that is or was there. */
static void faults(void **state)
{
	struct dmah h = { 0 };
	dmah_phys_t phys;
	dmah_addr_t dma;
	struct rig r;

	(void)state;
	rig_open(&r, (struct dmah_domain_config){ 0 }, 0);
	phys = sim_ram_take(r.sim, PAGE, PAGE);
	assert_false(writes(&r, 0, 0x5000));
	assert_int_equal(fault(&r)->place, DMAH_FAULT_NEVER);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(dmah_map(r.dev[0], &h, phys, 64, DMAH_TO_DEVICE, 0), DMAH_OK);
		dma = dmah_addr(&h);
		assert_false(writes(&r, 0, dma));
		assert_int_equal(fault(&r)->place, DMAH_FAULT_MAPPED);
		assert_int_equal(r.fault.phys, phys);
		assert_int_equal(dmah_unmap(r.dev[0], &h), DMAH_OK);
		assert_false(writes(&r, 0, dma));
		assert_int_equal(fault(&r)->place, DMAH_FAULT_UNMAPPED);
		assert_int_equal(r.fault.phys, phys);
	}
	rig_close(&r);
}

/* A killed device, devices that come and go, passthrough and back, a reset. */
static void life(void **state)
{
	struct dmah h = { 0 };
	dmah_phys_t phys;
	struct rig r;

	(void)state;
	rig_open(&r, (struct dmah_domain_config){ 0 }, 0);
	phys = sim_ram_take(r.sim, PAGE, PAGE);
	assert_int_equal(dmah_map(r.dev[0], &h, phys, 64, DMAH_FROM_DEVICE, 0), DMAH_OK);
	attach(&r, 1, 0);
	assert_true(writes(&r, 1, dmah_addr(&h)));
	assert_int_equal(dmah_kill(r.dev[0]), DMAH_OK);
	assert_false(writes(&r, 0, dmah_addr(&h)));
	assert_int_equal(dmah_unmap(r.dev[0], &h), DMAH_OK);
	assert_false(writes(&r, 1, 0x5000));
	assert_int_equal(dmah_detach(r.dev[0]), DMAH_OK);
	attach(&r, 0, 0);
	assert_int_equal(dmah_set_mode(r.dom, DMAH_PASSTHROUGH), DMAH_OK);
	assert_true(writes(&r, 0, phys));
	assert_int_equal(dmah_set_mode(r.dom, DMAH_STRICT), DMAH_OK);
	assert_false(writes(&r, 0, phys));
	assert_int_equal(dmah_map(r.dev[0], &h, phys, 64, DMAH_FROM_DEVICE, 0), DMAH_OK);
	assert_int_equal(unit_reset(&r.unit), DMAH_OK);
	assert_false(writes(&r, 0, dmah_addr(&h)));
	assert_int_equal(dmah_unmap(r.dev[0], &h), DMAH_OK);
	assert_int_equal(dmah_map(r.dev[0], &h, phys, 64, DMAH_FROM_DEVICE, 0), DMAH_OK);
	assert_true(writes(&r, 0, dmah_addr(&h)) && writes(&r, 1, dmah_addr(&h)));
	assert_int_equal(dmah_unmap(r.dev[0], &h), DMAH_OK);
	rig_close(&r);
}

/* ---- at random ---- */

#define LIVE 64u

/* 1,000 steps: what is live is reached, what a strict unmap or a flush has ended is not; now and then the device is slow. */
static void random_program(enum dmah_mode mode, uint32_t seed)
{
	struct dmah h[LIVE] = { { 0 } };
	bool maybe[LIVE] = { false }; /* ended, and not flushed with success yet */
	dmah_phys_t phys;
	struct rig r;

	rig_open(&r, (struct dmah_domain_config){ .mode = mode, .lazy_entries = 16 }, 0);
	phys = sim_ram_take(r.sim, LIVE * 4 * PAGE, PAGE);
	for (unsigned int step = 0; step < 1000; step++) {
		unsigned int n;
		bool slow;
		int err;

		seed = seed * 1664525u + 1013904223u;
		n = seed >> 24 & (LIVE - 1);
		slow = (seed >> 8 & 63) == 0;
		if (slow)
			unit_hold(&r.unit, true);
		if (!dmah_mapped(&h[n]) && !maybe[n]) {
			err = dmah_map(r.dev[0], &h[n], phys + n * 4 * PAGE,
				       1 + (seed >> 16 & 3) * PAGE, DMAH_FROM_DEVICE, 0);
			assert_true(!err || slow);
			maybe[n] = err != 0;
		} else if (dmah_mapped(&h[n])) {
			err = dmah_unmap(r.dev[0], &h[n]);
			assert_true(!err || slow);
			maybe[n] = err || mode == DMAH_LAZY;
		}
		if (slow) {
			unit_hold(&r.unit, false);
			(void)dmah_flush(r.dom);
		}
		if (slow || step % 50 == 0) {
			assert_int_equal(dmah_flush(r.dom), DMAH_OK);
			memset(maybe, 0, sizeof(maybe));
		}
		/* All of them now and then, and the one at each step. */
		for (unsigned int i = 0; i < LIVE; i++)
			if (!maybe[i] && (i == n || step % 50 == 0))
				assert_int_equal(reached(&r, phys + i * 4 * PAGE),
						 dmah_mapped(&h[i]));
	}
	for (unsigned int i = 0; i < LIVE; i++)
		assert_int_equal(dmah_unmap(r.dev[0], &h[i]), DMAH_OK);
	rig_close(&r);
}

static void random_programs(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 3; seed++) {
		random_program(DMAH_STRICT, seed);
		random_program(DMAH_LAZY, seed + 100);
	}
}

/* Each allocation and each request fails in turn: a failed map changes nothing. */
static void failures(void **state)
{
	static const enum sim_point points[] = { SIM_POINT_PAGE_ALLOC, SIM_POINT_INVALIDATE,
						 SIM_POINT_FENCE, SIM_POINT_WAIT };

	(void)state;
	for (unsigned int p = 0; p < sizeof(points) / sizeof(points[0]); p++)
		for (unsigned int nth = 1; nth < 8; nth++) {
			struct sim_injection what = { .point = points[p],
						      .failure = SIM_FAIL_CALL,
						      .err = p ? 0 : DMAH_ENOMEM,
						      .nth = nth };
			struct dmah h = { 0 };
			dmah_phys_t phys;
			struct rig r;
			int err;

			rig_open(&r, (struct dmah_domain_config){ 0 }, 0);
			phys = sim_ram_take(r.sim, 4 * PAGE, PAGE);
			sim_inject(r.sim, &what);
			err = dmah_map(r.dev[0], &h, phys, 3 * PAGE, DMAH_FROM_DEVICE, 0);
			assert_int_equal(!err, dmah_mapped(&h));
			if (!err)
				err = dmah_unmap(r.dev[0], &h);
			sim_inject_stop(r.sim);
			assert_int_equal(dmah_flush(r.dom), DMAH_OK);
			assert_false(reached(&r, phys));
			assert_int_equal(live(&r), 0);
			rig_close(&r);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),      cmocka_unit_test(memory),
		cmocka_unit_test(copies),     cmocka_unit_test(everything),
		cmocka_unit_test(by_address), cmocka_unit_test(unsuited),
		cmocka_unit_test(quarantine), cmocka_unit_test(faults),
		cmocka_unit_test(life),	      cmocka_unit_test(random_programs),
		cmocka_unit_test(failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
