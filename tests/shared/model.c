/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

uint32_t rnd(struct rnd *r, uint32_t below)
{
	r->state = r->state * 6364136223846793005ull + 1442695040888963407ull;
	return below ? (uint32_t)((r->state >> 32) % below) : 0;
}

/* cmocka compares byte by byte, so call it only after a fast comparison has failed. */
static void same_bytes(const unsigned char *a, const unsigned char *b, size_t n)
{
	if (memcmp(a, b, n))
		assert_memory_equal(a, b, n);
}

static void random_bytes(struct rnd *r, unsigned char *p, size_t n)
{
	while (n--)
		*p++ = (unsigned char)rnd(r, 256);
}

void model_init(struct model *m, struct bench *b, dmah_phys_t home, uint32_t size, struct rnd *r)
{
	memset(m, 0, sizeof(*m));
	m->home = home;
	m->size = size;
	m->cpu = malloc(size);
	m->dev = malloc(size);
	random_bytes(r, m->cpu, size);
	bench_cpu_write(b, home, m->cpu, size);
}

void model_fini(struct model *m)
{
	free(m->cpu);
	free(m->dev);
}

/* ---- what a mapping is ---- */

/* Pieces one after the other in the cell, of any alignment, with gaps between them. */
static void random_pieces(struct model *m, struct rnd *r, uint32_t n)
{
	uint32_t room = m->size / n, style = rnd(r, 4);

	m->n = n;
	m->total = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = rnd(r, room - 1), len;

		if (style == 1)
			at &= ~4095u;
		if (style == 2)
			at &= ~(MODEL_LINE - 1);
		len = 1 + rnd(r, rnd(r, 2) ? room - at : (room - at < 5000 ? room - at : 5000));
		if (len > room - at)
			len = room - at;
		if (style == 1 && len >= 4096)
			len &= ~4095u;
		m->at[i] = i * room + at;
		m->len[i] = len;
		m->total += len;
	}
}

static void gather(const struct model *m, const unsigned char *cell, unsigned char *bytes)
{
	for (uint32_t i = 0; i < m->n; bytes += m->len[i++])
		memcpy(bytes, cell + m->at[i], m->len[i]);
}

static void scatter(const struct model *m, unsigned char *cell, const unsigned char *bytes)
{
	for (uint32_t i = 0; i < m->n; bytes += m->len[i++])
		memcpy(cell + m->at[i], bytes, m->len[i]);
}

static int map_single(struct model *m, struct bench *b, enum dmah_dir dir)
{
	struct dmah_device *dev = bench_device(b);
	dmah_phys_t phys = m->home + m->at[0];
	int err;

	if (m->api == MODEL_HANDLE) {
		err = dmah_map(dev, &m->h, phys, m->len[0], dir, 0);
		m->seg[0].dma = dmah_addr(&m->h);
		assert_int_equal(dmah_mapped(&m->h), !err);
		m->stale = m->h;
	} else {
		err = dmah_addr_map(dev, phys, m->len[0], dir, 0, &m->seg[0].dma);
		assert_true(err ? m->seg[0].dma == DMAH_BAD_ADDR : true);
	}
	m->seg[0].len = m->len[0];
	m->nseg = 1;
	return err;
}

static int map_list(struct model *m, struct bench *b, enum dmah_dir dir)
{
	struct dmah_device *dev = bench_device(b);
	struct dmah_seg segs[MODEL_PIECES];
	int err;

	for (uint32_t i = 0; i < m->n; i++) {
		segs[i].phys = m->sg[i].phys = m->home + m->at[i];
		segs[i].len = m->sg[i].len = m->len[i];
	}
	if (m->api == MODEL_VEC) {
		m->v.part = m->part;
		m->v.seg = m->seg;
		m->v.max = MODEL_PIECES;
		err = dmah_map_vec(dev, &m->v, segs, m->n, dir, 0);
		memset(segs, 0xee, sizeof(segs));
		m->nseg = m->v.nseg;
		return err;
	}
	err = dmah_addr_map_sg(dev, m->sg, m->n, dir, 0);
	if (err < 0)
		return err;
	m->nseg = (uint32_t)err;
	for (uint32_t i = 0; i < m->nseg; i++) {
		m->seg[i].dma = m->sg[i].dma;
		m->seg[i].len = m->sg[i].dma_len;
	}
	return DMAH_OK;
}

