// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <stdlib.h>
#include "machine.h"
#include "posix.h"
#include "xalloc.h"

#define PAGE	 4096ull
#define MIB	 (1ull << 20)
#define GIB	 (1ull << 30)
#define RAM_BASE GIB

static const struct machine_kind kinds[] = {
	{ .name = "direct",
	  .what = "no IOMMU; devices are not coherent, so that syncs and unmaps maintain caches",
	  .sim = "direct-noncoherent",
	  .noncoherent = true,
	  .pool = true,
	  .ways = { { API_ADDRESS, LOOKUP_NONE },
		    { API_PAGE, LOOKUP_NONE },
		    { API_HANDLE, LOOKUP_NONE } },
	  .nways = 3 },
	{ .name = "bounce",
	  .what = "no IOMMU; every buffer is copied through a bounce pool",
	  .sim = "bounce",
	  .pool = true,
	  .ways = { { API_ADDRESS, LOOKUP_SEARCH },
		    { API_PAGE, LOOKUP_SEARCH },
		    { API_HANDLE, LOOKUP_NONE } },
	  .nways = 3 },
	{ .name = "vtd",
	  .what = "Intel VT-d, 4-level second-stage tables; all is coherent",
	  .sim = "vtd",
	  .va_bits = 48,
	  .ways = { { API_ADDRESS, LOOKUP_WALK },
		    { API_ADDRESS, LOOKUP_RBTREE },
		    { API_ADDRESS, LOOKUP_DIRECTORY },
		    { API_PAGE, LOOKUP_NONE },
		    { API_HANDLE, LOOKUP_NONE } },
	  .nways = 5 },
	{ .name = "smmu",
	  .what = "Arm SMMU, 4-level stage 1 tables; neither devices nor table walks are coherent",
	  .sim = "smmu-noncoherent",
	  .noncoherent = true,
	  .pool = true,
	  .va_bits = 48,
	  .ways = { { API_ADDRESS, LOOKUP_WALK },
		    { API_ADDRESS, LOOKUP_DIRECTORY },
		    { API_PAGE, LOOKUP_NONE },
		    { API_HANDLE, LOOKUP_NONE } },
	  .nways = 4 },
	{ .name = "armmap",
	  .what = "Arm SMMU that is asked by register (ATS1PR), 3-level LPAE tables; nothing is "
		  "coherent",
	  .sim = "armmap",
	  .noncoherent = true,
	  .pool = true,
	  .va_bits = 39,
	  .ways = { { API_ADDRESS, LOOKUP_REGISTER },
		    { API_ADDRESS, LOOKUP_DIRECTORY },
		    { API_PAGE, LOOKUP_NONE },
		    { API_HANDLE, LOOKUP_NONE } },
	  .nways = 4 },
	{ .name = "xen",
	  .what = "Xen on Arm, dom0; devices are not coherent, some pages are other domains'",
	  .sim = "xen-noncoherent",
	  .noncoherent = true,
	  .pool = true,
	  .ways = { { API_ADDRESS, LOOKUP_P2M },
		    { API_PAGE, LOOKUP_NONE },
		    { API_HANDLE, LOOKUP_NONE } },
	  .nways = 3 },
};

const struct machine_kind *machine_kind(unsigned int i)
{
	return i < sizeof(kinds) / sizeof(kinds[0]) ? &kinds[i] : NULL;
}

const char *api_name(enum api api)
{
	static const char *const names[] = { "address", "page", "handle" };

	return names[api];
}

const char *lookup_name(enum lookup lookup)
{
	static const char *const names[] = { "none",	 "directory", "walk",  "rbtree",
					     "register", "p2m",	      "search" };

	return names[lookup];
}

/* ---- building ---- */

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* A real machine would not bounce that much either, and this one would copy it again and again. */
#define BOUNCE_MOST GIB

static uint64_t pool_size(const struct machine_kind *kind, const struct plan *plan)
{
	/* twice what is needed at most: slots are contiguous, and lazily unmapped ones come back late */
	uint64_t size = round_up(2 * plan->live_max + 32 * MIB, MIB);

	return !kind->pool ? 0 : size < 4 * GIB ? size : 4 * GIB;
}

