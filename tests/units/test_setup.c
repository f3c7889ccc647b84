/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Setting up the drivers of IOMMU hardware: queues of previous owners, capabilities of real units, options for hardware
 * whose registers are wrong, streams that firmware left running, interrupts, and errors that name the argument.
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

#include <stdio.h>
#include <string.h>

#define TIMEOUT 1000000u

static const char *last_text;
static unsigned int reports;

static void keep_text(void *ctx, const struct dmah_device *dev, int err, const char *text,
		      uint64_t addr, const void *caller)
{
	(void)ctx;
	(void)dev;
	(void)err;
	(void)addr;
	(void)caller;
	last_text = text;
	reports++;
}

static struct sim *machine(const char *name)
{
	struct sim_config config;
	struct sim *sim;

	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	posix_set_report(keep_text, NULL);
	reports = 0;
	assert_true(sim_config_named(name, &config));
	sim = sim_create(&config);
	assert_non_null(sim);
	return sim;
}

static void end(struct sim *sim)
{
	sim_destroy(sim);
	posix_set_report(NULL, NULL);
	posix_clock_real();
}

/* ---- VT-d: the previous owner's queue ---- */

/* The queue's memory has a new owner, who finds every byte as it was; commands in it are executed or dropped. */
static void old_queue_of(unsigned int commands, bool refused)
{
	struct sim *sim = machine("vtd");
	volatile uint8_t *regs = sim_vtd_regs(sim_vtd_create(sim, 0, NULL));
	struct dmah_vtd_config config = { .regs = regs, .timeout_ns = TIMEOUT };
	dmah_phys_t queue = sim_ram_take(sim, 4096, 4096);
	size_t need = dmah_vtd_memory(&config);
	void *memory = memory_of(need);
	uint8_t before[4096], after[4096];
	struct dmah_vtd vtd;

	dmah_host_write64(regs + 0x90, queue);
	dmah_host_write32(regs + 0x18, 1u << 26);
	sim_cpu_set(sim, queue, 0, 4096);
	for (unsigned int i = 0; i < commands; i++) {
		uint64_t command[2] = { refused && i == 1 ? 0xf : 0x12, 0 };

		sim_cpu_write(sim, queue + 16 * i, command, 16);
	}
	dmah_host_write32(regs + 0x88, commands * 16);
	sim_cpu_read(sim, queue, before, 4096);
	assert_int_equal(dmah_vtd_init(&vtd, &config, memory, need), DMAH_OK);
	sim_cpu_read(sim, queue, after, 4096);
	assert_memory_equal(before, after, 4096);
	assert_int_equal(dmah_vtd_enable(&vtd), DMAH_OK);
	assert_int_equal(dmah_vtd_fini(&vtd), DMAH_OK);
	assert_int_equal(reports, 0);
	free(memory);
	end(sim);
}

static void old_queue(void **state)
{
	(void)state;
	old_queue_of(0, false);
	old_queue_of(100, false);
	old_queue_of(3, true);
}

/* ---- VT-d: capabilities of units that were sold ---- */

/** struct fake - registers of a unit that has these capabilities and takes every command. */
struct fake {
	uint64_t cap;
	uint64_t ecap;
	uint32_t gsts;
	uint64_t iqt;
	uint64_t iqa;
	unsigned int flushes;
};

static uint64_t fake_read(void *ctx, uint64_t reg, unsigned int size)
{
	struct fake *f = ctx;

	(void)size;
	switch (reg) {
	case 0x08:
		return f->cap;
	case 0x10:
		return f->ecap;
	case 0x1c:
		return f->gsts;
	case 0x80:
	case 0x88:
		return f->iqt;
	}
	return 0;
}

/* Commands are done when they are posted; a wait's status is written. */
static void fake_commands(struct fake *f, uint64_t iqt)
{
	for (; f->iqt != iqt; f->iqt = (f->iqt + 16) % 4096) {
		uint64_t *command = dmah_host_phys_map((f->iqa & ~0xfffull) + f->iqt, 16);

		if ((command[0] & 0x2f) == 0x25)
			*(uint32_t *)dmah_host_phys_map(command[1], 4) = command[0] >> 32;
	}
}

