/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The driver of the SMMUv3 with either stage: contents of entries, exact commands and their order, widths, units of
 * different kinds in one domain, streams that firmware left running, errata.
 */
#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>
#include <dmah/smmuv3.h>

#include "posix.h"
#include "../setup.h"
#include "sim.h"
#include "sim_reach.h"
#include "sim_smmuv3.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT 1000000u
#define SID	0x300u

#define F_TRANSLATION 0x10u
#define F_PERMISSION  0x13u

#define CFGI_STE  0x03u
#define NH_ASID	  0x11u
#define NH_VA	  0x12u
#define S12_VMALL 0x28u
#define S2_IPA	  0x2au
#define NSNH_ALL  0x30u
#define SYNC	  0x46u
#define COHERENT  DMAH_DEV_COHERENT
#define UNITS	  2u
#define CN99XX                \
	{                     \
		.page0 = true \
	}
#define IIDR_700   0x4870043bu
#define MOST_CALLS 64u

/** struct rig - a machine with one or two units, and a domain with one device behind each. */
struct rig {
	struct sim *sim;
	unsigned int units;
	struct sim_smmuv3 *regs[UNITS];
	struct dmah_smmuv3 smmu[UNITS];
	void *memory[UNITS];
	struct sim_device *dev[UNITS];
	struct dmah_domain *dom;
	void *dom_memory;
	unsigned int reports;
	unsigned int refusals;
};

static struct dmah_device *device(struct rig *r, unsigned int n)
{
	return sim_device_dmah(r->dev[n]);
}

/* Errors of setup calls begin with the call's name. */
static void count(void *ctx, const struct dmah_device *dev, int err, const char *text,
		  uint64_t addr, const void *caller)
{
	struct rig *r = ctx;

	(void)dev;
	(void)err;
	(void)addr;
	(void)caller;
	if (strncmp(text, "dmah_", 5))
		r->reports++;
	else
		r->refusals++;
}

static void open_machine(struct rig *r, const struct sim_config *machine)
{
	memset(r, 0, sizeof(*r));
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	posix_set_report(count, r);
	r->sim = sim_create(machine);
	assert_non_null(r->sim);
}

static int open_unit(struct rig *r, const struct sim_smmuv3_config *model,
		     const struct dmah_smmuv3_config *config)
{
	struct dmah_smmuv3_config c = *config;
	unsigned int n = r->units;
	size_t need;

	r->regs[n] = sim_smmuv3_create(r->sim, n, model);
	assert_non_null(r->regs[n]);
	c.timeout_ns = TIMEOUT;
	c.regs = c.regs ? c.regs : sim_smmuv3_regs(r->regs[n]);
	need = dmah_smmuv3_memory(&c);
	r->memory[n] = memory_of(need);
	r->units++;
	r->dev[n] = sim_device_add(
		r->sim, &(struct sim_device_config){ .id = SID + n, .iommu = n + 1, .ats = true });
	device(r, n)->iommu = &r->smmu[n].iommu;
	return dmah_smmuv3_init(&r->smmu[n], &c, r->memory[n], need);
}

static int open_domain(struct rig *r, struct dmah_domain_config c)
{
	size_t need;

	c.backend = DMAH_BACKEND_IOMMU;
	c.iommu = &r->smmu[0].iommu;
	c.format = c.format ? c.format : c.iommu->formats[0];
	need = dmah_domain_memory(&c);
	if (!need)
		return DMAH_ENOTSUP;
	r->dom_memory = memory_of(need);
	return dmah_domain_init(&r->dom, &c, r->dom_memory, need);
}

static int attach(struct rig *r, unsigned int n, uint32_t flags)
{
	struct dmah_limits limits = { .mask = ~0ull, .flags = COHERENT | flags };

	return dmah_attach(r->dom, device(r, n), &limits);
}

static void close_rig(struct rig *r)
{
	struct posix_alloc_stats stats;
	struct dmah_smmuv3_event event;
	bool lost;

	assert_int_equal(r->reports + r->refusals, 0);
	for (unsigned int i = 0; i < r->units; i++) {
		if (!r->smmu[i].iommu.ops)
			continue;
		assert_int_equal(dmah_smmuv3_events(&r->smmu[i], &event, 1, &lost), 0);
		if (device(r, i)->dom)
			assert_int_equal(dmah_detach(device(r, i)), DMAH_OK);
	}
	if (r->dom)
		assert_int_equal(dmah_domain_fini(r->dom), DMAH_OK);
	for (unsigned int i = 0; i < r->units; i++)
		if (r->smmu[i].iommu.ops)
			assert_int_equal(dmah_smmuv3_fini(&r->smmu[i]), DMAH_OK);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages + stats.mem, 0);
	sim_destroy(r->sim);
	posix_set_report(NULL, NULL);
	posix_clock_real();
	for (unsigned int i = 0; i < r->units; i++)
		free(r->memory[i]);
	free(r->dom_memory);
}

