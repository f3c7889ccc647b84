// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Compares the tree with a sorted array, and checks the rules of red-black trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "rbtree.h"

#define NODES 300u

/* Checks the rules of a red-black tree below @n. Return: number of black nodes on each path. */
static unsigned int blacks(const struct rbtree_node *n, const struct rbtree_node *parent)
{
	unsigned int left, right;

	if (!n)
		return 1;
	assert_ptr_equal(n->parent, parent);
	if (n->red) {
		assert_non_null(parent);
		assert_false(parent->red);
	}
	if (n->child[0])
		assert_true(n->child[0]->key <= n->key);
	if (n->child[1])
		assert_true(n->child[1]->key >= n->key);
	left = blacks(n->child[0], n);
	right = blacks(n->child[1], n);
	assert_int_equal(left, right);
	return left + !n->red;
}

static int by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void compare(const struct rbtree *t, const struct rbtree_node *nodes, const bool *in)
{
	const struct rbtree_node *n = rbtree_lower(t, 0), *back = NULL;
	uint64_t keys[NODES];
	size_t count = 0;

	blacks(t->root, NULL);
	for (size_t i = 0; i < NODES; i++)
		if (in[i])
			keys[count++] = nodes[i].key;
	if (count)
		qsort(keys, count, sizeof(keys[0]), by_key);
	for (size_t i = 0; i < count; i++) {
		assert_non_null(n);
		assert_int_equal(n->key, keys[i]);
		assert_ptr_equal(rbtree_step(n, false), back);
		back = n;
		n = rbtree_step(n, true);
	}
	assert_null(n);
	for (uint64_t key = 0; key < 70; key++) {
		const struct rbtree_node *low = rbtree_lower(t, key), *floor;
		uint64_t steps = 0;
		size_t i = 0;

		floor = rbtree_floor(t, key, &steps);
		while (i < count && keys[i] < key)
			i++;
		assert_int_equal(low ? low->key : 1000, i < count ? keys[i] : 1000);
		while (i < count && keys[i] == key)
			i++;
		assert_int_equal(floor ? floor->key : 1000, i ? keys[i - 1] : 1000);
		assert_true(steps <= 20);
	}
}

static void random_life(void **state)
{
	struct rbtree_node nodes[NODES] = { 0 };
	bool in[NODES] = { false };
	struct rbtree t = { 0 };

	(void)state;
	srand(4711);
	for (unsigned int round = 0; round < 4000; round++) {
		size_t i = (size_t)rand() % NODES;

		if (in[i]) {
			rbtree_erase(&t, &nodes[i]);
		} else {
			nodes[i].key = (uint64_t)rand() % 64;
			rbtree_insert(&t, &nodes[i]);
		}
		in[i] = !in[i];
		if (round % 7 == 0)
			compare(&t, nodes, in);
	}
	for (size_t i = 0; i < NODES; i++)
		if (in[i])
			rbtree_erase(&t, &nodes[i]);
	assert_null(t.root);
}

/* Equal keys stay in order of insertion: the oldest of two mappings is found first. */
static void equal_keys(void **state)
{
	struct rbtree_node n[5];
	struct rbtree t = { 0 };
	struct rbtree_node *at;

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		n[i].key = 9;
		rbtree_insert(&t, &n[i]);
	}
	at = rbtree_lower(&t, 9);
	for (unsigned int i = 0; i < 5; i++, at = rbtree_step(at, true))
		assert_ptr_equal(at, &n[i]);
	assert_null(at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_life),
		cmocka_unit_test(equal_keys),
	};

	return cmocka_run_group_tests_name("replay-rbtree", tests, NULL, NULL);
}
