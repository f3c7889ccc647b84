/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The driver of the SMMUv1 and the SMMUv2 on a model of its registers; QEMU has no such unit. */
#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>
#include <dmah/smmuv2.h>

#include "posix.h"
#include "../setup.h"
#include "sim.h"
#include "sim_inject.h"
#include "sim_smmuv2.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT	     1000000u
#define DEVICES	     4u
#define BANK(n)	     ((32u + (n)) << 12)
#define SMR(n)	     (0x800u + 4 * (n))
#define S2CR(n)	     (0xc00u + 4 * (n))
#define CBAR(n)	     (0x1000u + 4 * (n))
#define SCTLR	     0x00u
#define ACTLR	     0x04u
#define FSR	     0x58u
#define VALID	     (1u << 31)
#define LEADS_BYPASS (1u << 16)
#define F_BLOCKED    (1u << 0)
#define F_NO_STREAM  (1u << 1)
#define F_NOTHING    (1u << 1)
#define F_PERMISSION (1u << 3)

/* Units with a domain for each of them, or one for all, and devices: even ones behind the first unit. */
struct rig {
	struct sim *sim;
	unsigned int units;
	struct sim_smmuv2 *regs[2];
	struct dmah_smmuv2 smmu[2];
	struct sim_device *dev[DEVICES];
	struct dmah_domain *dom;
	void *dom_memory;
	dmah_phys_t memory;
	unsigned int reports;
};

struct kind {
	struct sim_smmuv2_config model;
	struct dmah_smmuv2_config driver;
	bool stage2;
	unsigned int va_bits;
	unsigned int out_bits;
};

static struct dmah_device *device(struct rig *rig, unsigned int n)
{
	return sim_device_dmah(rig->dev[n]);
}

static int try_attach(struct rig *rig, unsigned int n)
{
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };

	return dmah_attach(rig->dom, device(rig, n), &limits);
}

/* A machine with registers, and no driver yet. */
static struct rig *rig_begin(const struct kind *kind, unsigned int units)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU };
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->units = units;
	for (unsigned int i = 0; i < units; i++)
		machine.iommu[i] = (struct sim_iommu_config){ .flavour = SIM_SMMUV2,
							      .stage2 = kind->stage2,
							      .va_bits = kind->va_bits,
							      .out_bits = kind->out_bits };
	rig->sim = sim_create(&machine);
	assert_non_null(rig->sim);
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	count_reports(&rig->reports);
	for (unsigned int i = 0; i < units; i++) {
		rig->regs[i] = sim_smmuv2_create(rig->sim, i, &kind->model);
		assert_non_null(rig->regs[i]);
	}
	for (unsigned int i = 0; i < DEVICES; i++) {
		struct sim_device_config c = { .id = kind->model.indexed ? 2 + 3 * i : 8 + 40 * i,
					       .iommu = i % units + 1 };

		rig->dev[i] = sim_device_add(rig->sim, &c);
		assert_non_null(rig->dev[i]);
	}
	rig->memory = sim_ram_take(rig->sim, 1 << 20, 4096);
	return rig;
}

static int rig_init(struct rig *rig, const struct kind *kind, unsigned int n)
{
	struct dmah_smmuv2_config c = kind->driver;

	c.timeout_ns = TIMEOUT;
	c.regs = sim_smmuv2_regs(rig->regs[n], NULL);
	return dmah_smmuv2_init(&rig->smmu[n], &c);
}

static void rig_domain(struct rig *rig)
{
	struct dmah_domain_config domain = { .backend = DMAH_BACKEND_IOMMU,
					     .format = rig->smmu[0].iommu.formats[0],
					     .iommu = &rig->smmu[0].iommu,
					     .devices = DEVICES + 1 };
	size_t need = dmah_domain_memory(&domain);

	rig->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&rig->dom, &domain, rig->dom_memory, need), DMAH_OK);
	for (unsigned int i = 1; i < rig->units; i++)
		assert_int_equal(dmah_domain_add_iommu(rig->dom, &rig->smmu[i].iommu), DMAH_OK);
	for (unsigned int i = 0; i < DEVICES; i++)
		device(rig, i)->iommu = &rig->smmu[i % rig->units].iommu;
}

static struct rig *rig_open(const struct kind *kind, unsigned int units)
{
	struct rig *rig = rig_begin(kind, units);

	for (unsigned int i = 0; i < units; i++)
		assert_int_equal(rig_init(rig, kind, i), DMAH_OK);
	rig_domain(rig);
	return rig;
}

static void rig_end(struct rig *rig)
{
	posix_set_report(NULL, NULL);
	posix_clock_real();
	sim_destroy(rig->sim);
	free(rig->dom_memory);
	free(rig);
}

static void rig_close(struct rig *rig)
{
	struct posix_alloc_stats stats;

	for (unsigned int i = 0; i < DEVICES; i++)
		if (device(rig, i)->dom)
			assert_int_equal(dmah_detach(device(rig, i)), DMAH_OK);
	assert_int_equal(dmah_domain_fini(rig->dom), DMAH_OK);
	for (unsigned int i = 0; i < rig->units; i++)
		assert_int_equal(dmah_smmuv2_fini(&rig->smmu[i]), DMAH_OK);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 0);
	rig_end(rig);
}

