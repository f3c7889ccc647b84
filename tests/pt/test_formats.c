/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Check every page-table format against a walker written here from the specifications: Intel VT-d
 * sections 9.7 and 9.8, AMD 48882 section 2.2.3, Arm ARM section D8.3 (both stages), and RISC-V privileged ISA, Sv39 to Sv57. The walker reads memory as the hardware does: if walks are
 * not coherent, only cleaned lines are visible. The walker runs after every store, so at no time
 * may the hardware see anything but the old or the new translation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pt/pt.h"

#define PAGES  256u
#define BASE   0x40000000ull
#define PLACES 24u

/* ---- a host of pages ---- */

static unsigned char cpu[PAGES * 4096] __attribute__((aligned(4096)));
static unsigned char memory[PAGES * 4096];
static bool taken[PAGES];
static bool coherent;
static long fail_in = -1;
static unsigned int live;

static void look(void);

void *dmah_host_page_alloc(unsigned int flags)
{
	(void)flags;
	if (fail_in >= 0 && fail_in-- == 0)
		return NULL;
	for (unsigned int i = 0; i < PAGES; i++) {
		if (taken[i])
			continue;
		taken[i] = true;
		live++;
		/*
		 * Memory still holds old bytes, present entries included; only the CPU's view is
		 * zero.
		 */
		memset(memory + i * 4096, 0xff, 4096);
		memset(cpu + i * 4096, 0, 4096);
		return cpu + i * 4096;
	}
	fail_msg("out of pages");
	return NULL;
}

void dmah_host_page_free(void *page)
{
	size_t i = (size_t)((unsigned char *)page - cpu) / 4096;

	assert_true(taken[i]);
	taken[i] = false;
	live--;
}

dmah_phys_t dmah_host_virt_to_phys(const void *at)
{
	return BASE + (dmah_phys_t)((const unsigned char *)at - cpu);
}

void *dmah_host_table_virt(dmah_phys_t phys)
{
	assert_true(phys >= BASE && phys < BASE + sizeof(cpu) && !(phys & 4095));
	return cpu + (phys - BASE);
}

void dmah_host_cache(enum dmah_cache_op op, dmah_phys_t phys, uint64_t len)
{
	assert_int_equal(op, DMAH_CACHE_CLEAN);
	assert_false(coherent);
	assert_int_equal((phys | len) & 63, 0);
	/* Lines reach memory one by one. */
	for (uint64_t off = phys - BASE; off < phys - BASE + len; off += 64) {
		memcpy(memory + off, cpu + off, 64);
		if (len <= 64)
			look();
	}
	look();
}

void dmah_host_wmb(void)
{
	look();
}

/* ---- the hardware ---- */

struct hw {
	const struct dmah_pt_format *format;
	unsigned int va_bits, levels;
	enum { VTD_SS, VTD_FS, LPAE_S1, LPAE_S2, AMD_V1, SV } kind;
};

static const struct hw kinds[] = {
	{ &dmah_pt_vtd_ss, 39, 3, VTD_SS },   { &dmah_pt_vtd_ss, 48, 4, VTD_SS },
	{ &dmah_pt_vtd_fs, 47, 4, VTD_FS },   { &dmah_pt_vtd_ss, 57, 5, VTD_SS },
	{ &dmah_pt_vtd_fs, 56, 5, VTD_FS },   { &dmah_pt_lpae_s1, 39, 3, LPAE_S1 },
	{ &dmah_pt_lpae_s1, 48, 4, LPAE_S1 }, { &dmah_pt_lpae_s2, 39, 3, LPAE_S2 },
	{ &dmah_pt_lpae_s2, 48, 4, LPAE_S2 }, { &dmah_pt_amd_v1, 39, 3, AMD_V1 },
	{ &dmah_pt_amd_v1, 48, 4, AMD_V1 },   { &dmah_pt_amd_v1, 57, 5, AMD_V1 },
	{ &dmah_pt_amd_v1, 63, 6, AMD_V1 },   { &dmah_pt_sv, 38, 3, SV },
	{ &dmah_pt_sv_rsw, 38, 3, SV },	      { &dmah_pt_sv_rsw, 47, 4, SV },
	{ &dmah_pt_sv_rsw, 56, 5, SV },
};

