/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before the first line of every file of this module: the library's sources and the check
 * itself.
 *
 * The kernel and the library both define `struct range` and add_range(), and the kernel has macros
 * called min3 and noinline, which the library uses as ordinary names. The kernel's headers come
 * first with their own meaning, then the names are the library's.
 */
#ifndef DMAH_SELFCHECK_KERNEL_H
#define DMAH_SELFCHECK_KERNEL_H

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/range.h>
#include <linux/ratelimit.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#define range	  library_range
#define add_range library_add_range
#undef min3
#undef noinline

#endif /* DMAH_SELFCHECK_KERNEL_H */
