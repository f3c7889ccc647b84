// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transfers that must be refused. edu does not report a refused transfer, so memory is compared;
 * and each is announced in the log, where the IOMMU's own report of it must follow.
 */
#include <linux/delay.h>

#include "test.h"

#define LEN    2048
#define CANARY 0x5a

/*
 * The kernel reports ten faults in 5 s, a refused write is up to three, and an SMMU tells of each 4
 * bytes. It is the machine's time that passes here, not ours.
 */
#define REPORT_MS 2500
#define WRITTEN	  8

/* The device writes where it may not: @watch, @len bytes of the canary, stays as it is. */
static void refused(struct test *t, dma_addr_t addr, const void *watch, size_t len,
		    const char *what)
{
	msleep(REPORT_MS);
	pr_info("# refused write at 0x%llx: %s\n", (u64)addr, what);
	CHECK_EQ(t, edu_write_ram(t, addr, 0, WRITTEN), 0);
	CHECK(t, all(watch, len, CANARY));
}

/* Ends everything deferred: afterwards the device reaches nothing that is not mapped. */
static void settle(struct test *t)
{
	CHECK_EQ(t, dmah_flush(t->dev), 0);
}

static void test_stale(struct test *t)
{
	struct buffer b;
	struct dmah h = {};
	dma_addr_t addr;

	if (!CHECK(t, !buffer_get(&b, 0, LEN)) || !CHECK_EQ(t, edu_fill(t, 0, LEN, 1), 0))
		return;
	if (!CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, LEN, DMA_FROM_DEVICE), 0))
		goto put;
	addr = dmah_addr(&h);
	CHECK_EQ(t, edu_write_ram(t, addr, 0, LEN), 0);
	CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
	CHECK(t, filled(buffer_data(&b), LEN, 1));
	memset(b.base, CANARY, BUFFER_SIZE);
	if (!t->strict)
		settle(t);
	refused(t, addr, b.base, BUFFER_SIZE, "unmapped");
put:
	buffer_put(&b);
}

static void test_stale_vector(struct test *t)
{
	struct buffer a, b;
	struct scatterlist sg[2];
	struct dmah_vec v = {};
	dma_addr_t first, last;

	if (!CHECK(t, !buffer_get(&a, 0, PAGE_SIZE)))
		return;
	if (!CHECK(t, !buffer_get(&b, 0, PAGE_SIZE)))
		goto put_a;
	sg_init_table(sg, 2);
	sg_set_page(&sg[0], a.page, PAGE_SIZE, 0);
	sg_set_page(&sg[1], b.page, PAGE_SIZE, 0);
	if (!CHECK_EQ(t, dmah_vec_alloc(&v, 2, GFP_KERNEL), 0))
		goto put;
	if (CHECK_EQ(t, dmah_map_sg(t->dev, &v, sg, 2, DMA_FROM_DEVICE, 0), 0)) {
		first = v.seg[0].dma;
		last = v.seg[v.nseg - 1].dma + v.seg[v.nseg - 1].len - 512;
		CHECK_EQ(t, dmah_unmap_vec(t->dev, &v), 0);
		memset(a.base, CANARY, BUFFER_SIZE);
		memset(b.base, CANARY, BUFFER_SIZE);
		if (!t->strict)
			settle(t);
		refused(t, first, a.base, BUFFER_SIZE, "a vector's first piece");
		refused(t, last, b.base, BUFFER_SIZE, "a vector's last piece");
	}
	dmah_vec_free(&v);
put:
	buffer_put(&b);
put_a:
	buffer_put(&a);
}

