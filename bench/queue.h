/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The benchmark's IOMMU: the CPU's work in the driver of a real one, and nothing else.
 *
 * A spinlock protects a ring of 16-byte descriptors. A caller tests for room, posts its descriptors and, if it will wait, a
 * mark. There is no hardware: a mark is done when the set latency has passed. No register is written; that would cost some
 * 100 ns more on both sides of a comparison.
 */
#ifndef DMAH_BENCH_QUEUE_H
#define DMAH_BENCH_QUEUE_H

#include <dmah/iommu.h>

struct queue;

/** queue_create() - Makes an IOMMU with a queue, for page tables of @format and coherent walks. */
struct queue *queue_create(const struct dmah_pt_format *format);

/** queue_iommu() - Returns the library's view of the IOMMU, for a domain's configuration. */
struct dmah_iommu *queue_iommu(struct queue *q);

/**
 * queue_set_latency() - Sets the time after which a posted mark is done; 0: at once.
 *
 * The latencies of several marks overlap, as with hardware that works on several commands at once.
 */
void queue_set_latency(struct queue *q, uint64_t ns);

/** queue_posted() - Returns the number of descriptors posted so far, marks included; wraps. */
uint32_t queue_posted(const struct queue *q);

#endif
