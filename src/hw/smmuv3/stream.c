/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Stream table and context descriptors (Arm IHI 0070, sections 3.3 and 5).
 *
 * A stream table entry leads to the context descriptor of a tag, which names the domain's page table; devices of one
 * domain share it. There are no substreams, so that each table of context descriptors has one. An entry that is not
 * valid, and a part of the table that is not there, block their streams.
 */
#include "hw/smmuv3/smmuv3.h"
#include "pt/store.h"

#define SPLIT_ENTRIES (1u << STRTAB_SPLIT)
#define ENTRY_BYTES   (STE_WORDS * sizeof(uint64_t))

static struct smmuv3_cmd cfgi_ste(uint32_t sid)
{
	return (struct smmuv3_cmd){ { OP_CFGI_STE | (uint64_t)sid << 32, 0 } };
}

/* ---- the stream table ---- */

int dmah_smmuv3_streams_init(struct dmah_smmuv3 *smmu)
{
	size_t contexts = (smmu->ntags + 1) * CD_WORDS * sizeof(uint64_t);
	size_t size = ENTRY_BYTES << smmu->sid_bits;
	int err;

	if (smmu->features & SMMUV3_2LEVEL)
		size = sizeof(uint64_t) << (smmu->sid_bits - STRTAB_SPLIT);
	err = dmah_smmuv3_area_alloc(smmu, size, &smmu->strtab);
	/* Rounded up to a power of two, as areas are aligned to their size. */
	while (contexts & (contexts - 1))
		contexts += contexts & -contexts;
	return err ? err : dmah_smmuv3_area_alloc(smmu, contexts, &smmu->contexts);
}

void dmah_smmuv3_streams_fini(struct dmah_smmuv3 *smmu)
{
	for (uint32_t i = 0; smmu->features & SMMUV3_2LEVEL && smmu->strtab.cpu &&
			     i < 1u << (smmu->sid_bits - STRTAB_SPLIT);
	     i++)
		if (smmu->l2[i])
			dmah_host_mem_free(smmu->strtab.cpu[i] & ~(uint64_t)(DMAH_PAGE_SIZE - 1),
					   DMAH_PAGE_SIZE);
	dmah_smmuv3_area_free(&smmu->contexts);
	dmah_smmuv3_area_free(&smmu->strtab);
}

/* A stream's entry; NULL where the part of the table that it would be in is not there. */
static uint64_t *entry_of(const struct dmah_smmuv3 *smmu, uint32_t sid)
{
	uint64_t *l2;

	if (!(smmu->features & SMMUV3_2LEVEL))
		return smmu->strtab.cpu + (size_t)sid * STE_WORDS;
	l2 = __atomic_load_n(&smmu->l2[sid >> STRTAB_SPLIT], __ATOMIC_ACQUIRE);
	return l2 ? l2 + (sid & (SPLIT_ENTRIES - 1)) * STE_WORDS : NULL;
}

/* Publish a second-level table, unless another CPU was first. */
static bool install(struct dmah_smmuv3 *smmu, uint32_t index, const struct dmah_smmuv3_area *table)
{
	unsigned long flags;
	bool first;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->lock);
	first = !smmu->l2[index];
	if (first) {
		/* All of it is zero in memory before the hardware can find it. */
		dmah_host_wmb();
		pt_store_set(&smmu->strtab.cpu[index], table->phys | L1STD_SPAN);
		__atomic_store_n(&smmu->l2[index], table->cpu, __ATOMIC_RELEASE);
	}
	dmah_host_unlock(&smmu->lock);
	dmah_host_leave(flags);
	return first;
}

static int make_entry(struct dmah_smmuv3 *smmu, uint32_t sid, uint64_t **entry)
{
	struct dmah_smmuv3_area table;
	int err;

	*entry = entry_of(smmu, sid);
	if (*entry)
		return DMAH_OK;
	err = dmah_smmuv3_area_alloc(smmu, DMAH_PAGE_SIZE, &table);
	if (err)
		return err;
	if (!install(smmu, sid >> STRTAB_SPLIT, &table))
		dmah_smmuv3_area_free(&table);
	*entry = entry_of(smmu, sid);
	return DMAH_OK;
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
	       CD_VALID | CD_IPS(smmu->features >> SMMUV3_OAS_SHIFT & 7) | CD_AA64 | CD_RECORD |
	       CD_ABORT | CD_ASET | CD_ASID(tag);
}

/*
 * The same for every device of the domain. The tag's last owner has no device bound any more, so that nothing leads to
 * a descriptor that is rewritten here; what is cached of it goes with the entry of the stream that is bound next.
 */
