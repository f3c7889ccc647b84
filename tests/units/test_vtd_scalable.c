/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The VT-d driver in scalable mode: the choice of a mode, contents of tables, exact commands and their order, permissions and
 * faults, the change of a device's table, both stages.
 */
#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>
#include <dmah/vtd.h>

#include "posix.h"
#include "../setup.h"
#include "sim.h"
#include "sim_inject.h"
#include "sim_reach.h"
#include "sim_vtd.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT 1000000u
#define ID	0x3fbu /* in the upper half of a bus */

#define CONTEXT 1u
#define IOTLB	2u
#define DEVTLB	3u
#define WAIT	5u
#define PIOTLB	6u
#define PASID	7u

#define FIRST  1u
#define SECOND 2u

struct rig {
	struct sim *sim;
	struct sim_vtd *model;
	struct dmah_vtd vtd;
	void *memory;
	struct sim_device *dev;
	struct dmah_domain *dom;
	void *dom_memory;
	unsigned int reports;
	unsigned int refusals;
};

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

static int open_unit(struct rig *r, struct sim_iommu_config iommu, struct sim_vtd_config model,
		     enum dmah_vtd_mode mode)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU };
	struct dmah_vtd_config c = { .phys_bits = 46, .timeout_ns = TIMEOUT, .mode = mode };
	size_t need;

	memset(r, 0, sizeof(*r));
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	posix_set_report(count, r);
	iommu.flavour = SIM_VTD;
	machine.iommu[0] = iommu;
	machine.cache = iommu.noncoherent_walk;
	r->sim = sim_create(&machine);
	assert_non_null(r->sim);
	model.records = 64;
	r->model = sim_vtd_create(r->sim, 0, &model);
	assert_non_null(r->model);
	r->dev = sim_device_add(r->sim, &(struct sim_device_config){ .id = ID, .ats = true });
	sim_device_dmah(r->dev)->iommu = &r->vtd.iommu;
	c.regs = sim_vtd_regs(r->model);
	need = dmah_vtd_memory(&c);
	r->memory = memory_of(need);
	return dmah_vtd_init(&r->vtd, &c, r->memory, need);
}

static int attach(struct rig *r)
{
	struct dmah_limits limits;

	sim_device_limits(r->dev, &limits);
	return dmah_attach(r->dom, sim_device_dmah(r->dev), &limits);
}

static int open_domain(struct rig *r, struct dmah_domain_config c)
{
	size_t need;

	c.backend = DMAH_BACKEND_IOMMU;
	c.iommu = &r->vtd.iommu;
	c.format = c.iommu->formats[0];
	need = dmah_domain_memory(&c);
	if (!need)
		return DMAH_ENOTSUP;
	r->dom_memory = memory_of(need);
	return dmah_domain_init(&r->dom, &c, r->dom_memory, need);
}

static void open_rig(struct rig *r, unsigned int stage, struct sim_vtd_config model)
{
	model.scalable = stage;
	assert_int_equal(open_unit(r, (struct sim_iommu_config){ 0 }, model,
				   stage == FIRST ? DMAH_VTD_FIRST_STAGE : DMAH_VTD_SECOND_STAGE),
			 DMAH_OK);
	assert_int_equal(dmah_vtd_enable(&r->vtd), DMAH_OK);
	assert_int_equal(open_domain(r, (struct dmah_domain_config){ 0 }), DMAH_OK);
	assert_int_equal(attach(r), DMAH_OK);
}

static void close_rig(struct rig *r)
{
	struct posix_alloc_stats stats;

	assert_int_equal(r->reports + r->refusals, 0);
	if (r->dom && sim_device_dmah(r->dev)->dom)
		assert_int_equal(dmah_detach(sim_device_dmah(r->dev)), DMAH_OK);
	if (r->dom)
		assert_int_equal(dmah_domain_fini(r->dom), DMAH_OK);
	if (r->vtd.queue)
		assert_int_equal(dmah_vtd_fini(&r->vtd), DMAH_OK);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages + stats.mem, 0);
	sim_destroy(r->sim);
	posix_set_report(NULL, NULL);
	posix_clock_real();
	free(r->memory);
	free(r->dom_memory);
}

static bool writes(struct rig *r, dmah_addr_t dma)
{
	return sim_dma_write(r->dev, dma, "x", 1) == SIM_OK;
}

