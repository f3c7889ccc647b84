// SPDX-License-Identifier: GPL-2.0-only
/* Makes some map calls of one driver fail, by a probe on the function that maps. x86 only. */
#include <linux/device.h>
#include <linux/hash.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/ptrace.h>

static char *symbol = "";
module_param(symbol, charp, 0);
MODULE_PARM_DESC(symbol, "the function; its first argument is the device");

static char *driver = "";
module_param(driver, charp, 0);
MODULE_PARM_DESC(driver, "calls for devices of this driver fail");

static unsigned int every = 5;
module_param(every, uint, 0);
MODULE_PARM_DESC(every, "one of so many calls fails, in no regular order");

static int place;
module_param(place, int, 0);
MODULE_PARM_DESC(place,
		 "number of the argument that is the direction, from 0; 0: each direction fails");

static unsigned int dir;
module_param(dir, uint, 0);
MODULE_PARM_DESC(dir, "the direction that fails");

static long result = -1;
module_param(result, long, 0);
MODULE_PARM_DESC(result, "what a call that fails returns; -1 is DMA_MAPPING_ERROR");

static unsigned long failed;
module_param(failed, ulong, 0444);
MODULE_PARM_DESC(failed, "calls that failed");

static atomic_t calls;

/* The call goes here, and returns at once. */
static noinline void nothing(void)
{
	barrier();
}

static int on_map(struct kprobe *p, struct pt_regs *regs)
{
	struct device *dev = (struct device *)regs_get_kernel_argument(regs, 0);

	if (place && regs_get_kernel_argument(regs, place) != dir)
		return 0;
	if (strcmp(dev_driver_string(dev), driver))
		return 0;
	/* Not each Nth: a packet that takes N calls would fail for ever. */
	if (hash_32(atomic_inc_return(&calls), 16) % every)
		return 0;
	failed++;
	regs_set_return_value(regs, result);
	instruction_pointer_set(regs, (unsigned long)nothing);
	return 1;
}

static struct kprobe probe = { .pre_handler = on_map };

static int __init start(void)
{
	probe.symbol_name = symbol;
	return register_kprobe(&probe);
}

static void __exit stop(void)
{
	unregister_kprobe(&probe);
	pr_info("series_fail: %lu calls of %s failed\n", failed, symbol);
}

module_init(start);
module_exit(stop);
MODULE_DESCRIPTION("Makes map calls of a driver fail");
MODULE_LICENSE("GPL");
