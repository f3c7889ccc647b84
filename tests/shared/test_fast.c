/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The fast path. Its mappings must behave like all others, apart from their speed, and only the
 * right, unchanged handle may end a mapping.
 */
#include "bench.h"
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define APERTURE (2u << 20)
#define GRANULES (APERTURE / 4096)

static const struct bench_config machines[] = {
	{ .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD4, .aperture_size = APERTURE },
	{ .backend = DMAH_BACKEND_IOMMU,
	  .hw = BENCH_VTD4,
	  .mode = DMAH_LAZY,
	  .aperture_size = APERTURE },
	{ .backend = DMAH_BACKEND_IOMMU,
	  .hw = BENCH_LPAE48,
	  .aperture_size = APERTURE,
	  .pool = true },
	{ .backend = DMAH_BACKEND_IOMMU,
	  .hw = BENCH_LPAE48,
	  .mode = DMAH_LAZY,
	  .aperture_size = APERTURE,
	  .pool = true,
	  .lazy_entries = 8 },
};
#define MACHINES (sizeof(machines) / sizeof(machines[0]))

static dmah_phys_t page(struct bench *b, unsigned int n)
{
	uint64_t size;

	return bench_memory(b, &size) + n * 4096ull;
}

/* ---- the same calls, plain and not ---- */

#define CELLS	12u
#define CELL	(35u * 4096)
#define CALLS	4000u
#define RESULTS (CALLS * 8)

/* Everything that a caller can see of a run, as a list of numbers. */
struct seen {
	uint64_t value[RESULTS];
	uint32_t n;
};

static void see(struct seen *s, uint64_t value)
{
	assert_true(s->n < RESULTS);
	s->value[s->n++] = value;
}

struct cell {
	struct dmah h;
	struct dmah stale;
	dmah_phys_t home;
};

static void random_map(struct bench *b, struct cell *c, struct rnd *r, uint32_t attrs,
		       struct seen *s)
{
	static const uint32_t lengths[] = { 1,	   1500,  4096,	  8192,	  16384,  32768,
					    32769, 65536, 131072, 131073, 135168, 0 };
	uint32_t at = rnd(r, 3) ? 4096 * rnd(r, 2) : rnd(r, 4096);
	uint32_t len = rnd(r, 4) ? lengths[rnd(r, 12)] : 1 + rnd(r, 131072);
	dmah_phys_t phys = rnd(r, 40) ? c->home + at : 1ull << (45 + rnd(r, 19));
	enum dmah_dir dir = rnd(r, 40) ? (enum dmah_dir)(1 + rnd(r, 3))
				       : (enum dmah_dir)(rnd(r, 2) * 4);
	bool was = dmah_mapped(&c->h);

	see(s, (uint64_t)dmah_map(bench_device(b), &c->h, phys, len, dir, attrs));
	see(s, dmah_mapped(&c->h));
	see(s, dmah_length(&c->h));
	see(s, dmah_direction(&c->h));
	see(s, dmah_addr(&c->h) & 4095);
	if (!was && dmah_mapped(&c->h))
		c->stale = c->h;
}

/* The device reads and writes every byte of the mapping, and is refused beyond its granules. */
static void random_access(struct bench *b, struct cell *c, struct rnd *r, struct seen *s)
{
	uint32_t len = dmah_length(&c->h), off = rnd(r, len), n = 1 + rnd(r, len - off);
	unsigned char *bytes = malloc(CELL);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		bytes[i] = (unsigned char)rnd(r, 256);
	see(s, bench_dev_write(b, dmah_addr(&c->h) + off, bytes, n));
	see(s, bench_dev_read(b, dmah_addr(&c->h) + off, bytes, n));
	see(s, (uint64_t)dmah_sync_for_cpu(bench_device(b), &c->h, off, n));
	bench_cpu_read(b, c->home, bytes, CELL);
	for (uint32_t i = 0; i < CELL; i++)
		sum = sum * 31 + bytes[i];
	see(s, sum);
	free(bytes);
}

static void random_unmap(struct bench *b, struct cell *c, struct rnd *r, struct seen *s)
{
	struct dmah_device *dev = bench_device(b);
	dmah_addr_t dma = dmah_addr(&c->h);
	struct dmah room, *list = &c->h;
	struct dmah_batch batch = { .h = &room, .max = 1 };
	unsigned char byte;

	memset(&room, 0, sizeof(room));
	if (rnd(r, 4)) {
		see(s, (uint64_t)dmah_unmap(dev, &c->h));
	} else {
		see(s, (uint64_t)dmah_unmap_start(dev, &batch, &list, 1));
		see(s, (uint64_t)dmah_unmap_finish(dev, &batch));
	}
	see(s, dmah_mapped(&c->h));
	if (bench_config(b)->mode == DMAH_STRICT)
		see(s, bench_dev_read(b, dma, &byte, 1));
	/* The granules were not mapped since, so the handle is certainly stale. */
	room = c->stale;
	if (room.meta)
		see(s, (uint64_t)dmah_unmap(dev, &room));
}