static bool reads(struct rig *r, dmah_addr_t dma)
{
	char byte;

	return sim_dma_read(r->dev, dma, &byte, 1) == SIM_OK;
}

static const uint64_t *command(const struct rig *r, uint32_t pos)
{
	return r->vtd.queue + 4 * (pos & (r->vtd.entries - 1));
}

static uint64_t word(struct rig *r, uint64_t phys)
{
	uint64_t value;

	sim_cpu_read(r->sim, phys, &value, 8);
	return value;
}

/* ---- which mode ---- */

static void choice(void **state)
{
	static const struct {
		unsigned int has;
		enum dmah_vtd_mode mode;
		int err;
		bool scalable;
		bool first;
	} cases[] = {
		{ 0, DMAH_VTD_BY_CAPABILITY, DMAH_OK, false, false },
		{ 1, DMAH_VTD_BY_CAPABILITY, DMAH_OK, true, true },
		{ 2, DMAH_VTD_BY_CAPABILITY, DMAH_OK, false, false },
		{ 3, DMAH_VTD_BY_CAPABILITY, DMAH_OK, false, false },
		{ 3, DMAH_VTD_FIRST_STAGE, DMAH_OK, true, true },
		{ 3, DMAH_VTD_SECOND_STAGE, DMAH_OK, true, false },
		{ 3, DMAH_VTD_LEGACY, DMAH_OK, false, false },
		{ 1, DMAH_VTD_LEGACY, DMAH_OK, false, false },
		{ 1, DMAH_VTD_SECOND_STAGE, DMAH_ENOTSUP, false, false },
		{ 2, DMAH_VTD_FIRST_STAGE, DMAH_ENOTSUP, false, false },
		{ 0, DMAH_VTD_FIRST_STAGE, DMAH_ENOTSUP, false, false },
		{ 0, DMAH_VTD_SECOND_STAGE, DMAH_ENOTSUP, false, false },
	};
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = open_unit(&r, (struct sim_iommu_config){ 0 },
				    (struct sim_vtd_config){ .scalable = cases[i].has },
				    cases[i].mode);
		uint64_t root, iqa;

		assert_int_equal(err, cases[i].err);
		assert_int_equal(r.refusals, err != DMAH_OK);
		r.refusals = 0;
		if (!err) {
			assert_int_equal(dmah_vtd_enable(&r.vtd), DMAH_OK);
			root = dmah_host_read64(r.vtd.regs + 0x20);
			iqa = dmah_host_read64(r.vtd.regs + 0x90);
			assert_int_equal(root >> 10 & 3, cases[i].scalable);
			assert_int_equal(iqa >> 11 & 1, cases[i].scalable);
			assert_ptr_equal(r.vtd.iommu.formats[0],
					 cases[i].first ? &dmah_pt_vtd_fs : &dmah_pt_vtd_ss);
		}
		close_rig(&r);
	}
}

/*
 * Tables of 5 levels are chosen where the unit has them and the aperture is above 1 << 47, and tables of 4 elsewhere; both ends
 * of the addresses that 5 levels translate are reached. A unit that takes shorter addresses keeps to those.
 */
