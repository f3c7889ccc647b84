/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Every way to map a page, look at memory through the device, sync, and unmap. */
#include "beside_ways.h"

#include "rig.h"

#include <dmah/fault.h>

#define PAGE 4096u

/* A map may find the domain on its way to or from passthrough: nothing else may fail. */
static bool made(int err)
{
	assert_true(!err || err == DMAH_EBUSY);
	return !err;
}

/* The device's write arrives in the buffer. */
static void look(struct rig *r, struct dmah_device *dev, dmah_phys_t phys, dmah_addr_t dma)
{
	char byte = 0;

	sim_cpu_set(r->sim, phys, 0, 1);
	assert_true(rig_writes(r, dev, dma));
	sim_cpu_read(r->sim, phys, &byte, 1);
	assert_int_equal(byte, 'x');
}

static void handle(struct rig *r, struct dmah_device *dev, dmah_phys_t phys, uint32_t len,
		   uint32_t attrs)
{
	struct dmah h = { 0 }, moved = { 0 };

	if (!made(dmah_map(dev, &h, phys, len, DMAH_FROM_DEVICE, attrs)))
		return;
	look(r, dev, phys, dmah_addr(&h));
	assert_int_equal(dmah_sync_for_cpu(dev, &h, 0, len), DMAH_OK);
	assert_int_equal(dmah_sync_for_device(dev, &h, 0, len), DMAH_OK);
	assert_int_equal(dmah_move(&moved, &h), DMAH_OK);
	assert_int_equal(dmah_unmap(dev, &moved), DMAH_OK);
}

static void by_bus(struct rig *r, struct dmah_device *dev, dmah_phys_t phys)
{
	struct dmah h = { 0 };

	if (!made(dmah_map_bus(dev, &h, phys, phys, PAGE, DMAH_FROM_DEVICE, 0)))
		return;
	look(r, dev, phys, dmah_addr(&h));
	assert_int_equal(dmah_unmap(dev, &h), DMAH_OK);
}

static void vector(struct rig *r, struct dmah_device *dev, dmah_phys_t phys)
{
	struct dmah part[2] = { 0 };
	struct dmah_dma_seg out[2];
	struct dmah_vec v = { .part = part, .seg = out, .max = 2 };
	struct dmah_seg segs[2] = { { .phys = phys, .len = PAGE },
				    { .phys = phys + 2 * PAGE, .len = PAGE } };

	if (!made(dmah_map_vec(dev, &v, segs, 2, DMAH_FROM_DEVICE, 0)))
		return;
	look(r, dev, phys, out[0].dma);
	assert_int_equal(dmah_vec_sync_for_cpu(dev, &v, 0, 2 * PAGE), DMAH_OK);
	assert_int_equal(dmah_vec_sync_for_device(dev, &v, 0, 2 * PAGE), DMAH_OK);
	assert_int_equal(dmah_unmap_vec(dev, &v), DMAH_OK);
}

static void list(struct rig *r, struct dmah_device *dev, dmah_phys_t phys)
{
	struct dmah_sg sg[2] = { { .phys = phys, .len = PAGE },
				 { .phys = phys + 2 * PAGE, .len = PAGE } };
	int n = dmah_addr_map_sg(dev, sg, 2, DMAH_FROM_DEVICE, 0);

	if (!made(n < 0 ? n : 0))
		return;
	look(r, dev, phys, sg[0].dma);
	assert_int_equal(dmah_addr_sync_sg_for_cpu(dev, sg, 2, DMAH_FROM_DEVICE), DMAH_OK);
	assert_int_equal(dmah_addr_sync_sg_for_device(dev, sg, 2, DMAH_FROM_DEVICE), DMAH_OK);
	assert_int_equal(dmah_addr_unmap_sg(dev, sg, 2, DMAH_FROM_DEVICE, 0), DMAH_OK);
}

