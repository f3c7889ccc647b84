/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The machine is lab/sim's. */
#include "nic_sim.h"
#include "../setup.h"

#include "posix.h"
#include "sim.h"
#include "sim_e1000e.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#define POOL_BYTES (2u << 20)
/* Time-out by the real clock. Only a held unit makes a wait last that long. */
#define TIMEOUT 5000000u

struct nic {
	struct nic_config config;
	struct sim *sim;
	struct unit unit;
	struct sim_e1000e *model;
	struct dmah_domain *dom;
	struct dmah_pool *pool;
	void *dom_memory;
	void *pool_memory;
	unsigned int reports;
};

const struct nic_config nic_configs[] = {
	{ .name = "direct", .machine = "direct" },
	{ .name = "direct, not coherent", .machine = "direct-noncoherent", .pool = true },
	{ .name = "bounce", .machine = "bounce", .pool = true },
	{ .name = "vtd strict", .machine = "vtd", .iommu = true },
	{ .name = "vtd lazy", .machine = "vtd", .iommu = true, .mode = DMAH_LAZY },
	{ .name = "vtd lazy, caching mode", .machine = "vtd-cm", .iommu = true, .mode = DMAH_LAZY },
	{ .name = "vtd strict, not coherent",
	  .machine = "vtd-noncoherent",
	  .iommu = true,
	  .pool = true },
	{ .name = "vtd lazy, not coherent",
	  .machine = "vtd-noncoherent",
	  .iommu = true,
	  .mode = DMAH_LAZY,
	  .pool = true },
	{ .name = "vtd strict, untrusted",
	  .machine = "vtd",
	  .iommu = true,
	  .untrusted = true,
	  .pool = true },
	{ .name = "vtd untrusted, not coherent",
	  .machine = "vtd-noncoherent",
	  .iommu = true,
	  .untrusted = true,
	  .pool = true },
	{ .name = "smmu strict", .machine = "smmu", .iommu = true },
	{ .name = "smmu lazy, not coherent",
	  .machine = "smmu-noncoherent",
	  .iommu = true,
	  .mode = DMAH_LAZY,
	  .pool = true },
	{ .name = "smmu strict, untrusted",
	  .machine = "smmu",
	  .iommu = true,
	  .untrusted = true,
	  .pool = true },
	{ .name = "xen", .machine = "xen", .pool = true },
};
const unsigned int nic_nconfigs = sizeof(nic_configs) / sizeof(nic_configs[0]);

const bool nic_wire_waits = false;

/* More than one for each frame that may be under way. */
const unsigned int nic_polls = 100000;

static void open_pool(struct nic *n)
{
	size_t need = dmah_pool_memory(POOL_BYTES);
	dmah_phys_t phys = sim_ram_take(n->sim, POOL_BYTES, 4096);

	n->pool_memory = memory_of(need);
	assert_int_equal(dmah_pool_init(&n->pool, phys, POOL_BYTES, n->pool_memory, need), 0);
	/* Fill the pool, so that old bytes of a slot that reach the device or a buffer are seen. */
	sim_cpu_set(n->sim, phys, 0xdd, POOL_BYTES);
	sim_cpu_maintain(n->sim, DMAH_CACHE_FLUSH, phys, POOL_BYTES);
}

static void open_domain(struct nic *n, const struct sim_config *machine)
{
	struct dmah_domain_config config = {
		.backend = machine->backend,
		.pool = n->pool,
		.mode = n->config.mode,
		.lazy_entries = 64,
		.xen = sim_xen(n->sim) ? &sim_xen_ops : NULL,
		.xen_ctx = sim_xen(n->sim),
	};
	size_t need;

	if (n->config.iommu) {
		config.iommu = nic_device(n)->iommu;
		config.format = unit_format(&n->unit);
		config.va_bits = 48;
		config.aperture_base = 16u << 20;
	}
	need = dmah_domain_memory(&config);
	n->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&n->dom, &config, n->dom_memory, need), 0);
}

struct nic *nic_open(const struct nic_config *config)
{
	static const uint8_t mac[6] = NIC_MAC;
	struct nic *n = calloc(1, sizeof(*n));
	struct dmah_limits limits;
	struct sim_config machine;

