/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Private to faults: the result of a lookup by address. */
#ifndef DMAH_BASE_FAULT_H
#define DMAH_BASE_FAULT_H

#include <dmah/fault.h>
#include "base/domain.h"

/**
 * struct fault_place - the state of a DMA address.
 * @place: see struct dmah_fault, as for all fields below.
 * @owner: device number; 0: not recorded.
 */
struct fault_place {
	enum dmah_fault_place place;
	dmah_phys_t phys;
	uint32_t len;
	enum dmah_dir dir;
	uint32_t owner;
	const void *caller;
	uint64_t least;
	uint64_t most;
};

/**
 * dmah_fault_remember() - copy the mapping from a history record. @gen_bits: the generation bits in
 * @phys.
 */
void dmah_fault_remember(struct fault_place *what, const struct history_record *record,
			 uint64_t gen_bits);

#endif /* DMAH_BASE_FAULT_H */
