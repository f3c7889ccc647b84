// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "by_hand.h"

#include <dmah/host.h>

struct hand hand;

static void open_with(const char *name)
{
	struct sim_config c = t_config(name);

	c.ram_size = 16 << 20;
	c.host_base = RAM + (8 << 20);
	hand.sim = t_machine(&c);
	hand.tail = 0;
}

static void add_device(bool ats)
{
	hand.dev = sim_device_add(hand.sim, &(struct sim_device_config){ .id = ID, .ats = ats });
	assert_non_null(hand.dev);
}

bool reaches(void)
{
	uint8_t byte = 0x77;
	bool through = sim_dma_write(hand.dev, IOVA, &byte, 1) == SIM_OK;

	if (through)
		assert_int_equal(*sim_ram_at(&hand.sim->ram, PAGE), 0x77);
	return through;
}

void vtd_command(uint64_t lo, uint64_t hi)
{
	t_put64(hand.sim, QUEUE + hand.tail, lo);
	t_put64(hand.sim, QUEUE + hand.tail + 8, hi);
	hand.tail = (hand.tail + 16) & 0xfff;
	dmah_host_write32(hand.regs + 0x88, hand.tail);
}

void vtd_mark(bool fence)
{
	vtd_command(5 | 1 << 5 | (fence ? 1 << 6 : 0) | 0x1234ull << 32, MARK);
}

struct sim_vtd *vtd_open(bool ats)
{
	return vtd_open_with(&(struct sim_vtd_config){ .records = 2 }, ats);
}

struct sim_vtd *vtd_open_with(const struct sim_vtd_config *config, bool ats)
{
	struct sim_vtd *unit;

	open_with("vtd");
	unit = sim_vtd_create(hand.sim, 0, config);
	assert_non_null(unit);
	assert_null(sim_vtd_create(hand.sim, 0, NULL));
	hand.regs = sim_vtd_regs(unit);
	add_device(ats);
	t_put64(hand.sim, ROOT, CTX | 1);
	t_put64(hand.sim, CTX + ID * 16, L3 | (ats ? 1 << 2 : 0) | 1);
	t_put64(hand.sim, CTX + ID * 16 + 8, 7 << 8 | 1);
	t_put64(hand.sim, L3, L2 | 3);
	t_put64(hand.sim, L2, L1 | 3);
	t_put64(hand.sim, LEAF, PAGE | 3);
	/* Off: an address is what it says. */
	assert_false(reaches());
	assert_int_equal(sim_dma_write(hand.dev, PAGE, "x", 1), SIM_OK);
	dmah_host_write64(hand.regs + 0x20, ROOT);
	dmah_host_write32(hand.regs + 0x18, 1u << 30);
	assert_int_equal(dmah_host_read32(hand.regs + 0x1c), 1u << 30);
	dmah_host_write64(hand.regs + 0x90, QUEUE);
	dmah_host_write32(hand.regs + 0x18, 1u << 26);
	dmah_host_write32(hand.regs + 0x18, 1u << 31 | 1u << 26);
	return unit;
}

void close_machine(void)
{
	sim_destroy(hand.sim);
}

void smmu_command(uint64_t first, uint64_t second)
{
	t_put64(hand.sim, QUEUE + (hand.tail & 7) * 16, first);
	t_put64(hand.sim, QUEUE + (hand.tail & 7) * 16 + 8, second);
	hand.tail = (hand.tail + 1) & 15;
	dmah_host_write32(hand.regs + 0x98, hand.tail);
}

struct sim_smmuv3 *smmu_open(bool ats)
{
	struct sim_smmuv3 *unit;

	open_with("smmu");
	unit = sim_smmuv3_create(hand.sim, 0, &(struct sim_smmuv3_config){ .linear = true });
	assert_non_null(unit);
	hand.regs = sim_smmuv3_regs(unit);
	add_device(ats);
	t_put64(hand.sim, STE(ID), CTX | 5 << 1 | 1);
	t_put64(hand.sim, STE(ID) + 8, ats ? 1 << 28 : 0);
	t_put64(hand.sim, CTX,
		25 | 1ull << 30 | 1ull << 31 | 5ull << 32 | 1ull << 41 | 3ull << 45 | 9ull << 48);
	t_put64(hand.sim, CTX + 8, L3);
	t_put64(hand.sim, L3, L2 | 3);
	t_put64(hand.sim, L2, L1 | 3);
	t_put64(hand.sim, LEAF, PAGE | 0xc43);
	assert_int_equal(sim_dma_write(hand.dev, PAGE, "x", 1), SIM_OK);
	dmah_host_write64(hand.regs + 0x80, ROOT);
	dmah_host_write32(hand.regs + 0x88, 6);
	dmah_host_write64(hand.regs + 0x90, QUEUE | 3);
	dmah_host_write64(hand.regs + 0xa0, EVQ | 1);
	dmah_host_write32(hand.regs + 0x20, 0xd);
	assert_int_equal(dmah_host_read32(hand.regs + 0x24), 0xd);
	return unit;
}
