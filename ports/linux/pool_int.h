/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of pool mode. "Slot" here is a range of IOVAs that keeps its leaf entries; no bounce
 * slot.
 */
#ifndef DMAH_LINUX_POOL_INT_H
#define DMAH_LINUX_POOL_INT_H

#include <linux/dma-map-ops.h>
#include <linux/iommu.h>
#include <linux/percpu.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#ifdef CONFIG_X86
#include <asm/special_insns.h>
#endif

#include "pool.h"

/** POOL_CLASSES - slots have 1, 2, 4 ... 32 pages. */
#define POOL_CLASSES  6u
#define POOL_SLOT_MAX (1u << (POOL_CLASSES - 1))
/** POOL_CHUNK - IOVAs of a chunk: one leaf table. */
#define POOL_CHUNK	 SZ_2M
#define POOL_CHUNK_PAGES (POOL_CHUNK / SZ_4K)
/** POOL_CHUNKS - most chunks of a device. */
#define POOL_CHUNKS 1024u

/**
 * struct pool_slot - a slot.
 * @meta: as in the handle of its mapping. Without META_DIR there is none; the generation stays.
 * @len, @phys: as in the handle.
 * @iova: of its first page.
 * @entry: leaf entry of its first page; NULL where entries are made by iommu_map().
 * @caller: return address of the map call.
 * @home: the handle that map filled, or dmah_move(). Compared, never followed.
 * @bounce: pages that stand in for a buffer of an untrusted device; NULL before the first use.
 * @bounced: this mapping uses them.
 * @class: its chunk's.
 * @name: number of the chunk, and of the slot in it: what a handle keeps in @backend.
 * @next: next free slot of the chunk.
 */
struct pool_slot {
	u32 meta;
	u32 len;
	phys_addr_t phys;
	dma_addr_t iova;
	u64 *entry;
	unsigned long caller;
	const struct dmah *home;
	void *bounce;
	bool bounced;
	u8 class;
	u32 name;
	struct pool_slot *next;
};

/**
 * struct pool_chunk - IOVAs that are cut into slots of one class.
 * @slot: the slots. They stay until the device is detached, so that a stale handle can be compared
 *	with them at any time; a chunk whose IOVAs are given back is used again by the next growth.
 * @slots: how many.
 * @class: log2 of a slot's pages.
 * @iova: the IOVAs; @held says that the chunk has some.
 * @leaf: the leaf table, or NULL.
 * @free: slots that no CPU keeps and that translate nowhere; @nfree: how many.
 * @link: in the pool's list of the class, while @nfree is not 0.
 */
struct pool_chunk {
	struct pool_slot *slot;
	u32 slots;
	u32 class;
	struct dma_iova_state iova;
	bool held;
	u64 *leaf;
	struct pool_slot *free;
	u32 nfree;
	struct list_head link;
};

/**
 * struct pool_ring - slots of one class that a CPU keeps, in the order in which they came.
 * @out: the next to be used. Up to @clean they may be used; up to @in they wait for a flush.
 * @mark: slots before it waited already when flush @mark_flush was the last that had begun.
 * @mask: entries less 1.
 * @batch: so many wait at most, then this CPU flushes.
 */
struct pool_ring {
	u32 out;
	u32 clean;
	u32 mark;
	u32 in;
	int mark_flush;
	u32 mask;
	u32 batch;
	struct pool_slot **slot;
};

/** struct pool_cpu - the slots that one CPU keeps. Only that CPU uses it, with interrupts off. */
struct pool_cpu {
	struct pool_ring ring[POOL_CLASSES];
	struct pool_slot **memory;
};

/**
 * struct pool_format - the leaf entries of the domain's page table.
 * @entry: an entry without its address, by META_DIR. 0 where entries are made by iommu_map().
 * @incoherent: the IOMMU does not see the CPU's caches.
 */
struct pool_format {
	u64 entry[4];
	bool incoherent;
};

/**
 * struct pool_strict - flushes of ranges that CPUs share.
 * @flush: held by the CPU that flushes.
 * @waiting: ranges that were added for the next flush. @lock: for these and for @next.
 * @done: number of the last flush for added ranges that has ended.
 * @next: number of the next.
 * @first, @last: first and last byte of what was added.
 * @alone: no flush is shared.
 */
