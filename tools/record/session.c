// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include "probes.h"
#include "say.h"
#include "session.h"

/* Calls of one function at a time whose returns can be recorded; more are missed, and counted. */
#define MAX_ACTIVE "256"

const char *missing_what(enum missing m)
{
	switch (m) {
	case MISSING_TRACEFS:
		return "tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing";
	case MISSING_THERE:
		return "the directory of --tracefs is no tracefs: mount -t tracefs tracefs DIR";
	case MISSING_PRIVILEGE:
		return "it is forbidden to this user: run it as root";
	case MISSING_EVENTS:
		return "this kernel has no dma events: Linux 6.12 and newer have them";
	case MISSING_KPROBES:
		return "this kernel has no kprobe events: it was built without "
		       "CONFIG_KPROBE_EVENTS";
	case MISSING_MACHINE:
		return "probes can stand in for dma events on x86-64 only";
	case MISSING_NOTHING:
		break;
	}
	return "available";
}

static bool may_write(const struct tracefs *fs, const char *file)
{
	char path[2048];

	return tracefs_path(fs, path, sizeof(path), "%s", file) && access(path, W_OK) == 0;
}

static bool locked_down(void)
{
	char text[128] = "";
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return strstr(text, "[confidentiality]") != NULL;
}

void ability_find(struct ability *a, const char *root)
{
	struct utsname u;

	memset(a, 0, sizeof(*a));
	switch (tracefs_find(&a->fs, root)) {
	case TRACEFS_FOUND:
		break;
	case TRACEFS_ABSENT:
		a->tracefs = root ? MISSING_THERE : MISSING_TRACEFS;
		break;
	case TRACEFS_FORBIDDEN:
		a->tracefs = MISSING_PRIVILEGE;
		break;
	}
	if (!a->tracefs && !may_write(&a->fs, "instances"))
		a->tracefs = MISSING_PRIVILEGE;
	a->events = a->tracefs;
	a->kprobes = a->tracefs;
	if (a->tracefs)
		return;
	if (!tracefs_has(&a->fs, "events/dma/enable"))
		a->events = MISSING_EVENTS;
	if (!tracefs_has(&a->fs, "kprobe_events"))
		a->kprobes = MISSING_KPROBES;
	else if (!may_write(&a->fs, "kprobe_events"))
		a->kprobes = MISSING_PRIVILEGE;
	if (uname(&u) == 0 && strcmp(u.machine, "x86_64") != 0)
		a->kprobes = MISSING_MACHINE;
	a->iommu = tracefs_has(&a->fs, "events/iommu/map/enable");
	a->lockdown = locked_down();
}

/* ---- removal ---- */

/* A probe's part of a list by its number; 0 is the probe itself, -1 that of the return. */
static void event_name(char *to, size_t cap, const struct probe_desc *d, int part)
{
	if (part < 0)
		snprintf(to, cap, "%s_ret", d->name);
	else if (part)
		snprintf(to, cap, "%s_%d", d->name, part * PROBE_CHUNK);
	else
		snprintf(to, cap, "%s", d->name);
}

#define EACH_PART(d, part) \
	for (int part = (d)->ret ? -1 : 0; part < ((d)->list ? PROBE_CHUNKS : 1); part++)

static void take_away(const struct session *s)
{
	char path[2048], line[256], name[64];

	tracefs_write(&s->fs, "0", "instances/%s/tracing_on", s->name);
	tracefs_write(&s->fs, "0", "instances/%s/events/enable", s->name);
	if (tracefs_path(&s->fs, path, sizeof(path), "instances/%s", s->name))
		rmdir(path);
	if (s->source != SOURCE_KPROBES)
		return;
	for (const struct probe_desc *d = probe_table(); d->name; d++) {
		EACH_PART(d, part)
		{
			event_name(name, sizeof(name), d, part);
			snprintf(line, sizeof(line), "-:%s/%s\n", s->group, name);
			tracefs_append(&s->fs, line, "kprobe_events");
		}
	}
}

/*
 * Start a process that waits for the end of this one. This one writes a byte if it has removed
 * everything itself; without the byte the guard removes it. So not even SIGKILL leaves probes behind.
 */
static int guard_start(struct session *s)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return say("no pipe: %s", strerror(errno));
	fflush(NULL);
	s->guard = fork();
	if (s->guard == 0) {
		int null = open("/dev/null", O_RDWR);
		sigset_t all;
		char byte;
		ssize_t n;

		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
		setsid();
		for (int i = 0; null >= 0 && i < 3; i++)
			dup2(null, i);
		close(p[1]);
		do
			n = read(p[0], &byte, 1);
		while (n < 0 && errno == EINTR);
		if (n != 1)
			take_away(s);
		_exit(0);
	}
	close(p[0]);
	if (s->guard < 0) {
		close(p[1]);
		return say("no process: %s", strerror(errno));
	}
	s->guard_fd = p[1];
	return 0;
}

