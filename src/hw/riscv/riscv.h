/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Declarations that the files of the RISC-V IOMMU's driver share. */
#ifndef DMAH_IOMMU_RISCV_H
#define DMAH_IOMMU_RISCV_H

#include <dmah/device.h>
#include <dmah/riscv.h>

#include "hw/riscv/regs.h"
#include "hw/unit.h"

/** struct riscv_command - a command of the command queue. */
struct riscv_command {
	uint64_t word[CMD_WORDS];
};

static inline struct dmah_riscv *riscv_of(struct dmah_iommu *iommu)
{
	return (struct dmah_riscv *)(void *)iommu; /* its first member */
}

static inline uint32_t riscv_read(const struct dmah_riscv *unit, uint32_t reg)
{
	return dmah_host_read32(unit->regs + reg);
}

static inline void riscv_write(const struct dmah_riscv *unit, uint32_t reg, uint32_t value)
{
	dmah_host_write32(unit->regs + reg, value);
}

static inline uint64_t *riscv_slot(const struct dmah_riscv *unit, uint32_t pos)
{
	return unit->queue.cpu + (size_t)(pos & (unit->entries - 1)) * CMD_WORDS;
}

/* Returns the number of the last mark that the hardware passed, 32 bits of it. */
static inline uint32_t riscv_status(const struct dmah_riscv *unit)
{
	return __atomic_load_n(unit->status, __ATOMIC_ACQUIRE);
}

static inline bool riscv_enabled(const struct dmah_riscv *unit)
{
	return __atomic_load_n(&unit->enabled, __ATOMIC_ACQUIRE);
}

/* Returns how many bits of a word are set. The compiler's own function would be a call to its library on some CPUs. */
static inline unsigned int riscv_bits_in(uint64_t word)
{
	unsigned int n = 0;

	for (; word; word &= word - 1)
		n++;
	return n;
}

static inline bool riscv_has_files(const struct dmah_riscv *unit)
{
	return unit->files.cpu != NULL;
}

/* ---- memory ---- */

/* As dmah_hw_area_alloc(): memory that the unit can reach. */
static inline int riscv_area_alloc(const struct dmah_riscv *unit, size_t size,
				   struct dmah_unit_area *area)
{
	return dmah_hw_area_alloc(area, size, unit->iommu.out_bits, unit->coherent);
}

/* ---- registers.c ---- */

/**
 * dmah_riscv_await() - wait until the bits @mask of a register are @value. Context: outside dmah_host_enter().
 *
 * Return: 0; DMAH_ETIMEDOUT, also where the register reads as all ones.
 */
int dmah_riscv_await(const struct dmah_riscv *unit, uint32_t reg, uint32_t mask, uint32_t value);

/** dmah_riscv_queue_off() - switch a queue off. @csr: its control register. Return: 0, DMAH_ETIMEDOUT. */
int dmah_riscv_queue_off(const struct dmah_riscv *unit, uint32_t csr);

/** dmah_riscv_queues_on() - begin both queues, empty, with interrupts off. Return: 0, DMAH_ETIMEDOUT. */
int dmah_riscv_queues_on(struct dmah_riscv *unit);

/** dmah_riscv_set_mode() - change the mode of the device directory. Return: 0, DMAH_ETIMEDOUT; DMAH_ENOTSUP: no such mode. */
int dmah_riscv_set_mode(const struct dmah_riscv *unit, unsigned int mode);

/* ---- commands.c ---- */

/** RISCV_INVALIDATIONS - most commands of dmah_riscv_invalidations(). */
#define RISCV_INVALIDATIONS 16u

/**
 * dmah_riscv_invalidations() - commands that invalidate [@iova, @iova + @size) of an address space, or more; @size 0: all of
 *	it. Returns how many.
 */
unsigned int dmah_riscv_invalidations(const struct dmah_riscv *unit, uint32_t tag, dmah_addr_t iova,
				      uint64_t size, bool tables,
				      struct riscv_command c[RISCV_INVALIDATIONS]);

/** dmah_riscv_space() - the command that invalidates all of an address space. */
struct riscv_command dmah_riscv_space(const struct dmah_riscv *unit, uint32_t tag);

/** dmah_riscv_all() - the command that invalidates all that was cached of page tables. */
struct riscv_command dmah_riscv_all(const struct dmah_riscv *unit);

/** dmah_riscv_all_second() - the same for second-stage and MSI page tables. */
struct riscv_command dmah_riscv_all_second(void);

/** dmah_riscv_context() - the command that makes the hardware read a device's context anew; ~0: all contexts. */
struct riscv_command dmah_riscv_context(const struct dmah_riscv *unit, uint32_t id);

/** dmah_riscv_ats() - as dmah_riscv_invalidations(), for the TLB of the device @id. */
struct riscv_command dmah_riscv_ats(uint32_t id, dmah_addr_t iova, uint64_t size);

/** dmah_riscv_fence() - the command that lets nothing behind it begin before all in front of it is done. */
struct riscv_command dmah_riscv_fence(void);

/* ---- queue.c ---- */

/** RISCV_SPARE - commands that posts leave free, for the error handler to post when the queue is full. */
#define RISCV_SPARE 16u

/** RISCV_ROOM - commands that there is room for after dmah_riscv_op_make_room(). */
#define RISCV_ROOM 8u

/** dmah_riscv_has_room() - Returns true where @n more commands fit. Context: the queue's lock is held, as for all puts. */
bool dmah_riscv_has_room(struct dmah_riscv *unit, unsigned int n);

/** dmah_riscv_put() - write a command into the queue. The hardware sees it when cqt is written. */
void dmah_riscv_put(struct dmah_riscv *unit, struct riscv_command c);

