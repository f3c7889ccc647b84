// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * IOMMUs by their registers, with tables and commands written by hand: what takes effect when. The numbers are those of
 * the specifications once more.
 */
#include "t.h"

#include "sim_smmuv3.h"
#include "sim_vtd.h"

#include <dmah/host.h>

#define RAM   0x40000000ull
#define ROOT  (RAM + 0x100000)
#define CTX   (RAM + 0x101000)
#define L3    (RAM + 0x102000)
#define L2    (RAM + 0x103000)
#define L1    (RAM + 0x104000)
#define QUEUE (RAM + 0x105000)
#define MARK  (RAM + 0x106000)
#define EVQ   (RAM + 0x107000)
#define PAGE  (RAM + 0x200000)
#define IOVA  0x5000ull
#define LEAF  (L1 + 5 * 8)
#define ID    0x0018u

static struct sim *sim;
static struct sim_device *dev;
static volatile uint8_t *regs;
static uint32_t tail;

static void open_with(const char *name)
{
	struct sim_config c = t_config(name);

	c.ram_size = 16 << 20;
	c.host_base = RAM + (8 << 20);
	sim = t_machine(&c);
	tail = 0;
}

static void add_device(bool ats)
{
	dev = sim_device_add(sim, &(struct sim_device_config){ .id = ID, .ats = ats });
	assert_non_null(dev);
}

static bool reaches(void)
{
	uint8_t byte = 0x77;
	bool through = sim_dma_write(dev, IOVA, &byte, 1) == SIM_OK;

	if (through)
		assert_int_equal(*sim_ram_at(&sim->ram, PAGE), 0x77);
	return through;
}

/* ---- VT-d ---- */

static void vtd_command(uint64_t lo, uint64_t hi)
{
	t_put64(sim, QUEUE + tail, lo);
	t_put64(sim, QUEUE + tail + 8, hi);
	tail = (tail + 16) & 0xfff;
	dmah_host_write32(regs + 0x88, tail);
}

static void vtd_mark(bool fence)
{
	vtd_command(5 | 1 << 5 | (fence ? 1 << 6 : 0) | 0x1234ull << 32, MARK);
}

/* Domain 7 leads from IOVA to PAGE, in three levels. */
static struct sim_vtd *vtd_open(bool ats)
{
	struct sim_vtd *unit;

	open_with("vtd");
	unit = sim_vtd_create(sim, 0, &(struct sim_vtd_config){ .records = 2 });
	assert_non_null(unit);
	assert_null(sim_vtd_create(sim, 0, NULL));
	regs = sim_vtd_regs(unit);
	add_device(ats);
	t_put64(sim, ROOT, CTX | 1);
	t_put64(sim, CTX + ID * 16, L3 | (ats ? 1 << 2 : 0) | 1);
	t_put64(sim, CTX + ID * 16 + 8, 7 << 8 | 1);
	t_put64(sim, L3, L2 | 3);
	t_put64(sim, L2, L1 | 3);
	t_put64(sim, LEAF, PAGE | 3);
	/* Off: an address is what it says. */
	assert_false(reaches());
	assert_int_equal(sim_dma_write(dev, PAGE, "x", 1), SIM_OK);
	dmah_host_write64(regs + 0x20, ROOT);
	dmah_host_write32(regs + 0x18, 1u << 30);
	assert_int_equal(dmah_host_read32(regs + 0x1c), 1u << 30);
	dmah_host_write64(regs + 0x90, QUEUE);
	dmah_host_write32(regs + 0x18, 1u << 26);
	dmah_host_write32(regs + 0x18, 1u << 31 | 1u << 26);
	return unit;
}

static void close_machine(void)
{
	sim_destroy(sim);
}

/* An invalidation that nobody waits for may take its time; with the mark behind it, it is done. */
static void vtd_invalidates_with_the_mark(void **state)
{
	(void)state;
	(void)vtd_open(false);
	assert_true(reaches());
	t_put64(sim, LEAF, 0);
	assert_true(reaches());
	vtd_command(2 | 3 << 4 | 7 << 16, IOVA);
	assert_int_equal(dmah_host_read32(regs + 0x80), tail);
	assert_true(reaches());
	vtd_mark(false);
	assert_int_equal(t_get64(sim, MARK), 0x1234);
	assert_false(reaches());
	/* Another domain's, another page's: no matter. */
	t_put64(sim, LEAF, PAGE | 3);
	assert_true(reaches());
	t_put64(sim, LEAF, 0);
	vtd_command(2 | 3 << 4 | 8 << 16, IOVA);
	vtd_command(2 | 3 << 4 | 7 << 16, IOVA + 4096);
	vtd_mark(false);
	assert_true(reaches());
	vtd_command(2 | 2 << 4 | 7 << 16, 0);
	vtd_mark(false);
	assert_false(reaches());
	close_machine();
}

