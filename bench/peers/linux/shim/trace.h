/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Tracepoints and other patched jumps: a kernel spends next to nothing on them, this code nothing. */
#ifndef SHIM_TRACE_H
#define SHIM_TRACE_H

#define trace_map(...)			    ((void)0)
#define trace_unmap(...)		    ((void)0)
#define trace_swiotlb_bounced(...)	    ((void)0)
#define trace_dma_map_page(...)		    ((void)0)
#define trace_dma_unmap_page(...)	    ((void)0)
#define trace_dma_map_phys(...)		    ((void)0)
#define trace_dma_unmap_phys(...)	    ((void)0)
#define trace_dma_map_sg(...)		    ((void)0)
#define trace_dma_map_sg_err(...)	    ((void)0)
#define trace_dma_unmap_sg(...)		    ((void)0)
#define trace_dma_sync_single_for_cpu(...)  ((void)0)
#define trace_qi_submit(...)		    ((void)0)
#define trace_cache_tag_assign(...)	    ((void)0)
#define trace_cache_tag_unassign(...)	    ((void)0)
#define trace_cache_tag_flush_range(...)    ((void)0)
#define trace_cache_tag_flush_range_np(...) ((void)0)
#define trace_cache_tag_flush_all(...)	    ((void)0)
/* Not in Debian's kernels: checks of the DMA API, of uninitialised memory, and of pages under the IOMMU. */
#define kmsan_handle_dma(...)		   ((void)0)
#define kmsan_handle_dma_sg(...)	   ((void)0)
#define kmsan_unpoison_memory(...)	   ((void)0)
#define debug_dma_map_page(...)		   ((void)0)
#define debug_dma_unmap_page(...)	   ((void)0)
#define debug_dma_map_phys(...)		   ((void)0)
#define debug_dma_unmap_phys(...)	   ((void)0)
#define debug_dma_map_sg(...)		   ((void)0)
#define debug_dma_unmap_sg(...)		   ((void)0)
#define debug_dma_sync_single_for_cpu(...) ((void)0)
#define iommu_debug_map(...)		   ((void)0)
#define iommu_debug_unmap_begin(...)	   ((void)0)
#define iommu_debug_unmap_end(...)	   ((void)0)
/* Never enabled: attaching late, for kdump. */
#define static_branch_unlikely(key) false

#endif
