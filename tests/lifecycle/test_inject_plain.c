/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Failures at every point of maps without an IOMMU: allocations, translations of the hypervisor, and pools that are full.
 * A call that fails leaves nothing behind: no slot, no memory, no live mapping, and its handles are idle.
 */
#include "plain.h"

#include <dmah/addr.h>
#include <dmah/ring.h>

#define PAGE	 4096u
#define PIECES	 3u
#define NTH_MOST 100u

static struct plain machine;
/* Translations until one fails; 0: none does. */
static unsigned int translations;
static bool struck;

static bool fails(void)
{
	bool now = translations && !--translations;

	struck |= now;
	return now;
}

static dmah_addr_t phys_to_bus(void *ctx, dmah_phys_t phys)
{
	(void)ctx;
	return fails() ? ~0ull : phys;
}

static dmah_phys_t bus_to_phys(void *ctx, dmah_addr_t bus, uint64_t *steps)
{
	(void)ctx;
	++*steps;
	return fails() ? ~0ull : bus;
}

static bool has_mapping(void *ctx, dmah_phys_t phys)
{
	(void)ctx;
	(void)phys;
	return true;
}

static int cache(void *ctx, enum dmah_cache_op op, dmah_addr_t bus, uint64_t len)
{
	(void)ctx;
	(void)op;
	(void)bus;
	(void)len;
	return DMAH_OK;
}

static const struct dmah_xen_ops xen_ops = { phys_to_bus, bus_to_phys, has_mapping, cache };

/* ---- acts: each ends what it maps ---- */

/* The second buffer crosses a boundary, so it bounces; the others do not, where the backend lets them. */
static dmah_phys_t piece(unsigned int i)
{
	return machine.room + i * 4 * PAGE + (i == 1 ? PAGE : 0);
}

/* The hypervisor knows where the memory is again when a driver gives it back. */
static void mend(void)
{
	translations = 0;
}

static void handles(void)
{
	for (unsigned int i = 0; i < PIECES; i++) {
		struct dmah h = { 0 };
		int err = dmah_map(&machine.dev, &h, piece(i), 2 * PAGE, DMAH_BIDIRECTIONAL, 0);

		assert_int_equal(dmah_mapped(&h), !err);
		mend();
		assert_int_equal(dmah_unmap(&machine.dev, &h), 0);
	}
}

static void vector(void)
{
	struct dmah part[PIECES] = { 0 };
	struct dmah_dma_seg seg[PIECES];
	struct dmah_vec v = { .part = part, .seg = seg, .max = PIECES };
	struct dmah_seg in[PIECES];
	int err;

	for (unsigned int i = 0; i < PIECES; i++)
		in[i] = (struct dmah_seg){ piece(i), 2 * PAGE };
	err = dmah_map_vec(&machine.dev, &v, in, PIECES, DMAH_BIDIRECTIONAL, 0);
	for (unsigned int i = 0; i < PIECES; i++)
		assert_int_equal(dmah_mapped(&part[i]), !err);
	mend();
	if (!err)
		assert_int_equal(dmah_unmap_vec(&machine.dev, &v), 0);
}

static void list(void)
{
	struct dmah_sg sg[PIECES] = { 0 };
	int n;

	for (unsigned int i = 0; i < PIECES; i++)
		sg[i] = (struct dmah_sg){ .phys = piece(i), .len = 2 * PAGE };
	n = dmah_addr_map_sg(&machine.dev, sg, PIECES, DMAH_BIDIRECTIONAL, 0);
	mend();
	if (n > 0)
		assert_int_equal(
			dmah_addr_unmap_sg(&machine.dev, sg, PIECES, DMAH_BIDIRECTIONAL, 0), 0);
}

static void by_address(void)
{
	for (unsigned int i = 0; i < PIECES; i++) {
		dmah_addr_t dma;
		int err = dmah_addr_map(&machine.dev, piece(i), 2 * PAGE, DMAH_BIDIRECTIONAL, 0,
					&dma);

		mend();
		if (!err)
			assert_int_equal(dmah_addr_unmap(&machine.dev, dma, 2 * PAGE,
							 DMAH_BIDIRECTIONAL, 0),
					 0);
	}
}