static void write_context(struct dmah_smmuv3 *smmu, const struct dmah_pt_info *pt, uint32_t tag)
{
	uint64_t *cd = context_of(smmu, tag), word0 = context_word0(smmu, pt, tag);
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->lock);
	if (cd[0] != word0 || cd[1] != (pt->root & CD_TTB_MASK)) {
		cd[1] = pt->root & CD_TTB_MASK;
		cd[2] = 0;
		cd[3] = CD_MAIR_TYPES;
		dmah_host_wmb();
		pt_store_set(&cd[0], word0);
	}
	dmah_host_unlock(&smmu->lock);
	dmah_host_leave(flags);
}

/* ---- tags ---- */

int dmah_smmuv3_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag)
{
	struct dmah_smmuv3 *smmu = smmuv3_of(iommu);
	int err = DMAH_ENOSPC;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->lock);
	for (uint32_t t = 1; err && t <= smmu->ntags; t++) {
		uint64_t bit = 1ull << (t & 63), *word = &smmu->tags[t >> 6];

		if (*word & bit)
			continue;
		*word |= bit;
		*tag = t;
		err = DMAH_OK;
	}
	dmah_host_unlock(&smmu->lock);
	dmah_host_leave(flags);
	return err;
}

void dmah_smmuv3_tag_free(struct dmah_iommu *iommu, uint32_t tag)
{
	struct dmah_smmuv3 *smmu = smmuv3_of(iommu);
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->lock);
	pt_store_clear(context_of(smmu, tag), 0);
	smmu->tags[tag >> 6] &= ~(1ull << (tag & 63));
	dmah_host_unlock(&smmu->lock);
	dmah_host_leave(flags);
}

/* ---- devices that do not answer ---- */

static bool is_blocked(uint64_t word0)
{
	return word0 == (STE_VALID | STE_ABORT);
}

bool dmah_smmuv3_has_ats(const struct dmah_smmuv3 *smmu, uint32_t sid)
{
	const uint64_t *entry = sid >> smmu->sid_bits ? NULL : entry_of(smmu, sid);
	uint64_t word0 = entry ? __atomic_load_n(&entry[0], __ATOMIC_ACQUIRE) : 0;

	return word0 & STE_VALID && !is_blocked(word0) &&
	       __atomic_load_n(&entry[1], __ATOMIC_RELAXED) & STE1_EATS;
}

bool dmah_smmuv3_block_silent(struct dmah_smmuv3 *smmu, uint32_t sid)
{
	uint64_t *entry = sid >> smmu->sid_bits ? NULL : entry_of(smmu, sid);

	if (!entry || !(entry[0] & STE_VALID) || is_blocked(entry[0]))
		return false;
	pt_store_set(&entry[0], STE_VALID | STE_ABORT);
	__atomic_store_n(&entry[1], entry[1] | STE1_SILENT, __ATOMIC_RELAXED);
	return true;
}

bool dmah_smmuv3_isolated(struct dmah_iommu *iommu, struct dmah_device *dev)
{
	const struct dmah_smmuv3 *smmu = smmuv3_of(iommu);
	const uint64_t *entry = dev->id >> smmu->sid_bits ? NULL : entry_of(smmu, dev->id);

	return entry && is_blocked(__atomic_load_n(&entry[0], __ATOMIC_ACQUIRE)) &&
	       __atomic_load_n(&entry[1], __ATOMIC_RELAXED) & STE1_SILENT;
}

/* ---- binding ---- */

static bool has_ats(const struct dmah_smmuv3 *smmu, const struct dmah_device *dev)
{
	uint32_t flags = dev->limits.flags;

	return smmu->features & SMMUV3_ATS && flags & DMAH_DEV_ATS && !(flags & DMAH_DEV_UNTRUSTED);
}

/*
 * Section 5.2: the first two words of an entry that is not to block; the others are of stage 2. An untrusted device is refused ATS: with it,
 * it could name physical addresses.
 */
static void describe(const struct dmah_smmuv3 *smmu, const struct dmah_device *dev,
		     enum dmah_bind how, uint32_t tag, uint64_t word[2])
{
	word[0] = STE_VALID | STE_BYPASS;
	word[1] = STE1_SHCFG_SAME;
	if (how != DMAH_BIND_TRANSLATE)
		return;
	word[0] = STE_VALID | STE_STAGE1 |
		  (smmu->contexts.phys + tag * CD_WORDS * sizeof(uint64_t));
	word[1] |= (smmu->features & SMMUV3_COHERENT ? STE1_S1_CACHED : 0) |
		   (smmu->features & SMMUV3_STALLS ? STE1_S1STALLD : 0) |
		   (has_ats(smmu, dev) ? STE1_EATS : 0);
}

