// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include "callgrind.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "message.h"

#ifdef HAVE_CALLGRIND
#include <valgrind/callgrind.h>
#endif

#define MOST_ARGS 500u

void callgrind_begin(void)
{
#ifdef HAVE_CALLGRIND
	CALLGRIND_ZERO_STATS;
	CALLGRIND_TOGGLE_COLLECT;
#endif
}

void callgrind_end(size_t row, uint64_t ops)
{
#ifdef HAVE_CALLGRIND
	char name[64];

	CALLGRIND_TOGGLE_COLLECT;
	snprintf(name, sizeof(name), "row %zu ops %" PRIu64, row, ops);
	CALLGRIND_DUMP_STATS_AT(name);
#else
	(void)row;
	(void)ops;
#endif
}

/* ---- the process outside ---- */

static void exec_valgrind(const char *self, const char *dir, const char *const *args, bool caches)
{
	char out[4200], log[4200];
	char *argv[MOST_ARGS + 9] = { (char[]){ "valgrind" },
				      (char[]){ "--tool=callgrind" },
				      (char[]){ "--collect-atstart=no" },
				      caches ? (char[]){ "--cache-sim=yes" }
					     : (char[]){ "--cache-sim=no" },
				      out,
				      log,
				      (char *)(uintptr_t)self };
	int null = open("/dev/null", O_WRONLY);

	snprintf(out, sizeof(out), "--callgrind-out-file=%s/out", dir);
	snprintf(log, sizeof(log), "--log-file=%s/log", dir);
	for (unsigned int i = 0; args[i] && i < MOST_ARGS; i++)
		argv[7 + i] = (char *)(uintptr_t)args[i];
	dup2(null, STDOUT_FILENO);
	execvp(argv[0], argv);
	_exit(127);
}

static bool run_valgrind(const char *dir, const char *const *args, bool caches)
{
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status;
	pid_t pid;

	if (len <= 0) {
		message("instructions are not counted: /proc/self/exe: %m");
		return false;
	}
	self[len] = '\0';
	fflush(NULL);
	pid = fork();
	if (!pid)
		exec_valgrind(self, dir, args, caches);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		message("instructions are not counted: a process cannot be started: %m");
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		message("instructions are not counted: valgrind is not installed");
	else if (!WIFEXITED(status) || WEXITSTATUS(status))
		message("instructions are not counted: the program failed under valgrind");
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/*
 * Callgrind writes a file for each row: "desc: Trigger:" holds the name that callgrind_end() gave, "summary:" or "totals:"
 * the number of instructions, and
 * with the caches the numbers of "events: Ir Dr Dw I1mr D1mr D1mw ...".
 */
static void read_counts(const char *path, void (*found)(void *, size_t, double, double), void *ctx)
{
	FILE *f = fopen(path, "r");
	uint64_t ops = 0, n, reads = 0, writes = 0;
	size_t row = 0;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "row ");

		if (!strncmp(line, "desc: Trigger:", 14) && at)
			sscanf(at, "row %zu ops %" SCNu64, &row, &ops);
		if ((sscanf(line, "summary: %" SCNu64, &n) == 1 ||
		     sscanf(line, "totals: %" SCNu64, &n) == 1) &&
		    ops) {
			bool caches = sscanf(line, "%*s %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
					     &reads, &writes) == 2;

			found(ctx, row, (double)n / (double)ops,
			      caches ? (double)(reads + writes) / (double)ops : -1);
			break;
		}
	}
	if (f)
		fclose(f);
}

bool callgrind_run(const char *const *args, bool caches,
		   void (*found)(void *ctx, size_t row, double instructions, double misses),
		   void *ctx)
{
	char dir[] = "/tmp/dmah-callgrind-XXXXXX", path[4400];
	struct dirent *e;
	bool ok;
	DIR *d;

#ifndef HAVE_CALLGRIND
	message("instructions are not counted: this program was built without valgrind's headers");
	return true;
#endif
	if (!mkdtemp(dir)) {
		message("a temporary directory cannot be made: %m");
		return false;
	}
	ok = run_valgrind(dir, args, caches);
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (ok)
			read_counts(path, found, ctx);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
	return ok;
}
