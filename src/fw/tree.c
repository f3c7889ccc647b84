/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A flattened device tree (Devicetree Specification, release 0.4: chapter 5 for the format, sections 2.3.5 and 2.3.6 for
 * addresses).
 */
#include "fw/tree.h"

#define NAME "DT"

/* Section 5.2: the header. */
#define FDT_TOTAL	 4u
#define FDT_STRUCT	 8u
#define FDT_STRINGS	 12u
#define FDT_VERSION	 20u
#define FDT_COMPATIBLE	 24u
#define FDT_STRINGS_SIZE 32u
#define FDT_STRUCT_SIZE	 36u
#define FDT_SIZE	 40u

/* Section 5.4.1: tokens. */
#define TOKEN_BEGIN 1u
#define TOKEN_END   2u
#define TOKEN_PROP  3u
#define TOKEN_NOP   4u
#define TOKEN_LAST  9u
#define MOST_CELLS  4u
#define MOST_RANGES 1024u

/* ---- the header ---- */

static const char *bad_header(const uint8_t *data, uint32_t size, uint32_t *offset)
{
	uint32_t total = fw_be32(data + FDT_TOTAL);

	*offset = FDT_TOTAL;
	if (total < FDT_SIZE)
		return "the length is less than that of the header";
	if (total > DMAH_FW_TREE_MAX)
		return "the length is more than 2 MiB";
	if (total > size)
		return "truncated: the bytes end before the tree's length";
	*offset = FDT_VERSION;
	if (fw_be32(data + FDT_VERSION) < 17 || fw_be32(data + FDT_COMPATIBLE) > 17)
		return "the version is not 17";
	*offset = FDT_STRUCT;
	if (fw_be32(data + FDT_STRUCT) & 3 || fw_be32(data + FDT_STRUCT) < FDT_SIZE ||
	    !fw_fits(fw_be32(data + FDT_STRUCT), fw_be32(data + FDT_STRUCT_SIZE), total))
		return "the structure block is not within the tree";
	*offset = FDT_STRINGS;
	if (!fw_fits(fw_be32(data + FDT_STRINGS), fw_be32(data + FDT_STRINGS_SIZE), total))
		return "the strings block is not within the tree";
	return NULL;
}

bool dmah_fw_tree_open(const struct dmah_fw_bytes *t, struct fw_tree *tree)
{
	uint32_t offset;

	if (t->size < FDT_SIZE || bad_header(t->data, t->size, &offset))
		return false;
	*tree = (struct fw_tree){ .data = t->data,
				  .at = fw_be32(t->data + FDT_STRUCT),
				  .strings = fw_be32(t->data + FDT_STRINGS) };
	tree->end = tree->at + fw_be32(t->data + FDT_STRUCT_SIZE);
	tree->strings_end = tree->strings + fw_be32(t->data + FDT_STRINGS_SIZE);
	/* Every name that begins before the last zero ends at a zero: no name is read to its end for that. */
	while (tree->strings_end > tree->strings && tree->data[tree->strings_end - 1])
		tree->strings_end--;
	return true;
}

/* ---- tokens ---- */

/* Returns the offset behind the zero that ends a text, or 0 where @end comes first. */
static uint32_t behind_text(const struct fw_tree *tree, uint32_t at, uint32_t end)
{
	while (at < end)
		if (!tree->data[at++])
			return at;
	return 0;
}

/*
 * Read the token at @at and find the one behind it. Returns 0 where it is wrong or the block ends; then *@why says so.
 */
static uint32_t read_token(const struct fw_tree *tree, uint32_t at, uint32_t *token,
			   const char **why)
{
	uint32_t behind = at + 4, size, name;

	*why = "truncated: the structure block ends without its last token";
	if (!fw_fits(at, 4, tree->end))
		return 0;
	*token = fw_be32(tree->data + at);
	if (*token == TOKEN_BEGIN) {
		*why = "the name of a node has no end";
		behind = behind_text(tree, behind, tree->end);
		if (!behind)
			return 0;
	} else if (*token == TOKEN_PROP) {
		*why = "a property is beyond the end of the structure block";
		if (!fw_fits(behind, 8, tree->end))
			return 0;
		size = fw_be32(tree->data + behind);
		name = fw_be32(tree->data + behind + 4);
		if (!fw_fits(behind + 8, size, tree->end))
			return 0;
		*why = "the name of a property is not within the strings block";
		if (name >= tree->strings_end - tree->strings)
			return 0;
		behind += 8 + size;
	} else if (*token != TOKEN_END && *token != TOKEN_NOP && *token != TOKEN_LAST) {
		*why = "an unknown token";
		return 0;
	}
	*why = NULL;
	return (behind + 3) & ~3u;
}

