/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What a domain remembers of its mappings, live and ended, for the day that a device is refused: who made it, of what
 * memory, and when it ended. Always on, so it must cost next to nothing:
 *
 * - A map writes one record, in a table of fixed size, at a place that its DMA address chooses. Another mapping whose
 *   address chooses the same place takes it.
 * - The shortest unmaps behind an IOMMU leave their time in the page-table entry that they clear, where the hardware
 *   ignores it. All others write it into the record.
 * - A lazy unmap reads no clock. It takes the time of the last flush; as the times of flushes are kept too, it is known
 *   between which two it was. A strict unmap reads the clock while the hardware is at work on its invalidation.
 *
 * Records are read while they are written: a reader that meets one half written takes it for none. Two CPUs whose
 * mappings choose one place in the same few nanoseconds may mix their records; the page table then tells which address
 * is mapped all the same.
 */
#ifndef DMAH_CORE_HISTORY_H
#define DMAH_CORE_HISTORY_H

#include <dmah/device.h>
#include <dmah/dmah.h>
#include "pt/pt.h"

struct dmah_domain;

/**
 * struct history_record - one mapping.
 * @key: page of its DMA address; below that the device's owner word and the direction. 0: none.
 * @phys: physical address of its first byte.
 * @caller: who mapped it: a return address, its low 32 bits.
 * @len: bytes.
 * @ended: when it was unmapped, history_time() | 1; 0: it was not, or its page-table entry knows.
 */
struct history_record {
	uint64_t key;
	dmah_phys_t phys;
	uint32_t caller;
	uint32_t len;
	uint64_t ended;
};

/** HISTORY_STAMPS - how many times of flushes are kept. */
#define HISTORY_STAMPS 32u

/**
 * struct history - a domain's.
 * @record: the table.
 * @mask: bytes of the table minus those of a record.
 * @note: the time of the last flush, as a cleared page-table entry holds it: history_note().
 * @nstamps: times of flushes that there ever were.
 * @stamp: the last of them, in ticks.
 */
struct history {
	struct history_record *record;
	uint64_t mask;
	uint64_t note;
	uint32_t nstamps;
	uint64_t stamp[HISTORY_STAMPS];
};

/*
 * A time in a cleared entry: ticks of 1,024 ns where the address was. What is 0 was never unmapped. They come round
 * after 19 hours.
 */
#define HISTORY_TICK_SHIFT 10
#define HISTORY_NOTE	   0x0000fffffffff000ull
#define HISTORY_NOTE_SHIFT 12
#define HISTORY_TICKS	   (HISTORY_NOTE >> HISTORY_NOTE_SHIFT)

/** history_memory() - bytes of a table. */
size_t history_memory(uint32_t records);

/** history_init() - empty. @memory: history_memory() bytes, zeroed, aligned to 64. */
void history_init(struct history *history, void *memory, uint32_t records);

/** history_stamp() - a flush begins at @now, or lazy unmaps after none. Context: any. */
void history_stamp(struct history *history, uint64_t now);

/** history_time() - when an unmap happens, for history_unmap(): not looked up where no IOMMU could refuse a device. */
uint64_t history_time(const struct dmah_domain *dom);

/** history_map() - a mapping was made. @caller: by whom. */
void history_map(struct dmah_device *dev, const struct dmah *h, const void *caller);

/** history_unmap() - it ends at @now, history_time(), if it is the one that is remembered. */
void history_unmap(struct dmah_device *dev, const struct dmah *h, uint64_t now);

/** history_begin_many() - history_begin() for a mapping of @n granules; what was mapped later within them is forgotten. */
void history_begin_many(const struct history *history, const struct dmah_device *dev,
			dmah_addr_t dma, dmah_phys_t phys, uint32_t len, enum dmah_dir dir,
			uint32_t n, const void *caller);

/**
 * history_find() - the record of the last mapping of a DMA address's page.
 * @found: where to copy it.
 *
 * That is the one which begins nearest before it: whoever maps a range takes the records of all that began within it.
 * Visits all of the table where none begins at that page. Return: whether there is one.
 */
bool history_find(const struct history *history, dmah_addr_t dma, struct history_record *found);

/** history_ended() - when a mapping was unmapped whose entry holds @note: ages in ns. Return: false: it never was. */
bool history_ended(const struct history *history, uint64_t note, uint64_t now, uint64_t *least,
		   uint64_t *most);

/* Plain stores where the CPU has them, and relaxed ones for the sanitizer's sake. */
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

/** history_at() - the place that a DMA address chooses: its page's number, in records. */
static inline struct history_record *history_at(const struct history *history, dmah_addr_t dma)
{
	_Static_assert(sizeof(struct history_record) == 1u << 5, "a page is a record");
	size_t at = (size_t)(dma >> (PT_GRANULE_SHIFT - 5) & history->mask);

	return (struct history_record *)(void *)((char *)history->record + at);
}

/** history_begin() - a mapping of one granule is made. @caller: by whom. */
static inline void history_begin(const struct history *history, const struct dmah_device *dev,
				 dmah_addr_t dma, dmah_phys_t phys, uint32_t len, enum dmah_dir dir,
				 const void *caller)
{
	struct history_record *record = history_at(history, dma);

	history_store(&record->key, 0);
	history_store(&record->phys, phys);
	__atomic_store_n(&record->caller, (uint32_t)(uintptr_t)caller, __ATOMIC_RELAXED);
	__atomic_store_n(&record->len, len, __ATOMIC_RELAXED);
	history_store(&record->ended, 0);
	/* Device memory barriers are not needed: only CPUs read this. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	history_store(&record->key, (dma & ~(PT_GRANULE - 1)) | dev->owner | (uint32_t)dir);
}

/** history_note() - what a lazy unmap leaves in the entry that it clears. */
static inline uint64_t history_note(const struct history *history)
{
	return history_load(&history->note);
}

/** history_note_at() - the same at a time that is known. */
static inline uint64_t history_note_at(uint64_t now)
{
	uint64_t note = (now >> HISTORY_TICK_SHIFT) << HISTORY_NOTE_SHIFT & HISTORY_NOTE;

	return note ? note : 1ull << HISTORY_NOTE_SHIFT;
}

/** HISTORY_NO_TIME - what history_time() says where it does not look. */
#define HISTORY_NO_TIME 0

/** history_owner() - the word that a device's records carry. */
static inline uint32_t history_owner(uint16_t slot)
{
	return (uint32_t)slot << 2;
}

#endif /* DMAH_CORE_HISTORY_H */
