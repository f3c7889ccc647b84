/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Scalable mode: PASID directories and tables (sections 9.5 and 9.6 of the Architecture Specification).
 *
 * A request without PASID is treated as one with the PASID that the context entry names (RID_PASID), which is 0 for every
 * device here: it needs no capability. Each device that was ever bound has a directory and a table of its own, of a page
 * each, of which the first entry is used. The context entry holds the directory's address also while it is not present.
 */
#include "hw/vtd/vtd.h"

static void clean(const struct dmah_vtd *vtd, const void *at, size_t size)
{
	dmah_phys_t phys = dmah_host_virt_to_phys(at);

	if (!(vtd->ecap & ECAP_C))
		dmah_host_cache(DMAH_CACHE_CLEAN, phys, size);
}

/* ---- tables ---- */

static uint64_t *directory_of(const uint64_t *context)
{
	uint64_t low = __atomic_load_n(&context[0], __ATOMIC_ACQUIRE);

	return low & ENTRY_ADDR ? dmah_host_table_virt(low & ENTRY_ADDR) : NULL;
}

uint64_t *dmah_vtd_pasid_entry(const uint64_t *context)
{
	const uint64_t *directory = directory_of(context);

	return directory ? dmah_host_table_virt(directory[0] & ENTRY_ADDR) : NULL;
}

void dmah_vtd_pasid_free(const uint64_t *context)
{
	uint64_t *directory = directory_of(context);

	if (!directory)
		return;
	dmah_host_page_free(dmah_host_table_virt(directory[0] & ENTRY_ADDR));
	dmah_host_page_free(directory);
}

/* Link a new directory and table to the context entry, unless another CPU was first. Returns true if they are linked. */
static bool install(struct dmah_vtd *vtd, uint64_t *context, uint64_t *directory, uint64_t *table)
{
	unsigned long flags;
	bool first;

	directory[0] = dmah_host_virt_to_phys(table) | ENTRY_P;
	clean(vtd, table, DMAH_PAGE_SIZE);
	clean(vtd, directory, DMAH_PAGE_SIZE);
	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->tables);
	first = !(context[0] & ENTRY_ADDR);
	if (first) {
		dmah_host_wmb();
		__atomic_store_n(&context[0], dmah_host_virt_to_phys(directory), __ATOMIC_RELEASE);
	}
	dmah_host_unlock(&vtd->tables);
	dmah_host_leave(flags);
	return first;
}

int dmah_vtd_pasid_make(struct dmah_vtd *vtd, uint64_t *context)
{
	uint64_t *directory, *table;

	if (directory_of(context))
		return DMAH_OK;
	directory = dmah_host_page_alloc(0);
	table = directory ? dmah_host_page_alloc(0) : NULL;
	if (table && install(vtd, context, directory, table))
		return DMAH_OK;
	if (directory)
		dmah_host_page_free(directory);
	if (!table)
		return DMAH_ENOMEM;
	dmah_host_page_free(table);
	return DMAH_OK;
}

/* ---- entries ---- */

/* PASID entries beyond the third word are 0, and so are SRE, ERE, EAFE and the memory types. */
void dmah_vtd_pasid_describe(const struct dmah_vtd *vtd, const struct dmah_pt_info *pt,
			     unsigned int levels, uint32_t tag, uint64_t word[VTD_PASID_WORDS])
{
	/* AW is the second stage's, and of another table's width some units refuse the entry. */
	word[0] = ENTRY_P | PASID_AW(pt && vtd->first_stage ? 4 : levels);
	word[1] = PASID_DID(tag) | (vtd->ecap & ECAP_SMPWCS ? PASID_PWSNP : 0);
	word[2] = 0;
	if (!pt) {
		word[0] |= PASID_PASS;
	} else if (vtd->first_stage) {
		word[0] |= PASID_FIRST;
		word[2] = (pt->root & ENTRY_ADDR) | (levels == 5 ? PASID_FIVE : 0);
	} else {
		word[0] |= PASID_SECOND | (pt->root & ENTRY_ADDR);
	}
}

void dmah_vtd_pasid_write(struct dmah_vtd *vtd, uint64_t *at, const uint64_t word[VTD_PASID_WORDS])
{
	__atomic_store_n(&at[0], 0, __ATOMIC_RELAXED);
	dmah_host_wmb();
	__atomic_store_n(&at[1], word[1], __ATOMIC_RELAXED);
	__atomic_store_n(&at[2], word[2], __ATOMIC_RELAXED);
	dmah_host_wmb();
	__atomic_store_n(&at[0], word[0], __ATOMIC_RELAXED);
	clean(vtd, at, PASID_BYTES);
	dmah_host_wmb();
}
