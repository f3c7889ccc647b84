/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* An IOMMU's driver: what an operating system would have beside dmah, over the simulated hardware. */
#include "sim_int.h"

#include "posix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct dmah_pt_format *const vtd_formats[] = { &dmah_pt_vtd_ss };
static const struct dmah_pt_format *const smmu_formats[] = { &dmah_pt_lpae_s1 };
static const struct dmah_reserved vtd_reserved[] = { { .base = 0xfee00000, .size = 0x100000 } };

static struct sim_iommu *of(struct dmah_iommu *iommu)
{
	return (struct sim_iommu *)(void *)iommu; /* its first member */
}

static struct sim_device *device_of(struct sim_iommu *iommu, uint32_t id)
{
	for (struct sim_device *dev = iommu->sim->devices; dev; dev = dev->next)
		if (dev->iommu == iommu && dev->config.id == id)
			return dev;
	return NULL;
}

/* ---- the hardware's side of the queue ---- */

void sim_iommu_execute(struct sim_iommu *iommu, const struct sim_command *c)
{
	struct sim_device *dev;

	iommu->stats.executed++;
	if (c->kind == SIM_COMMAND_TLB) {
		if (c->tables || !c->size)
			sim_psc_invalidate(&iommu->psc, c->target, c->iova, c->size);
		sim_tlb_invalidate(&iommu->tlb, c->target, c->iova, c->size, NULL, NULL);
		return;
	}
	dev = device_of(iommu, c->target);
	if (!dev)
		return;
	if (c->kind == SIM_COMMAND_CONTEXT)
		dev->known = false;
	else
		sim_tlb_invalidate(&dev->tlb, 0, c->iova, c->size, sim_dev_retranslate, dev);
}

static void execute(void *ctx, const struct sim_command *c)
{
	sim_iommu_execute(ctx, c);
}

static int post_mark(struct sim_iommu *iommu, const struct sim_command *c, uint64_t *ticket)
{
	int err;

	if (c->size && c->iova + c->size - 1 < c->iova) {
		posix_misuse("an invalidation that wraps round the end of the address space");
		return DMAH_ETIMEDOUT;
	}
	sim_lock(&iommu->lock);
	err = sim_invq_post(&iommu->q, &iommu->lock, c);
	if (!err)
		iommu->stats.commands++;
	if (ticket)
		*ticket = iommu->q.tail;
	sim_unlock(&iommu->lock);
	return err ? err : 1;
}

static int post(struct sim_iommu *iommu, const struct sim_command *c)
{
	return post_mark(iommu, c, NULL);
}

static int sim_op_invalidate(struct dmah_iommu *i, uint32_t tag, dmah_addr_t iova, uint64_t size,
			     bool tables, uint64_t *ticket)
{
	struct sim_command c = {
		.kind = SIM_COMMAND_TLB, .target = tag, .iova = iova, .size = size, .tables = tables
	};

	return post_mark(of(i), &c, ticket);
}

static int sim_op_invalidate_dev(struct dmah_iommu *i, struct dmah_device *d, dmah_addr_t iova,
				 uint64_t size)
{
	struct sim_command c = {
		.kind = SIM_COMMAND_DEV_TLB, .target = d->id, .iova = iova, .size = size
	};

	return post(of(i), &c);
}

/* The mark is the place in the queue behind what was posted last; nothing needs to stand there. */
static int sim_op_fence(struct dmah_iommu *i, uint64_t *ticket)
{
	struct sim_iommu *iommu = of(i);

	sim_lock(&iommu->lock);
	*ticket = iommu->q.tail;
	sim_unlock(&iommu->lock);
	return DMAH_OK;
}

static int sim_op_wait(struct dmah_iommu *i, uint64_t ticket)
{
	struct sim_iommu *iommu = of(i);
	int err;

#ifndef NDEBUG
	posix_assert_may_wait("a wait for the IOMMU inside dmah_host_enter()");
#endif
	sim_lock(&iommu->lock);
	err = sim_invq_wait(&iommu->q, &iommu->lock, ticket);
	sim_unlock(&iommu->lock);
	return err;
}

/* ---- tags ---- */

static int sim_op_tag_alloc(struct dmah_iommu *i, uint32_t *tag)
{
	struct sim_iommu *iommu = of(i);
	int err = DMAH_ENOSPC;

	sim_lock(&iommu->lock);
	for (uint32_t t = 1; err && t <= iommu->config.tags; t++) {
		if (iommu->bank[t].taken)
			continue;
		iommu->bank[t].taken = true;
		*tag = t;
		err = DMAH_OK;
	}
	sim_unlock(&iommu->lock);
	return err;
}

