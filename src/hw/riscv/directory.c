/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The device directory (chapter Data Structures, Device-Directory-Table): one to three levels of tables, which a device's id
 * indexes from its highest bits down. A leaf table holds device contexts of 32 bytes, or of 64 where the unit has MSI page
 * tables, so that the lowest index has 7 or 6 bits; the others have 9.
 */
#include "hw/riscv/riscv.h"

#define INDEX_BITS  9u
#define MOST_LEVELS 3u

unsigned int dmah_riscv_context_words(const struct dmah_riscv *unit)
{
	return unit->cap & CAP_MSI_FLAT ? 8 : 4;
}

static unsigned int leaf_bits(const struct dmah_riscv *unit)
{
	return unit->cap & CAP_MSI_FLAT ? 6 : 7;
}

unsigned int dmah_riscv_levels(const struct dmah_riscv *unit, unsigned int bits)
{
	unsigned int leaf = leaf_bits(unit);

	return bits <= leaf ? 1 : bits <= leaf + INDEX_BITS ? 2 : MOST_LEVELS;
}

static void clean(const struct dmah_riscv *unit, const uint64_t *at, uint64_t bytes)
{
	dmah_phys_t phys = dmah_host_virt_to_phys(at);

	if (!unit->coherent)
		dmah_host_cache(DMAH_CACHE_CLEAN, phys & ~(dmah_phys_t)63,
				((phys & 63) + bytes + 63) & ~63ull);
}

void dmah_riscv_publish(const struct dmah_riscv *unit, const uint64_t *context)
{
	clean(unit, context, dmah_riscv_context_words(unit) * sizeof(*context));
	dmah_host_wmb();
}

static uint64_t *next_of(const uint64_t *entry)
{
	uint64_t value = __atomic_load_n(entry, __ATOMIC_ACQUIRE);

	return value & DDTE_V ? dmah_host_table_virt(PHYS_OF(value)) : NULL;
}

/* The entry of the table @level levels above the leaf that @id is found by. */
static unsigned int index_at(const struct dmah_riscv *unit, uint32_t id, unsigned int level)
{
	return id >> (leaf_bits(unit) + INDEX_BITS * (level - 1)) & ((1u << INDEX_BITS) - 1);
}

static uint64_t *context_in(const struct dmah_riscv *unit, uint64_t *leaf, uint32_t id)
{
	return leaf + (size_t)(id & ((1u << leaf_bits(unit)) - 1)) * dmah_riscv_context_words(unit);
}

uint64_t *dmah_riscv_context_of(const struct dmah_riscv *unit, uint32_t id)
{
	uint64_t *table = unit->root;

	if (id >> unit->id_bits)
		return NULL;
	for (unsigned int level = unit->levels - 1; level && table; level--)
		table = next_of(&table[index_at(unit, id, level)]);
	return table ? context_in(unit, table, id) : NULL;
}

/* A table of entries that are not valid, below one that has none yet; another CPU may be first. */
static int make_table(struct dmah_riscv *unit, uint64_t *entry)
{
	uint64_t *table;
	unsigned long flags;

	if (next_of(entry))
		return DMAH_OK;
	table = dmah_host_page_alloc(0);
	if (!table)
		return DMAH_ENOMEM;
	clean(unit, table, DMAH_PAGE_SIZE);
	dmah_host_enter(&flags);
	dmah_host_lock(&unit->tables);
	if (!next_of(entry)) {
		dmah_host_wmb();
		__atomic_store_n(entry, PPN_OF(dmah_host_virt_to_phys(table)) | DDTE_V,
				 __ATOMIC_RELEASE);
		clean(unit, entry, sizeof(*entry));
		table = NULL;
	}
	dmah_host_unlock(&unit->tables);
	dmah_host_leave(flags);
	if (table)
		dmah_host_page_free(table);
	return DMAH_OK;
}

int dmah_riscv_make_context(struct dmah_riscv *unit, uint32_t id, uint64_t **context)
{
	uint64_t *table = unit->root;

	for (unsigned int level = unit->levels - 1; level; level--) {
		uint64_t *entry = &table[index_at(unit, id, level)];
		int err = make_table(unit, entry);

		if (err)
			return err;
		table = next_of(entry);
	}
	*context = context_in(unit, table, id);
	return DMAH_OK;
}

/* ---- the root ---- */

int dmah_riscv_directory_init(struct dmah_riscv *unit)
{
	unit->root = dmah_host_page_alloc(0);
	if (!unit->root)
		return DMAH_ENOMEM;
	unit->root_phys = dmah_host_virt_to_phys(unit->root);
	unit->levels = dmah_riscv_levels(unit, unit->id_bits);
	clean(unit, unit->root, DMAH_PAGE_SIZE);
	return DMAH_OK;
}

int dmah_riscv_directory_deepen(struct dmah_riscv *unit)
{
	uint64_t *root;

	if (unit->levels == MOST_LEVELS)
		return DMAH_ENOTSUP;
	root = dmah_host_page_alloc(0);
	if (!root)
		return DMAH_ENOMEM;
	root[0] = PPN_OF(unit->root_phys) | DDTE_V;
	clean(unit, root, DMAH_PAGE_SIZE);
	unit->root = root;
	unit->root_phys = dmah_host_virt_to_phys(root);
	unit->levels++;
	return DMAH_OK;
}

/* Recurses at most twice. */
static void free_table(uint64_t *table, unsigned int level)
{
	for (unsigned int i = 0; level && i < 1u << INDEX_BITS; i++) {
		uint64_t *next = next_of(&table[i]);

		if (next)
			free_table(next, level - 1);
	}
	dmah_host_page_free(table);
}

void dmah_riscv_directory_free(struct dmah_riscv *unit)
{
	if (unit->root)
		free_table(unit->root, unit->levels - 1);
	unit->root = NULL;
}