struct pool_strict {
	bool alone;
	spinlock_t flush ____cacheline_aligned_in_smp; /* one flush at a time */
	u32 waiting;
	u32 done;
	u32 next;
	spinlock_t lock; /* the next flush */
	dma_addr_t first;
	dma_addr_t last;
};

/**
 * struct pool - the slots of a client.
 * @c: the client.
 * @domain: its device's default domain.
 * @format: its leaf entries.
 * @lazy: unmapped ranges wait for a flush.
 * @sync_map: the IOMMU may need a flush where entries come.
 * @cpu: by CPU.
 * @chunk: the first @chunks have been in use. @lock: for their lists of free slots, and for
 *	growth.
 * @some: chunks with free slots, by class.
 * @held: chunks that hold IOVAs; at most @limit.
 * @begun, @done: flushes begun; the last that has ended, and all before it.
 * @timer: the deadline; @armed: it runs.
 * @strict: flushes of ranges.
 * @shrink: gives back chunks of which every slot is free.
 * @runs: the slots of rings.
 */
struct pool {
	struct client *c;
	struct iommu_domain *domain;
	struct pool_format format;
	bool lazy;
	bool sync_map;
	struct pool_cpu __percpu *cpu;
	atomic_t begun;
	atomic_t done;
	bool armed;
	struct timer_list timer;
	struct pool_strict strict;
	spinlock_t lock; /* lists of free slots, and growth */
	struct list_head some[POOL_CLASSES];
	u32 chunks;
	u32 held;
	u32 limit;
	struct delayed_work shrink;
	struct list_head runs;
	struct pool_chunk chunk[POOL_CHUNKS];
};

static inline u32 pool_pages(phys_addr_t phys, u32 len)
{
	return (u32)((offset_in_page(phys) + (u64)len + PAGE_SIZE - 1) >> PAGE_SHIFT);
}

/** pool_class() - log2 of the pages of the slot that @pages pages need. */
static __always_inline unsigned int pool_class(u32 pages)
{
	return pages <= 1 ? 0 : fls(pages - 1);
}

/**
 * pool_find() - Returns true if a handle names a slot that its mapping is in.
 * @slot: set to that slot.
 */
static __always_inline bool pool_find(struct pool *p, const struct dmah *h, struct pool_slot **slot)
{
	/*
	 * No array is indexed here: a handle may hold anything, so both numbers are bounded
	 * first.
	 */
	const struct pool_chunk *c = p->chunk + (h->backend / POOL_CHUNK_PAGES) % POOL_CHUNKS;
	u32 at = (u32)h->backend % POOL_CHUNK_PAGES;
	struct pool_slot *s = c->slot + at;

	if (unlikely(at >= READ_ONCE(c->slots)))
		return false;
	*slot = s;
	return likely(READ_ONCE(s->meta) == h->meta && s->phys == h->phys && s->len == h->len &&
		      s->iova + offset_in_page(h->phys) == h->dma);
}

/** pool_slot_of() - the slot that a live handle names, or NULL. */
static inline struct pool_slot *pool_slot_of(struct pool *p, const struct dmah *h)
{
	struct pool_slot *s = NULL;

	return pool_find(p, h, &s) ? s : NULL;
}

/**
 * pool_claim() - end the mapping of a slot.
 * @meta: the handle's, not 0.
 *
 * Two CPUs may unmap copies of one handle at the same time: the exchange succeeds for one of them.
 */
static __always_inline bool pool_claim(struct pool_slot *s, u32 meta)
{
	return try_cmpxchg(&s->meta, &meta, meta & META_GEN);
}

/**
 * pool_slot_pages() - pages of a slot that its mapping may have entries in.
 *
 * A vector's pieces may lie side by side in one slot, which knows the length of the first alone.
 */
static inline u32 pool_slot_pages(const struct pool_slot *s)
{
	return s->entry ? 1u << s->class : pool_pages(s->phys, s->len);
}

/** pool_begin() - a mapping begins in a slot. Return: the handle's meta. */
static __always_inline u32 pool_begin(struct pool_slot *s, const struct dmah *h, phys_addr_t phys,
				      u32 len, u32 meta, unsigned long caller)
{
	meta |= (s->meta + META_GEN_STEP) & META_GEN;
	s->phys = phys;
	s->len = len;
	s->caller = caller;
	s->home = h;
	WRITE_ONCE(s->meta, meta);
	return meta;
}

