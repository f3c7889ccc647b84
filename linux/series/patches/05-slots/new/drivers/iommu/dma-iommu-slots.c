// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots of mapping handles. dma-iommu.c includes this file.
 *
 * A slot is 1, 2, 4, 8, 16 or 32 pages of IOVA, aligned to their size, and the
 * address of the page table entry of the first one; those of the others follow
 * it. A slot is in one of four places: mapped, held by a handle; pending,
 * unmapped and waiting for a flush; ready on the list of a CPU; ready in the
 * domain's depot.
 *
 * Only its own CPU uses a CPU's lists, with interrupts disabled. In lazy mode
 * the timer of the flush queue flushes what is pending on any CPU, and counts
 * its flushes. A CPU learns from the count that its pending slots are ready.
 */
#include <linux/dma-handle.h>

#define SLOT_CLASSES 6 /* sizes: a slot of class n has 1 << n pages */
#define SLOT_PAGES   BIT(SLOT_CLASSES - 1)
#define SLOT_CHUNK   64 /* pages that slots are made of at a time, of adjacent IOVA */
#define SLOT_LEAST   8 /* slots that are made at a time, however large */
#define SLOT_LIMIT   32768 /* pages of a domain: 128 MiB of IOVA */
#define SLOT_PENDING 256 /* unmaps of a CPU that share a flush in lazy mode */
#define SLOT_READY   512 /* more pages than these on a list go to the depot */
#define SLOT_ADDRESS GENMASK_ULL(51, PAGE_SHIFT)
/* Attributes that change nothing about the entry. */
#define SLOT_ATTRS (DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_NO_WARN | DMA_ATTR_REQUIRE_COHERENT)
/* With dma-debug, syncs are reported too. */
#define SLOT_STATE                                                                   \
	(DMA_HANDLE_MAPPED | DMA_HANDLE_UNMAP | DMA_HANDLE_IOMMU | DMA_HANDLE_SLOT | \
	 (IS_ENABLED(CONFIG_DMA_API_DEBUG) ? DMA_HANDLE_SYNC : 0))

struct iommu_dma_slot {
	struct iommu_dma_slot *next;
	struct iommu_dma_slots *owner;
	u64 *entry;
	dma_addr_t iova;
	unsigned int class;
};

struct slot_list {
	struct iommu_dma_slot *first;
	struct iommu_dma_slot *last;
	unsigned int count;
};

struct slot_cpu {
	struct slot_list ready[SLOT_CLASSES];
	struct slot_list pending[SLOT_CLASSES];
	unsigned int pending_count;
	u64 pending_since; /* flushes that had begun at the last unmap */
};

struct slot_chunk {
	struct slot_chunk *next;
	struct iommu_dma_slot slots[];
};

struct iommu_dma_slots {
	struct iommu_domain *domain;
	struct iommu_dma_cookie *cookie; /* of the domain */
	struct device *iommu_device;
	u64 bits[DMA_FROM_DEVICE + 1]; /* of an entry, beside the address */
	bool incoherent;
	struct slot_cpu __percpu *cpus;
	atomic_t made; /* pages */
	raw_spinlock_t lock; /* protects what follows */
	struct slot_list depot[SLOT_CLASSES];
	struct slot_chunk *chunks;
};

static void list_put(struct slot_list *list, struct iommu_dma_slot *slot)
{
	slot->next = list->first;
	list->first = slot;
	if (!list->count++)
		list->last = slot;
}

static struct iommu_dma_slot *list_get(struct slot_list *list)
{
	struct iommu_dma_slot *slot = list->first;

	if (likely(slot)) {
		list->first = slot->next;
		list->count--;
	}
	return slot;
}

/* Move all of one list to another. */
static void list_move_all(struct slot_list *to, struct slot_list *from)
{
	if (!from->count)
		return;
	from->last->next = to->first;
	if (!to->count)
		to->last = from->last;
	to->first = from->first;
	to->count += from->count;
	from->first = NULL;
	from->count = 0;
}

/* Returns the pages that a buffer lies in. */
static u64 pages_of(const struct dma_handle *h)
{
	return PFN_UP(offset_in_page(h->phys) + (u64)h->len);
}