static void run(const struct bench_config *config, uint32_t attrs, uint64_t seed, struct seen *s)
{
	struct bench *b = bench_open(config);
	struct cell cell[CELLS] = { 0 };
	struct dmah_stats stats;
	struct rnd r = { seed };

	s->n = 0;
	for (unsigned int i = 0; i < CELLS; i++)
		cell[i].home = page(b, i * (CELL / 4096));
	for (unsigned int call = 0; call < bench_times(CALLS); call++) {
		struct cell *c = &cell[rnd(&r, CELLS)];

		if (!dmah_mapped(&c->h) || !rnd(&r, 20))
			random_map(b, c, &r, attrs, s);
		else if (rnd(&r, 2))
			random_access(b, c, &r, s);
		else
			random_unmap(b, c, &r, s);
		if (!rnd(&r, 50))
			see(s, (uint64_t)dmah_flush(bench_domain(b)));
	}
	for (unsigned int i = 0; i < CELLS; i++)
		see(s, (uint64_t)dmah_unmap(bench_device(b), &cell[i].h));
	see(s, bench_reports(b));
	dmah_device_stats(bench_device(b), &stats);
	see(s, stats.maps);
	see(s, stats.unmaps);
	see(s, stats.failed_maps);
	see(s, stats.misuse);
	see(s, stats.reverse_lookups);
	see(s, stats.bounced_bytes);
	bench_close(b);
}

static void nobody_can_tell(void **state)
{
	static const struct bench_config more[] = {
		{ .backend = DMAH_BACKEND_IOMMU,
		  .hw = BENCH_VTD4,
		  .boundary = 16384,
		  .max_segment = 20480 },
		{ .backend = DMAH_BACKEND_IOMMU, .hw = BENCH_VTD3, .mode = DMAH_LAZY },
	};
	static struct seen plain, other;

	(void)state;
	for (unsigned int m = 0; m < MACHINES + 2; m++) {
		struct bench_config config = m < MACHINES ? machines[m] : more[m - MACHINES];

		/*
		 * Large enough never to be exhausted: the moment of exhaustion may differ between
		 * the runs.
		 */
		config.aperture_size = 0;
		run(&config, 0, m + 1, &plain);
		for (unsigned int how = 0; how < 2; how++) {
			/*
			 * An attribute without effect on a coherent device, and IOMMUs that need a
			 * flush on map.
			 */
			config.map_flush = how;
			run(&config, how ? 0 : DMAH_ATTR_NO_CPU_SYNC, m + 1, &other);
			assert_int_equal(other.n, plain.n);
			for (uint32_t i = 0; i < plain.n; i++)
				assert_int_equal(other.value[i], plain.value[i]);
		}
	}
}

/* ---- handles that are not what they were ---- */

struct party {
	bool strict;
	struct dmah h[3];
	uint64_t entry[GRANULES];
};

static void map_party(struct bench *b, struct party *p, uint32_t n)
{
	for (unsigned int i = 0; i < 3; i++)
		if (!dmah_mapped(&p->h[i]))
			assert_int_equal(dmah_map(bench_device(b), &p->h[i], page(b, i * 64),
						  n * 4096, DMAH_BIDIRECTIONAL, 0),
					 0);
	bench_entries(b, p->entry, GRANULES);
}

/*
 * Check the unmap of a changed handle: either the call was refused and nothing has changed, or the
 * call ended all of the handle's own mapping and nothing else.
 */
static void look(struct bench *b, struct party *p, uint32_t n, int err)
{
	uint32_t own = (uint32_t)(dmah_addr(&p->h[1]) / 4096);
	uint64_t now[GRANULES];

	bench_entries(b, now, GRANULES);
	for (uint32_t i = 0; i < GRANULES; i++) {
		if (err || i - own >= n)
			assert_int_equal(now[i], p->entry[i]);
		else
			assert_int_equal(now[i], 0);
	}
	(void)bench_reports(b);
	if (err)
		return;
	memset(&p->h[1], 0, sizeof(p->h[1]));
	map_party(b, p, n);
}

static void unmap_changed(struct bench *b, struct party *p, uint32_t n, struct dmah *h, bool batch)
{
	dmah_addr_t last = dmah_addr(&p->h[1]) + (n - 1) * 4096ull;
	struct dmah room = { 0 };
	struct dmah_batch unmaps = { .h = &room, .max = 1 };
	int err;

	/* The IOTLB has the last granule's entry. */
	assert_true(bench_dev_write(b, last, "x", 1));
	if (batch) {
		err = dmah_unmap_start(bench_device(b), &unmaps, &h, 1);
		assert_int_equal(dmah_unmap_finish(bench_device(b), &unmaps), 0);
	} else {
		err = dmah_unmap(bench_device(b), h);
	}
	assert_int_equal(dmah_mapped(h), err != 0);
	if (!err && p->strict)
		assert_false(bench_dev_write(b, last, "x", 1));
	look(b, p, n, err);
}