static bool writes(struct rig *rig, unsigned int n, dmah_addr_t dma)
{
	return sim_dma_write(rig->dev[n], dma, "x", 1) == SIM_OK;
}

/* The one fault since the last call. */
static struct dmah_iommu_fault one_fault(struct rig *rig, unsigned int unit)
{
	struct dmah_iommu *iommu = &rig->smmu[unit].iommu;
	struct dmah_iommu_fault fault[2];
	bool lost = false;

	assert_int_equal(iommu->ops->faults(iommu, fault, 2, &lost), 1);
	assert_false(lost);
	return fault[0];
}

/* Takes all faults. Returns how many. */
static unsigned int faults_of(struct rig *rig, unsigned int unit)
{
	struct dmah_iommu *iommu = &rig->smmu[unit].iommu;
	struct dmah_iommu_fault f[4];
	bool lost = false;

	return iommu->ops->faults(iommu, f, 4, &lost);
}

static const struct kind plain = { .stage2 = false };

static const struct kind kinds[] = {
	{ .stage2 = false },
	{ .stage2 = true },
	{ .model = { .both = true }, .driver = { .stage2 = true }, .stage2 = true },
	{ .va_bits = 39 },
	{ .model = { .v1 = true } },
	{ .model = { .v1 = true }, .stage2 = true, .driver = { .model = DMAH_SMMUV2_MMU401 } },
	{ .model = { .indexed = 4 } },
	{ .model = { .pages_64k = true, .stage2_banks = 3 } },
	{ .model = { .prefetch = true, .major = 2 }, .driver = { .model = DMAH_SMMUV2_MMU500 } },
	{ .model = { .v1 = true, .alias = true }, .driver = { .model = DMAH_SMMUV2_CALXEDA } },
	{ .model = { .no_aarch32 = true, .streams = 4 }, .driver = { .id_base = 64 } },
	{ .model = { .v1 = true }, .driver = { .short_descriptors = true } },
	{ .driver = { .short_descriptors = true, .stall = true } },
};

/* Maps, writes, unmaps, and writes once more, on every kind of unit. */
static void every_unit(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct rig *rig = rig_open(&kinds[k], 1);
		struct dmah h = { 0 };
		dmah_addr_t dma;

		assert_ptr_equal(rig->smmu[0].iommu.formats[0],
				 kinds[k].driver.short_descriptors ? &dmah_pt_arm_short
				 : kinds[k].stage2		   ? &dmah_pt_lpae_s2
								   : &dmah_pt_lpae_s1);
		assert_false(writes(rig, 0, 0x1000));
		assert_int_equal(try_attach(rig, 0), DMAH_OK);
		assert_int_equal(try_attach(rig, 1), DMAH_OK);
		for (unsigned int i = 0; i < 300; i++) {
			dmah_phys_t phys = rig->memory + (i % 64 << 12);

			assert_int_equal(dmah_map(device(rig, 0), &h, phys, 8192, DMAH_FROM_DEVICE,
						  0),
					 DMAH_OK);
			dma = dmah_addr(&h);
			assert_true(writes(rig, 0, dma) && writes(rig, 1, dma + 4096));
			assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
			assert_false(writes(rig, 0, dma));
			assert_false(writes(rig, 0, dma + 4096));
		}
		assert_int_equal(rig->reports, 0);
		rig_close(rig);
	}
}

/* ---- short descriptors ---- */

#define TTBR0 0x20u

static uint32_t word_at(struct rig *rig, dmah_phys_t phys)
{
	uint32_t word;

	sim_cpu_read(rig->sim, phys, &word, sizeof(word));
	return word;
}

/* The descriptors of an address: of the first table, and of the second where there is one. */
static void descriptors(struct rig *rig, dmah_addr_t dma, uint32_t d[2])
{
	uint32_t root = sim_smmuv2_peek(rig->regs[0], BANK(0) + TTBR0) & 0xffffc000;

	d[0] = word_at(rig, root + (dma >> 20) * 4);
	d[1] = (d[0] & 3) == 1 ? word_at(rig, (d[0] & 0xfffffc00) + (dma >> 12 & 255) * 4) : 0;
}

/* Maps @len bytes, compares the descriptor of the first byte, and unmaps: nothing is left. */
static void one_descriptor(struct rig *rig, dmah_phys_t phys, uint32_t len, enum dmah_dir dir,
			   uint32_t attrs, bool section, uint32_t want)
{
	struct dmah h = { 0 };
	dmah_addr_t dma;
	uint32_t d[2];

	assert_int_equal(dmah_map(device(rig, 0), &h, phys, len, dir, attrs), DMAH_OK);
	dma = dmah_addr(&h);
	descriptors(rig, dma, d);
	assert_int_equal(d[section ? 0 : 1], want | (uint32_t)phys);
	if (section) {
		descriptors(rig, dma + (1 << 20), d);
		assert_int_equal(d[0], want | ((uint32_t)phys + (1 << 20)));
	}
	if (dir != DMAH_TO_DEVICE && !attrs) {
		assert_true(writes(rig, 0, dma));
		assert_true(writes(rig, 0, dma + len - 1));
	}
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	descriptors(rig, dma, d);
	assert_int_equal(section ? d[0] : d[1], 0);
	assert_false(writes(rig, 0, dma + len - 1));
}

