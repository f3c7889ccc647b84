/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Linux's own DMA-mapping code as a peer of the benchmark.
 *
 * build.sh compiles the code, unmodified, from a Debian package linux-source-* for user space, and
 * makes liblinux-peer.a of it. That library is therefore under the GPL, version 2. This folder holds
 * none of Linux's code. It holds headers that replace the rest of a kernel (shim/), and the glue of
 * two simulated IOMMU drivers. Each file says how it differs from a kernel. All differences favour
 * Linux: no interrupt masking, no mitigations, no MMIO, no timers, no NUMA. The calls are those of drivers
 * (kernel/dma/mapping.c).
 */
#ifndef BENCH_PEERS_LINUX_PEER_H
#define BENCH_PEERS_LINUX_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** struct linux_peer - a domain of Linux's own code, with one device and its own IOMMU. */
struct linux_peer;

/**
 * enum linux_peer_kind - page tables and invalidation queue of a domain
 * @LINUX_ARM: io-pgtable-arm.c in its 64-bit stage 1 format, 4 levels, and the command queue of a
 *	simple SMMU (this project's: the queue of arm-smmu-v3.c costs more).
 * @LINUX_VTD: the page tables of intel/iommu.c, second stage, 4 levels, with the queued invalidation
 *	of dmar.c; no caching mode.
 */
enum linux_peer_kind { LINUX_ARM, LINUX_VTD };

/** LINUX_PEER_FAILED - returned by linux_peer_map() if it could not map. */
#define LINUX_PEER_FAILED UINT64_MAX

/** LINUX_PEER_CPUS - number of CPUs that Linux sees. */
#define LINUX_PEER_CPUS 8

/** linux_peer_version() - Returns the version of this Linux, for example "6.12.9". */
const char *linux_peer_version(void);

/**
 * linux_peer_create() - Makes a domain with one coherent, trusted 64-bit PCI device.
 * @kind: its IOMMU.
 * @lazy: IOVAs are flushed in batches through the flush queue of each CPU (iommu.strict=0), else
 *	every unmap waits for its invalidation (iommu.strict=1).
 *
 * Return: the domain; NULL without memory.
 */
struct linux_peer *linux_peer_create(enum linux_peer_kind kind, bool lazy);

/**
 * linux_peer_destroy() - Ends a domain by Linux's own functions.
 * @peer: the domain; no thread may be in a call with it. NULL does nothing.
 *
 * Live mappings are unmapped. Memory of page tables and IOVAs is used again by later domains
 * and never returned to the system.
 */
void linux_peer_destroy(struct linux_peer *peer);

/**
 * linux_peer_thread() - Makes the calling thread CPU @cpu.
 * @cpu: 0 to %LINUX_PEER_CPUS - 1. Two threads that run at one time must not share a number: as in
 *	a kernel, no lock protects the data of a CPU. A thread that never called this is CPU 0.
 */
void linux_peer_thread(unsigned int cpu);

/**
 * linux_peer_map() - Calls dma_map_page_attrs() for DMA_FROM_DEVICE.
 * @peer: the domain.
 * @phys: physical address, not in the page at 0, which Linux's unmap takes for unmapped; the memory
 *	is neither read nor written.
 * @len: bytes.
 *
 * Return: the DMA address, %LINUX_PEER_FAILED on failure.
 */
uint64_t linux_peer_map(struct linux_peer *peer, uint64_t phys, uint32_t len);

/**
 * linux_peer_unmap() - Calls dma_unmap_page_attrs() for DMA_FROM_DEVICE.
 * @peer: the domain.
 * @dma: DMA address that linux_peer_map() returned.
 * @len: the length that was mapped. An unmap of an unmapped range ends the program; Linux would
 *	warn.
 */
void linux_peer_unmap(struct linux_peer *peer, uint64_t dma, uint32_t len);

/** struct scatterlist - Linux's scatter list, one entry for each piece. */
struct scatterlist;

/** linux_peer_sg_create() - Makes a list of @n entries. Return: NULL without memory. */
struct scatterlist *linux_peer_sg_create(unsigned int n);

/**
 * linux_peer_map_sg() - Puts pages into a list, then calls dma_map_sg_attrs() for DMA_FROM_DEVICE.
 * @peer: the domain.
 * @sg: a list that is not mapped.
 * @pages: physical address of each page.
 * @stride: bytes from one address in @pages to the next.
 * @n: number of pages.
 *
 * Return: the number of DMA segments; 0 on failure.
 */
unsigned int linux_peer_map_sg(struct linux_peer *peer, struct scatterlist *sg,
			       const uint64_t *pages, size_t stride, unsigned int n);

/** linux_peer_unmap_sg() - Calls dma_unmap_sg_attrs(). */
void linux_peer_unmap_sg(struct linux_peer *peer, struct scatterlist *sg, unsigned int n);

/** linux_peer_sg_dma() - Returns the DMA address of byte @at of a mapped list. */
uint64_t linux_peer_sg_dma(const struct scatterlist *sg, uint64_t at);

/** linux_peer_set_memory() - Tells where buffers that bounce lie: their CPU address is their physical one plus @offset. */
void linux_peer_set_memory(unsigned long offset);

