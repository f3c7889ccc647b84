/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The VT-d driver on QEMU's model: what a device can reach, and when it no longer can. */
#include "rig.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOT_WRITABLE 0x05
#define NOT_READABLE 0x06
#define NOT_ATTACHED 0x02
#define TOO_WIDE     0x04

/* ---- data ---- */

static void trip(const struct rig_config *config)
{
	struct rig *rig = rig_open(config);
	dmah_phys_t a = qemu_take(rig->q, 8192, 4096), b = qemu_take(rig->q, 8192, 4096);

	for (unsigned int i = 0; i < 16; i++) {
		/* Across a granule's boundary too. */
		dmah_phys_t from = a + i * 301, to = b + i * 257;
		uint32_t len = 1 + i * 270;

		rig_fill(rig, a, 8192, 1);
		rig_fill(rig, b, 8192, 2);
		assert_int_equal(edu_put(&rig->edu[0], from, 0, len), DMAH_OK);
		assert_int_equal(edu_get(&rig->edu[0], to, 0, len), DMAH_OK);
		assert_memory_equal(qemu_ram(rig->q, to, len), qemu_ram(rig->q, from, len), len);
		assert_true(rig_holds(rig, a, 8192, 1));
		assert_true(rig_holds(rig, b, to - b, 2));
	}
	rig_close(rig);
}

static void round_trip(void **state)
{
	(void)state;
	trip(&(struct rig_config){ .mode = DMAH_STRICT });
	trip(&(struct rig_config){ .mode = DMAH_LAZY });
	trip(&(struct rig_config){ .mode = DMAH_PASSTHROUGH });
	trip(&(struct rig_config){ .va_bits = 48, .aperture_base = 0x7f0000000000ull });
	trip(&(struct rig_config){ .untrusted = true, .pool = true });
	trip(&(struct rig_config){ .iommu = "aw-bits=39,caching-mode=on" });
	trip(&(struct rig_config){ .iommu = "aw-bits=39,caching-mode=on", .mode = DMAH_LAZY });
}

/* At which level of the table @iova is translated: 1 is a granule, 2 is 2 MiB. */
static unsigned int level_of(struct rig *rig, dmah_addr_t iova)
{
	struct dmah_pt_info pt;
	uint64_t table;

	assert_int_equal(dmah_domain_pt(rig->dom, &pt), DMAH_OK);
	table = pt.root;
	for (unsigned int level = pt.levels; level; level--) {
		uint64_t entry = *(
			uint64_t *)qemu_ram(rig->q, table + (iova >> (3 + 9 * level) & 511) * 8, 8);

		assert_true(entry & 3);
		if (level == 1 || entry & 0x80)
			return level;
		table = entry & 0x000ffffffffff000;
	}
	return 0;
}

/* A 2 MiB entry is one translation: all of it works, and all of it is gone afterwards. */
static void blocks(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ .va_bits = 48 });
	dmah_phys_t phys = qemu_take(rig->q, 4u << 20, 2u << 20);
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	assert_true(rig->vtd.iommu.caps & DMAH_IOMMU_BLOCK_2M);
	rig_load(rig, 0, 512, 3);
	assert_int_equal(dmah_map(&rig->dev[0], &h, phys, 4u << 20, DMAH_FROM_DEVICE, 0), DMAH_OK);
	dma = dmah_addr(&h);
	assert_int_equal(level_of(rig, dma), 2);
	for (uint32_t off = 0; off < 4u << 20; off += 0x7f000) {
		rig_dma(rig, 0, dma + off, 512, DMAH_FROM_DEVICE);
		assert_true(rig_holds(rig, phys + off, 512, 3));
	}
	assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
	memset(qemu_ram(rig->q, phys, 4u << 20), 0, 4u << 20);
	for (uint32_t off = 0; off < 4u << 20; off += 0x7f000) {
		rig_dma(rig, 0, dma + off, 512, DMAH_FROM_DEVICE);
		rig_expect_fault(rig, 0, dma + off, true, NOT_WRITABLE);
		assert_int_equal(*(uint8_t *)qemu_ram(rig->q, phys + off, 1), 0);
	}
	rig_close(rig);
}