/* Every bit of a section, a large page and a small page, by the manual: nG, S, AP[2], TEX, AP[1:0], C, B, type, XN. */
static void short_descriptors(void **state)
{
	const struct kind *kind = &kinds[11];
	struct rig *rig = rig_open(kind, 1);
	dmah_phys_t big = sim_ram_take(rig->sim, 4u << 20, 2u << 20);

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	one_descriptor(rig, big, 4096, DMAH_FROM_DEVICE, 0, false,
		       1 << 11 | 1 << 10 | 1 << 6 | 3 << 4 | 3 << 2 | 1 << 1 | 1);
	one_descriptor(rig, big, 4096, DMAH_TO_DEVICE, 0, false,
		       1 << 11 | 1 << 10 | 1 << 9 | 1 << 6 | 3 << 4 | 3 << 2 | 1 << 1 | 1);
	one_descriptor(rig, big, 4096, DMAH_BIDIRECTIONAL, DMAH_ATTR_MMIO, false,
		       1 << 11 | 1 << 10 | 3 << 4 | 1 << 2 | 1 << 1 | 1);
	one_descriptor(rig, big, 65536, DMAH_FROM_DEVICE, 0, false,
		       1 << 15 | 1 << 12 | 1 << 11 | 1 << 10 | 3 << 4 | 3 << 2 | 1);
	one_descriptor(rig, big, 2u << 20, DMAH_FROM_DEVICE, 0, true,
		       1 << 17 | 1 << 16 | 1 << 12 | 3 << 10 | 1 << 4 | 3 << 2 | 2);
	one_descriptor(rig, big, 2u << 20, DMAH_TO_DEVICE, 0, true,
		       1 << 17 | 1 << 16 | 1 << 15 | 1 << 12 | 3 << 10 | 1 << 4 | 3 << 2 | 2);
	rig_close(rig);
}

/* Maps memory that lies on no 64 KiB boundary, and compares each page. */
static void pages_of(struct rig *rig, dmah_phys_t at, uint32_t len)
{
	struct dmah h = { 0 };
	dmah_phys_t phys;
	dmah_addr_t dma;

	assert_int_equal(dmah_map(device(rig, 0), &h, at, len, DMAH_FROM_DEVICE, 0), DMAH_OK);
	dma = dmah_addr(&h);
	for (uint32_t off = 0; off < len; off += 4096) {
		assert_int_equal(sim_dma_reaches(rig->dev[0], dma + off, true, &phys), SIM_OK);
		assert_int_equal(phys, at + off);
	}
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	for (uint32_t off = 0; off < len; off += 4096)
		assert_false(writes(rig, 0, dma + off));
}

static void short_pages(void **state)
{
	struct rig *rig = rig_open(&kinds[11], 1);
	dmah_phys_t at = sim_ram_take(rig->sim, 8u << 20, 2u << 20) + 4096;

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	for (unsigned int shift = 16; shift <= 22; shift++)
		pages_of(rig, at, 1u << shift);
	rig_close(rig);
}

/* The second descriptors of 16 pages: all are one large page, or none is. Returns true where they are. */
static bool one_size(struct rig *rig, dmah_addr_t dma)
{
	uint32_t d[2], first;

	descriptors(rig, dma, d);
	first = d[1];
	for (unsigned int i = 1; i < 16; i++) {
		descriptors(rig, dma + i * 4096, d);
		if ((first & 3) == 1 ? d[1] != first : (d[1] & 3) == 1)
			return false;
	}
	return true;
}

/* Identity ranges of which one is in another: a large page is made small where a page of it changes. */
static void short_identity(void **state)
{
	static const struct dmah_reserved range[] = {
		{ .base = 0x40000000, .size = 0x10000, .identity = true, .dir = DMAH_TO_DEVICE },
		{ .base = 0x40004000, .size = 0x1000, .identity = true },
		{ .base = 0x4000e000, .size = 0x4000, .identity = true },
	};
	struct rig *rig = rig_open(&kinds[11], 1);
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT, .nreserved = 1 };
	uint32_t d[2];

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		limits.reserved = &range[i];
		assert_int_equal(dmah_attach(rig->dom, device(rig, i), &limits), DMAH_OK);
		assert_true(one_size(rig, range[0].base));
		descriptors(rig, range[0].base, d);
		assert_int_equal(d[1] & 3, i ? 3 : 1);
	}
	descriptors(rig, range[1].base, d);
	assert_int_equal(d[1] & (1 << 9 | 0xfffff000), range[1].base);
	for (unsigned int i = 3; i--;) {
		assert_int_equal(dmah_detach(device(rig, i)), DMAH_OK);
		assert_true(one_size(rig, range[0].base));
	}
	descriptors(rig, range[0].base, d);
	assert_int_equal(d[1], 0);
	rig_close(rig);
}

