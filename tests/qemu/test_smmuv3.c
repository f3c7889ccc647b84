/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The library's promises, on QEMU's SMMUv3: what the device reaches, what it does not, and when. */
#include "smmu.h"

#include "posix.h"

#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define F_TRANSLATION 0x10u
#define F_PERMISSION  0x13u

/* @usual, or as many as DMAH_QEMU_OPS says. */
static unsigned int how_many(unsigned int usual)
{
	const char *more = getenv("DMAH_QEMU_OPS");

	return more ? (unsigned int)strtoul(more, NULL, 0) : usual;
}

static void pattern(uint8_t *p, uint32_t len, uint32_t seed)
{
	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + seed * 31 + 1);
}

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

/* What is mapped again at an IOVA goes to the new page, whatever was cached for the old one. */
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
					   .slot = PAGE,
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

/* ---- binding ---- */

static void passthrough_and_block(void **state)
{
	struct smmu_rig rig;
	dmah_phys_t phys;
	uint8_t *page, bytes[64], got[64];

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	page = smmu_page(&rig, 1, 0xca, &phys);
	memset(bytes, 0x66, sizeof(bytes));
	/* Translated: a physical address is no IOVA. */
	dev_write(&rig, phys, bytes, sizeof(bytes));
	assert_true(all(page, 0xca, PAGE));
	(void)events_one(&rig, F_TRANSLATION, rig.sid, true, phys, sizeof(bytes));
	assert_int_equal(dmah_unmap(&rig.dev, &rig.staged), 0);
	for (unsigned int i = 0; i < 3; i++) {
		memset(page, 0xca, PAGE);
		assert_int_equal(dmah_set_mode(rig.dom, DMAH_PASSTHROUGH), 0);
		dev_push(&rig.edu, phys, 0, sizeof(bytes));
		assert_true(all(page, 0x66, sizeof(bytes)));
		events_none(&rig);
		memset(page, 0xca, PAGE);
		assert_int_equal(dmah_set_mode(rig.dom, DMAH_STRICT), 0);
		dev_push(&rig.edu, phys, 0, sizeof(bytes));
		assert_true(all(page, 0xca, PAGE));
		(void)events_one(&rig, F_TRANSLATION, rig.sid, true, phys, sizeof(bytes));
	}
	assert_int_equal(dmah_map(&rig.dev, &rig.staged, rig.staging, PAGE, DMAH_BIDIRECTIONAL, 0),
			 0);
	dev_read(&rig, dmah_addr(&rig.staged), got, sizeof(got));
	assert_int_equal(dmah_unmap(&rig.dev, &rig.staged), 0);
	/* Detached: neither by physical address nor by IOVA. That a stream aborts is no event. */
	assert_int_equal(dmah_detach(&rig.dev), 0);
	dev_push(&rig.edu, phys, 0, sizeof(bytes));
	assert_true(all(page, 0xca, PAGE));
	events_none(&rig);
	assert_int_equal(smmu_attach(&rig, &rig.dev, rig.sid), 0);
	smmu_close(&rig);
}

/* A device that is killed reaches nothing at once, though its mappings are still there. */
static void killed(void **state)
{
	struct smmu_rig rig;
	struct dmah h = { 0 };
	dmah_phys_t phys;
	uint8_t *page, bytes[16];

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	page = smmu_page(&rig, 1, 0, &phys);
	assert_int_equal(dmah_map(&rig.dev, &h, phys, PAGE, DMAH_FROM_DEVICE, 0), 0);
	memset(bytes, 0x12, sizeof(bytes));
	dev_write(&rig, dmah_addr(&h), bytes, sizeof(bytes));
	assert_true(all(page, 0x12, sizeof(bytes)));
	assert_int_equal(dmah_kill(&rig.dev), 0);
	memset(page, 0xca, PAGE);
	dev_push(&rig.edu, dmah_addr(&h), 0, sizeof(bytes));
	assert_true(all(page, 0xca, PAGE));
	assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	smmu_close(&rig);
}