/* The device's TLB goes first unless there is a fence; and fills itself from the IOTLB again. */
static void vtd_device_tlb(void **state)
{
	(void)state;
	for (unsigned int fence = 0; fence < 2; fence++) {
		(void)vtd_open(true);
		assert_true(reaches());
		t_put64(sim, LEAF, 0);
		vtd_command(2 | 3 << 4 | 7 << 16, IOVA);
		vtd_mark(fence);
		vtd_command(3 | (uint64_t)ID << 32, IOVA);
		vtd_mark(false);
		/* Without one the mark is its own invalidation's alone. */
		assert_int_equal(reaches(), false);
		close_machine();
	}
	/* All in the queue before the unit looks at it. */
	for (unsigned int fence = 0; fence < 2; fence++) {
		struct sim_vtd *unit = vtd_open(true);

		assert_true(reaches());
		t_put64(sim, LEAF, 0);
		sim_vtd_hold(unit, true);
		vtd_command(2 | 3 << 4 | 7 << 16, IOVA);
		vtd_mark(fence);
		vtd_command(3 | (uint64_t)ID << 32, IOVA);
		vtd_mark(false);
		sim_vtd_hold(unit, false);
		assert_int_equal(reaches(), !fence);
		close_machine();
	}
}

/* A context entry is forgotten under the domain id that was in it, or with all. */
static void vtd_contexts(void **state)
{
	(void)state;
	(void)vtd_open(false);
	assert_true(reaches());
	t_put64(sim, CTX + ID * 16, 0);
	vtd_command(1 | 3 << 4 | 8 << 16 | (uint64_t)ID << 32, 0);
	vtd_mark(false);
	assert_true(reaches());
	vtd_command(1 | 3 << 4 | 7 << 16 | (uint64_t)(ID + 1) << 32, 0);
	vtd_mark(false);
	assert_true(reaches());
	vtd_command(1 | 3 << 4 | 7 << 16 | (uint64_t)ID << 32, 0);
	vtd_mark(false);
	assert_false(reaches());
	close_machine();
}

/* Two records, and the third fault is lost; a command that is none stops the queue until the error is cleared. */
static void vtd_errors(void **state)
{
	(void)state;
	(void)vtd_open(false);
	for (unsigned int i = 1; i <= 3; i++)
		assert_int_not_equal(sim_dma_write(dev, i << 20, "x", 1), SIM_OK);
	assert_int_equal(dmah_host_read32(regs + 0x34), 3);
	assert_int_equal(dmah_host_read32(regs + 0x200), 1 << 20);
	assert_int_equal(dmah_host_read32(regs + 0x208), ID);
	assert_int_equal(dmah_host_read32(regs + 0x20c), 1u << 31 | 5);
	dmah_host_write32(regs + 0x20c, 1u << 31);
	assert_int_equal(dmah_host_read32(regs + 0x34), 1 << 8 | 3);
	dmah_host_write32(regs + 0x21c, 1u << 31);
	dmah_host_write32(regs + 0x34, 1);
	assert_int_equal(dmah_host_read32(regs + 0x34), 0);
	vtd_command(0xf, 0);
	vtd_mark(false);
	assert_int_equal(dmah_host_read32(regs + 0x34), 1 << 4);
	assert_int_equal(dmah_host_read32(regs + 0x80), tail - 32);
	t_put64(sim, QUEUE + tail - 32, 2 | 1 << 4);
	dmah_host_write32(regs + 0x34, 1 << 4);
	assert_int_equal(dmah_host_read32(regs + 0x80), tail);
	assert_int_equal(t_get64(sim, MARK), 0x1234);
	close_machine();
}

/* What software must not do. */
static void vtd_misuse(void **state)
{
	(void)state;
	(void)vtd_open(false);
	t_count_misuse(true);
	dmah_host_write64(regs + 0x90, QUEUE);
	dmah_host_write32(regs + 0x18, 0);
	dmah_host_write32(regs + 0x70, 1);
	assert_int_equal(t_misuses, 3);
	t_count_misuse(false);
	close_machine();
}

/* ---- SMMUv3 ---- */

#define STE(id) (ROOT + (id)*64ull)

static void smmu_command(uint64_t first, uint64_t second)
{
	t_put64(sim, QUEUE + (tail & 7) * 16, first);
	t_put64(sim, QUEUE + (tail & 7) * 16 + 8, second);
	tail = (tail + 1) & 15;
	dmah_host_write32(regs + 0x98, tail);
}

