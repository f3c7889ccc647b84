/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Places that a device can be given: pools of a chain on Xen, coherent memory between boundaries, and IOVAs that another
 * CPU keeps, on a host that cannot wait for that CPU.
 */
#include "plain.h"
#include "rig.h"

#define PAGE 4096u
#define FAR  (1ull << 33)

/* ---- pools of a chain ---- */

/* A guest whose pool n the machine has at @pool_bus[n], and the rest of whose memory far away. */
struct guest {
	struct plain p;
	dmah_addr_t pool_bus[PLAIN_POOLS];
};

static dmah_addr_t phys_to_bus(void *ctx, dmah_phys_t phys)
{
	const struct guest *g = ctx;

	for (unsigned int i = 0; i < PLAIN_POOLS; i++)
		if (phys - plain_pool(&g->p, i) < PLAIN_POOL)
			return g->pool_bus[i] == ~0ull
				       ? ~0ull
				       : g->pool_bus[i] + (phys - plain_pool(&g->p, i));
	return phys + FAR;
}

static dmah_phys_t bus_to_phys(void *ctx, dmah_addr_t bus, uint64_t *steps)
{
	(void)ctx;
	(void)bus;
	++*steps;
	return ~0ull;
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

static void guest_open(struct guest *g, dmah_addr_t first, dmah_addr_t second, uint64_t mask,
		       uint64_t boundary)
{
	struct plain_config config = {
		.domain = { .backend = DMAH_BACKEND_XEN, .xen = &xen_ops, .xen_ctx = g },
		.limits = { .mask = mask, .boundary = boundary, .flags = DMAH_DEV_COHERENT },
		.pools = 2,
	};

	memset(g, 0, sizeof(*g));
	g->pool_bus[0] = first;
	g->pool_bus[1] = second;
	(void)plain_open(&g->p, &config);
}

/* One of two pools lies where the device reaches it, first or last, and the other one does not, or nowhere at all. */
static void pools_far_apart(void **state)
{
	static const dmah_addr_t elsewhere[] = { FAR, ~0ull };

	(void)state;
	for (unsigned int way = 0; way < 4; way++) {
		dmah_addr_t other = elsewhere[way & 1], near = 0x10000000;
		struct dmah h = { 0 };
		struct guest g;

		guest_open(&g, way & 2 ? near : other, way & 2 ? other : near, 0xffffffff, 0);
		assert_int_equal(dmah_map(&g.p.dev, &h, g.p.room, 6000, DMAH_FROM_DEVICE, 0), 0);
		assert_true(dmah_addr(&h) - near < PLAIN_POOL);
		assert_int_equal(dmah_sync_for_cpu(&g.p.dev, &h, 0, 6000), 0);
		assert_int_equal(dmah_unmap(&g.p.dev, &h), 0);
		plain_close(&g.p);
	}
}

/* Boundaries are counted from where each pool lies in the machine. */
static void pools_and_boundaries(void **state)
{
	struct dmah h[PLAIN_POOL / (2 * PAGE) * 2] = { 0 };
	unsigned int n = 0;
	struct guest g;
	int err;

	(void)state;
	guest_open(&g, 0x10000000, 0x20001000, 0xffffffff, 2 * PAGE);
	while (!(err = dmah_map(&g.p.dev, &h[n], g.p.room, 2 * PAGE, DMAH_FROM_DEVICE, 0))) {
		assert_int_equal(dmah_addr(&h[n]) & (2 * PAGE - 1), 0);
		n++;
	}
	/* Full, for now. The second pool lacks a page at each end. */
	assert_int_equal(err, DMAH_ENOSPC);
	assert_int_equal(n, PLAIN_POOL / (2 * PAGE) * 2 - 1);
	while (n--)
		assert_int_equal(dmah_unmap(&g.p.dev, &h[n]), 0);
	plain_close(&g.p);
}

/* No pool will do, ever. */
static void no_pool_in_reach(void **state)
{
	struct dmah h = { 0 };
	struct guest g;

	(void)state;
	guest_open(&g, FAR, ~0ull, 0xffffffff, 0);
	assert_int_equal(dmah_map(&g.p.dev, &h, g.p.room, 100, DMAH_FROM_DEVICE, 0), DMAH_ERANGE);
	plain_close(&g.p);
}

/* ---- coherent memory ---- */

/* The host's free memory begins @skew pages behind a boundary of 16 pages; a device without an IOMMU. */
static void coherent_between(enum dmah_backend backend, unsigned int skew)
{
	const uint64_t boundary = 16 * PAGE;
	struct plain_config config = {
		.domain = { .backend = backend, .offset = 3 * PAGE },
		.limits = { .mask = ~0ull, .boundary = boundary, .flags = DMAH_DEV_COHERENT },
		.pools = 1,
	};
	struct dmah h[3] = { 0 };
	struct plain p;
	dmah_phys_t next, filler;
	void *cpu;

	(void)plain_open(&p, &config);
	assert_non_null(dmah_host_mem_alloc(PAGE, ~0ull, 0, &next));
	dmah_host_mem_free(next, PAGE);
	skew = (unsigned int)(((boundary - (next + 3 * PAGE)) & (boundary - 1)) / PAGE + skew);
	if (skew)
		assert_non_null(dmah_host_mem_alloc(skew * PAGE, ~0ull, 0, &filler));
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t len = i == 2 ? 5 * PAGE : boundary;

		assert_int_equal(dmah_alloc_coherent(&p.dev, &h[i], len, &cpu), 0);
		assert_int_equal(
			(dmah_addr(&h[i]) ^ (dmah_addr(&h[i]) + len - 1)) & ~(boundary - 1), 0);
		assert_int_equal(((unsigned char *)cpu)[len - 1], 0);
	}
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(dmah_free_coherent(&p.dev, &h[i]), 0);
	/* Longer than a boundary: no retry can help. */
	assert_int_equal(dmah_alloc_coherent(&p.dev, &h[0], boundary + 1, &cpu), DMAH_ERANGE);
	if (skew)
		dmah_host_mem_free(filler, skew * PAGE);
	plain_close(&p);
}

