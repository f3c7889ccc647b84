/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The 82574's model, by its registers and descriptors alone. Numbers are those of the datasheet, chapters 7 and 10: no
 * driver is here.
 */
#include "t.h"

#include "posix.h"
#include "sim_e1000e.h"

#define CTRL   0x0000u
#define STATUS 0x0008u
#define RCTL   0x0100u
#define RFCTL  0x5008u
#define TCTL   0x0400u
#define MPC    0x4010u
#define RX     0x2800u
#define TX     0x3800u

/* Addresses of the test's rings and buffers, without IOMMU. */
#define RING  0x40100000u
#define SPACE 0x40200000u
#define SLOTS 8u

static const uint8_t mac[6] = { 2, 4, 6, 8, 10, 12 };
static struct sim *sim;
static struct sim_e1000e *nic;

static uint32_t rd(uint32_t reg)
{
	return dmah_host_read32((volatile uint8_t *)sim_e1000e_regs(nic) + reg);
}

static void wr(uint32_t reg, uint32_t value)
{
	dmah_host_write32((volatile uint8_t *)sim_e1000e_regs(nic) + reg, value);
}

static void put64(uint64_t phys, uint64_t value)
{
	sim_cpu_write(sim, phys, &value, 8);
}

static uint64_t get64(uint64_t phys)
{
	uint64_t value;

	sim_cpu_read(sim, phys, &value, 8);
	return value;
}

static int open_nic(void **state)
{
	struct sim_config config;

	(void)state;
	assert_true(sim_config_named("direct", &config));
	sim = sim_create(&config);
	assert_non_null(sim);
	nic = sim_e1000e_add(sim, &(struct sim_device_config){ .name = "nic", .id = 8 }, mac);
	assert_non_null(nic);
	return 0;
}

static int close_nic(void **state)
{
	(void)state;
	sim_e1000e_remove(nic);
	sim_destroy(sim);
	return 0;
}

static void ring(uint32_t at)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		put64(RING + 16 * i, SPACE + 4096 * i);
		put64(RING + 16 * i + 8, 0);
	}
	wr(at, RING);
	wr(at + 4, 0);
	wr(at + 8, SLOTS * 16);
	wr(at + 0x10, 0);
	wr(at + 0x18, 0);
}

static void link_up(void)
{
	wr(CTRL, rd(CTRL) | 1u << 6);
	for (unsigned int i = 0; i < 10 && !(rd(STATUS) & 2); i++)
		;
	assert_true(rd(STATUS) & 2);
}

static void frame_to(uint8_t *frame, const uint8_t *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(i * 7 + 1);
	memcpy(frame, to, 6);
}

/* ---- registers ---- */

static const char *misuse;

static void note_misuse(void *ctx, const char *what)
{
	(void)ctx;
	misuse = what;
}

static void registers(void **state)
{
	(void)state;
	assert_int_equal(rd(0x5400), 0x08060402);
	assert_int_equal(rd(0x5404), 0x80000c0a);
	/* Low bits that are always zero. */
	wr(RX, 0x1234567f);
	assert_int_equal(rd(RX), 0x12345670);
	wr(RX + 8, 0xfffff);
	assert_int_equal(rd(RX + 8), 0xfff80);
	posix_set_misuse(note_misuse, NULL);
	(void)rd(0x1234);
	assert_non_null(misuse);
	misuse = NULL;
	wr(0x1f000, 1);
	assert_non_null(misuse);
	misuse = NULL;
	dmah_host_write64((volatile uint8_t *)sim_e1000e_regs(nic) + RX, 1);
	assert_non_null(misuse);
	posix_set_misuse(NULL, NULL);
}

static void reset(void **state)
{
	struct sim_e1000e_stats stats;

	(void)state;
	wr(RX, 0x1000);
	wr(CTRL, rd(CTRL) | 1u << 26);
	/* It takes a while, and takes no writes in that while. */
	wr(RX, 0x2000);
	assert_true(rd(CTRL) & 1u << 26);
	for (unsigned int i = 0; i < 10 && (rd(CTRL) & 1u << 26); i++)
		;
	assert_false(rd(CTRL) & 1u << 26);
	assert_int_equal(rd(RX), 0);
	sim_e1000e_stats(nic, &stats);
	assert_int_equal(stats.resets, 1);
	assert_int_equal(stats.unquiet, 1);
	/* 3.1.3.10: first the master is disabled. */
	wr(CTRL, rd(CTRL) | 1u << 2);
	assert_true(rd(STATUS) & 1u << 19);
	for (unsigned int i = 0; i < 10 && (rd(STATUS) & 1u << 19); i++)
		;
	assert_false(rd(STATUS) & 1u << 19);
	wr(CTRL, rd(CTRL) | 1u << 26);
	sim_e1000e_stats(nic, &stats);
	assert_int_equal(stats.unquiet, 1);
}

