/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Faults that name their mapping, from the events of QEMU's SMMUv3. */
#include "smmu.h"
#include "reported.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void stray_write(void **state)
{
	struct smmu_rig rig;
	struct dmah h = { 0 };
	struct reported reported;
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
	reported = reported_take(&rig.smmu.iommu);
	assert_int_equal(reported.n, 1);
	assert_ptr_equal(reported.last.dev, &rig.dev);
	assert_int_equal(reported.last.hw.id, rig.sid);
	/* The SMMU records the whole address. */
	assert_true(reported.last.hw.addr == dma);
	assert_int_equal(reported.last.place, DMAH_FAULT_UNMAPPED);
	assert_true(reported.last.phys == phys + 256);
	assert_int_equal(reported.last.len, 512);
	assert_true((uintptr_t)reported.last.caller - (uintptr_t)stray_write < 4096);
	assert_non_null(strstr(reported.text, "(stream 0x"));
	assert_non_null(strstr(reported.text, "+512 mapped by the_test"));
	smmu_close(&rig);
}

static void wrong_direction(void **state)
{
	struct smmu_rig rig;
	struct dmah h = { 0 };
	struct reported reported;
	dmah_phys_t phys;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ 0 });
	(void)smmu_page(&rig, 2, 0x55, &phys);
	assert_int_equal(dmah_map(&rig.dev, &h, phys, 2 * PAGE, DMAH_TO_DEVICE, 0), DMAH_OK);
	dev_push(&rig.edu, dmah_addr(&h) + PAGE, 0, 4);
	reported = reported_take(&rig.smmu.iommu);
	assert_int_equal(reported.n, 1);
	assert_int_equal(reported.last.place, DMAH_FAULT_MAPPED);
	assert_true(reported.last.phys == phys);
	assert_int_equal(reported.last.len, 2 * PAGE);
	assert_true(reported.last.hw.write);
	assert_non_null(strstr(reported.text, "mapped for reading only"));
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
