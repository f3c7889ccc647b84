/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * IVRS: the I/O Virtualization Reporting Structure (AMD I/O Virtualization Technology (IOMMU) Specification, document 48882,
 * chapter 5; a section is named at each structure).
 */
#include "fw/table.h"

#define NAME "IVRS"

/* Section 5.2.1: the fixed fields. */
#define IVRS_INFO     36u
#define IVRS_SIZE     48u
#define PA_BITS(info) ((uint8_t)((info) >> 8 & 0x7f))
#define VA_BITS(info) ((uint8_t)((info) >> 15 & 0x7f))

/* Section 5.2.2: blocks. */
#define BLOCK_TYPE   0u
#define BLOCK_FLAGS  1u
#define BLOCK_DEVICE 4u
#define IVHD_10	     0x10u
#define IVHD_11	     0x11u
#define IVHD_40	     0x40u
#define IVMD_ALL     0x20u
#define IVMD_ONE     0x21u
#define IVMD_RANGE   0x22u

/* Section 5.2.2.1: IVHD. */
#define IVHD_CAP       6u
#define IVHD_BASE      8u
#define IVHD_SEGMENT   16u
#define IVHD_INFO      18u
#define IVHD_FEATURES  20u
#define IVHD_EFR       24u
#define IVHD_EFR2      32u
#define IVHD_10_SIZE   24u
#define IVHD_11_SIZE   40u
#define IVHD_IOTLB     0x10u
#define IVHD_COHERENT  0x20u
#define IVHD_REGISTERS 0x4000u
#define IVHD_COUNTERS  0x80000u /* with performance counters */

/* Section 5.2.2.2 and following: device entries. */
#define ENTRY_PAD	  0u
#define ENTRY_ALL	  1u
#define ENTRY_SELECT	  2u
#define ENTRY_START	  3u
#define ENTRY_END	  4u
#define ENTRY_ALIAS	  0x42u
#define ENTRY_ALIAS_START 0x43u
#define ENTRY_EXT	  0x46u
#define ENTRY_EXT_START	  0x47u
#define ENTRY_SPECIAL	  0x48u
#define ENTRY_ACPI	  0xf0u
#define ENTRY_DEVICE	  1u
#define ALIAS_DEVICE	  5u
#define EXT_FLAGS	  4u
#define EXT_NO_ATS	  (1u << 31)
#define SPECIAL_HANDLE	  4u
#define SPECIAL_DEVICE	  5u
#define ENTRY_SETTING	  3u
#define SPECIAL_KIND	  7u
#define SPECIAL_IOAPIC	  1u
#define SPECIAL_HPET	  2u
#define ACPI_HID	  4u
#define ACPI_UID_FORMAT	  20u
#define ACPI_UID_LENGTH	  21u
#define ACPI_UID	  22u
#define ACPI_UID_NUMBER	  1u
#define ACPI_UID_TEXT	  2u
#define ACPI_NAME_SIZE	  272u

/* Section 5.2.2.8: IVMD. */
#define IVMD_LAST      6u
#define IVMD_SEGMENT   8u
#define IVMD_START     16u
#define IVMD_LENGTH    24u
#define IVMD_SIZE      32u
#define IVMD_UNITY     0x01u
#define IVMD_READ      0x02u
#define IVMD_WRITE     0x04u
#define IVMD_EXCLUSION 0x08u

/* HyperTransport's own addresses (section 2.1.2): no memory is there. */
#define HT_FIRST 0xfd00000000u
#define HT_LAST	 0xffffffffffu

/* ---- blocks ---- */

static uint16_t length_of(const uint8_t *block)
{
	return fw_le16(block + 2);
}

static bool is_ivhd(const uint8_t *block)
{
	return block[BLOCK_TYPE] == IVHD_10 || block[BLOCK_TYPE] == IVHD_11 ||
	       block[BLOCK_TYPE] == IVHD_40;
}

static bool is_ivmd(const uint8_t *block)
{
	return block[BLOCK_TYPE] >= IVMD_ALL && block[BLOCK_TYPE] <= IVMD_RANGE;
}

