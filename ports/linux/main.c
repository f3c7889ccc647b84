// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: attach and detach of devices, statistics, load and unload.
 */
#include <linux/export.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "client.h"
#include "domain.h"
#include "pool.h"

static bool check = true;
module_param(check, bool, 0444);
MODULE_PARM_DESC(check, "check every sync, and in wrap mode record every mapping (default: 1)");

static bool wrap;
module_param(wrap, bool, 0444);
MODULE_PARM_DESC(wrap, "wrap mode for all devices, whatever their drivers ask for (default: 0)");

struct client_entry client_table[1 << CLIENT_HASH_BITS];

/* Protects the table and the slots. */
static DEFINE_MUTEX(setup);
static DECLARE_BITMAP(slots, CLIENT_SLOTS + 1);
static u32 last_slot;
struct client *client_numbers[CLIENT_SLOTS + 1];

/*
 * A handle that outlives its device's attachment names a slot. Slots are given in turn, so that
 * slot comes back only after CLIENT_SLOTS other attachments. Return: the slot, or 0.
 */
static u32 slot_get(void)
{
	u32 slot = find_next_zero_bit(slots, CLIENT_SLOTS + 1, last_slot + 1);

	if (slot > CLIENT_SLOTS)
		slot = find_next_zero_bit(slots, CLIENT_SLOTS + 1, 1);
	return slot > CLIENT_SLOTS ? 0 : slot;
}

static void table_add(struct client *c)
{
	u32 i = client_hash(c->dev);

	while (client_table[i].key && client_table[i].key != CLIENT_GONE)
		i = (i + 1) & (ARRAY_SIZE(client_table) - 1);
	client_table[i].client = c;
	/* A reader that finds the key finds the client. */
	smp_store_release(&client_table[i].key, c->dev);
}

static void table_remove(struct client *c)
{
	u32 i = client_hash(c->dev);
	const u32 mask = ARRAY_SIZE(client_table) - 1;

	while (client_table[i].key != c->dev)
		i = (i + 1) & mask;
	/*
	 * A search ends at an empty entry, so an entry in the middle of a chain is marked
	 * instead.
	 */
	if (client_table[(i + 1) & mask].key) {
		WRITE_ONCE(client_table[i].key, CLIENT_GONE);
		return;
	}
	WRITE_ONCE(client_table[i].key, NULL);
	for (i = (i - 1) & mask; client_table[i].key == CLIENT_GONE; i = (i - 1) & mask)
		WRITE_ONCE(client_table[i].key, NULL);
}

static void client_free(struct client *c)
{
	coherent_forget(c);
	records_fini(&c->records);
	free_percpu(c->counts);
	put_device(c->dev);
	kfree(c);
}

static struct client *client_alloc(struct device *dev)
{
	struct iommu_domain *used = iommu_get_domain_for_dev(dev);
	struct client *c = kzalloc(sizeof(*c), GFP_KERNEL);

	if (!c)
		return NULL;
	c->dev = get_device(dev);
	c->counts = alloc_percpu(struct client_counts);
	c->coherent = dev_is_dma_coherent(dev);
	c->untrusted = compat_untrusted(dev);
	c->translated = used && iommu_is_dma_domain(used);
	ratelimit_state_init(&c->limit, 5 * HZ, 40);
	INIT_LIST_HEAD(&c->kept);
	spin_lock_init(&c->kept_lock);
	if (!c->counts || records_init(&c->records)) {
		client_free(c);
		return NULL;
	}
	return c;
}

/* A kernel without pool mode gives a domain instead. */
static enum dmah_mode domain_mode(enum dmah_mode mode)
{
	switch (mode) {
	case DMAH_MODE_POOL:
		return DMAH_MODE_DOMAIN;
	case DMAH_MODE_POOL_STRICT:
		return DMAH_MODE_DOMAIN_STRICT;
	case DMAH_MODE_POOL_LAZY:
		return DMAH_MODE_DOMAIN_LAZY;
	default:
		return mode;
	}
}

static int attach_locked(struct device *dev, enum dmah_mode mode)
{
	struct client *c;
	u32 slot;
	int err;

	if (client_of(dev))
		return -EBUSY;
	slot = slot_get();
	if (!slot)
		return -ENOSPC;
	c = client_alloc(dev);
	if (!c)
		return -ENOMEM;
	c->meta = FIELD_PREP(META_DEVICE, slot);
	c->check = check;
	c->pool_meta = c->meta | FIELD_PREP(META_KIND, KIND_POOL) | (check ? META_SYNC : 0);
	if (mode != DMAH_MODE_WRAP && !wrap) {
		err = IS_ENABLED(DMAH_LINUX_POOL)
			      ? pool_attach(c, mode == DMAH_MODE_DOMAIN_STRICT ||
						       mode == DMAH_MODE_POOL_STRICT)
			      : domain_attach(c, domain_mode(mode));
		if (err == -ENOMEM) {
			client_free(c);
			return err;
		}
	}
	__set_bit(slot, slots);
	WRITE_ONCE(client_numbers[slot], c);
	last_slot = slot;
	table_add(c);
	debugfs_add(c);
	return 0;
}

