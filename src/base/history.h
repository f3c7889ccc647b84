/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The history of a domain: for each mapping, live or ended, its caller, its memory and the time of
 * its end. Fault reports use the history. It is always on, so it must cost very little:
 *
 * - A map writes one record, in a table of fixed size, at an index computed from the DMA address.
 *   Another mapping with the same index overwrites the record.
 * - An unmap behind an IOMMU leaves its time in bits of the page-table entries that the hardware
 *   ignores. For a mapping by block entries the record holds the time, except after a lazy unmap of one block.
 * - A lazy unmap on the fast path does not read the clock. It stores the time of the last flush.
 *   The times of flushes are kept too, so the unmap is known to lie between two flushes. A strict
 *   unmap reads the clock while the hardware processes the invalidation. Where the hardware is done
 *   at once, one strict unmap of a CPU in 64 reads the clock, and the others store that time as if it
 *   were a flush's.
 *
 * Records are read without a lock. A reader ignores a record that is half written. If two CPUs
 * write one record in the same few nanoseconds the record may be a mixture; the page table still
 * shows which address is mapped.
 */
#ifndef DMAH_BASE_HISTORY_H
#define DMAH_BASE_HISTORY_H

#include <dmah/device.h>
#include <dmah/dmah.h>
#include "pt/pt.h"

struct dmah_domain;

/**
 * struct history_record - one mapping.
 * @dma: its DMA address; 0: the record is empty.
 * @phys: physical address of its first page, with the generation if its page-table entries have one; or, with
 *	HISTORY_OFFSET, of its first byte, with the generation above the address. See history_phys().
 * @caller: low 32 bits of the return address of the call that made it.
 * @len: bytes.
 * @ended: time of the unmap, 50 bits of dmah_host_now(); 1: time unknown, or in the block entry; 0: not unmapped, or the
 *	page-table entries hold the time. Above the time: two flags, direction and device number.
 */
struct history_record {
	dmah_addr_t dma;
	dmah_phys_t phys;
	uint32_t caller;
	uint32_t len;
	uint64_t ended;
};

/*
 * The offset in a page is that of the DMA address, and some formats have the generation in its place. Where a buffer bounced
 * to another offset, the record has the offset, and such a generation moves up.
 */
#define HISTORY_OFFSET	(1ull << 63)
#define HISTORY_GEN_UP	51
#define HISTORY_IN_PAGE (PT_GRANULE - 1)
#define HISTORY_ADDRESS 0x000fffffffffffffull

#define HISTORY_DIR_SHIFT    52
#define HISTORY_DEVICE_SHIFT 54
#define HISTORY_HAS_BUS	     (1ull << 51) /* mapped by bus address */
#define HISTORY_INSIDE	     (1ull << 50) /* its first entry has the mark of a continued mapping */
#define HISTORY_ENDED	     (HISTORY_INSIDE - 1)

/** HISTORY_FLUSH_TIMES - number of flush times kept. */
#define HISTORY_FLUSH_TIMES 32u

/**
 * struct history - the history of one domain.
 * @record: the table.
 * @mask: bytes of the table minus bytes of one record.
 * @timestamp: time of the last flush, as a cleared page-table entry holds it: history_timestamp(). Flushes write this line,
 *	and maps do not read it.
 * @nflush_times: number of flush times ever recorded.
 * @flush_time: the last HISTORY_FLUSH_TIMES of them, in ticks.
 */
struct history {
	struct history_record *record;
	uint64_t mask;
	uint64_t timestamp __attribute__((aligned(64)));
	uint32_t nflush_times;
	uint64_t flush_time[HISTORY_FLUSH_TIMES];
};

/*
 * Time in a cleared page-table entry: the address bits hold ticks of 1,024 ns. The bit below them
 * is set if this is the time of the unmap itself, and clear if it is the time of the last flush
 * before. 0: never unmapped. Ticks wrap after 9 hours.
 */
#define HISTORY_TICK_SHIFT	10
#define HISTORY_TIMESTAMP	0x0000fffffffff000ull
#define HISTORY_EXACT		0x0000000000001000ull
#define HISTORY_TIMESTAMP_SHIFT 13
#define HISTORY_TICKS		(HISTORY_TIMESTAMP >> HISTORY_TIMESTAMP_SHIFT)

/** dmah_history_memory() - return the bytes of a table. */
size_t dmah_history_memory(uint32_t records);

/**
 * dmah_history_init() - set up an empty history. @memory: dmah_history_memory() bytes, zeroed,
 * aligned to 64.
 */
void dmah_history_init(struct history *history, void *memory, uint32_t records);

/** dmah_history_flush_time() - record the time of a flush that begins at @now. Context: any. */
void dmah_history_flush_time(struct history *history, uint64_t now);

/** dmah_history_map() - record a mapping. @caller: code address for fault reports. */
void dmah_history_map(struct dmah_device *dev, const struct dmah *h, const void *caller);

/**
 * dmah_history_unmap() - record the end of a mapping if its page-table entries do not hold the
 * time: without an IOMMU (time unknown), or with block entries.
 */
void dmah_history_unmap(struct dmah_device *dev, const struct dmah *h);

/**
 * dmah_history_find() - find the record of a mapping with bytes in a page.
 * @about: returns true for an acceptable record: the history may hold several for this page.
 * @ctx: passed to @about.
 * @found: receives a copy of the record.
 *
 * Of several records, takes the one with the highest DMA address. Visits the whole table if no
 * mapping begins in this page.
 *
 * Return: true if a record was found.
 */
