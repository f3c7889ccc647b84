/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * DMAR: the DMA Remapping Reporting Structure (Intel Virtualization Technology for Directed I/O, Architecture Specification,
 * chapter 8; a section is named at each structure).
 */
#include "fw/table.h"

#define NAME "DMAR"

/* Section 8.1: the fixed fields. */
#define DMAR_WIDTH	 36u /* Host Address Width, less 1 */
#define DMAR_FLAGS	 37u
#define DMAR_SIZE	 48u
#define FLAG_INTR_REMAP	 0x01u
#define FLAG_X2APIC_OUT	 0x02u
#define FLAG_DMA_CTRL_IN 0x04u

/* Section 8.2: every structure begins with its type and its length. */
#define TYPE_DRHD 0u
#define TYPE_RMRR 1u
#define TYPE_ATSR 2u
#define TYPE_RHSA 3u
#define TYPE_ANDD 4u
#define TYPE_SATC 5u
#define TYPE_SIDP 6u
#define TYPES	  7u

/* Sections 8.3 to 8.9: bytes in front of the device scopes, or of the variable part. */
static const uint8_t fixed_size[TYPES] = { 16, 24, 8, 20, 9, 8, 8 };

#define STRUCT_FLAGS   4u
#define STRUCT_SEGMENT 6u /* in all but RHSA and ANDD */
#define DRHD_ALL       0x01u
#define DRHD_PAGES     5u /* log2 of the pages of registers */
#define DRHD_BASE      8u
#define RMRR_BASE      8u
#define RMRR_LIMIT     16u
#define ATSR_ALL       0x01u
#define ANDD_NUMBER    7u
#define ANDD_NAME      8u

/* Section 8.3.1: a device scope. */
#define SCOPE_TYPE     0u
#define SCOPE_LENGTH   1u
#define SCOPE_ID       4u
#define SCOPE_BUS      5u
#define SCOPE_PATH     6u
#define SCOPE_MIN      8u
#define SCOPE_ENDPOINT 1u
#define SCOPE_BRIDGE   2u
#define SCOPE_IOAPIC   3u
#define SCOPE_HPET     4u
#define SCOPE_ACPI     5u

/* ---- walk ---- */

static uint16_t type_of(const uint8_t *s)
{
	return fw_le16(s);
}

static uint16_t length_of(const uint8_t *s)
{
	return fw_le16(s + 2);
}

/* Judge the length of the structure at @at. NULL: it is right. */
static const char *bad_length(const struct dmah_fw_bytes *t, uint32_t at)
{
	const uint8_t *s = t->data + at;

	if (t->size - at < 4)
		return "truncated: the table ends within the header of a structure";
	if (length_of(s) < 4)
		return "the length of a structure is less than that of its header";
	if (length_of(s) > t->size - at)
		return "the length of a structure is beyond the end of the table";
	if (type_of(s) < TYPES && length_of(s) < fixed_size[type_of(s)])
		return "the length of a structure is less than that of its fixed fields";
	return NULL;
}

/* Returns the next structure of @type at or behind *@at, and moves *@at behind it; NULL: there is none. */
static const uint8_t *next(const struct dmah_fw_bytes *t, uint32_t *at, unsigned int type)
{
	while (*at < t->size && !bad_length(t, *at)) {
		const uint8_t *s = t->data + *at;

		*at += length_of(s);
		if (type_of(s) == type)
			return s;
	}
	return NULL;
}

static const char *bad_scope(const uint8_t *scope, uint32_t left)
{
	if (left < SCOPE_MIN)
		return "truncated: the structure ends within a device scope";
	if (scope[SCOPE_LENGTH] < SCOPE_MIN)
		return "the length of a device scope is less than that of one hop";
	if (scope[SCOPE_LENGTH] > left)
		return "the length of a device scope is beyond the end of its structure";
	if (scope[SCOPE_LENGTH] & 1)
		return "the length of a device scope is odd";
	return NULL;
}