static void sim_op_tag_free(struct dmah_iommu *i, uint32_t tag)
{
	struct sim_iommu *iommu = of(i);
	const char *wrong = NULL;

	sim_lock(&iommu->lock);
	if (!tag || tag > iommu->config.tags || !iommu->bank[tag].taken)
		wrong = "tag_free() of a tag that is not handed out";
	else if (iommu->bank[tag].users)
		wrong = "tag_free() of a tag that devices are bound with";
	else
		iommu->bank[tag].taken = false;
	sim_unlock(&iommu->lock);
	if (wrong)
		posix_misuse(wrong);
}

/* ---- binding ---- */

static void store64(struct sim_iommu *iommu, uint64_t addr, uint64_t value)
{
	/* The driver's own tables are cleaned at once, so that the walker's coherency is no matter. */
	__atomic_store_n((uint64_t *)(void *)sim_ram_at(&iommu->sim->ram, addr), value,
			 __ATOMIC_RELEASE);
}

static uint64_t load64(struct sim_iommu *iommu, uint64_t addr)
{
	return __atomic_load_n((uint64_t *)(void *)sim_ram_at(&iommu->sim->ram, addr),
			       __ATOMIC_ACQUIRE);
}

/* VT-d 9.1, 9.3: the entries' formats. Return: false where there is no page for the context table. */
static bool write_context(struct sim_iommu *iommu, const struct sim_device *dev, uint32_t tag)
{
	uint64_t root = iommu->root + (dev->config.id >> 8 & 0xff) * 16,
		 table = load64(iommu, root) & ~0xfffull, at;
	uint64_t lo = 0, hi = 0;

	if (!table) {
		table = sim_fw_page(iommu->sim);
		if (!table)
			return false;
		store64(iommu, root, table | 1);
	}
	if (dev->how == DMAH_BIND_TRANSLATE) {
		const struct sim_table *t = &iommu->bank[tag].table;

		lo = t->root | (dev->ats ? 1u << 2 : 0u) | 1;
		hi = (uint64_t)tag << 8 | (t->levels - 2);
	} else if (dev->how == DMAH_BIND_PASSTHROUGH) {
		/* Untranslated requests carry a domain id too; the last one is nobody's. */
		lo = 2u << 2 | 1;
		hi = (uint64_t)(iommu->config.tags + 1) << 8 | ((iommu->hw.va_bits - 12) / 9 - 2);
	}
	at = table + (dev->config.id & 0xff) * 16;
	store64(iommu, at, 0); /* not present while it changes */
	store64(iommu, at + 8, hi);
	store64(iommu, at, lo);
	return true;
}

static bool fits(const struct sim_iommu *iommu, const struct dmah_pt_info *pt, uint32_t tag)
{
	if (!pt || pt->format != iommu->dmah.formats[0] || !tag || tag > iommu->config.tags ||
	    !iommu->bank[tag].taken || pt->va_bits > iommu->hw.va_bits ||
	    pt->va_bits != 12 + 9 * pt->levels)
		return false;
	return !(pt->root % 4096) && pt->levels >= 3 &&
	       pt->levels <= (iommu->config.flavour == SIM_VTD ? 5u : 4u);
}

static struct sim_table table_of(const struct sim_iommu *iommu, const struct dmah_pt_info *pt)
{
	struct sim_table t = iommu->hw;

	t.root = pt->root;
	t.levels = pt->levels;
	t.va_bits = pt->va_bits;
	return t;
}

/* Make the new binding the tables', under the lock. */
static bool set_binding(struct sim_device *dev, enum dmah_bind how, const struct dmah_pt_info *pt,
			uint32_t tag, uint32_t *old_tag)
{
	struct sim_iommu *iommu = dev->iommu;
	struct sim_bank *old = dev->how == DMAH_BIND_TRANSLATE ? &iommu->bank[dev->bank] : NULL;
	bool was_ats = dev->ats;

	*old_tag = old ? old->tag : 0;
	if (how == DMAH_BIND_TRANSLATE) {
		iommu->bank[tag].table = table_of(iommu, pt);
		iommu->bank[tag].users++;
		dev->ats = dev->config.ats && dev->dmah.limits.flags & DMAH_DEV_ATS &&
			   !(dev->dmah.limits.flags & DMAH_DEV_UNTRUSTED);
	}
	dev->how = how;
	dev->bank = how == DMAH_BIND_TRANSLATE ? tag : 0;
	if (old)
		old->users--;
	iommu->stats.binds++;
	if (iommu->config.flavour != SIM_VTD || write_context(iommu, dev, tag))
		return true;
	if (how == DMAH_BIND_TRANSLATE)
		iommu->bank[tag].users--;
	dev->how = DMAH_BIND_BLOCK;
	dev->bank = 0;
	dev->ats = was_ats;
	return false;
}

