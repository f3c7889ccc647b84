// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "exec.h"
#include "posix.h"
#include "xalloc.h"

void exec_init(struct exec *x, struct machine *m)
{
	const struct plan *p = m->plan;
	uint32_t nsingle = p->kept[ITEM_SINGLE], nsg = p->kept[ITEM_SG];
	size_t most = p->max_pieces, room = (size_t)nsg * most;
	struct dmah *parts = xcalloc(room, sizeof(*parts));
	struct dmah_dma_seg *segs = xcalloc(room, sizeof(*segs));
	struct dmah_sg *sg = xcalloc(room, sizeof(*sg));

	*x = (struct exec){ .m = m, .ops = p->ops, .memory = { parts, segs, sg } };
	x->handle = xcalloc(nsingle, sizeof(*x->handle));
	x->addr = xcalloc(nsingle, sizeof(*x->addr));
	x->page = xcalloc(nsingle, sizeof(*x->page));
	x->node = xcalloc(nsingle, sizeof(*x->node));
	x->vec = xcalloc(nsg, sizeof(*x->vec));
	x->list = xcalloc(nsg, sizeof(*x->list));
	x->list_node = xcalloc(nsg, sizeof(*x->list_node));
	x->coherent = xcalloc(p->kept[ITEM_COHERENT], sizeof(*x->coherent));
	x->cpu = xcalloc(p->kept[ITEM_COHERENT], sizeof(*x->cpu));
	x->segs = xcalloc(most, sizeof(*x->segs));
	for (uint32_t i = 0; i < nsg; i++) {
		x->vec[i] = (struct dmah_vec){ .part = parts + i * most,
					       .seg = segs + i * most,
					       .max = (uint32_t)most };
		x->list[i].sg = sg + i * most;
	}
}

void exec_free(struct exec *x)
{
	free(x->handle);
	free(x->addr);
	free(x->page);
	free(x->node);
	free(x->vec);
	free(x->list);
	free(x->list_node);
	free(x->coherent);
	free(x->cpu);
	free(x->segs);
	for (unsigned int i = 0; i < 3; i++)
		free(x->memory[i]);
	lookups_free(&x->lookups);
}

int exec_set_way(struct exec *x, struct way way)
{
	x->way = way;
	return lookups_set(&x->lookups, x->m, way.lookup);
}

/* ---- coherent memory: the same for all ---- */

static int coherent(struct exec *x, const struct target *t, const struct op *op)
{
	struct dmah_device *dev = x->m->rig[t->device].dev;

	if (op->kind == OP_MAP)
		return dmah_alloc_coherent(dev, &x->coherent[t->kept], t->len, &x->cpu[t->kept]);
	return dmah_free_coherent(dev, &x->coherent[t->kept]);
}

/* ---- handles ---- */

static int handle_list(struct exec *x, const struct target *t, const struct op *op)
{
	struct dmah_device *dev = x->m->rig[t->device].dev;
	struct dmah_vec *v = &x->vec[t->kept];

	switch (op->kind) {
	case OP_MAP:
		for (uint32_t i = 0; i < t->len; i++) {
			const struct piece *p = &x->m->piece[t->phys + i];

			x->segs[i] = (struct dmah_seg){ .phys = p->phys, .len = p->len };
		}
		return dmah_map_vec(dev, v, x->segs, t->len, t->dir, t->attrs);
	case OP_UNMAP:
		return dmah_unmap_vec(dev, v);
	case OP_SYNC_CPU:
		return dmah_vec_sync_for_cpu(dev, v, 0, v->total);
	default:
		return dmah_vec_sync_for_device(dev, v, 0, v->total);
	}
}

static int handle_op(struct exec *x, const struct op *op)
{
	const struct target *t = &x->m->target[op->item];
	struct dmah_device *dev = x->m->rig[t->device].dev;
	struct dmah *h = &x->handle[t->kept];

	if (op->item_kind == ITEM_SG)
		return handle_list(x, t, op);
	if (op->item_kind == ITEM_COHERENT)
		return coherent(x, t, op);
	switch (op->kind) {
	case OP_MAP:
		return dmah_map(dev, h, t->phys, t->len, t->dir, t->attrs);
	case OP_UNMAP:
		return dmah_unmap(dev, h);
	case OP_SYNC_CPU:
		return dmah_sync_for_cpu(dev, h, op->off, op->len);
	default:
		return dmah_sync_for_device(dev, h, op->off, op->len);
	}
}

