/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Bytes of firmware tables, and what a parser of a table gives to the others. Internal.
 */
#ifndef DMAH_SRC_FW_TABLE_H
#define DMAH_SRC_FW_TABLE_H

#include <dmah/fw.h>

#define FW_PAGE 4096u

/* The header of every ACPI table (ACPI specification, section 5.2.6). */
#define ACPI_LENGTH   4u
#define ACPI_CHECKSUM 9u
#define ACPI_HEADER   36u

/* ---- little-endian fields at any alignment ---- */

static inline uint16_t fw_le16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t fw_le32(const uint8_t *at)
{
	return (uint32_t)fw_le16(at) | (uint32_t)fw_le16(at + 2) << 16;
}

static inline uint64_t fw_le64(const uint8_t *at)
{
	return fw_le32(at) | (uint64_t)fw_le32(at + 4) << 32;
}

/* Returns true where @len bytes at @at end within @size. */
static inline bool fw_fits(uint64_t at, uint64_t len, uint64_t size)
{
	return at <= size && len <= size - at;
}

/* ---- parsers ---- */

/**
 * struct fw_lookup - a device that is asked for, and where the answer goes.
 * @fw: the machine.
 * @who: the device.
 * @visitor, @ctx: the caller's.
 * @found: a unit was reported.
 * @unit: the unit that was.
 */
struct fw_lookup {
	const struct dmah_fw *fw;
	const struct dmah_fw_requester *who;
	const struct dmah_fw_visitor *visitor;
	void *ctx;
	bool found;
	struct dmah_fw_unit unit;
};

/**
 * struct fw_parser - one kind of table.
 * @name: for problems.
 * @judge: judge a whole table; reports every error by dmah_fw_error(). Cuts @t->size in front of the first structure that
 *	cannot be read. Return: 0 or DMAH_EINVAL.
 * @unit_at: describe unit @n; false: there are no more. NULL: the table has none.
 * @answer: report unit, ids and ranges of a device that the table names; nothing where it does not. NULL: as @unit_at.
 * @name_all: as dmah_fw_named(). May be NULL.
 */
struct fw_parser {
	const char *name;
	int (*judge)(const struct dmah_fw *fw, struct dmah_fw_bytes *t);
	bool (*unit_at)(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, unsigned int n,
			struct dmah_fw_unit *unit);
	void (*answer)(struct fw_lookup *q, const struct dmah_fw_bytes *t);
	void (*name_all)(const struct dmah_fw_bytes *t, void (*fn)(void *ctx, const char *name),
			 void *ctx);
};

extern const struct fw_parser dmah_fw_dmar;
extern const struct fw_parser dmah_fw_ivrs;
extern const struct fw_parser dmah_fw_iort;
extern const struct fw_parser dmah_fw_viot;
extern const struct fw_parser dmah_fw_rimt;
extern const struct fw_parser dmah_fw_dt;
extern const struct fw_parser dmah_fw_madt;

/* ---- iort.c ---- */

/**
 * dmah_fw_iort_running() - list streams of an SMMU that firmware left running: those of RMR nodes.
 * @offset: of the SMMU's node.
 * @streams: room for @max.
 *
 * Returns how many there are, which may be more than @max.
 */
unsigned int dmah_fw_iort_running(const struct dmah_fw_bytes *t, uint32_t offset,
				  struct dmah_smmuv3_bypass *streams, unsigned int max);

/* ---- fw.c ---- */

/** dmah_fw_error() - report an error. Returns DMAH_EINVAL. */
int dmah_fw_error(const struct dmah_fw *fw, const char *table, uint32_t offset, const char *reason);

/** dmah_fw_warn() - report a warning. */
void dmah_fw_warn(const struct dmah_fw *fw, const char *table, uint32_t offset, const char *reason);

/** dmah_fw_found() - report the unit before the device. Returns false where another unit was reported before. */
bool dmah_fw_found(struct fw_lookup *q, const struct dmah_fw_unit *unit);

/** dmah_fw_id() - report an id of the device. */
void dmah_fw_id(const struct fw_lookup *q, uint32_t id);

