/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the module: an attached device (a client), the bits of a handle, and the files.
 *
 *	main.c		attach, detach, the table of clients
 *	map.c fast.c	map, unmap and sync of one buffer
 *	vec.c ring.c batch.c coherent.c
 *	wrap.c		the same over the kernel's DMA API; record.c remembers its mappings
 *	pool*.c		slots in the device's default domain: kernels from 6.16 on
 *	domain*.c	the client's own IOMMU domain, on older ones; space.c allocates its IOVAs
 *			by the library's src/iova
 *	cache.c xen.c	CPU caches; foreign pages
 *	report.c debugfs.c trace.h
 *	host_inline.h	the library's host
 */
#ifndef DMAH_LINUX_CLIENT_H
#define DMAH_LINUX_CLIENT_H

#include <linux/dmah.h>
#include <linux/bitfield.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/ratelimit.h>

#include "compat.h"
#include "record.h"

struct domain;
struct dentry;
struct pool;
struct seq_file;

/*
 * meta:  31       22 21       12 11 10  9  8  7  6 5      3  2   1 0
 *        generation  client slot  H  W  C  P  M  N  kind     S   dir
 */
#define META_DIR       GENMASK(1, 0)
#define META_SYNC      DMAH_META_SYNC
#define META_KIND      GENMASK(5, 3)
#define META_NO_SYNC   BIT(6) /* DMA_ATTR_SKIP_CPU_SYNC */
#define META_MMIO      BIT(7) /* registers, not memory */
#define META_PART      BIT(8) /* a piece of a vector, or a ring's */
#define META_COHERENT  BIT(9) /* dmah_alloc_coherent() */
#define META_OWN       BIT(10) /* CPU caches are maintained by cache.c, not by the DMA API */
#define META_HYPERCALL BIT(11) /* and the kernel has no mapping: through the hypervisor */
#define META_DEVICE    GENMASK(21, 12)
#define META_GEN       GENMASK(31, 22)
#define META_GEN_STEP  BIT(22)

/* Requests to map that have no DMA_ATTR_*. */
#define META_ASKED (META_MMIO | META_PART | META_COHERENT | META_OWN | META_HYPERCALL)

/** enum kind - the call that undoes a mapping. */
enum kind {
	KIND_WRAP = 1, /* dma_unmap_page_attrs() */
	KIND_RESOURCE = 2, /* dma_unmap_resource() */
	KIND_BUS = 3, /* nothing: the caller knew the bus address */
	KIND_COHERENT = 4, /* dma_free_coherent() */
	KIND_DOMAIN = 5, /* the client's own domain */
	KIND_POOL = 6, /* a slot of the default domain */
	KIND_COVERED = 7, /* nothing: a piece that lies in the slot of a piece before it */
};

#define CLIENT_SLOTS 1023u

/**
 * struct request - a mapping that is wanted.
 * @phys: first byte.
 * @len: bytes.
 * @meta: META_DIR, META_ASKED.
 * @attrs: DMA_ATTR_*.
 * @caller: return address of the call.
 */
struct request {
	phys_addr_t phys;
	u32 len;
	u32 meta;
	unsigned long attrs;
	unsigned long caller;
};

/** struct client_counts - one CPU's counters. */
struct client_counts {
	u64 maps;
	u64 unmaps;
	u64 failed_maps;
	u64 syncs;
	u64 misuse;
	u64 bounced_bytes;
	u64 maintained_lines;
	u64 hypercalls;
	u64 invalidations;
	u64 flushes;
};

/**
 * struct client - a device attached to the module.
 * @dev: the device; a reference is held.
 * @domain: its own IOMMU domain, or NULL: wrap mode.
 * @fast: the same, where fast.c may be used.
 * @pool: its slots in the default domain, or NULL.
 * @pool_fast: the same, where pool_fast.c may be used.
 * @pool_meta: meta of a handle of a slot, but for the direction and the generation.
 * @counts: by CPU.
 * @meta: META_DEVICE of its handles.
 * @coherent: its accesses see the CPU's caches.
 * @untrusted: it may be hostile.
 * @translated: the kernel's DMA API maps it through an IOMMU.
 * @check: every sync is checked; in wrap mode mappings are recorded.
 * @records: those records.
 * @limit: so many reports are printed in a time.
 * @rings: rings that are not freed.
 * @kept: coherent memory whose handles the module keeps. @kept_lock: for the list.
 * @dir: in debugfs.
 */
struct client {
	struct device *dev;
	struct domain *domain;
	struct domain *fast;
	struct pool *pool;
	struct pool *pool_fast;
	u32 pool_meta;
	struct client_counts __percpu *counts;
	u32 meta;
	bool coherent;
	bool untrusted;
	bool translated;
	bool check;
	struct records records;
	struct ratelimit_state limit;
	atomic_t rings;
	struct list_head kept;
	spinlock_t kept_lock; /* the list */
	struct dentry *dir;
};

/** client_domain() - the client's own domain; NULL in a module that is built for slot pools. */
static inline struct domain *client_domain(const struct client *c)
{
	return IS_ENABLED(DMAH_LINUX_POOL) ? NULL : c->domain;
}

