/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Linux's queued invalidation (dmar.c) and the hardware that reads the queue. The hardware's work is
 * done where the tail register is written: it finds the wait descriptor that ends each submission
 * and stores its status, at once or, where a latency is set, when that has passed. Both err in
 * Linux's favour: the store to the register is an uncached one on a real machine, the status comes
 * back through a cache miss, and the look for faults while waiting reads a register.
 */
#include "glue.h"
#include "vtd.h"

/* Off in Debian's kernels. */
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

/* The descriptor in a slot; the queue has the 128-bit ones, qw2 and qw3 are not there. */
static struct qi_desc *slot_of(struct vtd_unit *unit, u32 slot)
{
	return unit->qi.desc + ((size_t)slot << DMAR_IQ_SHIFT);
}

/* The only register that is written here is the tail. */
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
