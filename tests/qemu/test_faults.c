/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Faults that name their mapping, where QEMU's model of Intel's IOMMU is what refuses the device: its records, its device,
 * and what the library tells of them.
 */
#include "rig.h"
#include "reported.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void stray_write(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ .mode = *(enum dmah_mode *)*state });
	dmah_phys_t phys = qemu_take(rig->q, 8192, 4096);
	struct dmah h = { 0 };
	char want[DMAH_FAULT_TEXT];
	struct reported reported;
	dmah_addr_t dma;

	rig_load(rig, 0, 64, 1);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t begun = dmah_host_now(), passed;

		assert_int_equal(dmah_map(&rig->dev[0], &h, phys + i, 2048, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		dma = dmah_addr(&h);
		assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
		assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
		rig_fill(rig, phys, 8192, 6);
		rig_dma(rig, 0, dma, 64, DMAH_FROM_DEVICE);
		assert_true(rig_holds(rig, phys, 8192, 6));
		reported = reported_take(&rig->vtd.iommu);
		passed = dmah_host_now() - begun;
		/* Beyond the first ten a storm is only counted. */
		assert_int_equal(reported.n, i < DMAH_FAULT_BURST);
		if (!reported.n)
			continue;
		assert_ptr_equal(reported.last.dev, &rig->dev[0]);
		assert_ptr_equal(reported.last.owner, &rig->dev[0]);
		assert_int_equal(reported.last.place, DMAH_FAULT_UNMAPPED);
		assert_true(reported.last.phys == phys + i);
		assert_int_equal(reported.last.len, 2048);
		assert_int_equal(reported.last.dir, DMAH_FROM_DEVICE);
		assert_true((uintptr_t)reported.last.caller - (uintptr_t)stray_write < 4096);
		assert_true(reported.last.least <= passed && reported.last.most <= passed + 2048);
		snprintf(want, sizeof(want), "write to 0x%llx by edu0 (00:%02x.%x): unmapped ",
			 (unsigned long long)(dma & ~0xfffull), rig->pci[0].id >> 3,
			 rig->pci[0].id & 7u);
		assert_int_equal(strncmp(reported.text, want, strlen(want)), 0);
		snprintf(want, sizeof(want), "was 0x%llx+2048 mapped by the_test",
			 (unsigned long long)(phys + i));
		assert_non_null(strstr(reported.text, want));
	}
	rig_close(rig);
}

static void wrong_direction(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	dmah_phys_t phys = qemu_take(rig->q, 16384, 4096);
	struct dmah h = { 0 };
	struct reported reported;

	(void)state;
	rig_load(rig, 0, 64, 1);
	assert_int_equal(dmah_map(&rig->dev[0], &h, phys, 16384, DMAH_TO_DEVICE, 0), DMAH_OK);
	rig_dma(rig, 0, dmah_addr(&h) + 8192, 64, DMAH_FROM_DEVICE);
	reported = reported_take(&rig->vtd.iommu);
	assert_int_equal(reported.n, 1);
	assert_int_equal(reported.last.place, DMAH_FAULT_MAPPED);
	assert_true(reported.last.phys == phys);
	assert_int_equal(reported.last.len, 16384);
	assert_non_null(strstr(reported.text, "mapped for reading only, is 0x"));
	assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
	rig_close(rig);
}

/* A device that is in no domain, and one that was killed: the context entry refuses them. */
static void no_domain(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	dmah_phys_t phys = qemu_take(rig->q, 4096, 4096);
	struct dmah h = { 0 };
	struct reported reported;

	(void)state;
	assert_int_equal(dmah_map(&rig->dev[0], &h, phys, 4096, DMAH_FROM_DEVICE, 0), DMAH_OK);
	rig_dma(rig, 1, dmah_addr(&h), 64, DMAH_FROM_DEVICE);
	reported = reported_take(&rig->vtd.iommu);
	assert_int_equal(reported.n, 1);
	assert_null(reported.last.dev);
	assert_int_equal(reported.last.place, DMAH_FAULT_NO_DEVICE);
	assert_int_equal(reported.last.hw.id, rig->pci[1].id);
	assert_non_null(strstr(reported.text, reported.last.hw.reason));
	assert_int_equal(dmah_kill(&rig->dev[0]), DMAH_OK);
	rig_dma(rig, 0, dmah_addr(&h), 64, DMAH_FROM_DEVICE);
	reported = reported_take(&rig->vtd.iommu);
	assert_int_equal(reported.n, 1);
	assert_true(reported.last.killed);
	assert_true(reported.last.phys == phys);
	assert_non_null(strstr(reported.text, "the device was killed"));
	assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
	rig_close(rig);
}

static void ring_slots(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	struct dmah_ring_config config = { .entries = 4,
					   .entry_size = 4096,
					   .dir = DMAH_FROM_DEVICE };
	dmah_phys_t phys = qemu_take(rig->q, 4 * 4096, 4096);
	static _Alignas(64) uint8_t room[4096];
	struct dmah_ring *ring;
	struct reported reported;
	dmah_addr_t dma[4];

	(void)state;
	assert_true(dmah_ring_memory(&config) <= sizeof(room));
	assert_int_equal(dmah_ring_init(&ring, &rig->dev[0], &config, room, sizeof(room)), DMAH_OK);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(dmah_ring_push(ring, phys + i * 4096, 4096, &dma[i]), DMAH_OK);
	assert_int_equal(dmah_ring_pop(ring, 2), DMAH_OK);
	rig_dma(rig, 0, dma[1] + 8, 64, DMAH_FROM_DEVICE);
	reported = reported_take(&rig->vtd.iommu);
	assert_int_equal(reported.n, 1);
	assert_int_equal(reported.last.place, DMAH_FAULT_UNMAPPED);
	assert_true(reported.last.phys == phys + 4096);
	assert_true((uintptr_t)reported.last.caller - (uintptr_t)ring_slots < 4096);
	assert_int_equal(dmah_ring_pop(ring, 2), DMAH_OK);
	assert_int_equal(dmah_ring_fini(ring), DMAH_OK);
	rig_close(rig);
}

int main(void)
{
	static enum dmah_mode strict = DMAH_STRICT, lazy = DMAH_LAZY;
	const struct CMUnitTest tests[] = {
		{ "a stray write, strict", stray_write, NULL, NULL, &strict },
		{ "a stray write, lazy", stray_write, NULL, NULL, &lazy },
		cmocka_unit_test(wrong_direction),
		cmocka_unit_test(no_domain),
		cmocka_unit_test(ring_slots),
	};

	return cmocka_run_group_tests_name("faults, VT-d", tests, NULL, NULL);
}
