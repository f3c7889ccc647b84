// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Measures and verifies.
 *
 * All rows of a machine are measured on one instance of it, in turn, so that other load of the computer affects all rows
 * alike. The first pass of each row warms up and is not counted. Then each row is executed once more on another instance,
 * which simulates caches, and every access is verified.
 */
#include <stdlib.h>
#include "callgrind.h"
#include "clock.h"
#include "message.h"
#include "perf.h"
#include "posix.h"
#include "row.h"
#include "samples.h"
#include "xalloc.h"

/* Short traces are repeated until so many calls were timed. */
#define ENOUGH_OPS  20000u
#define MOST_PASSES 200u

const struct row *rows_of_handle(const struct rows *rows, const struct row *row)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->list[i];

		if (r->plan == row->plan && r->kind == row->kind && r->mode == row->mode &&
		    r->way.api == API_HANDLE)
			return r;
	}
	return NULL;
}

uint64_t rows_wrong(const struct rows *rows)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < rows->n; i++)
		sum += rows->list[i].wrong + rows->list[i].stale;
	return sum;
}

/* ---- which rows ---- */

static bool wanted(const struct options *opt, const struct machine_kind *kind, enum dmah_mode mode,
		   const struct way *way)
{
	if (opt->api != APIS && way->api != opt->api)
		return false;
	if (!kind->va_bits)
		return mode == DMAH_STRICT;
	return mode == DMAH_LAZY ? opt->lazy : opt->strict;
}

static size_t add_rows(const struct options *opt, const struct machine_kind *kind,
		       const struct plan *plan, struct rows *rows)
{
	size_t n = 0;

	for (unsigned int mode = DMAH_STRICT; mode <= DMAH_LAZY; mode++) {
		for (unsigned int w = 0; w < kind->nways; w++) {
			if (!wanted(opt, kind, mode, &kind->ways[w]))
				continue;
			n++;
			if (!rows)
				continue;
			xgrow(rows->list, rows->n, rows->cap);
			rows->list[rows->n++] = (struct row){
				.plan = plan,
				.kind = kind,
				.way = kind->ways[w],
				.mode = mode,
				.number = rows->made,
				.ops = plan->nops,
				.instructions = rows->made < opt->ncounts ? opt->counts[rows->made]
									  : -1,
			};
			rows->made++;
		}
	}
	return n;
}

size_t plan_rows(const struct options *opt)
{
	size_t n = 0;

	for (unsigned int i = 0; machine_kind(i); i++)
		if (!opt->machine || opt->machine == machine_kind(i))
			n += add_rows(opt, machine_kind(i), NULL, NULL);
	return n;
}

/* ---- measuring ---- */

struct samples {
	double *ns;
	double *instructions;
	unsigned int n;
	unsigned int ninstructions;
};

/* Makes a pass over the plan, of which only exec_run() is timed. Return: number of calls that failed. */
static uint64_t pass(struct exec *x, struct row *row, struct samples *s)
{
	const struct plan *p = row->plan;
	struct dmah_stats before;
	uint64_t begun, took, failed, n = 0;
	bool counted;

	machine_stats(x->m, &before);
	counted = s && perf_begin();
	begun = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	failed = exec_run(x, 0, p->nops);
	took = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun;
	counted = counted && perf_end(&n);
	machine_stats(x->m, &row->stats);
	stats_subtract(&row->stats, &before);

	failed += exec_run(x, p->nops, p->nops + p->ntail);
	failed += machine_flush(x->m) != DMAH_OK;
	posix_set_cpu(0);
	if (!s || !p->nops)
		return failed;
	s->ns[s->n++] = (double)took / p->nops;
	if (counted)
		s->instructions[s->ninstructions++] = (double)n / p->nops;
	return failed;
}

/* Makes a pass that warms up, and another one that is marked for callgrind. */
static bool count(struct machine *m, struct row *rows, size_t n)
{
	uint32_t nops = m->plan->nops, ntail = m->plan->ntail;
	struct exec x;

	exec_init(&x, m);
	rig_silence(true);
	for (size_t i = 0; i < n; i++) {
		if (machine_set_mode(m, rows[i].mode) || exec_set_way(&x, rows[i].way))
			continue;
		for (unsigned int k = 0; k < 2; k++) {
			if (k)
				callgrind_begin();
			exec_run(&x, 0, nops);
			if (k)
				callgrind_end(rows[i].number, nops);
			exec_run(&x, nops, nops + ntail);
			machine_flush(m);
			posix_set_cpu(0);
		}
	}
	rig_silence(false);
	exec_free(&x);
	return machine_destroy(m);
}

