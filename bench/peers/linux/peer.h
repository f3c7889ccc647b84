/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Linux's own DMA-mapping code as a peer of the benchmark.
 *
 * The code is that of a Debian package linux-source-*, compiled unmodified in user space; build.sh
 * makes liblinux-peer.a of it, which is therefore under the GPL, version 2. None of Linux's code is
 * in this folder. What is ours are the headers in shim/ that stand for the rest of a kernel, and the
 * glue of two simulated IOMMU drivers; each says which way it errs, which is Linux's favour
 * throughout: no interrupt masking, no mitigations, no MMIO, no timers, no NUMA, no DMA API layer
 * above dma-iommu.c.
 */
#ifndef BENCH_PEERS_LINUX_PEER_H
#define BENCH_PEERS_LINUX_PEER_H

#include <stdbool.h>
#include <stdint.h>

/** struct linux_peer - one domain of Linux's own code, with one device and an IOMMU of its own. */
struct linux_peer;

/**
 * enum linux_peer_kind - whose page tables and invalidation queue
 * @LINUX_ARM: io-pgtable-arm.c in its 64-bit stage 1 format, 4 levels, and the command queue of a
 *	simple SMMU (ours: arm-smmu-v3.c's own queue costs more).
 * @LINUX_VTD: the page tables of intel/iommu.c, second stage, 4 levels, with the queued invalidation
 *	of dmar.c; no caching mode.
 */
enum linux_peer_kind { LINUX_ARM, LINUX_VTD };

/** LINUX_PEER_FAILED - what linux_peer_map() returns when it could not map. */
#define LINUX_PEER_FAILED UINT64_MAX

/** LINUX_PEER_CPUS - CPUs that Linux believes to have. */
#define LINUX_PEER_CPUS 8

/** linux_peer_version() - the version of Linux that this was made of, such as "6.12.9". */
const char *linux_peer_version(void);

/**
 * linux_peer_create() - a fresh domain with one coherent, trusted 64-bit PCI device
 * @kind: which IOMMU.
 * @lazy: IOVAs are flushed in batches through the flush queue of each CPU (iommu.strict=0), else
 *	every unmap waits for its invalidation (iommu.strict=1).
 *
 * Return: the domain; NULL where memory ran out.
 */
struct linux_peer *linux_peer_create(enum linux_peer_kind kind, bool lazy);

/**
 * linux_peer_destroy() - tear a domain down by Linux's own functions
 * @peer: the domain; nothing may be mapping on it. NULL does nothing.
 *
 * What is still mapped is unmapped. Memory of page tables and IOVAs is used again by later domains
 * and never returned to the system.
 */
void linux_peer_destroy(struct linux_peer *peer);

/**
 * linux_peer_thread() - the calling thread is CPU @cpu from now on
 * @cpu: 0 to %LINUX_PEER_CPUS - 1. Two threads that run at one time must not share a number: as in
 *	a kernel, what belongs to a CPU is not protected from itself. A thread that never called this
 *	is CPU 0.
 */
void linux_peer_thread(unsigned int cpu);

/**
 * linux_peer_map() - iommu_dma_map_page() for DMA_FROM_DEVICE
 * @peer: the domain.
 * @phys: physical address, in any page but that at 0, which Linux takes for unmapped when it is to
 *	unmap it; nothing reads or writes what is there.
 * @len: bytes.
 *
 * Return: the DMA address, %LINUX_PEER_FAILED on failure.
 */
uint64_t linux_peer_map(struct linux_peer *peer, uint64_t phys, uint32_t len);

/**
 * linux_peer_unmap() - iommu_dma_unmap_page() for DMA_FROM_DEVICE
 * @peer: the domain.
 * @dma: what linux_peer_map() returned.
 * @len: the length that was mapped. To unmap what is not mapped ends the program, where Linux would
 *	warn.
 */
void linux_peer_unmap(struct linux_peer *peer, uint64_t dma, uint32_t len);

/**
 * linux_peer_sync_for_cpu() - iommu_dma_sync_single_for_cpu() for DMA_FROM_DEVICE
 * @peer: the domain. Its device is coherent and does not bounce, so there is nothing to do: this is
 *	what it costs Linux to find that out (6.12 does so one layer further up).
 * @dma: DMA address in a mapping.
 * @len: bytes.
 */
void linux_peer_sync_for_cpu(struct linux_peer *peer, uint64_t dma, uint32_t len);

/**
 * linux_peer_sync_for_device() - iommu_dma_sync_single_for_device() for DMA_FROM_DEVICE
 * @peer: the domain; see linux_peer_sync_for_cpu().
 * @dma: DMA address in a mapping.
 * @len: bytes.
 */
void linux_peer_sync_for_device(struct linux_peer *peer, uint64_t dma, uint32_t len);

/**
 * linux_peer_iova_to_phys() - what the page table holds, by Linux's own walk
 * @peer: the domain.
 * @dma: DMA address.
 *
 * Return: the physical address, 0 where nothing is mapped. In a strict domain that is so as soon as
 * linux_peer_unmap() returned, and in a lazy one too: only the IOMMU's cache is flushed late.
 */
uint64_t linux_peer_iova_to_phys(struct linux_peer *peer, uint64_t dma);

/**
 * linux_peer_flushes() - invalidations that were waited for
 * @peer: the domain.
 *
 * Return: how often since the domain was made. Strict: once for each unmap; lazy: once for each
 * flush of a flush queue.
 */
uint64_t linux_peer_flushes(struct linux_peer *peer);

/**
 * linux_peer_set_latency() - how long an invalidation takes
 * @peer: the domain; nothing may be mapping on it.
 * @ns: each wait takes at least this long from when it was posted, 0: it is over at once. Waits
 *	overlap: a queue that serves them one after the other would be slower.
 */
void linux_peer_set_latency(struct linux_peer *peer, uint64_t ns);

/** struct linux_iova - an allocator of IOVAs alone, for sizes in pages of 4 KiB. */
struct linux_iova;

/** linux_iova_create() - init_iova_domain() with its caches; NULL where memory ran out. */
struct linux_iova *linux_iova_create(void);

/** linux_iova_destroy() - put_iova_domain(); NULL does nothing. */
void linux_iova_destroy(struct linux_iova *iova);

/**
 * linux_iova_alloc() - alloc_iova_fast(), below 4 GiB
 * @iova: the allocator.
 * @pages: how many.
 *
 * Return: the number of the first page, 0 on failure.
 */
uint64_t linux_iova_alloc(struct linux_iova *iova, unsigned long pages);

/**
 * linux_iova_free() - free_iova_fast()
 * @iova: the allocator.
 * @first: what linux_iova_alloc() returned.
 * @pages: as many as were asked for.
 */
void linux_iova_free(struct linux_iova *iova, uint64_t first, unsigned long pages);

#endif
