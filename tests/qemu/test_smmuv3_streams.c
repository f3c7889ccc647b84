/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Streams of QEMU's SMMUv3: what each is bound to, by whom, where their entries are, and their MSIs. */
#include "smmu.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define F_TRANSLATION 0x10u

/* ---- binding ---- */

static void passthrough_and_block(void **state)
{
	struct smmu_rig rig;
	dmah_phys_t phys;
	uint8_t *page, bytes[64], got[64];

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	page = smmu_page(&rig, 1, 0xca, &phys);
	memset(bytes, 0x66, sizeof(bytes));
	/* Translated: a physical address is no IOVA. */
	dev_write(&rig, phys, bytes, sizeof(bytes));
	assert_true(all(page, 0xca, PAGE));
	(void)events_one(&rig, F_TRANSLATION, rig.sid, true, phys, sizeof(bytes));
	assert_int_equal(dmah_unmap(&rig.dev, &rig.staged), 0);
	for (unsigned int i = 0; i < 3; i++) {
		memset(page, 0xca, PAGE);
		assert_int_equal(dmah_set_mode(rig.dom, DMAH_PASSTHROUGH), 0);
		dev_push(&rig.edu, phys, 0, sizeof(bytes));
		assert_true(all(page, 0x66, sizeof(bytes)));
		events_none(&rig);
		memset(page, 0xca, PAGE);
		assert_int_equal(dmah_set_mode(rig.dom, DMAH_STRICT), 0);
		dev_push(&rig.edu, phys, 0, sizeof(bytes));
		assert_true(all(page, 0xca, PAGE));
		(void)events_one(&rig, F_TRANSLATION, rig.sid, true, phys, sizeof(bytes));
	}
	assert_int_equal(dmah_map(&rig.dev, &rig.staged, rig.staging, PAGE, DMAH_BIDIRECTIONAL, 0),
			 0);
	dev_read(&rig, dmah_addr(&rig.staged), got, sizeof(got));
	assert_int_equal(dmah_unmap(&rig.dev, &rig.staged), 0);
	/* Detached: neither by physical address nor by IOVA. That a stream aborts is no event. */
	assert_int_equal(dmah_detach(&rig.dev), 0);
	dev_push(&rig.edu, phys, 0, sizeof(bytes));
	assert_true(all(page, 0xca, PAGE));
	events_none(&rig);
	assert_int_equal(smmu_attach(&rig, &rig.dev, rig.sid), 0);
	smmu_close(&rig);
}

/* A device that is killed reaches nothing at once, though its mappings are still there. */
static void killed(void **state)
{
	struct smmu_rig rig;
	struct dmah h = { 0 };
	dmah_phys_t phys;
	uint8_t *page, bytes[16];

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	page = smmu_page(&rig, 1, 0, &phys);
	assert_int_equal(dmah_map(&rig.dev, &h, phys, PAGE, DMAH_FROM_DEVICE, 0), 0);
	memset(bytes, 0x12, sizeof(bytes));
	dev_write(&rig, dmah_addr(&h), bytes, sizeof(bytes));
	assert_true(all(page, 0x12, sizeof(bytes)));
	assert_int_equal(dmah_kill(&rig.dev), 0);
	memset(page, 0xca, PAGE);
	dev_push(&rig.edu, dmah_addr(&h), 0, sizeof(bytes));
	assert_true(all(page, 0xca, PAGE));
	assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	smmu_close(&rig);
}

