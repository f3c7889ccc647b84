/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Included before Linux's iova.c: counts the tree nodes that it looks at. */
#ifndef IOVA_COUNT_H
#define IOVA_COUNT_H

#include <linux/rbtree.h>

extern uint64_t linux_steps;

#undef rb_entry
#define rb_entry(p, type, member) (linux_steps++, container_of(p, type, member))

#endif
