// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel module that lets maps of one device fail: the kernel's dma_map_page_attrs(), which drivers as
 * they are and handles in wrap mode call, or, with handles=1, dmah.ko's map of a page. Debian's kernels
 * have no fault injection of their own.
 *
 *	echo 0000:00:02.0 >/sys/module/dmah_inject/parameters/device
 *	echo 7 >/sys/module/dmah_inject/parameters/every	# each seventh map fails; 0: none
 *	cat /sys/module/dmah_inject/parameters/failed
 */
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/kprobes.h>
#include <linux/module.h>

static char device[64];
module_param_string(device, device, sizeof(device), 0600);
static unsigned int every;
module_param(every, uint, 0600);
static bool handles;
module_param(handles, bool, 0600);
static unsigned int failed;
module_param(failed, uint, 0400);

static atomic_t calls;

static noinline notrace void inject_return(void)
{
	asm volatile("");
}

/* Return from the function before its first instruction. */
static int fail(struct pt_regs *regs, unsigned long value)
{
	struct device *dev = (struct device *)regs->di;
	unsigned int n = READ_ONCE(every);

	if (!n || !sysfs_streq(device, dev_name(dev)) ||
	    (unsigned int)atomic_inc_return(&calls) % n)
		return 0;
	failed++;
	regs->ax = value;
	regs->ip = (unsigned long)inject_return;
	return 1;
}

static int fail_map(struct kprobe *p, struct pt_regs *regs)
{
	return READ_ONCE(handles) ? 0 : fail(regs, DMA_MAPPING_ERROR);
}

static int fail_handle(struct kprobe *p, struct pt_regs *regs)
{
	return READ_ONCE(handles) ? fail(regs, -ENOMEM) : 0;
}

static struct kprobe probes[] = {
	{ .symbol_name = "dma_map_page_attrs", .pre_handler = fail_map },
	{ .symbol_name = "__dmah_map_page", .pre_handler = fail_handle },
};

static bool registered[ARRAY_SIZE(probes)];

static int __init inject_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		registered[i] = register_kprobe(&probes[i]) == 0;
	return registered[0] ? 0 : -ENOENT;
}

static void __exit inject_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (registered[i])
			unregister_kprobe(&probes[i]);
}

module_init(inject_init);
module_exit(inject_exit);
MODULE_DESCRIPTION("Lets DMA maps of a device fail");
MODULE_LICENSE("GPL");
