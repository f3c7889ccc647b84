// SPDX-License-Identifier: GPL-2.0-only
/* The device: QEMU's docs/specs/edu. And the memory that it transfers. */
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/io-64-nonatomic-lo-hi.h>

#include "test.h"

#define EDU_ID	      0x00
#define EDU_RAISE     0x60
#define EDU_ACK	      0x64
#define EDU_SRC	      0x80
#define EDU_DST	      0x88
#define EDU_COUNT     0x90
#define EDU_COMMAND   0x98
#define EDU_BUFFER    0x40000
#define EDU_START     BIT(0)
#define EDU_TO_RAM    BIT(1)
#define EDU_ID_LOWEST 0xed

/* A transfer takes 100 ms of the machine's time; asking before costs instructions for nothing. */
#define TRANSFER_MS 100
#define POLL_US	    500
/* A minute: the device's timer may be late on a busy machine. */
#define MAX_POLLS 120000

static int transfer(struct test *t, u64 src, u64 dst, u32 len, u64 command)
{
	int i;

	if (!len || len > EDU_MAX)
		return -EINVAL;
	writeq(src, t->regs + EDU_SRC);
	writeq(dst, t->regs + EDU_DST);
	writeq(len, t->regs + EDU_COUNT);
	writeq(EDU_START | command, t->regs + EDU_COMMAND);
	msleep(TRANSFER_MS);
	for (i = 0; i < MAX_POLLS; i++) {
		if (!(readq(t->regs + EDU_COMMAND) & EDU_START))
			return 0;
		usleep_range(POLL_US, POLL_US + 100);
	}
	return -ETIMEDOUT;
}

/* The device reads memory into its buffer from @at on. It does not tell whether it was refused. */
int edu_read_ram(struct test *t, dma_addr_t addr, u32 at, u32 len)
{
	return transfer(t, addr, EDU_BUFFER + at, len, 0);
}

/* The device writes what is in its buffer from @at on. */
int edu_write_ram(struct test *t, dma_addr_t addr, u32 at, u32 len)
{
	return transfer(t, EDU_BUFFER + at, addr, len, EDU_TO_RAM);
}

/* Put the bytes of a seed into the device's buffer, by way of a buffer of its own. */
int edu_fill(struct test *t, u32 at, u32 len, u8 seed)
{
	struct buffer b;
	struct dmah h = {};
	int err;

	err = buffer_get(&b, 0, len);
	if (err)
		return err;
	fill(buffer_data(&b), len, seed);
	err = dmah_map_page(t->dev, &h, b.page, 0, len, DMA_TO_DEVICE);
	if (!err) {
		err = edu_read_ram(t, dmah_addr(&h), at, len);
		if (dmah_unmap(t->dev, &h) && !err)
			err = -EIO;
	}
	buffer_put(&b);
	return err;
}

static DECLARE_WAIT_QUEUE_HEAD(interrupted);
static u32 taken;

static irqreturn_t edu_handler(int irq, void *arg)
{
	struct test *t = arg;

	WRITE_ONCE(taken, readl(t->regs + 0x24));
	writel(taken, t->regs + EDU_ACK);
	wake_up(&interrupted);
	return IRQ_HANDLED;
}

/* The device signals an interrupt by MSI, a DMA write of its own. Return: 0 when it came. */
int edu_interrupt(struct test *t, u32 value)
{
	int err;

	err = pci_alloc_irq_vectors(t->pdev, 1, 1, PCI_IRQ_MSI);
	if (err < 0)
		return err;
	err = request_irq(pci_irq_vector(t->pdev, 0), edu_handler, 0, KBUILD_MODNAME, t);
	if (!err) {
		WRITE_ONCE(taken, 0);
		writel(value, t->regs + EDU_RAISE);
		if (!wait_event_timeout(interrupted, READ_ONCE(taken) == value, 60 * HZ))
			err = -ETIMEDOUT;
		free_irq(pci_irq_vector(t->pdev, 0), t);
	}
	pci_free_irq_vectors(t->pdev);
	return err;
}

int edu_setup(struct test *t)
{
	return (readl(t->regs + EDU_ID) & 0xff) == EDU_ID_LOWEST ? 0 : -ENODEV;
}

void fill(void *p, size_t len, u8 seed)
{
	u8 *b = p;
	size_t i;

	for (i = 0; i < len; i++)
		b[i] = (u8)(i * 7 + (i >> 8) * 31 + seed);
}

bool filled(const void *p, size_t len, u8 seed)
{
	const u8 *b = p;
	size_t i;

	for (i = 0; i < len; i++)
		if (b[i] != (u8)(i * 7 + (i >> 8) * 31 + seed))
			return false;
	return true;
}

bool all(const void *p, size_t len, u8 value)
{
	return !memchr_inv(p, value, len);
}

int buffer_get(struct buffer *b, size_t off, size_t len)
{
	if (off + len > BUFFER_SIZE)
		return -EINVAL;
	b->page = alloc_pages(GFP_KERNEL, BUFFER_ORDER);
	if (!b->page)
		return -ENOMEM;
	b->base = page_address(b->page);
	b->off = off;
	b->len = len;
	memset(b->base, BORDER_BYTE, BUFFER_SIZE);
	memset(b->base + off, 0, len);
	return 0;
}

/* Returns true if the bytes beside the buffer have not changed. */
bool buffer_borders(const struct buffer *b)
{
	size_t end = b->off + b->len;

	return all(b->base, b->off, BORDER_BYTE) &&
	       all(b->base + end, BUFFER_SIZE - end, BORDER_BYTE);
}

void buffer_put(struct buffer *b)
{
	if (b->page)
		__free_pages(b->page, BUFFER_ORDER);
	b->page = NULL;
}