static bool can_bind(const struct dmah_smmuv3 *smmu, const struct dmah_device *dev,
		     enum dmah_bind how, const struct dmah_pt_info *pt, uint32_t tag)
{
	if (dev->id >> smmu->sid_bits)
		return false;
	return how != DMAH_BIND_TRANSLATE ||
	       (pt && pt->format == &dmah_pt_lpae_s1 && pt->va_bits <= smmu->iommu.va_bits && tag &&
		tag <= smmu->ntags);
}

/*
 * Make the hardware read an entry anew (section 3.21.3), which includes the context descriptor that it leads to. @tag: an
 * ASID to be forgotten. @ats: what the device keeps of translations.
 */
static int announce(struct dmah_smmuv3 *smmu, uint32_t sid, uint32_t tag, bool ats)
{
	struct smmuv3_cmd cmd[4] = { cfgi_ste(sid) };
	unsigned int n = 1;

	if (tag)
		cmd[n++] = smmuv3_tlbi_asid(tag);
	if (ats) {
		cmd[n++] = (struct smmuv3_cmd){ { OP_SYNC, 0 } };
		cmd[n++] = dmah_smmuv3_atc_inv(sid, 0, 0);
	}
	return dmah_smmuv3_run(smmu, cmd, n);
}

/*
 * The hardware may read the words of an entry at different times. It is made invalid, which blocks the stream, and known
 * to be so, before they change. The tag may have been another domain's before: nothing of that may be left when the
 * stream can use it.
 */
static int take_away(struct dmah_smmuv3 *smmu, uint64_t *entry, uint32_t sid, uint32_t tag)
{
	pt_store_clear(&entry[0], 0);
	return announce(smmu, sid, tag, false);
}

/* Valid, by one store, when all is written. A failure leaves the stream blocked. */
static int give(struct dmah_smmuv3 *smmu, uint64_t *entry, const uint64_t word[2], uint32_t sid,
		bool ats)
{
	int err;

	__atomic_store_n(&entry[1], word[1], __ATOMIC_RELAXED);
	dmah_host_wmb();
	pt_store_set(&entry[0], word[0]);
	err = announce(smmu, sid, 0, ats);
	if (!err)
		return DMAH_OK;
	/* A unit that has returned to service since then may have cached the entry. */
	pt_store_clear(&entry[0], 0);
	(void)announce(smmu, sid, 0, false);
	return err;
}

/* Aborting depends on no other word: one store does it, and it stays whatever the hardware answers. */
static int block(struct dmah_smmuv3 *smmu, uint64_t *entry, uint32_t sid, bool ats)
{
	int err;

	pt_store_set(&entry[0], STE_VALID | STE_ABORT);
	err = announce(smmu, sid, 0, ats);
	if (!err)
		entry[1] = 0;
	return err;
}

/* Returns true where the tag's context descriptor leads to this table. */
static bool is_context(const struct dmah_smmuv3 *smmu, const struct dmah_pt_info *pt, uint32_t tag)
{
	const uint64_t *cd = context_of(smmu, tag);

	return cd[0] == context_word0(smmu, pt, tag) && cd[1] == (pt->root & CD_TTB_MASK);
}

int dmah_smmuv3_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		     const struct dmah_pt_info *pt, uint32_t tag)
{
	struct dmah_smmuv3 *smmu = smmuv3_of(iommu);
	bool translate = how == DMAH_BIND_TRANSLATE, ats;
	uint64_t *entry, word[2];
	int err;

	if (!can_bind(smmu, dev, how, pt, tag))
		return DMAH_ENOTSUP;
	err = make_entry(smmu, dev->id, &entry);
	if (err)
		return err;
	ats = (entry[1] & STE1_EATS) != 0;
	if (how == DMAH_BIND_BLOCK)
		return block(smmu, entry, dev->id, ats);
	describe(smmu, dev, how, tag, word);
	if (dmah_smmuv3_isolated(iommu, dev))
		return DMAH_ETIMEDOUT;
	/* Another device of the domain has the stream too. */
	if (entry[0] == word[0] && !((entry[1] ^ word[1]) & ~STE1_EATS) &&
	    (!translate || is_context(smmu, pt, tag)))
		return ats && dev->limits.flags & DMAH_DEV_UNTRUSTED ? DMAH_EPERM : DMAH_OK;
	ats |= (word[1] & STE1_EATS) != 0;
	err = take_away(smmu, entry, dev->id, translate ? tag : 0);
	if (err)
		return err;
	if (translate)
		write_context(smmu, pt, tag);
	err = give(smmu, entry, word, dev->id, ats);
	if (!err && dmah_smmuv3_isolated(iommu, dev)) {
		/* The device did not answer while it was bound: it is not bound. */
		entry[1] = 0;
		err = DMAH_ETIMEDOUT;
	}
	return err;
}
