// SPDX-License-Identifier: GPL-2.0-only
/* Round trips of data, bounced buffers, and DMA after an unmap. */
#include <linux/dma-direct.h>
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/swiotlb.h>
#include "test.h"

#define BYTES 1400

struct buffers {
	struct edu *edu;
	const struct api *api;
	u8 *from;
	u8 *to;
	size_t offset;
};

static u8 pattern(size_t n)
{
	return n * 7 + 3;
}

static void map_struct(struct mapping *m, void *buf, size_t size, enum dma_data_direction dir)
{
	memset(m, 0, sizeof(*m));
	m->phys = virt_to_phys(buf);
	m->size = size;
	m->dir = dir;
}

static size_t wrong_bytes(const u8 *buf)
{
	size_t n, wrong = 0;

	for (n = 0; n < BYTES; n++)
		wrong += buf[n] != pattern(n);
	return wrong;
}

/* Returns true if the mapping leads to a bounce buffer. The address-keyed interface can be asked. */
static bool bounced(struct edu *edu, const struct mapping *m)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(&edu->pdev->dev);
	phys_addr_t phys;

	if (domain && (domain->type & __IOMMU_DOMAIN_PAGING))
		phys = iommu_iova_to_phys(domain, m->addr);
	else
		phys = dma_to_phys(&edu->pdev->dev, m->addr);
	return phys != m->phys;
}

/* Memory, edu, other memory: the data must arrive, before the unmap by sync and after it. */
static void round_trip(struct buffers *b, size_t size)
{
	u8 *from = b->from + b->offset, *to = b->to + b->offset;
	struct device *dev = &b->edu->pdev->dev;
	bool loses, was_bounced;
	struct mapping m;
	size_t n, wrong;

	for (n = 0; n < BYTES; n++)
		from[n] = pattern(n);
	memset(to, 0, BYTES);
	map_struct(&m, from, size, DMA_TO_DEVICE);
	if (b->api->map(dev, &m) || edu_transfer(b->edu, m.addr, BYTES, true)) {
		report(false, "%s %zu+%zu: to the device", b->api->name, b->offset, size);
		return;
	}
	was_bounced = bounced(b->edu, &m);
	loses = was_bounced && b->api->wrong_if_bounced;
	if (loses)
		apis[0].unmap(dev, &m); /* the bounce buffer would leak */
	else
		b->api->unmap(dev, &m);

	map_struct(&m, to, size, DMA_FROM_DEVICE);
	if (b->api->map(dev, &m) || edu_transfer(b->edu, m.addr, BYTES, false)) {
		report(false, "%s %zu+%zu: from the device", b->api->name, b->offset, size);
		return;
	}
	b->api->sync_cpu(dev, &m);
	wrong = wrong_bytes(to);
	if (loses)
		report(wrong, "%s %zu+%zu bounced: sync loses the data", b->api->name, b->offset,
		       size);
	else
		report(!wrong, "%s %zu+%zu%s: data after sync, %zu bytes wrong", b->api->name,
		       b->offset, size, was_bounced ? " bounced" : "", wrong);
	b->api->sync_dev(dev, &m);
	if (loses)
		apis[0].unmap(dev, &m);
	else
		b->api->unmap(dev, &m);
	wrong = wrong_bytes(to);
	report(!wrong, "%s %zu+%zu%s: data after unmap, %zu bytes wrong", b->api->name, b->offset,
	       size, was_bounced ? " bounced" : "", wrong);
}

/* A transfer to a buffer that was unmapped must change nothing; to a mapped one it must. */
static void stale(struct buffers *b)
{
	struct device *dev = &b->edu->pdev->dev;
	struct mapping m;
	size_t n, changed = 0;

	memset(b->to, 0xee, PAGE_SIZE);
	map_struct(&m, b->to, PAGE_SIZE, DMA_FROM_DEVICE);
	if (b->api->map(dev, &m) || edu_transfer(b->edu, m.addr, BYTES, false)) {
		report(false, "%s: transfer to a mapped buffer", b->api->name);
		return;
	}
	b->api->unmap(dev, &m);
	for (n = 0; n < BYTES; n++)
		changed += b->to[n] != 0xee;
	report(changed > BYTES / 2, "%s: control, %zu bytes arrive while mapped", b->api->name,
	       changed);
	/* The flush queue's deadline is 10 ms, or 1 s where a flush is dear. */
	if (b->edu->lazy)
		msleep(1500);
	memset(b->to, 0xee, PAGE_SIZE);
	edu_transfer(b->edu, m.addr, BYTES, false);
	for (n = 0, changed = 0; n < PAGE_SIZE; n++)
		changed += b->to[n] != 0xee;
	report(!changed, "%s: %zu bytes arrive after the unmap", b->api->name, changed);
}

