/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The NVMe driver where requests, maps, controllers or IOMMUs fail, and stale DMA, on every machine of the rig. */
#include "nvme_test.h"

#include <stdlib.h>
#include <string.h>

#define SHORT_TIME 2000000u

/* ---- errors ---- */

static void check_refused_requests(struct t *t)
{
	struct nvme_request twice = { .lba = RIG_BLOCKS - 1, .blocks = 2, .phys = t->buffer };
	struct pair p;
	uint16_t status[2];

	/* Errors that the device returns. */
	assert_int_equal(t_transfer(t, DMAH_FROM_DEVICE, RIG_BLOCKS, 1, t->buffer), NVME_LBA_RANGE);
	assert_int_equal(t_transfer(t, DMAH_TO_DEVICE, ~0ull - 1, 4, t->buffer), NVME_LBA_RANGE);
	twice.dir = DMAH_FROM_DEVICE;
	assert_int_equal(t_run(t, &twice), NVME_LBA_RANGE);
	twice.lba--;
	assert_int_equal(t_run(t, &twice), 0);
	t_holds(t, RIG_BLOCKS - 2, 2, t->buffer);
	/* Errors that the driver returns. */
	assert_int_equal(t_transfer(t, DMAH_FROM_DEVICE, 0, 0, t->buffer), DMAH_EINVAL);
	assert_int_equal(t_transfer(t, DMAH_BIDIRECTIONAL, 0, 1, t->buffer), DMAH_EINVAL);
	assert_int_equal(t_transfer(t, DMAH_FROM_DEVICE, 0, 1, t->buffer + 2), DMAH_EINVAL);
	assert_int_equal(t_transfer(t, DMAH_FROM_DEVICE, 0, 1025, t->buffer), DMAH_ERANGE);
	/* In a ring, a refused request does not block the others. */
	t_pair_open(t, &p, 4096);
	assert_int_equal(nvme_stream_submit(&p.in, RIG_BLOCKS, 1, t->buffer), 0);
	assert_int_equal(nvme_stream_submit(&p.in, 9, 1, t->buffer + 8192), 0);
	nvme_ring(&t->nvme);
	for (int n = 0, got; n < 2; n += got) {
		assert_int_equal(nvme_stream_wait(&p.in), 0);
		got = nvme_stream_take(&p.in, status + n, 2);
		assert_true(got > 0);
	}
	assert_int_equal(status[0], NVME_LBA_RANGE);
	assert_int_equal(status[1], 0);
	t_holds(t, 9, 1, t->buffer + 8192);
	t_pair_close(&p);
	assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS);
}

static void refused_requests(void **state)
{
	(void)state;
	t_each(check_refused_requests);
}

/* Maps that fail under load leave nothing behind, and requests work when there is room again. */
static void check_failed_maps(struct t *t)
{
	const struct rig_config *c = t->rig->config;
	struct nvme_request r[NVME_DEPTH];
	unsigned int n = 0;
	uint64_t live;
	int err = 0;

	memset(r, 0, sizeof(r));
	posix_fail_alloc(POSIX_FAIL_FROM, 1);
	while (!err && n < NVME_DEPTH) {
		r[n] = (struct nvme_request){ .lba = 100 * n,
					      .blocks = 300,
					      .dir = DMAH_FROM_DEVICE,
					      .phys = t->buffer + n * 163840 };
		live = dmah_device_live(t->rig->dev);
		err = nvme_submit(&t->nvme, &r[n]);
		if (err)
			assert_int_equal(dmah_device_live(t->rig->dev), live);
		else
			n++;
	}
	posix_fail_alloc(POSIX_FAIL_NEVER, 0);
	assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS + n);
	if (c->small_aperture || c->small_pool)
		assert_int_equal(err, DMAH_ENOSPC);
	else if (c->iommu)
		assert_int_equal(err, DMAH_ENOMEM);
	nvme_ring(&t->nvme);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(nvme_wait(&t->nvme, &r[i]), 0);
	if (n)
		t_holds(t, r[n - 1].lba, 300, r[n - 1].phys);
	assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS);
	/* Submit the last request, which failed, once more: it succeeds now. */
	if (err && !c->small_pool) {
		assert_int_equal(t_run(t, &r[n]), 0);
		t_holds(t, r[n].lba, 300, r[n].phys);
	}
}

static void failed_maps(void **state)
{
	(void)state;
	t_each(check_failed_maps);
}

/* ---- stale DMA ---- */

