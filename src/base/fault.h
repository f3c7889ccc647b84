/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Faults inside: what a backend knows of an address.
 */
#ifndef DMAH_BASE_FAULT_H
#define DMAH_BASE_FAULT_H

#include <dmah/fault.h>
#include "base/domain.h"

/**
 * struct fault_place - what is or was at a DMA address.
 * @place: see struct dmah_fault, as with all below.
 * @owner: device slot; 0: not remembered.
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

/** dmah_fault_remember() - take over what a record says of the mapping itself. @gen_bits: of its @phys. */
void dmah_fault_remember(struct fault_place *what, const struct history_record *record,
			 uint64_t gen_bits);

#endif /* DMAH_BASE_FAULT_H */
