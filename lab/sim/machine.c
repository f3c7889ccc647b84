/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Building a machine, and taking it down. */
#include "fake_iommu.h"

#include "posix.h"

#include <stdlib.h>
#include <string.h>

#define PAGE	 DMAH_PAGE_SIZE
#define MIB	 (1ull << 20)
#define FIRMWARE (64 * MIB) /* only touched pages take memory */

static const struct sim_config named[] = {
	{ .name = "direct", .backend = DMAH_BACKEND_DIRECT },
	{ .name = "direct-noncoherent",
	  .backend = DMAH_BACKEND_DIRECT,
	  .cache = true,
	  .noncoherent = true },
	{ .name = "bounce", .backend = DMAH_BACKEND_BOUNCE },
	{ .name = "vtd", .backend = DMAH_BACKEND_IOMMU, .iommu = { { .flavour = SIM_VTD } } },
	{ .name = "vtd-noncoherent",
	  .backend = DMAH_BACKEND_IOMMU,
	  .cache = true,
	  .noncoherent = true,
	  .iommu = { { .flavour = SIM_VTD, .noncoherent_walk = true } } },
	{ .name = "vtd-cm",
	  .backend = DMAH_BACKEND_IOMMU,
	  .iommu = { { .flavour = SIM_VTD, .caching_mode = true } } },
	{ .name = "smmu", .backend = DMAH_BACKEND_IOMMU, .iommu = { { .flavour = SIM_SMMU } } },
	{ .name = "smmu-noncoherent",
	  .backend = DMAH_BACKEND_IOMMU,
	  .cache = true,
	  .noncoherent = true,
	  .iommu = { { .flavour = SIM_SMMU, .noncoherent_walk = true } } },
	{ .name = "amd", .backend = DMAH_BACKEND_IOMMU, .iommu = { { .flavour = SIM_AMD } } },
	{ .name = "smmu-s2",
	  .backend = DMAH_BACKEND_IOMMU,
	  .iommu = { { .flavour = SIM_SMMU, .stage2 = true } } },
	{ .name = "vtd-fs",
	  .backend = DMAH_BACKEND_IOMMU,
	  .iommu = { { .flavour = SIM_VTD, .first_stage = true } } },
	{ .name = "armmap",
	  .backend = DMAH_BACKEND_IOMMU,
	  .register_lookup = true,
	  .iommu = { { .flavour = SIM_SMMU, .va_bits = 39 } } },
	{ .name = "riscv", .backend = DMAH_BACKEND_IOMMU, .iommu = { { .flavour = SIM_RISCV } } },
	{ .name = "virtio", .backend = DMAH_BACKEND_IOMMU, .iommu = { { .flavour = SIM_VIRTIO } } },
	{ .name = "xen", .backend = DMAH_BACKEND_XEN },
	{ .name = "xen-noncoherent",
	  .backend = DMAH_BACKEND_XEN,
	  .cache = true,
	  .noncoherent = true },
};

const char *sim_config_name(unsigned int i)
{
	return i < sizeof(named) / sizeof(named[0]) ? named[i].name : NULL;
}

bool sim_config_named(const char *name, struct sim_config *config)
{
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (strcmp(named[i].name, name))
			continue;
		*config = named[i];
		return true;
	}
	return false;
}

/* Returns true if the configuration makes sense. */
static bool set_defaults(struct sim_config *c)
{
	if (!c->ram_base)
		c->ram_base = 1024 * MIB;
	if (!c->ram_size)
		c->ram_size = 256 * MIB;
	if (!c->host_base)
		c->host_base = c->ram_base;
	if (!c->host_size)
		c->host_size =
			(c->ram_size / 4 < 64 * MIB ? c->ram_size / 4 : 64 * MIB) / PAGE * PAGE;
	if (!c->line)
		c->line = 64;
	if (c->backend != DMAH_BACKEND_XEN)
		c->foreign_size = 0;
	else if (!c->foreign_size)
		c->foreign_size = 64 * MIB;
	return !((c->ram_base | c->ram_size | c->host_base | c->host_size | c->foreign_size) %
		 PAGE) &&
	       c->line >= 16 && c->line <= 2048 && !(c->line & (c->line - 1)) &&
	       c->ram_base + c->ram_size + c->foreign_size + FIRMWARE > c->ram_base &&
	       c->host_base >= c->ram_base && c->host_size <= c->ram_size &&
	       c->host_base - c->ram_base <= c->ram_size - c->host_size;
}

