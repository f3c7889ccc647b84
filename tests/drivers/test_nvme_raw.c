/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Commands that the NVMe driver never sends. The simulator's controller must return the same status
 * as QEMU's controller.
 */
#include "nvme_rig.h"

#include "nvme_int.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define PAGES 24u
#define FUSED (1u << 8)

/* Status codes of commands (type 1), section 3.3.3.2.1. */
#define CQ_INVALID   0x100
#define QUEUE_ID     0x101
#define QUEUE_SIZE   0x102
#define QUEUE_DELETE 0x10c

/** struct t - a controller, and memory that it can always reach, at @cpu and @dma. */
struct t {
	struct rig *rig;
	struct nvme nvme;
	struct dmah h;
	uint8_t *cpu;
	dmah_addr_t dma;
};

static void begin(struct t *t, const struct rig_config *config)
{
	void *cpu;

	memset(t, 0, sizeof(*t));
	t->rig = rig_open(config);
	assert_int_equal(nvme_init(&t->nvme, t->rig->regs, t->rig->dev), 0);
	assert_int_equal(dmah_alloc_coherent(t->rig->dev, &t->h, PAGES * 4096, &cpu), 0);
	t->cpu = cpu;
	t->dma = dmah_addr(&t->h);
}

static void end(struct t *t)
{
	assert_int_equal(dmah_free_coherent(t->rig->dev, &t->h), 0);
	assert_int_equal(nvme_fini(&t->nvme), 0);
	rig_close(t->rig);
}

static void each(void (*fn)(struct t *t))
{
	struct t t;

	for (unsigned int i = 0; i < nrigs; i++) {
		begin(&t, &rigs[i]);
		fn(&t);
		end(&t);
	}
}

/* Run an I/O command. Return: its status. */
static int io(struct t *t, struct nvme_command c)
{
	uint32_t cid = (uint32_t)__builtin_ctz(t->nvme.free);
	struct nvme_io io = { .cid = (uint16_t)cid, .busy = true };

	t->nvme.io[cid] = &io;
	t->nvme.free &= ~(1u << cid);
	c.cdw0 |= cid << 16;
	nvme_queue_put(&t->nvme.queue, &c);
	nvme_ring(&t->nvme);
	assert_int_equal(nvme_io_wait(&t->nvme, &io), 0);
	return io.status;
}

static struct nvme_command read_of(const struct t *t, uint32_t blocks)
{
	return (struct nvme_command){ .cdw0 = IO_READ,
				      .nsid = 1,
				      .prp1 = t->dma,
				      .prp2 = t->dma + 4096,
				      .cdw12 = blocks - 1 };
}

static void check_io(struct t *t)
{
	struct nvme_command c = read_of(t, 8);

	assert_int_equal(io(t, c), 0);
	c.cdw0 = 0x7f;
	assert_int_equal(io(t, c), NVME_INVALID_OPCODE);
	c.cdw0 = 0x00; /* flush */
	assert_int_equal(io(t, c), 0);
	c.cdw0 = IO_READ | FUSED;
	assert_int_equal(io(t, c), NVME_INVALID_FIELD);
	c = read_of(t, 8);
	c.nsid = 0xfffffffe;
	assert_int_equal(io(t, c), NVME_INVALID_NAMESPACE);
	c.nsid = 0;
	assert_int_equal(io(t, c), NVME_INVALID_NAMESPACE);
	c = read_of(t, 1025);
	assert_int_equal(io(t, c), NVME_INVALID_FIELD);
	c = read_of(t, 8);
	c.cdw10 = RIG_BLOCKS - 7;
	assert_int_equal(io(t, c), NVME_LBA_RANGE);
	c.cdw10 = 0;
	c.cdw11 = 1;
	assert_int_equal(io(t, c), NVME_LBA_RANGE);
}

static void commands(void **state)
{
	(void)state;
	each(check_io);
}

