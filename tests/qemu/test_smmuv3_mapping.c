/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The library's promises, on QEMU's SMMUv3: what the device reaches, what it does not, and when it no longer does. */
#include "smmu.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define F_TRANSLATION 0x10u
#define F_PERMISSION  0x13u

/* ---- one mapping ---- */

static void both_directions(void **state)
{
	static const uint32_t offset[] = { 0, 1, 1000, 4095, 0 }, len[] = { 1, 17, 4000, 2, 4095 };
	struct smmu_rig rig;
	dmah_phys_t phys;
	uint8_t *page, bytes[PAGE], got[PAGE];

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	page = smmu_page(&rig, 2, 0, &phys);
	for (unsigned int i = 0; i < 5; i++) {
		struct dmah h = { 0 };

		assert_int_equal(
			dmah_map(&rig.dev, &h, phys + offset[i], len[i], DMAH_BIDIRECTIONAL, 0), 0);
		memset(page, 0x5a, 2 * PAGE);
		pattern(page + offset[i], len[i], i);
		dev_read(&rig, dmah_addr(&h), got, len[i]);
		assert_memory_equal(got, page + offset[i], len[i]);
		pattern(bytes, len[i], i + 100);
		dev_write(&rig, dmah_addr(&h), bytes, len[i]);
		assert_memory_equal(page + offset[i], bytes, len[i]);
		assert_true(all(page, 0x5a, offset[i]));
		assert_true(all(page + offset[i] + len[i], 0x5a, 2 * PAGE - offset[i] - len[i]));
		assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	}
	smmu_close(&rig);
}

/* A device that may only read is not let write; both with and without the translation cached. */
static void read_only(void **state)
{
	struct smmu_rig rig;
	dmah_phys_t phys;
	uint8_t *page, bytes[64], got[64];

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	page = smmu_page(&rig, 1, 0x11, &phys);
	memset(bytes, 0xee, sizeof(bytes));
	for (unsigned int cached = 0; cached < 2; cached++) {
		struct dmah h = { 0 };

		assert_int_equal(dmah_map(&rig.dev, &h, phys, PAGE, DMAH_TO_DEVICE, 0), 0);
		if (cached) {
			dev_read(&rig, dmah_addr(&h), got, sizeof(got));
			assert_true(all(got, 0x11, sizeof(got)));
		}
		dev_write(&rig, dmah_addr(&h) + 128, bytes, sizeof(bytes));
		assert_true(all(page, 0x11, PAGE));
		(void)events_one(&rig, F_PERMISSION, rig.sid, true, dmah_addr(&h) + 128,
				 sizeof(bytes));
		assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	}
	smmu_close(&rig);
}

/* ---- the end of a mapping ---- */

/* Each time the translation was used, so that the TLB has it. */
static void stale_strict(void **state)
{
	struct smmu_rig rig;
	dmah_phys_t phys;
	uint8_t *page, bytes[16], got[16];
	unsigned int attempts = how_many(500);

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	page = smmu_page(&rig, 4, 0, &phys);
	for (unsigned int i = 0; i < attempts; i++) {
		uint32_t at = i % 4 * PAGE + i * 8 % (PAGE - 16);
		struct dmah h = { 0 };
		dmah_addr_t dma;

		assert_int_equal(
			dmah_map(&rig.dev, &h, phys + at, sizeof(bytes), DMAH_BIDIRECTIONAL, 0), 0);
		dma = dmah_addr(&h);
		memset(bytes, (int)(i | 1), sizeof(bytes));
		dev_write(&rig, dma, bytes, sizeof(bytes));
		assert_memory_equal(page + at, bytes, sizeof(bytes));
		assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
		memset(page, 0xca, 4 * PAGE);
		dev_push(&rig.edu, dma, 0, sizeof(bytes));
		assert_true(all(page, 0xca, 4 * PAGE));
		(void)events_one(&rig, F_TRANSLATION, rig.sid, true, dma, sizeof(bytes));
		if (i % 10)
			continue;
		dev_pull(&rig.edu, dma, 0, sizeof(bytes));
		dev_store(&rig, got, sizeof(got));
		assert_false(all(got, 0xca, sizeof(got)));
		(void)events_one(&rig, F_TRANSLATION, rig.sid, false, dma, sizeof(bytes));
	}
	/* Each has been through the assertions above. */
	if (getenv("DMAH_QEMU_OPS"))
		printf("# %u attempts after a strict unmap: none changed memory, each was "
		       "recorded\n",
		       attempts);
	smmu_close(&rig);
}