/* MMU-500: a context bank that translates has its prefetch off. */
static void prefetch_is_off(void **state)
{
	const struct kind *mmu500 = &kinds[8];
	struct rig *rig = rig_open(mmu500, 1);

	(void)state;
	assert_true(sim_smmuv2_peek(rig->regs[0], BANK(0) + ACTLR) & 2);
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_int_equal(sim_smmuv2_peek(rig->regs[0], BANK(0) + ACTLR) & 2, 0);
	rig_close(rig);
}

/* Stage 2 takes no more bits than come out of the unit, however many it could take: no table is wider. */
static void narrow_output(void **state)
{
	static const struct kind kind = { .stage2 = true, .out_bits = 36 };
	struct rig *rig = rig_open(&kind, 1);
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU,
					.format = &dmah_pt_lpae_s2,
					.iommu = &rig->smmu[0].iommu,
					.va_bits = 48 };
	size_t need = dmah_domain_memory(&c);
	void *memory = memory_of(need);
	struct dmah_domain *dom;

	(void)state;
	assert_int_equal(dmah_domain_init(&dom, &c, memory, need), DMAH_ENOTSUP);
	free(memory);
	rig->reports = 0;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	rig_close(rig);
}

/* ---- faults ---- */

static void faults(void **state)
{
	struct rig *rig = rig_open(&plain, 1);
	struct dmah_iommu_fault f;
	struct dmah h = { 0 };
	bool lost = false;
	char byte;

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_false(writes(rig, 2, 0x7000));
	f = one_fault(rig, 0);
	assert_true(f.code == F_NO_STREAM && f.id == device(rig, 2)->id && f.addr == 0x7000 &&
		    f.write);
	assert_false(writes(rig, 0, 0x9000));
	f = one_fault(rig, 0);
	assert_true(f.code == F_NOTHING && f.id == device(rig, 0)->id && f.addr == 0x9000 &&
		    f.write);
	assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_TO_DEVICE, 0), DMAH_OK);
	assert_int_equal(sim_dma_read(rig->dev[0], dmah_addr(&h), &byte, 1), SIM_OK);
	assert_false(writes(rig, 0, dmah_addr(&h)));
	f = one_fault(rig, 0);
	assert_true(f.code == F_PERMISSION && f.addr == dmah_addr(&h) && f.write);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	assert_int_equal(sim_dma_read(rig->dev[0], dmah_addr(&h), &byte, 1), SIM_FAULT_TRANSLATION);
	f = one_fault(rig, 0);
	assert_true(!f.write && f.code == F_NOTHING);
	/* There is one record: the first fault is kept, and a mark that others were lost. */
	for (unsigned int i = 0; i < 5; i++)
		assert_false(writes(rig, 0, 0x10000 + 0x1000 * i));
	assert_int_equal(rig->smmu[0].iommu.ops->faults(&rig->smmu[0].iommu, &f, 1, &lost), 1);
	assert_true(lost && f.addr == 0x10000);
	lost = false;
	assert_int_equal(rig->smmu[0].iommu.ops->faults(&rig->smmu[0].iommu, &f, 1, &lost), 0);
	assert_false(lost);
	assert_int_equal(rig->reports, 0);
	rig_close(rig);
}

/* The wire of a fault is raised while interrupts are on, by the unit and by a context bank. */
static void interrupts(void **state)
{
	struct rig *rig = rig_open(&plain, 1);
	struct sim_smmuv2_stats stats;

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	for (unsigned int on = 0; on < 2; on++) {
		dmah_smmuv2_irq(&rig->smmu[0], on);
		assert_false(writes(rig, 0, 0x9000));
		(void)one_fault(rig, 0);
		assert_false(writes(rig, 2, 0x9000));
		(void)one_fault(rig, 0);
		sim_smmuv2_stats(rig->regs[0], &stats);
		assert_int_equal(stats.wires, on ? 2 : 0);
	}
	/* A bank that is bound later has its interrupt on too. */
	assert_int_equal(dmah_detach(device(rig, 0)), DMAH_OK);
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_false(writes(rig, 0, 0x9000));
	sim_smmuv2_stats(rig->regs[0], &stats);
	assert_int_equal(stats.wires, 3);
	(void)one_fault(rig, 0);
	rig_close(rig);
}

/* A transaction that stalls is terminated; it is retried where its address has been mapped meanwhile. */
static void stalls(void **state)
{
	static const struct kind kind = { .driver = { .stall = true } };
	struct rig *rig = rig_open(&kind, 1);
	struct sim_smmuv2_stats stats;
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	dma = dmah_addr(&h);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	assert_false(writes(rig, 0, dma));
	assert_int_equal(one_fault(rig, 0).addr, dma);
	sim_smmuv2_stats(rig->regs[0], &stats);
	assert_true(stats.terminated == 1 && stats.retried == 0);
	assert_false(writes(rig, 0, dma));
	do {
		h = (struct dmah){ 0 };
		assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
	} while (dmah_addr(&h) != dma && !dmah_unmap(device(rig, 0), &h));
	(void)one_fault(rig, 0);
	sim_smmuv2_stats(rig->regs[0], &stats);
	assert_true(stats.terminated == 1 && stats.retried == 1);
	assert_true(rig->smmu[0].terminated == 1 && rig->smmu[0].retried == 1);
	assert_true(writes(rig, 0, dma));
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	rig_close(rig);
}

