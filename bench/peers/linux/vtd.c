/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Linux's VT-d page tables (intel/iommu.c; since 7.3 generic_pt), in the domain that its driver makes for a device behind a
 * coherent IOMMU in legacy mode: second stage, 4 levels, 2 MiB and 1 GiB pages, page-selective
 * invalidation, no caching mode, no device TLBs.
 */
#include "glue.h"
#include "vtd.h"

/* Only a conflict of entries would print this. */
#define debug_dma_dump_mappings(x) ((void)0)

#include "drivers/iommu/iommu-pages.h"
#include "intel.gen.h"

#define ADDRESS_WIDTH 48
#define DOMAIN_ID     1
/* QI_LENGTH descriptors of 16 bytes. */
#define QUEUE_ORDER 0

static const struct iommu_domain_ops vtd_ops = {
#if LINUX_RELEASE >= 7003
	IOMMU_PT_DOMAIN_OPS(vtdss),
#else
	.map_pages = intel_iommu_map_pages,
	.unmap_pages = intel_iommu_unmap_pages,
	.iova_to_phys = intel_iommu_iova_to_phys,
#endif
	.iotlb_sync_map = intel_iommu_iotlb_sync_map,
	.flush_iotlb_all = intel_flush_iotlb_all,
	.iotlb_sync = intel_iommu_tlb_sync,
};

#if LINUX_RELEASE >= 7003
/* The first stage, which only scalable mode has: a domain's operations are compared with these. */
const struct iommu_domain_ops intel_fs_paging_domain_ops;
#endif

struct vtd_domain {
	struct dmar_domain dmar;
	struct vtd_unit *unit;
	/* The link from a domain to its IOMMU. */
	struct cache_tag tag;
	struct qi_batch batch;
};

static struct vtd_domain *to_vtd(struct iommu_domain *domain)
{
	return container_of(to_dmar_domain(domain), struct vtd_domain, dmar);
}

/* Never reached: nothing is invalidated through registers. */
void __iommu_flush_iotlb(struct intel_iommu *iommu, u16 did, u64 addr, unsigned int size_order,
			 u64 type)
{
	shim_broken(__FILE__, __LINE__);
}

/* No hardware since 2008 has such a buffer. */
void iommu_flush_write_buffer(struct intel_iommu *iommu)
{
	BUG_ON(cap_rwbf(iommu->cap));
}

static void *zeroed(size_t size)
{
	void *p;

	if (posix_memalign(&p, 64, size))
		return NULL;
	return memset(p, 0, size);
}

static void unit_destroy(struct vtd_unit *unit)
{
	if (!unit)
		return;
	if (unit->qi.desc)
		shim_pages_free(virt_to_page(unit->qi.desc), QUEUE_ORDER);
	if (unit->qi.desc_status)
		shim_pages_free(virt_to_page(unit->qi.desc_status), QUEUE_ORDER);
	free(unit);
}

/* Set up the queue as dmar_enable_qi() does. The hardware can reach the status words. */
static struct vtd_unit *unit_create(void)
{
	struct vtd_unit *unit = zeroed(sizeof(*unit));
	struct page *queue, *status;

	if (!unit)
		return NULL;
	queue = shim_pages_alloc(__GFP_ZERO, QUEUE_ORDER);
	if (queue)
		unit->qi.desc = page_address(queue);
	status = shim_pages_alloc(__GFP_ZERO, QUEUE_ORDER);
	if (status)
		unit->qi.desc_status = page_address(status);
	if (!queue || !status) {
		unit_destroy(unit);
		return NULL;
	}
	_Static_assert(QI_LENGTH << DMAR_IQ_SHIFT <= PAGE_SIZE << QUEUE_ORDER, "one page");
	unit->qi.free_cnt = QI_LENGTH;
	unit->iommu.qi = &unit->qi;
	unit->iommu.reg = unit->registers;
	unit->iommu.gcmd = DMA_GCMD_TE;
	unit->iommu.agaw = 2; /* 48 bits, 4 levels */
	/* Capabilities: PSI of up to 2^18 pages, both drains, coherent walks, queued invalidation. */
	unit->iommu.cap = 1ull << 39 | 18ull << 48 | 3ull << 54;
	unit->iommu.ecap = 1ull << 0 | 1ull << 1;
	BUG_ON(!cap_pgsel_inv(unit->iommu.cap) || cap_max_amask_val(unit->iommu.cap) != 18 ||
	       !cap_write_drain(unit->iommu.cap) || !cap_read_drain(unit->iommu.cap) ||
	       cap_caching_mode(unit->iommu.cap) || cap_rwbf(unit->iommu.cap) ||
	       !ecap_coherent(unit->iommu.ecap) || !ecap_qis(unit->iommu.ecap) ||
	       ecap_smts(unit->iommu.ecap));
	return unit;
}

