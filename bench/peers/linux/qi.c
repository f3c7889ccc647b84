/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Linux's queued invalidation (dmar.c), and the hardware that reads the queue. A write of the tail
 * register does the hardware's work: it finds the wait descriptor at the end of each submission and
 * stores its status, at once or after the set latency. Real hardware would cost Linux more: the
 * store to the register is uncached, the status comes back through a cache miss, and the test for
 * faults during the wait reads a register.
 */
#include "glue.h"
#include "vtd.h"

/* Debian's kernels have this switched off. */
#define dmar_latency_enabled(iommu, type)    false
#define dmar_latency_update(iommu, type, ns) ((void)(ns))

static struct vtd_unit *to_unit(struct intel_iommu *iommu)
{
	return container_of(iommu, struct vtd_unit, iommu);
}

static void wait_over(struct qi_desc *wait)
{
	int *status = phys_to_virt(wait->qw1);

	__atomic_store_n(status, (int)(wait->qw0 >> 32), __ATOMIC_RELEASE);
}

/* Returns a descriptor of the queue, which has the 128-bit ones, without qw2 and qw3. */
static struct qi_desc *slot_of(struct vtd_unit *unit, u32 slot)
{
	return unit->qi.desc + ((size_t)slot << DMAR_IQ_SHIFT);
}

/* This code writes no other register than the tail. */
static inline void tail_written(struct intel_iommu *iommu, u32 value)
{
	struct vtd_unit *unit = to_unit(iommu);
	u32 slot = ((value >> DMAR_IQ_SHIFT) + QI_LENGTH - 1) % QI_LENGTH;

	unit->waits++;
	if (likely(!unit->latency))
		wait_over(slot_of(unit, slot));
	else
		unit->over_at[slot] = glue_now() + unit->latency;
}

#define writel(value, where) tail_written(iommu, value)

static int qi_check_fault(struct intel_iommu *iommu, int index, int wait_index)
{
	struct vtd_unit *unit = to_unit(iommu);

	if (glue_now() >= unit->over_at[wait_index])
		wait_over(slot_of(unit, (u32)wait_index));
	return 0;
}

#include "dmar.gen.h"
