// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include "plot.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "file.h"
#include "message.h"

#define WIDTH 1100

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcasecmp(s + n - m, end) == 0;
}

static bool have_gnuplot(void)
{
	return system("command -v gnuplot >/dev/null 2>&1") == 0;
}

bool plot_possible(const char *path, const char **why)
{
	*why = "the plot's file must end in .svg or .png: ";
	if (!ends_with(path, ".svg") && !ends_with(path, ".png"))
		return false;
	*why = "gnuplot is not installed (Debian: apt install gnuplot-nox), and is needed for ";
	return have_gnuplot();
}

/* ---- gnuplot ---- */

/* gnuplot doubles single quotes in its strings. */
void plot_quoted(FILE *f, const char *text)
{
	fputc('\'', f);
	for (; *text; text++) {
		if (*text == '\'')
			fputc('\'', f);
		fputc((unsigned char)*text < ' ' ? '?' : *text, f);
	}
	fputc('\'', f);
}

static char *read_all(FILE *f, size_t *size)
{
	char *text = NULL;
	size_t n = 0, got;

	do {
		text = must(realloc(text, n + (1u << 16) + 1));
		got = fread(text + n, 1, 1u << 16, f);
		n += got;
	} while (got);
	text[n] = '\0';
	*size = n;
	return text;
}

static int run_gnuplot(const struct plot *p, const char *terminal, const char *output)
{
	FILE *f = popen("gnuplot 2>/dev/null", "w");

	if (!f)
		return -1;
	fprintf(f,
		"set terminal %s size %d,%u enhanced font 'sans,11' background rgb 'white'\n"
		"set output '%s'\nset grid ytics lc rgb '#dddddd'\nset border 3\n"
		"set tics nomirror scale 0.5\nset key outside right center Left reverse samplen "
		"1.2\n"
		"set lmargin 9\nset rmargin %u\nset multiplot layout %u,1\n",
		terminal, WIDTH, p->height, output, p->legend, p->panels);
	p->script(f, p->ctx);
	fputs("unset multiplot\n", f);
	return pclose(f);
}

static char *render(const struct plot *p, const char *terminal, size_t *size)
{
	char path[] = "/tmp/dmah-plot-XXXXXX";
	int fd = mkstemp(path), status;
	char *text = NULL;
	FILE *f;

	*size = 0;
	if (fd < 0) {
		message("a temporary file for a plot cannot be made: %m");
		return NULL;
	}
	status = run_gnuplot(p, terminal, path);
	f = fdopen(fd, "r");
	if (f && status == 0)
		text = read_all(f, size);
	if (f)
		fclose(f);
	unlink(path);
	if (text && *size)
		return text;
	free(text);
	message("a plot is missing: gnuplot failed");
	return NULL;
}

/** struct picture - a drawn plot. */
struct picture {
	const char *data;
	size_t size;
};

static void print(FILE *f, const void *ctx)
{
	const struct picture *p = ctx;

	fwrite(p->data, 1, p->size, f);
}

bool plot_write(const char *path, const struct plot *p)
{
	struct picture picture;
	char *data = render(p, ends_with(path, ".png") ? "pngcairo" : "svg", &picture.size);
	bool ok;

	if (!data)
		return false;
	picture.data = data;
	ok = file_write(path, print, &picture);
	free(data);
	return ok;
}

char *plot_svg(const struct plot *p)
{
	size_t size;

	return have_gnuplot() ? render(p, "svg", &size) : NULL;
}

/* ---- bars ---- */

static void bars_data(FILE *f, const struct bars *b)
{
	fputs("$bars << EOD\n", f);
	for (unsigned int i = 0; i < b->nclusters; i++) {
		fprintf(f, "\"%s\"", b->clusters[i].label);
		for (unsigned int k = 0; k < b->nseries; k++) {
			if (b->clusters[i].value[k] > 0)
				fprintf(f, " %.3f", b->clusters[i].value[k]);
			else
				fputs(" NaN", f);
		}
		fputc('\n', f);
	}
	fputs("EOD\n", f);
}

void plot_bars(FILE *f, const struct bars *b)
{
	bars_data(f, b);
	fputs("set style data histogram\nset style histogram clustered gap 1\n"
	      "set style fill solid 0.9\nset boxwidth 0.9\nset yrange [0:*]\nset bmargin 4.5\n"
	      "unset arrow\nset title ",
	      f);
	plot_quoted(f, b->title);
	fputs(" noenhanced\nset ylabel ", f);
	plot_quoted(f, b->ylabel);
	if (b->line_at_1)
		fputs("\nset arrow 1 from graph 0, first 1 to graph 1, first 1 nohead lc rgb "
		      "'#666666' dt 2 front",
		      f);
	fprintf(f, "\nset xrange [-0.7:%u.0-0.3]\nplot ", b->nclusters);
	for (unsigned int k = 0; k < b->nseries; k++) {
		fprintf(f, "%s$bars using %u:xtic(1) lc rgb '%s' title ", k ? ", " : "", k + 2,
			b->colours[k]);
		plot_quoted(f, b->series[k]);
	}
	fputc('\n', f);
}
