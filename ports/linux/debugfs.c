// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/dmah/DEVICE/stats and /mappings.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "client.h"
#include "domain.h"

static struct dentry *root;

static int stats_show(struct seq_file *m, void *unused)
{
	static const char *const modes[] = { "wrap", "domain",	    "domain-strict", "domain-lazy",
					     "pool", "pool-strict", "pool-lazy" };
	struct client *c = m->private;
	struct dmah_stats s;

	if (dmah_get_stats(c->dev, &s))
		return 0;
	seq_printf(m, "mode %s\n", modes[dmah_mode(c->dev)]);
	seq_printf(m, "coherent %d\nuntrusted %d\nchecked %d\n", c->coherent, c->untrusted,
		   c->check);
	seq_printf(m, "live %llu\nmaps %llu\nunmaps %llu\nfailed_maps %llu\nsyncs %llu\n", s.live,
		   s.maps, s.unmaps, s.failed_maps, s.syncs);
	seq_printf(m, "misuse %llu\nbounced_bytes %llu\nmaintained_lines %llu\nhypercalls %llu\n",
		   s.misuse, s.bounced_bytes, s.maintained_lines, s.hypercalls);
	seq_printf(m, "invalidations %llu\nflushes %llu\npool_bytes %llu\n", s.invalidations,
		   s.flushes, s.pool_bytes);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static void show_one(void *ctx, const struct live *live)
{
	seq_printf(ctx, "dma %pad phys %pap len %u dir %s%s caller %pS\n", &live->dma, &live->phys,
		   live->len, meta_dir_name(live->meta),
		   live->meta & META_COHERENT ? " coherent" : "", (void *)live->caller);
}

static int mappings_show(struct seq_file *m, void *unused)
{
	client_walk_live(m->private, show_one, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mappings);

void debugfs_begin(void)
{
	root = debugfs_create_dir("dmah", NULL);
}

void debugfs_end(void)
{
	debugfs_remove_recursive(root);
}

void debugfs_add(struct client *c)
{
	c->dir = debugfs_create_dir(dev_name(c->dev), root);
	debugfs_create_file("stats", 0400, c->dir, c, &stats_fops);
	debugfs_create_file("mappings", 0400, c->dir, c, &mappings_fops);
}

void debugfs_remove_client(struct client *c)
{
	debugfs_remove_recursive(c->dir);
}
