// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots of mapping handles. dma-iommu.c includes this file.
 *
 * A slot is one page of IOVA and the address of its page table entry. It is in
 * one of four places: mapped, held by a handle; pending, unmapped and waiting
 * for a flush; ready on the list of a CPU; ready in the domain's depot.
 */
#include <linux/dma-handle.h>

#define SLOT_CHUNK   64 /* slots that are made at a time, of adjacent IOVA */
#define SLOT_LIMIT   16384 /* slots of a domain: 64 MiB of IOVA */
#define SLOT_PENDING 256 /* unmaps of a CPU that share a flush in lazy mode */
#define SLOT_READY   512 /* more than these on a CPU's list go to the depot */
#define SLOT_ADDRESS GENMASK_ULL(51, PAGE_SHIFT)
/* Attributes that change nothing about the entry. */
#define SLOT_ATTRS (DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_NO_WARN | DMA_ATTR_REQUIRE_COHERENT)

struct iommu_dma_slot {
	struct iommu_dma_slot *next;
	u64 *entry;
	dma_addr_t iova;
};

struct slot_list {
	struct iommu_dma_slot *first;
	struct iommu_dma_slot *last;
	unsigned int count;
};

struct slot_cpu {
	spinlock_t lock; /* contended only by the timer */
	struct slot_list ready;
	struct slot_list pending;
};

struct slot_chunk {
	struct slot_chunk *next;
	struct iommu_dma_slot slots[SLOT_CHUNK];
};

struct iommu_dma_slots {
	struct iommu_domain *domain;
	struct device *iommu_device;
	u64 bits[DMA_FROM_DEVICE + 1]; /* of an entry, beside the address */
	bool incoherent;
	struct slot_cpu __percpu *cpus;
	struct timer_list timer; /* bounds how long a slot is pending */
	atomic_t timer_on;
	spinlock_t lock; /* protects what follows; taken inside a CPU's */
	struct slot_list depot;
	struct slot_chunk *chunks;
	unsigned int made;
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

