/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Invalidations: every IOMMU of the domain, then every device's own TLB, then the wait.
 */
#include "backend/iommu/invalidate.h"
#include "backend/iommu/ids.h"
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

static bool has_tlb(const struct dmah_device *dev)
{
	return dev && dev->limits.flags & DMAH_DEV_ATS && dev->iommu->ops->invalidate_dev;
}

/* Posts for the ids of a device from number *@id on; an error leaves *@id at the one that it is about. */
static int post_ids(struct dmah_device *dev, dmah_addr_t iova, uint64_t size, unsigned int *id,
		    uint64_t *posted)
{
	for (; *id <= dev->nids; ++*id) {
		struct dmah_device view = iommu_id_view(dev, dmah_device_id(dev, *id));
		int n = dev->iommu->ops->invalidate_dev(dev->iommu, *id ? &view : dev, iova, size);

		if (n < 0)
			return n;
		*posted += (uint64_t)n;
	}
	*id = 0;
	return DMAH_OK;
}

/** struct place - the place that a post has come to: device @next, number @id of its ids, the full queue of @full. */
struct place {
	unsigned int next;
	unsigned int id;
	struct dmah_iommu *full;
};

/* Posts for the devices from @at on. Where a queue is full, returns DMAH_EBUSY with @at at the id that needs its command. */
static int post_some_devices(struct dmah_domain *dom, dmah_addr_t iova, uint64_t size,
			     struct place *at, uint64_t *posted)
{
	unsigned long flags;
	int err = DMAH_OK;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	for (; at->next < dom->cfg.devices; at->next++, at->id = 0) {
		struct dmah_device *dev = dom->device[at->next];

		if (!has_tlb(dev))
			continue;
		at->full = dev->iommu;
		err = post_ids(dev, iova, size, &at->id, posted);
		if (err)
			break;
	}
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	return err;
}

/*
 * A device's TLB is invalidated after its IOMMU's, or the device would fill it from there again. Devices stay attached
 * while the lock is held, and waiting for room needs the lock released.
 */
static int post_devices(struct dmah_domain *dom, dmah_addr_t iova, uint64_t size,
			struct iommu_post *post)
{
	struct place at = { 0 };
	int err;

	while ((err = post_some_devices(dom, iova, size, &at, &post->posted)) == DMAH_EBUSY)
		if (!at.full->ops->make_room || at.full->ops->make_room(at.full))
			return DMAH_ETIMEDOUT;
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

static bool is_isolated(const struct dmah_device *dev)
{
	if (!has_tlb(dev) || is_killed(dev) || !dev->iommu->ops->isolated)
		return false;
	for (unsigned int i = 0; i <= dev->nids; i++) {
		struct dmah_device view = iommu_id_view(dev, dmah_device_id(dev, i));

		if (dev->iommu->ops->isolated(dev->iommu, &view))
			return true;
	}
	return false;
}

/*
 * Treats devices that the driver has blocked, since they did not answer, as killed. One call returns an error for that: the
 * one that finds them here. The wait before has confirmed that they are blocked.
 */
static int find_isolated(struct dmah_domain *dom)
{
	unsigned long flags;
	int err = DMAH_OK;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	for (unsigned int i = 0; i < dom->cfg.devices; i++) {
		struct dmah_device *dev = dom->device[i];

		if (!is_isolated(dev))
			continue;
		__atomic_store_n(&dev->killed, true, __ATOMIC_RELEASE);
		__atomic_store_n(&dev->blocked, !dev->nids, __ATOMIC_RELEASE);
		__atomic_store_n(&dev->fast_end, 0, __ATOMIC_RELEASE);
		err = DMAH_ETIMEDOUT;
	}
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	return err;
}

int dmah_iommu_wait_all(struct dmah_domain *dom, bool ats, const uint64_t *ticket)
{
	int err = DMAH_OK;

	for (unsigned int i = 0; i < dom->nlinks; i++) {
		struct dmah_iommu *iommu = dom->links[i].iommu;

		err |= iommu->ops->wait(iommu, ticket[i]);
	}
	if (!err && ats)
		err = find_isolated(dom);
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
