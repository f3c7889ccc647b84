/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * QEMU's virt machine: serial port, GICv2, PCI configuration space, exit. A real kernel reads the
 * addresses from the device tree.
 */
#include "kernel.h"
#include "machine.h"

#define UART	   0x09000000u
#define UART_FLAGS 0x18u

#define GICD	       0x08000000u
#define GICD_CTLR      0x000u
#define GICD_ISENABLER 0x100u
#define GICD_ITARGETSR 0x800u
#define GICD_ICFGR     0xc00u
#define GICC	       0x08010000u
#define GICC_CTLR      0x00u
#define GICC_PMR       0x04u
#define GICC_IAR       0x0cu
#define GICC_EOIR      0x10u

/* Configuration space, and the start of the addresses for BARs: no firmware has assigned any. */
#define ECAM   0x4010000000u
#define WINDOW 0x10000000u

const char machine_name[] = "arm64, virt";

static volatile uint32_t *reg(uintptr_t address)
{
	return (volatile uint32_t *)address;
}

void serial_put(char c)
{
	/* Bit 5 of the flags: the transmitter is full. */
	while (*reg(UART + UART_FLAGS) & 0x20)
		;
	*reg(UART) = (uint8_t)c;
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

/* The interrupt of the IOMMU; 0, which no device has, before interrupt_enable(). */
static uint32_t fault_number;

void interrupt(void);
_Noreturn void unexpected(uint64_t syndrome);

void interrupt(void)
{
	uint32_t number = *reg(GICC + GICC_IAR);

	if ((number & 0x3ff) == fault_number)
		fault_interrupt();
	*reg(GICC + GICC_EOIR) = number;
}

void unexpected(uint64_t syndrome)
{
	print("unexpected exception, syndrome 0x%llx\n", (unsigned long long)syndrome);
	power_off(1);
}

void interrupt_enable(uint32_t number)
{
	fault_number = number;
	((volatile uint8_t *)GICD)[GICD_ITARGETSR + number] = 1;
	*reg(GICD + GICD_ICFGR + number / 16 * 4) |= 2u << number % 16 * 2;
	*reg(GICD + GICD_ISENABLER + number / 32 * 4) = 1u << number % 32;
}

void machine_init(void)
{
	*reg(GICD + GICD_CTLR) = 1;
	*reg(GICC + GICC_PMR) = 0xff;
	*reg(GICC + GICC_CTLR) = 1;
	__asm__ volatile("msr daifclr, #2" : : : "memory");
}

/* Semihosting: SYS_EXIT with ADP_Stopped_ApplicationExit and the status. */
void power_off(int status)
{
	register uint64_t operation __asm__("x0") = 0x18;
	register const void *arguments __asm__("x1") = (uint64_t[]){ 0x20026, (uint64_t)status };

	__asm__ volatile("hlt #0xf000" : : "r"(operation), "r"(arguments) : "memory");
	for (;;)
		__asm__ volatile("wfi");
}