static void by_address(struct rig *r, struct dmah_device *dev, dmah_phys_t phys, bool page)
{
	dmah_addr_t dma;

	if (!made(dmah_addr_map(dev, phys, PAGE, DMAH_FROM_DEVICE, 0, &dma)))
		return;
	look(r, dev, phys, dma);
	if (page) {
		assert_int_equal(dmah_page_sync_for_cpu(dev, dma, phys, PAGE, DMAH_FROM_DEVICE),
				 DMAH_OK);
		assert_int_equal(dmah_page_unmap(dev, dma, phys, PAGE, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		return;
	}
	assert_int_equal(dmah_addr_sync_for_cpu(dev, dma, PAGE, DMAH_FROM_DEVICE), DMAH_OK);
	assert_int_equal(dmah_addr_sync_for_device(dev, dma, PAGE, DMAH_FROM_DEVICE), DMAH_OK);
	assert_int_equal(dmah_addr_unmap(dev, dma, PAGE, DMAH_FROM_DEVICE, 0), DMAH_OK);
}

static void batch(struct rig *r, struct dmah_device *dev, dmah_phys_t phys)
{
	struct dmah h[2] = { 0 }, room[2] = { 0 }, *list[] = { &h[0], &h[1] };
	struct dmah_batch b = { .h = room, .max = 2 };

	for (unsigned int i = 0; i < 2; i++)
		if (made(dmah_map(dev, &h[i], phys, PAGE, DMAH_FROM_DEVICE, 0)))
			look(r, dev, phys, dmah_addr(&h[i]));
	assert_int_equal(dmah_unmap_start(dev, &b, list, 2), DMAH_OK);
	assert_int_equal(dmah_unmap_finish(dev, &b), DMAH_OK);
}

static void coherent(struct rig *r, struct dmah_device *dev)
{
	struct dmah h = { 0 };
	void *cpu;

	if (!made(dmah_alloc_coherent(dev, &h, PAGE, &cpu)))
		return;
	assert_true(rig_writes(r, dev, dmah_addr(&h)));
	assert_int_equal(dmah_free_coherent(dev, &h), DMAH_OK);
}

static void ring(struct rig *r, struct dmah_device *dev, dmah_phys_t phys)
{
	static _Alignas(64) unsigned char memory[8192];
	struct dmah_ring_config config = { .entries = 4,
					   .entry_size = PAGE,
					   .dir = DMAH_FROM_DEVICE };
	struct dmah_ring *ring;
	dmah_addr_t dma;

	if (!made(dmah_ring_init(&ring, dev, &config, memory, sizeof(memory))))
		return;
	for (unsigned int i = 0; i < 6; i++) {
		if (!made(dmah_ring_push(ring, phys, PAGE, &dma)))
			continue;
		look(r, dev, phys, dma);
		assert_int_equal(dmah_ring_sync_for_cpu(ring, 0, 0, PAGE), DMAH_OK);
		assert_int_equal(dmah_ring_sync_for_device(ring, 0, 0, PAGE), DMAH_OK);
		assert_int_equal(dmah_ring_pop(ring, 1), DMAH_OK);
	}
	assert_int_equal(dmah_ring_live(ring), 0);
	assert_int_equal(dmah_ring_fini(ring), DMAH_OK);
}

static void explain(struct dmah_device *dev)
{
	struct dmah_iommu_fault hw = { .addr = 0x1000, .has_addr = true };
	struct dmah_stats stats;
	struct dmah_fault fault;
	char text[DMAH_FAULT_TEXT];

	dmah_fault_explain(dev, &hw, &fault);
	assert_true(dmah_fault_text(&fault, NULL, text, sizeof(text)) > 0);
	dmah_device_stats(dev, &stats);
	assert_int_equal(stats.misuse, 0);
	assert_int_equal(dmah_device_live(dev), 0);
}

void beside_way(struct rig *r, struct dmah_device *dev, dmah_phys_t phys, unsigned int way)
{
	switch (way % BESIDE_WAYS) {
	case 0:
		handle(r, dev, phys, PAGE, 0);
		break;
	case 1:
		handle(r, dev, phys, 3 * PAGE, 0);
		break;
	case 2:
		handle(r, dev, phys, PAGE, DMAH_ATTR_NO_CPU_SYNC);
		break;
	case 3:
		by_bus(r, dev, phys);
		break;
	case 4:
		vector(r, dev, phys);
		break;
	case 5:
		list(r, dev, phys);
		break;
	case 6:
		by_address(r, dev, phys, false);
		break;
	case 7:
		by_address(r, dev, phys, true);
		break;
	case 8:
		batch(r, dev, phys);
		break;
	case 9:
		coherent(r, dev);
		break;
	case 10:
		ring(r, dev, phys);
		break;
	default:
		explain(dev);
	}
}