/* A tag, and with it an ASID, that a domain had before: its translations are not the next one's. */
static void tag_reused(void **state)
{
	struct smmu_rig rig;
	dmah_phys_t phys, other;
	uint8_t *page, *page2, byte[4];
	struct dmah h = { 0 };
	dmah_addr_t dma;
	struct dmah_domain_config config = { .va_bits = 48, .aperture_size = 4u << 20 };

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_LAZY, .smmu = { .tags = 1 } });
	page = smmu_page(&rig, 1, 0, &phys);
	page2 = smmu_page(&rig, 1, 0, &other);
	assert_int_equal(dmah_map(&rig.dev, &h, phys, PAGE, DMAH_FROM_DEVICE, 0), 0);
	dma = dmah_addr(&h);
	memset(byte, 0x41, 4);
	dev_write(&rig, dma, byte, 4);
	assert_true(all(page, 0x41, 4));
	assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	assert_int_equal(dmah_unmap(&rig.dev, &rig.staged), 0);
	assert_int_equal(dmah_detach(&rig.dev), 0);
	assert_int_equal(dmah_domain_fini(rig.dom), 0);
	config.aperture_base = dma & ~((2ull << 20) - 1);
	free(rig.dom_memory);
	rig.dom = smmu_domain(&rig, &config, &rig.dom_memory);
	assert_int_equal(smmu_attach(&rig, &rig.dev, rig.sid), 0);
	memset(page, 0xca, PAGE);
	dev_push(&rig.edu, dma, 0, 4);
	(void)events_one(&rig, F_TRANSLATION, rig.sid, true, dma, 4);
	assert_int_equal(dmah_map(&rig.dev, &h, other, PAGE, DMAH_FROM_DEVICE, 0), 0);
	dev_push(&rig.edu, dmah_addr(&h), 0, 4);
	assert_true(all(page2, 0x41, 4));
	assert_true(all(page, 0xca, PAGE));
	assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	smmu_close(&rig);
}

/* Two domains use the same IOVAs for different pages, and the ASID keeps them apart; also where only one unmaps. */
static void two_domains(void **state)
{
	struct dmah_domain_config config = { .aperture_base = 1ull << 32,
					     .aperture_size = 64u << 20 };
	struct dmah h[2] = { { 0 } };
	struct dmah_device dev;
	struct dmah_domain *dom;
	struct smmu_rig rig;
	struct qemu_pci pci;
	struct edu edu;
	dmah_phys_t phys;
	uint8_t *page, byte[4];
	void *memory;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	assert_true(qemu_pci_find(rig.q, 0x1234, 0x11e8, 1, &pci));
	smmu_edu(&rig, &edu, pci.id, 0);
	dom = smmu_domain(&rig, &config, &memory);
	assert_int_equal(smmu_attach_to(&rig, dom, &dev, pci.id), 0);
	page = smmu_page(&rig, 2, 0, &phys);
	/* The other domain has a mapping already: its page is the first one's here. */
	assert_int_equal(dmah_map(&dev, &h[1], phys, PAGE, DMAH_BIDIRECTIONAL, 0), 0);
	assert_true(dmah_addr(&h[1]) == dmah_addr(&rig.staged));
	memset(byte, 0x61, 4);
	dev_load(&rig, byte, 4);
	memset(page, 0x62, PAGE);
	dev_pull(&edu, dmah_addr(&h[1]), 0, 4);
	assert_int_equal(dmah_map(&rig.dev, &h[0], phys + PAGE, PAGE, DMAH_FROM_DEVICE, 0), 0);
	dev_push(&rig.edu, dmah_addr(&h[0]), 0, 4);
	assert_true(all(page + PAGE, 0x61, 4));
	assert_int_equal(dmah_unmap(&dev, &h[1]), 0);
	dev_push(&edu, dmah_addr(&rig.staged), 0, 4);
	(void)events_one(&rig, F_TRANSLATION, pci.id, true, dmah_addr(&rig.staged), 4);
	dev_write(&rig, dmah_addr(&h[0]) + 8, byte, 4);
	assert_true(all(page + PAGE + 8, 0x61, 4));
	assert_int_equal(dmah_unmap(&rig.dev, &h[0]), 0);
	assert_int_equal(dmah_detach(&dev), 0);
	assert_int_equal(dmah_domain_fini(dom), 0);
	free(memory);
	smmu_close(&rig);
}

