/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Streams: S2CR registers say where a stream leads to, and SMR registers, where the unit matches ids, which stream an S2CR is
 * for (Arm IHI 0062, sections 2.3 and 9.6). A stream that no SMR matches faults, as CR0 says; one that two match faults too,
 * so that the second binding of an id is refused.
 */
#include "hw/smmuv2/smmuv2.h"

static uint32_t sid_of(uint32_t id)
{
	return id & 0xffff;
}

static uint32_t mask_of(uint32_t id)
{
	return id >> 16;
}

/* Returns true where one stream is matched by both. */
static bool overlaps(uint32_t a, uint32_t b)
{
	return !((sid_of(a) ^ sid_of(b)) & ~(mask_of(a) | mask_of(b)));
}

/* ---- registers; the lock is held ---- */

static void write_target(const struct dmah_smmuv2 *smmu, unsigned int n)
{
	const struct dmah_smmuv2_stream *s = &smmu->stream[n];

	dmah_host_write32(dmah_smmuv2_global(smmu, GR_S2CR(n)), S2CR_OF(s->how, s->bank));
}

static void write_match(const struct dmah_smmuv2 *smmu, unsigned int n)
{
	const struct dmah_smmuv2_stream *s = &smmu->stream[n];

	if (smmuv2_has(smmu, SMMUV2_MATCHING))
		dmah_host_write32(dmah_smmuv2_global(smmu, GR_SMR(n)), s->used ? SMR_OF(s->id) : 0);
}

void dmah_smmuv2_streams_write(const struct dmah_smmuv2 *smmu)
{
	for (unsigned int n = 0; n < smmu->nstreams; n++) {
		write_target(smmu, n);
		write_match(smmu, n);
	}
}

static void remember(struct dmah_smmuv2 *smmu, struct dmah_smmuv2_stream *s, unsigned int how,
		     unsigned int bank)
{
	if (s->how == S2CR_TRANSLATE)
		smmu->bank[s->bank].streams--;
	if (how == S2CR_TRANSLATE)
		smmu->bank[bank].streams++;
	s->how = (uint8_t)how;
	s->bank = (uint8_t)bank;
}

/* Leads a stream somewhere else by one write. */
static void lead(struct dmah_smmuv2 *smmu, struct dmah_smmuv2_stream *s, unsigned int how,
		 unsigned int bank)
{
	remember(smmu, s, how, bank);
	write_target(smmu, (unsigned int)(s - smmu->stream));
}

static void drop(struct dmah_smmuv2 *smmu, struct dmah_smmuv2_stream *s)
{
	lead(smmu, s, S2CR_FAULT, 0);
	s->used = false;
	write_match(smmu, (unsigned int)(s - smmu->stream));
}

/* ---- which register ---- */

static struct dmah_smmuv2_stream *find(struct dmah_smmuv2 *smmu, uint32_t id)
{
	for (unsigned int n = 0; n < smmu->nstreams; n++)
		if (smmu->stream[n].used && smmu->stream[n].id == id)
			return &smmu->stream[n];
	return NULL;
}

static struct dmah_smmuv2_stream *unused(struct dmah_smmuv2 *smmu, uint32_t id)
{
	if (!smmuv2_has(smmu, SMMUV2_MATCHING))
		return sid_of(id) < smmu->nstreams ? &smmu->stream[sid_of(id)] : NULL;
	for (unsigned int n = 0; n < smmu->nstreams; n++)
		if (!smmu->stream[n].used)
			return &smmu->stream[n];
	return NULL;
}

static bool is_matched(const struct dmah_smmuv2 *smmu, uint32_t id)
{
	for (unsigned int n = 0; n < smmu->nstreams; n++)
		if (smmu->stream[n].used && overlaps(smmu->stream[n].id, id))
			return true;
	return false;
}