/* Invariant 5: every segment fits the device; and the segments are as long as the pieces. */
static void check_limits(const struct model *m, struct bench *b)
{
	const struct dmah_limits *limits = &bench_device(b)->limits;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < m->nseg; i++) {
		dmah_addr_t last = m->seg[i].dma + m->seg[i].len - 1;

		assert_true(m->seg[i].len > 0);
		assert_true(last >= m->seg[i].dma && last <= limits->mask);
		if (limits->boundary)
			assert_true(m->seg[i].dma / limits->boundary == last / limits->boundary);
		if (limits->max_segment)
			assert_true(m->seg[i].len <= limits->max_segment);
		sum += m->seg[i].len;
	}
	assert_int_equal(sum, m->total);
	if (limits->min_align_mask && m->n == 1)
		assert_int_equal(m->seg[0].dma & limits->min_align_mask,
				 (m->home + m->at[0]) & limits->min_align_mask);
}

int model_map(struct model *m, struct bench *b, struct rnd *r, enum model_api api)
{
	static const enum dmah_dir dirs[] = { DMAH_TO_DEVICE, DMAH_FROM_DEVICE,
					      DMAH_BIDIRECTIONAL };
	bool list = api == MODEL_VEC || api == MODEL_SG;
	int err;

	m->api = api;
	m->dir = dirs[rnd(r, 3)];
	random_pieces(m, r, list ? 1 + rnd(r, MODEL_PIECES) : 1);
	err = list ? map_list(m, b, m->dir) : map_single(m, b, m->dir);
	if (err) {
		m->nseg = 0;
		return err;
	}
	m->live = true;
	gather(m, m->cpu, m->dev);
	check_limits(m, b);
	return DMAH_OK;
}

/* ---- the device ---- */

static bool access_device(const struct model *m, struct bench *b, uint32_t off, unsigned char *buf,
			  uint32_t len, bool write)
{
	bool ok = true;

	for (uint32_t i = 0; len; i++) {
		uint32_t n;

		assert_true(i < m->nseg);
		if (off >= m->seg[i].len) {
			off -= m->seg[i].len;
			continue;
		}
		n = m->seg[i].len - off < len ? m->seg[i].len - off : len;
		ok &= write ? bench_dev_write(b, m->seg[i].dma + off, buf, n)
			    : bench_dev_read(b, m->seg[i].dma + off, buf, n);
		buf += n;
		len -= n;
		off = 0;
	}
	return ok;
}

static bool translated(const struct bench *b)
{
	return bench_config((struct bench *)(uintptr_t)b)->backend == DMAH_BACKEND_IOMMU &&
	       bench_config((struct bench *)(uintptr_t)b)->mode != DMAH_PASSTHROUGH;
}

static bool write_only_expressible(const struct bench *b)
{
	enum bench_hw hw = bench_config((struct bench *)(uintptr_t)b)->hw;

	return hw == BENCH_VTD3 || hw == BENCH_VTD4 || hw == BENCH_VTD5 || hw == BENCH_LPAE48_S2;
}

/* Invariant 12: beside its buffer an untrusted device finds zeroes, and what it writes there goes nowhere. */
static void poke_beside(const struct model *m, struct bench *b, struct rnd *r)
{
	dmah_addr_t first = m->seg[0].dma & ~4095ull,
		    last = (m->seg[m->nseg - 1].dma + m->seg[m->nseg - 1].len - 1) | 4095;
	uint32_t head = (uint32_t)(m->seg[0].dma - first);
	uint32_t tail = (uint32_t)(last + 1 - (m->seg[m->nseg - 1].dma + m->seg[m->nseg - 1].len));
	unsigned char bytes[4096];

	if (m->dir != DMAH_FROM_DEVICE) {
		assert_true(bench_dev_read(b, first, bytes, head));
		for (uint32_t i = 0; i < head; i++)
			assert_int_equal(bytes[i], 0);
		assert_true(bench_dev_read(b, last + 1 - tail, bytes, tail));
		for (uint32_t i = 0; i < tail; i++)
			assert_int_equal(bytes[i], 0);
	} else {
		random_bytes(r, bytes, sizeof(bytes));
		assert_true(bench_dev_write(b, first, bytes, head));
		assert_true(bench_dev_write(b, last + 1 - tail, bytes, tail));
	}
}

