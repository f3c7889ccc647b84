/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "smmu.h"

#include "posix.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define POOL_BYTES    (256u << 10)
#define APERTURE      (64ull << 20)
#define F_TRANSLATION 0x10u

/* Requester id of the bridge. */
#define BRIDGE 0x18u

/* The fake unit's registers, where the machine has nothing. */
#define FAKE_REGS 0x3000000000ull

/* ---- registers, as the driver sees them ---- */

static struct smmu_rig *current;
static uint32_t fake[DMAH_SMMUV3_REGS / 4];
static uint32_t fake_code;
static uint32_t fake_cons;

static uint64_t fake_read(uint64_t reg, unsigned int size)
{
	uint64_t value = fake[reg / 4];

	if (reg == 0x24) /* CR0ACK follows CR0 */
		return fake[0x20 / 4];
	if (reg == 0x9c)
		return fake_cons | fake_code << 24;
	if (reg == 0x44) /* GBPA takes effect at once */
		return fake[0x44 / 4] & 0x7fffffff;
	if (reg < 0x20)
		return qemu_read(current->q, QEMU_SMMU_REGS + reg, size);
	return size == 8 ? value | (uint64_t)fake[reg / 4 + 1] << 32 : value;
}

/* CMDQ_CONS follows CMDQ_PROD, but while there is an error that is not acknowledged. */
static void fake_consume(void)
{
	if (!((fake[0x60 / 4] ^ fake[0x64 / 4]) & 1))
		fake_cons = fake[0x98 / 4];
}

static void fake_write(uint64_t reg, unsigned int size, uint64_t value)
{
	fake[reg / 4] = (uint32_t)value;
	if (size == 8)
		fake[reg / 4 + 1] = (uint32_t)(value >> 32);
	fake_consume();
}

static uint64_t window_read(void *ctx, uint64_t at, unsigned int size)
{
	const struct smmu_config *c = &current->config;
	uint64_t value;

	if (at - FAKE_REGS < DMAH_SMMUV3_REGS)
		return fake_read(at - FAKE_REGS, size);
	value = qemu_read(ctx, at, size);
	if (at == QEMU_SMMU_REGS)
		value = (value | c->idr0_set) & ~(uint64_t)c->idr0_clear;
	else if (at == QEMU_SMMU_REGS + 0xc)
		value &= ~(uint64_t)c->idr3_clear;
	else if (at == QEMU_SMMU_REGS + 0x14)
		value &= ~(uint64_t)c->idr5_clear;
	return value;
}

static void window_write(void *ctx, uint64_t at, unsigned int size, uint64_t value)
{
	if (at == QEMU_SMMU_REGS + 0x98 && current->on_commands)
		current->on_commands(current);
	if (at - FAKE_REGS < DMAH_SMMUV3_REGS)
		fake_write(at - FAKE_REGS, size, value);
	else
		qemu_write(ctx, at, size, value);
}

static void watch_registers(struct smmu_rig *rig)
{
	struct posix_mmio mmio = {
		.base = (volatile uint8_t *)qemu_regs(rig->q, 0),
		.size = 1ull << 40,
		.ctx = rig->q,
		.read = window_read,
		.write = window_write,
	};

	current = rig;
	posix_set_mmio(&mmio);
}

volatile void *smmu_fake(struct smmu_rig *rig)
{
	memset(fake, 0, sizeof(fake));
	fake_code = 0;
	fake_cons = 0;
	return qemu_regs(rig->q, FAKE_REGS);
}

void fake_errors(uint32_t gerror, uint32_t code)
{
	fake[0x60 / 4] ^= gerror;
	fake_code = code;
}

void smmu_on_commands(struct smmu_rig *rig, void (*fn)(struct smmu_rig *rig))
{
	rig->on_commands = fn;
}

/* ---- the device ---- */