/* One unit, its domain and its device. */
static void open_one(struct rig *r, unsigned int stage, const struct sim_smmuv3_config *model)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
				      .iommu = { { .flavour = SIM_SMMU, .stage2 = stage == 2 } } };

	open_machine(r, &machine);
	assert_int_equal(open_unit(r, model, &(struct dmah_smmuv3_config){ 0 }), DMAH_OK);
	assert_int_equal(open_domain(r, (struct dmah_domain_config){ 0 }), DMAH_OK);
	assert_int_equal(attach(r, 0, DMAH_DEV_ATS), DMAH_OK);
}

static bool writes(struct rig *r, unsigned int n, dmah_addr_t dma)
{
	return sim_dma_write(r->dev[n], dma, "x", 1) == SIM_OK;
}

static bool reads(struct rig *r, unsigned int n, dmah_addr_t dma)
{
	char byte;

	return sim_dma_read(r->dev[n], dma, &byte, 1) == SIM_OK;
}

static const uint64_t *command(const struct dmah_smmuv3 *smmu, uint64_t pos)
{
	return smmu->cmdq.cpu + 2 * (pos & ((1u << smmu->cmdq_log2) - 1));
}

static const uint64_t *entry_of(const struct dmah_smmuv3 *smmu, uint32_t sid)
{
	return smmu->l2[sid >> 6] + (sid & 63) * 8;
}

/* ---- contents ---- */

/* Every bit of the four words, by the tables of the specification; and nothing behind them. */
static void entries(void **state)
{
	struct dmah_pt_info pt;
	const uint64_t *ste;
	struct rig r;

	(void)state;
	open_one(&r, 2, NULL);
	assert_ptr_equal(r.smmu[0].iommu.formats[0], &dmah_pt_lpae_s2);
	assert_int_equal(dmah_domain_pt(r.dom, &pt), DMAH_OK);
	ste = entry_of(&r.smmu[0], SID);
	assert_true(ste[0] == (1 | 6 << 1));
	/* EATS, and the incoming shareability. */
	assert_true(ste[1] == (1ull << 28 | 1ull << 44));
	assert_int_equal(ste[2] & 0xffff, 1); /* S2VMID */
	assert_int_equal(ste[2] >> 16 & 0xffff, 0);
	assert_int_equal(ste[2] >> 32 & 0x3f, 64 - pt.va_bits); /* S2T0SZ */
	assert_int_equal(ste[2] >> 38 & 3, pt.levels - 2); /* S2SL0: 1 is level 1 */
	assert_int_equal(ste[2] >> 40 & 0x3f, 0x35); /* write-back, inner-shareable */
	assert_int_equal(ste[2] >> 46 & 3, 0); /* S2TG: 4 KiB */
	assert_int_equal(ste[2] >> 48 & 7, 5); /* S2PS: 48 bits */
	assert_true(ste[2] >> 51 == (1 | 1 << 7)); /* S2AA64, S2R */
	assert_true(ste[3] == pt.root);
	for (unsigned int i = 4; i < 8; i++)
		assert_true(ste[i] == 0);
	close_rig(&r);
}

/* Forget the stream and all of the tag while it is blocked, forget the stream when it is bound. Each is waited for. */
static void bind_order(void **state)
{
	static const uint8_t order[2][5] = { { CFGI_STE, NH_ASID, SYNC, CFGI_STE, SYNC },
					     { CFGI_STE, S12_VMALL, SYNC, CFGI_STE, SYNC } };
	struct rig r;

	(void)state;
	for (unsigned int stage = 1; stage <= 2; stage++) {
		struct dmah_smmuv3 *smmu = &r.smmu[0];
		struct dmah_iommu *iommu = &smmu->iommu;
		struct dmah_pt_info pt;
		uint64_t pos;

		open_one(&r, stage, &(struct sim_smmuv3_config){ .no_ats = true });
		assert_int_equal(dmah_domain_pt(r.dom, &pt), DMAH_OK);
		assert_int_equal(iommu->ops->bind(iommu, device(&r, 0), DMAH_BIND_BLOCK, NULL, 0),
				 DMAH_OK);
		pos = smmu->prod;
		assert_int_equal(iommu->ops->bind(iommu, device(&r, 0), DMAH_BIND_TRANSLATE, &pt,
						  1),
				 DMAH_OK);
		assert_int_equal(smmu->prod - pos, 5);
		for (unsigned int i = 0; i < 5; i++) {
			const uint64_t *c = command(smmu, pos + i);

			assert_int_equal(c[0] & 0xff, order[stage - 1][i]);
			if ((c[0] & 0xff) == CFGI_STE)
				assert_true(c[0] >> 32 == SID);
			if ((c[0] & 0xff) == NH_ASID)
				assert_true(c[0] >> 8 == 1ull << 40); /* bits 63:48 */
			if ((c[0] & 0xff) == S12_VMALL)
				assert_true(c[0] >> 8 == 1ull << 24); /* bits 47:32 */
		}
		close_rig(&r);
	}
}