static int sim_op_bind(struct dmah_iommu *i, struct dmah_device *d, enum dmah_bind how,
		       const struct dmah_pt_info *pt, uint32_t tag)
{
	struct sim_iommu *iommu = of(i);
	struct sim_device *dev = device_of(iommu, d->id);
	uint64_t ticket;
	uint32_t old_tag;
	int err;

#ifndef NDEBUG
	posix_assert_may_wait("a device is bound inside dmah_host_enter()");
#endif
	if (!dev || (how == DMAH_BIND_PASSTHROUGH && iommu->config.no_passthrough) ||
	    (how == DMAH_BIND_TRANSLATE && !fits(iommu, pt, tag)))
		return DMAH_ENOTSUP;
	sim_lock(&iommu->lock);
	if (!set_binding(dev, how, pt, tag, &old_tag)) {
		sim_unlock(&iommu->lock);
		return DMAH_ENOTSUP;
	}
	sim_unlock(&iommu->lock);
	err = post(iommu, &(struct sim_command){ .kind = SIM_COMMAND_CONTEXT, .target = d->id });
	if (err >= 0 && old_tag)
		err = post(iommu,
			   &(struct sim_command){ .kind = SIM_COMMAND_TLB, .target = old_tag });
	if (err >= 0 && tag && how == DMAH_BIND_TRANSLATE)
		err = post(iommu, &(struct sim_command){ .kind = SIM_COMMAND_TLB, .target = tag });
	if (err >= 0)
		err = post(iommu,
			   &(struct sim_command){ .kind = SIM_COMMAND_DEV_TLB, .target = d->id });
	if (err >= 0)
		err = sim_op_fence(i, &ticket);
	if (err >= 0)
		err = sim_op_wait(i, ticket);
	if (err < 0) {
		/* The table that it would lead to is nobody's, perhaps, by the time that the queue moves again. */
		sim_lock(&iommu->lock);
		if (how == DMAH_BIND_TRANSLATE)
			(void)set_binding(dev, DMAH_BIND_BLOCK, NULL, 0, &old_tag);
		sim_unlock(&iommu->lock);
		return err;
	}
	if (how != DMAH_BIND_TRANSLATE) {
		sim_lock(&iommu->lock);
		dev->ats = false;
		sim_unlock(&iommu->lock);
	}
	return DMAH_OK;
}

/* The machine has one log; an IOMMU's own are those of devices behind it that it refused itself. */
static unsigned int sim_op_faults(struct dmah_iommu *i, struct dmah_iommu_fault *faults,
				  unsigned int max, bool *lost)
{
	struct sim_iommu *iommu = of(i);
	struct sim_fault fault;
	unsigned int n = 0;

	while (n < max && sim_fault_at(iommu->sim, &iommu->faults_taken, &fault)) {
		if (!device_of(iommu, fault.id) || fault.reason == SIM_FAULT_MASK ||
		    fault.reason == SIM_FAULT_BUS)
			continue;
		faults[n++] = (struct dmah_iommu_fault){ .addr = fault.dma,
							 .id = fault.id,
							 .code = fault.code,
							 .reason = sim_reason_text(fault.reason),
							 .has_addr = true,
							 .write = fault.write,
							 .pci = iommu->config.flavour == SIM_VTD };
	}
	*lost |= sim_fault_overflow(iommu->sim);
	return n;
}

static const struct dmah_iommu_ops ops = {
	.bind = sim_op_bind,
	.tag_alloc = sim_op_tag_alloc,
	.tag_free = sim_op_tag_free,
	.invalidate = sim_op_invalidate,
	.invalidate_dev = sim_op_invalidate_dev,
	.fence = sim_op_fence,
	.wait = sim_op_wait,
	.faults = sim_op_faults,
};

/* ---- reading tables ---- */

