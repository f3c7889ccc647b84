/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Root and context tables (section 9.1, Root Entry, and 9.3, Context Entry): which page table a device's requests meet.
 * And domain ids, by which the hardware tells what it has cached.
 */
#include "hw/vtd/vtd.h"

#define BUSES 256u
/* Most commands of forget(). */
#define FORGET 6u

unsigned int dmah_vtd_levels(const struct dmah_vtd *vtd, unsigned int va_bits)
{
	unsigned int levels = va_bits == 39 ? 3 : va_bits == 48 ? 4 : va_bits == 57 ? 5 : 0;

	return levels && CAP_SAGAW(vtd->cap) >> (levels - 2) & 1 ? levels : 0;
}

/* ---- tables ---- */

/* Write an entry back where the hardware reads past the caches. An entry lies within one line, so it goes whole. */
static void publish(const struct dmah_vtd *vtd, const uint64_t *entry)
{
	dmah_phys_t phys = dmah_host_virt_to_phys(entry);

	if (!(vtd->ecap & ECAP_C))
		dmah_host_cache(DMAH_CACHE_CLEAN, phys & ~(dmah_phys_t)63, 64);
	dmah_host_wmb();
}

static uint64_t *table_of(const struct dmah_vtd *vtd, unsigned int bus)
{
	uint64_t entry = __atomic_load_n(&vtd->root[bus * 2], __ATOMIC_ACQUIRE);

	return entry & ENTRY_P ? dmah_host_table_virt(entry & ENTRY_ADDR) : NULL;
}

static void clean_table(const struct dmah_vtd *vtd, const uint64_t *table)
{
	if (!(vtd->ecap & ECAP_C))
		dmah_host_cache(DMAH_CACHE_CLEAN, dmah_host_virt_to_phys(table), DMAH_PAGE_SIZE);
}

/* A table of entries that are not present, for a bus that has none yet; another CPU may be first. */
static int make_table(struct dmah_vtd *vtd, unsigned int bus)
{
	uint64_t *table;
	unsigned long flags;

	if (table_of(vtd, bus))
		return DMAH_OK;
	table = dmah_host_page_alloc(0);
	if (!table)
		return DMAH_ENOMEM;
	clean_table(vtd, table);
	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->tables);
	if (!table_of(vtd, bus)) {
		dmah_host_wmb();
		__atomic_store_n(&vtd->root[bus * 2], dmah_host_virt_to_phys(table) | ENTRY_P,
				 __ATOMIC_RELEASE);
		publish(vtd, &vtd->root[bus * 2]);
		table = NULL;
	}
	dmah_host_unlock(&vtd->tables);
	dmah_host_leave(flags);
	if (table)
		dmah_host_page_free(table);
	return DMAH_OK;
}

void dmah_vtd_tables_free(struct dmah_vtd *vtd)
{
	for (unsigned int bus = 0; bus < BUSES; bus++) {
		uint64_t *table = table_of(vtd, bus);

		if (table)
			dmah_host_page_free(table);
	}
	dmah_host_page_free(vtd->root);
	vtd->root = NULL;
}

/* ---- binding ---- */

/* The widest table that the unit walks: what a passthrough entry must say. */
static unsigned int widest(const struct dmah_vtd *vtd)
{
	unsigned int sagaw = CAP_SAGAW(vtd->cap) & 0xe;

	return sagaw & 8 ? 5 : sagaw & 4 ? 4 : 3;
}

static bool wants_ats(const struct dmah_vtd *vtd, const struct dmah_device *dev)
{
	return vtd->ecap & ECAP_DT && dev->limits.flags & DMAH_DEV_ATS &&
	       !(dev->limits.flags & DMAH_DEV_UNTRUSTED);
}

static bool tag_taken(const struct dmah_vtd *vtd, uint32_t tag)
{
	return tag && tag < vtd->ntags && vtd->tags[tag / 64] >> tag % 64 & 1;
}

