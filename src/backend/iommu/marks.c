/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "backend/iommu/marks.h"
#include "backend/iommu/invalidate.h"
#include "base/count.h"

/* A mark: the mapping is live; the granule continues the one before; the generation. */
#define LIVE	  1u
#define CONT	  2u
#define GEN_SHIFT 2u
/* Granules in a page of marks. */
#define PAGE_MARKS ((uint32_t)DMAH_PAGE_SIZE)

static uint32_t pages(const struct dmah_domain_config *cfg)
{
	uint64_t granules = cfg->aperture_size >> PT_GRANULE_SHIFT;

	return (uint32_t)((granules + PAGE_MARKS - 1) / PAGE_MARKS);
}

size_t dmah_marks_memory(const struct dmah_domain_config *cfg)
{
	return cfg->handles_only ? pages(cfg) * sizeof(uint64_t) : 0;
}

void dmah_marks_fini(struct dmah_domain *dom)
{
	for (uint32_t i = 0; i < pages(&dom->cfg); i++)
		if (dom->mark[i])
			dmah_host_page_free(dom->mark[i]);
}

static uint8_t *mark_of(const struct dmah_domain *dom, uint32_t index)
{
	uint8_t *page = __atomic_load_n(&dom->mark[index / PAGE_MARKS], __ATOMIC_ACQUIRE);

	return page ? &page[index % PAGE_MARKS] : NULL;
}

static uint32_t load(const struct dmah_domain *dom, uint32_t index)
{
	const uint8_t *mark = mark_of(dom, index);

	return mark ? __atomic_load_n(mark, __ATOMIC_RELAXED) : 0;
}

static uint32_t gen_of(uint32_t mark)
{
	return mark >> GEN_SHIFT;
}

/* The mark of a granule whose mapping has ended: the generation of the next one. */
static uint8_t cleared(uint32_t mark)
{
	return (uint8_t)(((gen_of(mark) + 1) & MARK_GEN_MASK) << GEN_SHIFT);
}

static uint8_t live(const struct extent *run, uint32_t i)
{
	return (uint8_t)(LIVE | (run->cont || i ? CONT : 0) | run->gen << GEN_SHIFT);
}

uint32_t dmah_marks_next_gen(const struct dmah_domain *dom, uint32_t first, uint32_t n)
{
	uint32_t gen = gen_of(load(dom, first));

	/* The latest of all granules; generations wrap. */
	for (uint32_t i = 1; i < n; i++) {
		uint32_t other = gen_of(load(dom, first + i));

		if (((other - gen) & MARK_GEN_MASK) <= MARK_GEN_MASK / 2)
			gen = other;
	}
	return gen;
}

int dmah_marks_make(struct dmah_domain *dom, uint32_t index, unsigned int flags)
{
	uint8_t **at = &dom->mark[index / PAGE_MARKS];
	bool made;
	unsigned long irq;

	if (__atomic_load_n(at, __ATOMIC_ACQUIRE))
		return DMAH_OK;
	/* Under the lock, so that no page is left over: a map may be where the host cannot free one. */
	dmah_host_enter(&irq);
	dmah_host_lock(&dom->table_lock);
	if (!*at)
		__atomic_store_n(at, dmah_host_page_alloc(flags | DMAH_ALLOC_ATOMIC),
				 __ATOMIC_RELEASE);
	made = *at;
	dmah_host_unlock(&dom->table_lock);
	dmah_host_leave(irq);
	return made ? DMAH_OK : DMAH_ENOMEM;
}

static int post_map(struct dmah_domain *dom, const struct extent *run)
{
	int err = DMAH_OK;

	for (unsigned int i = 0; !err && i < dom->nlinks; i++) {
		struct dmah_iommu *iommu = dom->links[i].iommu;

		err = iommu->ops->map_request(iommu, dom->links[i].tag, iommu_iova(dom, run->first),
					      (uint64_t)run->n << PT_GRANULE_SHIFT, run->phys,
					      run->dir);
	}
	return err;
}