static void change_bits(struct bench *b, struct party *p, uint32_t n, bool batch)
{
	for (unsigned int bit = 0; bit < 256; bit++) {
		struct dmah h = p->h[1];
		uint64_t flip = 1ull << (bit % 64);

		if (bit < 64)
			h.dma ^= flip;
		else if (bit < 128)
			h.backend ^= flip;
		else if (bit < 192)
			h.phys ^= flip;
		else if (bit < 224)
			h.len ^= (uint32_t)(flip >> (bit % 64) << (bit - 192));
		else
			h.meta ^= 1u << (bit - 224);
		unmap_changed(b, p, n, &h, batch);
	}
	/* The kind of a mapping is three bits of these: a fast one becomes any other, also that of another length. */
	for (unsigned int bit = 0; bit < 31; bit++)
		for (unsigned int other = bit + 1; other < 32 && other < bit + 3; other++) {
			struct dmah h = p->h[1];

			h.meta ^= 1u << bit | 1u << other;
			unmap_changed(b, p, n, &h, batch);
		}
}

/* Return: how many granules can be mapped, one by one. */
static unsigned int free_granules(struct bench *b)
{
	static struct dmah h[GRANULES];
	unsigned int n = 0, found;

	while (n < GRANULES &&
	       !dmah_map(bench_device(b), &h[n], page(b, 0), 4096, DMAH_BIDIRECTIONAL, 0))
		n++;
	found = n;
	while (n)
		assert_int_equal(dmah_unmap(bench_device(b), &h[--n]), 0);
	return found;
}

/* Replace words of the handle by those of a neighbour's handle: one at a time, then all but one. */
static void change_words(struct bench *b, struct party *p, uint32_t n, bool batch)
{
	for (unsigned int words = 1; words < 15; words++) {
		struct dmah h = p->h[1], other = p->h[2];

		/*
		 * Skip a mix with all words that identify the neighbour's mapping: that is the
		 * neighbour's handle. In a check build, without the fast path, these words are the
		 * two addresses.
		 */
		if ((words & 3) == 3 || (h.backend == other.backend && (words & 5) == 5))
			continue;
		h.dma = words & 1 ? other.dma : h.dma;
		h.backend = words & 2 ? other.backend : h.backend;
		h.phys = words & 4 ? other.phys : h.phys;
		h.len = words & 8 ? h.len + 4096 : h.len;
		unmap_changed(b, p, n, &h, batch);
	}
}

static void inv10_changed_handles(void **state)
{
	/* The last one is none for the fast path. */
	static const uint32_t sizes[] = { 1, 2, 5, 8, 20, 32, 40 };
	static struct party p;

	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++)
		for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct bench *b = bench_open(&machines[m]);

			memset(&p, 0, sizeof(p));
			p.strict = machines[m].mode == DMAH_STRICT;
			map_party(b, &p, sizes[i]);
			change_bits(b, &p, sizes[i], false);
			change_bits(b, &p, sizes[i], true);
			change_words(b, &p, sizes[i], false);
			change_words(b, &p, sizes[i], true);
			for (unsigned int k = 0; k < 3; k++)
				assert_int_equal(dmah_unmap(bench_device(b), &p.h[k]), 0);
			assert_int_equal(dmah_flush(bench_domain(b)), 0);
			assert_int_equal(free_granules(b), GRANULES - 1);
			bench_close(b);
		}
}

/* ---- vectors that are not what they were ---- */

#define PIECES 3u

/* Keeps a vector with its arrays, which have room for one part more. */
struct vector {
	struct dmah part[PIECES + 1];
	struct dmah_dma_seg seg[PIECES + 1];
	struct dmah_vec v;
};

/* Check that a changed vector is refused. */
static void refuse(struct bench *b, struct vector changed)
{
	changed.v.part = changed.part;
	changed.v.seg = changed.seg;
	assert_int_not_equal(dmah_unmap_vec(bench_device(b), &changed.v), 0);
}

/* Change one address: the place of a part, or the memory that it says it maps. */
static void change_addresses(struct bench *b, const struct vector *right)
{
	for (unsigned int i = 0; i < PIECES; i++)
		for (unsigned int bit = 12; bit < 64; bit++) {
			struct vector changed = *right;

			changed.part[i].phys ^= 1ull << bit;
			refuse(b, changed);
			changed.part[i].phys = right->part[i].phys;
			changed.part[i].dma ^= 1ull << bit;
			refuse(b, changed);
		}
}

/* Cut the vector behind each part, or let it go on for one granule more, with all numbers in agreement. */
static void change_ends(struct bench *b, const struct vector *right)
{
	struct vector changed = *right;

	for (unsigned int n = PIECES - 1; n; n--) {
		changed.v.nparts = n;
		changed.v.total -= right->part[n].len;
		changed.v.granules -= right->part[n].len / 4096;
		refuse(b, changed);
	}
	changed = *right;
	changed.part[PIECES - 1].len += 4096;
	changed.v.total += 4096;
	changed.v.granules++;
	refuse(b, changed);
}

