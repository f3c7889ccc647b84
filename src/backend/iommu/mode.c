/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Modes: strict, lazy, passthrough.
 */
#include "backend/iommu/mode.h"
#include "backend/iommu/device.h"
#include "backend/iommu/fast.h"
#include "backend/iommu/flush.h"
#include "base/count.h"

static int rebind(struct dmah_domain *dom, enum dmah_mode mode)
{
	for (unsigned int i = 0; i < dom->cfg.devices; i++) {
		int err;

		/* What was killed stays blocked. */
		if (!dom->device[i] || is_killed(dom->device[i]))
			continue;
		err = dmah_iommu_bind(dom, dom->device[i], mode);
		if (!err)
			continue;
		/* Also the one that could not be bound, which may be blocked now. */
		for (unsigned int k = 0; k <= i; k++)
			if (dom->device[k] && !is_killed(dom->device[k]))
				(void)dmah_iommu_bind(dom, dom->device[k], dom->cfg.mode);
		return err;
	}
	return DMAH_OK;
}

/* An unmap that is under way on another CPU may still be of the old mode: it is over when this returns, if it can be. */
static void change_mode(struct dmah_domain *dom, enum dmah_mode mode)
{
	unsigned long flags;
	unsigned int self;

	__atomic_store_n(&dom->cfg.mode, mode, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < dom->cfg.devices; i++)
		if (dom->device[i])
			dmah_fast_set_mode(dom->device[i], mode);
	for (unsigned int i = 0; i < dom->cfg.cpus; i++) {
		self = dmah_host_enter(&flags);
		dmah_host_lock(&dom->cpu[i]->lock);
		dmah_iova_cache_set_lazy(&dom->cpu[i]->cache, mode == DMAH_LAZY);
		dmah_host_unlock(&dom->cpu[i]->lock);
		dmah_host_leave(flags);
		if (i != self)
			(void)dmah_host_quiesce(i);
	}
}

int dmah_iommu_set_mode(struct dmah_domain *dom, enum dmah_mode mode)
{
	enum dmah_mode old = dom->cfg.mode;
	int err;

	if (mode == old)
		return DMAH_OK;
	if (mode != DMAH_PASSTHROUGH && old != DMAH_PASSTHROUGH) {
		change_mode(dom, mode);
		return mode == DMAH_STRICT ? dmah_iommu_flush(dom, NULL) : DMAH_OK;
	}
	if (dmah_domain_live(dom))
		return DMAH_EBUSY;
	for (unsigned int i = 0; mode == DMAH_PASSTHROUGH && i < dom->nlinks; i++)
		if (!(dom->links[i].iommu->caps & DMAH_IOMMU_PASSTHROUGH))
			return DMAH_ENOTSUP;
	for (unsigned int i = 0; mode == DMAH_PASSTHROUGH && i < dom->cfg.devices; i++)
		if (dom->device[i] && dom->device[i]->limits.flags & DMAH_DEV_UNTRUSTED)
			return DMAH_EPERM;
	err = dmah_iommu_flush(dom, NULL);
	if (!err)
		err = rebind(dom, mode);
	if (!err)
		change_mode(dom, mode);
	return err;
}
