/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The VT-d driver's invalidation queue where it does not go well: it hangs, fills up, or is given nonsense. */
#include "rig.h"

#include "posix.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NOT_WRITABLE 0x05
#define NOT_ATTACHED 0x02
#define REG_IQH	     0x80
#define REG_IQT	     0x88
#define REG_FSTS     0x34
#define FSTS_IQE     0x10
#define FSTS_ITE     0x40
#define ENTRIES	     256u
#define SPARE	     16u

/* Within the time-out, and some for a busy machine. */
static void assert_bounded(uint64_t begun, unsigned int timeouts)
{
	assert_true(dmah_host_now() - begun < timeouts * (uint64_t)RIG_TIMEOUT_NS + 2000000000);
}

/*
 * The hardware does not come to it: unmap says so in time, and holds the IOVA back. The device may reach the page until
 * it does, and the next confirmed flush sets the IOVA free.
 */
static void hung(enum dmah_mode mode)
{
	struct rig *rig = rig_open(
		&(struct rig_config){ .mode = mode, .aperture_size = 2u << 20, .va_bits = 39 });
	dmah_phys_t phys = qemu_take(rig->q, 4096, 4096);
	struct dmah_stats stats;
	static struct dmah h[512];
	dmah_addr_t dma;
	unsigned int n = 0;
	uint64_t begun;

	memset(h, 0, sizeof(h));
	rig_load(rig, 0, 64, 1);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	assert_int_equal(dmah_map(&rig->dev[0], &h[0], phys, 4096, DMAH_FROM_DEVICE, 0), DMAH_OK);
	dma = dmah_addr(&h[0]);
	rig_dma(rig, 0, dma, 64, DMAH_FROM_DEVICE);
	qemu_hold(rig->q, QEMU_VTD_REGS + REG_IQT);
	begun = dmah_host_now();
	assert_int_equal(dmah_unmap(&rig->dev[0], &h[0]),
			 mode == DMAH_STRICT ? DMAH_ETIMEDOUT : DMAH_OK);
	assert_false(dmah_mapped(&h[0]));
	assert_int_equal(dmah_flush(rig->dom), DMAH_ETIMEDOUT);
	assert_bounded(begun, 2);
	/* The time-out was true: the page is still reached. */
	memset(qemu_ram(rig->q, phys, 64), 0, 64);
	rig_dma(rig, 0, dma, 64, DMAH_FROM_DEVICE);
	assert_true(rig_holds(rig, phys, 64, 1));
	assert_int_equal(rig_faults(rig), 0);
	/* And so no one else gets that IOVA. */
	while (n < 512 && !dmah_map(&rig->dev[0], &h[n], phys, 4096, DMAH_TO_DEVICE, 0))
		assert_true(dmah_addr(&h[n++]) != dma);
	assert_in_range(n, 500, 511);
	dmah_device_stats(&rig->dev[0], &stats);
	assert_int_equal(stats.quarantined != 0, mode == DMAH_STRICT);
	qemu_release(rig->q);
	while (n)
		assert_int_equal(dmah_unmap(&rig->dev[0], &h[--n]), DMAH_OK);
	assert_int_equal(dmah_flush(rig->dom), DMAH_OK);
	rig_dma(rig, 0, dma, 64, DMAH_FROM_DEVICE);
	rig_expect_fault(rig, 0, dma, true, NOT_WRITABLE);
	while (n < 512 && !dmah_map(&rig->dev[0], &h[n], phys, 4096, DMAH_TO_DEVICE, 0))
		n++;
	/* All of the aperture but IOVA 0, which this one does not have. */
	assert_int_equal(n, 511);
	while (n)
		assert_int_equal(dmah_unmap(&rig->dev[0], &h[--n]), DMAH_OK);
	(void)rig_reports(rig);
	rig_close(rig);
}

static void hung_strict(void **state)
{
	(void)state;
	hung(DMAH_STRICT);
}

static void hung_lazy(void **state)
{
	(void)state;
	hung(DMAH_LAZY);
}

