/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Both stages of an SMMUv3 on a model of its registers: entries, ranges, permissions, widths, and the choice between them. */
#include "smmuv3_rig.h"

/* ---- contents ---- */

/* Every bit of the four words, by the tables of the specification; and nothing behind them. */
static void entries(void **state)
{
	struct dmah_pt_info pt;
	const uint64_t *ste;
	struct rig r;

	(void)state;
	open_one(&r, 2, NULL);
	assert_ptr_equal(r.smmu[0].iommu.formats[0], &dmah_pt_lpae_s2);
	assert_int_equal(dmah_domain_pt(r.dom, &pt), DMAH_OK);
	ste = entry_of(&r.smmu[0], SID);
	assert_true(ste[0] == (1 | 6 << 1));
	/* EATS, and the incoming shareability. */
	assert_true(ste[1] == (1ull << 28 | 1ull << 44));
	assert_int_equal(ste[2] & 0xffff, 1); /* S2VMID */
	assert_int_equal(ste[2] >> 16 & 0xffff, 0);
	assert_int_equal(ste[2] >> 32 & 0x3f, 64 - pt.va_bits); /* S2T0SZ */
	assert_int_equal(ste[2] >> 38 & 3, pt.levels - 2); /* S2SL0: 1 is level 1 */
	assert_int_equal(ste[2] >> 40 & 0x3f, 0x35); /* write-back, inner-shareable */
	assert_int_equal(ste[2] >> 46 & 3, 0); /* S2TG: 4 KiB */
	assert_int_equal(ste[2] >> 48 & 7, 5); /* S2PS: 48 bits */
	assert_true(ste[2] >> 51 == (1 | 1 << 7)); /* S2AA64, S2R */
	assert_true(ste[3] == pt.root);
	for (unsigned int i = 4; i < 8; i++)
		assert_true(ste[i] == 0);
	close_rig(&r);
}

/* Forget the stream and all of the tag while it is blocked, forget the stream when it is bound. Each is waited for. */
static void bind_order(void **state)
{
	static const uint8_t order[2][5] = { { CFGI_STE, NH_ASID, SYNC, CFGI_STE, SYNC },
					     { CFGI_STE, S12_VMALL, SYNC, CFGI_STE, SYNC } };
	struct rig r;

	(void)state;
	for (unsigned int stage = 1; stage <= 2; stage++) {
		struct dmah_smmuv3 *smmu = &r.smmu[0];
		struct dmah_iommu *iommu = &smmu->iommu;
		struct dmah_pt_info pt;
		uint64_t pos;

		open_one(&r, stage, &(struct sim_smmuv3_config){ .no_ats = true });
		assert_int_equal(dmah_domain_pt(r.dom, &pt), DMAH_OK);
		assert_int_equal(iommu->ops->bind(iommu, device(&r, 0), DMAH_BIND_BLOCK, NULL, 0),
				 DMAH_OK);
		pos = smmu->prod;
		assert_int_equal(iommu->ops->bind(iommu, device(&r, 0), DMAH_BIND_TRANSLATE, &pt,
						  1),
				 DMAH_OK);
		assert_int_equal(smmu->prod - pos, 5);
		for (unsigned int i = 0; i < 5; i++) {
			const uint64_t *c = command(smmu, pos + i);

			assert_int_equal(c[0] & 0xff, order[stage - 1][i]);
			if ((c[0] & 0xff) == CFGI_STE)
				assert_true(c[0] >> 32 == SID);
			if ((c[0] & 0xff) == NH_ASID)
				assert_true(c[0] >> 8 == 1ull << 40); /* bits 63:48 */
			if ((c[0] & 0xff) == S12_VMALL)
				assert_true(c[0] >> 8 == 1ull << 24); /* bits 47:32 */
		}
		close_rig(&r);
	}
}