/* A tag, and with it an ASID, that a domain had before: its translations are not the next one's. */
static void tag_reused(void **state)
{
	struct smmu_rig rig;
	dmah_phys_t phys, other;
	uint8_t *page, *page2, byte[4];
	struct dmah h = { 0 };
	dmah_addr_t dma;
	struct dmah_domain_config config = { .va_bits = 48, .aperture_size = 4u << 20 };

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_LAZY, .smmu = { .tags = 1 } });
	page = smmu_page(&rig, 1, 0, &phys);
	page2 = smmu_page(&rig, 1, 0, &other);
	assert_int_equal(dmah_map(&rig.dev, &h, phys, PAGE, DMAH_FROM_DEVICE, 0), 0);
	dma = dmah_addr(&h);
	memset(byte, 0x41, 4);
	dev_write(&rig, dma, byte, 4);
	assert_true(all(page, 0x41, 4));
	assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	assert_int_equal(dmah_unmap(&rig.dev, &rig.staged), 0);
	assert_int_equal(dmah_detach(&rig.dev), 0);
	assert_int_equal(dmah_domain_fini(rig.dom), 0);
	config.aperture_base = dma & ~((2ull << 20) - 1);
	free(rig.dom_memory);
	rig.dom = smmu_domain(&rig, &config, &rig.dom_memory);
	assert_int_equal(smmu_attach(&rig, &rig.dev, rig.sid), 0);
	memset(page, 0xca, PAGE);
	dev_push(&rig.edu, dma, 0, 4);
	(void)events_one(&rig, F_TRANSLATION, rig.sid, true, dma, 4);
	assert_int_equal(dmah_map(&rig.dev, &h, other, PAGE, DMAH_FROM_DEVICE, 0), 0);
	dev_push(&rig.edu, dmah_addr(&h), 0, 4);
	assert_true(all(page2, 0x41, 4));
	assert_true(all(page, 0xca, PAGE));
	assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	smmu_close(&rig);
}

/* Two domains use the same IOVAs for different pages, and the ASID keeps them apart; also where only one unmaps. */
static void two_domains(void **state)
{
	struct dmah_domain_config config = { .aperture_base = 1ull << 32,
					     .aperture_size = 64u << 20 };
	struct dmah h[2] = { { 0 } };
	struct dmah_device dev;
	struct dmah_domain *dom;
	struct smmu_rig rig;
	struct qemu_pci pci;
	struct edu edu;
	dmah_phys_t phys;
	uint8_t *page, byte[4];
	void *memory;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	assert_true(qemu_pci_find(rig.q, 0x1234, 0x11e8, 1, &pci));
	smmu_edu(&rig, &edu, pci.id, 0);
	dom = smmu_domain(&rig, &config, &memory);
	assert_int_equal(smmu_attach_to(&rig, dom, &dev, pci.id), 0);
	page = smmu_page(&rig, 2, 0, &phys);
	/* The other domain has a mapping already: its page is the first one's here. */
	assert_int_equal(dmah_map(&dev, &h[1], phys, PAGE, DMAH_BIDIRECTIONAL, 0), 0);
	assert_true(dmah_addr(&h[1]) == dmah_addr(&rig.staged));
	memset(byte, 0x61, 4);
	dev_load(&rig, byte, 4);
	memset(page, 0x62, PAGE);
	dev_pull(&edu, dmah_addr(&h[1]), 0, 4);
	assert_int_equal(dmah_map(&rig.dev, &h[0], phys + PAGE, PAGE, DMAH_FROM_DEVICE, 0), 0);
	dev_push(&rig.edu, dmah_addr(&h[0]), 0, 4);
	assert_true(all(page + PAGE, 0x61, 4));
	assert_int_equal(dmah_unmap(&dev, &h[1]), 0);
	dev_push(&edu, dmah_addr(&rig.staged), 0, 4);
	(void)events_one(&rig, F_TRANSLATION, pci.id, true, dmah_addr(&rig.staged), 4);
	dev_write(&rig, dmah_addr(&h[0]) + 8, byte, 4);
	assert_true(all(page + PAGE + 8, 0x61, 4));
	assert_int_equal(dmah_unmap(&rig.dev, &h[0]), 0);
	assert_int_equal(dmah_detach(&dev), 0);
	assert_int_equal(dmah_domain_fini(dom), 0);
	free(memory);
	smmu_close(&rig);
}

