// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of DMA mapping handles.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/dma-direct.h>
#include <linux/dma-handle.h>
#include <linux/dma-map-ops.h>
#include <linux/gfp.h>
#include <linux/swiotlb.h>
#include "debug.h"

#define SIZE 1024

struct fixture {
	struct device *dev;
	struct io_tlb_mem *mem; /* of dev alone */
	u8 *buf;
	phys_addr_t phys;
};

static int fixture_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->dev = kunit_device_register(test, "dma_handle");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, f->dev);
	KUNIT_ASSERT_EQ(test, 0, dma_coerce_mask_and_coherent(f->dev, DMA_BIT_MASK(64)));
	f->buf = kunit_kzalloc(test, SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->buf);
	f->phys = virt_to_phys(f->buf);
	test->priv = f;
	return 0;
}

/* Returns the CPU's address of the memory that the device reaches. */
static u8 *reached(const struct dma_handle *h)
{
	return phys_to_virt(h->phys);
}

static void idle_handle(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct dma_handle h = {};

	KUNIT_EXPECT_FALSE(test, dma_handle_mapped(&h));
	dma_sync_handle_for_cpu(f->dev, &h, 0, SIZE);
	dma_sync_handle_for_device(f->dev, &h, 0, SIZE);
	dma_unmap_handle(f->dev, &h);
	KUNIT_EXPECT_FALSE(test, dma_handle_mapped(&h));
}

/*
 * Decide, for this device alone, if its mappings bounce. The slots are those
 * of the default pool; only the decision differs.
 */
static void set_bouncing(struct kunit *test, bool always)
{
#ifdef CONFIG_SWIOTLB
	struct fixture *f = test->priv;

	f->mem = kunit_kzalloc(test, sizeof(*f->mem), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->mem);
	*f->mem = *f->dev->dma_io_tlb_mem;
	f->mem->force_bounce = always;
	f->dev->dma_io_tlb_mem = f->mem;
#endif
}

static void map_and_unmap(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 errors = debug_dma_error_count();
	struct dma_handle h = {};
	bool work;

	set_bouncing(test, false);
	kunit_warning_suppress(test)
	{
		KUNIT_ASSERT_EQ(test, 0,
				dma_map_handle(f->dev, &h, f->phys, SIZE, DMA_FROM_DEVICE, 0));
		KUNIT_EXPECT_TRUE(test, dma_handle_mapped(&h));
		KUNIT_EXPECT_EQ(test, f->phys, dma_to_phys(f->dev, dma_handle_addr(&h)));
		KUNIT_EXPECT_EQ(test, f->phys, h.phys);
		work = h.state & DMA_HANDLE_UNMAP;
		KUNIT_EXPECT_EQ(test, dma_need_unmap(f->dev), work);
		dma_sync_handle_for_cpu(f->dev, &h, 0, SIZE);
		dma_sync_handle_for_device(f->dev, &h, 512, SIZE - 512);
		dma_unmap_handle(f->dev, &h);
		KUNIT_EXPECT_FALSE(test, dma_handle_mapped(&h));
		dma_unmap_handle(f->dev, &h);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
		/* dma-debug has nothing to say to any of this. */
		KUNIT_EXPECT_EQ(test, errors, debug_dma_error_count());
	}
}

static void moved_handle(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 errors = debug_dma_error_count();
	struct dma_handle h = {}, moved;

	kunit_warning_suppress(test)
	{
		KUNIT_ASSERT_EQ(test, 0,
				dma_map_handle_single(f->dev, &h, f->buf, SIZE, DMA_TO_DEVICE));
		dma_move_handle(&moved, &h);
		KUNIT_EXPECT_FALSE(test, dma_handle_mapped(&h));
		KUNIT_EXPECT_TRUE(test, dma_handle_mapped(&moved));
		dma_unmap_handle(f->dev, &moved);
		dma_unmap_handle(f->dev, &h);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
		KUNIT_EXPECT_EQ(test, errors, debug_dma_error_count());
	}
}