/* From bypassing to translating: the tag is forgotten and the stream's other words are known before the first word changes. */
static void bypass_order(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int stage = 1; stage <= 2; stage++) {
		struct dmah_smmuv3 *smmu = &r.smmu[0];
		struct dmah_iommu *iommu = &smmu->iommu;
		struct dmah_pt_info pt;
		uint64_t pos;

		open_one(&r, stage, &(struct sim_smmuv3_config){ .no_ats = true });
		assert_int_equal(dmah_domain_pt(r.dom, &pt), DMAH_OK);
		assert_int_equal(iommu->ops->bind(iommu, device(&r, 0), DMAH_BIND_PASSTHROUGH, NULL,
						  0),
				 DMAH_OK);
		pos = smmu->prod;
		assert_int_equal(iommu->ops->bind(iommu, device(&r, 0), DMAH_BIND_TRANSLATE, &pt,
						  1),
				 DMAH_OK);
		assert_int_equal(smmu->prod - pos, 5);
		assert_int_equal(command(smmu, pos)[0] & 0xff, CFGI_STE);
		assert_int_equal(command(smmu, pos + 1)[0] & 0xff,
				 stage == 2 ? S12_VMALL : NH_ASID);
		assert_int_equal(command(smmu, pos + 2)[0] & 0xff, SYNC);
		assert_int_equal(command(smmu, pos + 3)[0] & 0xff, CFGI_STE);
		assert_int_equal(command(smmu, pos + 4)[0] & 0xff, SYNC);
		close_rig(&r);
	}
}

/* ---- ranges ---- */

static uint64_t seed = 11;

static uint64_t rnd(uint64_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 20) % below;
}

/* The range of a command by address: section 4.4.1.1. No reserved combination may occur. */
static void decode(const uint64_t *c, unsigned int stage, bool tables, uint64_t *first,
		   uint64_t *size)
{
	unsigned int num = c[0] >> 12 & 31, scale = c[0] >> 20 & 31, tg = c[1] >> 10 & 3;

	assert_int_equal(c[0] & 0xff, stage == 2 ? S2_IPA : NH_VA);
	assert_true((stage == 2 ? c[0] >> 32 & 0xffff : c[0] >> 48) == 1);
	assert_true((stage == 2 ? c[0] >> 48 : c[0] >> 32 & 0xffff) == 0);
	assert_int_equal(c[0] >> 8 & 15, 0);
	assert_int_equal(c[0] >> 17 & 7, 0);
	assert_int_equal(c[0] >> 25 & 0x7f, 0);
	assert_int_equal(c[1] & 1, !tables); /* Leaf */
	assert_int_equal(c[1] >> 1 & 0x7f, 0);
	assert_int_equal(c[1] >> 8 & 3, 0); /* TTL: any level */
	assert_true(tg <= 1);
	if (!tg)
		assert_int_equal(num | scale, 0);
	else
		assert_int_not_equal(num | scale, 0);
	*first = c[1] & ~0xfffull;
	*size = (uint64_t)(num + 1) << (12 + scale);
}

/* The commands for random ranges cover their pages exactly, each page once, whatever the stage and whether there is RIL. */
static void exact_ranges(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int kind = 0; kind < 4; kind++) {
		unsigned int stage = 1 + (kind & 1);
		struct dmah_smmuv3 *smmu = &r.smmu[0];
		struct dmah_iommu *iommu = &smmu->iommu;

		open_one(&r, stage, &(struct sim_smmuv3_config){ .no_range = kind & 2 });
		for (unsigned int i = 0; i < 1000; i++) {
			uint64_t pos = smmu->prod, ticket, at, end, first, size;
			uint64_t iova = rnd(1ull << 36), len = 1 + rnd(1ull << (1 + rnd(35)));
			bool tables = rnd(2);
			int n = iommu->ops->invalidate(iommu, 1, iova, len, tables, &ticket);

			assert_true(n > 0);
			assert_int_equal(smmu->prod - pos, n + 1);
			at = iova & ~0xfffull;
			end = (iova + len + 0xfff) & ~0xfffull;
			if (kind & 2 && end - at > 16 * 4096) {
				assert_int_equal(n, 1);
				assert_int_equal(command(smmu, pos)[0] & 0xff,
						 stage == 2 ? S12_VMALL : NH_ASID);
			} else {
				for (int k = 0; k < n; k++) {
					decode(command(smmu, pos + (unsigned int)k), stage, tables,
					       &first, &size);
					assert_true(first == at);
					at += size;
				}
				assert_true(at == end);
			}
			assert_int_equal(command(smmu, pos + (unsigned int)n)[0], SYNC);
			assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_OK);
		}
		close_rig(&r);
	}
}