#ifdef HAVE_HANDLE
static void handles(struct buffers *b)
{
	struct device *dev = &b->edu->pdev->dev;
	struct dma_handle h = {}, moved;
	int err;

	dma_unmap_handle(dev, &h);
	report(!dma_handle_mapped(&h), "handle: unmap of an idle handle does nothing");
	err = dma_map_handle(dev, &h, virt_to_phys(b->to), 0, DMA_FROM_DEVICE, 0);
	report(err == -EINVAL && !dma_handle_mapped(&h), "handle: a map of no bytes is refused");
	err = dma_map_handle_single(dev, &h, b->to, PAGE_SIZE, DMA_FROM_DEVICE);
	report(!err && dma_handle_mapped(&h) && h.len == PAGE_SIZE && h.dir == DMA_FROM_DEVICE,
	       "handle: a mapping is known as such");
	dma_move_handle(&moved, &h);
	report(!dma_handle_mapped(&h) && dma_handle_addr(&moved) == dma_handle_addr(&h),
	       "handle: may be moved");
	dma_unmap_handle(dev, &moved);
	dma_unmap_handle(dev, &moved);
	report(!dma_handle_mapped(&moved), "handle: a second unmap does nothing");
}
#endif

#ifdef DMA_HANDLE_SLOT
#define MANY 300

/* More mappings at once than slots are made at a time. */
static void many_slots(struct buffers *b)
{
	struct device *dev = &b->edu->pdev->dev;
	struct dma_handle *h = kvcalloc(MANY, sizeof(*h), GFP_KERNEL);
	unsigned int n, k, slots = 0, twice = 0, failed = 0;

	if (!h) {
		report(false, "memory for %u handles", MANY);
		return;
	}
	for (n = 0; n < MANY; n++) {
		failed += !!dma_map_handle_single(dev, &h[n], b->to, 64, DMA_TO_DEVICE);
		slots += !!(h[n].state & DMA_HANDLE_SLOT);
		for (k = 0; k < n; k++)
			twice += dma_handle_addr(&h[k]) == dma_handle_addr(&h[n]);
	}
	report(!failed && slots == MANY && !twice,
	       "slot: %u mappings, %u of slots, %u failed, %u addresses twice", MANY, slots, failed,
	       twice);
	for (n = 0; n < MANY; n++)
		dma_unmap_handle(dev, &h[n]);
	kvfree(h);
}

#define LARGEST 32

/* Returns how many pages of a mapping lead elsewhere than to their page of the buffer; gone: than nowhere. */
static unsigned int misled(struct device *dev, dma_addr_t addr, phys_addr_t phys,
			   unsigned int pages, bool gone)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	unsigned int n, wrong = 0;

	for (n = 0; n < pages; n++)
		wrong += iommu_iova_to_phys(domain, (addr & PAGE_MASK) + n * PAGE_SIZE) !=
			 (gone ? 0 : (phys & PAGE_MASK) + n * PAGE_SIZE);
	return wrong;
}

