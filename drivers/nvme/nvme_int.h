/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Internal interfaces between the files of the driver. */
#ifndef DMAH_DRIVERS_NVME_INT_H
#define DMAH_DRIVERS_NVME_INT_H

#include "nvme.h"
#include "regs.h"

#define NVME_PAGE 4096u

/** NVME_ENTRIES - entries of an I/O queue: one page of commands, and more than NVME_DEPTH. */
#define NVME_ENTRIES 64u

/** NVME_LIST - entries of a PRP list of one page. */
#define NVME_LIST (NVME_PAGE / 8)

/* ---- queues (queue.c) ---- */

/**
 * nvme_queue_alloc() - allocate memory for a pair of queues. The caller has set @q->id and
 *	@q->entries. After an error a part of the memory may be allocated: call nvme_queue_free().
 */
int nvme_queue_alloc(struct nvme *n, struct nvme_queue *q);

/**
 * nvme_queue_free() - free a pair that the device no longer uses. Freeing an unallocated one is a
 *	no-op.
 */
int nvme_queue_free(struct nvme *n, struct nvme_queue *q);

/** nvme_queue_empty() - reset a pair to its state at creation. */
void nvme_queue_empty(struct nvme_queue *q);

/** nvme_queue_put() - put a command into the queue. The caller has made sure that there is room. */
void nvme_queue_put(struct nvme_queue *q, const struct nvme_command *c);

/** nvme_queue_ring() - ring the doorbell: the device sees all commands that were put. */
void nvme_queue_ring(struct nvme *n, struct nvme_queue *q);

/**
 * nvme_queue_take() - read the next completion. Return: false if there is none. After the last one,
 *	call nvme_queue_taken().
 */
bool nvme_queue_take(struct nvme_queue *q, struct nvme_completion *c);

/** nvme_queue_taken() - return the completion entries that were read to the device. */
void nvme_queue_taken(struct nvme *n, const struct nvme_queue *q);

/* ---- the controller (ctrl.c) ---- */

/**
 * nvme_dead() - check that the controller works. Return: 0; DMAH_ETIMEDOUT: the controller reports
 *	a fatal failure; DMAH_ENODEV: the controller is gone.
 */
int nvme_dead(struct nvme *n);

/**
 * nvme_admin() - run an admin command and wait for its completion. Return: 0, the command's status,
 *	or an error as nvme_wait().
 */
int nvme_admin(struct nvme *n, struct nvme_command *c, uint32_t *result);

/* ---- commands (io.c) ---- */

/**
 * nvme_io_room() - check that one more command can be submitted. Return: 0, DMAH_ENOSPC,
 *	DMAH_ENODEV.
 */
int nvme_io_room(const struct nvme *n);

/** nvme_io_check() - check a request, and set @len to its bytes. */
int nvme_io_check(const struct nvme *n, uint32_t blocks, enum dmah_dir dir, uint32_t *len);

/**
 * nvme_io_start() - submit a read or write of a mapped buffer. The caller has made sure that there
 *	is room. Return: 0, DMAH_EINVAL.
 */
int nvme_io_start(struct nvme *n, struct nvme_io *io, enum dmah_dir dir, uint64_t lba,
		  uint32_t blocks, const struct dmah_dma_seg *seg, uint32_t nseg);

/**
 * nvme_io_wait() - call nvme_poll() until @io has ended. Return: 0, DMAH_ETIMEDOUT, DMAH_ENODEV.
 */
int nvme_io_wait(struct nvme *n, const struct nvme_io *io);

/** nvme_io_abort() - end all commands with NVME_ABORTED. Call after the device has stopped. */
void nvme_io_abort(struct nvme *n);

/* ---- PRPs (prp.c) ---- */

/**
 * nvme_prp() - write the pages of a mapped buffer into a command.
 * @list: a page for PRP entries, at DMA address @list_dma.
 *
 * Return: 0; DMAH_EINVAL: PRP entries cannot describe the buffer; DMAH_ERANGE: too many pages.
 */
int nvme_prp(struct nvme_command *c, uint64_t *list, dmah_addr_t list_dma,
	     const struct dmah_dma_seg *seg, uint32_t nseg);

#endif /* DMAH_DRIVERS_NVME_INT_H */