struct found {
	uint64_t phys;
	bool read, write;
	unsigned int shift;
};

static uint64_t word(uint64_t phys)
{
	uint64_t value;

	assert_true(phys >= BASE && phys + 8 <= BASE + sizeof(cpu));
	if (coherent)
		memcpy(&value, cpu + (phys - BASE), 8);
	else
		memcpy(&value, memory + (phys - BASE), 8);
	return value;
}

static bool walk_vtd(const struct hw *hw, uint64_t root, uint64_t iova, struct found *f)
{
	uint64_t table = root;

	f->read = f->write = true;
	for (unsigned int level = hw->levels; level; level--) {
		unsigned int shift = 12 + 9 * (level - 1);
		uint64_t entry = word(table + (iova >> shift & 511) * 8);

		f->read &= entry & 1;
		f->write &= entry >> 1 & 1;
		if (!(entry & 3))
			return false;
		if (level == 1 || entry & 1ull << 7) {
			assert_true(level <= 3);
			/* Reserved: execute, memory type, snoop, transient and address bits below a large page. */
			assert_int_equal((entry & 0x87c) | entry >> 62, 0);
			f->phys = entry & 0x000ffffffffff000ull;
			assert_int_equal(f->phys & ((1ull << shift) - 1), 0);
			f->shift = shift;
			return true;
		}
		table = entry & 0x000ffffffffff000ull;
	}
	return false;
}

/* Presence and user access of every level; the hardware never has a flag to set, and so never writes. */
static bool walk_first_stage(const struct hw *hw, uint64_t root, uint64_t iova, struct found *f)
{
	uint64_t table = root;

	f->read = f->write = true;
	for (unsigned int level = hw->levels; level; level--) {
		unsigned int shift = 12 + 9 * (level - 1);
		uint64_t entry = word(table + (iova >> shift & 511) * 8);

		if (!(entry & 1))
			return false;
		assert_int_equal(entry & 0x24, 0x24); /* user, accessed */
		assert_int_equal(entry & 0x118, 0); /* memory types, global */
		assert_int_equal(entry >> 63, 0);
		f->write &= entry >> 1 & 1;
		if (level == 1 || entry & 1ull << 7) {
			assert_true(level <= 3);
			assert_int_equal(entry >> 6 & 1, 1); /* dirty */
			f->phys = entry & 0x000ffffffffff000ull;
			assert_int_equal(f->phys & ((1ull << shift) - 1), 0);
			f->shift = shift;
			return true;
		}
		table = entry & 0x000ffffffffff000ull;
	}
	return false;
}

static bool walk_arm(const struct hw *hw, uint64_t root, uint64_t iova, struct found *f)
{
	uint64_t table = root;

	for (unsigned int level = hw->levels; level; level--) {
		unsigned int shift = 12 + 9 * (level - 1);
		uint64_t entry = word(table + (iova >> shift & 511) * 8);

		if (!(entry & 1))
			return false;
		assert_int_equal(entry >> 48 & 7, 0);
		if (level > 1 && entry & 2) {
			/* Stage 2 has no attributes of a table. */
			assert_true(hw->kind == LPAE_S1 || !(entry >> 59));
			table = entry & 0x0000fffffffff000ull;
			continue;
		}
		assert_true(level == 1 ? (entry & 3) == 3 : (entry & 3) == 1 && level <= 3);
		assert_int_equal(entry >> 10 & 1, 1); /* AF */
		assert_int_equal(entry >> 8 & 3, 3); /* inner shareable */
		if (hw->kind == LPAE_S1) {
			assert_int_equal(entry >> 6 & 1, 1); /* AP[1]: unprivileged */
			f->read = true;
			f->write = !(entry >> 7 & 1);
		} else {
			assert_int_equal(entry >> 2 & 15, 15); /* MemAttr: write-back */
			assert_int_equal(entry >> 53 & 3, 2); /* XN */
			f->read = entry >> 6 & 1;
			f->write = entry >> 7 & 1;
		}
		f->phys = entry & 0x0000fffffffff000ull;
		assert_int_equal(f->phys & ((1ull << shift) - 1), 0);
		f->shift = shift;
		return true;
	}
	return false;
}

