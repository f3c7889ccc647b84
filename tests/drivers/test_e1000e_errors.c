/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Errors of the 82574's driver: bad arguments, maps and allocations that fail, a device that does
 * not complete an operation. Each call returns an error and undoes its work.
 */
#include "traffic.h"

#include "posix.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* Mappings of the descriptor rings. */
#define RINGS 2u

/* Time-out of the driver in tests where the device never answers. */
#define SHORT_NS 20000000u

static uint64_t live(struct traffic *t)
{
	return dmah_device_live(nic_device(t->n));
}

static dmah_phys_t never(void *ctx, dmah_phys_t phys, uint32_t len)
{
	(void)ctx;
	(void)phys;
	(void)len;
	fail();
	return 0;
}

/* ---- arguments ---- */

static void bad_config(const struct nic_config *machine)
{
	struct traffic *t = traffic_new(machine, &(struct traffic_config){ 0 });
	struct e1000e_config c = t->driver;
	static uint32_t nothing[0x20000 / 4];
	uint8_t memory[64];

	c.rx_entries = 12;
	assert_int_equal(e1000e_memory(&c), 0);
	c.rx_entries = 8192;
	assert_int_equal(e1000e_memory(&c), 0);
	c.rx_entries = 8;
	c.tx_entries = 4;
	assert_int_equal(e1000e_memory(&c), 0);
	c.tx_entries = 8;
	c.stride = E1000E_BUFFER - 1;
	assert_int_equal(e1000e_memory(&c), 0);
	c.rx = E1000E_RX_OWN;
	assert_int_not_equal(e1000e_memory(&c), 0);
	c.dev = NULL;
	assert_int_equal(e1000e_memory(&c), 0);
	assert_int_equal(e1000e_init(&t->nic, &t->driver, memory, sizeof(memory)), DMAH_EINVAL);
	/* Without a device, registers read as all ones. */
	memset(nothing, 0xff, sizeof(nothing));
	t->driver.regs = nothing;
	assert_int_equal(traffic_init(t), DMAH_ENODEV);
	t->driver.regs = nic_regs(t->n);
	t->driver.timeout_ns = SHORT_NS;
	nic_stick(t->n, NIC_STUCK_NVM);
	assert_int_equal(traffic_init(t), DMAH_ENODEV);
	nic_stick(t->n, NIC_STUCK_RESET);
	assert_int_equal(traffic_init(t), DMAH_ETIMEDOUT);
	nic_stick(t->n, NIC_STUCK_MASTER);
	assert_int_equal(traffic_init(t), DMAH_ETIMEDOUT);
	nic_stick(t->n, NIC_STUCK_NOTHING);
	assert_int_equal(live(t), 0);
	traffic_free(t);
}

static void bad_calls(const struct nic_config *machine)
{
	struct traffic *t = traffic_new(machine, &(struct traffic_config){ 0 });
	struct dmah_seg piece[E1000E_BATCH + 1];
	uint32_t len;

	for (unsigned int i = 0; i <= E1000E_BATCH; i++)
		piece[i] = (struct dmah_seg){ .phys = t->tx + 64 * i, .len = 1 };
	assert_int_equal(traffic_init(t), 0);
	/* The device does not run. */
	assert_int_equal(e1000e_transmit(&t->nic, piece, 20, NULL), DMAH_EINVAL);
	assert_int_equal(e1000e_receive(&t->nic, 1, never, t), DMAH_EINVAL);
	assert_int_equal(e1000e_reap(&t->nic, NULL, NULL), DMAH_EINVAL);
	assert_int_equal(e1000e_rx_give(&t->nic, 0, 0x1000), DMAH_EINVAL);
	assert_int_equal(e1000e_stop(&t->nic), 0);
	assert_int_equal(e1000e_abandon(&t->nic), 0);
	assert_int_equal(e1000e_start(&t->nic), 0);
	assert_int_equal(e1000e_start(&t->nic), DMAH_EBUSY);
	assert_int_equal(e1000e_fini(&t->nic), DMAH_EBUSY);
	/*
	 * A frame that is too short, too long, of no pieces, of too many, or with an empty piece.
	 */
	assert_int_equal(e1000e_transmit(&t->nic, piece, 15, NULL), DMAH_EINVAL);
	assert_int_equal(e1000e_transmit(&t->nic, piece, 0, NULL), DMAH_EINVAL);
	assert_int_equal(e1000e_transmit(&t->nic, piece, E1000E_BATCH + 1, NULL), DMAH_EINVAL);
	piece[0].len = E1000E_FRAME;
	assert_int_equal(e1000e_transmit(&t->nic, piece, 2, NULL), DMAH_EINVAL);
	piece[0].len = 0;
	assert_int_equal(e1000e_transmit(&t->nic, piece, 15, NULL), DMAH_EINVAL);
	/* The frame needs more descriptors than the queue has. */
	piece[0].len = 1;
	assert_int_equal(e1000e_transmit(&t->nic, piece, 20, NULL), DMAH_ENOSPC);
	/* The device owns all descriptors but one, and has finished none. */
	assert_int_equal(e1000e_rx_give(&t->nic, 3, 0x1000), DMAH_EINVAL);
	assert_int_equal(e1000e_rx_give(&t->nic, 16, 0x1000), DMAH_EINVAL);
	assert_false(e1000e_rx_done(&t->nic, 3, &len));
	assert_false(e1000e_rx_done(&t->nic, 16, &len));
	assert_int_equal(live(t), RINGS + 15);
	traffic_close(t);
}

