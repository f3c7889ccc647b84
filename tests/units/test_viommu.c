/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The driver of virtio-iommu on lab/sim's model: features and limits, requests and their answers, devices that answer wrongly,
 * late or not at all, events and their overflow, probes, several devices in one domain.
 */
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>
#include <dmah/viommu.h>

#include "posix.h"
#include "../setup.h"
#include "sim.h"
#include "sim_inject.h"
#include "sim_reach.h"
#include "sim_viommu.h"

#include <stdlib.h>
#include <string.h>

#define UNITS	2u
#define DEVICES 3u
#define PAGE	4096u
#define TIMEOUT 1000000u
#define EVENTS	64u /* buffers that the driver gives */

/* Devices 0 and 2 are behind the first unit, device 1 behind the second. */
static const uint32_t ids[DEVICES] = { 0x2a, 0x15, 0x33 };

struct rig {
	struct sim *sim;
	struct sim_viommu *model[UNITS];
	struct dmah_viommu unit[UNITS];
	void *unit_memory[UNITS];
	struct dmah_domain *dom;
	void *dom_memory;
	struct sim_device *dev[DEVICES];
	unsigned int reports;
	struct dmah_fault fault[EVENTS + 8];
	unsigned int nfaults;
};

static struct dmah_device *device(struct rig *rig, unsigned int n)
{
	return sim_device_dmah(rig->dev[n]);
}

static int init_unit(struct rig *rig, unsigned int i, const struct dmah_viommu_config *config)
{
	struct dmah_viommu_config c = *config;
	size_t need;

	c.transport = &sim_viommu_transport;
	c.ctx = rig->model[i];
	c.timeout_ns = TIMEOUT;
	need = dmah_viommu_memory(&c);
	rig->unit_memory[i] = memory_of(need);
	return dmah_viommu_init(&rig->unit[i], &c, rig->unit_memory[i], need);
}

/* The machine without drivers. */
static struct rig *machine(const struct sim_viommu_config *model)
{
	struct sim_config config = { .backend = DMAH_BACKEND_IOMMU };
	struct rig *rig = calloc(1, sizeof(*rig));

	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	count_reports(&rig->reports);
	for (unsigned int i = 0; i < UNITS; i++)
		config.iommu[i] = (struct sim_iommu_config){ .flavour = SIM_VIRTIO };
	rig->sim = sim_create(&config);
	assert_non_null(rig->sim);
	for (unsigned int i = 0; i < UNITS; i++) {
		rig->model[i] = sim_viommu_create(rig->sim, i, model);
		assert_non_null(rig->model[i]);
	}
	for (unsigned int i = 0; i < DEVICES; i++) {
		rig->dev[i] = sim_device_add(
			rig->sim, &(struct sim_device_config){ .id = ids[i], .iommu = i % 2 + 1 });
		device(rig, i)->iommu = &rig->unit[i % 2].iommu;
	}
	return rig;
}

static void attach(struct rig *rig, unsigned int n)
{
	struct dmah_limits limits;

	sim_device_limits(rig->dev[n], &limits);
	assert_int_equal(dmah_attach(rig->dom, device(rig, n), &limits), DMAH_OK);
}

static void open_domain(struct rig *rig, enum dmah_mode mode)
{
	struct dmah_domain_config d = { .backend = DMAH_BACKEND_IOMMU,
					.iommu = &rig->unit[0].iommu,
					.format = rig->unit[0].iommu.formats[0],
					.mode = mode };
	size_t need = dmah_domain_memory(&d);

	rig->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&rig->dom, &d, rig->dom_memory, need), DMAH_OK);
	assert_int_equal(dmah_domain_add_iommu(rig->dom, &rig->unit[1].iommu), DMAH_OK);
}

static struct rig *rig_open(const struct sim_viommu_config *model, enum dmah_mode mode)
{
	struct rig *rig = machine(model);

	for (unsigned int i = 0; i < UNITS; i++) {
		assert_int_equal(init_unit(rig, i, &(struct dmah_viommu_config){ 0 }), DMAH_OK);
		assert_int_equal(dmah_viommu_enable(&rig->unit[i]), DMAH_OK);
	}
	open_domain(rig, mode);
	for (unsigned int i = 0; i < DEVICES; i++)
		attach(rig, i);
	return rig;
}

static bool writes(struct rig *rig, unsigned int n, dmah_addr_t dma)
{
	return sim_dma_write(rig->dev[n], dma, "x", 1) == SIM_OK;
}

