/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Stages that only QEMU 11 has, beyond the shared suite: two SMMUs in one domain, exact invalidations with a stale control,
 * faults that name their mapping, and each mode of a VT-d unit with scalable mode.
 */
#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/smmuv3.h>
#include <dmah/vtd.h>

#include "../setup.h"
#include "edu.h"
#include "posix.h"
#include "qemu.h"
#include "reported.h"

#include <stdio.h>
#include <string.h>

#define PAGE	4096u
#define TIMEOUT 400000000u

/* Bus 9 is behind a root port on the second host bridge, whose bus is 8. */
#define FAR_PORT 0x818u
#define FAR_SID	 0x900u
#define FAR_BAR	 0x10400000u

/** struct party - a unit, and the device behind it. */
struct party {
	struct dmah_smmuv3 smmu;
	struct dmah_vtd vtd;
	struct dmah_iommu *iommu;
	void *memory;
	struct dmah_device dev;
	struct edu edu;
};

struct rig {
	struct qemu *q;
	struct party party[2];
	struct dmah_domain *dom;
	void *dom_memory;
	unsigned int refusals;
	unsigned int reports;
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

static void open_machine(struct rig *r, const struct qemu_config *config)
{
	memset(r, 0, sizeof(*r));
	r->q = qemu_machine(config);
	posix_set_report(count, r);
	posix_set_cpu(0);
}

static void open_domain(struct rig *r)
{
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU,
					.iommu = r->party[0].iommu,
					.format = r->party[0].iommu->formats[0],
					.aperture_base = 1ull << 32,
					.aperture_size = 64u << 20 };
	size_t need = dmah_domain_memory(&c);

	r->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&r->dom, &c, r->dom_memory, need), DMAH_OK);
}

static void attach(struct rig *r, unsigned int n)
{
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };

	r->party[n].dev.iommu = r->party[n].iommu;
	assert_int_equal(dmah_attach(r->dom, &r->party[n].dev, &limits), DMAH_OK);
}

static void close_rig(struct rig *r)
{
	struct posix_alloc_stats stats;

	assert_int_equal(r->reports + r->refusals, 0);
	for (unsigned int i = 0; i < 2; i++)
		if (r->party[i].dev.dom)
			assert_int_equal(dmah_detach(&r->party[i].dev), DMAH_OK);
	if (r->dom)
		assert_int_equal(dmah_domain_fini(r->dom), DMAH_OK);
	for (unsigned int i = 0; i < 2; i++) {
		struct party *p = &r->party[i];

		if (p->iommu)
			assert_int_equal(p->iommu == &p->vtd.iommu ? dmah_vtd_fini(&p->vtd)
								   : dmah_smmuv3_fini(&p->smmu),
					 DMAH_OK);
		free(p->memory);
	}
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages + stats.mem, 0);
	posix_set_report(NULL, NULL);
	qemu_log_drop(r->q);
	free(r->dom_memory);
}

/* The device writes 4 bytes, and memory shows whether they arrived: one event of the hardware for each refusal. */
static bool writes(struct rig *r, unsigned int n, dmah_addr_t dma, dmah_phys_t phys)
{
	volatile uint32_t *at = qemu_ram(r->q, phys, 4);
	struct party *p = &r->party[n];

	*at = 0x5a5a5a5a;
	assert_int_equal(edu_dma(&p->edu, dma, 0, 4, DMAH_FROM_DEVICE), DMAH_OK);
	return *at != 0x5a5a5a5a;
}

/* ---- SMMUs ---- */

static int open_smmu(struct rig *r, unsigned int n, bool stage2)
{
	struct dmah_smmuv3_config c = { .regs = qemu_regs(r->q, QEMU_SMMU_AT(n)),
					.timeout_ns = TIMEOUT,
					.stage2 = stage2 };
	size_t need = dmah_smmuv3_memory(&c);
	struct party *p = &r->party[n];
	int err;

	p->memory = memory_of(need);
	err = dmah_smmuv3_init(&p->smmu, &c, p->memory, need);
	p->iommu = err ? NULL : &p->smmu.iommu;
	return err;
}

