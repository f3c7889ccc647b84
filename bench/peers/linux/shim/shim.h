/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What Linux's DMA-mapping code needs of a kernel, for user space. Every file of Linux and of the
 * glue is compiled with this file included first; the <linux/...> headers that are not Linux's own
 * are empty (extract.py makes them).
 */
#ifndef SHIM_H
#define SHIM_H

#include "base.h"
#include "bits.h"
#include "atomic.h"
#include "lock.h"
#include "list.h"
#include "percpu.h"
#include "page.h"
#include "slab.h"
#include "later.h"
#include "device.h"
#include "trace.h"

#endif
