/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The IOMMUs in front of a domain's devices: what all of them can do, and which domains each of them serves.
 */
#include "backend/iommu/link.h"
#include "backend/iommu/mode.h"
#include "base/request.h"
#include "base/setup_error.h"

static bool format_known(const struct dmah_iommu *iommu, const struct dmah_pt_format *format)
{
	for (unsigned int i = 0; i < iommu->nformats; i++)
		if (iommu->formats[i] == format)
			return true;
	return false;
}

bool dmah_iommu_width_known(const struct dmah_iommu *iommu, unsigned int va_bits)
{
	return va_bits >= iommu->va_bits_min && va_bits <= iommu->va_bits;
}

bool dmah_iommu_takes(const struct dmah_iommu *iommu, dmah_addr_t iova)
{
	return !iommu->iova_bits || iommu->iova_bits >= 64 || !(iova >> iommu->iova_bits);
}

int dmah_iommu_suits(const struct dmah_iommu *iommu, const struct dmah_domain_config *cfg,
		     unsigned int va_bits)
{
	dmah_addr_t last = cfg->aperture_base + cfg->aperture_size - 1;

	if (!format_known(iommu, cfg->format))
		return dmah_setup_error(NULL, DMAH_ENOTSUP,
					"dmah_domain: the IOMMU does not walk config.format", 0);
	if (!dmah_iommu_width_known(iommu, va_bits))
		return dmah_setup_error(NULL, DMAH_ENOTSUP,
					"dmah_domain: the IOMMU walks no tables of so many bits",
					va_bits);
	if (!dmah_iommu_takes(iommu, last))
		return dmah_setup_error(
			NULL, DMAH_ENOTSUP,
			"dmah_domain: the IOMMU takes no addresses as high as the aperture's end",
			last);
	if (cfg->handles_only && !iommu->ops->map_request)
		return dmah_setup_error(
			NULL, DMAH_ENOTSUP,
			"dmah_domain: config.handles_only, and the IOMMU reads page "
			"tables",
			iommu->caps);
	if (cfg->mode == DMAH_PASSTHROUGH && !(iommu->caps & DMAH_IOMMU_PASSTHROUGH))
		return dmah_setup_error(NULL, DMAH_ENOTSUP,
					"dmah_domain: the IOMMU has no passthrough", iommu->caps);
	return DMAH_OK;
}

/* Enter a domain into its IOMMU's list, by which faults find the domain that they are about. */
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

/* Restrict the domain to what all of its IOMMUs can do; a flush at map is needed where one of them needs it. */
static void restrict_to(struct dmah_domain *dom, const struct dmah_iommu *iommu)
{
	dom->caps = (dom->caps & iommu->caps) | ((dom->caps | iommu->caps) & DMAH_IOMMU_MAP_FLUSH);
	/* Identity ranges, the reserve and rings may have left tables, and earlier mappings have. */
	if (dom->pt.caps & ~iommu->caps & DMAH_IOMMU_COHERENT_WALK)
		dom->pt.fmt->clean(dom->wide.levels ? &dom->wide : &dom->pt);
	dom->pt.caps = dom->wide.caps = dom->caps;
	if (iommu->out_bits < dom->pt.out_bits)
		dom->pt.out_bits = iommu->out_bits;
	dom->phys_last = dom->pt.out_bits < 64 ? (1ull << dom->pt.out_bits) - 1 : ~0ull;
}

int dmah_iommu_link(struct dmah_domain *dom, struct dmah_iommu *iommu)
{
	struct dmah_link *link = &dom->links[dom->nlinks];
	int err = iommu->ops->tag_alloc(iommu, &link->tag);

	if (err)
		return err;
	link->iommu = iommu;
	dom->nlinks++;
	link_in(dom, link);
	restrict_to(dom, iommu);
	return DMAH_OK;
}

void dmah_iommu_unlink_all(struct dmah_domain *dom)
{
	for (unsigned int i = 0; i < dom->nlinks; i++) {
		link_out(&dom->links[i]);
		dom->links[i].iommu->ops->tag_free(dom->links[i].iommu, dom->links[i].tag);
	}
}

int dmah_iommu_add(struct dmah_domain *dom, struct dmah_iommu *iommu)
{
	unsigned int va_bits = dom->wide.levels ? dom->wide.va_bits : dom->pt.va_bits;
	int err;

	if (dom->ndevices)
		return dmah_setup_error(NULL, DMAH_EBUSY,
					"dmah_domain_add_iommu: devices are attached",
					dom->ndevices);
	if (dom->nlinks == DOMAIN_IOMMUS)
		return dmah_setup_error(NULL, DMAH_ENOSPC,
					"dmah_domain_add_iommu: a domain has 4 IOMMUs at most",
					dom->nlinks);
	for (unsigned int i = 0; i < dom->nlinks; i++)
		if (dom->links[i].iommu == iommu)
			return dmah_setup_error(
				NULL, DMAH_EBUSY,
				"dmah_domain_add_iommu: the domain has this IOMMU already", i);
	err = dmah_iommu_suits(iommu, &dom->cfg, va_bits);
	return err ? err : dmah_iommu_link(dom, iommu);
}

struct dmah_link *dmah_iommu_link_of(struct dmah_domain *dom, const struct dmah_device *dev)
{
	for (unsigned int i = 0; i < dom->nlinks; i++)
		if (!dev->iommu || dom->links[i].iommu == dev->iommu)
			return &dom->links[i];
	return NULL;
}

int dmah_iommu_check_on(struct dmah_device *dev)
{
	struct dmah_domain *dom = dev->dom;

	if (__atomic_load_n(&dev->iommu->off, __ATOMIC_ACQUIRE))
		return dmah_report_misuse(dev, DMAH_EPERM,
					  "map before the IOMMU translates (dmah_vtd_enable)",
					  dev->id, NULL);
	if (__atomic_load_n(&dom->awaits_iommu, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&dom->awaits_iommu, false, __ATOMIC_RELEASE);
		dmah_iommu_apply_mode(dom);
	}
	return DMAH_OK;
}
