/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * virtio-iommu as QEMU models it: mappings as requests, domains, passthrough, probes, faults, a device that does not answer,
 * and what a mapping costs by handle and by address.
 */
#include "edu_access.h"
#include "qemu.h"
#include "../setup.h"

#include "posix.h"

#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/fault.h>
#include <dmah/ring.h>
#include <dmah/viommu.h>

#define PAGE	4096u
#define MIB	(1ull << 20)
#define DEVICES 2u

/* Virtio's vendor capability of PCI: the regions' types. */
#define CAP_VENDOR 9u
#define CAP_COMMON 1u
#define CAP_NOTIFY 2u
#define CAP_DEVICE 4u

struct rig {
	struct qemu *q;
	dmah_phys_t region[3];
	uint32_t multiplier;
	bool silent; /* notifications are lost */
	uint64_t requests;
	struct dmah_viommu unit;
	struct dmah_domain *dom;
	struct dmah_device dev[DEVICES];
	struct edu edu[DEVICES];
	void *unit_memory;
	void *dom_memory;
	unsigned int reports;
	struct dmah_fault fault;
};

static dmah_phys_t field(const struct rig *r, enum dmah_viommu_region region, uint32_t offset)
{
	return r->region[region] + (region == DMAH_VIOMMU_NOTIFY ? offset * r->multiplier : offset);
}

static uint64_t transport_read(void *ctx, enum dmah_viommu_region region, uint32_t offset,
			       unsigned int size)
{
	struct rig *r = ctx;

	return qemu_read(r->q, field(r, region, offset), size);
}

static void transport_write(void *ctx, enum dmah_viommu_region region, uint32_t offset,
			    unsigned int size, uint64_t value)
{
	struct rig *r = ctx;

	r->requests += region == DMAH_VIOMMU_NOTIFY && !value;
	if (region != DMAH_VIOMMU_NOTIFY || !r->silent)
		qemu_write(r->q, field(r, region, offset), size, value);
}

static const struct dmah_viommu_transport transport = { transport_read, transport_write };

static void find_regions(struct rig *r)
{
	struct qemu_pci pci;
	unsigned int at;

	assert_true(qemu_pci_find(r->q, 0x1af4, 0x1057, 0, &pci));
	at = qemu_pci_read(r->q, pci.id, 0x34, 1);
	for (; at; at = qemu_pci_read(r->q, pci.id, at + 1, 1)) {
		uint32_t type = qemu_pci_read(r->q, pci.id, at + 3, 1);
		uint32_t bar = qemu_pci_read(r->q, pci.id, at + 4, 1);
		dmah_phys_t base;

		if (qemu_pci_read(r->q, pci.id, at, 1) != CAP_VENDOR || bar > 5)
			continue;
		base = pci.bar[bar] + qemu_pci_read(r->q, pci.id, at + 8, 4);
		if (type == CAP_COMMON)
			r->region[DMAH_VIOMMU_COMMON] = base;
		if (type == CAP_DEVICE)
			r->region[DMAH_VIOMMU_DEVICE] = base;
		if (type != CAP_NOTIFY)
			continue;
		r->region[DMAH_VIOMMU_NOTIFY] = base;
		r->multiplier = qemu_pci_read(r->q, pci.id, at + 16, 4);
	}
	assert_true(r->region[0] && r->region[1] && r->region[2]);
}

static void attach(struct rig *r, unsigned int n)
{
	struct dmah_reserved range[4];
	struct dmah_limits limits = { .mask = ~0ull,
				      .flags = DMAH_DEV_COHERENT,
				      .reserved = range };
	int ranges = dmah_viommu_probe(&r->unit, r->dev[n].id, range, 4);

	assert_true(ranges >= 0);
	limits.nreserved = (unsigned int)ranges;
	assert_int_equal(dmah_attach(r->dom, &r->dev[n], &limits), DMAH_OK);
}

