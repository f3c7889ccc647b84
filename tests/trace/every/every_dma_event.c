// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel module that makes every dma:* event, with every direction, attribute and outcome that the
 * kernel has. ../data/every_*.txt.xz are recordings of it: README.md says how they were made.
 *
 * It uses QEMU's edu device, behind an IOMMU, and a platform device without one. Every call is right:
 * dmah check must find no error.
 */
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/version.h>

#define NEW_7 LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)

static const enum dma_data_direction dirs[] = { DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_FROM_DEVICE };

static const unsigned long map_attrs[] = {
	DMA_ATTR_WEAK_ORDERING,
	DMA_ATTR_WRITE_COMBINE,
	DMA_ATTR_NO_KERNEL_MAPPING,
	DMA_ATTR_SKIP_CPU_SYNC,
	DMA_ATTR_FORCE_CONTIGUOUS,
	DMA_ATTR_ALLOC_SINGLE_PAGES,
	DMA_ATTR_NO_WARN,
	DMA_ATTR_PRIVILEGED,
	DMA_ATTR_NO_WARN | DMA_ATTR_SKIP_CPU_SYNC,
#if NEW_7
	DMA_ATTR_DEBUGGING_IGNORE_CACHELINES,
	DMA_ATTR_REQUIRE_COHERENT,
	DMA_ATTR_CC_SHARED,
#endif
};

static const unsigned long alloc_attrs[] = { 0, DMA_ATTR_WRITE_COMBINE, DMA_ATTR_FORCE_CONTIGUOUS,
					     DMA_ATTR_ALLOC_SINGLE_PAGES, DMA_ATTR_PRIVILEGED };

static void buffers(struct device *dev, struct page *page)
{
	dma_addr_t dma;
	int i;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		dma = dma_map_page(dev, page, 64, 1000, dirs[i]);
		if (dma_mapping_error(dev, dma))
			continue;
		/* the inline functions leave out what a coherent device does not need */
		__dma_sync_single_for_cpu(dev, dma, 1000, dirs[i]);
		__dma_sync_single_for_device(dev, dma + 8, 16, dirs[i]);
		dma_unmap_page(dev, dma, 1000, dirs[i]);
	}
	for (i = 0; i < ARRAY_SIZE(map_attrs); i++) {
		dma = dma_map_page_attrs(dev, page, 0, PAGE_SIZE, DMA_TO_DEVICE, map_attrs[i]);
		if (!dma_mapping_error(dev, dma))
			dma_unmap_page_attrs(dev, dma, PAGE_SIZE, DMA_TO_DEVICE, map_attrs[i]);
	}
}

static void resources(struct device *dev)
{
	dma_addr_t dma = dma_map_resource(dev, 0xfeb00000, PAGE_SIZE, DMA_BIDIRECTIONAL, 0);

	if (!dma_mapping_error(dev, dma))
		dma_unmap_resource(dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL, 0);
}

static void lists(struct device *dev, struct page *page)
{
	struct scatterlist sg[3];
	int i;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		sg_init_table(sg, 3);
		sg_set_page(&sg[0], page, PAGE_SIZE, 0);
		sg_set_page(&sg[1], page + 2, PAGE_SIZE, 0);
		sg_set_page(&sg[2], page + 1, 100, 0);
		if (!dma_map_sg_attrs(dev, sg, 3, dirs[i], i ? DMA_ATTR_NO_WARN : 0))
			continue;
		__dma_sync_sg_for_cpu(dev, sg, 3, dirs[i]);
		__dma_sync_sg_for_device(dev, sg, 3, dirs[i]);
		dma_unmap_sg_attrs(dev, sg, 3, dirs[i], i ? DMA_ATTR_NO_WARN : 0);
	}
}

