/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Interrupt remapping of VT-d and AMD-Vi: delivery, forged messages, bad input, on and off, a random program. */
#include "irq_rig.h"

/* ---- delivery ---- */

/* An entry blocks until it is set, changes while it is in use and cached, and blocks when it was freed. */
static void life_of_an_entry(const struct kind *kind)
{
	uint32_t far = kind->x2apic ? 0x12345678 : 0xfe;
	struct dmah_irq irq;
	struct dmah_msi msi;
	struct rig r;

	open_rig(&r, kind);
	alloc(&r, OWN, 1, &irq);
	msi = message(&irq, 0);
	blocked(&r, OWN, msi);
	set(&irq, 0, 3, 0x41);
	arrives(&r, OWN, msi, 3, 0x41);
	set(&irq, 0, 3, 0x42);
	arrives(&r, OWN, msi, 3, 0x42);
	set(&irq, 0, far, 0x42);
	arrives(&r, OWN, msi, far, 0x42);
	set(&irq, 0, 0, 0xff);
	arrives(&r, OWN, msi, 0, 0xff);
	assert_int_equal(dmah_irq_free(&irq), DMAH_OK);
	blocked(&r, OWN, msi);
	close_rig(&r);
}

static void entries(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KINDS; i++)
		life_of_an_entry(&kinds[i]);
}

/* Each bit of a target means what it says. */
static void targets_on(struct rig *r)
{
	struct sim_interrupt got;
	struct dmah_irq irq;
	struct dmah_msi msi;

	alloc(r, OWN, 1, &irq);
	msi = message(&irq, 0);
	for (unsigned int bits = 0; bits < 4; bits++) {
		const struct dmah_irq_target target = {
			.dest = 0x81, .vector = 0x10, .logical = bits & 1, .lowest = bits & 2
		};

		assert_int_equal(dmah_irq_set(&irq, 0, &target), DMAH_OK);
		assert_int_equal(sim_interrupt(r->dev[OWN], msi.addr, msi.data, &got), SIM_OK);
		assert_int_equal(got.dest, 0x81);
		assert_int_equal(got.vector, 0x10);
		assert_int_equal(got.logical, bits & 1);
		assert_int_equal(got.lowest, bits >> 1);
		assert_false(got.level);
	}
}

static void targets(void **state)
{
	(void)state;
	on_each(targets_on);
}

/* Multi-MSI: the device adds the message's number to the data. MSI-X: each message is written by itself. */
static void blocks_on(struct rig *r)
{
	struct dmah_irq one, irq;
	struct dmah_msi first;

	alloc(r, OWN, 1, &one);
	alloc(r, OWN, 8, &irq);
	assert_true(one.index < irq.index);
	first = message(&irq, 0);
	assert_int_equal(first.data & 7, 0);
	for (unsigned int n = 0; n < 8; n++)
		set(&irq, n, n, (uint8_t)(0x50 + n));
	for (unsigned int n = 0; n < 8; n++) {
		arrives(r, OWN, (struct dmah_msi){ first.addr, first.data + n }, n,
			(uint8_t)(0x50 + n));
		arrives(r, OWN, message(&irq, n), n, (uint8_t)(0x50 + n));
	}
	blocked(r, OWN, (struct dmah_msi){ first.addr, first.data + 8 });
	/* All of the block are forgotten, and no other. */
	set(&one, 0, 1, 0x31);
	arrives(r, OWN, message(&one, 0), 1, 0x31);
	assert_int_equal(dmah_irq_free(&irq), DMAH_OK);
	for (unsigned int n = 0; n < 8; n++)
		blocked(r, OWN, (struct dmah_msi){ first.addr, first.data + n });
	arrives(r, OWN, message(&one, 0), 1, 0x31);
}

static void blocks(void **state)
{
	(void)state;
	on_each(blocks_on);
}

/* Returns the message of an IOAPIC's pin: VT-d specification, 5.1.5.1; on AMD-Vi vector and delivery mode are the number. */
static struct dmah_msi of_pin(bool amd, uint64_t rte)
{
	struct dmah_msi msi = { .addr = WINDOW, .data = (uint32_t)rte & 0x87ff };

	if (!amd)
		msi.addr |= (rte >> 49 & 0x7fff) << 5 | (rte >> 48 & 1) << 4 | (rte >> 11 & 1) << 2;
	return msi;
}

