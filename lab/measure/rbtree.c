// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Implements insertion and removal as described in Cormen et al., Introduction to Algorithms, chapter 13. */
#include "rbtree.h"

static bool is_red(const struct rbtree_node *n)
{
	return n && n->red;
}

static int side(const struct rbtree_node *n)
{
	return n->parent->child[1] == n;
}

/* Puts @to, which may be NULL, in the place of @n. */
static void replace(struct rbtree *t, struct rbtree_node *n, struct rbtree_node *to)
{
	if (!n->parent)
		t->root = to;
	else
		n->parent->child[side(n)] = to;
	if (to)
		to->parent = n->parent;
}

/* Moves @n down on side @dir; its other child takes its place. */
static void rotate(struct rbtree *t, struct rbtree_node *n, int dir)
{
	struct rbtree_node *up = n->child[!dir];

	n->child[!dir] = up->child[dir];
	if (up->child[dir])
		up->child[dir]->parent = n;
	replace(t, n, up);
	up->child[dir] = n;
	n->parent = up;
}

static void fix_insert(struct rbtree *t, struct rbtree_node *n)
{
	while (is_red(n->parent)) {
		struct rbtree_node *p = n->parent, *g = p->parent;
		int s = side(p);
		struct rbtree_node *uncle = g->child[!s];

		if (is_red(uncle)) {
			p->red = uncle->red = false;
			g->red = true;
			n = g;
			continue;
		}
		if (side(n) != s) {
			rotate(t, p, s);
			n = p;
			p = n->parent;
		}
		p->red = false;
		g->red = true;
		rotate(t, g, !s);
	}
	t->root->red = false;
}

void rbtree_insert(struct rbtree *t, struct rbtree_node *node)
{
	struct rbtree_node *p = NULL, **at = &t->root;

	while (*at) {
		p = *at;
		at = &p->child[node->key >= p->key];
	}
	node->child[0] = node->child[1] = NULL;
	node->parent = p;
	node->red = true;
	*at = node;
	fix_insert(t, node);
}

/* Rebalances after an erase: paths through @n, a child of @p on side @s, lack one black node. */
static void fix_erase(struct rbtree *t, struct rbtree_node *n, struct rbtree_node *p, int s)
{
	while (p && !is_red(n)) {
		struct rbtree_node *w = p->child[!s];

		if (is_red(w)) {
			w->red = false;
			p->red = true;
			rotate(t, p, s);
			w = p->child[!s];
		}
		if (!is_red(w->child[0]) && !is_red(w->child[1])) {
			w->red = true;
			n = p;
			p = n->parent;
			s = p ? side(n) : 0;
			continue;
		}
		if (!is_red(w->child[!s])) {
			w->child[s]->red = false;
			w->red = true;
			rotate(t, w, !s);
			w = p->child[!s];
		}
		w->red = p->red;
		p->red = false;
		w->child[!s]->red = false;
		rotate(t, p, s);
		n = t->root;
		break;
	}
	if (n)
		n->red = false;
}

void rbtree_erase(struct rbtree *t, struct rbtree_node *z)
{
	struct rbtree_node *y = z, *x, *p;
	bool black;
	int s;

	if (z->child[0] && z->child[1])
		for (y = z->child[1]; y->child[0];)
			y = y->child[0];
	black = !y->red;
	x = y->child[0] ? y->child[0] : y->child[1];
	p = y->parent;
	s = p ? side(y) : 0;
	replace(t, y, x);
	if (y != z) {
		/* Move y to the place of z. */
		if (p == z)
			p = y;
		y->red = z->red;
		for (int i = 0; i < 2; i++) {
			y->child[i] = z->child[i];
			if (y->child[i])
				y->child[i]->parent = y;
		}
		replace(t, z, y);
	}
	if (black)
		fix_erase(t, x, p, s);
}

struct rbtree_node *rbtree_floor(const struct rbtree *t, uint64_t key, uint64_t *steps)
{
	struct rbtree_node *n = t->root, *best = NULL;

	for (; n; ++*steps) {
		if (n->key <= key)
			best = n;
		n = n->child[n->key <= key];
	}
	return best;
}

struct rbtree_node *rbtree_lower(const struct rbtree *t, uint64_t key)
{
	struct rbtree_node *n = t->root, *best = NULL;

	while (n) {
		if (n->key >= key)
			best = n;
		n = n->child[n->key < key];
	}
	return best;
}

struct rbtree_node *rbtree_step(const struct rbtree_node *n, bool forward)
{
	struct rbtree_node *next = n->child[forward];

	if (next) {
		while (next->child[!forward])
			next = next->child[!forward];
		return next;
	}
	while (n->parent && n->parent->child[forward] == n)
		n = n->parent;
	return n->parent;
}
