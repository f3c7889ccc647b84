// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings of handles with IOVAs of their own, in a domain of the device's own or in the default domain:
 * pushed one by one, popped one, 16 or 32 at a time.
 */
#include "cost.h"

static int ring_begin(struct cost *c, const char **why)
{
	int err = dmah_attach(c->dev, DMAH_MODE_DOMAIN);

	if (err) {
		*why = "dmah_attach() failed";
		return err;
	}
	if (dmah_mode(c->dev) != DMAH_MODE_WRAP)
		return 0;
	*why = "the device cannot have a domain of its own here: its rings are those of wrap";
	dmah_detach(c->dev);
	return -EOPNOTSUPP;
}

static void ring_end(struct cost *c)
{
	if (dmah_detach(c->dev))
		pr_err("dmah-cost: the device cannot be detached\n");
}

static int ring_open(struct cost *c, const char **why)
{
	const struct dmah_ring_config config = {
		.entries = COST_LIVE,
		.entry_size = PAGE_SIZE,
		.dir = COST_DIR,
	};

	c->ring = dmah_ring_alloc(c->dev, &config);
	*why = "dmah_ring_alloc() failed";
	return PTR_ERR_OR_ZERO(c->ring);
}

static void ring_close(struct cost *c)
{
	if (dmah_ring_free(c->ring))
		pr_err("dmah-cost: a ring cannot be freed\n");
}

static int ring_map(struct cost *c, const u16 *which, u32 n)
{
	struct slot *s;

	cost_for_each(c, s, which, n)
	{
		int err = dmah_ring_push(c->ring, s->page, c->off, c->len, &s->dma);

		/* Earlier pushes stay; only the whole case can be given up. */
		if (err) {
			dmah_ring_pop(c->ring, dmah_ring_live(c->ring));
			return err;
		}
	}
	return 0;
}

static void ring_unmap(struct cost *c, const u16 *which, u32 n)
{
	/* After a failure nothing is left. */
	if (dmah_ring_live(c->ring) >= n)
		dmah_ring_pop(c->ring, n);
}

static void ring_unmap_singly(struct cost *c, const u16 *which, u32 n)
{
	while (n-- && dmah_ring_live(c->ring))
		dmah_ring_pop(c->ring, 1);
}

/* The youngest @n: those that were pushed last. */
static void ring_sync_cpu(struct cost *c, const u16 *which, u32 n)
{
	for (u32 at = COST_LIVE - n; at < COST_LIVE; at++)
		dmah_ring_sync_for_cpu(c->ring, at, 0, c->len);
}

static void ring_sync_device(struct cost *c, const u16 *which, u32 n)
{
	for (u32 at = COST_LIVE - n; at < COST_LIVE; at++)
		dmah_ring_sync_for_device(c->ring, at, 0, c->len);
}

const struct cost_case cases_ring[] = {
	{ .name = "ring-1",
	  .group = 16,
	  .in_order = true,
	  .begin = ring_begin,
	  .end = ring_end,
	  .open = ring_open,
	  .close = ring_close,
	  .map = ring_map,
	  .unmap = ring_unmap_singly },
	{ .name = "ring-16",
	  .group = 16,
	  .in_order = true,
	  .begin = ring_begin,
	  .end = ring_end,
	  .open = ring_open,
	  .close = ring_close,
	  .map = ring_map,
	  .unmap = ring_unmap,
	  .sync_cpu = ring_sync_cpu,
	  .sync_device = ring_sync_device },
	{ .name = "ring-32",
	  .group = 32,
	  .in_order = true,
	  .begin = ring_begin,
	  .end = ring_end,
	  .open = ring_open,
	  .close = ring_close,
	  .map = ring_map,
	  .unmap = ring_unmap },
	{},
};
