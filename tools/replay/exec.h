/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Executes a plan through one of the APIs. As in real drivers, each mapping has a record in the driver's own memory for its
 * unmap and syncs, as large as that API needs it.
 */
#ifndef DMAH_REPLAY_EXEC_H
#define DMAH_REPLAY_EXEC_H

#include "lookups.h"
#include "machine.h"

/** struct kept_addr - a driver's record of a mapping for the address-keyed calls: 16 bytes. */
struct kept_addr {
	dmah_addr_t dma;
	uint32_t len;
	uint8_t dir;
	uint8_t attrs;
};

/** struct kept_page - a driver's record of a mapping for the page-keyed calls: 24 bytes. */
struct kept_page {
	dmah_addr_t dma;
	dmah_phys_t phys;
	uint32_t len;
	uint8_t dir;
	uint8_t attrs;
};

/**
 * struct kept_list - a driver's record of a scatter list, for the address-keyed and the page-keyed calls.
 * @sg: entries, with room for the plan's longest list.
 * @n: number of entries in use.
 * @dir: enum dmah_dir.
 * @attrs: enum dmah_attr.
 */
struct kept_list {
	struct dmah_sg *sg;
	uint32_t n;
	uint8_t dir;
	uint8_t attrs;
};

/**
 * struct exec - all drivers of a machine.
 * @m: the machine.
 * @ops: the plan's calls.
 * @way: API and lookup.
 * @handle: single mappings by index, for the handle API.
 * @addr: single mappings by index, for the address-keyed API.
 * @page: single mappings by index, for the page-keyed API.
 * @vec: scatter lists by index, for the handle API.
 * @list: scatter lists by index, for the other two.
 * @coherent: coherent memory by index; all APIs allocate it by handle.
 * @cpu: CPU pointers to coherent memory, by index.
 * @segs: segments of a scatter list while it is mapped.
 * @lookups: emulated lookups.
 * @node: ranges of single mappings in the tree of LOOKUP_RBTREE, by index.
 * @list_node: ranges of scatter lists in that tree, by index.
 * @memory: arrays that @vec and @list point into.
 */
struct exec {
	struct machine *m;
	const struct op *ops;
	struct way way;
	struct dmah *handle;
	struct kept_addr *addr;
	struct kept_page *page;
	struct dmah_vec *vec;
	struct kept_list *list;
	struct dmah *coherent;
	void **cpu;
	struct dmah_seg *segs;
	struct lookups lookups;
	struct iova_node *node;
	struct iova_node *list_node;
	void *memory[3];
};

/** exec_init() - Initialises drivers without mappings. */
void exec_init(struct exec *x, struct machine *m);

/** exec_free() - Frees the drivers. Call before machine_destroy(). */
void exec_free(struct exec *x);

/** exec_set_way() - Selects API and lookup. Nothing may be mapped. Return: an error of the library. */
int exec_set_way(struct exec *x, struct way way);

/** exec_op() - Makes one call of the library. Return: its error. */
int exec_op(struct exec *x, const struct op *op);

/**
 * exec_run() - Makes the plan's calls [@first, @last), and nothing else: the part that is timed.
 *
 * Return: number of calls that failed.
 */
uint64_t exec_run(struct exec *x, uint32_t first, uint32_t last);

/** exec_live() - Returns true if an item that should be mapped is mapped, that is, if its map did not fail. */
bool exec_live(const struct exec *x, uint32_t item);

/**
 * exec_segment() - Finds the @i-th DMA segment of a mapped item.
 * @x: the drivers.
 * @item: index of the item.
 * @i: index of the segment.
 * @dma: set to its address.
 * @len: set to its length.
 *
 * Return: false behind the last.
 */
bool exec_segment(const struct exec *x, uint32_t item, uint32_t i, dmah_addr_t *dma, uint64_t *len);

#endif