/* The widest IOVAs that there are: four levels, at the upper end. */
static void wide(void **state)
{
	struct dmah h = { 0 };
	struct smmu_rig rig;
	dmah_phys_t phys;
	uint8_t *page, byte[4];

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .aperture_base = (1ull << 48) - (64u << 20) });
	page = smmu_page(&rig, 1, 0, &phys);
	assert_int_equal(dmah_map(&rig.dev, &h, phys, PAGE, DMAH_FROM_DEVICE, 0), 0);
	assert_true(dmah_addr(&h) >> 47 == 1);
	memset(byte, 0x61, 4);
	dev_write(&rig, dmah_addr(&h), byte, 4);
	assert_true(all(page, 0x61, 4));
	/* The same without the upper bits is another address, and so is one beyond. */
	dev_push(&rig.edu, dmah_addr(&h) & ((1ull << 39) - 1), 0, 4);
	(void)events_one(&rig, F_TRANSLATION, rig.sid, true, dmah_addr(&h) & ((1ull << 39) - 1), 4);
	assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	smmu_close(&rig);
}

/* ---- stream ids ---- */

#define NO_STREAM 0x02u

/* Two devices far apart: the second-level tables between them are not there. */
static void sparse_streams(void **state)
{
	struct smmu_rig rig;
	struct dmah_device dev;
	struct dmah h = { 0 }, first = { 0 };
	struct edu edu;
	dmah_phys_t phys;
	uint8_t *page, byte[4];

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	smmu_edu(&rig, &edu, SMMU_FAR_SID, SMMU_FAR_BAR);
	page = smmu_page(&rig, 2, 0xca, &phys);
	/* Not bound: it reaches nothing, and its stream id, of which the table has no part, is recorded. */
	dev_push(&edu, phys, 0, 4);
	assert_true(all(page, 0xca, PAGE));
	(void)events_one(&rig, NO_STREAM, SMMU_FAR_SID, true, 0, 1);
	assert_int_equal(smmu_attach(&rig, &dev, SMMU_FAR_SID), 0);
	assert_int_equal(dmah_map(&dev, &h, phys, PAGE, DMAH_BIDIRECTIONAL, 0), 0);
	assert_int_equal(dmah_map(&rig.dev, &first, phys + PAGE, PAGE, DMAH_BIDIRECTIONAL, 0), 0);
	memset(byte, 0x19, 4);
	dev_write(&rig, dmah_addr(&first), byte, 4);
	dev_pull(&edu, dmah_addr(&first), 8, 4);
	dev_push(&edu, dmah_addr(&h), 8, 4);
	assert_true(all(page, 0x19, 4));
	assert_int_equal(dmah_unmap(&dev, &h), 0);
	assert_int_equal(dmah_detach(&dev), 0);
	/* The other one is as it was. */
	memset(byte, 0x20, 4);
	dev_write(&rig, dmah_addr(&first), byte, 4);
	assert_true(all(page + PAGE, 0x20, 4));
	assert_int_equal(dmah_unmap(&rig.dev, &first), 0);
	/* A second device's table is new, and one out of range is none. */
	assert_int_equal(smmu_attach(&rig, &dev, 0xffff), 0);
	assert_int_equal(dmah_detach(&dev), 0);
	assert_int_equal(smmu_attach(&rig, &dev, 0x10000), DMAH_ENOTSUP);
	smmu_close(&rig);
}

static void linear_table(void **state)
{
	struct smmu_rig rig;
	struct dmah_device dev;
	struct dmah h = { 0 };
	dmah_phys_t phys;
	uint8_t *page, byte[4];

	(void)state;
	/* The reset before does not undo QEMU's two levels, but the machine's end does. */
	qemu_stop_all();
	smmu_open(&rig, &(struct smmu_config){ .smmu = { .linear = true, .sid_bits = 8 } });
	page = smmu_page(&rig, 1, 0xca, &phys);
	assert_int_equal(dmah_map(&rig.dev, &h, phys, PAGE, DMAH_BIDIRECTIONAL, 0), 0);
	memset(byte, 0x19, 4);
	dev_write(&rig, dmah_addr(&h), byte, 4);
	assert_true(all(page, 0x19, 4));
	assert_int_equal(smmu_attach(&rig, &dev, 0xff), 0);
	assert_int_equal(dmah_detach(&dev), 0);
	assert_int_equal(smmu_attach(&rig, &dev, 0x100), DMAH_ENOTSUP);
	assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	dev_push(&rig.edu, phys, 0, 4);
	(void)events_one(&rig, F_TRANSLATION, rig.sid, true, phys, 4);
	smmu_close(&rig);
}

/* ---- MSIs ---- */

