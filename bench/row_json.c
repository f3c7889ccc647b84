// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "row.h"

#include <string.h>

#include "cases.h"
#include "message.h"
#include "rows.h"

static json_t *to_json(const struct row *r)
{
	json_t *o = json_object();
	char name[64];

	row_text(o, "case", row_case(r, name, sizeof(name)));
	row_text(o, "backend", machine_name(r->kind));
	row_text(o, "mode", row_mode(r));
	row_integer(o, "live", r->live);
	row_text(o, "order", r->fifo ? "fifo" : "random");
	row_flag(o, "serialised", r->serialised);
	row_integer(o, "threads", r->threads);
	row_integer(o, "size", r->size);
	row_integer(o, "latency_ns", r->latency_ns);
	row_real(o, "ns", r->n ? r->ns : -1, 2);
	row_real(o, "ns_min", r->n ? r->ns_min : -1, 2);
	row_real(o, "ns_max", r->n ? r->ns_max : -1, 2);
	row_real(o, "instructions", r->instructions, 1);
	return o;
}

json_t *rows_to_json(const struct rows *rows)
{
	json_t *array = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(array, to_json(&rows->list[i]));
	return array;
}

void figures_to_json(json_t *array, const struct rows *rows)
{
	for (unsigned int f = 0; f < FIGURES; f++) {
		json_t *o;

		if (rows_figure(rows, f) < 0)
			continue;
		o = json_object();
		row_text(o, "figure", figure_name(f));
		row_real(o, "value", rows_figure(rows, f), 3);
		json_array_append_new(array, o);
	}
}

/* ---- and back ---- */

static bool find_kind(const char *name, enum machine_kind *kind)
{
	for (unsigned int i = MACHINE_NONE; i <= MACHINE_XEN; i++) {
		*kind = i;
		if (!strcmp(machine_name(i), name))
			return true;
	}
	return false;
}

static double number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_number(v) ? json_number_value(v) : -1;
}

static bool from_json(struct rows *rows, const json_t *o)
{
	static const char two_domains[] = "-2domains";
	const char *name = json_string_value(json_object_get(o, "case"));
	const char *backend = json_string_value(json_object_get(o, "backend"));
	const char *mode = json_string_value(json_object_get(o, "mode"));
	const char *order = json_string_value(json_object_get(o, "order"));
	const struct bench_case *c;
	enum machine_kind kind;
	bool two = false;
	char plain[64];
	struct row *r;

	if (!name || !backend || !mode || !order || !find_kind(backend, &kind))
		return false;
	snprintf(plain, sizeof(plain), "%s", name);
	if (strlen(plain) > strlen(two_domains) &&
	    !strcmp(plain + strlen(plain) - strlen(two_domains), two_domains)) {
		plain[strlen(plain) - strlen(two_domains)] = '\0';
		two = true;
	}
	c = case_named(plain);
	if (!c || number(o, "live") < 1 || number(o, "threads") < 1 || number(o, "size") < 1)
		return false;
	r = row_add(rows, c, kind, !strcmp(mode, "lazy") ? DMAH_LAZY : DMAH_STRICT,
		    (uint32_t)number(o, "live"));
	r->fifo = !strcmp(order, "fifo");
	r->serialised = json_is_true(json_object_get(o, "serialised"));
	r->threads = (unsigned int)number(o, "threads");
	r->two_domains = two;
	r->size = (uint32_t)number(o, "size");
	r->latency_ns = (uint32_t)json_integer_value(json_object_get(o, "latency_ns"));
	r->ns = number(o, "ns");
	r->ns_min = number(o, "ns_min");
	r->ns_max = number(o, "ns_max");
	r->n = r->ns >= 0;
	r->instructions = number(o, "instructions");
	return true;
}

/* Returns false if the object is no figure. */
static bool figure_from_json(struct rows *rows, const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "figure"));

	for (unsigned int f = 0; name && f < FIGURES; f++) {
		if (strcmp(figure_name(f), name) != 0)
			continue;
		for (unsigned int k = 0; !rows->figured && k < FIGURES; k++)
			rows->figure[k] = -1;
		rows->figured = true;
		rows->figure[f] = number(o, "value");
		return true;
	}
	return false;
}

bool rows_from_json(struct rows *rows, const json_t *json)
{
	for (size_t i = 0; i < json_array_size(json); i++) {
		if (figure_from_json(rows, json_array_get(json, i)) ||
		    from_json(rows, json_array_get(json, i)))
			continue;
		message("row %zu is not a row of this benchmark", i + 1);
		return false;
	}
	return true;
}
