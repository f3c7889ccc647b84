/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A simple SMMU over Linux's io-pgtable-arm.c, with the domain functions of arm-smmu-v3.c. The
 * command queue is this project's and cheaper than that driver's: it takes one lock for two commands
 * of 16 bytes, while the driver makes three atomic operations on shared words and polls a register.
 * One command invalidates any range, as with FEAT_RANGE_INV.
 */
#include <linux/io-pgtable.h>

#include "glue.h"

#define QUEUE_SLOTS 4096u
#define CMD_TLBI    0x12u
#define CMD_SYNC    0x46u

struct command {
	u64 what, argument;
};

struct smmu_domain {
	struct io_pgtable_ops *pgtbl_ops;
	struct iommu_domain domain;
	struct io_pgtable *pgtbl;
	struct io_pgtable_cfg cfg;
	/* Fields of the IOMMU, on cache lines of their own: threads that share a domain contend for them. */
	struct {
		spinlock_t lock;
		u32 tail;
		u64 latency;
		struct command *slots;
	} queue __attribute__((aligned(64)));
};

static struct smmu_domain *to_smmu(struct iommu_domain *domain)
{
	return container_of(domain, struct smmu_domain, domain);
}

static void queue_put(struct smmu_domain *smmu, u64 what, u64 argument)
{
	struct command *slot = &smmu->queue.slots[smmu->queue.tail++ % QUEUE_SLOTS];

	slot->argument = argument;
	__atomic_store_n(&slot->what, what, __ATOMIC_RELEASE);
}

/* Waits without holding the lock, as the driver does. */
static void queue_invalidate(struct smmu_domain *smmu, u64 argument)
{
	u64 latency = smmu->queue.latency;
	u64 start = latency ? glue_now() : 0;

	spin_lock(&smmu->queue.lock);
	queue_put(smmu, CMD_TLBI, argument);
	queue_put(smmu, CMD_SYNC, 0);
	spin_unlock(&smmu->queue.lock);
	if (unlikely(latency)) {
		while (glue_now() - start < latency)
			cpu_relax();
	}
}

static int smmu_map_pages(struct iommu_domain *domain, unsigned long iova, phys_addr_t phys,
			  size_t page_size, size_t count, int prot, gfp_t gfp, size_t *mapped)
{
	struct io_pgtable_ops *ops = to_smmu(domain)->pgtbl_ops;

	return ops->map_pages(ops, iova, phys, page_size, count, prot, gfp, mapped);
}

static size_t smmu_unmap_pages(struct iommu_domain *domain, unsigned long iova, size_t page_size,
			       size_t count, struct iommu_iotlb_gather *gather)
{
	struct io_pgtable_ops *ops = to_smmu(domain)->pgtbl_ops;

	return ops->unmap_pages(ops, iova, page_size, count, gather);
}

static phys_addr_t smmu_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova)
{
	struct io_pgtable_ops *ops = to_smmu(domain)->pgtbl_ops;

	return ops->iova_to_phys(ops, iova);
}

static void smmu_flush_iotlb_all(struct iommu_domain *domain)
{
	queue_invalidate(to_smmu(domain), 0);
}

static void smmu_iotlb_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
	if (gather->pgsize)
		queue_invalidate(to_smmu(domain), gather->start);
}

static const struct iommu_domain_ops smmu_ops = {
	.map_pages = smmu_map_pages,
	.unmap_pages = smmu_unmap_pages,
	.flush_iotlb_all = smmu_flush_iotlb_all,
	.iotlb_sync = smmu_iotlb_sync,
	.iova_to_phys = smmu_iova_to_phys,
};

/* Callbacks of the page-table code into the driver. */
static void smmu_tlb_flush_all(void *cookie)
{
	queue_invalidate(cookie, 0);
}

static void smmu_tlb_flush_walk(unsigned long iova, size_t size, size_t granule, void *cookie)
{
	queue_invalidate(cookie, iova);
}

static void smmu_tlb_add_page(struct iommu_iotlb_gather *gather, unsigned long iova, size_t granule,
			      void *cookie)
{
	struct smmu_domain *smmu = cookie;

	iommu_iotlb_gather_add_page(&smmu->domain, gather, iova, granule);
}

static const struct iommu_flush_ops flush_ops = {
	.tlb_flush_all = smmu_tlb_flush_all,
	.tlb_flush_walk = smmu_tlb_flush_walk,
	.tlb_add_page = smmu_tlb_add_page,
};

static void smmu_destroy(struct iommu_domain *domain)
{
	struct smmu_domain *smmu = to_smmu(domain);

	if (smmu->pgtbl)
		io_pgtable_arm_64_lpae_s1_init_fns.free(smmu->pgtbl);
	free(smmu->queue.slots);
	free(smmu);
}

static struct iommu_domain *smmu_create(void)
{
	struct smmu_domain *smmu;
	void *memory;

	if (posix_memalign(&memory, 64, sizeof(*smmu)))
		return NULL;
	smmu = memory;
	memset(smmu, 0, sizeof(*smmu));
	smmu->cfg = (struct io_pgtable_cfg){
		.pgsize_bitmap = SZ_4K | SZ_2M | SZ_1G,
		.ias = 48,
		.oas = 48,
		.coherent_walk = true,
		.tlb = &flush_ops,
	};
	smmu->queue.slots = calloc(QUEUE_SLOTS, sizeof(*smmu->queue.slots));
	smmu->pgtbl = io_pgtable_arm_64_lpae_s1_init_fns.alloc(&smmu->cfg, smmu);
	if (!smmu->queue.slots || !smmu->pgtbl) {
		smmu_destroy(&smmu->domain);
		return NULL;
	}
	/* Does the work of alloc_io_pgtable_ops(). */
	smmu->pgtbl->fmt = ARM_64_LPAE_S1;
	smmu->pgtbl->cookie = smmu;
	smmu->pgtbl->cfg = smmu->cfg;
	smmu->pgtbl_ops = &smmu->pgtbl->ops;

	smmu->domain.ops = &smmu_ops;
	smmu->domain.pgsize_bitmap = smmu->cfg.pgsize_bitmap;
	smmu->domain.geometry.aperture_end = DMA_BIT_MASK(48);
	smmu->domain.geometry.force_aperture = true;
	return &smmu->domain;
}

static u64 smmu_flushes(struct iommu_domain *domain)
{
	return __atomic_load_n(&to_smmu(domain)->queue.tail, __ATOMIC_RELAXED) / 2;
}

static void smmu_set_latency(struct iommu_domain *domain, u64 ns)
{
	to_smmu(domain)->queue.latency = ns;
}

const struct iommu_kind arm_kind = {
	.create = smmu_create,
	.destroy = smmu_destroy,
	.flushes = smmu_flushes,
	.set_latency = smmu_set_latency,
};
