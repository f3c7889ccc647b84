/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Declares the unmap for every kind of handle. */
#ifndef DMAH_CORE_MAP_H
#define DMAH_CORE_MAP_H

#include "base/domain.h"
#include "base/request.h"

/**
 * dmah_unmap_general() - end the mapping of a handle that is not idle. @allow: META_ bits that the
 * handle must have.
 */
int dmah_unmap_general(struct dmah_device *dev, struct dmah *h, uint32_t allow, const void *caller);

#endif /* DMAH_CORE_MAP_H */