/* The context entry. Return: 0, DMAH_ENOTSUP. */
static int make_entry(const struct dmah_vtd *vtd, const struct dmah_device *dev, enum dmah_bind how,
		      const struct dmah_pt_info *pt, uint32_t tag, uint64_t entry[2])
{
	entry[0] = entry[1] = 0;
	if (dev->id > 0xffff)
		return DMAH_ENOTSUP;
	if (how == DMAH_BIND_BLOCK)
		return DMAH_OK;
	if (!tag_taken(vtd, tag))
		return DMAH_ENOTSUP;
	if (how == DMAH_BIND_PASSTHROUGH) {
		entry[0] = CONTEXT_TT_PASS | ENTRY_P;
		entry[1] = CONTEXT_HI(tag, widest(vtd));
		return vtd->ecap & ECAP_PT ? DMAH_OK : DMAH_ENOTSUP;
	}
	if (!pt || pt->format != &dmah_pt_vtd_ss || !pt->levels ||
	    dmah_vtd_levels(vtd, pt->va_bits) != pt->levels)
		return DMAH_ENOTSUP;
	entry[0] = (pt->root & ENTRY_ADDR) | (wants_ats(vtd, dev) ? CONTEXT_TT_ATS : 0) | ENTRY_P;
	entry[1] = CONTEXT_HI(tag, pt->levels);
	return DMAH_OK;
}

static uint64_t *entry_of(const struct dmah_vtd *vtd, uint32_t id)
{
	uint64_t *table = id > 0xffff ? NULL : table_of(vtd, id >> 8);

	return table ? &table[(id & 0xff) * 2] : NULL;
}

static bool allows_ats(uint64_t low)
{
	return low & ENTRY_P && (low & 3u << 2) == CONTEXT_TT_ATS;
}

/* Not present while it changes: the hardware never sees one half of each. Call with the tables' lock held. */
static void write_entry(struct dmah_vtd *vtd, uint64_t *at, uint64_t low, uint64_t high)
{
	__atomic_store_n(&at[0], 0, __ATOMIC_RELAXED);
	dmah_host_wmb();
	__atomic_store_n(&at[1], high, __ATOMIC_RELAXED);
	dmah_host_wmb();
	__atomic_store_n(&at[0], low, __ATOMIC_RELAXED);
	publish(vtd, at);
}

/* Returns the domain id that was in the entry, or 0. */
static uint32_t set_entry(struct dmah_vtd *vtd, uint64_t *at, const uint64_t entry[2], bool *ats)
{
	unsigned long flags;
	uint64_t old[2];

	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->tables);
	old[0] = at[0];
	old[1] = at[1];
	write_entry(vtd, at, entry[0], entry[1]);
	dmah_host_unlock(&vtd->tables);
	dmah_host_leave(flags);
	*ats = allows_ats(old[0]);
	return old[0] & ENTRY_P ? CONTEXT_DID(old[1]) : 0;
}

/*
 * Invalidates all that was cached of the old entry, and all that was reached through it. The fence makes the context
 * cache forget first, or the IOTLB could be filled through the old context again. In caching mode an entry that is not
 * present may be cached too, under domain id 0 (section 6.1, Caching Mode).
 */
static unsigned int forget(const struct dmah_vtd *vtd, const struct dmah_device *dev, uint32_t old,
			   uint32_t tag, bool ats, struct vtd_command c[FORGET])
{
	unsigned int n = 0;

	c[n].lo = QI_CONTEXT | QI_CONTEXT_DEV | QI_DID(old) | QI_SID(dev->id);
	c[n++].hi = 0;
	if (old || tag)
		c[n++] = dmah_vtd_fence(vtd);
	if (old)
		c[n++] = dmah_vtd_iotlb(vtd, old, 0, 0, true);
	if (tag && tag != old)
		c[n++] = dmah_vtd_iotlb(vtd, tag, 0, 0, true);
	if (ats) {
		c[n++] = dmah_vtd_fence(vtd);
		c[n++] = dmah_vtd_devtlb(dev->id, 0, 0);
	}
	return n;
}

/*
 * Blocks a device that could not be bound, so that nothing leads to its page table. A unit that did not answer may have
 * returned to service since then, and have cached the entry, so the invalidations are posted once more. A unit that has failed
 * invalidates everything when it comes back.
 */
static void take_back(struct dmah_vtd *vtd, const struct dmah_device *dev, uint64_t *at)
{
	static const uint64_t blocked[2];
	struct vtd_command c[FORGET];
	uint32_t tag;
	bool ats;

	tag = set_entry(vtd, at, blocked, &ats);
	(void)dmah_vtd_done(vtd, c, forget(vtd, dev, tag, 0, false, c));
}

