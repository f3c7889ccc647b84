/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A flattened device tree: nodes and properties (Devicetree Specification, chapter 5). Internal.
 */
#ifndef DMAH_SRC_FW_TREE_H
#define DMAH_SRC_FW_TREE_H

#include "fw/table.h"

#define TREE_DEPTH 32u

/**
 * struct fw_tree - a tree whose header is right.
 * @data: its bytes.
 * @at: the structure block; @end: behind it.
 * @strings: names of properties; @strings_end: behind the zero that ends the last of them.
 */
struct fw_tree {
	const uint8_t *data;
	uint32_t at, end;
	uint32_t strings, strings_end;
};

/**
 * struct fw_node - a node on a walk over all nodes.
 * @path: offsets of the nodes from the root to the node itself.
 * @depth: how many there are; 0: the walk has not begun.
 */
struct fw_node {
	uint32_t path[TREE_DEPTH];
	uint32_t depth;
};

/** struct fw_prop - a property. @at: NULL: there is none. @size: bytes. */
struct fw_prop {
	const uint8_t *at;
	uint32_t size;
};

static inline uint32_t fw_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/** dmah_fw_tree_check() - judge a whole tree, and cut @t to its length. Return: 0 or DMAH_EINVAL. */
int dmah_fw_tree_check(const struct dmah_fw *fw, struct dmah_fw_bytes *t);

/** dmah_fw_tree_open() - read the header. Returns false where it is wrong. */
bool dmah_fw_tree_open(const struct dmah_fw_bytes *t, struct fw_tree *tree);

/** dmah_fw_tree_next() - go to the next node, parents first. Returns false at the end. */
bool dmah_fw_tree_next(const struct fw_tree *tree, struct fw_node *node);

/** dmah_fw_tree_up() - go to the parent. Returns false at the root. */
bool dmah_fw_tree_up(struct fw_node *node);

/** dmah_fw_tree_offset() - Returns the offset of a node in the table. */
uint32_t dmah_fw_tree_offset(const struct fw_node *node);

/** dmah_fw_tree_prop() - find a property of a node. */
struct fw_prop dmah_fw_tree_prop(const struct fw_tree *tree, const struct fw_node *node,
				 const char *name);

/** dmah_fw_tree_cell() - Returns the 32-bit cell @n of a property, or @other where it has not that many. */
uint32_t dmah_fw_tree_cell(const struct fw_prop *prop, uint32_t n, uint32_t other);

/** dmah_fw_tree_cells() - Returns @count cells from cell @n as one number; those above 64 bits are left out. */
uint64_t dmah_fw_tree_cells(const struct fw_prop *prop, uint32_t n, uint32_t count);

/** dmah_fw_tree_text() - Returns true where a list of texts has @text; @n, which may be NULL, is set to its place. */
bool dmah_fw_tree_text(const struct fw_prop *prop, const char *text, uint32_t *n);

/** dmah_fw_tree_find() - go to the node with a phandle. Returns false where there is none. */
bool dmah_fw_tree_find(const struct fw_tree *tree, uint32_t phandle, struct fw_node *node);

/** dmah_fw_tree_phandle() - Returns the phandle of a node; 0: it has none. */
uint32_t dmah_fw_tree_phandle(const struct fw_tree *tree, const struct fw_node *node);

/** dmah_fw_tree_path() - write the path of a node to @to. Returns false where it is longer than @size. */
bool dmah_fw_tree_path(const struct fw_tree *tree, const struct fw_node *node, char *to,
		       uint32_t size);

/**
 * dmah_fw_tree_reg() - read entry @n of a node's registers, as the CPU sees them.
 *
 * Returns false where it has none, or where a bus above does not translate them.
 */
bool dmah_fw_tree_reg(const struct fw_tree *tree, const struct fw_node *node, uint32_t n,
		      uint64_t *base, uint64_t *size);

#endif /* DMAH_SRC_FW_TREE_H */
