// SPDX-License-Identifier: GPL-2.0-only
/*
 * By handle: over the kernel's DMA API (wrap), in a domain of the device's own or in slots of the
 * default domain, and unmapped as batches there.
 */
#include "cost.h"

static int attach(struct cost *c, enum dmah_mode mode, const char **why)
{
	int err = dmah_attach(c->dev, mode), got;

	if (err) {
		*why = "dmah_attach() failed";
		return err;
	}
	got = dmah_mode(c->dev);
	if (mode == DMAH_MODE_WRAP)
		return 0;
	if (mode == DMAH_MODE_DOMAIN &&
	    (got == DMAH_MODE_DOMAIN_STRICT || got == DMAH_MODE_DOMAIN_LAZY))
		return 0;
	if (mode != DMAH_MODE_DOMAIN &&
	    (got == DMAH_MODE_POOL_STRICT || got == DMAH_MODE_POOL_LAZY))
		return 0;
	*why = got == DMAH_MODE_WRAP ? "no IOMMU that can be used: its mappings are those of wrap"
				     : "this kernel has the other of domain and pool mode";
	dmah_detach(c->dev);
	return -EOPNOTSUPP;
}

static int wrap_begin(struct cost *c, const char **why)
{
	return attach(c, DMAH_MODE_WRAP, why);
}

static int domain_begin(struct cost *c, const char **why)
{
	return attach(c, DMAH_MODE_DOMAIN, why);
}

int cost_pool_begin(struct cost *c, const char **why)
{
	return attach(c, DMAH_MODE_POOL, why);
}

void cost_detach(struct cost *c)
{
	if (dmah_detach(c->dev))
		pr_err("dmah-cost: the device cannot be detached\n");
}

static void handle_unmap(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n) dmah_unmap(c->dev, &s->h);
}

static int handle_map(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n)
	{
		int err = dmah_map_page(c->dev, &s->h, s->page, c->off, c->len, COST_DIR);

		if (err) {
			handle_unmap(c, which, i_);
			return err;
		}
	}
	return 0;
}

static void handle_sync_cpu(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n) dmah_sync_for_cpu(c->dev, &s->h, 0, c->len);
}

static void handle_sync_device(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n) dmah_sync_for_device(c->dev, &s->h, 0, c->len);
}

static void batch_unmap(struct cost *c, const u16 *which, u32 n)
{
	struct dmah *handles[COST_GROUP], room[COST_GROUP];
	struct dmah_batch batch = { .h = room, .max = COST_GROUP };

	for (u32 i = 0; i < n; i++)
		handles[i] = &c->slots[which[i]].h;
	dmah_unmap_start(c->dev, &batch, handles, n);
	dmah_unmap_finish(c->dev, &batch);
}

const struct cost_case cases_handle[] = {
	{ .name = "wrap",
	  .group = 16,
	  .begin = wrap_begin,
	  .end = cost_detach,
	  .map = handle_map,
	  .unmap = handle_unmap,
	  .sync_cpu = handle_sync_cpu,
	  .sync_device = handle_sync_device },
	{ .name = "domain",
	  .group = 16,
	  .begin = domain_begin,
	  .end = cost_detach,
	  .map = handle_map,
	  .unmap = handle_unmap,
	  .sync_cpu = handle_sync_cpu,
	  .sync_device = handle_sync_device },
	{ .name = "domain-in-order",
	  .group = 16,
	  .in_order = true,
	  .begin = domain_begin,
	  .end = cost_detach,
	  .map = handle_map,
	  .unmap = handle_unmap,
	  .sync_cpu = handle_sync_cpu,
	  .sync_device = handle_sync_device },
	{ .name = "batch-16",
	  .group = 16,
	  .begin = domain_begin,
	  .end = cost_detach,
	  .map = handle_map,
	  .unmap = batch_unmap },
	{ .name = "pool",
	  .group = 16,
	  .begin = cost_pool_begin,
	  .end = cost_detach,
	  .map = handle_map,
	  .unmap = handle_unmap,
	  .sync_cpu = handle_sync_cpu,
	  .sync_device = handle_sync_device },
	{ .name = "pool-batch-16",
	  .group = 16,
	  .begin = cost_pool_begin,
	  .end = cost_detach,
	  .map = handle_map,
	  .unmap = batch_unmap },
	{},
};
