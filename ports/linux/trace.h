/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dmah

#if !defined(DMAH_LINUX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define DMAH_LINUX_TRACE_H

#include <linux/dmah.h>
#include <linux/tracepoint.h>

#include "compat.h"

#define dmah_show_dir(dir) \
	__print_symbolic(dir, { 1, "TO_DEVICE" }, { 2, "FROM_DEVICE" }, { 3, "BIDIRECTIONAL" })

DECLARE_EVENT_CLASS(
	dmah_handle, TP_PROTO(struct device *dev, const struct dmah *h, unsigned long caller),
	TP_ARGS(dev, h, caller),
	TP_STRUCT__entry(__string(device, dev_name(dev)) __field(const void *, handle)
				 __field(u64, dma) __field(u64, phys) __field(u32, len)
					 __field(u32, dir) __field(unsigned long, caller)),
	TP_fast_assign(compat_assign_str(device, dev_name(dev)); __entry->handle = h;
		       __entry->dma = h->dma; __entry->phys = h->phys; __entry->len = h->len;
		       __entry->dir = h->meta & 3; __entry->caller = caller;),
	TP_printk("%s handle=%p dma=%llx phys=%llx len=%u dir=%s caller=%pS", __get_str(device),
		  __entry->handle, __entry->dma, __entry->phys, __entry->len,
		  dmah_show_dir(__entry->dir), (void *)__entry->caller));

DEFINE_EVENT(dmah_handle, dmah_map,
	     TP_PROTO(struct device *dev, const struct dmah *h, unsigned long caller),
	     TP_ARGS(dev, h, caller));

DEFINE_EVENT(dmah_handle, dmah_unmap,
	     TP_PROTO(struct device *dev, const struct dmah *h, unsigned long caller),
	     TP_ARGS(dev, h, caller));

TRACE_EVENT(dmah_sync,
	    TP_PROTO(struct device *dev, const struct dmah *h, u32 off, u32 len, bool for_cpu,
		     unsigned long caller),
	    TP_ARGS(dev, h, off, len, for_cpu, caller),
	    TP_STRUCT__entry(__string(device, dev_name(dev)) __field(const void *, handle)
				     __field(u64, dma) __field(u64, phys) __field(u32, off)
					     __field(u32, len) __field(u32, dir)
						     __field(bool, for_cpu)
							     __field(unsigned long, caller)),
	    TP_fast_assign(compat_assign_str(device, dev_name(dev)); __entry->handle = h;
			   __entry->dma = h->dma; __entry->phys = h->phys; __entry->off = off;
			   __entry->len = len; __entry->dir = h->meta & 3;
			   __entry->for_cpu = for_cpu; __entry->caller = caller;),
	    TP_printk("%s handle=%p dma=%llx phys=%llx off=%u len=%u dir=%s for=%s caller=%pS",
		      __get_str(device), __entry->handle, __entry->dma, __entry->phys, __entry->off,
		      __entry->len, dmah_show_dir(__entry->dir),
		      __entry->for_cpu ? "cpu" : "device", (void *)__entry->caller));

#endif /* DMAH_LINUX_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
