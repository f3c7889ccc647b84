/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The machines of the shared suite: backends, formats, modes, and the difficult properties of each.
 */
#ifndef DMAH_TESTS_CONFIGS_H
#define DMAH_TESTS_CONFIGS_H

#include "bench.h"

/** IOMMU - a machine with an IOMMU: name, kind, mode, and other fields. */
#define IOMMU(n, h, m, ...)                                                               \
	{                                                                                 \
		.name = n, .backend = DMAH_BACKEND_IOMMU, .hw = h, .mode = m, __VA_ARGS__ \
	}

extern const struct bench_config configs[];
extern const unsigned int nconfigs;

#endif /* DMAH_TESTS_CONFIGS_H */
