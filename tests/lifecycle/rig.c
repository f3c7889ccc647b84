/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "rig.h"

static const char *const texts[RIG_ALL] = { "VT-d",	 "SMMUv3", "fake VT-d",
					    "fake SMMU", "RISC-V", "virtio-iommu" };
static const char *const machines[RIG_ALL] = { "vtd", "smmu", "vtd", "smmu", "riscv", "virtio" };

static enum rig_kind asked_for(enum rig_kind usual)
{
	const char *text = getenv("DMAH_TEST_HW");

	if (text && !strcmp(text, "riscv"))
		return RIG_RISCV;
	return text && !strcmp(text, "virtio") ? RIG_VIRTIO : usual;
}

enum rig_kind rig_first(void)
{
	return asked_for(RIG_VTD);
}

enum rig_kind rig_last(void)
{
	return asked_for(RIG_FAKE_SMMU);
}

const char *rig_text(enum rig_kind kind)
{
	return texts[kind];
}

static void report(void *ctx, const struct dmah_device *dev, int err, const char *text,
		   uint64_t addr, const void *caller)
{
	struct rig *r = ctx;

	(void)dev;
	(void)err;
	(void)addr;
	(void)caller;
	__atomic_add_fetch(&r->reports, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&r->text, text, __ATOMIC_RELAXED);
}

static bool has_registers(enum rig_kind kind)
{
	return kind != RIG_FAKE_VTD && kind != RIG_FAKE_SMMU;
}

static struct dmah_iommu *open_driver(struct rig *r, uint64_t timeout)
{
	if (!has_registers(r->kind))
		return sim_fake_iommu(sim_iommu(r->sim, 0));
	unit_create(&r->unit, r->sim, 0);
	return unit_start(&r->unit, timeout);
}

/* ---- before the driver's bind ---- */

static struct rig *hooked;

static int hooked_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		       const struct dmah_pt_info *pt, uint32_t tag)
{
	struct rig *r = hooked;
	int err = r->on_bind ? r->on_bind(r, dev, how) : DMAH_OK;

	if (!err)
		err = r->real->bind(iommu, dev, how, pt, tag);
	if (!err && r->bound)
		r->bound(r, dev, how);
	return err;
}

static int hooked_wait(struct dmah_iommu *iommu, uint64_t ticket)
{
	struct rig *r = hooked;
	void (*fn)(struct rig * r) = r->on_wait;

	/* Not written by the waits of several threads at once, where there is no hook. */
	if (fn) {
		r->on_wait = NULL;
		fn(r);
	}
	return r->real->wait(iommu, ticket);
}

static void hook(struct rig *r)
{
	hooked = r;
	r->real = r->iommu->ops;
	r->ops = *r->real;
	r->ops.bind = hooked_bind;
	r->ops.wait = hooked_wait;
	r->iommu->ops = &r->ops;
}

/* ---- the machine ---- */

struct dmah_domain *rig_domain(struct rig *r, const struct dmah_domain_config *config,
			       void **memory)
{
	struct dmah_domain *dom = NULL;
	size_t need = dmah_domain_memory(config);

	(void)r;
	assert_true(need > 0);
	*memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	assert_int_equal(dmah_domain_init(&dom, config, *memory, need), DMAH_OK);
	return dom;
}

void rig_open(struct rig *r, enum rig_kind kind, const struct rig_config *config)
{
	bool vtd = kind == RIG_VTD || kind == RIG_FAKE_VTD;
	uint64_t timeout = config->timeout ? config->timeout : 1000000;
	struct sim_config machine;

	memset(r, 0, sizeof(*r));
	r->kind = kind;
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	posix_set_report(report, r);
	assert_true(sim_config_named(machines[kind], &machine));
	machine.iommu[0].timeout = timeout;
	machine.iommu[0].caching_mode = config->caching_mode && vtd;
	machine.iommu[0].noncoherent_walk = config->noncoherent_walk;
	if (config->two_iommus)
		machine.iommu[1] = machine.iommu[0];
	machine.cache = config->noncoherent_walk;
	r->sim = sim_create(&machine);
	assert_non_null(r->sim);
	r->iommu = open_driver(r, timeout);
	/* The fake IOMMU is watched by itself. */
	if (has_registers(kind))
		sim_inject_watch(r->sim, 0, r->iommu);
	hook(r);
	r->config = config->domain;
	r->config.backend = DMAH_BACKEND_IOMMU;
	r->config.iommu = r->iommu;
	r->config.format = r->iommu->formats[0];
	if (!config->no_domain)
		r->dom = rig_domain(r, &r->config, &r->domain_memory);
}