/* 10: a changed vector ends none of its parts; nor does the address of its first part alone. */
static void inv10_changed_vectors(void **state)
{
	static uint64_t mapped[GRANULES], now[GRANULES];

	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++) {
		struct bench *b = bench_open(&machines[m]);
		struct dmah_device *dev = bench_device(b);
		const struct dmah_seg pieces[PIECES] = { { page(b, 1), 4096 },
							 { page(b, 10), 4096 },
							 { page(b, 20), 8192 } };
		struct vector right = { .v = { .max = PIECES + 1 } };

		right.v.part = right.part;
		right.v.seg = right.seg;
		assert_int_equal(dmah_map_vec(dev, &right.v, pieces, PIECES, DMAH_BIDIRECTIONAL, 0),
				 0);
		bench_entries(b, mapped, GRANULES);
		change_addresses(b, &right);
		change_ends(b, &right);
		assert_int_not_equal(dmah_addr_unmap(dev, dmah_addr(&right.part[0]), 4096,
						     DMAH_BIDIRECTIONAL, 0),
				     0);
		(void)bench_reports(b);
		bench_entries(b, now, GRANULES);
		assert_memory_equal(now, mapped, sizeof(now));
		assert_int_equal(dmah_unmap_vec(dev, &right.v), 0);
		assert_int_equal(dmah_flush(bench_domain(b)), 0);
		assert_int_equal(free_granules(b), GRANULES - 1);
		bench_close(b);
	}
}

/*
 * 10: a batch never releases granules by a changed length. Here the hardware does not confirm, so
 * the granules are released in the slowest way.
 */
static void inv10_changed_length_in_a_batch(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m += 2)
		for (unsigned int bit = 12; bit < 18; bit++) {
			struct bench *b = bench_open(&machines[m]);
			static struct dmah h[GRANULES];
			uint64_t before[GRANULES], after[GRANULES];
			struct dmah room = { 0 }, *list = &h[200];
			struct dmah_batch batch = { .h = &room, .max = 1 };
			int err;

			memset(h, 0, sizeof(h));
			for (unsigned int i = 0; i < GRANULES - 1; i++)
				assert_int_equal(dmah_map(bench_device(b), &h[i], page(b, i), 4096,
							  DMAH_BIDIRECTIONAL, 0),
						 0);
			h[200].len ^= 1u << bit;
			bench_stick(b, true);
			err = dmah_unmap_start(bench_device(b), &batch, &list, 1);
			if (!err)
				assert_int_equal(dmah_unmap_finish(bench_device(b), &batch),
						 DMAH_ETIMEDOUT);
			bench_stick(b, false);
			assert_int_equal(dmah_flush(bench_domain(b)), 0);
			if (err) {
				h[200].len ^= 1u << bit;
				assert_int_equal(dmah_unmap(bench_device(b), &h[200]), 0);
			}
			(void)bench_reports(b);
			bench_entries(b, before, GRANULES);
			/* One granule is free now; all others are mapped. */
			assert_int_equal(dmah_map(bench_device(b), &h[200], page(b, 0), 4096,
						  DMAH_BIDIRECTIONAL, 0),
					 0);
			assert_int_equal(dmah_map(bench_device(b), &room, page(b, 0), 4096,
						  DMAH_BIDIRECTIONAL, 0),
					 DMAH_ENOSPC);
			bench_entries(b, after, GRANULES);
			for (uint32_t i = 0; i < GRANULES; i++)
				if (i != dmah_addr(&h[200]) / 4096)
					assert_int_equal(before[i], after[i]);
			for (unsigned int i = 0; i < GRANULES - 1; i++)
				assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
			bench_close(b);
		}
}

/* 9: a stale copy is refused for every number of later maps of its granules below the wrap. */
static void stale_copies(const struct bench_config *config, uint32_t n, unsigned int rounds)
{
	struct bench *b = bench_open(config);
	struct dmah h = { 0 }, stale, copy;
	unsigned char byte = 1;
	dmah_addr_t dma;

	assert_int_equal(dmah_map(bench_device(b), &h, page(b, 0), n * 4096, DMAH_BIDIRECTIONAL, 0),
			 0);
	stale = h;
	dma = dmah_addr(&h);
	assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	for (unsigned int i = 0; i < rounds;) {
		copy = stale;
		assert_int_equal(dmah_unmap(bench_device(b), &copy), DMAH_ESTALE);
		assert_int_equal(dmah_flush(bench_domain(b)), 0);
		assert_int_equal(dmah_map(bench_device(b), &h, page(b, 0), n * 4096,
					  DMAH_BIDIRECTIONAL, 0),
				 0);
		copy = stale;
		assert_int_equal(dmah_unmap(bench_device(b), &copy), DMAH_ESTALE);
		assert_int_equal(bench_reports(b), 2);
		assert_true(bench_dev_write(b, dmah_addr(&h) + (n - 1) * 4096, &byte, 1));
		i += dmah_addr(&h) == dma;
		assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
	}
	bench_close(b);
}