/* Slots of several pages: each page has its entry, the last one is reached, and none after the unmap. */
static void large_slots(struct buffers *b)
{
	struct page *pages = alloc_pages(GFP_KERNEL | GFP_DMA32 | __GFP_ZERO,
					 get_order((LARGEST + 1) * PAGE_SIZE));
	struct device *dev = &b->edu->pdev->dev;
	unsigned int n, k, wrong, left, slots;
	struct dma_handle h = {}, other = {};
	u8 *buf, *end;

	if (!pages) {
		report(false, "memory for large slots");
		return;
	}
	buf = page_address(pages);
	for (n = 2; n <= LARGEST + 1; n += n < 5 ? 1 : n < LARGEST ? 9 : 1) {
		/* Ends within its last page. */
		size_t size = n * PAGE_SIZE - 64 - 100;

		if (dma_map_handle_single(dev, &h, buf + 64, size, DMA_FROM_DEVICE) ||
		    dma_map_handle_single(dev, &other, buf, PAGE_SIZE, DMA_TO_DEVICE)) {
			report(false, "slot: %u pages are mapped", n);
			dma_unmap_handle(dev, &h);
			break;
		}
		slots = !!(h.state & DMA_HANDLE_SLOT);
		wrong = misled(dev, dma_handle_addr(&h), virt_to_phys(buf), n, false);
		end = buf + 64 + size - BYTES;
		memset(end, 0xee, BYTES);
		wrong += !!edu_transfer(b->edu, dma_handle_addr(&h) + size - BYTES, BYTES, false);
		for (k = 0, left = 0; k < BYTES; k++)
			left += end[k] == 0xee;
		dma_unmap_handle(dev, &h);
		wrong += misled(dev, dma_handle_addr(&h), 0, n, true);
		wrong += misled(dev, dma_handle_addr(&other), virt_to_phys(buf), 1, false);
		dma_unmap_handle(dev, &other);
		report(!wrong && left < BYTES / 2 && slots == (n <= LARGEST),
		       "slot: %u pages, of a slot %u, %u wrong, %u bytes do not arrive", n, slots,
		       wrong, left);
	}
	__free_pages(pages, get_order((LARGEST + 1) * PAGE_SIZE));
}

/* The unmap of a copy must not end the mapping that has its slot now. The kernel warns. */
static void stale_copy(struct buffers *b)
{
	struct device *dev = &b->edu->pdev->dev;
	struct dma_handle h = {}, copy;
	size_t n, wrong = 0;
	int err;

	err = dma_map_handle_single(dev, &h, b->from, PAGE_SIZE, DMA_TO_DEVICE);
	copy = h;
	dma_unmap_handle(dev, &h);
	if (!err)
		err = dma_map_handle_single(dev, &h, b->to, PAGE_SIZE, DMA_FROM_DEVICE);
	if (err || dma_handle_addr(&h) != dma_handle_addr(&copy)) {
		report(false, "slot: is used again at once, error %d", err);
		return;
	}
	dma_unmap_handle(dev, &copy);
	memset(b->to, 0xee, PAGE_SIZE);
	err = edu_transfer(b->edu, dma_handle_addr(&h), BYTES, false);
	dma_unmap_handle(dev, &h);
	for (n = 0; n < BYTES; n++)
		wrong += b->to[n] == 0xee;
	report(!err && wrong < BYTES / 2, "slot: unmap of a copy leaves the next mapping alone");
}
#endif

#ifdef HAVE_BATCH
#define PIECES 5

/* Returns the bytes of a page that edu changes by a transfer to its address. */
static size_t changed(struct edu *edu, u8 *page, dma_addr_t addr)
{
	size_t n, count = 0;

	memset(page, 0xee, PAGE_SIZE);
	edu_transfer(edu, addr, BYTES, false);
	for (n = 0; n < PAGE_SIZE; n++)
		count += page[n] != 0xee;
	return count;
}

/* Unmaps of a batch, of pieces of a page, bring the data that the device wrote, bounced or not. */
static void batches(struct buffers *b)
{
	struct device *dev = &b->edu->pdev->dev;
	struct dma_handle h[PIECES] = {}, again = {};
	size_t size = 128, n, wrong = 0; /* whole cache lines */
	struct dma_unmap_batch batch;
	struct mapping m;
	int err = 0;

	for (n = 0; n < BYTES; n++)
		b->from[n] = pattern(n);
	memset(b->to, 0, BYTES);
	map_struct(&m, b->from, BYTES, DMA_TO_DEVICE);
	err = apis[0].map(dev, &m) || edu_transfer(b->edu, m.addr, BYTES, true);
	apis[0].unmap(dev, &m);
	for (n = 0; n < PIECES && !err; n++)
		err = dma_map_handle_single(dev, &h[n], b->to + n * size, size, DMA_FROM_DEVICE) ||
		      edu_transfer(b->edu, dma_handle_addr(&h[n]), size, false);
	dma_unmap_batch_init(&batch, dev);
	for (n = 0; n < PIECES; n++) {
		dma_unmap_batch_add(&batch, &h[n]);
		err |= dma_handle_mapped(&h[n]);
	}
	/* A handle that was added may be mapped again at once, and be added again. */
	err |= dma_map_handle_single(dev, &again, b->from, PAGE_SIZE, DMA_TO_DEVICE);
	dma_unmap_batch_add(&batch, &again);
	for (n = 0; n < PIECES * size; n++)
		wrong += b->to[n] != pattern(n % size);
	dma_unmap_batch_flush(&batch);
	dma_unmap_batch_flush(&batch);
	report(!err && !wrong, "batch: data of %u handles, error %d, %zu bytes wrong", PIECES, err,
	       wrong);
}

