/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the driver's own files share. */
#ifndef DMAH_DRIVERS_NVME_INT_H
#define DMAH_DRIVERS_NVME_INT_H

#include "nvme.h"
#include "regs.h"

#define NVME_PAGE 4096u

/** NVME_ENTRIES - of an I/O queue: a page of commands, and always more than may be under way. */
#define NVME_ENTRIES 64u

/** NVME_LIST - entries of a PRP list that is a page. */
#define NVME_LIST (NVME_PAGE / 8)

/* ---- queues (queue.c) ---- */

/** nvme_queue_alloc() - memory for a pair; @q->id and @q->entries are set. After an error a part of it may be there. */
int nvme_queue_alloc(struct nvme *n, struct nvme_queue *q);

/** nvme_queue_free() - the device must not know the queue any more. An idle one is a no-op. */
int nvme_queue_free(struct nvme *n, struct nvme_queue *q);

/** nvme_queue_empty() - as the device finds it when it has been created. */
void nvme_queue_empty(struct nvme_queue *q);

/** nvme_queue_put() - a command; the caller knows that there is room. */
void nvme_queue_put(struct nvme_queue *q, const struct nvme_command *c);

/** nvme_queue_ring() - the device sees what was put. */
void nvme_queue_ring(struct nvme *n, struct nvme_queue *q);

/** nvme_queue_take() - the next completion. Return: false where there is none. nvme_queue_taken() when done. */
bool nvme_queue_take(struct nvme_queue *q, struct nvme_completion *c);

/** nvme_queue_taken() - the device may use the entries again. */
void nvme_queue_taken(struct nvme *n, const struct nvme_queue *q);

/* ---- the controller (ctrl.c) ---- */

/** nvme_dead() - 0, DMAH_ETIMEDOUT (it says that it failed), DMAH_ENODEV (it is not there). */
int nvme_dead(struct nvme *n);

/** nvme_admin() - a command to the admin queue, and its end. Return: 0, its status, or as nvme_wait(). */
int nvme_admin(struct nvme *n, struct nvme_command *c, uint32_t *result);

/* ---- commands (io.c) ---- */

/** nvme_io_room() - whether a command may be put under way. Return: 0, DMAH_ENOSPC, DMAH_ENODEV. */
int nvme_io_room(const struct nvme *n);

/** nvme_io_check() - whether a request makes sense; @len: its bytes. */
int nvme_io_check(const struct nvme *n, uint32_t blocks, enum dmah_dir dir, uint32_t *len);

/** nvme_io_start() - a read or write of what was mapped. There is room. Return: 0, DMAH_EINVAL. */
int nvme_io_start(struct nvme *n, struct nvme_io *io, enum dmah_dir dir, uint64_t lba,
		  uint32_t blocks, const struct dmah_dma_seg *seg, uint32_t nseg);

/** nvme_io_wait() - nvme_poll() until it has ended. Return: 0, DMAH_ETIMEDOUT, DMAH_ENODEV. */
int nvme_io_wait(struct nvme *n, const struct nvme_io *io);

/** nvme_io_abort() - the device does nothing any more: all that is under way has ended. */
void nvme_io_abort(struct nvme *n);

/* ---- PRPs (prp.c) ---- */

/**
 * nvme_prp() - name the pages of a mapped buffer in a command.
 * @list: a page for the entries, at DMA address @list_dma.
 *
 * Return: 0; DMAH_EINVAL: pages cannot name it; DMAH_ERANGE: too many.
 */
int nvme_prp(struct nvme_command *c, uint64_t *list, dmah_addr_t list_dma,
	     const struct dmah_dma_seg *seg, uint32_t nseg);

#endif /* DMAH_DRIVERS_NVME_INT_H */