/* Neighbours of a range keep their stale entries: the model really holds what is not named. The control of exact_ranges(). */
static void neighbours_stay(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int stage = 1; stage <= 2; stage++) {
		dmah_phys_t phys;
		struct dmah h = { 0 };
		struct sim_iommu_stats before, after;
		struct dmah_iommu *iommu;
		uint64_t ticket;

		open_one(&r, stage, &(struct sim_smmuv3_config){ .no_ats = true });
		iommu = &r.smmu[0].iommu;
		phys = sim_ram_take(r.sim, 64 * 4096, 4096);
		assert_int_equal(dmah_map(device(&r, 0), &h, phys, 64 * 4096, DMAH_BIDIRECTIONAL,
					  0),
				 DMAH_OK);
		for (unsigned int i = 0; i < 64; i++)
			assert_true(writes(&r, 0, dmah_addr(&h) + 4096 * i));
		sim_iommu_stats(sim_iommu(r.sim, 0), &before);
		assert_int_equal(before.iotlb_entries, 64);
		/* Another tag's range, then 37 pages of this one. */
		assert_true(iommu->ops->invalidate(iommu, 2, dmah_addr(&h), 64 * 4096, true,
						   &ticket) > 0);
		assert_true(iommu->ops->invalidate(iommu, 1, dmah_addr(&h) + 5 * 4096, 37 * 4096,
						   false, &ticket) > 0);
		assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_OK);
		sim_iommu_stats(sim_iommu(r.sim, 0), &after);
		assert_int_equal(after.iotlb_entries, 64 - 37);
		assert_int_equal(dmah_unmap(device(&r, 0), &h), DMAH_OK);
		close_rig(&r);
	}
}

/* ---- permissions, faults ---- */

/* Keep the last fault and its text. */
struct seen_faults {
	struct dmah_fault fault;
	char text[DMAH_FAULT_TEXT];
	unsigned int n;
};

static void tell(void *ctx, const struct dmah_fault *fault)
{
	struct seen_faults *t = ctx;

	t->fault = *fault;
	t->n++;
	dmah_fault_text(fault, "the_test", t->text, sizeof(t->text));
}

static struct seen_faults faults_of(struct rig *r, unsigned int n)
{
	struct seen_faults t = { .n = 0 };

	/* Past the limit of reports in a second. */
	posix_clock_advance(2000000000);
	assert_int_equal(dmah_faults(&r->smmu[n].iommu, tell, &t, NULL), DMAH_OK);
	return t;
}

/* Stage 2 can allow writes alone. What it refuses is found with the mapping that the device overstepped. */
static void permissions(void **state)
{
	static const enum dmah_dir dirs[] = { DMAH_TO_DEVICE, DMAH_FROM_DEVICE,
					      DMAH_BIDIRECTIONAL };
	struct rig r;

	(void)state;
	open_one(&r, 2, &(struct sim_smmuv3_config){ .no_ats = true });
	for (unsigned int i = 0; i < 3; i++) {
		dmah_phys_t phys = sim_ram_take(r.sim, 4096, 4096);
		struct dmah h = { 0 };
		dmah_addr_t dma;
		struct seen_faults t;

		assert_int_equal(dmah_map(device(&r, 0), &h, phys, 4096, dirs[i], 0), DMAH_OK);
		dma = dmah_addr(&h);
		assert_int_equal(reads(&r, 0, dma), (dirs[i] & DMAH_TO_DEVICE) != 0);
		assert_int_equal(writes(&r, 0, dma), (dirs[i] & DMAH_FROM_DEVICE) != 0);
		t = faults_of(&r, 0);
		assert_int_equal(t.n, dirs[i] != DMAH_BIDIRECTIONAL);
		if (t.n) {
			assert_int_equal(t.fault.hw.code, F_PERMISSION);
			assert_int_equal(t.fault.hw.write, dirs[i] == DMAH_TO_DEVICE);
			assert_ptr_equal(t.fault.dev, device(&r, 0));
			assert_non_null(strstr(t.text, "the_test"));
		}
		assert_int_equal(dmah_unmap(device(&r, 0), &h), DMAH_OK);
		assert_false(writes(&r, 0, dma));
		t = faults_of(&r, 0);
		assert_int_equal(t.n, 1);
		assert_int_equal(t.fault.hw.code, F_TRANSLATION);
		assert_non_null(strstr(t.text, "the_test"));
	}
	close_rig(&r);
}