static struct rig *rig_open(enum dmah_mode mode)
{
	static const char *const args[] = { "-device", QEMU_EDU, "-device", QEMU_EDU, NULL };
	struct dmah_domain_config d = { .backend = DMAH_BACKEND_IOMMU, .mode = mode };
	const char *which = getenv("DMAH_TEST_QEMU");
	struct rig *r = calloc(1, sizeof(*r));
	struct dmah_viommu_config c = { .transport = &transport, .ctx = r, .timeout_ns = 1000000 };
	size_t need;

	r->q = qemu_machine(&(struct qemu_config){
		.kind = QEMU_VIRTIO, .newer = which && !strcmp(which, "newer"), .args = args });
	find_regions(r);
	count_reports(&r->reports);
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	for (unsigned int i = 0; i < DEVICES; i++) {
		struct qemu_pci pci;

		assert_true(qemu_pci_find(r->q, 0x1234, 0x11e8, i, &pci));
		r->dev[i].name = i ? "edu1" : "edu0";
		r->dev[i].id = pci.id;
		assert_int_equal(edu_init(&r->edu[i], qemu_regs(r->q, pci.bar[0]), &r->dev[i]), 0);
	}
	need = dmah_viommu_memory(&c);
	r->unit_memory = memory_of(need);
	assert_int_equal(dmah_viommu_init(&r->unit, &c, r->unit_memory, need), DMAH_OK);
	d.iommu = &r->unit.iommu;
	d.format = r->unit.iommu.formats[0];
	need = dmah_domain_memory(&d);
	r->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&r->dom, &d, r->dom_memory, need), DMAH_OK);
	assert_int_equal(dmah_viommu_enable(&r->unit), DMAH_OK);
	attach(r, 0);
	return r;
}

static void keep(void *ctx, const struct dmah_fault *fault)
{
	((struct rig *)ctx)->fault = *fault;
}

