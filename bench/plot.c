// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Plots, by gnuplot, as SVG to be put into the report. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "targets.h"

#define LAZY   DMAH_LAZY
#define STRICT DMAH_STRICT

/** struct series - a case on a backend, as a plot names and colours it. */
struct series {
	const char *name;
	const char *title;
	enum machine_kind kind;
	const char *colour;
	bool fifo;
};

static const struct series live_series[] = {
	{ "linux-vtd", "Linux, VT-d", MACHINE_VTD, "#8c510a", false },
	{ "linux-arm", "Linux, LPAE", MACHINE_LPAE, "#d8842e", false },
	{ "address-walk", "address: walk", MACHINE_VTD, "#f0c674", false },
	{ "address-directory", "address: directory", MACHINE_VTD, "#c7b8e6", false },
	{ "page", "page", MACHINE_VTD, "#80b1d3", false },
	{ "handle", "handle, VT-d", MACHINE_VTD, "#1f4e79", false },
	{ "handle", "handle, LPAE", MACHINE_LPAE, "#3a8fb7", false },
	{ "ring", "ring (in order)", MACHINE_VTD, "#2e7d32", true },
	{ "floor", "floor", MACHINE_NONE, "#777777", false },
	{ "harness", "the loop alone", MACHINE_NONE, "#bbbbbb", false },
};

static const struct series thread_series[] = {
	{ "linux-vtd", "Linux,\\nVT-d", MACHINE_VTD, NULL, false },
	{ "linux-arm", "Linux,\\nLPAE", MACHINE_LPAE, NULL, false },
	{ "address-directory", "address:\\ndirectory", MACHINE_VTD, NULL, false },
	{ "handle", "handle,\\nVT-d", MACHINE_VTD, NULL, false },
	{ "handle", "handle,\\nLPAE", MACHINE_LPAE, NULL, false },
	{ "batch-32", "batch\\nof 32", MACHINE_VTD, NULL, false },
	{ "ring", "ring", MACHINE_VTD, NULL, true },
	{ "floor", "floor", MACHINE_NONE, NULL, false },
};

