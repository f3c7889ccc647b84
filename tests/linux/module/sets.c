// SPDX-License-Identifier: GPL-2.0-only
/* Data through what maps many buffers: vectors, rings, batches. */
#include "test.h"

#define PIECES 5

/* Odd pieces of a scattered buffer; the third and the fourth lie together in memory. */
static const struct {
	size_t off;
	size_t len;
} shape[PIECES] = {
	{ 0, 1000 }, { PAGE_SIZE - 300, 600 }, { PAGE_SIZE, PAGE_SIZE }, { 2 * PAGE_SIZE, 700 },
	{ 5, 1 },
};

struct scattered {
	struct buffer b[PIECES];
	struct scatterlist sg[PIECES];
	struct bio_vec bv[PIECES];
	size_t total;
};

static void scattered_put(struct scattered *s)
{
	int i;

	for (i = 0; i < PIECES; i++)
		if (i != 3)
			buffer_put(&s->b[i]);
}

static int scattered_get(struct scattered *s)
{
	int i;

	memset(s, 0, sizeof(*s));
	sg_init_table(s->sg, PIECES);
	for (i = 0; i < PIECES; i++) {
		if (i == 3) {
			/* goes on where the third ends */
			s->b[3] = s->b[2];
			s->b[3].off = shape[3].off;
			s->b[3].len = shape[3].len;
			memset(buffer_data(&s->b[3]), 0, s->b[3].len);
		} else if (buffer_get(&s->b[i], shape[i].off, shape[i].len)) {
			scattered_put(s);
			return -ENOMEM;
		}
		sg_set_page(&s->sg[i], s->b[i].page, s->b[i].len, s->b[i].off);
		s->bv[i] = (struct bio_vec){ s->b[i].page, s->b[i].len, s->b[i].off };
		s->total += s->b[i].len;
	}
	return 0;
}

static void scattered_fill(struct scattered *s, u8 seed)
{
	int i;

	for (i = 0; i < PIECES; i++)
		fill(buffer_data(&s->b[i]), s->b[i].len, seed + i);
}

static bool scattered_filled(struct scattered *s, u8 seed)
{
	int i;

	for (i = 0; i < PIECES; i++)
		if (!filled(buffer_data(&s->b[i]), s->b[i].len, seed + i))
			return false;
	return true;
}

static bool scattered_borders(struct scattered *s)
{
	struct buffer whole = s->b[2];

	whole.len += s->b[3].len;
	return buffer_borders(&s->b[0]) && buffer_borders(&s->b[1]) && buffer_borders(&whole) &&
	       buffer_borders(&s->b[4]);
}

/*
 * The device copies a vector's bytes to another vector through its buffer, chunk by chunk, by the
 * DMA segments alone: what a driver does with them.
 */
static u64 seg_bytes(const struct dmah_vec *v)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < v->nseg; i++)
		sum += v->seg[i].len;
	return sum;
}

static dma_addr_t seg_at(const struct dmah_vec *v, u64 at, u32 *room)
{
	u32 i;

	for (i = 0; i < v->nseg; i++) {
		if (at < v->seg[i].len) {
			*room = v->seg[i].len - at;
			return v->seg[i].dma + at;
		}
		at -= v->seg[i].len;
	}
	*room = 0;
	return 0;
}

static int copy_by_device(struct test *t, const struct dmah_vec *from, const struct dmah_vec *to,
			  u64 total)
{
	u64 at = 0;

	while (at < total) {
		u32 a, b, n;
		dma_addr_t src = seg_at(from, at, &a), dst = seg_at(to, at, &b);
		int err;

		n = min3(a, b, (u32)EDU_MAX);
		if (!n)
			return -EINVAL;
		err = edu_read_ram(t, src, 0, n);
		if (!err)
			err = edu_write_ram(t, dst, 0, n);
		if (err)
			return err;
		at += n;
	}
	return 0;
}

static int map_scattered(struct test *t, struct dmah_vec *v, struct scattered *s, bool bvecs,
			 enum dma_data_direction dir)
{
	if (bvecs)
		return dmah_map_bvecs(t->dev, v, s->bv, PIECES, dir, 0);
	return dmah_map_sg(t->dev, v, s->sg, PIECES, dir, 0);
}

