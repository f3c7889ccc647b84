/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The drivers on hardware that misbehaves: devices that do not answer, units that are dead, gone or refuse commands; and
 * how they come back.
 */
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>

#include "posix.h"
#include "../setup.h"
#include "sim.h"
#include "sim_inject.h"
#include "sim_reach.h"
#include "driven_unit.h"

#include <string.h>

#define TIMEOUT 20000000u
/* More than the registers read by a call that does not wait, far less than the time-out. */
#define AT_ONCE (TIMEOUT / 20)
#define DOMAINS 2u
#define DEVICES 3u

/* The first device is of the first domain; the others are of the second. All but the last have a TLB. */
enum { SILENT, ANSWERS, WITHOUT };

static const unsigned int domain_of[DEVICES] = { 0, 1, 1 };

struct page {
	struct dmah h;
	dmah_phys_t phys;
	dmah_addr_t dma;
};

struct rig {
	struct sim *sim;
	struct unit unit;
	struct dmah_iommu *iommu;
	struct dmah_domain *dom[DOMAINS];
	void *dom_memory[DOMAINS];
	struct sim_device *sim_dev[DEVICES];
	struct dmah_device *dev[DEVICES];
	unsigned int reports;
};

static const char *const machines[] = {
	"vtd", "vtd-fs", "smmu", "smmu-s2", "amd", "riscv", "virtio"
};
#define MACHINES (sizeof(machines) / sizeof(machines[0]))
/* Those with registers, and commands for the TLBs of devices. */
#define WITH_REGISTERS (MACHINES - 1)

static void attach(struct rig *r, unsigned int n)
{
	struct dmah_limits limits;

	sim_device_limits(r->sim_dev[n], &limits);
	assert_int_equal(dmah_attach(r->dom[domain_of[n]], r->dev[n], &limits), DMAH_OK);
}

static void open_domain(struct rig *r, unsigned int n, enum dmah_mode mode)
{
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU,
					.iommu = r->iommu,
					.format = unit_format(&r->unit),
					.mode = mode };
	size_t need = dmah_domain_memory(&c);

	r->dom_memory[n] = memory_of(need);
	assert_int_equal(dmah_domain_init(&r->dom[n], &c, r->dom_memory[n], need), DMAH_OK);
}

static void open_rig(struct rig *r, const char *machine, enum dmah_mode mode)
{
	struct sim_config config;

	memset(r, 0, sizeof(*r));
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	count_reports(&r->reports);
	assert_true(sim_config_named(machine, &config));
	r->sim = sim_create(&config);
	unit_create(&r->unit, r->sim, 0);
	r->iommu = unit_start(&r->unit, TIMEOUT);
	for (unsigned int i = 0; i < DOMAINS; i++)
		open_domain(r, i, mode);
	for (unsigned int i = 0; i < DEVICES; i++) {
		struct sim_device_config c = { .id = 0x100 * (1 + i), .ats = i != WITHOUT };

		r->sim_dev[i] = sim_device_add(r->sim, &c);
		r->dev[i] = sim_device_dmah(r->sim_dev[i]);
		r->dev[i]->iommu = r->iommu;
		attach(r, i);
	}
}

