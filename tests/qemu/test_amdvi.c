/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* AMD's IOMMU as QEMU models it: translation, invalidation, devices, faults, and commands that go wrong. */
#include "amdvi.h"
#include "lapic.h"

#include "posix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dmah/dmah.h>

#define MIB	   (1ull << 20)
#define REG_TAIL   0x2008u
#define REG_EVTLOG 0x10u
#define VECTOR	   0x51u

static void map(struct amd_rig *r, unsigned int n, struct dmah *h, dmah_phys_t phys, uint32_t len,
		enum dmah_dir dir)
{
	*h = (struct dmah){ 0 };
	assert_int_equal(dmah_map(&r->dev[n], h, phys, len, dir, 0), DMAH_OK);
}

/* ---- translation ---- */

/* Both directions, by a table of each number of levels, at both ends of the aperture. */
static void levels(void **state)
{
	static const struct {
		unsigned int bits;
		dmah_addr_t base;
	} table[] = { { 21, 0 },
		      { 30, 0x3fe00000 },
		      { 39, 0x7fffe00000 },
		      { 48, 0xffffffe00000 },
		      { 57, 0x1ffffffffe00000 },
		      { 63, 0x7fffffffffe00000 } };

	(void)state;
	for (unsigned int i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct amd_rig *r = amd_open(&(struct amd_config){ .va_bits = table[i].bits,
								   .aperture_base = table[i].base,
								   .aperture_size = 2 * MIB });
		dmah_phys_t page = amd_page(r, 0);
		struct dmah h;

		assert_int_equal((amd_reg(r, 0) & 0x1ff) + 1, 2);
		map(r, 0, &h, page, 4096, DMAH_BIDIRECTIONAL);
		assert_true(dmah_addr(&h) >= table[i].base);
		assert_true(amd_writes(r, 0, dmah_addr(&h), page));
		/* The other way: the device reads other bytes, and writes them back elsewhere. */
		memset(qemu_ram(r->q, page, 4), 0x3c, 4);
		assert_int_equal(edu_dma(&r->edu[0], dmah_addr(&h), 64, 4, DMAH_TO_DEVICE), 0);
		assert_int_equal(edu_dma(&r->edu[0], dmah_addr(&h) + 8, 64, 4, DMAH_FROM_DEVICE),
				 0);
		assert_int_equal(amd_byte(r, page + 8), 0x3c);
		assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
		amd_refused(r, 0, dmah_addr(&h) ? dmah_addr(&h) : table[i].base + 4096, page);
		amd_close(r);
	}
}

/* Entries of 2 MiB, each half of which is reached; and the range around it is not. */
static void large_pages(void **state)
{
	struct amd_rig *r = amd_open(&(struct amd_config){ 0 });
	dmah_phys_t big = qemu_take(r->q, 4 * MIB, 2 * MIB);
	struct dmah h;
	dmah_addr_t dma;

	(void)state;
	map(r, 0, &h, big, (uint32_t)(4 * MIB), DMAH_FROM_DEVICE);
	dma = dmah_addr(&h);
	for (uint64_t at = 0; at < 4 * MIB; at += MIB / 2)
		assert_true(amd_writes(r, 0, dma + at + 0x340, big + at + 0x340));
	amd_refused(r, 0, dma + 4 * MIB, big);
	assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
	for (uint64_t at = 0; at < 4 * MIB; at += MIB)
		amd_refused(r, 0, dma + at, big + at);
	amd_close(r);
}