static bool is_id(const struct dmah_smmuv2 *smmu, uint32_t id)
{
	uint32_t mask = mask_of(id);

	if (!smmuv2_has(smmu, SMMUV2_MATCHING))
		return !mask && sid_of(id) < smmu->nstreams;
	return !((sid_of(id) | mask) >> smmu->id_bits);
}

/* Takes a register for a stream that has none yet, and leads the stream nowhere. Return: NULL: there is none left. */
static struct dmah_smmuv2_stream *take(struct dmah_smmuv2 *smmu, uint32_t id)
{
	struct dmah_smmuv2_stream *s = unused(smmu, id);

	if (!s)
		return NULL;
	s->id = id;
	s->used = true;
	lead(smmu, s, S2CR_FAULT, 0);
	return s;
}

uint32_t dmah_smmuv2_bound_id(const struct dmah_smmuv2 *smmu, uint32_t sid)
{
	for (unsigned int n = 0; n < smmu->nstreams; n++)
		if (smmu->stream[n].used && overlaps(smmu->stream[n].id, sid))
			return smmu->stream[n].id;
	return sid;
}

bool dmah_smmuv2_leads(const struct dmah_smmuv2 *smmu, uint32_t sid, unsigned int bank)
{
	for (unsigned int n = 0; n < smmu->nstreams; n++)
		if (smmu->stream[n].used && smmu->stream[n].how == S2CR_TRANSLATE &&
		    smmu->stream[n].bank == bank && overlaps(smmu->stream[n].id, sid))
			return true;
	return false;
}

/* ---- taking over ---- */

static bool is_bypassed(const struct dmah_smmuv2_config *config, uint32_t sid)
{
	for (unsigned int i = 0; i < config->nbypass; i++)
		if (sid >= config->bypass[i].sid &&
		    sid - config->bypass[i].sid < config->bypass[i].count)
			return true;
	return false;
}

/*
 * Keeps the register by which firmware matches a stream that is to be let through: the stream sees no gap, as its S2CR alone
 * changes. A mask of firmware's is narrowed to the one stream.
 */
static bool keep(struct dmah_smmuv2 *smmu, const struct dmah_smmuv2_config *config, unsigned int n)
{
	uint32_t smr = dmah_host_read32(dmah_smmuv2_global(smmu, GR_SMR(n)));
	struct dmah_smmuv2_stream *s = &smmu->stream[n];

	if (!(smr & SMR_VALID) || !is_bypassed(config, SMR_ID(smr)) ||
	    is_matched(smmu, SMR_ID(smr)))
		return false;
	s->id = SMR_ID(smr);
	s->used = true;
	s->how = S2CR_BYPASS;
	write_target(smmu, n);
	write_match(smmu, n);
	return true;
}

static int let_through(struct dmah_smmuv2 *smmu, uint32_t sid)
{
	struct dmah_smmuv2_stream *s;

	if (is_matched(smmu, sid))
		return DMAH_OK;
	s = take(smmu, sid);
	if (!s)
		return DMAH_ENOSPC;
	lead(smmu, s, S2CR_BYPASS, 0);
	write_match(smmu, (unsigned int)(s - smmu->stream));
	return DMAH_OK;
}

/* Streams that the unit cannot have are left out: a larger number would be an id with a mask. */
static int let_all_through(struct dmah_smmuv2 *smmu, const struct dmah_smmuv2_bypass *range)
{
	uint64_t end = (uint64_t)range->sid + range->count;
	int err = DMAH_OK;

	for (uint32_t sid = range->sid; !err && sid < end && sid == sid_of(sid) && is_id(smmu, sid);
	     sid++)
		err = let_through(smmu, sid);
	return err;
}