static void fake_write(void *ctx, uint64_t reg, unsigned int size, uint64_t value)
{
	struct fake *f = ctx;

	(void)size;
	if (reg == 0x18) {
		f->flushes += (value >> 27) & 1;
		f->gsts = (uint32_t)value & ~(1u << 27);
	}
	if (reg == 0x90)
		f->iqa = value;
	if (reg == 0x88)
		fake_commands(f, value);
}

static int domain_of(struct dmah_iommu *iommu, unsigned int va_bits, dmah_addr_t base)
{
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU,
					.format = &dmah_pt_vtd_ss,
					.iommu = iommu,
					.va_bits = va_bits,
					.aperture_base = base };
	size_t need = dmah_domain_memory(&c);
	struct dmah_domain *dom;
	void *memory;
	int err;

	if (!need)
		return DMAH_EINVAL;
	memory = memory_of(need);
	err = dmah_domain_init(&dom, &c, memory, need);
	if (!err)
		assert_int_equal(dmah_domain_fini(dom), DMAH_OK);
	free(memory);
	return err;
}

/* Page tables of 48 bits, addresses of 39: tables are as wide as they must be, and apertures end where addresses do. */
static void client_units(void **state)
{
	static const struct {
		uint64_t cap;
		uint64_t ecap;
		unsigned int narrowest;
		unsigned int widest;
		unsigned int mgaw;
	} units[] = {
		{ 0x1c0000c40660462, 0x19e2ff0505e, 48, 48, 39 }, /* graphics, Haswell and later */
		{ 0xd2008c40660462, 0xf050da, 48, 48, 39 }, /* all else, Haswell and later */
		{ 0xc0000020e60262, 0xf0101a, 39, 39, 39 }, /* Sandy Bridge */
		{ 0x8d2078c106f0466, 0xf020df, 48, 48, 48 }, /* Xeon, Skylake */
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct fake fake = { .cap = units[i].cap, .ecap = units[i].ecap };
		struct sim *sim = machine("direct");
		struct dmah_vtd_config config = { .regs = sim_regs_add(sim, 0x1000, &fake,
								       fake_read, fake_write) };
		size_t need = dmah_vtd_memory(&config);
		void *memory = memory_of(need);
		struct dmah_vtd vtd;
		struct dmah_iommu *iommu = &vtd.iommu;

		assert_int_equal(dmah_vtd_init(&vtd, &config, memory, need), DMAH_OK);
		assert_int_equal(iommu->va_bits_min, units[i].narrowest);
		assert_int_equal(iommu->va_bits, units[i].widest);
		assert_int_equal(iommu->iova_bits, units[i].mgaw);
		assert_int_equal(domain_of(iommu, 0, 0), DMAH_OK);
		assert_int_equal(domain_of(iommu, units[i].widest, 0), DMAH_OK);
		assert_int_equal(domain_of(iommu, 57, 0), DMAH_ENOTSUP);
		assert_int_equal(domain_of(iommu, 0, (1ull << units[i].mgaw) - (4ull << 30)),
				 DMAH_OK);
		assert_int_not_equal(domain_of(iommu, 0, (1ull << units[i].mgaw) - (2ull << 30)),
				     DMAH_OK);
		free(memory);
		end(sim);
	}
}

/* ---- options ---- */

