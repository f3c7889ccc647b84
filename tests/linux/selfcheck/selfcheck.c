// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the library in the kernel when the module is loaded: its own domains over the kernel's
 * memory, locks and CPUs. One domain bounces every buffer, one has its own page tables. No device
 * is behind them: slots are read to find what a device would see, and code of this file walks the
 * tables (Intel Virtualization Technology for Directed I/O, section 9.8: second-stage entries). A
 * failed check refuses the load.
 */
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/iommu.h>

#include "selfcheck.h"

#define BUFFERS 64u
#define POOL	SZ_1M

/* Everything that one run allocates, so that one place frees it. */
struct run {
	const char *name;
	void *memory;
	void *pool_memory;
	void *pool_pages;
	void *pages;
	struct dmah *h;
	struct dmah_pool *pool;
	struct dmah_domain *dom;
	struct dmah_device dev;
	unsigned int failed;
	unsigned int checks;
};

static void expect(struct run *r, bool ok, const char *what)
{
	r->checks++;
	if (ok)
		return;
	r->failed++;
	pr_err("dmah_selfcheck: %s: %s\n", r->name, what);
}

static u8 *buffer(const struct run *r, unsigned int i)
{
	/* Neither at the start of a page nor of a page's length. */
	return (u8 *)r->pages + i * PAGE_SIZE + 64;
}

static u32 buffer_len(unsigned int i)
{
	return 1500 + i;
}

/* ---- an IOMMU that counts its invalidations and caches nothing ---- */

static struct {
	u64 invalidations;
	u64 waits;
} calls;

static int null_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		     const struct dmah_pt_info *pt, uint32_t tag)
{
	return DMAH_OK;
}

static int null_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag)
{
	*tag = 1;
	return DMAH_OK;
}

static void null_tag_free(struct dmah_iommu *iommu, uint32_t tag)
{
}

static int null_invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova, uint64_t size,
			   bool tables, uint64_t *ticket)
{
	calls.invalidations++;
	if (ticket)
		*ticket = calls.invalidations;
	return 1;
}

static int null_fence(struct dmah_iommu *iommu, uint64_t *ticket)
{
	*ticket = calls.invalidations;
	return DMAH_OK;
}

static int null_wait(struct dmah_iommu *iommu, uint64_t ticket)
{
	calls.waits++;
	return DMAH_OK;
}

static const struct dmah_iommu_ops null_ops = {
	.bind = null_bind,
	.tag_alloc = null_tag_alloc,
	.tag_free = null_tag_free,
	.invalidate = null_invalidate,
	.fence = null_fence,
	.wait = null_wait,
};

static const struct dmah_pt_format *const null_formats[] = { &dmah_pt_vtd_ss };

static struct dmah_iommu null_iommu = {
	.ops = &null_ops,
	.name = "none",
	.caps = DMAH_IOMMU_COHERENT_WALK,
	.va_bits = 48,
	.out_bits = 52,
	.formats = null_formats,
	.nformats = ARRAY_SIZE(null_formats),
};

/*
 * Bits 0 and 1 of an entry: read, write; 9 bits of the address for each level; bits 12 to 51 are
 * the next address.
 */
static bool walk(const struct run *r, dmah_addr_t iova, bool write, dmah_phys_t *phys)
{
	struct dmah_pt_info info;
	dmah_phys_t at;

	if (dmah_domain_pt(r->dom, &info))
		return false;
	at = info.root;
	for (unsigned int level = info.levels; level-- > 0;) {
		const u64 *table = phys_to_virt(at);
		u64 entry = table[iova >> (12 + 9 * level) & 511];

		if (!(entry & (write ? 2 : 1)))
			return false;
		at = entry & 0xffffffffff000ull;
	}
	*phys = at | (iova & 4095);
	return true;
}

/* ---- one run ---- */

/* Returns the CPU's pointer to the first byte that the device would reach, or NULL. */
static u8 *seen(const struct run *r, const struct dmah *h, bool write)
{
	dmah_phys_t phys;

	if (!null_iommu.ops || !r->dev.dom)
		return NULL;
	if (r->pool)
		return phys_to_virt(dmah_addr(h));
	return walk(r, dmah_addr(h), write, &phys) ? (u8 *)phys_to_virt(phys) : NULL;
}

static bool all(const u8 *at, u8 value, u32 len)
{
	return at && !memchr_inv(at, value, len);
}

static void run_mappings(struct run *r)
{
	struct dmah copy;

	for (unsigned int i = 0; i < BUFFERS; i++) {
		memset(buffer(r, i), (int)i, buffer_len(i));
		expect(r,
		       !dmah_map_single(&r->dev, &r->h[i], buffer(r, i), buffer_len(i),
					DMAH_BIDIRECTIONAL),
		       "map");
		expect(r, all(seen(r, &r->h[i], false), (u8)i, buffer_len(i)),
		       "the device reads what the CPU wrote");
	}
	expect(r,
	       dmah_map_single(&r->dev, &r->h[0], buffer(r, 0), 1, DMAH_TO_DEVICE) == DMAH_EINVAL,
	       "map into a live handle is refused");
	for (unsigned int i = 0; i < BUFFERS; i++) {
		u8 *device = seen(r, &r->h[i], true);

		if (device)
			memset(device, (int)(i ^ 0xff), 512);
		expect(r, !dmah_sync_for_cpu(&r->dev, &r->h[i], 0, 512), "sync");
		expect(r, all(buffer(r, i), (u8)(i ^ 0xff), 512),
		       "the CPU reads what the device wrote");
		expect(r, all(buffer(r, i) + 512, (u8)i, buffer_len(i) - 512),
		       "a sync of a part leaves the rest");
	}
	for (unsigned int i = 0; i < BUFFERS; i++) {
		copy = r->h[i];
		expect(r, !dmah_unmap(&r->dev, &r->h[i]), "unmap");
		expect(r, dmah_unmap(&r->dev, &copy) == DMAH_ESTALE, "a stale copy is refused");
		expect(r, r->pool || !seen(r, &copy, false), "nothing translates after unmap");
	}
}