/* From bypassing to translating: the tag is forgotten and the stream's other words are known before the first word changes. */
static void bypass_order(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int stage = 1; stage <= 2; stage++) {
		struct dmah_smmuv3 *smmu = &r.smmu[0];
		struct dmah_iommu *iommu = &smmu->iommu;
		struct dmah_pt_info pt;
		uint64_t pos;

		open_one(&r, stage, &(struct sim_smmuv3_config){ .no_ats = true });
		assert_int_equal(dmah_domain_pt(r.dom, &pt), DMAH_OK);
		assert_int_equal(iommu->ops->bind(iommu, device(&r, 0), DMAH_BIND_PASSTHROUGH, NULL,
						  0),
				 DMAH_OK);
		pos = smmu->prod;
		assert_int_equal(iommu->ops->bind(iommu, device(&r, 0), DMAH_BIND_TRANSLATE, &pt,
						  1),
				 DMAH_OK);
		assert_int_equal(smmu->prod - pos, 5);
		assert_int_equal(command(smmu, pos)[0] & 0xff, CFGI_STE);
		assert_int_equal(command(smmu, pos + 1)[0] & 0xff,
				 stage == 2 ? S12_VMALL : NH_ASID);
		assert_int_equal(command(smmu, pos + 2)[0] & 0xff, SYNC);
		assert_int_equal(command(smmu, pos + 3)[0] & 0xff, CFGI_STE);
		assert_int_equal(command(smmu, pos + 4)[0] & 0xff, SYNC);
		close_rig(&r);
	}
}

/* ---- ranges ---- */

static uint64_t seed = 11;

static uint64_t rnd(uint64_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 20) % below;
}

/* The range of a command by address: section 4.4.1.1. No reserved combination may occur. */
static void decode(const uint64_t *c, unsigned int stage, bool tables, uint64_t *first,
		   uint64_t *size)
{
	unsigned int num = c[0] >> 12 & 31, scale = c[0] >> 20 & 31, tg = c[1] >> 10 & 3;

	assert_int_equal(c[0] & 0xff, stage == 2 ? S2_IPA : NH_VA);
	assert_true((stage == 2 ? c[0] >> 32 & 0xffff : c[0] >> 48) == 1);
	assert_true((stage == 2 ? c[0] >> 48 : c[0] >> 32 & 0xffff) == 0);
	assert_int_equal(c[0] >> 8 & 15, 0);
	assert_int_equal(c[0] >> 17 & 7, 0);
	assert_int_equal(c[0] >> 25 & 0x7f, 0);
	assert_int_equal(c[1] & 1, !tables); /* Leaf */
	assert_int_equal(c[1] >> 1 & 0x7f, 0);
	assert_int_equal(c[1] >> 8 & 3, 0); /* TTL: any level */
	assert_true(tg <= 1);
	if (!tg)
		assert_int_equal(num | scale, 0);
	else
		assert_int_not_equal(num | scale, 0);
	*first = c[1] & ~0xfffull;
	*size = (uint64_t)(num + 1) << (12 + scale);
}

/* The commands for random ranges cover their pages exactly, each page once, whatever the stage and whether there is RIL. */
static void exact_ranges(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int kind = 0; kind < 4; kind++) {
		unsigned int stage = 1 + (kind & 1);
		struct dmah_smmuv3 *smmu = &r.smmu[0];
		struct dmah_iommu *iommu = &smmu->iommu;

		open_one(&r, stage, &(struct sim_smmuv3_config){ .no_range = kind & 2 });
		for (unsigned int i = 0; i < 1000; i++) {
			uint64_t pos = smmu->prod, ticket, at, end, first, size;
			uint64_t iova = rnd(1ull << 36), len = 1 + rnd(1ull << (1 + rnd(35)));
			bool tables = rnd(2);
			int n = iommu->ops->invalidate(iommu, 1, iova, len, tables, &ticket);

			assert_true(n > 0);
			assert_int_equal(smmu->prod - pos, n + 1);
			at = iova & ~0xfffull;
			end = (iova + len + 0xfff) & ~0xfffull;
			if (kind & 2 && end - at > 16 * 4096) {
				assert_int_equal(n, 1);
				assert_int_equal(command(smmu, pos)[0] & 0xff,
						 stage == 2 ? S12_VMALL : NH_ASID);
			} else {
				for (int k = 0; k < n; k++) {
					decode(command(smmu, pos + (unsigned int)k), stage, tables,
					       &first, &size);
					assert_true(first == at);
					at += size;
				}
				assert_true(at == end);
			}
			assert_int_equal(command(smmu, pos + (unsigned int)n)[0], SYNC);
			assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_OK);
		}
		close_rig(&r);
	}
}

