/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef EXAMPLE_MACHINE_H
#define EXAMPLE_MACHINE_H

#include <stdint.h>

/** IOMMU_WIRE - the interrupt of the first wire of QEMU's IOMMU at the PLIC. */
#define IOMMU_WIRE 36u

/** device_tree - the device tree, as the boot code found it. */
extern const void *device_tree;

/** interrupt_enable() - let interrupt @number call fault_interrupt() on hart 0. */
void interrupt_enable(uint32_t number);

#endif /* EXAMPLE_MACHINE_H */
