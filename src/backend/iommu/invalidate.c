/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Invalidations: every IOMMU of the domain, then every device's own TLB, then the wait.
 */
#include "backend/iommu/invalidate.h"
#include "base/count.h"

static int post_iommus(struct dmah_domain *dom, dmah_addr_t iova, uint64_t size, bool tables,
		       bool last, struct iommu_post *post)
{
	int err = DMAH_OK;

	for (unsigned int i = 0; i < dom->nlinks; i++) {
		struct dmah_link *link = &dom->links[i];
		int n = link->iommu->ops->invalidate(link->iommu, link->tag, iova, size, tables,
						     last ? &post->ticket[i] : NULL);

		if (n < 0)
			err = n;
		else
			post->posted += (uint64_t)n;
	}
	return err;
}

/* A device's TLB is asked after its IOMMU's, or it would fill itself from there again. */
static int post_devices(struct dmah_domain *dom, dmah_addr_t iova, uint64_t size,
			struct iommu_post *post)
{
	unsigned long flags;
	int err = DMAH_OK;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	for (unsigned int i = 0; i < dom->cfg.devices; i++) {
		struct dmah_device *dev = dom->device[i];
		int n;

		if (!dev || !(dev->limits.flags & DMAH_DEV_ATS) || !dev->iommu->ops->invalidate_dev)
			continue;
		n = dev->iommu->ops->invalidate_dev(dev->iommu, dev, iova, size);
		if (n < 0)
			err = n;
		else
			post->posted += (uint64_t)n;
	}
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	return err;
}

int dmah_iommu_post_all(struct dmah_domain *dom, dmah_addr_t iova, uint64_t size, bool tables,
			bool ats, struct iommu_post *post)
{
	int err;

	post->posted = 0;
	err = post_iommus(dom, iova, size, tables, !ats, post);
	if (err || !ats)
		return err;
	err = post_devices(dom, iova, size, post);
	for (unsigned int i = 0; !err && i < dom->nlinks; i++)
		err = dom->links[i].iommu->ops->fence(dom->links[i].iommu, &post->ticket[i]);
	return err;
}

int dmah_iommu_wait_all(struct dmah_domain *dom, const uint64_t *ticket)
{
	int err = DMAH_OK;

	for (unsigned int i = 0; i < dom->nlinks; i++) {
		struct dmah_iommu *iommu = dom->links[i].iommu;

		err |= iommu->ops->wait(iommu, ticket[i]);
	}
	return err ? DMAH_ETIMEDOUT : DMAH_OK;
}

int dmah_iommu_invalidate(struct dmah_domain *dom, const struct dmah_device *dev, dmah_addr_t iova,
			  uint64_t size, bool tables)
{
	struct iommu_post post;
	unsigned long flags;
	unsigned int cpu;
	int err;

	err = iommu_post(dom, iova, size, tables, &post);
	if (!err)
		err = iommu_wait(dom, post.ticket);
	if (dev) {
		cpu = dmah_host_enter(&flags);
		count_in(dev, cpu, invalidations, post.posted);
		count_in(dev, cpu, waits, 1);
		dmah_host_leave(flags);
	}
	return err ? DMAH_ETIMEDOUT : DMAH_OK;
}
