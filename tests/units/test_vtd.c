/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The VT-d driver on units that QEMU does not have. */
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/vtd.h>

#include "posix.h"
#include "../setup.h"
#include "sim.h"
#include "sim_vtd.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define UNITS	2u
#define DEVICES 6u
#define TIMEOUT 1000000u

#define NOT_ATTACHED 0x02
#define TOO_WIDE     0x04
#define NOT_WRITABLE 0x05
#define NOT_READABLE 0x06

/* Two units, a domain that both serve, and devices: three behind each. */
struct rig {
	struct sim *sim;
	struct sim_vtd *regs[UNITS];
	struct dmah_vtd vtd[UNITS];
	void *vtd_memory[UNITS];
	struct sim_device *dev[DEVICES];
	struct dmah_domain *dom;
	void *dom_memory;
	struct dmah_vtd_fault fault[300];
	unsigned int nfaults;
	unsigned int reports;
};

static unsigned int unit_of(unsigned int device)
{
	return device % UNITS;
}

static struct dmah_device *device(struct rig *rig, unsigned int n)
{
	return sim_device_dmah(rig->dev[n]);
}

static void open_unit(struct rig *rig, unsigned int n, const struct sim_vtd_config *config)
{
	struct dmah_vtd_config c = { .phys_bits = 46, .timeout_ns = TIMEOUT };
	size_t need;

	rig->regs[n] = sim_vtd_create(rig->sim, n, config);
	assert_non_null(rig->regs[n]);
	c.regs = sim_vtd_regs(rig->regs[n]);
	need = dmah_vtd_memory(&c);
	rig->vtd_memory[n] = memory_of(need);
	assert_int_equal(dmah_vtd_init(&rig->vtd[n], &c, rig->vtd_memory[n], need), DMAH_OK);
	assert_int_equal(dmah_vtd_enable(&rig->vtd[n]), DMAH_OK);
}

static void open_domain(struct rig *rig, const struct dmah_domain_config *config)
{
	struct dmah_domain_config c = *config;
	size_t need;

	c.backend = DMAH_BACKEND_IOMMU;
	c.format = &dmah_pt_vtd_ss;
	c.iommu = &rig->vtd[0].iommu;
	c.devices = DEVICES;
	need = dmah_domain_memory(&c);
	rig->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&rig->dom, &c, rig->dom_memory, need), DMAH_OK);
	assert_int_equal(dmah_domain_add_iommu(rig->dom, &rig->vtd[1].iommu), DMAH_OK);
}

static void attach(struct rig *rig, unsigned int n)
{
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };

	assert_int_equal(dmah_attach(rig->dom, device(rig, n), &limits), DMAH_OK);
}

static struct rig *rig_open(const struct sim_iommu_config units[UNITS],
			    const struct sim_vtd_config regs[UNITS],
			    const struct dmah_domain_config *domain)
{
	struct sim_config config = { .backend = DMAH_BACKEND_IOMMU };
	struct rig *rig = calloc(1, sizeof(*rig));

	for (unsigned int i = 0; i < UNITS; i++) {
		config.iommu[i] = units[i];
		config.iommu[i].flavour = SIM_VTD;
	}
	rig->sim = sim_create(&config);
	assert_non_null(rig->sim);
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	count_reports(&rig->reports);
	for (unsigned int i = 0; i < UNITS; i++)
		open_unit(rig, i, regs ? &regs[i] : NULL);
	for (unsigned int i = 0; i < DEVICES; i++) {
		struct sim_device_config c = { .id = 0x100 * (1 + i) + 8 * i,
					       .iommu = unit_of(i) + 1 };

		rig->dev[i] = sim_device_add(rig->sim, &c);
		assert_non_null(rig->dev[i]);
		device(rig, i)->iommu = &rig->vtd[unit_of(i)].iommu;
	}
	open_domain(rig, domain ? domain : &(struct dmah_domain_config){ 0 });
	for (unsigned int i = 0; i < DEVICES; i++)
		attach(rig, i);
	return rig;
}

static void note(void *ctx, const struct dmah_vtd_fault *fault)
{
	struct rig *rig = ctx;

	assert_true(rig->nfaults < sizeof(rig->fault) / sizeof(rig->fault[0]));
	rig->fault[rig->nfaults++] = *fault;
}

static unsigned int faults(struct rig *rig, unsigned int unit, bool *lost)
{
	unsigned int n;

	rig->nfaults = 0;
	n = dmah_vtd_faults(&rig->vtd[unit], note, rig, lost);
	assert_int_equal(n, rig->nfaults);
	return n;
}

