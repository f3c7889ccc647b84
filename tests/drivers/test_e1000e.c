/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The driver of the 82574: frames both ways, on every configuration of the machine that it is linked with.
 */
#include "traffic.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Many frames at a time, so that completions come together; the queue wraps. */
static void transmit(const struct nic_config *machine)
{
	struct traffic *t = traffic_open(machine, &(struct traffic_config){ .seed = 1 });
	unsigned int queued = 0, full = 0;
	struct e1000e_stats stats;

	for (unsigned int i = 0; i < 120; i++) {
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
	struct e1000e_stats stats;
	unsigned int put = 0;

	while (put < 300) {
		unsigned int burst = 1 + traffic_random(t, 9);

		while (burst-- && traffic_put(t))
			put++;
		traffic_received(t);
	}
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

/* Both directions in any order. */
static void both_ways(const struct nic_config *machine, enum e1000e_rx_mode rx)
{
	struct traffic *t = traffic_open(
		machine, &(struct traffic_config){ .rx = rx, .entries = 32, .seed = 3 });

	for (unsigned int i = 0; i < 500; i++) {
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
	assert_true(t->received > 64);
	assert_true(t->sent > 64);
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

static const struct {
	const char *name;
	void (*run)(const struct nic_config *machine);
} cases[] = {
	{ "address and link", address_and_link },   { "transmit", transmit },
	{ "receive by ring", receive_by_ring },	    { "receive in pages", receive_in_pages },
	{ "both ways by ring", both_ways_by_ring }, { "both ways in pages", both_ways_in_pages },
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static void run(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;

	cases[i % CASES].run(&nic_configs[i / CASES]);
}

int main(void)
{
	struct CMUnitTest *tests = calloc(CASES * nic_nconfigs, sizeof(*tests));
	char(*name)[96] = calloc(CASES * nic_nconfigs, sizeof(*name));
	int failed;

	if (!tests || !name)
		return 1;
	for (size_t i = 0; i < CASES * nic_nconfigs; i++) {
		snprintf(name[i], sizeof(*name), "%s: %s", cases[i % CASES].name,
			 nic_configs[i / CASES].name);
		tests[i] = (struct CMUnitTest){ .name = name[i],
						.test_func = run,
						.initial_state = (void *)(uintptr_t)i };
	}
	failed = _cmocka_run_group_tests("e1000e", tests, CASES * nic_nconfigs, NULL, NULL);
	free(tests);
	free(name);
	return failed;
}
