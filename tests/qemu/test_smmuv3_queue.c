/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The command queue of the SMMUv3: what is in it, and when it is full, slow, or holds what it must not. */
#include "smmu.h"

#include "hw/smmuv3/smmuv3.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define MILLISECOND 1000000u

#define CMDQ_PROD (QEMU_SMMU_REGS + REG_CMDQ_PROD)

/* ---- invalidations ---- */

static void invalidate(struct smmu_rig *rig, dmah_addr_t iova, uint64_t granules, bool tables)
{
	struct dmah_iommu *iommu = &rig->smmu.iommu;
	uint64_t ticket;

	assert_true(iommu->ops->invalidate(iommu, 7, iova, granules * PAGE, tables, &ticket) > 0);
	assert_int_equal(iommu->ops->wait(iommu, ticket), 0);
}

/* The pages that the commands from @pos on name; each once, all of them, and no other. */
static void covers(struct smmu_rig *rig, uint64_t pos, dmah_addr_t iova, uint64_t granules,
		   bool tables)
{
	dmah_addr_t at = iova;

	for (; (smmu_command(rig, pos)[0] & 0xff) == OP_TLBI_NH_VA; pos++) {
		const uint64_t *cmd = smmu_command(rig, pos);
		uint64_t pages = 1;

		assert_true(cmd[0] >> 48 == 7);
		assert_int_equal(cmd[1] & 1, !tables);
		assert_true((cmd[1] & ~0xfffull) == at);
		if (cmd[1] >> 10 & 3) {
			assert_int_equal(cmd[1] >> 10 & 3, 1);
			pages = ((cmd[0] >> 12 & 31) + 1) << (cmd[0] >> 20 & 31);
			/* One page as a range without its level is reserved (section 4.4.1). */
			assert_true(pages > 1);
		}
		at += pages * PAGE;
	}
	assert_int_equal(smmu_command(rig, pos)[0], OP_SYNC);
	assert_true(at == iova + granules * PAGE);
}

static void ranges(void **state)
{
	static const uint64_t granules[] = { 1,	 2,  3,	  16,	 17,	   31,	      32,
					     33, 63, 512, 12345, 1u << 20, 0x7fffffff };
	struct smmu_rig rig;
	uint64_t pos, ticket;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	for (unsigned int i = 0; i < sizeof(granules) / sizeof(granules[0]); i++) {
		pos = rig.smmu.prod;
		invalidate(&rig, 0x7000, granules[i], i & 1);
		covers(&rig, pos, 0x7000, granules[i], i & 1);
		assert_true(rig.smmu.prod - pos <= 8);
	}
	/* All of it, and more than a range can say. */
	for (unsigned int i = 0; i < 2; i++) {
		pos = rig.smmu.prod;
		invalidate(&rig, 0, i ? 1ull << 31 : 0, false);
		assert_true(smmu_command(&rig, pos)[0] == (OP_TLBI_NH_ASID | 7ull << 48));
	}
	/* A range that begins or ends inside a page covers all of that page. */
	pos = rig.smmu.prod;
	assert_int_equal(rig.smmu.iommu.ops->invalidate(&rig.smmu.iommu, 7, 0x7fff, 2, false, NULL),
			 1);
	assert_int_equal(rig.smmu.iommu.ops->fence(&rig.smmu.iommu, &ticket), 0);
	covers(&rig, pos, 0x7000, 2, false);
	smmu_close(&rig);
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT, .idr3_clear = 1u << 10 });
	for (unsigned int n = 1; n <= 16; n++) {
		pos = rig.smmu.prod;
		invalidate(&rig, 0x7000, n, n & 1);
		covers(&rig, pos, 0x7000, n, n & 1);
		assert_int_equal(rig.smmu.prod - pos, n + 1);
	}
	pos = rig.smmu.prod;
	invalidate(&rig, 0x7000, 17, false);
	assert_true(smmu_command(&rig, pos)[0] == (OP_TLBI_NH_ASID | 7ull << 48));
	smmu_close(&rig);
}

