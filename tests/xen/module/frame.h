/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A frame of the machine, and the ways that dom0 has to it: its own page, pages of dom0 that a
 * grant of the frame was mapped over, and an address where the kernel maps nothing.
 */
#ifndef TESTS_XEN_FRAME_H
#define TESTS_XEN_FRAME_H

#include <linux/mm_types.h>
#include <linux/types.h>
#include <xen/interface/grant_table.h>

/**
 * struct view - one way to a frame.
 * @name: for messages.
 * @page: NULL where the kernel has none.
 * @phys: dom0's physical address.
 * @bus: the machine address, which a device needs; from Xen.
 * @cpu: the CPU's address.
 * @handle: of the grant's mapping.
 * @granted: @handle is one.
 */
struct view {
	const char *name;
	struct page *page;
	phys_addr_t phys;
	u64 bus;
	u8 *cpu;
	grant_handle_t handle;
	bool granted;
};

#define FRAME_VIEWS 4

/**
 * struct frame - a frame.
 * @where: "self-grant" or "other-domain".
 * @domain: the owner.
 * @ref: its grant.
 * @own: dom0's own page, NULL of another domain's.
 * @alias: two pages that the grant is mapped over, side by side.
 * @view: the ways; those with a page first.
 * @views: how many.
 * @pages: how many of them the kernel has a page for.
 */
struct frame {
	const char *where;
	domid_t domain;
	int ref;
	struct page *own;
	struct page *alias[2];
	struct view view[FRAME_VIEWS];
	u32 views;
	u32 pages;
};

/**
 * frame_self() - a page of dom0, granted by dom0 to dom0 and mapped twice. Return: 0 or an error.
 */
int frame_self(struct frame *f);

/**
 * frame_other() - a page that another domain has granted, mapped twice, and once where the kernel
 * maps nothing.
 */
int frame_other(struct frame *f, domid_t domain, int ref);

/** frame_free() - undo either; also what failed half-way. */
void frame_free(struct frame *f);

/** frame_map_at() - map a grant over a physical address. Return: 0, -EAGAIN: Xen refused it. */
int frame_map_at(struct view *v, phys_addr_t phys, domid_t domain, int ref);

#endif /* TESTS_XEN_FRAME_H */
