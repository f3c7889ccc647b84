/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace events of mappings that the module makes itself: in slots, rings and domains. They have the
 * names, fields and text of the kernel's own dma:* events, which see all other mappings. So one
 * recording of both is read as one ("dmah check").
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dmah

#if !defined(DMAH_LINUX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define DMAH_LINUX_TRACE_H

#include <linux/dmah.h>
#include <linux/tracepoint.h>

#include "client.h"
#include "compat.h"

#define dmah_show_dir(dir) \
	__print_symbolic(dir, { 0, "BIDIRECTIONAL" }, { 1, "TO_DEVICE" }, { 2, "FROM_DEVICE" })
#define dmah_show_attrs(attrs) \
	__print_flags(attrs, "|", { DMA_ATTR_SKIP_CPU_SYNC, "SKIP_CPU_SYNC" })

#ifndef DMAH_LINUX_TRACE_ONCE
#define DMAH_LINUX_TRACE_ONCE
static inline bool dmah_traced(u32 meta)
{
	return meta_kind(meta) == KIND_POOL || meta_kind(meta) == KIND_DOMAIN ||
	       meta_kind(meta) == KIND_COVERED;
}

static inline unsigned long dmah_traced_attrs(u32 meta)
{
	return meta & META_NO_SYNC ? DMA_ATTR_SKIP_CPU_SYNC : 0;
}
#endif

DECLARE_EVENT_CLASS(dmah_map,
		    TP_PROTO(struct device *dev, const struct dmah *h, unsigned long caller),
		    TP_ARGS(dev, h, caller),
		    TP_STRUCT__entry(__string(device, dev_name(dev)) __field(u64, phys_addr)
					     __field(u64, dma_addr) __field(size_t, size)
						     __field(int, dir) __field(unsigned long, attrs)
							     __field(unsigned long, caller)),
		    TP_fast_assign(compat_assign_str(device, dev_name(dev));
				   __entry->phys_addr = h->phys; __entry->dma_addr = h->dma;
				   __entry->size = h->len; __entry->dir = dmah_dir(h);
				   __entry->attrs = dmah_traced_attrs(h->meta);
				   __entry->caller = caller;),
		    TP_printk("%s dir=%s dma_addr=%llx size=%zu phys_addr=%llx attrs=%s",
			      __get_str(device), dmah_show_dir(__entry->dir), __entry->dma_addr,
			      __entry->size, __entry->phys_addr, dmah_show_attrs(__entry->attrs)));

DEFINE_EVENT_CONDITION(dmah_map, dma_map_phys,
		       TP_PROTO(struct device *dev, const struct dmah *h, unsigned long caller),
		       TP_ARGS(dev, h, caller), TP_CONDITION(dmah_traced(h->meta)));

TRACE_EVENT_CONDITION(
	dma_unmap_phys, TP_PROTO(struct device *dev, const struct dmah *h, unsigned long caller),
	TP_ARGS(dev, h, caller), TP_CONDITION(dmah_traced(h->meta)),
	TP_STRUCT__entry(__string(device, dev_name(dev)) __field(u64, addr) __field(size_t, size)
				 __field(int, dir) __field(unsigned long, attrs)
					 __field(unsigned long, caller)),
	TP_fast_assign(compat_assign_str(device, dev_name(dev)); __entry->addr = h->dma;
		       __entry->size = h->len; __entry->dir = dmah_dir(h);
		       __entry->attrs = dmah_traced_attrs(h->meta); __entry->caller = caller;),
	TP_printk("%s dir=%s dma_addr=%llx size=%zu attrs=%s", __get_str(device),
		  dmah_show_dir(__entry->dir), __entry->addr, __entry->size,
		  dmah_show_attrs(__entry->attrs)));

DECLARE_EVENT_CLASS(dmah_sync,
		    TP_PROTO(struct device *dev, const struct dmah *h, u32 off, u32 len,
			     unsigned long caller),
		    TP_ARGS(dev, h, off, len, caller),
		    TP_STRUCT__entry(__string(device, dev_name(dev)) __field(u64, dma_addr)
					     __field(size_t, size) __field(int, dir)
						     __field(unsigned long, caller)),
		    TP_fast_assign(compat_assign_str(device, dev_name(dev));
				   __entry->dma_addr = h->dma + off; __entry->size = len;
				   __entry->dir = dmah_dir(h); __entry->caller = caller;),
		    TP_printk("%s dir=%s dma_addr=%llx size=%zu", __get_str(device),
			      dmah_show_dir(__entry->dir), __entry->dma_addr, __entry->size));

DEFINE_EVENT_CONDITION(dmah_sync, dma_sync_single_for_cpu,
		       TP_PROTO(struct device *dev, const struct dmah *h, u32 off, u32 len,
				unsigned long caller),
		       TP_ARGS(dev, h, off, len, caller), TP_CONDITION(dmah_traced(h->meta)));
DEFINE_EVENT_CONDITION(dmah_sync, dma_sync_single_for_device,
		       TP_PROTO(struct device *dev, const struct dmah *h, u32 off, u32 len,
				unsigned long caller),
		       TP_ARGS(dev, h, off, len, caller), TP_CONDITION(dmah_traced(h->meta)));

#endif /* DMAH_LINUX_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
