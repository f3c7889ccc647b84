/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The device table (section 2.2.2): which page table a device's requests meet. And domain ids, by which the hardware tells
 * what it has cached.
 *
 * An entry that is not valid lets its device through untranslated. So the table begins with every device blocked, by a
 * valid entry that permits nothing and leads to an empty page table; and no entry is ever not valid.
 */
#include "hw/amdvi/amdvi.h"

/* Most commands of forget(). */
#define FORGET 6u

/* ---- the table ---- */

static size_t table_bytes(const struct dmah_amdvi *amdvi)
{
	return (size_t)amdvi->ids * DTE_BYTES;
}

static void clean(const struct dmah_amdvi *amdvi, const void *at, size_t size)
{
	dmah_phys_t phys = dmah_host_virt_to_phys(at) & ~(dmah_phys_t)63;

	if (!amdvi->coherent)
		dmah_host_cache(DMAH_CACHE_CLEAN, phys, (size + 63) & ~(size_t)63);
}

static uint64_t *entry_of(const struct dmah_amdvi *amdvi, uint32_t id)
{
	return id < amdvi->ids ? amdvi->devtab + (size_t)id * 4 : NULL;
}

/* Blocks whatever the other quadwords say: no permission, and nothing is mapped. */
static uint64_t blocked(const struct dmah_amdvi *amdvi)
{
	return DTE_V | DTE_TV | DTE_MODE(1) | dmah_host_virt_to_phys(amdvi->nothing);
}

static bool is_blocked(const struct dmah_amdvi *amdvi, uint64_t low)
{
	return low == blocked(amdvi);
}

static void init_entry(struct dmah_amdvi *amdvi, const struct dmah_amdvi_config *config,
		       uint32_t id)
{
	uint8_t setting = config->setting ? config->setting(config->setting_ctx, (uint16_t)id) : 0;
	uint64_t *at = entry_of(amdvi, id);

	at[0] = blocked(amdvi);
	at[1] = DTE1_SETTING(setting);
	at[2] = DTE2_SETTING(setting);
}

int dmah_amdvi_tables_init(struct dmah_amdvi *amdvi, const struct dmah_amdvi_config *config)
{
	amdvi->nothing = dmah_host_page_alloc(0);
	if (!amdvi->nothing)
		return DMAH_ENOMEM;
	amdvi->devtab = dmah_host_mem_alloc(table_bytes(amdvi), UINT64_MAX, 0, &amdvi->devtab_phys);
	if (!amdvi->devtab) {
		dmah_host_page_free(amdvi->nothing);
		return DMAH_ENOMEM;
	}
	clean(amdvi, amdvi->nothing, DMAH_PAGE_SIZE);
	for (uint32_t id = 0; id < amdvi->ids; id++)
		init_entry(amdvi, config, id);
	clean(amdvi, amdvi->devtab, table_bytes(amdvi));
	return DMAH_OK;
}

void dmah_amdvi_tables_free(struct dmah_amdvi *amdvi)
{
	dmah_host_mem_free(amdvi->devtab_phys, table_bytes(amdvi));
	dmah_host_page_free(amdvi->nothing);
	amdvi->devtab = NULL;
}

/* ---- binding ---- */

static bool wants_ats(const struct dmah_amdvi *amdvi, const struct dmah_device *dev)
{
	return amdvi->device_tlbs && dev->limits.flags & DMAH_DEV_ATS &&
	       !(dev->limits.flags & DMAH_DEV_UNTRUSTED);
}

static bool is_table(const struct dmah_amdvi *amdvi, const struct dmah_pt_info *pt)
{
	return pt && pt->format == &dmah_pt_amd_v1 && pt->levels &&
	       pt->va_bits <= amdvi->iommu.va_bits;
}

/* The first half of an entry. Return: 0, DMAH_ENOTSUP. */
static int make_entry(const struct dmah_amdvi *amdvi, const struct dmah_device *dev,
		      enum dmah_bind how, const struct dmah_pt_info *pt, uint32_t tag,
		      uint64_t entry[2])
{
	entry[0] = blocked(amdvi);
	entry[1] = 0;
	if (dev->id >= amdvi->ids)
		return DMAH_ENOTSUP;
	if (how == DMAH_BIND_BLOCK)
		return DMAH_OK;
	if (!hw_tag_taken(amdvi->tags, DMAH_AMDVI_DOMAINS, tag))
		return DMAH_ENOTSUP;
	entry[0] = DTE_V | DTE_TV | DTE_IR | DTE_IW;
	entry[1] = tag;
	if (how == DMAH_BIND_PASSTHROUGH)
		return DMAH_OK;
	if (!is_table(amdvi, pt))
		return DMAH_ENOTSUP;
	entry[0] |= DTE_MODE(pt->levels) | (pt->root & DTE_ADDR);
	entry[1] |= (wants_ats(amdvi, dev) ? DTE1_IOTLB : 0) | (amdvi->coherent ? 0 : DTE1_SD);
	return DMAH_OK;
}

