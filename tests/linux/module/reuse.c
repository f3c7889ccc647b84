// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots that are used again: when, by which handle, and what becomes of the IOVAs of those that are
 * not.
 */
#include <linux/delay.h>
#include <linux/vmalloc.h>

#include "test.h"

#define LEN 1000
/* A CPU keeps 512 slots and uses them in turn. */
#define ROUNDS 3000
/* Reused slots after which a ring has shown enough. */
#define REUSED 56

/* The same buffer in the same slot: its handle differs from the last one by the generation alone. */
static void test_generation(struct test *t)
{
	struct dmah h = {}, first;
	struct buffer b;
	int n = 0;

	if (!CHECK(t, !buffer_get(&b, 0, LEN)))
		return;
	if (!CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, LEN, DMA_FROM_DEVICE), 0))
		goto put;
	first = h;
	do {
		if (!CHECK_EQ(t, dmah_unmap(t->dev, &h), 0) ||
		    !CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, LEN, DMA_FROM_DEVICE), 0))
			goto put;
	} while (++n < ROUNDS && dmah_addr(&h) != dmah_addr(&first));
	CHECK(t, dmah_addr(&h) == dmah_addr(&first));
	CHECK_EQ(t, dmah_unmap(t->dev, &first), -ESTALE);
	CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
put:
	buffer_put(&b);
}

/* struct used - the addresses that were unmapped, and how many flushes there had been before. */
struct used {
	u32 n;
	struct {
		dma_addr_t addr;
		u64 flushes;
	} at[ROUNDS];
};

static u64 flushes(struct test *t)
{
	struct dmah_stats s = {};

	CHECK_EQ(t, dmah_get_stats(t->dev, &s), 0);
	return s.flushes;
}

/*
 * An address is mapped, after so many flushes, and is unmapped next. Returns true if there was none
 * since its unmap before.
 */
static bool too_early(struct used *u, dma_addr_t addr, u64 now)
{
	u32 i;

	for (i = 0; i < u->n && u->at[i].addr != addr; i++)
		;
	if (i == ARRAY_SIZE(u->at))
		return false;
	if (i < u->n && u->at[i].flushes >= now)
		return true;
	u->at[i].addr = addr;
	u->at[i].flushes = now;
	u->n = max(u->n, i + 1);
	return false;
}

static void test_flushed(struct test *t)
{
	struct used *u = vzalloc(sizeof(*u));
	u64 again = 0;
	struct dmah h = {};
	struct buffer b;
	int n;

	if (!CHECK(t, u) || !CHECK(t, !buffer_get(&b, 0, LEN)))
		goto free;
	for (n = 0; n < ROUNDS && !t->failed; n++) {
		u32 known = u->n;

		if (!CHECK_EQ(t, dmah_map_page(t->dev, &h, b.page, 0, LEN, DMA_FROM_DEVICE), 0))
			break;
		CHECK(t, !too_early(u, dmah_addr(&h), flushes(t)));
		CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
		again += known == u->n;
	}
	/* Else nothing was seen. */
	CHECK(t, again > 0);
	buffer_put(&b);
free:
	vfree(u);
}

static void test_ring_flushed(struct test *t)
{
	struct dmah_ring_config config = { .entries = 4,
					   .entry_size = PAGE_SIZE,
					   .dir = DMA_FROM_DEVICE };
	struct dmah_ring *ring = dmah_ring_alloc(t->dev, &config);
	struct used *u = vzalloc(sizeof(*u));
	u64 again = 0;
	struct buffer b;
	dma_addr_t addr;
	int n;

	if (!CHECK(t, !IS_ERR(ring)) || !CHECK(t, u) || !CHECK(t, !buffer_get(&b, 0, LEN)))
		goto free;
	/* A ring without slots of its own goes through all that the CPU keeps. */
	for (n = 0; n < ROUNDS && again < REUSED && !t->failed; n++) {
		u32 known = u->n;

		if (!CHECK_EQ(t, dmah_ring_push(ring, b.page, 0, LEN, &addr), 0))
			break;
		CHECK(t, !too_early(u, addr, flushes(t)));
		CHECK_EQ(t, dmah_ring_pop(ring, 1), 0);
		again += known == u->n;
	}
	CHECK_EQ(t, again, REUSED);
	buffer_put(&b);
free:
	vfree(u);
	if (!IS_ERR(ring))
		CHECK_EQ(t, dmah_ring_free(ring), 0);
}