/* A transaction that a device had stalled before its kill ends: the device reaches nothing, though the address is mapped later. */
static void killed_stall(void **state)
{
	static const struct kind kind = { .driver = { .stall = true } };
	struct rig *rig = rig_open(&kind, 1);
	struct sim_smmuv2_stats stats;
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(try_attach(rig, i), DMAH_OK);
	assert_int_equal(dmah_map(device(rig, 1), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	dma = dmah_addr(&h);
	assert_int_equal(dmah_unmap(device(rig, 1), &h), DMAH_OK);
	assert_false(writes(rig, 0, dma));
	assert_int_equal(dmah_kill(device(rig, 0)), DMAH_OK);
	do {
		h = (struct dmah){ 0 };
		assert_int_equal(dmah_map(device(rig, 1), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
	} while (dmah_addr(&h) != dma && !dmah_unmap(device(rig, 1), &h));
	(void)faults_of(rig, 0);
	sim_smmuv2_stats(rig->regs[0], &stats);
	assert_true(stats.terminated == 1 && stats.retried == 0);
	/* The other device's go on. */
	assert_false(writes(rig, 1, 0x9000));
	assert_int_equal(one_fault(rig, 0).addr, 0x9000);
	assert_int_equal(dmah_unmap(device(rig, 1), &h), DMAH_OK);
	/* The last device of a domain leaves: nothing stays stalled in a bank that is off, nor is left to its next owner. */
	assert_false(writes(rig, 1, 0x9000));
	assert_int_equal(dmah_detach(device(rig, 1)), DMAH_OK);
	sim_smmuv2_stats(rig->regs[0], &stats);
	assert_int_equal(stats.terminated, 3);
	rig_close(rig);
}

/* ---- taking over ---- */

/* Streams that no unit has are not let through, nor others in their place. */
static void bypass_beyond(void **state)
{
	static const struct dmah_smmuv2_bypass odd[] = {
		{ 0x7fff0000, 1 }, { 0x00070008, 1 }, { 0xfffffff0, 0x40 }, { 0x8000, 0xffffffff }
	};
	static const struct kind kind = { .driver = { .bypass = odd, .nbypass = 4 } };
	struct rig *rig = rig_open(&kind, 1);

	(void)state;
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_false(writes(rig, i, rig->memory));
	rig_close(rig);
}

/* Firmware lets streams through by a mask, translates another, and has a stalled transaction. */
static void take_over(void **state)
{
	static const struct dmah_smmuv2_bypass running[] = { { 8, 1 }, { 128, 1 } };
	static const struct kind kind = { .driver = { .bypass = running, .nbypass = 2 } };
	struct rig *rig = rig_begin(&kind, 1);
	struct sim_smmuv2 *regs = rig->regs[0];

	(void)state;
	/* Devices have the streams 8, 48, 88 and 128. */
	sim_smmuv2_poke(regs, SMR(3), VALID | 0x7fu << 16 | 8);
	sim_smmuv2_poke(regs, S2CR(3), LEADS_BYPASS);
	sim_smmuv2_poke(regs, CBAR(5), 1u << 16);
	sim_smmuv2_poke(regs, BANK(5) + SCTLR, 1u << 7 | 1u << 5);
	sim_smmuv2_poke(regs, 0, 0);
	assert_true(writes(rig, 0, rig->memory) && writes(rig, 1, rig->memory));
	assert_int_equal(rig_init(rig, &kind, 0), DMAH_OK);
	assert_true(writes(rig, 0, rig->memory));
	for (unsigned int i = 1; i < 3; i++) {
		assert_false(writes(rig, i, rig->memory));
		assert_int_equal(one_fault(rig, 0).id, device(rig, i)->id);
	}
	assert_true(writes(rig, 3, rig->memory));
	rig_domain(rig);
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_false(writes(rig, 0, rig->memory));
	assert_true(writes(rig, 3, rig->memory));
	rig_close(rig);
}

/* ---- limits ---- */

static void registers_run_out(void **state)
{
	const struct kind *few = &kinds[10];
	struct rig *rig = rig_open(few, 1);
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU,
					.format = &dmah_pt_lpae_s1,
					.iommu = &rig->smmu[0].iommu,
					.aperture_size = 1 << 21 };
	struct dmah_device extra = { .name = "extra", .iommu = &rig->smmu[0].iommu };
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };
	size_t need = dmah_domain_memory(&c);
	struct dmah_domain *dom[SIM_SMMUV2_BANKS];
	void *memory[SIM_SMMUV2_BANKS];
	unsigned int n = 0;
	int err = DMAH_OK;

	(void)state;
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_int_equal(try_attach(rig, i), DMAH_OK);
	/* The fifth stream finds no register, and one that another's mask covers is refused. */
	extra.id = 0x55;
	assert_int_equal(dmah_attach(rig->dom, &extra, &limits), DMAH_ENOTSUP);
	assert_int_equal(dmah_detach(device(rig, 3)), DMAH_OK);
	extra.id = dmah_smmuv2_id(0x20, 0x1f);
	assert_int_equal(dmah_attach(rig->dom, &extra, &limits), DMAH_ENOTSUP);
	extra.id = dmah_smmuv2_id(0x4000, 0xff);
	assert_int_equal(dmah_attach(rig->dom, &extra, &limits), DMAH_OK);
	assert_int_equal(dmah_detach(&extra), DMAH_OK);
	extra.id = 0x8000;
	assert_int_equal(dmah_attach(rig->dom, &extra, &limits), DMAH_ENOTSUP);
	/* One bank is taken: 31 are left. */
	for (; n < SIM_SMMUV2_BANKS && !err; n++) {
		memory[n] = memory_of(need);
		err = dmah_domain_init(&dom[n], &c, memory[n], need);
	}
	assert_int_equal(err, DMAH_ENOSPC);
	assert_int_equal(n, SIM_SMMUV2_BANKS);
	free(memory[--n]);
	while (n--) {
		assert_int_equal(dmah_domain_fini(dom[n]), DMAH_OK);
		free(memory[n]);
	}
	rig_close(rig);
}

/* Devices of one domain behind two units: each unit is invalidated. */
static void two_units(void **state)
{
	struct rig *rig = rig_open(&plain, 2);
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_int_equal(try_attach(rig, i), DMAH_OK);
	assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	dma = dmah_addr(&h);
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_true(writes(rig, i, dma));
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_false(writes(rig, i, dma));
	rig_close(rig);
}

/* The table becomes wider while a device is attached: its bank is not changed under its stream, and its mappings stay. */
static void wider_table(void **state)
{
	const struct dmah_reserved high = { .base = 1ull << 40, .size = 4096, .identity = true };
	struct dmah_limits limits = {
		.mask = ~0ull, .flags = DMAH_DEV_COHERENT, .reserved = &high, .nreserved = 1
	};
	struct rig *rig = rig_open(&plain, 1);
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_int_equal(try_attach(rig, 2), DMAH_OK);
	assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	assert_true(writes(rig, 0, dmah_addr(&h)));
	assert_int_equal(dmah_attach(rig->dom, device(rig, 1), &limits), DMAH_OK);
	for (unsigned int i = 0; i < 3; i++)
		assert_true(writes(rig, i, dmah_addr(&h)));
	/* The range is translated, to where there is no memory. */
	assert_int_equal(sim_dma_reaches(rig->dev[1], high.base, true, NULL), SIM_FAULT_BUS);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	assert_false(writes(rig, 1, dmah_addr(&h)));
	rig_close(rig);
}

/* ---- invalidations ---- */

/* One context bank is waited for where only that one was written to; addresses are named by their last level. */
static void least_that_is_needed(void **state)
{
	struct rig *rig = rig_open(&plain, 1);
	struct sim_smmuv2_stats before, after;
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	for (unsigned int i = 0; i < 2; i++) {
		sim_smmuv2_stats(rig->regs[0], &before);
		assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 3 * 4096,
					  DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
		sim_smmuv2_stats(rig->regs[0], &after);
		h = (struct dmah){ 0 };
	}
	assert_int_equal(after.last - before.last, 3);
	assert_int_equal(after.addresses + after.spaces + after.all,
			 before.addresses + before.spaces + before.all);
	assert_int_equal(after.bank_syncs - before.bank_syncs, 1);
	assert_int_equal(after.global_syncs, before.global_syncs);
	rig_close(rig);
}

/* ---- units that fail ---- */

/* A unit that is slow: what it does not confirm is quarantined, and it is back when it answers. */
static void slow_unit(void **state)
{
	struct rig *rig = rig_open(&plain, 1);
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	sim_smmuv2_hold(rig->regs[0], true);
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_ETIMEDOUT);
	assert_int_equal(rig->reports, 1);
	assert_int_equal(try_attach(rig, 1), DMAH_ETIMEDOUT);
	assert_false(writes(rig, 1, 0x1000));
	sim_smmuv2_hold(rig->regs[0], false);
	assert_int_equal(try_attach(rig, 1), DMAH_OK);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	h = (struct dmah){ 0 };
	assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	assert_true(writes(rig, 0, dmah_addr(&h)) && writes(rig, 1, dmah_addr(&h)));
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	assert_false(writes(rig, 0, dmah_addr(&h)));
	rig_close(rig);
}

/* A unit that is gone, dead for good, or has lost its registers: failed until it is reset. */
static void failed_unit(void **state)
{
	(void)state;
	for (unsigned int how = 0; how < 3; how++) {
		struct rig *rig = rig_open(&plain, 1);
		struct dmah_iommu_fault f;
		struct dmah h = { 0 };
		bool lost = false;
		uint64_t begun;

		assert_int_equal(try_attach(rig, 0), DMAH_OK);
		assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		if (how == 2)
			sim_repair(rig->sim, true);
		else
			sim_fail(sim_iommu(rig->sim, 0), how ? SIM_FAIL_DEAD : SIM_FAIL_ONES, 1, 0);
		/* A unit that has lost its registers answers all the same: a look at its faults tells. */
		if (how == 2)
			assert_int_equal(rig->smmu[0].iommu.ops->faults(&rig->smmu[0].iommu, &f, 1,
									&lost),
					 0);
		assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_ETIMEDOUT);
		assert_int_equal(rig->reports, 1);
		/* Nobody waits for it again. */
		begun = dmah_host_now();
		assert_int_equal(dmah_flush(rig->dom), DMAH_ETIMEDOUT);
		assert_true(dmah_host_now() - begun < TIMEOUT);
		assert_int_equal(dmah_smmuv2_reset(&rig->smmu[0]),
				 how == 2 ? DMAH_OK : DMAH_ETIMEDOUT);
		sim_repair(rig->sim, how != 2);
		assert_int_equal(dmah_smmuv2_reset(&rig->smmu[0]), DMAH_OK);
		assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
		h = (struct dmah){ 0 };
		assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		assert_true(writes(rig, 0, dmah_addr(&h)));
		assert_false(writes(rig, 1, dmah_addr(&h)));
		assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
		assert_false(writes(rig, 0, dmah_addr(&h)));
		rig_close(rig);
	}
}