/* Let an IOMMU that does not snoop the CPU's caches see entries. */
static void publish_entries(struct iommu_dma_slots *s, u64 *entry, unsigned int pages)
{
	if (s->incoherent)
		iommu_pages_flush_incoherent(s->iommu_device, entry, 0, pages * sizeof(*entry));
}

static void write_entries(struct iommu_dma_slots *s, u64 *entry, u64 value, u64 step,
			  unsigned int pages)
{
	unsigned int n;

	WRITE_ONCE(*entry, value);
	for (n = 1; n < pages; n++)
		WRITE_ONCE(entry[n], value += step);
	publish_entries(s, entry, pages);
}

static void flush_range(struct iommu_domain *domain, dma_addr_t iova, size_t size)
{
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	gather.start = iova;
	gather.end = iova + size - 1;
	gather.pt.leaf_levels_bitmap = BIT(0);
	iommu_iotlb_sync(domain, &gather);
}

/* Map a page of IOVA for a moment, so that its table is there, and name its entry. */
static int find_entry(struct iommu_domain *domain, dma_addr_t iova, int prot,
		      struct pt_iommu_leaf *leaf)
{
	struct pt_iommu *pt = iommupt_from_domain(domain);
	int err;

	err = iommu_map(domain, iova, page_to_phys(ZERO_PAGE(0)), PAGE_SIZE, prot, GFP_ATOMIC);
	if (err)
		return err;
	err = pt->ops->leaf_entry(pt, iova, leaf);
	if (err)
		iommu_unmap(domain, iova, PAGE_SIZE);
	return err;
}

/* Name the entries of a slot and clear them. */
static int init_slot(struct iommu_dma_slots *s, struct iommu_dma_slot *slot)
{
	struct pt_iommu_leaf leaf;
	unsigned int n;
	int err;

	for (n = 0; n < BIT(slot->class); n++) {
		err = find_entry(s->domain, slot->iova + n * PAGE_SIZE, IOMMU_READ | IOMMU_CACHE,
				 &leaf);
		if (err)
			return err;
		write_entries(s, leaf.entry, 0, 0, 1);
		if (!n)
			slot->entry = leaf.entry;
		else if (leaf.entry != slot->entry + n)
			return -EOPNOTSUPP;
	}
	return 0;
}

/* Returns how many slots of a chunk could be made. */
static unsigned int init_chunk(struct iommu_dma_slots *s, struct slot_chunk *chunk,
			       unsigned int count, unsigned int class, dma_addr_t iova)
{
	unsigned int n;

	for (n = 0; n < count; n++) {
		struct iommu_dma_slot *slot = &chunk->slots[n];

		slot->owner = s;
		slot->class = class;
		slot->iova = iova + n * (PAGE_SIZE << class);
		if (init_slot(s, slot))
			break;
	}
	flush_range(s->domain, iova, count * (PAGE_SIZE << class));
	return n;
}

/* Make slots of a class. Returns one of them; the others go on this CPU's list. */
static struct iommu_dma_slot *make_slots(struct iommu_dma_slots *s, unsigned int class)
{
	unsigned int pages = max_t(unsigned int, SLOT_CHUNK, SLOT_LEAST << class);
	struct iova_domain *iovad = &s->cookie->iovad;
	unsigned long limit = DMA_BIT_MASK(32), pfn = 0, flags;
	unsigned int made, n;
	struct slot_chunk *chunk;

	if (atomic_add_return(pages, &s->made) > SLOT_LIMIT)
		goto out_made;
	chunk = kzalloc_flex(*chunk, slots, pages >> class, GFP_ATOMIC);
	if (!chunk)
		goto out_made;
	if (s->domain->geometry.force_aperture)
		limit = min_t(u64, limit, s->domain->geometry.aperture_end);
	pfn = alloc_iova_fast(iovad, pages, limit >> PAGE_SHIFT, true);
	if (!pfn)
		goto out_chunk;
	/* If not all can be made, the rest of the IOVA range waits until the domain goes. */
	made = init_chunk(s, chunk, pages >> class, class, (dma_addr_t)pfn << PAGE_SHIFT);
	if (!made)
		goto out_chunk;
	raw_spin_lock_irqsave(&s->lock, flags);
	chunk->next = s->chunks;
	s->chunks = chunk;
	for (n = 1; n < made; n++)
		list_put(&this_cpu_ptr(s->cpus)->ready[class], &chunk->slots[n]);
	raw_spin_unlock_irqrestore(&s->lock, flags);
	return &chunk->slots[0];

out_chunk:
	if (pfn)
		free_iova_fast(iovad, pfn, pages);
	kfree(chunk);
out_made:
	atomic_sub(pages, &s->made);
	return NULL;
}

