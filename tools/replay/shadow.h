/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The model of memory that verification compares with: the expected value of each byte, and its mappings. */
#ifndef DMAH_REPLAY_SHADOW_H
#define DMAH_REPLAY_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;

/**
 * struct shadow - the model, by machine address.
 * @m: the machine.
 * @base: machine address of the first byte.
 * @size: bytes.
 * @want: expected value of each byte: the last one that the CPU or a device wrote.
 * @own: mappings of each byte, see shadow.c.
 * @known: for each page, true once it was filled.
 * @seed: seed of the random bytes.
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

/** shadow_init() - Makes a model of all memory of a machine. Return: false without memory. */
bool shadow_init(struct shadow *s, struct machine *m);
void shadow_free(struct shadow *s);

/** shadow_random() - Fills a buffer with new random bytes. */
void shadow_random(struct shadow *s, uint8_t *buf, size_t len);

/** shadow_want() - Returns the expected bytes at a machine address whose page was filled. */
uint8_t *shadow_want(struct shadow *s, uint64_t addr);

/** shadow_page() - Fills a page on its first use, in the model and, by the CPU, in memory. */
void shadow_page(struct shadow *s, uint64_t addr, uint64_t phys);

/** shadow_take() - Adds a mapping of these bytes; @writes: its device may write them. */
void shadow_take(struct shadow *s, uint64_t addr, size_t len, bool writes);

/** shadow_leave() - Removes a mapping that shadow_take() added. */
void shadow_leave(struct shadow *s, uint64_t addr, size_t len, bool writes);

/** shadow_free_of() - Returns true if no mapping has any of these bytes. */
bool shadow_free_of(const struct shadow *s, uint64_t addr, size_t len);

/**
 * shadow_differs() - Compares bytes that were read with the model.
 * @others: leave out bytes that a device may be writing through a mapping.
 *
 * Bytes that two mappings had at one time, one of them written by a device, are always left out: such a trace is that of a
 * wrong driver, or has gaps.
 *
 * Return: number of bytes that differ.
 */
size_t shadow_differs(const struct shadow *s, uint64_t addr, const uint8_t *got, size_t len,
		      bool others);

#endif
