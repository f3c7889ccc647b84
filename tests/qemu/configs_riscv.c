/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The machines with the RISC-V IOMMU, Sv48 of QEMU 11 that the shared suite runs on. */
#include "bench_qemu.h"
#include "configs.h"

const struct bench_kind bench_kind = { .can = 0, .hw = BENCH_SV48 };

const struct bench_config configs[] = {
	IOMMU("sv48 strict", BENCH_SV48, DMAH_STRICT),
	IOMMU("sv48 lazy", BENCH_SV48, DMAH_LAZY, .lazy_entries = 16),
	IOMMU("sv48 strict, walks not coherent", BENCH_SV48, DMAH_STRICT, .walk_noncoherent = true),
	IOMMU("sv48 strict, untrusted", BENCH_SV48, DMAH_STRICT, .untrusted = true, .pool = true),
	IOMMU("sv48 passthrough", BENCH_SV48, DMAH_PASSTHROUGH),
};

const unsigned int nconfigs = sizeof(configs) / sizeof(configs[0]);
