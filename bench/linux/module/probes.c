// SPDX-License-Identifier: GPL-2.0-only
/* Counts of calls, by kprobes: in runs of their own, for a probe takes instructions itself. */
#include <linux/kprobes.h>

#include "cost.h"

/**
 * struct counter - of one function.
 * @probe: the kernel's; first, so that the handler finds the rest.
 * @hits: calls.
 * @set: it is there and counted.
 */
struct counter {
	struct kprobe probe;
	atomic64_t hits;
	bool set;
};

static int count(struct kprobe *p, struct pt_regs *regs)
{
	atomic64_inc(&container_of(p, struct counter, probe)->hits);
	return 0;
}
NOKPROBE_SYMBOL(count);

#define COUNTER(name)                                                 \
	{                                                             \
		.probe = {.symbol_name = name, .pre_handler = count } \
	}

/*
 * The lookup; the walk below it, by whoever calls it; the wait for invalidations; bounce slots
 * taken; waits for spinlocks.
 */
static struct counter counters[] = {
	COUNTER("iommu_iova_to_phys"),
#ifdef CONFIG_X86
	COUNTER("intel_iommu_iova_to_phys"), COUNTER("qi_submit_sync"),
#else
	COUNTER("arm_smmu_iova_to_phys"),	COUNTER("arm_lpae_iova_to_phys"),
	COUNTER("arm_smmu_cmdq_issue_cmdlist"),
#endif
	COUNTER("swiotlb_tbl_map_single"),   COUNTER("alloc_iova_fast"), COUNTER(PROBE_SPIN),
};

static_assert(ARRAY_SIZE(counters) <= PROBES);

int probes_begin(void)
{
	bool lookups = false;

	for (u32 i = 0; i < ARRAY_SIZE(counters); i++) {
		int err = register_kprobe(&counters[i].probe);

		counters[i].set = !err;
		pr_info("dmah-cost: probe of=%s error=%d\n", counters[i].probe.symbol_name, err);
		if (i == 0)
			lookups = !err;
	}
	if (lookups)
		return 0;
	probes_end();
	return -ENOENT;
}

void probes_end(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(counters); i++) {
		if (counters[i].set)
			unregister_kprobe(&counters[i].probe);
		counters[i].set = false;
	}
}

void probes_read(u64 into[PROBES])
{
	for (u32 i = 0; i < PROBES; i++)
		into[i] = i < ARRAY_SIZE(counters) ? atomic64_read(&counters[i].hits) : 0;
}

const char *probe_name(unsigned int i)
{
	if (i >= ARRAY_SIZE(counters) || !counters[i].set)
		return NULL;
	return counters[i].probe.symbol_name;
}
