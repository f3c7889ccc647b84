/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The driver of the SMMUv3 on units that QEMU does not have. */
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/smmuv3.h>

#include "posix.h"
#include "../setup.h"
#include "sim.h"
#include "sim_smmuv3.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#define UNITS	2u
#define DEVICES 6u
#define TIMEOUT 1000000u

#define NO_STREAM     0x02u
#define F_TRANSLATION 0x10u

/* Two units, a domain that both serve, and devices: three behind each. */
struct rig {
	struct sim *sim;
	struct sim_smmuv3 *regs[UNITS];
	struct dmah_smmuv3 smmu[UNITS];
	void *smmu_memory[UNITS];
	struct sim_device *dev[DEVICES];
	struct dmah_domain *dom;
	void *dom_memory;
	unsigned int reports;
};

static struct dmah_device *device(struct rig *rig, unsigned int n)
{
	return sim_device_dmah(rig->dev[n]);
}

static void open_unit(struct rig *rig, unsigned int n, const struct sim_smmuv3_config *regs,
		      const struct dmah_smmuv3_config *config)
{
	struct dmah_smmuv3_config c = *config;
	size_t need;

	rig->regs[n] = sim_smmuv3_create(rig->sim, n, regs);
	assert_non_null(rig->regs[n]);
	c.timeout_ns = TIMEOUT;
	c.regs = sim_smmuv3_regs(rig->regs[n]);
	need = dmah_smmuv3_memory(&c);
	rig->smmu_memory[n] = memory_of(need);
	assert_int_equal(dmah_smmuv3_init(&rig->smmu[n], &c, rig->smmu_memory[n], need), DMAH_OK);
}

static void attach(struct rig *rig, unsigned int n)
{
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };

	assert_int_equal(dmah_attach(rig->dom, device(rig, n), &limits), DMAH_OK);
}

static struct rig *rig_open(const struct sim_smmuv3_config regs[UNITS],
			    const struct dmah_smmuv3_config *config)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU };
	struct dmah_domain_config domain = { .backend = DMAH_BACKEND_IOMMU,
					     .format = &dmah_pt_lpae_s1,
					     .devices = DEVICES + 1 };
	struct rig *rig = calloc(1, sizeof(*rig));
	size_t need;

	for (unsigned int i = 0; i < UNITS; i++)
		machine.iommu[i].flavour = SIM_SMMU;
	rig->sim = sim_create(&machine);
	assert_non_null(rig->sim);
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	count_reports(&rig->reports);
	for (unsigned int i = 0; i < UNITS; i++)
		open_unit(rig, i, regs ? &regs[i] : NULL, config);
	domain.iommu = &rig->smmu[0].iommu;
	need = dmah_domain_memory(&domain);
	rig->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&rig->dom, &domain, rig->dom_memory, need), DMAH_OK);
	assert_int_equal(dmah_domain_add_iommu(rig->dom, &rig->smmu[1].iommu), DMAH_OK);
	for (unsigned int i = 0; i < DEVICES; i++) {
		struct sim_device_config c = { .id = 8 + 40 * i, .iommu = i % UNITS + 1 };

		rig->dev[i] = sim_device_add(rig->sim, &c);
		assert_non_null(rig->dev[i]);
		device(rig, i)->iommu = &rig->smmu[i % UNITS].iommu;
		attach(rig, i);
	}
	return rig;
}

/* Check that there was exactly one event since the last call: a write of device @n. */
static void one_event(struct rig *rig, unsigned int n, uint32_t type, dmah_addr_t dma)
{
	struct dmah_smmuv3_event event[2];
	bool lost;

	assert_int_equal(dmah_smmuv3_events(&rig->smmu[n % UNITS], event, 2, &lost), 1);
	assert_false(lost);
	assert_int_equal(event[0].type, type);
	assert_int_equal(event[0].sid, device(rig, n)->id);
	assert_int_equal(event[0].has_address, type >= 0x10);
	if (!event[0].has_address)
		return;
	assert_true(event[0].iova == dma);
	assert_true(event[0].write);
}

static void rig_close(struct rig *rig)
{
	struct dmah_smmuv3_event event;
	struct posix_alloc_stats stats;
	bool lost;

	assert_int_equal(rig->reports, 0);
	for (unsigned int i = 0; i < UNITS; i++) {
		assert_int_equal(dmah_smmuv3_events(&rig->smmu[i], &event, 1, &lost), 0);
		assert_false(lost);
	}
	for (unsigned int i = 0; i < DEVICES; i++)
		if (device(rig, i)->dom)
			assert_int_equal(dmah_detach(device(rig, i)), DMAH_OK);
	assert_int_equal(dmah_domain_fini(rig->dom), DMAH_OK);
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(dmah_smmuv3_fini(&rig->smmu[i]), DMAH_OK);
	/* A unit that is off and set to abort refuses all transactions. */
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_int_not_equal(sim_dma_write(rig->dev[i], 0x40000000, "x", 1), SIM_OK);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 0);
	assert_int_equal(stats.mem, 0);
	sim_destroy(rig->sim);
	posix_set_report(NULL, NULL);
	posix_clock_real();
	for (unsigned int i = 0; i < UNITS; i++)
		free(rig->smmu_memory[i]);
	free(rig->dom_memory);
	free(rig);
}

static const struct dmah_smmuv3_config plain;

static bool writes(struct rig *rig, unsigned int n, dmah_addr_t dma)
{
	return sim_dma_write(rig->dev[n], dma, "x", 1) == SIM_OK;
}