static void close_rig(struct rig *r)
{
	struct posix_alloc_stats stats;

	assert_int_equal(r->reports, 0);
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_int_equal(dmah_detach(r->dev[i]), DMAH_OK);
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

/* A page that the device has used, so that every TLB has it. */
static void map(struct rig *r, unsigned int n, struct page *p)
{
	char byte = 1;

	*p = (struct page){ .phys = sim_ram_take(r->sim, 4096, 4096) };
	assert_int_equal(dmah_map(r->dev[n], &p->h, p->phys, 4096, DMAH_BIDIRECTIONAL, 0), DMAH_OK);
	p->dma = dmah_addr(&p->h);
	assert_int_equal(sim_dma_write(r->sim_dev[n], p->dma, &byte, 1), SIM_OK);
}

static bool reached(struct rig *r, unsigned int n, const struct page *p)
{
	return sim_reaches_memory(r->sim_dev[n], p->phys, 4096) != 0;
}

static int reset(struct rig *r)
{
	return unit_reset(&r->unit);
}

static unsigned int reports(struct rig *r)
{
	unsigned int n = r->reports;

	r->reports = 0;
	return n;
}

static void works(struct rig *r, unsigned int n)
{
	struct page p;

	map(r, n, &p);
	assert_int_equal(dmah_unmap(r->dev[n], &p.h), DMAH_OK);
	assert_int_equal(dmah_flush(r->dom[domain_of[n]]), DMAH_OK);
	assert_false(reached(r, n, &p));
}

/* ---- a device that does not answer ---- */

/* Only its own domain gets an error, once; it is blocked then, and asked no more. */
static void silent(const char *machine, enum dmah_mode mode)
{
	struct page own[2], other, without;
	struct sim_vtd_stats before, after;
	struct rig r;

	open_rig(&r, machine, mode);
	map(&r, SILENT, &own[0]);
	map(&r, SILENT, &own[1]);
	map(&r, ANSWERS, &other);
	map(&r, WITHOUT, &without);
	sim_fail(r.unit.hw, SIM_FAIL_ITE, UINT64_MAX, 0x100);
	if (mode == DMAH_STRICT) {
		assert_int_equal(dmah_unmap(r.dev[SILENT], &own[0].h), DMAH_ETIMEDOUT);
	} else {
		assert_int_equal(dmah_unmap(r.dev[SILENT], &own[0].h), DMAH_OK);
		assert_int_equal(dmah_flush(r.dom[0]), DMAH_ETIMEDOUT);
	}
	assert_int_equal(reports(&r), 1);
	/* It reaches nothing: not what is unmapped, nor what is mapped still. */
	assert_false(reached(&r, SILENT, &own[0]) || reached(&r, SILENT, &own[1]));
	assert_int_equal(dmah_unmap(r.dev[ANSWERS], &other.h), DMAH_OK);
	assert_int_equal(dmah_unmap(r.dev[WITHOUT], &without.h), DMAH_OK);
	assert_int_equal(dmah_flush(r.dom[1]), DMAH_OK);
	assert_false(reached(&r, ANSWERS, &other) || reached(&r, WITHOUT, &without));
	/* As with one that was killed. */
	assert_int_equal(dmah_map(r.dev[SILENT], &own[0].h, own[0].phys, 1, DMAH_TO_DEVICE, 0),
			 DMAH_ENODEV);
	if (r.unit.vtd_model)
		sim_vtd_stats(r.unit.vtd_model, &before);
	assert_int_equal(dmah_unmap(r.dev[SILENT], &own[1].h), DMAH_OK);
	assert_int_equal(dmah_flush(r.dom[0]), DMAH_OK);
	if (r.unit.vtd_model) {
		sim_vtd_stats(r.unit.vtd_model, &after);
		assert_int_equal(after.device_tlbs, before.device_tlbs);
	}
	assert_int_equal(reports(&r), 0);
	/* Detached, mended and attached anew it works. */
	assert_int_equal(dmah_detach(r.dev[SILENT]), DMAH_OK);
	sim_repair(r.sim, false);
	attach(&r, SILENT);
	works(&r, SILENT);
	close_rig(&r);
}

static void silent_device(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < WITH_REGISTERS; i++) {
		silent(machines[i], DMAH_STRICT);
		silent(machines[i], DMAH_LAZY);
	}
}

static uint64_t post(struct rig *r, unsigned int n, dmah_addr_t iova)
{
	const struct dmah_iommu_ops *ops = r->iommu->ops;
	unsigned long flags;
	uint64_t ticket;

	assert_true(ops->invalidate(r->iommu, 1 + domain_of[n], iova, 4096, false, NULL) > 0);
	dmah_host_enter(&flags);
	assert_true(ops->invalidate_dev(r->iommu, r->dev[n], iova, 4096) >= 0);
	dmah_host_leave(flags);
	assert_int_equal(ops->fence(r->iommu, &ticket), DMAH_OK);
	return ticket;
}

