/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The kernel's part of the Rust example: one domain and one device, on the host of examples/port.
 */
#include <dmah/device.h>

#include <stdio.h>
#include <string.h>

#include "../port/machine.h"

#define POOL_SIZE 0x10000u

struct dmah_device *setup_device(void);
void *setup_memory(void);
void setup_device_writes(dmah_addr_t dma, const void *data, size_t len);
uint64_t setup_live(const struct dmah_device *dev);

void machine_print(const char *device, const char *error, const char *text, uint64_t addr)
{
	printf("%s: %s (%s) at 0x%llx\n", device, text, error, (unsigned long long)addr);
}

/* A device that cannot cross a page, so that a buffer may have to bounce. Return: NULL after an error. */
struct dmah_device *setup_device(void)
{
	static _Alignas(16) unsigned char pool_memory[16384];
	static _Alignas(64) unsigned char domain_memory[65536];
	static struct dmah_device dev = { .name = "toy" };
	struct dmah_domain_config config = { .backend = DMAH_BACKEND_DIRECT,
					     .history = 16,
					     .check_entries = 64 };
	struct dmah_limits limits = { .mask = 0xffffffff,
				      .boundary = 4096,
				      .flags = DMAH_DEV_COHERENT };
	struct dmah_domain *dom;

	if (dmah_pool_init(&config.pool, MACHINE_BASE, POOL_SIZE, pool_memory,
			   sizeof(pool_memory)) ||
	    dmah_domain_init(&dom, &config, domain_memory, sizeof(domain_memory)) ||
	    dmah_attach(dom, &dev, &limits))
		return NULL;
	return &dev;
}

/* Two pages that the driver may map. */
void *setup_memory(void)
{
	return machine_ram + POOL_SIZE;
}

/* The device writes to a DMA address, which on this machine is a physical address. */
void setup_device_writes(dmah_addr_t dma, const void *data, size_t len)
{
	memcpy(machine_ram + (dma - MACHINE_BASE), data, len);
}

uint64_t setup_live(const struct dmah_device *dev)
{
	return dmah_device_live(dev);
}
