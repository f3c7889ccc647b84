/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Device contexts (chapter Data Structures, Device-context): which page table a device's requests meet. A context that is not
 * valid, and a table that is not there, block the device.
 */
#include "hw/riscv/riscv.h"

/* Most commands of forget(). */
#define FORGET 5u

/* ---- a context's words ---- */

static bool wants_ats(const struct dmah_riscv *unit, const struct dmah_device *dev)
{
	return unit->cap & CAP_ATS && dev->limits.flags & DMAH_DEV_ATS &&
	       !(dev->limits.flags & DMAH_DEV_UNTRUSTED);
}

static bool tag_taken(const struct dmah_riscv *unit, uint32_t tag)
{
	return hw_tag_taken(unit->tags, unit->ntags, tag);
}

/* The mode of a table, where the unit can walk it; else 0. */
static unsigned int mode_of(const struct dmah_riscv *unit, const struct dmah_pt_info *pt)
{
	if (!pt || (pt->format != &dmah_pt_sv &&
		    (pt->format != &dmah_pt_sv_rsw || !(unit->cap & CAP_SVRSW60T59B))))
		return 0;
	switch (pt->va_bits) {
	case 38:
		return unit->cap & CAP_SV39 ? ATP_SV39 : 0;
	case 47:
		return unit->cap & CAP_SV48 ? ATP_SV48 : 0;
	case 56:
		return unit->cap & CAP_SV57 ? ATP_SV57 : 0;
	default:
		return 0;
	}
}

/* The context of a device that is not to be blocked. Return: 0, DMAH_ENOTSUP. */
static int describe(const struct dmah_riscv *unit, const struct dmah_device *dev,
		    enum dmah_bind how, const struct dmah_pt_info *pt, uint32_t tag,
		    uint64_t context[DC_WORDS])
{
	unsigned int mode = how == DMAH_BIND_TRANSLATE ? mode_of(unit, pt) : 0;

	if (dev->id >> unit->id_bits || !tag_taken(unit, tag))
		return DMAH_ENOTSUP;
	if (how == DMAH_BIND_TRANSLATE && !mode)
		return DMAH_ENOTSUP;
	__builtin_memset(context, 0, DC_WORDS * sizeof(*context));
	context[DC_TC] = TC_V;
	context[DC_TA] = TA_PSCID(tag);
	if (riscv_has_files(unit))
		dmah_riscv_files_context(unit, context);
	if (how != DMAH_BIND_TRANSLATE)
		return DMAH_OK;
	context[DC_TC] |= wants_ats(unit, dev) ? TC_EN_ATS : 0;
	context[DC_FSC] = ATP(mode, pt->root);
	return DMAH_OK;
}

/* Returns true where the context leads to the same table already, with ATS or without. */
static bool is_same(const struct dmah_riscv *unit, const uint64_t *at,
		    const uint64_t context[DC_WORDS])
{
	if (!(at[DC_TC] & TC_V) || (at[DC_TC] ^ context[DC_TC]) & ~TC_EN_ATS)
		return false;
	for (unsigned int i = 1; i < dmah_riscv_context_words(unit); i++)
		if (at[i] != context[i])
			return false;
	return true;
}

static bool allows_ats(uint64_t tc)
{
	return (tc & (TC_V | TC_EN_ATS)) == (TC_V | TC_EN_ATS);
}

/* ---- changes ---- */

/* Makes a context invalid by one store. @ta: kept there until the next bind. */
static void clear(struct dmah_riscv *unit, uint64_t *at, uint64_t ta)
{
	__atomic_store_n(&at[DC_TC], 0, __ATOMIC_RELAXED);
	dmah_host_wmb();
	__atomic_store_n(&at[DC_TA], ta, __ATOMIC_RELAXED);
	dmah_riscv_publish(unit, at);
}

static void write_context(struct dmah_riscv *unit, uint64_t *at, const uint64_t context[DC_WORDS])
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->tables);
	for (unsigned int i = 1; i < dmah_riscv_context_words(unit); i++)
		__atomic_store_n(&at[i], context[i], __ATOMIC_RELAXED);
	dmah_riscv_publish(unit, at);
	__atomic_store_n(&at[DC_TC], context[DC_TC], __ATOMIC_RELEASE);
	dmah_riscv_publish(unit, at);
	dmah_host_unlock(&unit->tables);
	dmah_host_leave(flags);
}

/*
 * Invalidates all that was cached of a context, and all that was reached through it (chapter Software guidelines, Changing
 * device directory table entry). The fence makes the unit forget the context first, or what is invalidated behind it could be
 * cached through the old context again.
 */
static unsigned int forget(const struct dmah_riscv *unit, uint32_t id, const uint64_t *context,
			   bool ats, struct riscv_command c[FORGET])
{
	bool bare = !ATP_MODE(context[DC_FSC]);
	unsigned int n = 0;

	c[n++] = dmah_riscv_context(unit, id);
	c[n++] = dmah_riscv_fence();
	c[n++] = bare ? dmah_riscv_all(unit) : dmah_riscv_space(unit, TA_PSCID_OF(context[DC_TA]));
	if (ats) {
		c[n++] = dmah_riscv_fence();
		c[n++] = dmah_riscv_ats(id, 0, 0);
	}
	return n;
}