/* Move slots between a list and the depot's until the list has so many. */
static void balance(struct iommu_dma_slots *s, struct slot_list *list, unsigned int class,
		    unsigned int count)
{
	struct slot_list *depot = &s->depot[class];

	raw_spin_lock(&s->lock);
	while (list->count > count)
		list_put(depot, list_get(list));
	while (list->count < count && depot->count)
		list_put(list, list_get(depot));
	raw_spin_unlock(&s->lock);
}

/* Leave a CPU what it needs; others may map what it unmaps. */
static void trim_ready(struct iommu_dma_slots *s, struct slot_cpu *cpu, unsigned int class)
{
	struct slot_list *list = &cpu->ready[class];

	if (unlikely(list->count > SLOT_READY >> class))
		balance(s, list, class, SLOT_READY / 2 >> class);
}

/* Flush what is pending on this CPU, and make it ready. */
static noinline void flush_pending(struct iommu_dma_slots *s)
{
	struct slot_list flushed[SLOT_CLASSES] = {};
	struct slot_cpu *cpu;
	unsigned long flags;
	unsigned int n;

	local_irq_save(flags);
	cpu = this_cpu_ptr(s->cpus);
	for (n = 0; n < SLOT_CLASSES; n++)
		list_move_all(&flushed[n], &cpu->pending[n]);
	cpu->pending_count = 0;
	local_irq_restore(flags);

	fq_flush_iotlb(s->cookie);

	local_irq_save(flags);
	cpu = this_cpu_ptr(s->cpus);
	for (n = 0; n < SLOT_CLASSES; n++) {
		list_move_all(&cpu->ready[n], &flushed[n]);
		trim_ready(s, cpu, n);
	}
	local_irq_restore(flags);
}

/* Get a slot that is not on this CPU's list of ready ones. */
static noinline struct iommu_dma_slot *get_other_slot(struct iommu_dma_slots *s, unsigned int class)
{
	struct iommu_dma_slot *slot;
	struct slot_cpu *cpu;
	unsigned long flags;
	bool pending;
	unsigned int n;

	local_irq_save(flags);
	cpu = this_cpu_ptr(s->cpus);
	if (cpu->pending_count &&
	    cpu->pending_since < (u64)atomic64_read(&s->cookie->fq_flush_finish_cnt)) {
		for (n = 0; n < SLOT_CLASSES; n++)
			list_move_all(&cpu->ready[n], &cpu->pending[n]);
		cpu->pending_count = 0;
	}
	if (!cpu->ready[class].count)
		balance(s, &cpu->ready[class], class, SLOT_READY / 2 >> class);
	slot = list_get(&cpu->ready[class]);
	pending = cpu->pending[class].count;
	local_irq_restore(flags);
	if (!slot)
		slot = make_slots(s, class);
	if (slot || !pending)
		return slot;
	/* There are as many as there may be. */
	flush_pending(s);
	local_irq_save(flags);
	slot = list_get(&this_cpu_ptr(s->cpus)->ready[class]);
	local_irq_restore(flags);
	return slot;
}

static struct iommu_dma_slot *get_slot(struct iommu_dma_slots *s, unsigned int class)
{
	struct iommu_dma_slot *slot;
	unsigned long flags;

	local_irq_save(flags);
	slot = list_get(&this_cpu_ptr(s->cpus)->ready[class]);
	local_irq_restore(flags);
	return likely(slot) ? slot : get_other_slot(s, class);
}

/* Put a slot back in lazy mode: its IOVA may be reached until the flush. */
static void put_pending(struct iommu_dma_slots *s, struct iommu_dma_slot *slot)
{
	struct iommu_dma_cookie *cookie = s->cookie;
	struct slot_cpu *cpu;
	unsigned long flags;
	bool full;

	local_irq_save(flags);
	cpu = this_cpu_ptr(s->cpus);
	list_put(&cpu->pending[slot->class], slot);
	/* A full barrier was between the clearing of the entry and this: see queue_iova(). */
	cpu->pending_since = atomic64_read(&cookie->fq_flush_start_cnt);
	full = ++cpu->pending_count >= SLOT_PENDING;
	local_irq_restore(flags);
	if (unlikely(full))
		flush_pending(s);
	if (!atomic_read(&cookie->fq_timer_on) && !atomic_xchg(&cookie->fq_timer_on, 1))
		mod_timer(&cookie->fq_timer,
			  jiffies + msecs_to_jiffies(cookie->options.fq_timeout));
}