/* ---- scatter lists by address; by page they are the same, for a list carries its pages ---- */

static int map_list(struct exec *x, const struct target *t)
{
	struct kept_list *l = &x->list[t->kept];
	int n;

	for (uint32_t i = 0; i < t->len; i++) {
		const struct piece *p = &x->m->piece[t->phys + i];

		l->sg[i].phys = p->phys;
		l->sg[i].len = p->len;
	}
	l->n = t->len;
	l->dir = t->dir;
	l->attrs = t->attrs;
	n = dmah_addr_map_sg(x->m->rig[t->device].dev, l->sg, l->n, t->dir, t->attrs);
	if (n < 0)
		l->n = 0;
	return n < 0 ? n : DMAH_OK;
}

static int addr_list(struct exec *x, const struct target *t, const struct op *op)
{
	struct dmah_device *dev = x->m->rig[t->device].dev;
	struct kept_list *l = &x->list[t->kept];
	uint32_t n = l->n;

	switch (op->kind) {
	case OP_MAP:
		return map_list(x, t);
	case OP_UNMAP:
		l->n = 0;
		return dmah_addr_unmap_sg(dev, l->sg, n, l->dir, l->attrs);
	case OP_SYNC_CPU:
		return dmah_addr_sync_sg_for_cpu(dev, l->sg, n, l->dir);
	default:
		return dmah_addr_sync_sg_for_device(dev, l->sg, n, l->dir);
	}
}

/* ---- by address ---- */

static int addr_op(struct exec *x, const struct op *op)
{
	const struct target *t = &x->m->target[op->item];
	struct dmah_device *dev = x->m->rig[t->device].dev;
	struct kept_addr *k = &x->addr[t->kept];

	if (op->item_kind == ITEM_SG)
		return addr_list(x, t, op);
	if (op->item_kind == ITEM_COHERENT)
		return coherent(x, t, op);
	switch (op->kind) {
	case OP_MAP:
		k->len = t->len;
		k->dir = t->dir;
		k->attrs = t->attrs;
		return dmah_addr_map(dev, t->phys, t->len, t->dir, t->attrs, &k->dma);
	case OP_UNMAP:
		return dmah_addr_unmap(dev, k->dma, k->len, k->dir, k->attrs);
	case OP_SYNC_CPU:
		return dmah_addr_sync_for_cpu(dev, k->dma + op->off, op->len, k->dir);
	default:
		return dmah_addr_sync_for_device(dev, k->dma + op->off, op->len, k->dir);
	}
}

/* Updates the tree with each map and unmap, as the Intel driver of 2014 did. */
static int tree_op(struct exec *x, const struct op *op)
{
	const struct target *t = &x->m->target[op->item];
	struct iova_tree *tree = &x->lookups.state[t->device].tree;
	bool sg = op->item_kind == ITEM_SG, live;
	int err;

	if (op->item_kind == ITEM_COHERENT)
		return coherent(x, t, op);
	live = sg ? x->list[t->kept].n > 0 : x->addr[t->kept].dma != DMAH_BAD_ADDR;
	err = addr_op(x, op);
	if (op->kind == OP_UNMAP && live)
		iova_tree_remove(tree, sg ? &x->list_node[t->kept] : &x->node[t->kept]);
	if (op->kind != OP_MAP || err)
		return err;
	if (sg) {
		const struct kept_list *l = &x->list[t->kept];
		uint64_t len = 0;

		for (uint32_t i = 0; i < l->n && l->sg[i].dma_len; i++)
			len = l->sg[i].dma + l->sg[i].dma_len - l->sg[0].dma;
		iova_tree_insert(tree, &x->list_node[t->kept], l->sg[0].dma, len, l->sg[0].phys);
	} else {
		iova_tree_insert(tree, &x->node[t->kept], x->addr[t->kept].dma, t->len, t->phys);
	}
	return DMAH_OK;
}

