/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Kill, modes and the reserve, on every kind of IOMMU: what they must leave behind, in which order they act, and what
 * calls beside them must see. test_ranges.c has attach and detach with ranges.
 */
#include "rig.h"

#define MIB2 0x200000ull

static const struct rig_config plain;
static const struct rig_config at_ram = {
	.domain = { .aperture_base = RIG_RAM, .aperture_size = 4 * MIB2, .devices = 8, .cpus = 2 },
};

/* ---- kill ---- */

/* A kill that is not confirmed: unmaps of the domain say so, in every mode, until a flush is. */
static void kill_unconfirmed(void **state)
{
	(void)state;
	FOR_EACH_KIND(kind)
	for (enum dmah_mode mode = DMAH_STRICT; mode <= DMAH_LAZY; mode++) {
		struct rig_config config = { .domain = { .mode = mode } };
		struct dmah h[2][6] = { 0 };
		struct dmah_device *dev[2];
		dmah_addr_t dma[2];
		dmah_phys_t page;
		struct rig r;

		rig_open(&r, kind, &config);
		page = rig_page(&r, 12);
		for (unsigned int d = 0; d < 2; d++) {
			dev[d] = rig_attach(&r, false);
			for (unsigned int i = 0; i < 6; i++)
				assert_int_equal(dmah_map(dev[d], &h[d][i],
							  page + (d * 6 + i) * 4096, 4096,
							  DMAH_FROM_DEVICE,
							  i % 2 ? DMAH_ATTR_NO_CPU_SYNC : 0),
						 0);
			dma[d] = dmah_addr(&h[d][0]);
			assert_true(rig_writes(&r, dev[d], dma[d]));
		}
		/* Something waits in the CPU's cache already, so that the fast path is open. */
		assert_int_equal(dmah_unmap(dev[1], &h[1][5]), DMAH_OK);
		rig_hold(&r, true);
		assert_int_equal(dmah_kill(dev[0]), DMAH_ETIMEDOUT);
		for (unsigned int i = 0; i < 4; i++)
			for (unsigned int d = 0; d < 2; d++)
				assert_int_equal(dmah_unmap(dev[d], &h[d][i]), DMAH_ETIMEDOUT);
		rig_hold(&r, false);
		rig_abandon(&r);
	}
}

/* Once a flush is confirmed, lazy is lazy again; once the kill is, its unmaps wait for nothing. */
static void kill_confirmed_later(void **state)
{
	(void)state;
	for (enum rig_kind kind = RIG_FAKE_VTD; kind < RIG_KINDS; kind++)
		for (enum dmah_mode mode = DMAH_STRICT; mode <= DMAH_LAZY; mode++) {
			struct rig_config config = { .domain = { .mode = mode } };
			struct dmah_stats before, after;
			struct dmah h[4] = { 0 };
			struct dmah_device *a, *b;
			dmah_addr_t dma;
			struct rig r;

			rig_open(&r, kind, &config);
			a = rig_attach(&r, false);
			b = rig_attach(&r, false);
			for (unsigned int i = 0; i < 4; i++)
				assert_int_equal(dmah_map(i < 3 ? a : b, &h[i], rig_page(&r, 1),
							  4096, DMAH_FROM_DEVICE, 0),
						 0);
			rig_hold(&r, true);
			assert_int_equal(dmah_kill(a), DMAH_ETIMEDOUT);
			assert_int_equal(dmah_unmap(a, &h[0]), DMAH_ETIMEDOUT);
			rig_hold(&r, false);
			/* The hardware answers again; that the device is blocked is not known, though. */
			dmah_device_stats(a, &before);
			assert_int_equal(dmah_unmap(a, &h[1]), DMAH_OK);
			dmah_device_stats(a, &after);
			assert_int_equal(after.waits, before.waits + 1);
			assert_int_equal(dmah_flush(r.dom), DMAH_OK);
			dma = dmah_addr(&h[3]);
			assert_true(rig_writes(&r, b, dma));
			assert_int_equal(dmah_unmap(b, &h[3]), DMAH_OK);
			assert_true(rig_writes(&r, b, dma) == (mode == DMAH_LAZY));
			assert_int_equal(dmah_kill(a), DMAH_OK);
			dmah_device_stats(a, &before);
			assert_int_equal(dmah_unmap(a, &h[2]), DMAH_OK);
			dmah_device_stats(a, &after);
			/* The other device goes through the same translations. */
			assert_int_equal(after.waits, before.waits + (mode == DMAH_STRICT));
			assert_int_equal(dmah_detach(a), DMAH_OK);
			assert_int_equal(dmah_detach(b), DMAH_OK);
			rig_close(&r);
		}
}