static uint32_t fixed_size(const uint8_t *block)
{
	if (is_ivmd(block))
		return IVMD_SIZE;
	if (is_ivhd(block))
		return block[BLOCK_TYPE] == IVHD_10 ? IVHD_10_SIZE : IVHD_11_SIZE;
	return 4;
}

static const char *bad_block(const struct dmah_fw_bytes *t, uint32_t at)
{
	const uint8_t *block = t->data + at;

	if (t->size - at < 4)
		return "truncated: the table ends within the header of a block";
	if (length_of(block) < fixed_size(block))
		return "the length of a block is less than that of its fixed fields";
	if (length_of(block) > t->size - at)
		return "the length of a block is beyond the end of the table";
	return NULL;
}

static const uint8_t *next_block(const struct dmah_fw_bytes *t, uint32_t *at)
{
	const uint8_t *block = t->data + *at;

	if (*at >= t->size || bad_block(t, *at))
		return NULL;
	*at += length_of(block);
	return block;
}

static const uint8_t *next_ivhd(const struct dmah_fw_bytes *t, uint32_t *at)
{
	const uint8_t *block;

	while ((block = next_block(t, at)))
		if (is_ivhd(block))
			return block;
	return NULL;
}

static bool same_unit(const uint8_t *a, const uint8_t *b)
{
	return fw_le16(a + BLOCK_DEVICE) == fw_le16(b + BLOCK_DEVICE) &&
	       fw_le16(a + IVHD_SEGMENT) == fw_le16(b + IVHD_SEGMENT);
}

/* Of the blocks of one unit the one with the highest type that is known holds all that the others do. */
static bool is_chosen(const struct dmah_fw_bytes *t, const uint8_t *ivhd)
{
	const uint8_t *other;

	for (uint32_t at = IVRS_SIZE; (other = next_ivhd(t, &at));)
		if (same_unit(ivhd, other) && other[BLOCK_TYPE] > ivhd[BLOCK_TYPE])
			return false;
	return true;
}

static const uint8_t *next_unit(const struct dmah_fw_bytes *t, uint32_t *at)
{
	const uint8_t *block;

	while ((block = next_ivhd(t, at)))
		if (is_chosen(t, block))
			return block;
	return NULL;
}

/* ---- device entries ---- */

/* Section 5.2.2.2: the upper two bits of the type give the length, but for ACPI devices. */
static uint32_t entry_size(const uint8_t *entry, uint32_t left)
{
	if (entry[0] != ENTRY_ACPI)
		return 4u << (entry[0] >> 6);
	return left < ACPI_UID ? ACPI_UID : ACPI_UID + entry[ACPI_UID_LENGTH];
}

static const char *bad_entry(const uint8_t *block, uint32_t at)
{
	uint32_t left = length_of(block) - at;

	if (left < 4 || entry_size(block + at, left) > left)
		return "the length of a device entry is beyond the end of its block";
	return NULL;
}

static const uint8_t *next_entry(const uint8_t *block, uint32_t *at)
{
	const uint8_t *entry = block + *at;

	if (*at >= length_of(block) || bad_entry(block, *at))
		return NULL;
	*at += entry_size(entry, length_of(block) - *at);
	return entry;
}

/**
 * struct devices - PCI functions of a unit: one entry, or two that begin and end a range.
 * @first, @last: requester ids.
 * @alias: the id that they use; @aliased: they do.
 * @no_ats: they may have no TLBs of their own.
 */
struct devices {
	uint16_t first, last, alias;
	bool aliased, no_ats;
};

static bool begins_range(uint8_t type)
{
	return type == ENTRY_START || type == ENTRY_ALIAS_START || type == ENTRY_EXT_START;
}

static bool has_devices(uint8_t type)
{
	return type == ENTRY_ALL || type == ENTRY_SELECT || type == ENTRY_ALIAS ||
	       type == ENTRY_EXT || begins_range(type);
}