/* A mark behind a mark needs no command; one behind something does. */
static void fences(void **state)
{
	struct dmah_iommu *iommu;
	struct smmu_rig rig;
	uint64_t a, b, c, prod;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	iommu = &rig.smmu.iommu;
	assert_int_equal(iommu->ops->invalidate(iommu, 7, 0, PAGE, false, NULL), 1);
	assert_int_equal(iommu->ops->fence(iommu, &a), 0);
	prod = rig.smmu.prod;
	assert_int_equal(iommu->ops->fence(iommu, &b), 0);
	assert_true(rig.smmu.prod == prod && a == b && a == prod);
	assert_int_equal(iommu->ops->invalidate(iommu, 7, 0, PAGE, false, NULL), 1);
	assert_int_equal(iommu->ops->fence(iommu, &c), 0);
	assert_true(c == b + 2);
	/* In any order. */
	assert_int_equal(iommu->ops->wait(iommu, c), 0);
	assert_int_equal(iommu->ops->wait(iommu, a), 0);
	smmu_close(&rig);
}

/* ---- time-outs ---- */

static void timeout(void **state)
{
	struct dmah_stats stats;
	struct page p;
	struct smmu_rig rig;
	uint64_t begun;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .smmu = { .timeout_ns = 20 * MILLISECOND } });
	page_map(&rig, &p);
	qemu_hold(rig.q, CMDQ_PROD);
	begun = dmah_host_now();
	assert_int_equal(dmah_unmap(&rig.dev, &p.h), DMAH_ETIMEDOUT);
	assert_in_range(dmah_host_now() - begun, 20 * MILLISECOND, 20000ull * MILLISECOND);
	assert_false(dmah_mapped(&p.h));
	dmah_device_stats(&rig.dev, &stats);
	assert_int_equal(stats.quarantined, 1);
	/* It did not happen, and the unmap said so. */
	assert_true(page_reached(&rig, &p));
	assert_int_equal(dmah_flush(rig.dom), DMAH_ETIMEDOUT);
	assert_int_equal(rig.reports, 1);
	rig.reports = 0;
	qemu_release(rig.q);
	assert_int_equal(dmah_flush(rig.dom), 0);
	assert_false(page_reached(&rig, &p));
	smmu_close(&rig);
}

/* A queue that nobody empties takes what it has room for; not one command is overwritten. */
static void full_queue(void **state)
{
	struct dmah_iommu *iommu;
	struct smmu_rig rig;
	uint64_t first;
	unsigned int n = 0;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){
				.smmu = { .cmdq_log2 = 6, .timeout_ns = 5 * MILLISECOND } });
	iommu = &rig.smmu.iommu;
	qemu_hold(rig.q, CMDQ_PROD);
	first = rig.smmu.prod;
	while (n < 1000 &&
	       iommu->ops->invalidate(iommu, 7, PAGE * (n + 1ull), PAGE, false, NULL) == 1)
		n++;
	/* Some are kept for the handling of errors. */
	assert_int_equal(n, 64 - 8);
	for (unsigned int i = 0; i < n; i++)
		assert_true((smmu_command(&rig, first + i)[1] & ~0xfffull) == PAGE * (i + 1ull));
	/* It has failed: nobody waits for it again. */
	assert_int_equal(iommu->ops->invalidate(iommu, 7, 0, PAGE, false, NULL), DMAH_ETIMEDOUT);
	assert_int_equal(rig.reports, 1);
	rig.reports = 0;
	qemu_release(rig.q);
	/*
	 * Many times round. Bit 6 of the index tells a full queue of 64 from an empty one (section 3.5.1): it changes
	 * whenever the other bits begin anew.
	 */
	for (n = 0; n < 1000; n++) {
		uint32_t before = (uint32_t)qemu_read(rig.q, CMDQ_PROD, 4), after;

		invalidate(&rig, PAGE, n % 40 + 1, false);
		after = (uint32_t)qemu_read(rig.q, CMDQ_PROD, 4);
		assert_int_equal((before ^ after) >> 6 & 1, (after & 63) < (before & 63));
	}
	smmu_close(&rig);
}

/* ---- command errors ---- */

static uint64_t post(struct smmu_rig *rig, uint64_t first, uint64_t second)
{
	struct smmuv3_cmd cmd = { { first, second } };
	uint64_t ticket;

	assert_int_equal(dmah_smmuv3_post(&rig->smmu, &cmd, 1, &ticket), 0);
	return ticket;
}