/* A device that is killed while a change of modes binds it stays blocked. */
static struct dmah_device *victim;
static int killed_with;

static void kill_while_bound(struct rig *r, struct dmah_device *dev, enum dmah_bind how)
{
	if (dev != victim || how == DMAH_BIND_BLOCK)
		return;
	r->bound = NULL;
	killed_with = dmah_kill(dev);
}

static void kill_beside_set_mode(void **state)
{
	(void)state;
	FOR_EACH_KIND(kind)
	{
		struct rig r;

		rig_open(&r, kind, &plain);
		victim = rig_attach(&r, true);
		r.bound = kill_while_bound;
		assert_int_equal(dmah_set_mode(r.dom, DMAH_PASSTHROUGH), DMAH_OK);
		assert_int_equal(killed_with, DMAH_EBUSY);
		assert_false(rig_writes(&r, victim, rig_page(&r, 1)));
		assert_int_equal(dmah_kill(victim), DMAH_OK);
		assert_int_equal(dmah_detach(victim), DMAH_OK);
		rig_close(&r);
	}
}

/* ---- devices with a TLB ---- */

static struct dmah_device *first;
static struct dmah shared;
static dmah_addr_t shared_dma;

/* The new device is bound, and uses a mapping of another one at once; which is then unmapped on another CPU. */
static void unmap_when_bound(struct rig *r, struct dmah_device *dev, enum dmah_bind how)
{
	if (dev == first || how != DMAH_BIND_TRANSLATE)
		return;
	r->bound = NULL;
	assert_true(rig_writes(r, dev, shared_dma));
	posix_set_cpu(1);
	assert_int_equal(dmah_unmap(first, &shared), DMAH_OK);
	posix_set_cpu(0);
	assert_false(rig_writes(r, dev, shared_dma));
}

static void ats_counted_before_bind(void **state)
{
	(void)state;
	FOR_EACH_KIND(kind)
	{
		struct dmah_device *b;
		struct rig r;

		rig_open(&r, kind, &at_ram);
		first = rig_attach(&r, false);
		memset(&shared, 0, sizeof(shared));
		assert_int_equal(
			dmah_map(first, &shared, rig_page(&r, 1), 4096, DMAH_FROM_DEVICE, 0), 0);
		shared_dma = dmah_addr(&shared);
		r.bound = unmap_when_bound;
		b = rig_attach(&r, true);
		assert_null(r.bound);
		assert_int_equal(dmah_detach(b), DMAH_OK);
		assert_int_equal(dmah_detach(first), DMAH_OK);
		rig_close(&r);
	}
}

/* ---- modes ---- */

static int mapped_with[4];
static struct dmah beside[4];
static struct dmah_sg beside_sg[2];
static struct dmah_ring *beside_ring;

/* All ways to map, while a change to or from passthrough binds a device. */
static int map_while_binding(struct rig *r, struct dmah_device *dev, enum dmah_bind how)
{
	struct dmah_seg segs[2] = { { .phys = rig_page(r, 1), .len = 4096 },
				    { .phys = rig_page(r, 1), .len = 4096 } };
	dmah_addr_t dma;
	void *cpu;

	(void)how;
	r->on_bind = NULL;
	posix_set_cpu(1);
	mapped_with[0] = dmah_map(dev, &beside[0], segs[0].phys, 4096, DMAH_FROM_DEVICE, 0);
	mapped_with[1] = dmah_alloc_coherent(dev, &beside[1], 4096, &cpu);
	for (unsigned int i = 0; i < 2; i++)
		beside_sg[i] = (struct dmah_sg){ .phys = segs[i].phys, .len = 4096 };
	mapped_with[2] = dmah_addr_map_sg(dev, beside_sg, 2, DMAH_FROM_DEVICE, 0);
	mapped_with[2] = mapped_with[2] > 0 ? DMAH_OK : mapped_with[2];
	mapped_with[3] = dmah_ring_push(beside_ring, segs[0].phys, 4096, &dma);
	posix_set_cpu(0);
	return DMAH_OK;
}

