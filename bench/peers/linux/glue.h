/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the parts of the glue know of each other. */
#ifndef BENCH_PEERS_LINUX_GLUE_H
#define BENCH_PEERS_LINUX_GLUE_H

#include <linux/iommu.h>

#include "peer.h"

_Static_assert(LINUX_PEER_CPUS == SHIM_CPUS, "peer.h and shim/percpu.h");

/* A simulated IOMMU driver: a domain for the one device, and the IOMMU that it belongs to. */
struct iommu_kind {
	struct iommu_domain *(*create)(void);
	void (*destroy)(struct iommu_domain *domain);
	u64 (*flushes)(struct iommu_domain *domain);
	void (*set_latency)(struct iommu_domain *domain, u64 ns);
};
extern const struct iommu_kind arm_kind, vtd_kind;

struct linux_peer {
	struct pci_dev pci;
	struct iommu_group group;
	struct dev_iommu iommu;
	u64 dma_mask;
	const struct iommu_kind *kind;
};

/* dma.c: give a domain its IOVA allocator and flush queues, by Linux's own functions. */
int dma_domain_init(struct iommu_domain *domain, struct device *dev);
void dma_domain_exit(struct iommu_domain *domain);

u64 glue_now(void);

#endif