static void five_levels(void **state)
{
	static const struct {
		unsigned int widest, mgaw;
		dmah_addr_t base;
		unsigned int levels;
	} cases[] = {
		{ 57, 0, 0, 4 },	   { 57, 0, (1ull << 47) - (4u << 20), 4 },
		{ 57, 0, 1ull << 47, 5 },  { 57, 0, (1ull << 56) - (4u << 20), 5 },
		{ 57, 0, 1ull << 56, 0 },  { 57, 48, 1ull << 47, 5 },
		{ 57, 47, 1ull << 47, 0 }, { 48, 0, 1ull << 47, 0 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dmah_domain_config c = { .aperture_base = cases[i].base,
						.aperture_size = 4u << 20 };
		struct dmah_pt_info pt;
		struct dmah h[64];
		dmah_phys_t page;
		struct rig r;
		int err;

		assert_int_equal(open_unit(&r,
					   (struct sim_iommu_config){ .first_stage = true,
								      .va_bits = cases[i].widest },
					   (struct sim_vtd_config){ .mgaw = cases[i].mgaw },
					   DMAH_VTD_BY_CAPABILITY),
				 DMAH_OK);
		assert_int_equal(dmah_vtd_enable(&r.vtd), DMAH_OK);
		err = open_domain(&r, c);
		if (!cases[i].levels) {
			assert_int_not_equal(err, DMAH_OK);
			r.dom = NULL;
			r.refusals = 0;
			close_rig(&r);
			continue;
		}
		assert_int_equal(err, DMAH_OK);
		assert_int_equal(attach(&r), DMAH_OK);
		assert_int_equal(dmah_domain_pt(r.dom, &pt), DMAH_OK);
		assert_int_equal(pt.levels, cases[i].levels);
		page = sim_ram_take(r.sim, 65536, 4096);
		for (unsigned int n = 0; n < 64; n++) {
			h[n] = (struct dmah){ 0 };
			assert_int_equal(dmah_map(sim_device_dmah(r.dev), &h[n],
						  page + n % 16 * 4096, 4096,
						  n % 2 ? DMAH_FROM_DEVICE : DMAH_TO_DEVICE, 0),
					 DMAH_OK);
			assert_true(dmah_addr(&h[n]) - cases[i].base < c.aperture_size);
			assert_true(reads(&r, dmah_addr(&h[n])));
			assert_int_equal(writes(&r, dmah_addr(&h[n])), n % 2);
		}
		for (unsigned int n = 0; n < 64; n++)
			assert_int_equal(dmah_unmap(sim_device_dmah(r.dev), &h[n]), DMAH_OK);
		assert_false(sim_reaches_memory(r.dev, page, 65536));
		(void)dmah_vtd_faults(&r.vtd, NULL, NULL, NULL);
		close_rig(&r);
	}
}

/* The longest queue has 16,384 commands of 32 bytes; and a mode that does not exist is named. */
static void limits(void **state)
{
	struct dmah_vtd_config bad = { .mode = (enum dmah_vtd_mode)9 };
	struct rig r;

	(void)state;
	assert_int_equal(open_unit(&r, (struct sim_iommu_config){ .first_stage = true },
				   (struct sim_vtd_config){ 0 }, DMAH_VTD_BY_CAPABILITY),
			 DMAH_OK);
	assert_int_equal(r.vtd.iommu.va_bits, 47);
	assert_int_equal(r.vtd.iommu.iova_bits, 47);
	bad.regs = r.vtd.regs;
	assert_int_equal(dmah_vtd_memory(&bad), 0);
	assert_int_equal(r.refusals, 1);
	r.refusals = 0;
	assert_int_equal(dmah_vtd_enable(&r.vtd), DMAH_OK);
	/* Addresses from 1 << 47 on are not canonical. */
	assert_int_equal(open_domain(&r, (struct dmah_domain_config){ .aperture_base = 1ull << 47,
								      .aperture_size = 1u << 24 }),
			 DMAH_ENOTSUP);
	assert_int_equal(r.refusals, 1);
	r.refusals = 0;
	free(r.dom_memory);
	r.dom = NULL;
	assert_int_equal(
		open_domain(&r,
			    (struct dmah_domain_config){ .aperture_base = (1ull << 47) - (1u << 24),
							 .aperture_size = 1u << 24 }),
		DMAH_OK);
	assert_int_equal(attach(&r), DMAH_OK);
	{
		dmah_phys_t phys = sim_ram_take(r.sim, 4096, 4096);
		struct dmah h = { 0 };

		assert_int_equal(dmah_map(sim_device_dmah(r.dev), &h, phys, 4096, DMAH_FROM_DEVICE,
					  0),
				 DMAH_OK);
		assert_true(dmah_addr(&h) >> 46 == 1);
		assert_true(writes(&r, dmah_addr(&h)));
		assert_int_equal(dmah_unmap(sim_device_dmah(r.dev), &h), DMAH_OK);
	}
	close_rig(&r);
}

/* ---- contents ---- */

/* Every bit of root, context, directory and PASID entries, by the tables of the specification. */
static void tables(void **state)
{
	struct dmah_pt_info pt;
	struct rig r;

	(void)state;
	for (unsigned int stage = FIRST; stage <= SECOND; stage++) {
		uint64_t root, context, directory, table, e;

		open_rig(&r, stage, (struct sim_vtd_config){ 0 });
		assert_int_equal(dmah_domain_pt(r.dom, &pt), DMAH_OK);
		root = dmah_host_read64(r.vtd.regs + 0x20) & ~0xfffull;
		assert_true(word(&r, root + (ID >> 8) * 16) == 0);
		context = word(&r, root + (ID >> 8) * 16 + 8);
		assert_int_equal(context & 0xfff, 1);
		context = (context & ~0xfffull) + (ID & 0x7f) * 32;
		directory = word(&r, context);
		assert_int_equal(directory & 0xfff, 1 | 1 << 2); /* P, DTE */
		for (unsigned int i = 1; i < 4; i++)
			assert_true(word(&r, context + 8 * i) == 0);
		directory &= ~0xfffull;
		table = word(&r, directory);
		assert_int_equal(table & 0xfff, 1);
		for (unsigned int i = 1; i < 512; i++)
			assert_true(word(&r, directory + 8 * i) == 0);
		table &= ~0xfffull;
		e = word(&r, table);
		assert_int_equal(e >> 0 & 3, 1); /* P */
		assert_int_equal(e >> 2 & 7, pt.levels - 2); /* AW */
		assert_int_equal(e >> 6 & 7, stage); /* PGTT */
		assert_int_equal(e >> 9 & 7, 0);
		assert_true((e & ~0xfffull) == (stage == SECOND ? pt.root : 0));
		/* The domain id, and PWSNP. */
		assert_true(word(&r, table + 8) == (1 | 1ull << 23));
		assert_true(word(&r, table + 16) == (stage == FIRST ? pt.root : 0));
		for (unsigned int i = 3; i < 512; i++)
			assert_true(word(&r, table + 8 * i) == 0);
		close_rig(&r);
	}
}

/* ---- commands ---- */

static void see(struct rig *r, uint32_t pos, unsigned int type, uint64_t low, uint64_t high)
{
	const uint64_t *c = command(r, pos);

	assert_int_equal(c[0] & 0xf, type);
	assert_true(c[0] >> 4 == low);
	if (type != WAIT)
		assert_true(c[1] == high);
	assert_true((c[2] | c[3]) == 0);
}

/*
 * From the context entry down, a fence between each two: the context entry by requester id, the PASID entry by domain id, the
 * IOTLB of the old and the new domain, the device's TLB. A present entry is away before it changes.
 */
static void bind_order(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int stage = FIRST; stage <= SECOND; stage++) {
		struct dmah_iommu *iommu = &r.vtd.iommu;
		struct dmah_device *dev;
		const uint64_t fence = 6, mark = 2, sid = (uint64_t)ID << 28 | 3;
		const uint64_t all = stage == FIRST ? 2 : 2 | 3 << 2; /* drains */
		unsigned int iotlb = stage == FIRST ? PIOTLB : IOTLB;
		struct dmah_pt_info pt;
		uint32_t pos, tag = 2;

		open_rig(&r, stage, (struct sim_vtd_config){ .no_device_tlb = true });
		dev = sim_device_dmah(r.dev);
		assert_int_equal(iommu->ops->tag_alloc(iommu, &tag), DMAH_OK);
		assert_int_equal(tag, 2);
		assert_int_equal(dmah_domain_pt(r.dom, &pt), DMAH_OK);
		pos = r.vtd.tail;
		assert_int_equal(iommu->ops->bind(iommu, dev, DMAH_BIND_TRANSLATE, &pt, tag),
				 DMAH_OK);
		for (unsigned int i = 0; i < 2; i++) {
			uint64_t did = i ? 2 : 1;

			see(&r, pos++, CONTEXT, sid, 0);
			see(&r, pos++, WAIT, fence, 0);
			see(&r, pos++, PASID, (i ? 0ull : did << 12) | 1, 0);
			see(&r, pos++, WAIT, fence, 0);
			see(&r, pos++, iotlb, did << 12 | all, 0);
			if (!i && stage == FIRST)
				see(&r, pos++, IOTLB, did << 12 | 2, 0);
			assert_int_equal(command(&r, pos)[0] & 0xf, WAIT);
			assert_int_equal(command(&r, pos)[0] >> 4 & 7, mark);
			pos++;
		}
		assert_int_equal(pos, r.vtd.tail);
		/* Detaching invalidates by the domain id of the library. */
		assert_int_equal(iommu->ops->bind(iommu, dev, DMAH_BIND_TRANSLATE, &pt, 1),
				 DMAH_OK);
		iommu->ops->tag_free(iommu, tag);
		close_rig(&r);
	}
}

