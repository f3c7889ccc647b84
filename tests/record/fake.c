// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * dmah record on a kernel that is only files: mkdir(), rmdir(), access() and write() below the directory that
 * DMAH_FAKE_ROOT names do what tracefs does there. So the real code runs, without privilege, up to
 * every error that a kernel can answer with.
 *
 * Beside what tracefs has, the root may hold (test_record.py writes them):
 *
 *	.pipe, .raw	what a new instance has in trace_pipe, and in cpu0's trace_pipe_raw
 *	.stats		its per_cpu/cpu0/stats
 *	.formats/NAME	format of the probe NAME
 *	.unknown	symbols that this kernel does not have, one a line
 *	.fail		"ENDING NUMBER": names of that ending cannot be made or written, for that errno
 *	.log		written here: probes made and removed, and how an instance was when it went
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmd.h"

int __real_mkdir(const char *path, mode_t mode);
int __real_rmdir(const char *path);
int __real_access(const char *path, int mode);
ssize_t __real_write(int fd, const void *p, size_t n);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rmdir(const char *path);
int __wrap_access(const char *path, int mode);
ssize_t __wrap_write(int fd, const void *p, size_t n);

static const char *root(void)
{
	return getenv("DMAH_FAKE_ROOT");
}

__attribute__((format(printf, 2, 3))) static char *name(char to[4096], const char *fmt, ...)
{
	int n = snprintf(to, 4096, "%s/", root());
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(to + n, 4096 - (size_t)n, fmt, ap);
	va_end(ap);
	return to;
}

static char *text_of(const char *path, size_t *len)
{
	static char buf[1 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	if (len)
		*len = n > 0 ? (size_t)n : 0;
	return buf;
}

static void set(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0 || __real_write(fd, text, len) != (ssize_t)len)
		abort();
	close(fd);
}