static void open_two(struct rig *r, const char *first, const char *second)
{
	char arg[80];
	struct qemu_pci pci;
	const char *const args[] = { "-device", "pxb-pcie,id=pcie.1,bus_nr=8,bus=pcie.0,addr=4",
				     "-device", arg,
				     "-device", QEMU_EDU ",bus=pcie.0,addr=1",
				     "-device", "pcie-root-port,id=far,bus=pcie.1,addr=3,chassis=1",
				     "-device", QEMU_EDU ",bus=far,addr=0",
				     NULL };

	snprintf(arg, sizeof(arg), "arm-smmuv3,primary-bus=pcie.1,%s", second);
	open_machine(r, &(struct qemu_config){
				.kind = QEMU_SMMU, .newer = true, .iommu = first, .args = args });
	qemu_pci_write(r->q, FAR_PORT, 0x18, 4, 0x00090908);
	qemu_pci_write(r->q, FAR_PORT, 0x20, 4, FAR_BAR | FAR_BAR >> 16);
	qemu_pci_write(r->q, FAR_PORT, 0x04, 2, 6);
	qemu_pci_write(r->q, FAR_SID, 0x10, 4, FAR_BAR);
	qemu_pci_write(r->q, FAR_SID, 0x04, 2, 6);
	assert_true(qemu_pci_find(r->q, 0x1234, 0x11e8, 0, &pci));
	r->party[0].dev = (struct dmah_device){ .name = "near", .id = pci.id };
	r->party[1].dev = (struct dmah_device){ .name = "far", .id = FAR_SID };
	assert_int_equal(edu_init(&r->party[0].edu, qemu_regs(r->q, pci.bar[0]), &r->party[0].dev),
			 0);
	assert_int_equal(edu_init(&r->party[1].edu, qemu_regs(r->q, FAR_BAR), &r->party[1].dev), 0);
}

/* Two units with stage 2: both devices reach a mapping, neither does after its unmap; a fault says which unit and device. */
static void two_units(void **state)
{
	struct rig r;

	(void)state;
	open_two(&r, "stage=2", "stage=2");
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(open_smmu(&r, i, false), DMAH_OK);
	open_domain(&r);
	assert_int_equal(dmah_domain_add_iommu(r.dom, r.party[1].iommu), DMAH_OK);
	for (unsigned int i = 0; i < 2; i++)
		attach(&r, i);
	for (unsigned int round = 0; round < 4; round++) {
		uint32_t len = PAGE * (1 + round * 5);
		dmah_phys_t phys = qemu_take(r.q, len, PAGE), last = phys + len - PAGE;
		struct dmah h = { 0 };
		dmah_addr_t dma;

		assert_int_equal(dmah_map(&r.party[round & 1].dev, &h, phys, len, DMAH_FROM_DEVICE,
					  0),
				 DMAH_OK);
		dma = dmah_addr(&h) + len - PAGE;
		for (unsigned int i = 0; i < 2; i++)
			assert_true(writes(&r, i, dma, last));
		assert_int_equal(dmah_unmap(&r.party[round & 1].dev, &h), DMAH_OK);
		for (unsigned int i = 0; i < 2; i++) {
			struct reported f;

			assert_false(writes(&r, i, dma, last));
			f = reported_take(r.party[i].iommu);
			assert_int_equal(f.n, 1);
			assert_int_equal(f.last.hw.code, 0x10);
			assert_ptr_equal(f.last.dev, &r.party[i].dev);
			assert_non_null(strstr(f.text, "the_test"));
			assert_int_equal(reported_take(r.party[!i].iommu).n, 0);
		}
	}
	close_rig(&r);
}

