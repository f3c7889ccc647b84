/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "iova/iova.h"

static size_t bitmap_bytes(uint32_t granules)
{
	return ((size_t)granules + 63) / 64 * 8;
}

size_t dmah_iova_memory(uint32_t granules)
{
	return dmah_range_memory(granules) + bitmap_bytes(granules);
}

/*
 * Let all CPUs together hold at most half of the aperture, a quarter of it in small classes, so that a small aperture (a 24-bit
 * device has 4096 granules) is not exhausted by the caches: an eighth is ready, and an eighth waits
 * for a flush. Other CPUs can make waiting entries ready but cannot take them.
 */
static void set_depth(struct iova *iova, uint32_t granules, unsigned int cpus)
{
	for (unsigned int class = 0; class < IOVA_CLASSES; class ++) {
		uint32_t depth = granules / 8 / cpus / IOVA_CLASSES >> class;

		iova->depth[class] = depth > IOVA_DEPTH ? IOVA_DEPTH : depth;
	}
	iova->depth[IOVA_BLOCK] = granules / 8 / cpus / IOVA_BLOCK_SIZE;
}

void dmah_iova_init(struct iova *iova, void *memory, uint32_t granules, uint64_t base_granule,
		    unsigned int cpus)
{
	dmah_range_init(&iova->depot, memory, granules);
	iova->quarantine = (uint64_t *)(void *)((char *)memory + dmah_range_memory(granules));
	iova->quarantined = 0;
	iova->limit = granules;
	iova->base_granule = base_granule;
	set_depth(iova, granules, cpus);
}

void dmah_iova_cut(struct iova *iova, uint32_t granules, unsigned int cpus)
{
	iova->limit = granules;
	set_depth(iova, granules, cpus);
}

/*
 * Align IOVAs, not indices. An aperture begins at a multiple of 2 MiB, so both agree up to 512
 * granules.
 */
static uint64_t base_offset(const struct iova *iova)
{
	return iova->base_granule;
}

uint32_t dmah_iova_get_small(struct iova *iova, unsigned int class)
{
	return dmah_iova_get_large(iova, iova_class_size(class), iova_class_size(class), 0, 0);
}

uint32_t dmah_iova_get_large(struct iova *iova, uint32_t n, uint32_t align, uint32_t skew,
			     uint64_t boundary)
{
	uint32_t first;

	dmah_host_lock(&iova->lock);
	first = dmah_range_alloc(&iova->depot, n, align, skew, boundary, base_offset(iova),
				 iova->limit);
	dmah_host_unlock(&iova->lock);
	return first;
}

void dmah_iova_put_large(struct iova *iova, uint32_t first, uint32_t n)
{
	dmah_host_lock(&iova->lock);
	(void)dmah_range_free(&iova->depot, first, n);
	dmah_host_unlock(&iova->lock);
}

bool dmah_iova_take(struct iova *iova, uint32_t first, uint32_t n)
{
	bool taken;

	dmah_host_lock(&iova->lock);
	taken = dmah_range_take(&iova->depot, first, n);
	dmah_host_unlock(&iova->lock);
	return taken;
}

void dmah_iova_quarantine(struct iova *iova, uint32_t first, uint32_t n, const uint32_t *flushes)
{
	uint32_t seq;

	dmah_host_lock(&iova->lock);
	for (uint32_t i = first; i < first + n; i++)
		iova->quarantine[i / 64] |= 1ull << (i % 64);
	seq = __atomic_load_n(flushes, __ATOMIC_ACQUIRE);
	if (!iova->quarantined || (int32_t)(seq - iova->quarantine_seq) > 0)
		iova->quarantine_seq = seq;
	iova->quarantined += n;
	dmah_host_unlock(&iova->lock);
}

static bool is_quarantined(const struct iova *iova, uint32_t granule)
{
	return iova->quarantine[granule / 64] >> granule % 64 & 1;
}

uint32_t dmah_iova_next_quarantined(struct iova *iova, uint32_t from, uint32_t *n)
{
	uint32_t size = iova->depot.size, end;

	dmah_host_lock(&iova->lock);
	while (iova->quarantined && from < size && !is_quarantined(iova, from))
		from += iova->quarantine[from / 64] >> from % 64 ? 1 : 64 - from % 64;
	if (!iova->quarantined || from >= size)
		from = RANGE_NONE;
	for (end = from; from != RANGE_NONE && end < size && is_quarantined(iova, end);)
		end++;
	*n = end - from;
	dmah_host_unlock(&iova->lock);
	return from;
}

uint32_t dmah_iova_leave_quarantine(struct iova *iova, uint32_t from, uint32_t seq)
{
	uint32_t found = RANGE_NONE, words = (iova->depot.size + 63) / 64;

	dmah_host_lock(&iova->lock);
	if (iova->quarantined && (int32_t)(iova->quarantine_seq - seq) < 0) {
		for (uint32_t word = from / 64; word < words; word++) {
			if (!iova->quarantine[word])
				continue;
			found = word * 64 + (uint32_t)__builtin_ctzll(iova->quarantine[word]);
			iova->quarantine[word] &= iova->quarantine[word] - 1;
			iova->quarantined--;
			break;
		}
	}
	dmah_host_unlock(&iova->lock);
	return found;
}
