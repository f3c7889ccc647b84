// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * A treap: a binary tree by (first address, order of insertion) and a heap by a pseudo-random
 * priority, each node with the highest last address below it.
 */
#include <stddef.h>
#include "itree.h"

static void update(struct inode *n)
{
	n->max = n->last;
	if (n->left && n->left->max > n->max)
		n->max = n->left->max;
	if (n->right && n->right->max > n->max)
		n->max = n->right->max;
}

static bool before(const struct inode *a, const struct inode *b)
{
	return a->first != b->first ? a->first < b->first : a->id < b->id;
}

/* Nodes before @at go to @l, the others to @r. */
static void split(struct inode *n, const struct inode *at, struct inode **l, struct inode **r)
{
	if (!n) {
		*l = *r = NULL;
		return;
	}
	if (before(n, at)) {
		*l = n;
		split(n->right, at, &n->right, r);
	} else {
		*r = n;
		split(n->left, at, l, &n->left);
	}
	update(n);
}

static struct inode *merge(struct inode *l, struct inode *r)
{
	struct inode *top;

	if (!l || !r)
		return l ? l : r;
	if (l->prio > r->prio) {
		l->right = merge(l->right, r);
		top = l;
	} else {
		r->left = merge(l, r->left);
		top = r;
	}
	update(top);
	return top;
}

/* splitmix64: the same trace gives the same tree */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

void itree_insert(struct itree *t, struct inode *n)
{
	struct inode *l, *r;

	n->id = t->next_id++;
	n->prio = mix(n->id);
	n->left = n->right = NULL;
	update(n);
	split(t->root, n, &l, &r);
	t->root = merge(merge(l, n), r);
}

static void take(struct inode **at, const struct inode *n)
{
	struct inode *top = *at;

	if (top == n) {
		*at = merge(top->left, top->right);
		return;
	}
	take(before(n, top) ? &top->left : &top->right, n);
	update(top);
}

void itree_remove(struct itree *t, struct inode *n)
{
	take(&t->root, n);
}

static bool walk(struct inode *n, uint64_t first, uint64_t last,
		 bool (*visit)(struct inode *n, void *arg), void *arg)
{
	if (!n || n->max < first)
		return true;
	if (!walk(n->left, first, last, visit, arg))
		return false;
	if (n->first > last)
		return true;
	if (n->last >= first && !visit(n, arg))
		return false;
	return walk(n->right, first, last, visit, arg);
}

void itree_each(const struct itree *t, uint64_t first, uint64_t last,
		bool (*visit)(struct inode *n, void *arg), void *arg)
{
	walk(t->root, first, last, visit, arg);
}
