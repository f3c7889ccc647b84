// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <inttypes.h>
#include "outcome.h"

/* Diagnostic lines of one kind are printed up to this many. */
#define LINES_SHOWN 20

void ktap_begin(struct ktap *k, FILE *to, const struct fail_on *on, int traces)
{
	*k = (struct ktap){ .to = to, .on = on };
	fprintf(to, "KTAP version 1\n1..%d\n", traces);
}

/* A '#' in a name would begin a directive. */
static void print_name(FILE *to, const char *s)
{
	for (; *s; s++)
		putc(*s == '#' || (unsigned char)*s < ' ' ? '_' : *s, to);
}

static void diagnostic(const struct ktap *k, const struct trace *t, const struct finding *f)
{
	static const char *const states[] = { "", ", in the baseline", ", suppressed" };
	const char *unit = trace_info(t)->dat ? "record" : "line";

	fprintf(k->to, "    # %s%s", f->error ? "error" : "note", states[f->state]);
	if (f->device) {
		fputs(": ", k->to);
		print_name(k->to, f->device);
	}
	if (f->ev)
		fprintf(k->to, ": %s %" PRIu64, unit, f->ev->line);
	if (f->ev && *f->ev->caller)
		fprintf(k->to, ", called by %s", f->ev->caller);
	fprintf(k->to, ": %s\n", f->text);
}

static bool print_kind(const struct ktap *k, const struct trace *t, const struct findings *fs,
		       enum finding_kind kind)
{
	size_t shown = 0, left = 0, failing = 0;

	for (size_t i = 0; i < fs->nr; i++) {
		const struct finding *f = &fs->list[i];

		if (f->kind != kind)
			continue;
		failing += finding_fails(k->on, f);
		if (shown == LINES_SHOWN) {
			left++;
			continue;
		}
		shown++;
		diagnostic(k, t, f);
	}
	if (left)
		fprintf(k->to, "    # and %zu more: --format=json has them\n", left);
	fprintf(k->to, "    %s %d %s\n", failing ? "not ok" : "ok", (int)kind + 1,
		finding_name(kind));
	return !failing;
}

void ktap_trace(struct ktap *k, const struct trace *t, const struct findings *fs)
{
	bool ok = true;

	fputs("    KTAP version 1\n    # Subtest: ", k->to);
	print_name(k->to, trace_path(t));
	fprintf(k->to, "\n    1..%d\n", (int)NR_FINDING_KINDS);
	for (int kind = 0; kind < NR_FINDING_KINDS; kind++)
		ok = print_kind(k, t, fs, (enum finding_kind)kind) && ok;
	fprintf(k->to, "%s %d ", ok ? "ok" : "not ok", ++k->nr);
	print_name(k->to, trace_path(t));
	putc('\n', k->to);
}

void ktap_unreadable(struct ktap *k, const char *path, const char *why)
{
	fprintf(k->to, "# %s\nnot ok %d ", why, ++k->nr);
	print_name(k->to, path);
	putc('\n', k->to);
}