int dmah_smmuv2_streams_block(struct dmah_smmuv2 *smmu, const struct dmah_smmuv2_config *config)
{
	bool matching = smmuv2_has(smmu, SMMUV2_MATCHING);
	int err = DMAH_OK;

	for (unsigned int n = 0; n < smmu->nstreams; n++) {
		struct dmah_smmuv2_stream *s = &smmu->stream[n];

		*s = (struct dmah_smmuv2_stream){ .id = n, .how = S2CR_FAULT };
		if (matching && keep(smmu, config, n))
			continue;
		/* An index is its own stream: there is nothing to match. */
		if (!matching && is_bypassed(config, n))
			*s = (struct dmah_smmuv2_stream){ .id = n,
							  .how = S2CR_BYPASS,
							  .used = true };
		write_target(smmu, n);
		write_match(smmu, n);
	}
	for (unsigned int i = 0; !err && i < config->nbypass; i++)
		err = let_all_through(smmu, &config->bypass[i]);
	return err;
}

/* ---- bind ---- */

static int refuse(const struct dmah_device *dev, const char *why)
{
	dmah_host_report(dev, DMAH_ENOTSUP, why, dev->id, NULL);
	return DMAH_ENOTSUP;
}

static bool is_table(const struct dmah_smmuv2_bank *b, const struct dmah_pt_info *pt)
{
	return b->pt.levels && b->pt.root == pt->root && b->pt.va_bits == pt->va_bits;
}

/*
 * Makes a bank ready for @pt. Where streams of the same domain lead to the bank, and the table has become wider, they are
 * blocked first: the caller waits, and calls write_stale() then.
 */
static void prepare(struct dmah_smmuv2 *smmu, unsigned int bank, const struct dmah_pt_info *pt)
{
	struct dmah_smmuv2_bank *b = &smmu->bank[bank];

	if (is_table(b, pt) && b->streams)
		return;
	for (unsigned int n = 0; b->streams && n < smmu->nstreams; n++)
		if (smmu->stream[n].how == S2CR_TRANSLATE && smmu->stream[n].bank == bank)
			dmah_host_write32(dmah_smmuv2_global(smmu, GR_S2CR(n)),
					  S2CR_OF(S2CR_FAULT, 0));
	dmah_smmuv2_forget(smmu, bank);
	b->pt = *pt;
	b->stale = b->streams != 0;
	if (!b->stale)
		dmah_smmuv2_bank_write(smmu, bank);
}

void dmah_smmuv2_write_stale(struct dmah_smmuv2 *smmu, unsigned int bank)
{
	if (!smmu->bank[bank].stale)
		return;
	dmah_smmuv2_bank_write(smmu, bank);
	smmu->bank[bank].stale = false;
	for (unsigned int n = 0; n < smmu->nstreams; n++)
		if (smmu->stream[n].how == S2CR_TRANSLATE && smmu->stream[n].bank == bank)
			write_target(smmu, n);
}

/* Rewrites a bank whose streams are blocked in hardware. */
static int rewrite(struct dmah_smmuv2 *smmu, unsigned int bank)
{
	unsigned long flags;
	int err = dmah_smmuv2_sync(smmu);

	if (err)
		return err;
	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	dmah_smmuv2_write_stale(smmu, bank);
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	return DMAH_OK;
}

/* Call with the lock held. Return: the reason why the stream cannot be led there; NULL: it is. */
static const char *lead_to(struct dmah_smmuv2 *smmu, uint32_t id, unsigned int how,
			   unsigned int bank, const struct dmah_pt_info *pt)
{
	struct dmah_smmuv2_stream *s = find(smmu, id);
	bool was_known = s != NULL;

	if (!s && is_matched(smmu, id))
		return "the SMMU matches a stream id that another device's mask covers";
	if (!s)
		s = take(smmu, id);
	if (!s)
		return "the SMMU has no stream mapping register left";
	if (how == S2CR_TRANSLATE)
		prepare(smmu, bank, pt);
	if (how == S2CR_TRANSLATE && smmu->bank[bank].stale)
		remember(smmu, s, how, bank);
	else
		lead(smmu, s, how, bank);
	if (!was_known)
		write_match(smmu, (unsigned int)(s - smmu->stream));
	return NULL;
}