/* Two domains of one unit: each device reaches its own domain's page, whose IOVA the other domain has too. */
static void two_domains(void **state)
{
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU, .format = &dmah_pt_lpae_s2 };
	struct dmah_limits limits = { .mask = ~0ull, .flags = COHERENT };
	struct sim_device *other;
	struct dmah_domain *dom;
	struct dmah h[2] = { 0 };
	dmah_phys_t phys;
	char byte = 0;
	struct rig r;
	void *memory;

	(void)state;
	open_one(&r, 2, &(struct sim_smmuv3_config){ .no_ats = true });
	c.iommu = &r.smmu[0].iommu;
	memory = memory_of(dmah_domain_memory(&c));
	assert_int_equal(dmah_domain_init(&dom, &c, memory, dmah_domain_memory(&c)), DMAH_OK);
	other = sim_device_add(r.sim, &(struct sim_device_config){ .id = SID + 9 });
	sim_device_dmah(other)->iommu = c.iommu;
	assert_int_equal(dmah_attach(dom, sim_device_dmah(other), &limits), DMAH_OK);
	phys = sim_ram_take(r.sim, 2 * 4096, 4096);
	assert_int_equal(dmah_map(device(&r, 0), &h[0], phys, 4096, DMAH_BIDIRECTIONAL, 0),
			 DMAH_OK);
	assert_int_equal(dmah_map(sim_device_dmah(other), &h[1], phys + 4096, 4096,
				  DMAH_BIDIRECTIONAL, 0),
			 DMAH_OK);
	assert_true(dmah_addr(&h[0]) == dmah_addr(&h[1]));
	assert_int_equal(sim_dma_write(r.dev[0], dmah_addr(&h[0]), "a", 1), SIM_OK);
	assert_int_equal(sim_dma_write(other, dmah_addr(&h[1]), "b", 1), SIM_OK);
	sim_cpu_read(r.sim, phys, &byte, 1);
	assert_int_equal(byte, 'a');
	sim_cpu_read(r.sim, phys + 4096, &byte, 1);
	assert_int_equal(byte, 'b');
	/* One domain's unmap leaves the other's entry alone. */
	assert_int_equal(dmah_unmap(device(&r, 0), &h[0]), DMAH_OK);
	assert_int_equal(sim_reaches_memory(r.dev[0], phys, 2 * 4096), 0);
	assert_int_equal(sim_reaches_memory(other, phys + 4096, 4096), 3);
	assert_int_equal(dmah_unmap(sim_device_dmah(other), &h[1]), DMAH_OK);
	assert_int_equal(dmah_detach(sim_device_dmah(other)), DMAH_OK);
	assert_int_equal(dmah_domain_fini(dom), DMAH_OK);
	free(memory);
	close_rig(&r);
}

static void event_stage(void **state)
{
	struct dmah_smmuv3_event event;
	struct rig r;

	(void)state;
	for (unsigned int stage = 1; stage <= 2; stage++) {
		open_one(&r, stage, NULL);
		assert_false(writes(&r, 0, 0x5000));
		assert_int_equal(dmah_smmuv3_events(&r.smmu[0], &event, 1, NULL), 1);
		assert_int_equal(event.stage2, stage == 2);
		assert_true(event.iova == 0x5000 && event.write);
		close_rig(&r);
	}
}

/* ---- widths ---- */

/* Stage 2 takes no wider addresses than it gives: tables of 39 bits below 44, and addresses up to the width. */
static void widths(void **state)
{
	static const unsigned int out[] = { 32, 36, 40, 42, 44, 48 };
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		struct sim_config machine = {
			.backend = DMAH_BACKEND_IOMMU,
			.iommu = { { .flavour = SIM_SMMU, .stage2 = true, .out_bits = out[i] } }
		};
		unsigned int bits = out[i] < 44 && out[i] > 39 ? 39 : out[i];
		uint64_t size = 1ull << 24;
		struct dmah h = { 0 };
		dmah_phys_t phys;

		open_machine(&r, &machine);
		assert_int_equal(open_unit(&r, NULL, &(struct dmah_smmuv3_config){ 0 }), DMAH_OK);
		assert_int_equal(r.smmu[0].iommu.va_bits, out[i] < 44 ? 39 : 48);
		if (bits < 39 || (bits > 39 && bits < 48)) {
			assert_int_equal(open_domain(&r,
						     (struct dmah_domain_config){
							     .aperture_base = 1ull << bits,
							     .aperture_size = size }),
					 DMAH_ENOTSUP);
			assert_int_equal(r.refusals, 1);
			r.refusals = 0;
		}
		assert_int_equal(
			open_domain(&r, (struct dmah_domain_config){ .aperture_base =
									     (1ull << bits) - size,
								     .aperture_size = size }),
			DMAH_OK);
		assert_int_equal(attach(&r, 0, 0), DMAH_OK);
		phys = sim_ram_take(r.sim, 4096, 4096);
		assert_int_equal(dmah_map(device(&r, 0), &h, phys, 4096, DMAH_BIDIRECTIONAL, 0),
				 DMAH_OK);
		assert_true(dmah_addr(&h) >> (bits - 1) == 1);
		assert_true(writes(&r, 0, dmah_addr(&h)));
		assert_int_equal(dmah_unmap(device(&r, 0), &h), DMAH_OK);
		close_rig(&r);
	}
}

