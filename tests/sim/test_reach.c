// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The list of reachable memory: every kind of entry is found, nothing else is, and no state changes. */
#include "by_hand.h"

#include "rnd.h"
#include "sim_reach.h"

#include <dmah/host.h>

#define OTHER (PAGE + 0x1000)

/** struct seen - the number of times that memory was named by each kind of entry. */
struct seen {
	dmah_phys_t phys;
	unsigned int by[SIM_BY_NO_IOMMU + 1];
	unsigned int total;
	struct sim_reach last;
};

static int see(void *ctx, const struct sim_reach *r)
{
	struct seen *seen = ctx;

	seen->total++;
	seen->last = *r;
	if (r->phys <= seen->phys && seen->phys - r->phys < r->size)
		seen->by[r->by]++;
	return 0;
}

static struct seen look(dmah_phys_t phys)
{
	struct seen seen = { .phys = phys };

	assert_int_equal(sim_reach_each(hand.dev, see, &seen), 0);
	return seen;
}

static void open_unit(bool smmu, bool ats)
{
	if (smmu)
		(void)smmu_open(ats);
	else
		(void)vtd_open(ats);
}

static void invalidate_all(bool smmu)
{
	if (smmu) {
		smmu_command(0x30, 0);
		smmu_command(0x04, 31);
		smmu_command(0x46, 0);
	} else {
		vtd_command(2 | 1 << 4, 0);
		vtd_command(1 | 1 << 4, 0);
		vtd_mark(false);
	}
}

static uint64_t leaf(bool smmu, uint64_t phys)
{
	return phys | (smmu ? 0xc43 : 3);
}

static void tables_and_iotlb(void **state)
{
	(void)state;
	for (unsigned int smmu = 0; smmu < 2; smmu++) {
		struct sim_iommu_stats before, after;
		struct seen seen;

		open_unit(smmu, false);
		sim_faults_clear(hand.sim);
		seen = look(PAGE + 0xfff);
		assert_int_equal(seen.total, 1);
		assert_int_equal(seen.by[SIM_BY_TABLE], 1);
		assert_int_equal(seen.last.dma, IOVA);
		assert_int_equal(seen.last.size, 4096);
		assert_int_equal(seen.last.perm, SIM_PERM_READ | SIM_PERM_WRITE);
		assert_true(reaches());
		sim_iommu_stats(sim_iommu(hand.sim, 0), &before);
		seen = look(PAGE);
		assert_int_equal(seen.by[SIM_BY_TABLE], 1);
		assert_int_equal(seen.by[SIM_BY_IOTLB], 1);
		/* Both tables below the root are cached, and name the page. */
		assert_int_equal(seen.by[SIM_BY_CACHED_TABLE], 2);
		sim_iommu_stats(sim_iommu(hand.sim, 0), &after);
		assert_memory_equal(&before, &after, sizeof(before));
		assert_int_equal(sim_fault_count(hand.sim), 0);
		/* Cleared, and not yet invalidated. */
		t_put64(hand.sim, LEAF, 0);
		seen = look(PAGE);
		assert_int_equal(seen.total, 1);
		assert_int_equal(seen.by[SIM_BY_IOTLB], 1);
		invalidate_all(smmu);
		assert_int_equal(look(PAGE).total, 0);
		close_machine();
	}
}

/* A leaf table that was taken out of the tree, but that the unit remembers. */
static void cached_tables(void **state)
{
	(void)state;
	for (unsigned int smmu = 0; smmu < 2; smmu++) {
		struct seen seen;

		open_unit(smmu, false);
		t_put64(hand.sim, LEAF + 8, leaf(smmu, OTHER));
		assert_true(reaches());
		t_put64(hand.sim, L2, 0);
		seen = look(OTHER);
		assert_int_equal(seen.by[SIM_BY_TABLE], 0);
		assert_int_equal(seen.by[SIM_BY_CACHED_TABLE], 1);
		assert_int_equal(sim_dma_reaches(hand.dev, IOVA + 0x1000, true, NULL), SIM_OK);
		invalidate_all(smmu);
		assert_int_equal(look(OTHER).total, 0);
		close_machine();
	}
}

static void device_tlbs(void **state)
{
	(void)state;
	for (unsigned int smmu = 0; smmu < 2; smmu++) {
		struct seen seen;

		open_unit(smmu, true);
		assert_true(reaches());
		t_put64(hand.sim, LEAF, 0);
		invalidate_all(smmu);
		seen = look(PAGE);
		assert_int_equal(seen.total, 1);
		assert_int_equal(seen.by[SIM_BY_DEVICE_TLB], 1);
		assert_true(reaches());
		/* Translated requests of a device that is not allowed any more are refused. */
		if (smmu)
			t_put64(hand.sim, STE(ID) + 8, 0);
		else
			t_put64(hand.sim, CTX + ID * 16, L3 | 1);
		invalidate_all(smmu);
		assert_int_equal(look(PAGE).total, 0);
		assert_false(reaches());
		close_machine();
	}
}

/* The context that the unit has cached counts, and so does the one that it may read at any time. */
static void contexts(void **state)
{
	(void)state;
	(void)vtd_open(false);
	assert_true(reaches());
	invalidate_all(false);
	assert_true(reaches());
	vtd_command(2 | 1 << 4, 0);
	vtd_mark(false);
	t_put64(hand.sim, EVQ, 0); /* an empty root */
	t_put64(hand.sim, CTX + ID * 16, EVQ | 1);
	assert_int_equal(look(PAGE).by[SIM_BY_TABLE], 1);
	invalidate_all(false);
	assert_int_equal(look(PAGE).total, 0);
	t_put64(hand.sim, CTX + ID * 16, L3 | 1);
	assert_int_equal(look(PAGE).by[SIM_BY_TABLE], 1);
	close_machine();
}

