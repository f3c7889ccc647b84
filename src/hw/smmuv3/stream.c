/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The stream table (Arm IHI 0070, sections 3.3 and 5.2), and how its entries change.
 *
 * An entry names the domain's page table (context.c). There are no substreams. An entry that is not valid, and a part of
 * the table that is not there, block their streams.
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
	size_t size = ENTRY_BYTES << smmu->sid_bits;
	int err;

	if (smmu->features & SMMUV3_2LEVEL)
		size = sizeof(uint64_t) << (smmu->sid_bits - STRTAB_SPLIT);
	err = smmuv3_area_alloc(smmu, size, &smmu->strtab);
	return err ? err : dmah_smmuv3_contexts_init(smmu);
}

void dmah_smmuv3_streams_fini(struct dmah_smmuv3 *smmu)
{
	for (uint32_t i = 0; smmu->features & SMMUV3_2LEVEL && smmu->strtab.cpu &&
			     i < 1u << (smmu->sid_bits - STRTAB_SPLIT);
	     i++)
		if (smmu->l2[i])
			dmah_host_mem_free(smmu->strtab.cpu[i] & ~(uint64_t)(DMAH_PAGE_SIZE - 1),
					   DMAH_PAGE_SIZE);
	dmah_hw_area_free(&smmu->contexts);
	dmah_hw_area_free(&smmu->strtab);
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
static bool install(struct dmah_smmuv3 *smmu, uint32_t index, const struct dmah_unit_area *table)
{
	unsigned long flags;
	bool first;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	first = !smmu->l2[index];
	if (first) {
		/* All of it is zero in memory before the hardware can find it. */
		dmah_host_wmb();
		pt_store_set(&smmu->strtab.cpu[index], table->phys | L1STD_SPAN);
		__atomic_store_n(&smmu->l2[index], table->cpu, __ATOMIC_RELEASE);
	}
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	return first;
}

static int make_entry(struct dmah_smmuv3 *smmu, uint32_t sid, uint64_t **entry)
{
	struct dmah_unit_area table;
	int err;

	*entry = entry_of(smmu, sid);
	if (*entry)
		return DMAH_OK;
	err = smmuv3_area_alloc(smmu, DMAH_PAGE_SIZE, &table);
	if (err)
		return err;
	if (!install(smmu, sid >> STRTAB_SPLIT, &table))
		dmah_hw_area_free(&table);
	*entry = entry_of(smmu, sid);
	return DMAH_OK;
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

static bool can_bind(const struct dmah_smmuv3 *smmu, const struct dmah_device *dev,
		     enum dmah_bind how, const struct dmah_pt_info *pt, uint32_t tag)
{
	return !(dev->id >> smmu->sid_bits) &&
	       (how != DMAH_BIND_TRANSLATE || dmah_smmuv3_walks_table(smmu, pt, tag));
}

/*
 * Make the hardware read an entry anew (section 3.21.3), which includes the context descriptor that it leads to. @tag: an
 * tag to be forgotten. @ats: what the device keeps of translations.
 */
static int announce(struct dmah_smmuv3 *smmu, uint32_t sid, uint32_t tag, bool ats)
{
	struct smmuv3_cmd cmd[4] = { cfgi_ste(sid) };
	unsigned int n = 1;

	if (tag)
		cmd[n++] = smmuv3_tlbi_tag(smmu, tag);
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

static void write_details(uint64_t *entry, const uint64_t word[SMMUV3_STE_USED])
{
	for (unsigned int i = 1; i < SMMUV3_STE_USED; i++)
		pt_store_clear(&entry[i], word[i]);
	dmah_host_wmb();
}

/*
 * A stream that bypasses goes on doing so while the other words are written, which the hardware ignores until the first
 * word says otherwise (section 3.21.3): a device that firmware left running does not notice. They are known to be there
 * before that.
 */
static int prepare(struct dmah_smmuv3 *smmu, uint64_t *entry, const uint64_t word[SMMUV3_STE_USED],
		   uint32_t sid, uint32_t tag)
{
	int err;

	write_details(entry, word);
	err = announce(smmu, sid, tag, false);
	if (err)
		pt_store_clear(&entry[0], 0);
	return err;
}

/* Valid, by one store, when all is written. A failure leaves the stream blocked. */
static int give(struct dmah_smmuv3 *smmu, uint64_t *entry, const uint64_t word[SMMUV3_STE_USED],
		uint32_t sid, bool ats)
{
	int err;

	write_details(entry, word);
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

static bool is_same(const uint64_t *entry, const uint64_t word[SMMUV3_STE_USED])
{
	return entry[0] == word[0] && !((entry[1] ^ word[1]) & ~STE1_EATS) && entry[2] == word[2] &&
	       entry[3] == word[3];
}

int dmah_smmuv3_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		     const struct dmah_pt_info *pt, uint32_t tag)
{
	struct dmah_smmuv3 *smmu = smmuv3_of(iommu);
	bool translate = how == DMAH_BIND_TRANSLATE, ats;
	uint64_t *entry, word[SMMUV3_STE_USED];
	int err;

	if (!can_bind(smmu, dev, how, pt, tag))
		return DMAH_ENOTSUP;
	err = make_entry(smmu, dev->id, &entry);
	if (err)
		return err;
	ats = (entry[1] & STE1_EATS) != 0;
	if (how == DMAH_BIND_BLOCK)
		return block(smmu, entry, dev->id, ats);
	dmah_smmuv3_describe(smmu, dev, how, pt, tag, word);
	if (dmah_smmuv3_isolated(iommu, dev))
		return DMAH_ETIMEDOUT;
	/* Another device of the domain has the stream too. */
	if (is_same(entry, word) && (!translate || dmah_smmuv3_is_context(smmu, pt, tag)))
		return ats && dev->limits.flags & DMAH_DEV_UNTRUSTED ? DMAH_EPERM : DMAH_OK;
	ats |= (word[1] & STE1_EATS) != 0;
	if (translate && entry[0] == (STE_VALID | STE_BYPASS))
		err = prepare(smmu, entry, word, dev->id, tag);
	else
		err = take_away(smmu, entry, dev->id, translate ? tag : 0);
	if (err)
		return err;
	if (translate)
		dmah_smmuv3_write_context(smmu, pt, tag);
	err = give(smmu, entry, word, dev->id, ats);
	if (!err && dmah_smmuv3_isolated(iommu, dev)) {
		/* The device did not answer while it was bound: it is not bound. */
		entry[1] = 0;
		err = DMAH_ETIMEDOUT;
	}
	return err;
}

/* ---- streams that firmware left running ---- */

static int let_one_through(struct dmah_smmuv3 *smmu, uint32_t sid)
{
	uint64_t *entry;
	int err = make_entry(smmu, sid, &entry);

	if (err)
		return err;
	pt_store_clear(&entry[1], STE1_SHCFG_SAME);
	dmah_host_wmb();
	pt_store_set(&entry[0], STE_VALID | STE_BYPASS);
	return DMAH_OK;
}

int dmah_smmuv3_let_through(struct dmah_smmuv3 *smmu, const struct dmah_smmuv3_bypass *streams,
			    unsigned int n)
{
	int err = DMAH_OK;

	for (unsigned int i = 0; !err && i < n; i++) {
		uint64_t end = (uint64_t)streams[i].sid + streams[i].count,
			 most = 1ull << smmu->sid_bits;

		end = end < most ? end : most;
		for (uint64_t sid = streams[i].sid; !err && sid < end; sid++)
			err = let_one_through(smmu, (uint32_t)sid);
	}
	return err;
}
