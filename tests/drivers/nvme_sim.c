/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The simulator's controller, behind every backend. */
#include "nvme_rig.h"
#include "../setup.h"

#include "posix.h"
#include "driven_unit.h"
#include "sim_nvme.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define POOL_BYTES (4u << 20)
#define SMALL_POOL (256u << 10)

/* Difficulties of a machine, in the flags of its configuration. */
#define NONCOHERENT 1u /* device and table walks */
#define UNTRUSTED   2u
#define POOL	    4u
#define ATS	    8u
#define CACHING	    16u

/* @kind is a flavour of IOMMU, or a backend. */
#define BACKEND(b) (16u + (b))

#define IOMMU(n, k, m, ...)                                                 \
	{                                                                   \
		.name = n, .kind = k, .mode = m, .iommu = true, __VA_ARGS__ \
	}

const struct rig_config rigs[] = {
	{ .name = "direct", .kind = BACKEND(DMAH_BACKEND_DIRECT) },
	{ .name = "direct, not coherent",
	  .kind = BACKEND(DMAH_BACKEND_DIRECT),
	  .flags = NONCOHERENT | POOL },
	{ .name = "bounce",
	  .kind = BACKEND(DMAH_BACKEND_BOUNCE),
	  .flags = POOL,
	  .small_pool = true,
	  .bounces = true },
	{ .name = "xen", .kind = BACKEND(DMAH_BACKEND_XEN), .flags = POOL },
	IOMMU("vtd strict", SIM_VTD, DMAH_STRICT),
	IOMMU("vtd lazy", SIM_VTD, DMAH_LAZY, .small_aperture = true),
	IOMMU("vtd strict, not coherent", SIM_VTD, DMAH_STRICT, .flags = NONCOHERENT | POOL),
	IOMMU("vtd lazy, not coherent", SIM_VTD, DMAH_LAZY, .flags = NONCOHERENT | POOL),
	IOMMU("vtd strict, untrusted", SIM_VTD, DMAH_STRICT, .flags = UNTRUSTED | POOL),
	IOMMU("vtd lazy, device TLB", SIM_VTD, DMAH_LAZY, .flags = ATS),
	IOMMU("vtd strict, caching mode", SIM_VTD, DMAH_STRICT, .flags = CACHING),
	IOMMU("smmu strict", SIM_SMMU, DMAH_STRICT),
	IOMMU("smmu lazy", SIM_SMMU, DMAH_LAZY),
	IOMMU("smmu strict, untrusted, not coherent", SIM_SMMU, DMAH_STRICT,
	      .flags = UNTRUSTED | NONCOHERENT | POOL),
};

const unsigned int nrigs = sizeof(rigs) / sizeof(rigs[0]);

struct sim_rig {
	struct rig rig;
	struct sim *sim;
	struct unit unit;
	struct sim_device *dev;
	struct sim_nvme *nvme;
	void *dom_memory;
	void *pool_memory;
	unsigned int forgiven;
};

static struct sim_rig *of(struct rig *rig)
{
	return (struct sim_rig *)(void *)rig;
}

static enum dmah_backend backend(const struct rig_config *c)
{
	return c->iommu ? DMAH_BACKEND_IOMMU : (enum dmah_backend)(c->kind - BACKEND(0));
}

static void open_machine(struct sim_rig *r)
{
	const struct rig_config *c = r->rig.config;
	bool noncoherent = c->flags & NONCOHERENT;
	struct sim_config config = { .name = c->name,
				     .backend = backend(c),
				     .cache = noncoherent,
				     .noncoherent = noncoherent };

	if (c->iommu)
		config.iommu[0] = (struct sim_iommu_config){
			.flavour = (enum sim_flavour)c->kind,
			.noncoherent_walk = noncoherent,
			.caching_mode = c->flags & CACHING,
		};
	r->sim = sim_create(&config);
	assert_non_null(r->sim);
	posix_clock_manual(1000000000);
	count_reports(&r->rig.reports);
	if (c->iommu) {
		unit_create(&r->unit, r->sim, 0);
		unit_start(&r->unit, 1000000);
	}
}

static void open_pool(struct sim_rig *r)
{
	uint32_t bytes = r->rig.config->small_pool ? SMALL_POOL : POOL_BYTES;
	dmah_phys_t phys = sim_ram_take(r->sim, bytes, 4096);
	size_t need = dmah_pool_memory(bytes);

	r->pool_memory = memory_of(need);
	assert_int_equal(dmah_pool_init(&r->rig.pool, phys, bytes, r->pool_memory, need), 0);
	/* Fill the pool, so that old bytes of a slot that reach the device or a buffer are seen. */
	sim_cpu_set(r->sim, phys, 0xdd, bytes);
	sim_cpu_maintain(r->sim, DMAH_CACHE_FLUSH, phys, bytes);
}

static void open_domain(struct sim_rig *r)
{
	const struct rig_config *c = r->rig.config;
	struct dmah_domain_config config = {
		.backend = backend(c),
		.pool = r->rig.pool,
		.mode = c->mode,
		.format = c->iommu ? unit_format(&r->unit) : NULL,
		.iommu = r->unit.iommu,
		.aperture_size = c->small_aperture ? 2u << 20 : 64u << 20,
		.xen = sim_xen(r->sim) ? &sim_xen_ops : NULL,
		.xen_ctx = sim_xen(r->sim),
	};
	size_t need = dmah_domain_memory(&config);

	r->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&r->rig.dom, &config, r->dom_memory, need), 0);
}

