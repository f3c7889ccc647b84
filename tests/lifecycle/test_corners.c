/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Corners that a reviewer of the whole found: offsets that go down, lists with gaps, ids that are shared, syncs that name
 * another page, and handles whose words say another kind of mapping.
 */
#include "plain.h"
#include "rig.h"

#define PAGE 4096u

static dmah_phys_t plain_open_at(struct plain *p, enum dmah_backend backend, int64_t offset,
				 uint64_t mask)
{
	struct plain_config config = {
		.domain = { .backend = backend, .offset = offset },
		.limits = { .mask = mask, .flags = DMAH_DEV_COHERENT },
		.pools = 1,
	};

	return plain_open(p, &config);
}

/* The pool's DMA addresses lie beyond the mask: no slot will do, ever. */
static void offset_down(void **state)
{
	static const enum dmah_backend backends[] = { DMAH_BACKEND_DIRECT, DMAH_BACKEND_BOUNCE };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct dmah h = { 0 };
		struct plain p;
		dmah_phys_t at = plain_open_at(&p, backends[i], -0x4000, 0xffffff);

		assert_true(at > 0xffffff + 0x4000);
		assert_int_equal(dmah_map(&p.dev, &h, at, 100, DMAH_FROM_DEVICE, 0), DMAH_ERANGE);
		plain_close(&p);
	}
}

/* One word of a bounced handle says another place, or another kind: refused, and the slot stays. */
static void bounced_handle_changed(void **state)
{
	struct dmah h = { 0 }, bad;
	struct plain p;
	dmah_phys_t at = plain_open_at(&p, DMAH_BACKEND_BOUNCE, 0, ~0ull);

	(void)state;
	assert_int_equal(dmah_map(&p.dev, &h, at, 100, DMAH_FROM_DEVICE, 0), 0);
	bad = h;
	bad.backend <<= 32;
	assert_int_not_equal(dmah_sync_for_cpu(&p.dev, &bad, 0, 100), 0);
	assert_int_not_equal(dmah_unmap(&p.dev, &bad), 0);
	for (unsigned int bit = 0; bit < 32; bit++) {
		bad = h;
		bad.meta ^= 1u << bit;
		/* Bits 2 and 6 say that a sync has something to do, and that unmap leaves the buffer alone. */
		if (bit != 2 && bit != 6)
			assert_int_not_equal(dmah_unmap(&p.dev, &bad), 0);
	}
	assert_int_equal(dmah_unmap(&p.dev, &h), 0);
	plain_close(&p);
}

/* The host gets back what it lent: a changed length or address of coherent memory is refused. */
static void coherent_handle_changed(void **state)
{
	(void)state;
	FOR_EACH_KIND(kind)
	{
		static const struct rig_config config = { 0 };
		struct dmah h = { 0 }, bad;
		struct dmah_device *dev;
		struct rig r;
		void *cpu;

		rig_open(&r, (enum rig_kind)kind, &config);
		dev = rig_attach(&r, false);
		assert_int_equal(dmah_alloc_coherent(dev, &h, 8192, &cpu), 0);
		for (unsigned int bit = 0; bit < 32; bit++) {
			bad = h;
			bad.len ^= 1u << bit;
			assert_int_not_equal(dmah_free_coherent(dev, &bad), 0);
			bad = h;
			bad.phys ^= 1ull << bit;
			assert_int_not_equal(dmah_free_coherent(dev, &bad), 0);
		}
		assert_int_equal(dmah_free_coherent(dev, &h), 0);
		assert_int_equal(dmah_detach(dev), 0);
		rig_close(&r);
	}
}

