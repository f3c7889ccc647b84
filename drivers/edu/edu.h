/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * QEMU's edu device: a buffer of 4 KiB and a DMA engine. QEMU's docs/specs/edu.
 *
 * The smallest driver that maps: a transfer at a time, each with a handle of its own.
 */
#ifndef DMAH_DRIVERS_EDU_H
#define DMAH_DRIVERS_EDU_H

#include <dmah/dmah.h>

/** EDU_BUFFER - bytes of the device's buffer. The last one can not be reached by DMA. */
#define EDU_BUFFER 4096u

/**
 * struct edu - one device.
 * @regs: its registers, as dmah_host_read32() takes them: BAR 0.
 * @dev: what it maps as; attached by the caller.
 * @timeout_ns: how long a transfer may take, in nanoseconds.
 */
struct edu {
	volatile uint8_t *regs;
	struct dmah_device *dev;
	uint64_t timeout_ns;
};

/** edu_init() - find the device behind @regs. Return: 0, DMAH_ENODEV. */
int edu_init(struct edu *edu, volatile void *regs, struct dmah_device *dev);

/**
 * edu_dma() - have the device transfer, by DMA address.
 * @dma: where in memory.
 * @off: where in its buffer; @off + @len is less than EDU_BUFFER.
 * @dir: DMAH_TO_DEVICE or DMAH_FROM_DEVICE.
 *
 * The device does not tell whether it was refused. Return: 0, DMAH_EINVAL, DMAH_ETIMEDOUT.
 */
int edu_dma(struct edu *edu, dmah_addr_t dma, uint32_t off, uint32_t len, enum dmah_dir dir);

/** edu_put() - copy memory at @phys into the device's buffer. Return: as dmah_map(), edu_dma(), dmah_unmap(). */
int edu_put(struct edu *edu, dmah_phys_t phys, uint32_t off, uint32_t len);

/** edu_get() - copy from the device's buffer to memory at @phys. Return: as edu_put(). */
int edu_get(struct edu *edu, dmah_phys_t phys, uint32_t off, uint32_t len);

#endif /* DMAH_DRIVERS_EDU_H */