/** dmah_fw_mask() - report the bits of the last id that the unit does not compare; 0: it compares all. */
void dmah_fw_mask(const struct fw_lookup *q, uint32_t mask);

/** dmah_fw_range() - report a range; @range of any alignment: whole pages are reported. */
void dmah_fw_range(const struct fw_lookup *q, const struct dmah_fw_range *range);

/** dmah_fw_identity() - report that a device makes accesses of @dir at @size bytes from @start. */
void dmah_fw_identity(const struct fw_lookup *q, uint64_t start, uint64_t size, enum dmah_dir dir);

/** dmah_fw_msi_x86() - report the window of x86's interrupts, which is not translated. */
void dmah_fw_msi_x86(const struct fw_lookup *q);

/** dmah_fw_doorbell() - report the page of an MSI register at @phys on Arm. */
void dmah_fw_doorbell(const struct fw_lookup *q, uint64_t phys);

/**
 * dmah_fw_check_range() - judge @size bytes from @start. Warns of a range that is not of whole pages. Returns false after a
 * warning that a senseless range is left out.
 */
bool dmah_fw_check_range(const struct dmah_fw *fw, const char *table, uint32_t offset,
			 uint64_t start, uint64_t size);

/** dmah_fw_senseless() - Returns true for a range of less than a page, or one that wraps round. */
bool dmah_fw_senseless(uint64_t start, uint64_t size);

/** dmah_fw_flags() - report enum dmah_device_flags. */
void dmah_fw_flags(const struct fw_lookup *q, uint32_t flags);

/** dmah_fw_is_unit() - Returns true where the device that is asked for is the PCI function of an IOMMU of @t. */
bool dmah_fw_is_unit(const struct fw_lookup *q, const struct fw_parser *parser,
		     const struct dmah_fw_bytes *t);

/** dmah_fw_equal() - compare two texts; "" and NULL are not equal. */
bool dmah_fw_equal(const char *a, const char *b);

/* ---- acpi.c ---- */

/** dmah_fw_acpi_check() - judge the header of an ACPI table, and cut @t to its length. Return: 0 or DMAH_EINVAL. */
int dmah_fw_acpi_check(const struct dmah_fw *fw, const char *name, struct dmah_fw_bytes *t,
		       size_t size, uint32_t min);

/* ---- pci.c ---- */

/** dmah_fw_pci_behind() - Returns true where @bdf is a bridge and sets the buses behind it, @first to @last. */
bool dmah_fw_pci_behind(const struct dmah_fw *fw, uint16_t segment, uint16_t bdf, uint8_t *first,
			uint8_t *last);

/**
 * dmah_fw_pci_ids() - find the requester ids under which requests of a PCI function leave its root bus.
 * @ids: set; the usual one first.
 *
 * Returns how many there are, 1 or 2.
 */
unsigned int dmah_fw_pci_ids(const struct dmah_fw *fw, uint16_t segment, uint16_t bdf,
			     uint16_t ids[2]);

/** dmah_fw_pci_root_port() - Returns the function on the root bus above @bdf, or @bdf where that is on a root bus. */
uint16_t dmah_fw_pci_root_port(const struct dmah_fw *fw, uint16_t segment, uint16_t bdf);

/* ---- ivrs.c ---- */

/** dmah_fw_ivrs_setting() - Returns the DTE Setting that the block of an AMD unit has for the id @id; 0: none. */
uint8_t dmah_fw_ivrs_setting(const struct dmah_fw *fw, const struct dmah_fw_unit *unit,
			     uint16_t id);

/* ---- madt.c ---- */

/** dmah_fw_madt_its() - report the doorbell of interrupt translation service @id, where the MADT has it. */
void dmah_fw_madt_its(const struct fw_lookup *q, uint32_t id);

/** dmah_fw_madt_frames() - report the doorbells of all GICv2m frames in the MADT. */
void dmah_fw_madt_frames(const struct fw_lookup *q);

#endif /* DMAH_SRC_FW_TABLE_H */
