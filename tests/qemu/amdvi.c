/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "amdvi.h"
#include "../setup.h"

#include "posix.h"

#include <stdlib.h>
#include <string.h>

#define IDS 256u
/* The place of AMD_MARK in the device's buffer. */
#define MARK_AT	   8u
#define CAPABILITY 0x0fu /* of the IOMMU, in its function's configuration space */

bool amd_records(void)
{
	const char *text = getenv("DMAH_TEST_QEMU");

	return !text || strcmp(text, "system");
}

static uint32_t capability(struct amd_rig *r)
{
	unsigned int at;

	/* QEMU 7.2's function has no numbers by which to find it: the driver goes without. */
	if (!amd_records())
		return 0;
	assert_true(qemu_pci_find(r->q, 0x1022, 0x1419, 0, &r->iommu_function));
	at = qemu_pci_cap(r->q, r->iommu_function.id, CAPABILITY);
	assert_true(at != 0);
	return qemu_pci_read(r->q, r->iommu_function.id, at, 4);
}

static void set_up_unit(struct amd_rig *r)
{
	struct dmah_amdvi_config config = { .regs = qemu_regs(r->q, QEMU_AMD_REGS),
					    .capability = capability(r),
					    .ids = IDS,
					    .timeout_ns = r->config.timeout_ns
								  ? r->config.timeout_ns
								  : AMD_TIMEOUT_NS };
	size_t need = dmah_amdvi_memory(&config);

	r->amdvi_memory = memory_of(need);
	assert_int_equal(dmah_amdvi_init(&r->amdvi, &config, r->amdvi_memory, need), DMAH_OK);
	/* The model says that it may cache what is not present. */
	assert_true(r->amdvi.iommu.caps & DMAH_IOMMU_MAP_FLUSH);
}

struct amd_rig *amd_machine(const struct amd_config *config)
{
	static const char *const args[] = { "-device", QEMU_EDU, "-device", QEMU_EDU, NULL };
	struct amd_rig *r = calloc(1, sizeof(*r));

	r->config = *config;
	r->q = qemu_machine(
		&(struct qemu_config){ .kind = QEMU_AMD, .newer = amd_records(), .args = args });
	count_reports(&r->reports);
	for (unsigned int i = 0; i < AMD_DEVICES; i++) {
		assert_true(qemu_pci_find(r->q, 0x1234, 0x11e8, i, &r->pci[i]));
		r->dev[i].name = i ? "edu1" : "edu0";
		r->dev[i].id = r->pci[i].id;
		r->dev[i].iommu = &r->amdvi.iommu;
		assert_int_equal(edu_init(&r->edu[i], qemu_regs(r->q, r->pci[i].bar[0]),
					  &r->dev[i]),
				 DMAH_OK);
		/* Nothing is translated yet. */
		assert_int_equal(edu_dma(&r->edu[i], amd_page(r, AMD_MARK), MARK_AT, 4,
					 DMAH_TO_DEVICE),
				 DMAH_OK);
	}
	set_up_unit(r);
	return r;
}

struct dmah_domain *amd_domain(struct amd_rig *r, const struct amd_config *config, void **memory)
{
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU,
					.format = &dmah_pt_amd_v1,
					.iommu = &r->amdvi.iommu,
					.mode = config->mode,
					.va_bits = config->va_bits,
					.aperture_base = config->aperture_base,
					.aperture_size = config->aperture_size };
	size_t need = dmah_domain_memory(&c);
	struct dmah_domain *dom;

	*memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&dom, &c, *memory, need), DMAH_OK);
	return dom;
}

void amd_attach(struct amd_rig *r, unsigned int n, struct dmah_domain *dom)
{
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };

	assert_int_equal(dmah_attach(dom, &r->dev[n], &limits), DMAH_OK);
}

struct amd_rig *amd_open(const struct amd_config *config)
{
	struct amd_rig *r = amd_machine(config);

	r->dom = amd_domain(r, config, &r->dom_memory);
	amd_attach(r, 0, r->dom);
	assert_int_equal(dmah_amdvi_enable(&r->amdvi), DMAH_OK);
	return r;
}

void amd_close(struct amd_rig *r)
{
	struct posix_alloc_stats stats;

	assert_int_equal(amd_faults(r, 0), 0);
	assert_int_equal(r->reports, 0);
	for (unsigned int i = 0; i < AMD_DEVICES; i++)
		if (r->dev[i].dom)
			assert_int_equal(dmah_detach(&r->dev[i]), DMAH_OK);
	if (r->dom)
		assert_int_equal(dmah_domain_fini(r->dom), DMAH_OK);
	assert_int_equal(dmah_amdvi_fini(&r->amdvi), DMAH_OK);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 0);
	assert_int_equal(stats.mem, 0);
	posix_set_report(NULL, NULL);
	qemu_log_drop(r->q);
	free(r->amdvi_memory);
	free(r->dom_memory);
	free(r);
}

dmah_phys_t amd_page(struct amd_rig *r, uint8_t byte)
{
	dmah_phys_t page = qemu_take(r->q, 4096, 4096);

	memset(qemu_ram(r->q, page, 4096), byte, 4096);
	return page;
}

uint8_t amd_byte(struct amd_rig *r, dmah_phys_t page)
{
	return *(volatile uint8_t *)qemu_ram(r->q, page, 1);
}

bool amd_writes(struct amd_rig *r, unsigned int n, dmah_addr_t dma, dmah_phys_t page)
{
	memset(qemu_ram(r->q, page, 4), 0, 4);
	assert_int_equal(edu_dma(&r->edu[n], dma, MARK_AT, 4, DMAH_FROM_DEVICE), DMAH_OK);
	return amd_byte(r, page) == AMD_MARK;
}

/* ---- faults ---- */

struct of_device {
	struct amd_rig *r;
	unsigned int n;
	unsigned int others;
};

static void note(void *ctx, const struct dmah_fault *fault)
{
	struct of_device *o = ctx;

	o->r->fault = *fault;
	if (fault->hw.id != o->r->dev[o->n].id)
		o->others++;
}

unsigned int amd_faults(struct amd_rig *r, unsigned int n)
{
	struct of_device o = { .r = r, .n = n };

	r->fault = (struct dmah_fault){ 0 };
	assert_int_equal(dmah_faults(&r->amdvi.iommu, note, &o, &r->count), DMAH_OK);
	assert_int_equal(o.others, 0);
	return r->count.taken;
}

void amd_refused(struct amd_rig *r, unsigned int n, dmah_addr_t dma, dmah_phys_t page)
{
	assert_false(amd_writes(r, n, dma, page));
	assert_int_equal(amd_faults(r, n), amd_records());
	/* Reports are limited to some a second. */
	if (!r->fault.iommu)
		return;
	assert_int_equal(r->fault.hw.code, 2);
	assert_true(r->fault.hw.pci);
	if (r->dev[n].dom)
		assert_ptr_equal(r->fault.dev, &r->dev[n]);
}

uint64_t amd_reg(struct amd_rig *r, uint32_t reg)
{
	return qemu_read(r->q, QEMU_AMD_REGS + reg, 8);
}
