/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef EXAMPLE_MACHINE_H
#define EXAMPLE_MACHINE_H

#include <stdint.h>

/** interrupt_enable() - let interrupt @number, edge-triggered, call fault_interrupt() on CPU 0. */
void interrupt_enable(uint32_t number);

#endif /* EXAMPLE_MACHINE_H */
