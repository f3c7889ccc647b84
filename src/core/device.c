/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Devices, for every backend: attach, detach, kill.
 */
#include "base/count.h"
#include "base/setup_error.h"
#include "core/setup.h"

static bool is_pow2(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* Returns DMAH_OK, or reports the limit that makes no sense and returns DMAH_EINVAL. */
static int check_limits(const struct dmah_device *dev, const struct dmah_limits *limits)
{
	const uint32_t flags = DMAH_DEV_COHERENT | DMAH_DEV_UNTRUSTED | DMAH_DEV_ATS;

	if ((limits->mask & (limits->mask + 1)) || limits->mask < (1u << 24) - 1)
		return dmah_setup_error(
			dev, DMAH_EINVAL,
			"dmah_attach: limits.mask is not 2^n - 1 with n from 24 to 64",
			limits->mask);
	if (limits->boundary && (!is_pow2(limits->boundary) || limits->boundary < 4096))
		return dmah_setup_error(
			dev, DMAH_EINVAL,
			"dmah_attach: limits.boundary is not a power of two of at least 4096",
			limits->boundary);
	if (limits->max_segment && limits->max_segment < 4096)
		return dmah_setup_error(dev, DMAH_EINVAL,
					"dmah_attach: limits.max_segment is below 4096",
					limits->max_segment);
	if (limits->min_align_mask & (limits->min_align_mask + 1) || limits->min_align_mask > 4095)
		return dmah_setup_error(
			dev, DMAH_EINVAL,
			"dmah_attach: limits.min_align_mask is not 2^n - 1 of at most 4095",
			limits->min_align_mask);
	if (limits->nreserved && !limits->reserved)
		return dmah_setup_error(
			dev, DMAH_EINVAL,
			"dmah_attach: limits.reserved is NULL and nreserved is not 0",
			limits->nreserved);
	if (limits->flags & ~flags)
		return dmah_setup_error(dev, DMAH_EINVAL,
					"dmah_attach: limits.flags has a bit that has no meaning",
					limits->flags);
	return DMAH_OK;
}

/* ---- numbers that handles carry ---- */

/* Devices that have each number, in all domains. */
static uint32_t number_users[META_DEVICES + 1];

static bool number_in_domain(const struct dmah_domain *dom, uint16_t number)
{
	for (unsigned int i = 0; i < dom->cfg.devices; i++)
		if (dom->device[i] && dom->device[i]->number == number)
			return true;
	return false;
}

/*
 * A handle of another device is refused because its number differs. A number that no device of any domain has is
 * best; where all are taken, one that no device of this domain has must do. Numbers are taken in turn, so that a
 * handle which outlives its device is refused for a long time.
 */
static uint16_t take_number(const struct dmah_domain *dom)
{
	static uint32_t counter;

	for (uint32_t attempt = 0;; attempt++) {
		uint16_t number = (uint16_t)(__atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED) %
						     META_DEVICES +
					     1);
		uint32_t none = 0;

		if (attempt < META_DEVICES) {
			if (__atomic_compare_exchange_n(&number_users[number], &none, 1, false,
							__ATOMIC_RELAXED, __ATOMIC_RELAXED))
				return number;
		} else if (!number_in_domain(dom, number)) {
			__atomic_add_fetch(&number_users[number], 1, __ATOMIC_RELAXED);
			return number;
		}
	}
}

static void put_number(uint16_t number)
{
	__atomic_sub_fetch(&number_users[number], 1, __ATOMIC_RELAXED);
}

/* ---- attach and detach ---- */

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
	/* Read without the lock by unmaps of a killed device. */
	__atomic_store_n(&dom->ndevices, dev ? dom->ndevices + 1 : dom->ndevices - 1,
			 __ATOMIC_RELEASE);
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
}

