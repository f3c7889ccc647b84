/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The RISC-V driver on lab/sim's register model: directories of every depth and both sizes of contexts, the commands and
 * their order, faults, interrupts, MSI page tables, a unit taken over, several units.
 */
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>
#include <dmah/riscv.h>

#include "posix.h"
#include "../setup.h"
#include "sim.h"
#include "sim_inject.h"
#include "sim_reach.h"
#include "sim_riscv.h"

#include <stdlib.h>
#include <string.h>

#define UNITS	2u
#define DEVICES 3u
#define PAGE	4096u
#define TIMEOUT 1000000u

/* Devices 0 and 2 are behind the first unit, device 1 behind the second. Device 2 has a TLB. */
static const uint32_t ids[DEVICES] = { 0x2a, 0x15, 0x33 };

struct rig {
	struct sim *sim;
	struct sim_riscv *model[UNITS];
	struct dmah_riscv unit[UNITS];
	void *unit_memory[UNITS];
	struct dmah_domain *dom;
	void *dom_memory;
	struct sim_device *dev[DEVICES];
	unsigned int reports;
	struct dmah_fault fault[8];
	unsigned int nfaults;
};

struct rig_config {
	struct sim_riscv_config model;
	struct dmah_riscv_config unit;
	enum dmah_mode mode;
	unsigned int va_bits;
	uint32_t base; /* added to the devices' ids */
	const struct dmah_pt_format *format;
	bool not_enabled;
};

static struct dmah_device *device(struct rig *rig, unsigned int n)
{
	return sim_device_dmah(rig->dev[n]);
}

static void open_units(struct rig *rig, const struct rig_config *c)
{
	struct sim_config config = { .backend = DMAH_BACKEND_IOMMU };

	for (unsigned int i = 0; i < UNITS; i++)
		config.iommu[i] = (struct sim_iommu_config){ .flavour = SIM_RISCV, .va_bits = 57 };
	rig->sim = sim_create(&config);
	assert_non_null(rig->sim);
	for (unsigned int i = 0; i < UNITS; i++) {
		struct dmah_riscv_config u = c->unit;
		size_t need;

		rig->model[i] = sim_riscv_create(rig->sim, i, &c->model);
		assert_non_null(rig->model[i]);
		u.regs = sim_riscv_regs(rig->model[i]);
		u.timeout_ns = TIMEOUT;
		need = dmah_riscv_memory(&u);
		rig->unit_memory[i] = memory_of(need);
		assert_int_equal(dmah_riscv_init(&rig->unit[i], &u, rig->unit_memory[i], need),
				 DMAH_OK);
		if (!c->not_enabled)
			assert_int_equal(dmah_riscv_enable(&rig->unit[i]), DMAH_OK);
	}
}

static void attach(struct rig *rig, unsigned int n)
{
	struct dmah_limits limits;

	sim_device_limits(rig->dev[n], &limits);
	assert_int_equal(dmah_attach(rig->dom, device(rig, n), &limits), DMAH_OK);
}

static void open_domain(struct rig *rig, const struct rig_config *c)
{
	struct dmah_domain_config d = {
		.backend = DMAH_BACKEND_IOMMU,
		.iommu = &rig->unit[0].iommu,
		.format = c->format ? c->format : rig->unit[0].iommu.formats[0],
		.va_bits = c->va_bits,
		.mode = c->mode,
	};
	size_t need = dmah_domain_memory(&d);

	rig->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&rig->dom, &d, rig->dom_memory, need), DMAH_OK);
	assert_int_equal(dmah_domain_add_iommu(rig->dom, &rig->unit[1].iommu), DMAH_OK);
}

static struct rig *rig_open(const struct rig_config *c)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	count_reports(&rig->reports);
	open_units(rig, c);
	open_domain(rig, c);
	for (unsigned int i = 0; i < DEVICES; i++) {
		struct sim_device_config d = { .id = c->base + ids[i],
					       .iommu = i % 2 + 1,
					       .ats = i == 2 && !c->model.no_ats };

		rig->dev[i] = sim_device_add(rig->sim, &d);
		assert_non_null(rig->dev[i]);
		device(rig, i)->iommu = &rig->unit[i % 2].iommu;
		attach(rig, i);
	}
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
	assert_int_equal(count.taken, rig->nfaults);
	return rig->nfaults;
}

