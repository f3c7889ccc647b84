/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A domain of handles only (struct dmah_domain_config, @handles_only): no page table. Behind an IOMMU that takes mappings as
 * requests, a table is a copy that only address-keyed calls read. A handle names address, length and memory; what the library
 * must know itself is which handle is live. That is a mark of one byte for each granule, in pages of 4,096 granules, which are
 * made on first use and kept for good.
 *
 * The functions stand for those of the same name in entries.h.
 */
#ifndef DMAH_BACKEND_IOMMU_MARKS_H
#define DMAH_BACKEND_IOMMU_MARKS_H

#include "backend/iommu/entries.h"

/** MARK_GEN_MASK - largest generation of a mark. */
#define MARK_GEN_MASK 63u

/** marks_memory() - bytes of the directory of an aperture of @size bytes; 0 for a domain with a page table. */
size_t dmah_marks_memory(const struct dmah_domain_config *cfg);

/** dmah_marks_fini() - free all marks. */
void dmah_marks_fini(struct dmah_domain *dom);

uint32_t dmah_marks_next_gen(const struct dmah_domain *dom, uint32_t first, uint32_t n);
int dmah_marks_make(struct dmah_domain *dom, uint32_t index, unsigned int flags);

/**
 * dmah_marks_set() - mark an extent, and post the requests that map it. dmah_marks_confirm() waits for them.
 *
 * Return: 0, DMAH_ENOMEM, DMAH_ETIMEDOUT. *@set: granules that must be taken back.
 */
int dmah_marks_set(const struct dmah_device *dev, const struct extent *run, unsigned int flags,
		   uint32_t *set);

/** dmah_marks_confirm() - wait for the requests of dmah_marks_set(). Return: 0, DMAH_ETIMEDOUT. */
int dmah_marks_confirm(struct dmah_device *dev);

/**
 * dmah_marks_defer() - post the requests that end a lazy mapping: a flush waits for them, and knows of no range by itself.
 *
 * Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_marks_defer(struct dmah_device *dev, uint32_t first, uint32_t n);

/** dmah_marks_flush() - post again what ends mappings in quarantine. Return: 0, DMAH_ETIMEDOUT. */
int dmah_marks_flush(struct dmah_domain *dom);

bool dmah_marks_match(const struct dmah_domain *dom, const struct extent *run);
bool dmah_marks_end_at(const struct dmah_domain *dom, uint32_t index);
uint32_t dmah_marks_claim(const struct dmah_domain *dom, const struct extent *run);
void dmah_marks_clear(const struct dmah_domain *dom, uint32_t first, uint32_t n);

/** dmah_marks_live() - Returns true if a granule is mapped. */
bool dmah_marks_live(const struct dmah_domain *dom, uint32_t index);

/** dmah_marks_gen() - the generation of a granule's mapping, or of its next one. */
uint32_t dmah_marks_gen(const struct dmah_domain *dom, uint32_t index);

#endif /* DMAH_BACKEND_IOMMU_MARKS_H */