static void bad_arguments(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct dma_handle h = {};

	kunit_warning_suppress(test)
	{
		KUNIT_EXPECT_EQ(test, -EINVAL,
				dma_map_handle(f->dev, &h, f->phys, 0, DMA_TO_DEVICE, 0));
		KUNIT_EXPECT_FALSE(test, dma_handle_mapped(&h));
		KUNIT_EXPECT_EQ(test, -EINVAL,
				dma_map_handle(f->dev, &h, f->phys, SIZE, DMA_NONE, 0));
		KUNIT_EXPECT_EQ(test, -EINVAL,
				dma_map_handle(f->dev, &h, f->phys, SIZE, DMA_TO_DEVICE, BIT(16)));
		KUNIT_EXPECT_FALSE(test, dma_handle_mapped(&h));
		dma_unmap_handle(f->dev, &h);
	}
}

static void bounce(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!IS_ENABLED(CONFIG_SWIOTLB) || IS_ENABLED(CONFIG_SWIOTLB_DYNAMIC) ||
	    !is_swiotlb_active(f->dev))
		kunit_skip(test, "no swiotlb, or one with a list of pools");
	set_bouncing(test, true);
}

/* Returns true if a bounce buffer went back: a sync of a free one copies nothing. */
static bool released(struct kunit *test, struct dma_handle *h)
{
	struct fixture *f = test->priv;

	memset(f->buf, 0x77, SIZE);
	/* dma-debug warns, with good reason. */
	kunit_warning_suppress(test)
		dma_sync_single_for_cpu(f->dev, h->addr, SIZE, DMA_FROM_DEVICE);
	return f->buf[0] == 0x77;
}

static void bounced_from_device(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct dma_handle h = {};

	bounce(test);
	memset(f->buf, 0x11, SIZE);
	KUNIT_ASSERT_EQ(test, 0, dma_map_handle(f->dev, &h, f->phys, SIZE, DMA_FROM_DEVICE, 0));
	KUNIT_EXPECT_NE(test, f->phys, h.phys);
	KUNIT_EXPECT_NOT_NULL(test, h.pool);
	KUNIT_EXPECT_EQ(test, h.phys, dma_to_phys(f->dev, dma_handle_addr(&h)));
	KUNIT_EXPECT_FALSE(test, released(test, &h));
	memset(f->buf, 0x11, SIZE);

	/* Of what the device wrote, a sync brings the part that was asked for. */
	memset(reached(&h), 0x5a, SIZE);
	dma_sync_handle_for_cpu(f->dev, &h, 256, 256);
	KUNIT_EXPECT_EQ(test, 0x11, f->buf[255]);
	KUNIT_EXPECT_EQ(test, 0x5a, f->buf[256]);
	KUNIT_EXPECT_EQ(test, 0x5a, f->buf[511]);
	KUNIT_EXPECT_EQ(test, 0x11, f->buf[512]);

	dma_unmap_handle(f->dev, &h);
	KUNIT_EXPECT_EQ(test, 0x5a, f->buf[0]);
	KUNIT_EXPECT_EQ(test, 0x5a, f->buf[SIZE - 1]);
	KUNIT_EXPECT_TRUE(test, released(test, &h));
}

static void bounced_to_device(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct dma_handle h = {};

	bounce(test);
	memset(f->buf, 0x22, SIZE);
	KUNIT_ASSERT_EQ(test, 0, dma_map_handle(f->dev, &h, f->phys, SIZE, DMA_BIDIRECTIONAL, 0));
	KUNIT_EXPECT_EQ(test, 0x22, reached(&h)[SIZE - 1]);
	memset(f->buf, 0x33, SIZE);
	KUNIT_EXPECT_EQ(test, 0x22, reached(&h)[0]);
	dma_sync_handle_for_device(f->dev, &h, 0, 128);
	KUNIT_EXPECT_EQ(test, 0x33, reached(&h)[127]);
	KUNIT_EXPECT_EQ(test, 0x22, reached(&h)[128]);
	dma_unmap_handle(f->dev, &h);
}

