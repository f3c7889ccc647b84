// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * dmah convert: runs the converter, a Python program (docs/converting.md says why). It is installed in
 * share/dmah/convert beside bin, and in the source tree in tools/convert.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd.h"

#define LEVELS 5 /* directories above the executable that are searched for the source tree */

/* Returns true if @dir/@rest is a file; @path is set to its name. */
static bool in_dir(char *path, size_t room, const char *dir, const char *rest)
{
	int n = snprintf(path, room, "%s/%s", dir, rest);

	return n > 0 && (size_t)n < room && access(path, R_OK) == 0;
}

/* Returns true if the program was found; @path is set to its name. */
static bool find_program(char *path, size_t room)
{
	const char *given = getenv("DMAH_CONVERT");
	char dir[PATH_MAX];
	ssize_t n;

	if (given)
		return in_dir(path, room, given, "main.py");
	n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	if (n <= 0)
		return false;
	dir[n] = '\0';
	for (int level = 0; level < LEVELS; level++) {
		char *slash = strrchr(dir, '/');

		if (!slash || slash == dir)
			return false;
		*slash = '\0';
		if (in_dir(path, room, dir, "share/dmah/convert/main.py") ||
		    in_dir(path, room, dir, "tools/convert/main.py"))
			return true;
	}
	return false;
}

int cmd_convert(int argc, char **argv)
{
	char path[PATH_MAX], python[] = "python3";
	char **args;

	if (!find_program(path, sizeof(path))) {
		fputs("dmah convert: share/dmah/convert/main.py is neither beside this program's "
		      "directory nor in DMAH_CONVERT\n",
		      stderr);
		return CMD_UNREADABLE;
	}
	args = calloc((size_t)argc + 2, sizeof(*args));
	if (!args) {
		fputs("dmah convert: no memory\n", stderr);
		return CMD_UNREADABLE;
	}
	args[0] = python;
	args[1] = path;
	for (int i = 1; i < argc; i++)
		args[i + 1] = argv[i];
	execvp(python, args);
	fprintf(stderr, "dmah convert: cannot run python3: %s\n", strerror(errno));
	free(args);
	return CMD_UNREADABLE;
}