/** pool_take() - a slot that this CPU keeps, or NULL. */
static __always_inline struct pool_slot *pool_take(struct pool *p, unsigned int class)
{
	struct pool_slot *s = NULL;
	struct pool_ring *r;
	unsigned long flags;

	local_irq_save(flags);
	r = &this_cpu_ptr(p->cpu)->ring[class];
	if (likely(r->out != r->clean))
		s = r->slot[r->out++ & r->mask];
	local_irq_restore(flags);
	return s;
}

/** enum pool_room - the result of pool_put(). */
enum pool_room {
	POOL_ROOM, /* there is room for more */
	POOL_DUE, /* stored; so many wait that this CPU must flush */
	POOL_FULL, /* not stored */
};

/** pool_put() - keep a slot whose entries are cleared. In strict mode they translate no more. */
static __always_inline enum pool_room pool_put(struct pool *p, unsigned int class,
					       struct pool_slot *s, bool lazy)
{
	enum pool_room room = POOL_ROOM;
	struct pool_ring *r;
	unsigned long flags;

	local_irq_save(flags);
	r = &this_cpu_ptr(p->cpu)->ring[class];
	if (unlikely(r->in - r->out > r->mask)) {
		room = POOL_FULL;
	} else {
		r->slot[r->in++ & r->mask] = s;
		if (!lazy)
			r->clean = r->in;
		else if (unlikely(r->in - r->clean >= r->batch))
			room = POOL_DUE;
	}
	local_irq_restore(flags);
	return room;
}

/** pool_take_slow() - a slot from other places; NULL where there is none. Context: any. */
struct pool_slot *pool_take_slow(struct pool *p, unsigned int class);

/**
 * pool_put_slow() - flush, give slots back, and keep @s where @room says that it was not stored.
 */
void pool_put_slow(struct pool *p, unsigned int class, struct pool_slot *s, enum pool_room room);

/* pool_flush.c */
/** pool_flush_init() - before the first slot. @p->lazy and @p->sync_map are set. */
void pool_flush_init(struct pool *p);

/** pool_arm() - something waits for a flush: start the deadline's clock. */
void pool_arm(struct pool *p);

/** pool_release() - a slot whose entries are cleared is for the next mapping. */
static __always_inline void pool_release(struct pool *p, unsigned int class, struct pool_slot *s)
{
	bool lazy = p->lazy;
	enum pool_room room = pool_put(p, class, s, lazy);

	if (unlikely(room != POOL_ROOM))
		pool_put_slow(p, class, s, room);
	if (lazy && unlikely(!READ_ONCE(p->armed)))
		pool_arm(p);
}

/** pool_invalidate() - wait until a range whose entries are cleared translates no more. */
void pool_invalidate(struct pool *p, dma_addr_t iova, u32 pages);

/* pool_entry.c */
/**
 * pool_learn() - find the leaf table of a chunk, and learn its format where it is not known.
 *
 * Return: the table; NULL: entries are made by iommu_map().
 */
u64 *pool_learn(struct pool *p, dma_addr_t iova);

/**
 * pool_wants_sync_map() - Returns true if the IOMMU wants a call where entries come.
 *
 * Hardware that caches absent entries (a hypervisor's) or buffers writes (Intel's before 2011)
 * needs that. The IOMMU says so itself, and its driver in the kernel decides by the same bits.
 *
 * Context: may sleep.
 */
bool pool_wants_sync_map(struct pool *p);

/** pool_entries_set() - make a slot's entries. Return: 0 or an error, and there are none. */
int pool_entries_set_slow(struct pool *p, struct pool_slot *s, phys_addr_t phys, u32 pages,
			  u32 meta);

/**
 * pool_announce() - sync the IOMMU after a slot's new entries. Return: 0 or an error, and there are
 * none.
 */
int pool_announce(struct pool *p, struct pool_slot *s, u32 pages);

/** pool_entries_flush() - write entries back, for an IOMMU that does not see the CPU's caches. */
void pool_entries_flush(u64 *entry, u32 n);

/** pool_entry_flush() - pool_entries_flush() of one entry. */
static __always_inline void pool_entry_flush(u64 *entry)
{
#ifdef CONFIG_X86
	/* clflushopt is ordered by fences alone: behind the entry, before what follows. */
	mb();
	clflushopt(entry);
	/* The same. */
	mb();
#endif
}