/* Buffers of two pages, and PRP lists at any offset and of several pages. Section 4.1.1. */
static void check_prps(struct t *t)
{
	uint64_t *list = (uint64_t *)(void *)t->cpu, *next = list + 512;
	struct nvme_command c = read_of(t, 16);

	c.prp1 = t->dma + 4 * 4096;
	c.prp2 = t->dma + 5 * 4096 + 512;
	assert_int_equal(io(t, c), NVME_INVALID_PRP);
	c.prp2 = t->dma + 5 * 4096;
	assert_int_equal(io(t, c), 0);
	/*
	 * Six pages: the first in the command, one at the end of a list page, four in the next list
	 * page.
	 */
	c = read_of(t, 48);
	c.prp1 = t->dma + 4 * 4096;
	c.prp2 = t->dma + 510 * 8;
	list[510] = t->dma + 9 * 4096;
	list[511] = t->dma + 4096;
	for (unsigned int i = 0; i < 4; i++)
		next[i] = t->dma + (20 - 3 * i) * 4096;
	memset(t->cpu + 4 * 4096, 0xc5, 20 * 4096);
	assert_int_equal(io(t, c), 0);
	for (unsigned int i = 0; i < 6; i++) {
		const uint8_t *page = t->cpu + (i == 0 ? 4 : i == 1 ? 9 : 20 - 3 * (i - 2)) * 4096;

		for (unsigned int b = 0; b < 4096; b++)
			assert_int_equal(page[b], disk_byte(i * 4096 + b));
	}
	/* Neither an entry nor the next list may begin within a page. */
	next[2] += 2048;
	assert_int_equal(io(t, c), NVME_INVALID_PRP);
	next[2] -= 2048;
	list[511] += 8;
	assert_int_equal(io(t, c), NVME_INVALID_PRP);
	list[511] -= 8;
	/* The last entry of a list page points to data if it is the last of all entries. */
	c = read_of(t, 24);
	c.prp1 = t->dma + 4 * 4096;
	c.prp2 = t->dma + 510 * 8;
	list[511] = t->dma + 10 * 4096;
	memset(t->cpu + 10 * 4096, 0, 4096);
	assert_int_equal(io(t, c), 0);
	for (unsigned int b = 0; b < 4096; b++)
		assert_int_equal(t->cpu[10 * 4096 + b], disk_byte(2 * 4096 + b));
}

static void prps(void **state)
{
	(void)state;
	each(check_prps);
}

static int admin(struct t *t, uint32_t opcode, uint64_t prp1, uint32_t cdw10, uint32_t cdw11)
{
	struct nvme_command c = { .cdw0 = opcode, .prp1 = prp1, .cdw10 = cdw10, .cdw11 = cdw11 };

	if (opcode == ADMIN_IDENTIFY)
		c.nsid = cdw11;
	return nvme_admin(&t->nvme, &c, NULL);
}

static void check_admin(struct t *t)
{
	dmah_addr_t q = t->dma;

	assert_int_equal(admin(t, 0x7f, q, 0, 0), NVME_INVALID_OPCODE);
	assert_int_equal(admin(t, ADMIN_IDENTIFY | FUSED, q, 1, 0), NVME_INVALID_FIELD);
	assert_int_equal(admin(t, ADMIN_IDENTIFY, q, 0x7f, 0), NVME_INVALID_FIELD);
	assert_int_equal(admin(t, ADMIN_IDENTIFY, q, CNS_NAMESPACE, 0xfffffffe),
			 NVME_INVALID_NAMESPACE);
	assert_int_equal(admin(t, ADMIN_IDENTIFY, q, 2, 0), 0);
	assert_int_equal(t->cpu[0], 1);
	assert_int_equal(t->cpu[4], 0);
	/* Creating a queue that exists, or with an invalid number, is refused. */
	assert_int_equal(admin(t, ADMIN_CREATE_CQ, q, 15u << 16, 1), QUEUE_ID);
	assert_int_equal(admin(t, ADMIN_CREATE_CQ, q, 15u << 16 | 1, 1), QUEUE_ID);
	assert_int_equal(admin(t, ADMIN_CREATE_CQ, q, 2, 1), QUEUE_SIZE);
	assert_int_equal(admin(t, ADMIN_CREATE_CQ, q, 2048u << 16 | 2, 1), QUEUE_SIZE);
	assert_int_equal(admin(t, ADMIN_CREATE_CQ, q + 64, 15u << 16 | 2, 1), NVME_INVALID_PRP);
	assert_int_equal(admin(t, ADMIN_CREATE_CQ, q, 15u << 16 | 2, 0), NVME_INVALID_FIELD);
	assert_int_equal(admin(t, ADMIN_CREATE_SQ, q, 15u << 16 | 2, 2u << 16 | 1), CQ_INVALID);
	assert_int_equal(admin(t, ADMIN_CREATE_CQ, q, 15u << 16 | 2, 1), 0);
	assert_int_equal(admin(t, ADMIN_CREATE_SQ, q + 4096, 15u << 16 | 2, 2u << 16 | 1), 0);
	assert_int_equal(admin(t, ADMIN_DELETE_CQ, 0, 2, 0), QUEUE_DELETE);
	assert_int_equal(admin(t, ADMIN_DELETE_SQ, 0, 3, 0), QUEUE_ID);
	assert_int_equal(admin(t, ADMIN_DELETE_SQ, 0, 2, 0), 0);
	assert_int_equal(admin(t, ADMIN_DELETE_CQ, 0, 2, 0), 0);
	/*
	 * The specification says Invalid Queue Identifier; QEMU returns Completion Queue Invalid.
	 */
	assert_in_range(admin(t, ADMIN_DELETE_CQ, 0, 2, 0), CQ_INVALID, QUEUE_ID);
}

static void admin_commands(void **state)
{
	(void)state;
	each(check_admin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands),
		cmocka_unit_test(prps),
		cmocka_unit_test(admin_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