bool dmah_history_find(const struct history *history, dmah_addr_t dma,
		       bool (*about)(void *ctx, const struct history_record *record), void *ctx,
		       struct history_record *found);

/**
 * dmah_history_age() - compute the age in ns of the unmap whose entry holds @timestamp.
 *
 * Return: false if the entry was never unmapped.
 */
bool dmah_history_age(const struct history *history, uint64_t timestamp, uint64_t now,
		      uint64_t *least, uint64_t *most);

/** history_word() - make @phys of a record. @gen: the generation, at its place in an entry. */
static inline uint64_t history_word(dmah_phys_t phys, dmah_addr_t dma, uint64_t gen)
{
	if (!((phys ^ dma) & HISTORY_IN_PAGE))
		return (phys & ~HISTORY_IN_PAGE) | gen;
	return phys | HISTORY_OFFSET | (gen & HISTORY_IN_PAGE ? gen << HISTORY_GEN_UP : gen);
}

/** history_phys() - return the physical address of a mapping's first byte. @gen_bits: the generation bits of an entry. */
static inline dmah_phys_t history_phys(const struct history_record *record, uint64_t gen_bits)
{
	if (record->phys & HISTORY_OFFSET)
		return record->phys & HISTORY_ADDRESS;
	return (record->phys & ~gen_bits & ~HISTORY_IN_PAGE) | (record->dma & HISTORY_IN_PAGE);
}

/** history_gen() - return the generation of a record, at its place in an entry. */
static inline uint64_t history_gen(const struct history_record *record, uint64_t gen_bits)
{
	if (record->phys & HISTORY_OFFSET && gen_bits & HISTORY_IN_PAGE)
		return record->phys >> HISTORY_GEN_UP & gen_bits;
	return record->phys & gen_bits;
}

/* Use plain stores on a 32-bit CPU, and relaxed atomic ones elsewhere, for the sanitizer. */
static inline void history_store(uint64_t *word, uint64_t value)
{
#if UINTPTR_MAX > 0xffffffffu
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
#else
	*(volatile uint64_t *)word = value;
#endif
}

static inline uint64_t history_load(const uint64_t *word)
{
#if UINTPTR_MAX > 0xffffffffu
	return __atomic_load_n(word, __ATOMIC_RELAXED);
#else
	return *(const volatile uint64_t *)word;
#endif
}

/** history_at() - return the record for a DMA address: its page number, modulo the table. */
static inline struct history_record *history_at(const struct history *history, dmah_addr_t dma)
{
	_Static_assert(sizeof(struct history_record) == 1u << 5, "a page is a record");
	size_t at = (size_t)(dma >> (PT_GRANULE_SHIFT - 5) & history->mask);

	return (struct history_record *)(void *)((char *)history->record + at);
}

/**
 * history_write() - write the record of a new mapping.
 * @phys: history_word().
 * @owner: history_owner() of device and direction, with flags.
 * @caller: code address for fault reports.
 */
static inline void history_write(const struct history *history, dmah_addr_t dma, uint64_t phys,
				 uint32_t len, uint64_t owner, const void *caller)
{
	struct history_record *record = history_at(history, dma);

	history_store(&record->dma, 0);
	history_store(&record->phys, phys);
	__atomic_store_n(&record->caller, (uint32_t)(uintptr_t)caller, __ATOMIC_RELAXED);
	__atomic_store_n(&record->len, len, __ATOMIC_RELAXED);
	history_store(&record->ended, owner);
	/* Order among CPUs only: no device reads records. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	history_store(&record->dma, dma);
}

/**
 * history_begin() - write the record of a new mapping.
 * @phys: physical address with the generation bits.
 * @caller: code address for fault reports.
 */
static inline void history_begin(const struct history *history, const struct dmah_device *dev,
				 dmah_addr_t dma, uint64_t phys, uint32_t len, enum dmah_dir dir,
				 const void *caller)
{
	history_write(history, dma, phys, len, dev->owner[dir], caller);
}

/** history_end() - store the end of the mapping at @dma in its record, if that is there. @time: 50 bits; 0: not known. */
static inline void history_end(const struct history *history, dmah_addr_t dma, uint64_t time)
{
	struct history_record *record = history_at(history, dma);

	if (history_load(&record->dma) == dma)
		history_store(&record->ended,
			      (history_load(&record->ended) & ~HISTORY_ENDED) | (time ? time : 1));
}

/** history_timestamp() - return the timestamp for the entries that a lazy unmap clears. */
static inline uint64_t history_timestamp(const struct history *history)
{
	return history_load(&history->timestamp);
}

/** history_timestamp_at() - return the timestamp for an unmap at the known time @now. */
static inline uint64_t history_timestamp_at(uint64_t now)
{
	return ((now >> HISTORY_TICK_SHIFT) << HISTORY_TIMESTAMP_SHIFT & HISTORY_TIMESTAMP) |
	       HISTORY_EXACT;
}

/** history_owner() - return the bits of a record that name the device and the direction. */
static inline uint64_t history_owner(uint16_t number, enum dmah_dir dir)
{
	return (uint64_t)number << HISTORY_DEVICE_SHIFT | (uint64_t)dir << HISTORY_DIR_SHIFT;
}

#endif /* DMAH_BASE_HISTORY_H */
