/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The RISC-V IOMMU as QEMU 11 models it, as a platform device and as a PCI function: directories, tables of each depth,
 * invalidation, MSI page tables, devices, faults, and commands that go wrong. Every case looks at memory and at the fault
 * queue: edu does not say whether its DMA was let through.
 */
#include "edu_access.h"
#include "qemu.h"
#include "../setup.h"

#include "posix.h"

#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>
#include <dmah/riscv.h>

#define PAGE	4096u
#define MIB	(1ull << 20)
#define DEVICES 2u
#define REG_CQT 0x24u

struct rig_config {
	bool pci;
	struct dmah_riscv_config unit;
	enum dmah_mode mode;
	unsigned int va_bits;
	dmah_addr_t base;
	bool incoherent;
};

struct rig {
	struct qemu *q;
	dmah_phys_t regs;
	struct dmah_riscv unit;
	struct dmah_domain *dom;
	struct dmah_device dev[DEVICES];
	struct edu edu[DEVICES];
	void *unit_memory;
	void *dom_memory;
	unsigned int reports;
	struct dmah_fault fault;
	bool lost;
};

static void machine(struct rig *r, const struct rig_config *c)
{
	static const char *const platform[] = { "-device", QEMU_EDU, "-device", QEMU_EDU, NULL };
	static const char *const function[] = { "-device", QEMU_RISCV_PCI, "-device", QEMU_EDU,
						"-device", QEMU_EDU,	   NULL };
	struct qemu_pci pci;

	r->q = qemu_machine(&(struct qemu_config){ .kind = QEMU_RISCV,
						   .newer = true,
						   .machine = c->pci ? NULL : "iommu-sys=on",
						   .args = c->pci ? function : platform,
						   .incoherent = c->incoherent });
	r->regs = QEMU_RISCV_REGS;
	if (c->pci) {
		/* PCI class 08.06: an IOMMU. */
		assert_int_equal(qemu_pci_read(r->q, 8, 8, 4) >> 16, 0x0806);
		assert_true(qemu_pci_find(r->q, (uint16_t)qemu_pci_read(r->q, 8, 0, 2),
					  (uint16_t)qemu_pci_read(r->q, 8, 2, 2), 0, &pci));
		r->regs = pci.bar[0];
	}
	for (unsigned int i = 0; i < DEVICES; i++) {
		assert_true(qemu_pci_find(r->q, 0x1234, 0x11e8, i, &pci));
		r->dev[i].name = i ? "edu1" : "edu0";
		r->dev[i].id = pci.id;
		assert_int_equal(edu_init(&r->edu[i], qemu_regs(r->q, pci.bar[0]), &r->dev[i]), 0);
	}
}

static void attach(struct rig *r, unsigned int n)
{
	struct dmah_limits limits = { .mask = ~0ull, .flags = DMAH_DEV_COHERENT };

	assert_int_equal(dmah_attach(r->dom, &r->dev[n], &limits), DMAH_OK);
}

static struct rig *rig_open(const struct rig_config *config)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct dmah_riscv_config c = config->unit;
	struct dmah_domain_config d = { .backend = DMAH_BACKEND_IOMMU,
					.mode = config->mode,
					.va_bits = config->va_bits,
					.aperture_base = config->base,
					.aperture_size = 64 * MIB };
	size_t need;

	machine(r, config);
	count_reports(&r->reports);
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	c.regs = qemu_regs(r->q, r->regs);
	c.timeout_ns = c.timeout_ns ? c.timeout_ns : 400000000;
	c.records = c.records ? c.records : 1024;
	c.walks = config->incoherent ? DMAH_WALKS_NONCOHERENT : DMAH_WALKS_COHERENT;
	need = dmah_riscv_memory(&c);
	r->unit_memory = memory_of(need);
	assert_int_equal(dmah_riscv_init(&r->unit, &c, r->unit_memory, need), DMAH_OK);
	d.iommu = &r->unit.iommu;
	d.format = r->unit.iommu.formats[0];
	need = dmah_domain_memory(&d);
	r->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&r->dom, &d, r->dom_memory, need), DMAH_OK);
	attach(r, 0);
	assert_int_equal(dmah_riscv_enable(&r->unit), DMAH_OK);
	return r;
}

static void keep(void *ctx, const struct dmah_fault *fault)
{
	((struct rig *)ctx)->fault = *fault;
}

