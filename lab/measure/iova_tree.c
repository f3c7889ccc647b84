// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "iova_tree.h"

#include <sched.h>

#include <dmah/host.h>

static void lock(struct iova_tree *t)
{
	unsigned int spins = 0;

	while (__atomic_exchange_n(&t->lock, 1, __ATOMIC_ACQUIRE)) {
		dmah_host_relax();
		/* In user space the holder may have lost its CPU: yield to it. */
		if (++spins >= 64)
			sched_yield();
	}
}

static void unlock(struct iova_tree *t)
{
	__atomic_store_n(&t->lock, 0, __ATOMIC_RELEASE);
}

void iova_tree_insert(struct iova_tree *t, struct iova_node *n, dmah_addr_t dma, uint64_t len,
		      dmah_phys_t phys)
{
	n->node.key = dma & ~4095ull;
	n->last = (dma + len - 1) | 4095;
	n->phys = phys & ~4095ull;
	lock(t);
	rbtree_insert(&t->tree, &n->node);
	unlock(t);
}

void iova_tree_remove(struct iova_tree *t, struct iova_node *n)
{
	lock(t);
	rbtree_erase(&t->tree, &n->node);
	unlock(t);
}

dmah_phys_t iova_tree_find(struct iova_tree *t, dmah_addr_t dma, uint64_t *steps)
{
	dmah_phys_t phys = ~(dmah_phys_t)0;
	const struct rbtree_node *n;

	lock(t);
	for (n = t->tree.root; n; n = n->child[dma >= n->key]) {
		const struct iova_node *r = (const struct iova_node *)(const void *)n;

		++*steps;
		if (dma >= n->key && dma <= r->last) {
			phys = r->phys + (dma - n->key);
			break;
		}
	}
	unlock(t);
	return phys;
}
