/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Interrupt remapping (section 2.2.5): a table for each device that has entries, which its device table entry leads to. All
 * other devices' fixed and arbitrated interrupts are blocked. A message's data is the number of the entry.
 *
 * Entries have 4 bytes, or 16 for destinations of 32 bits. The three upper bits of an entry's number are the delivery mode of
 * the message, and other modes than fixed (0) and lowest priority (1) are not remapped: so a table has 512 entries at most.
 */
#include "hw/amdvi/amdvi.h"

#define ENTRIES	    256u
#define ENTRIES_MAX 512u
/* Pointers in a page, and so device ids for which a page of the second kind has tables. */
#define POINTERS ((uint32_t)(DMAH_PAGE_SIZE / sizeof(void *)))

static int refuse(int err, const char *why, uint64_t value)
{
	dmah_host_report(NULL, err, why, value, NULL);
	return err;
}

static bool is_wide(const struct dmah_amdvi *amdvi)
{
	return amdvi->irq_control & CONTROL_XT;
}

static size_t entry_bytes(const struct dmah_amdvi *amdvi)
{
	return is_wide(amdvi) ? 16 : 4;
}

/* The entries, and behind them their owners and struct dmah_irq_table. */
static size_t table_bytes(const struct dmah_amdvi *amdvi)
{
	size_t bytes = amdvi->irq_entries * (entry_bytes(amdvi) + sizeof(uint32_t)) +
		       sizeof(struct dmah_irq_table) + sizeof(void *);

	return (bytes + DMAH_PAGE_SIZE - 1) / DMAH_PAGE_SIZE * DMAH_PAGE_SIZE;
}

/* ---- tables, by device id ---- */

/* Returns the place of a pointer to a device's table, or NULL where there is no page for it. */
static struct dmah_irq_table **place_of(const struct dmah_amdvi *amdvi, uint32_t id)
{
	struct dmah_irq_table ***pages = amdvi->irq_tables;
	struct dmah_irq_table **page = __atomic_load_n(&pages[id / POINTERS], __ATOMIC_ACQUIRE);

	return page ? &page[id % POINTERS] : NULL;
}

static struct dmah_irq_table *table_of(const struct dmah_amdvi *amdvi, uint32_t id)
{
	struct dmah_irq_table **place = place_of(amdvi, id);

	return place ? __atomic_load_n(place, __ATOMIC_ACQUIRE) : NULL;
}

/* Puts a pointer where there is none; another CPU may be first. Returns true if it was put. */
static bool install(struct dmah_amdvi *amdvi, void **at, void *pointer)
{
	unsigned long flags;
	bool first;

	dmah_host_enter(&flags);
	dmah_host_lock(&amdvi->tables);
	first = !*at;
	if (first)
		__atomic_store_n(at, pointer, __ATOMIC_RELEASE);
	dmah_host_unlock(&amdvi->tables);
	dmah_host_leave(flags);
	return first;
}

static int make_place(struct dmah_amdvi *amdvi, uint32_t id)
{
	void **pages = amdvi->irq_tables, *page;

	if (place_of(amdvi, id))
		return DMAH_OK;
	page = dmah_host_page_alloc(0);
	if (!page)
		return DMAH_ENOMEM;
	if (!install(amdvi, &pages[id / POINTERS], page))
		dmah_host_page_free(page);
	return DMAH_OK;
}

/*
 * Lets the device's entry lead to its table. The fence makes the unit forget the entry before what was read through it. Of CPUs
 * that allocate a device's first entries at one time each does so: none may go on before the unit has confirmed it.
 */
static int lead_to(struct dmah_amdvi *amdvi, uint32_t id, struct dmah_irq_table *table)
{
	const struct amdvi_command c[] = { amdvi_devtab(id), amdvi_fence(), amdvi_interrupts(id) };
	int err;

	if (__atomic_load_n(&table->known, __ATOMIC_ACQUIRE))
		return DMAH_OK;
	dmah_amdvi_entry_irq(amdvi, id,
			     DTE2_IV | DTE2_REMAP | (table->phys & DTE2_TABLE) |
				     DTE2_LOG2(__builtin_ctz(table->n)));
	err = dmah_amdvi_done(amdvi, c, 3);
	if (!err)
		__atomic_store_n(&table->known, true, __ATOMIC_RELEASE);
	return err;
}