int dmah_fw_tree_check(const struct dmah_fw *fw, struct dmah_fw_bytes *t)
{
	uint32_t offset, token, depth = 0, at, behind, size = t->size;
	struct fw_tree tree;
	const char *why;

	t->size = 0;
	if (size < FDT_SIZE)
		return dmah_fw_error(fw, NAME, size, "truncated: the bytes end within the header");
	why = bad_header(t->data, size, &offset);
	if (why)
		return dmah_fw_error(fw, NAME, offset, why);
	t->size = fw_be32(t->data + FDT_TOTAL);
	(void)dmah_fw_tree_open(t, &tree);
	for (at = tree.at;; at = behind) {
		behind = read_token(&tree, at, &token, &why);
		if (!why && token == TOKEN_BEGIN && ++depth > TREE_DEPTH)
			why = "nodes are more than 32 deep";
		if (!why && token == TOKEN_END && !depth--)
			why = "a node ends that has not begun";
		if (!why && token == TOKEN_PROP && !depth)
			why = "a property is in no node";
		if (!why && token == TOKEN_LAST && depth)
			why = "a node has no end";
		if (why)
			return dmah_fw_error(fw, NAME, at, why);
		if (token == TOKEN_LAST)
			return DMAH_OK;
	}
}

/* ---- nodes ---- */

uint32_t dmah_fw_tree_offset(const struct fw_node *node)
{
	return node->path[node->depth - 1];
}

bool dmah_fw_tree_up(struct fw_node *node)
{
	if (node->depth < 2)
		return false;
	node->depth--;
	return true;
}

bool dmah_fw_tree_next(const struct fw_tree *tree, struct fw_node *node)
{
	uint32_t at = tree->at, token;
	const char *why;

	if (node->depth)
		at = read_token(tree, dmah_fw_tree_offset(node), &token, &why);
	while (at) {
		uint32_t behind = read_token(tree, at, &token, &why);

		if (!behind || token == TOKEN_LAST)
			return false;
		if (token == TOKEN_BEGIN) {
			if (node->depth == TREE_DEPTH)
				return false;
			node->path[node->depth++] = at;
			return true;
		}
		if (token == TOKEN_END && !node->depth--)
			return false;
		at = behind;
	}
	return false;
}

static bool is_text(const struct fw_tree *tree, uint32_t at, const char *text)
{
	while (*text && tree->data[at] == (uint8_t)*text) {
		at++;
		text++;
	}
	return !*text && !tree->data[at];
}

/* Returns true where the property at @at has this name. */
static bool is_named(const struct fw_tree *tree, uint32_t at, const char *name)
{
	return is_text(tree, tree->strings + fw_be32(tree->data + at + 8), name);
}

struct fw_prop dmah_fw_tree_prop(const struct fw_tree *tree, const struct fw_node *node,
				 const char *name)
{
	struct fw_prop prop = { 0 };
	uint32_t token, at;
	const char *why;

	at = read_token(tree, dmah_fw_tree_offset(node), &token, &why);
	while (at) {
		uint32_t behind = read_token(tree, at, &token, &why);

		if (!behind || (token != TOKEN_PROP && token != TOKEN_NOP))
			break;
		if (token == TOKEN_PROP && is_named(tree, at, name)) {
			prop.at = tree->data + at + 12;
			prop.size = fw_be32(tree->data + at + 4);
			break;
		}
		at = behind;
	}
	return prop;
}

uint32_t dmah_fw_tree_cell(const struct fw_prop *prop, uint32_t n, uint32_t other)
{
	return prop->at && fw_fits((uint64_t)n * 4, 4, prop->size) ? fw_be32(prop->at + n * 4)
								   : other;
}

uint64_t dmah_fw_tree_cells(const struct fw_prop *prop, uint32_t n, uint32_t count)
{
	uint64_t value = 0;

	while (count--)
		value = value << 32 | dmah_fw_tree_cell(prop, n++, 0);
	return value;
}

bool dmah_fw_tree_text(const struct fw_prop *prop, const char *text, uint32_t *n)
{
	uint32_t at = 0, place = 0;

	while (prop->at && at < prop->size) {
		const char *want = text;

		while (at < prop->size && *want && prop->at[at] == (uint8_t)*want) {
			at++;
			want++;
		}
		if (!*want && at < prop->size && !prop->at[at]) {
			if (n)
				*n = place;
			return true;
		}
		while (at < prop->size && prop->at[at])
			at++;
		at++;
		place++;
	}
	return false;
}

