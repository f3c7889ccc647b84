/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Replaces, in user space, the parts of a kernel that Linux's DMA-mapping code uses. Every file of
 * Linux and of the glue is compiled with this file included first. The <linux/...> headers that are
 * not Linux's own are empty files, made by extract.py.
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
#include "sg.h"
#include "trace.h"

#endif
