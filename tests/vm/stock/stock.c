// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lab's own control: QEMU's edu device and the kernel's own DMA API, without the library.
 *
 * What a test of the library believes of a machine (that strict mode blocks a stale DMA, that
 * without an IOMMU nothing does) must be so with the stock kernel alone, or the test proves
 * nothing.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>

#define EDU_ID	    0x00
#define EDU_SRC	    0x80
#define EDU_DST	    0x88
#define EDU_COUNT   0x90
#define EDU_COMMAND 0x98
#define EDU_BUFFER  0x40000
#define EDU_START   BIT(0)
#define EDU_TO_RAM  BIT(1)
#define EDU_MAGIC   0xed /* the lowest byte of the identification */
#define BYTES	    2048
#define POLLS	    2000

static int blocked = 1;
module_param(blocked, int, 0444);
MODULE_PARM_DESC(blocked, "1: a DMA after its unmap must change nothing; 0: it must still arrive");

static int cases;

static void result(bool ok, const char *name)
{
	pr_info("%s %d %s\n", ok ? "ok" : "not ok", ++cases, name);
}

static int edu_dma(void __iomem *regs, dma_addr_t addr, u32 len, bool to_ram)
{
	int i;

	writeq(to_ram ? EDU_BUFFER : addr, regs + EDU_SRC);
	writeq(to_ram ? addr : EDU_BUFFER, regs + EDU_DST);
	writeq(len, regs + EDU_COUNT);
	writeq(EDU_START | (to_ram ? EDU_TO_RAM : 0), regs + EDU_COMMAND);
	for (i = 0; i < POLLS; i++) {
		if (!(readq(regs + EDU_COMMAND) & EDU_START))
			return 0;
		usleep_range(500, 1000);
	}
	return -ETIMEDOUT;
}

static void test(struct device *dev, void __iomem *regs, u8 *src, u8 *dst)
{
	dma_addr_t addr;
	bool there;
	int i;

	pr_info("KTAP version 1\n");
	pr_info("1..3\n");
	for (i = 0; i < BYTES; i++)
		src[i] = i * 7 + 3;

	addr = dma_map_single(dev, src, BYTES, DMA_TO_DEVICE);
	if (dma_mapping_error(dev, addr)) {
		result(false, "RAM to device");
		return;
	}
	result(!edu_dma(regs, addr, BYTES, false), "RAM to device");
	dma_unmap_single(dev, addr, BYTES, DMA_TO_DEVICE);

	addr = dma_map_single(dev, dst, BYTES, DMA_FROM_DEVICE);
	if (dma_mapping_error(dev, addr)) {
		result(false, "device to RAM");
		return;
	}
	i = edu_dma(regs, addr, BYTES, true);
	dma_unmap_single(dev, addr, BYTES, DMA_FROM_DEVICE);
	result(!i && !memcmp(src, dst, BYTES), "device to RAM");

	memset(dst, 0, BYTES);
	i = edu_dma(regs, addr, BYTES, true);
	there = memchr_inv(dst, 0, BYTES);
	if (blocked)
		result(!i && !there, "a DMA after its unmap changes nothing");
	else
		result(!i && !memcmp(src, dst, BYTES), "nothing stops a DMA after its unmap");
}

static int stock_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	void __iomem *regs;
	u8 *src, *dst;
	int err;

	err = pcim_enable_device(pdev);
	if (!err)
		err = pcim_iomap_regions(pdev, BIT(0), KBUILD_MODNAME);
	if (!err)
		err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		return err;
	pci_set_master(pdev);
	regs = pcim_iomap_table(pdev)[0];
	if ((readl(regs + EDU_ID) & 0xff) != EDU_MAGIC)
		return -ENODEV;
	/* A page each: what is beside them is not theirs. */
	src = devm_kzalloc(&pdev->dev, PAGE_SIZE, GFP_KERNEL);
	dst = devm_kzalloc(&pdev->dev, PAGE_SIZE, GFP_KERNEL);
	if (!src || !dst)
		return -ENOMEM;
	test(&pdev->dev, regs, src, dst);
	return 0;
}

static const struct pci_device_id ids[] = { { PCI_DEVICE(0x1234, 0x11e8) }, {} };
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver stock_driver = {
	.name = KBUILD_MODNAME,
	.id_table = ids,
	.probe = stock_probe,
};
module_pci_driver(stock_driver);

MODULE_DESCRIPTION("the kernel's DMA API on QEMU's edu");
MODULE_LICENSE("GPL");