/* ---- which stage, and several units ---- */

/* Stage 1 where there is one, unless the configuration says otherwise; what is missing is named. */
static void choice(void **state)
{
	static const struct {
		bool stage2_only;
		bool both;
		bool asked;
		int err;
		const struct dmah_pt_format *format;
	} cases[] = {
		{ false, false, false, DMAH_OK, &dmah_pt_lpae_s1 },
		{ true, false, false, DMAH_OK, &dmah_pt_lpae_s2 },
		{ false, true, false, DMAH_OK, &dmah_pt_lpae_s1 },
		{ false, true, true, DMAH_OK, &dmah_pt_lpae_s2 },
		{ true, false, true, DMAH_OK, &dmah_pt_lpae_s2 },
		{ false, false, true, DMAH_ENOTSUP, NULL },
	};
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
					      .iommu = { { .flavour = SIM_SMMU,
							   .stage2 = cases[i].stage2_only } } };
		struct dmah_smmuv3_config c = { .stage2 = cases[i].asked };

		open_machine(&r, &machine);
		assert_int_equal(open_unit(&r, &(struct sim_smmuv3_config){ .both = cases[i].both },
					   &c),
				 cases[i].err);
		assert_int_equal(r.refusals, cases[i].err != DMAH_OK);
		r.refusals = 0;
		if (!cases[i].err) {
			assert_int_equal(r.smmu[0].iommu.nformats, 1);
			assert_ptr_equal(r.smmu[0].iommu.formats[0], cases[i].format);
		}
		close_rig(&r);
	}
}

/* A unit with both stages and one with stage 2 alone: a domain has devices behind both by stage 2, and not otherwise. */
static void unlike_units(void **state)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
				      .iommu = { { .flavour = SIM_SMMU },
						 { .flavour = SIM_SMMU, .stage2 = true } } };
	const struct sim_smmuv3_config both = { .both = true };
	struct rig r;

	(void)state;
	for (unsigned int want = 1; want <= 2; want++) {
		struct dmah_smmuv3_config c = { .stage2 = want == 2 };
		dmah_phys_t phys;

		open_machine(&r, &machine);
		assert_int_equal(open_unit(&r, &both, &c), DMAH_OK);
		assert_int_equal(open_unit(&r, NULL, &(struct dmah_smmuv3_config){ 0 }), DMAH_OK);
		assert_int_equal(open_domain(&r, (struct dmah_domain_config){ .devices = 4 }),
				 DMAH_OK);
		if (want == 1) {
			assert_int_equal(dmah_domain_add_iommu(r.dom, &r.smmu[1].iommu),
					 DMAH_ENOTSUP);
			assert_int_equal(r.refusals, 1);
			r.refusals = 0;
			close_rig(&r);
			continue;
		}
		assert_int_equal(dmah_domain_add_iommu(r.dom, &r.smmu[1].iommu), DMAH_OK);
		for (unsigned int i = 0; i < 2; i++)
			assert_int_equal(attach(&r, i, DMAH_DEV_ATS), DMAH_OK);
		phys = sim_ram_take(r.sim, 1u << 20, 4096);
		for (unsigned int round = 0; round < 40; round++) {
			uint32_t len = 4096u * (1 + round * 7 % 50);
			struct dmah h = { 0 };
			dmah_addr_t last;

			assert_int_equal(dmah_map(device(&r, round & 1), &h, phys, len,
						  DMAH_FROM_DEVICE, 0),
					 DMAH_OK);
			last = dmah_addr(&h) + len - 1;
			for (unsigned int i = 0; i < 2; i++)
				assert_true(writes(&r, i, dmah_addr(&h)) && writes(&r, i, last));
			assert_int_equal(dmah_unmap(device(&r, round & 1), &h), DMAH_OK);
			for (unsigned int i = 0; i < 2; i++) {
				assert_int_equal(sim_reaches_memory(r.dev[i], phys, 1u << 20), 0);
				assert_false(writes(&r, i, last));
				assert_int_equal(faults_of(&r, i).n, 1);
			}
		}
		close_rig(&r);
	}
}

/* ---- streams that firmware left running ---- */