int dmah_marks_set(const struct dmah_device *dev, const struct extent *run, unsigned int flags,
		   uint32_t *set)
{
	struct dmah_domain *dom = dev->dom;
	int err = DMAH_OK;

	*set = 0;
	for (uint32_t i = 0; !err && i < run->n; i += PAGE_MARKS)
		err = dmah_marks_make(dom, run->first + i, flags);
	if (!err)
		err = dmah_marks_make(dom, run->first + run->n - 1, flags);
	if (err)
		return err;
	for (uint32_t i = 0; i < run->n; i++)
		__atomic_store_n(mark_of(dom, run->first + i), live(run, i), __ATOMIC_RELAXED);
	*set = run->n;
	return post_map(dom, run);
}

int dmah_marks_confirm(struct dmah_device *dev)
{
	struct dmah_domain *dom = dev->dom;
	uint64_t ticket[DOMAIN_IOMMUS];
	int err = DMAH_OK;

	for (unsigned int i = 0; !err && i < dom->nlinks; i++)
		err = dom->links[i].iommu->ops->fence(dom->links[i].iommu, &ticket[i]);
	if (!err)
		err = iommu_wait(dom, ticket);
	count(dev, waits, 1);
	return err;
}

static int post_unmap(struct dmah_domain *dom, uint32_t first, uint32_t n)
{
	struct iommu_post post;

	return iommu_post(dom, iommu_iova(dom, first), (uint64_t)n << PT_GRANULE_SHIFT, false,
			  &post);
}

int dmah_marks_defer(struct dmah_device *dev, uint32_t first, uint32_t n)
{
	return post_unmap(dev->dom, first, n);
}

int dmah_marks_flush(struct dmah_domain *dom)
{
	uint32_t first = 0, n;
	unsigned long flags;
	int err = DMAH_OK;

	/* A mapping lies in quarantine as a whole, so that no request covers a part of one. */
	while (!err) {
		dmah_host_enter(&flags);
		first = dmah_iova_next_quarantined(&dom->iova, first, &n);
		dmah_host_leave(flags);
		if (first == RANGE_NONE)
			break;
		err = post_unmap(dom, first, n);
		first += n;
	}
	return err;
}

bool dmah_marks_match(const struct dmah_domain *dom, const struct extent *run)
{
	for (uint32_t i = 0; i < run->n; i++)
		if (run->gen > MARK_GEN_MASK || load(dom, run->first + i) != live(run, i))
			return false;
	return true;
}

bool dmah_marks_end_at(const struct dmah_domain *dom, uint32_t index)
{
	return index >= dom->granules || (load(dom, index) & (LIVE | CONT)) != (LIVE | CONT);
}

/* Exchanges a mark by the word around it: some CPUs (RISC-V) exchange no bytes. Returns false where it is not @from. */
static bool exchange(uint8_t *mark, uint8_t from, uint8_t to)
{
	unsigned int at = (uintptr_t)mark % sizeof(uint32_t);
	uint32_t *word = (uint32_t *)(void *)(mark - at);
	uint32_t now = __atomic_load_n(word, __ATOMIC_RELAXED), then;

	do {
		if (((const uint8_t *)&now)[at] != from)
			return false;
		then = now;
		((uint8_t *)&then)[at] = to;
	} while (!__atomic_compare_exchange_n(word, &now, then, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return true;
}

uint32_t dmah_marks_claim(const struct dmah_domain *dom, const struct extent *run)
{
	uint8_t *mark = mark_of(dom, run->first), value = live(run, 0);

	return run->gen <= MARK_GEN_MASK && mark && exchange(mark, value, cleared(value));
}

void dmah_marks_clear(const struct dmah_domain *dom, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *mark = mark_of(dom, first + i);

		if (mark)
			__atomic_store_n(mark, cleared(*mark), __ATOMIC_RELAXED);
	}
}

bool dmah_marks_live(const struct dmah_domain *dom, uint32_t index)
{
	return load(dom, index) & LIVE;
}

uint32_t dmah_marks_gen(const struct dmah_domain *dom, uint32_t index)
{
	return gen_of(load(dom, index));
}
