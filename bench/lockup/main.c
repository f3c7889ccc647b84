// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * dmah-lockup: searches for workloads in which one call of an IOVA allocator takes many steps, in Linux's own allocator and in
 * this library.
 *
 * A random workload is changed again and again, and a change that lasts longer is kept: hill climbing, from several random
 * beginnings. All of it follows from the seed.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "message.h"
#include "rig.h"
#include "run.h"

#define MOST_ALLOCATORS 4u

static const char usage[] =
	"usage: dmah-lockup [options] [LIBRARY...]\n"
	"\n"
	"Searches for workloads in which one call of an IOVA allocator takes many steps: in this "
	"library,\n"
	"and in each LIBRARY that bench/peers/linux/iova.sh made of Linux's own code.\n"
	"\n"
	"  --seed N             of the search (1)\n"
	"  --starts N           random beginnings (8)\n"
	"  --changes N          changes tried from each (200)\n"
	"  --mappings N         mappings of a workload in the search (1024)\n"
	"  --scale              run the worst workloads with more and more mappings, too\n"
	"  --steps N            of a call, that the smallest trace reaches (256)\n"
	"  --trace FILE         write the smallest trace of the first LIBRARY\n"
	"  --markdown FILE      write the table of --scale for docs/performance.md\n"
	"  --replay FILE        search nothing: run that trace on all\n"
	"\n"
	"Exit status: 0; 1 if this library took more steps than its bound, or a trace's steps are "
	"others than\n"
	"it says; 2 on wrong usage.\n";

/**
 * struct options - options.
 * @seed: of the search.
 * @starts: random beginnings.
 * @changes: changes tried from each.
 * @mappings: of a workload.
 * @scale: run the worst workloads at other sizes, too.
 * @steps: that the smallest trace reaches.
 * @trace: file for that trace.
 * @replay: file of a trace to run.
 * @markdown: file for the table of --scale.
 */
struct options {
	uint64_t seed;
	uint32_t starts;
	uint32_t changes;
	uint32_t mappings;
	bool scale;
	uint32_t steps;
	const char *trace;
	const char *replay;
	const char *markdown;
};

/* ---- the search ---- */

/* A workload is worse if its cost lasts longer, or is as long with fewer mappings. */
static bool worse(const struct result *a, const struct result *b)
{
	if (a->lasting != b->lasting)
		return a->lasting > b->lasting;
	return a->live < b->live;
}

static struct result climb(struct workload *w, const struct allocator *a, const struct options *opt,
			   uint64_t *seed)
{
	struct result best = workload_run(w, a, opt->mappings, NULL);

	for (uint32_t i = 0; i < opt->changes; i++) {
		struct workload other = *w;
		struct result result;

		workload_change(&other, seed);
		result = workload_run(&other, a, opt->mappings, NULL);
		if (worse(&best, &result))
			continue;
		*w = other;
		best = result;
	}
	return best;
}

/* Removes the acts of a workload that its steps do not need. */
static void simplify(struct workload *w, struct result *best, const struct allocator *a,
		     uint32_t mappings)
{
	for (unsigned int i = 0; i < WORKLOAD_FILLS + WORKLOAD_PROBES; i++) {
		struct workload other = *w;
		struct act *act = i < WORKLOAD_FILLS ? &other.fill[i]
						     : &other.probe[i - WORKLOAD_FILLS];
		struct result result;

		act->kind = ACT_NONE;
		result = workload_run(&other, a, mappings, NULL);
		if (result.lasting < best->lasting)
			continue;
		*w = other;
		*best = result;
	}
}

static struct result search(const struct allocator *a, const struct options *opt,
			    struct workload *worst)
{
	uint64_t seed = opt->seed;
	struct result most = { 0 };

	for (uint32_t i = 0; i < opt->starts; i++) {
		struct workload w;
		struct result result;

		workload_random(&w, &seed);
		result = climb(&w, a, opt, &seed);
		if (i && !worse(&result, &most))
			continue;
		most = result;
		*worst = w;
	}
	simplify(worst, &most, a, opt->mappings);
	return most;
}

/* ---- the smallest trace ---- */

/* Calls of a trace that must be slow: one may be an accident. */
#define SLOW_CALLS 3u

