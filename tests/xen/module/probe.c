// SPDX-License-Identifier: GPL-2.0-only
#include "probe.h"

#include <linux/kprobes.h>
#include <linux/sched.h>
#include <xen/interface/grant_table.h>

static struct probed seen;
static struct extent due;
static struct task_struct *watched;

static void named(u64 at, u64 want, u64 len, bool invalidate)
{
	seen.named++;
	seen.elsewhere += at != want || len != due.len;
	seen.invalidates += invalidate;
}

/* HYPERVISOR_grant_table_op(cmd, operations, count) */
static int on_grant_op(struct kprobe *p, struct pt_regs *regs)
{
	const struct gnttab_cache_flush *flush = (const void *)regs->regs[1];

	if (current != watched || regs->regs[0] != GNTTABOP_cache_flush)
		return 0;
	seen.flushes++;
	named(flush->a.dev_bus_addr + flush->offset, due.bus, flush->length,
	      flush->op & GNTTAB_CACHE_INVAL);
	return 0;
}

static int on_p2m(struct kprobe *p, struct pt_regs *regs)
{
	if (current == watched)
		seen.p2m++;
	return 0;
}

static int on_bounce(struct kprobe *p, struct pt_regs *regs)
{
	if (current == watched)
		seen.bounces++;
	return 0;
}

/* arch_sync_dma_for_device(phys, size, direction) */
static int on_kernel_clean(struct kprobe *p, struct pt_regs *regs)
{
	if (current == watched)
		named(regs->regs[0], due.phys, regs->regs[1], false);
	return 0;
}

/* arch_sync_dma_for_cpu(phys, size, direction) */
static int on_kernel_invalidate(struct kprobe *p, struct pt_regs *regs)
{
	if (current == watched)
		named(regs->regs[0], due.phys, regs->regs[1], true);
	return 0;
}

/* host_cache(cpu, len, invalidate) */
static int on_module(struct kprobe *p, struct pt_regs *regs)
{
	if (current == watched)
		named(regs->regs[0], due.cpu, regs->regs[1], regs->regs[2] & 1);
	return 0;
}

static struct kprobe probe[] = {
	{ .symbol_name = "HYPERVISOR_grant_table_op", .pre_handler = on_grant_op },
	{ .symbol_name = "__pfn_to_mfn", .pre_handler = on_p2m },
	{ .symbol_name = "swiotlb_tbl_map_single", .pre_handler = on_bounce },
	{ .symbol_name = "arch_sync_dma_for_device", .pre_handler = on_kernel_clean },
	{ .symbol_name = "arch_sync_dma_for_cpu", .pre_handler = on_kernel_invalidate },
	{ .symbol_name = "dmah:host_cache", .pre_handler = on_module },
};

int probe_begin(const char **failed)
{
	for (int i = 0; i < ARRAY_SIZE(probe); i++) {
		int err = register_kprobe(&probe[i]);

		if (!err)
			continue;
		*failed = probe[i].symbol_name;
		while (i-- > 0)
			unregister_kprobe(&probe[i]);
		return err;
	}
	return 0;
}

void probe_end(void)
{
	for (int i = 0; i < ARRAY_SIZE(probe); i++)
		unregister_kprobe(&probe[i]);
}

void probe_start(const struct extent *want)
{
	seen = (struct probed){};
	due = *want;
	barrier();
	watched = current;
}

struct probed probe_stop(void)
{
	watched = NULL;
	barrier();
	return seen;
}
