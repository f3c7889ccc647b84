// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Interpret any bytes as a sequence of calls of the library, right and wrong ones, on one of the
 * shared suite's machines.
 *
 * After right calls the device sees the CPU's bytes, the CPU sees the device's, and nothing is left
 * at the end. Wrong calls (stale and damaged handles, addresses that are not mapped, impossible
 * sizes) must do no harm. A damaged handle may by chance be the valid handle of another mapping, so
 * after the first damaged handle only two things are checked: no bad memory access, and no changed
 * byte in memory that no mapping lets the device write.
 */
#include "configs.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELLS	  12u
#define CELL_SIZE 16384u
#define MAX_CALLS 512u
/*
 * The generation of a page-table entry has at least 4 bits: fewer maps cannot make a handle live
 * again.
 */
#define FRESH 12u

#define CHECK(cond)                                                                          \
	do {                                                                                 \
		if (!(cond)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                             \
		}                                                                            \
	} while (0)

struct input {
	const uint8_t *at;
	size_t left;
};

struct cell {
	dmah_phys_t home;
	bool live;
	bool by_addr;
	enum dmah_dir dir;
	uint32_t at;
	uint32_t len;
	dmah_addr_t dma;
	struct dmah h;
	struct dmah stale;
	unsigned int age; /* maps since @stale ended */
	unsigned char bytes[CELL_SIZE]; /* bytes that the CPU must read after the unmap */
};

struct run {
	const struct bench_config *config;
	struct bench *b;
	struct dmah_device *dev;
	struct cell *cell;
	bool tainted; /* a wrong call may have hit a right mapping */
	bool may_refuse; /* an allocation was made to fail */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next @n bytes of the input as a number; zeros where it has ended. */
static uint64_t take(struct input *in, unsigned int n)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < n; i++) {
		v <<= 8;
		if (in->left) {
			v |= *in->at++;
			in->left--;
		}
	}
	return v;
}

static enum dmah_dir take_dir(struct input *in)
{
	static const enum dmah_dir dirs[] = { DMAH_TO_DEVICE, DMAH_FROM_DEVICE,
					      DMAH_BIDIRECTIONAL };

	return dirs[take(in, 1) % 3];
}

static void fill(unsigned char *bytes, uint32_t len, unsigned int seed)
{
	for (uint32_t i = 0; i < len; i++)
		bytes[i] = (unsigned char)(seed + i * 7 + (i >> 8) * 13);
}

static void map(struct run *r, struct cell *c, struct input *in, bool by_addr)
{
	int err;

	if (c->live)
		return;
	c->dir = take_dir(in);
	c->at = (uint32_t)take(in, 2) % CELL_SIZE;
	c->len = 1 + (uint32_t)take(in, 2) % (CELL_SIZE - c->at);
	c->by_addr = by_addr;
	if (by_addr) {
		err = dmah_addr_map(r->dev, c->home + c->at, c->len, c->dir, 0, &c->dma);
		CHECK(err ? c->dma == DMAH_BAD_ADDR : c->dma != DMAH_BAD_ADDR);
	} else {
		err = dmah_map(r->dev, &c->h, c->home + c->at, c->len, c->dir, 0);
		CHECK(dmah_mapped(&c->h) == !err);
		c->dma = dmah_addr(&c->h);
	}
	if (err) {
		CHECK(r->may_refuse || r->tainted || r->config->boundary ||
		      r->config->max_segment || r->config->mask_bits || r->config->aperture_size ||
		      r->config->pool);
		return;
	}
	c->live = true;
	for (unsigned int i = 0; i < CELLS; i++)
		r->cell[i].age++;
}

static void look(struct run *r, const struct cell *c)
{
	unsigned char bytes[CELL_SIZE];

	bench_cpu_read(r->b, c->home, bytes, CELL_SIZE);
	CHECK(!memcmp(bytes, c->bytes, CELL_SIZE));
}

static void unmap(struct run *r, struct cell *c, bool by_page)
{
	int err;

	if (!c->live)
		return;
	if (!c->by_addr) {
		c->stale = c->h;
		c->age = 0;
		err = dmah_unmap(r->dev, &c->h);
	} else if (by_page) {
		err = dmah_page_unmap(r->dev, c->dma, c->home + c->at, c->len, c->dir, 0);
	} else {
		err = dmah_addr_unmap(r->dev, c->dma, c->len, c->dir, 0);
	}
	if (r->tainted)
		return;
	CHECK(err == DMAH_OK);
	CHECK(c->by_addr || !dmah_mapped(&c->h));
	c->live = false;
	look(r, c);
}

