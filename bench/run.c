// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Measures the rows.
 *
 * Every row is set up once and stays. All rows are run in turn, round by round, so that other load of the computer affects
 * all rows alike. A run begins with operations that are not timed, which bring its memory back into the caches, and ends
 * with the checks. Of two threads, both go on until one of them has done its share; a run counts only if both had a CPU for
 * nearly all of that time.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "callgrind.h"
#include "memory.h"
#include "message.h"
#include "posix.h"
#include "progress.h"
#include "row.h"
#include "samples.h"
#include "series.h"
#include "walk.h"

#define RUN_NS	     60000000u
#define QUICK_RUN_NS 20000000u
#define ROUNDS	     15u
#define QUICK_ROUNDS 9u
#define LEAST_OPS    8192u
#define CHUNK	     4096u /* operations between two tests for the end of the run */
#define TRIES	     5u
#define MOST_MIX     65536u /* operations before a count */
#define OVERLAP	     0.9

#define TABLES_BYTES  (3ull << 30)
#define BUFFERS_BYTES (384ull << 20)
#define SMALL_BYTES   (256ull << 20)

/**
 * struct instance - a row that is set up.
 * @row: the row.
 * @w: work of each thread.
 * @m: machines: one, or one for each thread.
 * @peer: Linux's domains: one, or one for each thread.
 * @ops: timed operations of a run.
 * @warm: operations before those, which fill the caches and are not timed.
 * @ns: result of each run, @row->n of them.
 * @overlap: sum of the runs' overlaps.
 */
struct instance {
	struct row *row;
	struct work w[2];
	struct machine *m[2];
	struct linux_peer *peer[2];
	uint64_t ops;
	uint64_t warm;
	double *ns;
	double overlap;
};

static bool fail(const struct row *r, const char *why)
{
	char id[256];
	FILE *f = fmemopen(id, sizeof(id), "w");

	must(f);
	row_print_id(f, r);
	fclose(f);
	message("%s: %s", id, why);
	return false;
}

static unsigned int domains(const struct row *r)
{
	return r->two_domains ? r->threads : 1;
}

static void be_cpu(unsigned int cpu)
{
	posix_set_cpu(cpu);
	linux_thread(cpu);
}

/* ---- building ---- */

static const char *open_machine(struct instance *in, unsigned int i)
{
	const struct row *r = in->row;
	bool pool = r->c->pool || r->kind == MACHINE_BOUNCE;
	struct machine_config config = {
		.kind = r->kind,
		.mode = r->mode,
		.noncoherent = r->c->noncoherent,
		.untrusted = r->c->untrusted,
		.latency_ns = r->latency_ns,
		.lookup = r->c->lookup,
		/* room for slots of several sizes */
		.pool = pool ? 8ull * r->live * 4096 : 0,
	};
	const char *why;

	in->m[i] = machine_create(&config, &why);
	return why;
}

static const char *open_peer(struct instance *in, unsigned int i)
{
	const struct row *r = in->row;
	const struct linux_series *series = r->c->series;
	struct linux_peer *peer;

	if (!linux_built(series))
		return "this Linux's own code was not built";
	peer = series->create(r->kind == MACHINE_LPAE ? LINUX_ARM : LINUX_VTD,
			      r->mode == DMAH_LAZY);
	in->peer[i] = peer;
	if (!peer)
		return "Linux's domain cannot be made";
	series->set_latency(peer, r->latency_ns);
	series->set_memory((unsigned long)memory_at(0));
	/* Each of Linux's CPUs has an area of the pool. */
	if (r->kind == MACHINE_BOUNCE && !series->bounce(peer, 16ull * r->live * 4096))
		return "no memory for Linux's bounce pool";
	return NULL;
}

/* Assigns buffers. If nothing reads them they have no memory, so that their cache misses are not in the figures. */
static const char *give_pages(struct work *w, const struct row *r)
{
	bool real = r->c->pool || r->kind == MACHINE_BOUNCE;
	uint64_t n = 1u << 20;

	w->page_shift = 12;
	while ((1u << w->page_shift) < r->size && !r->c->segments)
		w->page_shift++;
	n >>= w->page_shift - 12;
	w->page_base = MEMORY_FAR;
	if (real) {
		n = r->live * 2;
		w->page_base = memory_take(n << w->page_shift);
		if (w->page_base == ~(dmah_phys_t)0)
			return "no memory for buffers";
		for (uint64_t i = 0; i < n << w->page_shift; i++)
			((uint8_t *)memory_at(w->page_base))[i] = (uint8_t)(i * 7 + (i >> 12));
	}
	w->page_mask = n - 1;
	/* Buffers of 1.5 KiB lie across two granules, except where a part of one granule is measured. */
	if (r->size == 1536)
		w->page_base += r->c->untrusted ? 512 : 4096 - 768;
	return NULL;
}