/** dmah_riscv_put_mark() - write a mark into the queue. Returns its number. */
uint64_t dmah_riscv_put_mark(struct dmah_riscv *unit);

/** dmah_riscv_ring() - let the hardware see what was put. */
void dmah_riscv_ring(struct dmah_riscv *unit);

/**
 * dmah_riscv_post() - post @n commands in one piece, and with @ticket a mark behind them.
 *
 * Context: outside dmah_host_enter(). Return: 0; DMAH_ETIMEDOUT (no room in time, or the unit has failed).
 */
int dmah_riscv_post(struct dmah_riscv *unit, const struct riscv_command *c, unsigned int n,
		    uint64_t *ticket);

/** dmah_riscv_done() - dmah_riscv_post(), and wait. Return: 0, DMAH_ETIMEDOUT. */
int dmah_riscv_done(struct dmah_riscv *unit, const struct riscv_command *c, unsigned int n);

int dmah_riscv_op_invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova,
			     uint64_t size, bool tables, uint64_t *ticket);
int dmah_riscv_op_invalidate_dev(struct dmah_iommu *iommu, struct dmah_device *dev,
				 dmah_addr_t iova, uint64_t size);
int dmah_riscv_op_make_room(struct dmah_iommu *iommu);
int dmah_riscv_op_fence(struct dmah_iommu *iommu, uint64_t *ticket);
int dmah_riscv_op_wait(struct dmah_iommu *iommu, uint64_t ticket);

/* ---- error.c ---- */

/**
 * dmah_riscv_check() - look at the error registers once, and handle what they report. Does not wait.
 *
 * Context: outside dmah_host_enter(). Returns true where the unit is in service.
 */
bool dmah_riscv_check(struct dmah_riscv *unit);

/** dmah_riscv_fail() - remember that the unit has failed, and report @text, once. */
void dmah_riscv_fail(struct dmah_riscv *unit, const char *text);

/* ---- fault.c ---- */

unsigned int dmah_riscv_op_faults(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
				  unsigned int max, bool *lost);

/** dmah_riscv_irq_restore() - program interrupts as dmah_riscv_irq() and dmah_riscv_irq_mask() left them. */
void dmah_riscv_irq_restore(struct dmah_riscv *unit);

/* ---- directory.c ---- */

/** dmah_riscv_levels() - levels of a device directory for ids of @bits bits, given the size of a context. */
unsigned int dmah_riscv_levels(const struct dmah_riscv *unit, unsigned int bits);

/** dmah_riscv_directory_init() - the root table. Return: 0, DMAH_ENOMEM. */
int dmah_riscv_directory_init(struct dmah_riscv *unit);
void dmah_riscv_directory_free(struct dmah_riscv *unit);

/** dmah_riscv_directory_deepen() - put a level above the root. Return: 0; DMAH_ENOMEM; DMAH_ENOTSUP: there are three. */
int dmah_riscv_directory_deepen(struct dmah_riscv *unit);

/** dmah_riscv_context_words() - words of a device context. */
unsigned int dmah_riscv_context_words(const struct dmah_riscv *unit);

/** dmah_riscv_context_of() - the context of a device; NULL where no table is there. */
uint64_t *dmah_riscv_context_of(const struct dmah_riscv *unit, uint32_t id);

/** dmah_riscv_make_context() - the same, after making missing tables. Return: 0, DMAH_ENOMEM. */
int dmah_riscv_make_context(struct dmah_riscv *unit, uint32_t id, uint64_t **context);

/** dmah_riscv_publish() - push a context to memory where the hardware reads past the caches. */
void dmah_riscv_publish(const struct dmah_riscv *unit, const uint64_t *context);

/* ---- context.c ---- */

/** dmah_riscv_has_ats() - Returns true where translated requests of the device @id are let through. */
bool dmah_riscv_has_ats(const struct dmah_riscv *unit, uint32_t id);

/**
 * dmah_riscv_block_silent() - block a device that does not answer, until it is bound to DMAH_BIND_BLOCK.
 *
 * Context: the queue's lock is held. Returns false where it was blocked already.
 */
bool dmah_riscv_block_silent(struct dmah_riscv *unit, uint32_t id);

/** dmah_riscv_op_isolated() - Returns true after dmah_riscv_block_silent(). */
bool dmah_riscv_op_isolated(struct dmah_iommu *iommu, struct dmah_device *dev);

int dmah_riscv_op_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		       const struct dmah_pt_info *pt, uint32_t tag);

/* ---- tags: context.c ---- */

int dmah_riscv_op_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag);
void dmah_riscv_op_tag_free(struct dmah_iommu *iommu, uint32_t tag);

/* ---- msi.c ---- */

/** RISCV_GSCID - the guest soft-context id of all contexts that have a second stage. */
#define RISCV_GSCID 1u

/** dmah_riscv_files_init() - the MSI page table, and the second stage behind it. Return: 0, DMAH_ENOMEM. */
int dmah_riscv_files_init(struct dmah_riscv *unit);
void dmah_riscv_files_fini(struct dmah_riscv *unit);

/** dmah_riscv_second_mode() - the mode of the second stage: the widest that the unit has; 0: none. */
unsigned int dmah_riscv_second_mode(const struct dmah_riscv *unit);

/** dmah_riscv_second_bits() - the bits of an address that passes the second stage. */
unsigned int dmah_riscv_second_bits(const struct dmah_riscv *unit);

/** dmah_riscv_files_context() - fill the words of a context that lead to both tables. */
void dmah_riscv_files_context(const struct dmah_riscv *unit, uint64_t context[DC_WORDS]);

#endif /* DMAH_IOMMU_RISCV_H */
