/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The bench on QEMU: the library's drivers of VT-d, AMD-Vi, the SMMUv3 and RISC-V on QEMU's models, and edu as the device.
 *
 * edu moves bytes between memory and its own buffer, both by DMA. To give it bytes and to see what it read, there is a
 * page that it can always reach: at the last entry of the root table of whatever domain it is bound to, behind the
 * library's back, so that no mapping is counted and no granule taken for it.
 *
 * Whether an access was let through is not what the driver says. It was not where the hardware recorded a fault, or
 * where memory was not read or written though the page table, by the tests' own walk, leads to it.
 */
#include "bench_qemu_int.h"
#include "../setup.h"
#include "bench_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define POOL_BYTES   (8u << 20)
#define MEMORY_BYTES (16u << 20)
#define SMMU_WIDTH   44u /* bits of a physical address, IDR5.OAS */

/*
 * The drivers wait by the manual clock, of which a turn of a spin loop takes 100 ns; each may look at registers. QEMU
 * executes commands before the write that posts them returns, so that nobody waits long but for a queue that is stuck.
 */
#define TIMEOUT	      1000000000u
#define STUCK_TIMEOUT 1000u
#define OPERATIONS    300u
#define TIMES_DIVISOR 30u

/* Registers, for what is looked at without the drivers. */
#define VTD_CAP	  (QEMU_VTD_REGS + 0x08)
#define VTD_ECAP  (QEMU_VTD_REGS + 0x10)
#define VTD_IQT	  (QEMU_VTD_REGS + 0x88)
#define SMMU_PROD 0x98u
#define AMD_TAIL  (QEMU_AMD_REGS + 0x2008)
#define RISCV_CQT (QEMU_RISCV_REGS + 0x24)

/* Records of faults: AMD's and RISC-V's have one for each four bytes. */
#define RECORDS 1024u
/* Device ids of AMD's device table: one bus. */
#define AMD_IDS 256u
/* The header of its capability block: no device TLBs. */
#define AMD_HEADER  0x0803000fu
#define AMD_NPCACHE (1u << 26)

unsigned int bench_can(void)
{
	return bench_kind.can;
}

unsigned int bench_times(unsigned int n)
{
	return n < TIMES_DIVISOR ? 1 : n / TIMES_DIVISOR;
}

unsigned long bench_operations(void)
{
	const char *text = getenv("DMAH_QEMU_OPS");

	return text ? strtoul(text, NULL, 0) : OPERATIONS;
}

static unsigned int width(const struct bench *b)
{
	/* A first stage uses the lower half of its table. */
	if (b->config.hw == BENCH_VTD4_FS || is_riscv(b))
		return 47;
	return b->config.hw == BENCH_VTD3 || b->config.hw == BENCH_LPAE39 ? 39 : 48;
}

/* ---- what devices can always reach ---- */

static void install_staging(struct bench *b, const struct dmah_pt_info *pt)
{
	*(uint64_t *)qemu_ram(b->q, b->table[0], 8) = walk_page(pt, b->staging);
	for (unsigned int i = 1; i < 4; i++)
		*(uint64_t *)qemu_ram(b->q, b->table[i], 8) = walk_table(pt, b->table[i - 1], i);
	__atomic_store_n(walk_root(b->q, pt, STAGING),
			 walk_table(pt, b->table[pt->levels - 2], pt->levels - 1),
			 __ATOMIC_RELEASE);
}

/* The table becomes its owner's alone with the last device that is bound to it. */
static void remove_staging(struct bench *b, const struct dmah_pt_info *pt)
{
	for (unsigned int i = 0; i < 2; i++)
		if (b->party[i].how == DMAH_BIND_TRANSLATE && b->party[i].pt.root == pt->root)
			return;
	*walk_root(b->q, pt, STAGING) = 0;
}

static void bound(void *machine, struct dmah_device *dev, enum dmah_bind how,
		  const struct dmah_pt_info *pt)
{
	struct bench *b = machine;
	struct party *p = dev == &b->party[1].dmah ? &b->party[1] : &b->party[0];
	bool was = p->how == DMAH_BIND_TRANSLATE;
	struct dmah_pt_info old = p->pt;

	p->how = how;
	if (how == DMAH_BIND_TRANSLATE) {
		p->pt = *pt;
		install_staging(b, pt);
	}
	if (was)
		remove_staging(b, &old);
	if (was && how == DMAH_BIND_TRANSLATE)
		install_staging(b, pt);
}

/* ---- commands that the hardware does not get yet ---- */

static void hold(struct bench *b)
{
	qemu_hold(b->q, is_vtd(b)     ? VTD_IQT
			: is_amd(b)   ? AMD_TAIL
			: is_riscv(b) ? RISCV_CQT
				      : smmu_regs(b) + SMMU_PROD);
}

