/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Machines with a virtio-iommu alone. */
#include "configs.h"

const struct bench_config configs[] = {
	IOMMU("virtio strict", BENCH_VIRTIO, DMAH_STRICT),
	IOMMU("virtio lazy", BENCH_VIRTIO, DMAH_LAZY, .lazy_entries = 16),
	IOMMU("virtio strict, untrusted, not coherent", BENCH_VIRTIO, DMAH_STRICT,
	      .untrusted = true, .pool = true, .noncoherent = true),
	IOMMU("virtio lazy, not coherent", BENCH_VIRTIO, DMAH_LAZY, .noncoherent = true,
	      .pool = true),
	IOMMU("virtio passthrough", BENCH_VIRTIO, DMAH_PASSTHROUGH),
};

const unsigned int nconfigs = sizeof(configs) / sizeof(configs[0]);
