/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Observes the kernel below a call: probes on its functions and on the one of dmah.ko that maintains
 * caches. Only what the test's own task does is counted.
 */
#ifndef TESTS_XEN_PROBE_H
#define TESTS_XEN_PROBE_H

#include <linux/types.h>

/**
 * struct extent - bytes of a view, as each kind of cache maintenance names them.
 * @phys: physical address: the kernel's functions.
 * @cpu: virtual address: dmah.ko's.
 * @bus: machine address: the hypercall.
 * @len: bytes.
 */
struct extent {
	u64 phys;
	u64 cpu;
	u64 bus;
	u32 len;
};

/**
 * struct probed - the counts between probe_start() and probe_stop().
 * @flushes: hypercalls GNTTABOP_cache_flush.
 * @p2m: lookups of a physical page's machine frame (__pfn_to_mfn).
 * @bounces: bounce slots taken (swiotlb_tbl_map_single).
 * @named: cache maintenance of any kind.
 * @elsewhere: of that, what named other bytes than it should have.
 * @invalidates: of that, what makes the CPU see what is in memory.
 */
struct probed {
	u32 flushes;
	u32 p2m;
	u32 bounces;
	u32 named;
	u32 elsewhere;
	u32 invalidates;
};

/**
 * probe_begin() - set the probes. Return: 0; else nothing was set, and @failed names the function.
 */
int probe_begin(const char **failed);
void probe_end(void);

/** probe_start() - from now on. @due: what cache maintenance must name. */
void probe_start(const struct extent *due);
struct probed probe_stop(void);

#endif /* TESTS_XEN_PROBE_H */