/* An MSI is a write to the doorbell, which every domain maps; the page plays that part here. */
static void doorbell(void **state)
{
	struct dmah_reserved range;
	struct dmah_pt_info pt;
	struct smmu_rig rig;
	const uint64_t *table;
	uint32_t *page;
	unsigned int cap;
	dmah_phys_t phys = 0x40100000;

	(void)state;
	range = dmah_smmuv3_doorbell(phys + 0x40);
	assert_int_equal(range.base, phys);
	smmu_open(&rig, &(struct smmu_config){ .smmu = { .reserved = &range, .nreserved = 1 } });
	page = qemu_ram(rig.q, phys, PAGE);
	cap = qemu_pci_cap(rig.q, (uint16_t)rig.sid, 5);
	assert_int_not_equal(cap, 0);
	qemu_pci_write(rig.q, (uint16_t)rig.sid, cap + 4, 4, (uint32_t)phys + 0x40);
	qemu_pci_write(rig.q, (uint16_t)rig.sid, cap + 8, 4, 0);
	qemu_pci_write(rig.q, (uint16_t)rig.sid, cap + 12, 2, 0xcafe);
	qemu_pci_write(rig.q, (uint16_t)rig.sid, cap + 2, 2, 1);
	dmah_host_write32(rig.edu.regs + 0x60, 1);
	assert_int_equal(page[0x40 / 4], 0xcafe);
	dmah_host_write32(rig.edu.regs + 0x64, 1);
	events_none(&rig);
	/* AttrIndx 1: to the hardware it is a register and not memory. */
	assert_int_equal(dmah_domain_pt(rig.dom, &pt), 0);
	table = qemu_ram(rig.q, pt.root, PAGE);
	for (unsigned int shift = 12 + 9 * (pt.levels - 1); shift > 12; shift -= 9)
		table = qemu_ram(rig.q, table[phys >> shift & 511] & 0xfffffffff000, PAGE);
	assert_int_equal(table[phys >> 12 & 511] >> 2 & 7, 1);
	assert_true((table[phys >> 12 & 511] & 0xfffffffff000) == phys);
	smmu_close(&rig);
}

/* ---- random programs ---- */

#define CELLS 24u
#define CELL  (3u * PAGE)

struct cell {
	struct dmah h;
	dmah_phys_t home;
	uint8_t *mem;
	uint8_t want[CELL];
	uint32_t at;
	uint32_t len;
	enum dmah_dir dir;
	dmah_addr_t stale;
};

static uint32_t rnd(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33) % below;
}

static void cell_map(struct smmu_rig *rig, struct cell *c, uint64_t *r)
{
	c->at = rnd(r, CELL - 1);
	c->len = 1 + rnd(r, CELL - c->at);
	c->dir = (enum dmah_dir)(1 + rnd(r, 3));
	assert_int_equal(dmah_map(&rig->dev, &c->h, c->home + c->at, c->len, c->dir, 0), 0);
}

static void cell_dma(struct smmu_rig *rig, struct cell *c, uint64_t *r)
{
	uint32_t off = rnd(r, c->len), most = c->len - off < 600 ? c->len - off : 600;
	uint32_t n = 1 + rnd(r, most);
	uint8_t bytes[600];

	if (c->dir != DMAH_FROM_DEVICE && rnd(r, 2)) {
		dev_read(rig, dmah_addr(&c->h) + off, bytes, n);
		assert_memory_equal(bytes, c->want + c->at + off, n);
		return;
	}
	pattern(bytes, n, rnd(r, 256));
	dev_write(rig, dmah_addr(&c->h) + off, bytes, n);
	if (c->dir == DMAH_TO_DEVICE)
		(void)events_one(rig, F_PERMISSION, rig->sid, true, dmah_addr(&c->h) + off, n);
	else
		memcpy(c->want + c->at + off, bytes, n);
}

static void cell_unmap(struct smmu_rig *rig, struct cell *c)
{
	c->stale = dmah_addr(&c->h);
	assert_int_equal(dmah_unmap(&rig->dev, &c->h), 0);
	assert_memory_equal(c->mem, c->want, CELL);
}

