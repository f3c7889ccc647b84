/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Machines with AMD's IOMMU alone, for the long suites. */
#include "configs.h"

const struct bench_config configs[] = {
	IOMMU("amd4 strict", BENCH_AMD4, DMAH_STRICT),
	IOMMU("amd4 lazy", BENCH_AMD4, DMAH_LAZY, .lazy_entries = 16),
	IOMMU("amd3 lazy", BENCH_AMD3, DMAH_LAZY),
	IOMMU("amd6 strict", BENCH_AMD6, DMAH_STRICT),
	IOMMU("amd4 lazy, NpCache", BENCH_AMD4, DMAH_LAZY, .map_flush = true),
	IOMMU("amd4 strict, walks not coherent", BENCH_AMD4, DMAH_STRICT, .walk_noncoherent = true),
	IOMMU("amd4 strict, device TLB", BENCH_AMD4, DMAH_STRICT, .ats = true),
	IOMMU("amd4 lazy, untrusted, device TLB", BENCH_AMD4, DMAH_LAZY, .untrusted = true,
	      .pool = true, .ats = true),
	IOMMU("amd4 passthrough", BENCH_AMD4, DMAH_PASSTHROUGH),
};

const unsigned int nconfigs = sizeof(configs) / sizeof(configs[0]);
