/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Tables that are a counted chain of nodes.
 */
#include "fw/nodes.h"

static uint16_t length_of(const struct fw_chain *chain, const uint8_t *node)
{
	return fw_le16(node + chain->length);
}

static uint32_t field(const struct fw_chain *chain, const struct dmah_fw_bytes *t, uint32_t at)
{
	return chain->width == 2 ? fw_le16(t->data + at) : fw_le32(t->data + at);
}

/* Judge the node at @at. NULL: it is right. */
static const char *bad_node(const struct fw_chain *chain, const struct dmah_fw_bytes *t,
			    uint32_t at)
{
	const uint8_t *node = t->data + at;

	if (t->size - at < chain->header)
		return "truncated: the table ends within the header of a node";
	if (length_of(chain, node) <
	    (node[0] < chain->types ? chain->sizes[node[0]] : chain->header))
		return "the length of a node is less than that of its fixed fields";
	if (length_of(chain, node) > t->size - at)
		return "the length of a node is beyond the end of the table";
	return NULL;
}

struct fw_walk dmah_fw_nodes(const struct fw_chain *chain, const struct dmah_fw_bytes *t)
{
	uint32_t first = field(chain, t, chain->first);

	return (struct fw_walk){ .chain = chain,
				 .t = t,
				 .at = first < chain->fixed ? (uint32_t)t->size : first,
				 .left = field(chain, t, chain->count) };
}

const uint8_t *dmah_fw_next_node(struct fw_walk *w)
{
	const uint8_t *node = w->t->data + w->at;

	if (!w->left || w->at >= w->t->size || bad_node(w->chain, w->t, w->at))
		return NULL;
	w->left--;
	w->at += length_of(w->chain, node);
	return node;
}

const uint8_t *dmah_fw_next_of(struct fw_walk *w, unsigned int type)
{
	const uint8_t *node;

	while ((node = dmah_fw_next_node(w)))
		if (node[0] == type)
			return node;
	return NULL;
}

const uint8_t *dmah_fw_node_at(const struct fw_chain *chain, const struct dmah_fw_bytes *t,
			       uint32_t offset)
{
	struct fw_walk w = dmah_fw_nodes(chain, t);
	const uint8_t *node;

	while ((node = dmah_fw_next_node(&w)))
		if ((uint32_t)(node - t->data) >= offset)
			return (uint32_t)(node - t->data) == offset ? node : NULL;
	return NULL;
}

int dmah_fw_check_nodes(const struct dmah_fw *fw, const struct fw_chain *chain,
			struct dmah_fw_bytes *t)
{
	struct fw_walk w = dmah_fw_nodes(chain, t);

	if (w.left && w.at >= t->size)
		return dmah_fw_error(fw, chain->name, chain->first,
				     "the first node is not within the table");
	while (w.left) {
		uint32_t at = w.at;
		const char *why;

		if (at >= t->size)
			return dmah_fw_error(fw, chain->name, chain->count,
					     "the count of nodes is more than there are");
		why = bad_node(chain, t, at);
		if (why) {
			t->size = at;
			return dmah_fw_error(fw, chain->name, at, why);
		}
		(void)dmah_fw_next_node(&w);
	}
	return DMAH_OK;
}