void smmu_edu(struct smmu_rig *rig, struct edu *edu, uint32_t sid, dmah_phys_t bar)
{
	uint16_t id = (uint16_t)sid;

	if (bar) {
		qemu_pci_write(rig->q, id, 0x10, 4, (uint32_t)bar);
		qemu_pci_write(rig->q, id, 0x04, 2, 6);
	} else {
		bar = qemu_pci_read(rig->q, id, 0x10, 4) & ~0xfu;
	}
	assert_int_equal(edu_init(edu, qemu_regs(rig->q, bar), &rig->dev), 0);
}

void dev_pull(const struct edu *edu, dmah_addr_t dma, uint32_t at, uint32_t len)
{
	struct edu e = *edu;

	assert_int_equal(edu_dma(&e, dma, at, len, DMAH_TO_DEVICE), 0);
}

void dev_push(const struct edu *edu, dmah_addr_t dma, uint32_t at, uint32_t len)
{
	struct edu e = *edu;

	assert_int_equal(edu_dma(&e, dma, at, len, DMAH_FROM_DEVICE), 0);
}

void dev_load(struct smmu_rig *rig, const void *bytes, uint32_t len)
{
	memcpy(qemu_ram(rig->q, rig->staging, PAGE), bytes, len);
	dev_pull(&rig->edu, dmah_addr(&rig->staged), 0, len);
}

void dev_store(struct smmu_rig *rig, void *bytes, uint32_t len)
{
	dev_push(&rig->edu, dmah_addr(&rig->staged), 0, len);
	memcpy(bytes, qemu_ram(rig->q, rig->staging, PAGE), len);
}

void dev_write(struct smmu_rig *rig, dmah_addr_t dma, const void *bytes, uint32_t len)
{
	dev_load(rig, bytes, len);
	dev_push(&rig->edu, dma, 0, len);
}

void dev_read(struct smmu_rig *rig, dmah_addr_t dma, void *bytes, uint32_t len)
{
	dev_pull(&rig->edu, dma, 0, len);
	dev_store(rig, bytes, len);
}

/* ---- events ---- */

void events_none(struct smmu_rig *rig)
{
	struct dmah_smmuv3_event event;
	bool lost;

	assert_int_equal(dmah_smmuv3_events(&rig->smmu, &event, 1, &lost), 0);
	assert_false(lost);
}

unsigned int events_one(struct smmu_rig *rig, uint32_t type, uint32_t sid, bool write,
			dmah_addr_t dma, uint32_t len)
{
	struct dmah_smmuv3_event event[8];
	unsigned int total = 0, n;

	do {
		n = dmah_smmuv3_events(&rig->smmu, event, 8, NULL);
		for (unsigned int i = 0; i < n; i++) {
			assert_int_equal(event[i].type, type);
			assert_int_equal(event[i].sid, sid);
			assert_non_null(event[i].reason);
			if (!event[i].has_address)
				continue;
			assert_int_equal(event[i].write, write);
			assert_in_range(event[i].iova, dma, dma + len - 1);
		}
		total += n;
	} while (n);
	assert_int_not_equal(total, 0);
	return total;
}

/* ---- setting up ---- */

static void report(void *ctx, const struct dmah_device *dev, int err, const char *text,
		   uint64_t addr, const void *caller)
{
	struct smmu_rig *rig = ctx;

	(void)dev;
	(void)err;
	(void)text;
	(void)addr;
	(void)caller;
	__atomic_add_fetch(&rig->reports, 1, __ATOMIC_RELAXED);
}

uint8_t *smmu_page(struct smmu_rig *rig, unsigned int pages, uint8_t fill, dmah_phys_t *phys)
{
	uint8_t *p;

	*phys = qemu_take(rig->q, (uint64_t)pages * PAGE, PAGE);
	p = qemu_ram(rig->q, *phys, (uint64_t)pages * PAGE);
	memset(p, fill, (size_t)pages * PAGE);
	return p;
}