/* A queue that is full: to post waits for room, but not for ever; and what was posted is all there afterwards. */
static void full(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	struct dmah_iommu *iommu = &rig->vtd.iommu;
	unsigned int posted = 0;
	uint64_t ticket, begun;

	(void)state;
	qemu_hold(rig->q, QEMU_VTD_REGS + REG_IQT);
	begun = dmah_host_now();
	while (posted < 2 * ENTRIES &&
	       iommu->ops->invalidate(iommu, 1, 0x1000, 4096, false, NULL) == 1)
		posted++;
	/* One place stays free, or full would look like empty; others are kept for the handling of errors. */
	assert_int_equal(posted, ENTRIES - 1 - SPARE);
	assert_int_equal(iommu->ops->fence(iommu, &ticket), DMAH_ETIMEDOUT);
	assert_bounded(begun, 2);
	qemu_release(rig->q);
	assert_int_equal(iommu->ops->fence(iommu, &ticket), DMAH_OK);
	assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_OK);
	assert_int_equal(rig_vtd32(rig, REG_IQH), rig_vtd32(rig, REG_IQT));
	assert_int_equal(rig_reports(rig), 1);
	rig_close(rig);
}

/* Marks may be waited for in any order, and after later ones; the numbers go round the ring many times. */
static void tickets(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	struct dmah_iommu *iommu = &rig->vtd.iommu;
	uint64_t ticket[40], begun;

	(void)state;
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < 40; i++)
			assert_int_equal(iommu->ops->invalidate(iommu, 1, i << 12, 4096, false,
								&ticket[i]),
					 1);
		for (unsigned int i = 0; i < 40; i++) {
			unsigned int which = (i * 7 + round) % 40;

			assert_int_equal(iommu->ops->wait(iommu, ticket[which]), DMAH_OK);
		}
	}
	/* A mark that is not done is waited for: those before it are done all the same. */
	qemu_hold(rig->q, QEMU_VTD_REGS + REG_IQT);
	assert_int_equal(iommu->ops->fence(iommu, &ticket[0]), DMAH_OK);
	assert_int_equal(iommu->ops->wait(iommu, ticket[1]), DMAH_OK);
	begun = dmah_host_now();
	assert_int_equal(iommu->ops->wait(iommu, ticket[0]), DMAH_ETIMEDOUT);
	assert_true(dmah_host_now() - begun >= RIG_TIMEOUT_NS);
	assert_bounded(begun, 1);
	qemu_release(rig->q);
	assert_int_equal(iommu->ops->wait(iommu, ticket[0]), DMAH_OK);
	assert_int_equal(rig_reports(rig), 1);
	rig_close(rig);
}

/*
 * A command that the hardware refuses stops the queue. Nobody knows what this one was, so waits behind it end without
 * confirmation, before their time-out; then the queue goes on.
 */
