/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's edu device (docs/specs/edu in QEMU's documentation): a DMA engine with a buffer of 4096
 * bytes.
 */
#ifndef TESTS_XEN_EDU_H
#define TESTS_XEN_EDU_H

#include <linux/io.h>
#include <linux/types.h>

/** EDU_MAX - most bytes of one DMA: QEMU 7.2 ends itself at 4096. */
#define EDU_MAX 4095u

/** edu_is_one() - Returns true if these registers are an edu's. */
bool edu_is_one(void __iomem *regs);

/**
 * edu_read() - the device reads @len bytes at @addr into its buffer. Return: 0, -ETIMEDOUT. May
 * sleep.
 */
int edu_read(void __iomem *regs, dma_addr_t addr, u32 len);

/** edu_write() - the device writes @len bytes of its buffer to @addr. */
int edu_write(void __iomem *regs, dma_addr_t addr, u32 len);

#endif /* TESTS_XEN_EDU_H */