/* Records since the last call: QEMU makes one for every 4 bytes. */
static unsigned int faults(struct rig *r)
{
	struct dmah_fault_count count;

	/* Beyond the window of the rate limit. */
	posix_clock_advance(DMAH_FAULT_WINDOW + 1);
	assert_int_equal(dmah_faults(&r->unit.iommu, keep, r, &count), DMAH_OK);
	r->lost = count.lost;
	return count.taken;
}

static void rig_close(struct rig *r)
{
	assert_int_equal(faults(r), 0);
	assert_int_equal(r->reports, 0);
	for (unsigned int i = 0; i < DEVICES; i++)
		if (r->dev[i].dom)
			assert_int_equal(dmah_detach(&r->dev[i]), DMAH_OK);
	assert_int_equal(dmah_domain_fini(r->dom), DMAH_OK);
	assert_int_equal(dmah_riscv_fini(&r->unit), DMAH_OK);
	end_of_test(r->q);
	free(r->unit_memory);
	free(r->dom_memory);
	free(r);
}

/* Have device @n write 4 bytes. Returns true if they arrived at @phys. */
static bool writes(struct rig *r, unsigned int n, dmah_addr_t dma, dmah_phys_t phys)
{
	return edu_writes(r->q, &r->edu[n], dma, phys);
}

/* A write that must not arrive, with its fault. */
static void refused(struct rig *r, unsigned int n, dmah_addr_t dma, dmah_phys_t phys, uint32_t code)
{
	assert_false(writes(r, n, dma, phys));
	assert_int_equal(faults(r), 2);
	assert_int_equal(r->fault.hw.id, r->dev[n].id);
	assert_int_equal(r->fault.hw.code, code);
	assert_int_equal(r->fault.hw.addr, dma);
	assert_true(r->fault.hw.write);
}

/* A mapping is reached from before its end, and not after it. */
static void maps(struct rig *r, unsigned int n)
{
	dmah_phys_t page = qemu_take(r->q, PAGE, PAGE);
	struct dmah h = { 0 };
	dmah_addr_t dma;

	assert_int_equal(dmah_map(&r->dev[n], &h, page, PAGE, DMAH_BIDIRECTIONAL, 0), DMAH_OK);
	dma = dmah_addr(&h);
	assert_true(writes(r, n, dma + 8, page + 8));
	/* The other way: the device reads other bytes, and writes them back elsewhere. */
	memset(qemu_ram(r->q, page, 4), 0x3c, 4);
	assert_int_equal(edu_dma(&r->edu[n], dma, 64, 4, DMAH_TO_DEVICE), 0);
	assert_int_equal(edu_dma(&r->edu[n], dma + 16, 64, 4, DMAH_FROM_DEVICE), 0);
	assert_int_equal(*(uint8_t *)qemu_ram(r->q, page + 16, 1), 0x3c);
	assert_int_equal(faults(r), 0);
	assert_int_equal(dmah_unmap(&r->dev[n], &h), DMAH_OK);
	assert_int_equal(dmah_flush(r->dom), DMAH_OK);
	refused(r, n, dma + 8, page + 8, 15);
	assert_int_equal(r->fault.place, DMAH_FAULT_UNMAPPED);
}

/* ---- the two forms, directories, tables ---- */

static void both_forms(void **state)
{
	(void)state;
	for (unsigned int pci = 0; pci < 2; pci++) {
		struct rig *r = rig_open(&(struct rig_config){ .pci = pci });

		maps(r, 0);
		refused(r, 1, 0x1000, qemu_take(r->q, PAGE, PAGE), 258);
		attach(r, 1);
		maps(r, 1);
		rig_close(r);
	}
}

static void directories(void **state)
{
	static const unsigned int bits[] = { 6, 15, 24 };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct rig *r = rig_open(&(struct rig_config){ .unit.id_bits = bits[i] });

		assert_int_equal(r->unit.levels, i + 1);
		assert_int_equal(qemu_read(r->q, r->regs + 0x10, 4) & 0xf, i + 2);
		maps(r, 0);
		rig_close(r);
	}
}

/* Both ends of the lower half of Sv39, Sv48 and Sv57. */
static void tables(void **state)
{
	static const unsigned int bits[] = { 38, 47, 56 };

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		struct rig *r = rig_open(
			&(struct rig_config){ .va_bits = bits[i % 3],
					      .base = i & 1 ? (1ull << bits[i % 3]) - 64 * MIB : 0,
					      .incoherent = i == 4 });

		maps(r, 0);
		/* The upper half is no address. */
		refused(r, 0, 1ull << bits[i % 3], qemu_take(r->q, PAGE, PAGE), 15);
		rig_close(r);
	}
}

