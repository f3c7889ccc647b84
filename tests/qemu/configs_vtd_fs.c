/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The machines with the first stage of the VT-d unit of QEMU 11, in scalable mode, that the shared suite runs on. */
#include "bench_qemu.h"
#include "configs.h"

const struct bench_kind bench_kind = { .can = 0, .hw = BENCH_VTD4_FS };

const struct bench_config configs[] = {
	IOMMU("first stage strict", BENCH_VTD4_FS, DMAH_STRICT),
	IOMMU("first stage lazy", BENCH_VTD4_FS, DMAH_LAZY, .lazy_entries = 16),
	IOMMU("first stage strict, walks not coherent", BENCH_VTD4_FS, DMAH_STRICT,
	      .walk_noncoherent = true),
	IOMMU("first stage strict, untrusted", BENCH_VTD4_FS, DMAH_STRICT, .untrusted = true,
	      .pool = true),
	IOMMU("first stage passthrough", BENCH_VTD4_FS, DMAH_PASSTHROUGH),
};

const unsigned int nconfigs = sizeof(configs) / sizeof(configs[0]);