/** struct eye - registers in between, which look at a device at every access. */
struct eye {
	struct rig *r;
	volatile void *regs;
	dmah_phys_t page;
	unsigned int accesses;
	unsigned int refused;
	unsigned int stray;
	struct sim_device *other;
	bool on;
};

static void look(struct eye *e)
{
	if (!e->on)
		return;
	e->accesses++;
	e->refused += !writes(e->r, 0, e->page);
	e->stray += e->other && sim_dma_write(e->other, e->page, "y", 1) == SIM_OK;
}

static uint64_t eye_read(void *ctx, uint64_t reg, unsigned int size)
{
	struct eye *e = ctx;
	volatile uint8_t *at = (volatile uint8_t *)e->regs + reg;

	look(e);
	return size == 8 ? dmah_host_read64(at) : dmah_host_read32(at);
}

static void eye_write(void *ctx, uint64_t reg, unsigned int size, uint64_t value)
{
	struct eye *e = ctx;
	volatile uint8_t *at = (volatile uint8_t *)e->regs + reg;

	if (size == 8)
		dmah_host_write64(at, value);
	else
		dmah_host_write32(at, (uint32_t)value);
	look(e);
}

/*
 * A device that firmware left running writes to its page at every access to a register: while the unit is taken over, until
 * it is attached with its identity range, and during that. Another stream is blocked from dmah_smmuv3_init() on.
 */
static void left_running(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int stage = 1; stage <= 2; stage++) {
		const struct dmah_smmuv3_bypass streams[] = { { SID, 1 }, { SID + 0x100, 3 } };
		struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
					      .iommu = { { .flavour = SIM_SMMU,
							   .stage2 = stage == 2 } } };
		struct dmah_smmuv3_config c = { .bypass = streams, .nbypass = 2 };
		struct dmah_reserved identity = { .size = 4096, .identity = true };
		struct dmah_limits limits = {
			.mask = ~0ull, .flags = COHERENT, .reserved = &identity, .nreserved = 1
		};
		struct eye e = { .r = &r };

		open_machine(&r, &machine);
		e.page = identity.base = sim_ram_take(r.sim, 4096, 4096);
		c.regs = sim_regs_add(r.sim, 0x20000, &e, eye_read, eye_write);
		r.regs[0] = sim_smmuv3_create(r.sim, 0, NULL);
		e.regs = sim_smmuv3_regs(r.regs[0]);
		r.dev[0] = sim_device_add(r.sim, &(struct sim_device_config){ .id = SID });
		c.timeout_ns = TIMEOUT;
		r.memory[0] = memory_of(dmah_smmuv3_memory(&c));
		e.on = true;
		assert_int_equal(dmah_smmuv3_init(&r.smmu[0], &c, r.memory[0],
						  dmah_smmuv3_memory(&c)),
				 DMAH_OK);
		r.units = 1;
		device(&r, 0)->iommu = &r.smmu[0].iommu;
		e.other = sim_device_add(r.sim, &(struct sim_device_config){ .id = SID + 1 });
		assert_true(writes(&r, 0, e.page));
		/* Nobody translates for it yet, so that it reaches all memory; and others nothing. */
		assert_int_equal(sim_reaches_memory(e.other, e.page, 4096), 0);
		assert_int_equal(entry_of(&r.smmu[0], SID + 0x102)[0] & 0xf, 1 | 4 << 1);
		assert_int_equal(open_domain(&r, (struct dmah_domain_config){ 0 }), DMAH_OK);
		assert_int_equal(dmah_attach(r.dom, device(&r, 0), &limits), DMAH_OK);
		e.on = false;
		assert_true(e.accesses > 30);
		assert_int_equal(e.refused, 0);
		assert_int_equal(e.stray, 0);
		/* Only its identity range is left. */
		assert_true(writes(&r, 0, e.page));
		assert_int_equal(sim_reaches_memory(r.dev[0], e.page, 4096), 3);
		assert_int_equal(sim_reaches_memory(r.dev[0], e.page - 4096, 4096), 0);
		assert_false(writes(&r, 0, e.page + 4096));
		assert_true(faults_of(&r, 0).n >= 1);
		close_rig(&r);
	}
}

/* A failure on the way from bypassing to translating leaves the stream blocked. */
static void no_way_back(void **state)
{
	const struct dmah_smmuv3_bypass stream = { SID, 1 };
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
				      .iommu = { { .flavour = SIM_SMMU } } };
	dmah_phys_t page;
	struct rig r;

	(void)state;
	open_machine(&r, &machine);
	page = sim_ram_take(r.sim, 4096, 4096);
	assert_int_equal(open_unit(&r, NULL,
				   &(struct dmah_smmuv3_config){ .bypass = &stream, .nbypass = 1 }),
			 DMAH_OK);
	assert_int_equal(open_domain(&r, (struct dmah_domain_config){ 0 }), DMAH_OK);
	assert_true(writes(&r, 0, page));
	sim_smmuv3_hold(r.regs[0], true);
	assert_int_equal(attach(&r, 0, 0), DMAH_ETIMEDOUT);
	sim_smmuv3_hold(r.regs[0], false);
	/* Back in service, it forgets what it had of the stream. */
	dmah_smmuv3_errors(&r.smmu[0]);
	assert_int_equal(sim_reaches_memory(r.dev[0], page, 4096), 0);
	r.reports = r.refusals = 0;
	assert_int_equal(attach(&r, 0, 0), DMAH_OK);
	assert_int_equal(sim_reaches_memory(r.dev[0], page, 4096), 0);
	close_rig(&r);
}