static void maps_beside_passthrough(void **state)
{
	(void)state;
	FOR_EACH_KIND(kind)
	{
		struct dmah_ring_config ring = { .entries = 4,
						 .entry_size = 4096,
						 .dir = DMAH_FROM_DEVICE };
		void *memory = aligned_alloc(64, (dmah_ring_memory(&ring) + 63) & ~(size_t)63);
		struct dmah_device *a;
		struct dmah h = { 0 };
		struct rig r;

		rig_open(&r, kind, &at_ram);
		a = rig_attach(&r, false);
		assert_int_equal(
			dmah_ring_init(&beside_ring, a, &ring, memory, dmah_ring_memory(&ring)), 0);
		/* The CPU's cache has granules, so that the fast path would map. */
		assert_int_equal(dmah_map(a, &h, rig_page(&r, 1), 4096, DMAH_FROM_DEVICE, 0), 0);
		assert_int_equal(dmah_unmap(a, &h), 0);
		for (unsigned int back = 0; back < 2; back++) {
			r.on_bind = map_while_binding;
			assert_int_equal(dmah_set_mode(r.dom,
						       back ? DMAH_STRICT : DMAH_PASSTHROUGH),
					 DMAH_OK);
			assert_null(r.on_bind);
			for (unsigned int i = 0; i < 4; i++)
				assert_int_equal(mapped_with[i], DMAH_EBUSY);
			assert_int_equal(dmah_device_live(a), 0);
		}
		/* And all of them work again. */
		assert_int_equal(map_while_binding(&r, a, DMAH_BIND_BLOCK), 0);
		for (unsigned int i = 0; i < 4; i++)
			assert_int_equal(mapped_with[i], DMAH_OK);
		assert_int_equal(dmah_unmap(a, &beside[0]), 0);
		assert_int_equal(dmah_free_coherent(a, &beside[1]), 0);
		assert_int_equal(dmah_addr_unmap_sg(a, beside_sg, 2, DMAH_FROM_DEVICE, 0), 0);
		assert_int_equal(dmah_ring_pop(beside_ring, 1), 0);
		assert_int_equal(dmah_ring_fini(beside_ring), 0);
		assert_int_equal(dmah_detach(a), DMAH_OK);
		rig_close(&r);
		free(memory);
	}
}

static int set_with;

static void set_passthrough(struct rig *r)
{
	posix_set_cpu(1);
	set_with = dmah_set_mode(r->dom, DMAH_PASSTHROUGH);
	posix_set_cpu(0);
}