/**
 * linux_peer_bounce() - Makes linux_peer_direct_map() bounce all buffers (swiotlb=force), with a pool of its own.
 * @peer: the domain.
 * @bytes: size of the pool.
 *
 * Return: false without memory.
 */
bool linux_peer_bounce(struct linux_peer *peer, size_t bytes);

/** linux_peer_direct_map() - Calls dma_map_page_attrs() for DMA_FROM_DEVICE, for the domain's device without its IOMMU. */
uint64_t linux_peer_direct_map(struct linux_peer *peer, uint64_t phys, uint32_t len);

/** linux_peer_direct_unmap() - Calls dma_unmap_page_attrs() for that device. */
void linux_peer_direct_unmap(struct linux_peer *peer, uint64_t dma, uint32_t len);

/** linux_peer_direct_sync_for_cpu() - Calls __dma_sync_single_for_cpu() for that device, which bounces. */
void linux_peer_direct_sync_for_cpu(struct linux_peer *peer, uint64_t dma, uint32_t len);

/** linux_peer_skip_sync() - Returns the flag that dma_sync_single_for_cpu() tests in its caller: no sync is needed. */
const bool *linux_peer_skip_sync(struct linux_peer *peer);

/** struct linux_link - a range of IOVAs that pages are linked into: Linux's struct dma_iova_state. Only 7.3 has the calls with it. */
struct linux_link {
	uint64_t addr, size;
};

/**
 * linux_peer_link() - Calls dma_iova_try_alloc(), dma_iova_link() for each page and dma_iova_sync(), as NVMe's driver does.
 * @peer: the domain.
 * @link: the range.
 * @pages: physical address of each page.
 * @n: number of pages.
 *
 * Return: false on failure.
 */
bool linux_peer_link(struct linux_peer *peer, struct linux_link *link, const uint64_t *pages,
		     unsigned int n);

/** linux_peer_unlink() - Calls dma_iova_destroy(), which waits for the invalidation in a lazy domain, too. */
void linux_peer_unlink(struct linux_peer *peer, struct linux_link *link, unsigned int n);

/**
 * linux_peer_sync_for_cpu() - Calls iommu_dma_sync_single_for_cpu() for DMA_FROM_DEVICE.
 * @peer: the domain. Its device is coherent and does not bounce, so there is nothing to do: a driver's call tests
 *	linux_peer_skip_sync() and does not come here.
 * @dma: DMA address in a mapping.
 * @len: bytes.
 */
void linux_peer_sync_for_cpu(struct linux_peer *peer, uint64_t dma, uint32_t len);

/**
 * linux_peer_sync_for_device() - Calls iommu_dma_sync_single_for_device() for DMA_FROM_DEVICE.
 * @peer: the domain; see linux_peer_sync_for_cpu().
 * @dma: DMA address in a mapping.
 * @len: bytes.
 */
void linux_peer_sync_for_device(struct linux_peer *peer, uint64_t dma, uint32_t len);

/**
 * linux_peer_iova_to_phys() - Translates a DMA address by Linux's own walk of the page table.
 * @peer: the domain.
 * @dma: DMA address.
 *
 * Return: the physical address, 0 if nothing is mapped. After linux_peer_unmap() it is 0 in a lazy
 * domain, too: only the IOMMU's cache is flushed late.
 */
uint64_t linux_peer_iova_to_phys(struct linux_peer *peer, uint64_t dma);

/**
 * linux_peer_flushes() - Returns the number of waits for an invalidation since the domain was made.
 * @peer: the domain.
 *
 * A strict domain waits once for each unmap, a lazy one once for each flush of a flush queue.
 */
uint64_t linux_peer_flushes(struct linux_peer *peer);

/**
 * linux_peer_set_latency() - Sets the time of an invalidation.
 * @peer: the domain; no thread may be in a call with it.
 * @ns: least time from the post of an invalidation to the end of its wait; 0: none. Several waits
 *	overlap: a queue that serves them one after the other would be slower.
 */
void linux_peer_set_latency(struct linux_peer *peer, uint64_t ns);

/** struct linux_iova - Linux's IOVA allocator by itself; sizes are in pages of 4 KiB. */
struct linux_iova;

/** linux_iova_create() - Calls init_iova_domain(), with caches. Return: NULL without memory. */
struct linux_iova *linux_iova_create(void);

/** linux_iova_destroy() - Calls put_iova_domain(). NULL does nothing. */
void linux_iova_destroy(struct linux_iova *iova);

/**
 * linux_iova_alloc() - Calls alloc_iova_fast(), for addresses below 4 GiB.
 * @iova: the allocator.
 * @pages: number of pages.
 *
 * Return: the number of the first page, 0 on failure.
 */
uint64_t linux_iova_alloc(struct linux_iova *iova, unsigned long pages);

/**
 * linux_iova_free() - Calls free_iova_fast().
 * @iova: the allocator.
 * @first: page number that linux_iova_alloc() returned.
 * @pages: number of pages that were allocated with it.
 */
void linux_iova_free(struct linux_iova *iova, uint64_t first, unsigned long pages);

#endif