/* Returns true if enough calls of the trace take the steps. */
static bool reaches(struct trace *t, const struct allocator *a, uint32_t steps)
{
	unsigned int found = 0;

	trace_run(t, a);
	for (uint32_t i = 0; i < t->n; i++)
		found += t->call[i].steps >= steps;
	return found >= SLOW_CALLS;
}

/* Removes @n calls from @at on, and the frees of allocations that are no longer made. */
static struct trace without(const struct trace *t, uint32_t at, uint32_t n)
{
	struct trace rest = { .call = must(malloc((t->n + 1u) * sizeof(*t->call))), .cap = t->n };
	unsigned char *made = must(calloc(t->n + 1u, 1));

	for (uint32_t i = 0; i < t->n; i++) {
		const struct call *c = &t->call[i];

		if (i >= at && i < at + n)
			continue;
		if (c->pages)
			made[c->id] = 1;
		else if (!made[c->id])
			continue;
		rest.call[rest.n++] = *c;
	}
	free(made);
	return rest;
}

/* Numbers the mappings of a trace from 0 on. */
static void renumber(struct trace *t)
{
	uint32_t *number, most = 0, n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		most = t->call[i].id > most ? t->call[i].id : most;
	number = must(calloc(most + 1u, sizeof(*number)));
	for (uint32_t i = 0; i < t->n; i++) {
		struct call *c = &t->call[i];

		if (c->pages)
			number[c->id] = n++;
		c->id = number[c->id];
	}
	free(number);
}

static void shrink(struct trace *t, const struct allocator *a, uint32_t steps)
{
	renumber(t);
	for (uint32_t n = t->n / 2; n; n /= 2) {
		for (uint32_t at = 0; at < t->n;) {
			struct trace rest = without(t, at, n);

			renumber(&rest);
			if (reaches(&rest, a, steps)) {
				free(t->call);
				*t = rest;
			} else {
				free(rest.call);
				at += n;
			}
		}
	}
}

/* Makes a trace of a workload with as few mappings as reach the steps, and removes the calls that they do not need. */
static void smallest_trace(struct trace *t, const struct workload *w, const struct allocator *a,
			   const struct options *opt)
{
	for (uint32_t mappings = 64;; mappings *= 2) {
		t->n = 0;
		workload_run(w, a, mappings, t);
		if (mappings >= opt->mappings || reaches(t, a, opt->steps))
			break;
	}
	shrink(t, a, opt->steps);
}

/* Writes the calls of a trace, each with its steps in all allocators. */
static bool write_trace(const char *path, struct trace *t, const struct allocator *list,
			unsigned int n, const struct workload *w, const struct options *opt)
{
	FILE *f = fopen(path, "w");
	struct trace other[MOST_ALLOCATORS];

	if (!f) {
		message("%s: %m", path);
		return false;
	}
	fprintf(f,
		"# The smallest trace found in which %u calls take %u steps or more each in "
		"Linux's\n"
		"# own IOVA allocator. Made by dmah-lockup --seed %llu --starts %u --changes %u "
		"--mappings %u --steps %u\n",
		SLOW_CALLS, opt->steps, (unsigned long long)opt->seed, opt->starts, opt->changes,
		opt->mappings, opt->steps);
	fputs("# from this workload:\n", f);
	workload_print(f, w, "#   ");
	fputs("# A line: alloc NUMBER PAGES MASK or free NUMBER, then the steps of the call in", f);
	for (unsigned int k = 0; k < n; k++) {
		fprintf(f, "%s %s", k ? "," : "", list[k].name);
		other[k] =
			(struct trace){ .call = must(malloc(t->n * sizeof(*t->call))), .n = t->n };
		memcpy(other[k].call, t->call, t->n * sizeof(*t->call));
		trace_run(&other[k], &list[k]);
	}
	fputs(".\n", f);
	for (uint32_t i = 0; i < t->n; i++) {
		if (t->call[i].pages)
			fprintf(f, "alloc %u %u %u", t->call[i].id, t->call[i].pages,
				t->call[i].mask);
		else
			fprintf(f, "free %u", t->call[i].id);
		for (unsigned int k = 0; k < n; k++)
			fprintf(f, " %llu", (unsigned long long)other[k].call[i].steps);
		fputc('\n', f);
	}
	for (unsigned int k = 0; k < n; k++)
		free(other[k].call);
	return !fclose(f);
}