/* ---- by page ---- */

static int page_op(struct exec *x, const struct op *op)
{
	const struct target *t = &x->m->target[op->item];
	struct dmah_device *dev = x->m->rig[t->device].dev;
	struct kept_page *k = &x->page[t->kept];

	if (op->item_kind == ITEM_SG)
		return addr_list(x, t, op);
	if (op->item_kind == ITEM_COHERENT)
		return coherent(x, t, op);
	switch (op->kind) {
	case OP_MAP:
		k->phys = t->phys;
		k->len = t->len;
		k->dir = t->dir;
		k->attrs = t->attrs;
		return dmah_addr_map(dev, t->phys, t->len, t->dir, t->attrs, &k->dma);
	case OP_UNMAP:
		return dmah_page_unmap(dev, k->dma, k->phys, k->len, k->dir, k->attrs);
	case OP_SYNC_CPU:
		return dmah_page_sync_for_cpu(dev, k->dma + op->off, k->phys + op->off, op->len,
					      k->dir);
	default:
		return dmah_page_sync_for_device(dev, k->dma + op->off, k->phys + op->off, op->len,
						 k->dir);
	}
}

int exec_op(struct exec *x, const struct op *op)
{
	if (x->way.api == API_HANDLE)
		return handle_op(x, op);
	if (x->way.api == API_PAGE)
		return page_op(x, op);
	return x->way.lookup == LOOKUP_RBTREE ? tree_op(x, op) : addr_op(x, op);
}

/* Each API has a loop of its own, so that no call pays for choosing one. */
#define RUN(fn)                                           \
	do {                                              \
		for (; op < end; op++) {                  \
			if (op->cpu != cpu) {             \
				cpu = op->cpu;            \
				posix_set_cpu(cpu);       \
			}                                 \
			failed += (fn)(x, op) != DMAH_OK; \
		}                                         \
	} while (0)

uint64_t exec_run(struct exec *x, uint32_t first, uint32_t last)
{
	const struct op *op, *end;
	unsigned int cpu = posix_cpu();
	uint64_t failed = 0;

	/* A plan without operations has no array, and no pointer into it may be formed. */
	if (first == last)
		return 0;
	op = x->ops + first;
	end = x->ops + last;
	if (x->way.api == API_HANDLE)
		RUN(handle_op);
	else if (x->way.api == API_PAGE)
		RUN(page_op);
	else if (x->way.lookup == LOOKUP_RBTREE)
		RUN(tree_op);
	else
		RUN(addr_op);
	return failed;
}

/* ---- what is mapped ---- */

bool exec_live(const struct exec *x, uint32_t item)
{
	dmah_addr_t dma;
	uint64_t len;

	return exec_segment(x, item, 0, &dma, &len) && dma != DMAH_BAD_ADDR;
}

bool exec_segment(const struct exec *x, uint32_t item, uint32_t i, dmah_addr_t *dma, uint64_t *len)
{
	const struct target *t = &x->m->target[item];
	uint8_t kind = x->m->plan->items[item].kind;

	if (kind == ITEM_SG && x->way.api == API_HANDLE) {
		const struct dmah_vec *v = &x->vec[t->kept];

		if (i >= v->nseg)
			return false;
		*dma = v->seg[i].dma;
		*len = v->seg[i].len;
		return true;
	}
	if (kind == ITEM_SG) {
		const struct kept_list *l = &x->list[t->kept];

		if (i >= l->n || !l->sg[i].dma_len)
			return false;
		*dma = l->sg[i].dma;
		*len = l->sg[i].dma_len;
		return true;
	}
	*len = t->len;
	if (i)
		return false;
	if (kind == ITEM_COHERENT)
		*dma = dmah_mapped(&x->coherent[t->kept]) ? dmah_addr(&x->coherent[t->kept])
							  : DMAH_BAD_ADDR;
	else if (x->way.api == API_HANDLE)
		*dma = dmah_mapped(&x->handle[t->kept]) ? dmah_addr(&x->handle[t->kept])
							: DMAH_BAD_ADDR;
	else
		*dma = x->way.api == API_PAGE ? x->page[t->kept].dma : x->addr[t->kept].dma;
	return true;
}
