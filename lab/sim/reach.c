/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* All memory that a device reaches, read from tables and TLBs without a trace. */
#include "sim_reach.h"
#include "sim_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SHOWN 8u

/** struct search - a search: the device, the context in use, and the function that is called. */
struct search {
	struct sim_device *dev;
	const struct sim_context *context;
	int (*fn)(void *ctx, const struct sim_reach *reach);
	void *ctx;
};

const char *sim_reach_by_text(enum sim_reach_by by)
{
	static const char *const text[] = {
		"the page table", "a table that is cached", "the IOTLB", "the device's TLB",
		"passthrough",	  "no translation",
	};

	return by < sizeof(text) / sizeof(text[0]) ? text[by] : "unknown";
}

/* Report [dma, dma + size) -> phys, cut to what is memory and within the device's mask. */
static int found(const struct search *s, enum sim_reach_by by, dmah_addr_t dma, uint64_t phys,
		 uint64_t size, unsigned int perm)
{
	const struct sim_ram *ram = &s->dev->sim->ram;
	uint64_t mask = s->dev->config.mask, cut;

	if (dma > mask || !perm)
		return 0;
	if (size - 1 > mask - dma)
		size = mask - dma + 1;
	if (phys < ram->base) {
		cut = ram->base - phys;
		if (cut >= size)
			return 0;
		phys += cut;
		dma += cut;
		size -= cut;
	}
	if (phys - ram->base >= ram->size)
		return 0;
	if (size > ram->size - (phys - ram->base))
		size = ram->size - (phys - ram->base);
	return s->fn(s->ctx, &(struct sim_reach){ dma, phys, size, perm, by });
}

/* Report all of RAM: nothing translates. */
static int everything(const struct search *s, enum sim_reach_by by, int64_t offset)
{
	const struct sim_ram *ram = &s->dev->sim->ram;

	return found(s, by, ram->base + (uint64_t)offset, ram->base, ram->size,
		     SIM_PERM_READ | SIM_PERM_WRITE);
}

/* Report the present leaves of the table at @at and below. @base: the first IOVA that the table covers. */
static int table(const struct search *s, const struct sim_step *at, uint64_t base,
		 enum sim_reach_by by)
{
	const struct sim_iommu *iommu = s->dev->iommu;
	const struct sim_table *t = &s->context->table;
	unsigned int shift = 12 + 9 * (at->level - 1), n = 512;
	uint64_t entry;
	int ret = 0;

	if (at->level == t->levels && t->va_bits - shift < 9)
		n = 1u << (t->va_bits - shift);
	for (unsigned int i = 0; i < n && !ret; i++) {
		uint64_t iova = base + ((uint64_t)i << shift);
		struct sim_walk walk = { .from = *at };
		enum sim_reason reason;

		if (!sim_mem_load(&iommu->mem, at->table + i * 8, &entry) || !sim_present(t, entry))
			continue;
		reason = sim_walk(&iommu->mem, t, iova, &walk);
		if (walk.ntrail > 1)
			ret = table(s, &walk.trail[1], iova, by);
		else if (!reason)
			ret = found(s, by, iova, walk.out, 1ull << walk.shift, walk.perm);
	}
	return ret;
}

static int tlb(const struct search *s, const struct sim_tlb *t, uint32_t tag, enum sim_reach_by by)
{
	int ret = 0;

	for (uint64_t i = 0; i < t->size && !ret; i++) {
		const struct sim_tlb_entry *e = &t->slot[i];

		if (e->used && (e->tag == tag || e->tag == TLB_GLOBAL))
			ret = found(s, by, e->iova >> e->shift << e->shift,
				    e->out >> e->shift << e->shift, 1ull << e->shift, e->perm);
	}
	return ret;
}

static int cached_tables(const struct search *s)
{
	const struct sim_psc *psc = &s->dev->iommu->psc;
	int ret = 0;

	for (unsigned int i = 0; psc->count && i < SIM_PSC && !ret; i++) {
		const struct sim_psc_entry *e = &psc->slot[i];

		if (e->used && e->tag == s->context->domain)
			ret = table(s, &e->step, e->iova, SIM_BY_CACHED_TABLE);
	}
	return ret;
}

