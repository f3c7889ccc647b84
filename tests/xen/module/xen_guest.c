// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domain 1's side: grants two pages to dom0, and says what its own CPU finds in them.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xen.h>

#include "mailbox.h"

static struct mailbox *box;
static u8 *data;
static struct task_struct *thread;

static void answer(void)
{
	u32 to = box->off + box->len;

	switch (box->ask) {
	case ASK_FILL:
		pattern_fill(data, box->seed);
		break;
	case ASK_CHECK:
		box->wrong_inside = pattern_wrong(data, box->seed, box->off, to);
		box->wrong_outside = pattern_wrong(data, box->outside, 0, box->off) +
				     pattern_wrong(data, box->outside, to, MAILBOX_FRAME);
		break;
	default:
		pr_err("xen_guest: dom0 asks for %u\n", box->ask);
	}
}

static int serve(void *unused)
{
	u32 idle = 0;

	while (!kthread_should_stop()) {
		u32 asked = smp_load_acquire(&box->asked);

		if (asked == box->answered) {
			/* An idle guest sleeps, so that it does not disturb measurements. */
			if (++idle < 1000)
				usleep_range(200, 400);
			else
				msleep(20);
			continue;
		}
		idle = 0;
		answer();
		smp_store_release(&box->answered, asked);
	}
	return 0;
}

static int grant(void *page)
{
	return gnttab_grant_foreign_access(0, xen_page_to_gfn(virt_to_page(page)), 0);
}

static int __init guest_begin(void)
{
	int box_ref, ref;

	if (!xen_domain() || xen_initial_domain())
		return -ENODEV;
	box = (struct mailbox *)get_zeroed_page(GFP_KERNEL);
	data = (u8 *)get_zeroed_page(GFP_KERNEL);
	if (!box || !data)
		return -ENOMEM;
	box_ref = grant(box);
	ref = grant(data);
	if (box_ref < 0 || ref < 0)
		return -ENOSPC;
	box->ref = ref;
	thread = kthread_run(serve, NULL, "xen_guest");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	smp_store_release(&box->magic, MAILBOX_MAGIC);
	pr_info("xen_guest: references %d and %d\n", box_ref, ref);
	return 0;
}

/* Never unloaded: dom0 may have the pages mapped. */
module_init(guest_begin);

MODULE_DESCRIPTION("the domain that dom0's tests map pages of");
MODULE_LICENSE("GPL");
