/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The bench on lab/sim: every backend, format and kind of device; real drivers of VT-d, AMD-Vi and SMMUv3 on register models. */
#include "bench_int.h"
#include "bench_sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "posix.h"
#include "driven_unit.h"

#define POOL_BYTES   (8u << 20)
#define MEMORY_BYTES (16u << 20)
#define FOUR_GIB     (1ull << 32)
#define TIMEOUT	     100000u

struct bench {
	struct bench_config config;
	struct sim *sim;
	struct sim_device *dev;
	struct sim_device *extra;
	struct dmah_domain *dom;
	void *domain_memory;
	struct dmah_pool *pool;
	void *pool_memory;
	dmah_phys_t memory;
	struct bench_hooks hooks;
	struct unit unit[2];
	bool keep;
};

unsigned int bench_times(unsigned int n)
{
	return n;
}

/* Returns 10^5 for each machine, or the number in the environment. */
unsigned long bench_operations(void)
{
	const char *text = getenv("DMAH_TEST_OPS");

	return text ? strtoul(text, NULL, 0) : 100000;
}

static bool vtd(enum bench_hw hw)
{
	return hw == BENCH_VTD3 || hw == BENCH_VTD4 || hw == BENCH_VTD5 || hw == BENCH_VTD4_FS;
}

static bool amd(enum bench_hw hw)
{
	return hw == BENCH_AMD3 || hw == BENCH_AMD4 || hw == BENCH_AMD6;
}

static bool riscv(enum bench_hw hw)
{
	return hw == BENCH_SV39 || hw == BENCH_SV48 || hw == BENCH_SV57;
}

/* Returns true for hardware that uses the lower half of a table. */
static bool is_signed(enum bench_hw hw)
{
	return riscv(hw) || hw == BENCH_VTD4_FS;
}

static bool smmuv1(enum bench_hw hw)
{
	return hw == BENCH_SMMUV1 || hw == BENCH_SMMUV1_S2 || hw == BENCH_SMMUV1_SHORT;
}

static bool smmuv2(enum bench_hw hw)
{
	return hw == BENCH_SMMUV2 || hw == BENCH_SMMUV2_S2 || smmuv1(hw);
}

static bool stage2(enum bench_hw hw)
{
	return hw == BENCH_LPAE48_S2 || hw == BENCH_SMMUV2_S2 || hw == BENCH_SMMUV1_S2;
}

static enum sim_flavour flavour(enum bench_hw hw)
{
	if (smmuv2(hw))
		return SIM_SMMUV2;
	if (hw == BENCH_VIRTIO)
		return SIM_VIRTIO;
	return vtd(hw) ? SIM_VTD : amd(hw) ? SIM_AMD : riscv(hw) ? SIM_RISCV : SIM_SMMU;
}

static const struct dmah_pt_format *format(enum bench_hw hw)
{
	if (hw == BENCH_VTD4_FS || stage2(hw))
		return hw == BENCH_VTD4_FS ? &dmah_pt_vtd_fs : &dmah_pt_lpae_s2;
	if (hw == BENCH_SMMUV1_SHORT)
		return &dmah_pt_arm_short;
	return vtd(hw) || hw == BENCH_VIRTIO ? &dmah_pt_vtd_ss
	       : amd(hw)		     ? &dmah_pt_amd_v1
	       : riscv(hw)		     ? &dmah_pt_sv_rsw
					     : &dmah_pt_lpae_s1;
}

/* Bits of the whole table. */
static unsigned int width(enum bench_hw hw)
{
	switch (hw) {
	case BENCH_VTD3:
	case BENCH_LPAE39:
	case BENCH_AMD3:
	case BENCH_SV39:
	case BENCH_SMMUV1:
	case BENCH_SMMUV1_S2:
		return 39;
	case BENCH_SMMUV1_SHORT:
		return 32;
	case BENCH_VTD5:
	case BENCH_SV57:
		return 57;
	case BENCH_AMD6:
		return 63;
	default:
		return 48;
	}
}

/* DMAH_TEST_HW=amd, riscv, smmuv2 or virtio in the environment: the cases that name no IOMMU run on that one. */
static enum bench_hw usual(void)
{
	const char *text = getenv("DMAH_TEST_HW");

