/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Faults that name their mapping, from the events of QEMU's SMMUv3. */
#include "smmu.h"
#include "told.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void stray_write(void **state)
{
	struct smmu_rig rig;
	struct dmah h = { 0 };
	struct told told;
	dmah_phys_t phys;
	dmah_addr_t dma;
	uint8_t *page;

	smmu_open(&rig, &(struct smmu_config){ .mode = *(enum dmah_mode *)*state });
	page = smmu_page(&rig, 1, 0x55, &phys);
	assert_int_equal(dmah_map(&rig.dev, &h, phys + 256, 512, DMAH_FROM_DEVICE, 0), DMAH_OK);
	dma = dmah_addr(&h);
	assert_int_equal(dmah_unmap(&rig.dev, &h), DMAH_OK);
	assert_int_equal(dmah_flush(rig.dom), DMAH_OK);
	dev_push(&rig.edu, dma, 0, 4);
	assert_true(all(page, 0x55, PAGE));
	told = told_take(&rig.smmu.iommu);
	assert_int_equal(told.n, 1);
	assert_ptr_equal(told.last.dev, &rig.dev);
	assert_int_equal(told.last.hw.id, rig.sid);
	/* The SMMU records the whole address. */
	assert_true(told.last.hw.addr == dma);
	assert_int_equal(told.last.place, DMAH_FAULT_UNMAPPED);
	assert_true(told.last.phys == phys + 256);
	assert_int_equal(told.last.len, 512);
	assert_true((uintptr_t)told.last.caller - (uintptr_t)stray_write < 4096);
	assert_non_null(strstr(told.text, "(stream 0x"));
	assert_non_null(strstr(told.text, "+512 mapped by the_test"));
	smmu_close(&rig);
}

static void wrong_direction(void **state)
{
	struct smmu_rig rig;
	struct dmah h = { 0 };
	struct told told;
	dmah_phys_t phys;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ 0 });
	(void)smmu_page(&rig, 2, 0x55, &phys);
	assert_int_equal(dmah_map(&rig.dev, &h, phys, 2 * PAGE, DMAH_TO_DEVICE, 0), DMAH_OK);
	dev_push(&rig.edu, dmah_addr(&h) + PAGE, 0, 4);
	told = told_take(&rig.smmu.iommu);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.last.place, DMAH_FAULT_MAPPED);
	assert_true(told.last.phys == phys);
	assert_int_equal(told.last.len, 2 * PAGE);
	assert_true(told.last.hw.write);
	assert_non_null(strstr(told.text, "mapped for reading only"));
	assert_int_equal(dmah_unmap(&rig.dev, &h), DMAH_OK);
	smmu_close(&rig);
}

int main(void)
{
	static enum dmah_mode strict = DMAH_STRICT, lazy = DMAH_LAZY;
	const struct CMUnitTest tests[] = {
		{ "a stray write, strict", stray_write, NULL, NULL, &strict },
		{ "a stray write, lazy", stray_write, NULL, NULL, &lazy },
		cmocka_unit_test(wrong_direction),
	};

	return cmocka_run_group_tests_name("faults, SMMUv3", tests, NULL, NULL);
}
