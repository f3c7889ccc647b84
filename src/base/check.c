/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/check.h"

#ifdef DMAH_CHECK

#include "base/buffer.h"
#include "base/request.h"

/**
 * struct check_entry - one live mapping.
 * @state: NEVER used; LIVE; or WAS live, and a search continues past the entry.
 * @by_addr: made by an address-keyed call, and to be ended by one. A mapping made by handle may
 *	have the same address.
 * @synced: the whole buffer was synced for the CPU, and @sum is the checksum of its bytes at that
 *	time.
 */
struct check_entry {
	struct dmah h;
	uint64_t sum;
	uint8_t state;
	bool synced;
	bool by_addr;
};

enum { NEVER, LIVE, WAS };

/**
 * struct check_table - the shadow table: a hash table with open addressing, by DMA address and
 * device.
 */
struct check_table {
	struct dmah_lock lock;
	uint32_t size;
	uint32_t live;
	bool full;
	struct check_entry entry[];
};

size_t dmah_check_memory(const struct dmah_domain_config *cfg)
{
	return sizeof(struct check_table) + cfg->check_entries * sizeof(struct check_entry);
}

void dmah_check_init(struct dmah_domain *dom, void *memory)
{
	dom->check = memory;
	dom->check->size = dom->cfg.check_entries;
}

static uint32_t hash(const struct dmah *h)
{
	uint64_t x = (h->dma ^ (uint64_t)meta_device(h->meta) << 48) * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(x >> 32);
}

static bool same(const struct dmah *a, const struct dmah *b)
{
	return a->dma == b->dma && a->phys == b->phys && a->backend == b->backend &&
	       a->len == b->len && (a->meta | META_SYNC) == (b->meta | META_SYNC);
}

/* Return the entry of a live mapping, or NULL. Call with the table's lock held. */
static struct check_entry *find(struct check_table *table, const struct dmah *h)
{
	for (uint32_t i = 0, at = hash(h); i < table->size; i++, at++) {
		struct check_entry *entry = &table->entry[at & (table->size - 1)];

		if (entry->state == NEVER)
			return NULL;
		if (entry->state == LIVE && !entry->by_addr && same(&entry->h, h))
			return entry;
	}
	return NULL;
}

static struct check_table *lock(struct dmah_device *dev, unsigned long *flags)
{
	dmah_host_enter(flags);
	dmah_host_lock(&dev->dom->check->lock);
	return dev->dom->check;
}

static void unlock(struct dmah_device *dev, unsigned long flags)
{
	dmah_host_unlock(&dev->dom->check->lock);
	dmah_host_leave(flags);
}

void dmah_check_map(struct dmah_device *dev, const struct dmah *h)
{
	bool overflow = false;
	unsigned long flags;
	struct check_table *table = lock(dev, &flags);

	if (table->live >= table->size / 4 * 3) {
		overflow = !table->full;
		table->full = true;
	} else {
		for (uint32_t at = hash(h);; at++) {
			struct check_entry *entry = &table->entry[at & (table->size - 1)];

			if (entry->state == LIVE)
				continue;
			*entry = (struct check_entry){ .h = *h, .state = LIVE };
			table->live++;
			break;
		}
	}
	unlock(dev, flags);
	if (overflow)
		dmah_host_report(dev, DMAH_ENOSPC,
				 "the shadow table is full: misuse may go unseen from here on",
				 h->dma, NULL);
}

/* Compute FNV-1a over the bytes that the CPU sees. */
static uint64_t checksum(const struct dmah *h)
{
	uint64_t sum = 0xcbf29ce484222325ull;

	for (uint64_t done = 0; done < h->len;) {
		dmah_phys_t phys = h->phys + done;
		size_t n = DMAH_PAGE_SIZE - (size_t)(phys & (DMAH_PAGE_SIZE - 1));
		const unsigned char *bytes;

		n = n < h->len - done ? n : (size_t)(h->len - done);
		bytes = dmah_host_phys_map(phys, n);
		for (size_t i = 0; i < n; i++)
			sum = (sum ^ bytes[i]) * 0x100000001b3ull;
		dmah_host_phys_unmap((void *)(uintptr_t)bytes, phys, n);
		done += n;
	}
	return sum;
}

int dmah_check_unmap(struct dmah_device *dev, const struct dmah *h)
{
	struct check_entry was = { 0 };
	unsigned long flags;
	struct check_table *table = lock(dev, &flags);
	struct check_entry *entry = find(table, h);
	bool blind = table->full;

	if (entry) {
		was = *entry;
		entry->state = WAS;
		if (!--table->live)
			__builtin_memset(table->entry, 0, table->size * sizeof(*entry));
	}
	unlock(dev, flags);
	if (!entry)
		return blind ? DMAH_OK : DMAH_ESTALE;
	if (was.synced && checksum(h) != was.sum)
		(void)dmah_report_misuse(
			dev, DMAH_EINVAL,
			"the CPU wrote to a FROM_DEVICE buffer between sync_for_cpu and unmap",
			h->dma, NULL);
	return DMAH_OK;
}

void dmah_check_by_addr(struct dmah_device *dev, const struct dmah *h)
{
	unsigned long flags;
	struct check_entry *entry = find(lock(dev, &flags), h);

	if (entry)
		entry->by_addr = true;
	unlock(dev, flags);
}

int dmah_check_forget(struct dmah_device *dev, dmah_addr_t dma, uint32_t len, enum dmah_dir dir)
{
	struct dmah key = { .dma = dma, .meta = (uint32_t)dev->number << META_DEVICE_SHIFT };
	unsigned long flags;
	struct check_table *table = lock(dev, &flags);
	bool found = false, other = false, blind = table->full;

	for (uint32_t i = 0, at = hash(&key); !found && i < table->size; i++, at++) {
		struct check_entry *entry = &table->entry[at & (table->size - 1)];

		if (entry->state == NEVER)
			break;
		if (entry->state != LIVE || !entry->by_addr || entry->h.dma != dma ||
		    entry->h.len != len || meta_device(entry->h.meta) != dev->number)
			continue;
		if (meta_dir(entry->h.meta) != dir) {
			other = true;
			continue;
		}
		entry->state = WAS;
		table->live--;
		found = true;
	}
	if (found && !table->live)
		__builtin_memset(table->entry, 0, table->size * sizeof(table->entry[0]));
	unlock(dev, flags);
	if (found || blind)
		return DMAH_OK;
	return other ? DMAH_EINVAL : DMAH_ESTALE;
}

int dmah_check_sync(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len,
		    bool for_cpu)
{
	unsigned long flags;
	struct check_table *table = lock(dev, &flags);
	struct check_entry *entry = find(table, h);
	bool known = entry || table->full;

	(void)off;
	(void)len;
	if (entry && !for_cpu)
		entry->synced = false;
	unlock(dev, flags);
	return known ? DMAH_OK : DMAH_ESTALE;
}

void dmah_check_synced(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len,
		       bool for_cpu)
{
	struct check_entry *entry;
	unsigned long flags;
	uint64_t sum;

	/*
	 * An unmap discards the CPU's writes only if it copies a slot back or invalidates cache
	 * lines.
	 */
	if (!for_cpu || off || len != h->len || meta_dir(h->meta) != DMAH_FROM_DEVICE ||
	    h->meta & META_MMIO)
		return;
	sum = checksum(h);
	entry = find(lock(dev, &flags), h);
	if (entry) {
		entry->synced = true;
		entry->sum = sum;
	}
	unlock(dev, flags);
}

#endif /* DMAH_CHECK */