/* ---- maps that fail ---- */

/* A piece that wraps round the end of the address space: the pieces before it are unmapped again. */
static void piece_that_cannot_be_mapped(const struct nic_config *machine)
{
	struct traffic *t = traffic_open(machine, &(struct traffic_config){ .seed = 1 });

	for (unsigned int i = 0; i < 40; i++) {
		struct dmah_seg piece[4];
		unsigned int bad = traffic_random(t, 4);
		uint64_t before = live(t);

		for (unsigned int k = 0; k < 4; k++)
			piece[k] = (struct dmah_seg){ .phys = k == bad ? ~(dmah_phys_t)0 - 50
								       : t->tx + 2048 * k,
						      .len = 100 };
		assert_true(e1000e_transmit(&t->nic, piece, 4, NULL) < 0);
		assert_int_equal(live(t), before);
		if (traffic_transmit(t))
			traffic_sent(t);
	}
	traffic_sent(t);
	traffic_close(t);
}

/* One of the receive buffers wraps round the end of the address space. */
static void start_without(const struct nic_config *machine, enum e1000e_rx_mode rx)
{
	struct traffic *t = traffic_new(machine, &(struct traffic_config){ .rx = rx });
	dmah_phys_t good;

	assert_int_equal(traffic_init(t), 0);
	good = t->nic.rx.buffer[7];
	t->nic.rx.buffer[7] = ~(dmah_phys_t)0 - 100;
	assert_true(e1000e_start(&t->nic) < 0);
	assert_int_equal(live(t), RINGS);
	assert_int_equal(t->nic.stats.starved, 1);
	t->nic.rx.buffer[7] = good;
	assert_int_equal(e1000e_start(&t->nic), 0);
	assert_int_equal(e1000e_wait_link(&t->nic, NIC_WAIT_NS), 0);
	assert_true(traffic_put(t));
	traffic_received(t);
	traffic_close(t);
}

/* Each allocation of init and start fails in turn, until none is left to fail. */
static void allocations(const struct nic_config *machine, enum e1000e_rx_mode rx)
{
	struct traffic *t = traffic_new(machine, &(struct traffic_config){ .rx = rx });
	struct posix_alloc_stats begun, stats;
	unsigned int failed = 0;
	uint64_t before;
	int err;

	posix_alloc_stats(&begun);
	for (;; failed++) {
		assert_true(failed < 100);
		posix_alloc_stats(&stats);
		before = stats.failed;
		posix_fail_alloc(POSIX_FAIL_NTH, failed + 1);
		err = traffic_init(t);
		if (!err) {
			err = e1000e_start(&t->nic);
			posix_fail_alloc(POSIX_FAIL_NEVER, 0);
			if (err)
				assert_int_equal(live(t), RINGS);
			else
				assert_int_equal(e1000e_stop(&t->nic), 0);
			assert_int_equal(e1000e_fini(&t->nic), 0);
		}
		posix_fail_alloc(POSIX_FAIL_NEVER, 0);
		assert_int_equal(live(t), 0);
		posix_alloc_stats(&stats);
		assert_int_equal(stats.mem, begun.mem);
		if (stats.failed == before)
			break;
		/* The call may succeed if a page table of an earlier round is still there. */
		assert_true(err == DMAH_ENOMEM || !err);
	}
	assert_int_equal(err, 0);
	assert_true(failed >= 2);
	traffic_free(t);
}

static void allocations_by_ring(const struct nic_config *machine)
{
	allocations(machine, E1000E_RX_RING);
}

static void allocations_in_pages(const struct nic_config *machine)
{
	allocations(machine, E1000E_RX_PAGES);
}

/* ---- receive buffers that cannot be mapped for a while ---- */

#define HOGS 2048u

struct hog {
	struct traffic *t;
	struct dmah h[HOGS];
	unsigned int n;
};