/* The control bits are in the upper half: a table is found before they say that it is used, and after that no more. */
static void store_irq(uint64_t *at, uint64_t value)
{
#if UINTPTR_MAX > 0xffffffffu
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
#else
	uint32_t *half = (uint32_t *)(void *)at;
	unsigned int first = value & DTE2_REMAP ? 0 : 1;

	__atomic_store_n(&half[first], (uint32_t)(value >> 32 * first), __ATOMIC_RELEASE);
	dmah_host_wmb();
	__atomic_store_n(&half[!first], (uint32_t)(value >> 32 * !first), __ATOMIC_RELEASE);
#endif
}

void dmah_amdvi_entry_irq(struct dmah_amdvi *amdvi, uint32_t id, uint64_t bits)
{
	uint64_t *at = entry_of(amdvi, id);
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&amdvi->tables);
	dmah_host_wmb();
	store_irq(&at[2], (at[2] & DTE2_SETTING_BITS) | bits);
	clean(amdvi, at, DTE_BYTES);
	dmah_host_wmb();
	dmah_host_unlock(&amdvi->tables);
	dmah_host_leave(flags);
}

static bool allows_ats(const struct dmah_amdvi *amdvi, uint64_t low, uint64_t high)
{
	return !is_blocked(amdvi, low) && high & DTE1_IOTLB;
}

static void store(uint64_t *at, uint64_t value)
{
#if UINTPTR_MAX > 0xffffffffu
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
#else
	uint32_t *half = (uint32_t *)(void *)at;

	/* Permissions are in the upper half: they end first, and begin last. */
	if (!(value >> 32 & 3u << 29))
		__atomic_store_n(&half[1], (uint32_t)(value >> 32), __ATOMIC_RELEASE);
	dmah_host_wmb();
	__atomic_store_n(&half[0], (uint32_t)value, __ATOMIC_RELEASE);
	dmah_host_wmb();
	__atomic_store_n(&half[1], (uint32_t)(value >> 32), __ATOMIC_RELEASE);
#endif
}

/*
 * The device is blocked while its entry changes: the hardware may read the quadwords at different times. The setting that
 * firmware gave stays.
 */
static void write_entry(struct dmah_amdvi *amdvi, uint64_t *at, const uint64_t entry[2])
{
	store(&at[0], blocked(amdvi));
	dmah_host_wmb();
	__atomic_store_n(&at[1], entry[1] | (at[1] & DTE1_SETTING_BITS), __ATOMIC_RELAXED);
	dmah_host_wmb();
	store(&at[0], entry[0]);
	clean(amdvi, at, DTE_BYTES);
	dmah_host_wmb();
}

/* Returns the domain id that was in the entry. */
static uint32_t set_entry(struct dmah_amdvi *amdvi, uint64_t *at, const uint64_t entry[2],
			  bool *ats)
{
	unsigned long flags;
	uint64_t old[2];

	dmah_host_enter(&flags);
	dmah_host_lock(&amdvi->tables);
	old[0] = at[0];
	old[1] = at[1];
	write_entry(amdvi, at, entry);
	dmah_host_unlock(&amdvi->tables);
	dmah_host_leave(flags);
	*ats = allows_ats(amdvi, old[0], old[1]);
	return DTE1_DOMAIN(old[1]);
}

/*
 * Invalidates all that was cached of the old entry, and all that was reached through it. The first fence makes the hardware
 * forget the entry first, or its TLB could be filled through the old one again. A blocked device has the domain id 0, under
 * which hardware with NpCache keeps what does not translate.
 */
static unsigned int forget(const struct dmah_device *dev, uint32_t old, uint32_t tag, bool ats,
			   struct amdvi_command c[FORGET])
{
	unsigned int n = 0;

	c[n++] = amdvi_devtab(dev->id);
	c[n++] = amdvi_fence();
	c[n++] = dmah_amdvi_pages(old, 0, 0, true);
	if (tag != old)
		c[n++] = dmah_amdvi_pages(tag, 0, 0, true);
	if (ats) {
		c[n++] = amdvi_fence();
		c[n++] = dmah_amdvi_iotlb(dev->id, 0, 0);
	}
	return n;
}

static void set_silent(struct dmah_amdvi *amdvi, uint32_t id, bool silent)
{
	uint64_t bit = 1ull << id % 64, *word = &amdvi->silent[id / 64];

	__atomic_store_n(word, silent ? *word | bit : *word & ~bit, __ATOMIC_RELEASE);
}

/* Says that the device may answer now. */
static void forgive(struct dmah_amdvi *amdvi, uint32_t id)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&amdvi->tables);
	set_silent(amdvi, id, false);
	dmah_host_unlock(&amdvi->tables);
	dmah_host_leave(flags);
}

