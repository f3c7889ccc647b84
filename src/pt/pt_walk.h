/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The walker for all formats. Each format's compilation unit includes this file once, after these
 * definitions:
 *
 *	fmt_leaf		its struct pt_leaf
 *	fmt_levels(va_bits)	levels of a walk; 0 if there are no such tables
 *	fmt_table(phys)		an entry that points to the table at @phys
 *	fmt_is_table(entry)	true if a present entry above the leaf level points to a table
 *	fmt_dir(entry)		the permission of a present leaf or block entry
 *
 * A format whose entries name the level of the next table, and may so skip levels, also defines FMT_NAMES_LEVELS and
 *
 *	fmt_with_level(entry, level)	a table entry that leads to a table of @level; a leaf table has 1
 *	fmt_level(entry)		that level
 *
 * This file then defines WALK_OPS, the functions of the format's struct dmah_pt_format. Every
 * format has tables of 512 entries of 8 bytes.
 */

#define INDEX_MASK (PT_TABLE_ENTRIES - 1u)

/* Return log2 of the bytes that an entry of the root table maps. */
static unsigned int root_shift(const struct pt *pt)
{
	return PT_GRANULE_SHIFT + 9 * (pt->levels - 1);
}

static uint64_t *entry_of(uint64_t *table, dmah_addr_t iova, unsigned int shift)
{
	return &table[iova >> shift & INDEX_MASK];
}

static uint64_t *next_table(uint64_t entry)
{
	return dmah_host_table_virt(pt_phys(&fmt_leaf, entry));
}

/* Return log2 of the bytes that an entry of the next table maps. @shift: the same of the table that holds @entry. */
static unsigned int next_shift(uint64_t entry, unsigned int shift)
{
#ifdef FMT_NAMES_LEVELS
	unsigned int next = PT_GRANULE_SHIFT + 9 * (fmt_level(entry) - 1);

	/* An entry must lead down. */
	return next < shift ? next : shift - 9;
#else
	(void)entry;
	return shift - 9;
#endif
}

/*
 * Return true if @iova has bits of levels that the step from a table of @shift to one of @next skips: hardware translates
 * no such address.
 */
static bool is_skipped(dmah_addr_t iova, unsigned int shift, unsigned int next)
{
	return (iova & ((1ull << shift) - 1)) >> (next + 9) != 0;
}

/* Return an entry that leads to the table at @phys, whose entries map 1 << @shift bytes. */
static uint64_t table_entry(dmah_phys_t phys, unsigned int shift)
{
#ifdef FMT_NAMES_LEVELS
	return fmt_with_level(fmt_table(phys), (shift - PT_GRANULE_SHIFT) / 9 + 1);
#else
	(void)shift;
	return fmt_table(phys);
#endif
}

static void push(const struct pt *pt, const uint64_t *first, unsigned int n)
{
	if (!(pt->caps & DMAH_IOMMU_COHERENT_WALK))
		dmah_pt_clean(pt, first, n);
}

static int walk_init(struct pt *pt)
{
	pt->leaf = fmt_leaf;
	pt->root = dmah_host_page_alloc(0);
	if (!pt->root)
		return DMAH_ENOMEM;
	pt->root_phys = dmah_host_virt_to_phys(pt->root);
	push(pt, pt->root, PT_TABLE_ENTRIES);
	return DMAH_OK;
}

/* Free a table and all tables below it. Recurses at most six levels. */
static void free_table(uint64_t *table, unsigned int shift)
{
	for (unsigned int i = 0; shift > PT_GRANULE_SHIFT && i < PT_TABLE_ENTRIES; i++) {
		uint64_t entry = pt_load(&table[i]);

		if (pt_present(&fmt_leaf, entry) && fmt_is_table(entry))
			free_table(next_table(entry), next_shift(entry, shift));
	}
	dmah_host_page_free(table);
}

static void walk_fini(struct pt *pt)
{
	free_table(pt->root, root_shift(pt));
	pt->root = NULL;
}

/*
 * Add a table, whose entries map 1 << @shift bytes, below an entry that is not present. Zero the new table in memory before
 * the hardware can reach it.
 */
static uint64_t *add_table(const struct pt *pt, uint64_t *entry, unsigned int shift,
			   unsigned int flags)
{
	uint64_t *table = dmah_host_page_alloc(flags | DMAH_ALLOC_ATOMIC);

	if (!table)
		return NULL;
	push(pt, table, PT_TABLE_ENTRIES);
	dmah_host_wmb();
	pt_store_set(entry, table_entry(dmah_host_virt_to_phys(table), shift));
	push(pt, entry, 1);
	return table;
}

/* Find the table around @iova whose entries map 1 << @shift bytes. Adds missing tables. */
static int make_tables(struct pt *pt, dmah_addr_t iova, unsigned int shift, unsigned int flags,
		       uint64_t **found)
{
	uint64_t *table = pt->root;

	for (unsigned int at = root_shift(pt), next; at > shift; at = next) {
		uint64_t *entry = entry_of(table, iova, at), value = pt_load(entry);

		next = at - 9;
		if (!pt_present(&fmt_leaf, value)) {
			table = add_table(pt, entry, next, flags);
		} else if (fmt_is_table(value)) {
			table = next_table(value);
			next = next_shift(value, at);
			/* A table that was linked past this level has no place for the entry. */
			if (next < shift || is_skipped(iova, at, next))
				return DMAH_EBUSY;
		} else {
			return DMAH_EBUSY;
		}
		if (!table)
			return DMAH_ENOMEM;
	}
	*found = table;
	return DMAH_OK;
}