/* A page that is only to be read is not written, and the fault comes from that device. */
static void permissions(void **state)
{
	struct amd_rig *r = amd_open(&(struct amd_config){ 0 });
	dmah_phys_t page = amd_page(r, 0);
	struct dmah h;

	(void)state;
	map(r, 0, &h, page, 4096, DMAH_TO_DEVICE);
	amd_refused(r, 0, dmah_addr(&h), page);
	assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
	/* And the other way: the device's buffer keeps its bytes. */
	map(r, 0, &h, page, 4096, DMAH_FROM_DEVICE);
	memset(qemu_ram(r->q, page, 4), 0x77, 4);
	assert_int_equal(edu_dma(&r->edu[0], dmah_addr(&h), 128, 4, DMAH_TO_DEVICE), 0);
	assert_int_equal(amd_faults(r, 0), amd_records());
	assert_true(amd_writes(r, 0, dmah_addr(&h), page));
	assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
	amd_close(r);
}

/* ---- invalidation ---- */

/* An unmap whose commands do not reach the hardware leaves a stale entry, which is hit: the model can tell. */
static void stale_control(void **state)
{
	struct amd_rig *r = amd_open(&(struct amd_config){ .timeout_ns = 50000000 });
	dmah_phys_t page = amd_page(r, 0);
	struct dmah h;
	dmah_addr_t dma;

	(void)state;
	map(r, 0, &h, page, 4096, DMAH_FROM_DEVICE);
	dma = dmah_addr(&h);
	assert_true(amd_writes(r, 0, dma, page));
	qemu_hold(r->q, QEMU_AMD_REGS + REG_TAIL);
	assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_ETIMEDOUT);
	assert_true(amd_writes(r, 0, dma, page));
	assert_int_equal(r->reports, 1);
	/* It goes on, has caught up, and is back in service. */
	qemu_release(r->q);
	assert_int_equal(dmah_flush(r->dom), DMAH_OK);
	amd_refused(r, 0, dma, page);
	r->reports = 0;
	amd_close(r);
}

/* After a strict unmap nothing is reached, whatever was used before; a lazy one waits for the flush. */
static void stale(void **state)
{
	(void)state;
	for (enum dmah_mode mode = DMAH_STRICT; mode <= DMAH_LAZY; mode++) {
		struct amd_rig *r = amd_open(&(struct amd_config){ .mode = mode });
		dmah_phys_t page = amd_page(r, 0);

		for (unsigned int i = 0; i < 40; i++) {
			struct dmah h;
			dmah_addr_t dma;

			map(r, 0, &h, page, 4096, DMAH_FROM_DEVICE);
			dma = dmah_addr(&h);
			assert_true(amd_writes(r, 0, dma, page));
			assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
			if (mode == DMAH_LAZY) {
				assert_true(amd_writes(r, 0, dma, page));
				assert_int_equal(dmah_flush(r->dom), DMAH_OK);
			}
			amd_refused(r, 0, dma, page);
		}
		amd_close(r);
	}
}

/* More commands than the ring has room for, several times round it. */
static void ring_wraps(void **state)
{
	struct amd_rig *r = amd_open(&(struct amd_config){ 0 });
	dmah_phys_t page = amd_page(r, 0);
	struct dmah h;

	(void)state;
	for (unsigned int i = 0; i < 700; i++) {
		map(r, 0, &h, page, 4096, DMAH_FROM_DEVICE);
		if (i % 100 == 0)
			assert_true(amd_writes(r, 0, dmah_addr(&h), page));
		assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
		if (i % 100 == 0)
			amd_refused(r, 0, dmah_addr(&h) ? dmah_addr(&h) : 0x1000, page);
	}
	amd_close(r);
}

/* ---- devices ---- */