static void let(void *machine, bool through)
{
	struct bench *b = machine;

	if (!b->keep)
		return;
	if (through)
		qemu_release(b->q);
	else
		hold(b);
}

void bench_stick(struct bench *b, bool stuck)
{
	b->vtd.timeout = stuck ? STUCK_TIMEOUT : TIMEOUT;
	b->smmu.timeout = stuck ? STUCK_TIMEOUT : TIMEOUT;
	b->amdvi.timeout = stuck ? STUCK_TIMEOUT : TIMEOUT;
	b->riscv.timeout = stuck ? STUCK_TIMEOUT : TIMEOUT;
	if (stuck)
		hold(b);
	else
		qemu_release(b->q);
}

void bench_latency(struct bench *b, uint64_t ns)
{
	b->keep = ns != 0;
	if (b->keep)
		hold(b);
	else
		qemu_release(b->q);
}

void bench_on_wait(struct bench *b, void (*fn)(void *arg), void *arg)
{
	b->hooks.on_wait = fn;
	b->hooks.on_wait_arg = arg;
	bench_latency(b, fn != NULL);
}

void bench_on_post(struct bench *b, void (*fn)(void *arg), void *arg)
{
	b->hooks.on_post = fn;
	b->hooks.on_post_arg = arg;
}

/* ---- setting up ---- */

static const char *model(const struct bench_config *c)
{
	if (c->hw == BENCH_VTD4_FS)
		return "scalable-mode=on,fsts=on,aw-bits=48";
	if (c->hw == BENCH_LPAE48_S2)
		return "stage=2";
	if (c->hw == BENCH_LPAE39 || c->hw == BENCH_LPAE48 || c->hw == BENCH_AMD4 ||
	    c->hw == BENCH_SV48)
		return NULL;
	if (c->hw == BENCH_VTD3)
		return c->map_flush ? "aw-bits=39,caching-mode=on" : "aw-bits=39";
	if (c->map_flush)
		return "aw-bits=48,caching-mode=on";
	return c->ats ? "aw-bits=48,device-iotlb=on" : "aw-bits=48";
}

static void open_machine(struct bench *b)
{
	static const char *const args[] = { "-device", QEMU_EDU ",addr=5", "-device",
					    QEMU_EDU ",addr=6", NULL };
	const struct bench_config *c = &b->config;
	struct qemu_pci pci;

	b->q = qemu_machine(&(struct qemu_config){
		.kind = is_vtd(b)     ? QEMU_VTD
			: is_amd(b)   ? QEMU_AMD
			: is_riscv(b) ? QEMU_RISCV
				      : QEMU_SMMU,
		.machine = is_riscv(b) ? "iommu-sys=on" : NULL,
		.newer = is_newer(b),
		.iommu = model(c),
		.args = args,
		.incoherent = c->walk_noncoherent,
	});
	for (unsigned int i = 0; i < 2; i++) {
		struct party *p = &b->party[i];

		assert_true(qemu_pci_find(b->q, 0x1234, 0x11e8, i, &pci));
		p->dmah.name = i ? "edu1" : "edu0";
		p->dmah.id = pci.id;
		assert_int_equal(edu_init(&p->edu, qemu_regs(b->q, pci.bar[0]), &p->dmah), 0);
	}
}

static void open_vtd(struct bench *b)
{
	struct dmah_vtd_config config = { .regs = qemu_regs(b->q, QEMU_VTD_REGS),
					  .timeout_ns = TIMEOUT };
	size_t need = dmah_vtd_memory(&config);
	uint64_t cap = qemu_read(b->q, VTD_CAP, 8);

	b->fault_record = QEMU_VTD_REGS + (cap >> 24 & 0x3ff) * 16;
	if (b->config.no_blocks)
		qemu_pretend(b->q, VTD_CAP, 0xfull << 34, 0);
	b->iommu_memory = memory_of(need);
	assert_int_equal(dmah_vtd_init(&b->vtd, &config, b->iommu_memory, need), 0);
	assert_int_equal(dmah_vtd_enable(&b->vtd), 0);
	b->iommu = &b->vtd.iommu;
}

static void open_smmu(struct bench *b)
{
	/* An event for each four bytes that are refused: room for all of one transfer. */
	struct dmah_smmuv3_config config = { .regs = qemu_regs(b->q, smmu_regs(b)),
					     .timeout_ns = TIMEOUT,
					     .evtq_log2 = 10 };
	size_t need = dmah_smmuv3_memory(&config);

	if (b->config.walk_noncoherent)
		qemu_pretend(b->q, smmu_regs(b), 1u << 4, 0);
	b->iommu_memory = memory_of(need);
	assert_int_equal(dmah_smmuv3_init(&b->smmu, &config, b->iommu_memory, need), 0);
	b->iommu = &b->smmu.iommu;
}

