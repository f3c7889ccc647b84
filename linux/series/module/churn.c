// SPDX-License-Identifier: GPL-2.0-only
/* Two CPUs map and unmap each other's handles, of 1 to 40 pages, in no regular order. */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/iommu.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include "test.h"

#ifdef HAVE_HANDLE
#define THREADS 2
#define CELLS	48
#define STEPS	20000
#define LARGEST 40

struct cell {
	struct dma_handle h;
	phys_addr_t phys;
};

static struct cell cells[CELLS];
/* A thread takes a cell out of here while it works on it. */
static struct cell *places[CELLS];

struct churn {
	struct device *dev;
	u8 *buf;
	unsigned int seed, maps, failed, wrong;
	struct completion done;
};

/* Returns how many pages of a mapping do not lead to their page of the buffer. */
static unsigned int misled(struct device *dev, const struct cell *c)
{
	/* A small buffer of a device that is not coherent may bounce. */
	phys_addr_t phys = dma_handle_bounced(&c->h) ? c->h.phys : c->phys;
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	unsigned int pages = PFN_UP(offset_in_page(phys) + c->h.len), n, wrong = 0;
	dma_addr_t addr = dma_handle_addr(&c->h) & PAGE_MASK;

	for (n = 0; n < pages; n++)
		wrong += iommu_iova_to_phys(domain, addr + n * PAGE_SIZE) !=
			 (phys & PAGE_MASK) + n * PAGE_SIZE;
	return wrong;
}

static void step(struct churn *t, struct cell *c, u32 random)
{
	size_t size = 1 + random % (LARGEST * PAGE_SIZE - PAGE_SIZE), offset = random >> 20;
	u8 *start = t->buf + offset % PAGE_SIZE;

	if (dma_handle_mapped(&c->h)) {
		t->wrong += misled(t->dev, c);
		dma_unmap_handle(t->dev, &c->h);
		return;
	}
	/* Most buffers have one page. */
	if (random & 3)
		size = 1 + size % PAGE_SIZE;
	c->phys = virt_to_phys(start);
	t->maps++;
	/* dma-debug reports two mappings of one cache line that the device may write. */
	t->failed += !!dma_map_handle_single(t->dev, &c->h, start, size,
					     IS_ENABLED(CONFIG_DMA_API_DEBUG) ? DMA_TO_DEVICE
									      : random % 3);
}

static int churn(void *data)
{
	struct churn *t = data;
	struct rnd_state random;
	unsigned int n;

	prandom_seed_state(&random, t->seed);
	for (n = 0; n < STEPS; n++) {
		struct cell **place = &places[prandom_u32_state(&random) % CELLS];
		struct cell *c = xchg(place, NULL);

		if (c) {
			step(t, c, prandom_u32_state(&random));
			smp_store_release(place, c);
		}
		if (n % 64 == 0)
			cond_resched();
	}
	complete(&t->done);
	return 0;
}

/* buf has 41 pages. */
static void run(struct edu *edu, u8 *buf)
{
	struct churn threads[THREADS] = {};
	unsigned int n, started = 0, maps = 0, failed = 0, wrong = 0;

	for (n = 0; n < CELLS; n++)
		places[n] = &cells[n];
	for (n = 0; n < THREADS; n++) {
		struct churn *t = &threads[n];
		struct task_struct *task;

		t->dev = &edu->pdev->dev;
		t->buf = buf;
		t->seed = n + 1;
		init_completion(&t->done);
		task = kthread_create(churn, t, "series_churn/%u", n);
		if (IS_ERR(task))
			break;
		kthread_bind(task, n % num_online_cpus());
		wake_up_process(task);
		started++;
	}
	for (n = 0; n < started; n++) {
		wait_for_completion(&threads[n].done);
		maps += threads[n].maps;
		failed += threads[n].failed;
		wrong += threads[n].wrong;
	}
	for (n = 0; n < CELLS; n++) {
		if (dma_handle_mapped(&cells[n].h))
			wrong += misled(&edu->pdev->dev, &cells[n]);
		dma_unmap_handle(&edu->pdev->dev, &cells[n].h);
	}
	report(started == THREADS && maps > STEPS / 2 && !failed && !wrong,
	       "churn: %u threads on %u CPUs, %u mappings, %u failed, %u pages wrong", started,
	       num_online_cpus(), maps, failed, wrong);
}
#endif

void check_churn(struct edu *edu)
{
#ifdef HAVE_HANDLE
	unsigned int order = get_order((LARGEST + 1) * PAGE_SIZE);
	struct page *pages = alloc_pages(GFP_KERNEL | GFP_DMA32, order);

	if (!pages) {
		report(false, "memory for the churn");
		return;
	}
	run(edu, page_address(pages));
	__free_pages(pages, order);
#endif
}