/* A device that is not attached is blocked from the moment of enabling; attached later, it works; detached, it is blocked. */
static void hot_attach(void **state)
{
	struct amd_rig *r = amd_open(&(struct amd_config){ 0 });
	dmah_phys_t page = amd_page(r, 0);
	struct dmah h;

	(void)state;
	for (unsigned int round = 0; round < 3; round++) {
		amd_refused(r, 1, page, page);
		amd_attach(r, 1, r->dom);
		map(r, 1, &h, page, 4096, DMAH_FROM_DEVICE);
		assert_true(amd_writes(r, 1, dmah_addr(&h), page));
		assert_int_equal(dmah_unmap(&r->dev[1], &h), DMAH_OK);
		amd_refused(r, 1, dmah_addr(&h), page);
		map(r, 1, &h, page, 4096, DMAH_FROM_DEVICE);
		assert_true(amd_writes(r, 1, dmah_addr(&h), page));
		assert_int_equal(dmah_unmap(&r->dev[1], &h), DMAH_OK);
		assert_int_equal(dmah_detach(&r->dev[1]), DMAH_OK);
		amd_refused(r, 1, dmah_addr(&h), page);
		amd_refused(r, 1, page, page);
	}
	amd_close(r);
}

/* Two domains: each device reaches its own domain's mapping at the same address, and moves between the two. */
static void two_domains(void **state)
{
	struct amd_rig *r = amd_open(&(struct amd_config){ 0 });
	void *memory;
	struct dmah_domain *other = amd_domain(r, &(struct amd_config){ 0 }, &memory);
	dmah_phys_t page[2] = { amd_page(r, 0), amd_page(r, 0) };
	struct dmah h[2];

	(void)state;
	amd_attach(r, 1, other);
	for (unsigned int i = 0; i < 2; i++)
		map(r, i, &h[i], page[i], 4096, DMAH_FROM_DEVICE);
	assert_true(dmah_addr(&h[0]) == dmah_addr(&h[1]));
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(amd_writes(r, i, dmah_addr(&h[i]), page[i]));
		memset(qemu_ram(r->q, page[!i], 4), 0, 4);
		assert_true(amd_writes(r, i, dmah_addr(&h[i]), page[i]));
		assert_int_equal(amd_byte(r, page[!i]), 0);
	}
	assert_int_equal(dmah_unmap(&r->dev[1], &h[1]), DMAH_OK);
	amd_refused(r, 1, dmah_addr(&h[0]), page[1]);
	assert_true(amd_writes(r, 0, dmah_addr(&h[0]), page[0]));
	/* The second device joins the first one's domain: what it had cached of its own is gone. */
	assert_int_equal(dmah_detach(&r->dev[1]), DMAH_OK);
	amd_attach(r, 1, r->dom);
	assert_true(amd_writes(r, 1, dmah_addr(&h[0]), page[0]));
	assert_int_equal(dmah_unmap(&r->dev[0], &h[0]), DMAH_OK);
	amd_refused(r, 1, dmah_addr(&h[0]), page[0]);
	assert_int_equal(dmah_domain_fini(other), DMAH_OK);
	free(memory);
	amd_close(r);
}

/* Killed: nothing that is mapped is reached any more. */
static void killed(void **state)
{
	struct amd_rig *r = amd_open(&(struct amd_config){ 0 });
	dmah_phys_t page = amd_page(r, 0);
	struct dmah h;

	(void)state;
	map(r, 0, &h, page, 4096, DMAH_FROM_DEVICE);
	assert_true(amd_writes(r, 0, dmah_addr(&h), page));
	assert_int_equal(dmah_kill(&r->dev[0]), DMAH_OK);
	amd_refused(r, 0, dmah_addr(&h), page);
	assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
	amd_close(r);
}

static void passthrough(void **state)
{
	struct amd_rig *r = amd_open(&(struct amd_config){ .mode = DMAH_PASSTHROUGH });
	dmah_phys_t page = amd_page(r, 0);

	(void)state;
	assert_true(amd_writes(r, 0, page, page));
	amd_refused(r, 1, page, page);
	assert_int_equal(dmah_set_mode(r->dom, DMAH_STRICT), DMAH_OK);
	amd_refused(r, 0, page, page);
	assert_int_equal(dmah_set_mode(r->dom, DMAH_PASSTHROUGH), DMAH_OK);
	assert_true(amd_writes(r, 0, page, page));
	amd_close(r);
}