static void options(void **state)
{
	struct fake fake = { .cap = 0x8d2078c106f0466, .ecap = 0xf020df };
	struct sim *sim = machine("direct");
	struct dmah_vtd_config config = { .regs = sim_regs_add(sim, 0x1000, &fake, fake_read,
							       fake_write) };
	size_t need = dmah_vtd_memory(&config);
	void *memory = memory_of(need);
	struct dmah_vtd vtd;
	uint64_t ticket;

	(void)state;
	assert_int_equal(dmah_vtd_init(&vtd, &config, memory, need), DMAH_OK);
	assert_true(vtd.iommu.caps & DMAH_IOMMU_COHERENT_WALK);
	assert_false(vtd.iommu.caps & DMAH_IOMMU_MAP_FLUSH);
	fake.gsts = 0;
	config.write_flush = true;
	config.walks = DMAH_WALKS_NONCOHERENT;
	assert_int_equal(dmah_vtd_init(&vtd, &config, memory, need), DMAH_OK);
	assert_false(vtd.iommu.caps & DMAH_IOMMU_COHERENT_WALK);
	assert_true(vtd.iommu.caps & DMAH_IOMMU_MAP_FLUSH);
	assert_int_equal(fake.flushes, 0);
	assert_int_equal(vtd.iommu.ops->invalidate(&vtd.iommu, 1, 0, 4096, false, &ticket), 1);
	assert_int_equal(fake.flushes, 1);
	fake.gsts = 0;
	fake.ecap &= ~1ull;
	config = (struct dmah_vtd_config){ .regs = config.regs, .walks = DMAH_WALKS_COHERENT };
	assert_int_equal(dmah_vtd_init(&vtd, &config, memory, need), DMAH_OK);
	assert_true(vtd.iommu.caps & DMAH_IOMMU_COHERENT_WALK);
	free(memory);
	end(sim);
}

static void smmu_options(void **state)
{
	(void)state;
	for (enum dmah_walks walks = 0; walks <= DMAH_WALKS_NONCOHERENT; walks++) {
		struct sim *sim = machine("smmu");
		struct dmah_smmuv3_config config = {
			.regs = sim_smmuv3_regs(sim_smmuv3_create(sim, 0, NULL)), .walks = walks
		};
		size_t need = dmah_smmuv3_memory(&config);
		void *memory = memory_of(need);
		struct dmah_smmuv3 smmu;

		assert_int_equal(dmah_smmuv3_init(&smmu, &config, memory, need), DMAH_OK);
		assert_int_equal(!!(smmu.iommu.caps & DMAH_IOMMU_COHERENT_WALK),
				 walks != DMAH_WALKS_NONCOHERENT);
		assert_int_equal(dmah_smmuv3_fini(&smmu), DMAH_OK);
		free(memory);
		end(sim);
	}
}

/* ---- SMMU: streams that firmware left running ---- */

/* The device writes to its range at every access to a register, and never misses. */
struct runner {
	volatile uint8_t *real;
	struct sim_device *dev;
	dmah_phys_t range;
	unsigned int missed;
	bool inside;
};

static void run(struct runner *r)
{
	if (r->inside)
		return;
	r->inside = true;
	r->missed += sim_dma_write(r->dev, r->range, "x", 1) != SIM_OK;
	r->inside = false;
}

static uint64_t run_read(void *ctx, uint64_t reg, unsigned int size)
{
	struct runner *r = ctx;

	run(r);
	return size == 4 ? dmah_host_read32(r->real + reg) : dmah_host_read64(r->real + reg);
}

static void run_write(void *ctx, uint64_t reg, unsigned int size, uint64_t value)
{
	struct runner *r = ctx;

	if (size == 4)
		dmah_host_write32(r->real + reg, (uint32_t)value);
	else
		dmah_host_write64(r->real + reg, value);
	run(r);
}