/* Commands of all are under way when the device does not answer: every wait is confirmed, in whatever order. */
static void silent_among(const char *machine, unsigned int first)
{
	struct sim_riscv_stats riscv[2];
	struct sim_vtd_stats before, after;
	uint64_t ticket[9];
	struct page p[DEVICES];
	struct rig r;

	open_rig(&r, machine, DMAH_STRICT);
	for (unsigned int i = 0; i < DEVICES; i++)
		map(&r, i, &p[i]);
	if (r.unit.vtd_model)
		sim_vtd_stats(r.unit.vtd_model, &before);
	if (r.unit.riscv_model)
		sim_riscv_stats(r.unit.riscv_model, &riscv[0]);
	unit_hold(&r.unit, true);
	for (unsigned int i = 0; i < 9; i++)
		ticket[i] = post(&r, i % DEVICES, p[i % DEVICES].dma);
	sim_fail(r.unit.hw, SIM_FAIL_ITE, UINT64_MAX, 0x100);
	unit_hold(&r.unit, false);
	for (unsigned int i = 0; i < 9; i++)
		assert_int_equal(r.iommu->ops->wait(r.iommu, ticket[(first + i * 4) % 9]), DMAH_OK);
	/* It was asked once: its other commands were taken out of the queue. */
	if (r.unit.vtd_model) {
		sim_vtd_stats(r.unit.vtd_model, &after);
		assert_int_equal(after.device_tlbs - before.device_tlbs, 1 + 3);
	} else if (r.unit.smmu_model) {
		assert_int_equal(r.unit.smmu.refused, 1);
	} else if (r.unit.riscv_model) {
		sim_riscv_stats(r.unit.riscv_model, &riscv[1]);
		assert_int_equal(riscv[1].device_tlbs - riscv[0].device_tlbs, 1 + 3);
	}
	assert_true(r.iommu->ops->isolated(r.iommu, r.dev[SILENT]));
	assert_false(r.iommu->ops->isolated(r.iommu, r.dev[ANSWERS]));
	assert_false(reached(&r, SILENT, &p[SILENT]));
	assert_int_equal(reports(&r), 1);
	works(&r, ANSWERS);
	works(&r, WITHOUT);
	/* The unmap in its domain finds that it was blocked. */
	assert_int_equal(dmah_unmap(r.dev[SILENT], &p[SILENT].h), DMAH_ETIMEDOUT);
	for (unsigned int i = 1; i < DEVICES; i++)
		assert_int_equal(dmah_unmap(r.dev[i], &p[i].h), DMAH_OK);
	assert_int_equal(dmah_flush(r.dom[0]), DMAH_OK);
	sim_repair(r.sim, false);
	close_rig(&r);
}

static void silent_device_among_others(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < WITH_REGISTERS; i++)
		for (unsigned int first = 0; first < 9; first++)
			silent_among(machines[i], first);
}

/* ---- registers between the driver and the unit ---- */

/** struct between - a unit's registers, and the register whose write stops the unit: it takes no command from then on. */
struct between {
	volatile uint8_t *regs;
	struct unit *unit;
	uint64_t stop_at;
};

static uint64_t between_read(void *ctx, uint64_t reg, unsigned int size)
{
	struct between *b = ctx;

	return size == 4 ? dmah_host_read32(b->regs + reg) : dmah_host_read64(b->regs + reg);
}

static void between_write(void *ctx, uint64_t reg, unsigned int size, uint64_t value)
{
	struct between *b = ctx;

	/* An AMD unit goes on at the write of its queue's end, and not before. */
	if (reg == b->stop_at && b->unit->amdvi_model)
		unit_hold(b->unit, true);
	if (size == 4)
		dmah_host_write32(b->regs + reg, (uint32_t)value);
	else
		dmah_host_write64(b->regs + reg, value);
	if (reg == b->stop_at)
		unit_hold(b->unit, true);
}

/*
 * The unit goes on when its error is acknowledged, and stops again before the commands of the error's handling: no wait
 * ends until those are executed, whatever mark the unit has passed.
 */
static void late(const char *machine, uint64_t stop_at)
{
	struct between b = { .stop_at = ~0ull };
	uint64_t ticket[2], size;
	struct page p;
	struct rig r;

	open_rig(&r, machine, DMAH_STRICT);
	map(&r, SILENT, &p);
	b.unit = &r.unit;
	b.regs = unit_regs(&r.unit, &size);
	unit_use_regs(&r.unit, sim_regs_add(r.sim, size, &b, between_read, between_write));
	sim_fail(r.unit.hw, SIM_FAIL_ITE, UINT64_MAX, 0x100);
	ticket[0] = post(&r, SILENT, p.dma);
	ticket[1] = post(&r, WITHOUT, p.dma);
	b.stop_at = stop_at;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(r.iommu->ops->wait(r.iommu, ticket[i]), DMAH_ETIMEDOUT);
	b.stop_at = ~0ull;
	unit_hold(&r.unit, false);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(r.iommu->ops->wait(r.iommu, ticket[i]), DMAH_OK);
	assert_false(reached(&r, SILENT, &p));
	assert_int_equal(dmah_unmap(r.dev[SILENT], &p.h), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_flush(r.dom[0]), DMAH_OK);
	sim_repair(r.sim, false);
	r.reports = 0;
	close_rig(&r);
}

