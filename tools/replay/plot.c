// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The plot: for each machine and mode the time of a call, as a multiple of that of the handle's, whose own time is below.
 * Times differ so much between machines (bouncing copies every byte) that one scale for all would show nothing.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "row.h"
#include "xalloc.h"

#define PANEL_WIDTH  1100
#define PANEL_HEIGHT 330
#define SERIES	     5

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcasecmp(s + n - m, end) == 0;
}

static bool have_gnuplot(void)
{
	return system("command -v gnuplot >/dev/null 2>&1") == 0;
}

bool plot_can(const char *path, const char **why)
{
	*why = "the plot's file must end in .svg or .png: ";
	if (!ends_with(path, ".svg") && !ends_with(path, ".png"))
		return false;
	*why = "gnuplot is not installed (Debian: apt install gnuplot-nox), and is needed for ";
	return have_gnuplot();
}

/* ---- what is drawn ---- */

/* Bars of a cluster. "The system's own" is what that machine's operating systems do today. */
static const char *const series[SERIES] = { "address: rbtree (2014)",
					    "address: the system's own lookup",
					    "address: directory", "page", "handle" };

static int series_of(const struct row *r)
{
	if (r->way.api == API_HANDLE)
		return 4;
	if (r->way.api == API_PAGE)
		return 3;
	if (r->way.lookup == LOOKUP_DIRECTORY)
		return 2;
	return r->way.lookup == LOOKUP_RBTREE ? 0 : 1;
}

/* Single quotes are doubled in gnuplot's strings. */
static void quoted(FILE *f, const char *s)
{
	fputc('\'', f);
	for (; *s; s++) {
		if (*s == '\'')
			fputc('\'', f);
		fputc((unsigned char)*s < ' ' ? '?' : *s, f);
	}
	fputc('\'', f);
}

static const char *base(const struct plan *plan)
{
	const char *path = trace_path(plan->trace), *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool same_cluster(const struct row *a, const struct row *b)
{
	return a->plan == b->plan && a->kind == b->kind && a->mode == b->mode;
}

static void cluster(FILE *f, const struct rows *rows, const struct row *first)
{
	const struct row *h = rows_of_handle(rows, first);
	double value[SERIES] = { 0 }, unit = h && h->ns > 0 ? h->ns : 1;

	for (const struct row *r = first; r < rows->list + rows->n && same_cluster(r, first); r++)
		value[series_of(r)] = r->ns / unit;
	fprintf(f, "\"%s\\n%s", first->kind->name,
		first->kind->va_bits ? mode_name(first->mode) : "");
	if (h)
		fprintf(f, "\\n%.0f ns", h->ns);
	fputc('"', f);
	for (unsigned int i = 0; i < SERIES; i++) {
		if (value[i] > 0)
			fprintf(f, " %.3f", value[i]);
		else
			fputs(" NaN", f);
	}
	fputc('\n', f);
}

static void panel(FILE *f, const struct rows *rows, const struct plan *plan, unsigned int number,
		  bool ratio)
{
	unsigned int clusters = 0;

	fprintf(f, "$d%u << EOD\n", number);
	for (size_t i = 0; i < rows->n; i++) {
		if (rows->list[i].plan != plan ||
		    (i && same_cluster(&rows->list[i], &rows->list[i - 1])))
			continue;
		cluster(f, rows, &rows->list[i]);
		clusters++;
	}
	fputs("EOD\nset title ", f);
	quoted(f, base(plan));
	fprintf(f, " noenhanced\nset ylabel '%s'\n",
		ratio ? "time of a call, handle = 1" : "ns per call");
	if (ratio)
		fputs("set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead lc rgb "
		      "'#666666' dt 2 front\n",
		      f);
	fprintf(f, "set xrange [-0.7:%u.0-0.3]\nplot ", clusters);
	for (unsigned int i = 0; i < SERIES; i++) {
		fprintf(f, "%s$d%u using %u:xtic(1) ls %u title ", i ? ", " : "", number, i + 2,
			i + 1);
		quoted(f, series[i]);
	}
	fputc('\n', f);
}

/* Without handle rows there is nothing to compare with. */
static bool has_ratio(const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->list[i].way.api == API_HANDLE)
			return true;
	return false;
}