static void ioapic_on(struct rig *r)
{
	struct dmah_irq_target target = { .dest = 2, .vector = 0x66, .level = true };
	struct sim_interrupt got;
	struct dmah_irq irq[2];
	struct dmah_msi msi;
	uint64_t rte;

	alloc(r, OWN, 16, &irq[0]);
	alloc(r, OWN, 1, &irq[1]);
	for (unsigned int level = 0; level < 2; level++) {
		target.level = level;
		assert_int_equal(dmah_irq_set(&irq[1], 0, &target), DMAH_OK);
		assert_int_equal(dmah_irq_ioapic(&irq[1], ids[OWN], 0, &target, &rte), DMAH_OK);
		/* Neither masked nor of a polarity: the caller's bits. */
		assert_int_equal(rte & (1u << 13 | 1u << 16), 0);
		assert_int_equal(rte >> 15 & 1, level);
		if (!r->kind.amd)
			assert_int_equal(rte & 0xff, 0x66);
		msi = of_pin(r->kind.amd, rte);
		assert_int_equal(sim_interrupt(r->dev[OWN], msi.addr, msi.data, &got), SIM_OK);
		assert_int_equal(got.vector, 0x66);
		assert_int_equal(got.dest, 2);
		assert_int_equal(got.level, level);
		blocked(r, OTHER, msi);
	}
}

static void ioapic(void **state)
{
	(void)state;
	on_each(ioapic_on);
}

/* ---- forged messages ---- */

/* Messages in compatibility format of every vector and delivery mode, from devices with entries and without. */
static void compatibility_format_on(struct rig *r)
{
	struct dmah_irq irq;

	alloc(r, OWN, 1, &irq);
	assert_int_equal(irq.index, 0);
	for (unsigned int n = 0; n < DEVICES; n++)
		for (uint32_t data = 0; data < 0x800; data += 37)
			blocked(r, n, (struct dmah_msi){ WINDOW | 1 << 12, data });
}

static void compatibility_format(void **state)
{
	(void)state;
	on_each(compatibility_format_on);
}

/* A device uses another one's message, and a number behind the table. */
static void others_entries_on(struct rig *r)
{
	struct dmah_irq irq, theirs;
	struct dmah_msi msi;

	alloc(r, OWN, 4, &irq);
	alloc(r, OTHER, 2, &theirs);
	set(&irq, 3, 1, 0x70);
	msi = message(&irq, 3);
	arrives(r, OWN, msi, 1, 0x70);
	blocked(r, OTHER, msi);
	/* An id that differs in the function alone. */
	blocked(r, NEIGHBOUR, msi);
	set(&theirs, 0, 2, 0x71);
	arrives(r, OTHER, message(&theirs, 0), 2, 0x71);
	arrives(r, OWN, msi, 1, 0x70);
	msi.addr |= r->kind.amd ? 0 : 1 << 2;
	msi.data += r->kind.amd ? 256 : 0;
	blocked(r, OWN, msi);
}

static void others_entries(void **state)
{
	(void)state;
	on_each(others_entries_on);
}

/* An entry of a freed block goes to another device: the first one's message is not the second one's interrupt. */
static void reused_entry_on(struct rig *r)
{
	struct dmah_irq irq, next;
	struct dmah_msi msi;

	alloc(r, OWN, 1, &irq);
	set(&irq, 0, 1, 0x44);
	msi = message(&irq, 0);
	arrives(r, OWN, msi, 1, 0x44);
	assert_int_equal(dmah_irq_free(&irq), DMAH_OK);
	alloc(r, OTHER, 1, &next);
	assert_int_equal(next.index, 0);
	set(&next, 0, 5, 0x55);
	blocked(r, OWN, msi);
	arrives(r, OTHER, message(&next, 0), 5, 0x55);
}

static void reused_entry(void **state)
{
	(void)state;
	on_each(reused_entry_on);
}