/* Neighbours of a range keep their stale entries: the model really holds what is not named. The control of exact_ranges(). */
static void neighbours_stay(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int stage = 1; stage <= 2; stage++) {
		dmah_phys_t phys;
		struct dmah h = { 0 };
		struct sim_iommu_stats before, after;
		struct dmah_iommu *iommu;
		uint64_t ticket;

		open_one(&r, stage, &(struct sim_smmuv3_config){ .no_ats = true });
		iommu = &r.smmu[0].iommu;
		phys = sim_ram_take(r.sim, 64 * 4096, 4096);
		assert_int_equal(dmah_map(device(&r, 0), &h, phys, 64 * 4096, DMAH_BIDIRECTIONAL,
					  0),
				 DMAH_OK);
		for (unsigned int i = 0; i < 64; i++)
			assert_true(writes(&r, 0, dmah_addr(&h) + 4096 * i));
		sim_iommu_stats(sim_iommu(r.sim, 0), &before);
		assert_int_equal(before.iotlb_entries, 64);
		/* Another tag's range, then 37 pages of this one. */
		assert_true(iommu->ops->invalidate(iommu, 2, dmah_addr(&h), 64 * 4096, true,
						   &ticket) > 0);
		assert_true(iommu->ops->invalidate(iommu, 1, dmah_addr(&h) + 5 * 4096, 37 * 4096,
						   false, &ticket) > 0);
		assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_OK);
		sim_iommu_stats(sim_iommu(r.sim, 0), &after);
		assert_int_equal(after.iotlb_entries, 64 - 37);
		assert_int_equal(dmah_unmap(device(&r, 0), &h), DMAH_OK);
		close_rig(&r);
	}
}

/* ---- permissions, faults ---- */

/* Stage 2 can allow writes alone. What it refuses is found with the mapping that the device overstepped. */
static void permissions(void **state)
{
	static const enum dmah_dir dirs[] = { DMAH_TO_DEVICE, DMAH_FROM_DEVICE,
					      DMAH_BIDIRECTIONAL };
	struct rig r;

	(void)state;
	open_one(&r, 2, &(struct sim_smmuv3_config){ .no_ats = true });
	for (unsigned int i = 0; i < 3; i++) {
		dmah_phys_t phys = sim_ram_take(r.sim, 4096, 4096);
		struct dmah h = { 0 };
		dmah_addr_t dma;
		struct seen_faults t;

		assert_int_equal(dmah_map(device(&r, 0), &h, phys, 4096, dirs[i], 0), DMAH_OK);
		dma = dmah_addr(&h);
		assert_int_equal(reads(&r, 0, dma), (dirs[i] & DMAH_TO_DEVICE) != 0);
		assert_int_equal(writes(&r, 0, dma), (dirs[i] & DMAH_FROM_DEVICE) != 0);
		t = faults_of(&r, 0);
		assert_int_equal(t.n, dirs[i] != DMAH_BIDIRECTIONAL);
		if (t.n) {
			assert_int_equal(t.fault.hw.code, F_PERMISSION);
			assert_int_equal(t.fault.hw.write, dirs[i] == DMAH_TO_DEVICE);
			assert_ptr_equal(t.fault.dev, device(&r, 0));
			assert_non_null(strstr(t.text, "the_test"));
		}
		assert_int_equal(dmah_unmap(device(&r, 0), &h), DMAH_OK);
		assert_false(writes(&r, 0, dma));
		t = faults_of(&r, 0);
		assert_int_equal(t.n, 1);
		assert_int_equal(t.fault.hw.code, F_TRANSLATION);
		assert_non_null(strstr(t.text, "the_test"));
	}
	close_rig(&r);
}

