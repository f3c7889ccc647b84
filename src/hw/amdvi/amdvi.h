/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Declarations that the files of the AMD-Vi driver share. */
#ifndef DMAH_HW_AMDVI_H
#define DMAH_HW_AMDVI_H

#include <dmah/amdvi.h>
#include <dmah/device.h>
#include <dmah/irq.h>

#include "hw/amdvi/regs.h"
#include "hw/unit.h"

/** struct amdvi_command - a command of the command buffer. */
struct amdvi_command {
	uint64_t lo;
	uint64_t hi;
};

static inline struct dmah_amdvi *amdvi_of(struct dmah_iommu *iommu)
{
	return (struct dmah_amdvi *)(void *)iommu; /* its first member */
}

static inline uint32_t amdvi_read(const struct dmah_amdvi *amdvi, uint32_t reg)
{
	return dmah_host_read32(amdvi->regs + reg);
}

static inline void amdvi_write(struct dmah_amdvi *amdvi, uint32_t reg, uint64_t value)
{
	dmah_host_write64(amdvi->regs + reg, value);
}

static inline uint64_t *amdvi_slot(const struct dmah_amdvi *amdvi, uint32_t pos)
{
	return amdvi->queue + (pos & (amdvi->entries - 1)) * 2;
}

/* Returns the number of the last mark that the hardware passed, 32 bits of it. */
static inline uint32_t amdvi_passed(const struct dmah_amdvi *amdvi)
{
	return __atomic_load_n(amdvi->status, __ATOMIC_ACQUIRE);
}

static inline bool amdvi_bit(const uint64_t *bits, uint32_t n)
{
	return __atomic_load_n(&bits[n / 64], __ATOMIC_ACQUIRE) >> n % 64 & 1;
}

/* ---- commands.c ---- */

/** dmah_amdvi_pages() - the command that invalidates [@iova, @iova + @size) of a domain, or more; @size 0: all of it. */
struct amdvi_command dmah_amdvi_pages(uint32_t domain, dmah_addr_t iova, uint64_t size,
				      bool tables);

/** dmah_amdvi_iotlb() - as dmah_amdvi_pages(), for the TLB of the device @id. */
struct amdvi_command dmah_amdvi_iotlb(uint32_t id, dmah_addr_t iova, uint64_t size);

static inline struct amdvi_command amdvi_devtab(uint32_t id)
{
	return (struct amdvi_command){ CMD(OP_DEVTAB) | CMD_ID(id), 0 };
}

/* The command that forgets the interrupt remapping entries of a device. */
static inline struct amdvi_command amdvi_interrupts(uint32_t id)
{
	return (struct amdvi_command){ CMD(OP_INTERRUPTS) | CMD_ID(id), 0 };
}

/* The command that lets nothing behind it begin before all in front of it is done. */
static inline struct amdvi_command amdvi_fence(void)
{
	return (struct amdvi_command){ CMD(OP_WAIT) | WAIT_FLUSH, 0 };
}

/* A command that changes nothing: it waits for others, and says nothing. */
static inline struct amdvi_command amdvi_noop(void)
{
	return (struct amdvi_command){ CMD(OP_WAIT), 0 };
}

/* ---- queue.c ---- */

/** AMDVI_STATUS_BYTES - bytes behind the commands, a page of its own: the number of the last mark. */
#define AMDVI_STATUS_BYTES DMAH_PAGE_SIZE

/** AMDVI_SPARE - commands that dmah_amdvi_post() leaves free, for the error handler to post when the queue is full. */
#define AMDVI_SPARE 16u

/** AMDVI_ROOM - commands that there is room for after dmah_amdvi_op_make_room(). */
#define AMDVI_ROOM 8u

/** dmah_amdvi_has_room() - Returns true where @n more commands fit. Context: the queue's lock is held, as for all puts. */
bool dmah_amdvi_has_room(struct dmah_amdvi *amdvi, unsigned int n);

/** dmah_amdvi_put() - write a command into the ring. The hardware sees it after dmah_amdvi_ring(). */
void dmah_amdvi_put(struct dmah_amdvi *amdvi, struct amdvi_command c);

/** dmah_amdvi_put_mark() - write a mark into the ring. Returns its number. */
uint64_t dmah_amdvi_put_mark(struct dmah_amdvi *amdvi);

/** dmah_amdvi_ring() - tell the hardware of all that was put. */
void dmah_amdvi_ring(struct dmah_amdvi *amdvi);

/**
 * dmah_amdvi_post() - post @n commands in one piece, and with @ticket a mark behind them.
 *
 * Before dmah_amdvi_enable() the unit has read none of the tables: nothing is posted, and the ticket is confirmed.
 *
 * Context: outside dmah_host_enter(). Return: 0; DMAH_ETIMEDOUT (no room in time, or the unit has failed).
 */
int dmah_amdvi_post(struct dmah_amdvi *amdvi, const struct amdvi_command *c, unsigned int n,
		    uint64_t *ticket);

/** dmah_amdvi_done() - dmah_amdvi_post(), and wait. Return: 0, DMAH_ETIMEDOUT. */
int dmah_amdvi_done(struct dmah_amdvi *amdvi, const struct amdvi_command *c, unsigned int n);

