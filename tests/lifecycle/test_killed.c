/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A killed device beside another one in its domain: the translations of both are the domain's, so a strict unmap for the
 * killed device ends the other device's accesses as well.
 */
#include "rig.h"

#define PAGE 4096u

/** enum way - how the mapping is made and ended. */
enum way { ONE, SEVERAL, VECTOR, LIST, BATCH, RING, WAYS };

/* One mapping for a device that is killed, used by the other one before and after its unmap. */
static void unmap_after_kill(enum rig_kind kind, enum way way)
{
	static _Alignas(64) unsigned char memory[8192];
	static const struct rig_config config = { .domain = { .devices = 4 } };
	struct dmah_ring_config ring_config = { .entries = 4,
						.entry_size = PAGE,
						.dir = DMAH_FROM_DEVICE };
	struct dmah h = { 0 }, part[1] = { 0 }, room[1] = { 0 }, *one[] = { &h };
	struct dmah_batch b = { .h = room, .max = 1 };
	struct dmah_dma_seg out[1];
	struct dmah_vec v = { .part = part, .seg = out, .max = 1 };
	struct dmah_device *dev, *other;
	struct dmah_ring *ring = NULL;
	struct dmah_seg seg;
	struct dmah_sg sg;
	dmah_phys_t phys;
	dmah_addr_t dma;
	struct rig r;

	rig_open(&r, kind, &config);
	dev = rig_attach(&r, false);
	other = rig_attach(&r, false);
	phys = rig_page(&r, 3);
	seg = (struct dmah_seg){ .phys = phys, .len = PAGE };
	sg = (struct dmah_sg){ .phys = phys, .len = PAGE };
	if (way == RING)
		assert_int_equal(dmah_ring_init(&ring, dev, &ring_config, memory, sizeof(memory)),
				 0);
	switch (way) {
	case VECTOR:
		assert_int_equal(dmah_map_vec(dev, &v, &seg, 1, DMAH_FROM_DEVICE, 0), 0);
		dma = out[0].dma;
		break;
	case LIST:
		assert_int_equal(dmah_addr_map_sg(dev, &sg, 1, DMAH_FROM_DEVICE, 0), 1);
		dma = sg.dma;
		break;
	case RING:
		assert_int_equal(dmah_ring_push(ring, phys, PAGE, &dma), 0);
		break;
	default:
		assert_int_equal(dmah_map(dev, &h, phys, way == SEVERAL ? 3 * PAGE : PAGE,
					  DMAH_FROM_DEVICE, 0),
				 0);
		dma = dmah_addr(&h);
	}
	/* The IOTLB has the translation now. */
	assert_true(rig_writes(&r, other, dma));
	assert_int_equal(dmah_kill(dev), 0);
	assert_true(rig_writes(&r, other, dma));
	switch (way) {
	case VECTOR:
		assert_int_equal(dmah_unmap_vec(dev, &v), 0);
		break;
	case LIST:
		assert_int_equal(dmah_addr_unmap_sg(dev, &sg, 1, DMAH_FROM_DEVICE, 0), 0);
		break;
	case BATCH:
		assert_int_equal(dmah_unmap_start(dev, &b, one, 1), 0);
		assert_int_equal(dmah_unmap_finish(dev, &b), 0);
		break;
	case RING:
		assert_int_equal(dmah_ring_pop(ring, 1), 0);
		break;
	default:
		assert_int_equal(dmah_unmap(dev, &h), 0);
	}
	assert_false(rig_writes(&r, other, dma));
	if (ring)
		assert_int_equal(dmah_ring_fini(ring), 0);
	assert_int_equal(dmah_detach(dev), 0);
	assert_int_equal(dmah_detach(other), 0);
	rig_close(&r);
}

static void beside_another(void **state)
{
	(void)state;
	FOR_EACH_KIND(kind)
	for (unsigned int way = 0; way < WAYS; way++)
		unmap_after_kill((enum rig_kind)kind, (enum way)way);
}

