/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/domain.h"
#include "base/check.h"
#include "base/count.h"
#include "base/setup_error.h"
#include "base/withheld.h"
#include "core/setup.h"

#define LINE 64u

/* How the caller's memory is cut up. Every part begins on a line of its own. */
struct plan {
	size_t devices;
	size_t cpus;
	size_t cpu_stride;
	size_t cpu_backend;
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

static void fill_defaults(struct dmah_domain_config *cfg)
{
	cfg->cpus = cfg->cpus ? cfg->cpus : 1;
	cfg->devices = cfg->devices ? cfg->devices : 4;
	cfg->cache_line = cfg->cache_line ? cfg->cache_line : 64;
	cfg->aperture_size = cfg->aperture_size ? cfg->aperture_size : 1ull << 32;
	cfg->lazy_entries = cfg->lazy_entries ? cfg->lazy_entries : 256;
	cfg->lazy_ns = cfg->lazy_ns ? cfg->lazy_ns : 10000000;
	/* A deadline is a time of the clock plus this, which must not wrap round: 73 years are enough. */
	cfg->lazy_ns = cfg->lazy_ns < 1ull << 61 ? cfg->lazy_ns : 1ull << 61;
	cfg->history = cfg->history ? cfg->history : 1024;
	cfg->check_entries = cfg->check_entries ? cfg->check_entries : 65536;
}

static bool refuse(const char *text, uint64_t value)
{
	(void)dmah_setup_error(NULL, DMAH_EINVAL, text, value);
	return false;
}

/* Returns true, or reports the field that makes no sense. */
static bool makes_sense(const struct dmah_domain_config *cfg)
{
	if (cfg->cpus > 4096)
		return refuse("dmah_domain: config.cpus is above 4096", cfg->cpus);
	if (cfg->devices > META_DEVICES)
		return refuse("dmah_domain: config.devices is above 1023", cfg->devices);
	if (!is_pow2(cfg->cache_line) || cfg->cache_line < 16 || cfg->cache_line > 2048)
		return refuse(
			"dmah_domain: config.cache_line is not a power of two from 16 to 2048",
			cfg->cache_line);
	if (!is_pow2(cfg->lazy_entries) || cfg->lazy_entries < 8 || cfg->lazy_entries > 4096)
		return refuse(
			"dmah_domain: config.lazy_entries is not a power of two from 8 to 4096",
			cfg->lazy_entries);
	if (!is_pow2(cfg->history) || cfg->history < 16 || cfg->history > 1u << 20)
		return refuse("dmah_domain: config.history is not a power of two from 16 to 2^20",
			      cfg->history);
	if (!is_pow2(cfg->check_entries) || cfg->check_entries > 1u << 24)
		return refuse("dmah_domain: config.check_entries is not a power of two up to 2^24",
			      cfg->check_entries);
	if ((unsigned int)cfg->mode > DMAH_PASSTHROUGH)
		return refuse("dmah_domain: config.mode is no mode", cfg->mode);
	return true;
}

static const struct backend_ops *backend_of(const struct dmah_domain_config *cfg)
{
	static const struct backend_ops *const backends[] = {
		[DMAH_BACKEND_DIRECT] = &dmah_backend_direct,
		[DMAH_BACKEND_BOUNCE] = &dmah_backend_bounce,
		[DMAH_BACKEND_IOMMU] = &dmah_backend_iommu,
		[DMAH_BACKEND_XEN] = &dmah_backend_xen,
	};

	return (unsigned int)cfg->backend < sizeof(backends) / sizeof(backends[0])
		       ? backends[cfg->backend]
		       : NULL;
}

static bool make_plan(struct dmah_domain_config *cfg, struct plan *plan)
{
	const struct backend_ops *ops = backend_of(cfg);
	struct backend_memory need = { 0 };
	size_t at;

	if (!ops)
		return refuse("dmah_domain: config.backend is none of enum dmah_backend",
			      cfg->backend);
	fill_defaults(cfg);
	if (!makes_sense(cfg) || (ops->memory && !ops->memory(cfg, &need)))
		return false;
	/* One CPU's part more than there are CPUs: a backend may have one that all share. */
	at = lines(sizeof(struct dmah_domain) + (cfg->cpus + 1) * sizeof(struct dmah_cpu *));
	plan->devices = at;
	at += lines(cfg->devices * sizeof(struct dmah_device *));
	/* A CPU's part is one piece: its counters, then its part of the backend. */
	plan->cpus = at;
	plan->cpu_backend =
		lines(sizeof(struct dmah_cpu) + cfg->devices * sizeof(struct dev_count));
	plan->cpu_stride = plan->cpu_backend + lines(need.cpu);
	at += cfg->cpus * plan->cpu_stride;
	plan->history = at;
	at += lines(dmah_history_memory(cfg->history));
	plan->check = at;
	at += lines(dmah_check_memory(cfg));
	plan->backend = at;
	plan->total = at + lines(need.domain);
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
	struct dmah_domain_config cfg = *config;
	struct dmah_domain *dom = memory;
	char *base = memory;
	struct plan plan;
	int err;

	if (!make_plan(&cfg, &plan))
		return DMAH_EINVAL;
	if (!memory || (uintptr_t)memory % LINE)
		return dmah_setup_error(NULL, DMAH_EINVAL,
					"dmah_domain_init: memory is NULL or not aligned to 64",
					(uintptr_t)memory);
	if (memory_size < plan.total)
		return dmah_setup_error(
			NULL, DMAH_EINVAL,
			"dmah_domain_init: memory_size is below dmah_domain_memory()", memory_size);
	__builtin_memset(memory, 0, plan.total);
	dom->cfg = cfg;
	dom->ops = backend_of(&cfg);
	dom->mode_wanted = cfg.mode;
	dom->device = (struct dmah_device **)(void *)(base + plan.devices);
	for (unsigned int i = 0; i < cfg.cpus; i++) {
		char *part = base + plan.cpus + i * plan.cpu_stride;

		dom->cpu[i] = (struct dmah_cpu *)(void *)part;
		if (dom->ops->init_cpu)
			dom->ops->init_cpu(dom, dom->cpu[i], part + plan.cpu_backend);
	}
	dmah_history_init(&dom->history, base + plan.history, cfg.history);
	dmah_check_init(dom, base + plan.check);
	if (dom->ops->init) {
		err = dom->ops->init(dom, base + plan.backend);
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
		return dmah_setup_error(NULL, DMAH_EBUSY, "dmah_domain_fini: devices are attached",
					dom->ndevices);
	err = dom->ops->fini ? dom->ops->fini(dom) : DMAH_OK;
	if (!err)
		dmah_withheld_release(dom);
	return err;
}

int dmah_domain_add_iommu(struct dmah_domain *dom, struct dmah_iommu *iommu)
{
	int err;

	if (!dom->ops->add_iommu)
		return dmah_setup_error(NULL, DMAH_ENOTSUP,
					"dmah_domain_add_iommu: the domain's backend has no IOMMU",
					0);
	dmah_setup_begin(dom);
	err = dom->ops->add_iommu(dom, iommu);
	dmah_setup_end(dom);
	return err;
}

int dmah_domain_pt(const struct dmah_domain *dom, struct dmah_pt_info *info)
{
	if (!dom->ops->pt_info)
		return DMAH_ENOTSUP;
	dom->ops->pt_info(dom, info);
	return DMAH_OK;
}

void dmah_domain_aperture(const struct dmah_domain *dom, dmah_addr_t *base, uint64_t *size)
{
	/* Without an IOMMU there are no granules. */
	*base = dom->granules ? dom->cfg.aperture_base : 0;
	*size = (uint64_t)dom->granules << PT_GRANULE_SHIFT;
}
