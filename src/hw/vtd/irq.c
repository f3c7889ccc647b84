/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Interrupt remapping (chapter 5; entries: section 9.10; Interrupt Entry Cache Invalidate: 6.5.2.7): one table for the unit. An
 * entry names the requester whose messages it accepts.
 */
#include "hw/vtd/vtd.h"

#define ENTRIES	    4096u
#define ENTRIES_MIN 2u
#define ENTRIES_MAX 65536u
#define ENTRY_BYTES 16u

/* The table, and behind it its owners. */
static size_t table_bytes(uint32_t n)
{
	size_t bytes = (size_t)n * (ENTRY_BYTES + sizeof(uint32_t));

	return (bytes + DMAH_PAGE_SIZE - 1) / DMAH_PAGE_SIZE * DMAH_PAGE_SIZE;
}

static int refuse(int err, const char *why, uint64_t value)
{
	dmah_host_report(NULL, err, why, value, NULL);
	return err;
}

static struct vtd_command forget_all(void)
{
	return (struct vtd_command){ QI_IEC, 0 };
}

/* ---- on and off ---- */

static uint64_t table_register(const struct dmah_vtd *vtd)
{
	unsigned int size = (unsigned int)__builtin_ctz(vtd->irq_table.n) - 1;

	return vtd->irq_table.phys | size | (vtd->irq_x2apic ? IRTA_EIME : 0);
}

int dmah_vtd_irq_program(struct dmah_vtd *vtd)
{
	int err = DMAH_OK;

	/* Messages in compatibility format would pass. */
	if (vtd_read(vtd, REG_GSTS) & GCMD_CFI)
		err = dmah_vtd_gcmd(vtd, GCMD_CFI, false);
	if (err)
		return err;
	dmah_host_write64(vtd->regs + REG_IRTA, table_register(vtd));
	return dmah_vtd_gcmd(vtd, GCMD_SIRTP, true);
}

static int can_do(const struct dmah_vtd *vtd, const struct dmah_irq_config *config, uint32_t n)
{
	if (!(vtd->ecap & ECAP_IR))
		return refuse(DMAH_ENOTSUP,
			      "dmah_irq_enable: the unit remaps no interrupts; ECAP_REG",
			      vtd->ecap);
	if (config->x2apic && !(vtd->ecap & ECAP_EIM))
		return refuse(DMAH_ENOTSUP,
			      "dmah_irq_enable: config.x2apic, and the unit has no extended "
			      "interrupt mode; ECAP_REG",
			      vtd->ecap);
	if (n < ENTRIES_MIN || n > ENTRIES_MAX)
		return refuse(DMAH_EINVAL, "dmah_irq_enable: config.entries is not 2 to 65536", n);
	return DMAH_OK;
}

static int alloc(struct dmah_vtd *vtd, uint32_t n)
{
	struct dmah_irq_table *table = &vtd->irq_table;

	/* The hardware may have the table of a call that was not confirmed. */
	if (table->n == n)
		return DMAH_OK;
	if (table->n)
		return refuse(DMAH_EBUSY,
			      "dmah_irq_enable: a call with another number of entries was not "
			      "confirmed; that number",
			      table->n);
	table->entries = dmah_host_mem_alloc(table_bytes(n), UINT64_MAX, 0, &table->phys);
	if (!table->entries)
		return DMAH_ENOMEM;
	table->n = n;
	table->owner = (uint32_t *)(void *)((char *)table->entries + (size_t)n * ENTRY_BYTES);
	if (!(vtd->ecap & ECAP_C))
		dmah_host_cache(DMAH_CACHE_CLEAN, table->phys, table_bytes(n));
	return DMAH_OK;
}

static int irq_enable(struct dmah_iommu *iommu, const struct dmah_irq_config *config)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	uint32_t n = config->entries ? config->entries : ENTRIES;
	const struct vtd_command all = forget_all();
	int err = can_do(vtd, config, n);

	if (!err)
		err = alloc(vtd, n);
	if (err)
		return err;
	vtd->irq_x2apic = config->x2apic;
	err = dmah_vtd_irq_program(vtd);
	if (!err)
		err = dmah_vtd_done(vtd, &all, 1);
	if (!err)
		err = dmah_vtd_gcmd(vtd, GCMD_IRE, true);
	if (err)
		return refuse(
			err,
			"dmah_irq_enable: the unit does not take the table over in time; GSTS_REG",
			vtd_read(vtd, REG_GSTS));
	__atomic_store_n(&vtd->irq_on, true, __ATOMIC_RELEASE);
	return DMAH_OK;
}