static void confirmed_late(void **state)
{
	(void)state;
	late("vtd", 0x34);
	late("smmu", 0x64);
	/* The unit does not stop for the error: it has passed the marks behind the command by then. */
	late("amd", 0x2008);
	late("riscv", 0x48);
}

/* Bound, killed or detached: a device that does not answer meanwhile is blocked, and its unit goes on. */
static void silent_device_bound(void **state)
{
	struct dmah_limits limits;
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < WITH_REGISTERS; i++) {
		open_rig(&r, machines[i], DMAH_STRICT);
		sim_fail(r.unit.hw, SIM_FAIL_ITE, UINT64_MAX, 0x100);
		assert_int_equal(dmah_kill(r.dev[SILENT]), DMAH_OK);
		works(&r, ANSWERS);
		assert_int_equal(dmah_detach(r.dev[SILENT]), DMAH_OK);
		sim_device_limits(r.sim_dev[SILENT], &limits);
		/* The SMMU's driver asks the device at bind; VT-d's asks it at the flush that comes with a detach. */
		if (dmah_attach(r.dom[0], r.dev[SILENT], &limits) == DMAH_OK) {
			assert_int_equal(dmah_detach(r.dev[SILENT]), DMAH_ETIMEDOUT);
			assert_int_equal(dmah_detach(r.dev[SILENT]), DMAH_OK);
		}
		works(&r, ANSWERS);
		sim_repair(r.sim, false);
		attach(&r, SILENT);
		works(&r, SILENT);
		r.reports = 0;
		close_rig(&r);
	}
}

/* ---- units that do not answer ---- */

static uint64_t unmap_time(struct rig *r, unsigned int n, struct page *p, int err)
{
	uint64_t begun = dmah_host_now();

	assert_int_equal(dmah_unmap(r->dev[n], &p->h), err);
	return dmah_host_now() - begun;
}

/* Dead for good: one call waits, everything after it is answered at once, and it is reported once. */
static void dead(const char *machine)
{
	struct page p[DEVICES][40];
	struct rig r;

	open_rig(&r, machine, DMAH_STRICT);
	for (unsigned int i = 0; i < 40; i++)
		for (unsigned int n = 0; n < DEVICES; n++)
			map(&r, n, &p[n][i]);
	sim_fail(r.unit.hw, SIM_FAIL_DEAD, 0, 0);
	assert_true(unmap_time(&r, 0, &p[0][0], DMAH_ETIMEDOUT) >= TIMEOUT);
	for (unsigned int i = 0; i < 40; i++)
		for (unsigned int n = !i; n < DEVICES; n++)
			assert_true(unmap_time(&r, n, &p[n][i], DMAH_ETIMEDOUT) < AT_ONCE);
	assert_int_equal(dmah_flush(r.dom[1]), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_detach(r.dev[WITHOUT]), DMAH_ETIMEDOUT);
	assert_int_equal(reset(&r), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_flush(r.dom[1]), DMAH_ETIMEDOUT);
	assert_int_equal(reports(&r), 1);
	sim_repair(r.sim, false);
	assert_int_equal(reset(&r), DMAH_OK);
	for (unsigned int n = 0; n < DOMAINS; n++)
		assert_int_equal(dmah_flush(r.dom[n]), DMAH_OK);
	for (unsigned int n = 0; n < DEVICES; n++) {
		assert_false(reached(&r, n, &p[n][0]));
		/* The detach that was not confirmed has blocked one. */
		if (n != WITHOUT)
			works(&r, n);
	}
	close_rig(&r);
}

static void dead_unit(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MACHINES; i++)
		dead(machines[i]);
}

/* Slow, and given up: when it has caught up it is back in service by itself. */
static void slow_unit(void **state)
{
	struct page p;
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < MACHINES; i++) {
		open_rig(&r, machines[i], DMAH_STRICT);
		map(&r, ANSWERS, &p);
		unit_hold(&r.unit, true);
		assert_int_equal(dmah_unmap(r.dev[ANSWERS], &p.h), DMAH_ETIMEDOUT);
		assert_int_equal(dmah_flush(r.dom[1]), DMAH_ETIMEDOUT);
		unit_hold(&r.unit, false);
		assert_int_equal(dmah_flush(r.dom[1]), DMAH_OK);
		assert_false(reached(&r, ANSWERS, &p));
		assert_int_equal(reports(&r), 1);
		works(&r, SILENT);
		close_rig(&r);
	}
}