/* ---- growing and shrinking ---- */

#define MANY	  4096
#define EVERY	  500
#define SHRINK_MS 7000
/* A chunk, and the most of them that stay though nothing is mapped: a CPU keeps 512 slots. */
#define CHUNK SZ_2M
#define STAY  4

static u64 pool_bytes(struct test *t)
{
	struct dmah_stats s = {};

	CHECK_EQ(t, dmah_get_stats(t->dev, &s), 0);
	return s.pool_bytes;
}

/* Returns how many IOVAs slots had while all were mapped. */
static u64 map_many(struct test *t, struct dmah *h, struct page *page)
{
	u64 most;
	u32 i;

	for (i = 0; i < MANY && !t->failed; i++)
		CHECK_EQ(t, dmah_map_page(t->dev, &h[i], page, 0, PAGE_SIZE, DMA_FROM_DEVICE), 0);
	most = pool_bytes(t);
	CHECK(t, most >= (u64)MANY * PAGE_SIZE);
	return most;
}

static void unmap_but(struct test *t, struct dmah *h, u32 every)
{
	u32 i;

	for (i = 0; i < MANY; i++)
		if (!every || i % every)
			CHECK_EQ(t, dmah_unmap(t->dev, &h[i]), 0);
	CHECK_EQ(t, dmah_flush(t->dev), 0);
	msleep(SHRINK_MS);
}

/* Returns how many chunks have a slot that is left in use. */
static u32 chunks_in_use(const struct dmah *h)
{
	u32 n = 0;

	for (u32 i = 0; i < MANY; i += EVERY) {
		u32 k = 0;

		while (k < i && dmah_addr(&h[k]) / CHUNK != dmah_addr(&h[i]) / CHUNK)
			k += EVERY;
		n += k == i;
	}
	return n;
}

static void test_shrink(struct test *t)
{
	struct dmah *h = vzalloc(array_size(MANY, sizeof(*h)));
	struct buffer b;
	u64 most, least;
	u32 chunks;
	u32 i;

	if (!CHECK(t, h) || !CHECK(t, !buffer_get(&b, 0, PAGE_SIZE)))
		goto free;
	most = map_many(t, h, b.page);
	unmap_but(t, h, 0);
	/* Chunks of other sizes are not counted: earlier cases left some. */
	least = pool_bytes(t);
	CHECK(t, least + (MANY / 512 - STAY) * CHUNK <= most);
	/* Each chunk has a slot in use: it stays, and the device reaches its page. */
	map_many(t, h, b.page);
	chunks = chunks_in_use(h);
	CHECK(t, chunks > STAY);
	unmap_but(t, h, EVERY);
	CHECK(t, pool_bytes(t) >= least + (chunks - STAY) * CHUNK);
	CHECK_EQ(t, edu_fill(t, 0, LEN, 33), 0);
	for (i = 0; i < MANY && !t->failed; i += EVERY) {
		memset(b.base, 0, PAGE_SIZE);
		CHECK_EQ(t, edu_write_ram(t, dmah_addr(&h[i]), 0, LEN), 0);
		CHECK(t, filled(buffer_data(&b), LEN, 33));
	}
	for (i = 0; i < MANY; i += EVERY)
		CHECK_EQ(t, dmah_unmap(t->dev, &h[i]), 0);
	buffer_put(&b);
free:
	vfree(h);
}

const struct test_case reuse_cases[] = {
	{ "the same buffer in the same slot again: a copy of the handle before is refused",
	  test_generation, NEED_POOL },
	{ "a slot is used again only after a flush that its unmap came before", test_flushed,
	  NEED_POOL | NEED_LAZY },
	{ "a ring's slot is used again only after a flush that its pop came before",
	  test_ring_flushed, NEED_POOL | NEED_LAZY },
	{ "IOVAs of slots that are not used go back, those of one in use stay", test_shrink,
	  NEED_POOL | NEED_PLAIN },
	{}
};