static bool reads(struct rig *rig, unsigned int n, dmah_addr_t dma)
{
	char byte;

	return sim_dma_read(rig->dev[n], dma, &byte, 1) == SIM_OK;
}

static void keep(void *ctx, const struct dmah_fault *fault)
{
	struct rig *rig = ctx;

	if (rig->nfaults < sizeof(rig->fault) / sizeof(rig->fault[0]))
		rig->fault[rig->nfaults] = *fault;
	rig->nfaults++;
}

static unsigned int faults(struct rig *rig, unsigned int unit, bool *lost)
{
	struct dmah_fault_count count;

	/* Beyond the window of the rate limit. */
	posix_clock_advance(DMAH_FAULT_WINDOW + 1);
	rig->nfaults = 0;
	assert_int_equal(dmah_faults(&rig->unit[unit].iommu, keep, rig, &count), DMAH_OK);
	if (lost)
		*lost = count.lost;
	else
		assert_false(count.lost);
	return count.taken;
}

static void close_machine(struct rig *rig)
{
	struct posix_alloc_stats stats;

	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages + stats.mem, 0);
	sim_destroy(rig->sim);
	posix_set_report(NULL, NULL);
	posix_clock_real();
	for (unsigned int i = 0; i < UNITS; i++)
		free(rig->unit_memory[i]);
	free(rig->dom_memory);
	free(rig);
}

static void rig_close(struct rig *rig)
{
	assert_int_equal(rig->reports, 0);
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(faults(rig, i, NULL), 0);
	for (unsigned int i = 0; i < DEVICES; i++)
		if (device(rig, i)->dom)
			assert_int_equal(dmah_detach(device(rig, i)), DMAH_OK);
	assert_int_equal(dmah_domain_fini(rig->dom), DMAH_OK);
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(dmah_viommu_fini(&rig->unit[i]), DMAH_OK);
	close_machine(rig);
}

/* Every device reaches a mapping of device @n, none before and none after it. */
static void maps(struct rig *rig, unsigned int n)
{
	dmah_phys_t phys = sim_ram_take(rig->sim, PAGE, PAGE);
	struct dmah h = { 0 };
	dmah_addr_t dma;

	assert_int_equal(dmah_map(device(rig, n), &h, phys, 64, DMAH_BIDIRECTIONAL, 0), DMAH_OK);
	dma = dmah_addr(&h);
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_true(writes(rig, i, dma) && reads(rig, i, dma));
	assert_int_equal(dmah_unmap(device(rig, n), &h), DMAH_OK);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	for (unsigned int i = 0; i < DEVICES; i++) {
		assert_false(sim_reaches_memory(rig->dev[i], phys, PAGE));
		assert_false(writes(rig, i, dma) || reads(rig, i, dma));
	}
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(faults(rig, i, NULL), i ? 2 : 4);
	assert_string_equal(rig->fault[0].hw.reason,
			    "nothing is mapped there, or not for this direction");
	assert_true(rig->fault[0].hw.has_addr && rig->fault[0].hw.write);
	assert_int_equal(rig->fault[0].hw.addr, dma);
	assert_int_equal(rig->fault[0].hw.id, ids[1]);
}

/* ---- features and limits ---- */

