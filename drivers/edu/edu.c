/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "edu.h"

#define REG_ID	    0x00u
#define REG_SOURCE  0x80u
#define REG_TARGET  0x88u
#define REG_COUNT   0x90u
#define REG_COMMAND 0x98u

/* Bits 31:16 of the identification are the version. */
#define ID(value) ((value)&0xffffu)
#define ID_EDU	  0x00edu

#define COMMAND_RUN	    1u
#define COMMAND_FROM_DEVICE 2u

/* Address of the device's buffer, as its DMA engine sees it. */
#define BUFFER_BASE 0x40000u

int edu_init(struct edu *edu, volatile void *regs, struct dmah_device *dev)
{
	edu->regs = regs;
	edu->dev = dev;
	edu->timeout_ns = 5000000000;
	return ID(dmah_host_read32(edu->regs + REG_ID)) == ID_EDU ? DMAH_OK : DMAH_ENODEV;
}

static int wait_idle(struct edu *edu)
{
	uint64_t begun = dmah_host_now();

	while (dmah_host_read32(edu->regs + REG_COMMAND) & COMMAND_RUN) {
		if (dmah_host_now() - begun > edu->timeout_ns)
			return DMAH_ETIMEDOUT;
		dmah_host_relax();
	}
	return DMAH_OK;
}

int edu_dma(struct edu *edu, dmah_addr_t dma, uint32_t off, uint32_t len, enum dmah_dir dir)
{
	bool to_device = dir == DMAH_TO_DEVICE;
	uint64_t own = BUFFER_BASE + off;

	if (!len || off >= EDU_BUFFER || len >= EDU_BUFFER - off ||
	    (!to_device && dir != DMAH_FROM_DEVICE))
		return DMAH_EINVAL;
	dmah_host_write64(edu->regs + REG_SOURCE, to_device ? dma : own);
	dmah_host_write64(edu->regs + REG_TARGET, to_device ? own : dma);
	dmah_host_write64(edu->regs + REG_COUNT, len);
	dmah_host_write64(edu->regs + REG_COMMAND,
			  COMMAND_RUN | (to_device ? 0u : COMMAND_FROM_DEVICE));
	return wait_idle(edu);
}

static int transfer(struct edu *edu, dmah_phys_t phys, uint32_t off, uint32_t len,
		    enum dmah_dir dir)
{
	struct dmah h = { 0 };
	int err = dmah_map(edu->dev, &h, phys, len, dir, 0), unmapped;

	if (err)
		return err;
	err = edu_dma(edu, dmah_addr(&h), off, len, dir);
	unmapped = dmah_unmap(edu->dev, &h);
	return err ? err : unmapped;
}

int edu_put(struct edu *edu, dmah_phys_t phys, uint32_t off, uint32_t len)
{
	return transfer(edu, phys, off, len, DMAH_TO_DEVICE);
}

int edu_get(struct edu *edu, dmah_phys_t phys, uint32_t off, uint32_t len)
{
	return transfer(edu, phys, off, len, DMAH_FROM_DEVICE);
}
