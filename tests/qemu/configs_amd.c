/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The machines with AMD's IOMMU of QEMU 11 that the shared suite runs on. */
#include "bench_qemu.h"
#include "configs.h"

const struct bench_kind bench_kind = { .can = 0, .hw = BENCH_AMD4 };

const struct bench_config configs[] = {
	IOMMU("amd strict", BENCH_AMD4, DMAH_STRICT),
	IOMMU("amd lazy", BENCH_AMD4, DMAH_LAZY, .lazy_entries = 16),
	IOMMU("amd strict, walks not coherent", BENCH_AMD4, DMAH_STRICT, .walk_noncoherent = true),
	IOMMU("amd lazy, NpCache", BENCH_AMD4, DMAH_LAZY, .map_flush = true),
	IOMMU("amd strict, untrusted", BENCH_AMD4, DMAH_STRICT, .untrusted = true, .pool = true),
	IOMMU("amd passthrough", BENCH_AMD4, DMAH_PASSTHROUGH),
};

const unsigned int nconfigs = sizeof(configs) / sizeof(configs[0]);