enum sim_reason sim_iommu_lookup(struct sim_iommu *iommu, const struct sim_table *table,
				 uint64_t iova, struct sim_walk *walk)
{
	enum sim_reason reason;

	walk->code = 0;
	walk->out = 0;
	walk->shift = 12;
	walk->perm = 0;
	reason = iommu->config.flavour == SIM_VTD ? sim_walk_vtd(&iommu->mem, table, iova, walk)
						  : sim_walk_lpae(&iommu->mem, table, iova, walk);
	__atomic_fetch_add(&iommu->stats.walks, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&iommu->stats.walk_steps, walk->steps, __ATOMIC_RELAXED);
	return reason;
}

enum sim_reason sim_iommu_walk(struct sim_iommu *iommu, const struct dmah_pt_info *pt,
			       dmah_addr_t iova, struct sim_leaf *leaf, uint64_t *steps)
{
	struct sim_table table = table_of(iommu, pt);
	struct sim_walk walk = { .from = { 0, 0, 0 } };
	enum sim_reason reason = sim_iommu_lookup(iommu, &table, iova, &walk);

	if (steps)
		*steps += walk.steps;
	if (leaf && !reason)
		*leaf = (struct sim_leaf){ .iova = iova >> walk.shift << walk.shift,
					   .phys = walk.out,
					   .shift = walk.shift,
					   .perm = walk.perm };
	return reason;
}

static int each(struct sim_iommu *iommu, const struct sim_table *table, const struct sim_step *at,
		uint64_t base, int (*fn)(void *ctx, const struct sim_leaf *leaf), void *ctx)
{
	unsigned int shift = 12 + 9 * (at->level - 1), n = 512;
	uint64_t present = iommu->config.flavour == SIM_VTD ? 3 : 1, entry;
	int ret = 0;

	if (at->level == table->levels && table->va_bits - shift < 9)
		n = 1u << (table->va_bits - shift);
	for (unsigned int i = 0; i < n && !ret; i++) {
		uint64_t iova = base + ((uint64_t)i << shift);
		struct sim_walk walk = { .from = *at };
		struct sim_leaf leaf = { .iova = iova };
		enum sim_reason reason;

		if (sim_mem_load(&iommu->mem, at->table + i * 8, &entry) && !(entry & present))
			continue;
		reason = sim_iommu_lookup(iommu, table, iova, &walk);
		if (walk.ntrail > 1) {
			ret = each(iommu, table, &walk.trail[1], iova, fn, ctx);
			continue;
		}
		if (!reason) {
			leaf.phys = walk.out;
			leaf.shift = walk.shift;
			leaf.perm = walk.perm;
		}
		ret = fn(ctx, &leaf);
	}
	return ret;
}

int sim_iommu_each(struct sim_iommu *iommu, const struct dmah_pt_info *pt,
		   int (*fn)(void *ctx, const struct sim_leaf *leaf), void *ctx)
{
	struct sim_table table = table_of(iommu, pt);
	struct sim_step root = { .table = table.root,
				 .perm = SIM_PERM_READ | SIM_PERM_WRITE,
				 .level = table.levels };

	return each(iommu, &table, &root, 0, fn, ctx);
}

/* ---- settings, counters ---- */

struct dmah_iommu *sim_iommu_dmah(struct sim_iommu *iommu)
{
	return &iommu->dmah;
}

void sim_iommu_set_latency(struct sim_iommu *iommu, uint64_t ns)
{
	sim_lock(&iommu->lock);
	iommu->q.latency = ns;
	sim_unlock(&iommu->lock);
}

void sim_iommu_set_timeout(struct sim_iommu *iommu, uint64_t ns)
{
	sim_lock(&iommu->lock);
	iommu->q.timeout = ns;
	sim_unlock(&iommu->lock);
}

void sim_iommu_stick(struct sim_iommu *iommu, uint64_t after)
{
	sim_lock(&iommu->lock);
	sim_invq_run(&iommu->q);
	iommu->q.stuck_at = iommu->q.head + after;
	sim_unlock(&iommu->lock);
}

void sim_iommu_unstick(struct sim_iommu *iommu)
{
	sim_lock(&iommu->lock);
	iommu->q.stuck_at = UINT64_MAX;
	sim_invq_run(&iommu->q);
	sim_unlock(&iommu->lock);
}

void sim_iommu_set_tlb(struct sim_iommu *iommu, unsigned int entries, uint64_t seed)
{
	sim_lock(&iommu->lock);
	sim_tlb_set_limit(&iommu->tlb, entries, seed);
	for (struct sim_device *dev = iommu->sim->devices; dev; dev = dev->next)
		if (dev->iommu == iommu)
			sim_tlb_set_limit(&dev->tlb, entries, seed + dev->config.id + 1);
	sim_unlock(&iommu->lock);
}