/* ---- receive ---- */

static void legacy_with_crc(void **state)
{
	uint8_t frame[100], got[104];

	(void)state;
	link_up();
	ring(RX);
	wr(RCTL, 1u << 1);
	wr(RX + 0x18, 7);
	frame_to(frame, mac, sizeof(frame));
	assert_true(sim_e1000e_arrive(nic, frame, sizeof(frame)));
	assert_int_equal(get64(RING + 8) & 0xffff, 104);
	assert_int_equal(get64(RING + 8) >> 32 & 0xff, 3);
	sim_cpu_read(sim, SPACE, got, sizeof(got));
	assert_memory_equal(got, frame, sizeof(frame));
	/* The remainder over frame and CRC is what IEEE 802.3 says, least significant bit first. */
	{
		uint32_t crc = ~0u;

		for (unsigned int i = 0; i < sizeof(got); i++) {
			crc ^= got[i];
			for (unsigned int bit = 0; bit < 8; bit++)
				crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
		}
		assert_int_equal(crc, 0xdebb20e3);
	}
	assert_int_equal(rd(RX + 0x10), 1);
}

static void extended_in_parts(void **state)
{
	uint8_t frame[1500], got[1500];

	(void)state;
	link_up();
	ring(RX);
	wr(RFCTL, 1u << 15);
	/* Buffers of 512 bytes, CRC stripped. */
	wr(RCTL, 1u << 1 | 2u << 16 | 1u << 26);
	/* One without a buffer between them: DD, and all else as it was (7.1.7.2). */
	put64(RING + 16, 0);
	put64(RING + 24, 0xabcd000000000000);
	wr(RX + 0x18, 7);
	frame_to(frame, mac, sizeof(frame));
	assert_true(sim_e1000e_arrive(nic, frame, sizeof(frame)));
	assert_int_equal(get64(RING + 8), 1 | 512ull << 32);
	assert_true(get64(RING + 24) == 0xabcd000000000001);
	assert_int_equal(get64(RING + 40), 1 | 512ull << 32);
	assert_int_equal(get64(RING + 56), 3 | 476ull << 32);
	sim_cpu_read(sim, SPACE, got, 512);
	sim_cpu_read(sim, SPACE + 2 * 4096, got + 512, 512);
	sim_cpu_read(sim, SPACE + 3 * 4096, got + 1024, 476);
	assert_memory_equal(got, frame, sizeof(frame));
}

static void filters(void **state)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t other[6] = { 2, 4, 6, 8, 10, 13 };
	static const uint8_t group[6] = { 1, 0, 0x5e, 0, 0, 0 };
	uint8_t frame[1519];

	(void)state;
	link_up();
	ring(RX);
	for (unsigned int i = 0; i < 128; i++)
		wr(0x5200 + 4 * i, 0);
	frame_to(frame, mac, sizeof(frame));
	assert_false(sim_e1000e_arrive(nic, frame, 60));
	wr(RCTL, 1u << 1);
	assert_true(sim_e1000e_arrive(nic, frame, 60));
	assert_true(sim_e1000e_arrive(nic, frame, 1518));
	assert_false(sim_e1000e_arrive(nic, frame, 59));
	assert_false(sim_e1000e_arrive(nic, frame, 1519));
	frame_to(frame, all, sizeof(frame));
	assert_false(sim_e1000e_arrive(nic, frame, 60));
	frame_to(frame, other, sizeof(frame));
	assert_false(sim_e1000e_arrive(nic, frame, 60));
	frame_to(frame, group, sizeof(frame));
	assert_false(sim_e1000e_arrive(nic, frame, 60));
	wr(RCTL, 1u << 1 | 1u << 3 | 1u << 4 | 1u << 5);
	assert_true(sim_e1000e_arrive(nic, frame, 1519));
	frame_to(frame, other, sizeof(frame));
	assert_true(sim_e1000e_arrive(nic, frame, 60));
	wr(RCTL, 1u << 1 | 1u << 15);
	frame_to(frame, all, sizeof(frame));
	assert_true(sim_e1000e_arrive(nic, frame, 60));
	wr(CTRL, rd(CTRL) & ~(1u << 6));
	(void)rd(STATUS);
	assert_false(sim_e1000e_arrive(nic, frame, 60));
}