/* Configurations that make no sense, and streams beyond the table. */
static void refusals(void **state)
{
	const struct dmah_smmuv3_bypass far = { (1u << 16) - 1, 3 };
	struct dmah_smmuv3_config bad = { .nbypass = 1 };
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
				      .iommu = { { .flavour = SIM_SMMU } } };
	struct rig r;

	(void)state;
	open_machine(&r, &machine);
	assert_int_equal(dmah_smmuv3_memory(&bad), 0);
	assert_int_equal(r.refusals, 1);
	r.refusals = 0;
	assert_int_equal(open_unit(&r, NULL,
				   &(struct dmah_smmuv3_config){ .bypass = &far, .nbypass = 1 }),
			 DMAH_OK);
	assert_int_equal(entry_of(&r.smmu[0], far.sid)[0] & 0xf, 1 | 4 << 1);
	close_rig(&r);
}

/* ---- errata ---- */

/* Cavium 74: no page 1 of registers. The model refuses every access there. */
static void no_page1(void **state)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
				      .iommu = { { .flavour = SIM_SMMU } } };
	struct rig r;

	(void)state;
	open_machine(&r, &machine);
	assert_int_equal(open_unit(&r, &(struct sim_smmuv3_config)CN99XX,
				   &(struct dmah_smmuv3_config){ .model = DMAH_SMMUV3_CN99XX }),
			 DMAH_OK);
	assert_int_equal(open_domain(&r, (struct dmah_domain_config){ 0 }), DMAH_OK);
	assert_int_equal(attach(&r, 0, 0), DMAH_OK);
	for (unsigned int i = 0; i < 300; i++) {
		assert_false(writes(&r, 0, 0x5000));
		assert_int_equal(faults_of(&r, 0).n, 1);
	}
	close_rig(&r);
}

/* MMU-700 2812531: post as many commands as are allowed without a CMD_SYNC, and more. Without the identity it is a control. */
static int many_commands(uint32_t iidr)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
				      .iommu = { { .flavour = SIM_SMMU } } };
	struct dmah_iommu *iommu;
	uint64_t ticket;
	struct rig r;
	int err = 0;

	open_machine(&r, &machine);
	assert_int_equal(open_unit(&r, &(struct sim_smmuv3_config){ .iidr = iidr, .unsynced = 63 },
				   &(struct dmah_smmuv3_config){ 0 }),
			 DMAH_OK);
	iommu = &r.smmu[0].iommu;
	for (unsigned int i = 0; i < 150 && err >= 0; i++)
		err = iommu->ops->invalidate(iommu, 1, 0x7000 * i, 0x7000, i & 1, NULL);
	if (err >= 0)
		err = iommu->ops->fence(iommu, &ticket);
	if (err >= 0)
		err = iommu->ops->wait(iommu, ticket);
	/* A queue that has stopped is reported once. */
	assert_int_equal(r.reports, err ? 1 : 0);
	r.reports = 0;
	sim_destroy(r.sim);
	posix_set_report(NULL, NULL);
	free(r.memory[0]);
	return err;
}

static void sync_after_63(void **state)
{
	(void)state;
	assert_int_equal(many_commands(IIDR_700), DMAH_OK);
	assert_int_equal(many_commands(IIDR_700 | 0x1f000), DMAH_OK); /* any revision */
	assert_int_equal(many_commands(0x4870043a), DMAH_ETIMEDOUT); /* of another maker */
	assert_int_equal(many_commands(0), DMAH_ETIMEDOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries),	cmocka_unit_test(bind_order),
		cmocka_unit_test(bypass_order), cmocka_unit_test(two_domains),
		cmocka_unit_test(exact_ranges), cmocka_unit_test(neighbours_stay),
		cmocka_unit_test(permissions),	cmocka_unit_test(event_stage),
		cmocka_unit_test(widths),	cmocka_unit_test(choice),
		cmocka_unit_test(unlike_units), cmocka_unit_test(left_running),
		cmocka_unit_test(no_way_back),	cmocka_unit_test(refusals),
		cmocka_unit_test(no_page1),	cmocka_unit_test(sync_after_63),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