static void device(struct run *r, struct cell *c, struct input *in)
{
	unsigned char bytes[CELL_SIZE];
	uint32_t off, len;

	if (!c->live || r->tainted)
		return;
	off = (uint32_t)take(in, 2) % c->len;
	len = 1 + (uint32_t)take(in, 2) % (c->len - off);
	if (c->dir & DMAH_FROM_DEVICE) {
		fill(bytes, len, (unsigned int)take(in, 1));
		CHECK(bench_dev_write(r->b, c->dma + off, bytes, len));
		memcpy(c->bytes + c->at + off, bytes, len);
	} else {
		CHECK(bench_dev_read(r->b, c->dma + off, bytes, len));
		CHECK(!memcmp(bytes, c->bytes + c->at + off, len));
	}
}

static void sync_part(struct run *r, struct cell *c, struct input *in)
{
	uint32_t off = (uint32_t)take(in, 2), len = (uint32_t)take(in, 2);
	bool inside = c->live && off < c->len && len && len <= c->len - off;
	bool for_cpu = take(in, 1) & 1;
	int err;

	/* By address, a sync beyond this mapping may lie within a neighbour: skip it. */
	if (!c->live || (c->by_addr && !inside))
		return;
	/*
	 * Sync for the CPU first. Syncing for the device alone would lose the device's writes; no
	 * driver does that.
	 */
	if (inside && !for_cpu && c->dir == DMAH_BIDIRECTIONAL) {
		err = c->by_addr ? dmah_addr_sync_for_cpu(r->dev, c->dma + off, len, c->dir)
				 : dmah_sync_for_cpu(r->dev, &c->h, off, len);
		CHECK(err == DMAH_OK || r->tainted);
	}
	if (c->by_addr)
		err = for_cpu ? dmah_addr_sync_for_cpu(r->dev, c->dma + off, len, c->dir)
			      : dmah_addr_sync_for_device(r->dev, c->dma + off, len, c->dir);
	else
		err = for_cpu ? dmah_sync_for_cpu(r->dev, &c->h, off, len)
			      : dmah_sync_for_device(r->dev, &c->h, off, len);
	if (inside && !r->tainted)
		CHECK(err == DMAH_OK);
	CHECK(err == DMAH_OK || err == DMAH_EINVAL || err == DMAH_ESTALE);
}

/* A handle that has ended, used once more while nothing can have taken its generation. */
static void stale(struct run *r, struct cell *c)
{
	struct dmah copy = c->stale;

	/* direct and xen keep no record of mappings; only a check build detects misuse there */
	if (!dmah_mapped(&copy) || c->age >= FRESH ||
	    (r->config->backend != DMAH_BACKEND_IOMMU &&
	     r->config->backend != DMAH_BACKEND_BOUNCE) ||
	    r->config->mode == DMAH_PASSTHROUGH)
		return;
	CHECK(dmah_unmap(r->dev, &copy) != DMAH_OK);
	bench_reports(r->b);
}

/* Check that only bytes changed that some mapping lets the device write. */
static void look_at_all(struct run *r)
{
	unsigned char bytes[CELL_SIZE];

	for (unsigned int i = 0; i < CELLS; i++) {
		const struct cell *c = &r->cell[i];
		bool written = c->live && (c->dir & DMAH_FROM_DEVICE);

		bench_cpu_read(r->b, c->home, bytes, CELL_SIZE);
		for (uint32_t k = 0; k < CELL_SIZE; k++)
			if (!written || k < c->at || k - c->at >= c->len)
				CHECK(bytes[k] == c->bytes[k]);
	}
}

/* Use a handle with changed bits, as after a wild write. */
static void damaged(struct run *r, struct cell *c, struct input *in)
{
	struct dmah copy = c->live && !c->by_addr ? c->h : c->stale;
	unsigned char *raw = (unsigned char *)&copy;
	unsigned int how = (unsigned int)take(in, 1), flips = 1 + how / 64;

	/*
	 * Cache maintenance at a wrong address may lose the CPU's writes, so skip machines that need
	 * cache maintenance.
	 */
	if (r->config->noncoherent || r->config->walk_noncoherent)
		return;
	for (unsigned int i = 0; i < flips; i++) {
		uint64_t at = take(in, 1);

		raw[at % sizeof(copy)] ^= (unsigned char)(1 + take(in, 1) % 255);
	}
	r->tainted = true;
	switch (how & 3) {
	case 0:
		dmah_sync_for_cpu(r->dev, &copy, (uint32_t)take(in, 2), (uint32_t)take(in, 2));
		break;
	case 1:
		dmah_sync_for_device(r->dev, &copy, (uint32_t)take(in, 2), (uint32_t)take(in, 2));
		break;
	default:
		dmah_unmap(r->dev, &copy);
		break;
	}
	look_at_all(r);
}