/** client_pool() - the client's slots; NULL in a module that is built for own domains. */
static inline struct pool *client_pool(const struct client *c)
{
	return IS_ENABLED(DMAH_LINUX_POOL) ? c->pool : NULL;
}

/*
 * A hash table finds the client, so that the driver's struct device is enough. A key is written
 * last and never moves, and the caller keeps its device attached, so readers need no lock.
 */
#define CLIENT_HASH_BITS 11
#define CLIENT_GONE	 ((struct device *)1)

struct client_entry {
	struct device *key;
	struct client *client;
};

extern struct client_entry client_table[1 << CLIENT_HASH_BITS];

static inline u32 client_hash(const struct device *dev)
{
	return (u32)((unsigned long)dev * GOLDEN_RATIO_64 >> (64 - CLIENT_HASH_BITS));
}

/** client_of() - the client that a device is, or NULL. */
static inline struct client *client_of(const struct device *dev)
{
	const struct client_entry *e = client_table + client_hash(dev);

	for (;;) {
		const struct device *key = READ_ONCE(e->key);

		if (likely(key == dev))
			return e->client;
		if (!key)
			return NULL;
		e = e == client_table + ARRAY_SIZE(client_table) - 1 ? client_table : e + 1;
	}
}

extern struct client *client_numbers[CLIENT_SLOTS + 1];

/** client_numbered() - the client with the device number of a handle, or NULL. */
static inline struct client *client_numbered(u32 meta)
{
	return READ_ONCE(client_numbers[FIELD_GET(META_DEVICE, meta)]);
}

#define client_count(c, what, by) this_cpu_add((c)->counts->what, by)

u64 client_live(const struct client *c);

static inline u32 meta_from_dir(enum dma_data_direction dir)
{
	/* DMA_BIDIRECTIONAL is 0: a handle's direction is never 0. */
	return dir == DMA_BIDIRECTIONAL ? 3 : (u32)dir;
}

static inline u32 meta_kind(u32 meta)
{
	return FIELD_GET(META_KIND, meta);
}

static inline bool meta_device_writes(u32 meta)
{
	return (meta & 2) != 0;
}

static inline u32 meta_from_attrs(unsigned long attrs)
{
	return attrs & DMA_ATTR_SKIP_CPU_SYNC ? META_NO_SYNC : 0;
}

static inline void handle_clear(struct dmah *h)
{
	*h = (struct dmah){};
}

/* map.c: everything below is checked by these, for one buffer */
int map_request(struct client *c, struct dmah *h, const struct request *req);
int unmap_handle(struct client *c, struct dmah *h, u32 allow, unsigned long attrs,
		 unsigned long caller);
int sync_handle(struct client *c, const struct dmah *h, size_t off, size_t len, bool for_cpu,
		unsigned long caller);
/**
 * client_check() - check that a handle is a live one of this client.
 * @what: for the report.
 *
 * Return: 0, -EINVAL, -ESTALE.
 */
int client_check(struct client *c, const struct dmah *h, u32 allow, const char *what,
		 unsigned long caller);

/* wrap.c */
int wrap_map(struct client *c, struct dmah *h, const struct request *req);
int wrap_map_bus(struct client *c, struct dmah *h, const struct request *req, dma_addr_t bus);
void wrap_unmap(struct client *c, struct dmah *h, unsigned long attrs);
void wrap_sync(struct client *c, const struct dmah *h, u32 off, u32 len, bool for_cpu);

/* cache.c */
/** cache_can() - Returns true if a module can maintain CPU caches in this kernel. */
bool cache_can(void);
/** cache_give() - the device may read or write now: CPU caches are cleaned. @h: META_OWN. */
void cache_give(struct client *c, const struct dmah *h, u32 off, u32 len);
/** cache_take_back() - the CPU may read what the device wrote: CPU caches are invalidated. */
void cache_take_back(struct client *c, const struct dmah *h, u32 off, u32 len);
/** cache_flush_kernel() - clean and invalidate the lines behind the kernel's linear mapping. */
void cache_flush_kernel(void *cpu, size_t len);

/* coherent.c */
/** coherent_forget() - free the handles that the module keeps. What they map has ended or leaks. */
void coherent_forget(struct client *c);

/* report.c */
void report_handle(struct client *c, const struct dmah *h, const char *what, unsigned long caller);
/** report_copy() - a copy of a handle was used, though the call succeeds. Counted as misuse. */
void report_copy(struct client *c, const struct dmah *h, unsigned long caller);
int misuse_handle(struct client *c, int err, const struct dmah *h, const char *what,
		  unsigned long caller);
/** report_live() - list what is mapped, in the log. */
void report_live(struct client *c, const char *what);

/** struct live - a mapping that is listed. */
struct live {
	dma_addr_t dma;
	phys_addr_t phys;
	u32 len;
	u32 meta;
	unsigned long caller;
};

/** client_walk_live() - call @fn for each live mapping that is recorded. */
void client_walk_live(struct client *c, void (*fn)(void *ctx, const struct live *live), void *ctx);

const char *meta_dir_name(u32 meta);

/* debugfs.c */
void debugfs_begin(void);
void debugfs_end(void);
void debugfs_add(struct client *c);
void debugfs_remove_client(struct client *c);

#endif /* DMAH_LINUX_CLIENT_H */
