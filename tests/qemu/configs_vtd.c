/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The machines with QEMU's VT-d that the shared suite runs on. */
#include "bench_qemu.h"
#include "configs.h"

#define IOMMU(n, h, m, ...)                                                               \
	{                                                                                 \
		.name = n, .backend = DMAH_BACKEND_IOMMU, .hw = h, .mode = m, __VA_ARGS__ \
	}

const struct bench_kind bench_kind = { .can = BENCH_VTD, .hw = BENCH_VTD4 };

const struct bench_config configs[] = {
	IOMMU("vtd3 strict", BENCH_VTD3, DMAH_STRICT),
	IOMMU("vtd3 lazy, caching mode", BENCH_VTD3, DMAH_LAZY, .map_flush = true),
	IOMMU("vtd4 strict", BENCH_VTD4, DMAH_STRICT),
	IOMMU("vtd4 lazy", BENCH_VTD4, DMAH_LAZY, .lazy_entries = 16),
	IOMMU("vtd4 lazy, untrusted", BENCH_VTD4, DMAH_LAZY, .untrusted = true, .pool = true),
	IOMMU("vtd4 strict, walks not coherent", BENCH_VTD4, DMAH_STRICT, .walk_noncoherent = true),
	IOMMU("vtd4 strict, caching mode", BENCH_VTD4, DMAH_STRICT, .map_flush = true),
	IOMMU("vtd4 strict, device TLB", BENCH_VTD4, DMAH_STRICT, .ats = true),
	IOMMU("vtd4 lazy, 24 bits", BENCH_VTD4, DMAH_LAZY, .mask_bits = 24),
	IOMMU("vtd4 strict, boundary, segment", BENCH_VTD4, DMAH_STRICT, .pool = true,
	      .boundary = 16384, .max_segment = 65536),
	IOMMU("vtd4 strict, no blocks", BENCH_VTD4, DMAH_STRICT, .no_blocks = true),
	IOMMU("vtd4 passthrough", BENCH_VTD4, DMAH_PASSTHROUGH),
};

const unsigned int nconfigs = sizeof(configs) / sizeof(configs[0]);
