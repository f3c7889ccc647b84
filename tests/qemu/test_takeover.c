/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The VT-d driver begins and ends: on a unit that firmware left translating or with a queue of its own, with ranges that
 * must translate all along; and afterwards there is nothing left.
 */
#include "rig.h"

#include "posix.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define NOT_WRITABLE 0x05
#define NOT_ATTACHED 0x02

#define REG_GCMD   0x18
#define REG_GSTS   0x1c
#define REG_RTADDR 0x20
#define REG_IQH	   0x80
#define REG_IQT	   0x88
#define REG_IQA	   0x90
#define TE	   (1u << 31)
#define SRTP	   (1u << 30)
#define QIE	   (1u << 26)

/* Firmware's state: tables that map @window to itself for the first device, and its own queue. */
struct firmware {
	dmah_phys_t root;
	dmah_phys_t queue;
	dmah_phys_t window;
};

static void store(struct rig *rig, dmah_phys_t at, uint64_t value)
{
	*(uint64_t *)qemu_ram(rig->q, at, 8) = value;
}

static void command(struct rig *rig, uint32_t bit)
{
	uint32_t now = rig_vtd32(rig, REG_GSTS) & 0x96ffffff;

	qemu_write(rig->q, QEMU_VTD_REGS + REG_GCMD, 4, now | bit);
	assert_true(qemu_wait_reg(rig->q, QEMU_VTD_REGS + REG_GSTS, bit, bit, 1000000000));
}

static dmah_phys_t table(struct rig *rig)
{
	return qemu_take(rig->q, 4096, 4096);
}

static void firmware_boots(struct rig *rig, struct firmware *fw)
{
	dmah_phys_t context = table(rig), t[3] = { table(rig), table(rig), table(rig) };

	fw->root = table(rig);
	fw->queue = table(rig);
	fw->window = qemu_take(rig->q, 8192, 8192);
	store(rig, fw->root, context | 1);
	store(rig, context + rig->pci[0].id * 16, t[0] | 1);
	store(rig, context + rig->pci[0].id * 16 + 8, 3 << 8 | 1);
	store(rig, t[0] + (fw->window >> 30) * 8, t[1] | 3);
	store(rig, t[1] + (fw->window >> 21 & 511) * 8, t[2] | 3);
	for (unsigned int i = 0; i < 2; i++)
		store(rig, t[2] + ((fw->window >> 12 & 511) + i) * 8,
		      (fw->window + i * 4096ull) | 3);
	qemu_write(rig->q, QEMU_VTD_REGS + REG_RTADDR, 8, fw->root);
	command(rig, SRTP);
	qemu_write(rig->q, QEMU_VTD_REGS + REG_IQA, 8, fw->queue);
	command(rig, QIE);
	command(rig, TE);
	/* Its queue has been round half way. */
	for (unsigned int i = 0; i < 100; i++)
		store(rig, fw->queue + i * 16, 1 << 4 | 2);
	qemu_write(rig->q, QEMU_VTD_REGS + REG_IQT, 4, 100 << 4);
	assert_true(qemu_wait_reg(rig->q, QEMU_VTD_REGS + REG_IQH, ~0u, 100 << 4, 1000000000));
}

static void reaches(struct rig *rig, unsigned int n, dmah_phys_t phys, unsigned int seed)
{
	memset(qemu_ram(rig->q, phys, 64), 0, 64);
	rig_dma(rig, n, phys, 64, DMAH_FROM_DEVICE);
	assert_true(rig_holds(rig, phys, 64, seed));
}

static void refused(struct rig *rig, unsigned int n, dmah_phys_t phys, uint8_t reason)
{
	memset(qemu_ram(rig->q, phys, 64), 0, 64);
	rig_dma(rig, n, phys, 64, DMAH_FROM_DEVICE);
	assert_int_equal(*(uint8_t *)qemu_ram(rig->q, phys, 1), 0);
	rig_expect_fault(rig, n, phys, true, reason);
}

/* Load a device's buffer while nothing translates. */
static void load_raw(struct rig *rig, unsigned int n, unsigned int seed)
{
	dmah_phys_t phys = table(rig);

	rig_fill(rig, phys, 64, seed);
	rig_dma(rig, n, phys, 64, DMAH_TO_DEVICE);
}

/*
 * The device runs all the time: at each step it reaches its range. Firmware's tables end in one step, and what was only
 * in them ends with them.
 */