/* Returns the next scope of @s at or behind *@at, and moves *@at behind it; NULL: there is none. */
static const uint8_t *next_scope(const uint8_t *s, uint32_t *at)
{
	const uint8_t *scope = s + *at;

	if (*at >= length_of(s) || bad_scope(scope, length_of(s) - *at))
		return NULL;
	*at += scope[SCOPE_LENGTH];
	return scope;
}

static unsigned int hops_of(const uint8_t *scope)
{
	return (scope[SCOPE_LENGTH] - SCOPE_PATH) / 2u;
}

static uint8_t hop(const uint8_t *scope, unsigned int n)
{
	const uint8_t *at = scope + SCOPE_PATH + 2 * n;

	return (uint8_t)((at[0] & 0x1f) << 3 | (at[1] & 7));
}

/* ---- check ---- */

static bool same_scope(const uint8_t *a, const uint8_t *b)
{
	if (a[SCOPE_LENGTH] != b[SCOPE_LENGTH] || a[SCOPE_BUS] != b[SCOPE_BUS] ||
	    a[SCOPE_TYPE] > SCOPE_BRIDGE || b[SCOPE_TYPE] > SCOPE_BRIDGE)
		return false;
	for (unsigned int n = 0; n < hops_of(a); n++)
		if (hop(a, n) != hop(b, n))
			return false;
	return true;
}

/* Returns true where a scope of @s is one of @other too. */
static bool shares_scope(const uint8_t *s, const uint8_t *other)
{
	const uint8_t *a, *b;

	for (uint32_t i = fixed_size[TYPE_DRHD]; (a = next_scope(s, &i));)
		for (uint32_t j = fixed_size[TYPE_DRHD]; (b = next_scope(other, &j));)
			if (same_scope(a, b))
				return true;
	return false;
}

static int check_drhd(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, uint32_t at)
{
	const uint8_t *s = t->data + at, *other;
	uint64_t base = fw_le64(s + DRHD_BASE);

	if (!base || base & (FW_PAGE - 1))
		return dmah_fw_error(fw, NAME, at + DRHD_BASE,
				     "the register base of a unit is 0 or not a multiple of 4096");
	for (uint32_t i = DMAR_SIZE; (other = next(t, &i, TYPE_DRHD)) && other != s;) {
		if (fw_le64(other + DRHD_BASE) == base)
			return dmah_fw_error(fw, NAME, at + DRHD_BASE,
					     "overlap: another unit has the same registers");
		if (fw_le16(other + STRUCT_SEGMENT) != fw_le16(s + STRUCT_SEGMENT))
			continue;
		if (other[STRUCT_FLAGS] & s[STRUCT_FLAGS] & DRHD_ALL)
			return dmah_fw_error(
				fw, NAME, at + STRUCT_FLAGS,
				"overlap: two units of a segment have all its devices");
		if (shares_scope(s, other))
			return dmah_fw_error(fw, NAME, at,
					     "overlap: another unit has the same device");
	}
	return DMAH_OK;
}

/* Bytes of a range; 0: its limit is below its base. */
static uint64_t rmrr_size(const uint8_t *rmrr)
{
	uint64_t base = fw_le64(rmrr + RMRR_BASE), limit = fw_le64(rmrr + RMRR_LIMIT);

	return limit < base ? 0 : limit - base + 1;
}

static int check_scopes(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, uint32_t at)
{
	const uint8_t *s = t->data + at;
	uint32_t i = fixed_size[type_of(s)];

	while (i < length_of(s)) {
		const char *why = bad_scope(s + i, length_of(s) - i);

		if (why)
			return dmah_fw_error(fw, NAME, at + i, why);
		i += s[i + SCOPE_LENGTH];
	}
	return DMAH_OK;
}

static int check_structure(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, uint32_t at)
{
	const uint8_t *s = t->data + at;
	uint16_t type = type_of(s);

	if (type >= TYPES || type == TYPE_RHSA)
		return DMAH_OK;
	if (type == TYPE_ANDD)
		return s[length_of(s) - 1] ? dmah_fw_error(fw, NAME, at + ANDD_NAME,
							   "the name of a device has no end")
					   : DMAH_OK;
	if (check_scopes(fw, t, at))
		return DMAH_EINVAL;
	if (type == TYPE_RMRR)
		(void)dmah_fw_check_range(fw, NAME, at + RMRR_BASE, fw_le64(s + RMRR_BASE),
					  rmrr_size(s));
	return type == TYPE_DRHD ? check_drhd(fw, t, at) : DMAH_OK;
}

