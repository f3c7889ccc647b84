/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * QEMU's virt machine: serial port, PLIC, PCI configuration space, exit. A real kernel reads the
 * addresses from the device tree.
 */
#include "kernel.h"
#include "machine.h"

#define UART	    0x10000000u
#define UART_STATUS 5u
#define UART_EMPTY  0x20u

#define PLIC	       0x0c000000u
#define PLIC_ENABLE    0x2000u /* of hart 0 in machine mode */
#define PLIC_THRESHOLD 0x200000u
#define PLIC_CLAIM     0x200004u

/* Configuration space, and the start of the addresses for BARs: no firmware has assigned any. */
#define ECAM   0x30000000u
#define WINDOW 0x40000000u

/* The device that ends QEMU: 0x5555 passes, 0x3333 fails with the status above it. */
#define FINISHER 0x100000u

#define CAUSE_EXTERNAL (1ull << 63 | 11)

const char machine_name[] = "riscv64, virt";
const void *device_tree;

static volatile uint32_t *reg(uintptr_t address)
{
	return (volatile uint32_t *)address;
}

void serial_put(char c)
{
	volatile uint8_t *uart = (volatile uint8_t *)UART;

	while (!(uart[UART_STATUS] & UART_EMPTY))
		;
	uart[0] = (uint8_t)c;
}

/* ---- PCI ---- */

uint32_t pci_read(uint32_t id, uint32_t offset)
{
	return *reg(ECAM + (id << 12) + offset);
}

void pci_write(uint32_t id, uint32_t offset, uint32_t value)
{
	*reg(ECAM + (id << 12) + offset) = value;
}

uint32_t pci_window(void)
{
	return WINDOW;
}

/* ---- interrupts ---- */

void trap(uint64_t cause, uint64_t at);

void trap(uint64_t cause, uint64_t at)
{
	uint32_t number;

	if (cause != CAUSE_EXTERNAL) {
		print("unexpected trap, cause 0x%llx at 0x%llx\n", (unsigned long long)cause,
		      (unsigned long long)at);
		power_off(1);
	}
	number = *reg(PLIC + PLIC_CLAIM);
	if (number == IOMMU_WIRE)
		fault_interrupt();
	*reg(PLIC + PLIC_CLAIM) = number;
}

void interrupt_enable(uint32_t number)
{
	*reg(PLIC + number * 4) = 1;
	*reg(PLIC + PLIC_ENABLE + number / 32 * 4) |= 1u << number % 32;
}

void machine_init(void)
{
	*reg(PLIC + PLIC_THRESHOLD) = 0;
	/* External interrupts of machine mode, and interrupts at all. */
	__asm__ volatile("csrs mie, %0" : : "r"(1ul << 11));
	__asm__ volatile("csrsi mstatus, 8" : : : "memory");
}

void power_off(int status)
{
	*reg(FINISHER) = status ? (uint32_t)status << 16 | 0x3333 : 0x5555;
	for (;;)
		__asm__ volatile("wfi");
}