/*
 * Blocks a device that could not be bound, so that nothing leads to its page table. A unit that did not answer may have
 * returned to service since then, and have cached the entry, so the invalidations are posted once more.
 */
static void take_back(struct dmah_amdvi *amdvi, const struct dmah_device *dev, uint64_t *at)
{
	const uint64_t none[2] = { blocked(amdvi), 0 };
	struct amdvi_command c[FORGET];
	uint32_t tag;
	bool ats;

	tag = set_entry(amdvi, at, none, &ats);
	forgive(amdvi, dev->id);
	(void)dmah_amdvi_done(amdvi, c, forget(dev, tag, 0, false, c));
}

/* Returns true where the entry leads to the same table already, with ATS or without. */
static bool is_same(const uint64_t *at, const uint64_t entry[2])
{
	return at[0] == entry[0] && !((at[1] ^ entry[1]) & ~(DTE1_IOTLB | DTE1_SETTING_BITS));
}

static int block(struct dmah_amdvi *amdvi, struct dmah_device *dev, uint64_t *at,
		 const uint64_t entry[2])
{
	struct amdvi_command c[FORGET];
	uint32_t old;
	bool ats;

	forgive(amdvi, dev->id);
	old = set_entry(amdvi, at, entry, &ats);
	return dmah_amdvi_done(amdvi, c, forget(dev, old, 0, ats, c));
}

int dmah_amdvi_op_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
		       const struct dmah_pt_info *pt, uint32_t tag)
{
	struct dmah_amdvi *amdvi = amdvi_of(iommu);
	struct amdvi_command c[FORGET];
	uint64_t entry[2], *at;
	uint32_t old;
	bool ats;
	int err;

	if (make_entry(amdvi, dev, how, pt, tag, entry))
		return DMAH_ENOTSUP;
	at = entry_of(amdvi, dev->id);
	if (how == DMAH_BIND_BLOCK)
		return block(amdvi, dev, at, entry);
	if (dmah_amdvi_op_isolated(iommu, dev))
		return DMAH_ETIMEDOUT;
	/* Another device of the domain has the id too. */
	if (is_same(at, entry))
		return allows_ats(amdvi, at[0], at[1]) && dev->limits.flags & DMAH_DEV_UNTRUSTED
			       ? DMAH_EPERM
			       : DMAH_OK;
	old = set_entry(amdvi, at, entry, &ats);
	/* The device's TLB may be filled from a bind that failed. */
	ats |= allows_ats(amdvi, entry[0], entry[1]);
	err = dmah_amdvi_done(amdvi, c, forget(dev, old, tag, ats, c));
	if (!err && dmah_amdvi_op_isolated(iommu, dev))
		err = DMAH_ETIMEDOUT;
	if (err)
		take_back(amdvi, dev, at);
	return err;
}

/* ---- devices that do not answer ---- */

bool dmah_amdvi_has_ats(const struct dmah_amdvi *amdvi, uint32_t id)
{
	const uint64_t *at = entry_of(amdvi, id);

	return at && allows_ats(amdvi, __atomic_load_n(&at[0], __ATOMIC_RELAXED),
				__atomic_load_n(&at[1], __ATOMIC_RELAXED));
}

bool dmah_amdvi_block_silent(struct dmah_amdvi *amdvi, uint32_t id, uint32_t *domain)
{
	const uint64_t none[2] = { blocked(amdvi), 0 };
	uint64_t *at = entry_of(amdvi, id);
	bool was_bound;

	*domain = 0;
	if (!at)
		return false;
	dmah_host_lock(&amdvi->tables);
	was_bound = !is_blocked(amdvi, at[0]);
	if (was_bound) {
		*domain = DTE1_DOMAIN(at[1]);
		write_entry(amdvi, at, none);
		set_silent(amdvi, id, true);
	}
	dmah_host_unlock(&amdvi->tables);
	return was_bound;
}

bool dmah_amdvi_op_isolated(struct dmah_iommu *iommu, struct dmah_device *dev)
{
	const struct dmah_amdvi *amdvi = amdvi_of(iommu);

	return dev->id < amdvi->ids && amdvi_bit(amdvi->silent, dev->id);
}

/* ---- domain ids ---- */

int dmah_amdvi_op_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag)
{
	struct dmah_amdvi *amdvi = amdvi_of(iommu);

	return dmah_hw_tag_alloc(amdvi->tags, DMAH_AMDVI_DOMAINS, &amdvi->tables, tag);
}

void dmah_amdvi_op_tag_free(struct dmah_iommu *iommu, uint32_t tag)
{
	struct dmah_amdvi *amdvi = amdvi_of(iommu);

	dmah_hw_tag_free(amdvi->tags, &amdvi->tables, tag);
}
