/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef EXAMPLE_MACHINE_H
#define EXAMPLE_MACHINE_H

/**
 * FAULT_INTERRUPT - the interrupt number of the SMMU's event queue: shared peripheral interrupt 74.
 */
#define FAULT_INTERRUPT (32u + 74u)

#endif /* EXAMPLE_MACHINE_H */