static void rig_close(struct rig *rig)
{
	struct posix_alloc_stats stats;

	assert_int_equal(rig->reports, 0);
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(faults(rig, i, NULL), 0);
	for (unsigned int i = 0; i < DEVICES; i++)
		if (device(rig, i)->dom)
			assert_int_equal(dmah_detach(device(rig, i)), DMAH_OK);
	assert_int_equal(dmah_domain_fini(rig->dom), DMAH_OK);
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(dmah_riscv_fini(&rig->unit[i]), DMAH_OK);
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
}

/* ---- the device directory ---- */

static void every_depth(void **state)
{
	static const struct {
		unsigned int bits;
		bool base;
		unsigned int levels;
	} depth[] = {
		{ 6, false, 1 },  { 7, false, 2 }, { 15, false, 2 }, { 16, false, 3 },
		{ 24, false, 3 }, { 7, true, 1 },  { 8, true, 2 },   { 16, true, 2 },
		{ 17, true, 3 },  { 24, true, 3 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(depth) / sizeof(depth[0]); i++) {
		/* Ids whose high bits are set too. (lab/sim has ids of 16 bits.) */
		unsigned int bits = depth[i].bits < 16 ? depth[i].bits : 16;
		struct rig *rig =
			rig_open(&(struct rig_config){ .model.base = depth[i].base,
						       .unit.id_bits = depth[i].bits,
						       .base = bits > 6 ? 1u << (bits - 1) : 0 });

		assert_int_equal(rig->unit[0].levels, depth[i].levels);
		maps(rig, i % DEVICES);
		rig_close(rig);
	}
}

/* An id beyond the directory is refused, and its device reaches nothing. */
static void id_beyond(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ .unit.id_bits = 6 });
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };
	struct sim_device *far =
		sim_device_add(rig->sim, &(struct sim_device_config){ .id = 0x6a });

	(void)state;
	sim_device_dmah(far)->iommu = &rig->unit[0].iommu;
	assert_int_equal(dmah_attach(rig->dom, sim_device_dmah(far), &limits), DMAH_ENOTSUP);
	assert_int_equal(sim_dma_write(far, 0x1000, "x", 1), SIM_FAULT_BLOCKED);
	assert_int_equal(faults(rig, 0, NULL), 1);
	assert_int_equal(rig->fault[0].hw.code, 260);
	rig_close(rig);
}

/* A unit that lacks the depth that would do gets a deeper directory; one that has none as deep is refused. */
static void missing_depths(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){
		.model.no_levels = 3, .unit.id_bits = 6, .not_enabled = true });
	struct sim_config config = { .backend = DMAH_BACKEND_IOMMU,
				     .iommu[0] = { .flavour = SIM_RISCV } };
	struct dmah_riscv_config c = { .id_bits = 16 };
	unsigned int reports;
	struct dmah_riscv unit;
	size_t need;
	void *memory;

	(void)state;
	/* Devices that are attached already stay so. */
	assert_int_equal(rig->unit[0].levels, 1);
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(dmah_riscv_enable(&rig->unit[i]), DMAH_OK);
	assert_int_equal(rig->unit[0].levels, 3);
	maps(rig, 1);
	/* It has the same directory after it has lost its registers. */
	sim_repair(rig->sim, true);
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(dmah_riscv_reset(&rig->unit[i]), DMAH_OK);
	maps(rig, 0);
	rig_close(rig);
	count_reports(&reports);
	rig = calloc(1, sizeof(*rig));
	rig->sim = sim_create(&config);
	c.regs = sim_riscv_regs(
		sim_riscv_create(rig->sim, 0, &(struct sim_riscv_config){ .no_levels = 4 }));
	need = dmah_riscv_memory(&c);
	memory = memory_of(need);
	assert_int_equal(dmah_riscv_init(&unit, &c, memory, need), DMAH_OK);
	assert_int_equal(dmah_riscv_enable(&unit), DMAH_ENOTSUP);
	assert_true(unit.iommu.off);
	assert_int_equal(dmah_riscv_fini(&unit), DMAH_OK);
	sim_destroy(rig->sim);
	free(memory);
	free(rig);
}