static void enabled_unit(void **state)
{
	struct rig *rig = rig_machine(&(struct rig_config){ .bare = true });
	struct dmah_reserved rmrr = { .size = 4096, .identity = true };
	struct dmah_limits limits = {
		.mask = ~0ull, .flags = DMAH_DEV_COHERENT, .reserved = &rmrr, .nreserved = 1
	};
	struct firmware fw;

	(void)state;
	load_raw(rig, 0, 1);
	load_raw(rig, 1, 1);
	firmware_boots(rig, &fw);
	rmrr.base = fw.window;
	reaches(rig, 0, fw.window, 1);
	reaches(rig, 0, fw.window + 4096, 1);
	/* A fault of before is no one's business. */
	rig_dma(rig, 1, fw.window, 64, DMAH_FROM_DEVICE);
	rig_setup(rig);
	assert_int_equal(rig_faults(rig), 0);
	assert_true(rig_vtd32(rig, REG_GSTS) & TE);
	reaches(rig, 0, fw.window, 1);
	assert_int_equal(dmah_attach(rig->dom, &rig->dev[0], &limits), DMAH_OK);
	reaches(rig, 0, fw.window, 1);
	assert_int_equal(rig_faults(rig), 0);
	assert_int_equal(dmah_vtd_enable(&rig->vtd), DMAH_OK);
	assert_true(qemu_read(rig->q, QEMU_VTD_REGS + REG_RTADDR, 8) != fw.root);
	reaches(rig, 0, fw.window, 1);
	assert_int_equal(rig_faults(rig), 0);
	/* The other page was firmware's alone, and cached. */
	refused(rig, 0, fw.window + 4096, NOT_WRITABLE);
	refused(rig, 1, fw.window, NOT_ATTACHED);
	assert_int_equal(dmah_vtd_enable(&rig->vtd), DMAH_OK);
	rig_close(rig);
}

/* The same with a unit that firmware left alone: whoever has a reserved range is never without it. */
static void reserved_range(void **state)
{
	struct rig *rig = rig_machine(&(struct rig_config){ .bare = true });
	dmah_phys_t range = qemu_take(rig->q, 8192, 4096);
	struct dmah_reserved rmrr = {
		.base = range, .size = 4096, .identity = true, .dir = DMAH_FROM_DEVICE
	};
	struct dmah_limits limits = {
		.mask = ~0ull, .flags = DMAH_DEV_COHERENT, .reserved = &rmrr, .nreserved = 1
	};

	(void)state;
	load_raw(rig, 0, 1);
	load_raw(rig, 1, 1);
	rig_setup(rig);
	/* Not enabled yet: everything is reached. */
	reaches(rig, 1, range, 1);
	assert_int_equal(dmah_attach(rig->dom, &rig->dev[0], &limits), DMAH_OK);
	reaches(rig, 0, range, 1);
	assert_int_equal(dmah_vtd_enable(&rig->vtd), DMAH_OK);
	reaches(rig, 0, range, 1);
	refused(rig, 0, range + 4096, NOT_WRITABLE);
	refused(rig, 1, range, NOT_ATTACHED);
	/* Another device of the domain that has such a range comes when it is on already. */
	rmrr.base = range + 4096;
	assert_int_equal(dmah_attach(rig->dom, &rig->dev[1], &limits), DMAH_OK);
	reaches(rig, 1, range + 4096, 1);
	rig_close(rig);
}

/* Firmware's tables and commands are those of the scalable mode: translation has to end before ours can be. */
static void scalable_mode(void **state)
{
	struct rig *rig = rig_machine(
		&(struct rig_config){ .iommu = "aw-bits=48,x-scalable-mode=on", .bare = true });
	dmah_phys_t root = table(rig), queue = table(rig);

	(void)state;
	load_raw(rig, 0, 1);
	qemu_write(rig->q, QEMU_VTD_REGS + REG_RTADDR, 8, root | 1 << 10);
	command(rig, SRTP);
	qemu_write(rig->q, QEMU_VTD_REGS + REG_IQA, 8, queue | 1 << 11);
	command(rig, QIE);
	command(rig, TE);
	/* 256 bits a command: one is done, and ends the queue's first half. */
	store(rig, queue, 1 << 4 | 2);
	qemu_write(rig->q, QEMU_VTD_REGS + REG_IQT, 4, 32);
	assert_int_equal(rig_vtd32(rig, REG_IQH), 32);
	/* The model has the bit, but does not read it back. */
	qemu_pretend(rig->q, QEMU_VTD_REGS + REG_IQA, 0, 1 << 11);
	rig_setup(rig);
	qemu_pretend(rig->q, QEMU_VTD_REGS + REG_IQA, 0, 0);
	assert_false(rig_vtd32(rig, REG_GSTS) & TE);
	rig_attach(rig, 0, rig->dom, 0);
	assert_int_equal(dmah_vtd_enable(&rig->vtd), DMAH_OK);
	rig_load(rig, 0, 64, 2);
	refused(rig, 0, table(rig), NOT_WRITABLE);
	rig_close(rig);
}