static int check(const struct dmah_fw *fw, struct dmah_fw_bytes *t)
{
	int err = dmah_fw_acpi_check(fw, NAME, t, t->size, DMAR_SIZE);
	uint32_t at = DMAR_SIZE;

	while (at < t->size) {
		const char *why = bad_length(t, at);
		int one = why ? dmah_fw_error(fw, NAME, at, why) : check_structure(fw, t, at);

		if (one)
			err = one;
		if (why)
			t->size = at;
		else
			at += length_of(t->data + at);
	}
	return err;
}

/* ---- units ---- */

static uint32_t flags_of(const struct dmah_fw_bytes *t, const uint8_t *drhd)
{
	uint8_t flags = t->data[DMAR_FLAGS];

	return DMAH_FW_MMIO | (drhd[STRUCT_FLAGS] & DRHD_ALL ? DMAH_FW_ALL : 0) |
	       (flags & FLAG_INTR_REMAP ? DMAH_FW_INTREMAP : 0) |
	       (flags & FLAG_X2APIC_OUT ? DMAH_FW_X2APIC_OPT_OUT : 0) |
	       (flags & FLAG_DMA_CTRL_IN ? DMAH_FW_DMA_OPT_IN : 0);
}

static void describe(const struct dmah_fw_bytes *t, const uint8_t *drhd, struct dmah_fw_unit *unit)
{
	*unit = (struct dmah_fw_unit){
		.kind = DMAH_FW_VTD,
		.table = DMAH_FW_DMAR,
		.offset = (uint32_t)(drhd - t->data),
		.flags = flags_of(t, drhd),
		.base = fw_le64(drhd + DRHD_BASE),
		.size = (uint64_t)FW_PAGE << (drhd[DRHD_PAGES] & 15),
		.segment = fw_le16(drhd + STRUCT_SEGMENT),
		.phys_bits = (uint8_t)(t->data[DMAR_WIDTH] + 1),
	};
}

static bool unit_at(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, unsigned int n,
		    struct dmah_fw_unit *unit)
{
	const uint8_t *s;

	(void)fw;
	for (uint32_t at = DMAR_SIZE; (s = next(t, &at, TYPE_DRHD));)
		if (n-- == 0) {
			describe(t, s, unit);
			return true;
		}
	return false;
}

/* ---- which scope has a device ---- */

/**
 * enum match - the relation of a device to a scope.
 * @NOT: it is not in the scope.
 * @MAYBE: it is by an estimate, since bus numbers are not known.
 * @SURE: it is.
 */
enum match { NOT, MAYBE, SURE };

/* Returns true where a scope of a unit begins on @bus: the bus is no bridge's. */
static bool is_start(const struct dmah_fw_bytes *t, uint16_t segment, unsigned int bus)
{
	const uint8_t *s, *scope;

	for (uint32_t at = DMAR_SIZE; (s = next(t, &at, TYPE_DRHD));)
		for (uint32_t i = fixed_size[TYPE_DRHD]; (scope = next_scope(s, &i));)
			if (fw_le16(s + STRUCT_SEGMENT) == segment &&
			    scope[SCOPE_TYPE] <= SCOPE_BRIDGE && scope[SCOPE_BUS] == bus)
				return true;
	return false;
}

/* Count the bridges on @bus that units name. */
static unsigned int bridges_on(const struct dmah_fw_bytes *t, uint16_t segment, unsigned int bus)
{
	const uint8_t *s, *scope;
	unsigned int n = 0;

	for (uint32_t at = DMAR_SIZE; (s = next(t, &at, TYPE_DRHD));)
		for (uint32_t i = fixed_size[TYPE_DRHD]; (scope = next_scope(s, &i));)
			n += fw_le16(s + STRUCT_SEGMENT) == segment &&
			     scope[SCOPE_TYPE] == SCOPE_BRIDGE && scope[SCOPE_BUS] == bus;
	return n;
}