static bool make_sim(struct machine *m, bool caches)
{
	const struct plan *plan = m->plan;
	struct sim_config config;

	if (!sim_config_named(m->kind->sim, &config))
		return false;
	config.cache = caches && m->kind->noncoherent;
	config.noncoherent = m->kind->noncoherent;
	config.iommu[0].noncoherent_walk = m->kind->noncoherent && m->kind->va_bits;
	config.iommu[0].va_bits = m->kind->va_bits;
	config.iommu[0].tags = plan->ndevices + 1;
	config.ram_base = RAM_BASE;
	/* page tables and coherent memory, and what is between the one and the other */
	config.host_size = round_up(64 * MIB + 2 * plan->coherent_max + plan->live_max / 256 +
					    plan->ndevices * 64 * PAGE,
				    MIB);
	m->pool_size = pool_size(m->kind, plan);
	m->pool_phys = RAM_BASE + config.host_size;
	m->data = m->pool_phys + m->pool_size;
	config.ram_size = config.host_size + m->pool_size + round_up(plan->data, MIB);
	config.foreign_size = round_up(plan->data, MIB);
	m->sim = sim_create(&config);
	return m->sim != NULL;
}

static bool make_pool(struct machine *m)
{
	size_t need = dmah_pool_memory(m->pool_size);

	if (!m->pool_size)
		return true;
	m->pool_memory = xcheck(aligned_alloc(64, round_up(need, 64)));
	return dmah_pool_init(&m->pool, m->pool_phys, m->pool_size, m->pool_memory, need) ==
	       DMAH_OK;
}

static uint64_t aperture(const struct machine *m, const struct plan_device *d)
{
	uint64_t size = 4 * GIB;

	while (d->wide && size < 4 * d->live_max && size < (1ull << (m->kind->va_bits - 1)) &&
	       size < 1024 * GIB)
		size *= 2;
	return size;
}

static const char *make_device(struct machine *m, uint32_t i)
{
	const struct plan_device *d = &m->plan->devices[i];
	struct dmah_domain_config config = {
		.backend = sim_config_of(m->sim)->backend,
		.cpus = m->plan->cpus,
		.devices = 1,
		.pool = m->pool,
		.xen = sim_xen(m->sim) ? &sim_xen_ops : NULL,
		.xen_ctx = sim_xen(m->sim),
	};
	struct sim_device_config sd = { .name = d->name,
					.id = 8 + i,
					.mask = d->wide ? UINT64_MAX : UINT32_MAX };
	struct dmah_limits limits;
	size_t need;
	int err;

	if (m->kind->va_bits) {
		config.iommu = sim_fake_iommu(sim_iommu(m->sim, 0));
		config.format = config.iommu->formats[0];
		config.va_bits = m->kind->va_bits;
		config.aperture_size = aperture(m, d);
	}
	need = dmah_domain_memory(&config);
	if (!need)
		return "a domain like this makes no sense";
	m->memory[i] = xcheck(aligned_alloc(64, round_up(need, 64)));
	m->simdev[i] = sim_device_add(m->sim, &sd);
	if (!m->simdev[i])
		return "no such simulated device";
	err = dmah_domain_init(&m->dom[i], &config, m->memory[i], need);
	if (err) {
		free(m->memory[i]);
		return dmah_strerror(err);
	}
	sim_device_limits(m->simdev[i], &limits);
	m->dev[i] = sim_device_dmah(m->simdev[i]);
	m->ndev = i + 1;
	err = dmah_attach(m->dom[i], m->dev[i], &limits);
	return err ? dmah_strerror(err) : NULL;
}

/*
 * A Linux driver answers for the rest of the cache lines at its buffers' edges, and the library is told so, but where the
 * trace shows that the line has another buffer.
 */
static uint8_t attrs_of(const struct machine *m, const struct item *item)
{
	bool reached = m->plan->devices[item->device].wide ||
		       m->data + m->plan->data - 1 <= UINT32_MAX;

	if (m->kind->noncoherent && !item->shares_line && reached && item->kind != ITEM_COHERENT)
		return item->attrs | DMAH_ATTR_NO_BOUNCE;
	return item->attrs;
}

