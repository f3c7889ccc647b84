/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "configs.h"

#define IOMMU(n, h, m, ...)                                                               \
	{                                                                                 \
		.name = n, .backend = DMAH_BACKEND_IOMMU, .hw = h, .mode = m, __VA_ARGS__ \
	}

const struct bench_config configs[] = {
	{ .name = "direct", .backend = DMAH_BACKEND_DIRECT },
	{ .name = "direct, not coherent",
	  .backend = DMAH_BACKEND_DIRECT,
	  .noncoherent = true,
	  .pool = true },
	{ .name = "direct, 32 bits, boundary",
	  .backend = DMAH_BACKEND_DIRECT,
	  .pool = true,
	  .mask_bits = 32,
	  .boundary = 16384 },
	{ .name = "bounce", .backend = DMAH_BACKEND_BOUNCE, .pool = true },
	{ .name = "bounce, not coherent, min align",
	  .backend = DMAH_BACKEND_BOUNCE,
	  .pool = true,
	  .noncoherent = true,
	  .min_align_mask = 4095 },
	{ .name = "xen", .backend = DMAH_BACKEND_XEN, .hw = BENCH_XEN, .pool = true },
	{ .name = "xen, not coherent",
	  .backend = DMAH_BACKEND_XEN,
	  .hw = BENCH_XEN,
	  .pool = true,
	  .noncoherent = true },
	IOMMU("vtd3 strict", BENCH_VTD3, DMAH_STRICT),
	IOMMU("vtd4 strict", BENCH_VTD4, DMAH_STRICT),
	IOMMU("vtd4 lazy", BENCH_VTD4, DMAH_LAZY, .lazy_entries = 16),
	IOMMU("vtd5 lazy", BENCH_VTD5, DMAH_LAZY),
	IOMMU("vtd4 strict, not coherent", BENCH_VTD4, DMAH_STRICT, .noncoherent = true,
	      .pool = true),
	IOMMU("vtd4 lazy, not coherent", BENCH_VTD4, DMAH_LAZY, .noncoherent = true, .pool = true),
	IOMMU("vtd4 lazy, untrusted", BENCH_VTD4, DMAH_LAZY, .untrusted = true, .pool = true),
	IOMMU("vtd4 strict, untrusted, not coherent", BENCH_VTD4, DMAH_STRICT, .untrusted = true,
	      .pool = true, .noncoherent = true),
	IOMMU("vtd4 strict, walks not coherent", BENCH_VTD4, DMAH_STRICT, .walk_noncoherent = true),
	IOMMU("vtd4 lazy, caching mode", BENCH_VTD4, DMAH_LAZY, .map_flush = true),
	IOMMU("vtd4 strict, device TLB", BENCH_VTD4, DMAH_STRICT, .ats = true),
	IOMMU("vtd4 lazy, 24 bits", BENCH_VTD4, DMAH_LAZY, .mask_bits = 24),
	IOMMU("vtd4 strict, boundary, segment", BENCH_VTD4, DMAH_STRICT, .pool = true,
	      .boundary = 16384, .max_segment = 65536),
	IOMMU("vtd4 strict, no blocks", BENCH_VTD4, DMAH_STRICT, .no_blocks = true),
	IOMMU("vtd4 passthrough", BENCH_VTD4, DMAH_PASSTHROUGH),
	IOMMU("lpae39 strict", BENCH_LPAE39, DMAH_STRICT),
	IOMMU("lpae48 strict", BENCH_LPAE48, DMAH_STRICT, .walk_noncoherent = true),
	IOMMU("lpae48 lazy", BENCH_LPAE48, DMAH_LAZY),
	IOMMU("lpae48 lazy, not coherent", BENCH_LPAE48, DMAH_LAZY, .noncoherent = true,
	      .pool = true, .walk_noncoherent = true),
	IOMMU("lpae48 strict, untrusted", BENCH_LPAE48, DMAH_STRICT, .untrusted = true,
	      .pool = true),
};

const unsigned int nconfigs = sizeof(configs) / sizeof(configs[0]);