static void open_amdvi(struct bench *b)
{
	/* Without NpCache, though the model says that it has it: it caches nothing that is not present. */
	struct dmah_amdvi_config config = { .regs = qemu_regs(b->q, QEMU_AMD_REGS),
					    .capability = AMD_HEADER |
							  (b->config.map_flush ? AMD_NPCACHE : 0),
					    .ids = AMD_IDS,
					    .events = RECORDS,
					    .timeout_ns = TIMEOUT };
	size_t need = dmah_amdvi_memory(&config);

	if (b->config.walk_noncoherent)
		config.walks = DMAH_WALKS_NONCOHERENT;
	b->iommu_memory = memory_of(need);
	assert_int_equal(dmah_amdvi_init(&b->amdvi, &config, b->iommu_memory, need), 0);
	assert_int_equal(dmah_amdvi_enable(&b->amdvi), 0);
	b->iommu = &b->amdvi.iommu;
}

static void open_riscv(struct bench *b)
{
	struct dmah_riscv_config config = { .regs = qemu_regs(b->q, QEMU_RISCV_REGS),
					    .records = RECORDS,
					    .walks = b->config.walk_noncoherent
							     ? DMAH_WALKS_NONCOHERENT
							     : DMAH_WALKS_COHERENT,
					    .timeout_ns = TIMEOUT };
	size_t need = dmah_riscv_memory(&config);

	b->iommu_memory = memory_of(need);
	assert_int_equal(dmah_riscv_init(&b->riscv, &config, b->iommu_memory, need), 0);
	assert_int_equal(dmah_riscv_enable(&b->riscv), 0);
	b->iommu = &b->riscv.iommu;
}

static int close_unit(struct bench *b)
{
	return is_vtd(b)     ? dmah_vtd_fini(&b->vtd)
	       : is_amd(b)   ? dmah_amdvi_fini(&b->amdvi)
	       : is_riscv(b) ? dmah_riscv_fini(&b->riscv)
			     : dmah_smmuv3_fini(&b->smmu);
}

static void open_memory(struct bench *b)
{
	dmah_phys_t pool = qemu_take(b->q, POOL_BYTES, PAGE);
	size_t need = dmah_pool_memory(POOL_BYTES);

	b->memory = qemu_take(b->q, MEMORY_BYTES, PAGE);
	b->staging = qemu_take(b->q, PAGE, PAGE);
	for (unsigned int i = 0; i < 4; i++)
		b->table[i] = qemu_take(b->q, PAGE, PAGE);
	if (!b->config.pool)
		return;
	b->pool_memory = memory_of(need);
	assert_int_equal(dmah_pool_init(&b->pool, pool, POOL_BYTES, b->pool_memory, need), 0);
	/* Old contents of a slot must not come through. */
	memset(qemu_ram(b->q, pool, POOL_BYTES), 0xdd, POOL_BYTES);
}

static void open_domain(struct bench *b)
{
	const struct bench_config *c = &b->config;
	struct dmah_domain_config config = {
		.backend = DMAH_BACKEND_IOMMU,
		.cpus = c->cpus,
		.pool = b->pool,
		.mode = c->mode,
		.format = b->iommu->formats[0],
		.iommu = b->iommu,
		.va_bits = width(b),
		.aperture_size = c->aperture_size,
		.lazy_entries = c->lazy_entries,
	};
	size_t need = dmah_domain_memory(&config);

	b->domain_memory = memory_of(need);
	assert_int_equal(dmah_domain_init(&b->dom, &config, b->domain_memory, need), 0);
}

static void open_device(struct bench *b)
{
	const struct bench_config *c = &b->config;
	struct dmah_limits limits = {
		.mask = c->mask_bits ? (1ull << c->mask_bits) - 1 : ~0ull,
		.boundary = c->boundary,
		.max_segment = c->max_segment,
		.min_align_mask = c->min_align_mask,
		.flags = DMAH_DEV_COHERENT | (c->untrusted ? DMAH_DEV_UNTRUSTED : 0u) |
			 (c->ats ? DMAH_DEV_ATS : 0u),
	};

	assert_int_equal(dmah_attach(b->dom, &b->party[0].dmah, &limits), 0);
}

