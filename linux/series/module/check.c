// SPDX-License-Identifier: GPL-2.0-only
/* Round trips of data, bounced buffers, and DMA after an unmap. */
#include <linux/dma-direct.h>
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
	moved = h;
	h.state = 0;
	report(dma_handle_addr(&moved) == dma_handle_addr(&h), "handle: may be moved");
	dma_unmap_handle(dev, &moved);
	dma_unmap_handle(dev, &moved);
	report(!dma_handle_mapped(&moved), "handle: a second unmap does nothing");
}
#endif

void check_all(struct edu *edu)
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
		b.offset = 0;
		round_trip(&b, PAGE_SIZE);
		b.offset = 64;
		round_trip(&b, 1500);
		/* A lazy IOMMU, or none, lets late transfers through. */
		if (edu->strict)
			stale(&b);
	}
#ifdef HAVE_HANDLE
	handles(&b);
#endif
	__free_pages(pages, 2);
}