static void inv09_stale_copies(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++)
		for (uint32_t n = 1; n <= 32; n += n < 8 ? 1 : 12)
			stale_copies(&machines[m], n,
				     machines[m].hw == BENCH_VTD4 ? bench_times(255) : 15);
}

#define BLOCK (2u << 20)
/* Fewer than the maps after which a generation wraps, with those of the general path before them. */
#define BLOCK_MAPS 12u

/* Check that the device reaches a block's memory, from its first byte to its last. */
static void reaches(struct bench *b, const struct dmah *h, dmah_phys_t memory)
{
	dmah_phys_t phys;

	assert_true(bench_translate(b, dmah_addr(h), true, &phys));
	assert_int_equal(phys, memory);
	assert_true(bench_translate(b, dmah_addr(h) + BLOCK - 1, true, &phys));
	assert_int_equal(phys, memory + BLOCK - 1);
}

/* 9: the same with blocks of 2 MiB, which have a fast path of their own: the copies of all earlier maps are refused. */
static void inv09_stale_copies_of_blocks(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++) {
		struct bench_config config = machines[m];
		struct dmah stale[BLOCK_MAPS], h = { 0 };
		unsigned int same = 0;
		dmah_phys_t memory;
		struct bench *b;

		/* Large enough that a CPU keeps chunks. */
		config.aperture_size = 64u << 20;
		b = bench_open(&config);
		memory = (page(b, 0) + BLOCK - 1) & ~(dmah_phys_t)(BLOCK - 1);
		for (unsigned int i = 0; i < BLOCK_MAPS; i++) {
			/* The same buffer twice, then another one. */
			dmah_phys_t phys = memory + (i & 2) * (BLOCK / 2);

			assert_int_equal(dmah_map(bench_device(b), &h, phys, BLOCK,
						  DMAH_BIDIRECTIONAL, 0),
					 0);
			for (unsigned int k = 0; k < i; k++) {
				struct dmah copy = stale[k];

				same += dmah_addr(&copy) == dmah_addr(&h);
				assert_int_equal(dmah_unmap(bench_device(b), &copy), DMAH_ESTALE);
				reaches(b, &h, phys);
			}
			(void)bench_reports(b);
			stale[i] = h;
			assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
			assert_int_equal(dmah_flush(bench_domain(b)), 0);
		}
		/* The chunk was given out again. */
		assert_true(same);
		bench_close(b);
	}
}

/* 10: a changed handle of a block ends nothing, whichever generation it has. */
static void inv10_changed_blocks(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++) {
		struct bench_config config = machines[m];
		struct dmah h = { 0 }, changed;
		dmah_phys_t memory;
		struct bench *b;

		config.aperture_size = 64u << 20;
		b = bench_open(&config);
		memory = (page(b, 0) + BLOCK - 1) & ~(dmah_phys_t)(BLOCK - 1);
		/* Sixteen generations have every value of the low four bits once. */
		for (unsigned int i = 0; i < 16; i++) {
			assert_int_equal(dmah_map(bench_device(b), &h, memory, BLOCK,
						  DMAH_BIDIRECTIONAL, 0),
					 0);
			for (unsigned int bit = 21; bit < 64; bit++) {
				changed = h;
				changed.phys ^= 1ull << bit;
				assert_int_not_equal(dmah_unmap(bench_device(b), &changed), 0);
				changed = h;
				changed.dma ^= 1ull << bit;
				assert_int_not_equal(dmah_unmap(bench_device(b), &changed), 0);
			}
			reaches(b, &h, memory);
			(void)bench_reports(b);
			assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
			assert_int_equal(dmah_flush(bench_domain(b)), 0);
		}
		bench_close(b);
	}
}

#define COPIES 60u
#define LIVE   5u

/* 9: the same with mappings of all sizes in turn. */
static void mixed_sizes(const struct bench_config *config, uint64_t seed)
{
	struct bench *b = bench_open(config);
	/* Fewer maps than a generation needs to wrap. */
	unsigned int most = config->hw == BENCH_VTD4 ? COPIES : 15, nstale = 0;
	struct dmah stale[COPIES], h[LIVE] = { 0 }, copy;
	struct dmah_device *dev = bench_device(b);
	uint64_t before[GRANULES], after[GRANULES];
	struct rnd r = { seed };

	for (unsigned int maps = 0; maps < most;) {
		struct dmah *this = &h[rnd(&r, LIVE)];

		if (dmah_mapped(this)) {
			stale[nstale++] = *this;
			assert_int_equal(dmah_unmap(dev, this), 0);
			/* Empty the cache, so that the next maps get granules of other sizes. */
			if (!rnd(&r, 4))
				assert_int_equal(dmah_cpu_dead(bench_domain(b), 0), 0);
			continue;
		}
		/* Use one buffer, so that handles differ only in the generation. */
		assert_int_equal(dmah_map(dev, this, page(b, 0),
					  (rnd(&r, 2) ? 1 : 1 + rnd(&r, 8)) * 4096,
					  DMAH_BIDIRECTIONAL, 0),
				 0);
		maps++;
		bench_entries(b, before, GRANULES);
		for (unsigned int i = 0; i < nstale; i++) {
			copy = stale[i];
			assert_int_equal(dmah_unmap(dev, &copy), DMAH_ESTALE);
		}
		bench_entries(b, after, GRANULES);
		assert_memory_equal(before, after, sizeof(before));
		(void)bench_reports(b);
	}
	for (unsigned int i = 0; i < LIVE; i++)
		assert_int_equal(dmah_unmap(dev, &h[i]), 0);
	bench_close(b);
}

