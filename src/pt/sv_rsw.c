/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* RISC-V first-stage tables of hardware with Svrsw60t59b. */
#define SV_GEN_BITS 2

#include "pt/sv.h"

const struct dmah_pt_format dmah_pt_sv_rsw = { .name = "RISC-V first stage, Svrsw60t59b",
					       WALK_OPS };