static int by_context(struct search *s, const struct sim_context *context)
{
	struct sim_iommu *iommu = s->dev->iommu;
	struct sim_step root = { .table = context->table.root,
				 .perm = (SIM_PERM_READ | SIM_PERM_WRITE) & ~context->table.denied,
				 .level = context->table.levels };
	int ret = 0;

	s->context = context;
	if (s->dev->ats && context->ats)
		ret = tlb(s, &s->dev->tlb, 0, SIM_BY_DEVICE_TLB);
	/* A second stage alone is the driver's identity table. */
	if (!context->translate || !context->table.levels)
		return ret ? ret : everything(s, SIM_BY_PASSTHROUGH, 0);
	if (!ret)
		ret = tlb(s, &iommu->tlb, context->domain, SIM_BY_IOTLB);
	if (!ret)
		ret = cached_tables(s);
	return ret ? ret : table(s, &root, 0, SIM_BY_TABLE);
}

static bool same(const struct sim_context *a, const struct sim_context *b)
{
	return a->table.root == b->table.root && a->table.levels == b->table.levels &&
	       a->domain == b->domain && a->translate == b->translate && a->ats == b->ats &&
	       a->table.denied == b->table.denied;
}

/* List by the context that the unit has cached, and by the one that the unit would read from memory. */
static int behind_iommu(struct search *s)
{
	struct sim_device *dev = s->dev;
	struct sim_iommu *iommu = dev->iommu;
	struct sim_context now;
	uint32_t code;
	int ret = 0;

	if (iommu->off)
		return iommu->abort ? 0 : everything(s, SIM_BY_NO_IOMMU, 0);
	if (dev->known)
		ret = by_context(s, &dev->context);
	if (ret || iommu->interface->context(iommu->unit, dev, &now, &code) ||
	    (dev->known && same(&now, &dev->context)))
		return ret;
	return by_context(s, &now);
}

int sim_reach_each(struct sim_device *dev, int (*fn)(void *ctx, const struct sim_reach *reach),
		   void *ctx)
{
	struct search s = { .dev = dev, .fn = fn, .ctx = ctx };
	int ret;

	if (!dev->iommu)
		return everything(&s, SIM_BY_NO_IOMMU, dev->config.offset);
	sim_lock(&dev->iommu->lock);
	dev->iommu->interface->run(dev->iommu->unit);
	ret = behind_iommu(&s);
	sim_unlock(&dev->iommu->lock);
	return ret;
}

/* ---- against a model ---- */

int sim_reach_text(const struct sim_device *dev, const struct sim_reach *r, char *text, size_t size)
{
	return snprintf(
		text, size,
		"device %s (id 0x%" PRIx32 ") can %s%s 0x%" PRIx64 "+0x%" PRIx64
		" at DMA address 0x%" PRIx64 " by %s",
		dev->dmah.name, dev->config.id, r->perm & SIM_PERM_READ ? "read" : "",
		r->perm & SIM_PERM_WRITE ? (r->perm & SIM_PERM_READ ? " and write" : "write") : "",
		r->phys, r->size, r->dma, sim_reach_by_text(r->by));
}

/** struct judge - a check under way. */
struct judge {
	struct sim_device *dev;
	bool (*may)(void *ctx, struct sim_device *dev, const struct sim_reach *reach);
	void *ctx;
	uint64_t wrong;
};

static int judge_one(void *ctx, const struct sim_reach *reach)
{
	struct judge *j = ctx;
	char text[192];

	if (j->may(j->ctx, j->dev, reach))
		return 0;
	if (j->wrong++ < SHOWN) {
		sim_reach_text(j->dev, reach, text, sizeof(text));
		fprintf(stderr, "%s\n", text);
	}
	return 0;
}

uint64_t sim_reach_check(struct sim *sim,
			 bool (*may)(void *ctx, struct sim_device *dev,
				     const struct sim_reach *reach),
			 void *ctx)
{
	struct judge j = { .may = may, .ctx = ctx };

	for (j.dev = sim->devices; j.dev; j.dev = j.dev->next)
		sim_reach_each(j.dev, judge_one, &j);
	return j.wrong;
}

/** struct target - memory that is looked for, and the permissions found so far. */
struct target {
	dmah_phys_t phys;
	uint64_t size;
	unsigned int perm;
};

static int hits(void *ctx, const struct sim_reach *reach)
{
	struct target *t = ctx;

	if (reach->phys <= t->phys + (t->size - 1) && t->phys <= reach->phys + (reach->size - 1))
		t->perm |= reach->perm;
	return 0;
}

unsigned int sim_reaches_memory(struct sim_device *dev, dmah_phys_t phys, uint64_t size)
{
	struct target t = { .phys = phys, .size = size };

	sim_reach_each(dev, hits, &t);
	return t.perm;
}