/* Registers of all ones: noticed long before the time-out, and nothing is taken for done, nor for a fault. */
static void gone(const char *machine, bool power_cycle)
{
	struct dmah_fault_count count;
	struct page p[DEVICES];
	struct rig r;

	open_rig(&r, machine, DMAH_STRICT);
	for (unsigned int n = 0; n < DEVICES; n++)
		map(&r, n, &p[n]);
	sim_fail(r.unit.hw, SIM_FAIL_ONES, 0, 0);
	for (unsigned int n = 0; n < DEVICES; n++)
		assert_true(unmap_time(&r, n, &p[n], DMAH_ETIMEDOUT) < TIMEOUT / 2);
	assert_int_equal(dmah_faults(r.iommu, NULL, NULL, &count), DMAH_OK);
	assert_int_equal(count.taken, 0);
	assert_false(count.lost);
	assert_int_equal(reset(&r), DMAH_ETIMEDOUT);
	assert_int_equal(reports(&r), 1);
	sim_repair(r.sim, power_cycle);
	/* A unit that has lost its registers is not taken for one that has caught up. */
	if (power_cycle)
		assert_int_equal(dmah_flush(r.dom[0]), DMAH_ETIMEDOUT);
	assert_int_equal(reset(&r), DMAH_OK);
	for (unsigned int n = 0; n < DOMAINS; n++)
		assert_int_equal(dmah_flush(r.dom[n]), DMAH_OK);
	for (unsigned int n = 0; n < DEVICES; n++) {
		assert_false(reached(&r, n, &p[n]));
		works(&r, n);
	}
	close_rig(&r);
}

/* Gone and back without its registers, with nothing under way: it has done all that was posted, and yet is not in service. */
static void gone_idle(const char *machine)
{
	struct rig r;

	open_rig(&r, machine, DMAH_STRICT);
	works(&r, WITHOUT);
	sim_fail(r.unit.hw, SIM_FAIL_ONES, 0, 0);
	assert_int_equal(dmah_faults(r.iommu, NULL, NULL, NULL), DMAH_OK);
	assert_int_equal(reports(&r), 1);
	sim_repair(r.sim, true);
	assert_int_equal(dmah_flush(r.dom[1]), DMAH_ETIMEDOUT);
	assert_int_equal(reset(&r), DMAH_OK);
	works(&r, WITHOUT);
	close_rig(&r);
}

/* All ones are the last index of the SMMU's queue of 256 too, wrap bit and all: that one is no progress either. */
static void gone_at_the_last_index(void)
{
	struct page p;
	struct rig r;

	open_rig(&r, "smmu", DMAH_STRICT);
	/* Single commands, without a wait, up to the place; now and then what is before them is waited for. */
	for (unsigned int i = 1; r.unit.smmu.prod % 512 != 507; i++) {
		assert_int_equal(r.iommu->ops->invalidate(r.iommu, 1, 0x10000, 4096, false, NULL),
				 1);
		if (i % 100 == 0 && r.unit.smmu.prod % 512 < 400)
			works(&r, WITHOUT);
	}
	/* The unmap's commands end at the last index. */
	map(&r, WITHOUT, &p);
	sim_fail(r.unit.hw, SIM_FAIL_ONES, 0, 0);
	assert_int_equal(dmah_unmap(r.dev[WITHOUT], &p.h), DMAH_ETIMEDOUT);
	assert_int_equal(r.unit.smmu.prod % 512, 511);
	assert_int_equal(reports(&r), 1);
	sim_repair(r.sim, false);
	assert_int_equal(reset(&r), DMAH_OK);
	assert_int_equal(dmah_flush(r.dom[1]), DMAH_OK);
	assert_false(reached(&r, WITHOUT, &p));
	close_rig(&r);
}

static void all_ones(void **state)
{
	(void)state;
	gone_at_the_last_index();
	for (unsigned int i = 0; i < MACHINES; i++) {
		gone(machines[i], false);
		gone(machines[i], true);
		gone_idle(machines[i]);
	}
}