/* Nobody knows what the command was: waits for it end without confirmation, and the queue goes on. */
static void illegal_command(void **state)
{
	struct page p[3];
	struct smmu_rig rig;
	uint64_t ticket;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .smmu = { .cmdq_log2 = 6 } });
	for (unsigned int i = 0; i < 3; i++)
		page_map(&rig, &p[i]);
	for (unsigned int i = 0; i < 3; i++) {
		ticket = post(&rig, 0xff, 0);
		assert_int_equal(dmah_smmuv3_wait(&rig.smmu, ticket), DMAH_ETIMEDOUT);
		assert_int_equal(rig.smmu.refused, i + 1);
		assert_int_equal(rig.reports, i + 1);
		assert_int_equal(qemu_read(rig.q, QEMU_SMMU_REGS + REG_GERROR, 4),
				 qemu_read(rig.q, QEMU_SMMU_REGS + REG_GERRORN, 4));
		/* Commands behind it are executed, and confirmed. */
		assert_int_equal(dmah_unmap(&rig.dev, &p[i].h), 0);
		assert_false(page_reached(&rig, &p[i]));
	}
	/* A configuration invalidation with a reserved bit: one of everything takes its place. */
	ticket = post(&rig, OP_CFGI_STE | 1u << 10, 0);
	assert_int_equal(dmah_smmuv3_wait(&rig.smmu, ticket), 0);
	/* The error is handled without a wait, too. */
	(void)post(&rig, 0xfe, 0);
	dmah_smmuv3_errors(&rig.smmu);
	assert_int_equal(rig.smmu.refused, 5);
	dmah_smmuv3_errors(&rig.smmu);
	assert_int_equal(rig.reports, 5);
	rig.reports = 0;
	smmu_close(&rig);
}

/* A TLB invalidation that the hardware does not know is replaced by one that does more. */
static void illegal_invalidation(void **state)
{
	struct page p;
	struct smmu_rig rig;
	struct smmu_config config = { .mode = DMAH_LAZY };

	(void)state;
	smmu_open(&rig, &config);
	page_map(&rig, &p);
	assert_int_equal(dmah_unmap(&rig.dev, &p.h), 0);
	assert_true(page_reached(&rig, &p));
	/* An opcode between those of the TLB's that is reserved. */
	assert_int_equal(dmah_smmuv3_wait(&rig.smmu, post(&rig, 0x17, 0)), 0);
	assert_int_equal(rig.smmu.refused, 1);
	assert_int_equal(rig.reports, 1);
	assert_false(page_reached(&rig, &p));
	rig.reports = 0;
	smmu_close(&rig);
}

/* A queue in memory that is not there. */
static void unreadable_queue(void **state)
{
	struct smmu_rig rig;
	struct page p;
	dmah_phys_t base;
	uint64_t ticket;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .smmu = { .timeout_ns = 5 * MILLISECOND } });
	base = qemu_read(rig.q, QEMU_SMMU_REGS + REG_CMDQ_BASE, 8);
	qemu_write(rig.q, QEMU_SMMU_REGS + REG_CMDQ_BASE, 8, 0x7f0000000008);
	ticket = post(&rig, OP_CFGI_ALL, 31);
	assert_int_equal(dmah_smmuv3_wait(&rig.smmu, ticket), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_smmuv3_wait(&rig.smmu, ticket), DMAH_ETIMEDOUT);
	assert_int_equal(rig.reports, 1);
	assert_int_equal(dmah_flush(rig.dom), DMAH_ETIMEDOUT);
	assert_int_equal(rig.reports, 1);
	rig.reports = 0;
	/* A reset gives the unit its queue back. */
	assert_true(base != qemu_read(rig.q, QEMU_SMMU_REGS + REG_CMDQ_BASE, 8));
	assert_int_equal(dmah_smmuv3_reset(&rig.smmu), 0);
	assert_true(base == qemu_read(rig.q, QEMU_SMMU_REGS + REG_CMDQ_BASE, 8));
	assert_int_equal(dmah_smmuv3_wait(&rig.smmu, ticket), 0);
	assert_int_equal(dmah_flush(rig.dom), 0);
	page_map(&rig, &p);
	assert_true(page_reached(&rig, &p));
	assert_int_equal(dmah_unmap(&rig.dev, &p.h), 0);
	assert_false(page_reached(&rig, &p));
	smmu_close(&rig);
}