/* ---- replay ---- */

static bool read_call(const char *line, struct call *c, const char **rest)
{
	int used = 0;

	*c = (struct call){ 0 };
	if (sscanf(line, "alloc %u %u %u%n", &c->id, &c->pages, &c->mask, &used) == 3 && c->pages &&
	    c->pages <= 1u << 20 && c->mask >= 32 && c->mask <= 64) {
		*rest = line + used;
		return true;
	}
	*rest = line + used;
	return sscanf(line, "free %u%n", &c->id, &used) == 1 && (*rest = line + used);
}

/* Reads a trace, and the steps that its first column of them names. */
static bool read_trace(const char *path, struct trace *t)
{
	FILE *f = fopen(path, "r");
	unsigned int number = 0;
	char line[256];
	bool ok = true;

	if (!f) {
		message("%s: %m", path);
		return false;
	}
	while (ok && fgets(line, sizeof(line), f)) {
		const char *rest;
		struct call c;

		number++;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		ok = read_call(line, &c, &rest) && c.id < 1u << 22;
		c.steps = strtoull(rest, NULL, 10);
		if (t->n == t->cap) {
			t->cap = t->cap ? 2 * t->cap : 1024;
			t->call = must(realloc(t->call, t->cap * sizeof(*t->call)));
		}
		t->call[t->n++] = c;
	}
	if (!ok)
		message("%s:%u: neither \"alloc NUMBER PAGES MASK\" nor \"free NUMBER\"", path,
			number);
	fclose(f);
	return ok;
}

/* ---- results ---- */

static bool within_bound(const struct allocator *a, uint64_t steps, uint32_t mappings)
{
	uint64_t bound = ours_bound(2048, mappings);

	if (a->calls || steps <= bound)
		return true;
	message("a call of this library took %llu steps, above its bound of %llu",
		(unsigned long long)steps, (unsigned long long)bound);
	return false;
}

/*
 * Runs a workload with more and more mappings, and prints the steps that last.
 * @markdown: a file for the same as a table of docs/performance.md; NULL: none.
 */
static bool print_scale(const struct workload *w, const struct allocator *list, unsigned int n,
			const char *markdown)
{
	FILE *f = markdown ? fopen(markdown, "w") : NULL;
	bool ok = !markdown || f;

	if (!ok)
		message("%s: %m", markdown);
	printf("  mappings");
	if (f)
		fputs("<!-- run: lockup -->\n| mappings asked for |", f);
	for (unsigned int k = 0; k < n; k++) {
		printf("  %14s", list[k].name);
		if (f)
			fprintf(f, " %s |", list[k].name);
	}
	printf("\n");
	if (f)
		fputs("\n| ---: |", f);
	for (unsigned int k = 0; f && k < n; k++)
		fputs(" ---: |", f);
	for (uint32_t mappings = 1024; mappings <= 1u << 20; mappings *= 4) {
		printf("%10u", mappings);
		if (f)
			fprintf(f, "\n| %u |", mappings);
		for (unsigned int k = 0; k < n; k++) {
			struct result r = workload_run(w, &list[k], mappings, NULL);

			printf("  %14llu", (unsigned long long)r.lasting);
			if (f)
				fprintf(f, " %llu |", (unsigned long long)r.lasting);
			ok &= within_bound(&list[k], r.worst, r.live);
			fflush(stdout);
		}
		printf("\n");
	}
	if (f) {
		fputs("\n<!-- end -->\n", f);
		ok &= !fclose(f);
	}
	return ok;
}

static bool search_one(const struct allocator *list, unsigned int n, unsigned int i,
		       const struct options *opt)
{
	struct workload w;
	struct result most = search(&list[i], opt, &w);
	bool ok = within_bound(&list[i], most.worst, most.live);

	printf("%s: %llu steps (a step: one %s) in three of four rounds, with %u live mappings; "
	       "%llu in the worst call\n",
	       list[i].name, (unsigned long long)most.lasting, list[i].step, most.live,
	       (unsigned long long)most.worst);
	workload_print(stdout, &w, "  ");
	for (unsigned int k = 0; k < n; k++) {
		struct result r = workload_run(&w, &list[k], opt->mappings, NULL);

		if (k != i)
			printf("  the same in %s: %llu, worst %llu\n", list[k].name,
			       (unsigned long long)r.lasting, (unsigned long long)r.worst);
		ok &= within_bound(&list[k], r.worst, r.live);
	}
	if (opt->scale)
		ok &= print_scale(&w, list, n, i ? NULL : opt->markdown);
	if (!i && opt->trace && list[0].calls) {
		struct trace t = { 0 };

		smallest_trace(&t, &w, &list[i], opt);
		printf("  smallest trace in which %u calls take %u steps: %u calls\n", SLOW_CALLS,
		       opt->steps, t.n);
		ok &= write_trace(opt->trace, &t, list, n, &w, opt);
		free(t.call);
	}
	printf("\n");
	return ok;
}

