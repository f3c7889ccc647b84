/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The NVMe controller by itself: commands written by hand, without a driver and without the library. */
#include "sim_nvme.h"
#include "t.h"

#include <stdlib.h>

#define BLOCKS 64u

/* Offsets of queues and buffers from the start of memory. */
#define ASQ  0x0000u
#define ACQ  0x1000u
#define SQ   0x2000u
#define CQ   0x3000u
#define DATA 0x10000u

#define CAP   0x00u
#define CC    0x14u
#define CSTS  0x1cu
#define SHUT  (CSTS_RDY | 8u)
#define GOOD  0x460001u /* CC: 64 and 16 bytes, enabled */
#define BELLS 0x1000u

#define CSTS_RDY 1u
#define CSTS_CFS 2u

struct t {
	struct sim *sim;
	struct sim_nvme *nv;
	volatile uint8_t *regs;
	uint64_t ram;
	uint8_t disk[BLOCKS * 512];
	uint32_t admin_tail;
	uint32_t admin_head;
};

static void put32(struct t *t, unsigned int reg, uint32_t value)
{
	dmah_host_write32(t->regs + reg, value);
}

static uint32_t csts(struct t *t)
{
	return dmah_host_read32(t->regs + CSTS);
}

static uint8_t *at(struct t *t, uint64_t where)
{
	return sim_ram_at(&t->sim->ram, t->ram + where);
}

static struct t *begin(const struct sim_nvme_config *config)
{
	struct sim_config c = t_config("direct");
	struct sim_nvme_config nc = *config;
	struct t *t = calloc(1, sizeof(*t));

	t->sim = t_machine(&c);
	t->ram = t->sim->ram.base;
	for (unsigned int i = 0; i < sizeof(t->disk); i++)
		t->disk[i] = (uint8_t)(i >> 9 ^ i);
	nc.disk = t->disk;
	nc.blocks = BLOCKS;
	t->nv = sim_nvme_create(
		t->sim, sim_device_add(t->sim, &(struct sim_device_config){ .id = 1 }), &nc);
	assert_non_null(t->nv);
	t->regs = sim_nvme_regs(t->nv);
	return t;
}

/* Returns the number of violations. */
static unsigned int end(struct t *t)
{
	unsigned int n = sim_nvme_violations(t->nv, NULL);

	sim_nvme_destroy(t->nv);
	sim_destroy(t->sim);
	free(t);
	return n;
}

static void enable(struct t *t, uint32_t aqa, uint64_t asq, uint64_t acq, uint32_t cc)
{
	put32(t, 0x24, aqa);
	dmah_host_write64(t->regs + 0x28, asq);
	put32(t, 0x30, (uint32_t)acq);
	put32(t, 0x34, (uint32_t)(acq >> 32));
	put32(t, CC, cc);
}

/* A command into a queue of @size at @where. */
static void sqe(struct t *t, uint64_t where, uint32_t op, uint32_t cid, uint32_t nsid,
		uint64_t prp1, const uint32_t *cdw10)
{
	uint32_t dw[16] = { op | cid << 16, nsid };

	memcpy(&dw[6], &prp1, 8);
	memcpy(&dw[10], cdw10, 12);
	memcpy(at(t, where), dw, sizeof(dw));
}

static uint32_t cqe(struct t *t, uint64_t where, unsigned int n)
{
	uint32_t dw[4];

	memcpy(dw, at(t, where + n * 16), 16);
	return dw[3];
}

static uint32_t admin(struct t *t, uint32_t op, uint64_t prp1, uint32_t cdw10, uint32_t cdw11)
{
	uint32_t phase = t->admin_head / 8 % 2 ? 0 : 1, got;

	sqe(t, ASQ + t->admin_tail % 8 * 64, op, 7, 0, prp1, (uint32_t[]){ cdw10, cdw11, 0 });
	put32(t, BELLS, ++t->admin_tail % 8);
	got = cqe(t, ACQ, t->admin_head % 8);
	assert_int_equal(got >> 16 & 1, phase);
	assert_int_equal(got & 0xffff, 7);
	put32(t, BELLS + 4, ++t->admin_head % 8);
	return got >> 17 & 0x7ff;
}

/* Enabled, with a pair of queues of these sizes. */
static struct t *begin_queues(const struct sim_nvme_config *config, uint32_t sq, uint32_t cq)
{
	struct t *t = begin(config);

	enable(t, 7 << 16 | 7, t->ram + ASQ, t->ram + ACQ, GOOD);
	assert_int_equal(csts(t), CSTS_RDY);
	assert_int_equal(admin(t, 5, t->ram + CQ, (cq - 1) << 16 | 1, 1), 0);
	assert_int_equal(admin(t, 1, t->ram + SQ, (sq - 1) << 16 | 1, 1 << 16 | 1), 0);
	return t;
}

static void read_block(struct t *t, unsigned int slot, uint32_t cid, uint32_t lba)
{
	sqe(t, SQ + slot * 64, 2, cid, 1, t->ram + DATA + lba * 512, (uint32_t[]){ lba, 0, 0 });
}

