// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Text comes from trace_pipe, in which the kernel merges all CPUs. Pages of the ring buffers come
 * from each CPU's trace_pipe_raw; a trace.dat has those of one CPU in one piece, so they wait in
 * files without names.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "datfile.h"
#include "drain.h"
#include "say.h"
#include "xalloc.h"

/* One turn takes no more than this, so that its caller can look for signals. */
#define TURN (8 * 1024 * 1024)

struct cpu {
	int nr, from;
	int kept;
	uint64_t bytes;
};

struct drain {
	const struct session *s;
	struct out *o;
	bool dat;
	int pipe;
	uint64_t lines;
	char line[512]; /* beginning of the present line */
	size_t line_len;
	uint64_t long_lists, longest_list;
	struct cpu *cpus;
	int nr_cpus;
	size_t page;
	char *buf;
	size_t cap;
};

static const char probes_note[] =
	"# It comes from probes on the functions of the DMA API. They do not record:\n"
	"# - the DMA addresses of a scatter list before it is unmapped; readers take them from "
	"the\n"
	"#   unmap, and leave out lists that stay mapped;\n"
	"# - entries of a scatter list after the 128th, or of the further lists of a chain;\n"
	"# - the DMA address of new coherent memory; readers take it from the IOMMU's events\n"
	"#   within the call, or else the physical address;\n"
	"# - memory of dma_alloc_noncontiguous().\n"
	"# The event of a map stands at the end of the call, that of an unmap or a sync at its\n"
	"# beginning.\n";

static int text_header(struct drain *d)
{
	struct utsname u = { 0 };
	char text[2048];
	int n;

	uname(&u);
	n = snprintf(text, sizeof(text),
		     "# tracer: nop\n"
		     "#\n"
		     "# Recorded by dmah record " DMAH_VERSION " on Linux %s %s.\n%s",
		     u.release, u.machine,
		     d->s->source == SOURCE_KPROBES ? probes_note
						    : "# It comes from the kernel's dma events.\n");
	if (d->s->left_out[0])
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "# Functions that this kernel does not have: %s.\n", d->s->left_out);
	n += snprintf(text + n, sizeof(text) - (size_t)n,
		      "#\n#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n");
	return out_write(d->o, text, (size_t)n);
}

static int open_pipe(struct drain *d)
{
	d->cap = 64 * 1024;
	d->buf = xmalloc(d->cap);
	d->pipe = tracefs_open(&d->s->fs, O_RDONLY | O_NONBLOCK, "instances/%s/trace_pipe",
			       d->s->name);
	if (d->pipe < 0)
		return say("trace_pipe: %s", strerror(errno));
	return text_header(d);
}

/* Make a file without a name in the folder of the output, which has room for it. */
static int keep(const char *path)
{
	char *copy = xstrdup(path), *dir = dirname(copy), name[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0) {
		snprintf(name, sizeof(name), "%s/.dmah-record-XXXXXX", dir);
		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0)
			unlink(name);
	}
	if (fd < 0)
		say("%s: no file can be made there: %s", dir, strerror(errno));
	free(copy);
	return fd;
}

static int open_raw(struct drain *d, const char *path)
{
	int *numbers = xcalloc(SESSION_CPUS, sizeof(*numbers));
	char *text;

	d->nr_cpus = session_cpus(d->s, numbers);
	d->cpus = xcalloc((size_t)d->nr_cpus, sizeof(*d->cpus));
	for (int i = 0; i < d->nr_cpus; i++)
		d->cpus[i] = (struct cpu){ .nr = numbers[i], .from = -1, .kept = -1 };
	free(numbers);
	if (!d->nr_cpus)
		return say("the kernel has no buffers of CPUs for instances/%s", d->s->name);
	/* since 6.8 a buffer's pages may be larger than the machine's */
	d->page = (size_t)sysconf(_SC_PAGESIZE);
	text = tracefs_read(&d->s->fs, NULL, "instances/%s/buffer_subbuf_size_kb", d->s->name);
	if (text && atol(text) > 0 && atol(text) <= 1024)
		d->page = (size_t)atol(text) * 1024;
	free(text);
	d->cap = d->page;
	d->buf = xmalloc(d->cap);
	for (int i = 0; i < d->nr_cpus; i++) {
		struct cpu *c = &d->cpus[i];

		c->from = tracefs_open(&d->s->fs, O_RDONLY | O_NONBLOCK,
				       "instances/%s/per_cpu/cpu%d/trace_pipe_raw", d->s->name,
				       c->nr);
		if (c->from < 0)
			return say("per_cpu/cpu%d/trace_pipe_raw: %s", c->nr, strerror(errno));
		c->kept = keep(path);
		if (c->kept < 0)
			return -1;
	}
	return 0;
}

