// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"

static const char style[] =
	"body{font:15px/1.5 sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}"
	"table{border-collapse:collapse;font-size:13px;margin:1rem 0}"
	"th,td{padding:.15rem .6rem;text-align:right;white-space:nowrap}"
	"th{border-bottom:2px solid #888}th.t,td.t{text-align:left}"
	"tr.first td{border-top:1px solid #bbb}tr.strong td{font-weight:bold}"
	"td.yes{background:#d9f0d3}td.no{background:#fdd0c2}td.bad{background:#c00;color:#fff}"
	".note{color:#555}.scroll{overflow-x:auto}svg{max-width:100%;height:auto}"
	"dt{font-weight:bold}dd{margin:0 0 .5rem 1.5rem}";

const char *processor_name(void)
{
	static char line[512];
	FILE *info = fopen("/proc/cpuinfo", "r");
	const char *name = "unknown";

	while (info && fgets(line, sizeof(line), info)) {
		char *colon = strchr(line, ':');

		if (!colon || strncmp(line, "model name", 10) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		name = colon + 2;
		break;
	}
	if (info)
		fclose(info);
	return name;
}

void report_versions(FILE *f, const char *more)
{
	fputs("<p class=\"note\">dmah " DMAH_VERSION, f);
	if (more) {
		fputs(", ", f);
		html_text(f, more);
	}
	fputs(", processor ", f);
	html_text(f, processor_name());
	fputs("</p>\n", f);
}

void report_plot(FILE *f, char *svg)
{
	const char *begin = svg ? strstr(svg, "<svg") : NULL;

	fputs(begin ? begin : "<p class=\"note\">No plot: gnuplot is not installed.</p>\n", f);
	free(svg);
}

/** struct content - a report's content. */
struct content {
	const char *title;
	void (*body)(FILE *f, const void *ctx);
	const void *ctx;
};

static void print(FILE *f, const void *ctx)
{
	const struct content *c = ctx;

	fprintf(f,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n<h1>%s</h1>\n",
		c->title, style, c->title);
	c->body(f, c->ctx);
	fputs("</body>\n</html>\n", f);
}

bool report_write(const char *path, const char *title, void (*body)(FILE *f, const void *ctx),
		  const void *ctx)
{
	struct content c = { .title = title, .body = body, .ctx = ctx };

	return file_write(path, print, &c);
}