/* The next PCI functions at or behind *@at. */
static bool next_devices(const uint8_t *block, uint32_t *at, struct devices *d)
{
	const uint8_t *entry, *end;

	while ((entry = next_entry(block, at))) {
		uint8_t type = entry[0];

		*d = (struct devices){ .first = fw_le16(entry + ENTRY_DEVICE) };
		d->last = type == ENTRY_ALL ? 0xffff : d->first;
		if (type == ENTRY_ALL)
			d->first = 0;
		if (!has_devices(type))
			continue;
		if (type == ENTRY_ALIAS || type == ENTRY_ALIAS_START) {
			d->alias = fw_le16(entry + ALIAS_DEVICE);
			d->aliased = true;
		}
		if (type == ENTRY_EXT || type == ENTRY_EXT_START)
			d->no_ats = fw_le32(entry + EXT_FLAGS) & EXT_NO_ATS;
		if (!begins_range(type))
			return true;
		end = next_entry(block, at);
		if (!end || end[0] != ENTRY_END)
			return false;
		d->last = fw_le16(end + ENTRY_DEVICE);
		return d->last >= d->first;
	}
	return false;
}

/* ---- check ---- */

static int check_entries(const struct dmah_fw *fw, const uint8_t *block, uint32_t base)
{
	const uint8_t *start = NULL;
	uint32_t at = fixed_size(block);

	while (at < length_of(block)) {
		const uint8_t *entry = block + at;
		const char *why = bad_entry(block, at);

		if (!why && start && entry[0] != ENTRY_END)
			why = "a range of devices has no end";
		if (!why && entry[0] == ENTRY_END) {
			if (!start)
				why = "a range of devices ends that has not begun";
			else if (fw_le16(entry + ENTRY_DEVICE) < fw_le16(start + ENTRY_DEVICE))
				why = "a range of devices ends in front of its start";
		}
		if (why)
			return dmah_fw_error(fw, NAME, base + at, why);
		start = begins_range(entry[0]) ? entry : NULL;
		at += entry_size(entry, length_of(block) - at);
	}
	return start ? dmah_fw_error(fw, NAME, base + at, "a range of devices has no end")
		     : DMAH_OK;
}

static bool share_devices(const uint8_t *a, const uint8_t *b)
{
	struct devices d, e;

	for (uint32_t i = fixed_size(a); next_devices(a, &i, &d);)
		for (uint32_t j = fixed_size(b); next_devices(b, &j, &e);)
			if (d.first <= e.last && e.first <= d.last)
				return true;
	return false;
}

static int check_ivhd(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, uint32_t at)
{
	const uint8_t *block = t->data + at, *other;
	uint64_t base = fw_le64(block + IVHD_BASE);

	if (!base || base & (IVHD_REGISTERS - 1))
		return dmah_fw_error(fw, NAME, at + IVHD_BASE,
				     "the register base of a unit is 0 or not a multiple of 16384");
	if (check_entries(fw, block, at))
		return DMAH_EINVAL;
	for (uint32_t i = IVRS_SIZE; (other = next_ivhd(t, &i)) && other != block;) {
		if (same_unit(block, other)) {
			if (other[BLOCK_TYPE] == block[BLOCK_TYPE])
				return dmah_fw_error(fw, NAME, at,
						     "overlap: a unit has two blocks of one type");
			if (fw_le64(other + IVHD_BASE) != base)
				return dmah_fw_error(
					fw, NAME, at + IVHD_BASE,
					"two blocks of a unit disagree on its registers");
			continue;
		}
		if (fw_le64(other + IVHD_BASE) == base)
			return dmah_fw_error(fw, NAME, at + IVHD_BASE,
					     "overlap: another unit has the same registers");
		if (fw_le16(other + IVHD_SEGMENT) == fw_le16(block + IVHD_SEGMENT) &&
		    share_devices(block, other))
			return dmah_fw_error(fw, NAME, at,
					     "overlap: another unit has the same device");
	}
	return DMAH_OK;
}

static void check_ivmd(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, uint32_t at)
{
	const uint8_t *block = t->data + at;

	(void)dmah_fw_check_range(fw, NAME, at + IVMD_START, fw_le64(block + IVMD_START),
				  fw_le64(block + IVMD_LENGTH));
	if (block[BLOCK_TYPE] == IVMD_RANGE &&
	    fw_le16(block + IVMD_LAST) < fw_le16(block + BLOCK_DEVICE))
		dmah_fw_warn(
			fw, NAME, at + IVMD_LAST,
			"a range of devices ends in front of its start: nobody has the memory");
}

