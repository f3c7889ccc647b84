/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The tables of a machine: add them, list their units, and ask all of them for a device.
 */
#include "fw/table.h"

static const struct fw_parser *const parsers[DMAH_FW_TABLES] = {
	[DMAH_FW_DMAR] = &dmah_fw_dmar, [DMAH_FW_IVRS] = &dmah_fw_ivrs,
	[DMAH_FW_IORT] = &dmah_fw_iort, [DMAH_FW_VIOT] = &dmah_fw_viot,
	[DMAH_FW_RIMT] = &dmah_fw_rimt, [DMAH_FW_DT] = &dmah_fw_dt,
	[DMAH_FW_MADT] = &dmah_fw_madt,
};

/* ---- problems ---- */

static void report(const struct dmah_fw *fw, const char *table, uint32_t offset, const char *reason,
		   bool error)
{
	struct dmah_fw_problem problem = {
		.table = table, .offset = offset, .reason = reason, .error = error
	};

	if (fw->config.problem)
		fw->config.problem(fw->config.ctx, &problem);
}

int dmah_fw_error(const struct dmah_fw *fw, const char *table, uint32_t offset, const char *reason)
{
	report(fw, table, offset, reason, true);
	return DMAH_EINVAL;
}

void dmah_fw_warn(const struct dmah_fw *fw, const char *table, uint32_t offset, const char *reason)
{
	report(fw, table, offset, reason, false);
}

/* ---- names ---- */