/* Every requester on the buses of a bridge, and none on others. */
static void bridge(void **state)
{
	const struct dmah_irq_source source = { .id = ids[OWN], .buses = true, .last_bus = 1 };
	struct dmah_irq irq;
	struct dmah_msi msi;
	struct rig r;

	(void)state;
	open_rig(&r, &kinds[0]);
	assert_int_equal(dmah_irq_alloc(r.iommu, &source, 1, &irq), DMAH_OK);
	set(&irq, 0, 1, 0x61);
	assert_int_equal(dmah_irq_msi(&irq, 0x1ff, 0, &msi), DMAH_OK);
	assert_int_equal(dmah_irq_msi(&irq, 0x200, 0, &msi), DMAH_EINVAL);
	arrives(&r, OWN, msi, 1, 0x61);
	arrives(&r, NEIGHBOUR, msi, 1, 0x61);
	blocked(&r, OTHER, msi);
	close_rig(&r);
	open_rig(&r, &kinds[3]);
	assert_int_equal(dmah_irq_alloc(r.iommu, &source, 1, &irq), DMAH_ENOTSUP);
	close_rig(&r);
}

/* ---- bad input ---- */

static void bad_calls(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KINDS; i++) {
		const struct dmah_irq_source source = { .id = ids[OWN] };
		struct dmah_irq irq, copy, none = { 0 };
		struct dmah_irq_target target = { .dest = 1, .vector = 15 };
		struct dmah_msi msi;
		struct rig r;
		uint64_t rte;

		open_machine(&r, &kinds[i]);
		assert_int_equal(dmah_irq_alloc(r.iommu, &source, 1, &irq), DMAH_EPERM);
		assert_int_equal(dmah_irq_disable(r.iommu), DMAH_EPERM);
		assert_int_equal(dmah_irq_enable(r.iommu,
						 &(struct dmah_irq_config){ .entries = 3 }),
				 DMAH_EINVAL);
		assert_int_equal(dmah_irq_enable(r.iommu,
						 &(struct dmah_irq_config){ .entries = 1 << 17 }),
				 DMAH_EINVAL);
		if (kinds[i].lacks)
			assert_int_equal(
				dmah_irq_enable(r.iommu,
						&(struct dmah_irq_config){ .x2apic = true }),
				DMAH_ENOTSUP);
		assert_int_equal(remap(&r), DMAH_OK);
		assert_int_equal(remap(&r), DMAH_EBUSY);
		assert_int_equal(translate(&r), DMAH_OK);
		for (unsigned int count = 0; count < 4096; count += 3)
			if (count & (count - 1) || !count)
				assert_int_equal(dmah_irq_alloc(r.iommu, &source, count, &irq),
						 DMAH_EINVAL);
		assert_int_equal(dmah_irq_alloc(r.iommu, &source, 4096, &irq), DMAH_EINVAL);
		assert_int_equal(dmah_irq_set(&irq, 0, &target), DMAH_ESTALE);
		assert_int_equal(dmah_irq_alloc(r.iommu,
						&(struct dmah_irq_source){
							.id = 0x200, .buses = true, .last_bus = 1 },
						1, &irq),
				 DMAH_EINVAL);
		alloc(&r, OWN, 2, &irq);
		assert_int_equal(dmah_irq_set(&irq, 0, &target), DMAH_EINVAL);
		target.vector = 16;
		assert_int_equal(dmah_irq_set(&irq, 2, &target), DMAH_EINVAL);
		target.dest = 256;
		assert_int_equal(dmah_irq_set(&irq, 0, &target),
				 kinds[i].x2apic ? DMAH_OK : DMAH_EINVAL);
		target.dest = 1;
		assert_int_equal(dmah_irq_msi(&irq, ids[OTHER], 0, &msi), DMAH_EINVAL);
		assert_int_equal(dmah_irq_msi(&irq, ids[OWN], 2, &msi), DMAH_EINVAL);
		assert_int_equal(dmah_irq_ioapic(&irq, ids[OTHER], 0, &target, &rte), DMAH_EINVAL);
		target.vector = 15;
		assert_int_equal(dmah_irq_ioapic(&irq, ids[OWN], 0, &target, &rte), DMAH_EINVAL);
		/* Freed twice, by the block itself and by a copy, also when another block has its entries. */
		copy = irq;
		assert_int_equal(dmah_irq_free(&irq), DMAH_OK);
		assert_int_equal(dmah_irq_free(&irq), DMAH_ESTALE);
		assert_int_equal(dmah_irq_free(&copy), DMAH_ESTALE);
		alloc(&r, OWN, 2, &irq);
		assert_int_equal(irq.index, copy.index);
		assert_int_equal(dmah_irq_free(&copy), DMAH_ESTALE);
		target.vector = 16;
		assert_int_equal(dmah_irq_set(&copy, 0, &target), DMAH_ESTALE);
		assert_int_equal(dmah_irq_msi(&copy, ids[OWN], 0, &msi), DMAH_ESTALE);
		assert_int_equal(dmah_irq_free(&none), DMAH_ESTALE);
		/* A corrupted one. */
		copy = irq;
		copy.index = 1u << 31;
		assert_int_equal(dmah_irq_free(&copy), DMAH_ESTALE);
		copy = irq;
		copy.count = 4;
		assert_int_equal(dmah_irq_free(&copy), DMAH_ESTALE);
		if (kinds[i].amd)
			assert_int_equal(dmah_irq_alloc(r.iommu,
							&(struct dmah_irq_source){ .id = IDS }, 1,
							&copy),
					 DMAH_EINVAL);
		assert_int_equal(dmah_irq_disable(r.iommu), DMAH_OK);
		assert_int_equal(dmah_irq_free(&irq), DMAH_EPERM);
		close_rig(&r);
	}
}

