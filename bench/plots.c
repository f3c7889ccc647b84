// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "plot.h"

#include "plots.h"

#define LAZY   DMAH_LAZY
#define STRICT DMAH_STRICT

/** struct series - a case on a backend, and its name and colour in a plot. */
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

/* The first two stand by themselves; from the third on each step is drawn from the one before. */
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

static void live_script(FILE *f, const void *ctx)
{
	const struct rows *rows = ctx;

	fputs("set logscale x 2\nset logscale y\nset xrange [48:350000]\nset yrange [0.5:*]\n"
	      "set xtics ('64' 64, '256' 256, '1,024' 1024, '16,384' 16384, '262,144' 262144)\n"
	      "set ytics (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)\n"
	      "set ylabel 'ns per operation'\n",
	      f);
	live_panel(f, rows, false);
	fputs("set xlabel 'live mappings'\n", f);
	live_panel(f, rows, true);
}

char *plot_live(const struct rows *rows)
{
	return plot_svg(&(struct plot){
		.height = 760, .panels = 2, .legend = 26, .script = live_script, .ctx = rows });
}

/* ---- against threads ---- */

static double ns_of(const struct row *r)
{
	return r && r->n ? r->ns : 0;
}

static void threads_panel(FILE *f, const struct rows *rows, enum dmah_mode mode)
{
	static const char *const series[] = { "1 thread", "2 threads, 2 domains",
					      "2 threads, 1 domain" };
	static const char *const colours[] = { "#80b1d3", "#3a8fb7", "#1f4e79" };
	struct cluster cluster[COUNT(thread_series)];

	for (unsigned int s = 0; s < COUNT(thread_series); s++) {
		const struct series *it = &thread_series[s];
		struct cluster *c = &cluster[s];
		char two[64];

		snprintf(two, sizeof(two), "%s-2domains", it->name);
		snprintf(c->label, sizeof(c->label), "%s", it->title);
		c->value[0] =
			ns_of(row_find(rows, it->name, it->kind, mode, 1024, it->fifo, false));
		c->value[1] = ns_of(
			row_find_more(rows, two, it->kind, mode, 1024, it->fifo, false, 2, 0));
		c->value[2] = ns_of(
			row_find_more(rows, it->name, it->kind, mode, 1024, it->fifo, false, 2, 0));
	}
	plot_bars(f, &(struct bars){ .title = mode_name(mode),
				     .ylabel = "ns per operation, each thread",
				     .series = series,
				     .colours = colours,
				     .nseries = COUNT(series),
				     .clusters = cluster,
				     .nclusters = COUNT(cluster) });
}

static void threads_script(FILE *f, const void *ctx)
{
	threads_panel(f, ctx, LAZY);
	threads_panel(f, ctx, STRICT);
}

char *plot_threads(const struct rows *rows)
{
	return plot_svg(&(struct plot){
		.height = 640, .panels = 2, .legend = 26, .script = threads_script, .ctx = rows });
}

/* ---- the ablation ---- */

static void ablation_panel(FILE *f, const struct rows *rows, enum dmah_mode mode)
{
	double last = -1;
	unsigned int x = 0;

	fprintf(f, "set title '%s'\n$a%d << EOD\n",
		mode == LAZY ? "lazy" : "strict, invalidations take no time", (int)mode);
	/* Columns: x, value; both ends of a gained step; both ends of a lost step; label; colour. */
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

static void ablation_script(FILE *f, const void *ctx)
{
	fputs("set style fill solid 0.9\nset yrange [0:*]\nset offsets 0,0,graph 0.1,0\n"
	      "set bmargin 3.5\nset xtics font 'sans,9'\nset ylabel 'ns per operation'\n",
	      f);
	ablation_panel(f, ctx, LAZY);
	ablation_panel(f, ctx, STRICT);
}

char *plot_ablation(const struct rows *rows)
{
	return plot_svg(&(struct plot){
		.height = 700, .panels = 2, .legend = 26, .script = ablation_script, .ctx = rows });
}