/* Submit a command with DMA addresses that are not mapped. Return: its status. */
static int raw(struct t *t, enum dmah_dir dir, uint64_t lba, uint32_t blocks, dmah_addr_t dma)
{
	struct dmah_dma_seg seg = { .dma = dma, .len = blocks * RIG_BLOCK };
	struct nvme_io io = { 0 };

	assert_int_equal(nvme_io_start(&t->nvme, &io, dir, lba, blocks, &seg, 1), 0);
	nvme_ring(&t->nvme);
	assert_int_equal(nvme_io_wait(&t->nvme, &io), 0);
	return io.status;
}

static void check_stale(struct t *t)
{
	struct pair p;

	if (!t->rig->config->iommu)
		return;
	t_pair_open(t, &p, 4096);
	for (unsigned int i = 0; i < 24; i++) {
		struct nvme_request r = { .lba = 60 + i, .blocks = 1, .dir = DMAH_FROM_DEVICE };
		dmah_addr_t dma;

		r.phys = t->buffer + 4096 + 8192 * i;
		if (i % 2) {
			assert_int_equal(nvme_stream_submit(&p.in, r.lba, 1, r.phys), 0);
			/* Read the DMA address from the command. */
			dma = t->nvme.queue.sq[(t->nvme.queue.tail + 63u) % 64].prp1;
			nvme_ring(&t->nvme);
			t_drain(t, &p.in);
		} else {
			assert_int_equal(nvme_submit(&t->nvme, &r), 0);
			dma = dmah_addr(&r.h);
			nvme_ring(&t->nvme);
			assert_int_equal(nvme_wait(&t->nvme, &r), 0);
		}
		t_holds(t, r.lba, 1, r.phys);
		if (t->rig->config->mode == DMAH_LAZY)
			assert_int_equal(dmah_flush(t->rig->dom), 0);
		t_set(t, r.phys - 512, 0x77, 8192);
		rig_no_faults(t->rig);
		assert_int_equal(raw(t, DMAH_FROM_DEVICE, 3, 1, dma), t->rig->refused);
		rig_faults(t->rig, dma & ~0xfffull, 4096, true);
		t_is(t, r.phys - 512, 0x77, 8192);
		/* A stale read of memory is refused as well: the disk gets other bytes, or none. */
		if (i % 8 == 7) {
			unsigned int same = 0;

			t_set(t, r.phys, 0x99, 512);
			(void)raw(t, DMAH_TO_DEVICE, RIG_BLOCKS - 8, 1, dma);
			rig_faults(t->rig, dma & ~0xfffull, 4096, false);
			for (unsigned int b = 0; b < RIG_BLOCK; b++)
				same += t->rig->disk[(RIG_BLOCKS - 8) * RIG_BLOCK + b] == 0x99;
			assert_true(same < 32);
			memcpy(t->disk + (RIG_BLOCKS - 8) * RIG_BLOCK,
			       t->rig->disk + (RIG_BLOCKS - 8) * RIG_BLOCK, RIG_BLOCK);
		}
	}
	t_pair_close(&p);
}

static void stale_dma(void **state)
{
	(void)state;
	t_each(check_stale);
}

/* ---- controllers that misbehave ---- */

static void check_timeout(struct t *t)
{
	struct nvme_request r[3];
	uint16_t status[2];
	struct pair p;

	t_pair_open(t, &p, 4096);
	memset(r, 0, sizeof(r));
	t->nvme.timeout_ns = SHORT_TIME;
	rig_hang(t->rig, true);
	for (unsigned int i = 0; i < 3; i++) {
		r[i] = (struct nvme_request){ .lba = 40 + i,
					      .blocks = 1,
					      .dir = DMAH_FROM_DEVICE,
					      .phys = t->buffer + i * 8192 };
		assert_int_equal(nvme_submit(&t->nvme, &r[i]), 0);
	}
	assert_int_equal(nvme_stream_submit(&p.in, 50, 1, t->buffer + 65536), 0);
	nvme_ring(&t->nvme);
	assert_int_equal(nvme_wait(&t->nvme, &r[1]), DMAH_ETIMEDOUT);
	assert_int_equal(nvme_stream_wait(&p.in), DMAH_ETIMEDOUT);
	/* The device may still access the buffers, so they stay mapped. */
	assert_false(r[1].done);
	assert_int_equal(nvme_stream_take(&p.in, status, 2), 0);
	assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS + 4);
	rig_hang(t->rig, false);
	t->nvme.timeout_ns = TIMEOUT;
	assert_int_equal(nvme_reset(&t->nvme), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(r[i].done);
		assert_int_equal(nvme_wait(&t->nvme, &r[i]), NVME_ABORTED);
	}
	assert_int_equal(nvme_stream_take(&p.in, status, 2), 1);
	assert_int_equal(status[0], NVME_ABORTED);
	assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS);
	/* After the reset the controller takes as many requests as before. */
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(t_transfer(t, DMAH_FROM_DEVICE, 60 + i, 1, t->buffer), 0);
	t_holds(t, 99, 1, t->buffer);
	t_pair_close(&p);
}

