/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * QEMU's controller behind VT-d and behind an SMMUv3, with this library's drivers for these IOMMUs.
 */
#define _GNU_SOURCE
#include "nvme_rig.h"
#include "../setup.h"

#include "posix.h"
#include "qemu.h"

#include <dmah/smmuv3.h>
#include <dmah/vtd.h>

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POOL_BYTES (4u << 20)
#define TIMEOUT_NS 400000000u

#define NVME_VENDOR 0x1b36
#define NVME_DEVICE 0x0010

/* Registers whose reads the rig can change. */
#define VTD_IQT	     0x88u
#define SMMU_CMDQ    0x98u
#define CAP	     0x00u
#define CSTS	     0x1cu
#define IO_DOORBELL  0x1008u
#define CAP_TO	     0xff000000ull
#define CAP_TO_500MS 0x01000000ull

#define UNTRUSTED 1u
#define CACHING	  2u

#define RIG(n, k, m, ...)                                                   \
	{                                                                   \
		.name = n, .kind = k, .mode = m, .iommu = true, __VA_ARGS__ \
	}

const struct rig_config rigs[] = {
	RIG("VT-d strict", QEMU_VTD, DMAH_STRICT),
	RIG("VT-d lazy", QEMU_VTD, DMAH_LAZY, .small_aperture = true),
	RIG("VT-d strict, untrusted", QEMU_VTD, DMAH_STRICT, .flags = UNTRUSTED),
	RIG("VT-d strict, 39 bits, caching mode", QEMU_VTD, DMAH_STRICT, .flags = CACHING),
	RIG("SMMUv3 strict", QEMU_SMMU, DMAH_STRICT),
	RIG("SMMUv3 lazy", QEMU_SMMU, DMAH_LAZY),
	RIG("SMMUv3 strict, untrusted", QEMU_SMMU, DMAH_STRICT, .flags = UNTRUSTED),
};

const unsigned int nrigs = sizeof(rigs) / sizeof(rigs[0]);

struct qemu_rig {
	struct rig rig;
	struct qemu *q;
	struct qemu_pci pci;
	struct dmah_device dev;
	struct dmah_vtd vtd;
	struct dmah_smmuv3 smmu;
	void *iommu_memory;
	void *dom_memory;
	void *pool_memory;
};

static struct qemu_rig *of(struct rig *rig)
{
	return (struct qemu_rig *)(void *)rig;
}

/* ---- the disk: a file that QEMU has open and this process mapped ---- */

static int disk_fd = -1;
static uint8_t *disk;
static size_t disk_size;

static void open_disk(size_t size)
{
	if (disk_fd < 0) {
		disk_fd = memfd_create("disk", MFD_CLOEXEC);
		assert_true(disk_fd >= 0);
		assert_int_equal(ftruncate(disk_fd, (off_t)size), 0);
		disk = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, disk_fd, 0);
		assert_true(disk != MAP_FAILED);
		disk_size = size;
	}
	assert_int_equal(size, disk_size);
	disk_fill(disk, size);
}

static void open_machine(struct qemu_rig *r)
{
	static char drive[128];
	static const char *const args[] = { "-drive", drive, "-device",
					    "nvme,serial=sim,drive=disk", NULL };

	open_disk((size_t)rig_blocks(r->rig.config) * RIG_BLOCK);
	r->rig.disk = disk;
	snprintf(drive, sizeof(drive),
		 "if=none,id=disk,format=raw,file.locking=off,file=/proc/%d/fd/%d", (int)getpid(),
		 disk_fd);
	r->q = qemu_machine(&(struct qemu_config){
		.kind = (enum qemu_kind)r->rig.config->kind,
		.iommu = r->rig.config->flags & CACHING ? "aw-bits=39,caching-mode=on" : NULL,
		.args = args });
	count_reports(&r->rig.reports);
	posix_set_cpu(0);
	assert_true(qemu_pci_find(r->q, NVME_VENDOR, NVME_DEVICE, 0, &r->pci));
	/*
	 * Half a second is enough for the controller to become ready, and a short wait for one that
	 * never does.
	 */
	qemu_pretend(r->q, r->pci.bar[0] + CAP, CAP_TO, CAP_TO_500MS);
	r->rig.regs = qemu_regs(r->q, r->pci.bar[0]);
}