/* Pieces of 1, 2, 1 and 2 pages between boundaries of 2: every end but the last is followed by more of the list. */
static void lists_with_gaps(void **state)
{
	static const uint32_t pages[] = { 1, 2, 1, 2 };

	(void)state;
	FOR_EACH_KIND(kind)
	{
		static const struct rig_config config = { 0 };
		struct dmah_limits limits;
		struct dmah_device *dev;
		struct dmah_sg sg[4], part[4];
		struct rig r;

		rig_open(&r, (enum rig_kind)kind, &config);
		dev = rig_device(&r, false);
		limits = rig_limits(&r, dev);
		limits.boundary = 2 * PAGE;
		assert_int_equal(dmah_attach(r.dom, dev, &limits), 0);
		for (unsigned int i = 0; i < 4; i++)
			sg[i] = (struct dmah_sg){ .phys = rig_page(&r, 3), .len = pages[i] * PAGE };
		assert_true(dmah_addr_map_sg(dev, sg, 4, DMAH_FROM_DEVICE, 0) > 0);
		for (uint32_t n = 1; n < 4; n++) {
			memcpy(part, sg, sizeof(part));
			assert_int_not_equal(dmah_addr_unmap_sg(dev, part, n, DMAH_FROM_DEVICE, 0),
					     0);
		}
		assert_int_not_equal(dmah_addr_unmap(dev, sg[0].dma, PAGE, DMAH_FROM_DEVICE, 0), 0);
		assert_int_equal(dmah_addr_unmap_sg(dev, sg, 4, DMAH_FROM_DEVICE, 0), 0);
		assert_int_equal(dmah_detach(dev), 0);
		rig_close(&r);
	}
}

/* A sync that names another page, or an identity range, is refused, as the unmap is. */
static void sync_of_another_page(void **state)
{
	(void)state;
	FOR_EACH_KIND(kind)
	{
		static const struct rig_config config = { 0 };
		struct dmah_reserved range = { .identity = true, .dir = DMAH_BIDIRECTIONAL };
		struct dmah_limits limits;
		struct dmah_device *dev;
		dmah_phys_t page, other;
		dmah_addr_t dma;
		struct rig r;

		rig_open(&r, (enum rig_kind)kind, &config);
		dev = rig_device(&r, false);
		limits = rig_limits(&r, dev);
		limits.flags = 0;
		page = rig_page(&r, 1);
		other = rig_page(&r, 1);
		range.base = rig_page(&r, 1);
		range.size = PAGE;
		limits.reserved = &range;
		limits.nreserved = 1;
		assert_int_equal(dmah_attach(r.dom, dev, &limits), 0);
		assert_int_equal(dmah_addr_map(dev, page, PAGE, DMAH_FROM_DEVICE, 0, &dma), 0);
		assert_int_not_equal(
			dmah_page_sync_for_cpu(dev, dma, other, PAGE, DMAH_FROM_DEVICE), 0);
		assert_int_equal(dmah_page_sync_for_cpu(dev, dma, page, PAGE, DMAH_FROM_DEVICE), 0);
		assert_int_not_equal(
			dmah_addr_sync_for_cpu(dev, range.base, PAGE, DMAH_BIDIRECTIONAL), 0);
		assert_int_equal(dmah_page_unmap(dev, dma, page, PAGE, DMAH_FROM_DEVICE, 0), 0);
		assert_int_equal(dmah_detach(dev), 0);
		rig_close(&r);
	}
}

/* Devices with one id must agree on ATS, or the one that stays has a TLB that nobody invalidates. */
static void shared_id_with_ats(void **state)
{
	(void)state;
	FOR_EACH_KIND(kind)
	{
		static const struct rig_config config = { .domain = { .devices = 4 } };
		struct dmah_device *a, b = { .name = "b" };
		struct dmah_limits limits;
		struct rig r;

		rig_open(&r, (enum rig_kind)kind, &config);
		a = rig_attach(&r, true);
		b.iommu = a->iommu;
		b.id = a->id;
		limits = rig_limits(&r, a);
		limits.flags = DMAH_DEV_COHERENT;
		assert_int_equal(dmah_attach(r.dom, &b, &limits), DMAH_EBUSY);
		assert_int_equal(dmah_detach(a), 0);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offset_down),
		cmocka_unit_test(bounced_handle_changed),
		cmocka_unit_test(coherent_handle_changed),
		cmocka_unit_test(lists_with_gaps),
		cmocka_unit_test(sync_of_another_page),
		cmocka_unit_test(shared_id_with_ats),
	};

	return cmocka_run_group_tests_name("corners", tests, NULL, NULL);
}