/* Take every free slot of the pool. */
static dmah_phys_t hog(void *ctx, dmah_phys_t phys, uint32_t len)
{
	struct hog *hog = ctx;
	struct traffic *t = hog->t;
	uint8_t bytes[E1000E_BUFFER];

	nic_read(t->n, phys, bytes, len);
	traffic_expect(t, bytes, len);
	while (hog->n < HOGS &&
	       !dmah_map(nic_device(t->n), &hog->h[hog->n], t->tx + 100, 1500, DMAH_TO_DEVICE, 0))
		hog->n++;
	assert_true(hog->n < HOGS);
	return phys;
}

static void starved(const struct nic_config *machine)
{
	struct traffic *t = traffic_open(machine, &(struct traffic_config){ .seed = 6 });
	struct hog *h = calloc(1, sizeof(*h));
	struct e1000e_stats stats;
	uint64_t begun = 0;

	assert_non_null(h);
	h->t = t;
	for (unsigned int i = 0; i < 15; i++)
		assert_true(traffic_put(t));
	/* Take slots one after the other, so that each is gone before the driver asks for one. */
	while (t->in.n) {
		assert_true(e1000e_receive(&t->nic, 1, hog, h) >= 0);
		traffic_wait(&begun);
	}
	e1000e_stats(&t->nic, &stats);
	assert_true(stats.starved >= 15);
	/* The device has no buffer left. New frames wait in the device or on the wire. */
	assert_int_equal(live(t), RINGS + h->n);
	for (unsigned int i = 0; i < 5; i++)
		assert_true(traffic_put(t));
	assert_int_equal(traffic_receive(t, 20), 0);
	while (h->n)
		assert_int_equal(dmah_unmap(nic_device(t->n), &h->h[--h->n]), 0);
	traffic_received(t);
	assert_int_equal(live(t), RINGS + 15);
	free(h);
	traffic_close(t);
}

static bool bounces(const struct nic_config *machine)
{
	return machine->untrusted || !strcmp(machine->machine, "bounce");
}

/* ---- a device that does not end ---- */

static void stuck(const struct nic_config *machine)
{
	struct traffic *t = traffic_new(machine, &(struct traffic_config){ .seed = 7 });
	const enum nic_stuck what[] = { NIC_STUCK_MASTER, NIC_STUCK_RESET };
	int killed;

	t->driver.timeout_ns = SHORT_NS;
	assert_int_equal(traffic_init(t), 0);
	nic_stick(t->n, NIC_STUCK_LINK);
	assert_int_equal(e1000e_start(&t->nic), 0);
	assert_int_equal(e1000e_wait_link(&t->nic, SHORT_NS), DMAH_ETIMEDOUT);
	assert_false(e1000e_link(&t->nic));
	nic_stick(t->n, NIC_STUCK_NOTHING);
	assert_int_equal(e1000e_wait_link(&t->nic, NIC_WAIT_NS), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(traffic_transmit(t), 0);
		nic_stick(t->n, what[i]);
		/* The device may still write, so all buffers stay mapped. */
		assert_int_equal(e1000e_stop(&t->nic), DMAH_ETIMEDOUT);
		assert_true(live(t) > RINGS + 15);
	}
	t->out.n = 0;
	killed = dmah_kill(nic_device(t->n));
	assert_int_equal(killed, machine->iommu ? 0 : DMAH_ENOTSUP);
	assert_int_equal(e1000e_abandon(&t->nic), 0);
	assert_int_equal(live(t), RINGS);
	assert_int_equal(e1000e_fini(&t->nic), 0);
	nic_stick(t->n, NIC_STUCK_NOTHING);
	traffic_free(t);
}

static void start_by_ring(const struct nic_config *machine)
{
	start_without(machine, E1000E_RX_RING);
}

static void start_in_pages(const struct nic_config *machine)
{
	start_without(machine, E1000E_RX_PAGES);
}

static const struct traffic_case cases[] = {
	{ "configurations that make no sense", bad_config, NULL },
	{ "calls that make no sense", bad_calls, NULL },
	{ "a piece that cannot be mapped", piece_that_cannot_be_mapped, NULL },
	{ "a ring that cannot be filled", start_by_ring, NULL },
	{ "pages that cannot be mapped", start_in_pages, NULL },
	{ "allocations that fail, by ring", allocations_by_ring, NULL },
	{ "allocations that fail, in pages", allocations_in_pages, NULL },
	{ "no buffers for a while", starved, bounces },
	{ "a device that does not end", stuck, NULL },
};

int main(void)
{
	return traffic_main("e1000e errors", cases, sizeof(cases) / sizeof(cases[0]));
}
