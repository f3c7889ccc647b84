/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The driver of the 82574: frames in both directions, on every configuration of the machine that
 * this program is linked with.
 */
#include "traffic.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

/* ---- frames ---- */

static void address_and_link(const struct nic_config *machine)
{
	struct traffic *t = traffic_open(machine, &(struct traffic_config){ 0 });
	const uint8_t mac[6] = NIC_MAC;

	assert_memory_equal(t->nic.mac, mac, 6);
	assert_true(e1000e_link(&t->nic));
	traffic_close(t);
}

/* Send many frames at a time, so that completions come together and the queue wraps. */
static void transmit(const struct nic_config *machine)
{
	struct traffic *t = traffic_open(machine, &(struct traffic_config){ .seed = 1 });
	unsigned int queued = 0, full = 0, frames;
	uint64_t begun = dmah_host_now();
	struct e1000e_stats stats;
	bool bench;

	frames = traffic_many(600, &bench);
	while (queued < frames) {
		unsigned int burst = 1 + traffic_random(t, 10);
		int err = 0;

		for (unsigned int k = 0; k < burst && !err; k++) {
			err = traffic_transmit(t);
			assert_true(!err || err == DMAH_ENOSPC);
			full += err != 0;
			queued += !err;
		}
		if (traffic_random(t, 3))
			traffic_sent(t);
		else
			e1000e_kick(&t->nic);
	}
	traffic_sent(t);
	if (bench)
		print_message("# %s, transmit: %.0f frames/s\n", machine->name,
			      queued * 1e9 / (double)(dmah_host_now() - begun));
	assert_int_equal(t->sent, queued);
	assert_true(full > 0);
	e1000e_stats(&t->nic, &stats);
	assert_int_equal(stats.sent, queued);
	traffic_close(t);
}

static void receive(const struct nic_config *machine, enum e1000e_rx_mode rx)
{
	struct traffic *t = traffic_open(
		machine, &(struct traffic_config){ .rx = rx, .promiscuous = true, .seed = 2 });
	unsigned int put = 0, frames;
	struct e1000e_stats stats;
	uint64_t begun = dmah_host_now();
	bool bench;

	frames = traffic_many(300, &bench);
	while (put < frames) {
		unsigned int burst = 1 + traffic_random(t, 9);

		while (burst-- && traffic_put(t))
			put++;
		traffic_received(t);
	}
	if (bench)
		print_message("# %s, receive %s: %.0f frames/s\n", machine->name,
			      rx == E1000E_RX_RING ? "by ring" : "in pages",
			      put * 1e9 / (double)(dmah_host_now() - begun));
	e1000e_stats(&t->nic, &stats);
	assert_int_equal(t->received, put);
	assert_int_equal(stats.received, put);
	assert_int_equal(stats.bad, 0);
	assert_int_equal(stats.missed, 0);
	traffic_close(t);
}

static void receive_by_ring(const struct nic_config *machine)
{
	receive(machine, E1000E_RX_RING);
}

static void receive_in_pages(const struct nic_config *machine)
{
	receive(machine, E1000E_RX_PAGES);
}

/* Send and receive in random order. */
static void both_ways(const struct nic_config *machine, enum e1000e_rx_mode rx)
{
	struct traffic *t = traffic_open(
		machine, &(struct traffic_config){ .rx = rx, .entries = 32, .seed = 3 });

	for (unsigned int i = traffic_many(600, NULL); i; i--) {
		switch (traffic_random(t, 6)) {
		case 0:
		case 1:
			(void)traffic_put(t);
			break;
		case 2:
		case 3:
			(void)traffic_transmit(t);
			break;
		case 4:
			traffic_receive(t, traffic_random(t, 20));
			break;
		default:
			traffic_sent(t);
			break;
		}
	}
	traffic_sent(t);
	traffic_received(t);
	assert_true(t->received > 40);
	assert_true(t->sent > 40);
	traffic_close(t);
}

static void both_ways_by_ring(const struct nic_config *machine)
{
	both_ways(machine, E1000E_RX_RING);
}

static void both_ways_in_pages(const struct nic_config *machine)
{
	both_ways(machine, E1000E_RX_PAGES);
}

/*
 * Send more frames than the device has descriptors: it counts those it drops; the rest comes in
 * order.
 */
static void storm(const struct nic_config *machine)
{
	struct traffic *t = traffic_open(machine, &(struct traffic_config){ .seed = 4 });
	unsigned int put = 0, refused = 0;
	struct e1000e_stats stats;

	for (unsigned int i = 0; i < 6; i++) {
		for (unsigned int k = 0; k < 300; k++) {
			if (traffic_put(t))
				put++;
			else
				refused++;
		}
		traffic_received(t);
	}
	e1000e_stats(&t->nic, &stats);
	assert_true(put > 150);
	assert_true(refused > 0);
	assert_int_equal(t->received, put);
	assert_int_equal(stats.missed, nic_wire_waits ? 0 : refused);
	traffic_close(t);
}

/*
 * Stopping drops the frames that are under way and unmaps them. The driver starts again as if new.
 */
static void stop_and_start(const struct nic_config *machine)
{
	struct traffic *t = traffic_open(machine, &(struct traffic_config){ .seed = 5 });

	/* Only the mappings of the two descriptor rings stay. */
	for (unsigned int i = 0; i < 12; i++) {
		while (!traffic_transmit(t))
			;
		/* Without a kick the other side gets none of these frames. */
		t->out.n = 0;
		memset(t->busy, 0, sizeof(t->busy));
		assert_int_equal(e1000e_stop(&t->nic), 0);
		assert_int_equal(dmah_device_live(nic_device(t->n)), 2);
		traffic_put_in_vain(t);
		assert_int_equal(e1000e_stop(&t->nic), 0);
		assert_int_equal(e1000e_start(&t->nic), 0);
		assert_int_equal(e1000e_wait_link(&t->nic, NIC_WAIT_NS), 0);
		assert_true(traffic_put(t));
		assert_int_equal(traffic_transmit(t), 0);
		traffic_received(t);
		traffic_sent(t);
	}
	traffic_close(t);
}

static const struct traffic_case cases[] = {
	{ "address and link", address_and_link, NULL },
	{ "transmit", transmit, NULL },
	{ "receive by ring", receive_by_ring, NULL },
	{ "receive in pages", receive_in_pages, NULL },
	{ "both ways by ring", both_ways_by_ring, NULL },
	{ "both ways in pages", both_ways_in_pages, NULL },
	{ "storm", storm, NULL },
	{ "stop and start", stop_and_start, NULL },
};

int main(void)
{
	return traffic_main("e1000e", cases, sizeof(cases) / sizeof(cases[0]));
}
