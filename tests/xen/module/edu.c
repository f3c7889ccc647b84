// SPDX-License-Identifier: GPL-2.0-only
#include "edu.h"

#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/errno.h>

#define EDU_ID	    0x00
#define EDU_SRC	    0x80
#define EDU_DST	    0x88
#define EDU_COUNT   0x90
#define EDU_COMMAND 0x98
#define EDU_BUFFER  0x40000
#define EDU_START   BIT(0)
#define EDU_TO_RAM  BIT(1)
#define EDU_MAGIC   0xed /* the lowest byte of the identification */
#define POLLS	    4000

bool edu_is_one(void __iomem *regs)
{
	return (readl(regs + EDU_ID) & 0xff) == EDU_MAGIC;
}

static int go(void __iomem *regs, u64 src, u64 dst, u32 len, u32 command)
{
	if (!len || len > EDU_MAX)
		return -EINVAL;
	writeq(src, regs + EDU_SRC);
	writeq(dst, regs + EDU_DST);
	writeq(len, regs + EDU_COUNT);
	writeq(command | EDU_START, regs + EDU_COMMAND);
	for (int i = 0; i < POLLS; i++) {
		if (!(readq(regs + EDU_COMMAND) & EDU_START))
			return 0;
		usleep_range(500, 1000);
	}
	return -ETIMEDOUT;
}

int edu_read(void __iomem *regs, dma_addr_t addr, u32 len)
{
	return go(regs, addr, EDU_BUFFER, len, 0);
}

int edu_write(void __iomem *regs, dma_addr_t addr, u32 len)
{
	return go(regs, EDU_BUFFER, addr, len, EDU_TO_RAM);
}
