/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Behaviour that only the simulated 82574 can show: false lengths and errors, delayed sending, and
 * an IOMMU that hangs.
 */
#include "nic_sim.h"
#include "traffic.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static void receive_one(struct traffic *t)
{
	assert_true(traffic_put(t));
	traffic_received(t);
}

/* Frames with a bad length, an error or no end are dropped; the frame after them is received. */
static void lies(const struct nic_config *machine, enum e1000e_rx_mode rx)
{
	static const struct sim_e1000e_lie lie[] = {
		{ .length = E1000E_BUFFER + 1 }, /* longer than the buffer */
		{ .length = 0xffff },
		{ .set = 1u << 24 }, /* CRC error */
		{ .set = 1u << 31 }, /* receive data error */
	};
	struct traffic *t = traffic_open(machine, &(struct traffic_config){ .rx = rx, .seed = 1 });
	struct traffic_frame frame;
	struct e1000e_stats stats;

	for (unsigned int i = 0; i < 40; i++) {
		sim_e1000e_lie(nic_model(t->n), &lie[i % 4]);
		traffic_make(t, &frame, 0);
		assert_true(nic_put(t->n, frame.bytes, frame.len));
		assert_int_equal(traffic_receive(t, 4), 1);
		assert_int_equal(t->received, i);
		receive_one(t);
	}
	e1000e_stats(&t->nic, &stats);
	assert_int_equal(stats.bad, 40);
	/* A descriptor without the end of its frame, then the end: one bad frame. */
	for (unsigned int i = 0; i < 10; i++) {
		sim_e1000e_lie(nic_model(t->n), &(struct sim_e1000e_lie){ .clear = 2 });
		for (unsigned int k = 0; k < 2; k++) {
			traffic_make(t, &frame, 0);
			assert_true(nic_put(t->n, frame.bytes, frame.len));
		}
		assert_int_equal(traffic_receive(t, 4), 2);
		receive_one(t);
	}
	e1000e_stats(&t->nic, &stats);
	assert_int_equal(stats.bad, 50);
	assert_int_equal(t->received, 50);
	traffic_close(t);
}

static void lies_by_ring(const struct nic_config *machine)
{
	lies(machine, E1000E_RX_RING);
}

static void lies_in_pages(const struct nic_config *machine)
{
	lies(machine, E1000E_RX_PAGES);
}

static void nobody(void *ctx, void *cookie)
{
	(void)ctx;
	(void)cookie;
	fail();
}

/*
 * No frame is reported as sent or unmapped before the device has sent it; then all are, together.
 */
static void held(const struct nic_config *machine)
{
	struct traffic *t =
		traffic_open(machine, &(struct traffic_config){ .entries = 128, .seed = 2 });
	struct dmah_stats before, after;

	for (unsigned int i = 0; i < 5; i++) {
		unsigned int frames = 0;
		uint64_t live;

		sim_e1000e_hold(nic_model(t->n), true);
		while (!traffic_transmit(t))
			frames++;
		assert_true(frames > 30);
		e1000e_kick(&t->nic);
		live = dmah_device_live(nic_device(t->n));
		assert_int_equal(e1000e_reap(&t->nic, nobody, NULL), 0);
		assert_int_equal(dmah_device_live(nic_device(t->n)), live);
		dmah_device_stats(nic_device(t->n), &before);
		sim_e1000e_hold(nic_model(t->n), false);
		traffic_sent(t);
		dmah_device_stats(nic_device(t->n), &after);
		/* Each batch needs one wait, not one for each mapping. */
		if (machine->iommu)
			assert_true(after.waits - before.waits <= 127 / (E1000E_BATCH - 3) + 1);
	}
	/* Stopping drops these frames. */
	sim_e1000e_hold(nic_model(t->n), true);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(traffic_transmit(t), 0);
	e1000e_kick(&t->nic);
	assert_int_equal(e1000e_stop(&t->nic), 0);
	assert_int_equal(dmah_device_live(nic_device(t->n)), 2);
	t->out.n = 0;
	sim_e1000e_hold(nic_model(t->n), false);
	assert_int_equal(e1000e_fini(&t->nic), 0);
	traffic_free(t);
}

static dmah_phys_t nothing(void *ctx, dmah_phys_t phys, uint32_t len)
{
	(void)ctx;
	(void)len;
	fail();
	return phys;
}

/* After an unmap that is not confirmed no frame is passed on, and only e1000e_stop() works. */
static void hung(const struct nic_config *machine, bool rx)
{
	struct traffic *t = traffic_open(machine, &(struct traffic_config){ .seed = 3 });
	struct unit *unit = nic_unit(t->n);

	if (rx)
		assert_true(traffic_put(t));
	else
		assert_int_equal(traffic_transmit(t), 0);
	e1000e_kick(&t->nic);
	unit_hold(unit, true);
	if (rx)
		assert_int_equal(e1000e_receive(&t->nic, 4, nothing, t), DMAH_ETIMEDOUT);
	else
		assert_int_equal(e1000e_reap(&t->nic, nobody, NULL), DMAH_ETIMEDOUT);
	assert_int_equal(e1000e_receive(&t->nic, 4, nothing, t), DMAH_ETIMEDOUT);
	assert_int_equal(e1000e_reap(&t->nic, nobody, NULL), DMAH_ETIMEDOUT);
	assert_int_equal(traffic_transmit(t), DMAH_ETIMEDOUT);
	assert_int_equal(e1000e_stop(&t->nic), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_device_live(nic_device(t->n)), 2);
	/* The unit that hangs is reported once, not once for each call that fails. */
	assert_int_equal(nic_reports(t->n), 1);
	unit_hold(unit, false);
	assert_int_equal(dmah_flush(nic_domain(t->n)), 0);
	assert_int_equal(e1000e_fini(&t->nic), 0);
	t->in.n = 0;
	t->out.n = 0;
	if (!rx) {
		uint8_t frame[E1000E_FRAME];

		assert_int_not_equal(nic_get(t->n, frame, sizeof(frame)), 0);
	}
	traffic_free(t);
}

static void hung_receiving(const struct nic_config *machine)
{
	hung(machine, true);
}

static void hung_sending(const struct nic_config *machine)
{
	hung(machine, false);
}

static bool waits(const struct nic_config *machine)
{
	return machine->iommu && machine->mode == DMAH_STRICT;
}

static const struct traffic_case cases[] = {
	{ "lies, by ring", lies_by_ring, NULL },
	{ "lies, in pages", lies_in_pages, NULL },
	{ "frames that are put off", held, NULL },
	{ "an IOMMU that hangs, receiving", hung_receiving, waits },
	{ "an IOMMU that hangs, sending", hung_sending, waits },
};

int main(void)
{
	return traffic_main("e1000e sim", cases, sizeof(cases) / sizeof(cases[0]));
}
