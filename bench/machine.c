// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "machine.h"

#include "memory.h"

#define XEN_PAGES (1u << 20) /* the first is at MEMORY_FAR */
#define XEN_BUS	  (1ull << 40)

/* ---- Xen: tables from pages to machine frames and back ---- */

static uint32_t *p2m, *m2p;

static void xen_init(void)
{
	if (p2m)
		return;
	p2m = memory_alloc(XEN_PAGES * sizeof(*p2m));
	m2p = memory_alloc(XEN_PAGES * sizeof(*m2p));
	for (uint32_t i = 0; i < XEN_PAGES; i++) {
		p2m[i] = (i * 0x9e3779b1u) & (XEN_PAGES - 1);
		m2p[p2m[i]] = i;
	}
}

static dmah_addr_t phys_to_bus(void *ctx, dmah_phys_t phys)
{
	uint64_t pfn = (phys - MEMORY_FAR) >> 12;

	(void)ctx;
	return pfn < XEN_PAGES ? XEN_BUS + ((uint64_t)p2m[pfn] << 12 | (phys & 4095))
			       : ~(dmah_addr_t)0;
}

static dmah_phys_t bus_to_phys(void *ctx, dmah_addr_t bus, uint64_t *steps)
{
	uint64_t mfn = (bus - XEN_BUS) >> 12;

	(void)ctx;
	++*steps;
	return mfn < XEN_PAGES ? MEMORY_FAR + ((uint64_t)m2p[mfn] << 12 | (bus & 4095))
			       : ~(dmah_phys_t)0;
}

static bool has_mapping(void *ctx, dmah_phys_t phys)
{
	(void)ctx;
	(void)phys;
	return true;
}

static int cache(void *ctx, enum dmah_cache_op op, dmah_addr_t bus, uint64_t len)
{
	(void)ctx;
	(void)op;
	(void)bus;
	(void)len;
	return DMAH_OK;
}

static const struct dmah_xen_ops xen_ops = {
	.phys_to_bus = phys_to_bus,
	.bus_to_phys = bus_to_phys,
	.has_mapping = has_mapping,
	.cache = cache,
};

dmah_addr_t machine_xen_bus(dmah_phys_t phys)
{
	return phys_to_bus(NULL, phys);
}

/* ---- machines ---- */

const char *machine_name(enum machine_kind kind)
{
	static const char *const names[] = { "none", "direct", "bounce", "vtd", "lpae", "xen" };

	return names[kind];
}

static struct dmah_domain_config domain_config(const struct machine_config *c)
{
	static const enum dmah_backend backends[] = {
		[MACHINE_DIRECT] = DMAH_BACKEND_DIRECT, [MACHINE_BOUNCE] = DMAH_BACKEND_BOUNCE,
		[MACHINE_VTD] = DMAH_BACKEND_IOMMU,	[MACHINE_LPAE] = DMAH_BACKEND_IOMMU,
		[MACHINE_XEN] = DMAH_BACKEND_XEN,
	};

	return (struct dmah_domain_config){
		.backend = backends[c->kind],
		.cpus = MACHINE_CPUS,
		.mode = c->mode,
		.va_bits = 48,
		.format = c->kind == MACHINE_LPAE ? &dmah_pt_lpae_s1 : &dmah_pt_vtd_ss,
		.xen = c->kind == MACHINE_XEN ? &xen_ops : NULL,
	};
}

bool machine_translated(enum machine_kind kind)
{
	return kind == MACHINE_VTD || kind == MACHINE_LPAE;
}

static const char *make_pool(struct machine *m)
{
	dmah_phys_t phys = m->config.pool ? memory_take(m->config.pool) : 0;

	if (phys == ~(dmah_phys_t)0)
		return "no memory is left for the bounce pool";
	return rig_pool_open(&m->pool, phys, m->config.pool, memory_alloc);
}

static const char *make(struct machine *m)
{
	const struct machine_config *c = &m->config;
	struct dmah_domain_config config = domain_config(c);
	struct dmah_limits limits = { .mask = UINT64_MAX };
	const char *why = make_pool(m);

	if (why)
		return why;
	if (c->kind == MACHINE_XEN)
		xen_init();
	if (machine_translated(c->kind)) {
		m->queue = queue_create(config.format);
		queue_set_latency(m->queue, c->latency_ns);
		config.iommu = queue_iommu(m->queue);
	} else {
		config.mode = DMAH_STRICT;
		config.va_bits = 0;
	}
	config.pool = m->pool.pool;
	limits.flags = (c->noncoherent ? 0u : DMAH_DEV_COHERENT) |
		       (c->untrusted ? DMAH_DEV_UNTRUSTED : 0u);
	m->dev.name = "bench";
	why = rig_open(&m->rig, &config, &m->dev, &limits, memory_alloc);
	if (!why && machine_translated(c->kind) &&
	    (dmah_domain_pt(m->rig.dom, &m->pt) || lookup_set(&m->lookup, m->rig.dom, c->lookup)))
		why = "the lookup cannot be set";
	return why;
}

struct machine *machine_create(const struct machine_config *config, const char **why)
{
	struct machine *m = memory_alloc(sizeof(*m));

	m->config = *config;
	*why = make(m);
	return *why ? NULL : m;
}

const char *machine_destroy(struct machine *m)
{
	const char *why = rig_close(&m->rig);

	return why ? why : rig_pool_close(&m->pool);
}

size_t machine_memory(unsigned int cpus, enum dmah_mode mode)
{
	struct machine_config c = { .kind = MACHINE_VTD, .mode = mode };
	struct dmah_domain_config config = domain_config(&c);

	/* A translated domain must have an IOMMU. No function of this one is called. */
	static struct dmah_iommu iommu;

	config.iommu = &iommu;
	config.cpus = cpus;
	return dmah_domain_memory(&config);
}

/* Pages of a CPU's part that its first map makes, in lazy mode: see dmah_domain_memory(). */
#define CPU_PAGES 5u

size_t machine_cpu_memory(void)
{
	return (machine_memory(32, DMAH_LAZY) - machine_memory(16, DMAH_LAZY) + 15) / 16 +
	       CPU_PAGES * DMAH_PAGE_SIZE;
}
