/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The fake IOMMU: one without registers, driver and hardware in one.
 *
 * An IOMMU of a machine has this driver until a register model (sim_vtd_create(), sim_smmuv3_create()) takes the
 * driver's place. It exists for one reason: tools/replay measures the library's own instructions, and armmap looks
 * translations up in the registers of an SMMUv1 or v2, which no driver of the library programs. Emulated registers in
 * the measured path would be counted as the library's. Tests of the library use real drivers on register models.
 *
 * The driver writes real root and context tables (VT-d) and posts commands to a queue whose latency, depth and
 * time-out a test sets.
 */
#include "fake_iommu.h"

#include "posix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct dmah_pt_format *const vtd_formats[] = { &dmah_pt_vtd_ss };
static const struct dmah_pt_format *const first_stage_formats[] = { &dmah_pt_vtd_fs };
static const struct dmah_pt_format *const smmu_formats[] = { &dmah_pt_lpae_s1 };
static const struct dmah_pt_format *const stage2_formats[] = { &dmah_pt_lpae_s2 };
static const struct dmah_reserved vtd_reserved[] = { { .base = 0xfee00000, .size = 0x100000 } };

static struct sim_fake *of(struct dmah_iommu *iommu)
{
	return (struct sim_fake *)(void *)iommu; /* its first member */
}

/* ---- the queue ---- */

static void execute(void *ctx, const struct sim_command *c)
{
	struct sim_fake *fake = ctx;

	if (sim_inject_command(fake->iommu) ||
	    (c->kind == SIM_COMMAND_DEV_TLB && sim_inject_no_answer(fake->iommu, c->target))) {
		fake->lost = fake->q.head + 1;
		return;
	}
	sim_iommu_execute(fake->iommu, c);
}

static int post_mark(struct sim_fake *fake, const struct sim_command *c, uint64_t *ticket)
{
	struct sim_iommu *iommu = fake->iommu;
	int err;

	if (c->size && c->iova + c->size - 1 < c->iova) {
		posix_misuse("an invalidation that wraps round the end of the address space");
		return DMAH_ETIMEDOUT;
	}
	sim_lock(&iommu->lock);
	err = sim_invq_post(&fake->q, &iommu->lock, c);
	if (!err)
		iommu->stats.commands++;
	iommu->stats.timeouts = fake->q.timeouts;
	if (ticket)
		*ticket = fake->q.tail;
	sim_unlock(&iommu->lock);
	return err ? err : 1;
}

