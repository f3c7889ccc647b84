// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The tables of docs/performance.md and README.md: scripts/quote.py puts them between the marks of their names. */
#include "report.h"
#include "tables.h"

/* Prints a table, or @none if it has no rows. */
static void block(FILE *f, const char *name, const struct table *t, json_t *rows, const char *none)
{
	fprintf(f, "<!-- run: %s -->\n", name);
	if (json_array_size(rows))
		table_markdown(f, t, rows);
	else
		fprintf(f, "%s\n", none);
	fputs("<!-- end -->\n", f);
	json_decref(rows);
}

void markdown_print(FILE *f, const struct rows *rows, bool measured)
{
	static const char unmeasured[] = "Not measured in this run.";

	if (measured)
		fprintf(f,
			"<!-- run: versions -->\ndmah " DMAH_VERSION "%s%s; compiler " __VERSION__
			"; processor %s.\n<!-- end -->\n",
			peer_versions() ? "; code of Linux " : "; without Linux's own code",
			peer_versions() ? peer_versions() : "", processor_name());
	block(f, "slower", &table_slower, slower_rows(rows), "None in this run.");
	block(f, "targets", &table_verdicts, target_rows(rows, true), unmeasured);
	block(f, "summary", &table_summary, summary_rows(rows), unmeasured);
	block(f, "headline", &table_headline, headline_rows(rows), unmeasured);
	block(f, "conditions", &table_conditions, condition_rows(rows), unmeasured);
	block(f, "syncs", &table_syncs, sync_rows(rows), unmeasured);
	block(f, "gains-lazy", &table_gains, gain_rows(rows, DMAH_LAZY), unmeasured);
	block(f, "gains-strict", &table_gains, gain_rows(rows, DMAH_STRICT), unmeasured);
}