static void large_pages(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ 0 });
	dmah_phys_t big = qemu_take(r->q, 4 * MIB, 2 * MIB);
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	assert_int_equal(dmah_map(&r->dev[0], &h, big, 4 * MIB, DMAH_FROM_DEVICE, 0), DMAH_OK);
	dma = dmah_addr(&h);
	for (uint64_t at = 0; at < 4 * MIB; at += MIB / 2)
		assert_true(writes(r, 0, dma + at + 0x340, big + at + 0x340));
	assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
	for (uint64_t at = 0; at < 4 * MIB; at += MIB)
		refused(r, 0, dma + at, big + at, 15);
	rig_close(r);
}

static void permissions(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ 0 });
	dmah_phys_t page = qemu_take(r->q, PAGE, PAGE);
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(dmah_map(&r->dev[0], &h, page, PAGE, DMAH_TO_DEVICE, 0), DMAH_OK);
	refused(r, 0, dmah_addr(&h), page, 15);
	assert_int_equal(r->fault.place, DMAH_FAULT_MAPPED);
	assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
	rig_close(r);
}

/* ---- invalidation ---- */

/* An unmap whose commands do not reach the hardware leaves a stale entry, which is hit: the model can tell. */
static void stale_control(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .unit.timeout_ns = 1000000 });
	dmah_phys_t page = qemu_take(r->q, PAGE, PAGE);
	struct dmah h = { 0 };
	dmah_addr_t dma;

	(void)state;
	assert_int_equal(dmah_map(&r->dev[0], &h, page, PAGE, DMAH_FROM_DEVICE, 0), DMAH_OK);
	dma = dmah_addr(&h);
	assert_true(writes(r, 0, dma, page));
	qemu_hold(r->q, r->regs + REG_CQT);
	assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_ETIMEDOUT);
	assert_true(writes(r, 0, dma, page));
	assert_int_equal(r->reports, 1);
	r->reports = 0;
	/* It goes on, has caught up, and is back in service. */
	qemu_release(r->q);
	assert_int_equal(dmah_flush(r->dom), DMAH_OK);
	refused(r, 0, dma, page, 15);
	rig_close(r);
}

/* Of neighbours exactly the unmapped ones end, whatever the range's size. */
static void exact(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ 0 });
	static const uint32_t pages[] = { 1, 2, 3, 16, 17, 40 };
	dmah_phys_t buffer = qemu_take(r->q, 64 * PAGE, PAGE), other = qemu_take(r->q, PAGE, PAGE);

	(void)state;
	for (unsigned int i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		struct dmah h = { 0 }, next = { 0 };
		dmah_addr_t dma;

		assert_int_equal(dmah_map(&r->dev[0], &h, buffer, pages[i] * PAGE, DMAH_FROM_DEVICE,
					  0),
				 DMAH_OK);
		assert_int_equal(dmah_map(&r->dev[0], &next, other, PAGE, DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		dma = dmah_addr(&h);
		for (uint32_t p = 0; p < pages[i]; p++)
			assert_true(writes(r, 0, dma + p * PAGE, buffer + p * PAGE));
		assert_true(writes(r, 0, dmah_addr(&next), other));
		assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
		for (uint32_t p = 0; p<pages[i]; p += pages[i]> 3 ? pages[i] - 1 : 1)
			refused(r, 0, dma + p * PAGE, buffer + p * PAGE, 15);
		assert_true(writes(r, 0, dmah_addr(&next), other));
		assert_int_equal(dmah_unmap(&r->dev[0], &next), DMAH_OK);
	}
	rig_close(r);
}

/* Passthrough and back, and a device that leaves: contexts are cached, and forgotten. */
static void contexts(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ 0 });
	dmah_phys_t page = qemu_take(r->q, PAGE, PAGE);

	(void)state;
	maps(r, 0);
	assert_int_equal(dmah_set_mode(r->dom, DMAH_PASSTHROUGH), DMAH_OK);
	assert_true(writes(r, 0, page, page));
	assert_int_equal(dmah_set_mode(r->dom, DMAH_LAZY), DMAH_OK);
	refused(r, 0, page, page, 15);
	maps(r, 0);
	assert_int_equal(dmah_kill(&r->dev[0]), DMAH_OK);
	refused(r, 0, page, page, 258);
	assert_int_equal(dmah_detach(&r->dev[0]), DMAH_OK);
	attach(r, 0);
	maps(r, 0);
	rig_close(r);
}