static void open_pool(struct smmu_rig *rig)
{
	size_t size = dmah_pool_memory(POOL_BYTES);

	rig->pool_memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
	assert_int_equal(dmah_pool_init(&rig->pool, qemu_take(rig->q, POOL_BYTES, PAGE), POOL_BYTES,
					rig->pool_memory, size),
			 0);
}

int smmu_attach_to(struct smmu_rig *rig, struct dmah_domain *dom, struct dmah_device *dev,
		   uint32_t sid)
{
	struct dmah_limits limits = { .mask = ~0ull,
				      .flags = DMAH_DEV_COHERENT | rig->config.flags };

	memset(dev, 0, sizeof(*dev));
	dev->name = "edu";
	dev->id = sid;
	return dmah_attach(dom, dev, &limits);
}

int smmu_attach(struct smmu_rig *rig, struct dmah_device *dev, uint32_t sid)
{
	return smmu_attach_to(rig, rig->dom, dev, sid);
}

struct dmah_domain *smmu_domain(struct smmu_rig *rig, struct dmah_domain_config *config,
				void **memory)
{
	struct dmah_domain *dom;
	size_t size;

	config->backend = DMAH_BACKEND_IOMMU;
	config->format = &dmah_pt_lpae_s1;
	config->iommu = &rig->smmu.iommu;
	size = dmah_domain_memory(config);
	*memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
	assert_int_equal(dmah_domain_init(&dom, config, *memory, size), 0);
	return dom;
}

static void open_domain(struct smmu_rig *rig)
{
	const struct smmu_config *c = &rig->config;
	struct dmah_domain_config config = {
		.mode = c->mode,
		.pool = rig->pool,
		.cpus = c->cpus,
		.va_bits = c->va_bits,
		.aperture_base = c->aperture_base ? c->aperture_base : 1ull << 32,
		.aperture_size = c->aperture_size ? c->aperture_size : APERTURE,
	};

	rig->dom = smmu_domain(rig, &config, &rig->dom_memory);
	assert_int_equal(smmu_attach(rig, &rig->dev, rig->sid), 0);
	(void)smmu_page(rig, 1, 0, &rig->staging);
	if (rig->config.mode != DMAH_PASSTHROUGH)
		assert_int_equal(dmah_map(&rig->dev, &rig->staged, rig->staging, PAGE,
					  DMAH_BIDIRECTIONAL, 0),
				 0);
}

/*
 * A bridge to a bus with a number far from 0. PCI-to-PCI Bridge Architecture Specification 1.2, section 3.2.5. Before all
 * else: while its number is 0 too, QEMU's SMMU takes one bus for the other.
 */
static void open_bridge(struct qemu *q)
{
	qemu_pci_write(q, BRIDGE, 0x18, 4, SMMU_FAR_BUS << 16 | SMMU_FAR_BUS << 8);
	qemu_pci_write(q, BRIDGE, 0x20, 4, (SMMU_FAR_BAR & 0xfff00000) | SMMU_FAR_BAR >> 16);
	qemu_pci_write(q, BRIDGE, 0x04, 2, 6);
}

void smmu_open(struct smmu_rig *rig, const struct smmu_config *config)
{
	/* One machine for all tests: two of the device on bus 0, and one behind a bridge. */
	static const char *const args[] = { "-device", QEMU_EDU ",addr=1",
					    "-device", QEMU_EDU ",addr=2",
					    "-device", "pcie-root-port,id=far,addr=3",
					    "-device", QEMU_EDU ",bus=far",
					    NULL };
	struct qemu_pci pci;
	size_t size;

	memset(rig, 0, sizeof(*rig));
	rig->config = *config;
	rig->q = qemu_machine(&(struct qemu_config){
		.kind = QEMU_SMMU, .machine = config->machine, .ram = config->ram, .args = args });
	open_bridge(rig->q);
	watch_registers(rig);
	posix_set_report(report, rig);
	posix_set_cpu(0);
	assert_true(qemu_pci_find(rig->q, 0x1234, 0x11e8, 0, &pci));
	rig->sid = pci.id;
	smmu_edu(rig, &rig->edu, pci.id, 0);
	size = dmah_smmuv3_memory(&config->smmu);
	rig->smmu_memory = malloc(size);
	if (config->bare)
		return;
	rig->config.smmu.regs = qemu_regs(rig->q, QEMU_SMMU_REGS);
	assert_int_equal(dmah_smmuv3_init(&rig->smmu, &rig->config.smmu, rig->smmu_memory, size),
			 0);
	if (config->pool)
		open_pool(rig);
	open_domain(rig);
}

