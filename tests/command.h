/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Runs commands as their users do, in or beside a temporary directory with files of the test. */
#ifndef DMAH_TESTS_COMMAND_H
#define DMAH_TESTS_COMMAND_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* The output of the last command. */
static char out[8 << 20], err[1 << 16];
/* The test's directory. */
static char dir[] = "/tmp/dmah-test-XXXXXX";

/** slurp() - Reads the file @name of the test's directory. */
static inline void slurp(const char *name, char *to, size_t cap)
{
	char path[200];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(to, 1, cap - 1, f);
	to[n] = '\0';
	fclose(f);
}

/** put() - Writes the file @name of the test's directory. */
static inline void put(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/** run_in() - Runs a command in the directory @where, and reads its output. Return: its exit status. */
static inline int run_in(const char *where, const char *command)
{
	char line[4000];
	int status;

	snprintf(line, sizeof(line), "cd '%s' && >%s/out 2>%s/err </dev/null %s", where, dir, dir,
		 command);
	status = system(line);
	assert_true(WIFEXITED(status));
	slurp("out", out, sizeof(out));
	slurp("err", err, sizeof(err));
	return WEXITSTATUS(status);
}

/** make_dir() - Makes the test's directory; a cmocka set-up function. */
static inline int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

/** remove_dir() - Removes that directory; a cmocka tear-down function. */
static inline int remove_dir(void **state)
{
	char cmd[100];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

#endif
