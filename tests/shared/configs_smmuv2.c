/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Machines with an SMMUv1 or SMMUv2 alone. */
#include "configs.h"

const struct bench_config configs[] = {
	IOMMU("smmuv2 strict", BENCH_SMMUV2, DMAH_STRICT),
	IOMMU("smmuv2 lazy", BENCH_SMMUV2, DMAH_LAZY, .lazy_entries = 16),
	IOMMU("smmuv2 lazy, untrusted, walks not coherent", BENCH_SMMUV2, DMAH_LAZY,
	      .untrusted = true, .pool = true, .walk_noncoherent = true),
	IOMMU("smmuv2 stage 2 strict, not coherent", BENCH_SMMUV2_S2, DMAH_STRICT,
	      .noncoherent = true, .pool = true, .walk_noncoherent = true),
	IOMMU("smmuv2 stage 2 lazy", BENCH_SMMUV2_S2, DMAH_LAZY),
	IOMMU("smmuv1 strict", BENCH_SMMUV1, DMAH_STRICT),
	IOMMU("smmuv1 short descriptors strict", BENCH_SMMUV1_SHORT, DMAH_STRICT),
	IOMMU("smmuv1 short descriptors lazy, not coherent", BENCH_SMMUV1_SHORT, DMAH_LAZY,
	      .noncoherent = true, .pool = true, .walk_noncoherent = true),
	IOMMU("smmuv1 stage 2 lazy", BENCH_SMMUV1_S2, DMAH_LAZY),
	IOMMU("smmuv2 passthrough", BENCH_SMMUV2, DMAH_PASSTHROUGH),
};

const unsigned int nconfigs = sizeof(configs) / sizeof(configs[0]);