/* Devices without optional features, and with narrow ranges. */
static void features(void **state)
{
	static const struct sim_viommu_config models[] = {
		{ 0 },
		{ .without = 1u << 6 }, /* no bypass field: what is not attached is blocked */
		{ .without = 1u << 4 }, /* no probes */
		{ .without = 1u << 0 | 1u << 1 }, /* no ranges */
		{ .domain_start = 7, .domain_end = 8 },
		{ .domain_start = 0xfffffffe },
		{ .input_end = 0xffffffff },
		{ .input_start = 0x12345000, .input_end = (1ull << 39) - 1 },
		{ .page_sizes = 0x1000 },
		{ .page_sizes = ~0ull },
		{ .queue = 128 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		struct rig *rig = rig_open(&models[i], i & 1 ? DMAH_LAZY : DMAH_STRICT);
		bool lets = !(models[i].without >> 6 & 1);
		uint32_t domain = sim_viommu_domain(rig->model[0], ids[0]);
		struct sim_viommu_stats stats;

		assert_int_equal(domain, models[i].domain_start);
		maps(rig, i % DEVICES);
		assert_int_equal(dmah_set_mode(rig->dom, DMAH_PASSTHROUGH),
				 lets ? DMAH_OK : DMAH_ENOTSUP);
		if (lets) {
			dmah_phys_t page = sim_ram_take(rig->sim, PAGE, PAGE);

			assert_true(writes(rig, 0, page) && writes(rig, 1, page));
			domain = sim_viommu_domain(rig->model[0], ids[0]);
			assert_true(domain > models[i].domain_start &&
				    (!models[i].domain_end || domain <= models[i].domain_end));
			assert_int_equal(dmah_set_mode(rig->dom, DMAH_STRICT), DMAH_OK);
		}
		maps(rig, 0);
		sim_viommu_stats(rig->model[0], &stats);
		assert_int_equal(stats.refused, 0);
		/* The seal on its handles aside, an address below the first is never handed out. */
		assert_int_equal(rig->unit[0].iommu.nreserved, models[i].input_start ? 1 : 0);
		rig->reports = 0; /* of passthrough that is not there */
		rig_close(rig);
	}
}

/* Every address is within the device's range, until there is none. */
static void input_range(void **state)
{
	static const struct sim_viommu_config model = { .input_start = 0xffff0000,
							.input_end = 0xffffffff };
	struct rig *rig = rig_open(&model, DMAH_STRICT);
	dmah_phys_t phys = sim_ram_take(rig->sim, PAGE, PAGE);
	struct dmah h[17] = { { 0 } };
	unsigned int n = 0;

	(void)state;
	while (n < 17 && !dmah_map(device(rig, 0), &h[n], phys, 64, DMAH_FROM_DEVICE, 0)) {
		assert_true(dmah_addr(&h[n]) >= model.input_start &&
			    dmah_addr(&h[n]) <= model.input_end);
		n++;
	}
	assert_int_equal(n, 16);
	while (n--)
		assert_int_equal(dmah_unmap(device(rig, 0), &h[n]), DMAH_OK);
	rig_close(rig);
}

/* Devices that are refused, with a reason. */
static void refused_units(void **state)
{
	static const struct sim_viommu_config models[] = {
		{ .without = 1u << 2 }, /* no MAP and UNMAP */
		{ .without = 1ull << 32 }, /* of before version 1 */
		{ .page_sizes = 0x10000 },
		{ .queue = 64 },
		{ .domain_start = 5, .domain_end = 5 }, /* one domain, which lets through */
		{ .domain_start = 5, .domain_end = 4 },
		{ .input_start = 0x1000, .input_end = 0x1000 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		struct rig *rig = machine(&models[i]);

		assert_int_equal(init_unit(rig, 0, &(struct dmah_viommu_config){ 0 }),
				 DMAH_ENOTSUP);
		close_machine(rig);
	}
}

/* As many domains and endpoints as were asked for, and not one more. */
static void numbers(void **state)
{
	struct rig *rig = machine(NULL);
	uint32_t tag[3];

	(void)state;
	assert_int_equal(init_unit(rig, 0,
				   &(struct dmah_viommu_config){ .domains = 2, .endpoints = 1 }),
			 DMAH_OK);
	assert_int_equal(init_unit(rig, 1, &(struct dmah_viommu_config){ 0 }), DMAH_OK);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(rig->unit[0].iommu.ops->tag_alloc(&rig->unit[0].iommu, &tag[i]),
				 i < 2 ? DMAH_OK : DMAH_ENOSPC);
	rig->unit[0].iommu.ops->tag_free(&rig->unit[0].iommu, tag[0]);
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(dmah_viommu_enable(&rig->unit[i]), DMAH_OK);
	open_domain(rig, DMAH_STRICT);
	attach(rig, 0);
	assert_int_equal(
		dmah_attach(rig->dom, device(rig, 2),
			    &(struct dmah_limits){ .mask = ~0ull, .flags = DMAH_DEV_COHERENT }),
		DMAH_ENOMEM);
	assert_int_equal(dmah_detach(device(rig, 0)), DMAH_OK);
	attach(rig, 2);
	rig->reports = 0;
	rig_close(rig);
}

/* ---- requests ---- */

/* One request for a map and one for an unmap, of each unit, whatever the size. */
static void requests(void **state)
{
	static const uint32_t pages[] = { 1, 2, 17, 512, 513 };
	struct rig *rig = rig_open(NULL, DMAH_STRICT);
	dmah_phys_t phys = sim_ram_take(rig->sim, 513 * PAGE, 2u << 20);

	(void)state;
	for (unsigned int i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		struct sim_viommu_stats before, after;
		struct dmah h = { 0 };

		sim_viommu_stats(rig->model[1], &before);
		assert_int_equal(dmah_map(device(rig, 0), &h, phys, pages[i] * PAGE,
					  DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		assert_true(writes(rig, 1, dmah_addr(&h) + pages[i] * PAGE - 1));
		assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
		sim_viommu_stats(rig->model[1], &after);
		assert_int_equal(after.maps - before.maps, 1);
		assert_int_equal(after.unmaps - before.unmaps, 1);
		assert_int_equal(after.requests - before.requests, 2);
	}
	rig_close(rig);
}

/* More requests than the queue has: a flush of many holes waits for room, in both orders of answers. */
static void many_requests(void **state)
{
	struct rig *rig = rig_open(NULL, DMAH_LAZY);
	dmah_phys_t phys = sim_ram_take(rig->sim, 400 * PAGE, PAGE);
	struct dmah *h = calloc(400, sizeof(*h));

	(void)state;
	for (unsigned int round = 0; round < 2; round++) {
		sim_viommu_answer(rig->model[0], SIM_VIOMMU_REVERSE, round ? ~0u : 0, 0);
		for (unsigned int i = 0; i < 400; i++)
			assert_int_equal(dmah_map(device(rig, 0), &h[i], phys + i * PAGE, 64,
						  DMAH_FROM_DEVICE, 0),
					 DMAH_OK);
		for (unsigned int i = 0; i < 400; i += 2)
			assert_int_equal(dmah_unmap(device(rig, 0), &h[i]), DMAH_OK);
		assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
		for (unsigned int i = 0; i < 400; i++)
			assert_int_equal(
				sim_reaches_memory(rig->dev[2], phys + i * PAGE, PAGE) != 0, i % 2);
		for (unsigned int i = 1; i < 400; i += 2)
			assert_int_equal(dmah_unmap(device(rig, 0), &h[i]), DMAH_OK);
		assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	}
	free(h);
	rig_close(rig);
}

/* A device that is attached while others work disturbs none; the last one that leaves takes its domain with it. */
static void hot_attach(void **state)
{
	struct rig *rig = rig_open(NULL, DMAH_STRICT);
	dmah_phys_t phys = sim_ram_take(rig->sim, PAGE, PAGE);
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(dmah_map(device(rig, 0), &h, phys, 64, DMAH_FROM_DEVICE, 0), DMAH_OK);
	for (unsigned int i = 0; i < 20; i++) {
		unsigned int n = 1 + i % 2;

		assert_int_equal(dmah_detach(device(rig, n)), DMAH_OK);
		assert_false(writes(rig, n, dmah_addr(&h)));
		assert_int_equal(faults(rig, n % 2, NULL), 1);
		assert_string_equal(rig->fault[0].hw.reason, "the device is not attached");
		assert_false(rig->fault[0].hw.has_addr);
		attach(rig, n);
		for (unsigned int k = 0; k < DEVICES; k++)
			assert_true(writes(rig, k, dmah_addr(&h)));
	}
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	rig_close(rig);
}

/* ---- wrong answers ---- */

static const char *const wrong_text[SIM_VIOMMU_WRONGS] = { "refuse", "short",	"beyond",
							   "middle", "another", "twice",
							   "jump",   "forget",	"reverse" };

/* Both units back in service, and the domain's quarantine ended. */
static void bring_back(struct rig *rig)
{
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(dmah_viommu_reset(&rig->unit[i]), DMAH_OK);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	rig->reports = 0;
	maps(rig, 2);
}

/* @n: answers that are wrong. An UNMAP request that is refused is made again a few times. */
static void wrong_unmap(enum sim_viommu_wrong wrong, unsigned int n, uint8_t status,
			enum dmah_mode mode)
{
	bool heals = wrong == SIM_VIOMMU_REVERSE ||
		     (n == 1 && (wrong == SIM_VIOMMU_REFUSE || wrong == SIM_VIOMMU_SHORT));
	struct rig *rig = rig_open(NULL, mode);
	dmah_phys_t phys = sim_ram_take(rig->sim, PAGE, PAGE);
	struct dmah h = { 0 };
	int err;

	assert_int_equal(dmah_map(device(rig, 0), &h, phys, 64, DMAH_FROM_DEVICE, 0), DMAH_OK);
	sim_viommu_answer(rig->model[0], wrong, n, status);
	err = dmah_unmap(device(rig, 0), &h);
	if (mode == DMAH_LAZY) {
		assert_int_equal(err, DMAH_OK);
		err = dmah_flush(rig->dom);
	}
	if (!err && sim_reaches_memory(rig->dev[0], phys, PAGE))
		fail_msg("%s: the unmap returned 0 and the device reaches the memory",
			 wrong_text[wrong]);
	if (err != (heals ? DMAH_OK : DMAH_ETIMEDOUT))
		fail_msg("%s %u: %d", wrong_text[wrong], status, err);
	sim_viommu_answer(rig->model[0], 0, 0, 0);
	bring_back(rig);
	assert_false(sim_reaches_memory(rig->dev[0], phys, PAGE));
	rig_close(rig);
}

static void wrong_answers_to_unmap(void **state)
{
	(void)state;
	for (enum dmah_mode mode = DMAH_STRICT; mode <= DMAH_LAZY; mode++) {
		for (enum sim_viommu_wrong wrong = SIM_VIOMMU_SHORT; wrong < SIM_VIOMMU_WRONGS;
		     wrong++) {
			wrong_unmap(wrong, 1, 0, mode);
			wrong_unmap(wrong, ~0u, 0, mode);
		}
		for (unsigned int status = 1; status < 256; status += status < 34 ? 1 : 17) {
			/* NOENT says that the device has no such domain, so nothing is mapped. */
			if (status == 6)
				continue;
			wrong_unmap(SIM_VIOMMU_REFUSE, 1, (uint8_t)status, mode);
			wrong_unmap(SIM_VIOMMU_REFUSE, ~0u, (uint8_t)status, mode);
		}
	}
}

/* A map that is not confirmed fails, and leaves nothing behind. */
static void wrong_map(enum sim_viommu_wrong wrong, uint8_t status)
{
	struct rig *rig = rig_open(NULL, DMAH_STRICT);
	dmah_phys_t phys = sim_ram_take(rig->sim, PAGE, PAGE);
	struct dmah h = { 0 };
	int err;

	sim_viommu_answer(rig->model[0], wrong, 1, status);
	err = dmah_map(device(rig, 0), &h, phys, 64, DMAH_FROM_DEVICE, 0);
	if (wrong == SIM_VIOMMU_REVERSE) {
		assert_int_equal(err, DMAH_OK);
		assert_true(writes(rig, 0, dmah_addr(&h)));
		assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	} else {
		assert_int_equal(err, DMAH_ETIMEDOUT);
		assert_false(dmah_mapped(&h));
	}
	bring_back(rig);
	assert_false(sim_reaches_memory(rig->dev[0], phys, PAGE));
	rig_close(rig);
}

static void wrong_answers_to_map(void **state)
{
	(void)state;
	for (enum sim_viommu_wrong wrong = SIM_VIOMMU_SHORT; wrong < SIM_VIOMMU_WRONGS; wrong++)
		wrong_map(wrong, 0);
	for (unsigned int status = 1; status < 10; status++)
		wrong_map(SIM_VIOMMU_REFUSE, (uint8_t)status);
}

/* A bind whose request gets a wrong answer fails; after the reset the device reaches nothing, and the others go on. */
static void wrong_answers_to_attach(void **state)
{
	(void)state;
	for (enum sim_viommu_wrong wrong = 0; wrong < SIM_VIOMMU_REVERSE; wrong++) {
		struct rig *rig = rig_open(NULL, DMAH_STRICT);
		dmah_phys_t phys = sim_ram_take(rig->sim, PAGE, PAGE);
		struct dmah h = { 0 };
		int err;

		assert_int_equal(dmah_detach(device(rig, 0)), DMAH_OK);
		assert_int_equal(dmah_map(device(rig, 2), &h, phys, 64, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		sim_viommu_answer(rig->model[0], wrong, 1, 3);
		err = rig->unit[0].iommu.ops->bind(&rig->unit[0].iommu, device(rig, 0),
						   DMAH_BIND_PASSTHROUGH, NULL, 0);
		if (err != DMAH_ETIMEDOUT)
			fail_msg("%s: %d", wrong_text[wrong], err);
		assert_int_equal(dmah_viommu_reset(&rig->unit[0]), DMAH_OK);
		assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
		assert_false(sim_reaches_memory(rig->dev[0], phys, PAGE));
		assert_true(writes(rig, 2, dmah_addr(&h)));
		attach(rig, 0);
		assert_true(writes(rig, 0, dmah_addr(&h)));
		assert_int_equal(dmah_unmap(device(rig, 2), &h), DMAH_OK);
		bring_back(rig);
		rig_close(rig);
	}
}

/* A senseless ring is reported once, and nothing is believed until the reset, not even a right answer. */
static void broken_until_reset(void **state)
{
	struct rig *rig = rig_open(NULL, DMAH_STRICT);
	dmah_phys_t phys = sim_ram_take(rig->sim, PAGE, PAGE);
	struct dmah h = { 0 };

	(void)state;
	sim_viommu_answer(rig->model[0], SIM_VIOMMU_ANOTHER, 1, 0);
	assert_int_equal(dmah_map(device(rig, 0), &h, phys, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_ETIMEDOUT);
	assert_int_equal(rig->reports, 1);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(dmah_map(device(rig, 0), &h, phys, 64, DMAH_FROM_DEVICE, 0),
				 DMAH_ETIMEDOUT);
	assert_int_equal(rig->reports, 1);
	assert_int_equal(dmah_flush(rig->dom), DMAH_ETIMEDOUT);
	bring_back(rig);
	rig_close(rig);
}

/* ---- devices that do not answer ---- */

/* A device that is slow is back in service when it has answered; one that has lost its state, after a reset. */
static void silent(void **state)
{
	struct rig *rig = rig_open(NULL, DMAH_STRICT);
	dmah_phys_t phys = sim_ram_take(rig->sim, 2 * PAGE, PAGE);
	struct dmah h[2] = { { 0 } };

	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(dmah_map(device(rig, 0), &h[i], phys + i * PAGE, 64,
					  DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
	sim_viommu_hold(rig->model[0], true);
	assert_int_equal(dmah_unmap(device(rig, 0), &h[0]), DMAH_ETIMEDOUT);
	assert_true(sim_reaches_memory(rig->dev[0], phys, PAGE));
	assert_int_equal(rig->reports, 1);
	sim_viommu_hold(rig->model[0], false);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	assert_false(sim_reaches_memory(rig->dev[0], phys, PAGE));
	sim_repair(rig->sim, true);
	assert_int_equal(dmah_unmap(device(rig, 0), &h[1]), DMAH_ETIMEDOUT);
	bring_back(rig);
	rig_close(rig);
}

/* Mappings that are live when the device is reset are there again. */
static void reset_keeps(void **state)
{
	struct rig *rig = rig_open(NULL, DMAH_LAZY);
	dmah_phys_t phys = sim_ram_take(rig->sim, 3 * PAGE, PAGE);
	struct dmah h[3] = { { 0 } };

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(dmah_map(device(rig, 0), &h[i], phys + i * PAGE, 64,
					  DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
	assert_int_equal(dmah_unmap(device(rig, 0), &h[1]), DMAH_OK);
	for (unsigned int round = 0; round < 3; round++) {
		if (round)
			sim_repair(rig->sim, round == 2);
		assert_int_equal(dmah_viommu_reset(&rig->unit[0]), DMAH_OK);
		assert_true(writes(rig, 0, dmah_addr(&h[0])) && writes(rig, 2, dmah_addr(&h[2])));
		assert_false(sim_reaches_memory(rig->dev[0], phys + PAGE, PAGE));
	}
	assert_int_equal(dmah_viommu_reset(&rig->unit[1]), DMAH_OK);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	assert_int_equal(dmah_unmap(device(rig, 0), &h[0]), DMAH_OK);
	assert_int_equal(dmah_unmap(device(rig, 0), &h[2]), DMAH_OK);
	rig_close(rig);
}

/* A wait for what was posted before a reset, and not answered, does not take the reset for an answer. */
static void lost_with_reset(void **state)
{
	struct rig *rig = rig_open(NULL, DMAH_STRICT);
	struct dmah_iommu *iommu = &rig->unit[0].iommu;
	uint64_t before, after;

	(void)state;
	sim_viommu_hold(rig->model[0], true);
	assert_int_equal(iommu->ops->invalidate(iommu, 1, 0x10000, PAGE, false, &before), 1);
	sim_viommu_hold(rig->model[0], false);
	/* Answered, but nobody has looked. */
	assert_int_equal(dmah_viommu_reset(&rig->unit[0]), DMAH_OK);
	assert_int_equal(iommu->ops->wait(iommu, before), DMAH_ETIMEDOUT);
	assert_int_equal(iommu->ops->invalidate(iommu, 1, 0x10000, PAGE, false, &after), 1);
	assert_int_equal(iommu->ops->wait(iommu, after), DMAH_OK);
	rig_close(rig);
}

/* A wait that looks late still learns that its request was refused, whatever was refused since; others learn nothing of it. */
static void refused_long_ago(void **state)
{
	struct rig *rig = rig_open(NULL, DMAH_STRICT);
	struct dmah_iommu *iommu = &rig->unit[0].iommu;
	uint64_t refused[3], good[3], ticket;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		sim_viommu_answer(rig->model[0], SIM_VIOMMU_REFUSE, 1, 3);
		assert_int_equal(iommu->ops->map_request(iommu, 1, 0x10000, PAGE, 0x48000000,
							 DMAH_FROM_DEVICE),
				 DMAH_OK);
		assert_int_equal(iommu->ops->fence(iommu, &refused[i]), DMAH_OK);
		/* Another wait takes the answer. */
		assert_int_equal(iommu->ops->invalidate(iommu, 1, 0x10000, PAGE, false, &ticket),
				 1);
		assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_ETIMEDOUT);
		assert_int_equal(iommu->ops->invalidate(iommu, 1, 0x10000, PAGE, false, &good[i]),
				 1);
		assert_int_equal(iommu->ops->wait(iommu, good[i]), DMAH_OK);
		for (unsigned int k = 0; k <= i; k++)
			assert_int_equal(iommu->ops->wait(iommu, refused[k]), DMAH_ETIMEDOUT);
		/* The one between the last two. */
		if (i)
			assert_int_equal(iommu->ops->wait(iommu, good[i - 1]), DMAH_OK);
	}
	rig->reports = 0;
	rig_close(rig);
}

/* A device that asks for a reset is named as such, and comes back with it. */
static void asks_for_reset(void **state)
{
	struct rig *rig = rig_open(NULL, DMAH_STRICT);
	dmah_phys_t phys = sim_ram_take(rig->sim, PAGE, PAGE);
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(dmah_map(device(rig, 0), &h, phys, 64, DMAH_FROM_DEVICE, 0), DMAH_OK);
	sim_viommu_ask_reset(rig->model[0]);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_ETIMEDOUT);
	assert_int_equal(rig->reports, 1);
	bring_back(rig);
	rig_close(rig);
}

/* A device that is gone: a fresh one is refused without a leak, one in use fails at once and for good. */
static void gone(void **state)
{
	struct rig *rig = machine(NULL);
	dmah_phys_t phys = sim_ram_take(rig->sim, PAGE, PAGE);
	struct dmah h = { 0 };

	(void)state;
	sim_fail(sim_iommu(rig->sim, 0), SIM_FAIL_ONES, 0, 0);
	assert_int_equal(init_unit(rig, 0, &(struct dmah_viommu_config){ 0 }), DMAH_ETIMEDOUT);
	close_machine(rig);
	rig = rig_open(NULL, DMAH_STRICT);
	assert_int_equal(dmah_map(device(rig, 0), &h, phys, 64, DMAH_FROM_DEVICE, 0), DMAH_OK);
	sim_fail(sim_iommu(rig->sim, 0), SIM_FAIL_ONES, 0, 0);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_viommu_reset(&rig->unit[0]), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_map(device(rig, 0), &h, phys, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_ETIMEDOUT);
	sim_repair(rig->sim, true);
	bring_back(rig);
	rig_close(rig);
}

/* ---- events ---- */

/* Once all buffers were used, others may have been lost; later ones arrive. */
static void overflow(void **state)
{
	struct rig *rig = rig_open(NULL, DMAH_STRICT);
	struct sim_viommu_stats stats;
	bool lost;

	(void)state;
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < EVENTS - 1; i++)
			assert_false(writes(rig, 0, 0x5000));
		assert_int_equal(faults(rig, 0, &lost), EVENTS - 1);
		assert_false(lost);
		for (unsigned int i = 0; i < EVENTS + 100; i++)
			assert_false(writes(rig, 0, 0x5000));
		assert_int_equal(faults(rig, 0, &lost), EVENTS);
		assert_true(lost);
	}
	sim_viommu_stats(rig->model[0], &stats);
	assert_int_equal(stats.lost, 300);
	rig_close(rig);
}

/* An event that makes no sense is not taken for a fault, and does not stop those behind it. */
static void wrong_events(void **state)
{
	static const enum sim_viommu_event wrong[] = { SIM_VIOMMU_EVENT_SHORT,
						       SIM_VIOMMU_EVENT_BEYOND,
						       SIM_VIOMMU_EVENT_JUMP };
	struct rig *rig = rig_open(NULL, DMAH_STRICT);
	bool lost;

	(void)state;
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		/* Every buffer was used before. */
		for (unsigned int k = 0; k < EVENTS / 2; k++)
			assert_false(writes(rig, 0, 0x7000));
		assert_int_equal(faults(rig, 0, NULL), EVENTS / 2);
		sim_viommu_event(rig->model[0], wrong[i]);
		assert_false(writes(rig, 0, 0x6000));
		(void)faults(rig, 0, &lost);
		assert_true(lost);
		if (wrong[i] != SIM_VIOMMU_EVENT_JUMP)
			assert_int_equal(rig->nfaults, 0);
	}
	assert_int_equal(dmah_viommu_reset(&rig->unit[0]), DMAH_OK);
	maps(rig, 0);
	rig_close(rig);
}

/* ---- probes ---- */

static void probes(void **state)
{
	static const struct sim_viommu_config model = {
		.range = { { .base = 0xfee00000, .size = 0x100000, .mmio = true },
			   { .base = 0x80000000, .size = 0x10000 } },
		.nranges = 2,
	};
	struct rig *rig = rig_open(&model, DMAH_STRICT);
	struct dmah_viommu *unit = &rig->unit[0];
	struct dmah_reserved range[4];

	(void)state;
	assert_int_equal(dmah_viommu_probe(unit, ids[0], range, 4), 2);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(range[i].base, model.range[i].base);
		assert_int_equal(range[i].size, model.range[i].size);
		assert_int_equal(range[i].mmio, model.range[i].mmio);
	}
	assert_int_equal(dmah_viommu_probe(unit, ids[0], range, 1), 1);
	assert_int_equal(dmah_viommu_probe(unit, 0x777, range, 4), DMAH_ENODEV);
	for (unsigned int status = 1; status < 9; status++) {
		sim_viommu_answer(rig->model[0], SIM_VIOMMU_REFUSE, 1, (uint8_t)status);
		assert_int_equal(dmah_viommu_probe(unit, ids[0], range, 4),
				 status == 6 ? DMAH_ENODEV : DMAH_ETIMEDOUT);
	}
	sim_viommu_answer(rig->model[0], SIM_VIOMMU_SHORT, 1, 0);
	assert_int_equal(dmah_viommu_probe(unit, ids[0], range, 4), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_viommu_probe(unit, ids[0], range, 4), 2);
	rig_close(rig);
}

/* A probe waits for room where the queue is full, as every request does. */
static void probe_of_a_full_queue(void **state)
{
	static const struct sim_viommu_config model = {
		.range = { { .base = 0x80000000, .size = 0x10000 } }, .nranges = 1
	};
	struct rig *rig = rig_open(&model, DMAH_STRICT);
	struct dmah_iommu *iommu = &rig->unit[0].iommu;
	struct dmah_reserved range[1];
	uint64_t ticket;

	(void)state;
	sim_viommu_hold(rig->model[0], true);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(iommu->ops->invalidate(iommu, 1, 0x10000, PAGE, false, &ticket),
				 1);
	assert_int_equal(dmah_viommu_probe(&rig->unit[0], ids[0], range, 1), DMAH_ETIMEDOUT);
	/* It has waited: the device is reported for being silent. */
	assert_int_equal(rig->reports, 1);
	sim_viommu_hold(rig->model[0], false);
	assert_int_equal(dmah_viommu_probe(&rig->unit[0], ids[0], range, 1), 1);
	rig->reports = 0;
	rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(features),
		cmocka_unit_test(input_range),
		cmocka_unit_test(refused_units),
		cmocka_unit_test(numbers),
		cmocka_unit_test(requests),
		cmocka_unit_test(many_requests),
		cmocka_unit_test(hot_attach),
		cmocka_unit_test(wrong_answers_to_unmap),
		cmocka_unit_test(wrong_answers_to_map),
		cmocka_unit_test(wrong_answers_to_attach),
		cmocka_unit_test(broken_until_reset),
		cmocka_unit_test(silent),
		cmocka_unit_test(reset_keeps),
		cmocka_unit_test(lost_with_reset),
		cmocka_unit_test(refused_long_ago),
		cmocka_unit_test(asks_for_reset),
		cmocka_unit_test(gone),
		cmocka_unit_test(overflow),
		cmocka_unit_test(wrong_events),
		cmocka_unit_test(probes),
		cmocka_unit_test(probe_of_a_full_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
