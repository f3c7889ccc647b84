// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "datfile.h"
#include "say.h"
#include "xalloc.h"

/* Options of the file (TRACECMD_OPTION_*) */
#define OPTION_UNAME   5
#define OPTION_VERSION 9

/* Make all that comes before the pages in memory: they begin where it ends. */
struct head {
	char *p;
	size_t len, cap;
};

static void add(struct head *h, const void *p, size_t n)
{
	while (h->cap - h->len < n) {
		h->cap = h->cap ? h->cap * 2 : 65536;
		h->p = xreallocarray(h->p, h->cap, 1);
	}
	memcpy(h->p + h->len, p, n);
	h->len += n;
}

/* Numbers have the machine's order of bytes, which the file names. */
static void add16(struct head *h, uint16_t v)
{
	add(h, &v, sizeof(v));
}

static void add32(struct head *h, uint32_t v)
{
	add(h, &v, sizeof(v));
}

static void add64(struct head *h, uint64_t v)
{
	add(h, &v, sizeof(v));
}

static void add_name(struct head *h, const char *s)
{
	add(h, s, strlen(s) + 1);
}

/* A file of tracefs: its length, its text */
static int add_file(struct head *h, const struct session *s, const char *path)
{
	size_t len;
	char *text = tracefs_read(&s->fs, &len, "%s", path);

	if (!text)
		return say("%s/%s: %s", s->fs.root, path, strerror(errno));
	add64(h, len);
	add(h, text, len);
	free(text);
	return 0;
}

/* All events of a system, or those that are named */
static int add_system(struct head *h, const struct session *s, const char *system,
		      const char *const *only)
{
	char path[2048];
	size_t at = h->len + strlen(system) + 1;
	struct dirent *e;
	uint32_t nr = 0;
	int r = 0;
	DIR *d;

	if (!tracefs_path(&s->fs, path, sizeof(path), "events/%s", system) || !(d = opendir(path)))
		return say("events/%s: %s", system, strerror(errno));
	add_name(h, system);
	add32(h, 0);
	while (r == 0 && (e = readdir(d))) {
		bool wanted = !only;

		for (int i = 0; only && only[i]; i++)
			wanted |= strcmp(only[i], e->d_name) == 0;
		if (!wanted || e->d_name[0] == '.' ||
		    !tracefs_has(&s->fs, "events/%s/%s/format", system, e->d_name))
			continue;
		snprintf(path, sizeof(path), "events/%s/%s/format", system, e->d_name);
		r = add_file(h, s, path);
		nr++;
	}
	closedir(d);
	memcpy(h->p + at, &nr, sizeof(nr));
	return r;
}

static void add_option(struct head *h, uint16_t id, const char *text)
{
	add16(h, id);
	add32(h, (uint32_t)strlen(text) + 1);
	add_name(h, text);
}

static void add_options(struct head *h, const struct session *s)
{
	struct utsname u = { 0 };
	char text[1024];

	uname(&u);
	add_name(h, "options  ");
	snprintf(text, sizeof(text), "%s %s %s %s", u.sysname, u.nodename, u.release, u.machine);
	add_option(h, OPTION_UNAME, text);
	snprintf(text, sizeof(text), "dmah record " DMAH_VERSION ", from %s%s%s",
		 s->source == SOURCE_KPROBES ? "probes: see dmah(1) for what they do not record"
					     : "the kernel's dma events",
		 s->left_out[0] ? "; without " : "", s->left_out);
	add_option(h, OPTION_VERSION, text);
	add16(h, 0);
}

/* Names of the functions in stacks. A file without them is still a recording. */
static void add_symbols(struct head *h)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	size_t at = h->len, n;
	char buf[65536];
	uint32_t len;

	add32(h, 0);
	while (f && h->len - at < UINT32_MAX / 2 && (n = fread(buf, 1, sizeof(buf), f)))
		add(h, buf, n);
	if (f)
		fclose(f);
	len = (uint32_t)(h->len - at - 4);
	memcpy(h->p + at, &len, 4);
}

static int make_head(struct head *h, const struct session *s, size_t page)
{
	static const char *const iommu[] = { "map", "unmap", NULL };
	const uint16_t one = 1;

	add(h, "\x17\x08\x44tracing", 10);
	add_name(h, "6");
	add(h, *(const char *)&one ? "\0" : "\1", 1);
	add(h, &(char){ sizeof(long) }, 1);
	add32(h, (uint32_t)page);
	add_name(h, "header_page");
	if (add_file(h, s, "events/header_page") < 0)
		return -1;
	add_name(h, "header_event");
	if (add_file(h, s, "events/header_event") < 0)
		return -1;
	/* ftrace's own events */
	add32(h, s->stacks ? 1 : 0);
	if (s->stacks && add_file(h, s, "events/ftrace/kernel_stack/format") < 0)
		return -1;
	add32(h, s->iommu ? 2 : 1);
	if (add_system(h, s, s->source == SOURCE_KPROBES ? s->group : "dma", NULL) < 0)
		return -1;
	if (s->iommu && add_system(h, s, "iommu", iommu) < 0)
		return -1;
	if (s->stacks)
		add_symbols(h);
	else
		add32(h, 0);
	add32(h, 0); /* formats of printk */
	return add_file(h, s, "saved_cmdlines");
}

static int copy(struct out *o, const struct datfile_cpu *c)
{
	static char buf[256 * 1024];
	uint64_t at = 0;

	while (at < c->bytes) {
		ssize_t n = pread(c->fd, buf, sizeof(buf), (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return say("the events of CPU %d cannot be read again: %s", c->nr,
				   n ? strerror(errno) : "they are fewer than there were");
		if (out_write(o, buf, (size_t)n) < 0)
			return -1;
		at += (uint64_t)n;
	}
	return 0;
}

int datfile_write(const struct session *s, struct out *o, size_t page,
		  const struct datfile_cpu *cpus, int nr)
{
	int all = nr ? cpus[nr - 1].nr + 1 : 0, r;
	struct head h = { 0 };
	uint64_t at;

	r = make_head(&h, s, page);
	add32(&h, (uint32_t)all);
	add_options(&h, s);
	add_name(&h, "flyrecord");
	/* place of each CPU's pages; a CPU that does not exist has none */
	at = h.len + (uint64_t)all * 16;
	at = (at + page - 1) / page * page;
	for (int cpu = 0, i = 0; cpu < all; cpu++) {
		uint64_t bytes = cpus[i].nr == cpu ? cpus[i++].bytes : 0;

		add64(&h, at);
		add64(&h, bytes);
		at += bytes;
	}
	while (h.len % page)
		add(&h, "", 1);
	if (r == 0)
		r = out_write(o, h.p, h.len);
	for (int i = 0; r == 0 && i < nr; i++)
		r = copy(o, &cpus[i]);
	free(h.p);
	return r;
}
