/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "backend/iommu/map.h"
#include "backend/iommu/batch.h"
#include "backend/direct.h"
#include "base/request.h"

/* From this many mappings on one invalidation of the domain costs less than theirs. */
#define MANY 8u

static uint32_t first_of(const struct dmah_domain *dom, const struct dmah *h)
{
	return (uint32_t)((h->dma - dom->cfg.aperture_base) >> PT_GRANULE_SHIFT);
}

/* The granules of a handle that was checked. A fast handle of one granule is not checked for its length. */
static uint32_t granules_of(const struct dmah *h)
{
	return meta_kind(h->meta) == KIND_FAST ? 1 : iommu_granules(h->dma, h->len);
}

bool dmah_iommu_batch_start_many(struct dmah_device *dev, struct dmah_batch *b, struct dmah *h,
				 uint64_t timestamp)
{
	uint32_t index, n;
	uint64_t *pte = dmah_fast_find(dev, h, &index, &n);

	if (!pte)
		return false;
	if (!dmah_fast_end(dev->dom, pte, fast_first(&dev->dom->pt.leaf, h), n, timestamp))
		return false;
	(void)dmah_move(&b->h[b->n++], h);
	return true;
}

int dmah_iommu_batch_start_any(struct dmah_device *dev, struct dmah_batch *b, struct dmah *h,
			       uint64_t timestamp)
{
	/* Passthrough: there are no entries. */
	if (meta_kind(h->meta) != DMAH_BACKEND_DIRECT && !dmah_iommu_end(dev->dom, h, timestamp))
		return DMAH_ESTALE;
	(void)dmah_move(&b->h[b->n], h);
	handle_general(dev, &b->h[b->n++]);
	return DMAH_OK;
}

static int post_each(struct dmah_device *dev, const struct dmah_batch *b, struct iommu_post *post)
{
	uint64_t posted = 0;
	int err = DMAH_OK;

	for (uint32_t i = 0; !err && i < b->n; i++) {
		const struct dmah *h = &b->h[i];

		if (meta_kind(h->meta) == DMAH_BACKEND_DIRECT)
			continue;
		/* A mark stands behind all that was posted before it: the last one is enough. */
		err = iommu_post(dev->dom, h->dma & ~GRANULE_MASK,
				 (uint64_t)granules_of(h) << PT_GRANULE_SHIFT, false, post);
		posted += post->posted;
	}
	post->posted = posted;
	return err;
}

/* A hash of a batch's handles: between start and finish nothing else tells which granules are the batch's. */
static uint64_t seal(const struct dmah_batch *b)
{
	uint64_t sum = b->n;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct dmah *h = &b->h[i];

		sum = (sum ^ h->dma ^ (h->backend << 13 | h->backend >> 51)) *
			      0x9e3779b97f4a7c15ull +
		      (h->phys ^ ((uint64_t)h->meta << 32 | h->len));
	}
	return sum;
}

void dmah_iommu_batch_post(struct dmah_device *dev, struct dmah_batch *b)
{
	struct iommu_post post = { 0 };
	unsigned long flags;
	unsigned int cpu;

	b->seal = seal(b);
	/* The entries are clear in memory before the first invalidation is posted. */
	dmah_host_wmb();
	b->hung = b->n > MANY && !dev->dom->mark ? iommu_post(dev->dom, 0, 0, false, &post)
						 : post_each(dev, b, &post);
	for (unsigned int i = 0; i < DOMAIN_IOMMUS; i++)
		b->ticket[i] = post.ticket[i];
	cpu = dmah_host_enter(&flags);
	count_in(dev, cpu, invalidations, post.posted);
	count_in(dev, cpu, waits, 1);
	dmah_host_leave(flags);
}

/* Return the granules of a fast mapping to the CPU's cache. Returns false where the lock is needed. */
static bool give_back(const struct dmah_domain *dom, struct iova_cache *cache, const struct dmah *h)
{
	uint32_t first = first_of(dom, h);
	unsigned int class = iova_class(granules_of(h));

	return meta_is_fast(h->meta) && cache_give_back(&cache->ring[class], first);
}

/* All of them in one section. Return: handles that are left to do, which are the first ones then. */
static uint32_t finish_fast(struct dmah_device *dev, struct dmah_batch *b)
{
	struct dmah_domain *dom = dev->dom;
	uint32_t left = 0;
	unsigned long flags;
	unsigned int n = dmah_host_enter(&flags);

	for (uint32_t i = 0; i < b->n; i++) {
		struct dmah *h = &b->h[i];

		if (give_back(dom, &dom->cpu[n]->cache, h)) {
			handle_clear(h);
			continue;
		}
		if (left != i) {
			b->h[left] = *h;
			handle_clear(h);
		}
		left++;
	}
	count_unmapped(dev, n, b->n - left);
	dmah_host_leave(flags);
	return left;
}

static int finish_any(struct dmah_device *dev, struct dmah *h, int err)
{
	struct unmap_release release = { .err = err };

	if (meta_kind(h->meta) == DMAH_BACKEND_DIRECT) {
		err = dmah_direct_unmap(dev, h, false);
	} else {
		dmah_iommu_release_buffer(dev, h, &release);
		dmah_iommu_release_granules(dev, first_of(dev->dom, h), granules_of(h), &release);
		count(dev, unmaps, 1);
	}
	handle_clear(h);
	return err;
}

/* A handle was damaged: no granule and no slot is given back, since it might be another mapping's. */
static int finish_damaged(struct dmah_device *dev, struct dmah_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		handle_clear(&b->h[i]);
	count(dev, unmaps, b->n);
	return dmah_report_misuse(dev, DMAH_EINVAL, "a batch whose handles were changed", b->n,
				  NULL);
}

int dmah_iommu_batch_finish(struct dmah_device *dev, struct dmah_batch *b)
{
	int err = b->hung ? DMAH_ETIMEDOUT : iommu_wait(dev->dom, b->ticket);
	uint32_t left;

	if (b->n > b->max || seal(b) != b->seal) {
		b->n = b->n < b->max ? b->n : b->max;
		return finish_damaged(dev, b) && err ? err : DMAH_EINVAL;
	}
	left = err ? b->n : finish_fast(dev, b);
	for (uint32_t i = 0; i < left; i++) {
		int one = finish_any(dev, &b->h[i], err);

		err = err ? err : one;
	}
	return err;
}