/* A map that waits for the hardware (caching mode) while another CPU goes to passthrough: it is undone. */
static void passthrough_beside_maps(void **state)
{
	struct rig_config config = at_ram;

	(void)state;
	config.caching_mode = true;
	for (unsigned int way = 0; way < 3; way++) {
		struct dmah_ring_config ring_config = { .entries = 4,
							.entry_size = 4096,
							.dir = DMAH_FROM_DEVICE };
		void *memory =
			aligned_alloc(64, (dmah_ring_memory(&ring_config) + 63) & ~(size_t)63);
		struct dmah_sg sg[2] = { 0 };
		struct dmah h = { 0 };
		struct dmah_device *a;
		struct dmah_ring *ring;
		dmah_addr_t dma;
		struct rig r;
		int err;

		rig_open(&r, RIG_VTD, &config);
		a = rig_attach(&r, false);
		assert_int_equal(dmah_ring_init(&ring, a, &ring_config, memory,
						dmah_ring_memory(&ring_config)),
				 0);
		for (unsigned int i = 0; i < 2; i++)
			sg[i] = (struct dmah_sg){ .phys = rig_page(&r, 1), .len = 4096 };
		r.on_wait = set_passthrough;
		set_with = 1;
		if (way == 0)
			err = dmah_map(a, &h, sg[0].phys, 4096, DMAH_FROM_DEVICE, 0);
		else if (way == 1)
			err = dmah_addr_map_sg(a, sg, 2, DMAH_FROM_DEVICE, 0);
		else
			err = dmah_ring_push(ring, sg[0].phys, 4096, &dma);
		assert_int_equal(set_with, DMAH_OK);
		assert_int_equal(err, DMAH_EBUSY);
		assert_int_equal(dmah_device_live(a), 0);
		assert_int_equal(dmah_ring_live(ring), 0);
		assert_int_equal(dmah_set_mode(r.dom, DMAH_STRICT), DMAH_OK);
		/* The ring's slots are in order. */
		for (unsigned int i = 0; i < 10; i++) {
			assert_int_equal(dmah_ring_push(ring, sg[0].phys, 4096, &dma), 0);
			assert_true(rig_writes(&r, a, dma));
			assert_int_equal(dmah_ring_pop(ring, 1), 0);
			assert_false(rig_writes(&r, a, dma));
		}
		assert_int_equal(dmah_ring_fini(ring), DMAH_OK);
		rig_map_all(&r, a, 4 * 512);
		assert_int_equal(dmah_detach(a), DMAH_OK);
		rig_close(&r);
		free(memory);
	}
}

/* ---- the reserve ---- */

/* Reserved before the first device, which reaches 16 MiB only and has a range where the cells were. */
static void reserve_before_attach(void **state)
{
	static const unsigned int counts[] = { 2, 100 };

	(void)state;
	FOR_EACH_KIND(kind)
	for (unsigned int c = 0; c < 2; c++) {
		struct dmah_reserved range = { .base = 0, .size = 0x100000, .identity = true };
		struct dmah *h = calloc(5000, sizeof(*h));
		struct dmah_limits limits;
		struct dmah_device *a;
		unsigned int n = 0;
		dmah_phys_t page;
		struct rig r;

		rig_open(&r, kind, &plain);
		page = rig_page(&r, 1);
		assert_int_equal(dmah_reserve(r.dom, counts[c], 4096), DMAH_OK);
		a = rig_device(&r, false);
		limits = rig_limits(&r, a);
		limits.mask = 0xffffff;
		limits.reserved = &range;
		limits.nreserved = 1;
		assert_int_equal(dmah_attach(r.dom, a, &limits), DMAH_OK);
		for (; !dmah_map(a, &h[n], page, 64, DMAH_TO_DEVICE, 0); n++) {
			assert_true(dmah_addr(&h[n]) <= 0xffffff);
			assert_true(dmah_addr(&h[n]) >= 0x100000);
		}
		/* A cell has two granules for a page anywhere. */
		assert_int_equal(n, 4096 - 256 - counts[c]);
		while (n)
			assert_int_equal(dmah_unmap(a, &h[--n]), DMAH_OK);
		assert_int_equal(dmah_detach(a), DMAH_OK);
		/* The next first device may reach more, or less than the reserve needs. */
		limits.nreserved = 0;
		limits.mask = ~0ull;
		assert_int_equal(dmah_attach(r.dom, a, &limits), DMAH_OK);
		assert_int_equal(dmah_detach(a), DMAH_OK);
		rig_close(&r);
		free(h);
	}
}