static int irq_disable(struct dmah_iommu *iommu)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	const struct vtd_command all = forget_all();
	int err;

	/* A unit that was slow is back in service without remapping. */
	__atomic_store_n(&vtd->irq_on, false, __ATOMIC_RELEASE);
	err = dmah_vtd_gcmd(vtd, GCMD_IRE, false);
	if (!err)
		err = dmah_vtd_done(vtd, &all, 1);
	if (err)
		return err;
	dmah_host_mem_free(vtd->irq_table.phys, table_bytes(vtd->irq_table.n));
	vtd->irq_table = (struct dmah_irq_table){ 0 };
	return DMAH_OK;
}

/* ---- entries ---- */

static int find_table(struct dmah_iommu *iommu, const struct dmah_irq_source *source, bool make,
		      struct dmah_irq_table **table)
{
	(void)source;
	(void)make;
	*table = &vtd_of(iommu)->irq_table;
	return DMAH_OK;
}

static uint64_t low_of(const struct dmah_vtd *vtd, const struct dmah_irq_target *target)
{
	uint64_t low = IRTE_P | IRTE_VECTOR(target->vector);

	low |= vtd->irq_x2apic ? IRTE_DEST_X2APIC(target->dest) : IRTE_DEST(target->dest);
	if (target->logical)
		low |= IRTE_LOGICAL;
	if (target->lowest)
		low |= IRTE_LOWEST;
	if (target->level)
		low |= IRTE_LEVEL;
	return low;
}

static uint64_t high_of(const struct dmah_irq_source *source)
{
	return source->buses ? IRTE_BUSES(source->id >> 8, source->last_bus)
			     : IRTE_REQUESTER(source->id);
}

static void store_low(uint64_t *at, uint64_t value)
{
#if UINTPTR_MAX > 0xffffffffu
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
#else
	uint32_t *half = (uint32_t *)(void *)at;

	/* Not present while the halves change. */
	__atomic_store_n(&half[0], 0, __ATOMIC_RELEASE);
	dmah_host_wmb();
	__atomic_store_n(&half[1], (uint32_t)(value >> 32), __ATOMIC_RELEASE);
	dmah_host_wmb();
	__atomic_store_n(&half[0], (uint32_t)value, __ATOMIC_RELEASE);
#endif
}

/* The upper half, which names the requester, changes only while the entry is not present. */
static void write_entry(struct dmah_iommu *iommu, struct dmah_irq_table *table, uint32_t index,
			const struct dmah_irq_source *source, const struct dmah_irq_target *target)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	uint64_t *at = (uint64_t *)table->entries + (size_t)index * 2;

	if (target) {
		__atomic_store_n(&at[1], high_of(source), __ATOMIC_RELAXED);
		dmah_host_wmb();
	}
	store_low(at, target ? low_of(vtd, target) : 0);
	if (!(vtd->ecap & ECAP_C))
		dmah_host_cache(DMAH_CACHE_CLEAN,
				(table->phys + (uint64_t)index * ENTRY_BYTES) & ~63ull, 64);
	dmah_host_wmb();
}

/* One command has an aligned power of two of entries, of which the unit limits the size. */
static int forget_entries(struct dmah_iommu *iommu, const struct dmah_irq_source *source,
			  uint32_t index, uint32_t n)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	unsigned int order = (unsigned int)__builtin_ctz(n);
	struct vtd_command c = forget_all();

	(void)source;
	if (order <= ECAP_MHMV(vtd->ecap))
		c.lo |= QI_IEC_INDEX | QI_IEC_MASK(order) | QI_IEC_AT(index);
	return dmah_vtd_done(vtd, &c, 1);
}

/* ---- messages ---- */

/* The data is added to the number in the address (SHV), so that a device with several messages has a number for each. */
static void msi_of(struct dmah_iommu *iommu, uint32_t index, uint32_t n, struct dmah_msi *msi)
{
	(void)iommu;
	msi->addr = MSI_WINDOW | MSI_HANDLE(index) | MSI_REMAPPED | MSI_SHV;
	msi->data = n;
}

static uint64_t ioapic_entry(struct dmah_iommu *iommu, uint32_t index,
			     const struct dmah_irq_target *target)
{
	(void)iommu;
	return RTE_INDEX(index) | RTE_REMAPPED | (target->level ? RTE_LEVEL : 0) | target->vector;
}

const struct dmah_irq_ops dmah_vtd_irq_ops = {
	.enable = irq_enable,
	.disable = irq_disable,
	.table = find_table,
	.write = write_entry,
	.forget = forget_entries,
	.msi = msi_of,
	.ioapic = ioapic_entry,
};