static void test_stale_ring(struct test *t)
{
	struct dmah_ring_config config = { .entries = 4,
					   .entry_size = PAGE_SIZE,
					   .dir = DMA_FROM_DEVICE };
	struct dmah_ring *ring = dmah_ring_alloc(t->dev, &config);
	struct buffer a, b;
	dma_addr_t first = 0, second = 0;

	if (!CHECK(t, !IS_ERR(ring)))
		return;
	if (!CHECK(t, !buffer_get(&a, 0, PAGE_SIZE)))
		goto free;
	if (!CHECK(t, !buffer_get(&b, 0, PAGE_SIZE)))
		goto put;
	if (CHECK_EQ(t, dmah_ring_push(ring, a.page, 0, PAGE_SIZE, &first), 0) &&
	    CHECK_EQ(t, dmah_ring_push(ring, b.page, 0, PAGE_SIZE, &second), 0)) {
		CHECK_EQ(t, edu_fill(t, 0, 512, 8), 0);
		CHECK_EQ(t, dmah_ring_pop(ring, 1), 0);
		memset(a.base, CANARY, BUFFER_SIZE);
		if (!t->strict)
			settle(t);
		refused(t, first, a.base, BUFFER_SIZE, "popped from a ring");
		/* its neighbour is mapped still */
		CHECK_EQ(t, edu_write_ram(t, second, 0, 512), 0);
		CHECK_EQ(t, dmah_ring_pop(ring, 1), 0);
		CHECK(t, filled(buffer_data(&b), 512, 8));
	} else {
		CHECK_EQ(t, dmah_ring_pop(ring, dmah_ring_live(ring)), 0);
	}
	buffer_put(&b);
put:
	buffer_put(&a);
free:
	CHECK_EQ(t, dmah_ring_free(ring), 0);
}

static void test_stale_batch(struct test *t)
{
	struct buffer b;
	struct dmah h[2] = {}, room[2] = {}, *list[2] = { &h[0], &h[1] };
	struct dmah_batch batch = { .h = room, .max = 2 };
	dma_addr_t addr[2];

	if (!CHECK(t, !buffer_get(&b, 0, 2 * PAGE_SIZE)))
		return;
	CHECK_EQ(t, dmah_map_page(t->dev, &h[0], b.page, 0, PAGE_SIZE, DMA_FROM_DEVICE), 0);
	CHECK_EQ(t, dmah_map_page(t->dev, &h[1], b.page, PAGE_SIZE, PAGE_SIZE, DMA_FROM_DEVICE), 0);
	addr[0] = dmah_addr(&h[0]);
	addr[1] = dmah_addr(&h[1]);
	CHECK_EQ(t, dmah_unmap_start(t->dev, &batch, list, 2), 0);
	CHECK_EQ(t, dmah_unmap_finish(t->dev, &batch), 0);
	memset(b.base, CANARY, BUFFER_SIZE);
	if (!t->strict)
		settle(t);
	if (!t->failed) {
		refused(t, addr[0], b.base, BUFFER_SIZE, "first of a batch");
		refused(t, addr[1], b.base, BUFFER_SIZE, "last of a batch");
	}
	buffer_put(&b);
}

/* Unmapped lazily, the device may reach the page until the flush; then it may not. */
static void test_flush(struct test *t)
{
	struct dmah_stats before, after;
	struct buffer b;
	struct dmah h = {};
	dma_addr_t addr;

	if (!CHECK(t, !buffer_get(&b, 0, PAGE_SIZE)))
		return;
	CHECK_EQ(t, dmah_get_stats(t->dev, &before), 0);
	if (CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, PAGE_SIZE, DMA_FROM_DEVICE), 0)) {
		addr = dmah_addr(&h);
		/* the IOTLB has it */
		CHECK_EQ(t, edu_write_ram(t, addr, 0, 512), 0);
		CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
		CHECK_EQ(t, dmah_flush(t->dev), 0);
		CHECK_EQ(t, dmah_get_stats(t->dev, &after), 0);
		CHECK(t, after.flushes > before.flushes);
		memset(b.base, CANARY, BUFFER_SIZE);
		refused(t, addr, b.base, BUFFER_SIZE, "unmapped lazily and flushed");
	}
	buffer_put(&b);
}