/* Firmware's queue stands still for an error of its own. */
static void broken_queue(void **state)
{
	struct rig *rig = rig_machine(&(struct rig_config){ .bare = true });
	struct firmware fw;

	(void)state;
	firmware_boots(rig, &fw);
	store(rig, fw.queue + 100 * 16, 0xf);
	qemu_write(rig->q, QEMU_VTD_REGS + REG_IQT, 4, 101 << 4);
	assert_int_equal(rig_vtd32(rig, REG_IQH), 100 << 4);
	rig_setup(rig);
	assert_int_equal(rig_vtd32(rig, 0x34) & 0x70, 0);
	rig_attach(rig, 0, rig->dom, 0);
	assert_int_equal(dmah_vtd_enable(&rig->vtd), DMAH_OK);
	rig_load(rig, 0, 64, 1);
	rig_close(rig);
}

/* After the end devices reach memory as before there was a driver, and it can begin again. */
static void ends(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ 0 });
	dmah_phys_t phys = table(rig);

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		rig_load(rig, 0, 64, i);
		refused(rig, 0, phys, NOT_WRITABLE);
		assert_int_equal(dmah_detach(&rig->dev[0]), DMAH_OK);
		assert_int_equal(dmah_domain_fini(rig->dom), DMAH_OK);
		assert_int_equal(dmah_vtd_fini(&rig->vtd), DMAH_OK);
		assert_int_equal(rig_vtd32(rig, REG_GSTS) & (TE | QIE), 0);
		reaches(rig, 0, phys, i);
		free(rig->vtd_memory);
		free(rig->dom_memory);
		rig_setup(rig);
	}
	rig_close(rig);
}

/* Configurations that make no sense are refused, and a failed allocation leaves nothing behind. */
static void refusals(void **state)
{
	struct rig *rig = rig_machine(&(struct rig_config){ 0 });
	struct dmah_vtd_config good = { .regs = qemu_regs(rig->q, QEMU_VTD_REGS) }, c;
	size_t need = dmah_vtd_memory(&good);
	uint64_t *memory = malloc(need);
	struct posix_alloc_stats stats;

	(void)state;
	assert_int_equal(need, 65536 / 8);
	c = good;
	c.queue = 300;
	assert_int_equal(dmah_vtd_memory(&c), 0);
	c.queue = 128;
	assert_int_equal(dmah_vtd_memory(&c), 0);
	c.queue = 65536;
	assert_int_equal(dmah_vtd_init(&rig->vtd, &c, memory, need), DMAH_EINVAL);
	c = good;
	c.phys_bits = 53;
	assert_int_equal(dmah_vtd_memory(&c), 0);
	assert_int_equal(dmah_vtd_init(&rig->vtd, &good, memory, need - 1), DMAH_EINVAL);
	assert_int_equal(dmah_vtd_init(&rig->vtd, &good, NULL, need), DMAH_EINVAL);
	for (uint64_t n = 1; n <= 2; n++) {
		posix_fail_alloc(POSIX_FAIL_NTH, n);
		assert_int_equal(dmah_vtd_init(&rig->vtd, &good, memory, need), DMAH_ENOMEM);
		posix_alloc_stats(&stats);
		assert_int_equal(stats.pages + stats.mem, 0);
	}
	posix_fail_alloc(POSIX_FAIL_NEVER, 0);
	/* A larger queue, over several pages. */
	c = good;
	c.queue = 1024;
	assert_int_equal(dmah_vtd_init(&rig->vtd, &c, memory, need), DMAH_OK);
	for (unsigned int i = 0; i < 3000; i++) {
		struct dmah_iommu *iommu = &rig->vtd.iommu;
		uint64_t ticket;

		assert_int_equal(iommu->ops->fence(iommu, &ticket), DMAH_OK);
		assert_int_equal(iommu->ops->wait(iommu, ticket), DMAH_OK);
	}
	assert_int_equal(dmah_vtd_fini(&rig->vtd), DMAH_OK);
	free(memory);
	rig_setup(rig);
	rig_close(rig);
}

/* Domain ids: never 0, no two the same, as many as the unit has but one, and free again. */
static void tags(void **state)
{
	struct rig *rig = rig_open(&(struct rig_config){ .bare = true });
	struct dmah_iommu *iommu = &rig->vtd.iommu;
	static uint8_t seen[65536];
	uint32_t tag = 0, n = 1;

	(void)state;
	memset(seen, 0, sizeof(seen));
	/* The rig's own domain has one. */
	while (!iommu->ops->tag_alloc(iommu, &tag)) {
		assert_in_range(tag, 1, 65535);
		assert_int_equal(seen[tag]++, 0);
		n++;
	}
	assert_int_equal(n, 65535);
	iommu->ops->tag_free(iommu, 4711);
	assert_int_equal(iommu->ops->tag_alloc(iommu, &tag), DMAH_OK);
	assert_int_equal(tag, 4711);
	for (uint32_t i = 1; i < 65536; i++)
		if (seen[i])
			iommu->ops->tag_free(iommu, i);
	rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enabled_unit), cmocka_unit_test(reserved_range),
		cmocka_unit_test(broken_queue), cmocka_unit_test(scalable_mode),
		cmocka_unit_test(ends),		cmocka_unit_test(refusals),
		cmocka_unit_test(tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