static uint64_t seed = 3;

static uint64_t rnd(uint64_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 20) % below;
}

/* The smallest aligned power of two of pages over a range, or all of the domain; leaf entries alone where no table changed. */
static void ranges(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int stage = FIRST; stage <= SECOND; stage++) {
		struct dmah_iommu *iommu = &r.vtd.iommu;

		open_rig(&r, stage, (struct sim_vtd_config){ .mask = 9 });
		for (unsigned int i = 0; i < 1000; i++) {
			uint64_t iova = rnd(1ull << 36), len = 1 + rnd(1ull << (1 + rnd(23))),
				 ticket;
			uint64_t first = iova >> 12, last = (iova + len - 1) >> 12;
			unsigned int order = 0;
			uint32_t pos = r.vtd.tail;
			bool leaf = rnd(2);
			const uint64_t *c;

			while (first >> order != last >> order)
				order++;
			assert_int_equal(
				iommu->ops->invalidate(iommu, 1, iova, len, !leaf, &ticket), 1);
			assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_OK);
			c = command(&r, pos);
			assert_int_equal(c[0] & 0xf, stage == FIRST ? PIOTLB : IOTLB);
			assert_int_equal(c[0] >> 4 & 3, order > 9 ? 2 : 3);
			assert_int_equal(c[0] >> 6 & 3, stage == FIRST ? 0 : 3);
			assert_true(c[0] >> 16 == 1); /* the domain id; PASID 0 */
			assert_true(c[1] == (order > 9 ? 0
						       : first >> order << order << 12 | order |
								 (leaf ? 1u << 6 : 0)));
		}
		close_rig(&r);
	}
}