/* The widest IOVAs that there are: four levels, at the upper end. */
static void wide(void **state)
{
	struct dmah h = { 0 };
	struct smmu_rig rig;
	dmah_phys_t phys;
	uint8_t *page, byte[4];

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .aperture_base = (1ull << 48) - (64u << 20) });
	page = smmu_page(&rig, 1, 0, &phys);
	assert_int_equal(dmah_map(&rig.dev, &h, phys, PAGE, DMAH_FROM_DEVICE, 0), 0);
	assert_true(dmah_addr(&h) >> 47 == 1);
	memset(byte, 0x61, 4);
	dev_write(&rig, dmah_addr(&h), byte, 4);
	assert_true(all(page, 0x61, 4));
	/* The same without the upper bits is another address, and so is one beyond. */
	dev_push(&rig.edu, dmah_addr(&h) & ((1ull << 39) - 1), 0, 4);
	(void)events_one(&rig, F_TRANSLATION, rig.sid, true, dmah_addr(&h) & ((1ull << 39) - 1), 4);
	assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	smmu_close(&rig);
}

/* ---- stream ids ---- */

#define NO_STREAM 0x02u

/* Two devices far apart: the second-level tables between them are not there. */
static void sparse_streams(void **state)
{
	struct smmu_rig rig;
	struct dmah_device dev;
	struct dmah h = { 0 }, first = { 0 };
	struct edu edu;
	dmah_phys_t phys;
	uint8_t *page, byte[4];

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	smmu_edu(&rig, &edu, SMMU_FAR_SID, SMMU_FAR_BAR);
	page = smmu_page(&rig, 2, 0xca, &phys);
	/* Not bound: it reaches nothing, and its stream id, of which the table has no part, is recorded. */
	dev_push(&edu, phys, 0, 4);
	assert_true(all(page, 0xca, PAGE));
	(void)events_one(&rig, NO_STREAM, SMMU_FAR_SID, true, 0, 1);
	assert_int_equal(smmu_attach(&rig, &dev, SMMU_FAR_SID), 0);
	assert_int_equal(dmah_map(&dev, &h, phys, PAGE, DMAH_BIDIRECTIONAL, 0), 0);
	assert_int_equal(dmah_map(&rig.dev, &first, phys + PAGE, PAGE, DMAH_BIDIRECTIONAL, 0), 0);
	memset(byte, 0x19, 4);
	dev_write(&rig, dmah_addr(&first), byte, 4);
	dev_pull(&edu, dmah_addr(&first), 8, 4);
	dev_push(&edu, dmah_addr(&h), 8, 4);
	assert_true(all(page, 0x19, 4));
	assert_int_equal(dmah_unmap(&dev, &h), 0);
	assert_int_equal(dmah_detach(&dev), 0);
	/* The other one is as it was. */
	memset(byte, 0x20, 4);
	dev_write(&rig, dmah_addr(&first), byte, 4);
	assert_true(all(page + PAGE, 0x20, 4));
	assert_int_equal(dmah_unmap(&rig.dev, &first), 0);
	/* A second device's table is new, and one out of range is none. */
	assert_int_equal(smmu_attach(&rig, &dev, 0xffff), 0);
	assert_int_equal(dmah_detach(&dev), 0);
	assert_int_equal(smmu_attach(&rig, &dev, 0x10000), DMAH_ENOTSUP);
	smmu_close(&rig);
}

static void linear_table(void **state)
{
	struct smmu_rig rig;
	struct dmah_device dev;
	struct dmah h = { 0 };
	dmah_phys_t phys;
	uint8_t *page, byte[4];

	(void)state;
	/* The reset before does not undo QEMU's two levels, but the machine's end does. */
	qemu_stop_all();
	smmu_open(&rig, &(struct smmu_config){ .smmu = { .linear = true, .sid_bits = 8 } });
	page = smmu_page(&rig, 1, 0xca, &phys);
	assert_int_equal(dmah_map(&rig.dev, &h, phys, PAGE, DMAH_BIDIRECTIONAL, 0), 0);
	memset(byte, 0x19, 4);
	dev_write(&rig, dmah_addr(&h), byte, 4);
	assert_true(all(page, 0x19, 4));
	assert_int_equal(smmu_attach(&rig, &dev, 0xff), 0);
	assert_int_equal(dmah_detach(&dev), 0);
	assert_int_equal(smmu_attach(&rig, &dev, 0x100), DMAH_ENOTSUP);
	assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	dev_push(&rig.edu, phys, 0, 4);
	(void)events_one(&rig, F_TRANSLATION, rig.sid, true, phys, 4);
	smmu_close(&rig);
}

