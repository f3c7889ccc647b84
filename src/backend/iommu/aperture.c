/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The aperture of a domain and its page table: made with the domain, cut to what its devices can address.
 */
#include "backend/iommu/aperture.h"
#include "backend/iommu/entries.h"
#include "backend/iommu/flush.h"
#include "backend/iommu/cells.h"
#include "backend/iommu/cpu.h"
#include "backend/iommu/device.h"
#include "backend/iommu/link.h"
#include "backend/iommu/marks.h"
#include "backend/iommu/reserved.h"
#include "base/setup_error.h"

#define CHUNK_BYTES  (1ull << PT_LEAF_SHIFT)
#define APERTURE_MAX (1ull << 40)

static const unsigned int widths[] = { 32, 38, 39, 47, 48, 56, 57 };
#define WIDTHS (sizeof(widths) / sizeof(widths[0]))

static unsigned int pick_va_bits(const struct dmah_domain_config *cfg)
{
	uint64_t last = cfg->aperture_base + cfg->aperture_size - 1;

	/* The width of the table is one thing, the IOVAs that the IOMMU takes from devices another. */
	if (!dmah_iommu_takes(cfg->iommu, last))
		return 0;
	if (cfg->va_bits)
		return cfg->format->fits(cfg->va_bits) && !(last >> cfg->va_bits) ? cfg->va_bits
										  : 0;
	for (unsigned int i = 0; i < WIDTHS; i++)
		if (cfg->format->fits(widths[i]) && !(last >> widths[i]) &&
		    widths[i] >= cfg->iommu->va_bits_min)
			return widths[i];
	return 0;
}

static uint32_t chunks(const struct dmah_domain_config *cfg)
{
	return (uint32_t)(cfg->aperture_size >> PT_LEAF_SHIFT);
}

/* GiB that the aperture touches: tables whose entries map 2 MiB each. */
static uint32_t block_tables(const struct dmah_domain_config *cfg)
{
	return (uint32_t)(((cfg->aperture_base + cfg->aperture_size - 1) >> PT_1G_SHIFT) -
			  (cfg->aperture_base >> PT_1G_SHIFT) + 1);
}

static uint32_t all_granules(const struct dmah_domain_config *cfg)
{
	return (uint32_t)(cfg->aperture_size >> PT_GRANULE_SHIFT);
}

static bool refuse(const char *text, uint64_t value)
{
	(void)dmah_setup_error(NULL, DMAH_EINVAL, text, value);
	return false;
}

bool dmah_iommu_memory(const struct dmah_domain_config *cfg, struct backend_memory *need)
{
	uint64_t base = cfg->aperture_base, size = cfg->aperture_size;

	if (!cfg->iommu)
		return refuse("dmah_domain: config.iommu is NULL", 0);
	if (!cfg->format)
		return refuse("dmah_domain: config.format is NULL", 0);
	if (size < CHUNK_BYTES || size > APERTURE_MAX || size % CHUNK_BYTES)
		return refuse(
			"dmah_domain: config.aperture_size is not a multiple of 2 MiB up to 1 TiB",
			size);
	if (base % CHUNK_BYTES || base + size < size)
		return refuse(
			"dmah_domain: config.aperture_base is not a multiple of 2 MiB, or too high",
			base);
	if (!dmah_iommu_takes(cfg->iommu, base + size - 1))
		return refuse(
			"dmah_domain: the IOMMU takes no addresses as high as the aperture's end",
			base + size - 1);
	if (!pick_va_bits(cfg))
		return refuse(
			"dmah_domain: config.va_bits does not exist or does not cover the aperture",
			cfg->va_bits);
	need->domain = dmah_cpu_shared_memory(cfg) +
		       (chunks(cfg) + block_tables(cfg)) * sizeof(uint64_t) +
		       dmah_marks_memory(cfg) + dmah_iova_memory(all_granules(cfg));
	need->cpu = dmah_cpu_memory(cfg);
	return true;
}

