/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of wrapped mappings, by which misuse is found and leaks are listed. A handle
 * names its record by number and generation. Where there is no room for a record the mapping goes
 * on without.
 */
#ifndef DMAH_LINUX_RECORD_H
#define DMAH_LINUX_RECORD_H

#include <linux/spinlock.h>
#include <linux/types.h>

struct dmah;

/**
 * struct record - of one mapping.
 * @dma, @phys, @len, @meta: as in the handle. @meta is 0 while the record is free.
 * @caller: return address of the map call.
 * @cpu: CPU pointer of coherent memory.
 * @home: the handle that map filled, or dmah_move(). Compared, never read.
 * @gen: a record that is used again has another one; never 0 in a handle.
 * @next: the next free one.
 */
struct record {
	dma_addr_t dma;
	phys_addr_t phys;
	u32 len;
	u32 meta;
	unsigned long caller;
	void *cpu;
	const struct dmah *home;
	u32 gen;
	u32 next;
};

#define RECORDS_PER_CHUNK (PAGE_SIZE / sizeof(struct record))
#define RECORD_CHUNKS	  4096u

/**
 * struct records - of one device.
 * @lock: over all of it.
 * @chunk: pages of records; they are never freed while the device is attached.
 * @chunks: how many.
 * @free: the first free record's number + 1; 0: none.
 */
struct records {
	spinlock_t lock; /* free records and growth */
	struct record **chunk;
	u32 chunks;
	u32 free;
};

int records_init(struct records *r);
void records_fini(struct records *r);

/**
 * record_add() - remember a mapping. Return: what the handle is to carry; 0: there was no room.
 * Context: any.
 */
u64 record_add(struct records *r, const struct dmah *h, unsigned long caller, void *cpu);

/** record_name() - for the part of a handle that names a record. */
static inline u64 record_name(u32 index, u32 gen)
{
	return (u64)gen << 32 | index;
}

/**
 * record_check() - check a handle against the record that @name names.
 * @home: set to the address of the handle that map filled, if the record is live.
 *
 * Return: true if the record is live and agrees with the handle.
 */
bool record_check(struct records *r, u64 name, const struct dmah *h, const struct dmah **home);

/** record_remove() - forget it. Return: false where it is not live, or not this mapping's. */
bool record_remove(struct records *r, u64 name, const struct dmah *h, void **cpu);

/** record_moved() - the mapping of a live record has moved to the handle @h. */
void record_moved(struct records *r, u64 name, const struct dmah *h);

/** record_get() - a copy of record @index. Return: false where it is free. */
bool record_get(struct records *r, u32 index, struct record *copy);

#endif /* DMAH_LINUX_RECORD_H */
