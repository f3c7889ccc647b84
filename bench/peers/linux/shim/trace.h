/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Tracepoints and other patched jumps: a kernel spends next to nothing on them, this code nothing. */
#ifndef SHIM_TRACE_H
#define SHIM_TRACE_H

#define trace_map(...)			    ((void)0)
#define trace_unmap(...)		    ((void)0)
#define trace_swiotlb_bounced(...)	    ((void)0)
#define trace_qi_submit(...)		    ((void)0)
#define trace_cache_tag_assign(...)	    ((void)0)
#define trace_cache_tag_unassign(...)	    ((void)0)
#define trace_cache_tag_flush_range(...)    ((void)0)
#define trace_cache_tag_flush_range_np(...) ((void)0)
#define trace_cache_tag_flush_all(...)	    ((void)0)
/* Never enabled: attaching late, for kdump. */
#define static_branch_unlikely(key) false

#endif