static const char *open_work(struct instance *in, unsigned int i)
{
	const struct row *r = in->row;
	unsigned int d = r->two_domains ? i : 0;
	struct work *w = &in->w[i];
	const char *why;

	*w = (struct work){ .mask = r->live - 1,
			    .rng = 12345 + 777 * i,
			    .size = r->c->segments ? 4096 : r->size,
			    .fifo = r->fifo,
			    .serialised = r->serialised,
			    .segments = r->c->segments,
			    .c = r->c,
			    .m = in->m[d],
			    .dev = in->m[d] ? &in->m[d]->dev : NULL,
			    .peer = in->peer[d],
			    .cpu = i };
	w->buffers = memory_alloc(r->live * sizeof(*w->buffers));
	why = give_pages(w, r);
	if (why)
		return why;
	be_cpu(i);
	if (!r->c->fill(w))
		why = "the mappings cannot be made";
	be_cpu(0);
	return why;
}

static bool open_row(struct instance *in, struct row *r)
{
	const char *why = NULL;

	in->row = r;
	for (unsigned int i = 0; !why && i < domains(r); i++) {
		if (r->c->needs == NEEDS_MACHINE)
			why = open_machine(in, i);
		if (r->c->needs == NEEDS_PEER)
			why = open_peer(in, i);
	}
	for (unsigned int i = 0; !why && i < r->threads; i++)
		why = open_work(in, i);
	return why ? fail(r, why) : true;
}

static bool close_row(struct instance *in)
{
	struct row *r = in->row;
	const char *why = NULL;

	for (unsigned int i = 0; !why && i < r->threads; i++) {
		be_cpu(i);
		if (!r->c->drain(&in->w[i]))
			why = "the mappings cannot be ended";
	}
	be_cpu(0);
	for (unsigned int i = 0; !why && i < 2; i++) {
		if (in->m[i])
			why = machine_destroy(in->m[i]);
		if (in->peer[i])
			r->c->series->destroy(in->peer[i]);
	}
	return why ? fail(r, why) : true;
}

/* ---- checking ---- */

static const char *check_lookups(const struct row *r, const struct machine *m)
{
	bool wants = r->c->looks_up && machine_translated(r->kind);
	struct dmah_stats stats;

	dmah_device_stats(&m->dev, &stats);
	if (stats.misuse || stats.failed_maps)
		return "the library counted misuse or failed maps";
	if (!r->c->looks_up && stats.reverse_lookups)
		return "something was looked up where nothing should be";
	if (wants && stats.reverse_lookups != stats.unmaps)
		return "not every unmap looked its address up";
	return NULL;
}

/* Counts the entries of the whole page table, so that leftover entries are found, too. */
static const char *check_machine(const struct row *r, const struct machine *m)
{
	unsigned int threads = r->two_domains ? 1 : r->threads;
	uint64_t live = (uint64_t)r->live * threads, granules = live;

	if (r->c->segments) {
		granules *= r->c->segments;
		live *= r->c->segments;
	} else {
		granules *= r->size == 1536 && !r->c->untrusted ? 2 : (r->size + 4095) / 4096;
	}
	if (dmah_device_live(&m->dev) != live)
		return "the library counts another number of live mappings";
	if (machine_translated(r->kind) && walk_count(&m->pt) != granules)
		return "the page table has another number of entries";
	return check_lookups(r, m);
}

static bool check_row(struct instance *in)
{
	struct row *r = in->row;
	const char *why = NULL;

	for (unsigned int i = 0; !why && i < r->threads; i++) {
		if (in->w[i].failed)
			why = "calls failed";
		else
			why = r->c->check(&in->w[i]);
	}
	for (unsigned int i = 0; !why && i < domains(r); i++)
		if (in->m[i])
			why = check_machine(r, in->m[i]);
	return why ? fail(r, why) : true;
}

/* ---- one run ---- */

/**
 * struct runner - a thread of a run.
 * @w: its work.
 * @ops: the run ends when one thread has done so many operations.
 * @warm: operations before those, not timed.
 * @done: operations done.
 * @cpu_ns: CPU time of those.
 * @from: beginning, on the wall clock.
 * @to: end, on the wall clock.
 * @ready: number of threads that are ready; shared.
 * @stop: set by the thread that ends the run; shared.
 */