__attribute__((format(printf, 1, 2))) static void note(const char *fmt, ...)
{
	char path[4096], line[4096];
	va_list ap;
	int fd, n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fd = open(name(path, ".log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0 || __real_write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

/* Does this name fail, by .fail? Then errno says how. */
static int fails(const char *path)
{
	char file[4096], ending[256];
	int number;

	if (sscanf(text_of(name(file, ".fail"), NULL), "%255s %d", ending, &number) != 2 ||
	    strlen(path) < strlen(ending) ||
	    strcmp(path + strlen(path) - strlen(ending), ending) != 0)
		return 0;
	errno = number;
	return 1;
}

int __wrap_access(const char *path, int mode)
{
	if (root() && mode == W_OK && fails(path) && errno == EACCES)
		return -1;
	return __real_access(path, mode);
}

static int is_instance(const char *path)
{
	char dir[4096];

	name(dir, "instances/");
	return root() && strncmp(path, dir, strlen(dir)) == 0 && !strchr(path + strlen(dir), '/');
}

static void make_dirs(const char *path)
{
	char part[4096];

	for (const char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(p - path), path);
		__real_mkdir(part, 0777);
	}
	__real_mkdir(path, 0777);
}

static void copy(const char *to, const char *dir, const char *file, const char *from)
{
	char path[4096], source[4096];
	size_t len;
	char *text;

	snprintf(path, sizeof(path), "%s/%s", to, dir);
	make_dirs(path);
	snprintf(path, sizeof(path), "%s/%s%s%s", to, dir, *dir ? "/" : "", file);
	text = text_of(name(source, "%s", from), &len);
	set(path, text, len);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	static const char *const files[][2] = { { "", "tracing_on" },
						{ "", "buffer_size_kb" },
						{ "", "trace_clock" },
						{ "options", "stacktrace" },
						{ "events", "enable" } };
	static const char *const events[] = { "dma", "iommu/map", "iommu/unmap" };
	char has[4096], dir[64];

	if (!is_instance(path))
		return __real_mkdir(path, mode);
	if (fails(path))
		return -1;
	if (__real_mkdir(path, mode) < 0)
		return -1;
	for (size_t i = 0; i < 5; i++)
		copy(path, files[i][0], files[i][1], ".nothing");
	for (size_t i = 0; i < 3; i++) {
		if (access(name(has, "events/%s/enable", events[i]), F_OK) < 0)
			continue;
		snprintf(dir, sizeof(dir), "events/%s", events[i]);
		copy(path, dir, "enable", ".nothing");
	}
	copy(path, "", "trace_pipe", ".pipe");
	copy(path, "per_cpu/cpu0", "trace_pipe_raw", ".raw");
	copy(path, "per_cpu/cpu0", "stats", ".stats");
	note("mkdir %s\n", strrchr(path, '/') + 1);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)f;
	return flag == FTW_DP ? __real_rmdir(path) : unlink(path);
}

static void remove_all(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int __wrap_rmdir(const char *path)
{
	char file[4096], on[16];

	if (!is_instance(path))
		return __real_rmdir(path);
	if (access(path, F_OK) < 0)
		return -1;
	snprintf(file, sizeof(file), "%s/tracing_on", path);
	snprintf(on, sizeof(on), "%.8s", text_of(file, NULL));
	snprintf(file, sizeof(file), "%s/events/enable", path);
	note("rmdir %s tracing_on=%s events=%s\n", strrchr(path, '/') + 1, on, text_of(file, NULL));
	remove_all(path);
	return 0;
}

/* The directory of a probe, here and in every instance */
static void probe_dir(const char *event, int make)
{
	char path[4096], from[512];
	struct dirent *e;
	DIR *d;

	name(path, "events/%s", event);
	if (make) {
		snprintf(from, sizeof(from), ".formats/%s", strchr(event, '/') + 1);
		copy(path, "", "format", from);
	} else {
		remove_all(path);
		*strrchr(path, '/') = '\0';
		__real_rmdir(path);
	}
	d = opendir(name(path, "instances"));
	while (d && (e = readdir(d))) {
		char group[256];

		if (e->d_name[0] == '.')
			continue;
		name(path, "instances/%s/events/%s", e->d_name, event);
		if (!make) {
			remove_all(path);
			continue;
		}
		copy(path, "", "filter", ".nothing");
		snprintf(group, sizeof(group), "%.*s", (int)strcspn(event, "/"), event);
		name(path, "instances/%s/events/%s", e->d_name, group);
		copy(path, "", "enable", ".nothing");
	}
	if (d)
		closedir(d);
}

static int known(const char *symbol)
{
	char path[4096], *p = text_of(name(path, ".unknown"), NULL);
	size_t n = strlen(symbol);

	for (; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (strncmp(p, symbol, n) == 0 && (p[n] == '\n' || p[n] == '\0'))
			return 0;
	return 1;
}

static int kprobe(const char *line)
{
	char event[256], symbol[256], path[4096];

	if (sscanf(line, "-:%255s", event) == 1) {
		if (access(name(path, "events/%s", event), F_OK) < 0) {
			errno = ENOENT;
			return -1;
		}
		/* before it is done: who waits for that may read the log */
		note("%s", line);
		probe_dir(event, 0);
		return 0;
	} else if (sscanf(line, "%*[pr0-9]:%255s %255s", event, symbol) == 2) {
		if (!known(symbol)) {
			errno = ENOENT;
			return -1;
		}
		probe_dir(event, 1);
	} else {
		errno = EINVAL;
		return -1;
	}
	note("%s", line);
	return 0;
}

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
	char link[64], path[4096], line[4096];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = root() ? readlink(link, path, sizeof(path) - 1) : 0;
	path[len > 0 ? len : 0] = '\0';
	if (!root() || strncmp(path, root(), strlen(root())) != 0)
		return __real_write(fd, p, n);
	if (fails(path))
		return -1;
	if (strcmp(path + strlen(root()), "/kprobe_events") != 0)
		return __real_write(fd, p, n);
	/* the kernel would forget all older probes */
	if (!(fcntl(fd, F_GETFL) & O_APPEND))
		abort();
	snprintf(line, sizeof(line), "%.*s", (int)n, (const char *)p);
	return kprobe(line) < 0 ? -1 : (ssize_t)n;
}

int main(int argc, char **argv)
{
	return cmd_record(argc, argv);
}