/* ---- the library ---- */

static struct dmah_iommu *open_iommu(struct qemu_rig *r)
{
	struct dmah_vtd_config vtd = { .regs = qemu_regs(r->q, QEMU_VTD_REGS),
				       .timeout_ns = TIMEOUT_NS };
	struct dmah_smmuv3_config smmu = { .regs = qemu_regs(r->q, QEMU_SMMU_REGS) };
	bool is_vtd = r->rig.config->kind == QEMU_VTD;
	size_t need = is_vtd ? dmah_vtd_memory(&vtd) : dmah_smmuv3_memory(&smmu);

	r->iommu_memory = memory_of(need);
	if (is_vtd) {
		assert_int_equal(dmah_vtd_init(&r->vtd, &vtd, r->iommu_memory, need), 0);
		return &r->vtd.iommu;
	}
	assert_int_equal(dmah_smmuv3_init(&r->smmu, &smmu, r->iommu_memory, need), 0);
	return &r->smmu.iommu;
}

static void open_pool(struct qemu_rig *r)
{
	dmah_phys_t phys = qemu_take(r->q, POOL_BYTES, 4096);
	size_t need = dmah_pool_memory(POOL_BYTES);

	r->pool_memory = memory_of(need);
	assert_int_equal(dmah_pool_init(&r->rig.pool, phys, POOL_BYTES, r->pool_memory, need), 0);
	/* Fill the pool, so that old bytes of a slot that reach the device or a buffer are seen. */
	memset(qemu_ram(r->q, phys, POOL_BYTES), 0xdd, POOL_BYTES);
}

static void open_domain(struct qemu_rig *r)
{
	const struct rig_config *c = r->rig.config;
	struct dmah_domain_config config = {
		.backend = DMAH_BACKEND_IOMMU,
		.pool = r->rig.pool,
		.mode = c->mode,
		.format = c->kind == QEMU_VTD ? &dmah_pt_vtd_ss : &dmah_pt_lpae_s1,
		.iommu = open_iommu(r),
		.aperture_base = 1ull << 32,
		.aperture_size = c->small_aperture ? 2u << 20 : 64u << 20,
	};
	struct dmah_limits limits = { .mask = ~0ull,
				      .min_align_mask = NVME_ALIGN,
				      .flags = DMAH_DEV_COHERENT |
					       (c->flags & UNTRUSTED ? DMAH_DEV_UNTRUSTED : 0u) };
	size_t need = dmah_domain_memory(&config);

	r->dom_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&r->rig.dom, &config, r->dom_memory, need), 0);
	r->dev.name = "nvme";
	r->dev.id = r->pci.id;
	r->rig.dev = &r->dev;
	assert_int_equal(dmah_attach(r->rig.dom, &r->dev, &limits), 0);
	if (c->kind == QEMU_VTD)
		assert_int_equal(dmah_vtd_enable(&r->vtd), 0);
}

struct rig *rig_open(const struct rig_config *config)
{
	struct qemu_rig *r = calloc(1, sizeof(*r));

	r->rig.config = config;
	/* QEMU's controller does not notice that its DMA was refused. */
	r->rig.refused = 0;
	open_machine(r);
	if (config->flags & UNTRUSTED)
		open_pool(r);
	open_domain(r);
	return &r->rig;
}