static int make_table(struct dmah_amdvi *amdvi, uint32_t id)
{
	size_t entries = amdvi->irq_entries * entry_bytes(amdvi);
	struct dmah_irq_table *table;
	dmah_phys_t phys;
	char *memory;
	uintptr_t at;

	if (make_place(amdvi, id))
		return DMAH_ENOMEM;
	memory = dmah_host_mem_alloc(table_bytes(amdvi), UINT64_MAX, 0, &phys);
	if (!memory)
		return DMAH_ENOMEM;
	at = (uintptr_t)memory + entries + amdvi->irq_entries * sizeof(uint32_t);
	at = (at + sizeof(void *) - 1) & ~(uintptr_t)(sizeof(void *) - 1);
	table = (struct dmah_irq_table *)at;
	*table = (struct dmah_irq_table){ .entries = memory,
					  .phys = phys,
					  .owner = (uint32_t *)(void *)(memory + entries),
					  .n = amdvi->irq_entries };
	if (!amdvi->coherent)
		dmah_host_cache(DMAH_CACHE_CLEAN, phys, table_bytes(amdvi));
	if (!install(amdvi, (void **)place_of(amdvi, id), table))
		dmah_host_mem_free(phys, table_bytes(amdvi));
	return DMAH_OK;
}

static int find_table(struct dmah_iommu *iommu, const struct dmah_irq_source *source, bool make,
		      struct dmah_irq_table **table)
{
	struct dmah_amdvi *amdvi = amdvi_of(iommu);
	int err = DMAH_OK;

	*table = NULL;
	if (source->buses)
		return refuse(DMAH_ENOTSUP,
			      "dmah_irq_alloc: source.buses: an AMD unit finds entries by the id",
			      source->id);
	if (source->id >= amdvi->ids)
		return refuse(DMAH_EINVAL,
			      "dmah_irq_alloc: source.id is beyond the unit's device table",
			      source->id);
	*table = table_of(amdvi, source->id);
	if (!*table && make) {
		err = make_table(amdvi, source->id);
		*table = table_of(amdvi, source->id);
	}
	if (!err && make)
		err = lead_to(amdvi, source->id, *table);
	return err;
}

/* ---- on and off ---- */

static int can_do(const struct dmah_amdvi *amdvi, const struct dmah_irq_config *config, uint32_t n)
{
	const uint64_t need = EFR_XT | EFR_GA;

	if (n > ENTRIES_MAX)
		return refuse(DMAH_EINVAL, "dmah_irq_enable: config.entries is above 512", n);
	if (config->x2apic && (amdvi->efr & need) != need)
		return refuse(DMAH_ENOTSUP,
			      "dmah_irq_enable: config.x2apic, and the unit has not both XTSup and "
			      "GASup; features",
			      amdvi->efr);
	/* Hardware may not change the format while it translates. */
	if (config->x2apic != is_wide(amdvi) && amdvi->live)
		return refuse(DMAH_EBUSY,
			      "dmah_irq_enable: config.x2apic may change before "
			      "dmah_amdvi_enable() alone",
			      config->x2apic);
	return DMAH_OK;
}

static void set_all(struct dmah_amdvi *amdvi, uint64_t bits)
{
	for (uint32_t id = 0; id < amdvi->ids; id++)
		dmah_amdvi_entry_irq(amdvi, id, bits);
}

static int irq_enable(struct dmah_iommu *iommu, const struct dmah_irq_config *config)
{
	struct dmah_amdvi *amdvi = amdvi_of(iommu);
	uint32_t n = config->entries ? config->entries : ENTRIES;
	int err = can_do(amdvi, config, n);

	if (err)
		return err;
	/* A call of before may have failed half-way; it made no device's table. */
	if (!amdvi->irq_tables)
		amdvi->irq_tables = dmah_host_page_alloc(0);
	if (!amdvi->irq_tables)
		return DMAH_ENOMEM;
	amdvi->irq_entries = n;
	amdvi->irq_control = config->x2apic ? CONTROL_GA | CONTROL_XT : 0;
	set_all(amdvi, DTE2_IV);
	err = dmah_amdvi_forget_all(amdvi);
	if (err)
		(void)refuse(err, "dmah_irq_enable: the unit does not confirm in time; status",
			     amdvi_read(amdvi, REG_STATUS));
	return err;
}