static unsigned int faults(struct rig *r)
{
	struct dmah_fault_count count;

	posix_clock_advance(DMAH_FAULT_WINDOW + 1);
	assert_int_equal(dmah_faults(&r->unit.iommu, keep, r, &count), DMAH_OK);
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
	assert_int_equal(dmah_viommu_fini(&r->unit), DMAH_OK);
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

/* A write that must not arrive, with its fault. (QEMU leaves the direction open where nothing is mapped.) */
static void refused(struct rig *r, unsigned int n, dmah_addr_t dma, dmah_phys_t phys)
{
	assert_false(writes(r, n, dma, phys));
	assert_true(faults(r) >= 2);
	assert_int_equal(r->fault.hw.id, r->dev[n].id);
}

static void maps(struct rig *r, unsigned int n)
{
	dmah_phys_t page = qemu_take(r->q, PAGE, PAGE);
	struct dmah h = { 0 };
	dmah_addr_t dma;

	assert_int_equal(dmah_map(&r->dev[n], &h, page, PAGE, DMAH_BIDIRECTIONAL, 0), DMAH_OK);
	dma = dmah_addr(&h);
	assert_true(writes(r, n, dma + 8, page + 8));
	memset(qemu_ram(r->q, page, 4), 0x3c, 4);
	assert_int_equal(edu_dma(&r->edu[n], dma, 64, 4, DMAH_TO_DEVICE), 0);
	assert_int_equal(edu_dma(&r->edu[n], dma + 16, 64, 4, DMAH_FROM_DEVICE), 0);
	assert_int_equal(*(uint8_t *)qemu_ram(r->q, page + 16, 1), 0x3c);
	assert_int_equal(faults(r), 0);
	assert_int_equal(dmah_unmap(&r->dev[n], &h), DMAH_OK);
	assert_int_equal(dmah_flush(r->dom), DMAH_OK);
	refused(r, n, dma + 8, page + 8);
	assert_int_equal(r->fault.place, DMAH_FAULT_UNMAPPED);
}

/* ---- mappings ---- */

static void every_mode(void **state)
{
	(void)state;
	for (enum dmah_mode mode = DMAH_STRICT; mode <= DMAH_LAZY; mode++) {
		struct rig *r = rig_open(mode);

		maps(r, 0);
		refused(r, 1, 0x1000, qemu_take(r->q, PAGE, PAGE));
		attach(r, 1);
		maps(r, 1);
		maps(r, 0);
		rig_close(r);
	}
}

/* One request a mapping, whatever its size, and its neighbours stay; a direction is kept. */
static void sizes(void **state)
{
	static const uint32_t pages[] = { 1, 2, 17, 512, 513, 1024 };
	struct rig *r = rig_open(DMAH_STRICT);
	dmah_phys_t buffer = qemu_take(r->q, 4 * MIB, 2 * MIB), other = qemu_take(r->q, PAGE, PAGE);
	struct dmah next = { 0 };

	(void)state;
	assert_int_equal(dmah_map(&r->dev[0], &next, other, PAGE, DMAH_FROM_DEVICE, 0), DMAH_OK);
	for (unsigned int i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		struct dmah h = { 0 };
		uint64_t before = r->requests;
		dmah_addr_t dma;
		uint32_t last = (pages[i] - 1) * PAGE;

		assert_int_equal(dmah_map(&r->dev[0], &h, buffer, pages[i] * PAGE, DMAH_FROM_DEVICE,
					  0),
				 DMAH_OK);
		assert_int_equal(r->requests - before, 1);
		dma = dmah_addr(&h);
		assert_true(writes(r, 0, dma, buffer) && writes(r, 0, dma + last, buffer + last));
		assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
		assert_int_equal(r->requests - before, 2);
		refused(r, 0, dma, buffer);
		refused(r, 0, dma + last, buffer + last);
		assert_true(writes(r, 0, dmah_addr(&next), other));
	}
	assert_int_equal(dmah_unmap(&r->dev[0], &next), DMAH_OK);
	assert_int_equal(dmah_map(&r->dev[0], &next, other, PAGE, DMAH_TO_DEVICE, 0), DMAH_OK);
	refused(r, 0, dmah_addr(&next), other);
	assert_int_equal(r->fault.place, DMAH_FAULT_MAPPED);
	assert_true(r->fault.hw.write && r->fault.hw.has_addr);
	assert_int_equal(dmah_unmap(&r->dev[0], &next), DMAH_OK);
	rig_close(r);
}

/* A lazy flush unmaps what lies between live mappings, and leaves these alone. */
static void lazy_flush(void **state)
{
	struct rig *r = rig_open(DMAH_LAZY);
	dmah_phys_t buffer = qemu_take(r->q, 64 * PAGE, PAGE);
	struct dmah h[64] = { { 0 } };
	dmah_addr_t dma[64];

	(void)state;
	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(dmah_map(&r->dev[0], &h[i], buffer + i * PAGE, PAGE,
					  DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
		dma[i] = dmah_addr(&h[i]);
	}
	for (unsigned int i = 0; i < 64; i++)
		if (i % 3)
			assert_int_equal(dmah_unmap(&r->dev[0], &h[i]), DMAH_OK);
	/* Lazy: it may still be reached. */
	assert_true(writes(r, 0, dma[1], buffer + PAGE));
	assert_int_equal(dmah_flush(r->dom), DMAH_OK);
	for (unsigned int i = 0; i < 64; i++) {
		if (i % 3)
			refused(r, 0, dma[i], buffer + i * PAGE);
		else
			assert_true(writes(r, 0, dma[i], buffer + i * PAGE));
	}
	for (unsigned int i = 0; i < 64; i += 3)
		assert_int_equal(dmah_unmap(&r->dev[0], &h[i]), DMAH_OK);
	rig_close(r);
}

/* Live mappings stay when devices come and go, and when the mode changes to passthrough and back. */
static void domains(void **state)
{
	struct rig *r = rig_open(DMAH_STRICT);
	dmah_phys_t page = qemu_take(r->q, PAGE, PAGE);
	struct dmah h = { 0 };

	(void)state;
	assert_int_equal(dmah_map(&r->dev[0], &h, page, PAGE, DMAH_FROM_DEVICE, 0), DMAH_OK);
	for (unsigned int i = 0; i < 10; i++) {
		attach(r, 1);
		assert_true(writes(r, 1, dmah_addr(&h), page));
		assert_int_equal(dmah_detach(&r->dev[1]), DMAH_OK);
		refused(r, 1, dmah_addr(&h), page);
		assert_true(writes(r, 0, dmah_addr(&h), page));
	}
	assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
	if (r->unit.iommu.caps & DMAH_IOMMU_PASSTHROUGH) {
		assert_int_equal(dmah_set_mode(r->dom, DMAH_PASSTHROUGH), DMAH_OK);
		assert_true(writes(r, 0, page, page));
		assert_int_equal(dmah_set_mode(r->dom, DMAH_STRICT), DMAH_OK);
		refused(r, 0, page, page);
	}
	maps(r, 0);
	assert_int_equal(dmah_kill(&r->dev[0]), DMAH_OK);
	refused(r, 0, page, page);
	rig_close(r);
}

/* Identity ranges are mapped from the device's first transaction on. */
static void identity(void **state)
{
	struct rig *r = rig_open(DMAH_STRICT);
	dmah_phys_t page = qemu_take(r->q, 2 * PAGE, PAGE);
	struct dmah_reserved range = {
		.base = page, .size = 2 * PAGE, .identity = true, .dir = DMAH_BIDIRECTIONAL
	};
	struct dmah_limits limits = {
		.mask = ~0ull, .flags = DMAH_DEV_COHERENT, .reserved = &range, .nreserved = 1
	};

	(void)state;
	assert_int_equal(dmah_attach(r->dom, &r->dev[1], &limits), DMAH_OK);
	assert_true(writes(r, 1, page + PAGE, page + PAGE));
	assert_int_equal(dmah_detach(&r->dev[0]), DMAH_OK);
	assert_int_equal(dmah_detach(&r->dev[1]), DMAH_OK);
	refused(r, 1, page, page);
	/* As the first device of its domain, too. */
	assert_int_equal(dmah_attach(r->dom, &r->dev[1], &limits), DMAH_OK);
	assert_true(writes(r, 1, page, page));
	maps(r, 1);
	rig_close(r);
}

static void probe(void **state)
{
	struct rig *r = rig_open(DMAH_STRICT);
	struct dmah_reserved range[4];

	(void)state;
	assert_int_equal(dmah_viommu_probe(&r->unit, r->dev[1].id, range, 4), 1);
	assert_int_equal(range[0].base, 0xfee00000);
	assert_int_equal(range[0].size, 0x100000);
	assert_true(range[0].mmio && !range[0].identity);
	rig_close(r);
}

/* ---- a device that fails ---- */

/* It does not answer: reported once, everything is quarantined, and it is as before when it goes on or is reset. */
static void silent_device(void **state)
{
	(void)state;
	for (unsigned int way = 0; way < 2; way++) {
		struct rig *r = rig_open(DMAH_STRICT);
		dmah_phys_t page = qemu_take(r->q, 2 * PAGE, PAGE);
		struct dmah h[2] = { { 0 } }, none = { 0 };
		dmah_addr_t dma;

		for (unsigned int i = 0; i < 2; i++)
			assert_int_equal(dmah_map(&r->dev[0], &h[i], page + i * PAGE, PAGE,
						  DMAH_FROM_DEVICE, 0),
					 DMAH_OK);
		dma = dmah_addr(&h[0]);
		r->silent = true;
		assert_int_equal(dmah_unmap(&r->dev[0], &h[0]), DMAH_ETIMEDOUT);
		assert_int_equal(r->reports, 1);
		assert_int_equal(dmah_map(&r->dev[0], &none, page, PAGE, DMAH_FROM_DEVICE, 0),
				 DMAH_ETIMEDOUT);
		assert_int_equal(dmah_flush(r->dom), DMAH_ETIMEDOUT);
		assert_int_equal(r->reports, 1);
		r->reports = 0;
		r->silent = false;
		if (way) {
			assert_int_equal(dmah_viommu_reset(&r->unit), DMAH_OK);
		} else {
			/* Now it sees the requests. */
			transport_write(r, DMAH_VIOMMU_NOTIFY, r->unit.notify[0], 2, 0);
		}
		assert_int_equal(dmah_flush(r->dom), DMAH_OK);
		refused(r, 0, dma, page);
		assert_true(writes(r, 0, dmah_addr(&h[1]), page + PAGE));
		assert_int_equal(dmah_unmap(&r->dev[0], &h[1]), DMAH_OK);
		maps(r, 0);
		rig_close(r);
	}
}

/* ---- by handle and by address ---- */

/* Both send one request a map and one an unmap. By address the library searches its table; by handle it does not. */
static void handles_and_addresses(void **state)
{
	struct rig *r = rig_open(DMAH_STRICT);
	dmah_phys_t page = qemu_take(r->q, PAGE, PAGE);
	struct dmah_stats stats[3];
	uint64_t requests[3];

	(void)state;
	for (unsigned int way = 0; way < 3; way++) {
		dmah_device_stats(&r->dev[0], &stats[way]);
		requests[way] = r->requests;
		for (unsigned int i = 0; way < 2 && i < 100; i++) {
			struct dmah h = { 0 };
			dmah_addr_t dma;

			if (way) {
				assert_int_equal(dmah_addr_map(&r->dev[0], page, PAGE,
							       DMAH_FROM_DEVICE, 0, &dma),
						 DMAH_OK);
				assert_int_equal(dmah_addr_unmap(&r->dev[0], dma, PAGE,
								 DMAH_FROM_DEVICE, 0),
						 DMAH_OK);
			} else {
				assert_int_equal(dmah_map(&r->dev[0], &h, page, PAGE,
							  DMAH_FROM_DEVICE, 0),
						 DMAH_OK);
				assert_int_equal(dmah_unmap(&r->dev[0], &h), DMAH_OK);
			}
		}
	}
	assert_int_equal(stats[1].reverse_lookups - stats[0].reverse_lookups, 0);
	assert_int_equal(stats[2].reverse_lookups - stats[1].reverse_lookups, 100);
	assert_int_equal(requests[1] - requests[0], 200);
	assert_int_equal(requests[2] - requests[1], 200);
	print_message("# 100 pairs: requests %u by handle, %u by address; lookups %u and %u, steps "
		      "%u and %u\n",
		      (unsigned int)(requests[1] - requests[0]),
		      (unsigned int)(requests[2] - requests[1]),
		      (unsigned int)(stats[1].reverse_lookups - stats[0].reverse_lookups),
		      (unsigned int)(stats[2].reverse_lookups - stats[1].reverse_lookups),
		      (unsigned int)(stats[1].lookup_steps - stats[0].lookup_steps),
		      (unsigned int)(stats[2].lookup_steps - stats[1].lookup_steps));
	rig_close(r);
}

/* ---- random programs ---- */

static uint32_t rnd(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((*seed >> 33) % below);
}

static void program(enum dmah_mode mode, uint64_t seed)
{
	struct rig *r = rig_open(mode);
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
				refused(r, n, slot[i].dma, slot[i].phys);
		}
	}
	for (unsigned int i = 0; i < 16; i++)
		if (slot[i].live)
			assert_int_equal(dmah_unmap(&r->dev[i & 1], &slot[i].h), DMAH_OK);
	assert_int_equal(dmah_flush(r->dom), DMAH_OK);
	for (unsigned int i = 0; i < 16; i++)
		if (slot[i].dma)
			refused(r, i & 1, slot[i].dma, slot[i].phys);
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
		cmocka_unit_test(every_mode),	   cmocka_unit_test(sizes),
		cmocka_unit_test(lazy_flush),	   cmocka_unit_test(domains),
		cmocka_unit_test(identity),	   cmocka_unit_test(probe),
		cmocka_unit_test(silent_device),   cmocka_unit_test(handles_and_addresses),
		cmocka_unit_test(random_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