/* Put a slot back whose IOVA leads nowhere any more. */
static void put_ready(struct iommu_dma_slots *s, struct iommu_dma_slot *slot)
{
	struct slot_cpu *cpu;
	unsigned long flags;

	local_irq_save(flags);
	cpu = this_cpu_ptr(s->cpus);
	list_put(&cpu->ready[slot->class], slot);
	trim_ready(s, cpu, slot->class);
	local_irq_restore(flags);
}

/* Put a slot back in strict mode: nothing reaches its IOVA when this returns. */
static void put_flushed(struct iommu_dma_slots *s, struct iommu_dma_slot *slot, unsigned int pages)
{
	flush_range(s->domain, slot->iova, pages * PAGE_SIZE);
	put_ready(s, slot);
}

/* Learn the bits of entries from entries that iommu_map() writes. */
static int learn_bits(struct iommu_dma_slots *s)
{
	struct iova_domain *iovad = &s->cookie->iovad;
	phys_addr_t phys = page_to_phys(ZERO_PAGE(0));
	enum dma_data_direction dir;
	struct pt_iommu_leaf leaf;
	unsigned long pfn;
	dma_addr_t iova;
	int err = 0;

	pfn = alloc_iova_fast(iovad, 1, DMA_BIT_MASK(32) >> PAGE_SHIFT, true);
	if (!pfn)
		return -ENOMEM;
	iova = (dma_addr_t)pfn << PAGE_SHIFT;
	for (dir = DMA_BIDIRECTIONAL; dir <= DMA_FROM_DEVICE && !err; dir++) {
		/* Nothing is written through this entry: no device has its address. */
		err = find_entry(s->domain, iova, dma_info_to_prot(dir, true, 0), &leaf);
		if (err)
			break;
		s->bits[dir] = READ_ONCE(*leaf.entry) & ~SLOT_ADDRESS;
		s->incoherent = leaf.incoherent;
		if ((READ_ONCE(*leaf.entry) & SLOT_ADDRESS) != phys || !s->bits[dir])
			err = -EOPNOTSUPP;
		iommu_unmap(s->domain, iova, PAGE_SIZE);
	}
	free_iova_fast(iovad, pfn, 1);
	return err;
}

static void free_slots(struct iommu_dma_slots *s)
{
	struct slot_chunk *chunk, *next;

	for (chunk = s->chunks; chunk; chunk = next) {
		next = chunk->next;
		kfree(chunk);
	}
	free_percpu(s->cpus);
	kfree(s);
}

/* Free the slots of a domain. Its page table and its IOVA go as a whole. */
static void iommu_dma_free_slots(struct iommu_dma_cookie *cookie)
{
	if (!IS_ERR_OR_NULL(cookie->slots))
		free_slots(cookie->slots);
}

static struct iommu_dma_slots *alloc_slots(struct iommu_domain *domain)
{
	struct pt_iommu *pt = iommupt_from_domain(domain);
	struct iommu_dma_slots *s;
	int err;

	if (!pt || !pt->ops->leaf_entry || domain->cookie_type != IOMMU_COOKIE_DMA_IOVA ||
	    domain->iova_cookie->iovad.granule != PAGE_SIZE)
		return ERR_PTR(-EOPNOTSUPP);
	s = kzalloc_obj(*s, GFP_ATOMIC);
	if (!s)
		return NULL;
	s->domain = domain;
	s->cookie = domain->iova_cookie;
	s->iommu_device = pt->iommu_device;
	raw_spin_lock_init(&s->lock);
	s->cpus = alloc_percpu_gfp(struct slot_cpu, GFP_ATOMIC);
	if (!s->cpus) {
		free_slots(s);
		return NULL;
	}
	err = learn_bits(s);
	if (err) {
		free_slots(s);
		return err == -ENOMEM ? NULL : ERR_PTR(err);
	}
	return s;
}