static void coherent_is_placed(void **state)
{
	static const enum dmah_backend backends[] = { DMAH_BACKEND_DIRECT, DMAH_BACKEND_BOUNCE };

	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int skew = 0; skew < 16; skew++)
			coherent_between(backends[i], skew);
}

/* The only memory in reach crosses a boundary, or has no place in the machine that the device reaches. */
static void coherent_without_a_place(void **state)
{
	struct dmah h = { 0 };
	struct guest g;
	void *cpu;

	(void)state;
	guest_open(&g, 0x10000000, 0x20000000, 0xffffffff, 0);
	cpu = &g;
	assert_int_equal(dmah_alloc_coherent(&g.p.dev, &h, PAGE, &cpu), DMAH_ERANGE);
	assert_null(cpu);
	assert_int_equal(dmah_mapped(&h), 0);
	plain_close(&g.p);
}

/* A longest segment holds for coherent memory too, with an IOMMU and without. */
static void coherent_in_one_segment(void **state)
{
	static const struct rig_config rig = { 0 };
	struct plain_config config = {
		.domain = { .backend = DMAH_BACKEND_DIRECT },
		.limits = { .mask = ~0ull, .max_segment = 3 * PAGE, .flags = DMAH_DEV_COHERENT },
	};
	struct dmah h = { 0 };
	struct plain p;
	void *cpu;

	(void)state;
	(void)plain_open(&p, &config);
	assert_int_equal(dmah_alloc_coherent(&p.dev, &h, 3 * PAGE + 1, &cpu), DMAH_ERANGE);
	assert_int_equal(dmah_alloc_coherent(&p.dev, &h, 3 * PAGE, &cpu), 0);
	assert_int_equal(dmah_free_coherent(&p.dev, &h), 0);
	plain_close(&p);
	for (unsigned int kind = 0; kind < RIG_KINDS; kind++) {
		struct dmah_limits limits;
		struct dmah_device *dev;
		struct rig r;

		rig_open(&r, (enum rig_kind)kind, &rig);
		dev = rig_device(&r, false);
		limits = rig_limits(&r, dev);
		limits.max_segment = 3 * PAGE;
		assert_int_equal(dmah_attach(r.dom, dev, &limits), 0);
		assert_int_equal(dmah_alloc_coherent(dev, &h, 3 * PAGE + 1, &cpu), DMAH_ERANGE);
		assert_int_equal(dmah_alloc_coherent(dev, &h, 3 * PAGE, &cpu), 0);
		assert_int_equal(dmah_free_coherent(dev, &h), 0);
		assert_int_equal(dmah_detach(dev), 0);
		rig_close(&r);
	}
}