static unsigned int panels(const struct rows *rows, const struct plan *only)
{
	unsigned int n = 0;

	for (size_t i = 0; i < rows->n; i++)
		n += (!i || rows->list[i].plan != rows->list[i - 1].plan) &&
		     (!only || rows->list[i].plan == only);
	return n;
}

static void script(FILE *f, const struct rows *rows, const struct plan *only, const char *terminal,
		   const char *output)
{
	unsigned int n = panels(rows, only), number = 0;

	fprintf(f, "set terminal %s size %d,%d enhanced font 'sans,11' background rgb 'white'\n",
		terminal, PANEL_WIDTH, PANEL_HEIGHT * (int)n);
	fputs("set output ", f);
	quoted(f, output);
	fputs("\nset style data histogram\nset style histogram clustered gap 1\nset style fill "
	      "solid 0.9\n"
	      "set boxwidth 0.9\nset yrange [0:*]\nset grid ytics lc rgb '#dddddd'\nset border 3\n"
	      "set tics nomirror scale 0.5\nset key outside right center Left reverse samplen 1.2\n"
	      "set style line 1 lc rgb '#8c510a'\nset style line 2 lc rgb '#d8842e'\n"
	      "set style line 3 lc rgb '#f0c674'\nset style line 4 lc rgb '#80b1d3'\n"
	      "set style line 5 lc rgb '#1f4e79'\nset lmargin 9\nset rmargin 36\nset bmargin 4.5\n",
	      f);
	fprintf(f, "set multiplot layout %u,1\n", n);
	for (size_t i = 0; i < rows->n; i++) {
		const struct plan *plan = rows->list[i].plan;

		if ((!i || plan != rows->list[i - 1].plan) && (!only || plan == only))
			panel(f, rows, plan, number++, has_ratio(rows));
	}
	fputs("unset multiplot\n", f);
}

/* ---- gnuplot ---- */

static char *slurp(FILE *f, size_t *size)
{
	char *text = NULL;
	size_t n = 0, cap = 0, got;

	do {
		cap = n + (1u << 16);
		text = xreallocarray(text, cap + 1, 1);
		got = fread(text + n, 1, cap - n, f);
		n += got;
	} while (got);
	text[n] = '\0';
	*size = n;
	return text;
}

static char *render(const struct rows *rows, const struct plan *only, const char *terminal,
		    size_t *size)
{
	char path[] = "/tmp/dmah-plot-XXXXXX";
	int fd = mkstemp(path), status = -1;
	char *text = NULL;
	FILE *f;

	if (fd < 0) {
		perror("dmah replay: a temporary file for the plot");
		return NULL;
	}
	f = popen("gnuplot", "w");
	if (f) {
		script(f, rows, only, terminal, path);
		status = pclose(f);
	}
	f = fdopen(fd, "r");
	if (f && status == 0)
		text = slurp(f, size);
	if (f)
		fclose(f);
	unlink(path);
	if (text && *size)
		return text;
	free(text);
	fputs("dmah replay: gnuplot failed\n", stderr);
	return NULL;
}

bool plot_file(const char *path, const struct rows *rows)
{
	size_t size;
	char *text = render(rows, NULL, ends_with(path, ".png") ? "pngcairo" : "svg", &size);
	bool ok = false;
	FILE *f;

	if (!text)
		return false;
	f = fopen(path, "w");
	if (f) {
		ok = fwrite(text, 1, size, f) == size;
		ok &= fclose(f) == 0;
	}
	if (!ok)
		fprintf(stderr, "dmah replay: cannot write %s: %m\n", path);
	free(text);
	return ok;
}

char *plot_svg(const struct rows *rows, const struct plan *plan)
{
	size_t size;

	return have_gnuplot() ? render(rows, plan, "svg", &size) : NULL;
}