#if LINUX_RELEASE >= 7003

/* Does the work of intel_iommu_domain_alloc_second_stage(). */
static bool tables_create(struct vtd_domain *vtd)
{
	struct pt_iommu_vtdss_cfg cfg = {
		.common = { .features = BIT(PT_FEAT_FLUSH_RANGE),
			    .hw_max_vasz_lg2 = ADDRESS_WIDTH,
			    .hw_max_oasz_lg2 = 52 },
		.top_level = 3,
	};

	vtd->dmar.iommu.nid = NUMA_NO_NODE;
	return !pt_iommu_vtdss_init(&vtd->dmar.sspt, &cfg, GFP_KERNEL);
}

static void tables_destroy(struct vtd_domain *vtd)
{
	pt_iommu_deinit(&vtd->dmar.iommu);
}

#else

static bool tables_create(struct vtd_domain *vtd)
{
	struct page *root = shim_pages_alloc(__GFP_ZERO, 0);

	if (!root)
		return false;
	vtd->dmar.pgd = page_address(root);
	vtd->dmar.iommu_coherency = true;
	vtd->dmar.iommu_superpage = 2;
	vtd->dmar.gaw = ADDRESS_WIDTH;
	vtd->dmar.agaw = vtd->unit->iommu.agaw;
	vtd->dmar.domain.pgsize_bitmap = SZ_4K | SZ_2M | SZ_1G;
	vtd->dmar.domain.geometry.aperture_end = DMA_BIT_MASK(ADDRESS_WIDTH);
	vtd->dmar.domain.geometry.force_aperture = true;
	return true;
}

/* Does the work of domain_exit(). */
static void tables_destroy(struct vtd_domain *vtd)
{
	LIST_HEAD(pages);

	if (!vtd->dmar.pgd)
		return;
	domain_unmap(&vtd->dmar, 0, DOMAIN_MAX_PFN(vtd->dmar.gaw), &pages);
	put_pages_list(&pages);
}

#endif

static void vtd_destroy(struct iommu_domain *domain)
{
	struct vtd_domain *vtd = to_vtd(domain);

	tables_destroy(vtd);
	unit_destroy(vtd->unit);
	free(vtd);
}

static struct iommu_domain *vtd_create(void)
{
	struct vtd_domain *vtd = zeroed(sizeof(*vtd));

	if (!vtd)
		return NULL;
	vtd->unit = unit_create();
	if (!vtd->unit || !tables_create(vtd)) {
		vtd_destroy(&vtd->dmar.domain);
		return NULL;
	}

	INIT_LIST_HEAD(&vtd->dmar.devices);
	INIT_LIST_HEAD(&vtd->dmar.cache_tags);
	vtd->dmar.qi_batch = &vtd->batch;
	vtd->tag.type = CACHE_TAG_IOTLB;
	vtd->tag.iommu = &vtd->unit->iommu;
	vtd->tag.domain_id = DOMAIN_ID;
	vtd->tag.users = 1;
	list_add_tail(&vtd->tag.node, &vtd->dmar.cache_tags);

	vtd->dmar.domain.ops = &vtd_ops;
	return &vtd->dmar.domain;
}

static u64 vtd_flushes(struct iommu_domain *domain)
{
	return __atomic_load_n(&to_vtd(domain)->unit->waits, __ATOMIC_RELAXED);
}

static void vtd_set_latency(struct iommu_domain *domain, u64 ns)
{
	to_vtd(domain)->unit->latency = ns;
}

const struct iommu_kind vtd_kind = {
	.create = vtd_create,
	.destroy = vtd_destroy,
	.flushes = vtd_flushes,
	.set_latency = vtd_set_latency,
};
