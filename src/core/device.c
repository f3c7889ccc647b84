/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/count.h"

static bool is_pow2(uint64_t n)
{
	return n && !(n & (n - 1));
}

static bool limits_make_sense(const struct dmah_limits *limits)
{
	if ((limits->mask & (limits->mask + 1)) || limits->mask < (1u << 24) - 1)
		return false;
	if (limits->boundary && (!is_pow2(limits->boundary) || limits->boundary < 4096))
		return false;
	if (limits->max_segment && limits->max_segment < 4096)
		return false;
	if (limits->min_align_mask & (limits->min_align_mask + 1) || limits->min_align_mask > 4095)
		return false;
	return !(limits->nreserved && !limits->reserved) &&
	       !(limits->flags &
		 ~(uint32_t)(DMAH_DEV_COHERENT | DMAH_DEV_UNTRUSTED | DMAH_DEV_ATS));
}

/* A number that its handles carry, so that another device's are told; it comes round again after 1023 attaches. */
static uint16_t next_slot(const struct dmah_domain *dom)
{
	static uint32_t counter;

	for (;;) {
		uint16_t slot = (uint16_t)(__atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED) %
						   META_DEVICES +
					   1);
		bool taken = false;

		for (unsigned int i = 0; i < dom->cfg.devices; i++)
			taken |= dom->device[i] && dom->device[i]->number == slot;
		if (!taken)
			return slot;
	}
}

static int free_index(const struct dmah_domain *dom)
{
	for (unsigned int i = 0; i < dom->cfg.devices; i++)
		if (!dom->device[i])
			return (int)i;
	return -1;
}

static void publish(struct dmah_domain *dom, unsigned int index, struct dmah_device *dev)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	dom->device[index] = dev;
	dom->ndevices += dev ? 1u : 0u - 1u;
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
}

int dmah_attach(struct dmah_domain *dom, struct dmah_device *dev, const struct dmah_limits *limits)
{
	int index = free_index(dom), err = DMAH_OK;
	struct dmah_iommu *iommu = dev->iommu;

	if (dev->dom)
		return DMAH_EBUSY;
	if (!limits_make_sense(limits))
		return DMAH_EINVAL;
	if (index < 0)
		return DMAH_ENOSPC;
	dev->limits = *limits;
	dev->limits.reserved = NULL;
	dev->limits.nreserved = 0;
	if (limits->flags & DMAH_DEV_UNTRUSTED)
		dev->limits.flags &= ~(uint32_t)DMAH_DEV_ATS;
	dev->index = (uint16_t)index;
	dev->number = next_slot(dom);
	/* No handle has all bits, where caches are to be maintained as well. */
	dev->sync_whole = is_coherent(limits->flags)
				  ? META_SYNC | (uint32_t)dev->number << META_DEVICE_SHIFT
				  : ~0u;
	dev->owner = history_owner(dev->number);
	dev->fault_limit = (struct dmah_rate_limit){ 0 };
	dev->killed = false;
	dev->fast = 0;
	dev->fast_end = 0;
	dev->dom = dom;
	for (unsigned int i = 0; i < dom->cfg.cpus; i++)
		dom->cpu[i]->count[index] = (struct dev_count){ 0 };
	dev->count_at = (uint32_t)(offsetof(struct dmah_cpu, count) +
				   (unsigned int)index * sizeof(struct dev_count));
	if (dom->ops->attach)
		err = dom->ops->attach(dev, limits);
	if (err) {
		dev->dom = NULL;
		dev->iommu = iommu;
		return err;
	}
	publish(dom, (unsigned int)index, dev);
	return DMAH_OK;
}

int dmah_detach(struct dmah_device *dev)
{
	struct dmah_domain *dom = dev->dom;
	int err = DMAH_OK;

	if (!dom)
		return DMAH_ENODEV;
	if (dev->rings || dmah_device_live(dev))
		return DMAH_EBUSY;
	if (dom->ops->detach)
		err = dom->ops->detach(dev);
	if (err)
		return err;
	publish(dom, dev->index, NULL);
	dev->sync_whole = ~0u;
	dev->dom = NULL;
	dev->fast = 0;
	dev->fast_end = 0;
	return DMAH_OK;
}

int dmah_kill(struct dmah_device *dev)
{
	if (!dev->dom)
		return DMAH_ENODEV;
	__atomic_store_n(&dev->killed, true, __ATOMIC_RELEASE);
	__atomic_store_n(&dev->fast_end, 0, __ATOMIC_RELEASE);
	return dev->dom->ops->kill ? dev->dom->ops->kill(dev) : DMAH_ENOTSUP;
}