static int check(const struct dmah_fw *fw, struct dmah_fw_bytes *t)
{
	int err = dmah_fw_acpi_check(fw, NAME, t, t->size, IVRS_SIZE);
	uint32_t at = IVRS_SIZE;

	while (at < t->size) {
		const char *why = bad_block(t, at);

		if (why) {
			err = dmah_fw_error(fw, NAME, at, why);
			t->size = at;
			break;
		}
		if (is_ivhd(t->data + at) && check_ivhd(fw, t, at))
			err = DMAH_EINVAL;
		if (is_ivmd(t->data + at))
			check_ivmd(fw, t, at);
		at += length_of(t->data + at);
	}
	return err;
}

/* ---- units ---- */

static void describe(const struct dmah_fw_bytes *t, const uint8_t *ivhd, struct dmah_fw_unit *unit)
{
	uint32_t info = fw_le32(t->data + IVRS_INFO);
	bool new_form = ivhd[BLOCK_TYPE] != IVHD_10;

	*unit = (struct dmah_fw_unit){
		.kind = DMAH_FW_AMDVI,
		.table = DMAH_FW_IVRS,
		.offset = (uint32_t)(ivhd - t->data),
		.flags = DMAH_FW_MMIO | DMAH_FW_PCI |
			 (ivhd[BLOCK_FLAGS] & IVHD_IOTLB ? DMAH_FW_IOTLB : 0) |
			 (ivhd[BLOCK_FLAGS] & IVHD_COHERENT ? DMAH_FW_COHERENT : 0),
		.base = fw_le64(ivhd + IVHD_BASE),
		.size = IVHD_REGISTERS,
		.segment = fw_le16(ivhd + IVHD_SEGMENT),
		.bdf = fw_le16(ivhd + BLOCK_DEVICE),
		.phys_bits = PA_BITS(info),
		.virt_bits = VA_BITS(info),
		.cap_offset = fw_le16(ivhd + IVHD_CAP),
		.hw_flags = ivhd[BLOCK_FLAGS],
		.hw_info = fw_le16(ivhd + IVHD_INFO),
		.hw_features = new_form ? fw_le64(ivhd + IVHD_EFR) : fw_le32(ivhd + IVHD_FEATURES),
		.hw_features2 = new_form ? fw_le64(ivhd + IVHD_EFR2) : 0,
	};
}

static bool unit_at(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, unsigned int n,
		    struct dmah_fw_unit *unit)
{
	const uint8_t *ivhd;

	(void)fw;
	for (uint32_t at = IVRS_SIZE; (ivhd = next_unit(t, &at));)
		if (n-- == 0) {
			describe(t, ivhd, unit);
			return true;
		}
	return false;
}

/* ---- answers ---- */

static bool concerns(const struct fw_lookup *q, const uint8_t *ivmd, const uint16_t *ids,
		     unsigned int nids)
{
	uint16_t first = fw_le16(ivmd + BLOCK_DEVICE), last = first;

	if (fw_le16(ivmd + IVMD_SEGMENT) != q->unit.segment)
		return false;
	if (ivmd[BLOCK_TYPE] == IVMD_ALL)
		return true;
	if (ivmd[BLOCK_TYPE] == IVMD_RANGE)
		last = fw_le16(ivmd + IVMD_LAST);
	for (unsigned int n = 0; n < nids; n++)
		if (ids[n] >= first && ids[n] <= last)
			return true;
	return q->who->what == DMAH_FW_PCI_FUNCTION && q->who->bdf >= first && q->who->bdf <= last;
}

/*
 * Section 5.2.2.8: a unity range is used already. An exclusion range would not be translated at all: the same to a device,
 * which may read and write there. Else the range is merely not to be used.
 */