struct drain *drain_open(const struct session *s, struct out *o, const char *path, bool dat)
{
	struct drain *d = xcalloc(1, sizeof(*d));

	d->s = s;
	d->o = o;
	d->dat = dat;
	d->pipe = -1;
	if ((dat ? open_raw(d, path) : open_pipe(d)) == 0)
		return d;
	drain_close(d);
	return NULL;
}

/* Lists of so many entries and more may be too long for the record of their unmap. */
#define LONG_LIST 500

/* Read the length of a list from "dma_map_sg: DEVICE dir=... nents=128/600 ...". */
static void note_list(struct drain *d)
{
	const char *at = strstr(d->line, ": dma_map_sg: ");
	uint64_t entries;

	at = at ? strstr(at, " nents=128/") : NULL;
	if (!at)
		return;
	entries = strtoull(at + strlen(" nents=128/"), NULL, 10);
	if (entries < LONG_LIST)
		return;
	d->long_lists++;
	if (entries > d->longest_list)
		d->longest_list = entries;
}

/* Count a line that is an event: not a comment, a loss, or a part of a stack. */
static void end_line(struct drain *d)
{
	d->line[d->line_len] = '\0';
	if (strncmp(d->line, " => ", 4) != 0 && !strstr(d->line, ": <stack trace>") &&
	    d->line[0] != 'C' && d->line[0] != '#' && d->line[0] != '[')
		d->lines++;
	note_list(d);
	d->line_len = 0;
}

static void count(struct drain *d, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t part = (size_t)((nl ? nl : end) - p),
		       room = sizeof(d->line) - 1 - d->line_len;

		memcpy(d->line + d->line_len, p, part < room ? part : room);
		d->line_len += part < room ? part : room;
		if (!nl)
			return;
		end_line(d);
		p = nl + 1;
	}
}

void drain_long_lists(const struct drain *d, uint64_t *nr, uint64_t *longest)
{
	*nr = d->long_lists;
	*longest = d->longest_list;
}

static int some_text(struct drain *d)
{
	size_t taken = 0;

	while (taken < TURN) {
		ssize_t n = read(d->pipe, d->buf, d->cap);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (n < 0 && errno == EAGAIN))
			break;
		if (n < 0)
			return say("trace_pipe: %s", strerror(errno));
		count(d, d->buf, (size_t)n);
		if (out_write(d->o, d->buf, (size_t)n) < 0)
			return -1;
		taken += (size_t)n;
	}
	return taken != 0;
}

static int keep_page(struct drain *d, struct cpu *c)
{
	size_t at = 0;

	while (at < d->page) {
		ssize_t n = write(c->kept, d->buf + at, d->page - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return say("no room to keep the events: %s", strerror(errno));
		at += (size_t)n;
	}
	c->bytes += d->page;
	return 0;
}

static int some_pages(struct drain *d, struct cpu *c)
{
	size_t taken = 0;

	while (taken < TURN) {
		ssize_t n = read(c->from, d->buf, d->page);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (n < 0 && errno == EAGAIN))
			break;
		if (n < 0)
			return say("per_cpu/cpu%d/trace_pipe_raw: %s", c->nr, strerror(errno));
		memset(d->buf + n, 0, d->page - (size_t)n);
		if (keep_page(d, c) < 0)
			return -1;
		taken += d->page;
	}
	return taken != 0;
}

int drain_some(struct drain *d)
{
	int any = 0;

	if (!d->dat)
		return some_text(d);
	for (int i = 0; i < d->nr_cpus; i++) {
		int r = some_pages(d, &d->cpus[i]);

		if (r < 0)
			return r;
		any |= r;
	}
	return any;
}

uint64_t drain_events(const struct drain *d)
{
	return d->lines;
}

int drain_finish(struct drain *d)
{
	struct datfile_cpu *cpus;
	int r;

	if (!d->dat)
		return 0;
	cpus = xcalloc((size_t)d->nr_cpus, sizeof(*cpus));
	for (int i = 0; i < d->nr_cpus; i++)
		cpus[i] = (struct datfile_cpu){ d->cpus[i].nr, d->cpus[i].kept, d->cpus[i].bytes };
	r = datfile_write(d->s, d->o, d->page, cpus, d->nr_cpus);
	free(cpus);
	return r;
}

void drain_close(struct drain *d)
{
	if (!d)
		return;
	if (d->pipe >= 0)
		close(d->pipe);
	for (int i = 0; i < d->nr_cpus; i++) {
		if (d->cpus[i].from >= 0)
			close(d->cpus[i].from);
		if (d->cpus[i].kept >= 0)
			close(d->cpus[i].kept);
	}
	free(d->cpus);
	free(d->buf);
	free(d);
}
