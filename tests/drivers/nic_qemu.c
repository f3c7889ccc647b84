/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A machine of QEMU: its model of the 82574 behind its VT-d, its SMMUv3, or no IOMMU. The wire is a
 * pair of datagram sockets.
 */
#define _GNU_SOURCE
#include "nic.h"
#include "../setup.h"

#include "e1000e.h"
#include "posix.h"
#include "qemu.h"

#include <dmah/smmuv3.h>
#include <dmah/vtd.h>

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define POOL_BYTES (2u << 20)

struct nic {
	struct nic_config config;
	struct qemu *q;
	struct qemu_pci pci;
	int wire;
	struct dmah_vtd vtd;
	struct dmah_smmuv3 smmu;
	struct dmah_device dev;
	struct dmah_domain *dom;
	struct dmah_pool *pool;
	void *iommu_memory;
	void *dom_memory;
	void *pool_memory;
	unsigned int reports;
	unsigned int faults;
	dmah_addr_t fault;
	bool fault_write;
};

const struct nic_config nic_configs[] = {
	{ .name = "direct", .machine = "direct" },
	{ .name = "vtd strict", .machine = "vtd", .iommu = true },
	{ .name = "vtd lazy", .machine = "vtd", .iommu = true, .mode = DMAH_LAZY },
	{ .name = "vtd strict, untrusted",
	  .machine = "vtd",
	  .iommu = true,
	  .untrusted = true,
	  .pool = true },
	{ .name = "smmu strict", .machine = "smmu", .iommu = true },
	{ .name = "smmu lazy", .machine = "smmu", .iommu = true, .mode = DMAH_LAZY },
	{ .name = "smmu strict, untrusted",
	  .machine = "smmu",
	  .iommu = true,
	  .untrusted = true,
	  .pool = true },
};
const unsigned int nic_nconfigs = sizeof(nic_configs) / sizeof(nic_configs[0]);

const bool nic_wire_waits = true;

const unsigned int nic_polls = 0;

static bool is(const struct nic *n, const char *machine)
{
	return !strcmp(n->config.machine, machine);
}

/* ---- setting up ---- */

/* One wire for each of the two machines, for the life of this process: QEMU starts only once. */
static void open_machine(struct nic *n)
{
	static int wires[2][2];
	static char netdev[2][64];
	enum qemu_kind kind = is(n, "smmu") ? QEMU_SMMU : QEMU_VTD;
	const uint8_t mac[6] = NIC_MAC;
	char device[96];

	if (!wires[kind][0]) {
		const int room = 65536;

		/*
		 * No SOCK_CLOEXEC: QEMU inherits the second end. Frames that QEMU has not read fill
		 * the buffer.
		 */
		assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, wires[kind]), 0);
		assert_int_equal(
			setsockopt(wires[kind][0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
		snprintf(netdev[kind], sizeof(netdev[kind]),
			 "dgram,id=wire,local.type=fd,local.str=%d", wires[kind][1]);
	}
	n->wire = wires[kind][0];
	snprintf(device, sizeof(device),
		 "e1000e,netdev=wire,romfile=,mac=%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	n->q = qemu_machine(
		&(struct qemu_config){ .kind = kind,
				       .args = (const char *const[]){ "-netdev", netdev[kind],
								      "-device", device, NULL } });
	assert_true(qemu_pci_find(n->q, E1000E_VENDOR, E1000E_DEVICE, 0, &n->pci));
	n->dev.name = "nic";
	n->dev.id = n->pci.id;
}

static void open_pool(struct nic *n)
{
	size_t need = dmah_pool_memory(POOL_BYTES);
	dmah_phys_t phys = qemu_take(n->q, POOL_BYTES, 4096);

	n->pool_memory = memory_of(need);
	assert_int_equal(dmah_pool_init(&n->pool, phys, POOL_BYTES, n->pool_memory, need), 0);
	/* Fill the pool, so that old bytes of a slot that reach the device or a buffer are seen. */
	memset(qemu_ram(n->q, phys, POOL_BYTES), 0xdd, POOL_BYTES);
}

static void open_iommu(struct nic *n)
{
	size_t need;

	if (is(n, "vtd")) {
		struct dmah_vtd_config config = { .regs = qemu_regs(n->q, QEMU_VTD_REGS) };

		need = dmah_vtd_memory(&config);
		n->iommu_memory = memory_of(need);
		assert_int_equal(dmah_vtd_init(&n->vtd, &config, n->iommu_memory, need), 0);
	} else if (is(n, "smmu")) {
		struct dmah_smmuv3_config config = { .regs = qemu_regs(n->q, QEMU_SMMU_REGS) };

		need = dmah_smmuv3_memory(&config);
		n->iommu_memory = memory_of(need);
		assert_int_equal(dmah_smmuv3_init(&n->smmu, &config, n->iommu_memory, need), 0);
	}
}

static void open_domain(struct nic *n)
{
	struct dmah_domain_config config = { .backend = DMAH_BACKEND_DIRECT,
					     .mode = n->config.mode,
					     .pool = n->pool,
					     .lazy_entries = 64 };
	size_t need;

	if (n->config.iommu) {
		config.backend = DMAH_BACKEND_IOMMU;
		config.aperture_base = 16u << 20;
		config.aperture_size = 64u << 20;
		config.format = is(n, "vtd") ? &dmah_pt_vtd_ss : &dmah_pt_lpae_s1;
		config.iommu = is(n, "vtd") ? &n->vtd.iommu : &n->smmu.iommu;
		config.va_bits = is(n, "vtd") ? 48 : 39;
	}
	need = dmah_domain_memory(&config);
	n->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&n->dom, &config, n->dom_memory, need), 0);
}