/* A unity range (IVMD) translates to itself from before translation is on, with its permissions. */
static void unity_range(void **state)
{
	struct amd_rig *r = amd_machine(&(struct amd_config){ 0 });
	dmah_phys_t both = qemu_take(r->q, 8192, 4096), readable = amd_page(r, 0);
	struct dmah_reserved reserved[] = {
		{ .base = both, .size = 8192, .identity = true },
		{ .base = readable, .size = 4096, .identity = true, .dir = DMAH_TO_DEVICE },
	};
	struct dmah_limits limits = {
		.mask = ~0ull, .flags = DMAH_DEV_COHERENT, .reserved = reserved, .nreserved = 2
	};

	(void)state;
	r->dom = amd_domain(r, &(struct amd_config){ 0 }, &r->dom_memory);
	assert_int_equal(dmah_attach(r->dom, &r->dev[0], &limits), DMAH_OK);
	/* An exclusion range that firmware left on. */
	qemu_write(r->q, QEMU_AMD_REGS + 0x28, 8, readable);
	qemu_write(r->q, QEMU_AMD_REGS + 0x20, 8, readable | 3);
	assert_int_equal(dmah_amdvi_enable(&r->amdvi), DMAH_OK);
	assert_int_equal(amd_reg(r, 0x20) & 1, 0);
	assert_true(amd_writes(r, 0, both, both));
	assert_true(amd_writes(r, 0, both + 4096, both + 4096));
	amd_refused(r, 0, readable, readable);
	amd_refused(r, 0, both + 8192 + 4096, both);
	amd_close(r);
}

/* ---- taking over ---- */

/* Firmware has translation on with a table of its own, which lets everything through: it ends with one write. */
static void take_over(void **state)
{
	struct amd_rig *r = amd_machine(&(struct amd_config){ .bare = true });
	dmah_phys_t table = qemu_take(r->q, 2 * MIB, 4096), ring = qemu_take(r->q, 8192, 4096),
		    page = amd_page(r, 0);
	uint8_t before[8192];

	(void)state;
	assert_int_equal(dmah_amdvi_fini(&r->amdvi), DMAH_OK);
	free(r->amdvi_memory);
	qemu_write(r->q, QEMU_AMD_REGS, 8, table | 0x1ff);
	qemu_write(r->q, QEMU_AMD_REGS + 8, 8, ring | 8ull << 56);
	qemu_write(r->q, QEMU_AMD_REGS + REG_EVTLOG, 8, (ring + 4096) | 8ull << 56);
	qemu_write(r->q, QEMU_AMD_REGS + 0x18, 8, 0x1005);
	assert_true(amd_writes(r, 0, page, page));
	{
		struct dmah_amdvi_config c = { .regs = qemu_regs(r->q, QEMU_AMD_REGS), .ids = 256 };
		size_t need = dmah_amdvi_memory(&c);

		r->amdvi_memory = malloc(need);
		memcpy(before, qemu_ram(r->q, ring, 8192), 8192);
		assert_int_equal(dmah_amdvi_init(&r->amdvi, &c, r->amdvi_memory, need), DMAH_OK);
	}
	/* Its table goes on; its rings have stopped. */
	assert_int_equal(amd_reg(r, 0x18) & 0x1005, 1);
	assert_true(amd_writes(r, 0, page, page));
	r->dom = amd_domain(r, &(struct amd_config){ 0 }, &r->dom_memory);
	assert_int_equal(dmah_amdvi_enable(&r->amdvi), DMAH_OK);
	amd_refused(r, 0, page, page);
	amd_attach(r, 0, r->dom);
	assert_memory_equal(before, qemu_ram(r->q, ring, 8192), 8192);
	amd_close(r);
}

/* ---- faults ---- */