/* Formats and widths: with and without a generation, Sv39 to Sv57. */
static void widths(void **state)
{
	static const unsigned int bits[] = { 38, 47, 56 };

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		struct rig *rig = rig_open(
			&(struct rig_config){ .va_bits = bits[i % 3],
					      .model.no_software_bits = i >= 3,
					      .format = i >= 3 ? &dmah_pt_sv : &dmah_pt_sv_rsw,
					      .mode = i & 1 ? DMAH_LAZY : DMAH_STRICT });

		assert_ptr_equal(rig->unit[0].iommu.formats[0], &dmah_pt_sv);
		assert_int_equal(rig->unit[0].iommu.nformats, i >= 3 ? 1 : 2);
		assert_int_equal(rig->unit[0].iommu.va_bits, 56);
		maps(rig, 2);
		rig_close(rig);
	}
}

/* ---- commands ---- */

/* Command @back from the last one that was posted. */
static const uint64_t *command(const struct dmah_riscv *unit, unsigned int back)
{
	return unit->queue.cpu + ((unit->tail - 1 - back) & (unit->entries - 1)) * 2;
}

#define IS(c, w0, w1) ((c)[0] == (w0) && (c)[1] == (w1))
#define FENCE	      2ull
#define IS_MARK(c, u)                                                 \
	(((c)[0] & 0xffffffff) == (2ull | 1ull << 10 | 3ull << 12) && \
	 (c)[0] >> 32 == (uint32_t)(u)->marks.last && (c)[1] == (u)->status_phys >> 2)

static void commands_of_an_unmap(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	dmah_phys_t phys = sim_ram_take(rig->sim, 64 * PAGE, PAGE);
	const struct dmah_riscv *u = &rig->unit[0];
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	/* Two pages: an address each, after which the device's TLB is asked, and not before. */
	assert_int_equal(dmah_map(device(rig, 0), &h, phys, 2 * PAGE, DMAH_TO_DEVICE, 0), DMAH_OK);
	dma = dmah_addr(&h) >> 12;
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	assert_true(IS(command(u, 4), 1ull | 1ull << 10 | 1ull << 12 | 1ull << 32, dma << 10));
	assert_true(
		IS(command(u, 3), 1ull | 1ull << 10 | 1ull << 12 | 1ull << 32, (dma + 1) << 10));
	assert_true(IS(command(u, 2), FENCE, 0));
	/* A range of two pages, if they are an aligned pair. */
	assert_int_equal(command(u, 1)[0], 4ull | (uint64_t)ids[2] << 40);
	assert_int_equal(command(u, 1)[1] >> 11 & 1, 1);
	assert_true(IS_MARK(command(u, 0), u));
	/* Of many pages the whole address space goes. */
	assert_int_equal(dmah_map(device(rig, 0), &h, phys, 64 * PAGE, DMAH_TO_DEVICE, 0), DMAH_OK);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	assert_true(IS(command(u, 3), 1ull | 1ull << 12 | 1ull << 32, 0));
	rig_close(rig);
}

static void commands_of_a_bind(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	const struct dmah_riscv *u = &rig->unit[1];

	(void)state;
	assert_int_equal(dmah_detach(device(rig, 1)), DMAH_OK);
	attach(rig, 1);
	/* The device's context, then its address space, and in between a fence. */
	assert_true(IS(command(u, 3), 3ull | 1ull << 33 | (uint64_t)ids[1] << 40, 0));
	assert_true(IS(command(u, 2), FENCE, 0));
	assert_true(IS(command(u, 1), 1ull | 1ull << 12 | 1ull << 32, 0));
	assert_true(IS_MARK(command(u, 0), u));
	/* Passthrough has no address space of its own. */
	assert_int_equal(dmah_set_mode(rig->dom, DMAH_PASSTHROUGH), DMAH_OK);
	assert_true(IS(command(u, 3), 3ull | 1ull << 33 | (uint64_t)ids[1] << 40, 0));
	assert_true(IS(command(u, 1), 1, 0));
	assert_int_equal(dmah_set_mode(rig->dom, DMAH_STRICT), DMAH_OK);
	maps(rig, 0);
	rig_close(rig);
}