struct dmah_device *rig_device_behind(struct rig *r, unsigned int iommu, bool ats)
{
	struct sim_device_config config = {
		.id = 0x100 + r->ndevices * 8, .iommu = iommu + 1, .coherent = true, .ats = ats
	};
	struct sim_device *dev = sim_device_add(r->sim, &config);

	assert_non_null(dev);
	assert_true(r->ndevices < RIG_DEVICES);
	r->dev[r->ndevices++] = dev;
	sim_device_dmah(dev)->iommu = r->iommu;
	return sim_device_dmah(dev);
}

struct dmah_device *rig_device(struct rig *r, bool ats)
{
	return rig_device_behind(r, 0, ats);
}

struct sim_device *rig_sim(const struct rig *r, const struct dmah_device *dev)
{
	for (unsigned int i = 0; i < r->ndevices; i++)
		if (sim_device_dmah(r->dev[i]) == dev)
			return r->dev[i];
	return NULL;
}

struct dmah_limits rig_limits(const struct rig *r, const struct dmah_device *dev)
{
	struct dmah_limits limits;

	sim_device_limits(rig_sim(r, dev), &limits);
	return limits;
}

struct dmah_device *rig_attach(struct rig *r, bool ats)
{
	struct dmah_device *dev = rig_device(r, ats);
	struct dmah_limits limits = rig_limits(r, dev);

	assert_int_equal(dmah_attach(r->dom, dev, &limits), DMAH_OK);
	return dev;
}

dmah_phys_t rig_page(struct rig *r, unsigned int pages)
{
	dmah_phys_t phys = sim_ram_take(r->sim, pages * 4096ull, 4096);

	assert_true(phys != ~0ull);
	sim_cpu_set(r->sim, phys, 0, pages * 4096ull);
	return phys;
}

bool rig_writes(const struct rig *r, const struct dmah_device *dev, dmah_addr_t dma)
{
	return sim_dma_write(rig_sim(r, dev), dma, "x", 1) == SIM_OK;
}

void rig_map_all(struct rig *r, struct dmah_device *dev, unsigned int n)
{
	struct dmah *h = calloc(n, sizeof(*h));
	dmah_phys_t page = rig_page(r, 1);
	char byte;

	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(dmah_map(dev, &h[i], page, 4096, DMAH_BIDIRECTIONAL, 0), DMAH_OK);
		sim_cpu_set(r->sim, page, 0, 1);
		assert_true(rig_writes(r, dev, dmah_addr(&h[i])));
		sim_cpu_read(r->sim, page, &byte, 1);
		assert_int_equal(byte, 'x');
	}
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(dmah_unmap(dev, &h[i]), DMAH_OK);
	free(h);
}

void rig_hold(struct rig *r, bool hold)
{
	if (has_registers(r->kind))
		unit_hold(&r->unit, hold);
	else if (hold)
		sim_fake_stick(sim_iommu(r->sim, 0), 0);
	else
		sim_fake_unstick(sim_iommu(r->sim, 0));
}

void rig_abandon(struct rig *r)
{
	sim_destroy(r->sim);
	posix_clock_real();
	posix_set_report(NULL, NULL);
	if (r->unit.memory)
		unit_free(&r->unit);
	free(r->domain_memory);
}

void rig_close(struct rig *r)
{
	struct posix_alloc_stats stats;

	if (r->dom)
		assert_int_equal(dmah_domain_fini(r->dom), DMAH_OK);
	if (has_registers(r->kind))
		unit_stop(&r->unit);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 0);
	rig_abandon(r);
}