/** pool_entry_set() - pool_entries_set() of one page, where the slot keeps its entry. */
static __always_inline void pool_entry_set(struct pool *p, u64 *entry, phys_addr_t phys, u32 meta)
{
	WRITE_ONCE(*entry, p->format.entry[meta & META_DIR] | (phys & PAGE_MASK));
	if (p->format.incoherent)
		pool_entry_flush(entry);
}

/** pool_entry_clear() - pool_entries_clear() of one page, where the slot keeps its entry. */
static __always_inline void pool_entry_clear(struct pool *p, u64 *entry)
{
	WRITE_ONCE(*entry, 0);
	if (p->format.incoherent)
		pool_entry_flush(entry);
	else
		smp_mb(); /* as in pool_entries_clear() */
}

static __always_inline int pool_entries_set(struct pool *p, struct pool_slot *s, phys_addr_t phys,
					    u32 pages, u32 meta)
{
	u64 e = p->format.entry[meta & META_DIR] | (phys & PAGE_MASK);

	if (unlikely(!s->entry || p->sync_map))
		return pool_entries_set_slow(p, s, phys, pages, meta);
	for (u32 i = 0; i < pages; i++, e += PAGE_SIZE)
		WRITE_ONCE(s->entry[i], e);
	if (p->format.incoherent)
		pool_entries_flush(s->entry, pages);
	return 0;
}

void pool_entries_clear_slow(struct pool *p, struct pool_slot *s, u32 pages);

/** pool_entries_clear() - clear a slot's entries; they may translate until a flush. */
static __always_inline void pool_entries_clear(struct pool *p, struct pool_slot *s, u32 pages)
{
	if (unlikely(!s->entry)) {
		pool_entries_clear_slow(p, s, pages);
		return;
	}
	for (u32 i = 0; i < pages; i++)
		WRITE_ONCE(s->entry[i], 0);
	/*
	 * The next step may be to see that the deadline runs already: the flush that it starts
	 * must see the entries cleared.
	 */
	if (p->format.incoherent)
		pool_entries_flush(s->entry, pages);
	else
		smp_mb(); /* pairs with expired() */
}

/* pool_chunk.c */
/** pool_grow() - one more chunk for a class. Return: 0, -ENOSPC, -ENOMEM. Context: any. */
int pool_grow(struct pool *p, unsigned int class);

/** pool_chunk_take() - up to @n free slots of a class. Return: how many. */
u32 pool_chunk_take(struct pool *p, unsigned int class, struct pool_slot **slot, u32 n);

/** pool_chunk_put() - slots that translate nowhere go back to their chunks. */
void pool_chunk_put(struct pool *p, struct pool_slot *const *slot, u32 n);

/** pool_chunks_end() - free all chunks. The caller has flushed. */
void pool_chunks_end(struct pool *p);

/** pool_chunks_clear() - clear the entries of all slots, live ones too. */
void pool_chunks_clear(struct pool *p);

void pool_shrink(struct work_struct *work);

/* pool_ring.c */
/** pool_runs_clear() - clear the entries of rings that were not freed. */
void pool_runs_clear(struct pool *p);

/* pool_bounce.c */
/** pool_bounce_wants() - Returns true if a buffer shares a page with something else. */
static inline bool pool_bounce_wants(const struct pool *p, const struct request *req)
{
	return p->c->untrusted && ((req->phys | req->len) & ~PAGE_MASK);
}

/** pool_bounce_get() - fill the pages that stand in for a buffer. Return: 0, -ENOMEM. */
int pool_bounce_get(struct pool *p, struct pool_slot *s, unsigned int class,
		    const struct request *req, phys_addr_t *phys);

/** pool_bounce_copy() - from (@for_cpu) or to the pages. */
void pool_bounce_copy(struct pool *p, const struct pool_slot *s, u32 off, u32 len, bool for_cpu);

/** pool_take_back() - after the flush: what the device wrote becomes the CPU's. */
void pool_take_back(struct pool *p, struct pool_slot *s, const struct dmah *h, unsigned long attrs);

/** pool_meta() - a handle's meta, but for the generation. */
static inline u32 pool_meta(const struct client *c, const struct request *req)
{
	u32 meta = (req->meta & (META_DIR | META_ASKED)) | meta_from_attrs(req->attrs) |
		   FIELD_PREP(META_KIND, KIND_POOL) | c->meta;

	/* With META_SYNC a sync that has nothing to do comes to be checked all the same. */
	return c->check ? meta | META_SYNC : meta;
}

#endif /* DMAH_LINUX_POOL_INT_H */