static void fill(struct dmah_domain *dom, struct dmah_device *dev, const struct dmah_limits *limits,
		 unsigned int index)
{
	dev->limits = *limits;
	dev->limits.reserved = NULL;
	dev->limits.nreserved = 0;
	/* The backend sets this again, once it can invalidate the device's own TLB. */
	dev->limits.flags &= ~(uint32_t)DMAH_DEV_ATS;
	dev->index = (uint16_t)index;
	dev->number = take_number(dom);
	/* No handle has all bits, where caches are to be maintained as well. */
	dev->sync_whole = is_coherent(limits->flags) ? (uint32_t)dev->number << META_DEVICE_SHIFT
						     : ~0u;
	for (unsigned int dir = 0; dir <= DMAH_BIDIRECTIONAL; dir++)
		dev->owner[dir] = history_owner(dev->number, (enum dmah_dir)dir);
	dev->fault_limit = (struct dmah_rate_limit){ 0 };
	dev->killed = false;
	dev->binding = false;
	dev->blocked = false;
	dev->holds_ids = false;
	dev->fast = 0;
	dev->fast_lazy = 0;
	dev->fast_end = 0;
	dev->direct = 0;
	dev->direct_end = 0;
	dev->dom = dom;
	for (unsigned int i = 0; i < dom->cfg.cpus; i++)
		dom->cpu[i]->count[index] = (struct dev_count){ 0 };
	dev->count_at =
		(uint32_t)(offsetof(struct dmah_cpu, count) + index * sizeof(struct dev_count));
}

static void clear(struct dmah_device *dev)
{
	put_number(dev->number);
	dev->holds_ids = false;
	dev->sync_whole = ~0u;
	dev->fast = 0;
	dev->fast_lazy = 0;
	dev->fast_end = 0;
	dev->direct = 0;
	dev->direct_end = 0;
	dev->dom = NULL;
}

static int attach(struct dmah_domain *dom, struct dmah_device *dev,
		  const struct dmah_limits *limits)
{
	struct dmah_iommu *iommu = dev->iommu;
	int index = free_index(dom), err = DMAH_OK;

	if (dev->dom)
		return dmah_setup_error(dev, DMAH_EBUSY,
					"dmah_attach: the device is attached already", dev->id);
	err = check_limits(dev, limits);
	if (err)
		return err;
	if (index < 0)
		return dmah_setup_error(
			dev, DMAH_ENOSPC,
			"dmah_attach: the domain has no room for a further device (config.devices)",
			dom->cfg.devices);
	fill(dom, dev, limits, (unsigned int)index);
	/*
	 * From before it is bound, the device is one of those whose own TLB every unmap invalidates, and that faults are
	 * looked up for.
	 */
	publish(dom, (unsigned int)index, dev);
	if (dom->ops->attach)
		err = dom->ops->attach(dev, limits);
	if (!err)
		return DMAH_OK;
	publish(dom, (unsigned int)index, NULL);
	clear(dev);
	dev->iommu = iommu;
	return err;
}

int dmah_attach(struct dmah_domain *dom, struct dmah_device *dev, const struct dmah_limits *limits)
{
	int err;

	dmah_setup_begin(dom);
	err = attach(dom, dev, limits);
	dmah_setup_end(dom);
	return err;
}

static int detach(struct dmah_domain *dom, struct dmah_device *dev)
{
	int64_t live = (int64_t)dmah_device_live(dev);
	int err = DMAH_OK;

	if (dev->rings)
		return dmah_setup_error(dev, DMAH_EBUSY,
					"dmah_detach: a ring of the device is not ended",
					(uint64_t)live);
	/* Without a table or a slot, a stale copy is ended as if it were live. */
	if (live < 0)
		return dmah_setup_error(
			dev, DMAH_EBUSY,
			"dmah_detach: more mappings of the device were ended than made",
			(uint64_t)-live);
	if (live)
		return dmah_setup_error(dev, DMAH_EBUSY,
					"dmah_detach: a mapping of the device is live",
					(uint64_t)live);
	if (dom->ops->detach)
		err = dom->ops->detach(dev);
	if (err)
		return err;
	publish(dom, dev->index, NULL);
	clear(dev);
	return DMAH_OK;
}

int dmah_detach(struct dmah_device *dev)
{
	struct dmah_domain *dom = dev->dom;
	int err;

	if (!dom)
		return DMAH_ENODEV;
	dmah_setup_begin(dom);
	err = detach(dom, dev);
	dmah_setup_end(dom);
	return err;
}

/* ---- kill ---- */

int dmah_kill(struct dmah_device *dev)
{
	struct dmah_domain *dom = dev->dom;
	unsigned long flags;

	if (!dom)
		return DMAH_ENODEV;
	/* The setup lock keeps a change of modes from opening the fast path again. */
	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	__atomic_store_n(&dev->killed, true, __ATOMIC_RELEASE);
	__atomic_store_n(&dev->fast_end, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&dev->direct_end, 0, __ATOMIC_RELEASE);
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	return dom->ops->kill ? dom->ops->kill(dev) : DMAH_ENOTSUP;
}