uint32_t dmah_fw_tree_phandle(const struct fw_tree *tree, const struct fw_node *node)
{
	struct fw_prop prop = dmah_fw_tree_prop(tree, node, "phandle");

	return dmah_fw_tree_cell(&prop, 0, 0);
}

/* One pass over all tokens: a tree may have as many references as there is room for, and each is looked up. */
bool dmah_fw_tree_find(const struct fw_tree *tree, uint32_t phandle, struct fw_node *node)
{
	bool wanted = false; /* the node's own phandle was not seen yet */
	uint32_t token, behind;
	const char *why;

	node->depth = 0;
	for (uint32_t at = phandle ? tree->at : 0; at; at = behind) {
		behind = read_token(tree, at, &token, &why);
		if (!behind || token == TOKEN_LAST || (token == TOKEN_END && !node->depth--))
			return false;
		if (token == TOKEN_BEGIN && node->depth == TREE_DEPTH)
			return false;
		if (token == TOKEN_BEGIN)
			node->path[node->depth++] = at;
		if (token == TOKEN_PROP && wanted && is_named(tree, at, "phandle")) {
			if (fw_be32(tree->data + at + 4) >= 4 &&
			    fw_be32(tree->data + at + 12) == phandle)
				return true;
			wanted = false;
		}
		if (token == TOKEN_BEGIN || token == TOKEN_END)
			wanted = token == TOKEN_BEGIN;
	}
	return false;
}

bool dmah_fw_tree_path(const struct fw_tree *tree, const struct fw_node *node, char *to,
		       uint32_t size)
{
	uint32_t n = 0;

	for (uint32_t level = 1; level < node->depth; level++) {
		const uint8_t *name = tree->data + node->path[level] + 4;

		if (n + 1 >= size)
			return false;
		to[n++] = '/';
		while (*name) {
			if (n + 1 >= size)
				return false;
			to[n++] = (char)*name++;
		}
	}
	to[n] = 0;
	return n;
}

/* ---- addresses ---- */

static void cells_below(const struct fw_tree *tree, const struct fw_node *bus, uint32_t *address,
			uint32_t *size)
{
	struct fw_prop a = dmah_fw_tree_prop(tree, bus, "#address-cells");
	struct fw_prop s = dmah_fw_tree_prop(tree, bus, "#size-cells");

	*address = dmah_fw_tree_cell(&a, 0, 2);
	*size = dmah_fw_tree_cell(&s, 0, 1);
}

/* Translate an address of a bus to one of the bus above. */
static bool translate(const struct fw_tree *tree, const struct fw_node *bus, uint64_t *base)
{
	struct fw_prop ranges = dmah_fw_tree_prop(tree, bus, "ranges");
	uint32_t below, above, size, ignored, entry;
	struct fw_node parent = *bus;

	if (!ranges.at)
		return false;
	if (!ranges.size)
		return true;
	cells_below(tree, bus, &below, &size);
	if (!dmah_fw_tree_up(&parent))
		return false;
	cells_below(tree, &parent, &above, &ignored);
	if (!below || below > MOST_CELLS || above > MOST_CELLS || size > MOST_CELLS)
		return false;
	entry = below + above + size;
	for (uint32_t n = 0;
	     n < MOST_RANGES * entry && fw_fits((uint64_t)n * 4, (uint64_t)entry * 4, ranges.size);
	     n += entry) {
		uint64_t from = dmah_fw_tree_cells(&ranges, n, below);
		uint64_t to = dmah_fw_tree_cells(&ranges, n + below, above);

		if (*base >= from &&
		    *base - from < dmah_fw_tree_cells(&ranges, n + below + above, size)) {
			*base = to + (*base - from);
			return true;
		}
	}
	return false;
}

bool dmah_fw_tree_reg(const struct fw_tree *tree, const struct fw_node *node, uint32_t n,
		      uint64_t *base, uint64_t *size)
{
	struct fw_prop reg = dmah_fw_tree_prop(tree, node, "reg");
	struct fw_node bus = *node;
	uint32_t address, length, entry;

	if (!reg.at || !dmah_fw_tree_up(&bus))
		return false;
	cells_below(tree, &bus, &address, &length);
	if (!address || address > MOST_CELLS || length > MOST_CELLS)
		return false;
	entry = address + length;
	if (!fw_fits((uint64_t)n * entry * 4, (uint64_t)entry * 4, reg.size))
		return false;
	*base = dmah_fw_tree_cells(&reg, n * entry, address);
	*size = dmah_fw_tree_cells(&reg, n * entry + address, length);
	/* The addresses below the root are the CPU's. */
	for (; bus.depth > 1; dmah_fw_tree_up(&bus))
		if (!translate(tree, &bus, base))
			return false;
	return true;
}