/* ---- permissions, faults, stale translations ---- */

struct seen {
	struct dmah_fault fault;
	char text[DMAH_FAULT_TEXT];
	unsigned int n;
};

static void keep(void *ctx, const struct dmah_fault *fault)
{
	struct seen *s = ctx;

	s->fault = *fault;
	s->n++;
	dmah_fault_text(fault, "the_test", s->text, sizeof(s->text));
}

static struct seen faults_of(struct rig *r)
{
	struct seen s = { .n = 0 };

	/* Past the limit of reports in a second. */
	posix_clock_advance(2000000000);
	assert_int_equal(dmah_faults(&r->vtd.iommu, keep, &s, NULL), DMAH_OK);
	return s;
}

/* The first stage cannot allow writes alone. Faults have scalable mode's reasons, and are found with their mapping. */
static void permissions(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, FIRST, (struct sim_vtd_config){ .no_device_tlb = true });
	for (enum dmah_dir dir = DMAH_TO_DEVICE; dir <= DMAH_BIDIRECTIONAL; dir++) {
		dmah_phys_t phys = sim_ram_take(r.sim, 4096, 4096);
		struct dmah h = { 0 };
		dmah_addr_t dma;
		struct seen s;

		assert_int_equal(dmah_map(sim_device_dmah(r.dev), &h, phys, 4096, dir, 0), DMAH_OK);
		dma = dmah_addr(&h);
		assert_true(reads(&r, dma));
		assert_int_equal(writes(&r, dma), (dir & DMAH_FROM_DEVICE) != 0);
		s = faults_of(&r);
		assert_int_equal(s.n, dir == DMAH_TO_DEVICE);
		if (s.n) {
			assert_int_equal(s.fault.hw.code, 0x85);
			assert_true(s.fault.hw.has_addr && s.fault.hw.write);
			assert_non_null(strstr(s.text, "the_test"));
		}
		assert_int_equal(dmah_unmap(sim_device_dmah(r.dev), &h), DMAH_OK);
		assert_false(writes(&r, dma));
		s = faults_of(&r);
		assert_int_equal(s.n, 1);
		assert_int_equal(s.fault.hw.code, 0x71);
		assert_ptr_equal(s.fault.dev, sim_device_dmah(r.dev));
		assert_non_null(strstr(s.text, "the_test"));
	}
	assert_false(writes(&r, 1ull << 47));
	assert_int_equal(faults_of(&r).fault.hw.code, 0x80);
	assert_int_equal(dmah_detach(sim_device_dmah(r.dev)), DMAH_OK);
	assert_false(writes(&r, 0x5000));
	assert_int_equal(faults_of(&r).fault.hw.code, 0x41);
	close_rig(&r);
}