static void deferred_over(bool was_on)
{
	struct sim *sim = machine("smmu");
	struct runner r = { .range = sim_ram_take(sim, 4096, 4096) };
	struct dmah_smmuv3_config first = { .regs = sim_smmuv3_regs(
						    sim_smmuv3_create(sim, 0, NULL)) };
	struct dmah_smmuv3_config second = { .defer = true };
	struct dmah_reserved rmr = { .base = r.range, .size = 4096, .identity = true };
	struct dmah_limits limits = {
		.mask = ~0ull, .flags = DMAH_DEV_COHERENT, .reserved = &rmr, .nreserved = 1
	};
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU, .format = &dmah_pt_lpae_s1 };
	size_t need = dmah_smmuv3_memory(&first), dom_need;
	void *memory[2] = { memory_of(need), memory_of(need) }, *dom_memory;
	struct dmah_smmuv3 firmware, smmu;
	struct dmah_domain *dom;
	struct dmah_device *dev;

	r.real = (volatile uint8_t *)first.regs;
	r.dev = sim_device_add(sim, &(struct sim_device_config){ .id = 0x100, .coherent = true });
	dev = sim_device_dmah(r.dev);
	if (was_on) {
		/* Firmware's tables let the stream through. */
		assert_int_equal(dmah_smmuv3_init(&firmware, &first, memory[0], need), DMAH_OK);
		assert_int_equal(firmware.iommu.ops->bind(&firmware.iommu, dev,
							  DMAH_BIND_PASSTHROUGH, NULL, 1),
				 DMAH_OK);
	}
	second.regs = sim_regs_add(sim, DMAH_SMMUV3_REGS, &r, run_read, run_write);
	assert_int_equal(dmah_smmuv3_init(&smmu, &second, memory[1], need), DMAH_OK);
	c.iommu = &smmu.iommu;
	dom_need = dmah_domain_memory(&c);
	dom_memory = memory_of(dom_need);
	assert_int_equal(dmah_domain_init(&dom, &c, dom_memory, dom_need), DMAH_OK);
	dev->iommu = &smmu.iommu;
	assert_int_equal(dmah_attach(dom, dev, &limits), DMAH_OK);
	assert_int_equal(dmah_smmuv3_enable(&smmu), DMAH_OK);
	assert_int_equal(r.missed, 0);
	assert_int_equal(sim_dma_write(r.dev, r.range, "x", 1), SIM_OK);
	assert_int_not_equal(sim_dma_write(r.dev, r.range + 4096, "x", 1), SIM_OK);
	assert_int_equal(dmah_smmuv3_enable(&smmu), DMAH_OK);
	(void)dmah_faults(&smmu.iommu, NULL, NULL, NULL);
	assert_int_equal(dmah_detach(dev), DMAH_OK);
	assert_int_equal(dmah_domain_fini(dom), DMAH_OK);
	assert_int_equal(dmah_smmuv3_fini(&smmu), DMAH_OK);
	end(sim);
	free(memory[0]);
	free(memory[1]);
	free(dom_memory);
}

static void deferred(void **state)
{
	(void)state;
	deferred_over(false);
	deferred_over(true);
}

/* ---- interrupts ---- */

struct irq_rig {
	struct sim *sim;
	struct unit unit;
	struct dmah_domain *dom;
	void *dom_memory;
	struct sim_device *dev;
};

static void open_irq_rig(struct irq_rig *r, const char *name, bool msi)
{
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU };
	struct dmah_limits limits;
	size_t need;

	memset(r, 0, sizeof(*r));
	r->sim = machine(name);
	if (!strcmp(name, "smmu")) {
		r->unit.hw = sim_iommu(r->sim, 0);
		r->unit.smmu_model =
			sim_smmuv3_create(r->sim, 0, &(struct sim_smmuv3_config){ .msi = msi });
	} else {
		unit_create(&r->unit, r->sim, 0);
	}
	c.iommu = unit_start(&r->unit, TIMEOUT);
	c.format = unit_format(&r->unit);
	need = dmah_domain_memory(&c);
	r->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&r->dom, &c, r->dom_memory, need), DMAH_OK);
	r->dev = sim_device_add(r->sim, &(struct sim_device_config){ .id = 0x100 });
	sim_device_dmah(r->dev)->iommu = c.iommu;
	sim_device_limits(r->dev, &limits);
	assert_int_equal(dmah_attach(r->dom, sim_device_dmah(r->dev), &limits), DMAH_OK);
}

static void close_irq_rig(struct irq_rig *r)
{
	(void)dmah_faults(r->unit.iommu, NULL, NULL, NULL);
	assert_int_equal(dmah_detach(sim_device_dmah(r->dev)), DMAH_OK);
	assert_int_equal(dmah_domain_fini(r->dom), DMAH_OK);
	unit_stop(&r->unit);
	end(r->sim);
	unit_free(&r->unit);
	free(r->dom_memory);
}

