// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The plot: for each machine and mode the time of a call, as a multiple of the handle's time, which stands below the bars.
 * Times differ so much between machines (bouncing copies every byte) that one scale for all would show nothing.
 */
#include "plot.h"
#include "row.h"
#include "xalloc.h"

#define PANEL_HEIGHT 330
#define LEGEND	     36

enum series { SERIES_RBTREE, SERIES_SYSTEM, SERIES_DIRECTORY, SERIES_PAGE, SERIES_HANDLE, SERIES };

/* "The system's own" is the lookup that the operating systems of that machine make today. */
static const char *const names[SERIES] = { "address: rbtree (2014)",
					   "address: the system's own lookup", "address: directory",
					   "page", "handle" };
static const char *const colours[SERIES] = { "#8c510a", "#d8842e", "#f0c674", "#80b1d3",
					     "#1f4e79" };

static enum series series_of(const struct row *r)
{
	if (r->way.api == API_HANDLE)
		return SERIES_HANDLE;
	if (r->way.api == API_PAGE)
		return SERIES_PAGE;
	if (r->way.lookup == LOOKUP_DIRECTORY)
		return SERIES_DIRECTORY;
	return r->way.lookup == LOOKUP_RBTREE ? SERIES_RBTREE : SERIES_SYSTEM;
}

const char *plan_base(const struct plan *plan)
{
	const char *path = trace_path(plan->trace), *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool same_cluster(const struct row *a, const struct row *b)
{
	return a->plan == b->plan && a->kind == b->kind && a->mode == b->mode;
}

static struct cluster cluster(const struct rows *rows, const struct row *first)
{
	const struct row *h = rows_of_handle(rows, first);
	double unit = h && h->ns > 0 ? h->ns : 1;
	struct cluster c = { 0 };
	int n = snprintf(c.label, sizeof(c.label), "%s\\n%s", first->kind->name,
			 first->kind->va_bits ? mode_name(first->mode) : "");

	if (h)
		snprintf(c.label + n, sizeof(c.label) - (size_t)n, "\\n%.0f ns", h->ns);
	for (const struct row *r = first; r < rows->list + rows->n && same_cluster(r, first); r++)
		c.value[series_of(r)] = r->ns / unit;
	return c;
}

/* Returns true if there are handle rows to compare with. */
static bool has_ratio(const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->list[i].way.api == API_HANDLE)
			return true;
	return false;
}

static void panel(FILE *f, const struct rows *rows, const struct plan *plan)
{
	struct cluster *list = xcalloc(rows->n, sizeof(*list));
	bool ratio = has_ratio(rows);
	unsigned int n = 0;

	for (size_t i = 0; i < rows->n; i++)
		if (rows->list[i].plan == plan &&
		    (!i || !same_cluster(&rows->list[i], &rows->list[i - 1])))
			list[n++] = cluster(rows, &rows->list[i]);
	plot_bars(f, &(struct bars){ .title = plan_base(plan),
				     .ylabel = ratio ? "time of a call, handle = 1" : "ns per call",
				     .series = names,
				     .colours = colours,
				     .nseries = SERIES,
				     .clusters = list,
				     .nclusters = n,
				     .line_at_1 = ratio });
	free(list);
}

/** struct selection - rows to be drawn: those of plan @only; NULL: all. */
struct selection {
	const struct rows *rows;
	const struct plan *only;
};

/* Returns true where the @i-th row begins a panel. */
static bool begins_panel(const struct selection *s, size_t i)
{
	const struct row *list = s->rows->list;

	return (!i || list[i].plan != list[i - 1].plan) && (!s->only || list[i].plan == s->only);
}

static void script(FILE *f, const void *ctx)
{
	const struct selection *s = ctx;

	for (size_t i = 0; i < s->rows->n; i++)
		if (begins_panel(s, i))
			panel(f, s->rows, s->rows->list[i].plan);
}

static struct plot plot_of(const struct selection *s)
{
	struct plot p = { .legend = LEGEND, .script = script, .ctx = s };

	for (size_t i = 0; i < s->rows->n; i++)
		p.panels += begins_panel(s, i);
	p.height = PANEL_HEIGHT * p.panels;
	return p;
}

bool replay_plot(const char *path, const struct rows *rows)
{
	struct selection s = { .rows = rows };
	struct plot p = plot_of(&s);

	return plot_write(path, &p);
}

char *replay_svg(const struct rows *rows, const struct plan *plan)
{
	struct selection s = { .rows = rows, .only = plan };
	struct plot p = plot_of(&s);

	return plot_svg(&p);
}