static int post(struct sim_fake *fake, const struct sim_command *c)
{
	return post_mark(fake, c, NULL);
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

/* Name the position behind the last command; no command is needed there. */
static int sim_op_fence(struct dmah_iommu *i, uint64_t *ticket)
{
	struct sim_fake *fake = of(i);
	struct sim_iommu *iommu = fake->iommu;

	sim_lock(&iommu->lock);
	*ticket = fake->q.tail;
	sim_unlock(&iommu->lock);
	return DMAH_OK;
}

static int sim_op_wait(struct dmah_iommu *i, uint64_t ticket)
{
	struct sim_fake *fake = of(i);
	struct sim_iommu *iommu = fake->iommu;
	int err;

#ifndef NDEBUG
	posix_assert_may_wait("a wait for the IOMMU inside dmah_host_enter()");
#endif
	sim_lock(&iommu->lock);
	err = sim_invq_wait(&fake->q, &iommu->lock, ticket);
	if (!err && fake->lost && ticket >= fake->lost) {
		fake->lost = 0;
		err = DMAH_ETIMEDOUT;
	}
	iommu->stats.waits = fake->q.waits;
	iommu->stats.timeouts = fake->q.timeouts;
	sim_unlock(&iommu->lock);
	return err;
}

/* ---- tags ---- */

static int sim_op_tag_alloc(struct dmah_iommu *i, uint32_t *tag)
{
	struct sim_fake *fake = of(i);
	struct sim_iommu *iommu = fake->iommu;
	int err = DMAH_ENOSPC;

	sim_lock(&iommu->lock);
	for (uint32_t t = 1; err && t <= iommu->config.tags; t++) {
		if (fake->bank[t].taken)
			continue;
		fake->bank[t].taken = true;
		*tag = t;
		err = DMAH_OK;
	}
	sim_unlock(&iommu->lock);
	return err;
}

static void sim_op_tag_free(struct dmah_iommu *i, uint32_t tag)
{
	struct sim_fake *fake = of(i);
	struct sim_iommu *iommu = fake->iommu;
	const char *wrong = NULL;

	sim_lock(&iommu->lock);
	if (!tag || tag > iommu->config.tags || !fake->bank[tag].taken)
		wrong = "tag_free() of a tag that is not handed out";
	else if (fake->bank[tag].users)
		wrong = "tag_free() of a tag that devices are bound with";
	else
		fake->bank[tag].taken = false;
	sim_unlock(&iommu->lock);
	if (wrong)
		posix_misuse(wrong);
}

/* ---- binding ---- */

static void store64(struct sim_iommu *iommu, uint64_t addr, uint64_t value)
{
	/* Write past the caches, so that the tables are valid for non-coherent walks too. */
	__atomic_store_n((uint64_t *)(void *)sim_ram_at(&iommu->sim->ram, addr), value,
			 __ATOMIC_RELEASE);
}

static uint64_t load64(struct sim_iommu *iommu, uint64_t addr)
{
	return __atomic_load_n((uint64_t *)(void *)sim_ram_at(&iommu->sim->ram, addr),
			       __ATOMIC_ACQUIRE);
}

/* Write the context entry (VT-d 9.1, 9.3). Returns false if no page is left for the context table. */
static bool write_context(struct sim_fake *fake, const struct sim_device *dev, uint32_t tag)
{
	struct sim_iommu *iommu = fake->iommu;
	uint64_t root = fake->root + (dev->config.id >> 8 & 0xff) * 16,
		 table = load64(iommu, root) & ~0xfffull, at;
	uint64_t lo = 0, hi = 0;

	if (!table) {
		table = sim_fw_page(iommu->sim);
		if (!table)
			return false;
		store64(iommu, root, table | 1);
	}
	if (dev->how == DMAH_BIND_TRANSLATE) {
		const struct sim_table *t = &fake->bank[tag].table;

		lo = t->root | (dev->ats ? 1u << 2 : 0u) | 1;
		hi = (uint64_t)tag << 8 | (t->levels - 2);
	} else if (dev->how == DMAH_BIND_PASSTHROUGH) {
		/* Passthrough needs a domain id too: use the one behind the last tag. */
		lo = 2u << 2 | 1;
		hi = (uint64_t)(iommu->config.tags + 1) << 8 | ((iommu->hw.va_bits - 12) / 9 - 2);
	}
	at = table + (dev->config.id & 0xff) * 16;
	store64(iommu, at, 0); /* not present while it changes */
	store64(iommu, at + 8, hi);
	store64(iommu, at, lo);
	return true;
}

static bool fits(const struct sim_fake *fake, const struct dmah_pt_info *pt, uint32_t tag)
{
	const struct sim_iommu *iommu = fake->iommu;

	if (!pt || pt->format != fake->dmah.formats[0] || !tag || tag > iommu->config.tags ||
	    !fake->bank[tag].taken || pt->va_bits > iommu->hw.va_bits ||
	    pt->va_bits != 12 + 9 * pt->levels - iommu->config.first_stage)
		return false;
	return !(pt->root % 4096) && pt->levels >= 3 &&
	       pt->levels <= (iommu->config.flavour == SIM_VTD ? 5u : 4u);
}

/* Write the new binding to the tables. Call with the lock held. */
static bool set_binding(struct sim_device *dev, enum dmah_bind how, const struct dmah_pt_info *pt,
			uint32_t tag, uint32_t *old_tag)
{
	struct sim_iommu *iommu = dev->iommu;
	struct sim_fake *fake = iommu->fake;
	struct sim_bank *old = dev->how == DMAH_BIND_TRANSLATE ? &fake->bank[dev->bank] : NULL;
	bool was_ats = dev->ats;

	*old_tag = old ? old->tag : 0;
	if (how == DMAH_BIND_TRANSLATE) {
		fake->bank[tag].table = sim_iommu_table(iommu, pt);
		fake->bank[tag].users++;
		dev->ats = dev->config.ats && dev->dmah.limits.flags & DMAH_DEV_ATS &&
			   !(dev->dmah.limits.flags & DMAH_DEV_UNTRUSTED);
	}
	dev->how = how;
	dev->bank = how == DMAH_BIND_TRANSLATE ? tag : 0;
	if (old)
		old->users--;
	iommu->stats.binds++;
	if (iommu->config.flavour != SIM_VTD || write_context(fake, dev, tag))
		return true;
	if (how == DMAH_BIND_TRANSLATE)
		fake->bank[tag].users--;
	dev->how = DMAH_BIND_BLOCK;
	dev->bank = 0;
	dev->ats = was_ats;
	return false;
}

static int sim_op_bind(struct dmah_iommu *i, struct dmah_device *d, enum dmah_bind how,
		       const struct dmah_pt_info *pt, uint32_t tag)
{
	struct sim_fake *fake = of(i);
	struct sim_iommu *iommu = fake->iommu;
	struct sim_device *dev = sim_iommu_device(iommu, d->id);
	uint64_t ticket;
	uint32_t old_tag;
	int err;

#ifndef NDEBUG
	posix_assert_may_wait("a device is bound inside dmah_host_enter()");
#endif
	if (!dev || (how == DMAH_BIND_PASSTHROUGH && iommu->config.no_passthrough) ||
	    (how == DMAH_BIND_TRANSLATE && !fits(fake, pt, tag)))
		return DMAH_ENOTSUP;
	sim_lock(&iommu->lock);
	if (!set_binding(dev, how, pt, tag, &old_tag)) {
		sim_unlock(&iommu->lock);
		return DMAH_ENOTSUP;
	}
	sim_unlock(&iommu->lock);
	err = post(fake, &(struct sim_command){ .kind = SIM_COMMAND_CONTEXT, .target = d->id });
	if (err >= 0 && old_tag)
		err = post(fake,
			   &(struct sim_command){ .kind = SIM_COMMAND_TLB, .target = old_tag });
	if (err >= 0 && tag && how == DMAH_BIND_TRANSLATE)
		err = post(fake, &(struct sim_command){ .kind = SIM_COMMAND_TLB, .target = tag });
	if (err >= 0)
		err = post(fake,
			   &(struct sim_command){ .kind = SIM_COMMAND_DEV_TLB, .target = d->id });
	if (err >= 0)
		err = sim_op_fence(i, &ticket);
	if (err >= 0)
		err = sim_op_wait(i, ticket);
	if (err < 0) {
		/* Block the device: its page table may be freed before the queue moves again. */
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

/* Take the faults of devices behind this IOMMU from the machine's log, but for those that never reached the IOMMU. */
static unsigned int sim_op_faults(struct dmah_iommu *i, struct dmah_iommu_fault *faults,
				  unsigned int max, bool *lost)
{
	struct sim_fake *fake = of(i);
	struct sim_iommu *iommu = fake->iommu;
	struct sim_fault fault;
	unsigned int n = 0;

	while (n < max && sim_fault_at(iommu->sim, &fake->faults_taken, &fault)) {
		if (!sim_iommu_device(iommu, fault.id) || fault.reason == SIM_FAULT_MASK ||
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

/* ---- the hardware's view ---- */

/* VT-d reads the tables that the driver wrote; the SMMU's stream table is struct sim_device. */
static enum sim_reason read_context(void *ctx, const struct sim_device *dev,
				    struct sim_context *context, uint32_t *code)
{
	struct sim_fake *fake = ctx;
	struct sim_iommu *iommu = fake->iommu;

	if (iommu->config.flavour == SIM_VTD)
		return sim_walk_context(&iommu->mem, fake->root, dev->config.id, &iommu->hw,
					!iommu->config.no_passthrough, context, code);
	*code = SMMU_F_STREAM_DISABLED;
	if (dev->how == DMAH_BIND_BLOCK)
		return SIM_FAULT_BLOCKED;
	*code = 0;
	*context = (struct sim_context){ .table = fake->bank[dev->bank].table,
					 .domain = dev->bank,
					 .translate = dev->how == DMAH_BIND_TRANSLATE,
					 .ats = dev->ats };
	return SIM_OK;
}

static void run(void *ctx)
{
	struct sim_fake *fake = ctx;

	sim_invq_run(&fake->q);
}

static const struct sim_interface interface = { .context = read_context, .run = run };

/* ---- settings ---- */

struct dmah_iommu *sim_fake_iommu(struct sim_iommu *iommu)
{
	return &iommu->fake->dmah;
}

void sim_fake_set_latency(struct sim_iommu *iommu, uint64_t ns)
{
	sim_lock(&iommu->lock);
	iommu->fake->q.latency = ns;
	sim_unlock(&iommu->lock);
}

void sim_fake_set_timeout(struct sim_iommu *iommu, uint64_t ns)
{
	sim_lock(&iommu->lock);
	iommu->fake->q.timeout = ns;
	sim_unlock(&iommu->lock);
}

void sim_fake_stick(struct sim_iommu *iommu, uint64_t after)
{
	struct sim_fake *fake = iommu->fake;

	sim_lock(&iommu->lock);
	sim_invq_run(&fake->q);
	fake->q.stuck_at = fake->q.head + after;
	sim_unlock(&iommu->lock);
}

void sim_fake_unstick(struct sim_iommu *iommu)
{
	sim_lock(&iommu->lock);
	iommu->fake->q.stuck_at = UINT64_MAX;
	sim_invq_run(&iommu->fake->q);
	sim_unlock(&iommu->lock);
}

/* ---- set-up ---- */

static const struct dmah_pt_format *const *formats_of(const struct sim_iommu_config *c)
{
	if (c->flavour == SIM_VTD)
		return c->first_stage ? first_stage_formats : vtd_formats;
	if (c->flavour == SIM_AMD)
		return NULL; /* always with registers */
	return c->stage2 ? stage2_formats : smmu_formats;
}

static void describe(struct sim_fake *fake)
{
	struct sim_iommu *iommu = fake->iommu;
	const struct sim_iommu_config *c = &iommu->config;
	struct dmah_iommu *d = &fake->dmah;

	d->ops = &ops;
	d->name = c->name ? c->name : iommu->name;
	d->caps = (c->noncoherent_walk ? 0u : DMAH_IOMMU_COHERENT_WALK) |
		  (c->caching_mode ? DMAH_IOMMU_MAP_FLUSH : 0u) |
		  (c->no_2m ? 0u : DMAH_IOMMU_BLOCK_2M) | (c->no_1g ? 0u : DMAH_IOMMU_BLOCK_1G) |
		  (c->no_passthrough ? 0u : DMAH_IOMMU_PASSTHROUGH);
	d->va_bits = c->va_bits;
	d->out_bits = c->out_bits;
	d->formats = formats_of(c);
	d->nformats = d->formats ? 1 : 0;
	if (c->flavour == SIM_VTD) {
		d->reserved = vtd_reserved;
		d->nreserved = 1;
	}
}

bool sim_fake_create(struct sim_iommu *iommu)
{
	const struct sim_iommu_config *c = &iommu->config;
	struct sim_fake *fake = calloc(1, sizeof(*fake));

	if (!fake)
		return false;
	iommu->fake = fake;
	fake->iommu = iommu;
	describe(fake);
	iommu->dmah = &fake->dmah;
	iommu->interface = &interface;
	iommu->unit = fake;
	fake->bank = calloc(c->tags + 1, sizeof(*fake->bank));
	if (c->flavour == SIM_VTD)
		fake->root = sim_fw_page(iommu->sim);
	if (!fake->bank || (c->flavour == SIM_VTD && !fake->root) || c->tags > 65534 ||
	    !sim_invq_init(&fake->q, c->queue, c->latency, c->timeout, execute, fake))
		return false;
	fake->q.halted = &iommu->failing.halted;
	for (unsigned int i = 0; i <= c->tags; i++)
		fake->bank[i] = (struct sim_bank){ .iommu = iommu, .fake = fake, .tag = i };
	return true;
}

void sim_fake_destroy(struct sim_iommu *iommu)
{
	if (!iommu->fake)
		return;
	sim_invq_fini(&iommu->fake->q);
	free(iommu->fake->bank);
	free(iommu->fake);
	iommu->fake = NULL;
}
