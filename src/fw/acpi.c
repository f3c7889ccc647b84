/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * ACPI: the header of a table (ACPI specification, section 5.2.6), and the way from the root pointer to the tables (sections
 * 5.2.5 to 5.2.8).
 */
#include "fw/table.h"

#define RSDP_SIZE1    20u
#define RSDP_SIZE2    36u
#define RSDP_REVISION 15u
#define RSDP_RSDT     16u
#define RSDP_XSDT     24u

/* Sum of all bytes, 0 where the checksum is right. */
static uint8_t sum(const uint8_t *at, uint32_t size)
{
	uint8_t total = 0;

	for (uint32_t i = 0; i < size; i++)
		total = (uint8_t)(total + at[i]);
	return total;
}

int dmah_fw_acpi_check(const struct dmah_fw *fw, const char *name, struct dmah_fw_bytes *t,
		       size_t size, uint32_t min)
{
	uint32_t length;

	t->size = 0;
	if (size < ACPI_HEADER)
		return dmah_fw_error(fw, name, (uint32_t)size,
				     "truncated: the bytes end within the header");
	length = fw_le32(t->data + ACPI_LENGTH);
	if (length < min)
		return dmah_fw_error(fw, name, ACPI_LENGTH,
				     "the length is less than that of the fixed fields");
	if (length > DMAH_FW_TABLE_MAX)
		return dmah_fw_error(fw, name, ACPI_LENGTH, "the length is more than 256 KiB");
	if (length > size) {
		if (size >= min)
			t->size = (uint32_t)size;
		return dmah_fw_error(fw, name, (uint32_t)size,
				     "truncated: the bytes end before the table's length");
	}
	t->size = length;
	if (!sum(t->data, length))
		return DMAH_OK;
	if (t->data[ACPI_CHECKSUM])
		return dmah_fw_error(fw, name, ACPI_CHECKSUM, "the checksum is wrong");
	dmah_fw_warn(fw, name, ACPI_CHECKSUM, "the checksum was never filled in");
	return DMAH_OK;
}

/* ---- from the root pointer ---- */

static const uint8_t *at_phys(const struct dmah_fw *fw,
			      const void *(*map)(void *ctx, uint64_t phys, size_t len),
			      uint64_t phys, size_t len)
{
	if (map)
		return map(fw->config.ctx, phys, len);
	if (phys > UINTPTR_MAX)
		return NULL;
	return (const uint8_t *)(uintptr_t)phys;
}

static bool is_rsdp(const uint8_t *rsdp)
{
	static const char signature[] = "RSD PTR ";

	for (unsigned int i = 0; i < 8; i++)
		if (rsdp[i] != (uint8_t)signature[i])
			return false;
	return !sum(rsdp, RSDP_SIZE1);
}

/* Map a whole table, whose length is in its header. NULL: it cannot be. */
static const uint8_t *table_at(const struct dmah_fw *fw,
			       const void *(*map)(void *ctx, uint64_t phys, size_t len),
			       uint64_t phys, uint32_t *length)
{
	const uint8_t *t = at_phys(fw, map, phys, ACPI_HEADER);

	if (!t)
		return NULL;
	*length = fw_le32(t + ACPI_LENGTH);
	if (*length < ACPI_HEADER || *length > DMAH_FW_TREE_MAX)
		return NULL;
	return at_phys(fw, map, phys, *length);
}

int dmah_fw_add_acpi(struct dmah_fw *fw, uint64_t rsdp,
		     const void *(*map)(void *ctx, uint64_t phys, size_t len))
{
	const uint8_t *root = at_phys(fw, map, rsdp, RSDP_SIZE1), *list;
	uint32_t length, entry = 4;
	uint64_t phys;
	int err = DMAH_OK;

	if (!root || !is_rsdp(root))
		return dmah_fw_error(fw, "RSDP", 0, "no root pointer is here");
	phys = fw_le32(root + RSDP_RSDT);
	if (root[RSDP_REVISION] >= 2) {
		root = at_phys(fw, map, rsdp, RSDP_SIZE2);
		if (root && fw_le64(root + RSDP_XSDT)) {
			phys = fw_le64(root + RSDP_XSDT);
			entry = 8;
		}
	}
	list = table_at(fw, map, phys, &length);
	if (!list || sum(list, length))
		return dmah_fw_error(fw, entry == 8 ? "XSDT" : "RSDT", 0,
				     "the list of tables is broken");
	for (uint32_t at = ACPI_HEADER; fw_fits(at, entry, length); at += entry) {
		const uint8_t *t;
		uint32_t size;

		phys = entry == 8 ? fw_le64(list + at) : fw_le32(list + at);
		t = phys ? table_at(fw, map, phys, &size) : NULL;
		if (!t)
			continue;
		if (dmah_fw_add(fw, t, size) == DMAH_EINVAL)
			err = DMAH_EINVAL;
	}
	return err;
}