/* More faults than the log has room for: some are lost, which is said, and later ones are recorded again. */
static void log_overflows(void **state)
{
	struct amd_rig *r = amd_open(&(struct amd_config){ 0 });
	dmah_phys_t page = amd_page(r, 0);

	(void)state;
	for (unsigned int round = 0; round < 3; round++) {
		unsigned int taken;

		for (unsigned int i = 0; i < 300; i++)
			assert_false(amd_writes(r, 0, 0x5000, page));
		taken = amd_faults(r, 0);
		assert_true(taken > 0 && taken < 300);
		while (amd_faults(r, 0))
			;
		/* It is said with the faults or behind them. */
		amd_refused(r, 0, 0x6000, page);
	}
	amd_close(r);
}

/* The event interrupt is the message of the function's MSI capability. */
static void interrupt(void **state)
{
	struct amd_rig *r = amd_open(&(struct amd_config){ 0 });
	dmah_phys_t page = amd_page(r, 0);
	uint16_t id = r->iommu_function.id;
	unsigned int cap = qemu_pci_cap(r->q, id, 5);

	(void)state;
	assert_true(cap != 0);
	qemu_pci_write(r->q, id, cap + 4, 4, 0xfee00000);
	qemu_pci_write(r->q, id, cap + 8, 4, 0);
	qemu_pci_write(r->q, id, cap + 12, 2, VECTOR);
	qemu_pci_write(r->q, id, cap + 2, 2, qemu_pci_read(r->q, id, cap + 2, 2) | 1);
	qemu_pci_master(r->q, id, true);
	assert_false(amd_writes(r, 0, 0x5000, page));
	assert_false(lapic_pending(r->q, 0, VECTOR));
	assert_int_equal(amd_faults(r, 0), 1);
	dmah_amdvi_fault_irq(&r->amdvi, true);
	assert_false(amd_writes(r, 0, 0x5000, page));
	assert_true(lapic_pending(r->q, 0, VECTOR));
	assert_int_equal(amd_faults(r, 0), 1);
	dmah_amdvi_fault_irq(&r->amdvi, false);
	amd_close(r);
}

/* ---- commands and units that go wrong ---- */

/* A command that the hardware refuses: it is reported, and waits behind it are confirmed when everything was invalidated. */
static void refused_command(void **state)
{
	struct amd_rig *r = amd_open(&(struct amd_config){ 0 });
	dmah_phys_t page = amd_page(r, 0);
	volatile uint64_t *queue;
	struct dmah h;
	uint64_t tail;

	(void)state;
	map(r, 0, &h, page, 4096, DMAH_FROM_DEVICE);
	assert_true(amd_writes(r, 0, dmah_addr(&h), page));
	/* The next command, which the driver writes, becomes one of operation 15. */
	queue = qemu_ram(r->q, amd_reg(r, 8) & 0xffffffffff000ull, 4096);
	tail = amd_reg(r, REG_TAIL);
	qemu_hold(r->q, QEMU_AMD_REGS + REG_TAIL);
	assert_int_equal(r->amdvi.iommu.ops->invalidate(&r->amdvi.iommu, 1, 0, 4096, false, NULL),
			 1);
	queue[tail / 8] = 15ull << 60;
	qemu_release(r->q);
	assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
	amd_refused(r, 0, dmah_addr(&h), page);
	assert_int_equal(r->reports, 1);
	r->reports = 0;
	amd_close(r);
}

