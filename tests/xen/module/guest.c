// SPDX-License-Identifier: GPL-2.0-only
#include "guest.h"

#include <linux/delay.h>
#include <linux/mm.h>
#include <xen/grant_table.h>

#define GUEST 1
/* Domain 1 boots as long as dom0 does, and later. */
#define FIND_TRIES   1200
#define FIND_WAIT_MS 50
#define ANSWER_TRIES 100000

static struct page *box_page;
static struct view box_view;

static struct mailbox *box(void)
{
	return (struct mailbox *)box_view.cpu;
}

static bool try_reference(int ref)
{
	struct gnttab_map_grant_ref op;
	void *at = page_address(box_page);

	gnttab_set_map_op(&op, (unsigned long)at, GNTMAP_host_map, ref, GUEST);
	if (gnttab_map_refs(&op, NULL, &box_page, 1) || op.status != GNTST_okay)
		return false;
	box_view = (struct view){ .cpu = at, .handle = op.handle, .granted = true };
	if (smp_load_acquire(&box()->magic) == MAILBOX_MAGIC)
		return true;
	guest_lose();
	return false;
}

int guest_find(void)
{
	int err;

	for (int n = 0; n < FIND_TRIES; n++) {
		for (int ref = MAILBOX_FIRST_REF; ref <= MAILBOX_LAST_REF; ref++) {
			/*
			 * A ballooned page is in no defined state after an attempt that failed.
			 */
			err = gnttab_alloc_pages(1, &box_page);
			if (err)
				return err;
			if (try_reference(ref))
				return (int)box()->ref;
			if (box_page)
				gnttab_free_pages(1, &box_page);
			box_page = NULL;
		}
		msleep(FIND_WAIT_MS);
	}
	return -ETIMEDOUT;
}

void guest_lose(void)
{
	struct gnttab_unmap_grant_ref op;

	if (!box_view.granted)
		return;
	gnttab_set_unmap_op(&op, (unsigned long)box_view.cpu, GNTMAP_host_map, box_view.handle);
	box_view.granted = false;
	if (gnttab_unmap_refs(&op, NULL, &box_page, 1) || op.status != GNTST_okay)
		pr_err("dmah_xen: the mailbox is not unmapped: %d\n", op.status);
	else
		gnttab_free_pages(1, &box_page);
	box_page = NULL;
}

static int ask(enum mailbox_ask what)
{
	u32 n = box()->asked + 1;

	box()->ask = what;
	smp_store_release(&box()->asked, n);
	for (int i = 0; i < ANSWER_TRIES; i++) {
		if (smp_load_acquire(&box()->answered) == n)
			return 0;
		usleep_range(100, 200);
	}
	return -ETIMEDOUT;
}

int owner_fill(const struct frame *f, u32 seed)
{
	if (f->own) {
		pattern_fill(page_address(f->own), seed);
		return 0;
	}
	box()->seed = seed;
	return ask(ASK_FILL);
}

int frame_wrong(const struct frame *f, u32 seed, u32 outside, u32 off, u32 len)
{
	u32 wrong = 0, to = off + len;
	int err;

	for (u32 i = 0; i < f->views; i++) {
		const u8 *at = f->view[i].cpu;

		wrong += pattern_wrong(at, seed, off, to) + pattern_wrong(at, outside, 0, off) +
			 pattern_wrong(at, outside, to, MAILBOX_FRAME);
	}
	/* dom0's own page is one of its views. */
	if (f->own)
		return (int)wrong;
	box()->seed = seed;
	box()->outside = outside;
	box()->off = off;
	box()->len = len;
	err = ask(ASK_CHECK);
	return err ? err : (int)(wrong + box()->wrong_inside + box()->wrong_outside);
}
