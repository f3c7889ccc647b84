/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * iommu:map events that no DMA event explains.
 *
 * dma_map_*() and dma_alloc_*() map first (iommu:map), and then make their own event. An iommu:map
 * that no such event of the same task follows was made by dma_iova_link(), VFIO or another user of
 * the IOMMU, of which the dma events tell nothing.
 */
#ifndef DMAH_TOOLS_TRACE_IOMMU_MAPS_H
#define DMAH_TOOLS_TRACE_IOMMU_MAPS_H

#include <stdint.h>

struct trace;
struct trace_event;

/** iommu_maps_add() - an iommu:map event: its task, CPU, and first and last address */
void iommu_maps_add(struct trace *t, int32_t pid, uint32_t cpu, uint64_t first, uint64_t last);

/** iommu_maps_event() - a DMA event, which may explain the task's last iommu:map */
void iommu_maps_event(struct trace *t, const struct trace_event *ev);

/** iommu_maps_end() - count those that nothing explained */
void iommu_maps_end(struct trace *t);

void iommu_maps_free(struct trace *t);

#endif
