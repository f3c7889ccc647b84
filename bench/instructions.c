// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Instructions, by callgrind: this program again, under valgrind, which collects only around the loop and writes a file for
 * each row. What it counts is the same on every run and does not depend on the load.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "row.h"

#ifdef HAVE_CALLGRIND
#include <valgrind/callgrind.h>
#endif

void instructions_begin(void)
{
#ifdef HAVE_CALLGRIND
	CALLGRIND_ZERO_STATS;
	CALLGRIND_TOGGLE_COLLECT;
#endif
}

void instructions_end(size_t index, uint64_t ops)
{
#ifdef HAVE_CALLGRIND
	char name[64];

	CALLGRIND_TOGGLE_COLLECT;
	snprintf(name, sizeof(name), "row %zu ops %" PRIu64, index, ops);
	CALLGRIND_DUMP_STATS_AT(name);
#else
	(void)index;
	(void)ops;
#endif
}

bool instructions_here(void)
{
#ifdef HAVE_CALLGRIND
	return RUNNING_ON_VALGRIND;
#else
	return false;
#endif
}

/* ---- the other side ---- */

static bool run_valgrind(const char *dir, const struct options *opt)
{
	char self[4096], out[4200], log[4200], live[16];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status;
	pid_t pid;

	if (len <= 0)
		return false;
	self[len] = '\0';
	snprintf(out, sizeof(out), "--callgrind-out-file=%s/out", dir);
	snprintf(log, sizeof(log), "--log-file=%s/log", dir);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		const char *argv[12] = {
			"valgrind", "--tool=callgrind", "--collect-atstart=no",	      out, log,
			self,	    "--counted",	opt->quick ? "--quick" : NULL
		};
		unsigned int n = opt->quick ? 8 : 7;

		if (opt->only) {
			argv[n++] = "--case";
			argv[n++] = opt->only->name;
		}
		if (opt->live) {
			snprintf(live, sizeof(live), "%u", opt->live);
			argv[n++] = "--live";
			argv[n++] = live;
		}
		{
			char *args[13] = { 0 };

			for (unsigned int i = 0; i < n; i++)
				args[i] = (char *)(uintptr_t)argv[i];
			execvp(args[0], args);
		}
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		fputs("dmah-bench: instructions are not counted: valgrind is not installed\n",
		      stderr);
	else if (!WIFEXITED(status) || WEXITSTATUS(status))
		fputs("dmah-bench: instructions are not counted: it failed under valgrind\n",
		      stderr);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* A file of callgrind's: its trigger is the name that was given, "summary:" what was counted. */
static void take_file(const char *path, struct rows *rows)
{
	FILE *f = fopen(path, "r");
	size_t row = rows->n;
	uint64_t ops = 0, n;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "row ");

		if (!strncmp(line, "desc: Trigger:", 14) && at)
			sscanf(at, "row %zu ops %" SCNu64, &row, &ops);
		if ((sscanf(line, "summary: %" SCNu64, &n) == 1 ||
		     sscanf(line, "totals: %" SCNu64, &n) == 1) &&
		    row < rows->n && ops) {
			rows->list[row].instructions = (double)n / (double)ops;
			break;
		}
	}
	if (f)
		fclose(f);
}

bool instructions_count(struct rows *rows, const struct options *opt)
{
	char dir[] = "/tmp/dmah-bench-XXXXXX", path[4400];
	struct dirent *e;
	bool ok;
	DIR *d;

#ifndef HAVE_CALLGRIND
	fputs("dmah-bench: instructions are not counted: built without valgrind's headers\n",
	      stderr);
	return true;
#endif
	if (!mkdtemp(dir)) {
		perror("dmah-bench: a temporary directory");
		return false;
	}
	ok = run_valgrind(dir, opt);
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (ok)
			take_file(path, rows);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
	return ok;
}