static bool has_block(struct t *t, uint32_t lba)
{
	return !memcmp(at(t, DATA + lba * 512), t->disk + lba * 512, 512);
}

/* ---- */

static void configurations(void **state)
{
	static const struct {
		uint32_t aqa;
		uint32_t asq;
		uint32_t acq;
		uint32_t cc;
		uint32_t csts;
	} cases[] = {
		{ 7 << 16 | 7, ASQ, ACQ, GOOD, CSTS_RDY },
		{ 1 << 16 | 1, ASQ, ACQ, GOOD, CSTS_RDY },
		{ 7 << 16, ASQ, ACQ, GOOD, CSTS_CFS }, /* one command */
		{ 7, ASQ, ACQ, GOOD, CSTS_CFS }, /* one completion */
		{ 7 << 16 | 7, ASQ + 64, ACQ, GOOD, CSTS_CFS },
		{ 7 << 16 | 7, ASQ, ACQ + 16, GOOD, CSTS_CFS },
		{ 7 << 16 | 7, ASQ, ACQ, GOOD | 1 << 7, CSTS_CFS }, /* pages of 8 KiB */
		{ 7 << 16 | 7, ASQ, ACQ, GOOD | 6 << 4, CSTS_CFS }, /* another command set */
	};
	struct t *t = begin(&(struct sim_nvme_config){ .stride = 2 });
	uint64_t cap = dmah_host_read64(t->regs + CAP);

	(void)state;
	assert_int_equal(cap & 0xffff, 2047);
	assert_int_equal(cap >> 32 & 0xf, 2);
	assert_int_equal(dmah_host_read32(t->regs + 4), cap >> 32);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enable(t, cases[i].aqa, t->ram + cases[i].asq, t->ram + cases[i].acq, cases[i].cc);
		assert_int_equal(csts(t), cases[i].csts);
		assert_int_equal(dmah_host_read32(t->regs + CC), cases[i].cc);
		put32(t, CC, 0);
		assert_int_equal(csts(t), 0);
	}
	assert_int_equal(end(t), 0);
}

/* Forbidden register writes are recorded and have no effect. */
static void violations(void **state)
{
	struct t *t = begin_queues(&(struct sim_nvme_config){ 0 }, 4, 4);
	unsigned int n = 0;
	const char *what;

	(void)state;
	assert_int_equal(sim_nvme_violations(t->nv, NULL), 0);
	put32(t, BELLS + 8, 4); /* a tail beyond the queue */
	assert_int_equal(sim_nvme_violations(t->nv, &what), ++n);
	assert_non_null(strstr(what, "tail"));
	put32(t, BELLS + 12, 1); /* a head of what has not come */
	assert_int_equal(sim_nvme_violations(t->nv, &what), ++n);
	assert_non_null(strstr(what, "head"));
	put32(t, BELLS + 16, 0); /* no such queue */
	assert_int_equal(sim_nvme_violations(t->nv, NULL), ++n);
	dmah_host_write64(t->regs + BELLS + 8, 1); /* not its size */
	assert_int_equal(sim_nvme_violations(t->nv, NULL), ++n);
	put32(t, 0x24, 0); /* the admin queue of an enabled controller */
	assert_int_equal(sim_nvme_violations(t->nv, NULL), ++n);
	put32(t, CSTS, 0); /* only to be read */
	assert_int_equal(sim_nvme_violations(t->nv, NULL), ++n);
	put32(t, CC, GOOD | 1 << 7); /* pages of another size, now */
	assert_int_equal(sim_nvme_violations(t->nv, NULL), ++n);
	put32(t, CC, GOOD);
	assert_int_equal(sim_nvme_violations(t->nv, NULL), ++n);
	read_block(t, 0, 3, 5);
	put32(t, BELLS + 8, 1);
	assert_int_equal(cqe(t, CQ, 0), 3 | 1 << 16);
	assert_true(has_block(t, 5));
	assert_int_equal(end(t), n);
}

/* A completion queue that is full holds completions back; an identifier is in use until its own has come. */
static void full_queue(void **state)
{
	struct t *t = begin_queues(&(struct sim_nvme_config){ 0 }, 8, 2);

	(void)state;
	read_block(t, 0, 1, 1);
	read_block(t, 1, 2, 2);
	read_block(t, 2, 2, 3);
	put32(t, BELLS + 8, 3);
	/* The second of the two with one identifier is refused at once. */
	assert_int_equal(cqe(t, CQ, 0), 2 | 1 << 16 | 0x4003u << 17);
	assert_int_equal(cqe(t, CQ, 1), 0);
	put32(t, BELLS + 12, 1);
	assert_int_equal(cqe(t, CQ, 1), 1 | 1 << 16);
	assert_int_equal(cqe(t, CQ, 0), 2 | 1 << 16 | 0x4003u << 17);
	/* Round again: the other phase. */
	put32(t, BELLS + 12, 0);
	assert_int_equal(cqe(t, CQ, 0), 2);
	assert_true(has_block(t, 1));
	assert_true(has_block(t, 2));
	assert_false(has_block(t, 3));
	/* And it may be used again. */
	put32(t, BELLS + 12, 1);
	read_block(t, 3, 2, 3);
	put32(t, BELLS + 8, 4);
	assert_int_equal(cqe(t, CQ, 1), 2);
	assert_true(has_block(t, 3));
	assert_int_equal(end(t), 0);
}