/* A 1 GiB entry, where memory begins: RAM is large enough for it, and most of that is never touched. */
static void blocks_1g(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ .ram = 2u << 30, .va_bits = 48 });
	uint32_t len = 1u << 30;
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	assert_true(rig->vtd.iommu.caps & DMAH_IOMMU_BLOCK_1G);
	rig_load(rig, 0, 512, 3);
	assert_int_equal(dmah_map(&rig->dev[0], &h, 0, len, DMAH_FROM_DEVICE, 0), DMAH_OK);
	dma = dmah_addr(&h);
	assert_int_equal(level_of(rig, dma), 3);
	for (uint32_t off = 16u << 20; off < len; off += 0x7ff7000) {
		rig_dma(rig, 0, dma + off, 512, DMAH_FROM_DEVICE);
		assert_true(rig_holds(rig, off, 512, 3));
	}
	assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
	for (uint32_t off = 16u << 20; off < len; off += 0x7ff7000) {
		memset(qemu_ram(rig->q, off, 512), 0, 512);
		rig_dma(rig, 0, dma + off, 512, DMAH_FROM_DEVICE);
		rig_expect_fault(rig, 0, dma + off, true, NOT_WRITABLE);
		assert_int_equal(*(uint8_t *)qemu_ram(rig->q, off, 1), 0);
	}
	rig_close(rig);
}

/* ---- permissions ---- */

static void read_only(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	dmah_phys_t phys = qemu_take(rig->q, 4096, 4096);
	struct dmah h = { 0 };

	(void)state;
	rig_load(rig, 0, 256, 1);
	rig_fill(rig, phys, 4096, 2);
	assert_int_equal(dmah_map(&rig->dev[0], &h, phys, 4096, DMAH_TO_DEVICE, 0), DMAH_OK);
	rig_dma(rig, 0, dmah_addr(&h) + 64, 256, DMAH_FROM_DEVICE);
	rig_expect_fault(rig, 0, dmah_addr(&h), true, NOT_WRITABLE);
	assert_true(rig_holds(rig, phys, 4096, 2));
	/* Reading is what it is for. */
	rig_dma(rig, 0, dmah_addr(&h), 256, DMAH_TO_DEVICE);
	assert_int_equal(rig_faults(rig), 0);
	assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
	rig_close(rig);
}

static void write_only(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	dmah_phys_t phys = qemu_take(rig->q, 4096, 4096), out = qemu_take(rig->q, 4096, 4096);
	struct dmah h = { 0 };

	(void)state;
	rig_load(rig, 0, 256, 1);
	rig_fill(rig, phys, 4096, 2);
	assert_int_equal(dmah_map(&rig->dev[0], &h, phys, 4096, DMAH_FROM_DEVICE, 0), DMAH_OK);
	rig_dma(rig, 0, dmah_addr(&h), 256, DMAH_TO_DEVICE);
	rig_expect_fault(rig, 0, dmah_addr(&h), false, NOT_READABLE);
	/* The device did not come by a byte of it: what it has in its buffer is not that memory. */
	assert_int_equal(edu_get(&rig->edu[0], out, 0, 256), DMAH_OK);
	assert_memory_not_equal(qemu_ram(rig->q, out, 256), qemu_ram(rig->q, phys, 256), 256);
	rig_load(rig, 0, 256, 1);
	rig_dma(rig, 0, dmah_addr(&h), 256, DMAH_FROM_DEVICE);
	assert_true(rig_holds(rig, phys, 256, 1));
	assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
	rig_close(rig);
}

/* ---- after unmap ---- */

/*
 * The translation is in the IOTLB when the mapping ends, and the device tries again at once. A length of two granules
 * every other time, so that page-selective invalidations of several orders are seen.
 */
