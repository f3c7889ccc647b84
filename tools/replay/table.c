// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The table of a trace. */
#include <inttypes.h>
#include "row.h"

static void count(FILE *f, uint64_t n, const char *one, const char *many)
{
	if (n)
		fprintf(f, ", %" PRIu64 " %s", n, n == 1 ? one : many);
}

static void head(FILE *f, const struct plan *p, unsigned int foreign, bool xen)
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
	count(f, info->unknown, "other event passed over", "other events passed over");
	count(f, p->failed, "failed map passed over", "failed maps passed over");
	count(f, p->refused, "event left out", "events left out");
	count(f, info->left_out, "scatter list that stayed mapped left out",
	      "scatter lists that stayed mapped left out");
	count(f, info->lost, "place with lost events", "places with lost events");
	count(f, p->unmatched, "unmatched end or sync passed over",
	      "unmatched ends and syncs passed over");
	count(f, p->implied, "lost unmap filled in", "lost unmaps filled in");
	count(f, p->guessed, "scatter list with guessed lengths",
	      "scatter lists with guessed lengths");
	if (xen)
		fprintf(f, "; on xen %u %% of the pages are foreign", foreign);
	fputs("\n\n", f);
}

static void number(FILE *f, int width, uint64_t n)
{
	if (n)
		fprintf(f, " %*" PRIu64, width, n);
	else
		fprintf(f, " %*s", width, "-");
}

void table_print(FILE *f, const struct plan *plan, const struct rows *rows, unsigned int foreign)
{
	const struct row *last = NULL;
	bool xen = false;

	for (size_t i = 0; i < rows->n; i++)
		xen |= rows->list[i].plan == plan && rows->list[i].way.lookup == LOOKUP_P2M;
	head(f, plan, foreign, xen);
	fprintf(f, "  %-7s %-6s %-8s %-9s %8s %7s %7s %9s %9s %9s %9s %10s %10s %6s %6s\n",
		"machine", "mode", "api", "lookup", "ns/op", "ratio", "ins/op", "lookups", "steps",
		"invalid.", "hypercall", "bounced B", "lines", "wrong", "stale");
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->list[i], *h = rows_of_handle(rows, r);
		bool same = last && last->kind == r->kind && last->mode == r->mode;

		if (r->plan != plan)
			continue;
		if (last && !same)
			fputc('\n', f);
		fprintf(f, "  %-7s %-6s %-8s %-9s %8.1f", same ? "" : r->kind->name,
			same ? "" : mode_name(r->mode), api_name(r->way.api),
			r->way.lookup ? lookup_name(r->way.lookup) : "-", r->ns);
		if (h && h->ns > 0)
			fprintf(f, " %6.2fx", r->ns / h->ns);
		else
			fprintf(f, " %7s", "");
		if (r->instructions >= 0)
			fprintf(f, " %7.0f", r->instructions);
		else
			fprintf(f, " %7s", "n/a");
		number(f, 9, r->stats.reverse_lookups);
		number(f, 9, r->stats.lookup_steps);
		number(f, 9, r->stats.invalidations);
		number(f, 9, r->stats.hypercalls);
		number(f, 10, r->stats.bounced_bytes);
		number(f, 10, r->stats.maintained_lines);
		if (r->verified) {
			fprintf(f, " %6" PRIu64 " %6" PRIu64, r->wrong, r->stale);
		} else {
			number(f, 6, r->wrong);
			fprintf(f, " %6s", "?");
		}
		fputc('\n', f);
		last = r;
	}
	fputc('\n', f);
}