/* All are done once, whatever the order; without a seed in theirs. */
static void order(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 4; seed++) {
		struct t *t = begin_queues(&(struct sim_nvme_config){ .seed = seed }, 64, 64);
		struct sim_nvme_stats stats;
		uint64_t seen = 0;

		for (uint32_t i = 0; i < 32; i++)
			read_block(t, i, i, i + 8);
		put32(t, BELLS + 8, 32);
		for (uint32_t i = 0; i < 32; i++) {
			uint32_t got = cqe(t, CQ, i);

			assert_int_equal(got >> 16, 1);
			seen |= 1ull << (got & 0xffff);
			if (!seed)
				assert_int_equal(got & 0xffff, i);
			assert_true(has_block(t, i + 8));
		}
		assert_int_equal(seen, 0xffffffff);
		sim_nvme_stats(t->nv, &stats);
		assert_int_equal(stats.commands, 32);
		assert_int_equal(stats.one, 32);
		assert_int_equal(stats.deepest, 32);
		assert_int_equal(stats.swapped > 0, seed > 0);
		assert_int_equal(end(t), 0);
	}
}

/* Memory that is not there: a transfer has a status, a queue is fatal. */
static void no_memory(void **state)
{
	struct t *t = begin_queues(&(struct sim_nvme_config){ 0 }, 8, 8);
	uint64_t nowhere = t->ram - 4096;

	(void)state;
	sqe(t, SQ, 2, 9, 1, nowhere, (uint32_t[]){ 0, 0, 0 });
	put32(t, BELLS + 8, 1);
	assert_int_equal(cqe(t, CQ, 0), 9 | 1 << 16 | 4 << 17);
	/* A list that cannot be read; and one whose address is none. */
	sqe(t, SQ + 64, 2, 9, 1, t->ram + DATA, (uint32_t[]){ 0, 0, 23 });
	memcpy(at(t, SQ + 64 + 32), &nowhere, 8);
	put32(t, BELLS + 8, 2);
	assert_int_equal(cqe(t, CQ, 1), 9 | 1 << 16 | 4 << 17);
	nowhere = t->ram + DATA + 4;
	sqe(t, SQ + 128, 2, 9, 1, t->ram + DATA, (uint32_t[]){ 0, 0, 23 });
	memcpy(at(t, SQ + 128 + 32), &nowhere, 8);
	put32(t, BELLS + 8, 3);
	assert_int_equal(cqe(t, CQ, 2), 9 | 1 << 16 | 0x4013u << 17);
	assert_int_equal(csts(t), CSTS_RDY);
	/* A queue that is not memory. */
	assert_int_equal(admin(t, 1, t->ram - 8192, 7 << 16 | 2, 1 << 16 | 1), 0);
	assert_int_equal(admin(t, 5, t->ram + CQ + 4096, 7 << 16 | 2, 1), 0);
	put32(t, BELLS + 16, 1);
	assert_int_equal(csts(t), CSTS_RDY | CSTS_CFS);
	/* It does nothing more, until it is disabled. */
	read_block(t, 3, 1, 4);
	put32(t, BELLS + 8, 4);
	assert_false(has_block(t, 4));
	put32(t, CC, 0);
	assert_int_equal(csts(t), 0);
	assert_int_equal(end(t), 0);
}

static void shutdown_and_stall(void **state)
{
	struct t *t = begin_queues(&(struct sim_nvme_config){ 0 }, 8, 8);

	(void)state;
	sim_nvme_stall(t->nv, 1);
	read_block(t, 0, 1, 1);
	read_block(t, 1, 2, 2);
	put32(t, BELLS + 8, 2);
	assert_true(has_block(t, 1));
	assert_false(has_block(t, 2));
	assert_int_equal(cqe(t, CQ, 1), 0);
	sim_nvme_go_on(t->nv);
	put32(t, BELLS + 12, 1);
	assert_true(has_block(t, 2));
	sim_nvme_pretend(t->nv, CSTS_RDY, CSTS_CFS);
	assert_int_equal(csts(t), CSTS_CFS);
	sim_nvme_pretend(t->nv, 0, 0);
	put32(t, CC, GOOD | 1 << 14);
	assert_int_equal(csts(t), SHUT);
	read_block(t, 2, 3, 3);
	put32(t, BELLS + 8, 3);
	assert_false(has_block(t, 3));
	assert_int_equal(end(t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configurations), cmocka_unit_test(violations),
		cmocka_unit_test(full_queue),	  cmocka_unit_test(order),
		cmocka_unit_test(no_memory),	  cmocka_unit_test(shutdown_and_stall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