static void run_ring(struct run *r)
{
	static const struct dmah_ring_config config = { .entries = 16,
							.entry_size = 4096,
							.dir = DMAH_TO_DEVICE };
	size_t size = dmah_ring_memory(&config);
	void *memory = kvzalloc(ALIGN(size, PAGE_SIZE), GFP_KERNEL);
	struct dmah_ring *ring;
	dmah_addr_t dma;

	if (!memory || dmah_ring_init(&ring, &r->dev, &config, memory, size)) {
		expect(r, false, "ring");
		kvfree(memory);
		return;
	}
	for (unsigned int i = 0; i < 4 * config.entries; i++) {
		if (dmah_ring_live(ring) == config.entries)
			expect(r, !dmah_ring_pop(ring, 4), "pop");
		expect(r,
		       !dmah_ring_push(ring, virt_to_phys(buffer(r, i % BUFFERS)),
				       buffer_len(i % BUFFERS), &dma),
		       "push");
	}
	expect(r, !dmah_ring_pop(ring, dmah_ring_live(ring)), "pop of all");
	expect(r, !dmah_ring_fini(ring), "the ring ends");
	kvfree(memory);
}

static void run_domain(struct run *r)
{
	static const struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };
	struct dmah_stats stats;

	if (dmah_attach(r->dom, &r->dev, &limits)) {
		expect(r, false, "attach");
		return;
	}
	run_mappings(r);
	if (!r->pool)
		run_ring(r);
	expect(r, !dmah_flush(r->dom), "flush");
	dmah_device_stats(&r->dev, &stats);
	expect(r, !stats.reverse_lookups, "nothing was looked up");
	expect(r, stats.maps && stats.maps == stats.unmaps && !dmah_device_live(&r->dev),
	       "all that was mapped is unmapped");
	expect(r, !dmah_detach(&r->dev), "detach");
	expect(r, !dmah_domain_fini(r->dom), "the domain ends");
}

static int run(struct run *r, struct dmah_domain_config *config)
{
	size_t size;
	int err = -ENOMEM;

	config->cpus = nr_cpu_ids;
	if (config->backend == DMAH_BACKEND_BOUNCE) {
		size = dmah_pool_memory(POOL);
		r->pool_memory = kvzalloc(size, GFP_KERNEL);
		r->pool_pages = alloc_pages_exact(POOL, GFP_KERNEL | __GFP_ZERO);
		if (!r->pool_memory || !r->pool_pages)
			goto out;
		if (dmah_pool_init(&r->pool, virt_to_phys(r->pool_pages), POOL, r->pool_memory,
				   size))
			goto out;
		config->pool = r->pool;
	}
	size = dmah_domain_memory(config);
	r->memory = size ? kvzalloc(ALIGN(size, PAGE_SIZE), GFP_KERNEL) : NULL;
	r->h = kvcalloc(BUFFERS, sizeof(*r->h), GFP_KERNEL);
	r->pages = alloc_pages_exact(BUFFERS * PAGE_SIZE, GFP_KERNEL);
	if (!r->memory || !r->h || !r->pages)
		goto out;
	if (dmah_domain_init(&r->dom, config, r->memory, size))
		goto out;
	run_domain(r);
	err = r->failed ? -EIO : 0;
	pr_info("dmah_selfcheck: %s: %u of %u checks failed\n", r->name, r->failed, r->checks);
out:
	if (r->pages)
		free_pages_exact(r->pages, BUFFERS * PAGE_SIZE);
	kvfree(r->h);
	kvfree(r->memory);
	if (r->pool_pages)
		free_pages_exact(r->pool_pages, POOL);
	kvfree(r->pool_memory);
	return err;
}

static int __init selfcheck_init(void)
{
	struct dmah_domain_config bounce = { .backend = DMAH_BACKEND_BOUNCE };
	struct dmah_domain_config tables = { .backend = DMAH_BACKEND_IOMMU,
					     .mode = DMAH_LAZY,
					     .format = &dmah_pt_vtd_ss,
					     .iommu = &null_iommu,
					     .aperture_base = SZ_2M,
					     .aperture_size = SZ_64M };
	struct run first = { .name = "bounce", .dev.name = "selfcheck" };
	struct run second = { .name = "page tables", .dev.name = "selfcheck" };
	int err;

	host_silent = true;
	err = run(&first, &bounce);
	if (!err)
		err = run(&second, &tables);
	host_silent = false;
	if (!err && (!calls.invalidations || !calls.waits)) {
		pr_err("dmah_selfcheck: the IOMMU was not asked to invalidate, or not waited "
		       "for\n");
		err = -EIO;
	}
	if (!err && host_cache_calls) {
		pr_err("dmah_selfcheck: %u cache operations for coherent devices\n",
		       host_cache_calls);
		err = -EIO;
	}
	if (!err)
		pr_info("dmah_selfcheck: passed\n");
	return err;
}
module_init(selfcheck_init);

static void __exit selfcheck_exit(void)
{
}
module_exit(selfcheck_exit);

MODULE_DESCRIPTION("the dmah library, run in the kernel");
MODULE_LICENSE("GPL");