static void stray(struct irq_rig *r)
{
	assert_int_not_equal(sim_dma_write(r->dev, 0x5000, "x", 1), SIM_OK);
}

static unsigned int taken(struct irq_rig *r)
{
	struct dmah_fault_count count;

	assert_int_equal(dmah_faults(r->unit.iommu, NULL, NULL, &count), DMAH_OK);
	return count.taken;
}

static uint64_t vtd_messages(struct irq_rig *r)
{
	struct sim_vtd_stats stats;

	sim_vtd_stats(r->unit.vtd_model, &stats);
	if (stats.messages) {
		assert_true(stats.message_addr == 0x100000000ull + 0xfee01000);
		assert_int_equal(stats.message_data, 0x4041);
	}
	return stats.messages;
}

/* A message for the first fault, and the next one only when the handler has taken all; masked, it waits. */
static void vtd_interrupt(void **state)
{
	struct dmah_msi msi = { .addr = 0x100000000ull + 0xfee01000, .data = 0x4041 };
	struct irq_rig r;
	struct dmah_vtd *vtd = &r.unit.vtd;

	(void)state;
	open_irq_rig(&r, "vtd", false);
	stray(&r);
	assert_int_equal(vtd_messages(&r), 0);
	assert_int_equal(dmah_vtd_fault_irq(vtd, &(struct dmah_msi){ .addr = 2 }), DMAH_EINVAL);
	assert_non_null(strstr(last_text, "msi.addr"));
	assert_int_equal(dmah_vtd_fault_irq(vtd, &msi), DMAH_OK);
	/* The fault of before is not lost. */
	assert_int_equal(vtd_messages(&r), 1);
	stray(&r);
	assert_int_equal(vtd_messages(&r), 1);
	assert_int_equal(taken(&r), 2);
	stray(&r);
	assert_int_equal(vtd_messages(&r), 2);
	assert_int_equal(taken(&r), 1);
	dmah_vtd_fault_mask(vtd, true);
	stray(&r);
	assert_int_equal(vtd_messages(&r), 2);
	dmah_vtd_fault_mask(vtd, false);
	assert_int_equal(vtd_messages(&r), 3);
	assert_int_equal(taken(&r), 1);
	/* After a reset, which forgets the message, it is there again. */
	sim_repair(r.sim, true);
	assert_int_equal(dmah_vtd_reset(vtd), DMAH_OK);
	stray(&r);
	assert_int_equal(vtd_messages(&r), 4);
	assert_int_equal(taken(&r), 1);
	close_irq_rig(&r);
}

/* The message also reports an error of the queue, which the handler's call handles. */
static void vtd_queue_interrupt(void **state)
{
	struct dmah_msi msi = { .addr = 0x100000000ull + 0xfee01000, .data = 0x4041 };
	struct irq_rig r;
	uint64_t ticket;

	(void)state;
	open_irq_rig(&r, "vtd", false);
	assert_int_equal(dmah_vtd_fault_irq(&r.unit.vtd, &msi), DMAH_OK);
	sim_fail(r.unit.hw, SIM_FAIL_COMMAND, 1, 0);
	assert_int_equal(r.unit.iommu->ops->fence(r.unit.iommu, &ticket), DMAH_OK);
	assert_int_equal(vtd_messages(&r), 1);
	assert_int_equal(taken(&r), 0);
	assert_int_equal(reports, 1);
	assert_int_equal(r.unit.iommu->ops->wait(r.unit.iommu, ticket), DMAH_OK);
	close_irq_rig(&r);
}

