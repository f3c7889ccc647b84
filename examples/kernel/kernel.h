/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The example kernel: the interfaces between its parts. A real kernel has its own version of each
 * of them.
 */
#ifndef EXAMPLE_KERNEL_H
#define EXAMPLE_KERNEL_H

#include <dmah/device.h>
#include <dmah/fw.h>

/* ---- console.c ---- */

/** print() - write a line to the serial port. Knows %s, %u, %x, %llu and %llx. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** symbol_of() - name the function that contains the address @code, as "function+0x12". */
const char *symbol_of(const void *code);

/* ---- host.c ---- */

/**
 * pages_alloc() - take @size bytes of zeroed, physically contiguous memory; NULL if there are not
 * enough.
 */
void *pages_alloc(size_t size);

/* ---- ARCH/host.c ---- */

/** host_rmb() - complete earlier loads before later ones begin. */
void host_rmb(void);

/* ---- pci.c ---- */

/**
 * pci_find() - find a function on bus 0 by device and vendor number. Returns its requester id, or
 * ~0.
 */
uint32_t pci_find(uint32_t device_vendor);

/**
 * pci_enable() - let the function @id answer on its registers and do DMA. Returns the registers of
 * BAR 0.
 */
volatile void *pci_enable(uint32_t id);

/* ---- ARCH/machine.c ---- */

/** machine_name - the architecture and the machine model. */
extern const char machine_name[];

/** machine_init() - set up the serial port, the clock and the interrupt controller. */
void machine_init(void);

/** serial_put() - write one character to the serial port. */
void serial_put(char c);

/** pci_read() - read a 32-bit register of the configuration space of the function @id. */
uint32_t pci_read(uint32_t id, uint32_t reg);

/** pci_write() - write a 32-bit register of the configuration space of the function @id. */
void pci_write(uint32_t id, uint32_t reg, uint32_t value);

/**
 * pci_window() - the address for the BARs of a function, or 0 if the firmware has assigned them.
 */
uint32_t pci_window(void);

/** power_off() - switch the machine off with an exit status for whoever started it; 0: passed. */
_Noreturn void power_off(int status);

/* ---- ARCH/iommu.c ---- */

/** firmware_tables() - hand the firmware's tables over to @fw. Returns 0 or an error. */
int firmware_tables(struct dmah_fw *fw);

/**
 * iommu_take_over() - take the IOMMU of @setup over from the firmware. Returns 0 and sets *@iommu,
 * or an error.
 */
int iommu_take_over(const struct dmah_fw_setup *setup, struct dmah_iommu **iommu);

/**
 * iommu_enable() - block every device that is not attached, and enable the fault interrupt of the
 * IOMMU, which the firmware's tables describe as @unit. Returns 0 or an error.
 */
int iommu_enable(const struct dmah_fw_unit *unit);

/** iommu_release() - give the IOMMU up. Returns 0 or an error. */
int iommu_release(void);

/* ---- main.c ---- */

/** kernel_main() - called by the boot code, with a stack and with interrupts off. */
_Noreturn void kernel_main(void);

/** fault_interrupt() - called by the interrupt handler when the IOMMU has refused a transaction. */
void fault_interrupt(void);

#endif /* EXAMPLE_KERNEL_H */