/* Every reason of scalable mode that the model has is known to the driver in words. */
static void reasons(void **state)
{
	static const uint8_t known[] = {
		0x38, 0x39, 0x3a, 0x40, 0x41, 0x42, 0x50, 0x51, 0x52, 0x58,
		0x59, 0x5a, 0x5b, 0x70, 0x71, 0x72, 0x80, 0x81, 0x85, 0x86
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(known); i++)
		assert_string_not_equal(dmah_vtd_reason(known[i]), "unknown");
	assert_string_equal(dmah_vtd_reason(0x3f), "unknown");
	assert_string_equal(dmah_vtd_reason(0xff), "unknown");
}

/* The unit really holds the old translation until the right command: another domain id, or page, leaves it. The control. */
static void stale(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int stage = FIRST; stage <= SECOND; stage++) {
		struct dmah_iommu *iommu = &r.vtd.iommu;
		dmah_phys_t phys;
		struct dmah h = { 0 };
		struct dmah_pt_info pt;
		uint64_t ticket;
		dmah_addr_t dma;

		open_rig(&r, stage, (struct sim_vtd_config){ .no_device_tlb = true });
		phys = sim_ram_take(r.sim, 4096, 4096);
		assert_int_equal(dmah_map(sim_device_dmah(r.dev), &h, phys, 4096, DMAH_FROM_DEVICE,
					  0),
				 DMAH_OK);
		dma = dmah_addr(&h);
		assert_true(writes(&r, dma));
		/* Clear the leaf behind the library's back. */
		assert_int_equal(dmah_domain_pt(r.dom, &pt), DMAH_OK);
		{
			uint64_t at = pt.root, zero = 0;

			for (unsigned int level = pt.levels - 1; level; level--)
				at = word(&r, at + (dma >> (12 + 9 * level) & 511) * 8) &
				     0x000ffffffffff000ull;
			at += (dma >> 12 & 511) * 8;
			ticket = word(&r, at);
			sim_cpu_write(r.sim, at, &zero, 8);
			assert_true(writes(&r, dma));
			assert_true(iommu->ops->invalidate(iommu, 2, dma, 4096, true, &ticket) > 0);
			assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_OK);
			assert_true(writes(&r, dma));
			assert_true(iommu->ops->invalidate(iommu, 1, dma + 4096, 4096, true,
							   &ticket) > 0);
			assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_OK);
			assert_true(writes(&r, dma));
			assert_true(iommu->ops->invalidate(iommu, 1, dma, 4096, true, &ticket) > 0);
			assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_OK);
			assert_false(writes(&r, dma));
			assert_int_equal(faults_of(&r).n, 1);
		}
		/* The handle's entry is gone, which unmap notices. */
		assert_int_equal(dmah_unmap(sim_device_dmah(r.dev), &h), DMAH_ESTALE);
		r.reports = 0;
		sim_destroy(r.sim);
		free(r.memory);
		free(r.dom_memory);
		posix_set_report(NULL, NULL);
		posix_clock_real();
	}
}

/* ---- changes ---- */

/* Passthrough and back, detach and attach: each change is complete when its call returns. */
static void modes(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int stage = FIRST; stage <= SECOND; stage++) {
		dmah_phys_t page;

		open_rig(&r, stage, (struct sim_vtd_config){ 0 });
		page = sim_ram_take(r.sim, 4096, 4096);
		for (unsigned int round = 0; round < 3; round++) {
			struct dmah h = { 0 };

			assert_int_equal(sim_reaches_memory(r.dev, page, 4096), 0);
			assert_int_equal(dmah_set_mode(r.dom, DMAH_PASSTHROUGH), DMAH_OK);
			assert_true(writes(&r, page));
			assert_int_equal(sim_reaches_memory(r.dev, page, 4096), 3);
			assert_int_equal(dmah_set_mode(r.dom, DMAH_STRICT), DMAH_OK);
			assert_int_equal(sim_reaches_memory(r.dev, page, 4096), 0);
			assert_int_equal(dmah_map(sim_device_dmah(r.dev), &h, page, 4096,
						  DMAH_BIDIRECTIONAL, 0),
					 DMAH_OK);
			assert_true(writes(&r, dmah_addr(&h)));
			assert_int_equal(dmah_unmap(sim_device_dmah(r.dev), &h), DMAH_OK);
			assert_int_equal(dmah_detach(sim_device_dmah(r.dev)), DMAH_OK);
			assert_int_equal(sim_reaches_memory(r.dev, page, 4096), 0);
			assert_int_equal(attach(&r), DMAH_OK);
		}
		close_rig(&r);
	}
}