void smmu_close(struct smmu_rig *rig)
{
	struct posix_alloc_stats stats;

	if (!rig->config.bare) {
		events_none(rig);
		assert_int_equal(dmah_unmap(&rig->dev, &rig->staged), 0);
		if (rig->dev.dom)
			assert_int_equal(dmah_detach(&rig->dev), 0);
		assert_int_equal(dmah_domain_fini(rig->dom), 0);
		if (rig->pool)
			assert_int_equal(dmah_pool_used(rig->pool), 0);
		assert_int_equal(dmah_smmuv3_fini(&rig->smmu), 0);
	}
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 0);
	assert_int_equal(stats.mem, 0);
	assert_int_equal(rig->reports, 0);
	posix_set_report(NULL, NULL);
	qemu_log_drop(rig->q);
	free(rig->smmu_memory);
	free(rig->dom_memory);
	free(rig->pool_memory);
}

bool all(const uint8_t *p, uint8_t value, size_t n)
{
	while (n--)
		if (*p++ != value)
			return false;
	return true;
}

void pattern(uint8_t *p, uint32_t len, uint32_t seed)
{
	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + seed * 31 + 1);
}

unsigned int how_many(unsigned int usual)
{
	const char *more = getenv("DMAH_QEMU_OPS");

	return more ? (unsigned int)strtoul(more, NULL, 0) : usual;
}

/* ---- what many tests look at ---- */

void page_map(struct smmu_rig *rig, struct page *p)
{
	uint8_t byte[4];

	memset(p, 0, sizeof(*p));
	p->mem = smmu_page(rig, 1, 0, &p->phys);
	assert_int_equal(dmah_map(&rig->dev, &p->h, p->phys, PAGE, DMAH_FROM_DEVICE, 0), 0);
	p->dma = dmah_addr(&p->h);
	memset(byte, 0x31, 4);
	dev_write(rig, p->dma, byte, 4);
	assert_true(all(p->mem, 0x31, 4));
	memset(p->mem, 0xca, PAGE);
}

bool page_reached(struct smmu_rig *rig, struct page *p)
{
	memset(p->mem, 0xca, PAGE);
	dev_push(&rig->edu, p->dma, 0, 4);
	if (all(p->mem, 0x31, 4))
		return true;
	assert_true(all(p->mem, 0xca, PAGE));
	(void)events_one(rig, F_TRANSLATION, rig->sid, true, p->dma, 4);
	return false;
}

const uint64_t *smmu_ste(struct smmu_rig *rig, uint32_t sid)
{
	dmah_phys_t base = qemu_read(rig->q, QEMU_SMMU_REGS + 0x80, 8) & 0x000fffffffffffc0ull;
	const uint64_t *l1 = qemu_ram(rig->q, base + (sid >> 6) * 8, 8);

	assert_int_equal(*l1 & 0x1f, 7);
	return qemu_ram(rig->q, (*l1 & ~0x3full) + (sid & 63) * 64, 64);
}

const uint64_t *smmu_command(struct smmu_rig *rig, uint64_t pos)
{
	return rig->smmu.cmdq.cpu + 2 * (pos & ((1u << rig->smmu.cmdq_log2) - 1));
}