/* Unmapped lazily, and nothing more is called: the deadline's flush comes by itself. */
static void test_deadline(struct test *t)
{
	struct buffer b;
	struct dmah h = {};
	dma_addr_t addr;

	if (!CHECK(t, !buffer_get(&b, 0, PAGE_SIZE)))
		return;
	if (CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, PAGE_SIZE, DMA_FROM_DEVICE), 0)) {
		addr = dmah_addr(&h);
		/* the IOTLB has it */
		CHECK_EQ(t, edu_write_ram(t, addr, 0, 512), 0);
		CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
		memset(b.base, CANARY, BUFFER_SIZE);
		refused(t, addr, b.base, BUFFER_SIZE, "unmapped lazily, after the deadline");
	}
	buffer_put(&b);
}

/* The control: the same with a deadline that does not come, and before any flush. */
static void test_no_deadline(struct test *t)
{
	struct buffer b;
	struct dmah h = {};
	dma_addr_t addr;

	if (!CHECK(t, !buffer_get(&b, 0, PAGE_SIZE)) || !CHECK_EQ(t, edu_fill(t, 0, LEN, 91), 0))
		return;
	CHECK_EQ(t, dmah_flush(t->dev), 0);
	if (CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, PAGE_SIZE, DMA_FROM_DEVICE), 0)) {
		addr = dmah_addr(&h);
		CHECK_EQ(t, edu_write_ram(t, addr, 0, LEN), 0);
		CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
		memset(b.base, CANARY, BUFFER_SIZE);
		CHECK_EQ(t, edu_write_ram(t, addr, 0, LEN), 0);
		CHECK(t, filled(buffer_data(&b), LEN, 91));
		CHECK_EQ(t, dmah_flush(t->dev), 0);
		memset(b.base, CANARY, BUFFER_SIZE);
		refused(t, addr, b.base, BUFFER_SIZE, "unmapped lazily, after a flush");
	}
	buffer_put(&b);
}

/* The granule behind a mapping is not the device's. */
static void test_beyond(struct test *t)
{
	struct buffer b;
	struct dmah h = {};

	settle(t);
	if (!CHECK(t, !buffer_get(&b, 0, PAGE_SIZE)))
		return;
	if (CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, PAGE_SIZE, DMA_FROM_DEVICE), 0)) {
		memset(b.base, CANARY, BUFFER_SIZE);
		refused(t, dmah_addr(&h) + PAGE_SIZE, b.base, BUFFER_SIZE, "behind a mapping");
		CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
	}
	buffer_put(&b);
}

static void test_read_only(struct test *t)
{
	struct buffer b;
	struct dmah h = {};

	if (!CHECK(t, !buffer_get(&b, 0, PAGE_SIZE)))
		return;
	memset(b.base, CANARY, BUFFER_SIZE);
	if (CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, PAGE_SIZE, DMA_TO_DEVICE), 0)) {
		refused(t, dmah_addr(&h), b.base, BUFFER_SIZE, "mapped for reading");
		CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
		CHECK(t, all(b.base, BUFFER_SIZE, CANARY));
	}
	buffer_put(&b);
}

static void test_other_domain(struct test *t)
{
	struct buffer b;
	struct dmah h = {};
	dma_addr_t addr;

	/* Another device's mapping is not this one's. */
	if (!CHECK(t, !buffer_get(&b, 0, PAGE_SIZE)))
		return;
	settle(t);
	if (CHECK_EQ(t, dmah_map_page(t->other, &h, b.page, 0, PAGE_SIZE, DMA_FROM_DEVICE), 0)) {
		addr = dmah_addr(&h);
		memset(b.base, CANARY, BUFFER_SIZE);
		refused(t, addr, b.base, BUFFER_SIZE, "mapped for another device");
		CHECK_EQ(t, dmah_unmap(t->other, &h), 0);
	}
	buffer_put(&b);
}

#define LIVE  64
#define STRAY 8

/*
 * A driver forgot to convert a call: the kernel's DMA API gives an address of the default domain.
 * The device is in another one, so that address must not be one at which a handle is mapped, and
 * the access must be refused.
 */
