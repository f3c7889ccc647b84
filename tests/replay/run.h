/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Runs the command as its users do. */
#ifndef DMAH_TESTS_REPLAY_RUN_H
#define DMAH_TESTS_REPLAY_RUN_H

#include <stdlib.h>
#include <sys/wait.h>
#include "load.h"

static char out[8 << 20], err[1 << 16];
static char dir[] = "/tmp/dmah-test-XXXXXX";

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

/* Runs "dmah replay ARGS" in the directory of the traces; ~ is the directory of the test's own files. */
static inline int run(const char *args)
{
	char cmd[3000], *p = cmd;
	int status;

	p += sprintf(p, "cd '%s' && >%s/out 2>%s/err </dev/null '%s' replay ",
		     getenv("DMAH_TRACES"), dir, dir, getenv("DMAH"));
	for (; *args; args++)
		p += *args == '~' ? sprintf(p, "%s", dir) : sprintf(p, "%c", *args);
	*p = '\0';
	status = system(cmd);
	assert_true(WIFEXITED(status));
	slurp("out", out, sizeof(out));
	slurp("err", err, sizeof(err));
	return WEXITSTATUS(status);
}

static inline int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
	char cmd[100];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

#endif