int dmah_amdvi_op_invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova,
			     uint64_t size, bool tables, uint64_t *ticket);
int dmah_amdvi_op_invalidate_dev(struct dmah_iommu *iommu, struct dmah_device *dev,
				 dmah_addr_t iova, uint64_t size);
int dmah_amdvi_op_make_room(struct dmah_iommu *iommu);
int dmah_amdvi_op_fence(struct dmah_iommu *iommu, uint64_t *ticket);
int dmah_amdvi_op_wait(struct dmah_iommu *iommu, uint64_t ticket);

/* ---- error.c ---- */

/**
 * dmah_amdvi_check() - look at the event log and the status register once, and handle what they report. Does not wait.
 *
 * Context: outside dmah_host_enter(). Returns true where the unit is in service.
 */
bool dmah_amdvi_check(struct dmah_amdvi *amdvi);

/** dmah_amdvi_fail() - remember that the unit has failed, and report @text, once. */
void dmah_amdvi_fail(struct dmah_amdvi *amdvi, const char *text);

/* ---- event.c ---- */

/** dmah_amdvi_event() - Returns the event at position @pos of the log. Its first half is 0 where there is none. */
static inline uint64_t *dmah_amdvi_event(const struct dmah_amdvi *amdvi, uint32_t pos)
{
	return amdvi->log + (pos & (amdvi->events - 1)) * 2;
}

/**
 * dmah_amdvi_event_pending() - Returns true where the log has an event that dmah_amdvi_check() has not seen, or may have lost
 *	one that concerns a command before mark @ticket. Reads memory alone.
 */
bool dmah_amdvi_event_pending(const struct dmah_amdvi *amdvi, uint64_t ticket);

/**
 * dmah_amdvi_log_spare() - drop the oldest faults where the log is more than half full: it must not overflow while a device is
 *	asked.
 *
 * Context: the queue's lock is held.
 */
void dmah_amdvi_log_spare(struct dmah_amdvi *amdvi);

/**
 * dmah_amdvi_log_restart() - restart a log that has overflowed: a step of it. What is in the log is dropped.
 *
 * Context: the queue's lock is held. Returns true when the log runs again.
 */
bool dmah_amdvi_log_restart(struct dmah_amdvi *amdvi);

/** dmah_amdvi_log_program() - program an empty log. The unit does not log. */
void dmah_amdvi_log_program(struct dmah_amdvi *amdvi);

unsigned int dmah_amdvi_op_faults(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
				  unsigned int max, bool *lost);

/* ---- start.c ---- */

/** dmah_amdvi_control() - change bits of the control register. Context: the queue's lock is held. */
void dmah_amdvi_control(struct dmah_amdvi *amdvi, uint64_t clear, uint64_t set);

/** dmah_amdvi_stop() - stop the command buffer and the event log that are on. Return: 0, DMAH_ETIMEDOUT. */
int dmah_amdvi_stop(struct dmah_amdvi *amdvi);

/** dmah_amdvi_start() - let the unit work from our device table, command buffer and event log, and forget all others. */
int dmah_amdvi_start(struct dmah_amdvi *amdvi);

/**
 * dmah_amdvi_forget_all() - make the unit forget everything that it has cached, and wait.
 *
 * Context: outside dmah_host_enter(). Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_amdvi_forget_all(struct dmah_amdvi *amdvi);

/* ---- irq.c ---- */

extern const struct dmah_irq_ops dmah_amdvi_irq_ops;

/* ---- devtab.c ---- */

/**
 * dmah_amdvi_entry_irq() - write what the entry of a device says of interrupts.
 * @bits: DTE2_IV and so on; the setting that firmware gave stays.
 */
void dmah_amdvi_entry_irq(struct dmah_amdvi *amdvi, uint32_t id, uint64_t bits);

/** dmah_amdvi_tables_init() - a device table in which every device is blocked. Return: 0, DMAH_ENOMEM. */
int dmah_amdvi_tables_init(struct dmah_amdvi *amdvi, const struct dmah_amdvi_config *config);

/** dmah_amdvi_tables_free() - give the device table back to the host. */
void dmah_amdvi_tables_free(struct dmah_amdvi *amdvi);

/** dmah_amdvi_has_ats() - Returns true where translated requests of the device @id are let through. */
bool dmah_amdvi_has_ats(const struct dmah_amdvi *amdvi, uint32_t id);

/**
 * dmah_amdvi_block_silent() - block a device that does not answer, until it is bound to DMAH_BIND_BLOCK.
 *
 * Context: the queue's lock is held. Returns false where it was blocked already. *@domain: set to the domain that it had.
 */
bool dmah_amdvi_block_silent(struct dmah_amdvi *amdvi, uint32_t id, uint32_t *domain);

/** dmah_amdvi_op_isolated() - Returns true after dmah_amdvi_block_silent(). */
bool dmah_amdvi_op_isolated(struct dmah_iommu *iommu, struct dmah_device *dev);

int dmah_amdvi_op_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		       const struct dmah_pt_info *pt, uint32_t tag);
int dmah_amdvi_op_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag);
void dmah_amdvi_op_tag_free(struct dmah_iommu *iommu, uint32_t tag);

#endif /* DMAH_HW_AMDVI_H */