static void no_capability(void **state)
{
	struct sim_config machine = { .backend = DMAH_BACKEND_IOMMU };
	struct dmah_vtd_config c = { 0 };
	struct dmah_vtd vtd;
	struct sim *sim;
	size_t need;
	void *memory;

	(void)state;
	machine.iommu[0].flavour = SIM_VTD;
	sim = sim_create(&machine);
	c.regs = sim_vtd_regs(
		sim_vtd_create(sim, 0, &(struct sim_vtd_config){ .no_remapping = true }));
	need = dmah_vtd_memory(&c);
	memory = memory_of(need);
	assert_int_equal(dmah_vtd_init(&vtd, &c, memory, need), DMAH_OK);
	assert_int_equal(dmah_irq_enable(&vtd.iommu, NULL), DMAH_ENOTSUP);
	assert_int_equal(dmah_vtd_fini(&vtd), DMAH_OK);
	sim_destroy(sim);
	free(memory);
}

/* A table is full, and full for blocks that its holes are too small for. */
static void full(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KINDS; i++) {
		const struct dmah_irq_source source = { .id = ids[OWN] };
		struct kind kind = kinds[i];
		struct dmah_irq irq[16], more;
		struct rig r;

		kind.entries = 16;
		open_rig(&r, &kind);
		assert_int_equal(dmah_irq_alloc(r.iommu, &source, 32, &more), DMAH_ENOSPC);
		for (unsigned int n = 0; n < 16; n++) {
			alloc(&r, OWN, 1, &irq[n]);
			assert_int_equal(irq[n].index, n);
		}
		assert_int_equal(dmah_irq_alloc(r.iommu, &source, 1, &more), DMAH_ENOSPC);
		for (unsigned int n = 1; n < 5; n++)
			assert_int_equal(dmah_irq_free(&irq[n]), DMAH_OK);
		assert_int_equal(dmah_irq_alloc(r.iommu, &source, 4, &more), DMAH_ENOSPC);
		alloc(&r, OWN, 2, &more);
		assert_int_equal(more.index, 2);
		assert_int_equal(dmah_irq_free(&irq[5]), DMAH_OK);
		assert_int_equal(dmah_irq_free(&irq[6]), DMAH_OK);
		assert_int_equal(dmah_irq_free(&irq[7]), DMAH_OK);
		alloc(&r, OWN, 4, &more);
		assert_int_equal(more.index, 4);
		close_rig(&r);
	}
}

/* ---- on and off ---- */

/* Without remapping messages pass as they are; it comes and goes while the unit translates. */
static void on_and_off(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KINDS; i++) {
		const struct dmah_msi plain = { WINDOW | 5 << 12, 0x62 };
		struct dmah_irq irq;
		struct rig r;

		if (kinds[i].x2apic && kinds[i].amd)
			continue;
		open_machine(&r, &kinds[i]);
		assert_int_equal(translate(&r), DMAH_OK);
		for (unsigned int round = 0; round < 2; round++) {
			arrives(&r, OWN, plain, 5, 0x62);
			assert_int_equal(remap(&r), DMAH_OK);
			blocked(&r, OWN, plain);
			alloc(&r, OWN, 1, &irq);
			set(&irq, 0, 6, 0x63);
			arrives(&r, OWN, message(&irq, 0), 6, 0x63);
			assert_int_equal(dmah_irq_disable(r.iommu), DMAH_OK);
		}
		arrives(&r, OWN, plain, 5, 0x62);
		close_rig(&r);
	}
	/* The format of an AMD unit's entries may not change while it translates. */
	{
		struct kind kind = kinds[4];
		struct rig r;

		open_machine(&r, &kind);
		assert_int_equal(translate(&r), DMAH_OK);
		assert_int_equal(remap(&r), DMAH_EBUSY);
		close_rig(&r);
	}
}