static void test_forgotten(struct test *t)
{
	struct dmah *h = kcalloc(LIVE, sizeof(*h), GFP_KERNEL);
	dma_addr_t stray[STRAY] = {};
	struct buffer b, k;
	int i, n, j;

	if (!CHECK(t, h) || !CHECK(t, !buffer_get(&b, 0, PAGE_SIZE)))
		goto free;
	if (!CHECK(t, !buffer_get(&k, 0, PAGE_SIZE)))
		goto put;
	memset(b.base, CANARY, BUFFER_SIZE);
	for (i = 0; i < LIVE; i++)
		CHECK_EQ(t, dmah_map_page(t->dev, &h[i], b.page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL),
			 0);
	for (n = 0; n < STRAY; n++) {
		stray[n] = dma_map_page(t->dev, k.page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
		/* An error is as good: the driver notices. */
		if (dma_mapping_error(t->dev, stray[n]))
			break;
		for (i = 0; i < LIVE; i++)
			CHECK(t, (stray[n] & PAGE_MASK) != (dmah_addr(&h[i]) & PAGE_MASK));
	}
	if (n && !t->failed) {
		settle(t);
		refused(t, stray[0], b.base, BUFFER_SIZE, "mapped by the kernel's own API");
	}
	for (j = 0; j < n; j++)
		dma_unmap_page(t->dev, stray[j], PAGE_SIZE, DMA_BIDIRECTIONAL);
	for (i = 0; i < LIVE; i++)
		CHECK_EQ(t, dmah_unmap(t->dev, &h[i]), 0);
	CHECK(t, all(b.base, BUFFER_SIZE, CANARY));
	buffer_put(&k);
put:
	buffer_put(&b);
free:
	kfree(h);
}

/* Registers cannot bounce: a part of a granule of them would show an untrusted device the rest. */
static void test_registers(struct test *t)
{
	phys_addr_t phys = pci_resource_start(t->pdev, 0);
	struct dmah h = {};

	CHECK_EQ(t, dmah_map_resource(t->dev, &h, phys + 256, 256, DMA_TO_DEVICE, 0), -EINVAL);
	CHECK_EQ(t, dmah_map_resource(t->dev, &h, phys, 256, DMA_TO_DEVICE, 0), -EINVAL);
	CHECK_EQ(t, dmah_map_bus(t->dev, &h, phys, phys, 256, DMA_TO_DEVICE, 0), -EINVAL);
	CHECK(t, !dmah_mapped(&h));
	if (CHECK_EQ(t, dmah_map_resource(t->dev, &h, phys, PAGE_SIZE, DMA_TO_DEVICE, 0), 0))
		CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
}

/* The bytes that the device reads from a granule that a buffer shares with others. */
static void test_neighbours(struct test *t)
{
	struct buffer b, back;
	struct dmah h = {}, out = {};
	const size_t off = 1024, len = 600;
	size_t at;

	if (!CHECK(t, !buffer_get(&b, off, len)))
		return;
	if (!CHECK(t, !buffer_get(&back, 0, PAGE_SIZE)))
		goto put;
	fill(buffer_data(&b), len, 4);
	if (!CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, off, len, DMA_TO_DEVICE), 0))
		goto put_back;
	/* all of the granule, up to what edu can take, wherever in it the buffer was put */
	at = dmah_addr(&h) & ~PAGE_MASK;
	CHECK(t, at + len <= 4000);
	CHECK_EQ(t, edu_read_ram(t, dmah_addr(&h) & PAGE_MASK, 0, 4000), 0);
	CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
	if (!CHECK_EQ(t, dmah_map_page(t->dev, &out, back.page, 0, 4000, DMA_FROM_DEVICE), 0))
		goto put_back;
	CHECK_EQ(t, edu_write_ram(t, dmah_addr(&out), 0, 4000), 0);
	CHECK_EQ(t, dmah_unmap(t->dev, &out), 0);
	/* The buffer came; of what lies beside it, nothing. */
	CHECK(t, filled(back.base + at, len, 4));
	CHECK(t, !memchr(back.base, BORDER_BYTE, at));
	CHECK(t, !memchr(back.base + at + len, BORDER_BYTE, 4000 - at - len));