/* Tables that walks do not see through the caches; no memory for any of the tables of a device; a unit brought back. */
static void noncoherent(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int stage = FIRST; stage <= SECOND; stage++) {
		struct dmah h = { 0 };
		dmah_phys_t phys;

		assert_int_equal(
			open_unit(&r, (struct sim_iommu_config){ .noncoherent_walk = true },
				  (struct sim_vtd_config){ .scalable = stage },
				  stage == FIRST ? DMAH_VTD_FIRST_STAGE : DMAH_VTD_SECOND_STAGE),
			DMAH_OK);
		assert_int_equal(dmah_vtd_enable(&r.vtd), DMAH_OK);
		assert_false(r.vtd.iommu.caps & DMAH_IOMMU_COHERENT_WALK);
		assert_int_equal(open_domain(&r, (struct dmah_domain_config){ 0 }), DMAH_OK);
		assert_int_equal(attach(&r), DMAH_OK);
		phys = sim_ram_take(r.sim, 4096, 4096);
		for (unsigned int i = 0; i < 20; i++) {
			assert_int_equal(dmah_map(sim_device_dmah(r.dev), &h, phys, 4096,
						  DMAH_FROM_DEVICE, 0),
					 DMAH_OK);
			assert_true(writes(&r, dmah_addr(&h)));
			assert_int_equal(dmah_unmap(sim_device_dmah(r.dev), &h), DMAH_OK);
			assert_int_equal(sim_reaches_memory(r.dev, phys, 4096), 0);
		}
		close_rig(&r);
	}
}

static void no_memory(void **state)
{
	/* The context table; the directory behind a new one; the table behind a new directory; none. */
	static const uint8_t nth[] = { 1, 2, 2, 3 };
	struct rig r;

	(void)state;
	open_rig(&r, FIRST, (struct sim_vtd_config){ 0 });
	assert_int_equal(dmah_detach(sim_device_dmah(r.dev)), DMAH_OK);
	/* A device on another bus: a context table, a directory and a table, one of which there is no memory for. */
	r.dev = sim_device_add(r.sim, &(struct sim_device_config){ .id = 0x1008 });
	sim_device_dmah(r.dev)->iommu = &r.vtd.iommu;
	for (unsigned int i = 0; i < 4; i++) {
		sim_inject(r.sim, &(struct sim_injection){ .point = SIM_POINT_PAGE_ALLOC,
							   .failure = SIM_FAIL_CALL,
							   .nth = nth[i] });
		assert_int_equal(attach(&r), i < 3 ? DMAH_ENOMEM : DMAH_OK);
		sim_inject_stop(r.sim);
		assert_false(writes(&r, 0x5000));
		(void)faults_of(&r);
	}
	r.refusals = 0;
	close_rig(&r);
}

static void power_cycle(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int stage = FIRST; stage <= SECOND; stage++) {
		struct dmah h = { 0 };
		dmah_phys_t phys;

		open_rig(&r, stage, (struct sim_vtd_config){ 0 });
		phys = sim_ram_take(r.sim, 4096, 4096);
		assert_int_equal(dmah_map(sim_device_dmah(r.dev), &h, phys, 4096, DMAH_FROM_DEVICE,
					  0),
				 DMAH_OK);
		assert_true(writes(&r, dmah_addr(&h)));
		sim_fail(sim_iommu(r.sim, 0), SIM_FAIL_ONES, 1, 0);
		assert_int_equal(dmah_unmap(sim_device_dmah(r.dev), &h), DMAH_ETIMEDOUT);
		assert_int_equal(r.reports, 1);
		sim_repair(r.sim, true);
		assert_int_equal(dmah_vtd_reset(&r.vtd), DMAH_OK);
		assert_int_equal(dmah_flush(r.dom), DMAH_OK);
		assert_int_equal(sim_reaches_memory(r.dev, phys, 4096), 0);
		r.reports = 0;
		h = (struct dmah){ 0 };
		assert_int_equal(dmah_map(sim_device_dmah(r.dev), &h, phys, 4096, DMAH_FROM_DEVICE,
					  0),
				 DMAH_OK);
		assert_true(writes(&r, dmah_addr(&h)));
		assert_int_equal(dmah_unmap(sim_device_dmah(r.dev), &h), DMAH_OK);
		close_rig(&r);
	}
}

