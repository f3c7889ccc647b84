/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Invalidations after changed tables: TLBI and ATC_INV (Arm IHI 0070, sections 4.4 and 4.5). */
#include "hw/smmuv3/smmuv3.h"

#define GRANULE_SHIFT 12
#define GRANULE_MASK  ((1ull << GRANULE_SHIFT) - 1)
/* Granules that are named one by one, where ranges cannot be; more are forgotten with all of the tag. */
#define SINGLES 16u
/* Granules in the longest range: a scale has five bits. */
#define RANGE_MAX ((1ull << 31) - 1)

/*
 * TLBI_NH_VA (section 4.4.2.4), or TLBI_S2_IPA (section 4.4.3.2), whose tag stands elsewhere: with @pages more than one, 32
 * at most, of (1 << @scale) granules each, counted from @iova.
 */
static struct smmuv3_cmd tlbi_range(const struct dmah_smmuv3 *smmu, uint32_t tag, dmah_addr_t iova,
				    bool tables, uint32_t pages, unsigned int scale)
{
	struct smmuv3_cmd cmd = { { OP_TLBI_NH_VA | (uint64_t)tag << 48, iova } };

	if (smmu->features & SMMUV3_STAGE2)
		cmd.word[0] = OP_TLBI_S2_IPA | (uint64_t)tag << 32;

	if (!tables)
		cmd.word[1] |= 1; /* Leaf */
	/* A range of one granule without its level is reserved; the command without a range means the same. */
	if (pages > 1 || scale) {
		cmd.word[0] |= (uint64_t)(pages - 1) << 12 | (uint64_t)scale << 20;
		cmd.word[1] |= 1u << 10; /* TG: 4 KiB */
	}
	return cmd;
}

/* Ranges of up to 31 * 2^scale granules, beginning with the odd ones: five bits of the count a command. */
static unsigned int by_range(const struct dmah_smmuv3 *smmu, struct smmuv3_cmd *cmd, uint32_t tag,
			     dmah_addr_t iova, uint64_t granules, bool tables)
{
	unsigned int n = 0;

	while (granules) {
		unsigned int scale = (unsigned int)__builtin_ctzll(granules);
		uint32_t pages = (uint32_t)(granules >> scale) & 31;
		uint64_t done = (uint64_t)pages << scale;

		cmd[n++] = tlbi_range(smmu, tag, iova, tables, pages, scale);
		iova += done << GRANULE_SHIFT;
		granules -= done;
	}
	return n;
}

static unsigned int one_by_one(const struct dmah_smmuv3 *smmu, struct smmuv3_cmd *cmd, uint32_t tag,
			       dmah_addr_t iova, uint64_t granules, bool tables)
{
	for (unsigned int i = 0; i < granules; i++)
		cmd[i] = tlbi_range(smmu, tag, iova + ((dmah_addr_t)i << GRANULE_SHIFT), tables, 1,
				    0);
	return (unsigned int)granules;
}

static int op_invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova, uint64_t size,
			 bool tables, uint64_t *ticket)
{
	struct dmah_smmuv3 *smmu = smmuv3_of(iommu);
	uint64_t edge = iova & GRANULE_MASK,
		 granules = size ? (edge + size + GRANULE_MASK) >> GRANULE_SHIFT : 0;
	struct smmuv3_cmd cmd[SINGLES];
	unsigned int n = 1;
	int err;

	iova -= edge;
	if (!granules || granules > (smmu->features & SMMUV3_RANGE ? RANGE_MAX : SINGLES))
		cmd[0] = smmuv3_tlbi_tag(smmu, tag);
	else if (smmu->features & SMMUV3_RANGE)
		n = by_range(smmu, cmd, tag, iova, granules, tables);
	else
		n = one_by_one(smmu, cmd, tag, iova, granules, tables);
	err = dmah_smmuv3_post(smmu, cmd, n, ticket);
	return err ? err : (int)n;
}

struct smmuv3_cmd dmah_smmuv3_atc_inv(uint32_t sid, dmah_addr_t iova, uint64_t size)
{
	uint64_t first = iova >> GRANULE_SHIFT, last = (iova + size - 1) >> GRANULE_SHIFT;
	unsigned int log2 = first == last ? 0 : 64 - (unsigned int)__builtin_clzll(first ^ last);

	if (!size) {
		first = 0;
		log2 = 64 - GRANULE_SHIFT;
	}
	return (struct smmuv3_cmd){ { OP_ATC_INV | (uint64_t)sid << 32,
				      first >> log2 << log2 << GRANULE_SHIFT | log2 } };
}

/*
 * A device that asked again before the IOMMU's own TLB is invalidated would be answered from there: the CMD_SYNC in front
 * makes those invalidations complete first (section 3.9.1). It also leaves at most one device at a time that can be late,
 * so that the error handler knows which.
 */
static int op_invalidate_dev(struct dmah_iommu *iommu, struct dmah_device *dev, dmah_addr_t iova,
			     uint64_t size)
{
	struct smmuv3_cmd cmd[2] = { { { OP_SYNC, 0 } }, dmah_smmuv3_atc_inv(dev->id, iova, size) };
	struct dmah_smmuv3 *smmu = smmuv3_of(iommu);
	int err;

	/* The device's translated transactions are refused then, and its TLB no longer matters. */
	if (!dmah_smmuv3_has_ats(smmu, dev->id))
		return 0;
	err = dmah_smmuv3_try_post(smmu, cmd, 2, NULL);
	return err ? err : 1;
}

static int op_make_room(struct dmah_iommu *iommu)
{
	return dmah_smmuv3_make_room(smmuv3_of(iommu));
}

static int op_fence(struct dmah_iommu *iommu, uint64_t *ticket)
{
	return dmah_smmuv3_post(smmuv3_of(iommu), NULL, 0, ticket);
}

static int op_wait(struct dmah_iommu *iommu, uint64_t ticket)
{
	return dmah_smmuv3_wait(smmuv3_of(iommu), ticket);
}

const struct dmah_iommu_ops dmah_smmuv3_ops = {
	.bind = dmah_smmuv3_bind,
	.tag_alloc = dmah_smmuv3_tag_alloc,
	.tag_free = dmah_smmuv3_tag_free,
	.invalidate = op_invalidate,
	.fence = op_fence,
	.wait = op_wait,
	.faults = dmah_smmuv3_faults,
};

const struct dmah_iommu_ops dmah_smmuv3_ops_ats = {
	.bind = dmah_smmuv3_bind,
	.tag_alloc = dmah_smmuv3_tag_alloc,
	.tag_free = dmah_smmuv3_tag_free,
	.invalidate = op_invalidate,
	.invalidate_dev = op_invalidate_dev,
	.make_room = op_make_room,
	.isolated = dmah_smmuv3_isolated,
	.fence = op_fence,
	.wait = op_wait,
	.faults = dmah_smmuv3_faults,
};