static int replay(const char *path, const struct allocator *list, unsigned int n)
{
	struct trace t = { 0 };
	uint64_t *said;
	int status = 0;

	if (!read_trace(path, &t))
		return 1;
	said = must(malloc((t.n + 1u) * sizeof(*said)));
	for (uint32_t i = 0; i < t.n; i++)
		said[i] = t.call[i].steps;
	for (unsigned int k = 0; k < n; k++) {
		uint64_t worst = trace_run(&t, &list[k]);
		uint32_t wrong = 0;

		for (uint32_t i = 0; list[k].calls && i < t.n; i++)
			wrong += t.call[i].steps != said[i];
		printf("%s: %u calls, most steps of a call: %llu\n", list[k].name, t.n,
		       (unsigned long long)worst);
		if (wrong)
			message("%s: %u calls of %s took other steps than it says", path, wrong,
				list[k].name);
		if (wrong || !within_bound(&list[k], worst, t.n))
			status = 1;
	}
	free(said);
	free(t.call);
	return status;
}

static int wrong(const char *what, const char *arg)
{
	fprintf(stderr, "dmah-lockup: %s%s (--help says more)\n", what, arg);
	return 2;
}

static bool number(const char *text, uint32_t most, uint32_t *n)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	*n = (uint32_t)v;
	return *text >= '0' && *text <= '9' && !*end && v && v <= most;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "seed", required_argument, NULL, 's' },
		{ "starts", required_argument, NULL, 'n' },
		{ "changes", required_argument, NULL, 'c' },
		{ "mappings", required_argument, NULL, 'm' },
		{ "scale", no_argument, NULL, 'x' },
		{ "steps", required_argument, NULL, 't' },
		{ "trace", required_argument, NULL, 'o' },
		{ "replay", required_argument, NULL, 'r' },
		{ "markdown", required_argument, NULL, 'd' },
		{ 0 },
	};
	struct options opt = {
		.seed = 1, .starts = 8, .changes = 200, .mappings = 1024, .steps = 256
	};
	struct allocator list[MOST_ALLOCATORS + 1];
	unsigned int n = 0;
	uint32_t value = 0;
	bool ok = true;
	int c;

	message_program("dmah-lockup");
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (strchr("sncmt", c) && c != '?' &&
		    !number(optarg, c == 'm' ? 1u << 20 : UINT32_MAX, &value))
			return wrong("not a number from 1 to the most possible: ", optarg);
		switch (c) {
		case 's':
			opt.seed = value;
			break;
		case 'n':
			opt.starts = value;
			break;
		case 'c':
			opt.changes = value;
			break;
		case 'm':
			opt.mappings = value;
			break;
		case 'x':
			opt.scale = true;
			break;
		case 't':
			opt.steps = value;
			break;
		case 'o':
			opt.trace = optarg;
			break;
		case 'r':
			opt.replay = optarg;
			break;
		case 'd':
			opt.markdown = optarg;
			break;
		default:
			return 2;
		}
	}
	for (; optind < argc; optind++) {
		if (n == MOST_ALLOCATORS - 1)
			return wrong("too many libraries: ", argv[optind]);
		if (!allocator_load(&list[n++], argv[optind]))
			return 2;
	}
	list[n++] = (struct allocator){ .name = "dmah", .step = "word of the bitmap" };
	if (!memory_init(3ull << 30, 4096))
		return wrong("no memory", "");
	rig_silence(true);
	if (opt.replay)
		return replay(opt.replay, list, n);
	for (unsigned int i = 0; i < n; i++)
		ok &= search_one(list, n, i, &opt);
	return ok ? 0 : 1;
}
