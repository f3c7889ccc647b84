/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Devices behind an IOMMU: attach, detach, kill.
 */
#include "backend/iommu/device.h"
#include "backend/iommu/aperture.h"
#include "backend/iommu/fast.h"
#include "backend/iommu/flush.h"
#include "backend/iommu/invalidate.h"
#include "backend/iommu/link.h"
#include "backend/iommu/reserved.h"

int dmah_iommu_bind(struct dmah_domain *dom, struct dmah_device *dev, enum dmah_mode mode)
{
	struct dmah_link *link = dmah_iommu_link_of(dom, dev);
	struct dmah_pt_info info;

	if (mode == DMAH_PASSTHROUGH)
		return link->iommu->ops->bind(link->iommu, dev, DMAH_BIND_PASSTHROUGH, NULL,
					      link->tag);
	dmah_iommu_pt_info(dom, &info);
	return link->iommu->ops->bind(link->iommu, dev, DMAH_BIND_TRANSLATE, &info, link->tag);
}

int dmah_iommu_attach(struct dmah_device *dev, const struct dmah_limits *limits)
{
	struct dmah_domain *dom = dev->dom;
	unsigned int keep = dom->nreserved;
	bool was_fixed = dom->aperture_fixed;
	struct dmah_link *link = dmah_iommu_link_of(dom, dev);
	int err;

	if (!link)
		return DMAH_EINVAL;
	if (dom->cfg.mode == DMAH_PASSTHROUGH && limits->flags & DMAH_DEV_UNTRUSTED)
		return DMAH_EPERM;
	dev->iommu = link->iommu;
	err = dmah_iommu_fit_aperture(dom, limits);
	if (err)
		return err;
	dmah_iommu_recall(dom);
	err = dmah_iommu_add_reserved(dom, link->iommu->reserved, link->iommu->nreserved);
	if (!err)
		err = dmah_iommu_add_reserved(dom, limits->reserved, limits->nreserved);
	/* Devices that are bound already may remember that these ranges did not translate. */
	if (!err && dom->nreserved > keep && dom->ndevices)
		err = dmah_iommu_invalidate(dom, NULL, 0, 0, true);
	if (!err)
		err = dmah_iommu_bind(dom, dev, dom->cfg.mode);
	if (err) {
		dmah_iommu_drop_reserved(dom, keep);
		if (!was_fixed)
			dmah_iommu_uncut_aperture(dom);
		return err;
	}
	if (dev->limits.flags & DMAH_DEV_ATS)
		__atomic_add_fetch(&dom->ats, 1, __ATOMIC_RELEASE);
	dmah_fast_set_limits(dev);
	dmah_fast_set_mode(dev, dom->cfg.mode);
	return DMAH_OK;
}

int dmah_iommu_detach(struct dmah_device *dev)
{
	struct dmah_domain *dom = dev->dom;
	struct dmah_link *link = dmah_iommu_link_of(dom, dev);
	int err = dmah_iommu_flush(dom, dev);

	if (!err)
		err = link->iommu->ops->bind(link->iommu, dev, DMAH_BIND_BLOCK, NULL, link->tag);
	if (err)
		return err;
	if (dev->limits.flags & DMAH_DEV_ATS)
		__atomic_sub_fetch(&dom->ats, 1, __ATOMIC_RELEASE);
	if (dom->ndevices == 1) {
		dmah_iommu_recall(dom);
		dmah_iommu_drop_reserved(dom, 0);
		if (!dom->reserve.page)
			dmah_iommu_uncut_aperture(dom);
	}
	return DMAH_OK;
}

int dmah_iommu_kill(struct dmah_device *dev)
{
	struct dmah_link *link = dmah_iommu_link_of(dev->dom, dev);
	int err = link->iommu->ops->bind(link->iommu, dev, DMAH_BIND_BLOCK, NULL, link->tag);
	int flushed = dmah_iommu_flush(dev->dom, dev);

	return err ? err : flushed;
}
