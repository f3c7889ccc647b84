/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Makes and ends domains. The calls that are timed are in dma.c. */
#include <pthread.h>
#include <time.h>

#include <linux/iova.h>

#include "glue.h"

const struct bus_type pci_bus_type = { .name = "pci" };

u64 glue_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

const char *linux_peer_version(void)
{
	return LINUX_VERSION;
}

void linux_peer_thread(unsigned int cpu)
{
	BUG_ON(cpu >= LINUX_PEER_CPUS);
	shim_cpu = cpu;
	shim_cpu_offset = cpu * SHIM_PERCPU_STRIDE;
}

/* Initialises Linux's code once, as its drivers do when the first device is found. */
static int caches_err;

static void caches_init(void)
{
	caches_err = iova_cache_get();
}

static bool caches_there(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, caches_init);
	return !caches_err;
}

struct linux_peer *linux_peer_create(enum linux_peer_kind kind, bool lazy)
{
	struct iommu_domain *domain;
	struct linux_peer *peer;
	void *memory;

	if (!caches_there() || posix_memalign(&memory, 64, sizeof(*peer)))
		return NULL;
	peer = memory;
	memset(peer, 0, sizeof(*peer));
	peer->kind = kind == LINUX_VTD ? &vtd_kind : &arm_kind;
	peer->dma_mask = DMA_BIT_MASK(64);
	peer->pci.dev = (struct device){
		.bus = &pci_bus_type,
		.dma_mask = &peer->dma_mask,
		.iommu_group = &peer->group,
		.iommu = &peer->iommu,
		.dma_coherent = true,
		.dma_iommu = true,
		.dma_skip_sync = true,
	};
	direct_init(peer);
	/* Linux sets these for every PCI device. */
	peer->iommu.pci_32bit_workaround = 1;

	domain = peer->kind->create();
	if (!domain) {
		free(peer);
		return NULL;
	}
	domain->type = lazy ? IOMMU_DOMAIN_DMA_FQ : IOMMU_DOMAIN_DMA;
	peer->group.default_domain = domain;
	/* Linux falls back to strict mode without memory for the queues. */
	if (dma_domain_init(domain, &peer->pci.dev) ||
	    domain->type != (lazy ? IOMMU_DOMAIN_DMA_FQ : IOMMU_DOMAIN_DMA)) {
		linux_peer_destroy(peer);
		return NULL;
	}
	return peer;
}

void linux_peer_destroy(struct linux_peer *peer)
{
	if (!peer)
		return;
	direct_exit(peer);
	/* Follow the order of iommu_domain_free(). */
	dma_domain_exit(peer->group.default_domain);
	peer->kind->destroy(peer->group.default_domain);
	free(peer);
}

uint64_t linux_peer_iova_to_phys(struct linux_peer *peer, uint64_t dma)
{
	return iommu_iova_to_phys(peer->group.default_domain, dma);
}

uint64_t linux_peer_flushes(struct linux_peer *peer)
{
	return peer->kind->flushes(peer->group.default_domain);
}

void linux_peer_set_latency(struct linux_peer *peer, uint64_t ns)
{
	peer->kind->set_latency(peer->group.default_domain, ns);
}

struct linux_iova {
	struct iova_domain domain;
};

struct linux_iova *linux_iova_create(void)
{
	struct linux_iova *iova = caches_there() ? calloc(1, sizeof(*iova)) : NULL;

	if (!iova)
		return NULL;
	init_iova_domain(&iova->domain, PAGE_SIZE, 1);
	if (iova_domain_init_rcaches(&iova->domain)) {
		free(iova);
		return NULL;
	}
	return iova;
}

void linux_iova_destroy(struct linux_iova *iova)
{
	if (!iova)
		return;
	put_iova_domain(&iova->domain);
	free(iova);
}

uint64_t linux_iova_alloc(struct linux_iova *iova, unsigned long pages)
{
	return alloc_iova_fast(&iova->domain, pages, DMA_BIT_MASK(32) >> PAGE_SHIFT, true);
}

void linux_iova_free(struct linux_iova *iova, uint64_t first, unsigned long pages)
{
	free_iova_fast(&iova->domain, first, pages);
}