void session_close(struct session *s)
{
	if (!s->guard)
		return;
	take_away(s);
	while (write(s->guard_fd, "", 1) < 0 && errno == EINTR)
		;
	close(s->guard_fd);
	while (waitpid(s->guard, NULL, 0) < 0 && errno == EINTR)
		;
	s->guard = 0;
}

/* ---- creation ---- */

/* Print the last message of the kernel about a probe, which has more than an error number. */
static void kernel_says(const struct session *s)
{
	char *log = tracefs_read(&s->fs, NULL, "error_log"), *last = NULL;

	for (char *p = log; p && (p = strstr(p, "trace_kprobe: error: ")); p++)
		last = p;
	if (last) {
		last[strcspn(last, "\n")] = '\0';
		say("the kernel says: %s", last);
	}
	free(log);
}

/* Defines the events of one function by one of its names. Return: 0, or -1 and errno. */
static int probe_symbol(const struct session *s, const struct probe_desc *d, const char *symbol)
{
	char line[1024], name[64], list[128];

	EACH_PART(d, part)
	{
		event_name(name, sizeof(name), d, part);
		list[0] = '\0';
		if (d->list && part >= 0) {
			unsigned int bytes = (unsigned int)part * PROBE_LIST * 8;

			snprintf(list, sizeof(list), " list=+%u(%s):x64[%u]", bytes, d->list,
				 PROBE_LIST);
		}
		snprintf(line, sizeof(line), "%s:%s/%s %s %s%s\n", part < 0 ? "r" MAX_ACTIVE : "p",
			 s->group, name, symbol, part < 0 ? d->ret : d->args, list);
		if (tracefs_append(&s->fs, line, "kprobe_events") < 0)
			return -1;
		if (part <= 0)
			continue;
		/* record a further part only of lists that have it */
		snprintf(list, sizeof(list), "nents > %u", (unsigned int)part * PROBE_CHUNK);
		if (tracefs_write(&s->fs, list, "instances/%s/events/%s/%s/filter", s->name,
				  s->group, name) < 0)
			return -1;
	}
	return 0;
}

/*
 * Returns true for the errors of a function that the kernel does not have, or has several of. They
 * depend on the version.
 */
static bool unknown_symbol(int e)
{
	return e == ENOENT || e == EINVAL || e == EADDRNOTAVAIL;
}

static int probe_all(struct session *s)
{
	for (const struct probe_desc *d = probe_table(); d->name; d++) {
		int r = -1;

		for (int i = 0; r < 0 && i < 2 && d->symbols[i]; i++) {
			r = probe_symbol(s, d, d->symbols[i]);
			if (r < 0 && !unknown_symbol(errno))
				break;
		}
		if (r == 0)
			continue;
		if (d->needed || !unknown_symbol(errno)) {
			bool forbidden = errno == EPERM || errno == EACCES;

			say("no probe on %s: %s", d->symbols[0], strerror(errno));
			if (forbidden)
				say("it needs root, and a kernel that is not locked down");
			else
				kernel_says(s);
			return -1;
		}
		snprintf(s->left_out + strlen(s->left_out),
			 sizeof(s->left_out) - strlen(s->left_out), "%s%s",
			 s->left_out[0] ? ", " : "", d->symbols[0]);
	}
	return 0;
}

static int enable(struct session *s, const char *events)
{
	if (tracefs_write(&s->fs, "1", "instances/%s/events/%s/enable", s->name, events) == 0)
		return 0;
	return say("the events %s cannot be enabled: %s", events, strerror(errno));
}

/* Times of all CPUs must be comparable. Not every kernel has every clock. */
static void choose_clock(const struct session *s)
{
	if (tracefs_write(&s->fs, "mono", "instances/%s/trace_clock", s->name) < 0)
		tracefs_write(&s->fs, "global", "instances/%s/trace_clock", s->name);
}

/* KiB: bounds of the buffer that is chosen, for events alone and with stacks */
#define LEAST_BUFFER	   1024ul
#define MOST_BUFFER	   16384ul
#define MOST_STACKS_BUFFER 65536ul

/* A sixteenth of the free memory, shared by the CPUs */
static unsigned long choose_buffer(bool stacks)
{
	unsigned long kib = 0, most = stacks ? MOST_STACKS_BUFFER : MOST_BUFFER;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %lu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	kib /= 16ul * (unsigned long)(cpus > 0 ? cpus : 1);
	return kib < LEAST_BUFFER ? LEAST_BUFFER : kib > most ? most : kib;
}

/* A buffer that was asked for must be had; one that was chosen may be smaller. */
static int set_buffer(struct session *s, unsigned long wanted)
{
	char size[32];

	s->buffer = wanted ? wanted : choose_buffer(s->stacks);
	for (;;) {
		snprintf(size, sizeof(size), "%lu", s->buffer);
		if (tracefs_write(&s->fs, size, "instances/%s/buffer_size_kb", s->name) == 0)
			return 0;
		if (wanted || errno != ENOMEM || s->buffer <= LEAST_BUFFER)
			return say(
				"no buffer of %lu KiB for each CPU: %s; --buffer makes it smaller",
				s->buffer, strerror(errno));
		s->buffer /= 2;
	}
}

