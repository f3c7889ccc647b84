/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Two buffers for a device that cannot cross a page: the second one bounces. No IOMMU;
 * examples/kernel has one.
 */
#include <dmah/device.h>
#include <dmah/dmah.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"

#define POOL_SIZE 0x10000u

void machine_print(const char *device, const char *error, const char *text, uint64_t addr)
{
	printf("%s: %s (%s) at 0x%" PRIx64 "\n", device, text, error, addr);
}

/* The device writes to a DMA address, which on this machine is a physical address. */
static void device_writes(dmah_addr_t dma, const char *text)
{
	memcpy(machine_ram + (dma - MACHINE_BASE), text, strlen(text) + 1);
}

static int receive(struct dmah_device *dev, char *buffer)
{
	struct dmah h = { 0 };
	struct dmah stale;
	bool bounced;
	int err = dmah_map_single(dev, &h, buffer, 64, DMAH_FROM_DEVICE);

	if (err)
		return err;
	bounced = dmah_addr(&h) != dmah_host_virt_to_phys(buffer);
	printf("buffer 0x%" PRIx64 " is DMA address 0x%" PRIx64 "%s\n",
	       dmah_host_virt_to_phys(buffer), dmah_addr(&h), bounced ? ", bounced" : "");
	device_writes(dmah_addr(&h), "hello");
	err = dmah_sync_for_cpu(dev, &h, 0, 64);
	if (err)
		return err;
	printf("after sync the CPU reads \"%s\"\n", buffer);
	stale = h;
	err = dmah_unmap(dev, &h);
	if (err)
		return err;
	/*
	 * A second unmap of the same mapping. Caught if the buffer bounced; a direct mapping keeps
	 * no state.
	 */
	if (bounced)
		(void)dmah_unmap(dev, &stale);
	return DMAH_OK;
}

int main(void)
{
	static _Alignas(16) unsigned char pool_memory[16384];
	static _Alignas(64) unsigned char domain_memory[16384];
	struct dmah_domain_config config = { .backend = DMAH_BACKEND_DIRECT,
					     .history = 16,
					     .check_entries = 64 };
	struct dmah_limits limits = { .mask = 0xffffffff,
				      .boundary = 4096,
				      .flags = DMAH_DEV_COHERENT };
	struct dmah_device dev = { .name = "toy" };
	struct dmah_stats stats;
	struct dmah_domain *dom;
	int err;

	err = dmah_pool_init(&config.pool, MACHINE_BASE, POOL_SIZE, pool_memory,
			     sizeof(pool_memory));
	if (!err)
		err = dmah_domain_init(&dom, &config, domain_memory, sizeof(domain_memory));
	if (!err)
		err = dmah_attach(dom, &dev, &limits);
	/*
	 * The first buffer lies within a page. The second crosses a page, which this device cannot
	 * do.
	 */
	if (!err)
		err = receive(&dev, (char *)machine_ram + POOL_SIZE + 0x100);
	if (!err)
		err = receive(&dev, (char *)machine_ram + POOL_SIZE + 0xff0);
	if (err) {
		printf("failed: %s\n", dmah_strerror(err));
		return 1;
	}
	dmah_device_stats(&dev, &stats);
	printf("%" PRIu64 " maps, %" PRIu64 " unmaps, %" PRIu64 " bytes bounced, %" PRIu64
	       " reverse lookups\n",
	       stats.maps, stats.unmaps, stats.bounced_bytes, stats.reverse_lookups);
	return dmah_detach(&dev) || dmah_domain_fini(dom);
}