void model_device(struct model *m, struct bench *b, struct rnd *r)
{
	uint32_t off = rnd(r, m->total), len = 1 + rnd(r, m->total - off);
	unsigned char *bytes = malloc(m->total);

	if (m->dir & DMAH_TO_DEVICE) {
		memset(bytes, 0xa5, m->total);
		assert_true(access_device(m, b, 0, bytes, m->total, false));
		same_bytes(bytes, m->dev, m->total);
	} else if (translated(b) && write_only_expressible(b)) {
		assert_false(bench_dev_read(b, m->seg[0].dma, bytes, 1));
	}
	random_bytes(r, bytes, len);
	if (m->dir & DMAH_FROM_DEVICE) {
		/* After a short write the rest of the buffer is unchanged. */
		assert_true(access_device(m, b, off, bytes, len, true));
		memcpy(m->dev + off, bytes, len);
	} else if (translated(b)) {
		assert_false(bench_dev_write(b, m->seg[0].dma, bytes, 1));
	}
	if (bench_config(b)->untrusted && translated(b))
		poke_beside(m, b, r);
	free(bytes);
}

/* ---- handing over ---- */

static int sync_call(struct model *m, struct bench *b, uint32_t off, uint32_t len, bool for_cpu)
{
	struct dmah_device *dev = bench_device(b);

	switch (m->api) {
	case MODEL_HANDLE:
		return for_cpu ? dmah_sync_for_cpu(dev, &m->h, off, len)
			       : dmah_sync_for_device(dev, &m->h, off, len);
	case MODEL_ADDRESS:
		return for_cpu ? dmah_addr_sync_for_cpu(dev, m->seg[0].dma + off, len, m->dir)
			       : dmah_addr_sync_for_device(dev, m->seg[0].dma + off, len, m->dir);
	case MODEL_PAGE:
		return for_cpu ? dmah_page_sync_for_cpu(dev, m->seg[0].dma + off,
							m->home + m->at[0] + off, len, m->dir)
			       : dmah_page_sync_for_device(dev, m->seg[0].dma + off,
							   m->home + m->at[0] + off, len, m->dir);
	case MODEL_VEC:
		return for_cpu ? dmah_vec_sync_for_cpu(dev, &m->v, off, len)
			       : dmah_vec_sync_for_device(dev, &m->v, off, len);
	default:
		return for_cpu ? dmah_addr_sync_sg_for_cpu(dev, m->sg, m->n, m->dir)
			       : dmah_addr_sync_sg_for_device(dev, m->sg, m->n, m->dir);
	}
}

/* Choose a part that shares no cache line with bytes that the device may still write. */
static bool pick_part(const struct model *m, struct rnd *r, uint32_t *piece, uint32_t *from,
		      uint32_t *len)
{
	uint64_t start, end, lo, hi;

	*piece = rnd(r, m->n);
	start = m->home + m->at[*piece];
	end = start + m->len[*piece];
	lo = start + rnd(r, m->len[*piece]);
	hi = lo + 1 + rnd(r, (uint32_t)(end - lo));
	lo &= ~(uint64_t)(MODEL_LINE - 1);
	hi = (hi + MODEL_LINE - 1) & ~(uint64_t)(MODEL_LINE - 1);
	lo = lo < start ? start : lo;
	hi = hi > end ? end : hi;
	*from = (uint32_t)(lo - start);
	*len = (uint32_t)(hi - lo);
	return hi > lo;
}