/* Where a mapping has ended and nothing else is mapped since. */
static void cell_stale(struct smmu_rig *rig, struct cell *cells, struct cell *c)
{
	for (unsigned int i = 0; i < CELLS; i++)
		if (dmah_mapped(&cells[i].h) &&
		    (dmah_addr(&cells[i].h) - (c->stale & ~(dmah_addr_t)(PAGE - 1)) < PAGE ||
		     c->stale - (dmah_addr(&cells[i].h) & ~(dmah_addr_t)(PAGE - 1)) <
			     dmah_length(&cells[i].h) + PAGE))
			return;
	if (!c->stale || c->stale >> 12 == dmah_addr(&rig->staged) >> 12)
		return;
	dev_push(&rig->edu, c->stale, 0, 1);
	(void)events_one(rig, F_TRANSLATION, rig->sid, true, c->stale, 1);
}

static void random_program(const struct smmu_config *config, uint64_t seed)
{
	struct cell *cells = calloc(CELLS, sizeof(*cells));
	unsigned int steps = how_many(1000);
	uint64_t r = seed;
	struct smmu_rig rig;

	smmu_open(&rig, config);
	for (unsigned int i = 0; i < CELLS; i++) {
		cells[i].mem = smmu_page(&rig, CELL / PAGE, 0, &cells[i].home);
		pattern(cells[i].mem, CELL, i);
		memcpy(cells[i].want, cells[i].mem, CELL);
	}
	for (unsigned int step = 0; step < steps; step++) {
		struct cell *c = &cells[rnd(&r, CELLS)];

		if (!dmah_mapped(&c->h) && config->mode == DMAH_STRICT && !rnd(&r, 3))
			cell_stale(&rig, cells, c);
		else if (!dmah_mapped(&c->h))
			cell_map(&rig, c, &r);
		else if (rnd(&r, 3))
			cell_dma(&rig, c, &r);
		else
			cell_unmap(&rig, c);
	}
	for (unsigned int i = 0; i < CELLS; i++)
		if (dmah_mapped(&cells[i].h))
			cell_unmap(&rig, &cells[i]);
	smmu_close(&rig);
	free(cells);
}

static void random_strict(void **state)
{
	(void)state;
	random_program(&(struct smmu_config){ .mode = DMAH_STRICT, .smmu = { .evtq_log2 = 10 } },
		       1);
}

static void random_lazy(void **state)
{
	(void)state;
	random_program(&(struct smmu_config){ .mode = DMAH_LAZY, .smmu = { .evtq_log2 = 10 } }, 2);
}

/* ---- several CPUs ---- */

#define CPUS  4u
#define TURNS 200u

struct worker {
	struct smmu_rig *rig;
	unsigned int cpu;
	dmah_phys_t phys;
	unsigned int failed;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	posix_set_cpu(w->cpu);
	for (unsigned int i = 0; i < TURNS; i++) {
		struct dmah h = { 0 };

		w->failed += dmah_map(&w->rig->dev, &h, w->phys, PAGE * (1 + i % 3),
				      DMAH_BIDIRECTIONAL, 0) != 0;
		w->failed += dmah_unmap(&w->rig->dev, &h) != 0;
		if (i % 16 == 0)
			w->failed += dmah_flush(w->rig->dom) != 0;
	}
	return NULL;
}

/* All of them post to a queue that is often full, and wait; nobody's invalidation is lost. */
static void several_cpus(void **state)
{
	struct worker w[CPUS];
	pthread_t thread[CPUS];
	struct smmu_rig rig;
	dmah_phys_t phys;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .cpus = CPUS + 1, .smmu = { .cmdq_log2 = 6 } });
	(void)smmu_page(&rig, 3, 0, &phys);
	for (unsigned int i = 0; i < CPUS; i++) {
		w[i] = (struct worker){ .rig = &rig, .cpu = i + 1, .phys = phys };
		assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
	}
	for (unsigned int i = 0; i < CPUS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(w[i].failed, 0);
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
		cmocka_unit_test(vector),	   cmocka_unit_test(batch),
		cmocka_unit_test(untrusted_edges), cmocka_unit_test(passthrough_and_block),
		cmocka_unit_test(killed),	   cmocka_unit_test(tag_reused),
		cmocka_unit_test(two_domains),	   cmocka_unit_test(wide),
		cmocka_unit_test(sparse_streams),  cmocka_unit_test(linear_table),
		cmocka_unit_test(doorbell),	   cmocka_unit_test(random_strict),
		cmocka_unit_test(random_lazy),	   cmocka_unit_test(several_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