	if (text && !strcmp(text, "riscv"))
		return BENCH_SV48;
	if (text && !strcmp(text, "smmuv2"))
		return BENCH_SMMUV2;
	if (text && !strcmp(text, "virtio"))
		return BENCH_VIRTIO;
	return text && !strcmp(text, "amd") ? BENCH_AMD4 : BENCH_VTD4;
}

unsigned int bench_can(void)
{
	/* An AMD unit has what cases ask for that are written for VT-d: its window of interrupts, ranges in one command. */
	unsigned int vtd_like = usual() == BENCH_VTD4 || usual() == BENCH_AMD4 ? BENCH_VTD : 0;

	return BENCH_OTHERS | BENCH_CACHES | BENCH_5_LEVELS | BENCH_2_IOMMUS | BENCH_LPAE |
	       vtd_like;
}

static void open_machine(struct bench *b)
{
	const struct bench_config *c = &b->config;
	struct sim_config config = {
		.name = c->name,
		.backend = c->backend,
		.cache = c->noncoherent || c->walk_noncoherent,
		.noncoherent = c->noncoherent,
	};

	if (c->backend == DMAH_BACKEND_DIRECT && c->mask_bits == 32) {
		/* Memory on both sides of what the device reaches. */
		config.ram_base = FOUR_GIB - (128u << 20);
		config.host_size = 16u << 20;
	}
	if (c->backend == DMAH_BACKEND_IOMMU)
		for (unsigned int i = 0; i < 2; i++)
			config.iommu[i] = (struct sim_iommu_config){
				.flavour = flavour(c->hw),
				.stage2 = stage2(c->hw),
				.first_stage = c->hw == BENCH_VTD4_FS,
				.short_descriptors = c->hw == BENCH_SMMUV1_SHORT,
				.va_bits = width(c->hw),
				.caching_mode = c->map_flush && !i,
				.noncoherent_walk = c->walk_noncoherent,
				.no_2m = c->no_blocks,
				.no_1g = c->no_blocks,
			};
	b->sim = sim_create(&config);
	assert_non_null(b->sim);
	/* A test moves the clock, and nothing else but a spin loop does. */
	sim_regs_set_read_time(b->sim, 0);
	for (unsigned int i = 0; i < 2 && c->backend == DMAH_BACKEND_IOMMU; i++) {
		b->unit[i].smmuv2_config.v1 = smmuv1(c->hw);
		b->unit[i].smmuv2_short = c->hw == BENCH_SMMUV1_SHORT;
		unit_create(&b->unit[i], b->sim, i);
	}
}

static void let(void *machine, bool through)
{
	struct bench *b = machine;

	if (b->keep)
		unit_hold(&b->unit[0], !through);
}

static struct dmah_iommu *iommu_of(struct bench *b, unsigned int n)
{
	struct unit *u = &b->unit[n];

	if (u->iommu)
		return u->iommu;
	unit_start(u, TIMEOUT);
	sim_inject_watch(b->sim, n, u->iommu);
	/* There is no register for these properties. */
	if ((u->smmu_model || u->riscv_model || u->smmuv2_model) && b->config.map_flush)
		u->iommu->caps |= DMAH_IOMMU_MAP_FLUSH;
	if (!u->vtd_model && b->config.no_blocks)
		u->iommu->caps &= ~(uint32_t)(DMAH_IOMMU_BLOCK_2M | DMAH_IOMMU_BLOCK_1G);
	return u->iommu;
}

static struct sim_device *add_device(struct bench *b, const struct sim_device_config *config)
{
	struct sim_device *dev = sim_device_add(b->sim, config);

	assert_non_null(dev);
	if (b->config.backend == DMAH_BACKEND_IOMMU)
		sim_device_dmah(dev)->iommu = iommu_of(b, config->iommu ? config->iommu - 1 : 0);
	return dev;
}

static void open_memory(struct bench *b)
{
	size_t need = dmah_pool_memory(POOL_BYTES);
	dmah_phys_t pool = sim_ram_take(b->sim, POOL_BYTES, 4096);

	b->memory = sim_ram_take(b->sim, MEMORY_BYTES, 4096);
	if (b->config.backend == DMAH_BACKEND_DIRECT && b->config.mask_bits == 32)
		b->memory = FOUR_GIB - (768u << 10);
	if (sim_xen(b->sim))
		assert_true(sim_xen_scramble(sim_xen(b->sim), b->memory, MEMORY_BYTES / 4096, 3));
	sim_cpu_set(b->sim, b->memory, 0, 4u << 20);
	if (!b->config.pool)
		return;
	b->pool_memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	assert_int_equal(dmah_pool_init(&b->pool, pool, POOL_BYTES, b->pool_memory, need), DMAH_OK);
	/* Fill the slots, so that stale contents would be noticed. */
	sim_cpu_set(b->sim, pool, 0xdd, POOL_BYTES);
	sim_cpu_maintain(b->sim, DMAH_CACHE_FLUSH, pool, POOL_BYTES);
}

