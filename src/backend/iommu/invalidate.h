/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Invalidations of a domain.
 */
#ifndef DMAH_BACKEND_IOMMU_INVALIDATE_H
#define DMAH_BACKEND_IOMMU_INVALIDATE_H

#include "backend/iommu/iommu.h"

/**
 * dmah_iommu_invalidate() - a range no longer translates anywhere when this returns: every IOMMU of the domain, then every
 *	device's own TLB, then the wait.
 * @dev: counts for this device, or for none where NULL.
 * @size: bytes; 0: the whole domain.
 * @tables: cached entries above the leaf too.
 *
 * Context: outside dmah_host_enter(). Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_iommu_invalidate(struct dmah_domain *dom, const struct dmah_device *dev, dmah_addr_t iova,
			  uint64_t size, bool tables);

/**
 * struct iommu_post - invalidations that were posted.
 * @ticket: the marks to wait for, one for each IOMMU of the domain.
 * @posted: commands.
 */
struct iommu_post {
	uint64_t ticket[DOMAIN_IOMMUS];
	uint64_t posted;
};

/** dmah_iommu_post_all() - iommu_post() for several IOMMUs, or devices with TLBs of their own (@ats). */
int dmah_iommu_post_all(struct dmah_domain *dom, dmah_addr_t iova, uint64_t size, bool tables,
			bool ats, struct iommu_post *post);

/** dmah_iommu_wait_all() - iommu_wait() for several IOMMUs, or devices with TLBs of their own (@ats). */
int dmah_iommu_wait_all(struct dmah_domain *dom, bool ats, const uint64_t *ticket);

/** iommu_post() - the first half of dmah_iommu_invalidate(). Return: 0, DMAH_ETIMEDOUT. */
static inline int iommu_post(struct dmah_domain *dom, dmah_addr_t iova, uint64_t size, bool tables,
			     struct iommu_post *post)
{
	bool ats = __atomic_load_n(&dom->ats, __ATOMIC_ACQUIRE);
	const struct dmah_link *link = &dom->links[0];
	int n;

	if (ats || dom->nlinks > 1)
		return dmah_iommu_post_all(dom, iova, size, tables, ats, post);
	n = link->iommu->ops->invalidate(link->iommu, link->tag, iova, size, tables,
					 &post->ticket[0]);
	post->posted = n > 0 ? (uint64_t)n : 0;
	return n < 0 ? n : DMAH_OK;
}

/**
 * iommu_post_done() - iommu_post() of a range, for hardware that may be done at once.
 * @err: the result of the posting: 0, DMAH_ETIMEDOUT.
 *
 * Returns true if iommu_wait() would return 0 at once, as far as that is known without a register: the caller need not wait.
 */
static inline bool iommu_post_done(struct dmah_domain *dom, dmah_addr_t iova, uint64_t size,
				   struct iommu_post *post, int *err)
{
	bool ats = __atomic_load_n(&dom->ats, __ATOMIC_ACQUIRE);
	const struct dmah_link *link = &dom->links[0];
	int n;

	if (ats || dom->nlinks > 1) {
		*err = dmah_iommu_post_all(dom, iova, size, false, ats, post);
		return false;
	}
	n = link->iommu->ops->invalidate(link->iommu, link->tag, iova, size, false,
					 &post->ticket[0]);
	post->posted = n > 0 ? (uint64_t)n : 0;
	*err = n < 0 ? n : DMAH_OK;
	return n >= 0 && link->iommu->ops->done &&
	       link->iommu->ops->done(link->iommu, post->ticket[0]);
}

/** iommu_wait() - the second half of dmah_iommu_invalidate(): wait for the tickets. Return: 0, DMAH_ETIMEDOUT. */
static inline int iommu_wait(struct dmah_domain *dom, const uint64_t *ticket)
{
	bool ats = __atomic_load_n(&dom->ats, __ATOMIC_ACQUIRE);
	struct dmah_iommu *iommu = dom->links[0].iommu;

	if (ats || dom->nlinks > 1)
		return dmah_iommu_wait_all(dom, ats, ticket);
	return iommu->ops->wait(iommu, ticket[0]) ? DMAH_ETIMEDOUT : DMAH_OK;
}

#endif /* DMAH_BACKEND_IOMMU_INVALIDATE_H */