/* Blocked while the unit takes no command: what it has cached of the device goes when the unit is back in service. */
static void late_block(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int stage = FIRST; stage <= SECOND; stage++) {
		struct dmah h[2] = { 0 };
		dmah_phys_t phys;

		open_rig(&r, stage, (struct sim_vtd_config){ .no_device_tlb = true });
		phys = sim_ram_take(r.sim, 2 * 4096, 4096);
		for (unsigned int i = 0; i < 2; i++)
			assert_int_equal(dmah_map(sim_device_dmah(r.dev), &h[i], phys + 4096 * i,
						  4096, DMAH_FROM_DEVICE, 0),
					 DMAH_OK);
		assert_true(writes(&r, dmah_addr(&h[1])));
		sim_vtd_hold(r.model, true);
		assert_int_equal(dmah_unmap(sim_device_dmah(r.dev), &h[0]), DMAH_ETIMEDOUT);
		assert_int_equal(dmah_kill(sim_device_dmah(r.dev)), DMAH_ETIMEDOUT);
		assert_int_equal(sim_reaches_memory(r.dev, phys + 4096, 4096),
				 2 | (stage == FIRST));
		sim_vtd_hold(r.model, false);
		dmah_vtd_errors(&r.vtd);
		assert_int_equal(sim_reaches_memory(r.dev, phys, 2 * 4096), 0);
		r.reports = 0;
		assert_int_equal(dmah_flush(r.dom), DMAH_OK);
		assert_int_equal(dmah_unmap(sim_device_dmah(r.dev), &h[1]), DMAH_OK);
		close_rig(&r);
	}
}

/* A previous owner's legacy tables: the mode may change only while the unit does not translate. The model refuses all else. */
static void other_mode_before(void **state)
{
	struct dmah_vtd_config c = { .phys_bits = 46, .timeout_ns = TIMEOUT };
	struct rig r;

	(void)state;
	assert_int_equal(open_unit(&r, (struct sim_iommu_config){ 0 },
				   (struct sim_vtd_config){ .scalable = 3 }, DMAH_VTD_LEGACY),
			 DMAH_OK);
	assert_int_equal(dmah_vtd_enable(&r.vtd), DMAH_OK);
	c.regs = r.vtd.regs;
	c.old_queue_kept = true;
	for (unsigned int i = 0; i < 4; i++) {
		struct dmah_vtd next;
		void *memory = memory_of(dmah_vtd_memory(&c));

		c.mode = i & 1	 ? DMAH_VTD_LEGACY
			 : i & 2 ? DMAH_VTD_SECOND_STAGE
				 : DMAH_VTD_FIRST_STAGE;
		assert_int_equal(dmah_vtd_init(&next, &c, memory, dmah_vtd_memory(&c)), DMAH_OK);
		assert_int_equal(dmah_vtd_enable(&next), DMAH_OK);
		assert_int_equal(dmah_vtd_fini(&next), DMAH_OK);
		free(memory);
	}
	sim_destroy(r.sim);
	posix_set_report(NULL, NULL);
	posix_clock_real();
	free(r.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(choice),
		cmocka_unit_test(limits),
		cmocka_unit_test(five_levels),
		cmocka_unit_test(tables),
		cmocka_unit_test(bind_order),
		cmocka_unit_test(ranges),
		cmocka_unit_test(permissions),
		cmocka_unit_test(reasons),
		cmocka_unit_test(stale),
		cmocka_unit_test(modes),
		cmocka_unit_test(noncoherent),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(power_cycle),
		cmocka_unit_test(late_block),
		cmocka_unit_test(other_mode_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
