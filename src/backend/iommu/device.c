/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Devices behind an IOMMU: attach, detach, kill.
 */
#include "backend/iommu/device.h"
#include "backend/iommu/aperture.h"
#include "backend/iommu/cells.h"
#include "backend/iommu/fast.h"
#include "backend/iommu/flush.h"
#include "backend/iommu/ids.h"
#include "backend/iommu/invalidate.h"
#include "backend/iommu/link.h"
#include "backend/iommu/mode.h"
#include "backend/iommu/reserved.h"
#include "base/setup_error.h"

/* ---- bind ---- */

static int bind(struct dmah_device *dev, enum dmah_mode mode)
{
	struct dmah_domain *dom = dev->dom;
	uint32_t tag = dmah_iommu_link_of(dom, dev)->tag;
	struct dmah_pt_info info;

	if (mode == DMAH_PASSTHROUGH)
		return dmah_iommu_bind_ids(dev, DMAH_BIND_PASSTHROUGH, NULL, tag);
	dmah_iommu_pt_info(dom, &info);
	return dmah_iommu_bind_ids(dev, DMAH_BIND_TRANSLATE, &info, tag);
}

static int block(struct dmah_device *dev)
{
	return dmah_iommu_block_ids(dev, dmah_iommu_link_of(dev->dom, dev)->tag);
}

static bool set_binding(struct dmah_device *dev, bool on)
{
	struct dmah_domain *dom = dev->dom;
	unsigned long flags;
	bool killed;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	killed = is_killed(dev);
	dev->binding = on && !killed;
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	return !killed;
}

/* Sets *@self to true if @dev itself is being bound. Returns true if it is, or a device that is killed with it. */
static bool mark_killed(struct dmah_device *dev, bool *self)
{
	struct dmah_domain *dom = dev->dom;
	unsigned long flags;
	bool binding;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	*self = dev->binding;
	binding = dmah_iommu_kill_sharers(dev);
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	return binding;
}

/* Block a killed device, and end the translations that it may still use. */
static int finish_kill(struct dmah_device *dev)
{
	int err = block(dev), flushed = dmah_iommu_flush(dev->dom, dev);

	if (!err && !flushed)
		__atomic_store_n(&dev->blocked, true, __ATOMIC_RELEASE);
	else
		dmah_iommu_doubt(dev->dom);
	return err ? err : flushed;
}

/*
 * Bind an attached device that may be killed at any time, also from an interrupt on this CPU, which cannot wait: a kill
 * that finds @binding set leaves the block to this function. A killed device that is not known to be blocked would go on
 * in the mode before.
 */
static int bind_attached(struct dmah_device *dev, enum dmah_mode mode)
{
	bool self;
	int err;

	if (!set_binding(dev, true)) {
		(void)mark_killed(dev, &self);
		return __atomic_load_n(&dev->blocked, __ATOMIC_ACQUIRE) ? DMAH_OK
									: finish_kill(dev);
	}
	err = bind(dev, mode);
	if (!set_binding(dev, false)) {
		(void)mark_killed(dev, &self);
		(void)finish_kill(dev);
	}
	return err;
}

/*
 * Bind a device as before a change that failed. One that this fails for would be left as the change wanted it, or
 * blocked, and nobody would know: it is killed.
 */
static void bind_again(struct dmah_device *dev)
{
	int err = bind_attached(dev, dev->dom->mode_wanted);
	bool self;

	if (!err || is_killed(dev))
		return;
	(void)mark_killed(dev, &self);
	(void)finish_kill(dev);
	(void)dmah_setup_error(dev, err,
			       "dmah_set_mode, dmah_attach: a device can be bound neither anew "
			       "nor as before: it counts as killed",
			       dev->id);
}

int dmah_iommu_bind_all(struct dmah_domain *dom, enum dmah_mode mode, const struct dmah_device *but)
{
	for (unsigned int i = 0; i < dom->cfg.devices; i++) {
		int err;

		if (!dom->device[i] || dom->device[i] == but)
			continue;
		err = bind_attached(dom->device[i], mode);
		if (!err)
			continue;
		/* Also the one that could not be bound, which may be blocked now. */
		for (unsigned int k = 0; k <= i; k++)
			if (dom->device[k] && dom->device[k] != but)
				bind_again(dom->device[k]);
		return err;
	}
	return DMAH_OK;
}

/* ---- attach ---- */

/* Name the device's IOMMU, and count the device's own TLB, from before the device can fill that. */
static void enroll(struct dmah_device *dev, struct dmah_iommu *iommu, bool ats)
{
	struct dmah_domain *dom = dev->dom;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	dev->iommu = iommu;
	if (ats) {
		dev->limits.flags |= DMAH_DEV_ATS;
		__atomic_add_fetch(&dom->ats, 1, __ATOMIC_SEQ_CST);
	}
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
}

static void uncount_ats(struct dmah_device *dev)
{
	struct dmah_domain *dom = dev->dom;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	if (dev->limits.flags & DMAH_DEV_ATS) {
		dev->limits.flags &= ~(uint32_t)DMAH_DEV_ATS;
		__atomic_sub_fetch(&dom->ats, 1, __ATOMIC_RELEASE);
	}
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
}

/*
 * An unmap that is under way may have cleared its entries and seen no device with a TLB. What it cleared must be gone
 * from the IOTLBs before the new device can copy it from there: every CPU's stores are made visible, and the domain is
 * flushed. tests/spin/ats.pml is a model of this.
 */