/* Levels are named by the entries, and may be skipped. */
static bool walk_amd(const struct hw *hw, uint64_t root, uint64_t iova, struct found *f)
{
	unsigned int level = hw->levels;
	uint64_t table = root;

	f->read = f->write = true;
	for (;;) {
		unsigned int shift = 12 + 9 * (level - 1), next;
		uint64_t entry = word(table + (iova >> shift & 511) * 8);

		if (!(entry & 1))
			return false;
		f->read &= entry >> 61 & 1;
		f->write &= entry >> 62 & 1;
		next = entry >> 9 & 7;
		if (next) {
			/* Reserved: 60:52. */
			assert_true(next < level && !(entry >> 52 & 0x1ff));
			if (iova << (64 - shift) >> (64 - shift) >> (12 + 9 * next))
				return false;
			level = next;
			table = entry & 0x000ffffffffff000ull;
			continue;
		}
		/* Reserved: 58:52; updates of 5 and 6 are not enabled, 59 and 60 not used. */
		assert_int_equal((entry & 0x60) | (entry >> 52 & 0x1ff), 0);
		f->phys = entry & 0x000ffffffffff000ull;
		assert_int_equal(f->phys & ((1ull << shift) - 1), 0);
		f->shift = shift;
		return true;
	}
}

static bool walk_riscv(const struct hw *hw, uint64_t root, uint64_t iova, struct found *f)
{
	uint64_t table = root;

	for (unsigned int level = hw->levels; level; level--) {
		unsigned int shift = 12 + 9 * (level - 1);
		uint64_t entry = word(table + (iova >> shift & 511) * 8), xwr = entry >> 1 & 7;

		if (!(entry & 1))
			return false;
		f->phys = (entry >> 10 & 0xfffffffffffull) << 12;
		/* Reserved: bits above the page number, but for those that Svrsw60t59b leaves to software. */
		assert_int_equal(entry >> 54 & (hw->format == &dmah_pt_sv ? 0x3ff : 0x39f), 0);
		if (!xwr) {
			/* In a pointer to a table also D, A and U. */
			assert_true(level > 1);
			assert_int_equal(entry & 0xd0, 0);
			table = f->phys;
			continue;
		}
		assert_true(level <= 3);
		assert_true(xwr == 1 || xwr == 3);
		assert_int_equal(entry & 0xf0, 0xd0); /* D, A, not G, U */
		assert_int_equal(f->phys & ((1ull << shift) - 1), 0);
		f->read = true;
		f->write = xwr == 3;
		f->shift = shift;
		return true;
	}
	return false;
}

static bool walk(const struct hw *hw, uint64_t root, uint64_t iova, struct found *f)
{
	switch (hw->kind) {
	case VTD_SS:
		return walk_vtd(hw, root, iova, f);
	case VTD_FS:
		return walk_first_stage(hw, root, iova, f);
	case AMD_V1:
		return walk_amd(hw, root, iova, f);
	case SV:
		return walk_riscv(hw, root, iova, f);
	default:
		return walk_arm(hw, root, iova, f);
	}
}

/* ---- the model ---- */

struct place {
	uint64_t iova;
	bool block;
	enum { FREE, GOING, MAPPED } state;
	uint64_t phys;
	enum dmah_dir dir;
};

static struct place places[PLACES];
static const struct hw *now;
static struct pt *pt_now;

/* Returns true for a format whose writable memory is readable too. */
static bool writes_read(const struct hw *hw)
{
	return hw->kind == LPAE_S1 || hw->kind == SV || hw->kind == VTD_FS;
}

static bool right(const struct place *p, const struct found *f)
{
	if (f->phys != p->phys || f->shift != (p->block ? 21u : 12u))
		return false;
	return f->read == (writes_read(now) || p->dir & DMAH_TO_DEVICE) &&
	       f->write == !!(p->dir & DMAH_FROM_DEVICE);
}

