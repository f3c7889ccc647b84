// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives a device an IOMMU domain of its own: checks that this is possible, chooses the IOVAs, and
 * maps what must be mapped before.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "domain_int.h"
#include "vtd_cap.h"

static bool late;
module_param(late, bool, 0444);
MODULE_PARM_DESC(late, "lazy domains: entries are cleared by the flush, not by unmap (default: 0)");

/*
 * End of the largest aperture. The kernel's DMA API takes IOVAs from 4 GiB downwards, so addresses
 * that it gave out before the device was attached lie above.
 */
#define APERTURE_END  SZ_2G
#define APERTURE_UNIT SZ_2M
/* Unmaps of one page that one CPU gathers before it flushes. */
#define LAZY_BATCH 256u

static int count_device(struct device *dev, void *n)
{
	++*(unsigned int *)n;
	return 0;
}

/* Returns NULL if the device can have a domain of its own, or the reason against. */
static const char *why_not(struct client *c, enum dmah_mode mode)
{
	struct iommu_domain *used = iommu_get_domain_for_dev(c->dev);
	struct iommu_group *group = iommu_group_get(c->dev);
	unsigned int n = 0;

	if (!group)
		return "no IOMMU is before it";
	iommu_group_for_each_dev(group, &n, count_device);
	iommu_group_put(group);
	if (n != 1)
		return "its IOMMU group holds other devices";
	if (mode == DMAH_MODE_DOMAIN && used && used->type == IOMMU_DOMAIN_IDENTITY)
		return "the kernel lets it through untranslated (strict or lazy changes that)";
	if (PAGE_SIZE != GRANULE)
		return "the kernel's pages are not 4 KiB";
	if (!c->coherent && !cache_can())
		return "it is not coherent, and a module cannot maintain this CPU's caches";
	return NULL;
}

static int plan_space(struct domain *d)
{
	struct device *dev = d->c->dev;
	u64 limit = min_not_zero(min_not_zero(dma_get_mask(dev), dev->coherent_dma_mask),
				 dev->bus_dma_limit);
	const struct iommu_domain_geometry *g = &d->iommu->geometry;
	u64 base, end;

	/* The last address that is in; 0 is never handed out. */
	limit = min3(limit, (u64)g->aperture_end, (u64)APERTURE_END - 1);
	base = ALIGN(max_t(u64, g->aperture_start, APERTURE_UNIT), APERTURE_UNIT);
	end = ALIGN_DOWN(limit + 1, APERTURE_UNIT);
	if (end < base + 4 * APERTURE_UNIT)
		return -ERANGE;
	return space_init(&d->space, base, (u32)((end - base) / GRANULE), LAZY_BATCH, d->lazy);
}

/*
 * A request to an address of the host bridge's windows may be answered by another device before it
 * comes to the IOMMU. The bridge lists all of its windows, also those of a root bus, whose
 * resources have no fixed numbers.
 */
static void exclude_windows(struct space *s, const struct pci_host_bridge *bridge)
{
	struct resource_entry *window;

	resource_list_for_each_entry(window, &bridge->windows) {
		const struct resource *res = window->res;

		if (resource_type(res) == IORESOURCE_MEM)
			space_exclude(s, res->start - window->offset, res->end - window->offset);
	}
}

/* A bridge that lists dma-ranges passes on requests inside of them only. */
static int exclude_beside(struct space *s, const struct list_head *ranges)
{
	struct resource_entry *range;
	u64 next = 0;

	if (list_empty(ranges))
		return 0;
	resource_list_for_each_entry(range, ranges) {
		u64 start = range->res->start - range->offset;

		/* The kernel sorts them. */
		if (start < next)
			return -EINVAL;
		if (start > next)
			space_exclude(s, next, start - 1);
		next = range->res->end - range->offset + 1;
	}
	if (next)
		space_exclude(s, next, U64_MAX);
	return 0;
}

static int exclude_bridge(struct domain *d)
{
	struct pci_host_bridge *bridge;

	if (!dev_is_pci(d->c->dev))
		return 0;
	bridge = pci_find_host_bridge(to_pci_dev(d->c->dev)->bus);
	exclude_windows(&d->space, bridge);
	return exclude_beside(&d->space, &bridge->dma_ranges);
}

/*
 * Regions overlap where firmware lists one for several reasons: pages that are mapped already
 * stay.
 */
