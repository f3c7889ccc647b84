/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef EXAMPLE_MACHINE_H
#define EXAMPLE_MACHINE_H

#include "kernel.h"

/** FAULT_VECTOR - the interrupt vector of the IOMMU's fault interrupt. */
#define FAULT_VECTOR 0x40u

/* The registers of the HPET; HPET_PERIOD holds femtoseconds between two counts. */
#define HPET	    0xfed00000u
#define HPET_PERIOD 0x004u
#define HPET_CONFIG 0x010u
#define HPET_COUNT  0x0f0u

/** vtd_take_over(), vtd_enable(), vtd_release() - iommu_take_over() and so on, for Intel's. */
int vtd_take_over(const struct dmah_fw_setup *setup, struct dmah_iommu **iommu);
int vtd_enable(void);
int vtd_release(void);

/** amdvi_take_over(), amdvi_enable(), amdvi_release() - iommu_take_over() and so on, for AMD's. */
int amdvi_take_over(const struct dmah_fw_setup *setup, struct dmah_iommu **iommu);
int amdvi_enable(const struct dmah_fw_unit *unit);
int amdvi_release(void);

/** start_info - the address of the start information that QEMU hands over (boot.S). */
extern const uint64_t start_info;

#endif /* EXAMPLE_MACHINE_H */
