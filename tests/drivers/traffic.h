/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Frames through the 82574's driver, of random length and content, each compared byte by byte at the other side. What is
 * expected is kept here, and never read back from the driver.
 */
#ifndef DMAH_TESTS_TRAFFIC_H
#define DMAH_TESTS_TRAFFIC_H

#include "e1000e.h"
#include "nic.h"

/** TRAFFIC_FRAMES - frames that can be under way in one direction; TRAFFIC_SPARE - buffers beside the device's. */
#define TRAFFIC_FRAMES 1024u
#define TRAFFIC_SPARE  8u

/** TRAFFIC_LEAST - bytes of the shortest frame on the wire, without its CRC. */
#define TRAFFIC_LEAST 60u

/** struct traffic_frame - a frame that is under way. @maybe: it may be lost. */
struct traffic_frame {
	uint32_t len;
	bool maybe;
	uint8_t bytes[E1000E_FRAME];
};

/** struct traffic_queue - frames that are, in order. */
struct traffic_queue {
	struct traffic_frame *frame;
	unsigned int first;
	unsigned int n;
};

/** struct traffic_config - zero: a ring of mappings, 16 descriptors each way, the device's own address and broadcasts. */
struct traffic_config {
	enum e1000e_rx_mode rx;
	unsigned int entries;
	bool promiscuous;
	uint64_t seed;
};

/**
 * struct traffic - a driver and its two sides.
 * @n: the machine.
 * @nic: the driver.
 * @config: what it was opened with.
 * @driver: what the driver was given.
 * @memory: the driver's.
 * @random: the state of the random numbers.
 * @spare: receive buffers that the device does not have.
 * @in: frames on their way to the driver; @out: to the wire.
 * @tx: memory of frames to be sent, a piece of 2 KiB each; @busy: which are not the CPU's.
 * @received, @sent: frames that arrived, and that were reported as sent.
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

/** traffic_new() - all of it but the driver. */
struct traffic *traffic_new(const struct nic_config *machine, const struct traffic_config *config);

/** traffic_open() - and the driver, started, its link up. */
struct traffic *traffic_open(const struct nic_config *machine, const struct traffic_config *config);

/** traffic_init() - the driver's init alone. Return: what it says. */
int traffic_init(struct traffic *t);

/** traffic_close() - stop, end, and close the machine. Nothing may be under way. */
void traffic_close(struct traffic *t);

/** traffic_free() - the same without the driver, which is ended. */
void traffic_free(struct traffic *t);

uint32_t traffic_random(struct traffic *t, uint32_t below);

/**
 * traffic_many() - @usual, or as many as DMAH_QEMU_OPS says: at bench length. Half of it where DMAH_TEST_OPS says that all
 *	is slow. @bench: where to say whether it is at bench length; may be NULL.
 */
unsigned int traffic_many(unsigned int usual, bool *bench);

/** traffic_make() - a frame for the device, of random length and content, or of @len bytes where that is not 0. */
void traffic_make(struct traffic *t, struct traffic_frame *frame, uint32_t len);

/** traffic_put() - one onto the wire. Return: whether it is on its way; then it is expected. */
bool traffic_put(struct traffic *t);

/** traffic_put_in_vain() - one while the device does not receive: it is lost, or comes later. */
void traffic_put_in_vain(struct traffic *t);

/** traffic_receive() - what the driver has for us, each compared. Return: frames. */
unsigned int traffic_receive(struct traffic *t, unsigned int budget);

/** traffic_received() - receive until nothing is expected any more. */
void traffic_received(struct traffic *t);

/** traffic_expect() - a frame that arrived is the next one expected. */
void traffic_expect(struct traffic *t, const uint8_t *bytes, uint32_t len);

/** traffic_transmit() - a random frame in 1 to 4 pieces, queued. Return: what the driver says; DMAH_ENOSPC too: no memory. */
int traffic_transmit(struct traffic *t);

/** traffic_sent() - kick, and wait until all is at the other side, compared, and reported as sent. */
void traffic_sent(struct traffic *t);

/** traffic_wait() - fails the test where it waited for longer than NIC_WAIT_NS. @begun: of the first call, 0 before. */
void traffic_wait(uint64_t *begun);

/**
 * struct traffic_case - a test for each configuration of the machine.
 * @applies: for which; NULL: all.
 */
struct traffic_case {
	const char *name;
	void (*run)(const struct nic_config *machine);
	bool (*applies)(const struct nic_config *machine);
};

/** traffic_main() - run @n cases; what main() returns. */
int traffic_main(const char *group, const struct traffic_case *cases, size_t n);

#endif /* DMAH_TESTS_TRAFFIC_H */
