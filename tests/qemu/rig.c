/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "rig.h"
#include "../setup.h"

#include "posix.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define POOL_BYTES (1u << 20)

struct rig *rig_machine(const struct rig_config *config)
{
	static const char *const args[] = { "-device", QEMU_EDU, "-device", QEMU_EDU, NULL };
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->config = *config;
	rig->q = qemu_machine(&(struct qemu_config){ .kind = QEMU_VTD,
						     .iommu = config->iommu,
						     .ram = config->ram,
						     .args = args,
						     .incoherent = config->incoherent });
	for (unsigned int i = 0; i < 2; i++)
		qemu_pretend(rig->q, QEMU_VTD_REGS + 8 + 8 * i, config->clear[i], config->set[i]);
	count_reports(&rig->reports);
	for (unsigned int i = 0; i < RIG_DEVICES; i++) {
		assert_true(qemu_pci_find(rig->q, 0x1234, 0x11e8, i, &rig->pci[i]));
		rig->dev[i].name = i ? "edu1" : "edu0";
		rig->dev[i].id = rig->pci[i].id;
		assert_int_equal(edu_init(&rig->edu[i], qemu_regs(rig->q, rig->pci[i].bar[0]),
					  &rig->dev[i]),
				 DMAH_OK);
	}
	return rig;
}

struct dmah_domain *rig_domain(struct rig *rig, const struct dmah_domain_config *config,
			       void **memory)
{
	struct dmah_domain_config c = *config;
	struct dmah_domain *dom;
	size_t need;

	c.backend = DMAH_BACKEND_IOMMU;
	c.format = &dmah_pt_vtd_ss;
	c.iommu = &rig->vtd.iommu;
	c.pool = rig->pool;
	c.cpus = 2;
	need = dmah_domain_memory(&c);
	*memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&dom, &c, *memory, need), DMAH_OK);
	return dom;
}

void rig_attach(struct rig *rig, unsigned int n, struct dmah_domain *dom, uint32_t flags)
{
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT | flags };

	assert_int_equal(dmah_attach(dom, &rig->dev[n], &limits), DMAH_OK);
}

static void open_pool(struct rig *rig)
{
	dmah_phys_t phys = qemu_take(rig->q, POOL_BYTES, 4096);
	size_t need = dmah_pool_memory(POOL_BYTES);

	rig->pool_memory = memory_of(need);
	assert_int_equal(dmah_pool_init(&rig->pool, phys, POOL_BYTES, rig->pool_memory, need),
			 DMAH_OK);
	/* Old contents of a slot must not come through. */
	memset(qemu_ram(rig->q, phys, POOL_BYTES), 0xdd, POOL_BYTES);
}

void rig_setup(struct rig *rig)
{
	const struct rig_config *c = &rig->config;
	struct dmah_vtd_config config = { .regs = qemu_regs(rig->q, QEMU_VTD_REGS),
					  .timeout_ns = RIG_TIMEOUT_NS,
					  .old_queue_kept = true };
	size_t need = dmah_vtd_memory(&config);

	rig->vtd_memory = memory_of(need);
	assert_int_equal(dmah_vtd_init(&rig->vtd, &config, rig->vtd_memory, need), DMAH_OK);
	if (c->pool)
		open_pool(rig);
	rig->dom = rig_domain(rig,
			      &(struct dmah_domain_config){ .mode = c->mode,
							    .va_bits = c->va_bits,
							    .aperture_base = c->aperture_base,
							    .aperture_size = c->aperture_size },
			      &rig->dom_memory);
	if (c->bare)
		return;
	rig_attach(rig, 0, rig->dom,
		   (c->untrusted ? DMAH_DEV_UNTRUSTED : 0u) | (c->ats ? DMAH_DEV_ATS : 0u));
	assert_int_equal(dmah_vtd_enable(&rig->vtd), DMAH_OK);
}

struct rig *rig_open(const struct rig_config *config)
{
	struct rig *rig = rig_machine(config);

	rig_setup(rig);
	return rig;
}

void rig_close(struct rig *rig)
{
	struct posix_alloc_stats stats;

	assert_int_equal(rig_faults(rig), 0);
	assert_int_equal(rig_reports(rig), 0);
	for (unsigned int i = 0; i < RIG_DEVICES; i++)
		if (rig->dev[i].dom)
			assert_int_equal(dmah_detach(&rig->dev[i]), DMAH_OK);
	if (rig->pool)
		assert_int_equal(dmah_pool_used(rig->pool), 0);
	assert_int_equal(dmah_domain_fini(rig->dom), DMAH_OK);
	assert_int_equal(dmah_vtd_fini(&rig->vtd), DMAH_OK);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 0);
	assert_int_equal(stats.mem, 0);
	posix_set_report(NULL, NULL);
	qemu_log_drop(rig->q);
	free(rig->vtd_memory);
	free(rig->dom_memory);
	free(rig->pool_memory);
	free(rig);
}

static void note_fault(void *ctx, const struct dmah_vtd_fault *fault)
{
	struct rig *rig = ctx;

	rig->fault = *fault;
}

unsigned int rig_faults(struct rig *rig)
{
	return dmah_vtd_faults(&rig->vtd, note_fault, rig, &rig->faults_lost);
}

void rig_expect_fault(struct rig *rig, unsigned int n, dmah_addr_t addr, bool write, uint8_t reason)
{
	assert_int_equal(rig_faults(rig), 1);
	assert_int_equal(rig->fault.id, rig->pci[n].id);
	assert_true(rig->fault.addr == (addr & ~0xfffull));
	assert_int_equal(rig->fault.write, write);
	assert_int_equal(rig->fault.reason, reason);
	assert_int_equal(rig->fault.pasid, ~0u);
}

unsigned int rig_reports(struct rig *rig)
{
	unsigned int n = rig->reports;

	rig->reports = 0;
	return n;
}

static uint8_t pattern(uint64_t i, unsigned int seed)
{
	uint64_t x = (i + 1) * 0x9e3779b97f4a7c15ull ^ (uint64_t)(seed + 1) * 0xd1b54a32d192ed03ull;

	return (uint8_t)(x >> 56 ^ x >> 29);
}

void rig_fill(struct rig *rig, dmah_phys_t phys, uint64_t len, unsigned int seed)
{
	uint8_t *at = qemu_ram(rig->q, phys, len);

	for (uint64_t i = 0; i < len; i++)
		at[i] = pattern(i, seed);
}

bool rig_holds(struct rig *rig, dmah_phys_t phys, uint64_t len, unsigned int seed)
{
	const uint8_t *at = qemu_ram(rig->q, phys, len);

	for (uint64_t i = 0; i < len; i++)
		if (at[i] != pattern(i, seed))
			return false;
	return true;
}

void rig_load(struct rig *rig, unsigned int n, uint32_t len, unsigned int seed)
{
	dmah_phys_t phys = qemu_take(rig->q, 4096, 4096);

	rig_fill(rig, phys, len, seed);
	assert_int_equal(edu_put(&rig->edu[n], phys, 0, len), DMAH_OK);
}

void rig_dma(struct rig *rig, unsigned int n, dmah_addr_t dma, uint32_t len, enum dmah_dir dir)
{
	assert_int_equal(edu_dma(&rig->edu[n], dma, 0, len, dir), DMAH_OK);
}

uint32_t rig_vtd32(struct rig *rig, uint32_t reg)
{
	return (uint32_t)qemu_read(rig->q, QEMU_VTD_REGS + reg, 4);
}