/* Make the slots of a domain, on the first call. Returns NULL if there are none. */
static noinline struct iommu_dma_slots *make_domain_slots(struct iommu_domain *domain)
{
	struct iommu_dma_slots *s = READ_ONCE(domain->iova_cookie->slots), *made;

	if (!s) {
		made = alloc_slots(domain);
		s = cmpxchg(&domain->iova_cookie->slots, NULL, made);
		if (!s)
			s = made;
		else if (!IS_ERR_OR_NULL(made))
			free_slots(made);
	}
	return IS_ERR(s) ? NULL : s;
}

/* Returns true if slots serve a device and a mapping. */
static bool slot_serves(struct device *dev, const struct dma_handle *h)
{
	/* Slots have IOVAs of 32 bits. */
	return !(h->attrs & ~SLOT_ATTRS) && dev_is_dma_coherent(dev) &&
	       !dev_use_swiotlb(dev, h->len, h->dir) && *dev->dma_mask >= DMA_BIT_MASK(32) &&
	       (!dev->bus_dma_limit || dev->bus_dma_limit >= DMA_BIT_MASK(32)) &&
	       !static_branch_unlikely(&iommu_deferred_attach_enabled);
}

/* Write the entries of a slot. Returns an error if the IOMMU does not take them. */
static int map_entries(struct iommu_dma_slots *s, struct iommu_dma_slot *slot,
		       const struct dma_handle *h, unsigned int pages)
{
	int err;

	write_entries(s, slot->entry, (h->phys & PAGE_MASK) | s->bits[h->dir], PAGE_SIZE, pages);
	err = iommu_sync_map(s->domain, slot->iova, pages * PAGE_SIZE);
	if (unlikely(err)) {
		write_entries(s, slot->entry, 0, 0, pages);
		flush_range(s->domain, slot->iova, pages * PAGE_SIZE);
	}
	return err;
}

/* Map by a slot. The handle holds the arguments of map. Returns false if no slot serves. */
bool iommu_dma_map_slot(struct device *dev, struct dma_handle *h)
{
	struct iommu_domain *domain = iommu_get_dma_domain(dev);
	struct iommu_dma_slots *s = READ_ONCE(domain->iova_cookie->slots);
	struct iommu_dma_slot *slot;
	u64 pages = pages_of(h);

	if (unlikely(pages > SLOT_PAGES || !slot_serves(dev, h)))
		return false;
	if (IS_ERR_OR_NULL(s)) {
		s = make_domain_slots(domain);
		if (!s)
			return false;
	}
	slot = get_slot(s, fls(pages - 1));
	if (unlikely(!slot))
		return false;
	if (unlikely(map_entries(s, slot, h, pages))) {
		put_ready(s, slot);
		return false;
	}
	h->addr = slot->iova + offset_in_page(h->phys);
	h->slot = slot;
	h->state = SLOT_STATE;
	return true;
}

/* Clear the first entry, if it is still the handle's. */
static bool end_mapping(struct iommu_dma_slot *slot, const struct dma_handle *h)
{
	u64 old = READ_ONCE(*slot->entry);

	/* The IOMMU may set bits of an entry in use, hence the loop. */
	do {
		if (WARN_ON_ONCE(!old || (old & SLOT_ADDRESS) != (h->phys & PAGE_MASK)))
			return false;
	} while (!try_cmpxchg64(slot->entry, &old, 0));
	return true;
}

/* Clear the entries behind the first one. Returns the pages of the mapping. */
static unsigned int clear_entries(struct iommu_dma_slots *s, struct iommu_dma_slot *slot,
				  const struct dma_handle *h)
{
	unsigned int pages = 1, n;

	if (slot->class) {
		pages = pages_of(h);
		for (n = 1; n < pages; n++)
			WRITE_ONCE(slot->entry[n], 0);
		/* Order this as end_mapping() is: see put_pending(). */
		smp_mb();
	}
	publish_entries(s, slot->entry, pages);
	return pages;
}

void iommu_dma_unmap_slot(struct dma_handle *h)
{
	struct iommu_dma_slot *slot = h->slot;
	struct iommu_dma_slots *s = slot->owner;
	unsigned int pages;

	if (!end_mapping(slot, h))
		return;
	pages = clear_entries(s, slot, h);
	if (READ_ONCE(s->cookie->fq_domain))
		put_pending(s, slot);
	else
		put_flushed(s, slot, pages);
}
