/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Translation by register (Arm IHI 0062, sections 3.9 and 16.5): the address goes into ATS1PR, ATSR tells when the unit has
 * walked its table, and PAR has the result. It is the reverse lookup of Linux' ARM IOMMU mapper: one register is written and
 * two or more are read for each unmap by address, while a handle has the physical address already.
 *
 * A bank has one set of these registers. A CPU that finds them taken walks the table in memory; so nobody waits for another,
 * but with short descriptors, whose table in memory is not to be found from its root.
 */
#include "hw/smmuv2/smmuv2.h"
#include "pt/pt.h"

#define NOWHERE (~(dmah_phys_t)0)
#define INSIDE	0xfffull

int dmah_smmuv2_walk(const struct dmah_pt_info *info, dmah_addr_t dma, dmah_phys_t *phys,
		     enum dmah_dir *dir)
{
	const struct pt pt = { .fmt = info->format,
			       .root = dmah_host_table_virt(info->root),
			       .root_phys = info->root,
			       .va_bits = info->va_bits,
			       .levels = info->levels };
	struct pt_entry entry;
	int visited;

	/* The root that the hardware has is not the library's. */
	if (info->format == &dmah_pt_arm_short)
		return -1;
	visited = info->format->walk(&pt, dma, &entry);

	if (visited > 0) {
		*phys = entry.phys;
		*dir = entry.dir;
	}
	return visited;
}

static dmah_phys_t walk(struct dmah_smmuv2 *smmu, const struct dmah_pt_info *info, dmah_addr_t dma,
			uint64_t *steps)
{
	dmah_phys_t phys = NOWHERE;
	enum dmah_dir dir;
	int visited = dmah_smmuv2_walk(info, dma, &phys, &dir);

	__atomic_add_fetch(&smmu->lookups_walked, 1, __ATOMIC_RELAXED);
	*steps += (uint64_t)(visited < 0 ? -visited : visited);
	return phys;
}

/* Returns the bank that translates by a table; -1: none does. */
static int bank_of(const struct dmah_smmuv2 *smmu, const struct dmah_pt_info *info)
{
	for (unsigned int bank = 0; bank < smmu->nbanks; bank++)
		if (smmu->bank[bank].streams && smmu->bank[bank].pt.root == info->root)
			return (int)bank;
	return -1;
}

/* Asks the unit. Returns false where it does not answer in time. */
static bool ask(const struct dmah_smmuv2 *smmu, unsigned int bank, dmah_addr_t dma, uint64_t *par,
		uint64_t *steps)
{
	volatile uint8_t *reg = dmah_smmuv2_context(smmu, bank, CB_ATS1PR);
	uint64_t begun = 0;
	bool late = false;
	uint32_t atsr;

	if (smmuv2_has(smmu, SMMUV2_VA64))
		dmah_host_write64(reg, dma & ~INSIDE);
	else
		dmah_host_write32(reg, (uint32_t)(dma & ~INSIDE));
	*steps += 2;
	while ((atsr = dmah_host_read32(dmah_smmuv2_context(smmu, bank, CB_ATSR))) &
	       STATUS_ACTIVE) {
		if (late || atsr == ~0u)
			return false;
		late = dmah_hw_late(smmu->timeout, &begun);
		(*steps)++;
		dmah_host_relax();
	}
	*par = dmah_host_read64(dmah_smmuv2_context(smmu, bank, CB_PAR));
	(*steps)++;
	return true;
}

static bool try_ask(struct dmah_smmuv2 *smmu, unsigned int bank, dmah_addr_t dma, uint64_t *par,
		    uint64_t *steps)
{
	uint32_t *busy = &smmu->bank[bank].lookup_busy;
	uint64_t begun = 0;
	bool answered;

	while (__atomic_exchange_n(busy, 1, __ATOMIC_ACQUIRE)) {
		if (!smmuv2_has(smmu, SMMUV2_SHORT) || dmah_hw_late(smmu->timeout, &begun))
			return false;
		dmah_host_relax();
	}
	answered = ask(smmu, bank, dma, par, steps);
	__atomic_store_n(busy, 0, __ATOMIC_RELEASE);
	return answered;
}

dmah_phys_t dmah_smmuv2_lookup(void *ctx, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	const struct dmah_smmuv2_table *table = ctx;
	struct dmah_smmuv2 *smmu = table->smmu;
	int bank = bank_of(smmu, &table->pt);
	uint64_t par;

	(void)dom;
	if (bank < 0 || !smmuv2_has(smmu, SMMUV2_ATS1) || hw_failed(&smmu->state) ||
	    !try_ask(smmu, (unsigned int)bank, dma, &par, steps))
		return walk(smmu, &table->pt, dma, steps);
	__atomic_add_fetch(&smmu->lookups, 1, __ATOMIC_RELAXED);
	return par & PAR_F ? NOWHERE : (par & PAR_ADDR) | (dma & INSIDE);
}
