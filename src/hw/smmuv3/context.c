/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How a stream's entry names its domain's page table (Arm IHI 0070, sections 5.2 and 5.4): stage 1 by the context
 * descriptor of a tag, which is then an ASID; stage 2 in the entry itself, where the tag is a VMID. A unit uses one stage
 * for all streams.
 */
#include "hw/smmuv3/smmuv3.h"
#include "pt/store.h"

int dmah_smmuv3_contexts_init(struct dmah_smmuv3 *smmu)
{
	size_t size = (smmu->ntags + 1) * CD_WORDS * sizeof(uint64_t);

	if (smmu->features & SMMUV3_STAGE2)
		return DMAH_OK;
	/* Rounded up to a power of two, as areas are aligned to their size. */
	while (size & (size - 1))
		size += size & -size;
	return smmuv3_area_alloc(smmu, size, &smmu->contexts);
}

/* ---- context descriptors ---- */

static uint64_t *context_of(const struct dmah_smmuv3 *smmu, uint32_t tag)
{
	return smmu->contexts.cpu + (size_t)tag * CD_WORDS;
}

/*
 * Section 5.4. HAD0 and HWU0xx stay 0, so that the hardware ignores the bits in which the tables keep generations. Faults
 * are recorded and abort the transaction; nothing stalls.
 */
static uint64_t context_word0(const struct dmah_smmuv3 *smmu, const struct dmah_pt_info *pt,
			      uint32_t tag)
{
	return CD_T0SZ(pt->va_bits) |
	       (smmu->features & SMMUV3_COHERENT ? CD_WALK_CACHED : CD_WALK_OUTER) | CD_EPD1 |
	       CD_VALID | CD_IPS(smmuv3_oas(smmu)) | CD_AA64 | CD_RECORD | CD_ABORT | CD_ASET |
	       CD_ASID(tag);
}

/*
 * The same for every device of the domain. The tag's last owner has no device bound any more, so that nothing leads to
 * a descriptor that is rewritten here; what is cached of it goes with the entry of the stream that is bound next.
 */
void dmah_smmuv3_write_context(struct dmah_smmuv3 *smmu, const struct dmah_pt_info *pt,
			       uint32_t tag)
{
	uint64_t *cd, word0 = context_word0(smmu, pt, tag);
	unsigned long flags;

	if (smmu->features & SMMUV3_STAGE2)
		return;
	cd = context_of(smmu, tag);
	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	if (cd[0] != word0 || cd[1] != (pt->root & CD_TTB_MASK)) {
		cd[1] = pt->root & CD_TTB_MASK;
		cd[2] = 0;
		cd[3] = CD_MAIR_TYPES;
		dmah_host_wmb();
		pt_store_set(&cd[0], word0);
	}
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
}

bool dmah_smmuv3_is_context(const struct dmah_smmuv3 *smmu, const struct dmah_pt_info *pt,
			    uint32_t tag)
{
	const uint64_t *cd;

	if (smmu->features & SMMUV3_STAGE2)
		return true;
	cd = context_of(smmu, tag);
	return cd[0] == context_word0(smmu, pt, tag) && cd[1] == (pt->root & CD_TTB_MASK);
}

/* ---- tags ---- */

int dmah_smmuv3_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag)
{
	struct dmah_smmuv3 *smmu = smmuv3_of(iommu);

	return dmah_hw_tag_alloc(smmu->tags, smmu->ntags + 1, &smmu->state.lock, tag);
}

void dmah_smmuv3_tag_free(struct dmah_iommu *iommu, uint32_t tag)
{
	struct dmah_smmuv3 *smmu = smmuv3_of(iommu);

	/* The tag has no other user yet. */
	if (!(smmu->features & SMMUV3_STAGE2))
		pt_store_clear(context_of(smmu, tag), 0);
	dmah_hw_tag_free(smmu->tags, &smmu->state.lock, tag);
}

/* ---- entries ---- */

bool dmah_smmuv3_walks_table(const struct dmah_smmuv3 *smmu, const struct dmah_pt_info *pt,
			     uint32_t tag)
{
	return pt && pt->format == smmu->iommu.formats[0] && pt->va_bits <= smmu->iommu.va_bits &&
	       tag && tag <= smmu->ntags;
}

static bool has_ats(const struct dmah_smmuv3 *smmu, const struct dmah_device *dev)
{
	uint32_t flags = dev->limits.flags;

	return smmu->features & SMMUV3_ATS && flags & DMAH_DEV_ATS && !(flags & DMAH_DEV_UNTRUSTED);
}

/* An input address has no more bits than an output address: the table's other entries are never reached. */
static uint64_t stage2_word(const struct dmah_smmuv3 *smmu, const struct dmah_pt_info *pt,
			    uint32_t tag)
{
	unsigned int most = smmu->iommu.out_bits;
	unsigned int bits = pt->va_bits < most ? pt->va_bits : most;

	return STE2_VMID(tag) | STE2_T0SZ(bits) | STE2_SL0(pt->levels) |
	       (smmu->features & SMMUV3_COHERENT ? STE2_CACHED : STE2_OUTER) |
	       STE2_PS(smmuv3_oas(smmu)) | STE2_AA64 | STE2_RECORD;
}

/* An untrusted device is refused ATS: with it, it could name physical addresses. */
void dmah_smmuv3_describe(const struct dmah_smmuv3 *smmu, const struct dmah_device *dev,
			  enum dmah_bind how, const struct dmah_pt_info *pt, uint32_t tag,
			  uint64_t word[SMMUV3_STE_USED])
{
	word[0] = STE_VALID | STE_BYPASS;
	word[1] = STE1_SHCFG_SAME;
	word[2] = 0;
	word[3] = 0;
	if (how != DMAH_BIND_TRANSLATE)
		return;
	word[1] |= has_ats(smmu, dev) ? STE1_EATS : 0;
	if (smmu->features & SMMUV3_STAGE2) {
		word[0] = STE_VALID | STE_STAGE2;
		word[2] = stage2_word(smmu, pt, tag);
		word[3] = pt->root & STE3_TTB_MASK;
		return;
	}
	word[0] = STE_VALID | STE_STAGE1 |
		  (smmu->contexts.phys + tag * CD_WORDS * sizeof(uint64_t));
	word[1] |= (smmu->features & SMMUV3_COHERENT ? STE1_S1_CACHED : 0) |
		   (smmu->features & SMMUV3_STALLS ? STE1_S1STALLD : 0);
}