/* A unit that takes no commands: one call waits, the others are answered at once; a reset brings it back. */
static void dead_unit(void **state)
{
	struct amd_rig *r = amd_open(&(struct amd_config){ .timeout_ns = 50000000 });
	dmah_phys_t page = amd_page(r, 0);
	struct dmah h[8];

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		map(r, 0, &h[i], page, 4096, DMAH_FROM_DEVICE);
	assert_true(amd_writes(r, 0, dmah_addr(&h[3]), page));
	/* The hardware does not see its ring's end any more. */
	qemu_hold(r->q, QEMU_AMD_REGS + REG_TAIL);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(dmah_unmap(&r->dev[0], &h[i]), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_flush(r->dom), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_amdvi_reset(&r->amdvi), DMAH_ETIMEDOUT);
	assert_int_equal(r->reports, 1);
	qemu_hold(r->q, 0);
	assert_int_equal(dmah_amdvi_reset(&r->amdvi), DMAH_OK);
	assert_int_equal(dmah_flush(r->dom), DMAH_OK);
	amd_refused(r, 0, dmah_addr(&h[3]), page);
	map(r, 0, &h[0], page, 4096, DMAH_FROM_DEVICE);
	assert_true(amd_writes(r, 0, dmah_addr(&h[0]), page));
	assert_int_equal(dmah_unmap(&r->dev[0], &h[0]), DMAH_OK);
	r->reports = 0;
	amd_close(r);
}

/* ---- a random program ---- */

#define STEPS 1000u
#define LIVE  24u

struct mapping {
	struct dmah h;
	unsigned int n;
	dmah_phys_t page;
	dmah_addr_t dma;
	bool live;
};

static uint32_t rnd(uint32_t below)
{
	static uint64_t seed = 11;

	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((seed >> 33) % below);
}

/* Both devices in one domain, which maps, uses, unmaps, reuses and loses devices; every access does as the model says. */
static void random_program(void **state)
{
	struct amd_rig *r = amd_open(&(struct amd_config){ 0 });
	struct mapping m[LIVE];
	dmah_phys_t page[LIVE];

	(void)state;
	memset(m, 0, sizeof(m));
	amd_attach(r, 1, r->dom);
	for (unsigned int i = 0; i < LIVE; i++)
		page[i] = amd_page(r, 0);
	for (unsigned int step = 0; step < STEPS; step++) {
		unsigned int i = rnd(LIVE), n = rnd(2);
		struct mapping *p = &m[i];

		if (!p->live && (!p->dma || rnd(2))) {
			p->n = n;
			p->page = page[i];
			map(r, n, &p->h, p->page + 16 * rnd(100), 1 + rnd(2000), DMAH_FROM_DEVICE);
			p->dma = dmah_addr(&p->h) & ~4095ull;
			p->live = true;
		} else if (p->live && rnd(3)) {
			assert_true(amd_writes(r, n, p->dma, p->page));
		} else if (p->live) {
			assert_int_equal(dmah_unmap(&r->dev[p->n], &p->h), DMAH_OK);
			p->live = false;
		} else {
			bool taken = false;

			for (unsigned int k = 0; k < LIVE; k++)
				taken |= m[k].live && m[k].dma == p->dma;
			if (!taken)
				amd_refused(r, n, p->dma, p->page);
		}
	}
	for (unsigned int i = 0; i < LIVE; i++)
		if (m[i].live)
			assert_int_equal(dmah_unmap(&r->dev[m[i].n], &m[i].h), DMAH_OK);
	amd_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels),
		cmocka_unit_test(large_pages),
		cmocka_unit_test(permissions),
		cmocka_unit_test(stale_control),
		cmocka_unit_test(stale),
		cmocka_unit_test(ring_wraps),
		cmocka_unit_test(hot_attach),
		cmocka_unit_test(two_domains),
		cmocka_unit_test(killed),
		cmocka_unit_test(passthrough),
		cmocka_unit_test(unity_range),
		cmocka_unit_test(take_over),
		cmocka_unit_test(dead_unit),
		cmocka_unit_test(random_program),
		/* QEMU 7.2 records no events. */
		cmocka_unit_test(log_overflows),
		cmocka_unit_test(interrupt),
		cmocka_unit_test(refused_command),
	};
	size_t n = sizeof(tests) / sizeof(tests[0]) - (amd_records() ? 0 : 3);

	return _cmocka_run_group_tests("amdvi", tests, n, NULL, NULL);
}