/*
 * A unit that loses its registers while nobody looks has done nothing of what is posted from then on, whatever its indices say:
 * the positions of the SMMU's queue are tried all round.
 */
static void forgetful(const char *machine)
{
	struct page p;
	struct rig r;

	open_rig(&r, machine, DMAH_STRICT);
	for (unsigned int i = 0; i < 40; i++) {
		for (unsigned int k = 0; k < i; k++)
			works(&r, WITHOUT);
		map(&r, WITHOUT, &p);
		sim_repair(r.sim, true);
		assert_int_equal(dmah_unmap(r.dev[WITHOUT], &p.h), DMAH_ETIMEDOUT);
		assert_int_equal(dmah_flush(r.dom[1]), DMAH_ETIMEDOUT);
		assert_int_equal(reports(&r), 1);
		assert_int_equal(reset(&r), DMAH_OK);
		assert_int_equal(dmah_flush(r.dom[1]), DMAH_OK);
		assert_false(reached(&r, WITHOUT, &p));
	}
	close_rig(&r);
}

static void lost_registers(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MACHINES; i++)
		forgetful(machines[i]);
}

/* ---- clocks of CPUs that differ ---- */

/** struct behind - a unit's registers; @status: the one that a wait reads; @now: the clock of the CPU that the wait moves to. */
struct behind {
	volatile uint8_t *regs;
	struct unit *unit;
	uint64_t status;
	uint64_t now;
	unsigned int reads;
};

/* The second look is made on a CPU whose clock is behind; some looks later the unit goes on. */
static uint64_t behind_read(void *ctx, uint64_t reg, unsigned int size)
{
	struct behind *b = ctx;

	if (reg == b->status && b->now && ++b->reads == 2)
		posix_clock_manual(b->now);
	if (reg == b->status && b->reads == 8)
		unit_hold(b->unit, false);
	return size == 4 ? dmah_host_read32(b->regs + reg) : dmah_host_read64(b->regs + reg);
}

static void behind_write(void *ctx, uint64_t reg, unsigned int size, uint64_t value)
{
	struct behind *b = ctx;

	if (size == 4)
		dmah_host_write32(b->regs + reg, (uint32_t)value);
	else
		dmah_host_write64(b->regs + reg, value);
}

/* A wait that goes on on a CPU whose clock is behind has not lasted too long. */
static void clocks_that_differ(void **state)
{
	struct behind b;
	uint64_t size;
	struct page p;
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < WITH_REGISTERS; i++) {
		open_rig(&r, machines[i], DMAH_STRICT);
		map(&r, WITHOUT, &p);
		b = (struct behind){ .unit = &r.unit,
				     .status = r.unit.vtd_model	    ? 0x34
					       : r.unit.smmu_model  ? 0x9c
					       : r.unit.riscv_model ? 0x48
								    : 0x2020 };
		b.regs = unit_regs(&r.unit, &size);
		unit_use_regs(&r.unit, sim_regs_add(r.sim, size, &b, behind_read, behind_write));
		r.unit.vtd.timeout = r.unit.smmu.timeout = r.unit.amdvi.timeout = 1000000000;
		r.unit.riscv.timeout = 1000000000;
		b.now = dmah_host_now() - 900000;
		unit_hold(&r.unit, true);
		assert_int_equal(dmah_unmap(r.dev[WITHOUT], &p.h), DMAH_OK);
		assert_true(b.reads >= 8);
		assert_false(reached(&r, WITHOUT, &p));
		close_rig(&r);
	}
}

/* ---- nothing waits with interrupts off ---- */

static const struct dmah_iommu_ops *real;
static uint64_t longest;

static int timed(struct dmah_iommu *iommu, struct dmah_device *dev, dmah_addr_t iova, uint64_t size)
{
	uint64_t begun = dmah_host_now();
	int n = real->invalidate_dev(iommu, dev, iova, size);

	assert_true(posix_entered());
	begun = dmah_host_now() - begun;
	longest = begun > longest ? begun : longest;
	return n;
}