static void vector(struct test *t, bool bvecs)
{
	struct scattered *s = kcalloc(2, sizeof(*s), GFP_KERNEL);
	struct dmah_vec from = {}, to = {};
	u64 live = test_live(t);
	u8 seed = bvecs ? 40 : 90;

	if (!CHECK(t, s) || !CHECK(t, !scattered_get(&s[0])))
		goto free;
	if (!CHECK(t, !scattered_get(&s[1])))
		goto put_first;
	if (!CHECK(t, !dmah_vec_alloc(&from, PIECES, GFP_KERNEL)) ||
	    !CHECK(t, !dmah_vec_alloc(&to, PIECES, GFP_KERNEL)))
		goto put;
	scattered_fill(&s[0], seed);
	if (!CHECK_EQ(t, map_scattered(t, &from, &s[0], bvecs, DMA_TO_DEVICE), 0))
		goto put;
	if (CHECK_EQ(t, map_scattered(t, &to, &s[1], bvecs, DMA_FROM_DEVICE), 0)) {
		CHECK_EQ(t, from.total, s[0].total);
		CHECK_EQ(t, seg_bytes(&from), s[0].total);
		CHECK(t, from.nseg >= 1 && from.nseg <= PIECES);
		CHECK_EQ(t, copy_by_device(t, &from, &to, s[0].total), 0);
		/* a part that begins in one piece and ends in another */
		CHECK_EQ(t, dmah_vec_sync_for_cpu(t->dev, &to, 900, 800), 0);
		CHECK(t, filled(buffer_data(&s[1].b[1]), s[1].b[1].len, seed + 1));
		CHECK_EQ(t, dmah_vec_sync_for_device(t->dev, &to, 900, 800), 0);
		CHECK_EQ(t, dmah_unmap_vec(t->dev, &to), 0);
		CHECK_EQ(t, to.nseg, 0);
		CHECK_EQ(t, dmah_unmap_vec(t->dev, &to), 0);
		CHECK(t, scattered_filled(&s[1], seed));
	}
	CHECK_EQ(t, dmah_unmap_vec(t->dev, &from), 0);
	CHECK(t, scattered_filled(&s[0], seed));
	CHECK(t, scattered_borders(&s[0]) && scattered_borders(&s[1]));
	CHECK_EQ(t, test_live(t), live);
put:
	dmah_vec_free(&from);
	dmah_vec_free(&to);
	scattered_put(&s[1]);
put_first:
	scattered_put(&s[0]);
free:
	kfree(s);
}

static void test_sg(struct test *t)
{
	vector(t, false);
}

static void test_bvecs(struct test *t)
{
	vector(t, true);
}

/* A vector that has no room: nothing is mapped, and the same vector works afterwards. */
static void test_vec_room(struct test *t)
{
	struct scattered *s = kzalloc(sizeof(*s), GFP_KERNEL);
	struct dmah_vec v = {};
	u64 live = test_live(t);

	if (!CHECK(t, s) || !CHECK(t, !scattered_get(s)))
		goto free;
	if (CHECK(t, !dmah_vec_alloc(&v, PIECES - 1, GFP_KERNEL))) {
		CHECK_EQ(t, dmah_map_sg(t->dev, &v, s->sg, PIECES, DMA_TO_DEVICE, 0), -EINVAL);
		CHECK_EQ(t, v.nseg, 0);
		CHECK_EQ(t, test_live(t), live);
		if (CHECK_EQ(t, dmah_map_sg(t->dev, &v, s->sg, 2, DMA_TO_DEVICE, 0), 0)) {
			CHECK_EQ(t, v.total, s->b[0].len + s->b[1].len);
			CHECK_EQ(t, dmah_unmap_vec(t->dev, &v), 0);
		}
		dmah_vec_free(&v);
	}
	CHECK_EQ(t, test_live(t), live);
	scattered_put(s);
free:
	kfree(s);
}

#define ENTRIES 8