struct runner {
	struct work *w;
	uint64_t ops;
	uint64_t warm;
	uint64_t done;
	uint64_t cpu_ns;
	uint64_t from, to;
	unsigned int *ready;
	bool *stop;
};

/* Pins the thread to the @n-th CPU that this process may use. Return: false if there are fewer. */
static bool pin(unsigned int n, cpu_set_t *all)
{
	cpu_set_t one;

	if (sched_getaffinity(0, sizeof(*all), all))
		return false;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, all) || n--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		return !sched_setaffinity(0, sizeof(one), &one);
	}
	return false;
}

static void *run_thread(void *arg)
{
	struct runner *t = arg;
	cpu_set_t all;
	uint64_t begun;

	be_cpu(t->w->cpu);
	pin(t->w->cpu, &all);
	t->w->c->run(t->w, t->warm);
	__atomic_add_fetch(t->ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(t->ready, __ATOMIC_ACQUIRE) < 2)
		dmah_host_relax();
	t->from = clock_ns(CLOCK_MONOTONIC);
	begun = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	while (!__atomic_load_n(t->stop, __ATOMIC_RELAXED)) {
		t->w->c->run(t->w, CHUNK);
		t->done += CHUNK;
		if (t->done >= t->ops)
			__atomic_store_n(t->stop, true, __ATOMIC_RELAXED);
	}
	t->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun;
	t->to = clock_ns(CLOCK_MONOTONIC);
	return NULL;
}

/* Returns the part of the time in which both threads ran, each on a CPU. */
static double overlap_of(const struct runner *t)
{
	uint64_t first = t[0].from < t[1].from ? t[0].from : t[1].from;
	uint64_t last = t[0].to > t[1].to ? t[0].to : t[1].to;
	double both = (double)(t[0].to < t[1].to ? t[0].to : t[1].to) -
		      (double)(t[0].from > t[1].from ? t[0].from : t[1].from);

	for (unsigned int i = 0; i < 2; i++)
		if (t[i].to - t[i].from > t[i].cpu_ns)
			both -= (double)(t[i].to - t[i].from - t[i].cpu_ns);
	return both > 0 ? both / (double)(last - first) : 0;
}

static double run_two(struct instance *in, double *overlap)
{
	unsigned int ready = 0;
	bool stop = false;
	struct runner t[2];
	pthread_t other;
	double ns = 0;

	for (unsigned int i = 0; i < 2; i++)
		t[i] = (struct runner){ .w = &in->w[i],
					.ops = in->ops,
					.warm = in->warm,
					.ready = &ready,
					.stop = &stop };
	if (pthread_create(&other, NULL, run_thread, &t[1])) {
		*overlap = 0;
		return 0;
	}
	{
		cpu_set_t all;
		bool known = !sched_getaffinity(0, sizeof(all), &all);

		run_thread(&t[0]);
		if (known)
			sched_setaffinity(0, sizeof(all), &all);
	}
	pthread_join(other, NULL);
	be_cpu(0);
	*overlap = overlap_of(t);
	for (unsigned int i = 0; i < 2; i++)
		ns += (double)t[i].cpu_ns / (double)t[i].done / 2;
	return ns;
}

static double run_one(struct instance *in)
{
	struct work *w = &in->w[0];
	uint64_t begun;

	w->c->run(w, in->warm);
	begun = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	w->c->run(w, in->ops);
	return (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun) / (double)in->ops;
}

/* Mixes the order of the mappings well, then computes the number of operations of a run. */
static void warm_up(struct instance *in, uint64_t run_ns)
{
	uint64_t mix = 2ull * in->row->live, took, most, n = LEAST_OPS;

	mix = mix < 16384 ? 16384 : mix;
	for (unsigned int i = 0; i < in->row->threads; i++) {
		be_cpu(i);
		in->w[i].c->run(&in->w[i], mix);
	}
	be_cpu(0);
	took = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	in->w[0].c->run(&in->w[0], n);
	took = clock_ns(CLOCK_THREAD_CPUTIME_ID) - took;
	most = took ? n * run_ns / took : n;
	most = most < in->row->live ? in->row->live : most;
	in->ops = (most < LEAST_OPS ? LEAST_OPS : most) & ~(uint64_t)(CHUNK - 1);
	most = in->ops / 4 < 2ull * in->row->live ? 2ull * in->row->live : in->ops / 4;
	in->warm = (most + CHUNK - 1) & ~(uint64_t)(CHUNK - 1);
}