/* Large buffers with any alignment, without memory for tables, and without IOVAs. */
static void reserve_of_large_buffers(void **state)
{
	static const uint32_t lengths[] = { MIB2, MIB2 + 4096, 2 * MIB2 };

	(void)state;
	FOR_EACH_KIND(kind)
	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int offset = 0; offset < 3; offset++)
			for (unsigned int vec = 0; vec < 2; vec++) {
				struct dmah h = { 0 };
				struct dmah_sg sg;
				struct dmah_device *a;
				dmah_phys_t phys;
				struct rig r;
				int err;

				rig_open(&r, kind, &plain);
				a = rig_attach(&r, false);
				phys = sim_ram_take(r.sim, 16 * MIB2, MIB2) + offset * 4097ull;
				assert_int_equal(dmah_reserve(r.dom, 2, lengths[i]), DMAH_OK);
				posix_fail_alloc(POSIX_FAIL_FROM, 1);
				sg = (struct dmah_sg){ .phys = phys, .len = lengths[i] };
				err = vec ? dmah_addr_map_sg(a, &sg, 1, DMAH_TO_DEVICE, 0) - 1
					  : dmah_map(a, &h, phys, lengths[i], DMAH_TO_DEVICE, 0);
				assert_int_equal(err, DMAH_OK);
				posix_fail_alloc(POSIX_FAIL_NEVER, 0);
				err = vec ? dmah_addr_unmap_sg(a, &sg, 1, DMAH_TO_DEVICE, 0)
					  : dmah_unmap(a, &h);
				assert_int_equal(err, DMAH_OK);
				assert_int_equal(dmah_detach(a), DMAH_OK);
				rig_close(&r);
			}
}

/* ---- granules that CPUs hold ---- */

/* A small aperture, lazy, used by three CPUs and flushed by a fourth: a quarter is out of that one's reach at most. */
static void held_granules(void **state)
{
	static const struct rig_config config = {
		.domain = { .mode = DMAH_LAZY, .cpus = 4, .aperture_size = 16u << 20, .lazy_ns = 1 },
	};

	(void)state;
	FOR_EACH_KIND(kind)
	for (unsigned int class = 0; class < 6; class ++) {
		uint32_t len = 4096u << class;
		unsigned int n = 0, most = 4095 >> class;
		struct dmah *h = calloc(5000, sizeof(*h));
		struct dmah_device *a;
		dmah_phys_t page;
		uint64_t next;
		struct rig r;

		rig_open(&r, kind, &config);
		a = rig_attach(&r, false);
		page = rig_page(&r, 32);
		for (unsigned int cpu = 1; cpu < 4; cpu++) {
			posix_set_cpu(cpu);
			for (n = 0; n < most / 4; n++)
				assert_int_equal(dmah_map(a, &h[n], page, len, DMAH_TO_DEVICE, 0),
						 0);
			for (unsigned int i = 0; i < n; i++) {
				assert_int_equal(dmah_unmap(a, &h[i]), DMAH_OK);
				if (i % 16)
					continue;
				posix_set_cpu(0);
				posix_clock_advance(1000);
				assert_int_equal(dmah_poll(r.dom, dmah_host_now(), &next), 0);
				posix_set_cpu(cpu);
			}
		}
		posix_set_cpu(0);
		assert_int_equal(dmah_flush(r.dom), DMAH_OK);
		/* As an interrupt would: without waiting for the other CPUs. */
		posix_refuse_quiesce(true);
		for (n = 0; !dmah_map(a, &h[n], page, 64, DMAH_TO_DEVICE, 0);)
			n++;
		posix_refuse_quiesce(false);
		assert_true(n >= 4095 - 4096 / 4);
		while (n)
			assert_int_equal(dmah_unmap(a, &h[--n]), DMAH_OK);
		assert_int_equal(dmah_detach(a), DMAH_OK);
		rig_close(&r);
		free(h);
	}
}

/* ---- numbers ---- */

/* After any number of attaches, a handle of another domain's device is refused. */
static void numbers(void **state)
{
	struct rig_config config = { .domain = { .devices = 2 } };
	struct dmah_domain *other;
	struct dmah_device *a, *b, *c;
	struct dmah_limits limits;
	struct dmah h = { 0 };
	dmah_phys_t page;
	void *memory;
	struct rig r;

	(void)state;
	rig_open(&r, RIG_FAKE_VTD, &config);
	other = rig_domain(&r, &r.config, &memory);
	a = rig_attach(&r, false);
	b = rig_device(&r, false);
	c = rig_device(&r, false);
	limits = rig_limits(&r, b);
	page = rig_page(&r, 1);
	assert_int_equal(dmah_map(a, &h, page, 4096, DMAH_FROM_DEVICE, 0), DMAH_OK);
	for (unsigned int i = 0; i < 2200; i++) {
		struct dmah own = { 0 }, copy = h;

		assert_int_equal(dmah_attach(other, b, &limits), DMAH_OK);
		assert_int_not_equal(a->number, b->number);
		/* The same memory at the same IOVA. */
		assert_int_equal(dmah_map(b, &own, page, 4096, DMAH_FROM_DEVICE, 0), DMAH_OK);
		assert_int_equal(dmah_unmap(b, &copy), DMAH_EINVAL);
		assert_int_equal(dmah_unmap(b, &own), DMAH_OK);
		assert_int_equal(dmah_detach(b), DMAH_OK);
		/* Another one in between, so that numbers are not always a step apart. */
		assert_int_equal(dmah_attach(other, c, &limits), DMAH_OK);
		assert_int_equal(dmah_detach(c), DMAH_OK);
	}
	assert_int_equal(dmah_unmap(a, &h), DMAH_OK);
	assert_int_equal(dmah_detach(a), DMAH_OK);
	assert_int_equal(dmah_domain_fini(other), DMAH_OK);
	rig_close(&r);
	free(memory);
}