/* Twice around, in ones and threes. */
static void test_ring(struct test *t)
{
	struct dmah_ring_config config = {
		.entries = ENTRIES,
		.entry_size = 2 * PAGE_SIZE,
		.dir = DMA_FROM_DEVICE,
	};
	struct buffer b[ENTRIES] = {};
	dma_addr_t addr[ENTRIES];
	struct dmah_ring *ring;
	u64 live = test_live(t);
	int i, round;

	ring = dmah_ring_alloc(t->dev, &config);
	if (!CHECK(t, !IS_ERR(ring)))
		return;
	for (i = 0; i < ENTRIES; i++)
		if (!CHECK(t, !buffer_get(&b[i], i * 37 + (i & 1) * PAGE_SIZE, 1522)))
			goto put;
	for (round = 0; round < 3; round++) {
		/* each time from another slot on */
		int first = round * 3, n = ENTRIES - round;

		for (i = 0; i < n; i++) {
			struct buffer *p = &b[(first + i) % ENTRIES];

			memset(buffer_data(p), 0, p->len);
			if (!CHECK_EQ(t, dmah_ring_push(ring, p->page, p->off, p->len, &addr[i]),
				      0))
				goto drain;
		}
		CHECK_EQ(t, dmah_ring_live(ring), n);
		if (n == ENTRIES)
			CHECK_EQ(t, dmah_ring_push(ring, b[0].page, b[0].off, 64, &addr[0]),
				 -ENOSPC);
		for (i = 0; i < n; i += 3) {
			CHECK_EQ(t, edu_fill(t, 0, 1522, round * 40 + i), 0);
			CHECK_EQ(t, edu_write_ram(t, addr[i], 0, 1522), 0);
		}
		/* the fourth is read in place, while it stays mapped */
		CHECK_EQ(t, dmah_ring_sync_for_cpu(ring, 3, 0, 1522), 0);
		CHECK(t, filled(buffer_data(&b[(first + 3) % ENTRIES]), 1522, round * 40 + 3));
		CHECK_EQ(t, dmah_ring_sync_for_device(ring, 3, 0, 1522), 0);
		CHECK_EQ(t, dmah_ring_pop(ring, 0), 0);
		CHECK_EQ(t, dmah_ring_pop(ring, 1), 0);
		CHECK_EQ(t, dmah_ring_pop(ring, n), -EINVAL);
		CHECK_EQ(t, dmah_ring_live(ring), n - 1);
		CHECK_EQ(t, dmah_ring_free(ring), -EBUSY);
		CHECK_EQ(t, dmah_ring_pop(ring, n - 1), 0);
		CHECK_EQ(t, dmah_ring_live(ring), 0);
		for (i = 0; i < n; i++) {
			struct buffer *p = &b[(first + i) % ENTRIES];

			if (i % 3)
				CHECK(t, all(buffer_data(p), p->len, 0));
			else
				CHECK(t, filled(buffer_data(p), p->len, round * 40 + i));
			CHECK(t, buffer_borders(p));
		}
	}
drain:
	CHECK_EQ(t, dmah_ring_pop(ring, dmah_ring_live(ring)), 0);
put:
	CHECK_EQ(t, dmah_ring_free(ring), 0);
	for (i = 0; i < ENTRIES; i++)
		buffer_put(&b[i]);
	CHECK_EQ(t, test_live(t), live);
}

static void test_batch(struct test *t)
{
	struct buffer b[4] = {};
	struct dmah h[4] = {}, room[4] = {};
	struct dmah *list[4] = { &h[0], &h[1], &h[2], &h[3] };
	struct dmah_batch batch = { .h = room, .max = 4 };
	u64 live = test_live(t);
	int i;

	for (i = 0; i < 4; i++)
		if (!CHECK(t, !buffer_get(&b[i], 100 * i, 1000)))
			goto put;
	/* The second handle stays idle: it is passed over. */
	for (i = 0; i < 4; i++) {
		if (i == 1)
			continue;
		if (!CHECK_EQ(t,
			      dmah_map_page(t->dev, &h[i], b[i].page, b[i].off, 1000,
					    DMA_FROM_DEVICE),
			      0))
			continue;
		CHECK_EQ(t, edu_fill(t, 0, 1000, 50 + i), 0);
		CHECK_EQ(t, edu_write_ram(t, dmah_addr(&h[i]), 0, 1000), 0);
	}
	CHECK_EQ(t, dmah_unmap_start(t->dev, &batch, list, 4), 0);
	for (i = 0; i < 4; i++)
		CHECK(t, !dmah_mapped(&h[i]));
	/*
	 * A batch that is under way takes no more; where nothing is waited for it is over at once.
	 */
	if (batch.n)
		CHECK_EQ(t, dmah_unmap_start(t->dev, &batch, list, 4), -EINVAL);
	/* The handles are free to be used again at once. */
	if (CHECK_EQ(t, dmah_map_page(t->dev, &h[1], b[1].page, b[1].off, 1000, DMA_TO_DEVICE), 0))
		CHECK_EQ(t, dmah_unmap(t->dev, &h[1]), 0);
	CHECK_EQ(t, dmah_unmap_finish(t->dev, &batch), 0);
	CHECK_EQ(t, dmah_unmap_finish(t->dev, &batch), 0);
	for (i = 0; i < 4; i++) {
		if (i != 1)
			CHECK(t, filled(buffer_data(&b[i]), 1000, 50 + i));
		CHECK(t, buffer_borders(&b[i]));
	}
	CHECK_EQ(t, test_live(t), live);
put:
	for (i = 0; i < 4; i++)
		buffer_put(&b[i]);
}

const struct test_case set_cases[] = { { "vector of a scatterlist: data both ways", test_sg },
				       { "vector of bio_vecs: data both ways", test_bvecs },
				       { "vector without room: all or nothing", test_vec_room },
				       { "ring: data, order, and its limits", test_ring },
				       { "batch: data, and handles free at once", test_batch },
				       {} };
