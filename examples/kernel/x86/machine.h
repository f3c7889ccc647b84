/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef EXAMPLE_MACHINE_H
#define EXAMPLE_MACHINE_H

#include <stdint.h>

/** FAULT_VECTOR - the interrupt vector of the IOMMU's fault interrupt. */
#define FAULT_VECTOR 0x40u

/* The registers of the HPET; HPET_PERIOD holds femtoseconds between two counts. */
#define HPET	    0xfed00000u
#define HPET_PERIOD 0x004u
#define HPET_CONFIG 0x010u
#define HPET_COUNT  0x0f0u

/** start_info - the address of the start information that QEMU hands over (boot.S). */
extern const uint64_t start_info;

#endif /* EXAMPLE_MACHINE_H */
