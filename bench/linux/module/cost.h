/* SPDX-License-Identifier: GPL-2.0-only */
/* The cost of mapping in a kernel: cases, and how they are measured. */
#ifndef DMAH_COST_H
#define DMAH_COST_H

#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#ifdef CONFIG_X86
#include <asm/tsc.h>
#endif

#include <linux/dmah.h>

/* Mappings that are outstanding: of them one group is ended, then mapped anew, and so on. */
#define COST_LIVE 256
/* The largest group. */
#define COST_GROUP 32

/**
 * struct slot - a driver's data of one buffer, each API's beside the others'.
 * @page: the buffer's memory.
 * @dma: its DMA address (by address, by ring, by pieces).
 * @sg: as a list of one entry.
 * @h: its handle.
 * @mapped: the harness's note.
 */
struct slot {
	struct page *page;
	dma_addr_t dma;
	struct scatterlist sg;
	struct dmah h;
	bool mapped;
} ____cacheline_aligned;

/**
 * struct cost - one case being measured.
 * @dev: the device.
 * @off, @len: of every buffer in its page, bytes.
 * @slots: COST_LIVE of them.
 * @ring: of the cases of rings.
 */
struct cost {
	struct device *dev;
	u32 off;
	u32 len;
	struct slot *slots;
	struct dmah_ring *ring;
};

/**
 * struct cost_case - a way to map.
 * @name: as in the output.
 * @group: how many are ended, and how many mapped, between two looks at the clock.
 * @in_order: the oldest end first; else in the pseudo-random order that is the same at each run.
 * @begin: set the device up; NULL or 0: it can be measured; an errno: it cannot, and @why says the
 *	reason.
 * @end: undo it; nothing is mapped. May be NULL.
 * @open: set up what these buffers need, behind @begin; as that. @close: undo it. May be NULL.
 * @map: map @n slots, all or none.
 * @unmap: end the mappings of @n slots.
 * @sync_cpu, @sync_device: of @n slots that are mapped; NULL: there is no such call.
 * @why: see @begin.
 *
 * Every function has its own loop, so that what is called in it is called as a driver would.
 */
struct cost_case {
	const char *name;
	u32 group;
	bool in_order;
	int (*begin)(struct cost *c, const char **why);
	void (*end)(struct cost *c);
	int (*open)(struct cost *c, const char **why);
	void (*close)(struct cost *c);
	int (*map)(struct cost *c, const u16 *which, u32 n);
	void (*unmap)(struct cost *c, const u16 *which, u32 n);
	void (*sync_cpu)(struct cost *c, const u16 *which, u32 n);
	void (*sync_device)(struct cost *c, const u16 *which, u32 n);
};

/*
 * In a machine of QEMU's with -icount this counts instructions, in a unit that cost_calibrate()
 * finds.
 */
static __always_inline u64 cost_clock(void)
{
#ifdef CONFIG_X86
	return rdtsc_ordered();
#else
	u64 t;

	asm volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(t)::"memory");
	return t;
#endif
}

/* The loop of each function above. */
#define cost_for_each(c, s, which, n) \
	for (u32 i_ = 0; i_ < (n) && ((s) = &(c)->slots[(which)[i_]], true); i_++)

#define COST_DIR DMA_FROM_DEVICE

/* Terminated by one without a name. cases_first: before anything has bounced. */
extern const struct cost_case cases_first[];
extern const struct cost_case cases_stock[];
extern const struct cost_case cases_handle[];
extern const struct cost_case cases_ring[];
extern const struct cost_case cases_pieces[];
extern const struct cost_case cases_io[];

/* handle.c: @begin and @end of cases in pool mode. */
int cost_pool_begin(struct cost *c, const char **why);
void cost_detach(struct cost *c);

/**
 * cost_run() - measure one case with one size and print its rows.
 * @k: the case.
 * @c: device, size and slots with pages.
 * @passes: how often each slot is ended and mapped anew.
 * @probed: print what the probes counted; else instructions.
 */
void cost_run(const struct cost_case *k, struct cost *c, u32 passes, bool probed);

/**
 * cost_run_cpus() - measure one CPU, then two at once, each with buffers of its own; print a row of
 * each.
 * @c: the buffers of CPU 0 and of CPU 1, of one device.
 * @rounds: how often each case is measured; the cases take turns.
 * @passes: in each, how often each buffer is unmapped and mapped.
 * @probed: print what the probes counted, too.
 */
void cost_run_cpus(struct cost c[2], u32 rounds, u32 passes, bool probed);

/** cost_calibrate() - print what the clock says of a loop with a known number of instructions. */
void cost_calibrate(void);

/* ---- probes.c ---- */

/* The function that a CPU is in while it waits for a spinlock. */
#ifdef CONFIG_X86
#define PROBE_SPIN "native_queued_spin_lock_slowpath"
#else
#define PROBE_SPIN "queued_spin_lock_slowpath"
#endif

#define PROBES 8

/**
 * probes_begin() - count the calls of some of the kernel's functions from here on, and print which.
 */
int probes_begin(void);

/** probes_end() - no more. */
void probes_end(void);

/** probes_read() - the counts so far. */
void probes_read(u64 into[PROBES]);

/**
 * probe_name() - the function that is counted; NULL behind the last, and where the kernel has no
 * such function.
 */
const char *probe_name(unsigned int i);

#endif