/*
 * Without bus numbers: firmware numbers the buses behind a bus's bridges one after the other, so @bus is behind a bridge
 * of the nearest bus that scopes begin on, unless it is more than two buses for each of these bridges away.
 */
static bool is_near(const struct dmah_fw_bytes *t, uint16_t segment, unsigned int start,
		    unsigned int bus)
{
	if (bus <= start || is_start(t, segment, bus))
		return false;
	for (unsigned int between = start + 1; between < bus; between++)
		if (is_start(t, segment, between))
			return false;
	return bus - start <= 2 * bridges_on(t, segment, start);
}

static enum match estimate(const struct fw_lookup *q, const struct dmah_fw_bytes *t,
			   const uint8_t *scope)
{
	unsigned int bus = q->who->bdf >> 8, start = scope[SCOPE_BUS], hops = hops_of(scope);

	if (hops == 1)
		return scope[SCOPE_TYPE] == SCOPE_BRIDGE && is_near(t, q->who->segment, start, bus)
			       ? MAYBE
			       : NOT;
	if (bus <= start || bus - start > 2 * (hops - 1))
		return NOT;
	return scope[SCOPE_TYPE] == SCOPE_BRIDGE || hop(scope, hops - 1) == (q->who->bdf & 0xff)
		       ? MAYBE
		       : NOT;
}

/* Follow the path of a scope through its bridges. Returns false where one of them is none. */
static bool resolve(const struct fw_lookup *q, const uint8_t *scope, uint16_t *bdf)
{
	unsigned int bus = scope[SCOPE_BUS], n;
	uint8_t first, last;

	for (n = 0; n + 1 < hops_of(scope); n++) {
		if (!dmah_fw_pci_behind(q->fw, q->who->segment,
					(uint16_t)(bus << 8 | hop(scope, n)), &first, &last))
			return false;
		bus = first;
	}
	*bdf = (uint16_t)(bus << 8 | hop(scope, n));
	return true;
}

static enum match match_scope(const struct fw_lookup *q, const struct dmah_fw_bytes *t,
			      const uint8_t *scope)
{
	unsigned int bus = q->who->bdf >> 8;
	uint8_t first, last;
	uint16_t bdf;

	if (scope[SCOPE_TYPE] != SCOPE_ENDPOINT && scope[SCOPE_TYPE] != SCOPE_BRIDGE)
		return NOT;
	if (resolve(q, scope, &bdf)) {
		if (bdf == q->who->bdf)
			return SURE;
		if (scope[SCOPE_TYPE] == SCOPE_BRIDGE &&
		    dmah_fw_pci_behind(q->fw, q->who->segment, bdf, &first, &last))
			return bus >= first && bus <= last ? SURE : NOT;
	}
	return q->fw->config.pci_read ? NOT : estimate(q, t, scope);
}

/* The best match of any scope of a structure of the device's segment. */
static enum match match(const struct fw_lookup *q, const struct dmah_fw_bytes *t, const uint8_t *s)
{
	enum match best = NOT, one;
	const uint8_t *scope;

	if (fw_le16(s + STRUCT_SEGMENT) != q->who->segment)
		return NOT;
	for (uint32_t at = fixed_size[type_of(s)]; (scope = next_scope(s, &at));) {
		one = match_scope(q, t, scope);
		if (one > best)
			best = one;
	}
	return best;
}

static const uint8_t *drhd_with(const struct fw_lookup *q, const struct dmah_fw_bytes *t,
				enum match least)
{
	const uint8_t *s;

	for (uint32_t at = DMAR_SIZE; (s = next(t, &at, TYPE_DRHD));)
		if (match(q, t, s) >= least)
			return s;
	return NULL;
}

static const uint8_t *drhd_with_all(const struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	const uint8_t *s;

	for (uint32_t at = DMAR_SIZE; (s = next(t, &at, TYPE_DRHD));)
		if (s[STRUCT_FLAGS] & DRHD_ALL && fw_le16(s + STRUCT_SEGMENT) == q->who->segment)
			return s;
	return NULL;
}

/* ---- answers ---- */