void model_sync(struct model *m, struct bench *b, struct rnd *r)
{
	uint32_t piece, from, len, off = 0;
	unsigned char *bytes;

	if (!pick_part(m, r, &piece, &from, &len))
		return;
	for (uint32_t i = 0; i < piece; i++)
		off += m->len[i];
	off += from;
	bytes = malloc(len);
	assert_int_equal(sync_call(m, b, off, len, true), DMAH_OK);
	bench_cpu_read(b, m->home + m->at[piece] + from, bytes, len);
	same_bytes(bytes, m->dir & DMAH_FROM_DEVICE ? m->dev + off : m->cpu + m->at[piece] + from,
		   len);
	if (m->dir & DMAH_TO_DEVICE) {
		random_bytes(r, bytes, len);
		bench_cpu_write(b, m->home + m->at[piece] + from, bytes, len);
		memcpy(m->cpu + m->at[piece] + from, bytes, len);
		memcpy(m->dev + off, bytes, len);
	}
	assert_int_equal(sync_call(m, b, off, len, false), DMAH_OK);
	free(bytes);
}

void model_cpu(struct model *m, struct bench *b, struct rnd *r)
{
	uint32_t at = rnd(r, m->size);
	unsigned char byte = (unsigned char)rnd(r, 256);

	for (uint32_t i = 0; m->live && i < m->n; i++)
		if (at >= m->at[i] && at < m->at[i] + m->len[i])
			return;
	m->cpu[at] = byte;
	bench_cpu_write(b, m->home + at, &byte, 1);
}

/* ---- the end ---- */

void model_gone(const struct model *m, struct bench *b)
{
	unsigned char byte = 0x5a;

	for (uint32_t i = 0; i < m->nseg; i++) {
		assert_false(bench_dev_read(b, m->seg[i].dma, &byte, 1));
		assert_false(bench_dev_write(b, m->seg[i].dma + m->seg[i].len - 1, &byte, 1));
	}
}

static int unmap_call(struct model *m, struct bench *b)
{
	struct dmah_device *dev = bench_device(b);
	struct dmah_dma_seg seg[MODEL_PIECES];
	int err;

	switch (m->api) {
	case MODEL_HANDLE:
		err = dmah_unmap(dev, &m->h);
		assert_false(dmah_mapped(&m->h));
		return err;
	case MODEL_ADDRESS:
		return dmah_addr_unmap(dev, m->seg[0].dma, m->len[0], m->dir, 0);
	case MODEL_PAGE:
		return dmah_page_unmap(dev, m->seg[0].dma, m->home + m->at[0], m->len[0], m->dir,
				       0);
	case MODEL_VEC:
		/*
		 * Keep a copy of the segments: the unmap clears them, and they are checked
		 * afterwards.
		 */
		memcpy(seg, m->seg, sizeof(seg));
		err = dmah_unmap_vec(dev, &m->v);
		memcpy(m->seg, seg, sizeof(seg));
		return err;
	default:
		return dmah_addr_unmap_sg(dev, m->sg, m->n, m->dir, 0);
	}
}

void model_unmap(struct model *m, struct bench *b, struct rnd *r)
{
	/* With other CPUs running, another mapping may own the addresses by now. */
	bool alone = bench_config(b)->cpus <= 1;
	bool strict = translated(b) && alone &&
		      (bench_config(b)->mode == DMAH_STRICT || bench_config(b)->untrusted);
	unsigned char *bytes = malloc(m->size);

	assert_int_equal(unmap_call(m, b), DMAH_OK);
	if (m->dir & DMAH_FROM_DEVICE)
		scatter(m, m->cpu, m->dev);
	bench_cpu_read(b, m->home, bytes, m->size);
	same_bytes(bytes, m->cpu, m->size);
	if (strict) {
		model_gone(m, b);
		bench_cpu_read(b, m->home, bytes, m->size);
		same_bytes(bytes, m->cpu, m->size);
	}
	free(bytes);
	m->live = false;
	(void)r;
}