/* An offset that takes registers round the end of the address space names something else. */
static void registers_behind_an_offset(void **state)
{
	struct plain_config config = {
		.domain = { .backend = DMAH_BACKEND_DIRECT, .offset = -(1ll << 46) },
		.limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT },
	};
	struct dmah h = { 0 };
	struct plain p;

	(void)state;
	(void)plain_open(&p, &config);
	assert_int_equal(dmah_map(&p.dev, &h, 0x1000, 64, DMAH_TO_DEVICE, DMAH_ATTR_MMIO),
			 DMAH_ERANGE);
	assert_int_equal(dmah_map(&p.dev, &h, 1ull << 46, 64, DMAH_TO_DEVICE, DMAH_ATTR_MMIO), 0);
	assert_int_equal(dmah_unmap(&p.dev, &h), 0);
	plain_close(&p);
}

/* ---- IOVAs that another CPU keeps ---- */

#define HIGH_MAPS 64u

/* Let CPU 1 keep granules above 16 MiB: it ends its mappings from the lowest to the highest. */
static void keep_high(struct rig *r, struct dmah_device *dev, enum dmah_mode mode)
{
	const uint64_t most = 3u << 23;
	struct dmah *h = calloc(most / PAGE + HIGH_MAPS, sizeof(*h));
	dmah_phys_t page = rig_page(r, 1);
	unsigned int n = 0;
	bool high = false;

	posix_set_cpu(1);
	for (; n < most / PAGE; n++) {
		assert_int_equal(dmah_map(dev, &h[n], page, PAGE, DMAH_TO_DEVICE, 0), 0);
		high |= dmah_addr(&h[n]) > 0xffffff;
	}
	assert_true(high);
	for (unsigned int pass = 0; pass < 2; pass++)
		for (unsigned int i = 0; i < n; i++)
			if (pass || dmah_addr(&h[i]) <= 0xffffff)
				assert_int_equal(dmah_unmap(dev, &h[i]), 0);
	if (mode == DMAH_LAZY)
		assert_int_equal(dmah_flush(r->dom), 0);
	posix_set_cpu(0);
	free(h);
}

/* The granules are out of the next device's reach, whichever CPU keeps them. */
static void narrower_device(enum rig_kind kind, enum dmah_mode mode)
{
	const struct rig_config config = {
		.domain = { .cpus = 2, .aperture_size = 1u << 26, .mode = mode }
	};
	struct dmah h[HIGH_MAPS] = { 0 };
	struct dmah_limits limits;
	struct dmah_device *dev;
	dmah_phys_t page;
	struct rig r;

	rig_open(&r, kind, &config);
	dev = rig_attach(&r, false);
	page = rig_page(&r, 1);
	keep_high(&r, dev, mode);
	posix_refuse_quiesce(true);
	assert_int_equal(dmah_detach(dev), 0);
	limits = rig_limits(&r, dev);
	limits.mask = 0xffffff;
	assert_int_equal(dmah_attach(r.dom, dev, &limits), 0);
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		posix_set_cpu(cpu);
		for (unsigned int i = 0; i < HIGH_MAPS; i++) {
			assert_int_equal(dmah_map(dev, &h[i], page, PAGE, DMAH_TO_DEVICE, 0), 0);
			assert_true(dmah_addr(&h[i]) <= 0xffffff);
		}
		for (unsigned int i = 0; i < HIGH_MAPS; i++)
			assert_int_equal(dmah_unmap(dev, &h[i]), 0);
	}
	posix_set_cpu(0);
	posix_refuse_quiesce(false);
	assert_int_equal(dmah_detach(dev), 0);
	rig_close(&r);
}