static void open_domain(struct bench *b)
{
	const struct bench_config *c = &b->config;
	struct dmah_domain_config config = {
		.backend = c->backend,
		.cpus = c->cpus,
		.pool = b->pool,
		.mode = c->mode,
		.format = format(c->hw),
		.va_bits = c->backend == DMAH_BACKEND_IOMMU ? width(c->hw) - is_signed(c->hw) : 0,
		.aperture_size = c->aperture_size,
		.lazy_entries = c->lazy_entries,
		.history = c->history,
		.xen = sim_xen(b->sim) ? &sim_xen_ops : NULL,
		.xen_ctx = sim_xen(b->sim),
	};
	size_t need;

	if (c->backend == DMAH_BACKEND_IOMMU) {
		config.iommu = iommu_of(b, 0);
		b->hooks.machine = b;
		b->hooks.let = let;
		bench_hook(&b->hooks, config.iommu);
	}
	need = dmah_domain_memory(&config);
	assert_true(need > 0);
	b->domain_memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	assert_int_equal(dmah_domain_init(&b->dom, &config, b->domain_memory, need), DMAH_OK);
}

static void open_device(struct bench *b)
{
	const struct bench_config *c = &b->config;
	struct sim_device_config config = { .name = "dev", .id = 0x0300, .ats = c->ats };
	struct dmah_limits limits;

	if (c->mask_bits)
		config.mask = (1ull << c->mask_bits) - 1;
	b->dev = add_device(b, &config);
	sim_device_limits(b->dev, &limits);
	limits.boundary = c->boundary;
	limits.max_segment = c->max_segment;
	limits.min_align_mask = c->min_align_mask;
	limits.flags |= c->untrusted ? DMAH_DEV_UNTRUSTED : 0;
	assert_int_equal(dmah_attach(b->dom, bench_device(b), &limits), DMAH_OK);
}

struct bench *bench_open(const struct bench_config *config)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->config = *config;
	if (b->config.hw == BENCH_IOMMU)
		b->config.hw = usual();
	open_machine(b);
	bench_begin();
	open_memory(b);
	open_domain(b);
	open_device(b);
	return b;
}

void bench_abandon(struct bench *b)
{
	bench_end();
	sim_destroy(b->sim);
	for (unsigned int i = 0; i < 2; i++)
		unit_free(&b->unit[i]);
	free(b->domain_memory);
	free(b->pool_memory);
	free(b);
}

void bench_close(struct bench *b)
{
	assert_int_equal(bench_reports(b), 0);
	assert_int_equal(dmah_device_live(bench_device(b)), 0);
	if (bench_device(b)->dom)
		assert_int_equal(dmah_detach(bench_device(b)), DMAH_OK);
	if (b->pool)
		assert_int_equal(dmah_pool_used(b->pool), 0);
	assert_int_equal(dmah_domain_fini(b->dom), DMAH_OK);
	if (b->keep)
		bench_latency(b, 0);
	for (unsigned int i = 0; i < 2; i++)
		unit_stop(&b->unit[i]);
	bench_balanced();
	bench_abandon(b);
}

struct dmah_domain *bench_domain(struct bench *b)
{
	return b->dom;
}

struct dmah_device *bench_device(struct bench *b)
{
	return sim_device_dmah(b->dev);
}

struct sim *bench_sim(struct bench *b)
{
	return b->sim;
}

struct sim_device *bench_sim_device(struct bench *b)
{
	return b->dev;
}