/* Frames wait for descriptors, as many as fit the FIFO; the rest is missed and counted. */
static void fifo(void **state)
{
	struct sim_e1000e_stats stats;
	unsigned int taken = 0;
	uint8_t frame[1000];

	(void)state;
	link_up();
	ring(RX);
	wr(RCTL, 1u << 1);
	frame_to(frame, mac, sizeof(frame));
	for (unsigned int i = 0; i < 40; i++)
		taken += sim_e1000e_arrive(nic, frame, sizeof(frame));
	assert_int_equal(taken, 20480 / 1004);
	assert_int_equal(rd(MPC), 40 - taken);
	assert_int_equal(rd(MPC), 0);
	wr(RX + 0x18, 7);
	sim_e1000e_stats(nic, &stats);
	assert_int_equal(stats.received, 7);
	assert_int_equal(stats.fifo, (taken - 7) * 1004);
}

/* A refused read stops a queue; a refused write has no effect. */
static void faults(void **state)
{
	struct sim_e1000e_stats stats;
	uint8_t frame[100];

	(void)state;
	link_up();
	ring(RX);
	put64(RING, 0xdead000000000000);
	wr(RCTL, 1u << 1);
	wr(RX + 0x18, 7);
	frame_to(frame, mac, sizeof(frame));
	assert_true(sim_e1000e_arrive(nic, frame, sizeof(frame)));
	assert_int_equal(get64(RING + 8) >> 32 & 0xff, 3);
	assert_int_equal(sim_fault_count(sim), 1);
	wr(RX + 4, 0xdead);
	assert_true(sim_e1000e_arrive(nic, frame, sizeof(frame)));
	assert_true(sim_e1000e_arrive(nic, frame, sizeof(frame)));
	sim_e1000e_stats(nic, &stats);
	assert_int_equal(stats.stopped, 1);
	assert_int_equal(stats.refused, 2);
}

/* ---- transmit ---- */

static void transmit(void **state)
{
	uint8_t frame[60] = { 0 }, got[2000];

	(void)state;
	frame_to(frame, mac, 20);
	sim_cpu_write(sim, SPACE, frame, 10);
	sim_cpu_write(sim, SPACE + 4096, frame + 10, 10);
	ring(TX);
	put64(RING + 8, 10);
	put64(RING + 24, 10 | 0xbull << 24);
	wr(TCTL, 1u << 1 | 1u << 3);
	wr(TX + 0x18, 2);
	/* Not before the link is up. */
	assert_int_equal(sim_e1000e_sent(nic, got, sizeof(got)), 0);
	link_up();
	assert_int_equal(sim_e1000e_sent(nic, got, sizeof(got)), 60);
	assert_memory_equal(got, frame, 60);
	/* Only where a report was asked for. */
	assert_int_equal(get64(RING + 8) >> 32, 0);
	assert_int_equal(get64(RING + 24) >> 32, 1);
	assert_int_equal(rd(TX + 0x10), 2);
	/* A frame with a wrong CRC is dropped. */
	put64(RING + 40, 100 | 0x9ull << 24);
	wr(TX + 0x18, 3);
	assert_int_equal(sim_e1000e_sent(nic, got, sizeof(got)), 0);
	assert_int_equal(get64(RING + 40) >> 32, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(registers, open_nic, close_nic),
		cmocka_unit_test_setup_teardown(reset, open_nic, close_nic),
		cmocka_unit_test_setup_teardown(legacy_with_crc, open_nic, close_nic),
		cmocka_unit_test_setup_teardown(extended_in_parts, open_nic, close_nic),
		cmocka_unit_test_setup_teardown(filters, open_nic, close_nic),
		cmocka_unit_test_setup_teardown(fifo, open_nic, close_nic),
		cmocka_unit_test_setup_teardown(faults, open_nic, close_nic),
		cmocka_unit_test_setup_teardown(transmit, open_nic, close_nic),
	};

	return cmocka_run_group_tests_name("e1000e model", tests, NULL, NULL);
}