/* A full queue: the device's command waits for room with no lock held, and goes in when there is. */
static void full_queue(void **state)
{
	static struct page p[300];
	struct dmah_iommu_ops mine;
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < WITH_REGISTERS; i++) {
		open_rig(&r, machines[i], DMAH_STRICT);
		real = r.iommu->ops;
		mine = *real;
		mine.invalidate_dev = timed;
		r.iommu->ops = &mine;
		longest = 0;
		for (unsigned int k = 0; k < 300; k++)
			map(&r, ANSWERS, &p[k]);
		unit_hold(&r.unit, true);
		for (unsigned int k = 0; k < 300; k++)
			assert_int_equal(dmah_unmap(r.dev[ANSWERS], &p[k].h), DMAH_ETIMEDOUT);
		assert_true(longest < AT_ONCE);
		unit_hold(&r.unit, false);
		assert_int_equal(dmah_flush(r.dom[1]), DMAH_OK);
		for (unsigned int k = 0; k < 300; k++)
			assert_false(reached(&r, ANSWERS, &p[k]));
		assert_int_equal(reports(&r), 1);
		r.iommu->ops = real;
		close_rig(&r);
	}
}

static int room_calls;

static int makes_room(struct dmah_iommu *iommu)
{
	assert_false(posix_entered());
	room_calls++;
	return real->make_room ? real->make_room(iommu) : DMAH_OK;
}

static int busy_once(struct dmah_iommu *iommu, struct dmah_device *dev, dmah_addr_t iova,
		     uint64_t size)
{
	static int n;

	return n++ % 2 ? real->invalidate_dev(iommu, dev, iova, size) : DMAH_EBUSY;
}

/* Each device's command is posted, also where the queue had no room for it at first. */
static void room_is_made(void **state)
{
	struct dmah_iommu_ops mine;
	struct page p;
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < WITH_REGISTERS; i++) {
		open_rig(&r, machines[i], DMAH_STRICT);
		map(&r, ANSWERS, &p);
		real = r.iommu->ops;
		mine = *real;
		mine.invalidate_dev = busy_once;
		mine.make_room = makes_room;
		r.iommu->ops = &mine;
		room_calls = 0;
		assert_int_equal(dmah_unmap(r.dev[ANSWERS], &p.h), DMAH_OK);
		assert_int_equal(room_calls, 1);
		assert_false(reached(&r, ANSWERS, &p));
		r.iommu->ops = real;
		close_rig(&r);
	}
}

/* ---- commands that are refused ---- */

/* A few refusals cost nobody anything; a unit that refuses everything has failed. */
static void refused(const char *machine, uint64_t times)
{
	struct page p[DEVICES];
	struct rig r;

	open_rig(&r, machine, DMAH_STRICT);
	for (unsigned int n = 0; n < DEVICES; n++)
		map(&r, n, &p[n]);
	for (unsigned int n = 0; n < DEVICES; n++) {
		sim_fail(r.unit.hw, SIM_FAIL_COMMAND, times, 0);
		assert_int_equal(dmah_unmap(r.dev[n], &p[n].h),
				 times == UINT64_MAX ? DMAH_ETIMEDOUT : DMAH_OK);
		if (times == UINT64_MAX)
			break;
		assert_false(reached(&r, n, &p[n]));
	}
	assert_true(reports(&r) >= 1);
	if (times == UINT64_MAX) {
		assert_true(unmap_time(&r, 1, &p[1], DMAH_ETIMEDOUT) < AT_ONCE);
		assert_true(unmap_time(&r, 2, &p[2], DMAH_ETIMEDOUT) < AT_ONCE);
		assert_int_equal(reports(&r), 0);
		sim_repair(r.sim, false);
		assert_int_equal(reset(&r), DMAH_OK);
	}
	for (unsigned int n = 0; n < DOMAINS; n++)
		assert_int_equal(dmah_flush(r.dom[n]), DMAH_OK);
	for (unsigned int n = 0; n < DEVICES; n++) {
		assert_false(reached(&r, n, &p[n]));
		works(&r, n);
	}
	close_rig(&r);
}

static void refused_commands(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MACHINES; i++) {
		refused(machines[i], 1);
		refused(machines[i], 2);
		refused(machines[i], UINT64_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silent_device),
		cmocka_unit_test(silent_device_among_others),
		cmocka_unit_test(silent_device_bound),
		cmocka_unit_test(confirmed_late),
		cmocka_unit_test(dead_unit),
		cmocka_unit_test(slow_unit),
		cmocka_unit_test(all_ones),
		cmocka_unit_test(lost_registers),
		cmocka_unit_test(clocks_that_differ),
		cmocka_unit_test(full_queue),
		cmocka_unit_test(room_is_made),
		cmocka_unit_test(refused_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