static void smmu_interrupts(void **state)
{
	struct dmah_smmuv3_irq wires = { .events = { 0 } };
	struct dmah_smmuv3_irq msis = { .events = { .addr = 0x8080040, .data = 7 },
					.errors = { .addr = 0x8080040, .data = 8 } };
	struct sim_smmuv3_irqs irqs;
	uint64_t ticket;

	(void)state;
	for (unsigned int msi = 0; msi < 2; msi++) {
		struct irq_rig r;
		struct dmah_smmuv3 *smmu = &r.unit.smmu;

		open_irq_rig(&r, "smmu", msi);
		stray(&r);
		assert_int_equal(taken(&r), 1);
		if (!msi) {
			assert_int_equal(dmah_smmuv3_irq(smmu, &msis), DMAH_ENOTSUP);
			assert_non_null(strstr(last_text, "MSI"));
		}
		assert_int_equal(dmah_smmuv3_irq(smmu, msi ? &msis : &wires), DMAH_OK);
		stray(&r);
		stray(&r);
		sim_smmuv3_irqs(r.unit.smmu_model, &irqs);
		assert_int_equal(irqs.events, 1);
		assert_int_equal(irqs.event_addr, msi ? 0x8080040 : 0);
		assert_int_equal(irqs.event_data, msi ? 7 : 0);
		assert_int_equal(taken(&r), 2);
		assert_int_equal(dmah_smmuv3_irq_mask(smmu, true), DMAH_OK);
		stray(&r);
		assert_int_equal(taken(&r), 1);
		assert_int_equal(dmah_smmuv3_irq_mask(smmu, false), DMAH_OK);
		stray(&r);
		sim_smmuv3_irqs(r.unit.smmu_model, &irqs);
		assert_int_equal(irqs.events, 2);
		assert_int_equal(taken(&r), 1);
		reports = 0;
		sim_fail(r.unit.hw, SIM_FAIL_COMMAND, 1, 0);
		assert_true(r.unit.iommu->ops->invalidate(r.unit.iommu, 1, 0, 0, false, &ticket) >
			    0);
		sim_smmuv3_irqs(r.unit.smmu_model, &irqs);
		assert_int_equal(irqs.errors, 1);
		assert_int_equal(taken(&r), 0);
		assert_int_equal(reports, 1);
		assert_int_equal(r.unit.iommu->ops->wait(r.unit.iommu, ticket), DMAH_OK);
		assert_int_equal(dmah_smmuv3_reset(smmu), DMAH_OK);
		stray(&r);
		sim_smmuv3_irqs(r.unit.smmu_model, &irqs);
		assert_int_equal(irqs.events, 3);
		close_irq_rig(&r);
	}
}

/* ---- errors name the argument ---- */

static void vtd_refuses(const struct dmah_vtd_config *config, const char *word)
{
	static uint64_t memory[1024];
	struct dmah_vtd vtd;

	last_text = "";
	assert_int_equal(dmah_vtd_memory(config), 0);
	assert_non_null(strstr(last_text, word));
	last_text = "";
	assert_int_equal(dmah_vtd_init(&vtd, config, memory, sizeof(memory)), DMAH_EINVAL);
	assert_non_null(strstr(last_text, word));
}

static void vtd_errors(void **state)
{
	struct sim *sim = machine("vtd");
	struct dmah_vtd_config good = { .regs = sim_vtd_regs(sim_vtd_create(sim, 0, NULL)) }, c;
	static uint64_t memory[1024];
	struct dmah_vtd vtd;

	(void)state;
	vtd_refuses(&(struct dmah_vtd_config){ 0 }, "regs");
	c = good;
	c.queue = 300;
	vtd_refuses(&c, "queue");
	c = good;
	c.phys_bits = 53;
	vtd_refuses(&c, "phys_bits");
	c = good;
	c.walks = 3;
	vtd_refuses(&c, "walks");
	assert_int_equal(dmah_vtd_init(&vtd, &good, NULL, sizeof(memory)), DMAH_EINVAL);
	assert_non_null(strstr(last_text, "memory"));
	assert_int_equal(dmah_vtd_init(&vtd, &good, memory, 1), DMAH_EINVAL);
	assert_non_null(strstr(last_text, "size"));
	sim_fail(sim_iommu(sim, 0), SIM_FAIL_ONES, 0, 0);
	vtd_refuses(&good, "all ones");
	end(sim);
}