/* A lazy unmap leaves what the TLB has, which is seen here to be used; not after the flush. */
static void stale_lazy(void **state)
{
	struct smmu_rig rig;
	dmah_phys_t phys;
	uint8_t *page, bytes[32];

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_LAZY });
	page = smmu_page(&rig, 1, 0, &phys);
	for (unsigned int i = 0; i < 20; i++) {
		struct dmah h = { 0 };
		dmah_addr_t dma;

		assert_int_equal(dmah_map(&rig.dev, &h, phys, PAGE, DMAH_FROM_DEVICE, 0), 0);
		dma = dmah_addr(&h);
		memset(bytes, 0x77, sizeof(bytes));
		dev_write(&rig, dma, bytes, sizeof(bytes));
		assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
		memset(page, 0xca, PAGE);
		dev_push(&rig.edu, dma, 0, sizeof(bytes));
		assert_true(all(page, 0x77, sizeof(bytes)));
		events_none(&rig);
		assert_int_equal(dmah_flush(rig.dom), 0);
		memset(page, 0xca, PAGE);
		dev_push(&rig.edu, dma, 0, sizeof(bytes));
		assert_true(all(page, 0xca, PAGE));
		(void)events_one(&rig, F_TRANSLATION, rig.sid, true, dma, sizeof(bytes));
	}
	smmu_close(&rig);
}

/* A new mapping at an IOVA goes to the new page, whatever was cached for the old one. */
static void reused_iova(void **state)
{
	struct smmu_rig rig;
	struct dmah h = { 0 };
	dmah_phys_t phys;
	uint8_t *page, byte[4];
	dmah_addr_t seen[16];
	unsigned int again = 0;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	page = smmu_page(&rig, 16, 0, &phys);
	for (unsigned int i = 0; i < 16; i++) {
		assert_int_equal(dmah_map(&rig.dev, &h, phys + i * PAGE, PAGE, DMAH_FROM_DEVICE, 0),
				 0);
		seen[i] = dmah_addr(&h);
		for (unsigned int k = 0; k < i; k++)
			again += seen[k] == seen[i];
		memset(byte, (int)(i + 1), 4);
		dev_write(&rig, dmah_addr(&h), byte, 4);
		assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	}
	for (unsigned int i = 0; i < 16; i++)
		assert_true(all(page + i * PAGE, (uint8_t)(i + 1), 4));
	assert_int_not_equal(again, 0);
	smmu_close(&rig);
}

/* ---- rings, vectors, batches ---- */

#define SLOTS 32u

/* Every slot's translation is cached; a pop takes away those of what it popped, and no other's. */
static void ring_ranges(struct smmu_rig *rig, unsigned int pop, uint64_t least, uint64_t most)
{
	struct dmah_ring_config config = { .entries = SLOTS,
					   .entry_size = PAGE,
					   .dir = DMAH_FROM_DEVICE };
	size_t size = dmah_ring_memory(&config);
	void *memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
	struct dmah_ring *ring;
	dmah_addr_t dma[SLOTS];
	dmah_phys_t phys;
	uint8_t *page = smmu_page(rig, SLOTS, 0, &phys), byte[4];
	uint64_t before;

	assert_int_equal(dmah_ring_init(&ring, &rig->dev, &config, memory, size), 0);
	memset(byte, 0x33, 4);
	dev_load(rig, byte, 4);
	for (unsigned int i = 0; i < SLOTS; i++) {
		assert_int_equal(dmah_ring_push(ring, phys + i * PAGE, PAGE, &dma[i]), 0);
		dev_push(&rig->edu, dma[i], 0, 4);
		assert_true(all(page + i * PAGE, 0x33, 4));
	}
	before = rig->smmu.commands;
	assert_int_equal(dmah_ring_pop(ring, pop), 0);
	assert_in_range(rig->smmu.commands - before, least, most);
	memset(page, 0xca, SLOTS * PAGE);
	for (unsigned int i = 0; i < SLOTS; i++) {
		dev_push(&rig->edu, dma[i], 0, 4);
		assert_true(all(page + i * PAGE, i < pop ? 0xca : 0x33, 4));
		if (i < pop)
			(void)events_one(rig, F_TRANSLATION, rig->sid, true, dma[i], 4);
	}
	events_none(rig);
	assert_int_equal(dmah_ring_pop(ring, SLOTS - pop), 0);
	assert_int_equal(dmah_ring_fini(ring), 0);
	free(memory);
}

static void ring_by_range(void **state)
{
	struct smmu_rig rig;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	ring_ranges(&rig, 1, 1, 1);
	ring_ranges(&rig, 16, 1, 2);
	ring_ranges(&rig, 31, 1, 2);
	smmu_close(&rig);
}

