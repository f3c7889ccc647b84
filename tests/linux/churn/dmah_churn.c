// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random maps and unmaps by handle on one device, held against the page table and a model: for hours of
 * the machine's clock, with no memory left, or beside a driver that uses the kernel's DMA API on the
 * same device. The device does no DMA for this module. Results are KTAP lines.
 */
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/prandom.h>
#include <linux/vmalloc.h>

#include <linux/dmah.h>

static char *device = "0000:00:01.0";
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "a PCI device");
static unsigned int hours;
module_param(hours, uint, 0444);
MODULE_PARM_DESC(hours, "churn for so many hours of the machine's clock");
static unsigned int starve;
module_param(starve, uint, 0444);
MODULE_PARM_DESC(starve, "so many bursts with no memory left");
static unsigned int once;
module_param(once, uint, 0444);
MODULE_PARM_DESC(once, "so many steps without a pause");
static bool beside;
module_param(beside, bool, 0444);
MODULE_PARM_DESC(beside, "churn in a thread until the module is removed");
static unsigned int seed = 1;
module_param(seed, uint, 0444);

#define HANDLES	     3000
#define BUFFER_ORDER 9
#define HOG	     (1 << 18)

static struct pci_dev *pdev;
static struct iommu_domain *domain;
static struct dmah *handles;
static struct page *buffer;
static struct rnd_state rnd;
static struct task_struct *thread;
static void **hog;
static bool strict;
static u64 steps, maps, failed, checked;
static unsigned int live;
static int cases;

static void report(bool ok, const char *what)
{
	pr_info("%s %d %s\n", ok ? "ok" : "not ok", ++cases, what);
}

static bool wrong(const char *what, const struct dmah *h)
{
	dma_addr_t dma = dmah_addr(h);

	pr_err("# step %llu: %s: dma %pad phys %llx len %zu\n", steps, what, &dma,
	       (u64)dmah_phys(h), dmah_len(h));
	return false;
}

/* The page table leads from both ends of a mapping to its buffer. */
static bool translates(const struct dmah *h)
{
	dma_addr_t first = dmah_addr(h), last = first + dmah_len(h) - 1;

	checked++;
	if (iommu_iova_to_phys(domain, first) != dmah_phys(h))
		return wrong("the first byte leads elsewhere", h);
	if (iommu_iova_to_phys(domain, last) != dmah_phys(h) + dmah_len(h) - 1)
		return wrong("the last byte leads elsewhere", h);
	return true;
}

static u32 below(u32 n)
{
	return prandom_u32_state(&rnd) % n;
}

static bool map_one(struct dmah *h)
{
	size_t most = PAGE_SIZE << BUFFER_ORDER, len, offset;
	static const enum dma_data_direction dirs[] = { DMA_TO_DEVICE, DMA_FROM_DEVICE,
							DMA_BIDIRECTIONAL };
	int err;

	switch (below(20)) {
	case 0:
		len = 1 + below(64 * PAGE_SIZE);
		break;
	case 1 ... 6:
		len = 1 + below(32 * PAGE_SIZE);
		break;
	default:
		len = 1 + below(PAGE_SIZE);
	}
	offset = below(most - len);
	err = dmah_map_page(&pdev->dev, h, buffer, offset, len, dirs[below(ARRAY_SIZE(dirs))]);
	if (err) {
		failed++;
		return !dmah_mapped(h) || wrong("a map failed and the handle is live", h);
	}
	maps++;
	live++;
	return below(16) || translates(h);
}

static bool unmap_one(struct dmah *h)
{
	dma_addr_t dma = dmah_addr(h);
	struct dmah copy = *h;
	int err = dmah_unmap(&pdev->dev, h);

	live--;
	if (err || dmah_mapped(h))
		return wrong("an unmap failed", &copy);
	/* Both modes clear the entry at once. The kernel's lazy unmap does, too. */
	if (!below(16) && iommu_iova_to_phys(domain, dma))
		return wrong("an unmapped address translates", &copy);
	return true;
}

static bool burst(unsigned int n)
{
	while (n--) {
		struct dmah *h = &handles[below(HANDLES)];

		steps++;
		if (!(dmah_mapped(h) ? unmap_one(h) : map_one(h)))
			return false;
	}
	return true;
}

static bool unmap_all(void)
{
	for (u32 i = 0; i < HANDLES; i++)
		if (dmah_mapped(&handles[i]) && !unmap_one(&handles[i]))
			return false;
	return true;
}