/* ---- MSIs ---- */

/* An MSI is a write to the doorbell, which every domain maps; the page plays that part here. */
static void doorbell(void **state)
{
	struct dmah_reserved range;
	struct dmah_pt_info pt;
	struct smmu_rig rig;
	const uint64_t *table;
	uint32_t *page;
	unsigned int cap;
	dmah_phys_t phys = 0x40100000;

	(void)state;
	range = dmah_smmuv3_doorbell(phys + 0x40);
	assert_int_equal(range.base, phys);
	smmu_open(&rig, &(struct smmu_config){ .smmu = { .reserved = &range, .nreserved = 1 } });
	page = qemu_ram(rig.q, phys, PAGE);
	cap = qemu_pci_cap(rig.q, (uint16_t)rig.sid, 5);
	assert_int_not_equal(cap, 0);
	qemu_pci_write(rig.q, (uint16_t)rig.sid, cap + 4, 4, (uint32_t)phys + 0x40);
	qemu_pci_write(rig.q, (uint16_t)rig.sid, cap + 8, 4, 0);
	qemu_pci_write(rig.q, (uint16_t)rig.sid, cap + 12, 2, 0xcafe);
	qemu_pci_write(rig.q, (uint16_t)rig.sid, cap + 2, 2, 1);
	dmah_host_write32(rig.edu.regs + 0x60, 1);
	assert_int_equal(page[0x40 / 4], 0xcafe);
	dmah_host_write32(rig.edu.regs + 0x64, 1);
	events_none(&rig);
	/* AttrIndx 1: to the hardware it is a register and not memory. */
	assert_int_equal(dmah_domain_pt(rig.dom, &pt), 0);
	table = qemu_ram(rig.q, pt.root, PAGE);
	for (unsigned int shift = 12 + 9 * (pt.levels - 1); shift > 12; shift -= 9)
		table = qemu_ram(rig.q, table[phys >> shift & 511] & 0xfffffffff000, PAGE);
	assert_int_equal(table[phys >> 12 & 511] >> 2 & 7, 1);
	assert_true((table[phys >> 12 & 511] & 0xfffffffff000) == phys);
	smmu_close(&rig);
}

/* The MSI frame of a GICv2 (Arm Server Base System Architecture, appendix on GICv2m), and the GIC itself. */
#define V2M	     0x08020000ull
#define V2M_TYPER    0x08u
#define V2M_SETSPI   0x40u
#define GICD	     0x08000000ull
#define GICD_ISPENDR 0x200u
#define GICD_ICFGR   0xc00u

static bool pending(struct smmu_rig *rig, uint32_t spi)
{
	return qemu_read(rig->q, GICD + GICD_ISPENDR + spi / 32 * 4, 4) >> spi % 32 & 1;
}

