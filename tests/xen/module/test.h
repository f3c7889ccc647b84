/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tests, in the order in which main.c runs them, each for one frame and one kind of device.
 *
 *	main.c	  the device, its kinds, the order	frame.c	 a frame and its aliases	guest.c	  domain 1
 *	trip.c	  bytes through edu and back		cost.c	 what each call makes happen
 *	vector.c  the same, scattered; coherent memory	instr.c	 how long it takes
 *	control.c what goes wrong without Xen's DMA operations, and must
 */
#ifndef TESTS_XEN_TEST_H
#define TESTS_XEN_TEST_H

#include <linux/device.h>

#include "frame.h"

/**
 * struct setup - the objects of a test.
 * @dev: edu.
 * @regs: its registers.
 * @coherent: its DMA sees the CPU's caches.
 * @force: everything bounces (swiotlb=force).
 * @check: dmah.ko records every mapping.
 */
struct setup {
	struct device *dev;
	void __iomem *regs;
	bool coherent;
	bool force;
	bool check;
};

/* trip.c */
void test_frame(const struct frame *f);
void test_trips(const struct setup *s, const struct frame *f);
void test_syncs(const struct setup *s, const struct frame *f);
void test_straddle(const struct setup *s, const struct frame *f);
void test_two_live(const struct setup *s, const struct frame *f);

/* vector.c */
void test_vector(const struct setup *s, const struct frame *f);
void test_coherent(const struct setup *s);

/* cost.c */
void test_cost(const struct setup *s, const struct frame *f);

/* instr.c */
void test_ticks(const struct setup *s, const struct frame *f);

/* control.c: @s->dev has no Xen DMA operations */
void test_without_xen(const struct setup *s, const struct frame *f);

#endif /* TESTS_XEN_TEST_H */
