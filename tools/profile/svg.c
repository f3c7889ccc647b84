// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "amount.h"
#include "svg.h"

#define WIDTH  640
#define HEIGHT 184
#define LEFT   80
#define RIGHT  10
#define TOP    14
#define BOTTOM 36
#define PLOT_W (WIDTH - LEFT - RIGHT)
#define PLOT_H (HEIGHT - TOP - BOTTOM)

void svg_text(FILE *to, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '&':
			fputs("&amp;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		default:
			/* a name may hold any byte */
			putc((unsigned char)*s < ' ' || (unsigned char)*s == 0x7f ? '?' : *s, to);
			break;
		}
	}
}

/* The end of the y axis */
static uint64_t top(const uint64_t *v, int first, int last, bool bytes)
{
	uint64_t max = 1;

	for (int i = first; i <= last; i++)
		if (v[i] > max)
			max = v[i];
	return amount_axis(max, bytes);
}

/* The frame of a plot: lines at the whole and the half of max, and what the axes mean. */
static void begin(FILE *to, const char *y, uint64_t max, bool bytes, const char *x)
{
	fprintf(to, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
	svg_text(to, y);
	fputs("\"><g class=\"axis\">", to);
	for (int i = 0; i <= 2; i++) {
		double at = TOP + PLOT_H - PLOT_H * i / 2.0;
		uint64_t value = i == 2 ? max : max / 2 * (uint64_t)i;

		fprintf(to, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT,
			WIDTH - RIGHT, at, at);
		fprintf(to, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", LEFT - 6,
			at + 4, bytes ? amount_bytes(value).text : amount_count(value).text);
	}
	fprintf(to, "<text x=\"%d\" y=\"10\">", LEFT);
	svg_text(to, y);
	fprintf(to, "</text><text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", LEFT + PLOT_W / 2,
		HEIGHT - 3);
	svg_text(to, x);
	fputs("</text></g>", to);
}

void svg_steps(FILE *to, const uint64_t *v, int nr, const struct svg_axes *axes)
{
	uint64_t max = top(v, 0, nr - 1, axes->bytes);

	begin(to, axes->y, max, axes->bytes, axes->x);
	fprintf(to, "<path class=\"line\" d=\"M%d %d", LEFT, TOP + PLOT_H);
	for (int i = 0; i < nr; i++) {
		double at = TOP + PLOT_H - PLOT_H * (double)v[i] / (double)max;

		fprintf(to, "L%.1f %.1fL%.1f %.1f", LEFT + (double)PLOT_W * i / nr, at,
			LEFT + (double)PLOT_W * (i + 1) / nr, at);
	}
	fprintf(to, "L%d %dZ\"/><g class=\"axis\"><text x=\"%d\" y=\"%d\">0</text>", WIDTH - RIGHT,
		TOP + PLOT_H, LEFT, HEIGHT - 20);
	fprintf(to, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", WIDTH - RIGHT, HEIGHT - 20);
	svg_text(to, axes->x_end);
	fputs("</text></g></svg>\n", to);
}

void svg_bars(FILE *to, const uint64_t *v, int first, int last,
	      void (*label)(int bin, char *to, size_t n), const struct svg_axes *axes)
{
	uint64_t max = top(v, first, last, axes->bytes);
	double w = (double)PLOT_W / (last - first + 1);

	begin(to, axes->y, max, axes->bytes, axes->x);
	for (int i = first; i <= last; i++) {
		double h = PLOT_H * (double)v[i] / (double)max;
		char text[40];

		label(i, text, sizeof(text));
		fprintf(to,
			"<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			"height=\"%.1f\"><title>",
			LEFT + w * (i - first) + w * 0.1, TOP + PLOT_H - h, w * 0.8, h);
		svg_text(to, text);
		fprintf(to,
			": %s</title></rect><text class=\"bin\" x=\"%.1f\" y=\"%d\" "
			"text-anchor=\"middle\">",
			amount_count(v[i]).text, LEFT + w * (i - first) + w / 2, HEIGHT - 20);
		svg_text(to, text);
		fputs("</text>", to);
	}
	fputs("</svg>\n", to);
}
