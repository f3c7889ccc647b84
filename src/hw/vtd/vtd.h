/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Declarations that the files of the VT-d driver share. */
#ifndef DMAH_IOMMU_VTD_H
#define DMAH_IOMMU_VTD_H

#include <dmah/device.h>
#include <dmah/irq.h>
#include <dmah/vtd.h>

#include "hw/vtd/regs.h"
#include "hw/unit.h"

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

static inline uint64_t *vtd_slot(const struct dmah_vtd *vtd, uint32_t pos)
{
	return vtd->queue +
	       ((size_t)(pos & (vtd->entries - 1)) << vtd->iq_shift) / sizeof(uint64_t);
}

/* Returns the number of the last mark that the hardware passed, 32 bits of it. */
static inline uint32_t vtd_status(const struct dmah_vtd *vtd)
{
	return __atomic_load_n(vtd->status, __ATOMIC_ACQUIRE);
}

/* Returns the value of IQH_REG or IQT_REG for a position. */
static inline uint32_t vtd_index(const struct dmah_vtd *vtd, uint32_t pos)
{
	return (pos & (vtd->entries - 1)) << vtd->iq_shift;
}

/* ---- registers.c ---- */

/**
 * dmah_vtd_wait_reg() - wait until the bits @mask of a register are @value.
 *
 * Context: outside dmah_host_enter(). Return: 0; DMAH_ETIMEDOUT, also where the register reads as all ones.
 */
int dmah_vtd_wait_reg(const struct dmah_vtd *vtd, uint32_t reg, uint32_t mask, uint32_t value);

/** dmah_vtd_gcmd() - switch one bit of GCMD_REG on or off, and wait for it. Return: 0, DMAH_ETIMEDOUT. */
int dmah_vtd_gcmd(struct dmah_vtd *vtd, uint32_t bit, bool on);

/**
 * dmah_vtd_flush_writes() - make a unit that buffers writes (CAP.RWBF) pass them on to memory.
 *
 * Context: outside dmah_host_enter(). Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_vtd_flush_writes(struct dmah_vtd *vtd);

/* ---- commands.c ---- */

/** dmah_vtd_iotlb() - the command that invalidates [@iova, @iova + @size) of a domain, or more; @size 0: all of it. */
struct vtd_command dmah_vtd_iotlb(const struct dmah_vtd *vtd, uint32_t did, dmah_addr_t iova,
				  uint64_t size, bool tables);

/** dmah_vtd_pasid_forget() - the command that drops the PASID entry of @did from the hardware's cache of them. */
struct vtd_command dmah_vtd_pasid_forget(uint32_t did);

/** dmah_vtd_devtlb() - as dmah_vtd_iotlb(), for the TLB of the device @id. */
struct vtd_command dmah_vtd_devtlb(uint32_t id, dmah_addr_t iova, uint64_t size);

/** dmah_vtd_fence() - the command that lets nothing behind it begin before all in front of it is done. */
struct vtd_command dmah_vtd_fence(const struct dmah_vtd *vtd);

/** dmah_vtd_noop() - a command that changes nothing. */
struct vtd_command dmah_vtd_noop(const struct dmah_vtd *vtd);

/* ---- queue.c ---- */

/**
 * VTD_STATUS_BYTES - bytes behind the commands, a page of its own: the number of the last mark, and at
 *	VTD_STATUS_FENCE the word that fences write, which nobody reads.
 */
#define VTD_STATUS_BYTES DMAH_PAGE_SIZE
#define VTD_STATUS_FENCE 8u

/** VTD_SPARE - commands that dmah_vtd_post() leaves free, for the error handler to post when the queue is full. */
#define VTD_SPARE 16u

/** VTD_ROOM - commands that there is room for after dmah_vtd_op_make_room(). */
#define VTD_ROOM 8u

/** dmah_vtd_has_room() - Returns true where @n more commands fit. Context: the queue's lock is held, as for all puts. */
bool dmah_vtd_has_room(struct dmah_vtd *vtd, unsigned int n);

/** dmah_vtd_put() - write a command into the ring. The hardware sees it when IQT_REG is written. */
void dmah_vtd_put(struct dmah_vtd *vtd, struct vtd_command c);

/** dmah_vtd_put_mark() - write a mark into the ring. Returns its number. */
uint64_t dmah_vtd_put_mark(struct dmah_vtd *vtd);

/**
 * dmah_vtd_post() - post @n commands in one piece, and with @ticket a mark behind them.
 *
 * Context: outside dmah_host_enter(). Return: 0; DMAH_ETIMEDOUT (no room in time, or the unit has failed).
 */
int dmah_vtd_post(struct dmah_vtd *vtd, const struct vtd_command *c, unsigned int n,
		  uint64_t *ticket);

/** dmah_vtd_done() - dmah_vtd_post(), and wait. Return: 0, DMAH_ETIMEDOUT. */
int dmah_vtd_done(struct dmah_vtd *vtd, const struct vtd_command *c, unsigned int n);

int dmah_vtd_op_invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova, uint64_t size,
			   bool tables, uint64_t *ticket);
