/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Frames of random length and content through the 82574's driver, each compared byte by byte at the
 * other side. The expected bytes are kept here, and never read back from the driver.
 */
#ifndef DMAH_TESTS_TRAFFIC_H
#define DMAH_TESTS_TRAFFIC_H

#include "e1000e.h"
#include "nic.h"

/**
 * TRAFFIC_FRAMES - most frames under way in one direction; TRAFFIC_SPARE - spare receive buffers.
 */
#define TRAFFIC_FRAMES 1024u
#define TRAFFIC_SPARE  8u

/** TRAFFIC_LEAST - bytes of the shortest frame on the wire, without its CRC. */
#define TRAFFIC_LEAST 60u

/** struct traffic_frame - a frame under way. @maybe: the frame may be lost. */
struct traffic_frame {
	uint32_t len;
	bool maybe;
	uint8_t bytes[E1000E_FRAME];
};

/** struct traffic_queue - frames under way in one direction, in order. */
struct traffic_queue {
	struct traffic_frame *frame;
	unsigned int first;
	unsigned int n;
};

/**
 * struct traffic_config - settings of the driver. All zero: a ring of mappings, 16 descriptors in
 * each
 *	direction, frames for the device's own address and broadcasts only.
 */
struct traffic_config {
	enum e1000e_rx_mode rx;
	unsigned int entries;
	bool promiscuous;
	uint64_t seed;
};

/**
 * struct traffic - a driver under test, and the frames in both directions.
 * @n: the machine.
 * @nic: the driver.
 * @config: settings passed to traffic_open() or traffic_new().
 * @driver: configuration passed to the driver.
 * @memory: memory passed to the driver.
 * @random: state of the random numbers.
 * @spare: receive buffers that the device does not own.
 * @in: frames on their way to the driver; @out: frames on their way to the wire.
 * @tx: memory of frames to send, 2 KiB each; @busy: frames that the device still owns.
 * @received: number of frames received; @sent: number of frames reported as sent.
 */
struct traffic {
	struct nic *n;
	struct e1000e nic;
	struct traffic_config config;
	struct e1000e_config driver;
	void *memory;
	uint64_t random;
	dmah_phys_t spare[TRAFFIC_SPARE];
	struct traffic_queue in;
	struct traffic_queue out;
	dmah_phys_t tx;
	bool busy[TRAFFIC_FRAMES];
	unsigned int received;
	unsigned int sent;
};

/** traffic_new() - set everything up except the driver. */
struct traffic *traffic_new(const struct nic_config *machine, const struct traffic_config *config);

/** traffic_open() - set everything up, start the driver, and wait for the link. */
struct traffic *traffic_open(const struct nic_config *machine, const struct traffic_config *config);

/** traffic_init() - call e1000e_init() only. Return: its result. */
int traffic_init(struct traffic *t);

/** traffic_close() - stop and end the driver, and close the machine. No frame may be under way. */
void traffic_close(struct traffic *t);

/** traffic_free() - close the machine after the driver has ended. */
void traffic_free(struct traffic *t);

uint32_t traffic_random(struct traffic *t, uint32_t below);

/**
 * traffic_many() - number of operations of a long test: DMAH_QEMU_OPS if that is set (bench
 *	length); otherwise @usual, or half of @usual if DMAH_TEST_OPS is set. @bench: set to true at
 *	bench length; may be NULL.
 */
unsigned int traffic_many(unsigned int usual, bool *bench);

/** traffic_make() - make a frame for the device, of random content. @len: its bytes; 0: random. */
void traffic_make(struct traffic *t, struct traffic_frame *frame, uint32_t len);

/**
 * traffic_put() - put a frame onto the wire. Return: true if it is on its way, and then expected.
 */
bool traffic_put(struct traffic *t);

/**
 * traffic_put_in_vain() - put a frame onto the wire while the device does not receive: it may be
 *	lost.
 */
void traffic_put_in_vain(struct traffic *t);

/**
 * traffic_receive() - receive frames from the driver, and compare each. Return: number of frames.
 */
unsigned int traffic_receive(struct traffic *t, unsigned int budget);

/** traffic_received() - receive until all expected frames have arrived. */
void traffic_received(struct traffic *t);

/** traffic_expect() - check that a received frame is the next expected one. */
void traffic_expect(struct traffic *t, const uint8_t *bytes, uint32_t len);

/**
 * traffic_transmit() - queue a random frame in 1 to 4 pieces. Return: the result of
 *	e1000e_transmit(); also DMAH_ENOSPC if no memory for a frame is free.
 */
int traffic_transmit(struct traffic *t);

/**
 * traffic_sent() - kick, then wait until every frame has arrived, is compared and reported as sent.
 */
void traffic_sent(struct traffic *t);

/** traffic_wait() - fail the test after nic_polls calls, or NIC_WAIT_NS. @begun: 0 before the first call. */
void traffic_wait(uint64_t *begun);

/**
 * struct traffic_case - a test that runs on each configuration of the machine.
 * @applies: returns true for the configurations to run on; NULL: all.
 */
struct traffic_case {
	const char *name;
	void (*run)(const struct nic_config *machine);
	bool (*applies)(const struct nic_config *machine);
};

/** traffic_main() - run @n cases. Return: the exit status for main(). */
int traffic_main(const char *group, const struct traffic_case *cases, size_t n);

#endif /* DMAH_TESTS_TRAFFIC_H */
