// SPDX-License-Identifier: GPL-2.0-only
/* QEMU's device edu: its DMA engine. */
#include <linux/delay.h>
#include <linux/iommu.h>
#include "test.h"

#define EDU_SOURCE	0x80
#define EDU_DESTINATION 0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_START	1
#define EDU_TO_MEMORY	2
#define EDU_BUFFER	0x40000

int edu_open(struct edu *edu, struct pci_dev *pdev, bool incoherent)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(&pdev->dev);
	bool translated = domain && (domain->type & __IOMMU_DOMAIN_PAGING);
	int err;

	edu->pdev = pdev;
	edu->untrusted = pdev->untrusted;
	edu->lazy = translated && domain->type == IOMMU_DOMAIN_DMA_FQ;
	edu->strict = translated && !edu->lazy;
#if defined(CONFIG_ARM) || defined(CONFIG_ARM64)
	/* Emulated caches are coherent, so the kernel may take the device for one that is not. */
	if (incoherent)
		dev_clear_dma_coherent(&pdev->dev);
#endif
	err = pci_enable_device(pdev);
	if (err)
		return err;
	edu->regs = pci_iomap(pdev, 0, 0);
	if (!edu->regs) {
		pci_disable_device(pdev);
		return -ENOMEM;
	}
	pci_set_master(pdev);
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
	if (err)
		edu_close(edu);
	return err;
}

void edu_close(struct edu *edu)
{
	pci_iounmap(edu->pdev, edu->regs);
	pci_disable_device(edu->pdev);
}

static void put64(struct edu *edu, u32 reg, u64 value)
{
	writel(lower_32_bits(value), edu->regs + reg);
	writel(upper_32_bits(value), edu->regs + reg + 4);
}

int edu_transfer(struct edu *edu, dma_addr_t addr, size_t size, bool from_memory)
{
	int tries;

	put64(edu, EDU_SOURCE, from_memory ? addr : EDU_BUFFER);
	put64(edu, EDU_DESTINATION, from_memory ? EDU_BUFFER : addr);
	put64(edu, EDU_COUNT, size);
	writel(from_memory ? EDU_START : EDU_START | EDU_TO_MEMORY, edu->regs + EDU_COMMAND);
	for (tries = 0; tries < 5000; tries++) {
		if (!(readl(edu->regs + EDU_COMMAND) & EDU_START))
			return 0;
		usleep_range(1000, 2000);
	}
	return -ETIMEDOUT;
}
