// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The answer for one device, in memory and as JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include "tables.h"

static void *grow(void *array, size_t nr, size_t size)
{
	void *more = realloc(array, (nr + 1) * size);

	if (!more)
		abort();
	return more;
}

static void set_unit(void *ctx, const struct dmah_fw_unit *unit)
{
	((struct answer *)ctx)->unit = *unit;
}

static void add_id(void *ctx, uint32_t id)
{
	struct answer *a = ctx;

	for (size_t i = 0; i < a->nids; i++)
		if (a->ids[i] == id)
			return;
	a->ids = grow(a->ids, a->nids, sizeof(*a->ids));
	a->ids[a->nids++] = id;
}

static void add_range(void *ctx, const struct dmah_fw_range *range)
{
	struct answer *a = ctx;

	a->ranges = grow(a->ranges, a->nranges, sizeof(*a->ranges));
	a->ranges[a->nranges++] = *range;
}

static void add_flags(void *ctx, uint32_t flags)
{
	((struct answer *)ctx)->flags |= flags;
}

void ask(const struct machine *m, const struct dmah_fw_requester *who, struct answer *a)
{
	static const struct dmah_fw_visitor visitor = {
		.unit = set_unit, .id = add_id, .range = add_range, .flags = add_flags
	};

	*a = (struct answer){ 0 };
	a->none = dmah_fw_lookup(&m->fw, who, &visitor, a) != DMAH_OK;
}

void answer_free(struct answer *a)
{
	free(a->ids);
	free(a->ranges);
}

const char *range_kind(const struct dmah_fw_range *range)
{
	switch (range->kind) {
	case DMAH_FW_IDENTITY:
		return "identity";
	case DMAH_FW_MSI:
		return "msi";
	default:
		return "reserved";
	}
}

const char *function_name(char to[16], uint16_t segment, uint16_t bdf)
{
	snprintf(to, 16, "%04x:%02x:%02x.%x", segment, bdf >> 8, bdf >> 3 & 0x1f, bdf & 7u);
	return to;
}

const char *unit_name(char to[64], const struct dmah_fw_unit *unit)
{
	const char *kind = dmah_fw_kind_name(unit->kind);
	char function[16];

	if (unit->flags & DMAH_FW_MMIO)
		snprintf(to, 64, "%s at 0x%" PRIx64, kind, unit->base);
	else
		snprintf(to, 64, "%s %s", kind, function_name(function, unit->segment, unit->bdf));
	return to;
}

static json_t *hex_text(uint64_t value)
{
	return json_sprintf("0x%" PRIx64, value);
}

static json_t *unit_object(const struct dmah_fw_unit *unit)
{
	json_t *j = json_object();
	char function[16];

	json_object_set_new(j, "kind", json_string(dmah_fw_kind_name(unit->kind)));
	if (unit->flags & DMAH_FW_MMIO)
		json_object_set_new(j, "base", hex_text(unit->base));
	else
		json_object_set_new(j, "bdf",
				    json_string(function_name(function, unit->segment, unit->bdf)));
	return j;
}

json_t *answer_json(const char *name, const struct answer *a)
{
	json_t *j = json_object(), *ids = json_array(), *reserved = json_array();

	for (size_t i = 0; i < a->nids; i++)
		json_array_append_new(ids, hex_text(a->ids[i]));
	for (size_t i = 0; i < a->nranges; i++) {
		json_t *range = json_object();

		json_object_set_new(range, "start", hex_text(a->ranges[i].start));
		json_object_set_new(range, "end", hex_text(a->ranges[i].end));
		json_object_set_new(range, "kind", json_string(range_kind(&a->ranges[i])));
		json_array_append_new(reserved, range);
	}
	json_object_set_new(j, "requester", json_string(name));
	json_object_set_new(j, "iommu", a->none ? json_null() : unit_object(&a->unit));
	json_object_set_new(j, "ids", ids);
	json_object_set_new(j, "reserved", reserved);
	return j;
}
