/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Executing a plan through one of the APIs, as drivers do it: what they must keep for unmap and sync is in memory of their
 * own, and as large as that API needs it.
 */
#ifndef DMAH_REPLAY_EXEC_H
#define DMAH_REPLAY_EXEC_H

#include "lookups.h"
#include "machine.h"

/** struct kept_addr - what a driver keeps for the address-keyed calls: 16 bytes. */
struct kept_addr {
	dmah_addr_t dma;
	uint32_t len;
	uint8_t dir;
	uint8_t attrs;
};

/** struct kept_page - the same for the page-keyed ones: 24 bytes. */
struct kept_page {
	dmah_addr_t dma;
	dmah_phys_t phys;
	uint32_t len;
	uint8_t dir;
	uint8_t attrs;
};

/**
 * struct kept_list - a scatter list, by address and by page.
 * @sg: its entries: room for the plan's longest list.
 * @n: how many are in use.
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
 * @ops: the plan's.
 * @way: API and lookup.
 * @handle, @addr, @page: single mappings, by slot; only the API's is used.
 * @vec, @list: scatter lists, by slot.
 * @coherent: coherent memory, by slot, for every API: there is one way to get it.
 * @cpu: where the CPU finds that.
 * @segs: for a scatter list that is being mapped.
 * @lookups: emulated lookups.
 * @node, @list_node: ranges in the tree of LOOKUP_RBTREE.
 * @memory: that of @vec and @list.
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

/** exec_init() - drivers that have mapped nothing. */
void exec_init(struct exec *x, struct machine *m);

/** exec_free() - before the machine goes. */
void exec_free(struct exec *x);

/** exec_set_way() - change the API; nothing is mapped. Return: an error of the library. */
int exec_set_way(struct exec *x, struct way way);

/** exec_op() - one call of the library. Return: its error. */
int exec_op(struct exec *x, const struct op *op);

/**
 * exec_run() - the plan's calls [@first, @last), and nothing else: what is timed.
 *
 * Return: how many of them failed.
 */
uint64_t exec_run(struct exec *x, uint32_t first, uint32_t last);

/** exec_live() - whether an item that should be mapped is: its map did not fail. */
bool exec_live(const struct exec *x, uint32_t item);

/**
 * exec_segment() - the @i-th DMA segment of an item that is mapped.
 * @dma: where to put its address.
 * @len: where to put its length.
 *
 * Return: false behind the last.
 */
bool exec_segment(const struct exec *x, uint32_t item, uint32_t i, dmah_addr_t *dma, uint64_t *len);

#endif