/* How much each CPU may keep depends on what there is. */
static void set_depth(struct dmah_domain *dom)
{
	unsigned long flags;

	for (unsigned int i = 0; i < dom->cfg.cpus; i++) {
		dmah_host_enter(&flags);
		dmah_host_lock(&dom->cpu[i]->lock);
		dmah_iova_cache_set_depth(&dom->cpu[i]->cache, dom->iova.depth);
		dmah_host_unlock(&dom->cpu[i]->lock);
		dmah_host_leave(flags);
	}
}

static void free_tables(struct dmah_domain *dom)
{
	if (dom->mark)
		dmah_marks_fini(dom);
	else
		/* The wider table has the other one in it. */
		dom->pt.fmt->fini(dom->wide.levels ? &dom->wide : &dom->pt);
}

int dmah_iommu_init(struct dmah_domain *dom, void *memory)
{
	struct dmah_domain_config *cfg = &dom->cfg;
	struct dmah_iommu *iommu = cfg->iommu;
	char *at = memory, *marks;
	int err;

	dom->va_bits_given = cfg->va_bits != 0;
	cfg->va_bits = pick_va_bits(cfg);
	err = dmah_iommu_suits(iommu, cfg, cfg->va_bits);
	if (err)
		return err;
	dmah_cpu_init_shared(dom, at);
	at += dmah_cpu_shared_memory(cfg);
	dom->leaf = (uint64_t **)(void *)at;
	for (uint32_t i = 0; i < chunks(cfg); i++)
		dom->leaf[i] = dmah_entries_none;
	/* Tables and bookkeeping of granules need alignment to 8 bytes, which pointers of 32 bits leave open. */
	at += chunks(cfg) * sizeof(uint64_t);
	dom->block = (uint64_t **)(void *)at;
	for (uint32_t i = 0; i < block_tables(cfg); i++)
		dom->block[i] = dmah_entries_none;
	at += block_tables(cfg) * sizeof(uint64_t);
	dom->granules = all_granules(cfg);
	/* Room behind the point where a flush is due, for ranges that are unmapped while it is under way or after it failed. */
	dom->lazy_capacity = 2 * cfg->lazy_entries;
	marks = at;
	at += dmah_marks_memory(cfg);
	dmah_iova_init(&dom->iova, at, dom->granules, cfg->aperture_base >> PT_GRANULE_SHIFT,
		       cfg->cpus);
	/* Address 0 is what a driver takes for "none". */
	if (!cfg->aperture_base)
		(void)dmah_range_take(&dom->iova.depot, 0, 1);
	dom->caps = iommu->caps;
	dom->pt = (struct pt){
		.fmt = cfg->format,
		.va_bits = cfg->va_bits,
		.out_bits = iommu->out_bits,
		.levels = cfg->format->fits(cfg->va_bits),
		.caps = iommu->caps,
		.cache_line = cfg->cache_line,
	};
	err = dom->pt.fmt->init(&dom->pt);
	if (err)
		return err;
	if (cfg->handles_only) {
		/* Of the format the layout of an entry is left, by which the history keeps generations. */
		dom->pt.fmt->fini(&dom->pt);
		dom->mark = (uint8_t **)(void *)marks;
	}
	err = dmah_iommu_link(dom, iommu);
	if (err) {
		free_tables(dom);
		return err;
	}
	set_depth(dom);
	return DMAH_OK;
}

int dmah_iommu_fini(struct dmah_domain *dom)
{
	int err = dmah_iommu_flush(dom, NULL);

	if (err)
		return err;
	dmah_iommu_unlink_all(dom);
	if (dom->reserve.page)
		dmah_host_page_free(dom->reserve.page);
	dmah_cpu_free_pages(dom);
	dmah_iommu_free_reserved(dom);
	free_tables(dom);
	return DMAH_OK;
}

/* ---- width ---- */

void dmah_iommu_pt_info(const struct dmah_domain *dom, struct dmah_pt_info *info)
{
	const struct pt *pt = dom->wide.levels ? &dom->wide : &dom->pt;

	info->format = pt->fmt;
	info->root = dom->mark ? 0 : pt->root_phys;
	info->va_bits = pt->va_bits;
	info->levels = dom->mark ? 0 : pt->levels;
}