/* Walk the tables for every place, as the hardware would now. */
static void look(void)
{
	struct found f = { 0 };

	if (!pt_now || !pt_now->root)
		return;
	for (unsigned int i = 0; i < PLACES; i++) {
		const struct place *p = &places[i];
		bool present = walk(now, pt_now->root_phys, p->iova, &f);

		if (p->state == FREE)
			assert_false(present);
		else if (p->state == MAPPED)
			assert_true(present && right(p, &f));
		else if (present)
			assert_true(right(p, &f));
	}
}

static uint64_t seed = 5;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((seed >> 33) % below);
}

static void open_table(struct pt *pt, const struct hw *hw, bool walks_coherent)
{
	/* A test that failed before may have left its tables. */
	pt_now = NULL;
	fail_in = -1;
	now = hw;
	coherent = walks_coherent;
	memset(places, 0, sizeof(places));
	/* Neighbours, far ends, and blocks: all of them below different entries of every level. */
	for (unsigned int i = 0; i < PLACES; i++) {
		places[i].block = i % 3 == 2;
		places[i].iova = (uint64_t)(i * 37 + 1) << (hw->va_bits - 10);
		places[i].iova |= places[i].block ? 3ull << 21 : (i % 3 * 7 + 5) << 12;
	}
	*pt = (struct pt){ .fmt = hw->format,
			   .va_bits = hw->va_bits,
			   .out_bits = 46,
			   .levels = hw->format->fits(hw->va_bits),
			   .caps = DMAH_IOMMU_BLOCK_2M | DMAH_IOMMU_BLOCK_1G |
				   (walks_coherent ? DMAH_IOMMU_COHERENT_WALK : 0),
			   .cache_line = 64 };
	assert_int_equal(pt->levels, hw->levels);
	assert_int_equal(pt->fmt->init(pt), DMAH_OK);
	pt_now = pt;
}

static void close_table(struct pt *pt)
{
	pt_now = NULL;
	pt->fmt->fini(pt);
	assert_int_equal(live, 0);
}

static int map_place(struct pt *pt, struct place *p, uint32_t gen)
{
	uint64_t *table;
	int err;

	p->dir = (enum dmah_dir)(1 + rnd(3));
	p->phys = (uint64_t)(1 + rnd(1000)) << (p->block ? 21 : 12);
	p->state = GOING;
	if (p->block) {
		err = pt->fmt->block_set(pt, p->iova, p->phys, 21, p->dir, gen, 0, 0);
	} else {
		err = pt->fmt->leaf_table(pt, p->iova, 0, &table);
		if (!err) {
			uint64_t *entry = &table[p->iova >> 12 & 511];

			assert_false(pt_present(&pt->leaf, pt_load(entry)));
			pt_store_set(entry, pt_make(&pt->leaf, p->phys, p->dir, gen, false));
			if (!coherent)
				dmah_pt_clean(pt, entry, 1);
			assert_int_equal(pt_gen(&pt->leaf, pt_load(entry)),
					 gen & pt->leaf.gen_mask);
		}
	}
	p->state = err ? FREE : MAPPED;
	look();
	return err;
}

static void unmap_place(struct pt *pt, struct place *p)
{
	uint64_t *table, *entry;

	p->state = GOING;
	if (p->block) {
		assert_int_equal(pt->fmt->block_clear(pt, p->iova, 30), DMAH_ESTALE);
		assert_int_equal(pt->fmt->block_clear(pt, p->iova, 21), DMAH_OK);
		assert_int_equal(pt->fmt->block_clear(pt, p->iova, 21), DMAH_ESTALE);
	} else {
		assert_int_equal(pt->fmt->leaf_table(pt, p->iova, 0, &table), DMAH_OK);
		entry = &table[p->iova >> 12 & 511];
		pt_store_clear(entry, pt_cleared(&pt->leaf, pt_load(entry)));
		assert_false(pt_present(&pt->leaf, pt_load(entry)));
		if (!coherent)
			dmah_pt_clean(pt, entry, 1);
	}
	p->state = FREE;
	look();
}

