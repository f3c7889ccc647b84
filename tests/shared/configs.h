/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The machines that the shared suite runs on: backends x formats x modes, and what makes each of them difficult.
 */
#ifndef DMAH_TESTS_CONFIGS_H
#define DMAH_TESTS_CONFIGS_H

#include "bench.h"

extern const struct bench_config configs[];
extern const unsigned int nconfigs;

#endif /* DMAH_TESTS_CONFIGS_H */