/* A full queue, inside dmah_host_enter(): nothing waits there. */
static void full_queue_entered(void **state)
{
	struct dmah_iommu *iommu;
	struct smmu_rig rig;
	unsigned long flags;
	unsigned int n = 0;
	int err = 1;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){
				.idr0_set = 1u << 10,
				.flags = DMAH_DEV_ATS,
				.smmu = { .cmdq_log2 = 6, .timeout_ns = 5 * MILLISECOND } });
	iommu = &rig.smmu.iommu;
	qemu_hold(rig.q, CMDQ_PROD);
	for (; err == 1 && n < 1000; n++) {
		(void)dmah_host_enter(&flags);
		err = iommu->ops->invalidate_dev(iommu, &rig.dev, 0, PAGE);
		dmah_host_leave(flags);
	}
	assert_int_equal(err, DMAH_EBUSY);
	assert_int_equal(n, 29);
	assert_int_equal(iommu->ops->make_room(iommu), DMAH_ETIMEDOUT);
	assert_int_equal(rig.reports, 1);
	rig.reports = 0;
	qemu_release(rig.q);
	assert_int_equal(iommu->ops->make_room(iommu), 0);
	(void)dmah_host_enter(&flags);
	assert_int_equal(iommu->ops->invalidate_dev(iommu, &rig.dev, 0, PAGE), 1);
	dmah_host_leave(flags);
	smmu_close(&rig);
}

/* Errors that QEMU never has: a device that does not answer ATC_INV, and service failure mode. */
static void other_errors(void **state)
{
	struct dmah_smmuv3 second;
	struct dmah_iommu *iommu = &second.iommu;
	struct smmu_rig rig;
	uint64_t before, ticket, after;
	size_t size = dmah_smmuv3_memory(NULL);
	void *memory = malloc(size);

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	assert_int_equal(dmah_smmuv3_init(&second,
					  &(struct dmah_smmuv3_config){ .regs = smmu_fake(&rig) },
					  memory, size),
			 0);
	assert_int_equal(iommu->ops->invalidate(iommu, 1, 0, 0, false, &before), 1);
	assert_int_equal(iommu->ops->wait(iommu, before), 0);
	fake_errors(GERROR_CMDQ, CERROR_ATC_SYNC);
	assert_int_equal(iommu->ops->invalidate(iommu, 1, 0, 0, false, &ticket), 1);
	assert_int_equal(iommu->ops->wait(iommu, ticket), 0);
	assert_int_equal(iommu->ops->wait(iommu, before), 0);
	/* No device was asked that could be blocked. */
	assert_int_equal(rig.reports, 0);
	dmah_smmuv3_errors(&second);
	assert_int_equal(second.refused, 1);
	fake_errors(0, 0);
	assert_int_equal(iommu->ops->invalidate(iommu, 1, 0, 0, false, &after), 1);
	assert_int_equal(iommu->ops->wait(iommu, after), 0);
	/* From here on nothing can be confirmed. */
	fake_errors(GERROR_SFM, 0);
	for (unsigned int i = 0; i < 2; i++) {
		dmah_smmuv3_errors(&second);
		assert_int_equal(rig.reports, 1);
		assert_int_equal(iommu->ops->invalidate(iommu, 1, 0, 0, false, &after),
				 DMAH_ETIMEDOUT);
		assert_int_equal(iommu->ops->fence(iommu, &after), DMAH_ETIMEDOUT);
	}
	assert_int_equal(dmah_smmuv3_fini(&second), 0);
	/* GBPA.ABORT stays when it is off. */
	assert_int_equal(dmah_host_read32((volatile uint8_t *)second.regs + REG_GBPA) & GBPA_ABORT,
			 GBPA_ABORT);
	free(memory);
	rig.reports = 0;
	smmu_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),	    cmocka_unit_test(fences),
		cmocka_unit_test(timeout),	    cmocka_unit_test(full_queue),
		cmocka_unit_test(illegal_command),  cmocka_unit_test(illegal_invalidation),
		cmocka_unit_test(unreadable_queue), cmocka_unit_test(full_queue_entered),
		cmocka_unit_test(other_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