/* A context that is valid becomes another one by way of an invalid one, which the hardware confirms. */
static void rebinding(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	struct sim_riscv_stats before, after;

	(void)state;
	sim_riscv_stats(rig->model[1], &before);
	assert_int_equal(dmah_set_mode(rig->dom, DMAH_PASSTHROUGH), DMAH_OK);
	sim_riscv_stats(rig->model[1], &after);
	assert_int_equal(after.contexts - before.contexts, 2);
	assert_true(writes(rig, 1, sim_ram_take(rig->sim, PAGE, PAGE)));
	assert_int_equal(dmah_set_mode(rig->dom, DMAH_STRICT), DMAH_OK);
	rig_close(rig);
}

/* A stale entry is really hit until the command is executed, and is gone when unmap returns. */
static void stale_until_invalidated(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ .mode = DMAH_LAZY });
	dmah_phys_t phys = sim_ram_take(rig->sim, PAGE, PAGE);
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	assert_int_equal(dmah_map(device(rig, 0), &h, phys, 64, DMAH_FROM_DEVICE, 0), DMAH_OK);
	dma = dmah_addr(&h);
	assert_true(writes(rig, 0, dma));
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	assert_true(writes(rig, 0, dma));
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	assert_false(writes(rig, 0, dma));
	assert_int_equal(faults(rig, 0, NULL), 1);
	rig_close(rig);
}

/* A device that is attached while others work disturbs none, and one that leaves reaches nothing. */
static void hot_attach(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	dmah_phys_t phys = sim_ram_take(rig->sim, PAGE, PAGE);
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(dmah_map(device(rig, 0), &h, phys, 64, DMAH_FROM_DEVICE, 0), DMAH_OK);
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(dmah_detach(device(rig, 1 + i % 2)), DMAH_OK);
		assert_false(writes(rig, 1 + i % 2, dmah_addr(&h)));
		assert_int_equal(faults(rig, (1 + i) % 2, NULL), 1);
		assert_int_equal(rig->fault[0].hw.code, 258);
		assert_true(writes(rig, 0, dmah_addr(&h)));
		attach(rig, 1 + i % 2);
		assert_true(writes(rig, 1 + i % 2, dmah_addr(&h)));
	}
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	maps(rig, 0);
	rig_close(rig);
}

/* ---- faults ---- */

static void fault_records(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	dmah_phys_t phys = sim_ram_take(rig->sim, PAGE, PAGE);
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(dmah_map(device(rig, 0), &h, phys + 64, 64, DMAH_TO_DEVICE, 0), DMAH_OK);
	assert_false(writes(rig, 0, dmah_addr(&h) + 3));
	assert_int_equal(faults(rig, 0, NULL), 1);
	assert_ptr_equal(rig->fault[0].dev, device(rig, 0));
	assert_int_equal(rig->fault[0].hw.addr, dmah_addr(&h) + 3);
	assert_int_equal(rig->fault[0].hw.code, 15);
	assert_true(rig->fault[0].hw.write && rig->fault[0].hw.has_addr);
	assert_int_equal(rig->fault[0].place, DMAH_FAULT_MAPPED);
	/* Beyond the lower half of the table. */
	assert_false(reads(rig, 0, 1ull << 38));
	assert_int_equal(faults(rig, 0, NULL), 1);
	assert_int_equal(rig->fault[0].hw.code, 13);
	assert_false(rig->fault[0].hw.write);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	for (uint32_t cause = 0; cause < 300; cause++)
		assert_true(strlen(dmah_riscv_reason(cause)) > 0);
	assert_string_equal(dmah_riscv_reason(2), "unknown");
	assert_string_equal(dmah_riscv_reason(275), "unknown");
	rig_close(rig);
}

