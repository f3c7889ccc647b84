/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The toy machine of this example: 1 MiB of memory at physical address 0x80000000.
 */
#ifndef EXAMPLE_MACHINE_H
#define EXAMPLE_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#define MACHINE_BASE 0x80000000u
#define MACHINE_RAM  0x100000u
/* Below: buffers and the bounce pool. From here on: what the port hands out. */
#define MACHINE_HEAP 0x80000u

extern unsigned char machine_ram[MACHINE_RAM];

/** machine_print() - a report of the library, on the console. */
void machine_print(const char *device, const char *error, const char *text, uint64_t addr);

#endif /* EXAMPLE_MACHINE_H */