/* Two domains share a pool, and two of their devices have one number: neither may use the other's slots. */
static void shared_pool(void **state)
{
	static const struct rig_config config = { .no_domain = true };
	struct dmah_domain_config dc = { .backend = DMAH_BACKEND_BOUNCE };
	uint64_t size = 1u << 20;
	void *memory[2],
		*pool_memory = aligned_alloc(64, (dmah_pool_memory(size) + 63) & ~(size_t)63);
	struct dmah_domain *dom[2];
	struct dmah_device *dev[2];
	struct dmah h = { 0 }, copy;
	struct rig r;

	(void)state;
	rig_open(&r, RIG_FAKE_VTD, &config);
	assert_int_equal(dmah_pool_init(&dc.pool, sim_ram_take(r.sim, size, 4096), size,
					pool_memory, dmah_pool_memory(size)),
			 DMAH_OK);
	for (unsigned int i = 0; i < 2; i++) {
		struct dmah_limits limits;

		dom[i] = rig_domain(&r, &dc, &memory[i]);
		dev[i] = rig_device(&r, false);
		limits = rig_limits(&r, dev[i]);
		dev[i]->iommu = NULL;
		assert_int_equal(dmah_attach(dom[i], dev[i], &limits), DMAH_OK);
	}
	assert_int_not_equal(dev[0]->number, dev[1]->number);
	assert_int_equal(dmah_map(dev[0], &h, rig_page(&r, 1), 100, DMAH_BIDIRECTIONAL, 0),
			 DMAH_OK);
	/* As if more devices were attached than there are numbers. */
	dev[1]->number ^= dev[0]->number;
	dev[0]->number ^= dev[1]->number;
	dev[1]->number ^= dev[0]->number;
	copy = h;
	assert_int_equal(dmah_unmap(dev[1], &copy), DMAH_ESTALE);
	assert_int_equal(dmah_sync_for_cpu(dev[1], &h, 0, 100), DMAH_ESTALE);
	dev[1]->number ^= dev[0]->number;
	dev[0]->number ^= dev[1]->number;
	dev[1]->number ^= dev[0]->number;
	assert_int_equal(dmah_unmap(dev[0], &h), DMAH_OK);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(dmah_detach(dev[i]), DMAH_OK);
		assert_int_equal(dmah_domain_fini(dom[i]), DMAH_OK);
		free(memory[i]);
	}
	rig_close(&r);
	free(pool_memory);
}

/* ---- setup errors ---- */

/* Each setup error names the call and the argument. */
static void expect_report(struct rig *r, int err, int expected, const char *call,
			  const char *argument)
{
	assert_int_equal(err, expected);
	assert_int_equal(r->reports, 1);
	assert_int_equal(strncmp(r->text, call, strlen(call)), 0);
	assert_non_null(strstr(r->text, argument));
	r->reports = 0;
}