/* The module's own count of live mappings is this one's. */
static bool agrees(u64 misuse)
{
	struct dmah_stats s;

	if (dmah_get_stats(&pdev->dev, &s) || s.live != live || s.misuse != misuse) {
		pr_err("# live %llu, not %u; misuse %llu\n", s.live, live, s.misuse);
		return false;
	}
	return true;
}

/* Bursts with pauses of up to 20 s; all mappings go now and then. */
static bool day(void)
{
	u64 end = ktime_get_boottime_seconds() + hours * 3600ull, bursts = 0;
	bool ok = true;

	while (ok && ktime_get_boottime_seconds() < end) {
		ok = burst(1 + below(2000));
		if (ok && !(++bursts % 64))
			ok = unmap_all();
		if (!(bursts % 16))
			ok = ok && agrees(0);
		msleep(below(4) ? below(50) : below(20000));
	}
	return ok;
}

static u32 hog_all(void)
{
	u32 n = 0;

	while (n < HOG) {
		hog[n] = (void *)__get_free_page(GFP_ATOMIC | __GFP_NOWARN);
		if (!hog[n])
			break;
		n++;
	}
	return n;
}

/* In each round the pool must grow, and cannot. */
static bool starved(void)
{
	u64 failures = failed;
	bool ok = true;

	hog = vzalloc(array_size(HOG, sizeof(*hog)));
	if (!hog)
		return false;
	for (u32 i = 0; ok && i < starve; i++) {
		u32 n;

		ok = unmap_all();
		/* Free chunks go back to the kernel, so that the next maps ask for them anew. */
		msleep(7000);
		preempt_disable();
		n = hog_all();
		ok = ok && burst(HANDLES / 2);
		while (n--)
			free_page((unsigned long)hog[n]);
		preempt_enable();
		ok = ok && burst(HANDLES) && agrees(0);
	}
	vfree(hog);
	pr_info("# %llu maps failed for want of memory\n", failed - failures);
	return ok;
}

static int churn(void *unused)
{
	bool ok = true;

	while (!kthread_should_stop()) {
		ok = ok && burst(500);
		usleep_range(100, 300);
	}
	report(ok, "churn beside the device's driver");
	return 0;
}

static bool find(void)
{
	unsigned int segment, bus, slot, fn;

	if (sscanf(device, "%x:%x:%x.%x", &segment, &bus, &slot, &fn) != 4)
		return false;
	pdev = pci_get_domain_bus_and_slot((int)segment, bus, PCI_DEVFN(slot, fn));
	return pdev;
}

static void finish(void)
{
	bool ok = unmap_all() && !live && agrees(0);

	report(ok, "all mappings end, and nothing was misuse");
	report(!dmah_detach(&pdev->dev), "detach");
	pr_info("# %llu steps, %llu maps, %llu failed, %llu held against the page table\n", steps,
		maps, failed, checked);
	vfree(handles);
	__free_pages(buffer, BUFFER_ORDER);
	pci_dev_put(pdev);
}

static int __init churn_begin(void)
{
	int err;

	if (!find())
		return -ENODEV;
	prandom_seed_state(&rnd, seed);
	handles = vzalloc(array_size(HANDLES, sizeof(*handles)));
	buffer = alloc_pages(GFP_KERNEL, BUFFER_ORDER);
	err = handles && buffer ? dmah_attach(&pdev->dev, DMAH_MODE_POOL) : -ENOMEM;
	if (err) {
		vfree(handles);
		pci_dev_put(pdev);
		return err;
	}
	domain = iommu_get_domain_for_dev(&pdev->dev);
	strict = dmah_mode(&pdev->dev) != DMAH_MODE_POOL_LAZY;
	report(strict || dmah_mode(&pdev->dev) == DMAH_MODE_POOL_LAZY, "attach");
	if (once)
		report(burst(once), "steps, held against the page table");
	if (hours)
		report(day(), "hours of churn, held against the page table");
	if (starve)
		report(starved(), "maps while there is no memory, and after");
	if (beside) {
		thread = kthread_run(churn, NULL, "dmah_churn");
		if (IS_ERR(thread))
			thread = NULL;
		report(thread, "the thread runs");
	}
	return 0;
}

static void __exit churn_end(void)
{
	if (thread)
		kthread_stop(thread);
	finish();
}

module_init(churn_begin);
module_exit(churn_end);

MODULE_DESCRIPTION("Random maps and unmaps by handle");
MODULE_LICENSE("GPL");
