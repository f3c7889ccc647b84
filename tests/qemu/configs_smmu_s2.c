/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The machines with stage 2 of the SMMUv3 of QEMU 11 that the shared suite runs on. */
#include "bench_qemu.h"
#include "configs.h"

const struct bench_kind bench_kind = { .can = 0, .hw = BENCH_LPAE48_S2 };

const struct bench_config configs[] = {
	IOMMU("stage 2 strict", BENCH_LPAE48_S2, DMAH_STRICT),
	IOMMU("stage 2 lazy", BENCH_LPAE48_S2, DMAH_LAZY, .lazy_entries = 16),
	IOMMU("stage 2 strict, walks not coherent", BENCH_LPAE48_S2, DMAH_STRICT,
	      .walk_noncoherent = true),
	IOMMU("stage 2 strict, untrusted", BENCH_LPAE48_S2, DMAH_STRICT, .untrusted = true,
	      .pool = true),
	IOMMU("stage 2 passthrough", BENCH_LPAE48_S2, DMAH_PASSTHROUGH),
};

const unsigned int nconfigs = sizeof(configs) / sizeof(configs[0]);