struct nic *nic_open(const struct nic_config *config)
{
	struct nic *n = calloc(1, sizeof(*n));
	struct dmah_limits limits = { .mask = ~0ull,
				      .flags = DMAH_DEV_COHERENT |
					       (config->untrusted ? DMAH_DEV_UNTRUSTED : 0u) };

	assert_non_null(n);
	n->config = *config;
	open_machine(n);
	count_reports(&n->reports);
	posix_set_cpu(0);
	open_iommu(n);
	if (config->pool)
		open_pool(n);
	open_domain(n);
	assert_int_equal(dmah_attach(n->dom, &n->dev, &limits), 0);
	if (is(n, "vtd"))
		assert_int_equal(dmah_vtd_enable(&n->vtd), 0);
	return n;
}

void nic_close(struct nic *n)
{
	struct posix_alloc_stats stats;
	dmah_addr_t dma;
	uint8_t frame[64];
	bool write;

	assert_int_equal(nic_faults(n, &dma, &write), 0);
	assert_int_equal(n->reports, 0);
	assert_int_equal(nic_get(n, frame, sizeof(frame)), 0);
	assert_int_equal(dmah_device_live(&n->dev), 0);
	if (n->dev.dom)
		assert_int_equal(dmah_detach(&n->dev), 0);
	if (n->pool)
		assert_int_equal(dmah_pool_used(n->pool), 0);
	assert_int_equal(dmah_domain_fini(n->dom), 0);
	if (is(n, "vtd"))
		assert_int_equal(dmah_vtd_fini(&n->vtd), 0);
	if (is(n, "smmu"))
		assert_int_equal(dmah_smmuv3_fini(&n->smmu), 0);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 0);
	assert_int_equal(stats.mem, 0);
	posix_set_report(NULL, NULL);
	free(n->iommu_memory);
	free(n->dom_memory);
	free(n->pool_memory);
	free(n);
}

/* ---- what a test asks for ---- */

const struct nic_config *nic_config(const struct nic *n)
{
	return &n->config;
}

volatile void *nic_regs(struct nic *n)
{
	return qemu_regs(n->q, n->pci.bar[0]);
}

struct dmah_device *nic_device(struct nic *n)
{
	return &n->dev;
}

struct dmah_domain *nic_domain(struct nic *n)
{
	return n->dom;
}

struct dmah_pool *nic_pool(struct nic *n)
{
	return n->pool;
}

dmah_phys_t nic_take(struct nic *n, uint64_t size, uint64_t align)
{
	return qemu_take(n->q, size, align);
}

void nic_read(struct nic *n, dmah_phys_t phys, void *to, size_t len)
{
	memcpy(to, qemu_ram(n->q, phys, len), len);
}

void nic_write(struct nic *n, dmah_phys_t phys, const void *from, size_t len)
{
	memcpy(qemu_ram(n->q, phys, len), from, len);
}

bool nic_put(struct nic *n, const void *frame, size_t len)
{
	return send(n->wire, frame, len, MSG_DONTWAIT) == (ssize_t)len;
}

size_t nic_get(struct nic *n, void *frame, size_t len)
{
	ssize_t got = recv(n->wire, frame, len, MSG_DONTWAIT);

	return got > 0 ? (size_t)got : 0;
}

void nic_stick(struct nic *n, enum nic_stuck what)
{
	const uint32_t master = 1u << 19, link = 1u << 1, reset = 1u << 26, valid = 1u << 31;
	dmah_phys_t regs = n->pci.bar[0];

	qemu_pretend(n->q, regs, 0, what == NIC_STUCK_RESET ? reset : 0);
	qemu_pretend(n->q, regs + 8, what == NIC_STUCK_LINK ? link : 0,
		     what == NIC_STUCK_MASTER ? master : 0);
	qemu_pretend(n->q, regs + 0x5404, what == NIC_STUCK_NVM ? valid : 0, 0);
}

static void note_fault(void *ctx, const struct dmah_vtd_fault *fault)
{
	struct nic *n = ctx;

	assert_int_equal(fault->id, n->pci.id);
	n->fault = fault->addr;
	n->fault_write = fault->write;
}

static unsigned int smmu_faults(struct nic *n)
{
	struct dmah_smmuv3_event event[8];
	unsigned int total = 0, got;

	do {
		got = dmah_smmuv3_events(&n->smmu, event, 8, NULL);
		for (unsigned int i = 0; i < got; i++) {
			assert_int_equal(event[i].sid, n->pci.id);
			n->fault = event[i].iova;
			n->fault_write = event[i].write;
		}
		total += got;
	} while (got);
	return total;
}

unsigned int nic_faults(struct nic *n, dmah_addr_t *dma, bool *write)
{
	unsigned int count = 0;
	bool lost;

	if (is(n, "vtd"))
		count = dmah_vtd_faults(&n->vtd, note_fault, n, &lost);
	else if (is(n, "smmu"))
		count = smmu_faults(n);
	*dma = n->fault;
	*write = n->fault_write;
	return count;
}

unsigned int nic_reports(struct nic *n)
{
	unsigned int reports = n->reports;

	n->reports = 0;
	return reports;
}
