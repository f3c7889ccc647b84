/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "hw/smmuv3/smmuv3.h"

static const unsigned char oas_bits[] = { 32, 36, 40, 42, 44, 48, 52, 52 };

int dmah_smmuv3_area_alloc(const struct dmah_smmuv3 *smmu, size_t size,
			   struct dmah_smmuv3_area *area)
{
	dmah_phys_t limit = (1ull << oas_bits[smmuv3_oas(smmu)]) - 1;
	unsigned int flags = smmu->features & SMMUV3_COHERENT ? 0 : DMAH_ALLOC_UNCACHED;
	size_t skip;
	char *cpu;

	/* The host aligns to pages; what is larger must be found inside of twice as much. */
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

void dmah_smmuv3_area_free(struct dmah_smmuv3_area *area)
{
	if (area->cpu)
		dmah_host_mem_free(area->whole, area->size);
	area->cpu = NULL;
}