static void bounced_without_copy(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct dma_handle h = {};

	bounce(test);
	memset(f->buf, 0x11, SIZE);
	KUNIT_ASSERT_EQ(test, 0,
			dma_map_handle(f->dev, &h, f->phys, SIZE, DMA_FROM_DEVICE,
				       DMA_ATTR_SKIP_CPU_SYNC));
	memset(reached(&h), 0x5a, SIZE);
	dma_unmap_handle(f->dev, &h);
	KUNIT_EXPECT_EQ(test, 0x11, f->buf[0]);
	KUNIT_EXPECT_TRUE(test, released(test, &h));
}

static void refused_bounce(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct dma_handle h = {};

	bounce(test);
	KUNIT_EXPECT_NE(test, 0,
			dma_map_handle(f->dev, &h, f->phys, SIZE, DMA_FROM_DEVICE,
				       DMA_ATTR_REQUIRE_COHERENT));
	KUNIT_EXPECT_FALSE(test, dma_handle_mapped(&h));
	dma_unmap_handle(f->dev, &h);
}

static void sync_beyond_the_mapping(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct dma_handle h = {};

	bounce(test);
	KUNIT_ASSERT_EQ(test, 0, dma_map_handle(f->dev, &h, f->phys, SIZE, DMA_FROM_DEVICE, 0));
	memset(f->buf, 0x11, SIZE);
	memset(reached(&h), 0x5a, SIZE);
	kunit_warning_suppress(test)
	{
		dma_sync_handle_for_cpu(f->dev, &h, SIZE - 1, 2);
		dma_sync_handle_for_cpu(f->dev, &h, SIZE_MAX, 2);
		dma_sync_handle_for_device(f->dev, &h, SIZE + 1, 0);
	}
	KUNIT_EXPECT_EQ(test, 0x11, f->buf[SIZE - 1]);
	dma_unmap_handle(f->dev, &h);
}

#ifdef CONFIG_DMA_API_DEBUG
static void copies_are_reported(struct kunit *test)
{
	u32 errors = debug_dma_error_count();
	struct fixture *f = test->priv;
	struct dma_handle h = {}, copy;

	kunit_warning_suppress(test)
	{
		KUNIT_ASSERT_EQ(test, 0,
				dma_map_handle(f->dev, &h, f->phys, SIZE, DMA_TO_DEVICE, 0));
		copy = h;
		KUNIT_EXPECT_EQ(test, errors, debug_dma_error_count());
		/* The first mapping is lost. */
		KUNIT_ASSERT_EQ(test, 0,
				dma_map_handle(f->dev, &h, f->phys, SIZE, DMA_TO_DEVICE, 0));
		KUNIT_EXPECT_EQ(test, errors + 1, debug_dma_error_count());
		dma_unmap_handle(f->dev, &h);
		dma_unmap_handle(f->dev, &copy);
		KUNIT_EXPECT_EQ(test, errors + 1, debug_dma_error_count());
		/* There is no third mapping. */
		copy.state = DMA_HANDLE_MAPPED | DMA_HANDLE_UNMAP;
		dma_unmap_handle(f->dev, &copy);
		KUNIT_EXPECT_EQ(test, errors + 2, debug_dma_error_count());
	}
}
#endif

#ifdef CONFIG_ARCH_HAS_DMA_OPS
static int ops_maps, ops_unmaps, ops_syncs;
static dma_addr_t ops_unmapped;

static dma_addr_t ops_map_phys(struct device *dev, phys_addr_t phys, size_t size,
			       enum dma_data_direction dir, unsigned long attrs)
{
	ops_maps++;
	return attrs & DMA_ATTR_NO_WARN ? DMA_MAPPING_ERROR : phys + 0x1000;
}

static void ops_unmap_phys(struct device *dev, dma_addr_t addr, size_t size,
			   enum dma_data_direction dir, unsigned long attrs)
{
	ops_unmaps++;
	ops_unmapped = addr;
}

static void ops_sync_single(struct device *dev, dma_addr_t addr, size_t size,
			    enum dma_data_direction dir)
{
	ops_syncs++;
}

