// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <stdlib.h>
#include "machine.h"
#include "message.h"
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

/* ---- building ---- */

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* Limits what the bounce machine maps at one time: no real machine bounces more, and each replay would copy it all. */
#define BOUNCE_MOST GIB

static uint64_t pool_size(const struct machine_kind *kind, const struct plan *plan)
{
	/* Twice the most that is mapped: slots are contiguous, and lazily unmapped ones become free late. */
	uint64_t size = round_up(2 * plan->live_max + 32 * MIB, MIB);

	return !kind->pool ? 0 : size < 4 * GIB ? size : 4 * GIB;
}

static bool make_sim(struct machine *m, bool caches)
{
	const struct plan *plan = m->plan;
	uint64_t pool = pool_size(m->kind, plan);
	struct sim_config config;

	if (!sim_config_named(m->kind->sim, &config))
		return false;
	config.cache = caches && m->kind->noncoherent;
	config.noncoherent = m->kind->noncoherent;
	config.iommu[0].noncoherent_walk = m->kind->noncoherent && m->kind->va_bits;
	config.iommu[0].va_bits = m->kind->va_bits;
	config.iommu[0].tags = plan->ndevices + 1;
	config.ram_base = RAM_BASE;
	/* room for page tables and coherent memory, fragmentation included */
	config.host_size = round_up(64 * MIB + 2 * plan->coherent_max + plan->live_max / 256 +
					    plan->ndevices * 64 * PAGE,
				    MIB);
	m->data = RAM_BASE + config.host_size + pool;
	config.ram_size = config.host_size + pool + round_up(plan->data, MIB);
	config.foreign_size = round_up(plan->data, MIB);
	m->sim = sim_create(&config);
	return m->sim != NULL;
}

static void *alloc(size_t size)
{
	return xcheck(aligned_alloc(64, round_up(size, 64)));
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
		.pool = m->pool.pool,
		.xen = sim_xen(m->sim) ? &sim_xen_ops : NULL,
		.xen_ctx = sim_xen(m->sim),
	};
	struct sim_device_config sd = { .name = d->name,
					.id = 8 + i,
					.mask = d->wide ? UINT64_MAX : UINT32_MAX };
	struct dmah_limits limits;

	if (m->kind->va_bits) {
		config.iommu = sim_fake_iommu(sim_iommu(m->sim, 0));
		config.format = config.iommu->formats[0];
		config.va_bits = m->kind->va_bits;
		config.aperture_size = aperture(m, d);
	}
	m->simdev[i] = sim_device_add(m->sim, &sd);
	if (!m->simdev[i])
		return "the simulated device cannot be added";
	sim_device_limits(m->simdev[i], &limits);
	return rig_open(&m->rig[i], &config, sim_device_dmah(m->simdev[i]), &limits, alloc);
}

/*
 * A Linux driver must own the whole cache lines at its buffers' edges, so buffers need not bounce for them. The exception is
 * a line in which the trace shows another buffer.
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
					 .kept = item->kept,
					 .device = item->device,
					 .dir = item->dir,
					 .attrs = attrs_of(m, item) };
	}
}

/* Builds the parts of a machine. Return: NULL, or the reason of a failure and the device in @device, if it is one's. */
static const char *make(struct machine *m, bool caches, const struct plan_device **device)
{
	const struct plan *plan = m->plan;
	uint64_t pool = pool_size(m->kind, plan);
	const char *why;

	if (!m->kind->noncoherent && m->kind->pool && plan->live_max > BOUNCE_MOST)
		return "more than 1 GiB is mapped at one time and would have to be copied";
	if (!make_sim(m, caches))
		return "the simulated machine cannot be built: no memory";
	why = rig_pool_open(&m->pool, m->data - pool, pool, alloc);
	for (uint32_t i = 0; !why && i < plan->ndevices; i++) {
		*device = &plan->devices[i];
		why = make_device(m, i);
	}
	return why;
}

struct machine *machine_create(const struct machine_kind *kind, const struct plan *plan,
			       bool caches, unsigned int foreign)
{
	struct machine *m = xcalloc(1, sizeof(*m));
	const struct plan_device *device = NULL;
	const char *why;

	m->kind = kind;
	m->plan = plan;
	m->rig = xcalloc(plan->ndevices, sizeof(*m->rig));
	m->simdev = xcalloc(plan->ndevices, sizeof(*m->simdev));
	posix_set_cpu(0);
	why = make(m, caches, &device);
	if (!why) {
		make_targets(m);
		if (sim_xen(m->sim))
			xen_place(m, foreign);
		return m;
	}
	message("%s: machine %s: %s%s%s%s", trace_path(plan->trace), kind->name,
		device ? "device " : "", device ? device->name : "", device ? ": " : "", why);
	machine_destroy(m);
	return NULL;
}

bool machine_destroy(struct machine *m)
{
	struct posix_alloc_stats stats;
	bool clean = true;

	posix_set_cpu(0);
	for (uint32_t i = 0; i < m->plan->ndevices; i++) {
		clean &= !rig_close(&m->rig[i]);
		free(m->rig[i].memory);
	}
	clean &= !rig_pool_close(&m->pool);
	if (m->sim) {
		posix_alloc_stats(&stats);
		clean &= !stats.pages && !stats.mem;
		sim_destroy(m->sim);
	}
	free(m->pool.memory);
	free(m->rig);
	free(m->simdev);
	free(m->target);
	free(m->piece);
	free(m);
	return clean;
}

int machine_set_mode(struct machine *m, enum dmah_mode mode)
{
	int err = DMAH_OK;

	for (uint32_t i = 0; m->kind->va_bits && !err && i < m->plan->ndevices; i++)
		err = dmah_set_mode(m->rig[i].dom, mode);
	return err;
}

int machine_flush(struct machine *m)
{
	int err = DMAH_OK;

	for (uint32_t i = 0; i < m->plan->ndevices; i++) {
		int one = dmah_flush(m->rig[i].dom);

		err = err ? err : one;
	}
	return err;
}

void machine_stats(const struct machine *m, struct dmah_stats *sum)
{
	*sum = (struct dmah_stats){ 0 };
	for (uint32_t i = 0; i < m->plan->ndevices; i++) {
		struct dmah_stats one;

		dmah_device_stats(m->rig[i].dev, &one);
		stats_add(sum, &one);
	}
}

uint64_t machine_addr(const struct machine *m, dmah_phys_t phys)
{
	return sim_xen(m->sim) ? sim_xen_machine(sim_xen(m->sim), phys) : phys;
}