static void report_ivmd(const struct fw_lookup *q, const uint8_t *ivmd)
{
	uint64_t start = fw_le64(ivmd + IVMD_START), size = fw_le64(ivmd + IVMD_LENGTH);
	uint8_t flags = ivmd[BLOCK_FLAGS];
	unsigned int dir = (flags & IVMD_READ ? (unsigned int)DMAH_TO_DEVICE : 0) |
			   (flags & IVMD_WRITE ? (unsigned int)DMAH_FROM_DEVICE : 0);

	if (flags & IVMD_EXCLUSION)
		dmah_fw_identity(q, start, size, DMAH_BIDIRECTIONAL);
	else if (flags & IVMD_UNITY && dir)
		dmah_fw_identity(q, start, size, (enum dmah_dir)dir);
	else
		dmah_fw_range(q, &(struct dmah_fw_range){ .start = start,
							  .end = start + size - 1,
							  .kind = DMAH_FW_RESERVED });
}

static void report(struct fw_lookup *q, const struct dmah_fw_bytes *t, const uint8_t *ivhd,
		   const uint16_t *ids, unsigned int nids)
{
	struct dmah_fw_unit unit;
	const uint8_t *block;

	describe(t, ivhd, &unit);
	dmah_fw_found(q, &unit);
	for (unsigned int n = 0; n < nids; n++)
		dmah_fw_id(q, ids[n]);
	for (uint32_t at = IVRS_SIZE; (block = next_block(t, &at));)
		if (is_ivmd(block) && concerns(q, block, ids, nids) &&
		    !dmah_fw_senseless(fw_le64(block + IVMD_START), fw_le64(block + IVMD_LENGTH)))
			report_ivmd(q, block);
	dmah_fw_msi_x86(q);
	dmah_fw_range(q, &(struct dmah_fw_range){
				 .start = HT_FIRST, .end = HT_LAST, .kind = DMAH_FW_RESERVED });
}

/* The last entry counts: a range of all devices may come first, and the aliases of some of them after it. */
static bool find_devices(const uint8_t *ivhd, uint16_t bdf, struct devices *found)
{
	struct devices d;
	bool some = false;

	for (uint32_t at = fixed_size(ivhd); next_devices(ivhd, &at, &d);) {
		if (bdf < d.first || bdf > d.last)
			continue;
		*found = d;
		some = true;
	}
	return some;
}

static void lookup_pci(struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	const uint8_t *ivhd;
	struct devices d;
	uint16_t ids[2];
	unsigned int nids;

	if (dmah_fw_is_unit(q, &dmah_fw_ivrs, t))
		return;
	for (uint32_t at = IVRS_SIZE; (ivhd = next_unit(t, &at));) {
		if (fw_le16(ivhd + IVHD_SEGMENT) != q->who->segment ||
		    !find_devices(ivhd, q->who->bdf, &d))
			continue;
		nids = dmah_fw_pci_ids(q->fw, q->who->segment, q->who->bdf, ids);
		if (d.aliased) {
			ids[0] = d.alias;
			nids = 1;
		}
		report(q, t, ivhd, ids, nids);
		if (ivhd[BLOCK_FLAGS] & IVHD_IOTLB && !d.no_ats)
			dmah_fw_flags(q, DMAH_DEV_ATS);
		return;
	}
}

static void lookup_special(struct fw_lookup *q, const struct dmah_fw_bytes *t, unsigned int kind)
{
	const uint8_t *ivhd, *entry;

	for (uint32_t at = IVRS_SIZE; (ivhd = next_unit(t, &at));)
		for (uint32_t i = fixed_size(ivhd); (entry = next_entry(ivhd, &i));)
			if (entry[0] == ENTRY_SPECIAL && entry[SPECIAL_KIND] == kind &&
			    entry[SPECIAL_HANDLE] == q->who->number) {
				uint16_t id = fw_le16(entry + SPECIAL_DEVICE);

				report(q, t, ivhd, &id, 1);
				return;
			}
}

/* ---- ACPI devices (section 5.2.2.7): hardware id, ":" and unique id ---- */

static void put(char *to, unsigned int *n, char c)
{
	if (*n < ACPI_NAME_SIZE - 1)
		to[(*n)++] = c;
	to[*n] = 0;
}

