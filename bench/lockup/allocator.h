/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Allocators of IOVAs that count the steps of each call. */
#ifndef DMAH_BENCH_LOCKUP_ALLOCATOR_H
#define DMAH_BENCH_LOCKUP_ALLOCATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "peers/linux/iova_steps.h"

/**
 * struct allocator - an allocator.
 * @name: "linux-6.12", "linux-7.3" or "dmah".
 * @step: a step, in words.
 * @calls: Linux's functions; NULL: this library.
 */
struct allocator {
	const char *name;
	const char *step;
	const struct linux_iova_steps *calls;
};

/**
 * struct space - IOVAs of one domain, all of them free at first.
 * @a: its allocator.
 * @linux_domain: Linux's domain.
 * @ours: this library's domain.
 */
struct space {
	const struct allocator *a;
	void *linux_domain;
	struct ours *ours;
};

/** allocator_load() - Loads Linux's code from the file that peers/linux/iova.sh made. Return: false, after a message, on an error. */
bool allocator_load(struct allocator *a, const char *path);

/** space_open() - Makes a domain. @most: mappings that may be live at once. */
void space_open(struct space *s, const struct allocator *a, uint32_t most);

/** space_close() - Ends a domain; this library's without live mappings. */
void space_close(struct space *s);

/**
 * space_alloc() - Allocates @pages for a device that reaches addresses below 2^@mask.
 * @id: of the mapping, below @most.
 * @steps: receives the steps of the call.
 *
 * Return: the first page; 0: there was no room.
 */
uint64_t space_alloc(struct space *s, uint32_t id, uint32_t pages, unsigned int mask,
		     uint64_t *steps);

/** space_free() - Frees a mapping. @first: as space_alloc() returned it. Return: the steps. */
uint64_t space_free(struct space *s, uint32_t id, uint64_t first, uint32_t pages);

/* ---- ours.c ---- */

struct ours *ours_open(uint32_t most);
void ours_close(struct ours *o);
uint64_t ours_alloc(struct ours *o, uint32_t id, uint32_t pages, uint64_t *steps);
uint64_t ours_free(struct ours *o, uint32_t id);

/** ours_bound() - Returns the most steps of a map of this library, if its CPU keeps @kept IOVAs for its next maps. */
uint64_t ours_bound(uint32_t pages, uint64_t kept);

#endif
