/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/domain.h"
#include "backend/iommu/iommu.h"
#include "base/check.h"
#include "base/count.h"

#define LINE 64u

/* How the caller's memory is cut up. Every part begins on a line of its own. */
struct plan {
	size_t devices;
	size_t cpus;
	size_t cpu_stride;
	size_t cache;
	size_t lazy;
	size_t history;
	size_t check;
	size_t backend;
	size_t total;
};

static size_t lines(size_t bytes)
{
	return (bytes + LINE - 1) & ~(size_t)(LINE - 1);
}

static bool is_pow2(uint64_t n)
{
	return n && !(n & (n - 1));
}

static bool fill_defaults(struct dmah_domain_config *cfg)
{
	cfg->cpus = cfg->cpus ? cfg->cpus : 1;
	cfg->devices = cfg->devices ? cfg->devices : 4;
	cfg->cache_line = cfg->cache_line ? cfg->cache_line : 64;
	cfg->aperture_size = cfg->aperture_size ? cfg->aperture_size : 1ull << 32;
	cfg->lazy_entries = cfg->lazy_entries ? cfg->lazy_entries : 256;
	cfg->lazy_ns = cfg->lazy_ns ? cfg->lazy_ns : 10000000;
	cfg->history = cfg->history ? cfg->history : 1024;
	cfg->check_entries = cfg->check_entries ? cfg->check_entries : 65536;
	return cfg->cpus <= 4096 && cfg->devices <= META_DEVICES && is_pow2(cfg->cache_line) &&
	       cfg->cache_line >= 16 && cfg->cache_line <= 2048 && is_pow2(cfg->lazy_entries) &&
	       is_pow2(cfg->history) && cfg->history >= 16 && cfg->history <= 1u << 20 &&
	       cfg->lazy_entries >= 8 && cfg->lazy_entries <= 4096 && is_pow2(cfg->check_entries) &&
	       cfg->check_entries <= 1u << 24 && (unsigned int)cfg->mode <= DMAH_PASSTHROUGH;
}

/* Room behind the point where a flush is due, for what is unmapped while it is under way or after it failed. */
static uint32_t lazy_capacity(const struct dmah_domain_config *cfg)
{
	return 2 * cfg->lazy_entries;
}

static bool backend_memory(const struct dmah_domain_config *cfg, size_t *size)
{
	*size = 0;
	switch (cfg->backend) {
	case DMAH_BACKEND_DIRECT:
		return true;
	case DMAH_BACKEND_BOUNCE:
		return cfg->pool != NULL;
	case DMAH_BACKEND_IOMMU:
		*size = dmah_iommu_memory(cfg);
		return *size != 0;
	case DMAH_BACKEND_XEN:
		return cfg->xen && cfg->xen->phys_to_bus && cfg->xen->bus_to_phys &&
		       cfg->xen->has_mapping && cfg->xen->cache;
	}
	return false;
}

static bool make_plan(struct dmah_domain_config *cfg, struct plan *plan)
{
	bool lazy = cfg->backend == DMAH_BACKEND_IOMMU;
	size_t at, backend;

	if (!fill_defaults(cfg) || !backend_memory(cfg, &backend))
		return false;
	at = lines(sizeof(struct dmah_domain) + cfg->cpus * sizeof(struct dmah_cpu *));
	plan->devices = at;
	at += lines(cfg->devices * sizeof(struct dmah_device *));
	/* A CPU's part is in one piece: its counters, and behind them the entries of its cache and lazy queue. */
	plan->cpus = at;
	plan->cache = lines(sizeof(struct dmah_cpu) + cfg->devices * sizeof(struct dev_count));
	plan->lazy = plan->cache + (lazy ? lines(dmah_iova_cache_memory(cfg->lazy_entries)) : 0);
	plan->cpu_stride =
		plan->lazy + (lazy ? lines(lazy_capacity(cfg) * sizeof(struct lazy_entry)) : 0);
	at += cfg->cpus * plan->cpu_stride;
	plan->history = at;
	at += lines(dmah_history_memory(cfg->history));
	plan->check = at;
	at += lines(dmah_check_memory(cfg));
	plan->backend = at;
	plan->total = at + lines(backend);
	return true;
}

size_t dmah_domain_memory(const struct dmah_domain_config *config)
{
	struct dmah_domain_config cfg = *config;
	struct plan plan;

	return make_plan(&cfg, &plan) ? plan.total : 0;
}

int dmah_domain_init(struct dmah_domain **out, const struct dmah_domain_config *config,
		     void *memory, size_t memory_size)
{
	static const struct backend_ops *const backends[] = {
		[DMAH_BACKEND_DIRECT] = &dmah_backend_direct,
		[DMAH_BACKEND_BOUNCE] = &dmah_backend_bounce,
		[DMAH_BACKEND_IOMMU] = &dmah_backend_iommu,
		[DMAH_BACKEND_XEN] = &dmah_backend_xen,
	};
	struct dmah_domain_config cfg = *config;
	struct dmah_domain *dom = memory;
	char *base = memory;
	struct plan plan;
	int err;

	if (!make_plan(&cfg, &plan) || !memory || (uintptr_t)memory % LINE ||
	    memory_size < plan.total)
		return DMAH_EINVAL;
	__builtin_memset(memory, 0, plan.total);
	dom->cfg = cfg;
	dom->ops = backends[cfg.backend];
	dom->device = (struct dmah_device **)(void *)(base + plan.devices);
	dom->lazy_capacity = lazy_capacity(&cfg);
	for (unsigned int i = 0; i < cfg.cpus; i++) {
		char *part = base + plan.cpus + i * plan.cpu_stride;

		dom->cpu[i] = (struct dmah_cpu *)(void *)part;
		if (cfg.backend != DMAH_BACKEND_IOMMU)
			continue;
		dmah_iova_cache_init(&dom->cpu[i]->cache, part + plan.cache, cfg.lazy_entries,
				     cfg.mode == DMAH_LAZY);
		dom->cpu[i]->lazy.entry = (struct lazy_entry *)(void *)(part + plan.lazy);
	}
	dmah_history_init(&dom->history, base + plan.history, cfg.history);
	dmah_check_init(dom, base + plan.check);
	if (cfg.backend == DMAH_BACKEND_IOMMU) {
		err = dmah_iommu_init(dom, base + plan.backend);
		if (err)
			return err;
	}
	*out = dom;
	return DMAH_OK;
}

int dmah_domain_fini(struct dmah_domain *dom)
{
	int err;

	if (dom->ndevices)
		return DMAH_EBUSY;
	if (dom->cfg.backend != DMAH_BACKEND_IOMMU)
		return DMAH_OK;
	err = dmah_flush(dom);
	if (err)
		return err;
	dmah_iommu_fini(dom);
	return DMAH_OK;
}

uint64_t dmah_domain_live(const struct dmah_domain *dom)
{
	uint64_t live = 0;

	for (unsigned int i = 0; i < dom->cfg.devices; i++)
		if (dom->device[i])
			live += dmah_device_live(dom->device[i]);
	return live;
}