/*
 * A record must fit into a page of the ring buffer, or the kernel drops it and counts nothing: the
 * unmap of a list of more than about 500 entries does not fit into 4 KiB. Since 6.8 the pages may be
 * larger. Text stays as it is, since its lines end at 8 KiB.
 */
static void enlarge_pages(const struct session *s, bool dat)
{
	if (dat && s->source == SOURCE_EVENTS)
		tracefs_write(&s->fs, "64", "instances/%s/buffer_subbuf_size_kb", s->name);
}

static int make(struct session *s, const struct session_options *opt)
{
	char path[2048];

	if (!tracefs_path(&s->fs, path, sizeof(path), "instances/%s", s->name))
		return say("%s: %s", s->fs.root, strerror(errno));
	if (mkdir(path, 0700) < 0)
		return say("%s: %s", path, strerror(errno));
	if (tracefs_write(&s->fs, "0", "instances/%s/tracing_on", s->name) < 0)
		return say("%s/tracing_on: %s", path, strerror(errno));
	enlarge_pages(s, opt->dat);
	if (set_buffer(s, opt->buffer) < 0)
		return -1;
	choose_clock(s);
	if (s->stacks && tracefs_write(&s->fs, "1", "instances/%s/options/stacktrace", s->name) < 0)
		return say("no stacks can be recorded: options/stacktrace: %s", strerror(errno));
	if (s->source == SOURCE_KPROBES) {
		if (probe_all(s) < 0)
			return -1;
		if (enable(s, s->group) < 0)
			return -1;
	} else if (enable(s, "dma") < 0) {
		return -1;
	}
	if (s->iommu && enable(s, "iommu/map") < 0)
		return -1;
	return opt->iommu ? enable(s, "iommu/unmap") : 0;
}

int session_open(struct session *s, const struct ability *a, const struct session_options *opt)
{
	enum missing why;

	memset(s, 0, sizeof(*s));
	s->fs = a->fs;
	if (a->tracefs)
		return say("%s", missing_what(a->tracefs));
	s->source = opt->source;
	s->stacks = opt->stacks;
	if (opt->source == SOURCE_AUTO)
		s->source = a->events ? SOURCE_KPROBES : SOURCE_EVENTS;
	why = s->source == SOURCE_EVENTS ? a->events : a->kprobes;
	if (why) {
		if (opt->source == SOURCE_AUTO)
			say("%s", missing_what(a->events));
		return say("%s", missing_what(why));
	}
	if (opt->iommu && !a->iommu)
		return say("this kernel has no iommu events");
	/* probes take addresses of coherent memory from these */
	s->iommu = opt->iommu || (s->source == SOURCE_KPROBES && a->iommu);
	snprintf(s->name, sizeof(s->name), "dmah-%d", (int)getpid());
	snprintf(s->group, sizeof(s->group), "dmah_%d", (int)getpid());
	if (guard_start(s) < 0)
		return -1;
	if (make(s, opt) == 0)
		return 0;
	session_close(s);
	return -1;
}

int session_switch(struct session *s, bool on)
{
	if (tracefs_write(&s->fs, on ? "1" : "0", "instances/%s/tracing_on", s->name) == 0)
		return 0;
	return say("recording cannot be %s: %s", on ? "begun" : "ended", strerror(errno));
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int session_cpus(const struct session *s, int *cpus)
{
	struct dirent *e;
	char path[2048];
	int nr = 0;
	DIR *d;

	if (!tracefs_path(&s->fs, path, sizeof(path), "instances/%s/per_cpu", s->name))
		return 0;
	d = opendir(path);
	while (d && nr < SESSION_CPUS && (e = readdir(d)))
		if (strncmp(e->d_name, "cpu", 3) == 0)
			cpus[nr++] = atoi(e->d_name + 3);
	if (d)
		closedir(d);
	qsort(cpus, (size_t)nr, sizeof(*cpus), by_number);
	return nr;
}

static uint64_t value_of(const char *text, const char *key)
{
	const char *p = text ? strstr(text, key) : NULL;

	return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}

void session_losses(const struct session *s, struct losses *l)
{
	char *text, *line, *save = NULL;
	int cpus[SESSION_CPUS], nr;

	memset(l, 0, sizeof(*l));
	nr = session_cpus(s, cpus);
	for (int i = 0; i < nr; i++) {
		text = tracefs_read(&s->fs, NULL, "instances/%s/per_cpu/cpu%d/stats", s->name,
				    cpus[i]);
		l->lost += value_of(text, "\noverrun: ") + value_of(text, "\ndropped events: ");
		l->read += value_of(text, "\nread events: ");
		free(text);
	}
	if (s->source != SOURCE_KPROBES)
		return;
	text = tracefs_read(&s->fs, NULL, "kprobe_profile");
	line = text ? strtok_r(text, "\n", &save) : NULL;
	for (; line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long long hits, missed;
		char name[128];
		struct probe p;

		if (sscanf(line, "%127s %llu %llu", name, &hits, &missed) == 3 &&
		    probe_find(name, strlen(name), &p))
			l->missed += missed;
	}
	free(text);
}
