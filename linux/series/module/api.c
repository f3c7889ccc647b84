// SPDX-License-Identifier: GPL-2.0-only
/* The ways to map that the kernel has. */
#include "test.h"

static int address_map(struct device *dev, struct mapping *m)
{
	m->addr = dma_map_phys(dev, m->phys, m->size, m->dir, 0);
	return dma_mapping_error(dev, m->addr);
}

static void address_unmap(struct device *dev, struct mapping *m)
{
	dma_unmap_phys(dev, m->addr, m->size, m->dir, 0);
}

static void address_sync_cpu(struct device *dev, struct mapping *m)
{
	dma_sync_single_for_cpu(dev, m->addr, m->size, m->dir);
}

static void address_sync_dev(struct device *dev, struct mapping *m)
{
	dma_sync_single_for_device(dev, m->addr, m->size, m->dir);
}

#ifdef HAVE_UNMAP_PHYS
static void phys_unmap(struct device *dev, struct mapping *m)
{
	dma_unmap_phys_at(dev, m->addr, m->phys, m->size, m->dir, 0);
}

static void phys_sync_cpu(struct device *dev, struct mapping *m)
{
	dma_sync_phys_at_for_cpu(dev, m->addr, m->phys, m->size, m->dir);
}

static void phys_sync_dev(struct device *dev, struct mapping *m)
{
	dma_sync_phys_at_for_device(dev, m->addr, m->phys, m->size, m->dir);
}
#endif

#ifdef HAVE_HANDLE
static int handle_map(struct device *dev, struct mapping *m)
{
	int err = dma_map_handle(dev, &m->h, m->phys, m->size, m->dir, 0);

	m->addr = dma_handle_addr(&m->h);
	return err;
}

static void handle_unmap(struct device *dev, struct mapping *m)
{
	dma_unmap_handle(dev, &m->h);
}

static void handle_sync_cpu(struct device *dev, struct mapping *m)
{
	dma_sync_handle_for_cpu(dev, &m->h, 0, m->size);
}

static void handle_sync_dev(struct device *dev, struct mapping *m)
{
	dma_sync_handle_for_device(dev, &m->h, 0, m->size);
}
#endif

#ifdef HAVE_BATCH
static struct dma_unmap_batch batch;
static unsigned int batched;

static void batch_unmap(struct device *dev, struct mapping *m, unsigned int max)
{
	if (!batched)
		dma_unmap_batch_init(&batch, dev);
	dma_unmap_batch_add(&batch, &m->h);
	if (++batched < max)
		return;
	dma_unmap_batch_flush(&batch);
	batched = 0;
}

static void batch16_unmap(struct device *dev, struct mapping *m)
{
	batch_unmap(dev, m, 16);
}

static void batch256_unmap(struct device *dev, struct mapping *m)
{
	batch_unmap(dev, m, 256);
}
#endif

const struct api apis[] = {
	{ "address", address_map, address_unmap, address_sync_cpu, address_sync_dev },
#ifdef HAVE_UNMAP_PHYS
	{ "phys", address_map, phys_unmap, phys_sync_cpu, phys_sync_dev, true },
#endif
#ifdef HAVE_HANDLE
	{ "handle", handle_map, handle_unmap, handle_sync_cpu, handle_sync_dev },
#endif
#ifdef HAVE_BATCH
	{ "batch of 16", handle_map, batch16_unmap, handle_sync_cpu, handle_sync_dev, false, 16 },
	{ "batch of 256", handle_map, batch256_unmap, handle_sync_cpu, handle_sync_dev, false,
	  256 },
#endif
};

const unsigned int api_count = ARRAY_SIZE(apis);
