/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Every way to map, for calls beside each other.
 */
#ifndef DMAH_TESTS_LIFECYCLE_BESIDE_WAYS_H
#define DMAH_TESTS_LIFECYCLE_BESIDE_WAYS_H

#include <dmah/dmah.h>

struct rig;

#define BESIDE_WAYS 12u

/**
 * beside_way() - map, look at memory through the device, sync and unmap in one of BESIDE_WAYS ways. A map that finds the
 *	domain on its way to or from passthrough is left out; every other error fails the test.
 * @dev: used by the calling thread alone.
 * @phys: three pages.
 */
void beside_way(struct rig *r, struct dmah_device *dev, dmah_phys_t phys, unsigned int way);

#endif /* DMAH_TESTS_LIFECYCLE_BESIDE_WAYS_H */