/* A full queue of records loses faults and says so, once; records that come after it are there again. */
static void fault_overflow(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ .unit.records = 4 });
	struct sim_riscv_stats stats;
	bool lost;

	(void)state;
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 10; i++)
			assert_false(writes(rig, 0, 0x1000 * (i + 1)));
		assert_int_equal(faults(rig, 0, &lost), 3);
		assert_true(lost);
		assert_int_equal(rig->fault[0].hw.addr, 0x1000);
		assert_int_equal(rig->fault[2].hw.addr, 0x3000);
		assert_false(writes(rig, 0, 0x7000));
		assert_int_equal(faults(rig, 0, NULL), 1);
		assert_int_equal(rig->fault[0].hw.addr, 0x7000);
	}
	sim_riscv_stats(rig->model[0], &stats);
	assert_int_equal(stats.lost, 3 * 7);
	rig_close(rig);
}

/* ---- interrupts ---- */

static struct sim_riscv_stats stats_of(struct rig *rig)
{
	struct sim_riscv_stats stats;

	sim_riscv_stats(rig->model[0], &stats);
	return stats;
}

static void messages(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	const struct dmah_msi msi = { .addr = 0x28001000, .data = 77 };
	struct dmah_riscv *u = &rig->unit[0];

	(void)state;
	assert_false(writes(rig, 0, 0x1000));
	assert_int_equal(stats_of(rig).messages, 0);
	assert_int_equal(faults(rig, 0, NULL), 1);
	assert_int_equal(dmah_riscv_irq(u, &(struct dmah_msi){ .addr = 2 }), DMAH_EINVAL);
	assert_int_equal(dmah_riscv_irq(u, NULL), DMAH_EINVAL);
	assert_int_equal(dmah_riscv_irq(u, &msi), DMAH_OK);
	for (unsigned int i = 1; i < 4; i++) {
		/* One for all that come before the handler has looked. */
		assert_false(writes(rig, 0, 0x1000) || writes(rig, 2, 0x2000));
		assert_int_equal(stats_of(rig).messages, i);
		assert_int_equal(stats_of(rig).message_addr, msi.addr);
		assert_int_equal(stats_of(rig).message_data, msi.data);
		assert_int_equal(faults(rig, 0, NULL), 2);
	}
	dmah_riscv_irq_mask(u, true);
	assert_false(writes(rig, 0, 0x1000));
	assert_int_equal(stats_of(rig).messages, 3);
	dmah_riscv_irq_mask(u, false);
	assert_int_equal(stats_of(rig).messages, 4);
	assert_int_equal(faults(rig, 0, NULL), 1);
	/* An error of the command queue raises it too; the handler sees to it. */
	sim_fail(sim_iommu(rig->sim, 0), SIM_FAIL_COMMAND, 1, 0);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	assert_int_equal(stats_of(rig).messages, 5);
	assert_int_equal(faults(rig, 0, NULL), 0);
	assert_int_equal(rig->reports, 1);
	rig->reports = 0;
	/* After a loss of registers it is there again. */
	sim_repair(rig->sim, true);
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(dmah_riscv_reset(&rig->unit[i]), DMAH_OK);
	assert_false(writes(rig, 0, 0x1000));
	assert_int_equal(stats_of(rig).messages, 6);
	assert_int_equal(faults(rig, 0, NULL), 1);
	rig_close(rig);
}

static void wires(void **state)
{
	(void)state;
	for (unsigned int igs = 2; igs <= 3; igs++) {
		struct rig *rig =
			rig_open(&(struct rig_config){ .model.igs = igs, .unit.wired = true });
		struct dmah_riscv *u = &rig->unit[0];

		assert_int_equal(dmah_riscv_irq(u, &(struct dmah_msi){ .addr = 4 }), DMAH_EINVAL);
		assert_int_equal(dmah_riscv_irq(u, NULL), DMAH_OK);
		assert_false(writes(rig, 0, 0x1000));
		assert_int_equal(stats_of(rig).wires, 1);
		assert_int_equal(stats_of(rig).messages, 0);
		assert_int_equal(faults(rig, 0, NULL), 1);
		dmah_riscv_irq_mask(u, true);
		assert_false(writes(rig, 0, 0x1000));
		assert_int_equal(stats_of(rig).wires, 1);
		assert_int_equal(faults(rig, 0, NULL), 1);
		rig_close(rig);
	}
}

/* ---- MSI page tables ---- */

#define FILES 0x4c000000ull