/* Tell the cache model that memory changes its use: whether the CPU reaches it by pointers that the model cannot follow. */
static void *note(void *ctx, dmah_phys_t phys, uint64_t size, enum posix_mem use)
{
	struct sim *sim = ctx;

	switch (use) {
	case POSIX_MEM_TABLE:
	case POSIX_MEM_CACHED:
		return sim_cache_use(&sim->cache, phys, size, SIM_LINE_POINTER);
	case POSIX_MEM_UNCACHED:
		return sim_cache_use(&sim->cache, phys, size, SIM_LINE_UNCACHED);
	case POSIX_MEM_FREE:
		break;
	}
	return sim_cache_use(&sim->cache, phys, size, SIM_LINE_INVALID);
}

static bool set_port(struct sim *sim)
{
	const struct sim_config *c = &sim->config;
	struct posix_machine m = { .base = sim->ram.mem,
				   .phys = c->ram_base,
				   .size = c->ram_size,
				   .host_phys = c->host_base,
				   .host_size = c->host_size,
				   .ctx = sim };

	if (c->cache) {
		m.base = sim->cache.view;
		m.note = note;
		m.virt_to_phys = sim_cpu_virt_to_phys;
	}
	if (c->cache || sim->xen) {
		m.phys_map = sim_cpu_phys_map;
		m.phys_unmap = sim_cpu_phys_unmap;
		m.cache = sim_cpu_host_cache;
	}
	return posix_set_machine(&m) == DMAH_OK;
}

static bool build(struct sim *sim)
{
	const struct sim_config *c = &sim->config;
	uint64_t known = c->ram_size + c->foreign_size;

	if (!sim_ram_init(&sim->ram, c->ram_base, known + FIRMWARE) ||
	    (c->cache && !sim_cache_init(&sim->cache, &sim->ram, c->line)))
		return false;
	sim->fw_next = c->ram_base + known;
	sim->fw_end = sim->fw_next + FIRMWARE;
	sim->taken = c->ram_base;
	for (unsigned int i = 0; i < SIM_IOMMUS; i++) {
		if (c->iommu[i].flavour == SIM_NO_IOMMU)
			continue;
		sim->iommu[i] = sim_iommu_create(sim, &c->iommu[i], i);
		if (!sim->iommu[i] || !sim_fake_create(sim->iommu[i]))
			return false;
	}
	if (c->backend == DMAH_BACKEND_XEN) {
		sim->xen = sim_xen_create(sim, c->ram_size, c->foreign_size);
		if (!sim->xen)
			return false;
	}
	return set_port(sim);
}

struct sim *sim_create(const struct sim_config *config)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	if (!sim)
		return NULL;
	sim->config = *config;
	if (set_defaults(&sim->config) && build(sim))
		return sim;
	sim_destroy(sim);
	return NULL;
}

void sim_destroy(struct sim *sim)
{
	struct sim_device *dev;

	if (!sim)
		return;
	sim_inject_end();
	posix_set_machine(NULL);
	sim_mmio_fini(&sim->mmio);
	while (sim->devices) {
		dev = sim->devices;
		sim->devices = dev->next;
		sim_tlb_fini(&dev->tlb);
		free(dev);
	}
	for (unsigned int i = 0; i < SIM_IOMMUS; i++) {
		if (sim->iommu[i])
			sim_fake_destroy(sim->iommu[i]);
		sim_iommu_destroy(sim->iommu[i]);
	}
	sim_xen_destroy(sim->xen);
	if (sim->config.cache)
		sim_cache_fini(&sim->cache);
	sim_ram_fini(&sim->ram);
	free(sim);
}

const struct sim_config *sim_config_of(const struct sim *sim)
{
	return &sim->config;
}

struct sim_iommu *sim_iommu(struct sim *sim, unsigned int i)
{
	return i < SIM_IOMMUS ? sim->iommu[i] : NULL;
}

struct sim_xen *sim_xen(struct sim *sim)
{
	return sim->xen;
}

uint64_t sim_fw_page(struct sim *sim)
{
	uint64_t page = sim->fw_next;

	if (page == sim->fw_end)
		return 0;
	sim->fw_next += PAGE;
	return page;
}

dmah_phys_t sim_ram_take(struct sim *sim, uint64_t size, uint64_t align)
{
	const struct sim_config *c = &sim->config;
	uint64_t end = c->ram_base + c->ram_size, at = (sim->taken + align - 1) & ~(align - 1);

	if (size > c->ram_size)
		return ~(dmah_phys_t)0;
	/* Skip the port's area. */
	if (at < c->host_base + c->host_size && c->host_base < at + size)
		at = (c->host_base + c->host_size + align - 1) & ~(align - 1);
	if (at > end - size)
		return ~(dmah_phys_t)0;
	sim->taken = at + size;
	return at;
}