/* The format's own walk agrees with the walker written from the specification. */
static void compare_walk(const struct pt *pt, const struct place *p)
{
	uint64_t inside = rnd(p->block ? 1u << 21 : 4096);
	struct pt_entry entry = { 0 };
	int visited = pt->fmt->walk(pt, p->iova + inside, &entry);

	assert_int_equal(visited > 0, p->state == MAPPED);
	if (visited <= 0)
		return;
	assert_int_equal(visited, now->levels - p->block);
	assert_int_equal(entry.phys, p->phys + inside);
	assert_int_equal(entry.shift, p->block ? 21 : 12);
	assert_int_equal(entry.dir, writes_read(now) && p->dir == DMAH_FROM_DEVICE
					    ? DMAH_BIDIRECTIONAL
					    : p->dir);
}

static void random_places(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < 2 * sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct pt pt;

		open_table(&pt, &kinds[k / 2], k & 1);
		for (unsigned int step = 0; step < 1500; step++) {
			struct place *p = &places[rnd(PLACES)];

			if (p->state == MAPPED)
				unmap_place(&pt, p);
			else
				assert_int_equal(map_place(&pt, p, step), DMAH_OK);
			compare_walk(&pt, &places[rnd(PLACES)]);
		}
		close_table(&pt);
	}
}

/* Each allocation made to fail: nothing translates that should not, and the next try succeeds. */
static void failed_allocations(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (unsigned int nth = 0; nth < 6; nth++) {
			struct pt pt;

			open_table(&pt, &kinds[k], false);
			for (unsigned int i = 0; i < PLACES; i++) {
				int err;

				fail_in = nth;
				err = map_place(&pt, &places[i], 1);
				/*
				 * The map fails if and only if it reaches the allocation that
				 * fails.
				 */
				assert_int_equal(err, fail_in < 0 ? DMAH_ENOMEM : DMAH_OK);
				fail_in = -1;
				if (places[i].state == FREE)
					assert_int_equal(map_place(&pt, &places[i], 1), DMAH_OK);
			}
			close_table(&pt);
		}
		fail_in = 0;
		{
			struct pt pt = { .fmt = kinds[k].format,
					 .va_bits = kinds[k].va_bits,
					 .levels = 3 };

			assert_int_equal(pt.fmt->init(&pt), DMAH_ENOMEM);
		}
		fail_in = -1;
	}
}

static bool has_width(int kind, unsigned int bits)
{
	/* Of a RISC-V table the lower half is used. */
	if (kind == SV)
		return bits == 38 || bits == 47 || bits == 56;
	if (kind == VTD_FS)
		return bits == 47 || bits == 56;
	return bits == 48 || bits == 39 || (bits == 57 && (kind == VTD_SS || kind == AMD_V1)) ||
	       (kind == AMD_V1 && (bits == 21 || bits == 30 || bits == 63));
}

/* A place cannot have both a block and a table; widths that no format has are refused. */
static void refusals(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct pt_entry entry;
		uint64_t *table;
		struct pt pt;

		open_table(&pt, &kinds[k], true);
		pt_now = NULL;
		assert_int_equal(pt.fmt->leaf_table(&pt, 0x200000, 0, &table), DMAH_OK);
		assert_int_equal(pt.fmt->block_set(&pt, 0x200000, 0x200000, 21, DMAH_TO_DEVICE, 0,
						   0, 0),
				 DMAH_EBUSY);
		assert_int_equal(pt.fmt->block_set(&pt, 0x400000, 0x200000, 21, DMAH_TO_DEVICE, 0,
						   0, 0),
				 DMAH_OK);
		assert_int_equal(pt.fmt->block_set(&pt, 0x400000, 0x200000, 21, DMAH_TO_DEVICE, 0,
						   0, 0),
				 DMAH_EBUSY);
		assert_int_equal(pt.fmt->leaf_table(&pt, 0x5ff000, 0, &table), DMAH_EBUSY);
		assert_int_equal(pt.fmt->block_set(&pt, 1ull << 30, 1ull << 30, 30, DMAH_TO_DEVICE,
						   0, 0, 0),
				 DMAH_OK);
		assert_true(pt.fmt->walk(&pt, (1ull << 30) + 12345, &entry) > 0);
		assert_int_equal(entry.phys, (1ull << 30) + 12345);
		assert_true(pt.fmt->walk(&pt, 1ull << kinds[k].va_bits, &entry) < 0);
		for (unsigned int bits = 0; bits < 70; bits++)
			assert_int_equal(pt.fmt->fits(bits) != 0, has_width(kinds[k].kind, bits));
		close_table(&pt);
	}
}