uint64_t bench_machine_address(struct bench *b, dmah_phys_t phys)
{
	return sim_xen(b->sim) ? sim_xen_machine(sim_xen(b->sim), phys) : phys;
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

void bench_cpu_read(struct bench *b, dmah_phys_t phys, void *buf, size_t len)
{
	sim_cpu_read(b->sim, phys, buf, len);
}

void bench_cpu_write(struct bench *b, dmah_phys_t phys, const void *buf, size_t len)
{
	sim_cpu_write(b->sim, phys, buf, len);
}

bool bench_dev_read(struct bench *b, dmah_addr_t dma, void *buf, size_t len)
{
	return !len || sim_dma_read(b->dev, dma, buf, len) == SIM_OK;
}

bool bench_dev_write(struct bench *b, dmah_addr_t dma, const void *buf, size_t len)
{
	return !len || sim_dma_write(b->dev, dma, buf, len) == SIM_OK;
}

void bench_evict(struct bench *b)
{
	if (b->config.noncoherent || b->config.walk_noncoherent)
		sim_cache_evict(b->sim, 0, 0);
}

void bench_stick(struct bench *b, bool stuck)
{
	unit_hold(&b->unit[0], stuck);
}

void bench_latency(struct bench *b, uint64_t ns)
{
	b->keep = ns != 0;
	unit_hold(&b->unit[0], b->keep);
}

void bench_on_wait(struct bench *b, void (*fn)(void *arg), void *arg)
{
	b->hooks.on_wait = fn;
	b->hooks.on_wait_arg = arg;
	/* Hold commands back until a wait. */
	bench_latency(b, fn != NULL);
}

void bench_on_post(struct bench *b, void (*fn)(void *arg), void *arg)
{
	b->hooks.on_post = fn;
	b->hooks.on_post_arg = arg;
}

bool bench_fault_names_page(const struct bench *b)
{
	return vtd(b->config.hw);
}

bool bench_translate(struct bench *b, dmah_addr_t dma, bool write, dmah_phys_t *phys)
{
	struct dmah_pt_info pt;
	struct sim_leaf leaf;

	assert_int_equal(dmah_domain_pt(b->dom, &pt), DMAH_OK);
	if (sim_iommu_walk(sim_iommu(b->sim, 0), &pt, dma, &leaf, NULL) != SIM_OK)
		return false;
	*phys = leaf.phys + (dma - leaf.iova);
	return (leaf.perm & (write ? SIM_PERM_WRITE : SIM_PERM_READ)) != 0;
}

void bench_entries(struct bench *b, uint64_t *to, uint32_t n)
{
	struct dmah_pt_info pt;
	struct sim_leaf leaf;
	dmah_addr_t base;
	uint64_t size;

	assert_int_equal(dmah_domain_pt(b->dom, &pt), DMAH_OK);
	dmah_domain_aperture(b->dom, &base, &size);
	for (uint32_t i = 0; i < n; i++) {
		to[i] = 0;
		if (sim_iommu_walk(sim_iommu(b->sim, 0), &pt, base + i * 4096ull, &leaf, NULL) ==
		    SIM_OK)
			to[i] = (leaf.phys + (base + i * 4096ull - leaf.iova)) | leaf.perm;
	}
}

uint64_t bench_hypercalls(struct bench *b)
{
	struct sim_xen_stats stats;

	sim_xen_stats(sim_xen(b->sim), &stats);
	return stats.cache_calls;
}

dmah_addr_t bench_grant(struct bench *b, unsigned int aliases, bool kernel_mapping,
			dmah_phys_t *phys)
{
	uint64_t gref = sim_xen_grant(sim_xen(b->sim), 1);

	assert_true(gref != SIM_XEN_BAD);
	for (unsigned int i = 0; i < aliases; i++) {
		phys[i] = sim_xen_map_grant(sim_xen(b->sim), gref, kernel_mapping);
		assert_true(phys[i] != SIM_XEN_BAD);
	}
	return sim_xen_machine(sim_xen(b->sim), phys[0]);
}

struct dmah_iommu *bench_iommu(struct bench *b, unsigned int n)
{
	return iommu_of(b, n);
}

struct dmah_device *bench_extra_device(struct bench *b, unsigned int n)
{
	struct sim_device_config config = { .name = "extra", .id = 0x0400, .iommu = n + 1 };

	if (!b->extra)
		b->extra = add_device(b, &config);
	return sim_device_dmah(b->extra);
}

bool bench_extra_write(struct bench *b, dmah_addr_t dma, const void *buf, size_t len)
{
	return sim_dma_write(b->extra, dma, buf, len) == SIM_OK;
}
