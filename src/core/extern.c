/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The inline functions of the public headers, each as a symbol, for languages that cannot include C.
 *
 * Their declarations are their definitions, so there is no earlier one to be missed.
 */
#define DMAH_INLINE
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>
#include <dmah/ring.h>
#include <dmah/smmuv3.h>
#include <dmah/vtd.h>