/* The killed device was alone when it unmapped without a wait; a device that comes later must not find its entries. */
static void before_another(void **state)
{
	static const struct rig_config config = { .domain = { .devices = 4 } };

	(void)state;
	FOR_EACH_KIND(kind)
	{
		struct dmah_device *dev, *other;
		struct dmah h = { 0 };
		dmah_addr_t dma;
		struct rig r;

		rig_open(&r, (enum rig_kind)kind, &config);
		dev = rig_attach(&r, false);
		assert_int_equal(dmah_map(dev, &h, rig_page(&r, 1), PAGE, DMAH_FROM_DEVICE, 0), 0);
		dma = dmah_addr(&h);
		assert_true(rig_writes(&r, dev, dma));
		assert_int_equal(dmah_kill(dev), 0);
		assert_int_equal(dmah_unmap(dev, &h), 0);
		other = rig_attach(&r, false);
		assert_false(rig_writes(&r, other, dma));
		assert_int_equal(dmah_detach(dev), 0);
		assert_int_equal(dmah_detach(other), 0);
		rig_close(&r);
	}
}

static struct dmah_device *victim;
static int kill_result;

static void kill_victim(struct rig *r, struct dmah_device *dev, enum dmah_bind how)
{
	struct dmah_device *now = victim;

	(void)r;
	(void)dev;
	(void)how;
	victim = NULL;
	if (now)
		kill_result = dmah_kill(now);
}

static int kill_before(struct rig *r, struct dmah_device *dev, enum dmah_bind how)
{
	kill_victim(r, dev, how);
	return DMAH_OK;
}

/* A device that shares the id is being bound: the kill is not confirmed, and the id is blocked when the setup call returns. */
static void sharer_is_bound(enum rig_kind kind, bool attach, bool before)
{
	static const struct rig_config config = { .domain = { .devices = 4 } };
	struct dmah_device *dev, sharer = { .name = "sharer" };
	struct dmah_limits limits;
	struct dmah h = { 0 };
	struct rig r;

	rig_open(&r, kind, &config);
	dev = rig_attach(&r, false);
	limits = rig_limits(&r, dev);
	sharer.iommu = dev->iommu;
	sharer.id = dev->id;
	if (!attach)
		assert_int_equal(dmah_attach(r.dom, &sharer, &limits), 0);
	assert_int_equal(dmah_map(dev, &h, rig_page(&r, 1), PAGE, DMAH_FROM_DEVICE, 0), 0);
	assert_true(rig_writes(&r, dev, dmah_addr(&h)));
	if (!attach)
		assert_int_equal(dmah_unmap(dev, &h), 0);
	victim = dev;
	kill_result = 1;
	if (before)
		r.on_bind = kill_before;
	else
		r.bound = kill_victim;
	if (attach)
		assert_int_equal(dmah_attach(r.dom, &sharer, &limits), 0);
	else
		assert_int_equal(dmah_set_mode(r.dom, DMAH_PASSTHROUGH), 0);
	r.on_bind = NULL;
	r.bound = NULL;
	assert_int_equal(kill_result, DMAH_EBUSY);
	assert_false(rig_writes(&r, dev, attach ? dmah_addr(&h) : rig_page(&r, 1)));
	assert_int_equal(dmah_kill(dev), 0);
	assert_int_equal(dmah_kill(&sharer), 0);
	if (attach)
		assert_int_equal(dmah_unmap(dev, &h), 0);
	assert_int_equal(dmah_detach(dev), 0);
	assert_int_equal(dmah_detach(&sharer), 0);
	rig_close(&r);
}

static void beside_a_sharers_bind(void **state)
{
	(void)state;
	FOR_EACH_KIND(kind)
	for (unsigned int way = 0; way < 4; way++)
		sharer_is_bound((enum rig_kind)kind, way & 1, way & 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beside_another),
		cmocka_unit_test(before_another),
		cmocka_unit_test(beside_a_sharers_bind),
	};

	return cmocka_run_group_tests_name("killed", tests, NULL, NULL);
}