/* ---- MSI page tables ---- */

#define EDU_RAISE 0x60u
#define EDU_ACK	  0x64u

/* Have device @n send a message. Returns true if it arrived. */
static bool sends(struct rig *r, unsigned int n, dmah_phys_t file)
{
	volatile uint32_t *at = qemu_ram(r->q, file, 4);
	uint16_t id = (uint16_t)r->dev[n].id;
	unsigned int cap = qemu_pci_cap(r->q, id, 5);

	assert_true(cap != 0);
	*at = 0;
	qemu_pci_write(r->q, id, cap + 4, 4, (uint32_t)file);
	qemu_pci_write(r->q, id, cap + 8, 4, (uint32_t)(file >> 32));
	qemu_pci_write(r->q, id, cap + 12, 2, 0x51);
	qemu_pci_write(r->q, id, cap + 2, 2, 1);
	dmah_host_write32(r->edu[n].regs + EDU_RAISE, 1);
	dmah_host_write32(r->edu[n].regs + EDU_ACK, 1);
	return *at == 0x51;
}

/*
 * Interrupt files in RAM, so that what arrives there is seen. QEMU looks messages up in the MSI page table that a device sends
 * by its MSI capability, and drops other writes to these pages.
 */
static void interrupt_files(void **state)
{
	const struct dmah_riscv_files msi = { .pattern = 0x81800000, .mask = 0x3000 };
	struct rig *r = rig_open(&(struct rig_config){ .unit.msi = &msi });
	dmah_phys_t file = msi.pattern + 0x2000;

	(void)state;
	assert_true(sends(r, 0, file));
	assert_false(writes(r, 0, file, file));
	assert_int_equal(dmah_riscv_msi_file(&r->unit, 2, false), DMAH_OK);
	assert_false(sends(r, 0, file));
	assert_int_equal(faults(r), 1);
	assert_int_equal(r->fault.hw.code, 262);
	assert_int_equal(r->fault.hw.id, r->dev[0].id);
	assert_true(sends(r, 0, file + PAGE));
	assert_int_equal(dmah_riscv_msi_file(&r->unit, 2, true), DMAH_OK);
	assert_true(sends(r, 0, file));
	/* No other page takes a message. */
	assert_false(sends(r, 0, file + 4 * PAGE));
	assert_int_equal(faults(r), 1);
	assert_int_equal(r->fault.hw.code, 15);
	maps(r, 0);
	rig_close(r);
}

/* Without MSI page tables the file is an identity range of the device, as for every other IOMMU. */
static void messages_by_identity(void **state)
{
	const struct dmah_reserved file = { .base = 0x81802000,
					    .size = PAGE,
					    .identity = true,
					    .dir = DMAH_FROM_DEVICE,
					    .mmio = true };
	struct dmah_limits limits = {
		.mask = ~0ull, .flags = DMAH_DEV_COHERENT, .reserved = &file, .nreserved = 1
	};
	struct rig *r = rig_open(&(struct rig_config){ 0 });

	(void)state;
	assert_false(sends(r, 0, file.base));
	assert_int_equal(faults(r), 1);
	assert_int_equal(dmah_attach(r->dom, &r->dev[1], &limits), DMAH_OK);
	assert_true(sends(r, 1, file.base));
	assert_true(sends(r, 0, file.base));
	maps(r, 1);
	rig_close(r);
}

/* ---- faults and errors ---- */

static void overflow(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .unit.records = 16 });

	(void)state;
	for (unsigned int round = 0; round < 2; round++) {
		/* 512 records, of which 15 fit. */
		assert_int_equal(edu_dma(&r->edu[0], 0x5000, 0, 2048, DMAH_FROM_DEVICE), 0);
		assert_int_equal(faults(r), 15);
		assert_true(r->lost);
		refused(r, 0, 0x7000, qemu_take(r->q, PAGE, PAGE), 15);
		assert_false(r->lost);
	}
	rig_close(r);
}