static void make_targets(struct machine *m)
{
	const struct plan *plan = m->plan;

	m->target = xcalloc(plan->nitems, sizeof(*m->target));
	m->piece = xcalloc(plan->npieces, sizeof(*m->piece));
	for (uint32_t i = 0; i < plan->npieces; i++)
		m->piece[i] = (struct piece){ .phys = m->data + plan->pieces[i].phys,
					      .len = plan->pieces[i].len };
	for (uint32_t i = 0; i < plan->nitems; i++) {
		const struct item *item = &plan->items[i];
		bool sg = item->kind == ITEM_SG;

		m->target[i] =
			(struct target){ .phys = sg ? item->first : m->piece[item->first].phys,
					 .len = sg ? item->pieces : (uint32_t)item->total,
					 .slot = item->slot,
					 .device = item->device,
					 .dir = item->dir,
					 .attrs = attrs_of(m, item) };
	}
}

struct machine *machine_create(const struct machine_kind *kind, const struct plan *plan,
			       bool caches, unsigned int foreign)
{
	struct machine *m = xcalloc(1, sizeof(*m));
	const char *why = NULL;
	bool said = false;

	m->kind = kind;
	m->plan = plan;
	m->dev = xcalloc(plan->ndevices, sizeof(*m->dev));
	m->simdev = xcalloc(plan->ndevices, sizeof(*m->simdev));
	m->dom = xcalloc(plan->ndevices, sizeof(*m->dom));
	m->memory = xcalloc(plan->ndevices, sizeof(*m->memory));
	posix_set_cpu(0);
	if (!kind->noncoherent && kind->pool && plan->live_max > BOUNCE_MOST)
		why = "more than 1 GiB is mapped at one time, and would have to be copied";
	else if (!make_sim(m, caches))
		why = "the simulated machine cannot be built: no memory";
	else if (!make_pool(m))
		why = "the bounce pool cannot be set up";
	for (uint32_t i = 0; !why && i < plan->ndevices; i++) {
		why = make_device(m, i);
		said = why != NULL;
		if (why)
			fprintf(stderr, "dmah replay: %s: machine %s: device %s: %s\n",
				trace_path(plan->trace), kind->name, plan->devices[i].name, why);
	}
	if (!why) {
		make_targets(m);
		if (sim_xen(m->sim))
			xen_place(m, foreign);
		return m;
	}
	if (!said)
		fprintf(stderr, "dmah replay: %s: machine %s: %s\n", trace_path(plan->trace),
			kind->name, why);
	machine_destroy(m);
	return NULL;
}

bool machine_destroy(struct machine *m)
{
	struct posix_alloc_stats stats;
	bool clean = true;

	posix_set_cpu(0);
	for (uint32_t i = 0; i < m->ndev; i++) {
		if (m->dev[i]->dom)
			clean &= dmah_detach(m->dev[i]) == DMAH_OK;
		clean &= dmah_domain_fini(m->dom[i]) == DMAH_OK;
		free(m->memory[i]);
	}
	clean &= !m->pool || dmah_pool_used(m->pool) == 0;
	if (m->sim) {
		posix_alloc_stats(&stats);
		clean &= !stats.pages && !stats.mem;
		sim_destroy(m->sim);
	}
	free(m->pool_memory);
	free(m->dev);
	free(m->simdev);
	free(m->dom);
	free(m->memory);
	free(m->target);
	free(m->piece);
	free(m);
	return clean;
}

int machine_set_mode(struct machine *m, enum dmah_mode mode)
{
	int err = DMAH_OK;

	for (uint32_t i = 0; m->kind->va_bits && !err && i < m->ndev; i++)
		err = dmah_set_mode(m->dom[i], mode);
	return err;
}

int machine_flush(struct machine *m)
{
	int err = DMAH_OK;

	for (uint32_t i = 0; i < m->ndev; i++) {
		int one = dmah_flush(m->dom[i]);

		err = err ? err : one;
	}
	return err;
}

void machine_stats(const struct machine *m, struct dmah_stats *sum)
{
	uint64_t *to = (uint64_t *)sum;

	*sum = (struct dmah_stats){ 0 };
	for (uint32_t i = 0; i < m->ndev; i++) {
		struct dmah_stats one;
		const uint64_t *from = (const uint64_t *)&one;

		dmah_device_stats(m->dev[i], &one);
		for (size_t k = 0; k < sizeof(one) / sizeof(*from); k++)
			to[k] += from[k];
	}
}

uint64_t machine_addr(const struct machine *m, dmah_phys_t phys)
{
	return sim_xen(m->sim) ? sim_xen_machine(sim_xen(m->sim), phys) : phys;
}