/* The hardware has no ranges (IDR3.RIL): one command for each page, or one for all. */
static void ring_one_by_one(void **state)
{
	struct smmu_rig rig;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT, .idr3_clear = 1u << 10 });
	ring_ranges(&rig, 1, 1, 1);
	ring_ranges(&rig, 8, 8, 16);
	ring_ranges(&rig, 32, 1, 17);
	smmu_close(&rig);
}

/* 2 MiB blocks: every page of one, and beyond its end. */
static void large(void **state)
{
	struct smmu_rig rig;
	struct dmah h = { 0 };
	dmah_phys_t phys;
	uint32_t len = 4u << 20;
	uint8_t *p, bytes[8];
	dmah_addr_t dma;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	phys = qemu_take(rig.q, len, 2u << 20);
	p = qemu_ram(rig.q, phys, len);
	assert_int_equal(dmah_map(&rig.dev, &h, phys, len, DMAH_FROM_DEVICE, 0), 0);
	dma = dmah_addr(&h);
	for (uint32_t at = 0; at < len; at += 37 * PAGE) {
		memset(bytes, (int)(at >> 12 | 1), 8);
		dev_write(&rig, dma + at + at % PAGE, bytes, 8);
		assert_memory_equal(p + at + at % PAGE, bytes, 8);
	}
	dev_write(&rig, dma + len, bytes, 8);
	(void)events_one(&rig, F_TRANSLATION, rig.sid, true, dma + len, 8);
	assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	memset(p, 0xca, len);
	for (uint32_t at = 0; at < len; at += 37 * PAGE) {
		dev_push(&rig.edu, dma + at, 0, 8);
		(void)events_one(&rig, F_TRANSLATION, rig.sid, true, dma + at, 8);
	}
	assert_true(all(p, 0xca, len));
	smmu_close(&rig);
}

/* A block of 1 GiB, where memory begins: RAM is large enough for it, and most of that is never touched. */
static void large_1g(void **state)
{
	uint32_t len = 1u << 30;
	dmah_phys_t base = 0x40000000;
	struct dmah_pt_info pt;
	const uint64_t *table;
	struct smmu_rig rig;
	struct dmah h = { 0 };
	uint8_t bytes[8];
	dmah_addr_t dma;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .ram = 2u << 30, .aperture_size = 4ull << 30 });
	assert_int_equal(dmah_map(&rig.dev, &h, base, len, DMAH_FROM_DEVICE, 0), 0);
	dma = dmah_addr(&h);
	assert_int_equal(dmah_domain_pt(rig.dom, &pt), 0);
	assert_int_equal(pt.levels, 3);
	table = qemu_ram(rig.q, pt.root, PAGE);
	/* Valid, and no table. */
	assert_int_equal(table[dma >> 30] & 3, 1);
	memset(bytes, 0x3d, 8);
	for (uint32_t off = 64u << 20; off < len; off += 0x7ff7000) {
		dev_write(&rig, dma + off, bytes, 8);
		assert_memory_equal(qemu_ram(rig.q, base + off, 8), bytes, 8);
	}
	assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	for (uint32_t off = 64u << 20; off < len; off += 0x7ff7000) {
		memset(qemu_ram(rig.q, base + off, 8), 0xca, 8);
		dev_push(&rig.edu, dma + off, 0, 8);
		(void)events_one(&rig, F_TRANSLATION, rig.sid, true, dma + off, 8);
		assert_true(all(qemu_ram(rig.q, base + off, 8), 0xca, 8));
	}
	smmu_close(&rig);
}

static void vector(void **state)
{
	struct dmah part[3] = { { 0 } };
	struct dmah_dma_seg dma[3];
	struct dmah_vec v = { .part = part, .seg = dma, .max = 3 };
	struct dmah_seg seg[3];
	struct smmu_rig rig;
	dmah_phys_t phys;
	uint8_t *page, bytes[PAGE];
	uint32_t at = 0;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	page = smmu_page(&rig, 6, 0x44, &phys);
	seg[0] = (struct dmah_seg){ phys + 100, PAGE - 100 };
	seg[1] = (struct dmah_seg){ phys + 3 * PAGE, PAGE };
	seg[2] = (struct dmah_seg){ phys + 5 * PAGE, 50 };
	assert_int_equal(dmah_map_vec(&rig.dev, &v, seg, 3, DMAH_FROM_DEVICE, 0), 0);
	for (uint32_t i = 0; i < v.nseg; i++)
		for (uint32_t done = 0; done < v.seg[i].len; done += 1000) {
			uint32_t n = v.seg[i].len - done < 1000 ? v.seg[i].len - done : 1000;

			memset(bytes, 0x99, n);
			dev_write(&rig, v.seg[i].dma + done, bytes, n);
			at += n;
		}
	assert_int_equal(at, 2 * PAGE - 50);
	assert_int_equal(dmah_unmap_vec(&rig.dev, &v), 0);
	assert_true(all(page, 0x44, 100) && all(page + 100, 0x99, PAGE - 100));
	assert_true(all(page + PAGE, 0x44, 2 * PAGE) && all(page + 3 * PAGE, 0x99, PAGE));
	assert_true(all(page + 4 * PAGE, 0x44, PAGE) && all(page + 5 * PAGE, 0x99, 50));
	assert_true(all(page + 5 * PAGE + 50, 0x44, PAGE - 50));
	smmu_close(&rig);
}