/* Commands that QEMU refuses: one that the driver knows is replaced, and the waits behind it are confirmed. */
static void refused_command(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ 0 });
	uint64_t ticket, *at;

	(void)state;
	qemu_hold(r->q, r->regs + REG_CQT);
	assert_int_equal(
		r->unit.iommu.ops->invalidate(&r->unit.iommu, 1, 0x1000, PAGE, false, &ticket), 1);
	at = r->unit.queue.cpu + ((r->unit.tail - 2) & (r->unit.entries - 1)) * 2;
	at[0] |= 5ull << 7; /* no such function */
	qemu_release(r->q);
	assert_int_equal(r->unit.iommu.ops->wait(&r->unit.iommu, ticket), DMAH_OK);
	assert_int_equal(r->reports, 1);
	r->reports = 0;
	maps(r, 0);
	rig_close(r);
}

/* Registers that are lost with the machine's reset: the unit has failed until it is reset, and is as before then. */
static void reset(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .unit.timeout_ns = 1000000 });
	dmah_phys_t page = qemu_take(r->q, PAGE, PAGE);
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(dmah_map(&r->dev[0], &h, page, PAGE, DMAH_FROM_DEVICE, 0), DMAH_OK);
	qemu_write(r->q, r->regs + 0x10, 8, 0);
	qemu_write(r->q, r->regs + 0x48, 4, 0);
	assert_int_equal(dmah_flush(r->dom), DMAH_ETIMEDOUT);
	assert_int_equal(r->reports, 1);
	r->reports = 0;
	assert_false(writes(r, 0, dmah_addr(&h), page));
	(void)faults(r);
	assert_int_equal(dmah_riscv_reset(&r->unit), DMAH_OK);
	assert_int_equal(dmah_flush(r->dom), DMAH_OK);
	assert_true(writes(r, 0, dmah_addr(&h), page));
	assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
	maps(r, 0);
	rig_close(r);
}

/* ---- random programs ---- */

static uint32_t rnd(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((*seed >> 33) % below);
}

/* Maps and unmaps of two devices at random; what is mapped is reached, and what is not is refused. */
static void program(enum dmah_mode mode, uint64_t seed)
{
	struct rig *r = rig_open(&(struct rig_config){ .mode = mode });
	struct {
		struct dmah h;
		dmah_phys_t phys;
		dmah_addr_t dma;
		bool live;
	} slot[16] = { { .live = false } };

	attach(r, 1);
	for (unsigned int i = 0; i < 16; i++)
		slot[i].phys = qemu_take(r->q, 8 * PAGE, PAGE);
	for (unsigned int step = 0; step < 1000; step++) {
		unsigned int i = rnd(&seed, 16), n = rnd(&seed, 2);
		uint32_t pages = 1 + rnd(&seed, 8);

		if (!slot[i].live) {
			assert_int_equal(dmah_map(&r->dev[i & 1], &slot[i].h, slot[i].phys,
						  pages * PAGE, DMAH_FROM_DEVICE, 0),
					 DMAH_OK);
			slot[i].dma = dmah_addr(&slot[i].h);
			slot[i].live = true;
			if (step % 4 == 0)
				assert_true(writes(r, n, slot[i].dma + (pages - 1) * PAGE,
						   slot[i].phys + (pages - 1) * PAGE));
		} else {
			assert_int_equal(dmah_unmap(&r->dev[i & 1], &slot[i].h), DMAH_OK);
			slot[i].live = false;
			if (mode == DMAH_STRICT && step % 4 == 0)
				refused(r, n, slot[i].dma, slot[i].phys, 15);
		}
	}
	for (unsigned int i = 0; i < 16; i++)
		if (slot[i].live)
			assert_int_equal(dmah_unmap(&r->dev[i & 1], &slot[i].h), DMAH_OK);
	assert_int_equal(dmah_flush(r->dom), DMAH_OK);
	for (unsigned int i = 0; i < 16; i++)
		if (slot[i].dma)
			refused(r, i & 1, slot[i].dma, slot[i].phys, 15);
	rig_close(r);
}

static void random_programs(void **state)
{
	(void)state;
	program(DMAH_STRICT, 7);
	program(DMAH_LAZY, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms),	   cmocka_unit_test(directories),
		cmocka_unit_test(tables),	   cmocka_unit_test(large_pages),
		cmocka_unit_test(permissions),	   cmocka_unit_test(stale_control),
		cmocka_unit_test(exact),	   cmocka_unit_test(contexts),
		cmocka_unit_test(interrupt_files), cmocka_unit_test(messages_by_identity),
		cmocka_unit_test(overflow),	   cmocka_unit_test(refused_command),
		cmocka_unit_test(reset),	   cmocka_unit_test(random_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