static int map_direct(struct domain *d, const struct iommu_resv_region *r)
{
	u64 at = ALIGN_DOWN(r->start, GRANULE), end = ALIGN(r->start + r->length, GRANULE), next;

	for (; at < end; at = next) {
		int err;

		next = at + GRANULE;
		if (iommu_iova_to_phys(d->iommu, at))
			continue;
		while (next < end && !iommu_iova_to_phys(d->iommu, next))
			next += GRANULE;
		err = compat_iommu_map(d->iommu, at, at, next - at, r->prot);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Called before the device is attached where its IOMMU's driver allows, so that firmware's own
 * buffers translate at all times.
 */
static int reserve(struct domain *d)
{
	struct iommu_group *group = iommu_group_get(d->c->dev);
	struct iommu_resv_region *r;
	LIST_HEAD(list);
	int err;

	err = iommu_get_group_resv_regions(group, &list);
	iommu_group_put(group);
	if (err)
		return err;
	list_for_each_entry(r, &list, list) {
		switch (r->type) {
		case IOMMU_RESV_DIRECT:
		case IOMMU_RESV_DIRECT_RELAXABLE:
			err = map_direct(d, r);
			break;
		case IOMMU_RESV_SW_MSI:
			/* Message-signalled interrupts get through an ARM SMMU by this mapping. */
			err = iommu_get_msi_cookie(d->iommu, r->start);
			break;
		default:
			break;
		}
		if (err)
			break;
		space_exclude(&d->space, r->start, r->start + r->length - 1);
	}
	iommu_put_resv_regions(d->c->dev, &list);
	return err ? err : exclude_bridge(d);
}

/*
 * The kernel's DMA API goes on allocating IOVAs of the default domain for this device. A driver
 * that calls it by mistake must get an address at which this domain maps nothing, so that the
 * device faults. The API keeps below the device's bus_dma_limit, and the aperture begins above.
 */
static void limit_kernel(struct domain *d)
{
	struct device *dev = d->c->dev;

	d->bus_dma_limit = dev->bus_dma_limit;
	d->limited = true;
	dev->bus_dma_limit = d->space.base - 1;
}

static void domain_free(struct domain *d)
{
	if (d->limited)
		d->c->dev->bus_dma_limit = d->bus_dma_limit;
	if (d->joined)
		iommu_detach_device(d->iommu, d->c->dev);
	bounce_end(d);
	space_fini(&d->space);
	if (d->iommu)
		iommu_domain_free(d->iommu);
	kfree(d);
}

static void expired(struct timer_list *timer)
{
	domain_flush(container_of(timer, struct domain, timer));
}

static void set_prot(struct domain *d)
{
	int cache = d->noncoherent ? 0 : IOMMU_CACHE;

	d->prot[1] = IOMMU_READ | cache;
	d->prot[2] = IOMMU_WRITE | cache;
	d->prot[3] = IOMMU_READ | IOMMU_WRITE | cache;
}

static int join(struct domain *d)
{
	int err = iommu_attach_device(d->iommu, d->c->dev);

	d->joined = !err;
	return err;
}

static int build(struct domain *d, const char **step)
{
	int err;

	*step = "no domain";
	d->iommu = compat_domain_alloc(d->c->dev);
	if (IS_ERR(d->iommu)) {
		err = PTR_ERR(d->iommu);
		d->iommu = NULL;
		return err;
	}
	/*
	 * Some drivers (of ARM's SMMUs) make the page table, and learn how far it reaches, only
	 * when a device is attached; what must translate to itself cannot be mapped earlier there.
	 */
	if (!d->iommu->geometry.aperture_end) {
		*step = "attach";
		err = join(d);
		if (err)
			return err;
	}
	*step = "its driver does not map and unmap 4 KiB pages";
	if (!(d->iommu->pgsize_bitmap & GRANULE) || !d->iommu->ops->map_pages ||
	    !d->iommu->ops->unmap_pages)
		return -EOPNOTSUPP;
	*step = "no IOVAs";
	err = plan_space(d);
	if (err)
		return err;
	*step = "reserved regions";
	err = reserve(d);
	if (err)
		return err;
	*step = "no bounce slots";
	if (d->c->untrusted) {
		err = bounce_begin(d);
		if (err)
			return err;
	}
	*step = "attach";
	return d->joined ? 0 : join(d);
}

static void set_fast(struct domain *d)
{
	for (int dir = DMA_BIDIRECTIONAL; dir <= DMA_FROM_DEVICE; dir++) {
		struct request req = { .meta = meta_from_dir(dir) };

		d->fast_prot[dir] = domain_prot(d, req.meta, 0);
		d->fast_meta[dir] = domain_meta(d, &req);
	}
	if (domain_in_place(d) && !d->sync_map)
		d->c->fast = d;
}

int domain_attach(struct client *c, enum dmah_mode mode)
{
	struct iommu_domain *used = iommu_get_domain_for_dev(c->dev);
	const char *why = why_not(c, mode), *step;
	struct domain *d;
	int err;

	if (why) {
		dev_info(c->dev, "dmah: wrap mode instead of its own domain: %s\n", why);
		return -EOPNOTSUPP;
	}
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return -ENOMEM;
	d->c = c;
	d->home_mask = c->check ? ~0ull : 0;
	d->lazy = mode == DMAH_MODE_DOMAIN_LAZY ||
		  (mode == DMAH_MODE_DOMAIN && used && used->type == IOMMU_DOMAIN_DMA_FQ);
	d->lazy = d->lazy && !c->untrusted;
	d->noncoherent = !c->coherent;
	set_prot(d);
	timer_setup(&d->timer, expired, 0);
	err = build(d, &step);
	if (err) {
		domain_free(d);
		if (err != -ENOMEM)
			dev_info(c->dev, "dmah: wrap mode instead of its own domain: %s (%d)\n",
				 step, err);
		return err;
	}
	d->sync_map = d->iommu->ops->iotlb_sync_map && !vtd_ignores_maps(c->dev);
	d->map_pages = d->iommu->ops->map_pages;
	d->unmap_pages = d->iommu->ops->unmap_pages;
	d->late = late && d->lazy && domain_in_place(d);
	set_fast(d);
	limit_kernel(d);
	c->domain = d;
	dev_info(c->dev, "dmah: own domain, %s, IOVAs %pad to %llx\n",
		 d->late   ? "lazy, entries cleared late"
		 : d->lazy ? "lazy"
			   : "strict",
		 &d->space.base, d->space.base + (u64)d->space.granules * GRANULE - 1);
	return 0;
}

void domain_detach(struct client *c)
{
	struct domain *d = c->domain;

	timer_delete_sync(&d->timer);
	c->domain = NULL;
	c->fast = NULL;
	domain_free(d);
}