int dmah_attach(struct device *dev, enum dmah_mode mode)
{
	int err;

	if ((unsigned int)mode > DMAH_MODE_POOL_LAZY)
		return -EINVAL;
	if (!dev->dma_mask || !*dev->dma_mask)
		return -EIO;
	/* Attached devices pin the module. */
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	mutex_lock(&setup);
	err = attach_locked(dev, mode);
	mutex_unlock(&setup);
	if (err)
		module_put(THIS_MODULE);
	return err;
}
EXPORT_SYMBOL_GPL(dmah_attach);

/* With @force, mappings that are left are listed and given up. */
static int detach_locked(struct device *dev, bool force)
{
	struct client *c = client_of(dev);
	u64 live;

	if (!c)
		return -ENODEV;
	live = client_live(c);
	if (live)
		report_live(c, force ? "leaked" : "still mapped");
	if (atomic_read(&c->rings))
		dev_err(dev, "dmah: %d rings are not freed\n", atomic_read(&c->rings));
	if ((live || atomic_read(&c->rings)) && !force)
		return -EBUSY;
	debugfs_remove_client(c);
	table_remove(c);
	WRITE_ONCE(client_numbers[FIELD_GET(META_DEVICE, c->meta)], NULL);
	__clear_bit(FIELD_GET(META_DEVICE, c->meta), slots);
	if (client_domain(c))
		domain_detach(c);
	if (client_pool(c))
		pool_detach(c);
	client_free(c);
	return 0;
}

static int detach(struct device *dev, bool force)
{
	int err;

	mutex_lock(&setup);
	err = detach_locked(dev, force);
	mutex_unlock(&setup);
	if (!err)
		module_put(THIS_MODULE);
	return err;
}

int dmah_detach(struct device *dev)
{
	return detach(dev, false);
}
EXPORT_SYMBOL_GPL(dmah_detach);

static void detach_unbound(void *dev)
{
	/* -ENODEV: the driver has detached it itself. */
	(void)detach(dev, true);
}

int devm_dmah_attach(struct device *dev, enum dmah_mode mode)
{
	int err = dmah_attach(dev, mode);

	return err ? err : devm_add_action_or_reset(dev, detach_unbound, dev);
}
EXPORT_SYMBOL_GPL(devm_dmah_attach);

int dmah_mode(struct device *dev)
{
	struct client *c = client_of(dev);

	if (!c)
		return -ENODEV;
	if (client_pool(c))
		return pool_is_lazy(client_pool(c)) ? DMAH_MODE_POOL_LAZY : DMAH_MODE_POOL_STRICT;
	if (!client_domain(c))
		return DMAH_MODE_WRAP;
	return domain_is_lazy(client_domain(c)) ? DMAH_MODE_DOMAIN_LAZY : DMAH_MODE_DOMAIN_STRICT;
}
EXPORT_SYMBOL_GPL(dmah_mode);

int dmah_flush(struct device *dev)
{
	struct client *c = client_of(dev);

	if (!c)
		return -ENODEV;
	if (client_domain(c))
		domain_flush(client_domain(c));
	if (client_pool(c))
		pool_flush(client_pool(c));
	return 0;
}
EXPORT_SYMBOL_GPL(dmah_flush);

static void client_stats(const struct client *c, struct dmah_stats *s)
{
	int cpu;

	*s = (struct dmah_stats){};
	for_each_possible_cpu(cpu) {
		const struct client_counts *n = per_cpu_ptr(c->counts, cpu);

		s->maps += n->maps;
		s->unmaps += n->unmaps;
		s->failed_maps += n->failed_maps;
		s->syncs += n->syncs;
		s->misuse += n->misuse;
		s->bounced_bytes += n->bounced_bytes;
		s->maintained_lines += n->maintained_lines;
		s->hypercalls += n->hypercalls;
		s->invalidations += n->invalidations;
		s->flushes += n->flushes;
	}
	s->live = s->maps - s->unmaps;
	s->pool_bytes = client_pool(c) ? pool_bytes(client_pool(c)) : 0;
}

u64 client_live(const struct client *c)
{
	struct dmah_stats s;

	client_stats(c, &s);
	return s.live;
}

int dmah_get_stats(struct device *dev, struct dmah_stats *stats)
{
	struct client *c = client_of(dev);

	if (!c)
		return -ENODEV;
	client_stats(c, stats);
	return 0;
}
EXPORT_SYMBOL_GPL(dmah_get_stats);

static int __init dmah_begin(void)
{
	BUILD_BUG_ON(sizeof(struct dmah) != 32);
	debugfs_begin();
	return 0;
}

static void __exit dmah_end(void)
{
	debugfs_end();
}

module_init(dmah_begin);
module_exit(dmah_end);

MODULE_DESCRIPTION("DMA mapping by handle");
MODULE_LICENSE("GPL");
