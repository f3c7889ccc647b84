/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "hw/riscv/riscv.h"

int dmah_riscv_area_alloc(const struct dmah_riscv *unit, size_t size, struct dmah_riscv_area *area)
{
	dmah_phys_t limit = (1ull << unit->iommu.out_bits) - 1;
	unsigned int flags = unit->coherent ? 0 : DMAH_ALLOC_UNCACHED;
	size_t skip;
	char *cpu;

	/* The host aligns to pages. A larger area is cut out of twice as much. */
	size = size < DMAH_PAGE_SIZE ? DMAH_PAGE_SIZE : size;
	area->size = size > DMAH_PAGE_SIZE ? 2 * size : size;
	cpu = dmah_host_mem_alloc(area->size, limit, flags, &area->whole);
	if (!cpu) {
		area->cpu = NULL;
		return DMAH_ENOMEM;
	}
	skip = (size_t)(-area->whole & (size - 1));
	area->cpu = (uint64_t *)(void *)(cpu + skip);
	area->phys = area->whole + skip;
	return DMAH_OK;
}

void dmah_riscv_area_free(struct dmah_riscv_area *area)
{
	if (area->cpu)
		dmah_host_mem_free(area->whole, area->size);
	area->cpu = NULL;
}
