/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Doubly linked rings with a head, without the checks of CONFIG_LIST_HARDENED. */
#ifndef SHIM_LIST_H
#define SHIM_LIST_H

#include "atomic.h"

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

#define LIST_HEAD_INIT(name)     \
	{                        \
		&(name), &(name) \
	}
#define LIST_HEAD(name)			     struct list_head name = LIST_HEAD_INIT(name)
#define list_entry(p, type, member)	     container_of(p, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_next_entry(p, member)	     list_entry((p)->member.next, __typeof__(*(p)), member)

static inline void INIT_LIST_HEAD(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
	return READ_ONCE(head->next) == head;
}

static inline void shim_list_link(struct list_head *before, struct list_head *after)
{
	before->next = after;
	after->prev = before;
}

static inline void list_add(struct list_head *entry, struct list_head *head)
{
	struct list_head *first = head->next;

	shim_list_link(head, entry);
	shim_list_link(entry, first);
}

static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	list_add(entry, head->prev);
}

static inline void list_del(struct list_head *entry)
{
	shim_list_link(entry->prev, entry->next);
}

static inline void list_splice(const struct list_head *list, struct list_head *head)
{
	struct list_head *second = head->next;

	if (list_empty(list))
		return;
	shim_list_link(head, list->next);
	shim_list_link(list->prev, second);
}

#define list_for_each_entry(p, head, member)                                                 \
	for ((p) = list_first_entry(head, __typeof__(*(p)), member); &(p)->member != (head); \
	     (p) = list_next_entry(p, member))
#define list_for_each_entry_safe(p, following, head, member)         \
	for ((p) = list_first_entry(head, __typeof__(*(p)), member), \
	    (following) = list_next_entry(p, member);                \
	     &(p)->member != (head); (p) = (following), (following) = list_next_entry(p, member))

#define hlist_entry_safe(p, type, member)                       \
	({                                                      \
		__typeof__(p) node = (p);                       \
		node ? container_of(node, type, member) : NULL; \
	})

#endif
