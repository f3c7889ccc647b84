/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A toy network card's receive ring, twice: ring_by_address.c and ring_by_handle.c are the same driver, before and
 * after. Lay them side by side.
 */
#ifndef EXAMPLE_RING_H
#define EXAMPLE_RING_H

#include <dmah/types.h>

struct dmah_device;

#define RING_SLOTS  16u
#define RING_BUFFER 2048u

/** struct ring_descriptor - what the card reads. It writes @length, not 0, when a packet has come. */
struct ring_descriptor {
	uint64_t address;
	uint32_t length;
	uint32_t unused;
};

/** ring_packet() - where packets go. */
void ring_packet(const void *bytes, uint32_t length);

#endif /* EXAMPLE_RING_H */