/*
 * No IOVA of a batch is mapped again before the flush, and none leads anywhere after it. In strict mode
 * the control is the time before the flush: the IOMMU still knows the first page, since edu has used it.
 */
static void batch_blocks(struct buffers *b, bool slots)
{
	struct page *pages = alloc_pages(GFP_KERNEL | GFP_DMA32 | __GFP_ZERO, 4);
	struct device *dev = &b->edu->pdev->dev;
	struct dma_handle h[PIECES] = {}, other[PIECES] = {};
	size_t n, k, before, after, early = 0, wrong = 0;
	struct dma_unmap_batch batch;
	dma_addr_t addr[PIECES];
	u8 *buf, *part[PIECES];
	int err = 0;

	if (!pages) {
		report(false, "memory for batches");
		return;
	}
	buf = page_address(pages);
	/* Of 1 to 5 pages. */
	for (n = 0; n < PIECES; n++) {
		part[n] = buf + n * (n + 1) / 2 * PAGE_SIZE;
		err |= dma_map_handle_single(dev, &h[n], part[n], (n + 1) * PAGE_SIZE,
					     DMA_FROM_DEVICE);
		addr[n] = dma_handle_addr(&h[n]);
		wrong += changed(b->edu, part[n], addr[n]) < BYTES / 2;
	}
	dma_unmap_batch_init(&batch, dev);
	for (n = 0; n < PIECES; n++)
		dma_unmap_batch_add(&batch, &h[n]);
	for (n = 0; n < PIECES; n++) {
		err |= dma_map_handle_single(dev, &other[n], part[n], (n + 1) * PAGE_SIZE,
					     DMA_TO_DEVICE);
		for (k = 0; k < PIECES; k++)
			early += slots && dma_handle_addr(&other[n]) == addr[k];
	}
	before = changed(b->edu, buf, addr[0]);
	dma_unmap_batch_flush(&batch);
	for (n = 0; n < PIECES; n++)
		dma_unmap_handle(dev, &other[n]);
	if (b->edu->lazy)
		msleep(1500);
	for (n = 0, after = 0; n < PIECES; n++) {
		wrong += misled(dev, addr[n], 0, n + 1, true);
		after += changed(b->edu, part[n], addr[n]);
	}
	if (slots && b->edu->strict)
		report(before > BYTES / 2, "batch: control, %zu bytes arrive before the flush",
		       before);
	report(!err && !early && !after && !wrong,
	       "batch: error %d, %zu addresses used early, %zu bytes arrive after the flush, %zu "
	       "pages wrong",
	       err, early, after, wrong);
	__free_pages(pages, 4);
}
#endif

void check_all(struct edu *edu, bool slots)
{
	struct page *pages = alloc_pages(GFP_KERNEL | GFP_DMA32 | __GFP_ZERO, 2);
	struct buffers b = { .edu = edu };
	unsigned int n;

	if (!pages) {
		report(false, "memory for the checks");
		return;
	}
	b.from = page_address(pages);
	b.to = b.from + 2 * PAGE_SIZE;
	for (n = 0; n < api_count; n++) {
		b.api = &apis[n];
		if (b.api->batch)
			continue;
		b.offset = 0;
		round_trip(&b, PAGE_SIZE);
		b.offset = 64;
		round_trip(&b, 1500);
		if (edu->strict || edu->lazy)
			stale(&b);
	}
#ifdef HAVE_HANDLE
	handles(&b);
#endif
#ifdef DMA_HANDLE_SLOT
	if (slots && (edu->strict || edu->lazy) && !edu->untrusted) {
		many_slots(&b);
		large_slots(&b);
	}
	if (slots && edu->strict && !edu->untrusted)
		stale_copy(&b);
#endif
#ifdef HAVE_BATCH
	batches(&b);
	if ((edu->strict || edu->lazy) && !edu->untrusted)
		batch_blocks(&b, slots);
#endif
	__free_pages(pages, 2);
}
