/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Root and context tables (sections 9.1 to 9.4): which page table a device's requests meet. And domain ids, by which the
 * hardware tells what it has cached.
 *
 * A root entry leads to one context table; in scalable mode to two, for the lower and the upper half of a bus, whose
 * entries are twice as long and lead to a PASID entry (pasid.c).
 */
#include "hw/vtd/vtd.h"

#define ROOT_WORDS (DMAH_PAGE_SIZE / sizeof(uint64_t))
#define CONTEXTS   128u /* in a table of scalable mode */
/* Most commands of forget(). */
#define FORGET 9u

unsigned int dmah_vtd_levels(const struct dmah_vtd *vtd, unsigned int va_bits)
{
	unsigned int levels = va_bits == 39 ? 3 : va_bits == 48 ? 4 : va_bits == 57 ? 5 : 0;

	return levels && CAP_SAGAW(vtd->cap) >> (levels - 2) & 1 ? levels : 0;
}

uint64_t dmah_vtd_root(const struct dmah_vtd *vtd)
{
	return vtd->root_phys | (vtd->scalable ? RTADDR_SCALABLE : 0);
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

/* Returns the place in the root table that leads to the context table of a device. */
static uint64_t *root_of(const struct dmah_vtd *vtd, uint32_t id)
{
	return &vtd->root[(id >> 8) * 2 + (vtd->scalable ? id >> 7 & 1 : 0)];
}

static uint64_t *table_at(const uint64_t *root)
{
	uint64_t entry = __atomic_load_n(root, __ATOMIC_ACQUIRE);

	return entry & ENTRY_P ? dmah_host_table_virt(entry & ENTRY_ADDR) : NULL;
}

static void clean_table(const struct dmah_vtd *vtd, const uint64_t *table)
{
	if (!(vtd->ecap & ECAP_C))
		dmah_host_cache(DMAH_CACHE_CLEAN, dmah_host_virt_to_phys(table), DMAH_PAGE_SIZE);
}

/* A table of entries that are not present, for a device that has none yet; another CPU may be first. */
static int make_table(struct dmah_vtd *vtd, uint32_t id)
{
	uint64_t *table, *root = root_of(vtd, id);
	unsigned long flags;

	if (table_at(root))
		return DMAH_OK;
	table = dmah_host_page_alloc(0);
	if (!table)
		return DMAH_ENOMEM;
	clean_table(vtd, table);
	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->tables);
	if (!table_at(root)) {
		dmah_host_wmb();
		__atomic_store_n(root, dmah_host_virt_to_phys(table) | ENTRY_P, __ATOMIC_RELEASE);
		publish(vtd, root);
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
	for (unsigned int i = 0; i < ROOT_WORDS; i++) {
		uint64_t *table = table_at(&vtd->root[i]);

		for (unsigned int k = 0; table && vtd->scalable && k < CONTEXTS; k++)
			dmah_vtd_pasid_free(&table[k * 4]);
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

/* struct entry - a context entry, and the PASID entry that it leads to in scalable mode. */
struct entry {
	uint64_t context[2];
	uint64_t pasid[VTD_PASID_WORDS];
};

static bool walks_table(const struct dmah_vtd *vtd, const struct dmah_pt_info *pt)
{
	if (!pt || pt->format != vtd->iommu.formats[0] || !pt->levels)
		return false;
	return vtd->first_stage ? pt->levels == 4 || (pt->levels == 5 && vtd->cap & CAP_FS5LP)
				: dmah_vtd_levels(vtd, pt->va_bits) == pt->levels;
}

/* @pt NULL: passthrough. In scalable mode the context entry lacks the directory's address still. */
static void fill_entry(const struct dmah_vtd *vtd, const struct dmah_device *dev,
		       const struct dmah_pt_info *pt, uint32_t tag, struct entry *entry)
{
	unsigned int levels = pt ? pt->levels : widest(vtd);
	uint64_t ats = pt && wants_ats(vtd, dev) ? CONTEXT_TT_ATS : 0;

	entry->context[0] = ats | ENTRY_P;
	if (vtd->scalable) {
		dmah_vtd_pasid_describe(vtd, pt, levels, tag, entry->pasid);
		return;
	}
	entry->context[0] |= pt ? pt->root & ENTRY_ADDR : CONTEXT_TT_PASS;
	entry->context[1] = CONTEXT_HI(tag, levels);
}

/* Return: 0, DMAH_ENOTSUP. */
static int make_entry(const struct dmah_vtd *vtd, const struct dmah_device *dev, enum dmah_bind how,
		      const struct dmah_pt_info *pt, uint32_t tag, struct entry *entry)
{
	*entry = (struct entry){ 0 };
	if (dev->id > 0xffff)
		return DMAH_ENOTSUP;
	if (how == DMAH_BIND_BLOCK)
		return DMAH_OK;
	if (!hw_tag_taken(vtd->tags, vtd->ntags, tag))
		return DMAH_ENOTSUP;
	if (how == DMAH_BIND_PASSTHROUGH ? !(vtd->ecap & ECAP_PT) : !walks_table(vtd, pt))
		return DMAH_ENOTSUP;
	fill_entry(vtd, dev, how == DMAH_BIND_PASSTHROUGH ? NULL : pt, tag, entry);
	return DMAH_OK;
}

static uint64_t *entry_of(const struct dmah_vtd *vtd, uint32_t id)
{
	uint64_t *table = id > 0xffff ? NULL : table_at(root_of(vtd, id));

	if (!table)
		return NULL;
	return vtd->scalable ? &table[(id & 0x7f) * 4] : &table[(id & 0xff) * 2];
}

static bool allows_ats(uint64_t low)
{
	return low & ENTRY_P && (low & 3u << 2) == CONTEXT_TT_ATS;
}

/* Not present while it changes: the hardware never sees one half of each. Call with the tables' lock held. */
static void write_entry(struct dmah_vtd *vtd, uint64_t *at, uint64_t low, uint64_t high)
{
	__atomic_store_n(&at[0], low & ~ENTRY_P, __ATOMIC_RELAXED);
	dmah_host_wmb();
	__atomic_store_n(&at[1], high, __ATOMIC_RELAXED);
	dmah_host_wmb();
	__atomic_store_n(&at[0], low, __ATOMIC_RELAXED);
	publish(vtd, at);
}

/* The address of the PASID directory, which stays in a context entry of scalable mode. */
static uint64_t directory(const struct dmah_vtd *vtd, const uint64_t *at)
{
	return vtd->scalable ? at[0] & ENTRY_ADDR : 0;
}

static uint32_t domain_of(const struct dmah_vtd *vtd, const uint64_t *at)
{
	const uint64_t *pasid;

	if (!vtd->scalable)
		return at[0] & ENTRY_P ? CONTEXT_DID(at[1]) : 0;
	pasid = dmah_vtd_pasid_entry(at);
	return pasid && pasid[0] & ENTRY_P ? PASID_DID_OF(pasid[1]) : 0;
}

/* Returns the domain id that was in the entry, or 0. */
static uint32_t set_entry(struct dmah_vtd *vtd, uint64_t *at, const struct entry *entry, bool *ats)
{
	unsigned long flags;
	uint32_t old;

	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->tables);
	old = domain_of(vtd, at);
	*ats = allows_ats(at[0]);
	if (vtd->scalable) {
		/* The PASID entry changes while no context entry leads to it. */
		write_entry(vtd, at, directory(vtd, at), 0);
		if (dmah_vtd_pasid_entry(at))
			dmah_vtd_pasid_write(vtd, dmah_vtd_pasid_entry(at), entry->pasid);
	}
	write_entry(vtd, at, entry->context[0] | directory(vtd, at), entry->context[1]);
	dmah_host_unlock(&vtd->tables);
	dmah_host_leave(flags);
	return old;
}

/*
 * Invalidates all that was cached of the old entry, and all that was reached through it. The fence makes the context
 * cache forget first, or the IOTLB could be filled through the old context again; and so could the cache of PASID entries,
 * which comes between the two in scalable mode. In caching mode an entry that is not
 * present may be cached too, under domain id 0 (section 6.1, Caching Mode).
 */
static unsigned int forget(const struct dmah_vtd *vtd, const struct dmah_device *dev, uint32_t old,
			   uint32_t tag, bool ats, struct vtd_command c[FORGET])
{
	unsigned int n = 0;

	c[n].lo = QI_CONTEXT | QI_CONTEXT_DEV | QI_DID(vtd->scalable ? 0 : old) | QI_SID(dev->id);
	c[n++].hi = 0;
	if (vtd->scalable) {
		c[n++] = dmah_vtd_fence(vtd);
		c[n++] = dmah_vtd_pasid_forget(old);
	}
	if (old || tag)
		c[n++] = dmah_vtd_fence(vtd);
	if (old)
		c[n++] = dmah_vtd_iotlb(vtd, old, 0, 0, true);
	/* Translations of passthrough are cached with the second stage's entries. */
	if (old && vtd->first_stage)
		c[n++] = (struct vtd_command){ QI_IOTLB | QI_IOTLB_DOMAIN | QI_DID(old), 0 };
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
	static const struct entry blocked;
	struct vtd_command c[FORGET];
	uint32_t tag;
	bool ats;

	tag = set_entry(vtd, at, &blocked, &ats);
	(void)dmah_vtd_done(vtd, c, forget(vtd, dev, tag, 0, false, c));
}

/* Returns true where the entry leads to the same table already, with ATS or without. */
static bool is_same(const struct dmah_vtd *vtd, const uint64_t *at, const struct entry *entry)
{
	uint64_t low = entry->context[0] | directory(vtd, at);
	const uint64_t *pasid = vtd->scalable ? dmah_vtd_pasid_entry(at) : NULL;

	for (unsigned int i = 0; pasid && i < VTD_PASID_WORDS; i++)
		if (pasid[i] != entry->pasid[i])
			return false;
	return at[0] & ENTRY_P && !((at[0] ^ low) & ~CONTEXT_TT_ATS) && at[1] == entry->context[1];
}

/*
 * A PASID entry is longer than what the hardware reads at one time, so that one which is in use is taken away first, and known
 * to be away. Return: 0, DMAH_ETIMEDOUT.
 */
static int take_away(struct dmah_vtd *vtd, const struct dmah_device *dev, uint64_t *at)
{
	static const struct entry blocked;
	struct vtd_command c[FORGET];
	uint32_t old;
	bool ats;

	if (!vtd->scalable || !(at[0] & ENTRY_P))
		return DMAH_OK;
	old = set_entry(vtd, at, &blocked, &ats);
	return dmah_vtd_done(vtd, c, forget(vtd, dev, old, 0, ats, c));
}

int dmah_vtd_op_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		     const struct dmah_pt_info *pt, uint32_t tag)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	struct vtd_command c[FORGET];
	struct entry entry;
	uint64_t *at;
	bool ats;
	uint32_t old;
	int err;

	if (make_entry(vtd, dev, how, pt, tag, &entry))
		return DMAH_ENOTSUP;
	/* Nothing is present there, so there is nothing to block. */
	if (how == DMAH_BIND_BLOCK && !entry_of(vtd, dev->id))
		return DMAH_OK;
	if (how != DMAH_BIND_BLOCK && dmah_vtd_op_isolated(iommu, dev))
		return DMAH_ETIMEDOUT;
	if (make_table(vtd, dev->id))
		return DMAH_ENOMEM;
	at = entry_of(vtd, dev->id);
	if (vtd->scalable && how != DMAH_BIND_BLOCK && dmah_vtd_pasid_make(vtd, at))
		return DMAH_ENOMEM;
	/* Another device of the domain has the id too. */
	if (how != DMAH_BIND_BLOCK && is_same(vtd, at, &entry))
		return allows_ats(at[0]) && dev->limits.flags & DMAH_DEV_UNTRUSTED ? DMAH_EPERM
										   : DMAH_OK;
	err = how == DMAH_BIND_BLOCK ? DMAH_OK : take_away(vtd, dev, at);
	if (err)
		return err;
	old = set_entry(vtd, at, &entry, &ats);
	/* The device's TLB may be filled from a bind that failed. */
	ats |= allows_ats(entry.context[0]);
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
		write_entry(vtd, at, directory(vtd, at), CONTEXT_SILENT);
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

	return dmah_hw_tag_alloc(vtd->tags, vtd->ntags, &vtd->tables, tag);
}

void dmah_vtd_op_tag_free(struct dmah_iommu *iommu, uint32_t tag)
{
	struct dmah_vtd *vtd = vtd_of(iommu);

	dmah_hw_tag_free(vtd->tags, &vtd->tables, tag);
}