const char *dmah_fw_kind_name(enum dmah_fw_kind kind)
{
	static const char *const names[] = {
		[DMAH_FW_VTD] = "vtd",	     [DMAH_FW_AMDVI] = "amdvi",
		[DMAH_FW_SMMUV3] = "smmuv3", [DMAH_FW_SMMUV2] = "smmuv2",
		[DMAH_FW_VIRTIO] = "virtio", [DMAH_FW_RISCV] = "riscv",
	};

	return (unsigned int)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

const char *dmah_fw_table_name(enum dmah_fw_table table)
{
	static const char *const names[DMAH_FW_TABLES] = {
		[DMAH_FW_DMAR] = "DMAR", [DMAH_FW_IVRS] = "IVRS", [DMAH_FW_IORT] = "IORT",
		[DMAH_FW_VIOT] = "VIOT", [DMAH_FW_RIMT] = "RIMT", [DMAH_FW_DT] = "DT",
		[DMAH_FW_MADT] = "APIC",
	};

	return (unsigned int)table < DMAH_FW_TABLES ? names[table] : "unknown";
}

bool dmah_fw_equal(const char *a, const char *b)
{
	if (!a || !b || !*a)
		return false;
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* ---- add tables ---- */

static bool is_tree(const uint8_t *data, size_t size)
{
	return size >= 4 && data[0] == 0xd0 && data[1] == 0x0d && data[2] == 0xfe &&
	       data[3] == 0xed;
}

static bool is_name(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool dmah_fw_signature(const void *data, size_t size, char name[5])
{
	const uint8_t *at = data;

	if (is_tree(at, size)) {
		name[0] = 'D', name[1] = 'T', name[2] = 0;
		return true;
	}
	/* ACPI: four letters, then a length. A length that is wrong is for the table's own judge. */
	if (size < 8)
		return false;
	for (unsigned int i = 0; i < 4; i++) {
		if (!is_name(at[i]))
			return false;
		name[i] = (char)at[i];
	}
	name[4] = 0;
	return true;
}

void dmah_fw_init(struct dmah_fw *fw, const struct dmah_fw_config *config)
{
	*fw = (struct dmah_fw){ .config = config ? *config : (struct dmah_fw_config){ 0 } };
}

int dmah_fw_add(struct dmah_fw *fw, const void *data, size_t size)
{
	struct dmah_fw_bytes t = { .data = data };
	const struct fw_parser *parser;
	unsigned int table = 0;
	char name[5];
	int err;

	if (!dmah_fw_signature(data, size, name))
		return DMAH_ENOTSUP;
	while (table < DMAH_FW_TABLES && !dmah_fw_equal(name, parsers[table]->name))
		table++;
	if (table == DMAH_FW_TABLES)
		return DMAH_ENOTSUP;
	if (fw->tables[table].data)
		return DMAH_EBUSY;
	t.size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
	parser = parsers[table];
	err = parser->judge(fw, &t);
	/* Of a table whose fixed fields are broken nothing is left. */
	if (!err || (fw->config.keep_broken && t.size))
		fw->tables[table] = t;
	return err;
}

/* ---- units ---- */

bool dmah_fw_same_unit(const struct dmah_fw_unit *a, const struct dmah_fw_unit *b)
{
	return a->table == b->table && a->offset == b->offset;
}

int dmah_fw_unit(const struct dmah_fw *fw, unsigned int n, struct dmah_fw_unit *unit)
{
	for (unsigned int table = 0; table < DMAH_FW_TABLES; table++) {
		const struct dmah_fw_bytes *t = &fw->tables[table];
		const struct fw_parser *parser = parsers[table];

		if (!t->data || !parser->unit_at)
			continue;
		if (parser->unit_at(fw, t, n, unit)) {
			unit->table = (enum dmah_fw_table)table;
			return DMAH_OK;
		}
		for (unsigned int own = 0; parser->unit_at(fw, t, own, unit); own++)
			n--;
	}
	return DMAH_ENODEV;
}

/* ---- devices ---- */

bool dmah_fw_found(struct fw_lookup *q, const struct dmah_fw_unit *unit)
{
	if (q->found)
		return dmah_fw_same_unit(&q->unit, unit);
	q->found = true;
	q->unit = *unit;
	if (q->visitor->unit)
		q->visitor->unit(q->ctx, unit);
	return true;
}

void dmah_fw_id(const struct fw_lookup *q, uint32_t id)
{
	if (q->visitor->id)
		q->visitor->id(q->ctx, id);
}

void dmah_fw_mask(const struct fw_lookup *q, uint32_t mask)
{
	if (mask && q->visitor->mask)
		q->visitor->mask(q->ctx, mask);
}

void dmah_fw_range(const struct fw_lookup *q, const struct dmah_fw_range *range)
{
	struct dmah_fw_range whole = *range;

	whole.start &= ~(uint64_t)(FW_PAGE - 1);
	whole.end |= FW_PAGE - 1;
	if (q->visitor->range)
		q->visitor->range(q->ctx, &whole);
}

void dmah_fw_identity(const struct fw_lookup *q, uint64_t start, uint64_t size, enum dmah_dir dir)
{
	dmah_fw_range(q, &(struct dmah_fw_range){ .start = start,
						  .end = start + size - 1,
						  .kind = DMAH_FW_IDENTITY,
						  .dir = dir });
}

void dmah_fw_msi_x86(const struct fw_lookup *q)
{
	dmah_fw_range(q, &(struct dmah_fw_range){ .start = 0xfee00000,
						  .end = 0xfeefffff,
						  .kind = DMAH_FW_MSI,
						  .dir = DMAH_FROM_DEVICE });
}

void dmah_fw_doorbell(const struct fw_lookup *q, uint64_t phys)
{
	dmah_fw_range(q, &(struct dmah_fw_range){ .start = phys,
						  .end = phys,
						  .kind = DMAH_FW_MSI,
						  .dir = DMAH_FROM_DEVICE,
						  .mmio = true,
						  .map = true });
}

bool dmah_fw_senseless(uint64_t start, uint64_t size)
{
	return size < FW_PAGE || size - 1 > UINT64_MAX - start;
}

bool dmah_fw_check_range(const struct dmah_fw *fw, const char *table, uint32_t offset,
			 uint64_t start, uint64_t size)
{
	if (dmah_fw_senseless(start, size)) {
		dmah_fw_warn(fw, table, offset,
			     "a senseless range, of less than a page or beyond the address space, "
			     "is left out");
		return false;
	}
	if ((start | size) & (FW_PAGE - 1))
		dmah_fw_warn(fw, table, offset, "a range is not of whole pages: it is widened");
	return true;
}

void dmah_fw_flags(const struct fw_lookup *q, uint32_t flags)
{
	if (flags && q->visitor->flags)
		q->visitor->flags(q->ctx, flags);
}

bool dmah_fw_is_unit(const struct fw_lookup *q, const struct fw_parser *parser,
		     const struct dmah_fw_bytes *t)
{
	struct dmah_fw_unit unit;

	if (q->who->what != DMAH_FW_PCI_FUNCTION)
		return false;
	for (unsigned int n = 0; parser->unit_at(q->fw, t, n, &unit); n++)
		if (unit.flags & DMAH_FW_PCI && unit.segment == q->who->segment &&
		    unit.bdf == q->who->bdf)
			return true;
	return false;
}

int dmah_fw_lookup(const struct dmah_fw *fw, const struct dmah_fw_requester *who,
		   const struct dmah_fw_visitor *visitor, void *ctx)
{
	struct fw_lookup q = { .fw = fw, .who = who, .visitor = visitor, .ctx = ctx };

	for (unsigned int table = 0; table < DMAH_FW_TABLES && !q.found; table++) {
		const struct fw_parser *parser = parsers[table];

		if (fw->tables[table].data && parser->answer)
			parser->answer(&q, &fw->tables[table]);
	}
	return q.found ? DMAH_OK : DMAH_ENODEV;
}

void dmah_fw_named(const struct dmah_fw *fw, void (*fn)(void *ctx, const char *name), void *ctx)
{
	for (unsigned int table = 0; table < DMAH_FW_TABLES; table++) {
		const struct fw_parser *parser = parsers[table];

		if (fw->tables[table].data && parser->name_all)
			parser->name_all(&fw->tables[table], fn, ctx);
	}
}
