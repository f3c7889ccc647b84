/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * MADT: the registers that Arm's devices write to raise a message-signalled interrupt (ACPI specification, sections 5.2.12.16,
 * GIC MSI Frame, and 5.2.12.18, GIC Interrupt Translation Service).
 */
#include "fw/table.h"

#define NAME	   "APIC"
#define MADT_SIZE  44u
#define TYPE_FRAME 13u
#define TYPE_ITS   15u
#define FRAME_BASE 8u
#define FRAME_SIZE 24u
#define ITS_ID	   4u
#define ITS_BASE   8u
#define ITS_SIZE   20u
/* GITS_TRANSLATER is in the second 64 KiB (Arm GIC Architecture Specification, IHI 0069, section 12.18). */
#define ITS_DOORBELL 0x10040u
/* MSI_SETSPI_NS (Server Base System Architecture, DEN 0029, section on GICv2m). */
#define FRAME_DOORBELL 0x40u

static const char *bad(const struct dmah_fw_bytes *t, uint32_t at)
{
	const uint8_t *s = t->data + at;

	if (t->size - at < 2 || s[1] > t->size - at)
		return "the length of a structure is beyond the end of the table";
	if (s[1] < 2 || (s[0] == TYPE_FRAME && s[1] < FRAME_SIZE) ||
	    (s[0] == TYPE_ITS && s[1] < ITS_SIZE))
		return "the length of a structure is less than that of its fields";
	return NULL;
}

static int check(const struct dmah_fw *fw, struct dmah_fw_bytes *t)
{
	int err = dmah_fw_acpi_check(fw, NAME, t, t->size, MADT_SIZE);

	for (uint32_t at = MADT_SIZE; at < t->size; at += t->data[at + 1]) {
		const char *why = bad(t, at);

		if (why) {
			t->size = at;
			return dmah_fw_error(fw, NAME, at, why);
		}
	}
	return err;
}

static const uint8_t *next(const struct dmah_fw_bytes *t, uint32_t *at, unsigned int type)
{
	while (*at < t->size && !bad(t, *at)) {
		const uint8_t *s = t->data + *at;

		*at += s[1];
		if (s[0] == type)
			return s;
	}
	return NULL;
}

void dmah_fw_madt_its(const struct fw_lookup *q, uint32_t id)
{
	const struct dmah_fw_bytes *t = &q->fw->tables[DMAH_FW_MADT];
	const uint8_t *s;

	for (uint32_t at = MADT_SIZE; t->data && (s = next(t, &at, TYPE_ITS));)
		if (fw_le32(s + ITS_ID) == id)
			dmah_fw_doorbell(q, fw_le64(s + ITS_BASE) + ITS_DOORBELL);
}

void dmah_fw_madt_frames(const struct fw_lookup *q)
{
	const struct dmah_fw_bytes *t = &q->fw->tables[DMAH_FW_MADT];
	const uint8_t *s;

	for (uint32_t at = MADT_SIZE; t->data && (s = next(t, &at, TYPE_FRAME));)
		dmah_fw_doorbell(q, fw_le64(s + FRAME_BASE) + FRAME_DOORBELL);
}

const struct fw_parser dmah_fw_madt = { .name = NAME, .judge = check };