/* The smallest width that every IOMMU walks and that @last fits in; 0: none. */
static unsigned int wider(const struct dmah_domain *dom, dmah_addr_t last)
{
	for (unsigned int k = 0; k < dom->nlinks; k++)
		if (!dmah_iommu_takes(dom->links[k].iommu, last))
			return 0;
	for (unsigned int i = 0; i < WIDTHS; i++) {
		bool known = dom->pt.fmt->fits(widths[i]) && !(last >> widths[i]);

		for (unsigned int k = 0; k < dom->nlinks; k++)
			known = known && dmah_iommu_width_known(dom->links[k].iommu, widths[i]);
		if (known)
			return widths[i];
	}
	return 0;
}

int dmah_iommu_widen(struct dmah_domain *dom, dmah_addr_t last, const struct dmah_device *but)
{
	const struct pt *now = dom->wide.levels ? &dom->wide : &dom->pt;
	struct pt wide = dom->pt;
	int err;

	if (!(last >> now->va_bits)) {
		for (unsigned int k = 0; k < dom->nlinks; k++)
			if (!dmah_iommu_takes(dom->links[k].iommu, last))
				return DMAH_ERANGE;
		return DMAH_OK;
	}
	wide.va_bits = dom->va_bits_given ? 0 : wider(dom, last);
	if (!wide.va_bits)
		return DMAH_ERANGE;
	wide.levels = wide.fmt->fits(wide.va_bits);
	err = wide.fmt->init(&wide);
	if (err)
		return err;
	err = wide.fmt->adopt(&wide, now);
	if (err) {
		wide.fmt->fini(&wide);
		return err;
	}
	dom->wide = wide;
	return dmah_iommu_bind_all(dom, domain_mode(dom), but);
}

/* ---- the aperture ---- */

void dmah_iommu_recall(struct dmah_domain *dom)
{
	(void)dmah_iommu_flush(dom, NULL);
	for (unsigned int i = 0; i < dom->cfg.cpus; i++) {
		if (dom->ndevices > 1)
			dmah_iommu_drain(dom, i);
		else
			dmah_iommu_drain_idle(dom, i);
	}
}

static uint32_t take_now(struct dmah_domain *dom, uint32_t n, uint32_t align)
{
	unsigned long flags;
	uint32_t first;

	dmah_host_enter(&flags);
	first = dmah_iova_get_large(&dom->iova, n, align, 0, 0);
	dmah_host_leave(flags);
	return first;
}

uint32_t dmah_iommu_take_range(struct dmah_domain *dom, uint32_t n, uint32_t align)
{
	uint32_t first = take_now(dom, n, align);

	if (first != RANGE_NONE)
		return first;
	dmah_iommu_recall(dom);
	return take_now(dom, n, align);
}

static void cut_aperture(struct dmah_domain *dom, uint32_t granules, bool fixed)
{
	dom->granules = granules;
	dom->aperture_fixed = fixed;
	dmah_iova_cut(&dom->iova, granules, dom->cfg.cpus);
	set_depth(dom);
}

/* The first device's mask ends the aperture; a later device with a narrower mask is refused. */
int dmah_iommu_fit_aperture(struct dmah_domain *dom, const struct dmah_device *dev)
{
	uint64_t base = dom->cfg.aperture_base, mask = dev->limits.mask, room;

	if (mask < base || mask - base < CHUNK_BYTES - 1)
		return dmah_setup_error(dev, DMAH_ERANGE,
					"dmah_attach: limits.mask does not reach the aperture",
					mask);
	room = (mask - base) >> PT_GRANULE_SHIFT;
	if (dom->aperture_fixed)
		return room + 1 < dom->granules
			       ? dmah_setup_error(dev, DMAH_EBUSY,
						  "dmah_attach: the aperture is fixed, and "
						  "limits.mask is narrower",
						  mask)
			       : DMAH_OK;
	cut_aperture(dom, room + 1 < dom->granules ? (uint32_t)(room + 1) : dom->granules, true);
	return DMAH_OK;
}

void dmah_iommu_uncut_aperture(struct dmah_domain *dom)
{
	cut_aperture(dom, all_granules(&dom->cfg), false);
}
