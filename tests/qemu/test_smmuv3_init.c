/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The driver of the SMMUv3 begins: what it refuses, and taking over a unit of QEMU's. */
#include "smmu.h"

#include "hw/smmuv3/smmuv3.h"
#include "posix.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define MILLISECOND 1000000u

#define CMDQ_PROD (QEMU_SMMU_REGS + REG_CMDQ_PROD)

/* ---- init ---- */

static int init(struct smmu_rig *rig, const struct dmah_smmuv3_config *config)
{
	struct dmah_smmuv3_config c = { 0 };

	if (config)
		c = *config;
	c.regs = qemu_regs(rig->q, QEMU_SMMU_REGS);
	return dmah_smmuv3_init(&rig->smmu, &c, rig->smmu_memory, dmah_smmuv3_memory(config));
}

static void refused_configurations(void **state)
{
	static const struct dmah_smmuv3_config bad[] = {
		{ .sid_bits = 5 },   { .sid_bits = 25 }, { .tags = 65536 },   { .cmdq_log2 = 5 },
		{ .cmdq_log2 = 16 }, { .evtq_log2 = 3 }, { .evtq_log2 = 16 }, { .nreserved = 1 },
	};
	struct dmah_smmuv3_config c = { 0 };
	struct smmu_rig rig;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .bare = true });
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(dmah_smmuv3_memory(&bad[i]), 0);
		assert_int_equal(init(&rig, &bad[i]), DMAH_EINVAL);
		/* Each call says which field is wrong. */
		assert_true(rig.reports >= 2);
		rig.reports = 0;
	}
	assert_int_not_equal(dmah_smmuv3_memory(NULL), 0);
	c.regs = qemu_regs(rig.q, QEMU_SMMU_REGS);
	assert_int_equal(dmah_smmuv3_init(&rig.smmu, &c, rig.smmu_memory,
					  dmah_smmuv3_memory(NULL) - 1),
			 DMAH_EINVAL);
	assert_int_equal(dmah_smmuv3_init(&rig.smmu, NULL, rig.smmu_memory,
					  dmah_smmuv3_memory(NULL)),
			 DMAH_EINVAL);
	assert_int_equal(rig.reports, 2);
	rig.reports = 0;
	smmu_close(&rig);
}

static void refused_hardware(void **state)
{
	struct smmu_rig rig;

	(void)state;
	/* No 4 KiB granule; big-endian tables; forced stalls. */
	smmu_open(&rig, &(struct smmu_config){ .bare = true, .idr5_clear = 1u << 4 });
	assert_int_equal(init(&rig, NULL), DMAH_ENOTSUP);
	rig.config = (struct smmu_config){ .bare = true, .idr0_set = 3u << 21 };
	assert_int_equal(init(&rig, NULL), DMAH_ENOTSUP);
	assert_int_equal(rig.reports, 2);
	rig.reports = 0;
	rig.config = (struct smmu_config){ .bare = true, .idr0_set = 3u << 24 };
	assert_int_equal(init(&rig, NULL), 0);
	assert_int_equal(dmah_smmuv3_fini(&rig.smmu), 0);
	smmu_close(&rig);
}

static void no_memory(void **state)
{
	struct posix_alloc_stats stats;
	struct smmu_rig rig;
	int err = DMAH_ENOMEM;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .bare = true });
	for (unsigned int i = 1; err; i++) {
		posix_fail_alloc(POSIX_FAIL_NTH, i);
		err = init(&rig, NULL);
		posix_fail_alloc(POSIX_FAIL_NEVER, 0);
		assert_true(err == 0 || err == DMAH_ENOMEM);
		assert_true(err == 0 || i < 10);
		posix_alloc_stats(&stats);
		assert_true(err == 0 || !stats.mem);
	}
	assert_int_equal(dmah_smmuv3_fini(&rig.smmu), 0);
	smmu_close(&rig);
}

static void no_answer(void **state)
{
	struct smmu_rig rig;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .bare = true });
	qemu_hold(rig.q, QEMU_SMMU_REGS + REG_CR0);
	assert_int_equal(init(&rig, &(struct dmah_smmuv3_config){ .timeout_ns = MILLISECOND }),
			 DMAH_ETIMEDOUT);
	qemu_release(rig.q);
	/* Commands that nobody takes: it is switched off again. */
	qemu_hold(rig.q, CMDQ_PROD);
	assert_int_equal(init(&rig, &(struct dmah_smmuv3_config){ .timeout_ns = MILLISECOND }),
			 DMAH_ETIMEDOUT);
	qemu_release(rig.q);
	assert_int_equal(qemu_read(rig.q, QEMU_SMMU_REGS + REG_CR0ACK, 4), 0);
	assert_int_equal(rig.reports, 2);
	rig.reports = 0;
	smmu_close(&rig);
}

/* A unit that somebody left running, with tables, queues, an error and cached translations of its own. */
static void taken_over(void **state)
{
	struct dmah_smmuv3_config c = { 0 };
	struct dmah_smmuv3 old;
	struct page p;
	struct smmu_rig rig;
	struct smmuv3_cmd bad = { { 0xff, 0 } };
	void *memory;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	page_map(&rig, &p);
	assert_true(page_reached(&rig, &p));
	assert_int_equal(dmah_smmuv3_post(&rig.smmu, &bad, 1, NULL), 0);
	old = rig.smmu;
	c.regs = qemu_regs(rig.q, QEMU_SMMU_REGS);
	memory = malloc(dmah_smmuv3_memory(&c));
	assert_int_equal(dmah_smmuv3_init(&rig.smmu, &c, memory, dmah_smmuv3_memory(&c)), 0);
	/* Its streams are blocked, whatever was cached of them. */
	memset(p.mem, 0xca, PAGE);
	dev_push(&rig.edu, p.dma, 0, 4);
	assert_true(all(p.mem, 0xca, PAGE));
	(void)events_one(&rig, 0x02, rig.sid, true, 0, 1);
	assert_int_equal(rig.smmu.refused, 0);
	assert_int_equal(dmah_smmuv3_fini(&rig.smmu), 0);
	free(memory);
	/* Back to the first, so that all of it ends in order. */
	dmah_smmuv3_streams_fini(&old);
	dmah_hw_area_free(&old.cmdq);
	dmah_hw_area_free(&old.evtq);
	assert_int_equal(init(&rig, NULL), 0);
	rig.smmu.tags[0] |= 2;
	assert_int_equal(dmah_unmap(&rig.dev, &p.h), 0);
	smmu_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_configurations),
		cmocka_unit_test(refused_hardware),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(no_answer),
		cmocka_unit_test(taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