void sim_iommu_stats(struct sim_iommu *iommu, struct sim_iommu_stats *stats)
{
	sim_lock(&iommu->lock);
	*stats = iommu->stats;
	stats->walks = __atomic_load_n(&iommu->stats.walks, __ATOMIC_RELAXED);
	stats->walk_steps = __atomic_load_n(&iommu->stats.walk_steps, __ATOMIC_RELAXED);
	stats->waits = iommu->q.waits;
	stats->timeouts = iommu->q.timeouts;
	stats->iotlb_entries = iommu->tlb.count;
	for (struct sim_device *dev = iommu->sim->devices; dev; dev = dev->next)
		if (dev->iommu == iommu)
			stats->dev_tlb_hits += dev->tlb_hits;
	sim_unlock(&iommu->lock);
}

/* ---- life ---- */

static void set_defaults(struct sim_iommu *iommu)
{
	struct sim_iommu_config *c = &iommu->config;

	if (!c->va_bits)
		c->va_bits = 48;
	if (!c->out_bits)
		c->out_bits = c->flavour == SIM_VTD ? 46 : 48;
	if (!c->tags)
		c->tags = 255;
	if (!c->queue)
		c->queue = 256;
	if (!c->timeout)
		c->timeout = 1000000000;
}

static void describe(struct sim_iommu *iommu)
{
	const struct sim_iommu_config *c = &iommu->config;
	struct dmah_iommu *d = &iommu->dmah;

	d->ops = &ops;
	d->name = c->name ? c->name : iommu->name;
	d->caps = (c->noncoherent_walk ? 0u : DMAH_IOMMU_COHERENT_WALK) |
		  (c->caching_mode ? DMAH_IOMMU_MAP_FLUSH : 0u) |
		  (c->no_2m ? 0u : DMAH_IOMMU_BLOCK_2M) | (c->no_1g ? 0u : DMAH_IOMMU_BLOCK_1G) |
		  (c->no_passthrough ? 0u : DMAH_IOMMU_PASSTHROUGH);
	d->va_bits = c->va_bits;
	d->out_bits = c->out_bits;
	d->formats = c->flavour == SIM_VTD ? vtd_formats : smmu_formats;
	d->nformats = 1;
	if (c->flavour == SIM_VTD) {
		d->reserved = vtd_reserved;
		d->nreserved = 1;
	}
}

struct sim_iommu *sim_iommu_create(struct sim *sim, const struct sim_iommu_config *config,
				   unsigned int index)
{
	struct sim_iommu *iommu = calloc(1, sizeof(*iommu));

	if (!iommu)
		return NULL;
	iommu->sim = sim;
	iommu->config = *config;
	set_defaults(iommu);
	snprintf(iommu->name, sizeof(iommu->name), "iommu%u", index);
	describe(iommu);
	iommu->hw = (struct sim_table){ .va_bits = iommu->config.va_bits,
					.out_bits = iommu->config.out_bits,
					.no_2m = iommu->config.no_2m,
					.no_1g = iommu->config.no_1g };
	iommu->mem = (struct sim_mem){ .ram = &sim->ram,
				       .cache = sim->config.cache ? &sim->cache : NULL,
				       .coherent = !iommu->config.noncoherent_walk };
	iommu->bank = calloc(iommu->config.tags + 1, sizeof(*iommu->bank));
	if (iommu->config.flavour == SIM_VTD)
		iommu->root = sim_fw_page(sim);
	if (!iommu->bank || (iommu->config.flavour == SIM_VTD && !iommu->root) ||
	    iommu->config.tags > 65534 ||
	    !sim_invq_init(&iommu->q, iommu->config.queue, iommu->config.latency,
			   iommu->config.timeout, execute, iommu)) {
		sim_iommu_destroy(iommu);
		return NULL;
	}
	for (unsigned int i = 0; i <= iommu->config.tags; i++) {
		iommu->bank[i].iommu = iommu;
		iommu->bank[i].tag = i;
	}
	return iommu;
}

void sim_iommu_destroy(struct sim_iommu *iommu)
{
	if (!iommu)
		return;
	sim_invq_fini(&iommu->q);
	sim_tlb_fini(&iommu->tlb);
	free(iommu->bank);
	free(iommu->unit);
	free(iommu->smmu);
	free(iommu);
}