static void everything(void **state)
{
	struct sim_config c = t_config("direct");
	struct seen seen;

	(void)state;
	(void)vtd_open(false);
	t_put64(hand.sim, CTX + ID * 16, 2 << 2 | 1);
	t_put64(hand.sim, CTX + ID * 16 + 8, 7 << 8 | 2);
	seen = look(QUEUE);
	assert_int_equal(seen.total, 1);
	assert_int_equal(seen.by[SIM_BY_PASSTHROUGH], 1);
	dmah_host_write32(hand.regs + 0x18, 1u << 26);
	seen = look(QUEUE);
	assert_int_equal(seen.by[SIM_BY_NO_IOMMU], 1);
	close_machine();
	/* As far as the device's mask goes, and by addresses with an offset. */
	hand.sim = t_machine(&c);
	hand.dev = sim_device_add(hand.sim, &(struct sim_device_config){ .id = ID,
									 .offset = 0x1000,
									 .mask = PAGE + 0x1fff });
	seen = look(PAGE);
	assert_int_equal(seen.by[SIM_BY_NO_IOMMU], 1);
	assert_int_equal(seen.last.dma, seen.last.phys + 0x1000);
	assert_int_equal(seen.last.phys + seen.last.size, PAGE + 0x1000);
	assert_int_equal(look(PAGE + 0x1000).by[SIM_BY_NO_IOMMU], 0);
	assert_int_equal(sim_reaches_memory(hand.dev, PAGE, 4096), 3);
	assert_int_equal(sim_reaches_memory(hand.dev, PAGE + 0x1000, 4096), 0);
	close_machine();
}

static bool only_page(void *ctx, struct sim_device *dev, const struct sim_reach *r)
{
	assert_ptr_equal(dev, hand.dev);
	(*(unsigned int *)ctx)++;
	return r->phys == PAGE && r->size == 4096 && !(r->perm & SIM_PERM_WRITE);
}

static void against_a_model(void **state)
{
	unsigned int asked = 0;
	char text[192];

	(void)state;
	(void)vtd_open(false);
	t_put64(hand.sim, LEAF, PAGE | 1);
	assert_int_equal(sim_reach_check(hand.sim, only_page, &asked), 0);
	assert_int_equal(asked, 1);
	t_put64(hand.sim, LEAF, PAGE | 3);
	t_put64(hand.sim, LEAF + 8, OTHER | 1);
	assert_int_equal(sim_reach_check(hand.sim, only_page, &asked), 2);
	sim_reach_text(
		hand.dev,
		&(struct sim_reach){
			.dma = IOVA, .phys = PAGE, .size = 4096, .perm = 3, .by = SIM_BY_IOTLB },
		text, sizeof(text));
	assert_string_equal(text,
			    "device dev0 (id 0x18) can read and write 0x40200000+0x1000 at DMA "
			    "address 0x5000 by the IOTLB");
	close_machine();
}

#define PAGES 1024u

struct map {
	bool bad;
	uint64_t out[PAGES];
	unsigned int perm[PAGES];
};

static int put(void *ctx, const struct sim_reach *r)
{
	struct map *map = ctx;

	for (uint64_t at = 0; at < r->size; at += 4096) {
		uint64_t page = (r->dma + at) >> 12;

		if (page >= PAGES || (map->perm[page] && map->out[page] != r->phys + at)) {
			map->bad = true;
			continue;
		}
		map->out[page] = r->phys + at;
		map->perm[page] |= r->perm;
	}
	return 0;
}

/* Random tables, blocks among them: the list names exactly the pages that accesses get through to. */
static void random_tables(void **state)
{
	static struct map map;
	uint64_t rnd = 7;

	(void)state;
	for (unsigned int smmu = 0; smmu < 2; smmu++) {
		open_unit(smmu, false);
		for (unsigned int round = 0; round < 20; round++) {
			bool block = round % 2;

			for (unsigned int i = 0; i < 512; i++) {
				uint64_t phys = RAM + sim_rnd(&rnd) % 4096 * 4096;
				bool readonly = sim_rnd(&rnd) & 1;
				uint64_t entry = smmu ? phys | 0xc43 | (readonly ? 0x80 : 0)
						      : phys | (readonly ? 1 : 3);

				t_put64(hand.sim, L1 + i * 8, sim_rnd(&rnd) & 1 ? entry : 0);
			}
			t_put64(hand.sim, L2 + 8,
				block ? (RAM + (4ull << 20)) | (smmu ? 0xc41 : 0x83) : 0);
			invalidate_all(smmu);
			memset(&map, 0, sizeof(map));
			sim_reach_each(hand.dev, put, &map);
			assert_false(map.bad);
			for (unsigned int page = 0; page < PAGES; page++) {
				unsigned int perm = 0;
				dmah_phys_t phys;

				for (unsigned int write = 0; write < 2; write++)
					if (sim_dma_reaches(hand.dev, page * 4096ull, write,
							    &phys) == SIM_OK) {
						perm |= write ? SIM_PERM_WRITE : SIM_PERM_READ;
						assert_int_equal(phys, map.out[page]);
					}
				assert_int_equal(perm, map.perm[page]);
			}
		}
		close_machine();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_and_iotlb), cmocka_unit_test(cached_tables),
		cmocka_unit_test(device_tlbs),	    cmocka_unit_test(contexts),
		cmocka_unit_test(everything),	    cmocka_unit_test(against_a_model),
		cmocka_unit_test(random_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