	list->first = slot->next;
	list->count--;
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

static void write_entry(struct iommu_dma_slots *s, u64 *entry, u64 value)
{
	WRITE_ONCE(*entry, value);
	if (s->incoherent)
		iommu_pages_flush_incoherent(s->iommu_device, entry, 0, sizeof(*entry));
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

/* Make a chunk of slots for a CPU's list. Called with that list's lock held. */
static void make_slots(struct iommu_dma_slots *s, struct slot_list *ready)
{
	struct iova_domain *iovad = &s->domain->iova_cookie->iovad;
	unsigned long limit = DMA_BIT_MASK(32), pfn;
	struct pt_iommu_leaf leaf;
	struct slot_chunk *chunk;
	unsigned int n;

	if (s->made + SLOT_CHUNK > SLOT_LIMIT)
		return;
	chunk = kzalloc_obj(*chunk, GFP_ATOMIC);
	if (!chunk)
		return;
	if (s->domain->geometry.force_aperture)
		limit = min_t(u64, limit, s->domain->geometry.aperture_end);
	pfn = alloc_iova_fast(iovad, SLOT_CHUNK, limit >> PAGE_SHIFT, true);
	if (!pfn) {
		kfree(chunk);
		return;
	}
	for (n = 0; n < SLOT_CHUNK; n++) {
		struct iommu_dma_slot *slot = &chunk->slots[n];

		slot->iova = (dma_addr_t)(pfn + n) << PAGE_SHIFT;
		if (find_entry(s->domain, slot->iova, IOMMU_READ | IOMMU_CACHE, &leaf))
			break;
		slot->entry = leaf.entry;
		write_entry(s, slot->entry, 0);
	}
	flush_range(s->domain, (dma_addr_t)pfn << PAGE_SHIFT, SLOT_CHUNK * PAGE_SIZE);
	/* The IOVA range stays with the slots that could be made, until the domain goes. */
	while (n--)
		list_put(ready, &chunk->slots[n]);
	chunk->next = s->chunks;
	s->chunks = chunk;
	s->made += SLOT_CHUNK;
}

static struct iommu_dma_slot *get_slot(struct iommu_dma_slots *s)
{
	struct slot_cpu *cpu = raw_cpu_ptr(s->cpus);
	struct iommu_dma_slot *slot = NULL;
	unsigned long flags;

	spin_lock_irqsave(&cpu->lock, flags);
	if (unlikely(!cpu->ready.count)) {
		spin_lock(&s->lock);
		while (s->depot.count && cpu->ready.count < SLOT_CHUNK)
			list_put(&cpu->ready, list_get(&s->depot));
		if (!cpu->ready.count)
			make_slots(s, &cpu->ready);
		spin_unlock(&s->lock);
	}
	if (likely(cpu->ready.count))
		slot = list_get(&cpu->ready);
	spin_unlock_irqrestore(&cpu->lock, flags);
	return slot;
}

/* Leave a CPU what it needs; others may map what it unmaps. Called with its lock held. */
static void trim_ready(struct iommu_dma_slots *s, struct slot_cpu *cpu)
{
	if (likely(cpu->ready.count <= SLOT_READY))
		return;
	spin_lock(&s->lock);
	while (cpu->ready.count > SLOT_READY / 2)
		list_put(&s->depot, list_get(&cpu->ready));
	spin_unlock(&s->lock);
}

static void slots_timeout(struct timer_list *t)
{
	struct iommu_dma_slots *s = timer_container_of(s, t, timer);
	struct slot_list waiting = {};
	unsigned long flags;
	int n;

	atomic_set(&s->timer_on, 0);
	for_each_possible_cpu(n) {
		struct slot_cpu *cpu = per_cpu_ptr(s->cpus, n);

		spin_lock_irqsave(&cpu->lock, flags);
		list_move_all(&waiting, &cpu->pending);
		spin_unlock_irqrestore(&cpu->lock, flags);
	}
	if (!waiting.count)
		return;
	fq_flush_iotlb(s->domain->iova_cookie);
	spin_lock_irqsave(&s->lock, flags);
	list_move_all(&s->depot, &waiting);
	spin_unlock_irqrestore(&s->lock, flags);
}

/* Put a slot back in lazy mode: its IOVA may be reached until the flush. */
static void put_pending(struct iommu_dma_slots *s, struct iommu_dma_slot *slot)
{
	struct iommu_dma_cookie *cookie = s->domain->iova_cookie;
	struct slot_cpu *cpu = raw_cpu_ptr(s->cpus);
	unsigned long flags;

	spin_lock_irqsave(&cpu->lock, flags);
	list_put(&cpu->pending, slot);
	if (unlikely(cpu->pending.count >= SLOT_PENDING)) {
		fq_flush_iotlb(cookie);
		list_move_all(&cpu->ready, &cpu->pending);
		trim_ready(s, cpu);
	}
	spin_unlock_irqrestore(&cpu->lock, flags);
	if (!atomic_read(&s->timer_on) && !atomic_xchg(&s->timer_on, 1))
		mod_timer(&s->timer, jiffies + msecs_to_jiffies(cookie->options.fq_timeout));
}

/* Put a slot back in strict mode: nothing reaches its IOVA when this returns. */
static void put_flushed(struct iommu_dma_slots *s, struct iommu_dma_slot *slot)
{
	struct slot_cpu *cpu = raw_cpu_ptr(s->cpus);
	unsigned long flags;

	flush_range(s->domain, slot->iova, PAGE_SIZE);
	spin_lock_irqsave(&cpu->lock, flags);
	list_put(&cpu->ready, slot);
	trim_ready(s, cpu);
	spin_unlock_irqrestore(&cpu->lock, flags);
}

/* Learn the bits of entries from entries that iommu_map() writes. */
static int learn_bits(struct iommu_dma_slots *s)
{
	struct iova_domain *iovad = &s->domain->iova_cookie->iovad;
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

	timer_shutdown_sync(&s->timer);
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
	int n, err;

	if (!pt || !pt->ops->leaf_entry || domain->cookie_type != IOMMU_COOKIE_DMA_IOVA ||
	    domain->iova_cookie->iovad.granule != PAGE_SIZE)
		return ERR_PTR(-EOPNOTSUPP);
	s = kzalloc_obj(*s, GFP_ATOMIC);
	if (!s)
		return NULL;
	s->domain = domain;
	s->iommu_device = pt->iommu_device;
	spin_lock_init(&s->lock);
	timer_setup(&s->timer, slots_timeout, 0);
	s->cpus = alloc_percpu_gfp(struct slot_cpu, GFP_ATOMIC);
	if (!s->cpus) {
		free_slots(s);
		return NULL;
	}
	for_each_possible_cpu(n)
		spin_lock_init(&per_cpu_ptr(s->cpus, n)->lock);
	err = learn_bits(s);
	if (err) {
		free_slots(s);
		return err == -ENOMEM ? NULL : ERR_PTR(err);
	}
	return s;
}

/* Returns the slots of a domain, made on the first call; NULL if there are none. */
static struct iommu_dma_slots *domain_slots(struct iommu_domain *domain)
{
	struct iommu_dma_slots *s = READ_ONCE(domain->iova_cookie->slots);

	if (unlikely(!s)) {
		struct iommu_dma_slots *made = alloc_slots(domain);

		s = cmpxchg(&domain->iova_cookie->slots, NULL, made);
		if (!s)
			s = made;
		else if (!IS_ERR_OR_NULL(made))
			free_slots(made);
	}
	return IS_ERR(s) ? NULL : s;
}

static bool iommu_dma_map_slot(struct device *dev, struct dma_handle *h, phys_addr_t phys,
			       size_t size, enum dma_data_direction dir, unsigned long attrs)
{
	struct iommu_domain *domain = iommu_get_dma_domain(dev);
	struct iommu_dma_slot *slot;
	struct iommu_dma_slots *s;

	if (offset_in_page(phys) + size > PAGE_SIZE || (attrs & ~SLOT_ATTRS) ||
	    !dev_is_dma_coherent(dev) || dev_use_swiotlb(dev, size, dir) ||
	    min_not_zero(dma_get_mask(dev), dev->bus_dma_limit) < DMA_BIT_MASK(32) ||
	    static_branch_unlikely(&iommu_deferred_attach_enabled))
		return false;
	s = domain_slots(domain);
	if (unlikely(!s))
		return false;
	slot = get_slot(s);
	if (unlikely(!slot))
		return false;
	write_entry(s, slot->entry, (phys & PAGE_MASK) | s->bits[dir]);
	if (unlikely(iommu_sync_map(domain, slot->iova, PAGE_SIZE))) {
		write_entry(s, slot->entry, 0);
		put_flushed(s, slot);
		return false;
	}
	h->addr = slot->iova + offset_in_page(phys);
	h->slot = slot;
	h->state = DMA_HANDLE_IOMMU | DMA_HANDLE_SLOT | DMA_HANDLE_UNMAP;
	return true;
}

static void iommu_dma_unmap_slot(struct device *dev, struct dma_handle *h)
{
	struct iommu_dma_cookie *cookie = iommu_get_dma_domain(dev)->iova_cookie;
	struct iommu_dma_slots *s = cookie->slots;
	struct iommu_dma_slot *slot = h->slot;
	u64 old = READ_ONCE(*slot->entry);

	/* The IOMMU may set bits of an entry in use, hence the loop. */
	do {
		if (WARN_ON_ONCE(!old || (old & SLOT_ADDRESS) != (h->phys & PAGE_MASK)))
			return;
	} while (!try_cmpxchg64(slot->entry, &old, 0));
	if (s->incoherent)
		iommu_pages_flush_incoherent(s->iommu_device, slot->entry, 0, sizeof(u64));
	if (READ_ONCE(cookie->fq_domain))
		put_pending(s, slot);
	else
		put_flushed(s, slot);
}