/* Firmware left remapping on, with messages in compatibility format let through: that ends. */
static void taken_over(void **state)
{
	const struct dmah_msi plain = { WINDOW, 0x62 };
	struct rig r;

	(void)state;
	open_machine(&r, &kinds[0]);
	dmah_host_write64(r.vtd.regs + 0xb8, sim_ram_take(r.sim, 4096, 4096) | 7);
	dmah_host_write32(r.vtd.regs + 0x18, 1u << 26 | 1u << 24);
	dmah_host_write32(r.vtd.regs + 0x18, 1u << 26 | 1u << 25);
	dmah_host_write32(r.vtd.regs + 0x18, 1u << 26 | 1u << 25 | 1u << 23);
	assert_true(passes(&r, OWN, plain));
	assert_int_equal(remap(&r), DMAH_OK);
	blocked(&r, OWN, plain);
	close_rig(&r);
}

/* ---- a random program ---- */

#define STEPS 1000u
#define LIVE  12u

struct live {
	struct dmah_irq irq;
	unsigned int n;
	uint8_t vector[8];
	uint32_t dest[8];
};

static uint32_t rnd(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((*seed >> 33) % below);
}

/* Blocks come, change and go; each message does what a model says, and so does each of another device. */
static void program(const struct kind *kind)
{
	struct kind small = *kind;
	struct live live[LIVE];
	uint64_t seed = 7;
	struct rig r;

	small.entries = 32;
	memset(live, 0, sizeof(live));
	open_rig(&r, &small);
	for (unsigned int step = 0; step < STEPS; step++) {
		struct live *p = &live[rnd(&seed, LIVE)];
		unsigned int what = rnd(&seed, 10), m;

		if (!p->irq.count) {
			int err;

			memset(p, 0, sizeof(*p));
			p->n = rnd(&seed, DEVICES);
			err = dmah_irq_alloc(r.iommu, &(struct dmah_irq_source){ .id = ids[p->n] },
					     1u << rnd(&seed, 4), &p->irq);
			assert_true(!err || err == DMAH_ENOSPC);
			if (err)
				p->irq = (struct dmah_irq){ 0 };
			continue;
		}
		m = rnd(&seed, p->irq.count);
		if (what == 0) {
			assert_int_equal(dmah_irq_free(&p->irq), DMAH_OK);
		} else if (what < 4) {
			p->vector[m] = (uint8_t)(16 + rnd(&seed, 240));
			p->dest[m] = rnd(&seed, kind->x2apic ? 1u << 30 : 256);
			set(&p->irq, m, p->dest[m], p->vector[m]);
		} else {
			struct dmah_msi msi = message(&p->irq, m);
			unsigned int n = rnd(&seed, DEVICES);

			if (p->vector[m])
				arrives(&r, p->n, msi, p->dest[m], p->vector[m]);
			else
				blocked(&r, p->n, msi);
			/* An AMD device's number may be one of its own entries. */
			if (!kind->amd && n != p->n)
				blocked(&r, n, msi);
		}
	}
	close_rig(&r);
}

static void random_program(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KINDS; i++)
		program(&kinds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries),
		cmocka_unit_test(targets),
		cmocka_unit_test(blocks),
		cmocka_unit_test(ioapic),
		cmocka_unit_test(compatibility_format),
		cmocka_unit_test(others_entries),
		cmocka_unit_test(reused_entry),
		cmocka_unit_test(bridge),
		cmocka_unit_test(bad_calls),
		cmocka_unit_test(no_capability),
		cmocka_unit_test(full),
		cmocka_unit_test(on_and_off),
		cmocka_unit_test(taken_over),
		cmocka_unit_test(random_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