static void sample(struct instance *in)
{
	struct row *r = in->row;
	double overlap = 1, ns = 0;

	if (r->threads == 1) {
		in->ns[r->n++] = run_one(in);
		return;
	}
	for (unsigned int i = 0; i < TRIES; i++) {
		ns = run_two(in, &overlap);
		if (overlap >= OVERLAP) {
			in->ns[r->n++] = ns;
			in->overlap += overlap;
			return;
		}
	}
	r->dropped++;
}

/* ---- all of them ---- */

static void summarise(struct instance *in)
{
	struct row *r = in->row;
	struct summary s = samples_summarise(in->ns, r->n);

	r->ns = s.median;
	r->ns_min = s.least;
	r->ns_max = s.most;
	if (r->threads > 1 && r->n)
		r->overlap = in->overlap / r->n;
}

static unsigned int cpus(void)
{
	cpu_set_t all;

	return sched_getaffinity(0, sizeof(all), &all) ? 1 : (unsigned int)CPU_COUNT(&all);
}

bool rows_run(struct rows *rows, const struct options *opt)
{
	unsigned int rounds = opt->quick || opt->brief ? QUICK_ROUNDS : ROUNDS;
	struct instance *in = must(calloc(rows->n + 1, sizeof(*in)));
	bool ok = memory_init(TABLES_BYTES, BUFFERS_BYTES);

	if (!ok)
		message("no memory for page tables and buffers");
	be_cpu(0);
	progress_begin(rows->n * (rounds + 1));
	progress_label("measuring");
	for (size_t i = 0; ok && i < rows->n; i++) {
		in[i].ns = must(calloc(rounds, sizeof(double)));
		ok = open_row(&in[i], &rows->list[i]);
		if (ok)
			warm_up(&in[i], opt->quick || opt->brief ? QUICK_RUN_NS : RUN_NS);
		ok = ok && check_row(&in[i]);
		progress_step();
	}
	for (unsigned int k = 0; ok && k < rounds; k++) {
		for (size_t i = 0; ok && i < rows->n; i++) {
			if (in[i].row->threads <= cpus())
				sample(&in[i]);
			else
				in[i].row->dropped++;
			ok = check_row(&in[i]);
			progress_step();
		}
	}
	for (size_t i = 0; ok && i < rows->n; i++) {
		summarise(&in[i]);
		ok = close_row(&in[i]);
	}
	progress_clear();
	for (size_t i = 0; i < rows->n; i++)
		free(in[i].ns);
	free(in);
	return ok;
}

/* ---- not timed ---- */

bool rows_smoke(struct rows *rows)
{
	double figure[FIGURES];
	const char *why;
	bool all = true;

	be_cpu(0);
	if (!memory_init(SMALL_BYTES, BUFFERS_BYTES)) {
		puts("Bail out! no memory");
		return false;
	}
	printf("1..%zu\n", rows->n + 1);
	for (size_t i = 0; i < rows->n; i++) {
		struct row *r = &rows->list[i];
		struct instance in = { .ops = CHUNK, .warm = CHUNK };
		bool ok = open_row(&in, r);
		double overlap;

		if (ok && r->threads == 1)
			run_one(&in);
		else if (ok)
			run_two(&in, &overlap);
		ok = ok && check_row(&in);
		ok = ok && close_row(&in);
		printf("%s %zu - ", ok ? "ok" : "not ok", i + 1);
		row_print_id(stdout, r);
		putchar('\n');
		all &= ok;
	}
	why = figures_measure(figure, true, 40000);
	printf("%s %zu - figures%s%s\n", why ? "not ok" : "ok", rows->n + 1, why ? ": " : "",
	       why ? why : "");
	return all && !why;
}

bool rows_counted(struct rows *rows)
{
	bool ok = memory_init(TABLES_BYTES, BUFFERS_BYTES);

	be_cpu(0);
	for (size_t i = 0; ok && i < rows->n; i++) {
		struct instance in = { 0 };
		struct work *w = &in.w[0];
		uint64_t ops = LEAST_OPS, mix = 2ull * rows->list[i].live;

		if (!rows->list[i].count)
			continue;
		ok = open_row(&in, &rows->list[i]);
		if (!ok)
			break;
		/* A count needs no warm caches: the order of many mappings need not be mixed as well as for times. */
		mix = mix > MOST_MIX ? MOST_MIX : mix;
		w->c->run(w, mix > ops ? mix : ops);
		callgrind_begin();
		w->c->run(w, ops);
		callgrind_end(i, ops);
		ok = check_row(&in) && close_row(&in);
	}
	return ok;
}