static void batch(void **state)
{
	struct dmah h[8] = { { 0 } }, room[8] = { { 0 } }, *list[8];
	struct dmah_batch b = { .h = room, .max = 8 };
	struct smmu_rig rig;
	dmah_phys_t phys;
	dmah_addr_t dma[8];
	uint8_t *page, byte[4];

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	page = smmu_page(&rig, 8, 0, &phys);
	memset(byte, 0x21, 4);
	dev_load(&rig, byte, 4);
	for (unsigned int i = 0; i < 8; i++) {
		list[i] = &h[i];
		assert_int_equal(
			dmah_map(&rig.dev, &h[i], phys + i * PAGE, PAGE, DMAH_FROM_DEVICE, 0), 0);
		dma[i] = dmah_addr(&h[i]);
		dev_push(&rig.edu, dma[i], 0, 4);
	}
	assert_int_equal(dmah_unmap_start(&rig.dev, &b, list, 8), 0);
	assert_int_equal(dmah_unmap_finish(&rig.dev, &b), 0);
	memset(page, 0xca, 8 * PAGE);
	for (unsigned int i = 0; i < 8; i++) {
		dev_push(&rig.edu, dma[i], 0, 4);
		(void)events_one(&rig, F_TRANSLATION, rig.sid, true, dma[i], 4);
	}
	assert_true(all(page, 0xca, 8 * PAGE));
	smmu_close(&rig);
}

/* ---- untrusted devices ---- */

/* Of the granules that it shares with others, the device sees nothing but its buffer, and changes nothing else. */
static void untrusted_edges(void **state)
{
	static const uint32_t at[] = { 100, 0, PAGE - 10, 3000 }, len[] = { 200, 10, 20, 3000 };
	struct smmu_rig rig;
	dmah_phys_t phys;
	uint8_t *page, bytes[PAGE], got[PAGE];

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .flags = DMAH_DEV_UNTRUSTED, .pool = true });
	page = smmu_page(&rig, 3, 0, &phys);
	for (unsigned int i = 0; i < 4; i++) {
		uint32_t before = (at[i] & (PAGE - 1)) < 64 ? at[i] & (PAGE - 1) : 64;
		struct dmah h = { 0 };

		memset(page, 0x5e, 3 * PAGE);
		pattern(page + at[i], len[i], i);
		assert_int_equal(
			dmah_map(&rig.dev, &h, phys + at[i], len[i], DMAH_BIDIRECTIONAL, 0), 0);
		dev_read(&rig, dmah_addr(&h), got, len[i]);
		assert_memory_equal(got, page + at[i], len[i]);
		dev_read(&rig, dmah_addr(&h) - before, got, before + 8);
		assert_true(all(got, 0, before));
		dev_read(&rig, dmah_addr(&h) + len[i], got, 16);
		assert_true(all(got, 0, 16));
		/* It writes beyond both ends. */
		memset(bytes, 0xbd, sizeof(bytes));
		dev_write(&rig, dmah_addr(&h) - before, bytes, before + len[i] + 16);
		assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
		assert_true(all(page, 0x5e, at[i]));
		assert_true(all(page + at[i], 0xbd, len[i]));
		assert_true(all(page + at[i] + len[i], 0x5e, 3 * PAGE - at[i] - len[i]));
	}
	smmu_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions), cmocka_unit_test(read_only),
		cmocka_unit_test(stale_strict),	   cmocka_unit_test(stale_lazy),
		cmocka_unit_test(reused_iova),	   cmocka_unit_test(ring_by_range),
		cmocka_unit_test(ring_one_by_one), cmocka_unit_test(large),
		cmocka_unit_test(large_1g),	   cmocka_unit_test(vector),
		cmocka_unit_test(batch),	   cmocka_unit_test(untrusted_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