static void put_bytes(char *to, unsigned int *n, const uint8_t *from, unsigned int most)
{
	for (unsigned int i = 0; i < most && from[i]; i++)
		put(to, n, (char)from[i]);
}

static void put_number(char *to, unsigned int *n, uint64_t value)
{
	char digits[20];
	unsigned int i = 0;

	do {
		digits[i++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (i)
		put(to, n, digits[--i]);
}

static void acpi_name(const uint8_t *entry, char to[ACPI_NAME_SIZE])
{
	unsigned int n = 0;

	put_bytes(to, &n, entry + ACPI_HID, 8);
	put(to, &n, ':');
	if (entry[ACPI_UID_FORMAT] == ACPI_UID_TEXT)
		put_bytes(to, &n, entry + ACPI_UID, entry[ACPI_UID_LENGTH]);
	if (entry[ACPI_UID_FORMAT] == ACPI_UID_NUMBER && entry[ACPI_UID_LENGTH] == 8)
		put_number(to, &n, fw_le64(entry + ACPI_UID));
}

static void lookup_name(struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	const uint8_t *ivhd, *entry;
	char name[ACPI_NAME_SIZE];

	for (uint32_t at = IVRS_SIZE; (ivhd = next_unit(t, &at));)
		for (uint32_t i = fixed_size(ivhd); (entry = next_entry(ivhd, &i));) {
			uint16_t id = fw_le16(entry + ENTRY_DEVICE);

			if (entry[0] != ENTRY_ACPI)
				continue;
			acpi_name(entry, name);
			if (!dmah_fw_equal(name, q->who->name))
				continue;
			report(q, t, ivhd, &id, 1);
			return;
		}
}

static void named(const struct dmah_fw_bytes *t, void (*fn)(void *ctx, const char *name), void *ctx)
{
	const uint8_t *ivhd, *entry;
	char name[ACPI_NAME_SIZE];

	for (uint32_t at = IVRS_SIZE; (ivhd = next_unit(t, &at));)
		for (uint32_t i = fixed_size(ivhd); (entry = next_entry(ivhd, &i));)
			if (entry[0] == ENTRY_ACPI) {
				acpi_name(entry, name);
				fn(ctx, name);
			}
}

static void lookup(struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	switch (q->who->what) {
	case DMAH_FW_PCI_FUNCTION:
		lookup_pci(q, t);
		return;
	case DMAH_FW_NAMED:
		lookup_name(q, t);
		return;
	case DMAH_FW_IOAPIC:
		lookup_special(q, t, SPECIAL_IOAPIC);
		return;
	case DMAH_FW_HPET:
		lookup_special(q, t, SPECIAL_HPET);
		return;
	}
}

/* Returns true where the entry at @at names @id: a device, a range of them, an alias, or a device that is on no bus. */
static bool names(const uint8_t *ivhd, uint32_t at, uint16_t id)
{
	const uint8_t *entry = ivhd + at;
	struct devices d;

	if (entry[0] == ENTRY_SPECIAL)
		return fw_le16(entry + SPECIAL_DEVICE) == id;
	if (entry[0] == ENTRY_ACPI)
		return fw_le16(entry + ENTRY_DEVICE) == id;
	if (!has_devices(entry[0]) || !next_devices(ivhd, &at, &d))
		return false;
	return (id >= d.first && id <= d.last) || (d.aliased && id == d.alias);
}

/* The last entry counts, as with aliases. */
uint8_t dmah_fw_ivrs_setting(const struct dmah_fw *fw, const struct dmah_fw_unit *unit, uint16_t id)
{
	const uint8_t *ivhd = fw->tables[DMAH_FW_IVRS].data + unit->offset, *entry;
	uint8_t setting = 0;

	for (uint32_t at = fixed_size(ivhd), next = at; (entry = next_entry(ivhd, &next));
	     at = next)
		if (names(ivhd, at, id))
			setting = entry[ENTRY_SETTING];
	return setting;
}

const struct fw_parser dmah_fw_ivrs = {
	.name = NAME, .judge = check, .unit_at = unit_at, .answer = lookup, .name_all = named
};