static void inv09_stale_copies_of_other_sizes(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++)
		for (uint64_t seed = 1; seed <= bench_times(40); seed++)
			mixed_sizes(&machines[m], seed);
}

/* Granules that a cache is filled with. */
#define RUN 8u
/* Maps of the last granule: fewer than half of the generations that a format has. */
#define LAST_OF 6u

/* Every copy is refused, and changes nothing. */
static void all_refused(struct bench *b, const struct dmah *stale, unsigned int n)
{
	uint64_t before[GRANULES], after[GRANULES];

	bench_entries(b, before, GRANULES);
	for (unsigned int i = 0; i < n; i++) {
		struct dmah copy = stale[i];

		assert_int_equal(dmah_unmap(bench_device(b), &copy), DMAH_ESTALE);
	}
	bench_entries(b, after, GRANULES);
	assert_memory_equal(before, after, sizeof(before));
	(void)bench_reports(b);
}

/* Map @n mappings of @granules each, check all stale copies, and unmap them. Nothing is left in a cache where @drain. */
static void map_some(struct bench *b, unsigned int n, uint32_t granules, bool drain,
		     const struct dmah *stale, unsigned int nstale)
{
	struct dmah h[RUN] = { 0 };

	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(dmah_map(bench_device(b), &h[i], page(b, 0), granules * 4096,
					  DMAH_BIDIRECTIONAL, 0),
				 0);
	all_refused(b, stale, nstale);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(dmah_unmap(bench_device(b), &h[i]), 0);
	assert_int_equal(dmah_flush(bench_domain(b)), 0);
	if (drain)
		assert_int_equal(dmah_cpu_dead(bench_domain(b), 0), 0);
}

/*
 * The last granule of each @whole is mapped alone, more often than its neighbours; then the granules before it, then all of
 * them together; then the last one alone once more. A mapping of @part granules says nothing about the generation of the last.
 */
static void part_then_whole(const struct bench_config *config, uint32_t part, uint32_t whole)
{
	struct bench *b = bench_open(config);
	struct dmah_device *dev = bench_device(b);
	struct dmah h[RUN] = { 0 }, stale[RUN * LAST_OF];
	unsigned int nstale = 0;

	for (unsigned int i = 0; i < RUN; i++)
		assert_int_equal(dmah_map(dev, &h[i], page(b, 0), 4096, DMAH_BIDIRECTIONAL, 0), 0);
	for (unsigned int i = 0; i < RUN; i++) {
		for (unsigned int maps = 1;
		     maps < LAST_OF && dmah_addr(&h[i]) / 4096 % whole == whole - 1; maps++) {
			stale[nstale++] = h[i];
			assert_int_equal(dmah_unmap(dev, &h[i]), 0);
			assert_int_equal(dmah_flush(bench_domain(b)), 0);
			assert_int_equal(
				dmah_map(dev, &h[i], page(b, 0), 4096, DMAH_BIDIRECTIONAL, 0), 0);
		}
	}
	assert_true(nstale);
	for (unsigned int i = 0; i < RUN; i++)
		assert_int_equal(dmah_unmap(dev, &h[i]), 0);
	assert_int_equal(dmah_cpu_dead(bench_domain(b), 0), 0);
	map_some(b, RUN / whole, part, false, stale, nstale);
	map_some(b, RUN / whole, whole, true, stale, nstale);
	for (unsigned int again = 0; again < 3; again++)
		map_some(b, RUN, 1, true, stale, nstale);
	bench_close(b);
}

static void inv09_stale_copies_of_a_part(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++) {
		part_then_whole(&machines[m], 3, 4);
		part_then_whole(&machines[m], 5, 8);
		part_then_whole(&machines[m], 7, 8);
	}
}

/*
 * 9: the generation of every format fits into a handle: each of more maps of one granule than a generation has values can be
 * unmapped, on the fast path and on the general one.
 */
static void inv09_generations_wrap(void **state)
{
	static const enum bench_hw hw[] = { BENCH_VTD4,	     BENCH_VTD4_FS,	BENCH_LPAE48,
					    BENCH_LPAE48_S2, BENCH_AMD4,	BENCH_SV48,
					    BENCH_SMMUV2,    BENCH_SMMUV1_SHORT };

	(void)state;
	for (unsigned int i = 0; i < 2 * sizeof(hw) / sizeof(hw[0]); i++) {
		const struct bench_config config = { .backend = DMAH_BACKEND_IOMMU,
						     .hw = hw[i / 2],
						     .aperture_size = APERTURE };
		uint32_t attrs = i & 1 ? DMAH_ATTR_NO_CPU_SYNC : 0;
		struct bench *b = bench_open(&config);
		struct dmah h = { 0 };

		for (unsigned int maps = 0; maps < 2100; maps++) {
			assert_int_equal(dmah_map(bench_device(b), &h, page(b, 0), 4096,
						  DMAH_BIDIRECTIONAL, attrs),
					 0);
			assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
		}
		bench_close(b);
	}
}