/*
 * Blocks a device. The hardware may read the words of a context at different times, so that a valid one is made invalid, and
 * known to be so, before another is written.
 */
static int take_away(struct dmah_riscv *unit, uint32_t id, uint64_t *at, bool ats)
{
	struct riscv_command c[FORGET];
	unsigned int n = forget(unit, id, at, ats, c);
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->tables);
	clear(unit, at, 0);
	dmah_host_unlock(&unit->tables);
	dmah_host_leave(flags);
	return dmah_riscv_done(unit, c, n);
}

/* The tag may have been another domain's before: nothing of that may be left. A failure leaves the device blocked. */
static int give(struct dmah_riscv *unit, uint32_t id, uint64_t *at,
		const uint64_t context[DC_WORDS], bool ats)
{
	struct riscv_command c[FORGET];
	int err;

	write_context(unit, at, context);
	err = dmah_riscv_done(unit, c, forget(unit, id, context, ats, c));
	/* A unit that has returned to service since then may have cached the context. */
	if (err)
		(void)take_away(unit, id, at, false);
	return err;
}

static int block(struct dmah_riscv *unit, uint32_t id)
{
	uint64_t *at = dmah_riscv_context_of(unit, id);

	/* Nothing is valid there, so there is nothing to block. */
	return at ? take_away(unit, id, at, allows_ats(at[DC_TC])) : DMAH_OK;
}

int dmah_riscv_op_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		       const struct dmah_pt_info *pt, uint32_t tag)
{
	struct dmah_riscv *unit = riscv_of(iommu);
	uint64_t context[DC_WORDS], *at;
	bool ats;
	int err;

	if (how == DMAH_BIND_BLOCK)
		return dev->id >> unit->id_bits ? DMAH_ENOTSUP : block(unit, dev->id);
	err = describe(unit, dev, how, pt, tag, context);
	if (err)
		return err;
	if (dmah_riscv_op_isolated(iommu, dev))
		return DMAH_ETIMEDOUT;
	err = dmah_riscv_make_context(unit, dev->id, &at);
	if (err)
		return err;
	/* Another device of the domain has the id too. */
	if (is_same(unit, at, context))
		return allows_ats(at[DC_TC]) && dev->limits.flags & DMAH_DEV_UNTRUSTED ? DMAH_EPERM
										       : DMAH_OK;
	/* The device's TLB may be filled from a bind that failed. */
	ats = allows_ats(context[DC_TC]);
	if (at[DC_TC] & TC_V)
		err = take_away(unit, dev->id, at, allows_ats(at[DC_TC]));
	if (!err)
		err = give(unit, dev->id, at, context, ats);
	if (!err && dmah_riscv_op_isolated(iommu, dev)) {
		/* The device did not answer while it was bound: it is not bound. */
		(void)take_away(unit, dev->id, at, false);
		err = DMAH_ETIMEDOUT;
	}
	return err;
}

/* ---- devices that do not answer ---- */

bool dmah_riscv_has_ats(const struct dmah_riscv *unit, uint32_t id)
{
	const uint64_t *at = dmah_riscv_context_of(unit, id);

	return at && allows_ats(__atomic_load_n(&at[DC_TC], __ATOMIC_RELAXED));
}

bool dmah_riscv_block_silent(struct dmah_riscv *unit, uint32_t id)
{
	uint64_t *at = dmah_riscv_context_of(unit, id);
	bool was_bound;

	if (!at)
		return false;
	dmah_host_lock(&unit->tables);
	was_bound = at[DC_TC] & TC_V;
	if (was_bound)
		clear(unit, at, TA_SILENT);
	dmah_host_unlock(&unit->tables);
	return was_bound;
}

bool dmah_riscv_op_isolated(struct dmah_iommu *iommu, struct dmah_device *dev)
{
	const uint64_t *at = dmah_riscv_context_of(riscv_of(iommu), dev->id);

	return at && !(__atomic_load_n(&at[DC_TC], __ATOMIC_ACQUIRE) & TC_V) &&
	       __atomic_load_n(&at[DC_TA], __ATOMIC_RELAXED) & TA_SILENT;
}

/* ---- tags: process soft-context ids ---- */

int dmah_riscv_op_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag)
{
	struct dmah_riscv *unit = riscv_of(iommu);

	return dmah_hw_tag_alloc(unit->tags, unit->ntags, &unit->tables, tag);
}

void dmah_riscv_op_tag_free(struct dmah_iommu *iommu, uint32_t tag)
{
	struct dmah_riscv *unit = riscv_of(iommu);

	dmah_hw_tag_free(unit->tags, &unit->tables, tag);
}
