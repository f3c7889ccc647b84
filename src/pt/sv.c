/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* RISC-V first-stage tables of hardware that leaves no bit for a generation to software. */
#define SV_GEN_BITS 0

#include "pt/sv.h"

const struct dmah_pt_format dmah_pt_sv = { .name = "RISC-V first stage", WALK_OPS };
