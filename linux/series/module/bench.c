// SPDX-License-Identifier: GPL-2.0-only
/* Instructions for each call: under QEMU's -icount shift=0 the clock counts them. */
#include <linux/iommu.h>
#include <linux/sort.h>
#include "test.h"
#ifdef CONFIG_X86
#include <asm/tsc.h>
#define instructions() rdtsc_ordered()
#else
#include <linux/ktime.h>
/* In steps of 16, which BUFFERS calls at a time make up for. */
#define instructions() ktime_get_ns()
#endif

#define BUFFERS 256
#define ROUNDS	15
#define WARM_UP 3
#define ROWS	32

static struct row {
	char name[40];
	u32 count;
	u64 value[ROUNDS];
} rows[ROWS];
static unsigned int row_count;
static struct mapping mappings[BUFFERS];
static struct page *buffers[BUFFERS];
static bool counting;

static void add(const char *api, const char *call, u64 sum)
{
	char name[sizeof(rows[0].name)];
	unsigned int n;

	if (!counting)
		return;
	snprintf(name, sizeof(name), "%s %s", api, call);
	for (n = 0; n < row_count; n++)
		if (!strcmp(rows[n].name, name))
			break;
	if (n == ROWS)
		return;
	if (n == row_count)
		strscpy(rows[row_count++].name, name);
	if (rows[n].count < ROUNDS)
		rows[n].value[rows[n].count++] = div_u64(sum + BUFFERS / 2, BUFFERS);
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

#define MEASURE(api, call, statement)                   \
	do {                                            \
		u64 start = instructions();             \
		for (n = 0; n < BUFFERS; n++)           \
			statement;                      \
		add(api, call, instructions() - start); \
	} while (0)

static int bench_api(struct device *dev, const struct api *api)
{
	unsigned int n;

	MEASURE(api->name, "map", if (api->map(dev, &mappings[n])) return -EIO);
	MEASURE(api->name, "sync_cpu", api->sync_cpu(dev, &mappings[n]));
	MEASURE(api->name, "sync_dev", api->sync_dev(dev, &mappings[n]));
	MEASURE(api->name, "unmap", api->unmap(dev, &mappings[n]));
	return 0;
}

/* The kernel's own answers: the lookup alone, an attribute that promises coherence, and dma_iova_link. */
static int bench_stock(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	bool translated = domain && (domain->type & __IOMMU_DOMAIN_PAGING);
	unsigned long attrs = DMA_ATTR_REQUIRE_COHERENT;
	struct dma_iova_state state;
	volatile phys_addr_t sink;
	struct mapping *m = mappings;
	unsigned int n;

	for (n = 0; translated && n < BUFFERS; n++)
		if (apis[0].map(dev, &m[n]))
			return -EIO;
	if (translated)
		MEASURE("stock", "iommu_iova_to_phys",
			sink = iommu_iova_to_phys(domain, m[n].addr));
	for (n = 0; translated && n < BUFFERS; n++)
		apis[0].unmap(dev, &m[n]);

	m[0].addr = dma_map_phys(dev, m[0].phys, m[0].size, m[0].dir, attrs);
	if (!dma_mapping_error(dev, m[0].addr)) {
		dma_unmap_phys(dev, m[0].addr, m[0].size, m[0].dir, attrs);
		MEASURE("REQUIRE_COHERENT", "map",
			m[n].addr = dma_map_phys(dev, m[n].phys, m[n].size, m[n].dir, attrs));
		MEASURE("REQUIRE_COHERENT", "unmap",
			dma_unmap_phys(dev, m[n].addr, m[n].size, m[n].dir, attrs));
	}
	if (m[0].size != PAGE_SIZE || (m[0].phys & ~PAGE_MASK) ||
	    !dma_iova_try_alloc(dev, &state, 0, BUFFERS * PAGE_SIZE))
		return 0;
	MEASURE("dma_iova", "link and sync",
		if (dma_iova_link(dev, &state, m[n].phys, n * PAGE_SIZE, PAGE_SIZE, m[n].dir, 0) ||
		    dma_iova_sync(dev, &state, n * PAGE_SIZE, PAGE_SIZE)) return -EIO);
	MEASURE("dma_iova", "unlink",
		dma_iova_unlink(dev, &state, n * PAGE_SIZE, PAGE_SIZE, m[n].dir, 0));
	dma_iova_free(dev, &state);
	return 0;
}

static int bench_rounds(struct edu *edu)
{
	struct device *dev = &edu->pdev->dev;
	bool bounce = edu->untrusted && ((mappings[0].phys | mappings[0].size) & ~PAGE_MASK);
	int round, err = 0;
	unsigned int n;

	for (round = -WARM_UP; round < ROUNDS && !err; round++) {
		counting = round >= 0;
		for (n = 0; n < api_count && !err; n++)
			if (!bounce || !apis[n].wrong_if_bounced)
				err = bench_api(dev, &apis[n]);
		if (!err)
			err = bench_stock(dev);
		cond_resched();
	}
	return err;
}

int bench_all(struct edu *edu, size_t offset, size_t size)
{
	unsigned int order = get_order(offset + size), n;
	int err = -ENOMEM;

	row_count = 0;
	memset(rows, 0, sizeof(rows));
	for (n = 0; n < BUFFERS; n++) {
		buffers[n] = alloc_pages(GFP_KERNEL | GFP_DMA32, order);
		if (!buffers[n])
			goto out;
		mappings[n] = (struct mapping){ .phys = page_to_phys(buffers[n]) + offset,
						.size = size,
						.dir = DMA_FROM_DEVICE };
	}
	err = bench_rounds(edu);
	for (n = 0; n < row_count && !err; n++) {
		sort(rows[n].value, rows[n].count, sizeof(u64), compare, NULL);
		pr_info("series: figure %zu+%zu %s %llu\n", offset, size, rows[n].name,
			rows[n].value[rows[n].count / 2]);
	}
out:
	for (n = 0; n < BUFFERS; n++)
		if (buffers[n])
			__free_pages(buffers[n], order);
	memset(buffers, 0, sizeof(buffers));
	return err;
}