/* Leads a stream nowhere. Returns the bank that it leaves without any stream, or -1. */
static int lead_away(struct dmah_smmuv2 *smmu, uint32_t id)
{
	struct dmah_smmuv2_stream *s;
	unsigned long flags;
	int bank = -1;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	s = find(smmu, id);
	if (s && s->how == S2CR_TRANSLATE)
		bank = s->bank;
	if (s)
		drop(smmu, s);
	/* Transactions under way are waited for with what they may have cached. */
	if (bank >= 0) {
		dmah_smmuv2_stall_end(smmu, (unsigned int)bank);
		dmah_smmuv2_forget(smmu, (unsigned int)bank);
	} else if (s)
		dmah_smmuv2_forget_all(smmu);
	if (bank >= 0 && smmu->bank[bank].streams)
		bank = -1;
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	return bank;
}

static int block(struct dmah_smmuv2 *smmu, uint32_t id)
{
	int bank = lead_away(smmu, id), err;
	unsigned long flags;

	err = dmah_smmuv2_sync(smmu);
	if (err || bank < 0)
		return err;
	/* Nothing is walked by a table that its owner may free. */
	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	if (!smmu->bank[bank].streams)
		dmah_smmuv2_bank_off(smmu, (unsigned int)bank);
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	return DMAH_OK;
}

static bool is_bound(struct dmah_smmuv2 *smmu, uint32_t id, unsigned int how, unsigned int bank,
		     const struct dmah_pt_info *pt)
{
	const struct dmah_smmuv2_stream *s = find(smmu, id);

	if (!s || s->how != how)
		return false;
	return how != S2CR_TRANSLATE || (s->bank == bank && is_table(&smmu->bank[bank], pt));
}

static int unblock(struct dmah_smmuv2 *smmu, struct dmah_device *dev, unsigned int how,
		   unsigned int bank, const struct dmah_pt_info *pt)
{
	const char *why = NULL;
	bool stale = false, bound;
	unsigned long flags;
	int err = DMAH_OK;

	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->state.lock);
	bound = is_bound(smmu, dev->id, how, bank, pt);
	if (!bound)
		why = lead_to(smmu, dev->id, how, bank, pt);
	stale = how == S2CR_TRANSLATE && smmu->bank[bank].stale;
	dmah_host_unlock(&smmu->state.lock);
	dmah_host_leave(flags);
	if (bound)
		return DMAH_OK;
	if (why)
		return refuse(dev, why);
	if (stale)
		err = rewrite(smmu, bank);
	/* The bank's last owner has left nothing in the TLB when the device may rely on it. */
	if (!err)
		err = dmah_smmuv2_sync(smmu);
	if (err)
		(void)lead_away(smmu, dev->id);
	return err;
}

int dmah_smmuv2_op_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
			const struct dmah_pt_info *pt, uint32_t tag)
{
	struct dmah_smmuv2 *smmu = smmuv2_of(iommu);

	if (!is_id(smmu, dev->id))
		return DMAH_ENOTSUP;
	if (hw_failed(&smmu->state) && !dmah_smmuv2_check(smmu)) {
		/* The register is written all the same: the unit may merely be late with its answers. */
		if (how == DMAH_BIND_BLOCK)
			(void)lead_away(smmu, dev->id);
		return DMAH_ETIMEDOUT;
	}
	if (how == DMAH_BIND_BLOCK)
		return block(smmu, dev->id);
	if (how == DMAH_BIND_PASSTHROUGH)
		return unblock(smmu, dev, S2CR_BYPASS, 0, NULL);
	if (!dmah_smmuv2_walks(smmu, pt) || !tag || smmuv2_bank_of(tag) >= smmu->nbanks ||
	    !smmu->bank[smmuv2_bank_of(tag)].taken)
		return DMAH_ENOTSUP;
	return unblock(smmu, dev, S2CR_TRANSLATE, smmuv2_bank_of(tag), pt);
}