/* To a real interrupt controller: with the doorbell mapped the interrupt is there, without it is not. */
static void doorbell_of_a_gic(void **state)
{
	struct dmah_reserved range = dmah_smmuv3_doorbell(V2M + V2M_SETSPI);
	struct smmu_rig rig;
	unsigned int cap;
	uint32_t spi;

	(void)state;
	for (unsigned int mapped = 0; mapped < 2; mapped++) {
		smmu_open(&rig, &(struct smmu_config){
					.machine = "gic-version=2",
					.smmu = { .reserved = &range, .nreserved = mapped } });
		spi = (uint32_t)(qemu_read(rig.q, V2M + V2M_TYPER, 4) >> 16 & 0x3ff);
		assert_true(spi >= 32);
		/* By edge, as an MSI is. */
		qemu_write(rig.q, GICD + GICD_ICFGR + spi / 16 * 4, 4, 2u << spi % 16 * 2);
		cap = qemu_pci_cap(rig.q, (uint16_t)rig.sid, 5);
		assert_int_not_equal(cap, 0);
		qemu_pci_write(rig.q, (uint16_t)rig.sid, cap + 4, 4, (uint32_t)V2M + V2M_SETSPI);
		qemu_pci_write(rig.q, (uint16_t)rig.sid, cap + 8, 4, 0);
		qemu_pci_write(rig.q, (uint16_t)rig.sid, cap + 12, 2, spi);
		qemu_pci_write(rig.q, (uint16_t)rig.sid, cap + 2, 2, 1);
		assert_false(pending(&rig, spi));
		dmah_host_write32(rig.edu.regs + 0x60, 1);
		assert_int_equal(pending(&rig, spi), mapped);
		if (!mapped)
			(void)events_one(&rig, F_TRANSLATION, rig.sid, true, V2M + V2M_SETSPI, 4);
		smmu_close(&rig);
	}
}

/* ---- several units ---- */

/* Each has queues and tables of its own, and a domain behind both tells both. The second one only takes commands. */
static void two_units(void **state)
{
	struct dmah_domain_config config = { .backend = DMAH_BACKEND_IOMMU,
					     .format = &dmah_pt_lpae_s1,
					     .aperture_size = 4u << 20 };
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };
	struct dmah_device here = { .name = "here" }, there = { .name = "there", .id = 0x77 };
	struct dmah_smmuv3 second;
	struct dmah_domain *dom;
	struct dmah h = { 0 };
	struct smmu_rig rig;
	dmah_phys_t phys;
	uint64_t one, two;
	size_t size;
	void *memory, *dom_memory;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	memory = malloc(dmah_smmuv3_memory(NULL));
	assert_int_equal(dmah_smmuv3_init(&second,
					  &(struct dmah_smmuv3_config){ .regs = smmu_fake(&rig) },
					  memory, dmah_smmuv3_memory(NULL)),
			 0);
	config.iommu = &rig.smmu.iommu;
	size = dmah_domain_memory(&config);
	dom_memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
	assert_int_equal(dmah_domain_init(&dom, &config, dom_memory, size), 0);
	assert_int_equal(dmah_domain_add_iommu(dom, &second.iommu), 0);
	here.id = 0x78;
	there.iommu = &second.iommu;
	assert_int_equal(dmah_attach(dom, &here, &limits), 0);
	assert_int_equal(dmah_attach(dom, &there, &limits), 0);
	(void)smmu_page(&rig, 1, 0, &phys);
	assert_int_equal(dmah_map(&there, &h, phys, PAGE, DMAH_BIDIRECTIONAL, 0), 0);
	one = rig.smmu.commands;
	two = second.commands;
	assert_int_equal(dmah_unmap(&there, &h), 0);
	assert_true(rig.smmu.commands == one + 1 && second.commands == two + 1);
	assert_true(rig.smmu.l2[0x77 >> 6] && second.l2[0x77 >> 6]);
	assert_true(rig.smmu.strtab.phys != second.strtab.phys);
	assert_int_equal(dmah_detach(&here), 0);
	assert_int_equal(dmah_detach(&there), 0);
	assert_int_equal(dmah_domain_fini(dom), 0);
	assert_int_equal(dmah_smmuv3_fini(&second), 0);
	free(memory);
	free(dom_memory);
	smmu_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passthrough_and_block),
		cmocka_unit_test(killed),
		cmocka_unit_test(tag_reused),
		cmocka_unit_test(two_domains),
		cmocka_unit_test(wide),
		cmocka_unit_test(sparse_streams),
		cmocka_unit_test(linear_table),
		cmocka_unit_test(doorbell),
		cmocka_unit_test(doorbell_of_a_gic),
		cmocka_unit_test(two_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