int dmah_vtd_op_invalidate_dev(struct dmah_iommu *iommu, struct dmah_device *dev, dmah_addr_t iova,
			       uint64_t size);
int dmah_vtd_op_make_room(struct dmah_iommu *iommu);
int dmah_vtd_op_fence(struct dmah_iommu *iommu, uint64_t *ticket);
int dmah_vtd_op_wait(struct dmah_iommu *iommu, uint64_t ticket);
bool dmah_vtd_op_done(struct dmah_iommu *iommu, uint64_t ticket);

/* ---- error.c ---- */

/**
 * dmah_vtd_check() - look at the error registers once, and handle what they report. Does not wait.
 *
 * Context: outside dmah_host_enter(). Returns true where the unit is in service.
 */
bool dmah_vtd_check(struct dmah_vtd *vtd);

/** dmah_vtd_fail() - remember that the unit has failed, and report @text, once. */
void dmah_vtd_fail(struct dmah_vtd *vtd, const char *text);

/* ---- takeover.c ---- */

/**
 * dmah_vtd_queue_start() - end the queue that is on, begin ours.
 * @writable: the memory of the queue that is on may be written.
 *
 * Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_vtd_queue_start(struct dmah_vtd *vtd, bool writable);

/** dmah_vtd_queue_stop() - end the queue that is on, if one is. Return: 0, DMAH_ETIMEDOUT. */
int dmah_vtd_queue_stop(struct dmah_vtd *vtd, bool writable);

/* ---- fault.c ---- */

unsigned int dmah_vtd_op_faults(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
				unsigned int max, bool *lost);

/** dmah_vtd_irq_restore() - program the fault interrupt as dmah_vtd_fault_irq() and dmah_vtd_fault_mask() left it. */
void dmah_vtd_irq_restore(struct dmah_vtd *vtd);

/* ---- irq.c ---- */

extern const struct dmah_irq_ops dmah_vtd_irq_ops;

/** dmah_vtd_irq_program() - give the unit our remapping table. What it has cached stays. Return: 0, DMAH_ETIMEDOUT. */
int dmah_vtd_irq_program(struct dmah_vtd *vtd);

/* ---- pasid.c ---- */

/** VTD_PASID_WORDS - words of a PASID entry that are ever other than 0. */
#define VTD_PASID_WORDS 3u

/** dmah_vtd_pasid_make() - give a device's context entry a PASID directory and table, if it has none. Return: 0, DMAH_ENOMEM. */
int dmah_vtd_pasid_make(struct dmah_vtd *vtd, uint64_t *context);

/** dmah_vtd_pasid_free() - release the directory and table of a context entry that may have them. */
void dmah_vtd_pasid_free(const uint64_t *context);

/** dmah_vtd_pasid_entry() - Returns the PASID entry of requests without PASID; NULL: there is none. */
uint64_t *dmah_vtd_pasid_entry(const uint64_t *context);

/** dmah_vtd_pasid_describe() - make a PASID entry for a page table; @pt NULL: passthrough. */
void dmah_vtd_pasid_describe(const struct dmah_vtd *vtd, const struct dmah_pt_info *pt,
			     unsigned int levels, uint32_t tag, uint64_t word[VTD_PASID_WORDS]);

/** dmah_vtd_pasid_write() - write a PASID entry, which is not present meanwhile. Context: the tables' lock is held. */
void dmah_vtd_pasid_write(struct dmah_vtd *vtd, uint64_t *at, const uint64_t word[VTD_PASID_WORDS]);

/* ---- context.c ---- */

/** dmah_vtd_levels() - the levels of a table of @va_bits bits, where the unit can walk it; else 0. */
unsigned int dmah_vtd_levels(const struct dmah_vtd *vtd, unsigned int va_bits);

/** dmah_vtd_tables_free() - give the root table and all context tables back to the host. */
void dmah_vtd_tables_free(struct dmah_vtd *vtd);

/** dmah_vtd_has_ats() - Returns true where translated requests of the device @id are let through. */
bool dmah_vtd_has_ats(const struct dmah_vtd *vtd, uint32_t id);

/**
 * dmah_vtd_block_silent() - block a device that does not answer, until it is bound to DMAH_BIND_BLOCK.
 *
 * Context: the queue's lock is held. Returns false where it was blocked already.
 */
bool dmah_vtd_block_silent(struct dmah_vtd *vtd, uint32_t id);

/** dmah_vtd_op_isolated() - Returns true after dmah_vtd_block_silent(). */
bool dmah_vtd_op_isolated(struct dmah_iommu *iommu, struct dmah_device *dev);

/** dmah_vtd_root() - Returns the value of RTADDR_REG for our tables. */
uint64_t dmah_vtd_root(const struct dmah_vtd *vtd);

int dmah_vtd_op_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		     const struct dmah_pt_info *pt, uint32_t tag);
int dmah_vtd_op_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag);
void dmah_vtd_op_tag_free(struct dmah_iommu *iommu, uint32_t tag);

#endif /* DMAH_IOMMU_VTD_H */