	assert_non_null(n);
	n->config = *config;
	assert_true(sim_config_named(config->machine, &machine));
	n->sim = sim_create(&machine);
	assert_non_null(n->sim);
	/* Write back and fetch cache lines without a request, as a CPU may do at any time. */
	sim_cache_random(n->sim, 40, 40, 7);
	count_reports(&n->reports);
	posix_clock_real();
	posix_set_cpu(0);
	if (config->iommu)
		unit_create(&n->unit, n->sim, 0);
	n->model = sim_e1000e_add(n->sim,
				  &(struct sim_device_config){ .name = "nic", .id = 0x0300 }, mac);
	assert_non_null(n->model);
	if (config->iommu)
		nic_device(n)->iommu = unit_start(&n->unit, TIMEOUT);
	if (config->pool)
		open_pool(n);
	open_domain(n, &machine);
	sim_device_limits(sim_e1000e_device(n->model), &limits);
	limits.flags |= config->untrusted ? DMAH_DEV_UNTRUSTED : 0u;
	assert_int_equal(dmah_attach(n->dom, nic_device(n), &limits), 0);
	return n;
}

void nic_close(struct nic *n)
{
	struct posix_alloc_stats stats;
	struct sim_e1000e_stats did;
	uint8_t frame[64];

	assert_int_equal(sim_fault_count(n->sim), 0);
	assert_int_equal(n->reports, 0);
	assert_int_equal(nic_get(n, frame, sizeof(frame)), 0);
	sim_e1000e_stats(n->model, &did);
	assert_int_equal(did.unquiet, 0);
	assert_int_equal(dmah_device_live(nic_device(n)), 0);
	if (nic_device(n)->dom)
		assert_int_equal(dmah_detach(nic_device(n)), 0);
	if (n->pool)
		assert_int_equal(dmah_pool_used(n->pool), 0);
	assert_int_equal(dmah_domain_fini(n->dom), 0);
	unit_stop(&n->unit);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 0);
	assert_int_equal(stats.mem, 0);
	posix_set_report(NULL, NULL);
	sim_e1000e_remove(n->model);
	sim_destroy(n->sim);
	unit_free(&n->unit);
	free(n->dom_memory);
	free(n->pool_memory);
	free(n);
}

const struct nic_config *nic_config(const struct nic *n)
{
	return &n->config;
}

volatile void *nic_regs(struct nic *n)
{
	return sim_e1000e_regs(n->model);
}

struct dmah_device *nic_device(struct nic *n)
{
	return sim_device_dmah(sim_e1000e_device(n->model));
}

struct unit *nic_unit(struct nic *n)
{
	return &n->unit;
}

struct dmah_domain *nic_domain(struct nic *n)
{
	return n->dom;
}

struct dmah_pool *nic_pool(struct nic *n)
{
	return n->pool;
}

dmah_phys_t nic_take(struct nic *n, uint64_t size, uint64_t align)
{
	dmah_phys_t phys = sim_ram_take(n->sim, size, align);

	assert_true(phys != ~0ull);
	return phys;
}

void nic_read(struct nic *n, dmah_phys_t phys, void *to, size_t len)
{
	sim_cpu_read(n->sim, phys, to, len);
}

void nic_write(struct nic *n, dmah_phys_t phys, const void *from, size_t len)
{
	sim_cpu_write(n->sim, phys, from, len);
}

bool nic_put(struct nic *n, const void *frame, size_t len)
{
	return sim_e1000e_arrive(n->model, frame, len);
}

size_t nic_get(struct nic *n, void *frame, size_t len)
{
	return sim_e1000e_sent(n->model, frame, len);
}

void nic_stick(struct nic *n, enum nic_stuck what)
{
	static const unsigned int stuck[] = { 0, SIM_E1000E_STUCK_RESET, SIM_E1000E_STUCK_MASTER,
					      SIM_E1000E_STUCK_LINK, SIM_E1000E_STUCK_NVM };

	sim_e1000e_stick(n->model, stuck[what]);
}

struct sim_e1000e *nic_model(struct nic *n)
{
	return n->model;
}

struct sim *nic_sim(struct nic *n)
{
	return n->sim;
}

unsigned int nic_faults(struct nic *n, dmah_addr_t *dma, bool *write)
{
	struct sim_fault fault[SIM_FAULTS];
	size_t kept = sim_faults(n->sim, fault, SIM_FAULTS);
	unsigned int count = (unsigned int)sim_fault_count(n->sim);

	if (kept) {
		*dma = fault[kept - 1].dma;
		*write = fault[kept - 1].write;
	}
	sim_faults_clear(n->sim);
	return count;
}

unsigned int nic_reports(struct nic *n)
{
	unsigned int reports = n->reports;

	n->reports = 0;
	return reports;
}
