/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The calls of iova_steps.h. */
#include <linux/iova.h>

#include "iova_steps.h"

uint64_t linux_steps;

struct domain {
	struct iova_domain iovad;
	bool below_4g_first;
};

static void *create(void)
{
	static bool there;
	struct domain *d = there || !iova_cache_get() ? calloc(1, sizeof(*d)) : NULL;

	there = true;
	if (!d)
		return NULL;
	init_iova_domain(&d->iovad, PAGE_SIZE, 1);
	d->below_4g_first = true;
	if (!iova_domain_init_rcaches(&d->iovad))
		return d;
	free(d);
	return NULL;
}

static void destroy(void *domain)
{
	struct domain *d = domain;

	put_iova_domain(&d->iovad);
	free(d);
}

static uint64_t alloc(void *domain, unsigned long pages, unsigned int mask)
{
	struct domain *d = domain;

	if (mask > 32 && d->below_4g_first) {
		uint64_t first = alloc_iova_fast(&d->iovad, pages, ~0u >> PAGE_SHIFT, false);

		if (first)
			return first;
		d->below_4g_first = false;
	}
	return alloc_iova_fast(&d->iovad, pages, (~0ull >> (64 - mask)) >> PAGE_SHIFT, true);
}

static void release(void *domain, uint64_t first, unsigned long pages)
{
	struct domain *d = domain;

	free_iova_fast(&d->iovad, first, pages);
}

__attribute__((visibility("default"))) const struct linux_iova_steps linux_iova_steps = {
	.version = LINUX_VERSION,
	.steps = &linux_steps,
	.create = create,
	.destroy = destroy,
	.alloc = alloc,
	.free = release,
};