/* A unit with stage 1 and one with stage 2 alone share no format: the second is refused by the domain, and that is said. */
static void unlike_units(void **state)
{
	struct rig r;

	(void)state;
	open_two(&r, "stage=1", "stage=2");
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(open_smmu(&r, i, false), DMAH_OK);
	open_domain(&r);
	assert_int_equal(dmah_domain_add_iommu(r.dom, r.party[1].iommu), DMAH_ENOTSUP);
	assert_int_equal(r.refusals, 1);
	r.refusals = 0;
	close_rig(&r);
	/* With both stages in one of them, stage 2 serves both. */
	open_two(&r, "stage=nested", "stage=2");
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(open_smmu(&r, i, true), DMAH_OK);
	open_domain(&r);
	assert_int_equal(dmah_domain_add_iommu(r.dom, r.party[1].iommu), DMAH_OK);
	{
		dmah_phys_t phys = qemu_take(r.q, PAGE, PAGE);
		struct dmah h = { 0 };

		for (unsigned int i = 0; i < 2; i++)
			attach(&r, i);
		assert_int_equal(dmah_map(&r.party[0].dev, &h, phys, PAGE, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		for (unsigned int i = 0; i < 2; i++)
			assert_true(writes(&r, i, dmah_addr(&h), phys));
		assert_int_equal(dmah_unmap(&r.party[0].dev, &h), DMAH_OK);
	}
	close_rig(&r);
}

/* ---- exact invalidation: any unit ---- */

static uint64_t *leaf_of(struct rig *r, dmah_addr_t dma)
{
	struct dmah_pt_info pt;
	uint64_t *at;

	assert_int_equal(dmah_domain_pt(r->dom, &pt), DMAH_OK);
	for (unsigned int level = pt.levels;; level--) {
		at = qemu_ram(r->q, pt.root + (dma >> (3 + 9 * level) & 511) * 8, 8);
		if (level == 1)
			return at;
		pt.root = *at & 0x0000fffffffff000ull;
	}
}

/*
 * Eight pages in use, and then not present: all of them are still reached, until the pages 2 to 6 are invalidated, and then
 * those five alone are not. Another tag's invalidation changes nothing. @exact false: QEMU drops more than it is asked to.
 */
static void stale_pages(struct rig *r, bool exact)
{
	dmah_phys_t phys = qemu_take(r->q, 8 * PAGE, PAGE);
	struct dmah_iommu *iommu = r->party[0].iommu;
	uint64_t entry[8], ticket;
	struct dmah h = { 0 };
	dmah_addr_t dma;

	assert_int_equal(dmah_map(&r->party[0].dev, &h, phys, 8 * PAGE, DMAH_FROM_DEVICE, 0),
			 DMAH_OK);
	dma = dmah_addr(&h);
	for (unsigned int i = 0; i < 8; i++) {
		assert_true(writes(r, 0, dma + PAGE * i, phys + PAGE * i));
		entry[i] = *leaf_of(r, dma + PAGE * i);
		*leaf_of(r, dma + PAGE * i) = 0;
	}
	assert_true(iommu->ops->invalidate(iommu, 2, dma, 8 * PAGE, true, &ticket) > 0);
	assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_OK);
	for (unsigned int i = 0; i < 8; i++)
		assert_true(writes(r, 0, dma + PAGE * i, phys + PAGE * i));
	assert_true(iommu->ops->invalidate(iommu, 1, dma + 2 * PAGE, 5 * PAGE, false, &ticket) > 0);
	assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_OK);
	for (unsigned int i = 0; i < 8; i++) {
		bool gone = i >= 2 && i < 7;

		if (gone || exact)
			assert_int_equal(writes(r, 0, dma + PAGE * i, phys + PAGE * i), !gone);
		(void)reported_take(iommu);
	}
	for (unsigned int i = 0; i < 8; i++)
		*leaf_of(r, dma + PAGE * i) = entry[i];
	assert_int_equal(dmah_unmap(&r->party[0].dev, &h), DMAH_OK);
}

static void exact_stage2(void **state)
{
	struct rig r;

	(void)state;
	open_two(&r, "stage=2", "stage=2");
	assert_int_equal(open_smmu(&r, 0, false), DMAH_OK);
	open_domain(&r);
	attach(&r, 0);
	stale_pages(&r, true);
	/* The same without RIL: one command a page. */
	r.party[0].smmu.features &= ~(1u << 1);
	stale_pages(&r, true);
	close_rig(&r);
}

/* ---- VT-d ---- */