static int walk_leaf_table(struct pt *pt, dmah_addr_t iova, unsigned int flags, uint64_t **table)
{
	return make_tables(pt, iova, PT_GRANULE_SHIFT, flags, table);
}

/* Turn a leaf entry into a block entry. */
static uint64_t block_of(uint64_t entry)
{
	return entry ^ fmt_leaf.block;
}

static int walk_block_set(struct pt *pt, dmah_addr_t iova, dmah_phys_t phys, unsigned int shift,
			  enum dmah_dir dir, uint32_t gen, uint32_t attrs, unsigned int flags)
{
	uint64_t *table, *entry;
	int err = make_tables(pt, iova, shift, flags, &table);

	if (err)
		return err;
	entry = entry_of(table, iova, shift);
	if (pt_present(&fmt_leaf, pt_load(entry)))
		return DMAH_EBUSY;
	pt_store_set(entry, block_of(pt_make(&fmt_leaf, phys, dir, gen, attrs)));
	push(pt, entry, 1);
	return DMAH_OK;
}

static int walk_adopt(struct pt *pt, const struct pt *low)
{
	uint64_t *table;
	int err = make_tables(pt, 0, root_shift(low) + 9, 0, &table);

	if (err)
		return err;
	pt_store_set(table, table_entry(low->root_phys, root_shift(low)));
	push(pt, table, 1);
	return DMAH_OK;
}

/* Push a table and all tables below it to memory. Recurses at most six levels. */
static void clean_table(const struct pt *pt, const uint64_t *table, unsigned int shift)
{
	dmah_pt_clean(pt, table, PT_TABLE_ENTRIES);
	for (unsigned int i = 0; shift > PT_GRANULE_SHIFT && i < PT_TABLE_ENTRIES; i++) {
		uint64_t entry = pt_load(&table[i]);

		if (pt_present(&fmt_leaf, entry) && fmt_is_table(entry))
			clean_table(pt, next_table(entry), next_shift(entry, shift));
	}
}

static void walk_clean(const struct pt *pt)
{
	clean_table(pt, pt->root, root_shift(pt));
}

/*
 * Find the entry that ends the walk for @iova: a leaf, a block, or the first entry that is not
 * present. An entry that skips levels of which @iova has bits ends it too.
 *
 * Return: number of tables visited. Sets *@shift to log2 of the bytes that the entry maps.
 */
static int descend(const struct pt *pt, dmah_addr_t iova, uint64_t **entry, unsigned int *shift)
{
	uint64_t *table = pt->root;
	int visited = 0;

	for (*shift = root_shift(pt);;) {
		uint64_t value;

		*entry = entry_of(table, iova, *shift);
		value = pt_load(*entry);
		visited++;
		if (*shift == PT_GRANULE_SHIFT || !pt_present(&fmt_leaf, value) ||
		    !fmt_is_table(value) || is_skipped(iova, *shift, next_shift(value, *shift)))
			return visited;
		table = next_table(value);
		*shift = next_shift(value, *shift);
	}
}

/* Return true if the walk ended at an entry that translates, 1 << @shift bytes of it. */
static bool is_leaf(uint64_t value, unsigned int shift)
{
	return pt_present(&fmt_leaf, value) && (shift == PT_GRANULE_SHIFT || !fmt_is_table(value));
}

static int walk_block_clear(struct pt *pt, dmah_addr_t iova, unsigned int shift)
{
	unsigned int at;
	uint64_t *entry;

	(void)descend(pt, iova, &entry, &at);
	if (at != shift || shift == PT_GRANULE_SHIFT || !is_leaf(pt_load(entry), at))
		return DMAH_ESTALE;
	pt_store_clear(entry, pt_cleared(&fmt_leaf, pt_load(entry)));
	push(pt, entry, 1);
	return DMAH_OK;
}

static int walk_find(const struct pt *pt, dmah_addr_t iova, struct pt_entry *found)
{
	uint64_t *entry, value, inside;
	unsigned int shift;
	int visited;

	if (iova >> pt->va_bits)
		return -1;
	visited = descend(pt, iova, &entry, &shift);
	value = pt_load(entry);
	if (!is_leaf(value, shift))
		return -visited;
	inside = (1ull << shift) - 1;
	found->phys = (pt_phys(&fmt_leaf, value) & ~inside) | (iova & inside);
	found->dir = fmt_dir(value);
	found->shift = shift;
	found->gen = pt_gen(&fmt_leaf, value);
	return visited;
}

static uint64_t *walk_block_entry(const struct pt *pt, dmah_addr_t iova)
{
	unsigned int shift;
	uint64_t *entry;

	(void)descend(pt, iova, &entry, &shift);
	if (shift != PT_LEAF_SHIFT ||
	    (pt_present(&fmt_leaf, pt_load(entry)) && fmt_is_table(pt_load(entry))))
		return NULL;
	return entry;
}

#define WALK_OPS                                                                                 \
	.fits = fmt_levels, .init = walk_init, .fini = walk_fini, .leaf_table = walk_leaf_table, \
	.block_set = walk_block_set, .block_clear = walk_block_clear, .adopt = walk_adopt,       \
	.block_entry = walk_block_entry, .clean = walk_clean, .walk = walk_find