/* AMD: tables of 1 to 6 levels, by the first and the last address of each. */
static void amd_levels(void **state)
{
	static const unsigned int bits[] = { 21, 30, 39, 48, 57, 63 };

	(void)state;
	for (unsigned int levels = 1; levels <= 6; levels++) {
		struct hw hw = { &dmah_pt_amd_v1, bits[levels - 1], levels, AMD_V1 };
		uint64_t last = (1ull << hw.va_bits) - 4096, *table;
		struct found f;
		struct pt pt;

		open_table(&pt, &hw, true);
		pt_now = NULL;
		for (unsigned int i = 0; i < 2; i++) {
			uint64_t iova = i ? last : 0, phys = 0x123000 + 0x1000 * i;

			assert_false(walk_amd(&hw, pt.root_phys, iova, &f));
			assert_int_equal(pt.fmt->leaf_table(&pt, iova, 0, &table), DMAH_OK);
			leaf_set(&table[iova >> 12 & 511],
				 pt_make(&pt.leaf, phys, DMAH_FROM_DEVICE, 5, 0));
			assert_true(walk_amd(&hw, pt.root_phys, iova, &f));
			assert_int_equal(f.phys, phys);
			assert_true(f.write && !f.read);
		}
		close_table(&pt);
	}
}

/* AMD: an entry that skips levels is walked, but for addresses with bits of those levels, and nothing is put past it. */
static void amd_skipped_levels(void **state)
{
	struct hw hw = { &dmah_pt_amd_v1, 48, 4, AMD_V1 };
	struct pt low = { .fmt = &dmah_pt_amd_v1,
			  .va_bits = 21,
			  .out_bits = 46,
			  .levels = 1,
			  .caps = DMAH_IOMMU_COHERENT_WALK };
	const uint64_t base = 3ull << 39;
	struct pt_entry entry;
	uint64_t *table;
	struct found f;
	struct pt pt;

	(void)state;
	open_table(&pt, &hw, true);
	pt_now = NULL;
	assert_int_equal(low.fmt->init(&low), DMAH_OK);
	low.root[7] = pt_make(&low.leaf, 0x777000, DMAH_BIDIRECTIONAL, 1, 0);
	/* The root table's entry leads to a leaf table at once. */
	pt.root[3] = low.root_phys | 1ull << 9 | 3ull << 61 | 1;
	assert_true(walk_amd(&hw, pt.root_phys, base + 0x7000, &f));
	assert_int_equal(f.phys, 0x777000);
	assert_int_equal(pt.fmt->walk(&pt, base + 0x7123, &entry), 2);
	assert_int_equal(entry.phys, 0x777123);
	assert_int_equal(entry.shift, 12);
	for (unsigned int bit = 21; bit < 39; bit++) {
		assert_false(walk_amd(&hw, pt.root_phys, base + (1ull << bit) + 0x7000, &f));
		assert_true(pt.fmt->walk(&pt, base + (1ull << bit) + 0x7000, &entry) <= 0);
		assert_int_equal(pt.fmt->leaf_table(&pt, base + (1ull << bit), 0, &table),
				 DMAH_EBUSY);
	}
	assert_int_equal(pt.fmt->leaf_table(&pt, base, 0, &table), DMAH_OK);
	assert_ptr_equal(table, low.root);
	assert_int_equal(pt.fmt->block_set(&pt, base, 0, 21, DMAH_TO_DEVICE, 0, 0, 0), DMAH_EBUSY);
	assert_int_equal(pt.fmt->block_clear(&pt, base + (1ull << 30), 39), DMAH_ESTALE);
	/* Both are freed as one. */
	close_table(&pt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_places),      cmocka_unit_test(failed_allocations),
		cmocka_unit_test(refusals),	      cmocka_unit_test(amd_levels),
		cmocka_unit_test(amd_skipped_levels),
	};

	return cmocka_run_group_tests_name("formats", tests, NULL, NULL);
}
