/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The machines with QEMU's SMMUv3 that the shared suite runs on. */
#include "bench_qemu.h"
#include "configs.h"

#define IOMMU(n, h, m, ...)                                                               \
	{                                                                                 \
		.name = n, .backend = DMAH_BACKEND_IOMMU, .hw = h, .mode = m, __VA_ARGS__ \
	}

const struct bench_kind bench_kind = { .can = BENCH_LPAE, .hw = BENCH_LPAE48 };

const struct bench_config configs[] = {
	IOMMU("lpae39 strict", BENCH_LPAE39, DMAH_STRICT),
	IOMMU("lpae39 lazy", BENCH_LPAE39, DMAH_LAZY),
	IOMMU("lpae48 strict, walks not coherent", BENCH_LPAE48, DMAH_STRICT,
	      .walk_noncoherent = true),
	IOMMU("lpae48 lazy", BENCH_LPAE48, DMAH_LAZY),
	IOMMU("lpae48 strict, untrusted", BENCH_LPAE48, DMAH_STRICT, .untrusted = true,
	      .pool = true),
	IOMMU("lpae48 strict, boundary, segment", BENCH_LPAE48, DMAH_STRICT, .pool = true,
	      .boundary = 16384, .max_segment = 65536),
	IOMMU("lpae48 passthrough", BENCH_LPAE48, DMAH_PASSTHROUGH),
};

const unsigned int nconfigs = sizeof(configs) / sizeof(configs[0]);
