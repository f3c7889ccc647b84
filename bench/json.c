// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "row.h"

/* Every name is the bench's own and needs no escapes. */
static void print_row(FILE *f, const struct row *r)
{
	char name[64];

	fprintf(f,
		"{\"case\": \"%s\", \"backend\": \"%s\", \"mode\": \"%s\", \"live\": %u, "
		"\"order\": \"%s\", \"serialised\": %s, \"threads\": %u, \"size\": %u, "
		"\"latency_ns\": %u, ",
		row_case(r, name, sizeof(name)), row_backend(r), row_mode(r), r->live,
		r->fifo ? "fifo" : "random", r->serialised ? "true" : "false", r->threads, r->size,
		r->latency_ns);
	if (r->n)
		fprintf(f, "\"ns\": %.2f, \"ns_min\": %.2f, \"ns_max\": %.2f, ", r->ns, r->ns_min,
			r->ns_max);
	else
		fputs("\"ns\": null, \"ns_min\": null, \"ns_max\": null, ", f);
	if (r->instructions >= 0)
		fprintf(f, "\"instructions\": %.1f}", r->instructions);
	else
		fputs("\"instructions\": null}", f);
}

bool json_write(const char *path, const struct rows *rows)
{
	FILE *f = fopen(path, "w");
	bool ok = f != NULL;

	if (f) {
		fputs("[\n", f);
		for (size_t i = 0; i < rows->n; i++) {
			print_row(f, &rows->list[i]);
			fputs(i + 1 < rows->n ? ",\n" : "\n", f);
		}
		fputs("]\n", f);
		ok = !ferror(f);
		ok &= fclose(f) == 0;
	}
	if (!ok)
		fprintf(stderr, "dmah-bench: cannot write %s: %s\n", path, strerror(errno));
	return ok;
}