static void bad_command(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	struct dmah_iommu *iommu = &rig->vtd.iommu;
	dmah_phys_t phys = qemu_take(rig->q, 4096, 4096);

	(void)state;
	rig_load(rig, 0, 64, 1);
	for (unsigned int round = 0; round < 3; round++) {
		struct dmah h = { 0 };
		uint64_t ticket[2], *queue, begun;
		dmah_addr_t dma;
		uint32_t at;

		assert_int_equal(dmah_map(&rig->dev[0], &h, phys, 4096, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		dma = dmah_addr(&h);
		rig_dma(rig, 0, dma, 64, DMAH_FROM_DEVICE);
		/* The command is spoilt in memory before the hardware sees it. */
		at = rig_vtd32(rig, REG_IQT);
		queue = qemu_ram(rig->q, qemu_read(rig->q, QEMU_VTD_REGS + 0x90, 8) & ~0xfffull,
				 4096);
		qemu_hold(rig->q, QEMU_VTD_REGS + REG_IQT);
		assert_int_equal(iommu->ops->invalidate(iommu, 1, 0, 0, false, &ticket[0]), 1);
		assert_int_equal(iommu->ops->fence(iommu, &ticket[1]), DMAH_OK);
		queue[at / 8] = 0xf;
		qemu_release(rig->q);
		assert_true(rig_vtd32(rig, REG_FSTS) & FSTS_IQE);
		begun = dmah_host_now();
		assert_int_equal(iommu->ops->wait(iommu, ticket[1]), DMAH_ETIMEDOUT);
		assert_int_equal(iommu->ops->wait(iommu, ticket[0]), DMAH_ETIMEDOUT);
		assert_true(dmah_host_now() - begun < RIG_TIMEOUT_NS);
		assert_false(rig_vtd32(rig, REG_FSTS) & FSTS_IQE);
		assert_int_equal(rig_reports(rig), 1);
		/* Later commands are executed and confirmed. */
		assert_int_equal(dmah_unmap(&rig->dev[0], &h), DMAH_OK);
		rig_dma(rig, 0, dma, 64, DMAH_FROM_DEVICE);
		rig_expect_fault(rig, 0, dma, true, NOT_WRITABLE);
	}
	rig_close(rig);
}

/*
 * A device does not answer, and the hardware drops the marks under way. They are confirmed all the same, by a mark that is
 * posted anew; an error that does not go away makes the unit fail, until it has.
 */
static void silent_device(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	struct dmah_iommu *iommu = &rig->vtd.iommu;
	uint64_t ticket[3], begun;

	(void)state;
	assert_int_equal(iommu->ops->fence(iommu, &ticket[0]), DMAH_OK);
	qemu_hold(rig->q, QEMU_VTD_REGS + REG_IQT);
	qemu_pretend(rig->q, QEMU_VTD_REGS + REG_FSTS, 0, FSTS_ITE);
	assert_int_equal(iommu->ops->fence(iommu, &ticket[1]), DMAH_OK);
	assert_int_equal(iommu->ops->fence(iommu, &ticket[2]), DMAH_OK);
	begun = dmah_host_now();
	assert_int_equal(iommu->ops->wait(iommu, ticket[1]), DMAH_ETIMEDOUT);
	assert_true(dmah_host_now() - begun < RIG_TIMEOUT_NS);
	assert_int_equal(rig_reports(rig), 1);
	qemu_pretend(rig->q, QEMU_VTD_REGS + REG_FSTS, 0, 0);
	qemu_release(rig->q);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(iommu->ops->wait(iommu, ticket[i]), DMAH_OK);
	assert_int_equal(iommu->ops->fence(iommu, &ticket[2]), DMAH_OK);
	assert_int_equal(iommu->ops->wait(iommu, ticket[2]), DMAH_OK);
	rig_close(rig);
}

/* A device that can not be blocked stays attached, and its domain stays. */
static void hung_bind(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };
	struct dmah_iommu *iommu = &rig->vtd.iommu;
	struct dmah_pt_info pt;

	(void)state;
	qemu_hold(rig->q, QEMU_VTD_REGS + REG_IQT);
	assert_int_equal(dmah_attach(rig->dom, &rig->dev[1], &limits), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_domain_pt(rig->dom, &pt), DMAH_OK);
	assert_int_equal(iommu->ops->bind(iommu, &rig->dev[1], DMAH_BIND_TRANSLATE, &pt, 1),
			 DMAH_ETIMEDOUT);
	assert_int_equal(dmah_detach(&rig->dev[0]), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_domain_fini(rig->dom), DMAH_EBUSY);
	qemu_release(rig->q);
	/* The one that could not be attached is not, for the hardware neither. */
	rig_dma(rig, 1, 0x5000, 4, DMAH_FROM_DEVICE);
	rig_expect_fault(rig, 1, 0x5000, true, NOT_ATTACHED);
	assert_int_equal(dmah_detach(&rig->dev[0]), DMAH_OK);
	(void)rig_reports(rig);
	rig_close(rig);
}

/* ---- several CPUs ---- */

#define THREADS 2u
#define ROUNDS	300u

struct worker {
	struct rig *rig;
	unsigned int cpu;
	dmah_phys_t phys;
	pthread_t thread;
	unsigned int wrong;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	posix_set_cpu(w->cpu);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct dmah h = { 0 };

		w->wrong += dmah_map(&w->rig->dev[w->cpu], &h, w->phys, 4096u << i % 2,
				     DMAH_FROM_DEVICE, 0) != DMAH_OK;
		w->wrong += edu_dma(&w->rig->edu[w->cpu], dmah_addr(&h), 0, 64, DMAH_FROM_DEVICE) !=
			    DMAH_OK;
		w->wrong += !rig_holds(w->rig, w->phys, 64, 20 + w->cpu);
		w->wrong += dmah_unmap(&w->rig->dev[w->cpu], &h) != DMAH_OK;
		memset(qemu_ram(w->rig->q, w->phys, 64), 0, 64);
	}
	return NULL;
}

static void threads(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	struct worker w[THREADS];

	(void)state;
	rig_attach(rig, 1, rig->dom, 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .rig = rig,
					.cpu = i,
					.phys = qemu_take(rig->q, 8192, 4096) };
		rig_load(rig, i, 64, 20 + i);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		assert_int_equal(w[i].wrong, 0);
	}
	rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hung_strict), cmocka_unit_test(hung_lazy),
		cmocka_unit_test(full),	       cmocka_unit_test(tickets),
		cmocka_unit_test(bad_command), cmocka_unit_test(silent_device),
		cmocka_unit_test(hung_bind),   cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