static void time_out(void **state)
{
	(void)state;
	t_each(check_timeout);
}

/* Shut the controller down with requests under way. */
static void check_fini_busy(struct t *t)
{
	struct nvme_request r = {
		.lba = 40, .blocks = 1, .dir = DMAH_FROM_DEVICE, .phys = t->buffer
	};

	rig_hang(t->rig, true);
	assert_int_equal(nvme_submit(&t->nvme, &r), 0);
	nvme_ring(&t->nvme);
	/* The simulator's controller stops taking admin commands, too. */
	t->nvme.timeout_ns = SHORT_TIME;
	assert_int_equal(nvme_fini(&t->nvme), 0);
	rig_hang(t->rig, false);
	assert_true(r.done);
	assert_int_equal(r.err, NVME_ABORTED);
	assert_int_equal(dmah_device_live(t->rig->dev), 0);
	assert_int_equal(nvme_submit(&t->nvme, &r), DMAH_ENODEV);
	assert_int_equal(nvme_poll(&t->nvme), 0);
	assert_int_equal(nvme_reset(&t->nvme), DMAH_ENODEV);
	t_up(t);
}

static void fini_busy(void **state)
{
	(void)state;
	t_each(check_fini_busy);
}

static void check_fatal(struct t *t)
{
	struct nvme_request r = {
		.lba = 40, .blocks = 1, .dir = DMAH_FROM_DEVICE, .phys = t->buffer
	};

	/* The failure is noticed long before the time-out. */
	t->nvme.timeout_ns = ~0ull;
	rig_hang(t->rig, true);
	assert_int_equal(nvme_submit(&t->nvme, &r), 0);
	nvme_ring(&t->nvme);
	rig_status(t->rig, 0, CSTS_CFS);
	assert_int_equal(nvme_wait(&t->nvme, &r), DMAH_ETIMEDOUT);
	rig_hang(t->rig, false);
	/* A failed controller does not become ready: init frees all memory. */
	assert_int_equal(nvme_reset(&t->nvme), DMAH_ETIMEDOUT);
	assert_false(nvme_live(&t->nvme));
	assert_int_equal(r.err, NVME_ABORTED);
	assert_int_equal(dmah_device_live(t->rig->dev), 0);
	t->nvme = (struct nvme){ 0 };
	assert_int_equal(nvme_init(&t->nvme, t->rig->regs, t->rig->dev), DMAH_ETIMEDOUT);
	assert_false(nvme_live(&t->nvme));
	rig_status(t->rig, 0, 0);
	t_up(t);
	/* Fini sends no command to a failed controller, and only disables it. */
	rig_status(t->rig, 0, CSTS_CFS);
	assert_int_equal(nvme_fini(&t->nvme), 0);
	rig_status(t->rig, 0, 0);
	t_up(t);
}

static void fatal(void **state)
{
	(void)state;
	t_each(check_fatal);
}

/* The controller never becomes ready, never stops being ready, or is gone. */
static void check_stuck(struct t *t)
{
	struct nvme_request r = {
		.lba = 40, .blocks = 1, .dir = DMAH_FROM_DEVICE, .phys = t->buffer
	};

	assert_int_equal(nvme_fini(&t->nvme), 0);
	rig_status(t->rig, CSTS_RDY, 0);
	assert_int_equal(nvme_init(&t->nvme, t->rig->regs, t->rig->dev), DMAH_ETIMEDOUT);
	assert_false(nvme_live(&t->nvme));
	rig_status(t->rig, 0, 0);
	t_up(t);
	rig_status(t->rig, 0, CSTS_RDY);
	assert_int_equal(nvme_fini(&t->nvme), DMAH_ETIMEDOUT);
	assert_true(nvme_live(&t->nvme));
	assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS);
	rig_status(t->rig, 0, 0);
	assert_int_equal(nvme_fini(&t->nvme), 0);
	t_up(t);
	assert_int_equal(nvme_submit(&t->nvme, &r), 0);
	rig_hang(t->rig, true);
	nvme_ring(&t->nvme);
	rig_status(t->rig, 0, ~0u);
	assert_int_equal(nvme_wait(&t->nvme, &r), DMAH_ENODEV);
	assert_int_equal(nvme_fini(&t->nvme), DMAH_ENODEV);
	assert_true(nvme_live(&t->nvme));
	rig_status(t->rig, 0, 0);
	/* The caller knows that the controller does no DMA. */
	dmah_host_write32((volatile uint8_t *)t->rig->regs + REG_CC, 0);
	assert_int_equal(nvme_release(&t->nvme), 0);
	rig_hang(t->rig, false);
	assert_int_equal(r.err, NVME_ABORTED);
	assert_int_equal(dmah_device_live(t->rig->dev), 0);
	t_up(t);
}

