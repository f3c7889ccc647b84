// SPDX-License-Identifier: GPL-2.0-only
#include "frame.h"

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/of_address.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <asm/xen/hypercall.h>

#include "mailbox.h"

static const char *const alias_name[] = { "alias-A", "alias-B" };

/* Two pages to map over that are neighbours: a buffer may reach from one into the other. */
static int neighbours(struct page *pair[2])
{
	struct page *page[16];
	bool found = false;
	int err = gnttab_alloc_pages(ARRAY_SIZE(page), page);

	if (err)
		return err;
	for (int i = 0; i < ARRAY_SIZE(page); i++) {
		for (int j = 0; j < ARRAY_SIZE(page) && !found; j++) {
			if (page_to_pfn(page[j]) != page_to_pfn(page[i]) + 1)
				continue;
			pair[0] = page[i];
			pair[1] = page[j];
			found = true;
		}
	}
	for (int i = 0; i < ARRAY_SIZE(page); i++)
		if (!found || (page[i] != pair[0] && page[i] != pair[1]))
			gnttab_free_pages(1, &page[i]);
	return found ? 0 : -ENOSPC;
}

static int map_aliases(struct frame *f)
{
	struct gnttab_map_grant_ref op[ARRAY_SIZE(f->alias)];
	int err = neighbours(f->alias);

	if (err)
		return err;
	for (int i = 0; i < ARRAY_SIZE(op); i++)
		gnttab_set_map_op(&op[i], (unsigned long)page_address(f->alias[i]), GNTMAP_host_map,
				  f->ref, f->domain);
	err = gnttab_map_refs(op, NULL, f->alias, ARRAY_SIZE(op));
	if (err)
		return err;
	for (int i = 0; i < ARRAY_SIZE(op); i++) {
		if (op[i].status != GNTST_okay) {
			err = -EAGAIN;
			continue;
		}
		f->view[f->views++] = (struct view){
			.name = alias_name[i],
			.page = f->alias[i],
			.phys = page_to_phys(f->alias[i]),
			.bus = op[i].dev_bus_addr,
			.cpu = page_address(f->alias[i]),
			.handle = op[i].handle,
			.granted = true,
		};
		f->pages++;
	}
	return err;
}

int frame_self(struct frame *f)
{
	*f = (struct frame){ .where = "self-grant", .domain = 0, .ref = -1 };
	f->own = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!f->own)
		return -ENOMEM;
	f->ref = gnttab_grant_foreign_access(f->domain, xen_page_to_gfn(f->own), 0);
	if (f->ref < 0)
		return f->ref;
	/* dom0 is mapped one to one: its own page's machine address is its physical one. */
	f->view[f->views++] = (struct view){ .name = "own-page",
					     .page = f->own,
					     .phys = page_to_phys(f->own),
					     .bus = page_to_phys(f->own),
					     .cpu = page_address(f->own) };
	f->pages++;
	return map_aliases(f);
}

int frame_map_at(struct view *v, phys_addr_t phys, domid_t domain, int ref)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = phys, .flags = GNTMAP_host_map, .ref = ref, .dom = domain, .status = 1
	};
	int err = HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, &op, 1);

	if (err)
		return err;
	if (op.status != GNTST_okay)
		return -EAGAIN;
	v->phys = phys;
	v->bus = op.dev_bus_addr;
	v->handle = op.handle;
	v->granted = true;
	return 0;
}

/*
 * The physical addresses at which Linux may map foreign pages and has no memory of its own: the "extended regions" of the hypervisor's node, from its second range on (Xen's device-tree
 * binding).
 */
static int unused_address(phys_addr_t *phys)
{
	struct device_node *node = of_find_compatible_node(NULL, NULL, "xen,xen");
	struct resource res;
	int err;

	if (!node)
		return -ENODEV;
	err = of_address_to_resource(node, 1, &res);
	of_node_put(node);
	if (err)
		return err;
	*phys = res.start;
	return pfn_valid(PHYS_PFN(res.start)) ? -EBUSY : 0;
}

static int map_bare(struct frame *f)
{
	struct view v = { .name = "bare" };
	phys_addr_t phys;
	int err = unused_address(&phys);

	if (!err)
		err = frame_map_at(&v, phys, f->domain, f->ref);
	if (err)
		return err;
	/* Ours to look through; no linear mapping comes of it. */
	v.cpu = memremap(v.phys, PAGE_SIZE, MEMREMAP_WB);
	f->view[f->views++] = v;
	return v.cpu ? 0 : -ENOMEM;
}

int frame_other(struct frame *f, domid_t domain, int ref)
{
	int err;

	*f = (struct frame){ .where = "other-domain", .domain = domain, .ref = ref };
	err = map_aliases(f);
	return err ? err : map_bare(f);
}

static void unmap_bare(struct view *v)
{
	struct gnttab_unmap_grant_ref op = { .host_addr = v->phys, .handle = v->handle };

	if (v->cpu)
		memunmap(v->cpu);
	if (HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1) || op.status != GNTST_okay)
		pr_err("dmah_xen: %s is not unmapped: %d\n", v->name, op.status);
}

void frame_free(struct frame *f)
{
	bool kept = false;

	for (u32 i = 0; i < f->views; i++) {
		struct view *v = &f->view[i];
		struct gnttab_unmap_grant_ref op;

		if (!v->granted)
			continue;
		if (!v->page) {
			unmap_bare(v);
			continue;
		}
		gnttab_set_unmap_op(&op, (unsigned long)v->cpu, GNTMAP_host_map, v->handle);
		if (gnttab_unmap_refs(&op, NULL, &v->page, 1) || op.status != GNTST_okay) {
			pr_err("dmah_xen: %s is not unmapped: %d\n", v->name, op.status);
			kept = true;
		}
	}
	if (f->alias[0] && !kept)
		gnttab_free_pages(ARRAY_SIZE(f->alias), f->alias);
	if (f->own && f->ref >= 0)
		gnttab_end_foreign_access(f->ref, NULL);
	if (f->own && !kept)
		__free_page(f->own);
	*f = (struct frame){ .ref = -1 };
}