/* MMU-500: prefetch is off again after a loss of all registers. */
static void reset_without_prefetch(void **state)
{
	const struct kind *mmu500 = &kinds[8];
	struct rig *rig = rig_open(mmu500, 1);

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	sim_repair(rig->sim, true);
	assert_int_equal(sim_smmuv2_peek(rig->regs[0], BANK(0) + ACTLR) & 2, 2);
	assert_int_equal(dmah_smmuv2_reset(&rig->smmu[0]), DMAH_OK);
	assert_int_equal(sim_smmuv2_peek(rig->regs[0], BANK(0) + ACTLR) & 2, 0);
	rig_close(rig);
}

/* Interrupts are switched while the unit has lost its registers: it counts as lost until its reset, which has them on. */
static void interrupts_of_lost_unit(void **state)
{
	struct rig *rig = rig_open(&plain, 1);
	struct sim_smmuv2_stats stats;

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	sim_repair(rig->sim, true);
	dmah_smmuv2_irq(&rig->smmu[0], true);
	assert_int_equal(try_attach(rig, 1), DMAH_ETIMEDOUT);
	assert_int_equal(rig->reports, 1);
	assert_int_equal(dmah_smmuv2_reset(&rig->smmu[0]), DMAH_OK);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	assert_false(writes(rig, 0, 0x9000));
	assert_false(writes(rig, 2, 0x9000));
	sim_smmuv2_stats(rig->regs[0], &stats);
	assert_int_equal(stats.wires, 2);
	rig->reports = 0;
	assert_int_equal(faults_of(rig, 0), 2);
	rig_close(rig);
}