/* Messages reach their files and no other memory, in every mode, and a file that is refused not at all. */
static void interrupt_files(void **state)
{
	/* Files in two groups: bits 12, 13 and 20. */
	const struct dmah_riscv_files msi = { .pattern = FILES, .mask = 0x103000 };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct rig *rig = rig_open(
			&(struct rig_config){ .unit.msi = &msi,
					      .model.no_sv48x4 = i & 1,
					      .mode = i & 2 ? DMAH_PASSTHROUGH : DMAH_STRICT });
		char byte = 0;

		assert_int_equal(rig->unit[0].iommu.out_bits, i & 1 ? 41 : 48);
		for (unsigned int n = 0; n < 8; n++) {
			dmah_phys_t file = FILES | (n & 3) << 12 | (uint64_t)(n >> 2) << 20;

			sim_cpu_write(rig->sim, file, "-", 1);
			assert_true(writes(rig, 0, file));
			sim_cpu_read(rig->sim, file, &byte, 1);
			assert_int_equal(byte, 'x');
			/* Files are written alone. */
			assert_false(reads(rig, 0, file));
			assert_int_equal(faults(rig, 0, NULL), 1);
			assert_int_equal(dmah_riscv_msi_file(&rig->unit[0], n, false), DMAH_OK);
			assert_false(writes(rig, 0, file));
			assert_int_equal(faults(rig, 0, NULL), 1);
			assert_int_equal(rig->fault[0].hw.code, 262);
			/* The other unit's table is another one. */
			assert_true(writes(rig, 1, file));
			assert_int_equal(dmah_riscv_msi_file(&rig->unit[0], n, true), DMAH_OK);
			assert_true(writes(rig, 0, file));
		}
		assert_int_equal(dmah_riscv_msi_file(&rig->unit[0], 8, true), DMAH_EINVAL);
		if (i & 2)
			assert_int_equal(dmah_set_mode(rig->dom, DMAH_STRICT), DMAH_OK);
		maps(rig, 2);
		rig_close(rig);
	}
}

/* ---- taking over ---- */

static void start(const struct sim_riscv_config *model, struct dmah_riscv_config *c,
		  struct sim **sim, struct sim_device **dev)
{
	struct sim_config config = { .backend = DMAH_BACKEND_IOMMU,
				     .iommu[0] = { .flavour = SIM_RISCV } };

	*sim = sim_create(&config);
	c->regs = sim_riscv_regs(sim_riscv_create(*sim, 0, model));
	*dev = sim_device_add(*sim, &(struct sim_device_config){ .id = 0x100 });
}

/* From Bare or from another owner's directory: nothing changes at init, and enable ends it. */
static void taken_over(void **state)
{
	const struct sim_riscv_config bare = { .bare = true };
	struct dmah_riscv_config c = { .records = 2 };
	struct dmah_riscv first, second;
	size_t need = dmah_riscv_memory(&(struct dmah_riscv_config){ .regs = &c });
	void *memory[2] = { memory_of(need), memory_of(need) };
	struct sim_device *dev;
	struct sim *sim;
	unsigned int reports;

	(void)state;
	count_reports(&reports);
	posix_set_cpu(0);
	start(&bare, &c, &sim, &dev);
	assert_int_equal(dmah_riscv_init(&first, &c, memory[0], need), DMAH_OK);
	assert_int_equal(sim_dma_write(dev, 0x40001000, "x", 1), SIM_OK);
	assert_true(first.iommu.off);
	assert_int_equal(dmah_riscv_enable(&first), DMAH_OK);
	assert_int_equal(dmah_riscv_enable(&first), DMAH_OK);
	assert_int_equal(sim_dma_write(dev, 0x40001000, "x", 1), SIM_FAULT_BLOCKED);
	/* With its records full, and an error in its command queue. */
	assert_int_equal(sim_dma_write(dev, 0x40001000, "x", 1), SIM_FAULT_BLOCKED);
	sim_fail(sim_iommu(sim, 0), SIM_FAIL_COMMAND, 1, 0);
	assert_true(first.iommu.ops->invalidate(&first.iommu, 1, 0, 0, true, NULL) > 0);
	assert_int_equal(dmah_riscv_init(&second, &c, memory[1], need), DMAH_OK);
	assert_int_equal(dmah_riscv_enable(&second), DMAH_OK);
	assert_int_equal(sim_dma_write(dev, 0x40001000, "x", 1), SIM_FAULT_BLOCKED);
	assert_int_equal(dmah_riscv_fini(&second), DMAH_OK);
	assert_int_equal(sim_dma_write(dev, 0x40001000, "x", 1), SIM_FAULT_BLOCKED);
	sim_destroy(sim);
	posix_set_report(NULL, NULL);
	free(memory[0]);
	free(memory[1]);
}