static void setup_errors(void **state)
{
	static const struct {
		struct dmah_limits limits;
		const char *argument;
	} bad[] = {
		{ { .mask = 0x1234 }, "limits.mask" },
		{ { .mask = ~0ull, .boundary = 3 }, "limits.boundary" },
		{ { .mask = ~0ull, .max_segment = 3 }, "limits.max_segment" },
		{ { .mask = ~0ull, .min_align_mask = 4 }, "limits.min_align_mask" },
		{ { .mask = ~0ull, .nreserved = 4 }, "limits.reserved" },
		{ { .mask = ~0ull, .flags = 1u << 20 }, "limits.flags" },
	};
	struct dmah_domain_config c;
	struct dmah_domain *dom;
	struct dmah_device *a;
	struct rig r;

	(void)state;
	rig_open(&r, RIG_FAKE_VTD, &plain);
	a = rig_device(&r, false);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_report(&r, dmah_attach(r.dom, a, &bad[i].limits), DMAH_EINVAL,
			      "dmah_attach:", bad[i].argument);
	expect_report(&r, dmah_reserve(r.dom, 0, 1), DMAH_EINVAL, "dmah_reserve:", "count");
	expect_report(&r, dmah_reserve(r.dom, 1, 0), DMAH_EINVAL, "dmah_reserve:", "len");
	expect_report(&r, dmah_set_mode(r.dom, (enum dmah_mode)7), DMAH_EINVAL,
		      "dmah_set_mode:", "mode");
	expect_report(&r, dmah_domain_add_iommu(r.dom, r.iommu), DMAH_EBUSY,
		      "dmah_domain_add_iommu:", "IOMMU");
	expect_report(&r, dmah_domain_init(&dom, &r.config, r.domain_memory, 1), DMAH_EINVAL,
		      "dmah_domain_init:", "memory_size");
#define BAD_FIELD(field, value)                                                               \
	do {                                                                                  \
		c = r.config;                                                                 \
		c.field = (value);                                                            \
		expect_report(&r, dmah_domain_memory(&c) ? 1 : 0, 0, "dmah_domain:", #field); \
	} while (0)
	BAD_FIELD(backend, (enum dmah_backend)9);
	BAD_FIELD(cpus, 5000);
	BAD_FIELD(devices, 5000);
	BAD_FIELD(cache_line, 100);
	BAD_FIELD(lazy_entries, 100);
	BAD_FIELD(history, 100);
	BAD_FIELD(mode, (enum dmah_mode)9);
	BAD_FIELD(iommu, NULL);
	BAD_FIELD(format, NULL);
	BAD_FIELD(aperture_size, 4096);
	BAD_FIELD(aperture_base, 4096);
	BAD_FIELD(va_bits, 40);
	rig_close(&r);
}

#ifndef DMAH_CHECK
/* Without an IOMMU a stale copy is ended as if it were live. The detach says so, and names no live mapping. */
static void ended_too_often(void **state)
{
	static const struct rig_config config = { .no_domain = true };
	struct dmah_domain_config dc = { .backend = DMAH_BACKEND_DIRECT };
	struct dmah h = { 0 }, copy;
	struct dmah_limits limits;
	struct dmah_device *a;
	struct dmah_domain *dom;
	void *memory;
	struct rig r;

	(void)state;
	rig_open(&r, RIG_FAKE_VTD, &config);
	dom = rig_domain(&r, &dc, &memory);
	a = rig_device(&r, false);
	limits = rig_limits(&r, a);
	a->iommu = NULL;
	assert_int_equal(dmah_attach(dom, a, &limits), DMAH_OK);
	assert_int_equal(dmah_map(a, &h, rig_page(&r, 1), 4096, DMAH_TO_DEVICE, 0), DMAH_OK);
	copy = h;
	expect_report(&r, dmah_detach(a), DMAH_EBUSY, "dmah_detach:", "is live");
	assert_int_equal(dmah_unmap(a, &h), DMAH_OK);
	assert_int_equal(dmah_unmap(a, &copy), DMAH_OK);
	expect_report(&r, dmah_detach(a), DMAH_EBUSY, "dmah_detach:", "ended than made");
	/* A map in its place, so that the test can end. */
	assert_int_equal(dmah_map(a, &h, rig_page(&r, 1), 4096, DMAH_TO_DEVICE, 0), DMAH_OK);
	assert_int_equal(dmah_detach(a), DMAH_OK);
	assert_int_equal(dmah_domain_fini(dom), DMAH_OK);
	rig_close(&r);
	free(memory);
}
#endif

/* ---- poll ---- */

static unsigned int wanted;
static uint64_t wanted_at;

static void want_poll(void *ctx, struct dmah_domain *dom, uint64_t deadline)
{
	(void)dom;
	assert_ptr_equal(ctx, &wanted);
	wanted++;
	wanted_at = deadline;
}

/* The owner is asked for a poll once for each time that something begins to wait. */
static void poll_is_wanted(void **state)
{
	static const struct rig_config config = {
		.domain = { .mode = DMAH_LAZY,
			    .lazy_ns = 1000,
			    .want_poll = want_poll,
			    .want_poll_ctx = &wanted },
	};

	(void)state;
	FOR_EACH_KIND(kind)
	{
		struct dmah_ring_config ring_config = { .entries = 4,
							.entry_size = 4096,
							.dir = DMAH_FROM_DEVICE };
		void *memory =
			aligned_alloc(64, (dmah_ring_memory(&ring_config) + 63) & ~(size_t)63);
		struct dmah_ring *ring;
		struct dmah_device *a;
		uint64_t now, next;
		struct rig r;

		wanted = 0;
		rig_open(&r, kind, &config);
		a = rig_attach(&r, false);
		for (unsigned int way = 0; way < 3; way++)
			for (unsigned int round = 0; round < 3; round++) {
				struct dmah h[3] = { 0 };
				static const uint32_t lens[] = { 4096, 200000, 4096 };

				for (unsigned int i = 0; i < 3; i++)
					assert_int_equal(dmah_map(a, &h[i], rig_page(&r, 64),
								  lens[way], DMAH_FROM_DEVICE,
								  way == 2 ? DMAH_ATTR_NO_CPU_SYNC
									   : 0),
							 0);
				assert_int_equal(wanted, 0);
				now = dmah_host_now();
				for (unsigned int i = 0; i < 3; i++) {
					assert_int_equal(dmah_unmap(a, &h[i]), DMAH_OK);
					assert_int_equal(wanted, 1);
				}
				assert_true(wanted_at >= now && wanted_at - now <= 2000);
				posix_clock_advance(5000);
				assert_int_equal(dmah_poll(r.dom, dmah_host_now(), &next), DMAH_OK);
				assert_true(next == UINT64_MAX);
				wanted = 0;
			}
		assert_int_equal(dmah_ring_init(&ring, a, &ring_config, memory,
						dmah_ring_memory(&ring_config)),
				 0);
		for (unsigned int round = 0; round < 3; round++) {
			dmah_addr_t dma;

			for (unsigned int i = 0; i < 3; i++)
				assert_int_equal(dmah_ring_push(ring, rig_page(&r, 1), 4096, &dma),
						 DMAH_OK);
			assert_int_equal(wanted, 0);
			for (unsigned int i = 0; i < 3; i++) {
				assert_int_equal(dmah_ring_pop(ring, 1), DMAH_OK);
				assert_int_equal(wanted, 1);
			}
			posix_clock_advance(5000);
			assert_int_equal(dmah_poll(r.dom, dmah_host_now(), &next), DMAH_OK);
			assert_true(next == UINT64_MAX);
			wanted = 0;
		}
		assert_int_equal(dmah_ring_fini(ring), DMAH_OK);
		assert_int_equal(dmah_detach(a), DMAH_OK);
		rig_close(&r);
		free(memory);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kill_unconfirmed),
		cmocka_unit_test(kill_confirmed_later),
		cmocka_unit_test(kill_beside_set_mode),
		cmocka_unit_test(ats_counted_before_bind),
		cmocka_unit_test(maps_beside_passthrough),
		cmocka_unit_test(reserve_before_attach),
		cmocka_unit_test(reserve_of_large_buffers),
		cmocka_unit_test(held_granules),
		cmocka_unit_test(numbers),
		cmocka_unit_test(passthrough_beside_maps),
		cmocka_unit_test(shared_pool),
		cmocka_unit_test(setup_errors),
#ifndef DMAH_CHECK
		cmocka_unit_test(ended_too_often),
#endif
		cmocka_unit_test(poll_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