/* Returns true where the entry leads to the same table already, with ATS or without. */
static bool is_same(const uint64_t *at, const uint64_t entry[2])
{
	return at[0] & ENTRY_P && !((at[0] ^ entry[0]) & ~CONTEXT_TT_ATS) && at[1] == entry[1];
}

int dmah_vtd_op_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		     const struct dmah_pt_info *pt, uint32_t tag)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	struct vtd_command c[FORGET];
	uint64_t entry[2], *at;
	bool ats;
	uint32_t old;
	int err;

	if (make_entry(vtd, dev, how, pt, tag, entry))
		return DMAH_ENOTSUP;
	/* Nothing is present there, so there is nothing to block. */
	if (how == DMAH_BIND_BLOCK && !entry_of(vtd, dev->id))
		return DMAH_OK;
	if (how != DMAH_BIND_BLOCK && dmah_vtd_op_isolated(iommu, dev))
		return DMAH_ETIMEDOUT;
	if (make_table(vtd, dev->id >> 8))
		return DMAH_ENOMEM;
	at = entry_of(vtd, dev->id);
	/* Another device of the domain has the id too. */
	if (how != DMAH_BIND_BLOCK && is_same(at, entry))
		return allows_ats(at[0]) && dev->limits.flags & DMAH_DEV_UNTRUSTED ? DMAH_EPERM
										   : DMAH_OK;
	old = set_entry(vtd, at, entry, &ats);
	/* The device's TLB may be filled from a bind that failed. */
	ats |= allows_ats(entry[0]);
	err = dmah_vtd_done(vtd, c,
			    forget(vtd, dev, old, how == DMAH_BIND_BLOCK ? 0 : tag, ats, c));
	if (!err && dmah_vtd_op_isolated(iommu, dev))
		err = DMAH_ETIMEDOUT;
	if (err && how != DMAH_BIND_BLOCK)
		take_back(vtd, dev, at);
	return err;
}

/* ---- devices that do not answer ---- */

bool dmah_vtd_has_ats(const struct dmah_vtd *vtd, uint32_t id)
{
	const uint64_t *at = entry_of(vtd, id);

	return at && allows_ats(__atomic_load_n(&at[0], __ATOMIC_RELAXED));
}

bool dmah_vtd_block_silent(struct dmah_vtd *vtd, uint32_t id)
{
	uint64_t *at = entry_of(vtd, id);
	bool was_bound;

	if (!at)
		return false;
	dmah_host_lock(&vtd->tables);
	was_bound = at[0] & ENTRY_P;
	if (was_bound)
		write_entry(vtd, at, 0, CONTEXT_SILENT);
	dmah_host_unlock(&vtd->tables);
	return was_bound;
}

bool dmah_vtd_op_isolated(struct dmah_iommu *iommu, struct dmah_device *dev)
{
	const uint64_t *at = entry_of(vtd_of(iommu), dev->id);

	return at && !(__atomic_load_n(&at[0], __ATOMIC_ACQUIRE) & ENTRY_P) &&
	       __atomic_load_n(&at[1], __ATOMIC_RELAXED) & CONTEXT_SILENT;
}

/* ---- domain ids ---- */

int dmah_vtd_op_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	uint32_t n = (vtd->ntags + 63) / 64, i = 0;
	int err = DMAH_ENOSPC;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->tables);
	while (i < n && !~vtd->tags[i])
		i++;
	if (i < n) {
		*tag = i * 64 + (uint32_t)__builtin_ctzll(~vtd->tags[i]);
		err = *tag < vtd->ntags ? DMAH_OK : DMAH_ENOSPC;
	}
	if (!err)
		vtd->tags[i] |= 1ull << *tag % 64;
	dmah_host_unlock(&vtd->tables);
	dmah_host_leave(flags);
	return err;
}

void dmah_vtd_op_tag_free(struct dmah_iommu *iommu, uint32_t tag)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->tables);
	vtd->tags[tag / 64] &= ~(1ull << tag % 64);
	dmah_host_unlock(&vtd->tables);
	dmah_host_leave(flags);
}