static int ops_map_handle(struct device *dev, struct dma_handle *h, phys_addr_t phys, size_t size,
			  enum dma_data_direction dir, unsigned long attrs)
{
	h->addr = ops_map_phys(dev, phys, size, dir, attrs);
	h->state = DMA_HANDLE_OPS | DMA_HANDLE_UNMAP | DMA_HANDLE_SYNC;
	return h->addr == DMA_MAPPING_ERROR ? -EIO : 0;
}

static void ops_unmap_handle(struct device *dev, struct dma_handle *h)
{
	ops_unmaps++;
	ops_unmapped = h->addr;
}

static void ops_sync_handle(struct device *dev, const struct dma_handle *h, size_t offset,
			    size_t size, bool for_cpu)
{
	ops_syncs++;
}

static const struct dma_map_ops ops_by_address = {
	.map_phys = ops_map_phys,
	.unmap_phys = ops_unmap_phys,
	.sync_single_for_cpu = ops_sync_single,
	.sync_single_for_device = ops_sync_single,
};

static const struct dma_map_ops ops_with_handles = {
	.map_handle = ops_map_handle,
	.unmap_handle = ops_unmap_handle,
	.sync_handle = ops_sync_handle,
};

static void through_ops(struct kunit *test, const struct dma_map_ops *ops)
{
	struct fixture *f = test->priv;
	struct dma_handle h = {};

	set_dma_ops(f->dev, ops);
	dev_clear_dma_skip_sync(f->dev);
	ops_maps = 0;
	ops_unmaps = 0;
	ops_syncs = 0;
	KUNIT_ASSERT_EQ(test, 0, dma_map_handle(f->dev, &h, f->phys, SIZE, DMA_FROM_DEVICE, 0));
	KUNIT_EXPECT_EQ(test, f->phys + 0x1000, dma_handle_addr(&h));
	dma_sync_handle_for_cpu(f->dev, &h, 0, SIZE);
	dma_sync_handle_for_device(f->dev, &h, 0, SIZE);
	dma_unmap_handle(f->dev, &h);
	KUNIT_EXPECT_EQ(test, 1, ops_maps);
	KUNIT_EXPECT_EQ(test, 1, ops_unmaps);
	KUNIT_EXPECT_EQ(test, 2, ops_syncs);
	KUNIT_EXPECT_EQ(test, f->phys + 0x1000, ops_unmapped);

	KUNIT_EXPECT_NE(test, 0,
			dma_map_handle(f->dev, &h, f->phys, SIZE, DMA_FROM_DEVICE,
				       DMA_ATTR_NO_WARN));
	KUNIT_EXPECT_FALSE(test, dma_handle_mapped(&h));
	dma_unmap_handle(f->dev, &h);
	KUNIT_EXPECT_EQ(test, 1, ops_unmaps);
	set_dma_ops(f->dev, NULL);
}

static void operations_by_address(struct kunit *test)
{
	through_ops(test, &ops_by_address);
}

static void operations_with_handles(struct kunit *test)
{
	through_ops(test, &ops_with_handles);
}
#endif

static struct kunit_case dma_handle_cases[] = { KUNIT_CASE(idle_handle),
						KUNIT_CASE(map_and_unmap),
						KUNIT_CASE(moved_handle),
						KUNIT_CASE(bad_arguments),
						KUNIT_CASE(bounced_from_device),
						KUNIT_CASE(bounced_to_device),
						KUNIT_CASE(bounced_without_copy),
						KUNIT_CASE(refused_bounce),
						KUNIT_CASE(sync_beyond_the_mapping),
#ifdef CONFIG_DMA_API_DEBUG
						KUNIT_CASE(copies_are_reported),
#endif
#ifdef CONFIG_ARCH_HAS_DMA_OPS
						KUNIT_CASE(operations_by_address),
						KUNIT_CASE(operations_with_handles),
#endif
						{} };

static struct kunit_suite dma_handle_suite = {
	.name = "dma_handle",
	.init = fixture_init,
	.test_cases = dma_handle_cases,
};

kunit_test_suite(dma_handle_suite);

MODULE_DESCRIPTION("KUnit tests of DMA mapping handles");
MODULE_LICENSE("GPL");