static void stuck(void **state)
{
	(void)state;
	t_each(check_stuck);
}

static void lie(struct t *t, unsigned int n, uint32_t cid)
{
	struct nvme_queue *q = &t->nvme.queue;

	q->cq[q->head + n].end = cid | (uint32_t)q->phase << 16;
}

/* Completions of commands that were never submitted, and of one command twice. */
static void check_liar(struct t *t)
{
	struct nvme_request r[2] = {
		{ .lba = 40, .blocks = 1, .dir = DMAH_FROM_DEVICE, .phys = t->buffer },
		{ .lba = 41, .blocks = 1, .dir = DMAH_FROM_DEVICE, .phys = t->buffer + 8192 },
	};

	rig_hang(t->rig, true);
	assert_int_equal(nvme_submit(&t->nvme, &r[0]), 0);
	assert_int_equal(nvme_submit(&t->nvme, &r[1]), 0);
	nvme_ring(&t->nvme);
	lie(t, 0, NVME_DEPTH - 1);
	lie(t, 1, 0xffff);
	lie(t, 2, NVME_DEPTH);
	assert_int_equal(nvme_poll(&t->nvme), 3);
	assert_int_equal(t->rig->reports, 3);
	assert_false(r[0].done);
	assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS + 2);
	lie(t, 0, r[1].io.cid);
	lie(t, 1, r[1].io.cid);
	assert_int_equal(nvme_poll(&t->nvme), 2);
	assert_int_equal(t->rig->reports, 4);
	assert_true(r[1].done);
	assert_false(r[0].done);
	assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS + 1);
	/* Driver and device no longer agree on the queue. */
	rig_hang(t->rig, false);
	assert_int_equal(nvme_reset(&t->nvme), 0);
	assert_int_equal(r[0].err, NVME_ABORTED);
	rig_forgive(t->rig);
	t->rig->reports = 0;
	assert_int_equal(t_run(t, &r[0]), 0);
	t_holds(t, 40, 1, t->buffer);
}

static void liar(void **state)
{
	(void)state;
	t_each(check_liar);
}

/*
 * The IOMMU does not confirm an unmap. The device has finished, but the memory must not be reused,
 * so the request ends with DMAH_ETIMEDOUT. Once the IOMMU answers, requests work again.
 */
static void check_hung_iommu(struct t *t)
{
	struct nvme_request r = {
		.lba = 40, .blocks = 8, .dir = DMAH_FROM_DEVICE, .phys = t->buffer
	};
	uint16_t status[2];
	struct pair p;

	if (!t->rig->config->iommu || t->rig->config->mode != DMAH_STRICT)
		return;
	t_pair_open(t, &p, 4096);
	assert_int_equal(nvme_submit(&t->nvme, &r), 0);
	assert_int_equal(nvme_stream_submit(&p.in, 50, 8, t->buffer + 65536), 0);
	rig_stick(t->rig, true);
	nvme_ring(&t->nvme);
	assert_int_equal(nvme_wait(&t->nvme, &r), DMAH_ETIMEDOUT);
	assert_true(r.done);
	assert_int_equal(nvme_stream_wait(&p.in), 0);
	assert_int_equal(nvme_stream_take(&p.in, status, 2), DMAH_ETIMEDOUT);
	assert_int_equal(nvme_stream_live(&p.in), 0);
	assert_int_equal(dmah_device_live(t->rig->dev), T_OWN_MAPPINGS);
	rig_stick(t->rig, false);
	assert_int_equal(dmah_flush(t->rig->dom), 0);
	t->rig->reports = 0;
	t_holds(t, 40, 8, t->buffer);
	assert_int_equal(t_run(t, &r), 0);
	t_holds(t, 40, 8, t->buffer);
	t_pair_close(&p);
}

static void hung_iommu(void **state)
{
	(void)state;
	t_each(check_hung_iommu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_requests),
		cmocka_unit_test(failed_maps),
		cmocka_unit_test(stale_dma),
		cmocka_unit_test(time_out),
		cmocka_unit_test(fini_busy),
		cmocka_unit_test(fatal),
		cmocka_unit_test(stuck),
		cmocka_unit_test(liar),
		cmocka_unit_test(hung_iommu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
