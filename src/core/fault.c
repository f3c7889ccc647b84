/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/fault.h"
#include "base/count.h"

#define BATCH	16u
#define BATCHES 16u

static bool is_live(void *ctx, const struct history_record *record)
{
	(void)ctx;
	return !(record->ended & HISTORY_ENDED);
}

static bool is_any(void *ctx, const struct history_record *record)
{
	(void)ctx;
	(void)record;
	return true;
}

/* Look in the history alone, for backends without an IOMMU. */
static void plain_place(const struct dmah_domain *dom, dmah_addr_t addr, struct fault_place *what)
{
	struct history_record record;

	what->place = DMAH_FAULT_NEVER;
	if (dmah_history_find(&dom->history, addr, is_live, NULL, &record))
		what->place = DMAH_FAULT_MAPPED;
	else if (dmah_history_find(&dom->history, addr, is_any, NULL, &record))
		what->place = DMAH_FAULT_UNMAPPED;
	if (what->place != DMAH_FAULT_NEVER)
		dmah_fault_remember(what, &record, 0);
}

static const struct dmah_device *by_slot(const struct dmah_domain *dom, uint32_t number)
{
	for (unsigned int i = 0; number && i < dom->cfg.devices; i++)
		if (dom->device[i] && dom->device[i]->number == number)
			return dom->device[i];
	return NULL;
}

/* Describe a fault. Call with the domain's setup lock held. */
static void explain(struct dmah_domain *dom, struct dmah_fault *fault)
{
	struct fault_place what = { .place = DMAH_FAULT_NO_ADDRESS,
				    .most = DMAH_FAULT_AGE_UNKNOWN };

	fault->killed = is_killed(fault->dev);
	if (!fault->hw.has_addr)
		;
	else if (dom->ops->fault_lookup && !domain_passes_through(dom))
		dom->ops->fault_lookup(dom, fault->hw.addr, &what);
	else
		plain_place(dom, fault->hw.addr, &what);
	fault->place = what.place;
	fault->phys = what.phys;
	fault->len = what.len;
	fault->dir = what.dir;
	fault->caller = what.caller;
	fault->least = what.least;
	fault->most = what.most;
	fault->owner = by_slot(dom, what.owner);
}

void dmah_fault_explain(const struct dmah_device *dev, const struct dmah_iommu_fault *hw,
			struct dmah_fault *fault)
{
	struct dmah_domain *dom = dev->dom;
	unsigned long flags;

	*fault = (struct dmah_fault){
		.hw = *hw, .iommu = dev->iommu, .dev = dev, .most = DMAH_FAULT_AGE_UNKNOWN
	};
	if (!dom)
		return;
	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	explain(dom, fault);
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
}

/*
 * Returns true if the rate limit allows one more report. Sets *@suppressed to the faults suppressed
 * before.
 */
static bool tell(struct dmah_rate_limit *limit, uint64_t now, uint32_t *suppressed)
{
	if (!limit->reported || now - limit->since > DMAH_FAULT_WINDOW) {
		limit->since = now;
		limit->reported = 0;
	}
	if (limit->reported == DMAH_FAULT_BURST) {
		limit->suppressed++;
		return false;
	}
	limit->reported++;
	*suppressed = limit->suppressed;
	limit->suppressed = 0;
	return true;
}

/*
 * Find the device of a fault. Call inside dmah_host_enter(), with the IOMMU's lock held. Returns
 * true if the rate limit allows a report.
 */
static bool look_up(struct dmah_iommu *iommu, unsigned int cpu, uint64_t now,
		    struct dmah_fault *fault)
{
	for (struct dmah_link *link = iommu->links; link; link = link->next) {
		struct dmah_domain *dom = link->dom;
		bool found = false, reported = false;

		dmah_host_lock(&dom->setup_lock);
		for (unsigned int i = 0; !found && i < dom->cfg.devices; i++) {
			struct dmah_device *dev = dom->device[i];

			if (!dev || dev->iommu != iommu || !dmah_device_has_id(dev, fault->hw.id))
				continue;
			found = true;
			fault->dev = dev;
			reported = tell(&dev->fault_limit, now, &fault->suppressed);
			count_in(dev, cpu, faults, 1);
			count_in(dev, cpu, faults_suppressed, !reported);
			if (reported)
				explain(dom, fault);
		}
		dmah_host_unlock(&dom->setup_lock);
		if (found)
			return reported;
	}
	return tell(&iommu->fault_limit, now, &fault->suppressed);
}

static bool take(struct dmah_iommu *iommu, const struct dmah_iommu_fault *hw,
		 struct dmah_fault *fault)
{
	uint64_t now = dmah_host_now();
	unsigned long flags;
	unsigned int cpu;
	bool reported;

	*fault = (struct dmah_fault){ .hw = *hw, .iommu = iommu, .most = DMAH_FAULT_AGE_UNKNOWN };
	cpu = dmah_host_enter(&flags);
	dmah_host_lock(&iommu->lock);
	reported = look_up(iommu, cpu, now, fault);
	dmah_host_unlock(&iommu->lock);
	dmah_host_leave(flags);
	return reported;
}

int dmah_faults(struct dmah_iommu *iommu, void (*fn)(void *ctx, const struct dmah_fault *fault),
		void *ctx, struct dmah_fault_count *count)
{
	struct dmah_fault_count sum = { 0 };
	unsigned int n = BATCH;

	if (count)
		*count = sum;
	if (!iommu->ops->faults)
		return DMAH_ENOTSUP;
	for (unsigned int i = 0; n == BATCH && i < BATCHES; i++) {
		struct dmah_iommu_fault hw[BATCH];
		bool lost = false;

		n = iommu->ops->faults(iommu, hw, BATCH, &lost);
		sum.lost |= lost;
		sum.taken += n;
		for (unsigned int k = 0; k < n; k++) {
			struct dmah_fault fault;

			if (!take(iommu, &hw[k], &fault))
				sum.suppressed++;
			else if (fn)
				fn(ctx, &fault);
		}
	}
	if (count)
		*count = sum;
	return DMAH_OK;
}