/* Two domains of one unit: each device reaches its own domain's page, whose IOVA the other domain has too. */
static void two_domains(void **state)
{
	struct dmah_domain_config c = { .backend = DMAH_BACKEND_IOMMU, .format = &dmah_pt_lpae_s2 };
	struct dmah_limits limits = { .mask = ~0ull, .flags = COHERENT };
	struct sim_device *other;
	struct dmah_domain *dom;
	struct dmah h[2] = { 0 };
	dmah_phys_t phys;
	char byte = 0;
	struct rig r;
	void *memory;

	(void)state;
	open_one(&r, 2, &(struct sim_smmuv3_config){ .no_ats = true });
	c.iommu = &r.smmu[0].iommu;
	memory = memory_of(dmah_domain_memory(&c));
	assert_int_equal(dmah_domain_init(&dom, &c, memory, dmah_domain_memory(&c)), DMAH_OK);
	other = sim_device_add(r.sim, &(struct sim_device_config){ .id = SID + 9 });
	sim_device_dmah(other)->iommu = c.iommu;
	assert_int_equal(dmah_attach(dom, sim_device_dmah(other), &limits), DMAH_OK);
	phys = sim_ram_take(r.sim, 2 * 4096, 4096);
	assert_int_equal(dmah_map(device(&r, 0), &h[0], phys, 4096, DMAH_BIDIRECTIONAL, 0),
			 DMAH_OK);
	assert_int_equal(dmah_map(sim_device_dmah(other), &h[1], phys + 4096, 4096,
				  DMAH_BIDIRECTIONAL, 0),
			 DMAH_OK);
	assert_true(dmah_addr(&h[0]) == dmah_addr(&h[1]));
	assert_int_equal(sim_dma_write(r.dev[0], dmah_addr(&h[0]), "a", 1), SIM_OK);
	assert_int_equal(sim_dma_write(other, dmah_addr(&h[1]), "b", 1), SIM_OK);
	sim_cpu_read(r.sim, phys, &byte, 1);
	assert_int_equal(byte, 'a');
	sim_cpu_read(r.sim, phys + 4096, &byte, 1);
	assert_int_equal(byte, 'b');
	/* One domain's unmap leaves the other's entry alone. */
	assert_int_equal(dmah_unmap(device(&r, 0), &h[0]), DMAH_OK);
	assert_int_equal(sim_reaches_memory(r.dev[0], phys, 2 * 4096), 0);
	assert_int_equal(sim_reaches_memory(other, phys + 4096, 4096), 3);
	assert_int_equal(dmah_unmap(sim_device_dmah(other), &h[1]), DMAH_OK);
	assert_int_equal(dmah_detach(sim_device_dmah(other)), DMAH_OK);
	assert_int_equal(dmah_domain_fini(dom), DMAH_OK);
	free(memory);
	close_rig(&r);
}

static void event_stage(void **state)
{
	struct dmah_smmuv3_event event;
	struct rig r;

	(void)state;
	for (unsigned int stage = 1; stage <= 2; stage++) {
		open_one(&r, stage, NULL);
		assert_false(writes(&r, 0, 0x5000));
		assert_int_equal(dmah_smmuv3_events(&r.smmu[0], &event, 1, NULL), 1);
		assert_int_equal(event.stage2, stage == 2);
		assert_true(event.iova == 0x5000 && event.write);
		close_rig(&r);
	}
}

/* ---- widths ---- */

/* Stage 2 takes no wider addresses than it gives: tables of 39 bits below 44, and addresses up to the width. */
static void widths(void **state)
{
	static const unsigned int out[] = { 32, 36, 40, 42, 44, 48 };
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		struct sim_config machine = {
			.backend = DMAH_BACKEND_IOMMU,
			.iommu = { { .flavour = SIM_SMMU, .stage2 = true, .out_bits = out[i] } }
		};
		unsigned int bits = out[i] < 44 && out[i] > 39 ? 39 : out[i];
		uint64_t size = 1ull << 24;
		struct dmah h = { 0 };
		dmah_phys_t phys;

		open_machine(&r, &machine);
		assert_int_equal(open_unit(&r, NULL, &(struct dmah_smmuv3_config){ 0 }), DMAH_OK);
		assert_int_equal(r.smmu[0].iommu.va_bits, out[i] < 44 ? 39 : 48);
		if (bits < 39 || (bits > 39 && bits < 48)) {
			assert_int_equal(open_domain(&r,
						     (struct dmah_domain_config){
							     .aperture_base = 1ull << bits,
							     .aperture_size = size }),
					 DMAH_ENOTSUP);
			assert_int_equal(r.refusals, 1);
			r.refusals = 0;
		}
		assert_int_equal(
			open_domain(&r, (struct dmah_domain_config){ .aperture_base =
									     (1ull << bits) - size,
								     .aperture_size = size }),
			DMAH_OK);
		assert_int_equal(attach(&r, 0, 0), DMAH_OK);
		phys = sim_ram_take(r.sim, 4096, 4096);
		assert_int_equal(dmah_map(device(&r, 0), &h, phys, 4096, DMAH_BIDIRECTIONAL, 0),
				 DMAH_OK);
		assert_true(dmah_addr(&h) >> (bits - 1) == 1);
		assert_true(writes(&r, 0, dmah_addr(&h)));
		assert_int_equal(dmah_unmap(device(&r, 0), &h), DMAH_OK);
		close_rig(&r);
	}
}

/* ---- which stage, and several units ---- */

