/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Defines a symbol for each inline function of the public headers, for languages that cannot
 * include C.
 *
 * The headers define these functions without a separate declaration, so the warning about missing
 * ones is off.
 */
#define DMAH_INLINE
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>
#include <dmah/ring.h>
#include <dmah/smmuv2.h>
#include <dmah/smmuv3.h>
#include <dmah/vtd.h>
