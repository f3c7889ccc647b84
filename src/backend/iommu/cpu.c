/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "backend/iommu/cpu.h"

_Static_assert(CACHE_PAGED * sizeof(struct lazy_entry) <= DMAH_PAGE_SIZE,
	       "half of a lazy queue is a page");
_Static_assert(IOVA_PAGE == DMAH_PAGE_SIZE, "a page of the host is a piece of a cache's memory");

/* Returns true if CPUs get their memory from the host. Longer rings need more than a page in one piece. */
static bool is_paged(const struct dmah_domain_config *cfg)
{
	return cfg->lazy_entries <= CACHE_PAGED;
}

static size_t half_bytes(const struct dmah_domain_config *cfg)
{
	return cfg->lazy_entries * sizeof(struct lazy_entry);
}

static size_t cache_bytes(const struct dmah_domain_config *cfg)
{
	return (dmah_iova_cache_memory(cfg->lazy_entries) + 63) & ~(size_t)63;
}

size_t dmah_cpu_memory(const struct dmah_domain_config *cfg)
{
	return is_paged(cfg) ? 0 : cache_bytes(cfg) + 2 * half_bytes(cfg);
}

size_t dmah_cpu_shared_memory(const struct dmah_domain_config *cfg)
{
	return sizeof(struct dmah_cpu) + 2 * half_bytes(cfg);
}

static void give_queue(struct lazy_queue *q, void *first, void *second)
{
	q->half[0] = first;
	__atomic_store_n(&q->half[1], second, __ATOMIC_RELEASE);
}

/* Give a CPU the memory of its rings, in pieces of a page. */
static void give_rings(struct dmah_domain *dom, struct dmah_cpu *cpu, void *const *page)
{
	dmah_iova_cache_give_memory(&cpu->cache, dom->cfg.lazy_entries, page);
	dmah_iova_cache_set_depth(&cpu->cache, dom->iova.depth);
	__atomic_store_n(&cpu->made, true, __ATOMIC_RELEASE);
}

void dmah_iommu_init_cpu(struct dmah_domain *dom, struct dmah_cpu *cpu, void *memory)
{
	const struct dmah_domain_config *cfg = &dom->cfg;
	char *at = memory;

	dmah_iova_cache_init(&cpu->cache, cfg->mode == DMAH_LAZY);
	if (is_paged(cfg))
		return;
	dmah_iova_cache_give_piece(&cpu->cache, cfg->lazy_entries, at);
	cpu->made = true;
	at += cache_bytes(cfg);
	give_queue(&cpu->lazy, at, at + half_bytes(cfg));
}

void dmah_cpu_init_shared(struct dmah_domain *dom, void *memory)
{
	struct dmah_cpu *cpu = memory;
	char *queue = (char *)memory + sizeof(*cpu);

	dmah_iova_cache_init(&cpu->cache, dom->cfg.mode == DMAH_LAZY);
	give_queue(&cpu->lazy, queue, queue + half_bytes(&dom->cfg));
	dom->cpu[cpu_shared(dom)] = cpu;
}

void dmah_cpu_want(struct dmah_domain *dom, struct dmah_cpu *cpu)
{
	if (cpu_is_made(dom, cpu) || __atomic_load_n(&cpu->wanted, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(&cpu->wanted, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&dom->cpus_wanted, 1, __ATOMIC_RELEASE);
}

void dmah_cpu_free_pages(struct dmah_domain *dom)
{
	for (unsigned int i = 0; i < dom->cfg.cpus; i++)
		for (unsigned int k = 0; k < CPU_PAGES; k++)
			if (dom->cpu[i]->page[k])
				dmah_host_page_free(dom->cpu[i]->page[k]);
}

/*
 * Allocate one page of a CPU's part, and use the pages once they are complete. A page for each section: a section is to be
 * short. Pages of an attempt that ran out of memory stay for the next one. Returns true if there is more to do.
 */
static bool make_step(struct dmah_domain *dom, struct dmah_cpu *cpu)
{
	unsigned int pages = domain_mode(dom) == DMAH_LAZY ? CPU_PAGES : CACHE_PAGES, k = 0;

	while (k < pages && cpu->page[k])
		k++;
	if (k < pages)
		cpu->page[k] = dmah_host_page_alloc(DMAH_ALLOC_ATOMIC);
	if (k == pages || !cpu->page[k])
		return false;
	if (k + 1 == CACHE_PAGES)
		give_rings(dom, cpu, cpu->page);
	if (k + 1 == CPU_PAGES)
		give_queue(&cpu->lazy, cpu->page[CACHE_PAGES], cpu->page[CACHE_PAGES + 1]);
	return k + 1 < pages;
}

static void make(struct dmah_domain *dom, struct dmah_cpu *cpu)
{
	unsigned long flags;
	bool more;

	do {
		dmah_host_enter(&flags);
		dmah_host_lock(&cpu->lock);
		more = make_step(dom, cpu);
		dmah_host_unlock(&cpu->lock);
		dmah_host_leave(flags);
	} while (more);
}

void dmah_cpu_make(struct dmah_domain *dom)
{
	unsigned long flags;
	struct dmah_cpu *own = dom->cpu[dmah_host_enter(&flags)];

	dmah_host_leave(flags);
	/* Without a page table rings stay empty; what is unmapped lazily waits in the queue that CPUs share. */
	if (!is_paged(&dom->cfg) || dom->mark)
		return;
	make(dom, own);
	if (!__atomic_exchange_n(&dom->cpus_wanted, 0, __ATOMIC_ACQ_REL))
		return;
	for (unsigned int i = 0; i < dom->cfg.cpus; i++)
		if (__atomic_exchange_n(&dom->cpu[i]->wanted, 0, __ATOMIC_ACQUIRE))
			make(dom, dom->cpu[i]);
}