/* Stage 1 where there is one, unless the configuration says otherwise; what is missing is named. */
static void choice(void **state)
{
	static const struct {
		bool stage2_only;
		bool both;
		bool asked;
		int err;
		const struct dmah_pt_format *format;
	} cases[] = {
		{ false, false, false, DMAH_OK, &dmah_pt_lpae_s1 },
		{ true, false, false, DMAH_OK, &dmah_pt_lpae_s2 },
		{ false, true, false, DMAH_OK, &dmah_pt_lpae_s1 },
		{ false, true, true, DMAH_OK, &dmah_pt_lpae_s2 },
		{ true, false, true, DMAH_OK, &dmah_pt_lpae_s2 },
		{ false, false, true, DMAH_ENOTSUP, NULL },
	};
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
					      .iommu = { { .flavour = SIM_SMMU,
							   .stage2 = cases[i].stage2_only } } };
		struct dmah_smmuv3_config c = { .stage2 = cases[i].asked };

		open_machine(&r, &machine);
		assert_int_equal(open_unit(&r, &(struct sim_smmuv3_config){ .both = cases[i].both },
					   &c),
				 cases[i].err);
		assert_int_equal(r.refusals, cases[i].err != DMAH_OK);
		r.refusals = 0;
		if (!cases[i].err) {
			assert_int_equal(r.smmu[0].iommu.nformats, 1);
			assert_ptr_equal(r.smmu[0].iommu.formats[0], cases[i].format);
		}
		close_rig(&r);
	}
}

/* A unit with both stages and one with stage 2 alone: a domain has devices behind both by stage 2, and not otherwise. */
static void unlike_units(void **state)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU,
				      .iommu = { { .flavour = SIM_SMMU },
						 { .flavour = SIM_SMMU, .stage2 = true } } };
	const struct sim_smmuv3_config both = { .both = true };
	struct rig r;

	(void)state;
	for (unsigned int want = 1; want <= 2; want++) {
		struct dmah_smmuv3_config c = { .stage2 = want == 2 };
		dmah_phys_t phys;

		open_machine(&r, &machine);
		assert_int_equal(open_unit(&r, &both, &c), DMAH_OK);
		assert_int_equal(open_unit(&r, NULL, &(struct dmah_smmuv3_config){ 0 }), DMAH_OK);
		assert_int_equal(open_domain(&r, (struct dmah_domain_config){ .devices = 4 }),
				 DMAH_OK);
		if (want == 1) {
			assert_int_equal(dmah_domain_add_iommu(r.dom, &r.smmu[1].iommu),
					 DMAH_ENOTSUP);
			assert_int_equal(r.refusals, 1);
			r.refusals = 0;
			close_rig(&r);
			continue;
		}
		assert_int_equal(dmah_domain_add_iommu(r.dom, &r.smmu[1].iommu), DMAH_OK);
		for (unsigned int i = 0; i < 2; i++)
			assert_int_equal(attach(&r, i, DMAH_DEV_ATS), DMAH_OK);
		phys = sim_ram_take(r.sim, 1u << 20, 4096);
		for (unsigned int round = 0; round < 40; round++) {
			uint32_t len = 4096u * (1 + round * 7 % 50);
			struct dmah h = { 0 };
			dmah_addr_t last;

			assert_int_equal(dmah_map(device(&r, round & 1), &h, phys, len,
						  DMAH_FROM_DEVICE, 0),
					 DMAH_OK);
			last = dmah_addr(&h) + len - 1;
			for (unsigned int i = 0; i < 2; i++)
				assert_true(writes(&r, i, dmah_addr(&h)) && writes(&r, i, last));
			assert_int_equal(dmah_unmap(device(&r, round & 1), &h), DMAH_OK);
			for (unsigned int i = 0; i < 2; i++) {
				assert_int_equal(sim_reaches_memory(r.dev[i], phys, 1u << 20), 0);
				assert_false(writes(&r, i, last));
				assert_int_equal(faults_of(&r, i).n, 1);
			}
		}
		close_rig(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries),	cmocka_unit_test(bind_order),
		cmocka_unit_test(bypass_order), cmocka_unit_test(two_domains),
		cmocka_unit_test(exact_ranges), cmocka_unit_test(neighbours_stay),
		cmocka_unit_test(permissions),	cmocka_unit_test(event_stage),
		cmocka_unit_test(widths),	cmocka_unit_test(choice),
		cmocka_unit_test(unlike_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
