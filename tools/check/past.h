/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The last end at each address, so that a second one is recognised. */
#ifndef DMAH_TOOLS_CHECK_PAST_H
#define DMAH_TOOLS_CHECK_PAST_H

#include <stdbool.h>
#include <stdint.h>
#include "trace.h"

/**
 * struct past - an end, or a failed map of a list
 * @map_line: line of the map
 * @unmap_line: line of the unmap; 0 if the map failed or the unmap was not recorded
 * @failed: the map failed
 * @unseen: the kernel dropped the record of the unmap, or may have
 * @dma: DMA address of the map
 * @phys: physical address of the map
 * @size: bytes of the map
 * @nr_phys: length of @physs
 * @physs: entries of a list
 */
struct past {
	uint64_t key;
	uint64_t map_line, unmap_line;
	uint64_t dma, phys, size;
	uint32_t nr_phys;
	bool failed, unseen;
	struct past *chain; /* same hash */
	struct past *next; /* order of insertion */
	struct past **back; /* the pointer to this in the chain */
	uint64_t physs[];
};

#define PAST_BUCKETS (1u << 18)
/* A trace may use any number of addresses. The oldest ends are forgotten beyond this many bytes. */
#define PAST_BYTES (UINT64_C(96) << 20)

/** struct pasts - zero is empty */
struct pasts {
	struct past **buckets;
	struct past *oldest, **end;
	uint64_t bytes;
};

/**
 * past_add() - remember an end; an older one with the same key is replaced
 * @ps: set
 * @key: hash of device and address, or of device and first entry of a list
 * @p: end to remember; @p->physs is not used
 * @physs: entries of a list, copied
 */
void past_add(struct pasts *ps, uint64_t key, const struct past *p, const uint64_t *physs);

/** past_find() - Returns the end with this key, or NULL. */
const struct past *past_find(const struct pasts *ps, uint64_t key);

void past_free(struct pasts *ps);

#endif