static int open_vtd(struct rig *r, const char *model, enum dmah_vtd_mode mode)
{
	static const char *const args[] = { "-device", QEMU_EDU, NULL };
	struct dmah_vtd_config c = { .timeout_ns = TIMEOUT, .old_queue_kept = true, .mode = mode };
	struct party *p = &r->party[0];
	struct qemu_pci pci;
	size_t need;
	int err;

	open_machine(r, &(struct qemu_config){
				.kind = QEMU_VTD, .newer = true, .iommu = model, .args = args });
	assert_true(qemu_pci_find(r->q, 0x1234, 0x11e8, 0, &pci));
	p->dev = (struct dmah_device){ .name = "edu", .id = pci.id };
	assert_int_equal(edu_init(&p->edu, qemu_regs(r->q, pci.bar[0]), &p->dev), 0);
	c.regs = qemu_regs(r->q, QEMU_VTD_REGS);
	need = dmah_vtd_memory(&c);
	p->memory = memory_of(need);
	err = dmah_vtd_init(&p->vtd, &c, p->memory, need);
	if (err)
		return err;
	p->iommu = &p->vtd.iommu;
	assert_int_equal(dmah_vtd_enable(&p->vtd), DMAH_OK);
	return DMAH_OK;
}

#define ONLY_FIRST  "scalable-mode=on,fsts=on,aw-bits=48"
#define ONLY_SECOND "scalable-mode=on,aw-bits=48"

/* Each mode that a unit has: reached while mapped, refused when not, with the mode's own reason; what it has not is refused. */
static void vtd_modes(void **state)
{
	static const struct {
		const char *model;
		enum dmah_vtd_mode mode;
		int err;
		const struct dmah_pt_format *format;
		uint32_t reason;
	} cases[] = {
		{ ONLY_FIRST, DMAH_VTD_BY_CAPABILITY, DMAH_OK, &dmah_pt_vtd_fs, 0x71 },
		{ ONLY_FIRST, DMAH_VTD_LEGACY, DMAH_OK, &dmah_pt_vtd_ss, 0x05 },
		{ ONLY_FIRST, DMAH_VTD_SECOND_STAGE, DMAH_ENOTSUP, NULL, 0 },
		{ ONLY_SECOND, DMAH_VTD_BY_CAPABILITY, DMAH_OK, &dmah_pt_vtd_ss, 0x05 },
		{ ONLY_SECOND, DMAH_VTD_SECOND_STAGE, DMAH_OK, &dmah_pt_vtd_ss, 0x05 },
		{ ONLY_SECOND, DMAH_VTD_FIRST_STAGE, DMAH_ENOTSUP, NULL, 0 },
		{ "aw-bits=48", DMAH_VTD_FIRST_STAGE, DMAH_ENOTSUP, NULL, 0 },
	};
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reported f;
		struct dmah h = { 0 };
		dmah_phys_t phys;
		dmah_addr_t dma;

		assert_int_equal(open_vtd(&r, cases[i].model, cases[i].mode), cases[i].err);
		assert_int_equal(r.refusals, cases[i].err != DMAH_OK);
		r.refusals = 0;
		if (cases[i].err) {
			close_rig(&r);
			continue;
		}
		assert_ptr_equal(r.party[0].iommu->formats[0], cases[i].format);
		open_domain(&r);
		attach(&r, 0);
		phys = qemu_take(r.q, PAGE, PAGE);
		assert_int_equal(dmah_map(&r.party[0].dev, &h, phys, PAGE, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		dma = dmah_addr(&h);
		assert_true(writes(&r, 0, dma, phys));
		assert_int_equal(dmah_unmap(&r.party[0].dev, &h), DMAH_OK);
		assert_false(writes(&r, 0, dma, phys));
		f = reported_take(r.party[0].iommu);
		assert_int_equal(f.n, 1);
		assert_int_equal(f.last.hw.code, cases[i].reason);
		assert_non_null(strstr(f.text, "the_test"));
		stale_pages(&r, false);
		/* Passthrough and back; detached, with no reason of a page table. */
		assert_int_equal(dmah_set_mode(r.dom, DMAH_PASSTHROUGH), DMAH_OK);
		assert_true(writes(&r, 0, phys, phys));
		assert_int_equal(dmah_set_mode(r.dom, DMAH_STRICT), DMAH_OK);
		assert_false(writes(&r, 0, phys, phys));
		(void)reported_take(r.party[0].iommu);
		assert_int_equal(dmah_detach(&r.party[0].dev), DMAH_OK);
		assert_false(writes(&r, 0, phys, phys));
		f = reported_take(r.party[0].iommu);
		assert_int_equal(f.n, 1);
		assert_true(f.last.hw.code == 0x02 || f.last.hw.code == 0x41);
		close_rig(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_units),
		cmocka_unit_test(unlike_units),
		cmocka_unit_test(exact_stage2),
		cmocka_unit_test(vtd_modes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