/* Devices behind both units reach a mapping, and none does after any device's unmap. */
static void map_and_unmap(struct rig *rig)
{
	dmah_phys_t phys = sim_ram_take(rig->sim, 1u << 20, 4096);

	for (unsigned int round = 0; round < 40; round++) {
		struct dmah h = { 0 };
		uint32_t len = 4096u * (1 + round * 7 % 50);
		dmah_addr_t last;

		assert_int_equal(dmah_map(device(rig, round % DEVICES), &h, phys, len,
					  DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		last = dmah_addr(&h) + len - 1;
		for (unsigned int i = 0; i < DEVICES; i++)
			assert_true(writes(rig, i, dmah_addr(&h)) && writes(rig, i, last));
		assert_int_equal(dmah_unmap(device(rig, round % DEVICES), &h), DMAH_OK);
		for (unsigned int i = 0; i < DEVICES; i++) {
			assert_false(writes(rig, i, last));
			one_event(rig, i, F_TRANSLATION, last);
		}
	}
}

static void two_units(void **state)
{
	struct rig *rig = rig_open(NULL, &plain);

	(void)state;
	map_and_unmap(rig);
	rig_close(rig);
}

/* A linear table beside one of two levels; ranges beside single pages. */
static void unlike_units(void **state)
{
	static const struct sim_smmuv3_config regs[UNITS] = {
		{ .linear = true, .sid_bits = 8 }, { .no_range = true, .no_ats = true }
	};
	struct rig *rig = rig_open(regs, &plain);
	struct sim_device_config far = { .id = 0x100, .iommu = 1 };
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };
	struct dmah_device *dev;

	(void)state;
	map_and_unmap(rig);
	/* A stream id beyond the table is refused. */
	dev = sim_device_dmah(sim_device_add(rig->sim, &far));
	dev->iommu = &rig->smmu[0].iommu;
	assert_int_equal(dmah_attach(rig->dom, dev, &limits), DMAH_ENOTSUP);
	rig_close(rig);
}

/* If one unit hangs, unmaps return an error, and the other unit works as before. */
static void one_hangs(void **state)
{
	struct rig *rig = rig_open(NULL, &plain);
	dmah_phys_t phys = sim_ram_take(rig->sim, 4096, 4096);
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	assert_int_equal(dmah_map(device(rig, 0), &h, phys, 4096, DMAH_FROM_DEVICE, 0), DMAH_OK);
	dma = dmah_addr(&h);
	assert_true(writes(rig, 0, dma) && writes(rig, 1, dma));
	sim_smmuv3_hold(rig->regs[1], true);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_ETIMEDOUT);
	assert_false(writes(rig, 0, dma));
	one_event(rig, 0, F_TRANSLATION, dma);
	assert_true(writes(rig, 1, dma));
	assert_int_equal(rig->reports, 1);
	rig->reports = 0;
	sim_smmuv3_hold(rig->regs[1], false);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	assert_false(writes(rig, 1, dma));
	one_event(rig, 1, F_TRANSLATION, dma);
	rig_close(rig);
}

/* An overflow is reported once; afterwards events are recorded again. */
static void events_overflow(void **state)
{
	struct rig *rig = rig_open(NULL, &(struct dmah_smmuv3_config){ .evtq_log2 = 4 });
	struct dmah_smmuv3_event event[32];
	bool lost;

	(void)state;
	for (unsigned int round = 0; round < 5; round++) {
		for (unsigned int i = 0; i < 17 + round * 20; i++)
			assert_false(writes(rig, 0, 0x100000 + 4096 * i));
		assert_int_equal(dmah_smmuv3_events(&rig->smmu[0], event, 32, &lost), 16);
		assert_true(lost);
		for (unsigned int i = 0; i < 16; i++)
			assert_true(event[i].iova == 0x100000 + 4096ull * i);
		assert_int_equal(dmah_smmuv3_events(&rig->smmu[0], event, 32, &lost), 0);
		assert_false(lost);
		/* The queue goes round in between. */
		for (unsigned int i = 0; i < 3 + round; i++) {
			assert_false(writes(rig, 2, 0x5000));
			one_event(rig, 2, F_TRANSLATION, 0x5000);
		}
	}
	assert_int_equal(rig->smmu[0].events_lost, 5);
	assert_int_equal(rig->smmu[1].events_lost, 0);
	rig_close(rig);
}

/* Events of a stream that was never bound, and of one that was detached. */
static void unbound(void **state)
{
	struct rig *rig = rig_open(NULL, &plain);
	struct sim_device_config far = { .id = 0x4567, .iommu = 1 };
	struct sim_device *dev = sim_device_add(rig->sim, &far);
	struct dmah_smmuv3_event event;
	bool lost;

	(void)state;
	assert_int_not_equal(sim_dma_write(dev, 0x5000, "x", 1), SIM_OK);
	assert_int_equal(dmah_smmuv3_events(&rig->smmu[0], &event, 1, &lost), 1);
	assert_int_equal(event.type, NO_STREAM);
	assert_int_equal(event.sid, 0x4567);
	/* Blocked is no event. */
	assert_int_equal(dmah_detach(device(rig, 2)), DMAH_OK);
	assert_false(writes(rig, 2, 0x5000));
	assert_int_equal(dmah_smmuv3_events(&rig->smmu[0], &event, 1, &lost), 0);
	attach(rig, 2);
	assert_false(writes(rig, 2, 0x5000));
	one_event(rig, 2, F_TRANSLATION, 0x5000);
	rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_units), cmocka_unit_test(unlike_units),
		cmocka_unit_test(one_hangs), cmocka_unit_test(events_overflow),
		cmocka_unit_test(unbound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