static void smmu_open(bool ats)
{
	struct sim_smmuv3 *unit;

	open_with("smmu");
	unit = sim_smmuv3_create(sim, 0, &(struct sim_smmuv3_config){ .linear = true });
	assert_non_null(unit);
	regs = sim_smmuv3_regs(unit);
	add_device(ats);
	t_put64(sim, STE(ID), CTX | 5 << 1 | 1);
	t_put64(sim, STE(ID) + 8, ats ? 1 << 28 : 0);
	t_put64(sim, CTX,
		25 | 1ull << 30 | 1ull << 31 | 5ull << 32 | 1ull << 41 | 3ull << 45 | 9ull << 48);
	t_put64(sim, CTX + 8, L3);
	t_put64(sim, L3, L2 | 3);
	t_put64(sim, L2, L1 | 3);
	t_put64(sim, LEAF, PAGE | 0xc43);
	assert_int_equal(sim_dma_write(dev, PAGE, "x", 1), SIM_OK);
	dmah_host_write64(regs + 0x80, ROOT);
	dmah_host_write32(regs + 0x88, 6);
	dmah_host_write64(regs + 0x90, QUEUE | 3);
	dmah_host_write64(regs + 0xa0, EVQ | 1);
	dmah_host_write32(regs + 0x20, 0xd);
	assert_int_equal(dmah_host_read32(regs + 0x24), 0xd);
}

static void smmu_invalidates_with_the_sync(void **state)
{
	(void)state;
	smmu_open(false);
	assert_true(reaches());
	t_put64(sim, LEAF, 0);
	smmu_command(0x12 | 9ull << 48, IOVA);
	assert_int_equal(dmah_host_read32(regs + 0x9c), tail);
	assert_true(reaches());
	smmu_command(0x46, 0);
	assert_false(reaches());
	/* And entries of the stream table. */
	t_put64(sim, LEAF, PAGE | 0xc43);
	assert_true(reaches());
	t_put64(sim, STE(ID), 1);
	assert_true(reaches());
	smmu_command(0x03 | (uint64_t)ID << 32, 1);
	assert_true(reaches());
	smmu_command(0x46, 0);
	assert_false(reaches());
	close_machine();
}

static void smmu_device_tlb(void **state)
{
	(void)state;
	for (unsigned int sync = 0; sync < 2; sync++) {
		smmu_open(true);
		assert_true(reaches());
		t_put64(sim, LEAF, 0);
		smmu_command(0x12 | 9ull << 48, IOVA);
		if (sync)
			smmu_command(0x46, 0);
		smmu_command(0x40 | (uint64_t)ID << 32, IOVA);
		smmu_command(0x46, 0);
		assert_int_equal(reaches(), !sync);
		close_machine();
	}
}

/* A queue of two events turns its flag over for the third; a command that is none stops the queue until acknowledged. */
static void smmu_errors(void **state)
{
	(void)state;
	smmu_open(false);
	for (unsigned int i = 1; i <= 4; i++)
		assert_int_not_equal(sim_dma_write(dev, i << 20, "x", 1), SIM_OK);
	assert_int_equal(dmah_host_read32(regs + 0x100a8), 1u << 31 | 2);
	assert_int_equal(t_get64(sim, EVQ) & 0xff, 0x10);
	assert_int_equal(t_get64(sim, EVQ) >> 32, ID);
	assert_int_equal(t_get64(sim, EVQ + 16), 1 << 20);
	dmah_host_write32(regs + 0x100ac, 1u << 31 | 2);
	assert_int_not_equal(sim_dma_write(dev, 5 << 20, "x", 1), SIM_OK);
	assert_int_equal(dmah_host_read32(regs + 0x100a8), 1u << 31 | 3);
	smmu_command(0xff, 0);
	smmu_command(0x46, 0);
	assert_int_equal(dmah_host_read32(regs + 0x60), 1);
	assert_int_equal(dmah_host_read32(regs + 0x9c), 1 << 24);
	t_put64(sim, QUEUE, 0x46);
	dmah_host_write32(regs + 0x64, 1);
	assert_int_equal(dmah_host_read32(regs + 0x9c), tail);
	close_machine();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vtd_invalidates_with_the_mark),
		cmocka_unit_test(vtd_device_tlb),
		cmocka_unit_test(vtd_contexts),
		cmocka_unit_test(vtd_errors),
		cmocka_unit_test(vtd_misuse),
		cmocka_unit_test(smmu_invalidates_with_the_sync),
		cmocka_unit_test(smmu_device_tlb),
		cmocka_unit_test(smmu_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