static bool measure(struct machine *m, struct row *rows, size_t n, const struct options *opt)
{
	unsigned int passes = opt->timed ? opt->repeat : 1;
	struct samples *s = xcalloc(n, sizeof(*s));
	struct exec x;

	while (opt->timed && passes < MOST_PASSES && (uint64_t)passes * m->plan->nops < ENOUGH_OPS)
		passes++;
	for (size_t i = 0; i < n; i++) {
		s[i].ns = xcalloc(passes, sizeof(double));
		s[i].instructions = xcalloc(passes, sizeof(double));
	}
	exec_init(&x, m);
	rig_silence(true);
	for (unsigned int k = 0; k <= passes; k++) {
		for (size_t i = 0; i < n; i++) {
			int err = machine_set_mode(m, rows[i].mode);

			if (!err)
				err = exec_set_way(&x, rows[i].way);
			/* The first pass warms up. A row that fails in it is not measured. */
			if (err)
				rows[i].wrong++;
			else if (!rows[i].wrong)
				rows[i].wrong += pass(&x, &rows[i], k ? &s[i] : NULL);
		}
	}
	rig_silence(false);
	for (size_t i = 0; i < n; i++) {
		rows[i].ns = opt->timed ? samples_summarise(s[i].ns, s[i].n).median : -1;
		/* Callgrind's count is exact; the CPU's counter is used without it. */
		if (rows[i].instructions < 0 && s[i].ninstructions == s[i].n && s[i].n)
			rows[i].instructions = samples_summarise(s[i].instructions, s[i].n).median;
		free(s[i].ns);
		free(s[i].instructions);
	}
	free(s);
	exec_free(&x);
	return machine_destroy(m);
}

/* ---- verifying ---- */

static void print_problems(const struct row *row, const struct verdict *d)
{
	for (unsigned int i = 0; i < d->ntext; i++)
		message("%s: %s %s %s (%s): %s", trace_path(row->plan->trace), row->kind->name,
			mode_name(row->mode), api_name(row->way.api), lookup_name(row->way.lookup),
			d->text[i]);
}

/* Verifies rows. Where a row leaves mappings behind, the next row gets a new machine. */
static bool verify(const struct plan *plan, const struct machine_kind *kind, struct row *rows,
		   size_t n, const struct options *opt, void (*step)(void))
{
	struct machine *m = NULL;
	struct verifier *v = NULL;

	for (size_t i = 0; i < n; i++) {
		struct verdict d = { 0 };
		bool clean;

		if (!m) {
			m = machine_create(kind, plan, true, opt->foreign);
			v = m ? verifier_create(m) : NULL;
		}
		if (!v) {
			if (m)
				machine_destroy(m);
			return false;
		}
		clean = verifier_run(v, rows[i].way, rows[i].mode, &d);
		if (!clean || i == n - 1) {
			verifier_free(v);
			if (!machine_destroy(m) && clean) {
				d.wrong++;
				message("%s: %s: memory is left over at the end",
					trace_path(plan->trace), kind->name);
			}
			v = NULL;
			m = NULL;
		}
		print_problems(&rows[i], &d);
		rows[i].verified = true;
		rows[i].wrong += d.wrong;
		rows[i].stale += d.stale;
		rows[i].checked = d.checked;
		if (step)
			step();
	}
	return true;
}

bool replay_plan(const struct plan *plan, const struct options *opt, struct rows *rows,
		 void (*step)(void))
{
	bool all = true;

	for (unsigned int i = 0; machine_kind(i); i++) {
		const struct machine_kind *kind = machine_kind(i);
		size_t first = rows->n, n;
		struct machine *m;

		if (opt->machine && opt->machine != kind)
			continue;
		n = add_rows(opt, kind, plan, rows);
		if (!n)
			continue;
		m = machine_create(kind, plan, false, opt->foreign);
		if (!m) {
			rows->n = first;
			all = false;
			continue;
		}
		if (opt->under_callgrind) {
			count(m, &rows->list[first], n);
			continue;
		}
		if (!measure(m, &rows->list[first], n, opt))
			rows->list[first].wrong++;
		if (!opt->verify) {
			for (size_t k = 0; step && k < n; k++)
				step();
			continue;
		}
		if (!verify(plan, kind, &rows->list[first], n, opt, step)) {
			rows->n = first;
			all = false;
		}
	}
	return all;
}
