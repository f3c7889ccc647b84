// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* All that tables say of a machine, as text and as JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include "tables.h"

static const struct {
	uint32_t flag;
	const char *key;
	const char *text;
} flags[] = {
	{ DMAH_FW_ALL, "all", "has every device of its segment that no other unit names" },
	{ DMAH_FW_INTREMAP, "intremap", "interrupt remapping" },
	{ DMAH_FW_X2APIC_OPT_OUT, "x2apic_opt_out", "the firmware asks not to enable x2APIC" },
	{ DMAH_FW_DMA_OPT_IN, "dma_opt_in", "the firmware blocks DMA at first" },
	{ DMAH_FW_COHERENT, "coherent", "reads tables through the CPU's caches" },
	{ DMAH_FW_NONCOHERENT, "noncoherent", "reads tables past the CPU's caches" },
	{ DMAH_FW_MIRRORED, "mirrored", "several sets of registers, for which there is no driver" },
	{ DMAH_FW_IOTLB, "iotlb", "devices may have TLBs" },
};

#define NR_FLAGS (sizeof(flags) / sizeof(flags[0]))

/* ---- text ---- */

static void unit_text(FILE *f, const struct dmah_fw_unit *unit)
{
	char name[64];

	fprintf(f, "%s, segment %u (%s, offset 0x%x)", unit_name(name, unit), unit->segment,
		dmah_fw_table_name(unit->table), unit->offset);
	if (unit->phys_bits)
		fprintf(f, "; physical addresses of %u bits", unit->phys_bits);
	if (unit->hw_features)
		fprintf(f, "; features 0x%" PRIx64, unit->hw_features);
	for (size_t i = 0; i < NR_FLAGS; i++)
		if (unit->flags & flags[i].flag)
			fprintf(f, "; %s", flags[i].text);
	fputc('\n', f);
}

static void answer_text(FILE *f, const char *device, const struct answer *a)
{
	char name[64];

	if (a->none) {
		fprintf(f, "%s: bypassed: no table names it", device);
		return;
	}
	fprintf(f, "%s: %s, id", device, unit_name(name, &a->unit));
	for (size_t i = 0; i < a->nids; i++)
		fprintf(f, "%s 0x%x", i ? " and" : "", a->ids[i]);
	for (size_t i = 0; i < a->nranges; i++)
		if (a->ranges[i].kind != DMAH_FW_MSI)
			fprintf(f, "; %s 0x%" PRIx64 "-0x%" PRIx64 " (the firmware %s)",
				range_kind(&a->ranges[i]), a->ranges[i].start, a->ranges[i].end,
				a->ranges[i].kind == DMAH_FW_IDENTITY
					? "lets it use these addresses"
					: "forbids these addresses");
}

static void named_text(void *ctx, const char *name)
{
	const struct machine *m = ((void **)ctx)[0];
	struct dmah_fw_requester who = { .what = DMAH_FW_NAMED, .name = name };
	struct answer a;

	ask(m, &who, &a);
	answer_text(((void **)ctx)[1], name, &a);
	fputc('\n', ((void **)ctx)[1]);
	answer_free(&a);
}

static void devices_text(FILE *f, const struct machine *m)
{
	struct member *all = group_devices(m);
	char name[16];

	for (size_t i = 0; all && i < m->pci.nr; i++) {
		answer_text(f, function_name(name, all[i].f->segment, all[i].f->bdf), &all[i].a);
		if (all[i].group != i)
			fprintf(f, "; in the group of %s",
				function_name(name, all[all[i].group].f->segment,
					      all[all[i].group].f->bdf));
		if (all[i].why)
			fprintf(f, ": %s", all[i].why);
		fputc('\n', f);
		answer_free(&all[i].a);
	}
	free(all);
}

void list_text(FILE *f, const struct machine *m)
{
	void *ctx[2] = { (void *)m, f };
	struct dmah_fw_unit unit;
	unsigned int n;

	for (n = 0; dmah_fw_unit(&m->fw, n, &unit) == DMAH_OK; n++)
		unit_text(f, &unit);
	if (!n)
		fputs("no IOMMU\n", f);
	dmah_fw_named(&m->fw, named_text, ctx);
	if (m->running)
		devices_text(f, m);
}

/* ---- JSON ---- */

static void set_hex(json_t *j, const char *key, uint64_t value)
{
	json_object_set_new(j, key, json_sprintf("0x%" PRIx64, value));
}

static json_t *unit_json(const struct dmah_fw_unit *unit)
{
	json_t *j = json_object(), *list = json_array();
	char name[16];

	json_object_set_new(j, "kind", json_string(dmah_fw_kind_name(unit->kind)));
	if (unit->flags & DMAH_FW_MMIO)
		set_hex(j, "base", unit->base);
	if (unit->flags & DMAH_FW_PCI)
		json_object_set_new(j, "bdf",
				    json_string(function_name(name, unit->segment, unit->bdf)));
	json_object_set_new(j, "segment", json_integer(unit->segment));
	json_object_set_new(j, "table", json_string(dmah_fw_table_name(unit->table)));
	json_object_set_new(j, "offset", json_integer(unit->offset));
	json_object_set_new(j, "phys_bits", json_integer(unit->phys_bits));
	json_object_set_new(j, "virt_bits", json_integer(unit->virt_bits));
	set_hex(j, "hw_flags", unit->hw_flags);
	set_hex(j, "hw_info", unit->hw_info);
	set_hex(j, "hw_features", unit->hw_features);
	set_hex(j, "hw_features2", unit->hw_features2);
	for (size_t i = 0; i < NR_FLAGS; i++)
		if (unit->flags & flags[i].flag)
			json_array_append_new(list, json_string(flags[i].key));
	json_object_set_new(j, "flags", list);
	list = json_array();
	for (size_t i = 0; i < 4; i++)
		json_array_append_new(list, json_integer(unit->irq[i]));
	json_object_set_new(j, "interrupts", list);
	return j;
}

static void add_name(void *ctx, const char *name)
{
	json_t *text = json_string(name);

	/* A name that is no UTF-8 is left out. */
	if (text)
		json_array_append_new(ctx, text);
}

static json_t *devices_json(const struct machine *m)
{
	struct member *all = group_devices(m);
	json_t *list = json_array();
	char name[16];

	for (size_t i = 0; all && i < m->pci.nr; i++) {
		const struct member *first = &all[all[i].group];
		json_t *j = answer_json(function_name(name, all[i].f->segment, all[i].f->bdf),
					&all[i].a);

		function_name(name, first->f->segment, first->f->bdf);
		json_object_set_new(j, "group", json_string(name));
		json_object_set_new(j, "why", all[i].why ? json_string(all[i].why) : json_null());
		json_array_append_new(list, j);
	}
	for (size_t i = 0; all && i < m->pci.nr; i++)
		answer_free(&all[i].a);
	free(all);
	return list;
}

void list_json(FILE *f, const struct machine *m)
{
	json_t *j = json_object(), *units = json_array(), *names = json_array();
	struct dmah_fw_unit unit;

	for (unsigned int n = 0; dmah_fw_unit(&m->fw, n, &unit) == DMAH_OK; n++)
		json_array_append_new(units, unit_json(&unit));
	dmah_fw_named(&m->fw, add_name, names);
	json_object_set_new(j, "iommus", units);
	json_object_set_new(j, "named", names);
	json_object_set_new(j, "devices", m->running ? devices_json(m) : json_null());
	json_dumpf(j, f, JSON_INDENT(2));
	fputc('\n', f);
	json_decref(j);
}
