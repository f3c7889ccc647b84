/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The library inside the module, and the one place that separates its names from the module's.
 *
 * Both have a struct dmah, a dmah_attach() and so on: the module's are those that drivers see,
 * with the kernel's types. So every name that the library's public headers have (dmah, dmah_map,
 * struct dmah_device ...) is compiled as library_NAME. The list is made by build.sh from those
 * headers, so none can be forgotten; the sources are unchanged.
 *
 * The host contract (dmah_host_...) keeps its names: the module is what implements it.
 *
 * The library's own files get this header before their first line. A file of the module that uses
 * something of the library includes library.h, the library's headers, and then library_end.h; the
 * names mean the module's again there, and what is meant of the library is written with its
 * prefix.
 */
#ifndef DMAH_LINUX_LIBRARY_KERNEL
#define DMAH_LINUX_LIBRARY_KERNEL
/*
 * The kernel's own definitions of such names come first, with all that host_inline.h needs.
 */
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/range.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#if defined(CONFIG_DEBUG_SPINLOCK) || defined(CONFIG_DEBUG_LOCK_ALLOC)
#define DMAH_HOST_LOCK_WORDS 16
#endif
#endif

#include "library_names.h"
/* The kernel has a struct range, too. */
#define range library_range

#ifdef DMAH_LIBRARY_ITSELF
/* The library's own files use these words as C has them. */
#undef min3
#undef noinline
#endif
