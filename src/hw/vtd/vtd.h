/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The VT-d driver's own: what its files share. */
#ifndef DMAH_IOMMU_VTD_H
#define DMAH_IOMMU_VTD_H

#include <dmah/device.h>
#include <dmah/vtd.h>

#include "hw/vtd/regs.h"

/** struct vtd_command - a command of the invalidation queue. */
struct vtd_command {
	uint64_t lo;
	uint64_t hi;
};

static inline struct dmah_vtd *vtd_of(struct dmah_iommu *iommu)
{
	return (struct dmah_vtd *)(void *)iommu; /* its first member */
}

static inline uint32_t vtd_read(const struct dmah_vtd *vtd, uint32_t reg)
{
	return dmah_host_read32(vtd->regs + reg);
}

static inline void vtd_write(struct dmah_vtd *vtd, uint32_t reg, uint32_t value)
{
	dmah_host_write32(vtd->regs + reg, value);
}

/** dmah_vtd_wait_reg() - wait until the bits @mask of a register are @value. Return: 0, DMAH_ETIMEDOUT. */
int dmah_vtd_wait_reg(const struct dmah_vtd *vtd, uint32_t reg, uint32_t mask, uint32_t value);

/** dmah_vtd_gcmd() - switch one bit of GCMD_REG on or off, and wait for it. Return: 0, DMAH_ETIMEDOUT. */
int dmah_vtd_gcmd(struct dmah_vtd *vtd, uint32_t bit, bool on);

/* ---- queue.c ---- */

/**
 * VTD_STATUS_BYTES - what lies behind the commands, a page of its own: the number of the last mark, and at
 *	VTD_STATUS_FENCE what the marks write that nobody waits for.
 */
#define VTD_STATUS_BYTES DMAH_PAGE_SIZE
#define VTD_STATUS_FENCE 8u

/** dmah_vtd_queue_start() - end firmware's queue, begin ours. Return: 0, DMAH_ETIMEDOUT. */
int dmah_vtd_queue_start(struct dmah_vtd *vtd);

/** dmah_vtd_queue_stop() - Return: 0, DMAH_ETIMEDOUT. */
int dmah_vtd_queue_stop(struct dmah_vtd *vtd);

/**
 * dmah_vtd_post() - post @n commands in one piece, and with @ticket a mark behind them.
 * Context: outside dmah_host_enter(). Return: 0, DMAH_ETIMEDOUT (no room in time).
 */
int dmah_vtd_post(struct dmah_vtd *vtd, const struct vtd_command *c, unsigned int n,
		  uint64_t *ticket);

/** dmah_vtd_done() - dmah_vtd_post(), and wait. Return: 0, DMAH_ETIMEDOUT. */
int dmah_vtd_done(struct dmah_vtd *vtd, const struct vtd_command *c, unsigned int n);

/** dmah_vtd_iotlb() - the command that forgets [@iova, @iova + @size) of a domain, or more; @size 0: all of it. */
struct vtd_command dmah_vtd_iotlb(const struct dmah_vtd *vtd, uint32_t did, dmah_addr_t iova,
				  uint64_t size, bool tables);

/** dmah_vtd_devtlb() - the same in the TLB of the device @id. */
struct vtd_command dmah_vtd_devtlb(uint32_t id, dmah_addr_t iova, uint64_t size);

int dmah_vtd_op_invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova, uint64_t size,
			   bool tables, uint64_t *ticket);
int dmah_vtd_op_invalidate_dev(struct dmah_iommu *iommu, struct dmah_device *dev, dmah_addr_t iova,
			       uint64_t size);
int dmah_vtd_op_fence(struct dmah_iommu *iommu, uint64_t *ticket);
int dmah_vtd_op_wait(struct dmah_iommu *iommu, uint64_t ticket);
unsigned int dmah_vtd_op_faults(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
				unsigned int max, bool *lost);

/* ---- context.c ---- */

/** dmah_vtd_levels() - the levels of a table of @va_bits bits, where the unit can walk it; else 0. */
unsigned int dmah_vtd_levels(const struct dmah_vtd *vtd, unsigned int va_bits);

/** dmah_vtd_tables_free() - the root table and all context tables. */
void dmah_vtd_tables_free(struct dmah_vtd *vtd);

int dmah_vtd_op_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		     const struct dmah_pt_info *pt, uint32_t tag);
int dmah_vtd_op_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag);
void dmah_vtd_op_tag_free(struct dmah_iommu *iommu, uint32_t tag);

#endif /* DMAH_IOMMU_VTD_H */
