// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Rows for programs. The keys are a contract. */
#include <jansson.h>
#include <string.h>
#include "row.h"

/* A path need not be UTF-8, and must not cost the row its name. */
static json_t *text(const char *s)
{
	json_t *j = json_string(s);
	char safe[512];
	size_t n = 0;

	if (j)
		return j;
	for (; *s && n < sizeof(safe) - 1; s++)
		safe[n++] = (unsigned char)*s < 0x80 ? *s : '?';
	safe[n] = '\0';
	return json_string(safe);
}

static void integer(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

static json_t *row_of(const struct row *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "trace", text(trace_path(r->plan->trace)));
	json_object_set_new(o, "machine", json_string(r->kind->name));
	json_object_set_new(o, "lookup", json_string(lookup_name(r->way.lookup)));
	json_object_set_new(o, "mode", json_string(mode_name(r->mode)));
	json_object_set_new(o, "api", json_string(api_name(r->way.api)));
	integer(o, "ops", r->ops);
	json_object_set_new(o, "ns_per_op", json_real(r->ns));
	json_object_set_new(o, "instructions_per_op",
			    r->instructions < 0 ? json_null() : json_real(r->instructions));
	integer(o, "reverse_lookups", r->stats.reverse_lookups);
	integer(o, "lookup_steps", r->stats.lookup_steps);
	integer(o, "invalidations", r->stats.invalidations);
	integer(o, "hypercalls", r->stats.hypercalls);
	integer(o, "bounced_bytes", r->stats.bounced_bytes);
	integer(o, "maintained_lines", r->stats.maintained_lines);
	integer(o, "wrong", r->wrong);
	integer(o, "stale", r->stale);
	integer(o, "unmatched", r->plan->unmatched);
	return o;
}

void json_print(FILE *f, const struct rows *rows)
{
	json_t *array = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(array, row_of(&rows->list[i]));
	json_dumpf(array, f, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	fputc('\n', f);
	json_decref(array);
}