static void rig_close(struct rig *rig)
{
	struct posix_alloc_stats stats;
	bool lost;

	assert_int_equal(rig->reports, 0);
	for (unsigned int i = 0; i < UNITS; i++) {
		assert_int_equal(faults(rig, i, &lost), 0);
		assert_false(lost);
	}
	for (unsigned int i = 0; i < DEVICES; i++)
		if (device(rig, i)->dom)
			assert_int_equal(dmah_detach(device(rig, i)), DMAH_OK);
	assert_int_equal(dmah_domain_fini(rig->dom), DMAH_OK);
	for (unsigned int i = 0; i < UNITS; i++)
		assert_int_equal(dmah_vtd_fini(&rig->vtd[i]), DMAH_OK);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 0);
	assert_int_equal(stats.mem, 0);
	sim_destroy(rig->sim);
	posix_set_report(NULL, NULL);
	posix_clock_real();
	for (unsigned int i = 0; i < UNITS; i++)
		free(rig->vtd_memory[i]);
	free(rig->dom_memory);
	free(rig);
}

static const struct sim_iommu_config plain[UNITS];

static bool writes(struct rig *rig, unsigned int n, dmah_addr_t dma)
{
	return sim_dma_write(rig->dev[n], dma, "x", 1) == SIM_OK;
}

static void one_fault(struct rig *rig, unsigned int n, dmah_addr_t addr, bool write, uint8_t reason)
{
	bool lost;

	assert_int_equal(faults(rig, unit_of(n), &lost), 1);
	assert_false(lost);
	assert_int_equal(rig->fault[0].id, device(rig, n)->id);
	assert_true(rig->fault[0].addr == (addr & ~0xfffull));
	assert_int_equal(rig->fault[0].write, write);
	assert_int_equal(rig->fault[0].reason, reason);
	assert_int_equal(rig->fault[0].pasid, ~0u);
}

/* ---- several units ---- */

