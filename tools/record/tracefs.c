// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tracefs.h"
#include "xalloc.h"

static bool path_va(const struct tracefs *fs, char *to, size_t cap, const char *fmt, va_list ap)
{
	int n = snprintf(to, cap, "%s/", fs->root), k;

	if (n < 0 || (size_t)n >= cap)
		return false;
	k = vsnprintf(to + n, cap - (size_t)n, fmt, ap);
	if (k >= 0 && (size_t)k < cap - (size_t)n)
		return true;
	errno = ENAMETOOLONG;
	return false;
}

bool tracefs_path(const struct tracefs *fs, char *to, size_t cap, const char *fmt, ...)
{
	va_list ap;
	bool ok;

	va_start(ap, fmt);
	ok = path_va(fs, to, cap, fmt, ap);
	va_end(ap);
	return ok;
}

#define PATH(fs, fmt, to)                            \
	char to[2048];                               \
	va_list ap;                                  \
	bool ok;                                     \
                                                     \
	va_start(ap, fmt);                           \
	ok = path_va((fs), to, sizeof(to), fmt, ap); \
	va_end(ap)

bool tracefs_has(const struct tracefs *fs, const char *fmt, ...)
{
	PATH(fs, fmt, path);
	return ok && access(path, F_OK) == 0;
}

static int open_again(const char *path, int flags)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd;
}

int tracefs_open(const struct tracefs *fs, int flags, const char *fmt, ...)
{
	PATH(fs, fmt, path);
	return ok ? open_again(path, flags) : -1;
}

char *tracefs_read(const struct tracefs *fs, size_t *len, const char *fmt, ...)
{
	size_t n = 0, cap = 4096;
	char *text;
	int fd;
	PATH(fs, fmt, path);

	fd = ok ? open_again(path, O_RDONLY) : -1;
	if (fd < 0)
		return NULL;
	text = xmalloc(cap);
	for (;;) {
		ssize_t r = read(fd, text + n, cap - n - 1);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			int e = errno;

			close(fd);
			free(text);
			errno = e;
			return NULL;
		}
		n += (size_t)r;
		if (r == 0)
			break;
		if (cap - n < 2) {
			cap *= 2;
			text = xreallocarray(text, cap, 1);
		}
	}
	close(fd);
	text[n] = '\0';
	if (len)
		*len = n;
	return text;
}

/* One write: tracefs takes what it is given in one piece. */
static int put(const char *path, int flags, const char *text)
{
	size_t len = strlen(text);
	int fd = open_again(path, flags), e;
	ssize_t n;

	if (fd < 0)
		return -1;
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	e = n < 0 ? errno : EIO;
	close(fd);
	if (n == (ssize_t)len)
		return 0;
	errno = e;
	return -1;
}

int tracefs_write(const struct tracefs *fs, const char *text, const char *fmt, ...)
{
	PATH(fs, fmt, path);
	return ok ? put(path, O_WRONLY | O_TRUNC, text) : -1;
}

int tracefs_append(const struct tracefs *fs, const char *text, const char *file)
{
	char path[2048];

	if (!tracefs_path(fs, path, sizeof(path), "%s", file))
		return -1;
	return put(path, O_WRONLY | O_APPEND, text);
}

enum tracefs_state tracefs_find(struct tracefs *fs, const char *root)
{
	static const char *const usual[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	enum tracefs_state state = TRACEFS_ABSENT;

	for (size_t i = 0; i < (root ? 1 : 2); i++) {
		const char *at = root ? root : usual[i];
		char path[2048];

		snprintf(path, sizeof(path), "%s/instances", at);
		if (access(path, F_OK) == 0) {
			snprintf(fs->root, sizeof(fs->root), "%s", at);
			return TRACEFS_FOUND;
		}
		if (errno == EACCES && state == TRACEFS_ABSENT) {
			snprintf(fs->root, sizeof(fs->root), "%s", at);
			state = TRACEFS_FORBIDDEN;
		}
	}
	return state;
}