void rig_close(struct rig *rig)
{
	struct qemu_rig *r = of(rig);
	struct posix_alloc_stats stats;

	rig_no_faults(rig);
	assert_int_equal(rig->reports, 0);
	assert_int_equal(dmah_device_live(rig->dev), 0);
	assert_int_equal(dmah_detach(rig->dev), 0);
	if (rig->pool)
		assert_int_equal(dmah_pool_used(rig->pool), 0);
	assert_int_equal(dmah_domain_fini(rig->dom), 0);
	if (rig->config->kind == QEMU_VTD)
		assert_int_equal(dmah_vtd_fini(&r->vtd), 0);
	else
		assert_int_equal(dmah_smmuv3_fini(&r->smmu), 0);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 0);
	assert_int_equal(stats.mem, 0);
	posix_set_report(NULL, NULL);
	free(r->iommu_memory);
	free(r->dom_memory);
	free(r->pool_memory);
	free(r);
}

/* ---- memory ---- */

dmah_phys_t rig_take(struct rig *rig, uint64_t size, uint64_t align)
{
	return qemu_take(of(rig)->q, size, align);
}

void rig_read(struct rig *rig, dmah_phys_t phys, void *buf, size_t len)
{
	memcpy(buf, qemu_ram(of(rig)->q, phys, len), len);
}

void rig_write(struct rig *rig, dmah_phys_t phys, const void *buf, size_t len)
{
	memcpy(qemu_ram(of(rig)->q, phys, len), buf, len);
}

/* ---- faults ---- */

struct expected {
	uint16_t id;
	dmah_addr_t dma;
	uint32_t len;
	bool write;
};

static void check_vtd(void *ctx, const struct dmah_vtd_fault *fault)
{
	const struct expected *e = ctx;

	assert_int_equal(fault->id, e->id);
	assert_true(fault->addr - (e->dma & ~0xfffull) < e->len);
	assert_int_equal(fault->write, e->write);
	assert_int_equal(fault->reason, e->write ? 0x5 : 0x6);
}

/* The SMMU records an event for every few bytes: events that do not fit the queue are lost. */
static unsigned int take_smmu(struct qemu_rig *r, const struct expected *e)
{
	struct dmah_smmuv3_event event[16];
	unsigned int total = 0, n;
	bool lost;

	do {
		n = dmah_smmuv3_events(&r->smmu, event, 16, &lost);
		for (unsigned int i = 0; e && i < n; i++) {
			assert_int_equal(event[i].type, 0x10);
			assert_int_equal(event[i].sid, e->id);
			assert_true(event[i].has_address);
			assert_true(event[i].iova - e->dma < e->len);
			assert_int_equal(event[i].write, e->write);
		}
		total += n;
	} while (n);
	return total;
}

static unsigned int take(struct rig *rig, struct expected *e)
{
	struct qemu_rig *r = of(rig);

	if (rig->config->kind == QEMU_VTD)
		return dmah_vtd_faults(&r->vtd, e ? check_vtd : NULL, e, NULL);
	return take_smmu(r, e);
}

void rig_no_faults(struct rig *rig)
{
	assert_int_equal(take(rig, NULL), 0);
}

void rig_faults(struct rig *rig, dmah_addr_t dma, uint32_t len, bool write)
{
	struct expected e = { of(rig)->pci.id, dma, len, write };

	assert_int_not_equal(take(rig, &e), 0);
}

/* ---- tricks ---- */

/* A doorbell that the device ignores; values written meanwhile are lost. */
void rig_hang(struct rig *rig, bool on)
{
	qemu_hold(of(rig)->q, on ? of(rig)->pci.bar[0] + IO_DOORBELL : 0);
}

void rig_status(struct rig *rig, uint32_t clear, uint32_t set)
{
	qemu_pretend(of(rig)->q, of(rig)->pci.bar[0] + CSTS, clear, set);
}

void rig_stick(struct rig *rig, bool on)
{
	bool is_vtd = rig->config->kind == QEMU_VTD;

	if (on)
		qemu_hold(of(rig)->q,
			  is_vtd ? QEMU_VTD_REGS + VTD_IQT : QEMU_SMMU_REGS + SMMU_CMDQ);
	else
		qemu_release(of(rig)->q);
}

const bool rig_limits = false;

void rig_limit(struct rig *rig, unsigned int n)
{
	fail_msg("%s: not after %u", rig->config->name, n);
}

void rig_forgive(struct rig *rig)
{
	(void)rig;
}
