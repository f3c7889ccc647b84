/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The bench's IOMMU: what the driver of a real one costs the CPU, and nothing else.
 *
 * A ring of 16-byte descriptors in memory under a spinlock, a descriptor more for each mark that is waited for, the test for
 * room, and the wait. There is no hardware: what is posted is done after the latency that was set, and nothing is written
 * to a register, which would take some 100 ns more on either side of a comparison.
 */
#ifndef DMAH_BENCH_QUEUE_H
#define DMAH_BENCH_QUEUE_H

#include <dmah/iommu.h>

struct queue;

/** queue_create() - an IOMMU that walks @format's tables, coherently, with a queue of its own. */
struct queue *queue_create(const struct dmah_pt_format *format);

/** queue_iommu() - for the domain. */
struct dmah_iommu *queue_iommu(struct queue *q);

/**
 * queue_set_latency() - a mark is done @ns after it was posted; 0: at once. Marks wait beside each other, as they do where
 *	hardware works on more than one command.
 */
void queue_set_latency(struct queue *q, uint64_t ns);

/** queue_posted() - descriptors posted so far, marks included; wraps. */
uint32_t queue_posted(const struct queue *q);

#endif