/* Interrupts by wire where firmware had messages, and the reverse: the unit is off meanwhile. */
static void features(void **state)
{
	const struct sim_riscv_config model = { .bare = true, .fctl = 2 };
	struct dmah_riscv_config c = { 0 };
	size_t need = dmah_riscv_memory(&(struct dmah_riscv_config){ .regs = &c });
	void *memory = memory_of(need);
	struct sim_device *dev;
	struct dmah_riscv unit;
	struct sim *sim;

	(void)state;
	start(&model, &c, &sim, &dev);
	assert_int_equal(dmah_riscv_init(&unit, &c, memory, need), DMAH_OK);
	assert_int_equal(dmah_host_read32((volatile uint8_t *)c.regs + 8), 0);
	assert_int_equal(sim_dma_write(dev, 0x40001000, "x", 1), SIM_FAULT_BLOCKED);
	assert_int_equal(dmah_riscv_fini(&unit), DMAH_OK);
	sim_destroy(sim);
	free(memory);
}

static void note_text(void *ctx, const struct dmah_device *dev, int err, const char *text,
		      uint64_t addr, const void *caller)
{
	(void)dev;
	(void)err;
	(void)addr;
	(void)caller;
	*(const char **)ctx = text;
}

static void refused_configurations(void **state)
{
	static const struct dmah_riscv_files low = { .pattern = 0x100, .mask = 0x1000 },
					     many = { .mask = 0x1fff000 };
	static const struct {
		struct dmah_riscv_config c;
		const char *word;
	} wrong[] = {
		{ { .id_bits = 25 }, "id_bits" },
		{ { .queue = 128 }, "queue" },
		{ { .queue = 300 }, "queue" },
		{ { .queue = 65536 }, "queue" },
		{ { .records = 1 }, "records" },
		{ { .records = 65536 }, "records" },
		{ { .domains = 1u << 20 }, "domains" },
		{ { .walks = (enum dmah_walks)3 }, "walks" },
		{ { .msi = &low }, "msi" },
		{ { .msi = &many }, "mask" },
	};
	static const struct {
		struct sim_riscv_config model;
		bool wired;
		bool msi;
		const char *word;
	} lacks[] = {
		{ { .version = 0x20 }, false, false, "version" },
		{ { .igs = 1 }, true, false, "wired" },
		{ { .igs = 2 }, false, false, "wired" },
		{ { .base = true }, false, true, "MSI" },
	};
	const struct dmah_riscv_files files = { .pattern = FILES, .mask = 0x3000 };
	const char *text = NULL;
	uint64_t memory[128];
	struct dmah_riscv unit;
	uint32_t word = 0;

	(void)state;
	posix_set_report(note_text, &text);
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct dmah_riscv_config c = wrong[i].c;

		c.regs = &word;
		assert_int_equal(dmah_riscv_memory(&c), 0);
		assert_non_null(strstr(text, wrong[i].word));
		text = NULL;
		assert_int_equal(dmah_riscv_init(&unit, &c, memory, sizeof(memory)), DMAH_EINVAL);
		assert_non_null(strstr(text, wrong[i].word));
	}
	assert_int_equal(dmah_riscv_memory(&(struct dmah_riscv_config){ 0 }), 0);
	assert_non_null(strstr(text, "regs"));
	for (unsigned int i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
		struct dmah_riscv_config c = { .wired = lacks[i].wired,
					       .msi = lacks[i].msi ? &files : NULL };
		struct sim_device *dev;
		struct sim *sim;

		start(&lacks[i].model, &c, &sim, &dev);
		text = NULL;
		assert_int_equal(dmah_riscv_init(&unit, &c, memory, sizeof(memory)), DMAH_ENOTSUP);
		assert_non_null(strstr(text, lacks[i].word));
		if (!i) {
			assert_int_equal(dmah_riscv_init(&unit, &c, memory, 8), DMAH_EINVAL);
			assert_non_null(strstr(text, "size"));
			assert_int_equal(dmah_riscv_init(&unit, &c, NULL, 4096), DMAH_EINVAL);
			assert_non_null(strstr(text, "memory"));
			sim_fail(sim_iommu(sim, 0), SIM_FAIL_ONES, 0, 0);
			assert_int_equal(dmah_riscv_init(&unit, &c, memory, sizeof(memory)),
					 DMAH_ENODEV);
		}
		sim_destroy(sim);
	}
	posix_set_report(NULL, NULL);
}

