/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The model of memory that verification compares with: for each byte of a machine's memory, what it should hold, and which
 * mappings have it.
 */
#ifndef DMAH_REPLAY_SHADOW_H
#define DMAH_REPLAY_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;

/**
 * struct shadow - one, by machine address.
 * @m: the machine.
 * @base: machine address of the first byte.
 * @size: bytes.
 * @want: what the CPU should see, or the device where it has written.
 * @own: of each byte, see shadow.c.
 * @known: of each page: it has been filled.
 * @seed: of the random bytes.
 */
struct shadow {
	struct machine *m;
	uint64_t base;
	uint64_t size;
	uint8_t *want;
	uint8_t *own;
	uint8_t *known;
	uint64_t seed;
};

/** shadow_init() - for all memory of a machine. Return: false where there is no room. */
bool shadow_init(struct shadow *s, struct machine *m);
void shadow_free(struct shadow *s);

/** shadow_random() - fill a buffer with bytes that were never there. */
void shadow_random(struct shadow *s, uint8_t *buf, size_t len);

/** shadow_want() - what should be at a machine address; its page has been filled. */
uint8_t *shadow_want(struct shadow *s, uint64_t addr);

/** shadow_page() - give a page its first contents, if it has none: in the model, and by the CPU, in memory. */
void shadow_page(struct shadow *s, uint64_t addr, uint64_t phys);

/** shadow_take() - a mapping has these bytes now; @writes: its device may write them. */
void shadow_take(struct shadow *s, uint64_t addr, size_t len, bool writes);

/** shadow_leave() - it has them no more. */
void shadow_leave(struct shadow *s, uint64_t addr, size_t len, bool writes);

/** shadow_free_of() - whether no mapping has any of these bytes. */
bool shadow_free_of(const struct shadow *s, uint64_t addr, size_t len);

/**
 * shadow_differs() - whether what was read is not what should be there.
 * @others: leave out the bytes that a device may be writing through a mapping.
 *
 * Bytes that two mappings have had at one time, one of them written by a device, are always left out: a trace of a wrong
 * driver, or one with holes. Return: bytes that differ.
 */
size_t shadow_differs(const struct shadow *s, uint64_t addr, const uint8_t *got, size_t len,
		      bool others);

#endif