static void ring(void)
{
	static _Alignas(64) unsigned char memory[8192];
	struct dmah_ring_config config = { .entries = 4,
					   .entry_size = 2 * PAGE,
					   .dir = DMAH_BIDIRECTIONAL };
	struct dmah_ring *r;
	uint32_t live = 0;

	assert_int_equal(dmah_ring_init(&r, &machine.dev, &config, memory, sizeof(memory)), 0);
	for (unsigned int i = 0; i < PIECES; i++) {
		dmah_addr_t dma;

		live += !dmah_ring_push(r, piece(i), 2 * PAGE, &dma);
	}
	mend();
	assert_int_equal(dmah_ring_live(r), live);
	assert_int_equal(dmah_ring_pop(r, live), 0);
	assert_int_equal(dmah_ring_fini(r), 0);
}

static void coherent(void)
{
	for (unsigned int pages = 1; pages <= 2; pages++) {
		struct dmah h = { 0 };
		void *cpu = &h;
		int err = dmah_alloc_coherent(&machine.dev, &h, pages * PAGE, &cpu);

		assert_int_equal(dmah_mapped(&h), !err);
		assert_int_equal(cpu != NULL, !err);
		mend();
		assert_int_equal(dmah_free_coherent(&machine.dev, &h), 0);
	}
}

static void (*const acts[])(void) = { handles, vector, list, by_address, ring, coherent };

/* ---- failures ---- */

enum failure { TRANSLATION, ALLOCATION, ALLOCATIONS, FULL, FAILURES };

/* Fill the pools but for @left slots of two pages. Returns how many slots are taken. */
static unsigned int fill(struct dmah *h, unsigned int left)
{
	unsigned int n = 0;

	while (!dmah_map(&machine.dev, &h[n], piece(1), 2 * PAGE, DMAH_TO_DEVICE, 0))
		n++;
	for (unsigned int i = 0; i < left && n; i++)
		assert_int_equal(dmah_unmap(&machine.dev, &h[--n]), 0);
	return n;
}

/* Run an act with the failure at point @nth. Returns true if there is a later point. */
static bool one(enum dmah_backend backend, void (*act)(void), enum failure failure,
		unsigned int nth)
{
	static struct dmah h[PLAIN_POOLS * PLAIN_POOL / PAGE];
	struct plain_config config = {
		.domain = { .backend = backend, .xen = &xen_ops },
		.limits = { .mask = ~0ull, .boundary = 2 * PAGE, .flags = DMAH_DEV_COHERENT },
		.pools = 2,
	};
	struct posix_alloc_stats before, after;
	unsigned int filled = 0;
	bool later;

	(void)plain_open(&machine, &config);
	if (failure == FULL)
		filled = fill(h, nth - 1);
	posix_alloc_stats(&before);
	if (failure == ALLOCATION || failure == ALLOCATIONS)
		posix_fail_alloc(failure == ALLOCATION ? POSIX_FAIL_NTH : POSIX_FAIL_FROM, nth);
	translations = failure == TRANSLATION ? nth : 0;
	struck = false;
	act();
	later = failure == FULL ? nth <= PIECES : struck;
	posix_alloc_stats(&after);
	if (failure != TRANSLATION && failure != FULL)
		later = after.failed > before.failed;
	posix_fail_alloc(POSIX_FAIL_NEVER, 0);
	mend();
	assert_int_equal(after.mem, before.mem);
	while (filled)
		assert_int_equal(dmah_unmap(&machine.dev, &h[--filled]), 0);
	assert_int_equal(dmah_device_live(&machine.dev), 0);
	/* All goes well afterwards. */
	act();
	plain_close(&machine);
	return later;
}

static void every_point(void **state)
{
	static const enum dmah_backend backends[] = { DMAH_BACKEND_DIRECT, DMAH_BACKEND_BOUNCE,
						      DMAH_BACKEND_XEN };

	(void)state;
	for (unsigned int b = 0; b < 3; b++)
		for (unsigned int a = 0; a < sizeof(acts) / sizeof(acts[0]); a++)
			for (enum failure f = 0; f < FAILURES; f++) {
				unsigned int nth = 1;

				if (f == TRANSLATION && backends[b] != DMAH_BACKEND_XEN)
					continue;
				while (one(backends[b], acts[a], f, nth))
					assert_true(++nth < NTH_MOST);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_point),
	};

	return cmocka_run_group_tests_name("inject-plain", tests, NULL, NULL);
}
