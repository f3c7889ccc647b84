/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/count.h"
#include "base/ring.h"

static uint64_t load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Add the counters of a device's rings, which count by themselves. */
static void add_rings(const struct dmah_device *dev, struct dmah_stats *stats)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&dev->dom->setup_lock);
	for (const struct dmah_ring *r = dev->rings; r; r = r->next) {
		stats->maps += load(&r->pushed) - load(&r->elsewhere_begun);
		stats->unmaps += load(&r->popped) - load(&r->elsewhere_ended);
	}
	dmah_host_unlock(&dev->dom->setup_lock);
	dmah_host_leave(flags);
}

uint64_t dmah_device_live(const struct dmah_device *dev)
{
	struct dmah_stats rings = { 0 };
	uint64_t live = 0;

	/* Sum over all CPUs: a mapping may begin on one CPU and end on another. */
	for (unsigned int i = 0; dev->dom && i < dev->dom->cfg.cpus; i++) {
		const struct dmah_stats *stats = &count_of(dev, i)->stats;

		live += __atomic_load_n(&stats->maps, __ATOMIC_RELAXED) -
			__atomic_load_n(&stats->unmaps, __ATOMIC_RELAXED);
	}
	if (!dev->dom)
		return 0;
	add_rings(dev, &rings);
	return live + rings.maps - rings.unmaps;
}

void dmah_device_stats(const struct dmah_device *dev, struct dmah_stats *stats)
{
	*stats = (struct dmah_stats){ 0 };
	for (unsigned int i = 0; dev->dom && i < dev->dom->cfg.cpus; i++) {
		const uint64_t *from = (const uint64_t *)&count_of(dev, i)->stats;
		uint64_t *to = (uint64_t *)stats;

		for (size_t field = 0; field < sizeof(*stats) / sizeof(uint64_t); field++)
			to[field] += __atomic_load_n(&from[field], __ATOMIC_RELAXED);
	}
	if (dev->dom)
		add_rings(dev, stats);
}

uint64_t dmah_domain_live(const struct dmah_domain *dom)
{
	uint64_t live = 0;

	for (unsigned int i = 0; i < dom->cfg.devices; i++)
		if (dom->device[i])
			live += dmah_device_live(dom->device[i]);
	return live;
}
