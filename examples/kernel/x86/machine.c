/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * QEMU's q35 machine: serial port, HPET, local APIC, PCI configuration space, exit.
 */
#include "kernel.h"
#include "machine.h"

#define SERIAL	  0x3f8
#define PCI_INDEX 0xcf8
#define PCI_DATA  0xcfc
#define EXIT	  0xf4

#define LAPIC	       0xfee00000u
#define LAPIC_EOI      0x0b0u
#define LAPIC_SPURIOUS 0x0f0u

const char machine_name[] = "x86, q35";

/* ---- ports and registers ---- */

static void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static uint32_t in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static volatile uint32_t *reg(uintptr_t address)
{
	return (volatile uint32_t *)address;
}

void serial_put(char c)
{
	/* Bit 5 of the line status: the transmitter has room. */
	while (!(in8(SERIAL + 5) & 0x20))
		;
	out8(SERIAL, (uint8_t)c);
}

/* ---- PCI ---- */

uint32_t pci_read(uint32_t id, uint32_t offset)
{
	out32(PCI_INDEX, 1u << 31 | id << 8 | offset);
	return in32(PCI_DATA);
}

void pci_write(uint32_t id, uint32_t offset, uint32_t value)
{
	out32(PCI_INDEX, 1u << 31 | id << 8 | offset);
	out32(PCI_DATA, value);
}

uint32_t pci_window(void)
{
	return 0;
}

/* ---- interrupts ---- */

/** struct gate - an entry of the interrupt descriptor table. */
struct gate {
	uint16_t offset0;
	uint16_t selector;
	uint16_t type;
	uint16_t offset16;
	uint32_t offset32;
	uint32_t zero;
};

void interrupt_entry(void);
void unexpected_entry(void);
void interrupt(void);
_Noreturn void unexpected(void);

void interrupt(void)
{
	fault_interrupt();
	*reg(LAPIC + LAPIC_EOI) = 0;
}

void unexpected(void)
{
	print("unexpected interrupt or exception\n");
	power_off(1);
}

static struct gate gate(void (*entry)(void))
{
	uintptr_t offset = (uintptr_t)entry;

	/* 0x8e00: present, 64-bit interrupt gate. */
	return (struct gate){ .offset0 = (uint16_t)offset,
			      .selector = 8,
			      .type = 0x8e00,
			      .offset16 = (uint16_t)(offset >> 16),
			      .offset32 = (uint32_t)(offset >> 32) };
}

static void interrupts_init(void)
{
	static struct gate idt[256];
	struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
	} pointer = { sizeof(idt) - 1, (uintptr_t)idt };

	for (unsigned int i = 0; i < 256; i++)
		idt[i] = gate(i == FAULT_VECTOR ? interrupt_entry : unexpected_entry);
	__asm__ volatile("lidt %0" : : "m"(pointer));
	/* Mask both legacy interrupt controllers; switch the local APIC on, spurious vector 255. */
	out8(0x21, 0xff);
	out8(0xa1, 0xff);
	*reg(LAPIC + LAPIC_SPURIOUS) = 0x1ff;
}

void machine_init(void)
{
	*reg(HPET + HPET_CONFIG) |= 1;
	interrupts_init();
	__asm__ volatile("sti" : : : "memory");
}

/*
 * QEMU's isa-debug-exit ends with (value << 1) | 1. A triple fault ends with 0, so 0 is no success
 * here.
 */
void power_off(int status)
{
	out32(EXIT, status ? 1 : 16);
	for (;;)
		__asm__ volatile("cli; hlt");
}