static void report_ranges(struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	const uint8_t *s;

	for (uint32_t at = DMAR_SIZE; (s = next(t, &at, TYPE_RMRR));) {
		uint64_t base = fw_le64(s + RMRR_BASE), size = rmrr_size(s);

		if (!dmah_fw_senseless(base, size) && match(q, t, s) != NOT)
			dmah_fw_identity(q, base, size, DMAH_BIDIRECTIONAL);
	}
	dmah_fw_msi_x86(q); /* Section 3.14. */
}

/* Sections 8.5 and 8.8: root ports behind which ATS is supported, and devices of the chip that have a TLB. */
static bool may_use_ats(const struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	const uint8_t *s;

	for (uint32_t at = DMAR_SIZE; (s = next(t, &at, TYPE_ATSR));)
		if (fw_le16(s + STRUCT_SEGMENT) == q->who->segment &&
		    (s[STRUCT_FLAGS] & ATSR_ALL || match(q, t, s) != NOT))
			return true;
	for (uint32_t at = DMAR_SIZE; (s = next(t, &at, TYPE_SATC));)
		if (match(q, t, s) != NOT)
			return true;
	return false;
}

static void lookup_pci(struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	const uint8_t *drhd = drhd_with(q, t, SURE);
	struct dmah_fw_unit unit;
	uint16_t ids[2];
	unsigned int nids;

	if (!drhd) {
		drhd = drhd_with(q, t, MAYBE);
		if (drhd)
			dmah_fw_warn(
				q->fw, NAME, (uint32_t)(drhd - t->data),
				"the buses behind bridges are not known: taken to be behind one");
	}
	if (!drhd)
		drhd = drhd_with_all(q, t);
	if (!drhd)
		return;
	describe(t, drhd, &unit);
	dmah_fw_found(q, &unit);
	nids = dmah_fw_pci_ids(q->fw, q->who->segment, q->who->bdf, ids);
	for (unsigned int n = 0; n < nids; n++)
		dmah_fw_id(q, ids[n]);
	report_ranges(q, t);
	if (may_use_ats(q, t))
		dmah_fw_flags(q, DMAH_DEV_ATS);
}

/* A scope of a device that is on no bus: interrupt controller, timer, ACPI device. It holds the id itself. */
static void lookup_scope(struct fw_lookup *q, const struct dmah_fw_bytes *t, unsigned int type,
			 uint32_t number)
{
	const uint8_t *s, *scope;
	struct dmah_fw_unit unit;

	for (uint32_t at = DMAR_SIZE; (s = next(t, &at, TYPE_DRHD));)
		for (uint32_t i = fixed_size[TYPE_DRHD]; (scope = next_scope(s, &i));) {
			if (scope[SCOPE_TYPE] != type || scope[SCOPE_ID] != number)
				continue;
			describe(t, s, &unit);
			dmah_fw_found(q, &unit);
			dmah_fw_id(q, (uint32_t)scope[SCOPE_BUS] << 8 | hop(scope, 0));
			dmah_fw_msi_x86(q);
			return;
		}
}

static void lookup_name(struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	const uint8_t *s;

	for (uint32_t at = DMAR_SIZE; (s = next(t, &at, TYPE_ANDD));)
		if (dmah_fw_equal((const char *)s + ANDD_NAME, q->who->name)) {
			lookup_scope(q, t, SCOPE_ACPI, s[ANDD_NUMBER]);
			return;
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
		lookup_scope(q, t, SCOPE_IOAPIC, q->who->number);
		return;
	case DMAH_FW_HPET:
		lookup_scope(q, t, SCOPE_HPET, q->who->number);
		return;
	}
}

static void named(const struct dmah_fw_bytes *t, void (*fn)(void *ctx, const char *name), void *ctx)
{
	const uint8_t *s;

	for (uint32_t at = DMAR_SIZE; (s = next(t, &at, TYPE_ANDD));)
		if (s[ANDD_NAME] && !s[length_of(s) - 1])
			fn(ctx, (const char *)s + ANDD_NAME);
}

const struct fw_parser dmah_fw_dmar = {
	.name = NAME, .judge = check, .unit_at = unit_at, .answer = lookup, .name_all = named
};
