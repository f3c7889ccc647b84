/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Tables that are a counted chain of nodes: IORT, RIMT, VIOT. Internal.
 */
#ifndef DMAH_SRC_FW_NODES_H
#define DMAH_SRC_FW_NODES_H

#include "fw/table.h"

/**
 * struct fw_chain - places of the nodes in one kind of table. A node begins with its type, one byte.
 * @name: the table, for problems.
 * @fixed: bytes of the table's own fields.
 * @count, @first: offsets of the number of nodes and of the first node's offset, @width bytes each: 2 or 4.
 * @length: offset of a node's length, 2 bytes, in the node.
 * @header: bytes that every node has.
 * @sizes: bytes that a node of each type has; @types: how many types are known.
 */
struct fw_chain {
	const char *name;
	uint8_t fixed, count, first, width;
	uint8_t length, header;
	uint8_t types;
	const uint8_t *sizes;
};

/**
 * struct fw_walk - a walk over all nodes.
 * @chain, @t: the table.
 * @at: offset of the next node.
 * @left: nodes from there on, by the table's count.
 */
struct fw_walk {
	const struct fw_chain *chain;
	const struct dmah_fw_bytes *t;
	uint32_t at;
	uint32_t left;
};

/** dmah_fw_nodes() - begin a walk. */
struct fw_walk dmah_fw_nodes(const struct fw_chain *chain, const struct dmah_fw_bytes *t);

/** dmah_fw_next_node() - Returns the next node, whole; NULL at the end, or in front of a node that cannot be read. */
const uint8_t *dmah_fw_next_node(struct fw_walk *w);

/** dmah_fw_next_of() - Returns the next node of a type, or NULL. */
const uint8_t *dmah_fw_next_of(struct fw_walk *w, unsigned int type);

/** dmah_fw_node_at() - Returns the node that begins at @offset, or NULL. */
const uint8_t *dmah_fw_node_at(const struct fw_chain *chain, const struct dmah_fw_bytes *t,
			       uint32_t offset);

/**
 * dmah_fw_check_nodes() - judge the chain, and cut @t in front of the first node that cannot be read. Reports the error.
 *
 * Return: 0 or DMAH_EINVAL.
 */
int dmah_fw_check_nodes(const struct dmah_fw *fw, const struct fw_chain *chain,
			struct dmah_fw_bytes *t);

#endif /* DMAH_SRC_FW_NODES_H */