struct bench *bench_open(const struct bench_config *config)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_true(config->backend == DMAH_BACKEND_IOMMU && !config->noncoherent);
	assert_true(config->hw != BENCH_VTD5 && config->hw != BENCH_NONE);
	b->config = *config;
	if (b->config.hw == BENCH_IOMMU)
		b->config.hw = bench_kind.hw;
	pthread_mutex_init(&b->mutex, NULL);
	open_machine(b);
	bench_begin();
	if (is_vtd(b))
		open_vtd(b);
	else if (is_amd(b))
		open_amdvi(b);
	else if (is_riscv(b))
		open_riscv(b);
	else
		open_smmu(b);
	if (config->no_blocks)
		b->iommu->caps &= ~(uint32_t)(DMAH_IOMMU_BLOCK_2M | DMAH_IOMMU_BLOCK_1G);
	b->hooks.machine = b;
	b->hooks.let = let;
	b->hooks.bound = bound;
	bench_hook(&b->hooks, b->iommu);
	open_memory(b);
	open_domain(b);
	open_device(b);
	return b;
}

void bench_abandon(struct bench *b)
{
	bench_end();
	pthread_mutex_destroy(&b->mutex);
	free(b->iommu_memory);
	free(b->domain_memory);
	free(b->pool_memory);
	free(b);
}

void bench_close(struct bench *b)
{
	assert_int_equal(bench_reports(b), 0);
	assert_int_equal(dmah_device_live(&b->party[0].dmah), 0);
	bench_latency(b, 0);
	for (unsigned int i = 0; i < 2; i++)
		if (b->party[i].dmah.dom)
			assert_int_equal(dmah_detach(&b->party[i].dmah), DMAH_OK);
	if (b->pool)
		assert_int_equal(dmah_pool_used(b->pool), 0);
	assert_int_equal(dmah_domain_fini(b->dom), DMAH_OK);
	assert_int_equal(close_unit(b), 0);
	bench_balanced();
	qemu_log_drop(b->q);
	bench_abandon(b);
}

struct dmah_domain *bench_domain(struct bench *b)
{
	return b->dom;
}

struct dmah_device *bench_device(struct bench *b)
{
	return &b->party[0].dmah;
}

struct dmah_pool *bench_pool(struct bench *b)
{
	return b->pool;
}

const struct bench_config *bench_config(const struct bench *b)
{
	return &b->config;
}

dmah_phys_t bench_memory(const struct bench *b, uint64_t *size)
{
	*size = MEMORY_BYTES;
	return b->memory;
}

/* ---- the CPU ---- */

void bench_cpu_read(struct bench *b, dmah_phys_t phys, void *buf, size_t len)
{
	memcpy(buf, qemu_ram(b->q, phys, len), len);
}

void bench_cpu_write(struct bench *b, dmah_phys_t phys, const void *buf, size_t len)
{
	memcpy(qemu_ram(b->q, phys, len), buf, len);
}

void bench_evict(struct bench *b)
{
	(void)b; /* no caches of data here */
}

/* ---- the other device ---- */

struct dmah_device *bench_extra_device(struct bench *b, unsigned int n)
{
	assert_int_equal(n, 0);
	return &b->party[1].dmah;
}

struct dmah_iommu *bench_iommu(struct bench *b, unsigned int n)
{
	assert_int_equal(n, 0);
	return b->iommu;
}

/* ---- tables ---- */

bool bench_fault_names_page(const struct bench *b)
{
	return is_vtd(b);
}

bool bench_translate(struct bench *b, dmah_addr_t dma, bool write, dmah_phys_t *phys)
{
	struct dmah_pt_info pt;
	unsigned int perm;

	assert_int_equal(dmah_domain_pt(b->dom, &pt), DMAH_OK);
	return walk(b->q, &pt, dma, phys, &perm) && perm & (write ? WALK_WRITE : WALK_READ);
}

void bench_entries(struct bench *b, uint64_t *to, uint32_t n)
{
	struct dmah_pt_info pt;
	dmah_phys_t phys;
	unsigned int perm;
	dmah_addr_t base;
	uint64_t size;

	assert_int_equal(dmah_domain_pt(b->dom, &pt), DMAH_OK);
	dmah_domain_aperture(b->dom, &base, &size);
	for (uint32_t i = 0; i < n; i++)
		to[i] = walk(b->q, &pt, base + i * 4096ull, &phys, &perm) ? phys | perm : 0;
}

/* ---- what only lab/sim's machines have ---- */

uint64_t bench_hypercalls(struct bench *b)
{
	(void)b;
	fail_msg("no Xen here");
	return 0;
}

dmah_addr_t bench_grant(struct bench *b, unsigned int aliases, bool kernel_mapping,
			dmah_phys_t *phys)
{
	(void)b;
	(void)aliases;
	(void)kernel_mapping;
	(void)phys;
	fail_msg("no Xen here");
	return 0;
}
