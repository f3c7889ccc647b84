/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A test of the NVMe driver: its memory, its copy of the disk, and requests. */
#ifndef DMAH_TESTS_DRIVERS_NVME_TEST_H
#define DMAH_TESTS_DRIVERS_NVME_TEST_H

#include "nvme_rig.h"

#include "nvme_int.h"
#include "posix.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#define KIB	1024u
#define BUFFER	(6144u * KIB) /* bytes of memory for a test */
#define TIMEOUT 5000000000u /* longer than any wait */

/**
 * T_OWN_MAPPINGS - mappings besides requests: queues, the page for identify data, and PRP lists.
 */
#define T_OWN_MAPPINGS 6u

/**
 * struct t - a test.
 * @rig: the machine.
 * @nvme: the driver.
 * @buffer: memory of BUFFER bytes.
 * @disk: the bytes that the disk should hold.
 * @bytes: BUFFER bytes to work with.
 * @random: state of t_any().
 */
struct t {
	struct rig *rig;
	struct nvme nvme;
	dmah_phys_t buffer;
	uint8_t *disk;
	uint8_t *bytes;
	uint64_t random;
};

/** t_begin() - start a machine and the driver. */
struct t *t_begin(const struct rig_config *config);

/** t_end() - stop both; expect that the disk holds @t->disk, and that the driver left nothing behind. */
void t_end(struct t *t);

/** t_each() - run a test on every machine of the rig. */
void t_each(void (*fn)(struct t *t));

/** t_up() - start the driver. */
void t_up(struct t *t);

/** t_any() - Returns a random number below @below. */
uint32_t t_any(struct t *t, uint32_t below);

/** t_fill() - fill @len bytes, a multiple of 4, at random. */
void t_fill(struct t *t, uint8_t *to, uint32_t len);

/** t_prepare_write() - fill memory with the bytes that the disk must hold at these blocks. */
void t_prepare_write(struct t *t, uint64_t lba, uint32_t blocks, dmah_phys_t phys);

/** t_set() - set memory. */
void t_set(struct t *t, dmah_phys_t phys, uint8_t byte, uint32_t len);

/** t_is() - expect that every byte of memory is @byte. */
void t_is(struct t *t, dmah_phys_t phys, uint8_t byte, uint32_t len);

/** t_holds() - expect that memory holds what the disk should hold at these blocks. */
void t_holds(struct t *t, uint64_t lba, uint32_t blocks, dmah_phys_t phys);

/** t_run() - submit a request and wait for it. Return: the first error. */
int t_run(struct t *t, struct nvme_request *r);

/** t_transfer() - t_run() of a request for these blocks. */
int t_transfer(struct t *t, enum dmah_dir dir, uint64_t lba, uint32_t blocks, dmah_phys_t phys);

/** struct pair - streams in both directions, and their memory. */
struct pair {
	struct nvme_stream in;
	struct nvme_stream out;
	void *memory[2];
};

/** t_pair_open() - open both streams, for requests of @bytes. */
void t_pair_open(struct t *t, struct pair *p, uint32_t bytes);

/** t_pair_close() - close both. */
void t_pair_close(struct pair *p);

/** t_drain() - take all requests of a stream, a few at a time. */
void t_drain(struct t *t, struct nvme_stream *s);

#endif /* DMAH_TESTS_DRIVERS_NVME_TEST_H */
