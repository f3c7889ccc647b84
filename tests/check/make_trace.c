// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Write a long trace to standard output: a network card that maps and unmaps receive buffers, and a
 * disk that maps lists, on four CPUs, with an IOMMU. The argument is the number of events.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { RING = 4096, LISTS = 64, ENTRIES = 8 };

static uint64_t seed = 1;

static uint32_t rnd(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % below;
}

static void head(uint64_t n, const char *event, const char *device)
{
	uint64_t us = n * 3;

	printf("     ksoftirqd/%u-%u      [%03u] ..s1. %5" PRIu64 ".%06" PRIu64 ": %s: %s ",
	       (unsigned int)(n % 4), (unsigned int)(12 + n % 4), (unsigned int)(n % 4),
	       us / 1000000, us % 1000000, event, device);
}

int main(int argc, char **argv)
{
	static uint64_t phys[RING], lists[LISTS];
	uint64_t nr = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000;

	for (uint64_t n = 0; n < nr; n++) {
		uint32_t slot = rnd(RING), list = rnd(LISTS);

		if (n % 16 == 0 && lists[list]) {
			head(n, "dma_unmap_sg", "0000:00:03.0");
			printf("dir=FROM_DEVICE phys_addrs={");
			for (int i = 0; i < ENTRIES; i++)
				printf("%s0x%" PRIx64, i ? "," : "",
				       lists[list] + 0x2000 * (uint64_t)i);
			printf("} attrs=\n");
			lists[list] = 0;
		} else if (n % 16 == 0) {
			lists[list] = UINT64_C(0x800000000) + 0x10000 * (uint64_t)list;
			head(n, "dma_map_sg", "0000:00:03.0");
			printf("dir=FROM_DEVICE nents=8/8 ents=1/1 dma_addrs={0x%" PRIx64
			       "} sizes={0x8000} phys_addrs={",
			       UINT64_C(0xe0000000) + 0x10000 * (uint64_t)list);
			for (int i = 0; i < ENTRIES; i++)
				printf("%s0x%" PRIx64, i ? "," : "",
				       lists[list] + 0x2000 * (uint64_t)i);
			printf("} attrs=\n");
		} else if (phys[slot]) {
			head(n, "dma_unmap_phys", "0000:00:04.0");
			printf("dir=FROM_DEVICE dma_addr=%" PRIx64
			       " size=2048 attrs=SKIP_CPU_SYNC\n",
			       UINT64_C(0xf0000000) + 0x1000 * (uint64_t)slot);
			phys[slot] = 0;
		} else {
			/* each slot has its own memory, so that no two mappings overlap */
			phys[slot] = UINT64_C(0x100000000) + 0x1000 * (uint64_t)slot +
				     0x1000 * RING * (uint64_t)rnd(64);
			head(n, "dma_map_phys", "0000:00:04.0");
			printf("dir=FROM_DEVICE dma_addr=%" PRIx64 " size=2048 phys_addr=%" PRIx64
			       " attrs=SKIP_CPU_SYNC\n",
			       UINT64_C(0xf0000000) + 0x1000 * (uint64_t)slot, phys[slot]);
		}
	}
	return fflush(stdout) != 0;
}
