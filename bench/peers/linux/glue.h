/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Interfaces between the files of the glue. */
#ifndef BENCH_PEERS_LINUX_GLUE_H
#define BENCH_PEERS_LINUX_GLUE_H

#include <linux/iommu.h>
#if LINUX_RELEASE >= 7003
#include <linux/generic_pt/iommu.h>
#endif

#include "peer.h"

_Static_assert(LINUX_PEER_CPUS == SHIM_CPUS, "peer.h and shim/percpu.h");

/* A simulated IOMMU driver: its domain, which has one device, and its IOMMU. */
struct iommu_kind {
	struct iommu_domain *(*create)(void);
	void (*destroy)(struct iommu_domain *domain);
	u64 (*flushes)(struct iommu_domain *domain);
	void (*set_latency)(struct iommu_domain *domain, u64 ns);
};
extern const struct iommu_kind arm_kind, vtd_kind;

struct linux_peer {
	struct pci_dev pci;
	struct pci_dev direct; /* the same device without its IOMMU */
	struct linux_bounce *bounce;
	struct iommu_group group;
	struct dev_iommu iommu;
	u64 dma_mask;
	const struct iommu_kind *kind;
};

/* dma.c: Sets up a domain's IOVA allocator and flush queues by Linux's own functions. */
int dma_domain_init(struct iommu_domain *domain, struct device *dev);
void dma_domain_exit(struct iommu_domain *domain);

/* map.c */
void direct_init(struct linux_peer *peer);
void direct_exit(struct linux_peer *peer);

u64 glue_now(void);

#endif