put_back:
	buffer_put(&back);
put:
	buffer_put(&b);
}

/* Bytes that the device writes beside the buffer in its granule do not reach memory. */
static void test_neighbours_written(struct test *t)
{
	struct buffer b;
	struct dmah h = {};

	if (!CHECK(t, !buffer_get(&b, 1024, 600)))
		return;
	CHECK_EQ(t, edu_fill(t, 0, 3000, 6), 0);
	if (CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 1024, 600, DMA_FROM_DEVICE), 0)) {
		dma_addr_t granule = dmah_addr(&h) & PAGE_MASK;

		CHECK_EQ(t, edu_write_ram(t, granule, 0, 3000), 0);
		CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
		CHECK(t, buffer_borders(&b));
	}
	buffer_put(&b);
}

/* The control: where nothing stands between, an unmap stops nobody. */
static void test_no_block(struct test *t)
{
	struct buffer b;
	struct dmah h = {};
	dma_addr_t addr;

	if (!CHECK(t, !buffer_get(&b, 0, LEN)) || !CHECK_EQ(t, edu_fill(t, 0, LEN, 90), 0))
		return;
	if (CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, LEN, DMA_FROM_DEVICE), 0)) {
		addr = dmah_addr(&h);
		CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
		memset(b.base, CANARY, BUFFER_SIZE);
		CHECK_EQ(t, edu_write_ram(t, addr, 0, LEN), 0);
		CHECK(t, filled(buffer_data(&b), LEN, 90));
	}
	buffer_put(&b);
}

const struct test_case block_cases[] = {
	{ "a DMA after its unmap changes nothing", test_stale, NEED_BLOCK | NEED_STRICT },
	{ "a DMA after its unmap and flush changes nothing", test_stale, NEED_LAZY },
	{ "a DMA after its vector's unmap changes nothing", test_stale_vector,
	  NEED_BLOCK | NEED_STRICT },
	{ "a DMA after its vector's unmap and flush changes nothing", test_stale_vector,
	  NEED_LAZY },
	{ "a DMA after its ring's pop changes nothing", test_stale_ring, NEED_BLOCK | NEED_STRICT },
	{ "a DMA after its ring's pop and flush changes nothing", test_stale_ring, NEED_LAZY },
	{ "a DMA after its batch changes nothing", test_stale_batch, NEED_BLOCK | NEED_STRICT },
	{ "a DMA after its batch and flush changes nothing", test_stale_batch, NEED_LAZY },
	{ "a flush is one, and blocks what the IOTLB held", test_flush, NEED_LAZY },
	{ "a DMA after the deadline of its lazy unmap changes nothing", test_deadline,
	  NEED_POOL | NEED_LAZY },
	{ "control: a DMA before the flush of its lazy unmap arrives", test_no_deadline,
	  NEED_POOL | NEED_LAZY | NEED_LATE },
	{ "a DMA behind a mapping changes nothing", test_beyond, NEED_BLOCK },
	{ "a DMA does not write what is mapped to be read", test_read_only, NEED_BLOCK },
	{ "a DMA through another device's mapping changes nothing", test_other_domain, NEED_BLOCK },
	{ "a DMA to an address of the kernel's own API changes nothing", test_forgotten,
	  NEED_BLOCK | NEED_DOMAIN },
	{ "an untrusted device gets no part of a page of registers", test_registers,
	  NEED_UNTRUSTED | NEED_DOMAIN },
	{ "an untrusted device reads nothing beside the buffer", test_neighbours, NEED_UNTRUSTED },
	{ "an untrusted device writes nothing beside the buffer", test_neighbours_written,
	  NEED_UNTRUSTED },
	{ "control: without an IOMMU the same DMA arrives", test_no_block,
	  NEED_NO_BLOCK | NEED_PLAIN },
	{}
};
