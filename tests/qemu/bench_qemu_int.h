/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The bench on QEMU inside: bench_qemu.c sets it up, bench_access.c moves its devices. */
#ifndef DMAH_TESTS_BENCH_QEMU_INT_H
#define DMAH_TESTS_BENCH_QEMU_INT_H

#include "bench_int.h"
#include "bench_qemu.h"
#include "edu.h"
#include "qemu.h"

#include <dmah/amdvi.h>
#include <dmah/riscv.h>
#include <dmah/smmuv3.h>
#include <dmah/vtd.h>

#include <pthread.h>

#define PAGE 4096u
/* The root table's entry: a first stage has no addresses of the upper half, and QEMU's stage 2 none beyond 44 bits. */
#define STAGING 31u

/* A device, and what its transactions meet. */
struct party {
	struct dmah_device dmah;
	struct edu edu;
	enum dmah_bind how;
	struct dmah_pt_info pt;
};

struct bench {
	struct bench_config config;
	struct qemu *q;
	struct bench_hooks hooks;
	struct dmah_iommu *iommu;
	struct dmah_vtd vtd;
	struct dmah_smmuv3 smmu;
	struct dmah_amdvi amdvi;
	struct dmah_riscv riscv;
	void *iommu_memory;
	struct dmah_domain *dom;
	void *domain_memory;
	struct dmah_pool *pool;
	void *pool_memory;
	dmah_phys_t memory;
	/* The page that devices can always reach, and tables that lead to it: [0] has its entry, [n] leads to [n - 1]. */
	dmah_phys_t staging;
	dmah_phys_t table[4];
	struct party party[2];
	dmah_phys_t fault_record;
	uint32_t events;
	bool keep;
	pthread_mutex_t mutex;
};

static inline bool is_vtd(const struct bench *b)
{
	return b->config.hw == BENCH_VTD3 || b->config.hw == BENCH_VTD4 ||
	       b->config.hw == BENCH_VTD4_FS;
}

static inline bool is_amd(const struct bench *b)
{
	return b->config.hw == BENCH_AMD4;
}

static inline bool is_riscv(const struct bench *b)
{
	return b->config.hw == BENCH_SV48;
}

/* Returns true for hardware that only the newer QEMU has. */
static inline bool is_newer(const struct bench *b)
{
	return b->config.hw == BENCH_LPAE48_S2 || b->config.hw == BENCH_VTD4_FS || is_amd(b) ||
	       is_riscv(b);
}

static inline dmah_phys_t smmu_regs(const struct bench *b)
{
	return b->config.hw == BENCH_LPAE48_S2 ? QEMU_SMMU_AT(0) : QEMU_SMMU_REGS;
}

static inline dmah_addr_t staging_of(const struct bench *b, const struct party *p)
{
	if (p->how == DMAH_BIND_PASSTHROUGH || !p->pt.levels)
		return b->staging;
	return (dmah_addr_t)STAGING << (3 + 9 * p->pt.levels);
}

#endif /* DMAH_TESTS_BENCH_QEMU_INT_H */
