/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Modes: strict, lazy, passthrough. tests/spin/mode.pml is a model of their changes, tests/spin/kill.pml one of doubt.
 */
#include "backend/iommu/mode.h"
#include "backend/iommu/device.h"
#include "backend/iommu/fast.h"
#include "backend/iommu/flush.h"
#include "base/count.h"
#include "base/setup_error.h"

static enum dmah_mode effective(const struct dmah_domain *dom)
{
	if (dom->changing)
		return DOMAIN_CHANGING;
	return dom->doubt && dom->mode_wanted == DMAH_LAZY ? DMAH_STRICT : dom->mode_wanted;
}

void dmah_iommu_apply_mode(struct dmah_domain *dom)
{
	enum dmah_mode mode;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	mode = effective(dom);
	__atomic_store_n(&dom->cfg.mode, mode, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < dom->cfg.devices; i++)
		if (dom->device[i] && dom->device[i]->fast)
			dmah_fast_set_mode(dom->device[i], mode);
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	for (unsigned int i = 0; i < dom->cfg.cpus; i++) {
		dmah_host_enter(&flags);
		dmah_host_lock(&dom->cpu[i]->lock);
		/* Read again: of two that come here at one time, both leave what the later one stored. */
		mode = domain_mode(dom);
		dmah_iova_cache_set_mode(&dom->cpu[i]->cache, mode == DMAH_LAZY,
					 mode != DMAH_LAZY && mode != DMAH_STRICT);
		dmah_host_unlock(&dom->cpu[i]->lock);
		dmah_host_leave(flags);
	}
}

/* Store the state of a change of modes, and let maps and unmaps follow it. */
static void set_state(struct dmah_domain *dom, enum dmah_mode wanted, bool changing)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	__atomic_store_n(&dom->mode_wanted, wanted, __ATOMIC_RELEASE);
	dom->changing = changing;
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	dmah_iommu_apply_mode(dom);
}

/* Wait until no CPU is in a section that it entered in the mode before. */
static int quiesce_all(struct dmah_domain *dom)
{
	for (unsigned int i = 0; i < dom->cfg.cpus; i++)
		if (!dmah_host_quiesce(i))
			return dmah_setup_error(NULL, DMAH_EBUSY,
						"dmah_set_mode: the host cannot wait for other "
						"CPUs (dmah_host_quiesce)",
						i);
	return DMAH_OK;
}

/*
 * Between strict and lazy. An unmap that is under way has decided already, but looks again after it has queued its
 * granules: it sees the new mode, or the flush here covers them.
 */
static int change_strictness(struct dmah_domain *dom, enum dmah_mode mode)
{
	enum dmah_mode old = dom->mode_wanted;
	int err;

	set_state(dom, mode, false);
	if (mode == DMAH_LAZY)
		return DMAH_OK;
	err = quiesce_all(dom);
	if (err) {
		set_state(dom, old, false);
		return err;
	}
	return dmah_iommu_flush(dom, NULL);
}

static int check_passthrough(const struct dmah_domain *dom)
{
	for (unsigned int i = 0; i < dom->nlinks; i++)
		if (!(dom->links[i].iommu->caps & DMAH_IOMMU_PASSTHROUGH))
			return dmah_setup_error(
				NULL, DMAH_ENOTSUP,
				"dmah_set_mode: an IOMMU of the domain has no passthrough", i);
	for (unsigned int i = 0; i < dom->cfg.devices; i++)
		if (dom->device[i] && dom->device[i]->limits.flags & DMAH_DEV_UNTRUSTED)
			return dmah_setup_error(
				dom->device[i], DMAH_EPERM,
				"dmah_set_mode: passthrough with an untrusted device",
				dom->device[i]->id);
	return DMAH_OK;
}

/*
 * To or from passthrough: addresses that were handed out mean something else afterwards, so none may be live. Maps are
 * refused from before the live ones are counted until the last device is bound; see iommu_map_stands().
 */
static int change_addresses(struct dmah_domain *dom, enum dmah_mode mode)
{
	enum dmah_mode old = dom->mode_wanted;
	int err = mode == DMAH_PASSTHROUGH ? check_passthrough(dom) : DMAH_OK;

	if (err)
		return err;
	set_state(dom, old, true);
	err = quiesce_all(dom);
	if (!err && dmah_domain_live(dom))
		err = dmah_setup_error(NULL, DMAH_EBUSY,
				       "dmah_set_mode: to or from passthrough with live mappings",
				       dmah_domain_live(dom));
	if (!err)
		err = dmah_iommu_flush(dom, NULL);
	if (!err)
		err = dmah_iommu_bind_all(dom, mode, NULL);
	set_state(dom, err ? old : mode, false);
	return err;
}

int dmah_iommu_set_mode(struct dmah_domain *dom, enum dmah_mode mode)
{
	if (mode == dom->mode_wanted)
		return DMAH_OK;
	return mode == DMAH_PASSTHROUGH || dom->mode_wanted == DMAH_PASSTHROUGH
		       ? change_addresses(dom, mode)
		       : change_strictness(dom, mode);
}

/* ---- doubt ---- */

void dmah_iommu_doubt(struct dmah_domain *dom)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	dom->doubt_seq = __atomic_load_n(&dom->flush_seq, __ATOMIC_ACQUIRE);
	__atomic_store_n(&dom->doubt, true, __ATOMIC_RELEASE);
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	dmah_iommu_apply_mode(dom);
}

void dmah_iommu_end_doubt(struct dmah_domain *dom, uint32_t seq)
{
	unsigned long flags;
	bool ended;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	/* A flush that began before the kill says nothing of what the device reaches after that. */
	ended = dom->doubt && (int32_t)(dom->doubt_seq - seq) < 0;
	if (ended)
		__atomic_store_n(&dom->doubt, false, __ATOMIC_RELEASE);
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	if (ended)
		dmah_iommu_apply_mode(dom);
}
