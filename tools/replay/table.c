// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The rows as JSON, and the table of a trace. */
#include <inttypes.h>
#include "row.h"
#include "rows.h"
#include "table.h"

static json_t *to_json(const struct row *r)
{
	json_t *o = json_object();

	row_text(o, "trace", trace_path(r->plan->trace));
	row_text(o, "machine", r->kind->name);
	row_text(o, "lookup", lookup_name(r->way.lookup));
	row_text(o, "mode", mode_name(r->mode));
	row_text(o, "api", api_name(r->way.api));
	row_integer(o, "ops", r->ops);
	row_real(o, "ns_per_op", r->ns, 3);
	row_real(o, "instructions_per_op", r->instructions, 1);
	row_integer(o, "reverse_lookups", r->stats.reverse_lookups);
	row_integer(o, "lookup_steps", r->stats.lookup_steps);
	row_integer(o, "invalidations", r->stats.invalidations);
	row_integer(o, "hypercalls", r->stats.hypercalls);
	row_integer(o, "bounced_bytes", r->stats.bounced_bytes);
	row_integer(o, "maintained_lines", r->stats.maintained_lines);
	row_integer(o, "wrong", r->wrong);
	row_integer(o, "stale", r->stale);
	row_integer(o, "unmatched", r->plan->unmatched);
	return o;
}

json_t *replay_rows(const struct rows *rows)
{
	json_t *array = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(array, to_json(&rows->list[i]));
	return array;
}

/* ---- tables ---- */

static const struct column columns[] = {
	{ .key = "machine", .head = "machine", .left = true },
	{ .key = "mode", .head = "mode", .left = true },
	{ .key = "api", .head = "API", .brief = "api", .left = true },
	{ .key = "lookup", .head = "lookup", .left = true },
	{ .key = "ns_per_op", .head = "ns/op", .decimals = 1, .optional = true },
	{ .key = "ratio",
	  .head = "ratio",
	  .decimals = 2,
	  .suffix = "x",
	  .none = "",
	  .optional = true },
	{ .key = "instructions_per_op",
	  .head = "instructions",
	  .brief = "ins/op",
	  .optional = true },
	{ .key = "reverse_lookups", .head = "lookups", .zero = "-" },
	{ .key = "lookup_steps", .head = "steps", .zero = "-" },
	{ .key = "invalidations", .head = "invalidations", .brief = "invalid.", .zero = "-" },
	{ .key = "hypercalls", .head = "hypercalls", .brief = "hypercall", .zero = "-" },
	{ .key = "bounced_bytes", .head = "bounced bytes", .brief = "bounced B", .zero = "-" },
	{ .key = "maintained_lines", .head = "cache lines", .brief = "lines", .zero = "-" },
	{ .key = "wrong", .head = "wrong", .none = "?", .bad = true },
	{ .key = "stale", .head = "stale", .none = "?", .bad = true },
	{ 0 },
};

static const struct table table = { .columns = columns, .group = 2, .once = true };

/* Returns the rows of one plan as the table shows them: with the ratio to the handle, and "?" where nothing was verified. */
static json_t *shown(const struct rows *rows, const struct plan *plan)
{
	json_t *array = json_array();

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->list[i], *h = rows_of_handle(rows, r);
		json_t *o;

		if (r->plan != plan)
			continue;
		o = to_json(r);
		row_real(o, "ratio", h && h->ns > 0 ? r->ns / h->ns : -1, 3);
		row_flag(o, "_strong", r->way.api == API_HANDLE);
		if (!r->way.lookup)
			row_text(o, "lookup", NULL);
		if (!r->verified && !r->wrong)
			row_text(o, "wrong", NULL);
		if (!r->verified)
			row_text(o, "stale", NULL);
		json_array_append_new(array, o);
	}
	return array;
}

void replay_html(FILE *f, const struct plan *plan, const struct rows *rows)
{
	json_t *list = shown(rows, plan);

	table_html(f, &table, list);
	json_decref(list);
}

void replay_markdown(FILE *f, const struct plan *plan, const struct rows *rows)
{
	json_t *list = shown(rows, plan);

	fprintf(f, "<!-- run: %s -->\n", plan_base(plan));
	table_markdown(f, &table, list);
	fputs("<!-- end -->\n", f);
	json_decref(list);
}

/* ---- terminals ---- */

static void print_count(FILE *f, uint64_t n, const char *one, const char *many)
{
	if (n)
		fprintf(f, ", %" PRIu64 " %s", n, n == 1 ? one : many);
}

static void print_head(FILE *f, const struct plan *p, unsigned int foreign, bool xen)
{
	const struct trace_info *info = trace_info(p->trace);

	fprintf(f,
		"%s\n  %" PRIu64 " DMA events, %u calls replayed, %u mappings, %u CPU%s, device%s",
		trace_path(p->trace), info->events, p->nops, p->nitems, p->cpus,
		p->cpus == 1 ? "" : "s", p->ndevices == 1 ? "" : "s");
	for (uint32_t i = 0; i < p->ndevices && i < 8; i++)
		fprintf(f, "%s %s (%u bit)", i ? "," : "", p->devices[i].name,
			p->devices[i].wide ? 64 : 32);
	if (p->ndevices > 8)
		fprintf(f, " and %u more", p->ndevices - 8);
	fputs("\n  ", f);
	fprintf(f, "%" PRIu64 " KiB of memory touched", p->data / 1024);
	print_count(f, info->unknown, "other event passed over", "other events passed over");
	print_count(f, p->failed, "failed map passed over", "failed maps passed over");
	print_count(f, p->refused, "event left out", "events left out");
	print_count(f, info->left_out, "scatter list that stayed mapped left out",
		    "scatter lists that stayed mapped left out");
	print_count(f, info->lost, "place with lost events", "places with lost events");
	print_count(f, p->unmatched, "unmatched end or sync passed over",
		    "unmatched ends and syncs passed over");
	print_count(f, p->implied, "lost unmap filled in", "lost unmaps filled in");
	print_count(f, p->guessed, "scatter list with guessed lengths",
		    "scatter lists with guessed lengths");
	if (xen)
		fprintf(f, "; on xen %u %% of the pages are foreign", foreign);
	fputs("\n\n", f);
}

void replay_table(FILE *f, const struct plan *plan, const struct rows *rows, unsigned int foreign)
{
	json_t *list = shown(rows, plan);
	bool xen = false;

	for (size_t i = 0; i < rows->n; i++)
		xen |= rows->list[i].plan == plan && rows->list[i].way.lookup == LOOKUP_P2M;
	print_head(f, plan, foreign, xen);
	table_text(f, &table, list, 2);
	fputc('\n', f);
	json_decref(list);
}