static void free_tables(struct dmah_amdvi *amdvi)
{
	void **pages = amdvi->irq_tables;

	for (uint32_t id = 0; id < amdvi->ids; id++) {
		struct dmah_irq_table *table = table_of(amdvi, id);

		if (table)
			dmah_host_mem_free(table->phys, table_bytes(amdvi));
	}
	for (uint32_t i = 0; i < POINTERS; i++)
		if (pages[i])
			dmah_host_page_free(pages[i]);
	dmah_host_page_free(amdvi->irq_tables);
	amdvi->irq_tables = NULL;
}

static int irq_disable(struct dmah_iommu *iommu)
{
	struct dmah_amdvi *amdvi = amdvi_of(iommu);
	int err;

	set_all(amdvi, 0);
	err = dmah_amdvi_forget_all(amdvi);
	if (err)
		return err;
	free_tables(amdvi);
	return DMAH_OK;
}

/* ---- entries ---- */

static uint32_t narrow(const struct dmah_irq_target *target)
{
	return REMAP_ENABLED | (target->lowest ? REMAP_ARBITRATED : 0) |
	       (target->logical ? REMAP_LOGICAL : 0) | REMAP_DEST(target->dest) |
	       REMAP_VECTOR(target->vector);
}

static void store(uint64_t *at, uint64_t value)
{
#if UINTPTR_MAX > 0xffffffffu
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
#else
	/* The upper half of the lower quadword is reserved, and 0. */
	__atomic_store_n((uint32_t *)(void *)at, (uint32_t)value, __ATOMIC_RELEASE);
	__atomic_store_n((uint32_t *)(void *)at + 1, (uint32_t)(value >> 32), __ATOMIC_RELEASE);
#endif
}

/* The entry is off while both quadwords change. */
static void write_wide(uint64_t *at, const struct dmah_irq_target *target)
{
	uint64_t low = 0, high = at[1];

	if (target) {
		low = (narrow(target) & (REMAP_ENABLED | REMAP_ARBITRATED | REMAP_LOGICAL)) |
		      REMAP_DEST_LOW(target->dest);
		high = REMAP_DEST_HIGH(target->dest) | REMAP_VECTOR_WIDE(target->vector);
	}
	if (high != at[1]) {
		if (low != at[0])
			store(&at[0], 0);
		dmah_host_wmb();
		store(&at[1], high);
		dmah_host_wmb();
	}
	store(&at[0], low);
}

static void write_entry(struct dmah_iommu *iommu, struct dmah_irq_table *table, uint32_t index,
			const struct dmah_irq_source *source, const struct dmah_irq_target *target)
{
	struct dmah_amdvi *amdvi = amdvi_of(iommu);
	uint64_t at = table->phys + index * entry_bytes(amdvi);

	(void)source;
	if (is_wide(amdvi))
		write_wide((uint64_t *)table->entries + (size_t)index * 2, target);
	else
		__atomic_store_n((uint32_t *)table->entries + index, target ? narrow(target) : 0,
				 __ATOMIC_RELEASE);
	if (!amdvi->coherent)
		dmah_host_cache(DMAH_CACHE_CLEAN, at & ~63ull, 64);
	dmah_host_wmb();
}

static int forget_entries(struct dmah_iommu *iommu, const struct dmah_irq_source *source,
			  uint32_t index, uint32_t n)
{
	const struct amdvi_command c = amdvi_interrupts(source->id);

	(void)index;
	(void)n;
	return dmah_amdvi_done(amdvi_of(iommu), &c, 1);
}

/* ---- messages ---- */

/* A block is aligned, so that the number of a message may be put into the low bits. */
static void msi_of(struct dmah_iommu *iommu, uint32_t index, uint32_t n, struct dmah_msi *msi)
{
	(void)iommu;
	msi->addr = MSI_WINDOW;
	msi->data = index + n;
}

static uint64_t ioapic_entry(struct dmah_iommu *iommu, uint32_t index,
			     const struct dmah_irq_target *target)
{
	(void)iommu;
	return index | (target->level ? RTE_LEVEL : 0);
}

const struct dmah_irq_ops dmah_amdvi_irq_ops = {
	.enable = irq_enable,
	.disable = irq_disable,
	.table = find_table,
	.write = write_entry,
	.forget = forget_entries,
	.msi = msi_of,
	.ioapic = ioapic_entry,
};