static void open_device(struct sim_rig *r)
{
	const struct rig_config *c = r->rig.config;
	struct sim_nvme_config config = { .disk = r->rig.disk, .blocks = rig_blocks(c), .seed = 7 };
	struct dmah_limits limits;

	r->dev = sim_device_add(r->sim, &(struct sim_device_config){ .name = "nvme",
								     .id = 0x0300,
								     .ats = c->flags & ATS });
	assert_non_null(r->dev);
	sim_device_limits(r->dev, &limits);
	limits.min_align_mask = NVME_ALIGN;
	limits.flags |= c->flags & UNTRUSTED ? DMAH_DEV_UNTRUSTED : 0;
	r->rig.dev = sim_device_dmah(r->dev);
	r->rig.dev->iommu = r->unit.iommu;
	assert_int_equal(dmah_attach(r->rig.dom, r->rig.dev, &limits), 0);
	r->nvme = sim_nvme_create(r->sim, r->dev, &config);
	assert_non_null(r->nvme);
	r->rig.regs = sim_nvme_regs(r->nvme);
}

/* The contents of the disk are made once, and copied for each machine. */
static uint8_t *new_disk(size_t size)
{
	static uint8_t *first;
	static size_t first_size;
	uint8_t *disk = malloc(size);

	if (first_size != size) {
		free(first);
		first = malloc(size);
		first_size = size;
		disk_fill(first, size);
	}
	memcpy(disk, first, size);
	return disk;
}

struct rig *rig_open(const struct rig_config *config)
{
	struct sim_rig *r = calloc(1, sizeof(*r));

	r->rig.config = config;
	r->rig.refused = NVME_TRANSFER_ERROR;
	r->rig.disk = new_disk((size_t)rig_blocks(config) * RIG_BLOCK);
	open_machine(r);
	if (config->flags & POOL)
		open_pool(r);
	open_domain(r);
	open_device(r);
	return &r->rig;
}

void rig_close(struct rig *rig)
{
	struct sim_rig *r = of(rig);
	struct posix_alloc_stats stats;
	const char *what = NULL;

	rig_no_faults(rig);
	assert_int_equal(rig->reports, 0);
	if (sim_nvme_violations(r->nvme, &what) != r->forgiven)
		fail_msg("%s: %s", rig->config->name, what);
	assert_int_equal(dmah_device_live(rig->dev), 0);
	assert_int_equal(dmah_detach(rig->dev), 0);
	if (rig->pool)
		assert_int_equal(dmah_pool_used(rig->pool), 0);
	assert_int_equal(dmah_domain_fini(rig->dom), 0);
	unit_stop(&r->unit);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 0);
	assert_int_equal(stats.mem, 0);
	sim_nvme_destroy(r->nvme);
	sim_destroy(r->sim);
	posix_set_report(NULL, NULL);
	posix_clock_real();
	unit_free(&r->unit);
	free(r->dom_memory);
	free(r->pool_memory);
	free(rig->disk);
	free(r);
}

dmah_phys_t rig_take(struct rig *rig, uint64_t size, uint64_t align)
{
	dmah_phys_t phys = sim_ram_take(of(rig)->sim, size, align);

	assert_true(phys != ~(dmah_phys_t)0);
	return phys;
}

void rig_read(struct rig *rig, dmah_phys_t phys, void *buf, size_t len)
{
	sim_cpu_read(of(rig)->sim, phys, buf, len);
}

void rig_write(struct rig *rig, dmah_phys_t phys, const void *buf, size_t len)
{
	sim_cpu_write(of(rig)->sim, phys, buf, len);
}

void rig_no_faults(struct rig *rig)
{
	assert_int_equal(sim_fault_count(of(rig)->sim), 0);
}

void rig_faults(struct rig *rig, dmah_addr_t dma, uint32_t len, bool write)
{
	struct sim_fault fault[SIM_FAULTS];
	size_t n = sim_faults(of(rig)->sim, fault, SIM_FAULTS);

	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(fault[i].id, 0x0300);
		assert_true(fault[i].dma - dma < len);
		assert_int_equal(fault[i].write, write);
		assert_int_equal(fault[i].reason, SIM_FAULT_TRANSLATION);
	}
	sim_faults_clear(of(rig)->sim);
}

void rig_hang(struct rig *rig, bool on)
{
	if (on)
		sim_nvme_stall(of(rig)->nvme, 0);
	else
		sim_nvme_go_on(of(rig)->nvme);
}

void rig_status(struct rig *rig, uint32_t clear, uint32_t set)
{
	sim_nvme_pretend(of(rig)->nvme, clear, set);
}

void rig_stick(struct rig *rig, bool on)
{
	unit_hold(&of(rig)->unit, on);
}

const bool rig_limits = true;

void rig_limit(struct rig *rig, unsigned int n)
{
	sim_nvme_stall(of(rig)->nvme, n);
}

void rig_forgive(struct rig *rig)
{
	of(rig)->forgiven = sim_nvme_violations(of(rig)->nvme, NULL);
}