/* ---- devices ---- */

static void another_devices_handle(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++)
		for (uint32_t n = 1; n <= 8; n += 7) {
			struct bench *b = bench_open(&machines[m]);
			struct dmah_device *dev = bench_device(b),
					   *other = bench_extra_device(b, 0);
			struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };
			struct dmah h = { 0 }, mine = { 0 }, room = { 0 }, *list = &h;
			struct dmah_batch batch = { .h = &room, .max = 1 };
			uint64_t before[GRANULES], after[GRANULES];
			unsigned char byte = 1;

			assert_int_equal(dmah_attach(bench_domain(b), other, &limits), 0);
			assert_int_equal(dmah_map(other, &mine, page(b, 8), n * 4096,
						  DMAH_BIDIRECTIONAL, 0),
					 0);
			assert_int_equal(
				dmah_map(dev, &h, page(b, 0), n * 4096, DMAH_BIDIRECTIONAL, 0), 0);
			bench_entries(b, before, GRANULES);
			assert_int_equal(dmah_unmap(other, &h), DMAH_EINVAL);
			assert_int_equal(dmah_unmap_start(other, &batch, &list, 1), DMAH_EINVAL);
			assert_int_equal(dmah_unmap_finish(other, &batch), 0);
			assert_int_equal(bench_reports(b), 2);
			bench_entries(b, after, GRANULES);
			assert_memory_equal(before, after, sizeof(before));
			assert_true(bench_dev_write(b, dmah_addr(&h), &byte, 1));
			assert_int_equal(dmah_detach(dev), DMAH_EBUSY);
			assert_int_equal(dmah_detach(other), DMAH_EBUSY);
			assert_int_equal(dmah_device_live(dev), 1);
			assert_int_equal(dmah_unmap(other, &mine), 0);
			assert_int_equal(dmah_detach(other), 0);
			assert_int_equal(dmah_unmap(other, &h), DMAH_ENODEV);
			assert_int_equal(dmah_unmap(dev, &h), 0);
			bench_close(b);
		}
}

/* 18: a killed device reaches nothing; its mappings can be unmapped, and new maps are refused. */
static void inv18_killed(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++)
		for (uint32_t n = 1; n <= 8; n++) {
			struct bench *b = bench_open(&machines[m]);
			struct dmah_device *dev = bench_device(b);
			struct dmah h[8] = { 0 }, room[4], stale;
			struct dmah *list[4] = { &h[4], &h[5], &h[6], &h[7] };
			struct dmah_batch batch = { .h = room, .max = 4 };
			uint64_t entry[GRANULES];
			unsigned char byte = 1;

			memset(room, 0, sizeof(room));
			for (unsigned int i = 0; i < 8; i++)
				assert_int_equal(dmah_map(dev, &h[i], page(b, i * 8), n * 4096,
							  DMAH_BIDIRECTIONAL, 0),
						 0);
			assert_true(bench_dev_write(b, dmah_addr(&h[0]), &byte, 1));
			assert_int_equal(dmah_kill(dev), 0);
			assert_false(bench_dev_write(b, dmah_addr(&h[0]), &byte, 1));
			stale = h[0];
			for (unsigned int i = 0; i < 4; i++)
				assert_int_equal(dmah_unmap(dev, &h[i]), 0);
			assert_int_equal(dmah_unmap(dev, &stale), DMAH_ESTALE);
			assert_int_equal(bench_reports(b), 1);
			assert_int_equal(dmah_map(dev, &h[0], page(b, 0), n * 4096,
						  DMAH_BIDIRECTIONAL, 0),
					 DMAH_ENODEV);
			assert_false(dmah_mapped(&h[0]));
			assert_int_equal(dmah_device_live(dev), 4);
			assert_int_equal(dmah_detach(dev), DMAH_EBUSY);
			assert_int_equal(dmah_unmap_start(dev, &batch, list, 4), 0);
			assert_int_equal(dmah_unmap_finish(dev, &batch), 0);
			bench_entries(b, entry, GRANULES);
			for (unsigned int i = 0; i < GRANULES; i++)
				assert_int_equal(entry[i], 0);
			bench_close(b);
		}
}