static void allocations(struct device *dev)
{
	struct sg_table *sgt;
	struct page *page;
	dma_addr_t dma;
	void *cpu;
	int i;

	for (i = 0; i < ARRAY_SIZE(alloc_attrs); i++) {
		cpu = dma_alloc_attrs(dev, 5000, &dma, GFP_KERNEL, alloc_attrs[i]);
		if (cpu)
			dma_free_attrs(dev, 5000, cpu, dma, alloc_attrs[i]);
	}
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		page = dma_alloc_pages(dev, 8192, &dma, dirs[i], GFP_KERNEL);
		if (page)
			dma_free_pages(dev, 8192, page, dma, dirs[i]);
		sgt = dma_alloc_noncontiguous(dev, 65536, dirs[i], GFP_KERNEL, 0);
		if (sgt)
			dma_free_noncontiguous(dev, 65536, sgt, dirs[i]);
	}
	/* more than the machine has */
	cpu = dma_alloc_attrs(dev, 1UL << 40, &dma, GFP_KERNEL | __GFP_NOWARN, DMA_ATTR_NO_WARN);
	page = dma_alloc_pages(dev, 1UL << 40, &dma, DMA_TO_DEVICE, GFP_KERNEL | __GFP_NOWARN);
	sgt = dma_alloc_noncontiguous(dev, 1UL << 40, DMA_TO_DEVICE, GFP_KERNEL | __GFP_NOWARN, 0);
	WARN_ON(cpu || page || sgt);
#if NEW_7
	/* no caller may ask for these two: bit 14 is the kernel's own __DMA_ATTR_ALLOC_CC_SHARED */
	cpu = dma_alloc_attrs(dev, 4096, &dma, GFP_KERNEL, DMA_ATTR_CC_SHARED | 1UL << 14);
	WARN_ON(cpu);
#endif
}

/* A map that fails: the memory is above the device's mask, and there is no bounce buffer. */
static void failed_map(struct device *dev)
{
	struct page *page = alloc_page(GFP_KERNEL);
	dma_addr_t dma;

	if (!page)
		return;
	dma = dma_map_page_attrs(dev, page, 0, PAGE_SIZE, DMA_TO_DEVICE, DMA_ATTR_NO_WARN);
	if (!dma_mapping_error(dev, dma))
		dma_unmap_page_attrs(dev, dma, PAGE_SIZE, DMA_TO_DEVICE, DMA_ATTR_NO_WARN);
	__free_page(page);
}

#ifdef CONFIG_ARCH_HAS_DMA_OPS
static int fail_map_sg(struct device *dev, struct scatterlist *sg, int nents,
		       enum dma_data_direction dir, unsigned long attrs)
{
	return -EBUSY;
}

/* An error that Linux does not expect of map_sg: only such ones leave an event. */
static void failed_list(struct device *dev, struct page *page)
{
	static const struct dma_map_ops ops = { .map_sg = fail_map_sg };
	const struct dma_map_ops *was = get_dma_ops(dev);
	struct scatterlist sg[2];

	sg_init_table(sg, 2);
	sg_set_page(&sg[0], page, 512, 0);
	sg_set_page(&sg[1], page + 2, 512, 0);
	set_dma_ops(dev, &ops);
	WARN_ON(dma_map_sg(dev, sg, 2, DMA_TO_DEVICE));
	set_dma_ops(dev, was);
}
#else
static void failed_list(struct device *dev, struct page *page)
{
}
#endif

static void all(struct device *dev, struct page *page)
{
	buffers(dev, page);
	resources(dev);
	lists(dev, page);
	allocations(dev);
}

static int __init every_init(void)
{
	struct pci_dev *edu = pci_get_device(0x1234, 0x11e8, NULL);
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	struct platform_device *plain;

	plain = platform_device_register_simple("dmah-every", 0, NULL, 0);
	if (!page || IS_ERR(plain))
		return -ENODEV;
	if (edu && dma_set_mask_and_coherent(&edu->dev, DMA_BIT_MASK(32)) == 0)
		all(&edu->dev, page);
	if (dma_coerce_mask_and_coherent(&plain->dev, DMA_BIT_MASK(64)) == 0) {
		all(&plain->dev, page);
		failed_list(&plain->dev, page);
	}
	*plain->dev.dma_mask = DMA_BIT_MASK(24);
	failed_map(&plain->dev);
	platform_device_unregister(plain);
	__free_pages(page, 2);
	pci_dev_put(edu);
	return 0;
}

static void __exit every_exit(void)
{
}

module_init(every_init);
module_exit(every_exit);
MODULE_DESCRIPTION("Makes every dma trace event");
MODULE_LICENSE("GPL");
