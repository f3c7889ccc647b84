/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Driver for QEMU's edu device, which has a buffer of 4 KiB and a DMA engine. QEMU's
 * docs/specs/edu.
 *
 * This is the smallest driver that maps: one transfer at a time, each with its own handle.
 */
#ifndef DMAH_DRIVERS_EDU_H
#define DMAH_DRIVERS_EDU_H

#include <dmah/dmah.h>

/** EDU_BUFFER - bytes of the device's buffer. DMA cannot reach the last byte. */
#define EDU_BUFFER 4096u

/**
 * struct edu - one device.
 * @regs: registers of the device (BAR 0), as dmah_host_read32() takes them.
 * @dev: the DMA device; attached by the caller.
 * @timeout_ns: longest wait for a transfer, in nanoseconds.
 */
struct edu {
	volatile uint8_t *regs;
	struct dmah_device *dev;
	uint64_t timeout_ns;
};

/** edu_init() - find the device behind @regs. Return: 0, DMAH_ENODEV. */
int edu_init(struct edu *edu, volatile void *regs, struct dmah_device *dev);

/**
 * edu_dma() - transfer between memory and the device's buffer, by DMA address.
 * @dma: DMA address of the memory.
 * @off: offset in the device's buffer; @off + @len must be less than EDU_BUFFER.
 * @dir: DMAH_TO_DEVICE or DMAH_FROM_DEVICE.
 *
 * The device does not report DMA that the IOMMU refused. Return: 0, DMAH_EINVAL, DMAH_ETIMEDOUT.
 */
int edu_dma(struct edu *edu, dmah_addr_t dma, uint32_t off, uint32_t len, enum dmah_dir dir);

/** edu_put() - copy memory at @phys into the device's buffer. Return: as dmah_map(), edu_dma(), dmah_unmap(). */
int edu_put(struct edu *edu, dmah_phys_t phys, uint32_t off, uint32_t len);

/** edu_get() - copy from the device's buffer to memory at @phys. Return: as edu_put(). */
int edu_get(struct edu *edu, dmah_phys_t phys, uint32_t off, uint32_t len);

#endif /* DMAH_DRIVERS_EDU_H */
