/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Devices: DMA from a device through its mask, its IOMMU and the caches to memory. */
#include "sim_int.h"

#include <stdio.h>
#include <stdlib.h>

#define BUS_PAGE 4096u

struct sim_device *sim_device_add(struct sim *sim, const struct sim_device_config *config)
{
	struct sim_device *dev;
	unsigned int i = config->iommu ? config->iommu - 1 : 0;

	if (config->id > 0xffff || i >= SIM_IOMMUS || (config->iommu && !sim->iommu[i]))
		return NULL;
	for (dev = sim->devices; dev; dev = dev->next)
		if (dev->config.id == config->id)
			return NULL;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return NULL;
	dev->sim = sim;
	dev->config = *config;
	if (!dev->config.mask)
		dev->config.mask = UINT64_MAX;
	dev->iommu = config->bare ? NULL : sim->iommu[i];
	/* Behind a register model the TLB is always on: the unit's tables decide whether its requests are accepted. */
	dev->ats = dev->iommu && dev->iommu->has_registers && config->ats;
	dev->coherent = config->coherent || !(config->noncoherent || sim->config.noncoherent);
	snprintf(dev->name, sizeof(dev->name), "dev%u", sim->ndevices++);
	dev->dmah.name = config->name ? config->name : dev->name;
	dev->dmah.id = config->id;
	dev->dmah.iommu = dev->iommu ? dev->iommu->dmah : NULL;
	if (dev->iommu)
		sim_tlb_set_limit(&dev->tlb, dev->iommu->tlb.limit, config->id + 1);
	dev->next = sim->devices;
	sim->devices = dev;
	return dev;
}

struct dmah_device *sim_device_dmah(struct sim_device *dev)
{
	return &dev->dmah;
}

void sim_device_limits(const struct sim_device *dev, struct dmah_limits *limits)
{
	*limits = (struct dmah_limits){ .mask = dev->config.mask,
					.flags = (dev->coherent ? DMAH_DEV_COHERENT : 0u) |
						 (dev->config.ats ? DMAH_DEV_ATS : 0u) };
}

bool sim_bus(struct sim *sim, uint64_t addr, void *buf, size_t len, bool write, bool coherent)
{
	if (!sim_ram_has(&sim->ram, addr, len))
		return false;
	if (sim->config.cache && write)
		sim_cache_dev_write(&sim->cache, addr, buf, len, coherent);
	else if (sim->config.cache)
		sim_cache_dev_read(&sim->cache, addr, buf, len, coherent);
	else if (write)
		sim_bus_copy(sim_ram_at(&sim->ram, addr), buf, len);
	else
		sim_bus_copy(buf, sim_ram_at(&sim->ram, addr), len);
	return true;
}

/* Hold the lock until the bytes have moved: a wait for an invalidation also waits for accesses under way. */
static enum sim_reason one(struct sim_device *dev, dmah_addr_t dma, void *buf, size_t len,
			   bool write, uint64_t *out, uint32_t *code)
{
	enum sim_reason reason = SIM_OK;
	uint64_t addr = dma - (uint64_t)dev->config.offset;

	*code = 0;
	if (dma + (len - 1) < dma || dma + (len - 1) > dev->config.mask)
		return SIM_FAULT_MASK;
	if (dev->iommu) {
		sim_lock(&dev->iommu->lock);
		reason = sim_translate(dev, dma, write, &addr, code);
		if (reason && *code && buf && dev->iommu->interface->fault)
			dev->iommu->interface->fault(dev->iommu->unit, dev->config.id, dma, write,
						     *code);
	}
	*out = addr;
	if (!reason && buf && !sim_bus(dev->sim, addr, buf, len, write, dev->coherent))
		reason = SIM_FAULT_BUS;
	if (dev->iommu)
		sim_unlock(&dev->iommu->lock);
	return reason;
}

static enum sim_reason all(struct sim_device *dev, dmah_addr_t dma, void *buf, size_t len,
			   bool write)
{
	struct sim_fault fault = { .device = dev->dmah.name, .id = dev->config.id, .write = write };
	uint8_t *at = buf;
	uint64_t out;

	while (len) {
		size_t n = BUS_PAGE - (size_t)(dma % BUS_PAGE);

		if (n > len)
			n = len;
		fault.reason = one(dev, dma, at, n, write, &out, &fault.code);
		if (fault.reason) {
			fault.dma = dma;
			sim_fault_add(dev->sim, &fault);
			return fault.reason;
		}
		dma += n;
		at += n;
		len -= n;
	}
	return SIM_OK;
}

enum sim_reason sim_dma_read(struct sim_device *dev, dmah_addr_t dma, void *buf, size_t len)
{
	return all(dev, dma, buf, len, false);
}

enum sim_reason sim_dma_write(struct sim_device *dev, dmah_addr_t dma, const void *buf, size_t len)
{
	return all(dev, dma, (void *)(uintptr_t)buf, len, true);
}

enum sim_reason sim_dma_reaches(struct sim_device *dev, dmah_addr_t dma, bool write,
				dmah_phys_t *phys)
{
	uint64_t out;
	uint32_t code;
	enum sim_reason reason = one(dev, dma, NULL, 1, write, &out, &code);

	if (!reason && !sim_ram_has(&dev->sim->ram, out, 1))
		reason = SIM_FAULT_BUS;
	if (!reason && phys)
		*phys = out;
	return reason;
}
