/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The path of a transaction through an IOMMU: the device's TLB, its context, the IOTLB, a walk. */
#include "sim_int.h"

#define X86_INTERRUPTS 0xfeeull /* address bits 31:20; VT-d specification, 3.14; AMD's, 2.1.4 */

static enum sim_reason read_context(struct sim_device *dev, uint32_t *code)
{
	struct sim_iommu *iommu = dev->iommu;
	enum sim_reason reason = SIM_OK;

	if (!dev->known)
		reason = iommu->interface->context(iommu->unit, dev, &dev->context, code);
	if (!reason) {
		dev->known = true;
		dev->directory_known = dev->context.directory != 0;
	}
	return reason;
}

static enum sim_reason lookup(struct sim_iommu *iommu, const struct sim_context *context,
			      dmah_addr_t dma, struct sim_tlb_entry *e)
{
	const struct sim_tlb_entry *hit = sim_tlb_find(&iommu->tlb, context->domain, dma);
	struct sim_walk walk;
	enum sim_reason reason;

	if (hit) {
		iommu->stats.iotlb_hits++;
		*e = *hit;
		return (enum sim_reason)e->reason;
	}
	walk.from = sim_psc_find(&iommu->psc, context->domain, dma);
	reason = sim_iommu_lookup(iommu, &context->table, dma, &walk);
	*e = (struct sim_tlb_entry){ .tag = context->domain,
				     .iova = dma,
				     .shift = 12,
				     .reason = (uint8_t)reason,
				     .code = walk.code };
	if (walk.ntrail)
		sim_psc_insert(&iommu->psc, context->domain, dma, &walk);
	if (!reason) {
		e->out = walk.out;
		e->shift = (uint8_t)walk.shift;
		e->perm = (uint8_t)walk.perm;
		if (walk.global)
			e->tag = TLB_GLOBAL;
	}
	if (!reason || iommu->config.caching_mode)
		sim_tlb_insert(&iommu->tlb, e);
	return reason;
}

static enum sim_reason check(const struct sim_device *dev, const struct sim_tlb_entry *e,
			     enum sim_reason reason, dmah_addr_t dma, bool write, uint64_t *out,
			     uint32_t *code)
{
	const struct sim_iommu *iommu = dev->iommu;
	bool scalable = dev->context.directory != 0;
	bool vtd = iommu->config.flavour == SIM_VTD, amd = iommu->config.flavour == SIM_AMD;

	if (!reason && !(e->perm & (write ? SIM_PERM_WRITE : SIM_PERM_READ)))
		reason = SIM_FAULT_PERMISSION;
	*out = e->out | (dma & ((1ull << e->shift) - 1));
	*code = e->code;
	if (iommu->config.flavour == SIM_VIRTIO) {
		*code = reason ? VIRTIO_MAPPING : 0;
		return reason;
	}
	if (iommu->config.flavour == SIM_RISCV) {
		if (reason && !*code)
			*code = RISCV_PAGE_READ;
		*code += write && *code && *code < RISCV_ALL_DISALLOWED ? 2 : 0;
		return reason;
	}
	/* In scalable mode the walk itself says what it found. */
	if (vtd && scalable) {
		if (reason == SIM_FAULT_PERMISSION && !*code)
			*code = write ? VTD_FR_SM_WRITE : VTD_FR_SM_READ;
	} else if (vtd && (reason == SIM_FAULT_TRANSLATION || reason == SIM_FAULT_PERMISSION))
		*code = write ? VTD_FR_WRITE : VTD_FR_READ;
	else if (reason == SIM_FAULT_PERMISSION)
		*code = amd ? AMD_PAGE_FAULT | AMD_PRESENT : SMMU_F_PERMISSION;
	return reason;
}

/* Answer a translation request of a device with a TLB, and fill the TLB. */
static enum sim_reason ats_request(struct sim_device *dev, dmah_addr_t dma, struct sim_tlb_entry *e)
{
	enum sim_reason reason = lookup(dev->iommu, &dev->context, dma, e);

	if (!reason) {
		struct sim_tlb_entry mine = *e;

		mine.tag = 0;
		sim_tlb_insert(&dev->tlb, &mine);
	}
	return reason;
}

void sim_dev_retranslate(void *ctx, const struct sim_tlb_entry *gone)
{
	struct sim_device *dev = ctx;
	struct sim_tlb_entry e;
	uint32_t code;

	if (dev->ats && !read_context(dev, &code) && dev->context.ats && dev->context.translate)
		ats_request(dev, gone->iova, &e);
}

enum sim_reason sim_translate(struct sim_device *dev, dmah_addr_t dma, bool write, uint64_t *out,
			      uint32_t *code)
{
	struct sim_iommu *iommu = dev->iommu;
	const struct sim_tlb_entry *hit;
	struct sim_tlb_entry e;
	enum sim_reason reason;

	iommu->interface->run(iommu->unit);
	*code = 0;
	if (iommu->off) {
		*out = dma;
		return iommu->abort ? SIM_FAULT_BLOCKED : SIM_OK;
	}
	if ((iommu->config.flavour == SIM_VTD || iommu->config.flavour == SIM_AMD) &&
	    dma >> 20 == X86_INTERRUPTS)
		return SIM_FAULT_INTERRUPT;
	reason = read_context(dev, code);
	if (reason)
		return reason;
	if (dev->ats) {
		hit = sim_tlb_find(&dev->tlb, 0, dma);
		if (hit && !dev->context.ats) {
			*code = iommu->config.flavour == SIM_VTD     ? VTD_FR_TRANSLATION_BLOCKED
				: iommu->config.flavour == SIM_AMD   ? AMD_INVALID_REQUEST
				: iommu->config.flavour == SIM_RISCV ? RISCV_TYPE_DISALLOWED
								     : 0;
			return SIM_FAULT_ATS;
		}
		/* An entry without the permission does not count: the device requests a translation again. */
		if (hit && hit->perm & (write ? SIM_PERM_WRITE : SIM_PERM_READ)) {
			dev->tlb_hits++;
			return check(dev, hit, SIM_OK, dma, write, out, code);
		}
	}
	if (!dev->context.translate) {
		*out = dma;
		*code = iommu->config.flavour == SIM_VTD      ? VTD_FR_BEYOND_WIDTH
			: iommu->config.flavour == SIM_AMD    ? AMD_PAGE_FAULT
			: iommu->config.flavour == SIM_RISCV  ? RISCV_ACCESS_READ + (write ? 2 : 0)
			: iommu->config.flavour == SIM_VIRTIO ? VIRTIO_MAPPING
							      : SMMU_F_ADDR_SIZE;
		return dma >> iommu->hw.out_bits ? SIM_FAULT_WIDTH : SIM_OK;
	}
	if (dev->ats && dev->context.ats)
		reason = ats_request(dev, dma, &e);
	else
		reason = lookup(iommu, &dev->context, dma, &e);
	return check(dev, &e, reason, dma, write, out, code);
}