static void stale_strict(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	const char *more = getenv("DMAH_QEMU_OPS");
	unsigned long tries = more ? strtoul(more, NULL, 0) : 500;
	dmah_phys_t phys = qemu_take(rig->q, 16384, 4096);

	(void)state;
	rig_load(rig, 0, 64, 1);
	for (unsigned long i = 0; i < tries; i++) {
		uint32_t len = 4096u << i % 3;
		dmah_addr_t last;
		struct dmah h = { 0 };

		rig_fill(rig, phys, len, 5);
		assert_int_equal(dmah_map(&rig->dev[0], &h, phys, len, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		last = dmah_addr(&h) + len - 64;
		rig_dma(rig, 0, last, 64, DMAH_FROM_DEVICE);
		assert_true(rig_holds(rig, phys + len - 64, 64, 1));
		assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
		rig_fill(rig, phys, len, 6);
		rig_dma(rig, 0, last, 64, DMAH_FROM_DEVICE);
		assert_true(rig_holds(rig, phys, len, 6));
		rig_expect_fault(rig, 0, last, true, NOT_WRITABLE);
	}
	/* Each has been through the assertions above. */
	if (more)
		printf("# %lu attempts after a strict unmap: none changed memory, each was "
		       "recorded\n",
		       tries);
	rig_close(rig);
}

/* In lazy mode the IOTLB has it still: the device really gets through until the flush, and never after. */
static void stale_lazy(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ .mode = DMAH_LAZY });
	dmah_phys_t phys = qemu_take(rig->q, 4096, 4096);

	(void)state;
	rig_load(rig, 0, 64, 1);
	/* The load's own unmap is pending: begin with none. */
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	for (unsigned int i = 0; i < 50; i++) {
		struct dmah h = { 0 };
		dmah_addr_t dma;

		assert_int_equal(dmah_map(&rig->dev[0], &h, phys, 4096, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		dma = dmah_addr(&h);
		rig_dma(rig, 0, dma, 64, DMAH_FROM_DEVICE);
		assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
		memset(qemu_ram(rig->q, phys, 4096), 0, 4096);
		rig_dma(rig, 0, dma, 64, DMAH_FROM_DEVICE);
		assert_true(rig_holds(rig, phys, 64, 1));
		assert_int_equal(rig_faults(rig), 0);
		assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
		rig_fill(rig, phys, 4096, 6);
		rig_dma(rig, 0, dma, 64, DMAH_FROM_DEVICE);
		assert_true(rig_holds(rig, phys, 4096, 6));
		rig_expect_fault(rig, 0, dma, true, NOT_WRITABLE);
	}
	rig_close(rig);
}

/* ---- rings ---- */

#define RING 16u

struct ring_rig {
	struct dmah_ring *ring;
	void *memory;
	dmah_phys_t phys;
	dmah_addr_t dma[RING];
};

static void ring_push_all(struct rig *rig, struct ring_rig *r, unsigned int from)
{
	for (unsigned int i = from; i < RING; i++) {
		dmah_phys_t at = r->phys + i * 4096;

		assert_int_equal(dmah_ring_push(r->ring, at, 4096, &r->dma[i]), DMAH_OK);
		rig_dma(rig, 0, r->dma[i], 64, DMAH_FROM_DEVICE);
		assert_true(rig_holds(rig, at, 64, 1));
	}
}

/* The first @n were popped: the device reaches none of them, and all of the others. */
static void ring_check(struct rig *rig, struct ring_rig *r, unsigned int n)
{
	memset(qemu_ram(rig->q, r->phys, RING * 4096), 0, RING * 4096);
	for (unsigned int i = 0; i < RING; i++) {
		rig_dma(rig, 0, r->dma[i], 64, DMAH_FROM_DEVICE);
		if (i >= n) {
			assert_true(rig_holds(rig, r->phys + i * 4096, 64, 1));
			assert_int_equal(rig_faults(rig), 0);
			continue;
		}
		rig_expect_fault(rig, 0, r->dma[i], true, NOT_WRITABLE);
		assert_int_equal(*(uint8_t *)qemu_ram(rig->q, r->phys + i * 4096, 1), 0);
	}
}

static void rings(void **state)
{
	struct dmah_ring_config config = { .entries = RING,
					   .entry_size = 4096,
					   .dir = DMAH_FROM_DEVICE };
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	size_t need = dmah_ring_memory(&config);
	struct dmah_stats before, after;
	struct ring_rig r = { .phys = qemu_take(rig->q, RING * 4096, 4096) };

	(void)state;
	r.memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	assert_int_equal(dmah_ring_init(&r.ring, &rig->dev[0], &config, r.memory, need), DMAH_OK);
	rig_load(rig, 0, 64, 1);
	for (unsigned int n = 1; n <= RING; n++) {
		ring_push_all(rig, &r, 0);
		dmah_device_stats(&rig->dev[0], &before);
		assert_int_equal(dmah_ring_pop(r.ring, n), DMAH_OK);
		dmah_device_stats(&rig->dev[0], &after);
		/* One for all, or two where that covers less; and it is no flush of the whole domain. */
		assert_in_range(after.invalidations - before.invalidations, 1, 2);
		ring_check(rig, &r, n);
		assert_int_equal(dmah_ring_pop(r.ring, RING - n), DMAH_OK);
		ring_check(rig, &r, RING);
	}
	assert_int_equal(dmah_ring_fini(r.ring), DMAH_OK);
	free(r.memory);
	rig_close(rig);
}

/* ---- capabilities ---- */

/* With caching mode every map is followed by an invalidation, also of what was refused before; without it none is. */
static void caching_mode(void **state)
{
	static const char *const models[] = { "aw-bits=48", "aw-bits=48,caching-mode=on" };

	(void)state;
	for (unsigned int cm = 0; cm < 2; cm++) {
		struct rig *rig = rig_open(&(struct rig_config){ .iommu = models[cm] });
		dmah_phys_t phys = qemu_take(rig->q, 4096, 4096);
		struct dmah_stats before, after;
		struct dmah h = { 0 };
		uint32_t tail;

		assert_int_equal(!!(rig->vtd.iommu.caps & DMAH_IOMMU_MAP_FLUSH), cm);
		rig_load(rig, 0, 64, 1);
		dmah_device_stats(&rig->dev[0], &before);
		tail = rig_vtd32(rig, 0x88);
		assert_int_equal(dmah_map(&rig->dev[0], &h, phys, 4096, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		dmah_device_stats(&rig->dev[0], &after);
		assert_int_equal(after.invalidations - before.invalidations, cm);
		assert_int_equal(rig_vtd32(rig, 0x88) - tail, cm * 32);
		rig_dma(rig, 0, dmah_addr(&h), 64, DMAH_FROM_DEVICE);
		assert_true(rig_holds(rig, phys, 64, 1));
		assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
		rig_close(rig);
	}
}

static void aperture_39(void **state)
{
	uint64_t top = (1ull << 39) - (1ull << 30);
	struct rig *rig = rig_open(&(struct rig_config){
		.iommu = "aw-bits=39", .aperture_base = top, .aperture_size = 1u << 30 });
	struct dmah_domain_config wide = { .backend = DMAH_BACKEND_IOMMU,
					   .format = &dmah_pt_vtd_ss,
					   .iommu = &rig->vtd.iommu,
					   .va_bits = 48 };
	dmah_phys_t phys = qemu_take(rig->q, 4096, 4096);
	size_t need = dmah_domain_memory(&wide);
	void *memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	struct dmah_domain *dom;
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(rig->vtd.iommu.va_bits, 39);
	assert_int_equal(dmah_domain_init(&dom, &wide, memory, need), DMAH_ENOTSUP);
	free(memory);
	rig_load(rig, 0, 64, 1);
	assert_int_equal(dmah_map(&rig->dev[0], &h, phys, 4096, DMAH_FROM_DEVICE, 0), DMAH_OK);
	assert_true(dmah_addr(&h) >= top && dmah_addr(&h) < 1ull << 39);
	rig_dma(rig, 0, dmah_addr(&h), 64, DMAH_FROM_DEVICE);
	assert_true(rig_holds(rig, phys, 64, 1));
	/* One bit more is not the same address. */
	memset(qemu_ram(rig->q, phys, 64), 0, 64);
	rig_dma(rig, 0, dmah_addr(&h) | 1ull << 39, 64, DMAH_FROM_DEVICE);
	rig_expect_fault(rig, 0, dmah_addr(&h) | 1ull << 39, true, TOO_WIDE);
	assert_int_equal(*(uint8_t *)qemu_ram(rig->q, phys, 1), 0);
	assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
	rig_close(rig);
}

/* The interrupt window is nobody's: a domain that covers it never hands it out. */
static void interrupt_window(void **state)
{
	struct rig *rig = rig_open(
		&(struct rig_config){ .aperture_base = 0xfe600000, .aperture_size = 0x1000000 });
	dmah_phys_t phys = qemu_take(rig->q, 4096, 4096);
	static struct dmah h[4096];
	unsigned int n = 0;

	(void)state;
	memset(h, 0, sizeof(h));
	while (n < 4096 && !dmah_map(&rig->dev[0], &h[n], phys, 4096, DMAH_TO_DEVICE, 0)) {
		assert_false(dmah_addr(&h[n]) >= 0xfee00000 && dmah_addr(&h[n]) < 0xfef00000);
		n++;
	}
	assert_int_equal(n, 4096 - 256);
	while (n)
		assert_int_equal(dmah_unmap(&rig->dev[0], &h[--n]), DMAH_OK);
	rig_close(rig);
}

/* ---- faults ---- */

/* QEMU's model has one record: the second device's fault is the one too many. */
static void fault_overflow(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });

	(void)state;
	rig_attach(rig, 1, rig->dom, 0);
	for (unsigned int i = 0; i < 3; i++) {
		rig_dma(rig, 0, 0x5000 + i * 4096, 4, DMAH_TO_DEVICE);
		rig_dma(rig, 1, 0x9000, 4, DMAH_FROM_DEVICE);
		rig_expect_fault(rig, 0, 0x5000 + i * 4096, false, NOT_READABLE);
		assert_true(rig->faults_lost);
		/* And it goes on. */
		rig_dma(rig, 1, 0xa000, 4, DMAH_FROM_DEVICE);
		rig_expect_fault(rig, 1, 0xa000, true, NOT_WRITABLE);
		assert_false(rig->faults_lost);
		assert_int_equal(rig_faults(rig), 0);
	}
	assert_string_equal(dmah_vtd_reason(0xee), "unknown");
	assert_string_not_equal(dmah_vtd_reason(NOT_READABLE), dmah_vtd_reason(NOT_WRITABLE));
	rig_close(rig);
}

/* ---- devices and domains ---- */

/* The same IOVA in two domains is two pages, and to unmap one takes nothing from the other. */
static void two_domains(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ .va_bits = 48 });
	dmah_phys_t phys[2] = { qemu_take(rig->q, 4096, 4096), qemu_take(rig->q, 4096, 4096) };
	struct dmah h[2] = { { 0 }, { 0 } };
	struct dmah_domain *other;
	void *memory;

	(void)state;
	other = rig_domain(rig, &(struct dmah_domain_config){ .va_bits = 39 }, &memory);
	rig_attach(rig, 1, other, 0);
	rig_load(rig, 0, 64, 10);
	rig_load(rig, 1, 64, 11);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(dmah_map(&rig->dev[i], &h[i], phys[i], 4096, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
	assert_true(dmah_addr(&h[0]) == dmah_addr(&h[1]));
	for (unsigned int i = 0; i < 2; i++)
		rig_dma(rig, i, dmah_addr(&h[i]), 64, DMAH_FROM_DEVICE);
	for (unsigned int i = 0; i < 2; i++)
		assert_true(rig_holds(rig, phys[i], 64, 10 + i));
	assert_int_equal(dmah_unmap(&rig->dev[0], &h[0]), DMAH_OK);
	memset(qemu_ram(rig->q, phys[0], 64), 0, 64);
	memset(qemu_ram(rig->q, phys[1], 64), 0, 64);
	rig_dma(rig, 0, dmah_addr(&h[1]), 64, DMAH_FROM_DEVICE);
	rig_expect_fault(rig, 0, dmah_addr(&h[1]), true, NOT_WRITABLE);
	rig_dma(rig, 1, dmah_addr(&h[1]), 64, DMAH_FROM_DEVICE);
	assert_true(rig_holds(rig, phys[1], 64, 11));
	assert_int_equal(*(uint8_t *)qemu_ram(rig->q, phys[0], 1), 0);
	assert_int_equal(dmah_unmap(&rig->dev[1], &h[1]), DMAH_OK);
	assert_int_equal(dmah_detach(&rig->dev[1]), DMAH_OK);
	assert_int_equal(dmah_domain_fini(other), DMAH_OK);
	free(memory);
	rig_close(rig);
}

/* A device that is not attached is blocked; so is one again that was detached, killed, or moved elsewhere. */
static void attach_detach(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	dmah_phys_t phys = qemu_take(rig->q, 4096, 4096);
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	rig_fill(rig, phys, 4096, 1);
	rig_dma(rig, 1, phys, 64, DMAH_FROM_DEVICE);
	rig_expect_fault(rig, 1, phys, true, NOT_ATTACHED);
	assert_int_equal(dmah_map(&rig->dev[0], &h, phys, 4096, DMAH_BIDIRECTIONAL, 0), DMAH_OK);
	dma = dmah_addr(&h);
	rig_attach(rig, 1, rig->dom, 0);
	rig_dma(rig, 1, dma, 64, DMAH_TO_DEVICE);
	assert_int_equal(rig_faults(rig), 0);
	/* Its context entry and translation are cached now. */
	assert_int_equal(dmah_detach(&rig->dev[1]), DMAH_OK);
	rig_dma(rig, 1, dma, 64, DMAH_FROM_DEVICE);
	rig_expect_fault(rig, 1, dma, true, NOT_ATTACHED);
	rig_dma(rig, 0, dma, 64, DMAH_TO_DEVICE);
	assert_int_equal(rig_faults(rig), 0);
	assert_int_equal(dmah_kill(&rig->dev[0]), DMAH_OK);
	rig_dma(rig, 0, dma, 64, DMAH_FROM_DEVICE);
	rig_expect_fault(rig, 0, dma, true, NOT_ATTACHED);
	assert_true(rig_holds(rig, phys, 4096, 1));
	assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
	rig_close(rig);
}

/* To passthrough and back: what the device reaches changes at once, whatever was cached. */
static void modes(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	dmah_phys_t phys = qemu_take(rig->q, 4096, 4096);

	(void)state;
	rig_load(rig, 0, 64, 1);
	rig_fill(rig, phys, 4096, 2);
	for (unsigned int i = 0; i < 3; i++) {
		rig_dma(rig, 0, phys, 64, DMAH_FROM_DEVICE);
		rig_expect_fault(rig, 0, phys, true, NOT_WRITABLE);
		assert_true(rig_holds(rig, phys, 4096, 2));
		assert_int_equal(dmah_set_mode(rig->dom, DMAH_PASSTHROUGH), DMAH_OK);
		rig_dma(rig, 0, phys, 64, DMAH_FROM_DEVICE);
		assert_true(rig_holds(rig, phys, 64, 1));
		assert_int_equal(dmah_set_mode(rig->dom, DMAH_STRICT), DMAH_OK);
		rig_fill(rig, phys, 4096, 2);
	}
	rig_close(rig);
}

/* ---- untrusted ---- */

/* @before is what was in memory; the buffer is all 2 KiB patterns, as far as it goes, and the rest is as it was. */
static void check_written(struct rig *rig, dmah_phys_t phys, uint32_t off, uint32_t len,
			  const uint8_t *before)
{
	const uint8_t *now = qemu_ram(rig->q, phys, 12288);
	unsigned int changed = 0;

	assert_memory_equal(now, before, off);
	assert_memory_equal(now + off + len, before + off + len, 12288 - off - len);
	for (uint32_t i = off; i < off + len; i++)
		changed += now[i] != before[i];
	/* A random byte is the same once in 256 times. */
	assert_true(changed > len * 9 / 10);
}

/* Not one byte beside the buffer is read or written, though the device may address all of its granules. */
static void untrusted(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ .untrusted = true, .pool = true });
	dmah_phys_t phys = qemu_take(rig->q, 12288, 4096), out = qemu_take(rig->q, 4096, 4096);
	static const struct {
		uint32_t off, len;
	} cases[] = { { 100, 200 }, { 0, 64 }, { 4000, 96 }, { 4000, 200 }, { 3000, 6000 } };
	struct edu *edu = &rig->edu[0];
	static uint8_t expected[12288];

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t off = cases[i].off, len = cases[i].len, in = off % 4096;
		uint32_t granules = (in + len + 4095) / 4096;
		struct dmah h = { 0 };
		dmah_addr_t base;

		/* Writing: all that it can address, in halves of a granule. */
		rig_load(rig, 0, 2048, 3);
		rig_fill(rig, phys, 12288, 4);
		memcpy(expected, qemu_ram(rig->q, phys, 12288), 12288);
		assert_int_equal(dmah_map(&rig->dev[0], &h, phys + off, len, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		base = dmah_addr(&h) - in;
		for (uint32_t at = 0; at < granules * 4096; at += 2048)
			rig_dma(rig, 0, base + at, 2048, DMAH_FROM_DEVICE);
		assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
		check_written(rig, phys, off, len, expected);
		/* Reading: bytes beside the buffer come as zeroes. */
		rig_fill(rig, phys, 12288, 4);
		assert_int_equal(dmah_map(&rig->dev[0], &h, phys + off, len, DMAH_TO_DEVICE, 0),
				 DMAH_OK);
		base = dmah_addr(&h) - in;
		for (uint32_t at = 0; at < granules * 4096; at += 2048) {
			uint8_t *got = qemu_ram(rig->q, out, 2048);

			rig_dma(rig, 0, base + at, 2048, DMAH_TO_DEVICE);
			assert_int_equal(edu_get(edu, out, 0, 2048), DMAH_OK);
			for (uint32_t k = 0; k < 2048; k++) {
				uint32_t where = off - in + at + k;
				bool inside = where >= off && where < off + len;
				uint8_t is = ((uint8_t *)qemu_ram(rig->q, phys, 12288))[where];

				assert_int_equal(got[k], inside ? is : 0);
			}
		}
		assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
	}
	rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(blocks),
		cmocka_unit_test(blocks_1g),
		cmocka_unit_test(read_only),
		cmocka_unit_test(write_only),
		cmocka_unit_test(stale_strict),
		cmocka_unit_test(stale_lazy),
		cmocka_unit_test(rings),
		cmocka_unit_test(caching_mode),
		cmocka_unit_test(aperture_39),
		cmocka_unit_test(interrupt_window),
		cmocka_unit_test(fault_overflow),
		cmocka_unit_test(two_domains),
		cmocka_unit_test(attach_detach),
		cmocka_unit_test(modes),
		cmocka_unit_test(untrusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
