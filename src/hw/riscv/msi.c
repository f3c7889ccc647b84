/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * MSI page tables (chapter Data Structures, MSI page tables). The unit looks a message's address up there only behind a
 * second stage, so a context that has an MSI page table also has a second-stage table, which is the same for all and
 * translates every address to itself, in the largest pages that there are.
 */
#include "hw/riscv/riscv.h"

/* A second-stage root table is four pages: its index has two bits more than others. */
#define ROOT_ENTRIES 2048u
#define ROOT_BYTES   (ROOT_ENTRIES * sizeof(uint64_t))
#define PTE_WORDS    2u

unsigned int dmah_riscv_second_mode(const struct dmah_riscv *unit)
{
	return unit->cap & CAP_SV48X4 ? ATP_SV48 : unit->cap & CAP_SV39X4 ? ATP_SV39 : 0;
}

unsigned int dmah_riscv_second_bits(const struct dmah_riscv *unit)
{
	return dmah_riscv_second_mode(unit) == ATP_SV48 ? 50 : 41;
}

static uint32_t count(const struct dmah_riscv *unit)
{
	return 1u << riscv_bits_in(unit->msi.mask);
}

/* The address of an interrupt file: the bits of its number, spread over the bits of the mask. */
static dmah_phys_t address_of(const struct dmah_riscv *unit, uint32_t file)
{
	dmah_phys_t phys = unit->msi.pattern & ~unit->msi.mask;

	for (uint64_t left = unit->msi.mask; left; left &= left - 1, file >>= 1)
		if (file & 1)
			phys |= left & -left;
	return phys;
}

static void set_file(struct dmah_riscv *unit, uint32_t file, bool allowed)
{
	uint64_t entry = PPN_OF(address_of(unit, file)) | MSI_PTE_BASIC | MSI_PTE_V;

	__atomic_store_n(&unit->files.cpu[(size_t)file * PTE_WORDS], allowed ? entry : 0,
			 __ATOMIC_RELEASE);
	dmah_host_wmb();
}

int dmah_riscv_files_init(struct dmah_riscv *unit)
{
	unsigned int shift = dmah_riscv_second_mode(unit) == ATP_SV48 ? 39 : 30;
	int err = riscv_area_alloc(unit, count(unit) * PTE_WORDS * sizeof(uint64_t), &unit->files);

	if (!err)
		err = riscv_area_alloc(unit, ROOT_BYTES, &unit->identity);
	if (err)
		return err;
	for (uint32_t file = 0; file < count(unit); file++)
		set_file(unit, file, true);
	for (uint64_t i = 0; i < ROOT_ENTRIES; i++)
		unit->identity.cpu[i] = PPN_OF(i << shift) | PTE_LEAF;
	unit->window = (struct dmah_reserved){
		.base = unit->msi.pattern & ~unit->msi.mask,
		.size = unit->msi.mask + DMAH_PAGE_SIZE,
		.identity = true,
		.dir = DMAH_FROM_DEVICE,
		.mmio = true,
	};
	unit->iommu.reserved = &unit->window;
	unit->iommu.nreserved = 1;
	return DMAH_OK;
}

void dmah_riscv_files_fini(struct dmah_riscv *unit)
{
	dmah_hw_area_free(&unit->files);
	dmah_hw_area_free(&unit->identity);
}

void dmah_riscv_files_context(const struct dmah_riscv *unit, uint64_t context[DC_WORDS])
{
	context[DC_IOHGATP] = ATP(dmah_riscv_second_mode(unit), unit->identity.phys) |
			      ATP_GSCID(RISCV_GSCID);
	context[DC_MSIPTP] = ATP(MSIPTP_FLAT, unit->files.phys);
	context[DC_MSI_MASK] = unit->msi.mask >> 12;
	context[DC_MSI_PATTERN] = unit->msi.pattern >> 12;
}

int dmah_riscv_msi_file(struct dmah_riscv *unit, uint32_t file, bool allowed)
{
	struct riscv_command c = dmah_riscv_all_second();

	if (!riscv_has_files(unit) || file >= count(unit)) {
		dmah_host_report(NULL, DMAH_EINVAL,
				 "dmah_riscv_msi_file: there is no interrupt file of this number",
				 file, NULL);
		return DMAH_EINVAL;
	}
	set_file(unit, file, allowed);
	return dmah_riscv_done(unit, &c, 1);
}