static void smmu_errors(void **state)
{
	static const struct {
		struct dmah_smmuv3_config config;
		const char *word;
	} bad[] = {
		{ { .sid_bits = 5 }, "sid_bits" },   { { .tags = 65536 }, "tags" },
		{ { .cmdq_log2 = 5 }, "cmdq_log2" }, { { .evtq_log2 = 3 }, "evtq_log2" },
		{ { .nreserved = 1 }, "nreserved" }, { { .walks = 3 }, "walks" },
	};
	struct sim *sim = machine("smmu");
	struct dmah_smmuv3_config good = { .regs = sim_smmuv3_regs(
						   sim_smmuv3_create(sim, 0, NULL)) };
	size_t need = dmah_smmuv3_memory(&good);
	void *memory = memory_of(need);
	struct dmah_smmuv3 smmu;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct dmah_smmuv3_config c = bad[i].config;

		c.regs = good.regs;
		last_text = "";
		assert_int_equal(dmah_smmuv3_init(&smmu, &c, memory, need), DMAH_EINVAL);
		assert_non_null(strstr(last_text, bad[i].word));
	}
	assert_int_equal(dmah_smmuv3_init(&smmu, NULL, memory, need), DMAH_EINVAL);
	assert_non_null(strstr(last_text, "regs"));
	assert_int_equal(dmah_smmuv3_init(&smmu, &good, NULL, need), DMAH_EINVAL);
	assert_non_null(strstr(last_text, "memory"));
	assert_int_equal(dmah_smmuv3_init(&smmu, &good, memory, need - 1), DMAH_EINVAL);
	assert_non_null(strstr(last_text, "size"));
	sim_fail(sim_iommu(sim, 0), SIM_FAIL_ONES, 0, 0);
	assert_int_equal(dmah_smmuv3_init(&smmu, &good, memory, need), DMAH_ENODEV);
	assert_non_null(strstr(last_text, "all ones"));
	free(memory);
	end(sim);
}

/* A page-table entry has 52 bits of address: a range above them would lead to somebody's memory below. */
static void identity_above_memory(void **state)
{
	static const unsigned int bits[] = { 46, 52 };
	struct sim_config config;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct sim *sim = machine("vtd");
		struct dmah_reserved range = { .base = 1ull << bits[i],
					       .size = 4096,
					       .identity = true };
		struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU,
						.format = &dmah_pt_vtd_ss };
		struct dmah_limits limits;
		struct sim_device *dev;
		struct dmah_domain *dom;
		void *memory;
		size_t need;

		sim_destroy(sim);
		assert_true(sim_config_named("vtd", &config));
		config.iommu[0].va_bits = 57;
		config.iommu[0].out_bits = bits[i];
		sim = sim_create(&config);
		c.iommu = sim_fake_iommu(sim_iommu(sim, 0));
		need = dmah_domain_memory(&c);
		memory = memory_of(need);
		assert_int_equal(dmah_domain_init(&dom, &c, memory, need), DMAH_OK);
		dev = sim_device_add(sim, &(struct sim_device_config){ .id = 0x100 });
		sim_device_limits(dev, &limits);
		limits.reserved = &range;
		limits.nreserved = 1;
		assert_int_equal(dmah_attach(dom, sim_device_dmah(dev), &limits), DMAH_ERANGE);
		assert_non_null(strstr(last_text, "identity"));
		/* The last page below is there. */
		range.base -= 4096;
		assert_int_equal(dmah_attach(dom, sim_device_dmah(dev), &limits), DMAH_OK);
		assert_int_equal(dmah_detach(sim_device_dmah(dev)), DMAH_OK);
		assert_int_equal(dmah_domain_fini(dom), DMAH_OK);
		free(memory);
		end(sim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_queue),
		cmocka_unit_test(client_units),
		cmocka_unit_test(identity_above_memory),
		cmocka_unit_test(options),
		cmocka_unit_test(smmu_options),
		cmocka_unit_test(deferred),
		cmocka_unit_test(vtd_interrupt),
		cmocka_unit_test(vtd_queue_interrupt),
		cmocka_unit_test(smmu_interrupts),
		cmocka_unit_test(vtd_errors),
		cmocka_unit_test(smmu_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