/* The same without an IOMMU that could block it: its maps fail, whichever path they take. */
static void inv18_killed_without_an_iommu(void **state)
{
	static const struct bench_config direct = { .backend = DMAH_BACKEND_DIRECT };
	static const uint64_t lengths[] = { 1, 4096, 65536, 2u << 20 };
	struct bench *b = bench_open(&direct);
	struct dmah_device *dev = bench_device(b);
	struct dmah h = { 0 }, other = { 0 }, was;

	(void)state;
	assert_int_equal(dmah_map(dev, &h, page(b, 0), 4096, DMAH_BIDIRECTIONAL, 0), 0);
	was = h;
	assert_int_equal(dmah_kill(dev), DMAH_ENOTSUP);
	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		assert_int_equal(dmah_map(dev, &other, page(b, 0), lengths[i], DMAH_BIDIRECTIONAL,
					  0),
				 DMAH_ENODEV);
		assert_false(dmah_mapped(&other));
		assert_int_equal(dmah_replace(dev, &h, page(b, 1), lengths[i], DMAH_BIDIRECTIONAL),
				 DMAH_ENODEV);
		assert_memory_equal(&h, &was, sizeof(h));
	}
	assert_int_equal(dmah_device_live(dev), 1);
	assert_int_equal(dmah_unmap(dev, &h), 0);
	assert_int_equal(dmah_device_live(dev), 0);
	bench_close(b);
}

/*
 * 14: a buffer of several granules that leaves the memory which the tables can say is refused before anything is taken for it:
 * no table page.
 */
static void inv14_beyond_the_last_address(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++) {
		struct bench *b = bench_open(&machines[m]);
		unsigned long pages = bench_pages(b);
		struct dmah h = { 0 };
		unsigned int bits = 63;

		/* The number of bits is the first one below which a buffer can lie. */
		for (; bits > 32; bits--) {
			dmah_phys_t end = 1ull << bits;

			if (dmah_map(bench_device(b), &h, end - 8192, 12288, DMAH_TO_DEVICE, 0))
				assert_int_equal(bench_pages(b), pages);
			else
				break;
		}
		assert_true(bits > 32 && bits < 63);
		assert_int_equal(dmah_unmap(bench_device(b), &h), 0);
		bench_close(b);
	}
}

/* ---- 13: what was reserved ---- */

#define CELLS_RESERVED 8u

/* A cell of the reserve that the address-keyed calls have used is one of the reserve again. */
static void inv13_reserve_by_address(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++) {
		struct bench *b = bench_open(&machines[m]);
		struct dmah_device *dev = bench_device(b);
		static struct dmah h[GRANULES], last[CELLS_RESERVED];
		dmah_addr_t dma[CELLS_RESERVED];
		unsigned int n = 0;

		/* Cells of two granules each. */
		assert_int_equal(dmah_reserve(bench_domain(b), CELLS_RESERVED, 4096), 0);
		while (n < GRANULES - 1 - 2 * CELLS_RESERVED)
			assert_int_equal(
				dmah_map(dev, &h[n++], page(b, 0), 4096, DMAH_TO_DEVICE, 0), 0);
		for (unsigned int round = 0; round < 3; round++) {
			for (unsigned int i = 0; i < CELLS_RESERVED; i++)
				assert_int_equal(dmah_addr_map(dev, page(b, 1), 4096,
							       DMAH_TO_DEVICE, 0, &dma[i]),
						 0);
			for (unsigned int i = 0; i < CELLS_RESERVED; i++)
				assert_int_equal(
					dmah_addr_unmap(dev, dma[i], 4096, DMAH_TO_DEVICE, 0), 0);
			/* Two granules for each cell, outside all other mappings. */
			for (unsigned int i = 0; i < CELLS_RESERVED; i++)
				assert_int_equal(dmah_map(dev, &last[i], page(b, 2), 8192,
							  DMAH_TO_DEVICE, 0),
						 0);
			for (unsigned int i = 0; i < CELLS_RESERVED; i++)
				assert_int_equal(dmah_unmap(dev, &last[i]), 0);
		}
		while (n)
			assert_int_equal(dmah_unmap(dev, &h[--n]), 0);
		bench_close(b);
	}
}

int main(void)
{
	static const struct bench_case cases[] = {
		BENCH_CASE(nobody_can_tell, 0),
		BENCH_CASE(inv10_changed_handles, 0),
		BENCH_CASE(inv10_changed_vectors, 0),
		BENCH_CASE(inv10_changed_length_in_a_batch, 0),
		BENCH_CASE(inv09_stale_copies, 0),
		BENCH_CASE(inv09_stale_copies_of_blocks, 0),
		BENCH_CASE(inv10_changed_blocks, 0),
		BENCH_CASE(inv09_stale_copies_of_other_sizes, 0),
		BENCH_CASE(inv09_stale_copies_of_a_part, 0),
		BENCH_CASE(inv09_generations_wrap, BENCH_OTHERS),
		BENCH_CASE(another_devices_handle, 0),
		BENCH_CASE(inv18_killed, 0),
		BENCH_CASE(inv18_killed_without_an_iommu, BENCH_OTHERS),
		BENCH_CASE(inv14_beyond_the_last_address, 0),
		BENCH_CASE(inv13_reserve_by_address, 0),
	};

	return bench_run("plain", cases, sizeof(cases) / sizeof(cases[0]));
}