/* Call the address-keyed functions with arbitrary arguments. */
static void wild(struct run *r, const struct cell *c, struct input *in)
{
	unsigned int how = (unsigned int)take(in, 1);
	dmah_addr_t dma = how & 1 ? c->dma + take(in, 2) : take(in, 8);
	uint64_t len = how & 2 ? c->len : take(in, 4);
	enum dmah_dir dir = how & 4 ? c->dir : (enum dmah_dir)take(in, 1);

	if (r->config->noncoherent || r->config->walk_noncoherent)
		return;
	r->tainted = true;
	switch (how >> 3 & 3) {
	case 0:
		dmah_addr_sync_for_cpu(r->dev, dma, len, dir);
		break;
	case 1:
		dmah_addr_sync_for_device(r->dev, dma, len, dir);
		break;
	default:
		dmah_addr_unmap(r->dev, dma, len, dir, 0);
		break;
	}
	look_at_all(r);
}

/* Sizes that no mapping can have: refused, and the handle stays idle. */
static void sizes(struct run *r, struct input *in)
{
	struct dmah h = { 0 };
	uint64_t len = take(in, 1) & 1 ? 0 : UINT64_C(0x100000000) + take(in, 4);

	CHECK(dmah_map(r->dev, &h, r->cell[0].home, len, DMAH_TO_DEVICE, 0) != DMAH_OK);
	CHECK(!dmah_mapped(&h));
	CHECK(dmah_unmap(r->dev, &h) == DMAH_OK);
	bench_reports(r->b);
}

static void domain(struct run *r, struct input *in)
{
	struct dmah_domain *dom = bench_domain(r->b);
	uint64_t next;
	int err = DMAH_OK;

	switch (take(in, 1) % 4) {
	case 0:
		err = dmah_flush(dom);
		break;
	case 1:
		err = dmah_poll(dom, bench_time(r->b, take(in, 3)), &next);
		break;
	case 2:
		err = dmah_cpu_dead(dom, 0);
		break;
	default:
		bench_evict(r->b);
		break;
	}
	CHECK(err == DMAH_OK || r->tainted);
}

static void call(struct run *r, struct input *in)
{
	unsigned int what = (unsigned int)take(in, 1);
	struct cell *c = &r->cell[take(in, 1) % CELLS];

	switch (what % 16) {
	case 0:
	case 1:
	case 2:
		map(r, c, in, false);
		break;
	case 3:
		map(r, c, in, true);
		break;
	case 4:
	case 5:
		unmap(r, c, what & 16);
		break;
	case 6:
	case 7:
		device(r, c, in);
		break;
	case 8:
	case 9:
		sync_part(r, c, in);
		break;
	case 10:
		stale(r, c);
		break;
	case 11:
		damaged(r, c, in);
		break;
	case 12:
		wild(r, c, in);
		break;
	case 13:
		sizes(r, in);
		break;
	case 14:
		r->may_refuse = true;
		bench_fail_alloc(r->b, (long)(take(in, 1) % 8));
		break;
	default:
		domain(r, in);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct run r = { .config = &configs[take(&in, 1) % nconfigs] };
	dmah_phys_t memory;
	uint64_t room;

	r.cell = calloc(CELLS, sizeof(*r.cell));
	CHECK(r.cell);
	r.b = bench_open(r.config);
	r.dev = bench_device(r.b);
	memory = bench_memory(r.b, &room);
	CHECK(room >= CELLS * CELL_SIZE);
	for (unsigned int i = 0; i < CELLS; i++) {
		r.cell[i].home = memory + (uint64_t)i * CELL_SIZE;
		fill(r.cell[i].bytes, CELL_SIZE, i * 31);
		bench_cpu_write(r.b, r.cell[i].home, r.cell[i].bytes, CELL_SIZE);
	}
	for (unsigned int n = 0; in.left && n < MAX_CALLS; n++)
		call(&r, &in);
	bench_fail_alloc(r.b, -1);
	/* The misuse was intended, and has been reported. */
	(void)bench_reports(r.b);
	if (r.tainted) {
		bench_abandon(r.b);
	} else {
		for (unsigned int i = 0; i < CELLS; i++)
			unmap(&r, &r.cell[i], i & 1);
		bench_close(r.b);
	}
	free(r.cell);
	return 0;
}