/* Hints of CR0 and reserved bits of status registers have no meaning. */
static void other_bits(void **state)
{
	static const struct kind kind = { .model = { .other_bits = true, .polls = 2 } };
	struct rig *rig = rig_open(&kind, 1);
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	assert_true(writes(rig, 0, dmah_addr(&h)));
	assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	assert_int_equal(faults_of(rig, 0), 0);
	assert_int_equal(try_attach(rig, 1), DMAH_OK);
	assert_int_equal(rig->reports, 0);
	rig_close(rig);
}

/* ---- translation by register ---- */

static struct dmah_smmuv2_table table_of(struct rig *rig)
{
	struct dmah_smmuv2_table table = { .smmu = &rig->smmu[0] };

	assert_int_equal(dmah_domain_pt(rig->dom, &table.pt), DMAH_OK);
	return table;
}

/* Pairs of a map and an unmap: by handle no lookup, by address one of at least 3 accesses to registers. */
static void lookup_by_register(void **state)
{
	static const struct kind kind = { .model = { .polls = 2 } };
	struct rig *rig = rig_open(&kind, 1);
	struct dmah_smmuv2_table table = table_of(rig);
	const struct dmah_lookup lookup = { dmah_smmuv2_lookup, &table };
	struct dmah_stats before, after;
	struct sim_smmuv2_stats stats;
	struct dmah h = { 0 };
	dmah_addr_t dma;
	uint64_t steps = 0;

	(void)state;
	assert_int_equal(dmah_addr_set_lookup(rig->dom, &lookup), DMAH_OK);
	assert_int_equal(try_attach(rig, 0), DMAH_OK);
	dmah_device_stats(device(rig, 0), &before);
	for (unsigned int i = 0; i < 100; i++) {
		h = (struct dmah){ 0 };
		assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory + 64, 64,
					  DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
	}
	dmah_device_stats(device(rig, 0), &after);
	assert_int_equal(after.reverse_lookups, before.reverse_lookups);
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(dmah_addr_map(device(rig, 0), rig->memory + 64, 64,
					       DMAH_FROM_DEVICE, 0, &dma),
				 DMAH_OK);
		assert_true(writes(rig, 0, dma));
		assert_int_equal(dmah_addr_unmap(device(rig, 0), dma, 64, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
	}
	before = after;
	dmah_device_stats(device(rig, 0), &after);
	assert_int_equal(after.reverse_lookups - before.reverse_lookups, 100);
	/* The write, three reads of ATSR, PAR. */
	assert_int_equal(after.lookup_steps - before.lookup_steps, 500);
	sim_smmuv2_stats(rig->regs[0], &stats);
	assert_int_equal(stats.lookups, 100);
	assert_int_equal(rig->smmu[0].lookups, 100);
	assert_int_equal(dmah_smmuv2_lookup(&table, rig->dom, 0x5000, &steps), ~0ull);
	assert_int_equal(dmah_addr_unmap(device(rig, 0), dma, 64, DMAH_FROM_DEVICE, 0),
			 DMAH_ESTALE);
	rig_close(rig);
}

/* The table in memory answers where the registers are busy, late or absent. */
static void lookup_by_walk(void **state)
{
	static const struct kind walked[] = { { .model = { .no_ats1 = true } },
					      { .stage2 = true },
					      { .model = { .polls = 1 } },
					      { .model = { .polls = 1 } } };

	(void)state;
	for (unsigned int k = 0; k < 4; k++) {
		struct rig *rig = rig_open(&walked[k], 1);
		struct dmah_smmuv2_table table = table_of(rig);
		struct dmah h = { 0 };
		uint64_t steps = 0;

		assert_int_equal(try_attach(rig, 0), DMAH_OK);
		assert_int_equal(dmah_map(device(rig, 0), &h, rig->memory + 8, 64, DMAH_FROM_DEVICE,
					  0),
				 DMAH_OK);
		if (k == 2)
			rig->smmu[0].bank[0].lookup_busy = 1;
		if (k == 3)
			sim_fail(sim_iommu(rig->sim, 0), SIM_FAIL_DEAD, 1, 0);
		assert_int_equal(dmah_smmuv2_lookup(&table, rig->dom, dmah_addr(&h), &steps),
				 rig->memory + 8);
		assert_true(steps >= 3 && rig->smmu[0].lookups_walked == 1);
		sim_repair(rig->sim, false);
		rig->smmu[0].bank[0].lookup_busy = 0;
		assert_int_equal(dmah_unmap(device(rig, 0), &h), DMAH_OK);
		rig_close(rig);
	}
}

/* ---- configurations ---- */

static void refused(void **state)
{
	static const struct {
		struct kind kind;
		int err;
	} of[] = {
		{ { .driver = { .model = (enum dmah_smmuv2_model)99 } }, DMAH_EINVAL },
		{ { .driver = { .walks = (enum dmah_walks)9 } }, DMAH_EINVAL },
		{ { .driver = { .id_base = 128 } }, DMAH_EINVAL },
		{ { .driver = { .nbypass = 1 } }, DMAH_EINVAL },
		{ { .driver = { .stage2 = true } }, DMAH_ENOTSUP },
		{ { .model = { .v1 = true, .no_aarch32 = true } }, DMAH_ENOTSUP },
		{ { .model = { .stage2_banks = 32 } }, DMAH_ENOTSUP },
		{ { .model = { .no_short = true }, .driver = { .short_descriptors = true } },
		  DMAH_ENOTSUP },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		struct rig *rig = rig_begin(&of[i].kind, 1);

		assert_int_equal(rig_init(rig, &of[i].kind, 0), of[i].err);
		rig_end(rig);
	}
}

/* A unit that is not there, and one that does not answer, at the beginning. */
static void absent(void **state)
{
	(void)state;
	for (unsigned int dead = 0; dead < 2; dead++) {
		struct rig *rig = rig_begin(&plain, 1);

		sim_fail(sim_iommu(rig->sim, 0), dead ? SIM_FAIL_DEAD : SIM_FAIL_ONES, 1, 0);
		assert_int_equal(rig_init(rig, &plain, 0), dead ? DMAH_ETIMEDOUT : DMAH_ENODEV);
		rig_end(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_unit),
		cmocka_unit_test(short_descriptors),
		cmocka_unit_test(short_pages),
		cmocka_unit_test(short_identity),
		cmocka_unit_test(narrow_output),
		cmocka_unit_test(prefetch_is_off),
		cmocka_unit_test(faults),
		cmocka_unit_test(interrupts),
		cmocka_unit_test(stalls),
		cmocka_unit_test(killed_stall),
		cmocka_unit_test(bypass_beyond),
		cmocka_unit_test(take_over),
		cmocka_unit_test(registers_run_out),
		cmocka_unit_test(two_units),
		cmocka_unit_test(wider_table),
		cmocka_unit_test(least_that_is_needed),
		cmocka_unit_test(slow_unit),
		cmocka_unit_test(failed_unit),
		cmocka_unit_test(reset_without_prefetch),
		cmocka_unit_test(interrupts_of_lost_unit),
		cmocka_unit_test(other_bits),
		cmocka_unit_test(lookup_by_register),
		cmocka_unit_test(lookup_by_walk),
		cmocka_unit_test(refused),
		cmocka_unit_test(absent),
	};

	return cmocka_run_group_tests_name("smmuv2", tests, NULL, NULL);
}
