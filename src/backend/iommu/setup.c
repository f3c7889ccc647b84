/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "backend/iommu/iommu.h"
#include "backend/iommu/fast.h"
#include "backend/iommu/ring.h"
#include "base/count.h"
#include "core/map.h"

#define CHUNK_BYTES  (1ull << PT_LEAF_SHIFT)
#define APERTURE_MAX (1ull << 40)

/* ---- domains ---- */

static bool format_known(const struct dmah_iommu *iommu, const struct dmah_pt_format *format)
{
	for (unsigned int i = 0; i < iommu->nformats; i++)
		if (iommu->formats[i] == format)
			return true;
	return false;
}

static bool width_known(const struct dmah_iommu *iommu, unsigned int va_bits)
{
	return va_bits >= iommu->va_bits_min && va_bits <= iommu->va_bits;
}

static unsigned int pick_va_bits(const struct dmah_domain_config *cfg)
{
	static const unsigned int widths[] = { 39, 48, 57 };
	uint64_t last = cfg->aperture_base + cfg->aperture_size - 1;

	if (cfg->va_bits)
		return cfg->format->fits(cfg->va_bits) && !(last >> cfg->va_bits) ? cfg->va_bits
										  : 0;
	for (unsigned int i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		if (cfg->format->fits(widths[i]) && !(last >> widths[i]) &&
		    widths[i] >= cfg->iommu->va_bits_min)
			return widths[i];
	return 0;
}

static uint32_t chunks(const struct dmah_domain_config *cfg)
{
	return (uint32_t)(cfg->aperture_size >> PT_LEAF_SHIFT);
}

static uint32_t all_granules(const struct dmah_domain_config *cfg)
{
	return (uint32_t)(cfg->aperture_size >> PT_GRANULE_SHIFT);
}

size_t dmah_iommu_memory(const struct dmah_domain_config *cfg)
{
	uint64_t size = cfg->aperture_size;

	if (!cfg->iommu || !cfg->format || size < CHUNK_BYTES || size > APERTURE_MAX ||
	    size % CHUNK_BYTES || cfg->aperture_base % CHUNK_BYTES ||
	    cfg->aperture_base + size < size || !pick_va_bits(cfg))
		return 0;
	return chunks(cfg) * sizeof(uint64_t) + dmah_iova_memory(all_granules(cfg));
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

static void set_phys_last(struct dmah_domain *dom)
{
	dom->phys_last = dom->pt.out_bits < 64 ? (1ull << dom->pt.out_bits) - 1 : ~0ull;
}

/* An IOMMU knows its domains, so that its faults can be told to the one that they are about. */
static void link_in(struct dmah_domain *dom, struct dmah_link *link)
{
	struct dmah_iommu *iommu = link->iommu;
	unsigned long flags;

	link->dom = dom;
	dmah_host_enter(&flags);
	dmah_host_lock(&iommu->lock);
	link->next = iommu->links;
	iommu->links = link;
	dmah_host_unlock(&iommu->lock);
	dmah_host_leave(flags);
}

static void link_out(struct dmah_link *link)
{
	struct dmah_iommu *iommu = link->iommu;
	struct dmah_link **at = &iommu->links;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&iommu->lock);
	/* A driver that began anew has forgotten its domains. */
	while (*at && *at != link)
		at = &(*at)->next;
	if (*at)
		*at = link->next;
	dmah_host_unlock(&iommu->lock);
	dmah_host_leave(flags);
}

int dmah_iommu_init(struct dmah_domain *dom, void *memory)
{
	struct dmah_domain_config *cfg = &dom->cfg;
	struct dmah_iommu *iommu = cfg->iommu;
	int err;

	cfg->va_bits = pick_va_bits(cfg);
	if (!format_known(iommu, cfg->format) || !width_known(iommu, cfg->va_bits))
		return DMAH_ENOTSUP;
	if (cfg->mode == DMAH_PASSTHROUGH && !(iommu->caps & DMAH_IOMMU_PASSTHROUGH))
		return DMAH_ENOTSUP;
	dom->leaf = memory;
	for (uint32_t i = 0; i < chunks(cfg); i++)
		dom->leaf[i] = (uint64_t *)(uintptr_t)dmah_entries_none;
	dom->granules = all_granules(cfg);
	/* The bookkeeping of granules needs alignment to 8 bytes, which pointers of 32 bits leave open. */
	dmah_iova_init(&dom->iova, (char *)memory + chunks(cfg) * sizeof(uint64_t), dom->granules,
		       cfg->aperture_base >> PT_GRANULE_SHIFT, cfg->cpus);
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
	dom->links[0].iommu = iommu;
	err = iommu->ops->tag_alloc(iommu, &dom->links[0].tag);
	if (err) {
		dom->pt.fmt->fini(&dom->pt);
		return err;
	}
	dom->nlinks = 1;
	link_in(dom, &dom->links[0]);
	set_phys_last(dom);
	set_depth(dom);
	return DMAH_OK;
}

void dmah_iommu_fini(struct dmah_domain *dom)
{
	for (unsigned int i = 0; i < dom->nlinks; i++) {
		link_out(&dom->links[i]);
		dom->links[i].iommu->ops->tag_free(dom->links[i].iommu, dom->links[i].tag);
	}
	if (dom->reserve.page)
		dmah_host_page_free(dom->reserve.page);
	dom->pt.fmt->fini(&dom->pt);
}

int dmah_domain_add_iommu(struct dmah_domain *dom, struct dmah_iommu *iommu)
{
	struct dmah_link *link;
	int err;

	if (dom->cfg.backend != DMAH_BACKEND_IOMMU)
		return DMAH_ENOTSUP;
	if (dom->ndevices)
		return DMAH_EBUSY;
	if (dom->nlinks == DOMAIN_IOMMUS)
		return DMAH_ENOSPC;
	for (unsigned int i = 0; i < dom->nlinks; i++)
		if (dom->links[i].iommu == iommu)
			return DMAH_EBUSY;
	if (!format_known(iommu, dom->cfg.format) || !width_known(iommu, dom->cfg.va_bits) ||
	    (dom->cfg.mode == DMAH_PASSTHROUGH && !(iommu->caps & DMAH_IOMMU_PASSTHROUGH)))
		return DMAH_ENOTSUP;
	link = &dom->links[dom->nlinks];
	link->iommu = iommu;
	err = iommu->ops->tag_alloc(iommu, &link->tag);
	if (err)
		return err;
	dom->nlinks++;
	link_in(dom, link);
	/* What both can do; a flush at map is needed where either needs it. */
	dom->caps = (dom->caps & iommu->caps) | ((dom->caps | iommu->caps) & DMAH_IOMMU_MAP_FLUSH);
	if (dom->pt.caps & ~iommu->caps & DMAH_IOMMU_COHERENT_WALK)
		dmah_pt_clean(&dom->pt, dom->pt.root, PT_TABLE_ENTRIES);
	dom->pt.caps = dom->caps;
	if (iommu->out_bits < dom->pt.out_bits)
		dom->pt.out_bits = iommu->out_bits;
	set_phys_last(dom);
	return DMAH_OK;
}

int dmah_domain_pt(const struct dmah_domain *dom, struct dmah_pt_info *info)
{
	if (dom->cfg.backend != DMAH_BACKEND_IOMMU)
		return DMAH_ENOTSUP;
	info->format = dom->pt.fmt;
	info->root = dom->pt.root_phys;
	info->va_bits = dom->pt.va_bits;
	info->levels = dom->pt.levels;
	return DMAH_OK;
}

void dmah_domain_aperture(const struct dmah_domain *dom, dmah_addr_t *base, uint64_t *size)
{
	bool iommu = dom->cfg.backend == DMAH_BACKEND_IOMMU;

	*base = iommu ? dom->cfg.aperture_base : 0;
	*size = iommu ? (uint64_t)dom->granules << PT_GRANULE_SHIFT : 0;
}

/* ---- reserved ranges ---- */

static bool is_reserved(const struct dmah_domain *dom, unsigned int known, dmah_addr_t iova)
{
	for (unsigned int i = 0; i < known; i++)
		if (iova - dom->reserved[i].base < dom->reserved[i].size)
			return true;
	return false;
}

/* Whether @iova is a granule that the allocator knows: the whole configured aperture, whatever it was cut to. */
static bool in_depot(const struct dmah_domain *dom, dmah_addr_t iova, uint32_t *index)
{
	uint64_t at = (iova - dom->cfg.aperture_base) >> PT_GRANULE_SHIFT;

	if (iova < dom->cfg.aperture_base || at >= dom->iova.depot.size)
		return false;
	*index = (uint32_t)at;
	return true;
}

/* Granules up to @end that only the last reserved range holds are free again. */
static void unreserve_until(struct dmah_domain *dom, dmah_addr_t end)
{
	const struct dmah_reserved *range = &dom->reserved[dom->nreserved];
	unsigned long flags;
	uint32_t index;

	dmah_host_enter(&flags);
	for (dmah_addr_t iova = range->base; iova != end; iova += PT_GRANULE)
		if (in_depot(dom, iova, &index) && !is_reserved(dom, dom->nreserved, iova) &&
		    (index || dom->cfg.aperture_base))
			dmah_iova_put_large(&dom->iova, index, 1);
	dmah_host_leave(flags);
}

/* Take the granules of one range out of the allocator; those reserved before, and IOVA 0, already are. */
static int reserve_granules(struct dmah_domain *dom, const struct dmah_reserved *range)
{
	dmah_addr_t iova = range->base, end = range->base + range->size;
	unsigned long flags;
	uint32_t index;

	if (!range->size || (range->base | range->size) & GRANULE_MASK || end < iova)
		return DMAH_EINVAL;
	if (dom->nreserved == DOMAIN_RESERVED)
		return DMAH_ENOSPC;
	dom->reserved[dom->nreserved] = *range;
	dmah_host_enter(&flags);
	for (; iova != end; iova += PT_GRANULE) {
		if (!in_depot(dom, iova, &index) || is_reserved(dom, dom->nreserved, iova) ||
		    (!index && !dom->cfg.aperture_base))
			continue;
		if (!dmah_iova_take(&dom->iova, index, 1))
			break;
	}
	dmah_host_leave(flags);
	if (iova != end) {
		unreserve_until(dom, iova);
		return DMAH_EBUSY;
	}
	dom->nreserved++;
	return DMAH_OK;
}

static void unmap_identity(struct dmah_domain *dom, const struct dmah_reserved *range,
			   uint64_t size)
{
	uint64_t *table;

	for (uint64_t done = 0; done < size; done += PT_GRANULE) {
		dmah_addr_t iova = range->base + done;

		if (is_reserved(dom, dom->nreserved, iova) ||
		    dom->pt.fmt->leaf_table(&dom->pt, iova, DMAH_ALLOC_ATOMIC, &table))
			continue;
		table += iova >> PT_GRANULE_SHIFT & (PT_TABLE_ENTRIES - 1);
		pt_store_clear(table, pt_cleared(&dom->pt.leaf, pt_load(table)));
		dmah_pt_clean(&dom->pt, table, 1);
	}
	dmah_host_wmb();
}

static int map_identity(struct dmah_domain *dom, const struct dmah_reserved *range)
{
	enum dmah_dir dir = range->dir ? range->dir : DMAH_BIDIRECTIONAL;
	uint32_t index;

	if (dom->pt.va_bits < 64 && (range->base + range->size - 1) >> dom->pt.va_bits)
		return DMAH_ERANGE;
	for (uint64_t done = 0; done < range->size; done += PT_GRANULE) {
		dmah_addr_t iova = range->base + done;
		unsigned long flags;
		uint64_t *table;
		int err;

		dmah_host_enter(&flags);
		dmah_host_lock(&dom->table_lock);
		err = dom->pt.fmt->leaf_table(&dom->pt, iova, DMAH_ALLOC_ATOMIC, &table);
		if (!err && in_depot(dom, iova, &index))
			__atomic_store_n(&dom->leaf[index >> 9], table, __ATOMIC_RELEASE);
		dmah_host_unlock(&dom->table_lock);
		dmah_host_leave(flags);
		if (err) {
			unmap_identity(dom, range, done);
			return err;
		}
		table += iova >> PT_GRANULE_SHIFT & (PT_TABLE_ENTRIES - 1);
		if (pt_present(&dom->pt.leaf, pt_load(table)))
			continue;
		pt_store_set(table, pt_make(&dom->pt.leaf, iova, dir, 0, range->mmio));
		if (!(dom->pt.caps & DMAH_IOMMU_COHERENT_WALK))
			dmah_pt_clean(&dom->pt, table, 1);
	}
	dmah_host_wmb();
	return DMAH_OK;
}

static void drop_reserved(struct dmah_domain *dom, unsigned int keep)
{
	while (dom->nreserved > keep) {
		const struct dmah_reserved *range = &dom->reserved[--dom->nreserved];

		if (range->identity) {
			unmap_identity(dom, range, range->size);
			dom->nidentity--;
		}
		unreserve_until(dom, range->base + range->size);
	}
}

static int add_reserved(struct dmah_domain *dom, const struct dmah_reserved *range, unsigned int n)
{
	for (; n; n--, range++) {
		int err = reserve_granules(dom, range);

		if (!err && range->identity) {
			err = map_identity(dom, range);
			dom->nidentity += !err;
			if (err) {
				dom->nreserved--;
				unreserve_until(dom, range->base + range->size);
			}
		}
		if (err)
			return err;
	}
	return DMAH_OK;
}

/* ---- devices ---- */

static struct dmah_link *link_of(struct dmah_domain *dom, const struct dmah_device *dev)
{
	for (unsigned int i = 0; i < dom->nlinks; i++)
		if (!dev->iommu || dom->links[i].iommu == dev->iommu)
			return &dom->links[i];
	return NULL;
}

static int bind(struct dmah_domain *dom, struct dmah_device *dev, enum dmah_mode mode)
{
	struct dmah_link *link = link_of(dom, dev);
	struct dmah_pt_info info;

	if (mode == DMAH_PASSTHROUGH)
		return link->iommu->ops->bind(link->iommu, dev, DMAH_BIND_PASSTHROUGH, NULL,
					      link->tag);
	(void)dmah_domain_pt(dom, &info);
	return link->iommu->ops->bind(link->iommu, dev, DMAH_BIND_TRANSLATE, &info, link->tag);
}

/* What the CPUs keep must not stand in the way of a reserved range, nor lie above a cut. */
static void recall(struct dmah_domain *dom)
{
	(void)dmah_iommu_flush(dom, NULL);
	for (unsigned int i = 0; i < dom->cfg.cpus; i++)
		dmah_iommu_drain(dom, i);
}

static void cut_aperture(struct dmah_domain *dom, uint32_t granules, bool fixed)
{
	dom->granules = granules;
	dom->aperture_fixed = fixed;
	dmah_iova_cut(&dom->iova, granules, dom->cfg.cpus);
	set_depth(dom);
}

/* The first device's mask ends the aperture; a narrower latecomer cannot have what is handed out already. */
static int fit_aperture(struct dmah_domain *dom, const struct dmah_limits *limits)
{
	uint64_t base = dom->cfg.aperture_base, room;

	if (limits->mask < base || limits->mask - base < CHUNK_BYTES - 1)
		return DMAH_ERANGE;
	room = (limits->mask - base) >> PT_GRANULE_SHIFT;
	if (dom->aperture_fixed)
		return room + 1 < dom->granules ? DMAH_EBUSY : DMAH_OK;
	cut_aperture(dom, room + 1 < dom->granules ? (uint32_t)(room + 1) : dom->granules, true);
	return DMAH_OK;
}

int dmah_iommu_attach(struct dmah_device *dev, const struct dmah_limits *limits)
{
	struct dmah_domain *dom = dev->dom;
	unsigned int keep = dom->nreserved;
	bool was_fixed = dom->aperture_fixed;
	struct dmah_link *link = link_of(dom, dev);
	int err;

	if (!link)
		return DMAH_EINVAL;
	if (dom->cfg.mode == DMAH_PASSTHROUGH && limits->flags & DMAH_DEV_UNTRUSTED)
		return DMAH_EPERM;
	dev->iommu = link->iommu;
	err = fit_aperture(dom, limits);
	if (err)
		return err;
	recall(dom);
	err = add_reserved(dom, link->iommu->reserved, link->iommu->nreserved);
	if (!err)
		err = add_reserved(dom, limits->reserved, limits->nreserved);
	/* Devices that are bound already may remember that these ranges did not translate. */
	if (!err && dom->nreserved > keep && dom->ndevices)
		err = dmah_iommu_invalidate(dom, NULL, 0, 0, true);
	if (!err)
		err = bind(dom, dev, dom->cfg.mode);
	if (err) {
		drop_reserved(dom, keep);
		if (!was_fixed)
			cut_aperture(dom, all_granules(&dom->cfg), false);
		return err;
	}
	if (dev->limits.flags & DMAH_DEV_ATS)
		__atomic_add_fetch(&dom->ats, 1, __ATOMIC_RELEASE);
	dmah_fast_set_limits(dev);
	dmah_fast_set_mode(dev, dom->cfg.mode);
	return DMAH_OK;
}

int dmah_iommu_detach(struct dmah_device *dev)
{
	struct dmah_domain *dom = dev->dom;
	struct dmah_link *link = link_of(dom, dev);
	int err = dmah_iommu_flush(dom, dev);

	if (!err)
		err = link->iommu->ops->bind(link->iommu, dev, DMAH_BIND_BLOCK, NULL, link->tag);
	if (err)
		return err;
	if (dev->limits.flags & DMAH_DEV_ATS)
		__atomic_sub_fetch(&dom->ats, 1, __ATOMIC_RELEASE);
	if (dom->ndevices == 1) {
		recall(dom);
		drop_reserved(dom, 0);
		if (!dom->reserve.page)
			cut_aperture(dom, all_granules(&dom->cfg), false);
	}
	return DMAH_OK;
}

int dmah_iommu_kill(struct dmah_device *dev)
{
	struct dmah_link *link = link_of(dev->dom, dev);
	int err = link->iommu->ops->bind(link->iommu, dev, DMAH_BIND_BLOCK, NULL, link->tag);
	int flushed = dmah_iommu_flush(dev->dom, dev);

	return err ? err : flushed;
}

/* ---- room set aside ---- */

int dmah_reserve(struct dmah_domain *dom, unsigned int count, uint32_t len)
{
	struct iova_reserve *reserve = &dom->reserve;
	uint32_t first, cell, n;
	unsigned long flags;
	void *page;

	if (!count || count > 16384 || !len)
		return DMAH_EINVAL;
	if (dom->cfg.backend != DMAH_BACKEND_IOMMU)
		return DMAH_OK;
	if (reserve->page)
		return DMAH_EBUSY;
	/* Whatever the buffer's offset in its first granule. */
	n = iommu_granules(GRANULE_MASK, len);
	if (n > dom->granules)
		return DMAH_ENOSPC;
	cell = n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
	if ((uint64_t)cell * count > dom->granules)
		return DMAH_ENOSPC;
	page = dmah_host_page_alloc(0);
	if (!page)
		return DMAH_ENOMEM;
	dmah_host_enter(&flags);
	first = dmah_iova_get_large(&dom->iova, cell * count, cell, 0, 0);
	dmah_host_leave(flags);
	if (first == RANGE_NONE) {
		dmah_host_page_free(page);
		return DMAH_ENOSPC;
	}
	for (uint32_t i = first & ~(PT_TABLE_ENTRIES - 1); i < first + cell * count;
	     i += PT_TABLE_ENTRIES) {
		int err = dmah_entries_make_leaf(dom, i, 0);

		if (err) {
			dmah_host_enter(&flags);
			dmah_iova_put_large(&dom->iova, first, cell * count);
			dmah_host_leave(flags);
			dmah_host_page_free(page);
			return err;
		}
	}
	dmah_range_init(&reserve->cells, page, count);
	reserve->first = first;
	reserve->cell = cell;
	__atomic_store_n(&reserve->page, page, __ATOMIC_RELEASE);
	return DMAH_OK;
}

/* ---- modes ---- */

static int rebind(struct dmah_domain *dom, enum dmah_mode mode)
{
	for (unsigned int i = 0; i < dom->cfg.devices; i++) {
		int err;

		/* What was killed stays blocked. */
		if (!dom->device[i] || is_killed(dom->device[i]))
			continue;
		err = bind(dom, dom->device[i], mode);
		if (!err)
			continue;
		/* Also the one that could not be bound, which may be blocked now. */
		for (unsigned int k = 0; k <= i; k++)
			if (dom->device[k] && !is_killed(dom->device[k]))
				(void)bind(dom, dom->device[k], dom->cfg.mode);
		return err;
	}
	return DMAH_OK;
}

/* An unmap that is under way on another CPU may still be of the old mode: it is over when this returns, if it can be. */
static void change_mode(struct dmah_domain *dom, enum dmah_mode mode)
{
	unsigned long flags;
	unsigned int self;

	__atomic_store_n(&dom->cfg.mode, mode, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < dom->cfg.devices; i++)
		if (dom->device[i])
			dmah_fast_set_mode(dom->device[i], mode);
	for (unsigned int i = 0; i < dom->cfg.cpus; i++) {
		self = dmah_host_enter(&flags);
		dmah_host_lock(&dom->cpu[i]->lock);
		dmah_iova_cache_set_lazy(&dom->cpu[i]->cache, mode == DMAH_LAZY);
		dmah_host_unlock(&dom->cpu[i]->lock);
		dmah_host_leave(flags);
		if (i != self)
			(void)dmah_host_quiesce(i);
	}
}

int dmah_set_mode(struct dmah_domain *dom, enum dmah_mode mode)
{
	enum dmah_mode old = dom->cfg.mode;
	int err;

	if (dom->cfg.backend != DMAH_BACKEND_IOMMU || (unsigned int)mode > DMAH_PASSTHROUGH)
		return dom->cfg.backend != DMAH_BACKEND_IOMMU ? DMAH_ENOTSUP : DMAH_EINVAL;
	if (mode == old)
		return DMAH_OK;
	if (mode != DMAH_PASSTHROUGH && old != DMAH_PASSTHROUGH) {
		change_mode(dom, mode);
		return mode == DMAH_STRICT ? dmah_iommu_flush(dom, NULL) : DMAH_OK;
	}
	if (dmah_domain_live(dom))
		return DMAH_EBUSY;
	for (unsigned int i = 0; mode == DMAH_PASSTHROUGH && i < dom->nlinks; i++)
		if (!(dom->links[i].iommu->caps & DMAH_IOMMU_PASSTHROUGH))
			return DMAH_ENOTSUP;
	for (unsigned int i = 0; mode == DMAH_PASSTHROUGH && i < dom->cfg.devices; i++)
		if (dom->device[i] && dom->device[i]->limits.flags & DMAH_DEV_UNTRUSTED)
			return DMAH_EPERM;
	err = dmah_iommu_flush(dom, NULL);
	if (!err)
		err = rebind(dom, mode);
	if (!err)
		change_mode(dom, mode);
	return err;
}

/* ---- flush, poll, CPUs ---- */

int dmah_flush(struct dmah_domain *dom)
{
	return dom->cfg.backend == DMAH_BACKEND_IOMMU ? dmah_iommu_flush(dom, NULL) : DMAH_OK;
}

int dmah_poll(struct dmah_domain *dom, uint64_t now, uint64_t *next)
{
	int err = DMAH_OK;

	*next = UINT64_MAX;
	if (dom->cfg.backend != DMAH_BACKEND_IOMMU)
		return DMAH_OK;
	for (unsigned int i = 0; i < dom->cfg.cpus; i++) {
		struct dmah_cpu *cpu = dom->cpu[i];
		uint64_t deadline = UINT64_MAX;
		unsigned long flags;

		for (unsigned int round = 0; round < 2; round++) {
			dmah_host_enter(&flags);
			dmah_host_lock(&cpu->lock);
			deadline = cpu->lazy.in == cpu->lazy.out &&
						   !dmah_iova_cache_waiting(&cpu->cache)
					   ? UINT64_MAX
					   : cpu->cache.since + dom->cfg.lazy_ns;
			dmah_host_unlock(&cpu->lock);
			dmah_host_leave(flags);
			if (round || now < deadline)
				break;
			err = dmah_iommu_flush_cpu(dom, NULL, i);
			if (err)
				break;
		}
		if (deadline < *next)
			*next = deadline;
	}
	for (unsigned int round = 0; round < 2; round++) {
		uint64_t deadline = dmah_iommu_rings_deadline(dom);

		if (round || now < deadline) {
			*next = deadline < *next ? deadline : *next;
			break;
		}
		err = dmah_iommu_flush(dom, NULL);
	}
	return err;
}

int dmah_cpu_dead(struct dmah_domain *dom, unsigned int cpu)
{
	int err;

	if (cpu >= dom->cfg.cpus)
		return DMAH_EINVAL;
	if (dom->cfg.backend != DMAH_BACKEND_IOMMU)
		return DMAH_OK;
	err = dmah_iommu_flush_cpu(dom, NULL, cpu);
	dmah_iommu_drain(dom, cpu);
	return err;
}

int dmah_addr_set_lookup(struct dmah_domain *dom, const struct dmah_lookup *lookup)
{
	if (dom->cfg.backend != DMAH_BACKEND_IOMMU)
		return DMAH_ENOTSUP;
	if (dmah_domain_live(dom))
		return DMAH_EBUSY;
	dom->lookup = lookup ? *lookup : (struct dmah_lookup){ 0 };
	return DMAH_OK;
}
