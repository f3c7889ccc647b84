// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit cases that show how unmap and sync by the driver's physical address
 * fail on a bounced buffer. A case passes if the failure is seen.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/dma-unmap-phys.h>
#include <linux/gfp.h>
#include <linux/swiotlb.h>

#define SIZE 1024

struct bounced {
	struct device *dev;
	u8 *buf; /* the driver's */
	u8 *slot; /* the device's */
	phys_addr_t phys;
	dma_addr_t addr;
};

/* Map a buffer of a device of which every mapping is bounced. */
static int bounced_init(struct kunit *test)
{
	struct bounced *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	struct io_tlb_mem *mem = kunit_kzalloc(test, sizeof(*mem), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, b);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	b->dev = kunit_device_register(test, "dma_unmap_by_phys");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b->dev);
	if (!b->dev->dma_io_tlb_mem || !is_swiotlb_active(b->dev))
		kunit_skip(test, "no bounce buffers: boot with swiotlb=force");
	KUNIT_ASSERT_EQ(test, 0, dma_coerce_mask_and_coherent(b->dev, DMA_BIT_MASK(64)));
	/* The slots are those of the default pool; only the decision differs. */
	*mem = *b->dev->dma_io_tlb_mem;
	mem->force_bounce = true;
	b->dev->dma_io_tlb_mem = mem;
	b->buf = kunit_kzalloc(test, SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, b->buf);
	b->phys = virt_to_phys(b->buf);
	test->priv = b;
	return 0;
}

static void map_bounced(struct kunit *test, struct bounced *b)
{
	memset(b->buf, 0x11, SIZE);
	b->addr = dma_map_phys(b->dev, b->phys, SIZE, DMA_FROM_DEVICE, 0);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(b->dev, b->addr));
	KUNIT_ASSERT_NE(test, b->phys, dma_to_phys(b->dev, b->addr));
	b->slot = phys_to_virt(dma_to_phys(b->dev, b->addr));
}

static void sync_loses_the_data(struct kunit *test)
{
	struct bounced *b = test->priv;

	map_bounced(test, b);
	memset(b->slot, 0x5a, SIZE); /* the device writes */
	dma_sync_phys_at_for_cpu(b->dev, b->addr, b->phys, SIZE, DMA_FROM_DEVICE);
	KUNIT_EXPECT_EQ(test, 0x11, b->buf[0]);
	dma_sync_single_for_cpu(b->dev, b->addr, SIZE, DMA_FROM_DEVICE);
	KUNIT_EXPECT_EQ(test, 0x5a, b->buf[0]);
	dma_unmap_phys(b->dev, b->addr, SIZE, DMA_FROM_DEVICE, 0);
}

static void unmap_loses_the_data_and_the_slot(struct kunit *test)
{
	struct bounced *b = test->priv;

	map_bounced(test, b);
	memset(b->slot, 0x5a, SIZE);
	dma_unmap_phys_at(b->dev, b->addr, b->phys, SIZE, DMA_FROM_DEVICE, 0);
	KUNIT_EXPECT_EQ(test, 0x11, b->buf[0]);
	/*
	 * The bounce buffer is still there, and still the driver's: the unmap
	 * that looks its address up finds it, and copies. A free one it would
	 * leave alone.
	 */
	dma_unmap_phys(b->dev, b->addr, SIZE, DMA_FROM_DEVICE, 0);
	KUNIT_EXPECT_EQ(test, 0x5a, b->buf[0]);
	memset(b->buf, 0x11, SIZE);
	dma_sync_single_for_cpu(b->dev, b->addr, SIZE, DMA_FROM_DEVICE);
	KUNIT_EXPECT_EQ(test, 0x11, b->buf[0]);
}

static struct kunit_case unmap_by_phys_cases[] = { KUNIT_CASE(sync_loses_the_data),
						   KUNIT_CASE(unmap_loses_the_data_and_the_slot),
						   {} };

static struct kunit_suite unmap_by_phys_suite = {
	.name = "dma_unmap_by_phys",
	.init = bounced_init,
	.test_cases = unmap_by_phys_cases,
};

kunit_test_suite(unmap_by_phys_suite);

MODULE_DESCRIPTION("Unmap by physical address fails on bounced buffers");
MODULE_LICENSE("GPL");