static int settle_unmaps(struct dmah_device *dev)
{
	struct dmah_domain *dom = dev->dom;

	for (unsigned int i = 0; i < dom->cfg.cpus; i++)
		if (!dmah_host_quiesce(i))
			return dmah_setup_error(dev, DMAH_EBUSY,
						"dmah_attach: the host cannot wait for other CPUs "
						"(dmah_host_quiesce)",
						i);
	return dmah_iommu_invalidate(dom, NULL, 0, 0, false);
}

/* Returns true if a device of the domain was killed. Under the setup calls' own exclusion. */
static bool has_blocked(const struct dmah_domain *dom)
{
	const struct dmah_device *dev;
	unsigned int at = 0;

	while ((dev = domain_next_device(dom, &at)))
		if (__atomic_load_n(&dev->blocked, __ATOMIC_ACQUIRE))
			return true;
	return false;
}

static int attach_ranges(struct dmah_device *dev, const struct dmah_limits *limits)
{
	struct dmah_domain *dom = dev->dom;
	bool changed = false;
	int err;

	dmah_iommu_recall(dom);
	err = dmah_iommu_add_reserved(dev, dev->iommu->reserved, dev->iommu->nreserved);
	if (!err)
		err = dmah_iommu_add_reserved(dev, limits->reserved, limits->nreserved);
	if (!err)
		err = dmah_iommu_map_identity(dev, &changed);
	/* Devices that are bound already may remember that these ranges did not translate, or did in one direction. */
	if (!err && changed && dom->ndevices > 1)
		err = dmah_iommu_invalidate(dom, NULL, 0, 0, true);
	return err;
}

/* Returns DMAH_OK, or reports why the device cannot be one of the domain. */
static int check_place(const struct dmah_device *dev, const struct dmah_link *link,
		       const struct dmah_limits *limits)
{
	if (!link)
		return dmah_setup_error(dev, DMAH_EINVAL,
					"dmah_attach: device.iommu is none of the domain's IOMMUs",
					dev->id);
	if (dev->dom->mode_wanted == DMAH_PASSTHROUGH && limits->flags & DMAH_DEV_UNTRUSTED)
		return dmah_setup_error(dev, DMAH_EPERM,
					"dmah_attach: an untrusted device in passthrough",
					limits->flags);
	return DMAH_OK;
}

/* Let the device take part in changes of modes, which look for devices under the setup lock. */
static void set_fast_limits(struct dmah_device *dev)
{
	struct dmah_domain *dom = dev->dom;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	dmah_fast_set_limits(dev);
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
}

int dmah_iommu_attach(struct dmah_device *dev, const struct dmah_limits *limits)
{
	bool ats = limits->flags & DMAH_DEV_ATS && !(limits->flags & DMAH_DEV_UNTRUSTED);
	struct dmah_domain *dom = dev->dom;
	struct dmah_link *link = dmah_iommu_link_of(dom, dev);
	bool first = dom->ndevices == 1;
	int err = check_place(dev, link, limits);

	if (err)
		return err;
	/* Without devices nothing can be mapped in the reserve's cells, so they can move below the device's mask. */
	if (first)
		dmah_iommu_lift_reserve(dom);
	err = dmah_iommu_fit_aperture(dom, dev);
	if (!err) {
		enroll(dev, link->iommu, ats);
		err = dmah_iommu_take_ids(dev);
	}
	if (!err)
		err = attach_ranges(dev, limits);
	if (!err && first)
		err = dmah_iommu_place_reserve(dom);
	/* Beside a killed device that was alone, unmaps may have left their invalidations to a flush. */
	if (!err && (ats || has_blocked(dom)))
		err = settle_unmaps(dev);
	/* A device that shares an id may be killed meanwhile. */
	if (!err)
		err = bind_attached(dev, dom->mode_wanted);
	if (!err) {
		set_fast_limits(dev);
		dmah_iommu_apply_mode(dom);
		return DMAH_OK;
	}
	/* The device is blocked, as far as the hardware listens; its TLB counts until the last invalidation. */
	(void)dmah_iommu_drop_reserved(dev);
	uncount_ats(dev);
	if (first) {
		dmah_iommu_lift_reserve(dom);
		dmah_iommu_uncut_aperture(dom);
		(void)dmah_iommu_place_reserve(dom);
	}
	return err;
}

/* ---- detach and kill ---- */

int dmah_iommu_detach(struct dmah_device *dev)
{
	struct dmah_domain *dom = dev->dom;
	int err = dmah_iommu_flush(dom, dev);

	if (!err)
		err = block(dev);
	if (!err)
		err = dmah_iommu_drop_reserved(dev);
	if (err)
		return err;
	uncount_ats(dev);
	if (dom->ndevices == 1) {
		dmah_iommu_recall(dom);
		dmah_iommu_free_reserved(dom);
		dmah_iommu_lift_reserve(dom);
		dmah_iommu_uncut_aperture(dom);
		(void)dmah_iommu_place_reserve(dom);
	}
	return DMAH_OK;
}

int dmah_iommu_kill(struct dmah_device *dev)
{
	bool self;

	if (!mark_killed(dev, &self))
		return finish_kill(dev);
	/* A setup call may open an id of the device again, and will block it. */
	if (!self)
		(void)block(dev);
	dmah_iommu_doubt(dev->dom);
	return DMAH_EBUSY;
}