/* The first two stand beside; from the third on each step is drawn from the one before. */
static const struct series ablation_series[] = {
	{ "linux-arm", "Linux,\\nLPAE", MACHINE_LPAE, NULL, false },
	{ "linux-vtd", "Linux,\\nVT-d", MACHINE_VTD, NULL, false },
	{ "address-rbtree", "address:\\nrbtree", MACHINE_VTD, NULL, false },
	{ "address-walk", "address:\\nwalk", MACHINE_VTD, NULL, false },
	{ "address-directory", "address:\\ndirectory", MACHINE_VTD, NULL, false },
	{ "page", "page", MACHINE_VTD, NULL, false },
	{ "handle", "handle", MACHINE_VTD, NULL, false },
	{ "batch-32", "batch\\nof 32", MACHINE_VTD, NULL, false },
	{ "ring", "ring", MACHINE_VTD, NULL, true },
	{ "ring-32", "ring,\\n32 at once", MACHINE_VTD, NULL, true },
	{ "floor", "floor", MACHINE_NONE, NULL, true },
	{ "harness", "the loop\\nalone", MACHINE_NONE, NULL, true },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- gnuplot ---- */

static char *slurp(FILE *f)
{
	char *text = NULL;
	size_t n = 0, got;

	do {
		char *more = realloc(text, n + (1u << 16) + 1);

		if (!more)
			break;
		text = more;
		got = fread(text + n, 1, 1u << 16, f);
		n += got;
		text[n] = '\0';
	} while (got);
	return text;
}

static char *render(void (*script)(FILE *f, const struct rows *rows), const struct rows *rows,
		    unsigned int height)
{
	char path[] = "/tmp/dmah-bench-plot-XXXXXX";
	int fd = mkstemp(path), status = -1;
	char *text = NULL;
	FILE *f = fd < 0 ? NULL : popen("gnuplot 2>/dev/null", "w");

	if (f) {
		fprintf(f,
			"set terminal svg size 1100,%u enhanced font 'sans,11' background rgb "
			"'white'\nset output '%s'\nset grid ytics lc rgb '#dddddd'\nset border 3\n"
			"set tics nomirror scale 0.5\nset key outside right center Left reverse "
			"samplen 1.5\nset lmargin 9\nset rmargin 26\n",
			height, path);
		script(f, rows);
		fputs("unset multiplot\n", f);
		status = pclose(f);
	}
	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (f && status == 0)
		text = slurp(f);
	if (f)
		fclose(f);
	unlink(path);
	if (text && strstr(text, "<svg"))
		return text;
	free(text);
	return NULL;
}

/* ---- against live mappings ---- */

static void live_panel(FILE *f, const struct rows *rows, bool serialised)
{
	static const uint32_t live[] = { 64, 256, 1024, 16384, 262144 };

	fprintf(f, "set title '%s'\n",
		serialised ? "each operation ends before the next begins" : "throughput");
	for (unsigned int s = 0; s < COUNT(live_series); s++) {
		const struct series *it = &live_series[s];

		fprintf(f, "$d%u << EOD\n", s);
		for (unsigned int i = 0; i < COUNT(live); i++) {
			const struct row *r = row_find(rows, it->name, it->kind, LAZY, live[i],
						       it->fifo, serialised);

			if (r && r->n)
				fprintf(f, "%u %.3f %.3f %.3f\n", live[i], r->ns, r->ns_min,
					r->ns_max);
			else
				fprintf(f, "%u NaN NaN NaN\n", live[i]);
		}
		fputs("EOD\n", f);
	}
	fputs("plot ", f);
	for (unsigned int s = 0; s < COUNT(live_series); s++)
		fprintf(f,
			"%s$d%u using 1:2:3:4 with yerrorlines lc rgb '%s' lw 2 pt 7 ps 0.5 title "
			"'%s'",
			s ? ", " : "", s, live_series[s].colour, live_series[s].title);
	fputc('\n', f);
}

static void live_script(FILE *f, const struct rows *rows)
{
	fputs("set logscale x 2\nset logscale y\nset xrange [48:350000]\nset yrange [0.5:*]\n"
	      "set xtics ('64' 64, '256' 256, '1,024' 1024, '16,384' 16384, '262,144' 262144)\n"
	      "set ytics (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)\n"
	      "set ylabel 'ns per operation'\nset multiplot layout 2,1\n",
	      f);
	live_panel(f, rows, false);
	fputs("set xlabel 'live mappings'\n", f);
	live_panel(f, rows, true);
}

char *plot_live(const struct rows *rows)
{
	return render(live_script, rows, 760);
}

/* ---- against threads ---- */

static void value(FILE *f, const struct row *r)
{
	if (r && r->n)
		fprintf(f, " %.3f", r->ns);
	else
		fputs(" NaN", f);
}

static void threads_panel(FILE *f, const struct rows *rows, enum dmah_mode mode)
{
	fprintf(f, "set title '%s'\n$t%d << EOD\n", mode == LAZY ? "lazy" : "strict", (int)mode);
	for (unsigned int s = 0; s < COUNT(thread_series); s++) {
		const struct series *it = &thread_series[s];
		char two[64];

		snprintf(two, sizeof(two), "%s-2domains", it->name);
		fprintf(f, "\"%s\"", it->title);
		value(f, row_find(rows, it->name, it->kind, mode, 1024, it->fifo, false));
		value(f, row_find_more(rows, two, it->kind, mode, 1024, it->fifo, false, 2, 0));
		value(f,
		      row_find_more(rows, it->name, it->kind, mode, 1024, it->fifo, false, 2, 0));
		fputc('\n', f);
	}
	fprintf(f,
		"EOD\nplot $t%d using 2:xtic(1) lc rgb '#80b1d3' title '1 thread', $t%d using 3 lc "
		"rgb '#3a8fb7' title '2 threads, 2 domains', $t%d using 4 lc rgb '#1f4e79' title "
		"'2 threads, 1 domain'\n",
		(int)mode, (int)mode, (int)mode);
}

static void threads_script(FILE *f, const struct rows *rows)
{
	fputs("set style data histogram\nset style histogram clustered gap 1\n"
	      "set style fill solid 0.9\nset boxwidth 0.9\nset yrange [0:*]\n"
	      "set xrange [-0.6:7.6]\nset bmargin 3.5\nset ylabel 'ns per operation, each thread'\n"
	      "set multiplot layout 2,1\n",
	      f);
	threads_panel(f, rows, LAZY);
	threads_panel(f, rows, STRICT);
}

char *plot_threads(const struct rows *rows)
{
	return render(threads_script, rows, 640);
}

/* ---- the ablation ---- */

static void ablation_panel(FILE *f, const struct rows *rows, enum dmah_mode mode)
{
	double last = -1;
	unsigned int x = 0;

	fprintf(f, "set title '%s'\n$a%d << EOD\n",
		mode == LAZY ? "lazy" : "strict, invalidations take no time", (int)mode);
	/* x, value; from where to where a step gained, and lost; label */
	for (unsigned int s = 0; s < COUNT(ablation_series); s++) {
		const struct series *it = &ablation_series[s];
		const struct row *r =
			row_find(rows, it->name, it->kind, mode, 1024, it->fifo, false);

		if (!r || !r->n)
			continue;
		fprintf(f, "%u %.3f", x++, r->ns);
		if (s < 3 || last < 0)
			fputs(" NaN NaN NaN NaN", f);
		else if (last > r->ns)
			fprintf(f, " %.3f %.3f NaN NaN", r->ns, last);
		else
			fprintf(f, " NaN NaN %.3f %.3f", last, r->ns);
		fprintf(f, " \"%s\" %d\n", it->title, s < 2 ? 0xb0712c : 0x1f4e79);
		last = r->ns;
	}
	fprintf(f,
		"EOD\nset xrange [-0.6:%u.6]\n"
		"plot $a%d using 1:2:(0.8):8:xtic(7) with boxes lc rgb variable title 'left', "
		"$a%d using 1:3:($1-0.4):($1+0.4):3:4 with boxxyerror lc rgb '#a6d96a' title "
		"'gained by the step', "
		"$a%d using 1:5:($1-0.4):($1+0.4):5:6 with boxxyerror lc rgb '#d7301f' title "
		"'lost by the step', "
		"$a%d using 1:2:(sprintf('%%.1f',$2)) with labels offset 0,0.6 notitle\n",
		x ? x - 1 : 0, (int)mode, (int)mode, (int)mode, (int)mode);
}

static void ablation_script(FILE *f, const struct rows *rows)
{
	fputs("set style fill solid 0.9\nset yrange [0:*]\nset offsets 0,0,graph 0.1,0\n"
	      "set bmargin 3.5\nset xtics font 'sans,9'\nset ylabel 'ns per operation'\nset "
	      "multiplot "
	      "layout 2,1\n",
	      f);
	ablation_panel(f, rows, LAZY);
	ablation_panel(f, rows, STRICT);
}

char *plot_ablation(const struct rows *rows)
{
	return render(ablation_script, rows, 700);
}