/* Devices behind both units reach a mapping, and none does after any device's unmap. */
static void two_units(void **state)
{
	struct rig *rig = rig_open(plain, NULL, NULL);
	dmah_phys_t phys = sim_ram_take(rig->sim, 16384, 4096);
	struct sim_vtd_stats before[UNITS], after[UNITS];

	(void)state;
	assert_true(rig->vtd[0].root_phys != rig->vtd[1].root_phys);
	for (unsigned int round = 0; round < 50; round++) {
		struct dmah h = { 0 };
		dmah_addr_t dma;

		assert_int_equal(dmah_map(device(rig, round % DEVICES), &h, phys,
					  4096u << round % 3, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		dma = dmah_addr(&h);
		for (unsigned int i = 0; i < DEVICES; i++)
			assert_true(writes(rig, i, dma));
		for (unsigned int i = 0; i < UNITS; i++)
			sim_vtd_stats(rig->regs[i], &before[i]);
		assert_int_equal(dmah_unmap(device(rig, round % DEVICES), &h), DMAH_OK);
		for (unsigned int i = 0; i < UNITS; i++) {
			sim_vtd_stats(rig->regs[i], &after[i]);
			assert_int_equal(after[i].pages - before[i].pages, 1);
			assert_int_equal(after[i].all, before[i].all);
		}
		for (unsigned int i = 0; i < DEVICES; i++) {
			assert_false(writes(rig, i, dma));
			one_fault(rig, i, dma, true, NOT_WRITABLE);
		}
	}
	rig_close(rig);
}

/* If one unit hangs, unmaps return an error, no IOVA is reused, and the other unit works as before. */
static void one_hangs(void **state)
{
	struct rig *rig = rig_open(plain, NULL, NULL);
	dmah_phys_t phys = sim_ram_take(rig->sim, 8192, 4096);
	struct dmah h = { 0 }, other = { 0 };
	struct dmah_stats stats;
	dmah_addr_t dma;

	(void)state;
	assert_int_equal(dmah_map(device(rig, 0), &h, phys, 4096, DMAH_FROM_DEVICE, 0), DMAH_OK);
	dma = dmah_addr(&h);
	assert_true(writes(rig, 0, dma) && writes(rig, 1, dma));
	sim_vtd_hold(rig->regs[1], true);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_ETIMEDOUT);
	dmah_device_stats(device(rig, 0), &stats);
	assert_int_equal(stats.quarantined, 1);
	/* The first unit has dropped the translation, and the second still has it. */
	assert_false(writes(rig, 0, dma));
	one_fault(rig, 0, dma, true, NOT_WRITABLE);
	assert_true(writes(rig, 1, dma));
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(dmah_map(device(rig, 0), &other, phys, 4096, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		assert_true(dmah_addr(&other) != dma);
		assert_int_equal(dmah_unmap(device(rig, 0), &other), DMAH_ETIMEDOUT);
	}
	/* It was reported once, and answered at once from then on. */
	assert_int_equal(rig->reports, 1);
	rig->reports = 0;
	sim_vtd_hold(rig->regs[1], false);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	assert_false(writes(rig, 1, dma));
	one_fault(rig, 1, dma, true, NOT_WRITABLE);
	rig_close(rig);
}

/* With two different units a domain has the capabilities of both. */
static void unlike_units(void **state)
{
	static const struct sim_iommu_config units[UNITS] = {
		{ .va_bits = 57 }, { .va_bits = 48, .no_1g = true, .no_2m = true }
	};
	static const struct sim_vtd_config regs[UNITS] = { { .mask = 2 }, { .no_psi = true } };
	struct rig *rig = rig_open(units, regs, &(struct dmah_domain_config){ .va_bits = 48 });
	dmah_phys_t phys = sim_ram_take(rig->sim, 4u << 20, 2u << 20);
	struct dmah_domain_config wide = { .backend = DMAH_BACKEND_IOMMU,
					   .format = &dmah_pt_vtd_ss,
					   .iommu = &rig->vtd[0].iommu,
					   .va_bits = 57 };
	struct sim_vtd_stats stats[UNITS];
	struct dmah h = { 0 };
	struct dmah_domain *dom;
	dmah_addr_t dma;
	size_t need = dmah_domain_memory(&wide);
	void *memory = memory_of(need);

	(void)state;
	/* With 2 MiB entries the second unit would find reserved bits. */
	assert_int_equal(dmah_map(device(rig, 0), &h, phys, 4u << 20, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	dma = dmah_addr(&h);
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_true(writes(rig, i, dma + 0x234567));
	for (unsigned int i = 0; i < UNITS; i++)
		sim_vtd_stats(rig->regs[i], &stats[i]);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	for (unsigned int i = 0; i < DEVICES; i++) {
		assert_false(writes(rig, i, dma + 0x234567));
		one_fault(rig, i, dma + 0x234567, true, NOT_WRITABLE);
	}
	/* More than four pages, or none by pages. */
	for (unsigned int i = 0; i < UNITS; i++) {
		struct sim_vtd_stats now;

		sim_vtd_stats(rig->regs[i], &now);
		assert_int_equal(now.domains - stats[i].domains, 1);
	}
	/* A domain of five levels is the first unit's alone. */
	assert_int_equal(dmah_domain_init(&dom, &wide, memory, need), DMAH_OK);
	assert_int_equal(dmah_domain_add_iommu(dom, &rig->vtd[1].iommu), DMAH_ENOTSUP);
	assert_int_equal(dmah_domain_fini(dom), DMAH_OK);
	free(memory);
	rig_close(rig);
}

/* ---- five levels ---- */

static void five_levels(void **state)
{
	static const struct sim_iommu_config units[UNITS] = { { .va_bits = 57 },
							      { .va_bits = 57 } };
	dmah_addr_t top = (1ull << 57) - (1ull << 30);

	(void)state;
	for (unsigned int bits = 39; bits <= 57; bits += 9) {
		dmah_addr_t base = bits == 57 ? top : (1ull << bits) - (1ull << 30);
		struct rig *rig =
			rig_open(units, NULL,
				 &(struct dmah_domain_config){ .va_bits = bits,
							       .aperture_base = base,
							       .aperture_size = 1u << 30 });
		dmah_phys_t phys = sim_ram_take(rig->sim, 4u << 20, 2u << 20);
		struct dmah_pt_info pt;
		uint8_t byte;

		assert_int_equal(rig->vtd[0].iommu.va_bits, 57);
		assert_int_equal(dmah_domain_pt(rig->dom, &pt), DMAH_OK);
		assert_int_equal(pt.levels, (bits - 12) / 9);
		for (unsigned int large = 0; large < 2; large++) {
			struct dmah h = { 0 };
			dmah_addr_t dma;

			assert_int_equal(dmah_map(device(rig, 0), &h, phys, large ? 4u << 20 : 4096,
						  DMAH_BIDIRECTIONAL, 0),
					 DMAH_OK);
			dma = dmah_addr(&h);
			assert_true(dma >= base && dma - base < 1u << 30);
			byte = (uint8_t)(bits + large);
			assert_int_equal(sim_dma_write(rig->dev[0], dma + 5, &byte, 1), SIM_OK);
			byte = 0;
			assert_int_equal(sim_dma_read(rig->dev[1], dma + 5, &byte, 1), SIM_OK);
			assert_int_equal(byte, bits + large);
			/* The next bit up is another address, or none. */
			assert_false(writes(rig, 0, dma ^ 1ull << (bits - 1)));
			one_fault(rig, 0, dma ^ 1ull << (bits - 1), true, NOT_WRITABLE);
			assert_false(writes(rig, 0, dma | 1ull << bits));
			one_fault(rig, 0, dma | 1ull << bits, true, TOO_WIDE);
			assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
			assert_false(writes(rig, 0, dma + 5));
			one_fault(rig, 0, dma, true, NOT_WRITABLE);
		}
		rig_close(rig);
	}
}

/* Passthrough names the widest table that the unit has, or the unit finds its context entry invalid. */
static void passthrough(void **state)
{
	(void)state;
	for (unsigned int bits = 39; bits <= 57; bits += 9) {
		struct sim_iommu_config units[UNITS] = { { .va_bits = bits }, { .va_bits = bits } };
		struct rig *rig = rig_open(
			units, NULL, &(struct dmah_domain_config){ .mode = DMAH_PASSTHROUGH });
		dmah_phys_t phys = sim_ram_take(rig->sim, 4096, 4096);

		for (unsigned int i = 0; i < DEVICES; i++)
			assert_true(writes(rig, i, phys));
		assert_int_equal(dmah_set_mode(rig->dom, DMAH_STRICT), DMAH_OK);
		for (unsigned int i = 0; i < DEVICES; i++) {
			assert_false(writes(rig, i, phys));
			one_fault(rig, i, phys, true, NOT_WRITABLE);
		}
		rig_close(rig);
	}
}

/* ---- fault records ---- */

/* Fault records are a ring: the oldest fault is taken first, whatever its record's number. */
static void records_go_round(void **state)
{
	static const struct sim_vtd_config regs[UNITS] = { { .records = 3 }, { .records = 256 } };
	struct rig *rig = rig_open(plain, regs, NULL);
	bool lost;

	(void)state;
	for (unsigned int round = 0; round < 40; round++) {
		unsigned int unit = round & 1, n = 1 + round % 3;

		for (unsigned int i = 0; i < n; i++)
			(void)writes(rig, unit + 2 * i, 0x10000 * (round + 1) + 4096 * i);
		assert_int_equal(faults(rig, unit, &lost), n);
		assert_false(lost);
		for (unsigned int i = 0; i < n; i++) {
			assert_int_equal(rig->fault[i].id, device(rig, unit + 2 * i)->id);
			assert_true(rig->fault[i].addr == 0x10000ull * (round + 1) + 4096 * i);
		}
		/* Faults of the other unit are separate. */
		assert_int_equal(faults(rig, !unit, &lost), 0);
	}
	rig_close(rig);
}

/* Faults beyond the number of records are lost, which is reported once; afterwards faults are recorded again. */
static void records_overflow(void **state)
{
	static const unsigned int counts[] = { 1, 3, 8, 256 };
	bool lost;

	(void)state;
	for (unsigned int k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
		struct sim_vtd_config regs[UNITS] = { { .records = counts[k] },
						      { .records = counts[k] } };
		struct rig *rig = rig_open(plain, regs, NULL);

		for (unsigned int round = 0; round < 3; round++) {
			for (unsigned int i = 0; i < counts[k] + 5 + round; i++)
				(void)writes(rig, 0, 0x100000 + 4096ull * i);
			assert_int_equal(faults(rig, 0, &lost), counts[k]);
			assert_true(lost);
			for (unsigned int i = 0; i < counts[k]; i++)
				assert_true(rig->fault[i].addr == 0x100000 + 4096ull * i);
			assert_int_equal(faults(rig, 0, &lost), 0);
			assert_false(lost);
			(void)sim_dma_read(rig->dev[2], 0x5000, &(uint8_t){ 0 }, 1);
			one_fault(rig, 2, 0x5000, false, NOT_READABLE);
		}
		rig_close(rig);
	}
}

/* The fault reason of a detached device differs from that of an unmapped address. */
static void reasons(void **state)
{
	struct rig *rig = rig_open(plain, NULL, NULL);

	(void)state;
	assert_int_equal(dmah_detach(device(rig, 3)), DMAH_OK);
	assert_false(writes(rig, 3, 0x5000));
	one_fault(rig, 3, 0x5000, true, NOT_ATTACHED);
	attach(rig, 3);
	assert_false(writes(rig, 3, 0x5000));
	one_fault(rig, 3, 0x5000, true, NOT_WRITABLE);
	rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_units),	    cmocka_unit_test(one_hangs),
		cmocka_unit_test(unlike_units),	    cmocka_unit_test(five_levels),
		cmocka_unit_test(passthrough),	    cmocka_unit_test(records_go_round),
		cmocka_unit_test(records_overflow), cmocka_unit_test(reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