static void a_narrower_device_follows(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < RIG_KINDS; kind++) {
		narrower_device((enum rig_kind)kind, DMAH_STRICT);
		narrower_device((enum rig_kind)kind, DMAH_LAZY);
	}
}

/* A dead CPU is in no section: what it kept is free again, though nobody can wait for it. */
static void dead_cpu_keeps_nothing(void **state)
{
	const uint64_t size = 1u << 21;
	const struct rig_config config = {
		.domain = { .cpus = 2, .aperture_base = size, .aperture_size = size }
	};
	struct dmah h[8] = { 0 }, all = { 0 };

	(void)state;
	for (unsigned int kind = 0; kind < RIG_KINDS; kind++) {
		struct dmah_device *dev;
		dmah_phys_t memory;
		struct rig r;

		rig_open(&r, (enum rig_kind)kind, &config);
		dev = rig_attach(&r, false);
		memory = sim_ram_take(r.sim, size, size);
		posix_set_cpu(1);
		for (unsigned int i = 0; i < 8; i++)
			assert_int_equal(dmah_map(dev, &h[i], memory, PAGE, DMAH_TO_DEVICE, 0), 0);
		for (unsigned int i = 0; i < 8; i++)
			assert_int_equal(dmah_unmap(dev, &h[i]), 0);
		posix_set_cpu(0);
		posix_refuse_quiesce(true);
		assert_int_equal(dmah_map(dev, &all, memory, size, DMAH_TO_DEVICE, 0), DMAH_ENOSPC);
		assert_int_equal(dmah_cpu_dead(r.dom, 1), 0);
		assert_int_equal(dmah_map(dev, &all, memory, size, DMAH_TO_DEVICE, 0), 0);
		posix_refuse_quiesce(false);
		assert_int_equal(dmah_unmap(dev, &all), 0);
		assert_int_equal(dmah_detach(dev), 0);
		rig_close(&r);
	}
}

/* The pool lies above the device's mask, and its DMA addresses below. */
static void pool_behind_an_offset(void **state)
{
	struct plain_config config = {
		.domain = { .backend = DMAH_BACKEND_BOUNCE, .offset = -(1ll << 29) },
		.limits = { .mask = 0x3fffffff, .flags = DMAH_DEV_COHERENT },
		.pools = 1,
	};
	struct dmah h = { 0 };
	struct plain p;

	(void)state;
	assert_true(plain_open(&p, &config) > config.limits.mask);
	assert_int_equal(dmah_map(&p.dev, &h, p.room, 100, DMAH_TO_DEVICE, 0), 0);
	assert_true(dmah_addr(&h) <= config.limits.mask);
	assert_int_equal(dmah_unmap(&p.dev, &h), 0);
	plain_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pools_far_apart),
		cmocka_unit_test(pools_and_boundaries),
		cmocka_unit_test(no_pool_in_reach),
		cmocka_unit_test(coherent_is_placed),
		cmocka_unit_test(coherent_without_a_place),
		cmocka_unit_test(coherent_in_one_segment),
		cmocka_unit_test(registers_behind_an_offset),
		cmocka_unit_test(pool_behind_an_offset),
		cmocka_unit_test(a_narrower_device_follows),
		cmocka_unit_test(dead_cpu_keeps_nothing),
	};

	return cmocka_run_group_tests_name("places", tests, NULL, NULL);
}