/* Each allocation made to fail in turn: nothing is left, and the next try succeeds. */
static void failed_allocations(void **state)
{
	const struct dmah_riscv_files files = { .pattern = FILES, .mask = 0x3000 };
	struct dmah_riscv_config c = { .msi = &files, .queue = 1024 };
	size_t need = dmah_riscv_memory(&(struct dmah_riscv_config){ .regs = &c });
	void *memory = memory_of(need);
	struct posix_alloc_stats stats;
	struct dmah_riscv unit;
	struct sim_device *dev;
	struct sim *sim;
	int err = DMAH_ENOMEM;
	unsigned int nth = 1;

	(void)state;
	start(NULL, &c, &sim, &dev);
	for (; err; nth++) {
		posix_fail_alloc(POSIX_FAIL_NTH, nth);
		err = dmah_riscv_init(&unit, &c, memory, need);
		posix_fail_alloc(POSIX_FAIL_NEVER, 0);
		assert_true(err == DMAH_OK || err == DMAH_ENOMEM);
		posix_alloc_stats(&stats);
		if (err)
			assert_int_equal(stats.pages + stats.mem, 0);
	}
	assert_true(nth > 5);
	assert_int_equal(dmah_riscv_enable(&unit), DMAH_OK);
	assert_int_equal(dmah_riscv_fini(&unit), DMAH_OK);
	sim_destroy(sim);
	free(memory);
}

/* ---- a unit that cannot read its queue ---- */

static void unreadable_queue(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	dmah_phys_t phys = sim_ram_take(rig->sim, PAGE, PAGE);
	struct dmah h = { 0 };
	uint64_t begun;

	(void)state;
	assert_int_equal(dmah_map(device(rig, 0), &h, phys, 64, DMAH_FROM_DEVICE, 0), DMAH_OK);
	sim_riscv_memory_fault(rig->model[0]);
	/* The error is found at the first look, long before the time-out. */
	rig->unit[0].timeout = 100 * TIMEOUT;
	begun = dmah_host_now();
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_ETIMEDOUT);
	assert_true(dmah_host_now() - begun < 10 * TIMEOUT);
	assert_int_equal(rig->reports, 1);
	assert_int_equal(dmah_flush(rig->dom), DMAH_ETIMEDOUT);
	assert_int_equal(rig->reports, 1);
	rig->reports = 0;
	sim_repair(rig->sim, true);
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(dmah_riscv_reset(&rig->unit[i]), DMAH_OK);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	maps(rig, 0);
	rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_depth),
		cmocka_unit_test(id_beyond),
		cmocka_unit_test(missing_depths),
		cmocka_unit_test(widths),
		cmocka_unit_test(commands_of_an_unmap),
		cmocka_unit_test(commands_of_a_bind),
		cmocka_unit_test(rebinding),
		cmocka_unit_test(stale_until_invalidated),
		cmocka_unit_test(hot_attach),
		cmocka_unit_test(fault_records),
		cmocka_unit_test(fault_overflow),
		cmocka_unit_test(messages),
		cmocka_unit_test(wires),
		cmocka_unit_test(interrupt_files),
		cmocka_unit_test(taken_over),
		cmocka_unit_test(features),
		cmocka_unit_test(refused_configurations),
		cmocka_unit_test(failed_allocations),
		cmocka_unit_test(unreadable_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
